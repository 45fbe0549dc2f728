/**
 * Recordings: everything a device says over SNMP, once, as a file. Ours is JSON (`aislewatch-agent record`); read are
 * also snmpsim's `.snmprec` (`oid|tag|value`, a tag that ends in x for hex) and what net-snmp's `snmpwalk` prints, with
 * `-On` or without. Files come from strangers: what can't be read is counted, never thrown, and everything is bounded.
 */
import { err, ok, type Result } from "@aislewatch/base";
import { compareOids, octetsValue, type SnmpReply, type SnmpValue } from "@aislewatch/devices";

export const RECORDING_LIMITS = {
  /** A full walk of a stack of switches is about 10 MiB as text. */
  charsMax: 64 * 1024 * 1024,
  valuesMax: 200_000,
  /** Octets of one value; SNMP over UDP can't carry more (RFC 3417). */
  octetsMax: 65_535,
} as const;

export const RECORDING_VERSION = 1;

export type Recording = SnmpReply & {
  readonly recording: typeof RECORDING_VERSION;
  /** Have serial numbers, addresses and names been replaced? */
  readonly redacted: boolean;
  /** Why the walk ended before the device had no more to say; null when it is whole. */
  readonly cutShort: string | null;
};

export type ReadRecording = {
  readonly recording: Recording;
  readonly format: "json" | "snmprec" | "snmpwalk";
  /** Lines or values that could not be read: foreign syntax, masked digits. */
  readonly unread: number;
};

/** By what the text looks like; `atMs` is the time of a format that carries none. */
export function parseRecording(text: string, atMs: number): Result<ReadRecording, string> {
  if (text.length > RECORDING_LIMITS.charsMax) {
    return err(`expected at most ${RECORDING_LIMITS.charsMax} characters; received ${text.length}`);
  }
  if (/^\s*\{/.test(text)) return parseJson(text);
  const format = /^\.?\d+(?:\.\w+)+\|\d+[a-z]?(?::\w+)?\|/m.test(text) ? "snmprec" : "snmpwalk";
  const read = format === "snmprec" ? readRecords(text) : readWalk(text);
  const { pairs, unread } = read;
  if (pairs.length === 0) return err("expected a recording: JSON of `record`, .snmprec, or the output of snmpwalk");
  if (pairs.length > RECORDING_LIMITS.valuesMax) {
    return err(`expected at most ${RECORDING_LIMITS.valuesMax} values; received ${pairs.length}`);
  }
  const recording: Recording = {
    recording: RECORDING_VERSION,
    at: atMs,
    redacted: false,
    cutShort: null,
    varbinds: inOrder(pairs),
  };
  return ok({ recording, format, unread });
}

/** The text that `record` writes: one value a line, so that a diff of two recordings can be read. */
export function writeRecording({ recording, at, redacted, cutShort, varbinds }: Recording): string {
  const head = JSON.stringify({ recording, at, redacted, cutShort }).slice(0, -1);
  const rows = Object.entries(inOrder(Object.entries(varbinds)));
  const lines = rows.map(([oid, { type, value }]) => `${JSON.stringify(oid)}:${JSON.stringify({ type, value })}`);
  return `${head},"varbinds":{\n${lines.join(",\n")}\n}}\n`;
}

type Pairs = readonly (readonly [string, SnmpValue])[];
type Read = { readonly pairs: Pairs; readonly unread: number };

/** In the order of a walk. The first of two values for an OID stands, as with a device that repeats itself. */
export function inOrder(pairs: Pairs): Readonly<Record<string, SnmpValue>> {
  const first = new Map<string, SnmpValue>();
  for (const [oid, value] of pairs) if (!first.has(oid)) first.set(oid, value);
  return Object.fromEntries([...first].sort(([a], [b]) => compareOids(a, b)));
}

/** At most 128 arcs of 32 bits (RFC 2578 §3.5). */
const OID = /^\.?([0-2](?:\.\d{1,10}){1,127})$/;

function parseJson(text: string): Result<ReadRecording, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err("expected JSON of `record`; the text ends early or is no JSON");
  }
  if (!isRecord(value) || !isRecord(value["varbinds"])) return err('expected JSON of `record` with the key "varbinds"');
  const { recording = RECORDING_VERSION, varbinds } = value;
  if (recording !== RECORDING_VERSION) {
    return err(`expected a recording of version ${RECORDING_VERSION}; received ${JSON.stringify(recording)}`);
  }
  const entries = Object.entries(varbinds as Record<string, unknown>);
  if (entries.length > RECORDING_LIMITS.valuesMax) return err(`expected at most ${RECORDING_LIMITS.valuesMax} values`);
  const pairs = entries.flatMap(([oid, raw]): (readonly [string, SnmpValue])[] => {
    const read = OID.test(oid) ? jsonValue(raw) : null;
    return read === null ? [] : [[oid.replace(/^\./, ""), read]];
  });
  if (pairs.length === 0) return err("expected a recording; it holds no value");
  const at = typeof value["at"] === "number" && Number.isFinite(value["at"]) ? value["at"] : 0;
  const made: Recording = {
    recording: RECORDING_VERSION,
    at,
    redacted: value["redacted"] === true,
    cutShort: typeof value["cutShort"] === "string" ? value["cutShort"] : null,
    varbinds: inOrder(pairs),
  };
  return ok({ recording: made, format: "json", unread: entries.length - pairs.length });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function jsonValue(raw: unknown): SnmpValue | null {
  if (!isRecord(raw)) return null;
  const { type, value } = raw;
  switch (type) {
    case "integer":
    case "counter":
    case "gauge":
    case "ticks":
    case "float":
      return typeof value === "number" ? { type, value } : null;
    case "counter64":
      return typeof value === "number" || (typeof value === "string" && /^\d{1,20}$/.test(value))
        ? { type, value }
        : null;
    case "hex":
      return typeof value === "string" && /^(?:[0-9a-f]{2})*$/i.test(value) ? { type, value } : null;
    case "text":
    case "oid":
    case "ip":
      return typeof value === "string" && value.length <= RECORDING_LIMITS.octetsMax ? { type, value } : null;
    default:
      return null;
  }
}

