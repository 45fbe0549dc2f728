import { describe, expect, it } from "vitest";
import { createEngine } from "./engine.ts";
import { AGENT, device, group, line, message, reading, rulesOf, SITE, START, stage } from "./sample-engine.ts";
import type { Transition } from "./types.ts";

const MEDIA_OUT = `id: media-out, when: media_out, severity: major, for: 20s`;
const PRINTER = device("printer", "label_printer");

describe("time", () => {
  it("fires at the deadline between polls", () => {
    const { read, tick, said } = stage(group(MEDIA_OUT), [PRINTER]);
    read("printer", 0, { up: true, media_out: true });
    tick(19);
    tick(21);
    expect(said).toEqual(["0s printer media-out inactive>pending major", "20s printer media-out pending>firing major"]);
  });

  it("honours the deadline in event time when the next reading comes late", () => {
    const { read, said } = stage(group(MEDIA_OUT), [PRINTER]);
    read("printer", 0, { media_out: true });
    read("printer", 30, { media_out: false });
    expect(said.slice(1)).toEqual([
      "20s printer media-out pending>firing major",
      "30s printer media-out firing>inactive",
    ]);
  });

  it("believes a reading of the deadline itself", () => {
    const { read, said } = stage(group(MEDIA_OUT), [PRINTER]);
    read("printer", 0, { media_out: true });
    read("printer", 20, { media_out: false });
    expect(said.slice(1)).toEqual(["20s printer media-out pending>inactive"]);
  });

  it("holds a fault as stale when the metric was not read for three polls and five seconds", () => {
    const { read, tick, said } = stage(group(MEDIA_OUT), [PRINTER]);
    read("printer", 0, { media_out: true });
    tick(20);
    tick(34.9);
    tick(35);
    read("printer", 60, { media_out: true });
    expect(said.slice(2)).toEqual([
      "35s printer media-out firing>firing major stale (flags)",
      "60s printer media-out firing>firing major (flags)",
    ]);
  });

  it("leaves what is older than what it knows", () => {
    const { read, said, engine } = stage(group(MEDIA_OUT), [PRINTER]);
    read("printer", 10, { media_out: false });
    read("printer", 5, { media_out: true });
    expect(said).toEqual([]);
    expect(engine.lastValues(SITE, "printer")).toEqual([
      { component: null, metric: "media_out", at: START + 10_000, value: false },
    ]);
  });
});

describe("silence", () => {
  const rules = group(`id: silent, when: silent_for() > 60, severity: major`);

  it("is judged without a reading, also of a device that was never heard", () => {
    const { read, tick, said } = stage(rules, [PRINTER, device("scale", "scale")]);
    read("printer", 30, { up: true });
    tick(60);
    tick(61);
    tick(91);
    read("printer", 95, { up: true });
    expect(said).toEqual([
      "60.001s scale silent inactive>firing major",
      "90.001s printer silent inactive>firing major",
      "95s printer silent firing>inactive",
    ]);
  });

  it("falls silent again after it was heard", () => {
    const { read, tick, said } = stage(group(`id: silent, when: silent_for() > 60, severity: major`), [
      device("scale", "scale"),
    ]);
    read("scale", 1, { up: true });
    tick(70);
    read("scale", 80, { up: true });
    tick(150);
    expect(said).toEqual([
      "61.001s scale silent inactive>firing major",
      "80s scale silent firing>inactive",
      "140.001s scale silent inactive>firing major",
    ]);
  });

  it("a failed poll is no answer", () => {
    const { read, tick, said } = stage(rules, [PRINTER]);
    for (let at = 0; at <= 60; at += 10) read("printer", at, { up: at === 0 });
    tick(61);
    expect(said).toEqual(["60.001s printer silent inactive>firing major"]);
  });

  it("means nothing while the agent is offline, nor before it could have reported again", () => {
    const { read, tick, said, say, engine } = stage(rules, [PRINTER]);
    read("printer", 0, { up: true });
    say(engine.setAgentOnline(SITE, AGENT, false, START + 30_000));
    tick(600);
    say(engine.setAgentOnline(SITE, AGENT, true, START + 600_000));
    tick(630);
    read("printer", 631, { up: true });
    tick(640);
    expect(said).toEqual([]);
  });
});

