/**
 * What is too old goes by files: raw samples of days that are wholly past their time, and roll-ups of theirs. The newest sample
 * counts as now when it is older than the clock says: a clock that jumps ahead must not empty the store.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { numbers, quoted, transact } from "./duckdb-connection.ts";
import { DAY_MS, type Holdings } from "./duckdb-holdings.ts";
import type { Keeping } from "./duckdb-keeping.ts";
import type { Operations } from "./duckdb-protocol.ts";
import { slabTable } from "./duckdb-schema.ts";

export async function retain(keeping: Keeping, request: Operations["retain"]["request"]): Promise<void> {
  const { connection, holdings, exclusive } = keeping;
  const { keepMs, rollupKeepMs, nowMs } = request;
  if (keepMs === null) return;
  const now = Math.min(nowMs, await newestMs(connection, holdings));
  const rawFromMs = Math.max(holdings.rawFromMs, Math.floor((now - keepMs) / DAY_MS) * DAY_MS);
  const rollupsFromMs = now - Math.max(keepMs, rollupKeepMs);
  // Also those that can't be read: nobody misses them any more.
  const gone = holdings.files
    .filter(({ state, kind, lastMs }) => state !== "built" && lastMs < (kind === "raw" ? rawFromMs : rollupsFromMs))
    .map(({ name }) => name);
  if (rawFromMs > holdings.rawFromMs || gone.length > 0) {
    await exclusive(async () => {
      await transact(connection, async () => {
        await connection.run(`update meta set value = ${rawFromMs} where name = 'raw_from_ms'`);
        await connection.run(`delete from newest where at_ms < ${rawFromMs}`);
        if (gone.length > 0) await connection.run(`delete from files where name in (${gone.map(quoted).join(", ")})`);
      });
      await holdings.read(connection);
    });
  }
  await holdings.discard(gone);
}

async function newestMs(connection: DuckDBConnection, holdings: Holdings): Promise<number> {
  const tables = [...holdings.slabs.map(({ id }) => slabTable(id)), "newest"];
  const parts = tables.map((table) => `select max(at_ms) as at_ms from ${table}`);
  const [newest] = await numbers(
    connection,
    `select coalesce(max(at_ms), 0)::double from (${parts.join(" union all ")})`,
  );
  return newest ?? 0;
}
