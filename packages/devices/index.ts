export { CATALOGUE, findMetric, metricsOf } from "./catalogue.ts";
export { FAULT_CODES, type FaultCode } from "./faults.ts";
export { CATEGORIES, type Category, isKind, KINDS, type Kind, SEVERITIES, type Severity } from "./kinds.ts";
export type { Metric } from "./metric.ts";
