/**
 * The words of the rule language and the face of its engine (docs/rules.md). Everything here is data; the engine is a
 * function of it: no clock, no I/O. The same engine runs live, in `rules test`, for late data and in backtests.
 */
import type { InventoryDevice, Telemetry, Value } from "@aislewatch/contract";
import type { Category, Severity } from "@aislewatch/devices";
import type { SiteCalendar } from "./calendar.ts";
import type { MaintenanceWindow } from "./maintenance.ts";
import type { KeptSpells } from "./spells.ts";
import type { KeptReadings } from "./window.ts";

/** A step of the ladder as written: a CEL condition and how long it must hold. */
export type Step = { readonly severity: Severity; readonly when: string; readonly forMs: number };

export type MissingPolicy = { readonly then: "hold" | "ok" | "raise"; readonly afterMs: number };

/** So often within a time, and the fault is one flapping fault until its condition has been clear for `quietMs`. */
export type FlapPolicy = { readonly enter: number; readonly withinMs: number; readonly quietMs: number };

/** What fires a rule with `on: event`: events of a device, as often as `count` within `withinMs`. */
export type EventTrigger = {
  readonly codes: readonly string[];
  /** CEL over code, detail, device and component, all of them text; null: any. */
  readonly when: string | null;
  readonly count: number;
  readonly withinMs: number;
  /** Events that end it, `<code>_cleared` unless told; empty with a rule that only time ends. */
  readonly clearCodes: readonly string[];
  /** Over this long after the last such event; null: only an event ends it. */
  readonly clearAfterMs: number | null;
};

export type Rule = {
  /** Unique over all files of a set; part of the incident's dedupe key. */
  readonly id: string;
  readonly group: string;
  /** Over the inventory: `kind == "ups" && labels.zone == "receiving"`; a device that never reported is selected too. */
  readonly select: string;
  readonly scope: "device" | "component" | "site";
  readonly title: string;
  /** Null for rules over readings. With it `raise` is one step whose condition is `true`: the event is the condition. */
  readonly on: EventTrigger | null;
  /** From the least severe to the most. */
  readonly raise: readonly Step[];
  /** Null: clears when no step is raised, at once. */
  readonly clear: { readonly when: string; readonly forMs: number } | null;
  readonly keepMs: number;
  readonly missing: MissingPolicy;
  readonly flap: FlapPolicy | null;
  /** When its faults call people: `always`, `trading_hours`, or a calendar of sites.yaml. They are judged at all times. */
  readonly activeIn: string;
  /**
   * Kinds found by walking up the device's own dependency tree; while one of them is down this rule is suppressed.
   * `*` is any kind (the default); an empty list is none.
   */
  readonly dependsOn: readonly string[];
  /** Rules whose faults on the same device (any of the site, with `scope: site`) are put down to this one while it fires. */
  readonly absorbs: readonly string[];
  readonly category: Category;
  readonly tier: number;
  /** Close by itself this long after it recovered; null: a person reviews it. */
  readonly autoCloseMs: number | null;
  /** `<kind>/<fault>`: rules/runbooks/<kind>/<fault>.md */
  readonly runbook: string | null;
  readonly vars: Readonly<Record<string, Value | string>>;
  readonly mode: "live" | "shadow";
  /** Which metric the incident page draws, with its threshold; derived from the first comparison when not given. */
  readonly chart: { readonly metric: string; readonly threshold: number | null } | null;
  /** Content hash of what decides: every incident names the version that opened it. */
  readonly version: string;
  readonly file: string;
  readonly line: number;
};

export type FaultState = "inactive" | "pending" | "firing" | "recovering";

/** A device, a component of it, or a whole site (device null). */
export type Subject = { readonly site: string; readonly device: string | null; readonly component: string | null };