function readRecords(text: string): Read {
  const pairs: (readonly [string, SnmpValue])[] = [];
  let unread = 0;
  for (const line of text.split(/\r?\n/)) {
    if (line === "" || line.startsWith("#")) continue;
    const match = /^([^|]*)\|(\d{1,3})(x?)\|(.*)$/s.exec(line);
    const oid = OID.exec(match?.[1] ?? "")?.[1];
    const value = match === null ? null : recordValue({ tag: match[2] ?? "", hex: match[3] === "x" }, match[4] ?? "");
    if (oid === undefined || value === null) unread++;
    else pairs.push([oid, value]);
  }
  return { pairs, unread };
}

function recordValue({ tag, hex }: { tag: string; hex: boolean }, raw: string): SnmpValue | null {
  if (hex) {
    const octets = hexOctets(raw);
    if (octets === null) return null;
    return tag === "64" && octets.length === 4 ? { type: "ip", value: octets.join(".") } : octetsValue(octets);
  }
  switch (tag) {
    case "2":
      return numeric("integer", raw);
    case "4":
    case "68":
      return octetsValue(new TextEncoder().encode(raw));
    case "6":
      return { type: "oid", value: raw.replace(/^\./, "") };
    case "64":
      return ipValue(raw);
    case "65":
      return numeric("counter", raw);
    case "66":
      return numeric("gauge", raw);
    case "67":
      return numeric("ticks", raw);
    case "70":
      return counter64(raw);
    default:
      return null;
  }
}

function numeric(type: "integer" | "counter" | "gauge" | "ticks", raw: string): SnmpValue | null {
  return /^-?\d{1,10}$/.test(raw.trim()) ? { type, value: Number(raw) } : null;
}

function counter64(raw: string): SnmpValue | null {
  if (!/^\d{1,20}$/.test(raw)) return null;
  const value = Number(raw);
  return { type: "counter64", value: Number.isSafeInteger(value) ? value : raw };
}

const ipValue = (raw: string): SnmpValue | null =>
  /^\d{1,3}(?:\.\d{1,3}){3}$/.test(raw) ? { type: "ip", value: raw } : null;

function hexOctets(raw: string): Uint8Array | null {
  const bare = raw.replace(/[\s:]/g, "");
  if (!/^(?:[0-9a-f]{2})*$/i.test(bare) || bare.length > 2 * RECORDING_LIMITS.octetsMax) return null;
  return Uint8Array.from({ length: bare.length / 2 }, (_, i) => Number.parseInt(bare.slice(2 * i, 2 * i + 2), 16));
}

