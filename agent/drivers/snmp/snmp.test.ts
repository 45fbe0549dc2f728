/** Against the agents that the field runs: net-snmp's snmpd, and walks of real devices played by snmpsimd. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Result } from "@aislewatch/base";
import type { SecretRef } from "@aislewatch/config";
import { findMetric, type Kind } from "@aislewatch/devices";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { freeUdpPort, waitFor } from "../../../test/rig/rig.ts";
import { openSnmp } from "../../transport/snmp.ts";
import type { DevicePoller, Parsed, PollError } from "../driver.ts";
import driver from "./index.ts";
import { HOST_UPTIME, type SnmpDeviceReply } from "./types.ts";

const SECRETS: Readonly<Record<string, string>> = {
  COMMUNITY: "store-7",
  AUTH: "auth-password",
  PRIVACY: "privacy-password",
  WRONG: "wrong-password",
};
const pollers: DevicePoller<SnmpDeviceReply>[] = [];

function open(config: Record<string, unknown>, kind: Kind = "host"): DevicePoller<SnmpDeviceReply> {
  const poller = driver.open({
    id: "back-office/server",
    kind,
    config: driver.config.parse(config),
    secret: (ref: SecretRef) => SECRETS[ref.name] ?? ref.name,
  });
  pollers.push(poller);
  return poller;
}

const poll = (poller: DevicePoller<SnmpDeviceReply>, nowMs = Date.now()): Promise<Result<SnmpDeviceReply, PollError>> =>
  poller.poll({ signal: AbortSignal.timeout(10_000), timeoutMs: 10_000, nowMs });

async function read(poller: DevicePoller<SnmpDeviceReply>, nowMs?: number): Promise<Parsed> {
  const reply = await poll(poller, nowMs);
  if (!reply.ok) throw new Error(`${reply.error.kind}: ${reply.error.detail}`);
  const parsed = poller.parse(JSON.parse(JSON.stringify(reply.value)) as SnmpDeviceReply);
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
}

const flat = (parsed: Parsed): Record<string, number | boolean> =>
  Object.fromEntries(
    parsed.samples.flatMap(({ component, metrics }) =>
      Object.entries(metrics).map(([name, value]) => [component === null ? name : `${component}.${name}`, value]),
    ),
  );

/** Polls until the server that was just started answers, or gives up with its last words. */
async function untilAnswered(config: Record<string, unknown>, server: ChildProcess): Promise<void> {
  let said = "";
  for (const stream of [server.stdout, server.stderr]) stream?.on("data", (chunk) => (said += String(chunk)));
  const poller = open({ ...config, request_timeout: "1s", retries: 0, profile: "system" });
  await waitFor("an answer", async () => {
    if ((await poll(poller)).ok) return true;
    throw new Error(server.exitCode === null ? `none; it said ${said}` : `the server ended: ${said}`);
  });
}

const installed = (program: string): boolean => spawnSync(program, ["--version"]).error === undefined;

afterEach(async () => {
  for (const poller of pollers.splice(0)) await poller.close();
});

