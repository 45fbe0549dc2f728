import { parseArgs } from "node:util";
import type { components } from "@aislewatch/api";
import { alignedTable } from "@aislewatch/runtime";
import { type Api, connect, findConnection, orThrow } from "./client.ts";
import { EXIT, type ExitCode, print, printJson, UsageError, unknownCommand } from "./command.ts";

export const auditHelp = `Usage: aislewatch audit delivery [options]

  What became of every batch that agents gave out, by agent, epoch and lane: stored (and how many of them late), thinned
  at the agent, still owed, or missing. Ends with 1 when something is missing that nobody explained.

      --site SITE           only this site
      --agent SITE/AGENT    only this agent
      --since WHEN          only what was heard of since: 30m, 12h, 7d, or a date such as 2026-11-20
      --explain TEXT        explains all that is missing of --agent now: it stays in the ledger and no longer alarms
      --json                for scripts: the API's own answer
      --url URL             the collector (default: AISLEWATCH_URL, or the demo's)
      --folder DIR          the demo's folder (default: .aislewatch)
`;

type Audit = components["schemas"]["DeliveryAudit"];

const COMMANDS = ["delivery"];
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
  if (values.json) printJson(answer);
  else print(auditText(answer, Date.now()));
  return answer.unexplained === 0 ? EXIT.ok : EXIT.failed;
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
export function parseSince(text: string, nowMs: number): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return nowMs - Number(count) * (UNITS[unit] ?? 0);
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw new UsageError(`--since takes 30m, 12h, 7d or a date such as 2026-11-20, not "${text}"`);
  return at;
}

/** The tables for people: what each lane comes to, what is missing, what was thinned, and the verdict. */
export function auditText({ lanes, missing, thinned, unexplained }: Audit, nowMs: number): string {
  if (lanes.length === 0 && missing.length === 0) return "No agent has delivered anything.\n";
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
  const verdict = unexplained === 0 ? "Nothing is lost" : `${unexplained} batches are missing and not explained`;
  text.push(`\n${verdict}; last heard ${new Date(Number.isFinite(newest) ? newest : nowMs).toLocaleString()}.\n`);
  return text.join("");
}

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
