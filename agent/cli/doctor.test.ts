/** The doctor against real faults: real sockets, real files, a broker that says by the byte what it should. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { type Finding, lockFolder, realClock } from "@aislewatch/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openOutboxFile } from "../outbox-open.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "../transport/test-certificate.ts";
import { runCommandLine } from "./command-line.ts";
import { grantFor } from "./doctor-devices.ts";

const VERSION = "1.2.3";
/** Taken, with leave to read both topics; refused for a wrong password; taken without leave. By MQTT 3.1.1. */
const CONNACK = (code: number): Buffer => Buffer.from([0x20, 2, 0, code]);
const SUBACK = (id: Buffer, code: number): Buffer => Buffer.from([0x90, 4, id[0] ?? 0, id[1] ?? 0, code, code]);

let folder = "";
const servers: Server[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "doctor-"));
});
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
  rmSync(folder, { recursive: true, force: true });
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const broker = ({ connack = 0, suback = 1 } = {}): Promise<number> =>
  listen(
    createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        if (bytes[0] === 0x10) socket.write(CONNACK(connack));
        if (bytes[0] === 0x82) socket.write(SUBACK(bytes.subarray(2, 4), suback));
      });
    }),
  );

const PRINTER = (port: number): string =>
  `  - { id: printer, kind: label_printer, driver: zpl, timeout: 500ms, line: { tcp: "127.0.0.1:${port}" } }\n`;

type Diagnosis = { exit: number; findings: Finding[]; text: string };

async function diagnose(config: string): Promise<Diagnosis> {
  const file = join(folder, "agent.yaml");
  writeFileSync(file, config);
  let text = "";
  const terminal = {
    out: (more: string) => {
      text += more;
    },
    error: () => {},
    env: {},
    ...{ outIsTerminal: false, errorIsTerminal: false },
  };
  const exit = await runCommandLine(["doctor", "--config", file, "--json"], terminal, VERSION);
  return { exit, text, findings: (JSON.parse(text) as { findings: Finding[] }).findings };
}

const configFor = (port: number, { devices = "devices: []\n", url = "mqtt", more = "" } = {}): string =>
  `site: store-1\nagent: pc\ncollector: { url: "${url}://127.0.0.1:${port}", password: file:secret${more} }\n${devices}`;

function withSecret(mode = 0o600): void {
  writeFileSync(join(folder, "secret"), "correct-horse");
  chmodSync(join(folder, "secret"), mode);
}

const wrong = ({ findings }: Diagnosis, group: string): string[] =>
  findings.filter((one) => one.group === group && one.level !== "ok").map(({ level, what }) => `${level} ${what}`);

