import { expect, it } from "vitest";
import type { IncidentEvent } from "../api/types.ts";
import { lastAct } from "./perform.ts";

const event = (seq: number, actor: string, text: string): IncidentEvent => ({
  ...{ seq, actor, text, at: seq, recordedAt: seq, late: false, type: "note", detail: {} },
});

it.each([
  {
    name: "a person before the collector",
    events: [event(3, "user:anna", "Assigned to anna."), event(4, "system", "Priority is now P1.")],
    told: { who: "anna", what: " (Assigned to anna.)" },
  },
  {
    name: "the collector",
    events: [event(3, "system", "Recovered.")],
    told: { who: "The collector", what: " (Recovered.)" },
  },
  { name: "nobody, when nothing is newer", events: [event(1, "user:anna", "x")], told: { who: "Somebody", what: "" } },
  {
    name: "long words in short",
    events: [event(3, "user:anna", "x".repeat(500))],
    told: { who: "anna", what: ` (${"x".repeat(120)}…)` },
  },
])("whoever was faster is $name", ({ events, told }) => expect(lastAct(events, 2)).toEqual(told));
