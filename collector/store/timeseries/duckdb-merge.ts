/**
 * Files that have become many are merged: those of a day that came in several generations, and the roll-ups of a month that
 * is over, so that a chart over two years opens some dozens of files.
 */
import { numbers, quoted, transact } from "./duckdb-connection.ts";
import { DAY_MS, type FileKind, type SealedFile } from "./duckdb-holdings.ts";
import { build, fileName, type Keeping, rawRows, slicesOf } from "./duckdb-keeping.ts";
import { patient } from "./duckdb-patience.ts";
import { rollupOfRollups } from "./duckdb-rollup.ts";

/** A day has two as a rule: what came in its first hour is sealed with the day before. */
const GENERATIONS_MAX: Readonly<Record<FileKind, number>> = { raw: 4, rollup: 8 };
/** A month's roll-ups wait until what is a day or two late has come. */
const MONTH_OVER_MS = 3 * DAY_MS;

export async function mergeFiles(keeping: Keeping, nowMs: number): Promise<void> {
  await dropUnfinished(keeping);
  for (;;) {
    const group = dueOf(keeping, nowMs);
    if (group === null) return;
    await mergeGroup(keeping, group);
  }
}

/** What a merge had built when it was cut off: it begins anew, for what it was made of may have changed. */
export async function dropUnfinished({
  connection,
  holdings,
}: Pick<Keeping, "connection" | "holdings">): Promise<void> {
  const slabs = new Set(holdings.slabs.map(({ id }) => id));
  const names = holdings.files
    .filter(({ state, generation }) => state === "built" && !slabs.has(generation))
    .map(({ name }) => name);
  if (names.length === 0) return;
  await connection.run(`delete from files where name in (${list(names)})`);
  await holdings.read(connection);
  await holdings.discard(names);
}

type Group = { readonly kind: FileKind; readonly period: number; readonly files: readonly SealedFile[] };

function dueOf({ holdings }: Keeping, nowMs: number): Group | null {
  const groups = new Map<string, { kind: FileKind; period: number; files: SealedFile[] }>();
  for (const file of [...holdings.live("raw"), ...holdings.live("rollup")]) {
    const period = file.kind === "raw" ? file.period : monthOf(file.period);
    const key = `${file.kind} ${period}`;
    const group = groups.get(key) ?? { kind: file.kind, period, files: [] };
    group.files.push(file);
    groups.set(key, group);
  }
  for (const group of groups.values()) {
    const generations = new Set(group.files.map(({ generation, period }) => `${generation} ${period}`)).size;
    if (generations < GENERATIONS_MAX[group.kind]) continue;
    if (group.kind === "rollup" && monthEndMs(group.period) + MONTH_OVER_MS > nowMs) continue;
    return group;
  }
  return null;
}

/** The first day of the month that a day lies in, both in days since 1970. */
function monthOf(day: number): number {
  const date = new Date(day * DAY_MS);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth()) / DAY_MS;
}

function monthEndMs(firstDay: number): number {
  const date = new Date(firstDay * DAY_MS);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

async function mergeGroup(keeping: Keeping, { kind, period, files }: Group): Promise<void> {
  const { connection, holdings, exclusive, onStep } = keeping;
  const generation = holdings.nextGeneration();
  const merged = async (): Promise<readonly string[]> => {
    await dropUnfinished(keeping);
    // One of them may have been set aside since: it is not replaced, and comes back when it can be read again.
    const names = new Set(files.map(({ name }) => name));
    const sources = holdings.live(kind).filter(({ name }) => names.has(name));
    if (sources.length === 0) return [];
    const all = holdings.scan(sources);
    const columns = kind === "raw" ? "series, at_ms, 1 as n" : "series, at_ms, n";
    for (const slice of await slicesOf(connection, `select ${columns} from ${all}`, keeping.partRows)) {
      const { part, seriesMin, seriesMax, samples, firstMs } = slice;
      const rows = `select * from ${all} where series between ${seriesMin} and ${seriesMax}`;
      const lastMs = Math.max(...sources.map((source) => source.lastMs));
      const name = fileName(kind, { period, generation, part });
      await build(
        keeping,
        { name, kind, generation, period, firstMs, lastMs, seriesMin, seriesMax, samples },
        kind === "raw" ? { sql: rawRows(rows), expected: slice.rows } : { sql: rollupOfRollups(rows), expected: null },
      );
    }
    return sources.map(({ name }) => name);
  };
  const replaced = await patient({ ...keeping, run: (sql) => connection.run(sql) }, merged, () => {
    const names = new Set(files.map(({ name }) => name));
    return holdings.live(kind).filter(({ name }) => names.has(name));
  });
  const [built = 0] = await numbers(
    connection,
    `select coalesce(sum(samples), 0)::double from files where generation = ${generation}`,
  );
  const [before = 0] = await numbers(
    connection,
    `select coalesce(sum(samples), 0)::double from files where name in (${list(replaced)})`,
  );
  if (built !== before) throw new Error(`${built} samples are in merged files, ${before} in those that they replace`);
  await exclusive(async () => {
    await transact(connection, async () => {
      await connection.run(`delete from files where name in (${list(replaced)})`);
      await connection.run(`update files set state = 'live' where generation = ${generation}`);
      onStep("flipping");
    });
    await holdings.read(connection);
  });
  onStep("flipped");
  await holdings.discard(replaced);
  onStep("discarded");
}

const list = (names: readonly string[]): string => ["", ...names].map(quoted).join(", ");
