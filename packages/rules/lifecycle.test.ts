import { describe, expect, it } from "vitest";
import { holds, holdsUntil, type SiteCalendar, WEEKDAYS } from "./calendar.ts";
import { createEngine } from "./engine.ts";
import { type MaintenanceWindow, scheduleOf } from "./maintenance.ts";
import { AGENT, device, group, line, message, reading, SITE, START, stage } from "./sample-engine.ts";
import type { FaultRecord, SiteInfo } from "./types.ts";

const PRINTER = device("printer", "label_printer");
const MINUTE = 60;

describe("flapping", () => {
  const FLAPS = `id: out, when: media_out, severity: major, flap: { enter: 3, within: 10m, quiet: 5m }`;

  /** On at each time, off ten seconds later. */
  const flicker = (read: ReturnType<typeof stage>["read"], ...times: readonly number[]): void => {
    for (const at of times) {
      read("printer", at, { up: true, media_out: true });
      read("printer", at + 10, { up: true, media_out: false });
    }
  };

  it("makes one fault of many, until it was quiet for a while", () => {
    const { read, tick, said } = stage(group(FLAPS), [device("printer", "label_printer", { intervalMs: 60_000 })]);
    flicker(read, 0, 60, 120, 180);
    tick(400);
    flicker(read, 500);
    expect(said).toEqual([
      "0s printer out inactive>firing major",
      "10s printer out firing>inactive",
      "60s printer out inactive>firing major",
      "70s printer out firing>inactive",
      "120s printer out inactive>firing major flapping",
      "130s printer out firing>recovering major flapping",
      "180s printer out recovering>firing major flapping",
      "190s printer out firing>recovering major flapping",
      // From here on nobody knows whether it was quiet.
      "375s printer out recovering>recovering major stale flapping (flags)",
      "500s printer out recovering>firing major flapping",
      "510s printer out firing>recovering major flapping",
    ]);
  });

  it("ends when it was quiet, and counts anew", () => {
    const { read, said } = stage(group(FLAPS), [PRINTER]);
    flicker(read, 0, 60, 120);
    for (let at = 140; at <= 440; at += 10) read("printer", at, { up: true, media_out: false });
    flicker(read, 450);
    expect(said.slice(6)).toEqual([
      "430s printer out recovering>inactive",
      "450s printer out inactive>firing major",
      "460s printer out firing>inactive",
    ]);
  });

  it("does not count what fires too seldom", () => {
    const { read, said } = stage(group(FLAPS), [PRINTER]);
    flicker(read, 0, 400, 800, 1_200);
    expect(said.filter((each) => each.includes("flapping"))).toEqual([]);
  });

  it("does not count what fires while the parent is down", () => {
    const below = device("printer", "label_printer", { dependsOn: ["switch"] });
    const { read, said } = stage(group(FLAPS), [device("switch", "network_switch"), below]);
    read("switch", 0, { up: false });
    flicker(read, 1, 60, 120, 180);
    expect(said.filter((each) => each.includes("flapping"))).toEqual([]);
  });

  it("is known over a restart, what was counted too", () => {
    const first = stage(group(FLAPS), [PRINTER]);
    flicker(first.read, 0, 60);
    const kept: FaultRecord[] = JSON.parse(JSON.stringify(first.engine.takeChangedFaults()));
    const second = stage(group(FLAPS), [PRINTER]);
    second.engine.restoreFaults(kept);
    second.read("printer", 120, { up: true, media_out: true });
    expect(second.said).toEqual(["120s printer out inactive>firing major flapping"]);
  });

  it("forgets what it counted: a fault that is long over takes no memory", () => {
    const { read, tick, engine } = stage(group(FLAPS), [PRINTER]);
    flicker(read, 0);
    engine.takeChangedFaults();
    tick(10 * MINUTE);
    expect(engine.standing()).toEqual([]);
    expect(engine.takeChangedFaults()).toMatchObject([{ rule: "out", state: "inactive", detail: {} }]);
  });
});

// ---- Hours and maintenance

