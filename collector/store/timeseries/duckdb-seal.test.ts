/** Days that are past become files, and nobody who asks can tell. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ManualClock } from "@aislewatch/base";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aBatch } from "./contract-data.ts";
import { createDuckDbStore } from "./duckdb.ts";
import { KEEPING_STEPS, type KeepingStep } from "./duckdb-keeping.ts";
import type { DuckDbOptions, DuckDbTimeSeriesStore } from "./duckdb-options.ts";
import type { SeriesId } from "./store.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DAY0 = Date.UTC(2026, 10, 10);
const DEVICES = ["lane-1/printer", "lane-2/printer", "lane-3/printer"];
const SERIES: SeriesId[] = DEVICES.map((device) => ({
  ...{ site: "store-1", device, component: null, metric: "temperature_celsius" },
}));
const PRINTER_3: SeriesId = {
  site: "store-1",
  device: "lane-3/printer",
  component: null,
  metric: "temperature_celsius",
};
const EVERYTHING = { from: 0, to: DAY0 + 400 * DAY_MS, samplesMax: 500_000 };

let folder: string;
let file: string;
let clock: ManualClock;
let store: DuckDbTimeSeriesStore;
let setAside: string[];
let problems: string[];
let seq: number;

const open = async (options: Partial<DuckDbOptions> = {}): Promise<void> => {
  store = createDuckDbStore({
    ...{ file, clock, limits: { partRows: 100, restShare: 0 } },
    onSetAside: (name) => setAside.push(name),
    onProblem: ({ message }) => problems.push(message),
    ...options,
  });
  await store.open();
  await store.keep();
};
const reopen = async (options: Partial<DuckDbOptions> = {}): Promise<void> => {
  await store.close();
  await open(options);
};

/** So many samples of each device, evenly over a stretch of time; each value is one that only it has. */
const put = async (fromMs: number, toMs: number, each: number): Promise<void> => {
  seq++;
  const samples = Array.from({ length: each }, (_, n) => Math.floor(fromMs + ((toMs - fromMs) * n) / each));
  await store.append([
    aBatch(
      seq,
      samples.flatMap((at, n) =>
        DEVICES.map((subject, device) => ({ subject, at, value: seq * 1_000 + n + device / 10 })),
      ),
    ),
  ]);
};
/** Everything that a store says, in an order of its own. */
const contents = async () => {
  const { series, at, value, until } = await store.samples(SERIES, EVERYTHING);
  const rows = [...at].map((time, n) => `${time} ${series[n]} ${value[n]}`);
  expect(until).toBe(EVERYTHING.to);
  const last = (await store.lastValues(0)).map((each) => JSON.stringify(each));
  return { rows: rows.sort(), last: last.sort(), count: (await store.stats()).samples };
};
const filesOf = async (kind: string): Promise<string[]> =>
  (await readdir(join(folder, "series"))).filter((name) => name.startsWith(kind)).sort();
