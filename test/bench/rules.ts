/**
 * What judging costs, without wire and store: messages are made before the clock starts. CPU time of this process,
 * the garbage collector's included; the median of several rounds.
 *
 * `evaluations` is one condition set of one rule on one subject. `samples/s` counts every value of a message that went
 * through observe(), with 20 rules on each device (200 rules over ten kinds would give as many). An instance is a rule
 * on a subject.
 */
import { performance } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { decodeTelemetry, encodeTelemetry, type InventoryDevice, type Telemetry } from "@aislewatch/contract";
import { createEngine, type Engine, type FaultRecord, type RuleSet } from "@aislewatch/rules";
import { type Figure, progress } from "./figure.ts";
import { benchShippedRules } from "./rules-fleet.ts";
import {
  COUNTER,
  firingRules,
  INTERVAL_MS,
  messagesOf,
  NUMBERS,
  plainRules,
  SAMPLES_PER_READING,
  START_MS,
  terminals,
  windowedRules,
} from "./rules-load.ts";
import { evaluateInPrometheus } from "./rules-prometheus.ts";

const SITE = "store-1";
const AGENT = "agent-1";
const WARM_UP_ROUNDS = 3;
const ROUNDS = 7;
/** A window of five minutes is full after so many polls. */
const WINDOW_POLLS = 31;

function engineOf(rules: RuleSet, devices: readonly InventoryDevice[]): Engine {
  const engine = createEngine();
  engine.setRules(rules, START_MS);
  engine.setInventory(SITE, AGENT, devices, START_MS);
  return engine;
}

type Run = { readonly cpuSeconds: number; readonly samples: number; readonly evaluations: number };

/** The same polls again and again, each time later: nothing but observe() and tick() runs while the clock does. */
function run(
  engine: Engine,
  devices: number,
  { changing, polls, rounds = ROUNDS }: { changing: number; polls: number; rounds?: number },
): Run {
  const batches = Array.from({ length: polls }, (_, poll) => messagesOf(devices, poll, changing));
  const runs: Run[] = [];
  for (let round = 0; round < WARM_UP_ROUNDS + rounds; round++) {
    const skewMs = round * polls * INTERVAL_MS;
    const before = engine.counts.evaluations;
    const startedAt = process.cpuUsage();
    for (const [poll, messages] of batches.entries()) {
      for (const message of messages) engine.observe(SITE, AGENT, message, skewMs);
      engine.tick(START_MS + skewMs + poll * INTERVAL_MS);
    }
    const { user, system } = process.cpuUsage(startedAt);
    const samples = polls * devices * SAMPLES_PER_READING;
    runs.push({ cpuSeconds: (user + system) / 1e6, samples, evaluations: engine.counts.evaluations - before });
  }
  const sorted = runs.slice(WARM_UP_ROUNDS).sort((a, b) => a.cpuSeconds - b.cpuSeconds);
  return sorted[Math.floor(sorted.length / 2)] ?? { cpuSeconds: Number.NaN, samples: 0, evaluations: 0 };
}

const collectGarbage: () => void = (() => {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
})();

