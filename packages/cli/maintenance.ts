import { parseArgs } from "node:util";
import type { components, paths } from "@aislewatch/api";
import { alignedTable } from "@aislewatch/runtime";
import { type Api, connect, findConnection, orThrow } from "./client.ts";
import { EXIT, type ExitCode, print, printJson, UsageError, unknownCommand } from "./command.ts";

export const maintenanceHelp = `Usage: aislewatch maintenance <command> [options]

  list                      windows: planned, running, and those of the last days
  add                       plans one: what fails in it is recorded and calls nobody
      --reason TEXT         why; people see it beside the incidents
      --site SITE           and --device ID, --kind KIND, --label NAME=VALUE: what it concerns; each more than once,
                            all that is named must fit. Without any it concerns everything
      --for 2h              from now on; or
      --from TIME --to TIME ISO 8601 with a zone: 2026-11-30T22:00Z; or
      --weekly mon,sun --at 03:00-04:00
                            every week, by the clock of each site (--time-zone ZONE: by that one)
  change ID                 the same options: what is not given stays as it is
  end ID                    ends a window now, drops one that has not begun; one of every week goes for good

  --json                    for scripts: the API's own answer
  --url URL                 the collector (default: AISLEWATCH_URL, or the demo's)
  --folder DIR              the demo's folder (default: .aislewatch)
`;

type Window = components["schemas"]["MaintenanceWindow"];
type Day = Window["weekly"][number]["day"];

const COMMANDS = ["list", "add", "change", "end"];
const DAYS: readonly Day[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

export async function maintenance(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      reason: { type: "string" },
      site: { type: "string", multiple: true },
      device: { type: "string", multiple: true },
      kind: { type: "string", multiple: true },
      label: { type: "string", multiple: true },
      for: { type: "string" },
      from: { type: "string" },
      to: { type: "string" },
      weekly: { type: "string" },
      at: { type: "string" },
      "time-zone": { type: "string" },
      json: { type: "boolean" },
      url: { type: "string" },
      folder: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [command, id, ...rest] = positionals;
  if (values.help || command === undefined) {
    print(maintenanceHelp);
    return values.help ? EXIT.ok : EXIT.usage;
  }
  if (!COMMANDS.includes(command)) throw new UsageError(unknownCommand(command, COMMANDS));
  if (rest.length > 0) throw new UsageError(`one window at a time, not also ${rest.join(" ")}`);
  const json = values.json ?? false;
  if (command === "add") {
    const body = requestOf(values, Date.now());
    const api = connect(findConnection(values));
    return told(orThrow(await api.POST("/api/v1/maintenance", { body })), json);
  }
  if (command === "list") return list(connect(findConnection(values)), json);
  if (id === undefined) throw new UsageError("which window? aislewatch maintenance list has the ids");
  const api = connect(findConnection(values));
  if (command === "change") {
    const window = orThrow(await api.GET("/api/v1/maintenance")).find((each) => each.id === id);
    if (window === undefined) throw new UsageError(`there is no window ${id}; aislewatch maintenance list has the ids`);
    const body = changeOf(window, values, Date.now());
    return told(orThrow(await api.PUT("/api/v1/maintenance/{id}", { params: { path: { id } }, body })), json);
  }
  return told(orThrow(await api.POST("/api/v1/maintenance/{id}/end", { params: { path: { id } } })), json);
}

type Given = {
  readonly reason?: string | undefined;
  readonly site?: string[] | undefined;
  readonly device?: string[] | undefined;
  readonly kind?: string[] | undefined;
  readonly label?: string[] | undefined;
  readonly for?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly weekly?: string | undefined;
  readonly at?: string | undefined;
  readonly "time-zone"?: string | undefined;
};

type Body = paths["/api/v1/maintenance"]["post"]["requestBody"]["content"]["application/json"];

/** What was asked for, in the words of the API; throws UsageError. */
export function requestOf(given: Given, nowMs: number): Body {
  const { reason } = given;
  if (reason === undefined || reason.trim() === "") throw new UsageError("say why: --reason TEXT");
  return { reason, where: placeOf(given), ...timeOf(given, nowMs) };
}

/** The window with what was given in the place of what it had; throws UsageError. */
export function changeOf(window: Window, given: Given, nowMs: number): Body {
  const { site, device, kind, label } = given;
  const isPlaced = [site, device, kind, label].some((named) => named !== undefined);
  const isTimed = TIMES.some((option) => given[option] !== undefined);
  return {
    reason: given.reason ?? window.reason,
    where: isPlaced ? placeOf(given) : placeOfWindow(window),
    ...(isTimed ? timeOf(given, nowMs) : timeOfWindow(window)),
  };
}

const TIMES = ["for", "from", "to", "weekly", "at", "time-zone"] as const;

function placeOfWindow({ where: { site, device, kind, labels } }: Window): Body["where"] {
  return {
    ...(site !== null && { site }),
    ...(device !== null && { device }),
    ...(kind !== null && { kind: kind as NonNullable<Body["where"]["kind"]> }),
    ...(Object.keys(labels).length > 0 && { labels }),
  };
}

function timeOfWindow({ from, to, weekly, timeZone }: Window): Pick<Body, "from" | "to" | "weekly"> {
  if (from !== null && to !== null) return { from, to };
  const [first] = weekly;
  if (first === undefined || weekly.some((span) => span.from !== first.from || span.to !== first.to)) {
    throw new UsageError("its hours differ from day to day: say anew when, --weekly with --at");
  }
  const days = weekly.map(({ day }) => day);
  return { weekly: { days, from: first.from, to: first.to, ...(timeZone !== null && { timeZone }) } };
}

function placeOf(given: Given): Body["where"] {
  const { site, device, kind } = given;
  const labels = labelsOf(given.label ?? []);
  return {
    ...(site !== undefined && { site }),
    ...(device !== undefined && { device }),
    // The API knows the kinds, and says which there are.
    ...(kind !== undefined && { kind: kind as NonNullable<Body["where"]["kind"]> }),
    ...(labels !== null && { labels }),
  };
}

function labelsOf(written: readonly string[]): Record<string, string[]> | null {
  const labels: Record<string, string[]> = {};
  for (const label of written) {
    const at = label.indexOf("=");
    if (at <= 0) throw new UsageError(`--label NAME=VALUE, not ${label}`);
    const name = label.slice(0, at);
    labels[name] = [...(labels[name] ?? []), label.slice(at + 1)];
  }
  return written.length === 0 ? null : labels;
}

function timeOf(given: Given, nowMs: number): Pick<Body, "from" | "to" | "weekly"> {
  const { for: lasting, from, to, weekly, at, "time-zone": timeZone } = given;
  const ways = [lasting, to ?? from, weekly].filter((way) => way !== undefined);
  if (ways.length !== 1) throw new UsageError("say when: --for 2h, or --from and --to, or --weekly with --at");
  if (weekly !== undefined) return { weekly: weeklyOf(weekly, at, timeZone) };
  if (lasting !== undefined) {
    const match = /^(\d+)(m|h|d)$/.exec(lasting);
    if (match === null) throw new UsageError(`--for 30m, 2h or 1d, not ${lasting}`);
    return { from: nowMs, to: nowMs + Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? 0) };
  }
  if (to === undefined) throw new UsageError("say when it ends: --to TIME");
  return { ...(from !== undefined && { from: timeMs(from) }), to: timeMs(to) };
}

