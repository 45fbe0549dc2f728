import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readUsbDevice, type UsbDevice } from "./usb-device.ts";
import { usbMatchOf, usbMatchSchema } from "./usb-match.ts";
import { compareUsb, proposeUsb, type UsbEvidence, type UsbProposal, writeUsbDevice } from "./usb-proposal.ts";

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

const hid = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const SCALE = hid("058d0920a101850309711501250875089501810" + "2c0");
const UPS = hid("05840904a1010924a10285010958" + "09d0150025017501950281" + "02c0c0");
const SCANNER = hid("058c0902a10185010966150025017508950181" + "02c0");
const STRIPES = hid("058e0901a101c0");
const KEYBOARD = hid("05010906a101050719e029e71500250175019508810" + "2c0");

/** One device by what sysfs has of it, and what would be written of it. */
function proposedFor(
  attributes: Readonly<Record<string, string>>,
  interfaceClass: string,
  evidence: Partial<UsbEvidence>,
): UsbProposal | undefined {
  const device = attachedAt("1-1", attributes, interfaceClass);
  return proposeUsb([device], {
    attached: [device],
    payment: new Set(["0b00"]),
    taken: new Set(),
    evidence: new Map([["1-1", { deviceId: null, reportDescriptors: [], ...evidence }]]),
  })[0];
}

