/**
 * What a disk says of its own health: `smartctl --json` (smartmontools 7 and later) for ATA and NVMe, sysfs for eMMC.
 * Pure. Raw values of ATA attributes are a vendor's own business but for the counts that are read here, and some makers
 * pack several numbers into one: what is too large to be a count is none.
 */
import { z } from "zod";
import type { Drive } from "./types.ts";

/** ATA attribute ids (ACS; smartmontools drivedb). */
const ATA = {
  reallocated: 5,
  wearLevelling: 177,
  reportedUncorrectable: 187,
  commandTimeout: 188,
  pending: 197,
  offlineUncorrectable: 198,
  cableErrors: 199,
  lifeLeft: 231,
  mediaWearout: 233,
} as const;
/** NVMe critical_warning (NVM Express base specification, SMART log): spare used up, unreliable, read-only, no backup. */
const NVME_DEFECT = 0b1_1101;
const COUNT_MAX = 2 ** 31;

const count = z.number().int().min(0).catch(-1);
const shape = z.object({
  smartctl: z
    .object({
      messages: z
        .array(z.object({ string: z.string().max(1_000) }))
        .max(64)
        .optional(),
    })
    .optional(),
  smart_status: z.object({ passed: z.boolean() }).optional(),
  // A SCSI disk without a sensor has its limit there and nothing else.
  temperature: z.object({ current: z.number() }).optional().catch(undefined),
  power_on_time: z.object({ hours: count }).optional(),
  ata_smart_attributes: z
    .object({
      table: z
        .array(
          z.object({
            id: z.number(),
            value: z.number().optional(),
            when_failed: z.string().optional(),
            raw: z.object({ value: count }).optional(),
          }),
        )
        .max(256),
    })
    .optional(),
  nvme_smart_health_information_log: z
    .object({
      critical_warning: count.optional(),
      available_spare: count.optional(),
      available_spare_threshold: count.optional(),
      percentage_used: count.optional(),
      media_errors: count.optional(),
      unsafe_shutdowns: count.optional(),
    })
    .optional(),
});
type Told = z.infer<typeof shape>;

export type SmartAnswer =
  | { readonly kind: "drive"; readonly drive: Drive }
  /** It sleeps, and is not woken for a question. */
  | { readonly kind: "standby" }
  | { readonly kind: "forbidden" }
  | { readonly kind: "none" };

export function parseSmart(text: string, name: string): SmartAnswer {
  const told = shape.safeParse(json(text));
  if (!told.success) return { kind: "none" };
  const messages = (told.data.smartctl?.messages ?? []).map(({ string }) => string).join("\n");
  if (/permission denied|operation not permitted|access is denied/i.test(messages)) return { kind: "forbidden" };
  if (/\bSTANDBY\b|\bSLEEP\b/.test(messages)) return { kind: "standby" };
  const { smart_status: status, ata_smart_attributes: ata, nvme_smart_health_information_log: nvme } = told.data;
  if (status === undefined && ata === undefined && nvme === undefined) return { kind: "none" };
  return { kind: "drive", drive: driveOf(told.data, name) };
}

export type Scanned = {
  readonly name: string;
  readonly type: string;
  /** Its own among the disks of this host: those behind a RAID controller have one name and a number in their type. */
  readonly called: string;
};

/**
 * `smartctl --scan --json`: devices by name and type, both safe as arguments. A scan opens none and calls every /dev/sd?
 * `scsi`; asked as such, a SATA disk says nothing of its health, so smartctl is to find out when it asks.
 */
export function parseScan(text: string): Scanned[] {
  const told = z
    .object({ devices: z.array(z.object({ name: z.string(), type: z.string() })).max(64) })
    .safeParse(json(text));
  return told.success
    ? told.data.devices
        .filter(
          ({ name, type }) =>
            /^\/dev\/[A-Za-z0-9][A-Za-z0-9/_-]{0,60}$/.test(name) && /^[a-z0-9][a-z0-9+,/]{0,30}$/i.test(type),
        )
        .map(({ name, type }) => ({ name, type: type === "scsi" ? "auto" : type, called: calledOf(name, type) }))
    : [];
}

