import type { Value } from "@aislewatch/contract";
import { describe, expect, it } from "vitest";
import { compileTruth, type Frame } from "./compile.ts";
import { type Checked, type ConditionPlace, checkCondition } from "./condition.ts";
import { createLayouts } from "./layout.ts";

const layouts = createLayouts();
const PRINTER: ConditionPlace = { scope: "device", kinds: new Set(["label_printer"]), vars: { low: 15, on: true } };

/** What a condition says of a label printer with these values; `_` is unknown. */
function judge(text: string, values: Readonly<Record<string, Value>>): string {
  const checked = checkCondition(text, PRINTER);
  if (!checked.ok) return checked.error.map(({ message }) => message).join("; ");
  const device = layouts.device("label_printer");
  const slots = new Float64Array(device.metrics.length).fill(Number.NaN);
  for (const [name, value] of Object.entries(values)) slots[device.offsetOf.get(name) ?? -1] = Number(value);
  const frame: Frame = {
    values: slots,
    times: new Float64Array(slots.length).fill(1),
    base: 0,
    deviceBase: 0,
    parts: new Map(),
    windows: new Map(),
    spells: new Map(),
    nowMs: 0,
    silentSeconds: 130,
    tallies: new Map(),
    neighbours: [],
  };
  const partLayout = (name: string) => layouts.component("label_printer", name);
  const run = compileTruth(checked.value.tree, { device, component: null, partLayout, vars: PRINTER.vars });
  return "01_"[run(frame)] ?? "?";
}

const hintOf = (text: string): string | undefined => {
  const checked = checkCondition(text, PRINTER);
  return checked.ok ? "none: it is right" : checked.error[0]?.hint;
};

describe("hints", () => {
  it.each([
    ["media_remaining_percent < 15%", "numbers have no unit: 15 and not 15%"],
    ["media_remaining_percent =< 15", '"=<" is written <='],
    ["media_remaining_percent => 15", '"=>" is written >='],
    ["media_remaining_percent = 15", "comparing is written =="],
    ["media_out and paused", '"and" is written &&'],
    ["\u201cmedia_out\u201d", `write straight quotes, " or '`],
    ['average(media_remaining_percent, "5m") < 15', 'did you mean "avg"?'],
    ['averge(media_remaining_percent, "5m") < 15', 'did you mean "avg"?'],
    ['predict_linear(media_remaining_percent, "5m") < 15', 'did you mean "eta"?'],
  ])("%s", (text, hint) => expect(hintOf(text)).toBe(hint));
});

describe("conditions", () => {
  it.each([
    ["media_out", { media_out: true }, "1"],
    ["media_out", { media_out: false }, "0"],
    ["media_out", {}, "_"],
    ["!media_out", {}, "_"],
    ["media_remaining_percent < 10", { media_remaining_percent: 9 }, "1"],
    ["media_remaining_percent < 10", { media_remaining_percent: 10 }, "0"],
    ["media_remaining_percent < 10", {}, "_"],
    ["10 > media_remaining_percent", { media_remaining_percent: 9 }, "1"],
    ["media_remaining_percent < vars.low", { media_remaining_percent: 14 }, "1"],
    ["media_remaining_percent < -vars.low", { media_remaining_percent: 14 }, "0"],
    ["media_remaining_percent / 2 < 10", { media_remaining_percent: 19 }, "1"],
    [
      "media_remaining_percent / (head_temperature_celsius - head_temperature_celsius) > 1",
      { media_remaining_percent: 1, head_temperature_celsius: 3 },
      "_",
    ],
    ["media_remaining_percent % 2 == 1", { media_remaining_percent: 19 }, "1"],
    ["media_out == vars.on", { media_out: true }, "1"],
    ["media_out != paused", { media_out: true, paused: true }, "0"],
    ["media_out != paused", { media_out: true }, "_"],
    ["media_out && paused", { media_out: false }, "0"],
    ["media_out && paused", { media_out: true }, "_"],
    ["paused && media_out", { media_out: false }, "0"],
    ["media_out || paused", { media_out: true }, "1"],
    ["paused || media_out", { media_out: true }, "1"],
    ["media_out || paused", { media_out: false }, "_"],
    ["media_out ? paused : head_open", { media_out: true, paused: true }, "1"],
    ["media_out ? paused : head_open", { paused: true }, "_"],
    ["(media_out ? 1 : 2) > media_remaining_percent", { media_out: false, media_remaining_percent: 1 }, "1"],
    ["known(media_out)", {}, "0"],
    ["known(media_remaining_percent) && media_remaining_percent < 10", {}, "0"],
    ["silent_for() > 120", {}, "1"],
    ["silent_for() > 130", {}, "0"],
    ['avg(head_temperature_celsius, "5m") > 60', { head_temperature_celsius: 70 }, "_"],
    ['quantile(head_temperature_celsius, 0.9, "5m") > 60', { head_temperature_celsius: 70 }, "_"],
    ['eta(media_remaining_percent, 0, "7d") < 3600', { media_remaining_percent: 70 }, "_"],
    ['time_where(paused && !media_out, "1h") > 60', { paused: true, media_out: false }, "_"],
    ["any_of(tray_empty)", {}, "_"],
  ] as const)("%s with %j is %s", (text, values, want) => expect(judge(text, values)).toBe(want));
});

