/**
 * The older past of one series, for windows that reach further back than its single readings are kept: spans of time
 * that become longer with age, each with what the window functions need of the readings in it.
 *
 * Spans are dyadic: 1 s, 2 s, 4 s, … wide and aligned to the epoch. Two neighbours become one when the span of both is
 * no wider than DIGEST_ERROR of its age, counted from its end to `frontier`, the oldest reading that is still single. So
 * - a window that begins inside a span takes all of it, and thereby reaches back further than it says by at most
 *   DIGEST_ERROR of its own length (or a second);
 * - what is kept depends on the readings and the frontier alone, not on when they were folded in;
 * - there are at most 2 / DIGEST_ERROR spans per doubling of age: about 190 for a week of readings every ten seconds.
 */

/** How much further back a window may reach than it says, as a share of its length. */
export const DIGEST_ERROR = 1 / 16;
/** Spans kept of one series; a week at one reading a second needs some 270. Beyond, the oldest go and coverage says so. */
export const DIGEST_SPANS_MAX = 384;

const NARROWEST_MS = 1_000;
/** 1 s · 2^15 is nine hours, more than DIGEST_ERROR of the longest window. */
const WIDTHS = 16;
/** Room for so many more is made at a time. */
export const DIGEST_GROWTH = 16;

/** What a span takes. */
export const DIGEST_SPAN_BYTES = 112;

/** Fields of a span, all numbers. Steps are counted in the span that they lead into, the first of its own included. */
const FIELDS = DIGEST_SPAN_BYTES / 8;
const START = 0;
const END = 1;
const COUNT = 2;
const SUM = 3;
/** Sum of the readings' times after START. */
const SUM_TIME = 4;
const MIN = 5;
const MAX = 6;
const FIRST = 7;
const LAST = 8;
const GROWN = 9;
const GROWN_MS = 10;
const COVERED_MS = 11;
const CHANGES = 12;
const RESETS = 13;

/** One span. Times in ms. */
export type DigestSpan = {
  start: number;
  end: number;
  count: number;
  sum: number;
  /** Mean time of its readings. */
  meanAt: number;
  min: number;
  max: number;
  first: number;
  last: number;
  /** Growth of a counter, and the time in which it grew: a step down is a reset and counts as neither. */
  grown: number;
  grownMs: number;
  /** Time in which the value was known. */
  coveredMs: number;
  changes: number;
  resets: number;
};

export const emptySpan = (): DigestSpan => ({
  ...{ start: 0, end: 0, count: 0, sum: 0, meanAt: 0, min: 0, max: 0, first: 0, last: 0 },
  ...{ grown: 0, grownMs: 0, coveredMs: 0, changes: 0, resets: 0 },
});

