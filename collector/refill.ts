/**
 * Windows and timers that a restart or an edit began empty are filled from the time-series store (packages/rules,
 * refill.ts): the engine says what it lacks, here it is asked for, a few devices at a time and those that need least
 * first, while everything else is judged and stored as ever.
 *
 * - A question waits until what was judged of the agent before is stored, so that nothing lies between what is read and
 *   what comes live; an agent that never sends again what the store lacks is waited for STORED_MS_MAX.
 * - Readings are taken raw and whole, so windows are what they would have been: those within the last 384 readings to the
 *   last bit, longer ones to the width of their digest (window.ts). Of what is older than a window the newest reading is
 *   asked for as far back as BEFORE_MS: the value that it began with.
 * - A store that fails or does not answer is asked again; after GIVE_UP_MS those devices go on with what they have.
 *   Nothing waits here for longer than ASK_MS_MAX, and nobody waits for this.
 */
import { type Clock, errorText } from "@aislewatch/base";
import type { Engine, Refill, Transition } from "@aislewatch/rules";
import type { Samples, SeriesId, TimeSeriesStore } from "./store/timeseries/store.ts";

/** Devices that are filled at a time: each question scans what all agents stored in its stretch of time. */
const DEVICES_AT_ONCE = 64;
const SERIES_AT_ONCE = 4_000;
/** Samples a question: they are put in within some milliseconds, between which readings are judged. */
const SAMPLES_AT_ONCE = 10_000;
/** Devices that are judged anew within one turn of the event loop. */
const FINISHED_AT_ONCE = 8;
/** Between two questions at least; and as long as the last one took, so that charts and appends have half of the time. */
const PAUSE_MS = 10;
const IDLE_MS = 500;
const BEFORE_MS = 3_600_000;
const STORED_MS_MAX = 30_000;
const STORED_LOOK_MS = 100;
const ASK_MS_MAX = 15_000;
const RETRY_MS = 5_000;
const GIVE_UP_MS = 10 * 60_000;

/** How far an agent's live lane is: event time up to which it was judged, and seqs that were judged and stored. */
export type LiveMarks = { readonly judgedUntil: number; readonly judged: number; readonly stored: number };

export type RefillDeps = {
  readonly clock: Clock;
  readonly engine: Pick<Engine, "takeRefills">;
  readonly series: Pick<TimeSeriesStore, "samples">;
  readonly marksOf: (site: string, agent: string) => LiveMarks;
  /** What the engine says of what was put in. */
  readonly onJudged: (transitions: readonly Transition[]) => void;
  readonly onProblem: (detail: string) => void;
};

export type Refills = {
  start(): void;
  stop(): void;
  readonly counts: { filled: number; abandoned: number; samples: number };
};

type Target = { readonly refill: Refill; readonly untilMs: number };
/** Where a sample goes. */
type Place = { readonly target: Target; readonly index: number };

