/**
 * A device on a byte line: a TCP socket (a print server, a terminal server) or a serial port, in tests one end of a
 * pseudo-terminal pair. What it says is a `Dialogue`; this file sends it at the pace of a real line, whole pieces apart
 * and each piece in two, as print servers and slow processors send them.
 */
import { createServer, type Server, type Socket } from "node:net";
import { type Clock, err, errorText, ok, type Result } from "@aislewatch/base";
import { SerialPort } from "serialport";
import { type Conduct, NORMAL } from "./conduct.ts";
import { type ListenError, listenNear } from "./free-port.ts";
import type { Random } from "./random.ts";

/** One host's talk with the device; texts are of one character a byte (latin1). */
export type Dialogue = {
  /** What the host sent, in whatever pieces; the answers, in order. */
  take(bytes: Uint8Array): readonly string[];
  /** For what is said unasked: called when the line is up, ended when it is gone. */
  begin?(say: (text: string) => void): () => void;
};

export type ByteSpeaker = {
  /** A new one for each connection. */
  readonly dialogue: () => Dialogue;
  readonly clock: Clock;
  readonly random: Random;
  /** Pause before each piece of a reply; 4 ms is a print server's, 0 for speed. */
  readonly paceMs?: number;
};

export type ByteDevice = {
  /** TCP port, or the serial path. */
  readonly line: number | string;
  setConduct(conduct: Conduct): Promise<void>;
  stop(): Promise<void>;
};

const PACE_MS = 4;
/** Replies waiting to be sent on one line; a client that asks faster than it reads loses the rest. */
const PIECES_WAITING_MAX = 256;
const GARBAGE_BYTES = 40;
/** Print servers hang up on who says nothing for five minutes. */
const IDLE_MS_MAX = 300_000;
/** Connections that wait for their turn, as in a print server's own backlog; more are refused. */
const WAITING_MAX = 4;
const REOPEN_MS = 1_000;
/** Start bit, eight bits, stop bit. */
const BITS_A_CHARACTER = 10;

/** One line's dialogue: bytes in, paced bytes out. `write` may be called until `end`. */
function converse(
  { dialogue, clock, random, paceMs = PACE_MS }: ByteSpeaker,
  conduct: () => Conduct,
  write: (bytes: Buffer) => void,
): { take(bytes: Uint8Array): void; end(): void } {
  const talk = dialogue();
  const pieces: Buffer[] = [];
  let cancel: (() => void) | null = null;
  const send = (): void => {
    const piece = pieces.shift();
    cancel = null;
    if (piece === undefined) return;
    write(piece);
    schedule(paceMs);
  };
  const schedule = (delayMs: number): void => {
    if (cancel === null && pieces.length > 0) cancel = clock.after(delayMs, send);
  };
  const say = (text: string): void => {
    const now = conduct();
    if (now.kind === "silent") return;
    const reply = now.kind === "garbage" ? noise(random) : Buffer.from(text, "latin1");
    const cut = Math.ceil(reply.length / 2);
    const halves = [reply.subarray(0, cut), reply.subarray(cut)].filter((half) => half.length > 0);
    if (pieces.length < PIECES_WAITING_MAX) pieces.push(...halves);
    schedule(now.kind === "slow" ? now.delayMs : paceMs);
  };
  const endSaying = talk.begin?.(say);
  return {
    take(bytes) {
      for (const text of talk.take(bytes)) say(text);
    },
    end() {
      endSaying?.();
      cancel?.();
      pieces.length = 0;
    },
  };
}

const noise = (random: Random): Buffer =>
  Buffer.from(Array.from({ length: GARBAGE_BYTES }, () => Math.floor(random() * 256)));

export type TcpDeviceOptions = ByteSpeaker & {
  readonly address: string;
  /** 0: any; a taken one: the next that is free. */
  readonly port: number;
  /** How many clients are served at once; many print servers take one and let others wait. */
  readonly connectionsMax?: number;
};

