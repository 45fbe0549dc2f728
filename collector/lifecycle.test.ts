import { type MaintenanceWindow, WEEKDAYS } from "@aislewatch/rules";
import { afterEach, describe, expect, it } from "vitest";
import { describeEvent } from "./incidents/describe.ts";
import {
  batchOf,
  configOf,
  printer,
  reading,
  type SampleOptions,
  type SampleSite,
  sampleSite,
  statusOf,
  T0,
} from "./sample-site.ts";
import { unlistedSite } from "./sites.ts";

let site: SampleSite;
let seq = 0;
const SLOW = printer("printer", { intervalMs: 3_600_000 });
const OUT = { up: true, media_out: true };
const GOOD = { up: true, media_out: false };
const MINUTE = 60_000;

const start = async (options: SampleOptions = {}, devices = [SLOW]): Promise<void> => {
  site = await sampleSite(options);
  seq = 0;
  site.send("status", statusOf());
  site.inventory(devices);
  await site.pass(250);
};
const read = async (metrics: Record<string, boolean>, device = "printer"): Promise<void> => {
  const at = site.clock.now();
  site.send("telemetry", batchOf(++seq, [reading(device, at, metrics)], { sentAt: at }));
  await site.pass(250);
};
const happened = async (code: string, detail = ""): Promise<void> => {
  const at = site.clock.now();
  const message = { ...batchOf(++seq, [], { sentAt: at }), events: [{ subject: "printer", at, code, detail }] };
  site.send("telemetry", message);
  await site.pass(250);
};
const laterBy = async (ms: number): Promise<void> => {
  site.clock.advance(ms);
  site.judge.tick();
  await site.pass(250);
};
const stored = (id = "INC-000001") => site.state.incident(id);
const log = (id = "INC-000001") => site.state.incidentEvents(id).map(({ type }) => type);
const story = (id = "INC-000001") => site.state.incidentEvents(id).map(describeEvent);
const rule = (more: string) =>
  `group: t\nselect: kind == "label_printer"\nrules:\n  - { id: out, title: "Media out", severity: major, category: consumable, ${more} }\n`;

afterEach(() => site.end());

const once = (fromMs: number, toMs: number): MaintenanceWindow => ({
  id: "swap",
  where: {},
  when: { is: "once", fromMs, toMs },
});

describe("maintenance", () => {
  it("hushes what fires in it; what still stands some minutes after its end stands for itself, once", async () => {
    await start();
    site.judge.setMaintenance([once(T0, T0 + 10 * MINUTE)]);
    await read(OUT);
    expect(stored()).toMatchObject({ maintenance: "swap", state: "new" });
    await laterBy(11 * MINUTE);
    expect(stored()).toMatchObject({ maintenance: "swap" });
    await laterBy(2 * MINUTE);
    expect(stored()).toMatchObject({ maintenance: null, state: "new" });
    await laterBy(MINUTE);
    expect(log()).toEqual(["opened", "maintenance"]);
    expect(story()[0]).toContain("in maintenance (swap), nobody is called");
  });

  it("leaves nothing to review of what came and went in it", async () => {
    await start();
    site.judge.setMaintenance([once(T0, T0 + 10 * MINUTE)]);
    await read(OUT);
    await read(GOOD);
    expect(stored()).toMatchObject({ state: "resolved", resolutionCode: "self_recovered", maintenance: null });
    expect(story().at(-1)).toBe("Resolved (self recovered): It came and went in maintenance (swap).");
  });

  it("leaves to people what they took in hand, and what outlived it", async () => {
    await start();
    site.judge.setMaintenance([once(T0, T0 + 10 * MINUTE)]);
    await read(OUT);
    site.judge.act("INC-000001", { action: "acknowledge" }, "user:kim");
    await read(GOOD);
    expect(stored()?.state).toBe("acknowledged");
    await site.end();
    await start();
    site.judge.setMaintenance([once(T0, T0 + 10 * MINUTE)]);
    await read(OUT);
    await laterBy(15 * MINUTE);
    await read(GOOD);
    expect(stored()?.state).toBe("new");
  });

  it("is known of a fault that fires again, and does not hide the next one", async () => {
    await start();
    await read(OUT);
    await read(GOOD);
    site.judge.setMaintenance([once(T0, T0 + 10 * MINUTE)]);
    await read(OUT);
    expect(stored()).toMatchObject({ maintenance: "swap", recurrences: 1 });
    site.judge.setMaintenance([]);
    await site.pass(250);
    expect(stored()).toMatchObject({ maintenance: null });
  });

  it("that ended while the collector was down is over when it is back", async () => {
    await start();
    site.judge.setMaintenance([once(T0, T0 + 10 * MINUTE)]);
    await read(OUT);
    site.clock.advance(20 * MINUTE);
    await site.restart();
    site.judge.setMaintenance([once(T0, T0 + 10 * MINUTE)]);
    site.judge.tick();
    await site.pass(250);
    expect(stored()).toMatchObject({ maintenance: null, state: "new" });
  });
});

