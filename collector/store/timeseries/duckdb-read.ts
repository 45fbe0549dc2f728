/**
 * Questions, over everything that a store holds: samples in slabs, sealed days, and roll-ups where those are enough or
 * are all that is left. What is asked decides how it is answered, never what happens to be sealed, so that an answer is
 * the same before and after a day is sealed.
 *
 * - Raw samples as far back as they are kept (`rawFromMs`).
 * - Before that roll-ups. What is hot there counts as rolled up: as a sample at the beginning of its five minutes.
 * - Charts over a long range with wide buckets are made of roll-ups altogether. A sample then counts to the bucket in
 *   which its five minutes begin: at the edges of the range and of each bucket it may lie up to five minutes off.
 */
import type { Holdings, Reach, SealedFile } from "./duckdb-holdings.ts";
import { DAY_MS } from "./duckdb-holdings.ts";
import { patient } from "./duckdb-patience.ts";
import type { Operations } from "./duckdb-protocol.ts";
import { floorToRollup, ROLLUP_MS, rolled } from "./duckdb-rollup.ts";
import { slabTable } from "./duckdb-schema.ts";

/** Roll-ups from there on, when a bucket holds at least three of them. */
const COARSE_RANGE_MS = 2 * DAY_MS;
const COARSE_BUCKET_MS = 3 * ROLLUP_MS;

type Flat = Float64Array<ArrayBuffer>;
/** Asks, again without a file that can't be read. The text is made anew each time. */
const asked = (reader: Reader, sql: () => string): Promise<Flat> => {
  let text = "";
  const ask = (): Promise<Flat> => {
    text = sql();
    return reader.ask(text);
  };
  return patient({ ...reader, run: reader.ask }, ask, () =>
    reader.holdings.files.filter(({ name }) => text.includes(reader.holdings.path(name))),
  );
};

export type Reader = {
  readonly holdings: Holdings;
  /** Called when a file can't be read; it is left out from then on. */
  readonly setAside: (file: SealedFile, detail: string) => Promise<void>;
  /** The rows of a statement, cell by cell. */
  readonly ask: (sql: string) => Promise<Flat>;
};

export async function query(reader: Reader, request: Operations["query"]["request"]): Promise<Flat> {
  const { holdings } = reader;
  const { series, from, to, pointsMax } = request;
  const widthMs = Math.max(1, Math.ceil((to - from) / pointsMax));
  const reach = { seriesMin: series, seriesMax: series, from, to };
  const among = `series = ${Math.trunc(series)}`;
  const fine = (): string => {
    const parts = [
      ...rawParts(holdings, { ...reach, from: Math.max(from, holdings.rawFromMs) }, among).map(
        (rows) => `select at_ms, 1 as n, value as least, value as greatest, value as total from (${rows})`,
      ),
      ...rolledParts(holdings, { ...reach, to: Math.min(to, holdings.rawFromMs) }, among),
    ];
    return bucketed(parts, { from, widthMs, pointsMax });
  };
  if (to - from >= COARSE_RANGE_MS && widthMs >= COARSE_BUCKET_MS) {
    const coarse = (): string => bucketed(rolledParts(holdings, reach, among), { from, widthMs, pointsMax });
    const found = await asked(reader, coarse);
    if (from < holdings.rawFromMs || (found[4] ?? 0) > pointsMax) return withoutTotal(found);
  }
  return withoutTotal(await asked(reader, fine));
}

/** One scan: what matches is little enough to keep, then it is either given as it is or put in buckets. */
function bucketed(
  parts: readonly string[],
  { from, widthMs, pointsMax }: { readonly from: number; readonly widthMs: number; readonly pointsMax: number },
): string {
  return `
    with found as materialized (${union(parts, "at_ms bigint, n integer, least double, greatest double, total double")}),
      counted as (select count(distinct at_ms) as moments, sum(n) as samples from found)
    select (case when moments <= ${pointsMax} then at_ms else ${from} + ((at_ms - ${from}) // ${widthMs}) * ${widthMs} end)
             ::double as bucket,
           sum(total) / sum(n), min(least), max(greatest), any_value(samples)::double
    from found, counted group by bucket order by bucket`;
}

/** The fifth cell of each row is how many samples there were in all. */
function withoutTotal(found: Flat): Flat {
  const flat = new Float64Array((found.length / 5) * 4);
  for (let n = 0; n * 5 < found.length; n++) flat.set(found.subarray(n * 5, n * 5 + 4), n * 4);
  return flat;
}

function union(parts: readonly string[], columns: string): string {
  if (parts.length > 0) return parts.join("\n union all ");
  const empty = columns.split(", ").map((column) => {
    const [name, type] = column.split(" ");
    return `null::${type} as ${name}`;
  });
  return `select ${empty.join(", ")} where false`;
}

/** `series, at_ms, value` within reach: a part for each slab, and one for all files. */
function rawParts(holdings: Holdings, reach: Reach, among: string): string[] {
  const { from, to } = reach;
  if (from >= to) return [];
  const where = `where ${among} and at_ms >= ${from} and at_ms < ${to}`;
  const files = holdings.touched("raw", reach);
  return [
    ...holdings.slabs.map(({ id }) => `select series, at_ms, value from ${slabTable(id)} ${where}`),
    ...(files.length === 0 ? [] : [`select series, at_ms, value from ${holdings.scan(files)} ${where}`]),
  ];
}

