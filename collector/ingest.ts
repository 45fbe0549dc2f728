/**
 * From a message to an ack. A batch is decoded, compared with what its lane has already brought, judged, committed in
 * both stores, and only then acked, so that a crash anywhere costs a resend and nothing else.
 *
 *   message → decode → repeat? → judge ─┬→ state store (one transaction: watermark, faults, incidents)
 *                                       └→ time-series store (watermark and samples)      → ack = the smaller of both
 *
 * Incidents never wait for the time-series store: when that is slow or down, batches queue (series-queue.ts); past
 * that they are judged and forgotten, stay unacked, and come again from the agent's outbox once the store has caught up.
 * Meanwhile acks say up to where batches were heard, so that agents go on telling the present.
 */
import { type Clock, errorText } from "@aislewatch/base";
import {
  type Ack,
  ackTopic,
  decodeStatus,
  decodeTelemetry,
  type FormerOutbox,
  type Lane,
  sampleCount,
  splitSubject,
  type Telemetry,
  WIRE_VERSION,
} from "@aislewatch/contract";
import type { AgentMessage } from "./broker/broker.ts";
import { createHistoryPace, type HistoryPace } from "./history-pace.ts";
import { type AgentInventory, createInventories } from "./inventories.ts";
import type { Judge } from "./judge.ts";
import { knownValues } from "./known-values.ts";
import {
  type AgentDelivery,
  type AnnouncedLanes,
  type AuditFilter,
  createLedger,
  type DeliveryAudit,
  EPOCHS_PER_AGENT_MAX,
  FOLDED_EPOCH,
  LATE_MS,
} from "./ledger.ts";
import { COLLECTOR_AGENT } from "./own-reports.ts";
import { lossReason, RESTORED_DOCUMENT, type Restored, restoredOf } from "./restored.ts";
import { createSeriesQueue } from "./series-queue.ts";
import { createSharedNames } from "./shared-names.ts";
import { isForNow } from "./store/error.ts";
import type { Commit, DeviceEventRecord, FoldedEpoch, GapRecord, StateStore } from "./store/state/store.ts";
import type { LaneKey, TelemetryBatch, TimeSeriesStore, Watermark } from "./store/timeseries/store.ts";

/** Without news for people, commits wait this long for company: each one costs an fsync. */
const COMMIT_INTERVAL_MS = 25;
/** After a store failed to write. */
const RETRY_MS = 1_000;
/**
 * Agents whose batches were shed send them again in turn, so many at a time: an agent that sends again tells the present
 * only behind that, and all at once would fill the queue anew and keep everybody's present waiting. Each gets so long.
 */
const RESENDING_MAX = 8;
const RESEND_MS_MAX = 10_000;
const RESEND_EVERY_MS = 250;
/**
 * When batches have waited for the time-series store for this long, acks say what was heard: an agent's window holds 32
 * batches, and it must not stop telling the present. One that sends again what was shed is held to the store's own pace
 * for longer, or it would fill the queue anew.
 */
const HEARD_AFTER_MS = 500;
const HEARD_AFTER_RESEND_MS = 5_000;
/** Agents that the collector knows; a new one beyond that is refused. Bounds every map below. */
const AGENTS_MAX = 20_000;
/** How often the budget for history is given out anew. */
const PACE_MS = 250;
/** To an agent that does not say what it owes: what agents take before the first word. */
const UNASKED_BYTES_PER_SECOND = 64 * 1024;
/** A clock that is off by more is corrected by the difference (DESIGN: event time per agent). */
const SKEW_TOLERATED_MS = 60_000;
/** A batch of the collector's own counts for this much in the queue: a few values for each agent of a site. */
const OWN_PAYLOAD = new Uint8Array(1_024);
/** Events of devices that wait for a state store which can't be written. A batch has a thousand at most. */
const EVENTS_PENDING_MAX = 20_000;

/**
 * A broker that could not hold it may have dropped an inventory: an agent that names another one than came, for this
 * long, says all again; so often, for one that can't be read would come as it came.
 */
const INVENTORY_AWAITED_MS = 20_000;
const INVENTORY_ASKED_MAX = 2;

/** An agent that says so often that it has what it never sends is broken, and its lane must not stand still for ever. */
const GAP_ASKED_MAX = 8;

const LANES = ["live", "history"] as const;

/** Of an outbox file in which nothing could be read: one batch stands for what it held, until somebody explains it. */
const UNKNOWN_CONTENT: AnnouncedLanes = { live: { first: 1, last: 1 }, history: { first: 1, last: 0 } };

/** Nothing of a lane came yet, so any seq may be its first. */
const UNHEARD = -1;

/** `isPresumed`: where it begins was only said by a status, nothing of it came yet. */
type LaneState = { seen: number; state: number; series: number; isPresumed: boolean };
type AgentState = {
  readonly site: string;
  readonly agent: string;
  epoch: string | null;
  lanes: Record<Lane, LaneState>;
  /** Sent by us last; the same again is not sent unless asked for. */
  acked: { live: number; history: number };
  /** What the last ack said of the live lane: judged up to there, stored or not. */
  heard: number;
  ackDue: boolean;
  /** Up to where its history reaches, as its last status said; null while none has. */
  historyTo: number | null;
  skewMs: number;
  /** Its clock minus ours as its last status showed it, network and queues included. */
  offsetMs: number | null;
  /** An epoch that found no room in the ledger: nothing is taken of it. */
  refusedEpoch: string | null;
  /** The hole that was seen last. */
  suspectedGap: SuspectedGap | null;
  /** Had batches that the queue could not hold; must send again. */
  mustResend: boolean;
  /** It was asked to connect anew, and has not said how it is since. */
  isAskedAgain: boolean;
  /** It says that it has this inventory, and that did not come. */
  awaitedInventory: { readonly revision: number; readonly sinceMs: number; asked: number } | null;
};
type SuspectedGap = {
  readonly at: string;
  readonly lane: Lane;
  readonly toSeq: number;
  /** How often the agent was made to send again for it. */
  readonly asked: number;
  /** It has come back since, so what comes now was sent again. */
  isResent: boolean;
  /** It said then that it still has what is missing, and nothing came since that can't be read. */
  isHeld: boolean;
};

export type IngestCounts = {
  batches: number;
  samples: number;
  duplicates: number;
  gaps: number;
  poison: number;
  shed: number;
  /** Values of unknown metrics or of a wrong type. */
  ignored: number;
  /** Events of devices kept, and those that were not: of another agent's device, or too many while nothing was written. */
  events: number;
  eventsDropped: number;
  commits: number;
  commitFailures: number;
  appendFailures: number;
};

