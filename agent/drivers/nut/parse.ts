/**
 * What NUT's variables of a UPS mean (RFC 9271, appendix; nut-names.txt of the NUT documentation). `ups.status` is a set
 * of words in any order: `OL LB` is a UPS that charges after an outage, `OL CHRG TRIM OFF` one on mains that feeds
 * nothing. Words that are not known are left alone. Texts (`ups.alarm`) are shown and decide nothing.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { Asset, SampleSet, Value } from "@aislewatch/contract";
import { componentName } from "@aislewatch/devices";
import type { Parsed, ParseError } from "../driver.ts";
import type { Replies } from "../request.ts";

export const METRICS = [
  "on_battery",
  "battery_low",
  "battery_replace",
  "on_bypass",
  "overload",
  "output_off",
  "shutdown_imminent",
  "self_test_failed",
  "alarms_present",
  "battery_charge_percent",
  "battery_runtime_seconds",
  "battery_voltage_volts",
  "battery_temperature_celsius",
  "temperature_celsius",
  "input_voltage_volts",
  "output_voltage_volts",
  "output_current_amperes",
  "output_power_watts",
  "output_load_percent",
  "outlet_on",
  "outlet_current_amperes",
  "outlet_power_watts",
] as const;

const VARIABLES_MAX = 1_024;
/** PDUs that upsd serves have up to 48 outlets. */
const OUTLETS_MAX = 64;
const ABOUT_CHARACTERS_MAX = 200;

type Variables = ReadonlyMap<string, string>;

/** What upsd refuses with, of the two that say something of the UPS; the others are about what was asked. */
const REFUSALS: Readonly<Record<string, string>> = {
  "DATA-STALE": "upsd has lost the UPS: no news from its driver (DATA-STALE)",
  "DRIVER-NOT-CONNECTED": "upsd has lost the UPS: its driver does not run (DRIVER-NOT-CONNECTED)",
  "UNKNOWN-UPS": "upsd knows no UPS of this name (UNKNOWN-UPS)",
  "ACCESS-DENIED": "upsd does not talk to this address (ACCESS-DENIED)",
};

export function parse({ variables: said = null }: Replies): Result<Parsed, ParseError> {
  const refused = /^ERR ([A-Z-]{1,40})\s*$/m.exec(said ?? "")?.[1];
  if (refused !== undefined) return err({ detail: REFUSALS[refused] ?? `upsd refused: ${refused}` });
  const variables = readVariables(said ?? "");
  if (variables.size === 0) return err({ detail: "a list without a variable in it" });
  const samples = [{ component: null, metrics: ownMetrics(variables) }, ...outlets(variables)];
  const asset = assetOf(variables);
  return ok({ samples: samples.filter(({ metrics }) => Object.keys(metrics).length > 0), ...(asset && { asset }) });
}

/** For a person: the words as they came, and the UPS's own texts. */
export function about({ variables: said = null }: Replies): readonly (readonly [string, string])[] {
  const variables = readVariables(said ?? "");
  const shown = [
    ["status", variables.get("ups.status")],
    ["alarm", variables.get("ups.alarm")],
    ["last self-test", variables.get("ups.test.result")],
    ["battery since", variables.get("battery.date")],
    ["NUT driver", variables.get("driver.name")],
  ] as const;
  return shown.flatMap(([name, text]) =>
    text === undefined || text === "" ? [] : [[name, text.slice(0, ABOUT_CHARACTERS_MAX)] as const],
  );
}

/** `VAR <ups> <name> "<value>"`; in a value `\"` and `\\` stand for the quote and the backslash. */
function readVariables(said: string): Variables {
  const found = new Map<string, string>();
  for (const [, name = "", value = ""] of said.matchAll(/^VAR \S{1,64} (\S{1,128}) "((?:[^"\\\n]|\\.)*)"\r?$/gm)) {
    if (found.size >= VARIABLES_MAX) break;
    found.set(name, value.replaceAll(/\\(.)/g, "$1").trim());
  }
  return found;
}

