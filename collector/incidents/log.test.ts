import { CATEGORIES, SEVERITIES } from "@aislewatch/devices";
import type { Rule, Transition } from "@aislewatch/rules";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renamed, renamingOf } from "../privacy/person.ts";
import { decideAction, type IncidentAction } from "./decide.ts";
import { describeEvent } from "./describe.ts";
import { type FactsContext, factsOf } from "./figure-facts.ts";
import { DEFAULT_LIFECYCLE, dueAcknowledgement, dueReview } from "./lifecycle.ts";
import { append, applyEvent, foldIncident, incidentId, isEnded, isOpenState } from "./log.ts";
import { always } from "./sample-log.ts";
import { DEFAULT_SLA_POLICY } from "./sla-policy.ts";
import { dueCloses, fromTransition } from "./transition.ts";
import {
  CANCEL_CODES,
  HOLD_REASONS,
  type Incident,
  type IncidentEvent,
  type IncidentEventBody,
  incidentKey,
  NOTIFICATION_OUTCOMES,
  PRIORITIES,
  RESOLUTION_CODES,
  SLA_CLOCKS,
  TIERS,
} from "./types.ts";

const MINUTE = 60_000;
const FACTS_CONTEXT: FactsContext = {
  ...{ site: always, terms: DEFAULT_SLA_POLICY.standard, nowMs: Date.UTC(2026, 10, 21), cameBackAt: null },
  device: { kind: "ups", vendor: null, model: null, serial: null },
};
const T0 = Date.UTC(2026, 10, 20, 9);
const subject = { site: "berlin-01", device: "ups", component: null };
const opened: IncidentEventBody = {
  type: "opened",
  subject,
  rule: "on-battery",
  ruleVersion: "a1",
  title: "On battery",
  severity: "major",
  category: "power",
  runbook: null,
  onset: T0,
  values: {},
  priority: "P2",
  why: "ups: 0 of 1 work",
  suppressedBy: null,
};
const stamp = { at: T0, recordedAt: T0 + 5, actor: "system" };

describe("the log", () => {
  it("stamps consecutive versions, and folds to what appending gave", () => {
    const { incident, events } = append("INC-000007", null, [opened, { type: "acknowledged" }], stamp);
    expect(events.map((event) => event.seq)).toEqual([1, 2]);
    expect(foldIncident("INC-000007", events)).toEqual(incident);
    expect(incident).toMatchObject({ version: 2, state: "acknowledged", acknowledgedBy: "system", updatedAt: T0 + 5 });
  });

  it.each([
    { name: "an empty log", run: () => foldIncident("INC-1", []) },
    { name: "nothing to append", run: () => append("INC-1", null, [], stamp) },
    {
      name: "a log that does not begin with opened",
      run: () => append("INC-1", null, [{ type: "note", text: "x" }], stamp),
    },
    { name: "opening twice", run: () => append("INC-1", null, [opened, opened], stamp) },
    {
      name: "anything after closed",
      run: () => append("INC-1", null, [opened, { type: "closed" }, { type: "note", text: "x" }], stamp),
    },
    { name: "a hole in the seqs", run: () => applyEvent("INC-1", null, { seq: 2, ...stamp, ...opened }) },
  ])("refuses $name as a bug", ({ run }) => expect(run).toThrow());

  it("has ids that people can say", () =>
    expect([incidentId(7), incidentId(1_234_567)]).toEqual(["INC-000007", "INC-1234567"]));
});

