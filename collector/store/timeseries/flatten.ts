/**
 * Telemetry messages into columns of samples: series id, time, value. This runs on the main thread for every sample,
 * so it is built around caches: agents send the same tables of the same subjects again and again, and a row then costs
 * one map lookup for all of its metrics. Nothing here touches a database; a store gives ids their durable meaning by
 * writing `takeChanges()` in the same transaction as the samples.
 */
import { splitSubject, type Table, type Telemetry, type Value } from "@aislewatch/contract";
import type { SeriesId } from "./store.ts";

/** A series as a store keeps it. `boolean` says what its numbers mean: 0 and 1 are then false and true. */
export type SeriesRow = SeriesId & { readonly id: number; readonly boolean: boolean };

export type SeriesChanges = {
  readonly added: readonly SeriesRow[];
  /** Known series that turned from number to boolean, or back. */
  readonly retyped: readonly { readonly id: number; readonly boolean: boolean }[];
};

/** Ids held by the caches over all agents; beyond it they are dropped and fill again. 4 M ids are about 100 MB. */
const CACHED_IDS_MAX = 4_000_000;
/** The id of a series that was refused because there are too many, and of a cell without a value. */
const REFUSED = -1;

type Layout = { readonly metrics: readonly string[]; readonly idsBySubject: Map<string, Int32Array> };

/** Numbers series from 0 in the order in which they appear; at most `seriesMax` of them. */
export class SeriesRegistry {
  readonly #seriesMax: number;
  readonly #ids = new Map<string, number>();
  readonly #names: SeriesId[] = [];
  #booleans = new Uint8Array(1024);
  #unsavedFrom: number;
  #retyped = new Set<number>();
  #layoutsBySite = new Map<string, Map<string, Layout>>();
  #layoutsByAgent = new Map<string, Layout[]>();
  #cachedIds = 0;

