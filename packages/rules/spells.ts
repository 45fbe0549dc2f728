/**
 * `time_where(condition, "1h")`: for how long a condition held. What is kept is when it changed, so memory grows with
 * changes and not with readings: a run of true, false or unknown lasts until the next.
 *
 * Of more than SPELLS_MAX changes the two neighbours that are narrowest for their age become one that knows how much of
 * it was true and known. So a window that begins inside such a one takes its share by time; the error is at most the
 * width of one spell, which with SPELLS_MAX is under a tenth of the window's length, and none up to SPELLS_MAX changes.
 */
import { WINDOW_COVERAGE_MIN } from "./window-functions.ts";

/** By the subject's place in memory, then by the condition. */
export type SpellsBySubject = Map<number, Map<string, Spells>>;

/** Changes that are kept singly: 6 KiB. A condition that wavers with each reading of ten seconds for 40 minutes. */
export const SPELLS_MAX = 256;
const FIRST_SPELLS = 4;

/** Of each spell: when it began, and for how long it was true and known. It ends where the next begins. */
const FIELDS = 3;

/** As fault.ts has it, which stands above this file. */
type Truth = 0 | 1 | 2;
const TRUE: Truth = 1;
const UNKNOWN: Truth = 2;

export type KeptSpells = { readonly spells: Float64Array; readonly now: Truth; readonly since: number };

export class Spells {
  #fields = new Float64Array(FIRST_SPELLS * FIELDS);
  #size = 0;
  #now: Truth = UNKNOWN;
  /** When the present run began. */
  #since = Number.NEGATIVE_INFINITY;
  #keepMs: number;

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  get bytes(): number {
    return this.#fields.byteLength;
  }

  keepAtLeast(keepMs: number): void {
    this.#keepMs = Math.max(this.#keepMs, keepMs);
  }

  /** What the condition says at `at`. Of one instant the last counts; what comes late is left out. */
  note(at: number, truth: Truth): void {
    if (at < this.#since || truth === this.#now) return;
    if (at > this.#since) this.#close(at);
    this.#now = truth;
    this.#since = at;
  }

  /** Seconds of the span in which it held; NaN while it is unknown, or was for more than half of the span. */
  seconds(nowMs: number, spanMs: number): number {
    if (this.#now === UNKNOWN) return Number.NaN;
    const end = Math.max(nowMs, this.#since);
    const start = end - spanMs;
    const present = end - Math.max(start, this.#since);
    let trueMs = this.#now === TRUE ? present : 0;
    let knownMs = present;
    for (let i = this.#size - 1; i >= 0; i--) {
      const until = this.#endOf(i);
      if (until <= start) break;
      const from = this.#field(i, 0);
      const share = from >= start ? 1 : (until - start) / (until - from);
      trueMs += this.#field(i, 1) * share;
      knownMs += this.#field(i, 2) * share;
    }
    return knownMs < spanMs * WINDOW_COVERAGE_MIN ? Number.NaN : trueMs / 1000;
  }

  kept(): KeptSpells {
    return { spells: this.#fields.slice(0, this.#size * FIELDS), now: this.#now, since: this.#since };
  }

  resume({ spells, now, since }: KeptSpells): void {
    this.#size = Math.floor(spells.length / FIELDS);
    this.#fields = new Float64Array(Math.max(spells.length, FIRST_SPELLS * FIELDS));
    this.#fields.set(spells);
    this.#now = now;
    this.#since = since;
  }

  #field(i: number, field: number): number {
    return this.#fields[i * FIELDS + field] ?? Number.NaN;
  }

  #endOf(i: number): number {
    return i + 1 < this.#size ? this.#field(i + 1, 0) : this.#since;
  }

  /** The present run becomes a spell that ended at `at`. */
  #close(at: number): void {
    if (this.#since === Number.NEGATIVE_INFINITY) return;
    this.#forget(at - this.#keepMs);
    if (this.#size === SPELLS_MAX) this.#joinNarrowest(at);
    if ((this.#size + 1) * FIELDS > this.#fields.length) {
      const grown = new Float64Array(Math.min(this.#fields.length * 2, SPELLS_MAX * FIELDS));
      grown.set(this.#fields);
      this.#fields = grown;
    }
    const width = at - this.#since;
    const base = this.#size * FIELDS;
    this.#fields[base] = this.#since;
    this.#fields[base + 1] = this.#now === TRUE ? width : 0;
    this.#fields[base + 2] = this.#now === UNKNOWN ? 0 : width;
    this.#size++;
  }

  #forget(olderThan: number): void {
    let drop = 0;
    while (drop < this.#size && this.#endOf(drop) <= olderThan) drop++;
    if (drop === 0) return;
    this.#fields.copyWithin(0, drop * FIELDS, this.#size * FIELDS);
    this.#size -= drop;
  }

  #joinNarrowest(at: number): void {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < this.#size; i++) {
      const end = this.#endOf(i + 1);
      const ratio = (end - this.#field(i, 0)) / (at - end);
      if (ratio < least) {
        least = ratio;
        best = i;
      }
    }
    const base = best * FIELDS;
    this.#fields[base + 1] = this.#field(best, 1) + this.#field(best + 1, 1);
    this.#fields[base + 2] = this.#field(best, 2) + this.#field(best + 1, 2);
    this.#fields.copyWithin(base + FIELDS, base + 2 * FIELDS, this.#size * FIELDS);
    this.#size--;
  }
}

/** What is kept of a condition of a subject; made when it is asked for first. */
export function spellsOf(all: SpellsBySubject, base: number, { key, spanMs }: { key: string; spanMs: number }): Spells {
  let ofSubject = all.get(base);
  if (ofSubject === undefined) {
    ofSubject = new Map();
    all.set(base, ofSubject);
  }
  let spells = ofSubject.get(key);
  if (spells === undefined) {
    spells = new Spells(spanMs);
    ofSubject.set(key, spells);
  } else spells.keepAtLeast(spanMs);
  return spells;
}

/** What no rule of the subject asks for any more goes. */
export function dropSpells(all: SpellsBySubject, base: number, wanted: ReadonlySet<string>): void {
  const ofSubject = all.get(base);
  for (const key of ofSubject?.keys() ?? []) if (!wanted.has(key)) ofSubject?.delete(key);
  if (ofSubject?.size === 0) all.delete(base);
}
