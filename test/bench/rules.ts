/**
 * What judging costs, without wire and store: messages are made before the clock starts. CPU time of this process,
 * the garbage collector's included; the median of several rounds.
 *
 * `evaluations` is one condition set of one rule on one subject. `samples/s` counts every value of a message that went
 * through observe(), with 20 rules on each device (200 rules over ten kinds would give as many).
 */
import { encodeTelemetry, type InventoryDevice, type Telemetry } from "@aislewatch/contract";
import { compileRules, createEngine, type Engine, type RuleSet } from "@aislewatch/rules";
import type { Figure } from "./figure.ts";

const START = 1_700_000_000_000;
const INTERVAL_MS = 10_000;
const PER_MESSAGE = 40;
const WARM_UP_ROUNDS = 3;
const ROUNDS = 7;

const NUMBERS = [
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
];

/** Rules of one, two and three comparisons, one in four with a ladder and a clear condition of its own. */
function rulesOf(count: number): RuleSet {
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
  const compiled = compileRules([
    { file: "bench.yaml", text: `group: bench\nselect: kind == "pos_terminal"\nrules:\n${rules.join("")}` },
  ]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics[0]));
  return compiled.rules;
}

function devicesOf(count: number): InventoryDevice[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `lane-${i}/pos`,
    kind: "pos_terminal",
    driver: "snmp",
    labels: { role: "pos" },
    dependsOn: [],
    intervalMs: INTERVAL_MS,
    asset: {},
    components: [],
    metrics: [],
  }));
}

/** A poll of every device; `changing` of the eleven numbers differ from poll to poll. */
function messagesOf(devices: number, poll: number, changing: number): Telemetry[] {
  const messages: Telemetry[] = [];
  for (let from = 0; from < devices; from += PER_MESSAGE) {
    const at = START + poll * INTERVAL_MS + (from % INTERVAL_MS);
    const readings = Array.from({ length: Math.min(PER_MESSAGE, devices - from) }, (_, i) => {
      const numbers = NUMBERS.map((name, m) => [name, m < changing ? (poll * 7 + m + i) % 97 : m + 1]);
      const metrics = { up: true, ...Object.fromEntries(numbers) };
      return { device: `lane-${from + i}/pos`, at: at + i * 3, samples: [{ component: null, metrics }] };
    });
    messages.push(encodeTelemetry({ epoch: "bench", lane: "live", seq: poll + 1, sentAt: at }, readings));
  }
  return messages;
}

function engineOf(rules: RuleSet, devices: number): Engine {
  const engine = createEngine();
  engine.setRules(rules, START);
  engine.setInventory("store-1", "agent-1", devicesOf(devices), START);
  return engine;
}

type Run = { readonly cpuSeconds: number; readonly samples: number; readonly evaluations: number };

/** The same polls again and again, each time later: nothing but observe() and tick() runs while the clock does. */
function run(engine: Engine, devices: number, options: { changing: number; polls: number }): Run {
  const batches = Array.from({ length: options.polls }, (_, poll) => messagesOf(devices, poll, options.changing));
  const runs: Run[] = [];
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    const skewMs = round * options.polls * INTERVAL_MS;
    const before = engine.counts.evaluations;
    const startedAt = process.cpuUsage();
    for (const [poll, messages] of batches.entries()) {
      for (const message of messages) engine.observe("store-1", "agent-1", message, skewMs);
      engine.tick(START + skewMs + poll * INTERVAL_MS);
    }
    const { user, system } = process.cpuUsage(startedAt);
    const samples = options.polls * devices * (NUMBERS.length + 1);
    runs.push({ cpuSeconds: (user + system) / 1e6, samples, evaluations: engine.counts.evaluations - before });
  }
  const sorted = runs.slice(WARM_UP_ROUNDS).sort((a, b) => a.cpuSeconds - b.cpuSeconds);
  return sorted[Math.floor(sorted.length / 2)] ?? { cpuSeconds: Number.NaN, samples: 0, evaluations: 0 };
}

export async function benchRules(): Promise<Figure[]> {
  const figures: Figure[] = [];
  const perEvaluation = ({ cpuSeconds, evaluations }: Run): number => (cpuSeconds / evaluations) * 1e9;

  const dense = run(engineOf(rulesOf(200), 500), 500, { changing: NUMBERS.length, polls: 10 });
  figures.push({
    label: "evaluations, 200 rules on each of 500 devices, every value changing",
    value: dense.evaluations / dense.cpuSeconds,
    unit: "/CPU s",
  });
  const typical: [label: string, changing: number][] = [
    ["nothing changes", 0],
    ["3 of 12 values change", 3],
    ["11 of 12 values change", NUMBERS.length],
  ];
  const fleet = rulesOf(20);
  for (const [label, changing] of typical) {
    const { samples, cpuSeconds } = run(engineOf(fleet, 2_000), 2_000, { changing, polls: 20 });
    figures.push({ label: `samples through observe(), ${label}`, value: samples / cpuSeconds, unit: "samples/CPU s" });
    figures.push({ label: `  each`, value: (cpuSeconds / samples) * 1e9, unit: "ns" });
  }
  for (const devices of [50, 500, 5_000]) {
    const grown = run(engineOf(fleet, devices), devices, {
      changing: NUMBERS.length,
      polls: Math.ceil(40_000 / devices),
    });
    const label = `an evaluation at ${(devices * 20).toLocaleString("en-US")} instances`;
    figures.push({ label, value: perEvaluation(grown), unit: "ns" });
  }
  return figures;
}
