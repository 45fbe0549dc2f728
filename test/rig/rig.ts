/**
 * What tests of more than one program share: programs of ours as real processes, in temporary folders, on free ports,
 * ended by their own pid; and waiting for a condition instead of for time.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

export const ROOT = resolve(import.meta.dirname, "../..");
/** Recorded devices of others, read where they lie beside the checkout and never copied. */
export const RECORDINGS = resolve(ROOT, "../shared/devices");
const NODE_FLAGS = ["--disable-warning=ExperimentalWarning"];
/** Stripped types and compiled code are kept, as the launchers do it: half of what a start costs. */
const environment = (more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => ({
  NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/aislewatch"),
  ...process.env,
  ...more,
});
const STOP_MS = 30_000;

export type Program = {
  readonly pid: number;
  /** What it said over its IPC channel once it was up. */
  readonly ready: Record<string, unknown>;
  output(): string;
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
  readonly exited: Promise<number | null>;
};

const cleanups: (() => Promise<void> | void)[] = [];

/** Ends everything that the tests of a file started, in reverse. Call in afterAll or afterEach. */
export async function cleanUp(): Promise<void> {
  for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) await cleanup();
}

export function onCleanUp(cleanup: () => Promise<void> | void): void {
  cleanups.push(cleanup);
}

export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "aislewatch-"));
  onCleanUp(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/**
 * Ports below those that a system gives to outgoing connections (Linux from 32768 on, others from 49152): the port of a
 * program that is killed and started again is not somebody's in between. Each worker of a run has its own part of them,
 * goes round in it from anywhere, and so gives none twice for long.
 */
const PORTS = { first: 10_000, perPart: 2_500, parts: 9 } as const;
const portsFrom = PORTS.first + (Number(process.env["VITEST_POOL_ID"] ?? 0) % PORTS.parts) * PORTS.perPart;
let portsGiven = Math.floor(Math.random() * PORTS.perPart);

async function nextPort(isFree: (port: number) => Promise<boolean>): Promise<number> {
  for (let tries = 0; tries < PORTS.perPart; tries++) {
    const port = portsFrom + (portsGiven++ % PORTS.perPart);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port is free from ${portsFrom} on`);
}

export const freePort = (): Promise<number> =>
  nextPort(
    (port) =>
      new Promise((done) => {
        const server = createServer();
        server.once("error", () => done(false));
        server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
      }),
  );

export const freeUdpPort = (): Promise<number> =>
  nextPort(
    (port) =>
      new Promise((done) => {
        const socket = createSocket("udp4");
        socket.once("error", () => socket.close(() => done(false)));
        socket.bind(port, "127.0.0.1", () => socket.close(() => done(true)));
      }),
  );

/**
 * How long a test waits for what should be there in a second or two. Nothing is measured by it: it only ends what would
 * never come, and a machine that stands still for half a minute makes no test fail.
 */
export const PATIENCE_MS = 60_000;

/** From one question to the next: soon at first, and less often the longer it takes, for what is waited for needs the CPU. */
const ASK_AGAIN = { firstMs: 20, growth: 1.2, maxMs: 200 } as const;

/** Asks again and again until the answer is neither undefined, null nor false; says what it waited for when it fails. */
export async function waitFor<T>(
  what: string,
  ask: () => T | Promise<T>,
  timeoutMs = PATIENCE_MS,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (let pauseMs: number = ASK_AGAIN.firstMs; ; pauseMs = Math.min(ASK_AGAIN.maxMs, pauseMs * ASK_AGAIN.growth)) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== null && answer !== false) return answer as NonNullable<T>;
      last = answer;
    } catch (thrown) {
      last = thrown;
    }
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s for ${what}; last: ${String(last)}`);
    await new Promise((done) => setTimeout(done, pauseMs));
  }
}

/** Runs a command of ours to its end. */
export async function runOnce(
  script: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [...NODE_FLAGS, join(ROOT, script), ...args],
      {
        cwd: options.cwd ?? ROOT,
        env: environment(options.env),
        maxBuffer: 16 * 1024 * 1024,
      },
    );
    return { code: 0, stdout, stderr };
  } catch (thrown) {
    const failed = thrown as { code?: number; stdout?: string; stderr?: string };
    return {
      code: typeof failed.code === "number" ? failed.code : 1,
      stdout: failed.stdout ?? "",
      stderr: failed.stderr ?? "",
    };
  }
}

/**
 * Starts one of our programs and waits until it says over IPC that it is up. It is a process group of its own: Ctrl-C in
 * a terminal goes to a whole group, and ends what a test does, not what it is done to. When we die it ends by its IPC.
 */
