/**
 * The ledger of deliveries: what became of every seq that an agent gave out, so that "nothing is lost" is an account
 * that can be read and not a belief. Pure but for what it remembers: ingest tells it what it took, and writes what
 * changed in the same transaction as the watermark that it is about.
 *
 * For each agent, epoch and lane, at any moment:
 *
 *   seq − (firstSeq − 1)  =  stored batches + thinned batches + lost batches
 *
 * and beyond `seq` lies what is owed: what the agent says it has written and that did not come yet. When the agent has
 * gone on to another epoch, its outbox file is gone, and what the old epoch still owed is lost with it. That includes what
 * it had told nobody of, when its agent could still read the numbers of the file that it set aside. Should the file come
 * back (a disk put in again), the same numbers are owed again, and arrive.
 *
 * A missing span is explained by a person, once and with a text; the ledger never forgets that it was missing. What was
 * acked after the backup that the collector was restored from explains itself.
 */
import type { Dropped, Lane } from "@aislewatch/contract";
import { covers, lengthOf, Newest, SpansByLane, uncovered } from "./ledger-spans.ts";
import { isLossByRestore } from "./restored.ts";
import type { FoldedEpoch, GapNote, GapRecord, LedgerLane, ThinnedRecord } from "./store/state/store.ts";
import type { LaneKey } from "./store/timeseries/store.ts";

/** A batch whose newest reading is older than this on its arrival is late: it was kept while the line was down. */
export const LATE_MS = 60_000;
/**
 * Epochs of an agent that have accounts of their own. An outbox file is lost once in a disk's life, but a host that can't
 * write to its disk names a new epoch at each start: that is most of a year of them at one a day. Beyond it the oldest
 * of which all is known become one account of sums for each lane.
 */
export const EPOCHS_PER_AGENT_MAX = 256;
/**
 * Folded epochs of an agent of which it is still known how far they went: another three years at one a day. What comes of an
 * older one, from an outbox file that lay in a drawer for so long, counts as new.
 */
export const FOLDED_EPOCHS_MAX = 1_024;
/** The epoch of those sums. No agent can name it: ids have no brackets. */
export const FOLDED_EPOCH = "(older)";
/** Spans kept in memory and in the store; the sums of each lane stay exact beyond them. */
export const SPANS_MAX = 10_000;

export type TakenBatch = {
  readonly seq: number;
  /** The last seq of this lane that was accounted for before it. */
  readonly before: number;
  readonly samples: number;
  readonly isLate: boolean;
  /** Between `before` and `seq` something never arrived (see `lost`), rather than being thinned. */
  readonly isGap: boolean;
  readonly dropped: readonly Dropped[];
  /** It carries readings, failures or events of its own. */
  readonly hasContent: boolean;
};

export type MissingSpan = LaneKey & {
  readonly fromSeq: number;
  readonly toSeq: number;
  /** When it was found missing, Unix ms. */
  readonly at: number;
  readonly cause: "never_arrived" | "lost_with_outbox" | "lost_by_restore";
  readonly reason: string;
  readonly explanation: { readonly at: number; readonly by: string; readonly text: string } | null;
};

export type LaneAudit = LedgerLane & {
  /** The agent writes in this epoch now. */
  readonly isCurrent: boolean;
  /** Up to where both stores have it. */
  readonly safeSeq: number;
  /** Batches that were judged and wait for the time-series store. */
  readonly queued: number;
  /** Batches that the agent says it has and that did not come yet. */
  readonly owed: number;
  /** Batches that are missing and that nobody has explained. */
  readonly missing: number;
  readonly explained: number;
  /** False: the account does not add up, which is a bug of ours. */
  readonly isBalanced: boolean;
};

export type DeliveryAudit = {
  readonly lanes: readonly LaneAudit[];
  readonly missing: readonly MissingSpan[];
  readonly thinned: readonly ThinnedRecord[];
  /** Missing and unexplained batches, and lanes that do not add up. Zero: nothing is lost. */
  readonly unexplained: number;
};

/** The ledger in figures, of all epochs of an agent. */
export type AgentDelivery = {
  /** Batches that never came, and nobody explained. */
  readonly missing: number;
  /** Batches that it says it has and that did not come yet. */
  readonly owed: { readonly live: number; readonly history: number };
  readonly thinnedSamples: number;
};

