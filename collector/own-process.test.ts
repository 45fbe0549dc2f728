import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { folderSize, OwnProcess, storeBytes } from "./own-process.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "own-process-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("own process", () => {
  it("sees its memory, its work and a pause of its main thread", async () => {
    const own = new OwnProcess();
    own.start();
    const began = performance.now();
    // The sampler runs on the loop that it watches: it has to have been there before the pause.
    await new Promise((done) => setTimeout(done, 50));
    const until = performance.now() + 150;
    // A fifth of the time since its start, also on a machine that has other work.
    const worked = process.cpuUsage();
    while (performance.now() < until || process.cpuUsage(worked).user / 1_000 < (performance.now() - began) / 5);
    await new Promise((done) => setTimeout(done, 50));
    const cost = own.measure();
    expect(cost.loopDelaySeconds).toBeGreaterThan(0.1);
    expect(cost.loopBusyPercent).toBeGreaterThan(10);
    expect(cost.cpuPercent).toBeGreaterThan(10);
    expect(cost.memoryBytes).toBeGreaterThan(1e7);
    expect(own.measure().loopDelaySeconds).toBeLessThan(0.1);
    own.stop();
  });

  it("sees the disk below a folder, and nothing of one that is gone", () => {
    const size = folderSize(folder);
    expect(size?.totalBytes).toBeGreaterThanOrEqual(size?.freeBytes ?? Number.NaN);
    expect(folderSize(join(folder, "gone"))).toBeNull();
  });

  it("counts a store with its log", () => {
    writeFileSync(join(folder, "state.sqlite"), "12345");
    writeFileSync(join(folder, "state.sqlite-wal"), "123");
    writeFileSync(join(folder, "other"), "1");
    expect(storeBytes(folder, "state.sqlite")).toBe(8);
    expect(storeBytes(folder, "series")).toBeNull();
    expect(storeBytes(join(folder, "gone"), "state")).toBeNull();
  });
});
