import { parseArgs } from "node:util";
import type { components, paths } from "@aislewatch/api";
import { alignedTable } from "@aislewatch/runtime";
import { formatAge } from "./age.ts";
import { parseSince } from "./audit.ts";
import { connect, findConnection, orThrow } from "./client.ts";
import { EXIT, type ExitCode, print, printJson, UsageError } from "./command.ts";

export const reportHelp = `Usage: aislewatch report [options]

  The figures of the incidents that were opened in a time, and what was open at its end. docs/reports.md says what each
  of them counts.

      --from WHEN           12h or 30d before now, or a date such as 2026-11-01 (default: 30 days before --to)
      --to WHEN             the same; not in it any more (default: now)
      --by GROUPING         a line for each site, kind, vendor, model or hour (of the week, by the clock in the store)
      --site SITE           only this site
      --kind KIND           only of this kind of device
      --priority P1,P2      only these
      --csv                 for spreadsheets: a row for all, and one for each group
      --json                for scripts: the API's own answer
      --url URL             the collector (default: AISLEWATCH_URL, or the demo's)
      --folder DIR          the demo's folder (default: .aislewatch)
`;

type IncidentReport = components["schemas"]["IncidentReport"];
type Figures = components["schemas"]["Figures"];
type Spread = components["schemas"]["Spread"];
type Query = NonNullable<paths["/api/v1/report"]["get"]["parameters"]["query"]>;
type Grouping = NonNullable<Query["by"]>;

const GROUPINGS: readonly Grouping[] = ["none", "site", "kind", "vendor", "model", "hour"];
/** More are in --csv. */
const GROUPS_SHOWN = 50;
const UNKNOWN = "–";