export async function startProgram(
  script: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; readyMs?: number } = {},
): Promise<Program> {
  const child = spawn(process.execPath, [...NODE_FLAGS, join(ROOT, script), ...args], {
    cwd: options.cwd ?? ROOT,
    env: environment(options.env),
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: true,
  });
  return supervise(child, script, options.readyMs ?? PATIENCE_MS);
}

async function supervise(child: ChildProcess, name: string, readyMs: number): Promise<Program> {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-200_000);
    });
  }
  let code: number | null | undefined;
  const exited = new Promise<number | null>((done) => {
    child.once("exit", (status) => {
      code = status;
      done(status);
    });
  });
  const gone = () => code !== undefined;
  onCleanUp(async () => {
    if (!gone()) child.kill("SIGKILL");
    await exited;
  });
  const ready = await new Promise<Record<string, unknown>>((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`${name} was not up within ${readyMs} ms:\n${text}`)), readyMs);
    child.on("message", (message) => {
      clearTimeout(timer);
      done(message as Record<string, unknown>);
    });
    child.once("exit", (status) => {
      clearTimeout(timer);
      fail(new Error(`${name} ended with ${status}:\n${text}`));
    });
  });
  return {
    pid: child.pid ?? 0,
    ready,
    exited,
    output: () => text,
    async stop() {
      if (!gone()) child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      const status = await exited;
      clearTimeout(timer);
      return status;
    },
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** A peer that is not ours (snmpd, mosquitto, socat …), ended by its own pid. */
export async function startPeer(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
) {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-50_000);
    });
  }
  const exited = new Promise<number | null>((done) => child.once("exit", done));
  let error: Error | null = null;
  child.once("error", (thrown) => {
    error = thrown;
  });
  let over = false;
  void exited.then(() => {
    over = true;
  });
  const stop = async (): Promise<void> => {
    if (over || error !== null) return;
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await exited;
    clearTimeout(timer);
  };
  onCleanUp(stop);
  return { pid: child.pid ?? 0, output: () => text, stop, error: () => error };
}

export type CollectorRig = {
  readonly folder: string;
  readonly config: string;
  http: string;
  mqtt: string;
  /** File of the authority that agents need to trust it; null without TLS. */
  readonly ca: string | null;
  readonly token: string;
  program: Program;
  /** GET or POST below /api/v1, as the token's owner. */
  api<T>(path: string, body?: unknown): Promise<T>;
  addAgent(name: string): Promise<string>;
  /** Starts it again, after a stop or a kill, on the same ports and folder. */
  restart(): Promise<void>;
};

export type CollectorOptions = {
  /** Text of a rule file, or texts of several by their names, instead of the shipped packs. */
  readonly rules?: string | Readonly<Record<string, string>>;
  readonly sites?: string;
  /** Text of notifications.yaml; `file:webhook-secret` is WEBHOOK_SECRET. */
  readonly notifications?: string;
  /** Text of lifecycle.yaml. */
  readonly lifecycle?: string;
  /** The data folder, when it has to lie somewhere special. */
  readonly data?: string;
  /** The program, when it is not the shipped one but a test's own composition of the same parts. */
  readonly program?: string;
  /** Lines behind those of collector.yaml. */
  readonly more?: readonly string[];
  /** One that stands by itself (mosquitto.ts), instead of that inside the collector. */
  readonly broker?: BrokerRig;
};

export type BrokerRig = {
  readonly url: string;
  /** File of the authority that agents need to trust it. */
  readonly ca?: string;
  /** Of collector.yaml; paths beside that. */
  lines(folder: string): readonly string[];
  /** Once collector.yaml is there. */
  start(config: string): Promise<void>;
  /** An agent got a password. */
  letIn(config: string): Promise<void>;
};

/** Signs what the rig's collectors send. */
export const WEBHOOK_SECRET = "whsec_dGhlLXNlY3JldC1vZi10aGUtcmln";

