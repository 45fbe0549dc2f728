/**
 * What holds for the engine whatever readings come in whatever order, however often, and wherever it is interrupted:
 * with every kind of rule, a tree of devices, and events. Each law counts how often each rule fired and was over while it
 * was tried (`Reached`): one that never sees what it is about proves nothing.
 */
import type { Reading, Value } from "@aislewatch/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEngine } from "./engine.ts";
import { AGENT, device, group, line, message, putStored, SITE, START } from "./sample-engine.ts";
import { writeSpan } from "./span.ts";
import { runTrials } from "./trial.ts";
import type { RuleTest } from "./trial-file.ts";
import type { Engine, RuleSet, SiteInfo, Transition } from "./types.ts";

/** One seed, so that what turns red was changed; another tries other readings. */
fc.configureGlobal({ seed: 20_261_122, endOnFailure: true });

const ofPrinters = (rule: string): string => `select: 'kind == "label_printer"', ${rule}`;

/** One of each kind of rule, by what it has that others have not. */
const LAW_RULES: RuleSet = {
  ...group(
    `id: dead, when: "!up && streak(up) >= 2", severity: major, for: 15s, clear: { when: up }`,
    ofPrinters(`id: out, when: media_out, severity: major, for: 20s, absorbs: [low]`),
    ofPrinters(`id: flaps, when: media_out, severity: minor, flap: { enter: 2, within: 60s, quiet: 20s }`),
    `id: jam, on: event, code: cutter_jam, count: 2, within: 30s, severity: major, clear: { code: cutter_jam_cleared, after: 40s }`,
    ofPrinters(
      `id: low, raise: { minor: { when: media_remaining_percent < 20, for: 10s }, major: { when: media_remaining_percent < 5 } }, clear: { when: media_remaining_percent > 30, for: 10s }`,
    ),
    ofPrinters(`id: tray, scope: component, when: tray_empty && up, severity: minor, for: 5s, keep: 15s`),
    ofPrinters(`id: hours, when: paused, severity: minor, for: 5s, active_in: trading_hours`),
    ofPrinters(`id: limit, when: media_remaining_percent < vars.limit, severity: minor, for: 5s, vars: { limit: 15 }`),
    ofPrinters(`id: assumed, when: paused, severity: minor, for: 2s, missing: { then: ok, after: 30s }`),
    ofPrinters(`id: unheard, when: paused && !paused, severity: minor, missing: { then: raise, after: 40s }`),
    ofPrinters(`id: mean, when: 'avg(media_remaining_percent, "30s") < 20', severity: minor, for: 5s`),
    ofPrinters(`id: rare, when: 'count(media_remaining_percent, "30s") < 2', severity: minor`),
    ofPrinters(
      `id: often, when: 'changes(media_out, "60s") >= 3 && coverage(media_out, "60s") > 0.6', severity: minor`,
    ),
    ofPrinters(`id: long, when: 'time_where(media_out, "40s") > 15', severity: minor`),
    ofPrinters(`id: silent, when: silent_for() > 30, severity: minor, clear: { when: silent_for() < 10, for: 5s }`),
    ofPrinters(`id: odd, when: 'paused && neighbours(!paused) >= 1', severity: minor`),
    `id: few, scope: site, severity: critical, when: 'failed("label_printer") >= 2', clear: { when: 'working("label_printer") >= 2' }, absorbs: [dead]`,
  ),
  overrides: [{ rule: "limit", where: { labels: { zone: ["dock"] } }, vars: { limit: 30 }, file: "o.yaml", line: 1 }],
};
const ONE_DEVICE = { ...LAW_RULES, rules: LAW_RULES.rules.filter(({ id }) => id !== "few" && id !== "odd") };
const LAW_DEVICES = [
  device("sw", "network_switch"),
  device("p-1", "label_printer", { dependsOn: ["sw"], components: ["tray-1"], labels: { role: "receiving" } }),
  device("p-2", "label_printer", { dependsOn: ["sw"], labels: { role: "receiving", zone: "dock" } }),
];
/**
 * Whose state the values of one device decide, whenever they are looked at: not whom its parents hid, its events, and when
 * a silence was broken; windows have a law of their own for whatever order readings come in (window.test.ts).
 */