export type FaultFlags = {
  /** The condition is unknown: a metric it needs was never seen or is too old. */
  readonly stale: boolean;
  /**
   * What is down above: the topmost device (`site/device`), or the agent that is offline (`agent:site/agent`); else the
   * wider fault that absorbs it (`rule:<id>@site` or `rule:<id>@site/device`), or null. Evaluated all the same, but
   * pages nobody.
   */
  readonly suppressedBy: string | null;
  /** It came back so often that it is one fault until it was quiet for a while. */
  readonly flapping?: true;
  /** The rule's `active_in` does not include this moment: pages nobody until it does. */
  readonly inactiveHours?: true;
  /** Id of the maintenance window that it lies in: pages nobody until some minutes after its end. */
  readonly maintenance?: string;
};

/** Does a fault with these flags call people? */
export const callsPeople = ({ suppressedBy, inactiveHours, maintenance }: FaultFlags): boolean =>
  suppressedBy === null && inactiveHours === undefined && maintenance === undefined;

/** Something about a fault changed. The collector turns these into incident events; `at` is event time. */
export type Transition = {
  readonly rule: string;
  readonly ruleVersion: string;
  readonly subject: Subject;
  readonly at: number;
  readonly from: FaultState;
  readonly to: FaultState;
  /** The level now; null when inactive. A change of level or flags alone has from === to. */
  readonly severity: Severity | null;
  readonly flags: FaultFlags;
  /** The rule's title with values put in. */
  readonly title: string;
  /** When the condition that led here became true (onset). */
  readonly since: number;
  /** The metrics that the condition reads, as they stood. */
  readonly values: Readonly<Record<string, Value>>;
  readonly reason:
    | "condition"
    | "clear"
    | "level"
    | "flags"
    | "missing"
    | "rule_changed"
    | "rule_removed"
    | "device_removed";
};

/**
 * A fault that is not plainly inactive, as it is kept in the state store, or (under a name that no rule has) that a
 * device waits for its first reading since its parent came back. Plain JSON; format versioned by `v`.
 */
export type FaultRecord = {
  readonly v: 1;
  readonly rule: string;
  readonly ruleVersion: string;
  readonly subject: Subject;
  readonly state: FaultState;
  readonly severity: Severity | null;
  /** Opaque to everyone but packages/rules: timers of each step, onset, flags. */
  readonly detail: Readonly<Record<string, unknown>>;
};

export type SiteInfo = {
  readonly id: string;
  readonly name: string;
  readonly timeZone: string;
  /** `store`, `dc`: what overrides go by. */
  readonly format?: string;
  /** Absent: open around the clock. */
  readonly tradingHours?: SiteCalendar;
  /** By the name that `active_in` gives. */
  readonly calendars?: ReadonlyMap<string, SiteCalendar>;
};

/** Which sites or hardware an override is for: all that is named must fit, and of a list one. */
export type OverridePlace = {
  readonly site?: readonly string[];
  readonly format?: readonly string[];
  readonly labels?: Readonly<Record<string, readonly string[]>>;
  readonly vendor?: readonly string[];
  readonly model?: readonly string[];
  readonly firmware?: readonly string[];
};

/** Other values of some vars of a rule, for some sites or hardware; overrides.ts says which wins. */
export type Override = {
  readonly rule: string;
  readonly where: OverridePlace;
  readonly vars: Rule["vars"];
  readonly file: string;
  readonly line: number;
};

export type RuleSet = {
  readonly rules: readonly Rule[];
  readonly version: string;
  /** Other values of `vars` for some sites or devices; see overrides.ts. */
  readonly overrides?: readonly Override[];
};

/** What a row on the device page says of each rule on it. */
export type FaultView = {
  readonly rule: string;
  readonly subject: Subject;
  readonly state: FaultState;
  readonly severity: Severity | null;
  readonly flags: FaultFlags;
  readonly since: number;
};

/** See snapshot.ts. Opaque but for `faults`: every fault that is not plainly inactive, and clocks of `missing: raise` that run. */
export type AgentSnapshot = {
  readonly faults: readonly FaultRecord[];
  readonly devices?: readonly DeviceSnapshot[];
};

export type DeviceSnapshot = {
  readonly id: string;
  readonly kind: string;
  readonly answeredAt: number;
  readonly isUnheard: boolean;
  readonly subjects: readonly SubjectSnapshot[];
};

