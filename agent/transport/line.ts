/**
 * A byte line: what a dialect needs of TCP, a serial port or a terminal server. One exchange at a time; the driver says
 * when a reply is whole. Every read is bounded in bytes and time.
 */
import type { Duplex } from "node:stream";
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

/** `misbehaved`: it flooded or hung, so whoever opens lines leaves this one alone for growing pauses (quarantine). */
export type LineError = PollError & { readonly misbehaved?: true };

export type Line = {
  exchange(exchange: Exchange, signal: AbortSignal): Promise<Result<Uint8Array, LineError>>;
  /**
   * What came since this was asked last and is in no reply, of a bounded number of bytes the first and the last: when
   * nobody had asked, and of exchanges that failed. It may be half of what the replies before and after it hold.
   */
  leftOver(): Uint8Array;
  close(): Promise<void>;
};

export type OpenLine = (signal: AbortSignal, timeoutMs: number) => Promise<Result<Line, LineError>>;

/** An open line as a stream of its bytes, for who only listens, and for lines that are built upon others. */
export type LineStream = {
  readonly stream: Duplex;
  /** What a failure of the stream means. */
  readonly describe: (error: Error) => LineError;
  close(): Promise<void>;
};

export type OpenStream = (signal: AbortSignal, timeoutMs: number) => Promise<Result<LineStream, LineError>>;
