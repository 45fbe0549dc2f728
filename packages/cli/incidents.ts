import { parseArgs } from "node:util";
import type { components } from "@aislewatch/api";
import { alignedTable, oneLine } from "@aislewatch/runtime";
import { type Api, connect, findConnection, orThrow } from "./client.ts";
import { EXIT, type ExitCode, print, printJson, UsageError, unknownCommand } from "./command.ts";
import {
  ACTION_OPTIONS,
  ACTIONS,
  ACTIONS_HELP,
  type ActionWords,
  actionOf,
  incidentId,
  isAction,
} from "./incident-actions.ts";
import { HEAD, marks, subjectOf } from "./incident-rows.ts";
import { standingLines } from "./incident-standing.ts";
import { childrenTable, treeLines, treeOf, treeRow } from "./incident-tree.ts";
import { triageLines } from "./incident-triage.ts";
import { watch } from "./incidents-watch.ts";
import { limitOf } from "./pages.ts";

export const incidentsHelp = `Usage: aislewatch incidents <command> [options]

  list                      open incidents, most urgent first
      --state STATE         open (default), all, or states separated by commas
      --priority P1,P2      only these
      --site SITE           only this site
      --kind KIND           only of this kind of device
      --review              only those that cure themselves so often that somebody should look
      --parent ID           only consequences of this one
      --fold                without what is a consequence of another one
      --search WORDS        in id, title, device, rule and assignee
      --limit N             at most so many (default 50)
      --all                 all of them, each once, by their ids
  show ID                   one incident with its triage and timeline
  handover ID               all that a field engineer needs of it: one page of plain text, to mail or print
  watch                     a line for each change, until Ctrl-C

${ACTIONS_HELP}
  bulk COMMAND ID…          the same to many, each by itself; "-" reads ids from standard input.
                            Exit code 1 when one of them refused

  --version N               only when the incident is still at this version
  --json                    for scripts: the API's own answer (watch: a JSON object a line)
  --url URL                 the collector (default: AISLEWATCH_URL, or the demo's)
  --folder DIR              the demo's folder (default: .aislewatch)
`;

type BulkResult = components["schemas"]["BulkResult"];
type BulkOptions = { readonly url?: string; readonly folder?: string };
type IncidentAction = components["schemas"]["IncidentAction"];

const COMMANDS = ["list", "show", "handover", "watch", "bulk", ...ACTIONS];

export async function incidents(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...ACTION_OPTIONS,
      state: { type: "string" },
      kind: { type: "string" },
      review: { type: "boolean" },
      parent: { type: "string" },
      fold: { type: "boolean" },
      site: { type: "string" },
      search: { type: "string" },
      limit: { type: "string" },
      all: { type: "boolean" },
      json: { type: "boolean" },
      url: { type: "string" },
      folder: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [command, ...words] = positionals;
  if (values.help || command === undefined) {
    print(incidentsHelp);
    return values.help ? EXIT.ok : EXIT.usage;
  }
  if (!COMMANDS.includes(command)) throw new UsageError(unknownCommand(command, COMMANDS));
  const json = values.json ?? false;
  if (command === "bulk") return bulk(words, values, json);
  if (isAction(command)) {
    const [id, ...rest] = words;
    const action = actionOf(command, rest, values);
    return act(connect(findConnection(values)), incidentId(id), action, json);
  }
  const [id, ...rest] = words;
  if (rest.length > 0) throw new UsageError(`one incident at a time, not also ${rest.join(" ")}`);
  const connection = findConnection(values);
  const api = connect(connection);
  if (command === "show") return show(api, incidentId(id), json);
  if (command === "handover") return handOver(api, incidentId(id), json);
  return command === "watch" ? watch(connection, api, json) : list(api, values, json);
}

/** As many as the API takes in one request. */
const BULK_MAX = 500;

