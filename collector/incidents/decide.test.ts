import { describe, expect, it } from "vitest";
import { decideAction, type IncidentAction } from "./decide.ts";
import { append } from "./log.ts";
import type { Incident, IncidentEventBody } from "./types.ts";

const OPENED: IncidentEventBody = {
  type: "opened",
  subject: { site: "berlin-01", device: "receiving/label-printer", component: null },
  rule: "media-out",
  ruleVersion: "a1",
  title: "Label media out",
  severity: "critical",
  category: "consumable",
  runbook: "label-printer/media-out",
  onset: 1_000,
  values: { media_out: true },
  priority: "P1",
  why: "label printer at receiving: 0 of 1 work",
  suppressedBy: null,
};
const stamp = { at: 2_000, recordedAt: 2_001, actor: "user:kim" };
const PATHS = {
  new: [],
  acknowledged: [{ type: "acknowledged" }],
  in_progress: [{ type: "acknowledged" }, { type: "started" }],
  on_hold: [{ type: "acknowledged" }, { type: "held", reason: "awaiting_part", text: null }],
  resolved: [{ type: "resolved", code: "cleaned", text: null }],
  closed: [{ type: "resolved", code: "cleaned", text: null }, { type: "closed" }],
  cancelled: [{ type: "cancelled", code: "test", text: null }],
  merged: [{ type: "merged", into: "INC-000002" }],
} satisfies Record<string, IncidentEventBody[]>;
type State = keyof typeof PATHS;
const OPEN = "cancel check vendor set_priority correct_onset";
const incidentIn = (state: State): Incident => append("INC-000001", null, [OPENED, ...PATHS[state]], stamp).incident;

const ACTIONS = {
  acknowledge: { action: "acknowledge" },
  assign: { action: "assign", to: "kim" },
  start: { action: "start" },
  hold: { action: "hold", reason: "awaiting_part", text: "ordered" },
  resume: { action: "resume" },
  note: { action: "note", text: "called the store" },
  resolve: { action: "resolve", code: "cleaned", text: null },
  reopen: { action: "reopen", why: "not fixed" },
  close: { action: "close" },
  cancel: { action: "cancel", code: "false_positive", text: null },
  check: { action: "check", item: "Look", done: true },
  vendor: { action: "vendor", vendor: "Zebra", ref: "RMA-1" },
  review: { action: "review", text: null },
  set_priority: { action: "set_priority", priority: "P3", why: "a spare" },
  correct_onset: { action: "correct_onset", onset: 500, why: "seen before" },
  correct_resolution: { action: "correct_resolution", code: "rma", why: "it was sent in" },
} satisfies Record<string, IncidentAction>;

const context = (stillFiring = false, actor = "user:kim") => ({
  ...{ actor, nowMs: 3_000, stillFiring },
  priority: { priority: "P2" as const, why: "1 of 2 work" },
});
const decide = (state: State, action: IncidentAction, stillFiring = false) =>
  decideAction(incidentIn(state), action, context(stillFiring));

