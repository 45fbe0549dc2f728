/**
 * What goes over the wire to InfluxDB, through its own client: a write of lines, a question in InfluxQL. No decisions but
 * what an answer means; nothing is kept, and nothing is tried again: the client's own retry is off (it holds lines in
 * memory and gives up after three minutes), because an agent keeps a batch until we have said that it is stored.
 *
 * - `api: v1` writes to `/write?db=…&precision=ms` and signs in by name and password; `api: v2` writes to
 *   `/api/v2/write?org=…&bucket=…` and signs in by token. Both are asked by InfluxQL at `/query?db=…`.
 * - InfluxDB answers a write of which it refused a part with 400 and `partial write: <first reason> dropped=<lines>`: all
 *   other lines are stored. Any other 400, 413 or 422 means that none is.
 * - The client does not end a connection that timed out: ours are all cut then, and made anew.
 */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { errorText } from "@aislewatch/base";
import { HttpError, InfluxDB, RequestTimedOutError } from "@influxdata/influxdb-client";
import { StoreError } from "../error.ts";

export type InfluxAddress = {
  /** `http://host:8086`, or https; a path in front of InfluxDB's own may follow. */
  readonly url: string;
  /** PEM: who may have signed its certificate; null: whom Node trusts. */
  readonly ca: string | null;
} & (
  | {
      readonly api: "v1";
      readonly database: string;
      readonly username: string | null;
      readonly password: string | null;
    }
  | { readonly api: "v2"; readonly org: string; readonly bucket: string; readonly token: string }
);

/** What became of the lines of one write. */
export type WriteAnswer =
  | { readonly kind: "stored" }
  /** So many lines are not stored, the rest is; `field`: because it has another type there. */
  | { readonly kind: "partly"; readonly dropped: number; readonly field: string | null; readonly detail: string }
  /** None is, nor will be as they are. */
  | { readonly kind: "refused"; readonly detail: string };

/** One table of an answer: rows of columns, null where a row has none. */
export type Series = {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly unknown[])[];
};

export type InfluxLimits = {
  /** A server that says nothing for so long is taken for gone. */
  readonly writeMsMax: number;
  readonly queryMsMax: number;
  /** An answer to a question; more is a refusal, not memory. */
  readonly answerBytesMax: number;
};

/** From how many bytes on a write is compressed: below, it costs more than it saves. */
const GZIP_FROM_BYTES = 1_024;
/** Connections kept; more requests wait. */
const CONNECTIONS_MAX = 8;
/** What is told of a refusal, and what is looked at of one: it repeats a line before it says what is wrong with it. */
const DETAIL_CHARS_MAX = 500;
const REFUSAL_CHARS_MAX = 1_000_000;

export class InfluxHttp {
  readonly #address: InfluxAddress;
  readonly #limits: InfluxLimits;
  #connection: { readonly agent: HttpAgent; readonly client: InfluxDB } | null = null;

  constructor(address: InfluxAddress, limits: InfluxLimits) {
    this.#address = address;
    this.#limits = limits;
  }

  /** Rejects with a StoreError when the server does not answer, or not now. */
  async write(lines: readonly string[]): Promise<WriteAnswer> {
    const address = this.#address;
    const [org, bucket] = address.api === "v2" ? [address.org, address.bucket] : ["", ""];
    const api = this.#connect().getWriteApi(org, bucket, "ms", {
      // One record holds all lines: at bounds of its own the client would flush by itself, and tell nobody how it went.
      batchSize: 2,
      maxBatchBytes: Number.MAX_SAFE_INTEGER,
      flushInterval: 0,
      maxRetries: 0,
      gzipThreshold: GZIP_FROM_BYTES,
      // What is returned here stands in for its retry and its log.
      writeFailed: (error) => Promise.reject(error),
    });
    if (address.api === "v1") api.path = `/write?db=${encodeURIComponent(address.database)}&precision=ms`;
    api.writeRecord(lines.join("\n"));
    try {
      await api.flush();
      return { kind: "stored" };
    } catch (thrown) {
      const answer = thrown instanceof HttpError ? answerOf(thrown.statusCode, textOf(thrown)) : null;
      if (answer !== null) return answer;
      throw this.#asStoreError(thrown);
    }
  }

  /** The tables of each statement of a question. Rejects with a StoreError; a faulty statement is one, too. */
  async ask(question: string): Promise<Series[][]> {
    const { queryMsMax, answerBytesMax } = this.#limits;
    const database = this.#address.api === "v1" ? this.#address.database : this.#address.bucket;
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const options = { method: "POST", headers, signal: AbortSignal.timeout(queryMsMax) };
    const path = `/query?epoch=ms&db=${encodeURIComponent(database)}`;
    const parts: Uint8Array[] = [];
    let bytes = 0;
    try {
      const body = new URLSearchParams({ q: question }).toString();
      for await (const part of this.#connect().transport.iterate(path, body, options)) {
        bytes += part.byteLength;
        if (bytes > answerBytesMax) throw new StoreError("busy", `an answer is longer than ${answerBytesMax} bytes`);
        parts.push(part);
      }
    } catch (thrown) {
      if (options.signal.aborted) throw new StoreError("busy", `no answer to a question within ${queryMsMax} ms`);
      throw this.#asStoreError(thrown);
    }
    return tablesOf(Buffer.concat(parts).toString("utf8"));
  }

  /** Cuts all connections; the next request makes new ones. */
  close(): void {
    this.#connection?.agent.destroy();
    this.#connection = null;
  }

  #connect(): InfluxDB {
    if (this.#connection !== null) return this.#connection.client;
    const { url, ca, ...address } = this.#address;
    const options = { keepAlive: true, maxSockets: CONNECTIONS_MAX };
    const isTls = url.startsWith("https:");
    const agent = isTls ? new HttpsAgent({ ...options, ...(ca !== null && { ca }) }) : new HttpAgent(options);
    const client = new InfluxDB({
      url,
      timeout: this.#limits.writeMsMax,
      transportOptions: { agent },
      ...(address.api === "v2" && { token: address.token }),
      ...(address.api === "v1" && address.username !== null && { headers: { authorization: basic(address) } }),
    });
    this.#connection = { agent, client };
    return client;
  }

  #asStoreError(thrown: unknown): StoreError {
    if (thrown instanceof StoreError) return thrown;
    if (thrown instanceof HttpError) {
      const detail = `InfluxDB answers ${thrown.statusCode}: ${textOf(thrown).slice(0, DETAIL_CHARS_MAX)}`;
      return new StoreError(isForNow(thrown.statusCode) ? "unreachable" : "failed", detail);
    }
    if (thrown instanceof RequestTimedOutError) this.close();
    return new StoreError("unreachable", `InfluxDB can't be reached: ${errorText(thrown)}`, { cause: thrown });
  }
}

