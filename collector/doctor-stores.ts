/** What `doctor` finds in a collector's data folder: both stores, people and agents. Everything is only read. */
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeDuration } from "@aislewatch/config";
import { type Finding, inspectEndpoint, sizeText } from "@aislewatch/runtime";
import { backupMade } from "./backup/made.ts";
import { isRestoreUnfinished } from "./backup/restore-places.ts";
import type { CollectorConfig } from "./config.ts";
import { COLLECTOR_AGENT } from "./own-reports.ts";
import { lookAtState, type StateLook } from "./store/state/look.ts";
import { SERIES_FILE } from "./timeseries.ts";

/** An agent that has said nothing for so long is no shop that is closed for a night. */
const SILENT_MS = 86_400_000;
/** A status comes every 30 s, and what was seen last may be older than it by as much. */
const CLOCK_OFF_MS = 120_000;
const DAY_MS = 86_400_000;
/** One of each night, with a night that failed between. */
const BACKUP_MS_MAX = 2 * DAY_MS;
/** Agents that are named; the others are counted. */
const NAMED_MAX = 5;
const CONNECT_MS_MAX = 5_000;

export function stateFindings(folder: string, nowMs: number, version: string): Finding[] {
  const group = "state store";
  const file = join(folder, "state.sqlite");
  const found = lookAtState(file);
  const restore = "stop the collector, and put a backup in its place: aislewatch restore FILE --force";
  if (isRestoreUnfinished(folder)) {
    const todo = "start the collector, which finishes it, or run aislewatch restore again";
    return [{ group, level: "fail", what: `a restore into ${folder} was killed half way`, todo }];
  }
  if (found === null) return [{ group, level: "warn", what: `${file} is not there`, todo: "the first start makes it" }];
  if (typeof found === "string")
    return [
      {
        group,
        level: "fail",
        what: `${file} can't be read: ${found}`,
        todo: `is it this user's to read? Else: ${restore}`,
      },
    ];
  const { schema, damage, bytes } = found;
  if (schema.found > schema.known) {
    const what = `${file} is of a newer version (schema ${schema.found}; this program knows ${schema.known})`;
    return [{ group, level: "fail", what, todo: "install the version that wrote it" }];
  }
  const integrity: Finding =
    damage === "none"
      ? { group, level: "ok", what: `${file} is sound: ${sizeText(bytes)}, schema ${schema.found}` }
      : damage === null
        ? {
            group,
            level: "ok",
            what: `${file} is too large to be read through while somebody waits: ${sizeText(bytes)}`,
          }
        : { group, level: "fail", what: `${file} is damaged: ${damage}`, todo: restore };
  const old: Finding[] =
    schema.found === schema.known
      ? []
      : [
          {
            ...{
              group,
              level: "warn",
              what: `${file} has schema ${schema.found}, this program writes ${schema.known}`,
            },
            todo: "start this version of the collector: it brings the file up to date; aislewatch backup before",
          },
        ];
  return [
    integrity,
    ...old,
    ...(old.length > 0 ? [] : [...people(found), ...agents(found, nowMs, version), ...backups(found, nowMs)]),
  ];
}

/** The age of the last one; a collector that is new has none yet. */
function backups({ lastBackup, sinceAt }: StateLook, nowMs: number): Finding[] {
  const group = "backup";
  const made = backupMade(lastBackup);
  const ageMs = nowMs - (made?.at ?? sinceAt ?? nowMs);
  const days = Math.floor(ageMs / DAY_MS);
  const what =
    made === null
      ? "none was made yet"
      : `the last was made on ${new Date(made.at).toISOString()}: ${made.file}, ${sizeText(made.bytes)}`;
  if (ageMs < BACKUP_MS_MAX) return [{ group, level: "ok", what }];
  const todo = "aislewatch backup --config FILE --out DIR, each night by a timer: docs/operate.md";
  return [
    { group, level: "warn", what: made === null ? `${what}, in ${days} days` : `${what}, ${days} days ago`, todo },
  ];
}

