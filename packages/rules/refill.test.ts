import type { Value } from "@aislewatch/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEngine } from "./engine.ts";
import { AGENT, device, group, line, message, reading, SITE, START } from "./sample-engine.ts";
import type { Engine, FaultRecord, Refill, RuleSet, Subject, Transition } from "./types.ts";
import { WINDOW_COVERAGE_MIN } from "./window-functions.ts";

const PRINTER: Subject = { site: SITE, device: "p", component: null };
const DEVICE = device("p", "label_printer", { components: ["tray-1"] });
const MINUTE = 60_000;

type Poll = { readonly atMs: number; readonly values: Readonly<Record<string, Value>> };

/** What is stored of one device, and how it comes: `until` is where judging stood when the refill was taken. */
class Stored {
  readonly #polls: Poll[] = [];

  add(...polls: readonly Poll[]): void {
    this.#polls.push(...polls);
  }

  put(refill: Refill, untilMs: number): void {
    const samples = this.#polls
      .filter(({ atMs }) => atMs <= untilMs)
      .flatMap(({ atMs, values }) =>
        refill.series.flatMap(({ component, metric, fromMs }, index) => {
          const value = component === null ? values[metric] : undefined;
          return value === undefined || START + atMs < fromMs - MINUTE * 60
            ? []
            : [{ index, at: START + atMs, value: Number(value) }];
        }),
      );
    for (const { index, at, value } of samples.sort((a, b) => a.at - b.at)) refill.put(index, at, value);
  }
}

function engineOf(rules: RuleSet, isStored: boolean, atMs = 0): Engine {
  const engine = createEngine({ isStored });
  engine.setRules(rules, START + atMs);
  engine.setInventory(SITE, AGENT, [DEVICE], START + atMs);
  return engine;
}

const told = (engine: Engine, { atMs, values }: Poll): Transition[] => [
  ...engine.observe(SITE, AGENT, message([reading("p", atMs, values)]), 0),
  ...engine.tick(START + atMs),
];
const feed = (engine: Engine, poll: Poll): string[] => told(engine, poll).map(line);

/** Changes of state, whatever was known of the values meanwhile. */
const movesOf = (transitions: readonly Transition[]): string[] =>
  transitions
    .filter(({ from, to }) => from !== to)
    .map(({ at, rule, from, to }) => `${(at - START) / 1000}s ${rule} ${from}>${to}`)
    .sort();

/** Kill -9: what the stores have of an engine goes into another. */
function restarted(engine: Engine, kept: Map<string, string>, rules: RuleSet, atMs: number): Engine {
  const next = engineOf(rules, true, atMs);
  next.restoreValues(
    engine.lastValues(SITE, "p").map(({ component, ...rest }) => ({
      site: SITE,
      subject: component === null ? "p" : `p#${component}`,
      ...rest,
    })),
  );
  next.restoreFaults([...kept.values()].map((text): FaultRecord => JSON.parse(text)));
  next.takeChangedFaults();
  return next;
}

const keep = (engine: Engine, kept: Map<string, string>): void => {
  for (const record of engine.takeChangedFaults())
    kept.set(JSON.stringify([record.rule, record.subject]), JSON.stringify(record));
};

const faultsOf = (engine: Engine): string[] =>
  engine
    .faults()
    .map(({ rule, state, since, flags }) => `${rule} ${state} since ${(since - START) / 1000} ${JSON.stringify(flags)}`)
    .sort();

