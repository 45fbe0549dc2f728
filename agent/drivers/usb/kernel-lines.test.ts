import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { recordingsMissing } from "../../../test/rig/rig.ts";
import { type KernelLine, readKernelLine, readPrinterLine } from "./kernel-lines.ts";

const CAPTURES = join(import.meta.dirname, "../../../../shared/devices/captures/usb");
const linesOf = (file: string): KernelLine[] =>
  readFileSync(join(CAPTURES, file), "utf8")
    .split("\n")
    .map(readKernelLine)
    .filter((line) => line !== null);

describe("a line of the kernel's log", () => {
  it.each([
    ["usb 1-5: device descriptor read/64, error -71", "1-5", "error"],
    ["usb 1-5: device descriptor read/all, error -110", "1-5", "error"],
    ["usb 1-5.2: device not accepting address 7, error -32", "1-5.2", "error"],
    ["usb 1-5: can't set config #1, error -71", "1-5", "error"],
    ["usb usb1-port5: unable to enumerate USB device", "1-5", "error"],
    ["usb usb1-port5: Cannot enable. Maybe the USB cable is bad?", "1-5", "error"],
    ["usb 1-1-port3: attempt power cycle", "1-1.3", "error"],
    ["usb 2-1.6-port2: disabled by hub (EMI?), re-enabling...", "2-1.6.2", "error"],
    ["hub 1-0:1.0: port 2 disabled by hub (EMI?), re-enabling...", "1-2", "error"],
    ["usb 1-1-port4: over-current condition", "1-1.4", "over_current"],
    ["usb usb3-port1: over-current change #2", "3-1", "over_current"],
    ["hub 2-1:1.0: over-current condition on port 3", "2-1.3", "over_current"],
    ["usb 1-4: rejected 1 configuration due to insufficient available bus power", "1-4", "power_refused"],
    ["usb 1-4: reset high-speed USB device number 9 using xhci_hcd", "1-4", "reset"],
    ["usb 1-4: reset full-speed USB device number 9 using ehci-pci", "1-4", "reset"],
  ])("%s", (text, port, kind) => {
    for (const head of ["", "[  919.541217] ", "3,1234,919541217,-;", "Nov 22 00:40:39 pos-1 kernel: [    1.5] "]) {
      expect(readKernelLine(head + text)).toEqual({ port, kind });
    }
  });

  it.each([
    "usb 2-1.6.1.2: Product: Symbol Bar Code Scanner",
    "usb 2-1.6.1.2: Manufacturer: usb 1-1: USB disconnect, device number 3",
    "usblp0: removed",
    "usbcore: registered new interface driver usblp",
    "hid-generic 0003:05E0:1300.0009: hiddev0,hidraw6: USB HID v1.10 Device [x] on usb-0000:00:1d.0-1.6.1.2/input0",
    "",
  ])("says nothing of a port: %s", (text) => {
    expect(readKernelLine(text)).toBeNull();
  });

  it("never throws and never takes long, whatever a device calls itself", () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 3_000 }),
        fc.constantFrom("", "usb 1-1: ", "[ 1.0] hub 1-1:1.0: "),
        (text, head) => {
          const line = readKernelLine(head + text);
          expect(line === null || /^[\d.-]+$/.test(line.port)).toBe(true);
        },
      ),
    );
  });
});

describe("what the kernel says of a printer", () => {
  it.each([
    { head: "", atSeconds: null },
    { head: "[  919.541217] ", atSeconds: 919.541217 },
    { head: "6,1234,919541217,-;", atSeconds: 919.541217 },
    { head: "Nov 22 00:40:39 pos-1 kernel: [    1.5] ", atSeconds: 1.5 },
  ])("is read with its time, if it has one: $head", ({ head, atSeconds }) => {
    for (const says of ["ok", "out of paper", "off-line", "on fire"]) {
      expect(readPrinterLine(`${head}usblp1: ${says}`)).toEqual({ node: "usb/lp1", says, atSeconds });
    }
  });

  it.each(["usblp0: removed", "usblp0: nonzero write bulk status received: -71", "usb 1-1: Product: usblp0: on fire"])(
    "is nothing else: %s",
    (line) => expect(readPrinterLine(line)).toBeNull(),
  );

  it("never throws", () => {
    fc.assert(fc.property(fc.string({ maxLength: 2_000 }), (text) => void readPrinterLine(`6,1,${text}`)));
  });
});

describe.skipIf(recordingsMissing())("captured incidents", () => {
  it("has the scanner away for 0.37 s, and the printer never: its driver came back to device number 13", () => {
    expect(linesOf("incident-ds6708-lp2824-flapping.txt")).toEqual([
      { port: "2-1.6.1.2", kind: "disconnected", devnum: 12 },
      { port: "2-1.6.1.2", kind: "connected", devnum: 14 },
      { port: "2-1.5", kind: "driver_bound", devnum: 13 },
    ]);
  });

  it("has a Star printer come back under the next number", () => {
    expect(linesOf("dmesg-star-tsp143.txt")).toEqual([
      { port: "1-5.1", kind: "disconnected", devnum: 16 },
      { port: "1-5.1", kind: "connected", devnum: 17 },
      { port: "1-5.1", kind: "driver_bound", devnum: 17 },
    ]);
  });

  it("has a Zebra printer plugged in once", () => {
    expect(linesOf("dmesg-zebra-lp2824plus.txt")).toEqual([
      { port: "2-1.3", kind: "connected", devnum: 16 },
      { port: "2-1.3", kind: "driver_bound", devnum: 16 },
    ]);
  });
});