function ownMetrics(variables: Variables): Record<string, Value> {
  return present({
    ...statusMetrics(variables),
    self_test_failed: selfTest(variables.get("ups.test.result")),
    battery_charge_percent: number(variables, "battery.charge", 0, 100),
    battery_runtime_seconds: number(variables, "battery.runtime", 0),
    battery_voltage_volts: number(variables, "battery.voltage", 0),
    battery_temperature_celsius: temperature(variables, "battery.temperature"),
    temperature_celsius: temperature(variables, "ups.temperature"),
    input_voltage_volts: ofLines(variables, /^input[.](?:L[123](?:-N)?[.])?voltage$/, Math.min),
    output_voltage_volts: ofLines(variables, /^output[.](?:L[123](?:-N)?[.])?voltage$/, Math.min),
    output_current_amperes: number(variables, "output.current", 0),
    output_power_watts: number(variables, "ups.realpower", 0),
    output_load_percent: ofLines(
      variables,
      /^(?:ups[.]load|(?:ups|output)[.]L[123][.](?:load|power[.]percent))$/,
      Math.max,
    ),
  });
}

function statusMetrics(variables: Variables): Record<string, Value | null> {
  const words = new Set((variables.get("ups.status") ?? "").split(/\s+/));
  // While its driver starts, a UPS has no status but WAIT.
  const isKnown = ["OL", "OB", "OFF", "BYPASS"].some((word) => words.has(word));
  if (!isKnown) return {};
  return {
    on_battery: words.has("OB"),
    battery_low: words.has("LB"),
    battery_replace: words.has("RB"),
    on_bypass: words.has("BYPASS"),
    overload: words.has("OVER"),
    output_off: words.has("OFF"),
    shutdown_imminent: words.has("FSD"),
    alarms_present: words.has("ALARM") ? alarmCount(variables.get("ups.alarm") ?? "") : 0,
  };
}

/** Drivers put their sentences one after another, each with its exclamation mark. */
const alarmCount = (text: string): number => Math.max(1, text.match(/!/g)?.length ?? 0);

/** NUT's drivers share the beginnings of these texts: `Done and passed`, `Done and error`, `Ok`, `Failed`. */
function selfTest(text: string | undefined): boolean | null {
  if (text === undefined) return null;
  if (/^(?:done and error|failed|battery (?:bad|failed))/i.test(text)) return true;
  return /^(?:done and passed|ok\b|passed)/i.test(text) ? false : null;
}

function outlets(variables: Variables): SampleSet[] {
  const ids = new Set<string>();
  for (const name of variables.keys()) {
    const id = /^outlet[.](\d{1,3})[.]status$/.exec(name)?.[1];
    if (id !== undefined && ids.size < OUTLETS_MAX) ids.add(id);
  }
  return [...ids].map((id) => {
    const status = variables.get(`outlet.${id}.status`);
    return {
      component: componentName("outlet", id),
      metrics: present({
        outlet_on: status === "on" ? true : status === "off" ? false : null,
        outlet_current_amperes: number(variables, `outlet.${id}.current`, 0),
        outlet_power_watts: number(variables, `outlet.${id}.realpower`, 0),
      }),
    };
  });
}

/** A plain decimal within bounds; -1 and the like are how drivers say "not known". */
function number(variables: Variables, name: string, min: number, max = 1e9): number | null {
  const text = variables.get(name) ?? "";
  if (!/^-?\d{1,12}(?:[.]\d{1,9})?$/.test(text)) return null;
  const value = Number(text);
  return value >= min && value <= max ? value : null;
}

/** Several drivers tell 0.0 of a UPS without a sensor; a UPS at freezing point would be the least of a shop's worries. */
function temperature(variables: Variables, name: string): number | null {
  const value = number(variables, name, -40, 150);
  return value === 0 ? null : value;
}

function ofLines(variables: Variables, pattern: RegExp, choose: (...values: number[]) => number): number | null {
  const values = [...variables.keys()]
    .filter((name) => pattern.test(name))
    .map((name) => number(variables, name, 0))
    .filter((value) => value !== null);
  return values.length === 0 ? null : choose(...values);
}

function assetOf(variables: Variables): Asset | null {
  const told = (...names: string[]): string =>
    names.map((name) => variables.get(name) ?? "").find((text) => text !== "" && !/^unknown$/i.test(text)) ?? "";
  const asset = {
    vendor: told("device.mfr", "ups.mfr"),
    model: told("device.model", "ups.model"),
    serial: told("device.serial", "ups.serial"),
    firmware: told("ups.firmware"),
  };
  return Object.values(asset).some((text) => text !== "") ? asset : null;
}

function present(metrics: Readonly<Record<string, Value | null>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(metrics).filter((entry): entry is [string, Value] => entry[1] !== null));
}
