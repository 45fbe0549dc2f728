/** Ingest: what becomes of batches while a store is slow or down, and whose turn it is to send. */
import { afterEach, describe, expect, it } from "vitest";
import { aBatch, startedSite } from "./sample-ingest.ts";
import { EPOCH, printer, type SampleOptions, type SampleSite, sampleSite, statusOf, T0 } from "./sample-site.ts";

let site: SampleSite;
const start = async (options: SampleOptions = {}): Promise<SampleSite> => {
  site = await startedSite(options);
  return site;
};
const lastAck = () => site.acks.at(-1);
const logged = (name: string) => site.log.filter((line) => line.name === name).map(({ detail }) => detail);
const stateMark = (lane = "live") => site.state.watermarks().find((mark) => mark.agent === "pc" && mark.lane === lane);

describe("ingest", () => {
  afterEach(() => site.end());

  describe("while the state store can't be written", () => {
    it("acks nothing, tries again, and commits what was judged once", async () => {
      await start();
      site.disk.isFull = true;
      site.send("telemetry", aBatch(1, { out: true }));
      await site.pass(2_500);
      expect(site.ingest.lag()).toMatchObject({ commitMs: 2_500, failing: { state: true, timeseries: false } });
      expect(site.ingest.counts.commitFailures).toBeGreaterThanOrEqual(2);
      expect(lastAck()).toEqual({ epoch: EPOCH, live: 0, history: 0 });
      expect(site.ingest.healthy()).toEqual({ ok: false, reasons: ["state store: database or disk is full"] });
      expect(logged("failed")).toEqual([{ store: "state", detail: "database or disk is full" }]);
      expect(site.told.filter(({ type }) => type === "incident")).toEqual([]);

      site.send("telemetry", aBatch(2, { out: false }));
      await site.pass(250);
      site.disk.isFull = false;
      await site.pass(1_000);
      expect(lastAck()).toEqual({ epoch: EPOCH, live: 2, history: 0 });
      expect(site.ingest.healthy().ok).toBe(true);
      expect(logged("recovered")).toEqual([{ store: "state" }]);
      expect(site.opened.map(({ id }) => id)).toEqual(["INC-000001"]);
      expect(site.state.incidentEvents("INC-000001").map(({ seq, type }) => [seq, type])).toEqual([
        [1, "opened"],
        [2, "recovered"],
      ]);
    });

    it("keeps an inventory until it can be written, and judges its devices then", async () => {
      site = await sampleSite();
      site.send("status", statusOf());
      await site.pass(250);
      site.disk.isFull = true;
      site.inventory([printer("printer")]);
      expect(site.judge.live.devices("s1")).toEqual([]);
      expect(site.ingest.healthy().ok).toBe(false);
      site.disk.isFull = false;
      await site.pass(1_250);
      expect(site.judge.live.devices("s1").map(({ device }) => device.id)).toEqual(["printer"]);
      expect(site.state.inventory()).toMatchObject([{ agent: "pc", devices: [{ id: "printer" }] }]);
      expect(site.ingest.healthy().ok).toBe(true);
    });

    it("counts poison all the same", async () => {
      await start();
      site.disk.isFull = true;
      site.send("telemetry", "{");
      expect(site.ingest.counts.poison).toBe(1);
    });
  });

  describe("while the time-series store is stalled", () => {
    it("opens incidents, and acks only once both have the batch", async () => {
      await start();
      site.series.mode = "stalls";
      site.send("telemetry", aBatch(1, { out: true }));
      await site.pass(250);
      expect(site.opened.map(({ rule }) => rule)).toEqual(["media-out"]);
      expect(stateMark()?.seq).toBe(1);
      expect(lastAck()).toEqual({ epoch: EPOCH, live: 0, history: 0 });
      site.series.release();
      await site.pass(250);
      expect(lastAck()).toEqual({ epoch: EPOCH, live: 1, history: 0 });
    });

    it("sheds past its bound, judges all the same, and asks for it again once there is room", async () => {
      await start({ queueBytesMax: 1_000 });
      site.series.mode = "stalls";
      for (let seq = 1; seq <= 20; seq++) site.send("telemetry", aBatch(seq, { out: seq >= 15 }));
      await site.pass(250);
      expect(site.ingest.counts.shed).toBeGreaterThan(10);
      expect(site.ingest.queueBytes()).toBeLessThanOrEqual(1_000);
      expect(site.opened.map(({ rule }) => rule)).toEqual(["media-out"]);
      expect(site.disconnects).toEqual([]);

      site.series.release();
      await site.pass(1_000);
      expect(site.disconnects).toEqual(["s1/pc"]);
      const acked = lastAck()?.live ?? 0;
      expect(acked).toBeGreaterThan(0);
      expect(acked).toBeLessThan(20);
      // The agent comes back, and sends what was not acked, a little at a time.
      site.send("status", statusOf());
      for (let seq = acked + 1; seq <= 20; seq++) {
        site.send("telemetry", aBatch(seq, { out: seq >= 15 }));
        await site.pass(250);
      }
      expect(site.series.seqs()).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
      expect(lastAck()?.live).toBe(20);
      expect(site.ingest.counts.gaps).toBe(0);
      expect(site.opened.length).toBe(1);
    });

    it("says what it has heard, so that agents go on telling the present", async () => {
      await start();
      site.series.mode = "stalls";
      for (let seq = 1; seq <= 32; seq++) site.send("telemetry", aBatch(seq));
      await site.pass(250);
      expect(lastAck()).toEqual({ epoch: EPOCH, live: 0, history: 0 });
      await site.pass(500);
      expect(lastAck()).toEqual({ epoch: EPOCH, live: 0, history: 0, heard: 32 });
      site.send("telemetry", aBatch(33, { out: true }));
      await site.pass(250);
      expect([lastAck()?.heard, site.opened.length]).toEqual([33, 1]);
      site.series.release();
      await site.pass(250);
      expect(lastAck()).toEqual({ epoch: EPOCH, live: 33, history: 0 });
    });

    it("says so at once when the store fails", async () => {
      await start();
      site.series.mode = "fails";
      site.send("telemetry", aBatch(1));
      await site.pass(250);
      expect(lastAck()).toEqual({ epoch: EPOCH, live: 0, history: 0, heard: 1 });
      expect(site.ingest.lag()).toMatchObject({ failing: { state: false, timeseries: true } });
    });

    it("asks those whose batches were shed in turn, not all at once, and not while there is no room", async () => {
      await start({ queueBytesMax: 700 });
      site.series.mode = "stalls";
      const names = Array.from({ length: 25 }, (_, n) => `till-${n}`);
      for (const seq of [1, 2]) site.send("telemetry", aBatch(seq));
      for (const name of names) for (const seq of [1, 2]) site.send("telemetry", aBatch(seq), name);
      await site.pass(5_000);
      expect(site.disconnects).toEqual([]);
      expect(site.ingest.lag()).toMatchObject({ queueMs: 5_000, shedAgents: 25 });
      site.series.release();
      await site.pass(2_000);
      expect(site.disconnects).toEqual(names.slice(0, 8).map((name) => `s1/${name}`));
      // Three are through; the others do not come back, and nobody waits for them for ever.
      for (const name of names.slice(0, 3)) {
        for (const seq of [1, 2]) site.send("telemetry", aBatch(seq), name);
        await site.pass(250);
      }
      await site.pass(250);
      expect(site.disconnects.length).toBe(11);
      await site.pass(10_000);
      expect(site.disconnects.length).toBe(19);
      await site.pass(20_000);
      expect(site.disconnects).toEqual(names.map((name) => `s1/${name}`));
      expect(site.ingest.lag()).toMatchObject({ queueMs: 0, shedAgents: 0 });
    });

    it("says what it has heard to one that is held back while it sends again what was shed", async () => {
      await start({ queueBytesMax: 700 });
      site.series.mode = "stalls";
      for (const seq of [1, 2]) site.send("telemetry", aBatch(seq), "other");
      for (const seq of [1, 2, 3]) site.send("telemetry", aBatch(seq));
      await site.pass(250);
      site.series.release();
      await site.pass(1_000);
      expect(site.disconnects).toContain("s1/pc");
      site.series.mode = "stalls";
      site.send("status", statusOf());
      site.send("telemetry", aBatch(2));
      await site.pass(2_000);
      expect(lastAck()?.heard).toBeUndefined();
      await site.pass(4_000);
      expect(lastAck()).toMatchObject({ live: 1, heard: 3 });
    });

    it("does not let the second batch of a lane overtake a first that was shed", async () => {
      await start({ queueBytesMax: 700 });
      site.series.mode = "stalls";
      site.send("telemetry", aBatch(1), "other");
      site.send("telemetry", aBatch(2), "other");
      site.send("telemetry", aBatch(3), "other");
      site.send("telemetry", aBatch(1));
      site.series.release();
      await site.pass(250);
      site.send("telemetry", aBatch(2));
      await site.pass(1_000);
      expect(site.disconnects).toContain("s1/pc");
      expect(site.series.seqs()).toEqual([]);
      site.send("status", statusOf());
      site.send("telemetry", aBatch(1));
      site.send("telemetry", aBatch(2));
      await site.pass(250);
      expect(site.series.seqs()).toEqual([1, 2]);
    });

    it("gives a failed append again, in order", async () => {
      await start();
      site.series.mode = "fails";
      site.send("telemetry", aBatch(1));
      site.send("telemetry", aBatch(2));
      await site.pass(3_000);
      expect(site.ingest.counts.appendFailures).toBeGreaterThanOrEqual(2);
      expect(site.ingest.healthy().reasons).toEqual(["time-series store: no space left on the disk"]);
      site.series.mode = "takes";
      await site.pass(1_250);
      expect(site.series.seqs()).toEqual([1, 2]);
      expect(lastAck()?.live).toBe(2);
      expect(logged("failed").length).toBe(1);
    });
  });

  describe("the turn to send history", () => {
    const owing = (last: number) =>
      statusOf({
        outbox: {
          ...{ batches: last, bytes: 9, oldestAt: T0 },
          lanes: { live: { first: 1, last: 0 }, history: { first: 1, last } },
        },
      });

    it.each([
      {
        name: "all of it is stored",
        end: () => {
          for (const seq of [1, 2]) site.send("telemetry", aBatch(seq, { lane: "history" }));
        },
      },
      { name: "the agent goes offline", end: () => site.send("status", statusOf({ state: "offline" })) },
      { name: "it says that it owes nothing", end: () => site.send("status", owing(0)) },
      { name: "the agent is taken out", end: () => site.ingest.forget("s1", "pc") },
    ])("goes to the next one when $name", async ({ end }) => {
      await start();
      site.send("status", owing(2));
      await site.pass(500);
      expect(site.ingest.history()).toMatchObject({ draining: 1 });
      end();
      await site.pass(500);
      expect(site.ingest.history()).toMatchObject({ draining: 0, waiting: 0 });
    });
  });
});
