import { describe, expect, it } from "vitest";
import { laneFor } from "./lane.ts";
import { SendWindow } from "./window.ts";

const LIMITS = { batchesMax: 4, bytesMax: 1_000, stallMs: 30_000 };
const GRANT = { historyBytesPerSecond: 100 };

function connectedWindow() {
  const window = new SendWindow(LIMITS);
  window.connected({ live: 3, history: 1 }, 0);
  return window;
}

describe("SendWindow", () => {
  it("starts each connection after the last acked batch, with nothing on its way", () => {
    const window = connectedWindow();
    window.sent({ lane: "live", seq: 4, bytes: 500 }, 0);
    window.connected({ live: 3, history: 1 }, 10);
    expect([window.lastSeq("live"), window.lastSeq("history"), window.inFlight]).toEqual([
      3,
      1,
      { batches: 0, bytes: 0 },
    ]);
  });

  it("has room for so many bytes and batches, and again after an ack", () => {
    const window = connectedWindow();
    for (const seq of [4, 5]) window.sent({ lane: "live", seq, bytes: 400 }, 0);
    expect(window.room("live", 0)).toBe(200);
    window.sent({ lane: "live", seq: 6, bytes: 400 }, 0);
    expect(window.room("live", 0)).toBe(0);
    window.acked({ live: 5, history: 0 }, GRANT, 1);
    expect([window.room("live", 1), window.inFlight]).toEqual([600, { batches: 1, bytes: 400 }]);
    for (const seq of [7, 8, 9]) window.sent({ lane: "live", seq, bytes: 1 }, 1);
    expect(window.room("live", 1)).toBe(0);
  });

  it("sends history at the granted pace, a large batch on credit", () => {
    const window = connectedWindow();
    window.acked({ live: 3, history: 1 }, GRANT, 0);
    expect([window.room("history", 0), window.paceWaitMs(0)]).toEqual([0, 10]);
    expect(window.room("history", 500)).toBe(50);
    window.sent({ lane: "history", seq: 2, bytes: 250 }, 500);
    expect([window.room("history", 2_000), window.paceWaitMs(2_000)]).toEqual([0, 510]);
    expect(window.paceWaitMs(2_600)).toBeNull();
    expect(window.room("history", 100_000)).toBe(100);
  });

  it("pauses history when the collector grants nothing", () => {
    const window = connectedWindow();
    window.acked({ live: 3, history: 1 }, { historyBytesPerSecond: 0 }, 0);
    expect([window.room("history", 60_000), window.paceWaitMs(60_000)]).toEqual([0, null]);
  });

  it("goes at a careful pace until the collector has said one", () => {
    expect(connectedWindow().room("history", 5)).toBeCloseTo(327.68);
  });

  it("keeps half of its room for the present, however long the past is", () => {
    const window = connectedWindow();
    window.acked({ live: 3, history: 1 }, { historyBytesPerSecond: 1e9 }, 0);
    window.sent({ lane: "history", seq: 2, bytes: 10 }, 100);
    window.sent({ lane: "history", seq: 3, bytes: 10 }, 100);
    expect([window.room("history", 200), window.room("live", 200)]).toEqual([0, 980]);
    window.acked({ live: 3, history: 3 }, { historyBytesPerSecond: 1e9 }, 200);
    window.sent({ lane: "history", seq: 4, bytes: 500 }, 200);
    expect([window.room("history", 300), window.room("live", 300)]).toEqual([0, 500]);
  });

  it.each([
    { name: "batches", live: [4, 5, 6, 7].map((seq) => ({ seq, bytes: 1 })) },
    { name: "bytes", live: [{ seq: 4, bytes: 1_000 }] },
  ])("leaves nothing for the past while the present takes all of its $name", ({ live }) => {
    const window = connectedWindow();
    window.acked({ live: 3, history: 1 }, { historyBytesPerSecond: 1e9 }, 0);
    for (const batch of live) window.sent({ lane: "live", ...batch }, 100);
    expect([window.room("live", 100), window.room("history", 100)]).toEqual([0, 0]);
  });

  it("is stalled when nothing was acked for too long, and only while something is on its way", () => {
    const window = connectedWindow();
    expect(window.isStalled(40_000)).toBe(false);
    window.sent({ lane: "live", seq: 4, bytes: 1 }, 40_000);
    window.sent({ lane: "live", seq: 5, bytes: 1 }, 60_000);
    expect([window.isStalled(69_999), window.isStalled(70_000)]).toEqual([false, true]);
    window.acked({ live: 3, history: 1 }, GRANT, 70_000);
    expect(window.isStalled(70_000)).toBe(true);
    window.acked({ live: 4, history: 1 }, GRANT, 70_000);
    expect(window.isStalled(99_000)).toBe(false);
  });
});

describe("laneFor", () => {
  it.each([
    { name: "connected", downSinceMs: null, lane: "live" },
    { name: "down for ten seconds", downSinceMs: 90_000, lane: "live" },
    { name: "down for longer", downSinceMs: 89_999, lane: "history" },
  ])("is $lane when $name", ({ downSinceMs, lane }) => expect(laneFor(downSinceMs, 100_000)).toBe(lane));
});
