/**
 * Real USB, as far as a kernel can tell: gadgets in a guest, the agent there by this checkout, and our collector on the
 * host, asked what it was sent.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AgentStatusFile } from "../../agent/status-file.ts";
import { type CollectorRig, cleanUp, startCollector, waitFor } from "../rig/rig.ts";
import { drop, type Gadget, makeGadget, plug, unplug } from "../rig/usb-vm/gadgets.ts";
import { bootVm, startGuestAgent, type Vm, vmMissing } from "../rig/usb-vm/vm.ts";

const PRINTER: Gadget = {
  name: "printer",
  vendorId: "0a5f",
  productId: "00a3",
  manufacturer: "Zebra Technologies",
  product: "ZTC LP 2824 Plus",
  serial: "36J141701319",
  functions: [{ kind: "printer", deviceId: "MFG:Zebra;CMD:ZPL;MDL:LP 2824 Plus;CLS:PRINTER;" }],
};
/** A keyboard (HID 1.11, appendix E.6, without lights), as every scanner that types: modifiers, a gap, six keys. */
const KEYBOARD = Buffer.from(
  [
    "05010906a101",
    "050719e029e71500250175019508" + "8102",
    "95017508" + "8101",
    "95067508150025651900" + "2965" + "8100",
    "c0",
  ].join(""),
  "hex",
);
const SCANNER: Gadget = {
  name: "scanner",
  vendorId: "05f9",
  productId: "2206",
  manufacturer: "Datalogic",
  product: "Gryphon",
  currentMilliamperes: 400,
  functions: [{ kind: "hid", reportDescriptor: KEYBOARD, reportBytes: 8 }],
};
/** The same one after a label that sets it to RS-232 emulation. */
const SCANNER_ON_SERIAL: Gadget = { ...SCANNER, name: "scanner2", productId: "4204", functions: [{ kind: "acm" }] };

/** Each comes once an hour by itself, so that nothing but the kernel's word can have brought what is seen sooner. */
const DEVICES = `
  - { id: lane-1/printer, kind: label_printer, driver: usb, every: 1h, match: { id: "0a5f:00a3" } }
  - { id: lane-1/scanner, kind: barcode_scanner, driver: usb, every: 1h, match: { id: "05f9:2206", port: 2-1 } }
  - { id: lane-1/lp0, kind: label_printer, driver: usb, every: 1h, match: { path: /dev/usb/lp0 } }
`;

type Event = { readonly code: string; readonly detail: string; readonly at: number };
type Detail = {
  readonly device: { readonly asset: Readonly<Record<string, string>> };
  readonly values: readonly { readonly metric: string; readonly value: number | boolean }[];
  readonly events: readonly Event[];
};