const weekly = (from: number, to: number) => {
  const spans = [{ from, to }];
  const [mon, tue, wed, thu, fri, sat, sun] = WEEKDAYS.map(() => spans);
  if (!mon || !tue || !wed || !thu || !fri || !sat || !sun) throw new Error("seven days");
  return { mon, tue, wed, thu, fri, sat, sun };
};
const startMinute = new Date(START).getUTCHours() * 60 + new Date(START).getUTCMinutes();
/** Open for the minutes of the stage's time. */
const open = (fromMinute: number, toMinute: number): SiteCalendar => ({
  timeZone: "UTC",
  hours: weekly(startMinute + fromMinute, startMinute + toMinute),
  closedDays: [],
});
const siteWith = (given: Partial<SiteInfo>): SiteInfo => ({ id: SITE, name: SITE, timeZone: "UTC", ...given });

describe("active_in", () => {
  const OUT = `id: out, when: media_out, severity: major, missing: hold, active_in: trading_hours`;

  it("judges at all times, and flags what stands outside its hours", () => {
    const { read, tick, said, say, engine } = stage(group(OUT), [
      device("printer", "label_printer", { intervalMs: 3_600_000 }),
    ]);
    say(engine.setSites([siteWith({ tradingHours: open(10, 20) })], START));
    read("printer", 60, { media_out: true });
    tick(15 * MINUTE);
    tick(25 * MINUTE);
    read("printer", 30 * MINUTE, { media_out: false });
    expect(said).toEqual([
      "60s printer out inactive>firing major off hours",
      "600s printer out firing>firing major (flags)",
      "1200s printer out firing>firing major off hours (flags)",
      "1800s printer out firing>inactive",
    ]);
  });

  it("may name a calendar of the site; a site that has none of the name is watched always", () => {
    const rules = group(`id: out, when: media_out, severity: major, active_in: night-shift`);
    const { read, said, say, engine } = stage(rules, [PRINTER]);
    say(engine.setSites([siteWith({ tradingHours: open(10, 20) })], START));
    read("printer", 1, { media_out: true });
    say(engine.setSites([siteWith({ calendars: new Map([["night-shift", open(10, 20)]]) })], START + 2_000));
    expect(said).toEqual([
      "1s printer out inactive>firing major",
      "2s printer out firing>firing major off hours (flags)",
    ]);
  });

  it("takes nothing in while it calls nobody itself: somebody is called, all the same", () => {
    const rules = group(
      `id: empty, when: media_out, severity: major, absorbs: [low], active_in: trading_hours`,
      `id: low, when: media_low, severity: minor`,
      `id: few, scope: site, when: 'failed("label_printer") >= 1', severity: major, absorbs: [hot], active_in: trading_hours`,
      `id: hot, when: head_over_temperature, severity: minor`,
    );
    const { read, tick, said, say, engine } = stage(rules, [
      device("other", "label_printer", { intervalMs: 3_600_000 }),
      device("printer", "label_printer", { intervalMs: 3_600_000 }),
    ]);
    say(engine.setSites([siteWith({ tradingHours: open(10, 20) })], START));
    read("printer", 60, { media_out: true, media_low: true });
    read("other", 60, { head_over_temperature: true });
    tick(25 * MINUTE);
    expect(said.filter((each) => / (low|hot) /.test(each))).toEqual([
      "60s printer low inactive>firing minor",
      "60s other hot inactive>firing minor",
      "600s other hot firing>firing minor below rule:few@store-1 (flags)",
      "600s printer low firing>firing minor below rule:empty@store-1/printer (flags)",
      "1200s other hot firing>firing minor (flags)",
      "1200s printer low firing>firing minor (flags)",
    ]);
  });

  it("is judged in the time of the reading, also where that is behind the site's", () => {
    const { read, tick, said, say, engine } = stage(group(OUT), [PRINTER]);
    say(engine.setSites([siteWith({ tradingHours: open(1, 20) })], START));
    tick(2 * MINUTE);
    read("printer", 30, { media_out: true });
    expect(said).toEqual(["30s printer out inactive>firing major off hours"]);
  });
});

