/** Kernel logs of real incidents, played into slots as the scans that sysfs would have shown in between. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { recordingsMissing } from "../../../test/rig/rig.ts";
import { identityOf, readSerial, readUsbDevice, type SysfsDevice } from "../../core/usb-device.ts";
import { readKernelLine } from "./kernel-lines.ts";
import { EMPTY_SLOT, findDevice, type SlotState, stepKernel, stepSlot, type UsbEvent } from "./slot.ts";

const CAPTURES = join(import.meta.dirname, "../../../../shared/devices/captures/usb");

type Tree = Map<string, SysfsDevice>;
const TEXTS: Readonly<Record<string, string>> = {
  Product: "product",
  Manufacturer: "manufacturer",
  SerialNumber: "serial",
};

/** What sysfs shows after each line that changes it. `before` was there when the log begins. */
function* scansOf(file: string, before: Tree): Generator<{ line: string; tree: Tree }> {
  const tree: Tree = new Map(before);
  for (const line of readFileSync(join(CAPTURES, file), "utf8").split("\n")) {
    const [, port = "", text = ""] = /(?:usb|usblp) (\d+-[\d.]+)(?::1\.0)?: (.*)$/.exec(line) ?? [];
    const known = tree.get(port) ?? { port, attributes: { bConfigurationValue: "1" }, interfaces: [] };
    const put = (attributes: Record<string, string>, driver: string | null = null): void => {
      const interfaces =
        driver === null ? known.interfaces : [{ name: `${port}:1.0`, attributes: {}, driver, nodes: ["usb/lp0"] }];
      tree.set(port, { port, attributes: { ...known.attributes, ...attributes }, interfaces });
    };
    const named = /^(Product|Manufacturer|SerialNumber): (.*)$/.exec(text);
    const found = /idVendor=([0-9a-f]{4}), idProduct=([0-9a-f]{4})/.exec(text);
    const number = /new \S+ USB device number (\d+)/.exec(text)?.[1];
    if (/USB disconnect/.test(text)) tree.delete(port);
    else if (number !== undefined) put({ devnum: number });
    else if (found !== null) put({ idVendor: found[1] ?? "", idProduct: found[2] ?? "" });
    else if (named !== null) put({ [TEXTS[named[1] ?? ""] ?? ""]: named[2] ?? "" });
    else if (/usblp0: USB Bidirectional/.test(text)) put({}, "usblp");
    else if (/usblp0: removed/.test(line)) {
      for (const [at, device] of tree) {
        tree.set(at, { ...device, interfaces: device.interfaces.map((one) => ({ ...one, driver: null, nodes: [] })) });
      }
    } else continue;
    yield { line, tree: new Map(tree) };
  }
}

const devicesOf = (tree: Tree) => [...tree.values()].map(readUsbDevice).filter((device) => device !== null);

function play(file: string, id: string, before: readonly SysfsDevice[]): { state: SlotState; events: UsbEvent[] } {
  const [vendorId = null, productId = null] = id.split(":");
  const match = { vendorId, productId, serial: null, port: null, node: null };
  const there: Tree = new Map(before.map((device) => [device.port, device]));
  let state = stepSlot(
    { ...EMPTY_SLOT, productId },
    findDevice(devicesOf(there), match, { ...EMPTY_SLOT, productId }),
  ).next;
  const events: UsbEvent[] = [];
  for (const { line, tree } of scansOf(file, there)) {
    const heard = readKernelLine(line);
    const said = stepKernel(state, state.seen?.port ?? "", heard === null ? [] : [heard]);
    const step = stepSlot(said.next, findDevice(devicesOf(tree), match, said.next));
    state = step.next;
    events.push(...said.events, ...step.events);
  }
  return { state, events };
}

