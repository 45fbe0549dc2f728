/** What agents watch, and what their devices told. */
import { describe, expect, it } from "vitest";
import { aDevice, anEvent, T0 } from "../contract-data.ts";
import { DEVICE_EVENTS } from "../store.ts";
import type { Tested } from "./tested.ts";

export function deviceContract(tested: Tested): void {
  describe("events of devices", () => {
    const ups = (at: number) => anEvent({ at: T0 + at, detail: `at ${at}` });
    const till = (at: number) => anEvent({ device: "lane-1/till", code: "rebooted", at: T0 + at });
    const times = (device: string | null, limit = 10, site = "store-1"): number[] =>
      tested.store.deviceEvents(site, device, limit).map(({ at }) => at - T0);

    it("are listed newest first, by when they happened, of a device or of a site", () => {
      tested.store.commit({ deviceEvents: [ups(5), till(7)] });
      tested.store.commit({ deviceEvents: [ups(9), ups(2), anEvent({ site: "store-2", at: T0 + 1 })] });
      expect([times("back-office/ups"), times("lane-1/till"), times(null)]).toEqual([[9, 5, 2], [7], [9, 7, 5, 2]]);
      expect([times(null, 2), times(null, 0), times("back-office/ups", 1)]).toEqual([[9, 7], [], [9]]);
      expect([times(null, 10, "store-2"), times("none"), times(null, 10, "store-3")]).toEqual([[1], [], []]);
    });

    it("of one moment are listed last recorded first", () => {
      tested.store.commit({ deviceEvents: ["a", "b", "c"].map((code) => anEvent({ code })) });
      expect(tested.store.deviceEvents("store-1", null, 10).map(({ code }) => code)).toEqual(["c", "b", "a"]);
    });

    it("go, oldest first, when a device has too many, and those of others stay", async () => {
      const { perDeviceMax } = DEVICE_EVENTS;
      tested.store.commit({ deviceEvents: [till(0), ...Array.from({ length: perDeviceMax + 5 }, (_, n) => ups(n))] });
      await tested.reopen();
      tested.store.commit({ deviceEvents: [ups(1_000), ups(1)] });
      const kept = times("back-office/ups", 1_000);
      expect([kept.length, kept[0], kept.at(-1)]).toEqual([perDeviceMax, 1_000, 6]);
      expect(times("lane-1/till")).toEqual([0]);
    });
  });

  it("gives events of a site in a time, both ends in it, newest first and bounded", () => {
    const at = (ms: number, site = "store-1") => anEvent({ site, at: T0 + ms });
    tested.store.commit({ deviceEvents: [at(1), at(2), at(3, "store-2"), at(3), at(4)] });
    const between = (limit: number): number[] =>
      tested.store.deviceEventsBetween("store-1", { from: T0 + 2, until: T0 + 3 }, limit).map((one) => one.at - T0);
    expect([between(10), between(1), between(0)]).toEqual([[3, 2], [3], []]);
  });

  describe("inventory", () => {
    it("replaces what one agent watches, in its order", async () => {
      tested.store.putInventory("store-1", "host-1", [aDevice("b"), aDevice("a")], T0);
      tested.store.putInventory("store-1", "host-1", [aDevice("c"), aDevice("a", { kind: "scale" })], T0 + 1);
      tested.store.putInventory("store-1", "host-2", [], T0);
      await tested.reopen();
      expect(tested.store.inventory()).toEqual([
        { site: "store-1", agent: "host-1", devices: [aDevice("c"), aDevice("a", { kind: "scale" })] },
        { site: "store-1", agent: "host-2", devices: [] },
      ]);
    });

    it("refuses a device that another agent of the site owns, until that one lets go", () => {
      tested.store.putInventory("store-1", "host-1", [aDevice("a")], T0);
      expect(tested.store.putInventory("store-2", "host-1", [aDevice("a")], T0)).toEqual({ refused: [] });
      expect(tested.store.putInventory("store-1", "host-2", [aDevice("a"), aDevice("b")], T0)).toEqual({
        refused: ["a"],
      });
      expect(tested.store.inventory().map(({ devices }) => devices.map(({ id }) => id))).toEqual([["a"], ["b"], ["a"]]);
      tested.store.putInventory("store-1", "host-1", [], T0);
      expect(tested.store.putInventory("store-1", "host-2", [aDevice("a"), aDevice("b")], T0)).toEqual({ refused: [] });
    });

    it("takes a device that is listed twice once", () => {
      tested.store.putInventory("store-1", "host-1", [aDevice("a"), aDevice("a", { name: "again" })], T0);
      expect(tested.store.inventory()[0]?.devices).toEqual([aDevice("a", { name: "again" })]);
    });
  });
}
