import type { InventoryDevice } from "@aislewatch/contract";
import { compileRules, type Explanation, type Override } from "@aislewatch/rules";
import { describe, expect, it } from "vitest";
import type { LiveDevice, LiveView } from "./api/deps.ts";
import { explainAt } from "./replay.ts";
import { unlistedSite } from "./sites.ts";
import type { Samples, SeriesId } from "./store/timeseries/store.ts";

const T0 = Date.UTC(2026, 10, 20, 9);
const STEP_MS = 10_000;

const RULES = `
group: g
rules:
  - id: hot
    title: Hot
    select: kind == "label_printer"
    when: 'avg(head_temperature_celsius, "1m") > 60'
    for: 30s
    severity: major
    category: hardware
  - id: warm
    title: Warm
    select: kind == "label_printer"
    when: 'head_temperature_celsius > vars.limit'
    severity: minor
    category: hardware
    vars: { limit: 60 }
  - id: half
    title: Half
    scope: site
    when: 'failed("label_printer") >= 1'
    severity: critical
    category: hardware
  - id: tray
    title: Tray
    select: kind == "office_printer"
    scope: component
    when: tray_empty
    severity: minor
    category: consumable
`;

const OVERRIDES: readonly Override[] = [
  { rule: "warm", where: { site: ["s1"] }, vars: { limit: 45 }, file: "overrides.yaml", line: 2 },
];

const device = (id: string, kind: string, more: Partial<InventoryDevice> = {}): InventoryDevice => ({
  ...{
    id,
    kind,
    driver: "test",
    labels: {},
    dependsOn: [],
    intervalMs: STEP_MS,
    asset: {},
    components: [],
    metrics: [],
  },
  ...more,
});
const DEVICES = [
  device("p1", "label_printer", { dependsOn: ["sw"] }),
  device("sw", "network_switch"),
  device("mfp", "office_printer", { components: ["tray-1"] }),
];

