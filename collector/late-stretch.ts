/**
 * What the late evaluator knows of one stretch of an agent's readings, from where they ended until the live evaluator goes
 * on with what a fork has made of them (late.ts says what a stretch is); also as it is kept over a restart.
 */
import type { AgentSnapshot, Engine, FaultRecord, FaultView } from "@aislewatch/rules";
import { type Spell, STANDING, type Told } from "./incidents/late.ts";
import { incidentKey } from "./incidents/types.ts";
import type { KeptStretch } from "./late-record.ts";
import { LateStream } from "./late-stream.ts";
import type { TelemetryBatch } from "./store/timeseries/store.ts";

export type Whose = { readonly site: string; readonly agent: string };

export type Stretch = {
  /** Of its agent's, for the records of what it keeps back. */
  readonly id: number;
  readonly stream: LateStream;
  /** While the fork is not loaded. */
  snapshot: AgentSnapshot;
  engine: Engine | null;
  /** Event time up to which the fork has judged. */
  untilAt: number;
  /** The agent has not come back since. */
  isAway: boolean;
  /** It has, and what it read between its last live batches and the next is not in the live lane. */
  isTorn: boolean;
  /** Some of it came as history. */
  hasHistory: boolean;
  /** It has read something: its snapshot is no longer what the live evaluator knew at its beginning. */
  isRead: boolean;
  /** Takes no more of what is not owed: too much is kept back. */
  isClosed: boolean;
  /** Must be judged: something of it the live evaluator may not have, or not in its time. */
  isNeeded: boolean;
  /** Spells that the fork has found and that are not told yet, by fault; the one that stands is in `open`. */
  readonly truth: Map<string, Spell[]>;
  readonly open: Map<string, Spell>;
  /** What the live evaluator has told of each fault since the stretch began. */
  readonly told: Map<string, Told[]>;
  /** Event time of the last that it told: it has judged up to there. */
  toldAt: number;
  /** Devices whose last reading here the live evaluator has not had, so that it does not know how they are. */
  readonly unheard: Set<string>;
  settleSinceMs: number | null;
  parkedSinceMs: number | null;
};

/** From what the live evaluator knew at this event time. */
export function newStretch(id: number, at: number, snapshot: AgentSnapshot): Stretch {
  const stretch: Stretch = {
    ...{ id, stream: new LateStream(), snapshot, engine: null, untilAt: at },
    ...{ isAway: false, isTorn: false, hasHistory: false, isRead: false, isClosed: false, isNeeded: false },
    ...{ truth: new Map(), open: new Map(), told: new Map(), toldAt: at, unheard: new Set() },
    ...{ settleSinceMs: null, parkedSinceMs: null },
  };
  for (const record of snapshot.faults) {
    const { rule, subject, state } = record;
    const { isTimed, onset } = timersOf(record);
    if (isTimed && subject.device !== null) {
      stretch.isNeeded = true;
      stretch.unheard.add(subject.device);
    }
    if (!isStanding(state)) continue;
    const key = incidentKey(rule, subject);
    stretch.open.set(key, STANDING);
    stretch.told.set(key, [{ onset, over: null }]);
  }
  return stretch;
}

/** Of a device without a fault nothing need be kept: its next reading says all. */
export function keptOf(stretch: Stretch, { site, agent }: Whose): KeptStretch {
  const { id, stream, engine, snapshot, untilAt, isAway, isTorn, hasHistory, isRead, isClosed, isNeeded, toldAt } =
    stretch;
  const { faults, devices = [] } = engine === null ? snapshot : engine.snapshot(site, agent);
  const concerned = new Set(faults.map(({ subject }) => subject.device));
  return {
    ...{ id, stream: stream.toKeep(), untilAt, isAway, isTorn, hasHistory, isRead, isClosed, isNeeded, toldAt },
    snapshot: { faults, devices: isAsLive(stretch) ? [] : devices.filter(({ id }) => concerned.has(id)) },
    truth: [...stretch.truth],
    open: [...stretch.open],
    told: [...stretch.told],
    unheard: [...stretch.unheard],
    isParked: stretch.parkedSinceMs !== null,
  };
}

export function restoredStretch(kept: KeptStretch, batches: readonly TelemetryBatch[], nowMs: number): Stretch {
  const { id, stream, snapshot, untilAt, isAway, isTorn, hasHistory, isRead, isClosed, isNeeded, toldAt } = kept;
  const { faults, devices } = snapshot;
  return {
    ...{ id, untilAt, isAway, isTorn, hasHistory, isRead, isClosed, isNeeded, toldAt, engine: null },
    stream: LateStream.restored(stream, batches),
    snapshot: devices.length === 0 ? { faults } : { faults, devices },
    truth: new Map(kept.truth),
    open: new Map(kept.open),
    told: new Map(kept.told.map(([key, told]) => [key, [...told]])),
    unheard: new Set(kept.unheard),
    settleSinceMs: null,
    parkedSinceMs: kept.isParked ? nowMs : null,
  };
}

/** Nothing came since it began: what the live evaluator knows is what it begins with, also after a restart. */
export const isAsLive = ({ isAway, isRead, stream }: Stretch): boolean => isAway && !isRead && stream.rows === 0;

/** Has it a timer running that time or a reading may end, and when did it begin? */
function timersOf({ state, detail }: FaultRecord): { isTimed: boolean; onset: number } {
  const { steps, level, onset } = detail;
  const isRising = Array.isArray(steps) && steps.some((hold: unknown, step) => step > Number(level) && isHolding(hold));
  return { isTimed: state === "pending" || state === "recovering" || isRising, onset: Number(onset) };
}

const isHolding = (hold: unknown): boolean =>
  typeof hold === "object" && hold !== null && "since" in hold && hold.since !== null;

export const isStanding = (state: FaultView["state"]): boolean => state === "firing" || state === "recovering";
