import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleIncident } from "../api/sample-incident.ts";
import { type Incident, PRIORITIES } from "../api/types.ts";
import { ORDERS } from "./filters.ts";
import { createOrdering, inOrder } from "./order.ts";

const at = (id: string, change: Partial<Incident> = {}): Incident => sampleIncident({ id, ...change });
const ids = (incidents: readonly Incident[]): string[] => incidents.map(({ id }) => id);

describe("the order of the board", () => {
  it("is by priority, then oldest first", () => {
    const all = [at("C", { onset: 3 }), at("A", { onset: 9, priority: "P1" }), at("B", { onset: 1 })];
    expect(ids(inOrder(all, "oldest"))).toEqual(["A", "B", "C"]);
  });

  it("can be newest first within a priority", () => {
    const all = [at("A", { onset: 1 }), at("B", { onset: 2 }), at("C", { onset: 0, priority: "P1" })];
    expect(ids(inOrder(all, "newest"))).toEqual(["C", "B", "A"]);
  });

  it("can be what is due first, whatever its priority; what stands still comes after", () => {
    const due = (dueAt: number | null) => ({ clock: "restore", state: "running", dueAt }) as const;
    const all = [
      at("A", { priority: "P1", due: due(9) }),
      at("B", { priority: "P1", due: due(null) }),
      at("C", { priority: "P4", due: due(2) }),
      at("D", { priority: "P2", due: null }),
    ];
    expect(ids(inOrder(all, "due"))).toEqual(["C", "A", "B", "D"]);
  });
});

const facts = fc.record({ priority: fc.constantFrom(...PRIORITIES), onset: fc.nat(9) });
/** Of a few incidents some change, come or go at each step; the order may be another. */
const steps = fc.array(
  fc.record({
    order: fc.constantFrom(...ORDERS),
    changed: fc.array(fc.tuple(fc.nat(30), fc.option(facts)), { maxLength: 6 }),
  }),
  { maxLength: 20 },
);

it("is the same whether a list is sorted anew or patched step by step", () => {
  fc.assert(
    fc.property(fc.array(facts, { minLength: 20, maxLength: 31 }), steps, (first, after) => {
      const ordered = createOrdering();
      const now = new Map(first.map((change, n) => [`I${n}`, { incident: at(`I${n}`, change) }]));
      for (const { order, changed } of after) {
        for (const [n, change] of changed) {
          if (change === null) now.delete(`I${n}`);
          else now.set(`I${n}`, { incident: at(`I${n}`, change) });
        }
        const known = new Map(now);
        const all = Array.from(known.values(), ({ incident }) => incident);
        expect(ordered(known, order)).toEqual(inOrder(all, order));
      }
    }),
  );
});

it("is the same list when nothing has changed", () => {
  const ordered = createOrdering();
  const known = new Map([["A", { incident: at("A") }]]);
  expect(ordered(known, "oldest")).toBe(ordered(known, "oldest"));
});