describe("aislewatch-agent doctor", () => {
  it("says of a configuration that can't be used how to go on", async () => {
    const found = await diagnose("site: 7\n");
    expect(found.exit).toBe(2);
    expect(wrong(found, "configuration")).toEqual([expect.stringContaining("can't be used")]);
  });

  it.each([
    { name: "that takes it", broker: {}, is: [] },
    {
      name: "that refuses its password",
      broker: { connack: 5 },
      is: [expect.stringContaining("store-1/pc may not sign in")],
    },
    {
      name: "without leave to read",
      broker: { suback: 0x80 },
      is: [expect.stringContaining("may not read aislewatch/v1/store-1/pc/")],
    },
  ])("signs in at a broker $name", async ({ broker: how, is }) => {
    withSecret();
    const found = await diagnose(configFor(await broker(how)));
    expect(wrong(found, "collector")).toEqual(is);
    expect(found.text).not.toContain("correct-horse");
  });

  it("tells a broker that nobody runs, and a certificate that nobody vouches for or of another name", async () => {
    withSecret();
    writeFileSync(join(folder, "ca.pem"), TEST_CERTIFICATE);
    const port = await listen(createTlsServer({ cert: TEST_CERTIFICATE, key: TEST_KEY }));
    const strange = await diagnose(configFor(port, { url: "mqtts" }));
    expect(wrong(strange, "collector")).toEqual([expect.stringContaining("not trusted: DEPTH_ZERO_SELF_SIGNED_CERT")]);
    const other = await diagnose(configFor(port, { url: "mqtts", more: ", ca: ca.pem" }));
    expect(wrong(other, "collector")).toEqual([expect.stringContaining("ERR_TLS_CERT_ALTNAME_INVALID")]);
    const nobody = await diagnose(configFor(1));
    expect(wrong(nobody, "collector")).toEqual([expect.stringContaining("ECONNREFUSED")]);
  });

  it("tells a secret that everyone can read", async () => {
    withSecret(0o644);
    const found = await diagnose(configFor(await broker()));
    expect(wrong(found, "configuration")).toEqual([expect.stringContaining("everyone on this host can read")]);
  });

  it("polls each device, and says what to do about one that is not there", async () => {
    withSecret();
    const found = await diagnose(configFor(await broker(), { devices: `devices:\n${PRINTER(1)}` }));
    expect(wrong(found, "devices")).toEqual([expect.stringContaining("printer: ")]);
    expect(found.exit).toBe(2);
  });

  it.each([
    { name: "sound and empty", spoil: () => {}, is: [] },
    {
      name: "damaged",
      spoil: (file: string) => writeFileSync(file, "this was a database"),
      is: [expect.stringContaining("fail outbox.db is damaged")],
    },
    {
      name: "beside one that was set aside",
      spoil: (file: string) => writeFileSync(file.replace("outbox.db", "outbox.corrupt-1"), ""),
      is: [expect.stringContaining("set aside")],
    },
  ])("looks at an outbox that is $name, and leaves it as it is", async ({ spoil, is }) => {
    withSecret();
    const data = join(folder, "data");
    mkdirSync(data);
    const opened = openOutboxFile({
      ...{ folder: data, bytesMax: 2 ** 20, ageMsMax: 86_400_000, clock: realClock, newEpoch: () => "first" },
    });
    if (opened.ok) opened.value.close();
    spoil(join(data, "outbox.db"));
    const before = readFileSync(join(data, "outbox.db"));
    const found = await diagnose(configFor(await broker()));
    expect(wrong(found, "outbox").filter((text) => !text.includes("free"))).toEqual(is);
    expect(readFileSync(join(data, "outbox.db"))).toEqual(before);
  });

  it("neither signs in nor polls when it can't look whether an agent runs", async () => {
    withSecret();
    writeFileSync(join(folder, "data"), "no folder");
    const found = await diagnose(configFor(1, { devices: `devices:\n${PRINTER(1)}` }));
    expect(wrong(found, "outbox")).toEqual([expect.stringContaining("is no folder")]);
    expect(found.findings.filter(({ group }) => group === "collector" || group === "devices")).toEqual([]);
  });

  it("asks a running agent by what it wrote, and neither signs in nor polls beside it", async () => {
    withSecret();
    const data = join(folder, "data");
    const lock = lockFolder(data);
    const offline = { connected: false, lastError: "not authorized", clockOffsetMs: 300_000 };
    const health = { state: "down", lastFailure: { detail: "no answer" } };
    writeFileSync(
      join(data, "status.json"),
      JSON.stringify({
        ...{ state: "running", pid: process.pid, version: "1.0.0", writtenAt: realClock.now(), traps: null },
        collector: offline,
        outbox: { bytes: 700 * 2 ** 20, batches: 3, oldestAt: realClock.now() - 3_600_000, inMemory: null },
        devices: [
          { id: "printer", health, sources: [{ name: "usblp", state: "denied", detail: "no", grant: "usermod" }] },
        ],
      }),
    );
    const found = await diagnose(configFor(await broker({ connack: 5 }), { devices: `devices:\n${PRINTER(1)}` }));
    if (lock.ok) lock.value.release();
    expect(wrong(found, "agent")).toEqual([`warn process ${process.pid} runs version 1.0.0, installed is ${VERSION}`]);
    expect(wrong(found, "host")).toEqual([expect.stringContaining("5m behind the collector's")]);
    expect(wrong(found, "collector")).toEqual(["fail the agent is not connected: not authorized"]);
    expect(wrong(found, "outbox")).toContainEqual(expect.stringContaining("3 batches wait"));
    expect(wrong(found, "devices")).toEqual(["fail printer: no answer", "warn printer: may not use usblp: no"]);
  });
});

it.each([
  { name: "the group of the port", gid: 20, is: "usermod -aG dialout shop, and start the agent anew" },
  {
    name: "never root's group",
    gid: 0,
    is: "give the device file a group of its own by a rule of udev, such as dialout",
  },
])("who may not open a port is given $name", ({ gid, is }) => {
  expect(grantFor(gid, "shop", "root:x:0:\ndialout:x:20:\n")).toBe(is);
});
