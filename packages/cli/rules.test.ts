import { describe, expect, it } from "vitest";
import { type Explanation, explanationText, parseTime, subjectOf } from "./rules-explain.ts";
import { rerun } from "./rules-test.ts";

const NOW = Date.UTC(2026, 10, 20, 9);
const found: Explanation = {
  rule: "media-low",
  ruleVersion: "0123456789abcdef",
  subject: { site: "s1", device: "dock/printer", component: null },
  at: NOW,
  summary: "Does not fire yet: it waits.",
  state: "pending",
  severity: "minor",
  since: NOW - 20_000,
  stale: false,
  suppressedBy: null,
  conditions: [
    {
      ...{ severity: "minor", when: "media_remaining_percent < vars.low", holds: true },
      ...{ since: NOW - 20_000, forMs: 60_000, dueAt: NOW + 40_000 },
      terms: [
        { depth: 0, text: "media_remaining_percent < vars.low", value: true, unit: "", readings: [], note: "" },
        {
          ...{ depth: 1, text: "media_remaining_percent", value: 10, unit: "%", note: "" },
          readings: [
            { component: null, metric: "media_remaining_percent", value: 10, at: NOW - 5_000, isStale: false },
          ],
        },
        { depth: 1, text: "vars.low", value: 15, unit: "", readings: [], note: "" },
      ],
    },
    {
      severity: null,
      when: "paused",
      holds: null,
      since: null,
      forMs: 0,
      dueAt: null,
      terms: [{ depth: 0, text: "paused", value: null, unit: "", readings: [], note: "never reported" }],
    },
  ],
  facts: [
    { name: "select", text: 'kind == "label_printer"' },
    { name: "vars.low", text: "15" },
  ],
  replayedFrom: null,
  caveats: ["The rule looks further back than a replay does."],
};

describe("rules explain", () => {
  it("shows the sentence first, then each part with its value and the age of what was read", () => {
    const text = explanationText(found)
      .replaceAll(/at [^,\n]+, [^,\n]*M/g, "at …")
      .replaceAll(/fires at .*/g, "fires at …");
    expect(text.split("\n")).toEqual([
      "media-low on s1/dock/printer, now (version 01234567)",
      "",
      "  Does not fire yet: it waits.",
      "",
      "  minor: true, for 20 s of 1 min, fires at …",
      "     true  media_remaining_percent < vars.low",
      "     10 %    media_remaining_percent           read 5 s before",
      "       15    vars.low",
      "",
      "  clear: unknown",
      "     unknown  paused  never reported",
      "",
      '  select    kind == "label_printer"',
      "  vars.low  15",
      "",
      "  ! The rule looks further back than a replay does.",
      "",
    ]);
  });

  it.each([
    [{ device: "s1/lane-3/printer" }, { site: "s1", device: "lane-3/printer" }],
    [
      { site: "s1", device: "lane-3/printer" },
      { site: "s1", device: "lane-3/printer" },
    ],
    [{ site: "s1" }, { site: "s1" }],
    [
      { device: "s1/sw", component: "port-1" },
      { site: "s1", device: "sw", component: "port-1" },
    ],
  ])("%j is the subject", (options, want) => expect(subjectOf(options)).toEqual(want));

  it.each([{}, { device: "printer" }, { device: "/printer" }])("%j is none", (options) => {
    expect(() => subjectOf(options)).toThrow(/--device SITE\/DEVICE/);
  });

  it.each([
    ["15m", NOW - 900_000],
    ["2h", NOW - 7_200_000],
    ["2026-11-20T08:30:00Z", NOW - 1_800_000],
    ["2026-11-20 08:30Z", NOW - 1_800_000],
  ])("--at %s is a time", (text, want) => expect(parseTime(text, NOW)).toBe(want));

  it.each(["", "soon", "15", "-5m", "2026-99-99"])("--at %j is none", (text) => {
    expect(() => parseTime(text, NOW)).toThrow(/--at: expected 15m/);
  });
});

describe("rules test --watch", () => {
  it("runs at once and after each change, and once for two changes between two looks", async () => {
    const looks = ["a", "a", "b", "d", "d"];
    let n = 0;
    const ran: (string | undefined)[] = [];
    await rerun({
      fingerprint: () => looks[n] ?? "",
      run: () => ran.push(looks[n]),
      pause: async () => n++,
      isStopped: () => n >= looks.length,
    });
    expect(ran).toEqual(["a", "b", "d"]);
  });
});
