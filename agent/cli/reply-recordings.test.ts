import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Device } from "../config.ts";
import { writeReplyRecording } from "../core/reply-recording.ts";
import dpl from "../drivers/dpl/index.ts";
import type { AnyDriver } from "../drivers/driver.ts";
import escpos from "../drivers/escpos/index.ts";
import { loadDrivers } from "../drivers/index.ts";
import modbus from "../drivers/modbus/index.ts";
import mtSics from "../drivers/mt-sics/index.ts";
import snmp from "../drivers/snmp/index.ts";
import tap from "../drivers/tap/index.ts";
import { makeReplyRecording, openReplyRecording, parseRecorded } from "./reply-recordings.ts";

const DRIVERS = await loadDrivers();

const SOME: readonly AnyDriver[] = [dpl, escpos, modbus, mtSics, tap, snmp];

const deviceOf = (driver: AnyDriver, kind: Device["kind"], options: object = {}) => {
  const driverConfig: unknown = driver.config.parse({ line: { tcp: "10.42.0.9:4001" }, ...options });
  return { id: "lane-1/x", kind, driver, driverConfig } as Device;
};
const record = (device: Device, reply: object, said: Readonly<Record<string, string | null>> = {}) => {
  const { id, kind, driver, driverConfig } = device;
  const poller = driver.open({ id, kind, config: driverConfig, secret: () => "" });
  const heard = Object.entries(said).map(([ask, answer]) => ({ ask, sent: "?", said: answer, tookMs: 12.4 }));
  return makeReplyRecording(device, { poller, reply, heard, atMs: 7 });
};

const SCALE = deviceOf(mtSics, "scale", { zero_window_kilograms: 0.5 });
const SAID = { weight: "S S      0.000 kg\r\n", I2: 'I2 A "XS204"\r\n', I3: null, I4: 'I4 A "B021004217"\r\n' };
const DRIVE = deviceOf(modbus, "drive", { map: "siemens-v20", unit: 7 });
const ASKED = { "holding:23+7": "030e1388fa6000df026c005d00000230", "holding:109+2": "0304ea04c000" };
const MODBUS = { kind: "asked", said: ASKED, line: { checksumErrors: 0, timeouts: 0, refusals: 0 } };

describe("a recording", () => {
  it("holds what parse needs, no address and no serial number, and means the same", () => {
    const made = record(SCALE, SAID, SAID);
    const text = writeReplyRecording(made.recording);
    expect(made).toMatchObject({ isFaithful: true, replaced: { serial: 1 } });
    expect(made.recording).toMatchObject({
      driver: "mt_sics",
      options: { zero_window_kilograms: 0.5 },
      redacted: true,
    });
    expect(text).not.toContain("10.42.0.9");
    expect(text, "in the answer or in its hex").not.toMatch(/B021004217|42303231303034323137/i);
    const opened = openReplyRecording(text, SOME, null);
    if (!opened.ok) throw new Error(opened.error);
    const parsed = opened.value.poller.parse(opened.value.recording.answers);
    expect(parsed).toMatchObject({ value: { asset: { model: "XS204", serial: "X000000001" } } });
    expect(opened.value.heard.map(({ said }) => said === null)).toEqual([false, false, true, false]);
  });

  it("holds words of Modbus as they are, and the map by its name", () => {
    const { recording, isFaithful } = record(DRIVE, MODBUS, { "holding:109+2": "\u0007\u0003" });
    expect(isFaithful).toBe(true);
    expect(recording).toMatchObject({ options: { map: "siemens-v20", unit: 7 }, answers: MODBUS });
    const opened = openReplyRecording(writeReplyRecording(recording), SOME, null);
    expect(opened.ok && opened.value.poller.parse(opened.value.recording.answers)).toMatchObject({ ok: true });
  });

  it("is read as the device that is named, with that one's options", () => {
    const text = writeReplyRecording(record(SCALE, SAID).recording);
    const other = deviceOf(mtSics, "scale", { zero_window_kilograms: 0 });
    const opened = openReplyRecording(text, SOME, other);
    expect(opened.ok && opened.value.poller.parse(SAID)).toMatchObject({ ok: true });
    expect(openReplyRecording(text, SOME, DRIVE)).toMatchObject({
      error: "it is of the driver mt_sics; lane-1/x has the driver modbus",
    });
  });

  const written = JSON.parse(writeReplyRecording(record(SCALE, SAID, SAID).recording));
  it.each([
    { name: "a driver that there is not", change: { driver: "mt_sic" }, says: 'did you mean "mt_sics"?' },
    {
      name: "a driver whose recordings are walks",
      change: { driver: "snmp" },
      says: "driver: expected one of: dpl, escpos,",
    },
    { name: "another driver's options", change: { driver: "tap" }, says: "options: Unrecognized key" },
    { name: "an option that there is not", change: { options: { drawer: 1 } }, says: "options" },
    {
      name: "an option out of range",
      change: { options: { zero_window_kilograms: 9 } },
      says: "options.zero_window_kilograms",
    },
    { name: "a line among the options", change: { options: { line: "x" } }, says: "options.line" },
    { name: "a question that is never asked", change: { answers: { I5: "x" }, exchanges: [] }, says: 'received "I5"' },
    { name: "an answer that is no text", change: { answers: { I2: 5 } }, says: "answers.I2: expected a text or null" },
    { name: "a foreign exchange", change: { exchanges: [{ ask: "wait" }] }, says: 'received "wait"' },
    { name: "a later version", change: { recording: 2 }, says: "of version 1; received 2" },
  ])("is refused with $name", ({ change, says }) => {
    const opened = openReplyRecording(JSON.stringify({ ...written, ...change }), SOME, null);
    expect(opened.ok ? "read" : opened.error).toContain(says);
  });
});

