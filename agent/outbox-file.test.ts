import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ManualClock } from "@aislewatch/base";
import { decodeTelemetry, type Lane, LIMITS, type Reading, rowsOf, type Telemetry } from "@aislewatch/contract";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { wireText } from "./core/batch.ts";
import { StateChanges } from "./core/changes.ts";
import type { OutboxFile, OutboxFileOptions } from "./outbox-file.ts";
import { openOutboxFile } from "./outbox-open.ts";
import { DAMAGED } from "./outbox-thinning.ts";
import { sampleReading } from "./sample-reading.ts";

const AT = 1_700_000_000_000;
const ALL = { batchesMax: 10_000, bytesMax: 1e9 };
/** What a disk turns at once. */
const SECTOR_BYTES = 512;

let folder = "";
let clock = new ManualClock();
let epochs = 0;
const open: OutboxFile[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "outbox-"));
  clock = new ManualClock();
  epochs = 0;
});
afterEach(() => {
  for (const outbox of open.splice(0)) closeQuietly(outbox);
  rmSync(folder, { recursive: true, force: true });
});

function start(over: Partial<OutboxFileOptions> = {}): OutboxFile {
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
const startWithoutSaving = (): OutboxFile => start({ fileBytesMax: 24 * 1_024 });

function closeQuietly(outbox: OutboxFile): void {
  try {
    outbox.close();
  } catch {
    // Closed by the test.
  }
}

const reading = (n: number, pad = 0): Reading => sampleReading(n, { at: AT, pad });

function messages(outbox: OutboxFile, lane: Lane, afterSeq = 0): Telemetry[] {
  return outbox.unacked(lane, afterSeq, ALL).map(({ seq, body }) => {
    const decoded = decodeTelemetry(Buffer.from(wireText({ epoch: outbox.epoch, lane, seq, sentAt: AT }, body)));
    if (!decoded.ok) throw new Error(decoded.error.detail);
    return decoded.value;
  });
}

const seqs = (outbox: OutboxFile, lane: Lane): number[] => messages(outbox, lane).map(({ seq }) => seq);

/** A sequence of states without the repeats. */
const turns = (states: readonly string[]): string[] => states.filter((state, n) => state !== states[n - 1]);

/** What a second process finds that opens the same file: nothing of this one's memory. */
function copyAfterKill(): OutboxFile {
  return start();
}

describe("OutboxFile", () => {
  it("gives each lane its own seqs from 1", () => {
    const outbox = start();
    for (const [n, lane] of (["live", "live", "history", "live"] as const).entries()) {
      expect(outbox.append([reading(n)], { lane, keep: false })).toEqual({ ok: true, value: { batches: 1 } });
    }
    expect([seqs(outbox, "live"), seqs(outbox, "history")]).toEqual([[1, 2, 3], [1]]);
  });

  it("has everything that append returned for after a kill, under the same epoch and seqs", () => {
    const outbox = start();
    outbox.append([reading(1), reading(2)], { lane: "live", keep: true });
    outbox.append([reading(3)], { lane: "history", keep: false });
    const before = [messages(outbox, "live"), messages(outbox, "history")];
    const after = copyAfterKill();
    expect([messages(after, "live"), messages(after, "history")]).toEqual(before);
    expect(after.epoch).toBe("epoch-1");
    after.append([reading(4)], { lane: "live", keep: false });
    expect(seqs(after, "live")).toEqual([1, 2]);
  });

  it("never gives a seq twice, also when everything was acked before a restart", () => {
    const outbox = start();
    outbox.append([reading(1)], { lane: "live", keep: false });
    outbox.ack("epoch-1", { live: 1, history: 0 });
    outbox.close();
    const again = start();
    again.append([reading(2)], { lane: "live", keep: false });
    expect(seqs(again, "live")).toEqual([2]);
  });

  it.each([
    { name: "of this epoch", epoch: "epoch-1", upTo: { live: 2, history: 0 }, verdict: "taken", left: [3] },
    { name: "that came before", epoch: "epoch-1", upTo: { live: 0, history: 0 }, verdict: "taken", left: [1, 2, 3] },
    { name: "of another epoch", epoch: "epoch-0", upTo: { live: 3, history: 0 }, verdict: "stranger", left: [1, 2, 3] },
    {
      name: "of seqs that were never given",
      epoch: "epoch-1",
      upTo: { live: 4, history: 0 },
      verdict: "ahead",
      left: [1, 2, 3],
    },
  ])("takes an ack $name as $verdict", ({ epoch, upTo, verdict, left }) => {
    const outbox = start();
    for (const n of [1, 2, 3]) outbox.append([reading(n)], { lane: "live", keep: false });
    expect([outbox.ack(epoch, upTo), seqs(outbox, "live"), outbox.figures.batches]).toEqual([
      verdict,
      left,
      left.length,
    ]);
  });

  it("hands out batches up to a number and a size, and at least one", () => {
    const outbox = start();
    for (const n of [1, 2, 3]) outbox.append([reading(n, 400)], { lane: "live", keep: false });
    const bytes = outbox.unacked("live", 0, ALL)[0]?.bytes ?? 0;
    const count = (batchesMax: number, bytesMax: number): number =>
      outbox.unacked("live", 1, { batchesMax, bytesMax }).length;
    expect([count(10, 1), count(10, bytes * 2), count(1, bytes * 2), count(10, bytes * 2 - 1)]).toEqual([1, 2, 1, 1]);
  });

  it("drops the oldest telemetry when full, reports exactly what, and keeps state changes", () => {
    const outbox = start({ bytesMax: 20_000 });
    outbox.append([reading(0, 400)], { lane: "live", keep: true });
    for (let n = 1; n <= 60; n++) outbox.append([reading(n, 400)], { lane: "live", keep: false });
    const sent = messages(outbox, "live");
    expect(sent[0]).toMatchObject({ seq: 1, subjects: ["d0"] });
    const dropped = sent.flatMap((message) => message.dropped ?? []);
    expect(dropped).toHaveLength(1);
    const [{ fromSeq = 0, toSeq = 0, samples = 0, fromAt = 0, toAt = 0 } = {}] = dropped;
    expect([fromSeq, samples, fromAt, toAt]).toEqual([2, toSeq - 1, AT + 1, AT + toSeq - 1]);
    expect(sent.slice(2).map(({ seq }) => seq)).toEqual(Array.from({ length: 61 - toSeq }, (_, n) => toSeq + 1 + n));
    expect(outbox.figures.bytes).toBeLessThanOrEqual(20_000);
    expect(outbox.figures.droppedSamples).toBe(samples);
  });

  it("drops state changes as well before it grows", () => {
    const outbox = start({ bytesMax: 20_000 });
    for (let n = 1; n <= 60; n++) outbox.append([reading(n, 400)], { lane: "live", keep: true });
    expect(outbox.figures.bytes).toBeLessThanOrEqual(20_000);
    expect(messages(outbox, "live").at(-1)).toMatchObject({ seq: 60, subjects: ["d60"] });
  });

  it("tells of numbers that a batch lost first with the batch that it loses then", () => {
    const outbox = start({ bytesMax: 6_000 });
    for (let n = 1; n <= 40; n++) {
      const numbers = Object.fromEntries(Array.from({ length: 60 }, (_, k) => [`load_${k}m`, Math.sin(n * 61 + k)]));
      const metrics = { up: true, media_out: n % 2 === 0, ...numbers };
      outbox.append([{ device: "d", at: AT + n, samples: [{ component: null, metrics }] }], {
        lane: "live",
        keep: true,
      });
    }
    const waiting = messages(outbox, "live");
    const lost = waiting.flatMap(({ dropped = [] }) => dropped.map(({ samples }) => samples));
    const kept = waiting.flatMap((message) => [...rowsOf(message)].map(({ metrics }) => Object.keys(metrics).length));
    const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
    expect(waiting[0]?.dropped?.[0]?.toSeq).toBeGreaterThan(1);
    expect([sum(lost) + sum(kept), sum(lost)]).toEqual([40 * 62, outbox.droppedSamples]);
  });

  it("drops last what is on its way, and never changes what was already sent as dropped", () => {
    const outbox = start({ bytesMax: 20_000 });
    for (let n = 1; n <= 10; n++) outbox.append([reading(n, 400)], { lane: "live", keep: false });
    outbox.markInFlight({ live: 5, history: 0 });
    for (let n = 11; n <= 60; n++) outbox.append([reading(n, 400)], { lane: "live", keep: false });
    const first = messages(outbox, "live");
    expect(first.slice(0, 5).map(({ seq, dropped }) => [seq, dropped])).toEqual(
      [1, 2, 3, 4, 5].map((seq) => [seq, undefined]),
    );
    const told = first[5]?.dropped?.[0];
    expect(told?.fromSeq).toBe(6);
    outbox.markInFlight({ live: told?.toSeq ?? 0, history: 0 });
    for (let n = 61; n <= 100; n++) outbox.append([reading(n, 400)], { lane: "live", keep: false });
    const later = messages(outbox, "live").flatMap((message) => message.dropped ?? []);
    expect(later[0]).toEqual(told);
    expect(later[1]?.fromSeq).toBe((told?.toSeq ?? 0) + 1);
  });

  it("drops what is too old, counting the time that agents ran and not what the clock says", () => {
    const outbox = start({ ageMsMax: 3_600_000 });
    outbox.append([reading(1)], { lane: "live", keep: true });
    clock.jump(365 * 86_400_000);
    clock.advance(3_000_000);
    outbox.append([reading(2)], { lane: "live", keep: false });
    expect(messages(outbox, "live").every(({ dropped }) => dropped === undefined)).toBe(true);
    outbox.close();
    clock = new ManualClock();
    const again = start({ ageMsMax: 3_600_000 });
    clock.advance(1_800_000);
    again.append([reading(3)], { lane: "live", keep: false });
    expect(messages(again, "live").map(({ seq, dropped }) => [seq, dropped?.[0]?.reason])).toEqual([
      [1, "older than the outbox keeps"],
      [2, undefined],
      [3, undefined],
    ]);
  });

  it.each([
    {
      name: "garbage, and begins a new epoch",
      damage: () => writeFileSync(join(folder, "outbox.db"), "this is no database".repeat(500)),
      next: { epoch: "epoch-2", waiting: [1] },
    },
    {
      name: "no row any more, and says so of each",
      damage: () => zeroPages(),
      next: { epoch: "epoch-1", waiting: [50, 51] },
    },
  ])("sets a file aside that holds $name", ({ damage, next }) => {
    const outbox = start();
    for (let n = 0; n < 50; n++) outbox.append([reading(n, 400)], { lane: "live", keep: false });
    outbox.close();
    damage();
    const aside: string[] = [];
    const again = start({ onSetAside: (file) => aside.push(file) });
    expect(aside).toEqual([join(folder, "outbox.corrupt-1")]);
    expect(readdirSync(folder)).toContain("outbox.corrupt-1");
    again.append([reading(1)], { lane: "live", keep: false });
    expect({ epoch: again.epoch, waiting: seqs(again, "live") }).toEqual(next);
  });

  it("tells of a file that it could not save how far that went, until a batch that came after it is acked", () => {
    const outbox = start();
    for (let n = 0; n < 70; n++) outbox.append([reading(n, 400)], { lane: n < 67 ? "live" : "history", keep: false });
    outbox.ack("epoch-1", { live: 4, history: 0 });
    outbox.close();
    turnPages();
    const former = [{ epoch: "epoch-1", lanes: { live: { first: 5, last: 67 }, history: { first: 1, last: 3 } } }];
    const next = startWithoutSaving();
    expect([next.epoch, next.former]).toEqual(["epoch-2", former]);
    expect(readdirSync(folder).filter((name) => /corrupt|saved/.test(name))).toEqual(["outbox.corrupt-1"]);
    next.append([reading(1)], { lane: "live", keep: false });
    next.ack("epoch-2", { live: 0, history: 0 });
    next.close();
    const again = start();
    expect(again.former).toEqual(former);
    again.ack("epoch-2", { live: 1, history: 0 });
    expect(again.former).toEqual([]);
    again.close();
    expect(start().former).toEqual([]);
  });

  it("tells of all files that were damaged, one after the other, also of one that lies aside no more", () => {
    const ends: unknown[] = [];
    for (let n = 1; n <= 10; n++) {
      const outbox = start();
      for (let k = 0; k < 50 + n; k++) outbox.append([reading(k, 400)], { lane: "live", keep: false });
      ends.push({ epoch: `epoch-${n}`, lanes: { live: { first: 1, last: 50 + n }, history: { first: 1, last: 0 } } });
      outbox.close();
      turnPages();
      startWithoutSaving().close();
    }
    expect(start().former).toEqual(ends.slice(-LIMITS.formerOutboxesMax));
  });

  it("saves from a damaged file every row that can be read, and tells of the others which they were", () => {
    const told: unknown[] = [];
    const outbox = start();
    for (let n = 1; n <= 70; n++)
      outbox.append([reading(n, 400)], { lane: n % 10 === 0 ? "history" : "live", keep: false });
    outbox.ack("epoch-1", { live: 4, history: 2 });
    const before = { live: messages(outbox, "live", 4), history: messages(outbox, "history", 2) };
    outbox.close();
    turnPages();
    const next = start({ onSetAside: (_file, _detail, saved) => told.push(saved) });
    expect([next.epoch, next.lastSeq, next.former]).toEqual(["epoch-1", { live: 63, history: 7 }, []]);
    next.ack("epoch-1", { live: 4, history: 2 });
    let [kept, lost] = [0, 0];
    for (const lane of ["live", "history"] as const) {
      const known = new Map(before[lane].map((message) => [message.seq, message]));
      let covered = next.acked[lane];
      for (const message of messages(next, lane, covered)) {
        const [report] = message.dropped ?? [];
        expect(report?.fromSeq ?? message.seq).toBe(covered + 1);
        if (report === undefined) expect(message).toEqual(known.get(message.seq));
        else expect(report).toMatchObject({ toSeq: message.seq, samples: message.seq - covered, reason: DAMAGED });
        if (report === undefined) kept++;
        else lost += message.seq - covered;
        covered = message.seq;
      }
      expect(covered).toBe(next.lastSeq[lane]);
    }
    expect([kept + lost, told]).toEqual([64, [{ batches: kept, lost }]]);
    // Twenty pages of a batch each, or less.
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThanOrEqual(20);
    next.append([reading(71)], { lane: "live", keep: false });
    expect(next.lastSeq.live).toBe(64);
  });

  it("says of what was lost at the beginning where that begins, once the collector has said how far it is", () => {
    const outbox = start();
    for (let n = 1; n <= 70; n++) outbox.append([reading(n, 400)], { lane: "live", keep: false });
    outbox.close();
    // Rows and the index behind them: nobody can tell what was acked.
    damagePages((bytes) => bytes.fill("x", 3 * 1_024, 4 * 1_024).fill("x", 6 * 1_024, 14 * 1_024));
    const next = start();
    const [first] = messages(next, "live");
    expect(first?.dropped?.[0]?.fromSeq).toBe(1);
    const toSeq = first?.dropped?.[0]?.toSeq ?? 0;
    next.ack("epoch-1", { live: 3, history: 0 });
    expect(messages(next, "live", 3)[0]?.dropped).toEqual([
      { fromSeq: 4, toSeq, fromAt: AT + toSeq + 1, toAt: AT + toSeq + 1, samples: toSeq - 3, reason: DAMAGED },
    ]);
  });

  it("goes on with what was saved when it was killed before that took the damaged file's place", () => {
    const outbox = start();
    for (let n = 1; n <= 9; n++) outbox.append([reading(n)], { lane: "live", keep: false });
    outbox.close();
    renameSync(join(folder, "outbox.db"), join(folder, "outbox.saved"));
    writeFileSync(join(folder, "outbox.db-wal"), "the log of the damaged file");
    expect(seqs(start(), "live")).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("takes nothing for saved while the damaged file is still in its place", () => {
    const outbox = start();
    outbox.append([reading(1)], { lane: "live", keep: false });
    outbox.close();
    writeFileSync(join(folder, "outbox.saved"), "an older try");
    expect(seqs(start(), "live")).toEqual([1]);
    expect(existsSync(join(folder, "outbox.saved"))).toBe(false);
  });

  it.each([
    { name: "deleted", lose: () => rmSync(join(folder, "outbox.db")) },
    { name: "emptied", lose: () => writeFileSync(join(folder, "outbox.db"), "") },
  ])("says what it was when the file was $name", ({ lose }) => {
    const before = { epoch: "epoch-1", lanes: { live: { first: 1, last: 2 }, history: { first: 1, last: 0 } } };
    const outbox = start();
    for (const n of [1, 2]) outbox.append([reading(n)], { lane: "live", keep: false });
    outbox.close();
    lose();
    const gone: unknown[] = [];
    const next = start({ lastKnown: () => before, onGone: (one) => gone.push(one) });
    expect([next.epoch, next.former, gone]).toEqual(["epoch-2", [before], [before]]);
    next.close();
    // Only what begins anew can have lost one.
    start({ lastKnown: () => before, onGone: (one) => gone.push(one) });
    expect(gone).toHaveLength(1);
  });

  it("tells by what the status file knew how far a file went in which nothing can be read, and not as deleted", () => {
    const before = { epoch: "epoch-1", lanes: { live: { first: 1, last: 2 }, history: { first: 1, last: 0 } } };
    writeFileSync(join(folder, "outbox.db"), "this is no database".repeat(500));
    epochs = 1;
    const gone: unknown[] = [];
    const next = start({ lastKnown: () => before, onGone: (one) => gone.push(one) });
    expect([next.former, gone]).toEqual([[{ epoch: expect.stringMatching(/^unreadable-/) }, before], []]);
  });

  it("never delivers a wrong batch, nor one twice, and tells of all others, whichever sector turns, also with readings after it", () => {
    const outbox = start();
    for (let n = 0; n < 90; n++)
      outbox.append([reading(n, 150)], { lane: n % 7 === 0 ? "history" : "live", keep: n % 5 === 0 });
    outbox.ack("epoch-1", { live: 30, history: 4 });
    outbox.close();
    const whole = readFileSync(join(folder, "outbox.db"));
    const sectors = whole.length / SECTOR_BYTES;
    const ends = { saved: 0, anew: 0 };
    for (let sector = 0; sector < sectors; sector++) {
      for (const name of readdirSync(folder)) rmSync(join(folder, name));
      const turned = Buffer.from(whole);
      for (let at = 0; at < SECTOR_BYTES; at++) turned[sector * SECTOR_BYTES + at] = (at * 7_919 + sector * 31) % 251;
      writeFileSync(join(folder, "outbox.db"), turned);
      epochs = 1;
      const next = start();
      const isSame = next.epoch === "epoch-1";
      ends[isSame ? "saved" : "anew"]++;
      const given = isSame ? { live: 77, history: 13 } : { live: 0, history: 0 };
      expect([sector, next.lastSeq]).toEqual([sector, given]);
      if (!isSame) expect(next.former.length).toBeGreaterThan(0);
      else next.ack("epoch-1", { live: 30, history: 4 });
      for (let n = 90; n < 96; n++)
        next.append([reading(n, 150)], { lane: n % 2 === 0 ? "live" : "history", keep: false });
      for (const lane of ["live", "history"] as const) {
        const sent = messages(next, lane, next.acked[lane]);
        let covered = next.acked[lane];
        for (const { seq, subjects, dropped = [] } of sent) {
          const isReport = dropped.length > 0;
          expect([sector, lane, isReport ? dropped[0]?.fromSeq : seq]).toEqual([sector, lane, covered + 1]);
          if (!isReport && seq <= given[lane])
            expect(subjects).toEqual([`d${lane === "history" ? (seq - 1) * 7 : nthLive(seq)}`]);
          covered = seq;
        }
        expect([sector, lane, covered]).toEqual([sector, lane, given[lane] + 3]);
      }
      next.close();
    }
    // Without its first page, or that of its epoch, nothing can be saved.
    expect(ends.anew).toBeLessThanOrEqual(4);
    expect(ends.saved).toBe(sectors - ends.anew);
  }, 60_000);

  it("says so when nothing in a file can be read, by the same name each time", () => {
    writeFileSync(join(folder, "outbox.db"), "this is no database".repeat(500));
    const first = start();
    expect(first.former).toEqual([{ epoch: expect.stringMatching(/^unreadable-[a-z0-9]+-[a-z0-9]+$/) }]);
    first.close();
    rmSync(join(folder, "outbox.db"));
    expect(start().former).toEqual(first.former);
  });

  it("keeps three files that it set aside, and the newest of them", () => {
    for (let n = 1; n <= 5; n++) {
      writeFileSync(join(folder, "outbox.db"), `this is no database, for the ${n}th time `.repeat(100));
      start().close();
    }
    expect(readdirSync(folder).filter((name) => name.startsWith("outbox.corrupt"))).toHaveLength(3);
    expect(readFileSync(join(folder, "outbox.corrupt-3"), "utf8")).toContain("the 5th time");
  });

  it("takes a lost file for a new outbox", () => {
    start().close();
    rmSync(join(folder, "outbox.db"));
    expect(start().epoch).toBe("epoch-2");
  });

  it("refuses a file of a newer version instead of setting it aside", () => {
    start().close();
    const db = new DatabaseSync(join(folder, "outbox.db"));
    db.exec("PRAGMA user_version = 99");
    db.close();
    expect(openOutboxFile({ folder, bytesMax: 1e6, ageMsMax: 1e9, clock, newEpoch: () => "e" })).toMatchObject({
      ok: false,
      error: { kind: "io" },
    });
  });

  it("holds a day of the same ten devices in a tenth of its text, and gives each back as it was", () => {
    const outbox = start();
    const round = (n: number): Reading[] =>
      Array.from({ length: 10 }, (_, d) => ({
        device: `lane-${d}/receipt-printer`,
        at: AT + n * 10_000 + d,
        samples: [{ component: null, metrics: { up: true, media_out: false, uptime_seconds: n * 10, load_1m: n % 7 } }],
      }));
    for (let n = 0; n < 400; n++) outbox.append(round(n), { lane: "history", keep: false });
    const waiting = outbox.unacked("history", 0, ALL);
    const wireBytes = waiting.reduce((sum, { bytes }) => sum + bytes, 0);
    // 160 bytes a row are SQLite's.
    expect(outbox.figures.bytes - 400 * 160).toBeLessThan(wireBytes / 5);
    expect(messages(outbox, "history").map((message) => [...rowsOf(message)].length)).toEqual(
      Array.from({ length: 400 }, () => 10),
    );
    expect(copyAfterKill().unacked("history", 0, ALL)).toEqual(waiting);
  });

  it("tells a batch as lost that the disk has turned into something else, and delivers its neighbours", () => {
    const outbox = start();
    for (let n = 1; n <= 9; n++) outbox.append([reading(n, 50)], { lane: "live", keep: false });
    outbox.close();
    const db = new DatabaseSync(join(folder, "outbox.db"));
    const at = db.prepare("UPDATE batch SET packed = CAST(? || substr(packed, 2) AS BLOB) WHERE seq = ?");
    for (const seq of [1, 4, 5]) at.run(Buffer.from([7]), seq);
    db.exec("UPDATE batch SET packed = substr(packed, 1, 20) WHERE seq = 9");
    db.close();
    const again = start();
    const one = { batchesMax: 1, bytesMax: 1e9 };
    const sent: [number, unknown][] = [];
    for (
      let [batch] = again.unacked("live", 0, one);
      batch !== undefined;
      [batch] = again.unacked("live", batch.seq, one)
    ) {
      sent.push([batch.seq, JSON.parse(`{${batch.body}`).dropped?.[0]]);
    }
    const lost = (seq: number) => ({
      ...{ fromSeq: seq, toSeq: seq, fromAt: AT + seq, toAt: AT + seq, samples: 1 },
      reason: "damaged on the agent's disk",
    });
    expect(sent).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((seq) => [seq, [1, 4, 5, 9].includes(seq) ? lost(seq) : undefined]),
    );
    expect(again.droppedSamples).toBe(4);
  });

  it("takes over a file of version 1 as it is, and goes on in it", () => {
    start().close();
    const body = `"base":${AT},"subjects":["old"],"tables":[]}`;
    const db = new DatabaseSync(join(folder, "outbox.db"));
    db.exec(`
      ALTER TABLE batch DROP COLUMN packed; ALTER TABLE batch DROP COLUMN dictionary; DROP TABLE dictionary;
      PRAGMA user_version = 1; UPDATE meta SET value = 1 WHERE key = 'last_live';
    `);
    db.prepare(
      `INSERT INTO batch (lane, seq, from_seq, tier, samples, from_at, to_at, elapsed_ms, bytes, body)
       VALUES (0, 1, 1, 0, 1, ?, ?, 0, 300, ?)`,
    ).run(AT, AT, body);
    db.close();
    const outbox = start();
    outbox.append([reading(2)], { lane: "live", keep: false });
    expect(messages(outbox, "live").map(({ seq, subjects }) => [seq, subjects])).toEqual([
      [1, ["old"]],
      [2, ["d2"]],
    ]);
  });

  it("loses no change of a state as long as there are numbers to give up, and tells how many of those", () => {
    const change = fc.record({ device: fc.nat(3), out: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { minLength: 60, maxLength: 120 }), (changes) => {
        rmSync(folder, { recursive: true, force: true });
        folder = mkdtempSync(join(tmpdir(), "outbox-"));
        const outbox = start({ bytesMax: 45_000 });
        const seen = new StateChanges();
        const given: string[][] = [[], [], [], []];
        changes.forEach(({ device, out }, n) => {
          const metrics = {
            up: true,
            media_out: out,
            ...Object.fromEntries(Array.from({ length: 60 }, (_, k) => [`load_${k}m`, Math.sin(n * 61 + k)])),
          };
          const one: Reading = { device: `d${device}`, at: AT + n, samples: [{ component: null, metrics }] };
          given[device]?.push(`${out}`);
          outbox.append([one], { lane: "live", keep: seen.see(one) });
        });
        const told: string[][] = [[], [], [], []];
        let [numbers, lost] = [0, 0];
        for (const message of messages(outbox, "live")) {
          for (const { samples } of message.dropped ?? []) lost += samples;
          for (const { subject, metrics } of rowsOf(message)) {
            numbers += Object.keys(metrics).length;
            told[Number(subject.slice(1))]?.push(`${metrics["media_out"]}`);
          }
        }
        expect(told.map(turns)).toEqual(given.map(turns));
        expect([numbers + lost, lost]).toEqual([changes.length * 62, outbox.figures.droppedSamples]);
        expect(outbox.figures.bytes).toBeLessThanOrEqual(45_000);
        for (const each of open.splice(0)) closeQuietly(each);
      }),
      { numRuns: 15 },
    );
  });

  it.each([
    { name: "its own pages", pageBytes: 1_024 },
    { name: "the larger pages of a file that was there before", pageBytes: 4_096 },
  ])("never makes its file larger than its bound, with $name", ({ pageBytes }) => {
    if (pageBytes !== 1_024) {
      const before = new DatabaseSync(join(folder, "outbox.db"));
      before.exec(`PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL`);
      before.close();
    }
    const outbox = start({ fileBytesMax: 200_000 });
    let n = 0;
    while (n < 2_000 && outbox.append([reading(++n, 400)], { lane: "live", keep: false }).ok);
    outbox.close();
    const file = join(folder, "outbox.db");
    const db = new DatabaseSync(file, { readOnly: true });
    expect(db.prepare("PRAGMA page_size").get()).toEqual({ page_size: pageBytes });
    db.close();
    expect(statSync(file).size).toBeLessThanOrEqual(200_000 + pageBytes);
    expect(statSync(file).size).toBeGreaterThan(180_000);
  });

  it("keeps its counters when the disk is full, and finds room by dropping the oldest", () => {
    const outbox = start({ fileBytesMax: 120_000 });
    let written = 0;
    let refused = outbox.append([reading(0, 400)], { lane: "live", keep: false });
    for (; refused.ok && written < 1_000; written++) {
      refused = outbox.append([reading(written + 1, 400)], { lane: "live", keep: false });
    }
    expect(refused).toMatchObject({ ok: false, error: { kind: "full" } });
    expect([outbox.lastSeq.live, outbox.figures.batches]).toEqual([written, written]);
    expect(readdirSync(folder)).toContain("outbox.reserve");
    expect(outbox.makeRoom()).toEqual({ ok: true, value: undefined });
    expect(readdirSync(folder)).not.toContain("outbox.reserve");
    expect(outbox.append([reading(1, 400)], { lane: "live", keep: false })).toMatchObject({ ok: true });
    expect(messages(outbox, "live")[0]?.dropped?.[0]).toMatchObject({ fromSeq: 1, reason: "the disk was full" });
  });

  it("numbers what is unacked anew, under a new epoch, when the file turns out to be an old copy", () => {
    const outbox = start();
    for (let n = 1; n <= 5; n++) outbox.append([reading(n)], { lane: "live", keep: false });
    outbox.append([reading(6)], { lane: "history", keep: false });
    outbox.ack("epoch-1", { live: 3, history: 0 });
    expect(outbox.ack("epoch-1", { live: 90, history: 0 })).toBe("ahead");
    expect(outbox.renew().ok).toBe(true);
    expect([outbox.epoch, seqs(outbox, "live"), seqs(outbox, "history")]).toEqual(["epoch-2", [1, 2], [1]]);
    outbox.append([reading(7)], { lane: "live", keep: false });
    expect(messages(start(), "live").map(({ seq, subjects }) => [seq, subjects[0]])).toEqual([
      [1, "d4"],
      [2, "d5"],
      [3, "d7"],
    ]);
  });

  it("of an old copy sends only what was written since it was opened: the rest is what the collector has", () => {
    const before = start();
    for (let n = 1; n <= 3; n++) before.append([reading(n)], { lane: "live", keep: false });
    before.close();
    const copy = start();
    copy.append([reading(4)], { lane: "live", keep: false });
    expect(copy.ack("epoch-1", { live: 90, history: 0 })).toBe("ahead");
    expect(copy.renew().ok).toBe(true);
    expect(messages(copy, "live").map(({ seq, subjects }) => [seq, subjects[0]])).toEqual([[1, "d4"]]);
  });

  /** As an agent's process that is killed before it has heard the collector, and so has sent nothing. */
  function killedUnheard(n: number, over: Partial<OutboxFileOptions> = {}): void {
    const killed = start(over);
    killed.append([reading(n)], { lane: "live", keep: false });
    killed.abandon();
  }

  /** The file as a backup has it; what puts it back. */
  function backup(): () => void {
    const kept = mkdtempSync(join(tmpdir(), "outbox-"));
    const names = (): string[] => ["outbox.db", "outbox.db-wal"].filter((name) => existsSync(join(folder, name)));
    for (const name of names()) copyFileSync(join(folder, name), join(kept, name));
    return () => {
      for (const name of [...names(), "outbox.db-shm"]) rmSync(join(folder, name), { force: true });
      for (const name of readdirSync(kept)) copyFileSync(join(kept, name), join(folder, name));
      rmSync(kept, { recursive: true });
    };
  }

  it("of an old copy sends also what processes before this one wrote that were killed before the first word", () => {
    const before = start();
    for (let n = 1; n <= 3; n++) before.append([reading(n)], { lane: "live", keep: false });
    before.close();
    backup()();
    for (const n of [4, 5]) killedUnheard(n);
    const copy = start();
    copy.append([reading(6)], { lane: "live", keep: false });
    // More than what it held as a copy, and less than what it holds by now.
    expect(copy.ack("epoch-1", { live: 5, history: 0 })).toBe("ahead");
    expect(copy.renew().ok).toBe(true);
    const sent = [
      [1, "d4"],
      [2, "d5"],
      [3, "d6"],
    ];
    expect(messages(copy, "live").map(({ seq, subjects }) => [seq, subjects[0]])).toEqual(sent);
    // Killed right after that, it has it still, and an ack for it is one.
    copy.abandon();
    const next = start();
    expect(messages(next, "live").map(({ seq, subjects }) => [seq, subjects[0]])).toEqual(sent);
    expect(next.ack("epoch-2", { live: 3, history: 0 })).toBe("taken");
  });

  it("a copy that was made before the first word does not send again what the original delivered after it", () => {
    start().close();
    killedUnheard(1);
    const restore = backup();
    const original = start();
    expect(original.ack("epoch-1", { live: 0, history: 0 })).toBe("taken");
    original.append([reading(2)], { lane: "live", keep: false });
    original.abandon();
    restore();
    const copy = start();
    copy.append([reading(3)], { lane: "live", keep: false });
    expect(copy.ack("epoch-1", { live: 2, history: 0 })).toBe("ahead");
    expect(copy.renew().ok).toBe(true);
    expect(messages(copy, "live").map(({ seq, subjects }) => [seq, subjects[0]])).toEqual([[1, "d3"]]);
  });

  it("tells of the epoch that it left, until a batch of the new one is acked, so that no other copy is taken for new", () => {
    const before = start();
    for (let n = 1; n <= 3; n++) before.append([reading(n)], { lane: "live", keep: false });
    before.close();
    const restoreOther = backup();
    const copy = start();
    copy.append([reading(4)], { lane: "live", keep: false });
    expect(copy.ack("epoch-1", { live: 90, history: 0 })).toBe("ahead");
    expect(copy.renew().ok).toBe(true);
    const lanes = { live: { first: 5, last: 4 }, history: { first: 1, last: 0 } };
    const left = [{ epoch: "epoch-1", lanes, renumbered: true }];
    expect(copy.former).toEqual(left);
    copy.abandon();
    const next = start();
    expect(next.former).toEqual(left);
    expect(next.ack("epoch-2", { live: 1, history: 0 })).toBe("taken");
    expect(next.former).toEqual([]);
    next.close();
    restoreOther();
    const other = start();
    other.append([reading(5)], { lane: "live", keep: false });
    // What the collector says to every copy of the epoch that was left.
    expect(other.ack("epoch-1", { live: 5, history: 1 })).toBe("ahead");
    expect(other.renew().ok).toBe(true);
    expect(messages(other, "live").map(({ subjects }) => subjects[0])).toEqual(["d5"]);
  });

  it.each([
    { name: "another boot, as of a restored disk image", boots: ["a", "b"] },
    { name: "a system that does not tell its boots", boots: [null, null] },
  ])("trusts no note of $name", ({ boots: [first = null, second = null] }) => {
    start().close();
    killedUnheard(1, { boot: () => first });
    const copy = start({ boot: () => second });
    copy.append([reading(2)], { lane: "live", keep: false });
    expect(copy.ack("epoch-1", { live: 2, history: 0 })).toBe("ahead");
    expect(copy.renew().ok).toBe(true);
    expect(messages(copy, "live").map(({ seq, subjects }) => [seq, subjects[0]])).toEqual([[1, "d2"]]);
  });

  it("forgets the note with the first word also on a full disk", () => {
    const before = start({ fileBytesMax: 120_000 });
    before.append([reading(1)], { lane: "live", keep: false });
    before.close();
    const heard = start({ fileBytesMax: 120_000 });
    for (let n = 2; heard.append([reading(n, 400)], { lane: "live", keep: false }).ok; n++);
    const given = heard.lastSeq.live;
    expect(heard.ack("epoch-1", { live: 0, history: 0 })).toBe("taken");
    heard.abandon();
    expect(start({ fileBytesMax: 120_000 }).ack("epoch-1", { live: given, history: 0 })).toBe("taken");
  });

  it.each([
    { name: "sent", use: (outbox: OutboxFile) => outbox.markInFlight({ live: 2, history: 0 }) },
    { name: "been greeted", use: (outbox: OutboxFile) => outbox.ack("epoch-1", { live: 1, history: 0 }) },
  ])("takes an ack for one of what a process before it wrote, when that had $name", ({ use }) => {
    const first = start();
    first.append([reading(1)], { lane: "live", keep: false });
    first.close();
    const killed = start();
    killed.append([reading(2)], { lane: "live", keep: false });
    use(killed);
    killed.abandon();
    expect(start().ack("epoch-1", { live: 2, history: 0 })).toBe("taken");
  });

  it("behaves like a model: nothing lost that it did not report, no seq without an account, across kills", () => {
    type Action =
      | { kind: "append"; lane: Lane; pad: number; keep: boolean }
      | { kind: "ack"; share: number }
      | { kind: "kill" };
    const action: fc.Arbitrary<Action> = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          kind: fc.constant("append" as const),
          lane: fc.constantFrom<Lane>("live", "history"),
          pad: fc.integer({ min: 1, max: 500 }),
          keep: fc.boolean(),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant("ack" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("kill" as const) }) },
    );
    fc.assert(
      fc.property(fc.array(action, { minLength: 20, maxLength: 120 }), (actions) => {
        rmSync(folder, { recursive: true, force: true });
        folder = mkdtempSync(join(tmpdir(), "outbox-"));
        let outbox = start({ bytesMax: 12_000 });
        const written: Record<Lane, number[]> = { live: [], history: [] };
        const acked: Record<Lane, number> = { live: 0, history: 0 };
        actions.forEach((step, n) => {
          if (step.kind === "append") {
            outbox.append([reading(n, step.pad)], { lane: step.lane, keep: step.keep });
            written[step.lane].push(n);
          } else if (step.kind === "ack") {
            acked.live = Math.max(acked.live, Math.floor(outbox.lastSeq.live * step.share));
            outbox.markInFlight(acked);
            outbox.ack(outbox.epoch, acked);
          } else {
            outbox = start({ bytesMax: 12_000 });
          }
          for (const lane of ["live", "history"] as const) account(outbox, lane, written[lane], acked[lane]);
          expect(outbox.figures.bytes).toBeLessThanOrEqual(12_000);
        });
        for (const each of open.splice(0)) closeQuietly(each);
      }),
      { numRuns: 25 },
    );
  });
});

