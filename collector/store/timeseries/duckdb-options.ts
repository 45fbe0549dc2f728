/** What an embedded store is told, its bounds, and what it can do beside what every store can. */
import { join, parse } from "node:path";
import type { Worker } from "node:worker_threads";
import type { Clock } from "@aislewatch/base";
import type { StoreError } from "../error.ts";
import type { WorkerOptions } from "./duckdb-protocol.ts";
import type { TimeSeriesStore } from "./store.ts";

export type DuckDbOptions = {
  /** The database file; its folder must exist. DuckDB keeps `<file>.wal` beside it, sealed days lie in `sealedFolder(file)`. */
  readonly file: string;
  /** Says which samples are too old and which days are past, and when to look; nothing else depends on it. */
  readonly clock: Clock;
  /** How long samples are kept, in event time and whole days; null keeps them, and roll-ups, for good. */
  readonly retentionMs?: number | null;
  /** How long their roll-ups are kept; as long as samples at least. */
  readonly rollupRetentionMs?: number;
  readonly limits?: Partial<DuckDbLimits>;
  /** Called when the clean-up or the sealing of a day fails; the next hour tries again. */
  readonly onProblem?: (error: StoreError) => void;
  /** Called when a file of a sealed day can't be read: at the start, or as soon as somebody asks for that day. */
  readonly onSetAside?: (file: string, detail: string) => void;
  /** Starts the thread; a test may keep hold of it. */
  readonly startWorker?: (options: WorkerOptions) => Worker;
};

export type DuckDbLimits = {
  /** DuckDB's own cache and sort space. 256 MB keeps appends at full speed and leaves the store small. */
  readonly memoryLimitMb: number;
  readonly threads: number;
  /**
   * The log is written into the file when it grows past this. Each time costs CPU and leaves a row group cut short (with
   * 16 MB 3.0 bytes a sample where 64 MB give 2.3); a restart reads the log back at about 300 MB/s.
   */
  readonly checkpointMb: number;
  /** A group takes no more calls once it holds this many samples (20 bytes each). */
  readonly groupSamplesMax: number;
  /** Samples in calls that wait for a group; past it, calls are refused with `busy`. */
  readonly queueSamplesMax: number;
  /** Samples of series beyond this many are refused and counted. A thousand stores have about 600,000. */
  readonly seriesMax: number;
  /** Reads that may wait at a time, and how long one may take. */
  readonly readsMax: number;
  readonly queryMsMax: number;
  /** Rows that are sorted at a time when a day is sealed, and lie in one file: some 100 MB of `memoryLimitMb` while it is done. */
  readonly partRows: number;
  /** How long sealing rests after each file, in what that file took. */
  readonly restShare: number;
};

export const DEFAULT_LIMITS: DuckDbLimits = {
  memoryLimitMb: 256,
  threads: 2,
  checkpointMb: 128,
  groupSamplesMax: 500_000,
  queueSamplesMax: 4_000_000,
  seriesMax: 2_000_000,
  readsMax: 64,
  queryMsMax: 10_000,
  partRows: 2_000_000,
  restShare: 0.5,
};

/** DESIGN: raw samples live 30 days, roll-ups two years. */
export const RETENTION_MS = 30 * 86_400_000;
export const ROLLUP_RETENTION_MS = 730 * 86_400_000;
/** What has left the hot table for good. */
export type Sealed = { readonly files: number; readonly bytes: number; readonly setAside: number };

export type DuckDbTimeSeriesStore = TimeSeriesStore & {
  /** What the hour does by itself: drops what is too old and seals the days that are past. Problems go to `onProblem`. */
  keep(): Promise<void>;
  sealed(): Sealed;
};

/** Where the files of sealed days lie: `timeseries` beside `timeseries.duckdb`. */
export const sealedFolder = (file: string): string => {
  const { dir, name, base } = parse(file);
  return join(dir, name === base ? `${name}-sealed` : name);
};
