import type { Rule, Transition } from "@aislewatch/rules";
import { describe, expect, it } from "vitest";
import { DEFAULT_LIFECYCLE } from "./lifecycle.ts";
import { append } from "./log.ts";
import { MEDIA_OUT } from "./sample-rule.ts";
import { dueCloses, fromTransition, reassessed } from "./transition.ts";
import type { Incident, IncidentEventBody } from "./types.ts";

const REOPEN_WINDOW_MS = DEFAULT_LIFECYCLE.reopen.recoveredMs.P1;
const CLOSE_AFTER_MS = DEFAULT_LIFECYCLE.closeAfterMs;
const T0 = Date.UTC(2026, 10, 20, 9);
const MINUTE = 60_000;

const rule = MEDIA_OUT;
const fires = (atMinute: number, rest: Partial<Transition> = {}): Transition => ({
  rule: rule.id,
  ruleVersion: "a1",
  subject: { site: "berlin-01", device: "receiving/label-printer", component: null },
  at: T0 + atMinute * MINUTE,
  from: "inactive",
  to: "firing",
  severity: "major",
  flags: { stale: false, suppressedBy: null },
  title: "Label media out",
  since: T0 + atMinute * MINUTE,
  values: { media_out: true },
  reason: "condition",
  ...rest,
});
const clears = (atMinute: number, rest: Partial<Transition> = {}): Transition =>
  fires(atMinute, { from: "firing", to: "inactive", severity: null, reason: "clear", values: {}, ...rest });
/** The same fault, still firing since T0, with something changed. */
const changes = (atMinute: number, rest: Partial<Transition>): Transition =>
  fires(atMinute, { from: "firing", since: T0, reason: "level", ...rest });

const priority = { priority: "P1", why: "last one" } as const;
const step = (incident: Incident | null, transition: Transition, of: Rule | null = rule) =>
  fromTransition(incident, transition, of, { priority });

/** Runs transitions and actions by people through one key; gives every incident that this makes, oldest first. */
function play(...steps: (Transition | { at: number; do: IncidentEventBody[] })[]): Incident[] {
  const all: Incident[] = [];
  for (const one of steps) {
    const current = all.at(-1) ?? null;
    if ("do" in one) {
      const at = T0 + one.at * MINUTE;
      if (current)
        all[all.length - 1] = append(current.id, current, one.do, { at, recordedAt: at, actor: "user:kim" }).incident;
      continue;
    }
    const stamp = { at: one.at, recordedAt: one.at, actor: "system" };
    const { events, open } = step(current, one);
    if (current !== null) {
      if (events.length > 0) all[all.length - 1] = append(current.id, current, events, stamp).incident;
    } else expect(events).toEqual([]);
    if (open !== null) all.push(append(`INC-00000${all.length + 1}`, null, [open], stamp).incident);
  }
  return all;
}

