/**
 * What every state store must do, as tests. `contract.test.ts` runs them for each implementation, on the real thing.
 */
import type { InventoryDevice } from "@aislewatch/contract";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ALWAYS } from "../../incidents/business-time.ts";
import { exposuresOf } from "../../incidents/exposure.ts";
import { GROUPINGS } from "../../incidents/figures.ts";
import type { PastOf } from "../../incidents/likeness.ts";
import { figuresOf } from "../../incidents/report.ts";
import { type Incident, type IncidentEvent, PRIORITIES } from "../../incidents/types.ts";
import { killWhileWriting } from "../crash.ts";
import { StoreError } from "../error.ts";
import {
  aChange,
  aDevice,
  aFault,
  aGroup,
  aLane,
  aNote,
  aNotification,
  anAttempt,
  anEvent,
  anIncident,
  aThinning,
  LANE,
  manyFacts,
  someFacts,
  T0,
} from "./contract-data.ts";
import {
  type CommandRecord,
  type Commit,
  DEVICE_EVENTS,
  type DeviceEventRecord,
  REPORTS_WAITING_MAX,
  type StateStore,
} from "./store.ts";

export type StateStoreUnderTest = {
  /** A store over the same data each time, not yet open; one is open at a time. */
  create(): StateStore;
  /** A Node program that writes `crashChange(1)`, `crashChange(2)`, … to it until it is killed (crash-writer.ts). */
  readonly writer: readonly string[];
  remove(): Promise<void>;
};

const HOSTILE = ["o'hara", '"; drop table incidents; --', "%_\\", "größe 🖨️ ラベル", "a\nb", "$1 ? :x"];

