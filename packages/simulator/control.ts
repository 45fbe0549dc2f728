/**
 * The line between `aislewatch demo …` and the running demo: one JSON object a line each way, over a Unix socket in the
 * demo's folder. Where that can't be (Windows; a path too long for a socket address) over a loopback port with a token.
 * `control.json` (0600) in the folder says which, so who may read the folder's secrets may play with the demo.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type ListenOptions, type NetConnectOpts, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { err, errorText, ok, type Result } from "@aislewatch/base";
import type { DemoError } from "./demo-error.ts";
import type { DemoStatus, DemoStore } from "./store.ts";

export type DemoRequest =
  | { readonly do: "fault"; readonly device: string; readonly fault: string }
  /** `fault` may be `all`. */
  | { readonly do: "heal"; readonly device: string; readonly fault: string }
  | { readonly do: "list" };

export type DemoListing = DemoStatus & {
  readonly name: string;
  readonly kind: string;
  /** Every fault that the device knows, with its meaning. */
  readonly knownFaults: Readonly<Record<string, string>>;
};

/** `list` brings devices; `fault` and `heal` bring the device that was touched, as it is now. */
export type DemoReply = { readonly devices: readonly DemoListing[] };

export type ControlError =
  | DemoError
  | { readonly code: "not_running" | "refused" | "protocol"; readonly message: string };

export type ControlServer = { stop(): Promise<void> };

const FILE = "control.json";
const SOCKET = "control.sock";
/** sun_path holds 108 bytes on Linux, 104 on macOS. */
const SOCKET_PATH_BYTES_MAX = 100;
const REQUEST_BYTES_MAX = 4_096;
/** A listing of the demo is under 20 KB. */
const REPLY_BYTES_MAX = 1_048_576;
const CONNECTIONS_MAX = 8;
const WAIT_MS_MAX = 5_000;

type Address =
  | { readonly path: string; readonly token: string }
  | { readonly host: "127.0.0.1"; readonly port: number; readonly token: string };

/** Serves the folder's control line; `onTouched` is called for each device that a visitor faults or heals. */
export async function startControl(
  folder: string,
  store: DemoStore,
  onTouched: (device: string) => void = () => {},
): Promise<Result<ControlServer, ControlError>> {
  const token = randomBytes(16).toString("hex");
  const path = join(folder, SOCKET);
  const overTcp = process.platform === "win32" || Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX;
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    attend(socket, (line) => answer(line, { store, token, onTouched }));
  });
  server.maxConnections = CONNECTIONS_MAX;
  try {
    if (!overTcp) await rm(path, { force: true });
    await listen(server, overTcp ? { host: "127.0.0.1", port: 0 } : { path });
    if (!overTcp) await chmod(path, 0o600);
    const bound = server.address();
    const address: Address =
      typeof bound === "object" && bound !== null ? { host: "127.0.0.1", port: bound.port, token } : { path, token };
    await writeFile(join(folder, FILE), `${JSON.stringify(address)}\n`, { mode: 0o600 });
  } catch (thrown) {
    server.close();
    return err({ code: "refused", message: `can't listen in ${folder}: ${errorText(thrown)}` });
  }
  return ok({
    async stop() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(join(folder, FILE), { force: true });
    },
  });
}

function listen(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

/** Reads lines, answers each in turn. */
function attend(socket: Socket, reply: (line: string) => Promise<string>): void {
  let pending = "";
  let last = Promise.resolve();
  socket.setEncoding("utf8");
  socket.setTimeout(WAIT_MS_MAX, () => socket.destroy());
  // A client that hung up needs no answer.
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    pending += chunk;
    if (pending.length > REQUEST_BYTES_MAX) {
      socket.destroy();
      return;
    }
    const lines = pending.split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) {
      last = last.then(async () => void socket.write(`${await reply(line)}\n`));
    }
  });
}

type Desk = { readonly store: DemoStore; readonly token: string; readonly onTouched: (device: string) => void };

async function answer(line: string, desk: Desk): Promise<string> {
  const request = parseRequest(line, desk.token);
  const result = request.ok ? await obey(request.value, desk) : request;
  return JSON.stringify(result);
}

