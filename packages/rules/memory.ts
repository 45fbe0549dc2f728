/**
 * Last values of every subject, in typed arrays: a subject owns a block of slots, one per metric of its layout. What
 * is judged every second must not be an object per value.
 */

const FIRST_SLOTS = 1_024;

export class SlotMemory {
  /** The present value; booleans as 0 and 1, NaN for never seen or too old to count. */
  values = new Float64Array(FIRST_SLOTS).fill(Number.NaN);
  /** The last value that was read, however old. */
  last = new Float64Array(FIRST_SLOTS).fill(Number.NaN);
  /** When it was read, in event time; 0 for never. */
  times = new Float64Array(FIRST_SLOTS);
  #used = 0;
  readonly #free = new Map<number, number[]>();

  /** Returns where the block begins. The arrays may be others afterwards. */
  allocate(slots: number): number {
    const reused = this.#free.get(slots)?.pop();
    if (reused !== undefined) return reused;
    const base = this.#used;
    this.#used += slots;
    if (this.#used > this.values.length) this.#grow();
    return base;
  }

  release(base: number, slots: number): void {
    this.values.fill(Number.NaN, base, base + slots);
    this.last.fill(Number.NaN, base, base + slots);
    this.times.fill(0, base, base + slots);
    const free = this.#free.get(slots);
    if (free === undefined) this.#free.set(slots, [base]);
    else free.push(base);
  }

  #grow(): void {
    const size = Math.max(this.values.length * 2, this.#used);
    const grown = (old: Float64Array, empty: number): Float64Array<ArrayBuffer> => {
      const fresh = new Float64Array(size).fill(empty, old.length);
      fresh.set(old);
      return fresh;
    };
    this.values = grown(this.values, Number.NaN);
    this.last = grown(this.last, Number.NaN);
    this.times = grown(this.times, 0);
  }
}
