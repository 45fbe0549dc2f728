/**
 * What a poll of recorded devices costs in requests and values, and what it would if profiles did not say what stands
 * still (`static`, `gate`). Each recording answers over UDP as a device of the simulator, in frames of Ethernet's size;
 * no recording has an alert table with its counters, so one printer is given some.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadBuiltinProfiles, octetsOf, type Profile, type SnmpValue } from "@aislewatch/devices";
import { realClock } from "@aislewatch/runtime";
import { type MibEntry, OidTree, seededRandom, startSnmpDevice } from "@aislewatch/simulator";
import { parseRecording } from "../../agent/core/recording.ts";
import { SnmpPoll } from "../../agent/drivers/snmp/poll.ts";
import { openSnmp } from "../../agent/transport/snmp.ts";
import { RECORDINGS } from "../rig/rig.ts";
import { type Figure, progress } from "./figure.ts";

const POLLS = 20;
const DEVICES = [
  { title: "printer (Sharp), 24 rows in its alert table", recording: "sharp", alerts: 24 },
  { title: "printer (Dell)", recording: "dell-laser_s5830dn", alerts: 0 },
  { title: "switch with ENTITY-SENSOR (Fortinet)", recording: "fortiswitch_s248ep", alerts: 0 },
  { title: "switch, 26 ports (Cisco)", recording: "ciscosb_cbs250-24p-4x-v3", alerts: 0 },
] as const;

export async function benchSnmpPolls(): Promise<Figure[]> {
  if (!existsSync(RECORDINGS)) {
    progress("the recordings are missing: no polls of recorded devices");
    return [];
  }
  const kept = loadBuiltinProfiles();
  const everything = kept.map(asksForEverything);
  const figures: Figure[] = [];
  for (const { title, recording, alerts } of DEVICES) {
    progress(title);
    const entries = [...entriesOf(recording), ...alertTable(alerts)];
    const before = await costOf(entries, everything);
    const now = await costOf(entries, kept);
    figures.push(
      { label: `${title}: first poll`, value: now.first.requests, unit: "requests" },
      { label: "– each after it, everything asked for", value: before.later.requests, unit: "requests" },
      { label: "–", value: before.later.values, unit: "values" },
      { label: "– each after it, as profiles say", value: now.later.requests, unit: "requests" },
      { label: "–", value: now.later.values, unit: "values" },
    );
  }
  return figures;
}

type Cost = { readonly requests: number; readonly values: number };

async function costOf(
  entries: readonly MibEntry[],
  profiles: readonly Profile[],
): Promise<{ first: Cost; later: Cost }> {
  const tree = new OidTree(entries);
  const device = await startSnmpDevice({
    address: "127.0.0.1",
    port: 0,
    community: "public",
    users: [],
    engineId: Buffer.from("8000000001020304", "hex"),
    view: () => tree,
    clock: realClock,
    random: seededRandom(7),
  });
  if (!device.ok) throw new Error(`no port: ${JSON.stringify(device.error)}`);
  const target = {
    host: "127.0.0.1",
    port: device.value.port,
    credential: { version: "2c", community: "public" },
    timeoutMs: 2_000,
    retries: 1,
    maxRepetitions: 20,
  } as const;
  const costs: Cost[] = [];
  const poll = new SnmpPoll(
    async () => {
      const opened = await openSnmp(target);
      if (!opened.ok) return opened;
      const session = opened.value;
      session.begin = watched(session.begin.bind(session), () => costs.push(session.cost()));
      return opened;
    },
    profiles,
    null,
  );
  // One more, for what a poll costs is seen when the next begins.
  for (let n = 0; n < POLLS + 2; n++) {
    const polled = await poll.poll({ signal: AbortSignal.timeout(20_000), timeoutMs: 20_000, nowMs: realClock.now() });
    if (!polled.ok) throw new Error(polled.error.detail);
  }
  poll.close();
  await device.value.stop();
  const [, first = { requests: 0, values: 0 }, ...later] = costs;
  const mean = (of: (cost: Cost) => number): number => later.reduce((sum, cost) => sum + of(cost), 0) / later.length;
  return { first, later: { requests: mean((cost) => cost.requests), values: mean((cost) => cost.values) } };
}

const watched =
  <Args extends readonly unknown[]>(call: (...args: Args) => void, before: () => void) =>
  (...args: Args): void => {
    before();
    call(...args);
  };

const asksForEverything = (profile: Profile): Profile => ({
  ...profile,
  tables: Object.fromEntries(
    Object.entries(profile.tables).map(([name, { gate: _, ...table }]) => [name, { ...table, static: [] }]),
  ),
});

function entriesOf(recording: string): MibEntry[] {
  const read = parseRecording(readFileSync(join(RECORDINGS, "snmprec", `${recording}.snmprec`), "latin1"), 0);
  if (!read.ok) throw new Error(read.error);
  return Object.entries(read.value.recording.varbinds).map(([oid, value]) => ({ oid, value: mibValue(value) }));
}

function mibValue(value: SnmpValue): MibEntry["value"] {
  switch (value.type) {
    case "integer":
      return { type: "integer", value: value.value };
    case "counter":
      return { type: "counter32", value: value.value };
    case "gauge":
    case "float":
      return { type: "gauge32", value: Math.max(0, Math.round(value.value)) };
    case "ticks":
      return { type: "timeticks", value: value.value };
    case "counter64":
      return { type: "counter64", value: BigInt(value.value) };
    case "oid":
      return { type: "oid", value: value.value };
    default:
      return { type: "octets", value: octetsOf(value) ?? new Uint8Array() };
  }
}

/** Counters, and rows that say nothing worth an incident. */
function alertTable(rows: number): MibEntry[] {
  const at = (column: string, value: MibEntry["value"]): MibEntry => ({ oid: `1.3.6.1.2.1.43.${column}`, value });
  const integer = (value: number): MibEntry["value"] => ({ type: "integer", value });
  if (rows === 0) return [];
  return [
    at("5.1.1.18.1", { type: "counter32", value: 3 }),
    at("5.1.1.19.1", { type: "counter32", value: rows }),
    ...Array.from({ length: rows }, (_, n) => [
      at(`18.1.1.2.1.${n + 1}`, integer(4)),
      at(`18.1.1.4.1.${n + 1}`, integer(5)),
      at(`18.1.1.7.1.${n + 1}`, integer(507)),
      at(`18.1.1.8.1.${n + 1}`, { type: "octets", value: Buffer.from("Ready to print") }),
    ]).flat(),
  ];
}
