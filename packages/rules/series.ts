/** `40x4 12x20 _x30 18x10`: a value and how often; `_` is a poll that did not bring the metric. */
import type { Value } from "@aislewatch/contract";

/** Polls in one series of a test; a day at one every ten seconds. */
const SERIES_STEPS_MAX = 8_640;

export type Series = readonly (Value | null)[];

export type ParsedSeries =
  | { readonly ok: true; readonly value: Series }
  | { readonly ok: false; readonly message: string; readonly hint?: string };

const STEP = /^(_|true|false|-?\d+(?:\.\d+)?)(?:x(\d+))?$/;

export function parseSeries(written: string): ParsedSeries {
  const series: (Value | null)[] = [];
  for (const word of written.trim().split(/\s+/)) {
    const match = STEP.exec(word);
    if (match === null) {
      const hint = `write value x count, as "40x4 12x20 _x30"; _ is a missing reading`;
      return { ok: false, message: `expected a series such as "40x4 12"; received "${word}"`, hint };
    }
    const count = Number(match[2] ?? 1);
    if (series.length + count > SERIES_STEPS_MAX) {
      return { ok: false, message: `expected at most ${SERIES_STEPS_MAX} readings in a series` };
    }
    const value = valueOfWord(match[1] ?? "_");
    for (let i = 0; i < count; i++) series.push(value);
  }
  return { ok: true, value: series };
}

function valueOfWord(word: string): Value | null {
  if (word === "_") return null;
  return word === "true" ? true : word === "false" ? false : Number(word);
}
