/** The drivers of scanners against a simulated scanner over their real lines. */
import { realClock } from "@aislewatch/runtime";
import {
  bringToLife,
  type Dialogue,
  datalogicDialogue,
  honeywellDialogue,
  type Scanner,
  scanner,
  seededRandom,
  ssiDialogue,
  ssiScan,
} from "@aislewatch/simulator";
import { afterEach, describe, expect, it } from "vitest";
import { LINES, type Polled, pollerOf, simulatedLine } from "../../test/rig/simulated-line.ts";
import datalogicScanner from "./datalogic-scanner/index.ts";
import type { AnyDriver } from "./driver.ts";
import honeywellScanner from "./honeywell-scanner/index.ts";
import zebraSsi from "./zebra-ssi/index.ts";

const ends: (() => unknown)[] = [];
const onEnd = (end: () => unknown): void => void ends.push(end);
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

type Dialect = {
  readonly driver: AnyDriver;
  readonly dialogue: (scanner: Scanner) => () => Dialogue;
  readonly vendor: string;
  readonly model: string;
  /** What comes when something is scanned. */
  readonly scan: string;
  readonly healthy: object;
  /** What each fault of the scanner changes; faults that the dialect can't tell are not there. */
  readonly faults: Readonly<Record<string, object>>;
  /** Faults that are asked about now and then: whoever was away is asked anew. */
  readonly isTold: "at_once" | "once_it_was_away";
};

const DIALECTS: readonly Dialect[] = [
  {
    driver: datalogicScanner,
    dialogue: datalogicDialogue,
    vendor: "Datalogic",
    model: "MAGELLAN 9400i",
    scan: "F5901234123457\r",
    healthy: { hardware_fault: false },
    faults: { "motor-failed": { hardware_fault: true }, "laser-failed": { hardware_fault: true } },
    isTold: "at_once",
  },
  {
    driver: honeywellScanner,
    dialogue: honeywellDialogue,
    vendor: "Honeywell",
    model: "Xenon 1900",
    scan: "5901234123457\r",
    healthy: {},
    faults: {},
    isTold: "at_once",
  },
  {
    driver: zebraSsi,
    dialogue: ssiDialogue,
    vendor: "Zebra",
    model: "CS6080",
    scan: ssiScan("5901234123457"),
    healthy: { battery_charge_percent: expect.closeTo(80, -2) },
    faults: { "battery-low": { battery_charge_percent: 6 } },
    isTold: "once_it_was_away",
  },
];

const assetOf = (polled: Polled): unknown => (typeof polled === "string" ? polled : polled.asset);

describe.each(DIALECTS)("$driver.name", ({ driver, dialogue, vendor, model, scan, healthy, faults, isTold }) => {
  const identity = { model, firmware: "FW-7", serial: "SN1234" };
  const asset = { vendor, ...identity };

  async function scannerOn(line: (typeof LINES)[number], scanned: () => string = () => "") {
    const device = bringToLife(scanner(), realClock, seededRandom(3));
    const simulated = await simulatedLine(line, dialogue({ device, identity, scanned }), onEnd);
    const poll = pollerOf(driver, "barcode_scanner", { line: simulated.line }, onEnd);
    return { scanner: device, poll, ...simulated };
  }

  describe.each(LINES)("over %s", (line) => {
    it("tells who it is, between scans, and what fails", async () => {
      const { scanner, device, poll } = await scannerOn(line, () => scan);
      const pollAnew = async (): Promise<Polled> => {
        if (isTold === "at_once") return poll();
        await device.setConduct({ kind: "silent" });
        await poll();
        await device.setConduct({ kind: "normal" });
        return poll();
      };
      expect(await poll()).toEqual({ metrics: healthy, asset });
      for (const [fault, metrics] of Object.entries(faults)) {
        scanner.fault(fault);
        expect(await pollAnew(), fault).toMatchObject({ metrics });
        scanner.heal(fault);
      }
      expect(await pollAnew()).toMatchObject({ metrics: healthy });
    });

    it("takes nothing from a line that talks nonsense, scans only, or nothing at all", async () => {
      const { poll, device } = await scannerOn(line);
      await device.setConduct({ kind: "garbage" });
      expect(["timeout", "protocol"]).toContain(await poll());
      await device.setConduct({ kind: "silent" });
      expect(["timeout", "refused"]).toContain(await poll());
      await device.setConduct({ kind: "normal" });
      expect(assetOf(await poll())).toEqual(asset);
    });
  });

  it.runIf(LINES.includes("serial"))("comes back by itself when its adapter is pulled out and plugged in", async () => {
    const { poll, unplug, replug } = await scannerOn("serial");
    expect(assetOf(await poll())).toEqual(asset);
    await unplug();
    expect(await poll()).toBe("unreachable");
    await replug();
    expect(assetOf(await poll())).toEqual(asset);
  });
});
