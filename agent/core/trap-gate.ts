/**
 * What of a stream of traps is worth the trouble: so many a second from one sender and from all of them together, each
 * trap once, and none that was recorded and played again. Pure; times are milliseconds of a monotonic clock.
 */
export const TRAP_LIMITS = {
  /** A switch of 48 ports that loses power behind it sends two traps a port. */
  burstOfSource: 100,
  perSecondOfSource: 10,
  /** What one agent decodes of all devices together, and of all strangers: a few per cent of a small processor. */
  burstOfAll: 2_000,
  perSecondOfAll: 200,
  /** Senders remembered; a new one takes the place of the one that was heard longest ago. */
  sourcesMax: 4_096,
  /** A sender that repeats a trap does it within seconds. */
  repeatMs: 60_000,
  repeatsMax: 4_096,
  /** Keys of a new SNMPv3 engine cost a mebibyte of hashing and are kept by the library for ever. */
  enginesBurst: 8,
  enginesPerHour: 6,
  enginesMax: 4_096,
} as const;

/** Tokens that fill up with time: `burst` at most, `perSecond` of them a second. */
export type BucketSize = { readonly burst: number; readonly perSecond: number };
type Bucket = { readonly tokens: number; readonly atMs: number };

/** A bucket a name, for a bounded number of names. */
export class Buckets {
  readonly #size: BucketSize;
  readonly #namesMax: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(size: BucketSize, namesMax: number) {
    this.#size = size;
    this.#namesMax = namesMax;
  }

  get names(): number {
    return this.#buckets.size;
  }

  /** Takes a token of this name's; false when there is none. */
  take(name: string, nowMs: number): boolean {
    const { burst, perSecond } = this.#size;
    const { tokens, atMs } = this.#buckets.get(name) ?? { tokens: burst, atMs: nowMs };
    const filled = Math.min(burst, tokens + (Math.max(0, nowMs - atMs) / 1_000) * perSecond);
    const taken = filled >= 1;
    // Set anew, so that the map's order is that of the last use.
    this.#buckets.delete(name);
    this.#buckets.set(name, { tokens: taken ? filled - 1 : filled, atMs: Math.max(atMs, nowMs) });
    forgetOldest(this.#buckets, this.#namesMax);
    return taken;
  }
}

/** Texts that were seen a moment ago, a bounded number of them. */
export class Recent {
  readonly #forMs: number;
  readonly #max: number;
  readonly #seenMs = new Map<string, number>();

  constructor(forMs: number, max: number) {
    this.#forMs = forMs;
    this.#max = max;
  }

  /** Was it here in the last `forMs`? Now it is. */
  again(text: string, nowMs: number): boolean {
    const atMs = this.#seenMs.get(text);
    if (atMs !== undefined && nowMs - atMs < this.#forMs) return true;
    this.#seenMs.delete(text);
    this.#seenMs.set(text, nowMs);
    forgetOldest(this.#seenMs, this.#max);
    return false;
  }
}

export type EngineTime = { readonly boots: number; readonly seconds: number };
type Heard = EngineTime & { readonly atMs: number };

/** RFC 3414 §2.2.3: how far two notions of one engine's time may be apart. */
export const TIME_WINDOW_SECONDS = 150;
const BOOTS_MAX = 2 ** 31 - 1;

/**
 * Keeps the time of engines that send traps (RFC 3414 §3.2 step 7b): an authentic message that is older than what was
 * heard of its engine was recorded and is played again. The first message of an engine sets its time.
 */
export class EngineTimes {
  readonly #heard = new Map<string, Heard>();
  readonly #max: number;

  constructor(max: number = TRAP_LIMITS.enginesMax) {
    this.#max = max;
  }

  isTimely(engineId: string, { boots, seconds }: EngineTime, nowMs: number): boolean {
    if (boots >= BOOTS_MAX) return false;
    const heard = this.#heard.get(engineId);
    if (heard !== undefined) {
      if (boots < heard.boots) return false;
      const expected = heard.seconds + (nowMs - heard.atMs) / 1_000;
      if (boots === heard.boots && seconds < expected - TIME_WINDOW_SECONDS) return false;
      if (boots === heard.boots && seconds <= heard.seconds) return true;
    }
    this.#heard.delete(engineId);
    this.#heard.set(engineId, { boots, seconds, atMs: nowMs });
    forgetOldest(this.#heard, this.#max);
    return true;
  }
}

function forgetOldest(map: Map<string, unknown>, max: number): void {
  for (const name of map.keys()) {
    if (map.size <= max) return;
    map.delete(name);
  }
}
