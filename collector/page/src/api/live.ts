/**
 * The one live store of the page: a stream of events, the state fetched to go with it, and the health of both. React
 * reads it through useSyncExternalStore; everything it touches outside comes in as `World`, so tests drive it by hand.
 * A stream that breaks is taken up after the last event that arrived. Where that can't be (the first time, after a restart
 * of the collector, after a long absence) the open incidents are fetched whole: the board is never wrong.
 */
import type { Answer, Api, IncidentQuery } from "./client.ts";
import { type Connection, failed, heard, retryDelayMs, SILENCE_MAX_MS } from "./connection.ts";
import { arrived, fetched, type Incidents, KEPT_MAX, NO_INCIDENTS } from "./incidents.ts";
import { readStreamEvent } from "./stream.ts";
import type { Incident, Me, Overview, StreamEvent } from "./types.ts";

export type LiveState = {
  readonly connection: Connection;
  readonly incidents: Incidents;
  /** Have the open incidents been fetched at least once? Until then an empty board means nothing. */
  readonly synced: boolean;
  readonly overview: Overview | null;
  readonly me: Me | null;
  readonly signedOut: boolean;
  /** Collector's clock minus this machine's: ages are told in the collector's time. */
  readonly clockOffsetMs: number;
};

export type World = {
  readonly api: Api;
  /**
   * Opens /api/v1/stream, after the event with this id when there is one; the returned function closes it. Calls nothing
   * after that. `id` is of the last event that had one, or empty.
   */
  readonly openStream: (
    handlers: { onData: (data: string, id: string) => void; onError: () => void },
    after: string | null,
  ) => () => void;
  readonly now: () => number;
  /** Calls back once; the returned function cancels. */
  readonly after: (delayMs: number, callback: () => void) => () => void;
};

export type Live = {
  readonly get: () => LiveState;
  readonly subscribe: (listener: () => void) => () => void;
  /** Every event of the stream, for views that fetch what an event names. */
  readonly onEvent: (listener: (event: StreamEvent) => void) => () => void;
  readonly start: () => void;
  readonly stop: () => void;
  /** An incident that an action or a detail request brought. */
  readonly put: (incident: Incident) => void;
  /** Fetches incidents that the open list does not hold (resolved, closed). Resolves to how many match in all. */
  readonly search: (query: IncidentQuery) => Promise<Answer<number>>;
  /** Tells the store what a failed request found out. */
  readonly signedOut: () => void;
};

/** Events of a storm are applied together, so that the board renders once; the first after a pause waits for its like only. */
const BATCH_MS = 50;
const FIRST_BATCH_MS = 4;
const OVERVIEW_EVERY_MS = 5_000;
const PAGE_SIZE = 1_000;
const PAGES_MAX = KEPT_MAX / PAGE_SIZE;

const START: LiveState = {
  connection: { phase: "connecting" },
  incidents: NO_INCIDENTS,
  synced: false,
  overview: null,
  me: null,
  signedOut: false,
  clockOffsetMs: 0,
};

