/** What is DuckDB's own: the thread that ends, retention, full disks, damage, locks and bounds. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Worker } from "node:worker_threads";
import { ManualClock } from "@aislewatch/base";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aBatch, T0 } from "./contract-data.ts";
import { createDuckDbStore, startDuckDbWorker } from "./duckdb.ts";
import type { DuckDbOptions, DuckDbTimeSeriesStore } from "./duckdb-options.ts";

const DAY_MS = 86_400_000;
const SERIES = { site: "store-1", device: "lane-3/printer", component: null, metric: "temperature_celsius" };

let folder: string;
let file: string;
let clock: ManualClock;
let store: DuckDbTimeSeriesStore;

const open = async (options: Partial<DuckDbOptions> = {}): Promise<void> => {
  store = createDuckDbStore({ file, clock, ...options });
  await store.open();
};
const one = (seq: number, at = T0 + seq) => aBatch(seq, [{ at, value: seq }]);
const samples = async (): Promise<number> => (await store.stats()).samples;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aislewatch-duckdb-"));
  file = join(folder, "series.duckdb");
  clock = new ManualClock(T0);
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

describe("when the thread ends", () => {
  let workers: Worker[];
  beforeEach(async () => {
    workers = [];
    await open({
      startWorker: (options) => {
        const worker = startDuckDbWorker(options);
        workers.push(worker);
        return worker;
      },
    });
    // A thread that is ended while a statement runs takes the process with it.
    await store.keep();
  });

  it("rejects what it had not confirmed, and goes on with another that has all that was confirmed", async () => {
    await store.append([one(1), one(2)]);
    const ended = workers[0]?.terminate();
    const calls = [
      store.append([one(3)]),
      store.append([one(4)]),
      store.query(SERIES, { from: 0, to: T0 * 2, pointsMax: 9 }),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ kind: "worker_exited", retryable: true });
    await ended;
    await store.append([one(2), one(3), one(4)]);
    expect(await samples()).toBe(4);
    expect((await store.watermarks())[0]?.seq).toBe(4);
    expect(workers).toHaveLength(2);
  });

  it("comes back for a read, too", async () => {
    await store.append([one(1)]);
    await workers[0]?.terminate();
    expect(await samples()).toBe(1);
  });

  it("closes when there is none", async () => {
    await workers[0]?.terminate();
    await store.close();
    expect(workers).toHaveLength(1);
  });
});

describe("retention", () => {
  const keepMs = 30 * DAY_MS;

  it("drops days that are too old as a whole, looking every hour", async () => {
    await open({ retentionMs: keepMs });
    await store.append([one(1, T0 - keepMs + 1_800_000), one(2, T0 - keepMs + DAY_MS), one(3, T0)]);
    for (let hour = 0; hour < 4; hour++) {
      clock.advance(3_600_000);
      await store.keep();
    }
    // A new day: all of it is sealed, and the oldest sample is within the day that is kept in part.
    expect(store.sealed().files).toBe(6);
    expect(await samples()).toBe(3);
    await store.append([one(4, clock.now() + DAY_MS)]);
    clock.advance(DAY_MS);
    await expect.poll(samples).toBe(3);
    await expect.poll(() => clock.pending).toBe(1);
    expect((await store.watermarks())[0]?.seq).toBe(4);
    expect((await readdir(join(folder, "series"))).filter((name) => name.startsWith("raw"))).toHaveLength(3);
  });

  it("does not empty the store when the clock jumps ahead", async () => {
    await open({ retentionMs: keepMs });
    await store.append([one(1, T0 - DAY_MS), one(2, T0)]);
    await store.close();
    clock.jump(3_650 * DAY_MS);
    await open({ retentionMs: keepMs });
    await store.keep();
    expect(await samples()).toBe(2);
  });

  it("keeps everything when asked to", async () => {
    await open({ retentionMs: null });
    await store.append([one(1, T0 - 10 * keepMs), one(2, T0)]);
    await store.keep();
    clock.advance(2 * DAY_MS);
    await store.keep();
    await store.close();
    await open({ retentionMs: null });
    expect(await samples()).toBe(2);
  });

  it("uses the space of what it dropped again", async () => {
    await open({ retentionMs: DAY_MS, limits: { checkpointMb: 1 } });
    const rows = Array.from({ length: 8_000 }, (_, n) => n);
    const noisy = (seq: number, at: number) => {
      const batch = aBatch(seq, []);
      // Values that do not compress, so that the file would show it.
      const values = rows.map((n) => Math.sin(n * 12.9898 + seq) * 43_758.5453);
      const table = { metrics: ["m"], subject: rows.map(() => 0), at: rows.map(() => at - T0), values: [values] };
      return { ...batch, message: { ...batch.message, subjects: ["lane-3/printer"], tables: [table] } };
    };
    const bytes: number[] = [];
    for (let day = 0, seq = 1; day < 6; day++) {
      for (let n = 0; n < 40; n++, seq++) await store.append([noisy(seq, clock.now())]);
      clock.advance(DAY_MS);
      await store.keep();
      bytes.push((await store.stats()).bytesOnDisk);
    }
    // A day has 320,000 samples in 3 MB: what is kept is two of them and what is hot, however many there were.
    expect(bytes.at(-1)).toBeLessThan((bytes[1] ?? 0) * 1.7);
    expect(await samples()).toBeLessThanOrEqual(3 * 320_000);
  });
});

describe("opening", () => {
  it("refuses a file that is no database and leaves it alone", async () => {
    const garbage = Buffer.from("this is not a database\n".repeat(500));
    await writeFile(file, garbage);
    await expect(open()).rejects.toMatchObject({ kind: "corrupt" });
    expect(await readFile(file)).toEqual(garbage);
  });

  it("opens after a failure once the reason is gone", async () => {
    await writeFile(file, "nonsense");
    await expect(open()).rejects.toMatchObject({ kind: "corrupt" });
    await rm(file);
    await store.open();
    await store.append([one(1)]);
    expect(await samples()).toBe(1);
  });

  it("says that another process holds the file", async () => {
    const writer = spawn(process.execPath, [
      fileURLToPath(new URL("./crash-writer.ts", import.meta.url)),
      "duckdb",
      file,
    ]);
    const gone = once(writer, "exit");
    await once(writer.stdout, "data");
    await expect(open()).rejects.toMatchObject({ kind: "locked", retryable: true });
    writer.kill("SIGKILL");
    await gone;
  });

  it("refuses the schema of a newer program", async () => {
    await open();
    await store.close();
    // In a process of its own, as any other program would: DuckDB never runs on this thread.
    const edit = `
      const { DuckDBInstance } = await import("@duckdb/node-api");
      const instance = await DuckDBInstance.create(process.argv[1]);
      const connection = await instance.connect();
      await connection.run("update meta set value = 99");
      connection.closeSync();
      instance.closeSync();`;
    execFileSync(process.execPath, ["--input-type=module", "--eval", edit, file], {
      cwd: fileURLToPath(new URL(".", import.meta.url)),
    });
    await expect(open()).rejects.toMatchObject({ kind: "newer_schema" });
  });
});

describe("bounds", () => {
  it("refuses the samples of series beyond the bound, counts them and keeps the rest", async () => {
    await open({ limits: { seriesMax: 2 } });
    const metric = (name: string, n: number) => ({ metric: name, at: T0 + n, value: n });
    await store.append([aBatch(1, [metric("a", 1), metric("b", 2), metric("c", 3), metric("a", 4), metric("d", 5)])]);
    expect(await store.stats()).toMatchObject({ samples: 3, series: 2, refusedSamples: 2 });
    expect((await store.watermarks())[0]?.seq).toBe(1);
  });

  it("refuses a call when too many wait, and takes it later", async () => {
    await open({ limits: { groupSamplesMax: 1, queueSamplesMax: 3 } });
    const calls = Array.from({ length: 12 }, (_, n) => store.append([one(n + 1)]).then(() => n + 1));
    const results = await Promise.allSettled(calls);
    const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(refused.length).toBeGreaterThan(0);
    for (const reason of refused) expect(reason).toMatchObject({ kind: "busy", retryable: true });
    const taken = results.filter(({ status }) => status === "fulfilled").length;
    expect(await samples()).toBe(taken);
    await store.append(Array.from({ length: 12 }, (_, n) => one(n + 1)));
    expect(await samples()).toBe(12);
  });

  it("refuses reads beyond the bound", async () => {
    await open({ limits: { readsMax: 2 } });
    const reads = await Promise.allSettled(Array.from({ length: 5 }, () => store.stats()));
    expect(reads.map(({ status }) => status).sort()).toEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "rejected",
      "rejected",
    ]);
  });

  it("ends a read that takes too long", async () => {
    await open({ limits: { queryMsMax: 0, threads: 1 } });
    const rows = Array.from({ length: 8_000 }, (_, n) => n);
    const table = { metrics: ["m"], subject: rows.map(() => 0), at: rows, values: [rows] };
    const batches = Array.from({ length: 300 }, (_, n) => {
      const batch = aBatch(n + 1, []);
      return { ...batch, message: { ...batch.message, subjects: ["d"], tables: [table] } };
    });
    await store.append(batches);
    await expect(store.lastValues(0)).rejects.toMatchObject({ kind: "busy" });
    await store.append([one(301)]);
  });
});

describe.skipIf(process.getuid?.() !== 0 || process.platform !== "linux")(
  "a full disk (needs root for a small tmpfs)",
  () => {
    let disk: string;
    beforeEach(async () => {
      disk = await mkdtemp(join(tmpdir(), "aislewatch-disk-"));
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", disk]);
      file = join(disk, "series.duckdb");
      await open();
    });
    afterEach(async () => {
      await store.close();
      execFileSync("umount", [disk]);
      await rm(disk, { recursive: true });
    });

    it("starts and reads, and says that it could not clean up", async () => {
      await store.append([one(1), one(2)]);
      await store.close();
      await writeFile(join(disk, "ballast"), Buffer.alloc(8_000_000)).catch(() => undefined);
      const problems: string[] = [];
      clock.advance(1);
      await open({ retentionMs: 1, onProblem: ({ kind }) => problems.push(kind) });
      expect(await samples()).toBe(2);
      expect(problems).toEqual(["disk_full"]);
    });

    it("leaves a day as it is that can't be sealed, says so, and seals it once there is room", async () => {
      await store.close();
      const problems: string[] = [];
      await open({ onProblem: ({ kind }) => problems.push(kind), limits: { restShare: 0 } });
      const rows = Array.from({ length: 8_000 }, (_, n) => n);
      const values = rows.map((n) => Math.sin(n * 12.9898) * 43_758.5453);
      for (let seq = 1; seq <= 5; seq++) {
        const batch = aBatch(seq, []);
        const table = { metrics: ["m"], subject: rows.map(() => 0), at: rows.map((n) => n + seq), values: [values] };
        await store.append([{ ...batch, message: { ...batch.message, subjects: ["d"], tables: [table] } }]);
      }
      const ballast = join(disk, "ballast");
      await writeFile(ballast, Buffer.alloc(8_000_000)).catch(() => undefined);
      clock.jump(DAY_MS);
      await store.keep();
      expect(problems).toContain("disk_full");
      expect(store.sealed().files).toBe(0);
      expect(await samples()).toBe(40_000);
      await rm(ballast);
      await store.keep();
      expect(store.sealed().files).toBe(2);
      expect(await samples()).toBe(40_000);
    });

    it("rejects what does not fit, and takes it once there is room, without a loss or a repeat", async () => {
      const rows = Array.from({ length: 8_000 }, (_, n) => n);
      const big = (seq: number) => {
        const batch = aBatch(seq, []);
        const table = { metrics: ["m"], subject: rows.map(() => 0), at: rows, values: [rows.map((n) => n * Math.PI)] };
        return { ...batch, message: { ...batch.message, subjects: ["d"], tables: [table] } };
      };
      await store.append([big(1)]);
      const ballast = join(disk, "ballast");
      await writeFile(ballast, Buffer.alloc(8_000_000)).catch(() => undefined);
      await expect(store.append([big(2)])).rejects.toMatchObject({ kind: "disk_full", retryable: true });
      await expect(store.append([big(2)])).rejects.toMatchObject({ kind: "disk_full" });
      expect((await store.watermarks())[0]?.seq).toBe(1);
      await rm(ballast);
      await store.append([big(1), big(2), big(3)]);
      expect(await samples()).toBe(24_000);
      await store.close();
      await open();
      expect(await samples()).toBe(24_000);
    });
  },
);