const USB_PRINTER = {
  port: "1-1.4",
  devnum: 7,
  vendorId: "04b8",
  productId: "0e15",
  release: "1.00",
  manufacturer: "EPSON",
  product: "TM-T20II",
  serial: "4D4635503",
  speedBitsPerSecond: 12_000_000,
  maxCurrentMilliamperes: 100,
  selfPowered: true,
  isHub: false,
  configured: true,
  authorized: true,
  interfaces: [{ name: "1-1.4:1.0", class: 7, subClass: 1, protocol: 2, driver: "usblp", nodes: ["usb/lp0"] }],
};
/** A weighing device's descriptor: state, unit, exponent and weight in report 3. */
const SCALE_DESCRIPTOR =
  "058d0920a10185030932a10219712978150125087508950181001951295c1501250c810009411581257f81020940150027ffff000075108102c0c0";
const hostReply = JSON.parse(
  readFileSync(new URL("../drivers/host/testdata/debian-pos/reply.json", import.meta.url), "utf8"),
) as object;

/** A reply of every driver that is no dialect, what it must not keep, and a metric that must come through. */
const REPLIES: readonly {
  readonly driver: string;
  readonly kind: Device["kind"];
  readonly config: object;
  readonly reply: object;
  readonly secrets: readonly string[];
  readonly isFaithful?: boolean;
  readonly tells: object;
}[] = [
  {
    driver: "usb",
    kind: "receipt_printer",
    config: { match: { id: "04b8", serial: "4D4635503" } },
    reply: {
      device: USB_PRINTER,
      // Another one has the same number: it is no asset's, and still is this shop's.
      certain: false,
      productId: "0e15",
      hubSelfPowered: true,
      disconnects: 2,
      resets: null,
      errors: null,
      overCurrents: 0,
      events: [{ code: "detached", detail: "EPSON TM-T20II (04b8:0e15, 4D4635503) left port 1-1.4" }],
    },
    secrets: ["4D4635503"],
    tells: { attached: true, usb_disconnects_total: 2 },
  },
  {
    driver: "usblp",
    kind: "receipt_printer",
    config: { match: { id: "04b8" }, take: true },
    reply: {
      device: USB_PRINTER,
      certain: true,
      deviceId: "MFG:EPSON;CMD:ESC/POS;MDL:TM-T20II;CLS:PRINTER;SN:4D43555A;",
      portStatus: 0x30,
      wasWell: true,
    },
    secrets: ["4D4635503", "4D43555A"],
    tells: { media_out: true, offline: false },
  },
  {
    driver: "hid",
    kind: "scale",
    config: { match: { id: "0922:8003" }, take: true },
    reply: {
      device: { ...USB_PRINTER, vendorId: "0922", productId: "8003", product: "M10" },
      certain: true,
      descriptor: SCALE_DESCRIPTOR,
      reports: [{ report: "input", hex: "03020bff0000" }],
    },
    secrets: ["4D4635503"],
    tells: { weight_at_zero: true },
  },
  {
    driver: "ipp",
    kind: "receipt_printer",
    config: { queue: "ipp://10.42.0.60/printers/receipts-anna" },
    reply: {
      printer: {
        "printer-state": [5],
        "printer-state-reasons": ["media-empty-error"],
        "printer-device-id": ["MFG:EPSON;MDL:TM-T20II;SN:4D43555A;"],
      },
      jobs: [{ state: 5, createdSeconds: 100, upSeconds: 460 }],
    },
    secrets: ["10.42.0.60", "anna", "4D43555A"],
    tells: { queue_stopped: true, media_out: true, oldest_job_seconds: 360 },
  },
  {
    driver: "host",
    kind: "pos_terminal",
    config: { units: ["pos.service"] },
    reply: {
      ...hostReply,
      identity: { vendor: "Acme", model: "POS 3", serial: "J7Q1X42", system: "Debian" },
      disks: [
        {
          mount: "/media/anna.miller/STICK",
          type: "vfat",
          sizeBytes: 8,
          usedBytes: 4,
          availableBytes: 4,
          inodes: null,
          inodesFree: null,
        },
      ],
    },
    secrets: ["J7Q1X42", "anna.miller"],
    // The disk is a component by its mount point.
    isFaithful: false,
    tells: { memory_used_percent: 25 },
  },
  {
    driver: "reach",
    kind: "host",
    config: { gateway: false, targets: [{ name: "pos-server", tcp: "till.example.com:443" }] },
    reply: {
      targets: [
        {
          name: "pos-server",
          how: "tcp",
          isReached: false,
          answerMs: null,
          certificate: null,
          detail: "getaddrinfo ENOTFOUND till.example.com",
        },
      ],
    },
    secrets: ["till.example.com"],
    tells: { target_reachable: false },
  },
  {
    driver: "presence",
    kind: "payment_terminal",
    config: { port: "/dev/serial/by-id/usb-INGENICO_iPP320_81234567" },
    reply: { kind: "port", attached: true, holders: [{ pid: 4711, name: "pos" }], counters: null },
    secrets: ["81234567"],
    tells: { attached: true, in_use: true },
  },
  {
    driver: "tap",
    kind: "barcode_scanner",
    config: { line: { serial: "/dev/ttyUSB7" } },
    reply: { receivedBytes: 13, messages: 1, idleMs: 1_500, errors: null },
    secrets: ["ttyUSB7"],
    tells: { line_messages_total: 1 },
  },
];

