/**
 * Sealing: once a day the slab that samples go into is frozen and another takes its place; what lies in the frozen one is
 * written to files, by day, sorted by series, with a roll-up beside each; then one transaction makes the files count, keeps the
 * newest sample of each series and drops the slab.
 *
 * - Nothing is ever deleted from a slab and nothing is added to a frozen one, so each file is made of the same rows whenever it
 *   is made: after a crash those that are noted stay, and the rest is written anew.
 * - What comes late for a sealed day goes into the slab of the day on which it comes, and becomes further files of its own day;
 *   when those have become many they are merged (duckdb-merge.ts).
 * - A part has so many rows that they are sorted in memory, and each is followed by a rest.
 */
import { FileError, numberRows, numbers, transact } from "./duckdb-connection.ts";
import { DAY_MS, type Slab } from "./duckdb-holdings.ts";
import { build, fileName, type Keeping, rawRows, type Slice, slicesOf } from "./duckdb-keeping.ts";
import { floorToRollup, rollupOf } from "./duckdb-rollup.ts";
import { createSlab, slabTable } from "./duckdb-schema.ts";

/** A day is sealed so long after its end: what is a little late is then in the same files. */
export const ALLOWANCE_MS = 3_600_000;
/** Days that get files of their own; what is older, or yet to come, lies in those of the oldest and the newest. */
const DAYS_BACK_MAX = 400;
const DAYS_AHEAD_MAX = 1;
/** A day of a fleet that is a hundred times as large has larger parts, not a hundred times as many. */
const PARTS_A_DAY_MAX = 256;

export async function seal(keeping: Keeping, nowMs: number): Promise<void> {
  await freeze(keeping, nowMs);
  for (const slab of keeping.holdings.slabs) if (slab.frozen !== null) await sealSlab(keeping, slab);
}

/** The day, as sealing counts days. */
const sealDay = (ms: number): number => Math.floor((ms - ALLOWANCE_MS) / DAY_MS);

async function freeze(keeping: Keeping, nowMs: number): Promise<void> {
  const { connection, holdings, exclusive } = keeping;
  const slab = holdings.slabs.at(-1);
  // A clock that went back is as good a reason as the next day: what counts is that it is another one.
  if (slab === undefined || (slab.createdMs !== null && sealDay(slab.createdMs) === sealDay(nowMs))) return;
  const now = Math.trunc(nowMs);
  await exclusive(async () => {
    const [rows = 0] = await numbers(connection, `select count(*)::double from ${slabTable(slab.id)}`);
    if (rows === 0 || slab.createdMs === null) {
      await connection.run(`update slabs set created_ms = ${now} where id = ${slab.id}`);
    } else {
      const id = holdings.nextGeneration();
      const partRows = Math.max(keeping.partRows, Math.ceil(rows / PARTS_A_DAY_MAX));
      await transact(connection, async () => {
        await connection.run(
          `update slabs set frozen_ms = ${now}, raw_from_ms = ${holdings.rawFromMs}, part_rows = ${partRows} where id = ${slab.id}`,
        );
        await connection.run(createSlab(id));
        await connection.run(`insert into slabs values (${id}, ${now}, null, null, null)`);
      });
    }
    await holdings.read(connection);
  });
  keeping.onStep("frozen");
}

type Day = { readonly period: number; readonly where: string };

async function sealSlab(keeping: Keeping, { id, frozen }: Slab): Promise<void> {
  if (frozen === null) return;
  const { connection } = keeping;
  const table = slabTable(id);
  let sealed = 0;
  for (const day of await daysOf(keeping, table, frozen.atMs)) {
    const rows = `select series, at_ms, 1 as n from ${table} where ${day.where}`;
    for (const slice of await slicesOf(connection, rows, frozen.partRows)) {
      await sealSlice(keeping, { slab: id, table, rawFromMs: frozen.rawFromMs, day, slice });
      sealed += slice.samples;
    }
  }
  const [rows = 0] = await numbers(connection, `select count(*)::double from ${table}`);
  if (rows !== sealed) throw new FileError("failed", `${rows} samples are in ${table}, ${sealed} in its files`);
  await flip(keeping, id, frozen.rawFromMs);
}

async function daysOf({ connection }: Keeping, table: string, frozenMs: number): Promise<Day[]> {
  const today = Math.floor(frozenMs / DAY_MS);
  const [oldest, newest] = [today - DAYS_BACK_MAX, today + DAYS_AHEAD_MAX];
  const periods = await numberRows(
    connection,
    `select distinct greatest(least(at_ms // ${DAY_MS}, ${newest}), ${oldest})::double as period from ${table} order by period`,
  );
  return periods.map(([period = 0]) => {
    const from = period === oldest ? "" : `at_ms >= ${period * DAY_MS}`;
    const to = period === newest ? "" : `at_ms < ${(period + 1) * DAY_MS}`;
    return { period, where: [from, to].filter((bound) => bound !== "").join(" and ") };
  });
}

async function sealSlice(
  keeping: Keeping,
  of: {
    readonly slab: number;
    readonly table: string;
    readonly rawFromMs: number;
    readonly day: Day;
    readonly slice: Slice;
  },
): Promise<void> {
  const { table, rawFromMs, day, slice } = of;
  const { part, seriesMin, seriesMax, firstMs, lastMs, samples } = slice;
  const place = { generation: of.slab, period: day.period, part };
  const among = `${day.where} and series between ${seriesMin} and ${seriesMax}`;
  const rows = `select series, at_ms, value from ${table} where ${among}`;
  const facts = { generation: of.slab, period: day.period, seriesMin, seriesMax, lastMs };
  if (lastMs >= rawFromMs) {
    // What is older than raw samples are kept goes into the roll-up only.
    const isWhole = firstMs >= rawFromMs;
    const kept = isWhole ? rows : `${rows} and at_ms >= ${rawFromMs}`;
    const [count = 0] = isWhole
      ? [samples]
      : await numbers(keeping.connection, `select count(*)::double from (${kept})`);
    const name = fileName("raw", place);
    const file = { ...facts, name, kind: "raw", firstMs: Math.max(firstMs, rawFromMs), samples: count } as const;
    await build(keeping, file, { sql: rawRows(kept), expected: count });
  }
  const rollup = { ...facts, name: fileName("rollup", place), kind: "rollup", samples } as const;
  await build(keeping, { ...rollup, firstMs: floorToRollup(firstMs) }, { sql: rollupOf(rows), expected: null });
}

/** From here on the files count and the slab does not, in one step. */
async function flip(
  { connection, holdings, exclusive, onStep }: Keeping,
  slab: number,
  rawFromMs: number,
): Promise<void> {
  const newestOf = (rows: string): string =>
    `select series, max(at_ms)::bigint as at_ms, arg_max(value, at_ms) as value from (${rows}) group by series`;
  const sealed = `select series, at_ms, value from ${slabTable(slab)} where at_ms >= ${rawFromMs}`;
  await connection.run(`create or replace temp table newest_sealed as ${newestOf(sealed)}`);
  await exclusive(async () => {
    await transact(connection, async () => {
      await connection.run(`update files set state = 'live' where generation = ${slab} and state = 'built'`);
      await connection.run(
        `create or replace table newest as ${newestOf("select * from newest union all select * from newest_sealed")}`,
      );
      await connection.run(`delete from slabs where id = ${slab}`);
      await connection.run(`drop table ${slabTable(slab)}`);
      onStep("flipping");
    });
    await holdings.read(connection);
  });
  onStep("flipped");
  await connection.run("drop table newest_sealed");
}
