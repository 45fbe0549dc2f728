import { expect, it } from "vitest";
import { sampleIncident } from "../api/sample-incident.ts";
import { actionsOf, holdReasonText, isPickedCode, needsReason, takesNotes } from "./actions.ts";

const RARE = ["priority", "merge", "cancel"] as const;

it.each([
  { state: "new", actions: ["acknowledge", "assign", "start", "hold", "resolve", ...RARE], notes: true },
  { state: "acknowledged", actions: ["start", "assign", "hold", "resolve", ...RARE], notes: true },
  { state: "in_progress", actions: ["hold", "assign", "resolve", ...RARE], notes: true },
  { state: "on_hold", actions: ["resume", "assign", "resolve", ...RARE], notes: true },
  { state: "resolved", actions: ["reopen", "close"], notes: true },
  { state: "closed", actions: [], notes: false },
  { state: "cancelled", actions: [], notes: false },
  { state: "merged", actions: ["split"], notes: true },
] as const)("offers what a $state incident takes", ({ state, actions, notes }) => {
  const incident = sampleIncident({ state });
  expect(actionsOf(incident)).toEqual(actions);
  expect(takesNotes(incident)).toBe(notes);
});

it("offers a review of what cures itself too often, while it is open to one", () => {
  const review = { since: 1, times: 4, withinMs: 1 };
  expect(actionsOf(sampleIncident({ state: "new", review }))[0]).toBe("review");
  expect(actionsOf(sampleIncident({ state: "closed", review }))).toEqual([]);
  expect(takesNotes(sampleIncident({ state: "merged", closedAt: 5 }))).toBe(false);
});

it("says what it waits for, also when that was written before there was a list", () => {
  expect([holdReasonText("awaiting_part"), holdReasonText("unlisted")]).toEqual(["waits for a part", "waits"]);
});

it("asks for a reason only while the fault still fires", () => {
  expect(needsReason(sampleIncident())).toBe(true);
  expect(needsReason(sampleIncident({ recoveredAt: 5 }))).toBe(false);
});

it("leaves the collector's own codes to the collector", () => {
  expect(["cleaned", "rule_removed", "device_removed", "toString"].map(isPickedCode)).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
