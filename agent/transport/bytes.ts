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
};

/** Between questions a device may send a few late frames; this much is a second of 115200 baud, five times over. */
const UNASKED_BYTES_MAX = 65_536;

/** Of these, what is remembered: as much as a track has, or the keys of a number. */
const UNASKED_TAIL_BYTES = 512;

const CLOSED_HINT = "servers with room for one client close on the second one: another program may be connected";
const FLOOD_HINT = "check the baud rate and parity, and that the right device hangs on this line";

/** One request, one reply. Failures: `timeout` (nothing, or not the whole), `io` (closed, too) and what `describe` knows. */
export function exchangeOver(
  stream: Duplex,
  exchange: Exchange,
  { clock, signal, describe }: ExchangeContext,
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
  let tail = Buffer.alloc(0);
  const onData = (chunk: Uint8Array): void => {
    if (asking) return;
    unasked += chunk.byteLength;
    tail = Buffer.concat([tail, chunk.subarray(-UNASKED_TAIL_BYTES)]).subarray(-UNASKED_TAIL_BYTES);
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
        return await exchangeOver(stream, exchange, { clock, signal, describe });
      } finally {
        asking = false;
      }
    },
    unasked() {
      const last = tail;
      tail = Buffer.alloc(0);
      return last;
    },
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