async function bulk(words: string[], values: ActionWords & BulkOptions, json: boolean): Promise<ExitCode> {
  const [command = "", ...given] = words;
  if (!isAction(command)) throw new UsageError(`bulk what? ${unknownCommand(command, ACTIONS)}`);
  if (values.version !== undefined) throw new UsageError("--version is of one incident, not of many");
  const ids = given.includes("-") ? [...given.filter((id) => id !== "-"), ...(await idsOfInput())] : given;
  const incidents = [...new Set(ids.map(incidentId))].map((id) => ({ id }));
  if (incidents.length === 0) throw new UsageError("which incidents? Give their ids, or - to read them");
  const action = actionOf(command, [], values);
  const api = connect(findConnection(values));
  const results: BulkResult["results"] = [];
  for (let at = 0; at < incidents.length; at += BULK_MAX) {
    const body = { incidents: incidents.slice(at, at + BULK_MAX), action };
    results.push(...orThrow(await api.POST("/api/v1/incidents/actions", { body })).results);
  }
  if (json) printJson(results);
  else print(bulkText(results));
  return results.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed;
}

/** A line for each, and how many were refused. */
export function bulkText(results: BulkResult["results"]): string {
  const lines = results.map(({ id, ok, incident, error }) => [
    id,
    ok ? "done" : "refused",
    incident?.state.replace("_", " ") ?? "–",
    error?.message ?? incident?.title ?? "",
  ]);
  const refused = results.filter(({ ok }) => !ok).length;
  return `${alignedTable([["ID", "", "STATE", "WHAT"], ...lines])}\n${results.length - refused} done, ${refused} refused.\n`;
}

/** Words of standard input: ids, one or more a line; what a list with --json piped through jq gives. */
async function idsOfInput(): Promise<string[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks)
    .toString("utf8")
    .split(/\s+/)
    .filter((word) => word !== "");
}

type ListOptions = {
  readonly state?: string;
  readonly priority?: string;
  readonly site?: string;
  readonly kind?: string;
  readonly review?: boolean;
  readonly parent?: string;
  readonly fold?: boolean;
  readonly search?: string;
  readonly limit?: string;
  readonly all?: boolean;
};

/** What the API gives at once. */
const PAGE_MAX = 1_000;

async function list(api: Api, options: ListOptions, json: boolean): Promise<ExitCode> {
  const count = limitOf(options);
  const limit = Math.min(count, PAGE_MAX);
  if (options.fold === true && options.parent !== undefined)
    throw new UsageError("--fold leaves out what --parent asks for: give one of them");
  const query = {
    limit,
    // The most urgent ones, or all: then in an order that does not change while they are fetched.
    ...(options.all === true && { order: "id" as const }),
    ...(options.state !== undefined && { state: options.state }),
    ...(options.priority !== undefined && { priority: options.priority }),
    ...(options.site !== undefined && { site: options.site }),
    ...(options.kind !== undefined && { kind: options.kind }),
    ...(options.review === true && { review: "true" as const }),
    ...(options.fold === true && { parent: "none" }),
    ...(options.parent !== undefined && { parent: incidentId(options.parent) }),
    ...(options.search !== undefined && { q: options.search }),
  };
  const answer = orThrow(await api.GET("/api/v1/incidents", { params: { query } }));
  for (let { cursor } = answer; cursor !== null && answer.items.length < count; ) {
    const rest = Math.min(PAGE_MAX, count - answer.items.length);
    const more = orThrow(await api.GET("/api/v1/incidents", { params: { query: { ...query, limit: rest, cursor } } }));
    answer.items.push(...more.items);
    answer.cursor = cursor = more.cursor;
  }
  if (json) {
    printJson(answer);
    return EXIT.ok;
  }
  const now = Date.now();
  print(alignedTable([HEAD, ...treeOf(answer.items).map((one) => treeRow(one, now))]));
  if (answer.total > answer.items.length) print(`… ${answer.total - answer.items.length} more: --all\n`);
  if (answer.total === 0) print("No incidents match.\n");
  return EXIT.ok;
}

