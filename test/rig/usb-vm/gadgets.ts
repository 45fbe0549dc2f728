/** USB gadgets of the guest: what is plugged in is described to its kernel below configfs (f_printer, f_hid, f_acm). */
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
  /** Its other side is /dev/ttyGSN. */
  | { readonly kind: "acm" };

const TYPES = { printer: "printer", hid: "hid", acm: "acm" } as const;

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
}

function functionLines(one: GadgetFunction, folder: string): string[] {
  const path = `functions/${folder}`;
  const link = `ln -s ${path} configs/c.1/`;
  if (one.kind === "printer") return [`mkdir ${path}`, `echo '${one.deviceId}' > ${path}/pnp_string`, link];
  if (one.kind === "acm") return [`mkdir ${path}`, link];
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