// Anything that may happen to one dedupe key: transitions in any order (also impossible ones, and echoes), actions by
// people, and the clock's own closes. Times only grow, except that echoes repeat older ones.
const severity = fc.constantFrom(...SEVERITIES);
const transition = fc.record({
  kind: fc.constant("transition" as const),
  to: fc.constantFrom("inactive", "pending", "firing", "recovering"),
  severity: fc.option(severity),
  stale: fc.boolean(),
  suppressedBy: fc.option(fc.constantFrom("berlin-01/switch", "berlin-01/host")),
  reason: fc.constantFrom("condition", "clear", "level", "flags", "rule_removed", "device_removed"),
  sinceAgo: fc.constantFrom(0, 1, 5),
  priority: fc.constantFrom(...PRIORITIES),
});
const text = fc.constantFrom("because", "waits for a part");
const assignee = fc.option(fc.constantFrom("kim", "lee"));
const explanation = fc.option(text);
const priority = fc.option(fc.constantFrom(...PRIORITIES));
const person = fc.record({
  kind: fc.constant("person" as const),
  stillFiring: fc.boolean(),
  action: fc.oneof<fc.Arbitrary<IncidentAction>[]>(
    fc.record({ action: fc.constantFrom("acknowledge" as const, "start", "resume", "close") }),
    fc.record({ action: fc.constant("assign" as const), to: assignee }),
    fc.record({ action: fc.constant("hold" as const), reason: fc.constantFrom(...HOLD_REASONS), text: explanation }),
    fc.record({ action: fc.constant("note" as const), text }),
    fc.record({
      action: fc.constant("resolve" as const),
      code: fc.constantFrom(...RESOLUTION_CODES),
      text: explanation,
    }),
    fc.record({ action: fc.constant("reopen" as const), why: text }),
    fc.record({
      action: fc.constant("cancel" as const),
      code: fc.constantFrom(...CANCEL_CODES),
      text: explanation,
    }),
    fc.record({ action: fc.constant("review" as const), text: explanation }),
    fc.record({
      action: fc.constant("set_priority" as const),
      priority,
      why: text,
    }),
    fc.record({ action: fc.constant("correct_onset" as const), onset: fc.nat(), why: text }),
    fc.record({
      action: fc.constant("correct_resolution" as const),
      code: fc.constantFrom(...RESOLUTION_CODES),
      why: text,
    }),
  ),
});
const clock = fc.record({ kind: fc.constant("clock" as const) });
const history = fc.array(
  fc.record({ minutes: fc.constantFrom(1, 10, 45, 6_000), what: fc.oneof(transition, person, clock) }),
  { maxLength: 60 },
);
type What = typeof history extends fc.Arbitrary<(infer S)[]> ? S : never;

const rule: Rule = {
  id: "on-battery",
  group: "power",
  select: "true",
  scope: "device",
  title: "On battery",
  raise: [],
  clear: null,
  keepMs: 0,
  // biome-ignore lint/suspicious/noThenProperty: the word of the rule language.
  missing: { then: "hold", afterMs: 0 },
  dependsOn: [],
  absorbs: [],
  on: null,
  flap: null,
  activeIn: "always",
  category: CATEGORIES[0],
  tier: 1,
  autoCloseMs: 20 * MINUTE,
  runbook: null,
  vars: {},
  mode: "live",
  chart: null,
  version: "a1",
  file: "",
  line: 1,
};

const clockName = fc.constantFrom(...SLA_CLOCKS);
const tier = fc.constantFrom(...TIERS);
const other = fc.constantFrom("INC-000008", "INC-000009");
/** What may be written at any time, and moves no state. */
const fact: fc.Arbitrary<IncidentEventBody> = fc.oneof(
  fc.record({ type: fc.constant("sla_warned" as const), clock: clockName, percent: fc.constantFrom(75, 90) }),
  fc.record({ type: fc.constant("sla_breached" as const), clock: clockName, dueAt: fc.nat() }),
  fc.record({ type: fc.constant("checked" as const), item: text, done: fc.boolean() }),
  fc.record({ type: fc.constant("vendor_ref" as const), vendor: text, ref: text }),
  fc.record({ type: fc.constant("parent_set" as const), incident: fc.option(other), why: text }),
  fc.record({ type: fc.constant("child_added" as const), incident: other }),
  fc.record({ type: fc.constant("child_removed" as const), incident: other, why: text }),
  fc.record({ type: fc.constant("absorbed" as const), from: other }),
  fc.record({ type: fc.constant("assigned" as const), to: assignee, group: fc.option(text) }),
  fc.record({
    type: fc.constant("escalated" as const),
    kind: fc.constantFrom("functional" as const, "hierarchical"),
    tier,
    step: fc.option(fc.nat(5)),
    policy: fc.option(text),
    by: fc.constantFrom("timer" as const, "hand"),
    why: text,
  }),
  fc.record({
    type: fc.constant("pause_claimed" as const),
    from: fc.nat(),
    to: fc.nat(),
    reason: fc.constantFrom(...HOLD_REASONS),
    text,
  }),
  fc.record({
    type: fc.constant("notified" as const),
    notification: text,
    channel: text,
    to: text,
    outcome: fc.constantFrom(...NOTIFICATION_OUTCOMES),
  }),
  fc.record({ type: fc.constant("review_due" as const), times: fc.nat(9), withinMs: fc.nat() }),
  fc.record({ type: fc.constant("reviewed" as const), text: explanation }),
  fc.record({
    type: fc.constant("restated" as const),
    what: fc.constant("priority" as const),
    priority: fc.option(fc.constantFrom(...PRIORITIES)),
    why: text,
  }),
);
const tierAfter = (before: Incident["tier"], event: IncidentEventBody): Incident["tier"] =>
  event.type === "escalated" && event.kind === "functional" ? event.tier : before;