export async function startTcpDevice(options: TcpDeviceOptions): Promise<Result<ByteDevice, ListenError>> {
  const { address, port, connectionsMax = 1 } = options;
  let conduct = NORMAL;
  const served = new Set<Socket>();
  const waiting: Socket[] = [];

  const admit = (socket: Socket): void => {
    served.add(socket);
    const dialogue = converse(
      options,
      () => conduct,
      (bytes) => socket.write(bytes),
    );
    socket.on("data", (bytes) => dialogue.take(bytes));
    socket.on("close", () => {
      dialogue.end();
      served.delete(socket);
      const next = waiting.shift();
      if (next !== undefined) admit(next);
    });
    socket.resume();
  };
  const wait = (socket: Socket): void => {
    waiting.push(socket);
    socket.pause();
    socket.on("close", () => {
      const at = waiting.indexOf(socket);
      if (at >= 0) waiting.splice(at, 1);
    });
  };
  const onConnection = (socket: Socket): void => {
    // A client that vanishes is no concern of a printer; "close" follows.
    socket.on("error", () => {});
    // A reply goes out in two parts; without this the second would wait for the other side to acknowledge the first.
    socket.setNoDelay(true);
    socket.setTimeout(IDLE_MS_MAX, () => socket.destroy());
    if (served.size < connectionsMax) admit(socket);
    else if (waiting.length < WAITING_MAX) wait(socket);
    else socket.resetAndDestroy();
  };

  let server: Server | null = null;
  let cancelReopen: () => void = () => {};
  let stopped = false;
  const close = (): Promise<void> => {
    const closing = server;
    server = null;
    cancelReopen();
    for (const socket of [...waiting.splice(0), ...served]) socket.resetAndDestroy();
    return closing === null ? Promise.resolve() : new Promise((resolve) => closing.close(() => resolve()));
  };
  /** After power came back: on the same port, for that is where agents look; somebody else may hold it for a while. */
  const reopen = async (atPort: number): Promise<void> => {
    if (server !== null || stopped || conduct.kind === "silent") return;
    try {
      server = await listenTcp(address, atPort, onConnection);
    } catch {
      cancelReopen = options.clock.after(REOPEN_MS, () => void reopen(atPort));
    }
  };

  const opened = await listenNear(port, (candidate) => listenTcp(address, candidate, onConnection));
  if (!opened.ok) return opened;
  server = opened.value;
  const bound = server.address();
  const line = typeof bound === "object" && bound !== null ? bound.port : port;
  return ok({
    line,
    async setConduct(next) {
      conduct = next;
      // A printer without power has no socket: who connects is refused instead of kept waiting.
      if (next.kind === "silent") await close();
      else await reopen(line);
    },
    stop() {
      stopped = true;
      return close();
    },
  });
}

function listenTcp(address: string, port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer(onConnection);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, () => {
      server.removeListener("error", reject);
      resolve(server);
    });
  });
}

export type SerialDeviceOptions = ByteSpeaker & {
  readonly path: string;
  readonly baudRate?: number;
  readonly parity?: "none" | "even" | "odd";
  readonly dataBits?: 7 | 8;
};
export type OpenError = { readonly kind: "open"; readonly detail: string };

/** The device's end of a serial line. A pseudo-terminal knows no speed: the characters' time is kept here. */
export async function startSerialDevice(options: SerialDeviceOptions): Promise<Result<ByteDevice, OpenError>> {
  let conduct = NORMAL;
  const { path, baudRate = 9_600, parity = "none", dataBits = 8, clock } = options;
  const port = new SerialPort({ path, baudRate, parity, dataBits, autoOpen: false });
  try {
    await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  } catch (thrown) {
    return err({ kind: "open", detail: errorText(thrown) });
  }
  let freeAtMs = 0;
  const cancels = new Set<() => void>();
  const write = (bytes: Buffer): void => {
    const nowMs = clock.monotonic();
    const startMs = Math.max(nowMs, freeAtMs);
    freeAtMs = startMs + (bytes.length * BITS_A_CHARACTER * 1_000) / baudRate;
    // The last bit arrives when the characters' time is over.
    const cancel = clock.after(freeAtMs - nowMs, () => {
      cancels.delete(cancel);
      if (port.isOpen) port.write(bytes);
    });
    cancels.add(cancel);
  };
  const dialogue = converse(options, () => conduct, write);
  port.on("data", (bytes: Buffer) => dialogue.take(bytes));
  // The other end of a pseudo-terminal may go first; "close" follows.
  port.on("error", () => {});
  return ok({
    line: path,
    async setConduct(next) {
      conduct = next;
    },
    stop() {
      dialogue.end();
      for (const cancel of cancels) cancel();
      return new Promise((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve()));
    },
  });
}