export async function startCollector(options: CollectorOptions = {}): Promise<CollectorRig> {
  const folder = tempFolder();
  const config = join(folder, "collector-rig.yaml");
  // Packs have a folder of their own: one may be called sites.yaml.
  const rules: [file: string, text: string][] =
    typeof options.rules === "string"
      ? [["rules.yaml", options.rules]]
      : Object.entries(options.rules ?? {}).map(([file, text]) => [`packs/${file}`, text]);
  mkdirSync(join(folder, "packs"));
  for (const [file, text] of rules) writeFileSync(join(folder, file), text);
  if (options.sites !== undefined) writeFileSync(join(folder, "sites.yaml"), options.sites);
  if (options.notifications !== undefined) {
    writeFileSync(join(folder, "notifications.yaml"), options.notifications);
    writeFileSync(join(folder, "webhook-secret"), WEBHOOK_SECRET, { mode: 0o600 });
  }
  if (options.lifecycle !== undefined) writeFileSync(join(folder, "lifecycle.yaml"), options.lifecycle);
  const [http, mqtt] = [await freePort(), await freePort()];
  const lines = [
    "listen:",
    `  http: "127.0.0.1:${http}"`,
    ...(options.broker?.lines(folder) ?? [`  mqtt: "127.0.0.1:${mqtt}"`]),
    `data: ${JSON.stringify(options.data ?? "./data")}`,
    ...(options.rules !== undefined ? [`rules: ${JSON.stringify(rules.map(([file]) => `./${file}`))}`] : []),
    ...(options.sites !== undefined ? ["sites: ./sites.yaml"] : []),
    ...(options.notifications !== undefined ? ["notifications: ./notifications.yaml"] : []),
    ...(options.lifecycle !== undefined ? ["lifecycle: ./lifecycle.yaml"] : []),
    ...(options.more ?? []),
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const tokenFile = join(folder, "token");
  const made = await runOnce("collector/main.ts", [
    "tokens",
    "add",
    "test",
    "--role",
    "admin",
    "--config",
    config,
    "--out",
    tokenFile,
  ]);
  if (made.code !== 0) throw new Error(made.stderr);
  const token = readFileSync(tokenFile, "utf8").trim();
  await options.broker?.start(config);
  const start = () =>
    startProgram(options.program ?? "collector/main.ts", ["collector", "--config", config, "--log-format", "text"]);
  const rig: CollectorRig = {
    folder,
    config,
    http: `http://127.0.0.1:${http}`,
    mqtt: options.broker?.url ?? `mqtt://127.0.0.1:${mqtt}`,
    ca: options.broker?.ca ?? null,
    token,
    program: await start(),
    async api<T>(path: string, body?: unknown): Promise<T> {
      const response = await fetch(`${rig.http}/api/v1${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { "content-type": "application/json" }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return (await response.json()) as T;
    },
    async addAgent(name) {
      const out = join(folder, `${name.replace("/", "-")}.password`);
      const added = await runOnce("collector/main.ts", ["agents", "add", name, "--config", config, "--out", out]);
      if (added.code !== 0) throw new Error(added.stderr);
      await options.broker?.letIn(config);
      return out;
    },
    async restart() {
      rig.program = await start();
    },
  };
  return rig;
}

/** `sites.yaml` of one store that is always open, so that priorities do not hang on the hour of the test. */
export const FIRST_STORE = `sites:
  - id: store-1
    name: First Store
    time_zone: Europe/Berlin
    trading_hours: { daily: "00:00-24:00" }
`;

/** Waits until these devices of store-1 answer. */
export async function devicesUp(collector: CollectorRig, ids: readonly string[], timeoutMs?: number): Promise<void> {
  const ask = async (): Promise<boolean> => {
    const devices = await collector.api<{ id: string; state: string }[]>("/sites/store-1/devices");
    return ids.every((id) => devices.some((device) => device.id === id && device.state === "up"));
  };
  await waitFor("every device to be up", ask, timeoutMs);
}

export type AgentRig = { readonly folder: string; readonly config: string; program: Program; restart(): Promise<void> };

/** An agent of `site/agent` with these devices, as YAML below `devices:`. */
export async function startAgent(collector: CollectorRig, name: string, devices: string): Promise<AgentRig> {
  const folder = tempFolder();
  const [site, agent] = name.split("/");
  const password = await collector.addAgent(name);
  const config = join(folder, "agent.yaml");
  writeFileSync(
    config,
    `site: ${site}\nagent: ${agent}\ncollector:\n  url: ${collector.mqtt}\n  password: "file:${password}"\n${collector.ca === null ? "" : `  ca: ${JSON.stringify(collector.ca)}\n`}data: ./data\ndevices:\n${devices}`,
  );
  const start = () => startProgram("agent/main.ts", ["run", "--config", config, "--log-format", "text"]);
  const rig: AgentRig = {
    folder,
    config,
    program: await start(),
    async restart() {
      rig.program = await start();
    },
  };
  return rig;
}

/** Recordings must be there under CI; elsewhere a test says that it left them out. */
export function recordingsMissing(): boolean {
  const missing = !existsSync(RECORDINGS);
  if (missing && process.env["CI"])
    throw new Error("the recorded devices are not beside the checkout (../shared/devices)");
  return missing;
}