const NOT_OF_VALUES = ["flaps", "jam", "silent", "mean", "rare", "often", "long", "unheard"];
const STATES = { ...ONE_DEVICE, rules: ONE_DEVICE.rules.filter(({ id }) => !NOT_OF_VALUES.includes(id)) };
/** Open for the first minute. */
const LAW_SITES: readonly SiteInfo[] = [
  { id: SITE, name: SITE, timeZone: "UTC", tradingHours: openFor(START, START + 60_000) },
];

function openFor(fromMs: number, toMs: number): NonNullable<SiteInfo["tradingHours"]> {
  const minute = (ms: number): number => Math.floor((ms % 86_400_000) / 60_000);
  const span = [{ from: minute(fromMs), to: minute(toMs) }];
  const hours = { mon: span, tue: span, wed: span, thu: span, fri: span, sat: span, sun: span };
  return { timeZone: "UTC", hours, closedDays: [] };
}

/** How often each rule fired and was over again while a law was tried. */
class Reached {
  readonly #fired = new Map<string, number>();
  readonly #over = new Map<string, number>();

  see(transitions: readonly Transition[]): readonly Transition[] {
    for (const { rule, from, to } of transitions) {
      if (to === "firing" && from !== "firing") this.#fired.set(rule, (this.#fired.get(rule) ?? 0) + 1);
      if (to === "inactive" && from !== "pending") this.#over.set(rule, (this.#over.get(rule) ?? 0) + 1);
    }
    return transitions;
  }