export function stateStoreContract(name: string, make: () => Promise<StateStoreUnderTest>): void {
  describe(`${name} as a state store`, () => {
    let place: StateStoreUnderTest;
    let store: StateStore;

    beforeEach(async () => {
      place = await make();
      store = place.create();
      await store.open();
    });
    afterEach(async () => {
      await store.close();
      await place.remove();
    });
    const reopen = async (): Promise<void> => {
      await store.close();
      store = place.create();
      await store.open();
    };
    const ids = (found: { items: Incident[] }): string[] => found.items.map(({ id }) => id);

    describe("commit", () => {
      const whole: Commit = {
        watermarks: [{ site: "store-1", agent: "host-1", epoch: "e1", lane: "live", seq: 7 }],
        faults: [aFault("media-low")],
        incidents: [aChange(anIncident("INC-000001"), [aNote(1, "first")])],
        agents: [{ site: "store-1", agent: "host-1", online: true, status: null, lastSeenAt: T0, judgedUntil: T0 - 5 }],
        gaps: [
          {
            site: "store-1",
            agent: "host-1",
            epoch: "e1",
            lane: "history",
            fromSeq: 3,
            toSeq: 9,
            at: T0,
            reason: "never came",
          },
        ],
        deviceEvents: [anEvent({ component: "outlet-4" })],
        ledger: [aLane()],
        thinned: [aThinning()],
        late: [{ site: "store-1", agent: "host-1", part: "state", body: '{"v":1}' }],
      };

      it("gives back after a restart what was committed", async () => {
        store.commit(whole);
        await reopen();
        expect(store.watermarks()).toEqual(whole.watermarks);
        expect(store.faults()).toEqual(whole.faults);
        expect(store.incident("INC-000001")).toEqual(whole.incidents?.[0]?.incident);
        expect(store.incidentEvents("INC-000001")).toEqual(whole.incidents?.[0]?.events);
        expect(store.openIncidents()).toEqual([
          { incident: whole.incidents?.[0]?.incident, key: "store-1|lane-3/label-printer||media-low" },
        ]);
        expect(store.agents()).toEqual(whole.agents);
        expect(store.gaps()).toEqual(whole.gaps);
        expect(store.ledger()).toEqual(whole.ledger);
        expect(store.thinned()).toEqual(whole.thinned);
        expect(store.late()).toEqual(whole.late);
        expect(store.deviceEvents("store-1", null, 10)).toEqual(whole.deviceEvents);
      });

      it("keeps each part of what the late evaluator knows of an agent once, and none when there is nothing to go on with", () => {
        const late = (agent: string, body: string | null, part: "state" | "live" = "state") => ({
          ...{ site: "store-1", agent, part, body },
        });
        store.commit({ late: [late("host-1", "a"), late("host-2", "b")] });
        store.commit({
          late: [late("host-1", "c"), late("host-1", "d", "live"), late("host-2", null), late("host-3", null)],
        });
        expect(store.late()).toEqual([late("host-1", "d", "live"), late("host-1", "c")]);
        store.removeAgent("store-1", "host-1", T0);
        expect(store.late()).toEqual([]);
      });

      it("leaves nothing of a change that fails, and works again", () => {
        store.commit({ incidents: [aChange(anIncident("INC-000001"), [aNote(1, "first")])] });
        const late: Commit = {
          ...whole,
          incidents: [aChange(anIncident("INC-000001", { title: "changed" }), [aNote(1, "somebody was first")])],
        };
        expect(() => store.commit(late)).toThrow(StoreError);
        expect([store.watermarks(), store.faults(), store.agents(), store.gaps()]).toEqual([[], [], [], []]);
        expect([store.ledger(), store.thinned(), store.late()]).toEqual([[], [], []]);
        expect(store.deviceEvents("store-1", null, 10)).toEqual([]);
        expect(store.incident("INC-000001")?.title).toBe("Label media low: 12 % left");
        expect(store.incidentEvents("INC-000001")).toEqual([aNote(1, "first")]);
        store.commit({ incidents: [aChange(anIncident("INC-000001"), [aNote(2, "second")])] });
        expect(store.incidentEvents("INC-000001")).toEqual([aNote(1, "first"), aNote(2, "second")]);
      });

      it("says that a second writer of the same event number was late", () => {
        store.commit({ incidents: [aChange(anIncident("INC-000001"), [aNote(1, "first")])] });
        expect(() => store.commit({ incidents: [aChange(anIncident("INC-000001"), [aNote(1, "again")])] })).toThrow(
          expect.objectContaining({ kind: "conflict", retryable: false }),
        );
      });

      it("never moves a watermark back, and keeps lanes and epochs apart", () => {
        const lane = { site: "store-1", agent: "host-1", epoch: "e1", lane: "live" } as const;
        for (const seq of [5, 9, 7]) store.commit({ watermarks: [{ ...lane, seq }] });
        store.commit({
          watermarks: [
            { ...lane, lane: "history", seq: 2 },
            { ...lane, epoch: "e2", seq: 1 },
          ],
        });
        expect(store.watermarks()).toHaveLength(3);
        expect(store.watermarks()).toEqual(
          expect.arrayContaining([
            { ...lane, seq: 9 },
            { ...lane, lane: "history", seq: 2 },
            { ...lane, epoch: "e2", seq: 1 },
          ]),
        );
      });

      it("replaces a fault, keeps subjects apart and deletes what has nothing to remember", () => {
        const site = { site: "store-1", device: null, component: null };
        const tray = { site: "store-1", device: "lane-3/label-printer", component: "tray-2" };
        store.commit({ faults: [aFault("r"), aFault("r", { subject: site }), aFault("r", { subject: tray })] });
        store.commit({
          faults: [aFault("r", { state: "recovering" }), aFault("r", { subject: site, state: "inactive", detail: {} })],
        });
        expect(store.faults()).toHaveLength(2);
        expect(store.faults()).toEqual(
          expect.arrayContaining([aFault("r", { state: "recovering" }), aFault("r", { subject: tray })]),
        );
      });

      it("replaces the account of a lane, and keeps epochs apart", () => {
        store.commit({ ledger: [aLane(), aLane({ epoch: "e2" })] });
        const later = aLane({ seq: 11, batches: 9, repeats: 4 });
        store.commit({ ledger: [later] });
        expect(store.ledger()).toHaveLength(2);
        expect(store.ledger()).toEqual(expect.arrayContaining([later, aLane({ epoch: "e2" })]));
      });

      it("drops the accounts of an epoch that is folded, writes the sums, and keeps its watermark", () => {
        const epoch = { site: LANE.site, agent: LANE.agent, epoch: LANE.epoch };
        store.commit({
          watermarks: [{ ...LANE, seq: 9 }],
          ledger: [aLane(), aLane({ lane: "history" }), aLane({ epoch: "e2" }), aLane({ agent: "host-2" })],
        });
        store.commit({ folded: [{ ...epoch, at: T0 }], ledger: [aLane({ epoch: "(older)", batches: 18 })] });
        expect(store.ledger().map(({ agent, epoch, batches }) => [agent, epoch, batches])).toEqual(
          expect.arrayContaining([
            ["host-1", "e2", aLane().batches],
            ["host-1", "(older)", 18],
            ["host-2", "e1", aLane().batches],
          ]),
        );
        expect(store.ledger()).toHaveLength(3);
        expect(store.watermarks()).toEqual([{ ...LANE, seq: 9 }]);
        // It came back with its outbox file: what comes of it from now on is an account again.
        store.commit({ folded: [{ ...epoch, at: T0 }], ledger: [aLane({ firstSeq: 10, seq: 11 })] });
        expect(store.ledger()).toHaveLength(4);
      });

      it("knows folded epochs in the order in which they were heard of, until one is forgotten with its watermarks", async () => {
        const of = (epoch: string) => ({ site: LANE.site, agent: LANE.agent, epoch });
        store.commit({ watermarks: ["e1", "e2", "e3"].map((epoch) => ({ ...LANE, epoch, seq: 9 })) });
        store.commit({
          folded: [
            { ...of("e1"), at: T0 + 2 },
            { ...of("e2"), at: T0 + 1 },
            { ...of("e3"), at: T0 },
          ],
        });
        store.commit({ folded: [{ ...of("e3"), at: T0 + 3 }] });
        await reopen();
        expect(store.foldedEpochs()).toEqual([of("e2"), of("e1"), of("e3")]);
        store.commit({ forgotten: [of("e2")] });
        expect(store.foldedEpochs()).toEqual([of("e1"), of("e3")]);
        expect(
          store
            .watermarks()
            .map(({ epoch }) => epoch)
            .sort(),
        ).toEqual(["e1", "e3"]);
      });

      it("keeps what people said of missing batches", async () => {
        const note = { ...LANE, fromSeq: 3, toSeq: 4, at: T0, by: "user:ana", text: "the disk was swapped" };
        store.addGapNotes([note, { ...note, fromSeq: 9, toSeq: 9 }]);
        await reopen();
        expect(store.gapNotes()).toEqual([note, { ...note, fromSeq: 9, toSeq: 9 }]);
      });

      it("counts a gap that is reported again once", () => {
        const [gap] = whole.gaps ?? [];
        if (gap === undefined) throw new Error("no gap");
        store.commit({ gaps: [gap] });
        store.commit({ gaps: [{ ...gap, at: T0 + 1 }] });
        expect(store.gaps()).toEqual([gap]);
      });

      it("keeps the agent's last status", () => {
        const status = { v: 1, state: "online", version: "1", epoch: "e1", startedAt: T0, sentAt: T0 } as const;
        const agent = { site: "store-1", agent: "host-1", online: true, status, lastSeenAt: T0, judgedUntil: T0 };
        store.commit({ agents: [agent] });
        store.commit({ agents: [{ ...agent, online: false, judgedUntil: T0 + 1 }] });
        expect(store.agents()).toEqual([{ ...agent, online: false, judgedUntil: T0 + 1 }]);
      });

      it("takes hostile text everywhere as text", async () => {
        HOSTILE.forEach((text, n) => {
          const subject = { site: text, device: text, component: text };
          store.commit({
            watermarks: [{ site: text, agent: text, epoch: text, lane: "live", seq: 1 }],
            deviceEvents: [anEvent({ ...subject, code: text, detail: text })],
            faults: [aFault(text, { subject })],
            incidents: [
              aChange(anIncident(text, { subject, title: text, rule: text, openedAt: T0 + n }), [aNote(1, text)]),
            ],
          });
          store.putDocument(text, text);
          store.putUser({ name: text, role: "viewer", passwordHash: null, createdAt: n });
        });
        await reopen();
        for (const text of HOSTILE) {
          expect(store.incident(text)?.title).toBe(text);
          expect(store.incidentEvents(text)).toEqual([aNote(1, text)]);
          expect(store.document(text)).toBe(text);
          const event = anEvent({ site: text, device: text, component: text, code: text, detail: text });
          expect(store.deviceEvents(text, text, 10)).toEqual([event]);
          expect(ids(store.incidents({ site: text }, { limit: 10, cursor: null }))).toEqual([text]);
        }
        expect(ids(store.incidents({ search: "%_\\" }, { limit: 10, cursor: null }))).toEqual(["%_\\"]);
        expect(store.incidents({ search: "' or 1=1 --" }, { limit: 10, cursor: null }).total).toBe(0);
        expect(store.watermarks()).toHaveLength(HOSTILE.length);
        expect(store.users()).toHaveLength(HOSTILE.length);
      });
    });

    describe("events of devices", () => {
      const ups = (at: number) => anEvent({ at: T0 + at, detail: `at ${at}` });
      const till = (at: number) => anEvent({ device: "lane-1/till", code: "rebooted", at: T0 + at });
      const times = (device: string | null, limit = 10, site = "store-1"): number[] =>
        store.deviceEvents(site, device, limit).map(({ at }) => at - T0);

      it("are listed newest first, by when they happened, of a device or of a site", () => {
        store.commit({ deviceEvents: [ups(5), till(7)] });
        store.commit({ deviceEvents: [ups(9), ups(2), anEvent({ site: "store-2", at: T0 + 1 })] });
        expect([times("back-office/ups"), times("lane-1/till"), times(null)]).toEqual([[9, 5, 2], [7], [9, 7, 5, 2]]);
        expect([times(null, 2), times(null, 0), times("back-office/ups", 1)]).toEqual([[9, 7], [], [9]]);
        expect([times(null, 10, "store-2"), times("none"), times(null, 10, "store-3")]).toEqual([[1], [], []]);
      });

      it("of one moment are listed last recorded first", () => {
        store.commit({ deviceEvents: ["a", "b", "c"].map((code) => anEvent({ code })) });
        expect(store.deviceEvents("store-1", null, 10).map(({ code }) => code)).toEqual(["c", "b", "a"]);
      });

      it("go, oldest first, when a device has too many, and those of others stay", async () => {
        const { perDeviceMax } = DEVICE_EVENTS;
        store.commit({ deviceEvents: [till(0), ...Array.from({ length: perDeviceMax + 5 }, (_, n) => ups(n))] });
        await reopen();
        store.commit({ deviceEvents: [ups(1_000), ups(1)] });
        const kept = times("back-office/ups", 1_000);
        expect([kept.length, kept[0], kept.at(-1)]).toEqual([perDeviceMax, 1_000, 6]);
        expect(times("lane-1/till")).toEqual([0]);
      });
    });

    it("gives events of a site in a time, both ends in it, newest first and bounded", () => {
      const at = (ms: number, site = "store-1") => anEvent({ site, at: T0 + ms });
      store.commit({ deviceEvents: [at(1), at(2), at(3, "store-2"), at(3), at(4)] });
      const between = (limit: number): number[] =>
        store.deviceEventsBetween("store-1", { from: T0 + 2, until: T0 + 3 }, limit).map((one) => one.at - T0);
      expect([between(10), between(1), between(0)]).toEqual([[3, 2], [3], []]);
    });

    describe("the past", () => {
      const fact = (n: number, given: Parameters<typeof someFacts>[1] = {}) =>
        someFacts(`INC-00000${n}`, { openedAt: T0 + n, ...given });
      const idsOf = (of: PastOf, until = T0 + 9, limit = 9): string =>
        store
          .past(of, until, limit)
          .map(({ incident }) => incident.at(-1))
          .join(" ");
      beforeEach(() => {
        const other = { slot: "store-2/lane-1/printer", site: "store-2", serial: "S2", model: null };
        const elsewhere = { slot: "store-1/lane-9/printer", serial: null };
        store.commit({
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
        store.commit({ facts: [fact(1, { ...done, component: "tray-2" })] });
        const { isFailure, category, vendor } = someFacts("");
        expect(store.past({ model: "ZD421", rule: "media-low" }, T0 + 1, 9)).toEqual([
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
        expect(store.firstOpenedAt()).toBe(T0 + 1);
      });
    });

    it("gives the last event of a type in a log", () => {
      const log = [aNote(1, "one"), aNote(2, "two")];
      store.commit({ incidents: [aChange(anIncident("INC-000001"), log)] });
      expect([store.lastEventOf("INC-000001", "note"), store.lastEventOf("INC-000001", "closed")]).toEqual([
        log[1],
        null,
      ]);
      expect([store.lastEventOf("INC-000009", "note"), store.firstOpenedAt()]).toEqual([null, null]);
    });

    it("numbers incidents from 1 without repeating one that was committed", async () => {
      expect([store.nextIncidentNumber(), store.nextIncidentNumber()]).toEqual([1, 2]);
      store.commit({ incidents: [aChange(anIncident("INC-000002"))] });
      await reopen();
      expect(store.nextIncidentNumber()).toBe(3);
    });

    describe("incidents", () => {
      const printer = { site: "store-1", device: "lane-3/label-printer", component: null };
      const scale = { site: "store-2", device: "counter/scale", component: null };
      const review = { since: T0, times: 4, withinMs: 1_000 };
      const field = { group: "field-north", vendor: { vendor: "Zebra", ref: "RMA-17" } };
      beforeEach(() => {
        store.putInventory("store-1", "host-1", [aDevice("lane-3/label-printer")], T0);
        store.putInventory("store-2", "host-1", [aDevice("counter/scale", { kind: "scale" })], T0);
        store.commit({
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
        const page = store.incidents(filter, { limit: 10, cursor: null });
        expect(ids(page).map((id) => String(Number(id.slice(4))))).toEqual(found.split(" ").filter((id) => id !== ""));
        expect([page.total, page.cursor]).toEqual([page.items.length, null]);
      });

      it("lists those of a dedupe key, ended or not, newest first", () => {
        const key = "store-1|lane-3/label-printer||media-low";
        expect(store.incidentsOfKey(key, 9).map(({ id }) => Number(id.slice(4)))).toEqual([4, 3, 5, 1]);
        expect(store.incidentsOfKey(key, 1).map(({ id }) => id)).toEqual(["INC-000004"]);
        expect(store.incidentsOfKey("store-9|x||y", 9)).toEqual([]);
      });

      it("reads what older versions wrote in the words of now", () => {
        const held = { seq: 2, at: T0, recordedAt: T0, actor: "user:ana", type: "held", reason: "waits for a part" };
        const { holdText, selfRecoveries, ...old } = anIncident("INC-000008", { state: "on_hold" });
        const change = { ...aChange(old as Incident, [held as unknown as IncidentEvent]), key: "old" };
        store.commit({ incidents: [{ ...change, incident: { ...old, holdReason: held.reason } as never }] });
        expect([holdText, selfRecoveries]).toEqual([null, []]);
        expect(store.incident("INC-000008")).toMatchObject({ holdReason: "unlisted", holdText: held.reason });
        expect(store.incident("INC-000008")?.selfRecoveries).toEqual([]);
        expect(store.incidentEvents("INC-000008")).toEqual([{ ...held, reason: "unlisted", text: held.reason }]);
      });

      it("pages through the list without a hole or a repeat while it changes", () => {
        const first = store.incidents({}, { limit: 2, cursor: null });
        store.commit({ incidents: [aChange(anIncident("INC-000007", { priority: "P1" }))] });
        const rest: string[] = [];
        let cursor = first.cursor;
        while (cursor !== null) {
          const page = store.incidents({}, { limit: 2, cursor });
          expect(page.total).toBe(7);
          rest.push(...ids(page));
          cursor = page.cursor;
        }
        expect([...ids(first), ...rest].map((id) => Number(id.slice(4)))).toEqual([2, 5, 3, 4, 1, 6]);
      });

      it.each(["garbage", "", "W10", Buffer.from('["P1"]').toString("base64url")])(
        "begins again for the foreign cursor %j",
        (cursor) => {
          expect(ids(store.incidents({}, { limit: 1, cursor }))).toEqual(["INC-000002"]);
        },
      );

      it("has as open what has not ended", () => {
        store.commit({
          incidents: [
            aChange(anIncident("INC-000001", { state: "merged", closedAt: T0 })),
            aChange(anIncident("INC-000002", { state: "cancelled", subject: scale })),
            aChange(anIncident("INC-000003", { state: "resolved" })),
            aChange(anIncident("INC-000004", { state: "merged", merged: { into: "INC-000003", was: "new" } })),
          ],
        });
        expect(store.openIncidents().map(({ incident }) => incident.id)).toEqual([
          "INC-000003",
          "INC-000004",
          "INC-000006",
        ]);
      });

      it("learns the kind of a device whose inventory came after its incident", () => {
        const late = { site: "store-9", device: "dock/scale", component: null };
        store.commit({ incidents: [aChange(anIncident("INC-000009", { subject: late }))] });
        store.putInventory("store-9", "host-1", [aDevice("dock/scale", { kind: "scale" })], T0);
        expect(ids(store.incidents({ kind: "scale", site: "store-9" }, { limit: 5, cursor: null }))).toEqual([
          "INC-000009",
        ]);
        store.putInventory("store-9", "host-1", [], T0);
        expect(store.incidents({ kind: "scale", site: "store-9" }, { limit: 5, cursor: null }).total).toBe(1);
      });

      it("has nothing for an id that is not there", () => {
        expect([store.incident("INC-999999"), store.incidentEvents("INC-999999")]).toEqual([null, []]);
      });
    });

    describe("inventory", () => {
      it("replaces what one agent watches, in its order", async () => {
        store.putInventory("store-1", "host-1", [aDevice("b"), aDevice("a")], T0);
        store.putInventory("store-1", "host-1", [aDevice("c"), aDevice("a", { kind: "scale" })], T0 + 1);
        store.putInventory("store-1", "host-2", [], T0);
        await reopen();
        expect(store.inventory()).toEqual([
          { site: "store-1", agent: "host-1", devices: [aDevice("c"), aDevice("a", { kind: "scale" })] },
          { site: "store-1", agent: "host-2", devices: [] },
        ]);
      });

      it("refuses a device that another agent of the site owns, until that one lets go", () => {
        store.putInventory("store-1", "host-1", [aDevice("a")], T0);
        expect(store.putInventory("store-2", "host-1", [aDevice("a")], T0)).toEqual({ refused: [] });
        expect(store.putInventory("store-1", "host-2", [aDevice("a"), aDevice("b")], T0)).toEqual({ refused: ["a"] });
        expect(store.inventory().map(({ devices }) => devices.map(({ id }) => id))).toEqual([["a"], ["b"], ["a"]]);
        store.putInventory("store-1", "host-1", [], T0);
        expect(store.putInventory("store-1", "host-2", [aDevice("a"), aDevice("b")], T0)).toEqual({ refused: [] });
      });

      it("takes a device that is listed twice once", () => {
        store.putInventory("store-1", "host-1", [aDevice("a"), aDevice("a", { name: "again" })], T0);
        expect(store.inventory()[0]?.devices).toEqual([aDevice("a", { name: "again" })]);
      });
    });

    it("counts every poisonous message, however many", () => {
      const poison = { site: "s", agent: "a", topic: "t", at: T0, reason: "not_json", bytes: new Uint8Array(100_000) };
      expect(store.poisonCount()).toBe(0);
      for (let n = 0; n < 3; n++) store.addPoison(poison);
      expect(store.poisonCount()).toBe(3);
    });

    describe("people and programs", () => {
      const ana = { name: "ana", role: "operator", passwordHash: "scrypt$x", createdAt: T0 } as const;

      it("keeps users, and lets one change without ending their sessions", async () => {
        store.putUser(ana);
        store.putUser({ name: "bob", role: "viewer", passwordHash: null, createdAt: T0 });
        store.putSession({ idHash: "h", user: "ana", createdAt: T0, expiresAt: T0 + 100 });
        store.putUser({ ...ana, role: "admin" });
        await reopen();
        expect(store.users()).toEqual([
          { ...ana, role: "admin" },
          { name: "bob", role: "viewer", passwordHash: null, createdAt: T0 },
        ]);
        expect(store.session("h", T0 + 99)).toEqual({
          idHash: "h",
          user: "ana",
          createdAt: T0,
          expiresAt: T0 + 100,
          role: "admin",
        });
      });

      it("ends a session when it expires, when it is removed and when its user is", () => {
        store.putUser(ana);
        store.putSession({ idHash: "h1", user: "ana", createdAt: T0, expiresAt: T0 + 100 });
        store.putSession({ idHash: "h2", user: "ana", createdAt: T0, expiresAt: T0 + 200 });
        expect([store.session("h1", T0 + 100), store.session("none", T0)]).toEqual([null, null]);
        store.removeSession("h1");
        expect(store.session("h1", T0)).toBeNull();
        expect([store.removeUser("ana"), store.removeUser("ana")]).toEqual([true, false]);
        expect(store.session("h2", T0)).toBeNull();
      });

      it("refuses a session of nobody", () => {
        expect(() => store.putSession({ idHash: "h", user: "nobody", createdAt: T0, expiresAt: T0 + 1 })).toThrow(
          StoreError,
        );
        expect(store.session("h", T0)).toBeNull();
      });

      it("gives a login link once, and not after it expired", () => {
        store.putUser(ana);
        store.putLoginLink({ tokenHash: "l1", user: "ana", expiresAt: T0 + 10 });
        store.putLoginLink({ tokenHash: "l2", user: "ana", expiresAt: T0 + 10 });
        expect(store.takeLoginLink("l1", T0 + 9)).toEqual({ tokenHash: "l1", user: "ana", expiresAt: T0 + 10 });
        expect(store.takeLoginLink("l1", T0 + 9)).toBeNull();
        expect(store.takeLoginLink("l2", T0 + 10)).toBeNull();
      });

      it("finds tokens by their hash and agents by site and name", async () => {
        const token = { name: "ci", tokenHash: "th", role: "viewer", createdAt: T0 } as const;
        store.putToken(token);
        store.putAgentCredential({ site: "store-1", agent: "host-1", passwordHash: "p1" });
        store.putAgentCredential({ site: "store-1", agent: "host-1", passwordHash: "p2" });
        await reopen();
        expect([store.token("th"), store.token("other")]).toEqual([token, null]);
        expect(store.agentCredential("store-1", "host-1")).toEqual({
          site: "store-1",
          agent: "host-1",
          passwordHash: "p2",
        });
        expect(store.agentCredential("store-2", "host-1")).toBeNull();
        store.putAgentCredential({ site: "store-0", agent: "host-9", passwordHash: "p3" });
        expect(store.agentCredentials().map(({ site, agent }) => `${site}/${agent}`)).toEqual([
          "store-0/host-9",
          "store-1/host-1",
        ]);
      });

      it("shows the audit log newest first", () => {
        const entry = (n: number) => ({ at: T0 + n, actor: "user:ana", action: "ack", detail: `INC-${n}` });
        for (const n of [1, 2, 3]) store.audit(entry(n));
        expect(store.auditLog(2)).toEqual([entry(3), entry(2)]);
      });
    });

    it("keeps what agents were asked to do, by whom, and what came of it", async () => {
      const one: CommandRecord = {
        ...{ id: "c1", site: "store-1", agent: "host-1", kind: "probe_now", device: "lane-3/scale", by: "user:ana" },
        ...{ issuedAt: T0, deadlineAt: T0 + 60_000, state: "sent", answeredAt: null, detail: "" },
      };
      const other = { ...one, id: "c2", agent: "host-2", issuedAt: T0 + 1 };
      store.putCommand(one);
      store.putCommand(other);
      const answered = { ...one, state: "done", answeredAt: T0 + 5, detail: "14 values" } as const;
      store.putCommand(answered);
      await reopen();
      expect([store.command("c1"), store.command("none")]).toEqual([answered, null]);
      expect(store.commands(null, 10)).toEqual([other, answered]);
      expect(store.commands({ site: "store-1", agent: "host-1" }, 10)).toEqual([answered]);
    });

    describe("reports", () => {
      const from = T0 + 20_000_000;
      const to = T0 + 100_000_000;

      it.each([null, ...GROUPINGS])("has the figures of all that was committed, grouped by %s", async (groupBy) => {
        const facts = manyFacts(160);
        store.commit({ facts });
        store.putInventory("store-1", "host-1", [aDevice("lane-1/printer", { kind: "scale" })], from + 9_000_000);
        const options = { from, to, groupBy, tables: ["slot", "rule"], tableMax: 3, withBefore: true } as const;
        const device = { kind: "scale", vendor: "Zebra", model: null };
        const [fromMs, untilMs] = [from + 9_000_000, null];
        const span = { site: "store-1", slot: "store-1/lane-1/printer", fromMs, untilMs, ...device };
        const now = exposuresOf([span], { fromMs: from, untilMs: to }, () => ALWAYS);
        expect(now).toHaveLength(1);
        const report = await store.report({ ...options, withCourse: true });
        expect(report).toEqual(figuresOf(facts, { ...options, withCourse: true }, { now }));
        expect(report.all.betweenFailures.measured).toBeGreaterThan(0);
      });

      it("measures failures by the time in which devices were there and had to work", async () => {
        const swapped = { asset: { vendor: "Zebra", model: "ZD421" } };
        const put = (at: number, ...devices: InventoryDevice[]) => store.putInventory("store-1", "host-1", devices, at);
        put(from, aDevice("a", { asset: {} }), aDevice("b"));
        put(from + 1_000, aDevice("a", swapped), aDevice("b"));
        put(from + 5_000, aDevice("a", { asset: { vendor: "Zebra", model: "ZD621" } }));
        store.putInventory("store-2", "host-2", [aDevice("c")], from);
        store.removeAgent("store-2", "host-2", from + 2_000);
        await reopen();
        const facts = ["ZD421", "ZD621", null].map((model, n) =>
          someFacts(`INC-00000${n}`, { model, openedAt: from + n, slot: "store-1/a" }),
        );
        store.commit({ facts });
        const { all, groups } = await store.report({ from, to: from + 10_000, groupBy: "model" });
        expect(all.betweenFailures).toMatchObject({ deviceMs: 10_000 + 5_000 + 2_000 });
        const byModel = groups.map(({ key, figures }) => [key, figures.betweenFailures.deviceMs]);
        expect(new Map(byModel as [string, number][])).toEqual(
          new Map<string | null, number>([
            ["ZD421", 5_000],
            ["ZD621", 5_000],
            [null, 7_000],
          ]),
        );
        const never = { mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] };
        const shut = { timeZone: "UTC", hours: never, closedDays: [] };
        const calendars = new Map([["store-1", shut]]);
        const closed = await store.report({ from, to: from + 10_000, groupBy: null, calendars });
        expect(closed.all.betweenFailures).toMatchObject({ deviceMs: 17_000, exposureMs: 2_000 });
      });

      it("of some sites and kinds only", async () => {
        const facts = manyFacts(160);
        store.commit({ facts });
        const options = { from, to, groupBy: "model" as const };
        const some = facts.filter(({ site, kind }) => site === "store-1" && kind === "scale");
        expect(some.length).toBeGreaterThan(10);
        expect(await store.report({ ...options, site: "store-1", kind: "scale" })).toEqual(figuresOf(some, options));
        expect((await store.report({ ...options, site: HOSTILE[1] })).all.incidents.opened).toBe(0);
      });

      it.each([[["P1"]], [["P2", "P5"]], [[]], [PRIORITIES]] as const)("of the priorities %j only", async (some) => {
        const facts = manyFacts(160);
        store.commit({ facts });
        const options = { from, to, groupBy: "site" as const };
        const wanted = facts.filter(({ priority }) => some.some((one) => one === priority));
        expect(await store.report({ ...options, priorities: some })).toEqual(figuresOf(wanted, options));
      });

      it("of an incident only what was said of it last, also after a restart", async () => {
        store.commit({ facts: [someFacts("INC-000001"), someFacts("INC-000002")] });
        const now = someFacts("INC-000001", { outcome: "resolved", doneAt: T0 + 9, isByPeople: true, kind: "scale" });
        store.commit({ incidents: [aChange(anIncident("INC-000001"))], facts: [now] });
        await reopen();
        const options = { from: T0, to: T0 + 60_000, groupBy: "kind" as const };
        expect(await store.report(options)).toEqual(figuresOf([now, someFacts("INC-000002")], options));
      });

      it("has nothing of a commit that failed", async () => {
        const broken = { ...aNotification("n", "a"), state: undefined as unknown as "waiting" };
        expect(() => store.commit({ facts: [someFacts("INC-000001")], notifications: [broken] })).toThrow();
        const report = await store.report({ from: T0, to: T0 + 1, groupBy: null });
        expect(report.all.incidents.opened).toBe(0);
      });

      it("refuses more than it can make soon, and goes on afterwards", async () => {
        const options = { from: T0, to: T0 + 1, groupBy: null };
        const asked = Array.from({ length: REPORTS_WAITING_MAX }, () => store.report(options));
        await expect(store.report(options)).rejects.toMatchObject({ kind: "busy" });
        await Promise.all(asked);
        await expect(store.report(options)).resolves.toBeDefined();
      });

      it("ends what is under way when it is closed", async () => {
        const asked = [1, 2].map(() => store.report({ from: T0, to: T0 + 1, groupBy: null }));
        const settled = Promise.allSettled(asked);
        await store.close();
        for (const one of await settled) {
          if (one.status === "rejected") expect(one.reason).toMatchObject({ kind: "closed" });
        }
      });
    });

    it("walks through the ids of all incidents in pages", () => {
      const all = ["INC-000001", "INC-000002", "INC-000003"];
      store.commit({ incidents: all.map((id) => aChange(anIncident(id, { state: "closed" }))) });
      expect([
        store.incidentIds("", 2),
        store.incidentIds("INC-000002", 2),
        store.incidentIds("INC-000003", 2),
      ]).toEqual([["INC-000001", "INC-000002"], ["INC-000003"], []]);
    });

    describe("notifications", () => {
      it("have one row for each channel, as they are now, and wait in the order of writing", async () => {
        const [first, second] = [aNotification("INC-000001/1", "a"), aNotification("INC-000001/2", "a")];
        const other = aNotification("INC-000001/1", "b", { message: { ...first.message, summary: HOSTILE.join(" ") } });
        store.commit({ notifications: [first, second, other] });
        store.commit({ notifications: [{ ...first, attempts: 1, dueAt: T0 + 9 }] });
        await reopen();
        expect(store.waitingNotifications()).toEqual([{ ...first, attempts: 1, dueAt: T0 + 9 }, second, other]);
        const done = { ...first, attempts: 2, state: "delivered", doneAt: T0 + 20 } as const;
        store.commit({ notifications: [done, { ...other, state: "failed", doneAt: T0 + 20 }] });
        await reopen();
        expect(store.waitingNotifications()).toEqual([second]);
        expect(store.notificationsOf("INC-000001", 2).map(({ id, channel }) => [id, channel])).toEqual([
          ["INC-000001/1", "b"],
          ["INC-000001/2", "a"],
        ]);
        expect(store.notificationsOf("INC-000001", 9)[2]).toEqual(done);
        expect(store.notification("INC-000001/1", "a")).toEqual(done);
        expect(store.notification("INC-000001/2", "b")).toBeNull();
        expect(store.notificationsOf("INC-000002", 9)).toEqual([]);
      });

      it("are there with the incident that they are about, or neither is", () => {
        const broken = { ...aNotification("INC-000001/1", "a"), channel: undefined as unknown as string };
        expect(() =>
          store.commit({ incidents: [aChange(anIncident("INC-000001"))], notifications: [broken] }),
        ).toThrow();
        expect([store.incident("INC-000001"), store.waitingNotifications()]).toEqual([null, []]);
      });

      it("have groups, which stay until they are closed", async () => {
        const one = aGroup("group/INC-000001/1");
        store.commit({ groups: [one, aGroup("group/INC-000002/1")] });
        store.commit({ groups: [{ ...one, messages: 2 }, aGroup("group/INC-000002/1", { isClosed: true })] });
        await reopen();
        expect(store.notificationGroups()).toEqual([{ ...one, messages: 2 }]);
      });

      it("have their attempts logged, newest first, by incident and by channel", async () => {
        const one = anAttempt("INC-000001/1", { channel: "a", status: 503, outcome: "retry" });
        const two = anAttempt("INC-000001/1", { channel: "a", at: T0 + 5 });
        const test = anAttempt("test/x", { channel: "b", incident: "" });
        store.commit({ attempts: [one, two, test] });
        await reopen();
        expect(store.attempts(null, 9)).toEqual([test, two, one]);
        expect(store.attempts({ incident: "INC-000001" }, 9)).toEqual([two, one]);
        expect(store.attempts({ channel: "b" }, 9)).toEqual([test]);
        expect(store.attempts({ channel: "a" }, 1)).toEqual([two]);
        expect(store.attemptPage({}, { limit: 9, before: null })).toEqual({ items: [test, two, one], next: null });
        expect(store.attemptPage({ outcome: "delivered", channel: "a" }, { limit: 9, before: null }).items).toEqual([
          two,
        ]);
        const first = store.attemptPage({ incident: "INC-000001" }, { limit: 1, before: null });
        expect(first.items).toEqual([two]);
        expect(store.attemptPage({ incident: "INC-000001" }, { limit: 1, before: first.next })).toEqual({
          items: [one],
          next: null,
        });
      });
    });

    it("keeps documents by name", async () => {
      store.putDocument("rules", "one");
      store.putDocument("rules", "two\n".repeat(10_000));
      await reopen();
      expect([store.document("rules"), store.document("sites")]).toEqual(["two\n".repeat(10_000), null]);
    });

    it("refuses everything once it is closed, and closes twice", async () => {
      await store.close();
      await store.close();
      expect(() => store.commit({})).toThrow(expect.objectContaining({ kind: "closed" }));
      expect(() => store.watermarks()).toThrow(StoreError);
    });

    it("has everything that it confirmed, once, after it was killed", async () => {
      await store.close();
      const printed = await killWhileWriting(place.writer, 40);
      store = place.create();
      await store.open();
      const seq = store.watermarks()[0]?.seq ?? 0;
      expect(printed).toEqual(printed.map((_, n) => n + 1));
      // One more commit may have been on disk before it was printed.
      expect([printed.length, printed.length + 1]).toContain(seq);
      expect(store.faults()).toEqual([aFault("media-low", { detail: { seq } })]);
      expect(store.incidents({}, { limit: 1, cursor: null }).total).toBe(seq);
      for (let n = 1; n <= seq; n++) {
        expect(store.incidentEvents(`INC-${String(n).padStart(6, "0")}`)).toEqual([aNote(1, `write ${n}`)]);
      }
      const kept = store.deviceEvents("store-1", null, seq).map(({ at }) => at - T0);
      expect(kept).toEqual(Array.from({ length: Math.min(seq, DEVICE_EVENTS.perDeviceMax) }, (_, n) => seq - n));
    });

    it("equals a plain model of itself after any commits and restarts", async () => {
      await fc.assert(
        fc
          .asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
            const model = new Model();
            for (const one of steps) {
              if (one === "restart") await reopen();
              else model.apply(store, one);
              model.compare(store);
            }
          })
          // Every run begins with an empty store.
          .beforeEach(async () => {
            await store.close();
            await place.remove();
            place = await make();
            store = place.create();
            await store.open();
          }),
        { numRuns: 15 },
      );
    }, 60_000);
  });
}

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

const step: fc.Arbitrary<Step | "restart"> = fc.oneof(
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

class Model {
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
