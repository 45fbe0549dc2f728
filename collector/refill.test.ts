import { afterEach, describe, expect, it } from "vitest";
import { batchOf, configOf, printer, reading, type SampleSite, sampleSite, statusOf, T0 } from "./sample-site.ts";

const HOT = (limit: number): string => `group: test
select: kind == "label_printer"
rules:
  - id: hot
    title: "Hot: {{avg(head_temperature_celsius, \\"10m\\")}}"
    when: 'avg(head_temperature_celsius, "10m") > ${limit}'
    for: 1m
    severity: major
    category: hardware
  - { id: few, title: Few, when: 'count(head_temperature_celsius, "10m") < 30', severity: minor, category: hardware }
  - { id: media-out, title: "Media out", when: "media_out", for: 0s, severity: major, category: consumable }
`;
const POLL_S = 10;

let site: SampleSite;
let seq = 0;

async function start(rules = HOT(60)): Promise<void> {
  site = await sampleSite({ rules, isStored: true });
  seq = 0;
  site.send("status", statusOf());
  site.inventory([printer("p", { metrics: ["up", "media_out", "head_temperature_celsius"] })]);
  await site.pass(2_000);
}

/** Polls until `untilS` after the start, each with the temperature that `hot` gives, and a tick a second. */
async function poll(untilS: number, hot: (atS: number) => number, isOut = false): Promise<void> {
  while (site.clock.now() < T0 + untilS * 1_000) {
    const atMs = site.clock.now();
    if (Math.round((atMs - T0) / 1_000) % POLL_S === 0) {
      const values = { up: true, media_out: isOut, head_temperature_celsius: hot((atMs - T0) / 1_000) };
      site.send("telemetry", batchOf(++seq, [reading("p", atMs, values)], { sentAt: atMs }));
    }
    await site.pass(1_000);
    site.judge.tick();
  }
  await site.pass(500);
}

async function restart(): Promise<void> {
  await site.restart();
  site.send("status", statusOf({ sentAt: site.clock.now() }));
  await site.pass(500);
}

const rises = (atS: number): number => (atS < 900 ? 40 : 90);
const openedAt = (rule: string): number[] =>
  site.opened.filter((incident) => incident.rule === rule).map(({ openedAt: at }) => (at - T0) / 1_000);

describe("windows after a restart", () => {
  afterEach(() => site.end());

  it("go on, so that a rule over one fires when it would have", async () => {
    await start();
    await poll(1_800, rises);
    const undisturbed = openedAt("hot");
    await site.end();

    await start();
    // Four of the ten minutes in which it became hot.
    await poll(1_145, rises);
    await restart();
    await poll(1_800, rises);
    expect(undisturbed).toHaveLength(1);
    expect(openedAt("hot")).toEqual(undisturbed);
    expect(site.refills.counts).toMatchObject({ filled: 1, abandoned: 0 });
  });

  it("are not taken for all there was while they are being filled", async () => {
    await start();
    await poll(900, () => 40);
    expect(openedAt("few")).toHaveLength(1);
    site.series.reads = "hang";
    await restart();
    await poll(920, () => 40, true);
    // Others are judged meanwhile.
    expect(openedAt("media-out")).toHaveLength(1);
    const view = site.judge.live.explain("few", { site: "s1", device: "p", component: null });
    expect("refused" in view ? null : view.conditions[0]?.holds).toBe(null);
    site.series.reads = "answer";
    await poll(960, () => 40);
    // The one from when the printer was new, which had recovered: no other.
    expect(openedAt("few")).toHaveLength(1);
    expect(site.refills.counts).toMatchObject({ filled: 1, abandoned: 0 });
  });

  it("begin anew when the store does not answer for long", async () => {
    await start();
    await poll(900, () => 40);
    site.series.reads = "fail";
    await restart();
    await poll(1_560, () => 40);
    expect(site.log).toContainEqual({ name: "not refilled", detail: "reads wait already" });
    expect(site.refills.counts).toMatchObject({ filled: 0, abandoned: 1 });
    // By then ten minutes of live readings are known.
    const view = site.judge.live.explain("few", { site: "s1", device: "p", component: null });
    expect("refused" in view ? null : view.conditions[0]?.holds).toBe(false);
  });

  it("wait until what was judged is stored", async () => {
    await start();
    await poll(900, () => 40);
    site.series.mode = "stalls";
    await poll(930, () => 40);
    site.series.mode = "takes";
    await restart();
    site.series.asked.length = 0;
    await site.pass(2_000);
    expect(site.series.asked).toEqual([]);
    // The agent sends again what was not acked.
    const unstored = [91, 92, 93].map((n) => n * 10_000);
    for (const [i, ms] of unstored.entries()) {
      const values = { up: true, media_out: false, head_temperature_celsius: 40 };
      site.send("telemetry", batchOf(seq - 2 + i, [reading("p", T0 + ms, values)], { sentAt: T0 + ms }));
    }
    await site.pass(2_000);
    expect(site.series.asked.length).toBeGreaterThan(0);
  });
});

describe("after an edit", () => {
  afterEach(() => site.end());

  it("a rule is judged by what was read before it", async () => {
    await start(HOT(1_000));
    await poll(900, () => 90);
    expect(openedAt("hot")).toEqual([]);
    site.judge.setConfig(configOf(HOT(60)));
    await site.pass(2_000);
    expect(openedAt("hot")).toHaveLength(1);
    expect(site.opened.find(({ rule }) => rule === "hot")).toMatchObject({ title: "Hot: 90" });
  });

  it("an incident that the new condition would not have opened is resolved", async () => {
    await start(HOT(60));
    await poll(900, () => 90);
    expect(openedAt("hot")).toHaveLength(1);
    site.judge.setConfig(configOf(HOT(95)));
    await site.pass(2_000);
    const incident = site.opened.find(({ rule }) => rule === "hot");
    expect(site.state.incident(incident?.id ?? "")).toMatchObject({
      state: "resolved",
      resolutionCode: "rule_changed",
    });
  });
});
