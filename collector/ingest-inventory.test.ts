/** Ingest: which agent watches what, and what its devices tell. */
import { splitInventory } from "@aislewatch/contract";
import { afterEach, describe, expect, it } from "vitest";
import { aBatch, startedSite } from "./sample-ingest.ts";
import { batchOf, printer, reading, type SampleOptions, type SampleSite, statusOf, T0 } from "./sample-site.ts";

let site: SampleSite;
const start = async (options: SampleOptions = {}): Promise<SampleSite> => {
  site = await startedSite(options);
  return site;
};
const lastAck = () => site.acks.at(-1);
const logged = (name: string) => site.log.filter((line) => line.name === name).map(({ detail }) => detail);

describe("ingest", () => {
  afterEach(() => site.end());

  describe("inventory", () => {
    const parts = (count: number, revision: number) =>
      splitInventory(
        Array.from({ length: count }, (_, n) => printer(`printer-${n}`)),
        revision,
      );
    const known = () => site.judge.live.devices("s1").length;

    it("is taken when all its parts are there, in any order", async () => {
      await start();
      const [first, second] = parts(100, 2);
      site.send("inventory/1", second);
      expect(known()).toBe(1);
      site.send("inventory/0", first);
      expect(known()).toBe(100);
    });

    it("that changes half-way is not mixed with what it was", async () => {
      await start();
      const [old] = parts(100, 2);
      const [first, second] = parts(90, 3);
      site.send("inventory/0", old);
      site.send("inventory/1", second);
      expect(known()).toBe(1);
      site.send("inventory/0", first);
      expect(known()).toBe(90);
    });

    it.each([
      { name: "a part beyond its parts", change: { part: 2, parts: 2 } },
      { name: "a part on another part's topic", change: { part: 1, parts: 2 } },
      { name: "a version that nobody knows", change: { v: 2 } },
    ])("with $name is set aside", async ({ change }) => {
      await start();
      site.send("inventory/0", { ...splitInventory([printer("x")], 5)[0], ...change });
      expect(site.ingest.counts.poison).toBe(1);
      expect(known()).toBe(1);
    });

    it("of more components than any site has is set aside", async () => {
      await start();
      const components = Array.from({ length: 4_000 }, (_, n) => `tray-${n}`);
      const devices = Array.from({ length: 13 }, (_, n) => printer(`p${n}`, { components }));
      site.send("inventory/0", splitInventory(devices, 9)[0]);
      expect(site.ingest.counts.poison).toBe(1);
      expect(known()).toBe(1);
    });

    it("forgets nothing of a device that its agent, new-started, has not heard yet", async () => {
      await start();
      const told = { asset: { serial: "99J1" }, profile: "zebra", components: ["supply-ribbon"], metrics: ["up"] };
      const known = () => site.judge.live.device("s1", "printer")?.device;
      site.inventory([printer("printer", told)]);
      site.inventory([printer("printer", { unheard: true, name: "At the dock" })]);
      expect(known()).toMatchObject({ ...told, name: "At the dock" });
      expect(site.state.inventory()[0]?.devices[0]).toMatchObject(told);
      // Another thing stands there now, as its configuration says.
      site.inventory([printer("printer", { unheard: true, driver: "snmp" })]);
      expect(known()).toMatchObject({ asset: {}, components: [] });
    });

    it("can't claim another agent's device, nor one that stands for an agent", async () => {
      await start();
      site.inventory([printer("printer"), printer("agent/pc"), printer("mine")], "thief");
      await site.pass(250);
      expect(logged("claim")).toEqual([{ site: "s1", agent: "thief", devices: ["printer", "agent/pc"] }]);
      expect(site.judge.live.devices("s1").map(({ device, agent }) => [device.id, agent])).toEqual([
        ["mine", "thief"],
        ["printer", "pc"],
      ]);
      // Nor speak for it.
      site.send("telemetry", aBatch(1, { out: true }), "thief");
      expect(site.opened).toEqual([]);
    });
  });

  it("takes an agent out with its devices and faults, and hears nothing of it until it signs in anew", async () => {
    await start();
    site.send("telemetry", aBatch(1, { out: true }));
    await site.pass(250);
    expect(site.judge.live.openIncidents()).toHaveLength(1);
    site.state.removeAgent("s1", "pc", T0);
    site.ingest.forget("s1", "pc");
    site.judge.removeAgent("s1", "pc");
    site.ingest.commitNow();
    // What was on its way still, its will among it.
    site.send("telemetry", aBatch(2, { out: true }));
    site.send("status", statusOf({ state: "offline" }));
    await site.pass(250);
    expect([site.judge.roster(), site.judge.live.devices("s1"), site.state.agents(), site.state.inventory()]).toEqual([
      [],
      [],
      [],
      [],
    ]);
    expect(site.state.incidents({}, { limit: 9, cursor: null }).items).toMatchObject([
      { state: "resolved", resolutionCode: "device_removed" },
    ]);
    expect(site.ingest.audit({}).lanes).toMatchObject([{ seq: 1, batches: 1 }]);
    site.send("status", statusOf());
    site.send("telemetry", aBatch(2));
    await site.pass(250);
    expect(site.judge.roster()).toHaveLength(1);
    expect(site.series.seqs()).toEqual([1, 2]);
  });

  it("names the devices of an agent that another watches, until it lets go of them", async () => {
    await start();
    site.send("status", statusOf(), "till");
    site.inventory([printer("printer"), printer("other")], "till");
    expect(site.ingest.refusedClaims("s1", "till")).toEqual(["printer"]);
    site.inventory([printer("other")], "till");
    expect(site.ingest.refusedClaims("s1", "till")).toEqual([]);
  });

  describe("events of devices", () => {
    const kept = () => site.state.deviceEvents("s1", null, 100);
    const numbers = () => kept().map(({ detail }) => Number(detail.split(" ")[1]));

    it("are kept from both lanes, once, with their time, whatever is sent again", async () => {
      await start();
      await site.pass(10_000);
      const batches = [
        aBatch(1, { code: "on_battery" }),
        aBatch(2, { code: "on_battery_cleared" }),
        aBatch(1, { code: "rebooted", lane: "history", sentAt: T0 + 1 }),
      ];
      for (const batch of [...batches, ...batches]) site.send("telemetry", batch);
      await site.pass(250);
      await site.restart();
      site.send("status", statusOf());
      for (const batch of batches) site.send("telemetry", batch);
      await site.pass(250);
      expect(kept().map(({ code, at }) => [code, at - T0])).toEqual([
        ["on_battery_cleared", 2_000],
        ["rebooted", 1_000],
        ["on_battery", 1_000],
      ]);
      expect(kept()[0]).toMatchObject({ site: "s1", device: "printer", component: null, detail: "number 2" });
    });

    it("wait for a full disk with their batch", async () => {
      await start();
      site.disk.isFull = true;
      for (const seq of [1, 2]) site.send("telemetry", aBatch(seq, { code: "trap" }));
      await site.pass(2_500);
      expect([kept(), lastAck()?.live]).toEqual([[], 0]);
      site.disk.isFull = false;
      await site.pass(1_250);
      expect([numbers(), lastAck()?.live]).toEqual([[2, 1], 2]);
      expect(site.ingest.counts).toMatchObject({ events: 2, eventsDropped: 0 });
    });

    it("wait 20,000 at most; what is beyond is counted", async () => {
      await start();
      site.disk.isFull = true;
      const event = { subject: "printer", at: T0, code: "trap", detail: "" };
      const events = Array.from({ length: 1_000 }, () => event);
      for (let seq = 1; seq <= 21; seq++) site.send("telemetry", { ...aBatch(seq), events });
      expect(site.ingest.counts).toMatchObject({ events: 20_000, eventsDropped: 1_000 });
      site.disk.isFull = false;
      await site.pass(1_250);
      expect([kept().length, lastAck()?.live]).toEqual([100, 21]);
    });

    it("are never of the future, and follow an agent's clock that is off", async () => {
      await start();
      const now = site.clock.now();
      const eventAt = (at: number) => ({ subject: "printer", at, code: "trap", detail: "" });
      site.send("telemetry", { ...aBatch(1), events: [eventAt(T0 + 86_400_000)] });
      site.send("status", statusOf({ sentAt: now - 3_600_000 }));
      const behind = batchOf(2, [reading("printer", now - 3_600_000, { up: true })]);
      site.send("telemetry", { ...behind, events: [eventAt(now - 3_601_000)] });
      await site.pass(250);
      expect(kept().map(({ at }) => at - now)).toEqual([0, -1_000]);
    });

    it("of a device that another agent watches are counted and not kept", async () => {
      await start();
      site.send("telemetry", aBatch(1, { code: "on_battery" }), "thief");
      await site.pass(250);
      expect(kept()).toEqual([]);
      expect(site.ingest.counts).toMatchObject({ events: 0, eventsDropped: 1 });
    });
  });
});