describe("what a device says of itself", () => {
  const nobody = { idVendor: "0001", idProduct: "0001" };
  const match = { id: "0001:0001", port: "1-1" };
  const take = (driver: "hid" | "usblp") => ({ driver, match, take: true });
  it.each([
    { name: "a scale", of: "03", said: { reportDescriptors: [SCALE] }, kind: "scale", choice: take("hid") },
    { name: "a UPS", of: "03", said: { reportDescriptors: [UPS] }, kind: "ups", choice: take("hid") },
    {
      name: "a scanner with an interface that types",
      of: "03",
      said: { reportDescriptors: [KEYBOARD, SCANNER] },
      kind: "barcode_scanner",
      choice: take("hid"),
    },
    {
      name: "a card reader",
      of: "03",
      said: { reportDescriptors: [STRIPES] },
      kind: "payment_terminal",
      choice: null,
    },
    {
      name: "a label printer",
      of: "07",
      said: { deviceId: "MANUFACTURER:Acme;COMMAND SET:TSPL2;MODEL:L-1;CLS:PRINTER;" },
      kind: "label_printer",
      choice: { driver: "tspl", line: { usblp: match } },
    },
    {
      name: "a receipt printer by its model",
      of: "07",
      said: { deviceId: "MFG:Acme;MDL:POS-80;CLS:PRINTER;" },
      kind: "receipt_printer",
      choice: take("usblp"),
    },
    {
      name: "an office printer",
      of: "07",
      said: { deviceId: "MFG:Acme;CMD:PJL,PCL,POSTSCRIPT;MDL:L5000;" },
      kind: "office_printer",
      choice: take("usblp"),
    },
  ])("makes $name of it, as it stands, and offers what would open it by choice only", ({ of, said, kind, choice }) => {
    expect(proposedFor(nobody, of, said)).toMatchObject({ kind, isGuess: false, byChoice: choice });
  });

  it("counts more than its maker: Epson makes office printers, too", () => {
    const epson = { idVendor: "04b8", idProduct: "0892" };
    expect(proposedFor(epson, "07", { deviceId: "MFG:EPSON;CMD:ESCPL2,BDC,D4;MDL:ET-2700 Series;" })).toMatchObject({
      kind: "office_printer",
      byChoice: { driver: "usblp" },
    });
    expect(proposedFor(epson, "07", {})).toMatchObject({ kind: "receipt_printer", byChoice: { driver: "escpos" } });
  });

  it("opens nothing of a payment vendor's, whatever that says", () => {
    expect(proposedFor({ idVendor: "0b00" }, "03", { reportDescriptors: [SCANNER] })).toMatchObject({
      kind: "payment_terminal",
      byChoice: null,
    });
  });

  it("is no error when it makes no sense", () => {
    const evidence = fc.record({
      deviceId: fc.option(fc.string({ unit: "binary" })),
      reportDescriptors: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(evidence, fc.constantFrom("03", "07"), (said, of) => {
        const made = proposedFor(nobody, of, said);
        const { devices } = parse(`devices:\n${made === undefined ? "" : writeUsbDevice(made)}\n`) as {
          devices: unknown;
        };
        expect(devices === null || Array.isArray(devices)).toBe(true);
      }),
    );
  });

  it("may be taken at its word by swapping the lines that are written beside it", () => {
    const made = proposedFor({ serial: "4D4635503" }, "07", { deviceId: "MFG:EPSON;CMD:ESC/POS;MDL:TM-T20II;" });
    if (made === undefined) throw new Error("nothing proposed");
    expect(writeUsbDevice(made).split("\n").slice(2)).toEqual([
      "  - id: receipt-printer-usb-1-1",
      "    kind: receipt_printer",
      "    driver: usb",
      '    match: { id: "04b8:0e15", serial: "4D4635503" }',
      "    # By choice, instead of driver and match; other programs find the printer busy while it is asked:",
      "    # driver: escpos",
      '    # line: { usblp: { id: "04b8:0e15", serial: "4D4635503" } }',
    ]);
  });

  it("is a serial adapter when it makes a serial port", () => {
    const device = readUsbDevice({
      port: "1-1",
      attributes: { idVendor: "0403", idProduct: "6001", devnum: "4" },
      interfaces: [{ name: "1-1:1.0", attributes: { bInterfaceClass: "ff" }, driver: "ftdi_sio", nodes: ["ttyUSB0"] }],
    });
    expect(propose(device === null ? [] : [device])).toMatchObject([
      { kind: "device_server", isGuess: true, why: expect.stringContaining("FTDI's adapter, the serial port ttyUSB0") },
    ]);
  });
});

const CAPTURES = new URL("../../../shared/devices/captures/usb/", import.meta.url);

describe.skipIf(!existsSync(CAPTURES))("devices as captured", () => {
  const lsusb = (file: string): UsbDevice => {
    const text = readFileSync(new URL(file, CAPTURES), "utf8");
    const value = (key: string): string | undefined => new RegExp(`^ *${key} +(?:0x)?(\\S+)`, "m").exec(text)?.[1];
    const own = (key: string): string | undefined => new RegExp(`^ *${key} +[1-9]\\d* +(.*)$`, "m").exec(text)?.[1];
    const [, of = "0"] = /bInterfaceClass +(\d+)/.exec(text) ?? [];
    const attributes = {
      devnum: "8",
      idVendor: value("idVendor") ?? "",
      idProduct: value("idProduct") ?? "",
      manufacturer: own("iManufacturer") ?? "",
      product: own("iProduct") ?? "",
      serial: own("iSerial") ?? "",
    };
    const bInterfaceClass = Number(of).toString(16).padStart(2, "0");
    const device = readUsbDevice({
      port: "1-1",
      attributes,
      interfaces: [{ name: "1-1:1.0", attributes: { bInterfaceClass }, driver: null, nodes: [] }],
    });
    if (device === null) throw new Error(file);
    return device;
  };

  it.each([
    { file: "lsusb-honeywell-n5600-hidpos.txt", kind: "barcode_scanner", match: { serial: "19214B0217" } },
    // Seventeen digits of its serial number could be the number of a card.
    { file: "lsusb-epson-tm-t70-ubu03ii.txt", kind: "receipt_printer", match: { port: "1-1" } },
  ])("$file is a $kind, told by $match", ({ file, kind, match }) => {
    expect(propose([lsusb(file)])).toMatchObject([{ kind, isGuess: false, match }]);
  });

  it("a scanner in keyboard mode is watched by its presence, and never to be opened", () => {
    const { hid_report_descriptor_hex: hex } = JSON.parse(
      readFileSync(new URL("hid-report-datalogic-gryphon-gd4400.json", CAPTURES), "utf8"),
    ) as { hid_report_descriptor_hex: string };
    const made = proposedFor({ idVendor: "05f9", idProduct: "2206" }, "03", { reportDescriptors: [hid(hex)] });
    expect(made).toMatchObject({ kind: "barcode_scanner", isGuess: false, byChoice: null });
    expect(made?.why).toContain("in keyboard mode");
  });

  it("every scale of the table that is a known maker's is proposed as one", () => {
    const rows = readFileSync(new URL("usb-ids-scales.tsv", CAPTURES), "utf8").split("\n").slice(2).filter(Boolean);
    for (const row of rows) {
      const [idVendor = "", idProduct = ""] = row.split("\t");
      const made = proposedFor({ idVendor, idProduct }, "03", { reportDescriptors: [SCALE] });
      expect(made, row).toMatchObject({ kind: "scale", isGuess: false });
    }
  });
});
