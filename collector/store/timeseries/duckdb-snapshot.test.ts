/** A copy of a store that has sealed days; contract.ts has what holds for every copy. */
import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import { afterEach, beforeEach, expect, it } from "vitest";
import { aBatch } from "./contract-data.ts";
import { createDuckDbStore } from "./duckdb.ts";
import type { DuckDbTimeSeriesStore } from "./duckdb-options.ts";

const DAY_MS = 86_400_000;
const DAY0 = Date.UTC(2026, 10, 10);
const SERIES = [{ site: "store-1", device: "lane-3/printer", component: null, metric: "temperature_celsius" }];
const NEVER = new AbortController().signal;

let folder: string;
let clock: ManualClock;
const opened: DuckDbTimeSeriesStore[] = [];

async function open(file: string): Promise<DuckDbTimeSeriesStore> {
  const store = createDuckDbStore({ file, clock, limits: { partRows: 100, restShare: 0 } });
  await store.open();
  opened.push(store);
  return store;
}
const contents = async (store: DuckDbTimeSeriesStore) => {
  const range = { from: 0, to: DAY0 + 100 * DAY_MS, samplesMax: 100_000 };
  const { at, value } = await store.samples(SERIES, range);
  return [...at].map((time, n) => [time, value[n]]);
};
const dayOf = (seq: number, dayMs: number) =>
  aBatch(
    seq,
    Array.from({ length: 150 }, (_, n) => ({ at: dayMs + n * 1_000, value: seq * 1_000 + n })),
  );

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aislewatch-snapshot-"));
  clock = new ManualClock(DAY0 + DAY_MS / 2);
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  await rm(folder, { recursive: true });
});

it("links the files of sealed days, and stays whole when the original merges and deletes them", async () => {
  const store = await open(join(folder, "series.duckdb"));
  await store.append([dayOf(1, DAY0)]);
  clock.jump(2 * DAY_MS);
  await store.keep();
  await store.append([dayOf(2, DAY0 + 2 * DAY_MS)]);
  const before = await contents(store);
  const copy = join(folder, "copy");
  await mkdir(copy);
  await store.snapshot?.(copy, NEVER);
  const [name = ""] = await readdir(join(copy, "series"));
  expect((await stat(join(copy, "series", name))).nlink).toBe(2);
  // Late data for the sealed day makes another file of it; retention takes both away.
  await store.append([dayOf(3, DAY0)]);
  clock.jump(60 * DAY_MS);
  await store.keep();
  await store.close();
  clock = new ManualClock(DAY0 + 2 * DAY_MS);
  const copied = await open(join(copy, "series.duckdb"));
  expect(await contents(copied)).toEqual(before);
  expect(before).toHaveLength(300);
});

it("waits for a seal that is under way, and has all of it once", async () => {
  const store = await open(join(folder, "series.duckdb"));
  await store.append([dayOf(1, DAY0)]);
  clock.jump(2 * DAY_MS);
  const copy = join(folder, "copy");
  await mkdir(copy);
  const kept = store.keep();
  await store.snapshot?.(copy, NEVER);
  await kept;
  const copied = await open(join(copy, "series.duckdb"));
  expect(await contents(copied)).toEqual(await contents(store));
  expect((await copied.stats()).samples).toBe(150);
});
