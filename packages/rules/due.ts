/** What is due first: a binary heap whose entries may be out of date; the taker checks them against the owner. */
export class DueHeap<T> {
  readonly #at: number[] = [];
  readonly #item: T[] = [];

  get size(): number {
    return this.#at.length;
  }

  /** Infinity when nothing waits. */
  get nextAt(): number {
    return this.#at[0] ?? Number.POSITIVE_INFINITY;
  }

  push(at: number, item: T): void {
    let index = this.#at.length;
    this.#at.push(at);
    this.#item.push(item);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#time(parent) <= at) break;
      this.#swap(parent, index);
      index = parent;
    }
  }

  /** Removes and returns the item that is due first. */
  pop(): T | undefined {
    const first = this.#item[0];
    const at = this.#at.pop();
    const item = this.#item.pop();
    if (at === undefined || item === undefined || this.#at.length === 0) return first;
    this.#at[0] = at;
    this.#item[0] = item;
    this.#sink();
    return first;
  }

  #sink(): void {
    let index = 0;
    for (;;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) if (this.#time(child) < this.#time(least)) least = child;
      if (least === index) return;
      this.#swap(least, index);
      index = least;
    }
  }

  #time(index: number): number {
    return this.#at[index] ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const [at, item] = [this.#at[a], this.#item[a]];
    const [otherAt, otherItem] = [this.#at[b], this.#item[b]];
    if (at === undefined || otherAt === undefined || item === undefined || otherItem === undefined) return;
    this.#at[a] = otherAt;
    this.#at[b] = at;
    this.#item[a] = otherItem;
    this.#item[b] = item;
  }
}
