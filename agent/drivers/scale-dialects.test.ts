/** The drivers of scales against a simulated scale over their real lines. */
import { realClock } from "@aislewatch/runtime";
import {
  bringToLife,
  type Dialogue,
  kernDialogue,
  nciDialogue,
  type Scale,
  scale,
  sicsDialogue,
  smaDialogue,
  toledoDialogue,
} from "@aislewatch/simulator";
import { afterEach, describe, expect, it } from "vitest";
import { LINES, type Polled, pollerOf, simulatedLine } from "../../test/rig/simulated-line.ts";
import type { AnyDriver } from "./driver.ts";
import mtSics from "./mt-sics/index.ts";
import nci from "./nci/index.ts";
import sma from "./sma/index.ts";
import toledo from "./toledo-8217/index.ts";
import weightLines from "./weight-lines/index.ts";

const ends: (() => unknown)[] = [];
const onEnd = (end: () => unknown): void => void ends.push(end);
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** No customer comes while a test runs. */
const calm = (): number => 0.999;

type Dialect = {
  readonly driver: AnyDriver;
  readonly dialogue: (scale: Scale) => () => Dialogue;
  readonly healthy: object;
  /** What each fault of the scale changes; faults that the dialect can't tell are not there. */
  readonly faults: Readonly<Record<string, object>>;
  readonly asset?: object;
};

const AT_ZERO = { weight_stable: true, weight_at_zero: true, zero_drift_kilograms: 0 };
const DRIFTED = { weight_stable: true, weight_at_zero: false, zero_drift_kilograms: 0.015 };
const NO_LIMIT = { under_zero: false, over_capacity: false };
const SICS_SOUND = { calibration_required: false, hardware_fault: false };
const FIRMWARE = { model: "ICS425", firmware: "1.02", serial: "B021002593" };

const DIALECTS: readonly Dialect[] = [
  {
    driver: toledo,
    dialogue: toledoDialogue,
    healthy: { ...AT_ZERO, ...NO_LIMIT, zero_required: false },
    faults: {
      motion: { weight_stable: false, weight_at_zero: true, ...NO_LIMIT },
      "under-zero": { weight_stable: true, weight_at_zero: false, ...NO_LIMIT, under_zero: true, zero_required: false },
      "over-capacity": { weight_stable: true, weight_at_zero: false, ...NO_LIMIT, over_capacity: true },
      "zero-drift": { ...DRIFTED, ...NO_LIMIT, zero_required: false },
      "zero-failed": { weight_stable: true, weight_at_zero: false, ...NO_LIMIT, zero_required: true },
    },
  },
  {
    driver: mtSics,
    dialogue: ({ device }) => sicsDialogue({ device, identity: FIRMWARE }),
    healthy: { ...AT_ZERO, ...NO_LIMIT, ...SICS_SOUND },
    asset: FIRMWARE,
    faults: {
      motion: { weight_stable: false, weight_at_zero: true, ...NO_LIMIT, ...SICS_SOUND },
      "under-zero": { ...NO_LIMIT, under_zero: true, ...SICS_SOUND },
      "over-capacity": { ...NO_LIMIT, over_capacity: true, ...SICS_SOUND },
      "zero-drift": { ...DRIFTED, ...NO_LIMIT, ...SICS_SOUND },
      "calibration-lost": { calibration_required: true, hardware_fault: false },
      "memory-error": { calibration_required: false, hardware_fault: true },
      "zero-failed": {},
    },
  },
  {
    driver: nci,
    dialogue: nciDialogue,
    healthy: { ...AT_ZERO, ...NO_LIMIT, ...SICS_SOUND, zero_required: false },
    faults: {
      motion: { ...NO_LIMIT, ...SICS_SOUND, weight_stable: false, weight_at_zero: true, zero_required: false },
      "zero-drift": { ...DRIFTED, ...NO_LIMIT, ...SICS_SOUND, zero_required: false },
      "calibration-lost": {
        ...AT_ZERO,
        ...NO_LIMIT,
        zero_required: false,
        calibration_required: true,
        hardware_fault: false,
      },
      "memory-error": {
        ...AT_ZERO,
        ...NO_LIMIT,
        zero_required: false,
        calibration_required: false,
        hardware_fault: true,
      },
    },
  },
  {
    driver: sma,
    dialogue: ({ device }) => smaDialogue({ device, maker: "Avery Weigh-Tronix", model: "ZM401", firmware: "1.02" }),
    healthy: { ...AT_ZERO, ...NO_LIMIT, zero_required: false },
    asset: { vendor: "Avery Weigh-Tronix", model: "ZM401", firmware: "1.02" },
    faults: {
      motion: { weight_stable: false, weight_at_zero: true, ...NO_LIMIT, zero_required: false },
      "over-capacity": {
        weight_stable: true,
        weight_at_zero: false,
        ...NO_LIMIT,
        over_capacity: true,
        zero_required: false,
      },
      "zero-drift": { ...DRIFTED, ...NO_LIMIT, zero_required: false },
      "zero-failed": { weight_stable: true, zero_required: true },
    },
  },
  {
    driver: weightLines,
    dialogue: ({ device }) => kernDialogue({ device, clock: realClock, everyMs: 100 }),
    healthy: AT_ZERO,
    faults: {
      motion: { weight_stable: false, weight_at_zero: true },
      "zero-drift": DRIFTED,
      "over-capacity": {},
    },
  },
];

async function scaleOn(line: (typeof LINES)[number], { driver, dialogue }: Dialect) {
  const device = bringToLife(scale(), realClock, calm);
  const simulated = await simulatedLine(line, dialogue({ device }), onEnd);
  return { ...simulated, scale: device, poll: pollerOf(driver, "scale", { line: simulated.line }, onEnd) };
}

const metrics = (polled: Polled): unknown => (typeof polled === "string" ? polled : polled.metrics);

describe.each(DIALECTS)("$driver.name", (dialect) => {
  it.each(LINES)("tells each fault over %s as it comes and goes", async (line) => {
    const { scale, poll } = await scaleOn(line, dialect);
    const first = await poll();
    expect(metrics(first)).toEqual(dialect.healthy);
    expect(typeof first === "string" ? first : first.asset).toEqual(dialect.asset);
    for (const [fault, metricsThen] of Object.entries(dialect.faults)) {
      scale.fault(fault);
      expect(metrics(await poll()), fault).toEqual(metricsThen);
      scale.heal(fault);
    }
    expect(metrics(await poll())).toEqual(dialect.healthy);
  });

  it("takes nothing from a line that talks nonsense or not at all", async () => {
    const { poll, device } = await scaleOn("tcp", dialect);
    await device.setConduct({ kind: "garbage" });
    expect(["timeout", "protocol"]).toContain(await poll(300));
    await device.setConduct({ kind: "silent" });
    expect(["timeout", "refused"]).toContain(await poll(300));
    await device.setConduct({ kind: "normal" });
    expect(metrics(await poll())).toEqual(dialect.healthy);
  });
});

describe.runIf(LINES.includes("serial"))("a scale on an adapter", () => {
  it.each(DIALECTS)("comes back by itself when it is pulled out and plugged in: $driver.name", async (dialect) => {
    const { poll, unplug, replug } = await scaleOn("serial", dialect);
    expect(metrics(await poll())).toEqual(dialect.healthy);
    await unplug();
    expect(await poll()).toBe("unreachable");
    await replug();
    expect(metrics(await poll())).toEqual(dialect.healthy);
  });
});