describe("the hours of a rule", () => {
  const shop = (text: string) => {
    const hours = Object.fromEntries(WEEKDAYS.map((day) => [day, [{ from: 600, to: 660 }]]));
    // 10:00 to 11:00 in Berlin; T0 is 10:00 there.
    const week = hours as Record<(typeof WEEKDAYS)[number], { from: number; to: number }[]>;
    return { ...configOf(text), sites: [{ ...unlistedSite("s1"), timeZone: "Europe/Berlin", hours: week }] };
  };
  const TRADING = rule(`when: "media_out", active_in: trading_hours`);

  it("end: the incident stays and calls nobody; they begin: it counts again", async () => {
    await start();
    site.judge.setConfig(shop(TRADING));
    await read(OUT);
    expect(stored()).toMatchObject({ inactiveHours: false });
    await laterBy(61 * MINUTE);
    expect(stored()).toMatchObject({ inactiveHours: true, state: "new" });
    await read(OUT);
    await laterBy(23 * 60 * MINUTE);
    await read(OUT);
    expect(stored()).toMatchObject({ inactiveHours: false, state: "new" });
    expect(story()).toContain("Nobody is called outside its rule's hours.");
    expect(story()).toContain("The hours of its rule began, and it stands.");
  });

  it("what came and went outside them leaves nothing to review", async () => {
    await start();
    site.judge.setConfig(shop(TRADING));
    await laterBy(2 * 60 * MINUTE);
    await read(OUT);
    await read(GOOD);
    expect(stored()).toMatchObject({ state: "resolved", resolutionCode: "self_recovered" });
    expect(story().at(-1)).toContain("outside the hours of its rule");
  });
});

describe("a flapping fault", () => {
  it("is one incident, which says so", async () => {
    await start({ rules: rule(`when: "media_out", flap: { enter: 3, within: 10m, quiet: 5m }`) });
    for (let n = 0; n < 5; n++) {
      await read(OUT);
      await read(GOOD);
    }
    expect(stored()).toMatchObject({ flapping: true, recoveredAt: null, recurrences: 2 });
    expect(log()).toEqual(["opened", "recovered", "fired_again", "recovered", "fired_again"]);
    await laterBy(6 * MINUTE);
    expect(stored()).toMatchObject({ flapping: false, recoveredAt: expect.any(Number) });
    expect(stored("INC-000002")).toBeNull();
  });
});

describe("an event", () => {
  it("opens an incident, and its end recovers it", async () => {
    await start({ rules: rule("on: event, code: cutter_jam") });
    await happened("cutter_jam", "blade");
    await happened("cutter_jam", "blade");
    expect(log()).toEqual(["opened"]);
    await happened("cutter_jam_cleared");
    expect(log()).toEqual(["opened", "recovered"]);
  });

  it("is counted over a restart", async () => {
    await start({ rules: rule("on: event, code: detached, count: 3, within: 1h") });
    await happened("detached");
    await happened("detached");
    await site.restart();
    site.send("status", statusOf());
    await site.pass(250);
    await happened("detached");
    expect(log()).toEqual(["opened"]);
  });
});

describe("a wider fault", () => {
  const BOTH = `${rule(`when: "media_out", absorbs: [low]`)}  - { id: low, title: "Media low", severity: minor, category: consumable, when: "media_low" }\n`;

  it("takes the narrower in, and lets go what still stands", async () => {
    await start({ rules: BOTH });
    await read({ up: true, media_low: true });
    await read({ up: true, media_low: true, media_out: true });
    expect(stored("INC-000001")).toMatchObject({ rule: "low", suppressedBy: "rule:out@s1/printer" });
    await read({ up: true, media_low: true, media_out: false });
    expect(stored("INC-000001")).toMatchObject({ suppressedBy: null, state: "new" });
    expect(log("INC-000001").filter((type) => type !== "priority_changed")).toEqual([
      "opened",
      "suppressed",
      "parent_set",
      "unsuppressed",
    ]);
    expect(story("INC-000001")[1]).toBe("Nobody is called for what is part of out@s1/printer.");
  });

  it("that came and went with it leaves only the wider one to review", async () => {
    await start({ rules: BOTH });
    await read({ up: true, media_low: true, media_out: true });
    await read({ up: true, media_low: false, media_out: false });
    const low = ["INC-000001", "INC-000002"].map((id) => stored(id)).find((incident) => incident?.rule === "low");
    expect(low).toMatchObject({ state: "resolved", resolutionCode: "self_recovered" });
  });
});

describe("an edit", () => {
  it("of the condition resolves what it does not raise, as such", async () => {
    await start({ rules: rule(`when: "media_out", auto_close: 1h`) });
    await read(OUT);
    site.judge.setConfig(configOf(rule(`when: "media_out && !up"`)));
    await site.pass(250);
    expect(stored()).toMatchObject({ state: "resolved", resolutionCode: "rule_changed" });
  });

  it("of the condition leaves open what it can't tell yet, and what it raises, too", async () => {
    await start({ rules: rule(`when: "media_out"`) });
    await read(OUT);
    site.judge.setConfig(configOf(rule(`when: "head_open || media_out && cover_open"`)));
    await site.pass(250);
    expect(stored()).toMatchObject({ state: "new", stale: true });
    await read({ ...OUT, head_open: true });
    expect(stored()).toMatchObject({ state: "new", stale: false, recoveredAt: null });
    await read({ ...OUT, head_open: false, cover_open: false });
    expect(log().at(-1)).toBe("recovered");
  });

  it("of the level is named", async () => {
    await start({ rules: rule(`when: "media_out"`) });
    await read(OUT);
    site.judge.setConfig(configOf(rule(`when: "media_out"`).replace("major", "critical")));
    await site.pass(250);
    expect(stored()).toMatchObject({ severity: "critical" });
    expect(story()).toContain("Now critical, for the rule was edited: Media out.");
  });
});

describe("a shadow rule", () => {
  it("is judged and shown, and opens nothing", async () => {
    await start({ rules: rule(`when: "media_out", mode: shadow`) });
    await read(OUT);
    expect(site.judge.live.faults("s1", "printer")).toMatchObject([{ rule: "out", state: "firing" }]);
    expect(stored()).toBeNull();
    expect(site.judge.live.device("s1", "printer")?.worst).toBeNull();
  });
});
