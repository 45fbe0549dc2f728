import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { components } from "@aislewatch/api";
import { alignedTable } from "@aislewatch/runtime";
import { formatAge } from "./age.ts";
import { type Api, connect, findConnection, orThrow } from "./client.ts";
import { EXIT, type ExitCode, print, printJson, UsageError, unknownCommand } from "./command.ts";

export const notifyHelp = `Usage: aislewatch notify <command> [options]

  channels                  the channels of notifications.yaml: what waits, what was delivered last, what fails
  log                       attempts to deliver, newest first
      --incident ID         only of this incident
      --channel NAME        only by this channel
      --outcome OUTCOME     only those that ended so: delivered, retry or failed
      --before N            the page after the one that said so
      --limit N             so many (default: 50; at most 500)
  who INCIDENT              who was told of an incident, what waits and until when, and why nobody was told
  test CHANNEL              sends a test at once; ends with 1 when it was not taken
  preview CHANNEL           what it would be sent, which is not sent
      --event EVENT         of this event (default: opened); also storm, summary, group, test
      --incident ID         of this incident (default: one made up)
      --subject TEXT        in these words instead of those of notifications.yaml
      --body FILE           the same for the body
      --html                the HTML part of the mail

  --json                    for scripts: the API's own answer
  --url URL                 the collector (default: AISLEWATCH_URL, or the demo's)
  --folder DIR              the demo's folder (default: .aislewatch)
`;

type Channel = components["schemas"]["NotificationChannel"];
type Attempt = components["schemas"]["NotificationAttempt"];

type Who = components["schemas"]["IncidentTold"];
type Outcome = Attempt["outcome"];
type PreviewEvent = NonNullable<components["schemas"]["NotificationPreviewRequest"]["event"]>;

const COMMANDS = ["channels", "log", "who", "test", "preview"];
const OUTCOMES: readonly Outcome[] = ["delivered", "retry", "failed"];
const EVENTS: readonly PreviewEvent[] = [
  ...(["opened", "reopened", "escalated", "sla_warned", "sla_breached", "recovered", "resolved", "cancelled"] as const),
  ...(["storm", "summary", "group", "test"] as const),
];

export async function notify(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      incident: { type: "string" },
      channel: { type: "string" },
      limit: { type: "string", default: "50" },
      outcome: { type: "string" },
      before: { type: "string" },
      event: { type: "string", default: "opened" },
      subject: { type: "string" },
      body: { type: "string" },
      html: { type: "boolean", default: false },
      json: { type: "boolean" },
      url: { type: "string" },
      folder: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [command, channel, ...rest] = positionals;
  if (values.help || command === undefined) {
    print(notifyHelp);
    return values.help ? EXIT.ok : EXIT.usage;
  }
  if (!COMMANDS.includes(command)) throw new UsageError(unknownCommand(command, COMMANDS));
  if (rest.length > 0) throw new UsageError(`one at a time, not also ${rest.join(" ")}`);
  const json = values.json ?? false;
  if (command === "test") {
    if (channel === undefined) throw new UsageError("which channel? aislewatch notify channels has their names");
    return test(connect(findConnection(values)), channel, json);
  }
  if (command === "who") {
    if (channel === undefined) throw new UsageError("of which incident? aislewatch incidents list has their ids");
    return who(connect(findConnection(values)), channel, json);
  }
  if (command === "preview") {
    if (channel === undefined) throw new UsageError("which channel? aislewatch notify channels has their names");
    return preview(connect(findConnection(values)), channel, values);
  }
  if (channel !== undefined) throw new UsageError(`notify ${command} takes options only, not ${channel}`);
  if (command === "channels") return channels(connect(findConnection(values)), json);
  return log(connect(findConnection(values)), values, json);
}

async function channels(api: Api, json: boolean): Promise<ExitCode> {
  const found = orThrow(await api.GET("/api/v1/notifications/channels"));
  if (json) printJson(found);
  else
    print(found.length === 0 ? "No channel is set up: see docs/notifications.md.\n" : channelsText(found, Date.now()));
  return EXIT.ok;
}

async function log(
  api: Api,
  { incident, channel, limit, outcome: wanted, before }: LogOptions,
  json: boolean,
): Promise<ExitCode> {
  const outcome = OUTCOMES.find((one) => one === wanted);
  if (wanted !== undefined && outcome === undefined)
    throw new UsageError(`an outcome is one of ${OUTCOMES.join(", ")}; ${wanted} is none`);
  const query = {
    limit: Number(limit),
    ...(incident !== undefined && { incident }),
    ...(channel !== undefined && { channel }),
    ...(outcome !== undefined && { outcome }),
    ...(before !== undefined && { before: Number(before) }),
  };
  const { items, next } = orThrow(await api.GET("/api/v1/notifications/log", { params: { query } }));
  if (json) printJson({ items, next });
  else {
    print(items.length === 0 ? "Nothing was sent.\n" : logText(items));
    if (next !== null) print(`More: --before ${next}\n`);
  }
  return EXIT.ok;
}

