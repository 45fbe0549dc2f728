import { ManualClock } from "@aislewatch/base";
import { MAINTENANCE_SETTLE_MS } from "@aislewatch/rules";
import { describe, expect, it } from "vitest";
import { createMaintenance, isOver, type MaintenanceRequest, reasonOf } from "./maintenance.ts";
import type { PlannedMaintenance } from "./maintenance-file.ts";

const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 10, 20, 9);
const once = (fromMs: number, toMs: number): MaintenanceRequest => ({
  reason: "new switches",
  where: { site: ["berlin-01"] },
  when: { is: "once", fromMs, toMs },
});
const OF_FILE: PlannedMaintenance = { id: "nightly", by: "file", ...once(T0, T0 + HOUR) };

function open(documents = new Map<string, string>()) {
  const clock = new ManualClock(T0);
  const audited: string[] = [];
  const told: string[][] = [];
  const disk = { isFull: false };
  let count = 0;
  const maintenance = createMaintenance({
    clock,
    state: {
      document: (name) => documents.get(name) ?? null,
      putDocument(name, text) {
        if (disk.isFull) throw new Error("disk full");
        documents.set(name, text);
      },
      audit: ({ actor, action, detail }) => void audited.push(`${actor} ${action} ${detail}`),
    },
    timeZones: () => new Map([["berlin-01", "Europe/Berlin"]]),
    newId: () => `${++count}`,
    onChanged: (windows) => void told.push(windows.map(({ id }) => id)),
  });
  return { maintenance, clock, audited, told, documents, disk };
}

describe("maintenance", () => {
  it("is of the file and of people, told whenever it changes, and audited", () => {
    const { maintenance, audited, told } = open();
    maintenance.useFile([OF_FILE]);
    maintenance.add(once(T0, T0 + HOUR), "user:ana");
    expect(told).toEqual([["nightly"], ["nightly", "m-1"]]);
    expect(audited).toEqual(["user:ana maintenance_added m-1: new switches"]);
  });

  it("that people entered is known after a restart", () => {
    const first = open();
    first.maintenance.add(once(T0, T0 + HOUR), "user:ana");
    const second = open(first.documents);
    second.maintenance.useFile([]);
    expect(second.told).toEqual([["m-1"]]);
    expect(second.maintenance.list()).toEqual(first.maintenance.list());
  });

  it("that runs ends now; that has not begun is dropped; that of the file ends there", () => {
    const { maintenance, clock, audited } = open();
    maintenance.useFile([OF_FILE]);
    maintenance.add(once(T0, T0 + HOUR), "user:ana");
    maintenance.add(once(T0 + HOUR, T0 + 2 * HOUR), "user:ana");
    clock.advance(60_000);
    expect(maintenance.end("m-1", "token:ci")).toMatchObject({ ok: true, value: { when: { toMs: T0 + 60_000 } } });
    expect(maintenance.end("m-2", "token:ci").ok).toBe(true);
    expect(maintenance.list().map(({ id }) => id)).toEqual(["nightly", "m-1"]);
    expect(maintenance.end("nightly", "user:ana")).toMatchObject({ ok: false, error: { code: "of_the_file" } });
    expect(maintenance.end("m-9", "user:ana")).toMatchObject({ ok: false, error: { code: "no_window" } });
    for (const laterMs of [1, MAINTENANCE_SETTLE_MS]) {
      clock.advance(laterMs);
      expect(maintenance.end("m-1", "user:ana")).toMatchObject({ ok: false, error: { code: "over" } });
    }
    expect(audited.slice(2)).toEqual([
      "token:ci maintenance_ended m-1: new switches",
      "token:ci maintenance_ended m-2: new switches",
    ]);
  });

  it("of every week that runs ends like any other, and is over then; one that does not run is dropped", () => {
    const { maintenance, clock } = open();
    const fridays = { mon: [], tue: [], wed: [], thu: [], fri: [{ from: 600, to: 720 }], sat: [], sun: [] };
    const weekly = { ...once(T0, T0), when: { is: "weekly", hours: fridays, timeZone: null } } as const;
    maintenance.add(weekly, "user:ana");
    maintenance.add({ ...weekly, where: { site: ["berlin-02"] } }, "user:ana");
    clock.advance(60_000);
    for (const id of ["m-1", "m-2"]) maintenance.end(id, "user:ana");
    const [ended, ...more] = maintenance.list();
    expect(ended).toMatchObject({ id: "m-1", when: { is: "once", toMs: T0 + 60_000 } });
    expect(more).toEqual([]);
    expect(ended && isOver(ended, T0 + 60_000)).toBe(false);
    expect(ended && isOver(ended, T0 + 60_000 + MAINTENANCE_SETTLE_MS)).toBe(true);
  });

  it("that people entered may be another, for as long as it is not over; that of the file is changed there", () => {
    const { maintenance, clock, audited, told, documents } = open();
    maintenance.useFile([OF_FILE]);
    maintenance.add(once(T0, T0 + HOUR), "user:ana");
    const longer = { ...once(T0, T0 + 2 * HOUR), reason: "more switches" };
    expect(maintenance.change("m-1", longer, "user:kim")).toMatchObject({
      ok: true,
      value: { id: "m-1", by: "user:ana", reason: "more switches", when: { toMs: T0 + 2 * HOUR } },
    });
    expect([told.at(-1), audited.at(-1)]).toEqual([
      ["nightly", "m-1"],
      "user:kim maintenance_changed m-1: more switches",
    ]);
    expect(open(documents).maintenance.list()).toMatchObject([{ id: "m-1", reason: "more switches" }]);
    const refused = (id: string, request = longer) => {
      const changed = maintenance.change(id, request, "user:kim");
      return changed.ok ? "changed" : changed.error.code;
    };
    expect(refused("m-1", once(T0 - HOUR, T0))).toBe("over");
    expect([refused("nightly"), refused("m-9")]).toEqual(["of_the_file", "no_window"]);
    clock.advance(3 * HOUR);
    expect(refused("m-1", once(T0, T0 + 9 * HOUR))).toBe("over");
  });

  it("that is over is no window any more, and is forgotten after some days", () => {
    const { maintenance, clock } = open();
    expect(maintenance.add(once(T0 - HOUR, T0), "user:ana")).toMatchObject({ ok: false, error: { code: "over" } });
    maintenance.add(once(T0, T0 + HOUR), "user:ana");
    clock.advance(8 * 24 * HOUR);
    expect(maintenance.list().every((window) => isOver(window, clock.now()))).toBe(true);
    maintenance.add(once(clock.now(), clock.now() + HOUR), "user:ana");
    expect(maintenance.list().map(({ id }) => id)).toEqual(["m-2"]);
  });

  it("does not hold when it can't be written", () => {
    const { maintenance, disk, told } = open();
    disk.isFull = true;
    expect(maintenance.add(once(T0, T0 + HOUR), "user:ana")).toMatchObject({
      ok: false,
      error: { code: "not_written" },
    });
    expect([maintenance.list(), told]).toEqual([[], []]);
  });

  it("is told by why it is, beside its id", () => {
    expect([reasonOf([OF_FILE], "nightly"), reasonOf([OF_FILE], "m-9")]).toEqual(["new switches (nightly)", "m-9"]);
  });

  it("that can't be read hushes nobody", () => {
    expect(open(new Map([["maintenance", "{"]])).maintenance.list()).toEqual([]);
    expect(open(new Map([["maintenance", '[{"id":1}]']])).maintenance.list()).toEqual([]);
  });
});
