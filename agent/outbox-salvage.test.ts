import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Lane } from "@aislewatch/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OutboxFile } from "./outbox-file.ts";
import { DAMAGED } from "./outbox-thinning.ts";
import {
  AT,
  account,
  countEpochs,
  damagePages,
  folder,
  freshFolder,
  inOwnFolder,
  messages,
  moveTo,
  nthLive,
  reading,
  SECTOR_BYTES,
  seqs,
  start,
  turnPages,
  zeroPages,
} from "./sample-outbox.ts";

inOwnFolder();

describe("a damaged outbox file", () => {
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
      countEpochs(1);
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
    moveTo(next);
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
  });

  function afterNothing(): OutboxFile {
    freshFolder();
    return start();
  }
});