function problems(text: string, place: Partial<ConditionPlace> = {}): string {
  const checked: Checked = checkCondition(text, { ...PRINTER, ...place });
  if (checked.ok) return "";
  return checked.error
    .map(
      ({ start, end, code, message, hint }) =>
        `${code} "${text.slice(start, end)}": ${message}${hint ? ` (${hint})` : ""}`,
    )
    .join("\n");
}

describe("what a condition may not say", () => {
  it.each([
    "medai_out",
    "medai_out && paused || ribon_out",
    "media_remaining_percent < vars.lo",
    "media_remaining_percent = 5",
    "media_out and paused",
    "media_out > 3",
    "media_remaining_percent",
    "on_battery",
    "tray_empty",
    'avg(media_out, "5m") > 1',
    'avg(media_remaining_percent, "5x") > 1',
    "avg(media_remaining_percent) > 1",
    'rate(media_remaining_percent, "5m") > 1',
    'avg(media_remaining_percent, "8d") > 1',
    "averge(media_remaining_percent) > 1",
    'quantile(media_remaining_percent, 2, "5m") > 1',
    'quantile(media_remaining_percent, "5m") > 1',
    'eta(media_remaining_percent, media_width_millimetres, "5m") > 1',
    'eta(media_remaining_percent, vars.lo, "5m") > 1',
    'eta(media_out, 3, "5m") > 1',
    'time_where(media_remaining_percent, "5m") > 1',
    'time_where(avg(media_remaining_percent, "5m") > 3, "5m") > 1',
    'time_where(silent_for() > 3, "5m") > 1',
    'time_where(media_out, "5x") > 1',
    "time_where(media_out) > 1",
    "usual(media_remaining_percent) > 1",
    "any_of(media_out)",
    'failed("pos_terminal") > 1',
    "silent_for() + 1 > 3",
    "labels.zone == 'x'",
    "media_remaining_percent in [1, 2]",
    "'a' == 'b'",
    "kind == 'ups'",
    "media_out &&",
    "",
  ])("%s", (text) => expect(problems(text)).toMatchSnapshot());

  it("a site sees no metric", () => expect(problems("media_out", { scope: "site", kinds: null })).toMatchSnapshot());

  it("text without end is refused before it is parsed", () => {
    expect(problems("(".repeat(5_000))).toMatch(/at most 2000 characters/);
    expect(problems(`${"(".repeat(500)}media_out${")".repeat(500)}`)).toMatch(/^RULE_CONDITION/);
  });
});

describe("the chart of an incident", () => {
  it.each([
    ["media_remaining_percent < vars.low && !paused", { metric: "media_remaining_percent", threshold: 15 }],
    ["5 > media_remaining_percent", { metric: "media_remaining_percent", threshold: 5 }],
    ['max(head_temperature_celsius, "5m") > 60', { metric: "head_temperature_celsius", threshold: 60 }],
    ["media_out", { metric: "media_out", threshold: null }],
    ["!up && streak(up) >= 2", { metric: "up", threshold: null }],
    ['!up && changes(paused, "10m") > 3', { metric: "paused", threshold: null }],
    ["streak(up) >= 2 && media_remaining_percent < 5", { metric: "media_remaining_percent", threshold: 5 }],
    ["silent_for() > 120", null],
    ['eta(media_remaining_percent, 5, "6h") < 3600', { metric: "media_remaining_percent", threshold: 5 }],
    ['time_where(media_remaining_percent < 7, "6h") > 3600', { metric: "media_remaining_percent", threshold: 7 }],
  ])("of %s", (text, want) => {
    const checked = checkCondition(text, PRINTER);
    expect(checked.ok && checked.value.chart).toEqual(want);
  });
});
