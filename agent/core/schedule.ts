/**
 * When to poll which device. Pure: time and chance are arguments, and the poller only waits and starts what this says.
 *
 * - Due times lie on a grid, so that polls come in small bursts: waking up costs more than polling (DESIGN.md §8).
 *   Each device gets a random phase on that grid, so that a thousand stores with one configuration don't beat as one.
 * - One poll at a time a line: two devices with one `lineKey` wait for each other.
 * - Polls never pile up. A turn that comes while the one before is still waiting or running is skipped and counted.
 * - A device that does not answer is asked less and less often, and at its own pace again as soon as it answers.
 * - A device whose line somebody else has (`busy`) is left alone at once, and for twice as long each time: the port
 *   belongs to the POS application. It is asked at its own pace again as soon as its line is free.
 * - Devices that did not answer last time may have a part of the polls in flight and no more: they take the longest.
 * - A device that spoke up (a trap) is polled at once, first of all that are due, and keeps its place on the grid.
 *
 * Times are milliseconds of a monotonic clock.
 */
export type Slot = { readonly id: string; readonly lineKey: string; readonly intervalMs: number };

export type Turn = {
  readonly id: string;
  /** Turns that were skipped since the last poll of this device. */
  readonly skipped: number;
};

/** How a poll ended, as far as the pace goes. */
export type PollEnd = "answered" | "failed" | "busy";

export type Due = {
  readonly turns: readonly Turn[];
  /** When to ask again; null when only a poll's end can bring the next turn. */
  readonly wakeMs: number | null;
};

/** Grid of due times, for intervals of 10 s and more; shorter intervals get a tenth of themselves. */
const GRID_MS_MAX = 1_000;
/** The finest grid: under this, timers of the platform are late by as much. */
const GRID_MS_MIN = 50;
/** First polls come within this time of the start, so that a restarted agent soon says how things are. */
const FIRST_POLL_MS_MAX = 2_000;
/** And sooner when there are few, who then get in nobody's way: a cash desk's agent speaks at once. */
const FIRST_POLL_MS_EACH = 200;
/** A silent device is asked at least this often, unless its own interval is longer … */
const BACKOFF_MS_MAX = 60_000;
/**
 * … and at most this many times less often than it should be. The collector takes values for old after three
 * intervals: a dead device that is asked less often than that would be down and unknown in turns.
 */
const BACKOFF_TIMES_MAX = 2;
/** A busy line is tried at least this often: after a shift's end it is soon watched again. */
const BUSY_MS_MAX = 5 * 60_000;
/** Sockets and memory of an agent on a small machine; the rest of a burst waits for one to end. */
const IN_FLIGHT_MAX = 64;

/** The part of it that devices may have which did not answer last time. */
const SILENT_SHARE = 1 / 4;
/** A device that keeps speaking up is asked no more often than this: a flood of traps is no flood of polls. */
const SOON_MS_MIN = 2_000;

type Entry = Slot & {
  readonly phaseMs: number;
  /** The turn that comes next, or that waits. */
  dueMs: number;
  /** The turn that runs, or ran last. */
  turnMs: number;
  /** When its last poll began; null before the first one, when a device is not on its grid yet. */
  startedMs: number | null;
  running: boolean;
  /** When a poll out of turn is wanted; null when none is. */
  soonMs: number | null;
  /** Of a poll out of turn: when the next one is due if it is answered. Null of one in turn. */
  backMs: number | null;
  failures: number;
  /** Times in a row that its line was somebody else's. */
  busy: number;
  /** It had not answered when the poll that runs began. */
  wasSilent: boolean;
  skipped: number;
};

export class Schedule {
  #entries: readonly Entry[];
  #byId: ReadonlyMap<string, Entry>;
  readonly #random: () => number;
  readonly #busyLines = new Set<string>();
  readonly #inFlightMax: number;
  readonly #silentMax: number;
  #inFlight = 0;
  #silentInFlight = 0;

