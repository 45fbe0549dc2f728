import type { components } from "@aislewatch/api";
import { type Api, ApiError, type Connection, orThrow } from "./client.ts";
import { EXIT, type ExitCode, print } from "./command.ts";
import { row } from "./incident-rows.ts";

type Incident = components["schemas"]["Incident"];

/** How long silence may last: the stream beats every 5 seconds. */
const SILENCE_MS_MAX = 15_000;
const RECONNECT_MS = 2_000;

/** Follows the stream; a lost connection is said and tried again, and the list is the way to what was missed. */
export async function watch(connection: Connection, api: Api, json: boolean): Promise<ExitCode> {
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
