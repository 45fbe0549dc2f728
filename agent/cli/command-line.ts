/** `aislewatch-agent`: which command, with which flags; the commands are the files beside this one. */
import { parseArgs } from "node:util";
import { errorText } from "@aislewatch/base";
import { EXIT } from "@aislewatch/runtime";
import { type Flags, type Terminal, WRITTEN_OPTIONS, type WrittenOption } from "./terminal.ts";

export const HELP = `aislewatch-agent: polls the devices of a site and sends what they say to a collector

Usage
  aislewatch-agent run      --config FILE          watch until stopped (Ctrl-C, SIGTERM)
  aislewatch-agent check    --config FILE          say what is wrong with a configuration, and connect to nothing
  aislewatch-agent discover --subnet NET           find SNMP devices and propose an agent.yaml; with --config, what
                                                   is new, gone or another device than before
  aislewatch-agent discover --serial               the same of this host's serial ports; nothing is sent to them
  aislewatch-agent discover --usb                  the same of the USB devices; none is opened
  aislewatch-agent discover --spoolers             the same of the print queues of this host's CUPS
  aislewatch-agent discover --ask PORT             ask one serial port which device hangs on it
  aislewatch-agent probe    DEVICE --config FILE   poll one device once and show what it says
  aislewatch-agent probe    --from RECORDING       the same from a file: JSON of record, .snmprec, or snmpwalk's text
  aislewatch-agent record   DEVICE --config FILE   write all that a device says as a test case without names,
                                                   addresses and serial numbers
  aislewatch-agent status   --config FILE          show what the running agent is doing
  aislewatch-agent doctor   --config FILE          look at everything: what is wrong, and what to do about it
  aislewatch-agent profiles check|list|explain     what is known of SNMP devices; profiles --help says more

Options
  -c, --config FILE       the agent's configuration              (default: agent.yaml, or $AISLEWATCH_AGENT_CONFIG)
      --log-format F      json or text                           (default: text on a terminal, json otherwise)
      --log-level L       debug, info, warn or error             (default: info)
      --json              probe, status, doctor, discover: JSON instead of a table
      --raw               probe: the device's reply as it came, before it is understood; of a line all bytes
      --subnet NET        discover: 10.42.0.0/24 or one address; may stand several times, at most a /16
      --ports             discover: connect to the subnets' TCP ports 9100, 631 and 502 as well, to see who is there;
                          who has 631 open is asked over IPP which printer it is
      --kind KIND         discover --ask: what hangs there, so that it is asked in letters, too: receipt_printer,
                          label_printer or scale
      --credentials FILE  discover: communities and users to try             (default: the community public)
      --port N            discover: the devices' UDP port                    (default: 161)
      --rate N/s          discover: packets a second at most                 (default: 500/s)
      --timeout D         discover: how long to wait for an answer           (default: 1s)
                          record: how long the whole may take                (default: 10m)
      --rows N            record: values at most                             (default: 50000)
      --profiles FOLDER   discover, probe --from: profiles of your own beside the built-in ones
      --out FILE          discover, record: write to a new file instead of the terminal
      --version           print the version
  -h, --help              print this

Exit codes: 0 done, or stopped as asked; 1 failed; 2 the configuration or the command line is wrong. Of doctor: 0 all is
well, 1 something is worth a look, 2 something does not work.
`;

type Command = (flags: Flags, terminal: Terminal, version: string) => Promise<number> | number;

/** Each is loaded when it is the one: `run` holds none of the others in memory. */
const COMMANDS = {
  run: async () => (await import("./run.ts")).run,
  check: async () => (await import("./check.ts")).check,
  discover: async () => (await import("./discover.ts")).discover,
  probe: async () => (await import("./probe.ts")).probe,
  record: async () => (await import("./record.ts")).record,
  status: async () => (await import("./status.ts")).status,
  doctor: async () => (await import("./doctor.ts")).doctor,
} satisfies Readonly<Record<string, () => Promise<Command>>>;
type CommandName = keyof typeof COMMANDS;
const isCommand = (name: string): name is CommandName => Object.hasOwn(COMMANDS, name);

/** Options that mean something to some commands only: elsewhere they are a mistake, not a wish without effect. */
const ONLY_OF: Readonly<
  Record<WrittenOption | "subnet" | "serial" | "usb" | "spoolers" | "ports", readonly CommandName[]>