export type AuditFilter = {
  readonly site?: string | undefined;
  readonly agent?: string | undefined;
  /** Only lanes and spans of which something was heard since then, Unix ms. */
  readonly since?: number | undefined;
};

export type LedgerChange = {
  readonly lanes: readonly LedgerLane[];
  readonly gaps: readonly GapRecord[];
  readonly thinned: readonly ThinnedRecord[];
  /** Epochs whose accounts are in the sums of `lanes` now; `at`: when something was heard of them last, Unix ms. */
  readonly folded: readonly (FoldedEpoch & { readonly at: number })[];
  /** Epochs that were folded so long ago that their watermarks go. */
  readonly forgotten: readonly FoldedEpoch[];
};

export type Ledger = {
  restore(kept: {
    readonly lanes: readonly LedgerLane[];
    readonly gaps: readonly GapRecord[];
    readonly thinned: readonly ThinnedRecord[];
    readonly notes: readonly GapNote[];
    /** The one folded last at the end. */
    readonly folded?: readonly FoldedEpoch[];
    /** Who is an agent, and the epoch that it named last; null where that is not known. */
    readonly epochs: readonly { readonly site: string; readonly agent: string; readonly epoch: string | null }[];
  }): void;
  taken(lane: LaneKey, batch: TakenBatch, nowMs: number): void;
  /**
   * Judged before, but thinned at the agent before the time-series store had it too: `fromSeq` to `seq` count as thinned
   * then, for their samples are gone. A report that was accounted for and comes again for that store changes nothing.
   */
  thinnedSince(
    lane: LaneKey,
    batch: { fromSeq: number; seq: number; dropped: readonly Dropped[]; hasContent: boolean },
    nowMs: number,
  ): void;
  /** Came again and was dropped. */
  repeated(lane: LaneKey): void;
  lost(gap: GapRecord): void;
  /** When something was heard of a lane last, Unix ms; null when it has no account. */
  heardAt(lane: LaneKey): number | null;
  /**
   * Up to `toSeq` a lane is in no outbox any more, though the state store, restored from a backup, has less: what the
   * time-series store has of it, up to `storedSeq`, is stored without having been judged, the rest is lost.
   */
  restored(gap: GapRecord, storedSeq: number): void;
  /** How many batches that were, of all lanes. */
  lostByRestores(): number;
  /** The agent says up to where it has written; `first` is the oldest that it still holds. */
  announced(lane: LaneKey, said: { readonly first: number; readonly last: number }, nowMs: number): void;
  /**
   * The agent says up to where a damaged outbox file went, which is not the one that it writes to: what never came of it
   * is lost. Saying so again changes nothing.
   */
  setAside(lane: LaneKey, said: { readonly first: number; readonly last: number }, nowMs: number): void;
  /** What waited in this lane goes on under the numbers of another epoch: nothing more is owed of it. Once, before its marks move. */
  renumbered(lane: LaneKey): void;
  /**
   * Sees to it that this epoch can have an account: the oldest epochs that are wholly accounted for (left by their agent,
   * in both stores, nothing missing that nobody explained) are folded. False when there are too many others. `isSafe`:
   * both stores have this lane up to there.
   */
  makeRoom(epoch: FoldedEpoch, isSafe: (lane: LaneKey, seq: number) => boolean): boolean;
  /** The agent writes in this epoch from now on. */
  useEpoch(site: string, agent: string, epoch: string): void;
  /** It was taken out: what it still owes is lost, unless it is let in again with its outbox. */
  forget(site: string, agent: string): void;
  /** What no commit has yet; `committed` says that one has. */
  pending(): LedgerChange;
  committed(): void;
  readonly hasPending: boolean;
  /** `storedSeq`: up to where the time-series store has a lane. */
  audit(filter: AuditFilter, storedSeq: (lane: LaneKey) => number): DeliveryAudit;
  /** Each agent's deliveries in figures, by `site/agent`. */
  byAgent(): ReadonlyMap<string, AgentDelivery>;
  /** Notes for everything of this agent that is missing and unexplained now; the caller writes them down first. */
  notesFor(
    site: string,
    agent: string,
    note: { readonly at: number; readonly by: string; readonly text: string },
  ): GapNote[];
  explained(notes: readonly GapNote[]): void;
};

