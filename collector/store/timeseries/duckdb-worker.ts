/** Where DuckDB's thread begins: duckdb-serve.ts in a worker. */
import { parentPort, workerData } from "node:worker_threads";
import type { WorkerOptions } from "./duckdb-protocol.ts";
import { serve } from "./duckdb-serve.ts";

if (parentPort !== null) serve(parentPort, workerData as WorkerOptions);