/** What the store holds: each series by the value at a time. */
function sceneOf(stored: Record<string, (at: number) => number | null>) {
  const compiled = compileRules([{ file: "a.yaml", text: RULES }]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  const asked: string[] = [];
  const live = {
    sites: () => [unlistedSite("s1")],
    devices: () =>
      DEVICES.map(
        (each): LiveDevice => ({
          ...{
            site: "s1",
            agent: "pc",
            device: each,
            state: "up",
            worst: null,
            lastReadingAt: null,
            lastFailure: null,
          },
        }),
      ),
    rules: () => ({ version: "1", refused: [], rules: compiled.rules.rules, overrides: OVERRIDES }),
  } satisfies Partial<LiveView>;
  const series = {
    async samples(
      ids: readonly SeriesId[],
      { from, to, samplesMax }: { from: number; to: number; samplesMax: number },
    ): Promise<Samples> {
      const found: [number, number, number][] = [];
      for (const [place, { device: id, component, metric }] of ids.entries()) {
        const name = `${component === null ? id : `${id}#${component}`} ${metric}`;
        if (!asked.includes(name)) asked.push(name);
        for (let at = Math.ceil(from / STEP_MS) * STEP_MS; at < to; at += STEP_MS) {
          const value = stored[name]?.(at) ?? null;
          if (value !== null) found.push([place, at, value]);
        }
      }
      found.sort((a, b) => a[1] - b[1]);
      const until = found.length > samplesMax ? (found[samplesMax]?.[1] ?? to) : to;
      const some = found.filter(([, at]) => at < until);
      const column = (n: 0 | 1 | 2): number[] => some.map((each) => each[n]);
      return {
        ...{ series: Int32Array.from(column(0)), at: Float64Array.from(column(1)) },
        ...{ value: Float64Array.from(column(2)), until },
      };
    },
  };
  return { asked, around: { live, series, maintenance: { list: () => [] } } };
}

async function explain(
  stored: Record<string, (at: number) => number | null>,
  what: { rule: string; device?: string; component?: string },
): Promise<{ found: Explanation; caveats: readonly string[]; asked: string[] }> {
  const { around, asked } = sceneOf(stored);
  const subject = { site: "s1", device: what.device ?? null, component: what.component ?? null };
  const { explanation, caveats } = await explainAt(around, { rule: what.rule, subject }, T0);
  if ("refused" in explanation) throw new Error(explanation.message);
  return { found: explanation, caveats, asked };
}

const up = () => 1;

describe("what was so at a time that has passed", () => {
  it("with its windows and waits, as far back as they look", async () => {
    const stored = { "p1 up": up, "p1 head_temperature_celsius": (at: number) => (at >= T0 - 40_000 ? 90 : 40) };
    const { found, caveats } = await explain(stored, { rule: "hot", device: "p1" });
    expect({ state: found.state, since: found.since, at: found.at }).toEqual({
      state: "pending",
      since: T0 - 20_000,
      at: T0,
    });
    expect(found.summary).toMatch(/it has held for 20s of 30s, it fires in 10s/);
    expect(caveats).toEqual([]);
  });

  it("with what was overridden there", async () => {
    const stored = { "p1 up": up, "p1 head_temperature_celsius": () => 50 };
    const { found } = await explain(stored, { rule: "warm", device: "p1" });
    expect(found).toMatchObject({ state: "firing" });
    expect(found.facts).toContainEqual({ name: "vars.limit", text: "45, by overrides.yaml:2 (the rule has 60)" });
  });

  it("behind a parent that was down", async () => {
    const stored = {
      ...{ "p1 up": up, "p1 head_temperature_celsius": () => 90 },
      "sw up": (at: number) => (at < T0 - 60_000 ? 1 : 0),
    };
    const { found, asked } = await explain(stored, { rule: "hot", device: "p1" });
    expect(found).toMatchObject({ state: "firing", flags: { suppressedBy: "s1/sw" } });
    expect(asked).toEqual(["p1 up", "p1 head_temperature_celsius", "sw up"]);
  });

  it("of a component", async () => {
    const stored = { "mfp up": up, "mfp#tray-1 tray_empty": () => 1 };
    const { found } = await explain(stored, { rule: "tray", device: "mfp", component: "tray-1" });
    expect(found.state).toBe("firing");
  });

  describe("of a site", () => {
    const holds = (found: Explanation) => found.conditions[0]?.holds;

    it("by who answered", async () => {
      const { found, caveats } = await explain({ "p1 up": () => 0, "sw up": up }, { rule: "half" });
      expect(found.state).toBe("firing");
      expect(caveats).toEqual([]);
    });

    it("by who has a fault of major or worse, too", async () => {
      const answers = { "p1 up": up, "sw up": up };
      const hot = await explain({ ...answers, "p1 head_temperature_celsius": () => 90 }, { rule: "half" });
      expect(hot.found.state).toBe("firing");
      const cool = await explain({ ...answers, "p1 head_temperature_celsius": () => 40 }, { rule: "half" });
      expect([cool.found.state, holds(cool.found)]).toEqual(["inactive", false]);
      // By a window and a wait that were over before the time that is asked about.
      const was = (at: number): number => (at < T0 - 120_000 ? 90 : 40);
      const cured = await explain({ ...answers, "p1 head_temperature_celsius": was }, { rule: "half" });
      expect(holds(cured.found)).toBe(false);
      expect(hot.asked.sort()).toEqual(["p1 head_temperature_celsius", "p1 up", "sw up"]);
    });

    it("but not by lesser ones, or by who is behind something that is down", async () => {
      const lesser = { "p1 up": up, "sw up": up, "p1 head_temperature_celsius": () => 55 };
      expect(holds((await explain(lesser, { rule: "half" })).found)).toBe(false);
      const behind = { "p1 up": () => 0, "sw up": () => 0 };
      expect(holds((await explain(behind, { rule: "half" })).found)).toBe(false);
    });
  });

  it("when nothing is stored", async () => {
    const { found, caveats } = await explain({}, { rule: "hot", device: "p1" });
    expect(found.summary).toMatch(/never reported/);
    expect(caveats).toEqual(["Nothing is stored of that time."]);
  });

  it("not of a rule that is not in use", async () => {
    const subject = { site: "s1", device: "p1", component: null };
    const { explanation } = await explainAt(sceneOf({}).around, { rule: "gone", subject }, T0);
    expect(explanation).toMatchObject({ refused: "unknown_rule" });
  });
});