const sleepUntilNextDay = async (): Promise<void> => {
  clock.jump(DAY_MS);
  await store.keep();
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aislewatch-seal-"));
  file = join(folder, "series.duckdb");
  clock = new ManualClock(DAY0 + 12 * HOUR_MS);
  [setAside, problems, seq] = [[], [], 0];
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

describe("a day that is past", () => {
  it("lies in files of its own, in parts, and is told as before, also after a restart", async () => {
    await open();
    await put(DAY0, DAY0 + DAY_MS, 90);
    await put(DAY0 + DAY_MS, DAY0 + DAY_MS + HOUR_MS, 10);
    const before = await contents();
    expect(before.count).toBe(300);
    await store.keep();
    expect(store.sealed().files).toBe(0);
    await sleepUntilNextDay();
    expect(await filesOf("")).toEqual(
      [
        ...["raw-2026-11-10-g0-p0", "raw-2026-11-10-g0-p1", "raw-2026-11-11-g0-p0"],
        ...["rollup-2026-11-10-g0-p0", "rollup-2026-11-10-g0-p1", "rollup-2026-11-11-g0-p0"],
      ].map((name) => `${name}.parquet`),
    );
    expect(await contents()).toEqual(before);
    await reopen();
    expect(await contents()).toEqual(before);
    expect((await store.watermarks())[0]?.seq).toBe(2);
    expect(problems).toEqual([]);
  });

  it("waits for an hour for what is a little late", async () => {
    await open();
    await put(DAY0, DAY0 + DAY_MS, 10);
    clock.jump(12 * HOUR_MS + HOUR_MS - 1);
    await store.keep();
    expect(store.sealed().files).toBe(0);
    clock.jump(1);
    await store.keep();
    expect(store.sealed().files).toBe(2);
  });

  it("takes what comes late, every day, and stays a few files", async () => {
    await open();
    for (let day = 0; day < 9; day++) {
      await put(DAY0 + day * HOUR_MS, DAY0 + (day + 3) * HOUR_MS, 20);
      const before = await contents();
      await sleepUntilNextDay();
      expect(await contents()).toEqual(before);
      expect((await filesOf("raw")).length).toBeLessThanOrEqual(12);
    }
    expect(problems).toEqual([]);
    expect((await store.stats()).samples).toBe(9 * 60);
  });

  it("merges the roll-ups of a month that is over", async () => {
    await open();
    for (let day = 0; day < 20; day++) {
      await put(DAY0 + day * DAY_MS, DAY0 + (day + 1) * DAY_MS, 8);
      await sleepUntilNextDay();
    }
    const chart = { from: DAY0, to: DAY0 + 25 * DAY_MS, pointsMax: 50 };
    const before = [await store.query(PRINTER_3, chart), await contents()];
    expect((await filesOf("rollup-2026-11")).length).toBeGreaterThan(15);
    clock.jump(8 * DAY_MS);
    await store.keep();
    expect((await filesOf("rollup-2026-11")).length).toBeLessThan(6);
    expect([await store.query(PRINTER_3, chart), await contents()]).toEqual(before);
    expect(problems).toEqual([]);
  });

  it("leaves five-minute values when it is too old, and they go when they are, too", async () => {
    const kept = { retentionMs: DAY_MS, rollupRetentionMs: 4 * DAY_MS };
    await open(kept);
    const chart = { from: DAY0, to: DAY0 + DAY_MS, pointsMax: 1_000 };
    await put(DAY0, DAY0 + DAY_MS, 90);
    const hot = await store.query(PRINTER_3, chart);
    expect(hot).toHaveLength(90);
    for (let day = 1; day <= 3; day++) {
      await sleepUntilNextDay();
      await put(DAY0 + day * DAY_MS, DAY0 + (day + 1) * DAY_MS, 4);
      await store.keep();
    }
    expect(await filesOf("raw-2026-11-10")).toEqual([]);
    expect((await store.samples(SERIES, { ...EVERYTHING, to: DAY0 + DAY_MS })).at).toHaveLength(0);
    const rolled = await store.query(PRINTER_3, chart);
    expect(rolled.map(({ min }) => min)).toEqual(hot.map(({ min }) => min));
    expect(rolled.every(({ at }, n) => at % 300_000 === 0 && (hot[n]?.at ?? 0) - at < 300_000)).toBe(true);
    for (let day = 4; day <= 6; day++) {
      await sleepUntilNextDay();
      await put(DAY0 + day * DAY_MS, DAY0 + (day + 1) * DAY_MS, 4);
      await store.keep();
    }
    expect(await filesOf("rollup-2026-11-10")).toEqual([]);
    expect(await store.query(PRINTER_3, chart)).toEqual([]);
    expect(problems).toEqual([]);
  });

  it("never is told twice, or not at all, while it is being sealed", async () => {
    await open({ limits: { partRows: 100, restShare: 0.2 } });
    await put(DAY0, DAY0 + DAY_MS, 400);
    clock.jump(DAY_MS);
    let isSealing = true;
    const sealing = store.keep().finally(() => {
      isSealing = false;
    });
    let asked = 0;
    while (isSealing) {
      const { at } = await store.samples(SERIES, EVERYTHING);
      expect(at.length).toBe(1_200 + asked * 3);
      // And takes what comes meanwhile.
      await put(DAY0 + DAY_MS + asked * 1_000, DAY0 + DAY_MS + asked * 1_000 + 1, 1);
      asked++;
    }
    await sealing;
    expect(asked).toBeGreaterThan(1);
    expect((await store.samples(SERIES, EVERYTHING)).at.length).toBe(1_200 + asked * 3);
  });

  it("does not mind that others ask and write while it looks", async () => {
    await open();
    await put(DAY0, DAY0 + DAY_MS, 400);
    let isOver = false;
    const busy = async (work: () => Promise<unknown>): Promise<void> => {
      while (!isOver) await work();
    };
    const asking = busy(() => Promise.all([store.samples(SERIES, EVERYTHING), store.lastValues(0)]));
    const writing = busy(() => put(clock.now(), clock.now() + 1_000, 5));
    for (let n = 0; n < 20; n++) await store.keep();
    isOver = true;
    await Promise.all([asking, writing]);
    expect(problems).toEqual([]);
  });

  it("goes on where it was when the store closes in the middle", async () => {
    await open({ limits: { partRows: 100, restShare: 1 } });
    await put(DAY0, DAY0 + DAY_MS, 400);
    const before = await contents();
    clock.jump(DAY_MS);
    const sealing = store.keep();
    while (store.sealed().files === 0 && (await filesOf("raw")).length < 2) await new Promise(setImmediate);
    await store.close();
    await sealing;
    const built = await filesOf("raw");
    await open();
    expect(await contents()).toEqual(before);
    expect(await filesOf("raw")).toEqual(expect.arrayContaining(built.filter((name) => name.endsWith(".parquet"))));
    expect(problems).toEqual([]);
  });

  it("may hold times of any age, and of any future, in a bounded number of files", async () => {
    await open({ retentionMs: null });
    await store.append([
      aBatch(
        ++seq,
        Array.from({ length: 700 }, (_, n) => ({ at: DAY0 + (n - 650) * DAY_MS, value: n, subject: DEVICES[0] ?? "" })),
      ),
    ]);
    const before = await contents();
    await sleepUntilNextDay();
    expect((await filesOf("raw")).length).toBeLessThanOrEqual(403);
    expect(await contents()).toEqual(before);
  }, 60_000);
});

describe("a store of the version before", () => {
  it("is opened, sealed, and has all that it had", async () => {
    const make = `
      const { DuckDBInstance } = await import("@duckdb/node-api");
      const instance = await DuckDBInstance.create(process.argv[1]);
      const connection = await instance.connect();
      await connection.run(\`
        create table meta (name varchar primary key, value bigint not null);
        create table series (id integer not null, site varchar not null, device varchar not null, component varchar,
          metric varchar not null, is_boolean boolean not null);
        create table lanes (id integer not null, site varchar not null, agent varchar not null, epoch varchar not null, lane varchar not null);
        create table watermarks (lane integer not null, seq bigint not null);
        create table samples (series integer not null, at_ms bigint not null, value double not null);
        insert into meta values ('schema_version', 1);
        insert into series select n, 'store-1', 'lane-' || (n + 1) || '/printer', null, 'temperature_celsius', false from range(3) t(n);
        insert into lanes values (0, 'store-1', 'host-1', 'e1', 'live');
        insert into watermarks values (0, 7);
        insert into samples select n % 3, ${DAY0} - 86400000 + n * 400000, n from range(600) t(n);\`);
      connection.closeSync();
      instance.closeSync();`;
    execFileSync(process.execPath, ["--input-type=module", "--eval", make, file], {
      cwd: fileURLToPath(new URL(".", import.meta.url)),
    });
    await open();
    expect(store.sealed().files).toBeGreaterThan(0);
    const { rows, count } = await contents();
    expect({ rows: rows.length, count }).toEqual({ rows: 600, count: 600 });
    expect((await store.watermarks())[0]?.seq).toBe(7);
    seq = 7;
    await put(DAY0 + DAY_MS, DAY0 + DAY_MS + 1, 1);
    await reopen();
    expect((await contents()).count).toBe(603);
    expect(problems).toEqual([]);
  });
});

describe("a file of a sealed day that can't be read", () => {
  const victim = "raw-2026-11-10-g0-p1.parquet";
  const path = (): string => join(folder, "series", victim);
  beforeEach(async () => {
    await open();
    await put(DAY0, DAY0 + DAY_MS, 90);
    await put(DAY0 + DAY_MS, DAY0 + 2 * DAY_MS, 30);
    await sleepUntilNextDay();
  });

  it.each([
    { name: "is missing", harm: () => rename(path(), `${path()}-away`) },
    { name: "is cut short", harm: () => truncate(path(), 100) },
    { name: "is empty", harm: () => truncate(path(), 0) },
    {
      name: "is overwritten in part",
      harm: async () => {
        const bytes = await readFile(path());
        await writeFile(path(), bytes.fill(0x5a, 4, bytes.length >> 1));
      },
    },
  ])("is set aside when it $name, found while somebody asks, and everything else answers", async ({ harm }) => {
    await harm();
    const { at, series } = await store.samples(SERIES, EVERYTHING);
    expect(setAside).toEqual([victim]);
    expect(store.sealed().setAside).toBe(1);
    expect([...new Set(series)].sort()).toEqual([0, 1, 2]);
    expect(at.length).toBe(360 - 90);
    expect((await store.stats()).samples).toBe(270);
    // Its roll-up is still there.
    const chart = { from: DAY0, to: DAY0 + 4 * DAY_MS, pointsMax: 96 };
    expect((await store.query(PRINTER_3, chart)).length).toBeGreaterThan(40);
    expect(setAside).toEqual([victim]);
  });

  it("is told at a start, and comes back when it is there again", async () => {
    const before = await contents();
    await rename(path(), `${path()}-away`);
    await reopen();
    expect(setAside).toEqual([victim]);
    expect(store.sealed().setAside).toBe(1);
    await reopen();
    expect(setAside).toEqual([victim, victim]);
    await rename(`${path()}-away`, path());
    await reopen();
    expect(store.sealed().setAside).toBe(0);
    expect(await contents()).toEqual(before);
    expect(problems).toEqual([]);
  });
});

describe("a kill while days are sealed and merged", () => {
  /** A store in which the next run seals two days and merges one. */
  async function prepare(): Promise<void> {
    await open();
    for (let day = 0; day < 3; day++) {
      await put(DAY0, DAY0 + HOUR_MS, 40);
      await sleepUntilNextDay();
    }
    await put(DAY0 + HOUR_MS, DAY0 + 2 * HOUR_MS, 40);
    await put(DAY0 + DAY_MS, DAY0 + DAY_MS + HOUR_MS, 40);
    clock.jump(DAY_MS);
  }

  /** True when it was killed there, false when it came through. */
  async function killedAt(step: KeepingStep, nth: number): Promise<boolean> {
    const script = fileURLToPath(new URL("./crash-sealer.ts", import.meta.url));
    const args = [script, file, String(clock.now()), step, String(nth)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    const [code, signal] = await once(child, "exit");
    if (signal !== "SIGKILL" && code !== 0) throw new Error(`it ended with ${code} ${signal}`);
    return signal === "SIGKILL";
  }

  it.each(KEEPING_STEPS)(
    "loses and doubles nothing at any time that it is %s",
    async (step) => {
      await prepare();
      const before = await contents();
      await store.close();
      await cp(folder, `${folder}-prepared`, { recursive: true });
      try {
        for (let nth = 1; ; nth++) {
          const wasKilled = await killedAt(step, nth);
          store = createDuckDbStore({
            ...{ file, clock, limits: { partRows: 100, restShare: 0 } },
            onProblem: ({ message }) => problems.push(message),
            onSetAside: (name) => problems.push(name),
          });
          await store.open();
          expect(await contents()).toEqual(before);
          await store.keep();
          expect(await contents()).toEqual(before);
          expect((await filesOf("")).length).toBe(store.sealed().files);
          expect(problems).toEqual([]);
          await store.close();
          if (!wasKilled) {
            expect(nth).toBeGreaterThan(1);
            break;
          }
          await rm(folder, { recursive: true });
          await cp(`${folder}-prepared`, folder, { recursive: true });
        }
      } finally {
        await rm(`${folder}-prepared`, { recursive: true });
      }
    },
    240_000,
  );
});
