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
 *     correlation:
 *       settle: 2m
 *       fleet:
 *         - { where: { category: network }, same: [kind], sites: 5, share: 5%, within: 10m }
 */
import { asWritten, type Diagnostic, durationMsBetween, loadYamlFile, type YamlSource } from "@aislewatch/config";
import { CATEGORIES, KINDS, SEVERITIES } from "@aislewatch/devices";
import { z } from "zod";
import { type CorrelationPolicy, FLEET_TRAITS, type FleetRule } from "./incidents/correlation-policy.ts";
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
/** What still fails an hour after its cause is over was told late enough. */
const SETTLE_MAX_MS = 3_600_000;
const FLEET_RULES_MAX = 100;
const FLEET_WORDS_MAX = 1_000;
const FLEET_SITES_MAX = 1_000_000;
/** What begins further apart than a day has no one cause, or one that nobody needs to be told of at once. */
const FLEET_WITHIN_MAX_MS = DAY_MS;

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
const byPriority = <T>(value: z.ZodType<T>) => z.union([z.partialRecord(z.enum(PRIORITIES), value), value]);

const share = asWritten<number>("a share of all sites such as 5%", (written) => {
  const match = typeof written === "string" ? /^(\d{1,3}(?:\.\d{1,2})?) ?%$/.exec(written) : null;
  if (match === null) return { ok: false, ...(typeof written === "number" && { hint: `write ${written}%` }) };
  const percent = Number(match[1]);
  if (percent > 100) return { ok: false, code: "CFG_RANGE", message: "expected 0% to 100%" };
  return { ok: true, value: percent };
});
const oneOrMore = <T extends string>(one: z.ZodType<T>): z.ZodType<readonly T[]> =>
  z.union([one.transform((written): readonly T[] => [written]), z.array(one).min(1).max(FLEET_WORDS_MAX)]);

const fleetRule = z.strictObject({
  where: z
    .strictObject({
      rule: oneOrMore(z.string().min(1).max(128)).optional(),
      category: oneOrMore(z.enum(CATEGORIES)).optional(),
      severity: oneOrMore(z.enum(SEVERITIES)).optional(),
      kind: oneOrMore(z.enum(KINDS)).optional(),
    })
    .default({}),
  same: z.array(z.enum(FLEET_TRAITS)).max(FLEET_TRAITS.length).default([]),
  /** One site has causes of its own, and two of them at once are chance. */
  sites: z.int().min(2).max(FLEET_SITES_MAX),
  share: share.default(0),
  within: durationMsBetween(MINUTE_MS, FLEET_WITHIN_MAX_MS),
});

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
  correlation: z
    .strictObject({
      settle: durationMsBetween(0, SETTLE_MAX_MS).optional(),
      fleet: z.array(fleetRule).max(FLEET_RULES_MAX).optional(),
    })
    .default({}),
});

/** lifecycle.yaml over the shipped policy, or all its mistakes. Never throws. */
export function loadLifecycle(file: string): Loaded<LifecyclePolicy> {
  const loaded = loadYamlFile(file, lifecycleFile);
  const texts = new Map(loaded.text === null ? [] : [[file, loaded.text]]);
  if (!loaded.ok) return { ok: false, diagnostics: loaded.diagnostics, texts };
  const { acknowledgement, reopen, close_after, review, correlation } = loaded.value;
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
    correlation: correlationOf(correlation),
  };
  const diagnostics = closesTooSoon(value, loaded.source, close_after !== undefined);
  return diagnostics.length > 0 ? { ok: false, diagnostics, texts } : { ok: true, value };
}

function correlationOf({ settle, fleet }: z.infer<typeof lifecycleFile>["correlation"]): CorrelationPolicy {
  const shipped = DEFAULT_LIFECYCLE.correlation;
  return { settleMs: settle ?? shipped.settleMs, fleet: fleet?.map(toFleetRule) ?? shipped.fleet };
}

function toFleetRule({ where, same, sites, share: sharePercent, within }: z.infer<typeof fleetRule>): FleetRule {
  const { rule, category, severity, kind } = where;
  return {
    where: {
      ...(rule !== undefined && { rule }),
      ...(category !== undefined && { category }),
      ...(severity !== undefined && { severity }),
      ...(kind !== undefined && { kind }),
    },
    ...{ same, sites, sharePercent, withinMs: within },
  };
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
