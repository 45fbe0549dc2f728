/** The driver against a simulated scanner over its real lines. */
import { realClock } from "@aislewatch/runtime";
import { bringToLife, datalogicDialogue, scanner, seededRandom } from "@aislewatch/simulator";
import { afterEach, describe, expect, it } from "vitest";
import { LINES, type Polled, pollerOf, simulatedLine } from "../../../test/rig/simulated-line.ts";
import datalogicScanner from "./index.ts";

const ends: (() => unknown)[] = [];
const onEnd = (end: () => unknown): void => void ends.push(end);
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const identity = { model: "MAGELLAN 9400i", firmware: "FW-7", serial: "SN1234" };
const SCAN = "F5901234123457\r";

async function scannerOn(line: (typeof LINES)[number], scanned: () => string = () => "") {
  const device = bringToLife(scanner(), realClock, seededRandom(3));
  const simulated = await simulatedLine(line, datalogicDialogue({ device, identity, scanned }), onEnd);
  const poll = pollerOf(datalogicScanner, "barcode_scanner", { line: simulated.line }, onEnd);
  return { model: device, poll, ...simulated };
}

const assetOf = (polled: Polled): unknown => (typeof polled === "string" ? polled : polled.asset);
const ASSET = { vendor: "Datalogic", ...identity };

describe.each(LINES)("datalogic_scanner over %s", (line) => {
  it("tells who it is, between scans, and what fails", async () => {
    const { model, poll } = await scannerOn(line, () => SCAN);
    expect(await poll()).toEqual({ metrics: { hardware_fault: false }, asset: ASSET });
    for (const fault of ["motor-failed", "laser-failed"]) {
      model.fault(fault);
      expect(await poll(), fault).toMatchObject({ metrics: { hardware_fault: true } });
      model.heal(fault);
    }
    expect(await poll()).toMatchObject({ metrics: { hardware_fault: false } });
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

describe.runIf(LINES.includes("serial"))("datalogic_scanner on an adapter", () => {
  it("comes back by itself when the adapter is pulled out and plugged in", async () => {
    const { poll, unplug, replug } = await scannerOn("serial");
    expect(assetOf(await poll())).toEqual(ASSET);
    await unplug();
    expect(await poll()).toBe("unreachable");
    await replug();
    expect(assetOf(await poll())).toEqual(ASSET);
  });
});
