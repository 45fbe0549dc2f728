import { type Dropped, encodeTelemetry, type FormerOutbox, LIMITS } from "@aislewatch/contract";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { createLedger, type LaneAudit, SPANS_MAX } from "./ledger.ts";
import { EPOCH, printer, reading, type SampleSite, sampleSite, statusOf, T0 } from "./sample-site.ts";

type Lane = "live" | "history";
type Stored = { readonly seq: number; readonly dropped?: Dropped };

/** An agent's outbox as far as numbers go: what it gave, what it still holds, and what it told of it. */
class Outbox {
  epoch = EPOCH;
  /** What lies aside, and was damaged before this file was begun. */
  former: FormerOutbox[] = [];
  readonly given: Record<Lane, number> = { live: 0, history: 0 };
  readonly held: Record<Lane, Stored[]> = { live: [], history: [] };

  write(lane: Lane): Stored {
    const batch = { seq: ++this.given[lane] };
    this.held[lane].push(batch);
    return batch;
  }

  /** The oldest `count` become one batch that says so. */
  thin(lane: Lane, count: number): number {
    const gone = this.held[lane].slice(0, count);
    const [first, last] = [gone[0], gone.at(-1)];
    if (first === undefined || last === undefined) return 0;
    const fromSeq = first.dropped?.fromSeq ?? first.seq;
    const samples = gone.reduce((sum, { dropped }) => sum + (dropped?.samples ?? 2), 0);
    const dropped = { fromSeq, toSeq: last.seq, fromAt: T0, toAt: T0 + 1_000, samples, reason: "the outbox was full" };
    this.held[lane] = [{ seq: last.seq, dropped }, ...this.held[lane].slice(count)];
    return samples;
  }

  acked(lane: Lane, seq: number): void {
    this.held[lane] = this.held[lane].filter((batch) => batch.seq > seq);
  }

  get lanes() {
    const span = (lane: Lane) => {
      const [oldest] = this.held[lane];
      const last = this.given[lane];
      return { first: oldest === undefined ? last + 1 : (oldest.dropped?.fromSeq ?? oldest.seq), last };
    };
    return { live: span("live"), history: span("history") };
  }

  status(sentAt: number) {
    const outbox = { batches: 1, bytes: 100, oldestAt: null, lanes: this.lanes, former: this.former };
    return { ...statusOf({ epoch: this.epoch, sentAt }), outbox };
  }

  message(lane: Lane, { seq, dropped }: Stored, sentAt: number) {
    const readings = dropped === undefined ? [reading("printer", sentAt, { up: true, media_out: false })] : [];
    return encodeTelemetry({ epoch: this.epoch, lane, seq, sentAt }, readings, dropped === undefined ? [] : [dropped]);
  }
}

let site: SampleSite;
let outbox: Outbox;

async function begin(): Promise<void> {
  site = await sampleSite();
  outbox = new Outbox();
  hello();
  site.inventory([printer("printer")]);
  await site.pass(250);
}
const hello = (): void => site.send("status", outbox.status(site.clock.now()));
const send = (lane: Lane, batch: Stored): void => site.send("telemetry", outbox.message(lane, batch, site.clock.now()));
const write = (lane: Lane, count: number): Stored[] => Array.from({ length: count }, () => outbox.write(lane));
const audit = () => site.ingest.audit({ site: "s1", agent: "pc" });
function lane(name: Lane = "live", epoch = outbox.epoch): LaneAudit {
  const found = audit().lanes.find((one) => one.lane === name && one.epoch === epoch);
  if (found === undefined) throw new Error(`no lane ${name} of ${epoch}`);
  return found;
}

