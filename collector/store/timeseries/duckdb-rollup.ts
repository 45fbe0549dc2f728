/**
 * Five minutes of a series in one row: how many samples, the least, the greatest, their sum, the newest and when it was
 * taken. Each of these can be put together from parts, so a day may have roll-ups of several generations (what came late has
 * its own), which are added up when they are read. A boolean is 0 or 1: `total / n` is the share of the time that it was
 * true, as far as its polls are as far apart as each other.
 */
export const ROLLUP_MS = 300_000;

/** The beginning of the five minutes that a time lies in. */
export const floorToRollup = (atMs: number): number => Math.floor(atMs / ROLLUP_MS) * ROLLUP_MS;

/** The same in SQL; times before 1970 are none. */
export const rolled = (column: string): string => `(${column} // ${ROLLUP_MS}) * ${ROLLUP_MS}`;

/** Of rows `series, at_ms, value`. */
export const rollupOf = (rows: string): string => `
  select series, ${rolled("at_ms")} as at_ms, count(*)::integer as n, min(value) as least, max(value) as greatest,
    sum(value) as total, arg_max(value, at_ms) as newest, (max(at_ms) % ${ROLLUP_MS})::double as newest_after_ms
  from (${rows}) as samples group by series, samples.at_ms // ${ROLLUP_MS} order by series, 2`;

/** Of rows that are roll-ups, several for the same five minutes. */
export const rollupOfRollups = (rows: string): string => `
  select series, at_ms, sum(n)::integer as n, min(least) as least, max(greatest) as greatest, sum(total) as total,
    arg_max(newest, newest_after_ms) as newest, max(newest_after_ms)::double as newest_after_ms
  from (${rows}) group by series, at_ms order by series, at_ms`;
