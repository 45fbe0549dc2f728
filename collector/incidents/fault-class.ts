/**
 * What kind of trouble an incident is, for whoever decides whom to send: by what it hangs behind, by the fault code that
 * its rule saw or its runbook is for, else by the category of its rule.
 */
import { type Category, FAULT_CODES, type FaultCode } from "@aislewatch/devices";
import type { Incident, ResolutionCode } from "./types.ts";

export const FAULT_CLASSES = [
  "consumable",
  "mechanical",
  "connectivity",
  "power",
  "configuration",
  "software",
  "environment",
  "upstream",
  "user_handling",
  "unknown",
] as const;
export type FaultClass = (typeof FAULT_CLASSES)[number];

/** A new fault code does not compile until it is classified. */
const CLASS_OF_CODE: Readonly<Record<FaultCode, FaultClass>> = {
  ...{ media_out: "consumable", media_low: "consumable", ribbon_out: "consumable", ribbon_low: "consumable" },
  ...{ supply_low: "consumable", supply_out: "consumable", tray_empty: "consumable", battery_replace: "consumable" },
  ...{ head_cleaning_due: "consumable", head_replacement_due: "consumable", disk_worn: "consumable" },
  ...{ head_over_temperature: "mechanical", head_fault: "mechanical", cutter_jam: "mechanical", jam: "mechanical" },
  ...{ ribbon_fault: "mechanical", media_fault: "mechanical", rewinder_fault: "mechanical", fan_fault: "mechanical" },
  ...{ hardware_fault: "mechanical", self_test_failed: "mechanical", charger_fault: "mechanical" },
  ...{ sensor_fault: "mechanical", disk_fault: "mechanical", service_requested: "mechanical" },
  ...{ scale_unstable: "mechanical", zero_off: "mechanical", drive_trip: "mechanical", over_current: "mechanical" },
  ...{ conveyor_stalled: "mechanical", conveyor_jam: "mechanical" },
  ...{ no_comms: "connectivity", port_down: "connectivity", port_errors: "connectivity", ap_down: "connectivity" },
  ...{ target_lost: "connectivity", target_slow: "connectivity", dhcp_lease_ending: "connectivity" },
  ...{ wifi_weak: "connectivity", video_lost: "connectivity", usb_device_lost: "connectivity" },
  ...{ scanner_silent: "connectivity", out_of_range: "connectivity", detached: "connectivity" },
  ...{ usb_reconnected: "connectivity", usb_port_changed: "connectivity", line_errors: "connectivity" },
  ...{ agent_silent: "connectivity", outbox_behind: "connectivity", batches_missing: "connectivity" },
  ...{ samples_thinned: "connectivity", agents_lost: "connectivity" },
  ...{ on_battery: "power", battery_low: "power", overload: "power", on_bypass: "power", output_off: "power" },
  ...{ outlet_off: "power", poe_fault: "power", poe_lost: "power", poe_supply_fault: "power" },
  ...{ power_supply_fault: "power", unclean_shutdown: "power", usb_over_current: "power", usb_power_refused: "power" },
  ...{ config_lost: "configuration", clock_off: "configuration", certificate_ending: "configuration" },
  ...{ asset_changed: "configuration", usb_mode_changed: "configuration", diagnostics_mode: "configuration" },
  ...{ scale_uncalibrated: "configuration", rules_refused: "configuration", claim_refused: "configuration" },
  ...{ cpu_high: "software", memory_high: "software", disk_full: "software", process_down: "software" },
  ...{ rebooted: "software", file_system_read_only: "software", process_restarting: "software" },
  ...{ process_leaking: "software", service_down: "software", queue_stuck: "software", queue_stopped: "software" },
  ...{ buffer_full: "software", outbox_filling: "software", outbox_not_written: "software", agent_heavy: "software" },
  ...{ ingest_behind: "software", store_failing: "software", channel_down: "software" },
  ...{ collector_restored: "software", backup_overdue: "software" },
  ...{ temperature_high: "environment", humidity: "environment", sensor_alarm: "environment" },
  ...{ unreachable: "upstream", capacity_low: "upstream" },
  ...{ head_open: "user_handling", cover_open: "user_handling", paused: "user_handling", offline: "user_handling" },
  ...{ output_full: "user_handling", drawer_open: "user_handling", over_capacity: "user_handling" },
  ...{ emergency_stop: "user_handling", guard_open: "user_handling" },
};

const CLASS_OF_CATEGORY: Readonly<Record<Category, FaultClass>> = {
  ...{ hardware: "mechanical", consumable: "consumable", network: "connectivity", power: "power" },
  ...{ software: "software", environment: "environment", process: "user_handling" },
};

/** What it turned out to be, where people said what solved it. */
const CLASS_OF_RESOLUTION: Readonly<Partial<Record<ResolutionCode, FaultClass>>> = {
  ...{ consumable_replaced: "consumable", cleaned: "mechanical", swapped: "mechanical", rma: "mechanical" },
  ...{ reseated: "connectivity", network: "connectivity", power: "power", restarted: "software" },
  ...{ reconfigured: "configuration", upstream: "upstream", user_handling: "user_handling" },
};

const isFaultCode = (code: string): code is FaultCode => Object.hasOwn(FAULT_CODES, code);

/** Of an event of a device; null: it says nothing of why. An end of something explains no beginning. */
export const classOfEvent = (code: string): FaultClass | null => (isFaultCode(code) ? CLASS_OF_CODE[code] : null);
export const classOfResolution = (code: ResolutionCode): FaultClass | null => CLASS_OF_RESOLUTION[code] ?? null;

/** What its rule saw, the code that its runbook is for first. */
export function codesOf({ runbook, values }: Pick<Incident, "runbook" | "values">): FaultCode[] {
  const named = runbook?.split("/").at(-1)?.replaceAll("-", "_") ?? "";
  const seen = Object.entries(values).flatMap(([metric, value]) => {
    if (metric === "up" && value === false) return ["no_comms"];
    return value === true ? [metric] : [];
  });
  const alias = named === "no_answer" ? "no_comms" : named;
  return [...new Set([alias, ...seen])].filter(isFaultCode);
}

export type Classification = { readonly is: FaultClass; readonly why: string };

export function classify(incident: Incident): Classification {
  const { suppressedBy, parent, category } = incident;
  if (parent !== null) return { is: "upstream", why: `a consequence of ${parent}` };
  if (suppressedBy !== null)
    return { is: "upstream", why: `it hangs behind ${suppressedBy.replace(/^(?:rule|agent):/, "")}` };
  const codes = codesOf(incident);
  const usual = CLASS_OF_CATEGORY[category];
  const [first] = codes;
  // Of several codes the one that its rule is about.
  const code = codes.find((one) => CLASS_OF_CODE[one] === usual) ?? first;
  if (code !== undefined) return { is: CLASS_OF_CODE[code], why: FAULT_CODES[code].toLowerCase() };
  return { is: usual, why: `rules of the category ${category} are` };
}
