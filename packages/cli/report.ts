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
      --by GROUPING         a line for each site, kind, vendor, model, slot, rule or hour (of the week, by the clock in
                            the store); without it, what stands out: models, slots and rules
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

const GROUPINGS: readonly Grouping[] = ["none", "site", "kind", "vendor", "model", "hour", "rule", "slot"];
/** More are in --csv. */
const GROUPS_SHOWN = 50;
/** Of what stands out, when nothing is asked for. */
const OUTSTANDING = 5;
/** Of as many the worst models are chosen: the API names groups by their incidents. */
const CONSIDERED = 200;
/** Below this a percentage says more about chance than about the thing. */
const SAMPLE_MIN = 5;
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
  const beside = query.by === undefined || query.by === "none" ? { tables: "model,slot,rule", top: CONSIDERED } : {};
  const params = { query: { ...query, ...beside, parts: "before", format: "json" as const } };
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
  const { from, to, by, all, before, groups, groupsLeftOut, tables, coverage, remaking } = answer;
  const at = (ms: number): string => new Date(ms).toLocaleString();
  const { incidents, unacknowledged, backlog, penalties } = all;
  const text = [
    `${at(from)} – ${at(to)}: ${incidents.opened} opened; of these ${incidents.open} open, ${incidents.resolved} resolved, ` +
      `${incidents.cancelled} cancelled, ${incidents.merged} merged.\n`,
    before === null ? "\n" : `In the time before, which is as long: ${before.incidents.opened} opened.\n\n`,
    alignedTable([["TIME TO", "N", "MEDIAN", "P90", "BEFORE"], ...timeRows(all, before)], [1, 2, 3, 4]),
    "\n",
    alignedTable([["SHARE", "N", "OF", "", "BEFORE"], ...shareRows(all, before)], [1, 2, 3, 4]),
    `\n${failuresText(all.betweenFailures)}\n`,
    `Not acknowledged: ${unacknowledged.open} open, ${unacknowledged.over} over. Open at the end: ${backlogText(backlog)}\n`,
    ...penalties.map(
      (one) => `Penalties: ${one.currency} ${one.amount.toFixed(2)}, of ${one.incidents} of the incidents.\n`,
    ),
    `Devices that answer now: ${coverage.n} of ${coverage.of}.\n`,
  ];
  for (const table of tables) text.push(outstandingText(table));
  if (by !== "none") text.push("\n", groupsText(groups, by, groupsLeftOut));
  if (remaking !== null)
    text.push(`\nThe past is counted anew, ${remaking.done} incidents so far: figures of it may still change.\n`);
  return text.join("");
}

const TIMES: readonly (readonly [name: string, of: (figures: Figures) => Spread])[] = [
  ["detect", ({ detect }) => detect],
  ["acknowledge", ({ acknowledge }) => acknowledge],
  ["restore", ({ restore }) => restore],
  ["resolve", ({ resolve }) => resolve],
  ["resolve, without pauses", ({ resolveUnpaused }) => resolveUnpaused],
  ["the next failure", ({ betweenFailures }) => betweenFailures.gaps],
];

const timeRows = (figures: Figures, before: Figures | null): string[][] =>
  TIMES.map(([name, of]) => [
    ...[name, ...spreadCells(of(figures))],
    before === null ? UNKNOWN : duration(of(before).medianMs),
  ]);

const spreadCells = ({ n, medianMs, p90Ms }: Spread): string[] => [String(n), duration(medianMs), duration(p90Ms)];

const SHARES: readonly (readonly [name: string, of: (figures: Figures) => Share])[] = [
  ["solved in the first line", ({ firstLine }) => firstLine],
  ["recovered by itself", ({ selfRecovered }) => selfRecovered],
  ["reopened", ({ reopened }) => reopened],
  ["response in time", ({ sla }) => attained(sla.response)],
  ["restore in time", ({ sla }) => attained(sla.restore)],
  ["vendor in time", ({ sla }) => attained(sla.vendor)],
  ["false positives", ({ noise }) => noise.falsePositives],
];

type Share = { readonly n: number; readonly of: number };
const attained = ({ met, breached }: Figures["sla"]["restore"]): Share => ({ n: met, of: met + breached });

const shareRows = (figures: Figures, before: Figures | null): string[][] =>
  SHARES.map(([name, of]) => {
    const share = of(figures);
    return [
      name,
      String(share.n),
      String(share.of),
      shareText(share),
      before === null ? UNKNOWN : shareText(of(before)),
    ];
  });

function failuresText({ failures, measured, meanMs, deviceMs, rate }: Figures["betweenFailures"]): string {
  if (deviceMs === null) return `Failures: ${failures}. Between failures: not known, no device was there.`;
  const mean = `Between failures: ${duration(meanMs)} of trading hours`;
  return `Failures: ${failures}. ${mean}; ${measured} in ${days(deviceMs)} device-days, in 1,000 of these ${rateText(rate)}.`;
}

/** What a table of the page has, the worst of it. */
function outstandingText({ by, groups, leftOut }: IncidentReport["tables"][number]): string {
  const known = groups.filter(({ key }) => key !== null);
  if (by === "model") known.sort((a, b) => rateOf(b.figures) - rateOf(a.figures));
  const shown = known.filter((one) => isOutstanding(one.figures, by)).slice(0, OUTSTANDING);
  if (shown.length === 0) return "";
  return `\n${tableText(shown, by)}${known.length + leftOut > shown.length ? `… all of them: --by ${by}\n` : ""}`;
}

