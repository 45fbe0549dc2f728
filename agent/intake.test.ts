import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import type { Lane, Reading } from "@aislewatch/contract";
import type { Log } from "@aislewatch/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Intake } from "./intake.ts";
import { type Outbox, openOutbox } from "./outbox.ts";

let folder = "";
let outbox: Outbox;
const clock = new ManualClock();
const events: string[] = [];
const log: Log = { emit: (event) => void events.push(event.name) };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "intake-"));
  events.length = 0;
});
afterEach(() => {
  outbox.close();
  rmSync(folder, { recursive: true, force: true });
});

function setUp(over: { fileBytesMax?: number; lane?: Lane } = {}) {
  const { lane = "live", ...limits } = over;
  const opened = openOutbox({ folder, bytesMax: 2e6, ageMsMax: 1e9, clock, newEpoch: () => "e", ...limits });
  if (!opened.ok) throw new Error(opened.error.detail);
  outbox = opened.value;
  let commits = 0;
  const intake = new Intake({ outbox, lane: () => lane, clock, log, onCommitted: () => commits++ });
  return { intake, commits: () => commits };
}

const reading = (n: number, over: Partial<Reading> = {}): Reading => ({
  device: `d${n % 7}`,
  at: clock.now(),
  samples: [{ component: null, metrics: { up: true, load_1m: n } }],
  ...over,
});

describe("Intake", () => {
  it("commits a burst of readings as one batch within 200 ms, in the lane of the moment", () => {
    const { intake, commits } = setUp({ lane: "history" });
    for (let n = 0; n < 7; n++) intake.add(reading(n));
    clock.advance(10);
    for (let n = 7; n < 14; n++) intake.add(reading(n));
    clock.advance(199);
    expect([commits(), outbox.figures.batches]).toEqual([1, 1]);
    clock.advance(1);
    expect([commits(), outbox.lastSeq]).toEqual([2, { live: 0, history: 2 }]);
  });

  it("commits a changed state at once", () => {
    const { intake, commits } = setUp();
    intake.add(reading(0));
    clock.advance(10);
    intake.add(reading(0));
    intake.add(reading(0, { samples: [{ component: null, metrics: { up: false } }] }));
    clock.advance(10);
    expect([commits(), outbox.lastSeq.live]).toEqual([2, 2]);
  });

  it("commits what waits when it stops, and leaves no timer", () => {
    const { intake } = setUp();
    intake.add(reading(1));
    intake.stop();
    expect([outbox.lastSeq.live, intake.waiting, clock.pending]).toEqual([1, 0, 0]);
  });

  it("keeps readings while the disk is full, then makes room, and reports exactly what was lost", () => {
    const { intake } = setUp({ fileBytesMax: 400_000 });
    let added = 0;
    const addUntil = (done: () => boolean, most: number): void => {
      for (; !done() && added < most; added++) {
        intake.add(reading(added, { failure: { kind: "io", detail: "x".repeat(300) } }));
        clock.advance(1);
      }
    };
    addUntil(() => events.includes("outbox_write_failed"), 20_000);
    const before = outbox.lastSeq.live;
    expect(intake.waiting).toBeGreaterThan(0);
    clock.advance(3_000);
    expect(outbox.lastSeq.live).toBe(before);
    addUntil(() => events.includes("outbox_write_recovered") || events.includes("readings_lost"), 40_000);
    clock.advance(60_000);
    intake.stop();
    const batches = outbox.unacked("live", 0, { batchesMax: 1e6, bytesMax: 1e9 });
    const kept = batches.reduce((sum, { body }) => sum + (JSON.parse(`{${body}`).failures?.length ?? 0), 0);
    const dropped = batches.reduce(
      (sum, { body }) =>
        sum + (JSON.parse(`{${body}`).dropped ?? []).reduce((n: number, d: { samples: number }) => n + d.samples, 0),
      0,
    );
    // Two samples a reading; each is kept, or reported as dropped, or still waits for room.
    expect(kept * 2 + dropped + intake.waiting * 2).toBe(added * 2);
    expect(intake.waiting).toBeLessThanOrEqual(8_192);
  });
});
