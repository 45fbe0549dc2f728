/**
 * utmp and wtmp (utmp(5)): fixed records of type, line, user and time. A boot is a record of type BOOT_TIME; a shutdown
 * that was ordered writes a RUN_LVL record of the user "shutdown" before the system goes. The record is 384 bytes where
 * its times have kept 32 bits (x86-64), 400 bytes on arm64. Users' names are read to tell "shutdown", and never kept.
 */
export type RecordBytes = 384 | 400;

const TYPES = { runLevel: 1, bootTime: 2, userProcess: 7 } as const;
const USER_AT = 44;
const USER_BYTES = 32;

/**
 * Whether the system that ran before this one ended in order; null when the records do not reach back that far.
 * `bytes` is the end of the file; what it begins with may be a part of a record, so it is counted from the end.
 */
export function endedInOrder(bytes: Uint8Array, recordBytes: RecordBytes): boolean | null {
  let seenBoot = false;
  for (const { type, isShutdown } of newestFirst(bytes, recordBytes)) {
    if (type === TYPES.bootTime) {
      if (seenBoot) return false;
      seenBoot = true;
    }
    if (seenBoot && type === TYPES.runLevel && isShutdown) return true;
  }
  return null;
}

export function sessionCount(bytes: Uint8Array, recordBytes: RecordBytes): number {
  let count = 0;
  for (const { type } of newestFirst(bytes, recordBytes)) if (type === TYPES.userProcess) count++;
  return count;
}

function* newestFirst(bytes: Uint8Array, recordBytes: RecordBytes): Generator<{ type: number; isShutdown: boolean }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = bytes.length - recordBytes; at >= 0; at -= recordBytes) {
    yield { type: view.getInt16(at, true), isShutdown: userAt(bytes, at) === "shutdown" };
  }
}

function userAt(bytes: Uint8Array, at: number): string {
  const field = bytes.subarray(at + USER_AT, at + USER_AT + USER_BYTES);
  const end = field.indexOf(0);
  return String.fromCharCode(...(end < 0 ? field : field.subarray(0, end)));
}
