/**
 * What it costs to watch a till: twelve USB devices in a tree of sysfs's shape, and the host itself. Nothing happens to
 * them; beside it the same agent with one device that is looked at once an hour.
 */
import { UsbTree, type UsbUnit } from "@aislewatch/simulator";
import { type CollectorRig, cleanUp, startCollector, tempFolder } from "../rig/rig.ts";
import { AgentProcess, type AgentProgram, fromSources, nodeOfItsOwn } from "./agent-process.ts";
import { type Figure, progress } from "./figure.ts";
import { pause } from "./punctuality.ts";
import { spent } from "./spent.ts";

const DEVICES = 12;
/** First polls, and what V8 compiles and throws away at the start. */
const WARM_UP_MS = 20_000;
/** Four polls of each device at the longer interval. */
const MEASURED_MS = 60_000;
/** What agent.yaml has where it says nothing, and the most that a shop asks for. */
const EVERY_SECONDS = [30, 10] as const;

const UNITS: readonly UsbUnit[] = [
  {
    vendorId: "04b8",
    productId: "0e15",
    product: "TM-T20II",
    interfaces: [{ class: 7, driver: "usblp", node: "usb/lp0" }],
  },
  {
    vendorId: "05f9",
    productId: "2206",
    product: "Gryphon",
    interfaces: [{ class: 3, driver: "usbhid", node: "hidraw0" }],
  },
  {
    vendorId: "0eb8",
    productId: "f000",
    product: "Scale",
    interfaces: [{ class: 3, driver: "usbhid", node: "hidraw1" }],
  },
];

export async function benchUsb(): Promise<Figure[]> {
  try {
    const program = fromSources(nodeOfItsOwn());
    const collector = await startCollector();
    const tree = new UsbTree(tempFolder());
    const ports = Array.from({ length: DEVICES }, (_, i) => `1-${i + 1}`);
    for (const [i, port] of ports.entries()) {
      const unit = UNITS[i % UNITS.length];
      if (unit !== undefined) tree.plug(port, unit);
    }
    const places = `sysfs: ${JSON.stringify(tree.folder)}, kernel_log: ${JSON.stringify(tree.kernelLog)}`;
    const usb = (port: string, every: string): string =>
      `{ id: usb-${port}, kind: barcode_scanner, driver: usb, every: ${every}, match: { port: ${port} }, ${places} }`;
    const host = (every: string): string => `{ id: this-host, kind: host, driver: host, every: ${every} }`;

    const figures = await watch(collector, program, {
      name: "usb-none",
      of: "one USB device every hour",
      devices: [usb("1-1", "1h")],
    });
    for (const seconds of EVERY_SECONDS) {
      const every = `${seconds}s`;
      const devices = ports.map((port) => usb(port, every));
      const of = `${DEVICES} USB devices every ${seconds} s`;
      figures.push(...(await watch(collector, program, { name: `usb-${every}`, of, devices })));
      figures.push(
        ...(await watch(collector, program, {
          name: `till-${every}`,
          of: `${of}, and the host`,
          devices: [host(every), ...devices],
        })),
      );
    }
    return figures;
  } finally {
    await cleanUp();
  }
}

type Watched = { readonly name: string; readonly of: string; readonly devices: readonly string[] };

async function watch(
  collector: CollectorRig,
  program: AgentProgram,
  { name, of, devices }: Watched,
): Promise<Figure[]> {
  progress(`usb: ${of}`);
  const agent = await AgentProcess.start(collector, program, { name: `bench-${name}/agent`, devices });
  await pause(WARM_UP_MS);
  const { pssMb, cpuSeconds, seconds } = await spent(() => [agent.pid], MEASURED_MS);
  await agent.stop();
  return [
    { label: `${of}: CPU of one core`, value: (cpuSeconds / seconds) * 100, unit: "%" },
    { label: `${of}: memory, PSS`, value: pssMb, unit: "MB" },
  ];
}
