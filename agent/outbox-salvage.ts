/**
 * What can be saved of an outbox file in which SQLite found damage. SQLite gives up at the first page that it can't read,
 * and a table of which one page is gone has thousands that are not: so rows are asked for one by one, each by its own
 * number, and those that come and still are what was written (outbox-codec.ts has a sum over each) are taken.
 *
 * They are only of use under the numbers that they had, for the collector may know some of them: without the file's epoch
 * and how far its lanes went, which stand in `meta`, nothing is saved. Nor when the page is gone with which a table begins.
 */
import type { DatabaseSync } from "node:sqlite";
import { decodeTelemetry, type FormerOutbox, isId, type Lane, LIMITS } from "@aislewatch/contract";
import { droppedBody, wireText } from "./core/batch.ts";
import { BodyCodec, DICTIONARIES_MAX, textOrNull } from "./outbox-codec.ts";
import { parseFormer, readOnlyInSteps } from "./outbox-former.ts";
import { bytesOf, DAMAGED, LANE_NUMBER, ROW_COLUMNS, type Row, type Tally, TIER } from "./outbox-thinning.ts";

/** What the process knows of the file by itself, when it was open. */
export type KnownOutbox = { readonly epoch: string; readonly lastSeq: Readonly<Record<Lane, number>> };

/** A row as it goes into the new file, body and all. */
export type SavedRow = Row & {
  readonly tier: number;
  readonly body: string;
  readonly packed: Uint8Array | null;
  readonly dictionary: number | null;
};

export type SavedOutbox = KnownOutbox & {
  readonly former: readonly FormerOutbox[];
  readonly dictionaries: readonly { readonly id: number; readonly bytes: Uint8Array }[];
  /** The lowest seq that still waited in a lane; `last` + 1: none did; null: not known. */
  readonly lowest: Readonly<Record<Lane, number | null>>;
  /** In order of writing; reads as it goes. Null: it has looked for long without finding one. */
  rows(): Generator<SavedRow | null>;
};

/** Numbers that are tried before whoever asks is asked whether to go on: some ten milliseconds. */
const TRIES_AT_ONCE = 1_000;
/** Numbers of rows that are tried: three times what half a gigabyte of the smallest batches has. */
const IDS_MAX = 4_000_000;
const LANES = ["live", "history"] as const;

/** Goes through the steps of `take` while the damaged file is open; null when nothing of it is of use. */
export function withSaved<T>(
  file: string,
  known: KnownOutbox | null,
  take: (saved: SavedOutbox) => Generator<void, T | null, void>,
): Generator<void, T | null, void> {
  return readOnlyInSteps(file, function* (db) {
    const saved = savedOf(db, known);
    return saved === null ? null : yield* take(saved);
  });
}

/** The same of a database that is open, for one whose file somebody deleted. */
export function savedOf(db: DatabaseSync, known: KnownOutbox | null): SavedOutbox | null {
  const meta = (key: string): unknown =>
    tryRead(() => db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.["value"]);
  const epoch = known?.epoch ?? meta("epoch");
  const live = known?.lastSeq.live ?? meta("last_live");
  const history = known?.lastSeq.history ?? meta("last_history");
  if (typeof epoch !== "string" || !isId(epoch) || !isWhole(live, 0) || !isWhole(history, 0)) return null;
  const codec = new BodyCodec(db, { readOnly: true });
  const lastSeq = { live, history };
  return {
    ...{ epoch, lastSeq },
    former: parseFormer(meta("former")),
    dictionaries: readDictionaries(db),
    lowest: { live: lowestOf(db, "live", live), history: lowestOf(db, "history", history) },
    rows: () => readableRows(db, codec, { epoch, lastSeq }),
  };
}

function readDictionaries(db: DatabaseSync): { id: number; bytes: Uint8Array }[] {
  const found: { id: number; bytes: Uint8Array }[] = [];
  const select = tryRead(() => db.prepare("SELECT bytes FROM dictionary WHERE id = ?"));
  for (let id = 1; select !== undefined && id <= DICTIONARIES_MAX; id++) {
    const bytes = tryRead(() => select.get(id)?.["bytes"]);
    if (bytes instanceof Uint8Array) found.push({ id, bytes });
  }
  return found;
}

