/**
 * A byte line: what a dialect needs of TCP, a serial port or usblp. One exchange at a time; the driver says when a
 * reply is whole. Every read is bounded in bytes and time.
 */
import type { Result } from "@aislewatch/base";
import type { PollError } from "../drivers/driver.ts";

export type Exchange = {
  readonly request: Uint8Array;
  /** Is this a whole reply? Called after each chunk with all bytes so far. */
  readonly isComplete: (bytes: Uint8Array) => boolean;
  readonly timeoutMs: number;
  readonly replyBytesMax: number;
  /** Take what came until the timeout as the reply, instead of failing: some devices end by falling silent. */
  readonly partialIsReply?: boolean;
};

export type Line = {
  exchange(exchange: Exchange, signal: AbortSignal): Promise<Result<Uint8Array, PollError>>;
  close(): Promise<void>;
};

export type OpenLine = (signal: AbortSignal, timeoutMs: number) => Promise<Result<Line, PollError>>;
