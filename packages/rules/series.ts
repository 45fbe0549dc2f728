/**
 * `40x4 12x20 _x30 18x10`: a value and how often; `_` is a poll that did not bring the metric. A mark before the value
 * says how the reading came: `~` late, after the next poll; `=` twice; `!` from an agent that was away, afterwards.
 */
import type { Value } from "@aislewatch/contract";

/** Polls in one series of a test; a day at one every ten seconds. */
const SERIES_STEPS_MAX = 8_640;

/** How a reading reaches the collector when not at once. */
export type Delivery = "late" | "twice" | "afterwards";

/** What a poll brought: a value that came at once, nothing, or a value that came otherwise. */
export type SeriesPoint = Value | null | { readonly value: Value; readonly comes: Delivery };

export type Series = readonly SeriesPoint[];

export type ParsedSeries =
  | { readonly ok: true; readonly value: Series }
  | { readonly ok: false; readonly message: string; readonly hint?: string };

const STEP = /^([~=!]?)(_|true|false|-?\d+(?:\.\d+)?)(?:x(\d+))?$/;
const MARKS: Readonly<Record<string, Delivery>> = { "~": "late", "=": "twice", "!": "afterwards" };

export function parseSeries(written: string): ParsedSeries {
  const series: SeriesPoint[] = [];
  for (const word of written.trim().split(/\s+/)) {
    const match = STEP.exec(word);
    const [, mark = "", text = "", times = "1"] = match ?? [];
    if (match === null || (mark !== "" && text === "_")) {
      const hint = `write value x count, as "40x4 12x20 _x30"; _ missing, ~12 late, =12 twice, !12 while the agent is away`;
      return { ok: false, message: `expected a series such as "40x4 12"; received "${word}"`, hint };
    }
    const count = Number(times);
    if (series.length + count > SERIES_STEPS_MAX) {
      return { ok: false, message: `expected at most ${SERIES_STEPS_MAX} readings in a series` };
    }
    const value = valueOfWord(text);
    const comes = MARKS[mark];
    const point: SeriesPoint = value === null || comes === undefined ? value : { value, comes };
    for (let i = 0; i < count; i++) series.push(point);
  }
  return { ok: true, value: series };
}

function valueOfWord(word: string): Value | null {
  if (word === "_") return null;
  return word === "true" ? true : word === "false" ? false : Number(word);
}

export const valueAt = (point: SeriesPoint | undefined): Value | null =>
  typeof point === "object" && point !== null ? point.value : (point ?? null);

export const deliveryOf = (point: SeriesPoint | undefined): Delivery | null =>
  typeof point === "object" && point !== null ? point.comes : null;
