/**
 * Questions to InfluxDB in InfluxQL, and what their answers mean; pure. Every question names its measurement and its
 * fields: what is written by others in the same database is neither read nor counted.
 */
import { joinSubject } from "@aislewatch/contract";
import type { Series } from "./influxdb-http.ts";
import {
  decodeName,
  fieldsOf,
  identifier,
  LANES,
  literal,
  metricOf,
  READINGS,
  whereSubject,
} from "./influxdb-lines.ts";
import type { LastValue, Point, SeriesId, Watermark } from "./store.ts";

/** InfluxDB's times are nanoseconds in 64 bits. */
const TIME_MS_MAX = 9_223_372_036_000;
const timeMs = (ms: number): string => `${Math.min(TIME_MS_MAX, Math.max(-TIME_MS_MAX, ms))}ms`;
const between = (from: number, to: number): string => `time >= ${timeMs(from)} AND time < ${timeMs(to)}`;
const fromReadings = `FROM ${identifier(READINGS)}`;
const bySubject = 'GROUP BY "site", "device", "component"';

export const watermarksQuestion = `SELECT max("seq") FROM ${identifier(LANES)} GROUP BY "site", "agent", "epoch", "lane"`;

export function watermarksOf([tables = []]: readonly Series[][]): Watermark[] {
  return tables.flatMap(({ name, tags, values }) => {
    const seq = Number(values[0]?.[1] ?? Number.NaN);
    if (name !== LANES || !Number.isSafeInteger(seq) || seq <= 0) return [];
    const [site, agent, epoch] = [tags["site"], tags["agent"], tags["epoch"]].map((tag) => decodeName(tag ?? ""));
    if (site === undefined || agent === undefined || epoch === undefined) return [];
    return [{ site, agent, epoch, lane: tags["lane"] === "history" ? "history" : "live", seq } as const];
  });
}

/** The samples of one series as they are, at most so many. */
export function rawQuestion(series: SeriesId, range: { from: number; to: number; rowsMax: number }): string {
  const fields = Object.values(fieldsOf(series.metric)).map(identifier).join(", ");
  return `SELECT ${fields} ${fromReadings} WHERE ${whereOne(series)} AND ${between(range.from, range.to)} ORDER BY time LIMIT ${range.rowsMax}`;
}

export const pointsOfRaw = ([tables = []]: readonly Series[][]): Point[] =>
  (tables[0]?.values ?? []).flatMap(([at, ...cells]) =>
    cells.flatMap((cell) => (typeof cell === "number" ? [{ at: Number(at), mean: cell, min: cell, max: cell }] : [])),
  );

/** Buckets of `widthMs` from `from` on. */
export function bucketsQuestion(series: SeriesId, range: { from: number; to: number; widthMs: number }): string {
  const { from, to, widthMs } = range;
  const columns = Object.values(fieldsOf(series.metric)).flatMap((field) =>
    ["mean", "min", "max", "count"].map((each) => `${each}(${identifier(field)})`),
  );
  const offset = ((from % widthMs) + widthMs) % widthMs;
  return `SELECT ${columns.join(", ")} ${fromReadings} WHERE ${whereOne(series)} AND ${between(from, to)} GROUP BY time(${widthMs}ms, ${offset}ms) fill(none)`;
}

/** Numbers and booleans of one metric are two fields, and one series: their buckets become one. */
export function pointsOfBuckets([tables = []]: readonly Series[][]): Point[] {
  return (tables[0]?.values ?? []).flatMap(([at, ...cells]) => {
    const parts = [cells.slice(0, 4), cells.slice(4, 8)]
      .filter((part) => typeof part[0] === "number")
      .map((part) => part.map(Number));
    const total = parts.reduce((sum, [, , , count = 0]) => sum + count, 0);
    if (total === 0) return [];
    return [
      {
        at: Number(at),
        mean: parts.reduce((sum, [mean = 0, , , count = 0]) => sum + mean * (count / total), 0),
        min: Math.min(...parts.map(([, min = 0]) => min)),
        max: Math.max(...parts.map(([, , max = 0]) => max)),
      },
    ];
  });
}