  /** `random` gives numbers from 0 up to 1; it is asked twice a device, when the device is new. */
  constructor(slots: readonly Slot[], startMs: number, random: () => number, inFlightMax: number = IN_FLIGHT_MAX) {
    this.#inFlightMax = inFlightMax;
    this.#silentMax = Math.max(1, Math.floor(inFlightMax * SILENT_SHARE));
    this.#random = random;
    this.#entries = slots.map((slot) => this.#newEntry(slot, { startMs, among: slots.length }));
    this.#byId = new Map(this.#entries.map((entry) => [entry.id, entry]));
  }

  /**
   * Another set of devices. One that stays keeps its place on the grid, its pace and what it is doing; `fresh` are new,
   * or changed so much that they begin anew: none of those, nor of what goes, may be running.
   */
  replace(slots: readonly Slot[], fresh: ReadonlySet<string>, nowMs: number): void {
    this.#entries = slots.map((slot) => {
      const known = fresh.has(slot.id) ? undefined : this.#byId.get(slot.id);
      return known ?? this.#newEntry(slot, { startMs: nowMs, among: slots.length });
    });
    this.#byId = new Map(this.#entries.map((entry) => [entry.id, entry]));
  }

  #newEntry(slot: Slot, { startMs, among }: { readonly startMs: number; readonly among: number }): Entry {
    const random = this.#random;
    const gridMs = gridOf(slot.intervalMs);
    const phaseMs = Math.floor((random() * slot.intervalMs) / gridMs) * gridMs;
    const spreadMs = Math.min(slot.intervalMs, FIRST_POLL_MS_MAX, FIRST_POLL_MS_EACH * among);
    const dueMs = startMs + Math.floor((random() * spreadMs) / GRID_MS_MIN) * GRID_MS_MIN;
    const idle = { startedMs: null, running: false, soonMs: null, backMs: null };
    return { ...slot, ...idle, phaseMs, dueMs, turnMs: dueMs, failures: 0, busy: 0, wasSilent: false, skipped: 0 };
  }

  /** The polls to start now. Each must be ended with `finish`. */
  take(nowMs: number): Due {
    const turns: Turn[] = [];
    for (const entry of this.#dueEntries(nowMs)) {
      if (entry.dueMs <= nowMs) skipMissedTurns(entry, nowMs);
      if (entry.running || this.#busyLines.has(entry.lineKey) || this.#inFlight >= this.#inFlightMax) continue;
      const silent = entry.failures > 0;
      if (silent && this.#silentInFlight >= this.#silentMax) continue;
      turns.push({ id: entry.id, skipped: entry.skipped });
      entry.skipped = 0;
      entry.running = true;
      entry.wasSilent = silent;
      if (silent) this.#silentInFlight++;
      entry.soonMs = null;
      entry.backMs = entry.dueMs > nowMs ? firstOnGrid(entry, nowMs) : null;
      if (entry.backMs === null) {
        entry.turnMs = entry.dueMs;
        entry.dueMs = entry.startedMs === null ? firstOnGrid(entry, nowMs) : entry.turnMs + entry.intervalMs;
      }
      entry.startedMs = nowMs;
      this.#busyLines.add(entry.lineKey);
      this.#inFlight++;
    }
    return { turns, wakeMs: this.#wakeMs(nowMs) };
  }

  /** Asks for a poll out of turn, as soon as may be; true when none was asked for yet, and `take` has news. */
  soon(id: string, nowMs: number): boolean {
    const entry = this.#byId.get(id);
    if (entry === undefined || entry.soonMs !== null) return false;
    if (entry.startedMs === null) entry.dueMs = Math.min(entry.dueMs, nowMs);
    entry.soonMs = Math.max(nowMs, (entry.startedMs ?? nowMs - SOON_MS_MIN) + SOON_MS_MIN);
    return true;
  }

  /** The poll that `take` started is over; how decides about backing off. */
  finish(id: string, end: PollEnd): void {
    const entry = this.#byId.get(id);
    if (entry === undefined || !entry.running) return;
    entry.running = false;
    this.#busyLines.delete(entry.lineKey);
    this.#inFlight--;
    if (entry.wasSilent) this.#silentInFlight--;
    entry.busy = end === "busy" ? entry.busy + 1 : 0;
    if (end === "busy") {
      entry.dueMs = Math.max(entry.dueMs, entry.turnMs + entry.intervalMs * busyTimes(entry.busy, entry.intervalMs));
      return;
    }
    const answered = end === "answered";
    entry.failures = answered ? 0 : entry.failures + 1;
    if (entry.backMs !== null) {
      // A device that backed off and is back, as its trap said, has its pace back, too.
      if (answered) entry.dueMs = Math.min(entry.dueMs, entry.backMs);
    } else if (entry.failures > 1) {
      entry.dueMs = entry.turnMs + entry.intervalMs * backoffTimes(entry.failures, entry.intervalMs);
    }
  }

  /**
   * Who spoke up comes first, then who was polled longest ago: on a line that is too slow for its devices each still
   * gets its turn.
   */
  #dueEntries(nowMs: number): Entry[] {
    const lastMs = (entry: Entry): number => entry.startedMs ?? Number.NEGATIVE_INFINITY;
    return this.#entries
      .filter((entry) => entry.dueMs <= nowMs || isWanted(entry, nowMs))
      .sort(
        (a, b) =>
          Number(isWanted(b, nowMs)) - Number(isWanted(a, nowMs)) ||
          (lastMs(a) === lastMs(b) ? a.dueMs - b.dueMs : lastMs(a) - lastMs(b)),
      );
  }

  /** What is overdue waits for a poll to end, not for a time: only its next turn, to be skipped, has one. */
  #wakeMs(nowMs: number): number | null {
    let wakeMs: number | null = null;
    for (const entry of this.#entries) {
      const atMs = entry.dueMs > nowMs ? entry.dueMs : entry.dueMs + entry.intervalMs;
      if (wakeMs === null || atMs < wakeMs) wakeMs = atMs;
      if (entry.soonMs !== null && entry.soonMs > nowMs) wakeMs = Math.min(wakeMs, entry.soonMs);
    }
    return wakeMs;
  }
}

