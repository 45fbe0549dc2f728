/** Laws of a slot over any sequence of scans, and the sequences that a store has seen. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UsbDevice } from "../../core/usb-device.ts";
import type { UsbMatch } from "../../core/usb-match.ts";
import type { PrinterWord } from "./kernel-lines.ts";
import {
  EMPTY_SLOT,
  findDevice,
  type SlotState,
  stepOverCurrent,
  stepPrinter,
  stepSlot,
  type UsbEvent,
} from "./slot.ts";

const ANY: UsbMatch = { vendorId: null, productId: null, serial: null, port: null, node: null };

function unit(port: string, devnum: number, more: Partial<UsbDevice> = {}): UsbDevice {
  return {
    port,
    devnum,
    vendorId: "05f9",
    productId: "2206",
    release: null,
    manufacturer: null,
    product: null,
    serial: null,
    speedBitsPerSecond: null,
    maxCurrentMilliamperes: null,
    selfPowered: false,
    isHub: false,
    configured: true,
    authorized: true,
    interfaces: [],
    ...more,
  };
}

type Run = { readonly state: SlotState; readonly events: readonly UsbEvent[] };

function run(scans: readonly (readonly UsbDevice[])[], match: UsbMatch): Run {
  return scans.reduce<Run>(
    ({ state, events }, devices) => {
      const step = stepSlot(state, findDevice(devices, match, state));
      return { state: step.next, events: [...events, ...step.events] };
    },
    { state: { ...EMPTY_SLOT, productId: match.productId }, events: [] },
  );
}

const SCANNER = { ...ANY, vendorId: "05f9", productId: "2206" };
const HERE = { ...ANY, port: "1-1" };

describe("a USB slot", () => {
  it.each([
    {
      name: "stays silent while nothing changes",
      match: SCANNER,
      scans: [[unit("1-1", 2)], [unit("1-1", 2)]],
      codes: "",
    },
    { name: "is not missed before it was ever there", match: SCANNER, scans: [[], []], codes: "" },
    {
      name: "was away when its number changed",
      match: SCANNER,
      scans: [[unit("1-1", 12)], [unit("1-1", 14)]],
      codes: "usb_reconnected",
    },
    {
      name: "goes and comes back",
      match: SCANNER,
      scans: [[unit("1-1", 2)], [], [unit("1-1", 3)]],
      codes: "detached detached_cleared",
    },
    {
      name: "goes and comes back elsewhere",
      match: SCANNER,
      scans: [[unit("1-1", 2)], [], [unit("1-2", 3)]],
      codes: "detached usb_port_changed",
    },
    {
      name: "takes another unit with another number for a swap",
      match: HERE,
      scans: [[unit("1-1", 2, { serial: "AA11" })], [unit("1-1", 3, { serial: "BB22" })]],
      codes: "asset_changed",
    },
    {
      name: "takes another vendor for a swap",
      match: HERE,
      scans: [[unit("1-1", 2)], [unit("1-1", 3, { vendorId: "0c2e" })]],
      codes: "asset_changed",
    },
    {
      name: "takes another product of the vendor in its place for another mode",
      match: SCANNER,
      scans: [[unit("1-1", 2)], [unit("1-1", 3, { productId: "4204" })], [unit("1-1", 4)]],
      codes: "usb_mode_changed usb_mode_changed",
    },
    {
      name: "knows its serial number in another mode and port",
      match: { ...SCANNER, serial: "AA11" },
      scans: [[unit("1-1", 2, { serial: "AA11" })], [unit("1-3", 3, { productId: "4204", serial: "AA11" })]],
      codes: "usb_mode_changed usb_port_changed",
    },
    {
      name: "does not take the vendor's other device in another port for its own",
      match: SCANNER,
      scans: [[unit("1-1", 2), unit("1-2", 3, { productId: "4204" })], [unit("1-2", 3, { productId: "4204" })]],
      codes: "detached",
    },
    {
      name: "does not take another serial number in its place for its own in another mode",
      match: { ...SCANNER, serial: "AA11" },
      scans: [[unit("1-1", 2, { serial: "AA11" })], [unit("1-1", 3, { productId: "4204", serial: "BB22" })]],
      codes: "detached",
    },
    {
      name: "does not jump to a second one of its model",
      match: SCANNER,
      scans: [[unit("1-2", 2)], [unit("1-1", 3), unit("1-2", 2)]],
      codes: "",
    },
  ])("$name", ({ match, scans, codes }) => {
    expect(
      run(scans, match)
        .events.map(({ code }) => code)
        .join(" "),
    ).toBe(codes);
  });

  it.each([
    { name: "another vendor's unit is as it should be", more: { vendorId: "0c2e", productId: "0967" }, want: "0967" },
    { name: "a spare of the same vendor is in another mode", more: { productId: "4204", serial: "B2" }, want: "2206" },
  ])("of a slot that is a port: $name", ({ more, want }) => {
    expect(run([[unit("1-1", 2, { serial: "A1" })], [unit("1-1", 3, more)]], HERE).state.productId).toBe(want);
  });

  it("holds its state while several fit", () => {
    const two = [unit("1-1", 2), unit("1-2", 3)];
    expect(findDevice(two, SCANNER, EMPTY_SLOT)).toEqual({ kind: "several", ports: ["1-1", "1-2"] });
    expect(run([two], SCANNER).state).toEqual({ ...EMPTY_SLOT, productId: "2206" });
  });

  const scan = fc.uniqueArray(
    fc.record({
      port: fc.constantFrom("1-1", "1-2", "1-2.1"),
      devnum: fc.integer({ min: 2, max: 6 }),
      productId: fc.constantFrom("2206", "4204"),
      serial: fc.constantFrom(null, "AA11", "BB22"),
    }),
    { selector: ({ port }) => port, maxLength: 3 },
  );

  it("counts and tells nothing when a scan is seen twice", () => {
    fc.assert(
      fc.property(fc.array(scan, { maxLength: 12 }), fc.constantFrom(SCANNER, HERE), (raw, match) => {
        const scans = raw.map((units) => units.map(({ port, devnum, ...more }) => unit(port, devnum, more)));
        const twice = scans.flatMap((one) => [one, one]);
        expect(run(twice, match)).toEqual(run(scans, match));
      }),
    );
  });

  it("counts never less, and each disconnect is told", () => {
    fc.assert(
      fc.property(fc.array(scan, { maxLength: 12 }), fc.constantFrom(SCANNER, HERE), (raw, match) => {
        let state: SlotState = EMPTY_SLOT;
        for (const units of raw) {
          const devices = units.map(({ port, devnum, ...more }) => unit(port, devnum, more));
          const { next, events } = stepSlot(state, findDevice(devices, match, state));
          const more = next.disconnects - state.disconnects;
          expect([0, 1]).toContain(more);
          if (more === 1) expect(events.length).toBeGreaterThan(0);
          state = next;
        }
      }),
    );
  });
});

describe("a printer that keeps a program waiting", () => {
  const printer = (devnum: number): UsbDevice =>
    unit("1-1", devnum, {
      interfaces: [{ name: "1-1:1.0", class: 7, subClass: 1, protocol: 2, driver: "usblp", nodes: ["usb/lp0"] }],
    });
  type Said = readonly [atSeconds: number | null, says: PrinterWord, node?: string];
  const here = stepSlot(EMPTY_SLOT, { kind: "one", device: printer(2), certain: false }).next;
  const told = (said: readonly Said[], from: SlotState = here) =>
    said.reduce<Run>(
      ({ state, events }, [atSeconds, says, node = "usb/lp0"]) => {
        const step = stepPrinter(state, [{ node, says, atSeconds }]);
        return { state: step.next, events: [...events, ...step.events] };
      },
      { state: from, events: [] },
    );

  it.each<{ name: string; said: Said[]; codes: string }>([
    { name: "is told of", said: [[10, "out of paper"]], codes: "media_out" },
    {
      name: "that goes on",
      said: [
        [10, "off-line"],
        [20, "ok"],
      ],
      codes: "offline offline_cleared",
    },
    { name: "that is well from the first", said: [[10, "ok"]], codes: "" },
    { name: "as another one does", said: [[10, "out of paper", "usb/lp1"]], codes: "" },
    {
      name: "again and again is told of once in ten minutes",
      said: [10, 12, 14, 400, 609, 611, 900].map((at) => [at, "out of paper"]),
      codes: "media_out media_out",
    },
    {
      name: "again and again, by a log without times, is told of once",
      said: [null, null, null].map((at) => [at, "out of paper"]),
      codes: "media_out",
    },
    {
      name: "for another reason",
      said: [
        [10, "out of paper"],
        [11, "on fire"],
      ],
      codes: "media_out hardware_fault",
    },
  ])("$name", ({ said, codes }) => {
    expect(
      told(said)
        .events.map(({ code }) => code)
        .join(" "),
    ).toBe(codes);
  });

  it("is another one once it was unplugged", () => {
    const out = told([[10, "out of paper"]]).state;
    expect(told([[11, "out of paper"]], stepSlot(out, { kind: "none", elsewhere: null }).next).events).toEqual([]);
    const back = stepSlot(out, { kind: "one", device: printer(3), certain: false }).next;
    expect(told([[12, "out of paper"]], back).events).toHaveLength(1);
  });
});

describe("too much current", () => {
  /** Counts as the hub says them at each poll, and the port that the device is in. */
  const polled = (...polls: readonly (readonly [port: string, count: number | null])[]) =>
    polls.reduce(
      ({ state, told }, [port, count], n) => {
        const here = stepSlot(state, { kind: "one", device: unit(port, n + 2), certain: false }).next;
        const { next, events } = stepOverCurrent(here, port, count);
        return { state: next, told: told + events.length };
      },
      { state: EMPTY_SLOT, told: 0 },
    );

  it.each<{ name: string; polls: (readonly [string, number | null])[]; count: number | null; told: number }>([
    { name: "before the agent came is no news", polls: [["1-1", 4]], count: 0, told: 0 },
    { name: "is counted from there", polls: ["4", "5", "5", "7"].map((n) => ["1-1", Number(n)]), count: 3, told: 2 },
    {
      name: "of another port is not this device's",
      polls: [
        ["1-1", 0],
        ["1-2", 9],
        ["1-2", 10],
      ],
      count: 1,
      told: 1,
    },
    {
      name: "stays counted when the hub begins anew",
      polls: [
        ["1-1.1", 0],
        ["1-1.1", 2],
        ["1-1.1", 0],
      ],
      count: 2,
      told: 1,
    },
    { name: "is not known of a hub that does not count", polls: [["1-1", null]], count: null, told: 0 },
  ])("$name", ({ polls, count, told }) => {
    const run = polled(...polls);
    expect(run.state.overCurrents).toBe(count);
    expect(run.told).toBe(told);
  });
});
