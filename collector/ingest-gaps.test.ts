/** Ingest: holes in the numbers, restarts, and data that was deleted. */
import { afterEach, describe, expect, it } from "vitest";
import { aBatch, startedSite } from "./sample-ingest.ts";
import { type SampleOptions, type SampleSite, statusOf, T0 } from "./sample-site.ts";

let site: SampleSite;
const start = async (options: SampleOptions = {}): Promise<SampleSite> => {
  site = await startedSite(options);
  return site;
};
const lastAck = () => site.acks.at(-1);

describe("ingest", () => {
  afterEach(() => site.end());

  describe("a hole in the numbers", () => {
    it("makes the agent send again, and is no gap when that fills it", async () => {
      await start();
      site.send("telemetry", aBatch(1));
      site.send("telemetry", aBatch(4));
      expect(site.disconnects).toEqual(["s1/pc"]);
      site.send("status", statusOf());
      for (const seq of [2, 3, 4]) site.send("telemetry", aBatch(seq));
      await site.pass(250);
      expect(site.series.seqs()).toEqual([1, 2, 3, 4]);
      expect(site.ingest.counts.gaps).toBe(0);
    });

    it("is written into the ledger when it is still there after a resend, and the lane goes on", async () => {
      await start();
      site.send("telemetry", aBatch(1));
      // In the socket already when the connection is cut: proves nothing.
      for (const seq of [4, 5, 6]) site.send("telemetry", aBatch(seq));
      await site.pass(250);
      expect(lastAck()?.live).toBe(1);
      site.send("status", statusOf());
      for (const seq of [4, 5, 6]) site.send("telemetry", aBatch(seq));
      await site.pass(250);
      expect(lastAck()?.live).toBe(6);
      expect(site.state.gaps()).toMatchObject([{ agent: "pc", lane: "live", fromSeq: 2, toSeq: 3 }]);
      expect(site.ingest.counts.gaps).toBe(1);
      expect(site.series.seqs()).toEqual([1, 4, 5, 6]);
    });

    it("is asked for again as long as the agent says that it has it", async () => {
      await start();
      const outbox = { batches: 3, bytes: 9, oldestAt: T0 };
      const lanes = { live: { first: 2, last: 4 }, history: { first: 1, last: 0 } };
      site.send("telemetry", aBatch(1));
      // What should fill the hole gets lost on its way, over and over.
      for (let tries = 0; tries < 5; tries++) {
        site.send("telemetry", aBatch(4));
        site.send("status", { ...statusOf(), outbox: { ...outbox, lanes } });
      }
      expect([site.disconnects.length, site.ingest.counts.gaps]).toEqual([5, 0]);
      for (const seq of [2, 3, 4]) site.send("telemetry", aBatch(seq));
      await site.pass(250);
      expect(site.series.seqs()).toEqual([1, 2, 3, 4]);
    });

    it("is a gap in the end when the agent says that it has it and never sends it", async () => {
      await start();
      const outbox = { batches: 3, bytes: 9, oldestAt: T0 };
      const lanes = { live: { first: 2, last: 4 }, history: { first: 1, last: 0 } };
      site.send("telemetry", aBatch(1));
      for (let tries = 0; tries < 20; tries++) {
        site.send("telemetry", aBatch(4));
        site.send("status", { ...statusOf(), outbox: { ...outbox, lanes } });
      }
      await site.pass(250);
      expect(site.series.seqs()).toEqual([1, 4]);
      expect(site.disconnects.length).toBeLessThan(10);
    });

    it("that a batch stands for, since a full outbox dropped it, is none", async () => {
      await start();
      site.send("telemetry", aBatch(1));
      const dropped = [{ fromSeq: 2, toSeq: 5, fromAt: T0, toAt: T0 + 5_000, samples: 9, reason: "outbox full" }];
      site.send("telemetry", { ...aBatch(5), dropped });
      await site.pass(250);
      expect(lastAck()?.live).toBe(5);
      expect([site.ingest.counts.gaps, site.disconnects]).toEqual([0, []]);
    });

    it("behind poison costs one resend, then the lane goes on", async () => {
      await start();
      const outbox = { batches: 3, bytes: 9, oldestAt: T0 };
      const lanes = { live: { first: 2, last: 4 }, history: { first: 1, last: 0 } };
      const sendAll = () => {
        site.send("telemetry", aBatch(1));
        site.send("telemetry", { ...aBatch(2), subjects: "?" });
        site.send("telemetry", aBatch(3));
        site.send("telemetry", aBatch(4));
      };
      sendAll();
      // It has the batch, and will send the same bytes each time.
      site.send("status", { ...statusOf(), outbox: { ...outbox, lanes } });
      site.disconnects.length = 0;
      sendAll();
      await site.pass(250);
      expect(site.disconnects).toEqual([]);
      expect(lastAck()?.live).toBe(4);
      expect(site.state.gaps()).toMatchObject([{ fromSeq: 2, toSeq: 2 }]);
      expect(site.state.poisonCount()).toBe(2);
    });
  });

  describe("after a restart", () => {
    it.each([
      { name: "the state store is behind", broken: "state" },
      { name: "the time-series store is behind", broken: "series" },
    ])("takes what is missing when $name, and nothing twice", async ({ broken }) => {
      await start();
      site.send("telemetry", aBatch(1));
      await site.pass(250);
      if (broken === "state") site.disk.isFull = true;
      else site.series.mode = "stalls";
      site.send("telemetry", aBatch(2, { out: true }));
      site.send("telemetry", aBatch(3, { out: true }));
      await site.pass(250);
      expect(lastAck()?.live).toBe(1);
      await site.restart();
      site.series.mode = "takes";
      site.send("status", statusOf());
      site.send("telemetry", aBatch(2, { out: true }));
      site.send("telemetry", aBatch(3, { out: true }));
      await site.pass(250);
      expect(lastAck()?.live).toBe(3);
      expect(site.series.seqs()).toEqual([1, 2, 3]);
      expect(site.state.incidents({}, { limit: 10, cursor: null }).total).toBe(1);
      expect(site.ingest.counts.gaps).toBe(0);
    });

    it("takes up a lane of which one store has nothing", async () => {
      await start();
      site.series.mode = "fails";
      site.send("telemetry", aBatch(1));
      await site.pass(250);
      await site.restart();
      site.series.mode = "takes";
      site.send("telemetry", aBatch(1));
      site.send("telemetry", aBatch(2));
      await site.pass(250);
      expect(site.series.seqs()).toEqual([1, 2]);
      expect(lastAck()?.live).toBe(2);
    });
  });

  describe("when the time-series data was deleted alone", () => {
    const gone = () => site.log.filter(({ name }) => name === "series gone").map(({ detail }) => detail);

    it.each([
      { name: "all of it was acked", held: [] },
      { name: "its agent holds the last of it", held: [3] },
      { name: "its agent holds all of it", held: [1, 2, 3] },
    ])("says so, goes on, and stores what is sent again: $name", async ({ held }) => {
      await start();
      for (const seq of [1, 2, 3]) site.send("telemetry", aBatch(seq, { out: true }));
      await site.pass(250);
      site.series.batches.clear();
      site.series.marks.clear();
      await site.restart();
      expect(gone()).toEqual([{ lanes: 1 }]);
      const live = { first: held[0] ?? 4, last: 3 };
      const outbox = {
        batches: held.length,
        bytes: 0,
        oldestAt: null,
        lanes: { live, history: { first: 1, last: 0 } },
      };
      site.send("status", statusOf({ outbox }));
      await site.pass(250);
      expect(site.ingest.audit({})).toMatchObject({ unexplained: 0, lanes: [{ queued: held.length, batches: 3 }] });
      for (const seq of [...held, 4]) site.send("telemetry", aBatch(seq, { out: true }));
      await site.pass(250);
      expect(site.series.seqs().slice(-held.length - 1)).toEqual([...held, 4]);
      expect(lastAck()?.live).toBe(4);
      expect([site.ingest.counts.gaps, site.disconnects]).toEqual([0, []]);
      expect(site.ingest.audit({})).toMatchObject({ unexplained: 0, lanes: [{ queued: 0, safeSeq: 4, batches: 4 }] });
      expect(site.state.incidents({}, { limit: 10, cursor: null }).total).toBe(1);
      // Said once: the store has something again.
      await site.restart();
      expect(gone()).toHaveLength(1);
    });

    it("keeps as stored what earlier outboxes and idle lanes delivered, over later starts and a new outbox too", async () => {
      await start();
      const status = (epoch: string, live: number, history: number) => {
        const lanes = { live: { first: live + 1, last: live }, history: { first: history + 1, last: history } };
        site.send("status", statusOf({ epoch, outbox: { batches: 0, bytes: 0, oldestAt: null, lanes } }));
      };
      for (const seq of [1, 2, 3]) site.send("telemetry", aBatch(seq, { epoch: "first" }));
      status("first", 3, 0);
      for (const seq of [1, 2]) site.send("telemetry", aBatch(seq, { epoch: "second", lane: "history" }));
      status("second", 0, 2);
      await site.pass(250);
      site.series.batches.clear();
      site.series.marks.clear();
      await site.restart();
      status("second", 0, 2);
      site.send("telemetry", aBatch(1, { epoch: "second" }));
      await site.pass(250);
      const whole = { unexplained: 0, missing: [] };
      expect(site.ingest.audit({})).toMatchObject(whole);
      expect(site.ingest.audit({}).lanes.map(({ queued }) => queued)).toEqual([0, 0, 0]);
      await site.restart();
      expect(site.ingest.audit({})).toMatchObject(whole);
      status("third", 0, 0);
      await site.restart();
      expect(site.ingest.audit({})).toMatchObject(whole);
      expect(site.ingest.audit({}).lanes.map(({ queued }) => queued)).toEqual([0, 0, 0]);
    });

    it("is nothing to say of a first start", async () => {
      await start();
      await site.restart();
      expect(gone()).toEqual([]);
    });

    it("has as missing what an older copy of it lacks, and goes on", async () => {
      await start();
      for (const seq of [1, 2, 3]) site.send("telemetry", aBatch(seq));
      await site.pass(250);
      const [mark] = [...site.series.marks.values()];
      for (const [name, batches] of site.series.batches) site.series.batches.set(name, batches.slice(0, 1));
      for (const [name] of site.series.marks) if (mark !== undefined) site.series.marks.set(name, { ...mark, seq: 1 });
      await site.restart();
      const lanes = { live: { first: 4, last: 4 }, history: { first: 1, last: 0 } };
      const online = () => site.send("status", statusOf({ outbox: { batches: 1, bytes: 0, oldestAt: null, lanes } }));
      // It is asked once whether it still has them.
      for (let tries = 0; tries < 2; tries++) {
        online();
        site.send("telemetry", aBatch(4));
        await site.pass(250);
      }
      expect(site.series.seqs()).toEqual([1, 4]);
      expect(lastAck()?.live).toBe(4);
      expect(site.ingest.audit({})).toMatchObject({
        unexplained: 2,
        missing: [{ fromSeq: 2, toSeq: 3 }],
        lanes: [{ batches: 4, missing: 2, queued: 0, isBalanced: true }],
      });
    });
  });
});
