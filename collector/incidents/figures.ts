/**
 * The figures of a report, added up from flat records (figure-facts.ts), each as docs/reports.md defines it. Order does
 * not matter, and what groups count is what the whole counts. A figure of nothing is null: nobody acknowledged anything
 * is not the same as everybody did at once.
 *
 * An incident belongs to the time at which it was opened, whatever became of it later. The backlog is what was open at
 * the end of that time, however old it is. Cancelled incidents and those merged into another one are counted, are in
 * the hours, and were backlog while they were open; they are in no other figure.
 */
import type { Category } from "@aislewatch/devices";
import { type CancelCode, PRIORITIES, type Priority, type ResolutionCode, type SlaClock } from "./types.ts";

export const GROUPINGS = ["site", "kind", "vendor", "model", "hour"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export const OUTCOMES = ["open", "resolved", "cancelled", "merged"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The device that stood in the slot when it was opened, or where that was not written down, stands there now. Null: not known. */
export type FactsDevice = {
  readonly kind: string | null;
  readonly vendor: string | null;
  readonly model: string | null;
};
/** Times are Unix ms. Durations are in ms of the clock on the wall; null: not known, not yet, or not of this incident. */
export type IncidentFacts = FactsDevice & {
  readonly incident: string;
  readonly site: string;
  /** The slot with its site, `berlin-01/lane-1/printer`; null where it is about the whole site. */
  readonly slot: string | null;
  readonly rule: string;
  /** Of these three triage asks, and reports do not; category null: of before it was kept. */
  readonly category: Category | null;
  readonly component: string | null;
  readonly serial: string | null;
  readonly priority: Priority;
  /** Resolved: closed or waiting for it. */
  readonly outcome: Outcome;
  readonly code: ResolutionCode | CancelCode | null;
  readonly openedAt: number;
  /** 0 is Monday 00:00, 167 Sunday 23:00, by the clock in the store when it was opened. */
  readonly hourOfWeek: number;
  readonly restoredAt: number | null;
  /** When people were done with it: resolved, cancelled or merged. */
  readonly doneAt: number | null;
  /** From the onset to when it was written down. */
  readonly detectMs: number | null;
  readonly acknowledgeMs: number | null;
  readonly restoreMs: number | null;
  readonly resolveMs: number | null;
  /** Without the time on hold for a reason that the contract lists for its restore clock. */
  readonly resolveUnpausedMs: number | null;
  /** People were called, or would have been. */
  readonly isCalled: boolean;
  /** Something of its own was broken: it is no consequence of another one, and was no mistake. */
  readonly isFailure: boolean;
  /** Resolved by a person. */
  readonly isByPeople: boolean;
  /** And nobody beyond the NOC was needed, and it was not reopened. */
  readonly isFirstLine: boolean;
  readonly isSelfRecovered: boolean;
  /** It was resolved at some time, and came back out of that. */
  readonly isReopened: boolean;
  readonly responseMet: number;
  readonly responseBreached: number;
  readonly restoreMet: number;
  readonly restoreBreached: number;
  readonly vendorMet: number;
  readonly vendorBreached: number;
  /** Null: its contract has no penalties. Hundredths of the currency. */
  readonly penaltyCents: number | null;
  readonly currency: string | null;
};

/** What the figures need of it. */
export type CountedFacts = Omit<IncidentFacts, "incident" | "rule" | "code" | "category" | "component" | "serial">;

/** Of durations, in ms. Median and p90 are of the nearest rank: durations that there were. */
export type Spread = {
  readonly n: number;
  readonly meanMs: number | null;
  readonly medianMs: number | null;
  readonly p90Ms: number | null;
};
/** `n` of `of`; null: of none. */
export type Share = { readonly n: number; readonly of: number; readonly share: number | null };

export const AGES = [
  { upTo: "4h", ms: 4 * 3_600_000 },
  { upTo: "1d", ms: 86_400_000 },
  { upTo: "3d", ms: 3 * 86_400_000 },
  { upTo: "7d", ms: 7 * 86_400_000 },
  { upTo: "30d", ms: 30 * 86_400_000 },
  { upTo: "older", ms: Number.POSITIVE_INFINITY },
] as const;

export type Backlog = {
  readonly total: number;
  /** In the order of AGES. */
  readonly byAge: readonly { readonly upTo: string; readonly byPriority: Readonly<Record<Priority, number>> }[];
};

export type Attainment = { readonly met: number; readonly breached: number; readonly share: number | null };
/** To the cent; `incidents` are those that cost something. */
export type Penalty = { readonly currency: string; readonly amount: number; readonly incidents: number };

/** The durations of an incident's life that have a spread. */
export const SPREADS = ["detect", "acknowledge", "restore", "resolve", "resolveUnpaused"] as const;

export type Figures = {
  readonly incidents: {
    readonly opened: number;
    readonly open: number;
    readonly resolved: number;
    readonly cancelled: number;
    readonly merged: number;
  };
  /** From the onset to the incident. */
  readonly detect: Spread;
  /** From the incident to the first acknowledgement. */
  readonly acknowledge: Spread;
  /** Of those for which people were called: not one of them is in `acknowledge`. */
  readonly unacknowledged: { readonly open: number; readonly over: number };
  readonly restore: Spread;
  readonly resolve: Spread;
  readonly resolveUnpaused: Spread;
  /** Mean time between failures: the time in which devices were to work, over the number of their failures. */
  readonly betweenFailures: {
    readonly failures: number;
    readonly exposureMs: number | null;
    readonly meanMs: number | null;
    /** To a failure, from the end of the last one of the same slot that was opened in this time; wall clock. */
    readonly gaps: Spread;
  };
  /** Of those that people resolved. */
  readonly firstLine: Share;
  /** Of all that are resolved. */
  readonly selfRecovered: Share;
  /** Of all that ever were resolved. */
  readonly reopened: Share;
  readonly backlog: Backlog;
  readonly sla: Readonly<Record<SlaClock, Attainment>>;
  /** By currency, in the order of its code. */
  readonly penalties: readonly Penalty[];
};

export type Group = { readonly key: string | number | null; readonly figures: Figures };
export type Report = {
  readonly all: Figures;
  /** By the number of incidents, the most first; hours in their order. Only those that have any. */
  readonly groups: readonly Group[];
  /** Opened in each hour of the week, from Monday 00:00, by the clock in the store. */
  readonly hours: readonly number[];
};

/** How long the devices of a kind, of a site and so on were to work in the time of the report. */
export type Exposure = {
  readonly site: string;
  readonly kind: string | null;
  readonly vendor: string | null;
  readonly model: string | null;
  readonly ms: number;
};

export type ReportOptions = {
  /** Unix ms, `from` inclusive, `to` exclusive. */
  readonly from: number;
  readonly to: number;
  readonly groupBy: Grouping | null;
  /** Nothing given: no mean time between failures. */
  readonly exposure?: readonly Exposure[];
};

/** The figures of these incidents; of more than fit into memory at once, with `createReport`. */
export function figuresOf(facts: Iterable<CountedFacts>, options: ReportOptions): Report {
  const report = createReport(options);
  for (const one of facts) report.add(one);
  return report.result();
}

export type ReportBuilder = { add(facts: CountedFacts): void; result(): Report };

export function createReport({ from, to, groupBy, exposure = [] }: ReportOptions): ReportBuilder {
  const all = createTally(to);
  const alone = [all] as const;
  const groups = new Map<string | number | null, readonly [Tally, Tally]>();
  const hours = Array.from({ length: 24 * 7 }, () => 0);
  const bySlot = new Map<string, Failure[]>();

  function countFailure({ slot, openedAt: at, restoredAt }: CountedFacts, tallies: readonly Tally[]): void {
    if (slot === null) return;
    const known = bySlot.get(slot);
    if (known === undefined) bySlot.set(slot, [{ at, restoredAt, tallies }]);
    else known.push({ at, restoredAt, tallies });
  }

  function talliesOf(key: string | number | null): readonly Tally[] {
    const known = groups.get(key);
    if (known !== undefined) return known;
    const made = [all, createTally(to)] as const;
    groups.set(key, made);
    return made;
  }

  return {
    add(one) {
      const isOpened = one.openedAt >= from && one.openedAt < to;
      const isBacklog = one.openedAt < to && (one.doneAt === null || one.doneAt >= to);
      if (!isOpened && !isBacklog) return;
      const tallies = groupBy === null ? alone : talliesOf(keyOf(one, groupBy));
      for (const tally of tallies) {
        if (isOpened) tally.opened(one);
        if (isBacklog) tally.waits(one);
      }
      if (isOpened && one.isFailure) countFailure(one, tallies);
      if (isOpened) hours[one.hourOfWeek] = (hours[one.hourOfWeek] ?? 0) + 1;
    },
    result() {
      for (const one of exposure) {
        all.exposed(one.ms);
        if (groupBy !== null && groupBy !== "hour") groups.get(one[groupBy])?.[1].exposed(one.ms);
      }
      countGaps(bySlot);
      const made = [...groups].map(([key, [, tally]]): Group => ({ key, figures: tally.figures() }));
      return { all: all.figures(), groups: made.sort(groupBy === "hour" ? byHour : byNumber), hours };
    },
  };
}

const keyOf = (one: CountedFacts, groupBy: Grouping): string | number | null =>
  groupBy === "hour" ? one.hourOfWeek : one[groupBy];

const byHour = (a: Group, b: Group): number => Number(a.key) - Number(b.key);
const byNumber = (a: Group, b: Group): number =>
  b.figures.incidents.opened - a.figures.incidents.opened || compare(String(a.key ?? ""), String(b.key ?? ""));
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

type Tally = {
  opened(one: CountedFacts): void;
  waits(one: CountedFacts): void;
  exposed(ms: number): void;
  gap(ms: number): void;
  figures(): Figures;
};

type Failure = { readonly at: number; readonly restoredAt: number | null; readonly tallies: readonly Tally[] };

function createTally(to: number): Tally {
  const incidents = { opened: 0, open: 0, resolved: 0, cancelled: 0, merged: 0 };
  const durations = {
    detect: [] as number[],
    acknowledge: [] as number[],
    restore: [] as number[],
    resolve: [] as number[],
    resolveUnpaused: [] as number[],
  };
  const unacknowledged = { open: 0, over: 0 };
  const counts = { failures: 0, byPeople: 0, firstLine: 0, selfRecovered: 0, everResolved: 0, reopened: 0 };
  const gaps: number[] = [];
  let exposureMs: number | null = null;
  const sla = { response: { met: 0, breached: 0 }, restore: { met: 0, breached: 0 }, vendor: { met: 0, breached: 0 } };
  const penalties = new Map<string, { cents: number; incidents: number }>();
  const backlog = AGES.map(() => noneOfEach());

  function countWork(one: CountedFacts): void {
    if (one.outcome === "resolved") {
      if (one.isSelfRecovered) counts.selfRecovered += 1;
      if (one.isByPeople) counts.byPeople += 1;
      if (one.isFirstLine) counts.firstLine += 1;
    }
    if (one.outcome === "resolved" || one.isReopened) counts.everResolved += 1;
    if (one.isReopened) counts.reopened += 1;
    if (one.isCalled && one.acknowledgeMs === null) unacknowledged[one.outcome === "open" ? "open" : "over"] += 1;
  }

  function countPenalty({ currency, penaltyCents }: CountedFacts): void {
    if (currency === null || penaltyCents === null) return;
    const sum = penalties.get(currency) ?? { cents: 0, incidents: 0 };
    sum.cents += penaltyCents;
    if (penaltyCents > 0) sum.incidents += 1;
    penalties.set(currency, sum);
  }

  return {
    opened(one) {
      incidents.opened += 1;
      incidents[one.outcome] += 1;
      if (one.outcome === "cancelled" || one.outcome === "merged") return;
      note(durations.detect, one.detectMs);
      note(durations.acknowledge, one.acknowledgeMs);
      note(durations.restore, one.restoreMs);
      note(durations.resolve, one.resolveMs);
      note(durations.resolveUnpaused, one.resolveUnpausedMs);
      countWork(one);
      if (one.isFailure && one.slot !== null) counts.failures += 1;
      sla.response.met += one.responseMet;
      sla.response.breached += one.responseBreached;
      sla.restore.met += one.restoreMet;
      sla.restore.breached += one.restoreBreached;
      sla.vendor.met += one.vendorMet;
      sla.vendor.breached += one.vendorBreached;
      countPenalty(one);
    },
    waits({ openedAt, priority }) {
      const age = backlog[AGES.findIndex(({ ms }) => to - openedAt <= ms)];
      if (age !== undefined) age[priority] += 1;
    },
    gap(ms) {
      gaps.push(ms);
    },
    exposed(ms) {
      exposureMs = (exposureMs ?? 0) + ms;
    },
    figures() {
      const { failures, everResolved } = counts;
      return {
        incidents: { ...incidents },
        detect: spread(durations.detect),
        acknowledge: spread(durations.acknowledge),
        unacknowledged: { ...unacknowledged },
        restore: spread(durations.restore),
        resolve: spread(durations.resolve),
        resolveUnpaused: spread(durations.resolveUnpaused),
        betweenFailures: {
          failures,
          exposureMs,
          meanMs: exposureMs === null || failures === 0 ? null : exposureMs / failures,
          gaps: spread(gaps),
        },
        firstLine: share(counts.firstLine, counts.byPeople),
        selfRecovered: share(counts.selfRecovered, incidents.resolved),
        reopened: share(counts.reopened, everResolved),
        backlog: backlogOf(backlog),
        sla: { response: attained(sla.response), restore: attained(sla.restore), vendor: attained(sla.vendor) },
        penalties: [...penalties]
          .map(([currency, { cents, incidents: of }]): Penalty => ({ currency, amount: cents / 100, incidents: of }))
          .sort((a, b) => compare(a.currency, b.currency)),
      };
    },
  };
}

function note(durations: number[], ms: number | null): void {
  if (ms !== null) durations.push(ms);
}

/** Two that overlap have nothing between them. */
function countGaps(bySlot: ReadonlyMap<string, Failure[]>): void {
  for (const failures of bySlot.values()) {
    failures.sort((a, b) => a.at - b.at || (a.restoredAt ?? 0) - (b.restoredAt ?? 0));
    let over: number | null = null;
    for (const { at, restoredAt, tallies } of failures) {
      if (over !== null && at > over) for (const tally of tallies) tally.gap(at - over);
      over = restoredAt === null ? null : Math.max(over ?? 0, restoredAt);
    }
  }
}

function spread(durations: readonly number[]): Spread {
  const sorted = new Float64Array(durations).sort();
  const n = sorted.length;
  const rank = (quantile: number): number | null => sorted[Math.max(0, Math.ceil(n * quantile) - 1)] ?? null;
  return {
    n,
    meanMs: n === 0 ? null : sorted.reduce((sum, ms) => sum + ms, 0) / n,
    medianMs: rank(0.5),
    p90Ms: rank(0.9),
  };
}

const share = (n: number, of: number): Share => ({ n, of, share: of === 0 ? null : n / of });

const attained = ({ met, breached }: { readonly met: number; readonly breached: number }): Attainment => ({
  ...{ met, breached },
  share: share(met, met + breached).share,
});

const noneOfEach = (): Record<Priority, number> => ({ P1: 0, P2: 0, P3: 0, P4: 0, P5: 0 });

function backlogOf(counts: readonly Readonly<Record<Priority, number>>[]): Backlog {
  const byAge = AGES.map(({ upTo }, index) => ({ upTo, byPriority: { ...(counts[index] ?? noneOfEach()) } }));
  const total = byAge.flatMap(({ byPriority }) => PRIORITIES.map((one) => byPriority[one])).reduce((a, b) => a + b, 0);
  return { total, byAge };
}
