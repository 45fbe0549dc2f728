/** `discover` of print queues: cupsd's, by its socket and over the network, and printers that answer IPP by themselves. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { realClock } from "@aislewatch/runtime";
import { startIppQueue, UsbTree } from "@aislewatch/simulator";
import { afterAll, describe, expect, it } from "vitest";
import { runAgent } from "../rig/command-line.ts";
import { cupsMissing, startCups } from "../rig/cups.ts";
import { cleanUp, onCleanUp, tempFolder, waitFor } from "../rig/rig.ts";

afterAll(cleanUp);

/** On a system whose files begin at this folder. */
const run = (root: string, ...args: readonly string[]) => runAgent(args, { systemRoot: root });

const devicesOf = (yaml: string): string => yaml.slice(yaml.indexOf("devices:"));

describe.skipIf(cupsMissing())("print queues", () => {
  it("of this host are proposed with their printers, and serve probe and record", async () => {
    const root = tempFolder();
    const tree = new UsbTree(join(root, "sys"));
    const printing = [{ class: 7, subClass: 1, protocol: 2, driver: "usblp", node: "usb/lp0" }];
    tree.plug("1-1", {
      vendorId: "04b8",
      productId: "0e15",
      product: "TM-T20II",
      serial: "4D4635503",
      interfaces: printing,
    });
    await startCups(tempFolder(), {
      listen: [join(root, "run/cups/cups.sock")],
      queues: [
        { name: "receipts", deviceUri: "usb://EPSON/TM-T20II?serial=4D4635503", makeAndModel: "EPSON TM-T20II Raster" },
        { name: "Labels", deviceUri: "socket://10.42.0.77", makeAndModel: "Local Raw Printer" },
        { name: "backoffice", deviceUri: "ipp://someone:secret@10.42.0.60/ipp/print", makeAndModel: "HP LaserJet" },
      ],
    });
    const look = ["discover", "--usb", "--spoolers"];
    const path = join(root, "agent.yaml");
    await waitFor("cupsd", async () => (await run(root, "discover", "--spoolers")).error === "3 print queues\n");
    expect(await run(root, ...look, "--out", path)).toEqual({
      code: 0,
      out: "",
      error: "1 USB device\n3 print queues\n",
    });
    const yaml = readFileSync(path, "utf8");
    expect(devicesOf(yaml).replaceAll(root, "ROOT")).toMatchInlineSnapshot(`
      "devices:
        # TM-T20II (USB 04b8:0e15), serial 4D4635503, port 1-1
        # Epson receipt printer by its USB id; told by its serial number, in any port
        - id: receipt-printer-usb-1-1
          kind: receipt_printer
          driver: usb
          match: { id: "04b8:0e15", serial: "4D4635503" }
          # By choice, instead of driver and match; other programs find the printer busy while it is asked:
          # driver: escpos
          # line: { usblp: { id: "04b8:0e15", serial: "4D4635503" } }
        # queue Labels, Local Raw Printer, by socket to 10.42.0.77
        # by the word Labels
        - id: label-printer-queue-labels
          kind: label_printer
          driver: ipp
          queue: "ipp://127.0.0.1/printers/Labels"
          socket: "ROOT/run/cups/cups.sock"
        # queue backoffice, Local Raw Printer, by ipp to 10.42.0.60
        # what it prints does not show: make it receipt_printer or label_printer if it is one
        - id: office-printer-queue-backoffice
          kind: office_printer
          driver: ipp
          queue: "ipp://127.0.0.1/printers/backoffice"
          socket: "ROOT/run/cups/cups.sock"
        # queue receipts, Local Raw Printer, by usb
        # by the word TM-T20II; its printer is receipt-printer-usb-1-1: that one tells how it is, this one whether jobs leave
        - id: receipt-printer-queue-receipts
          kind: receipt_printer
          depends_on: [receipt-printer-usb-1-1] # the same printer
          driver: ipp
          queue: "ipp://127.0.0.1/printers/receipts"
          socket: "ROOT/run/cups/cups.sock"
      "
    `);
    expect(yaml).not.toContain("secret");
    expect(await run(root, "check", "--config", path)).toMatchObject({ code: 0, error: "" });

    const config = ["--config", path];
    const queue = "receipt-printer-queue-receipts";
    const probed = await run(root, "probe", queue, ...config);
    expect(probed).toMatchObject({ code: 0, out: expect.stringMatching(/queue_accepting +yes/) });
    const file = join(root, "queue.json");
    expect((await run(root, "record", queue, ...config, "--out", file)).code).toBe(0);
    const replayed = await run(root, "probe", "--from", file);
    expect(replayed).toMatchObject({ code: 0, out: expect.stringMatching(/queue_accepting +yes/) });

    expect((await run(root, ...look, ...config)).out).toBe(
      `# Beside ${path}: 0 new, 0 gone, 0 changed, 4 as before.\n`,
    );
  });

  it("and printers of the network are asked at port 631, over IPP", async () => {
    // cupsd answers over a loopback interface under its usual names only.
    const [printer, server] = ["127.46.0.9", "::1"];
    const started = await startIppQueue({ address: printer, port: 631, path: "/ipp/print", clock: realClock });
    if (!started.ok) throw new Error(started.error.detail);
    onCleanUp(() => started.value.stop());
    await startCups(tempFolder(), { listen: [`[${server}]:631`], queues: [{ name: "labels" }] });
    const look = [
      "discover",
      "--subnet",
      "127.46.0.8/30",
      "--subnet",
      server,
      "--ports",
      "--port",
      "16199",
      "--timeout",
      "200ms",
    ];
    const root = tempFolder();
    const path = join(root, "agent.yaml");
    await waitFor("cupsd", async () => (await run(root, ...look)).out.includes("queue labels"));
    expect((await run(root, ...look, "--out", path)).code).toBe(0);
    expect(devicesOf(readFileSync(path, "utf8"))).toMatchInlineSnapshot(`
      "devices:
        # IPP at 127.46.0.9, Epson TM-T20II
        # by the word ESC/POS
        - id: receipt-printer-127-46-0-9
          kind: receipt_printer
          driver: ipp
          queue: "ipp://127.46.0.9/ipp/print"
        # queue labels of ::1, Local Raw Printer, by file
        # by the word labels
        - id: label-printer-queue-labels-1
          kind: label_printer
          driver: ipp
          queue: "ipp://[::1]/printers/labels"
      "
    `);
    expect(await run(root, "check", "--config", path)).toMatchObject({ code: 0, error: "" });
    expect(await run(root, "probe", "receipt-printer-127-46-0-9", "--config", path)).toMatchObject({ code: 0 });
    expect((await run(root, ...look, "--config", path)).out).toContain(": 0 new, 0 gone, 0 changed, 2 as before.");
    // What a printer was asked: who it is, twice a look, and by the probe its jobs. Nothing else.
    expect([...new Set(started.value.asked)].sort()).toEqual([0x0a, 0x0b]);
  });
});
