import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readUsbDevice, type UsbDevice } from "./usb-device.ts";
import { usbMatchOf, usbMatchSchema } from "./usb-match.ts";
import { compareUsb, proposeUsb, writeUsbDevice } from "./usb-proposal.ts";

function attachedAt(port: string, attributes: Readonly<Record<string, string>>, interfaceClass = "03"): UsbDevice {
  const device = readUsbDevice({
    port,
    attributes: { idVendor: "04b8", idProduct: "0e15", devnum: "4", ...attributes },
    interfaces: [{ name: `${port}:1.0`, attributes: { bInterfaceClass: interfaceClass }, driver: null, nodes: [] }],
  });
  if (device === null) throw new Error("no device");
  return device;
}

const propose = (devices: readonly UsbDevice[], taken: ReadonlySet<string> = new Set()) =>
  proposeUsb(devices, { attached: devices, payment: new Set(["0b00"]), taken });

describe("a proposal for USB devices", () => {
  it("is one entry of agent.yaml that finds its device again, whatever the device says of itself", () => {
    const text = fc.string({ unit: "binary", maxLength: 126 });
    fc.assert(
      fc.property(text, text, text, (manufacturer, product, serial) => {
        const device = attachedAt("1-4.2", { manufacturer, product, serial });
        const [proposal, ...more] = propose([device]);
        if (proposal === undefined) throw new Error("nothing proposed");
        expect(more).toEqual([]);
        const { devices } = parse(`devices:\n${writeUsbDevice(proposal)}\n`) as { devices: { match: unknown }[] };
        expect(devices).toHaveLength(1);
        const match = usbMatchOf(usbMatchSchema.parse(devices[0]?.match), () => "");
        const again = compareUsb([{ id: proposal.id, at: "", match, isUsb: true }], [device], true);
        expect(again).toEqual({ fresh: [], gone: [], same: 1 });
      }),
    );
  });

  it("has the same ids whatever the order of the devices, and none that is taken", () => {
    const devices = ["2-1", "1-2", "1-1.4"].map((port) => attachedAt(port, {}));
    const ids = (of: readonly UsbDevice[]) => propose(of, new Set(["receipt-printer-usb-1-2"])).map(({ id }) => id);
    expect(ids(devices)).toEqual(["receipt-printer-usb-1-1-4", "receipt-printer-usb-1-2-2", "receipt-printer-usb-2-1"]);
    expect(ids(devices.toReversed())).toEqual(ids(devices));
  });

  it.each([
    { name: "a hub", attributes: { bDeviceClass: "09" }, of: "09", proposed: [] },
    { name: "a disk of nobody we know", attributes: { idVendor: "0781" }, of: "08", proposed: [] },
    { name: "a keyboard", attributes: { idVendor: "046d" }, of: "03", proposed: ["barcode_scanner, as a comment"] },
    { name: "a printer", attributes: { idVendor: "0001" }, of: "07", proposed: ["receipt_printer, as a comment"] },
    { name: "payment hardware", attributes: { idVendor: "0b00" }, of: "03", proposed: ["payment_terminal"] },
  ])("takes $name for what it is", ({ attributes, of, proposed }) => {
    const made = propose([attachedAt("1-1", attributes, of)]);
    expect(made.map(({ kind, isGuess }) => `${kind}${isGuess ? ", as a comment" : ""}`)).toEqual(proposed);
  });

  it("calls nothing gone when nobody could look", () => {
    const match = { vendorId: "04b8", productId: null, serial: null, port: null, node: null };
    const configured = [{ id: "a", at: "04b8", match, isUsb: true }];
    expect(compareUsb(configured, [], false)).toEqual({ fresh: [], gone: [], same: 0 });
    expect(compareUsb(configured, [], true).gone).toEqual(configured);
  });
});
