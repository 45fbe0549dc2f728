/**
 * The recent past of one series, in event time, for the window functions of the rule language. A window of a span
 * reaches from `nowMs - spanMs` (excluded) to `nowMs` (included). Every function answers NaN, which means unknown,
 * while the readings cover less than half of the span: a ten-minute average of one reading is none.
 *
 * `delta`, `increase`, `rate` and `changes` also look at the last reading before the window, the value it began with.
 */

/** Longest literal duration that a condition may name; more belongs to the time-series store. */
export const WINDOW_SPAN_MAX_MS = 24 * 3_600_000;
/** Readings kept per series: a day at one every ten seconds. Beyond, the oldest go and coverage says so. */
export const WINDOW_READINGS_MAX = 8_640;

const FIRST_CAPACITY = 16;

/** A copy of what a window remembers, oldest first. */
export type KeptReadings = { readonly at: Float64Array; readonly values: Float64Array; readonly streak: number };

/** Readings of one series in a ring that grows up to WINDOW_READINGS_MAX. */
export class RecentReadings {
  #at = new Float64Array(FIRST_CAPACITY);
  #value = new Float64Array(FIRST_CAPACITY);
  #first = 0;
  #size = 0;
  #keepMs: number;
  #streak = 0;

  constructor(keepMs: number) {
    this.#keepMs = Math.min(keepMs, WINDOW_SPAN_MAX_MS);
  }

  get size(): number {
    return this.#size;
  }

  /** How many readings in a row, the last included, have brought the same value; not bounded by any window. */
  get streak(): number {
    return this.#streak;
  }

  /** A rule set that looks further back; what is gone stays gone. */
  keepAtLeast(keepMs: number): void {
    this.#keepMs = Math.min(Math.max(this.#keepMs, keepMs), WINDOW_SPAN_MAX_MS);
  }