export function createRefills(deps: RefillDeps): Refills {
  const { clock, engine, series, marksOf, onJudged, onProblem } = deps;
  const counts = { filled: 0, abandoned: 0, samples: 0 };
  let isStopped = false;
  let cancel: () => void = () => {};

  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      cancel = clock.after(ms, resolve);
    });

  async function run(): Promise<void> {
    while (!isStopped) {
      const taken = engine.takeRefills(DEVICES_AT_ONCE);
      if (taken.length === 0) await wait(IDLE_MS);
      else await serve(taken);
    }
  }

  async function serve(taken: readonly Refill[]): Promise<void> {
    const marks = new Map(
      taken.map(({ site, agent }) => [`${site}/${agent}`, { site, agent, ...marksOf(site, agent) }] as const),
    );
    const targets = taken.map((refill): Target => {
      const untilMs = marks.get(`${refill.site}/${refill.agent}`)?.judgedUntil ?? 0;
      return { refill, untilMs };
    });
    for (let waitedMs = 0; waitedMs < STORED_MS_MAX && !isStopped; waitedMs += STORED_LOOK_MS) {
      const isStored = [...marks.values()].every(({ site, agent, judged }) => marksOf(site, agent).stored >= judged);
      if (isStored) break;
      await wait(STORED_LOOK_MS);
    }
    for (const group of groupsOf(targets)) if (!isStopped) await fill(group);
  }

  async function fill(group: readonly Target[]): Promise<void> {
    const ids: SeriesId[] = [];
    const places: Place[] = [];
    for (const target of group) {
      const { site, device } = target.refill;
      for (const [index, { component, metric }] of target.refill.series.entries()) {
        ids.push({ site, device, component, metric });
        places.push({ target, index });
      }
    }
    let from = Math.min(...group.flatMap(({ refill }) => refill.series.map(({ fromMs }) => fromMs)));
    const to = Math.max(...group.map(({ untilMs }) => untilMs)) + 1;
    const giveUpAt = clock.monotonic() + GIVE_UP_MS;
    for (let beforeMs = BEFORE_MS; from < to && ids.length > 0 && !isStopped; ) {
      const askedAt = clock.monotonic();
      try {
        const samples = await ask(ids, { from, to, samplesMax: SAMPLES_AT_ONCE, beforeMs });
        put(samples, places);
        from = samples.until;
        beforeMs = 0;
      } catch (thrown) {
        if (clock.monotonic() >= giveUpAt) return abandon(group, errorText(thrown));
        await wait(RETRY_MS);
        continue;
      }
      if (group.every(({ refill }) => refill.isOver)) return;
      await wait(Math.max(PAUSE_MS, clock.monotonic() - askedAt));
    }
    for (const [i, { refill }] of group.entries()) {
      if (isStopped) return;
      if (!refill.isOver) counts.filled++;
      onJudged(refill.finish(clock.now()));
      if (i % FINISHED_AT_ONCE === FINISHED_AT_ONCE - 1) await wait(PAUSE_MS);
    }
  }

  function put(samples: Samples, places: readonly Place[]): void {
    counts.samples += samples.at.length;
    for (let n = 0; n < samples.at.length; n++) {
      const place = places[samples.series[n] ?? -1];
      const at = samples.at[n] ?? 0;
      // What was stored and is yet to be judged comes live.
      if (place === undefined || at > place.target.untilMs) continue;
      place.target.refill.put(place.index, at, samples.value[n] ?? Number.NaN);
    }
  }

  async function ask(
    ids: readonly SeriesId[],
    range: { from: number; to: number; samplesMax: number; beforeMs: number },
  ): Promise<Samples> {
    let cancelDeadline: () => void = () => {};
    const late = new Promise<never>((_, reject) => {
      cancelDeadline = clock.after(ASK_MS_MAX, () => reject(new Error(`no answer for ${ASK_MS_MAX / 1_000} s`)));
    });
    try {
      return await Promise.race([series.samples(ids, range), late]);
    } finally {
      cancelDeadline();
    }
  }

  function abandon(group: readonly Target[], detail: string): void {
    onProblem(detail);
    for (const { refill } of group) {
      if (!refill.isOver) counts.abandoned++;
      onJudged(refill.abandon(clock.now()));
    }
  }

  return {
    counts,
    start: () => void run(),
    stop() {
      isStopped = true;
      cancel();
    },
  };
}

/** At most SERIES_AT_ONCE series each; one device is never split. */
function groupsOf(targets: readonly Target[]): Target[][] {
  const groups: Target[][] = [];
  let seriesCount = Number.POSITIVE_INFINITY;
  for (const target of targets) {
    const { length } = target.refill.series;
    if (seriesCount + length > SERIES_AT_ONCE) {
      groups.push([]);
      seriesCount = 0;
    }
    groups.at(-1)?.push(target);
    seriesCount += length;
  }
  return groups;
}