/** From the index alone, which need not be damaged where the table is. */
function lowestOf(db: DatabaseSync, lane: Lane, last: number): number | null {
  const sql = "SELECT seq FROM batch INDEXED BY sqlite_autoindex_batch_1 WHERE lane = ? ORDER BY seq LIMIT 1";
  const [found] = tryRead(() => db.prepare(sql).all(LANE_NUMBER[lane])) ?? [{ seq: null }];
  if (found === undefined) return last + 1;
  return isWhole(found["seq"], 1) ? found["seq"] : null;
}

function* readableRows(db: DatabaseSync, codec: BodyCodec, known: KnownOutbox): Generator<SavedRow | null> {
  const range = idRange(db);
  const select = tryRead(() =>
    db.prepare(`SELECT ${ROW_COLUMNS}, tier, body, packed, dictionary FROM batch WHERE id = ?`),
  );
  if (range === null || select === undefined) return;
  for (let id = range.first; id <= range.last; id++) {
    const row = tryRead(() => select.get(id));
    if (row !== undefined && isSound(row, codec, known)) yield row;
    else if (id % TRIES_AT_ONCE === 0) yield null;
  }
}

/** The lowest and the highest number, by whichever way one comes to it. */
function idRange(db: DatabaseSync): { first: number; last: number } | null {
  const ways = [
    "SELECT id FROM batch ORDER BY id",
    ...Object.values(TIER).map(
      (tier) => `SELECT id FROM batch INDEXED BY batch_by_worth WHERE tier = ${tier} ORDER BY id`,
    ),
    ...LANES.map((lane) => {
      const index = "batch INDEXED BY sqlite_autoindex_batch_1";
      return `SELECT id FROM ${index} WHERE lane = ${LANE_NUMBER[lane]} ORDER BY seq`;
    }),
  ];
  const ids = ways
    .flatMap((sql) => [`${sql} LIMIT 1`, `${sql} DESC LIMIT 1`])
    .map((sql) => tryRead(() => db.prepare(sql).get()?.["id"]))
    .filter((id) => isWhole(id, 1));
  if (ids.length === 0) return null;
  const first = Math.min(...ids);
  return { first, last: Math.min(Math.max(...ids), first + IDS_MAX) };
}

/** Every column has a value that it can have, and the body is what was written. */
function isSound(
  row: Record<string, unknown>,
  codec: BodyCodec,
  { epoch, lastSeq }: KnownOutbox,
): row is Record<string, unknown> & SavedRow {
  const lane = LANES.find((name) => LANE_NUMBER[name] === row["lane"]);
  const { seq, from_seq: fromSeq, from_at: fromAt, to_at: toAt } = row;
  if (lane === undefined || !isWhole(seq, 1) || !isWhole(fromSeq, 1)) return false;
  if (fromSeq > seq || seq > lastSeq[lane] || !isWhole(fromAt, 0) || !isWhole(toAt, 0)) return false;
  if (!Object.values<unknown>(TIER).includes(row["tier"])) return false;
  if (![row["samples"], row["elapsed_ms"], row["bytes"]].every((value) => isWhole(value, 0))) return false;
  const text = tryRead(() => textOrNull(codec, row)) ?? null;
  if (text === null) return false;
  // What says what was dropped, and what a first version wrote, has no sum of its own.
  if (row["packed"] instanceof Uint8Array) return true;
  return decodeTelemetry(Buffer.from(wireText({ epoch, lane, seq, sentAt: toAt }, text))).ok;
}

