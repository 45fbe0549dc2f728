/** The shared watch: at once by inotify, never faster than it should, and by itself where nothing can be watched. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import { UsbTree } from "@aislewatch/simulator";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type UsbScan, UsbWatch } from "./sysfs-watch.ts";

let folder: string;
let tree: UsbTree;
let end: (() => void) | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "usb-watch-"));
  tree = new UsbTree(folder);
  tree.plug("1-1", { vendorId: "0519", productId: "0003" });
});
afterEach(() => {
  end?.();
  end = null;
  rmSync(folder, { recursive: true, force: true });
});

function listen(deviceFiles: string | null): { clock: ManualClock; watch: UsbWatch; scans: UsbScan[] } {
  const clock = new ManualClock();
  const watch = new UsbWatch({ sysfs: folder, deviceFiles, kernelLog: tree.kernelLog }, clock);
  const scans: UsbScan[] = [];
  end = watch.listen((scan) => scans.push(scan));
  return { clock, watch, scans };
}

describe("the watch of a sysfs", () => {
  it("scans every five seconds where nothing can be watched", async () => {
    const { clock, watch, scans } = listen(join(folder, "no-such-folder"));
    await expect.poll(() => scans).toHaveLength(1);
    expect(watch.isWatching).toBe(false);
    tree.drop("1-1");
    clock.advance(4_999);
    expect(scans).toHaveLength(1);
    clock.advance(1);
    await expect.poll(() => scans).toHaveLength(2);
    expect(scans[1]?.devices[0]?.attributes["devnum"]).toBe("3");
  });

  it("scans a tenth of a second after the first of many changes, and once more when all is quiet", async () => {
    const files = join(folder, "dev");
    mkdirSync(join(files, "001"), { recursive: true });
    const { clock, watch, scans } = listen(files);
    await expect.poll(() => [watch.isWatching, scans.length]).toEqual([true, 1]);
    const timers = clock.pending;
    for (let n = 0; n < 50; n++) writeFileSync(join(files, "001", String(n)), "");
    // Two timers, however many changes.
    await expect.poll(() => clock.pending).toBe(timers + 2);
    clock.advance(100);
    await expect.poll(() => scans).toHaveLength(2);
    clock.advance(10_000);
    await expect.poll(() => scans).toHaveLength(3);
  });

  it("watches a bus that comes later", async () => {
    const files = join(folder, "dev");
    mkdirSync(files);
    const { clock, watch, scans } = listen(files);
    await expect.poll(() => [watch.isWatching, scans.length]).toEqual([true, 1]);
    mkdirSync(join(files, "002"));
    const scansAfterOneMore = (): number => {
      clock.advance(2_000);
      writeFileSync(join(files, "002", String(scans.length)), "");
      return scans.length;
    };
    await expect.poll(scansAfterOneMore).toBeGreaterThan(3);
  });

  it.each([
    { name: "a bus", gone: "dev/001" },
    { name: "every bus", gone: "dev" },
  ])(
    "sees what comes after $name went and came back at once, as with a controller that starts again",
    async ({ gone }) => {
      const bus = join(folder, "dev/001");
      mkdirSync(bus, { recursive: true });
      const { clock, watch, scans } = listen(join(folder, "dev"));
      await expect.poll(() => [watch.isWatching, scans.length]).toEqual([true, 1]);
      rmSync(join(folder, gone), { recursive: true });
      mkdirSync(bus, { recursive: true });
      // What this is told for is over.
      await expect.poll(() => clock.pending).toBeGreaterThan(1);
      clock.advance(5_000);
      await expect.poll(() => clock.pending).toBe(1);
      const before = scans.length;
      const timersAfterOneMore = (): number => {
        writeFileSync(join(bus, "002"), String(clock.pending));
        return clock.pending;
      };
      await expect.poll(timersAfterOneMore).toBeGreaterThan(1);
      clock.advance(100);
      await expect.poll(() => scans.length).toBeGreaterThan(before);
    },
  );

  it("serves a dozen polls at a time with one scan, until something changes or three seconds are over", async () => {
    const { clock, watch, scans } = listen(null);
    await expect.poll(() => [watch.isWatching, scans.length]).toEqual([true, 1]);
    await Promise.all(Array.from({ length: 12 }, () => watch.scan()));
    expect(scans).toHaveLength(1);
    clock.advance(3_000);
    await watch.scan();
    await watch.scan();
    expect(scans).toHaveLength(2);
    tree.drop("1-1");
    const numberOfFirst = async (): Promise<string | undefined> => {
      const scanned = await watch.scan();
      return scanned.ok ? scanned.value.devices[0]?.attributes["devnum"] : undefined;
    };
    await expect.poll(numberOfFirst).toBe("3");
  });

  it("leaves no timer and no watcher when nobody listens", async () => {
    const { clock, watch, scans } = listen(null);
    await expect.poll(() => [watch.isWatching, scans.length]).toEqual([true, 1]);
    end?.();
    expect([watch.isWatching, watch.readsKernelLog, clock.pending]).toEqual([false, false, 0]);
    tree.drop("1-1");
    expect((await watch.scan()).ok).toBe(true);
    expect(scans).toHaveLength(1);
  });

  it("gives each line of the kernel's log once, whole, and none from before", async () => {
    tree.say("old");
    const { watch, scans } = listen(null);
    await expect.poll(() => scans).toHaveLength(1);
    tree.say("one");
    tree.say("two");
    writeFileSync(tree.kernelLog, "half", { flag: "a" });
    await watch.scanNow();
    writeFileSync(tree.kernelLog, " a line\n", { flag: "a" });
    await watch.scanNow();
    await watch.scanNow();
    expect(scans.flatMap(({ kernelLines }) => kernelLines)).toEqual(["one", "two", "half a line"]);
  });
});