/** `at_ms, n, least, greatest, total` of the five minutes within reach; what began before it counts to its beginning. */
function rolledParts(holdings: Holdings, reach: Reach, among: string): string[] {
  const { from, to } = reach;
  if (from >= to) return [];
  // A sample counts when its five minutes begin within reach, sealed or not.
  const wide = { ...reach, from: floorToRollup(from), to: floorToRollup(to + ROLLUP_MS - 1) };
  const files = holdings.touched("rollup", wide);
  const where = `where ${among} and at_ms >= ${wide.from} and at_ms < ${wide.to}`;
  const at = `greatest(at_ms, ${from})`;
  return [
    ...holdings.slabs.map(
      ({ id }) =>
        `select greatest(${rolled("at_ms")}, ${from}) as at_ms, 1 as n, value as least, value as greatest, value as total
         from ${slabTable(id)} ${where}`,
    ),
    ...(files.length === 0
      ? []
      : [`select ${at} as at_ms, n, least, greatest, total from ${holdings.scan(files)} ${where}`]),
  ];
}

/**
 * Sealed days are asked one after the other, for the rest may not be needed. The ids are numbers of ours, so they stand in
 * the text: a list of them as a parameter is a join, and ten times as slow. When there are too many samples, those of the
 * last instant are left for the next question.
 */
export async function samples(reader: Reader, request: Operations["samples"]["request"]): Promise<Flat> {
  const { holdings } = reader;
  const { to, samplesMax, beforeMs } = request;
  const ids = request.series.map((id) => Math.trunc(id));
  const ends = { seriesMin: min(ids), seriesMax: -min(ids.map((id) => -id)) };
  // The second half says nothing new, but of it row groups are left out: those of one agent lie beside each other.
  const among = `series in (${ids.join(",")}) and series between ${ends.seriesMin} and ${ends.seriesMax}`;
  const ranged = (fromMs: number, toMs: number): string => {
    const reach = { ...ends, from: Math.max(fromMs, holdings.rawFromMs), to: toMs };
    return union(rawParts(holdings, reach, among), "series integer, at_ms bigint, value double");
  };
  const from = Math.min(to, Math.max(request.from, holdings.rawFromMs));
  const before =
    beforeMs === 0
      ? new Float64Array()
      : await asked(
          reader,
          () => `select series::double, max(at_ms)::double as newest, arg_max(value, at_ms)
                 from (${ranged(request.from - beforeMs, request.from)}) group by series order by newest`,
        );
  const found: Flat[] = [];
  let count = 0;
  for (let start = from; start < to && count < samplesMax; ) {
    const end = stepEnd(holdings, start, to);
    const rest = samplesMax - count;
    const part = await asked(
      reader,
      () => `select series::double, at_ms::double, value from (${ranged(start, end)}) order by at_ms limit ${rest}`,
    );
    found.push(part);
    count += part.length / 3;
    start = end;
  }
  return untilCut(joined(found), { from, to, samplesMax, before });
}

/** The end of the day when it has sealed samples; else where the next one that has any begins. */
function stepEnd(holdings: Holdings, start: number, to: number): number {
  const dayEnd = (Math.floor(start / DAY_MS) + 1) * DAY_MS;
  let end = to;
  for (const { firstMs, lastMs } of holdings.live("raw")) {
    if (lastMs < start) continue;
    end = Math.min(end, firstMs < dayEnd ? dayEnd : firstMs);
  }
  return end;
}

function untilCut(
  found: Flat,
  { from, to, samplesMax, before }: { from: number; to: number; samplesMax: number; before: Flat },
): Flat {
  let count = found.length / 3;
  let until = to;
  if (count === samplesMax) {
    const lastAt = found[found.length - 2] ?? from;
    while (count > 0 && found[count * 3 - 2] === lastAt) count--;
    // All of one instant: the rest of it is given up, or nobody would ever get past it.
    until = count === 0 ? lastAt + 1 : lastAt;
    if (count === 0) count = samplesMax;
  }
  const flat = new Float64Array(1 + before.length + count * 3);
  flat[0] = until;
  flat.set(before, 1);
  flat.set(found.subarray(0, count * 3), 1 + before.length);
  return flat;
}

/** From what is hot, and what is kept of all that is sealed: no file is read. */
export async function last({ holdings, ask }: Reader, sinceMs: number): Promise<Flat> {
  const tables = [...holdings.slabs.map(({ id }) => slabTable(id)), "newest"];
  const parts = tables.map((table) => `select series, at_ms, value from ${table} where at_ms >= ${sinceMs}`);
  return ask(
    `select series::double, max(at_ms)::double, arg_max(value, at_ms) from (${parts.join(" union all ")}) group by series`,
  );
}

export async function count({ holdings, ask }: Reader): Promise<number> {
  const parts = holdings.slabs.map(({ id }) => `(select count(*) from ${slabTable(id)})`);
  const [hot = 0] = await ask(`select (${parts.join(" + ")})::double`);
  return holdings.live("raw").reduce((sum, file) => sum + file.samples, hot);
}

const min = (numbers: readonly number[]): number => numbers.reduce((a, b) => Math.min(a, b), Number.MAX_SAFE_INTEGER);

function joined(parts: readonly Flat[]): Flat {
  if (parts.length === 1 && parts[0] !== undefined) return parts[0];
  const flat = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let n = 0;
  for (const part of parts) {
    flat.set(part, n);
    n += part.length;
  }
  return flat;
}