describe("fromTransition", () => {
  it("opens an incident when a fault fires", () => {
    expect(play(fires(0))).toMatchObject([
      { id: "INC-000001", state: "new", onset: T0, openedAt: T0, severity: "major", priority: "P1", version: 1 },
    ]);
  });

  it("leaves a fault that recovered open for review", () => {
    expect(play(fires(0), clears(4))).toMatchObject([{ state: "new", recoveredAt: T0 + 4 * MINUTE }]);
  });

  it.each([
    { name: "pending opens nothing", transition: fires(0, { to: "pending", severity: null }), of: rule },
    { name: "a shadow rule opens nothing", transition: fires(0), of: { ...rule, mode: "shadow" as const } },
    { name: "a removed rule opens nothing", transition: fires(0), of: null },
    { name: "a recovery without an incident opens nothing", transition: clears(0), of: rule },
  ])("$name", ({ transition, of }) => expect(step(null, transition, of)).toEqual({ events: [], open: null }));

  it("is the same incident when it comes back inside the reopen window", () => {
    const [only, ...more] = play(fires(0), clears(4), fires(20, { severity: "critical" }));
    expect(more).toEqual([]);
    expect(only).toMatchObject({
      recurrences: 1,
      recoveredAt: null,
      onset: T0 + 20 * MINUTE,
      openedAt: T0,
      severity: "critical",
    });
  });

  it("is a new incident later, and the old one is finished first", () => {
    expect(play(fires(0), clears(4), fires(4 + 31))).toMatchObject([
      { id: "INC-000001", state: "closed", resolutionCode: "self_recovered" },
      { id: "INC-000002", state: "new", onset: T0 + 35 * MINUTE },
    ]);
  });

  it("stays with whoever has it in hand, however late it comes back", () => {
    const acknowledged = { at: 2, do: [{ type: "acknowledged" }] satisfies IncidentEventBody[] };
    expect(play(fires(0), acknowledged, clears(4), fires(600))).toMatchObject([
      { state: "acknowledged", recurrences: 1, recoveredAt: null },
    ]);
  });

  it("reopens what was resolved when the fault comes back soon", () => {
    const resolved = {
      at: 5,
      do: [{ type: "acknowledged" }, { type: "resolved", code: "cleaned", text: null }] satisfies IncidentEventBody[],
    };
    expect(play(fires(0), clears(4), resolved, fires(20))).toMatchObject([
      { state: "new", recurrences: 1, acknowledgedAt: null, resolvedAt: null, resolutionCode: null },
    ]);
  });

  it("leaves what was resolved while firing alone, until it gets worse", () => {
    const resolved = {
      at: 1,
      do: [{ type: "resolved", code: "user_handling", text: "known" }] satisfies IncidentEventBody[],
    };
    const same = play(fires(0), resolved, changes(2, { severity: "minor" }));
    expect(same).toMatchObject([{ state: "resolved", severity: "minor" }]);
    expect(play(fires(0), resolved, changes(2, { severity: "critical" }))).toMatchObject([
      { state: "new", severity: "critical" },
    ]);
  });

  it("writes level and flags, each once", () => {
    const [opened] = play(fires(0));
    const worse = changes(2, {
      severity: "critical",
      title: "None left",
      flags: { stale: true, suppressedBy: "berlin-01/switch" },
    });
    const once = step(opened ?? null, worse);
    expect(once.events.map((event) => event.type)).toEqual(["suppressed", "stale", "level_changed"]);
    const [after] = play(fires(0), worse);
    expect(step(after ?? null, worse)).toEqual({ events: [], open: null });
    const back = step(after ?? null, changes(3, { severity: "critical" }));
    expect(back.events.map((event) => event.type)).toEqual(["unsuppressed", "fresh"]);
  });

  it.each([
    { name: "what it hangs on is back", was: { suppressedBy: "berlin-01/switch" }, is: {}, found: true },
    { name: "it is heard of again", was: { stale: true }, is: {}, found: true },
    { name: "it is back, and not heard of yet", was: { suppressedBy: "x" }, is: { stale: true }, found: false },
    { name: "it is no longer heard of", was: {}, is: { stale: true }, found: false },
  ])("finds its priority again when $name: $found", ({ was, is, found }) => {
    const flags = (given: object) => ({ stale: false, suppressedBy: null, ...given });
    const [before] = play(fires(0), changes(1, { flags: flags(was) }));
    const then = { priority: { priority: "P4", why: "closed for customers" } } as const;
    const { events } = fromTransition(before ?? null, changes(2, { flags: flags(is) }), rule, then);
    expect(events.some(({ type }) => type === "priority_changed")).toBe(found);
  });

  it.each([
    { name: "rule_removed", state: "resolved", code: "rule_removed" },
    { name: "device_removed", state: "resolved", code: "device_removed" },
  ] as const)("resolves with the reason when the fault goes for $name", ({ name, state, code }) => {
    expect(play(fires(0), clears(5, { reason: name }))).toMatchObject([
      { state, resolutionCode: code, recoveredAt: null },
    ]);
  });

  it("sees the fault again when the rule that was removed comes back", () => {
    expect(play(fires(0), clears(5, { reason: "rule_removed" }), fires(6))).toMatchObject([
      { state: "new", recurrences: 1 },
    ]);
    expect(play(fires(0), clears(5, { reason: "rule_removed" }), fires(50))).toMatchObject([
      { state: "closed" },
      { state: "new" },
    ]);
  });

  it("changes nothing when a whole history is replayed after a crash", () => {
    const history = [
      fires(0),
      changes(1, { severity: "critical" }),
      clears(4),
      fires(10, { severity: "critical" }),
      clears(12),
    ];
    const once = play(...history);
    for (let from = 0; from < history.length; from++) {
      const twice = play(...history, ...history.slice(from));
      expect(twice.map(({ state, recurrences, recoveredAt }) => ({ state, recurrences, recoveredAt }))).toEqual(
        once.map(({ state, recurrences, recoveredAt }) => ({ state, recurrences, recoveredAt })),
      );
    }
  });

  it("opens no second incident for an onset that has ended", () => {
    const [closed] = play(fires(0), {
      at: 1,
      do: [{ type: "resolved", code: "cleaned", text: null }, { type: "closed" }],
    });
    expect(step(closed ?? null, fires(0))).toEqual({ events: [], open: null });
    expect(step(closed ?? null, fires(1)).open).toMatchObject({ type: "opened", onset: T0 + MINUTE });
  });
});

