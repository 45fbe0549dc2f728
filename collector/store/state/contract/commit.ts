/** What is committed together is there together, or not at all. */
import { describe, expect, it } from "vitest";
import type { Incident } from "../../../incidents/types.ts";
import { StoreError } from "../../error.ts";
import { aChange, aFault, aLane, aNote, anEvent, anIncident, aThinning, LANE, T0 } from "../contract-data.ts";
import type { Commit } from "../store.ts";
import { HOSTILE, type Tested } from "./tested.ts";

export function commitContract(tested: Tested): void {
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
      tested.store.commit(whole);
      await tested.reopen();
      expect(tested.store.watermarks()).toEqual(whole.watermarks);
      expect(tested.store.faults()).toEqual(whole.faults);
      expect(tested.store.incident("INC-000001")).toEqual(whole.incidents?.[0]?.incident);
      expect(tested.store.incidentEvents("INC-000001")).toEqual(whole.incidents?.[0]?.events);
      expect(tested.store.openIncidents()).toEqual([
        { incident: whole.incidents?.[0]?.incident, key: "store-1|lane-3/label-printer||media-low" },
      ]);
      expect(tested.store.agents()).toEqual(whole.agents);
      expect(tested.store.gaps()).toEqual(whole.gaps);
      expect(tested.store.ledger()).toEqual(whole.ledger);
      expect(tested.store.thinned()).toEqual(whole.thinned);
      expect(tested.store.late()).toEqual(whole.late);
      expect(tested.store.deviceEvents("store-1", null, 10)).toEqual(whole.deviceEvents);
    });

    it("keeps each part of what the late evaluator knows of an agent once, and none when there is nothing to go on with", () => {
      const late = (agent: string, body: string | null, part: "state" | "live" = "state") => ({
        ...{ site: "store-1", agent, part, body },
      });
      tested.store.commit({ late: [late("host-1", "a"), late("host-2", "b")] });
      tested.store.commit({
        late: [late("host-1", "c"), late("host-1", "d", "live"), late("host-2", null), late("host-3", null)],
      });
      expect(tested.store.late()).toEqual([late("host-1", "d", "live"), late("host-1", "c")]);
      tested.store.removeAgent("store-1", "host-1", T0);
      expect(tested.store.late()).toEqual([]);
    });

    it("leaves nothing of a change that fails, and works again", () => {
      tested.store.commit({ incidents: [aChange(anIncident("INC-000001"), [aNote(1, "first")])] });
      const late: Commit = {
        ...whole,
        incidents: [aChange(anIncident("INC-000001", { title: "changed" }), [aNote(1, "somebody was first")])],
      };
      expect(() => tested.store.commit(late)).toThrow(StoreError);
      expect([tested.store.watermarks(), tested.store.faults(), tested.store.agents(), tested.store.gaps()]).toEqual([
        [],
        [],
        [],
        [],
      ]);
      expect([tested.store.ledger(), tested.store.thinned(), tested.store.late()]).toEqual([[], [], []]);
      expect(tested.store.deviceEvents("store-1", null, 10)).toEqual([]);
      expect(tested.store.incident("INC-000001")?.title).toBe("Label media low: 12 % left");
      expect(tested.store.incidentEvents("INC-000001")).toEqual([aNote(1, "first")]);
      tested.store.commit({ incidents: [aChange(anIncident("INC-000001"), [aNote(2, "second")])] });
      expect(tested.store.incidentEvents("INC-000001")).toEqual([aNote(1, "first"), aNote(2, "second")]);
    });

    it("says that a second writer of the same event number was late", () => {
      tested.store.commit({ incidents: [aChange(anIncident("INC-000001"), [aNote(1, "first")])] });
      expect(() =>
        tested.store.commit({ incidents: [aChange(anIncident("INC-000001"), [aNote(1, "again")])] }),
      ).toThrow(expect.objectContaining({ kind: "conflict", retryable: false }));
    });

    it("never moves a watermark back, and keeps lanes and epochs apart", () => {
      const lane = { site: "store-1", agent: "host-1", epoch: "e1", lane: "live" } as const;
      for (const seq of [5, 9, 7]) tested.store.commit({ watermarks: [{ ...lane, seq }] });
      tested.store.commit({
        watermarks: [
          { ...lane, lane: "history", seq: 2 },
          { ...lane, epoch: "e2", seq: 1 },
        ],
      });
      expect(tested.store.watermarks()).toHaveLength(3);
      expect(tested.store.watermarks()).toEqual(
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
      tested.store.commit({ faults: [aFault("r"), aFault("r", { subject: site }), aFault("r", { subject: tray })] });
      tested.store.commit({
        faults: [aFault("r", { state: "recovering" }), aFault("r", { subject: site, state: "inactive", detail: {} })],
      });
      expect(tested.store.faults()).toHaveLength(2);
      expect(tested.store.faults()).toEqual(
        expect.arrayContaining([aFault("r", { state: "recovering" }), aFault("r", { subject: tray })]),
      );
    });

    it("replaces the account of a lane, and keeps epochs apart", () => {
      tested.store.commit({ ledger: [aLane(), aLane({ epoch: "e2" })] });
      const later = aLane({ seq: 11, batches: 9, repeats: 4 });
      tested.store.commit({ ledger: [later] });
      expect(tested.store.ledger()).toHaveLength(2);
      expect(tested.store.ledger()).toEqual(expect.arrayContaining([later, aLane({ epoch: "e2" })]));
    });

    it("drops the accounts of an epoch that is folded, writes the sums, and keeps its watermark", () => {
      const epoch = { site: LANE.site, agent: LANE.agent, epoch: LANE.epoch };
      tested.store.commit({
        watermarks: [{ ...LANE, seq: 9 }],
        ledger: [aLane(), aLane({ lane: "history" }), aLane({ epoch: "e2" }), aLane({ agent: "host-2" })],
      });
      tested.store.commit({ folded: [{ ...epoch, at: T0 }], ledger: [aLane({ epoch: "(older)", batches: 18 })] });
      expect(tested.store.ledger().map(({ agent, epoch, batches }) => [agent, epoch, batches])).toEqual(
        expect.arrayContaining([
          ["host-1", "e2", aLane().batches],
          ["host-1", "(older)", 18],
          ["host-2", "e1", aLane().batches],
        ]),
      );
      expect(tested.store.ledger()).toHaveLength(3);
      expect(tested.store.watermarks()).toEqual([{ ...LANE, seq: 9 }]);
      // It came back with its outbox file: what comes of it from now on is an account again.
      tested.store.commit({ folded: [{ ...epoch, at: T0 }], ledger: [aLane({ firstSeq: 10, seq: 11 })] });
      expect(tested.store.ledger()).toHaveLength(4);
    });

    it("knows folded epochs in the order in which they were heard of, until one is forgotten with its watermarks", async () => {
      const of = (epoch: string) => ({ site: LANE.site, agent: LANE.agent, epoch });
      tested.store.commit({ watermarks: ["e1", "e2", "e3"].map((epoch) => ({ ...LANE, epoch, seq: 9 })) });
      tested.store.commit({
        folded: [
          { ...of("e1"), at: T0 + 2 },
          { ...of("e2"), at: T0 + 1 },
          { ...of("e3"), at: T0 },
        ],
      });
      tested.store.commit({ folded: [{ ...of("e3"), at: T0 + 3 }] });
      await tested.reopen();
      expect(tested.store.foldedEpochs()).toEqual([of("e2"), of("e1"), of("e3")]);
      tested.store.commit({ forgotten: [of("e2")] });
      expect(tested.store.foldedEpochs()).toEqual([of("e1"), of("e3")]);
      expect(
        tested.store
          .watermarks()
          .map(({ epoch }) => epoch)
          .sort(),
      ).toEqual(["e1", "e3"]);
    });

    it("keeps what people said of missing batches", async () => {
      const note = { ...LANE, fromSeq: 3, toSeq: 4, at: T0, by: "user:ana", text: "the disk was swapped" };
      tested.store.addGapNotes([note, { ...note, fromSeq: 9, toSeq: 9 }]);
      await tested.reopen();
      expect(tested.store.gapNotes()).toEqual([note, { ...note, fromSeq: 9, toSeq: 9 }]);
    });

    it("counts a gap that is reported again once", () => {
      const [gap] = whole.gaps ?? [];
      if (gap === undefined) throw new Error("no gap");
      tested.store.commit({ gaps: [gap] });
      tested.store.commit({ gaps: [{ ...gap, at: T0 + 1 }] });
      expect(tested.store.gaps()).toEqual([gap]);
    });

    it("keeps the agent's last status", () => {
      const status = { v: 1, state: "online", version: "1", epoch: "e1", startedAt: T0, sentAt: T0 } as const;
      const agent = { site: "store-1", agent: "host-1", online: true, status, lastSeenAt: T0, judgedUntil: T0 };
      tested.store.commit({ agents: [agent] });
      tested.store.commit({ agents: [{ ...agent, online: false, judgedUntil: T0 + 1 }] });
      expect(tested.store.agents()).toEqual([{ ...agent, online: false, judgedUntil: T0 + 1 }]);
    });

    it("takes hostile text everywhere as text", async () => {
      HOSTILE.forEach((text, n) => {
        const subject = { site: text, device: text, component: text };
        tested.store.commit({
          watermarks: [{ site: text, agent: text, epoch: text, lane: "live", seq: 1 }],
          deviceEvents: [anEvent({ ...subject, code: text, detail: text })],
          faults: [aFault(text, { subject })],
          incidents: [
            aChange(anIncident(text, { subject, title: text, rule: text, openedAt: T0 + n }), [aNote(1, text)]),
          ],
        });
        tested.store.putDocument(text, text);
        tested.store.putUser({ name: text, role: "viewer", passwordHash: null, createdAt: n });
      });
      await tested.reopen();
      for (const text of HOSTILE) {
        expect(tested.store.incident(text)?.title).toBe(text);
        expect(tested.store.incidentEvents(text)).toEqual([aNote(1, text)]);
        expect(tested.store.document(text)).toBe(text);
        const event = anEvent({ site: text, device: text, component: text, code: text, detail: text });
        expect(tested.store.deviceEvents(text, text, 10)).toEqual([event]);
        expect(ids(tested.store.incidents({ site: text }, { limit: 10, cursor: null }))).toEqual([text]);
      }
      expect(ids(tested.store.incidents({ search: "%_\\" }, { limit: 10, cursor: null }))).toEqual(["%_\\"]);
      expect(tested.store.incidents({ search: "' or 1=1 --" }, { limit: 10, cursor: null }).total).toBe(0);
      expect(tested.store.watermarks()).toHaveLength(HOSTILE.length);
      expect(tested.store.users()).toHaveLength(HOSTILE.length);
    });
  });
}
