/**
 * Why a store could not do what it was asked. Both stores throw (or reject with) nothing else on purpose; anything
 * else that comes out of them is a bug.
 */
export const STORE_FAILURES = [
  /** No room left: nothing was written, and the store works again once there is room. */
  "disk_full",
  /** The disk or the file system refused: an I/O error, a read-only mount. */
  "io",
  /** The file is not a database, or a damaged one. It is left as it is: somebody may still save what is in it. */
  "corrupt",
  /** Another process holds the file. */
  "locked",
  /** Written by a newer version of this program. */
  "newer_schema",
  /** Somebody else changed the same record first. */
  "conflict",
  /** A bound was reached: too many appends or queries wait. */
  "busy",
  /** The server does not answer, or says that it can't now. */
  "unreachable",
  /** More was asked for at once than this program adds up in its memory. */
  "too_large",
  /** The thread that owns the database ended; the next call starts another one. */
  "worker_exited",
  /** The store was closed, or never opened. */
  "closed",
  /** The database refused for another reason, which the message gives. */
  "failed",
] as const;
export type StoreFailure = (typeof STORE_FAILURES)[number];

const RETRYABLE: ReadonlySet<StoreFailure> = new Set([
  "disk_full",
  "io",
  "locked",
  "busy",
  "unreachable",
  "worker_exited",
]);

export class StoreError extends Error {
  readonly kind: StoreFailure;

  constructor(kind: StoreFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreError";
    this.kind = kind;
  }

  /** Whether the same call may work later without anybody changing the call. */
  get retryable(): boolean {
    return RETRYABLE.has(this.kind);
  }
}

/** A server that stands by itself does not answer, or answers too late: nothing is known of what it holds. */
export const isForNow = (thrown: unknown): thrown is StoreError =>
  thrown instanceof StoreError && (thrown.kind === "unreachable" || thrown.kind === "busy");