/** Slots in the order of the subject's layout, which its kind decides. */
export type SubjectSnapshot = {
  readonly component: string | null;
  readonly last: Float64Array;
  readonly times: Float64Array;
  /** `isWhole`: nothing of it is still awaited from a store. */
  readonly windows: readonly { readonly offset: number; readonly readings: KeptReadings; readonly isWhole: boolean }[];
  readonly spells: readonly { readonly key: string; readonly kept: KeptSpells }[];
};

/** One agent's devices, and what was known of them at `atMs` (event time), for an engine that goes on from there. */
export type ForkedAgent = {
  readonly site: string;
  readonly agent: string;
  readonly devices: readonly InventoryDevice[];
  readonly snapshot: AgentSnapshot;
  readonly atMs: number;
};

/** A part of a condition, in the order in which it is read; `depth` says what it belongs to. */
export type ExplainedTerm = {
  readonly depth: number;
  /** As the rule writes it. */
  readonly text: string;
  /** Null: unknown. */
  readonly value: Value | null;
  readonly unit: string;
  readonly readings: readonly ExplainedReading[];
  /** What the value can't say by itself, such as why it is unknown; empty when there is nothing. */
  readonly note: string;
};

export type ExplainedReading = {
  readonly component: string | null;
  readonly metric: string;
  readonly value: Value;
  readonly at: number;
  /** Too old to count. */
  readonly isStale: boolean;
};

export type ExplainedCondition = {
  /** Null: the clear condition. */
  readonly severity: Severity | null;
  readonly when: string;
  /** Null: unknown. */
  readonly holds: boolean | null;
  /** Since when, without a break; null while it does not hold. */
  readonly since: number | null;
  readonly forMs: number;
  /** When it will have held for long enough; null when it does not hold, or has. */
  readonly dueAt: number | null;
  readonly terms: readonly ExplainedTerm[];
};

export type Explanation = {
  readonly rule: string;
  readonly ruleVersion: string;
  readonly subject: Subject;
  readonly at: number;
  /** Why it does not fire, or why it does, in one sentence. */
  readonly summary: string;
  readonly state: FaultState;
  readonly severity: Severity | null;
  /** Onset of what is pending, firing or recovering. */
  readonly since: number | null;
  readonly flags: FaultFlags;
  /** From the most severe to the least; then the clear condition, if the rule has one. */
  readonly conditions: readonly ExplainedCondition[];
  /** What else decides: a parent that is down, how silence is taken, vars. */
  readonly facts: readonly { readonly name: string; readonly text: string }[];
};

/** The rule does not look at the subject at all. */
export type NoExplanation = {
  readonly refused: "unknown_rule" | "unknown_subject" | "not_selected";
  readonly message: string;
};

/** A series that a refill asks for, of its device, from `fromMs` on and up to what was judged. */
export type RefillSeries = { readonly component: string | null; readonly metric: string; readonly fromMs: number };

/** What one device lacks since the engine, or a rule of it, began: see refill.ts. */
export type Refill = {
  readonly site: string;
  readonly agent: string;
  readonly device: string;
  readonly series: readonly RefillSeries[];
  /** Others are wanted meanwhile, or the device is gone: nothing will come of this one. */
  readonly isOver: boolean;
  /** A stored sample of `series[index]`; samples of all series in order of time, booleans as 0 and 1. */
  put(index: number, at: number, value: number): void;
  /** All that is stored was put: the device goes on with it. */
  finish(nowMs: number): Transition[];
  /** Nothing can be had: the device goes on with what it has. */
  abandon(nowMs: number): Transition[];
};

/**
 * One engine judges all sites of a collector (or of a partition). Calls mutate its state and return what changed, in
 * the order in which it happened; the caller commits transitions and `changedFaults` in one transaction, then acts.
 */
