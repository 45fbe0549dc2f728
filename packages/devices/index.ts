export { CATALOGUE, findMetric, metricsOf } from "./catalogue.ts";
export { FAULT_CODES, type FaultCode } from "./faults.ts";
export { CATEGORIES, type Category, isKind, KINDS, type Kind, SEVERITIES, type Severity } from "./kinds.ts";
export type { Metric } from "./metric.ts";
export type { Profile } from "./profile.ts";
export { type Evaluation, type Evidence, evaluateProfile, type ProfileAsset } from "./profile-evaluate.ts";
export { type ProfilesResult, type ProfileText, parseProfiles } from "./profile-file.ts";
export { loadBuiltinProfiles, loadProfilesFrom } from "./profile-load.ts";
export { type DeviceFacts, matchProfile, probeOids, weighProfiles } from "./profile-match.ts";
export { type ProfileOids, profileMetrics, profileOids } from "./profile-plan.ts";
export { profileJsonSchema } from "./profile-schema.ts";
export { componentName } from "./slug.ts";
export { compareOids, isWithin, octetsOf, octetsValue, type SnmpReply, type SnmpValue, textOf } from "./snmp-reply.ts";
export {
  loadBuiltinTraps,
  parseTraps,
  type TrapMeaning,
  type TrapsResult,
  type TrapTable,
  type TrapVarbind,
} from "./traps.ts";