async function show(api: Api, id: string, json: boolean): Promise<ExitCode> {
  const detail = orThrow(await api.GET("/api/v1/incidents/{id}", { params: { path: { id } } }));
  if (json) {
    printJson(detail);
    return EXIT.ok;
  }
  const triage = orThrow(await api.GET("/api/v1/incidents/{id}/triage", { params: { path: { id } } }));
  const { incident, events, asset, runbook, work, absorbed } = detail;
  const at = (ms: number) => new Date(ms).toLocaleString();
  const lines: [string, string][] = [
    ["State", `${incident.state.replace("_", " ")}${marks(incident)}`],
    ["Priority", `${incident.priority}: ${incident.priorityWhy}`],
    ["Severity", incident.severity],
    ["Site", `${incident.siteName} (${incident.subject.site})`],
    ["Device", subjectOf(incident)],
    [
      "Asset",
      [
        asset.vendor,
        asset.model,
        asset.serial && `serial ${asset.serial}`,
        asset.firmware && `firmware ${asset.firmware}`,
      ]
        .filter(Boolean)
        .join(", ") || "–",
    ],
    ["Since", at(incident.onset)],
    ["Assigned", assignedText(incident)],
    ...(work.holdText === null ? [] : [["Waits", work.holdText] satisfies [string, string]]),
    ...(work.vendor === null
      ? []
      : [["Vendor", `${work.vendor.vendor}: ${work.vendor.ref}`] satisfies [string, string]]),
    ...(work.followUp === null ? [] : [["To do", work.followUp] satisfies [string, string]]),
    ...(absorbed.length === 0
      ? []
      : [["Merged", absorbed.map(({ id, title }) => `${id} ${title}`).join("; ")] satisfies [string, string]]),
    ...treeLines(detail),
    ["Rule", `${incident.rule}, version ${incident.ruleVersion}`],
    [
      "Values",
      Object.entries(incident.values)
        .map(([name, value]) => `${name} ${value}`)
        .join(", "),
    ],
  ];
  print(`${incident.id}  ${oneLine(incident.title)}\n\n`);
  const now = Date.now();
  for (const [name, text] of [...lines, ...standingLines(detail, now), ...triageLines(triage, now)])
    print(`  ${name.padEnd(9)} ${oneLine(text)}\n`);
  if (detail.children.total > 0) print(`\n${childrenTable(detail)}`);
  print(
    `\n${alignedTable([["WHEN", "WHO", "WHAT"], ...events.map((event) => [at(event.at), event.actor, event.text])])}`,
  );
  if (runbook !== null) print(`\n${runbook.markdown.trim()}\n`);
  return EXIT.ok;
}

async function handOver(api: Api, id: string, json: boolean): Promise<ExitCode> {
  const path = { id };
  const url = "/api/v1/incidents/{id}/handover";
  if (json) printJson(orThrow(await api.GET(url, { params: { path, query: { format: "json" } } })));
  else print(String(orThrow(await api.GET(url, { params: { path, query: { format: "text" } }, parseAs: "text" }))));
  return EXIT.ok;
}

const TIERS = ["the collector itself", "NOC", "field support", "engineering", "vendor"];

function assignedText({ assignee, group, tier }: components["schemas"]["Incident"]): string {
  const whom = [assignee ?? (group === null ? "nobody" : null), group === null ? null : `group ${group}`];
  return `${whom.filter((name) => name !== null).join(", ")}; tier ${tier} (${TIERS[tier] ?? "unknown"})`;
}

async function act(api: Api, id: string, body: IncidentAction, json: boolean): Promise<ExitCode> {
  const incident = orThrow(await api.POST("/api/v1/incidents/{id}/actions", { params: { path: { id } }, body }));
  if (json) printJson(incident);
  else print(`${incident.id} is ${incident.state.replace("_", " ")}: ${oneLine(incident.title)}\n`);
  return EXIT.ok;
}
