/**
 * InfluxDB 1.x (Debian package influxdb) in a folder and on a port of its own: started, stopped, killed, frozen and
 * started again.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, onCleanUp, waitFor } from "./rig.ts";

export type InfluxRig = {
  readonly url: string;
  readonly folder: string;
  /** Of the process that runs now; 0 when none does. */
  pid(): number;
  output(): string;
  run(): Promise<void>;
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** It stays there and answers nothing (SIGSTOP), until it is thawed. */
  freeze(): void;
  thaw(): void;
  /** InfluxQL as it comes. */
  ask(question: string, database?: string): Promise<unknown>;
};

/** Why there is none here, or null; under CI there must be. */
export function influxMissing(): string | null {
  if (spawnSync("influxd", ["version"]).error === undefined) return null;
  if (process.env["CI"]) throw new Error("influxd is missing: apt-get install influxdb");
  return " (left out: influxd is not installed)";
}

/** Not yet running. `more`: lines behind those of its [http] section; `data`: of its [data] section; `credentials`: of who may ask. */
export async function influxdb(
  options: {
    readonly more?: readonly string[];
    readonly data?: readonly string[];
    readonly credentials?: { username: string; password: string };
  } = {},
): Promise<InfluxRig> {
  const folder = mkdtempSync(join(tmpdir(), "aislewatch-influx-"));
  const [port, rpc] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const conf = join(folder, "influxdb.conf");
  const lines = [
    "reporting-disabled = true",
    `bind-address = "127.0.0.1:${rpc}"`,
    "[meta]",
    `dir = "${folder}/meta"`,
    "[data]",
    `dir = "${folder}/data"`,
    `wal-dir = "${folder}/wal"`,
    "query-log-enabled = false",
    ...(options.data ?? []),
    "[monitor]",
    "store-enabled = false",
    "[subscriber]",
    "enabled = false",
    "[logging]",
    'level = "warn"',
    "[http]",
    `bind-address = "127.0.0.1:${port}"`,
    "log-enabled = false",
    ...(options.more ?? []),
  ];
  writeFileSync(conf, `${lines.join("\n")}\n`);
  let child: ChildProcess | null = null;
  let text = "";

  async function end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const ending = child;
    child = null;
    if (ending === null || ending.exitCode !== null) return;
    const exited = new Promise((done) => ending.once("exit", done));
    ending.kill(signal);
    await exited;
  }
  onCleanUp(async () => {
    await end("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  return {
    url,
    folder,
    pid: () => child?.pid ?? 0,
    output: () => text,
    async run() {
      const started = spawn("influxd", ["-config", conf], { stdio: ["ignore", "pipe", "pipe"] });
      child = started;
      for (const stream of [started.stdout, started.stderr]) {
        stream.setEncoding("utf8").on("data", (chunk: string) => {
          text = (text + chunk).slice(-50_000);
        });
      }
      await waitFor("influxd", async () => {
        if (started.exitCode !== null) throw new Error(`it ended: ${text}`);
        return (await fetch(`${url}/ping`)).status === 204;
      });
    },
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    freeze: () => void child?.kill("SIGSTOP"),
    thaw: () => void child?.kill("SIGCONT"),
    async ask(question, database = "") {
      const { username, password } = options.credentials ?? { username: "", password: "" };
      const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
      const response = await fetch(`${url}/query?db=${encodeURIComponent(database)}&epoch=ms`, {
        method: "POST",
        ...(username !== "" && { headers: { authorization } }),
        body: new URLSearchParams({ q: question }),
      });
      return response.json();
    },
  };
}

/**
 * InfluxDB 2's door in front of an InfluxDB 1.x, as 2.x describes its own compatibility: a bucket is a database, a token
 * is asked for, writes come to /api/v2/write. What the store writes is then kept by a real InfluxDB.
 */
export async function inFrontAsV2(
  influx: Pick<InfluxRig, "url">,
  expected: { readonly token: string; readonly org: string },
): Promise<string> {
  const server = createServer((request, response) => {
    void (async () => {
      const asked = new URL(request.url ?? "/", "http://localhost");
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const refuse = (status: number, message: string): void => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ message }));
      };
      if (request.headers.authorization !== `Token ${expected.token}`) return refuse(401, "unauthorized access");
      const isWrite = asked.pathname === "/api/v2/write";
      if (isWrite && asked.searchParams.get("org") !== expected.org) return refuse(404, "organization not found");
      if (!isWrite && asked.pathname !== "/query") return refuse(404, "path not found");
      const database = asked.searchParams.get(isWrite ? "bucket" : "db") ?? "";
      const path = isWrite ? `/write?db=${encodeURIComponent(database)}&precision=ms` : `/query${asked.search}`;
      const { "content-type": type = "text/plain", "content-encoding": encoding } = request.headers;
      const answer = await fetch(`${influx.url}${path}`, {
        method: "POST",
        headers: { "content-type": type, ...(encoding !== undefined && { "content-encoding": encoding }) },
        body: Buffer.concat(parts),
      });
      const body = Buffer.from(await answer.arrayBuffer());
      if (answer.status === 400) return refuse(422, String((JSON.parse(body.toString()) as { error: string }).error));
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" }).end(body);
    })().catch((thrown: unknown) => response.writeHead(502).end(String(thrown)));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onCleanUp(
    () =>
      new Promise<void>((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  );
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}