export class Digest {
  #fields = new Float64Array(DIGEST_GROWTH * FIELDS);
  #size = 0;
  /** The frontier of the last time. */
  #compactedTo = Number.NEGATIVE_INFINITY;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#fields.byteLength;
  }

  /** Time of the oldest reading that it still knows of; Infinity for none. */
  get start(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#field(0, START);
  }

  /** Time of the last reading that was folded in; -Infinity for none. */
  get end(): number {
    return this.#size === 0 ? Number.NEGATIVE_INFINITY : this.#field(this.#size - 1, END);
  }

  /** Its value; NaN for none. */
  get last(): number {
    return this.#size === 0 ? Number.NaN : this.#field(this.#size - 1, LAST);
  }

  /** Readings come in order of time, each later than all before it; a value holds until the next, `holdMs` at most. */
  fold(at: number, value: number, holdMs: number): void {
    const before = this.last;
    const gap = at - this.end;
    const isFirst = this.#size === 0;
    const step = isFirst ? 0 : value - before;
    const isGrowth = !isFirst && step >= 0;
    const i = this.#append();
    const fields = this.#fields;
    const base = i * FIELDS;
    fields[base + START] = at;
    fields[base + END] = at;
    fields[base + COUNT] = 1;
    fields[base + SUM] = value;
    fields[base + SUM_TIME] = 0;
    fields[base + MIN] = value;
    fields[base + MAX] = value;
    fields[base + FIRST] = value;
    fields[base + LAST] = value;
    fields[base + GROWN] = isGrowth ? step : 0;
    fields[base + GROWN_MS] = isGrowth ? gap : 0;
    fields[base + COVERED_MS] = isFirst ? 0 : Math.min(gap, holdMs);
    fields[base + CHANGES] = !isFirst && step !== 0 ? 1 : 0;
    fields[base + RESETS] = step < 0 ? 1 : 0;
  }

  /** Joins what may be joined, now that single readings begin at `frontier` only. */
  compact(frontier: number): void {
    let width = NARROWEST_MS;
    for (let i = 0; i < WIDTHS; i++, width *= 2) {
      const age = width / DIGEST_ERROR;
      this.#joinWithin(width, this.#compactedTo - age, frontier - age);
    }
    this.#compactedTo = frontier;
    // Only readings closer than a second apart for a week get here.
    if (this.#size > DIGEST_SPANS_MAX) this.#dropOldest(this.#size - DIGEST_SPANS_MAX);
  }

  /** Drops what ended at `olderThan` or before, but for one span: the value that the longest window began with. */
  forget(olderThan: number): void {
    let drop = 0;
    while (drop + 1 < this.#size && this.#field(drop + 1, END) <= olderThan) drop++;
    if (drop > 0) this.#dropOldest(drop);
  }

  /** The first span with a reading after `at`; `size` when there is none. */
  firstAfter(at: number): number {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#field(middle, END) > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Into `into`, so that nothing is allocated while judging. */
  read(i: number, into: DigestSpan): DigestSpan {
    into.start = this.#field(i, START);
    into.end = this.#field(i, END);
    into.count = this.#field(i, COUNT);
    into.sum = this.#field(i, SUM);
    into.meanAt = into.start + this.#field(i, SUM_TIME) / into.count;
    into.min = this.#field(i, MIN);
    into.max = this.#field(i, MAX);
    into.first = this.#field(i, FIRST);
    into.last = this.#field(i, LAST);
    into.grown = this.#field(i, GROWN);
    into.grownMs = this.#field(i, GROWN_MS);
    into.coveredMs = this.#field(i, COVERED_MS);
    into.changes = this.#field(i, CHANGES);
    into.resets = this.#field(i, RESETS);
    return into;
  }

  kept(): Float64Array {
    return this.#fields.slice(0, this.#size * FIELDS);
  }

  resume(kept: Float64Array): void {
    this.#size = Math.floor(kept.length / FIELDS);
    this.#fields = new Float64Array(Math.max(kept.length, DIGEST_GROWTH * FIELDS));
    this.#fields.set(kept);
  }

  #field(i: number, name: number): number {
    return this.#fields[i * FIELDS + name] ?? Number.NaN;
  }

  #append(): number {
    if ((this.#size + 1) * FIELDS > this.#fields.length) {
      const grown = new Float64Array(this.#fields.length + DIGEST_GROWTH * FIELDS);
      grown.set(this.#fields);
      this.#fields = grown;
    }
    return this.#size++;
  }

  #dropOldest(count: number): void {
    this.#fields.copyWithin(0, count * FIELDS, this.#size * FIELDS);
    this.#size -= count;
  }

  /**
   * Neighbours in one aligned cell of this width become one, where the cell ends after `done` (what ended before has
   * been looked at) and at `limit` or before.
   */
  #joinWithin(width: number, done: number, limit: number): void {
    const first = Math.max(1, this.firstAfter(done - width));
    let kept = first;
    let i = first;
    for (; i < this.#size; i++) {
      const cell = Math.floor(this.#field(i, START) / width);
      if ((cell + 1) * width > limit) break;
      if (Math.floor(this.#field(kept - 1, START) / width) === cell) this.#join(kept - 1, i);
      else this.#move(i, i + 1, kept++);
    }
    this.#move(i, this.#size, kept);
    this.#size -= i - kept;
  }

  /** Spans `from` to `until` (excluded) to where `to` is. */
  #move(from: number, until: number, to: number): void {
    if (from !== to) this.#fields.copyWithin(to * FIELDS, from * FIELDS, until * FIELDS);
  }

  /** The later span goes into the earlier. */
  #join(into: number, from: number): void {
    const fields = this.#fields;
    const [a, b] = [into * FIELDS, from * FIELDS];
    const read = (at: number): number => fields[at] ?? Number.NaN;
    const shift = read(b + START) - read(a + START);
    fields[a + SUM_TIME] = read(a + SUM_TIME) + read(b + SUM_TIME) + read(b + COUNT) * shift;
    for (const name of [COUNT, SUM, GROWN, GROWN_MS, COVERED_MS, CHANGES, RESETS]) {
      fields[a + name] = read(a + name) + read(b + name);
    }
    fields[a + MIN] = Math.min(read(a + MIN), read(b + MIN));
    fields[a + MAX] = Math.max(read(a + MAX), read(b + MAX));
    fields[a + END] = read(b + END);
    fields[a + LAST] = read(b + LAST);
  }
}
