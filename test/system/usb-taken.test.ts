/**
 * USB devices that the agent was told to take: a printer by its port status and in its language through usblp, a scale
 * and a UPS through hidraw; and what it does not take, whatever it was told. Gadgets in a guest, our collector on the
 * host, asked what it was sent.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hurriedPacks } from "../rig/hurried-packs.ts";
import { type CollectorRig, cleanUp, ROOT, startCollector, waitFor } from "../rig/rig.ts";
import { type Gadget, makeGadget, plug, setReports, unplug } from "../rig/usb-vm/gadgets.ts";
import { bootVm, type Ran, runCommandLines, startGuestAgent, type Vm, vmMissing } from "../rig/usb-vm/vm.ts";

const PRINTER: Gadget = {
  name: "printer",
  vendorId: "04b8",
  productId: "0e15",
  manufacturer: "EPSON",
  product: "TM-T20II",
  functions: [{ kind: "printer", deviceId: "MFG:EPSON;CMD:ESC/POS;MDL:TM-T20II;CLS:PRINTER;SN:4D43555A;" }],
};
const hid = (name: string, ids: string, descriptor: readonly string[], reportBytes: number): Gadget => ({
  name,
  vendorId: ids.slice(0, 4),
  productId: ids.slice(5),
  manufacturer: "Gadget",
  product: name,
  functions: [{ kind: "hid", reportDescriptor: Buffer.from(descriptor.join(""), "hex"), reportBytes }],
});
/** A weighing device (page 8D): one report, 3, of state and unit as choices, exponent, weight. */
const SCALE = hid(
  "scale",
  "0922:8003",
  [
    "058d0920a101850309" + "32a102",
    "19712978150125087508950181" + "00",
    "1951295c1501250c8100",
    "09411581257f8102",
    "0940150027ffff000075108102",
    "c0c0",
  ],
  6,
);
/** A UPS (pages 84 and 85): mains, discharging, low, worn out; charge in per cent; seconds left. */
const UPS = hid(
  "ups",
  "051d:0002",
  [
    "05840904a1010924a1028501",
    "058509d009450942094b1500250175019504" + "8102" + "8103",
    "0966256475089501" + "8102",
    "096827ffff00007510660110" + "8102",
    "c0c0",
  ],
  5,
);
const KEYBOARD = hid("keyboard", "05f9:2206", ["05010906a101050719e029e71500250175019508" + "8102", "c0"], 1);
/** What says nothing by itself, and answers when it is asked for a report. */
const asked = (name: string, ids: string, descriptor: readonly string[]): Gadget => ({
  ...hid(name, ids, [], 0),
  functions: [{ kind: "asked_hid", reportDescriptor: Buffer.from(descriptor.join(""), "hex") }],
});
/** Its one report, which has no number, is its battery. */
const CORDLESS = asked("cordless", "05e0:1300", ["058c0902a10105850966150025647508950181" + "02", "c0"]);
/** A UPS of feature reports: 7 the charge in per cent, 9 mains, discharging and worn out; 12 it does not know itself. */
const QUIET_UPS = asked("quiet_ups", "0463:ffff", [
  "05840904a1010924a102",
  "058585070966150025647508950" + "1b102",
  "850909d00945094b150025017501950" + "3b102" + "75059501b103",
  "850c096827ffff0000751095016601" + "10b102",
  "c0c0",
]);
/** The same report as of the other scale, when asked for it. */
const QUIET_SCALE = asked("quiet_scale", "0eb8:2200", [
  "058d0920a101850309" + "32a102",
  "19712978150125087508950181" + "00",
  "1951295c1501250c8100",
  "09411581257f8102",
  "0940150027ffff000075108102",
  "c0c0",
]);

