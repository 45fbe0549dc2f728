/** Incidents, their logs, and those of the past by likeness. */
import { beforeEach, describe, expect, it } from "vitest";
import type { PastOf } from "../../../incidents/likeness.ts";
import type { Incident, IncidentEvent } from "../../../incidents/types.ts";
import { aChange, aDevice, aNote, anIncident, someFacts, T0 } from "../contract-data.ts";
import type { Tested } from "./tested.ts";

export function incidentContract(tested: Tested): void {
  const ids = (found: { items: Incident[] }): string[] => found.items.map(({ id }) => id);

  it("numbers incidents from 1 without repeating one that was committed", async () => {
    expect([tested.store.nextIncidentNumber(), tested.store.nextIncidentNumber()]).toEqual([1, 2]);
    tested.store.commit({ incidents: [aChange(anIncident("INC-000002"))] });
    await tested.reopen();
    expect(tested.store.nextIncidentNumber()).toBe(3);
  });

  describe("incidents", () => {
    const printer = { site: "store-1", device: "lane-3/label-printer", component: null };
    const scale = { site: "store-2", device: "counter/scale", component: null };
    const review = { since: T0, times: 4, withinMs: 1_000 };
    const field = { group: "field-north", vendor: { vendor: "Zebra", ref: "RMA-17" } };
    beforeEach(() => {
      tested.store.putInventory("store-1", "host-1", [aDevice("lane-3/label-printer")], T0);
      tested.store.putInventory("store-2", "host-1", [aDevice("counter/scale", { kind: "scale" })], T0);
      tested.store.commit({
        incidents: [
          aChange(anIncident("INC-000001", { priority: "P3", subject: printer, openedAt: T0, review })),
          aChange(anIncident("INC-000002", { priority: "P1", subject: scale, openedAt: T0, title: "Scale is mute" })),
          aChange(
            anIncident("INC-000003", { priority: "P3", subject: printer, openedAt: T0 + 5, assignee: "Ana", review }),
          ),
          aChange(
            anIncident("INC-000004", {
              priority: "P3",
              openedAt: T0 + 5,
              recoveredAt: T0 + 9,
              parent: "INC-000002",
              ...field,
            }),
          ),
          aChange(anIncident("INC-000005", { priority: "P2", state: "closed", subject: printer })),
          aChange(anIncident("INC-000006", { state: "acknowledged", subject: { ...scale, device: null } })),
        ],
      });
    });

    it.each([
      { name: "all, by priority, then newest, then id", filter: {}, found: "2 5 3 4 1 6" },
      { name: "of states", filter: { states: ["new", "acknowledged"] as const }, found: "2 3 4 1 6" },
      { name: "of a closed state", filter: { states: ["closed"] as const }, found: "5" },
      { name: "of no state", filter: { states: [] }, found: "" },
      { name: "of priorities", filter: { priorities: ["P1", "P2"] as const }, found: "2 5" },
      { name: "of a site", filter: { site: "store-2" }, found: "2 6" },
      { name: "of a device", filter: { site: "store-2", device: "counter/scale" }, found: "2" },
      { name: "of a kind", filter: { kind: "scale" }, found: "2" },
      { name: "unrecovered", filter: { unrecovered: true, priorities: ["P3"] as const }, found: "3 1 6" },
      { name: "for review", filter: { forReview: true }, found: "3 1" },
      { name: "below another", filter: { parent: "INC-000002" }, found: "4" },
      { name: "below none, in a state", filter: { parent: null, states: ["new"] as const }, found: "2 3 1" },
      { name: "by a word of the title, in any case", filter: { search: "MUTE" }, found: "2" },
      { name: "by words of several fields", filter: { search: " ana  media " }, found: "3" },
      { name: "by id", filter: { search: "inc-000005" }, found: "5" },
      { name: "by a group and the vendor's number", filter: { search: "FIELD rma-17" }, found: "4" },
      {
        name: "all filters at once",
        filter: { site: "store-1", kind: "label_printer", search: "low" },
        found: "5 3 4 1",
      },
    ])("lists $name", ({ filter, found }) => {
      const page = tested.store.incidents(filter, { limit: 10, cursor: null });
      expect(ids(page).map((id) => String(Number(id.slice(4))))).toEqual(found.split(" ").filter((id) => id !== ""));
      expect([page.total, page.cursor]).toEqual([page.items.length, null]);
    });

    it("lists those of a dedupe key, ended or not, newest first", () => {
      const key = "store-1|lane-3/label-printer||media-low";
      expect(tested.store.incidentsOfKey(key, 9).map(({ id }) => Number(id.slice(4)))).toEqual([4, 3, 5, 1]);
      expect(tested.store.incidentsOfKey(key, 1).map(({ id }) => id)).toEqual(["INC-000004"]);
      expect(tested.store.incidentsOfKey("store-9|x||y", 9)).toEqual([]);
    });

    it("reads what older versions wrote in the words of now", () => {
      const held = { seq: 2, at: T0, recordedAt: T0, actor: "user:ana", type: "held", reason: "waits for a part" };
      const { holdText, selfRecoveries, ...old } = anIncident("INC-000008", { state: "on_hold" });
      const change = { ...aChange(old as Incident, [held as unknown as IncidentEvent]), key: "old" };
      tested.store.commit({ incidents: [{ ...change, incident: { ...old, holdReason: held.reason } as never }] });
      expect([holdText, selfRecoveries]).toEqual([null, []]);
      expect(tested.store.incident("INC-000008")).toMatchObject({ holdReason: "unlisted", holdText: held.reason });
      expect(tested.store.incident("INC-000008")?.selfRecoveries).toEqual([]);
      expect(tested.store.incidentEvents("INC-000008")).toEqual([{ ...held, reason: "unlisted", text: held.reason }]);
    });

    it("pages through the list without a hole or a repeat while it changes", () => {
      const first = tested.store.incidents({}, { limit: 2, cursor: null });
      tested.store.commit({ incidents: [aChange(anIncident("INC-000007", { priority: "P1" }))] });
      const rest: string[] = [];
      let cursor = first.cursor;
      while (cursor !== null) {
        const page = tested.store.incidents({}, { limit: 2, cursor });
        expect(page.total).toBe(7);
        rest.push(...ids(page));
        cursor = page.cursor;
      }
      expect([...ids(first), ...rest].map((id) => Number(id.slice(4)))).toEqual([2, 5, 3, 4, 1, 6]);
    });

    it.each(["garbage", "", "W10", Buffer.from('["P1"]').toString("base64url")])(
      "begins again for the foreign cursor %j",
      (cursor) => {
        expect(ids(tested.store.incidents({}, { limit: 1, cursor }))).toEqual(["INC-000002"]);
      },
    );

    it("has as open what has not ended", () => {
      tested.store.commit({
        incidents: [
          aChange(anIncident("INC-000001", { state: "merged", closedAt: T0 })),
          aChange(anIncident("INC-000002", { state: "cancelled", subject: scale })),
          aChange(anIncident("INC-000003", { state: "resolved" })),
          aChange(anIncident("INC-000004", { state: "merged", merged: { into: "INC-000003", was: "new" } })),
        ],
      });
      expect(tested.store.openIncidents().map(({ incident }) => incident.id)).toEqual([
        "INC-000003",
        "INC-000004",
        "INC-000006",
      ]);
    });

    it("learns the kind of a device whose inventory came after its incident", () => {
      const late = { site: "store-9", device: "dock/scale", component: null };
      tested.store.commit({ incidents: [aChange(anIncident("INC-000009", { subject: late }))] });
      tested.store.putInventory("store-9", "host-1", [aDevice("dock/scale", { kind: "scale" })], T0);
      expect(ids(tested.store.incidents({ kind: "scale", site: "store-9" }, { limit: 5, cursor: null }))).toEqual([
        "INC-000009",
      ]);
      tested.store.putInventory("store-9", "host-1", [], T0);
      expect(tested.store.incidents({ kind: "scale", site: "store-9" }, { limit: 5, cursor: null }).total).toBe(1);
    });

    it("has nothing for an id that is not there", () => {
      expect([tested.store.incident("INC-999999"), tested.store.incidentEvents("INC-999999")]).toEqual([null, []]);
    });
  });

  it("gives the last event of a type in a log", () => {
    const log = [aNote(1, "one"), aNote(2, "two")];
    tested.store.commit({ incidents: [aChange(anIncident("INC-000001"), log)] });
    expect([tested.store.lastEventOf("INC-000001", "note"), tested.store.lastEventOf("INC-000001", "closed")]).toEqual([
      log[1],
      null,
    ]);
    expect([tested.store.lastEventOf("INC-000009", "note"), tested.store.firstOpenedAt()]).toEqual([null, null]);
  });

  it("walks through the ids of all incidents in pages", () => {
    const all = ["INC-000001", "INC-000002", "INC-000003"];
    tested.store.commit({ incidents: all.map((id) => aChange(anIncident(id, { state: "closed" }))) });
    expect([
      tested.store.incidentIds("", 2),
      tested.store.incidentIds("INC-000002", 2),
      tested.store.incidentIds("INC-000003", 2),
    ]).toEqual([["INC-000001", "INC-000002"], ["INC-000003"], []]);
  });

  describe("the past", () => {
    const fact = (n: number, given: Parameters<typeof someFacts>[1] = {}) =>
      someFacts(`INC-00000${n}`, { openedAt: T0 + n, ...given });
    const idsOf = (of: PastOf, until = T0 + 9, limit = 9): string =>
      tested.store
        .past(of, until, limit)
        .map(({ incident }) => incident.at(-1))
        .join(" ");
    beforeEach(() => {
      const other = { slot: "store-2/lane-1/printer", site: "store-2", serial: "S2", model: null };
      const elsewhere = { slot: "store-1/lane-9/printer", serial: null };
      tested.store.commit({
        facts: [
          fact(1),
          fact(2, { rule: "head-open" }),
          fact(3, other),
          fact(4, elsewhere),
          fact(5, { model: "o'hara" }),
        ],
      });
    });

    it.each<{ name: string; of: PastOf; found: string }>([
      { name: "of a slot, every rule", of: { slot: "store-1/lane-3/label-printer" }, found: "5 2 1" },
      { name: "of an asset, every rule", of: { serial: "S1" }, found: "5 2 1" },
      { name: "of a model, one rule", of: { model: "ZD421", rule: "media-low" }, found: "4 1" },
      { name: "of a site, one rule", of: { site: "store-1", rule: "media-low" }, found: "5 4 1" },
      { name: "of a site, since a time", of: { site: "store-1", from: T0 + 2 }, found: "5 4 2" },
      { name: "of hostile words", of: { serial: "' or 1=1 --" }, found: "" },
    ])("$name, newest first", ({ of, found }) => {
      expect(idsOf(of)).toBe(found);
      const [first = "", second = ""] = found.split(" ");
      expect(idsOf(of, T0 + 9, 1)).toBe(first);
      expect(idsOf(of, T0 + Number(first) - 1, 1)).toBe(second);
    });

    it("is told with what became of each", () => {
      const done = { outcome: "resolved", code: "cleaned", isByPeople: true, doneAt: T0 + 99 } as const;
      tested.store.commit({ facts: [fact(1, { ...done, component: "tray-2" })] });
      const { isFailure, category, vendor } = someFacts("");
      expect(tested.store.past({ model: "ZD421", rule: "media-low" }, T0 + 1, 9)).toEqual([
        {
          ...{ incident: "INC-000001", openedAt: T0 + 1, ...done, isFailure, category, vendor, component: "tray-2" },
          ...{
            site: "store-1",
            slot: "store-1/lane-3/label-printer",
            model: "ZD421",
            serial: "S1",
            rule: "media-low",
          },
        },
      ]);
    });

    it("begins with the first that was opened", async () => {
      expect(tested.store.firstOpenedAt()).toBe(T0 + 1);
    });
  });
}
