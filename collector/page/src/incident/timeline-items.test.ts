import { describe, expect, it } from "vitest";
import type { IncidentEvent } from "../api/types.ts";
import { timelineItems } from "./timeline-items.ts";

const events = (types: readonly string[]): IncidentEvent[] =>
  types.map((type, index) => ({
    ...{
      seq: index + 1,
      at: index,
      recordedAt: index,
      actor: "system",
      late: false,
      type,
      text: `${type} ${index + 1}`,
    },
    detail: { incident: `INC-${index + 1}` },
  }));

describe("the timeline", () => {
  it.each([
    { name: "shows each event, newest first", types: ["opened", "note"], lines: ["note 2", "opened 1"] },
    {
      name: "shows a few consequences one by one",
      types: ["child_added", "child_added", "child_added"],
      lines: ["child_added 3", "child_added 2", "child_added 1"],
    },
    {
      name: "takes many that came in a row for one line",
      types: ["opened", ...Array.from({ length: 40 }, () => "child_added"), "acknowledged", "child_added"],
      lines: [
        "child_added 43",
        "acknowledged 42",
        "40 incidents are consequences of this: INC-2, INC-3, INC-4 and 37 more.",
        "opened 1",
      ],
    },
    {
      name: "and those that went",
      types: Array.from({ length: 4 }, () => "child_removed"),
      lines: ["4 incidents are no consequences of this any more: INC-1, INC-2, INC-3 and 1 more."],
    },
  ])("$name", ({ types, lines }) => {
    expect(timelineItems(events(types)).map(({ text }) => text)).toEqual(lines);
  });
});