/** To poll costs the guest most of what it has, and a poll's time is up after its interval. */
const DEVICES = `
  - { id: lane-1/printer, kind: receipt_printer, driver: usblp, every: 2s, match: { id: "04b8:0e15" }, take: true }
  - { id: lane-1/left, kind: receipt_printer, driver: usblp, every: 5s, match: { port: 1-1 } }
  - { id: lane-1/escpos, kind: receipt_printer, driver: escpos, every: 2s, line: { usblp: /dev/usb/lp0 } }
  - { id: lane-1/scale, kind: scale, driver: hid, every: 2s, match: { id: "0922:8003" }, take: true }
  - { id: office/ups, kind: ups, driver: hid, every: 2s, match: { id: "051d" }, take: true }
  - { id: lane-1/scanner, kind: barcode_scanner, driver: hid, every: 5s, match: { id: "05f9" }, take: true }
  - { id: lane-2/scanner, kind: barcode_scanner, driver: hid, every: 2s, match: { id: "05e0:1300" }, take: true }
  - { id: lane-2/scale, kind: scale, driver: hid, every: 5s, match: { id: "0eb8" }, take: true }
  - { id: lane-2/ups, kind: ups, driver: hid, every: 2s, match: { id: "0463" }, take: true }
`;
/** What a person would type before the agent runs: find, check, look, record. */
const COMMAND_LINES = [
  "discover --usb --out /mnt/found.yaml",
  "check --config /mnt/found.yaml",
  ...["printer", "ups"].flatMap((name) => {
    const device = name === "printer" ? "lane-1/printer" : "lane-2/ups";
    return [
      `probe ${device} --config /mnt/devices.yaml`,
      `record ${device} --config /mnt/devices.yaml --out /mnt/${name}.json`,
      `probe --from /mnt/${name}.json`,
    ];
  }),
  "disks",
];
const HEAD = 'site: store-1\nagent: pos-1\ncollector: { url: "mqtt://127.0.0.1:1883" }\ndevices:';
/** Ten seconds of printing. */
const JOB_BYTES = 1_000_000;

type Incident = { readonly rule: string; readonly recoveredAt: number | null };
type Detail = {
  readonly device: {
    readonly asset: Readonly<Record<string, string>>;
    readonly lastFailure: { readonly kind: string; readonly detail: string } | null;
  };
  readonly values: readonly { readonly metric: string; readonly value: number | boolean; readonly at: number }[];
};

