/**
 * The figures of groups of incidents, counted in columns: an object and a list of durations for each of a hundred thousand
 * slots is what a report has no memory for. Counters of a group lie side by side in one array; of each incident there is
 * the number of its group, and durations are gathered group by group at the end.
 */
import {
  AGES,
  type Attainment,
  type Backlog,
  type CountedFacts,
  type Figures,
  type Penalty,
  SAMPLE_MIN,
  type Share,
} from "./figures.ts";
import { type Rate, rateOf } from "./rate.ts";
import { type Spread, spreadOf } from "./spread.ts";
import { PRIORITIES, type Priority } from "./types.ts";

export type GroupKey = string | number | null;
export type Group = { readonly key: GroupKey; readonly figures: Figures };

/** Numbers that grow in number; `values` is a view of those that there are. */
export type Column = { readonly values: Float64Array; push(value: number): void };
/** Of groups and the like; -1: none. */
export type Ids = { readonly values: Int32Array; push(id: number): void };

export function createColumn(): Column {
  let held = new Float64Array(FIRST_ROWS);
  let length = 0;
  return {
    get values() {
      return held.subarray(0, length);
    },
    push(value) {
      if (length === held.length) {
        const grown = new Float64Array(held.length * 2);
        grown.set(held);
        held = grown;
      }
      held[length++] = value;
    },
  };
}

/** The same once more: code that serves both kinds of array is slow with either. */
export function createIds(): Ids {
  let held = new Int32Array(FIRST_ROWS);
  let length = 0;
  return {
    get values() {
      return held.subarray(0, length);
    },
    push(id) {
      if (length === held.length) {
        const grown = new Int32Array(held.length * 2);
        grown.set(held);
        held = grown;
      }
      held[length++] = id;
    },
  };
}

const FIRST_ROWS = 4_096;

/** What has a spread, a column each; NaN: not known, or not of this incident. */
export const DURATIONS = ["detect", "acknowledge", "restore", "resolve", "resolveUnpaused", "life", "gap"] as const;
export type DurationColumns = Readonly<Record<(typeof DURATIONS)[number], Float64Array>>;

export type FigureTable = {
  /** The next incident that was opened in the time of the report; those of DurationColumns are in the same order. */
  opened(key: GroupKey, one: CountedFacts): void;
  /** Was open at the end. */
  waits(key: GroupKey, one: CountedFacts): void;
  /** Devices of the group were there and had to work; of a group without incidents it is forgotten. */
  exposed(key: GroupKey, one: { readonly tradingMs: number; readonly fromMs: number; readonly untilMs: number }): void;
  /** Counts what another table counted of the same incidents, as the first of its own groups. */
  take(other: Counted): void;
  readonly counted: Counted;
  /** The failure in this row was one of a device that was exposed. */
  measured(row: number): void;
  readonly size: number;
  /** The first `most` groups in this order. */
  groups(durations: DurationColumns, order: (a: Ranked, b: Ranked) => number, most: number): Group[];
};

/** Counters group by group, and money by its currency. */
type Counted = { readonly groups: number; readonly counts: Float64Array; readonly money: ReadonlyMap<string, Money> };

export type Ranked = { readonly key: GroupKey; readonly opened: number };

const COUNTED = [
  ...(["opened", "open", "resolved", "cancelled", "merged", "unacknowledgedOpen", "unacknowledgedOver"] as const),
  ...(["failures", "byPeople", "firstLine", "selfRecovered", "everResolved", "reopened", "ended", "mistaken"] as const),
  ...(["fires", "calls", "responseMet", "responseBreached", "restoreMet", "restoreBreached"] as const),
  ...(["vendorMet", "vendorBreached", "measured", "tradingMs", "presentMs", "devices", "backlog"] as const),
] as const;
const place = (name: (typeof COUNTED)[number]): number => COUNTED.indexOf(name);
const OPENED = place("opened");
const OPEN = place("open");
const RESOLVED = place("resolved");
const CANCELLED = place("cancelled");
const MERGED = place("merged");
const UNACKNOWLEDGED_OPEN = place("unacknowledgedOpen");
const UNACKNOWLEDGED_OVER = place("unacknowledgedOver");
const FAILURES = place("failures");
const BY_PEOPLE = place("byPeople");
const FIRST_LINE = place("firstLine");
const SELF_RECOVERED = place("selfRecovered");
const EVER_RESOLVED = place("everResolved");
const REOPENED = place("reopened");
const ENDED = place("ended");
const MISTAKEN = place("mistaken");
const FIRES = place("fires");
const CALLS = place("calls");
const CLOCKS = place("responseMet");
const MEASURED = place("measured");
const TRADING_MS = place("tradingMs");
const PRESENT_MS = place("presentMs");
const DEVICES = place("devices");
/** Not of incidents. */
const OF_DEVICES: readonly number[] = [MEASURED, TRADING_MS, PRESENT_MS, DEVICES];
/** Last: one for each age and priority. */
const BACKLOG = place("backlog");
const STRIDE = BACKLOG + AGES.length * PRIORITIES.length;