describe("decideAction", () => {
  it.each([
    { state: "new", may: `acknowledge assign start hold note resolve ${OPEN}` },
    { state: "acknowledged", may: `acknowledge assign start hold note resolve ${OPEN}` },
    { state: "in_progress", may: `assign hold note resolve ${OPEN}` },
    { state: "on_hold", may: `assign resume note resolve ${OPEN}` },
    { state: "resolved", may: "note reopen close check vendor correct_onset correct_resolution" },
    { state: "closed", may: "" },
    { state: "cancelled", may: "" },
    { state: "merged", may: "note" },
  ] as const)("allows on a $state incident: $may", ({ state, may }) => {
    const allowed = Object.entries(ACTIONS).filter(([, action]) => decide(state, action).ok);
    expect(allowed.map(([name]) => name).join(" ")).toBe(may);
  });

  it("takes acting on a new incident as acknowledging it", () => {
    for (const action of [ACTIONS.start, ACTIONS.hold, ACTIONS.resolve]) {
      const decided = decide("new", action);
      expect(decided.ok && decided.value[0]?.type).toBe("acknowledged");
    }
  });

  it("wants a reason for resolving while the fault still stands", () => {
    const bare = decide("in_progress", ACTIONS.resolve, true);
    expect(bare).toMatchObject({ ok: false, error: { code: "text_needed" } });
    expect(decide("in_progress", { ...ACTIONS.resolve, text: "  " }, true).ok).toBe(false);
    expect(decide("in_progress", { ...ACTIONS.resolve, text: " printer moved out " }, true)).toEqual({
      ok: true,
      value: [{ type: "resolved", code: "cleaned", text: "printer moved out" }],
    });
  });

  it.each([
    { name: "a code of the collector's own", state: "new", action: { ...ACTIONS.resolve, code: "rule_removed" } },
    {
      name: "self-recovery of a fault that stands",
      state: "new",
      action: { ...ACTIONS.resolve, code: "self_recovered", text: "x" },
    },
    { name: "closing what still stands", state: "resolved", action: ACTIONS.close },
  ] as const)("refuses $name", ({ state, action }) => {
    expect(decide(state, action, true)).toMatchObject({ ok: false, error: { code: "not_allowed" } });
  });

  it("refuses what was decided on an older version, and says which", () => {
    expect(decide("acknowledged", { action: "start", version: 1 })).toEqual({
      ok: false,
      error: { code: "conflict", message: "INC-000001 has changed since (version 2, not 1)." },
    });
  });

  it("lets whoever acknowledged it say so again, and nobody else", () => {
    const again = (actor: string) =>
      decideAction(incidentIn("acknowledged"), ACTIONS.acknowledge, context(true, actor));
    expect(again("user:kim")).toEqual({ ok: true, value: [{ type: "acknowledged" }] });
    expect(again("user:lee")).toMatchObject({ error: { code: "not_allowed" } });
  });

  it("wants a reason for cancelling while the fault still stands", () => {
    expect(decide("new", ACTIONS.cancel, true)).toMatchObject({ error: { code: "text_needed" } });
    expect(decide("new", { ...ACTIONS.cancel, text: "the shelf is empty on purpose" }, true)).toEqual({
      ok: true,
      value: [{ type: "cancelled", code: "false_positive", text: "the shelf is empty on purpose" }],
    });
  });

  it("does not cancel what others are merged into", () => {
    const { incident } = append("INC-000001", null, [OPENED, { type: "absorbed", from: "INC-000002" }], stamp);
    expect(decideAction(incident, ACTIONS.cancel, context())).toMatchObject({
      error: { code: "not_allowed", message: expect.stringContaining("INC-000002") },
    });
  });

  it("keeps a priority that a person set until they give it back, and then takes what the collector finds", () => {
    const set = decide("new", ACTIONS.set_priority);
    const { incident } = append("INC-000001", null, [OPENED, ...(set.ok ? set.value : [])], stamp);
    expect(incident).toMatchObject({ priority: "P3", priorityWhy: "a spare", isPriorityPinned: true });
    expect(decideAction(incident, ACTIONS.set_priority, context())).toEqual({ ok: true, value: [] });
    const back = decideAction(incident, { action: "set_priority", priority: null, why: "in use" }, context());
    expect(append(incident.id, incident, back.ok ? back.value : [], stamp).incident).toMatchObject({
      priority: "P2",
      priorityWhy: "1 of 2 work",
      isPriorityPinned: false,
    });
    expect(decide("new", { action: "set_priority", priority: null, why: "x" })).toEqual({ ok: true, value: [] });
  });

  it("takes no onset from the future", () => {
    expect(decide("new", { ...ACTIONS.correct_onset, onset: 3_001 })).toMatchObject({ error: { code: "not_allowed" } });
  });

  it("takes no onset in seconds, nor any other of more than a year before it was found", () => {
    const year = 366 * 86_400_000;
    const incident = { ...incidentIn("new"), openedAt: 1_795_346_311_744 };
    const given = (onset: number) =>
      decideAction(incident, { ...ACTIONS.correct_onset, onset }, { ...context(), nowMs: incident.openedAt }).ok;
    expect([given(incident.openedAt - year), given(incident.openedAt - year - 1)]).toEqual([true, false]);
    expect(given(1_795_346_311)).toBe(false);
  });

  it.each([
    { name: "a step that is done", setup: { type: "checked", item: "Look", done: true }, action: ACTIONS.check },
    {
      name: "a number that is known",
      setup: { type: "vendor_ref", vendor: "Zebra", ref: "RMA-1" },
      action: ACTIONS.vendor,
    },
    {
      name: "a group and tier that have it",
      setup: { type: "assigned", to: "kim", group: "field", tier: 2 },
      action: { action: "assign", to: "kim", group: "field", tier: 2 },
    },
  ] as const)("writes nothing for $name", ({ setup, action }) => {
    const { incident } = append("INC-000001", null, [OPENED, setup], stamp);
    expect(decideAction(incident, action, context())).toEqual({ ok: true, value: [] });
  });

  it("names a group and a tier only when they change", () => {
    expect(decide("new", { action: "assign", to: null, group: "field", tier: 1 })).toEqual({
      ok: true,
      value: [{ type: "assigned", to: null, group: "field" }],
    });
  });

  it("says who solved it and what is still to do", () => {
    expect(decide("in_progress", { ...ACTIONS.resolve, tier: 2, followUp: " send it in " })).toEqual({
      ok: true,
      value: [{ type: "resolved", code: "cleaned", text: null, tier: 2, followUp: "send it in" }],
    });
  });

  it("writes nothing when it is assigned to whom it is assigned", () => {
    expect(decide("new", { action: "assign", to: null })).toEqual({ ok: true, value: [] });
  });
});
