/**
 * The one face of all channels. A channel makes one attempt and says how it went; when to try, how often and in which
 * order is delivery.ts's business, and what is said is message.ts's.
 */
import type { Result } from "@aislewatch/base";
import type { Message } from "./message.ts";

export type Receipt = { readonly status: number | null; readonly detail: string };

export type DeliveryFailure = {
  /** False: this message will not be taken however often it is sent. */
  readonly retryable: boolean;
  readonly status: number | null;
  readonly detail: string;
  /** The receiver asked to be left alone for so long. */
  readonly retryAfterMs?: number;
};

/** So many messages within so long; beyond that, what comes is told in summaries. */
export type RateLimit = { readonly atMost: number; readonly withinMs: number };

export type Channel = {
  readonly kind: "webhook" | "email";
  /** Where it leads, fit to be shown: no secret is in it. */
  readonly target: string;
  readonly timeoutMs: number;
  readonly giveUpAfterMs: number;
  readonly rate: RateLimit | null;
  /** One attempt; ends soon after `signal` is aborted, and never rejects. */
  deliver(message: Message, signal: AbortSignal): Promise<Result<Receipt, DeliveryFailure>>;
};

const DETAIL_CHARS_MAX = 200;

/** What a stranger said, fit for a log and a terminal. */
export const fitForLog = (text: string): string =>
  text
    .replace(/\p{Cc}+/gu, " ")
    .trim()
    .slice(0, DETAIL_CHARS_MAX);
