/**
 * What a ZPL printer says about itself, put together: `~HS` (host-status.ts), `~HQES` (error-status.ts), `~HI`, and of
 * Zebra's own printers their serial number, odometers and battery (wear.ts).
 *
 * Neither `~HS` nor `~HQES` tells all on all models, and a printer in an error state may answer only one of them: a
 * verdict is true by the word of either, and the evidence says whose.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { Asset, Value } from "@aislewatch/contract";
import type { Parsed, ParseError } from "../driver.ts";
import { framesOf } from "../frames.ts";
import type { Replies } from "../request.ts";
import { weigh } from "../witness.ts";
import { ERROR_METRICS, type ErrorStatus, errorWitness, errorWords, lastErrorStatus } from "./error-status.ts";
import {
  type HostStatus,
  lastHostStatus,
  settingsOf,
  statusMetrics,
  statusWitness,
  usesRibbon,
} from "./host-status.ts";
import { serialOf, WEAR_METRICS, wearOf } from "./wear.ts";

/** Model, firmware, dots per mm, memory; newer firmware adds options. A model has a letter, and a status has none there. */
const IDENTIFICATION = /^(?=[^,]*[A-Za-z])[^,]{1,64},[^,]{1,64},\d{1,3},[^,]{1,32}(?:,[^,]{0,32})*$/;
/** "V75.19.15Z": family, version, build. */
const ZEBRA_FIRMWARE = /^[A-Z]{1,3}\d{1,3}\.(\d{2})\.\d{1,4}Z/;
/** The version from which on all Zebra firmware has SGD and the `~HQ` group (V50.15, V53.15, V60.15 … or later). */
const VARIABLES_SINCE = 15;
/** Hotter than this a head does not print, and the printer says so itself (TTP 8000 manual). */
const HEAD_CELSIUS_MAX = 60;

export const METRICS: readonly string[] = [
  ...new Set([
    ...ERROR_METRICS,
    "formats_waiting",
    "buffer_full",
    "diagnostics_mode",
    "format_incomplete",
    "config_lost",
    "head_under_temperature",
    "label_waiting",
    "labels_remaining",
    "printing",
    ...WEAR_METRICS,
  ]),
];

export function parse(reply: Replies): Result<Parsed, ParseError> {
  const { status, errors } = heardIn(reply);
  if (status === null && errors === null) {
    const said = `${reply["hostStatus"] ?? ""}${reply["errorStatus"] ?? ""}`;
    return err({ detail: `no status in ${said.length} bytes (${framesOf(said).length} framed strings)` });
  }
  const knowsRibbon = status === null || usesRibbon(status.second);
  const { metrics, evidence } = weigh([
    ...(status === null ? [] : [statusWitness(status)]),
    ...(errors === null ? [] : [errorWitness(errors, knowsRibbon)]),
  ]);
  const asset = { ...identificationOf(reply["hostIdentification"] ?? ""), ...serialOf(reply) };
  return ok({
    samples: [
      {
        component: null,
        metrics: {
          ...metrics,
          ...(status !== null && { ...statusMetrics(status), printing: isPrinting(status, metrics) }),
          ...believed(wearOf(reply), metrics),
        },
      },
    ],
    ...(Object.keys(asset).length > 0 && { asset }),
    ...(evidence.length > 0 && { evidence }),
  });
}

/** Settings, and all errors and warnings in words: also those that no metric has a name for. */
export function about(reply: Replies): [name: string, text: string][] {
  const { status, errors } = heardIn(reply);
  return [...(errors === null ? [] : errorWords(errors)), ...(status === null ? [] : settingsOf(status))];
}

export const isWholeIdentification = (text: string): boolean => identificationFrame(text) !== null;

/**
 * May this printer be asked for variables? Firmware that does not know them takes them for text, and a clone may print
 * text: so only of one that calls itself by a Zebra firmware new enough.
 */
export function knowsVariables({ hostIdentification }: Replies): boolean {
  const { firmware } = identificationOf(hostIdentification ?? "");
  const version = ZEBRA_FIRMWARE.exec(firmware ?? "")?.[1];
  return version !== undefined && Number(version) >= VARIABLES_SINCE;
}

/** An answer that came late stands in the reply to the next question. */
function heardIn(reply: Replies): { status: HostStatus | null; errors: ErrorStatus | null } {
  const said = `${reply["hostStatus"] ?? ""}${reply["errorStatus"] ?? ""}`;
  return { status: lastHostStatus(said), errors: lastErrorStatus(said) };
}

const STOPS = ["media_out", "ribbon_out", "paused", "head_open", "cutter_fault", "jammed", "head_over_temperature"];

function isPrinting({ first, second }: HostStatus, verdicts: Readonly<Record<string, boolean>>): boolean {
  return !STOPS.some((stop) => verdicts[stop]) && (Number(first[4]) > 0 || Number(second[8]) > 0);
}

/**
 * `~HD` gives degrees Celsius on some models and raw readings on others (a ZT410: head 22, ambient 153). A head that is
 * too hot and of which the printer says nothing is a raw reading.
 */
function believed(
  wear: Record<string, Value>,
  verdicts: Readonly<Record<string, boolean>>,
): Readonly<Record<string, Value>> {
  const { head_temperature_celsius: celsius, ...others } = wear;
  const isRaw = typeof celsius === "number" && celsius > HEAD_CELSIUS_MAX && verdicts["head_over_temperature"] !== true;
  return celsius === undefined || isRaw ? others : wear;
}

function identificationFrame(text: string): string | null {
  return framesOf(text).findLast((candidate) => IDENTIFICATION.test(candidate)) ?? null;
}

function identificationOf(text: string): Asset {
  const frame = identificationFrame(text);
  if (frame === null) return {};
  const [model = "", firmware = ""] = frame.split(",").map((field) => field.trim());
  return { ...(ZEBRA_FIRMWARE.test(firmware) && { vendor: "Zebra" }), model, firmware };
}
