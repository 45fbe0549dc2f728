import { ManualClock } from "@aislewatch/base";
import { describe, expect, it } from "vitest";
import { createIncidentBook, type IncidentBook } from "./incident-book.ts";
import type { Incident, IncidentEventBody } from "./incidents/types.ts";
import type { IncidentChange, StateStore } from "./store/state/store.ts";

const T0 = 1_000;
const how = { at: T0, actor: "user:kim" };
const opened = (device: string, site = "s1"): IncidentEventBody => ({
  type: "opened",
  subject: { site, device, component: null },
  ...{ rule: "media-out", ruleVersion: "1", title: "Media out", severity: "major", category: "consumable" },
  ...{ runbook: null, onset: T0, values: {}, priority: "P2", why: "1 of 2", suppressedBy: null },
});
const KEY = "s1|a||media-out";
const RESOLVED: IncidentEventBody = { type: "resolved", code: "cleaned", text: null };
const CLOSED: IncidentEventBody = { type: "closed" };

/** What a store keeps of what is committed, and no more than the book asks of one. */
class Kept {
  readonly changes = new Map<string, IncidentChange>();
  #number = 0;
  commit(changes: readonly IncidentChange[]): void {
    for (const change of changes) this.changes.set(change.incident.id, change);
  }
  readonly store: Pick<StateStore, "nextIncidentNumber" | "incident" | "incidentsOfKey" | "openIncidents"> = {
    nextIncidentNumber: () => ++this.#number,
    incident: (id) => this.changes.get(id)?.incident ?? null,
    incidentsOfKey: (key, limit) =>
      [...this.changes.values()]
        .filter((change) => change.key === key)
        .map(({ incident }) => incident)
        .reverse()
        .slice(0, limit),
    openIncidents: () => [...this.changes.values()].filter(({ incident }) => incident.closedAt === null),
  };
}

function make(kept = new Kept()): { book: IncidentBook; kept: Kept } {
  return { book: createIncidentBook({ clock: new ManualClock(T0 + 5), state: kept.store as StateStore }), kept };
}
const ids = (some: Iterable<Incident>): string[] => [...some].map(({ id }) => id);

describe("the book", () => {
  it("finds what it holds by key, id and site, until it ends", () => {
    const { book } = make();
    const one = book.write("k1", null, [opened("a")], how);
    book.write("k2", null, [opened("b", "s2")], how);
    expect(book.ofKey("k1")).toBe(one);
    expect([book.keyOf(one.id), book.incident(one.id)]).toEqual(["k1", one]);
    expect(book.at("s1")).toEqual([{ key: "k1", incident: one }]);
    expect(ids(book.all())).toEqual(["INC-000001", "INC-000002"]);
    const resolved = book.write("k1", one, [RESOLVED], how);
    expect(ids(book.open())).toEqual(["INC-000002"]);
    const closed = book.write("k1", resolved, [CLOSED], how);
    expect([book.ofKey("k1"), book.keyOf(one.id), book.at("s1")]).toEqual([null, null, []]);
    expect(book.incident(one.id)).toBe(closed);
  });

  it("gives what was written since the last time, once, with the log of each in one piece", () => {
    const { book } = make();
    const one = book.write("k1", null, [opened("a")], how);
    book.write("k1", one, [{ type: "acknowledged" }], how);
    expect(book.hasPending).toBe(true);
    const { changes } = book.takePending();
    expect(changes.map(({ key, events }) => [key, events.map(({ seq, type }) => `${seq} ${type}`)])).toEqual([
      ["k1", ["1 opened", "2 acknowledged"]],
    ]);
    expect([book.hasPending, book.takePending().changes]).toEqual([false, []]);
  });

  it("writes down what stood in the slot when it was opened, and not what stands there later", () => {
    let asset: { serial?: string } | null = { serial: "S1" };
    const state = new Kept().store as StateStore;
    const book = createIncidentBook({ clock: new ManualClock(T0), state, assetOf: () => asset });
    const one = book.write("k1", null, [opened("a")], how);
    asset = { serial: "S2" };
    expect(book.write("k1", one, [{ type: "acknowledged" }], how).asset).toEqual({ serial: "S1" });
    for (const unknown of [{}, null]) {
      asset = unknown;
      expect(book.write(`k ${unknown}`, null, [opened("b")], how)).not.toHaveProperty("asset");
    }
  });

  it("takes back what could not be committed, before what was written since", () => {
    const { book } = make();
    const one = book.write("k1", null, [opened("a")], how);
    const taken = book.takePending();
    const two = book.write("k1", one, [{ type: "acknowledged" }], how);
    taken.putBack();
    const [change] = book.takePending().changes;
    expect(change?.incident).toEqual(two);
    expect(change?.events.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it("knows the last that ended of a key, on disk or not yet, and after a commit that failed", () => {
    const { book, kept } = make();
    const end = (device: string): Incident => book.write("k", null, [opened(device), RESOLVED, CLOSED], how);
    expect(book.lastOf("k")).toBeNull();
    const first = end("a");
    expect(book.lastOf("k")?.id).toBe(first.id);
    const taken = book.takePending();
    expect(book.lastOf("k")).toBeNull();
    taken.putBack();
    expect(book.lastOf("k")?.id).toBe(first.id);
    kept.commit(book.takePending().changes);
    expect(book.lastOf("k")?.id).toBe(first.id);
    expect(end("a").id).toBe(book.lastOf("k")?.id);
  });

  it("knows the others of a key as they are now, not as they are on disk", () => {
    const { book, kept } = make();
    const ended = book.write(KEY, null, [opened("a"), RESOLVED, CLOSED], how);
    const second = book.write(KEY, null, [opened("a")], how);
    kept.commit(book.takePending().changes);
    const reviewed = book.write(KEY, second, [{ type: "note", text: "x" }], how);
    expect(book.others(reviewed, 9).map(({ id, version }) => [id, version])).toEqual([[ended.id, 3]]);
    expect(book.others(ended, 9).map(({ id, version }) => [id, version])).toEqual([[second.id, 2]]);
  });

  it("tells its listeners of each write in order, with what was before", () => {
    const { book } = make();
    const told: string[] = [];
    const end = book.onWritten(({ key, before, incident, events }) =>
      told.push(`${key} ${before?.version ?? 0}→${incident.version} ${events.length}`),
    );
    const one = book.write("k1", null, [opened("a")], how);
    book.write("k1", one, [RESOLVED, CLOSED], how);
    end();
    book.write("k2", null, [opened("b")], how);
    expect(told).toEqual(["k1 0→1 1", "k1 1→3 2"]);
  });

  it("goes on after a restart with what has not ended", () => {
    const { book, kept } = make();
    book.write("k1", null, [opened("a")], how);
    book.write("k2", null, [opened("b"), RESOLVED, CLOSED], how);
    kept.commit(book.takePending().changes);
    const { book: next } = make(kept);
    next.restore();
    expect(ids(next.all())).toEqual(["INC-000001"]);
    expect(next.hasPending).toBe(false);
  });
});
