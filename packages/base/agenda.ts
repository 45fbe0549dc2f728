/**
 * Who is due first, as a binary heap in which everyone knows their place: whoever is due at another time moves, so no entry
 * is ever out of date, and there are never more of them than there are owners of timers.
 */

/** `id` tells apart those that are due at one moment; `place` belongs to the agenda that it is in. */
export type Due = { readonly id: string; readonly dueAt: number; place: number };

/** Not in the agenda yet. */
export const NO_PLACE = -1;
/** Taken out for good. */
const GONE = -2;

/** In order of time; of one moment in an order of their own, whichever came first. */
export const isBefore = (a: Due, b: Due): boolean => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.id < b.id);

export class Agenda<T extends Due> {
  readonly #items: T[] = [];

  /** Who is due first, though it may be never. */
  get first(): T | null {
    return this.#items[0] ?? null;
  }

  /** To be called whenever `dueAt` was set; who was taken out stays out. */
  arrange(item: T): void {
    if (item.place === GONE) return;
    if (item.place === NO_PLACE) item.place = this.#items.push(item) - 1;
    this.#settle(item, item.place);
  }

  /** For good. */
  remove(item: T): void {
    const { place } = item;
    item.place = GONE;
    if (place < 0) return;
    const last = this.#items.pop();
    if (last !== undefined && last !== item) this.#settle(last, place);
  }

  /** Puts an item where it belongs, from a place whose item has left it. */
  #settle(item: T, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#items[above];
      if (parent === undefined || !isBefore(item, parent)) break;
      this.#put(parent, place);
      place = above;
    }
    for (let below = this.#firstBelow(place); below !== null && isBefore(below, item); ) {
      const next = below.place;
      this.#put(below, place);
      place = next;
      below = this.#firstBelow(place);
    }
    this.#put(item, place);
  }

  #firstBelow(place: number): T | null {
    const left = this.#items[2 * place + 1];
    const right = this.#items[2 * place + 2];
    if (left === undefined) return null;
    return right !== undefined && isBefore(right, left) ? right : left;
  }

  #put(item: T, place: number): void {
    this.#items[place] = item;
    item.place = place;
  }
}
