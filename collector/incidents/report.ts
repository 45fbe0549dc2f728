/**
 * A report, added up from flat records. Order does not matter, and what groups count is what the whole counts.
 *
 * An incident belongs to the time at which it was opened, whatever became of it later. The backlog is what was open at
 * the end of that time, however old it is. Cancelled incidents and those merged into another one are counted, are in
 * the hours, and were backlog while they were open; of other figures only the noise of their rule knows them.
 */
import {
  byGroup,
  createColumn,
  createFigureTable,
  createIds,
  createSpreads,
  type DurationColumns,
  type Group,
  type GroupKey,
  type Ranked,
} from "./figure-table.ts";
import type { CountedFacts, FactsDevice, Figures, Grouping } from "./figures.ts";
import type { Spread } from "./spread.ts";
import type { Priority } from "./types.ts";

export type Report = {
  readonly all: Figures;
  /** Of the period before, which is as long; null: not asked for. */
  readonly before: Figures | null;
  /** By the number of incidents, the most first; hours in their order. Only those that have any. */
  readonly groups: readonly Group[];
  /** How many there are beyond `groupsMax`. */
  readonly groupsLeftOut: number;
  readonly tables: readonly Table[];
  /** Opened in each hour of the week, from Monday 00:00, by the clock in the store. */
  readonly hours: readonly number[];
  readonly course: Course | null;
};
export type Table = { readonly by: Grouping; readonly groups: readonly Group[]; readonly leftOut: number };

/** By days and weeks, in the clock of each store; without those in which nothing was opened. */
export type Course = {
  /** `day` is in days since 1970-01-01. */
  readonly days: readonly { readonly day: number; readonly byPriority: Readonly<Record<Priority, number>> }[];
  /** From Monday on. */
  readonly weeks: readonly { readonly day: number; readonly acknowledge: Spread; readonly restore: Spread }[];
};

/** For how long a device was there, and had to work, in the time of the report. */
export type Exposure = FactsDevice & {
  readonly site: string;
  /** As facts name it. */
  readonly slot: string | number;
  /** Unix ms, in the time of the report. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly tradingMs: number;
};

export type ReportOptions = {
  /** Unix ms, `from` inclusive, `to` exclusive. */
  readonly from: number;
  readonly to: number;
  readonly groupBy: Grouping | null;
  /** All when not given. */
  readonly groupsMax?: number | undefined;
  /** More groupings, of each the first `tableMax`. */
  readonly tables?: readonly Grouping[] | undefined;
  readonly tableMax?: number | undefined;
  /** The period before, too. */
  readonly withBefore?: boolean | undefined;
  readonly withCourse?: boolean | undefined;
};
/** Nothing given: no mean time between failures. */
export type Exposures = { readonly now?: readonly Exposure[]; readonly before?: readonly Exposure[] };

/** The figures of these incidents; of more than fit into memory at once, with `createReport`. */
export function figuresOf(facts: Iterable<CountedFacts>, options: ReportOptions, exposures: Exposures = {}): Report {
  const report = createReport(options);
  for (const one of facts) report.add(one);
  return report.result(exposures);
}

/** Of what is added nothing is kept but numbers: the caller may use the object again. */
export type ReportBuilder = {
  add(facts: CountedFacts): void;
  /** Once, at the end. */
  result(exposures?: Exposures): Report;
};

/** What happened before this is in no figure of the report. */
export const beginOf = ({ from, to, withBefore }: ReportOptions): number =>
  withBefore === true ? Math.max(0, from - (to - from)) : from;

/** Of a slot that facts and exposures have a number for: of numbers a million look-ups take half as long as of names. */
export type NameOfSlot = (slot: number) => string | null;

