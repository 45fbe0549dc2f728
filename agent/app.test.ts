/** The agent as users run it: a process of its own, real sockets, a real broker, and a collector played by the test. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeTelemetry, rowsOf, type Telemetry } from "@aislewatch/contract";
import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../test/rig/rig.ts";

const hasMosquitto = spawnSync("mosquitto", ["-h"]).error === undefined;
if (!hasMosquitto && process.env["CI"]) throw new Error("mosquitto is missing: apt-get install mosquitto");

const hasSnmptrap = spawnSync("snmptrap", ["-V"]).error === undefined;
if (!hasSnmptrap && process.env["CI"]) throw new Error("snmptrap is missing: apt-get install snmp");

const MAIN = new URL("main.ts", import.meta.url).pathname;
const frame = (text: string): string => `\u0002${text}\u0003\r\n`;
const STATUS = ["030,0,0,1225,000,0,0,0,000,0,0,0", "001,0,0,0,1,2,6,0,00000000,1,000", "1234,0"].map(frame).join("");

const stops: (() => unknown)[] = [];
let folder = "";
let brokerPort = 0;
let printerPort = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "agent-"));
  printerPort = await startPrinter();
  brokerPort = await freePort();
  writeFileSync(
    join(folder, "agent.yaml"),
    [
      "site: store-1",
      "agent: back-office",
      `collector: { url: "mqtt://127.0.0.1:${brokerPort}" }`,
      "every: 200ms",
      "devices:",
      `  - { id: lane-1/printer, kind: label_printer, driver: zpl, line: { tcp: "127.0.0.1:${printerPort}" } }`,
      "",
    ].join("\n"),
  );
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  rmSync(folder, { recursive: true, force: true });
});

describe.runIf(hasMosquitto)("aislewatch-agent run", () => {
  it("loses no batch and repeats none that was acked, across kills and a clean stop", async () => {
    await startBroker();
    const ledger = await startCollector();
    for (const signal of ["SIGKILL", "SIGKILL", "SIGTERM"] as const) {
      const agent = startAgent();
      const from = ledger.seqs.size;
      await until(() => ledger.seqs.size >= from + 5);
      agent.kill(signal);
      await exited(agent);
    }
    const last = Math.max(...ledger.seqs);
    expect([...ledger.seqs].sort((a, b) => a - b)).toEqual(Array.from({ length: last }, (_, n) => n + 1));
    expect(ledger.epochs.size).toBe(1);
    expect(ledger.statuses.at(-1)).toBe("offline");
  });

  it.runIf(hasSnmptrap)(
    "tells a trap's event at once, though its sender does not answer, and shows it in its status",
    async () => {
      await startBroker();
      const ledger = await startCollector();
      const [trapPort, silentPort] = [await freePort(), await freePort()];
      const traps = `traps: { listen: "127.0.0.1:${trapPort}" }`;
      const device = `  - { id: back-office/ups, kind: ups, driver: snmp, every: 1h, address: "127.0.0.1:${silentPort}" }`;
      const file = join(folder, "agent.yaml");
      writeFileSync(file, `${readFileSync(file, "utf8")}${device}\n${traps}\n`);
      const agent = startAgent();
      await until(() => existsSync(join(folder, "data", "status.json")) && status().traps?.listening !== null);
      await until(() => ledger.seqs.size > 0);
      const sent = spawnSync(
        "snmptrap",
        ["-v2c", "-c", "public", `127.0.0.1:${trapPort}`, "", "1.3.6.1.2.1.33.2.0.1"],
        {
          env: { ...process.env, SNMP_PERSISTENT_DIR: folder, MIBS: "" },
        },
      );
      expect(sent.status).toBe(0);
      await until(() => ledger.events.length > 0);
      expect(ledger.events).toMatchObject([
        { subject: "back-office/ups", code: "on_battery", detail: "upsTrapOnBattery" },
      ]);
      agent.kill("SIGTERM");
      expect(await exited(agent)).toBe(0);
      expect(status().traps).toMatchObject({ received: 1, taken: 1, lastTrap: { device: "back-office/ups" } });
      expect((await command("status")).out).toMatch(
        /^traps +127.0.0.1:\d+, 1 taken of 1; last on_battery from back-office\/ups/m,
      );
    },
  );

  it("stores what it polls while the collector is away, and sends it afterwards", async () => {
    const agent = startAgent();
    await until(() => existsSync(join(folder, "data", "status.json")));
    await until(() => status().outbox.batches >= 2);
    await startBroker();
    const ledger = await startCollector();
    await until(() => ledger.seqs.has(1) && ledger.seqs.has(2));
    expect(ledger.metrics).toMatchObject({ up: true, media_out: false });
    agent.kill("SIGTERM");
    expect(await exited(agent)).toBe(0);
  });

  it("stops within three seconds while nobody acks", async () => {
    await startBroker();
    const msToStop = async (): Promise<number> => {
      rmSync(join(folder, "data", "status.json"), { force: true });
      const agent = startAgent();
      await until(() => existsSync(join(folder, "data", "status.json")) && status().collector.inFlightBatches > 0);
      const startMs = performance.now();
      agent.kill("SIGTERM");
      expect(await exited(agent)).toBe(0);
      expect(status().state).toBe("stopped");
      return performance.now() - startMs;
    };
    // Once more when the machine stood still.
    await expect.poll(msToStop).toBeLessThan(3_000);
  });

  it("refuses a second start on its data folder, and names the process that has it", async () => {
    const agent = startAgent();
    await until(() => existsSync(join(folder, "data", "lock")));
    const second = await command("run");
    expect(second.code).toBe(1);
    expect(second.error).toContain(`in use by process ${agent.pid}`);
  });

  it("ends with its parent", async () => {
    const agent = startAgent(["ipc"]);
    await until(() => existsSync(join(folder, "data", "status.json")));
    agent.disconnect();
    expect(await exited(agent)).toBe(0);
  });
});

describe("aislewatch-agent", () => {
  it("probes a device once and shows its metrics with units and meanings", async () => {
    const { code, out } = await command("probe", "lane-1/printer");
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^driver +zpl, tcp://127\\.0\\.0\\.1:${printerPort}$`, "m"));
    expect(out).toMatch(/\n +media_out +no +No labels, receipt paper or paper is left\n/);
  });

  it("probes as JSON, and raw", async () => {
    const [json, raw] = [
      await command("probe", "lane-1/printer", "--json"),
      await command("probe", "lane-1/printer", "--raw", "--json"),
    ];
    expect(JSON.parse(json.out)).toMatchObject({ device: "lane-1/printer", samples: [{ metrics: { up: true } }] });
    expect(JSON.parse(raw.out)).toEqual({ hostStatus: expect.stringContaining("030,0,0"), errorStatus: null });
  });

  it.each([
    {
      name: "a device that is not there",
      args: ["probe", "lane-1/printr"],
      code: 2,
      says: 'did you mean "lane-1/printer"?',
    },
    { name: "a command that is not there", args: ["prob"], code: 2, says: 'unknown command "prob"' },
    { name: "a flag that is not there", args: ["run", "--confg", "x"], code: 2, says: "--confg" },
    { name: "a file that is not there", args: ["check", "--config", "none.yaml"], code: 2, says: "CFG_MISSING_FILE" },
    { name: "a status before the first run", args: ["status"], code: 1, says: "no agent has run" },
  ])("ends with $code for $name", async ({ args, code, says }) => {
    const ended = await command(...args);
    expect([ended.code, ended.error]).toEqual([code, expect.stringContaining(says)]);
  });

  it("checks a good file and explains itself", async () => {
    expect((await command("check")).out).toContain("right; 1 device of site store-1");
    expect((await command("--help")).out).toContain("Usage");
  });
});

type Ledger = {
  events: unknown[];
  seqs: Set<number>;
  epochs: Set<string>;
  statuses: string[];
  metrics: Record<string, unknown>;
};

/** Takes every batch once and acks what is contiguous, and says at each status where it stands, as a collector does. */
async function startCollector(): Promise<Ledger> {
  const ledger: Ledger = { events: [], seqs: new Set(), epochs: new Set(), statuses: [], metrics: {} };
  const acked = { live: 0, history: 0 };
  const client: MqttClient = await connectAsync(`mqtt://127.0.0.1:${brokerPort}`, { reconnectPeriod: 0 });
  stops.push(() => client.end(true));
  const prefix = "aislewatch/v1/store-1/back-office";
  const take = ({ epoch, lane, seq, ...message }: Telemetry): void => {
    expect(seq).toBeGreaterThan(acked[lane] - 32);
    ledger.epochs.add(epoch);
    acked[lane] = Math.max(acked[lane], seq);
    if (lane === "live") ledger.seqs.add(seq);
    ledger.events.push(...(message.events ?? []));
    for (const { metrics } of rowsOf({ epoch, lane, seq, ...message })) Object.assign(ledger.metrics, metrics);
    sayAck(epoch);
  };
  const sayAck = (epoch: string): void => {
    const ack = { v: 1, epoch, ...acked, grant: { historyBytesPerSecond: 1e6 } };
    client.publish(`${prefix}/ack`, JSON.stringify(ack), { qos: 1 });
  };
  const takeStatus = ({ state, epoch }: { state: string; epoch: string }): void => {
    ledger.statuses.push(state);
    if (state === "online") sayAck(epoch);
  };
  client.on("message", (topic, payload) => {
    if (topic.endsWith("/status")) takeStatus(JSON.parse(payload.toString()));
    const decoded = topic.endsWith("/telemetry") ? decodeTelemetry(payload) : null;
    if (decoded?.ok) take(decoded.value);
  });
  await client.subscribeAsync([`${prefix}/telemetry`, `${prefix}/status`], { qos: 1 });
  return ledger;
}

