/**
 * The recent past of one series, in event time, for the window functions of the rule language (window-functions.ts).
 *
 * At least the newest 384 readings are kept as they were read; older ones that a window still reaches go into a digest
 * (digest.ts). A window of up to 384 readings (an hour of one every ten seconds) is therefore exact; a longer one may
 * reach back further than it says by a sixteenth of its length. Hard bound of memory: WINDOW_BYTES_MAX a series, whatever
 * is sent; of a reading every ten seconds a streak takes 128 bytes, ten minutes 1 KiB, an hour 8 KiB, a day 29 KiB, a
 * week 35 KiB.
 *
 * A reading that comes late goes to its place while it is not older than the newest by more than WINDOW_LATE_MAX_MS, so
 * the order in which readings arrive makes no difference; one that is repeated makes none either. Of two readings of
 * one instant the larger counts, in any order.
 */
import { DIGEST_GROWTH, DIGEST_SPAN_BYTES, DIGEST_SPANS_MAX, Digest } from "./digest.ts";

/** Longest literal duration that a condition may name; more belongs to the time-series store. */
export const WINDOW_SPAN_MAX_MS = 7 * 24 * 3_600_000;
/** How late a reading may come and still count: a batch waits for seconds, a slow device for its timeout. */
export const WINDOW_LATE_MAX_MS = 60_000;
/** Single readings of a series; when there are so many, WINDOW_FOLDED of them go into the digest. */
export const WINDOW_READINGS_MAX = 512;
export const WINDOW_FOLDED = 128;
/** So that the digest needs no room for more. */
const FOLDED_AT_ONCE = 16;
const READING_BYTES = 16;
/** What one series may take, whatever comes: a full ring, and a full digest while readings are folded into it. */
export const WINDOW_BYTES_MAX =
  WINDOW_READINGS_MAX * READING_BYTES + (DIGEST_SPANS_MAX + FOLDED_AT_ONCE + DIGEST_GROWTH) * DIGEST_SPAN_BYTES;

/** Most windows of a streak need no more; V8 keeps so few bytes within its heap. */
const FIRST_CAPACITY = 4;

/** A copy of what is remembered, oldest first; `digest` is for `resumeAll` alone. */
export type KeptReadings = {
  readonly at: Float64Array;
  readonly values: Float64Array;
  readonly streak: number;
  readonly digest: Float64Array;
};

const NO_DIGEST = new Float64Array(0);

/** Readings of one series: a ring that grows up to WINDOW_READINGS_MAX, and a digest of what is older. */
export class RecentReadings {
  /** Time and value in turn. */
  #ring = new Float64Array(FIRST_CAPACITY * 2);
  #first = 0;
  #size = 0;
  #keepMs: number;
  #streak = 0;
  /** How many readings in a row, just before the oldest in the ring, had this value. */
  #runBefore = 0;
  #valueBefore = Number.NaN;
  #digest: Digest | null = null;
  /** From then on every reading is here; -Infinity unless older ones are on their way from the store. */
  #wholeFrom = Number.NEGATIVE_INFINITY;
  /** How long a value holds when no other comes: longer is a gap. */
  holdMs: number;

  constructor(keepMs: number, holdMs: number) {
    this.#keepMs = keepsFor(keepMs);
    this.holdMs = holdMs;
  }

  /** Single readings that are kept. */
  get size(): number {
    return this.#size;
  }

  /** What is older than the oldest single reading. */
  get digest(): Digest | null {
    return this.#digest;
  }

  get bytes(): number {
    return this.#ring.byteLength + (this.#digest?.bytes ?? 0);
  }

  /** How many readings in a row, the last included, have brought the same value; not bounded by any window. */
  get streak(): number {
    return this.#streak;
  }

  /** How far back it remembers. */
  get keepMs(): number {
    return this.#keepMs;
  }

  /** Windows that begin earlier have no answer yet. */
  get wholeFrom(): number {
    return this.#wholeFrom;
  }

