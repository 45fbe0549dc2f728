/** The collector's half of a backup, by the files in its data folder. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import type { Part } from "@aislewatch/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StoreError } from "../store/error.ts";
import { createSqliteStore } from "../store/state/sqlite.ts";
import type { TimeSeriesStore, Watermark } from "../store/timeseries/store.ts";
import { createCopying, lanesBehind } from "./copying.ts";
import { type Places, placesIn, readAnswer, writeRequest } from "./request.ts";

const MARK: Watermark = { site: "s1", agent: "pc", epoch: "e", lane: "live", seq: 7 };

let data = "";
let clock: ManualClock;
let places: Places;
let copying: Part;
let ended: string[];
let stored: Watermark[];
let snapshot: TimeSeriesStore["snapshot"];

/** Time goes on, a look at a time, until it is so; copies are made by real disks in between. */
async function until(is: () => boolean): Promise<void> {
  for (let looks = 0; !is(); looks++) {
    expect(looks).toBeLessThan(400);
    await new Promise((done) => setTimeout(done, 5));
    clock.advance(100);
    // The other side touches its request.
    if (existsSync(places.request)) utimesSync(places.request, clock.now() / 1_000, clock.now() / 1_000);
  }
}
const state = () => readAnswer(places)?.state ?? null;

function start(): void {
  const series = {
    watermarks: async () => stored,
    ...(snapshot !== undefined && { snapshot }),
  } as TimeSeriesStore;
  copying = createCopying({
    ...{ clock, dataFolder: data, watermarks: () => [MARK], series },
    onEnded: ({ state: how, detail }) => ended.push(`${how} ${detail}`.trim()),
  });
  void copying.start();
}

describe("a running collector that is asked for copies", () => {
  beforeEach(async () => {
    data = mkdtempSync(join(tmpdir(), "aislewatch-copying-"));
    clock = new ManualClock(Date.now());
    places = placesIn(data);
    mkdirSync(places.work);
    [ended, stored] = [[], [MARK]];
    snapshot = async (folder) => writeFileSync(join(folder, "timeseries.duckdb"), "samples");
    const store = createSqliteStore({ file: join(data, "state.sqlite") });
    await store.open();
    await store.close();
  });
  afterEach(async () => {
    await copying.stop();
    rmSync(data, { recursive: true });
  });

  it("copies both stores, once for each request", async () => {
    writeRequest(places, "one");
    start();
    await until(() => state() === "done");
    expect([readdirSync(places.state), readdirSync(places.series)]).toEqual([["state.sqlite"], ["timeseries.duckdb"]]);
    await until(() => clock.now() > Date.now() + 5_000);
    writeRequest(places, "two");
    await until(() => readAnswer(places)?.id === "two" && state() === "done");
    expect(ended).toEqual(["done", "done"]);
  });

  it("copies the state store alone when the series are on a server", async () => {
    snapshot = undefined;
    stored = [];
    writeRequest(places, "one");
    start();
    await until(() => state() === "done");
    expect([readdirSync(places.series), readAnswer(places)?.lanesBehind]).toEqual([[], 0]);
  });

  it("waits until the series have what the state store has, and not for ever", async () => {
    stored = [{ ...MARK, seq: 6 }];
    writeRequest(places, "one");
    start();
    await until(() => existsSync(places.series));
    for (let looks = 0; looks < 20; looks++) clock.advance(100);
    expect(readdirSync(places.series)).toEqual([]);
    await until(() => state() === "done");
    expect(readAnswer(places)).toMatchObject({ lanesBehind: 1 });
  });

  it("says why it could not, and leaves no copy", async () => {
    snapshot = async () => Promise.reject(new StoreError("disk_full", "no room left"));
    writeRequest(places, "one");
    start();
    await until(() => state() === "failed");
    expect([readAnswer(places)?.detail, existsSync(places.copy), ended]).toEqual([
      ...["no room left", false, ["failed no room left"]],
    ]);
  });

  it.each([
    { name: "who asked was killed", end: () => clock.advance(31_000) },
    { name: "who asked takes it back", end: () => rmSync(places.request) },
  ])("stops and removes everything when $name", async ({ end }) => {
    snapshot = (_folder, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new StoreError("closed", "the copy was stopped")));
      });
    writeRequest(places, "one");
    start();
    await until(() => existsSync(places.series));
    end();
    for (let looks = 0; looks < 100 && readdirSync(places.work).length > 0; looks++) {
      await new Promise((done) => setTimeout(done, 5));
      clock.advance(500);
    }
    expect([readdirSync(places.work), ended]).toEqual([[], [expect.stringContaining("stopped")]]);
  });

  it("clears at its start what one before it left", async () => {
    mkdirSync(places.state, { recursive: true });
    writeFileSync(places.answer, "{}");
    writeRequest(places, "old");
    utimesSync(places.request, 1, 1);
    start();
    expect(readdirSync(places.work)).toEqual([]);
  });
});

it("counts lanes whose samples lack something, but for the collector's own", () => {
  const own = { ...MARK, agent: "collector", seq: 9 };
  expect(lanesBehind([MARK, own], [])).toBe(1);
  expect(lanesBehind([MARK], [{ ...MARK, seq: 8 }])).toBe(0);
});