  constructor(saved: readonly SeriesRow[], seriesMax: number) {
    this.#seriesMax = seriesMax;
    for (const row of [...saved].sort((a, b) => a.id - b.id)) {
      if (row.id !== this.#names.length) throw new Error(`series ${this.#names.length} is missing`);
      this.#add(row);
      this.#booleans[row.id] = row.boolean ? 1 : 0;
    }
    this.#unsavedFrom = this.#names.length;
  }

  get count(): number {
    return this.#names.length;
  }

  find(series: SeriesId): number | undefined {
    return this.#ids.get(keyOf(series));
  }

  row(id: number): SeriesRow | undefined {
    const name = this.#names[id];
    return name === undefined ? undefined : { ...name, id, boolean: this.#booleans[id] === 1 };
  }

  /** What is new since the last call. */
  takeChanges(): SeriesChanges {
    const added: SeriesRow[] = [];
    for (let id = this.#unsavedFrom; id < this.#names.length; id++) {
      const row = this.row(id);
      if (row !== undefined) added.push(row);
    }
    const retyped = [...this.#retyped]
      .filter((id) => id < this.#unsavedFrom)
      .map((id) => ({ id, boolean: this.#booleans[id] === 1 }));
    this.#unsavedFrom = this.#names.length;
    this.#retyped.clear();
    return { added, retyped };
  }

  /** Appends a message's samples to `into`; gives how many were refused because there are too many series. */
  flatten(from: { site: string; agent: string; message: Telemetry; skewMs: number }, into: SampleColumns): number {
    const { site, message } = from;
    const skewedBase = message.base + Math.trunc(from.skewMs);
    const agentLayouts = this.#layoutsOf(site, from.agent);
    let refused = 0;
    for (let t = 0; t < message.tables.length; t++) {
      const table = message.tables[t];
      if (table === undefined) continue;
      let layout = agentLayouts[t];
      if (layout === undefined || !sameNames(layout.metrics, table.metrics)) {
        layout = this.#layout(site, table.metrics);
        agentLayouts[t] = layout;
      }
      into.reserve(table.metrics.length * table.subject.length);
      this.#placeRows(into, { site, layout, table, subjects: message.subjects, baseMs: skewedBase });
      let gaps = 0;
      for (let m = 0; m < table.values.length; m++) {
        const found = this.#placeColumn(into, { m, width: table.metrics.length, values: table.values[m] ?? [] });
        gaps += found.gaps;
        refused += found.refused;
      }
      closeGaps(into, table.metrics.length * table.subject.length, gaps);
    }
    return refused;
  }

  /**
   * Series and time of every cell of a table, row by row. This order compresses best of those tried (10 M samples of a
   * fleet in DuckDB: 4.3 bytes a sample; metric by metric within a message 6.4, sorted by metric in groups of 10,000
   * 5.4): the ids of a row follow each other and its times are equal.
   */
  #placeRows(
    into: SampleColumns,
    from: {
      readonly site: string;
      readonly layout: Layout;
      readonly table: Table;
      readonly subjects: readonly string[];
      readonly baseMs: number;
    },
  ): void {
    const { site, layout, table, subjects, baseMs } = from;
    const width = table.metrics.length;
    let n = into.count;
    for (let row = 0; row < table.subject.length; row++, n += width) {
      const subject = subjects[table.subject[row] ?? -1] ?? "";
      into.series.set(layout.idsBySubject.get(subject) ?? this.#resolve(site, layout, subject), n);
      // A 64-bit integer as its two halves: making a BigInt per sample would cost more than all the rest.
      const atMs = baseMs + (table.at[row] ?? 0);
      const low = atMs >>> 0;
      const high = Math.floor(atMs / 2 ** 32);
      for (let cell = 2 * n; cell < 2 * (n + width); cell += 2) {
        into.atHalves[cell] = low;
        into.atHalves[cell + 1] = high;
      }
    }
  }

  /** The values of one metric into their cells; a cell that stays empty gets the id of a gap. */
  #placeColumn(
    into: SampleColumns,
    column: { readonly m: number; readonly width: number; readonly values: readonly (Value | null)[] },
  ): { gaps: number; refused: number } {
    const { series, value, count } = into;
    const { m, width, values } = column;
    const booleans = this.#booleans;
    let gaps = 0;
    let refused = 0;
    for (let row = 0, n = count + m; row < values.length; row++, n += width) {
      const sample = values[row];
      const id = series[n] ?? REFUSED;
      if (sample === null || sample === undefined || id === REFUSED) {
        if (sample !== null) refused++;
        series[n] = REFUSED;
        gaps++;
        continue;
      }
      const boolean = typeof sample === "boolean" ? 1 : 0;
      if (booleans[id] !== boolean) {
        booleans[id] = boolean;
        this.#retyped.add(id);
      }
      value[n] = sample === true ? 1 : sample === false ? 0 : sample;
    }
    return { gaps, refused };
  }

  #layoutsOf(site: string, agent: string): Layout[] {
    const key = JSON.stringify([site, agent]);
    let layouts = this.#layoutsByAgent.get(key);
    if (layouts === undefined) {
      layouts = [];
      this.#layoutsByAgent.set(key, layouts);
    }
    return layouts;
  }

  #layout(site: string, metrics: readonly string[]): Layout {
    let layouts = this.#layoutsBySite.get(site);
    if (layouts === undefined) {
      layouts = new Map();
      this.#layoutsBySite.set(site, layouts);
    }
    const key = JSON.stringify(metrics);
    let layout = layouts.get(key);
    if (layout === undefined) {
      layout = { metrics: [...metrics], idsBySubject: new Map() };
      layouts.set(key, layout);
      this.#countCached(metrics.length);
    }
    return layout;
  }

  #resolve(site: string, layout: Layout, subject: string): Int32Array {
    this.#countCached(layout.metrics.length);
    const { device, component } = splitSubject(subject);
    const ids = Int32Array.from(layout.metrics, (metric) => {
      const series = { site, device, component, metric };
      const known = this.#ids.get(keyOf(series));
      if (known !== undefined) return known;
      return this.#names.length >= this.#seriesMax ? REFUSED : this.#add(series);
    });
    layout.idsBySubject.set(subject, ids);
    return ids;
  }

  #add({ site, device, component, metric }: SeriesId): number {
    const id = this.#names.length;
    const series = { site, device, component, metric };
    this.#ids.set(keyOf(series), id);
    this.#names.push(series);
    if (id >= this.#booleans.length) {
      const wider = new Uint8Array(this.#booleans.length * 2);
      wider.set(this.#booleans);
      this.#booleans = wider;
    }
    return id;
  }

  /** A layout costs as much as its ids even when no row uses it, so that inventing tables does not get around the bound. */
  #countCached(ids: number): void {
    this.#cachedIds += ids;
    if (this.#cachedIds <= CACHED_IDS_MAX) return;
    this.#layoutsBySite.clear();
    this.#layoutsByAgent.clear();
    this.#cachedIds = 0;
  }
}

/** Growing columns of samples, in buffers that can be handed to a worker and back. */
export class SampleColumns {
  series: Int32Array<ArrayBuffer>;
  /** Unix ms as 64-bit integers, little-endian, two 32-bit halves each. */
  atHalves: Int32Array<ArrayBuffer>;
  value: Float64Array<ArrayBuffer>;
  count = 0;

  constructor(capacity: number) {
    this.series = new Int32Array(capacity);
    this.atHalves = new Int32Array(2 * capacity);
    this.value = new Float64Array(capacity);
  }

  /** Buffers that a worker gave back, empty again. */
  static over(buffers: { series: ArrayBuffer; at: ArrayBuffer; value: ArrayBuffer }): SampleColumns {
    const columns = new SampleColumns(0);
    columns.series = new Int32Array(buffers.series);
    columns.atHalves = new Int32Array(buffers.at);
    columns.value = new Float64Array(buffers.value);
    return columns;
  }

  /** Makes room for `extra` more samples. */
  reserve(extra: number): void {
    const need = this.count + extra;
    if (need <= this.series.length) return;
    const wider = new SampleColumns(Math.max(need, 2 * this.series.length));
    wider.series.set(this.series);
    wider.atHalves.set(this.atHalves);
    wider.value.set(this.value);
    this.series = wider.series;
    this.atHalves = wider.atHalves;
    this.value = wider.value;
  }
}

/** Takes `cells` cells into the count, without those that are gaps. */
function closeGaps(columns: SampleColumns, cells: number, gaps: number): void {
  const { series, atHalves, value, count } = columns;
  columns.count = count + cells - gaps;
  if (gaps === 0) return;
  let to = count;
  for (let from = count; from < count + cells; from++) {
    const id = series[from] ?? REFUSED;
    if (id === REFUSED) continue;
    series[to] = id;
    atHalves[2 * to] = atHalves[2 * from] ?? 0;
    atHalves[2 * to + 1] = atHalves[2 * from + 1] ?? 0;
    value[to] = value[from] ?? 0;
    to++;
  }
}

// JSON, not a separator: ids off the wire are checked, but a key must not depend on that.
const keyOf = ({ site, device, component, metric }: SeriesId): string =>
  JSON.stringify([site, device, component, metric]);

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
