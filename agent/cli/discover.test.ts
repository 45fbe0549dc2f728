/** `discover`, `record` and `probe` over real sockets: devices on loopback addresses of their own, one port, as in a shop. */
import { createSocket } from "node:dgram";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { realClock } from "@aislewatch/runtime";
import {
  bringToLife,
  labelPrinter,
  type MibEntry,
  networkSwitch,
  OidTree,
  officePrinter,
  posTerminal,
  type SnmpDevice,
  type SnmpV3User,
  seededRandom,
  startSnmpDevice,
  ups,
} from "@aislewatch/simulator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ran, runAgent } from "../../test/rig/command-line.ts";

const folder = mkdtempSync(join(tmpdir(), "aislewatch-discover-"));
const random = seededRandom(7);
const devices = new Map<string, SnmpDevice>();
let port = 0;

const text = (value: string): MibEntry["value"] => ({ type: "octets", value: new TextEncoder().encode(value) });
const octets = (...value: number[]): MibEntry["value"] => ({ type: "octets", value: Uint8Array.from(value) });
const number = (value: number): MibEntry["value"] => ({ type: "integer", value });
const LLDP = "1.0.8802.1.1.2.1";

const place = "Shop 42, cellar";
const label = { name: "bakery-1", model: "ZD421-203dpi", serial: "D8J0042", firmware: "V93.21.07Z", location: place };
const office = {
  name: "OFFICE.shop42.example",
  model: "HP Color LaserJet M480",
  serial: "VNB0042K31",
  location: place,
};
const power = { name: "ups", manufacturer: "Voltgard", model: "VG 1500 RT", serial: "VG15-0042-771", location: place };
const access = {
  name: "switch-1",
  model: "CBS250-24T-4G",
  serial: "RMK2642X0AB",
  firmware: "3.4.0.17",
  location: place,
  plugged: {},
  loosePort: 11,
};
const till = (n: number) => posTerminal({ name: `till-${n}`, os: "linux", serial: `NL7-${n}`, location: place });
const user: SnmpV3User = {
  name: "aisle",
  authProtocol: "sha256",
  authPassword: "correct-horse-auth",
  privProtocol: "aes",
  privPassword: "correct-horse-priv",
};

type Guard = { readonly community: string | null; readonly users?: readonly SnmpV3User[] };

async function serve(address: string, view: () => OidTree, { community, users = [] }: Guard): Promise<void> {
  const engineId = Buffer.concat([Buffer.from("8000b98304", "hex"), Buffer.from(address)]);
  const options = { address, port, community, users, engineId, view, clock: realClock, random };
  const started = await startSnmpDevice(options);
  if (!started.ok) throw new Error(started.error.detail);
  if (started.value.port !== port) throw new Error(`${address} has not the port of the others`);
  devices.set(address, started.value);
}

/** The switch's own model, and who is around it: the bakery's printer by LLDP, the office's by the forwarding table. */
function switchView(): OidTree {
  const model = networkSwitch(access);
  return new OidTree([
    ...model.mib(model.start(random), 0),
    { oid: `${LLDP}.3.7.1.3.5`, value: text("gi5") },
    { oid: `${LLDP}.4.1.1.4.0.5.1`, value: number(7) },
    { oid: `${LLDP}.4.1.1.5.0.5.1`, value: text("a printer") },
    { oid: `${LLDP}.4.1.1.9.0.5.1`, value: text(label.serial) },
    { oid: "1.3.6.1.2.1.4.22.1.2.1.127.42.0.3", value: octets(0x00, 0x1b, 0xa9, 1, 2, 3) },
    { oid: "1.3.6.1.2.1.17.1.4.1.2.7", value: number(10_107) },
    { oid: "1.3.6.1.2.1.17.4.3.1.2.0.27.169.1.2.3", value: number(7) },
  ]);
}

