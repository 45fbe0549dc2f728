import type { components } from "@aislewatch/api";
import { oneLine } from "@aislewatch/runtime";
import { type Api, ApiError, type Connection, orThrow } from "./client.ts";
import { EXIT, type ExitCode, print } from "./command.ts";
import { createFrames } from "./event-stream.ts";
import { row } from "./incident-rows.ts";

type Incident = components["schemas"]["Incident"];

/** How long silence may last: the stream beats every 5 seconds. */
const SILENCE_MS_MAX = 15_000;
const RECONNECT_MS = 2_000;

/** Follows the stream; a lost connection is said and tried again, from the last event that came. */
export async function watch(connection: Connection, api: Api, json: boolean): Promise<ExitCode> {
  const stopped = new AbortController();
  process.once("SIGINT", () => stopped.abort());
  orThrow(await api.GET("/api/v1/me"));
  const place: Place = { lastId: null };
  while (!stopped.signal.aborted) {
    try {
      await follow(connection, { stop: stopped.signal, place, json });
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

/** Of the last event that came whole. */
type Place = { lastId: string | null };

async function follow(
  { url, token }: Connection,
  { stop, place, json }: { readonly stop: AbortSignal; readonly place: Place; readonly json: boolean },
): Promise<void> {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(new Error("nothing heard")), SILENCE_MS_MAX);
  try {
    const response = await fetch(`${url}/api/v1/stream`, {
      headers: {
        authorization: `Bearer ${token}`,
        ...(place.lastId !== null && { "last-event-id": place.lastId }),
      },
      signal: AbortSignal.any([stop, silent.signal]),
    });
    if (!response.ok || response.body === null) throw new ApiError(`HTTP ${response.status}`);
    const frames = createFrames();
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(new Error("nothing heard")), SILENCE_MS_MAX);
      for (const { id, data } of frames(chunk)) {
        if (data !== "") show(JSON.parse(data), json);
        place.lastId = id ?? place.lastId;
      }
    }
    throw new Error("the collector ended the stream");
  } finally {
    clearTimeout(timer);
  }
}

const WHY: Readonly<Record<string, string>> = {
  too_old: "it was too long ago",
  other_process: "the collector was started again",
  too_slow: "they came faster than they were read",
};

function show(event: { type: string; why?: string; incident?: Incident }, json: boolean): void {
  if (event.type === "reset") {
    const why = WHY[event.why ?? ""] ?? "";
    process.stderr.write(
      `Changes of the meantime are not shown (${why}): aislewatch incidents list has what is open.\n`,
    );
  }
  if (event.type !== "incident" || event.incident === undefined) return;
  if (json) print(`${JSON.stringify(event.incident)}\n`);
  else print(`${new Date().toLocaleTimeString()}  ${oneLine(row(event.incident, Date.now()).join("  "))}\n`);
}
