/** The driver against a simulated printer over its real lines. */
import { realClock } from "@aislewatch/runtime";
import { bringToLife, receiptPrinter, starDialogue } from "@aislewatch/simulator";
import { afterEach, describe, expect, it } from "vitest";
import { LINES, type Polled, pollerOf, simulatedLine } from "../../../test/rig/simulated-line.ts";
import star from "./index.ts";
import { METRICS } from "./parse.ts";

/** Nothing is sold while a test runs. */
const calm = (): number => 0.999;

const ends: (() => unknown)[] = [];
const onEnd = (end: () => unknown): void => void ends.push(end);
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function printerOn(line: (typeof LINES)[number], options: object = {}) {
  const printer = bringToLife(receiptPrinter(), realClock, calm);
  const simulated = await simulatedLine(line, starDialogue({ device: printer }), onEnd);
  const poll = pollerOf(star, "receipt_printer", { line: simulated.line, ...options }, onEnd);
  return { printer, poll, ...simulated };
}

const metrics = (polled: Polled): unknown => (typeof polled === "string" ? polled : polled.metrics);
const HEALTHY = Object.fromEntries(METRICS.map((metric) => [metric, false]));

describe.each(LINES)("star over %s", (line) => {
  it("tells each fault as it comes and goes", async () => {
    const { printer, poll } = await printerOn(line);
    const faults = {
      "paper-low": { media_low: true },
      "paper-out": { media_low: true, media_out: true, offline: true },
      "cover-open": { cover_open: true, offline: true },
      "cutter-jam": { cutter_fault: true, offline: true },
      "head-hot": { head_over_temperature: true, offline: true },
      "drawer-open": { drawer_contact: true },
      broken: { hardware_fault: true, offline: true },
    };
    for (const [fault, changed] of Object.entries(faults)) {
      printer.fault(fault);
      expect(metrics(await poll()), fault).toEqual({ ...HEALTHY, ...changed });
      printer.heal(fault);
    }
    expect(metrics(await poll())).toEqual(HEALTHY);
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

describe("star", () => {
  it("knows an open drawer when it is told which level is open", async () => {
    const { printer, poll } = await printerOn("tcp", { drawer_open_is: "high" });
    expect(metrics(await poll())).toMatchObject({ drawer_open: false });
    printer.fault("drawer-open");
    expect(metrics(await poll())).toMatchObject({ drawer_open: true });
  });
});

describe.runIf(LINES.includes("serial"))("star on an adapter", () => {
  it("comes back by itself when the adapter is pulled out and plugged in", async () => {
    const { poll, unplug, replug } = await printerOn("serial");
    expect(metrics(await poll())).toEqual(HEALTHY);
    await unplug();
    expect(await poll()).toBe("unreachable");
    await replug();
    expect(metrics(await poll())).toEqual(HEALTHY);
  });
});
