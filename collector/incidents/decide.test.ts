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
} satisfies Record<string, IncidentEventBody[]>;
type State = keyof typeof PATHS;
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
} satisfies Record<string, IncidentAction>;

const decide = (state: State, action: IncidentAction, stillFiring = false) =>
  decideAction(incidentIn(state), action, { actor: "user:kim", nowMs: 3_000, stillFiring });

describe("decideAction", () => {
  it.each([
    { state: "new", may: "acknowledge assign start hold note resolve" },
    { state: "acknowledged", may: "assign start hold note resolve" },
    { state: "in_progress", may: "assign hold note resolve" },
    { state: "on_hold", may: "assign resume note resolve" },
    { state: "resolved", may: "note reopen close" },
    { state: "closed", may: "" },
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

  it("writes nothing when it is assigned to whom it is assigned", () => {
    expect(decide("new", { action: "assign", to: null })).toEqual({ ok: true, value: [] });
  });
});