> = {
  subnet: ["discover"],
  serial: ["discover"],
  usb: ["discover"],
  spoolers: ["discover"],
  ports: ["discover"],
  ask: ["discover"],
  kind: ["discover"],
  credentials: ["discover"],
  profiles: ["discover", "probe"],
  rate: ["discover"],
  timeout: ["discover", "record"],
  port: ["discover"],
  rows: ["record"],
  out: ["discover", "record"],
  from: ["probe"],
};

/** Runs one command line; resolves with the exit code. */
export async function runCommandLine(args: readonly string[], terminal: Terminal, version: string): Promise<number> {
  // Its words and options are its own.
  if (args[0] === "profiles") return (await import("./profiles.ts")).profiles(args.slice(1), terminal);
  const parsed = parse(args, terminal);
  if (typeof parsed === "string") {
    terminal.error(`${parsed}\nTry: aislewatch-agent --help\n`);
    return EXIT.config;
  }
  if (parsed.asked !== null) {
    terminal.out(parsed.asked === "help" ? HELP : `aislewatch-agent ${version}\n`);
    return EXIT.asked;
  }
  const command: Command = await COMMANDS[parsed.command]();
  return command(parsed.flags, terminal, version);
}

type Parsed =
  | { readonly asked: "help" | "version" }
  | { readonly asked: null; readonly command: CommandName; readonly flags: Flags };

/** The command and its flags, or a complaint. */
function parse(args: readonly string[], terminal: Terminal): Parsed | string {
  let read: ReturnType<typeof readArgs>;
  try {
    read = readArgs(args);
  } catch (thrown) {
    return errorText(thrown);
  }
  const { values, positionals } = read;
  if (values.version) return { asked: "version" };
  if (values.help || positionals[0] === "help" || args.length === 0) return { asked: "help" };
  const [command = "", device, ...rest] = positionals;
  if (!isCommand(command))
    return `unknown command "${command}"; expected one of: ${[...Object.keys(COMMANDS), "profiles"].join(", ")}`;
  const misplaced = Object.entries(ONLY_OF).find(
    ([option, commands]) => Object.hasOwn(values, option) && !commands.includes(command),
  );
  if (misplaced !== undefined) return `${command} takes no --${misplaced[0]}`;
  const extra = command === "probe" || command === "record" ? rest[0] : device;
  if (extra !== undefined) return `${command} takes no "${extra}"`;
  const needsDevice = command === "record" || (command === "probe" && values.from === undefined);
  if (needsDevice && device === undefined) return `${command} needs a device's id`;
  const logFormat = values["log-format"] ?? (terminal.errorIsTerminal ? "text" : "json");
  if (logFormat !== "json" && logFormat !== "text")
    return `--log-format: expected json or text; received "${logFormat}"`;
  const logLevel = values["log-level"] ?? "info";
  if (logLevel !== "debug" && logLevel !== "info" && logLevel !== "warn" && logLevel !== "error") {
    return `--log-level: expected debug, info, warn or error; received "${logLevel}"`;
  }
  const named = values.config ?? terminal.env["AISLEWATCH_AGENT_CONFIG"];
  const { json = false, raw = false, subnet: subnets = [] } = values;
  const { serial = false, usb = false, spoolers = false, ports = false } = values;
  const written = Object.fromEntries(
    WRITTEN_OPTIONS.flatMap((option) => {
      const text = values[option];
      return text === undefined ? [] : [[option, text]];
    }),
  );
  const flags: Flags = {
    config: named ?? "agent.yaml",
    configNamed: named !== undefined,
    logFormat,
    logLevel,
    json,
    raw,
    device: device ?? null,
    serial,
    usb,
    spoolers,
    ports,
    subnets,
    written,
  };
  return { asked: null, command, flags };
}

function readArgs(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      config: { type: "string", short: "c" },
      "log-format": { type: "string" },
      "log-level": { type: "string" },
      json: { type: "boolean" },
      raw: { type: "boolean" },
      subnet: { type: "string", multiple: true },
      credentials: { type: "string" },
      profiles: { type: "string" },
      rate: { type: "string" },
      timeout: { type: "string" },
      port: { type: "string" },
      rows: { type: "string" },
      out: { type: "string" },
      from: { type: "string" },
      serial: { type: "boolean" },
      usb: { type: "boolean" },
      spoolers: { type: "boolean" },
      ports: { type: "boolean" },
      ask: { type: "string" },
      kind: { type: "string" },
      version: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
}
