import { parseArgs } from "node:util";
import type { components } from "@aislewatch/api";
import { alignedTable } from "@aislewatch/runtime";
import { formatAge } from "./age.ts";
import { type Api, connect, findConnection, orThrow } from "./client.ts";
import { EXIT, type ExitCode, print, printJson, UsageError, unknownCommand } from "./command.ts";

export const notifyHelp = `Usage: aislewatch notify <command> [options]

  channels                  the channels of notifications.yaml: what waits, what was delivered last, what fails
  log                       attempts to deliver, newest first
      --incident ID         only of this incident, or
      --channel NAME        only by this channel
      --limit N             so many (default: 50; at most 500)
  test CHANNEL              sends a test at once; ends with 1 when it was not taken

  --json                    for scripts: the API's own answer
  --url URL                 the collector (default: AISLEWATCH_URL, or the demo's)
  --folder DIR              the demo's folder (default: .aislewatch)
`;

type Channel = components["schemas"]["NotificationChannel"];
type Attempt = components["schemas"]["NotificationAttempt"];

const COMMANDS = ["channels", "log", "test"];

export async function notify(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      incident: { type: "string" },
      channel: { type: "string" },
      limit: { type: "string", default: "50" },
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
  if (rest.length > 0) throw new UsageError(`one channel at a time, not also ${rest.join(" ")}`);
  const json = values.json ?? false;
  if (command === "test") {
    if (channel === undefined) throw new UsageError("which channel? aislewatch notify channels has their names");
    return test(connect(findConnection(values)), channel, json);
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
  { incident, channel, limit }: { incident?: string | undefined; channel?: string | undefined; limit: string },
  json: boolean,
): Promise<ExitCode> {
  const query = {
    limit: Number(limit),
    ...(incident !== undefined && { incident }),
    ...(channel !== undefined && { channel }),
  };
  const found = orThrow(await api.GET("/api/v1/notifications/log", { params: { query } }));
  if (json) printJson(found);
  else print(found.length === 0 ? "Nothing was sent.\n" : logText(found));
  return EXIT.ok;
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
