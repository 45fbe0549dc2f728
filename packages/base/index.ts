export { Agenda, type Due, isBefore, NO_PLACE } from "./agenda.ts";
export { backoffMs } from "./backoff.ts";
export type { Clock } from "./clock.ts";
export { ManualClock } from "./clock.ts";
export { assertNever, errorText } from "./errors.ts";
export { err, ok, type Result } from "./result.ts";
