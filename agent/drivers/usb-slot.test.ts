/** Which devices are looked into, and which never: the drivers over a folder of sysfs's shape. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AnyDriver } from "./driver.ts";
import hid from "./hid/index.ts";
import usblp from "./usblp/index.ts";

const SCALE = "058d0920a101850309711501250875089501810 0c0".replaceAll(" ", "");
const KEYBOARD = "05010906a1010507190029ff150026ff00750895068100c0";

let sysfs = "";
beforeEach(() => {
  sysfs = mkdtempSync(join(tmpdir(), "sysfs-"));
  mkdirSync(join(sysfs, "bus/usb/devices"), { recursive: true });
});
afterEach(() => rmSync(sysfs, { recursive: true, force: true }));

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(sysfs, path)), { recursive: true });
  writeFileSync(join(sysfs, path), content);
}

type Plugged = {
  readonly port: string;
  readonly id: string;
  readonly class: string;
  readonly driver: string | null;
  /** Numbers that no machine has, so that nothing is opened by mistake. */
  readonly node?: "lp999" | "hidraw9999";
  readonly descriptor?: string;
  readonly deviceId?: string;
};

function plug({ port, id, class: code, driver, node, descriptor, deviceId }: Plugged): void {
  const device = `bus/usb/devices/${port}`;
  const [vendor = "", product = ""] = id.split(":");
  for (const [name, text] of Object.entries({ devnum: "5", idVendor: vendor, idProduct: product, authorized: "1" })) {
    write(`${device}/${name}`, `${text}\n`);
  }
  const own = `${device}/${port}:1.0`;
  write(`${own}/bInterfaceClass`, `${code}\n`);
  // The kernel lists interfaces beside their devices.
  symlinkSync(join(sysfs, own), join(sysfs, `bus/usb/devices/${port}:1.0`));
  if (driver !== null) symlinkSync(`../drivers/${driver}`, join(sysfs, own, "driver"));
  if (deviceId !== undefined) write(`${own}/ieee1284_id`, deviceId);
  if (node === "lp999") write(`${own}/usbmisc/lp999/dev`, "180:999\n");
  if (node === "hidraw9999") write(`${own}/0003:0922:8003.0001/hidraw/hidraw9999/dev`, "245:9999\n");
  if (descriptor !== undefined) {
    write("class/hidraw/hidraw9999/device/report_descriptor", Buffer.from(descriptor, "hex"));
  }
}

/** The second poll: the first after a device came says that it is there, whatever else. */
async function poll(driver: AnyDriver, config: object) {
  const poller = driver.open({
    id: "lane-1/device",
    kind: "scale",
    config: driver.config.parse({ sysfs, take: true, ...config }),
    secret: () => "",
  });
  const context = { signal: new AbortController().signal, timeoutMs: 500, nowMs: 0 };
  const first = await poller.poll(context);
  const second = await poller.poll(context);
  const parsed = first.ok ? poller.parse(first.value) : first;
  return {
    first: parsed.ok ? parsed.value.samples[0]?.metrics : null,
    failure: second.ok ? null : second.error,
    asset: parsed.ok ? parsed.value.asset : undefined,
  };
}

describe("a HID device", () => {
  it.each([
    { name: "types", plugged: { descriptor: KEYBOARD }, kind: "config", detail: /it types, like a keyboard/ },
    { name: "makes no sense", plugged: { descriptor: "a101" }, kind: "config", detail: /makes no sense/ },
    { name: "is a card reader's maker's", plugged: { id: "0801:0002" }, kind: "config", detail: /payment hardware/ },
    {
      name: "has no driver: a POS application has it",
      plugged: { driver: null },
      kind: "busy",
      detail: /past the kernel/,
    },
    { name: "is in usbfs's hands", plugged: { driver: "usbfs" }, kind: "busy", detail: /past the kernel/ },
  ])("is not opened that $name", async ({ plugged, kind, detail }) => {
    const hidden = "driver" in plugged ? {} : { node: "hidraw9999" as const };
    plug({ port: "1-4", id: "0922:8003", class: "03", driver: "usbhid", descriptor: SCALE, ...hidden, ...plugged });
    const { failure } = await poll(hid, { match: { port: "1-4" } });
    expect(failure).toMatchObject({ kind, detail: expect.stringMatching(detail) });
  });

  it("that may be is opened by its file, after it was said to be there", async () => {
    plug({ port: "1-4", id: "0922:8003", class: "03", driver: "usbhid", node: "hidraw9999", descriptor: SCALE });
    const { first, failure } = await poll(hid, { match: { id: "0922" } });
    expect(first).toEqual({ attached: true });
    expect(failure).toMatchObject({ kind: "unreachable", detail: "/dev/hidraw9999 is not there" });
  });

  it("is left alone unless it is to be taken", async () => {
    plug({ port: "1-4", id: "0922:8003", class: "03", driver: "usbhid", node: "hidraw9999", descriptor: SCALE });
    const { first, failure } = await poll(hid, { match: { id: "0922" }, take: false });
    expect([first, failure]).toEqual([{ attached: true }, null]);
  });

  it("that is not there is no failure, and two that fit are one", async () => {
    expect((await poll(hid, { match: { id: "0922" } })).first).toEqual({ attached: false });
    for (const port of ["1-4", "1-5"]) plug({ port, id: "0922:8003", class: "03", driver: "usbhid" });
    const { failure } = await poll(hid, { match: { id: "0922" } });
    expect(failure).toMatchObject({ kind: "config", detail: "2 devices fit: at the ports 1-4, 1-5" });
  });
});

describe("a USB printer", () => {
  const printer = { port: "1-4", id: "04b8:0e15", class: "07", deviceId: "MFG:EPSON;MDL:TM-T88V;SN:J7Q1;" };

  it("tells who it is without being opened", async () => {
    plug({ ...printer, driver: "usblp", node: "lp999" });
    const { first, failure, asset } = await poll(usblp, { match: { id: "04b8" }, take: false });
    expect([first, failure]).toEqual([{ attached: true }, null]);
    expect(asset).toMatchObject({ vendor: "EPSON", model: "TM-T88V", serial: "J7Q1" });
  });

  it("that CUPS has is busy", async () => {
    plug({ ...printer, driver: "usbfs" });
    expect((await poll(usblp, { match: { id: "04b8" } })).failure).toMatchObject({ kind: "busy" });
  });

  it("without a printer's interface can't be taken", async () => {
    plug({ ...printer, class: "ff", driver: null });
    expect((await poll(usblp, { match: { id: "04b8" } })).failure).toMatchObject({ kind: "config" });
  });

  it("to be taken is opened by its file", async () => {
    plug({ ...printer, driver: "usblp", node: "lp999" });
    const { failure } = await poll(usblp, { match: { id: "04b8" } });
    expect(failure).toMatchObject({ kind: "unreachable", detail: "/dev/usb/lp999 is not there" });
  });
});
