import { encodeTelemetry, type InventoryDevice, type Reading, type Value } from "@aislewatch/contract";
import { describe, expect, it } from "vitest";
import { createEngine } from "./engine.ts";
import { compileRules } from "./file.ts";
import { compileOverrides, withOverrides } from "./overrides.ts";
import type { Engine, Explanation, NoExplanation, Subject } from "./types.ts";

const T0 = 1_700_006_400_000;
const STEP_MS = 10_000;

const device = (id: string, more: Partial<InventoryDevice> = {}): InventoryDevice => ({
  ...{ id, kind: "label_printer", driver: "test", labels: {}, dependsOn: [], intervalMs: STEP_MS, asset: {} },
  ...{ components: [], metrics: [] },
  ...more,
});

const RULES = `
group: printers
select: kind == "label_printer"
rules:
  - id: media-low
    title: Low
    raise:
      minor: { when: "media_remaining_percent < vars.low && !paused", for: 1m }
      major: { when: "media_remaining_percent < 5", for: 20s }
    clear: { when: "media_remaining_percent > 25", for: 30s }
    vars: { low: 15 }
    category: consumable
  - { id: hot, title: Hot, when: 'avg(head_temperature_celsius, "1m") > 60', severity: major, category: hardware }
  - { id: silent, title: Silent, when: "silent_for() > 60", severity: major, category: network, missing: { then: raise, after: 5m } }
  - { id: tried, title: Tried, when: media_out, severity: major, category: consumable, mode: shadow }
  - { id: said, title: Said, when: "head_open || media_out", severity: info, category: consumable }
  - id: half
    title: Half
    scope: site
    when: 'failed("label_printer") * 2 >= expected("label_printer")'
    severity: critical
    category: hardware
  - { id: lonely, title: Lonely, select: 'labels.zone == "dock"', when: media_out, severity: minor, category: hardware }
`;

const PORTS = `
group: ports
select: kind == "network_switch"
rules:
  - id: damaged
    title: Damaged
    scope: component
    when: 'rate(port_receive_errors_total, "1m") > 1'
    severity: minor
    category: network
  - { id: any-down, title: Down, when: "!all_of(port_up)", severity: minor, category: network }
`;

type Scene = { readonly engine: Engine; read(at: number, values: Record<string, Record<string, Value>>): void };

