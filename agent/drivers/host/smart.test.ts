import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseEmmc, parseScan, parseSmart } from "./smart.ts";

const attribute = (id: number, value: number, raw: number, failed = "") => ({
  id,
  value,
  when_failed: failed,
  raw: { value: raw },
});
const ATA = {
  smart_status: { passed: true },
  temperature: { current: 38 },
  power_on_time: { hours: 31_000 },
  ata_smart_attributes: {
    table: [
      attribute(5, 100, 16),
      attribute(187, 98, 2),
      attribute(197, 100, 8),
      attribute(198, 100, 1),
      attribute(199, 200, 40),
      attribute(177, 93, 70),
    ],
  },
};
const NVME = {
  smart_status: { passed: true },
  nvme_smart_health_information_log: {
    critical_warning: 0,
    available_spare: 100,
    percentage_used: 104,
    media_errors: 0,
    unsafe_shutdowns: 61,
  },
};
const driveOf = (told: object) => {
  const answer = parseSmart(JSON.stringify(told), "sda");
  return answer.kind === "drive" ? answer.drive : answer.kind;
};

describe("smartctl", () => {
  it("reads the counts of an ATA disk", () => {
    expect(driveOf(ATA)).toEqual({
      name: "sda",
      isFailing: false,
      wearPercent: 7,
      sparePercent: null,
      reallocatedSectors: 16,
      pendingSectors: 8,
      uncorrectableSectors: 1,
      uncorrectableErrors: 2,
      timeouts: null,
      cableErrors: 40,
      unsafeShutdowns: null,
      poweredHours: 31_000,
      celsius: 38,
    });
  });

  it("reads the log of an NVMe disk", () => {
    expect(driveOf(NVME)).toMatchObject({ isFailing: false, wearPercent: 104, sparePercent: 100, unsafeShutdowns: 61 });
  });

  it.each([
    { name: "a failed self-assessment", told: { ...ATA, smart_status: { passed: false } }, want: true },
    {
      name: "an attribute below its threshold now",
      told: { ata_smart_attributes: { table: [attribute(5, 1, 9_000, "now")] } },
      want: true,
    },
    {
      name: "an attribute below its threshold once",
      told: { ata_smart_attributes: { table: [attribute(190, 40, 60, "past")] } },
      want: false,
    },
    { name: "NVMe out of spare", told: { nvme_smart_health_information_log: { critical_warning: 1 } }, want: true },
    {
      name: "NVMe too warm, which is no defect",
      told: { nvme_smart_health_information_log: { critical_warning: 2 } },
      want: false,
    },
    { name: "NVMe read-only", told: { nvme_smart_health_information_log: { critical_warning: 8 } }, want: true },
  ])("$name", ({ told, want }) => expect(driveOf(told)).toMatchObject({ isFailing: want }));

  it("takes a number that packs several for none", () => {
    const packed = { ata_smart_attributes: { table: [attribute(188, 100, 4_295_032_833), attribute(5, 100, 3)] } };
    expect(driveOf(packed)).toMatchObject({ timeouts: null, reallocatedSectors: 3 });
  });

  it.each([
    { name: "no right", text: "Smartctl open device: /dev/sda failed: Permission denied", want: "forbidden" },
    { name: "asleep", text: "Device is in STANDBY mode, exit(2)", want: "standby" },
    { name: "a card reader", text: "/dev/sdb: Unknown USB bridge", want: "none" },
  ])("$name", ({ text, want }) => expect(driveOf({ smartctl: { messages: [{ string: text }] } })).toBe(want));

  it("passes only names and types on that are safe as arguments", () => {
    const devices = [
      { name: "/dev/sda", type: "sat" },
      { name: "/dev/nvme0", type: "nvme" },
      { name: "/dev/bus/0", type: "megaraid,1" },
      { name: "-x", type: "sat" },
      { name: "/dev/../etc/shadow", type: "sat" },
      { name: "/dev/sdb", type: "--all" },
    ];
    expect(parseScan(JSON.stringify({ devices })).map(({ name }) => name)).toEqual([
      "/dev/sda",
      "/dev/nvme0",
      "/dev/bus/0",
    ]);
    expect(parseScan("no JSON")).toEqual([]);
  });

  it("gives each disk behind a RAID controller a name of its own", () => {
    const devices = [
      { name: "/dev/sda", type: "scsi" },
      { name: "/dev/bus/0", type: "megaraid,0" },
      { name: "/dev/bus/0", type: "sat+megaraid,1" },
      { name: "/dev/bus/1", type: "megaraid,0" },
    ];
    expect(parseScan(JSON.stringify({ devices })).map(({ called }) => called)).toEqual([
      "sda",
      "bus-0-megaraid-0",
      "bus-0-sat-megaraid-1",
      "bus-1-megaraid-0",
    ]);
  });

  it("keeps what a disk says of its health when its temperature is none", () => {
    const told = { smart_status: { passed: false }, temperature: { drive_trip: 65 } };
    expect(driveOf(told)).toMatchObject({ isFailing: true, celsius: null });
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        parseSmart(text, "x");
        parseScan(text);
      }),
    );
  });
});

describe("eMMC", () => {
  it.each([
    {
      name: "new",
      life: "0x01 0x01\n",
      preEol: "0x01\n",
      want: { wearPercent: 10, isFailing: false, sparePercent: null },
    },
    {
      name: "worn in one of its two parts",
      life: "0x02 0x09\n",
      preEol: "0x02\n",
      want: { wearPercent: 90, isFailing: false, sparePercent: 20 },
    },
    { name: "past its life", life: "0x0b 0x0b\n", preEol: "0x03\n", want: { wearPercent: 110, isFailing: true } },
    { name: "tells no life", life: "0x00 0x00\n", preEol: "0x01\n", want: { wearPercent: null, isFailing: false } },
  ])("$name", ({ life, preEol, want }) => expect(parseEmmc("mmcblk0", life, preEol)).toMatchObject(want));

  it("tells nothing", () => expect(parseEmmc("mmcblk0", "", "")).toBeNull());
});

/** smartmontools 7.3 in a guest of QEMU's, asking its IDE and its NVMe disk through Debian's kernel. */
describe("what smartctl said of real drivers' disks", () => {
  const recorded = (name: string): string =>
    readFileSync(new URL(`smart-recorded/${name}.json`, import.meta.url), "utf8");

  it("is asked by what a scan found, and by what the disk is where the scan does not know", () => {
    expect(parseScan(recorded("scan"))).toEqual([
      { name: "/dev/sda", type: "auto", called: "sda" },
      { name: "/dev/nvme0", type: "nvme", called: "nvme0" },
    ]);
  });

  it("is read of an ATA disk", () => {
    expect(parseSmart(recorded("ata"), "sda")).toMatchObject({
      kind: "drive",
      drive: { name: "sda", isFailing: false, reallocatedSectors: 0, poweredHours: 1, celsius: 31, wearPercent: null },
    });
  });

  it("is read of an NVMe disk, which keeps no spare blocks because it is none", () => {
    expect(parseSmart(recorded("nvme"), "nvme0")).toMatchObject({
      kind: "drive",
      drive: { name: "nvme0", isFailing: false, wearPercent: 0, sparePercent: null, unsafeShutdowns: 0, celsius: 50 },
    });
  });

  it("is that this user may not ask", () => {
    expect(parseSmart(recorded("denied"), "sda")).toEqual({ kind: "forbidden" });
  });
});
