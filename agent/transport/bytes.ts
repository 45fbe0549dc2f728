/**
 * What the byte lines have in common: send a request, gather what comes until the driver says that it is whole, within
 * a bound of bytes and time. Whatever stood on the line before the request is an old answer and is thrown away.
 */
import type { Duplex } from "node:stream";
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import type { PollError } from "../drivers/driver.ts";
import type { Exchange } from "./line.ts";

export type ExchangeContext = {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Turns what the library threw into a failure. */
  readonly describe: (error: Error) => PollError;
};

/** One request, one reply. Failures: `timeout` (nothing, or not the whole), `io` and what `describe` knows. */
export function exchangeOver(
  stream: Duplex,
  exchange: Exchange,
  { clock, signal, describe }: ExchangeContext,
): Promise<Result<Uint8Array, PollError>> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const cancel = clock.after(exchange.timeoutMs, () => end(silent(exchange, chunks, "no whole reply in time")));
    const end = (result: Result<Uint8Array, PollError>): void => {
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
        end(err({ kind: "protocol", detail: `more than ${exchange.replyBytesMax} bytes came and no whole reply` }));
      }
    };
    const onError = (error: Error): void => end(err(describe(error)));
    const onClose = (): void => end(silent(exchange, chunks, "the device closed the connection"));
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

function silent(exchange: Exchange, chunks: readonly Uint8Array[], why: string): Result<Uint8Array, PollError> {
  const reply = Buffer.concat(chunks);
  if (exchange.partialIsReply && reply.byteLength > 0) return ok(reply);
  const came = reply.byteLength === 0 ? "nothing came" : `${reply.byteLength} bytes came`;
  return err({ kind: "timeout", detail: `${why}: ${came}` });
}