/** Every window and spell that a rule looks at, as it stands. */
function windowsOf(engine: Engine, rule: string, atMs: number): Record<string, Value | null> {
  const explained = engine.explain(rule, PRINTER, START + atMs);
  if ("refused" in explained) throw new Error(explained.message);
  const terms = explained.conditions.flatMap((condition) => condition.terms);
  return Object.fromEntries(terms.filter(({ text }) => /^\w+\(/.test(text)).map(({ text, value }) => [text, value]));
}

const CALLS = [
  'avg(head_temperature_celsius, "10m")',
  'min(head_temperature_celsius, "10m")',
  'count(head_temperature_celsius, "10m")',
  'coverage(head_temperature_celsius, "20m")',
  'rate(labels_printed_total, "10m")',
  'delta(head_temperature_celsius, "10m")',
  'changes(media_out, "10m")',
  'quantile(head_temperature_celsius, 0.9, "15m")',
  'eta(head_temperature_celsius, 90, "15m")',
  'time_where(media_out && head_temperature_celsius > 50, "15m")',
];
const LOOKS = CALLS.map((call, i) => `id: w${i}, when: '${call} > 1e9', severity: minor`);
const DECIDES = [
  `id: hot, when: 'avg(head_temperature_celsius, "10m") > 60', for: 1m, severity: major, clear: { when: 'avg(head_temperature_celsius, "10m") < 50', for: 1m }`,
  `id: few, when: 'count(head_temperature_celsius, "10m") < 20', severity: minor`,
  `id: out, when: 'time_where(media_out, "5m") > 60', severity: minor, keep: 2m`,
  `id: flaps, when: 'max(head_temperature_celsius, "1m") > 75', severity: minor, flap: { enter: 3, within: 10m, quiet: 5m }`,
];
const RULES = group(...LOOKS.map(ofPrinters), ...DECIDES.map(ofPrinters));
function ofPrinters(rule: string): string {
  return `select: 'kind == "label_printer"', ${rule}`;
}

/** Half an hour of polls or so, mostly every ten seconds, with gaps of up to some minutes; hot and out for a while. */
const polls = fc
  .array(
    fc.record({
      gapMs: fc.oneof({ weight: 9, arbitrary: fc.constant(10_000) }, fc.integer({ min: 1_000, max: 300_000 })),
      times: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 20 })),
      hot: fc.constantFrom(40, 55, 70, 80),
      out: fc.boolean(),
    }),
    { minLength: 2, maxLength: 60, size: "max" },
  )
  .map((runs) => {
    const list = runs.flatMap(({ times, ...run }) =>
      Array.from({ length: times }, (_, i) => (i === 0 ? run : { ...run, gapMs: 10_000 })),
    );
    let [atMs, printed] = [0, 0];
    return list.map(({ gapMs, hot, out }): Poll => {
      atMs += gapMs;
      printed += hot;
      return {
        atMs,
        values: { up: true, head_temperature_celsius: hot, media_out: out, labels_printed_total: printed },
      };
    });
  });

