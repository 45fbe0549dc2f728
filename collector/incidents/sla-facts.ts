/**
 * What the service level clocks of an incident go by: a fold of its log that knows neither policy nor calendar, so that
 * both may be corrected later. Everything stands in the order in which it happened; what was found afterwards is put
 * where it belongs. It can be kept beside an incident and taken on event by event.
 */
import type { Interval } from "./business-time.ts";
import type { HeldFor, HoldReason, IncidentEvent, Planned, Priority, ResolutionCode, SlaClock } from "./types.ts";

/** Resolutions that say that there is nothing to restore, though the fault still fires. */
const ACCEPTING: readonly ResolutionCode[] = [
  "false_positive",
  "duplicate",
  "no_fault_found",
  "rule_changed",
  "rule_removed",
  "device_removed",
];

/** Why nobody is called. */
export const QUIET = ["merged", "parent", "suppressed", "maintenance", "off_hours"] as const;
export type Quiet = (typeof QUIET)[number];

export type Switch = { readonly at: number; readonly on: boolean };
type Hold = { readonly at: number; readonly reason: HeldFor | null };
type Claim = Interval & { readonly clock: SlaClock | null; readonly reason: HoldReason };
/** `onset`: of the spell that it ended; null when a person did. */
type Restored = Switch & { readonly onset: number | null };
/** What was written down of a clock: the last warning, and whether the breach was. */
export type Told = { readonly warned: number; readonly breached: boolean };
type Cycle = {
  readonly fromMs: number;
  /** `isMet` false: it ended without anybody having had to look. */
  readonly stop: { readonly at: number; readonly isMet: boolean } | null;
  readonly told: Told;
};

/** All that clocks go by, in the order of when it happened; what was found afterwards is put where it belongs. */
export type SlaFacts = {
  /** When the incident was known. */
  readonly startMs: number;
  readonly cycles: readonly Cycle[];
  readonly told: Readonly<Record<"restore" | "vendor", Told>>;
  readonly restored: readonly Restored[];
  /** Onset of the spell that stands; null while none does. */
  readonly standing: number | null;
  /** The last resolution, while it is one, and whether the fault stood then. */
  readonly resolved: { readonly at: number; readonly stood: boolean } | null;
  readonly holds: readonly Hold[];
  readonly quiet: Readonly<Record<Quiet, readonly Switch[]>>;
  readonly claims: readonly Claim[];
  readonly priorities: readonly { readonly at: number; readonly priority: Priority }[];
  readonly ended: { readonly at: number; readonly how: "closed" | "cancelled" } | null;
};

const UNTOLD: Told = { warned: 0, breached: false };

/** The facts of a whole log. Throws on one that does not begin with `opened`: that is a bug, not an input. */
export function slaFacts(events: readonly IncidentEvent[]): SlaFacts {
  let facts: SlaFacts | null = null;
  for (const event of events) facts = foldSla(facts, event);
  if (facts === null) throw new Error("an empty log");
  return facts;
}

/** The facts with one more event of the log; null before the first. */
export function foldSla(before: SlaFacts | null, event: IncidentEvent): SlaFacts {
  if (before !== null) return { ...before, ...changed(before, event) };
  if (event.type !== "opened") throw new Error(`the log begins with ${event.type}`);
  const { at, onset, priority, retroactive = false, suppressedBy } = event;
  const startMs = event.late && !retroactive ? event.recordedAt : at;
  const quiet = {
    merged: [],
    parent: [],
    suppressed: [{ at, on: suppressedBy !== null }],
    maintenance: [],
    off_hours: [],
  };
  return {
    startMs,
    cycles: retroactive ? [] : [{ fromMs: startMs, stop: null, told: UNTOLD }],
    told: { restore: UNTOLD, vendor: UNTOLD },
    restored: [],
    standing: onset,
    resolved: null,
    holds: [],
    quiet: planned(quiet, at, event),
    claims: [],
    priorities: [{ at, priority }],
    ended: null,
  };
}

type Facts = Partial<SlaFacts>;

function changed(before: SlaFacts, event: IncidentEvent): Facts {
  switch (event.type) {
    case "recovered":
    case "recovered_earlier":
    case "began_earlier":
    case "fired_again":
      return changedByFault(before, event);
    case "suppressed":
    case "unsuppressed":
    case "maintenance":
    case "hours":
    case "parent_set":
    case "merged":
    case "split":
      return changedByQuiet(before, event);
    case "priority_changed":
      return { priorities: insert(before.priorities, { at: event.at, priority: event.priority }) };
    case "restated":
      return restated(before, event);
    case "sla_warned":
      return mark(before, event.clock, (told) => ({ ...told, warned: Math.max(told.warned, event.percent) }));
    case "sla_breached":
      return mark(before, event.clock, (told) => ({ ...told, breached: true }));
    default:
      return changedByPeople(before, event);
  }
}

type FaultEvent = Extract<IncidentEvent, { type: "recovered" | "recovered_earlier" | "began_earlier" | "fired_again" }>;

function changedByFault(before: SlaFacts, event: FaultEvent): Facts {
  const { at } = event;
  switch (event.type) {
    case "recovered":
      return {
        restored: insert(before.restored, { at, on: true, onset: before.standing }),
        standing: null,
        quiet: planned(before.quiet, at, {}),
      };
    case "fired_again":
      return {
        restored: insert(before.restored, { at, on: false, onset: null }),
        standing: event.onset,
        quiet: planned(before.quiet, at, event),
      };
    case "recovered_earlier": {
      const ended = before.restored.findLast(({ onset }) => onset === event.onset);
      if (ended === undefined) return {};
      const others = before.restored.filter((one) => one !== ended);
      return { restored: insert(others, { ...ended, at: Math.min(at, ended.at) }) };
    }
    case "began_earlier":
      return {
        ...(before.standing === event.was && { standing: event.onset }),
        restored: before.restored.map((one) => (one.onset === event.was ? { ...one, onset: event.onset } : one)),
      };
    default:
      return event satisfies never;
  }
}

