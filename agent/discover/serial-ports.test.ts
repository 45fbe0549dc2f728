/** Against a system of files of our own: what the kernel shows of a POS machine's ports. */
import { afterEach, describe, expect, it } from "vitest";
import { makeSystemFiles } from "../../test/rig/system-files.ts";
import { listSerialPorts, serialPortAt } from "./serial-ports.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function makeSystem() {
  const files = makeSystemFiles((end) => ends.push(end));
  return { ...files, system: { root: files.root, ownPids: new Set<number>() } };
}

const listed = async (system: { root: string; ownPids: ReadonlySet<number> }) => {
  const ports = await listSerialPorts(system, "linux");
  if (!ports.ok) throw new Error(ports.error);
  return ports.value;
};

describe("listSerialPorts", () => {
  it("lists ports with hardware, and no virtual console, pseudo-terminal or port without a chip", async () => {
    const { write, link, system } = makeSystem();
    for (const tty of ["tty0", "ptmx", "ttyS0", "ttyS1"]) write(`sys/class/tty/${tty}/dev`, "4:64\n");
    write("sys/devices/pnp0/id", "");
    for (const [tty, type] of [
      ["ttyS0", "4"],
      ["ttyS1", "0"],
    ] as const) {
      write(`sys/class/tty/${tty}/type`, `${type}\n`);
      link(`sys/class/tty/${tty}/device`, "../../../devices/pnp0");
    }
    write("sys/class/tty/console/active", "tty0 ttyS0\n");
    expect(await listed(system)).toMatchObject([{ tty: "ttyS0", path: "/dev/ttyS0", usb: null, isConsole: true }]);
  });

  it("names an adapter by its id when that has a serial number in it, else by its place", async () => {
    const { plug, link, system } = makeSystem();
    plug("ttyUSB0", "1-1", { idVendor: "0403", idProduct: "6001", product: "FT232R", serial: "A50285BI" });
    plug("ttyUSB1", "1-2.4", { idVendor: "1A86", idProduct: "7523", serial: "0" });
    for (const [name, tty] of [
      ["by-id/usb-FTDI_FT232R_A50285BI-if00-port0", "ttyUSB0"],
      ["by-path/pci-0000:00:14.0-usb-0:1:1.0-port0", "ttyUSB0"],
      ["by-id/usb-1a86_USB_Serial-if00-port0", "ttyUSB1"],
      ["by-path/pci-0000:00:14.0-usb-0:2.4:1.0-port0", "ttyUSB1"],
    ] as const) {
      link(`dev/serial/${name}`, `../../${tty}`);
    }
    expect(await listed(system)).toMatchObject([
      {
        path: "/dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0",
        place: "usb-1-1",
        usb: { vendor: "0403", product: "6001", maker: "", name: "FT232R", serial: "A50285BI" },
      },
      {
        path: "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2.4:1.0-port0",
        place: "usb-1-2.4",
        usb: { vendor: "1a86", product: "7523", serial: "" },
      },
    ]);
  });

  it("knows payment hardware, and who has a port open", async () => {
    const { plug, write, link, system } = makeSystem();
    plug("ttyACM0", "1-1", { idVendor: "11ca", idProduct: "0300", product: "VX820" });
    plug("ttyACM1", "1-2", { idVendor: "04b8", idProduct: "0202" });
    write("proc/4711/comm", "pos\u001b[2Japp\n");
    link("proc/4711/fd/7", "/dev/ttyACM1");
    expect(await listed(system)).toMatchObject([
      { tty: "ttyACM0", isPayment: true, users: [] },
      { tty: "ttyACM1", isPayment: false, users: ["pos?[2Japp"] },
    ]);
  });

  it("is without ports on a system without any, and says so where it can't look", async () => {
    const { system } = makeSystem();
    expect(await listed(system)).toEqual([]);
    expect(await listSerialPorts(system, "win32")).toMatchObject({
      ok: false,
      error: expect.stringContaining("--ask COM3"),
    });
    expect(await listSerialPorts(system, "darwin")).toMatchObject({ ok: false });
  });
});

describe("serialPortAt", () => {
  it("finds a listed port by each of its names", async () => {
    const { plug, link, system } = makeSystem();
    plug("ttyACM0", "1-1", { idVendor: "11ca", idProduct: "0300", serial: "9" });
    link("dev/serial/by-id/usb-VX", "../../ttyACM0");
    link("dev/pinpad", "ttyACM0");
    for (const path of ["/dev/ttyACM0", "/dev/serial/by-id/usb-VX", "/dev/pinpad"]) {
      expect(await serialPortAt(path, system)).toMatchObject({ ok: true, value: { path, isPayment: true } });
    }
    for (const path of ["/dev", "/sys/class/tty/ttyACM0/dev", "", "x".repeat(300)]) {
      expect(await serialPortAt(path, system)).toMatchObject({ ok: false });
    }
    expect(await serialPortAt("/dev/ttyACM9", system)).toMatchObject({
      ok: false,
      error: expect.stringContaining("not there"),
    });
  });
});