const unit = (port: string, devnum: string, id: string, more: object = {}, driver: string | null = null) => {
  const [idVendor = "", idProduct = ""] = id.split(":");
  const interfaces = driver === null ? [] : [{ name: `${port}:1.0`, attributes: {}, driver, nodes: ["usb/lp0"] }];
  return { port, attributes: { devnum, idVendor, idProduct, bConfigurationValue: "1", ...more }, interfaces };
};

describe.skipIf(recordingsMissing())("captured incidents", () => {
  const SERIAL = "S/N:63FC61BF9E8E2247B78E81D22AF2F5E7 Rev:NBRPPAAP1";
  const before = [
    unit("2-1.6.1.2", "12", "05e0:1300", { serial: SERIAL }),
    unit("2-1.5", "13", "0a5f:0015", {}, "usblp"),
  ];
  const incident = "incident-ds6708-lp2824-flapping.txt";

  it("a scanner that came back under another device number was dropped, and is the same asset", () => {
    const { state, events } = play(incident, "05e0:1300", before);
    expect(state).toMatchObject({ attached: true, disconnects: 1, certain: true, seen: { devnum: 14 } });
    expect(events.map(({ code }) => code)).toEqual(["detached", "detached_cleared"]);
    expect(readSerial(state.seen?.serial ?? null)).toEqual({
      serial: "63FC61BF9E8E2247B78E81D22AF2F5E7",
      firmware: "NBRPPAAP1",
    });
  });

  it("a printer whose driver went and came under the same device number is at the spooler, and that is nothing", () => {
    const { state, events } = play(incident, "0a5f:0015", before);
    expect(state).toMatchObject({ attached: true, disconnects: 0, seen: { devnum: 13 } });
    expect(state.seen?.interfaces[0]?.driver).toBe("usblp");
    expect(events).toEqual([]);
  });

  it("a printer without a serial number is told by its port, through a drop", () => {
    const { state, events } = play("dmesg-star-tsp143.txt", "0519:0003", [unit("1-5.1", "16", "0519:0003")]);
    expect(state).toMatchObject({ attached: true, disconnects: 1, certain: false, seen: { devnum: 17, serial: null } });
    expect(events.map(({ code }) => code)).toEqual(["detached", "detached_cleared"]);
    const [seen] = [state.seen].filter((device) => device !== null);
    expect(seen && identityOf(seen, [seen])).toEqual({ key: "0519:0003@1-5.1", certain: false, doubt: "missing" });
  });

  it("a second unit with the first one's serial number makes neither of them certain", () => {
    const twin = unit("2-1.4", "20", "0a5f:00a3", { serial: "36J141701319" });
    const { state } = play("dmesg-zebra-lp2824plus.txt", "0a5f:00a3", []);
    expect(state).toMatchObject({ certain: true, seen: { serial: "36J141701319" } });
    const second = readUsbDevice(twin);
    const both = [state.seen, second].filter((device) => device !== null);
    expect(both.map((device) => identityOf(device, both).doubt)).toEqual(["repeated", "repeated"]);
  });

  it("a product that the list of ids has for another mode of the same scanner is that scanner in another mode", () => {
    const ids = readFileSync(join(CAPTURES, "usb-ids-retail.tsv"), "utf8");
    const gryphons = ids.split("\n").filter((line) => /^05f9\t[0-9a-f]{4}\t.*Gryphon/i.test(line));
    const products = gryphons.map((line) => line.split("\t")[1] ?? "");
    expect(products.length).toBeGreaterThan(1);
    const [keyboard = "", ...others] = products;
    for (const other of others) {
      const match = { vendorId: "05f9", productId: keyboard, serial: null, port: null, node: null };
      const at = (devnum: string, product: string) =>
        devicesOf(new Map([["1-1", unit("1-1", devnum, `05f9:${product}`)]]));
      const first = stepSlot(EMPTY_SLOT, findDevice(at("2", keyboard), match, EMPTY_SLOT)).next;
      const { events } = stepSlot(first, findDevice(at("3", other), match, first));
      expect(events.map(({ code }) => code)).toEqual(["usb_mode_changed"]);
    }
  });
});