describe("after a restart", () => {
  it("windows, spells and faults are those of an engine that never ended, wherever it ended", () => {
    const seen = { covered: 0, differed: 0, told: 0, open: 0 };
    fc.assert(
      fc.property(polls, fc.nat(), fc.integer({ min: 0, max: 6 }), (list, cut, liveMeanwhile) => {
        const at = 1 + (cut % (list.length - 1));
        const whole = engineOf(RULES, false);
        const first = engineOf(RULES, true);
        for (const refill of first.takeRefills(9)) refill.finish(START);
        const [stored, kept] = [new Stored(), new Map<string, string>()];
        for (const poll of list.slice(0, at)) {
          feed(whole, poll);
          feed(first, poll);
          keep(first, kept);
          stored.add(poll);
        }
        const endedMs = list[at - 1]?.atMs ?? 0;
        const second = restarted(first, kept, RULES, endedMs);
        const [refill] = second.takeRefills(9);
        if (refill === undefined) throw new Error("nothing is wanted");
        const meanwhile = list.slice(at, at + liveMeanwhile);
        const ours: Transition[] = [];
        const theirs: Transition[] = [];
        for (const poll of meanwhile) {
          theirs.push(...told(whole, poll));
          ours.push(...told(second, poll));
          if (windowsOf(second, "w0", poll.atMs)[CALLS[0] ?? ""] === null) seen.differed++;
        }
        stored.put(refill, endedMs);
        const nowMs = meanwhile.at(-1)?.atMs ?? endedMs;
        ours.push(...refill.finish(START + nowMs));
        // What happened while windows were being filled is told as of when it happened, unless the shortest was full by
        // itself before that: then it is told as soon as it was.
        if (nowMs - (list[at - 2]?.atMs ?? 0) < MINUTE) {
          expect(movesOf(ours)).toEqual(movesOf(theirs));
          seen.told += movesOf(theirs).length;
        }
        for (const poll of [null, ...list.slice(at + liveMeanwhile)]) {
          if (poll !== null) expect(feed(second, poll)).toEqual(feed(whole, poll));
          const lookMs = poll?.atMs ?? nowMs;
          const isLooked = poll === null || lookMs % 7 === 0 || poll === list.at(-1);
          for (const [i, call] of isLooked ? CALLS.entries() : []) {
            const [ours, theirs] = [windowsOf(second, `w${i}`, lookMs), windowsOf(whole, `w${i}`, lookMs)];
            const [our, their] = [ours[call] ?? null, theirs[call] ?? null];
            if (typeof our === "number" && typeof their === "number") expect(our, call).toBeCloseTo(their, 6);
            else expect(our, call).toEqual(their);
          }
          if (Number(windowsOf(whole, "w3", lookMs)[CALLS[3] ?? ""]) >= WINDOW_COVERAGE_MIN) seen.covered++;
          expect(faultsOf(second)).toEqual(faultsOf(whole));
          seen.open += whole.faults().length;
        }
      }),
      { numRuns: 200 },
    );
    // A law that never sees what it is about proves nothing.
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(10);
  });
});

