/**
 * From what sysfs says of USB devices to incident: a real agent watches a folder of sysfs's shape, and a real collector
 * judges by the shipped packs. Their waits and windows are shorter, windows WINDOW_SCALE times and more; conditions,
 * severities and runbooks are the packs'.
 */
import { UsbTree, type UsbUnit } from "@aislewatch/simulator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hurriedPacks } from "../rig/hurried-packs.ts";
import {
  type CollectorRig,
  cleanUp,
  devicesUp,
  FIRST_STORE,
  startAgent,
  startCollector,
  tempFolder,
  waitFor,
} from "../rig/rig.ts";

/** Three disconnects within ten minutes are three within 6 s; an hour without one is WINDOW_MS_MAX. */
const WINDOW_SCALE = 100;
const WINDOW_MS_MIN = 1_000;
const WINDOW_MS_MAX = 15_000;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

const SCANNER: UsbUnit = { vendorId: "05f9", productId: "2206", product: "Gryphon", currentMilliamperes: 400 };
const PRINTER: UsbUnit = {
  vendorId: "04b8",
  productId: "0e15",
  manufacturer: "EPSON",
  product: "TM-T20II",
  interfaces: [{ class: 7, subClass: 1, protocol: 2, driver: "usblp", node: "usb/lp0" }],
};

type Case = {
  readonly what: string;
  readonly unit: UsbUnit;
  readonly rule: string;
  readonly severity: string;
  readonly runbook: string;
  happen(port: string): Promise<void>;
  heal(port: string): void;
};

let tree: UsbTree;
let collector: CollectorRig;

const disconnectsOf = async (id: string): Promise<number> => {
  type Detail = { readonly values: readonly { readonly metric: string; readonly value: number | boolean }[] };
  const { values } = await collector.api<Detail>(`/sites/store-1/device?id=${id}`);
  return Number(values.find(({ metric }) => metric === "usb_disconnects_total")?.value ?? 0);
};

const cases: readonly Case[] = [
  {
    what: "unplugged",
    unit: PRINTER,
    rule: "detached",
    severity: "major",
    runbook: "device/detached",
    happen: async (port) => tree.unplug(port),
    heal: (port) => void tree.plug(port, PRINTER),
  },
  {
    what: "flapping on its cable",
    unit: SCANNER,
    rule: "usb-flapping",
    severity: "major",
    runbook: "usb/flapping",
    async happen(port) {
      for (let n = 1; n <= 4; n++) {
        tree.drop(port);
        await waitFor(`disconnect ${n}`, async () => (await disconnectsOf(idOf(port))) >= n);
      }
    },
    heal: () => {},
  },
  {
    what: "switched off for too much current",
    unit: SCANNER,
    rule: "usb-over-current",
    severity: "major",
    runbook: "usb/over-current",
    async happen(port) {
      tree.overCurrent(port);
      tree.unplug(port);
    },
    heal: (port) => void tree.plug(port, SCANNER),
  },
  {
    what: "refused for lack of power",
    unit: SCANNER,
    rule: "usb-power-refused",
    severity: "major",
    runbook: "usb/power-refused",
    happen: async (port) => void tree.plug(port, { ...SCANNER, configured: false }),
    heal: (port) => void tree.plug(port, SCANNER),
  },
  {
    what: "kept out by a policy",
    unit: PRINTER,
    rule: "usb-blocked",
    severity: "major",
    runbook: "usb/blocked",
    happen: async (port) => void tree.plug(port, { ...PRINTER, authorized: false }),
    heal: (port) => void tree.plug(port, PRINTER),
  },
  {
    what: "set to another interface mode",
    unit: SCANNER,
    rule: "usb-mode",
    severity: "minor",
    runbook: "usb/mode",
    happen: async (port) => void tree.plug(port, { ...SCANNER, productId: "4204" }),
    heal: (port) => void tree.plug(port, SCANNER),
  },
];

const idOf = (port: string): string => `slot-${port}/usb`;
const SLOTS = cases.map((one, n) => ({ ...one, port: `1-${n + 1}`, id: idOf(`1-${n + 1}`) }));

/** What is counted within minutes and hours, within seconds. */
function hurriedWindows(pack: string): string {
  return pack.replaceAll(/(increase\(\w+, \\?")(\d+)([smh])(?=\\?"\))/g, (_, before, count, unit) => {
    const scaledMs = (Number(count) * (UNIT_MS[unit] ?? Number.NaN)) / WINDOW_SCALE;
    return `${before}${Math.min(WINDOW_MS_MAX, Math.max(WINDOW_MS_MIN, scaledMs))}ms`;
  });
}

type Incident = {
  readonly id: string;
  readonly rule: string;
  readonly severity: string;
  readonly runbook: string | null;
  readonly recoveredAt: number | null;
};
const incidentsOf = async (id: string): Promise<readonly Incident[]> =>
  (await collector.api<{ items: Incident[] }>(`/incidents?state=all&device=${encodeURIComponent(id)}`)).items;

beforeAll(async () => {
  tree = new UsbTree(tempFolder());
  const lines = SLOTS.map(({ port, id, unit }) => {
    tree.plug(port, unit);
    const kind = unit === PRINTER ? "receipt_printer" : "barcode_scanner";
    const match = `{ id: "${unit.vendorId}:${unit.productId}", port: ${port} }`;
    const places = `sysfs: ${JSON.stringify(tree.folder)}, kernel_log: ${JSON.stringify(tree.kernelLog)}`;
    return `  - { id: ${id}, kind: ${kind}, driver: usb, every: 500ms, match: ${match}, ${places} }\n`;
  });
  const packs = Object.entries(hurriedPacks()).map(([file, text]) => [file, hurriedWindows(text)]);
  collector = await startCollector({ rules: Object.fromEntries(packs), sites: FIRST_STORE });
  await startAgent(collector, "store-1/pc", lines.join(""));
  await devicesUp(
    collector,
    SLOTS.map(({ id }) => id),
  );
});
afterAll(cleanUp);

describe.concurrent("over USB", () => {
  it.each(SLOTS)(
    "a device $what is one incident of $rule, until it is healed",
    async ({ id, port, rule, severity, runbook, happen, heal }) => {
      expect(await incidentsOf(id)).toEqual([]);
      await happen(port);
      const found = async () => (await incidentsOf(id)).find((incident) => incident.rule === rule);
      const opened = await waitFor(`an incident of ${rule}`, found);
      expect(opened).toMatchObject({ severity, runbook, recoveredAt: null });
      heal(port);
      await waitFor("its recovery", async () => (await found())?.recoveredAt);
      expect((await incidentsOf(id)).map((incident) => incident.rule)).toEqual([rule]);
    },
  );
});