  /** What was read before is fetched from the store (refill.ts): until then nobody takes what is here for all there was. */
  awaitPast(): void {
    if (this.#wholeFrom !== Number.NEGATIVE_INFINITY) return;
    this.#wholeFrom = this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#digest?.start ?? this.at(0));
  }

  /** It came, or nobody has it. */
  endAwaiting(): void {
    this.#wholeFrom = Number.NEGATIVE_INFINITY;
  }

  /** A streak that is known to be at least so long, whatever is remembered of it. */
  streakAtLeast(streak: number): void {
    if (this.#size > 0 && streak > this.#streak) this.#resumeStreak(streak);
  }

  /** A rule set that looks further back; what is gone stays gone, or is fetched (awaitPast). */
  keepAtLeast(keepMs: number): void {
    this.#keepMs = Math.max(this.#keepMs, keepsFor(keepMs));
  }

  /** Returns whether anything is different now: a repeated reading, or one that comes too late, changes nothing. */
  push(at: number, value: number): boolean {
    if (this.#size > 0 && at <= this.at(this.#size - 1)) return this.#pushLate(at, value);
    if (this.#size === 0 && this.#wholeFrom === Number.POSITIVE_INFINITY) this.#wholeFrom = at;
    this.#streak = this.#size > 0 && this.value(this.#size - 1) === value ? this.#streak + 1 : 1;
    this.#append(at, value);
    this.#forget();
    return true;
  }

  /** After a restart: the last reading and the streak that it ended, as they were kept. */
  resume(kept: { at: number; value: number; streak: number }): void {
    if (this.#size === 0) this.push(kept.at, kept.value);
    const newest = this.#size - 1;
    if (this.at(newest) === kept.at && this.value(newest) === kept.value) this.#resumeStreak(kept.streak);
  }

  kept(): KeptReadings {
    const at = Float64Array.from({ length: this.#size }, (_, i) => this.at(i));
    const values = Float64Array.from({ length: this.#size }, (_, i) => this.value(i));
    return { at, values, streak: this.#streak, digest: this.#digest?.kept() ?? NO_DIGEST };
  }

  resumeAll({ at, values, streak, digest }: KeptReadings): void {
    if (digest.length > 0) {
      this.#digest = new Digest();
      this.#digest.resume(digest);
    }
    for (let i = 0; i < at.length; i++) this.push(at[i] ?? 0, values[i] ?? Number.NaN);
    this.#resumeStreak(streak);
  }

  /** Time of the i-th oldest single reading. */
  at(i: number): number {
    return this.#ring[this.#index(i)] ?? Number.NaN;
  }

  value(i: number): number {
    return this.#ring[this.#index(i) + 1] ?? Number.NaN;
  }

  /** Index of the first single reading after `at`; `size` when there is none. */
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

  /** Where the i-th reading's time stands; its value follows. */
  #index(i: number): number {
    return (this.#first + i * 2) & (this.#ring.length - 1);
  }

  #set(i: number, at: number, value: number): void {
    const index = this.#index(i);
    this.#ring[index] = at;
    this.#ring[index + 1] = value;
  }

  #append(at: number, value: number): void {
    if (this.#size === WINDOW_READINGS_MAX) this.#foldOldest();
    if (this.#size * 2 === this.#ring.length) this.#grow();
    this.#size++;
    this.#set(this.#size - 1, at, value);
  }

  #pushLate(at: number, value: number): boolean {
    const newestAt = this.at(this.#size - 1);
    const before = this.firstAfter(at) - 1;
    if (before >= 0 && this.at(before) === at) {
      if (!(value > this.value(before))) return false;
      this.#set(before, at, value);
    } else {
      if (at < newestAt - WINDOW_LATE_MAX_MS || at <= this.#digestEnd) return false;
      // Below the one value that was kept from before the longest window there is nothing to say.
      if (before < 0 && this.at(0) <= newestAt - this.#keepMs) return false;
      if (this.#size === WINDOW_READINGS_MAX) this.#foldOldest();
      // So many readings within WINDOW_LATE_MAX_MS that this one's place is no single one's any more.
      if (at <= this.#digestEnd) return false;
      this.#insert(this.firstAfter(at), at, value);
    }
    this.#streak = this.#countStreak();
    this.#forget();
    return true;
  }

  get #digestEnd(): number {
    return this.#digest?.end ?? Number.NEGATIVE_INFINITY;
  }

  #insert(place: number, at: number, value: number): void {
    this.#append(at, value);
    for (let i = this.#size - 1; i > place; i--) this.#set(i, this.at(i - 1), this.value(i - 1));
    this.#set(place, at, value);
  }

  #countStreak(): number {
    const newest = this.#size - 1;
    const value = this.value(newest);
    let streak = 1;
    while (streak <= newest && this.value(newest - streak) === value) streak++;
    return streak > newest && this.#valueBefore === value ? streak + this.#runBefore : streak;
  }

  #resumeStreak(streak: number): void {
    const newest = this.#size - 1;
    this.#valueBefore = Number.NaN;
    const known = newest < 0 ? 0 : this.#countStreak();
    if (known > newest && newest >= 0) {
      this.#valueBefore = this.value(newest);
      this.#runBefore = Math.max(0, streak - known);
    }
    this.#streak = streak;
  }

  /** Drops what no window reaches, but for one reading: the value that the longest window began with. */
  #forget(): void {
    const olderThan = this.at(this.#size - 1) - this.#keepMs;
    this.#digest?.forget(olderThan);
    while (this.#size > 1 && this.at(1) <= olderThan) {
      this.#dropOldest();
      this.#digest = null;
    }
  }

  #foldOldest(): void {
    this.#digest ??= new Digest();
    for (let i = 1; i <= WINDOW_FOLDED; i++) {
      this.#digest.fold(this.at(0), this.value(0), this.holdMs);
      this.#dropOldest();
      if (i % FOLDED_AT_ONCE === 0) this.#digest.compact(this.at(0));
    }
  }

  #dropOldest(): void {
    const value = this.value(0);
    this.#runBefore = value === this.#valueBefore ? this.#runBefore + 1 : 1;
    this.#valueBefore = value;
    this.#first = (this.#first + 2) & (this.#ring.length - 1);
    this.#size--;
  }

  #grow(): void {
    const ring = new Float64Array(this.#ring.length * 2);
    for (let i = 0; i < this.#size; i++) {
      ring[i * 2] = this.at(i);
      ring[i * 2 + 1] = this.value(i);
    }
    this.#ring = ring;
    this.#first = 0;
  }
}

/** As long as the longest window, and as long as a late reading may belong between two others. */
const keepsFor = (spanMs: number): number => Math.max(Math.min(spanMs, WINDOW_SPAN_MAX_MS), WINDOW_LATE_MAX_MS);