const rateOf = ({ betweenFailures: { rate } }: Figures): number => rate?.value ?? -1;

const isOutstanding = ({ betweenFailures: { measured }, incidents }: Figures, by: string): boolean =>
  by === "model" ? measured > 0 : by === "slot" ? incidents.opened > 1 : true;

function backlogText({ total, byAge }: Figures["backlog"]): string {
  if (total === 0) return "none.";
  const ages = byAge.map(({ upTo, byPriority }) => ({
    age: upTo === "older" ? "older" : `up to ${upTo}`,
    count: Object.values(byPriority).reduce((sum, one) => sum + one, 0),
  }));
  return `${total} (${ages.flatMap(({ age, count }) => (count > 0 ? [`${count} ${age}`] : [])).join(", ")}).`;
}

type Column = readonly [head: string, of: (figures: Figures) => string];

const OPENED: Column = ["OPENED", ({ incidents }) => String(incidents.opened)];
const OPEN: Column = ["OPEN", ({ incidents }) => String(incidents.open)];
const USUAL: readonly Column[] = [
  OPENED,
  OPEN,
  ["ACKNOWLEDGE", ({ acknowledge }) => duration(acknowledge.medianMs)],
  ["P90", ({ acknowledge }) => duration(acknowledge.p90Ms)],
  ["RESTORE", ({ restore }) => duration(restore.medianMs)],
  ["P90", ({ restore }) => duration(restore.p90Ms)],
  ["RESOLVE", ({ resolve }) => duration(resolve.medianMs)],
  ["P90", ({ resolve }) => duration(resolve.p90Ms)],
  ["IN TIME", ({ sla }) => shareText(attained(sla.restore))],
  ["FIRST LINE", ({ firstLine }) => shareText(firstLine)],
];
const FAILURES: readonly Column[] = [
  OPENED,
  ["FAILURES", ({ betweenFailures }) => String(betweenFailures.measured)],
  ["DEVICE-DAYS", ({ betweenFailures }) => days(betweenFailures.deviceMs)],
  ["IN 1,000 (95 %)", ({ betweenFailures }) => rateText(betweenFailures.rate)],
  ["BETWEEN", ({ betweenFailures }) => duration(betweenFailures.meanMs)],
  ["RESTORE", ({ restore }) => duration(restore.medianMs)],
];
const COLUMNS: Readonly<Partial<Record<Grouping, readonly Column[]>>> = {
  site: [...USUAL, ["PENALTIES", ({ penalties }) => penaltyText(penalties)]],
  vendor: FAILURES,
  model: FAILURES,
  slot: [
    ...[OPENED, OPEN],
    ["FAILURES", ({ betweenFailures }) => String(betweenFailures.failures)],
    ["MEDIAN GAP", ({ betweenFailures }) => duration(betweenFailures.gaps.medianMs)],
    ["REOPENED", ({ reopened }) => String(reopened.n)],
  ],
  rule: [
    OPENED,
    ["FIRED", ({ noise }) => String(noise.fires)],
    ["CALLED", ({ noise }) => String(noise.calls)],
    ["FALSE", ({ noise }) => shareText(noise.falsePositives)],
    ["LIFE", ({ noise }) => duration(noise.life.medianMs)],
    ["BY ITSELF", ({ selfRecovered }) => shareText(selfRecovered)],
  ],
};

function groupsText(groups: IncidentReport["groups"], by: Grouping, leftOut: number): string {
  if (groups.length === 0) return "No groups: there were no incidents.\n";
  // A week has more hours than that, and is read as a whole.
  const shown = by === "hour" ? groups : groups.slice(0, GROUPS_SHOWN);
  const more = groups.length - shown.length + leftOut;
  const table = tableText(shown, by);
  return more > 0 ? `${table}… ${more} more: --csv\n` : table;
}

function tableText(groups: IncidentReport["groups"], by: Grouping): string {
  const columns = COLUMNS[by] ?? USUAL;
  const rows = groups.map(({ key, figures }) => [keyText(key), ...columns.map(([, of]) => of(figures))]);
  const right = columns.map((_, index) => index + 1);
  return alignedTable([[by.toUpperCase(), ...columns.map(([head]) => head)], ...rows], right);
}

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Vendors and models are a device's own words: nothing of them may steer the terminal. */
function keyText(key: string | number | null): string {
  if (key === null) return UNKNOWN;
  if (typeof key === "string") return key.replaceAll(/\p{Cc}/gu, " ");
  return `${DAYS[Math.floor(key / 24)] ?? ""} ${String(key % 24).padStart(2, "0")}:00`;
}

const duration = (ms: number | null): string => (ms === null ? UNKNOWN : ms < 1_000 ? "0 s" : formatAge(ms));
const days = (ms: number | null): string => (ms === null ? UNKNOWN : Math.round(ms / 86_400_000).toString());
const penaltyText = (penalties: Figures["penalties"]): string =>
  penalties.map(({ currency, amount }) => `${currency} ${amount.toFixed(2)}`).join(", ") || UNKNOWN;
const rateText = (rate: Figures["betweenFailures"]["rate"]): string =>
  rate === null ? UNKNOWN : `${rate.value.toFixed(1)} (${rate.low.toFixed(1)}–${rate.high.toFixed(1)})`;

function shareText({ n, of }: Share): string {
  if (of === 0) return UNKNOWN;
  return of < SAMPLE_MIN ? `${n} of ${of}` : `${((n / of) * 100).toFixed(1)} %`;
}
