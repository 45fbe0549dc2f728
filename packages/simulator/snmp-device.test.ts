/** Against the real tools of net-snmp (Debian package `snmp`), with numeric OIDs so that no MIB files are needed. */
import { execFile, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { promisify } from "node:util";
import { ManualClock } from "@aislewatch/base";
import { afterEach, describe, expect, it } from "vitest";
import { spentUntil } from "../../test/rig/cpu-time.ts";
import { bringToLife, type LiveDevice } from "./live-device.ts";
import { labelPrinter } from "./models/label-printer.ts";
import { networkSwitch } from "./models/network-switch.ts";
import { officePrinter } from "./models/office-printer.ts";
import { posTerminal } from "./models/pos-terminal.ts";
import { ups } from "./models/ups.ts";
import { seededRandom } from "./random.ts";
import { type SnmpDevice, type SnmpDeviceOptions, startSnmpDevice } from "./snmp-device.ts";

const run = promisify(execFile);
/** Without the tools these tests are skipped, except where all must run. */
const withoutTools = spawnSync("snmpget", ["-V"]).error !== undefined && process.env["CI"] === undefined;
const at = { location: "Riverside Market", name: "test", serial: "TST0042" };
const clock = new ManualClock(1_760_000_000_000);
const random = seededRandom(7);
const devices = {
  linux: bringToLife(posTerminal({ ...at, os: "linux" }), clock, random),
  windows: bringToLife(posTerminal({ ...at, os: "windows" }), clock, random),
  label: bringToLife(labelPrinter({ ...at, model: "ZT411", firmware: "V92.21.39Z" }), clock, random),
  office: bringToLife(officePrinter({ ...at, model: "LaserJet M480" }), clock, random),
  ups: bringToLife(ups({ ...at, manufacturer: "Voltgard", model: "VG 1500" }), clock, random),
  switch: bringToLife(
    networkSwitch({ ...at, model: "CBS250", firmware: "3.4", plugged: { 1: "lane-1/pos" }, loosePort: 1 }),
    clock,
    random,
  ),
};
const USER = {
  name: "noc",
  authProtocol: "sha256",
  authPassword: "correct horse",
  privProtocol: "aes",
  privPassword: "battery staple",
} as const;
const V3 = ["-v3", "-l", "authPriv", "-u", "noc", "-a", "SHA-256", "-A", "correct horse", "-x", "AES"];

const running: SnmpDevice[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((device) => device.stop()));
});

async function serve(device: LiveDevice, options: Partial<SnmpDeviceOptions> = {}): Promise<SnmpDevice> {
  const started = await startSnmpDevice({
    address: "127.0.0.1",
    port: 0,
    community: "public",
    users: [USER],
    engineId: Buffer.from("8000b98304000042", "hex"),
    view: () => device.tree(),
    clock,
    random,
    ...options,
  });
  if (!started.ok) throw new Error(started.error.detail);
  running.push(started.value);
  return started.value;
}

/** Lines of `OID value` as the tool prints them, without the leading dot and the type. */
async function ask(tool: string, args: readonly string[], device: SnmpDevice, ...oids: string[]): Promise<string[]> {
  const { stdout } = await run(
    tool,
    ["-t", "5", "-r", "0", "-On", "-Oe", "-OQ", "-OU", "-Ot", ...args, `127.0.0.1:${device.port}`, ...oids],
    { maxBuffer: 4e6 },
  );
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/^\./, ""));
}
const V2 = ["-v2c", "-c", "public"];

