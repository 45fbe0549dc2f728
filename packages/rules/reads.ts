/** What a rule looks at, and how far back: for whoever has to fetch it first, as a replay from stored readings does. */
import type { Metric } from "@aislewatch/devices";
import { checkCondition, type Use } from "./condition.ts";
import { checkSelect } from "./select.ts";
import type { Rule } from "./types.ts";

export type RuleReads = {
  readonly metrics: readonly Metric[];
  /** The longest time after which a reading can still decide: windows, silences and every wait. */
  readonly lookbackMs: number;
  /** Kinds and roles that a rule over a site counts. */
  readonly groups: readonly string[];
};

export function readsOfRule(rule: Rule): RuleReads {
  const selected = checkSelect(rule.select);
  const place = { scope: rule.scope, kinds: selected.ok ? selected.value.kinds : null, vars: rule.vars };
  const texts = [...rule.raise.map(({ when }) => when), ...(rule.clear === null ? [] : [rule.clear.when])];
  const checked = texts.map((text) => checkCondition(text, place));
  const conditions = checked.flatMap((each) => (each.ok ? [each.value] : []));
  const uses = conditions.flatMap((condition) => condition.uses);
  const metrics = new Map(uses.flatMap(metricsOf).map((metric) => [metric.name, metric]));
  const windowMs = Math.max(0, ...uses.map(spanOf));
  const silenceMs = Math.max(0, ...conditions.flatMap(({ silenceSeconds }) => silenceSeconds)) * 1_000;
  const waitMs = Math.max(0, ...rule.raise.map(({ forMs }) => forMs));
  const clearMs = Math.max(rule.clear?.forMs ?? 0, rule.keepMs);
  const groups = [...new Set(uses.flatMap((use) => (use.of === "count" ? [use.group] : [])))];
  return {
    groups,
    metrics: [...metrics.values()],
    lookbackMs: windowMs + silenceMs + waitMs + clearMs + rule.missing.afterMs,
  };
}

/**
 * Does it say of a device that it does not answer, and nothing else? Its incident is then what all that depends on the
 * device hangs below. Conditions over `up` alone, as it is now; how often it changed is another matter.
 */
export function saysDown({ scope, on, raise, select, vars, mode }: Rule): boolean {
  if (scope !== "device" || on !== null || mode === "shadow") return false;
  const selected = checkSelect(select);
  const place = { scope, kinds: selected.ok ? selected.value.kinds : null, vars };
  return raise.every(({ when }) => {
    const checked = checkCondition(when, place);
    if (!checked.ok) return false;
    const { uses } = checked.value;
    const isNow = uses.some((use) => use.of === "metric" && use.metric.name === "up");
    return (
      isNow && uses.every((use) => metricsOf(use).some(({ name }) => name === "up") && metricsOf(use).length === 1)
    );
  });
}

function metricsOf(use: Use): readonly Metric[] {
  if (use.of === "time_where") return use.metrics;
  return "metric" in use ? [use.metric] : [];
}

function spanOf(use: Use): number {
  if (use.of === "time_where") return use.spell.spanMs;
  return use.of === "window" ? use.spanMs : 0;
}
