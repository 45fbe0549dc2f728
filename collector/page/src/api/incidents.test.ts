import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arrived, fetched, type Incidents, KEPT_MAX, NO_INCIDENTS } from "./incidents.ts";
import { sampleIncident } from "./sample-incident.ts";
import type { Incident } from "./types.ts";

const ids = (state: Incidents): string[] => [...state.entries.keys()].sort();
const versionOf = (state: Incidents, id: string): number | undefined => state.entries.get(id)?.incident.version;
const one = (id: string, version = 1, state: Incident["state"] = "new"): Incident =>
  sampleIncident({ id, version, state });

describe("incidents that arrive over the stream", () => {
  it("replaces what is older", () => {
    const state = arrived(arrived(NO_INCIDENTS, [one("A", 1)], 10), [one("A", 2)], 20);
    expect(versionOf(state, "A")).toBe(2);
  });

  it("ignores what is older than what is known", () => {
    const state = arrived(arrived(NO_INCIDENTS, [one("A", 3)], 10), [one("A", 2)], 20);
    expect(versionOf(state, "A")).toBe(3);
  });

  it("lights up only what was not known before", () => {
    const known = fetched(NO_INCIDENTS, { items: [one("A")], since: 0, complete: true });
    const state = arrived(known, [one("A", 2), one("B")], 50);
    expect(state.entries.get("A")?.arrivedAt).toBeNull();
    expect(state.entries.get("B")?.arrivedAt).toBe(50);
  });

  it("takes on what the collector says anew of the same version, unless that was asked for earlier", () => {
    const before = arrived(NO_INCIDENTS, [one("A")], 10);
    const moved = { ...one("A"), siteName: "Another name" };
    const late = fetched(before, { items: [moved], since: before.revision - 1, complete: true });
    expect(late.entries.get("A")?.incident.siteName).not.toBe("Another name");
    const state = fetched(before, { items: [moved], since: before.revision, complete: true });
    expect(state.entries.get("A")?.incident.siteName).toBe("Another name");
    const same = fetched(state, { items: [{ ...moved }], since: state.revision, complete: true });
    expect(same.entries.get("A")).toBe(state.entries.get("A"));
  });

  it("forgets finished incidents first, oldest first, beyond the bound", () => {
    const open = Array.from({ length: KEPT_MAX - 1 }, (_, index) => one(`open-${index}`));
    const finished = [10, 30, 20].map((updatedAt) =>
      sampleIncident({ id: `closed-${updatedAt}`, state: "closed", updatedAt }),
    );
    const state = arrived(NO_INCIDENTS, [...open, ...finished], 0);
    expect(state.entries.size).toBe(KEPT_MAX);
    expect(ids(state).filter((id) => id.startsWith("closed"))).toEqual(["closed-30"]);
  });
});

describe("lists that are fetched", () => {
  it("drops an open incident whose end was missed", () => {
    const before = arrived(NO_INCIDENTS, [one("A"), one("B")], 10);
    const state = fetched(before, { items: [one("A")], since: before.revision, complete: true });
    expect(ids(state)).toEqual(["A"]);
  });

  it("keeps what arrived after the list was asked for", () => {
    const asked = arrived(NO_INCIDENTS, [one("A")], 10);
    const meanwhile = arrived(asked, [one("B")], 20);
    const state = fetched(meanwhile, { items: [one("A")], since: asked.revision, complete: true });
    expect(ids(state)).toEqual(["A", "B"]);
  });

  it("does not undo a change that overtook the list", () => {
    const asked = arrived(NO_INCIDENTS, [one("A", 1)], 10);
    const meanwhile = arrived(asked, [one("A", 2, "resolved")], 20);
    const state = fetched(meanwhile, { items: [one("A", 1)], since: asked.revision, complete: true });
    expect(state.entries.get("A")?.incident.state).toBe("resolved");
  });

  it("drops nothing when the list is only a part", () => {
    const before = arrived(NO_INCIDENTS, [one("A")], 10);
    const state = fetched(before, { items: [one("B")], since: before.revision, complete: false });
    expect(ids(state)).toEqual(["A", "B"]);
  });

  it("leaves finished incidents that a list of the open ones can't name", () => {
    const before = arrived(NO_INCIDENTS, [one("A", 1, "closed")], 10);
    const state = fetched(before, { items: [], since: before.revision, complete: true });
    expect(ids(state)).toEqual(["A"]);
  });
});

it("never goes back in versions, whatever comes in which order", () => {
  const change = fc.record({
    live: fc.boolean(),
    id: fc.constantFrom("A", "B", "C"),
    version: fc.integer({ min: 1, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      let state = NO_INCIDENTS;
      const highest = new Map<string, number>();
      for (const { live, id, version } of changes) {
        const items = [one(id, version)];
        state = live ? arrived(state, items, 0) : fetched(state, { items, since: state.revision, complete: false });
        highest.set(id, Math.max(version, highest.get(id) ?? 0));
        expect(versionOf(state, id)).toBe(highest.get(id));
      }
    }),
  );
});
