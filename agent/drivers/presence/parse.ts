import { err, ok, type Result } from "@aislewatch/base";
import type { Value } from "@aislewatch/contract";
import type { Parsed, ParseError } from "../driver.ts";
import type { PresenceReply } from "./types.ts";

export const HOST_METRICS = ["round_trip_seconds"];
export const PORT_METRICS = [
  "attached",
  "in_use",
  "line_received_bytes_total",
  "line_sent_bytes_total",
  "line_framing_errors_total",
  "line_parity_errors_total",
  "line_overruns_total",
  "line_breaks_total",
];

export function parse(reply: PresenceReply): Result<Parsed, ParseError> {
  if (reply.kind === "host") {
    if (reply.roundTripMs === null) return ok({ samples: [] });
    if (!(reply.roundTripMs >= 0)) return err({ detail: "a round trip of less than no time" });
    return ok({
      samples: [
        { component: null, metrics: { round_trip_seconds: Math.round(reply.roundTripMs * 1_000) / 1_000_000 } },
      ],
    });
  }
  const { attached, holders, counters } = reply;
  const metrics: Record<string, Value> = {
    attached,
    ...(holders !== null && { in_use: holders.length > 0 }),
    ...(counters !== null && {
      line_received_bytes_total: counters.receivedBytes,
      line_sent_bytes_total: counters.sentBytes,
      line_framing_errors_total: counters.framingErrors,
      line_parity_errors_total: counters.parityErrors,
      line_overruns_total: counters.overruns,
      line_breaks_total: counters.breaks,
    }),
  };
  return ok({ samples: [{ component: null, metrics }] });
}