describe("the ledger of deliveries", () => {
  afterEach(() => site.end());

  it("accounts for each batch once, in both stores", async () => {
    await begin();
    for (const batch of write("live", 3)) send("live", batch);
    for (const batch of write("history", 2)) send("history", batch);
    await site.pass(250);
    expect(lane()).toMatchObject({ firstSeq: 1, seq: 3, safeSeq: 3, batches: 3, samples: 6, owed: 0, isCurrent: true });
    expect(lane("history")).toMatchObject({ seq: 2, batches: 2, isBalanced: true });
    expect(audit()).toMatchObject({ unexplained: 0, missing: [], thinned: [] });
  });

  it("tells what is old on its arrival from what is not", async () => {
    await begin();
    const [early] = write("history", 1);
    if (early !== undefined) site.send("telemetry", outbox.message("history", early, site.clock.now() - 3_600_000));
    for (const batch of write("history", 1)) send("history", batch);
    await site.pass(250);
    expect(lane("history")).toMatchObject({ batches: 2, late: 1 });
  });

  it("knows what is still owed from what the agent says", async () => {
    await begin();
    const [first] = write("live", 5);
    hello();
    if (first !== undefined) send("live", first);
    await site.pass(250);
    expect(lane()).toMatchObject({ seq: 1, announced: 5, owed: 4, missing: 0 });
    expect(audit().unexplained).toBe(0);
  });

  it("owes no more of what an older copy of the outbox never had: its numbers are given anew", async () => {
    await begin();
    const [first] = write("live", 3);
    hello();
    if (first !== undefined) send("live", first);
    await site.pass(250);
    expect(lane()).toMatchObject({ seq: 1, announced: 3, owed: 2 });
    outbox.given.live = 2;
    outbox.held.live = outbox.held.live.slice(0, 2);
    hello();
    expect(lane()).toMatchObject({ announced: 2, owed: 1 });
    outbox.given.live = 0;
    outbox.held.live = [];
    hello();
    expect(lane()).toMatchObject({ seq: 1, announced: 1, owed: 0, isBalanced: true });
  });

  it("has as missing what was judged, and died with the collector and then with its agent's outbox before it was stored", async () => {
    await begin();
    const [first, ...more] = write("live", 3);
    hello();
    if (first !== undefined) send("live", first);
    await site.pass(250);
    site.series.mode = "stalls";
    for (const batch of more) send("live", batch);
    await site.pass(250);
    expect(lane()).toMatchObject({ seq: 3, safeSeq: 1, queued: 2, missing: 0 });
    const { epoch } = outbox;
    await site.restart();
    site.series.mode = "takes";
    outbox = new Outbox();
    outbox.epoch = "e2";
    hello();
    await site.pass(250);
    expect(lane("live", epoch)).toMatchObject({ seq: 3, safeSeq: 1, queued: 0, owed: 0, missing: 2, isBalanced: true });
    expect(audit().missing).toMatchObject([{ epoch, fromSeq: 2, toSeq: 3, cause: "lost_with_outbox" }]);
  });

  it("tells what waits for the time-series store from what is safe", async () => {
    await begin();
    site.series.mode = "stalls";
    for (const batch of write("live", 2)) send("live", batch);
    await site.pass(250);
    expect(lane()).toMatchObject({ seq: 2, safeSeq: 0, queued: 2 });
    site.series.release();
    await site.pass(250);
    expect(lane()).toMatchObject({ safeSeq: 2, queued: 0 });
  });

  it("names what a full outbox thinned, with its reason, and counts it as no gap", async () => {
    await begin();
    write("history", 6);
    expect(outbox.thin("history", 4)).toBe(8);
    hello();
    for (const batch of outbox.held.history) send("history", batch);
    await site.pass(250);
    expect(lane("history")).toMatchObject({
      seq: 6,
      batches: 2,
      thinnedBatches: 4,
      thinnedSamples: 8,
      isBalanced: true,
    });
    expect(audit().thinned).toMatchObject([{ lane: "history", fromSeq: 1, toSeq: 4, reason: "the outbox was full" }]);
    expect(audit().unexplained).toBe(0);
  });

  it("counts a thinning that takes in what had come already once", async () => {
    await begin();
    const [first] = write("history", 4);
    if (first !== undefined) send("history", first);
    outbox.thin("history", 3);
    for (const batch of outbox.held.history) send("history", batch);
    await site.pass(250);
    expect(lane("history")).toMatchObject({ seq: 4, batches: 2, thinnedBatches: 2, isBalanced: true });
    expect(site.disconnects).toEqual([]);
  });

  it("counts as thinned what was judged, and dropped by its agent before the time-series store had it", async () => {
    await begin();
    for (const batch of write("live", 2)) send("live", batch);
    await site.pass(250);
    site.series.mode = "stalls";
    for (const batch of write("live", 3)) send("live", batch);
    await site.pass(250);
    // The collector dies with three batches judged, of which the time-series store has none.
    await site.restart();
    site.series.mode = "takes";
    outbox.acked("live", 2);
    expect(outbox.thin("live", 2)).toBe(4);
    hello();
    for (const batch of outbox.held.live) send("live", batch);
    await site.pass(250);
    expect(site.series.seqs()).toEqual([1, 2, 4, 5]);
    expect(lane()).toMatchObject({ seq: 5, batches: 3, thinnedBatches: 2, thinnedSamples: 4, isBalanced: true });
    expect(audit()).toMatchObject({ unexplained: 0, thinned: [{ fromSeq: 3, toSeq: 4 }] });
    await site.restart();
    expect(lane()).toMatchObject({ thinnedBatches: 2, isBalanced: true });
  });

  it("counts what was dropped once, however often its report comes", async () => {
    await begin();
    for (const batch of write("live", 2)) send("live", batch);
    await site.pass(250);
    site.series.mode = "stalls";
    write("live", 3);
    outbox.acked("live", 2);
    expect(outbox.thin("live", 2)).toBe(4);
    for (const batch of outbox.held.live) send("live", batch);
    await site.pass(250);
    expect(lane()).toMatchObject({ seq: 5, batches: 3, thinnedBatches: 2, thinnedSamples: 4 });
    // The collector dies with the report accounted for, of which the time-series store knows nothing.
    await site.restart();
    site.series.mode = "takes";
    hello();
    for (const batch of outbox.held.live) send("live", batch);
    await site.pass(250);
    expect(lane()).toMatchObject({ seq: 5, batches: 3, thinnedBatches: 2, thinnedSamples: 4, isBalanced: true });
    expect(audit().thinned).toHaveLength(1);
  });

  it("counts what an earlier report told once, when the next one takes it in", async () => {
    await begin();
    write("history", 6);
    outbox.thin("history", 2);
    const [report] = outbox.held.history;
    if (report === undefined) throw new Error("nothing thinned");
    send("history", report);
    // No ack came through, and the outbox is full again.
    expect(outbox.thin("history", 3)).toBe(8);
    hello();
    for (const batch of outbox.held.history) send("history", batch);
    await site.pass(250);
    expect(lane("history")).toMatchObject({ seq: 6, batches: 2, thinnedBatches: 4, thinnedSamples: 8 });
    expect(audit().thinned).toMatchObject([
      { toSeq: 2, samples: 4 },
      { toSeq: 4, samples: 4 },
    ]);
  });

  it("waits for a full disk, and is written with the batch then", async () => {
    await begin();
    site.disk.isFull = true;
    const [batch] = write("live", 1);
    if (batch !== undefined) send("live", batch);
    await site.pass(250);
    site.disk.isFull = false;
    await site.pass(1_500);
    await site.restart();
    expect(lane()).toMatchObject({ seq: 1, batches: 1, samples: 2, isBalanced: true });
  });

  it("counts what came again, and takes it once", async () => {
    await begin();
    const [first, second] = write("live", 2);
    for (const batch of [first, second, first, second, second]) if (batch !== undefined) send("live", batch);
    await site.pass(250);
    expect(lane()).toMatchObject({ batches: 2, repeats: 3, isBalanced: true });
    expect(site.series.seqs()).toEqual([1, 2]);
  });

  it("loses nothing when the first two batches of a lane change places on their way", async () => {
    await begin();
    const [first, second] = write("live", 2);
    if (first === undefined || second === undefined) throw new Error("nothing written");
    send("live", second);
    send("live", first);
    expect(site.disconnects).toEqual(["s1/pc"]);
    hello();
    for (const batch of outbox.held.live) send("live", batch);
    await site.pass(250);
    expect(site.series.seqs()).toEqual([1, 2]);
    expect(lane()).toMatchObject({ firstSeq: 1, batches: 2, missing: 0 });
  });

  it("has a gap that a resend did not fill as missing, until a person explains it", async () => {
    await begin();
    const [first, , , fourth] = write("live", 4);
    if (first === undefined || fourth === undefined) throw new Error("nothing written");
    // It says that it still has them, and is asked eight times.
    for (let tries = 0; tries < 9; tries++) {
      send("live", first);
      send("live", fourth);
      hello();
    }
    send("live", fourth);
    await site.pass(250);
    expect(lane()).toMatchObject({ seq: 4, batches: 2, lostBatches: 2, missing: 2, explained: 0, isBalanced: true });
    expect(audit().unexplained).toBe(2);
    expect([...site.ingest.deliveries()]).toEqual([
      ["s1/pc", { missing: 2, owed: { live: 0, history: 0 }, thinnedSamples: 0 }],
    ]);

    expect(site.ingest.explain("s1", "pc", { by: "user:ana", text: "a disk was swapped" })).toBe(1);
    expect(audit().unexplained).toBe(0);
    expect(audit().missing).toMatchObject([{ fromSeq: 2, toSeq: 3, explanation: { text: "a disk was swapped" } }]);
    await site.restart();
    expect(audit()).toMatchObject({ unexplained: 0, missing: [{ explanation: { by: "user:ana" } }] });
    expect(lane()).toMatchObject({ missing: 0, explained: 2, isBalanced: true });
  });

  it.each([
    {
      name: "of which nobody had told",
      former: [{ epoch: EPOCH, lanes: { live: { first: 2, last: 70 }, history: { first: 1, last: 3 } } }],
      missing: [
        { epoch: EPOCH, lane: "live", fromSeq: 2, toSeq: 70 },
        { epoch: EPOCH, lane: "history", fromSeq: 1, toSeq: 3 },
      ],
    },
    {
      name: "nothing of, for it had all been delivered",
      former: [{ epoch: EPOCH, lanes: { live: { first: 2, last: 1 }, history: { first: 1, last: 0 } } }],
      missing: [],
    },
    {
      name: "of two, of which one never reached the collector",
      former: [
        { epoch: EPOCH, lanes: { live: { first: 2, last: 3 }, history: { first: 1, last: 0 } } },
        { epoch: "epoch-x", lanes: { live: { first: 5, last: 6 }, history: { first: 1, last: 0 } } },
      ],
      missing: [
        { epoch: EPOCH, lane: "live", fromSeq: 2, toSeq: 3 },
        { epoch: "epoch-x", lane: "live", fromSeq: 5, toSeq: 6 },
      ],
    },
    {
      name: "though nobody can read how much",
      former: [{ epoch: "unreadable-x" }],
      missing: [{ epoch: "unreadable-x", lane: "live", fromSeq: 1, toSeq: 1 }],
    },
    {
      name: "nothing of, for it is the one that is written to",
      former: [{ epoch: "epoch-2", lanes: { live: { first: 1, last: 9 }, history: { first: 1, last: 0 } } }],
      missing: [],
    },
  ])("has as missing what a damaged outbox held, $name", async ({ former, missing }) => {
    await begin();
    for (const batch of write("live", 1)) send("live", batch);
    await site.pass(250);
    outbox = Object.assign(new Outbox(), { epoch: "epoch-2", former });
    hello();
    await site.pass(250);
    const byName = (one: { epoch: string; lane: string }, other: { epoch: string; lane: string }) =>
      `${one.epoch}/${one.lane}` < `${other.epoch}/${other.lane}` ? -1 : 1;
    const told = () => ({ ...audit(), missing: audit().missing.toSorted(byName) });
    const lost = missing.toSorted(byName).map((span) => ({ ...span, cause: "lost_with_outbox", explanation: null }));
    const count = missing.reduce((sum, { fromSeq, toSeq }) => sum + toSeq - fromSeq + 1, 0);
    expect(told()).toMatchObject({ missing: lost, unexplained: count });
    expect(audit().lanes.every(({ isBalanced, owed }) => isBalanced && owed === 0)).toBe(true);
    expect(site.ingest.deliveries().get("s1/pc")?.missing ?? 0).toBe(count);

    // Said again, also to a collector that was started anew, and after somebody has explained it.
    await site.restart();
    hello();
    await site.pass(250);
    expect(told()).toMatchObject({ missing: lost, unexplained: count });
    expect(site.ingest.explain("s1", "pc", { by: "user:ana", text: "the disk had a bad spot" })).toBe(missing.length);
    hello();
    await site.pass(250);
    expect(audit().unexplained).toBe(0);
  });

  it.each([{ restarts: 0 }, { restarts: 1 }])(
    "owes nothing of an old copy that goes on under another epoch, and takes no other copy of it for new ($restarts restarts)",
    async ({ restarts }) => {
      await begin();
      for (const batch of write("live", 3)) send("live", batch);
      await site.pass(250);
      // An older copy of the file has numbers of its own beyond the first two, as far as 5; so it says, and leaves them.
      outbox = Object.assign(new Outbox(), {
        given: { live: 5, history: 2 },
        held: { live: [{ seq: 5 }], history: [{ seq: 1 }] },
      });
      hello();
      await site.pass(250);
      const lanes = { live: { first: 6, last: 5 }, history: { first: 3, last: 2 } };
      const former: FormerOutbox[] = [{ epoch: EPOCH, lanes, renumbered: true }];
      outbox = Object.assign(new Outbox(), { epoch: "epoch-2", former });
      for (let said = 0; said < 2; said++) hello();
      await site.pass(250);
      expect(audit()).toMatchObject({ missing: [], unexplained: 0 });
      for (let n = 0; n < restarts; n++) await site.restart();

      outbox = Object.assign(new Outbox(), {
        given: { live: 5, history: 2 },
        held: { live: [{ seq: 5 }], history: [{ seq: 1 }] },
      });
      hello();
      await site.pass(250);
      expect(site.acks.at(-1)).toMatchObject({ epoch: EPOCH, live: 6, history: 3 });
      expect(audit().lanes.every(({ isBalanced, owed }) => isBalanced && owed === 0)).toBe(true);
      expect(audit()).toMatchObject({ missing: [], unexplained: 0 });
    },
  );

  it("of a copy still has as missing what was judged, and never stored, before it went on under another epoch", async () => {
    await begin();
    for (const batch of write("live", 1)) send("live", batch);
    await site.pass(250);
    site.series.mode = "stalls";
    for (const batch of write("live", 2)) send("live", batch);
    await site.pass(250);
    await site.restart();
    site.series.mode = "takes";
    const lanes = { live: { first: 6, last: 5 }, history: { first: 1, last: 0 } };
    outbox = Object.assign(new Outbox(), { epoch: "epoch-2", former: [{ epoch: EPOCH, lanes, renumbered: true }] });
    for (let said = 0; said < 2; said++) hello();
    await site.pass(250);
    expect(audit().missing).toMatchObject([{ epoch: EPOCH, lane: "live", fromSeq: 2, toSeq: 3 }]);
  });

  it("begins no more epochs for an agent that names ever new damaged outboxes than for one that changes its own", async () => {
    await begin();
    for (let n = 0; n < 60; n++) {
      outbox.former = Array.from({ length: 8 }, (_, i) => ({ epoch: `former-${n}-${i}` }));
      hello();
    }
    expect(audit().lanes.length).toBeLessThanOrEqual(256);
  });

  it("has what a lost outbox still owed as missing, and owed again when the file comes back", async () => {
    await begin();
    const [first, second, third] = write("live", 3);
    if (first === undefined || second === undefined || third === undefined) throw new Error("nothing written");
    hello();
    send("live", first);
    await site.pass(250);
    outbox.epoch = "epoch-2";
    site.send("status", statusOf({ epoch: "epoch-2" }));
    await site.pass(250);
    expect(lane("live", EPOCH)).toMatchObject({ isCurrent: false, owed: 0, missing: 2 });
    expect(audit().missing).toMatchObject([{ fromSeq: 2, toSeq: 3, cause: "lost_with_outbox", explanation: null }]);

    await site.restart();
    expect(audit().unexplained).toBe(2);

    outbox.epoch = EPOCH;
    hello();
    expect(lane()).toMatchObject({ owed: 2, missing: 0 });
    for (const batch of [second, third]) send("live", batch);
    await site.pass(250);
    expect(lane()).toMatchObject({ seq: 3, batches: 3, missing: 0, isBalanced: true });
    expect(audit().unexplained).toBe(0);
  });

  it("has what an agent still owed as lost when it is taken out, and owed again when it is let in with its outbox", async () => {
    await begin();
    const [first, ...rest] = write("live", 3);
    hello();
    if (first !== undefined) send("live", first);
    await site.pass(250);
    site.state.removeAgent("s1", "pc", T0);
    site.judge.removeAgent("s1", "pc");
    site.ingest.forget("s1", "pc");
    await site.pass(250);
    const reason = "not delivered when the agent was taken out";
    expect(lane()).toMatchObject({ isCurrent: false, owed: 0, missing: 2 });
    await site.restart();
    expect(audit()).toMatchObject({ unexplained: 2, missing: [{ fromSeq: 2, toSeq: 3, reason }] });
    hello();
    for (const batch of rest) send("live", batch);
    await site.pass(250);
    expect(lane()).toMatchObject({ isCurrent: true, batches: 3, owed: 0, missing: 0 });
  });

  it("begins with the first number that it hears of an agent that came from another collector", async () => {
    site = await sampleSite();
    outbox = new Outbox();
    write("live", 20);
    outbox.acked("live", 17);
    hello();
    for (const batch of outbox.held.live) send("live", batch);
    await site.pass(250);
    expect(lane()).toMatchObject({ firstSeq: 18, seq: 20, batches: 3, missing: 0, isBalanced: true });
  });

  it("shows one agent's lanes, and of them those that something was heard of", async () => {
    await begin();
    for (const batch of write("live", 1)) send("live", batch);
    await site.pass(250);
    expect(site.ingest.audit({ site: "s1" }).lanes).toHaveLength(1);
    expect(site.ingest.audit({ agent: "till" }).lanes).toEqual([]);
    expect(site.ingest.audit({ since: site.clock.now() + 1 }).lanes).toEqual([]);
  });
});