function people({ users }: StateLook): Finding[] {
  const group = "people";
  const byLink = users.filter(({ hasPassword }) => !hasPassword).map(({ name }) => name);
  const admins = users.filter(({ role }) => role === "admin").length;
  return [
    admins > 0
      ? { group, level: "ok", what: `${users.length} users, ${admins} of them administrators` }
      : {
          group,
          level: "warn",
          what: "no administrator yet",
          todo: "aislewatch users add NAME --role admin --password-file -",
        },
    ...(byLink.length === 0
      ? []
      : [
          {
            ...{ group, level: "ok" as const },
            what: `without a password, by link of this host only: ${named(byLink)}`,
          },
        ]),
  ];
}

function agents(look: StateLook, nowMs: number, version: string): Finding[] {
  const group = "agents";
  // The collector's own lane at each site is no agent, as on the page and in `agents list`.
  const all = look.agents.filter(({ agent }) => agent !== COLLECTOR_AGENT);
  const nameOf = ({ site, agent }: { site: string; agent: string }): string => `${site}/${agent}`;
  const silent = all.filter(({ online, lastSeenAt }) => !online && nowMs - lastSeenAt >= SILENT_MS);
  const off = all.filter(
    ({ online, status, lastSeenAt }) =>
      online && status !== null && Math.abs(status.sentAt - lastSeenAt) >= CLOCK_OFF_MS,
  );
  const other = all.filter(({ online, status }) => online && status !== null && status.version !== version);
  const warn = (found: readonly { site: string; agent: string }[], what: string, todo: string): Finding[] =>
    found.length === 0 ? [] : [{ group, level: "warn", what: `${what}: ${named(found.map(nameOf))}`, todo }];
  return [
    { group, level: "ok", what: `${all.length} agents, ${all.filter(({ online }) => online).length} online` },
    ...warn(
      silent,
      `silent for ${writeDuration(SILENT_MS)} or longer`,
      "on their hosts: aislewatch-agent doctor; of a closed store: aislewatch agents remove SITE/AGENT",
    ),
    ...warn(off, "with a clock that is off by two minutes or more", "set their hosts' clocks by a time server"),
    ...warn(other, `of another version than this one, ${version}`, "install this version there, collector first"),
  ];
}

const named = (names: readonly string[]): string =>
  `${names.slice(0, NAMED_MAX).join(", ")}${names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : ""}`;

/** DuckDB's own file, of which a second process can read no more than its head (four bytes of check sum and place before it). */
const MAGIC = { at: 8, text: "DUCK" } as const;

export async function seriesFindings({ data, influxdb }: CollectorConfig, nowMs: number): Promise<Finding[]> {
  const group = "time-series store";
  if (influxdb !== null) {
    const { protocol, hostname, port } = new URL(influxdb.url);
    const isTls = protocol === "https:";
    return inspectEndpoint(
      {
        ...{ group, host: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port || (isTls ? 443 : 80)) },
        ...{ tls: isTls ? { ca: influxdb.ca, serverName: null } : null, timeoutMs: CONNECT_MS_MAX },
      },
      nowMs,
    );
  }
  const file = join(data, SERIES_FILE);
  if (!existsSync(file))
    return [{ group, level: "warn", what: `${file} is not there`, todo: "the first start makes it" }];
  const size = sizeText(statSync(file).size);
  return headOf(file) === MAGIC.text
    ? [{ group, level: "ok", what: `${file}: ${size}; the collector reads it through as it starts` }]
    : [
        {
          ...{ group, level: "fail", what: `${file} is no file of DuckDB` },
          todo: "stop the collector and move it away: history starts anew, and incidents are not in it",
        },
      ];
}

function headOf(file: string): string {
  let open: number | null = null;
  try {
    open = openSync(file, "r");
    const head = Buffer.alloc(MAGIC.text.length);
    readSync(open, head, 0, head.length, MAGIC.at);
    return head.toString("latin1");
  } catch {
    return "";
  } finally {
    if (open !== null) closeSync(open);
  }
}
