/**
 * The collector's API for commands: typed by its OpenAPI, signed in by a token from AISLEWATCH_TOKEN or from the folder
 * in which the demo, or `aislewatch tokens add`, left one. A token never stands on the command line.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { paths } from "@aislewatch/api";
import { errorText } from "@aislewatch/base";
import createClient, { type Client } from "openapi-fetch";
import { UsageError } from "./command.ts";
import { DEMO_COMMAND } from "./programs.ts";

/** Where the demo keeps what it made; made by `demo run` below the folder in which it was started. */
export const DEMO_FOLDER = ".aislewatch";
const REQUEST_MS_MAX = 15_000;

export type Connection = { readonly url: string; readonly token: string };
export type Api = Client<paths>;

/** The collector that was named, the one of the environment, or the demo's. */
export function findConnection(options: { url?: string | undefined; folder?: string | undefined }): Connection {
  const folder = options.folder ?? DEMO_FOLDER;
  const left = readLeft(folder);
  const url = options.url ?? process.env["AISLEWATCH_URL"] ?? left?.url;
  const token = process.env["AISLEWATCH_TOKEN"] ?? left?.token;
  if (url === undefined) {
    throw new UsageError(
      `No collector to ask: start the demo with "${DEMO_COMMAND}", or set AISLEWATCH_URL (and AISLEWATCH_TOKEN, from "aislewatch tokens add NAME").`,
    );
  }
  if (token === undefined) {
    throw new UsageError(
      `No token for ${url}: set AISLEWATCH_TOKEN; "aislewatch tokens add NAME" on the collector's host makes one.`,
    );
  }
  return { url: url.replace(/\/$/, ""), token };
}

function readLeft(folder: string): Connection | null {
  try {
    const left: unknown = JSON.parse(readFileSync(join(folder, "cli.json"), "utf8"));
    if (typeof left !== "object" || left === null || !("url" in left) || !("token" in left)) return null;
    return typeof left.url === "string" && typeof left.token === "string" ? { url: left.url, token: left.token } : null;
  } catch {
    return null; // No demo here: the environment must say.
  }
}

export function connect({ url, token }: Connection): Api {
  return createClient<paths>({
    baseUrl: url,
    headers: { authorization: `Bearer ${token}` },
    fetch: (request) =>
      fetch(request, { signal: AbortSignal.timeout(REQUEST_MS_MAX) }).catch((thrown: unknown) => {
        const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
        throw new ApiError(`No collector answers at ${url}: ${errorText(cause)}`);
      }),
  });
}

/** What the API refused, in its own words. */
export class ApiError extends Error {}

export function orThrow<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data !== undefined) return answer.data;
  const { error, response } = answer;
  const problem = typeof error === "object" && error !== null ? (error as Record<string, unknown>) : {};
  const message = typeof problem["message"] === "string" ? problem["message"] : `HTTP ${response.status}`;
  const hint = typeof problem["hint"] === "string" ? `\n${problem["hint"]}` : "";
  if (response.status === 400) throw new UsageError(asOption(message));
  throw new ApiError(`${message}${hint}`);
}

/** The API names a field of its request, a person typed an option: `querystring.priority.0: …` → `--priority: …`. */
const asOption = (message: string): string =>
  message
    .replace(/^(?:querystring|body)\.(\w+)(?:\.\d+)*: /, "--$1: ")
    .replace("Invalid option: ", "")
    .replace(
      "--state: Invalid input",
      "--state: expected open, all, or states of docs/incidents.md separated by commas",
    )
    .replaceAll('"|"', '", "');