/** Every incident of one key that a history makes, with its log. */
function run(steps: What[]): { incident: Incident; log: IncidentEvent[] }[] {
  const all: { incident: Incident; log: IncidentEvent[] }[] = [];
  let nowMs = T0;
  const write = (bodies: readonly IncidentEventBody[], fresh = false): void => {
    if (bodies.length === 0) return;
    const current = fresh ? undefined : all.at(-1);
    const id = current?.incident.id ?? incidentId(all.length + 1);
    const done = append(id, current?.incident ?? null, bodies, { at: nowMs, recordedAt: nowMs + 1, actor: "user:kim" });
    if (current === undefined) all.push({ incident: done.incident, log: [...done.events] });
    else Object.assign(current, { incident: done.incident, log: [...current.log, ...done.events] });
  };
  for (const { minutes, what } of steps) {
    nowMs += minutes * MINUTE;
    const incident = all.at(-1)?.incident ?? null;
    if (what.kind === "transition") {
      const { to, reason, stale, suppressedBy, sinceAgo, priority } = what;
      const seen: Transition = {
        rule: rule.id,
        ruleVersion: "a1",
        subject,
        at: nowMs,
        from: "inactive",
        to,
        severity: what.severity,
        flags: { stale, suppressedBy },
        title: "On battery",
        since: nowMs - sinceAgo * MINUTE,
        values: {},
        reason,
      };
      const outcome = fromTransition(incident, seen, rule, { priority: { priority, why: "because" } });
      write(outcome.events);
      write(outcome.open === null ? [] : [outcome.open], true);
    } else if (what.kind === "person" && incident !== null) {
      const found = { priority: "P2" as const, why: "as found" };
      const context = { actor: "user:kim", nowMs, stillFiring: what.stillFiring, priority: found };
      const decided = decideAction(incident, what.action, context);
      if (decided.ok) write(decided.value);
    } else if (incident !== null) {
      const context = { rules: new Map([[rule.id, rule]]), lifecycle: DEFAULT_LIFECYCLE, find: () => null };
      write(dueAcknowledgement(incident, DEFAULT_LIFECYCLE, nowMs));
      const others = all.slice(0, -1).map((one) => one.incident);
      write(dueReview(all.at(-1)?.incident ?? incident, others, DEFAULT_LIFECYCLE, nowMs));
      for (const due of dueCloses([all.at(-1)?.incident ?? incident], context, nowMs).slice(0, 1)) write(due.events);
    }
  }
  return all;
}

