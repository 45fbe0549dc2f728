/**
 * The parts that a device has, as its polls bring them. Devices change: a cartridge of another colour is put in, a disk
 * is pulled, an access point is renamed. A part that polls have not brought for long is one no more, or its last value
 * would stand beside the present ones for ever, and faults on it with it.
 *
 * Only polls that were answered count: a device that is away still has its parts.
 */
/** A part is gone after this time … */
const GONE_MS = 3_600_000;
/** … and this many answered polls without it: slow tables are not read at every poll. */
const GONE_POLLS = 10;

type Part = { seenMs: number; seenPoll: number };

export class Components {
  readonly #max: number;
  readonly #parts = new Map<string, Part>();
  #polls = 0;

  /** `max` parts are kept; what a device invents beyond that is not a part of it. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Takes the parts that one answered poll brought; `nowMs` of a monotonic clock. */
  take(names: Iterable<string>, nowMs: number): void {
    this.#polls++;
    for (const name of names) {
      const part = this.#parts.get(name);
      if (part !== undefined) {
        part.seenMs = nowMs;
        part.seenPoll = this.#polls;
      } else if (this.#parts.size < this.#max) {
        this.#parts.set(name, { seenMs: nowMs, seenPoll: this.#polls });
      }
    }
    for (const [name, { seenMs, seenPoll }] of this.#parts) {
      if (nowMs - seenMs >= GONE_MS && this.#polls - seenPoll >= GONE_POLLS) this.#parts.delete(name);
    }
  }

  get names(): string[] {
    return [...this.#parts.keys()].sort();
  }
}