describe("the tree above", () => {
  const rules = group(`id: dead, when: "!up", severity: major, clear: { when: up }`);
  const devices = [
    device("switch", "network_switch"),
    device("host", "host", { dependsOn: ["switch"] }),
    device("printer", "label_printer", { dependsOn: ["host"] }),
  ];

  it("suppresses by the topmost that is down, re-decides when it returns, and waits for a fresh reading", () => {
    const { read, said } = stage(rules, devices);
    for (const id of ["switch", "host", "printer"]) read(id, 0, { up: true });
    read("printer", 10, { up: false });
    read("host", 11, { up: false });
    read("switch", 12, { up: false });
    read("switch", 20, { up: true });
    read("printer", 22, { up: false });
    read("printer", 30, { up: false });
    read("host", 31, { up: true });
    read("printer", 40, { up: true });
    expect(said).toEqual([
      "10s printer dead inactive>firing major",
      "11s host dead inactive>firing major",
      "11s printer dead firing>firing major below store-1/host (flags)",
      "12s switch dead inactive>firing major",
      "12s host dead firing>firing major below store-1/switch (flags)",
      "12s printer dead firing>firing major below store-1/switch (flags)",
      "20s switch dead firing>inactive",
      "20s printer dead firing>firing major below store-1/host (flags)",
      "31s host dead firing>inactive",
      "40s printer dead firing>inactive",
    ]);
  });

  it("a failed poll within the settle time after the parent's return does not count", () => {
    const two = [device("switch", "network_switch"), device("printer", "label_printer", { dependsOn: ["switch"] })];
    const { read, said } = stage(rules, two);
    read("switch", 0, { up: false });
    read("printer", 1, { up: false });
    read("switch", 10, { up: true });
    read("printer", 12, { up: false });
    read("printer", 20, { up: false });
    expect(said.slice(1)).toEqual([
      "1s printer dead inactive>firing major below store-1/switch",
      "10s switch dead firing>inactive",
      "20s printer dead firing>firing major (flags)",
    ]);
  });

  it("kinds narrow what suppresses, and none is none", () => {
    const narrow = group(
      `id: a, select: 'kind == "label_printer"', when: media_out, severity: major, depends_on: [host]`,
      `id: b, select: 'kind == "label_printer"', when: media_out, severity: major, depends_on: none`,
      `id: c, select: 'kind == "label_printer"', when: media_out, severity: major`,
    );
    const { read, said } = stage(narrow, devices);
    read("switch", 0, { up: false });
    read("printer", 1, { media_out: true });
    expect(said).toEqual([
      "1s printer a inactive>firing major",
      "1s printer b inactive>firing major",
      "1s printer c inactive>firing major below store-1/switch",
    ]);
  });

  it("an offline agent makes its devices unreachable, not down, and nothing clears", () => {
    const { read, said, say, engine } = stage(group(MEDIA_OUT), [PRINTER]);
    read("printer", 0, { up: true, media_out: true });
    say(engine.tick(START + 20_000));
    say(engine.setAgentOnline(SITE, AGENT, false, START + 25_000));
    say(engine.setAgentOnline(SITE, AGENT, true, START + 100_000));
    read("printer", 105, { up: true, media_out: true });
    expect(said.slice(2)).toEqual([
      "25s printer media-out firing>firing major stale below agent:store-1/back-office (flags)",
      "105s printer media-out firing>firing major (flags)",
    ]);
  });

  it("a parent that was not heard of since several below it went down is suspected, once, and not when it is known", () => {
    const lanes = ["a", "b", "c"].map((id) => device(id, "label_printer", { dependsOn: ["switch"] }));
    const { read, engine } = stage(rules, [device("switch", "network_switch"), ...lanes]);
    const suspects = () => engine.takeSuspects().map(({ device: id }) => id);
    for (const id of ["switch", "a", "b", "c"]) read(id, 0, { up: true });
    read("a", 10, { up: false });
    expect(suspects()).toEqual([]);
    read("b", 11, { up: false });
    expect([suspects(), suspects()]).toEqual([["switch"], []]);
    read("switch", 12, { up: true });
    read("c", 15, { up: false });
    expect(suspects()).toEqual([]);
    read("a", 20, { up: true });
    read("switch", 21, { up: false });
    read("a", 30, { up: false });
    expect(suspects()).toEqual([]);
  });

  it("survives a circle of dependencies", () => {
    const circle = [device("a", "host", { dependsOn: ["b"] }), device("b", "host", { dependsOn: ["a"] })];
    const { read, said } = stage(rules, circle);
    read("a", 0, { up: false });
    read("b", 1, { up: false });
    expect(said).toHaveLength(3);
  });
});

