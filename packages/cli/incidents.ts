import { parseArgs } from "node:util";
import type { components } from "@aislewatch/api";
import { alignedTable } from "@aislewatch/runtime";
import { formatAge } from "./age.ts";
import { type Api, ApiError, type Connection, connect, findConnection, orThrow } from "./client.ts";
import { EXIT, type ExitCode, print, printJson, UsageError, unknownCommand } from "./command.ts";

export const incidentsHelp = `Usage: aislewatch incidents <command> [options]

  list                      open incidents, most urgent first
      --state STATE         open (default), all, or states separated by commas
      --priority P1,P2      only these
      --site SITE           only this site
      --search WORDS        in id, title, device, rule and assignee
      --limit N             at most so many (default 50)
  show ID                   one incident with its timeline
  ack ID                    take it in hand
  resolve ID --code CODE    ends the work on it; --text WHY is needed while the fault still stands
  watch                     a line for each change, until Ctrl-C

  --json                    for scripts: the API's own answer (watch: a JSON object a line)
  --url URL                 the collector (default: AISLEWATCH_URL, or the demo's)
  --folder DIR              the demo's folder (default: .aislewatch)
`;

type Incident = components["schemas"]["Incident"];

const COMMANDS = ["list", "show", "ack", "resolve", "watch"];

export async function incidents(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      state: { type: "string" },
      priority: { type: "string" },
      site: { type: "string" },
      search: { type: "string" },
      limit: { type: "string" },
      code: { type: "string" },
      text: { type: "string" },
      json: { type: "boolean" },
      url: { type: "string" },
      folder: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [command, id, ...rest] = positionals;
  if (values.help || command === undefined) {
    print(incidentsHelp);
    return values.help ? EXIT.ok : EXIT.usage;
  }
  if (!COMMANDS.some((known) => known === command)) throw new UsageError(unknownCommand(command, COMMANDS));
  if (rest.length > 0) throw new UsageError(`one incident at a time, not also ${rest.join(" ")}`);
  const connection = findConnection(values);
  const api = connect(connection);
  const json = values.json ?? false;
  switch (command) {
    case "list":
      return list(api, values, json);
    case "show":
      return show(api, needId(id), json);
    case "ack":
      return act(api, needId(id), { action: "acknowledge" }, json);
    case "resolve": {
      if (values.code === undefined)
        throw new UsageError("resolve needs --code: what ended it, such as consumable_replaced or restarted");
      // The server knows the codes and answers with the list when this is none of them.
      const action = {
        action: "resolve",
        code: values.code,
        text: values.text ?? null,
      } as components["schemas"]["IncidentAction"];
      return act(api, needId(id), action, json);
    }
    case "watch":
      return watch(connection, api, json);
    default:
      throw new UsageError(unknownCommand(command, COMMANDS));
  }
}

function needId(id: string | undefined): string {
  if (id === undefined) throw new UsageError("which incident? Give its id, such as INC-000012 (or just 12)");
  return /^\d+$/.test(id) ? `INC-${id.padStart(6, "0")}` : id.toUpperCase();
}

type ListOptions = { state?: string; priority?: string; site?: string; search?: string; limit?: string };

async function list(api: Api, options: ListOptions, json: boolean): Promise<ExitCode> {
  const limit = Number(options.limit ?? 50);
  if (!Number.isInteger(limit) || limit < 1)
    throw new UsageError(`--limit takes a whole number from 1, not "${options.limit}"`);
  const query = {
    limit,
    ...(options.state !== undefined && { state: options.state }),
    ...(options.priority !== undefined && { priority: options.priority }),
    ...(options.site !== undefined && { site: options.site }),
    ...(options.search !== undefined && { q: options.search }),
  };
  const answer = orThrow(await api.GET("/api/v1/incidents", { params: { query } }));
  if (json) {
    printJson(answer);
    return EXIT.ok;
  }
  const now = Date.now();
  print(
    alignedTable([
      ["ID", "PRI", "STATE", "AGE", "SITE", "DEVICE", "WHAT"],
      ...answer.items.map((incident) => row(incident, now)),
    ]),
  );
  if (answer.total > answer.items.length)
    print(`… ${answer.total - answer.items.length} more: --limit ${answer.total}\n`);
  if (answer.total === 0) print("No incidents match.\n");
  return EXIT.ok;
}

const row = (incident: Incident, now: number): string[] => [
  incident.id,
  incident.priority,
  incident.state.replace("_", " "),
  formatAge(now - incident.openedAt),
  incident.subject.site,
  subjectOf(incident),
  `${incident.title}${marks(incident)}`,
];

