import { encodeTelemetry, type InventoryDevice, type Reading, type Telemetry, type Value } from "@aislewatch/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEngine } from "./engine.ts";
import { compileRules } from "./file.ts";
import { putStored } from "./sample-engine.ts";
import type { Engine, RuleSet, Transition } from "./types.ts";

const START = 1_700_006_400_000;
const STEP_MS = 10_000;

const RULES = `group: t
select: kind == "label_printer"
rules:
  - { id: out, title: Out, when: "media_out", for: 20s, severity: major, category: consumable, keep: 30s }
  - id: hot
    title: "{{head_temperature_celsius}}"
    raise:
      minor: { when: 'avg(head_temperature_celsius, "1m") > 50' }
      major: { when: "head_temperature_celsius > 80", for: 30s }
    clear: { when: "head_temperature_celsius < 40", for: 10s }
    category: hardware
  - { id: stuck, title: Stuck, when: "media_out && streak(head_temperature_celsius) >= 3", for: 0s, severity: minor, category: hardware }
  - { id: quiet, title: Quiet, when: "silent_for() > 40", for: 0s, severity: minor, category: network }
`;

function rulesOf(text: string): RuleSet {
  const compiled = compileRules([{ file: "t.yaml", text }]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  return compiled.rules;
}

const printer = (id: string, more: Partial<InventoryDevice> = {}): InventoryDevice => ({
  ...{ id, kind: "label_printer", driver: "zpl", labels: {}, dependsOn: [], intervalMs: STEP_MS, asset: {} },
  components: [],
  metrics: [],
  ...more,
});

/** Poll n of a printer; null: it did not take place. */
type Poll = Readonly<Record<string, Value>> | null;

const readingOf = (device: string, n: number, metrics: NonNullable<Poll>): Reading => ({
  device,
  at: START + n * STEP_MS,
  samples: [{ component: null, metrics }],
});

const messageOf = (device: string, n: number, metrics: NonNullable<Poll>): Telemetry =>
  encodeTelemetry({ epoch: "e", lane: "live", seq: n + 1, sentAt: START + n * STEP_MS }, [
    readingOf(device, n, metrics),
  ]);

function play(engine: Engine, polls: readonly Poll[], from: number): Transition[] {
  return polls.flatMap((poll, i) => {
    const n = from + i;
    const before = engine.tick(START + n * STEP_MS - 1);
    const seen = poll === null ? [] : engine.observe("s", "a", messageOf("p", n, poll), 0);
    return [...before, ...seen];
  });
}

function fresh(rules = rulesOf(RULES), devices = [printer("p")]): Engine {
  const engine = createEngine();
  engine.setRules(rules, START);
  engine.setInventory("s", "a", devices, START);
  return engine;
}

const poll = fc.option(
  fc.record({
    up: fc.constant(true),
    media_out: fc.boolean(),
    head_temperature_celsius: fc.constantFrom(30, 45, 60, 90),
  }),
  { freq: 5 },
);

describe("a fork", () => {
  it("goes on as the engine that it left would have, wherever it left it", () => {
    fc.assert(
      fc.property(fc.array(poll, { minLength: 2, maxLength: 40 }), fc.nat(), (polls, cut) => {
        const at = cut % polls.length;
        const whole = play(fresh(), polls, 0);
        const first = fresh();
        const head = play(first, polls.slice(0, at), 0);
        const snapshot = first.snapshot("s", "a");
        // What the first sees afterwards is none of the fork's business.
        play(first, [{ up: false }, { up: true, media_out: true, head_temperature_celsius: 99 }], at + 500);
        const atMs = START + at * STEP_MS - 1;
        const forked = first.fork({ site: "s", agent: "a", devices: [printer("p")], snapshot, atMs });
        expect([...head, ...play(forked, polls.slice(at), at)]).toEqual(whole);
      }),
    );
  });

  it("leaves the engine that it came from as it was", () => {
    const [one, other] = [fresh(), fresh()];
    const polls: Poll[] = [{ up: true, media_out: true }];
    play(one, polls, 0);
    play(other, polls, 0);
    const snapshot = one.snapshot("s", "a");
    const forked = one.fork({ site: "s", agent: "a", devices: [printer("p")], snapshot, atMs: START });
    play(forked, Array<Poll>(20).fill({ up: true, media_out: false }), 1);
    expect(play(one, [{ up: true, media_out: true }, null, null], 1)).toEqual(
      play(other, [{ up: true, media_out: true }, null, null], 1),
    );
  });

  it("from faults alone knows what stood, and no values until the next reading", () => {
    const engine = fresh();
    play(engine, Array<Poll>(4).fill({ up: true, media_out: true }), 0);
    const faults = JSON.parse(JSON.stringify(engine.snapshot("s", "a").faults));
    const atMs = START + 35_000;
    const forked = engine.fork({ site: "s", agent: "a", devices: [printer("p")], snapshot: { faults }, atMs });
    expect(forked.faults()).toMatchObject([{ rule: "out", state: "firing", since: START }]);
    expect(forked.lastValues("s", "p")).toEqual([]);
    const over = play(forked, Array<Poll>(5).fill({ up: true, media_out: false }), 4);
    expect(over.map(({ to }) => to)).toEqual(["recovering", "inactive"]);
  });

  it("does not judge rules over a whole site, of which it knows one agent's devices", () => {
    const rules = rulesOf(`group: t
select: kind == "label_printer"
rules:
  - { id: half, title: Half, scope: site, when: 'failed("label_printer") > 0', for: 0s, severity: major, category: hardware }
`);
    const engine = fresh(rules);
    const snapshot = engine.snapshot("s", "a");
    const forked = engine.fork({ site: "s", agent: "a", devices: [printer("p")], snapshot, atMs: START });
    expect(play(forked, [{ up: false }], 1)).toEqual([]);
    expect(play(engine, [{ up: false }], 1).map(({ rule }) => rule)).toEqual(["half"]);
  });

  it("leaves out what is not there any more, and takes what is new as unknown", () => {
    const engine = fresh();
    play(engine, Array<Poll>(4).fill({ up: true, media_out: true }), 0);
    const snapshot = engine.snapshot("s", "a");
    const devices = [printer("new"), printer("p", { kind: "ups" })];
    const forked = engine.fork({ site: "s", agent: "a", devices, snapshot, atMs: START + 35_000 });
    expect([forked.faults(), forked.lastValues("s", "p")]).toEqual([[], []]);
  });
});

describe("a fork whose windows reach back beyond what its engine has read", () => {
  const FEW = 'count(head_temperature_celsius, "2m")';
  const rules = rulesOf(`group: t
select: kind == "label_printer"
rules:
  - { id: few, title: Few, when: '${FEW} < 4', for: 0s, severity: minor, category: hardware }
`);
  const FORKED = 3;
  const polls = (count: number): Poll[] => Array<Poll>(count).fill({ up: true, head_temperature_celsius: 30 });

  it.each([
    { name: "has no answer where faults alone are known", store: "unread", live: 8, kept: "faults", count: null },
    { name: "has none while they are being filled", store: "unread", live: 8, kept: "all", count: null },
    { name: "answers by all of it once they are filled", store: "read", live: 8, kept: "all", count: 8 + FORKED },
    { name: "answers where there was nothing to fill", store: "read", live: 0, kept: "all", count: FORKED },
    { name: "goes by what it reads where nobody stores", store: "none", live: 8, kept: "faults", count: FORKED },
  ])("$name", ({ store, live, kept, count }) => {
    const engine = createEngine({ isStored: store !== "none" });
    engine.setRules(rules, START);
    engine.setInventory("s", "a", [printer("p")], START);
    play(engine, polls(live), 0);
    const atMs = START + live * STEP_MS - 1;
    if (store === "read") {
      for (const refill of engine.takeRefills(1)) {
        putStored(
          refill,
          polls(live).flatMap((poll, n) => (poll === null ? [] : readingOf("p", n, poll))),
        );
        refill.finish(atMs);
      }
    }
    const whole = engine.snapshot("s", "a");
    const snapshot = kept === "all" ? whole : { faults: whole.faults };
    const forked = engine.fork({ site: "s", agent: "a", devices: [printer("p")], snapshot, atMs });
    const fired = play(forked, polls(FORKED), live).filter(({ to }) => to === "firing");
    const subject = { site: "s", device: "p", component: null };
    const explained = forked.explain("few", subject, atMs + FORKED * STEP_MS);
    const terms = "refused" in explained ? [] : explained.conditions.flatMap((condition) => condition.terms);
    expect(terms.find(({ text }) => text === FEW)?.value).toBe(count);
    expect(fired.map(({ rule }) => rule)).toEqual(count === FORKED ? ["few"] : []);
  });
});

/** Conditions on the last values alone, with every kind of timer: windows are not taken over. */
const TIMED = `group: t
select: kind == "label_printer"
rules:
  - { id: out, title: Out, when: media_out, for: 15s, severity: major, category: consumable, keep: 35s }
  - id: hot
    title: Hot
    raise: { minor: { when: head_temperature_celsius > 50 }, major: { when: head_temperature_celsius > 80, for: 25s } }
    clear: { when: head_temperature_celsius < 40, for: 15s }
    category: hardware
`;

describe("taking over what a fork has read", () => {
  const places = fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

  it("makes an engine that missed some of it go on as if it had missed nothing", () => {
    fc.assert(
      fc.property(fc.array(poll, { minLength: 4, maxLength: 40 }), places, (polls, [a, b]) => {
        const [from, to] = [a % polls.length, b % polls.length].sort((x, y) => x - y) as [number, number];
        const whole = fresh(rulesOf(TIMED));
        play(whole, polls.slice(0, to + 1), 0);
        const live = fresh(rulesOf(TIMED));
        play(live, polls.slice(0, from), 0);
        const snapshot = live.snapshot("s", "a");
        const atMs = START + from * STEP_MS - 1;
        live.setAgentOnline("s", "a", false, atMs);
        live.setAgentOnline("s", "a", true, START + to * STEP_MS - 1);
        play(live, polls.slice(to, to + 1), to);
        const forked = live.fork({ site: "s", agent: "a", devices: [printer("p")], snapshot, atMs });
        play(forked, polls.slice(from, to + 1), from);
        live.takeOver("s", "a", forked.snapshot("s", "a"), START + to * STEP_MS);
        const states = (engine: Engine) =>
          engine
            .standing()
            .map(({ rule, state, detail }) => `${rule} ${state} ${String(detail["onset"])}`)
            .sort();
        expect(states(live)).toEqual(states(whole));
        // Who has not been heard since its agent came back is said to be behind that.
        const movesOf = (engine: Engine) =>
          play(engine, polls.slice(to + 1), to + 1)
            .filter(({ reason }) => reason !== "flags")
            .map(({ flags, ...transition }) => transition);
        expect(movesOf(live)).toEqual(movesOf(whole));
      }),
      { numRuns: 300 },
    );
  });

  it("leaves faults of rules that are others now", () => {
    const live = fresh(rulesOf(TIMED));
    play(live, Array<Poll>(8).fill({ up: true, media_out: true }), 0);
    const other = fresh(rulesOf(TIMED.replace("when: media_out", "when: media_out && up")));
    play(other, [{ up: true, media_out: true }], 0);
    expect(live.takeOver("s", "a", other.snapshot("s", "a"), START + 80_000)).toEqual([]);
    expect(live.faults()).toMatchObject([{ rule: "out", state: "firing" }]);
  });
});
