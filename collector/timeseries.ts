/** Which time-series store a configuration means. */
import { join } from "node:path";
import type { Clock } from "@aislewatch/base";
import type { CollectorConfig } from "./config.ts";
import type { StoreError } from "./store/error.ts";
import { createDuckDbStore } from "./store/timeseries/duckdb.ts";
import { createInfluxStore } from "./store/timeseries/influxdb.ts";
import type { TimeSeriesStore } from "./store/timeseries/store.ts";

export const SERIES_FILE = "timeseries.duckdb";
/** Beside it: days that are sealed, and what they are summed up to. */
export const SEALED_FOLDER = "timeseries";

export function createTimeSeriesStore(
  { influxdb, data, retentionMs, rollupRetentionMs, memoryLimitBytes }: CollectorConfig,
  {
    onSetAside,
    ...deps
  }: {
    readonly clock: Clock;
    readonly onProblem: (error: StoreError) => void;
    /** A file of a sealed day that can't be read; everything else answers without it. */
    readonly onSetAside?: (file: string, detail: string) => void;
  },
): TimeSeriesStore {
  if (influxdb !== null) return createInfluxStore({ address: influxdb, retentionMs, ...deps });
  const limits = { memoryLimitMb: Math.round(memoryLimitBytes / 2 ** 20) };
  const kept = { retentionMs, rollupRetentionMs };
  return createDuckDbStore({
    file: join(data, SERIES_FILE),
    limits,
    ...kept,
    ...deps,
    ...(onSetAside && { onSetAside }),
  });
}
