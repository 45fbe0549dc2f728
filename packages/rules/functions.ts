/**
 * Every function that a condition may call: what docs/rules-reference.md says of it, and the names that the check of a
 * condition knows. What they mean in code: window-functions.ts, forecast.ts, spells.ts, compile.ts.
 */

export type RuleFunction = {
  /** As it is called. */
  readonly signature: string;
  readonly scopes: readonly ("device" | "component" | "site")[];
  readonly meaning: string;
  /** Of the answer. */
  readonly unit: string;
  /** When the answer is unknown. */
  readonly unknown: string;
  /** What it keeps per series. */
  readonly memory: string;
  readonly example: string;
};

const OWN = ["device", "component"] as const;
const COVERED = "the values in the window are known for less than half of it, or the metric is stale";
const NEVER_READ = "the metric was never read";
const WINDOW = "a window";
const NOTHING = "nothing";

const overWindow = (
  name: string,
  { meaning, unit, example }: Pick<RuleFunction, "meaning" | "unit" | "example">,
): RuleFunction => ({
  ...{ signature: `${name}(metric, "10m")`, scopes: OWN, meaning, unit, unknown: COVERED, memory: WINDOW, example },
});

const overParts = (name: string, what: { meaning: string; unit: string; example: string }): RuleFunction => ({
  ...{ signature: `${name}(metric)`, scopes: ["device"], ...what, memory: NOTHING },
  unknown: "no part ever told the metric, or one that did fell silent and the others don't decide",
});

const ofSite = (name: string, meaning: string): RuleFunction => ({
  ...{
    signature: `${name}("kind or role")`,
    scopes: ["site"],
    meaning: `${meaning}; "*" is every device but agents`,
    unit: "devices",
    unknown: "never",
  },
  ...{ memory: NOTHING, example: `${name}("pos_terminal") >= 2` },
});

