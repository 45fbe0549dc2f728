import { describe, expect, it } from "vitest";
import { sampleIncident } from "../api/sample-incident.ts";
import { MARKED_MAX, markedOf, NO_MARKS, toggled, toggledAll } from "./marks.ts";
import type { Row } from "./rows.ts";

const row = (id: string): Row => ({ type: "incident", key: id, incident: sampleIncident({ id }), nested: false });
const group: Row = {
  type: "group",
  key: "G",
  parent: null,
  behind: "x",
  siteName: "x",
  count: 2,
  standing: 2,
  worst: "P1",
  unfolded: false,
};
const rows = [row("A"), group, row("B"), row("C")];

describe("marks", () => {
  it("come and go", () => {
    const marked = toggled(toggled(NO_MARKS, "A"), "B");
    expect([...marked]).toEqual(["A", "B"]);
    expect([...toggled(marked, "A")]).toEqual(["B"]);
  });

  it("are of all that is shown, and then of none", () => {
    const all = toggledAll(toggled(NO_MARKS, "B"), rows);
    expect([...all]).toEqual(["A", "B", "C"]);
    expect(toggledAll(all, rows)).toBe(NO_MARKS);
    expect(toggledAll(NO_MARKS, []).size).toBe(0);
  });

  it("are bounded", () => {
    const many = Array.from({ length: MARKED_MAX + 10 }, (_, n) => row(`I${n}`));
    const all = toggledAll(NO_MARKS, many);
    expect(all.size).toBe(MARKED_MAX);
    expect(toggled(all, "more").size).toBe(MARKED_MAX);
    expect(toggledAll(all, many)).toBe(NO_MARKS);
  });

  it("count only while their incident is listed, in the order of the board", () => {
    expect(markedOf(new Set(["C", "A", "gone"]), rows).map(({ id }) => id)).toEqual(["A", "C"]);
  });
});