/** The database may be made again, a proxy may stand in front of a server that starts. */
const isForNow = (status: number): boolean => status === 404 || status === 408 || status === 429 || status >= 500;

const basic = ({
  username,
  password,
}: {
  readonly username: string | null;
  readonly password: string | null;
}): string => `Basic ${Buffer.from(`${username ?? ""}:${password ?? ""}`).toString("base64")}`;

/** What the server says of itself; v1 calls it `error`, v2 `message`. */
function textOf({ json, body, statusMessage }: HttpError): string {
  const { error, message } = isRecord(json) ? json : {};
  const text = [error, message, body, statusMessage].find((each) => typeof each === "string" && each !== "");
  return String(text ?? "").slice(0, REFUSAL_CHARS_MAX);
}

/**
 * What a refusal means for the lines; null: nothing is known of them, so they are given again. A 400 for a reason that is
 * not listed here is one of those: a wrong address must not end as samples that were set aside.
 */
export function answerOf(status: number, text: string): WriteAnswer | null {
  if (status !== 400 && status !== 413 && status !== 422) return null;
  const detail = text.slice(0, DETAIL_CHARS_MAX);
  const field = /input field "(.*)" on measurement ".*" is type /s.exec(text)?.[1] ?? null;
  // It stores the lines that it could read, and counts the others nowhere.
  if (/unable to parse/.test(text)) return { kind: "refused", detail };
  const dropped = /partial write:.* dropped=(\d{1,9})/s.exec(text)?.[1];
  if (dropped !== undefined) return { kind: "partly", dropped: Number(dropped), field, detail };
  const isRefused = status === 413 || /parse line protocol|max key length|type conflict/i.test(text);
  return isRefused ? { kind: "refused", detail } : null;
}

/** The answer to a question as tables; what it lacks or has too much of is not there. */
export function tablesOf(text: string): Series[][] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new StoreError("failed", `InfluxDB answered something that is not JSON: ${text.slice(0, 100)}`);
  }
  if (!isRecord(json) || !Array.isArray(json["results"])) {
    throw new StoreError("failed", `InfluxDB answered without results: ${text.slice(0, 100)}`);
  }
  return json["results"].map((result: unknown) => {
    if (!isRecord(result)) return [];
    const { error, series } = result;
    if (typeof error === "string") {
      throw new StoreError(isDatabaseGone(error) ? "unreachable" : "failed", error.slice(0, DETAIL_CHARS_MAX));
    }
    const tables = Array.isArray(series) ? series.filter(isRecord) : [];
    if (result["partial"] === true || tables.some(({ partial }) => partial === true)) {
      throw new StoreError("failed", "InfluxDB cuts its answers short: its max-row-limit has to be 0");
    }
    return tables.map(({ name, tags, columns, values }) => ({
      name: String(name ?? ""),
      tags: isRecord(tags) ? Object.fromEntries(Object.entries(tags).map(([key, tag]) => [key, String(tag)])) : {},
      columns: Array.isArray(columns) ? columns.map(String) : [],
      values: Array.isArray(values) ? values.filter((row) => Array.isArray(row)) : [],
    }));
  });
}

export const isDatabaseGone = (detail: string): boolean => /database not found/i.test(detail);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