describe("a fault behind another one", () => {
  const by = "berlin-01/network/switch-1";
  const behind = { flags: { stale: false, suppressedBy: by } };
  const last = (...steps: Parameters<typeof play>) => play(...steps).at(-1);

  it.each([
    {
      name: "opened behind its cause, back with it",
      steps: [fires(0, behind), changes(3, { reason: "flags" }), clears(4)],
    },
    {
      name: "opened just before its cause was known",
      steps: [fires(0), changes(0.5, { ...behind, reason: "flags" }), clears(4)],
    },
    {
      name: "behind its cause a second time, after it went with it the first time",
      steps: [
        fires(0, behind),
        changes(3, { reason: "flags" }),
        clears(4),
        fires(15, behind),
        changes(18, { reason: "flags" }),
        clears(19),
      ],
    },
    { name: "back while its cause is still down", steps: [fires(0, behind), clears(4)] },
    {
      name: "put down to the till between them when the switch was back first",
      steps: [
        fires(0, behind),
        changes(3, { flags: { stale: false, suppressedBy: "berlin-01/lane-1/pos" }, reason: "flags" }),
        changes(3.5, { reason: "flags" }),
        clears(4),
      ],
    },
  ])("resolves by itself: $name", ({ steps }) => {
    expect(last(...steps)).toMatchObject({ state: "resolved", resolutionCode: "self_recovered" });
  });

  it.each([
    {
      name: "it stood long before its cause",
      steps: [fires(0), changes(5, { ...behind, reason: "flags" }), clears(9)],
    },
    {
      name: "its agent was away, which breaks nothing",
      steps: [
        fires(0),
        changes(0.5, { flags: { stale: true, suppressedBy: "agent:berlin-01/pc" }, reason: "flags" }),
        clears(1),
      ],
    },
    {
      name: "it fired once by itself, which nobody looked at",
      steps: [fires(0), clears(4), fires(15, behind), clears(19)],
    },
    {
      name: "it stood for long behind a silent agent before its cause was known",
      steps: [
        fires(0),
        changes(0.5, { flags: { stale: true, suppressedBy: "agent:berlin-01/pc" }, reason: "flags" }),
        changes(5, { ...behind, reason: "flags" }),
        clears(6),
      ],
    },
    { name: "it outlived its cause", steps: [fires(0, behind), changes(3, { reason: "flags" }), clears(9)] },
    {
      name: "somebody took it in hand",
      steps: [fires(0, behind), { at: 1, do: [{ type: "acknowledged" as const }] }, clears(4)],
    },
  ])("waits for review: $name", ({ steps }) => {
    expect(last(...steps)).toMatchObject({ resolutionCode: null });
    expect(last(...steps)?.recoveredAt).not.toBeNull();
  });
});