describe("components", () => {
  it("are judged each by itself, and appear by themselves", () => {
    const rules = group(
      `id: disk, scope: component, select: 'kind == "host"', when: disk_used_percent > 90, severity: minor`,
    );
    const { read, said } = stage(rules, [device("pc", "host", { components: ["disk-root"] })]);
    read("pc", 0, { disk_used_percent: 95 }, "disk-root");
    read("pc", 1, { disk_used_percent: 50 }, "disk-data");
    read("pc", 2, { disk_used_percent: 99 }, "disk-data");
    expect(said).toEqual(["0s pc#disk-root disk inactive>firing minor", "2s pc#disk-data disk inactive>firing minor"]);
  });

  it("are counted from their device, where one that never reported takes no part", () => {
    const rules = group(`id: trays, select: 'kind == "office_printer"', when: all_of(tray_empty), severity: minor`);
    const printer = device("p", "office_printer", { components: ["tray-1", "tray-2", "tray-3"] });
    const { read, tick, said } = stage(rules, [printer]);
    read("p", 0, { tray_empty: true }, "tray-1");
    read("p", 0, { tray_empty: false }, "tray-2");
    read("p", 10, { tray_empty: true }, "tray-2");
    tick(36);
    expect(said).toEqual([
      "0s p trays inactive>firing minor",
      "0s p trays firing>inactive",
      "10s p trays inactive>firing minor",
      "35s p trays firing>firing minor stale (flags)",
    ]);
  });
});

describe("sites", () => {
  const rules = group(
    `id: few, scope: site, select: 'kind == "pos_terminal"', severity: critical, when: 'failed("pos_terminal") * 2 >= expected("pos_terminal")'`,
    `id: broken, select: 'kind == "pos_terminal"', severity: major, when: cpu_used_percent > 90`,
  );
  const lanes = ["lane-1", "lane-2", "lane-3", "lane-4"].map((id) =>
    device(id, "pos_terminal", { labels: { role: "pos" } }),
  );

  it("count what should be there, by answer and by fault", () => {
    const { read, said, engine } = stage(rules, lanes);
    read("lane-1", 0, { up: false });
    read("lane-2", 1, { up: true, cpu_used_percent: 99 });
    expect(engine.capacity(SITE, "lane-3")).toEqual({ role: "pos", expected: 4, working: 0, failed: 2 });
    read("lane-2", 2, { up: true, cpu_used_percent: 20 });
    expect(engine.capacity(SITE, "lane-3")).toEqual({ role: "pos", expected: 4, working: 1, failed: 1 });
    expect(said).toEqual([
      "1s lane-2 broken inactive>firing major",
      "1s store-1 few inactive>firing critical",
      "2s lane-2 broken firing>inactive",
      "2s store-1 few firing>inactive",
    ]);
  });

  it("a lane behind a dead switch is unknown, not failed", () => {
    const behind = [device("sw", "network_switch"), ...lanes.map((lane) => ({ ...lane, dependsOn: ["sw"] }))];
    const { read, said, engine } = stage(rules, behind);
    read("sw", 0, { up: false });
    for (const { id } of lanes) read(id, 1, { up: false });
    expect(engine.capacity(SITE, "lane-1")).toEqual({ role: "pos", expected: 4, working: 0, failed: 0 });
    expect(said).toEqual([]);
  });
});