beforeAll(async () => {
  port = await new Promise<number>((resolve) => {
    const socket = createSocket("udp4");
    socket.bind(0, "127.42.0.1", () => {
      const { port: free } = socket.address();
      socket.close(() => resolve(free));
    });
  });
  const open = { community: "public" };
  const alive = (life: { tree(): OidTree }) => () => life.tree();
  await serve("127.42.0.1", switchView, open);
  await serve("127.42.0.2", alive(bringToLife(labelPrinter(label), realClock, random)), open);
  await serve("127.42.0.3", alive(bringToLife(officePrinter(office), realClock, random)), open);
  await serve("127.42.0.4", alive(bringToLife(ups(power), realClock, random)), open);
  await serve("127.42.0.5", alive(bringToLife(till(1), realClock, random)), { community: "s3cret-of-42" });
  await serve("127.42.0.6", alive(bringToLife(till(2), realClock, random)), { community: null, users: [user] });
  await serve("127.42.0.77", alive(bringToLife(till(3), realClock, random)), open);
  await serve("127.42.0.200", alive(bringToLife(till(3), realClock, random)), open);
  writeFileSync(join(folder, "community"), "s3cret-of-42\n");
  writeFileSync(join(folder, "auth"), user.authPassword);
  writeFileSync(join(folder, "priv"), user.privPassword);
  writeFileSync(
    join(folder, "credentials.yaml"),
    [
      "communities: [file:community]",
      "users:",
      "  - name: aisle",
      "    auth: { protocol: sha256, password: file:auth }",
      "    privacy: { protocol: aes, password: file:priv }",
      "public: true",
      "",
    ].join("\n"),
  );
});