type Step =
  | { do: "write"; lane: Lane; count: number }
  | { do: "thin"; lane: Lane; count: number }
  | { do: "send"; lane: Lane; order: readonly number[] }
  | { do: "vanish"; lane: Lane; at: number }
  | { do: "reconnect" | "restart" | "loseFile" | "damageFile" | "wait" }
  | { do: "disk"; isFull: boolean };

const laneName = fc.constantFrom<Lane>("live", "history");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("write"), lane: laneName, count: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("thin"), lane: laneName, count: fc.integer({ min: 1, max: 3 }) }),
  },
  // Which of those that wait, in this order: repeats and swaps among them.
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("send"), lane: laneName, order: fc.array(fc.nat(6), { maxLength: 6 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("vanish"), lane: laneName, at: fc.nat(4) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("reconnect", "restart", "loseFile", "damageFile", "wait") }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("disk"), isFull: fc.boolean() }) },
);

it("balances after any deliveries, thinnings, losses, restarts and new outboxes: each number has one fate", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      await begin();
      let [isConnected, heard, epochs] = [true, 0, 1];
      /** What went away without a report, by lane and seq: the ledger must name exactly these, if it can know of them. */
      const vanished = new Set<string>();
      const inDamaged: { epoch: string; lane: Lane; n: number }[] = [];
      const noteCut = (): void => {
        if (site.disconnects.length > heard) isConnected = false;
        heard = site.disconnects.length;
      };
      const takeAcks = (): void => {
        for (const ack of site.acks.splice(0)) {
          if (ack.epoch !== outbox.epoch) continue;
          outbox.acked("live", ack.live);
          outbox.acked("history", ack.history);
          if (ack.live + ack.history > 0) outbox.former = [];
        }
      };
      const deliver = (name: Lane, batch: Stored): void => {
        if (isConnected) send(name, batch);
        noteCut();
      };
      const reconnect = (): void => {
        isConnected = true;
        hello();
        for (const name of ["live", "history"] as const)
          for (const batch of [...outbox.held[name]]) deliver(name, batch);
      };
      for (const each of steps) {
        if (each.do === "write") for (const batch of write(each.lane, each.count)) deliver(each.lane, batch);
        else if (each.do === "thin") outbox.thin(each.lane, each.count);
        else if (each.do === "send") {
          for (const at of each.order) {
            const batch = outbox.held[each.lane][at];
            if (batch !== undefined) deliver(each.lane, batch);
          }
        } else if (each.do === "vanish") {
          for (const { seq, dropped } of outbox.held[each.lane].splice(each.at, 1)) {
            for (let n = dropped?.fromSeq ?? seq; n <= seq; n++) vanished.add(`${outbox.epoch}/${each.lane}/${n}`);
          }
        } else if (each.do === "restart") {
          await site.restart();
          isConnected = false;
        } else if (each.do === "loseFile") {
          // The agent ended and starts with an empty folder.
          hello();
          outbox = Object.assign(new Outbox(), { epoch: `epoch-${++epochs}` });
          isConnected = false;
        } else if (each.do === "damageFile") {
          // Nothing is told of what it held: it was cut off since it last told.
          const { epoch, lanes, former } = outbox;
          for (const name of ["live", "history"] as const) {
            for (let n = lanes[name].first; n <= lanes[name].last; n++) inDamaged.push({ epoch, lane: name, n });
          }
          outbox = Object.assign(new Outbox(), { epoch: `epoch-${++epochs}` });
          outbox.former = [...former, { epoch, lanes }].slice(-LIMITS.formerOutboxesMax);
          isConnected = false;
        } else if (each.do === "disk") site.disk.isFull = each.isFull;
        if (each.do === "reconnect") reconnect();
        await site.pass(each.do === "wait" ? 1_500 : 50);
        noteCut();
        takeAcks();
      }
      site.disk.isFull = false;
      const waits = (): boolean => outbox.held.live.length + outbox.held.history.length > 0;
      for (let tries = 0; waits() && tries < 20; tries++) {
        if (!isConnected) reconnect();
        await site.pass(1_500);
        noteCut();
        takeAcks();
        isConnected = false;
      }
      if (!isConnected) reconnect();
      await site.pass(1_500);
      expect(waits()).toBe(false);
      const { lanes, missing, thinned } = audit();
      for (const one of lanes) {
        expect(one).toMatchObject({ isBalanced: true, queued: 0 });
        const stored = site.series.seqs(one.lane, one.epoch);
        expect(new Set(stored).size).toBe(stored.length);
        const of = (span: { epoch: string; lane: Lane }) => span.epoch === one.epoch && span.lane === one.lane;
        const inSpan = (n: number) => (span: { fromSeq: number; toSeq: number }) =>
          span.fromSeq <= n && n <= span.toSeq;
        for (let n = one.firstSeq; n <= one.seq; n++) {
          const isMissing = missing.filter(of).some(inSpan(n));
          expect(isMissing || stored.includes(n) || thinned.filter(of).some(inSpan(n))).toBe(true);
          expect(isMissing && stored.includes(n)).toBe(false);
        }
      }
      for (const { epoch, lane: name, n } of inDamaged) {
        const isTold = [...missing, ...thinned].some(
          (span) => span.epoch === epoch && span.lane === name && span.fromSeq <= n && n <= span.toSeq,
        );
        expect(isTold || site.series.seqs(name, epoch).includes(n)).toBe(true);
      }
      // Nothing is called missing that was delivered, and what vanished and could be known is named.
      for (const { epoch, lane: name, fromSeq, toSeq, cause } of missing) {
        if (cause === "lost_with_outbox") continue;
        for (let n = fromSeq; n <= toSeq; n++) expect(vanished).toContain(`${epoch}/${name}/${n}`);
      }
      for (const one of lanes.filter(({ isCurrent }) => isCurrent)) {
        expect(one.owed).toBeLessThanOrEqual([...vanished].length);
      }
      await site.end();
    }),
    { numRuns: 80 },
  );
});