export function createReport(options: ReportOptions, nameOfSlot: NameOfSlot = String): ReportBuilder {
  const { from, to, groupBy, groupsMax = Number.POSITIVE_INFINITY, tableMax = Number.POSITIVE_INFINITY } = options;
  const groupings = [...new Set([...(groupBy === null ? [] : [groupBy]), ...(options.tables ?? [])])];
  const now = createPeriod({ from, to, groupings, nameOfSlot });
  const before =
    options.withBefore === true ? createPeriod({ from: beginOf(options), to: from, groupings: [], nameOfSlot }) : null;
  const hours = Array.from({ length: 24 * 7 }, () => 0);
  const course = options.withCourse === true ? createCourse() : null;

  return {
    add(one) {
      before?.add(one);
      if (!now.add(one)) return;
      hours[one.hourOfWeek] = (hours[one.hourOfWeek] ?? 0) + 1;
      course?.add(one);
    },
    result(exposures = {}) {
      const durations = now.durations();
      now.measure(exposures.now ?? []);
      before?.measure(exposures.before ?? []);
      const tables = new Map(groupings.map((by) => [by, now.groups(by, durations)]));
      const cut = (by: Grouping, most: number): Table => {
        const table = tables.get(by);
        const groups = table?.groups(most) ?? [];
        return { by, groups, leftOut: (table?.size ?? 0) - groups.length };
      };
      const grouped = groupBy === null ? null : cut(groupBy, groupsMax);
      return {
        all: now.all(durations),
        before: before?.all(before.durations()) ?? null,
        groups: grouped?.groups ?? [],
        groupsLeftOut: grouped?.leftOut ?? 0,
        tables: (options.tables ?? []).map((by) => cut(by, tableMax)),
        hours,
        course: course?.result(durations) ?? null,
      };
    },
  };
}

const keyOf = (one: CountedFacts, by: Grouping): GroupKey => (by === "hour" ? one.hourOfWeek : one[by]);

const byHour = (a: Ranked, b: Ranked): number => Number(a.key) - Number(b.key);
const byNumber = (a: Ranked, b: Ranked): number =>
  b.opened - a.opened || compare(String(a.key ?? ""), String(b.key ?? ""));
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

type Period = {
  /** True when it was opened in it. */
  add(one: CountedFacts): boolean;
  durations(): DurationColumns;
  /** Once all are there, by the time in which devices were there. A failure of one that nobody knew of is measured by nothing, and left out. */
  measure(exposures: readonly Exposure[]): void;
  all(durations: DurationColumns): Figures;
  groups(by: Grouping, durations: DurationColumns): { readonly size: number; groups(most: number): Group[] };
};

type PeriodOptions = {
  readonly from: number;
  readonly to: number;
  readonly groupings: readonly Grouping[];
  readonly nameOfSlot: NameOfSlot;
};

function createPeriod({ from, to, groupings, nameOfSlot }: PeriodOptions): Period {
  // Devices were there, though nothing happened to them: the whole is there in any case.
  const all = createFigureTable(to, [null]);
  const named = (key: GroupKey): GroupKey => (typeof key === "number" ? nameOfSlot(key) : key);
  const tables = groupings.map((by) => ({ by, table: createFigureTable(to, [], by === "slot" ? named : undefined) }));
  const [detect, acknowledge, restore, resolve] = [createColumn(), createColumn(), createColumn(), createColumn()];
  const [resolveUnpaused, life, openedAt] = [createColumn(), createColumn(), createColumn()];
  const [restoredAt, failedSlot] = [createColumn(), createIds()];
  const slots = new Map<string | number, number>();

  function note(one: CountedFacts): void {
    const isWork = one.outcome === "open" || one.outcome === "resolved";
    detect.push(isWork ? (one.detectMs ?? Number.NaN) : Number.NaN);
    acknowledge.push(isWork ? (one.acknowledgeMs ?? Number.NaN) : Number.NaN);
    restore.push(isWork ? (one.restoreMs ?? Number.NaN) : Number.NaN);
    resolve.push(isWork ? (one.resolveMs ?? Number.NaN) : Number.NaN);
    resolveUnpaused.push(isWork ? (one.resolveUnpausedMs ?? Number.NaN) : Number.NaN);
    life.push(one.outcome === "merged" ? Number.NaN : (one.lifeMs ?? Number.NaN));
    openedAt.push(one.openedAt);
    restoredAt.push(one.restoredAt ?? Number.NaN);
    failedSlot.push(one.isFailure && one.slot !== null ? slotOf(one.slot) : -1);
  }

  function slotOf(slot: string | number): number {
    const known = slots.get(slot);
    if (known !== undefined) return known;
    slots.set(slot, slots.size);
    return slots.size - 1;
  }

  return {
    add(one) {
      const isOpened = one.openedAt >= from && one.openedAt < to;
      const isBacklog = one.openedAt < to && (one.doneAt === null || one.doneAt >= to);
      if (isOpened) {
        if (tables.length === 0) all.opened(null, one);
        for (const { by, table } of tables) table.opened(keyOf(one, by), one);
        note(one);
      }
      if (isBacklog) {
        if (tables.length === 0) all.waits(null, one);
        for (const { by, table } of tables) table.waits(keyOf(one, by), one);
      }
      return isOpened;
    },
    durations: () => ({
      ...{ detect: detect.values, acknowledge: acknowledge.values, restore: restore.values, resolve: resolve.values },
      ...{ resolveUnpaused: resolveUnpaused.values, life: life.values },
      gap: gapsOf(byGroup(failedSlot.values, slots.size), slots.size, openedAt.values, restoredAt.values),
    }),
    measure(exposures) {
      // Groups of any kind have all incidents among them: the whole is counted once, and not row by row again.
      const [first] = tables;
      if (first !== undefined) all.take(first.table.counted);
      const spans = new Map<number, Exposure[]>();
      for (const one of exposures) {
        all.exposed(null, one);
        for (const { by, table } of tables) if (by !== "hour" && by !== "rule") table.exposed(one[by], one);
        const slot = slots.get(one.slot);
        if (slot !== undefined) spans.set(slot, [...(spans.get(slot) ?? []), one]);
      }
      const [failed, at] = [failedSlot.values, openedAt.values];
      for (let row = 0; row < failed.length; row++) {
        const known = spans.get(failed[row] ?? -1);
        const opened = at[row] ?? 0;
        if (known?.some(({ fromMs, untilMs }) => opened >= fromMs && opened < untilMs) !== true) continue;
        all.measured(row);
        for (const { table } of tables) table.measured(row);
      }
    },
    all(durations) {
      const [whole] = all.groups(durations, byNumber, 1);
      if (whole === undefined) throw new RangeError("a report without a whole");
      return whole.figures;
    },
    groups(by, durations) {
      const table = tables.find((one) => one.by === by)?.table;
      if (table === undefined) return { size: 0, groups: () => [] };
      return {
        size: table.size,
        groups: (most) => table.groups(durations, by === "hour" ? byHour : byNumber, most),
      };
    },
  };
}

