/** What duckdb.ts and the thread that owns the file (duckdb-serve.ts) say to each other. */
import type { StoreFailure } from "../error.ts";
import type { SeriesRow } from "./flatten.ts";
import type { LaneKey } from "./store.ts";

export type WorkerOptions = {
  readonly file: string;
  /** Where sealed days lie; made when missing. */
  readonly folder: string;
  readonly memoryLimitMb: number;
  readonly threads: number;
  readonly checkpointMb: number;
  readonly queryMsMax: number;
  readonly partRows: number;
  /** After each step of sealing, a rest of so many times what the step took. */
  readonly restShare: number;
};

export type LaneRow = LaneKey & { readonly id: number; readonly seq: number };
export type Loaded = { readonly series: readonly SeriesRow[]; readonly lanes: readonly LaneRow[] };
export type Columns = {
  readonly series: ArrayBuffer;
  readonly at: ArrayBuffer;
  readonly value: ArrayBuffer;
  readonly count: number;
};

/** What each request carries and what its reply gives. */
export type Operations = {
  load: { request: Record<never, never>; reply: Loaded };
  append: {
    request: {
      readonly columns: Columns;
      readonly added: readonly SeriesRow[];
      readonly retyped: readonly { readonly id: number; readonly boolean: boolean }[];
      readonly lanes: readonly (LaneKey & { readonly id: number })[];
      readonly watermarks: readonly { readonly lane: number; readonly seq: number }[];
    };
    /** The buffers, to be filled again. */
    reply: Columns;
  };
  query: {
    request: { readonly series: number; readonly from: number; readonly to: number; readonly pointsMax: number };
    /** `at, mean, min, max` of each point, one after the other. */
    reply: Float64Array<ArrayBuffer>;
  };
  samples: {
    request: {
      readonly series: readonly number[];
      readonly from: number;
      readonly to: number;
      readonly samplesMax: number;
      readonly beforeMs: number;
    };
    /** Up to where all are here, then `series, at, value` of each sample, in order of time. */
    reply: Float64Array<ArrayBuffer>;
  };
  last: {
    request: { readonly sinceMs: number };
    /** `series, at, value` of each series, one after the other. */
    reply: Float64Array<ArrayBuffer>;
  };
  count: { request: Record<never, never>; reply: number };
  retain: {
    request: { readonly keepMs: number | null; readonly rollupKeepMs: number; readonly nowMs: number };
    reply: null;
  };
  /** Days that are past become files; what a seal before this one began is finished. */
  seal: { request: { readonly nowMs: number }; reply: null };
  /** A copy of it all in this folder, between two seals. */
  snapshot: { request: { readonly folder: string }; reply: null };
  /** Ends the one under way, if there is one. */
  stopSnapshot: { request: Record<never, never>; reply: null };
  close: { request: Record<never, never>; reply: null };
};
export type Operation = keyof Operations;
export type Request = {
  [Op in Operation]: { readonly id: number; readonly op: Op } & Operations[Op]["request"];
}[Operation];
export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: Operations[Operation]["reply"] }
  | { readonly id: number; readonly ok: false; readonly kind: StoreFailure; readonly message: string };

/** What the thread says without being asked. */
export type Notice =
  | { readonly notice: "holdings"; readonly files: number; readonly bytes: number; readonly setAside: number }
  | { readonly notice: "set_aside"; readonly name: string; readonly detail: string };