const isWanted = ({ soonMs }: Entry, nowMs: number): boolean => soonMs !== null && soonMs <= nowMs;

function gridOf(intervalMs: number): number {
  return Math.max(GRID_MS_MIN, Math.min(GRID_MS_MAX, intervalMs / 10));
}

/** Whole intervals that have passed since a turn was due are turns that nobody took. */
function skipMissedTurns(entry: Entry, nowMs: number): void {
  const missed = Math.floor((nowMs - entry.dueMs) / entry.intervalMs);
  entry.skipped += missed;
  entry.dueMs += missed * entry.intervalMs;
}

/** The device's first grid point that is at least half an interval away, so that two polls don't touch. */
function firstOnGrid(entry: Entry, nowMs: number): number {
  return (
    Math.ceil((nowMs + entry.intervalMs / 2 - entry.phaseMs) / entry.intervalMs) * entry.intervalMs + entry.phaseMs
  );
}

/** In whole intervals, so that it stays on the grid. */
function busyTimes(busy: number, intervalMs: number): number {
  return Math.max(1, Math.min(2 ** Math.min(busy, 30), Math.floor(BUSY_MS_MAX / intervalMs)));
}

/** One failure may be chance and is asked about at the usual pace; then at half of it. */
function backoffTimes(failures: number, intervalMs: number): number {
  const allowed = Math.max(1, Math.floor(BACKOFF_MS_MAX / intervalMs));
  return Math.max(1, Math.min(failures, BACKOFF_TIMES_MAX, allowed));
}
