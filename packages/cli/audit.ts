import { parseArgs } from "node:util";
import type { components } from "@aislewatch/api";
import { alignedTable } from "@aislewatch/runtime";
import { type Api, ApiError, connect, findConnection, orThrow } from "./client.ts";
import { EXIT, type ExitCode, print, printJson, UsageError, unknownCommand } from "./command.ts";
import { limitOf, pages } from "./pages.ts";

export const auditHelp = `Usage: aislewatch audit delivery [options]

  What became of every batch that agents gave out, by agent, epoch and lane: stored (and how many of them late), thinned
  at the agent, still owed, or missing. Ends with 1 when something is missing that nobody explained.

      --site SITE           only this site
      --agent SITE/AGENT    only this agent
      --since WHEN          only what was heard of since: 30m, 12h, 7d, or a date such as 2026-11-20
      --explain TEXT        explains all that is missing of --agent now: it stays in the ledger and no longer alarms

  For administrators:

  log                       who signed in, and what was administered; newest first
      --limit N             so many (default 50); --all for all of it
  export                    audit log, commands and incident logs as lines of JSON that vouch for each other
      --from WHEN           2026-11-01, or 30d; needed
      --to WHEN             default: now
      --out FILE            default: standard output
  verify FILE               is it whole, and as it was exported? Ends with 1 and the line when it is not

      --json                for scripts: the API's own answer
      --url URL             the collector (default: AISLEWATCH_URL, or the demo's)
      --folder DIR          the demo's folder (default: .aislewatch)
`;

type Audit = components["schemas"]["DeliveryAudit"];

const COMMANDS = ["delivery", "log", "export", "verify"];
/** More are in --json. */
const SPANS_SHOWN = 20;

export async function audit(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      site: { type: "string" },
      agent: { type: "string" },
      since: { type: "string" },
      explain: { type: "string" },
      from: { type: "string" },
      to: { type: "string" },
      out: { type: "string" },
      limit: { type: "string" },
      all: { type: "boolean" },
      json: { type: "boolean" },
      url: { type: "string" },
      folder: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [command, ...rest] = positionals;
  if (values.help || command === undefined) {
    print(auditHelp);
    return values.help ? EXIT.ok : EXIT.usage;
  }
  if (command === "verify") {
    const [file, ...others] = rest;
    if (file === undefined || others.length > 0) throw new UsageError("verify which file? One at a time");
    return (await import("./audit-export.ts")).verifyAudit(file);
  }
  if (command === "export" && rest.length === 0) {
    if (values.from === undefined) throw new UsageError("--from WHEN: since when? 2026-11-01, or 30d");
    const now = Date.now();
    const range = {
      from: parseSince(values.from, now, "--from"),
      to: values.to === undefined ? now : parseSince(values.to, now, "--to"),
    };
    return (await import("./audit-export.ts")).exportAudit(findConnection(values), range, values.out);
  }
  if (command === "log" && rest.length === 0) return log(connect(findConnection(values)), values);
  if (command !== "delivery") throw new UsageError(unknownCommand(command, COMMANDS));
  if (rest.length > 0) throw new UsageError(`audit delivery takes options only, not ${rest.join(" ")}`);
  const agent = values.agent === undefined ? undefined : parseAgent(values.agent);
  const since = values.since === undefined ? undefined : parseSince(values.since, Date.now());
  const api = connect(findConnection(values));
  if (values.explain !== undefined) {
    if (agent === undefined) throw new UsageError("--explain needs --agent SITE/AGENT: which one's?");
    await explain(api, agent, values.explain);
  }
  const query = {
    ...(values.site !== undefined && { site: values.site }),
    ...(agent !== undefined && agent),
    ...(since !== undefined && { since }),
  };
  const answer = orThrow(await api.GET("/api/v1/audit/delivery", { params: { query } }));
  // An account of nobody would balance as well: a script must not take a slip of the pen for proof.
  if (isEmpty(answer)) await demandKnown(api, { site: values.site, agent });
  if (values.json) printJson(answer);
  else print(auditText(answer, Date.now()));
  return answer.unexplained === 0 ? EXIT.ok : EXIT.failed;
}

type LogOptions = { readonly limit?: string; readonly all?: boolean; readonly json?: boolean };

async function log(api: Api, options: LogOptions): Promise<ExitCode> {
  const records = await pages(limitOf(options), (query) => api.GET("/api/v1/audit/log", { params: { query } }));
  if (options.json) printJson(records);
  else {
    const rows = records.map(({ at, actor, action, detail }) => [new Date(at).toLocaleString(), actor, action, detail]);
    print(alignedTable([["WHEN", "WHO", "DID", "WHAT"], ...rows]));
  }
  return EXIT.ok;
}

type Asked = {
  readonly site: string | undefined;
  readonly agent: { readonly site: string; readonly agent: string } | undefined;
};

/** Throws when what was asked for is none of the collector's. */
async function demandKnown(api: Api, { site, agent }: Asked): Promise<void> {
  if (agent !== undefined) orThrow(await api.GET("/api/v1/agents/{site}/{agent}", { params: { path: agent } }));
  if (site === undefined) return;
  const agents = orThrow(await api.GET("/api/v1/agents"));
  if (!agents.some((one) => one.site === site)) throw new ApiError(`There is no agent of a site ${site}.`);
}