function scene(): Scene {
  const compiled = compileRules([
    { file: "a.yaml", text: RULES },
    { file: "b.yaml", text: PORTS },
  ]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  const engine = createEngine();
  engine.setRules(compiled.rules, T0);
  engine.setInventory(
    "s1",
    "pc",
    [device("sw", { kind: "network_switch", components: ["port-1", "port-2"] }), device("p1", { dependsOn: ["sw"] })],
    T0,
  );
  let seq = 0;
  return {
    engine,
    read(atMs, values) {
      const at = T0 + atMs;
      const readings = Object.entries(values).map(
        ([id, metrics]): Reading => ({
          device: id,
          at,
          samples: [{ component: null, metrics: { up: true, ...metrics } }],
        }),
      );
      engine.tick(at - 1);
      engine.observe("s1", "pc", encodeTelemetry({ epoch: "e", lane: "live", seq: ++seq, sentAt: at }, readings), 0);
      engine.tick(at);
    },
  };
}

const P1: Subject = { site: "s1", device: "p1", component: null };

function explained(answer: Explanation | NoExplanation): Explanation {
  if ("refused" in answer) throw new Error(answer.message);
  return answer;
}

/** What is said of a rule on p1 after it read `values` every ten seconds up to `untilMs`. */
function say(rule: string, untilMs: number, values: Record<string, Value>, afterMs = untilMs): string {
  const { engine, read } = scene();
  for (let at = 0; at <= untilMs; at += STEP_MS) read(at, { p1: values, sw: {} });
  engine.tick(T0 + afterMs);
  return explained(engine.explain(rule, P1, T0 + afterMs)).summary;
}

describe("why a rule does not fire, or does, in one sentence", () => {
  it.each([
    {
      name: "its condition is false, and by which part",
      say: () => say("media-low", 0, { media_remaining_percent: 40, paused: false }),
      want: "Does not fire: media_remaining_percent < vars.low is false, with media_remaining_percent 40 %, vars.low 15.",
    },
    {
      name: "false for the second part",
      say: () => say("media-low", 0, { media_remaining_percent: 10, paused: true }),
      want: "Does not fire: !paused is false, with paused true.",
    },
    {
      name: "a metric that was never reported",
      say: () => say("media-low", 0, { paused: false }),
      want: "Does not fire: nobody knows whether media_remaining_percent < 5: media_remaining_percent is unknown (never reported).",
    },
    {
      name: "a metric that is too old",
      say: () => say("media-low", 0, { media_remaining_percent: 40, paused: false }, 120_000),
      want: "Does not fire: nobody knows whether media_remaining_percent < 5: media_remaining_percent is unknown (last read 2m before; too old after 35s).",
    },
    {
      name: "it waits",
      say: () => say("media-low", 20_000, { media_remaining_percent: 10, paused: false }),
      want: "Does not fire yet: media_remaining_percent < vars.low is true, with media_remaining_percent 10 %, vars.low 15 and !paused is true, with paused false; it has held for 20s of 1m, it fires in 40s if nothing changes.",
    },
    {
      name: "false for the part that would be seen last",
      say: () => say("media-low", 70_000, { media_remaining_percent: 10, paused: true }),
      want: "Does not fire: !paused is false, with paused true.",
    },
    {
      name: "too few readings for a window",
      say: () => say("hot", 10_000, { head_temperature_celsius: 80 }),
      want: 'Does not fire: nobody knows whether avg(head_temperature_celsius, "1m") > 60: avg(head_temperature_celsius, "1m") is unknown (2 readings in 1m, known for 16 % of it: too little to say).',
    },
    {
      name: "a shadow rule",
      say: () => say("tried", 0, { media_out: true }),
      want: "Fires (major) since 0s: media_out is true. It pages nobody: the rule is in shadow.",
    },
    {
      name: "a level that pages nobody, by the part of an or that holds",
      say: () => say("said", 10_000, { media_out: true, head_open: false }),
      want: "Fires (info) since 10s: media_out is true. It pages nobody: its level is info.",
    },
  ])("$name", ({ say: said, want }) => expect(said()).toBe(want));

  it("it fires, recovers, and is over", () => {
    const { engine, read } = scene();
    const said = (at: number): string => explained(engine.explain("media-low", P1, T0 + at)).summary;
    for (let at = 0; at <= 30_000; at += STEP_MS) read(at, { p1: { media_remaining_percent: 3, paused: false } });
    expect(said(30_000)).toBe(
      "Fires (major) since 30s: media_remaining_percent < 5 is true, with media_remaining_percent 3 %.",
    );
    read(40_000, { p1: { media_remaining_percent: 20 } });
    expect(said(40_000)).toBe(
      "Fires (major) since 40s and goes on until it is cleared: media_remaining_percent > 25 is false, with media_remaining_percent 20 %.",
    );
    read(50_000, { p1: { media_remaining_percent: 90 } });
    expect(said(50_000)).toBe("Still fires (major), but recovers; it is over in 30s if nothing changes.");
    read(80_000, { p1: { media_remaining_percent: 90 } });
    expect(said(80_000)).toBe(
      "Does not fire: media_remaining_percent < vars.low is false, with media_remaining_percent 90 %, vars.low 15.",
    );
  });

  it("what keeps it from paging", () => {
    const { engine, read } = scene();
    read(0, { p1: { media_remaining_percent: 3 }, sw: {} });
    read(10_000, { sw: { up: false } });
    read(20_000, { p1: { media_remaining_percent: 3 }, sw: { up: false } });
    const found = explained(engine.explain("media-low", P1, T0 + 20_000));
    expect(found.summary).toMatch(/It pages nobody: s1\/sw is down\.$/);
    expect(found.facts).toContainEqual({ name: "depends on", text: "sw (down)" });
    engine.setAgentOnline("s1", "pc", false, T0 + 21_000);
    expect(explained(engine.explain("media-low", P1, T0 + 22_000)).summary).toMatch(/its agent s1\/pc is away\.$/);
  });

  it("a site, by what is counted there", () => {
    const { engine, read } = scene();
    read(0, { p1: {}, sw: {} });
    const found = explained(engine.explain("half", { site: "s1", device: null, component: null }, T0));
    expect(found.summary).toMatch(
      /^Does not fire: failed\("label_printer"\) \* 2 >= expected\("label_printer"\) is false/,
    );
    expect(found.conditions[0]?.terms.map(({ depth, text, value }) => [depth, text, value])).toEqual([
      [0, 'failed("label_printer") * 2 >= expected("label_printer")', false],
      [1, 'failed("label_printer") * 2', 0],
      [2, 'failed("label_printer")', 0],
      [1, 'expected("label_printer")', 1],
    ]);
  });
});

describe("components", () => {
  it("are explained each, and as parts of their device", () => {
    const { engine } = scene();
    for (let n = 0; n <= 6; n++) {
      const at = T0 + n * STEP_MS;
      const part = (component: string, up: boolean) => ({
        component,
        metrics: { port_up: up, port_receive_errors_total: n * 30 },
      });
      const samples = [{ component: null, metrics: { up: true } }, part("port-1", true), part("port-2", false)];
      const head = { epoch: "e", lane: "live", seq: n + 1, sentAt: at } as const;
      engine.observe("s1", "pc", encodeTelemetry(head, [{ device: "sw", at, samples }]), 0);
    }
    const now = T0 + 6 * STEP_MS;
    const port = { site: "s1", device: "sw", component: "port-1" };
    const ofPort = explained(engine.explain("damaged", port, now));
    expect(ofPort.summary).toMatch(
      /^Fires \(minor\) since \d+s: rate\(port_receive_errors_total, "1m"\) > 1 is true, with/,
    );
    expect(ofPort.conditions[0]?.terms[1]).toMatchObject({ value: 3, note: "6 readings in 1m" });
    const ofDevice = explained(engine.explain("any-down", { ...port, component: null }, now));
    expect(ofDevice.conditions[0]?.terms[1]?.readings).toMatchObject([
      { component: "port-1", value: true },
      { component: "port-2", value: false },
    ]);
    expect(engine.explain("damaged", { ...port, component: null }, now)).toMatchObject({
      refused: "unknown_subject",
      message: "damaged is judged on each component of sw: one of port-1, port-2.",
    });
    expect(engine.explain("damaged", { ...port, component: "port1" }, now)).toMatchObject({
      message: "damaged is judged on each component of sw: one of port-1, port-2. Did you mean port-1?",
    });
  });
});

describe("what else decides", () => {
  const RULE = `
group: g
select: kind == "label_printer"
rules:
  - { id: low, title: L, when: "media_remaining_percent < vars.low", severity: minor, category: consumable, vars: { low: 15 }, active_in: trading_hours }
  - { id: cut, title: C, on: event, code: cutter_jam, severity: major, category: hardware }
`;
  function withRule(overrides: string): Scene {
    const compiled = compileRules([{ file: "a.yaml", text: RULE }]);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
    const read = compileOverrides({ file: "overrides.yaml", text: overrides }, compiled.rules.rules);
    if (!read.ok) throw new Error(JSON.stringify(read.diagnostics));
    const made = scene();
    made.engine.setRules(withOverrides(compiled.rules, read.overrides), T0);
    return made;
  }
  const LOW_25 = "overrides: [{ rule: low, where: { site: s1 }, vars: { low: 25 } }]";
  const facts = (engine: Engine, rule: string): Record<string, string> =>
    Object.fromEntries(explained(engine.explain(rule, P1, T0)).facts.map(({ name, text }) => [name, text]));

  it("an override, with its place and what the rule has itself", () => {
    const { engine, read } = withRule(LOW_25);
    read(0, { p1: { media_remaining_percent: 20 } });
    const found = explained(engine.explain("low", P1, T0));
    expect(found.summary).toMatch(/^Fires .* with media_remaining_percent 20 %, vars\.low 25\./);
    expect(facts(engine, "low")["vars.low"]).toBe("25, by overrides.yaml:1 (the rule has 15)");
  });

  it("hours in which nobody is called", () => {
    const { engine, read } = withRule(LOW_25);
    const hours = { mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] };
    const tradingHours = { timeZone: "UTC", hours, closedDays: [] };
    engine.setSites([{ id: "s1", name: "S", timeZone: "UTC", tradingHours }], T0);
    read(0, { p1: { media_remaining_percent: 20 } });
    expect(explained(engine.explain("low", P1, T0)).summary).toMatch(
      /It pages nobody: it is outside of trading_hours\.$/,
    );
    expect(facts(engine, "low")["active in"]).toBe("trading_hours: calls nobody now");
  });

  it("maintenance", () => {
    const { engine, read } = withRule(LOW_25);
    const when = { is: "once", fromMs: T0 - 1, toMs: T0 + 60_000 } as const;
    engine.setMaintenance([{ id: "new-shelves", where: { site: ["s1"] }, when }], T0);
    read(0, { p1: { media_remaining_percent: 20 } });
    expect(explained(engine.explain("low", P1, T0)).summary).toMatch(
      /It pages nobody: maintenance new-shelves is on\.$/,
    );
  });

  it("an event", () => {
    const { engine, read } = withRule(LOW_25);
    read(0, { p1: {} });
    expect(explained(engine.explain("cut", P1, T0)).summary).toBe("Does not fire: no event cutter_jam stands.");
    expect(facts(engine, "cut")["on event"]).toBe("cutter_jam, once; over by cutter_jam_cleared");
    const events = [{ component: null, code: "cutter_jam", detail: "" }];
    const head = { epoch: "e", lane: "live", seq: 9, sentAt: T0 } as const;
    engine.observe("s1", "pc", encodeTelemetry(head, [{ device: "p1", at: T0, samples: [], events }]), 0);
    expect(explained(engine.explain("cut", P1, T0)).summary).toBe("Fires (major) since 0s, by an event.");
  });
});

