import { createEngine } from "@aislewatch/rules";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { StreamEvent } from "./api/schema/service.ts";
import { createFleetWatch } from "./fleet-watch.ts";
import { createOwnReports } from "./own-reports.ts";
import {
  batchOf,
  configOf,
  printer,
  RULES,
  reading,
  type SampleOptions,
  type SampleSite,
  sampleSite,
  statusOf,
} from "./sample-site.ts";
import { toWeek, unlistedSite } from "./sites.ts";

let site: SampleSite;
let seq = 0;

const start = async (options: SampleOptions = {}, devices = [printer("printer")]): Promise<SampleSite> => {
  site = await sampleSite(options);
  seq = 0;
  site.send("status", statusOf());
  site.inventory(devices);
  await site.pass(250);
  return site;
};

/** A reading of each device named, now, and the commit that it brings. */
const read = async (metrics: Record<string, Record<string, boolean | number>>, agent = "pc"): Promise<void> => {
  const at = site.clock.now();
  const readings = Object.entries(metrics).map(([device, values]) => reading(device, at, values));
  site.send("telemetry", batchOf(++seq, readings, { sentAt: at }), agent);
  await site.pass(250);
};

const good = { up: true, media_out: false };
const out = { up: true, media_out: true };
const stored = (id: string) => site.state.incident(id);
const log = (id: string) => site.state.incidentEvents(id).map(({ type }) => type);
/** Trading hours, in UTC: an hour from now on. */
const hourFrom = (nowMs: number) => {
  const from = Math.floor((nowMs % 86_400_000) / 60_000);
  return [{ from, to: (from + 60) % 1_440 }];
};
const deviceState = (id: string) => site.judge.live.device("s1", id)?.state;
const act = (id: string, action: Parameters<SampleSite["judge"]["act"]>[1]) => site.judge.act(id, action, "user:kim");

/** Lets time pass as the collector does, with a tick each second. */
const tickFor = async (seconds: number): Promise<void> => {
  for (let n = 0; n < seconds; n++) {
    await site.pass(1_000);
    site.judge.tick();
  }
  await site.pass(250);
};

