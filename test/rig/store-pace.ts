/** How a test and slow-store-collector.ts talk: files in the collector's data folder. */

/** Samples a second; 0: the store stands still; no file: as fast as it is. Read again all the time. */
export const PACE_FILE = "store-pace";
/** Bytes that may wait for the store. Read at the start. */
export const QUEUE_FILE = "store-queue";