type LogOptions = {
  readonly incident?: string | undefined;
  readonly channel?: string | undefined;
  readonly limit: string;
  readonly outcome?: string | undefined;
  readonly before?: string | undefined;
};

async function who(api: Api, id: string, json: boolean): Promise<ExitCode> {
  const found = orThrow(await api.GET("/api/v1/incidents/{id}/notifications", { params: { path: { id } } }));
  if (json) printJson(found);
  else print(whoText(found));
  return EXIT.ok;
}

type PreviewOptions = {
  readonly event: string;
  readonly incident?: string | undefined;
  readonly subject?: string | undefined;
  readonly body?: string | undefined;
  readonly html: boolean;
  readonly json?: boolean | undefined;
};

async function preview(api: Api, channel: string, options: PreviewOptions): Promise<ExitCode> {
  const { incident, subject, body: file, html, json = false } = options;
  const event = EVENTS.find((one) => one === options.event);
  if (event === undefined) throw new UsageError(`an event is one of ${EVENTS.join(", ")}; ${options.event} is none`);
  const body = {
    ...{ channel, event },
    ...(incident !== undefined && { incident }),
    ...(subject !== undefined && { subject }),
    ...(file !== undefined && { body: readWords(file) }),
  };
  const shown = orThrow(await api.POST("/api/v1/notifications/preview", { body }));
  if (json) printJson(shown);
  else if (html) print(`${shown.html ?? shown.text}\n`);
  else print(shown.subject === null ? `${shown.text}\n` : `Subject: ${shown.subject}\n\n${shown.text}\n`);
  return EXIT.ok;
}

function readWords(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    throw new UsageError(`${file} can't be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

async function test(api: Api, channel: string, json: boolean): Promise<ExitCode> {
  const params = { path: { channel } };
  const tried = orThrow(await api.POST("/api/v1/notifications/channels/{channel}/test", { params }));
  if (json) printJson(tried);
  else {
    const how = tried.outcome === "delivered" ? "took it" : "did not take it";
    print(`${channel} ${how} after ${tried.durationMs} ms: ${tried.detail}\n`);
  }
  return tried.outcome === "delivered" ? EXIT.ok : EXIT.failed;
}

/** One line a channel. */
export function channelsText(found: readonly Channel[], nowMs: number): string {
  const rows = found.map(({ name, kind, target, waiting, deliveredAt, failure, isDown }) => [
    name,
    kind,
    target,
    isDown ? "down" : failure === null ? "ok" : "failing",
    String(waiting),
    deliveredAt === null ? "never" : agoText(nowMs - deliveredAt),
    failure === null ? "" : failure.detail,
  ]);
  return alignedTable([["CHANNEL", "KIND", "TO", "STATE", "WAITING", "DELIVERED", "FAILURE"], ...rows]);
}

function agoText(ms: number): string {
  const age = formatAge(ms);
  return age === "now" ? age : `${age} ago`;
}

const WAIT_TEXTS: Readonly<Record<NonNullable<Who["told"][number]["waits"]>, string>> = {
  quiet_hours: "held by quiet hours",
  limit: "waits for room in the limit of its channel",
  gathering: "waits for what else comes",
  earlier: "waits for an earlier one of this incident",
  retry: "failed, is tried again",
  channel_down: "its channel does not work",
  turn: "waits for its turn",
};

/** What the time is of, where it is no end of waiting. */
const NEXT_WORDS: Partial<typeof WAIT_TEXTS> = { retry: "at", channel_down: "and is tried at" };

/** One line a notification and channel, or why nobody was told. */
export function whoText({ told, untold }: Who): string {
  if (told.length === 0) {
    const why = untold.length === 0 ? ["It is told at the next change."] : untold;
    return `Nobody was told.\n${why.map((line) => `- ${line}\n`).join("")}`;
  }
  const time = (ms: number | null): string => (ms === null ? "" : new Date(ms).toISOString());
  const rows = told.map(({ createdAt, event, channel, people, state, attempts, waits, nextAt, within, answer }) => [
    time(createdAt),
    event,
    people.length === 0 ? channel : `${channel} (${people.join(", ")})`,
    waits === null
      ? state
      : `${WAIT_TEXTS[waits]}${nextAt === null ? "" : ` ${NEXT_WORDS[waits] ?? "until"} ${time(nextAt)}`}`,
    String(attempts),
    [within === null ? "" : `in ${within}`, answer ?? ""].filter((part) => part !== "").join(": "),
  ]);
  return alignedTable([["AT", "EVENT", "CHANNEL", "STATE", "ATTEMPTS", "ANSWER"], ...rows]);
}

/** One line an attempt. */
export function logText(found: readonly Attempt[]): string {
  const rows = found.map(({ at, channel, notification, outcome, durationMs, detail }) => [
    new Date(at).toISOString(),
    channel,
    notification,
    outcome,
    `${durationMs} ms`,
    detail,
  ]);
  return alignedTable([["AT", "CHANNEL", "NOTIFICATION", "OUTCOME", "TOOK", "DETAIL"], ...rows]);
}