export const RULE_FUNCTIONS: Readonly<Record<string, RuleFunction>> = {
  avg: overWindow("avg", {
    meaning: "Mean of the readings",
    unit: "the metric's",
    example: 'avg(cpu_used_percent, "5m") > 90',
  }),
  min: overWindow("min", {
    meaning: "The smallest reading",
    unit: "the metric's",
    example: 'min(temperature_celsius, "10m") > 8',
  }),
  max: overWindow("max", {
    meaning: "The largest reading",
    unit: "the metric's",
    example: 'max(head_temperature_celsius, "5m") > 60',
  }),
  sum: overWindow("sum", {
    meaning: "Sum of the readings, however many there are",
    unit: "the metric's",
    example: 'sum(user_count, "1h") == 0',
  }),
  quantile: {
    signature: 'quantile(metric, 0.95, "1h")',
    scopes: OWN,
    meaning: "The value below which this share (0 to 1) of the readings lies, interpolated between two",
    unit: "the metric's",
    unknown: COVERED,
    memory: WINDOW,
    example: 'quantile(target_answer_seconds, 0.95, "1h") > 2',
  },
  count: {
    ...overWindow("count", {
      meaning: "How many readings there are",
      unit: "readings",
      example: 'count(temperature_celsius, "1h") >= 10',
    }),
    unknown: NEVER_READ,
  },
  coverage: {
    ...overWindow("coverage", {
      meaning: "For which share of the window the value is known; a reading counts until it is stale",
      unit: "0 to 1",
      example: 'coverage(temperature_celsius, "1h") >= 0.9 && avg(temperature_celsius, "1h") > 8',
    }),
    unknown: NEVER_READ,
  },
  increase: overWindow("increase", {
    meaning: "Growth of a counter; a fall is a reset and counts as nothing, a gap over the window's begin by its share",
    unit: "the metric's",
    example: 'increase(process_restarts_total, "1h") >= 2',
  }),
  rate: overWindow("rate", {
    meaning: "Growth of a counter a second, over the time in which it was not reset",
    unit: "the metric's, a second",
    example: 'rate(line_framing_errors_total, "5m") > 0.1',
  }),
  delta: overWindow("delta", {
    meaning: "The value now less the value that the window began with",
    unit: "the metric's",
    example: 'delta(disk_free_bytes, "6h") < 0',
  }),
  changes: overWindow("changes", {
    meaning: "How often the value changed",
    unit: "changes",
    example: 'changes(port_up, "10m") >= 4',
  }),
  last: {
    ...overWindow("last", {
      meaning: "The last value, while it lies in the window",
      unit: "the metric's",
      example: 'last(temperature_celsius, "30s") > 8',
    }),
    unknown: "there is no reading in the window, or the metric is stale",
  },
  time_where: {
    signature: 'time_where(condition, "1h")',
    scopes: OWN,
    meaning: "For how long a condition over metrics of the subject held, from reading to reading",
    unit: "seconds",
    unknown: "the condition is unknown, or was for more than half of the window",
    memory: "24 bytes a change of the condition, 6 KiB at most",
    example: 'time_where(paused && !media_out, "1h") > 1800',
  },
  eta: {
    signature: 'eta(metric, target, "6h")',
    scopes: OWN,
    meaning:
      "When the metric reaches the target, if it goes on as in the window: a line by least squares, with jumps (a new roll, an emptied disk, a reset) taken out. 0 at the target; a year when it goes the other way, stands still, wavers without a trend or is past the target, so join it with `||` to the condition for being past",
    unit: "seconds, at most 31536000",
    unknown: `${COVERED}, or the window has fewer than five readings`,
    memory: WINDOW,
    example: 'disk_used_percent >= 95 || eta(disk_used_percent, 95, "6h") < 86400',
  },
  neighbours: {
    signature: "neighbours(condition)",
    scopes: ["device"],
    meaning:
      "For how many other devices of the same kind and role (label `role`, else zone) at the site a condition over their own metrics and windows holds; one of which nobody knows does not count. Looked at with each reading of the device itself",
    unit: "devices",
    unknown: "never",
    memory: NOTHING,
    example: "line_idle_seconds > 3600 && neighbours(line_idle_seconds < 600) >= 2",
  },
  streak: {
    signature: "streak(metric)",
    scopes: OWN,
    meaning: "How many readings in a row brought the present value; survives a restart",
    unit: "readings",
    unknown: "the metric is unknown",
    memory: "a window of a minute",
    example: "!up && streak(up) >= 2",
  },
  known: {
    signature: "known(x)",
    scopes: ["device", "component"],
    meaning: "Is it anything but unknown? For what not every device has",
    unit: "yes or no",
    unknown: "never",
    memory: NOTHING,
    example: "!(known(poe_fault) && poe_fault)",
  },
  silent_for: {
    signature: "silent_for()",
    scopes: OWN,
    meaning: "Time since the device last answered; compared with a number or vars.x, for the engine sets a timer by it",
    unit: "seconds",
    unknown: "the agent is away, or came back so lately that the device could not have answered",
    memory: NOTHING,
    example: "silent_for() > 120",
  },
  any_of: overParts("any_of", {
    meaning: "Is the flag set on any part of the device?",
    unit: "yes or no",
    example: "any_of(tray_empty)",
  }),
  all_of: overParts("all_of", {
    meaning: "Is the flag set on all parts?",
    unit: "yes or no",
    example: "all_of(tray_empty)",
  }),
  count_of: overParts("count_of", {
    meaning: "On how many parts is the flag set?",
    unit: "parts",
    example: "count_of(tray_empty) >= 2",
  }),
  min_of: overParts("min_of", {
    meaning: "The smallest value of the parts; compared, one part decides as soon as it can",
    unit: "the metric's",
    example: "min_of(supply_remaining_percent) < 10",
  }),
  max_of: overParts("max_of", {
    meaning: "The largest value of the parts",
    unit: "the metric's",
    example: "max_of(disk_used_percent) > 95",
  }),
  working: ofSite(
    "working",
    "How many devices of a kind, or of a label `role`, answer and have no fault of major or worse",
  ),
  failed: ofSite("failed", "How many don't answer or have such a fault, behind nothing that is down itself"),
  unknown: ofSite("unknown", "How many are neither: not heard yet, or behind something that is down"),
  expected: ofSite("expected", "How many the inventory has, heard or not"),
};

/** Kept free for what is to come: median of the same hour of past weeks. */
export const FUNCTION_TO_COME = "usual";
