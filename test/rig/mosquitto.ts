/**
 * Mosquitto as a collector's broker, with the files that `aislewatch broker-config mosquitto` writes for it and no other:
 * started, stopped, killed, and robbed of what it keeps.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type BrokerRig, freePort, onCleanUp, runOnce, tempFolder, waitFor } from "./rig.ts";

export const COLLECTOR_PASSWORD = "a-password-of-the-rig";

export type MosquittoRig = BrokerRig & {
  readonly port: number;
  readonly folder: string;
  /** Of the process that runs now. */
  pid(): number;
  output(): string;
  run(): Promise<void>;
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Deletes what it keeps: sessions, queues, retained messages. It must not run. */
  forget(): void;
};

/** Why there is none here, or null; under CI there must be. */
export function mosquittoMissing(): string | null {
  if (spawnSync("mosquitto", ["-h"]).error === undefined) return null;
  if (process.env["CI"]) throw new Error("mosquitto is missing: apt-get install mosquitto");
  return " (left out: mosquitto is not installed)";
}

/** `more`: lines behind those of mosquitto.conf; `tls`: the broker's own certificate and key, beside which mqtts:// stands. */
export async function mosquitto(
  options: {
    readonly more?: readonly string[];
    readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
    readonly clientId?: string;
  } = {},
): Promise<MosquittoRig> {
  const { more = [], tls, clientId } = options;
  const folder = tempFolder();
  const port = await freePort();
  const url = tls === undefined ? `mqtt://127.0.0.1:${port}` : `mqtts://localhost:${port}`;
  const conf = join(folder, "mosquitto.conf");
  let child: ChildProcess | null = null;
  let text = "";

  const broker = async (config: string, ...args: string[]): Promise<void> => {
    const done = await runOnce("collector/main.ts", [
      ...["broker-config", "mosquitto", "--config", config, "--out", folder],
      ...args,
    ]);
    if (done.code !== 0) throw new Error(done.stderr);
    giveAway(folder);
  };

  async function end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const ending = child;
    child = null;
    if (ending === null) return;
    const exited = new Promise((done) => ending.once("exit", done));
    ending.kill(signal);
    await exited;
  }

  async function run(): Promise<void> {
    child = spawn("mosquitto", ["-c", conf], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (chunk: string) => {
        text = (text + chunk).slice(-500_000);
      });
    }
    await waitFor("mosquitto", async () => {
      if (child?.exitCode !== null) throw new Error(`it ended: ${text}`);
      return canConnect(port);
    });
  }

  onCleanUp(() => end("SIGKILL"));

  return {
    url,
    ...(tls !== undefined && { ca: tls.ca }),
    port,
    folder,
    pid: () => child?.pid ?? 0,
    output: () => text,
    lines(beside) {
      writeFileSync(join(beside, "broker-password"), COLLECTOR_PASSWORD, { mode: 0o600 });
      return [
        "broker: external",
        "mqtt:",
        `  url: ${url}`,
        "  username: collector",
        '  password: "file:broker-password"',
        ...(tls === undefined ? [] : [`  ca: ${JSON.stringify(tls.ca)}`]),
        ...(clientId === undefined ? [] : [`  client_id: ${clientId}`]),
      ];
    },
    async start(config) {
      await broker(config, ...(tls === undefined ? [] : ["--certificate", tls.cert, "--key", tls.key]));
      if (more.length > 0) writeFileSync(conf, `${readFileSync(conf, "utf8")}${more.join("\n")}\n`);
      await run();
    },
    async letIn(config) {
      await broker(config, "--passwords");
      const times = (): number => text.split("Reloading config").length;
      const before = times();
      child?.kill("SIGHUP");
      await waitFor("mosquitto to read its list again", () => child === null || times() > before);
    },
    run,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    forget: () => rmSync(join(folder, "data", "mosquitto.db"), { force: true }),
  };
}

/** Started by root, Mosquitto becomes a user of its own, who has to read its files and to write its data. */
function giveAway(folder: string): void {
  if (process.getuid?.() === 0 && existsSync("/etc/passwd") && /^mosquitto:/m.test(readFileSync("/etc/passwd", "utf8")))
    execFileSync("chown", ["-R", "mosquitto:", folder]);
}

const canConnect = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => done(false));
  });