/** Some series of some subjects: their tags as a condition, their fields, and where in the list each series is. */
export type Selection = {
  readonly where: string;
  readonly fields: readonly string[];
  /** Of one subject, at most. */
  readonly fieldsOfOneMax: number;
};

/** So many subjects in one condition: InfluxDB looks at each series for all of them. */
const SUBJECTS_MAX = 200;

export function selectionsOf(series: readonly SeriesId[]): Selection[] {
  const subjects = new Map<string, { readonly where: string; readonly metrics: Set<string> }>();
  for (const each of series) {
    const key = JSON.stringify([each.site, each.device, each.component]);
    const subject = subjects.get(key) ?? { where: whereTags(each), metrics: new Set() };
    subject.metrics.add(each.metric);
    subjects.set(key, subject);
  }
  const all = [...subjects.values()];
  return Array.from({ length: Math.ceil(all.length / SUBJECTS_MAX) }, (_, n) => {
    const group = all.slice(n * SUBJECTS_MAX, (n + 1) * SUBJECTS_MAX);
    const metrics = new Set(group.flatMap((subject) => [...subject.metrics]));
    return {
      where: group.map(({ where }) => `(${where})`).join(" OR "),
      fields: [...metrics].flatMap((metric) => Object.values(fieldsOf(metric))),
      fieldsOfOneMax: Math.max(...group.map(({ metrics: { size } }) => size)),
    };
  });
}

/** Readings of a selection in order of time, at most so many; all of them without a limit. */
export function rowsQuestion(
  { where, fields }: Selection,
  range: { from: number; to: number; rowsMax: number | null },
): string {
  const limit = range.rowsMax === null ? "" : ` LIMIT ${range.rowsMax}`;
  return `SELECT ${["site", "device", "component", ...fields].map(identifier).join(", ")} ${fromReadings} WHERE (${where}) AND ${between(range.from, range.to)} ORDER BY time${limit}`;
}

/** The newest value of each field of a selection: a statement for each, for two selectors in one give no times. */
export const newestQuestion = ({ where, fields }: Selection, range: { from: number; to: number }): string =>
  fields
    .map(
      (field) =>
        `SELECT last(${identifier(field)}) ${fromReadings} WHERE (${where}) AND ${between(range.from, range.to)} ${bySubject}`,
    )
    .join("; ");

export const fieldsQuestion = `SHOW FIELD KEYS ${fromReadings}`;

export const fieldNamesOf = ([tables = []]: readonly Series[][]): string[] =>
  tables.filter(({ name }) => name === READINGS).flatMap(({ values }) => values.map(([field]) => String(field)));

export const sitesQuestion = `SHOW TAG VALUES ${fromReadings} WITH KEY = "site"`;

export const sitesOf = ([tables = []]: readonly Series[][]): string[] =>
  tables.flatMap(({ values }) => values.map(([, site]) => decodeName(String(site ?? ""))));

/** Of each subject: a device whose metrics are read at different times tells most of them in so many readings. */
const NEWEST_ROWS = 4;

export const newestRowsQuestion = (sites: readonly string[], sinceMs: number): string =>
  `SELECT * ${fromReadings} WHERE (${sites.map((site) => `"site" = ${literal(site)}`).join(" OR ")}) AND time >= ${timeMs(sinceMs)} ${bySubject} ORDER BY time DESC LIMIT ${NEWEST_ROWS}`;

export const valuesOfRows = ([tables = []]: readonly Series[][]): LastValue[] =>
  tables.flatMap(({ tags, columns, values }) => {
    const { site, device, component } = subjectOf(tags);
    const subject = joinSubject(device, component);
    const metrics = columns.map(metricOf);
    return values.flatMap(([at, ...cells]) =>
      cells.flatMap((value, n) => {
        const { metric, isBoolean } = metrics[n + 1] ?? { metric: "", isBoolean: false };
        if (typeof value !== "number" || typeof at !== "number") return [];
        return [{ site, subject, metric, at, value: isBoolean ? value !== 0 : value }];
      }),
    );
  });

