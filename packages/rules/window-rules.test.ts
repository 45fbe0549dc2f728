/** Windows, forecasts and times as rules ask for them, through the whole engine. */
import { encodeTelemetry, type InventoryDevice, type Value } from "@aislewatch/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEngine } from "./engine.ts";
import { compileRules } from "./file.ts";
import { runTrials } from "./trial.ts";
import { formatTrialResults } from "./trial-text.ts";
import type { Engine, RuleSet } from "./types.ts";

function rulesOf(rules: string): Extract<ReturnType<typeof compileRules>, { ok: true }> {
  const compiled = compileRules([{ file: "t.yaml", text: `group: t\nselect: kind == "host"\nrules:\n${rules}` }]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  return compiled;
}

type Trial = {
  readonly name: string;
  readonly when: string;
  readonly step?: string;
  readonly series: string;
  readonly expect: string;
};

describe("in rules", () => {
  it.each<Trial>([
    {
      name: "time_where takes the time of a condition, from reading to reading, and loses it again",
      when: `time_where(cpu_used_percent > 90 && !reboot_required, "20m") > 600`,
      series: `{ cpu_used_percent: "10x10 95x15 10x30", reboot_required: "0x55" }`,
      expect:
        "[{ at: 20m, state: inactive }, { at: 21m, state: firing }, { at: 34m, state: firing }, { at: 35m, state: inactive }]",
    },
    {
      name: "time_where is noted while the rest of the condition does not ask for it",
      when: `reboot_required && time_where(cpu_used_percent > 90, "20m") > 300`,
      series: `{ cpu_used_percent: "10x10 95x8 10x12", reboot_required: "0x22 1x8" }`,
      expect: "[{ at: 21m, state: inactive }, { at: 22m, state: firing }]",
    },
    {
      name: "time_where knows nothing of the time in which the condition was unknown",
      when: `time_where(cpu_used_percent > 90, "20m") > 300`,
      series: `{ cpu_used_percent: "95x3 _x20 95x4 95x20" }`,
      expect: "[{ at: 26m, state: inactive }, { at: 40m, state: firing }]",
    },
    {
      name: "eta sees a disk that will be full, and that it was emptied",
      when: `memory_used_percent >= 95 || eta(memory_used_percent, 95, "1h") < 3600`,
      series: `{ memory_used_percent: "40x20 41x2 43x2 45x2 47x2 49x2 51x2 53x2 55x2 57x2 59x2 61x2 63x2 65x2 67x2 69x2 71x2 30x60" }`,
      expect: "[{ at: 29m, state: inactive }, { at: 50m, state: firing }, { at: 110m, state: inactive }]",
    },
    {
      name: "quantile is not moved by one outlier",
      when: `quantile(cpu_used_percent, 0.9, "10m") > 50`,
      series: `{ cpu_used_percent: "10x10 99 10x10 99x9" }`,
      expect: "[{ at: 15m, state: inactive }, { at: 21m, state: inactive }, { at: 22m, state: firing }]",
    },
    {
      name: "coverage asks for more than half",
      when: `coverage(cpu_used_percent, "10m") >= 0.9 && avg(cpu_used_percent, "10m") > 50`,
      series: `{ cpu_used_percent: "99x20" }`,
      expect: "[{ at: 8m, state: inactive }, { at: 9m, state: firing }]",
    },
    {
      name: "count tells how few readings there are",
      when: `count(cpu_used_percent, "10m") < 4`,
      series: `{ cpu_used_percent: "1x11 _x3 1 _x3 1 _x3 1" }`,
      expect: "[{ at: 10m, state: inactive }, { at: end, state: firing }]",
    },
  ])("$name", ({ when, step = "1m", series, expect: expected }) => {
    const { rules, tests } = rulesOf(
      `  - { id: r, title: R, when: '${when}', severity: major, category: hardware, tests: [{ name: it, step: ${step}, series: ${series}, expect: ${expected} }] }`,
    );
    expect(formatTrialResults(runTrials(rules, tests))).toMatch(/^1 passed/);
  });
});

const START = 1_700_006_400_000;
const HOST: InventoryDevice = {
  ...{ id: "pc", kind: "host", driver: "host", labels: {}, dependsOn: [], intervalMs: 10_000, asset: {} },
  components: [],
  metrics: [],
};

function engineOf(rules: RuleSet): Engine {
  const engine = createEngine();
  engine.setRules(rules, START);
  engine.setInventory("s", "a", [HOST], START);
  return engine;
}

let seq = 0;
function read(engine: Engine, atS: number, metrics: Readonly<Record<string, Value>>, component: string | null = null) {
  seq++;
  const at = START + atS * 1000;
  const readings = [{ device: "pc", at, samples: [{ component, metrics }] }];
  return engine.observe("s", "a", encodeTelemetry({ epoch: "e", lane: "live", seq, sentAt: at }, readings), 0);
}

describe("the engine", () => {
  const HOT = rulesOf(
    `  - { id: hot, title: T, when: 'avg(cpu_used_percent, "1m") > 50', severity: major, category: hardware }`,
  ).rules;

  it("puts a reading that comes late to its place, and judges the window anew", () => {
    const engine = engineOf(HOT);
    for (const at of [0, 10, 20, 40, 50]) read(engine, at, { cpu_used_percent: 40 });
    expect(engine.faults()).toEqual([]);
    const [fired] = read(engine, 30, { cpu_used_percent: 400 });
    // Time does not run backwards: what was learnt late is known from now on.
    expect(fired).toMatchObject({ to: "firing", at: START + 50_000, values: { 'avg(cpu_used_percent, "1m")': 100 } });
    expect(engine.lastValues("s", "pc")[0]).toMatchObject({ at: START + 50_000, value: 40 });
    expect(read(engine, 30, { cpu_used_percent: 400 })).toEqual([]);
  });

  it("leaves what is later than a minute to the late evaluator", () => {
    const engine = engineOf(HOT);
    for (const at of [0, 30, 60, 91]) read(engine, at, { cpu_used_percent: 40 });
    expect(read(engine, 31, { cpu_used_percent: 4_000 })).toEqual([]);
  });

  it("remembers a device's metric for rules over its components alone", () => {
    const both = `avg(cpu_used_percent, "1m") > 50 && disk_used_percent > 90`;
    const { rules } = rulesOf(
      `  - { id: both, scope: component, title: T, when: '${both}', severity: major, category: hardware }`,
    );
    const engine = engineOf(rules);
    read(engine, 0, { disk_used_percent: 95 }, "disk-root");
    const states = [0, 10, 20, 30].map((at) => read(engine, at, { cpu_used_percent: 80 }).map(({ to }) => to));
    expect(states).toEqual([[], [], [], ["firing"]]);
  });

  it("ends alike in whatever order readings come within a minute, and however often", () => {
    const values = fc.array(
      fc.record({ value: fc.integer({ min: 0, max: 100 }), lateS: fc.integer({ min: 0, max: 59 }) }),
      {
        minLength: 1,
        maxLength: 40,
        size: "max",
      },
    );
    const { rules } = rulesOf(
      ["avg", "min", "max", "sum", "delta", "changes", "count"]
        .map(
          (name) =>
            `  - { id: ${name}, title: T, when: '${name}(cpu_used_percent, "5m") > 50', severity: major, category: hardware }\n`,
        )
        .concat(
          `  - { id: streak, title: T, when: 'streak(cpu_used_percent) > 2', severity: major, category: hardware }\n`,
        )
        .join(""),
    );
    fc.assert(
      fc.property(values, fc.boolean(), (list, isTwice) => {
        const inOrder = list.map(({ value, lateS }, i) => ({ atS: i * 10, value, arrivesS: i * 10 + lateS }));
        const arrival = [...inOrder, ...(isTwice ? inOrder : [])].sort((a, b) => a.arrivesS - b.arrivesS);
        const endS = list.length * 10;
        const [first, second] = [inOrder, arrival].map((readings) => {
          const engine = engineOf(rules);
          for (const { atS, value } of readings) read(engine, atS, { cpu_used_percent: value });
          read(engine, endS, { cpu_used_percent: 50 });
          return engine
            .faults()
            .map(({ rule, state }) => `${rule} ${state}`)
            .sort();
        });
        expect(second).toEqual(first);
      }),
    );
  });

  it("a fork, and an edited rule, go on with the time that was taken", () => {
    const { rules } = rulesOf(
      `  - { id: r, title: R, when: 'time_where(cpu_used_percent > 90, "10m") > 400', severity: major, category: hardware }`,
    );
    const engine = engineOf(rules);
    for (let at = 0; at <= 400; at += 10) read(engine, at, { cpu_used_percent: 95 });
    expect(engine.faults()).toEqual([]);
    const snapshot = engine.snapshot("s", "a");
    const fork = engine.fork({ site: "s", agent: "a", devices: [HOST], snapshot, atMs: START + 400_000 });
    expect(read(fork, 410, { cpu_used_percent: 95 })).toMatchObject([{ to: "firing" }]);
    const edited = rulesOf(
      `  - { id: r, title: R, when: 'time_where(cpu_used_percent > 90, "10m") > 300', severity: major, category: hardware }`,
    );
    expect(engine.setRules(edited.rules, START + 400_000)).toMatchObject([{ to: "firing" }]);
  });
});