async function startBroker(): Promise<void> {
  const conf = join(folder, "mosquitto.conf");
  writeFileSync(conf, `listener ${brokerPort} 127.0.0.1\nallow_anonymous true\n`);
  const broker = spawn("mosquitto", ["-c", conf], { stdio: "ignore" });
  stops.push(() => broker.kill("SIGKILL"));
  await until(async () => {
    const client = await connectAsync(`mqtt://127.0.0.1:${brokerPort}`, { reconnectPeriod: 0 }).catch(() => null);
    client?.end(true);
    return client !== null;
  });
}

async function startPrinter(): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      if (chunk.includes("~HS")) socket.write(STATUS);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => server.close());
  return portOf(server);
}

function startAgent(extra: "ipc"[] = []): ChildProcess {
  const agent = spawn(process.execPath, [MAIN, "run", "--config", join(folder, "agent.yaml")], {
    stdio: ["ignore", "ignore", "ignore", ...extra],
  });
  stops.push(() => agent.kill("SIGKILL"));
  return agent;
}

async function command(...args: string[]): Promise<{ code: number | null; out: string; error: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, AISLEWATCH_AGENT_CONFIG: join(folder, "agent.yaml") },
  });
  let out = "";
  let error = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    error += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, out, error };
}

type Status = {
  state: string;
  collector: { inFlightBatches: number };
  outbox: { batches: number };
  traps: { listening: string | null } | null;
};
const status = (): Status => JSON.parse(readFileSync(join(folder, "data", "status.json"), "utf8"));

const exited = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
    else child.on("exit", (code) => resolve(code));
  });

function portOf(server: ReturnType<typeof createServer>): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP address");
  return address.port;
}

const until = (condition: () => boolean | Promise<boolean>): Promise<void> => expect.poll(condition).toBe(true);
