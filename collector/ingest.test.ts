import type { ManualClock } from "@aislewatch/base";
import { splitInventory } from "@aislewatch/contract";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { Judge } from "./judge.ts";
import {
  type BatchOptions,
  batchOf,
  EPOCH,
  printer,
  reading,
  type SampleOptions,
  type SampleSite,
  sampleSite,
  statusOf,
  T0,
} from "./sample-site.ts";
import type { StateStore } from "./store/state/store.ts";

/** One reading of one printer, taken `seq` seconds after the start; with an event, when it has a code. */
const aBatch = (seq: number, options: BatchOptions & { out?: boolean; code?: string } = {}) => {
  const { out = false, code, ...rest } = options;
  const taken = reading("printer", T0 + seq * 1_000, { up: true, media_out: out });
  const events = code === undefined ? [] : [{ component: null, code, detail: `number ${seq}` }];
  return batchOf(seq, [{ ...taken, events }], rest);
};

let site: SampleSite;
const start = async (options: SampleOptions = {}): Promise<SampleSite> => {
  site = await sampleSite(options);
  site.send("status", statusOf());
  site.inventory([printer("printer")]);
  await site.pass(250);
  return site;
};
const lastAck = () => site.acks.at(-1);
const logged = (name: string) => site.log.filter((line) => line.name === name).map(({ detail }) => detail);
const stateMark = (lane = "live") => site.state.watermarks().find((mark) => mark.agent === "pc" && mark.lane === lane);

