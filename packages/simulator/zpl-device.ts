/**
 * A ZPL label printer on a TCP socket (port 9100 in the field) and on a serial line. Answers come string by string with
 * a pause between, and each string in two pieces, as print servers and slow processors send them.
 */
import { createServer, type Server, type Socket } from "node:net";
import { type Clock, err, errorText, ok, type Result } from "@aislewatch/base";
import { SerialPort } from "serialport";
import { type Conduct, NORMAL } from "./conduct.ts";
import { type ListenError, listenNear } from "./free-port.ts";
import type { LiveDevice } from "./live-device.ts";
import { acceptJob } from "./models/label-printer.ts";
import { isHeadOpen, isMediaOut, isRibbonOut, type LabelIdentity, type LabelState } from "./models/label-state.ts";
import type { Random } from "./random.ts";
import { type ZplCommand, ZplReader } from "./zpl-reader.ts";
import { errorStatus, hostIdentification, hostStatus, variable } from "./zpl-status.ts";

export type ZplPrinter = {
  readonly identity: LabelIdentity;
  readonly device: LiveDevice<LabelState>;
  readonly clock: Clock;
  readonly random: Random;
  /** Pause before each piece of a reply; 4 ms is a print server's, 0 for speed. */
  readonly paceMs?: number;
  /**
   * Zebra's manual says that ~HS is not answered with media or ribbon out or the head open; a real ZT410 did answer.
   * False unless given.
   */
  readonly muteInError?: boolean;
};

export type ZplDevice = {
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

/** One line's dialogue: bytes in, paced bytes out. `write` may be called until `end`. */
function converse(
  printer: ZplPrinter,
  conduct: () => Conduct,
  write: (bytes: Buffer) => void,
): { take(bytes: Uint8Array): void; end(): void } {
  const reader = new ZplReader();
  const pieces: Buffer[] = [];
  let cancel: (() => void) | null = null;
  const send = (): void => {
    const piece = pieces.shift();
    cancel = null;
    if (piece === undefined) return;
    write(piece);
    schedule(printer.paceMs ?? PACE_MS);
  };
  const schedule = (delayMs: number): void => {
    if (cancel === null && pieces.length > 0) cancel = printer.clock.after(delayMs, send);
  };
  return {
    take(bytes) {
      const now = conduct();
      const commands = reader.read(bytes);
      if (now.kind === "silent") return;
      for (const text of commands.flatMap((command) => answer(printer, command))) {
        const reply = now.kind === "garbage" ? noise(printer.random) : Buffer.from(text, "latin1");
        const cut = Math.ceil(reply.length / 2);
        if (pieces.length < PIECES_WAITING_MAX) pieces.push(reply.subarray(0, cut), reply.subarray(cut));
      }
      schedule(now.kind === "slow" ? now.delayMs : (printer.paceMs ?? PACE_MS));
    },
    end() {
      cancel?.();
      pieces.length = 0;
    },
  };
}

const noise = (random: Random): Buffer =>
  Buffer.from(Array.from({ length: GARBAGE_BYTES }, () => Math.floor(random() * 256)));

const isInError = (state: LabelState): boolean => isMediaOut(state) || isRibbonOut(state) || isHeadOpen(state);

function answer({ identity, device, muteInError = false }: ZplPrinter, command: ZplCommand): string[] {
  switch (command.kind) {
    case "host-status":
      return muteInError && isInError(device.state()) ? [] : hostStatus(device.state());
    case "host-identification":
      return [hostIdentification(identity)];
    case "error-status":
      return [errorStatus(device.state())];
    case "variable":
      return [variable(identity, device.state(), command.name)];
    case "format":
      device.update((state) => acceptJob(state, command.labels));
      return [];
  }
}

export type ZplTcpOptions = ZplPrinter & {
  readonly address: string;
  /** 0: any; a taken one: the next that is free. */
  readonly port: number;
  /** How many clients are served at once; many print servers take one and let others wait. */
  readonly connectionsMax?: number;
};

export async function startZplTcpDevice(options: ZplTcpOptions): Promise<Result<ZplDevice, ListenError>> {
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

export type ZplSerialOptions = ZplPrinter & { readonly path: string; readonly baudRate?: number };
export type OpenError = { readonly kind: "open"; readonly detail: string };

/** The printer's end of a serial line; in tests one end of a pseudo-terminal pair. */
export async function startZplSerialDevice(options: ZplSerialOptions): Promise<Result<ZplDevice, OpenError>> {
  let conduct = NORMAL;
  const port = new SerialPort({ path: options.path, baudRate: options.baudRate ?? 9_600, autoOpen: false });
  try {
    await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  } catch (thrown) {
    return err({ kind: "open", detail: errorText(thrown) });
  }
  const dialogue = converse(
    options,
    () => conduct,
    (bytes) => {
      if (port.isOpen) port.write(bytes);
    },
  );
  port.on("data", (bytes: Buffer) => dialogue.take(bytes));
  // The other end of a pseudo-terminal may go first; "close" follows.
  port.on("error", () => {});
  return ok({
    line: options.path,
    async setConduct(next) {
      conduct = next;
    },
    stop() {
      dialogue.end();
      return new Promise((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve()));
    },
  });
}