type Money = { readonly cents: Float64Array; readonly incidents: Float64Array; readonly terms: Float64Array };

/**
 * Groups of `keys` are there though nothing happened in them. `to`: where the time of the report ends, Unix ms. `named` says
 * what a key stands for, once for each group.
 */
export function createFigureTable(
  to: number,
  keys: readonly GroupKey[] = [],
  named: (key: GroupKey) => GroupKey = (key) => key,
): FigureTable {
  const ids = new Map<GroupKey, number>();
  const groupOf = createIds();
  const money = new Map<string, Money>();
  let counts: Float64Array = new Float64Array(STRIDE * 16);
  let lastKey: GroupKey | undefined;
  let lastId = 0;
  let lastCurrency: string | null = null;
  let lastMoney: Money | undefined;

  function idOf(key: GroupKey): number {
    if (key === lastKey) return lastId;
    lastKey = key;
    const known = ids.get(key);
    lastId = known ?? ids.size;
    if (known !== undefined) return known;
    ids.set(key, lastId);
    if (ids.size * STRIDE > counts.length) counts = grown(counts, counts.length * 2);
    return lastId;
  }

  function add(at: number, by: number): void {
    counts[at] = (counts[at] ?? 0) + by;
  }

  function countWork(base: number, one: CountedFacts): void {
    const isResolved = one.outcome === "resolved";
    if (isResolved) {
      add(base + RESOLVED, 1);
      if (one.isSelfRecovered) add(base + SELF_RECOVERED, 1);
      if (one.isByPeople) add(base + BY_PEOPLE, 1);
      if (one.isFirstLine) add(base + FIRST_LINE, 1);
    } else add(base + OPEN, 1);
    if (isResolved || one.isReopened) add(base + EVER_RESOLVED, 1);
    if (one.isReopened) add(base + REOPENED, 1);
    if (one.isCalled && one.acknowledgeMs === null)
      add(base + (isResolved ? UNACKNOWLEDGED_OVER : UNACKNOWLEDGED_OPEN), 1);
    if (one.isFailure && one.slot !== null) add(base + FAILURES, 1);
    add(base + CLOCKS, one.responseMet);
    add(base + CLOCKS + 1, one.responseBreached);
    add(base + CLOCKS + 2, one.restoreMet);
    add(base + CLOCKS + 3, one.restoreBreached);
    add(base + CLOCKS + 4, one.vendorMet);
    add(base + CLOCKS + 5, one.vendorBreached);
  }

  /** Also of those that were cancelled: a rule that cries wolf is known by them. */
  function countNoise(base: number, one: CountedFacts): void {
    add(base + FIRES, one.fires);
    add(base + CALLS, one.calls);
    if (one.outcome === "open" || one.outcome === "merged") return;
    add(base + ENDED, 1);
    if (one.isMistaken) add(base + MISTAKEN, 1);
  }

  function countPenalty(id: number, { currency, penaltyCents }: CountedFacts): void {
    if (currency === null || penaltyCents === null) return;
    let sums = currency === lastCurrency ? lastMoney : money.get(currency);
    if (sums === undefined || id >= sums.cents.length) {
      const size = Math.max(16, 2 ** Math.ceil(Math.log2(id + 1)));
      const [cents, incidents, terms] = [sums?.cents, sums?.incidents, sums?.terms].map((one) => grown(one, size));
      sums = { cents: cents ?? NONE, incidents: incidents ?? NONE, terms: terms ?? NONE };
      money.set(currency, sums);
    }
    lastCurrency = currency;
    lastMoney = sums;
    sums.terms[id] = (sums.terms[id] ?? 0) + 1;
    sums.cents[id] = (sums.cents[id] ?? 0) + penaltyCents;
    if (penaltyCents > 0) sums.incidents[id] = (sums.incidents[id] ?? 0) + 1;
  }

  function penaltiesOf(id: number): Penalty[] {
    const found: Penalty[] = [];
    for (const [currency, { cents, incidents, terms }] of money) {
      if ((terms[id] ?? 0) === 0) continue;
      found.push({ currency, amount: (cents[id] ?? 0) / 100, incidents: incidents[id] ?? 0 });
    }
    return found.sort((a, b) => (a.currency < b.currency ? -1 : 1));
  }

  function figuresAt(id: number, spreads: SpreadOf): Figures {
    const base = id * STRIDE;
    const at = (counter: number): number => counts[base + counter] ?? 0;
    const devices = at(DEVICES);
    const [measured, exposureMs, deviceMs] = [at(MEASURED), at(TRADING_MS), at(PRESENT_MS)];
    return {
      incidents: {
        ...{ opened: at(OPENED), open: at(OPEN), resolved: at(RESOLVED) },
        ...{ cancelled: at(CANCELLED), merged: at(MERGED) },
      },
      detect: spreads("detect"),
      acknowledge: spreads("acknowledge"),
      unacknowledged: { open: at(UNACKNOWLEDGED_OPEN), over: at(UNACKNOWLEDGED_OVER) },
      restore: spreads("restore"),
      resolve: spreads("resolve"),
      resolveUnpaused: spreads("resolveUnpaused"),
      betweenFailures: {
        failures: at(FAILURES),
        measured,
        exposureMs: devices === 0 ? null : exposureMs,
        meanMs: devices === 0 || measured === 0 ? null : exposureMs / measured,
        deviceMs: devices === 0 ? null : deviceMs,
        rate: devices === 0 ? null : failureRate(measured, deviceMs),
        gaps: spreads("gap"),
      },
      firstLine: shareOf(at(FIRST_LINE), at(BY_PEOPLE)),
      selfRecovered: shareOf(at(SELF_RECOVERED), at(RESOLVED)),
      reopened: shareOf(at(REOPENED), at(EVER_RESOLVED)),
      backlog: backlogOf(at),
      sla: {
        response: attained(at(CLOCKS), at(CLOCKS + 1)),
        restore: attained(at(CLOCKS + 2), at(CLOCKS + 3)),
        vendor: attained(at(CLOCKS + 4), at(CLOCKS + 5)),
      },
      penalties: penaltiesOf(id),
      noise: {
        fires: at(FIRES),
        calls: at(CALLS),
        falsePositives: ofEnough(at(MISTAKEN), at(ENDED)),
        life: spreads("life"),
      },
    };
  }

  for (const key of keys) idOf(key);

  return {
    opened(key, one) {
      const id = idOf(key);
      const base = id * STRIDE;
      groupOf.push(id);
      add(base + OPENED, 1);
      countNoise(base, one);
      if (one.outcome === "cancelled") add(base + CANCELLED, 1);
      else if (one.outcome === "merged") add(base + MERGED, 1);
      else {
        countWork(base, one);
        countPenalty(id, one);
      }
    },
    waits(key, { openedAt, priority }) {
      const age = AGES.findIndex(({ ms }) => to - openedAt <= ms);
      add(idOf(key) * STRIDE + BACKLOG + age * PRIORITIES.length + PRIORITIES.indexOf(priority), 1);
    },
    exposed(key, { tradingMs, fromMs, untilMs }) {
      const id = ids.get(key);
      if (id === undefined) return;
      add(id * STRIDE + TRADING_MS, tradingMs);
      add(id * STRIDE + PRESENT_MS, untilMs - fromMs);
      add(id * STRIDE + DEVICES, 1);
    },
    measured(row) {
      add((groupOf.values[row] ?? 0) * STRIDE + MEASURED, 1);
    },
    take({ groups, counts: others, money: owed }) {
      for (let id = 0; id < groups; id++)
        for (let counter = 0; counter < STRIDE; counter++)
          if (!OF_DEVICES.includes(counter)) add(counter, others[id * STRIDE + counter] ?? 0);
      const sum = (values: Float64Array): Float64Array => Float64Array.of(values.reduce((all, one) => all + one, 0));
      for (const [currency, { cents, incidents, terms }] of owed)
        money.set(currency, { cents: sum(cents), incidents: sum(incidents), terms: sum(terms) });
    },
    get counted() {
      return { groups: ids.size, counts, money };
    },
    get size() {
      return ids.size;
    },
    groups(durations, order, most) {
      const ranked = [...ids].map(([key, id]) => ({ key: named(key), id, opened: counts[id * STRIDE + OPENED] ?? 0 }));
      const shown = ranked.sort(order).slice(0, most);
      const rowsOf = ids.size === 1 ? () => null : byGroup(groupOf.values, ids.size);
      const spreads = createSpreads(durations);
      return shown.map(({ key, id }) => {
        const rows = rowsOf(id);
        return { key, figures: figuresAt(id, (name) => spreads(name, rows)) };
      });
    },
  };
}

