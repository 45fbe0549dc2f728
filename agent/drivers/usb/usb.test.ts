/** The driver over a folder of sysfs's shape, watched by the real inotify; and over trees that no machine ever had. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsbTree, type UsbUnit } from "@aislewatch/simulator";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DevicePoller, Parsed } from "../driver.ts";
import usb from "./index.ts";
import type { UsbReply } from "./types.ts";

const SCANNER: UsbUnit = {
  vendorId: "05e0",
  productId: "1300",
  manufacturer: "Symbol Technologies, Inc, 2002",
  product: "Symbol Bar Code Scanner",
  serial: "S/N:63FC61BF9E8E2247B78E81D22AF2F5E7 Rev:NBRPPAAP1",
  currentMilliamperes: 400,
  interfaces: [{ class: 3, driver: "usbhid", node: "hidraw6" }],
};
const PRINTER: UsbUnit = {
  vendorId: "0a5f",
  productId: "0015",
  manufacturer: "Zebra",
  product: "ZTC LP2824",
  interfaces: [{ class: 7, subClass: 1, protocol: 2, driver: "usblp", node: "usb/lp0" }],
};
const HUB: UsbUnit = { vendorId: "0424", productId: "2514", isHub: true, selfPowered: true };

let folder: string;
let tree: UsbTree;
const ends: (() => unknown)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "usb-"));
  tree = new UsbTree(folder);
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  rmSync(folder, { recursive: true, force: true });
});

function open(match: object): DevicePoller<UsbReply> {
  const config = usb.config.parse({ match, sysfs: tree.folder, kernel_log: tree.kernelLog });
  const poller = usb.open({ id: "lane-1/x", kind: "barcode_scanner", config, secret: () => "" });
  ends.push(() => poller.close());
  return poller;
}

/** As the poller does it: `heard` counts how often the device spoke up. */
function watch(poller: DevicePoller<UsbReply>): { heard: () => number } {
  let heard = 0;
  const end = poller.watch?.(() => heard++);
  if (end !== undefined) ends.push(end);
  return { heard: () => heard };
}

async function ask(poller: DevicePoller<UsbReply>): Promise<Parsed> {
  const context = { signal: new AbortController().signal, timeoutMs: 5_000, nowMs: 0 };
  const reply = await poller.poll(context);
  if (!reply.ok) throw new Error(`${reply.error.kind}: ${reply.error.detail}`);
  // A recording of it means the same.
  const parsed = poller.parse(JSON.parse(JSON.stringify(reply.value)));
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
}

const metrics = (parsed: Parsed): Record<string, unknown> => ({ ...parsed.samples[0]?.metrics });
const codes = (parsed: Parsed): string[] => (parsed.events ?? []).map(({ code }) => code);

