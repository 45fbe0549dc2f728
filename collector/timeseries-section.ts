/**
 * `timeseries: influxdb` and the section `influxdb` of collector.yaml: which server, and who we are there; and how long samples
 * are kept.
 *
 *     timeseries: influxdb
 *     influxdb:
 *       url: https://influx.example:8086
 *       api: v1
 *       database: aislewatch
 *       username: aislewatch
 *       password: file:influx-password
 */
import { type Diagnostic, durationMsBetween, secretRef, writeDuration } from "@aislewatch/config";
import { z } from "zod";
import { type Complain, isLoopback, type SectionWorld, serverSection } from "./server-section.ts";
import type { InfluxAddress } from "./store/timeseries/influxdb-http.ts";

const APIS = ["v1", "v2"] as const;
const word = z.string().min(1).max(256);
const DATABASE_DEFAULT = "aislewatch";
const DAY_MS = 86_400_000;
export const RETENTION_MS = 30 * DAY_MS;
export const ROLLUP_RETENTION_MS = 730 * DAY_MS;

export const timeseriesKeys = {
  timeseries: z.enum(["duckdb", "influxdb"]).default("duckdb"),
  retention: durationMsBetween(DAY_MS, 3_650 * DAY_MS).optional(),
  rollup_retention: durationMsBetween(DAY_MS, 3_650 * DAY_MS).optional(),
  influxdb: z
    .strictObject({
      url: z.string().max(1_024),
      api: z.enum(APIS).default("v1"),
      database: word.optional(),
      username: word.regex(/^[^:]+$/, "expected a name without a colon").optional(),
      password: secretRef.optional(),
      org: word.optional(),
      bucket: word.optional(),
      token: secretRef.optional(),
      ca: z.string().min(1).max(1_024).optional(),
    })
    .optional(),
};
type Written = z.infer<z.ZodObject<typeof timeseriesKeys>>;
type Section = NonNullable<Written["influxdb"]>;

/** What belongs to the other `api`, and what this one can't do without. */
const OF_API = {
  v1: { foreign: ["org", "bucket", "token"], needed: [] },
  v2: { foreign: ["database", "username", "password"], needed: ["org", "bucket", "token"] },
} as const satisfies Record<(typeof APIS)[number], { foreign: readonly string[]; needed: readonly string[] }>;

/** Null: DuckDB, in the data folder. Opens no connection. */
export function loadTimeseries(
  written: Written,
  world: SectionWorld,
): { readonly value: InfluxAddress | null; readonly diagnostics: readonly Diagnostic[] } {
  const { timeseries, influxdb } = written;
  const { diagnostics, complain, secret, authority } = serverSection("influxdb", world);
  checkRollups(written, complain);
  if (timeseries === "duckdb") {
    if (influxdb !== undefined) {
      const message = "expected timeseries: influxdb beside influxdb; without it this section is not used";
      complain(["influxdb"], { code: "CFG_TIMESERIES", message, key: true });
    }
    return { value: null, diagnostics };
  }
  if (influxdb === undefined) {
    const message = "expected a section influxdb with the server's url beside timeseries: influxdb";
    complain(["timeseries"], { code: "CFG_TIMESERIES", message, hint: "influxdb: { url: http://127.0.0.1:8086 }" });
    return { value: null, diagnostics };
  }
  checkUrl(influxdb.url, complain);
  checkApi(influxdb, complain);
  const server = { url: influxdb.url, ca: authority("ca", influxdb.ca) };
  const value: InfluxAddress =
    influxdb.api === "v1"
      ? {
          ...{ ...server, api: "v1", database: influxdb.database ?? DATABASE_DEFAULT },
          ...{ username: influxdb.username ?? null, password: secret("password", influxdb.password) },
        }
      : {
          ...{ ...server, api: "v2", org: influxdb.org ?? "", bucket: influxdb.bucket ?? "" },
          token: secret("token", influxdb.token) ?? "",
        };
  return { value, diagnostics };
}

function checkRollups({ timeseries, retention = RETENTION_MS, rollup_retention }: Written, complain: Complain): void {
  if (rollup_retention === undefined) return;
  const at = ["rollup_retention"];
  if (timeseries !== "duckdb") {
    const message = `expected no rollup_retention beside timeseries: ${timeseries}, which makes no roll-ups`;
    complain(at, { code: "CFG_TIMESERIES", message, key: true });
  } else if (rollup_retention < retention) {
    const message = `expected at least the retention of raw samples, ${writeDuration(retention)}`;
    complain(at, { code: "CFG_TIMESERIES", message });
  }
}

function checkApi(written: Section, complain: Complain): void {
  const { api } = written;
  for (const key of OF_API[api].foreign) {
    if (written[key] === undefined) continue;
    const message = `expected no ${key} beside api: ${api}; that belongs to api: ${api === "v1" ? "v2" : "v1"}`;
    complain(["influxdb", key], { code: "CFG_TIMESERIES", message, key: true });
  }
  for (const key of OF_API[api].needed) {
    if (written[key] !== undefined) continue;
    complain(["influxdb"], { code: "CFG_TIMESERIES", message: `expected ${key} beside api: ${api}`, key: true });
  }
  if (api === "v1" && (written.username === undefined) !== (written.password === undefined)) {
    const [has, lacks] = written.username === undefined ? ["password", "username"] : ["username", "password"];
    complain(["influxdb", has], { code: "CFG_TIMESERIES", message: `expected ${lacks} beside ${has}`, key: true });
  }
}

function checkUrl(written: string, complain: Complain): void {
  const at = ["influxdb", "url"];
  const url = URL.canParse(written) ? new URL(written) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.hostname === "") {
    complain(at, { code: "CFG_TIMESERIES", message: "expected https://host:8086, or http:// on this machine" });
  } else if (url.username !== "" || url.password !== "") {
    // With this code what was written is not shown.
    const message = "expected no name and no password in the address";
    complain(at, { code: "CFG_SECRET", message, hint: "they are influxdb.username and influxdb.password" });
  } else if (url.search !== "" || url.hash !== "") {
    complain(at, { code: "CFG_TIMESERIES", message: "expected no ? and no # in the address" });
  } else if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    const message = `expected https:// beyond this machine; received ${url.protocol}//${url.host}`;
    const hint = "give InfluxDB a certificate, and name its authority in influxdb.ca";
    complain(at, { code: "CFG_PLAINTEXT", message, hint });
  }
}
