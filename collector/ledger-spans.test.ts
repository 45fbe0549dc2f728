import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { covers, Newest, type Span, SpansByLane, uncovered } from "./ledger-spans.ts";

const MAX = 8;
const anySpan = fc
  .record({
    lane: fc.constantFrom("a", "b"),
    fromSeq: fc.integer({ min: 1, max: 40 }),
    length: fc.integer({ min: 1, max: 9 }),
  })
  .map(({ lane, fromSeq, length }) => ({ lane, fromSeq, toSeq: fromSeq + length - 1 }));

describe("spans", () => {
  it.each([
    { name: "none", these: [], of: [3, 7], is: 5 },
    { name: "the beginning", these: [[1, 4]], of: [3, 7], is: 3 },
    { name: "the middle", these: [[4, 5]], of: [3, 7], is: 3 },
    {
      name: "all, in parts that overlap",
      these: [
        [5, 9],
        [1, 5],
      ],
      of: [3, 7],
      is: 0,
    },
  ])("cover $name", ({ these, of: [fromSeq = 0, toSeq = 0], is }) => {
    const spans = these.map(([from = 0, to = 0]): Span => ({ fromSeq: from, toSeq: to }));
    expect([uncovered(spans, { fromSeq, toSeq }), covers(spans, { fromSeq, toSeq })]).toEqual([is, is === 0]);
  });
});

describe("the newest", () => {
  it("are as many as may be, the oldest first", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.array(fc.integer()), (before, after) => {
        const newest = new Newest<number>(MAX);
        newest.replace(before);
        for (const one of after) newest.push(one);
        const expected = [...before.slice(-MAX), ...after].slice(-MAX);
        expect([newest.all, newest.size]).toEqual([expected, expected.length]);
      }),
    );
  });
});

describe("spans by lane", () => {
  it("finds all of a lane that touch a span, as one finds them by looking at each", () => {
    fc.assert(
      fc.property(fc.array(anySpan, { maxLength: 60 }), anySpan, (spans, wanted) => {
        const kept = new SpansByLane<(typeof spans)[number]>(MAX, ({ lane }) => lane);
        for (const span of spans) kept.push(span);
        const found = kept.touching(wanted.lane, wanted);
        const touches = (span: (typeof spans)[number]): boolean =>
          span.lane === wanted.lane && span.fromSeq <= wanted.toSeq && span.toSeq >= wanted.fromSeq;
        expect(kept.all).toEqual(spans.slice(-MAX));
        // What is beyond the bound may be known a little longer.
        expect(spans.filter(touches)).toEqual(expect.arrayContaining(found));
        expect(found).toEqual(expect.arrayContaining(kept.all.filter(touches)));
      }),
    );
  });
});