describe.skipIf(!installed("snmpd") && process.env["CI"] === undefined)("snmpd", () => {
  const folder = mkdtempSync(join(tmpdir(), "snmpd-"));
  let server: ChildProcess;
  let address = "";

  beforeAll(async () => {
    const port = await freeUdpPort();
    address = `127.0.0.1:${port}`;
    const config = [
      `rocommunity ${SECRETS["COMMUNITY"]} 127.0.0.1`,
      `createUser noc SHA "${SECRETS["AUTH"]}" AES "${SECRETS["PRIVACY"]}"`,
      "rouser noc authPriv",
      `createUser reader SHA-256 "${SECRETS["AUTH"]}"`,
      "rouser reader authNoPriv",
      "sysname back-office",
      "sysdescr Linux back-office 6.1.0-demo",
    ].join("\n");
    writeFileSync(join(folder, "snmpd.conf"), `${config}\n`, { mode: 0o600 });
    server = spawn("snmpd", ["-f", "-Lo", "-C", "-c", join(folder, "snmpd.conf"), "-I", "-smux", `udp:${address}`], {
      env: { ...process.env, SNMP_PERSISTENT_DIR: folder, MIBS: "" },
    });
    await untilAnswered({ address, community: "env:COMMUNITY" }, server);
  });
  afterAll(async () => {
    server.kill("SIGKILL");
    if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
    rmSync(folder, { recursive: true });
  });

  const v3 = (user: Record<string, unknown>): Record<string, unknown> => ({ address, version: "3", user });
  const noc = (auth: string, privacy: string): Record<string, unknown> => ({
    name: "noc",
    auth: { protocol: "sha", password: `env:${auth}` },
    privacy: { protocol: "aes", password: `env:${privacy}` },
  });

  it.each([
    { name: "v1", config: () => ({ address, version: "1", community: "env:COMMUNITY" }) },
    { name: "v2c", config: () => ({ address, community: "env:COMMUNITY" }) },
    { name: "v2c, a row at a time", config: () => ({ address, community: "env:COMMUNITY", max_repetitions: 1 }) },
    { name: "v3 authPriv SHA and AES", config: () => v3(noc("AUTH", "PRIVACY")) },
    {
      name: "v3 authNoPriv SHA-256",
      config: () => v3({ name: "reader", auth: { protocol: "sha256", password: "env:AUTH" } }),
    },
  ])("is a host with memory, disks and ports by $name", async ({ config }) => {
    const poller = open(config());
    expect(poller.profile()).toBeNull();
    const parsed = await read(poller);
    const values = flat(parsed);
    expect(poller.profile()).toBe("host");
    expect(poller.metrics()).toContain("disk_used_percent");
    expect(values["uptime_seconds"]).toBeGreaterThan(0);
    expect(values["memory_used_percent"]).toBeGreaterThan(0);
    expect(values["process_count"]).toBeGreaterThan(0);
    expect(Math.abs(Number(values["clock_offset_seconds"]))).toBeLessThan(60);
    expect(parsed.asset).toMatchObject({ vendor: "net-snmp" });
    for (const { metrics } of parsed.samples) {
      for (const name of Object.keys(metrics)) expect(findMetric(name)?.kinds ?? ["host"]).toContain("host");
    }
    // The second poll asks only for what the profile needs, and says the same.
    expect(Object.keys(flat(await read(poller))).sort()).toEqual(Object.keys(values).sort());
  });

  it.each([
    {
      name: "the user name",
      config: () => v3({ ...noc("AUTH", "PRIVACY"), name: "nobody" }),
      want: { kind: "auth", detail: "the device does not know the user name" },
    },
    {
      name: "the authentication password",
      config: () => v3(noc("WRONG", "PRIVACY")),
      want: { kind: "auth", detail: "the authentication password or protocol is wrong" },
    },
    {
      name: "the privacy password",
      config: () => ({ ...v3(noc("AUTH", "WRONG")), request_timeout: "300ms", retries: 0 }),
      want: { kind: "auth", detail: "the privacy password or protocol is wrong" },
    },
    {
      name: "the cipher, which is too old,",
      config: () => v3({ ...noc("AUTH", "PRIVACY"), privacy: { protocol: "des", password: "env:PRIVACY" } }),
      want: { kind: "config", detail: "this program's cryptography has no DES" },
    },
    {
      name: "the security level",
      config: () => v3({ name: "noc", auth: { protocol: "sha", password: "env:AUTH" }, privacy: undefined }),
      want: { kind: "auth", detail: "the device refuses this user at this security level" },
    },
    {
      name: "the community",
      config: () => ({ address, request_timeout: "100ms", retries: 0, community: "env:WRONG" }),
      want: { kind: "timeout", detail: expect.stringMatching(/^no answer in 1 try of \d+ ms$/) },
    },
  ])("says that $name is wrong", async ({ config, want }) => {
    const reply = await poll(open(config()));
    expect(reply.ok ? "an answer" : { kind: reply.error.kind, detail: reply.error.detail }).toEqual(want);
    expect(JSON.stringify(reply)).not.toContain('password":"');
    for (const secret of Object.values(SECRETS)) expect(JSON.stringify(reply)).not.toContain(secret);
  });

  it("that started anew on a host that did not is no restart of the host", async () => {
    const poller = open({ address, community: "env:COMMUNITY", profile: "system" });
    await read(poller);
    const first = await poll(poller);
    if (!first.ok) throw new Error(first.error.detail);
    expect(first.value.before).not.toBeNull();
    // As if it had been up for long before: the poller asks for what tells a restart from a wrap.
    const later = { ...first.value, before: { at: first.value.at - 30_000, uptimeTicks: 900_000_00 } };
    expect(poller.parse(later)).toMatchObject({ value: { events: [{ code: "rebooted" }] } });
    const varbinds = { ...later.varbinds, [HOST_UPTIME]: { type: "ticks" as const, value: 900_003_00 } };
    expect(poller.parse({ ...later, varbinds })).not.toHaveProperty("value.events");
  });

  it.each(["1", "2c"] as const)("has what it has at an OID or below it, by v%s", async (version) => {
    const [host = "", port] = address.split(":");
    const credential = { version, community: SECRETS["COMMUNITY"] ?? "" };
    const target = { host, port: Number(port), credential, timeoutMs: 2_000, retries: 1, maxRepetitions: 20 };
    const session = await openSnmp(target);
    if (!session.ok) throw new Error(session.error.detail);
    session.value.begin(AbortSignal.timeout(10_000), 10_000);
    const there = [
      "1.3.6.1.2.1.1.1.0", // a scalar's only instance
      "1.3.6.1.2.1.1.5", // a scalar
      "1.3.6.1.2.1.2.2.1.2.1", // a cell, the first of its column
      "1.3.6.1.2.1.2.2.1.8", // a column among others
      "1.3.6.1.2.1.1.9.1.3.2", // a cell behind another
      "1.3", // all there is
    ];
    const missing = ["1.3.6.1.2.1.1.1.1", "1.3.6.1.2.1.1.9.1.3.9999", "1.3.6.1.2.1.43.5.1.1.18", "1.3.6.1.4.1.99999"];
    const present = await session.value.present([...missing, ...there]);
    expect(present.ok ? [...present.value].sort() : present.error).toEqual([...there].sort());
    // Two rounds of GETNEXT, and a GET that v1 has to shorten by a name at a time.
    expect(session.value.cost().requests).toBeLessThanOrEqual(version === "1" ? 10 : 3);
    session.value.close();
  });

  it("leaves nothing behind when a poll is cut short", async () => {
    const poller = open({ address, community: "env:COMMUNITY" });
    const stop = new AbortController();
    const running = poller.poll({ signal: stop.signal, timeoutMs: 10_000, nowMs: 1 });
    stop.abort();
    expect(await running).toMatchObject({ ok: false, error: { kind: "timeout", detail: "the poll's time was up" } });
    expect((await poll(poller)).ok).toBe(true);
  });
});

