/**
 * One device, several replies: none of them tells all that is wrong, so a verdict is true by the word of any one, and
 * the evidence says whose. A witness says nothing of what it does not know.
 */
import type { Evidence } from "@aislewatch/devices";

export type Witness = {
  /** As a person knows it: `~HS`, `SOH a`. */
  readonly name: string;
  readonly says: Readonly<Record<string, boolean>>;
  /** A verdict in the witness's own words, where the metric is wider than they are. */
  readonly quotes?: Readonly<Record<string, string>>;
};

export function weigh(witnesses: readonly Witness[]): { metrics: Record<string, boolean>; evidence: Evidence[] } {
  const metrics: Record<string, boolean> = {};
  for (const { says } of witnesses) {
    for (const [metric, holds] of Object.entries(says)) metrics[metric] = metrics[metric] === true || holds;
  }
  const evidence = Object.keys(metrics)
    .filter((metric) => metrics[metric] === true)
    .map((metric) => evidenceOf(metric, witnesses));
  return { metrics, evidence };
}

function evidenceOf(metric: string, witnesses: readonly Witness[]): Evidence {
  const names = (holds: boolean): string[] =>
    witnesses.filter(({ says }) => says[metric] === holds).map(({ name }) => name);
  const quotes = witnesses.flatMap(({ name, quotes }): [string, string][] => {
    const quote = quotes?.[metric];
    return quote === undefined ? [] : [[name, quote]];
  });
  return {
    component: null,
    metric,
    by: names(true),
    against: names(false),
    ...(quotes.length > 0 && { quotes: Object.fromEntries(quotes) }),
  };
}
