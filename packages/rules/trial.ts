/**
 * Tests inside rule files, run on the engine that runs live: readings in, then the state of the fault at given times,
 * and how many incidents and pages it would have been.
 *
 * A test makes a site of one device (plus `parents` and `devices`), polled every `step`. Row n of a series is the poll
 * at n × step. A poll that brings a value of any metric also brings `up: true`, unless the test gives `up` itself; a
 * poll that brings none is no reading at all: silence. Time starts at zero; an `at` is looked at after the readings of
 * that time.
 *
 * A value marked `~` comes after the next poll, one marked `=` twice. While one is marked `!` the site's agent is away;
 * what was polled then comes when it is back, and is judged in its own time by a fork of the engine, as the collector
 * does it (collector/late.ts): a fault that came and went is an incident that pages nobody.
 */
import type { Reading, Telemetry } from "@aislewatch/contract";
import { encodeTelemetry } from "@aislewatch/contract";
import type { Kind } from "@aislewatch/devices";
import { momentsOf } from "./calendar.ts";
import { createEngine } from "./engine.ts";
import { isOpen } from "./fault.ts";
import type { PlacedTest } from "./file.ts";
import type { MaintenanceWindow } from "./maintenance.ts";
import { checkSelect } from "./select.ts";
import type { Delivery } from "./series.ts";
import { writeSpan } from "./span.ts";
import {
  AGENT,
  checkState,
  checkTotals,
  differenceOf,
  nameOfCause,
  SITE,
  type StateExpected,
  type Totals,
  type TrialCheck,
} from "./trial-expect.ts";
import { RULES_ALL, type RuleTest } from "./trial-file.ts";
import { DEVICE, type Fleet, fleetOf } from "./trial-fleet.ts";
import { rulesOfTest } from "./trial-rules.ts";
import { PAGE_SETTLE_MS, type Tally, tallyOf } from "./trial-tally.ts";
import type { AgentSnapshot, Engine, Refill, Rule, RuleSet, Subject, Transition } from "./types.ts";

export type TrialResult = {
  readonly rule: string;
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly ok: boolean;
  /** What was expected and what happened, a line each; empty when ok. */
  readonly differences: readonly string[];
  /** Every expectation in order of time, met or not; empty when the test could not be run. */
  readonly checks: readonly TrialCheck[];
  readonly happened: readonly TrialMoment[];
};

/** What a fault did, and when somebody was called. */
export type TrialMoment = { readonly at: string; readonly text: string };

/** Tests without a start of their own begin here: a round number of days, so that times in transitions are readable. */
const START_MS = 1_700_006_400_000;
/** More devices than a test has. */
const REFILLS_MAX = 1_000;

/** Each test has its rule to itself, and what it names under `with`, so that others of the set can't disturb it. */
export function runTrials(set: RuleSet, tests: readonly PlacedTest[]): TrialResult[] {
  return tests.map((placed) => {
    const own = set.rules.find(({ id }) => id === placed.rule);
    const { file, line, test } = placed;
    const tried =
      own === undefined
        ? notRun(`there is no rule ${placed.rule}`)
        : runTrial({ own, rules: rulesOfTest(set.rules, own, test) }, test);
    return { rule: placed.rule, name: test.name, file, line, ok: tried.differences.length === 0, ...tried };
  });
}

type Tried = Pick<TrialResult, "differences" | "checks" | "happened">;

const notRun = (why: string): Tried => ({ differences: [why], checks: [], happened: [] });

/** The rule whose test it is, and all that are loaded, it among them. */
type Tested = { readonly own: Rule; readonly rules: readonly Rule[] };

function runTrial(tested: Tested, test: RuleTest): Tried {
  const { own, rules } = tested;
  const kind = test.device?.kind ?? kindOf(own);
  if (kind === null) return notRun("which kind of device? write device: { kind: … }");
  const fleet = fleetOf(test, kind, own);
  const expected = new Set([own.id, ...test.expect.map(({ rule = own.id }) => rule)]);
  for (const { id, select } of rules.filter((rule) => expected.has(rule.id))) {
    const selected = checkSelect(select);
    if (!selected.ok || fleet.polled.some(({ device }) => selected.value.matches(SITE, device))) continue;
    const which = id === own.id ? "the rule does not select the device" : `${id} selects no device`;
    return notRun(`${which} of this test (select: ${select})`);
  }
  return new Play(tested, test, fleet).run();
}

