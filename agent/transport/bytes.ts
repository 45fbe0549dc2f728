/**
 * What the byte lines have in common: send a request, gather what comes until the driver says that it is whole, within
 * a bound of bytes and time. Whatever stood on the line before the request is an old answer and is thrown away. A line
 * that says more than its bound floods: that is `misbehaved`, and nothing more is read from it.
 */
import type { Duplex } from "node:stream";
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import type { Exchange, Line, LineError, LineStream, OpenLine, OpenStream } from "./line.ts";

export type ExchangeContext = {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Turns what the library threw into a failure. */
  readonly describe: (error: Error) => LineError;
  readonly fail: (bytes: Uint8Array) => void;
};

/** Between questions a device may send a few late frames; this much is a second of 115200 baud, five times over. */
const UNASKED_BYTES_MAX = 65_536;

/** Of what is in no reply, this much is remembered of its beginning and of its end: a track, or the keys of a number. */
const LEFT_OVER_END_BYTES = 512;

const CLOSED_HINT = "servers with room for one client close on the second one: another program may be connected";
const FLOOD_HINT = "check the baud rate and parity, and that the right device hangs on this line";

/** The beginning and the end of all that is added, until it is taken. */
class Ends {
  #beginning = Buffer.alloc(0);
  #end = Buffer.alloc(0);

  add(bytes: Uint8Array): void {
    const room = LEFT_OVER_END_BYTES - this.#beginning.byteLength;
    if (room > 0) this.#beginning = Buffer.concat([this.#beginning, bytes.subarray(0, room)]);
    const rest = bytes.subarray(room).subarray(-LEFT_OVER_END_BYTES);
    if (rest.byteLength > 0) this.#end = Buffer.concat([this.#end, rest]).subarray(-LEFT_OVER_END_BYTES);
  }

  take(): Uint8Array {
    const taken = Buffer.concat([this.#beginning, this.#end]);
    this.#beginning = Buffer.alloc(0);
    this.#end = Buffer.alloc(0);
    return taken;
  }
}

/**
 * One request, one reply. Failures: `timeout` (nothing, or not the whole), `io` (closed, too) and what `describe` knows;
 * `fail` gets what had come by then.
 */
function exchangeOver(
  stream: Duplex,
  exchange: Exchange,
  { clock, signal, describe, fail }: ExchangeContext,
): Promise<Result<Uint8Array, LineError>> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const cancel = clock.after(exchange.timeoutMs, () => end(silent(exchange, chunks, "no whole reply in time")));
    const end = (result: Result<Uint8Array, LineError>): void => {
      cancel();
      stream.off("data", onData);
      stream.off("error", onError);
      stream.off("close", onClose);
      signal.removeEventListener("abort", onAbort);
      if (!result.ok) fail(Buffer.concat(chunks));
      resolve(result);
    };
    const onData = (chunk: Uint8Array): void => {
      const room = exchange.replyBytesMax - bytes;
      chunks.push(chunk.subarray(0, Math.max(0, room)));
      bytes += Math.min(chunk.byteLength, Math.max(0, room));
      const reply = Buffer.concat(chunks);
      if (exchange.isComplete(reply)) end(ok(reply));
      else if (chunk.byteLength >= room) {
        end(err(flooded(`more than ${exchange.replyBytesMax} bytes came and no whole reply`)));
      }
    };
    const onError = (error: Error): void => end(err(describe(error)));
    const onClose = (): void => end(closed(exchange, chunks));
    const onAbort = (): void => end(silent(exchange, chunks, "no whole reply in time"));
    stream.on("data", onData);
    stream.on("error", onError);
    stream.on("close", onClose);
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener("abort", onAbort, { once: true });
    stream.write(exchange.request);
  });
}

/** The exchanges of an open stream. `address` names it in failures. */
export function lineOver({ stream, describe, close }: LineStream, address: string, clock: Clock): Line {
  let failure: LineError | null = null;
  let asking = false;
  let unasked = 0;
  const leftOver = new Ends();
  const onData = (chunk: Uint8Array): void => {
    if (asking) return;
    unasked += chunk.byteLength;
    leftOver.add(chunk);
    if (unasked <= UNASKED_BYTES_MAX) return;
    failure ??= flooded(`${address} sent more than ${UNASKED_BYTES_MAX} bytes that nobody asked for`);
    stream.off("data", onData);
    stream.destroy();
  };
  stream.on("data", onData);
  // Without a listener an error of a line that is pulled out ends the process.
  stream.on("error", (error) => {
    failure ??= describe(error);
  });
  return {
    async exchange(exchange, signal) {
      if (failure !== null) return err(failure);
      if (stream.destroyed) return err({ kind: "io", detail: `${address} closed the connection` });
      asking = true;
      try {
        return await exchangeOver(stream, exchange, { clock, signal, describe, fail: (bytes) => leftOver.add(bytes) });
      } finally {
        asking = false;
      }
    },
    leftOver: () => leftOver.take(),
    close,
  };
}

export function lineFrom(open: OpenStream, address: string, clock: Clock): OpenLine {
  return async (signal, timeoutMs) => {
    const opened = await open(signal, timeoutMs);
    return opened.ok ? ok(lineOver(opened.value, address, clock)) : opened;
  };
}

export function flooded(detail: string): LineError {
  return { kind: "protocol", detail, hint: FLOOD_HINT, misbehaved: true };
}

/** Not its silence: a server that is full closes at once, and one that was asked too much in the middle. */
function closed(exchange: Exchange, chunks: readonly Uint8Array[]): Result<Uint8Array, LineError> {
  const said = silent(exchange, chunks, "the device closed the connection");
  return said.ok ? said : err({ ...said.error, kind: "io", hint: CLOSED_HINT });
}

function silent(exchange: Exchange, chunks: readonly Uint8Array[], why: string): Result<Uint8Array, LineError> {
  const reply = Buffer.concat(chunks);
  if (exchange.partialIsReply && reply.byteLength > 0) return ok(reply);
  const came = reply.byteLength === 0 ? "nothing came" : `${reply.byteLength} bytes came`;
  return err({ kind: "timeout", detail: `${why}: ${came}` });
}