function weeklyOf(days: string, at: string | undefined, timeZone: string | undefined): NonNullable<Body["weekly"]> {
  const span = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(at ?? "");
  const [, from, to] = span ?? [];
  if (from === undefined || to === undefined) throw new UsageError("--weekly needs --at 03:00-04:00");
  const asked = days.split(",");
  const known = DAYS.filter((day) => asked.includes(day));
  if (known.length !== asked.length) throw new UsageError(`--weekly ${DAYS.join(",")}, not ${days}`);
  return { days: known, from, to, ...(timeZone !== undefined && { timeZone }) };
}

function timeMs(text: string): number {
  const at = /(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw new UsageError(`a time with its zone, as 2026-11-30T22:00Z, not ${text}`);
  return at;
}

async function list(api: Api, json: boolean): Promise<ExitCode> {
  const found = orThrow(await api.GET("/api/v1/maintenance"));
  if (json) printJson(found);
  else print(found.length === 0 ? "No maintenance is planned.\n" : listText(found));
  return EXIT.ok;
}

function told(window: Window, json: boolean): ExitCode {
  if (json) printJson(window);
  else print(listText([window]));
  return EXIT.ok;
}

/** One line a window. */
export function listText(found: readonly Window[]): string {
  const rows = found.map((window) => [
    window.id,
    window.state,
    whenText(window),
    whereText(window),
    window.by,
    window.reason,
  ]);
  return alignedTable([["ID", "STATE", "WHEN", "WHERE", "BY", "WHY"], ...rows]);
}

function whenText({ from, to, weekly, timeZone }: Window): string {
  if (from !== null && to !== null) return `${isoMinute(from)} to ${isoMinute(to)}`;
  const spans = weekly.map(({ day, ...span }) => `${day} ${span.from}-${span.to}`);
  return `${spans.join(", ")}${timeZone === null ? "" : ` ${timeZone}`}`;
}

const isoMinute = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16)}Z`;

function whereText({ where: { site, device, kind, labels } }: Window): string {
  const parts = [
    ...[site, device, kind].flatMap((names) => (names === null ? [] : [names.join(",")])),
    ...Object.entries(labels).map(([name, values]) => `${name}=${values.join(",")}`),
  ];
  return parts.length === 0 ? "everything" : parts.join(" ");
}