describe("the parts", () => {
  it("have their values, readings and timers", () => {
    const { engine, read } = scene();
    for (const at of [0, 10_000]) read(at, { p1: { media_remaining_percent: 10, paused: false } });
    const { conditions, state, since } = explained(engine.explain("media-low", P1, T0 + 15_000));
    expect({ state, since }).toEqual({ state: "pending", since: T0 });
    expect(conditions.map(({ severity, holds, since: held, dueAt }) => ({ severity, holds, held, dueAt }))).toEqual([
      { severity: "major", holds: false, held: null, dueAt: null },
      { severity: "minor", holds: true, held: T0, dueAt: T0 + 60_000 },
      { severity: null, holds: false, held: null, dueAt: null },
    ]);
    const reading = { component: null, metric: "media_remaining_percent", value: 10, at: T0 + 10_000, isStale: false };
    expect(conditions[1]?.terms).toMatchObject([
      { depth: 0, text: "media_remaining_percent < vars.low && !paused", value: true },
      { depth: 1, text: "media_remaining_percent < vars.low", value: true },
      { depth: 2, text: "media_remaining_percent", value: 10, unit: "%", readings: [reading] },
      { depth: 2, text: "vars.low", value: 15 },
      { depth: 1, text: "!paused", value: true },
      { depth: 2, text: "paused", value: false },
    ]);
  });

  it("are not changed by asking", () => {
    const { engine, read } = scene();
    read(0, { p1: { media_remaining_percent: 3 } });
    const before = JSON.stringify([engine.faults(), engine.takeChangedFaults()]);
    engine.explain("media-low", P1, T0 + 1e9);
    expect(JSON.stringify([engine.faults(), []])).toBe(
      JSON.stringify([JSON.parse(before)[0], engine.takeChangedFaults()]),
    );
  });
});

describe("a subject that the rule does not look at", () => {
  it.each([
    ["nonesuch", P1, "There is no rule nonesuch."],
    ["media-lwo", P1, "There is no rule media-lwo. Did you mean media-low?"],
    ["low", P1, "There is no rule low. Did you mean media-low?"],
    ["media-low", { ...P1, site: "berlin" }, "There is no site berlin."],
    ["media-low", { ...P1, site: "s9" }, "There is no site s9. Did you mean s1?"],
    ["media-low", { ...P1, device: "lane-1" }, "Site s1 has no device lane-1."],
    ["media-low", { ...P1, device: "p1p" }, "Site s1 has no device p1p. Did you mean p1?"],
    ["media-low", { ...P1, device: null }, "media-low is judged on a device: name a device of s1."],
    [
      "media-low",
      { ...P1, device: "sw" },
      'media-low does not look at sw (kind network_switch); it selects kind == "label_printer".',
    ],
    [
      "lonely",
      P1,
      'lonely does not look at p1 (kind label_printer); it selects (kind == "label_printer") && (labels.zone == "dock").',
    ],
  ])("%s", (rule, subject, want) => {
    expect(scene().engine.explain(rule, subject, T0)).toMatchObject({ message: want });
  });
});