export type IngestLag = {
  /** From a batch's arrival to the commit of what it meant: the longest since this was asked last, ms. */
  readonly commitMs: number;
  /** How long the oldest batch has waited for the time-series store, ms; 0 when none waits. */
  readonly queueMs: number;
  /** Agents whose batches were shed and that will be asked to send again. */
  readonly shedAgents: number;
  readonly failing: { readonly state: boolean; readonly timeseries: boolean };
};

export type IngestEvents = {
  onPoison(event: { site: string; agent: string; topic: string; reason: string }): void;
  onGap(gap: GapRecord): void;
  /** An agent's first word since the collector was restored: so much of it was acked after the backup. */
  onLostByRestore(gap: GapRecord): void;
  onStoreFailed(event: { store: "state" | "timeseries"; detail: string }): void;
  onStoreRecovered(event: { store: "state" | "timeseries" }): void;
  /** At a start: the time-series store is empty, and so many lanes of agents were judged before. */
  onSeriesGone(event: { lanes: number }): void;
  /** Inventory refused: devices that another agent owns. */
  onClaimRefused(event: { site: string; agent: string; devices: string[] }): void;
  /** An agent goes on in a new outbox, and the accounts of its earlier ones leave no room. Told once an epoch. */
  onEpochRefused(event: { site: string; agent: string; epoch: string }): void;
  /** An agent's clock is off by more than is tolerated; its times are shifted by as much. */
  onClockOff(event: { site: string; agent: string; offSeconds: number }): void;
};

export type IngestDeps = {
  readonly clock: Clock;
  readonly state: StateStore;
  readonly timeseries: TimeSeriesStore;
  readonly judge: Judge;
  readonly publish: (topic: string, payload: string) => void;
  /** Has the agent connect anew and send again what is not acked; `ack` asks for it where no connection can be cut. */
  readonly renew: (site: string, agent: string, ack: string) => void;
  /** All that was taken so far is committed, or of no use. */
  readonly onCommitted?: () => void;
  readonly events: IngestEvents;
  /** For tests: less than the queue for the time-series store has. */
  readonly queueBytesMax?: number;
  /** What all agents together may send of their history. */
  readonly historyBytesPerSecond?: number;
};

export type Ingest = {
  /** Restores watermarks; call once both stores are open. */
  start(): Promise<void>;
  onMessage(message: AgentMessage): void;
  /** A batch of the collector's own (its watch over the agents), through the same door. */
  accept(batch: TelemetryBatch): void;
  /** The last seq that either store has of a lane: the collector counts its own batches on from there. */
  lastSeq(lane: LaneKey): number;
  /** What an agent watches: kept, judged from now on; tried again while the state store can't be written. */
  setInventory(inventory: AgentInventory): void;
  /** The judge has something to commit that no batch brought: a tick, a person, a reload. */
  commitSoon(urgent: boolean): void;
  /** Commits at once what is pending; false when the state store can't be written (it is tried again). */
  commitNow(): boolean;
  /** Resolves when everything accepted so far is committed in both stores, or the stores can't. */
  flush(timeoutMs: number): Promise<boolean>;
  healthy(): { ok: boolean; reasons: string[] };
  readonly counts: IngestCounts;
  queueBytes(): number;
  /** Who sends history now, and how fast all together may. */
  history(): ReturnType<HistoryPace["figures"]>;
  /** How far it is behind. */
  lag(): IngestLag;
  skewMs(site: string, agent: string): number;
  /** Up to which seq an epoch's live lane was judged, and up to which the time-series store has it. */
  liveMarks(site: string, agent: string, epoch: string): { readonly judged: number; readonly stored: number };
  /** An agent's clock minus ours, within the tolerated minute too; null while nothing was heard of it. */
  clockOffsetMs(site: string, agent: string): number | null;
  /** What became of every batch (ledger.ts). */
  audit(filter: AuditFilter): DeliveryAudit;
  /** Each agent's deliveries in figures, by `site/agent`. */
  deliveries(): ReadonlyMap<string, AgentDelivery>;
  /** The stores came out of a backup; `lostBatches`: of agents that were heard since. Null: they never did. */
  restored(): (Restored & { readonly lostBatches: number }) | null;
  /** Devices that an agent names and another watches, as of its last inventory. */
  refusedClaims(site: string, agent: string): readonly string[];
  /** More than one process signs in as this agent. */
  isNameShared(site: string, agent: string): boolean;
  /** Nothing is taken of it: its ledger is full of epochs of which something is missing that nobody explained. */
  isEpochRefused(site: string, agent: string): boolean;
  /** Nothing more is taken of an agent until it signs in anew; its lanes stay known. */
  forget(site: string, agent: string): void;
  /** Explains all that is missing of an agent; how many spans. Throws when that can't be written. */
  explain(site: string, agent: string, note: { by: string; text: string }): number;
  stop(): void;
};

