/** A plain model of the state store, and random steps for both. */
import fc from "fast-check";
import { expect } from "vitest";
import { type Incident, type IncidentEvent, PRIORITIES } from "../../../incidents/types.ts";
import { StoreError } from "../../error.ts";
import { aChange, aFault, aNote, anEvent, anIncident, T0 } from "../contract-data.ts";
import type { DeviceEventRecord, StateStore } from "../store.ts";

type Step = {
  lane: "live" | "history";
  seq: number;
  fault: number;
  firing: boolean;
  incident: number;
  late: boolean;
  open: boolean;
  priority: (typeof PRIORITIES)[number];
};

export const step: fc.Arbitrary<Step | "restart"> = fc.oneof(
  { weight: 1, arbitrary: fc.constant("restart" as const) },
  {
    weight: 6,
    arbitrary: fc.record({
      lane: fc.constantFrom("live" as const, "history" as const),
      seq: fc.nat(20),
      fault: fc.nat(3),
      firing: fc.boolean(),
      incident: fc.nat(4),
      /** Uses an event number that was used before, so the whole commit must fail. */
      late: fc.boolean(),
      open: fc.boolean(),
      priority: fc.constantFrom(...PRIORITIES),
    }),
  },
);

/** What a store must answer, held in plain collections. */
export class Model {
  readonly #watermarks = new Map<string, number>();
  readonly #faults = new Set<string>();
  readonly #events: DeviceEventRecord[] = [];
  readonly #incidents = new Map<string, { incident: Incident; events: IncidentEvent[] }>();

  apply(store: StateStore, { lane, seq, fault, firing, incident, late, open, priority }: Step): void {
    const id = `INC-${incident}`;
    const before = this.#incidents.get(id)?.events ?? [];
    const event = aNote(late && before.length > 0 ? before.length : before.length + 1, `${seq}`);
    const next = anIncident(id, { state: open ? "new" : "closed", priority, openedAt: T0 + seq });
    const happened = anEvent({ site: "s", device: `d${fault}`, at: T0 + seq, recordedAt: this.#events.length });
    const commit = (): void =>
      store.commit({
        watermarks: [{ site: "s", agent: "a", epoch: "e", lane, seq }],
        deviceEvents: [happened],
        faults: [aFault(`r${fault}`, firing ? { state: "firing" } : { state: "inactive", detail: {} })],
        incidents: [aChange(next, [event])],
      });
    if (late && before.length > 0) {
      expect(commit).toThrow(StoreError);
      return;
    }
    commit();
    this.#events.push(happened);
    this.#watermarks.set(lane, Math.max(seq, this.#watermarks.get(lane) ?? 0));
    if (firing) this.#faults.add(`r${fault}`);
    else this.#faults.delete(`r${fault}`);
    this.#incidents.set(id, { incident: next, events: [...before, event] });
  }

  compare(store: StateStore): void {
    expect(Object.fromEntries(store.watermarks().map(({ lane, seq }) => [lane, seq]))).toEqual(
      Object.fromEntries(this.#watermarks),
    );
    expect(store.faults().map(({ rule }) => rule)).toEqual([...this.#faults].sort());
    const newestFirst = this.#events.toSorted((a, b) => b.at - a.at || b.recordedAt - a.recordedAt);
    expect(store.deviceEvents("s", null, 100)).toEqual(newestFirst);
    const order = [...this.#incidents.values()].sort(
      ({ incident: a }, { incident: b }) =>
        a.priority.localeCompare(b.priority) || b.openedAt - a.openedAt || a.id.localeCompare(b.id),
    );
    expect(store.incidents({}, { limit: 10, cursor: null }).items).toEqual(order.map(({ incident }) => incident));
    expect(store.openIncidents().map(({ incident }) => incident.id)).toEqual(
      order.flatMap(({ incident }) => (incident.state === "closed" ? [] : [incident.id])).sort(),
    );
    for (const { incident, events } of order) expect(store.incidentEvents(incident.id)).toEqual(events);
  }
}
