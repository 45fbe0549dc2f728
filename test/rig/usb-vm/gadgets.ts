/** USB gadgets of the guest: what is plugged in is described to its kernel below configfs (f_printer, f_hid, f_acm, f_fs). */
import { join } from "node:path";
import type { Vm } from "./vm.ts";

export type Gadget = {
  /** Also its name below configfs. */
  readonly name: string;
  /** Four hex digits each. */
  readonly vendorId: string;
  readonly productId: string;
  readonly manufacturer: string;
  readonly product: string;
  /** None: the device has no serial number. */
  readonly serial?: string;
  readonly currentMilliamperes?: number;
  readonly functions: readonly GadgetFunction[];
};

export type GadgetFunction =
  /** Its other side is /dev/g_printerN. */
  | { readonly kind: "printer"; readonly deviceId: string }
  /** Its other side is /dev/hidgN. */
  | { readonly kind: "hid"; readonly reportDescriptor: Uint8Array; readonly reportBytes: number }
  /** Its other side answers questions for reports (`setReports`), and says nothing by itself. One a gadget. */
  | { readonly kind: "asked_hid"; readonly reportDescriptor: Uint8Array }
  /** Its other side is /dev/ttyGSN. */
  | { readonly kind: "acm" };

const TYPES = { printer: "printer", hid: "hid", asked_hid: "ffs", acm: "acm" } as const;
/** The host's files are there. */
const HID_SIDE = join(import.meta.dirname, "hid-side.pl");

/** Describes a gadget to the guest; nothing is plugged in yet. Functions of one kind are numbered as they are made. */
export async function makeGadget(vm: Vm, gadget: Gadget): Promise<void> {
  const { name, vendorId, productId, manufacturer, product, serial, currentMilliamperes = 100, functions } = gadget;
  const lines = [
    "set -e",
    `mkdir /sys/kernel/config/usb_gadget/${name}`,
    `cd /sys/kernel/config/usb_gadget/${name}`,
    `echo 0x${vendorId} > idVendor`,
    `echo 0x${productId} > idProduct`,
    "mkdir strings/0x409 configs/c.1",
    `echo '${manufacturer}' > strings/0x409/manufacturer`,
    `echo '${product}' > strings/0x409/product`,
    ...(serial === undefined ? [] : [`echo '${serial}' > strings/0x409/serialnumber`]),
    `echo ${currentMilliamperes} > configs/c.1/MaxPower`,
    ...functions.flatMap((one, n) => functionLines(one, `${TYPES[one.kind]}.${name}${n}`)),
  ];
  await vm.run(lines.join("\n"));
  for (const [n, one] of functions.entries()) {
    if (one.kind === "asked_hid") await startHidSide(vm, name, { instance: `${name}${n}`, ...one });
  }
}

/** The kernel takes the gadget up once its other side has said what it is. */
async function startHidSide(
  vm: Vm,
  name: string,
  { instance, reportDescriptor }: { readonly instance: string; readonly reportDescriptor: Uint8Array },
): Promise<void> {
  const folder = `/mnt/ffs-${name}`;
  const hex = Buffer.from(reportDescriptor).toString("hex");
  await vm.run(
    [
      `mkdir -p /host${folder} && mount -t functionfs ${instance} /host${folder}`,
      `chroot /host perl '${HID_SIDE}' ${folder} ${hex} ${reportsOf(name)} > /host/mnt/hid-${name}.log 2>&1 &`,
      `for n in $(seq 100); do test -e /host${folder}/ep1 && exit 0; sleep 0.1; done; cat /host/mnt/hid-${name}.log; exit 1`,
    ].join("\n"),
  );
}

const reportsOf = (name: string): string => `/mnt/reports-${name}`;

/** What a gadget that is asked answers from now on, all bytes as hex: `{ "feature 7": "0764" }`. */
export async function setReports(vm: Vm, name: string, reports: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(reports).map(([report, hex]) => `${report} ${hex.replaceAll(" ", "")}\n`);
  await vm.write(`${reportsOf(name)}.new`, lines.join(""));
  // At once, for it may be asked at any moment.
  await vm.run(`mv /host${reportsOf(name)}.new /host${reportsOf(name)}`);
}

function functionLines(one: GadgetFunction, folder: string): string[] {
  const path = `functions/${folder}`;
  const link = `ln -s ${path} configs/c.1/`;
  if (one.kind === "printer") return [`mkdir ${path}`, `echo '${one.deviceId}' > ${path}/pnp_string`, link];
  if (one.kind === "acm" || one.kind === "asked_hid") return [`mkdir ${path}`, link];
  const bytes = [...one.reportDescriptor].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  return [
    `mkdir ${path}`,
    `echo 0 > ${path}/protocol`,
    `echo 0 > ${path}/subclass`,
    `echo ${one.reportBytes} > ${path}/report_length`,
    `printf '${bytes}' > ${path}/report_desc`,
    link,
  ];
}

/** Into the machine's USB port of this number, from 1; it is `PORT-1` to the kernel, for each port is a bus here. */
export async function plug(vm: Vm, name: string, port: number): Promise<void> {
  await vm.run(`echo dummy_udc.${port - 1} > /sys/kernel/config/usb_gadget/${name}/UDC`);
}

export async function unplug(vm: Vm, name: string): Promise<void> {
  await vm.run(`echo > /sys/kernel/config/usb_gadget/${name}/UDC`);
}

/** A bad contact: out and in again, with nobody having the time to look. */
export async function drop(vm: Vm, name: string, port: number): Promise<void> {
  const file = `/sys/kernel/config/usb_gadget/${name}/UDC`;
  await vm.run(`echo > ${file}; echo dummy_udc.${port - 1} > ${file}`);
}
