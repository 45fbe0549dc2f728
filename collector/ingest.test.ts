import type { ManualClock } from "@aislewatch/base";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { NO_ASSETS } from "./incidents/asset-book.ts";
import type { Judge } from "./judge.ts";
import { aBatch, startedSite } from "./sample-ingest.ts";
import {
  batchOf,
  EPOCH,
  reading,
  type SampleOptions,
  type SampleSite,
  sampleSite,
  statusOf,
  T0,
} from "./sample-site.ts";
import type { StateStore } from "./store/state/store.ts";

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
    expect(site.ingest.counts.batches).toBe(256);
    expect(site.ingest.counts.poison).toBe(44);
    site.send("telemetry", aBatch(1));
    await site.pass(250);
    expect(lastAck()).toEqual({ epoch: EPOCH, live: 1, history: 0 });
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

const NONE = new Map();

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
        facts: () => [],
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
      siteName: (id) => id,
      slot: () => null,
      agents: () => [],
      devices: () => [],
      device: () => null,
      values: () => [],
      faults: () => [],
      openIncidents: () => [],
      duties: { standing: () => ({ clocks: [], contract: null, penalty: null, chain: null }), nextDue: () => null },
      rules: () => ({ version: "", refused: [], rules: [] }),
      firing: () => 0,
      explain: () => ({ refused: "unknown_rule", message: "" }),
      samplesPerSecond: () => 0,
      reportsRemaking: () => null,
    },
    roster: () => [],
    slowestPolls: () => [],
    deviceCounts: () => new Map(),
    doubt: () => undefined,
    incidentFigures: { opened: NONE, resolved: NONE, escalated: NONE, warned: NONE, breached: NONE },
    devicesOfModel: () => 0,
    agentStartedAt: () => null,
    assets: () => NO_ASSETS,
    rename: () => undefined,
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
  });
});
