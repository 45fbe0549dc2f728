/** Numbers and times for people. Pure: the present is an argument. */
import type { Value } from "../api/types.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, in at most two units and without jitter in width: `45 s`, `12 min`, `2 h 05 min`, `3 d 4 h`. */
export function age(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / SECOND)) * SECOND;
  if (whole < MINUTE) return `${whole / SECOND} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)} h ${pad(Math.floor((whole % HOUR) / MINUTE))} min`;
  const hours = Math.floor((whole % DAY) / HOUR);
  return hours === 0 || whole >= 30 * DAY ? `${Math.floor(whole / DAY)} d` : `${Math.floor(whole / DAY)} d ${hours} h`;
}

/** To the second, for what people wait on: `2 min 10 s`. */
export function exactAge(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / SECOND)) * SECOND;
  if (whole < MINUTE || whole >= HOUR) return age(whole);
  return `${Math.floor(whole / MINUTE)} min ${pad((whole % MINUTE) / SECOND)} s`;
}

const pad = (n: number): string => String(n).padStart(2, "0");

/** `1 device`, `3 devices`. */
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

const COUNT = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
export const count = (n: number): string => COUNT.format(n);

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const DECIMAL = ["", "k", "M", "G", "T", "P"] as const;

/** A metric's value with its unit, scaled to be read at a glance. Booleans are yes and no. */
export function measure(value: Value, unit: string): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (!Number.isFinite(value)) return "–";
  if (unit === "B") return scaled(value, 1024, BINARY, "");
  if (unit === "bit/s" || unit === "B/s") return scaled(value, 1000, DECIMAL, unit);
  if (unit === "s") return seconds(value);
  return unit === "" ? decimal(value) : `${decimal(value)} ${unit}`;
}

function seconds(value: number): string {
  const size = Math.abs(value);
  if (size < 1) return `${decimal(value * 1000)} ms`;
  if (size < 60) return `${decimal(value)} s`;
  const text = size < 3600 ? exactAge(size * SECOND) : age(size * SECOND);
  return value < 0 ? `−${text}` : text;
}

function scaled(value: number, step: number, prefixes: readonly string[], unit: string): string {
  let rest = value;
  let index = 0;
  while (Math.abs(rest) >= step && index < prefixes.length - 1) {
    rest /= step;
    index += 1;
  }
  return `${decimal(rest)} ${prefixes[index] ?? ""}${unit}`.trimEnd();
}

/** Three significant figures below a hundred, whole numbers with thousands marks above. */
function decimal(value: number): string {
  const size = Math.abs(value);
  // A scale's drift of 0.008 kg is not 0.01 kg.
  if (size < 1) return new Intl.NumberFormat("en", { maximumSignificantDigits: 3 }).format(value);
  return new Intl.NumberFormat("en", { maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : 2 }).format(value);
}

/** A metric carries its unit in its name, last but for `_total` (DESIGN.md). The longer of two that fit comes first. */
const UNIT_OF_SUFFIX: readonly (readonly [suffix: string, unit: string])[] = [
  ["_bits_per_second", "bit/s"],
  ["_kilowatt_hours", "kWh"],
  ["_percent", "%"],
  ["_celsius", "°C"],
  ["_seconds", "s"],
  ["_hours", "h"],
  ["_days", "d"],
  ["_bytes", "B"],
  ["_volts", "V"],
  ["_amperes", "A"],
  ["_watts", "W"],
  ["_hertz", "Hz"],
  ["_rpm", "rpm"],
  ["_meters", "m"],
  ["_kilograms", "kg"],
  ["_dbm", "dBm"],
];
const suffixOf = (bare: string) => UNIT_OF_SUFFIX.find(([suffix]) => bare.endsWith(suffix));
const withoutTotal = (metric: string): string => metric.replace(/_total$/, "");

/** Of a metric that comes without its catalogue entry. */
export const unitOf = (metric: string): string => suffixOf(withoutTotal(metric))?.[1] ?? "";

/** `media_remaining_percent` → `Media remaining`: the unit stands beside the value. */
export function metricTitle(metric: string): string {
  const bare = withoutTotal(metric);
  const suffix = suffixOf(bare)?.[0] ?? "";
  // "Operating hours" are called so; "Operating" would be a state.
  if (suffix === "_hours") return sentence(bare);
  const words = bare.slice(0, bare.length - suffix.length);
  return sentence(words === "" ? metric : words);
}

/** `pos_terminal` → `Pos terminal`, with the field's abbreviations kept upright. */
export function sentence(name: string): string {
  const text = name
    .split(/[_\s]+/)
    .map((word) => UPRIGHT.get(word) ?? word)
    .join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const UPRIGHT = new Map([
  ["pos", "POS"],
  ["ups", "UPS"],
  ["pdu", "PDU"],
  ["cpu", "CPU"],
  ["rma", "RMA"],
  ["dc", "DC"],
  ["ac", "AC"],
]);

/** `user:anna` → `anna`, `system` → `Aislewatch`. */
export function actorName(actor: string): string {
  if (actor === "system") return "Aislewatch";
  const colon = actor.indexOf(":");
  return colon < 0 ? actor : actor.slice(colon + 1);
}

/**
 * A point in time in the viewer's language. With a time zone it is that zone's time and says so. Today's times go
 * without a date.
 */
export function timeText(atMs: number, nowMs: number, timeZone?: string): string {
  const { time, day } = formatsOf(timeZone);
  const date = day.format(atMs);
  return date === day.format(nowMs) ? time.format(atMs) : `${date}, ${time.format(atMs)}`;
}

type Formats = { readonly time: Intl.DateTimeFormat; readonly day: Intl.DateTimeFormat };

/** Made once for each zone: making one takes longer than drawing a row of the board. */
const formats = new Map<string | undefined, Formats>();
/** More zones than a page shows in a day. */
const FORMATS_MAX = 500;

function formatsOf(timeZone: string | undefined): Formats {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const zone = timeZone === undefined ? {} : { timeZone };
  const made = {
    time: new Intl.DateTimeFormat(undefined, {
      ...zone,
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
      ...(timeZone !== undefined && { timeZoneName: "short" as const }),
    }),
    day: new Intl.DateTimeFormat(undefined, { ...zone, day: "numeric", month: "short" }),
  };
  if (formats.size >= FORMATS_MAX) formats.clear();
  formats.set(timeZone, made);
  return made;
}
