import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleIncident } from "../api/sample-incident.ts";
import { PRIORITIES } from "../api/types.ts";
import { type Filters, formatFilters, matches, NO_FILTERS, ORDERS, parseFilters, STATE_FILTERS } from "./filters.ts";

const words = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 });
const anyFilters: fc.Arbitrary<Filters> = fc.record({
  state: fc.constantFrom(...STATE_FILTERS),
  priorities: fc.subarray([...PRIORITIES]),
  site: fc.option(words),
  kind: fc.option(words),
  text: fc.string({ unit: "grapheme", maxLength: 8 }),
  order: fc.constantFrom(...ORDERS),
  unfolded: fc.uniqueArray(words, { maxLength: 5 }),
  selected: fc.option(words),
  wall: fc.boolean(),
});

describe("filters in the URL", () => {
  it("come back as they went", () => {
    fc.assert(
      fc.property(anyFilters, (filters) => {
        expect(parseFilters(formatFilters(filters))).toEqual(filters);
      }),
    );
  });

  it("leave the plain board's address plain", () => {
    expect(formatFilters(NO_FILTERS)).toBe("");
    expect(parseFilters("")).toEqual(NO_FILTERS);
  });

  it("are read from any text without failing, and bounded", () => {
    fc.assert(
      fc.property(fc.string(), (search) => {
        const filters = parseFilters(search);
        expect(filters.text.length).toBeLessThanOrEqual(200);
        expect(filters.unfolded.length).toBeLessThanOrEqual(50);
      }),
    );
  });

  it("fall back to the plain board for words they don't know", () => {
    expect(parseFilters("state=burning&priority=P9,P1&order=sideways&wall=yes")).toEqual({
      ...NO_FILTERS,
      priorities: ["P1"],
    });
  });
});

describe("matching", () => {
  const incident = sampleIncident();
  it.each([
    { name: "an open incident on the plain board", change: {}, match: true },
    { name: "every word, whatever its case and place", change: { text: "RIVERSIDE label" }, match: true },
    { name: "the id", change: { text: "inc-000001" }, match: true },
    { name: "no word that stands nowhere", change: { text: "riverside toaster" }, match: false },
    { name: "its priority", change: { priorities: ["P3"] as const }, match: true },
    { name: "no other priority", change: { priorities: ["P1", "P2"] as const }, match: false },
    { name: "its site only", change: { site: "store-1" }, match: false },
    { name: "its kind only", change: { kind: "ups" }, match: false },
    { name: "no state but its own", change: { state: "closed" as const }, match: false },
  ])("finds $name", ({ change, match }) => expect(matches(incident, { ...NO_FILTERS, ...change })).toBe(match));
});