describe("an incident that somebody cancelled", () => {
  const cancelled = { at: 2, do: [{ type: "cancelled" as const, code: "false_positive" as const, text: "x" }] };
  it.each([
    { name: "calls nobody while the fault goes on", next: [changes(3, { reason: "flags" })], opens: 1 },
    { name: "nor when it gets better", next: [changes(3, { severity: "minor" })], opens: 1 },
    {
      name: "is followed by another when the fault gets worse",
      next: [changes(3, { severity: "critical" })],
      opens: 2,
    },
    { name: "is followed by another when the fault comes back", next: [clears(3), fires(4)], opens: 2 },
  ])("$name", ({ next, opens }) => {
    const all = play(fires(0), cancelled, ...next);
    expect(all.map(({ state }) => state)).toEqual(["cancelled", "new"].slice(0, opens));
  });
});

describe("a merged incident", () => {
  const merged = { at: 2, do: [{ type: "merged" as const, into: "INC-000009" }] };
  it("goes on to write down what its fault does", () => {
    const [incident, ...more] = play(fires(0), merged, clears(3), fires(60 * 24 * 9));
    expect(incident).toMatchObject({ state: "merged", recoveredAt: null, recurrences: 1 });
    expect(more).toEqual([]);
  });

  it("and the one that it was merged into stay one, however late a fault comes back", () => {
    const absorbed = { at: 2, do: [{ type: "absorbed" as const, from: "INC-000009" }] };
    expect(play(fires(0), absorbed, clears(3), fires(60 * 24 * 9))).toMatchObject([{ recurrences: 1, state: "new" }]);
  });

  it("ends when its rule or device is gone", () => {
    expect(play(fires(0), merged, clears(3, { reason: "rule_removed" }))).toMatchObject([
      { state: "merged", closedAt: T0 + 3 * MINUTE, resolutionCode: null },
    ]);
  });
});

describe("what was acknowledged", () => {
  const acknowledged = { at: 1, do: [{ type: "acknowledged" as const }] };
  it("is new again when the fault gets worse, and not when it gets better", () => {
    const worse = changes(3, { severity: "critical" });
    expect(play(fires(0), acknowledged, worse)).toMatchObject([
      { state: "new", acknowledgedAt: null, ackExpired: { by: "user:kim", why: "severity" } },
    ]);
    expect(play(fires(0), acknowledged, changes(3, { severity: "minor" }))).toMatchObject([{ state: "acknowledged" }]);
  });

  it("stays in hand when somebody works on it", () => {
    const started = { at: 2, do: [{ type: "started" as const }] };
    expect(play(fires(0), acknowledged, started, changes(3, { severity: "critical" }))).toMatchObject([
      { state: "in_progress" },
    ]);
  });
});

it("what waited goes on when the fault cured itself: what it waited for may not be needed any more", () => {
  const held = { at: 1, do: [{ type: "held" as const, reason: "awaiting_part" as const, text: null }] };
  expect(play(fires(0), { at: 1, do: [{ type: "acknowledged" }] }, held, clears(9))).toMatchObject([
    { state: "in_progress", holdReason: null, recoveredAt: T0 + 9 * MINUTE },
  ]);
});

describe("reassessed", () => {
  it("leaves a priority that a person set", () => {
    const [incident] = play(fires(0), {
      at: 1,
      do: [{ type: "restated", what: "priority", priority: "P4", why: "the till is not used" }],
    });
    if (incident === undefined) throw new Error("no incident");
    expect(incident.priority).toBe("P4");
    expect(reassessed(incident, { priority: "P1", why: "x" })).toEqual([]);
  });

  it("says only what changed", () => {
    const [incident] = play(fires(0));
    if (incident === undefined) throw new Error("no incident");
    expect(reassessed(incident, { priority: "P1", why: "other words" })).toEqual([]);
    expect(reassessed(incident, { priority: "P3", why: "another works" })).toEqual([
      { type: "priority_changed", priority: "P3", why: "another works" },
    ]);
  });
});

