/** Walks of real devices, as polls would have seen them; they stand beside the repository and are no part of it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  CATALOGUE,
  type Evaluation,
  evaluateProfile,
  isWithin,
  type Kind,
  loadBuiltinProfiles,
  matchProfile,
  metricsOf,
  octetsValue,
  type Profile,
  probeOids,
  profileOids,
  type SnmpReply,
  type SnmpValue,
} from "./index.ts";

const folder = fileURLToPath(new URL("../../../shared/devices/", import.meta.url));
const walks = ["snmprec", "snmpwalk"].flatMap((kind) =>
  existsSync(folder + kind)
    ? readdirSync(folder + kind)
        .filter((name) => name.endsWith(`.${kind}`))
        .map((name) => `${kind}/${name}`)
    : [],
);
/** What another project asked Brother printers for: OID to text, or to the records of an octet string in hex. */
const captures = existsSync(`${folder}captures/brother-snmp`)
  ? readdirSync(`${folder}captures/brother-snmp`).map((name) => `captures/brother-snmp/${name}`)
  : [];
export const files = [...walks, ...captures];
const profiles = loadBuiltinProfiles();

/** snmpsim's format: `oid|tag|value`, a tag that ends in x for hex; redacted and simulated rows are skipped. */
function readRecord(text: string): [string, SnmpValue][] {
  return text.split(/\r?\n/).flatMap((line): [string, SnmpValue][] => {
    const [oid, tag, ...rest] = line.split("|");
    const bare = oid?.replace(/^\./, "") ?? "";
    if (!/^\d+(?:\.\d+)+$/.test(bare) || tag === undefined) return [];
    const value = readValue(tag, rest.join("|"));
    return value === null ? [] : [[bare, value]];
  });
}

function readValue(tag: string, raw: string): SnmpValue | null {
  // snmpsim's simulated values: `2:numeric|scale=5,initial=154` begins at 154.
  const initial = /^2:numeric$/.test(tag) ? /initial=(-?\d+)/.exec(raw)?.[1] : undefined;
  if (initial !== undefined) return { type: "integer", value: Number(initial) };
  const type = /^(\d+)(x?)$/.exec(tag);
  if (type === null) return null;
  if (type[2] === "x") return octetsValue(Buffer.from(raw, "hex"));
  switch (type[1]) {
    case "2":
      return { type: "integer", value: Number(raw) };
    case "4":
      return octetsValue(Buffer.from(raw, "utf8"));
    case "6":
      return { type: "oid", value: raw };
    case "64":
      return { type: "ip", value: raw };
    case "65":
      return { type: "counter", value: Number(raw) };
    case "66":
      return { type: "gauge", value: Number(raw) };
    case "67":
      return { type: "ticks", value: Number(raw) };
    case "70":
      return { type: "counter64", value: raw };
    default:
      return null;
  }
}

/** net-snmp's: `.1.3.6.1 = TYPE: value`. */
function readWalk(text: string): [string, SnmpValue][] {
  const numeric = text.replaceAll(/^SNMPv2-SMI::mib-2\./gm, "1.3.6.1.2.1.");
  return [...numeric.matchAll(/^\.?(\d[\d.]*) = (?:([A-Za-z0-9-]+): )?(.*)$/gm)].map(
    ([, oid = "", type, value = ""]) => {
      const bare = value.replace(/^"|"$/g, "");
      const number = /\((\d+)\)/.exec(value)?.[1] ?? value;
      if (type === "Hex-STRING") return [oid, octetsValue(Buffer.from(value.replace(/\s/g, ""), "hex"))];
      if (type === "OID") return [oid, { type: "oid", value: value.replace(/^\./, "") }];
      if (type === "INTEGER" || /^-?\d+$/.test(number)) return [oid, { type: "integer", value: Number(number) }];
      return [oid, octetsValue(Buffer.from(bare))];
    },
  );
}

function readCapture(text: string): [string, SnmpValue][] {
  return Object.entries(JSON.parse(text) as Record<string, string | string[] | null>).flatMap(
    ([oid, value]): [string, SnmpValue][] => {
      if (value === null) return [];
      if (typeof value === "string") return [[oid, octetsValue(Buffer.from(value))]];
      return [[oid, { type: "hex", value: `${value.join("")}ff` }]];
    },
  );
}

export function load(file: string): SnmpReply {
  const text = readFileSync(folder + file, file.endsWith(".json") ? "utf8" : "latin1");
  const read = file.endsWith(".snmprec") ? readRecord : file.endsWith(".json") ? readCapture : readWalk;
  return { at: Date.UTC(2026, 0, 1), varbinds: Object.fromEntries(read(text)) };
}

export function recognise(reply: SnmpReply): ReturnType<typeof matchProfile> {
  const oids = Object.keys(reply.varbinds);
  const present = new Set(
    probeOids(profiles).filter((probe) => oids.some((oid) => oid === probe || isWithin(oid, probe))),
  );
  const text = (oid: string): string => String(reply.varbinds[oid]?.value ?? "");
  return matchProfile(profiles, {
    sysObjectID: text("1.3.6.1.2.1.1.2.0"),
    sysDescr: text("1.3.6.1.2.1.1.1.0"),
    present,
  });
}

/** Only what the profile asks for, as a poll would fetch it. */
export function polled(reply: SnmpReply, profile: NonNullable<ReturnType<typeof recognise>>): SnmpReply {
  const { gets, walks } = profileOids(profile, String(reply.varbinds["1.3.6.1.2.1.1.2.0"]?.value ?? ""));
  const columns = walks.flatMap((walk) => walk.columns);
  const varbinds = Object.entries(reply.varbinds).filter(
    ([oid]) => gets.includes(oid) || columns.some((column) => isWithin(oid, column)),
  );
  return { at: reply.at, varbinds: Object.fromEntries(varbinds) };
}

export type Seen = { readonly profile: Profile | null; readonly evaluation: Evaluation };

/** As the agent would see it: recognised, then asked for what its profile needs. */
export function seen(file: string): Seen {
  const reply = load(file);
  const profile = recognise(reply);
  const evaluation = profile === null ? { samples: [], asset: {}, evidence: [] } : readingsOf(profile, reply);
  return { profile, evaluation };
}

export const readingsOf = (profile: Profile, reply: SnmpReply): Evaluation =>
  ofKind(profile.kind, evaluateProfile(profile, polled(reply, profile)));

/** What no device of this kind may report is left out by the agent: a label printer's profile inherits toner. */
function ofKind(kind: Kind | null, { samples, ...rest }: Evaluation): Evaluation {
  const names = new Set((kind === null ? CATALOGUE : metricsOf(kind)).map(({ name }) => name));
  const kept = samples.map(({ component, metrics }) => ({
    component,
    metrics: Object.fromEntries(Object.entries(metrics).filter(([name]) => names.has(name))),
  }));
  return { ...rest, samples: kept.filter(({ metrics }) => Object.keys(metrics).length > 0) };
}

/** Metrics by name, those of components as `component.metric`. */
export function flat({ samples }: Evaluation): Record<string, number | boolean> {
  const values = samples.flatMap(({ component, metrics }) =>
    Object.entries(metrics).map(
      ([name, value]) => [component === null ? name : `${component}.${name}`, value] as const,
    ),
  );
  return Object.fromEntries(values);
}