describe("after an edit", () => {
  it("a rule over a window that others looked at before knows how long it has been true", () => {
    const hot = (limit: number): RuleSet =>
      group(ofPrinters(`id: hot, when: 'avg(head_temperature_celsius, "10m") > ${limit}', for: 1m, severity: major`));
    const engine = engineOf(hot(1_000), true);
    for (const refill of engine.takeRefills(9)) refill.finish(START);
    const stored = new Stored();
    for (let atMs = 0; atMs <= 15 * MINUTE; atMs += 10_000) {
      const poll = { atMs, values: { up: true, head_temperature_celsius: 90 } };
      feed(engine, poll);
      stored.add(poll);
    }
    engine.setRules(hot(60), START + 15 * MINUTE);
    const [refill] = engine.takeRefills(9);
    if (refill === undefined) throw new Error("nothing is wanted");
    stored.put(refill, 15 * MINUTE);
    expect(refill.finish(START + 15 * MINUTE).map(line)).toEqual(["900s p hot pending>firing major"]);
  });

  const withHot = (limit: number, forS: number, more: readonly string[] = []): RuleSet =>
    group(
      ofPrinters(
        `id: hot, when: 'head_temperature_celsius > ${limit} && avg(head_temperature_celsius, "5m") > ${limit}', for: ${forS}s, severity: major, clear: { when: 'head_temperature_celsius < ${limit - 10}', for: 30s }`,
      ),
      ...more.map(ofPrinters),
    );
  const ADDED = [
    `id: out, when: media_out, for: 3m, severity: minor`,
    `id: long, when: 'time_where(media_out, "10m") > 120', severity: minor`,
  ];

  it("windows and timers are those of an engine that had the new rules all along", () => {
    const seen = { provedOpen: 0, pending: 0, cleared: 0, firing: 0 };
    fc.assert(
      fc.property(polls, fc.nat(), fc.integer({ min: 0, max: 6 }), (list, cut, liveMeanwhile) => {
        const at = 1 + (cut % (list.length - 1));
        const after = withHot(60, 120, ADDED);
        const whole = engineOf(after, false);
        const edited = engineOf(withHot(50, 20), true);
        for (const refill of edited.takeRefills(9)) refill.finish(START);
        const stored = new Stored();
        for (const poll of list.slice(0, at)) {
          feed(whole, poll);
          feed(edited, poll);
          stored.add(poll);
        }
        const editedMs = list[at - 1]?.atMs ?? 0;
        const was = edited.faults().find(({ rule }) => rule === "hot")?.state;
        edited.setRules(after, START + editedMs);
        const [refill] = edited.takeRefills(9);
        if (refill === undefined) throw new Error("nothing is wanted");
        const meanwhile = list.slice(at, at + liveMeanwhile);
        for (const poll of meanwhile) {
          feed(whole, poll);
          feed(edited, poll);
        }
        stored.put(refill, editedMs);
        refill.finish(START + (meanwhile.at(-1)?.atMs ?? editedMs));
        // What was open is the same incident, whenever the new condition became true; what began before all that is
        // read began then, and time_where() knows no more before that. What only stands because nobody knows better
        // (stale), or between its two conditions, may have begun before that, too.
        const readMs = START + editedMs - 15 * MINUTE;
        const stale = (engine: Engine): string[] =>
          engine.faults().flatMap(({ rule, flags }) => (flags.stale ? [rule] : []));
        const latched = whole.faults().some(({ rule, since }) => rule === "hot" && since < readMs) ? ["hot"] : [];
        const unknown = (): string[] => [...stale(whole), ...stale(edited), ...latched];
        const statesOf = (engine: Engine): string[] =>
          engine
            .faults()
            .filter(({ rule }) => !unknown().includes(rule))
            .map(
              ({ rule, state, since }) =>
                `${rule} ${state} ${rule === "hot" || rule === "long" ? "" : Math.max(since, readMs)}`,
            )
            .sort();
        const isFirm = whole.faults().some(({ rule, state }) => rule === "hot" && state !== "pending");
        const now = edited.faults().find(({ rule }) => rule === "hot")?.state;
        // Neither raised nor cleared by the new condition within what was read: it stays, as it was.
        const isUndecided = (was === "firing" || was === "recovering") && !isFirm && now !== undefined;
        if (isUndecided) return;
        expect(statesOf(edited)).toEqual(statesOf(whole));
        if (isFirm && was !== undefined) seen.provedOpen++;
        if (was !== undefined && now === undefined) seen.cleared++;
        for (const { state } of edited.faults()) if (state === "pending" || state === "firing") seen[state]++;
        for (const poll of list.slice(at + liveMeanwhile)) {
          feed(whole, poll);
          feed(edited, poll);
          expect(statesOf(edited)).toEqual(statesOf(whole));
        }
      }),
      { numRuns: 300, endOnFailure: true },
    );
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(10);
  });
});

describe("of an agent whose readings are on their way", () => {
  it("a timer runs to the newest of them and not to the present", () => {
    const rules = group(
      ofPrinters(`id: open, when: head_open, for: 20s, severity: minor`),
      ofPrinters(`id: out, when: media_out, severity: major`),
    );
    const engine = engineOf(rules, true);
    for (const refill of engine.takeRefills(9)) refill.finish(START);
    const stored = new Stored();
    const observe = (atS: number, values: Readonly<Record<string, Value>>): string[] => {
      stored.add({ atMs: atS * 1_000, values });
      return movesOf(engine.observe(SITE, AGENT, message([reading("p", atS * 1_000, values)]), 0));
    };
    const well = { up: true, head_open: false, media_out: false };
    observe(0, well);
    engine.setAgentBehind(SITE, AGENT, true, START);
    observe(20, { ...well, head_open: true });
    // One that is older than what is known, as after a restart: what is stored says what it means to timers.
    observe(10, well);
    expect(engine.tick(START + 300_000)).toEqual([]);
    const [refill] = engine.takeRefills(9);
    if (refill === undefined) throw new Error("nothing is wanted");
    stored.put(refill, 20_000);
    expect(movesOf(refill.finish(START + 300_000))).toEqual([]);
    expect(observe(30, { ...well, media_out: true })).toEqual(["30s open pending>inactive", "30s out inactive>firing"]);
    expect(observe(40, well)).toEqual(["40s out firing>inactive"]);
  });
});