describe("a reply that is no answers to questions", () => {
  const recorded = REPLIES.map((one) => {
    const driver = DRIVERS.find(({ name }) => name === one.driver);
    if (driver === undefined) throw new Error(`no driver ${one.driver}`);
    const device = { id: "lane-1/x", kind: one.kind, driver, driverConfig: driver.config.parse(one.config) } as Device;
    return { ...one, made: record(device, one.reply) };
  });

  it.each(recorded)("of $driver is kept without what names the unit or the site, and means the same", (one) => {
    const text = writeReplyRecording(one.made.recording);
    expect(one.secrets.filter((secret) => text.includes(secret))).toEqual([]);
    expect(one.made.isFaithful).toBe(one.isFaithful ?? true);
    const opened = openReplyRecording(text, DRIVERS, null);
    if (!opened.ok) throw new Error(opened.error);
    const parsed = parseRecorded(opened.value);
    if (!parsed.ok) throw new Error(parsed.error);
    const all = Object.assign({}, ...parsed.value.samples.map(({ metrics }) => metrics)) as object;
    expect(all).toMatchObject(one.tells);
  });

  it("is recorded of every driver but SNMP, whose recordings are walks", () => {
    expect(DRIVERS.filter(({ recorded }) => recorded === undefined).map(({ name }) => name)).toEqual(["snmp"]);
    const others = DRIVERS.filter(({ recorded, requests }) => recorded !== undefined && requests === undefined);
    expect(others.map(({ name }) => name).sort()).toEqual(REPLIES.map(({ driver }) => driver).sort());
  });

  it.each(recorded)("of $driver in any other form is an error value, and nothing is thrown", ({ made }) => {
    const paths = pathsOf(made.recording.answers);
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 2 }), (path, value) => {
        const answers = withValue(made.recording.answers, path, value);
        const opened = openReplyRecording(JSON.stringify({ ...made.recording, recording: 1, answers }), DRIVERS, null);
        if (opened.ok) expect(parseRecorded(opened.value)).toHaveProperty("ok");
        else expect(opened.error).toMatch(/^answers/);
      }),
    );
  });
});

type Path = readonly string[];
function pathsOf(value: unknown, path: Path = []): readonly Path[] {
  const below = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return [...(path.length > 0 ? [path] : []), ...below.flatMap(([key, one]) => pathsOf(one, [...path, key]))];
}
function withValue(whole: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value;
  const copy = structuredClone(whole) as Record<string, unknown>;
  copy[key] = withValue(copy[key], rest, value);
  return copy;
}

describe("docs/cli.md", () => {
  it("tells of every driver what its recordings hold", () => {
    const page = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");
    const table = page.slice(page.indexOf("### What `record` writes"));
    expect(DRIVERS.map(({ name }) => name).filter((name) => !table.includes(`\`${name}\``))).toEqual([]);
  });
});