/** `/dev/sda` -> `sda`; `megaraid,3` at `/dev/bus/0` -> `bus-0-megaraid-3`. */
const calledOf = (name: string, type: string): string =>
  (type.includes(",") ? `${name.slice("/dev/".length)}-${type}` : (name.split("/").at(-1) ?? name)).replaceAll(
    /[/,+]/g,
    "-",
  );

function driveOf(told: Told, name: string): Drive {
  const table = told.ata_smart_attributes?.table ?? [];
  const nvme = told.nvme_smart_health_information_log;
  const raw = (id: number): number | null => plausible(table.find((one) => one.id === id)?.raw?.value);
  return {
    name,
    isFailing: isFailing(told),
    wearPercent: plausible(nvme?.percentage_used) ?? ataWear(told),
    sparePercent: spare(nvme),
    reallocatedSectors: raw(ATA.reallocated),
    pendingSectors: raw(ATA.pending),
    uncorrectableSectors: raw(ATA.offlineUncorrectable),
    uncorrectableErrors: plausible(nvme?.media_errors) ?? raw(ATA.reportedUncorrectable),
    timeouts: raw(ATA.commandTimeout),
    cableErrors: raw(ATA.cableErrors),
    unsafeShutdowns: plausible(nvme?.unsafe_shutdowns),
    poweredHours: plausible(told.power_on_time?.hours),
    celsius: told.temperature?.current ?? null,
  };
}

/** None at all, and none to warn at: a disk that keeps no spare blocks, such as a virtual one. */
function spare(nvme: Told["nvme_smart_health_information_log"]): number | null {
  const percent = plausible(nvme?.available_spare);
  return percent === 0 && nvme?.available_spare_threshold === 0 ? null : percent;
}

function isFailing(told: Told): boolean | null {
  const { smart_status: status, ata_smart_attributes: ata, nvme_smart_health_information_log: nvme } = told;
  const signs = [
    status === undefined ? null : !status.passed,
    ata === undefined ? null : ata.table.some(({ when_failed: failed }) => failed === "now"),
    nvme?.critical_warning === undefined || nvme.critical_warning < 0
      ? null
      : (nvme.critical_warning & NVME_DEFECT) !== 0,
  ].filter((sign) => sign !== null);
  return signs.length === 0 ? null : signs.includes(true);
}

/** The normalised value of these falls from 100 to 0 with the life that is left. */
function ataWear(told: Told): number | null {
  const table = told.ata_smart_attributes?.table ?? [];
  for (const id of [ATA.lifeLeft, ATA.mediaWearout, ATA.wearLevelling]) {
    const value = table.find((one) => one.id === id)?.value;
    if (value !== undefined && value >= 0 && value <= 100) return 100 - value;
  }
  return null;
}

const plausible = (value: number | undefined): number | null =>
  value === undefined || value < 0 || value > COUNT_MAX ? null : value;

/**
 * eMMC, from /sys/block/mmcblk?/device (JESD84-B51 7.4.41, EXT_CSD 267 to 269): `life_time` is two steps of a tenth of
 * the rated life (0x0b: past it), `pre_eol_info` 1 normal, 2 warning (80 % of the spare blocks are used up), 3 urgent (90 %).
 */
export function parseEmmc(name: string, lifeTime: string, preEol: string): Drive | null {
  const steps = (lifeTime.match(/0x[0-9a-f]{1,2}/gi) ?? []).map(Number).filter((step) => step >= 1 && step <= 11);
  const state = /^\s*0x0?([123])\s*$/i.exec(preEol)?.[1];
  if (steps.length === 0 && state === undefined) return null;
  return {
    name,
    isFailing: state === undefined ? null : state === "3",
    wearPercent: steps.length === 0 ? null : Math.max(...steps) * 10,
    sparePercent: state === undefined ? null : state === "1" ? null : state === "2" ? 20 : 10,
    reallocatedSectors: null,
    pendingSectors: null,
    uncorrectableSectors: null,
    uncorrectableErrors: null,
    timeouts: null,
    cableErrors: null,
    unsafeShutdowns: null,
    poweredHours: null,
    celsius: null,
  };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
