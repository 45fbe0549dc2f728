import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Lane, type Reading, rowsOf } from "@aislewatch/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OutboxFile } from "./outbox-file.ts";
import { openOutboxFile } from "./outbox-open.ts";
import {
  ALL,
  AT,
  account,
  clock,
  closeAll,
  folder,
  freshFolder,
  inOwnFolder,
  messages,
  reading,
  seqs,
  start,
} from "./sample-outbox.ts";

inOwnFolder();

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
        freshFolder();
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
        closeAll();
      }),
      { numRuns: 25 },
    );
  });
});
