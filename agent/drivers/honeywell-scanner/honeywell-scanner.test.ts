/** The driver against a simulated scanner over its real lines. */
import { realClock } from "@aislewatch/runtime";
import { bringToLife, honeywellDialogue, scanner, seededRandom } from "@aislewatch/simulator";
import { afterEach, describe, expect, it } from "vitest";
import { LINES, type Polled, pollerOf, simulatedLine } from "../../../test/rig/simulated-line.ts";
import honeywellScanner from "./index.ts";

const ends: (() => unknown)[] = [];
const onEnd = (end: () => unknown): void => void ends.push(end);
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const identity = { model: "Xenon 1900", firmware: "FW-7", serial: "SN1234" };
const SCAN = "5901234123457\r";

async function scannerOn(line: (typeof LINES)[number], scanned: () => string = () => "") {
  const device = bringToLife(scanner(), realClock, seededRandom(3));
  const simulated = await simulatedLine(line, honeywellDialogue({ device, identity, scanned }), onEnd);
  const poll = pollerOf(honeywellScanner, "barcode_scanner", { line: simulated.line }, onEnd);
  return { poll, ...simulated };
}

const assetOf = (polled: Polled): unknown => (typeof polled === "string" ? polled : polled.asset);
const ASSET = { vendor: "Honeywell", ...identity };

describe.each(LINES)("honeywell_scanner over %s", (line) => {
  it("tells who it is, between scans", async () => {
    const { poll } = await scannerOn(line, () => SCAN);
    expect(await poll()).toEqual({ metrics: {}, asset: ASSET });
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

describe.runIf(LINES.includes("serial"))("honeywell_scanner on an adapter", () => {
  it("comes back by itself when the adapter is pulled out and plugged in", async () => {
    const { poll, unplug, replug } = await scannerOn("serial");
    expect(assetOf(await poll())).toEqual(ASSET);
    await unplug();
    expect(await poll()).toBe("unreachable");
    await replug();
    expect(assetOf(await poll())).toEqual(ASSET);
  });
});
