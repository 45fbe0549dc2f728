import { join } from "node:path";
import { parseArgs } from "node:util";
import { alignedTable } from "@aislewatch/runtime";
import { type DemoListing, type DemoRequest, demoControl } from "@aislewatch/simulator";
import { DEMO_FOLDER } from "./client.ts";
import { complain, EXIT, type ExitCode, print, printJson, UsageError, unknownCommand } from "./command.ts";

export const demoHelp = `Usage: aislewatch demo <command> [options]

  run                       collector, page, an agent on this host and a store of simulated devices, until Ctrl-C
      --folder DIR          where everything is kept (default: .aislewatch)
      --http PORT           the page's port (default: 8080, or the next free one)
      --mqtt PORT           the agents' port (default: 1883, or the next free one)
      --no-scenario         no faults by themselves
  list                      the demo's devices and the faults that each knows
  fault DEVICE FAULT        break a device: aislewatch demo fault receiving/label-printer media-out
  heal DEVICE [FAULT]       mend it (all faults, when none is named)

  --json                    for scripts
`;

export async function demo(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    allowNegative: true,
    options: {
      folder: { type: "string" },
      http: { type: "string" },
      mqtt: { type: "string" },
      scenario: { type: "boolean" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [command, device, fault, ...rest] = positionals;
  if (values.help || command === undefined) {
    print(demoHelp);
    return values.help ? EXIT.ok : EXIT.usage;
  }
  const folder = values.folder ?? DEMO_FOLDER;
  if (command === "run") {
    const { runDemo } = await import("./demo-run.ts");
    return runDemo({
      folder,
      http: port("--http", values.http),
      mqtt: port("--mqtt", values.mqtt),
      scenario: values.scenario ?? true,
    });
  }
  if (rest.length > 0) throw new UsageError(`too many words: ${rest.join(" ")}`);
  return control(folder, requestOf(command, device, fault), values.json ?? false);
}

function port(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw new UsageError(`${option} takes a port from 1 to 65535, not "${text}"`);
  return number;
}

function requestOf(command: string, device: string | undefined, fault: string | undefined): DemoRequest {
  switch (command) {
    case "list":
      return { do: "list" };
    case "fault":
      if (device === undefined || fault === undefined)
        throw new UsageError(`which device and which fault? "aislewatch demo list" shows them`);
      return { do: "fault", device, fault };
    case "heal":
      if (device === undefined) throw new UsageError(`which device? "aislewatch demo list" shows them`);
      return { do: "heal", device, fault: fault ?? "all" };
    default:
      throw new UsageError(unknownCommand(command, ["run", "list", "fault", "heal"]));
  }
}

async function control(folder: string, request: DemoRequest, json: boolean): Promise<ExitCode> {
  const reply = await demoControl(join(folder, "demo"), request);
  if (!reply.ok) {
    complain(`aislewatch: ${reply.error.message}\n`);
    return reply.error.code === "not_running" ? EXIT.failed : EXIT.usage;
  }
  if (json) printJson(reply.value.devices);
  else print(alignedTable([["DEVICE", "KIND", "BROKEN BY", "KNOWS"], ...reply.value.devices.map(row)]));
  return EXIT.ok;
}

const row = ({ device, kind, faults, unreachable, knownFaults }: DemoListing): string[] => [
  device,
  kind,
  [...faults, ...(unreachable ? ["(what it depends on is dead)"] : [])].join(", ") || "–",
  Object.keys(knownFaults).join(", "),
];