describe("judge", () => {
  afterEach(() => site.end());

  describe("faults to incidents", () => {
    it("opens one, writes it down, and tells the page in that order", async () => {
      await start();
      await read({ printer: out });
      expect(stored("INC-000001")).toMatchObject({ state: "new", rule: "media-out", priority: "P1" });
      expect(site.told.find(({ type }) => type === "incident")).toMatchObject({
        type: "incident",
        incident: { id: "INC-000001" },
      });
      await read({ printer: out });
      expect(site.opened.length).toBe(1);
    });

    it("lets it recover and stay open, and counts when it comes back", async () => {
      await start();
      await read({ printer: out });
      await read({ printer: good });
      expect(stored("INC-000001")).toMatchObject({ state: "new", recoveredAt: expect.any(Number) });
      await read({ printer: out });
      expect(stored("INC-000001")).toMatchObject({ recoveredAt: null, recurrences: 1 });
      expect(log("INC-000001")).toEqual(["opened", "recovered", "fired_again"]);
    });

    it("follows a ladder", async () => {
      const rules = `group: t
select: kind == "label_printer"
rules:
  - id: hot
    title: "{{head_temperature_celsius}} °C"
    raise:
      minor: { when: "head_temperature_celsius > 50", for: 0s }
      critical: { when: "head_temperature_celsius > 70", for: 0s }
    category: hardware
`;
      await start({ rules });
      await read({ printer: { up: true, head_temperature_celsius: 60 } });
      expect(stored("INC-000001")).toMatchObject({ severity: "minor", title: "60 °C" });
      await read({ printer: { up: true, head_temperature_celsius: 80 } });
      expect(stored("INC-000001")).toMatchObject({ severity: "critical", title: "80 °C" });
      expect(log("INC-000001")).toContain("level_changed");
    });

    it("assesses the others of a role again when one more of it fails", async () => {
      const lanes = ["lane-1", "lane-2", "lane-3", "lane-4", "lane-5"].map((id) => printer(id));
      await start({}, lanes);
      await read(Object.fromEntries(lanes.map(({ id }) => [id, good])));
      await read({ "lane-1": out });
      expect(stored("INC-000001")?.priority).toBe("P3");
      await read({ "lane-2": out });
      await read({ "lane-3": out });
      expect(stored("INC-000001")).toMatchObject({ priority: "P1", priorityWhy: expect.stringContaining("2 of 5") });
      expect(log("INC-000001")).toContain("priority_changed");
      await read({ "lane-2": good, "lane-3": good });
      expect(stored("INC-000001")?.priority).toBe("P3");
    });

    it("counts what is left of a role once, however many of it fail at once", async () => {
      const lanes = Array.from({ length: 60 }, (_, n) => printer(`lane-${n}`));
      const engine = createEngine();
      const count = vi.spyOn(engine, "capacity");
      await start({ engine }, lanes);
      await read(Object.fromEntries(lanes.map(({ id }) => [id, out])));
      expect(site.judge.live.openIncidents()).toHaveLength(60);
      expect(new Set(site.judge.live.openIncidents().map(({ priorityWhy }) => priorityWhy)).size).toBe(1);
      expect(count.mock.calls.length).toBeLessThan(5);
    });

    it("resolves what a removed device or rule leaves behind", async () => {
      await start({}, [printer("printer"), printer("other")]);
      await read({ printer: out, other: out });
      site.inventory([printer("other")]);
      await site.pass(250);
      site.judge.setConfig(configOf(RULES.replace("id: media-out", "id: other-rule")));
      await site.pass(250);
      const codes = ["INC-000001", "INC-000002"].map((id) => {
        const incident = stored(id);
        return [incident?.subject.device, incident?.state, incident?.resolutionCode];
      });
      expect(new Map(codes.map(([device, ...rest]) => [device, rest]))).toEqual(
        new Map([
          ["printer", ["resolved", "device_removed"]],
          ["other", ["resolved", "rule_removed"]],
        ]),
      );
      expect(site.judge.live.openIncidents().map(({ rule }) => rule)).toEqual(["other-rule"]);
    });
  });

  describe("a commit that fails", () => {
    it("is put back: the log has no hole, and the page hears of it only after it was written", async () => {
      await start();
      await read({ printer: out });
      const before = site.told.length;
      site.disk.isFull = true;
      await read({ printer: good });
      await read({ printer: out });
      expect(act("INC-000001", { action: "acknowledge" }).ok).toBe(true);
      expect(site.ingest.commitNow()).toBe(false);
      expect(site.told.slice(before).filter(({ type }) => type === "incident")).toEqual([]);
      expect(log("INC-000001")).toEqual(["opened"]);
      site.disk.isFull = false;
      expect(site.ingest.commitNow()).toBe(true);
      expect(site.state.incidentEvents("INC-000001").map(({ seq, type }) => `${seq} ${type}`)).toEqual([
        "1 opened",
        "2 recovered",
        "3 fired_again",
        "4 acknowledged",
      ]);
      expect(site.told.slice(before).filter(({ type }) => type === "incident").length).toBe(1);
    });
  });

  describe("after a restart", () => {
    it("goes on with what stands, and opens nothing twice", async () => {
      await start();
      await read({ printer: out });
      await site.restart();
      expect(site.judge.live.openIncidents().map(({ id }) => id)).toEqual(["INC-000001"]);
      site.send("status", statusOf());
      await read({ printer: out });
      expect(site.opened.length).toBe(1);
      await read({ printer: good });
      expect(log("INC-000001").at(-1)).toBe("recovered");
      await read({ printer: { up: true, media_out: false } });
      expect(site.state.incidents({}, { limit: 9, cursor: null }).total).toBe(1);
    });

    it("gives new numbers", async () => {
      await start({}, [printer("printer"), printer("other")]);
      await read({ printer: out });
      await site.restart();
      site.send("status", statusOf());
      await read({ other: out });
      expect(site.opened.map(({ id }) => id)).toEqual(["INC-000001", "INC-000002"]);
    });

    it("waits a minute for agents that were online, then takes them for gone", async () => {
      await start({}, [printer("printer")]);
      await read({ printer: good });
      // Killed, both: nobody could write down that the agent went offline.
      await site.restart();
      expect(site.judge.roster()).toMatchObject([{ record: { online: true }, isHeard: false }]);
      await tickFor(55);
      expect(site.log.filter(({ name }) => name === "agent").length).toBe(1);
      await tickFor(10);
      expect(site.judge.roster()).toMatchObject([{ record: { online: false }, isHeard: true }]);
      expect(site.log.at(-1)).toMatchObject({ name: "agent", detail: { agent: "pc", online: false } });
      expect(deviceState("printer")).toBe("unreachable");
      expect(site.state.agents()).toMatchObject([{ agent: "pc", online: false }]);
      site.send("status", statusOf());
      expect(site.judge.roster()).toMatchObject([{ record: { online: true }, isHeard: true }]);
    });

    it("does not doubt an agent that came back", async () => {
      await start();
      await read({ printer: good });
      await site.restart();
      site.send("status", statusOf());
      await tickFor(90);
      expect(site.judge.live.agents()).toMatchObject([{ id: "pc", online: true }]);
    });
  });

  describe("people", () => {
    it.each([
      { name: "acknowledge", action: { action: "acknowledge" }, state: "acknowledged" },
      { name: "assign", action: { action: "assign", to: "kim" }, state: "new" },
      { name: "start", action: { action: "start" }, state: "in_progress" },
      { name: "hold", action: { action: "hold", reason: "awaiting_part", text: null }, state: "on_hold" },
      { name: "note", action: { action: "note", text: "looking" }, state: "new" },
      {
        name: "resolve",
        action: { action: "resolve", code: "consumable_replaced", text: "new roll" },
        state: "resolved",
      },
    ] as const)("may $name, and it is written down with their name", async ({ action, state }) => {
      await start();
      await read({ printer: out });
      expect(act("INC-000001", action).ok).toBe(true);
      expect(site.ingest.commitNow()).toBe(true);
      expect(stored("INC-000001")?.state).toBe(state);
      expect(site.state.incidentEvents("INC-000001").at(-1)?.actor).toBe("user:kim");
    });

    it("are refused what does not fit", async () => {
      await start();
      await read({ printer: out });
      const code = (result: ReturnType<typeof act>) => (result.ok ? "done" : result.error.code);
      expect(code(act("INC-000009", { action: "acknowledge" }))).toBe("not_found");
      expect(code(act("INC-000001", { action: "resolve", code: "cleaned", text: null }))).toBe("text_needed");
      expect(code(act("INC-000001", { action: "acknowledge", version: 7 }))).toBe("conflict");
      expect(code(act("INC-000001", { action: "close" }))).toBe("not_allowed");
    });

    it("can't change one that has ended, and can still see it", async () => {
      await start();
      await read({ printer: out });
      await read({ printer: good });
      act("INC-000001", { action: "resolve", code: "cleaned", text: null });
      act("INC-000001", { action: "close" });
      await site.pass(250);
      expect(stored("INC-000001")?.state).toBe("closed");
      expect(act("INC-000001", { action: "note", text: "late" })).toMatchObject({ error: { code: "not_allowed" } });
      await read({ printer: out });
      expect(site.opened.map(({ id }) => id)).toEqual(["INC-000001", "INC-000002"]);
    });
  });

  describe("what people say of a fault", () => {
    const ladder = `group: t
select: kind == "label_printer"
rules:
  - id: hot
    title: "{{head_temperature_celsius}} °C"
    raise:
      major: { when: "head_temperature_celsius > 50", for: 0s }
      critical: { when: "head_temperature_celsius > 70", for: 0s }
    category: hardware
`;
    const hot = (celsius: number) => ({ printer: { up: true, head_temperature_celsius: celsius } });
    const cancel = { action: "cancel", code: "false_positive", text: "the sensor is in the sun" } as const;
    const ids = () => site.opened.map(({ id }) => id);

    it("silences one that is none until it gets worse", async () => {
      await start({ rules: ladder });
      await read(hot(60));
      expect(act("INC-000001", cancel)).toMatchObject({ ok: true, value: { state: "cancelled" } });
      await read(hot(55));
      await read(hot(60));
      expect(ids()).toEqual(["INC-000001"]);
      await read(hot(80));
      expect(ids()).toEqual(["INC-000001", "INC-000002"]);
    });

    it("silences it over a restart, too, and until it is over and comes back", async () => {
      await start({ rules: ladder });
      await read(hot(80));
      expect(act("INC-000001", cancel).ok).toBe(true);
      expect(site.ingest.commitNow()).toBe(true);
      await site.restart();
      site.send("status", statusOf());
      await read(hot(60));
      await read(hot(80));
      expect(site.judge.live.openIncidents()).toEqual([]);
      await read(hot(20));
      await read(hot(80));
      expect(site.judge.live.openIncidents().map(({ id }) => id)).toEqual(["INC-000002"]);
    });

    it("lets an acknowledgement run out, at once when it gets worse", async () => {
      await start({ rules: ladder });
      await read(hot(60));
      expect(stored("INC-000001")?.priority).toBe("P1");
      act("INC-000001", { action: "acknowledge" });
      await tickFor(14 * 60);
      expect(stored("INC-000001")?.state).toBe("acknowledged");
      await tickFor(70);
      expect(stored("INC-000001")).toMatchObject({ state: "new", ackExpired: { by: "user:kim", why: "timeout" } });
      act("INC-000001", { action: "acknowledge" });
      await read(hot(80));
      expect(stored("INC-000001")).toMatchObject({ state: "new", ackExpired: { why: "severity" } });
    });

    it("gives the priority back that the collector finds", async () => {
      await start({}, [printer("printer"), printer("other")]);
      await read({ printer: good, other: good });
      await read({ printer: out });
      act("INC-000001", { action: "set_priority", priority: "P5", why: "not in use" });
      await read({ other: out });
      expect(stored("INC-000001")).toMatchObject({ priority: "P5", isPriorityPinned: true });
      act("INC-000001", { action: "set_priority", priority: null, why: "in use again" });
      expect(act("INC-000001", { action: "note", text: "x" })).toMatchObject({
        value: { priority: "P1", priorityWhy: expect.stringContaining("0 of 2") },
      });
    });
  });

  describe("merged incidents", () => {
    const two = [printer("printer"), printer("other")];
    const merged = async (): Promise<void> => {
      await start({}, two);
      await read({ printer: out, other: out });
      expect(act("INC-000001", { action: "merge", into: "INC-000002" }).ok).toBe(true);
      await site.pass(250);
    };
    const states = () => ["INC-000001", "INC-000002"].map((id) => stored(id)?.state);

    it("are one on the board, and reopen together", async () => {
      await merged();
      expect(site.judge.live.openIncidents().map(({ id }) => id)).toEqual(["INC-000002"]);
      await read({ printer: good, other: good });
      expect(act("INC-000002", { action: "resolve", code: "cleaned", text: null }).ok).toBe(true);
      await read({ [stored("INC-000001")?.subject.device ?? ""]: out });
      expect(stored("INC-000001")).toMatchObject({ state: "merged", recurrences: 1 });
      expect(stored("INC-000002")).toMatchObject({ state: "new", recoveredAt: expect.any(Number) });
      expect(act("INC-000002", { action: "resolve", code: "cleaned", text: null })).toMatchObject({
        error: { code: "text_needed" },
      });
      expect(site.opened.length).toBe(2);
    });

    it("are split again, also after a restart", async () => {
      await merged();
      await site.restart();
      expect(act("INC-000001", { action: "split" })).toMatchObject({ ok: true, value: { state: "new" } });
      expect(site.ingest.commitNow()).toBe(true);
      expect(stored("INC-000002")?.absorbed).toEqual([]);
      expect(act("INC-000001", { action: "split" })).toMatchObject({ error: { code: "not_allowed" } });
    });

    it("end together, and free the key", async () => {
      await merged();
      await read({ printer: good, other: good });
      act("INC-000002", { action: "resolve", code: "cleaned", text: null });
      expect(act("INC-000002", { action: "close" }).ok).toBe(true);
      await site.pass(250);
      expect(states()).toEqual(["merged", "closed"]);
      expect(stored("INC-000001")?.closedAt).toEqual(expect.any(Number));
      await read({ [stored("INC-000001")?.subject.device ?? ""]: out });
      expect(site.opened.map(({ id }) => id)).toEqual(["INC-000001", "INC-000002", "INC-000003"]);
    });

    it("are refused when somebody else was faster with either", async () => {
      await start({}, two);
      await read({ printer: out, other: out });
      act("INC-000002", { action: "acknowledge" });
      expect(act("INC-000001", { action: "merge", into: "INC-000002", version: 1, intoVersion: 1 })).toMatchObject({
        error: { code: "conflict", incident: { id: "INC-000002", acknowledgedBy: "user:kim" } },
      });
      expect(act("INC-000001", { action: "merge", into: "INC-000009" })).toMatchObject({
        error: { code: "not_found" },
      });
      expect(stored("INC-000001")?.state).toBe("new");
    });
  });

  it("puts up for review what cures itself again and again, over its incidents, until somebody says what it was", async () => {
    await start({ rules: RULES.replace("id: media-out", "id: media-out, auto_close: 1m") });
    for (let n = 0; n < 4; n++) {
      await read({ printer: out });
      await read({ printer: good });
      await tickFor(65);
      // Long enough for the next to be an incident of its own.
      if (n === 1) await tickFor(2_000);
    }
    const last = site.opened.at(-1)?.id ?? "";
    expect(site.opened.length).toBe(2);
    expect(stored(last)).toMatchObject({ state: "new", review: { times: 4 } });
    await tickFor(300);
    expect(stored(last)?.state).toBe("new");
    expect(site.state.incidents({ forReview: true }, { limit: 9, cursor: null }).total).toBe(1);
    expect(act(last, { action: "review", text: "the cable" }).ok).toBe(true);
    await tickFor(65);
    expect(stored(last)).toMatchObject({ state: "resolved", review: null });
  });

  it("finds priorities again when a site opens or closes, and when its hours are edited", async () => {
    await start();
    const hours = toWeek({ daily: hourFrom(site.clock.now()) });
    site.judge.setConfig({ ...configOf(), sites: [{ ...unlistedSite("s1"), hours }] });
    await read({ printer: out });
    expect(stored("INC-000001")).toMatchObject({ priority: "P1", priorityWhy: expect.stringContaining("open for") });
    // What is not heard of keeps its priority, so it is heard of.
    for (let n = 0; n < 62; n++) {
      await tickFor(60);
      await read({ printer: out });
    }
    expect(stored("INC-000001")).toMatchObject({ priority: "P3", priorityWhy: expect.stringContaining("closed now") });
    expect(log("INC-000001").filter((type) => type === "priority_changed")).toHaveLength(1);
    site.judge.setConfig(configOf());
    for (let n = 0; n < 7; n++) {
      await tickFor(10);
      await read({ printer: out });
    }
    expect(stored("INC-000001")?.priority).toBe("P1");
  });

  describe("the priority of eight lanes", () => {
    it("rises and falls as one after the other fails and recovers, each time with its reason in the log", async () => {
      const lanes = Array.from({ length: 8 }, (_, n) => printer(`lane-${n + 1}`));
      await start({}, lanes);
      const all = (down: number) => Object.fromEntries(lanes.map(({ id }, n) => [id, n < down ? out : good]));
      await read(all(0));
      const course: string[] = [];
      const steps = [1, 2, 3, 4, 5, 6, 7, 8, 7, 6, 5, 4, 3, 2, 1];
      for (const down of steps) {
        await read(all(down));
        course.push(`${down} ${stored("INC-000001")?.priority}`);
      }
      expect(course.join(", ")).toBe(
        "1 P3, 2 P2, 3 P2, 4 P2, 5 P1, 6 P1, 7 P1, 8 P1, 7 P1, 6 P1, 5 P1, 4 P2, 3 P2, 2 P2, 1 P3",
      );
      const changes = site.state
        .incidentEvents("INC-000001")
        .flatMap((event) => (event.type === "priority_changed" ? [`${event.priority}: ${event.why}`] : []));
      const why = (priority: string, work: number) =>
        `${priority}: label printer: ${work} of 8 work; major; open for customers`;
      expect(changes).toEqual([why("P2", 6), why("P1", 3), why("P2", 4), why("P3", 7)]);
      await read(all(0));
      expect(stored("INC-000001")?.recoveredAt).toEqual(expect.any(Number));
    });
  });

  it("closes by the clock what recovered and was resolved", async () => {
    await start();
    await read({ printer: out });
    await read({ printer: good });
    act("INC-000001", { action: "resolve", code: "cleaned", text: null });
    await site.pass(250);
    site.clock.advance(73 * 3_600_000);
    site.judge.tick();
    await site.pass(250);
    expect(stored("INC-000001")?.state).toBe("closed");
  });

  it("names the devices that cost most, the slowest first", async () => {
    await start({}, [printer("a"), printer("b"), printer("c")]);
    await read({ a: { up: true, poll_duration_seconds: 0.2 }, b: { up: true, poll_duration_seconds: 2.5 }, c: good });
    expect(site.judge.slowestPolls(1)).toEqual([expect.objectContaining({ device: "b", seconds: 2.5 })]);
    expect(site.judge.slowestPolls(9).map(({ device }) => device)).toEqual(["b", "a"]);
  });

  describe("state of a device", () => {
    const tree = [
      printer("printer", { dependsOn: ["switch"] }),
      printer("alone"),
      printer("switch", { kind: "network_switch", metrics: ["up"] }),
    ];

    it("is up while it answers, down when it does not, and unknown when nothing new is heard", async () => {
      await start({}, tree);
      expect(deviceState("alone")).toBe("unknown");
      await read({ alone: good });
      expect(deviceState("alone")).toBe("up");
      await read({ alone: { up: false } });
      expect(deviceState("alone")).toBe("down");
      await tickFor(40);
      expect(deviceState("alone")).toBe("unknown");
    });

    it("is unreachable behind a dead switch, which pages in its stead", async () => {
      await start({}, tree);
      await read({ printer: good, alone: good, switch: { up: true } });
      for (let n = 0; n < 4; n++) {
        await read({ printer: { up: false }, alone: { up: false }, switch: { up: false } });
        await tickFor(9);
      }
      expect([deviceState("printer"), deviceState("alone"), deviceState("switch")]).toEqual([
        "unreachable",
        "down",
        "down",
      ]);
      const suppressed = site.judge.live
        .openIncidents()
        .map(({ subject, suppressedBy }) => [subject.device, suppressedBy]);
      expect(new Map(suppressed as [string, string | null][])).toEqual(
        new Map([
          ["printer", "s1/switch"],
          ["alone", null],
        ]),
      );
    });

    it("is unreachable while its agent is offline, and nothing new opens", async () => {
      await start({}, tree);
      await read({ printer: good, alone: good, switch: { up: true } });
      site.send("status", statusOf({ state: "offline" }));
      await tickFor(120);
      expect(tree.map(({ id }) => deviceState(id))).toEqual(["unreachable", "unreachable", "unreachable"]);
      expect(site.opened).toEqual([]);
    });
  });

  it("tells the page of agents, rules and refusals with the commit, and of values and devices at a tick", async () => {
    await start();
    await read({ printer: good });
    await tickFor(1);
    site.told.length = 0;
    await read({ printer: out });
    await tickFor(1);
    site.send("status", statusOf({ state: "offline" }));
    await tickFor(1);
    site.judge.setRefused(["rules.yaml:1:1 CFG_YAML tab"]);
    await site.pass(250);
    const kinds = site.told.map((event: StreamEvent) => event.type);
    expect(kinds.filter((kind, n) => kind !== kinds[n - 1])).toEqual([
      "incident",
      "device",
      "values",
      "incident",
      "agent",
      "device",
      "values",
      "rules",
    ]);
    expect(site.judge.live.rules().refused).toEqual(["rules.yaml:1:1 CFG_YAML tab"]);
    expect(site.judge.runbook("printer/out")?.title).toBe("Out");
    expect(site.judge.live.sites().map(({ id }) => id)).toEqual(["s1"]);
  });
});

