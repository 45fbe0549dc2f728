import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LateStream, spanOf } from "./late-stream.ts";
import { batchOf, reading, T0 } from "./sample-site.ts";
import type { TelemetryBatch } from "./store/timeseries/store.ts";

type LaneName = "live" | "history";
/** The n-th reading, as the seq-th batch of a lane. */
type Written = { readonly n: number; readonly epoch: string; readonly lane: LaneName; readonly seq: number };

function batchFor({ n, epoch, lane, seq }: Written): TelemetryBatch {
  const message = batchOf(seq, [reading("p", T0 + n * 1_000, { up: true })], { epoch, lane });
  return { site: "s1", agent: "pc", epoch, lane, seq, message, skewMs: 0 };
}

/** Where each reading was written: a letter an epoch, small for its live lane and capital for its history. */
function written(lanes: string): Written[] {
  const seqs = new Map<string, number>();
  return [...lanes].map((letter, n) => {
    const seq = (seqs.get(letter) ?? 0) + 1;
    seqs.set(letter, seq);
    const epoch = letter.toLowerCase();
    return { n, epoch, lane: letter === epoch ? "live" : "history", seq };
  });
}

function owing(all: readonly Written[]): LateStream {
  const stream = new LateStream();
  const last = (epoch: string, lane: LaneName): number =>
    all.filter((one) => one.epoch === epoch && one.lane === lane).length;
  for (const epoch of new Set(all.map((one) => one.epoch)))
    stream.owe(epoch, { live: { had: 0, to: last(epoch, "live") }, history: { had: 0, to: last(epoch, "history") } });
  return stream;
}

const numberOf = ({ message }: TelemetryBatch): number => ((spanOf(message)[0] ?? 0) - T0) / 1_000;

/** What can be read after each batch that comes. */
function reads(stream: LateStream, batches: readonly TelemetryBatch[]): number[][] {
  return batches.map((batch) => {
    stream.put(batch);
    const read: number[] = [];
    for (let next = stream.next(); next !== null; next = stream.next()) read.push(numberOf(next));
    return read;
  });
}

/** Each lane in its own order, and of all lanes the one that is listed first. */
const inTurn = (all: readonly Written[], turns: string): TelemetryBatch[] =>
  [...turns].flatMap((letter) => {
    const lane = letter === letter.toLowerCase() ? "live" : "history";
    return all.filter((one) => one.epoch === letter.toLowerCase() && one.lane === lane).map(batchFor);
  });

describe("readings of one agent, by whatever lane", () => {
  it.each([
    { name: "one lane is read as it comes", lanes: "aaa", turns: "a", is: "0 1 2" },
    { name: "live batches of before wait for the history between them", lanes: "aAAa", turns: "aA", is: "0 1 2 3" },
    { name: "the file's history comes before what the memory sent", lanes: "aABBb", turns: "bBaA", is: "0 1 2 3 4" },
    {
      name: "what the file took in while the memory was served comes last",
      lanes: "aAbBa",
      turns: "bBaA",
      is: "0 1 2 3 4",
    },
  ])("$name", ({ lanes, turns, is }) => {
    const all = written(lanes);
    expect(reads(owing(all), inTurn(all, turns)).flat().join(" ")).toBe(is);
  });

  it("are read in the order in which they were taken, whatever comes first, and over a restart", () => {
    const some = fc.string({ unit: fc.constantFrom("a", "A", "b", "B"), minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(some, fc.infiniteStream(fc.nat({ max: 3 })), fc.nat(), (lanes, choices, restart) => {
        const all = written(lanes);
        const queues = ["a", "A", "b", "B"].map((letter) => inTurn(all, letter));
        let stream = owing(all);
        const order: number[] = [];
        for (let n = 0; n < all.length; n++) {
          const open = queues.filter((queue) => queue.length > 0);
          const batch = open[(choices.next().value ?? 0) % open.length]?.shift();
          if (batch === undefined) throw new Error("nothing is left");
          order.push(...(reads(stream, [batch])[0] ?? []));
          if (n === restart % all.length) stream = overRestart(stream);
        }
        expect(order).toEqual(all.map(({ n }) => n));
        expect([stream.rows, stream.isComplete]).toEqual([0, true]);
      }),
    );
  });

  it("wait for a file that can't be read, until it is back, or given up", () => {
    const all = written("aAb");
    const stream = new LateStream();
    stream.park("a");
    const [tail, history, memory] = all.map(batchFor) as [TelemetryBatch, TelemetryBatch, TelemetryBatch];
    expect(reads(stream, [memory])).toEqual([[]]);
    expect([stream.parked, stream.rows, stream.isComplete]).toEqual([["a"], 1, false]);
    stream.owe("a", { live: { had: 0, to: 1 }, history: { had: 0, to: 1 } });
    expect(reads(stream, [tail, history])).toEqual([[], [0, 1, 2]]);
    const other = new LateStream();
    other.park("a");
    reads(other, [memory]);
    other.drop("a");
    expect(other.next()?.epoch).toBe("b");
  });

  it("says what is owed", () => {
    const stream = new LateStream();
    stream.owe("a", { live: { had: 2, to: 4 }, history: { had: 0, to: 0 } });
    expect([2, 3, 4, 5].map((seq) => stream.owes({ epoch: "a", lane: "live", seq }))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(stream.owes({ epoch: "b", lane: "live", seq: 3 })).toBe(false);
    expect([stream.owesLive, stream.isWhole, stream.isComplete]).toEqual([true, true, false]);
    stream.owe("a", { live: { had: 4, to: 4 }, history: { had: 0, to: 1 } });
    expect([stream.owesLive, stream.isWhole, stream.isComplete]).toEqual([false, false, false]);
    stream.limit("a", { live: 4, history: 0 });
    expect(stream.isComplete).toBe(true);
  });
});

function overRestart(stream: LateStream): LateStream {
  const kept: TelemetryBatch[] = [];
  const state = stream.toKeep();
  for (let batch = stream.force(); batch !== null; batch = stream.force()) kept.push(batch);
  return LateStream.restored(JSON.parse(JSON.stringify(state)), kept);
}
