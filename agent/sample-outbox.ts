/** What tests of the outbox file begin with: a folder of its own, a clock, and files in it that are closed at the end. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ManualClock } from "@aislewatch/base";
import { decodeTelemetry, type Lane, type Reading, rowsOf, type Telemetry } from "@aislewatch/contract";
import { afterEach, beforeEach, expect } from "vitest";
import { wireText } from "./core/batch.ts";
import type { OutboxFile, OutboxFileOptions } from "./outbox-file.ts";
import { openOutboxFile } from "./outbox-open.ts";
import { sampleReading } from "./sample-reading.ts";

export const AT = 1_700_000_000_000;
export const ALL = { batchesMax: 10_000, bytesMax: 1e9 };
/** What a disk turns at once. */
export const SECTOR_BYTES = 512;

export let folder = "";
export let clock = new ManualClock();
let epochs = 0;
const open: OutboxFile[] = [];

/** For each test of the file that calls this. */
export function inOwnFolder(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "outbox-"));
    clock = new ManualClock();
    epochs = 0;
  });
  afterEach(() => {
    closeAll();
    rmSync(folder, { recursive: true, force: true });
  });
}

export function start(over: Partial<OutboxFileOptions> = {}): OutboxFile {
  const opened = openOutboxFile({
    folder,
    bytesMax: 1_000_000,
    ageMsMax: 7 * 86_400_000,
    clock,
    newEpoch: () => `epoch-${++epochs}`,
    ...over,
  });
  if (!opened.ok) throw new Error(opened.error.detail);
  open.push(opened.value);
  return opened.value;
}

/** On a disk without room for a second file. */
export const startWithoutSaving = (): OutboxFile => start({ fileBytesMax: 24 * 1_024 });

export function closeAll(): void {
  for (const outbox of open.splice(0)) {
    try {
      outbox.close();
    } catch {
      // Closed by the test.
    }
  }
}

/** As in a process that was started anew: its clock of before is gone. */
export function startClock(): void {
  clock = new ManualClock();
}

/** So many epochs were given before. */
export function countEpochs(given: number): void {
  epochs = given;
}

export const freshFolder = (): void => moveTo(mkdtempSync(join(tmpdir(), "outbox-")));

/** From now on the folder is this one, and the one of before is gone. */
export function moveTo(next: string): void {
  closeAll();
  rmSync(folder, { recursive: true, force: true });
  folder = next;
}

export const reading = (n: number, pad = 0): Reading => sampleReading(n, { at: AT, pad });

export function messages(outbox: OutboxFile, lane: Lane, afterSeq = 0): Telemetry[] {
  return outbox.unacked(lane, afterSeq, ALL).map(({ seq, body }) => {
    const decoded = decodeTelemetry(Buffer.from(wireText({ epoch: outbox.epoch, lane, seq, sentAt: AT }, body)));
    if (!decoded.ok) throw new Error(decoded.error.detail);
    return decoded.value;
  });
}

export const seqs = (outbox: OutboxFile, lane: Lane): number[] => messages(outbox, lane).map(({ seq }) => seq);

/** Every seq after the last acked one is a batch with its reading, or lies in exactly one report of what was dropped. */
export function account(outbox: OutboxFile, lane: Lane, written: readonly number[], acked: number): void {
  const sent = messages(outbox, lane);
  let next = acked + 1;
  for (const message of sent) {
    const dropped = message.dropped?.[0];
    const from = dropped === undefined ? message.seq : dropped.fromSeq;
    // A report may reach back over acked seqs when some of what it stands for was acked before.
    expect(from).toBeLessThanOrEqual(next);
    expect(message.seq).toBeGreaterThanOrEqual(next);
    if (dropped === undefined) expect([...rowsOf(message)][0]?.subject).toBe(`d${written[message.seq - 1]}`);
    else expect(dropped.samples).toBe(dropped.toSeq - dropped.fromSeq + 1);
    next = message.seq + 1;
  }
  expect(next).toBe(written.length + 1);
}

/** What stands under the n-th seq of the live lane when every seventh reading is history. */
export const nthLive = (seq: number): number => seq + Math.floor((seq - 1) / 6);

/** Page 1 stays whole, so that the file still looks like a database. */
export const zeroPages = (): void => damagePages((bytes) => bytes.fill(0, 4096, bytes.length));

/** Twenty pages of rows near the end. */
export const turnPages = (): void =>
  damagePages((bytes) => bytes.fill("x", bytes.length - 40 * 1_024, bytes.length - 20 * 1_024));

export function damagePages(damage: (bytes: Buffer) => void): void {
  const db = new DatabaseSync(join(folder, "outbox.db"));
  db.exec("UPDATE meta SET value = 0 WHERE key = 'clean'; PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  const path = join(folder, "outbox.db");
  const bytes = readFileSync(path);
  damage(bytes);
  writeFileSync(path, bytes);
}
