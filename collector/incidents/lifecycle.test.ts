import { describe, expect, it } from "vitest";
import {
  acknowledgementExpiresAt,
  closesAt,
  DEFAULT_LIFECYCLE,
  dueAcknowledgement,
  dueReview,
  type LifecyclePolicy,
  reopensUntil,
} from "./lifecycle.ts";
import { append } from "./log.ts";
import type { Incident, IncidentEventBody } from "./types.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const T0 = Date.UTC(2026, 10, 20, 9);
const OPENED: IncidentEventBody = {
  type: "opened",
  subject: { site: "s1", device: "printer", component: null },
  ...{ rule: "media-out", ruleVersion: "1", title: "Media out", severity: "major", category: "consumable" },
  ...{ runbook: null, onset: T0, values: {}, priority: "P2", why: "1 of 2", suppressedBy: null },
} as const;
/** Events at minutes after the onset, by a person unless they are of the fault. */
type Step = readonly [number, IncidentEventBody, "system"?];
function incidentOf(...steps: Step[]): Incident {
  let { incident } = append("INC-000001", null, [OPENED], { at: T0, recordedAt: T0, actor: "system" });
  for (const [minute, body, actor = "user:kim"] of steps) {
    const at = T0 + minute * MINUTE;
    incident = append(incident.id, incident, [body], { at, recordedAt: at, actor }).incident;
  }
  return incident;
}
const min = (n: number): number => T0 + n * MINUTE;
const acknowledged: Step = [1, { type: "acknowledged" }];
const recovered = (at: number): Step => [at, { type: "recovered", values: {} }, "system"];
const resolved = (at: number, code: "cleaned" | "self_recovered"): Step => [at, { type: "resolved", code, text: null }];

describe("an acknowledgement", () => {
  it.each([
    { name: "runs out", steps: [acknowledged], at: min(31) },
    {
      name: "counts from the last thing that a person did",
      steps: [acknowledged, [10, { type: "note", text: "x" }]],
      at: min(40),
    },
    {
      name: "and not from what the collector wrote",
      steps: [acknowledged, [10, { type: "stale" }, "system"]],
      at: min(31),
    },
    {
      name: "goes by the priority of now",
      steps: [acknowledged, [2, { type: "priority_changed", priority: "P1", why: "x" }, "system"]],
      at: min(16),
    },
    {
      name: "of P5 stays",
      steps: [acknowledged, [2, { type: "priority_changed", priority: "P5", why: "x" }, "system"]],
      at: null,
    },
    { name: "is none before", steps: [], at: null },
    { name: "that led to work stays", steps: [acknowledged, [2, { type: "started" }]], at: null },
    { name: "of a fault that is over stays", steps: [acknowledged, recovered(3)], at: null },
    {
      name: "of what calls nobody stays",
      steps: [acknowledged, [2, { type: "suppressed", by: "s1/switch" }, "system"]],
      at: null,
    },
  ] as { name: string; steps: Step[]; at: number | null }[])("$name", ({ steps, at }) => {
    const incident = incidentOf(...steps);
    expect(acknowledgementExpiresAt(incident, DEFAULT_LIFECYCLE)).toBe(at);
    if (at === null) return;
    expect(dueAcknowledgement(incident, DEFAULT_LIFECYCLE, at - 1)).toEqual([]);
    expect(dueAcknowledgement(incident, DEFAULT_LIFECYCLE, at)).toEqual([{ type: "ack_expired", why: "timeout" }]);
  });

  it("that ran out makes it new, and says whose it was", () => {
    expect(incidentOf(acknowledged, [31, { type: "ack_expired", why: "timeout" }, "system"])).toMatchObject({
      state: "new",
      acknowledgedBy: null,
      ackExpired: { at: min(31), by: "user:kim", why: "timeout" },
    });
  });
});

describe("the reopen window", () => {
  const policy: LifecyclePolicy = {
    ...DEFAULT_LIFECYCLE,
    reopen: {
      ...DEFAULT_LIFECYCLE.reopen,
      recoveredMs: { ...DEFAULT_LIFECYCLE.reopen.recoveredMs, P2: HOUR },
    },
  };
  it.each([
    { name: "of a fault that stands is not open", steps: [], until: 0, closes: null },
    { name: "goes by its priority", steps: [recovered(4)], until: min(64), closes: null },
    {
      name: "is short when it resolved by itself",
      steps: [recovered(4), resolved(5, "self_recovered")],
      until: min(65),
      closes: min(65),
    },
    {
      name: "is long when a person resolved it",
      steps: [recovered(4), resolved(5, "cleaned")],
      until: min(5 + 24 * 60),
      closes: min(5 + 72 * 60),
    },
    {
      name: "is long from the resolution, the fault being over or not",
      steps: [resolved(5, "cleaned"), recovered(9)],
      until: min(5 + 24 * 60),
      closes: min(9 + 72 * 60),
    },
  ] as { name: string; steps: Step[]; until: number; closes: number | null }[])("$name", ({ steps, until, closes }) => {
    const incident = incidentOf(...steps);
    expect(reopensUntil(incident, policy)).toBe(until);
    if (closes !== null) expect(closesAt(incident, policy)).toBe(closes);
  });
});

describe("a fault that cures itself", () => {
  const again = (at: number): Step => [
    at,
    { type: "fired_again", onset: min(at), severity: "major", title: "x", values: {} },
    "system",
  ];
  const often = (times: number, ...before: Step[]): Incident =>
    incidentOf(
      ...before,
      ...Array.from({ length: times }, (_, n) => [...(n > 0 ? [again(n * 10)] : []), recovered(n * 10 + 5)]).flat(),
    );

  it.each([
    { name: "four times is for review", incident: often(4), earlier: [], due: 4 },
    { name: "three times is not", incident: often(3), earlier: [], due: null },
    { name: "counts over the incidents of its key", incident: often(2), earlier: [often(1), often(1)], due: 4 },
    {
      name: "does not count what somebody was working on",
      incident: often(4, acknowledged, [2, { type: "started" }]),
      earlier: [],
      due: null,
    },
    {
      name: "does not count what something else explains",
      incident: often(4, [1, { type: "suppressed", by: "s1/switch" }, "system"]),
      earlier: [],
      due: null,
    },
    {
      name: "counts anew after somebody found out why",
      incident: incidentOf(
        recovered(1),
        [2, { type: "review_due", times: 9, withinMs: 1 }, "system"],
        [3, { type: "reviewed", text: null }],
        again(4),
        recovered(5),
      ),
      earlier: [],
      due: null,
    },
    {
      name: "and after somebody said what it was",
      incident: incidentOf(recovered(1), resolved(2, "cleaned")),
      earlier: [often(3)],
      due: null,
    },
  ])("$name", ({ incident, earlier, due }) => {
    const events = due === null ? [] : [{ type: "review_due", times: due, withinMs: 7 * 24 * HOUR }];
    expect(dueReview(incident, earlier, DEFAULT_LIFECYCLE, min(60))).toEqual(events);
  });

  it("is forgotten after a while, asked for once, and never when the policy says so", () => {
    const due = (incident: Incident, policy = DEFAULT_LIFECYCLE, at = min(60)) =>
      dueReview(incident, [], policy, at).length;
    expect(due(often(4), DEFAULT_LIFECYCLE, min(60) + 8 * 24 * HOUR)).toBe(0);
    expect(due(often(4), { ...DEFAULT_LIFECYCLE, review: null })).toBe(0);
    expect(due(incidentOf(recovered(1), [2, { type: "review_due", times: 4, withinMs: 1 }, "system"]))).toBe(0);
  });
});
