export { createEngine, type EngineOptions } from "./engine.ts";
export { type CompiledRules, compileRules, type PlacedTest, type RuleTest } from "./file.ts";
export { roleOf } from "./subjects.ts";
export { formatTrialResults, runTrials, type TrialResult } from "./trial.ts";
export type {
  Adoption,
  AgentSnapshot,
  Engine,
  FaultFlags,
  FaultRecord,
  FaultState,
  FaultView,
  ForkedAgent,
  MissingPolicy,
  Rule,
  RuleSet,
  SiteInfo,
  Step,
  Subject,
  Transition,
} from "./types.ts";