async function explain(api: Api, { site, agent }: { site: string; agent: string }, text: string): Promise<void> {
  const { explained } = orThrow(await api.POST("/api/v1/audit/delivery/explain", { body: { site, agent, text } }));
  if (explained === 0) throw new UsageError(`nothing is missing of ${site}/${agent} that is not explained`);
}

/** `SITE/AGENT`. */
export function parseAgent(text: string | undefined): { site: string; agent: string } {
  const [site = "", agent = "", ...rest] = (text ?? "").split("/");
  if (site === "" || agent === "" || rest.length > 0) {
    throw new UsageError(`expected SITE/AGENT, such as store-0042/backoffice-pc; received "${text ?? ""}"`);
  }
  return { site, agent };
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Unix ms of a span before now, or of a date. */
export function parseSince(text: string, nowMs: number, option = "--since"): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return nowMs - Number(count) * (UNITS[unit] ?? 0);
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw new UsageError(`${option} takes 30m, 12h, 7d or a date such as 2026-11-20, not "${text}"`);
  return at;
}

const isEmpty = ({ lanes, missing }: Audit): boolean => lanes.length === 0 && missing.length === 0;

/** The tables for people: what each lane comes to, what is missing, what was thinned, and the verdict. */
export function auditText(audit: Audit, nowMs: number): string {
  if (isEmpty(audit)) return "Nothing of it was heard.\n";
  const { lanes, missing, thinned } = audit;
  const numbers = [3, 4, 5, 6, 7, 8, 9];
  const text = [
    alignedTable(
      [
        ["AGENT", "EPOCH", "LANE", "UP TO", "STORED", "LATE", "THINNED", "QUEUED", "OWED", "MISSING", "NOTE"],
        ...lanes.map((lane) => [
          `${lane.site}/${lane.agent}`,
          lane.epoch.slice(0, 8),
          lane.lane,
          ...[lane.seq, lane.batches, lane.late, lane.thinnedBatches, lane.queued, lane.owed, lane.missing].map(String),
          noteOf(lane),
        ]),
      ],
      numbers,
    ),
  ];
  const at = (ms: number): string => new Date(ms).toLocaleString();
  if (missing.length > 0) {
    const rows = missing
      .slice(-SPANS_SHOWN)
      .map((span) => [
        `${span.site}/${span.agent}`,
        `${span.lane} ${span.fromSeq}–${span.toSeq}`,
        at(span.at),
        span.reason,
        span.explanation === null ? "not explained" : `${span.explanation.by}: ${span.explanation.text}`,
      ]);
    text.push(
      "\nMissing\n",
      alignedTable([["AGENT", "BATCHES", "FOUND", "WHY", "EXPLANATION"], ...rows]),
      more(missing),
    );
  }
  if (thinned.length > 0) {
    const rows = thinned
      .slice(-SPANS_SHOWN)
      .map((span) => [
        `${span.site}/${span.agent}`,
        `${span.lane} ${span.fromSeq}–${span.toSeq}`,
        `${at(span.fromAt)} – ${at(span.toAt)}`,
        `${span.samples}`,
        span.reason,
      ]);
    text.push(
      "\nThinned at the agent\n",
      alignedTable([["AGENT", "BATCHES", "TAKEN", "SAMPLES", "WHY"], ...rows], [3]),
      more(thinned),
    );
  }
  const newest = Math.max(...lanes.map((lane) => lane.lastAt));
  text.push(
    `\n${verdictOf(audit)}; last heard ${new Date(Number.isFinite(newest) ? newest : nowMs).toLocaleString()}.\n`,
  );
  return text.join("");
}

/** What was thinned or explained is lost all the same, and what is owed is not here yet. */
function verdictOf({ lanes, unexplained }: Audit): string {
  const sum = (of: (lane: Audit["lanes"][number]) => number): number => lanes.reduce((all, lane) => all + of(lane), 0);
  const [thinned, explained, owed] = [
    sum(({ thinnedSamples }) => thinnedSamples),
    sum((lane) => lane.explained),
    sum((lane) => lane.owed),
  ];
  const known = [
    ...(thinned > 0 ? [counted(thinned, "thinned sample")] : []),
    ...(explained > 0 ? [counted(explained, "explained batch", "explained batches")] : []),
  ];
  const lost =
    unexplained > 0
      ? `${counted(unexplained, "batch is", "batches are")} missing and not explained`
      : ["Nothing is lost", ...(known.length > 0 ? [`but ${known.join(" and ")}`] : [])].join(" ");
  return owed > 0 ? `${lost}; ${counted(owed, "batch is", "batches are")} still owed` : lost;
}

const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

function noteOf({ isCurrent, isBalanced, firstSeq, explained }: Audit["lanes"][number]): string {
  return [
    ...(isBalanced ? [] : ["does not add up: a bug"]),
    ...(isCurrent ? [] : ["an earlier outbox"]),
    ...(firstSeq > 1 ? [`known from ${firstSeq}`] : []),
    ...(explained > 0 ? [`${explained} missing explained`] : []),
  ].join("; ");
}

const more = (spans: readonly unknown[]): string =>
  spans.length > SPANS_SHOWN ? `… ${spans.length - SPANS_SHOWN} earlier ones: --json\n` : "";
