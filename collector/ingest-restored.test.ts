/** Ingest: after a restore the stores are older than what the agents have deleted. */
import { afterEach, describe, expect, it } from "vitest";
import { RESTORED_DOCUMENT } from "./restored.ts";
import { aBatch, startedSite } from "./sample-ingest.ts";
import { type SampleSite, statusOf, T0 } from "./sample-site.ts";

let site: SampleSite;

/** A collector whose stores end with batch 3, as a backup of then has them, and whose agent may go on. */
async function restoredSite(restoredAt = T0 + 60_000): Promise<void> {
  site = await startedSite();
  site.send("status", online({ first: 1, last: 3 }));
  for (const seq of [1, 2, 3]) site.send("telemetry", aBatch(seq));
  await site.pass(250);
  site.state.putDocument(RESTORED_DOCUMENT, JSON.stringify({ backupAt: T0, restoredAt }));
  await site.pass(120_000);
  await site.restart();
}

const online = (live: { first: number; last: number }, given = {}) =>
  statusOf({
    outbox: { batches: 0, bytes: 0, oldestAt: null, lanes: { live, history: { first: 1, last: 0 } } },
    ...given,
  });
const lane = () => site.ingest.audit({}).lanes.find((one) => one.lane === "live" && one.isCurrent);
const lost = () => site.log.filter(({ name }) => name === "lost by restore").length;

describe("after a restore", () => {
  afterEach(() => site.end());

  it("the ledger says which batches are gone and why, at once and without asking for them", async () => {
    await restoredSite();
    site.send("status", online({ first: 8, last: 9 }));
    for (const seq of [8, 9]) site.send("telemetry", aBatch(seq));
    await site.pass(250);
    const { missing, unexplained } = site.ingest.audit({});
    expect(missing).toMatchObject([
      {
        ...{ agent: "pc", lane: "live", fromSeq: 4, toSeq: 7, cause: "lost_by_restore" },
        explanation: { by: "restore", text: expect.stringContaining(new Date(T0).toISOString()) },
      },
    ]);
    expect(lane()).toMatchObject({ seq: 9, safeSeq: 9, batches: 5, lostBatches: 4, isBalanced: true });
    expect([unexplained, site.disconnects, site.ingest.counts.gaps, lost()]).toEqual([0, [], 0, 1]);
    expect(site.ingest.deliveries().get("s1/pc")).toMatchObject({ missing: 0 });
    expect(site.ingest.restored()).toMatchObject({ backupAt: T0, lostBatches: 4 });
  });

  it("says it once, also over later starts", async () => {
    await restoredSite();
    site.send("status", online({ first: 8, last: 7 }));
    await site.pass(250);
    await site.restart();
    site.send("status", online({ first: 8, last: 7 }));
    await site.pass(250);
    expect(site.ingest.restored()).toMatchObject({ lostBatches: 4 });
    expect([site.ingest.audit({}).missing.length, lane()?.isBalanced]).toEqual([1, true]);
  });

  it("nothing is lost of an agent that still holds all since the backup", async () => {
    await restoredSite();
    site.send("status", online({ first: 3, last: 5 }));
    for (const seq of [3, 4, 5]) site.send("telemetry", aBatch(seq));
    await site.pass(250);
    expect(site.ingest.audit({}).missing).toEqual([]);
    expect(lane()).toMatchObject({ seq: 5, batches: 5 });
  });

  it("of a new outbox all that was acked before is lost, when the backup knew its agent", async () => {
    await restoredSite();
    site.send("status", online({ first: 21, last: 21 }, { epoch: "another" }));
    site.send("telemetry", aBatch(21, { epoch: "another" }));
    await site.pass(250);
    expect(site.ingest.audit({}).missing).toMatchObject([{ epoch: "another", fromSeq: 1, toSeq: 20 }]);
    expect(lane()).toMatchObject({ epoch: "another", batches: 1, lostBatches: 20, isBalanced: true });
  });

  it("what the time-series store has, because a server keeps it, is stored and not lost", async () => {
    await restoredSite();
    for (const [name, mark] of site.series.marks) site.series.marks.set(name, { ...mark, seq: 6 });
    await site.restart();
    site.send("status", online({ first: 8, last: 7 }));
    await site.pass(250);
    expect(site.ingest.audit({}).missing).toMatchObject([{ fromSeq: 7, toSeq: 7 }]);
    expect(lane()).toMatchObject({ seq: 7, batches: 6, lostBatches: 1, isBalanced: true });
  });

  it("a hole that comes later is a hole as ever", async () => {
    await restoredSite();
    site.send("status", online({ first: 4, last: 4 }));
    site.send("telemetry", aBatch(4));
    await site.pass(250);
    site.send("status", online({ first: 9, last: 9 }));
    site.send("telemetry", aBatch(9));
    site.send("status", online({ first: 9, last: 9 }));
    site.send("telemetry", aBatch(9));
    await site.pass(250);
    expect(site.ingest.audit({}).missing).toMatchObject([{ fromSeq: 5, toSeq: 8, cause: "never_arrived" }]);
  });
});