const SUMMED = [
  ...(["batches", "late", "samples", "repeats", "thinnedBatches", "thinnedSamples", "lostBatches"] as const),
];
const LOST_REASONS = {
  outbox: "not delivered when the outbox file was lost or replaced",
  agent: "not delivered when the agent was taken out",
} as const;
const isLossOfOutbox = (reason: string): boolean => Object.values<string>(LOST_REASONS).includes(reason);

type Open = { -readonly [K in keyof LedgerLane]: LedgerLane[K] };

const keyOf = ({ site, agent, epoch, lane }: LaneKey): string => `${site}/${agent}/${epoch}/${lane}`;

/** `heldSeq`: up to where the time-series store has a lane or the collector holds it in its queue, so that it will. */
export function createLedger(heldSeq: (lane: LaneKey) => number = () => Number.POSITIVE_INFINITY): Ledger {
  const lanes = new Map<string, Open>();
  const current = new Map<string, string | null>();
  const notes = new Map<string, GapNote[]>();
  const gaps = new Newest<GapRecord>(SPANS_MAX);
  const thinned = new SpansByLane<ThinnedRecord>(SPANS_MAX, keyOf);

  const dirty = new Map<string, Open>();
  /** Bounded for the time in which nothing can be written; the sums of the lanes are exact all the same. */
  let newGaps = new Newest<GapRecord>(SPANS_MAX);
  let newThinned = new Newest<ThinnedRecord>(SPANS_MAX);
  let newFolded: (FoldedEpoch & { readonly at: number })[] = [];
  let newForgotten: FoldedEpoch[] = [];
  /** The epochs that are in the sums and not forgotten, by agent, the one folded first at the beginning. */
  const foldedOf = new Map<string, Set<string>>();
  /** The epochs that have accounts of their own, by agent, the oldest first. */
  const epochs = new Map<string, Set<string>>();

  function remember(lane: Open): void {
    lanes.set(keyOf(lane), lane);
    if (lane.epoch === FOLDED_EPOCH) return;
    const agent = `${lane.site}/${lane.agent}`;
    const list = epochs.get(agent) ?? new Set();
    epochs.set(agent, list.add(lane.epoch));
    // It came back with its outbox file.
    foldedOf.get(agent)?.delete(lane.epoch);
  }

  function rememberFolded({ site, agent, epoch }: FoldedEpoch): void {
    const key = `${site}/${agent}`;
    if (epochs.get(key)?.has(epoch) === true) return;
    const list = foldedOf.get(key) ?? new Set();
    list.delete(epoch);
    foldedOf.set(key, list.add(epoch));
    for (const oldest of list) {
      if (list.size <= FOLDED_EPOCHS_MAX) break;
      if (current.get(key) === oldest) continue;
      list.delete(oldest);
      newForgotten.push({ site, agent, epoch: oldest });
    }
  }

  function open(key: LaneKey, before: number, nowMs: number): Open {
    const name = keyOf(key);
    let found = lanes.get(name);
    if (found === undefined) {
      const { site, agent, epoch, lane } = key;
      found = {
        ...{ site, agent, epoch, lane },
        firstSeq: before + 1,
        seq: before,
        announced: before,
        ...{ batches: 0, late: 0, samples: 0, repeats: 0 },
        ...{ thinnedBatches: 0, thinnedSamples: 0, lostBatches: 0 },
        lastAt: nowMs,
      };
      remember(found);
    }
    dirty.set(name, found);
    return found;
  }

  /** What was lost of it is told as before: as spans, which its explanations cover. */
  function fold(epoch: FoldedEpoch): void {
    let at = 0;
    for (const lane of lanesOf(epoch)) {
      at = Math.max(at, lane.lastAt);
      const lost = lostWithOutbox(lane);
      const lostCount = lost.reduce((sum, span) => sum + lengthOf(span), 0);
      for (const gap of lost) addGap(gap);
      const sums = open({ ...lane, epoch: FOLDED_EPOCH }, 0, lane.lastAt);
      for (const name of SUMMED) sums[name] += lane[name];
      sums.lostBatches += lostCount;
      sums.seq += lane.seq - (lane.firstSeq - 1) + lostCount;
      sums.announced = sums.seq;
      sums.lastAt = Math.max(sums.lastAt, lane.lastAt);
      lanes.delete(keyOf(lane));
      dirty.delete(keyOf(lane));
    }
    newFolded.push({ ...epoch, at });
    epochs.get(`${epoch.site}/${epoch.agent}`)?.delete(epoch.epoch);
    rememberFolded(epoch);
  }

  const lanesOf = (epoch: FoldedEpoch): Open[] =>
    (["live", "history"] as const).flatMap((lane) => lanes.get(keyOf({ ...epoch, lane })) ?? []);

  function addGap(gap: GapRecord): void {
    newGaps.push(gap);
    gaps.push(gap);
  }

  const isMissing = (gap: GapRecord): boolean => spanOf(gap).explanation === null;

  /** Epochs of an agent of which something is missing that nobody explained. */
  const unexplainedOf = ({ site, agent }: FoldedEpoch): ReadonlySet<string> =>
    new Set(
      gaps.all.filter((gap) => gap.site === site && gap.agent === agent && isMissing(gap)).map(({ epoch }) => epoch),
    );

  /**
   * An outbox that drops more puts what it has told already into its next report, and a report comes again when the
   * time-series store did not get it: only what is new of it counts.
   */
  function addThinned(lane: Open, { fromSeq, toSeq, fromAt, toAt, samples, reason }: Dropped, at: number): void {
    const told = thinned
      .touching(keyOf(lane), { fromSeq, toSeq })
      .filter((record) => fromSeq <= record.fromSeq && record.toSeq <= toSeq);
    const isNew = told.length === 0 || !covers(told, { fromSeq, toSeq });
    const more = Math.max(0, samples - told.reduce((sum, record) => sum + record.samples, 0));
    if (!isNew && more === 0) return;
    lane.thinnedSamples += more;
    const { site, agent, epoch, lane: name } = lane;
    const record = { site, agent, epoch, lane: name, fromSeq, toSeq, fromAt, toAt, samples: more, reason, at };
    newThinned.push(record);
    thinned.push(record);
  }

  const isCurrent = ({ site, agent, epoch }: LaneKey): boolean => {
    const now = current.get(`${site}/${agent}`);
    return epoch !== FOLDED_EPOCH && (now === null || now === epoch);
  };

  /**
   * What an epoch owed that its agent has left: the numbers are known, the readings went with the outbox file. So did what
   * was judged, and died with the collector's queue before the time-series store had it: nobody sends it again.
   */
  function lostWithOutbox(lane: LedgerLane): GapRecord[] {
    const { site, agent, epoch, lane: name, seq, announced, lastAt } = lane;
    const held = heldOf(lane);
    const toSeq = Math.max(seq, announced);
    if (isCurrent(lane) || toSeq <= held) return [];
    const reason = current.has(`${site}/${agent}`) ? LOST_REASONS.outbox : LOST_REASONS.agent;
    return [{ site, agent, epoch, lane: name, fromSeq: held + 1, toSeq, at: lastAt, reason }];
  }

  const heldOf = (lane: LedgerLane): number =>
    lane.epoch === FOLDED_EPOCH ? lane.seq : Math.max(lane.firstSeq - 1, Math.min(lane.seq, heldSeq(lane)));

  function spanOf(gap: GapRecord): MissingSpan {
    const covering = (notes.get(keyOf(gap)) ?? []).filter(
      ({ fromSeq, toSeq }) => fromSeq <= gap.toSeq && toSeq >= gap.fromSeq,
    );
    const last = covering.at(-1);
    if (isLossByRestore(gap.reason))
      return { ...gap, cause: "lost_by_restore", explanation: { at: gap.at, by: "restore", text: gap.reason } };
    return {
      ...gap,
      cause: isLossOfOutbox(gap.reason) ? "lost_with_outbox" : "never_arrived",
      explanation: last !== undefined && covers(covering, gap) ? { at: last.at, by: last.by, text: last.text } : null,
    };
  }

  const allMissing = (): MissingSpan[] => [
    ...gaps.all.map(spanOf),
    ...[...lanes.values()].flatMap(lostWithOutbox).map(spanOf),
  ];

  return {
    restore(kept) {
      for (const lane of kept.lanes.toSorted((a, b) => a.lastAt - b.lastAt)) remember({ ...lane });
      for (const { site, agent, epoch } of kept.epochs) current.set(`${site}/${agent}`, epoch);
      for (const epoch of kept.folded ?? []) rememberFolded(epoch);
      gaps.replace(kept.gaps);
      thinned.replace(kept.thinned);
      this.explained(kept.notes);
    },

    taken(key, { seq, before, samples, isLate, isGap, dropped, hasContent }, nowMs) {
      const lane = open(key, before, nowMs);
      const skipped = seq - lane.seq - 1;
      lane.seq = seq;
      lane.announced = Math.max(lane.announced, seq);
      lane.samples += samples;
      lane.lastAt = nowMs;
      if (isGap) lane.lostBatches += skipped;
      else lane.thinnedBatches += skipped;
      // A batch that only says what was dropped stands for the last of them.
      if (dropped.length > 0 && !hasContent) lane.thinnedBatches++;
      else lane.batches++;
      if (isLate && hasContent) lane.late++;
      for (const report of dropped) addThinned(lane, report, nowMs);
    },

    thinnedSince(key, { fromSeq, seq, dropped, hasContent }, nowMs) {
      const lane = lanes.get(keyOf(key));
      if (lane === undefined) return;
      // One that lost only its numbers is stored all the same.
      const span = { fromSeq, toSeq: seq };
      const gone = hasContent ? 0 : Math.min(lane.batches, uncovered(thinned.touching(keyOf(key), span), span));
      lane.batches -= gone;
      lane.thinnedBatches += gone;
      lane.lastAt = nowMs;
      dirty.set(keyOf(key), lane);
      for (const report of dropped) addThinned(lane, report, nowMs);
    },

    repeated(key) {
      // Written with the lane's next change: a repeat alone is not worth a sync.
      const lane = lanes.get(keyOf(key));
      if (lane !== undefined) lane.repeats++;
    },

    lost: addGap,

    heardAt: (key) => lanes.get(keyOf(key))?.lastAt ?? null,

    restored(gap, storedSeq) {
      const lane = open(gap, Math.min(gap.fromSeq - 1, storedSeq), gap.at);
      const stored = Math.max(lane.seq, Math.min(storedSeq, gap.toSeq));
      lane.batches += stored - lane.seq;
      lane.lostBatches += Math.max(0, gap.toSeq - stored);
      lane.seq = Math.max(lane.seq, gap.toSeq);
      lane.announced = Math.max(lane.announced, lane.seq);
      lane.lastAt = gap.at;
      if (gap.fromSeq <= gap.toSeq) addGap(gap);
    },
    lostByRestores: () => gaps.all.reduce((sum, gap) => sum + (isLossByRestore(gap.reason) ? lengthOf(gap) : 0), 0),

    announced(key, { first, last }, nowMs) {
      const known = lanes.get(keyOf(key));
      if (known === undefined && last === 0) return;
      // Less than before: its outbox file is an older copy now, and what was announced and never came it gives anew.
      const announced = Math.max(last, known?.seq ?? 0);
      if (announced !== known?.announced) open(key, first - 1, nowMs).announced = announced;
    },

    renumbered(key) {
      const lane = lanes.get(keyOf(key));
      if (lane === undefined) return;
      lane.announced = lane.seq;
      // What was judged, and the time-series store never had.
      for (const gap of lostWithOutbox(lane)) addGap(gap);
      dirty.set(keyOf(key), lane);
    },

    setAside(key, { first, last }, nowMs) {
      const before = lanes.get(keyOf(key))?.announced ?? first - 1;
      if (last <= before) return;
      const lane = open(key, first - 1, nowMs);
      lane.announced = last;
      lane.lastAt = nowMs;
    },

    makeRoom({ site, agent, epoch }, isSafe) {
      const list = epochs.get(`${site}/${agent}`);
      if (list === undefined || list.has(epoch) || list.size < EPOCHS_PER_AGENT_MAX) return true;
      const unexplained = unexplainedOf({ site, agent, epoch });
      const isSettled = (lane: Open): boolean =>
        !isCurrent(lane) &&
        (lane.seq < lane.firstSeq || isSafe(lane, lane.seq)) &&
        !lostWithOutbox(lane).some(isMissing);
      for (const old of list) {
        if (list.size < EPOCHS_PER_AGENT_MAX) break;
        const one = { site, agent, epoch: old };
        if (!unexplained.has(old) && lanesOf(one).every(isSettled)) fold(one);
      }
      return list.size < EPOCHS_PER_AGENT_MAX;
    },

    useEpoch(site, agent, epoch) {
      current.set(`${site}/${agent}`, epoch);
    },

    forget: (site, agent) => void current.delete(`${site}/${agent}`),

    pending: () => ({
      lanes: [...dirty.values()].map((lane) => ({ ...lane })),
      ...{ gaps: newGaps.all, thinned: newThinned.all, folded: newFolded, forgotten: newForgotten },
    }),
    committed() {
      dirty.clear();
      newGaps = new Newest(SPANS_MAX);
      newThinned = new Newest(SPANS_MAX);
      newFolded = [];
      newForgotten = [];
    },
    get hasPending() {
      return dirty.size > 0 || newGaps.size > 0 || newThinned.size > 0;
    },

    audit({ site, agent, since = Number.NEGATIVE_INFINITY }, storedSeq) {
      const wanted = (one: LaneKey): boolean =>
        (site === undefined || one.site === site) && (agent === undefined || one.agent === agent);
      const missing = allMissing().filter((span) => wanted(span) && span.at >= since);
      const missingOf = Map.groupBy(missing, keyOf);
      const found = [...lanes.values()]
        .filter((lane) => wanted(lane) && lane.lastAt >= since)
        .map((lane) =>
          auditLane(lane, {
            ...{ missing: missingOf.get(keyOf(lane)) ?? [], isCurrent: isCurrent(lane) },
            storedSeq: lane.epoch === FOLDED_EPOCH ? lane.seq : storedSeq(lane),
            heldSeq: isCurrent(lane) ? lane.seq : heldOf(lane),
          }),
        )
        .sort((a, b) => compareText(keyOf(a), keyOf(b)));
      return {
        lanes: found,
        missing,
        thinned: thinned.all.filter((span) => wanted(span) && span.at >= since),
        unexplained:
          missing.reduce((sum, span) => sum + (span.explanation === null ? lengthOf(span) : 0), 0) +
          found.filter((lane) => !lane.isBalanced).length,
      };
    },

    byAgent() {
      const figures = new Map<string, { missing: number; owed: Record<Lane, number>; thinnedSamples: number }>();
      const of = ({ site, agent }: LaneKey) => {
        const key = `${site}/${agent}`;
        const found = figures.get(key) ?? { missing: 0, owed: { live: 0, history: 0 }, thinnedSamples: 0 };
        figures.set(key, found);
        return found;
      };
      for (const lane of lanes.values()) {
        const figure = of(lane);
        figure.thinnedSamples += lane.thinnedSamples;
        if (isCurrent(lane)) figure.owed[lane.lane] += Math.max(0, lane.announced - lane.seq);
      }
      for (const span of allMissing()) if (span.explanation === null) of(span).missing += lengthOf(span);
      return figures;
    },

    notesFor: (site, agent, note) =>
      allMissing()
        .filter((span) => span.site === site && span.agent === agent && span.explanation === null)
        .map(({ epoch, lane, fromSeq, toSeq }) => ({ site, agent, epoch, lane, fromSeq, toSeq, ...note })),

    explained(more) {
      for (const note of more) {
        const list = notes.get(keyOf(note));
        if (list === undefined) notes.set(keyOf(note), [note]);
        else list.push(note);
      }
    },
  };
}