/** What all rows need, into the new file; `before`: what that knows of files of before. */
export function restoreHead(db: DatabaseSync, saved: SavedOutbox, before: readonly FormerOutbox[]): void {
  const { epoch: own, dictionaries, former } = saved;
  const insert = db.prepare("INSERT OR IGNORE INTO dictionary (id, bytes) VALUES (?, ?)");
  for (const { id, bytes } of dictionaries) insert.run(id, bytes);
  // What lies aside of this epoch goes on here.
  const all = [...former, ...before].filter(({ epoch }) => epoch !== own);
  const each = [...new Map(all.map((one) => [one.epoch, one])).values()].slice(-LIMITS.formerOutboxesMax);
  db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('former', ?)").run(JSON.stringify(each));
}

/** Writes one row after the other into the new file. */
export function rowWriter(db: DatabaseSync): (tally: Tally, row: SavedRow) => void {
  const insert = db.prepare(
    `INSERT OR IGNORE INTO batch (id, lane, seq, from_seq, tier, samples, from_at, to_at, elapsed_ms, bytes, body, packed, dictionary)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return (tally, row) => {
    const { changes } = insert.run(
      ...[row.id, row.lane, row.seq, row.from_seq, row.tier, row.samples, row.from_at, row.to_at],
      ...[row.elapsed_ms, row.bytes, row.body, row.packed, row.dictionary],
    );
    if (changes === 0) return;
    tally.bytes += row.bytes;
    tally.batches++;
  };
}

type Hole = { readonly fromSeq: number; readonly toSeq: number; readonly fromAt: number; readonly toAt: number };

/** Reports of the numbers of a lane that are in no row; how many numbers those are. `now`: for a lane with nothing left. */
export function restoreHoles(
  db: DatabaseSync,
  tally: Tally,
  { lane, saved, now }: { readonly lane: Lane; readonly saved: SavedOutbox; readonly now: number },
): number {
  const holes = findHoles(db, { lane, saved, now });
  const insert = db.prepare(
    `INSERT INTO batch (lane, seq, from_seq, tier, samples, from_at, to_at, elapsed_ms, bytes, body)
     VALUES (?, ?, ?, ?, ?, ?, ?, ifnull((SELECT max(elapsed_ms) FROM batch), 0), ?, ?)`,
  );
  for (const hole of holes) {
    const { fromSeq, toSeq, fromAt, toAt } = hole;
    const samples = toSeq - fromSeq + 1;
    const { text } = droppedBody({ ...hole, samples, reason: DAMAGED });
    const bytes = bytesOf(text);
    insert.run(LANE_NUMBER[lane], toSeq, fromSeq, TIER.dropped, samples, fromAt, toAt, bytes, text);
    tally.bytes += bytes;
    tally.batches++;
  }
  return holes.reduce((sum, { fromSeq, toSeq }) => sum + toSeq - fromSeq + 1, 0);
}

function findHoles(db: DatabaseSync, of: { lane: Lane; saved: SavedOutbox; now: number }): Hole[] {
  const { lane, now } = of;
  const { lastSeq, lowest } = of.saved;
  const holes: Hole[] = [];
  let before: { readonly seq: number; readonly toAt: number | null } = { seq: 0, toAt: null };
  const hole = (toSeq: number, at: number | null): void => {
    if (toSeq <= before.seq) return;
    const fromAt = before.toAt ?? at ?? now;
    holes.push({ fromSeq: before.seq + 1, toSeq, fromAt, toAt: Math.max(fromAt, at ?? fromAt) });
  };
  const sql = "SELECT seq, from_seq, from_at, to_at FROM batch WHERE lane = ? ORDER BY seq";
  for (const row of db.prepare(sql).iterate(LANE_NUMBER[lane])) {
    const seq = Number(row["seq"]);
    // What was there before the lowest that waited was acked.
    const isLowest = before.toAt === null && seq === lowest[lane];
    if (!isLowest) hole(Number(row["from_seq"]) - 1, Number(row["from_at"]));
    before = { seq, toAt: Number(row["to_at"]) };
  }
  const isDrained = before.toAt === null && lowest[lane] === lastSeq[lane] + 1;
  if (!isDrained) hole(lastSeq[lane], null);
  return holes;
}

const isWhole = (value: unknown, least: number): value is number =>
  Number.isSafeInteger(value) && Number(value) >= least;

/** Of a damaged file one page may be readable and the next not. */
function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