describe("ingest", () => {
  afterEach(() => site.end());

  it("acks what both stores have, each lane for itself", async () => {
    await start();
    site.send("telemetry", aBatch(1));
    site.send("telemetry", aBatch(2));
    site.send("telemetry", aBatch(1, { lane: "history" }));
    await site.pass(250);
    expect(lastAck()).toEqual({ epoch: EPOCH, live: 2, history: 1 });
    expect([site.series.seqs(), site.series.seqs("history")]).toEqual([[1, 2], [1]]);
    expect(stateMark()?.seq).toBe(2);
  });

  it("drops a repeat and acks it again", async () => {
    await start();
    site.send("telemetry", aBatch(1));
    site.send("telemetry", aBatch(2));
    await site.pass(250);
    const acked = site.acks.length;
    site.send("telemetry", aBatch(1));
    await site.pass(250);
    expect(site.acks.slice(acked)).toEqual([{ epoch: EPOCH, live: 2, history: 0 }]);
    expect(site.ingest.counts).toMatchObject({ batches: 2, duplicates: 1 });
    expect(site.series.seqs()).toEqual([1, 2]);
  });

  it("does not move the present by what comes in the history lane", async () => {
    await start();
    site.send("telemetry", aBatch(1, { lane: "history", out: true }));
    await site.pass(250);
    expect(site.opened).toEqual([]);
    expect(site.series.seqs("history")).toEqual([1]);
  });

  it("says again where an agent stands when it comes online", async () => {
    await start();
    site.send("telemetry", aBatch(1));
    await site.pass(250);
    site.send("status", statusOf({ state: "offline" }));
    const acked = site.acks.length;
    site.send("status", statusOf());
    await site.pass(250);
    expect(site.acks.slice(acked)).toEqual([{ epoch: EPOCH, live: 1, history: 0 }]);
  });

  it("starts a new epoch from nothing, and knows the old one when it comes back", async () => {
    await start();
    site.send("telemetry", aBatch(1));
    site.send("telemetry", aBatch(2));
    await site.pass(250);
    site.send("telemetry", aBatch(1, { epoch: "e2" }));
    await site.pass(250);
    expect(lastAck()).toEqual({ epoch: "e2", live: 1, history: 0 });
    site.send("telemetry", aBatch(2));
    await site.pass(250);
    expect(lastAck()).toEqual({ epoch: EPOCH, live: 2, history: 0 });
    expect(site.series.seqs()).toEqual([1, 2]);
    expect(site.ingest.counts.duplicates).toBe(1);
  });

  it("sets an agent's batches aside that invents epochs", async () => {
    await start();
    for (let n = 0; n < 300; n++) site.send("telemetry", aBatch(1, { epoch: `x${n}` }));
    await site.pass(250);
    expect(site.ingest.counts.batches).toBe(255);
    expect(site.ingest.counts.poison).toBe(45);
    site.send("telemetry", aBatch(1));
    await site.pass(250);
    expect(lastAck()).toEqual({ epoch: EPOCH, live: 1, history: 0 });
  });

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

  describe("inventory", () => {
    const parts = (count: number, revision: number) =>
      splitInventory(
        Array.from({ length: count }, (_, n) => printer(`printer-${n}`)),
        revision,
      );
    const known = () => site.judge.live.devices("s1").length;

    it("is taken when all its parts are there, in any order", async () => {
      await start();
      const [first, second] = parts(100, 2);
      site.send("inventory/1", second);
      expect(known()).toBe(1);
      site.send("inventory/0", first);
      expect(known()).toBe(100);
    });

    it("that changes half-way is not mixed with what it was", async () => {
      await start();
      const [old] = parts(100, 2);
      const [first, second] = parts(90, 3);
      site.send("inventory/0", old);
      site.send("inventory/1", second);
      expect(known()).toBe(1);
      site.send("inventory/0", first);
      expect(known()).toBe(90);
    });

    it.each([
      { name: "a part beyond its parts", change: { part: 2, parts: 2 } },
      { name: "a part on another part's topic", change: { part: 1, parts: 2 } },
      { name: "a version that nobody knows", change: { v: 2 } },
    ])("with $name is set aside", async ({ change }) => {
      await start();
      site.send("inventory/0", { ...splitInventory([printer("x")], 5)[0], ...change });
      expect(site.ingest.counts.poison).toBe(1);
      expect(known()).toBe(1);
    });

    it("of more components than any site has is set aside", async () => {
      await start();
      const components = Array.from({ length: 4_000 }, (_, n) => `tray-${n}`);
      const devices = Array.from({ length: 13 }, (_, n) => printer(`p${n}`, { components }));
      site.send("inventory/0", splitInventory(devices, 9)[0]);
      expect(site.ingest.counts.poison).toBe(1);
      expect(known()).toBe(1);
    });

    it("forgets nothing of a device that its agent, new-started, has not heard yet", async () => {
      await start();
      const told = { asset: { serial: "99J1" }, profile: "zebra", components: ["supply-ribbon"], metrics: ["up"] };
      const known = () => site.judge.live.device("s1", "printer")?.device;
      site.inventory([printer("printer", told)]);
      site.inventory([printer("printer", { unheard: true, name: "At the dock" })]);
      expect(known()).toMatchObject({ ...told, name: "At the dock" });
      expect(site.state.inventory()[0]?.devices[0]).toMatchObject(told);
      // Another thing stands there now, as its configuration says.
      site.inventory([printer("printer", { unheard: true, driver: "snmp" })]);
      expect(known()).toMatchObject({ asset: {}, components: [] });
    });

    it("can't claim another agent's device, nor one that stands for an agent", async () => {
      await start();
      site.inventory([printer("printer"), printer("agent/pc"), printer("mine")], "thief");
      await site.pass(250);
      expect(logged("claim")).toEqual([{ site: "s1", agent: "thief", devices: ["printer", "agent/pc"] }]);
      expect(site.judge.live.devices("s1").map(({ device, agent }) => [device.id, agent])).toEqual([
        ["mine", "thief"],
        ["printer", "pc"],
      ]);
      // Nor speak for it.
      site.send("telemetry", aBatch(1, { out: true }), "thief");
      expect(site.opened).toEqual([]);
    });
  });

  it("takes an agent out with its devices and faults, and hears nothing of it until it signs in anew", async () => {
    await start();
    site.send("telemetry", aBatch(1, { out: true }));
    await site.pass(250);
    expect(site.judge.live.openIncidents()).toHaveLength(1);
    site.state.removeAgent("s1", "pc");
    site.ingest.forget("s1", "pc");
    site.judge.removeAgent("s1", "pc");
    site.ingest.commitNow();
    // What was on its way still, its will among it.
    site.send("telemetry", aBatch(2, { out: true }));
    site.send("status", statusOf({ state: "offline" }));
    await site.pass(250);
    expect([site.judge.roster(), site.judge.live.devices("s1"), site.state.agents(), site.state.inventory()]).toEqual([
      [],
      [],
      [],
      [],
    ]);
    expect(site.state.incidents({}, { limit: 9, cursor: null }).items).toMatchObject([
      { state: "resolved", resolutionCode: "device_removed" },
    ]);
    expect(site.ingest.audit({}).lanes).toMatchObject([{ seq: 1, batches: 1 }]);
    site.send("status", statusOf());
    site.send("telemetry", aBatch(2));
    await site.pass(250);
    expect(site.judge.roster()).toHaveLength(1);
    expect(site.series.seqs()).toEqual([1, 2]);
  });

  it("names the devices of an agent that another watches, until it lets go of them", async () => {
    await start();
    site.send("status", statusOf(), "till");
    site.inventory([printer("printer"), printer("other")], "till");
    expect(site.ingest.refusedClaims("s1", "till")).toEqual(["printer"]);
    site.inventory([printer("other")], "till");
    expect(site.ingest.refusedClaims("s1", "till")).toEqual([]);
  });

  describe("events of devices", () => {
    const kept = () => site.state.deviceEvents("s1", null, 100);
    const numbers = () => kept().map(({ detail }) => Number(detail.split(" ")[1]));

    it("are kept from both lanes, once, with their time, whatever is sent again", async () => {
      await start();
      await site.pass(10_000);
      const batches = [
        aBatch(1, { code: "on_battery" }),
        aBatch(2, { code: "on_battery_cleared" }),
        aBatch(1, { code: "rebooted", lane: "history", sentAt: T0 + 1 }),
      ];
      for (const batch of [...batches, ...batches]) site.send("telemetry", batch);
      await site.pass(250);
      await site.restart();
      site.send("status", statusOf());
      for (const batch of batches) site.send("telemetry", batch);
      await site.pass(250);
      expect(kept().map(({ code, at }) => [code, at - T0])).toEqual([
        ["on_battery_cleared", 2_000],
        ["rebooted", 1_000],
        ["on_battery", 1_000],
      ]);
      expect(kept()[0]).toMatchObject({ site: "s1", device: "printer", component: null, detail: "number 2" });
    });

    it("wait for a full disk with their batch", async () => {
      await start();
      site.disk.isFull = true;
      for (const seq of [1, 2]) site.send("telemetry", aBatch(seq, { code: "trap" }));
      await site.pass(2_500);
      expect([kept(), lastAck()?.live]).toEqual([[], 0]);
      site.disk.isFull = false;
      await site.pass(1_250);
      expect([numbers(), lastAck()?.live]).toEqual([[2, 1], 2]);
      expect(site.ingest.counts).toMatchObject({ events: 2, eventsDropped: 0 });
    });

    it("wait 20,000 at most; what is beyond is counted", async () => {
      await start();
      site.disk.isFull = true;
      const event = { subject: "printer", at: T0, code: "trap", detail: "" };
      const events = Array.from({ length: 1_000 }, () => event);
      for (let seq = 1; seq <= 21; seq++) site.send("telemetry", { ...aBatch(seq), events });
      expect(site.ingest.counts).toMatchObject({ events: 20_000, eventsDropped: 1_000 });
      site.disk.isFull = false;
      await site.pass(1_250);
      expect([kept().length, lastAck()?.live]).toEqual([100, 21]);
    });

    it("are never of the future, and follow an agent's clock that is off", async () => {
      await start();
      const now = site.clock.now();
      const eventAt = (at: number) => ({ subject: "printer", at, code: "trap", detail: "" });
      site.send("telemetry", { ...aBatch(1), events: [eventAt(T0 + 86_400_000)] });
      site.send("status", statusOf({ sentAt: now - 3_600_000 }));
      const behind = batchOf(2, [reading("printer", now - 3_600_000, { up: true })]);
      site.send("telemetry", { ...behind, events: [eventAt(now - 3_601_000)] });
      await site.pass(250);
      expect(kept().map(({ at }) => at - now)).toEqual([0, -1_000]);
    });

    it("of a device that another agent watches are counted and not kept", async () => {
      await start();
      site.send("telemetry", aBatch(1, { code: "on_battery" }), "thief");
      await site.pass(250);
      expect(kept()).toEqual([]);
      expect(site.ingest.counts).toMatchObject({ events: 0, eventsDropped: 1 });
    });
  });

  describe("values", () => {
    it("of unknown metrics or of a wrong type are counted, and neither judged nor stored", async () => {
      await start();
      const at = T0 + 1_000;
      const strange = { up: 1, media_out: 1, made_up: 7, head_temperature_celsius: true, labels_remaining: 4 };
      site.send("telemetry", batchOf(1, [reading("printer", at, strange)]));
      await site.pass(250);
      expect(site.ingest.counts.ignored).toBe(4);
      expect(site.opened).toEqual([]);
      expect(site.judge.live.values("s1", "printer").map(({ metric, value }) => [metric, value])).toEqual([
        ["labels_remaining", 4],
      ]);
      expect([...site.series.batches.values()][0]?.[0]?.message.tables[0]?.values).toEqual([
        [null],
        [null],
        [null],
        [null],
        [4],
      ]);
      expect(lastAck()?.live).toBe(1);
    });

    it("never make the engine throw, whatever their type", async () => {
      await start({
        rules: `group: t\nselect: kind == "label_printer"\nrules:\n  - { id: hot, title: hot, when: "head_temperature_celsius > 50 && avg(head_temperature_celsius, '5m') > 40 || media_out", for: 0s, severity: major, category: hardware }\n`,
      });
      const value = fc.oneof(fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer());
      const names = fc.constantFrom(
        "up",
        "media_out",
        "head_temperature_celsius",
        "made_up",
        "outbox_bytes",
        "port_up",
      );
      let seq = 0;
      fc.assert(
        fc.property(fc.array(fc.dictionary(names, value), { maxLength: 4 }), (sets) => {
          seq++;
          site.send(
            "telemetry",
            batchOf(
              seq,
              sets.map((set, n) => reading("printer", T0 + seq * 1_000 + n, set)),
            ),
          );
        }),
        { numRuns: 300 },
      );
      await site.pass(250);
      expect(site.ingest.counts.poison).toBe(0);
      expect(lastAck()?.live).toBe(seq);
    });
  });

  describe("time", () => {
    it("of an agent whose clock is off is shifted, for rules and for the store", async () => {
      await start();
      site.send("status", statusOf({ sentAt: T0 - 3_600_000 }));
      const at = T0 - 3_600_000 + 500;
      site.send("telemetry", batchOf(1, [reading("printer", at, { up: true, media_out: true })], { sentAt: at }));
      await site.pass(250);
      expect(logged("clock")).toMatchObject([{ agent: "pc", offSeconds: -3_600 }]);
      const [stored] = site.series.batches.get(`s1/pc/${EPOCH}/live`) ?? [];
      expect((stored?.message.base ?? 0) + (stored?.skewMs ?? 0)).toBeGreaterThanOrEqual(T0);
      expect(site.opened[0]?.onset).toBeGreaterThanOrEqual(T0);
      expect(site.judge.roster()[0]?.record.judgedUntil).toBeGreaterThanOrEqual(T0);
    });

    it("of a clock that is off by less than a minute is left as it is", async () => {
      await start();
      site.send("status", statusOf({ sentAt: T0 - 50_000 }));
      site.send("telemetry", aBatch(1));
      await site.pass(250);
      expect(site.series.batches.get(`s1/pc/${EPOCH}/live`)?.map(({ skewMs }) => skewMs)).toEqual([0]);
      expect(logged("clock")).toEqual([]);
      expect(site.ingest.clockOffsetMs("s1", "pc")).toBe(-50_250);
    });

    it("never runs ahead: a reading from the future does not make later ones look late", async () => {
      await start();
      site.send("telemetry", batchOf(1, [reading("printer", T0 + 30 * 86_400_000, { up: true, media_out: false })]));
      await site.pass(1_000);
      site.send("telemetry", batchOf(2, [reading("printer", site.clock.now(), { up: true, media_out: true })]));
      expect(site.opened.map(({ rule }) => rule)).toEqual(["media-out"]);
      expect(logged("clock").length).toBe(1);
    });
  });

  it("keeps a message that brings out a bug, stores it, and goes on", async () => {
    await start({ makeJudge: (state, clock) => countingJudge(state, clock, [], 2).judge });
    for (const seq of [1, 2, 3]) site.send("telemetry", aBatch(seq));
    await site.pass(250);
    expect(lastAck()?.live).toBe(3);
    expect(site.series.seqs()).toEqual([1, 2, 3]);
    expect(logged("poison")).toMatchObject([{ agent: "pc", reason: expect.stringContaining("a bug") }]);
  });

  it("asks nobody to send again what of the collector's own found no room", async () => {
    await start({ queueBytesMax: 1_100 });
    site.series.mode = "stalls";
    for (const seq of [1, 2, 3]) {
      const message = batchOf(seq, [reading("agent/pc", T0 + seq, { up: true })], { epoch: "watch" });
      site.ingest.accept({ site: "s1", agent: "collector", epoch: "watch", lane: "live", seq, message, skewMs: 0 });
    }
    await site.pass(1_000);
    expect([site.ingest.counts.shed, site.ingest.lag().shedAgents]).toEqual([2, 0]);
    site.series.release();
    await site.pass(2_000);
    expect(site.disconnects).toEqual([]);
  });

  it("takes the collector's own batches on from where the stores stand, without a gap", async () => {
    await start();
    const lane = { site: "s1", agent: "collector", epoch: "watch", lane: "live" } as const;
    const own = (seq: number) => {
      const message = batchOf(seq, [reading("agent/pc", T0 + seq, { up: true })], { epoch: "watch" });
      site.ingest.accept({ ...lane, seq, message, skewMs: 0 });
    };
    own(1);
    own(2);
    await site.pass(250);
    site.series.mode = "fails";
    own(3);
    await site.pass(250);
    await site.restart();
    expect(site.ingest.lastSeq(lane)).toBe(3);
    site.series.mode = "takes";
    own(4);
    await site.pass(250);
    expect(site.ingest.counts.gaps).toBe(0);
    expect((site.series.batches.get("s1/collector/watch/live") ?? []).map(({ seq }) => seq)).toEqual([1, 2, 4]);
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
      expect(site.series.seqs()).toEqual([...held, 4]);
      expect(lastAck()?.live).toBe(4);
      expect([site.ingest.counts.gaps, site.disconnects]).toEqual([0, []]);
      expect(site.ingest.audit({})).toMatchObject({ unexplained: 0, lanes: [{ queued: 0, safeSeq: 4, batches: 4 }] });
      expect(site.state.incidents({}, { limit: 10, cursor: null }).total).toBe(1);
      // Said once: the store has something again.
      await site.restart();
      expect(gone()).toHaveLength(1);
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

  it("flushes what was accepted, and says when it can't", async () => {
    await start();
    site.send("telemetry", aBatch(1));
    const flushed = site.ingest.flush(5_000);
    await site.pass(1_000);
    expect(await flushed).toBe(true);
    site.disk.isFull = true;
    site.send("telemetry", aBatch(2));
    const failed = site.ingest.flush(1_000);
    await site.pass(2_500);
    expect(await failed).toBe(false);
  });
});

/** Remembers which batches a commit carried, as the real one's faults and incidents are carried. */
function countingJudge(_state: StateStore, _clock: ManualClock, committed: number[], bugAt = 0) {
  let pending: number[] = [];
  const judge: Judge = {
    restore() {},
    observe({ seq }) {
      if (seq === bugAt) throw new Error("index out of range");
      pending.push(seq);
      return seq % 2 === 0;
    },
    refilled() {},
    liveUntil: () => ({ judgedUntil: 0, epoch: null }),
    observeLate: ({ seq }) => void pending.push(seq),
    resume() {},
    late: {
      counts: { judged: 0, unjudged: 0, spells: 0 },
      figures: () => ({ agents: 0, engines: 0 }),
    },
    setStatus() {},
    setInventory() {},
    removeAgent() {},
    setConfig() {},
    setMaintenance() {},
    setRefused() {},
    tick() {},
    act: () => ({ ok: false, error: { code: "not_found", message: "" } }),
    note() {},
    takePending() {
      const taken = pending;
      pending = [];
      return {
        change: {},
        empty: taken.length === 0,
        putBack() {
          pending = [...taken, ...pending];
        },
        announce: () => committed.push(...taken),
      };
    },
    subscribe: () => () => {},
    live: {
      sites: () => [],
      site: () => null,
      agents: () => [],
      devices: () => [],
      device: () => null,
      values: () => [],
      faults: () => [],
      openIncidents: () => [],
      duties: { standing: () => ({ clocks: [], chain: null }), nextDue: () => null },
      rules: () => ({ version: "", refused: [], rules: [] }),
      firing: () => 0,
      explain: () => ({ refused: "unknown_rule", message: "" }),
      samplesPerSecond: () => 0,
    },
    roster: () => [],
    slowestPolls: () => [],
    deviceCounts: () => new Map(),
    runbook: () => null,
  };
  return { judge };
}

describe("any order of deliveries, failures and restarts", () => {
  type Step =
    | { do: "next"; count: number }
    | { do: "again"; of: number }
    | { do: "reconnect" | "restart" | "wait" }
    | { do: "disk"; isFull: boolean }
    | { do: "series"; mode: "takes" | "fails" | "stalls" };
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant("next" as const), count: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("again" as const), of: fc.nat(40) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("reconnect", "restart", "wait") }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("disk" as const), isFull: fc.boolean() }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("series" as const),
        mode: fc.constantFrom("takes" as const, "fails" as const, "stalls" as const),
      }),
    },
  );

  it("ends with each batch in each store once, and acks never exceed what both have", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const committed: number[] = [];
        const one = await sampleSite({
          queueBytesMax: 1_700,
          makeJudge: (state, clock) => countingJudge(state, clock, committed).judge,
        });
        let [written, acked, isConnected, heard] = [0, 0, false, 0];

        const deliver = (seq: number): void => {
          if (!isConnected) return;
          one.send("telemetry", aBatch(seq, { code: "trap" }));
          if (one.disconnects.length > heard) isConnected = false;
          heard = one.disconnects.length;
        };
        const reconnect = (): void => {
          isConnected = true;
          one.send("status", statusOf({ sentAt: one.clock.now() }));
          for (let seq = acked + 1; seq <= written; seq++) deliver(seq);
        };
        const settle = async (ms: number): Promise<void> => {
          await one.pass(ms);
          if (one.disconnects.length > heard) isConnected = false;
          heard = one.disconnects.length;
          const state = one.state.watermarks().find(({ lane }) => lane === "live")?.seq ?? 0;
          const series = one.series.seqs().at(-1) ?? 0;
          for (const { live } of one.acks) acked = Math.max(acked, live);
          expect(acked).toBeLessThanOrEqual(Math.min(state, series));
        };

        reconnect();
        for (const each of steps) {
          if (each.do === "next") for (let n = 0; n < each.count; n++) deliver(++written);
          else if (each.do === "again" && written > 0) deliver(1 + (each.of % written));
          else if (each.do === "reconnect") reconnect();
          else if (each.do === "restart") {
            await one.restart();
            reconnect();
          } else if (each.do === "disk") one.disk.isFull = each.isFull;
          else if (each.do === "series") {
            if (each.mode === "takes") one.series.release();
            else one.series.mode = each.mode;
          }
          await settle(each.do === "wait" ? 1_500 : 50);
        }
        one.disk.isFull = false;
        one.series.release();
        for (let tries = 0; acked < written && tries < 60; tries++) {
          if (!isConnected) reconnect();
          await settle(1_000);
        }
        const all = Array.from({ length: written }, (_, n) => n + 1);
        expect(one.series.seqs()).toEqual(all);
        expect(committed).toEqual(all);
        const events = one.state.deviceEvents("s1", "printer", 1_000).map(({ detail }) => detail);
        expect(events).toEqual(all.map((seq) => `number ${seq}`).reverse());
        expect(one.ingest.counts.gaps).toBe(0);
        expect(acked).toBe(written);
        await one.end();
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});