describe("maintenance", () => {
  const closed = { mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] };
  const OUT = `id: out, when: media_out, severity: major`;
  const slow = device("printer", "label_printer", { intervalMs: 3_600_000, labels: { zone: "dock" } });
  const once = (fromS: number, toS: number, where: MaintenanceWindow["where"] = {}): MaintenanceWindow => ({
    id: "swap",
    where,
    when: { is: "once", fromMs: START + fromS * 1_000, toMs: START + toS * 1_000 },
  });

  it("flags what stands in a window, and what still stands some minutes after its end stands for itself", () => {
    const { read, tick, said, say, engine } = stage(group(OUT), [slow]);
    say(engine.setMaintenance([once(60, 600)], START));
    read("printer", 100, { media_out: true });
    tick(1_000);
    expect(said).toEqual([
      "100s printer out inactive>firing major in swap",
      "720s printer out firing>firing major (flags)",
    ]);
  });

  it("comes back every week, by the clock of the site", () => {
    const { read, tick, said, say, engine } = stage(group(OUT), [slow]);
    say(
      engine.setMaintenance(
        [
          {
            id: "nightly",
            where: {},
            when: { is: "weekly", hours: weekly(startMinute + 5, startMinute + 7), timeZone: null },
          },
        ],
        START,
      ),
    );
    read("printer", 0, { media_out: true });
    tick(1_000);
    expect(said).toEqual([
      "0s printer out inactive>firing major",
      "300s printer out firing>firing major in nightly (flags)",
      "540s printer out firing>firing major (flags)",
    ]);
  });

  // 2023-11-18 was a Saturday.
  it.each([
    { name: "a day and a night, to the minute", from: "22:00", to: "22:00", last: "2023-11-19T22:01Z" },
    { name: "nearly a day and a night", from: "22:00", to: "21:59", last: "2023-11-19T22:00Z" },
    { name: "a whole day", from: "00:00", to: "24:00", last: "2023-11-19T00:01Z" },
    { name: "a night", from: "22:00", to: "02:00", last: "2023-11-19T02:01Z" },
    { name: "up to midnight", from: "22:00", to: "00:00", last: "2023-11-19T00:01Z" },
  ])("of every Saturday, $name, begins and ends with it", ({ from, to, last }) => {
    const minutes = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
    const hours = { ...closed, sat: [{ from: minutes(from), to: minutes(to) }] };
    const schedule = scheduleOf({ id: "weekly", where: {}, when: { is: "weekly", hours, timeZone: null } }, "UTC");
    const [begin, end] = [Date.parse(`2023-11-18T${from}Z`), Date.parse(last) + MINUTE * 1_000];
    expect(holds(schedule, begin - 1)).toBe(false);
    expect(holds(schedule, begin)).toBe(true);
    expect(holdsUntil(schedule, begin)).toBe(end);
    expect([holds(schedule, end - 1), holds(schedule, end)]).toEqual([true, false]);
  });

  it("ends at once when it is taken back", () => {
    const { read, said, say, engine } = stage(group(OUT), [slow]);
    say(engine.setMaintenance([once(0, 600)], START));
    read("printer", 100, { media_out: true });
    say(engine.setMaintenance([], START + 200_000));
    expect(said.slice(1)).toEqual(["200s printer out firing>firing major (flags)"]);
  });

  it.each([
    { name: "this site", where: { site: [SITE] }, is: true },
    { name: "another site", where: { site: ["store-2"] }, is: false },
    { name: "the device", where: { device: ["printer"] }, is: true },
    { name: "another device", where: { device: ["scale"] }, is: false },
    { name: "its kind", where: { kind: ["scale", "label_printer"] }, is: true },
    { name: "its label", where: { labels: { zone: ["dock"] } }, is: true },
    { name: "a label that it lacks", where: { labels: { lane: ["1"] } }, is: false },
    { name: "its kind at another site", where: { kind: ["label_printer"], site: ["store-2"] }, is: false },
  ])("of $name concerns it: $is", ({ where, is }) => {
    const { read, said, say, engine } = stage(group(OUT), [slow]);
    say(engine.setMaintenance([once(0, 600, where)], START));
    read("printer", 100, { media_out: true });
    expect(said).toEqual([`100s printer out inactive>firing major${is ? " in swap" : ""}`]);
  });

  it("that ended while nobody was there is over after the restart", () => {
    const first = stage(group(OUT), [slow]);
    first.say(first.engine.setMaintenance([once(0, 600)], START));
    first.read("printer", 100, { media_out: true });
    const kept: FaultRecord[] = JSON.parse(JSON.stringify(first.engine.takeChangedFaults()));
    const second = stage(group(OUT), [slow]);
    second.say(second.engine.setMaintenance([once(0, 600)], START + 1_000_000));
    second.engine.restoreFaults(kept);
    second.tick(1_001);
    expect(second.said).toEqual(["1001s printer out firing>firing major (flags)"]);
  });
});