/**
 * The outbox, its disk and who acks: whatever is written, acked, killed and turned in whichever order, each number of an
 * epoch that goes on is delivered as it was written, or in one report; an epoch that can't go on is told of.
 */
describe("a disk that turns sectors between kills", () => {
  type Action =
    | { kind: "append"; lane: Lane; pad: number; keep: boolean }
    | { kind: "ack"; share: number }
    | { kind: "kill"; places: readonly number[] };
  const share = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const action: fc.Arbitrary<Action> = fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        kind: fc.constant("append" as const),
        lane: fc.constantFrom<Lane>("live", "history"),
        pad: fc.integer({ min: 1, max: 500 }),
        keep: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("ack" as const), share }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("kill" as const), places: fc.array(share, { maxLength: 4 }) }),
    },
  );

  /** What is on the disk, log and all, in another folder, so that the killed one does nothing more to it. */
  function afterKill(places: readonly number[]): OutboxFile {
    const next = mkdtempSync(join(tmpdir(), "outbox-"));
    for (const name of readdirSync(folder))
      if (!name.endsWith("-shm")) copyFileSync(join(folder, name), join(next, name));
    for (const each of open.splice(0)) closeQuietly(each);
    rmSync(folder, { recursive: true, force: true });
    folder = next;
    const bytes = readFileSync(join(folder, "outbox.db"));
    for (const place of places) {
      const at = Math.floor((place * bytes.length) / SECTOR_BYTES) * SECTOR_BYTES;
      for (let n = at; n < Math.min(at + SECTOR_BYTES, bytes.length); n++) bytes[n] = (n * 7_919 + 31) % 251;
    }
    writeFileSync(join(folder, "outbox.db"), bytes);
    return start();
  }

  it("costs what stood in them, and is told", () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 30, maxLength: 150 }), (actions) => {
        let outbox = afterNothing();
        let written: Record<Lane, number[]> = { live: [], history: [] };
        let acked: Record<Lane, number> = { live: 0, history: 0 };
        actions.forEach((step, n) => {
          if (step.kind === "append") {
            outbox.append([reading(n, step.pad)], { lane: step.lane, keep: step.keep });
            written[step.lane].push(n);
          } else if (step.kind === "ack") {
            acked = { ...acked, live: Math.max(acked.live, Math.floor(outbox.lastSeq.live * step.share)) };
            outbox.markInFlight(acked);
            outbox.ack(outbox.epoch, acked);
          } else {
            const { epoch } = outbox;
            outbox = afterKill(step.places);
            if (outbox.epoch !== epoch) {
              expect(outbox.former.length).toBeGreaterThan(0);
              [written, acked] = [
                { live: [], history: [] },
                { live: 0, history: 0 },
              ];
            }
            // As an agent does: nothing is sent before the collector has said how far it is.
            outbox.ack(outbox.epoch, acked);
          }
          for (const lane of ["live", "history"] as const) account(outbox, lane, written[lane], acked[lane]);
        });
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  function afterNothing(): OutboxFile {
    for (const each of open.splice(0)) closeQuietly(each);
    rmSync(folder, { recursive: true, force: true });
    folder = mkdtempSync(join(tmpdir(), "outbox-"));
    return start();
  }
});

/** Every seq after the last acked one is a batch with its reading, or lies in exactly one report of what was dropped. */
function account(outbox: OutboxFile, lane: Lane, written: readonly number[], acked: number): void {
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
const nthLive = (seq: number): number => seq + Math.floor((seq - 1) / 6);

/** Page 1 stays whole, so that the file still looks like a database. */
const zeroPages = (): void => damagePages((bytes) => bytes.fill(0, 4096, bytes.length));

/** Twenty pages of rows near the end. */
const turnPages = (): void =>
  damagePages((bytes) => bytes.fill("x", bytes.length - 40 * 1_024, bytes.length - 20 * 1_024));

function damagePages(damage: (bytes: Buffer) => void): void {
  const db = new DatabaseSync(join(folder, "outbox.db"));
  db.exec("UPDATE meta SET value = 0 WHERE key = 'clean'; PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  const path = join(folder, "outbox.db");
  const bytes = readFileSync(path);
  damage(bytes);
  writeFileSync(path, bytes);
}
