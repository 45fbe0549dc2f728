import { ManualClock } from "@aislewatch/base";
import { beforeEach, describe, expect, it } from "vitest";
import { createSeriesQueue, type SeriesQueue } from "./series-queue.ts";
import type { TelemetryBatch } from "./store/timeseries/store.ts";

const MIB = 1024 * 1024;
const batch = (seq: number): TelemetryBatch => ({
  ...{ site: "s1", agent: "pc", epoch: "e", lane: "live", seq, skewMs: 0 },
  message: { v: 1, epoch: "e", lane: "live", seq, sentAt: 0, base: 0, subjects: [], tables: [] },
});
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

/** A store that answers when it is told to. */
type Append = { readonly seqs: number[]; readonly answer: PromiseWithResolvers<void> };
let appends: Append[] = [];
let clock = new ManualClock();
let told: string[] = [];
let queue: SeriesQueue;

beforeEach(() => {
  // What a queue of the test before still does is not this one's.
  const mine: Append[] = [];
  appends = mine;
  clock = new ManualClock();
  told = [];
  queue = createSeriesQueue({
    clock,
    timeseries: {
      append(batches) {
        const answer = Promise.withResolvers<void>();
        mine.push({ seqs: batches.map(({ seq }) => seq), answer });
        return answer.promise;
      },
    },
    bytesMax: 20 * MIB,
    tellEveryMs: 500,
    tell: () => told.push("tell"),
    onStored: (batches) => told.push(`stored ${batches.map(({ seq }) => seq)}`),
    onFailed: ({ detail, isFirst }) => told.push(`${isFirst ? "failed" : "failed again"}: ${detail}`),
    onRecovered: () => told.push("recovered"),
  });
});

describe("the queue for the time-series store", () => {
  it("appends what comes together as one, and says so once it is there", async () => {
    for (const seq of [1, 2, 3]) expect(queue.offer(batch(seq), 10)).toBe(true);
    await turn();
    expect([queue.bytes(), queue.isIdle(), told]).toEqual([30, false, []]);
    expect(appends.map(({ seqs }) => seqs)).toEqual([[1, 2, 3]]);
    appends[0]?.answer.resolve();
    await turn();
    expect([queue.bytes(), queue.isIdle(), told]).toEqual([0, true, ["stored 1,2,3", "tell"]]);
  });

  it("writes a long queue in steps of 8 MiB, and one batch that is longer by itself", async () => {
    for (const [seq, size] of [
      [1, 3],
      [2, 3],
      [3, 3],
      [4, 9],
      [5, 1],
    ] as const)
      queue.offer(batch(seq), size * MIB);
    for (let n = 0; n < 3; n++) {
      await turn();
      appends[n]?.answer.resolve();
    }
    await turn();
    expect(appends.map(({ seqs }) => seqs)).toEqual([[1, 2, 3], [4], [5]]);
  });

  it("has no room beyond its bound, and has it again once something is stored", async () => {
    expect(queue.offer(batch(1), 15 * MIB)).toBe(true);
    expect([queue.share(), queue.offer(batch(2), 6 * MIB), queue.bytes()]).toEqual([0.75, false, 15 * MIB]);
    await turn();
    appends[0]?.answer.resolve();
    await turn();
    expect(queue.offer(batch(2), 6 * MIB)).toBe(true);
  });

  it("tells every half second while the store takes its time, and how long the oldest has waited", async () => {
    queue.offer(batch(1), 10);
    await turn();
    clock.advance(1_200);
    expect([told, queue.waitedMs()]).toEqual([["tell", "tell"], 1_200]);
    appends[0]?.answer.resolve();
    await turn();
    clock.advance(5_000);
    expect([told.length, queue.waitedMs()]).toEqual([4, 0]);
  });

  it("tries the same again after a second when the store can't be written, in order", async () => {
    queue.offer(batch(1), 10);
    await turn();
    appends[0]?.answer.reject(new Error("no disk"));
    await turn();
    queue.offer(batch(2), 10);
    expect([told, queue.failure()]).toEqual([["failed: no disk", "tell"], "no disk"]);
    clock.advance(999);
    await turn();
    expect(appends).toHaveLength(1);
    clock.advance(1);
    await turn();
    appends[1]?.answer.reject(new Error("still none"));
    await turn();
    clock.advance(1_000);
    await turn();
    appends[2]?.answer.resolve();
    await turn();
    expect(appends.map(({ seqs }) => seqs)).toEqual([[1], [1, 2], [1, 2]]);
    expect(told.slice(2)).toEqual(["failed again: still none", "tell", "stored 1,2", "recovered", "tell"]);
    expect([queue.failure(), queue.isIdle()]).toEqual([null, true]);
  });

  it("begins nothing more after its stop", async () => {
    queue.offer(batch(1), 10);
    await turn();
    queue.offer(batch(2), 10);
    queue.stop();
    appends[0]?.answer.resolve();
    await turn();
    expect(appends.map(({ seqs }) => seqs)).toEqual([[1]]);
  });
});