describe("absorbing", () => {
  const RULES = group(
    `id: empty, when: media_out, severity: major, absorbs: [low]`,
    `id: low, when: media_low, severity: minor`,
  );

  it("takes narrower faults in while the wider fires, in whatever order they come, and lets go what still stands", () => {
    const { read, said } = stage(RULES, [PRINTER]);
    read("printer", 0, { media_low: true });
    read("printer", 10, { media_out: true });
    read("printer", 20, { media_out: false, media_low: true });
    expect(said).toEqual([
      "0s printer low inactive>firing minor",
      "10s printer empty inactive>firing major",
      "10s printer low firing>firing minor below rule:empty@store-1/printer (flags)",
      "20s printer empty firing>inactive",
      "20s printer low firing>firing minor (flags)",
    ]);
  });

  it("reaches the whole site from a rule over the site, but not from a shadow rule", () => {
    const lanes = ["lane-1", "lane-2"].map((id) => device(id, "pos_terminal"));
    const few = (mode: string) =>
      group(
        `id: few, mode: ${mode}, scope: site, select: 'kind == "pos_terminal"', severity: critical, when: 'failed("pos_terminal") >= 2', absorbs: [dead]`,
        `id: dead, when: "!up", severity: major`,
      );
    const { read, said } = stage(few("live"), lanes);
    read("lane-1", 0, { up: false });
    read("lane-2", 1, { up: false });
    read("lane-1", 10, { up: true });
    expect(said).toEqual([
      "0s lane-1 dead inactive>firing major",
      "1s lane-1 dead firing>firing major below rule:few@store-1 (flags)",
      "1s lane-2 dead inactive>firing major",
      "1s lane-2 dead firing>firing major below rule:few@store-1 (flags)",
      "1s store-1 few inactive>firing critical",
      "10s lane-1 dead firing>inactive below rule:few@store-1",
      "10s lane-2 dead firing>firing major (flags)",
      "10s store-1 few firing>inactive",
    ]);
    const shadow = stage(few("shadow"), lanes);
    shadow.read("lane-1", 0, { up: false });
    shadow.read("lane-2", 1, { up: false });
    expect(shadow.said.filter((each) => each.includes("below"))).toEqual([]);
  });
});

