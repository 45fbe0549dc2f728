/** Spans of numbers, and the newest of them by lane: looked up and bounded at a cost that does not grow with how many there are. */
export type Span = { readonly fromSeq: number; readonly toSeq: number };

export const lengthOf = ({ fromSeq, toSeq }: Span): number => toSeq - fromSeq + 1;

/** Is every number of the span in one of these? */
export const covers = (these: readonly Span[], span: Span): boolean => uncovered(these, span) === 0;

/** How many numbers of the span are in none of these. */
export function uncovered(these: readonly Span[], { fromSeq, toSeq }: Span): number {
  let [next, count] = [fromSeq, 0];
  for (const one of these.toSorted((a, b) => a.fromSeq - b.fromSeq)) {
    count += Math.max(0, Math.min(one.fromSeq, toSeq + 1) - next);
    next = Math.max(next, one.toSeq + 1);
  }
  return count + Math.max(0, toSeq + 1 - next);
}

/** The newest so many of what is pushed. Cut back only at twice as many, so that a push costs no copy of all. */
export class Newest<T> {
  readonly #countMax: number;
  #items: T[] = [];

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** True when what was pushed long ago is gone by now. */
  push(item: T): boolean {
    this.#items.push(item);
    if (this.#items.length < 2 * this.#countMax) return false;
    this.#items = this.#items.slice(-this.#countMax);
    return true;
  }

  replace(items: readonly T[]): void {
    this.#items = items.slice(-this.#countMax);
  }

  get size(): number {
    return Math.min(this.#items.length, this.#countMax);
  }

  /** The oldest first. */
  get all(): readonly T[] {
    return this.#items.length <= this.#countMax ? this.#items : this.#items.slice(-this.#countMax);
  }
}

/** Spans of one lane each, the newest so many of all lanes together. */
export class SpansByLane<T extends Span> {
  readonly #keyOf: (span: T) => string;
  readonly #newest: Newest<T>;
  /** By where they begin; `longest`: none of the lane is longer, so that a look-up knows how far back it has to begin. */
  readonly #lanes = new Map<string, { readonly spans: T[]; longest: number }>();

  constructor(countMax: number, keyOf: (span: T) => string) {
    this.#keyOf = keyOf;
    this.#newest = new Newest(countMax);
  }

  get all(): readonly T[] {
    return this.#newest.all;
  }

  push(span: T): void {
    if (this.#newest.push(span)) this.replace(this.#newest.all);
    else this.#index(span);
  }

  replace(spans: readonly T[]): void {
    this.#newest.replace(spans);
    this.#lanes.clear();
    for (const span of this.#newest.all) this.#index(span);
  }

  /** Those of a lane that have a number in common with the span. */
  touching(key: string, { fromSeq, toSeq }: Span): T[] {
    const lane = this.#lanes.get(key);
    if (lane === undefined) return [];
    const found: T[] = [];
    for (let n = firstFrom(lane.spans, fromSeq - lane.longest + 1); n < lane.spans.length; n++) {
      const span = lane.spans[n];
      if (span === undefined || span.fromSeq > toSeq) break;
      if (span.toSeq >= fromSeq) found.push(span);
    }
    return found;
  }

  /** Numbers are told in their order, so that this is nearly always at the end. */
  #index(span: T): void {
    const key = this.#keyOf(span);
    const lane = this.#lanes.get(key) ?? { spans: [], longest: 0 };
    this.#lanes.set(key, lane);
    lane.spans.splice(firstFrom(lane.spans, span.fromSeq + 1), 0, span);
    lane.longest = Math.max(lane.longest, lengthOf(span));
  }
}

/** Where the first span stands that begins at this number or later. */
function firstFrom(spans: readonly Span[], fromSeq: number): number {
  let [low, high] = [0, spans.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[middle]?.fromSeq ?? fromSeq) < fromSeq) low = middle + 1;
    else high = middle;
  }
  return low;
}
