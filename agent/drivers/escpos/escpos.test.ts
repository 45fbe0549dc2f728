/** The driver against a simulated printer over its real lines. */
import { realClock } from "@aislewatch/runtime";
import { bringToLife, type EscposPrinter, escposDialogue, receiptPrinter } from "@aislewatch/simulator";
import { afterEach, describe, expect, it } from "vitest";
import { LINES, type Polled, pollerOf, simulatedLine } from "../../../test/rig/simulated-line.ts";
import escpos from "./index.ts";

/** Nothing is sold while a test runs. */
const calm = (): number => 0.999;

const ends: (() => unknown)[] = [];
const onEnd = (end: () => unknown): void => void ends.push(end);
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const newPrinter = () => bringToLife(receiptPrinter(), realClock, calm);

async function printerOn(line: (typeof LINES)[number], how: Partial<EscposPrinter> = {}, options: object = {}) {
  const printer = newPrinter();
  const simulated = await simulatedLine(line, escposDialogue({ device: printer, ...how }), onEnd);
  const poll = pollerOf(escpos, "receipt_printer", { line: simulated.line, ...options }, onEnd);
  return { printer, poll, ...simulated };
}

const metrics = (polled: Polled): unknown => (typeof polled === "string" ? polled : polled.metrics);

const HEALTHY = {
  offline: false,
  cover_open: false,
  media_out: false,
  media_low: false,
  cutter_fault: false,
  hardware_fault: false,
  head_over_temperature: false,
  recoverable_error: false,
  drawer_contact: false,
};

describe.each(LINES)("escpos over %s", (line) => {
  it.each([
    { ask: "both", answers: [1, 2, 3, 4], healthy: HEALTHY },
    // A clone without real-time status.
    { ask: "queued", answers: [], healthy: { media_out: false, media_low: false, drawer_contact: false } },
  ])("asks in turn with print data where the file says $ask", async ({ ask, answers, healthy }) => {
    const { printer, poll } = await printerOn(line, { answers }, { ask });
    expect(metrics(await poll())).toEqual(healthy);
    printer.fault("paper-low");
    printer.fault("drawer-open");
    expect(metrics(await poll())).toEqual({ ...healthy, media_low: true, drawer_contact: true });
  });

  it("tells each fault as it comes and goes", async () => {
    const { printer, poll } = await printerOn(line);
    expect(metrics(await poll())).toEqual(HEALTHY);
    const faults = {
      "paper-low": { media_low: true },
      "paper-out": { media_low: true, media_out: true, offline: true },
      "cover-open": { cover_open: true, offline: true },
      "cutter-jam": { cutter_fault: true, offline: true },
      "head-hot": { head_over_temperature: true, recoverable_error: true, offline: true },
      "drawer-open": { drawer_contact: true },
      offline: { offline: true },
      broken: { hardware_fault: true, offline: true },
    };
    for (const [fault, changed] of Object.entries(faults)) {
      printer.fault(fault);
      expect(metrics(await poll()), fault).toEqual({ ...HEALTHY, ...changed });
      printer.heal(fault);
    }
    expect(metrics(await poll())).toEqual(HEALTHY);
  });

  it("does not mistake an automatic status for an answer", async () => {
    const { printer, poll } = await printerOn(line, { automaticStatus: true });
    printer.fault("cover-open");
    expect(metrics(await poll())).toEqual({ ...HEALTHY, cover_open: true, offline: true });
  });

  it("takes nothing from a line that talks nonsense or not at all", async () => {
    const { poll, device } = await printerOn(line);
    await device.setConduct({ kind: "garbage" });
    expect(["timeout", "protocol"]).toContain(await poll(300));
    await device.setConduct({ kind: "silent" });
    expect(["timeout", "refused"]).toContain(await poll(300));
    await device.setConduct({ kind: "normal" });
    expect(metrics(await poll())).toEqual(HEALTHY);
  });
});

describe("escpos", () => {
  it.each(["high", "low"] as const)("knows an open drawer when it is told that open is %s", async (level) => {
    const wiring = { drawerOpenIsHigh: level === "high" };
    const { printer, poll } = await printerOn("tcp", wiring, { drawer_open_is: level });
    expect(metrics(await poll())).toMatchObject({ drawer_open: false, drawer_contact: level === "low" });
    printer.fault("drawer-open");
    expect(metrics(await poll())).toMatchObject({ drawer_open: true, drawer_contact: level === "high" });
  });

  it("learns what a clone does not know and reports the rest", async () => {
    const { printer, poll } = await printerOn("tcp", { answers: [1, 4] });
    printer.fault("paper-out");
    // After a silence nothing more is asked: an answer could be a late one. Two questions, three silences each.
    for (let n = 0; n < 6; n++) expect(metrics(await poll(1_000))).toEqual({ offline: true, drawer_contact: false });
    const { offline, drawer_contact } = HEALTHY;
    const known = { offline, drawer_contact, media_low: true, media_out: true };
    expect(metrics(await poll())).toEqual({ ...known, offline: true });
  });
});

describe.runIf(LINES.includes("serial"))("escpos on an adapter", () => {
  it("comes back by itself when the adapter is pulled out and plugged in", async () => {
    const { poll, unplug, replug } = await printerOn("serial");
    expect(metrics(await poll())).toEqual(HEALTHY);
    await unplug();
    expect(await poll()).toBe("unreachable");
    await replug();
    expect(metrics(await poll())).toEqual(HEALTHY);
  });
});
