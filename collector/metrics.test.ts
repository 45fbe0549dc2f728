import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseExposition } from "./exposition.ts";
import { type Figure, prometheusText } from "./metrics.ts";

const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,20}$/);
const figure = fc.record({
  name,
  type: fc.constantFrom("counter" as const, "gauge" as const),
  help: fc.string(),
  // Minus zero is zero in the text.
  value: fc.double().map((value) => value + 0),
  labels: fc.dictionary(name, fc.string(), { maxKeys: 3, noNullPrototype: true }),
});

describe("Prometheus text", () => {
  it("reads back as it was written, whatever labels, help and values hold", () => {
    fc.assert(
      fc.property(fc.uniqueArray(figure, { selector: (each) => each.name, maxLength: 6 }), (figures) => {
        const families = parseExposition(prometheusText(figures));
        expect(families).toEqual(
          figures.map(({ name: family, type, help, value, labels }) => ({
            name: family,
            type,
            help,
            samples: [{ labels, value }],
          })),
        );
      }),
    );
  });

  it("names a family once for all its label values", () => {
    const open = (priority: string, value: number): Figure => ({
      name: "incidents_open",
      type: "gauge",
      help: "Open",
      value,
      labels: { priority },
    });
    expect(prometheusText([open("P1", 2), open("P2", 0)])).toBe(
      '# HELP incidents_open Open\n# TYPE incidents_open gauge\nincidents_open{priority="P1"} 2\nincidents_open{priority="P2"} 0\n',
    );
  });
});
