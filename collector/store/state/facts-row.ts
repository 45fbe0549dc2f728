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

/** The store knows the number of the slot. */
export function rowOfFacts(facts: IncidentFacts): Omit<Tables["incident_facts"], "slot_no"> {
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
    signals: signalsOf(facts),
    life_ms: facts.lifeMs,
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

/** Of what was before they were counted: it fired once, and who was called is not known. */
const SIGNALS_BEFORE = 1;
const SIGNALS_BITS = 12;
const SIGNALS_MAX = 2 ** SIGNALS_BITS - 1;

/** How often it fired (12 bits, from the lowest), how often somebody was called (12), whether it was a mistake. */
export const signalsOf = ({ fires, calls, isMistaken }: CountedFacts): number =>
  Math.min(fires, SIGNALS_MAX) |
  (Math.min(calls, SIGNALS_MAX) << SIGNALS_BITS) |
  (Number(isMistaken) << (2 * SIGNALS_BITS));

/** The columns of a group's name that a report asks for, in the order in which they follow the others. */
export type NamedBy = Exclude<Grouping, "hour" | "slot">;

/** Columns of `reportRows` (queries.ts), with those that `named` adds. */
export const factsWidth = (named: readonly NamedBy[]): number => NUMBERS + named.length;

/**
 * A row of `reportRows`, which begins at `base` of a block (report-reader.ts), cells in its order; `named` are its last
 * columns, `columns` the names that text of each stands for, by place. It is the same object each time: a million of them would be a third of a report's time.
 */
export function factsReader(
  named: readonly NamedBy[],
  columns: readonly (readonly string[])[],
): (block: Float64Array, base: number) => CountedFacts {
  const place = (by: NamedBy): number => (named.includes(by) ? NUMBERS + named.indexOf(by) : -1);
  const [site, kind, vendor, model, rule] = [
    place("site"),
    place("kind"),
    place("vendor"),
    place("model"),
    place("rule"),
  ];
  const text = (block: Float64Array, base: number, column: number): string | null =>
    column < 0 ? null : (columns[column]?.[block[base + column] ?? Number.NaN] ?? null);
  const facts: { -readonly [Name in keyof CountedFacts]: CountedFacts[Name] } = {
    ...{
      openedAt: 0,
      doneAt: null,
      slot: null,
      restoredAt: null,
      detectMs: null,
      acknowledgeMs: null,
      restoreMs: null,
    },
    ...{ resolveMs: null, resolveUnpausedMs: null, penaltyCents: null, currency: null, lifeMs: null, site: "" },
    ...{ kind: null, vendor: null, model: null, rule: "", fires: 1, calls: 0, isMistaken: false, outcome: "open" },
    ...{ priority: "P5", hourOfWeek: 0, isCalled: false, isFailure: false, isByPeople: false, isFirstLine: false },
    ...{ isSelfRecovered: false, isReopened: false, restoreMet: 0, restoreBreached: 0, vendorMet: 0 },
    ...{ vendorBreached: 0, responseMet: 0, responseBreached: 0 },
  };
  return (block, base) => {
    const bits = block[base + 3] ?? 0;
    const signals = number(block[base + 12]) ?? SIGNALS_BEFORE;
    facts.openedAt = block[base] ?? 0;
    facts.doneAt = number(block[base + 1]);
    facts.slot = number(block[base + 2]);
    facts.restoredAt = number(block[base + 4]);
    facts.detectMs = number(block[base + 5]);
    facts.acknowledgeMs = number(block[base + 6]);
    facts.restoreMs = number(block[base + 7]);
    facts.resolveMs = number(block[base + 8]);
    facts.resolveUnpausedMs = number(block[base + 9]);
    facts.penaltyCents = number(block[base + 10]);
    facts.currency = text(block, base, 11);
    facts.lifeMs = number(block[base + 13]);
    facts.site = text(block, base, site) ?? "";
    facts.kind = text(block, base, kind);
    facts.vendor = text(block, base, vendor);
    facts.model = text(block, base, model);
    facts.rule = text(block, base, rule) ?? "";
    facts.fires = signals & SIGNALS_MAX;
    facts.calls = (signals >>> SIGNALS_BITS) & SIGNALS_MAX;
    facts.isMistaken = signals >>> (2 * SIGNALS_BITS) === 1;
    facts.outcome = OUTCOMES[bits & 3] ?? "open";
    facts.priority = PRIORITIES[(bits >>> PRIORITY) & 7] ?? "P5";
    facts.hourOfWeek = (bits >>> HOUR) & 255;
    facts.isCalled = ((bits >>> FIRST_FLAG) & 1) === 1;
    facts.isFailure = ((bits >>> (FIRST_FLAG + 1)) & 1) === 1;
    facts.isByPeople = ((bits >>> (FIRST_FLAG + 2)) & 1) === 1;
    facts.isFirstLine = ((bits >>> (FIRST_FLAG + 3)) & 1) === 1;
    facts.isSelfRecovered = ((bits >>> (FIRST_FLAG + 4)) & 1) === 1;
    facts.isReopened = ((bits >>> (FIRST_FLAG + 5)) & 1) === 1;
    facts.restoreMet = (bits >>> FIRST_SINGLE) & 1;
    facts.restoreBreached = (bits >>> (FIRST_SINGLE + 1)) & 1;
    facts.vendorMet = (bits >>> (FIRST_SINGLE + 2)) & 1;
    facts.vendorBreached = (bits >>> (FIRST_SINGLE + 3)) & 1;
    facts.responseMet = (bits >>> MET) & CYCLES_MAX;
    facts.responseBreached = (bits >>> BREACHED) & CYCLES_MAX;
    return facts;
  };
}

/** The columns before those that `named` adds. */
const NUMBERS = 14;

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

const number = (cell: number | undefined): number | null => (cell === undefined || Number.isNaN(cell) ? null : cell);