describe("dueCloses", () => {
  const rules = (autoCloseMs: number | null) => new Map([[rule.id, { autoCloseMs }]]);
  const types = (incidents: Incident[], autoCloseMs: number | null, atMs: number, others: Incident[] = []) => {
    const find = (id: string) => others.find((one) => one.id === id) ?? null;
    const context = { rules: rules(autoCloseMs), lifecycle: DEFAULT_LIFECYCLE, find };
    return dueCloses(incidents, context, atMs).flatMap((due) => due.events.map((event) => event.type));
  };
  const recovered = play(fires(0), clears(4));
  const recoveredAt = T0 + 4 * MINUTE;

  it("resolves a recovered incident when its rule says so, and not before", () => {
    expect(types(recovered, 5 * MINUTE, recoveredAt + 5 * MINUTE - 1)).toEqual([]);
    expect(types(recovered, 5 * MINUTE, recoveredAt + 5 * MINUTE)).toEqual(["resolved"]);
  });

  it("leaves a recovered incident for review when the rule says nothing", () => {
    expect(types(recovered, null, recoveredAt + 365 * 86_400_000)).toEqual([]);
  });

  it("never resolves what still fires", () => {
    expect(types(play(fires(0)), 0, T0 + 365 * 86_400_000)).toEqual([]);
  });

  it("closes what resolved itself after the reopen window, and what a person resolved after three days", () => {
    const by = (code: "self_recovered" | "cleaned") =>
      play(fires(0), clears(4), { at: 5, do: [{ type: "resolved", code, text: null }] });
    const resolvedAt = T0 + 5 * MINUTE;
    expect(types(by("self_recovered"), null, resolvedAt + REOPEN_WINDOW_MS - 1)).toEqual([]);
    expect(types(by("self_recovered"), null, resolvedAt + REOPEN_WINDOW_MS)).toEqual(["closed"]);
    expect(types(by("cleaned"), null, resolvedAt + CLOSE_AFTER_MS - 1)).toEqual([]);
    expect(types(by("cleaned"), null, resolvedAt + CLOSE_AFTER_MS)).toEqual(["closed"]);
  });

  it("neither resolves nor closes by itself what has another merged into it that still stands", () => {
    const absorbed = { at: 5, do: [{ type: "absorbed" as const, from: "INC-000009" }] };
    const resolved = { at: 6, do: [{ type: "resolved" as const, code: "cleaned" as const, text: null }] };
    const [other] = play(fires(0));
    const stands = [{ ...other, id: "INC-000009" } as Incident];
    const over = [{ ...other, id: "INC-000009", recoveredAt: T0 } as Incident];
    const later = T0 + 365 * 86_400_000;
    expect(types(play(fires(0), clears(4), absorbed), 0, later, stands)).toEqual([]);
    expect(types(play(fires(0), clears(4), absorbed), 0, later, over)).toEqual(["resolved"]);
    expect(types(play(fires(0), clears(4), absorbed, resolved), null, later, stands)).toEqual([]);
    expect(types(play(fires(0), clears(4), absorbed, resolved), null, later)).toEqual(["closed"]);
  });

  it("leaves open what is for review, whatever its rule says", () => {
    const review = { at: 5, do: [{ type: "review_due" as const, times: 4, withinMs: 1 }] };
    expect(types(play(fires(0), clears(4), review), 0, T0 + 365 * 86_400_000)).toEqual([]);
    const reviewed = { at: 6, do: [{ type: "reviewed" as const, text: "loose plug" }] };
    expect(types(play(fires(0), clears(4), review, reviewed), 0, T0 + 7 * MINUTE)).toEqual(["resolved"]);
  });

  it("keeps what was resolved while firing until the fault is gone", () => {
    const resolved = play(fires(0), { at: 1, do: [{ type: "resolved", code: "cleaned", text: "x" }] });
    expect(types(resolved, null, T0 + 365 * 86_400_000)).toEqual([]);
    const gone = play(fires(0), clears(5, { reason: "device_removed" }));
    expect(types(gone, null, T0 + 5 * MINUTE + CLOSE_AFTER_MS)).toEqual(["closed"]);
  });
});
