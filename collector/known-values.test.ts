import { describe, expect, it } from "vitest";
import { knownValues } from "./known-values.ts";
import { batchOf, reading, T0 } from "./sample-site.ts";

describe("knownValues", () => {
  it("returns the message itself when all is known", () => {
    const message = batchOf(1, [reading("p", T0, { up: true, labels_remaining: 3 })]);
    expect(knownValues(message)).toEqual({ message, ignored: 0 });
    expect(knownValues(message).message).toBe(message);
  });

  it("leaves out single values of a wrong type, and all of an unknown metric, without touching the message", () => {
    const message = batchOf(1, [
      reading("p", T0, { up: true, labels_remaining: 3, made_up: 1 }),
      reading("q", T0, { up: 0, labels_remaining: false, made_up: true }),
    ]);
    const before = structuredClone(message);
    const known = knownValues(message);
    expect(known.ignored).toBe(4);
    expect(known.message.tables[0]?.values).toEqual([
      [true, null],
      [3, null],
      [null, null],
    ]);
    expect(message).toEqual(before);
  });
});