describe.skipIf(withoutTools)("an SNMP device under net-snmp's tools", () => {
  for (const [name, device] of Object.entries(devices)) {
    it(`${name}: GETNEXT, GETBULK and v3 authPriv see the same view, whole and in order`, async () => {
      const served = await serve(device);
      const size = device.tree().size;
      const next = await ask("snmpwalk", V2, served, "1.3.6.1");
      const bulk = await ask("snmpbulkwalk", [...V2, "-Cr40"], served, "1.3.6.1");
      const secure = await ask("snmpbulkwalk", [...V3, "-X", "battery staple"], served, "1.3.6.1");
      expect(next.filter((line) => line.startsWith("1.3.6.1"))).toHaveLength(size + 1);
      expect(next.at(-1)).toContain("No more variables left in this MIB View");
      expect(bulk).toEqual(next);
      expect(secure).toEqual(next);
    });
  }

  it("v1 leaves out 64-bit counters and ends the walk with noSuchName", async () => {
    const served = await serve(devices.switch);
    const lines = await ask("snmpwalk", ["-v1", "-c", "public"], served, "1.3.6.1.2.1.31");
    expect(lines).not.toHaveLength(0);
    expect(lines.some((line) => line.startsWith("1.3.6.1.2.1.31.1.1.1.6."))).toBe(false);
    const missing = await ask("snmpget", ["-v1", "-c", "public"], served, "1.3.6.1.2.1.1.99.0").catch(String);
    expect(missing).toContain("noSuchName");
  });

  it("v2c answers what is missing with the exception that fits", async () => {
    const served = await serve(devices.ups);
    const lines = await ask("snmpget", V2, served, "1.3.6.1.2.1.33.1.3.3.1.3.9", "1.3.6.1.4.1.318.1.0");
    expect(lines[0]).toContain("No Such Instance");
    expect(lines[1]).toContain("No Such Object");
    const beyond = await ask("snmpgetnext", V2, served, "1.3.6.1.6.99");
    expect(beyond[0]).toContain("No more variables left");
  });

  it("GETBULK counts repetitions for each column", async () => {
    const served = await serve(devices.switch);
    const names = "1.3.6.1.2.1.31.1.1.1.1";
    const aliases = "1.3.6.1.2.1.31.1.1.1.18";
    const lines = await ask("snmpbulkget", [...V2, "-Cn1", "-Cr3"], served, "1.3.6.1.2.1.1.3", names, aliases);
    expect(lines.map((line) => line.split(" ")[0])).toEqual([
      "1.3.6.1.2.1.1.3.0",
      ...[10_101, 10_102, 10_103].flatMap((index) => [`${names}.${index}`, `${aliases}.${index}`]),
    ]);
  });

  it("refuses SET, a foreign community and a wrong password", async () => {
    const served = await serve(devices.ups);
    const set = ask("snmpset", V2, served, "1.3.6.1.2.1.1.5.0", "s", "mine");
    await expect(set).rejects.toThrow("notWritable");
    const short = ["-t", "0.3", "-r", "0"];
    await expect(run("snmpget", [...short, "-v2c", "-c", "x", `127.0.0.1:${served.port}`, "1.3"])).rejects.toThrow(
      "Timeout",
    );
    const wrong = [...short, ...V3, "-X", "wrong password", `127.0.0.1:${served.port}`, "1.3.6.1.2.1.1.1.0"];
    await expect(run("snmpget", wrong)).rejects.toThrow();
  });

  it("is walked, 24 ports of all columns, for less than a second of work", async () => {
    const served = await serve(devices.switch);
    const { cpuMs } = await spentUntil(async () => {
      const lines = await ask("snmpbulkwalk", [...V2, "-Cr25"], served, "1.3.6.1.2.1.2");
      expect(lines.length).toBeGreaterThan(24 * 17);
    });
    expect(cpuMs).toBeLessThan(1_000);
  });
});

describe.skipIf(withoutTools)("an SNMP device on its socket", () => {
  it("takes the next port when its own is taken", async () => {
    const first = await serve(devices.ups);
    const second = await serve(devices.ups, { port: first.port });
    expect(second.port).toBeGreaterThan(first.port);
    expect(await ask("snmpget", V2, second, "1.3.6.1.2.1.1.5.0")).toHaveLength(1);
  });

  it("survives garbage, and still answers", async () => {
    const served = await serve(devices.ups);
    const socket = createSocket("udp4");
    const bytes = seededRandom(3);
    for (let i = 0; i < 200; i++) {
      // Half of them begin as a v2c message does, to get past the first check.
      const noise = Buffer.from(Array.from({ length: 1 + Math.floor(bytes() * 60) }, () => Math.floor(bytes() * 256)));
      const head = i % 2 === 0 ? Buffer.from("302902010104067075626c6963a01c", "hex") : Buffer.alloc(0);
      await new Promise((sent) => socket.send(Buffer.concat([head, noise]), served.port, "127.0.0.1", sent));
    }
    socket.close();
    expect(await ask("snmpget", V2, served, "1.3.6.1.2.1.1.5.0")).toEqual(['1.3.6.1.2.1.1.5.0 = "test"']);
  });

  it("a silent device says nothing, a slow one answers late, a broken one answers nonsense", async () => {
    const served = await serve(devices.ups);
    const question = [...V2, "-t", "0.3", "-r", "0", `127.0.0.1:${served.port}`, "1.3.6.1.2.1.1.5.0"];
    served.setConduct({ kind: "silent" });
    await expect(run("snmpget", question)).rejects.toThrow("Timeout");
    served.setConduct({ kind: "garbage" });
    await expect(run("snmpget", question)).rejects.toThrow();
    served.setConduct({ kind: "slow", delayMs: 5_000 });
    const late = ask("snmpget", V2, served, "1.3.6.1.2.1.1.5.0");
    await expect.poll(() => clock.pending).toBe(1);
    clock.advance(5_000);
    expect(await late).toHaveLength(1);
  });
});