const NONE = new Float64Array(0);

function grown(old: Float64Array | undefined, length: number): Float64Array {
  const made = new Float64Array(length);
  if (old !== undefined) made.set(old);
  return made;
}

type Duration = (typeof DURATIONS)[number];
type SpreadOf = (name: Duration) => Spread;

/** Of these rows; null: of all. What is gathered lies in one place, again and again: fresh memory costs more than the work. */
export function createSpreads(durations: DurationColumns): (name: Duration, rows: Uint32Array | null) => Spread {
  const gathered = new Float64Array(durations.detect.length);
  return (name, rows) => {
    const column = durations[name];
    const most = rows?.length ?? column.length;
    let n = 0;
    for (let index = 0; index < most; index++) {
      const ms = column[rows === null ? index : (rows[index] ?? 0)] ?? Number.NaN;
      if (!Number.isNaN(ms)) gathered[n++] = ms;
    }
    return spreadOf(gathered.subarray(0, n));
  };
}

/** The rows of each group, by a counting sort. */
export function byGroup(groupOf: Int32Array, groups: number): (id: number) => Uint32Array {
  const ends = new Uint32Array(groups + 1);
  for (const id of groupOf) if (id >= 0) ends[id + 1] = (ends[id + 1] ?? 0) + 1;
  for (let id = 0; id < groups; id++) ends[id + 1] = (ends[id + 1] ?? 0) + (ends[id] ?? 0);
  const next = ends.slice(0, groups);
  const rows = new Uint32Array(ends[groups] ?? 0);
  for (let row = 0; row < groupOf.length; row++) {
    const id = groupOf[row] ?? -1;
    if (id < 0) continue;
    const to = next[id] ?? 0;
    rows[to] = row;
    next[id] = to + 1;
  }
  return (id) => rows.subarray(ends[id], ends[id + 1]);
}

