/** `discover --serial` on a system of files of our own, with ports that nobody opens. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { runAgent } from "../../test/rig/command-line.ts";
import { makeSystemFiles, type SystemFiles } from "../../test/rig/system-files.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function makeShop() {
  const files = makeSystemFiles((end) => ends.push(end));
  const folder = mkdtempSync(join(tmpdir(), "aislewatch-shop-"));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  const run = (...args: readonly string[]) => runAgent(args, { systemRoot: files.root });
  return { files, run, path: (name: string) => join(folder, name) };
}

function plugLane({ plug, link, write }: SystemFiles): void {
  plug("ttyACM0", "1-1", {
    idVendor: "04b8",
    idProduct: "0202",
    manufacturer: "EPSON",
    product: "TM-T88VI",
    serial: "X4",
  });
  plug("ttyACM1", "1-2", { idVendor: "0b00", idProduct: "0080", manufacturer: "INGENICO", product: "iPP320" });
  plug("ttyUSB0", "1-3", { idVendor: "0403", idProduct: "6001", manufacturer: "FTDI", product: "FT232R USB UART" });
  plug("ttyUSB1", "1-4", { idVendor: "067b", idProduct: "2303" });
  link("dev/serial/by-id/usb-EPSON_TM-T88VI_X4-if00", "../../ttyACM0");
  write("proc/4711/comm", "scale-svc\n");
  link("proc/4711/fd/7", "/dev/ttyUSB1");
}

describe.skipIf(process.platform !== "linux")("aislewatch-agent discover --serial", () => {
  it("proposes what USB ids tell, what is in use by its presence, and the rest as comments", async () => {
    const { files, run, path } = makeShop();
    plugLane(files);
    const ran = await run("discover", "--serial", "--out", path("agent.yaml"));
    expect(ran).toEqual({ code: 0, out: "", error: "4 serial ports\n" });
    const yaml = readFileSync(path("agent.yaml"), "utf8");
    expect(yaml.slice(yaml.indexOf("devices:"))).toMatchInlineSnapshot(`
      "devices:
        # EPSON TM-T88VI (USB 04b8:0202), serial X4, ttyACM0
        # Epson receipt printer by its USB id; nobody has it open. Once an application does: driver: presence, port:
        - id: receipt-printer-usb-1-1
          kind: receipt_printer
          driver: escpos
          line: { serial: "/dev/serial/by-id/usb-EPSON_TM-T88VI_X4-if00" }
        # INGENICO iPP320 (USB 0b00:0080), ttyACM1
        # payment hardware: only whether it is plugged in; never opened
        - id: payment-terminal-usb-1-2
          kind: payment_terminal
          driver: presence
          port: "/dev/ttyACM1"
        # FTDI FT232R USB UART (USB 0403:6001), ttyUSB0
        # what hangs on it does not show. Say what it is, or ask it: aislewatch-agent discover --ask /dev/ttyUSB0
        # - id: scale-usb-1-3
        #   kind: scale # or receipt_printer, label_printer, drive, barcode_scanner …
        #   driver: toledo_8217 # or mt_sics, nci, sma, escpos, star, zpl, epl, modbus … (docs/devices)
        #   line: { serial: "/dev/ttyUSB0" }
        # Prolific (USB 067b:2303), ttyUSB1
        # in use by scale-svc. Make its kind what hangs on it
        - id: device-server-usb-1-4
          kind: device_server
          driver: presence
          port: "/dev/ttyUSB1"
      "
    `);
    expect(await run("check", "--config", path("agent.yaml"))).toMatchObject({ code: 0, error: "" });
  });

  it("shows, with a configuration, what is new and what is gone", async () => {
    const { files, run, path } = makeShop();
    plugLane(files);
    await run("discover", "--serial", "--out", path("agent.yaml"));
    const config = ["--config", path("agent.yaml")];
    const same = await run("discover", "--serial", ...config);
    expect(same.out).toMatch(/^# Beside .*: 1 new, 0 gone, 0 changed, 3 as before\.\n/);
    rmSync(join(files.root, "dev/serial"), { recursive: true });
    rmSync(join(files.root, "sys/class/tty/ttyACM0"), { recursive: true });
    files.plug("ttyACM5", "1-5", { idVendor: "0a5f", idProduct: "0001" });
    const later = await run("discover", "--serial", ...config);
    expect(later.out).toMatch(
      /: 2 new, 1 gone, 0 changed, 2 as before\.\n# gone: receipt-printer-usb-1-1 at \/dev\/serial/,
    );
    expect(later.out).toMatch(
      /devices:\n[\s\S]*- id: label-printer-usb-1-5\n {4}kind: label_printer\n {4}driver: zpl\n/,
    );
    const json = JSON.parse((await run("discover", "--serial", "--json", ...config)).out);
    expect(json.serial.map(({ tty }: { tty: string }) => tty)).toEqual(["ttyUSB0", "ttyACM5"]);
    expect(json).toMatchObject({ gone: [{ id: "receipt-printer-usb-1-1" }], same: 2 });
  });

  it.each([
    { name: "a PIN pad", ask: "/dev/ttyACM1", says: "payment hardware, which is never opened" },
    { name: "a port that is not there", ask: "/dev/ttyACM7", says: "/dev/ttyACM7 is not there" },
  ])("asks $name nothing", async ({ ask, says }) => {
    const { files, run } = makeShop();
    plugLane(files);
    const ran = await run("discover", "--ask", ask);
    expect(ran).toMatchObject({ code: 2, out: "" });
    expect(ran.error).toContain(says);
  });

  it.each([
    { name: "nothing to look at", args: [], says: "discover needs --subnet" },
    { name: "a rate without a network", args: ["--serial", "--rate", "5"], says: "--rate goes with --subnet" },
    { name: "ports without a network", args: ["--serial", "--ports"], says: "--ports goes with --subnet" },
    {
      name: "a kind that is never asked",
      args: ["--ask", "/dev/x", "--kind", "drive"],
      says: "--kind: expected one of",
    },
    { name: "a kind of no port", args: ["--serial", "--kind", "scale"], says: "--kind goes with --ask" },
    { name: "two ports at once", args: ["extra"], says: 'discover takes no "extra"' },
  ])("refuses $name", async ({ args, says }) => {
    const { run } = makeShop();
    const ran = await run("discover", ...args);
    expect(ran).toMatchObject({ code: 2, out: "" });
    expect(ran.error).toContain(says);
  });

  it("takes its options for itself", async () => {
    const { run, path } = makeShop();
    writeFileSync(path("x"), "");
    expect((await run("probe", "x", "--serial")).error).toContain("probe takes no --serial");
  });
});
