import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleIncident } from "../api/sample-incident.ts";
import { type Incident, PRIORITIES } from "../api/types.ts";
import { type Filters, NO_FILTERS } from "./filters.ts";
import { inOrder } from "./order.ts";
import { arrange, foldAt, type Row, suppressor, tally } from "./rows.ts";

const at = (id: string, change: Partial<Incident> = {}): Incident => sampleIncident({ id, ...change });
const behindSwitch = { suppressedBy: "store-0042/network/switch-1", priority: "P2" } as const;
const theSwitch = at("SW", {
  priority: "P1",
  subject: { site: "store-0042", device: "network/switch-1", component: null },
});
const rowsOf = (incidents: readonly Incident[], filters: Filters) =>
  arrange(inOrder(incidents, filters.order), filters);
const keys = (rows: readonly Row[]): string[] => rows.map((row) => (row.type === "group" ? `(${row.count})` : row.key));

describe("what is suppressed", () => {
  const incidents = [
    theSwitch,
    at("P1", { priority: "P1", onset: 5_000 }),
    at("S1", behindSwitch),
    at("S2", behindSwitch),
  ];

  it("is folded below the incident of the device that is down", () => {
    expect(keys(rowsOf(incidents, NO_FILTERS))).toEqual(["SW", "(2)", "P1"]);
  });

  it("unfolds by its key", () => {
    const rows = rowsOf(incidents, { ...NO_FILTERS, unfolded: ["store-0042/network/switch-1"] });
    expect(keys(rows)).toEqual(["SW", "(2)", "S1", "S2", "P1"]);
  });

  it("shows itself to a search", () => {
    expect(keys(rowsOf(incidents, { ...NO_FILTERS, text: "s2" }))).toEqual(["(1)", "S2"]);
  });

  it("stands at the end when the device that is down has no incident on the list", () => {
    expect(keys(rowsOf([at("P5", { priority: "P5" }), at("S1", behindSwitch)], NO_FILTERS))).toEqual(["P5", "(1)"]);
  });

  it("hangs below the first incident of the device only", () => {
    const second = { ...theSwitch, id: "SW2", priority: "P4" } as const;
    expect(keys(rowsOf([second, ...incidents], NO_FILTERS))).toEqual(["SW", "(2)", "P1", "SW2"]);
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

describe("what is a consequence of another one", () => {
  const below = (id: string, parent: string, change: Partial<Incident> = {}) => at(id, { parent, ...change });
  const incidents = [
    theSwitch,
    at("P1", { priority: "P1", onset: 5_000 }),
    below("C1", "SW", behindSwitch),
    below("C2", "SW", { priority: "P3", recoveredAt: 9_000 }),
    below("D1", "C1", { subject: { site: "store-7", device: "scale", component: null } }),
  ];

  it("is folded below it, however deep it hangs", () => {
    const rows = rowsOf(incidents, NO_FILTERS);
    expect(keys(rows)).toEqual(["SW", "(3)", "P1"]);
    expect(rows[1]).toMatchObject({ parent: "SW", behind: "SW", standing: 2, worst: "P2", siteName: "2 sites" });
  });

  it("unfolds by its key", () => {
    const rows = rowsOf(incidents, { ...NO_FILTERS, unfolded: ["SW/below"] });
    expect(keys(rows)).toEqual(["SW", "(3)", "C1", "C2", "D1", "P1"]);
  });

  it("stands for itself when that one is not listed, unless it is suppressed", () => {
    const kept = incidents.filter(({ id }) => id !== "SW");
    expect(keys(rowsOf(kept, NO_FILTERS))).toEqual(["P1", "C2", "(2)"]);
  });

  it("does not count in the tiles while that one is open", () => {
    expect(tally(incidents)).toMatchObject({ priorities: { P1: 2, P2: 0, P3: 0 }, suppressed: 3 });
    expect(tally([below("C2", "GONE")])).toMatchObject({ priorities: { P3: 1 }, suppressed: 0 });
  });

  it("is folded and unfolded from each row that it concerns", () => {
    const rows = rowsOf(incidents, { ...NO_FILTERS, unfolded: ["SW/below"] });
    const foldsOf = rows.map((_, index) => foldAt(rows, index)?.key ?? null);
    expect(foldsOf).toEqual([...Array.from({ length: 5 }, () => "SW/below"), null]);
    expect(foldAt(rows, -1)).toBeNull();
  });
});

it("loses no incident and shows none twice, however they hang together", () => {
  const incident = fc.record({
    priority: fc.constantFrom(...PRIORITIES),
    onset: fc.nat(50),
    device: fc.constantFrom("a", "b", "c"),
    suppressedBy: fc.option(fc.constantFrom("store-0042/a", "store-0042/b", "x")),
    parent: fc.option(fc.nat(40).map((n) => `I${n}`)),
  });
  fc.assert(
    fc.property(fc.array(incident, { maxLength: 40 }), (all) => {
      const incidents = all.map(({ device, ...change }, index) =>
        at(`I${index}`, { ...change, subject: { site: "store-0042", device, component: null } }),
      );
      const folded = rowsOf(incidents, NO_FILTERS);
      const unfolded = folded.flatMap((row) => (row.type === "group" ? [row.key] : []));
      const shown = rowsOf(incidents, { ...NO_FILTERS, unfolded }).filter((row) => row.type === "incident");
      expect(shown.map((row) => row.key).sort()).toEqual(incidents.map(({ id }) => id).sort());
    }),
  );
});
