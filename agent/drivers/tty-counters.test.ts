import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTtyCounters, ttyDriver } from "./tty-counters.ts";

const DRIVERS = `/dev/tty             /dev/tty        5       0 system:/dev/tty
serial               /dev/ttyS       4      64-95 serial
usbserial            /dev/ttyUSB   188 0-511 serial
acm                  /dev/ttyACM   166 0-255 serial
`;
/** As kernels from 2.6 on write it to root. */
const SERIAL = `serinfo:1.0 driver revision:
0: uart:16550A port:000003F8 irq:4 tx:218 rx:1042 fe:3 pe:1 brk:2 oe:7 RTS|CTS|DTR|DSR|CD
1: uart:16550A port:000002F8 irq:3 tx:0 rx:0
2: uart:unknown port:000003E8 irq:4
10: uart:16550A port:0000E000 irq:16 tx:5 rx:6
`;
const USB = `usbserinfo:1.0 driver:2.0
0: module:ftdi_sio name:"FTDI USB Serial Device" vendor:0403 product:6001 num_ports:1 port:0 path:usb-0000:00:14.0-2
`;

describe("ttyDriver", () => {
  it.each([
    { device: "/dev/ttyS1", found: { driver: "serial", index: 1 } },
    { device: "/dev/ttyUSB12", found: { driver: "usbserial", index: 12 } },
    { device: "/dev/pts/3", found: null },
    { device: "/dev/ttyS", found: null },
    { device: "/dev/../etc/passwd1", found: null },
  ])("$device", ({ device, found }) => expect(ttyDriver(device, DRIVERS)).toEqual(found));
});

describe("parseTtyCounters", () => {
  const none = { framingErrors: 0, parityErrors: 0, breaks: 0, overruns: 0 };
  it.each([
    {
      name: "all counters of a port",
      text: SERIAL,
      index: 0,
      counters: { sentBytes: 218, receivedBytes: 1042, framingErrors: 3, parityErrors: 1, breaks: 2, overruns: 7 },
    },
    {
      name: "no errors where none are told",
      text: SERIAL,
      index: 1,
      counters: { sentBytes: 0, receivedBytes: 0, ...none },
    },
    { name: "a port of two digits", text: SERIAL, index: 10, counters: { sentBytes: 5, receivedBytes: 6, ...none } },
    { name: "nothing of a port without counters", text: SERIAL, index: 2, counters: null },
    { name: "nothing of a port that is not there", text: SERIAL, index: 3, counters: null },
    { name: "nothing of USB adapters", text: USB, index: 0, counters: null },
  ])("reads $name", ({ text, index, counters }) => expect(parseTtyCounters(text, index)).toEqual(counters));

  it("never throws and never invents a number, whatever the text", () => {
    const token = fc.oneof(fc.constantFrom("tx:", "rx:", "fe:", ":", " ", "\n", "0:", "1: tx:1 rx:2"), fc.string());
    fc.assert(
      fc.property(
        fc.array(token).map((parts) => parts.join("")),
        fc.nat(20),
        (text, index) => {
          const counters = parseTtyCounters(text, index);
          for (const value of Object.values(counters ?? {}))
            expect(Number.isSafeInteger(value) && value >= 0).toBe(true);
          ttyDriver(text, text);
        },
      ),
    );
  });
});
