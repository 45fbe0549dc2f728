export { CATALOGUE, findMetric, metricNamesOf, metricsOf } from "./catalogue.ts";
export { EVENT_CODES, type EventCode, FAULT_CODES, type FaultCode } from "./faults.ts";
export { CATEGORIES, type Category, isKind, KINDS, type Kind, SEVERITIES, type Severity } from "./kinds.ts";
export type { Metric } from "./metric.ts";
export {
  MODBUS_LIMITS,
  MODBUS_TABLES,
  type ModbusTable,
  type Notation,
  type Register,
  type RegisterMap,
} from "./modbus-map.ts";
export { evaluateMap, type ModbusIdentification, RegisterImage, UNIDENTIFIED } from "./modbus-map-evaluate.ts";
export { isMapText, type MapsResult, parseMaps } from "./modbus-map-file.ts";
export { loadBuiltinMaps, loadMapsFrom } from "./modbus-map-load.ts";
export { type ModbusBlock, type ModbusPlan, modbusPlan, spokenRegister } from "./modbus-map-plan.ts";
export type { Profile } from "./profile.ts";
export { compileProfiles } from "./profile-compiled.ts";
export { type Evaluation, type Evidence, evaluateProfile, type ProfileAsset } from "./profile-evaluate.ts";
export { type ProfilesResult, type ProfileText, parseProfiles } from "./profile-file.ts";
export { loadBuiltinProfiles, loadProfilesFrom } from "./profile-load.ts";
export { type DeviceFacts, matchProfile, probeOids, weighProfiles } from "./profile-match.ts";
export { hasFinding, type ProfileOids, profileMetrics, profileOids, type TableWalk } from "./profile-plan.ts";
export { profileJsonSchema } from "./profile-schema.ts";
export { componentName } from "./slug.ts";
export { compareOids, isWithin, octetsOf, octetsValue, type SnmpReply, type SnmpValue, textOf } from "./snmp-reply.ts";
export { type KnownTrap, type TrapMeaning, TrapTable, type TrapVarbind } from "./traps.ts";
