import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import type { Lane, Reading } from "@aislewatch/contract";
import type { Log } from "@aislewatch/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Intake } from "./intake.ts";
import { type Outbox, openOutbox } from "./outbox.ts";
import { noise } from "./sample-reading.ts";

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

function setUp(over: { bytesMax?: number; lane?: Lane } = {}) {
  const { lane = "live", bytesMax = 2e6 } = over;
  outbox = openOutbox({ folder, bytesMax, ageMsMax: 1e9, clock, newEpoch: () => "e" });
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

  it("commits without waiting once there is half a MiB of readings", () => {
    const { intake, commits } = setUp();
    for (let n = 0; n < 512; n++) intake.add(reading(n));
    expect([commits(), intake.waiting]).toEqual([1, 0]);
  });

  it("says in the log what a full outbox dropped", () => {
    const { intake } = setUp({ bytesMax: 10_000 });
    for (let n = 0; n < 100; n++) {
      intake.add(reading(n, { failure: { kind: "io", detail: noise(300, n) } }));
      clock.advance(200);
    }
    expect(events).toContain("outbox_overflowed");
  });
});