export function createLive(world: World): Live {
  let state = START;
  const listeners = new Set<() => void>();
  const eventListeners = new Set<(event: StreamEvent) => void>();
  const nothing = () => undefined;
  let running = false;
  /** Counts starts, so that an answer that belongs to an earlier life changes nothing. */
  let life = 0;
  let closeStream: () => void = nothing;
  let cancelWatchdog: () => void = nothing;
  let cancelRetry: () => void = nothing;
  let cancelOverview: () => void = nothing;
  let cancelBatch: (() => void) | null = null;
  let batch: Incident[] = [];
  let flushedAt = 0;
  let syncing = false;
  let syncAgain = false;
  /** What was fetched is not all there is, or nothing was yet. */
  let mustSync = true;
  /** Id of the last event that arrived: where to go on. */
  let position: string | null = null;

  function set(change: Partial<LiveState>): void {
    state = { ...state, ...change };
    for (const listener of listeners) listener();
  }

  function open(): void {
    closeStream();
    watch();
    closeStream = world.openStream({ onData, onError: lose }, position);
  }

  /** A stream that says nothing for too long is lost, however open its socket looks. */
  function watch(): void {
    cancelWatchdog();
    cancelWatchdog = world.after(SILENCE_MAX_MS, lose);
  }

  function lose(): void {
    if (!running) return;
    closeStream();
    closeStream = nothing;
    cancelWatchdog();
    set({ connection: failed(state.connection, world.now()) });
    cancelRetry();
    cancelRetry = world.after(retryDelayMs(state.connection), connect);
  }

  /** Asks who we are before it opens the stream: an EventSource can't tell a refusal from a broken line. */
  async function connect(): Promise<void> {
    const mine = life;
    const me = await world.api.me();
    if (!running || mine !== life) return;
    if (me.ok) {
      set({ me: me.value });
      open();
    } else if (me.error.kind === "signed_out") {
      leave();
    } else {
      lose();
    }
  }

  function onData(data: string, id: string): void {
    const isFirst = position === null;
    // Also of what this page does not know: it is not to come again.
    if (id !== "") position = id;
    const event = readStreamEvent(data);
    if (event === null) return;
    watch();
    const nowMs = world.now();
    if (event.type === "hello" || event.type === "beat") {
      set({ connection: heard(nowMs), clockOffsetMs: event.now - nowMs });
    } else {
      // Not published: nothing on the screen changes with each event's arrival time.
      state = { ...state, connection: heard(nowMs) };
    }
    if (event.type === "hello") {
      // Who asked to go on and can't is told by a reset.
      if (isFirst || mustSync) void sync();
      pollOverview();
    }
    if (event.type === "reset") void sync();
    if (event.type === "incident") enqueue(event.incident);
    if (event.type === "rules") {
      pollOverview();
      // Terms, hours or names may be others now, and with them when something is due, though no incident changed.
      void sync();
    }
    for (const listener of eventListeners) listener(event);
  }

  function enqueue(incident: Incident): void {
    batch.push(incident);
    const sinceLastMs = world.now() - flushedAt;
    cancelBatch ??= world.after(Math.min(BATCH_MS, Math.max(FIRST_BATCH_MS, BATCH_MS - sinceLastMs)), flush);
    if (batch.length >= PAGE_SIZE) flush();
  }

  function flush(): void {
    cancelBatch?.();
    cancelBatch = null;
    const incidents = batch;
    batch = [];
    flushedAt = world.now();
    if (incidents.length > 0) set({ incidents: arrived(state.incidents, incidents, world.now()) });
  }

  async function sync(): Promise<void> {
    if (syncing) {
      syncAgain = true;
      return;
    }
    syncing = true;
    mustSync = true;
    const mine = life;
    const since = state.incidents.revision;
    const open = await fetchOpen(world.api, (items) => {
      if (mine === life) set({ incidents: fetched(state.incidents, { items, since, complete: false }) });
    });
    syncing = false;
    if (mine !== life) return;
    if (open.ok) {
      const list = { items: open.value.items, since, complete: open.value.complete };
      mustSync = syncAgain;
      set({ incidents: fetched(state.incidents, list), synced: true });
    } else if (open.error.kind === "signed_out") {
      leave();
    } else {
      lose();
    }
    if (syncAgain) {
      syncAgain = false;
      void sync();
    }
  }

  function pollOverview(): void {
    cancelOverview();
    cancelOverview = world.after(OVERVIEW_EVERY_MS, pollOverview);
    const mine = life;
    void world.api.overview().then((overview) => {
      if (mine !== life) return;
      if (overview.ok) set({ overview: overview.value });
      else if (overview.error.kind === "signed_out") leave();
    });
  }

  function stop(): void {
    running = false;
    life += 1;
    for (const cancel of [closeStream, cancelWatchdog, cancelRetry, cancelOverview]) cancel();
    closeStream = nothing;
    cancelBatch?.();
    cancelBatch = null;
    batch = [];
    syncing = false;
    syncAgain = false;
    mustSync = true;
    position = null;
  }

  /** Nothing of the last person's view is kept for the next one. */
  function leave(): void {
    stop();
    set({ ...START, signedOut: true });
  }

  return {
    get: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onEvent: (listener) => {
      eventListeners.add(listener);
      return () => eventListeners.delete(listener);
    },
    start: () => {
      if (running) return;
      running = true;
      set({ ...START });
      void connect();
    },
    stop,
    put: (incident) => set({ incidents: arrived(state.incidents, [incident], world.now()) }),
    search: async (query) => {
      const since = state.incidents.revision;
      const list = await world.api.incidents(query);
      if (!list.ok) return list;
      set({ incidents: fetched(state.incidents, { items: list.value.items, since, complete: false }) });
      return { ok: true, value: list.value.total };
    },
    signedOut: leave,
  };
}

/**
 * All open incidents, page by page; `complete` unless there are more than the page keeps. The collector sends the gravest
 * first, so the first of several pages is shown while the others are on their way.
 */
async function fetchOpen(
  api: Api,
  onFirst: (items: readonly Incident[]) => void,
): Promise<Answer<{ items: Incident[]; complete: boolean }>> {
  const items: Incident[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const list: Answer<{ items: Incident[]; cursor: string | null }> = await api.incidents({
      state: "open",
      limit: PAGE_SIZE,
      ...(cursor !== null && { cursor }),
    });
    if (!list.ok) return list;
    items.push(...list.value.items);
    cursor = list.value.cursor;
    if (cursor === null) return { ok: true, value: { items, complete: true } };
    if (page === 0) onFirst(items);
  }
  return { ok: true, value: { items, complete: false } };
}