export type Engine = {
  /** Replaces the rules. Faults whose rule kept its condition keep their timers; those of removed rules resolve. */
  setRules(rules: RuleSet, atMs: number): Transition[];
  /** Replaces what is known of sites: calendars and formats. Of one that is not listed nothing is. */
  setSites(sites: readonly SiteInfo[], atMs: number): Transition[];
  /** Replaces all maintenance windows. */
  setMaintenance(windows: readonly MaintenanceWindow[], atMs: number): Transition[];
  /** Replaces what this agent watches; devices that went away resolve their faults with `device_removed`. */
  setInventory(site: string, agent: string, devices: readonly InventoryDevice[], atMs: number): Transition[];
  /**
   * Live telemetry of one agent, in event time shifted by `skewMs`. Rows are applied and judged in time order over all
   * tables of the message; rows of unknown devices are counted and left alone.
   */
  observe(site: string, agent: string, message: Telemetry, skewMs: number): Transition[];
  /** An offline agent makes its devices unreachable (suppressed and stale), not down. */
  setAgentOnline(site: string, agent: string, online: boolean, atMs: number): Transition[];
  /**
   * What this agent read next comes later, if ever. Its devices are unknown from their newest readings on, and what waits
   * for time to pass begins anew with the next: a condition that holds on both sides of a gap may not have held in it.
   */
  interrupt(site: string, agent: string): Transition[];
  /**
   * What this agent has read is on its way: `tick` lets no time pass for its devices, whose readings may contradict it.
   * Until it is said otherwise, or the agent is offline; from `atMs` on they have time to answer before they are silent.
   */
  setAgentBehind(site: string, agent: string, isBehind: boolean, atMs: number): void;
  /** Lets timers run up to `nowMs`: silence, staleness, `for` that ends between polls. Call about once a second. */
  tick(nowMs: number): Transition[];
  /**
   * Devices above several that went down after their own last poll, since the last call: polled now, they tell whether
   * they are the cause before anybody is called for their children.
   */
  takeSuspects(): { readonly site: string; readonly agent: string; readonly device: string }[];
  /** Faults touched since the last call, for the state store; one with nothing in its detail is to be deleted there. */
  takeChangedFaults(): FaultRecord[];
  /** At start: what the store kept. Call after setRules, setSites and setInventory, before observe. */
  restoreFaults(records: readonly FaultRecord[]): void;
  /** At start: last known values from the time-series store, so that a restart does not make everything unknown. */
  restoreValues(values: readonly { site: string; subject: string; metric: string; at: number; value: Value }[]): void;
  /**
   * Devices whose windows or timers lack what may be stored, at most `most`, those that need least first. What is judged
   * from now on need not be put in; with `EngineOptions.isStored` only.
   */
  takeRefills(most: number): Refill[];
  /** Every fault that is not inactive, for the API. */
  faults(): FaultView[];
  /** Why a rule fires on a subject now, or why not; reads, and changes nothing. */
  explain(rule: string, subject: Subject, nowMs: number): Explanation | NoExplanation;
  /** Last value of each metric of a device and its components. */
  lastValues(site: string, device: string): { component: string | null; metric: string; at: number; value: Value }[];
  /**
   * What is left of a device's role (label `role`, else kind and label `zone`) at its site. A device works when it
   * answers and no fault of major or worse fires on it; one whose state is unknown, or that fails behind something
   * that is down, counts as neither.
   */
  capacity(site: string, device: string): { role: string; expected: number; working: number; failed: number };
  /** What is known of an agent's devices now, for a fork that begins here. */
  snapshot(site: string, agent: string): AgentSnapshot;
  /**
   * A second engine for one agent's devices, with the rules of this one (but those over a whole site), from a snapshot
   * on. It has its own time: `tick` it up to the event time that its readings have reached, never to the present.
   */
  fork(agent: ForkedAgent): Engine;
  /**
   * An agent's faults go on here as a fork of this engine has them, which has read all that this one has and more of the
   * past; so do values that only the fork has. What that changes is told as of `atMs`; windows, flags and what hangs above
   * stay this engine's own.
   */
  takeOver(site: string, agent: string, snapshot: AgentSnapshot, atMs: number): Transition[];
  /** Every fault that is not plainly inactive, as `restoreFaults` and forks take it. */
  standing(): FaultRecord[];
  readonly counts: { devices: number; subjects: number; instances: number; unknownRows: number; evaluations: number };
};
