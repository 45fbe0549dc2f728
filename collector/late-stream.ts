/**
 * The readings of one agent in the order in which they were taken, whatever lane or epoch brings them, and in whatever
 * order those come. Pure.
 *
 * Each lane of each epoch comes in its own order, so this is a merge of sorted streams: a batch is next once no lane that
 * still owes something can bring an older one. What an agent owes it says itself, whenever it signs in (`owe`). A file
 * that can't be read just now, while the agent sends from memory, may owe anything (`park`).
 *
 *   file, live       1 2 3 ·  ·  ·  ·  ·  ·  ·  12 13      written live, kept back until 4 to 11 have come
 *   file, history          4  5
 *   memory, live                 6  7  ·  · 11
 *   memory, history                    8 9 10
 *   next()           1 2 3 4  5  6  7  8 9 10 11 12 13
 *
 * Bounded by its owner: `rows` says how many readings are kept back.
 */
import type { Telemetry } from "@aislewatch/contract";
import type { TelemetryBatch } from "./store/timeseries/store.ts";

/** What is owed of a lane whose end is not known. */
const NOT_TOLD = Number.MAX_SAFE_INTEGER;

type LaneName = "live" | "history";
/** Seqs: everything up to `had` came, everything up to `to` will. */
export type LaneEnds = { readonly had: number; readonly to: number };
export type OwedLanes = Readonly<Record<LaneName, LaneEnds>>;

type Lane = {
  had: number;
  to: number;
  /** Event time that its readings have reached, 0 before the first: nothing older comes in it. */
  reachedAt: number;
  readonly kept: TelemetryBatch[];
};

/** As it is kept over a restart; the batches that are kept back are kept apart. */
export type KeptStream = {
  readonly lanes: readonly {
    readonly epoch: string;
    readonly lane: LaneName;
    readonly had: number;
    readonly to: number;
    readonly reachedAt: number;
  }[];
};

export class LateStream {
  readonly #lanes = new Map<string, Lane>();
  #rows = 0;

  static restored({ lanes }: KeptStream, kept: readonly TelemetryBatch[]): LateStream {
    const stream = new LateStream();
    for (const { epoch, lane, had, to, reachedAt } of lanes)
      stream.#lanes.set(nameOf(epoch, lane), { had, to, reachedAt, kept: [] });
    for (const batch of [...kept].sort((a, b) => a.seq - b.seq)) stream.#keep(batch);
    return stream;
  }

