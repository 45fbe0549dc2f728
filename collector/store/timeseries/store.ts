/**
 * Where samples go. One interface, one contract test suite (contract.test.ts), run against every implementation.
 *
 * A store keeps, in the same transaction as its samples, the watermark up to which it has taken each lane. A batch at
 * or below the watermark was taken before and is dropped, so a resend never doubles a sample.
 */
import type { Lane, Telemetry, Value } from "@aislewatch/contract";

export type LaneKey = { readonly site: string; readonly agent: string; readonly epoch: string; readonly lane: Lane };
export type Watermark = LaneKey & { readonly seq: number };

/** A telemetry message as it came, with what the collector knows about it. `skewMs` is added to its times. */
export type TelemetryBatch = LaneKey & { readonly seq: number; readonly message: Telemetry; readonly skewMs: number };

export type SeriesId = {
  readonly site: string;
  readonly device: string;
  readonly component: string | null;
  readonly metric: string;
};

/** One bucket of a chart: the mean, least and greatest value in it; `at` is where it starts, Unix ms. */
export type Point = { readonly at: number; readonly mean: number; readonly min: number; readonly max: number };

/** Samples in order of time, in columns: `series` is the place in the list that was asked for; booleans are 0 and 1. */
export type Samples = {
  readonly series: Int32Array;
  readonly at: Float64Array;
  readonly value: Float64Array;
  /** All of them up to there (exclusive); the end of the range, unless there were more than were asked for. */
  readonly until: number;
};

export type LastValue = { site: string; subject: string; metric: string; at: number; value: Value };

export type TimeSeriesStore = {
  open(): Promise<void>;
  /**
   * Takes batches in the order given and resolves once they are committed to disk. Rejects with a StoreError when they
   * are not; every append that was waiting behind a failed one is rejected with it. The caller gives rejected batches
   * again before newer ones of the same lane: a later watermark would hide that they are missing.
   */
  append(batches: readonly TelemetryBatch[]): Promise<void>;
  watermarks(): Promise<Watermark[]>;
  /**
   * One series between two times (from inclusive, to exclusive), in at most `pointsMax` buckets; raw samples when they
   * fit. Buckets without samples are absent: a gap is a gap. Of more than two days in buckets of a quarter of an hour or wider,
   * and of what is older than samples are kept, a sample may count to the beginning of its five minutes.
   */
  query(series: SeriesId, range: { from: number; to: number; pointsMax: number }): Promise<Point[]>;
  /**
   * Samples of several series between two times (from inclusive, to exclusive) as they were taken, at most about
   * `samplesMax`. With `beforeMs` also the newest of each series before `from`, unless it is older by more than that.
   */
  samples(
    series: readonly SeriesId[],
    range: { from: number; to: number; samplesMax: number; beforeMs?: number },
  ): Promise<Samples>;
  /** The newest value of each series since `sinceMs`, for restoring the engine after a restart. */
  lastValues(sinceMs: number): Promise<LastValue[]>;
  /** `refusedSamples`: since the start, those of series beyond the store's bound on how many there may be. */
  stats(): Promise<{ samples: number; series: number; bytesOnDisk: number; refusedSamples?: number }>;
  /**
   * Copies all of it into an empty folder of the same file system while it goes on: what lies there then is, in an empty
   * data folder, the store as of one instant, which is not before the call. Rejects with a StoreError (`closed` once the
   * signal stopped it); what is half is then the caller's to delete. Absent where the data lies on a server, which has
   * means of its own.
   */
  snapshot?(folder: string, signal: AbortSignal): Promise<void>;
  /**
   * Files of days that are past, as far as they are the store's own: how many, their bytes, and how many of them can't be read
   * and are left out of every answer. Absent where the data lies on a server.
   */
  sealed?(): { readonly files: number; readonly bytes: number; readonly setAside: number };
  close(): Promise<void>;
};