describe("changes while running", () => {
  it("an edit that leaves the condition unchanged keeps the timer", () => {
    const { read, tick, said, say, engine } = stage(group(MEDIA_OUT), [PRINTER]);
    read("printer", 0, { media_out: true });
    say(engine.setRules(group(MEDIA_OUT.replace("20s", "30s")), START + 10_000));
    tick(31);
    expect(said.slice(1)).toEqual(["30s printer media-out pending>firing major"]);
  });

  it("another condition keeps what fires until it says otherwise, and drops what is pending", () => {
    const { read, tick, said, say, engine } = stage(
      group(MEDIA_OUT, `id: slow, when: paused, severity: minor, for: 5m`),
      [PRINTER],
    );
    read("printer", 0, { media_out: true, paused: true });
    tick(20);
    const edited = group(
      `id: media-out, when: media_out && head_open, severity: major`,
      `id: slow, when: paused && up, severity: minor`,
    );
    say(engine.setRules(edited, START + 21_000));
    read("printer", 30, { media_out: true, head_open: false, up: true });
    expect(said.slice(3)).toEqual([
      "21s printer media-out firing>firing major stale (flags)",
      "21s printer slow pending>inactive (rule_changed)",
      "30s printer media-out firing>inactive (rule_changed)",
      "30s printer slow inactive>firing minor",
    ]);
  });

  it("a removed rule and a removed device resolve what they left", () => {
    const { read, said, say, engine } = stage(group(MEDIA_OUT, `id: paused, when: paused, severity: minor`), [PRINTER]);
    read("printer", 0, { media_out: true, paused: true });
    say(engine.setRules(group(MEDIA_OUT), START + 5_000));
    say(engine.setInventory(SITE, AGENT, [], START + 6_000));
    expect(said.slice(2)).toEqual([
      "5s printer paused firing>inactive (rule_removed)",
      "6s printer media-out pending>inactive (device_removed)",
    ]);
    expect(engine.counts).toMatchObject({ devices: 0, subjects: 0, instances: 0 });
  });

  it("a repeated inventory changes nothing, and a second agent can't take a device", () => {
    const { read, said, say, engine } = stage(group(MEDIA_OUT), [PRINTER]);
    read("printer", 0, { media_out: true });
    say(engine.setInventory(SITE, AGENT, [PRINTER], START + 1_000));
    say(engine.setInventory(SITE, "other", [PRINTER], START + 2_000));
    say(engine.observe(SITE, "other", message([reading("printer", 3_000, { media_out: false })]), 0));
    expect(said).toEqual(["0s printer media-out inactive>pending major"]);
    expect(engine.counts.unknownRows).toBe(1);
  });

  it("a kept fault whose rule is gone is resolved, one whose device is not known yet waits for it", () => {
    const first = stage(group(MEDIA_OUT, `id: gone, when: media_out, severity: minor`), [PRINTER]);
    first.read("printer", 0, { media_out: true });
    const records = JSON.parse(JSON.stringify(first.engine.takeChangedFaults()));
    const engine = createEngine();
    engine.setRules(group(MEDIA_OUT), START + 1_000);
    engine.restoreFaults(records);
    expect(engine.faults()).toEqual([]);
    const met = engine.setInventory(SITE, AGENT, [PRINTER], START + 2_000);
    engine.restoreValues([{ site: SITE, subject: "printer", metric: "media_out", at: START, value: true }]);
    const said = [...met, ...engine.tick(START + 3_000), ...engine.tick(START + 20_000)].map(line);
    expect(said).toEqual([
      "3s printer gone firing>inactive (rule_removed)",
      "20s printer media-out pending>firing major",
    ]);
  });
});