/**
 * Of each row that is a failure, how long its slot worked before it since the one before; NaN: not known. Two that overlap
 * have nothing between them.
 */
function gapsOf(
  ofSlot: (slot: number) => Uint32Array,
  slots: number,
  openedAt: Float64Array,
  restoredAt: Float64Array,
): Float64Array {
  const gaps = new Float64Array(openedAt.length).fill(Number.NaN);
  const at = (row: number): number => openedAt[row] ?? 0;
  const restored = (row: number): number => restoredAt[row] ?? Number.NaN;
  for (let slot = 0; slot < slots; slot++) {
    const rows = ofSlot(slot).sort((a, b) => at(a) - at(b) || (restored(a) || 0) - (restored(b) || 0));
    let over = Number.NaN;
    for (const row of rows) {
      if (at(row) > over) gaps[row] = at(row) - over;
      over = Number.isNaN(over) ? restored(row) : Math.max(over, restored(row));
    }
  }
  return gaps;
}

type CourseBuilder = { add(one: CountedFacts): void; result(durations: DurationColumns): Course };

const DAY_MS = 86_400_000;

function createCourse(): CourseBuilder {
  const days = new Map<number, Record<Priority, number>>();
  const weeks = new Map<number, number>();
  const weekOf = createIds();
  return {
    add(one) {
      const day = dayOf(one);
      const counted = days.get(day) ?? { P1: 0, P2: 0, P3: 0, P4: 0, P5: 0 };
      counted[one.priority] += 1;
      days.set(day, counted);
      const monday = day - Math.floor(one.hourOfWeek / 24);
      const week = weeks.get(monday) ?? weeks.size;
      weeks.set(monday, week);
      weekOf.push(week);
    },
    result(durations) {
      const spreads = createSpreads(durations);
      const rowsOf = byGroup(weekOf.values, weeks.size);
      const inOrder = <T>(of: ReadonlyMap<number, T>): [number, T][] => [...of].sort(([a], [b]) => a - b);
      return {
        days: inOrder(days).map(([day, byPriority]) => ({ day, byPriority })),
        weeks: inOrder(weeks).map(([day, week]) => ({
          day,
          acknowledge: spreads("acknowledge", rowsOf(week)),
          restore: spreads("restore", rowsOf(week)),
        })),
      };
    },
  };
}

/** By the clock in the store: of the three days that it may be there, the one of the weekday that it was there. */
function dayOf({ openedAt, hourOfWeek }: CountedFacts): number {
  const utc = Math.floor(openedAt / DAY_MS);
  // 1970-01-01 was a Thursday.
  const ahead = (Math.floor(hourOfWeek / 24) - (utc + 3) + 7 * 1_000_000) % 7;
  return ahead === 0 ? utc : ahead === 1 ? utc + 1 : utc - 1;
}