function memoryBytes(): number {
  // Buffers are freed by the round after the one that found them.
  for (let i = 0; i < 3; i++) collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export async function benchRules(): Promise<Figure[]> {
  // What memory is held can be told only while nothing else was.
  const held = memory();
  const beside = await besidePrometheus();
  const told = await transitions();
  const fleet = benchShippedRules();
  return [...beside, ...perSample(), ...fleet, ...linear(), ...held, ...told, ...restore(0.05), ...restore(1)];
}

/** 200 rules on 2,000 devices with ten numbers each: 20,000 series that rules look at, 400,000 instances. */
async function besidePrometheus(): Promise<Figure[]> {
  progress("rules: evaluations");
  const [rules, devices] = [200, 2_000];
  const dense = run(engineOf(plainRules(rules), terminals(500)), 500, { changing: NUMBERS.length, polls: 10 });
  const engine = engineOf(windowedRules(rules), terminals(devices));
  const windowed = run(engine, devices, { changing: NUMBERS.length, polls: 4, rounds: 5 + WINDOW_POLLS / 4 });
  const ours = windowed.evaluations / windowed.cpuSeconds;
  const peer = await evaluateInPrometheus({ rules, devices });
  const figures: Figure[] = [
    {
      label: "evaluations, 200 rules on each of 500 devices, comparisons only, every value changing",
      value: dense.evaluations / dense.cpuSeconds,
      unit: "/CPU s",
    },
    { label: "evaluations, 200 rules on 20,000 series, two in five over windows", value: ours, unit: "/CPU s" },
  ];
  if (peer !== null) {
    figures.push({ label: "  Prometheus, the same rules", value: peer.perCpuSecond, unit: "/CPU s" });
    figures.push({ label: "  times as many", value: ours / peer.perCpuSecond, unit: "×" });
    figures.push({ label: "  Prometheus, memory at most", value: peer.peakMemoryBytes / 2 ** 20, unit: "MiB" });
  }
  return figures;
}

function perSample(): Figure[] {
  const fleet = plainRules(20);
  const typical: [label: string, changing: number][] = [
    ["nothing changes", 0],
    ["3 of 13 values change", 2],
    ["12 of 13 values change", NUMBERS.length],
  ];
  return typical.flatMap(([label, changing]) => {
    const { samples, cpuSeconds } = run(engineOf(fleet, terminals(2_000)), 2_000, { changing, polls: 20 });
    return [
      { label: `samples through observe(), ${label}`, value: samples / cpuSeconds, unit: "samples/CPU s" },
      { label: "  each", value: (cpuSeconds / samples) * 1e9, unit: "ns" },
    ];
  });
}

/** What an evaluation costs among ever more of them; every value changes, so that each poll judges everything. */
function linear(): Figure[] {
  return [50, 500, 5_000, 50_000].map((devices) => {
    const instances = (devices * 20).toLocaleString("en-US");
    progress(`rules: ${instances} instances`);
    const polls = Math.max(2, Math.ceil(40_000 / devices));
    const rounds = devices >= 50_000 ? 3 : ROUNDS;
    const grown = run(engineOf(plainRules(20), terminals(devices)), devices, {
      changing: NUMBERS.length,
      polls,
      rounds,
    });
    return {
      label: `an evaluation at ${instances} instances`,
      value: (grown.cpuSeconds / grown.evaluations) * 1e9,
      unit: "ns",
    };
  });
}

/** Of the engine alone, after all was read once or, with windows, until those of five minutes are full. */
function memory(): Figure[] {
  progress("rules: memory");
  const held = (rules: RuleSet, devices: number, polls: number): number => {
    const before = memoryBytes();
    const engine = engineOf(rules, terminals(devices));
    for (let poll = 0; poll < polls; poll++) {
      for (const message of messagesOf(devices, poll, NUMBERS.length)) engine.observe(SITE, AGENT, message, 0);
    }
    const bytes = memoryBytes() - before;
    return engine.counts.instances > 0 ? bytes : Number.NaN;
  };
  const plain = held(plainRules(200), 2_000, 2);
  const windowed = held(windowedRules(200), 2_000, WINDOW_POLLS);
  const fleet = held(plainRules(20), 10_000, 2);
  return [
    { label: "memory of 200 rules on each of 2,000 devices, an instance", value: plain / 400_000, unit: "bytes" },
    {
      label: "  with windows of five minutes over 12 series a device, an instance",
      value: windowed / 400_000,
      unit: "bytes",
    },
    { label: "  of those windows, a series", value: (windowed - plain) / (2_000 * 12), unit: "bytes" },
    { label: "memory of 20 rules on each of 10,000 devices, a device", value: fleet / 10_000, unit: "bytes" },
  ];
}

const LATENCY_DEVICES = 20_000;
const LATENCY_WARM_UP_S = 3;
const LATENCY_S = 20;
const FAULT_EVERY = 40;

/**
 * 20,000 devices that are polled every second, in messages of 40 readings that come evenly, as bytes. The time from
 * when a message is due (the queue before it included) until observe() has told the transition that is in it: once by
 * the clock on the wall, and once as it would be on a machine that does nothing else, each message and each tick taking
 * the CPU time that it took here.
 */
async function transitions(): Promise<Figure[]> {
  progress("rules: reading to transition");
  const alarm = firingRules(1, 500).rules.map((rule) => ({ ...rule, id: "alarm" }));
  const rules: RuleSet = { ...windowedRules(20), rules: [...windowedRules(20).rules, ...alarm] };
  const engine = engineOf(rules, terminals(LATENCY_DEVICES, 1_000));
  const messages = LATENCY_DEVICES / 40;
  const byClock: number[] = [];
  const byCpu: number[] = [];
  const cpuMs = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  };
  const made = Array.from({ length: LATENCY_WARM_UP_S + LATENCY_S }, (_, second) =>
    Array.from({ length: messages }, (__, i) => encoded(second, i, i % FAULT_EVERY === second)),
  );
  collectGarbage();
  let startedAt = 0;
  let doneAt = 0;
  let busyMs = 0;
  for (let second = 0; second < LATENCY_WARM_UP_S + LATENCY_S; second++) {
    const isMeasured = second >= LATENCY_WARM_UP_S;
    startedAt = performance.now();
    doneAt -= 1_000;
    for (const [i, payload] of (made[second] ?? []).entries()) {
      const dueAt = (i * 1_000) / messages;
      while (isMeasured && performance.now() < startedAt + dueAt) await turn();
      const before = cpuMs();
      const decoded = decodeTelemetry(payload);
      if (!decoded.ok) throw new Error("the benchmark's own message can't be read");
      const told = engine.observe(SITE, AGENT, decoded.value, 0);
      if (i === messages - 1) engine.tick(START_MS + second * 1_000);
      const spent = cpuMs() - before;
      busyMs += isMeasured ? spent : 0;
      doneAt = Math.max(doneAt, dueAt) + spent;
      if (!isMeasured || !told.some(({ rule, to }) => rule === "alarm" && to === "firing")) continue;
      byClock.push(performance.now() - startedAt - dueAt);
      byCpu.push(doneAt - dueAt);
    }
  }
  const at = (list: readonly number[], share: number): number =>
    list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))] ?? Number.NaN;
  return [
    { label: "reading to transition at 20,000 readings/s, p50 by CPU time", value: at(byCpu, 0.5), unit: "ms" },
    { label: "  p99", value: at(byCpu, 0.99), unit: "ms" },
    { label: "  worst", value: at(byCpu, 1), unit: "ms" },
    { label: "  p50 by the clock, with whatever else runs", value: at(byClock, 0.5), unit: "ms" },
    { label: "  p99", value: at(byClock, 0.99), unit: "ms" },
    { label: "  of one core", value: busyMs / (LATENCY_S * 10), unit: "%" },
    { label: "  transitions", value: byCpu.length, unit: "" },
  ];
}

