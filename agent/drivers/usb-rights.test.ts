import { ManualClock } from "@aislewatch/base";
import { describe, expect, it } from "vitest";
import { readUsbDevice } from "../core/usb-device.ts";
import { UsbWatch } from "../transport/sysfs-watch.ts";
import { sourcesOf } from "./usb/sources.ts";
import { grantOf } from "./usb-rights.ts";
import { UsbSlot } from "./usb-slot.ts";

describe("rights to a USB device's file", () => {
  it("are granted by the same command, whichever driver is asked", () => {
    // A number that no machine has.
    const node = "hidraw9999";
    const device = readUsbDevice({
      port: "1-1",
      attributes: { devnum: "5", idVendor: "0922", idProduct: "8003" },
      interfaces: [{ name: "1-1:1.0", attributes: { bInterfaceClass: "03" }, driver: "usbhid", nodes: [node] }],
    });
    const places = { sysfs: "/sys", deviceFiles: "/dev/bus/usb", kernelLog: null };
    const watched = sourcesOf(places, new UsbWatch(places, new ManualClock(0)), device);
    const taken = new UsbSlot({ match: { port: "1-1" }, take: false, sysfs: "/sys" }, "hidraw");
    expect(watched.find(({ name }) => name === "hidraw")).toEqual(taken.source(`/dev/${node}`, "0922"));
    expect(taken.source(`/dev/${node}`, "0922").grant).toContain('MODE="0640"');
  });

  it("are the group of printers for usblp", () => expect(grantOf("usblp", "04b8")).toMatch(/^usermod -aG lp /));
});
