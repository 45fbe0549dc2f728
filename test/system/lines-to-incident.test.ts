/**
 * From raw bytes to incident, once for each main fault of what speaks over a line: a simulated device answers in its own
 * dialect on a socket, a real agent asks it, and a real collector judges by the shipped rule packs. Only the waits are
 * not the shipped ones: each is WAIT_SCALE times as short, so that a drawer which may stand open for five minutes is an
 * incident within two seconds. Conditions, severities and runbooks are those of the packs.
 */
import type { Kind } from "@aislewatch/devices";
import { realClock } from "@aislewatch/runtime";
import {
  type ByteDevice,
  bringToLife,
  conveyorUnit,
  conveyorZone,
  type Dialogue,
  datalogicDialogue,
  dplDialogue,
  drive,
  driveUnit,
  eplDialogue,
  escposDialogue,
  honeywellDialogue,
  type LiveDevice,
  labelPrinter,
  type ModbusUnit,
  modbusDialogue,
  NORMAL,
  nciDialogue,
  receiptPrinter,
  SILENT,
  sbplDialogue,
  scale,
  scanner,
  sicsDialogue,
  smaDialogue,
  ssiDialogue,
  starDialogue,
  startTcpDevice,
  toledoDialogue,
  tsplDialogue,
  zplDialogue,
} from "@aislewatch/simulator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hurriedPacks } from "../rig/hurried-packs.ts";
import {
  type CollectorRig,
  cleanUp,
  devicesUp,
  FIRST_STORE,
  onCleanUp,
  startAgent,
  startCollector,
  waitFor,
} from "../rig/rig.ts";

/** A device in the making: what it answers with, and what goes wrong with it. */
type Made = { readonly dialogue: () => Dialogue; readonly life?: Pick<LiveDevice, "fault" | "heal"> };
type Family = {
  readonly kind: Kind;
  readonly driver: string;
  /** Keys of agent.yaml beside the line. */
  readonly config?: string;
  readonly make: () => Made;
};

/** No customer comes and no value wanders: what happens is what a case does. */
const random = (): number => 0.5;
const identity = { name: "dock-1", model: "ZT411", serial: "99J204500217", firmware: "V92.21.39Z", location: "Dock" };

type Simulated<State> = (device: LiveDevice<State>) => () => Dialogue;
type LabelState = Parameters<typeof zplDialogue>[0]["device"] extends LiveDevice<infer State> ? State : never;
type ReceiptState = Parameters<typeof escposDialogue>[0]["device"] extends LiveDevice<infer State> ? State : never;
type ScaleState = Parameters<typeof toledoDialogue>[0]["device"] extends LiveDevice<infer State> ? State : never;

const label = (driver: string, dialogue: Simulated<LabelState>): Family => ({
  kind: "label_printer",
  driver,
  make() {
    const life = bringToLife(labelPrinter(identity), realClock, random);
    return { life, dialogue: dialogue(life) };
  },
});
const receipt = (driver: string, dialogue: Simulated<ReceiptState>, config = ""): Family => ({
  kind: "receipt_printer",
  driver,
  config,
  make() {
    const life = bringToLife(receiptPrinter(), realClock, random);
    return { life, dialogue: dialogue(life) };
  },
});
const weighing = (driver: string, dialogue: Simulated<ScaleState>): Family => ({
  kind: "scale",
  driver,
  make() {
    const life = bringToLife(scale(), realClock, random);
    return { life, dialogue: dialogue(life) };
  },
});
const onBus = (unit: ModbusUnit, framing: "rtu" | "tcp"): (() => Dialogue) =>
  modbusDialogue({ units: new Map([[7, unit]]), framing, random });

