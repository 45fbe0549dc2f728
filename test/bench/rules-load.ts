/** What the rule engine is measured with: POS terminals, their polls, and rules in our language and in PromQL. */
import { encodeTelemetry, type InventoryDevice, type Telemetry } from "@aislewatch/contract";
import { compileRules, type RuleSet } from "@aislewatch/rules";

export const START_MS = 1_700_000_000_000;
export const INTERVAL_MS = 10_000;
const PER_MESSAGE = 40;

export const NUMBERS = [
  "poll_duration_seconds",
  "uptime_seconds",
  "temperature_celsius",
  "cpu_used_percent",
  "load_1m",
  "load_5m",
  "memory_used_percent",
  "swap_used_percent",
  "cpu_temperature_celsius",
  "process_count",
  "user_count",
] as const;

/** Only goes up. */
export const COUNTER = "polls_skipped_total";

export type TwoLanguages = { readonly cel: string; readonly promql: string };

/**
 * One, two and three comparisons, and windows: of five rules two look at a window of five minutes (30 readings), by
 * turns its mean, its largest value and a counter's rate. None is ever true.
 */
export function conditionOf(i: number): TwoLanguages {
  const [a, b, c] = [0, 3, 7].map((step) => NUMBERS[(i + step) % NUMBERS.length]);
  const limit = 1_000 + i;
  switch (i % 10) {
    case 3:
      return { cel: `avg(${a}, "5m") > ${limit}`, promql: `avg_over_time(${a}[5m]) > ${limit}` };
    case 4:
      return {
        cel: `max(${a}, "5m") > ${limit} && ${b} > ${i}`,
        promql: `max_over_time(${a}[5m]) > ${limit} and ${b} > ${i}`,
      };
    case 8:
      return { cel: `rate(${COUNTER}, "5m") > ${limit}`, promql: `rate(${COUNTER}[5m]) > ${limit}` };
    case 9:
      return { cel: `min(${a}, "5m") > ${limit}`, promql: `min_over_time(${a}[5m]) > ${limit}` };
    default:
      break;
  }
  const comparisons: readonly TwoLanguages[] = [
    { cel: `${a} > ${limit}`, promql: `${a} > ${limit}` },
    { cel: `${a} > 1000 && ${b} < ${i}`, promql: `${a} > 1000 and ${b} < ${i}` },
    {
      cel: `${a} > 1000 || (${b} > 2000 && ${c} > 900)`,
      promql: `${a} > 1000 or (${b} > 2000 and ${c} > 900)`,
    },
  ];
  return comparisons[i % comparisons.length] ?? { cel: "up", promql: "up" };
}

export function windowedRules(count: number): RuleSet {
  const rules = Array.from({ length: count }, (_, i) => {
    const head = `  - id: rule-${i}\n    title: "{{device}} rule ${i}"\n    category: software\n`;
    return `${head}    when: '${conditionOf(i).cel}'\n    for: 1m\n    severity: minor\n`;
  });
  return compiled(rules);
}

/** Rules of one, two and three comparisons, one in four with a ladder and a clear condition of its own. */
export function plainRules(count: number): RuleSet {
  const rules = Array.from({ length: count }, (_, i) => {
    const [a, b, c] = [0, 3, 7].map((step) => NUMBERS[(i + step) % NUMBERS.length]);
    const conditions = [
      `${a} > ${1_000 + i}`,
      `${a} > 1000 && ${b} < ${i}`,
      `${a} > 1000 || (${b} > 2000 && ${c} > vars.limit)`,
    ];
    const head = `  - id: rule-${i}\n    title: "{{device}} rule ${i}"\n    category: software\n    vars: { limit: 900 }\n`;
    const when = conditions[i % conditions.length];
    if (i % 4 !== 0) return `${head}    when: "${when}"\n    for: 1m\n    severity: minor\n`;
    return `${head}    raise:\n      minor: { when: "${when}", for: 1m }\n      major: { when: "${a} > 5000" }\n    clear: { when: "${a} < 500" }\n`;
  });
  return compiled(rules);
}

/** All of them fire while `temperature_celsius` is above this, and a bit more for each. */
export function firingRules(count: number, above: number): RuleSet {
  const rules = Array.from({ length: count }, (_, i) => {
    const head = `  - id: rule-${i}\n    title: "{{device}} rule ${i}"\n    category: software\n`;
    return `${head}    when: "temperature_celsius > ${above + i / 100}"\n    severity: minor\n`;
  });
  return compiled(rules);
}

function compiled(rules: readonly string[]): RuleSet {
  const text = `group: bench\nselect: kind == "pos_terminal"\nrules:\n${rules.join("")}`;
  const result = compileRules([{ file: "bench.yaml", text }]);
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics[0]));
  return result.rules;
}

export function terminals(count: number, intervalMs = INTERVAL_MS): InventoryDevice[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `lane-${i}/pos`,
    kind: "pos_terminal",
    driver: "snmp",
    labels: { role: "pos" },
    dependsOn: [],
    intervalMs,
    asset: {},
    components: [],
    metrics: [],
  }));
}

export const valueAt = (poll: number, metric: number, device: number): number => (poll * 7 + metric + device) % 97;

/** A poll of every device; `changing` of the numbers differ from poll to poll. */
export function messagesOf(devices: number, poll: number, changing: number): Telemetry[] {
  const messages: Telemetry[] = [];
  for (let from = 0; from < devices; from += PER_MESSAGE) {
    const at = START_MS + poll * INTERVAL_MS + (from % INTERVAL_MS);
    const readings = Array.from({ length: Math.min(PER_MESSAGE, devices - from) }, (_, i) => {
      const numbers = NUMBERS.map((name, m) => [name, m < changing ? valueAt(poll, m, i) : m + 1]);
      const metrics = { up: true, [COUNTER]: changing > 0 ? poll * 3 : 0, ...Object.fromEntries(numbers) };
      return { device: `lane-${from + i}/pos`, at: at + i * 3, samples: [{ component: null, metrics }] };
    });
    messages.push(encodeTelemetry({ epoch: "bench", lane: "live", seq: poll + 1, sentAt: at }, readings));
  }
  return messages;
}

/** What one reading brings: the numbers, the counter and `up`. */
export const SAMPLES_PER_READING = NUMBERS.length + 2;