export const lastQuestion = (fields: readonly string[], sinceMs: number): string =>
  fields
    .map((field) => `SELECT last(${identifier(field)}) ${fromReadings} WHERE time >= ${timeMs(sinceMs)} ${bySubject}`)
    .join("; ");

/** `fields` are those that were asked for, a statement each. */
export function lastValuesOf(answers: readonly Series[][], fields: readonly string[]): LastValue[] {
  return answers.flatMap((tables, n) => {
    const { metric, isBoolean } = metricOf(fields[n] ?? "");
    return tables.flatMap(({ tags, values }) => {
      const [at, value] = values[0] ?? [];
      if (typeof at !== "number" || typeof value !== "number") return [];
      const { site, device, component } = subjectOf(tags);
      return [{ site, subject: joinSubject(device, component), metric, at, value: isBoolean ? value !== 0 : value }];
    });
  });
}

export const countsQuestion = `SELECT count(*) ${fromReadings} ${bySubject}`;

export function countsOf([tables = []]: readonly Series[][]): { samples: number; series: number } {
  let [samples, series] = [0, 0];
  for (const { columns, values } of tables) {
    const metrics = new Set<string>();
    for (const [n, column] of columns.entries()) {
      const count = n === 0 ? 0 : Number(values[0]?.[n] ?? 0);
      if (count === 0) continue;
      samples += count;
      metrics.add(metricOf(column.replace(/^count_/, "")).metric);
    }
    series += metrics.size;
  }
  return { samples, series };
}

/** Which of these tables' bytes are those of a database. */
export function diskBytesOf([tables = []]: readonly Series[][], database: string): number {
  return tables
    .filter(({ name, tags }) => name === "shard" && tags["database"] === database)
    .reduce((sum, { columns, values }) => sum + Number(values[0]?.[columns.indexOf("diskBytes")] ?? 0), 0);
}

/** A row's subject as it stands in tags or columns. */
export const subjectOf = (tags: Readonly<Record<string, unknown>>) => ({
  site: decodeName(String(tags["site"] ?? "")),
  device: decodeName(String(tags["device"] ?? "")),
  component:
    tags["component"] === undefined || tags["component"] === null || tags["component"] === ""
      ? null
      : decodeName(String(tags["component"])),
});

const whereOne = (series: SeriesId): string => whereTags(series);
const whereTags = (series: SeriesId): string => `"site" = ${literal(series.site)} AND ${whereSubject(series)}`;

/** The retention policy that we make, and may change; that of others is left as it is. */
export const POLICY = "aislewatch";

const durationText = (ms: number | null): string => (ms === null ? "INF" : `${Math.ceil(ms / 3_600_000)}h`);

export const createDatabaseQuestion = (database: string, retentionMs: number | null): string =>
  `CREATE DATABASE ${identifier(database)} WITH DURATION ${durationText(retentionMs)} REPLICATION 1 NAME ${identifier(POLICY)}`;

export const policiesQuestion = (database: string): string => `SHOW RETENTION POLICIES ON ${identifier(database)}`;

/** What has to be said to keep samples for as long as wanted; null: nothing, or the policy is not ours. */
export function policyChange(
  [tables = []]: readonly Series[][],
  database: string,
  retentionMs: number | null,
): string | null {
  const ours = (tables[0]?.values ?? []).find(([name]) => name === POLICY);
  const wanted = retentionMs === null ? "0s" : `${Math.ceil(retentionMs / 3_600_000)}h0m0s`;
  if (ours === undefined || ours[1] === wanted) return null;
  return `ALTER RETENTION POLICY ${identifier(POLICY)} ON ${identifier(database)} DURATION ${durationText(retentionMs)}`;
}
