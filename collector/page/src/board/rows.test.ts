import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleIncident } from "../api/sample-incident.ts";
import { type Incident, PRIORITIES } from "../api/types.ts";
import { NO_FILTERS } from "./filters.ts";
import { arrange, type Row, suppressor, tally, visibleRange } from "./rows.ts";

const at = (id: string, change: Partial<Incident> = {}): Incident => sampleIncident({ id, ...change });
const behindSwitch = { suppressedBy: "store-0042/network/switch-1", priority: "P2" } as const;
const theSwitch = at("SW", {
  priority: "P1",
  subject: { site: "store-0042", device: "network/switch-1", component: null },
});
const keys = (rows: readonly Row[]): string[] => rows.map((row) => (row.type === "group" ? `(${row.count})` : row.key));

describe("the order of the board", () => {
  it("is by priority, then oldest first", () => {
    const rows = arrange(
      [at("C", { onset: 3 }), at("A", { onset: 9, priority: "P1" }), at("B", { onset: 1 })],
      NO_FILTERS,
    );
    expect(keys(rows)).toEqual(["A", "B", "C"]);
  });

  it("can be newest first within a priority", () => {
    const rows = arrange([at("A", { onset: 1 }), at("B", { onset: 2 }), at("C", { onset: 0, priority: "P1" })], {
      ...NO_FILTERS,
      order: "newest",
    });
    expect(keys(rows)).toEqual(["C", "B", "A"]);
  });

  it("can be what is due first, whatever its priority; what stands still comes after", () => {
    const due = (dueAt: number | null) => ({ clock: "restore", state: "running", dueAt }) as const;
    const rows = arrange(
      [
        at("A", { priority: "P1", due: due(9) }),
        at("B", { priority: "P1", due: due(null) }),
        at("C", { priority: "P4", due: due(2) }),
        at("D", { priority: "P2", due: null }),
      ],
      { ...NO_FILTERS, order: "due" },
    );
    expect(keys(rows)).toEqual(["C", "A", "B", "D"]);
  });
});

describe("what is suppressed", () => {
  const incidents = [
    theSwitch,
    at("P1", { priority: "P1", onset: 5_000 }),
    at("S1", behindSwitch),
    at("S2", behindSwitch),
  ];

  it("is folded below the incident of the device that is down", () => {
    expect(keys(arrange(incidents, NO_FILTERS))).toEqual(["SW", "(2)", "P1"]);
  });

  it("unfolds by its key", () => {
    const rows = arrange(incidents, { ...NO_FILTERS, unfolded: ["store-0042/network/switch-1"] });
    expect(keys(rows)).toEqual(["SW", "(2)", "S1", "S2", "P1"]);
  });

  it("shows itself to a search", () => {
    expect(keys(arrange(incidents, { ...NO_FILTERS, text: "s2" }))).toEqual(["(1)", "S2"]);
  });

  it("stands at the end when the device that is down has no incident on the list", () => {
    expect(keys(arrange([at("P5", { priority: "P5" }), at("S1", behindSwitch)], NO_FILTERS))).toEqual(["P5", "(1)"]);
  });

  it("hangs below the first incident of the device only", () => {
    const second = { ...theSwitch, id: "SW2", priority: "P4" } as const;
    expect(keys(arrange([second, ...incidents], NO_FILTERS))).toEqual(["SW", "(2)", "P1", "SW2"]);
  });

  it("names the device as its site calls it, with or without the site before it", () => {
    expect(suppressor(at("A", behindSwitch))).toBe("network/switch-1");
    expect(suppressor(at("A", { suppressedBy: "network/switch-1" }))).toBe("network/switch-1");
    expect(suppressor(at("A"))).toBeNull();
  });

  it("does not count in the tiles but beside them", () => {
    expect(tally(incidents)).toEqual({
      priorities: { P1: 2, P2: 0, P3: 0, P4: 0, P5: 0 },
      unacknowledged: 2,
      suppressed: 2,
    });
  });
});

it("loses no incident and shows none twice, however they hang together", () => {
  const incident = fc.record({
    priority: fc.constantFrom(...PRIORITIES),
    onset: fc.nat(50),
    device: fc.constantFrom("a", "b", "c"),
    suppressedBy: fc.option(fc.constantFrom("store-0042/a", "store-0042/b", "x")),
  });
  fc.assert(
    fc.property(fc.array(incident, { maxLength: 40 }), (all) => {
      const incidents = all.map(({ device, ...change }, index) =>
        at(`I${index}`, { ...change, subject: { site: "store-0042", device, component: null } }),
      );
      const folded = arrange(incidents, NO_FILTERS);
      const unfolded = folded.flatMap((row) => (row.type === "group" ? [row.key] : []));
      const shown = arrange(incidents, { ...NO_FILTERS, unfolded }).filter((row) => row.type === "incident");
      expect(shown.map((row) => row.key).sort()).toEqual(incidents.map(({ id }) => id).sort());
    }),
  );
});

describe("the rows in the window", () => {
  const view = { height: 500, rowHeight: 50, count: 10_000, overscan: 2 };
  it.each([
    { name: "from the top", listTop: 200, first: 0, end: 8 },
    { name: "in the middle", listTop: -5_000, first: 98, end: 112 },
    { name: "at the end", listTop: -499_600, first: 9_990, end: 10_000 },
    { name: "above the list", listTop: 9_000, first: 0, end: 0 },
  ])("$name are $first to $end", ({ listTop, first, end }) => {
    expect(visibleRange({ ...view, listTop })).toEqual({ first, end });
  });
});
