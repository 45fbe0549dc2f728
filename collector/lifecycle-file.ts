/**
 * lifecycle.yaml: how long incidents wait for people. What is not given is as shipped; a table by priority may give only
 * some of them.
 *
 *     acknowledgement:
 *       expires: { P1: 15m, P5: never }
 *       ends_on: [severity, scope]
 *     reopen:
 *       recovered: 30m
 *       resolved: { P1: 48h }
 *     close_after: 3d
 *     review: { times: 4, within: 7d }
 */
import { asWritten, type Diagnostic, durationMsBetween, loadYamlFile, type YamlSource } from "@aislewatch/config";
import { z } from "zod";
import { DEFAULT_LIFECYCLE, type LifecyclePolicy } from "./incidents/lifecycle.ts";
import { SELF_RECOVERIES_MAX } from "./incidents/log.ts";
import { PRIORITIES, type Priority } from "./incidents/types.ts";
import type { Loaded } from "./sites.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Who acknowledges and forgets for longer than a month has no use for an acknowledgement that runs out. */
const EXPIRES_MAX_MS = 30 * DAY_MS;
/** Later than this, a fault that comes back is another one. */
const WINDOW_MAX_MS = 30 * DAY_MS;
const CLOSE_MAX_MS = 90 * DAY_MS;
const REVIEW_MAX_MS = 90 * DAY_MS;

const expires = durationMsBetween(MINUTE_MS, EXPIRES_MAX_MS);
const window = durationMsBetween(0, WINDOW_MAX_MS);

const orNever = (duration: z.ZodType<number>) =>
  asWritten<number | null>("a duration such as 15m, or never", (written) => {
    if (written === "never") return { ok: true, value: null };
    const parsed = duration.safeParse(written);
    if (parsed.success) return { ok: true, value: parsed.data };
    return { ok: false, ...(typeof written === "number" && { hint: `write the unit: ${written}m` }) };
  });

/** One for all, or some of them: mistakes are told at their place in the one that is written. */
const byPriority = <T>(value: z.ZodType<T>) => {
  const some = z.partialRecord(z.enum(PRIORITIES), value);
  return z.unknown().transform((written, context): T | Partial<Record<Priority, T>> => {
    const parsed = (typeof written === "object" ? some : value).safeParse(written, { reportInput: true });
    if (parsed.success) return parsed.data;
    context.issues.push(...(parsed.error.issues as typeof context.issues));
    return z.NEVER;
  });
};

const lifecycleFile = z.strictObject({
  acknowledgement: z
    .strictObject({
      expires: byPriority(orNever(expires)).optional(),
      ends_on: z
        .array(z.enum(["severity", "scope"]))
        .max(2)
        .optional(),
    })
    .default({}),
  reopen: z
    .strictObject({ recovered: byPriority(window).optional(), resolved: byPriority(window).optional() })
    .default({}),
  close_after: durationMsBetween(0, CLOSE_MAX_MS).optional(),
  review: z
    .union([
      z.literal("never"),
      z.strictObject({
        times: z.int().min(2).max(SELF_RECOVERIES_MAX),
        within: durationMsBetween(MINUTE_MS, REVIEW_MAX_MS),
      }),
    ])
    .optional(),
});

/** lifecycle.yaml over the shipped policy, or all its mistakes. Never throws. */
export function loadLifecycle(file: string): Loaded<LifecyclePolicy> {
  const loaded = loadYamlFile(file, lifecycleFile);
  const texts = new Map(loaded.text === null ? [] : [[file, loaded.text]]);
  if (!loaded.ok) return { ok: false, diagnostics: loaded.diagnostics, texts };
  const { acknowledgement, reopen, close_after, review } = loaded.value;
  const shipped = DEFAULT_LIFECYCLE;
  const value: LifecyclePolicy = {
    acknowledgement: {
      expiresMs: over(shipped.acknowledgement.expiresMs, acknowledgement.expires),
      endsOn: acknowledgement.ends_on ?? shipped.acknowledgement.endsOn,
    },
    reopen: {
      recoveredMs: over(shipped.reopen.recoveredMs, reopen.recovered),
      resolvedMs: over(shipped.reopen.resolvedMs, reopen.resolved),
    },
    closeAfterMs: close_after ?? shipped.closeAfterMs,
    review:
      review === undefined
        ? shipped.review
        : review === "never"
          ? null
          : { times: review.times, withinMs: review.within },
  };
  const diagnostics = closesTooSoon(value, loaded.source, close_after !== undefined);
  return diagnostics.length > 0 ? { ok: false, diagnostics, texts } : { ok: true, value };
}

/** One value for all of them, or values for some. */
function over<T>(
  shipped: Readonly<Record<Priority, T>>,
  written: T | Partial<Record<Priority, T>> | undefined,
): Record<Priority, T> {
  if (written === undefined) return shipped;
  if (typeof written === "object" && written !== null) return { ...shipped, ...written };
  const all = written as T;
  return { P1: all, P2: all, P3: all, P4: all, P5: all };
}

/** What closed can't reopen: a window that is longer than the wait would be none. */
function closesTooSoon(policy: LifecyclePolicy, source: YamlSource, isGiven: boolean): Diagnostic[] {
  const longest = Math.max(...PRIORITIES.map((priority) => policy.reopen.resolvedMs[priority]));
  if (policy.closeAfterMs >= longest) return [];
  const path = isGiven ? ["close_after"] : ["reopen", "resolved"];
  const message = "expected close_after to be at least as long as every reopen.resolved: what is closed can't reopen";
  return [source.diagnostic(path, { code: "CFG_LIFECYCLE", message })];
}