describe("whatever happens to a key", () => {
  it("never leads to a state that has no meaning", () => {
    fc.assert(
      fc.property(history, (steps) => {
        for (const { incident } of run(steps)) {
          const { state } = incident;
          const over = state === "resolved" || state === "closed";
          expect(incident.resolvedAt !== null).toBe(over);
          expect(incident.resolutionCode !== null).toBe(over);
          expect(incident.closedAt !== null).toBe(isEnded(incident));
          expect(incident.cancelCode !== null).toBe(state === "cancelled");
          expect(incident.merged !== null).toBe(state === "merged");
          expect(incident.holdText === null || incident.holdReason !== null).toBe(true);
          expect(incident.holdReason !== null).toBe(state === "on_hold");
          expect(incident.acknowledgedAt === null).toBe(incident.acknowledgedBy === null);
          if (state === "new") expect(incident.acknowledgedAt).toBeNull();
          if (isOpenState(state) && state !== "new") expect(incident.acknowledgedAt).not.toBeNull();
        }
      }),
      { numRuns: 500 },
    );
  });

  it("keeps one incident of a key that is not ended, and never touches an ended one", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const all = run(steps);
        for (const { incident, log } of all) {
          expect(incidentKey(incident.rule, incident.subject)).toBe("berlin-01|ups||on-battery");
          const end = log.findIndex(({ type }) => type === "closed" || type === "cancelled");
          expect(end + 1 || log.length).toBe(log.length);
        }
        for (const { incident } of all.slice(0, -1)) expect(isEnded(incident)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("folds to the same but for the name when a person has another one, and counts the same", () => {
    const renaming = renamingOf(["kim"], "erased-aaaaaaaaaaaa", { inText: true });
    fc.assert(
      fc.property(history, (steps) => {
        for (const { incident, log } of run(steps)) {
          const other = log.map((event) => renamed(event, renaming).value);
          expect(foldIncident(incident.id, other)).toEqual(renamed(incident, renaming).value);
          expect(JSON.stringify(other)).not.toContain("kim");
          expect(factsOf(incident.id, other, FACTS_CONTEXT)).toEqual(factsOf(incident.id, log, FACTS_CONTEXT));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("folds every log to its incident, with versions that follow each other", () => {
    fc.assert(
      fc.property(history, (steps) => {
        for (const { incident, log } of run(steps)) {
          expect(log.map((event) => event.seq)).toEqual(log.map((_, index) => index + 1));
          expect(foldIncident(incident.id, log)).toEqual(incident);
          expect(incident.recurrences).toBe(log.filter((event) => event.type === "fired_again").length);
        }
      }),
    );
  });

  it("keeps its state, whatever clocks and other incidents write into it", () => {
    fc.assert(
      fc.property(history, fc.array(fact, { maxLength: 20 }), (steps, facts) => {
        const before = run(steps).at(-1)?.incident;
        if (before === undefined || isEnded(before)) return;
        const { incident, events } = append(before.id, before, [{ type: "note", text: "x" }, ...facts], stamp);
        const { state, acknowledgedAt, recoveredAt, holdReason, resolutionCode } = before;
        expect(incident).toMatchObject({ state, acknowledgedAt, recoveredAt, holdReason, resolutionCode });
        const again = events.reduce<Incident>((one, event) => applyEvent(one.id, one, event), before);
        expect(again).toEqual(incident);
        expect(incident.children).toBeGreaterThanOrEqual(0);
        expect(new Set(incident.checked).size).toBe(incident.checked.length);
        expect(incident.tier).toBe(facts.reduce(tierAfter, before.tier));
        for (const event of events) expect(describeEvent(event)).toMatch(/^[A-Z\dx].*/);
      }),
    );
  });

  it("has a sentence for each event", () => {
    fc.assert(
      fc.property(history, (steps) => {
        for (const { log } of run(steps)) for (const event of log) expect(describeEvent(event)).toMatch(/^[A-Zbw].+/);
      }),
      { numRuns: 50 },
    );
  });
});

describe("describeEvent", () => {
  it("tells the whole story", () => {
    const bodies: IncidentEventBody[] = [
      { ...opened, suppressedBy: "berlin-01/switch" },
      { type: "unsuppressed" },
      { type: "level_changed", severity: "critical", title: "On battery, 4 min left", values: {} },
      { type: "priority_changed", priority: "P1", why: "ups: 0 of 1 work; critical; open for customers" },
      { type: "suppressed", by: "berlin-01/host" },
      { type: "stale" },
      { type: "fresh" },
      { type: "recovered", values: {} },
      { type: "fired_again", onset: T0, severity: "major", title: "On battery", values: {} },
      { type: "acknowledged" },
      { type: "assigned", to: "kim" },
      { type: "assigned", to: null },
      { type: "started" },
      { type: "held", reason: "awaiting_vendor", text: "the electrician comes at 3" },
      { type: "resumed" },
      { type: "note", text: "Breaker 4 was off." },
      { type: "resolved", code: "user_handling", text: "breaker back on" },
      { type: "reopened", why: "The fault came back." },
      { type: "resolved", code: "no_fault_found", text: null },
      { type: "reopened", why: "It is the other breaker." },
      { type: "acknowledged" },
      { type: "ack_expired", why: "severity" },
      { type: "acknowledged" },
      { type: "assigned", to: null, group: "field-north", tier: 2 },
      {
        type: "escalated",
        ...{ kind: "functional", tier: 3, step: 1, policy: "stores", by: "timer", why: "nobody came in 30 min" },
      },
      {
        type: "escalated",
        ...{ kind: "hierarchical", tier: 3, step: null, policy: null, by: "hand", why: "the store is closed" },
      },
      {
        type: "escalated",
        ...{ kind: "hierarchical", tier: 0, step: 0, policy: "stores", by: "timer", why: "as soon as it was opened" },
      },
      { type: "checked", item: "Look at the breaker", done: true },
      { type: "checked", item: "Look at the breaker", done: false },
      { type: "vendor_ref", vendor: "APC", ref: "RMA-17" },
      { type: "sla_warned", clock: "restore", percent: 75 },
      { type: "sla_breached", clock: "restore", dueAt: T0 },
      { type: "pause_claimed", from: T0, to: T0 + 30 * MINUTE, reason: "awaiting_site_access", text: "locked" },
      { type: "notified", notification: "n1", channel: "email", to: "noc@example.com", outcome: "delivered" },
      { type: "parent_set", incident: "INC-000009", why: "the switch above it is down" },
      { type: "parent_set", incident: null, why: "it outlived it" },
      { type: "child_added", incident: "INC-000010" },
      { type: "child_removed", incident: "INC-000010", why: "it outlived it" },
      { type: "absorbed", from: "INC-000002" },
      { type: "split", into: "INC-000002" },
      { type: "merged", into: "INC-000003" },
      { type: "split", from: "INC-000003" },
      { type: "review_due", times: 4, withinMs: 48 * 60 * MINUTE },
      { type: "reviewed", text: "the plug is loose" },
      { type: "restated", what: "priority", priority: "P1", why: "the till for the fire alarm" },
      { type: "restated", what: "priority", priority: null, why: "moved" },
      { type: "restated", what: "onset", onset: T0, why: "the cashier saw it at nine" },
      { type: "resolved", code: "swapped", text: "a new unit", tier: 2, followUp: "send the old one in" },
      { type: "restated", what: "resolution", code: "rma", why: "it was sent in" },
      { type: "reopened", why: "It is a test." },
      { type: "cancelled", code: "test", text: null },
    ];
    const { events } = append("INC-000001", null, bodies, stamp);
    expect(events.map(describeEvent).join("\n")).toMatchInlineSnapshot(`
      "Opened as P2 (ups: 0 of 1 work): On battery; nobody is called while berlin-01/switch is down.
      What it was put down to is over; it counts by itself.
      Now critical: On battery, 4 min left.
      Priority is now P1 (ups: 0 of 1 work; critical; open for customers).
      Nobody is called while berlin-01/host is down.
      The values are too old to tell; what was last known stands.
      Fresh values are here again.
      The fault cured itself.
      The fault came back (major): On battery.
      Acknowledged.
      Assigned to kim.
      Assigned to nobody.
      Work started.
      On hold, awaiting vendor: the electrician comes at 3
      Work resumed.
      Breaker 4 was off.
      Resolved (user handling): breaker back on
      Reopened: The fault came back.
      Resolved (no fault found).
      Reopened: It is the other breaker.
      Acknowledged.
      The acknowledgement is over: the fault got worse.
      Acknowledged.
      Assigned to group field-north, tier 2 (field support).
      Escalated to tier 3 (engineering): nobody came in 30 min.
      Escalated upwards by hand: the store is closed.
      Tier 0, without anybody being asked: as soon as it was opened.
      Done: Look at the breaker.
      Not done after all: Look at the breaker.
      At APC it is RMA-17.
      75 % of the time to restore is used up.
      The time to restore is over.
      It had waited for 30 min, awaiting site access: locked
      Told noc@example.com by email.
      A consequence of INC-000009: the switch above it is down.
      It stands for itself: it outlived it.
      INC-000010 is a consequence of this.
      INC-000010 is no consequence of this any more: it outlived it.
      INC-000002 is merged into this one.
      INC-000002 stands for itself again.
      Merged into INC-000003, where people work on it.
      Split off INC-000003 again.
      For review: it cured itself 4 times in 48 h.
      Reviewed: the plug is loose
      The priority is P1, whatever the collector finds: the till for the fire alarm
      The priority is the collector's to find again: moved
      It began at another time than was known: the cashier saw it at nine
      Resolved (swapped): a new unit Still to do: send the old one in
      What solved it was rma: it was sent in
      Reopened: It is a test.
      Cancelled (test)."
    `);
  });
});
