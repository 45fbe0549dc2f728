/**
 * From what a driver says to what may go on the wire. A driver's answer comes from a device, so names, numbers and
 * texts are checked here once more: one bad value must cost itself, not the batch that it would poison.
 */
import {
  type Asset,
  COMPONENT_PATTERN,
  LIMITS,
  type PollFailureKind,
  type Reading,
  type SampleSet,
  type Value,
} from "@aislewatch/contract";
import { redact, redactSerial } from "./card-data.ts";

type Event = NonNullable<Reading["events"]>[number];

/** A device that does not answer may still have sent something: a trap is an event, whatever the poll brings. */
export type PollResult = { readonly events?: readonly Event[] } & (
  | { readonly ok: true; readonly samples: readonly SampleSet[] }
  | { readonly ok: false; readonly kind: PollFailureKind; readonly detail: string }
);

export type MadeReading = {
  readonly reading: Reading;
  /** Values and events that no receiver would take, left out. */
  readonly refused: number;
};

/** As telemetry's schema has it: metric names and event codes. */
const NAME = /^[a-z][a-z0-9_]{0,127}$/;
/** Events of one poll; a device that lists more has one fault, not a thousand. */
export const EVENTS_A_POLL_MAX = 64;

/** `skipped`: turns that the device has missed since the agent started, because its last poll still ran. */
type PollFacts = { device: string; atMs: number; tookMs: number; skipped?: number };

export function makeReading(poll: PollFacts, result: PollResult): MadeReading {
  const at = clampTime(poll.atMs);
  const own = {
    poll_duration_seconds: Math.round(poll.tookMs) / 1000,
    ...(poll.skipped !== undefined && { polls_skipped_total: poll.skipped }),
  };
  const brought = result.events ?? [];
  const events = brought.filter(isEvent).slice(0, EVENTS_A_POLL_MAX);
  let refused = brought.length - events.length;
  const told = events.length > 0 && {
    events: events.map(({ component, code, detail }) => ({ component, code, detail: freeText(detail) })),
  };
  if (!result.ok) {
    // `busy` says nothing about the device: another program had its line. Silence, then, instead of `up: false`.
    const metrics: Record<string, Value> = result.kind === "busy" ? own : { up: false, ...own };
    const failure = { kind: result.kind, detail: freeText(result.detail) };
    return { reading: { device: poll.device, at, samples: [{ component: null, metrics }], failure, ...told }, refused };
  }
  const sets = new Map<string | null, Record<string, Value>>([[null, { up: true, ...own }]]);
  for (const { component, metrics } of result.samples) {
    const accepted = acceptSamples(component, metrics);
    refused += accepted.refused;
    // Two sets of one component are one, or the second would repeat a series at the same time.
    if (accepted.count > 0) sets.set(component, { ...sets.get(component), ...accepted.metrics });
  }
  const kept = [...sets].slice(0, LIMITS.subjectsMax);
  refused += sets.size - kept.length;
  return {
    reading: {
      device: poll.device,
      at,
      samples: kept.map(([component, metrics]) => ({ component, metrics })),
      ...told,
    },
    refused,
  };
}

/** An asset's texts as they may leave the process. */
export function cleanAsset(asset: Asset): Asset {
  const clean: Record<string, string> = {};
  for (const key of ["vendor", "model", "firmware"] as const) {
    const value = asset[key];
    if (value !== undefined && value.trim() !== "") clean[key] = freeText(value.trim());
  }
  if (asset.serial !== undefined && asset.serial.trim() !== "")
    clean["serial"] = cut(redactSerial(cut(asset.serial.trim())));
  return clean;
}

function acceptSamples(
  component: string | null,
  metrics: SampleSet["metrics"],
): { metrics: Record<string, Value>; count: number; refused: number } {
  const names = Object.keys(metrics);
  if (component !== null && !isComponent(component)) return { metrics: {}, count: 0, refused: names.length };
  const accepted: Record<string, Value> = {};
  let count = 0;
  for (const name of names) {
    const value = metrics[name];
    if (count >= LIMITS.metricsMax - 2 || !NAME.test(name) || !isValue(value)) continue;
    accepted[name] = value;
    count++;
  }
  return { metrics: accepted, count, refused: names.length - count };
}

const isValue = (value: Value | undefined): value is Value =>
  typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));

const isEvent = ({ component, code }: Event): boolean =>
  NAME.test(code) && (component === null || isComponent(component));

/** A part's name comes from the device as well: none that is a card's number, whatever the device calls a port. */
export const isComponent = (name: string): boolean => COMPONENT_PATTERN.test(name) && redactSerial(name) === name;

/** A host whose clock is not set says 1970, which the wire refuses; the collector shifts times of such an agent. */
export const clampTime = (ms: number): number => Math.min(Math.max(Math.round(ms), LIMITS.timeMsMin), LIMITS.timeMsMax);

/** Cut, without card numbers. Cut twice: redacting a long text costs time, and its marks may be longer than a number. */
const freeText = (text: string): string => cut(redact(cut(text)));

/** Not in the middle of a surrogate pair, which no UTF-8 can hold. */
function cut(text: string): string {
  return text.slice(0, LIMITS.textCharsMax).toWellFormed();
}
