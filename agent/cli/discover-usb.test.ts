/** `discover --usb` on a sysfs of our own. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { UsbTree } from "@aislewatch/simulator";
import { afterEach, describe, expect, it } from "vitest";
import { runAgent } from "../../test/rig/command-line.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function makeTill() {
  const root = mkdtempSync(join(tmpdir(), "aislewatch-till-"));
  ends.push(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "sys"));
  const tree = new UsbTree(join(root, "sys"));
  const run = (...args: readonly string[]) => runAgent(args, { systemRoot: root });
  return { tree, run, path: (name: string) => join(root, name) };
}

function plugTill(tree: UsbTree): void {
  const printing = [{ class: 7, subClass: 1, protocol: 2, driver: "usblp", node: "usb/lp0" }];
  const keys = [{ class: 3, subClass: 1, protocol: 1, driver: "usbhid", node: "hidraw0" }];
  tree.plug("1-1", { vendorId: "1a40", productId: "0101", product: "USB 2.0 Hub", isHub: true });
  tree.plug("1-1.1", {
    vendorId: "04b8",
    productId: "0e15",
    product: "TM-T20II",
    serial: "4D4635503",
    interfaces: printing,
  });
  tree.plug("1-1.2", { vendorId: "05f9", productId: "2206", product: "Gryphon", interfaces: keys });
  tree.plug("1-2", {
    vendorId: "0b00",
    productId: "0080",
    manufacturer: "INGENICO",
    serial: "12345678",
    interfaces: keys,
  });
  tree.plug("1-3", { vendorId: "046d", productId: "c31c", product: "Keyboard K120", interfaces: keys });
  tree.plug("1-4", {
    vendorId: "0781",
    productId: "5567",
    product: "Cruzer",
    serial: "2006077582",
    interfaces: [{ class: 8 }],
  });
}

describe("aislewatch-agent discover --usb", () => {
  it("proposes what is known, by serial number where that tells it, and the rest as comments", async () => {
    const { tree, run, path } = makeTill();
    plugTill(tree);
    const ran = await run("discover", "--usb", "--out", path("agent.yaml"));
    expect(ran).toEqual({ code: 0, out: "", error: "5 USB devices\n" });
    const yaml = readFileSync(path("agent.yaml"), "utf8");
    expect(yaml.slice(yaml.indexOf("devices:"))).toMatchInlineSnapshot(`
      "devices:
        # TM-T20II (USB 04b8:0e15), serial 4D4635503, port 1-1.1
        # Epson receipt printer by its USB id; told by its serial number, in any port
        - id: receipt-printer-usb-1-1-1
          kind: receipt_printer
          driver: usb
          match: { id: "04b8:0e15", serial: "4D4635503" }
          # By choice, instead of driver and match; other programs find the printer busy while it is asked:
          # driver: escpos
          # line: { usblp: { id: "04b8:0e15", serial: "4D4635503" } }
        # Gryphon (USB 05f9:2206), port 1-1.2
        # Datalogic scanner by its USB id; told by its port, for it has no serial number of its own
        - id: barcode-scanner-usb-1-1-2
          kind: barcode_scanner
          driver: usb
          match: { id: "05f9:2206", port: "1-1.2" }
        # INGENICO (USB 0b00:0080), port 1-2
        # payment hardware; told by its port, for it has no serial number of its own
        - id: payment-terminal-usb-1-2
          kind: payment_terminal
          driver: usb
          match: { id: "0b00:0080", port: "1-2" }
        # Keyboard K120 (USB 046d:c31c), port 1-3
        # what it is does not show: say it, or leave it out; told by its port, for it has no serial number of its own
        # - id: barcode-scanner-usb-1-3
        #   kind: barcode_scanner # or label_printer, scale, ups, payment_terminal …
        #   driver: usb
        #   match: { id: "046d:c31c", port: "1-3" }
      "
    `);
    expect((await run("check", "--config", path("agent.yaml"))).code).toBe(0);
  });

  it("names by choice what is taken as it stands, and known again", async () => {
    const { tree, run, path } = makeTill();
    plugTill(tree);
    // What the kernel keeps of a scale (HID usage page 8D) and of a label printer, where it keeps it.
    const scale = { class: 3, driver: "usbhid", node: "hidraw7" };
    tree.plug("1-5", { vendorId: "0922", productId: "8003", product: "M10", interfaces: [scale] });
    const descriptor = path("sys/class/hidraw/hidraw7/device/report_descriptor");
    mkdirSync(dirname(descriptor), { recursive: true });
    writeFileSync(descriptor, Buffer.from("058d0920a1018503097115012508750895018102c0", "hex"));
    const label = { class: 7, protocol: 2, driver: "usblp", node: "usb/lp1" };
    tree.plug("1-6", { vendorId: "0001", productId: "0001", product: "L-1", interfaces: [label] });
    // sysfs lists interfaces beside their devices.
    symlinkSync(path("sys/bus/usb/devices/1-6/1-6:1.0"), path("sys/bus/usb/devices/1-6:1.0"));
    writeFileSync(path("sys/bus/usb/devices/1-6:1.0/ieee1284_id"), "MFG:Acme;CMD:TSPL2;MDL:L-1;\n");
    await run("discover", "--usb", "--out", path("agent.yaml"));
    const chosen = readFileSync(path("agent.yaml"), "utf8")
      .replaceAll(/^ {4}driver: usb\n( {4}match: .*\n)( {4}# By choice, instead of driver: usb,.*\n)/gm, "$1$2")
      .replaceAll(/^ {4}driver: usb\n {4}match: .*\n( {4}# By choice, instead of driver and match)/gm, "$1")
      .replaceAll(/^( {4})# (driver|line|take):/gm, "$1$2:");
    expect(chosen.match(/driver: (?!usb\b)\w+/g)).toEqual(["driver: escpos", "driver: hid", "driver: tspl"]);
    writeFileSync(path("chosen.yaml"), chosen);
    expect(await run("check", "--config", path("chosen.yaml"))).toMatchObject({ code: 0, error: "" });
    const again = await run("discover", "--usb", "--config", path("chosen.yaml"));
    // The keyboard is still a comment, and nobody's.
    expect(again.out).toMatch(/: 1 new, 0 gone, 0 changed, 5 as before\.\n {2}# Keyboard/);
  });

  it("shows with a configuration what is new and what is gone, whatever driver names it", async () => {
    const { tree, run, path } = makeTill();
    plugTill(tree);
    await run("discover", "--usb", "--out", path("agent.yaml"));
    const extra = `  - { id: till/keyboard, kind: barcode_scanner, driver: usb, match: { port: 1-3 } }\n`;
    writeFileSync(path("agent.yaml"), `${readFileSync(path("agent.yaml"), "utf8")}\n${extra}`);
    expect((await run("discover", "--usb", "--config", path("agent.yaml"))).out).toBe(
      `# Beside ${path("agent.yaml")}: 0 new, 0 gone, 0 changed, 4 as before.\n`,
    );
    // Its serial number is known in any port.
    tree.move("1-1.1", "1-4.4");
    tree.unplug("1-1.2");
    tree.plug("2-1", { vendorId: "0a5f", productId: "00a3", product: "LP 2824 Plus", serial: "36J141701319" });
    const { out } = await run("discover", "--usb", "--config", path("agent.yaml"));
    expect(out).toContain("1 new, 1 gone, 0 changed, 3 as before");
    expect(out).toContain("# gone: barcode-scanner-usb-1-1-2 at 05f9:2206, port 1-1.2");
    expect(out).toContain('match: { id: "0a5f:00a3", serial: "36J141701319" }');
  });

  it.each([
    { what: "the same number twice", serials: ["A1B2C3", "A1B2C3"] },
    { what: "a firmware version", serials: ["Rev:1.02"] },
    { what: "what could be the number of a card", serials: ["4111111111111111"] },
  ])("tells a device by its port when its serial number is $what", async ({ serials }) => {
    const { tree, run } = makeTill();
    for (const [n, serial] of serials.entries()) {
      tree.plug(`1-${n + 1}`, { vendorId: "04b8", productId: "0e15", product: "TM", serial });
    }
    const { out } = await run("discover", "--usb", "--json");
    expect(JSON.parse(out).usb.map(({ match }: { match: object }) => match)).toEqual(
      serials.map((_, n) => ({ id: "04b8:0e15", port: `1-${n + 1}` })),
    );
  });

  it("keeps a device's words inside their comment", async () => {
    const { tree, run, path } = makeTill();
    tree.plug("1-1", { vendorId: "04b8", productId: "0e15", product: "TM\u2028- id: evil", serial: 'x" }\u2028#' });
    await run("discover", "--usb", "--out", path("agent.yaml"));
    expect((await run("check", "--config", path("agent.yaml"))).code).toBe(0);
    expect(readFileSync(path("agent.yaml"), "utf8")).not.toMatch(/^\s*- id: evil/m);
  });

  it("says why nothing can be listed, and calls nothing gone", async () => {
    const { run, path } = makeTill();
    rmSync(path("sys"), { recursive: true });
    const { code, error } = await run("discover", "--usb");
    expect({ code, error }).toEqual({ code: 0, error: expect.stringContaining("USB devices can't be listed") });
  });

  it("probes, records, and reads again from the file what it proposed", async () => {
    const { tree, run, path } = makeTill();
    plugTill(tree);
    const match = `match: { id: "04b8:0e15" }, sysfs: ${JSON.stringify(tree.folder)}`;
    const yaml = `site: store-1\nagent: pc\ncollector: { url: "mqtt://127.0.0.1:1883" }\ndevices:\n  - { id: lane-1/printer, kind: receipt_printer, driver: usb, ${match} }\n`;
    writeFileSync(path("agent.yaml"), yaml);
    const probed = await run("probe", "lane-1/printer", "--config", path("agent.yaml"));
    expect({ code: probed.code, out: probed.out }).toEqual({
      code: 0,
      out: expect.stringMatching(/attached +.*yes|attached +true/),
    });
    const file = path("printer.json");
    const recorded = await run("record", "lane-1/printer", "--config", path("agent.yaml"), "--out", file);
    expect(recorded).toMatchObject({ code: 0, error: expect.stringContaining("lane-1/printer: its reply, whole") });
    expect(readFileSync(file, "utf8")).not.toContain("4D4635503");
    const replayed = await run("probe", "--from", file);
    const table = (text: string): string =>
      text.slice(text.indexOf("COMPONENT")).replace(/poll_duration_seconds +\S+/, "");
    expect({ code: replayed.code, table: table(replayed.out) }).toEqual({ code: 0, table: table(probed.out) });
  });
});