describe("hostile and odd input", () => {
  it("rows of unknown sites, devices, components and metrics are counted or left", () => {
    const { engine, said, say } = stage(group(MEDIA_OUT), [PRINTER]);
    say(engine.observe("nowhere", AGENT, message([reading("printer", 0, { media_out: true })]), 0));
    say(engine.observe(SITE, AGENT, message([reading("ghost", 0, { media_out: true })]), 0));
    say(engine.observe(SITE, AGENT, message([reading("printer", 0, { nonsense: 1 }, "wheel-1")]), 0));
    say(engine.observe(SITE, AGENT, message([reading("printer", 0, { nonsense: 1 })]), 0));
    say(engine.observe(SITE, AGENT, { ...message([]), subjects: ["printer"], tables: [] }, 0));
    expect(said).toEqual([]);
    expect(engine.counts.unknownRows).toBe(3);
  });
});

describe("what a transition says", () => {
  it("has the title with values, the onset and the evidence", () => {
    const rules = rulesOf(`
group: test
rules:
  - id: low
    title: "{{device}} at {{site}}: {{media_remaining_percent}} % (limit {{vars.low}}), ribbon {{ribbon_remaining_percent}}"
    when: 'media_remaining_percent < vars.low && avg(media_remaining_percent, "1m") < 20'
    for: 20s
    severity: minor
    category: consumable
    vars: { low: 15 }
    select: kind == "label_printer"
`);
    const { engine } = stage(rules, [PRINTER]);
    const all: Transition[] = [];
    for (let at = 0; at <= 60_000; at += 10_000) {
      const value = at < 30_000 ? 15.04 : 12.346;
      all.push(
        ...engine.observe(SITE, AGENT, message([reading("printer", at, { media_remaining_percent: value })]), 0),
      );
    }
    const [last] = all.slice(-1);
    expect(last).toMatchObject({
      to: "firing",
      title: "printer at store-1: 12.3 % (limit 15), ribbon ?",
      since: START + 30_000,
      at: START + 50_000,
      values: { media_remaining_percent: 12.346 },
    });
    expect(last?.values['avg(media_remaining_percent, "1m")']).toBeCloseTo(13.69, 1);
  });
});