/** What came otherwise than at once: kept for the poll after, or until the agent is back. */
type Kept = { readonly atMs: number; readonly readings: readonly Reading[] };

class Play {
  readonly #own: Rule;
  readonly #rules: readonly Rule[];
  readonly #test: RuleTest;
  readonly #fleet: Fleet;
  readonly #startMs: number;
  readonly #engine: Engine;
  readonly #seen: Transition[] = [];
  /** Faults that were found afterwards to have come and gone. */
  readonly #afterwards: Transition[] = [];
  #late: Kept | null = null;
  /** What a collector would have stored, for timers that a late reading contradicts; null when none comes late. */
  readonly #stored: Reading[] | null;
  #away: { readonly snapshot: AgentSnapshot; readonly sinceMs: number; readonly kept: Kept[] } | null = null;
  #seq = 0;

  constructor({ own, rules }: Tested, test: RuleTest, fleet: Fleet) {
    this.#own = own;
    this.#rules = rules;
    this.#test = test;
    this.#fleet = fleet;
    this.#startMs = startOf(test);
    const isLate = fleet.polled.some(({ polls }) => polls.flat().some(({ comes }) => comes === "late"));
    this.#stored = isLate ? [] : null;
    this.#engine = createEngine({ isStored: isLate });
  }

  run(): Tried {
    const { step, expect } = this.#test;
    const { stepCount } = this.#fleet;
    this.#engine.setRules({ rules: this.#rules, version: this.#own.version }, this.#startMs);
    this.#plan();
    this.#engine.setInventory(SITE, AGENT, this.#devices(), this.#startMs);
    this.#serve(this.#startMs);
    const endMs = Math.max(0, stepCount - 1) * step;
    const checks = expect.map((expected) =>
      "at" in expected ? { expected, atMs: expected.at === "end" ? endMs : expected.at } : { expected, atMs: endMs },
    );
    const lastMs = Math.max(endMs, ...checks.map(({ atMs }) => atMs));
    // One step more: what was late, or an agent that was away to the end.
    const steps = Array.from({ length: stepCount + 1 }, (_, i) => i * step);
    const found = new Map<number, TrialCheck[]>();
    const told = (this.#test.events ?? []).map(({ at }) => at);
    for (const atMs of [...new Set([...steps, ...told, ...checks.map((check) => check.atMs)])].sort((a, b) => a - b)) {
      this.#live(atMs);
      for (const [i, { expected, atMs: when }] of checks.entries()) {
        if (when === atMs && "at" in expected) found.set(i, [this.#state(expected)]);
      }
    }
    this.#seen.push(...this.#engine.tick(this.#startMs + Math.max(lastMs, stepCount * step) + PAGE_SETTLE_MS));
    const tallies = new Map(this.#rules.map((rule) => [rule.id, tallyOf(rule, this.#seen)]));
    const totalsOf = (id: string): Totals => this.#totals(tallies, id);
    for (const [i, { expected }] of checks.entries()) {
      if (!("at" in expected)) found.set(i, checkTotals(expected, { own: this.#own, totalsOf }));
    }
    const all = checks.flatMap((_, i) => found.get(i) ?? []);
    return {
      differences: all.filter(({ ok }) => !ok).map(differenceOf),
      checks: all,
      happened: this.#happened(tallies),
    };
  }

  #state(expected: StateExpected): TrialCheck {
    const [own, rules, test] = [this.#own, this.#rules, this.#test];
    return checkState(expected, { own, rules, test, faults: this.#engine.faults(), startMs: this.#startMs });
  }

  #totals(tallies: ReadonlyMap<string, Tally>, id: string): Totals {
    const counted = [...tallies].filter(([rule]) => id === RULES_ALL || id === rule);
    const afterwards = this.#spells(id);
    const sum = (of: "incidents" | "pages"): number => counted.reduce((total, [, tally]) => total + tally[of], 0);
    return { incidents: sum("incidents") + afterwards, pages: sum("pages"), afterwards };
  }

  /** In order of time; with several rules or devices each moment says whose it is. */
  #happened(tallies: ReadonlyMap<string, Tally>): TrialMoment[] {
    const isOfMany = this.#rules.length > 1;
    const whose = (rule: string, subject: Subject, text: string): string =>
      isOfMany ? `${rule}${placeOf(subject)}: ${text}` : text;
    const seen = [...this.#seen, ...this.#afterwards].map((transition, i) => {
      const text = `${i < this.#seen.length ? "" : "found afterwards: "}${momentText(transition)}`;
      return { at: transition.at, text: whose(transition.rule, transition.subject, text) };
    });
    const calls = [...tallies].flatMap(([rule, { moments }]) =>
      moments.map(({ at, subject, text }) => ({ at, text: whose(rule, subject, text) })),
    );
    return [...seen, ...calls]
      .toSorted((a, b) => a.at - b.at)
      .map(({ at, text }) => ({ at: writeSpan(at - this.#startMs), text }));
  }

  /** The site's calendar, and what is planned there. */
  #plan(): void {
    const { site, maintenance = [] } = this.#test;
    if (site !== undefined) {
      const tradingHours = { timeZone: site.tz, hours: site.hours ?? null, closedDays: site.closed };
      this.#engine.setSites([{ id: SITE, name: SITE, timeZone: site.tz, tradingHours }], this.#startMs);
    }
    const windows = maintenance.map(([from, to], i): MaintenanceWindow => {
      const when = { is: "once", fromMs: this.#startMs + from, toMs: this.#startMs + to } as const;
      return { id: `test-${i + 1}`, where: {}, when };
    });
    if (windows.length > 0) this.#engine.setMaintenance(windows, this.#startMs);
  }

  #devices() {
    return this.#fleet.polled.map(({ device }) => device);
  }

  #live(atMs: number): void {
    const at = this.#startMs + atMs;
    const index = atMs / this.#test.step;
    this.#seen.push(...this.#engine.tick(at - 1));
    if (this.#fleet.away.some(({ from }) => from === index)) this.#leave(at);
    const isBack = this.#away !== null && this.#fleet.away.some(({ to }) => to === index);
    if (isBack) this.#seen.push(...this.#engine.setAgentOnline(SITE, AGENT, true, at));
    if (this.#away !== null && !isBack) {
      this.#away.kept.push({ atMs, readings: this.#polled(index, at, ALL) });
      this.#seen.push(...this.#engine.tick(at));
      return;
    }
    this.#observe({ atMs, readings: this.#polled(index, at, [null, "twice"]) });
    this.#observe({ atMs, readings: this.#polled(index, at, ["twice"]) });
    this.#observe({ atMs, readings: this.#told(atMs, at) });
    if (this.#late !== null && Number.isInteger(index)) this.#observe(this.#late);
    this.#serve(at);
    const late = this.#polled(index, at, ["late"]);
    if (Number.isInteger(index)) this.#late = late.length === 0 ? null : { atMs, readings: late };
    this.#seen.push(...this.#engine.tick(at));
    if (isBack) this.#judgeAfterwards(atMs);
  }

  #leave(at: number): void {
    this.#away = { snapshot: this.#engine.snapshot(SITE, AGENT), sinceMs: at, kept: [] };
    this.#seen.push(...this.#engine.setAgentOnline(SITE, AGENT, false, at));
  }

  /** What each device brought at a step, of what came in one of these ways. */
  #polled(index: number, at: number, comes: readonly (Delivery | null)[]): Reading[] {
    return this.#fleet.polled.flatMap(({ device, polls }): Reading[] => {
      const some = (polls[index] ?? []).filter((poll) => comes.includes(poll.comes));
      return some.map(({ samples }) => ({ device: device.id, at, samples }));
    });
  }

  #told(atMs: number, at: number): Reading[] {
    const events = (this.#test.events ?? []).filter((event) => event.at === atMs);
    if (events.length === 0) return [];
    const said = events.map(({ code, detail, component = null }) => ({ component, code, detail }));
    return [{ device: DEVICE, at, samples: [], events: said }];
  }

  #observe({ atMs, readings }: Kept): void {
    if (readings.length === 0) return;
    this.#seen.push(...this.#engine.observe(SITE, AGENT, this.#message(readings, this.#startMs + atMs), 0));
    this.#stored?.push(...readings);
  }

  /** What the engine asks of the store it gets at once. */
  #serve(at: number): void {
    if (this.#stored === null) return;
    const sorted = this.#stored.toSorted((a, b) => a.at - b.at);
    for (const refill of this.#engine.takeRefills(REFILLS_MAX)) {
      for (const reading of sorted) if (reading.device === refill.device) put(refill, reading);
      this.#seen.push(...refill.finish(at));
    }
  }

  #message(readings: readonly Reading[], sentAt: number): Telemetry {
    return encodeTelemetry({ epoch: "test", lane: "live", seq: ++this.#seq, sentAt }, readings);
  }

  /** The history of an agent that was away, judged from where it left; what stands goes on live. */
  #judgeAfterwards(backMs: number): void {
    const away = this.#away;
    this.#away = null;
    if (away === null) return;
    const { snapshot, sinceMs, kept } = away;
    const fork = this.#engine.fork({ site: SITE, agent: AGENT, devices: this.#devices(), snapshot, atMs: sinceMs });
    const back = this.#polled(backMs / this.#test.step, this.#startMs + backMs, [null, "twice"]);
    for (const { atMs, readings } of [...kept, { atMs: backMs, readings: back }]) {
      const at = this.#startMs + atMs;
      this.#afterwards.push(...fork.tick(at - 1));
      if (readings.length > 0) {
        this.#afterwards.push(...fork.observe(SITE, AGENT, this.#message(readings, at), 0));
      }
      this.#afterwards.push(...fork.tick(at));
    }
    this.#seen.push(...this.#engine.takeOver(SITE, AGENT, fork.snapshot(SITE, AGENT), this.#startMs + backMs));
  }

  /** Faults of one rule, or of all, that came and went while the agent was away. */
  #spells(id: string): number {
    const open = new Set<string>();
    let spells = 0;
    for (const { rule, subject, from, to } of this.#afterwards) {
      if (id !== RULES_ALL && id !== rule) continue;
      const key = JSON.stringify([rule, subject]);
      const [was, is] = [isOpen({ state: from }), isOpen({ state: to })];
      if (!was && is) open.add(key);
      else if (was && !is && open.delete(key)) spells++;
    }
    return spells;
  }
}

const ALL: readonly (Delivery | null)[] = [null, "late", "twice", "afterwards"];

function momentText({ from, to, severity, flags, reason }: Transition): string {
  const level = severity === null ? "" : ` (${severity})`;
  const by = flags.suppressedBy === null ? "" : `, behind ${nameOfCause(flags.suppressedBy)}`;
  const stale = flags.stale ? ", state unknown" : "";
  const flapping = flags.flapping ? ", flapping" : "";
  const planned = `${flags.maintenance === undefined ? "" : ", in maintenance"}${flags.inactiveHours ? ", outside of its hours" : ""}`;
  const move = from === to ? to : `${from} → ${to}`;
  const why = reason === "missing" ? ", for want of readings" : "";
  return `${move}${level}${by}${stale}${flapping}${planned}${why}`;
}

function placeOf({ device, component }: Subject): string {
  if (device === null) return "";
  return component === null ? ` on ${device}` : ` on ${device}#${component}`;
}

function put(refill: Refill, { at, samples }: Reading): void {
  for (const [index, { component, metric }] of refill.series.entries()) {
    const value = samples.find((set) => set.component === component)?.metrics[metric];
    if (value !== undefined) refill.put(index, at, Number(value));
  }
}

/** At the local time that the test names, which is what its hours go by; of two such moments the first. */
function startOf({ site }: RuleTest): number {
  if (site === undefined) return START_MS;
  const [date = "", hour, minute] = site.start.split(/[T:]/);
  return momentsOf(site.tz, date, Number(hour) * 60 + Number(minute))[0] ?? START_MS;
}

function kindOf(rule: Rule): Kind | null {
  const selected = checkSelect(rule.select);
  return selected.ok ? ([...(selected.value.kinds ?? [])][0] ?? null) : null;
}