  check(rules: RuleSet, least = 5): void {
    for (const { id } of rules.rules) {
      expect(this.#fired.get(id) ?? 0, `${id} fired`).toBeGreaterThanOrEqual(least);
      expect(this.#over.get(id) ?? 0, `${id} was over`).toBeGreaterThanOrEqual(least);
    }
  }
}

type Poll = {
  readonly id: string;
  readonly atMs: number;
  readonly values: Readonly<Record<string, Value>>;
  readonly tray: boolean | null;
  readonly event: string | null;
};

const value = fc.record({
  up: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
  media_out: fc.boolean(),
  paused: fc.boolean(),
  media_remaining_percent: fc.constantFrom(3, 10, 25, 50),
});
const polls = fc
  .array(
    fc.record({
      id: fc.constantFrom("sw", "p-1", "p-2"),
      atMs: fc.integer({ min: 0, max: 120 }).map((step) => step * 1_000),
      values: value,
      tray: fc.option(fc.boolean()),
      event: fc.option(fc.constantFrom("cutter_jam", "cutter_jam", "cutter_jam_cleared")),
    }),
    { maxLength: 90, size: "max" },
  )
  .map((list) => {
    // One poll per device and instant: two different truths of one moment do not come from a device.
    const unique = new Map(list.map((poll) => [`${poll.id} ${poll.atMs}`, answered(poll)]));
    return [...unique.values()].sort((a, b) => a.atMs - b.atMs);
  });

/** A poll that failed brings nothing else. */
function answered(poll: Poll): Poll {
  return poll.values["up"] === false ? { ...poll, values: { up: false }, tray: null } : poll;
}

function readingOf({ id, atMs, values, tray, event }: Poll): Reading {
  const { up, ...rest } = values;
  const own = { component: null, metrics: id === "sw" ? { up: up ?? true } : { up: up ?? true, ...rest } };
  const part = tray === null || id !== "p-1" ? [] : [{ component: "tray-1", metrics: { tray_empty: tray } }];
  const events = event === null ? [] : [{ component: null, code: event, detail: "" }];
  return { device: id, at: START + atMs, samples: [own, ...part], events };
}

function lawEngine(rules = LAW_RULES, isStored = false): Engine {
  const engine = createEngine({ isStored });
  engine.setSites(LAW_SITES, START);
  engine.setRules(rules, START);
  engine.setInventory(SITE, AGENT, LAW_DEVICES, START);
  return engine;
}

/** Messages of a few polls each, a tick after each: ahead of what is read, but not of what is read at that moment. */
function drive(engine: Engine, batches: readonly (readonly Poll[])[], reached = new Reached()): string[] {
  return batches.flatMap((batch) => {
    const last = Math.max(0, ...batch.map(({ atMs }) => atMs));
    const seen = engine.observe(SITE, AGENT, message(batch.map(readingOf)), 0);
    return reached.see([...seen, ...engine.tick(START + last - 1)]).map(line);
  });
}

/** What the store has, into the engine. */
function serve(engine: Engine, stored: readonly Poll[], nowMs: number): Transition[] {
  const readings = stored.map(readingOf);
  return engine.takeRefills(99).flatMap((refill) => {
    putStored(refill, readings);
    return refill.finish(START + nowMs);
  });
}

function batchesOf(list: readonly Poll[], size: number): Poll[][] {
  const batches: Poll[][] = [];
  for (let i = 0; i < list.length; i += size) batches.push(list.slice(i, i + size));
  return batches;
}

describe("laws", () => {
  it("the order of rows inside a message changes nothing", () => {
    const reached = new Reached();
    fc.assert(
      fc.property(
        polls.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([ordered, shuffled]) => {
          expect(drive(lawEngine(), [shuffled])).toEqual(drive(lawEngine(), [ordered], reached));
        },
      ),
      { numRuns: 300 },
    );
    reached.check(LAW_RULES);
  });

  it("a message that comes twice changes nothing", () => {
    const reached = new Reached();
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 8 }), (list, size) => {
        const once = batchesOf(list, size);
        const twice = once.flatMap((batch) => [batch, batch]);
        expect(drive(lawEngine(), twice)).toEqual(drive(lawEngine(), once, reached));
      }),
      { numRuns: 300 },
    );
    reached.check(LAW_RULES);
  });

  it("nor does one that comes again later, once what is stored was looked at", () => {
    const reached = new Reached();
    fc.assert(
      fc.property(
        polls,
        fc.integer({ min: 1, max: 8 }),
        fc.nat(),
        fc.integer({ min: 1, max: 3 }),
        (list, size, n, after) => {
          const batches = batchesOf(list, size);
          const [once, again] = [lawEngine(ONE_DEVICE), lawEngine(ONE_DEVICE, true)];
          const told = drive(once, batches, reached);
          serve(again, [], 0);
          const repeated = batches.length === 0 ? 0 : n % batches.length;
          const said = batches.flatMap((batch, i) => {
            const old = i === repeated + after ? [batches[repeated] ?? []] : [];
            return [...drive(again, [batch]), ...old.flatMap((each) => observeOnly(again, each))];
          });
          expect(said).toEqual(told);
          expect(serve(again, list, list.at(-1)?.atMs ?? 0).filter(({ from, to }) => from !== to)).toEqual([]);
          expect(finalStates(again)).toEqual(finalStates(once));
        },
      ),
      { numRuns: 200 },
    );
    reached.check(ONE_DEVICE);
  });

  const observeOnly = (engine: Engine, batch: readonly Poll[]): string[] =>
    engine.observe(SITE, AGENT, message(batch.map(readingOf)), 0).map(line);

  /**
   * Windows are looked at with the first reading after a restart, whatever that brought: refill.test.ts has their law. The
   * clock of `missing: raise` begins with the restart, so it may raise earlier by the time that values stay fresh.
   */
  const WINDOWED = ["mean", "rare", "often", "long", "unheard"];
  const UNWINDOWED = { ...ONE_DEVICE, rules: ONE_DEVICE.rules.filter(({ id }) => !WINDOWED.includes(id)) };
  it("a restart at any step changes nothing, once what is stored was read", () => {
    const reached = new Reached();
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 8 }), fc.nat(), (list, size, cut) => {
        const batches = batchesOf(list, size);
        const at = batches.length === 0 ? 0 : cut % batches.length;
        const [before, after] = [batches.slice(0, at), batches.slice(at)];
        // What failed before counts in a site again, and as a neighbour, once it was polled.
        const whole = lawEngine(UNWINDOWED);
        drive(whole, before);
        const store = new Map<string, string>();
        const first = lawEngine(UNWINDOWED, true);
        serve(first, [], 0);
        for (const batch of before) {
          drive(first, [batch]);
          for (const record of first.takeChangedFaults())
            store.set(JSON.stringify([record.rule, record.subject]), JSON.stringify(record));
        }
        const second = lawEngine(UNWINDOWED, true);
        second.restoreValues(
          LAW_DEVICES.flatMap(({ id }) =>
            first.lastValues(SITE, id).map(({ component, ...rest }) => ({
              site: SITE,
              subject: component === null ? id : `${id}#${component}`,
              ...rest,
            })),
          ),
        );
        second.restoreFaults([...store.values()].map((text) => JSON.parse(text)));
        const endedMs = Math.max(0, ...before.flat().map(({ atMs }) => atMs));
        second.tick(START + endedMs - 1);
        expect(serve(second, before.flat(), endedMs).filter(({ from, to }) => from !== to)).toEqual([]);
        // A flag may be told once more: what it was is looked at anew.
        const moves = (lines: readonly string[]): string[] => lines.filter((text) => !text.endsWith("(flags)"));
        expect(moves(drive(second, after))).toEqual(moves(drive(whole, after, reached)));
        expect(finalStates(second)).toEqual(finalStates(whole));
      }),
      { numRuns: 300 },
    );
    reached.check(UNWINDOWED);
  });

  it("each transition begins where the one before ended", () => {
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 8 }), (list, size) => {
        const engine = lawEngine();
        const state = new Map<string, string>();
        for (const batch of batchesOf(list, size)) {
          const last = Math.max(0, ...batch.map(({ atMs }) => atMs));
          const seen = [
            ...engine.observe(SITE, AGENT, message(batch.map(readingOf)), 0),
            ...engine.tick(START + last - 1),
          ];
          for (const transition of seen) {
            const key = JSON.stringify([transition.rule, transition.subject]);
            expect(transition.from).toBe(state.get(key) ?? "inactive");
            state.set(key, transition.to);
          }
        }
        const open = [...state].filter(([, to]) => to !== "inactive").map(([key]) => key);
        const views = engine.faults().map(({ rule, subject }) => JSON.stringify([rule, subject]));
        expect(views.sort()).toEqual(open.sort());
      }),
      { numRuns: 200 },
    );
  });

  /** Each fault as it is in the end, whatever hides it. */
  const finalStates = (engine: Engine, but: readonly string[] = []): string[] => {
    engine.tick(START + 130_000);
    return engine
      .faults()
      .filter(({ rule }) => !but.includes(rule))
      .map(
        ({ rule, subject, state, severity }) => `${subject.device}#${subject.component} ${rule} ${state} ${severity}`,
      )
      .sort();
  };

  /** Without those over silence: what comes after a silence that others ended was silent for them. */
  const SPOKEN = { ...LAW_RULES, rules: LAW_RULES.rules.filter(({ id }) => id !== "silent" && id !== "unheard") };
  it("a device that is slower than others to report ends as it would have", () => {
    fc.assert(
      fc.property(polls, fc.shuffledSubarray(["sw", "p-1", "p-2"], { minLength: 3 }), (list, order) => {
        const together = lawEngine(SPOKEN);
        for (const poll of list) together.observe(SITE, AGENT, message([readingOf(poll)]), 0);
        const apart = lawEngine(SPOKEN);
        for (const id of order) {
          for (const poll of list.filter((each) => each.id === id)) {
            apart.observe(SITE, AGENT, message([readingOf(poll)]), 0);
          }
        }
        // Who was hidden when it fired is told by the order; the counts of a site are of the present.
        expect(finalStates(apart, ["flaps", "few", "odd"])).toEqual(finalStates(together, ["flaps", "few", "odd"]));
      }),
      { numRuns: 200 },
    );
  });

  it("a parent that goes and comes changes no state of a child", () => {
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 8 }), (list, size) => {
        const steady = list.map((poll) => (poll.id === "sw" ? { ...poll, values: { up: true } } : poll));
        const ofChildren = (engine: Engine): string[] =>
          finalStates(engine, ["flaps", "few"]).filter((each) => !each.startsWith("sw#"));
        const [shaken, calm] = [lawEngine(), lawEngine()];
        drive(shaken, batchesOf(list, size));
        drive(calm, batchesOf(steady, size));
        expect(ofChildren(shaken)).toEqual(ofChildren(calm));
      }),
      { numRuns: 200 },
    );
  });

  /** What was read of a device until a moment: its newest value of each name, and what it brought at that very moment. */
  const readUntil = (list: readonly Poll[], id: string | null, atMs: number) => {
    const polled = list.filter((poll) => poll.id === id && poll.atMs <= atMs);
    const newest = (name: string): Value | undefined =>
      polled.findLast(({ values }) => values[name] !== undefined)?.values[name];
    const sinceMs = (isMeant: (poll: Poll) => boolean): number =>
      atMs - (polled.findLast(isMeant)?.atMs ?? Number.NEGATIVE_INFINITY);
    return {
      atMs,
      newest,
      sinceMs,
      tray: polled.findLast(({ tray }) => tray !== null)?.tray,
      isNow: sinceMs(() => true) === 0,
    };
  };
  type Read = ReturnType<typeof readUntil>;
  const percent = ({ newest }: Read): number => Number(newest("media_remaining_percent"));
  const isNow = (read: Read): boolean => read.isNow;
  /**
   * What has to have been said when a fault is over. Windows are looked at with each reading and with nothing else. Not
   * `odd`, which is over as well when its neighbours are not heard of any more: one of which nobody knows does not count.
   */
  const SAID: Readonly<Record<string, (read: Read) => boolean>> = {
    dead: ({ newest }) => newest("up") === true,
    out: ({ newest }) => newest("media_out") === false,
    flaps: ({ newest }) => newest("media_out") === false,
    // One that comes as the time is up begins another.
    jam: ({ atMs, sinceMs }) =>
      sinceMs(({ event }) => event === "cutter_jam_cleared") === 0 ||
      sinceMs((poll) => poll.event === "cutter_jam" && poll.atMs < atMs) >= 40_000,
    low: (read) => percent(read) > 30,
    tray: ({ tray, newest }) => tray === false || newest("up") === false,
    hours: ({ newest }) => newest("paused") === false,
    limit: (read) => percent(read) >= 15,
    assumed: ({ newest }) => newest("paused") === false,
    unheard: ({ isNow: isRead, newest }) => isRead && newest("paused") !== undefined,
    mean: isNow,
    rare: isNow,
    often: isNow,
    long: isNow,
    silent: ({ sinceMs }) => sinceMs(({ values }) => values["up"] === true) < 15_000,
  };
  /** Of one moment a message may bring one device, and the next message another. */
  const isUpAround = (list: readonly Poll[], id: string, atMs: number): boolean =>
    [atMs, atMs - 1].some((until) => readUntil(list, id, until).newest("up") === true);
  it("nothing recovers but by a reading that says so", () => {
    const reached = new Reached();
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 8 }), (list, size) => {
        const engine = lawEngine();
        for (const batch of batchesOf(list, size)) {
          const last = Math.max(0, ...batch.map(({ atMs }) => atMs));
          const seen = reached.see([
            ...engine.observe(SITE, AGENT, message(batch.map(readingOf)), 0),
            ...engine.tick(START + last - 1),
          ]);
          for (const { rule, subject, from, to, at, reason } of seen) {
            // `missing: ok` says that time alone may end it.
            if (to !== "inactive" || from === "pending" || (rule === "assumed" && reason === "missing")) continue;
            const atMs = at - START;
            const isSaid =
              rule === "few"
                ? ["p-1", "p-2"].every((id) => isUpAround(list, id, atMs))
                : SAID[rule]?.(readUntil(list, subject.device, atMs));
            expect(isSaid ?? true, `${rule} at ${atMs}`).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
    reached.check(LAW_RULES);
  });

  it("what hides a fault, at any time and for however long, changes no state", () => {
    const reached = new Reached();
    const plans = fc.array(fc.record({ step: fc.nat({ max: 40 }), isOn: fc.boolean() }), { maxLength: 12 });
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 6 }), plans, (list, size, turns) => {
        const [hidden, plain] = [lawEngine(), lawEngine()];
        const when = { is: "once", fromMs: START, toMs: START + 600_000 } as const;
        for (const [i, batch] of batchesOf(list, size).entries()) {
          const last = Math.max(0, ...batch.map(({ atMs }) => atMs));
          const first = Math.min(...batch.map(({ atMs }) => atMs));
          const moves = [hidden, plain].map((engine) => {
            const turn = engine === hidden ? turns.find(({ step }) => step === i) : undefined;
            const windows = turn?.isOn === true ? [{ id: "m", where: {}, when }] : [];
            const said = [
              ...(turn === undefined ? [] : engine.setMaintenance(windows, START + first - 1)),
              ...(turn === undefined ? [] : engine.setSites(turn.isOn ? [] : LAW_SITES, START + first - 1)),
              ...engine.observe(SITE, AGENT, message(batch.map(readingOf)), 0),
              ...engine.tick(START + last - 1),
            ];
            return (engine === plain ? reached.see(said) : said)
              .filter(({ from, to }) => from !== to)
              .map(({ at, rule, subject, from, to }) => JSON.stringify([at, rule, subject, from, to]))
              .sort();
          });
          expect(moves[0]).toEqual(moves[1]);
        }
        expect(finalStates(hidden)).toEqual(finalStates(plain));
      }),
      { numRuns: 150 },
    );
    reached.check(LAW_RULES);
  });

  it("what is planned changes no state", () => {
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 8 }), fc.nat({ max: 120 }), (list, size, from) => {
        const planned = lawEngine();
        const when = { is: "once", fromMs: START + from * 1_000, toMs: START + (from + 30) * 1_000 } as const;
        planned.setMaintenance([{ id: "m", where: {}, when }], START);
        const plain = lawEngine();
        drive(planned, batchesOf(list, size));
        drive(plain, batchesOf(list, size));
        expect(finalStates(planned)).toEqual(finalStates(plain));
      }),
      { numRuns: 100 },
    );
  });

  it("what comes late, in whatever order, ends as if it had come in time, once what is stored was read", () => {
    const reached = new Reached();
    const lateness = { late: 0, differed: 0 };
    fc.assert(
      fc.property(polls, fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 20 }), (list, delays) => {
        const arrival = list
          .map((poll, i) => ({ poll, at: poll.atMs + (delays[i % delays.length] ?? 0) * 1_000 }))
          .sort((a, b) => a.at - b.at)
          .map(({ poll }) => poll);
        const [inTime, late] = [lawEngine(STATES), lawEngine(STATES, true)];
        serve(late, [], 0);
        for (const poll of list) reached.see(inTime.observe(SITE, AGENT, message([readingOf(poll)]), 0));
        for (const poll of arrival) late.observe(SITE, AGENT, message([readingOf(poll)]), 0);
        lateness.late += arrival.filter((poll, i) =>
          arrival.slice(0, i).some((a) => a.id === poll.id && a.atMs > poll.atMs),
        ).length;
        const before = late.faults().length;
        const lastMs = Math.max(0, ...list.map(({ atMs }) => atMs));
        lateness.differed += serve(late, list, lastMs).length > 0 || before !== inTime.faults().length ? 1 : 0;
        expect(finalStates(late)).toEqual(finalStates(inTime));
      }),
      { numRuns: 80 },
    );
    reached.check(STATES);
    expect(lateness.late).toBeGreaterThan(300);
    expect(lateness.differed).toBeGreaterThan(20);
  });

  it("the late evaluator finds what the live one tells", () => {
    const reached = new Reached();
    const plain = { ...LAW_RULES, rules: LAW_RULES.rules.filter(({ id }) => id !== "few") };
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 8 }), (list, size) => {
        const batches = batchesOf(list, size);
        const base = lawEngine(plain);
        const snapshot = base.snapshot(SITE, AGENT);
        const fork = base.fork({ site: SITE, agent: AGENT, devices: LAW_DEVICES, snapshot, atMs: START });
        expect(drive(fork, batches)).toEqual(drive(lawEngine(plain), batches, reached));
      }),
      { numRuns: 200 },
    );
    reached.check(plain);
  });

  it("a test in a rule file goes through the states that the live engine does", () => {
    const reached = new Reached();
    const STEP_MS = 5_000;
    const tested = LAW_RULES.rules.filter(({ scope, on, id }) => scope === "device" && on === null && id !== "odd");
    const step = fc.record({
      up: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
      media_out: fc.boolean(),
      paused: fc.boolean(),
      media_remaining_percent: fc.constantFrom(3, 10, 25, 50),
      times: fc.integer({ min: 1, max: 12 }),
      isMissing: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
    });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 4, maxLength: 20, size: "max" }),
        fc.nat({ max: tested.length - 1 }),
        (runs, n) => {
          const steps = runs.flatMap(({ times, ...each }) => Array.from({ length: times }, () => each));
          const rule = tested[n];
          if (rule === undefined) return;
          const names = ["media_out", "paused", "media_remaining_percent"] as const;
          const column = (name: "up" | (typeof names)[number]): (Value | null)[] =>
            steps.map((each) => (each.isMissing || (!each.up && name !== "up") ? null : each[name]));
          const series = Object.fromEntries(["up" as const, ...names].map((name) => [name, column(name)]));
          const test: RuleTest = {
            name: "t",
            step: STEP_MS,
            device: { kind: "label_printer" },
            series,
            expect: [{ incidents: 0 }],
          };
          const [result] = runTrials({ rules: [rule], version: "" }, [
            { rule: rule.id, test, file: "t.yaml", line: 1 },
          ]);
          const engine = createEngine();
          engine.setRules({ rules: [rule], version: "" }, START);
          engine.setInventory(SITE, AGENT, [device("device", "label_printer", { intervalMs: STEP_MS })], START);
          const told = steps.flatMap((_, i) => {
            const at = START + i * STEP_MS;
            const metrics = Object.fromEntries(
              Object.entries(series).flatMap(([name, values]) => (values[i] === null ? [] : [[name, values[i] ?? 0]])),
            );
            const readings =
              Object.keys(metrics).length === 0
                ? []
                : [{ device: "device", at, samples: [{ component: null, metrics }] }];
            return [...engine.observe(SITE, AGENT, message(readings), 0), ...engine.tick(at)];
          });
          const endMs = (steps.length - 1) * STEP_MS;
          const moves = reached.see(told).filter(({ from, to }) => from !== to);
          const seen = moves.map(({ at, from, to }) => `${writeSpan(at - START)} ${from} → ${to}`);
          const found = (result?.happened ?? [])
            .filter(({ text }) => text.includes(" → "))
            .map(({ at, text }) => `${at} ${/^\w+ → \w+/.exec(text)?.[0]}`);
          expect(result?.differences.join()).not.toContain("could not");
          expect(found.slice(0, seen.length)).toEqual(seen);
          // What follows is from after the last reading.
          expect(found.slice(seen.length).every((text) => (told.length === 0 ? true : text !== "")) && endMs >= 0).toBe(
            true,
          );
        },
      ),
      { numRuns: 1_400 },
    );
    reached.check({ rules: tested, version: "" }, 3);
  });
});