function encoded(second: number, i: number, isFault: boolean): Buffer {
  const at = START_MS + second * 1_000 + i * 2;
  const readings = Array.from({ length: 40 }, (_, n) => {
    const numbers = NUMBERS.map((name, m) => [name, (second * 7 + m + n) % 97]);
    const metrics = { up: true, [COUNTER]: second, ...Object.fromEntries(numbers) };
    const samples = [
      { component: null, metrics: isFault && n === 20 ? { ...metrics, temperature_celsius: 900 } : metrics },
    ];
    return { device: `lane-${i * 40 + n}/pos`, at, samples };
  });
  const message: Telemetry = encodeTelemetry({ epoch: "bench", lane: "live", seq: second + 1, sentAt: at }, readings);
  return Buffer.from(JSON.stringify(message));
}

/**
 * A restart: rules, inventory, the faults that stand as the state store keeps them (JSON, parsed while the clock runs)
 * and the last values. `share` of a million instances have a fault.
 */
function restore(share: number): Figure[] {
  progress(`rules: restoring, ${share * 100} % standing`);
  const [rules, devices] = [firingRules(20, 0), terminals(50_000)];
  const { records, values } = kept(rules, devices, share);
  collectGarbage();
  const seconds = (work: () => void): { wall: number; cpu: number } => {
    const [startedAt, cpuAt] = [performance.now(), process.cpuUsage()];
    work();
    const { user, system } = process.cpuUsage(cpuAt);
    return { wall: (performance.now() - startedAt) / 1_000, cpu: (user + system) / 1e6 };
  };
  const engine = createEngine();
  const parts = [
    seconds(() => {
      engine.setRules(rules, START_MS);
      engine.setInventory(SITE, AGENT, devices, START_MS);
    }),
    seconds(() => engine.restoreFaults(records.map((record): FaultRecord => JSON.parse(record)))),
    seconds(() => engine.restoreValues(values)),
  ];
  if (engine.faults().length !== records.length) throw new Error(`restored ${engine.faults().length} faults`);
  const sum = (of: "wall" | "cpu"): number => parts.reduce((all, part) => all + part[of], 0);
  const standing = records.length.toLocaleString("en-US");
  return [
    { label: `restoring 1,000,000 instances, ${standing} faults standing`, value: sum("cpu"), unit: "CPU s" },
    { label: "  by the clock, with whatever else runs", value: sum("wall"), unit: "s" },
    { label: "  – rules and 50,000 devices", value: parts[0]?.cpu ?? Number.NaN, unit: "CPU s" },
    { label: "  – faults", value: parts[1]?.cpu ?? Number.NaN, unit: "CPU s" },
    { label: "  – 650,000 last values", value: parts[2]?.cpu ?? Number.NaN, unit: "CPU s" },
  ];
}

/** What the stores of an engine have of which every rule fires on this share of its devices. */
function kept(rules: RuleSet, devices: readonly InventoryDevice[], share: number) {
  const engine = engineOf(rules, devices);
  for (const message of messagesOf(devices.length, 0, 0)) engine.observe(SITE, AGENT, message, 0);
  const records = engine.takeChangedFaults().slice(0, devices.length * 20 * share);
  const values = devices.flatMap(({ id }) =>
    engine.lastValues(SITE, id).map(({ metric, at, value }) => ({ site: SITE, subject: id, metric, at, value })),
  );
  return { records: records.map((record) => JSON.stringify(record)), values };
}
