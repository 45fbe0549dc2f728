import { describe, expect, it } from "vitest";
import { Components } from "./components.ts";

const MINUTE_MS = 60_000;

/** Polls every minute; each row: how many polls brought which parts. */
function after(...rows: readonly (readonly [polls: number, ...parts: string[]])[]): string[] {
  const components = new Components(3);
  let nowMs = 0;
  for (const [polls, ...parts] of rows) {
    for (let n = 0; n < polls; n++) {
      nowMs += MINUTE_MS;
      components.take(parts, nowMs);
    }
  }
  return components.names;
}

describe("the parts of a device", () => {
  it.each([
    {
      name: "are what its polls brought",
      rows: [
        [1, "b"],
        [1, "a"],
      ],
      want: ["a", "b"],
    },
    {
      name: "stay while a poll leaves one out",
      rows: [
        [1, "a", "b"],
        [59, "a"],
      ],
      want: ["a", "b"],
    },
    {
      name: "are without one that did not come for an hour",
      rows: [
        [1, "a", "b"],
        [60, "a"],
      ],
      want: ["a"],
    },
    {
      name: "have one again that comes back",
      rows: [
        [1, "a", "b"],
        [60, "a"],
        [1, "b"],
      ],
      want: ["a", "b"],
    },
    { name: "are no more than so many", rows: [[1, "a", "b", "c", "d"]], want: ["a", "b", "c"] },
  ] as const)("$name", ({ rows, want }) => expect(after(...rows)).toEqual(want));

  it.each([
    {
      name: "for an hour after it came last",
      rows: [
        [120, "a", "b"],
        [59, "a"],
      ],
      want: ["a", "b"],
    },
    {
      name: "no longer than that",
      rows: [
        [120, "a", "b"],
        [60, "a"],
      ],
      want: ["a"],
    },
  ] as const)("have one that came for long $name", ({ rows, want }) => expect(after(...rows)).toEqual(want));

  it.each([
    { missed: 9, want: ["a", "b"] },
    { missed: 10, want: ["a"] },
  ])("of a device that is asked rarely are without one that came for long and missed $missed polls: $want", (row) => {
    const components = new Components(3);
    let hour = 0;
    for (let n = 0; n < 20; n++) components.take(["a", "b"], ++hour * 60 * MINUTE_MS);
    for (let n = 0; n < row.missed; n++) components.take(["a"], ++hour * 60 * MINUTE_MS);
    expect(components.names).toEqual(row.want);
  });

  it("stay when a device that is asked rarely has not been asked often enough", () => {
    const components = new Components(3);
    components.take(["a", "b"], 0);
    for (let hour = 1; hour < 10; hour++) components.take(["a"], hour * 60 * MINUTE_MS);
    expect(components.names).toEqual(["a", "b"]);
    components.take(["a"], 10 * 60 * MINUTE_MS);
    expect(components.names).toEqual(["a"]);
  });
});