  toKeep(): KeptStream {
    const lanes = [...this.#lanes].map(([name, { had, to, reachedAt }]) => {
      const [epoch = "", given] = name.split("/");
      const lane: LaneName = given === "live" ? "live" : "history";
      return { epoch, lane, had, to, reachedAt };
    });
    return { lanes };
  }

  /** Readings that are kept back. */
  get rows(): number {
    return this.#rows;
  }

  /** All that it owed came; what is kept back can be read to its end. */
  get isComplete(): boolean {
    return [...this.#lanes.values()].every(({ had, to }) => had >= to);
  }

  /** Are live batches on their way that were written before the return? */
  get owesLive(): boolean {
    return [...this.#lanes].some(([name, { had, to }]) => had < to && to !== NOT_TOLD && name.endsWith("/live"));
  }

  /** Nothing but live batches is owed. */
  get isWhole(): boolean {
    return [...this.#lanes].every(([name, { had, to }]) => had >= to || (to !== NOT_TOLD && name.endsWith("/live")));
  }

  /** Does it wait for a file that can't be read? */
  get parked(): readonly string[] {
    const names = [...this.#lanes].filter(([, { had, to }]) => to === NOT_TOLD && had < to).map(([name]) => name);
    return [...new Set(names.map((name) => name.split("/")[0] ?? ""))];
  }

  isParked(epoch: string): boolean {
    return this.parked.includes(epoch);
  }

  epochs(): readonly string[] {
    return [...new Set([...this.#lanes.keys()].map((name) => name.split("/")[0] ?? ""))];
  }

  /** Up to where this lane is owed here; 0 when it is not. */
  owedTo(epoch: string, lane: LaneName): number {
    const { to = 0 } = this.#lanes.get(nameOf(epoch, lane)) ?? {};
    return to === NOT_TOLD ? 0 : to;
  }

  owes({ epoch, lane, seq }: Pick<TelemetryBatch, "epoch" | "lane" | "seq">): boolean {
    const known = this.#lanes.get(nameOf(epoch, lane));
    return known !== undefined && seq > known.had && seq <= known.to;
  }

  /** The agent says where the lanes of an epoch end. */
  owe(epoch: string, lanes: OwedLanes): void {
    for (const name of ["live", "history"] as const) {
      const { had, to } = lanes[name];
      const lane = this.#laneOf(epoch, name);
      lane.to = lane.to === NOT_TOLD ? to : Math.max(lane.to, to);
      lane.had = Math.max(lane.had, had);
    }
  }

  /** What was announced beyond these ends never comes: the outbox file is an older copy now. */
  limit(epoch: string, ends: Readonly<Record<LaneName, number>>): void {
    for (const name of ["live", "history"] as const) {
      const lane = this.#lanes.get(nameOf(epoch, name));
      if (lane !== undefined && lane.to !== NOT_TOLD) lane.to = Math.min(lane.to, ends[name]);
    }
  }

  /** Anything may still come of this epoch, and nobody can say how much. */
  park(epoch: string): void {
    for (const name of ["live", "history"] as const) this.#laneOf(epoch, name).to = NOT_TOLD;
  }

  /** Nothing more comes of this epoch. */
  drop(epoch: string): void {
    for (const name of ["live", "history"] as const) {
      const lane = this.#lanes.get(nameOf(epoch, name));
      if (lane !== undefined) lane.to = lane.had;
    }
  }

  put(batch: TelemetryBatch): void {
    const lane = this.#keep(batch);
    lane.had = Math.max(lane.had, batch.seq);
    const [, last] = spanOf(batch.message);
    if (last !== null) lane.reachedAt = Math.max(lane.reachedAt, last + batch.skewMs);
  }

  /** The oldest that is kept back, if nothing older can come. */
  next(): TelemetryBatch | null {
    const oldest = this.#oldest();
    if (oldest === null) return null;
    const isFirst = [...this.#lanes.values()].every(
      ({ had, to, reachedAt, kept }) => had >= to || kept.length > 0 || reachedAt >= oldest.at,
    );
    return isFirst ? this.#take(oldest.lane) : null;
  }

  /** The oldest that is kept back, though older ones may come. */
  force(): TelemetryBatch | null {
    const oldest = this.#oldest();
    return oldest === null ? null : this.#take(oldest.lane);
  }

  #oldest(): { lane: Lane; at: number } | null {
    let oldest: { lane: Lane; at: number } | null = null;
    for (const lane of this.#lanes.values()) {
      const [head] = lane.kept;
      if (head === undefined) continue;
      const [first] = spanOf(head.message);
      const at = first === null ? Number.NEGATIVE_INFINITY : first + head.skewMs;
      if (oldest === null || at < oldest.at) oldest = { lane, at };
    }
    return oldest;
  }

  #take(lane: Lane): TelemetryBatch | null {
    const batch = lane.kept.shift() ?? null;
    if (batch !== null) this.#rows -= rowsOf(batch);
    return batch;
  }

  #keep(batch: TelemetryBatch): Lane {
    const lane = this.#laneOf(batch.epoch, batch.lane);
    lane.kept.push(batch);
    this.#rows += rowsOf(batch);
    return lane;
  }

  #laneOf(epoch: string, lane: LaneName): Lane {
    const name = nameOf(epoch, lane);
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const fresh: Lane = { had: 0, to: 0, reachedAt: 0, kept: [] };
    this.#lanes.set(name, fresh);
    return fresh;
  }
}

const nameOf = (epoch: string, lane: LaneName): string => `${epoch}/${lane}`;

export const rowsOf = ({ message: { tables, events = [] } }: TelemetryBatch): number =>
  tables.reduce((sum, { at }) => sum + at.length, events.length);

/** Times of the oldest and the newest reading or event, by the agent's clock; null without any. */
export function spanOf({ base, tables, events = [] }: Telemetry): readonly [number, number] | readonly [null, null] {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { at } of tables) {
    for (let row = 0; row < at.length; row++) {
      first = Math.min(first, base + (at[row] ?? 0));
      last = Math.max(last, base + (at[row] ?? 0));
    }
  }
  for (const { at } of events) {
    first = Math.min(first, at);
    last = Math.max(last, at);
  }
  return first > last ? [null, null] : [first, last];
}
