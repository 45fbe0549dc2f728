import { describe, expect, it } from "vitest";
import { visibleRange } from "./viewport.ts";

describe("the rows in the window", () => {
  const view = { height: 500, rowHeight: 50, count: 10_000, overscan: 2 };
  it.each([
    { name: "from the top", listTop: 200, first: 0, end: 8 },
    { name: "in the middle", listTop: -5_000, first: 98, end: 112 },
    { name: "at the end", listTop: -499_600, first: 9_990, end: 10_000 },
    { name: "above the list", listTop: 9_000, first: 0, end: 0 },
  ])("$name are $first to $end", ({ listTop, first, end }) => {
    expect(visibleRange({ ...view, listTop })).toEqual({ first, end });
  });
});