function auditLane(
  lane: LedgerLane,
  known: { missing: readonly MissingSpan[]; isCurrent: boolean; storedSeq: number; heldSeq: number },
): LaneAudit {
  const { missing, isCurrent, storedSeq, heldSeq } = known;
  const count = (some: readonly MissingSpan[]): number => some.reduce((sum, span) => sum + lengthOf(span), 0);
  const { seq, firstSeq, announced, batches, thinnedBatches, lostBatches } = lane;
  return {
    ...lane,
    isCurrent,
    safeSeq: Math.min(seq, storedSeq),
    queued: Math.max(0, heldSeq - Math.max(storedSeq, firstSeq - 1)),
    owed: isCurrent ? Math.max(0, announced - seq) : 0,
    missing: count(missing.filter(({ explanation }) => explanation === null)),
    // Only what is explained was folded; the spans are told of the epochs that they were missing in.
    explained:
      lane.epoch === FOLDED_EPOCH ? lostBatches : count(missing.filter(({ explanation }) => explanation !== null)),
    isBalanced: seq - (firstSeq - 1) === batches + thinnedBatches + lostBatches,
  };
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The lanes that a status names, oldest and newest seq each. */
export type AnnouncedLanes = Readonly<Record<Lane, { readonly first: number; readonly last: number }>>;
