/**
 * What a system keeps of its starts and ends. utmp and wtmp (utmp(5)): fixed records of type, line, user and time. A boot is a record of type BOOT_TIME; a shutdown
 * that was ordered writes a RUN_LVL record of the user "shutdown" before the system goes. The record is 384 bytes where
 * its times have kept 32 bits (x86-64), 400 bytes on arm64. Users' names are read to tell "shutdown", and never kept.
 */
export type RecordBytes = 384 | 400;

const TYPES = { runLevel: 1, bootTime: 2, userProcess: 7 } as const;
const USER_AT = 44;
const USER_BYTES = 32;

/**
 * A start is written within a minute of it, and the time of it is counted back from now: between the two lies what a time
 * server has set right since.
 */
const SAME_START_SECONDS = 15 * 60;

/**
 * Whether the system that ran before this one ended in order; null when the records do not reach back that far, or when
 * their newest start is not the present one (`bootSeconds`, Unix time, null where nobody knows it).
 * `bytes` is the end of the file; what it begins with may be a part of a record, so it is counted from the end.
 */
export function endedInOrder(
  bytes: Uint8Array,
  { recordBytes, bootSeconds }: { readonly recordBytes: RecordBytes; readonly bootSeconds: number | null },
): boolean | null {
  let seenBoot = false;
  for (const { type, isShutdown, atSeconds } of newestFirst(bytes, recordBytes)) {
    if (type === TYPES.bootTime) {
      if (seenBoot) return false;
      if (bootSeconds !== null && Math.abs(atSeconds - bootSeconds) > SAME_START_SECONDS) return null;
      seenBoot = true;
    }
    if (seenBoot && type === TYPES.runLevel && isShutdown) return true;
  }
  return null;
}

/** Of systemd's message catalogue: a unit was started; the journal was stopped, and started. */
const MESSAGES = {
  unitStarted: "39f53479d3a045ac8e11786248231fbf",
  journalStopped: "d93fb3c9c24d451a97cea615ce59c00b",
  journalStarted: "f77379a8490b408bbe5f6940505a777b",
} as const;
/** Targets that are reached on the way down and never else (systemd.special(7)). */
const LAST_TARGETS = /^(?:shutdown|reboot|poweroff|halt|kexec|umount|final)[.]target$/;
const JOURNAL_LINES_MAX = 1_000;

/**
 * The same of the journal of the system before this one: what its manager, its journal and systemd-shutdown wrote last,
 * newest first, as `journalctl --output=json` has it. Only message ids and unit names are looked at. Null: nothing of them
 * is there. A journal that is started again while the system runs has been stopped, too, and says so with its start.
 */
export function journalEndedInOrder(text: string): boolean | null {
  const entries = text.split("\n", JOURNAL_LINES_MAX).flatMap((line) => journalEntry(line) ?? []);
  for (const { message, unit, writer } of entries) {
    if (message === MESSAGES.journalStopped || writer === "systemd-shutdown") return true;
    if (message === MESSAGES.unitStarted && LAST_TARGETS.test(unit)) return true;
    if (message === MESSAGES.journalStarted) return false;
  }
  return entries.length === 0 ? null : false;
}

type JournalEntry = { readonly message: string; readonly unit: string; readonly writer: string };

function journalEntry(line: string): JournalEntry | null {
  const entry = jsonObject(line);
  if (entry === null) return null;
  const text = (key: string): string => {
    const value = entry[key];
    return typeof value === "string" ? value : "";
  };
  return { message: text("MESSAGE_ID"), unit: text("UNIT"), writer: text("SYSLOG_IDENTIFIER") };
}

function jsonObject(line: string): Readonly<Record<string, unknown>> | null {
  if (!line.startsWith("{")) return null;
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
}

export function sessionCount(bytes: Uint8Array, recordBytes: RecordBytes): number {
  let count = 0;
  for (const { type } of newestFirst(bytes, recordBytes)) if (type === TYPES.userProcess) count++;
  return count;
}

type LoginRecord = { readonly type: number; readonly isShutdown: boolean; readonly atSeconds: number };

/** Where the seconds of a record's time are: 32 bits, or the low ones of 64. */
const SECONDS_AT = { 384: 340, 400: 344 } as const;

function* newestFirst(bytes: Uint8Array, recordBytes: RecordBytes): Generator<LoginRecord> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = bytes.length - recordBytes; at >= 0; at -= recordBytes) {
    yield {
      type: view.getInt16(at, true),
      isShutdown: userAt(bytes, at) === "shutdown",
      atSeconds: view.getUint32(at + SECONDS_AT[recordBytes], true),
    };
  }
}

function userAt(bytes: Uint8Array, at: number): string {
  const field = bytes.subarray(at + USER_AT, at + USER_AT + USER_BYTES);
  const end = field.indexOf(0);
  return String.fromCharCode(...(end < 0 ? field : field.subarray(0, end)));
}
