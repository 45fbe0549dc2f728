import { ManualClock } from "@aislewatch/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escposDialogue } from "./escpos-device.ts";
import { bringToLife } from "./live-device.ts";
import { step } from "./models/model.ts";
import { isDrawerOpen, isOffline, isPaperLow, type ReceiptFault, receiptPrinter } from "./models/receipt-printer.ts";
import { seededRandom } from "./random.ts";
import { lifeOf } from "./sample-life.ts";
import { starDialogue } from "./star-device.ts";

const model = receiptPrinter();
const FAULTS = Object.keys(model.faults) as ReceiptFault[];

describe("a receipt printer", () => {
  it("sells, changes its roll and opens its drawer, and never leaves its limits", () => {
    fc.assert(
      fc.property(lifeOf(FAULTS, 600_000), fc.integer(), (events, seed) => {
        const random = seededRandom(seed);
        let state = model.start(random);
        for (const input of events) {
          state = step(model, state, input, random);
          expect(state.paperPercent).toBeGreaterThanOrEqual(0);
          expect(state.paperPercent).toBeLessThanOrEqual(100);
          if (state.faults.includes("paper-out")) expect(isOffline(state)).toBe(true);
        }
        for (const fault of FAULTS) state = step(model, state, { kind: "heal", fault }, random);
        expect([isOffline(state), state.faults]).toEqual([false, []]);
      }),
    );
  });

  it("prints through a day's receipts and keeps its paper", () => {
    const random = seededRandom(2);
    const before = model.start(random);
    const after = step(model, before, { kind: "elapsed", ms: 3_600_000 }, random);
    expect(after.receipts).toBeGreaterThan(before.receipts + 20);
    expect(isPaperLow(after)).toBe(false);
  });

  it("is short of paper again when the empty roll is gone and the low one is not", () => {
    const random = seededRandom(2);
    let state = model.start(random);
    for (const fault of ["paper-low", "paper-out"] as const)
      state = step(model, state, { kind: "fault", fault }, random);
    state = step(model, state, { kind: "heal", fault: "paper-out" }, random);
    expect([isPaperLow(state), isOffline(state)]).toEqual([true, false]);
  });
});

const newPrinter = () => bringToLife(model, new ManualClock(0), () => 0.999);
const latin = (text: string): Buffer => Buffer.from(text, "latin1");

describe("escposDialogue", () => {
  it("answers the question in whatever pieces it comes, and nothing else", () => {
    const talk = escposDialogue({ device: newPrinter() })();
    expect(talk.take(latin("receipt\n\x10"))).toEqual([]);
    expect(talk.take(latin("\x04"))).toEqual([]);
    expect(talk.take(latin("\x01\x10\x04\x04"))).toEqual(["\x12", "\x12"]);
    expect(talk.take(latin("\x10\x04\x09\x1d\x72\x03\x1d\x49\x01"))).toEqual([]);
  });

  it("answers in turn while it is on-line, and not at all while it is not", () => {
    const device = newPrinter();
    const talk = escposDialogue({ device })();
    const ask = () => talk.take(latin("\x1d\x72\x01\x1d\x72\x02"));
    expect(ask()).toEqual(["\x00", "\x00"]);
    for (const fault of ["paper-low", "drawer-open"]) device.fault(fault);
    expect(ask()).toEqual(["\x03", "\x01"]);
    device.fault("cover-open");
    expect(ask()).toEqual([]);
  });

  it("has the bits of the manual", () => {
    const device = newPrinter();
    const talk = escposDialogue({ device, automaticStatus: true })();
    for (const fault of ["paper-out", "cover-open", "cutter-jam", "drawer-open"]) device.fault(fault);
    const said = talk.take(latin("\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04"));
    expect(isDrawerOpen(device.state())).toBe(true);
    const automatic = "\x3c\x08\x0f\x0f";
    expect(said).toEqual(["\x1e", "\x76", "\x1a", "\x7e"].map((byte) => automatic + byte));
  });
});

describe("starDialogue", () => {
  it("answers in whatever pieces the question comes", () => {
    const talk = starDialogue({ device: newPrinter(), blockBytes: 7 })();
    expect(talk.take(latin("\x1b"))).toEqual([]);
    expect(talk.take(latin("\x06"))).toEqual([]);
    expect(talk.take(latin("\x01"))).toEqual(["\x0f\x06\x00\x00\x00\x00\x00"]);
  });

  it("has the bits of the manual", () => {
    const device = newPrinter();
    for (const fault of ["paper-out", "cover-open", "head-hot"]) device.fault(fault);
    const [block = ""] = starDialogue({ device })().take(latin("\x1b\x06\x01"));
    expect(block.slice(0, 7)).toBe("\x23\x06\x28\x40\x00\x0a\x00");
  });
});