const zpl = label("zpl", (device) => zplDialogue({ identity, device }));
const tspl = label("tspl", (device) => tsplDialogue({ device }));
const sbpl = label("sbpl", (device) => sbplDialogue({ device }));
const dpl = label("dpl", (device) => dplDialogue({ device }));
const epl = label("epl", (device) => eplDialogue({ device }));
const escpos = receipt("escpos", (device) => escposDialogue({ device }), "drawer_open_is: high");
const star = receipt("star", (device) => starDialogue({ device }));
const toledo = weighing("toledo_8217", (device) => toledoDialogue({ device }));
const sics = weighing("mt_sics", (device) =>
  sicsDialogue({ device, identity: { model: "Ariva-S-15", firmware: "2.10", serial: "B042003117" } }),
);
const nci = weighing("nci", (device) => nciDialogue({ device }));
const sma = weighing("sma", (device) => smaDialogue({ device, maker: "Acme", model: "B-15", firmware: "1.2" }));
const scanning = (driver: string, dialogue: typeof honeywellDialogue): Family => ({
  kind: "barcode_scanner",
  driver,
  make() {
    const life = bringToLife(scanner(), realClock, random);
    const about = { model: "Xenon 1900", firmware: "CB000064ABA", serial: "16042B4711" };
    return { life, dialogue: dialogue({ device: life, identity: about }) };
  },
});
const honeywell = scanning("honeywell_scanner", honeywellDialogue);
const datalogic = scanning("datalogic_scanner", datalogicDialogue);
const ssi = scanning("zebra_ssi", ssiDialogue);
const motor: Family = {
  kind: "drive",
  driver: "modbus",
  config: "map: siemens-v20, unit: 7",
  make() {
    const life = bringToLife(drive(), realClock, random);
    const about = { name: "incline", vendor: "Siemens", model: "V20", firmware: "1.05" };
    return { life, dialogue: onBus(driveUnit(life, about), "tcp") };
  },
};
/** RTU on a terminal server's raw port. */
const zone: Family = {
  kind: "conveyor",
  driver: "modbus",
  config: "map: conveyor-zone, unit: 7, framing: rtu",
  make() {
    const life = bringToLife(conveyorZone(), realClock, random);
    return { life, dialogue: onBus(conveyorUnit(life), "rtu") };
  },
};
/** A scanner whose line is mirrored: it says what it reads, until nobody scans. */
const mirrored: Family = {
  kind: "barcode_scanner",
  driver: "tap",
  config: "terminator: cr",
  make() {
    let quiet = false;
    const begin = (say: (text: string) => void): (() => void) => {
      let cancel = (): void => {};
      const scan = (): void => {
        if (!quiet) say("4006381333931\r");
        cancel = realClock.after(300, scan);
      };
      scan();
      return () => cancel();
    };
    const set = (to: boolean) => (): boolean => {
      quiet = to;
      return true;
    };
    return { dialogue: () => ({ take: () => [], begin }), life: { fault: set(true), heal: set(false) } };
  },
};

type Case = {
  readonly what: string;
  readonly of: Family;
  /** Of the model; `silent`: the line answers nothing any more. */
  readonly fault: string;
  readonly rule: string;
  readonly runbook: string;
  readonly component?: string;
};

const cases: readonly Case[] = [
  { what: "media out", of: zpl, fault: "media-out", rule: "label-media-out", runbook: "label-printer/media-out" },
  { what: "media out", of: sbpl, fault: "media-out", rule: "label-media-out", runbook: "label-printer/media-out" },
  { what: "ribbon out", of: tspl, fault: "ribbon-out", rule: "label-ribbon-out", runbook: "label-printer/ribbon-out" },
  { what: "head open", of: dpl, fault: "head-open", rule: "label-head-open", runbook: "label-printer/head-open" },
  { what: "head open", of: epl, fault: "head-open", rule: "label-head-open", runbook: "label-printer/head-open" },
  { what: "head too hot", of: zpl, fault: "head-hot", rule: "label-head-hot", runbook: "label-printer/head-hot" },
  { what: "head too hot", of: tspl, fault: "head-hot", rule: "label-head-hot", runbook: "label-printer/head-hot" },
  { what: "cutter jammed", of: zpl, fault: "cutter-jam", rule: "label-jam", runbook: "label-printer/jam" },
  {
    what: "paper near its end",
    of: escpos,
    fault: "paper-low",
    rule: "receipt-paper-low",
    runbook: "receipt-printer/paper-low",
  },
  {
    what: "paper out",
    of: escpos,
    fault: "paper-out",
    rule: "receipt-paper-out",
    runbook: "receipt-printer/paper-out",
  },
  { what: "paper out", of: star, fault: "paper-out", rule: "receipt-paper-out", runbook: "receipt-printer/paper-out" },
  {
    what: "cover open",
    of: escpos,
    fault: "cover-open",
    rule: "receipt-cover-open",
    runbook: "receipt-printer/cover-open",
  },
  {
    what: "cutter jammed",
    of: escpos,
    fault: "cutter-jam",
    rule: "receipt-cutter-fault",
    runbook: "receipt-printer/cutter",
  },
  {
    what: "head too hot",
    of: escpos,
    fault: "head-hot",
    rule: "receipt-head-hot",
    runbook: "receipt-printer/head-hot",
  },
  {
    what: "drawer left open",
    of: escpos,
    fault: "drawer-open",
    rule: "drawer-left-open",
    runbook: "cash-drawer/left-open",
  },
  {
    what: "over its capacity",
    of: toledo,
    fault: "over-capacity",
    rule: "scale-over-capacity",
    runbook: "scale/over-capacity",
  },
  {
    what: "over its capacity",
    of: sma,
    fault: "over-capacity",
    rule: "scale-over-capacity",
    runbook: "scale/over-capacity",
  },
  { what: "never at rest", of: toledo, fault: "motion", rule: "scale-unstable", runbook: "scale/unstable" },
  {
    what: "not calibrated",
    of: sics,
    fault: "calibration-lost",
    rule: "scale-uncalibrated",
    runbook: "scale/calibration",
  },
  {
    what: "not calibrated",
    of: nci,
    fault: "calibration-lost",
    rule: "scale-uncalibrated",
    runbook: "scale/calibration",
  },
  {
    what: "without a zero",
    of: toledo,
    fault: "zero-failed",
    rule: "scale-uncalibrated",
    runbook: "scale/calibration",
  },
  { what: "below zero", of: sics, fault: "under-zero", rule: "scale-under-zero", runbook: "scale/zero-off" },
  { what: "that is not used", of: mirrored, fault: "quiet", rule: "scanner-silent", runbook: "barcode-scanner/silent" },
  { what: "without an answer", of: honeywell, fault: "silent", rule: "no-answer", runbook: "device/no-answer" },
  { what: "without an answer", of: ssi, fault: "silent", rule: "no-answer", runbook: "device/no-answer" },
  {
    what: "with a dark laser",
    of: datalogic,
    fault: "laser-failed",
    rule: "hardware-fault",
    runbook: "device/hardware-fault",
  },
  { what: "without an answer", of: mirrored, fault: "silent", rule: "no-answer", runbook: "device/no-answer" },
  { what: "tripped", of: motor, fault: "trip", rule: "drive-tripped", runbook: "conveyor/drive-trip" },
  {
    what: "over its current",
    of: motor,
    fault: "over-current",
    rule: "drive-over-current",
    runbook: "conveyor/over-current",
  },
  { what: "that stands still", of: zone, fault: "stall", rule: "conveyor-stalled", runbook: "conveyor/stalled" },
  {
    what: "jammed at an eye",
    of: zone,
    fault: "jam",
    rule: "conveyor-jam",
    runbook: "conveyor/jam",
    component: "eye-discharge",
  },
  {
    what: "in emergency stop",
    of: zone,
    fault: "emergency-stop",
    rule: "conveyor-emergency-stop",
    runbook: "conveyor/emergency-stop",
  },
];