const subjectOf = ({ subject }: Incident): string =>
  subject.device === null
    ? "(whole site)"
    : `${subject.device}${subject.component === null ? "" : `#${subject.component}`}`;

function marks({ recoveredAt, suppressedBy, stale, retroactive, recurrences, ...planned }: Incident): string {
  const { flapping, inactiveHours, maintenance } = planned;
  const words = [
    ...(recoveredAt !== null ? ["recovered"] : []),
    ...(suppressedBy !== null ? [`behind ${suppressedBy}`] : []),
    ...(flapping ? ["flapping"] : []),
    ...(maintenance !== null ? [`maintenance: ${maintenance}`] : []),
    ...(inactiveHours ? ["outside its hours"] : []),
    ...(stale ? ["state unknown"] : []),
    ...(retroactive ? ["found afterwards"] : []),
    ...(recurrences > 0 ? [`came back ${recurrences}×`] : []),
  ];
  return words.length > 0 ? ` (${words.join(", ")})` : "";
}

async function show(api: Api, id: string, json: boolean): Promise<ExitCode> {
  const detail = orThrow(await api.GET("/api/v1/incidents/{id}", { params: { path: { id } } }));
  if (json) {
    printJson(detail);
    return EXIT.ok;
  }
  const { incident, events, asset, runbook } = detail;
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
    ["Assigned", incident.assignee ?? "nobody"],
    ["Rule", `${incident.rule}, version ${incident.ruleVersion}`],
    [
      "Values",
      Object.entries(incident.values)
        .map(([name, value]) => `${name} ${value}`)
        .join(", "),
    ],
  ];
  print(`${incident.id}  ${incident.title}\n\n`);
  for (const [name, text] of lines) print(`  ${name.padEnd(9)} ${text}\n`);
  print(
    `\n${alignedTable([["WHEN", "WHO", "WHAT"], ...events.map((event) => [at(event.at), event.actor, event.text])])}`,
  );
  if (runbook !== null) print(`\n${runbook.markdown.trim()}\n`);
  return EXIT.ok;
}

async function act(
  api: Api,
  id: string,
  body: components["schemas"]["IncidentAction"],
  json: boolean,
): Promise<ExitCode> {
  const incident = orThrow(await api.POST("/api/v1/incidents/{id}/actions", { params: { path: { id } }, body }));
  if (json) printJson(incident);
  else print(`${incident.id} is ${incident.state.replace("_", " ")}: ${incident.title}\n`);
  return EXIT.ok;
}

/** How long silence may last: the stream beats every 5 seconds. */
const SILENCE_MS_MAX = 15_000;
const RECONNECT_MS = 2_000;

/** Follows the stream; a lost connection is said and tried again, and the list is the way to what was missed. */
async function watch(connection: Connection, api: Api, json: boolean): Promise<ExitCode> {
  const stopped = new AbortController();
  process.once("SIGINT", () => stopped.abort());
  orThrow(await api.GET("/api/v1/me"));
  while (!stopped.signal.aborted) {
    try {
      await follow(connection, stopped.signal, json);
    } catch (thrown) {
      if (stopped.signal.aborted) break;
      process.stderr.write(
        `Connection lost (${thrown instanceof Error ? thrown.message : String(thrown)}); trying again …\n`,
      );
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    }
  }
  return EXIT.ok;
}

async function follow({ url, token }: Connection, stop: AbortSignal, json: boolean): Promise<void> {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(new Error("nothing heard")), SILENCE_MS_MAX);
  try {
    const response = await fetch(`${url}/api/v1/stream`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.any([stop, silent.signal]),
    });
    if (!response.ok || response.body === null) throw new ApiError(`HTTP ${response.status}`);
    let buffer = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(new Error("nothing heard")), SILENCE_MS_MAX);
      const frames = (buffer + chunk).split("\n\n");
      buffer = frames.pop() ?? "";
      for (const frame of frames) showFrame(frame, json);
    }
    throw new Error("the collector ended the stream");
  } finally {
    clearTimeout(timer);
  }
}

function showFrame(frame: string, json: boolean): void {
  const data = frame
    .split("\n")
    .flatMap((line) => (line.startsWith("data:") ? [line.slice(5).trim()] : []))
    .join("\n");
  if (data === "") return;
  const event = JSON.parse(data) as { type: string; incident?: Incident };
  if (event.type !== "incident" || event.incident === undefined) return;
  if (json) print(`${JSON.stringify(event.incident)}\n`);
  else print(`${new Date().toLocaleTimeString()}  ${row(event.incident, Date.now()).join("  ")}\n`);
}