describe("one moment", () => {
  it("lets everyone fall due that was read at it before anything is flagged, in whatever order rows stand", () => {
    const SWITCH = device("sw", "network_switch");
    const ids = ["p-1", "p-2"];
    const printers = ids.map((id) => device(id, "label_printer", { dependsOn: ["sw"] }));
    const toldWith = (order: readonly string[]): string[] => {
      const { engine, read, said } = stage(group(`id: out, when: media_out, severity: major`), [SWITCH, ...printers]);
      for (const id of ids) read(id, 3, { up: true, media_out: true });
      read("sw", 10, { up: false });
      read("sw", 20, { up: true });
      said.length = 0;
      const rows = order.map((id) => reading(id, 38_000, { up: true }));
      return engine.observe(SITE, AGENT, message(rows), 0).map(line);
    };
    expect(toldWith(ids)).toEqual([
      "38s p-1 out firing>firing major stale (flags)",
      "38s p-2 out firing>firing major stale (flags)",
    ]);
    expect(toldWith(ids.toReversed())).toEqual(toldWith(ids));
  });

  it("is the site's before it is that of its devices, and that of its devices by their ids, whoever watches them", () => {
    const rules = group(
      `id: half, scope: site, when: 'failed("ups") > 0', for: 20s, severity: major, absorbs: [out]`,
      `id: out, when: media_out, for: 20s, severity: minor`,
      `id: alone, when: '!known(paused) && neighbours(paused) > 0', severity: info`,
    );
    const toldWith = (agents: readonly (readonly [agent: string, device: string])[]): string[] => {
      const { engine, said, say } = stage(rules, [device("ups", "ups")]);
      for (const [agent, id] of agents) say(engine.setInventory(SITE, agent, [device(id, "label_printer")], START));
      say(engine.observe(SITE, AGENT, message([reading("ups", 0, { up: false })]), 0));
      for (const [agent, id] of agents)
        say(engine.observe(SITE, agent, message([reading(id, 0, { media_out: id === "p-1", paused: true })]), 0));
      say(engine.tick(START + 40_000));
      return said.filter((one) => / (inactive|pending)>firing /.test(one));
    };
    const agents = [
      ["a-1", "p-1"],
      ["a-2", "p-2"],
    ] as const;
    expect(toldWith(agents)).toEqual([
      "20s p-1 out pending>firing minor below rule:half@store-1",
      "20s store-1 half pending>firing major",
      "35s p-1 alone inactive>firing info",
    ]);
    expect(toldWith(agents.toReversed())).toEqual(toldWith(agents));
  });

  it("ends faults in the order of their rules, whichever was kept first over a restart", () => {
    const rules = group(
      `id: wide, when: media_out, severity: major, absorbs: [narrow], clear: { when: "!media_out", for: 10s }`,
      `id: narrow, when: paused, severity: minor, clear: { when: "!paused", for: 10s }`,
    );
    const before = stage(rules, [PRINTER]);
    before.read("printer", 0, { media_out: true, paused: true });
    before.read("printer", 10, { media_out: false, paused: false });
    const kept = before.engine.takeChangedFaults();
    const toldAfter = (records: typeof kept): string[] => {
      const { engine } = stage(rules, [PRINTER]);
      const values = before.engine.lastValues(SITE, "printer");
      engine.restoreValues(values.map((value) => ({ site: SITE, subject: "printer", ...value })));
      engine.restoreFaults(records);
      return engine.tick(START + 25_000).map(line);
    };
    expect(toldAfter(kept)).toEqual(["20s printer narrow recovering>inactive", "20s printer wide recovering>inactive"]);
    expect(toldAfter(kept.toReversed())).toEqual(toldAfter(kept));
  });

  it("passes before hours or maintenance are others, for neighbours in order of time", () => {
    const printers = ["p-1", "p-2"].map((id) => device(id, "label_printer"));
    const toldWith = (isPlanned: boolean): string[] => {
      const { engine, read, said, say } = stage(
        group(`id: odd, when: 'paused && neighbours(!paused) >= 1', severity: minor`),
        printers,
      );
      read("p-2", 4, { paused: false });
      read("p-1", 10, { paused: true });
      const when = { is: "once", fromMs: START, toMs: START + 600_000 } as const;
      if (isPlanned) say(engine.setMaintenance([{ id: "m", where: {}, when }], START + 80_000));
      say(engine.tick(START + 90_000));
      return said;
    };
    // What p-2 read grew old at 39 s, before that of p-1 did.
    expect(toldWith(false).at(-1)).toBe("45s p-1 odd firing>inactive");
    expect(toldWith(true)).toEqual(toldWith(false));
  });

  it("is not taken back by hours that a fork looks at for the first time", () => {
    const devices = [device("sw", "network_switch"), device("p-1", "label_printer", { dependsOn: ["sw"] })];
    const engine = createEngine();
    const minute = (START / 60_000) % 1_440;
    const span = [{ from: minute, to: minute + 1 }];
    const hours = { mon: span, tue: span, wed: span, thu: span, fri: span, sat: span, sun: span };
    const tradingHours = { timeZone: "UTC", hours, closedDays: [] };
    engine.setSites([{ id: SITE, name: SITE, timeZone: "UTC", tradingHours }], START);
    engine.setRules(group(`id: hours, when: paused, severity: minor, active_in: trading_hours`), START);
    engine.setInventory(SITE, AGENT, devices, START);
    const snapshot = engine.snapshot(SITE, AGENT);
    const fork = engine.fork({ site: SITE, agent: AGENT, devices, snapshot, atMs: START });
    const readings = [reading("p-1", 39_000, { paused: true }), reading("sw", 60_000, { up: false })];
    const told = fork.observe(SITE, AGENT, message(readings), 0).map(line);
    expect(told.at(-1)).toBe("60s p-1 hours firing>firing minor below store-1/sw off hours (flags)");
    expect(fork.tick(START + 59_999)).toEqual([]);
  });
});