/** What snmpwalk writes in front of an OID when it has no MIB files, or only its own. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^iso(?=\.)/, "1"],
  [/^SNMPv2-SMI::enterprises(?=\.)/, "1.3.6.1.4.1"],
  [/^SNMPv2-SMI::mib-2(?=\.)/, "1.3.6.1.2.1"],
  [/^SNMPv2-SMI::snmpModules(?=\.)/, "1.3.6.1.6.3"],
  [/^(?:SNMPv2-MIB|RFC1213-MIB)::sysDescr(?=\.)/, "1.3.6.1.2.1.1.1"],
  [/^(?:SNMPv2-MIB|RFC1213-MIB)::sysObjectID(?=\.)/, "1.3.6.1.2.1.1.2"],
  [/^(?:SNMPv2-MIB|RFC1213-MIB|DISMAN-EVENT-MIB)::sysUpTime(?:Instance|(?=\.))/, "1.3.6.1.2.1.1.3"],
  [/^(?:SNMPv2-MIB|RFC1213-MIB)::sysContact(?=\.)/, "1.3.6.1.2.1.1.4"],
  [/^(?:SNMPv2-MIB|RFC1213-MIB)::sysName(?=\.)/, "1.3.6.1.2.1.1.5"],
  [/^(?:SNMPv2-MIB|RFC1213-MIB)::sysLocation(?=\.)/, "1.3.6.1.2.1.1.6"],
  [/^(?:SNMPv2-MIB|RFC1213-MIB)::sysServices(?=\.)/, "1.3.6.1.2.1.1.7"],
];

function oidOf(written: string): string | null {
  const known = NAMES.find(([name]) => name.test(written));
  const digits = known === undefined ? written : written.replace(known[0], known[1]);
  return OID.exec(digits === "1.3.6.1.2.1.1.3" ? `${digits}.0` : digits)?.[1] ?? null;
}

/** `oid = TYPE: value`; a value goes on over the lines that do not begin with an OID. */
const WALK_LINE = /^(\.?\d+(?:\.\d+)+|(?:iso|[A-Za-z][\w-]*::[\w-]+)(?:\.[^\s=]+)?) = (.*)$/;

function readWalk(text: string): Read {
  const entries: { oid: string | null; lines: string[] }[] = [];
  let unread = 0;
  for (const line of text.split(/\r?\n/)) {
    const match = WALK_LINE.exec(line);
    const last = entries.at(-1);
    if (match !== null) entries.push({ oid: oidOf(match[1] ?? ""), lines: [match[2] ?? ""] });
    else if (last !== undefined) last.lines.push(line);
    else if (line.trim() !== "" && !line.startsWith("#")) unread++;
  }
  const pairs: (readonly [string, SnmpValue])[] = [];
  for (const { oid, lines } of entries) {
    const value = walkValue(lines.join("\n").trimEnd());
    if (value === "nothing") continue;
    if (oid === null || value === null) unread++;
    else pairs.push([oid, value]);
  }
  return { pairs, unread };
}

const NO_VALUE = /^(?:No Such (?:Object|Instance)|No more variables|NULL\b)/;

function walkValue(written: string): SnmpValue | "nothing" | null {
  if (NO_VALUE.test(written)) return "nothing";
  const bare = written.replace(/^Wrong Type \([^)]*\): /, "");
  const match =
    /^(INTEGER|Integer32|Counter32|Counter64|Gauge32|Unsigned32|Timeticks|STRING|Hex-STRING|BITS|OID|IpAddress|Network Address|Opaque):\s?(.*)$/s.exec(
      bare,
    );
  const [, type, value = ""] = match ?? [];
  switch (type) {
    case undefined:
      return /^-?\d{1,10}$/.test(bare) ? numeric("integer", bare) : textValue(bare);
    case "STRING":
      return textValue(value);
    case "Hex-STRING":
    case "BITS":
      return hexText(value);
    case "OID":
      return oidValue(value.trim());
    case "IpAddress":
      return ipValue(value.trim());
    case "Network Address":
      return ipValue(hexOctets(value.trim())?.join(".") ?? "");
    case "Opaque": {
      const float = /^Float: (-?[\d.]+(?:e[+-]?\d+)?)$/.exec(value.trim());
      return float === null ? null : { type: "float", value: Number(float[1]) };
    }
    case "Counter64":
      return counter64(value.trim());
    case "Counter32":
      return numeric("counter", value);
    case "Timeticks":
      return numeric("ticks", /^\((\d+)\)/.exec(value)?.[1] ?? value);
    default:
      return numeric(type === "Gauge32" || type === "Unsigned32" ? "gauge" : "integer", firstNumber(value));
  }
}

/** `up(1)`, `75 percent` and `75` are all a number. */
const firstNumber = (value: string): string =>
  /^[^\d(-]*\((-?\d+)\)/.exec(value)?.[1] ?? /^-?\d+/.exec(value)?.[0] ?? "";

function textValue(value: string): SnmpValue {
  const bare = /^"(.*)"$/s.exec(value)?.[1]?.replace(/\\(["\\])/g, "$1") ?? value;
  return octetsValue(new TextEncoder().encode(bare.slice(0, RECORDING_LIMITS.octetsMax)));
}

/** Named bits follow the octets: `80 00 lowPaper(0)`. */
function hexText(value: string): SnmpValue | null {
  const octets = hexOctets(value.replace(/\s+[a-zA-Z][\w-]*\(\d+\)/g, ""));
  return octets === null ? null : octetsValue(octets);
}

function oidValue(value: string): SnmpValue | null {
  const oid = oidOf(value);
  return oid === null ? null : { type: "oid", value: oid };
}
