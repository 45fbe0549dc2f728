export { type CheckContext, type CheckedRules, checkRules } from "./check.ts";
export { RULE_DIAGNOSTICS, type RuleDiagnostic } from "./diagnostics.ts";
export { createEngine, type EngineOptions } from "./engine.ts";
export { type CompiledRules, compileRules, type PlacedTest } from "./file.ts";
export {
  type InventoryEntry,
  inventoryEntry,
  type ListedDevice,
  parseInventory,
} from "./inventory.ts";
export { type RuleReads, readsOfRule } from "./reads.ts";
export { selectsDevice } from "./select.ts";
export type { Series } from "./series.ts";
export { roleOf } from "./subjects.ts";
export { runTrials, type TrialResult } from "./trial.ts";
export type { RuleTest } from "./trial-file.ts";
export { formatTrialResults } from "./trial-text.ts";
export type {
  Adoption,
  AgentSnapshot,
  Engine,
  ExplainedCondition,
  ExplainedReading,
  ExplainedTerm,
  Explanation,
  FaultFlags,
  FaultRecord,
  FaultState,
  FaultView,
  ForkedAgent,
  MissingPolicy,
  NoExplanation,
  Rule,
  RuleSet,
  SiteInfo,
  Step,
  Subject,
  Transition,
} from "./types.ts";
