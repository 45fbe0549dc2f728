/**
 * What lies where, in memory as in the tables `slabs` and `files` (duckdb-schema.ts); read again after each change.
 *
 * A file's state: `built`, while the slab that it was made of still counts; `live`, since the transaction that dropped the
 * slab; `set_aside`, when it could not be read: it stays on the disk, is left out, and is tried again at the next start.
 */
import { unlink } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { numbers, quoted } from "./duckdb-connection.ts";

export const DAY_MS = 86_400_000;

export type Slab = {
  readonly id: number;
  readonly createdMs: number | null;
  /** Set when nothing is written to it any more, with all that its plan depends on. */
  readonly frozen: { readonly atMs: number; readonly rawFromMs: number; readonly partRows: number } | null;
};
export type FileKind = "raw" | "rollup";
export type FileState = "built" | "live" | "set_aside";
export type SealedFile = {
  readonly name: string;
  readonly kind: FileKind;
  readonly state: FileState;
  /** Of the slab, or of the merge, that it came of. */
  readonly generation: number;
  /** The day that it belongs to, in days since 1970; of merged roll-ups the first of the month. */
  readonly period: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly seriesMin: number;
  readonly seriesMax: number;
  /** How many samples it stands for. */
  readonly samples: number;
  readonly bytes: number;
};

export type Reach = {
  readonly seriesMin: number;
  readonly seriesMax: number;
  readonly from: number;
  readonly to: number;
};

export class Holdings {
  readonly folder: string;
  slabs: readonly Slab[] = [];
  files: readonly SealedFile[] = [];
  /** Before that only roll-ups count. */
  rawFromMs = Number.MIN_SAFE_INTEGER;
  #reading: Promise<void> = Promise.resolve();
  #unwanted = new Set<string>();
  #holds = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** One after the other, or what was read first could come in last. */
  read(connection: DuckDBConnection): Promise<void> {
    this.#reading = this.#reading.catch(() => undefined).then(() => this.#read(connection));
    return this.#reading;
  }

  async #read(connection: DuckDBConnection): Promise<void> {
    const slabs = await connection.runAndReadAll(
      "select id, created_ms, frozen_ms, raw_from_ms, part_rows from slabs order by id",
    );
    const files = await connection.runAndReadAll(
      `select name, kind, state, generation, period, first_ms, last_ms, series_min, series_max, samples, bytes
       from files order by period, generation, name`,
    );
    const [rawFromMs] = await numbers(connection, "select value::double from meta where name = 'raw_from_ms'");
    this.slabs = slabs.getRowsJS().map(([id, createdMs, frozenMs, rawFrom, partRows]) => ({
      id: Number(id),
      createdMs: createdMs === null ? null : Number(createdMs),
      frozen:
        frozenMs === null ? null : { atMs: Number(frozenMs), rawFromMs: Number(rawFrom), partRows: Number(partRows) },
    }));
    this.files = files.getRowsJS().map(([name, kind, state, ...figures]) => {
      const [
        generation = 0,
        period = 0,
        firstMs = 0,
        lastMs = 0,
        seriesMin = 0,
        seriesMax = 0,
        samples = 0,
        bytes = 0,
      ] = figures.map(Number);
      return {
        ...{ name: String(name), kind: kind === "raw" ? "raw" : "rollup" },
        ...{ state: state === "live" ? "live" : state === "built" ? "built" : "set_aside" },
        ...{ generation, period, firstMs, lastMs, seriesMin, seriesMax, samples, bytes },
      };
    });
    this.rawFromMs = rawFromMs ?? this.rawFromMs;
  }

  /** Where appends go. */
  get current(): number {
    return this.slabs.at(-1)?.id ?? 0;
  }

  /** A number that no slab and no file has had. */
  nextGeneration(): number {
    return 1 + Math.max(0, ...this.slabs.map(({ id }) => id), ...this.files.map(({ generation }) => generation));
  }

  live(kind: FileKind): SealedFile[] {
    return this.files.filter((file) => file.state === "live" && file.kind === kind);
  }

  /** Those in which something may be found. */
  touched(kind: FileKind, { seriesMin, seriesMax, from, to }: Reach): SealedFile[] {
    return this.live(kind).filter(
      (file) => file.lastMs >= from && file.firstMs < to && file.seriesMax >= seriesMin && file.seriesMin <= seriesMax,
    );
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Files of one kind as a table in SQL; times are whole milliseconds (duckdb-keeping.ts says why they are written otherwise). */
  scan(files: readonly Pick<SealedFile, "name" | "kind">[]): string {
    const columns = files[0]?.kind === "raw" ? "series, at_ms::bigint as at_ms, value" : "*";
    return `(select ${columns} from read_parquet([${files.map(({ name }) => quoted(this.path(name))).join(", ")}]))`;
  }

  /** Until what it gives is called no sealed file is deleted. */
  holdFiles(): () => void {
    let isHeld = true;
    this.#holds++;
    return () => {
      if (isHeld) this.#holds--;
      isHeld = false;
    };
  }

  /** Files that no longer count, deleted now or, while they are held, when this is called again. */
  async discard(names: readonly string[]): Promise<void> {
    for (const name of names) this.#unwanted.add(name);
    if (this.#holds > 0) return;
    for (const name of this.#unwanted) {
      // One that somebody else holds open is deleted at the next start.
      await unlink(this.path(name)).catch(() => undefined);
      this.#unwanted.delete(name);
    }
  }
}
