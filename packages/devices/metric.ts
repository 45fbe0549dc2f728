import type { Kind } from "./kinds.ts";

/**
 * One entry of the metric catalogue: what a name means everywhere, on the wire, in rules, on the page and in stores.
 * A metric never changes its type or unit; a new meaning is a new name.
 */
export type Metric = {
  /** snake_case with the unit last: `head_temperature_celsius`. Counters end in `_total`. */
  readonly name: string;
  readonly type: "number" | "boolean";
  /** Written unit for people ("%", "°C", "s", "B"); empty for booleans and plain counts. */
  readonly unit: string;
  /** Only grows, until a reset: rules use rate() and increase() on it. */
  readonly counter: boolean;
  /** The class of component that reports it (`disk` for `disk-var`), or null when the device itself does. */
  readonly component: string | null;
  /** Which kinds may report it; null for every kind. */
  readonly kinds: readonly Kind[] | null;
  readonly meaning: string;
  /** For booleans: does true mean something is wrong? Colours the device page. */
  readonly bad?: boolean;
};
