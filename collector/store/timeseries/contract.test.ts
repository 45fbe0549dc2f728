import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ManualClock } from "@aislewatch/base";
import { timeSeriesStoreContract } from "./contract.ts";
import { createDuckDbStore } from "./duckdb.ts";

const duckDb = async () => {
  const folder = await mkdtemp(join(tmpdir(), "aislewatch-series-"));
  const file = join(folder, "series.duckdb");
  const copy = join(folder, "copy");
  return {
    create: () => createDuckDbStore({ file, clock: new ManualClock() }),
    copy: {
      folder: copy,
      open: () => createDuckDbStore({ file: join(copy, "series.duckdb"), clock: new ManualClock() }),
    },
    writer: [fileURLToPath(new URL("./crash-writer.ts", import.meta.url)), "duckdb", file],
    remove: () => rm(folder, { recursive: true }),
  };
};

timeSeriesStoreContract("DuckDB", duckDb, { makesCopies: true });