describe("events", () => {
  const JAM = `id: jam, on: event, code: cutter_jam, severity: major`;

  it("fire at once, and their end clears", () => {
    const { event, said } = stage(group(JAM), [PRINTER]);
    event("printer", 5, "cutter_jam", "blade stuck");
    event("printer", 6, "paused");
    event("printer", 9, "cutter_jam_cleared");
    expect(said).toEqual(["5s printer jam inactive>firing major", "9s printer jam firing>inactive"]);
  });

  it("have their words in the title", () => {
    const { engine, say, event } = stage(group(`id: jam, on: event, code: cutter_jam, severity: major`), [PRINTER]);
    say([]);
    event("printer", 5, "cutter_jam");
    const rules = group(`id: other, on: event, code: cutter_jam, severity: major`);
    const titled = {
      ...rules,
      rules: rules.rules.map((rule) => ({ ...rule, title: "{{device}}: {{code}}, {{detail}}" })),
    };
    engine.setRules(titled, START + 6_000);
    const [transition] = engine.observe(
      SITE,
      AGENT,
      {
        ...message([]),
        events: [{ subject: "printer", at: START + 7_000, code: "cutter_jam", detail: "blade stuck" }],
      },
      0,
    );
    expect(transition?.title).toBe("printer: cutter_jam, blade stuck");
  });

  it("count within a time", () => {
    const rules = group(
      `id: swaps, on: event, code: [detached, asset_changed], count: 3, within: 10m, severity: minor, clear: { after: 30m }`,
    );
    const { event, tick, said } = stage(rules, [PRINTER]);
    event("printer", 0, "detached");
    event("printer", 700, "detached");
    event("printer", 800, "asset_changed");
    event("printer", 900, "detached");
    event("printer", 1_000, "detached");
    tick(1_000 + 30 * MINUTE);
    expect(said).toEqual(["900s printer swaps inactive>firing minor", "2800s printer swaps firing>inactive"]);
  });

  it("may be told apart by what they say, and where", () => {
    const rules = group(
      `id: port, on: event, code: port_down, severity: minor, when: 'component == "port-1" && detail.contains("uplink")'`,
    );
    const { event, said } = stage(rules, [device("sw", "network_switch", { components: ["port-1"] })]);
    event("sw#port-2", 1, "port_down", "uplink");
    event("sw#port-1", 2, "port_down", "till");
    event("sw#port-1", 3, "port_down", "uplink to core");
    expect(said).toEqual(["3s sw port inactive>firing minor"]);
  });

  it("of a component are its own with scope component", () => {
    const rules = group(`id: port, scope: component, on: event, code: port_down, severity: minor`);
    const { event, said } = stage(rules, [device("sw", "network_switch", { components: ["port-1", "port-2"] })]);
    event("sw#port-2", 1, "port_down");
    event("sw#port-1", 2, "port_down_cleared");
    event("sw#port-2", 3, "port_down_cleared");
    expect(said).toEqual(["1s sw#port-2 port inactive>firing minor", "3s sw#port-2 port firing>inactive"]);
  });

  it("that come twice, or late, change nothing", () => {
    const { event, said } = stage(group(JAM), [PRINTER]);
    event("printer", 5, "cutter_jam");
    event("printer", 5, "cutter_jam");
    event("printer", 9, "cutter_jam_cleared");
    event("printer", 5, "cutter_jam");
    event("printer", 9, "cutter_jam_cleared");
    expect(said).toHaveLength(2);
  });

  it("are suppressed below what is down, as anything else", () => {
    const below = device("printer", "label_printer", { dependsOn: ["switch"] });
    const { event, read, said } = stage(group(JAM), [device("switch", "network_switch"), below]);
    read("switch", 0, { up: false });
    event("printer", 5, "cutter_jam");
    expect(said).toEqual(["5s printer jam inactive>firing major below store-1/switch"]);
  });

  it("are known over a restart", () => {
    const first = stage(group(JAM), [PRINTER]);
    first.event("printer", 5, "cutter_jam");
    const kept: FaultRecord[] = JSON.parse(JSON.stringify(first.engine.takeChangedFaults()));
    const second = stage(group(JAM), [PRINTER]);
    second.engine.restoreFaults(kept);
    second.event("printer", 5, "cutter_jam");
    second.event("printer", 9, "cutter_jam_cleared");
    expect(second.said).toEqual(["9s printer jam firing>inactive"]);
  });

  it("of unknown devices, or of another agent's, are counted and left", () => {
    const { engine, event, said } = stage(group(JAM), [PRINTER]);
    event("ghost", 5, "cutter_jam");
    const events = [{ subject: "printer", at: START, code: "cutter_jam", detail: "" }];
    engine.observe(SITE, "other", { ...message([]), events }, 0);
    expect([said, engine.counts.unknownRows]).toEqual([[], 2]);
  });

  it("stand between the readings of one message, by their times", () => {
    const rules = group(JAM, `id: out, when: media_out, severity: minor`);
    const engine = createEngine();
    engine.setRules(rules, START);
    engine.setInventory(SITE, AGENT, [PRINTER], START);
    const readings = [reading("printer", 1_000, { media_out: true }), reading("printer", 9_000, { media_out: false })];
    const events = [
      { subject: "printer", at: START + 9_000, code: "cutter_jam_cleared", detail: "" },
      { subject: "printer", at: START + 5_000, code: "cutter_jam", detail: "" },
    ];
    expect(engine.observe(SITE, AGENT, { ...message(readings), events }, 0).map(line)).toEqual([
      "1s printer out inactive>firing minor",
      "5s printer jam inactive>firing major",
      "9s printer jam firing>inactive",
      "9s printer out firing>inactive",
    ]);
  });
});
