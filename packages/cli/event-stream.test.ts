import fc from "fast-check";
import { expect, it } from "vitest";
import { createFrames } from "./event-stream.ts";

const text =
  'retry: 1000\n\nid: p-1\ndata: {"type":"hello"}\n\ndata: {"type":"beat"}\n\n: nothing\n\nid: p-2\ndata: a\ndata: b\n\n';
const events = [
  { id: "p-1", data: '{"type":"hello"}' },
  { id: null, data: '{"type":"beat"}' },
  { id: "p-2", data: "a\nb" },
];

it("gives the same events wherever the text is cut, and no half one", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(text.length)), (cuts) => {
      const take = createFrames();
      const edges = [0, ...cuts.toSorted((a, b) => a - b), text.length];
      expect(edges.slice(1).flatMap((to, n) => take(text.slice(edges[n], to)))).toEqual(events);
    }),
  );
  expect(createFrames()(text.slice(0, -1))).toEqual(events.slice(0, 2));
});
