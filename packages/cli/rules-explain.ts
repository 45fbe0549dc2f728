/** `aislewatch rules explain`: why a rule fires on a device, or why not, as a collector sees it or saw it. */
import type { components } from "@aislewatch/api";
import { alignedTable } from "@aislewatch/runtime";
import { formatAge } from "./age.ts";
import { connect, findConnection, orThrow } from "./client.ts";
import { EXIT, type ExitCode, print, printJson, UsageError } from "./command.ts";

export type Explanation = components["schemas"]["Explanation"];

export type ExplainOptions = {
  readonly json: boolean;
  readonly device?: string;
  readonly site?: string;
  readonly component?: string;
  readonly at?: string;
  readonly url?: string;
};

export async function explain(rule: string | undefined, options: ExplainOptions): Promise<ExitCode> {
  if (rule === undefined)
    throw new UsageError("which rule? For example: aislewatch rules explain media-low --device SITE/DEVICE");
  const nowMs = Date.now();
  const query = { ...subjectOf(options), ...(options.at !== undefined && { at: parseTime(options.at, nowMs) }) };
  const api = connect(findConnection({ url: options.url }));
  const found = orThrow(await api.GET("/api/v1/rules/{rule}/explain", { params: { path: { rule }, query } }));
  if (options.json) printJson(found);
  else print(explanationText(found));
  return EXIT.ok;
}

type SubjectQuery = { site: string; device?: string; component?: string };

/** `SITE/DEVICE`, for a device's id may hold a `/`, a site's may not; or the device beside `--site`. */
export function subjectOf({
  device,
  site,
  component,
}: Pick<ExplainOptions, "device" | "site" | "component">): SubjectQuery {
  if (device === undefined && site === undefined)
    throw new UsageError("which device? --device SITE/DEVICE, or --site SITE for a rule over a site");
  const slash = device?.indexOf("/") ?? -1;
  if (site === undefined && slash < 1) throw new UsageError(`expected --device SITE/DEVICE; received "${device}"`);
  const named =
    site === undefined ? { site: device?.slice(0, slash) ?? "", device: device?.slice(slash + 1) } : { site, device };
  return {
    site: named.site,
    ...(named.device !== undefined && { device: named.device }),
    ...(component !== undefined && { component }),
  };
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `15m` (before now), or a date and time such as `2026-11-20T09:30`, in this machine's zone unless it names one. */
export function parseTime(text: string, nowMs: number): number {
  const ago = /^(\d+)([smhd])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * (UNIT_MS[ago[2] ?? ""] ?? 0);
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text.replace(" ", "T")) : Number.NaN;
  if (Number.isNaN(at)) throw new UsageError(`--at: expected 15m (before now) or 2026-11-20T09:30; received "${text}"`);
  return at;
}

export function explanationText(found: Explanation): string {
  const { rule, ruleVersion, subject, at, summary, conditions, facts, replayedFrom, caveats } = found;
  const { site, device, component } = subject;
  const where = [site, ...(device === null ? [] : [device]), ...(component === null ? [] : [component])].join("/");
  const when = replayedFrom === null ? "now" : `at ${clock(at)}, replayed from ${clock(replayedFrom)}`;
  const head = `${rule} on ${where}, ${when} (version ${ruleVersion.slice(0, 8)})\n\n  ${summary}\n`;
  const parts = conditions.map((condition) => conditionText(condition, at));
  const rest = facts.map(({ name, text }) => [`  ${name}`, text]);
  const notes = caveats.map((caveat) => `  ! ${caveat}\n`).join("");
  return `${head}\n${parts.join("\n")}\n${alignedTable(rest)}${notes === "" ? "" : `\n${notes}`}`;
}

type Condition = Explanation["conditions"][number];

function conditionText(condition: Condition, at: number): string {
  const { severity, holds, since, forMs, dueAt, terms } = condition;
  const held = since === null ? "" : `, for ${formatAge(at - since)}${dueAt === null ? "" : ` of ${formatAge(forMs)}`}`;
  const due = dueAt === null ? "" : `, ${severity === null ? "over" : "fires"} at ${clock(dueAt)}`;
  const waits = since === null && forMs > 0 ? ` (must hold for ${formatAge(forMs)})` : "";
  const truth = holds === null ? "unknown" : holds ? "true" : "false";
  const rows = terms.map((term) => [
    "   ",
    valueText(term.value, term.unit),
    `${"  ".repeat(term.depth)}${term.text}`,
    [term.note, ...term.readings.slice(0, READINGS_SHOWN).map((reading) => readingText(reading, at))]
      .filter((text) => text !== "")
      .join("; "),
  ]);
  return `  ${severity ?? "clear"}: ${truth}${held}${due}${waits}\n${alignedTable(rows, [1])}`;
}

/** Of the components of a device; --json has all. */
const READINGS_SHOWN = 4;

function readingText(
  { component, value, at, isStale }: Condition["terms"][number]["readings"][number],
  now: number,
): string {
  const age = now - at < 1_000 ? "just read" : `read ${formatAge(now - at)} before`;
  const which = component === null ? "" : `${component} ${value} `;
  return `${which}${isStale ? `${value} is too old, ` : ""}${age}`;
}

function valueText(value: number | boolean | null, unit: string): string {
  if (value === null) return "unknown";
  const written = typeof value === "number" ? String(Math.round(value * 1_000) / 1_000) : String(value);
  return unit === "" ? written : `${written} ${unit}`;
}

const clock = (ms: number): string => new Date(ms).toLocaleString();
