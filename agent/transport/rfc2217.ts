/**
 * A line over a terminal server that lets its port be set up from afar (RFC 2217): ser2net, Moxa, Digi and others. The
 * port is opened, set up and checked at each poll, and closed again; a server with one client a port is `busy` or
 * `refused` while somebody else is connected. The protocol is in rfc2217-session.ts; this file moves its bytes.
 */
import { Duplex } from "node:stream";
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import { lineFrom } from "./bytes.ts";
import type { LineError, LineStream, OpenLine, OpenStream } from "./line.ts";
import { escapeData } from "./rfc2217-codec.ts";
import { type LineErrors, type PortSettings, Rfc2217Session } from "./rfc2217-session.ts";
import { openTcpStream, type TcpAddress } from "./tcp.ts";

export type Rfc2217Address = TcpAddress & PortSettings;

/** What goes out while nobody reads at the other end; one question is some ten bytes. */
const UNSENT_BYTES_MAX = 65_536;

export function openRfc2217(address: Rfc2217Address, clock: Clock): OpenLine {
  return lineFrom(openRfc2217Stream(address, clock), `${address.host}:${address.port}`, clock);
}

export function openRfc2217Stream(address: Rfc2217Address, clock: Clock): OpenStream {
  return async (signal, timeoutMs) => {
    const startMs = clock.monotonic();
    const opened = await openTcpStream(address, clock)(signal, timeoutMs);
    if (!opened.ok) return opened;
    const below = opened.value;
    const stream = new Rfc2217Stream(below.stream, new Rfc2217Session(address));
    const leftMs = Math.max(0, timeoutMs - (clock.monotonic() - startMs));
    const ready = await settled(stream, below, { address, clock, signal, leftMs });
    if (ready.ok) return ok({ stream, describe: below.describe, close: () => closeBoth(stream, below) });
    await closeBoth(stream, below);
    return ready;
  };
}

async function closeBoth(stream: Rfc2217Stream, below: LineStream): Promise<void> {
  await below.close();
  stream.destroy();
}

type Waiting = {
  readonly address: Rfc2217Address;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly leftMs: number;
};

/** Until the port is set up, or is not. */
function settled(
  stream: Rfc2217Stream,
  below: LineStream,
  { address, clock, signal, leftMs }: Waiting,
): Promise<Result<void, LineError>> {
  const where = `${address.host}:${address.port}`;
  return new Promise((resolve) => {
    let over = false;
    const end = (result: Result<void, LineError>): void => {
      if (over) return;
      over = true;
      cancel();
      signal.removeEventListener("abort", late);
      resolve(result);
    };
    const late = (): void => {
      const hint = "is RFC 2217 switched on for this port? A raw port is written as tcp:";
      end(err({ kind: "timeout", detail: `${where}: ${stream.session.missing}`, hint }));
    };
    const cancel = clock.after(leftMs, late);
    stream.onState = () => {
      const { state, failure } = stream.session;
      if (state === "ready") end(ok(undefined));
      else if (failure !== null) end(err({ ...failure, detail: `${where}: ${failure.detail}` }));
    };
    // Cut off or closed before a word about the port: that is how these servers turn a second client away.
    below.stream.once("close", () => {
      end(err({ kind: "busy", detail: `${where} closed the connection`, hint: "another client may have the port" }));
    });
    signal.addEventListener("abort", late, { once: true });
    if (signal.aborted) late();
    else stream.begin();
  });
}

/** The device's bytes; what the server and we say about the port is kept below. */
export class Rfc2217Stream extends Duplex {
  readonly #below: Duplex;
  readonly session: Rfc2217Session;
  onState: () => void = () => {};
  /** A write that waits until the server resumes. */
  #held: (() => void) | null = null;

  constructor(below: Duplex, session: Rfc2217Session) {
    super({ emitClose: true, autoDestroy: true });
    this.#below = below;
    this.session = session;
    below.on("data", (bytes: Buffer) => this.#received(bytes));
    below.on("error", (error: Error) => this.destroy(error));
    below.on("close", () => this.destroy());
    // Without a listener an error of a server that goes away ends the process.
    this.on("error", () => {});
  }

  get lineErrors(): LineErrors {
    return this.session.errors;
  }

  begin(): void {
    for (const bytes of this.session.begin()) this.#below.write(bytes);
  }

  #received(bytes: Uint8Array): void {
    if (this.destroyed) return;
    const { data, send } = this.session.receive(bytes);
    for (const answer of send) this.#below.write(answer);
    // A server that asks and never reads would have us keep the answers.
    if (this.#below.writableLength > UNSENT_BYTES_MAX) {
      this.destroy(new Error("the server does not read what it is sent"));
      return;
    }
    this.onState();
    if (!this.session.suspended) this.#resume();
    if (data.byteLength > 0 && !this.push(data)) this.#below.pause();
  }

  #resume(): void {
    const held = this.#held;
    this.#held = null;
    held?.();
  }

  override _read(): void {
    if (this.#below.isPaused()) this.#below.resume();
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const write = (): void => {
      this.#below.write(escapeData(bytes));
      done();
    };
    if (this.session.suspended) this.#held = write;
    else write();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#held = null;
    this.#below.destroy();
    done(error);
  }
}