export async function report(args: string[]): Promise<ExitCode> {
  const { values } = parseArgs({
    args,
    options: {
      from: { type: "string" },
      to: { type: "string" },
      by: { type: "string" },
      site: { type: "string" },
      kind: { type: "string" },
      priority: { type: "string" },
      csv: { type: "boolean" },
      json: { type: "boolean" },
      url: { type: "string" },
      folder: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    print(reportHelp);
    return EXIT.ok;
  }
  if (values.csv && values.json) throw new UsageError("--csv or --json, not both");
  const query = reportQuery(values, Date.now());
  const api = connect(findConnection(values));
  if (values.csv) {
    const params = { query: { ...query, format: "csv" as const } };
    print(String(orThrow(await api.GET("/api/v1/report", { params, parseAs: "text" }))));
    return EXIT.ok;
  }
  const params = { query: { ...query, format: "json" as const } };
  const answer = orThrow(await api.GET("/api/v1/report", { params }));
  if (typeof answer === "string") throw new TypeError("the collector answered with text");
  if (values.json) printJson(answer);
  else print(reportText(answer));
  return EXIT.ok;
}

type Words = Readonly<Partial<Record<"from" | "to" | "by" | "site" | "kind" | "priority", string | undefined>>>;

/** What the API is asked; throws a UsageError on wrong words. */
export function reportQuery({ from, to, by, site, kind, priority }: Words, nowMs: number): Query {
  const grouping = by === undefined ? undefined : GROUPINGS.find((one) => one === by);
  if (by !== undefined && grouping === undefined)
    throw new UsageError(`--by takes ${GROUPINGS.slice(1).join(", ")}, not "${by}"`);
  return {
    ...(from !== undefined && { from: parseSince(from, nowMs, "--from") }),
    ...(to !== undefined && { to: parseSince(to, nowMs, "--to") }),
    ...(grouping !== undefined && { by: grouping }),
    ...(site !== undefined && { site }),
    ...(kind !== undefined && { kind }),
    ...(priority !== undefined && { priority }),
  };
}

/** For people: all in one, then a line for each group. What is not known is a dash, and never 0. */
export function reportText(answer: IncidentReport): string {
  const { from, to, by, all, groups, groupsLeftOut, remaking } = answer;
  const at = (ms: number): string => new Date(ms).toLocaleString();
  const { incidents, unacknowledged, backlog, penalties } = all;
  const text = [
    `${at(from)} – ${at(to)}: ${incidents.opened} opened; of these ${incidents.open} open, ${incidents.resolved} resolved, ` +
      `${incidents.cancelled} cancelled, ${incidents.merged} merged.\n\n`,
    alignedTable([["TIME TO", "N", "MEDIAN", "P90"], ...timeRows(all)], [1, 2, 3]),
    "\n",
    alignedTable([["SHARE", "N", "OF", ""], ...shareRows(all)], [1, 2, 3]),
    `\nNot acknowledged: ${unacknowledged.open} open, ${unacknowledged.over} over. Open at the end: ${backlogText(backlog)}\n`,
    ...penalties.map(
      (one) => `Penalties: ${one.currency} ${one.amount.toFixed(2)}, of ${one.incidents} of the incidents.\n`,
    ),
  ];
  if (by !== "none") text.push("\n", groupsText(groups, by, groupsLeftOut));
  if (remaking !== null)
    text.push(`\nThe past is counted anew, ${remaking.done} incidents so far: figures of it may still change.\n`);
  return text.join("");
}

const timeRows = (figures: Figures): string[][] => [
  ["detect", ...spreadCells(figures.detect)],
  ["acknowledge", ...spreadCells(figures.acknowledge)],
  ["restore", ...spreadCells(figures.restore)],
  ["resolve", ...spreadCells(figures.resolve)],
  ["resolve, without pauses", ...spreadCells(figures.resolveUnpaused)],
  ["the next failure", ...spreadCells(figures.betweenFailures.gaps)],
];

const spreadCells = ({ n, medianMs, p90Ms }: Spread): string[] => [String(n), duration(medianMs), duration(p90Ms)];

function shareRows({ firstLine, selfRecovered, reopened, sla }: Figures): string[][] {
  const clock = (name: "response" | "restore" | "vendor"): string[] => {
    const { met, breached, share } = sla[name];
    return [`${name} in time`, String(met), String(met + breached), percent(share)];
  };
  const of = (name: string, one: Figures["firstLine"]): string[] => [
    ...[name, String(one.n), String(one.of), percent(one.share)],
  ];
  return [
    of("solved in the first line", firstLine),
    of("recovered by itself", selfRecovered),
    of("reopened", reopened),
    ...[clock("response"), clock("restore"), clock("vendor")],
  ];
}

function backlogText({ total, byAge }: Figures["backlog"]): string {
  if (total === 0) return "none.";
  const ages = byAge.map(({ upTo, byPriority }) => ({
    age: upTo === "older" ? "older" : `up to ${upTo}`,
    count: Object.values(byPriority).reduce((sum, one) => sum + one, 0),
  }));
  return `${total} (${ages.flatMap(({ age, count }) => (count > 0 ? [`${count} ${age}`] : [])).join(", ")}).`;
}

const GROUP_HEAD = [
  "OPENED",
  "OPEN",
  "ACKNOWLEDGE",
  "P90",
  "RESTORE",
  "P90",
  "RESOLVE",
  "P90",
  "IN TIME",
  "FIRST LINE",
];

function groupsText(groups: IncidentReport["groups"], by: Grouping, leftOut: number): string {
  if (groups.length === 0) return "No groups: there were no incidents.\n";
  const both = ({ medianMs, p90Ms }: Spread): string[] => [duration(medianMs), duration(p90Ms)];
  // A week has more hours than that, and is read as a whole.
  const shown = by === "hour" ? groups : groups.slice(0, GROUPS_SHOWN);
  const rows = shown.map(({ key, figures }) => [
    keyText(key),
    String(figures.incidents.opened),
    String(figures.incidents.open),
    ...both(figures.acknowledge),
    ...both(figures.restore),
    ...both(figures.resolve),
    percent(figures.sla.restore.share),
    percent(figures.firstLine.share),
  ]);
  const more = groups.length - shown.length + leftOut;
  const table = alignedTable([[by.toUpperCase(), ...GROUP_HEAD], ...rows], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  return more > 0 ? `${table}… ${more} more: --csv\n` : table;
}

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Vendors and models are a device's own words: nothing of them may steer the terminal. */
function keyText(key: string | number | null): string {
  if (key === null) return UNKNOWN;
  if (typeof key === "string") return key.replaceAll(/\p{Cc}/gu, " ");
  return `${DAYS[Math.floor(key / 24)] ?? ""} ${String(key % 24).padStart(2, "0")}:00`;
}

const duration = (ms: number | null): string => (ms === null ? UNKNOWN : ms < 1_000 ? "0 s" : formatAge(ms));
const percent = (share: number | null): string => (share === null ? UNKNOWN : `${(share * 100).toFixed(1)} %`);