describe("an agent that falls silent", () => {
  afterEach(() => site.end());

  const rules = `group: agents
rules:
  - { id: agent-silent, select: 'kind == "agent"', title: "{{device}}", when: "!up", for: 1m, severity: major, category: network }
  - { id: no-answer, select: 'kind == "label_printer"', title: "No answer", when: "!up", for: 20s, severity: major, category: network }
  - { id: silent, select: 'kind == "label_printer"', title: "Silent", when: "silent_for() > 60", for: 0s, severity: major, category: network }
`;
  const watched = () => {
    const watch = createFleetWatch({
      clock: site.clock,
      agents: () =>
        site.judge.roster().map(({ record: { site: place, agent, online, lastSeenAt }, isHeard }) => ({
          site: place,
          id: agent,
          online,
          version: null,
          lastSeenAt,
          ...{ outbox: null, cost: null, disk: null, skewMs: 0, offsetMs: 0 },
          delivery: { missing: 0, owed: { live: 0, history: 0 }, thinnedSamples: 0 },
          refusedClaims: 0,
          isNameShared: false,
          isHeard,
        })),
      setInventory: (place, devices) => site.ingest.setInventory({ site: place, agent: "collector", devices }),
      report: createOwnReports({
        clock: site.clock,
        accept: (batch) => site.ingest.accept(batch),
        lastSeq: (lane) => site.ingest.lastSeq(lane),
      }),
    });
    watch.start();
    return watch;
  };
  const open = () => site.judge.live.openIncidents().map(({ rule, subject }) => `${rule} ${subject.device}`);

  it("is exactly one incident; its devices are unreachable and page nobody; it ends when it returns", async () => {
    await start({ rules }, [printer("printer"), printer("other")]);
    const watch = watched();
    await read({ printer: good, other: good });
    await tickFor(20);
    site.send("status", statusOf({ state: "offline" }));
    await tickFor(200);
    expect(open()).toEqual(["agent-silent agent/pc"]);
    expect([deviceState("printer"), deviceState("other")]).toEqual(["unreachable", "unreachable"]);
    expect(deviceState("agent/pc")).toBe("down");
    site.send("status", statusOf());
    await read({ printer: good, other: good });
    await tickFor(30);
    expect(site.opened.length).toBe(1);
    expect(log("INC-000001")).toEqual(["opened", "recovered"]);
    expect(deviceState("agent/pc")).toBe("up");
    watch.stop();
  });

  it("has what stood on its devices below it, until they are read again", async () => {
    await start({ rules }, [printer("printer"), printer("other")]);
    const watch = watched();
    const dead = { printer: { up: false }, other: good };
    await read(dead);
    await tickFor(25);
    site.send("status", statusOf({ state: "offline" }));
    await tickFor(200);
    const below = { parent: "INC-000002", parentWhy: "its agent pc is silent" };
    expect(stored("INC-000001")).toMatchObject({ rule: "no-answer", suppressedBy: "agent:s1/pc", ...below });
    expect(stored("INC-000002")).toMatchObject({ rule: "agent-silent", children: 1 });
    site.send("status", statusOf());
    await tickFor(40);
    // It is up again, and nobody has asked the printer yet.
    expect(stored("INC-000001")).toMatchObject({ suppressedBy: "agent:s1/pc", ...below });
    for (const seconds of [40, 40, 35]) {
      await read(dead);
      await tickFor(seconds);
    }
    expect(stored("INC-000001")).toMatchObject({ suppressedBy: null, ...below });
    await tickFor(10);
    expect(stored("INC-000001")?.parent).toBeNull();
    expect(log("INC-000002")).toEqual(["opened", "child_added", "recovered", "child_removed"]);
    watch.stop();
  });

  it("also when the collector was restarted meanwhile and remembers it as online", async () => {
    await start({ rules });
    let watch = watched();
    await read({ printer: good });
    await tickFor(20);
    watch.stop();
    await site.restart();
    watch = watched();
    await tickFor(70);
    expect(open()).toEqual([]);
    await tickFor(80);
    expect(open()).toEqual(["agent-silent agent/pc"]);
    expect(deviceState("printer")).toBe("unreachable");
    watch.stop();
  });

  it("stays one incident over a restart of the collector", async () => {
    await start({ rules });
    let watch = watched();
    await tickFor(20);
    site.send("status", statusOf({ state: "offline" }));
    await tickFor(100);
    expect(open()).toEqual(["agent-silent agent/pc"]);
    watch.stop();
    await site.restart();
    watch = watched();
    await tickFor(150);
    expect(open()).toEqual(["agent-silent agent/pc"]);
    expect(site.opened.length).toBe(1);
    expect(site.judge.live.openIncidents()[0]?.suppressedBy).toBeNull();
    watch.stop();
  });
});