afterAll(async () => {
  await Promise.all([...devices.values()].map((device) => device.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const path = (name: string): string => resolve(folder, name);
const look = (...args: string[]): Promise<Ran> =>
  runAgent(["discover", "--port", String(port), "--timeout", "300ms", "--rate", "2000/s", ...args]);

describe("aislewatch-agent discover", () => {
  it("turns a /24 into an agent.yaml that runs as it is, in seconds", async () => {
    const startMs = performance.now();
    const ran = await look(
      "--subnet",
      "127.42.0.0/24",
      "--credentials",
      path("credentials.yaml"),
      "--out",
      path("agent.yaml"),
    );
    const tookMs = performance.now() - startMs;
    expect(ran).toMatchObject({ code: 0, out: "" });
    expect(ran.error).toContain("8 devices in 254 addresses");
    // It takes three; one address after the other, 76.
    expect(tookMs).toBeLessThan(45_000);
    const yaml = readFileSync(path("agent.yaml"), "utf8").replaceAll(`:${port}`, ":PORT");
    const entries = yaml.split(/\n(?= {2}# )/).slice(1);
    expect(entries.map((entry) => /- id: (.*)/.exec(entry)?.[1])).toEqual([
      "switch-1",
      "label-printer-0-2",
      "office",
      "ups-0-4",
      "till-1",
      "till-2",
      "till-3-0-77",
      "till-3-0-200",
    ]);
    expect(entries[0]).toMatch(
      /# Cisco CBS250-24T-4G, serial RMK2642X0AB; profile radlan-switch\n[\s\S]*kind: network_switch\n/,
    );
    expect(entries[1]).toMatch(
      /; profile zebra\n[\s\S]*kind: label_printer\n[\s\S]*depends_on: \[switch-1\] # at its port gi5\n/,
    );
    expect(yaml, "a device that is replaced by another model must be read by that one's profile").not.toMatch(
      /^ +profile:/m,
    );
    expect(entries[2]).toMatch(/kind: office_printer\n[\s\S]*depends_on: \[switch-1\] # at its port Gi0\/7\n/);
    expect(entries[3]).toMatch(/kind: ups\n {4}name: "Voltgard VG 1500 RT"\n[\s\S]*address: "127.42.0.4:PORT"$/);
    expect(entries[4]).toContain('community: "file:community"');
    expect(entries[5]).toContain(
      'version: "3"\n    user: { name: "aisle", auth: { protocol: "sha256", password: "file:auth" }',
    );
    expect(yaml).not.toMatch(/s3cret|correct-horse/);
    expect(await runAgent(["check", "--config", path("agent.yaml")])).toMatchObject({ code: 0, error: "" });
    const probed = await runAgent(["probe", "till-2", "--config", path("agent.yaml")]);
    expect(probed).toMatchObject({ code: 0, error: "" });
    expect(probed.out).toMatch(/^recognised +\S.*\nasked +\d+ requests, \d+ values came\ntook +\d+ ms$/m);
  });

  it("says on a second look that nothing is new", async () => {
    const again = await look(
      "--subnet",
      "127.42.0.0/24",
      "--credentials",
      path("credentials.yaml"),
      "--config",
      path("agent.yaml"),
    );
    expect(again).toMatchObject({ code: 0 });
    expect(again.out).toBe(`# Beside ${path("agent.yaml")}: 0 new, 0 gone, 0 changed, 8 as before.\n`);
  });

  it("says what is new, gone, moved and another device than before", async () => {
    const device = (id: string, kind: string, address: string): string =>
      `  - { id: ${id}, kind: ${kind}, driver: snmp, address: "127.42.0.${address}:${port}" }\n`;
    writeFileSync(
      path("old.yaml"),
      `site: shop\nagent: pc\ncollector: { url: "mqtt://127.0.0.1:1883" }\ndata: ./seen\ndevices:\n${device("core", "network_switch", "1")}${device("office", "office_printer", "3")}${device("dock", "label_printer", "9")}${device("cellar", "ups", "99")}${device("power", "network_switch", "4")}${device("lane-3", "pos_terminal", "77")}`,
    );
    mkdirSync(path("seen"));
    const seen = (id: string, asset: object): object => ({ id, asset });
    const status = {
      devices: [seen("office", { model: "x", serial: "OLD-1" }), seen("dock", { serial: label.serial })],
    };
    writeFileSync(path("seen/status.json"), JSON.stringify(status));
    const subnets = ["127.42.0.0/28", "127.42.0.77", "127.42.0.99"].flatMap((subnet) => ["--subnet", subnet]);
    const ran = await look(...subnets, "--config", path("old.yaml"));
    expect(ran.error).toContain("127.42.0.5 speaks SNMP, but none of the credentials opens it");
    expect(ran.out.split("\n").filter((line) => line.startsWith("# "))).toEqual([
      `# Beside ${path("old.yaml")}: 1 new, 2 gone, 2 changed, 2 as before.`,
      "# gone: dock at 127.42.0.9",
      "# gone: cellar at 127.42.0.99",
      "# moved: dock from 127.42.0.9 to 127.42.0.2",
      expect.stringMatching(
        /^# changed: office at 127.42.0.3 was x serial OLD-1, is HP Color LaserJet M480 serial VNB0042K31$/,
      ),
      "# changed: power at 127.42.0.4 was kind network_switch, is kind ups",
    ]);
    expect(ran.out).toContain("  - id: label-printer-0-2\n");
    expect(ran.out).toContain("    depends_on: [core] # at its port gi5\n");
    const json = await look("--subnet", "127.42.0.2", "--json");
    expect(JSON.parse(json.out)).toMatchObject({
      devices: [{ id: "label-printer-0-2", profile: "zebra" }],
      silent: [],
    });
  });

  it("says what may be wrong when nobody answers", async () => {
    const ran = await look("--subnet", "127.42.0.250");
    expect(ran).toMatchObject({ code: 0, out: expect.stringContaining("devices: []") });
    expect(ran.error).toMatch(/^0 devices in 1 address, .*\nnothing answered: is SNMP switched on/);
  });

  it("stops at Ctrl-C with what it has, and calls nothing gone", async () => {
    let stop = (): void => undefined;
    let shown = "";
    const wide = ["--subnet", "127.42.0.0/16", "--rate", "300/s", "--config", path("agent.yaml")];
    const ran = await runAgent(["discover", "--port", String(port), ...wide], {
      errorIsTerminal: true,
      error: (chunk) => {
        shown += chunk;
        if (/ [1-9]\d* found/.test(chunk)) stop();
      },
      onInterrupt: (end) => {
        stop = end;
        return () => undefined;
      },
    });
    expect(ran.code).toBe(0);
    expect(ran.out).toContain(" 0 gone, ");
    expect(shown, "who answered until then is asked who it is").toMatch(
      /[\n\r][1-9]\d* devices? in 65534 addresses, .* stopped by hand/,
    );
  });

  it("leaves out who those are that answered, at a second Ctrl-C", async () => {
    let shown = "";
    let asked = 0;
    const ran = await runAgent(
      ["discover", "--port", String(port), "--subnet", "127.42.0.0/28", "--timeout", "300ms"],
      {
        error: (chunk) => {
          shown += chunk;
        },
        onInterrupt: (end) => {
          // The first is for the search, which is let go on to its end.
          if (++asked === 2) end();
          return () => undefined;
        },
      },
    );
    expect(ran).toMatchObject({ code: 0, out: expect.stringContaining("devices: []") });
    expect(shown).toMatch(/^0 devices in 14 addresses, .*; stopped by hand, so this is not all\n127\.42\.0\.1 speaks/);
    expect(shown).toContain("127.42.0.4 speaks SNMP, but there was no time to ask who it is\n");
  });

  it.each<{ name: string; args: string[]; want: RegExp }>([
    { name: "no subnet", args: [], want: /discover needs --subnet, such as/ },
    { name: "a subnet that is none", args: ["--subnet", "10.42.0.0/33"], want: /received a prefix of 33 bits/ },
    {
      name: "a name for a subnet",
      args: ["--subnet", "shop"],
      want: /expected a subnet such as 10\.42\.0\.0\/24 or fd00:42::\/120, or one address; received "shop"/,
    },
    {
      name: "too large a subnet",
      args: ["--subnet", "10.0.0.0/8"],
      want: /expected at most a \/16 .* received "10\.0\.0\.0\/8"/,
    },
    { name: "too large an IPv6 subnet", args: ["--subnet", "fd00::/64"], want: /expected at most a \/112 / },
    {
      name: "a rate that is none",
      args: ["--subnet", "127.0.0.1", "--rate", "fast"],
      want: /--rate: expected packets a second/,
    },
    {
      name: "a port that is none",
      args: ["--subnet", "127.0.0.1", "--port", "0"],
      want: /--port: expected a port from 1 to 65535; received "0"/,
    },
    {
      name: "a wait without a unit",
      args: ["--subnet", "127.0.0.1", "--timeout", "5"],
      want: /--timeout: .*received "5"/,
    },
    {
      name: "no credentials file",
      args: ["--subnet", "127.0.0.1", "--credentials", "none.yaml"],
      want: /none\.yaml {2}CFG_MISSING_FILE/,
    },
    {
      name: "a configuration that is not there",
      args: ["--subnet", "127.0.0.1", "--config", "none.yaml"],
      want: /CFG_MISSING_FILE/,
    },
    {
      name: "a folder of profiles that is none",
      args: ["--subnet", "127.0.0.1", "--profiles", "none"],
      want: /expected a folder of profiles/,
    },
    {
      name: "another command's option",
      args: ["--subnet", "127.0.0.1", "--from", "x"],
      want: /discover takes no --from/,
    },
  ])("refuses $name", async ({ args, want }) => {
    const ran = await runAgent(["discover", ...args]);
    expect(ran).toMatchObject({ code: 2, out: "" });
    expect(ran.error).toMatch(want);
  });

  it("never writes over a file, nor shows a secret that stands where a reference belongs", async () => {
    expect(await look("--subnet", "127.42.0.1", "--out", path("agent.yaml"))).toMatchObject({
      code: 2,
      error: `--out: ${path("agent.yaml")} is there already; remove it, or name another file\n`,
    });
    expect(await look("--subnet", "127.42.0.1", "--out", path("none/agent.yaml"))).toMatchObject({
      code: 2,
      error: `--out: ${path("none/agent.yaml")}: there is no folder ${path("none")}\n`,
    });
    writeFileSync(path("bad.yaml"), "communities: [hunter2]\n");
    const ran = await look("--subnet", "127.42.0.1", "--credentials", path("bad.yaml"));
    expect(ran).toMatchObject({ code: 2, out: "" });
    expect(ran.error).toMatch(/bad\.yaml:1:\d+ {2}CFG_SECRET/);
    expect(ran.error).not.toContain("hunter2");
  });
});

describe("aislewatch-agent record", () => {
  it("writes all that a device says without what identifies the shop, for probe to read", async () => {
    const file = path("office.json");
    const ran = await runAgent(["record", "office", "--config", path("agent.yaml"), "--out", file]);
    expect(ran).toMatchObject({ code: 0, out: "" });
    expect(ran.error).toMatch(/^office: \d+ values in [\d.]+ s by \d+ requests\nreplaced: .*1 serial/);
    const recording = readFileSync(file, "utf8");
    for (const secret of [office.serial, "shop42", "OFFICE", place, "store-systems"])
      expect(recording).not.toContain(secret);
    const live = await runAgent(["probe", "office", "--config", path("agent.yaml"), "--json"]);
    const replayed = await runAgent(["probe", "--from", file, "--json"]);
    expect(replayed).toMatchObject({ code: 0, error: "" });
    const [was, is] = [live, replayed].map(({ out }) => JSON.parse(out));
    expect(is.profile).toBe(was.profile);
    expect(is.asset).toEqual({ ...was.asset, serial: expect.stringMatching(/^X0+1$/) });
    const names = ({ samples }: { samples: { component: string; metrics: object }[] }) =>
      samples.map(({ component, metrics }) => [component, Object.keys(metrics)]);
    expect(names(is)).toEqual(names(was));
  });

  it("keeps what came when it is stopped, or has enough", async () => {
    const few = await runAgent(["record", "switch-1", "--config", path("agent.yaml"), "--rows", "300"]);
    expect(few.error).toContain("not whole: more than 300 values");
    expect(Object.keys(JSON.parse(few.out).varbinds)).toHaveLength(300);
    let stop = (): void => undefined;
    const onInterrupt = (end: () => void) => {
      stop = end;
      return () => undefined;
    };
    const stopping = { errorIsTerminal: true, onInterrupt, error: () => stop() };
    const stopped = await runAgent(["record", "switch-1", "--config", path("agent.yaml")], stopping);
    expect(JSON.parse(stopped.out)).toMatchObject({ cutShort: "stopped by hand", redacted: true });
  });

  it.each([
    { name: "no device", args: [], want: /record needs a device's id/ },
    { name: "an unknown device", args: ["ofice"], want: /there is no device "ofice"; did you mean "office"\?/ },
    { name: "too many rows", args: ["office", "--rows", "1e9"], want: /--rows: expected a number from 1 to 200000/ },
  ])("refuses $name", async ({ args, want }) => {
    const ran = await runAgent(["record", ...args, "--config", path("agent.yaml")]);
    expect(ran).toMatchObject({ code: 2, out: "" });
    expect(ran.error).toMatch(want);
  });

  it("says why nothing came, and records what there is nobody to ask for", async () => {
    writeFileSync(
      path("dead.yaml"),
      `site: a\nagent: b\ncollector: { url: "mqtt://127.0.0.1:1" }\ndevices:\n  - { id: dead, kind: host, driver: snmp, address: "127.42.0.250:${port}", request_timeout: 100ms, retries: 0 }\n  - { id: pc, kind: host, driver: host }\n`,
    );
    const ran = await runAgent(["record", "dead", "--config", path("dead.yaml"), "--out", path("dead.json")]);
    expect([ran.code, existsSync(path("dead.json"))]).toEqual([1, false]);
    expect(ran.error).toMatch(/^dead: (refused|timeout): /);
    const other = await runAgent(["record", "pc", "--config", path("dead.yaml"), "--out", path("pc.json")]);
    expect(other).toMatchObject({ code: 0, error: expect.stringContaining("pc: its reply, whole") });
    const replayed = await runAgent(["probe", "--from", path("pc.json")]);
    expect(replayed.out).toMatch(/^driver +host, .*pc\.json$/m);
    expect(replayed.out).toMatch(/^ +uptime_seconds +\d/m);
  });
});

describe("aislewatch-agent probe --from", () => {
  it("reads snmprec and the text of snmpwalk", async () => {
    const rows = ["1.3.6.1.2.1.1.1.0|4|Acme UPS", "1.3.6.1.2.1.1.2.0|6|1.3.6.1.2.1.33", "1.3.6.1.2.1.33.1.2.4.0|2|87"];
    writeFileSync(path("ups.snmprec"), `${rows.join("\n")}\n1.3.6.1.xx|2|1\n`);
    const walk =
      'iso.3.6.1.2.1.1.1.0 = STRING: "Acme UPS"\niso.3.6.1.2.1.1.2.0 = OID: iso.3.6.1.2.1.33\niso.3.6.1.2.1.33.1.2.4.0 = INTEGER: 87\n';
    writeFileSync(path("ups.snmpwalk"), walk);
    for (const file of ["ups.snmprec", "ups.snmpwalk"]) {
      const ran = await runAgent(["probe", "--from", path(file)]);
      expect(ran).toMatchObject({ code: 0, error: "" });
      expect(ran.out).toMatch(/^profile +ups, /m);
      expect(ran.out).toMatch(/^ +battery_charge_percent +87 +%/m);
    }
    expect((await runAgent(["probe", "--from", path("ups.snmprec")])).out).toContain(
      "snmprec, 3 values, 1 could not be read",
    );
    expect(JSON.parse((await runAgent(["probe", "--from", path("ups.snmprec"), "--raw"])).out)).toMatchObject({
      profile: "ups",
    });
  });

  it.each([
    { name: "a file that is not there", file: "none.json", want: /--from: .*none\.json: can't be read: ENOENT/ },
    { name: "a device that never ends", file: "/dev/zero", want: /expected a file; received a device/ },
    { name: "a file that is no recording", file: "credentials.yaml", want: /expected a recording: JSON of `record`/ },
  ])("refuses $name", async ({ file, want }) => {
    const ran = await runAgent(["probe", "--from", path(file)]);
    expect(ran).toMatchObject({ code: 2, out: "" });
    expect(ran.error).toMatch(want);
  });
});