describe("an account that does not add up", () => {
  it("is said so, and counts as not explained", () => {
    const lane = { site: "s1", agent: "pc", epoch: "e1", lane: "live" } as const;
    const sums = { late: 0, samples: 9, repeats: 0, thinnedBatches: 1, thinnedSamples: 2, lostBatches: 0 };
    const ledger = createLedger();
    // Of ten numbers nine have a fate.
    const kept = { ...lane, ...sums, firstSeq: 1, seq: 10, announced: 10, batches: 8, lastAt: 1 };
    ledger.restore({ lanes: [kept], gaps: [], thinned: [], notes: [], epochs: [{ ...lane, epoch: "e1" }] });
    expect(ledger.audit({}, () => 10)).toMatchObject({ unexplained: 1, lanes: [{ isBalanced: false }] });
  });
});

it("takes a missing span for explained when every number of it is", () => {
  const lane = { site: "s1", agent: "pc", epoch: "e1", lane: "live" } as const;
  const said = { at: 9, by: "user:ana", text: "a disk was swapped" };
  const note = (fromSeq: number, toSeq: number) => ({ ...lane, fromSeq, toSeq, ...said });
  const explanation = (...notes: readonly ReturnType<typeof note>[]) => {
    const ledger = createLedger();
    const gap = { ...lane, fromSeq: 2, toSeq: 7, at: 1, reason: "never arrived" };
    ledger.restore({ lanes: [], gaps: [gap], thinned: [], notes, epochs: [{ ...lane, epoch: "e1" }] });
    return ledger.audit({}, () => 10).missing.map((span) => span.explanation);
  };
  expect(explanation(note(2, 3))).toEqual([null]);
  expect(explanation(note(5, 9), note(1, 3))).toEqual([null]);
  expect(explanation(note(4, 7), note(1, 3))).toEqual([said]);
});

