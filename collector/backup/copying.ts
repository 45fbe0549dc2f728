/**
 * The running collector's half of a backup: copies of both stores, made while everything goes on.
 *
 * The state store is copied first, and the time-series store once it has what that copy has: its watermarks are then
 * never behind, so that after a restore no batch counts as stored whose samples are not there.
 */
import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Clock, errorText } from "@aislewatch/base";
import type { Part } from "@aislewatch/runtime";
import { COLLECTOR_AGENT } from "../own-reports.ts";
import { copyState } from "../store/state/copy.ts";
import type { LaneKey, TimeSeriesStore, Watermark } from "../store/timeseries/store.ts";
import { goOn } from "./archive.ts";
import { bytesBelow, bytesOf, freshFolder, STATE_FILE, storesIn } from "./places.ts";
import { type Answer, LEASE_MS, type Places, placesIn, readAnswer, readRequest, writeAnswer } from "./request.ts";

/** How often the data folder is looked at for a request, and progress is told. */
const LOOK_MS = 500;
/** Batches wait for a store that is slow for so long at most before the backup goes on without them, and says so. */
const CATCH_UP_MS = 15_000;
const CATCH_UP_LOOK_MS = 100;

export type CopyingDeps = {
  readonly clock: Clock;
  readonly dataFolder: string;
  readonly watermarks: () => readonly Watermark[];
  readonly series: TimeSeriesStore;
  readonly onEnded: (ended: {
    readonly state: "done" | "failed";
    readonly seconds: number;
    readonly detail: string;
  }) => void;
};

/** A part of the collector that looks for requests as long as it runs. */
export function createCopying(deps: CopyingDeps): Part {
  const { clock, dataFolder } = deps;
  const places = placesIn(dataFolder);
  let cancel: (() => void) | null = null;
  let underWay: { readonly id: string; readonly stop: AbortController; readonly ended: Promise<void> } | null = null;

  function look(): void {
    const id = isWanted(places.request) ? readRequest(places) : null;
    if (underWay !== null) {
      if (underWay.id !== id) underWay.stop.abort();
    } else if (id === null) {
      // Of a backup that was killed, or of a collector that was: the request goes last, for it is what is looked for.
      for (const left of [places.copy, places.answer, places.request]) rmSync(left, { recursive: true, force: true });
    } else if (readAnswer(places)?.id !== id || readAnswer(places)?.state === "copying") begin(id);
  }

  function begin(id: string): void {
    const stop = new AbortController();
    const ended = copy(id, stop.signal).finally(() => {
      underWay = null;
    });
    underWay = { id, stop, ended };
  }

  async function copy(id: string, signal: AbortSignal): Promise<void> {
    const beganMs = clock.monotonic();
    const expected = expectedBytes(dataFolder);
    const answer = (given: Partial<Answer> & Pick<Answer, "state">): void => {
      try {
        writeAnswer(places, { id, share: 0, lanesBehind: 0, detail: "", ...given });
      } catch {
        // On a full disk: who asked waits in vain, and says so.
      }
    };
    let cancelTelling = (): void => undefined;
    const tell = (): void => {
      answer({ state: "copying", share: Math.min(0.99, bytesBelow(places.copy) / Math.max(1, expected)) });
      cancelTelling = clock.after(LOOK_MS, tell);
    };
    const end = (state: "done" | "failed", detail: string): void =>
      deps.onEnded({ state, seconds: (clock.monotonic() - beganMs) / 1_000, detail });
    try {
      tell();
      const lanesBehind = await takeCopies(deps, places, signal);
      cancelTelling();
      answer({ state: "done", share: 1, lanesBehind });
      end("done", "");
    } catch (thrown) {
      cancelTelling();
      rmSync(places.copy, { recursive: true, force: true });
      end("failed", errorText(thrown));
      if (!signal.aborted) answer({ state: "failed", detail: errorText(thrown) });
    }
  }

  const isWanted = (file: string): boolean => {
    const touched = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
    return touched !== undefined && clock.now() - touched < LEASE_MS;
  };

  function loop(): void {
    try {
      look();
    } catch {
      // A folder that can't be read or cleared is the doctor's to tell; the next look is soon.
    }
    cancel = clock.after(LOOK_MS, loop);
  }

  return {
    name: "backup",
    start: loop,
    async stop() {
      cancel?.();
      underWay?.stop.abort();
      await underWay?.ended;
    },
  };
}

/** How many lanes the series are behind in; 0 as a rule. */
async function takeCopies(deps: CopyingDeps, places: Places, signal: AbortSignal): Promise<number> {
  const { clock, dataFolder, series } = deps;
  freshFolder(places.copy);
  mkdirSync(places.state, { mode: 0o700 });
  mkdirSync(places.series, { mode: 0o700 });
  await copyState(join(dataFolder, STATE_FILE), join(places.state, STATE_FILE), signal);
  if (series.snapshot === undefined) return 0;
  // These are of a moment after the copy.
  const wanted = deps.watermarks();
  const beganMs = clock.monotonic();
  let behind = lanesBehind(wanted, await series.watermarks());
  while (behind > 0 && clock.monotonic() - beganMs < CATCH_UP_MS && !signal.aborted) {
    await new Promise<void>((resolve) => clock.after(CATCH_UP_LOOK_MS, resolve));
    behind = lanesBehind(wanted, await series.watermarks());
  }
  goOn(signal);
  await series.snapshot(places.series, signal);
  return behind;
}

/** The collector's own reports are sent once, and those of a site that is gone never catch up. */
export function lanesBehind(wanted: readonly Watermark[], has: readonly Watermark[]): number {
  const nameOf = ({ site, agent, epoch, lane }: LaneKey): string => `${site}/${agent}/${epoch}/${lane}`;
  const seqs = new Map(has.map((mark) => [nameOf(mark), mark.seq]));
  return wanted.filter((mark) => mark.agent !== COLLECTOR_AGENT && mark.seq > (seqs.get(nameOf(mark)) ?? 0)).length;
}

/** What both copies will have, about: sealed files are linked, and count like copied ones. */
const expectedBytes = (dataFolder: string): number =>
  storesIn(dataFolder).reduce((sum, name) => sum + bytesOf(join(dataFolder, name)), 0);