type QuietEvent = Extract<
  IncidentEvent,
  { type: "suppressed" | "unsuppressed" | "maintenance" | "hours" | "parent_set" | "merged" | "split" }
>;

function changedByQuiet({ quiet, holds }: SlaFacts, event: QuietEvent): Facts {
  const { at } = event;
  switch (event.type) {
    case "suppressed":
      return { quiet: turn(quiet, "suppressed", { at, on: true }) };
    case "unsuppressed":
      return { quiet: turn(quiet, "suppressed", { at, on: false }) };
    case "maintenance":
      return { quiet: turn(quiet, "maintenance", { at, on: event.window !== null }) };
    case "hours":
      return { quiet: turn(quiet, "off_hours", { at, on: !event.active }) };
    case "parent_set":
      return { quiet: turn(quiet, "parent", { at, on: event.incident !== null }) };
    case "merged":
      return { quiet: turn(quiet, "merged", { at, on: true }), holds: released(holds, at) };
    case "split":
      return "into" in event ? {} : { quiet: turn(quiet, "merged", { at, on: false }) };
    default:
      return event satisfies never;
  }
}

function changedByPeople(before: SlaFacts, event: IncidentEvent): Facts {
  const { at } = event;
  switch (event.type) {
    case "acknowledged":
      return { cycles: stopped(before.cycles, { at, isMet: true }) };
    case "held":
      return { holds: insert(before.holds, { at, reason: event.reason }) };
    case "resumed":
      return { holds: released(before.holds, at) };
    case "pause_claimed": {
      const { clock = null, from, to, reason } = event;
      return { claims: [...before.claims, { clock, fromMs: from, untilMs: to, reason }] };
    }
    case "resolved":
      return {
        ...accepted(before, { at, stood: before.standing !== null }, event.code),
        holds: released(before.holds, at),
        cycles: stopped(before.cycles, { at, isMet: false }),
      };
    case "reopened":
      return {
        resolved: null,
        restored: insert(before.restored, { at, on: false, onset: null }),
        // What is found afterwards calls nobody.
        ...(event.late !== true && { cycles: [...before.cycles, { fromMs: at, stop: null, told: UNTOLD }] }),
      };
    case "closed":
      return { ended: { at, how: "closed" }, cycles: stopped(before.cycles, { at, isMet: false }) };
    case "cancelled":
      return { ended: { at, how: "cancelled" } };
    default:
      return {};
  }
}

function accepted(
  { restored }: SlaFacts,
  resolved: { readonly at: number; readonly stood: boolean },
  code: ResolutionCode,
): Facts {
  const isRestored = !resolved.stood || ACCEPTING.includes(code);
  return { resolved, restored: isRestored ? insert(restored, { at: resolved.at, on: true, onset: null }) : restored };
}

function restated(before: SlaFacts, event: Extract<IncidentEvent, { type: "restated" }>): Facts {
  // It should have been so from the start.
  if (event.what === "priority" && event.priority !== null) {
    return { priorities: [{ at: before.startMs, priority: event.priority }] };
  }
  if (event.what !== "resolution" || before.resolved === null) return {};
  const { at, stood } = before.resolved;
  const restored = before.restored.filter((one) => one.at !== at || one.onset !== null || !one.on);
  return accepted({ ...before, restored }, { at, stood }, event.code);
}

/** The response clock that runs, if one does, ends. */
function stopped(cycles: readonly Cycle[], stop: { readonly at: number; readonly isMet: boolean }): readonly Cycle[] {
  const last = cycles.at(-1);
  return last === undefined || last.stop !== null ? cycles : [...cycles.slice(0, -1), { ...last, stop }];
}

const released = (holds: readonly Hold[], at: number): readonly Hold[] =>
  (holds.at(-1)?.reason ?? null) === null ? holds : insert(holds, { at, reason: null });

function mark(before: SlaFacts, clock: SlaClock, told: (told: Told) => Told): Facts {
  if (clock !== "response") return { told: { ...before.told, [clock]: told(before.told[clock]) } };
  const last = before.cycles.at(-1);
  return last === undefined ? {} : { cycles: [...before.cycles.slice(0, -1), { ...last, told: told(last.told) }] };
}

function turn(quiet: SlaFacts["quiet"], why: Quiet, to: Switch): SlaFacts["quiet"] {
  const before = quiet[why];
  return (before.at(-1)?.on ?? false) === to.on ? quiet : { ...quiet, [why]: insert(before, to) };
}

/** What is planned for a fault that fires; one that recovered stands in nothing. */
function planned(quiet: SlaFacts["quiet"], at: number, { maintenance, inactiveHours }: Planned): SlaFacts["quiet"] {
  const inWindow = turn(quiet, "maintenance", { at, on: maintenance !== undefined });
  return turn(inWindow, "off_hours", { at, on: inactiveHours === true });
}

/** After all that happened before it or at the same time. */
function insert<T extends { readonly at: number }>(list: readonly T[], one: T): readonly T[] {
  const index = list.findLastIndex(({ at }) => at <= one.at) + 1;
  return [...list.slice(0, index), one, ...list.slice(index)];
}
