import { ok, type Result } from "@aislewatch/base";
import type { Value } from "@aislewatch/contract";
import { componentName } from "@aislewatch/devices";
import type { Parsed, ParseError } from "../driver.ts";
import type { ReachReply, Tried } from "./types.ts";

export const METRICS = ["target_reachable", "target_answer_seconds"];
export const CERTIFICATE_METRICS = ["certificate_remaining_days", "certificate_trusted"];

const DAY_MS = 86_400_000;

export function parse({ targets }: ReachReply): Result<Parsed, ParseError> {
  const samples = targets.map((tried) => ({
    component: componentName("target", tried.name),
    metrics: metricsOf(tried),
  }));
  return ok({ samples: samples.filter(({ metrics }) => Object.keys(metrics).length > 0) });
}

function metricsOf({ isReached, answerMs, certificate }: Tried): Record<string, Value> {
  return {
    ...(isReached !== null && { target_reachable: isReached }),
    // Milliseconds with a tenth: a network card's own jitter is more than that.
    ...(answerMs !== null && answerMs >= 0 && { target_answer_seconds: Math.round(answerMs * 10) / 10_000 }),
    ...(certificate !== null &&
      Number.isFinite(certificate.leftMs) && {
        certificate_remaining_days: Math.floor((certificate.leftMs / DAY_MS) * 10) / 10,
        certificate_trusted: certificate.isTrusted,
      }),
  };
}