  /** Readings come in order of time; one of the same instant replaces the last, an older one is left out. */
  push(at: number, value: number): void {
    if (this.#size > 0) {
      const newest = this.#size - 1;
      if (at < this.at(newest)) return;
      if (at === this.at(newest)) {
        this.#value[this.#index(newest)] = value;
        return;
      }
    }
    this.#streak = this.#size > 0 && this.value(this.#size - 1) === value ? this.#streak + 1 : 1;
    this.#forget(at - this.#keepMs);
    if (this.#size === WINDOW_READINGS_MAX) this.#dropOldest();
    if (this.#size === this.#at.length) this.#grow();
    const index = this.#index(this.#size);
    this.#at[index] = at;
    this.#value[index] = value;
    this.#size++;
  }

  /** After a restart: the last reading and the streak that it ended, as they were kept. */
  resume(kept: { at: number; value: number; streak: number }): void {
    if (this.#size === 0) this.push(kept.at, kept.value);
    if (this.at(this.#size - 1) === kept.at && this.value(this.#size - 1) === kept.value) this.#streak = kept.streak;
  }

  kept(): KeptReadings {
    const at = Float64Array.from({ length: this.#size }, (_, i) => this.at(i));
    const values = Float64Array.from({ length: this.#size }, (_, i) => this.value(i));
    return { at, values, streak: this.#streak };
  }

  resumeAll({ at, values, streak }: KeptReadings): void {
    for (let i = 0; i < at.length; i++) this.push(at[i] ?? 0, values[i] ?? Number.NaN);
    this.#streak = streak;
  }

  /** Time of the i-th oldest reading that is kept. */
  at(i: number): number {
    return this.#at[this.#index(i)] ?? Number.NaN;
  }

  value(i: number): number {
    return this.#value[this.#index(i)] ?? Number.NaN;
  }

  /** Index of the first reading after `at`; `size` when there is none. */
  firstAfter(at: number): number {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle) > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #index(i: number): number {
    return (this.#first + i) & (this.#at.length - 1);
  }

  /** Drops what no window reaches, but for one reading: the value that the longest window began with. */
  #forget(olderThan: number): void {
    while (this.#size > 1 && this.at(1) <= olderThan) this.#dropOldest();
  }

  #dropOldest(): void {
    this.#first = (this.#first + 1) & (this.#at.length - 1);
    this.#size--;
  }

  #grow(): void {
    const at = new Float64Array(this.#at.length * 2);
    const value = new Float64Array(this.#at.length * 2);
    for (let i = 0; i < this.#size; i++) {
      at[i] = this.at(i);
      value[i] = this.value(i);
    }
    this.#at = at;
    this.#value = value;
    this.#first = 0;
  }
}

export type WindowFunction = (readings: RecentReadings, nowMs: number, spanMs: number) => number;

/** Is at least half of the span behind the oldest reading? */
const isCovered = (readings: RecentReadings, nowMs: number, spanMs: number): boolean =>
  readings.size > 0 && readings.at(0) <= nowMs - spanMs / 2;

const folded =
  (
    start: number,
    fold: (so: number, value: number) => number,
    end: (so: number, n: number) => number,
  ): WindowFunction =>
  (readings, nowMs, spanMs) => {
    if (!isCovered(readings, nowMs, spanMs)) return Number.NaN;
    const first = readings.firstAfter(nowMs - spanMs);
    let so = start;
    for (let i = first; i < readings.size; i++) so = fold(so, readings.value(i));
    return end(so, readings.size - first);
  };

const orUnknown = (so: number, n: number): number => (n === 0 ? Number.NaN : so);
const add = (so: number, value: number): number => so + value;

/** Growth of a counter: a value below the one before is a reset, and that pair counts neither as growth nor as time. */
function growth(readings: RecentReadings, nowMs: number, spanMs: number): { grown: number; seconds: number } | null {
  if (!isCovered(readings, nowMs, spanMs)) return null;
  const first = Math.max(1, readings.firstAfter(nowMs - spanMs));
  let grown = 0;
  let seconds = 0;
  for (let i = first; i < readings.size; i++) {
    const step = readings.value(i) - readings.value(i - 1);
    if (step < 0) continue;
    grown += step;
    seconds += (readings.at(i) - readings.at(i - 1)) / 1000;
  }
  return seconds === 0 ? null : { grown, seconds };
}

export const WINDOW_FUNCTIONS: Readonly<Record<string, WindowFunction>> = {
  avg: folded(0, add, (so, n) => (n === 0 ? Number.NaN : so / n)),
  min: folded(Number.POSITIVE_INFINITY, Math.min, orUnknown),
  max: folded(Number.NEGATIVE_INFINITY, Math.max, orUnknown),
  sum: folded(0, add, (so) => so),
  count: folded(
    0,
    (so) => so,
    (_, n) => n,
  ),
  /** Growth of a counter over the span; a reset is understood. */
  increase: (readings, nowMs, spanMs) => growth(readings, nowMs, spanMs)?.grown ?? Number.NaN,
  /** Growth per second. */
  rate(readings, nowMs, spanMs) {
    const grew = growth(readings, nowMs, spanMs);
    return grew === null ? Number.NaN : grew.grown / grew.seconds;
  },
  /** Difference between now and the beginning of the window, of a level that goes up and down. */
  delta(readings, nowMs, spanMs) {
    if (!isCovered(readings, nowMs, spanMs) || readings.size < 2) return Number.NaN;
    const first = Math.max(0, readings.firstAfter(nowMs - spanMs) - 1);
    return readings.value(readings.size - 1) - readings.value(first);
  },
  /** How often the value changed. */
  changes(readings, nowMs, spanMs) {
    if (!isCovered(readings, nowMs, spanMs)) return Number.NaN;
    let changed = 0;
    for (let i = Math.max(1, readings.firstAfter(nowMs - spanMs)); i < readings.size; i++) {
      if (readings.value(i) !== readings.value(i - 1)) changed++;
    }
    return changed;
  },
  /** The last value, while it lies in the span. */
  last(readings, nowMs, spanMs) {
    const newest = readings.size - 1;
    return newest >= 0 && readings.at(newest) > nowMs - spanMs ? readings.value(newest) : Number.NaN;
  },
};
