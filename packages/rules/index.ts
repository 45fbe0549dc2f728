export type {
  Engine,
  FaultFlags,
  FaultRecord,
  FaultState,
  FaultView,
  MissingPolicy,
  Rule,
  RuleSet,
  SiteInfo,
  Step,
  Subject,
  Transition,
} from "./types.ts";