export function createIngest(deps: IngestDeps): Ingest {
  const { clock, state, timeseries, judge, publish, events } = deps;
  const counts: IngestCounts = {
    batches: 0,
    samples: 0,
    duplicates: 0,
    gaps: 0,
    poison: 0,
    shed: 0,
    ignored: 0,
    events: 0,
    eventsDropped: 0,
    commits: 0,
    commitFailures: 0,
    appendFailures: 0,
  };
  const agents = new Map<string, AgentState>();
  /** Watermarks of epochs that are not the present one, from the stores: an old epoch may come back with its file. */
  const known = new Map<string, LaneState>();

  const dirty = new Map<string, Watermark>();
  /** All that was stored was deleted, or can't be asked for: what is not there says nothing about what was. */
  let isSeriesGone = false;
  let restored: Restored | null = null;
  /** Agents that the backup knew, and that were not heard since it was restored. */
  const unheardSince = new Set<string>();
  const ledger = createLedger(({ site, agent, epoch, lane }) => {
    const present = agents.get(`${site}/${agent}`);
    const { series = 0 } =
      (present?.epoch === epoch ? present.lanes[lane] : known.get(laneKey(site, agent, epoch, lane))) ?? {};
    return series === 0 && isSeriesGone ? Number.POSITIVE_INFINITY : series;
  });
  let newEvents: DeviceEventRecord[] = [];
  const inventories = createInventories({
    clock,
    state,
    judge,
    setAside,
    onClaimRefused: events.onClaimRefused,
    onWritten: stateStoreWrote,
    onFailed: stateStoreFailed,
  });
  const removed = new Set<string>();
  const toAck = new Set<AgentState>();
  /** What the time-series store has committed, and the state store, by lane. */
  const stored = new Map<string, number>();
  const committed = new Map<string, number>();
  const queue = createSeriesQueue({
    clock,
    timeseries,
    ...(deps.queueBytesMax !== undefined && { bytesMax: deps.queueBytesMax }),
    tellEveryMs: HEARD_AFTER_MS,
    tell: sendAcks,
    onStored(batches) {
      for (const { site, agent, epoch, lane, seq } of batches) stored.set(laneKey(site, agent, epoch, lane), seq);
    },
    onFailed({ detail, isFirst }) {
      counts.appendFailures++;
      if (isFirst) events.onStoreFailed({ store: "timeseries", detail });
    },
    onRecovered: () => events.onStoreRecovered({ store: "timeseries" }),
  });
  const sharedNames = createSharedNames();
  const pace = createHistoryPace(deps.historyBytesPerSecond);
  let paceTimer: (() => void) | null = null;
  let commitTimer: (() => void) | null = null;
  let resendTimer: (() => void) | null = null;
  /** Who sends again what was shed, and since when. */
  const resending = new Map<AgentState, number>();
  /** Arrival of the oldest batch that no commit has. */
  let uncommittedSinceMs: number | null = null;
  let longestCommitMs = 0;
  let lastCommitMs = Number.NEGATIVE_INFINITY;
  let stateFailed: string | null = null;
  let stopped = false;

  const laneKey = (site: string, agent: string, epoch: string, lane: Lane) => `${site}/${agent}/${epoch}/${lane}`;

  function agentState(site: string, agent: string): AgentState | null {
    const key = `${site}/${agent}`;
    let found = agents.get(key);
    if (found === undefined) {
      if (agents.size >= AGENTS_MAX) return null;
      found = {
        site,
        agent,
        epoch: null,
        lanes: { live: freshLane(), history: freshLane() },
        acked: { live: -1, history: -1 },
        heard: -1,
        ackDue: false,
        historyTo: null,
        skewMs: 0,
        offsetMs: null,
        refusedEpoch: null,
        suspectedGap: null,
        mustResend: false,
        isAskedAgain: false,
        awaitedInventory: null,
      };
      agents.set(key, found);
    }
    return found;
  }

  /** The lanes of the epoch that an agent sends in; a new outbox file starts a new one. False when it has too many. */
  function useEpoch(agent: AgentState, epoch: string): boolean {
    if (agent.epoch === epoch) return true;
    if (!hasRoomFor(agent, epoch)) {
      if (agent.refusedEpoch !== epoch) events.onEpochRefused({ site: agent.site, agent: agent.agent, epoch });
      agent.refusedEpoch = epoch;
      return false;
    }
    agent.refusedEpoch = null;
    if (agent.epoch !== null) {
      for (const lane of ["live", "history"] as const) {
        const key = laneKey(agent.site, agent.agent, agent.epoch, lane);
        const { seen, isPresumed } = agent.lanes[lane];
        // Of which nothing came there is nothing to know, and there is no end of such epochs.
        const isKnown = (seen !== UNHEARD && !isPresumed) || committed.has(key) || stored.has(key);
        if (isKnown) known.set(key, agent.lanes[lane]);
      }
    }
    agent.epoch = epoch;
    agent.lanes = {
      live: known.get(laneKey(agent.site, agent.agent, epoch, "live")) ?? freshLane(),
      history: known.get(laneKey(agent.site, agent.agent, epoch, "history")) ?? freshLane(),
    };
    agent.acked = { live: -1, history: -1 };
    agent.heard = -1;
    if (agent.agent !== COLLECTOR_AGENT) ledger.useEpoch(agent.site, agent.agent, epoch);
    return true;
  }

  /** The collector's own epoch is one for ever, and has no account. */
  const hasRoomFor = ({ site, agent }: AgentState, epoch: string): boolean =>
    agent === COLLECTOR_AGENT ||
    ledger.makeRoom({ site, agent, epoch }, (lane, seq) => {
      const key = laneKey(site, agent, lane.epoch, lane.lane);
      return Math.min(committed.get(key) ?? 0, stored.get(key) ?? 0) >= seq;
    });

  /**
   * The status says where each lane of the outbox begins and ends. A lane of which nothing came yet then begins where
   * the outbox does, so that a second batch that overtakes the first on its way is seen to.
   */
  function onLanes(agent: AgentState, epoch: string, lanes: AnnouncedLanes): void {
    for (const lane of ["live", "history"] as const) {
      const { first, last } = lanes[lane];
      onRestored({ site: agent.site, agent: agent.agent, epoch, lane }, agent.lanes[lane], first);
      const known = agent.lanes[lane];
      if (known.seen === UNHEARD || (known.isPresumed && known.seen < first)) {
        known.state = Math.max(known.state, first - 1);
        known.series = Math.max(known.series, first - 1);
        known.seen = Math.min(known.state, known.series);
        known.isPresumed = true;
        // Of a lane that was judged before, nothing older waits for a time-series store that was lost.
        const key = laneKey(agent.site, agent.agent, epoch, lane);
        if (committed.has(key) && known.series > 0) {
          stored.set(key, known.series);
          rememberStored({ site: agent.site, agent: agent.agent, epoch, lane, seq: known.series });
        }
      }
      // Of an epoch that was folded and comes back, an account begins behind what the sums have.
      const { state } = agent.lanes[lane];
      const owed = { first: Math.max(first, state + 1), last: state > last ? 0 : last };
      ledger.announced({ site: agent.site, agent: agent.agent, epoch, lane }, owed, clock.now());
    }
  }

  /**
   * After a restore an agent has deleted what was acked since the backup: its first word says from where on it has a lane,
   * and what lies between that and our stores nobody sends again. Of an epoch that the backup did not know, that is all
   * before it, if the agent was known.
   */
  function onRestored(key: LaneKey, lane: LaneState, first: number): void {
    const heardAt = ledger.heardAt(key);
    const isUnheard =
      heardAt === null ? unheardSince.has(`${key.site}/${key.agent}`) : heardAt <= (restored?.restoredAt ?? 0);
    const toSeq = first - 1;
    // What nobody can ask for now counts as there.
    const storedSeq = lane.series === 0 && isSeriesGone ? lane.state : lane.series;
    if (restored === null || !isUnheard || toSeq <= Math.min(lane.state, storedSeq)) return;
    const gap: GapRecord = { ...key, fromSeq: storedSeq + 1, toSeq, at: clock.now(), reason: lossReason(restored) };
    ledger.restored(gap, storedSeq);
    if (gap.fromSeq <= toSeq) events.onLostByRestore(gap);
    if (toSeq > lane.state) dirty.set(laneKey(key.site, key.agent, key.epoch, key.lane), { ...key, seq: toSeq });
    if (toSeq > lane.series) rememberStored({ ...key, seq: toSeq });
    lane.state = Math.max(lane.state, toSeq);
    lane.series = Math.max(lane.series, toSeq);
    lane.seen = Math.min(lane.state, lane.series);
  }

  /** Outbox files that were set aside: what they held never comes, and is told as missing. */
  function onFormer(agent: AgentState, former: readonly FormerOutbox[]): void {
    for (const { epoch, lanes = UNKNOWN_CONTENT, renumbered } of former) {
      const keys = LANES.map((lane) => ({ site: agent.site, agent: agent.agent, epoch, lane }));
      const isEmpty = lanes.live.last === 0 && lanes.history.last === 0;
      if (epoch === agent.epoch || isEmpty || !hasRoomFor(agent, epoch)) continue;
      if (renumbered === true) {
        const isKnown = keys.some((key) => known.has(laneKey(agent.site, agent.agent, epoch, key.lane)));
        for (const key of isKnown ? keys : []) onRenumbered(key, lanes[key.lane].last);
        continue;
      }
      for (const key of keys) {
        const { first, last } = lanes[key.lane];
        // Of an epoch that was folded, an account begins behind what the sums have.
        const { state = 0 } = known.get(laneKey(agent.site, agent.agent, epoch, key.lane)) ?? {};
        ledger.setAside(key, { first: Math.max(first, state + 1), last }, clock.now());
      }
    }
  }

  /**
   * What a file held that turned out to be an old copy comes under the numbers of another epoch. One more copy of it may
   * come back with the old ones, and rows that are stored by then: it hears of a number that it never gave, which tells an
   * agent that its file is a copy, and that what it held when it was opened is safe (docs/wire.md).
   */
  function onRenumbered(key: LaneKey, last: number): void {
    const name = laneKey(key.site, key.agent, key.epoch, key.lane);
    if ((known.get(name)?.state ?? 0) > last) return;
    ledger.renumbered(key);
    const mark = { ...key, seq: last + 1 };
    const series = Math.max(mark.seq, known.get(name)?.series ?? 0);
    known.set(name, { seen: mark.seq, state: mark.seq, series, isPresumed: false });
    dirty.set(name, mark);
    stored.set(name, series);
    rememberStored(mark);
  }

  /**
   * All of a lane up to there was stored once, though the data is gone: the new file says so, too, or the next start would
   * take it for lost. Where the queue has no room for it, this run still knows.
   */
  function rememberStored({ site, agent, epoch, lane, seq }: Watermark): void {
    const at = clock.now();
    const message: Telemetry = { v: WIRE_VERSION, epoch, lane, seq, sentAt: at, base: at, subjects: [], tables: [] };
    queue.offer({ site, agent, epoch, lane, seq, skewMs: 0, message }, OWN_PAYLOAD.length);
  }

  /**
   * What the time-series store has; null while nobody can say. Agents then begin where their outboxes do, which is behind
   * what was acked, and the store drops what it finds it has had once it is there.
   */
  async function storedMarks(): Promise<Watermark[] | null> {
    try {
      return await timeseries.watermarks();
    } catch (thrown) {
      if (!isForNow(thrown)) throw thrown;
      events.onStoreFailed({ store: "timeseries", detail: errorText(thrown) });
      return null;
    }
  }

  /** Of an epoch that its agent has left nobody will say any more what was acked: what was judged counts as stored. */
  function rememberEarlierEpochs(
    judged: readonly Watermark[],
    epochs: readonly { readonly site: string; readonly agent: string; readonly epoch: string | null }[],
  ): void {
    const present = new Map(epochs.map(({ site, agent, epoch }) => [`${site}/${agent}`, epoch]));
    for (const mark of judged) {
      const { site, agent, epoch, lane, seq } = mark;
      const now = present.get(`${site}/${agent}`);
      // An agent whose status was never written, or that was taken out: it may still hold all of it.
      if (now === undefined || now === null || now === epoch) continue;
      const key = laneKey(site, agent, epoch, lane);
      known.set(key, { ...(known.get(key) ?? freshLane()), series: seq });
      rememberStored(mark);
    }
  }

  function onTelemetry(message: AgentMessage): void {
    const decoded = decodeTelemetry(message.payload);
    if (!decoded.ok) {
      // What it has and we can't read: asking again brings the same.
      const { suspectedGap = null } = agents.get(`${message.site}/${message.agent}`) ?? {};
      if (suspectedGap !== null) suspectedGap.isHeld = false;
      setAside(message, `${decoded.error.kind}: ${decoded.error.detail}`);
      return;
    }
    const agent = agentState(message.site, message.agent);
    if (agent === null) {
      setAside(message, `more than ${AGENTS_MAX} agents`);
      return;
    }
    const { message: telemetry, ignored } = knownValues(decoded.value);
    counts.ignored += ignored;
    if (useEpoch(agent, telemetry.epoch)) take(agent, telemetry, message);
    else setAside(message, `more than ${EPOCHS_PER_AGENT_MAX} epochs`);
  }

  function take(agent: AgentState, message: Telemetry, source: AgentMessage): void {
    const lane = agent.lanes[message.lane];
    const { seq } = message;
    const expected = lane.seen + 1;
    let isGap = false;
    const { dropped = [] } = message;
    const seriesBefore = lane.series;
    if (lane.seen === UNHEARD) {
      // The first of this lane that we hear: whatever was before was acked by stores that are gone.
      lane.state = Math.max(lane.state, seq - 1);
      lane.series = Math.max(lane.series, seq - 1);
    } else if (seq > expected) {
      // It is about to send everything again, in order: what comes out of order meanwhile is not taken at all.
      if (agent.mustResend && !standsFor(message, expected)) {
        counts.shed++;
        return;
      }
      // A full outbox says itself what it had to drop; that is no hole.
      if (standsFor(message, expected)) {
        if (lane.series === expected - 1) lane.series = seq - 1;
      } else if (acceptGap(agent, message, expected)) isGap = true;
      else return;
    }
    const before = lane.state;
    const needsState = seq > before;
    const needsSeries = seq > lane.series;
    if (seq > lane.seen) lane.seen = seq;
    lane.isPresumed = false;
    if (!needsState && !needsSeries) {
      counts.duplicates++;
      ledger.repeated(laneOf(agent, message));
      dueAck(agent);
      return;
    }
    const batch: TelemetryBatch = {
      site: agent.site,
      agent: agent.agent,
      epoch: message.epoch,
      lane: message.lane,
      seq,
      message,
      skewMs: skewOf(agent, message),
    };
    if (needsState) {
      counts.batches++;
      counts.samples += sampleCount(message);
      const urgent = observe(batch, source);
      const hasEvents = keepEvents(batch);
      lane.state = seq;
      uncommittedSinceMs ??= clock.monotonic();
      account(batch, before, isGap);
      dirty.set(laneKey(agent.site, agent.agent, message.epoch, message.lane), { ...laneOf(agent, message), seq });
      toAck.add(agent);
      // The page fetches a device when its values moved, and must find their events then.
      commitSoon(urgent || (hasEvents && message.lane === "live"));
    }
    if (!needsState && dropped.length > 0) {
      const fromSeq = Math.min(seq, Math.max(dropped[0]?.fromSeq ?? seq, seriesBefore + 1));
      ledger.thinnedSince(
        laneOf(agent, message),
        { fromSeq, seq, dropped, hasContent: hasContent(message) },
        clock.now(),
      );
      commitSoon(false);
    }
    if (needsSeries) enqueue(agent, lane, batch, source.payload.byteLength);
    // Judged before and sent again: its agent has to hear where it stands, whether it is stored now or shed once more.
    if (!needsState) dueAck(agent);
  }

  function account(batch: TelemetryBatch, before: number, isGap: boolean): void {
    const { message, seq, skewMs, agent } = batch;
    if (agent === COLLECTOR_AGENT) return;
    const { dropped = [] } = message;
    const isLate = clock.now() - (latestAt(message) + skewMs) > LATE_MS;
    const samples = sampleCount(message);
    ledger.taken(batch, { seq, before, samples, isLate, isGap, dropped, hasContent: hasContent(message) }, clock.now());
  }

  /** Of both lanes: what happened while the uplink was down is what one looks for afterwards. */
  function keepEvents({ site, agent, message, skewMs }: TelemetryBatch): boolean {
    const before = newEvents.length;
    const now = clock.now();
    const owners = new Map<string, string | null>();
    for (const { subject, at, code, detail } of message.events ?? []) {
      const { device, component } = splitSubject(subject);
      if (!owners.has(device)) owners.set(device, judge.live.device(site, device)?.agent ?? null);
      // A device that is not known yet may come with the next inventory.
      const isForeign = (owners.get(device) ?? agent) !== agent;
      if (isForeign || newEvents.length >= EVENTS_PENDING_MAX) {
        counts.eventsDropped++;
        continue;
      }
      counts.events++;
      newEvents.push({ site, device, component, at: Math.min(at + skewMs, now), code, detail, recordedAt: now });
    }
    return newEvents.length > before;
  }

  /** A bug that one message brings out must not end the collector, for the message would come again after each start. */
  function observe(batch: TelemetryBatch, source: AgentMessage): boolean {
    try {
      if (batch.lane === "live") return judge.observe(batch);
      // What was stored while the uplink was down does not move the present.
      judge.observeLate(batch);
      return false;
    } catch (thrown) {
      setAside(source, `a bug: stored, but not judged: ${thrown instanceof Error ? thrown.stack : errorText(thrown)}`);
      return true;
    }
  }

  /**
   * What is added to a message's times. Nothing is from the future: one such reading (a clock that had been ahead while
   * it was taken) would make every later one of its device look late.
   */
  function skewOf(agent: AgentState, message: Telemetry): number {
    const aheadMs = latestAt(message) + agent.skewMs - clock.now();
    if (aheadMs <= SKEW_TOLERATED_MS) return agent.skewMs;
    events.onClockOff({ site: agent.site, agent: agent.agent, offSeconds: Math.round(aheadMs / 1_000) });
    return agent.skewMs - aheadMs;
  }

  /**
   * A hole in the numbers. The agent is made to send again from its last ack, and as long as it says that it still has
   * what is missing, again. What it has no more, or what can't be read, is lost for good and the ledger says so, for a
   * lane must not stand still for ever.
   */
  function acceptGap(agent: AgentState, { epoch, lane: name, seq }: Telemetry, expected: number): boolean {
    const at = `${epoch}/${name}/${expected}`;
    const known = agent.suspectedGap?.at === at ? agent.suspectedGap : null;
    if (known === null || !known.isResent || (known.isHeld && known.asked < GAP_ASKED_MAX)) {
      const isNewAsk = known === null || known.isResent;
      const asked = (known?.asked ?? 0) + (isNewAsk ? 1 : 0);
      agent.suspectedGap = { at, lane: name, toSeq: seq - 1, asked, isResent: false, isHeld: false };
      askAgain(agent);
      return false;
    }
    agent.suspectedGap = null;
    const record: GapRecord = {
      ...{ site: agent.site, agent: agent.agent, epoch, lane: name },
      ...{ fromSeq: expected, toSeq: seq - 1, at: clock.now() },
      reason: "never arrived, also not after a resend",
    };
    const lane = agent.lanes[name];
    if (lane.series === expected - 1) lane.series = seq - 1;
    counts.gaps++;
    ledger.lost(record);
    events.onGap(record);
    return true;
  }

  function enqueue(agent: AgentState, lane: LaneState, batch: TelemetryBatch, bytes: number): void {
    // The store's watermark says that everything up to it is there, so a batch never overtakes one that was shed.
    const overtakes = batch.seq > lane.series + 1;
    if (agent.mustResend || overtakes || !queue.offer(batch, bytes)) {
      counts.shed++;
      // Of the collector's own nobody has a copy: that look is missing in the charts, and the next one comes soon.
      if (agent.agent === COLLECTOR_AGENT) return;
      agent.mustResend = true;
      resendTimer ??= clock.after(RESEND_EVERY_MS, askToResend);
      return;
    }
    lane.series = batch.seq;
    toAck.add(agent);
  }

  /** Where there is room again, some of those whose batches were shed send them again, from their last ack. */
  function askToResend(): void {
    const nowMs = clock.monotonic();
    for (const [agent, sinceMs] of resending) {
      const isThrough = Object.values(agent.lanes).every(({ seen, state }) => seen >= state);
      if (agent.mustResend || isThrough || nowMs - sinceMs >= RESEND_MS_MAX) resending.delete(agent);
    }
    const waiting = [...agents.values()].filter(({ mustResend }) => mustResend);
    resendTimer = waiting.length > 0 && !stopped ? clock.after(RESEND_EVERY_MS, askToResend) : null;
    if (queue.failure() !== null || queue.share() > 1 / 2) return;
    for (const agent of waiting.slice(0, RESENDING_MAX - resending.size)) {
      agent.mustResend = false;
      for (const lane of Object.values(agent.lanes)) lane.seen = Math.min(lane.state, lane.series);
      resending.set(agent, nowMs);
      askAgain(agent);
    }
  }

  /** Once, until it says how it is: what was on its way already comes between. */
  function askAgain(agent: AgentState): void {
    if (agent.isAskedAgain) return;
    agent.isAskedAgain = true;
    deps.renew(agent.site, agent.agent, JSON.stringify({ ...ackOf(agent), again: true }));
  }

  function commitSoon(urgent: boolean): void {
    if (stopped) return;
    const waited = clock.monotonic() - lastCommitMs;
    const delayMs = urgent ? 0 : Math.max(0, COMMIT_INTERVAL_MS - waited);
    if (commitTimer !== null) {
      if (!urgent) return;
      commitTimer();
    }
    commitTimer = clock.after(delayMs, commit);
  }

  function commit(): void {
    commitTimer = null;
    if (!inventories.saveWaiting()) return;
    const pending = judge.takePending();
    const accounts = ledger.pending();
    const change: Commit = {
      ...pending.change,
      watermarks: [...dirty.values()],
      deviceEvents: newEvents,
      gaps: accounts.gaps,
      ledger: accounts.lanes,
      folded: accounts.folded,
      forgotten: accounts.forgotten,
      thinned: accounts.thinned,
    };
    if (dirty.size === 0 && !ledger.hasPending && pending.empty) {
      deps.onCommitted?.();
      sendAcks();
      return;
    }
    lastCommitMs = clock.monotonic();
    try {
      state.commit({ ...change, facts: pending.facts() });
    } catch (thrown) {
      counts.commitFailures++;
      pending.putBack();
      stateStoreFailed(thrown);
      return;
    }
    counts.commits++;
    for (const [key, { seq }] of dirty) committed.set(key, seq);
    dirty.clear();
    for (const epoch of accounts.forgotten) forgetEpoch(epoch);
    if (uncommittedSinceMs !== null) longestCommitMs = Math.max(longestCommitMs, lastCommitMs - uncommittedSinceMs);
    uncommittedSinceMs = null;
    ledger.committed();
    newEvents = [];
    stateStoreWrote();
    pending.announce();
    deps.onCommitted?.();
    sendAcks();
  }

  /** What comes of it counts as new; the time-series store still knows by itself what it has of it. */
  function forgetEpoch({ site, agent, epoch }: FoldedEpoch): void {
    for (const lane of LANES) {
      const key = laneKey(site, agent, epoch, lane);
      for (const map of [known, committed, stored]) map.delete(key);
    }
  }

  /** Lanes that only the time-series store still knows, of agents that have so many epochs that some were forgotten. */
  function forgottenOf(
    epochs: readonly { readonly site: string; readonly agent: string; readonly epoch: string | null }[],
  ): (lane: LaneKey) => boolean {
    const present = new Map(epochs.map(({ site, agent, epoch }) => [`${site}/${agent}`, epoch]));
    const sums = state.ledger().filter(({ epoch }) => epoch === FOLDED_EPOCH);
    const withSums = new Set(sums.map(({ site, agent }) => `${site}/${agent}`));
    return ({ site, agent, epoch, lane }) =>
      withSums.has(`${site}/${agent}`) &&
      present.get(`${site}/${agent}`) !== epoch &&
      !committed.has(laneKey(site, agent, epoch, lane));
  }

  function stateStoreWrote(): void {
    if (stateFailed === null) return;
    stateFailed = null;
    events.onStoreRecovered({ store: "state" });
  }

  function stateStoreFailed(thrown: unknown): void {
    if (stateFailed === null) events.onStoreFailed({ store: "state", detail: errorText(thrown) });
    stateFailed = errorText(thrown);
    commitTimer?.();
    commitTimer = clock.after(RETRY_MS, commit);
  }

  const safe = (agent: AgentState, lane: Lane): number => {
    const key = laneKey(agent.site, agent.agent, agent.epoch ?? "", lane);
    return Math.min(committed.get(key) ?? 0, stored.get(key) ?? 0);
  };

  /** Up to where an agent need not wait for acks: what is stored, or, while that takes its time, what was judged. */
  function heardOf(agent: AgentState, stored: number): number {
    const { seen, state } = agent.lanes.live;
    const isSlow = queue.waitedMs() >= (seen < state ? HEARD_AFTER_RESEND_MS : HEARD_AFTER_MS);
    if (!isSlow && queue.failure() === null && !agent.mustResend) return stored;
    return committed.get(laneKey(agent.site, agent.agent, agent.epoch ?? "", "live")) ?? 0;
  }

  function dueAck(agent: AgentState): void {
    agent.ackDue = true;
    toAck.add(agent);
    commitSoon(false);
  }

  const agentKey = ({ site, agent }: AgentState): string => `${site}/${agent}`;

  function onHistory(agent: AgentState, { first, last }: { first: number; last: number }): void {
    agent.historyTo = last;
    if (first <= last && last > safe(agent, "history")) pace.owes(agentKey(agent));
    else pace.settled(agentKey(agent));
  }

  function paceHistory(lastMs: number): void {
    const nowMs = clock.monotonic();
    const pressure = {
      queueShare: queue.share(),
      queueMs: queue.waitedMs(),
      commitMs: uncommittedSinceMs === null ? 0 : nowMs - uncommittedSinceMs,
      loopMs: nowMs - lastMs - PACE_MS,
    };
    for (const key of pace.step(nowMs, pressure)) {
      const agent = agents.get(key);
      if (agent !== undefined) dueAck(agent);
    }
    paceTimer = clock.after(PACE_MS, () => paceHistory(nowMs));
  }

  function sendAcks(): void {
    for (const agent of toAck) {
      if (agent.epoch === null) {
        toAck.delete(agent);
        continue;
      }
      const live = safe(agent, "live");
      const history = safe(agent, "history");
      const heard = heardOf(agent, live);
      if (agent.ackDue || live > agent.acked.live || history > agent.acked.history || heard > agent.heard) {
        agent.acked = { live, history };
        agent.heard = heard;
        agent.ackDue = false;
        if (agent.historyTo !== null && history >= agent.historyTo) pace.settled(agentKey(agent));
        publish(ackTopic(agent.site, agent.agent), JSON.stringify(ackOf(agent)));
      }
      if (live >= agent.lanes.live.seen && history >= agent.lanes.history.seen) toAck.delete(agent);
    }
  }

  function ackOf(agent: AgentState): Ack {
    const live = safe(agent, "live");
    const heard = heardOf(agent, live);
    const historyBytesPerSecond = agent.historyTo === null ? UNASKED_BYTES_PER_SECOND : pace.grantOf(agentKey(agent));
    return {
      ...{ v: WIRE_VERSION, epoch: agent.epoch ?? "", live, history: safe(agent, "history") },
      ...{ grant: { historyBytesPerSecond }, at: clock.now() },
      ...(heard > live && { heard }),
    };
  }

  /** An inventory that was dropped on its way is asked for, once it can't be on it any more. */
  function checkInventory(agent: AgentState, revision: number): void {
    if (inventories.revision(agent.site, agent.agent) === revision) {
      agent.awaitedInventory = null;
      return;
    }
    const nowMs = clock.monotonic();
    if (agent.awaitedInventory?.revision !== revision) {
      agent.awaitedInventory = { revision, sinceMs: nowMs, asked: 0 };
      return;
    }
    const { sinceMs, asked } = agent.awaitedInventory;
    if (nowMs - sinceMs < INVENTORY_AWAITED_MS || asked >= INVENTORY_ASKED_MAX) return;
    agent.awaitedInventory.asked++;
    askAgain(agent);
  }

  function measureClock(agent: AgentState, sentAt: number): void {
    const offMs = clock.now() - sentAt;
    agent.offsetMs = 0 - offMs;
    agent.skewMs = Math.abs(offMs) > SKEW_TOLERATED_MS ? offMs : 0;
    if (agent.skewMs !== 0)
      events.onClockOff({ site: agent.site, agent: agent.agent, offSeconds: Math.round(-offMs / 1_000) });
  }

  function onStatus(message: AgentMessage): void {
    const decoded = decodeStatus(message.payload);
    if (!decoded.ok) {
      setAside(message, `${decoded.error.kind}: ${decoded.error.detail}`);
      return;
    }
    const agent = agentState(message.site, message.agent);
    if (agent === null) return;
    const status = decoded.value;
    if (status.state === "online" && message.waited === "retained") {
      // It may be as old as can be. The agent hears where it stands, and if it is there it says how it is.
      if (useEpoch(agent, status.epoch)) dueAck(agent);
      return;
    }
    if (status.state === "online") {
      agent.isAskedAgain = false;
      if (message.waited === undefined) measureClock(agent, status.sentAt);
      const { startedAt, host = "" } = status;
      sharedNames.heard(agentKey(agent), { startedAt, host }, clock.monotonic());
      const { suspectedGap } = agent;
      if (suspectedGap !== null) {
        const first = status.outbox?.lanes?.[suspectedGap.lane].first ?? Number.POSITIVE_INFINITY;
        suspectedGap.isResent = true;
        suspectedGap.isHeld = first <= suspectedGap.toSeq;
      }
      if (!useEpoch(agent, status.epoch)) {
        setAside(message, `more than ${EPOCHS_PER_AGENT_MAX} epochs`);
        // What is taken of it or not: people see that it is there, and why it counts for nothing.
        judge.setStatus(message.site, message.agent, status);
        commitSoon(true);
        return;
      }
      if (status.outbox?.lanes !== undefined) {
        const { live, history } = status.outbox.lanes;
        onLanes(agent, status.epoch, status.outbox.lanes);
        unheardSince.delete(agentKey(agent));
        onHistory(agent, history);
        const seqs = {
          ...{ tailSeq: live.last, hadTailSeq: agent.lanes.live.state },
          ...{ toSeq: history.last, hadSeq: agent.lanes.history.state },
          isMemory: status.outbox.inMemory !== undefined,
        };
        judge.resume({ site: agent.site, agent: agent.agent, epoch: status.epoch }, seqs);
      }
      onFormer(agent, status.outbox?.former ?? []);
      if (status.inventoryRevision !== undefined) checkInventory(agent, status.inventoryRevision);
      // It may have missed acks while it was away: say again where it stands.
      dueAck(agent);
    }
    if (status.state === "offline") pace.settled(agentKey(agent));
    judge.setStatus(message.site, message.agent, status);
    commitSoon(true);
  }

  /** What an agent that was taken out still had on its way; its next session begins with a status that is online. */
  function isRemoved({ site, agent, channel, payload }: AgentMessage): boolean {
    const key = `${site}/${agent}`;
    if (!removed.has(key)) return false;
    const status = channel === "status" ? decodeStatus(payload) : null;
    if (status?.ok !== true || status.value.state !== "online") return true;
    removed.delete(key);
    return false;
  }

  function onInventory(message: AgentMessage): void {
    if (agentState(message.site, message.agent) !== null && inventories.take(message)) commitSoon(true);
  }

  function setInventory(inventory: AgentInventory): void {
    if (inventories.set(inventory)) commitSoon(true);
  }

  function setAside(message: AgentMessage, reason: string): void {
    counts.poison++;
    events.onPoison({ site: message.site, agent: message.agent, topic: message.topic, reason });
    try {
      state.addPoison({
        site: message.site,
        agent: message.agent,
        topic: message.topic,
        at: clock.now(),
        reason,
        bytes: message.payload,
      });
    } catch (thrown) {
      events.onStoreFailed({ store: "state", detail: errorText(thrown) });
    }
  }

  return {
    counts,
    commitSoon,
    commitNow() {
      commitTimer?.();
      commit();
      return stateFailed === null;
    },
    queueBytes: queue.bytes,
    history: () => pace.figures(),
    setInventory,
    lastSeq({ site, agent, epoch, lane }) {
      const key = laneKey(site, agent, epoch, lane);
      return Math.max(committed.get(key) ?? 0, stored.get(key) ?? 0);
    },
    audit: (filter) =>
      ledger.audit(filter, (lane) => stored.get(laneKey(lane.site, lane.agent, lane.epoch, lane.lane)) ?? 0),
    deliveries: () => ledger.byAgent(),
    restored: () => (restored === null ? null : { ...restored, lostBatches: ledger.lostByRestores() }),
    refusedClaims: inventories.refusedClaims,
    isNameShared: (site, agent) => sharedNames.isShared(`${site}/${agent}`, clock.monotonic()),
    isEpochRefused: (site, agent) => (agents.get(`${site}/${agent}`)?.refusedEpoch ?? null) !== null,
    forget(site, agent) {
      const key = `${site}/${agent}`;
      // Its will comes after this; only a new session, signed in with a new password, makes it an agent again.
      removed.add(key);
      pace.settled(key);
      sharedNames.forget(key);
      ledger.forget(site, agent);
      inventories.forget(site, agent);
    },
    explain(site, agent, note) {
      const notes = ledger.notesFor(site, agent, { ...note, at: clock.now() });
      if (notes.length > 0) state.addGapNotes(notes);
      ledger.explained(notes);
      return notes.length;
    },
    lag() {
      const nowMs = clock.monotonic();
      const commitMs = Math.max(longestCommitMs, uncommittedSinceMs === null ? 0 : nowMs - uncommittedSinceMs);
      longestCommitMs = 0;
      return {
        commitMs,
        queueMs: queue.waitedMs(),
        shedAgents: [...agents.values()].filter(({ mustResend }) => mustResend).length,
        failing: { state: stateFailed !== null, timeseries: queue.failure() !== null },
      };
    },
    skewMs: (site, agent) => agents.get(`${site}/${agent}`)?.skewMs ?? 0,
    liveMarks(site, agent, epoch) {
      const key = laneKey(site, agent, epoch, "live");
      const present = agents.get(`${site}/${agent}`);
      const lane = present?.epoch === epoch ? present.lanes.live : known.get(key);
      return { judged: lane?.isPresumed === false ? lane.state : 0, stored: stored.get(key) ?? 0 };
    },
    clockOffsetMs: (site, agent) => agents.get(`${site}/${agent}`)?.offsetMs ?? null,

    async start() {
      restored = restoredOf(state.document(RESTORED_DOCUMENT));
      for (const { site, agent, lastSeenAt } of state.agents())
        if (lastSeenAt <= (restored?.restoredAt ?? 0)) unheardSince.add(`${site}/${agent}`);
      for (const { site, agent, epoch, lane, seq } of state.watermarks()) {
        const key = laneKey(site, agent, epoch, lane);
        committed.set(key, seq);
        known.set(key, { ...freshLane(), seen: seq, state: seq });
      }
      const read = await storedMarks();
      const marks = read ?? [];
      const judged = state.watermarks().filter(({ agent }) => agent !== COLLECTOR_AGENT);
      isSeriesGone = marks.length === 0 && judged.length > 0;
      if (isSeriesGone && read !== null) events.onSeriesGone({ lanes: judged.length });
      const epochs = state.agents().map(({ site, agent, status }) => ({ site, agent, epoch: status?.epoch ?? null }));
      const isForgotten = forgottenOf(epochs);
      for (const { site, agent, epoch, lane, seq } of marks) {
        const key = laneKey(site, agent, epoch, lane);
        if (isForgotten({ site, agent, epoch, lane })) continue;
        stored.set(key, seq);
        const lanes = known.get(key) ?? freshLane();
        known.set(key, { ...lanes, series: seq });
      }
      if (isSeriesGone && read !== null) rememberEarlierEpochs(judged, epochs);
      ledger.restore({
        lanes: state.ledger(),
        gaps: state.gaps(),
        thinned: state.thinned(),
        notes: state.gapNotes(),
        folded: state.foldedEpochs(),
        epochs,
      });
      paceHistory(clock.monotonic() - PACE_MS);
      // The next batch to be expected is the one after what both have; each store drops what it has had.
      for (const lane of known.values()) {
        lane.seen = lane.state === 0 || lane.series === 0 ? UNHEARD : Math.min(lane.state, lane.series);
      }
    },

    onMessage(message) {
      if (stopped || isRemoved(message)) return;
      if (message.channel === "telemetry") onTelemetry(message);
      else if (message.channel === "status") onStatus(message);
      else if (message.channel === "inventory") onInventory(message);
    },

    accept(batch) {
      const agent = agentState(batch.site, batch.agent);
      if (agent === null || !useEpoch(agent, batch.epoch)) return;
      // Nobody sends these again, so nothing before them is waited for.
      const before = batch.seq - 1;
      agent.mustResend = false;
      agent.lanes[batch.lane] = { seen: before, state: before, series: before, isPresumed: false };
      const { site, agent: name } = batch;
      take(agent, batch.message, { site, agent: name, channel: "telemetry", part: 0, topic: "", payload: OWN_PAYLOAD });
    },

    async flush(timeoutMs) {
      const deadline = clock.monotonic() + timeoutMs;
      while (clock.monotonic() < deadline) {
        if (commitTimer !== null) {
          commitTimer();
          commit();
        }
        if (queue.isIdle() && stateFailed === null) return true;
        await new Promise<void>((resolve) => clock.after(10, resolve));
      }
      return false;
    },

    healthy() {
      const reasons: string[] = [];
      if (stateFailed !== null) reasons.push(`state store: ${stateFailed}`);
      const seriesFailed = queue.failure();
      if (seriesFailed !== null) reasons.push(`time-series store: ${seriesFailed}`);
      return { ok: reasons.length === 0, reasons };
    },

    stop() {
      stopped = true;
      queue.stop();
      commitTimer?.();
      resendTimer?.();
      paceTimer?.();
    },
  };
}

/** It carries readings, failures or events, and does not only say what was dropped. */
const hasContent = ({ tables, failures = [], events = [] }: Telemetry): boolean =>
  tables.length + failures.length + events.length > 0;

/** When the newest reading was taken, by the agent's clock. */
function latestAt({ base, tables }: Telemetry): number {
  let latest = 0;
  for (const { at } of tables) for (let row = 0; row < at.length; row++) latest = Math.max(latest, at[row] ?? 0);
  return base + latest;
}

const freshLane = (): LaneState => ({ seen: UNHEARD, state: 0, series: 0, isPresumed: false });

const laneOf = (agent: AgentState, message: Telemetry) => ({
  site: agent.site,
  agent: agent.agent,
  epoch: message.epoch,
  lane: message.lane,
});

/** Does this batch report that everything from `expected` up to itself was dropped at the agent? */
const standsFor = ({ seq, dropped = [] }: Telemetry, expected: number): boolean =>
  dropped.some(({ fromSeq, toSeq }) => fromSeq <= expected && toSeq === seq);