type Slot = Case & { readonly id: string; readonly device: Made & { line?: ByteDevice } };
/** A device each: no fault hides another's. */
const SLOTS: readonly Slot[] = cases.map((one, n) => ({
  ...one,
  id: `slot-${n}/${one.of.driver.replaceAll("_", "-")}`,
  device: one.of.make(),
}));

type Incident = {
  readonly id: string;
  readonly rule: string;
  readonly runbook: string | null;
  readonly recoveredAt: number | null;
  readonly subject: { readonly device: string | null; readonly component: string | null };
};

let collector: CollectorRig;

const incidentOf = async ({ id, rule }: Slot): Promise<Incident | undefined> => {
  const { items } = await collector.api<{ items: Incident[] }>(`/incidents?state=all&device=${encodeURIComponent(id)}`);
  return items.find((incident) => incident.rule === rule);
};

async function happen({ device, fault }: Slot, verb: "fault" | "heal"): Promise<void> {
  if (fault === "silent") await device.line?.setConduct(verb === "fault" ? SILENT : NORMAL);
  else if (device.life?.[verb](fault) !== true) throw new Error(`no fault ${fault}`);
}

beforeAll(async () => {
  const lines: string[] = [];
  for (const { id, of, device } of SLOTS) {
    const { dialogue } = device;
    const started = await startTcpDevice({ dialogue, clock: realClock, random, address: "127.0.0.1", port: 0 });
    if (!started.ok) throw new Error(started.error.detail);
    device.line = started.value;
    onCleanUp(() => started.value.stop());
    const more = of.config === undefined || of.config === "" ? "" : `, ${of.config}`;
    const line = `line: { tcp: "127.0.0.1:${started.value.line}" }`;
    lines.push(`  - { id: ${id}, kind: ${of.kind}, driver: ${of.driver}, every: 500ms, ${line}${more} }\n`);
  }
  collector = await startCollector({ rules: hurriedPacks(), sites: FIRST_STORE });
  await startAgent(collector, "store-1/pc", lines.join(""));
  await devicesUp(
    collector,
    SLOTS.map(({ id }) => id),
  );
});
afterAll(cleanUp);

describe.concurrent("over a line", () => {
  it.each(SLOTS)("a $of.kind ($of.driver) $what is an incident of $rule, until it is healed", async (slot) => {
    expect(await incidentOf(slot)).toBeUndefined();
    await happen(slot, "fault");
    const opened = await waitFor(`an incident of ${slot.rule}`, () => incidentOf(slot));
    expect(opened).toMatchObject({
      runbook: slot.runbook,
      recoveredAt: null,
      subject: { device: slot.id, component: slot.component ?? null },
    });
    const { runbook } = await collector.api<{ runbook: { markdown: string } | null }>(`/incidents/${opened.id}`);
    expect(runbook?.markdown.length).toBeGreaterThan(100);
    await happen(slot, "heal");
    await waitFor("its recovery", async () => (await incidentOf(slot))?.recoveredAt);
  });
});