describe("the ledger's memory", () => {
  it("is bounded while nothing can be written, and the sums are exact all the same", () => {
    const ledger = createLedger();
    const lane = { site: "s1", agent: "pc", epoch: "e1", lane: "live" } as const;
    const dropped = { fromAt: 1, toAt: 2, samples: 3, reason: "the outbox was full" };
    const many = SPANS_MAX + 500;
    for (let n = 1; n <= many; n++) {
      const thinned = [{ ...dropped, fromSeq: n, toSeq: n }];
      ledger.taken(
        lane,
        { seq: n, before: n - 1, samples: 0, isLate: false, isGap: false, dropped: thinned, hasContent: false },
        n,
      );
      ledger.lost({ ...lane, fromSeq: n, toSeq: n, at: n, reason: "gone" });
    }
    const pending = ledger.pending();
    expect([pending.thinned.length, pending.gaps.length]).toEqual([SPANS_MAX, SPANS_MAX]);
    expect(pending.lanes).toMatchObject([{ thinnedBatches: many, thinnedSamples: 3 * many }]);
  });

  it("costs as much with many reports that no commit has as with few", () => {
    const ledger = createLedger();
    const lane = { site: "s1", agent: "pc", epoch: "e1", lane: "live" } as const;
    const report = { fromAt: 1, toAt: 2, samples: 3, reason: "the outbox was full" };
    const take = (from: number, count: number): number => {
      const startedMs = process.cpuUsage().user;
      for (let n = from; n < from + count; n++) {
        const dropped = [{ ...report, fromSeq: n, toSeq: n }];
        const batch = { samples: 0, isLate: false, isGap: false, dropped, hasContent: false };
        ledger.taken(lane, { ...batch, seq: n, before: n - 1 }, n);
      }
      return process.cpuUsage().user - startedMs;
    };
    take(1, 2_000);
    const few = take(2_001, 2_000);
    take(4_001, 40_000);
    const many = take(44_001, 2_000);
    // Five hundred times as much, when each was compared with all.
    expect(many).toBeLessThan(20 * few + 20_000);
  });
});
