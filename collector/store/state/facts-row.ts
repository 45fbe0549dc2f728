/**
 * The facts of an incident as a row. What a report reads of a million rows costs by the cell, so all that is small lies
 * in one number, `marks`, of 31 bits; no index is on it. From the lowest: outcome (2), priority (3),
 * hour of the week (8), six flags, met and breached of restore and vendor (4), met (4) and breached (4) of response, which
 * has a clock more for each time it was reopened: a report tells no more than 15 apart.
 */
import { CATEGORIES } from "@aislewatch/devices";
import { type CountedFacts, type Grouping, type IncidentFacts, OUTCOMES } from "../../incidents/figures.ts";
import type { PastFacts } from "../../incidents/likeness.ts";
import { CANCEL_CODES, PRIORITIES, RESOLUTION_CODES } from "../../incidents/types.ts";
import type { Tables } from "./schema.ts";

const FLAGS = ["isCalled", "isFailure", "isByPeople", "isFirstLine", "isSelfRecovered", "isReopened"] as const;
const SINGLE = ["restoreMet", "restoreBreached", "vendorMet", "vendorBreached"] as const;
const [PRIORITY, HOUR, FIRST_FLAG, FIRST_SINGLE, MET, BREACHED] = [2, 5, 13, 19, 23, 27] as const;
const CYCLES_MAX = 15;
/** Where the priority is in `marks`, for a query: its place in PRIORITIES. */
export const PRIORITY_BITS = { shift: PRIORITY, mask: 7 } as const;

export function rowOfFacts(facts: IncidentFacts): Tables["incident_facts"] {
  const { incident, site, slot, kind, vendor, model, rule, code, currency, category, component, serial } = facts;
  return {
    ...{ incident, site, slot, kind, vendor, model, rule, code, currency, category, component, serial },
    opened_at: facts.openedAt,
    done_at: facts.doneAt,
    marks: marksOf(facts),
    restored_at: facts.restoredAt,
    detect_ms: facts.detectMs,
    acknowledge_ms: facts.acknowledgeMs,
    restore_ms: facts.restoreMs,
    resolve_ms: facts.resolveMs,
    resolve_unpaused_ms: facts.resolveUnpausedMs,
    penalty_cents: facts.penaltyCents,
  };
}

export function marksOf(facts: CountedFacts): number {
  let marks = OUTCOMES.indexOf(facts.outcome);
  marks |= PRIORITIES.indexOf(facts.priority) << PRIORITY;
  marks |= facts.hourOfWeek << HOUR;
  for (const [index, name] of FLAGS.entries()) marks |= Number(facts[name]) << (FIRST_FLAG + index);
  for (const [index, name] of SINGLE.entries()) marks |= Math.min(facts[name], 1) << (FIRST_SINGLE + index);
  marks |= Math.min(facts.responseMet, CYCLES_MAX) << MET;
  marks |= Math.min(facts.responseBreached, CYCLES_MAX) << BREACHED;
  return marks;
}

type Cell = string | number | null;

/** A row of `reportRows` (queries.ts), cells in its order. `groupBy`: what the last column is, when it has one more. */
export function countedFacts(row: readonly Cell[], groupBy: Grouping | null): CountedFacts {
  const [openedAt, doneAt, slot, marks, restoredAt, detectMs, acknowledgeMs, ...others] = row;
  const [restoreMs, resolveMs, resolveUnpausedMs, penaltyCents, currency, group = null] = others;
  const bits = Number(marks);
  const has = (bit: number): boolean => ((bits >>> bit) & 1) === 1;
  return {
    site: groupBy === "site" ? String(group) : "",
    slot: text(slot),
    kind: groupBy === "kind" ? text(group) : null,
    vendor: groupBy === "vendor" ? text(group) : null,
    model: groupBy === "model" ? text(group) : null,
    openedAt: Number(openedAt),
    doneAt: number(doneAt),
    restoredAt: number(restoredAt),
    detectMs: number(detectMs),
    acknowledgeMs: number(acknowledgeMs),
    restoreMs: number(restoreMs),
    resolveMs: number(resolveMs),
    resolveUnpausedMs: number(resolveUnpausedMs),
    penaltyCents: number(penaltyCents),
    currency: text(currency),
    outcome: OUTCOMES[bits & 3] ?? "open",
    priority: PRIORITIES[(bits >>> PRIORITY) & 7] ?? "P5",
    hourOfWeek: (bits >>> HOUR) & 255,
    isCalled: has(FIRST_FLAG),
    isFailure: has(FIRST_FLAG + 1),
    isByPeople: has(FIRST_FLAG + 2),
    isFirstLine: has(FIRST_FLAG + 3),
    isSelfRecovered: has(FIRST_FLAG + 4),
    isReopened: has(FIRST_FLAG + 5),
    restoreMet: (bits >>> FIRST_SINGLE) & 1,
    restoreBreached: (bits >>> (FIRST_SINGLE + 1)) & 1,
    vendorMet: (bits >>> (FIRST_SINGLE + 2)) & 1,
    vendorBreached: (bits >>> (FIRST_SINGLE + 3)) & 1,
    responseMet: (bits >>> MET) & CYCLES_MAX,
    responseBreached: (bits >>> BREACHED) & CYCLES_MAX,
  };
}

/** A row of `past` (queries.ts). */
export function pastFacts(row: PastRow): PastFacts {
  const { opened_at: openedAt, done_at: doneAt, marks, category, code, ...named } = row;
  const has = (bit: number): boolean => ((marks >>> bit) & 1) === 1;
  return {
    ...named,
    ...{ openedAt, doneAt },
    category: CATEGORIES.find((one) => one === category) ?? null,
    code: [...RESOLUTION_CODES, ...CANCEL_CODES].find((one) => one === code) ?? null,
    outcome: OUTCOMES[marks & 3] ?? "open",
    isFailure: has(FIRST_FLAG + FLAGS.indexOf("isFailure")),
    isByPeople: has(FIRST_FLAG + FLAGS.indexOf("isByPeople")),
  };
}

type PastRow = Pick<
  Tables["incident_facts"],
  | "incident"
  | "opened_at"
  | "done_at"
  | "site"
  | "slot"
  | "component"
  | "vendor"
  | "model"
  | "serial"
  | "rule"
  | "category"
  | "code"
  | "marks"
>;

const text = (cell: Cell | undefined): string | null => (typeof cell === "string" ? cell : null);
const number = (cell: Cell | undefined): number | null => (typeof cell === "number" ? cell : null);