describe.skipIf(vmMissing())("USB devices that are taken", () => {
  let collector: CollectorRig;
  let vm: Vm;
  let said: readonly Ran[];

  beforeAll(async () => {
    [collector, vm] = await Promise.all([startCollector({ rules: hurriedPacks() }), bootVm({ ports: 7 })]);
    const gadgets = [PRINTER, SCALE, UPS, KEYBOARD, CORDLESS, QUIET_UPS, QUIET_SCALE];
    for (const [n, gadget] of gadgets.entries()) {
      await makeGadget(vm, gadget);
      await plug(vm, gadget.name, n + 1);
    }
    await vm.write("/mnt/printer-side.pl", readFileSync(join(ROOT, "test/rig/usb-vm/printer-side.pl"), "utf8"));
    await vm.run("echo 24 > /host/mnt/status; : > /host/mnt/received");
    await vm.run(
      "chroot /host perl /mnt/printer-side.pl /dev/g_printer0 /mnt/received /mnt/status > /host/mnt/perl.log 2>&1 & echo $! > /pid",
    );
    await says("scale", 0, "03020b ff0000");
    await says("ups", 1, "0101 64 b004");
    await setReports(vm, "cordless", { "input 0": "50" });
    await setReports(vm, "quiet_ups", { "feature 7": "0762", "feature 9": "0901" });
    await setReports(vm, "quiet_scale", { "input 3": "03020bff0000" });
    await vm.write("/mnt/devices.yaml", `${HEAD}${DEVICES}`);
    said = await runCommandLines(vm, COMMAND_LINES);
    await startGuestAgent(vm, collector, "store-1/pos-1", DEVICES);
    await waitFor("the first readings", () => value("lane-1/printer", "attached"));
    // A minute as a rule: two programs of Node start in the guest, and seven gadgets; some on a machine that is busy.
  });
  afterAll(cleanUp);

  const detail = (id: string) => collector.api<Detail>(`/sites/store-1/device?id=${id}`);
  const value = async (id: string, metric: string) =>
    (await detail(id)).values.find((one) => one.metric === metric)?.value;
  const shows = (id: string, metric: string, expected: number | boolean) =>
    waitFor(`${metric} of ${id} to be ${expected}`, async () => (await value(id, metric)) === expected);
  const portStatus = (byte: number) => vm.run(`echo ${byte} > /host/mnt/status; kill -USR1 $(cat /pid)`);
  /** A HID device that says this over and over, from now on. */
  const says = async (name: string, number: number, report: string): Promise<void> => {
    const bytes = report.replaceAll(" ", "").replaceAll(/../g, "\\x$&");
    // The redirection makes a plain file of a device that is unplugged, which would keep its file from coming back.
    const device = `/dev/hidg${number}`;
    await vm.run(`printf '${bytes}' > /says-${name}; test -e /loop-${name} && exit 0; : > /loop-${name};
      (while :; do
        test -f ${device} && rm ${device}; test -c ${device} && cat /says-${name} > ${device}; sleep 0.2
      done) > /dev/null 2>&1 &`);
  };

  const incident = async (id: string, rule: string): Promise<Incident | undefined> => {
    const { items } = await collector.api<{ items: Incident[] }>(
      `/incidents?state=all&device=${encodeURIComponent(id)}`,
    );
    return items.find((one) => one.rule === rule);
  };
  const opens = (id: string, rule: string) =>
    waitFor(`an incident of ${rule}`, async () => (await incident(id, rule))?.recoveredAt === null);
  const recovers = (id: string, rule: string) =>
    waitFor(`the end of ${rule}`, async () => (await incident(id, rule))?.recoveredAt);
  const isBusy = async (id: string): Promise<boolean> => (await detail(id)).device.lastFailure?.kind === "busy";

  it("are found, with what may be opened by choice only", async () => {
    const [found, checked] = said;
    expect(found).toMatchObject({ code: 0, error: "7 USB devices\n" });
    expect(checked).toMatchObject({ code: 0, error: "" });
    const yaml = await vm.run("cat /host/mnt/found.yaml");
    expect(yaml.slice(yaml.indexOf("devices:"))).toMatchInlineSnapshot(`
      "devices:
        # EPSON TM-T20II (USB 04b8:0e15), port 1-1
        # Epson receipt printer by its USB id; told by its port, for it has no serial number of its own
        - id: receipt-printer-usb-1-1
          kind: receipt_printer
          driver: usb
          match: { id: "04b8:0e15", port: "1-1" }
          # By choice, instead of driver and match; other programs find the printer busy while it is asked:
          # driver: escpos
          # line: { usblp: { id: "04b8:0e15", port: "1-1" } }
        # Gadget scale (USB 0922:8003), port 2-1
        # a scale by its own report descriptor; told by its port, for it has no serial number of its own
        - id: scale-usb-2-1
          kind: scale
          driver: usb
          match: { id: "0922:8003", port: "2-1" }
          # By choice, instead of driver: usb, its state reports, by asking it:
          # driver: hid
          # take: true
        # Gadget ups (USB 051d:0002), port 3-1
        # a UPS by its own report descriptor; told by its port, for it has no serial number of its own
        - id: ups-usb-3-1
          kind: ups
          driver: usb
          match: { id: "051d:0002", port: "3-1" }
          # By choice, instead of driver: usb, its state reports, by asking it:
          # driver: hid
          # take: true
        # Gadget keyboard (USB 05f9:2206), port 4-1
        # Datalogic scanner by its USB id, in keyboard mode; told by its port, for it has no serial number of its own
        - id: barcode-scanner-usb-4-1
          kind: barcode_scanner
          driver: usb
          match: { id: "05f9:2206", port: "4-1" }
        # Gadget cordless (USB 05e0:1300), port 5-1
        # a scanner by its own report descriptor; told by its port, for it has no serial number of its own
        - id: barcode-scanner-usb-5-1
          kind: barcode_scanner
          driver: usb
          match: { id: "05e0:1300", port: "5-1" }
          # By choice, instead of driver: usb, its state reports, by asking it:
          # driver: hid
          # take: true
        # Gadget quiet_ups (USB 0463:ffff), port 6-1
        # a UPS by its own report descriptor; told by its port, for it has no serial number of its own
        - id: ups-usb-6-1
          kind: ups
          driver: usb
          match: { id: "0463:ffff", port: "6-1" }
          # By choice, instead of driver: usb, its state reports, by asking it:
          # driver: hid
          # take: true
        # Gadget quiet_scale (USB 0eb8:2200), port 7-1
        # a scale by its own report descriptor; told by its port, for it has no serial number of its own
        - id: scale-usb-7-1
          kind: scale
          driver: usb
          match: { id: "0eb8:2200", port: "7-1" }
          # By choice, instead of driver: usb, its state reports, by asking it:
          # driver: hid
          # take: true"
    `);
  });

  it("are recorded, and read from the file as from the device", async () => {
    const tells = (words: string, pattern: RegExp): void => {
      const one = said.find(({ line }) => line.startsWith(words));
      expect(one, words).toMatchObject({ code: 0, out: expect.stringMatching(pattern) });
    };
    for (const of of ["probe lane-1/printer", "probe --from /mnt/printer.json"]) tells(of, /media_out +no/);
    for (const of of ["probe lane-2/ups", "probe --from /mnt/ups.json"]) tells(of, /battery_charge_percent +98 +%/);
    const recording = await vm.run("cat /host/mnt/printer.json");
    expect(recording).toContain('"portStatus":24');
    expect(recording).not.toContain("4D43555A");
  });

  it("stand beside disks that tell of their health, by smartctl", () => {
    const told = said.find(({ line }) => line === "disks")?.out ?? "{}";
    expect(JSON.parse(told)).toMatchObject({
      drives: [
        { name: "sda", isFailing: false, reallocatedSectors: 0, celsius: 31 },
        // QEMU's keeps no spare blocks, for it has none.
        { name: "nvme0", isFailing: false, wearPercent: 0, sparePercent: null, uncorrectableErrors: 0, celsius: 50 },
      ],
      sources: [{ name: "disk health", state: "used", detail: "smartctl" }],
    });
  });

  it("tell who they are, also without being opened", async () => {
    await waitFor("the inventory", async () => (await detail("lane-1/left")).device.asset["serial"]);
    expect((await detail("lane-1/left")).device.asset).toMatchObject({
      vendor: "EPSON",
      model: "TM-T20II",
      serial: "4D43555A",
    });
    // What it is comes before its first reading.
    await shows("lane-1/left", "up", true);
    expect(await value("lane-1/left", "media_out")).toBeUndefined();
  });

  it("a printer tells by its port status that it is off-line or out of paper", async () => {
    await shows("lane-1/printer", "media_out", false);
    await portStatus(0x30);
    await shows("lane-1/printer", "media_out", true);
    await opens("lane-1/printer", "receipt-paper-out");
    await portStatus(0x08);
    await shows("lane-1/printer", "offline", true);
    await opens("lane-1/printer", "receipt-offline");
    await portStatus(0x18);
    await recovers("lane-1/printer", "receipt-offline");
    expect(await value("lane-1/printer", "media_out")).toBe(false);
  });

  it("a job of another program passes whole, and the agent backs off", async () => {
    await shows("lane-1/escpos", "cover_open", false);
    await vm.run(`yes 'a receipt of many lines' | head -c ${JOB_BYTES} > /job; : > /host/mnt/received`);
    // As a spooler does: who finds the printer busy comes again.
    await vm.run(
      "(until dd if=/job of=/dev/usb/lp0 bs=8192; do sleep 0.1; done; echo done > /printed) > /job.log 2>&1 &",
    );
    await waitFor("the agent to back off", () => isBusy("lane-1/escpos"));
    await waitFor("the end of the job", async () => (await vm.run("cat /printed || true")) === "done");
    const isWhole = async () => (await vm.run("cmp /job /host/mnt/received && echo same || true")) === "same";
    await waitFor("all of it in the printer", isWhole);
    expect(await value("lane-1/escpos", "up")).toBe(true);
    const [before] = (await detail("lane-1/escpos")).values.filter(({ metric }) => metric === "cover_open");
    const isBack = async () =>
      (await detail("lane-1/escpos")).values.some(
        ({ metric, at }) => metric === "cover_open" && at > (before?.at ?? 0),
      );
    await waitFor("the agent to come back", isBack);
  });

  it("a spooler that takes the printer from the kernel has it at once, and that is no fault", async () => {
    await vm.run("echo 1-1:1.0 > /sys/bus/usb/drivers/usblp/unbind");
    await waitFor("the agent to back off", () => isBusy("lane-1/printer"));
    expect(await value("lane-1/printer", "up")).toBe(true);
    expect(await value("lane-1/left", "attached")).toBe(true);
    await vm.run("echo 1-1:1.0 > /sys/bus/usb/drivers/usblp/bind");
    await portStatus(0x30);
    await shows("lane-1/printer", "media_out", true);
    await portStatus(0x18);
  });

  // At the same time: each waits for a device of its own.
  it.concurrent("a scale tells what it is in want of, and never what it weighs", async () => {
    await shows("lane-1/scale", "weight_at_zero", true);
    expect(await value("lane-1/scale", "zero_drift_kilograms")).toBe(0);
    await says("scale", 0, "030403003412");
    await shows("lane-1/scale", "weight_at_zero", false);
    const goods = (await detail("lane-1/scale")).values.filter((one) => Number(one.value) >= 1 && one.value !== true);
    expect(goods.map(({ metric }) => metric).filter((metric) => /weight|kilograms/.test(metric))).toEqual([]);
    await says("scale", 0, "030702000000");
    await opens("lane-1/scale", "scale-uncalibrated");
    await says("scale", 0, "030102000000");
    await shows("lane-1/scale", "hardware_fault", true);
    await opens("lane-1/scale", "hardware-fault");
    await says("scale", 0, "030202000000");
    await recovers("lane-1/scale", "scale-uncalibrated");
  });

  it.concurrent("a UPS tells that mains is gone, and how long it lasts", async () => {
    await shows("office/ups", "on_battery", false);
    expect(await value("office/ups", "battery_runtime_seconds")).toBe(1_200);
    await says("ups", 1, "010250f000");
    await opens("office/ups", "ups-on-battery");
    expect(await value("office/ups", "battery_charge_percent")).toBe(80);
    expect(await value("office/ups", "battery_runtime_seconds")).toBe(240);
    await says("ups", 1, "010164b004");
    await recovers("office/ups", "ups-on-battery");
  });

  it.concurrent("a scanner is asked for its battery, by the number of that report alone", async () => {
    await shows("lane-2/scanner", "battery_charge_percent", 80);
    await setReports(vm, "cordless", { "input 0": "05" });
    await shows("lane-2/scanner", "battery_charge_percent", 5);
    await opens("lane-2/scanner", "scanner-battery-low");
    await setReports(vm, "cordless", { "input 0": "5f" });
    await recovers("lane-2/scanner", "scanner-battery-low");
  });

  it.concurrent("a UPS that says nothing by itself is asked, and one report that it refuses keeps none of the others", async () => {
    await shows("lane-2/ups", "battery_charge_percent", 98);
    expect(await value("lane-2/ups", "on_battery")).toBe(false);
    expect(await value("lane-2/ups", "battery_runtime_seconds")).toBeUndefined();
    await setReports(vm, "quiet_ups", { "feature 7": "0732", "feature 9": "0902", "feature 12": "0c5802" });
    await opens("lane-2/ups", "ups-on-battery");
    expect(await value("lane-2/ups", "battery_charge_percent")).toBe(50);
    expect(await value("lane-2/ups", "battery_runtime_seconds")).toBe(600);
    await setReports(vm, "quiet_ups", { "feature 7": "0732", "feature 9": "0901" });
    await recovers("lane-2/ups", "ups-on-battery");
  });

  it.concurrent("a scale that says nothing by itself is asked, too", async () => {
    await shows("lane-2/scale", "weight_at_zero", true);
    await setReports(vm, "quiet_scale", { "input 3": "030702000000" });
    await shows("lane-2/scale", "calibration_required", true);
  });

  it("what types is not opened, whatever was configured", async () => {
    const { device } = await detail("lane-1/scanner");
    expect(device.lastFailure).toMatchObject({ kind: "config" });
    expect(device.lastFailure?.detail).toContain("it types, like a keyboard");
  });

  it("are missed when they vanish, and are back when they come back", async () => {
    await unplug(vm, "scale");
    await shows("lane-1/scale", "attached", false);
    await opens("lane-1/scale", "detached");
    await plug(vm, "scale", 2);
    await shows("lane-1/scale", "weight_at_zero", true);
    await recovers("lane-1/scale", "detached");
    await unplug(vm, "printer");
    await shows("lane-1/left", "attached", false);
    await shows("lane-1/printer", "attached", false);
    await shows("lane-1/escpos", "up", false);
  });
});