const recordings = fileURLToPath(new URL("../../../../shared/devices/snmprec/", import.meta.url));
const canPlay = installed("snmpsimd") && existsSync(recordings);
if (!canPlay) console.warn("snmpsimd or ../shared/devices/snmprec is missing: the driver was not tried on recordings");

describe.skipIf(!canPlay && process.env["CI"] === undefined)("recorded devices, played by snmpsimd", () => {
  const folder = mkdtempSync(join(tmpdir(), "snmpsim-"));
  const played = ["zebra", "konica_c250i", "cyberpower_pr2200rt2uc", "linksys-ss_lgs318p", "windows_svr_2019_1809"];
  let server: ChildProcess;
  let address = "";

  beforeAll(async () => {
    const data = join(folder, "data");
    mkdirSync(data);
    for (const name of played) {
      // Rows whose OID the source redacted (`10.xx.xx.1`) end snmpsimd.
      const rows = readFileSync(join(recordings, `${name}.snmprec`), "latin1").split("\n");
      const whole = rows.filter((row) => /^\.?[\d.]+\|\d+x?\|/.test(row));
      writeFileSync(join(data, `${name}.snmprec`), `${whole.join("\n")}\n`, { encoding: "latin1", mode: 0o644 });
    }
    // snmpsimd gives up root and then writes its index.
    for (const dir of [folder, data]) chmodSync(dir, 0o777);
    const port = await freeUdpPort();
    address = `127.0.0.1:${port}`;
    const drop = process.getuid?.() === 0 ? ["--process-user=nobody", "--process-group=nogroup"] : [];
    server = spawn("snmpsimd", [
      `--data-dir=${data}`,
      `--cache-dir=${join(folder, "cache")}`,
      `--agent-udpv4-endpoint=${address}`,
      "--logging-method=null",
      ...drop,
    ]);
    await untilAnswered({ address, community: "file:konica_c250i" }, server);
  });
  afterAll(async () => {
    server.kill("SIGKILL");
    if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
    rmSync(folder, { recursive: true });
  });

  it.each([
    { name: "zebra", kind: "label_printer", profile: "zebra", want: { head_open: false, media_out: false } },
    { name: "konica_c250i", kind: "office_printer", profile: "konica-printer", want: { service_requested: true } },
    {
      name: "cyberpower_pr2200rt2uc",
      kind: "ups",
      profile: "cyberpower-ups",
      want: { battery_runtime_seconds: 10_500, battery_voltage_volts: 54.8 },
    },
    {
      name: "linksys-ss_lgs318p",
      kind: "network_switch",
      profile: "radlan-switch",
      want: { "port-gi1.port_up": true },
    },
    { name: "windows_svr_2019_1809", kind: "pos_terminal", profile: "host", want: { memory_used_percent: 22.7 } },
  ] as const)("$name is a $profile", async ({ name, kind, profile, want }) => {
    // snmpsimd finds the recording by the community.
    const poller = open({ address, community: `file:${name}` }, kind);
    const parsed = await read(poller);
    expect(poller.profile()).toBe(profile);
    expect(flat(parsed)).toMatchObject(want);
  });
});
