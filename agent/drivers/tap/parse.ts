/** What a line that is listened to tells of its device: that there is life on it, and whether characters get damaged. */
import { ok, type Result } from "@aislewatch/base";
import type { Value } from "@aislewatch/contract";
import type { Parsed, ParseError } from "../driver.ts";

export type TapReply = {
  readonly receivedBytes: number;
  readonly messages: number;
  readonly idleMs: number;
  /** Null when the line does not tell. */
  readonly errors: {
    readonly framing: number;
    readonly parity: number;
    readonly overruns: number;
    readonly breaks: number;
  } | null;
};

export const METRICS = [
  "line_idle_seconds",
  "line_received_bytes_total",
  "line_messages_total",
  "line_framing_errors_total",
  "line_parity_errors_total",
  "line_overruns_total",
  "line_breaks_total",
];

export function parse({ receivedBytes, messages, idleMs, errors }: TapReply): Result<Parsed, ParseError> {
  const metrics: Record<string, Value> = {
    line_idle_seconds: Math.round(idleMs) / 1_000,
    line_received_bytes_total: receivedBytes,
    line_messages_total: messages,
    ...(errors !== null && {
      line_framing_errors_total: errors.framing,
      line_parity_errors_total: errors.parity,
      line_overruns_total: errors.overruns,
      line_breaks_total: errors.breaks,
    }),
  };
  return ok({ samples: [{ component: null, metrics }] });
}