const DAY_MS = 86_400_000;
/** With fewer days of devices than that a rate is of the week, and not of the device. */
const DEVICE_DAYS_MIN = 30;

const failureRate = (failures: number, deviceMs: number): Rate | null =>
  failures < SAMPLE_MIN || deviceMs < DEVICE_DAYS_MIN * DAY_MS ? null : rateOf(failures, deviceMs / DAY_MS / 1_000);

const shareOf = (n: number, of: number): Share => ({ n, of, share: of === 0 ? null : n / of });
const ofEnough = (n: number, of: number): Share => ({ n, of, share: of < SAMPLE_MIN ? null : n / of });
const attained = (met: number, breached: number): Attainment => ({
  ...{ met, breached },
  share: shareOf(met, met + breached).share,
});

function backlogOf(at: (counter: number) => number): Backlog {
  let total = 0;
  const byAge = AGES.map(({ upTo }, age) => {
    const counted = PRIORITIES.map((_, index) => at(BACKLOG + age * PRIORITIES.length + index));
    for (const one of counted) total += one;
    const byPriority: Record<Priority, number> = { P1: 0, P2: 0, P3: 0, P4: 0, P5: 0 };
    for (const [index, priority] of PRIORITIES.entries()) byPriority[priority] = counted[index] ?? 0;
    return { upTo, byPriority };
  });
  return { total, byAge };
}
