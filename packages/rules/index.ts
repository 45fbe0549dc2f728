export {
  holds,
  holdsUntil,
  isOpen,
  isTimeZone,
  localTime,
  momentsOf,
  type OpenSpan,
  type SiteCalendar,
  WEEKDAYS,
  type Weekday,
} from "./calendar.ts";
export { type CheckContext, type CheckedRules, checkRules } from "./check.ts";
export { RULE_DIAGNOSTICS, type RuleDiagnostic } from "./diagnostics.ts";
export { createEngine, type EngineOptions } from "./engine.ts";
export { type CompiledRules, compileRules, type PlacedRule, type PlacedTest } from "./file.ts";
export { RULE_FUNCTIONS, type RuleFunction } from "./functions.ts";
export {
  type CheckedInventory,
  type InventoryEntry,
  inventoryEntry,
  type ListedDevice,
  parseInventory,
} from "./inventory.ts";
export { MAINTENANCE_SETTLE_MS, type MaintenancePlace, type MaintenanceWindow, scheduleOf } from "./maintenance.ts";
export {
  type CompiledOverrides,
  compileOverrides,
  type EffectiveVar,
  effectiveVars,
  idleOverrides,
  type OverrideTarget,
  withOverrides,
} from "./overrides.ts";
export { type RuleReads, readsOfRule, saysDown } from "./reads.ts";
export { FILE_KEYS, RULE_KEYS, type RuleKey, TEST_KEYS, windowBytes } from "./reference.ts";
export { selectorOf, selectsDevice } from "./select.ts";
export type { Series } from "./series.ts";
export { isInGroup, roleOf } from "./subjects.ts";
export { runTrials, type TrialResult } from "./trial.ts";
export type { RuleTest } from "./trial-file.ts";
export { formatTrialResults } from "./trial-text.ts";
export {
  type AgentSnapshot,
  callsPeople,
  type Engine,
  type EventTrigger,
  type ExplainedCondition,
  type ExplainedReading,
  type ExplainedTerm,
  type Explanation,
  type FaultFlags,
  type FaultRecord,
  type FaultState,
  type FaultView,
  type ForkedAgent,
  type MissingPolicy,
  type NoExplanation,
  type Override,
  type OverridePlace,
  type Refill,
  type RefillSeries,
  type Rule,
  type RuleSet,
  type SiteInfo,
  type Step,
  type Subject,
  type Transition,
} from "./types.ts";
export { WINDOW_BYTES_MAX, WINDOW_LATE_MAX_MS } from "./window.ts";
export { WINDOW_COVERAGE_MIN } from "./window-functions.ts";
