/**
 * The tables in DuckDB's file, and how a file of an older version becomes one of this.
 *
 *   hot_<id>   samples in the order in which they came: one of them is written to, the others wait to be sealed
 *   slabs      which of those there are
 *   files      which Parquet files there are, and what lies in them: the manifest
 *   newest     the newest sample of each series among all that is sealed
 *
 * Version 1 had one table `samples` for everything; it becomes the first slab, which is sealed as if its day were over.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { FileError, numbers, transact } from "./duckdb-connection.ts";

const SCHEMA_VERSION = 2;

const FIRST = `
  create table series (
    id integer not null, site varchar not null, device varchar not null, component varchar, metric varchar not null,
    is_boolean boolean not null
  );
  create table lanes (
    id integer not null, site varchar not null, agent varchar not null, epoch varchar not null, lane varchar not null
  );
  -- Append-only, the greatest counts: an update per lane and transaction would cost 100 us each.
  create table watermarks (lane integer not null, seq bigint not null);
`;

// created_ms is null until somebody says what time it is, and 0 for what is to be sealed at once. What is set when a slab
// is frozen makes its plan the same after each restart.
const SECOND = `
  create table slabs (id integer not null, created_ms bigint, frozen_ms bigint, raw_from_ms bigint, part_rows bigint);
  create table files (
    name varchar not null, kind varchar not null, state varchar not null, generation integer not null,
    period integer not null, first_ms bigint not null, last_ms bigint not null,
    series_min integer not null, series_max integer not null,
    samples bigint not null, bytes bigint not null
  );
  create table newest (series integer not null, at_ms bigint not null, value double not null);
  insert into meta values ('raw_from_ms', -9007199254740991);
`;

export const slabTable = (id: number): string => `hot_${Math.trunc(id)}`;
export const createSlab = (id: number): string =>
  `create table ${slabTable(id)} (series integer not null, at_ms bigint not null, value double not null)`;

/** Rejects with `newer_schema` for what a newer program wrote. */
export async function bringUpToDate(connection: DuckDBConnection, file: string): Promise<void> {
  await connection.run(`
    create table if not exists meta (name varchar primary key, value bigint not null);
    insert or ignore into meta values ('schema_version', 0);`);
  const [version = 0] = await numbers(connection, "select value::double from meta where name = 'schema_version'");
  if (version > SCHEMA_VERSION) {
    throw new FileError(
      "newer_schema",
      `${file} has schema version ${version}; this program knows ${SCHEMA_VERSION}. Start the version that wrote it, or move the file away`,
    );
  }
  if (version === SCHEMA_VERSION) return;
  await transact(connection, async () => {
    let createdMs = "null";
    if (version === 0) {
      await connection.run(FIRST);
      await connection.run(createSlab(0));
    } else {
      const [rows = 0] = await numbers(connection, "select count(*)::double from samples");
      if (rows > 0) createdMs = "0";
      await connection.run(`alter table samples rename to ${slabTable(0)}`);
    }
    await connection.run(SECOND);
    await connection.run(`insert into slabs values (0, ${createdMs}, null, null, null)`);
    await connection.run(`update meta set value = ${SCHEMA_VERSION} where name = 'schema_version'`);
  });
}
