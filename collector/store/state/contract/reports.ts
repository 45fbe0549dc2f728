/** What reports add up. */
import type { InventoryDevice } from "@aislewatch/contract";
import { describe, expect, it } from "vitest";
import { ALWAYS } from "../../../incidents/business-time.ts";
import { exposuresOf } from "../../../incidents/exposure.ts";
import { GROUPINGS } from "../../../incidents/figures.ts";
import { figuresOf } from "../../../incidents/report.ts";
import { PRIORITIES } from "../../../incidents/types.ts";
import { aChange, aDevice, aNotification, anIncident, manyFacts, someFacts, T0 } from "../contract-data.ts";
import { REPORTS_WAITING_MAX } from "../store.ts";
import { HOSTILE, type Tested } from "./tested.ts";

export function reportContract(tested: Tested): void {
  describe("reports", () => {
    const from = T0 + 20_000_000;
    const to = T0 + 100_000_000;

    it.each([null, ...GROUPINGS])("has the figures of all that was committed, grouped by %s", async (groupBy) => {
      const facts = manyFacts(160);
      tested.store.commit({ facts });
      tested.store.putInventory("store-1", "host-1", [aDevice("lane-1/printer", { kind: "scale" })], from + 9_000_000);
      const options = { from, to, groupBy, tables: ["slot", "rule"], tableMax: 3, withBefore: true } as const;
      const device = { kind: "scale", vendor: "Zebra", model: null };
      const [fromMs, untilMs] = [from + 9_000_000, null];
      const span = { site: "store-1", slot: "store-1/lane-1/printer", fromMs, untilMs, ...device };
      const now = exposuresOf([span], { fromMs: from, untilMs: to }, () => ALWAYS);
      expect(now).toHaveLength(1);
      const report = await tested.store.report({ ...options, withCourse: true });
      expect(report).toEqual(figuresOf(facts, { ...options, withCourse: true }, { now }));
      expect(report.all.betweenFailures.measured).toBeGreaterThan(0);
    });

    it("measures failures by the time in which devices were there and had to work", async () => {
      const swapped = { asset: { vendor: "Zebra", model: "ZD421" } };
      const put = (at: number, ...devices: InventoryDevice[]) =>
        tested.store.putInventory("store-1", "host-1", devices, at);
      put(from, aDevice("a", { asset: {} }), aDevice("b"));
      put(from + 1_000, aDevice("a", swapped), aDevice("b"));
      put(from + 5_000, aDevice("a", { asset: { vendor: "Zebra", model: "ZD621" } }));
      tested.store.putInventory("store-2", "host-2", [aDevice("c")], from);
      tested.store.removeAgent("store-2", "host-2", from + 2_000);
      await tested.reopen();
      const facts = ["ZD421", "ZD621", null].map((model, n) =>
        someFacts(`INC-00000${n}`, { model, openedAt: from + n, slot: "store-1/a" }),
      );
      tested.store.commit({ facts });
      const { all, groups } = await tested.store.report({ from, to: from + 10_000, groupBy: "model" });
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
      const closed = await tested.store.report({ from, to: from + 10_000, groupBy: null, calendars });
      expect(closed.all.betweenFailures).toMatchObject({ deviceMs: 17_000, exposureMs: 2_000 });
    });

    it("of some sites and kinds only", async () => {
      const facts = manyFacts(160);
      tested.store.commit({ facts });
      const options = { from, to, groupBy: "model" as const };
      const some = facts.filter(({ site, kind }) => site === "store-1" && kind === "scale");
      expect(some.length).toBeGreaterThan(10);
      expect(await tested.store.report({ ...options, site: "store-1", kind: "scale" })).toEqual(
        figuresOf(some, options),
      );
      expect((await tested.store.report({ ...options, site: HOSTILE[1] })).all.incidents.opened).toBe(0);
    });

    it.each([[["P1"]], [["P2", "P5"]], [[]], [PRIORITIES]] as const)("of the priorities %j only", async (some) => {
      const facts = manyFacts(160);
      tested.store.commit({ facts });
      const options = { from, to, groupBy: "site" as const };
      const wanted = facts.filter(({ priority }) => some.some((one) => one === priority));
      expect(await tested.store.report({ ...options, priorities: some })).toEqual(figuresOf(wanted, options));
    });

    it("of an incident only what was said of it last, also after a restart", async () => {
      tested.store.commit({ facts: [someFacts("INC-000001"), someFacts("INC-000002")] });
      const now = someFacts("INC-000001", { outcome: "resolved", doneAt: T0 + 9, isByPeople: true, kind: "scale" });
      tested.store.commit({ incidents: [aChange(anIncident("INC-000001"))], facts: [now] });
      await tested.reopen();
      const options = { from: T0, to: T0 + 60_000, groupBy: "kind" as const };
      expect(await tested.store.report(options)).toEqual(figuresOf([now, someFacts("INC-000002")], options));
    });

    it("has nothing of a commit that failed", async () => {
      const broken = { ...aNotification("n", "a"), state: undefined as unknown as "waiting" };
      expect(() => tested.store.commit({ facts: [someFacts("INC-000001")], notifications: [broken] })).toThrow();
      const report = await tested.store.report({ from: T0, to: T0 + 1, groupBy: null });
      expect(report.all.incidents.opened).toBe(0);
    });

    it("refuses more than it can make soon, and goes on afterwards", async () => {
      const options = { from: T0, to: T0 + 1, groupBy: null };
      const asked = Array.from({ length: REPORTS_WAITING_MAX }, () => tested.store.report(options));
      await expect(tested.store.report(options)).rejects.toMatchObject({ kind: "busy" });
      await Promise.all(asked);
      await expect(tested.store.report(options)).resolves.toBeDefined();
    });

    it("ends what is under way when it is closed", async () => {
      const asked = [1, 2].map(() => tested.store.report({ from: T0, to: T0 + 1, groupBy: null }));
      const settled = Promise.allSettled(asked);
      await tested.store.close();
      for (const one of await settled) {
        if (one.status === "rejected") expect(one.reason).toMatchObject({ kind: "closed" });
      }
    });
  });
}
