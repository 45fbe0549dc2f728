/** The driver against a simulated scanner over its real lines. */
import { realClock } from "@aislewatch/runtime";
import { bringToLife, scanner, seededRandom, ssiDialogue, ssiScan } from "@aislewatch/simulator";
import { afterEach, describe, expect, it } from "vitest";
import { LINES, type Polled, pollerOf, simulatedLine } from "../../../test/rig/simulated-line.ts";
import zebraSsi from "./index.ts";

const ends: (() => unknown)[] = [];
const onEnd = (end: () => unknown): void => void ends.push(end);
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const identity = { model: "CS6080", firmware: "FW-7", serial: "SN1234" };
const SCAN = ssiScan("5901234123457");

async function scannerOn(line: (typeof LINES)[number], scanned: () => string = () => "") {
  const device = bringToLife(scanner(), realClock, seededRandom(3));
  const simulated = await simulatedLine(line, ssiDialogue({ device, identity, scanned }), onEnd);
  const poll = pollerOf(zebraSsi, "barcode_scanner", { line: simulated.line }, onEnd);
  return { model: device, poll, ...simulated };
}

const assetOf = (polled: Polled): unknown => (typeof polled === "string" ? polled : polled.asset);
const ASSET = { vendor: "Zebra", ...identity };

describe.each(LINES)("zebra_ssi over %s", (line) => {
  it("tells who it is, between scans, and what fails", async () => {
    const { model, device, poll } = await scannerOn(line, () => SCAN);
    expect(await poll()).toEqual({ metrics: { battery_charge_percent: expect.closeTo(80, -2) }, asset: ASSET });
    model.fault("battery-low");
    // Asked now and then: whoever was away is asked anew.
    await device.setConduct({ kind: "silent" });
    await poll();
    await device.setConduct({ kind: "normal" });
    expect(await poll()).toMatchObject({ metrics: { battery_charge_percent: 6 } });
  });

  it("takes nothing from a line that talks nonsense, scans only, or nothing at all", async () => {
    const { poll, device } = await scannerOn(line);
    await device.setConduct({ kind: "garbage" });
    expect(["timeout", "protocol"]).toContain(await poll());
    await device.setConduct({ kind: "silent" });
    expect(["timeout", "refused"]).toContain(await poll());
    await device.setConduct({ kind: "normal" });
    expect(assetOf(await poll())).toEqual(ASSET);
  });
});

describe.runIf(LINES.includes("serial"))("zebra_ssi on an adapter", () => {
  it("comes back by itself when the adapter is pulled out and plugged in", async () => {
    const { poll, unplug, replug } = await scannerOn("serial");
    expect(assetOf(await poll())).toEqual(ASSET);
    await unplug();
    expect(await poll()).toBe("unreachable");
    await replug();
    expect(assetOf(await poll())).toEqual(ASSET);
  });
});