describe("usb", () => {
  it("tells who is there, and how it is connected", async () => {
    tree.plug("2-1", HUB);
    tree.plug("2-1.6", SCANNER);
    const poller = open({ id: "05e0:1300" });
    const parsed = await ask(poller);
    expect(parsed.asset).toEqual({
      vendor: "Symbol Technologies, Inc, 2002",
      model: "Symbol Bar Code Scanner",
      serial: "63FC61BF9E8E2247B78E81D22AF2F5E7",
      firmware: "NBRPPAAP1, 1.00",
    });
    expect(metrics(parsed)).toMatchObject({
      attached: true,
      usb_disconnects_total: 0,
      usb_over_current_total: 0,
      usb_speed_bits_per_second: 12_000_000,
      usb_declared_current_amperes: 0.4,
      usb_power_short: false,
      usb_not_configured: false,
      usb_blocked: false,
      usb_mode_unexpected: false,
    });
    expect(poller.about?.()).toContainEqual(["told from others", "by its serial number"]);
    expect(poller.sources?.()[0]).toEqual({ name: "sysfs", state: "used", detail: tree.folder });
  });

  it("counts a drop that lay between two polls, and calls the spooler's rebinding nothing", async () => {
    tree.plug("2-1", HUB);
    tree.plug("2-1.5", PRINTER);
    tree.plug("2-1.6", SCANNER);
    const [scanner, printer] = [open({ id: "05e0:1300" }), open({ id: "0a5f:0015" })];
    await ask(scanner);
    await ask(printer);
    tree.drop("2-1.6");
    tree.bind("2-1.5", null);
    const [dropped, taken] = [await ask(scanner), await ask(printer)];
    tree.bind("2-1.5", "usblp");
    const given = await ask(printer);
    expect(metrics(dropped)).toMatchObject({ attached: true, usb_disconnects_total: 1 });
    expect(dropped.events).toEqual([
      {
        component: null,
        code: "usb_reconnected",
        detail:
          "Symbol Technologies, Inc, 2002 Symbol Bar Code Scanner (05e0:1300, 63FC61BF9E8E2247B78E81D22AF2F5E7) was away from port 2-1.6 (device number 4 -> 5)",
      },
    ]);
    for (const parsed of [taken, given]) {
      expect(metrics(parsed)).toMatchObject({ attached: true, usb_disconnects_total: 0 });
      expect(parsed.events).toBeUndefined();
    }
  });

  it("speaks up at once when its device goes and comes, and only then", async () => {
    tree.plug("1-1", SCANNER);
    tree.plug("1-2", PRINTER);
    const poller = open({ port: "1-1" });
    const { heard } = watch(poller);
    await ask(poller);
    // That it is there is news, too.
    expect(heard()).toBe(1);
    await expect.poll(() => poller.sources?.()).toContainEqual(expect.objectContaining({ name: "hot-plug" }));
    tree.unplug("1-1");
    await expect.poll(heard).toBe(2);
    tree.plug("1-1", SCANNER);
    await expect.poll(heard).toBe(3);
    const parsed = await ask(poller);
    expect(codes(parsed)).toEqual(["detached", "detached_cleared"]);
    expect(metrics(parsed)["usb_disconnects_total"]).toBe(1);
    tree.drop("1-2");
    await ask(poller);
    expect(heard()).toBe(3);
  });

  it("follows the same asset to another port, unless the slot is the port", async () => {
    tree.plug("1-1", SCANNER);
    const [anywhere, here] = [open({ id: "05e0:1300" }), open({ port: "1-1" })];
    await ask(anywhere);
    await ask(here);
    tree.move("1-1", "1-3");
    const [followed, left] = [await ask(anywhere), await ask(here)];
    expect(codes(followed)).toEqual(["usb_port_changed"]);
    expect(metrics(followed)["attached"]).toBe(true);
    expect(metrics(left)["attached"]).toBe(false);
    expect(left.events?.[0]?.detail).toContain("left port 1-1; it is at port 1-3 now");
    expect(left.asset).toBeUndefined();
  });

  it("knows a scanner that was set to another interface mode", async () => {
    tree.plug("1-1", { ...SCANNER, vendorId: "05f9", productId: "2206", serial: "" });
    const poller = open({ id: "05f9:2206" });
    await ask(poller);
    tree.plug("1-1", { ...SCANNER, vendorId: "05f9", productId: "4204", serial: "" });
    const parsed = await ask(poller);
    expect(codes(parsed)).toEqual(["usb_mode_changed"]);
    expect(metrics(parsed)).toMatchObject({ attached: true, usb_mode_unexpected: true, usb_disconnects_total: 1 });
    tree.plug("1-1", { ...SCANNER, vendorId: "05f9", productId: "2206", serial: "" });
    expect(metrics(await ask(poller))["usb_mode_unexpected"]).toBe(false);
  });

  it("says when another unit took the place, and does not invent a serial number that two have", async () => {
    tree.plug("1-1", { ...PRINTER, serial: "36J141701319" });
    const poller = open({ port: "1-1" });
    await ask(poller);
    tree.plug("1-1", { ...PRINTER, serial: "36J141701320" });
    const swapped = await ask(poller);
    expect(codes(swapped)).toEqual(["asset_changed"]);
    expect(swapped.asset?.serial).toBe("36J141701320");
    tree.plug("1-2", { ...PRINTER, serial: "36J141701320" });
    expect((await ask(poller)).asset).not.toHaveProperty("serial");
    expect(poller.about?.()).toContainEqual([
      "told from others",
      "by its port: another one has the same serial number",
    ]);
  });

  it("asks which one is meant when two fit, and keeps to the one it knew", async () => {
    tree.plug("1-2", PRINTER);
    const knew = open({ id: "0a5f" });
    await ask(knew);
    tree.plug("1-1", PRINTER);
    expect(metrics(await ask(knew))["attached"]).toBe(true);
    const poller = open({ id: "0a5f:0015" });
    await expect(ask(poller)).rejects.toThrow("config: 2 devices fit: at the ports 1-1, 1-2");
  });

  it("tells over-current, a policy that blocks, and a hub without power of its own", async () => {
    tree.plug("1-1", { ...HUB, selfPowered: false });
    tree.plug("1-1.2", SCANNER);
    const poller = open({ id: "05e0:1300" });
    expect(metrics(await ask(poller))).toMatchObject({ usb_power_short: true, usb_over_current_total: 0 });
    tree.overCurrent("1-1.2");
    const parsed = await ask(poller);
    expect(metrics(parsed)).toMatchObject({ usb_over_current_total: 1, usb_disconnects_total: 1 });
    expect(codes(parsed)).toEqual(["usb_reconnected", "usb_over_current"]);
    tree.plug("1-1.2", { ...SCANNER, authorized: false });
    expect(metrics(await ask(poller))).toMatchObject({ usb_blocked: true, usb_not_configured: false });
  });

  it("counts what the kernel says of the port, from the time that it watches", async () => {
    tree.say("[  1.0] usb 1-1: device descriptor read/64, error -71");
    tree.plug("1-1", SCANNER);
    const poller = open({ id: "05e0:1300" });
    expect(metrics(await ask(poller))).not.toHaveProperty("usb_errors_total");
    watch(poller);
    expect(metrics(await ask(poller))).toMatchObject({ usb_errors_total: 0, usb_resets_total: 0 });
    tree.say("[  2.0] usb 1-1: device descriptor read/64, error -71");
    tree.say("[  2.1] usb 1-1: reset full-speed USB device number 2 using xhci_hcd");
    tree.say("[  2.2] usb 1-2: device descriptor read/64, error -71");
    tree.say("[  2.3] usb 1-1: rejected 1 configuration due to insufficient available bus power");
    const parsed = await ask(poller);
    expect(metrics(parsed)).toMatchObject({ usb_errors_total: 2, usb_resets_total: 1 });
    expect(codes(parsed)).toEqual(["usb_power_refused"]);
  });

  it("tells what the kernel says of a printer that takes no data, and makes no state of it", async () => {
    tree.plug("1-1", PRINTER);
    const poller = open({ port: "1-1" });
    watch(poller);
    await ask(poller);
    tree.say("[  2.0] usblp0: out of paper");
    tree.say("[  2.1] usblp7: off-line");
    const parsed = await ask(poller);
    expect(codes(parsed)).toEqual(["media_out"]);
    expect(metrics(parsed)).not.toHaveProperty("media_out");
  });

  it("counts the errors of a port whose device never got through to the system", async () => {
    const poller = open({ port: "1-7" });
    watch(poller);
    await ask(poller);
    tree.say("[  2.0] usb usb1-port7: unable to enumerate USB device");
    expect(metrics(await ask(poller))).toMatchObject({ attached: false, usb_errors_total: 1 });
  });

  it("finds the device behind a path below /dev by the file that it made", async () => {
    tree.plug("1-1", PRINTER);
    expect(metrics(await ask(open({ path: "/dev/usb/lp0" })))["attached"]).toBe(false);
  });

  it.each([
    { name: "nothing to match by", match: {} },
    { name: "an id that is none", match: { id: "5e0:1300" } },
    { name: "a port that is none", match: { port: "../1-1" } },
    { name: "a path outside of /dev", match: { path: "/etc/passwd" } },
  ])("refuses $name", ({ match }) => {
    expect(usb.config.safeParse({ match }).success).toBe(false);
  });

  it("finds its device beside folders that no kernel made", async () => {
    tree.plug("1-1", PRINTER);
    const devices = join(tree.folder, "bus/usb/devices");
    symlinkSync("1-2", join(devices, "1-2"));
    writeFileSync(join(devices, "1-3"), "no folder");
    for (const port of ["1-4", "1-5", "1-6"]) mkdirSync(join(devices, port));
    // A pipe that nobody writes to, nonsense for a number, and a serial number without an end.
    execFileSync("mkfifo", [join(devices, "1-4/devnum")]);
    writeFileSync(join(devices, "1-5/devnum"), Buffer.of(0xff, 0, 1));
    for (const [name, text] of Object.entries({ devnum: "9", idVendor: "1d6b", idProduct: "0104" })) {
      writeFileSync(join(devices, "1-6", name), `${text}\n`);
    }
    writeFileSync(join(devices, "1-6/serial"), Buffer.alloc(4_000_000, "x7"));
    symlinkSync("..", join(devices, "1-6/1-6:1.0"));
    expect(metrics(await ask(open({ id: "0a5f" })))).toMatchObject({ attached: true });
    const { serial } = (await ask(open({ port: "1-6" }))).asset ?? {};
    expect(serial).toHaveLength(512);
  });

  it("says where it looked when there is no sysfs", async () => {
    const config = usb.config.parse({ match: { id: "05e0" }, sysfs: join(folder, "none") });
    const poller = usb.open({ id: "x", kind: "scale", config, secret: () => "" });
    await expect(ask(poller)).rejects.toThrow("none/bus/usb/devices can't be read");
    expect(poller.sources?.()).toMatchObject([{ name: "sysfs", state: "absent" }]);
  });
});