async function obey(request: DemoRequest, { store, onTouched }: Desk): Promise<Result<DemoReply, ControlError>> {
  if (request.do === "list") return ok({ devices: listing(store) });
  const done = await store[request.do](request.device, request.fault);
  if (!done.ok) return done;
  onTouched(request.device);
  return ok({ devices: listing(store).filter(({ device }) => device === request.device) });
}

function listing(store: DemoStore): DemoListing[] {
  return store.state().flatMap((status) => {
    const info = store.devices.find(({ id }) => id === status.device);
    return info === undefined ? [] : [{ ...status, name: info.name, kind: info.kind, knownFaults: info.faults }];
  });
}

function parseRequest(line: string, token: string): Result<DemoRequest, ControlError> {
  const bad = (message: string): Result<DemoRequest, ControlError> => err({ code: "protocol", message });
  const json = parseObject(line);
  if (json === null) return bad("expected one JSON object a line");
  if (!isToken(json["token"], token)) return err({ code: "refused", message: "wrong token" });
  const { do: verb, device, fault } = json;
  if (verb === "list") return ok({ do: "list" });
  if (verb !== "fault" && verb !== "heal") return bad("do: expected fault, heal or list");
  if (typeof device !== "string" || typeof fault !== "string") return bad("device, fault: expected text");
  return ok({ do: verb, device, fault });
}

function isToken(received: unknown, token: string): boolean {
  if (typeof received !== "string") return false;
  const [a, b] = [Buffer.from(received), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null && !Array.isArray(json) ? (json as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Asks the demo that runs in `folder`. */
export async function demoControl(folder: string, request: DemoRequest): Promise<Result<DemoReply, ControlError>> {
  const notRunning = (detail: string): Result<DemoReply, ControlError> => {
    // That nobody is there is what the sentence says already.
    const why = /\b(ENOENT|ECONNREFUSED)\b/.test(detail) ? "" : ` (${detail})`;
    return err({ code: "not_running", message: `No demo is running in ${folder}${why}. Start it with "npm start".` });
  };
  let address: Record<string, unknown> | null;
  try {
    address = parseObject(await readFile(join(folder, FILE), "utf8"));
  } catch (thrown) {
    return notRunning(errorText(thrown));
  }
  const where = address === null ? null : connectTo(address);
  if (address === null || where === null) return notRunning(`${FILE} is damaged`);
  try {
    const line = await exchange(where, JSON.stringify({ ...request, token: address["token"] }));
    return readReply(line);
  } catch (thrown) {
    return notRunning(errorText(thrown));
  }
}

function connectTo({ path, host, port }: Record<string, unknown>): NetConnectOpts | null {
  if (typeof path === "string") return { path };
  return host === "127.0.0.1" && typeof port === "number" ? { host, port } : null;
}

/** The demo's own reply; a foreign program on the port would show here as a protocol error. */
function readReply(line: string): Result<DemoReply, ControlError> {
  const json = parseObject(line);
  if (json?.["ok"] === true && typeof json["value"] === "object") return ok(json["value"] as DemoReply);
  if (json?.["ok"] === false && typeof json["error"] === "object") return err(json["error"] as ControlError);
  return err({ code: "protocol", message: "the demo's answer is not one of ours" });
}

function exchange(where: NetConnectOpts, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(where);
    let received = "";
    const end = (settle: () => void): void => {
      socket.destroy();
      settle();
    };
    socket.setEncoding("utf8");
    socket.setTimeout(WAIT_MS_MAX, () => end(() => reject(new Error(`no answer within ${WAIT_MS_MAX} ms`))));
    socket.on("error", (error) => end(() => reject(error)));
    socket.on("close", () => reject(new Error("closed without an answer")));
    socket.on("data", (chunk) => {
      received += chunk;
      const at = received.indexOf("\n");
      if (at >= 0) end(() => resolve(received.slice(0, at)));
      else if (received.length > REPLY_BYTES_MAX) end(() => reject(new Error("the answer is too long")));
    });
    socket.on("connect", () => socket.write(`${line}\n`));
  });
}