describe.skipIf(vmMissing())("USB devices of a machine", () => {
  let collector: CollectorRig;
  let vm: Vm;

  beforeAll(async () => {
    [collector, vm] = await Promise.all([startCollector(), bootVm({ ports: 3 })]);
    for (const gadget of [PRINTER, SCANNER, SCANNER_ON_SERIAL]) await makeGadget(vm, gadget);
    await plug(vm, "printer", 1);
    await plug(vm, "scanner", 2);
    await startGuestAgent(vm, collector, "store-1/pos-1", DEVICES);
    await waitFor("the first readings", () => value("lane-1/scanner", "attached"));
    // Half a minute as a rule; more when a guest hangs while it boots, and another one has to.
  });
  afterAll(cleanUp);

  const detail = (id: string) => collector.api<Detail>(`/sites/store-1/device?id=${id}`);
  const value = async (id: string, metric: string) =>
    (await detail(id)).values.find((one) => one.metric === metric)?.value;
  const seen = (id: string, code: string) =>
    waitFor(`${code} of ${id}`, async () => (await detail(id)).events.find((one) => one.code === code));

  it("are there, with who they are and how they are connected", async () => {
    const { device } = await waitFor("the printer", async () => {
      const found = await detail("lane-1/printer");
      return found.device.asset["serial"] === undefined ? null : found;
    });
    expect(device.asset).toMatchObject({
      vendor: "Zebra Technologies",
      model: "ZTC LP 2824 Plus",
      serial: "36J141701319",
    });
    expect(await value("lane-1/printer", "usb_speed_bits_per_second")).toBe(480_000_000);
    expect(await value("lane-1/lp0", "attached")).toBe(true);
    expect(await value("lane-1/scanner", "usb_declared_current_amperes")).toBe(0.4);
    expect(await value("lane-1/scanner", "usb_errors_total")).toBeUndefined();
    expect((await detail("lane-1/scanner")).device.asset).not.toHaveProperty("serial");
  });

  it("say on status where that is known from, and by which command the kernel's log can be had", async () => {
    const sources = async (id: string) => {
      const status = JSON.parse(await vm.run("cat /host/mnt/data/status.json")) as Pick<AgentStatusFile, "devices">;
      return status.devices
        .find((one) => one.id === id)
        ?.sources.map(({ name, state, grant }) => ({ name, state, grant }));
    };
    const grant = expect.stringContaining("sysctl -w kernel.dmesg_restrict=0");
    await waitFor("the sources", async () => ((await sources("lane-1/printer")) ?? []).length > 0);
    expect(await sources("lane-1/printer")).toEqual([
      { name: "sysfs", state: "used" },
      { name: "hot-plug", state: "used" },
      { name: "kernel log", state: "denied", grant },
      { name: "usblp", state: "ready" },
    ]);
    await vm.run("sysctl -w kernel.dmesg_restrict=0");
  });

  it("are missed at once when they go, and found in another port", async () => {
    await unplug(vm, "printer");
    expect((await seen("lane-1/printer", "detached")).detail).toContain("left port 1-1");
    await waitFor("its absence", async () => (await value("lane-1/printer", "attached")) === false);
    expect(await value("lane-1/lp0", "attached")).toBe(false);
    await plug(vm, "printer", 3);
    expect((await seen("lane-1/printer", "usb_port_changed")).detail).toContain("from port 1-1 to 3-1");
    await waitFor("its return", () => value("lane-1/printer", "attached"));
    expect(await value("lane-1/printer", "usb_disconnects_total")).toBe(1);
    // The right came meanwhile, and there is no error to count.
    expect(await value("lane-1/printer", "usb_errors_total")).toBe(0);
  });

  it("are counted as dropped by their new number, however short they were away", async () => {
    await drop(vm, "printer", 3);
    await waitFor("the drop", async () => (await value("lane-1/printer", "usb_disconnects_total")) === 2);
    expect(await value("lane-1/printer", "attached")).toBe(true);
  });

  it("are not missed while the print spooler has the printer from the kernel's driver", async () => {
    await vm.run("echo 3-1:1.0 > /sys/bus/usb/drivers/usblp/unbind; test ! -e /dev/usb/lp0");
    await vm.run("echo 3-1:1.0 > /sys/bus/usb/drivers/usblp/bind; test -e /dev/usb/lp0");
    await drop(vm, "scanner", 2);
    await waitFor("a later scan", async () => (await value("lane-1/scanner", "usb_disconnects_total")) === 1);
    expect(await value("lane-1/printer", "usb_disconnects_total")).toBe(2);
  });

  it("are known in another interface mode", async () => {
    await unplug(vm, "scanner");
    await seen("lane-1/scanner", "detached");
    await plug(vm, "scanner2", 2);
    expect((await seen("lane-1/scanner", "usb_mode_changed")).detail).toContain("05f9:2206 answers as 05f9:4204");
    await waitFor("the mode", () => value("lane-1/scanner", "usb_mode_unexpected"));
    expect(await value("lane-1/scanner", "attached")).toBe(true);
  });
});
