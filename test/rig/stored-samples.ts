/**
 * All samples that the collector's DuckDB file holds, read past the program that wrote them: what is hot, and what is
 * sealed (collector/store/timeseries/duckdb-schema.ts says where they lie).
 */
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";

/** Makes a view `samples` (series, at_ms, value) beside the tables. `folder`: of the sealed files. */
export async function viewSamples(connection: DuckDBConnection, folder: string): Promise<void> {
  const texts = async (sql: string): Promise<string[]> =>
    (await connection.runAndReadAll(sql)).getRowsJS().map(([value]) => String(value));
  const slabs = await texts("SELECT id FROM slabs");
  const files = await texts("SELECT name FROM files WHERE kind = 'raw' AND state = 'live'");
  const parts = [
    ...slabs.map((id) => `hot_${id}`),
    ...files.map((name) => `read_parquet('${join(folder, name).replaceAll("'", "''")}')`),
  ].map((from) => `SELECT series, at_ms, value FROM ${from}`);
  await connection.run(`CREATE TEMP VIEW samples AS ${parts.join(" UNION ALL ")}`);
}
