import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aNear, anIncident, anInput, aTold, before, MINUTE, NO_PAST, T0 } from "./sample-past.ts";
import { type Cause, STRENGTHS, spanText, type TriageInput, triageOf, valueText } from "./triage.ts";

const causes = (given: Partial<TriageInput> = {}): readonly Cause[] => triageOf(anInput(given)).causes;
const unanswered = anIncident({
  category: "network",
  rule: "no-answer",
  runbook: "device/no-answer",
  values: { up: false },
});
const shortly = (given: Partial<TriageInput> = {}): string[] =>
  causes({ incident: unanswered, ...given }).map(({ is, strength }) => `${is} ${strength}`);
const evidence = (given: Partial<TriageInput> = {}): string[] =>
  causes({ incident: unanswered, ...given }).flatMap((one) => one.evidence.map(({ text }) => text));

describe("a cause", () => {
  it("is what the device says itself, where nothing else is known", () => {
    expect(causes()).toEqual([
      {
        ...{ is: "consumable", text: "Something is used up or worn", strength: "strong" },
        evidence: [
          { text: "The device says so itself: labels, receipt paper or paper used up.", at: null, incident: null },
        ],
      },
    ]);
  });

  it("is no more than where one begins, when its rule only infers", () => {
    expect(shortly()).toEqual(["connectivity possible"]);
    expect(evidence()).toEqual(["Its rule is about this; it saw up no."]);
  });

  it.each<{ name: string; given: Partial<TriageInput>; first: string; text: RegExp }>([
    {
      name: "what it hangs behind by the collector's own word",
      given: { incident: { ...unanswered, suppressedBy: "s1/switch" } },
      ...{ first: "upstream strong", text: /^It hangs behind s1\/switch, which is down\.$/ },
    },
    {
      name: "the incident that it is a consequence of",
      given: { incident: { ...unanswered, parent: "INC-000007" } },
      ...{ first: "upstream strong", text: /^It is a consequence of INC-000007\.$/ },
    },
    {
      name: "what it hung behind, and which is over",
      given: { incident: { ...unanswered, cause: { by: "s1/switch", since: T0, until: T0 + MINUTE } } },
      ...{ first: "upstream likely", text: /^It hung behind s1\/switch, until that was over\.$/ },
    },
    {
      name: "the switch that failed shortly before",
      given: { near: [aNear("switch", -40)] },
      ...{ first: "upstream strong", text: /^switch, which it hangs on: No answer \(40 s before\)\.$/ },
    },
    {
      name: "the switch that is known to be down a little later",
      given: { near: [aNear("switch", 100)] },
      ...{ first: "upstream strong", text: /\(2 min after\)/ },
    },
    {
      name: "the switch that is down since yesterday",
      given: { near: [aNear("switch", -86_400)] },
      ...{ first: "upstream strong", text: /\(24 h before\)/ },
    },
    {
      name: "its silent agent",
      given: { near: [aNear("agent/pc", -20, { title: "Agent silent" })] },
      ...{ first: "upstream strong", text: /^agent\/pc, which it hangs on: Agent silent/ },
    },
    {
      name: "the mains, with others",
      given: { near: [aNear("ups", -5, { category: "power", title: "On battery", above: [] }), aNear("scale", 3)] },
      ...{ first: "power strong", text: /^ups: On battery \(5 s before\), and 2 devices failed with it\.$/ },
    },
    {
      name: "what many share",
      given: { near: [aNear("a", 1), aNear("b", -2), aNear("c", 3), aNear("d", 4)] },
      ...{ first: "upstream likely", text: /^4 other devices .*\(a, b, c and 1 more\): all of them share switch\.$/ },
    },
    {
      name: "its own restart",
      given: { told: [aTold("rebooted", -60)] },
      ...{ first: "software likely", text: /^It told "device restarted" \(60 s before\)\.$/ },
    },
    {
      name: "the plug that was pulled",
      given: { told: [aTold("detached", -1)] },
      ...{ first: "connectivity likely", text: /^It told "device or its adapter unplugged" \(at the same time\)\.$/ },
    },
    {
      name: "what the switch told",
      given: { told: [aTold("port_down", -30, "switch")] },
      ...{ first: "upstream likely", text: /^switch, which it hangs on, told "link of a port lost"/ },
    },
    {
      name: "what helped here before",
      given: {
        past: { ...NO_PAST, slot: [1, 2, 3, 4, 5].map((n) => before(n, n, { rule: "no-answer", code: "power" })) },
      },
      ...{ first: "power likely", text: /^5 of 5 like it on this slot were resolved as power\.$/ },
    },
  ])("is $name", ({ given, first, text }) => {
    expect(shortly(given)[0]).toBe(first);
    expect(evidence(given)[0]).toMatch(text);
  });

  it.each<{ name: string; given: Partial<TriageInput> }>([
    {
      name: "a printer above it that is out of paper",
      given: { near: [aNear("switch", -5, { category: "consumable" })] },
    },
    { name: "trouble of something else", given: { near: [aNear("scale", -5)] } },
    {
      name: "what was over long before",
      given: { near: [aNear("switch", -7_200, { recoveredAt: T0 - 11 * MINUTE })] },
    },
    { name: "what came long after", given: { near: [aNear("switch", 600)] } },
    {
      name: "what hangs on it",
      given: { near: ["a", "b", "c"].map((id) => aNear(id, 1, { above: ["dock/printer", "switch"] })) },
    },
    { name: "itself", given: { near: [aNear("dock/printer", 0), aNear("dock/printer", 1, { incident: "INC-2" })] } },
    { name: "what it told itself of this fault", given: { told: [aTold("no_comms", 0)] } },
    { name: "what it told yesterday", given: { told: [aTold("rebooted", -86_400)] } },
    { name: "the end of something", given: { told: [aTold("detached_cleared", -5), aTold("trap", -5)] } },
    { name: "what a device beside it told", given: { told: [aTold("rebooted", -5, "scale")] } },
    { name: "two resolutions", given: { past: { ...NO_PAST, slot: [before(1, 1), before(2, 2)] } } },
    { name: "an agent that runs for long", given: { agentStartedAt: T0 - 3_600_000 } },
  ])("is not $name", ({ given }) => expect(shortly(given)).toEqual(["connectivity possible"]));

  it("may be who is at work there, in maintenance", () => {
    const found = causes({ incident: { ...unanswered, maintenance: "M-7" } });
    expect(found.map(({ is, evidence: [first] }) => [is, first?.text])).toContainEqual([
      "user_handling",
      "It lies in maintenance (M-7): somebody may be at work there.",
    ]);
  });

  it("is no mains that failed elsewhere, for a device that says itself what it lacks", () => {
    const near = [aNear("ups", 28, { category: "power", title: "On battery", above: [] }), aNear("scale", 3)];
    expect(causes({ near }).map(({ is, strength }) => `${is} ${strength}`)).toEqual(["consumable strong"]);
    const hot = anIncident({ category: "hardware", rule: "head-hot", runbook: null, values: { hardware_fault: true } });
    expect(causes({ incident: hot, near }).map(({ is, strength }) => `${is} ${strength}`)).toEqual([
      "mechanical likely",
      "power possible",
      "upstream possible",
    ]);
  });

  it("is the likelier the more speaks for it", () => {
    const told = [aTold("rebooted", -60)];
    expect(shortly({ told })[0]).toBe("software likely");
    expect(shortly({ told: [...told, aTold("rebooted", -30)], agentStartedAt: T0 - 50_000 })[0]).toBe(
      "software strong",
    );
  });

  it("says when the device fails more often than others of its model", () => {
    const often = [2, 9, 20, 33, 47, 60].map((days, n) => before(n, days, { rule: "no-answer" }));
    const input = { past: { ...NO_PAST, slot: often, model: often }, devicesAlike: 40 };
    const [first] = causes({ incident: unanswered, ...input }).filter(({ is }) => is === "mechanical");
    expect(first?.evidence.at(-1)?.text).toBe(
      "It fails more often than others of its model: 7 times in 90 days; the 39 others had none.",
    );
  });

  it("keeps what a device tells short, and out of the terminal's way", () => {
    const told = [{ ...aTold("rebooted", -5), detail: `\u001b[2J${"x".repeat(400)}` }];
    const [text = ""] = evidence({ told });
    expect(text).not.toContain("\u001b");
    expect(text.length).toBeLessThan(160);
  });
});

const anyInput = fc.record({
  near: fc.array(
    fc.record({
      ...{
        device: fc.constantFrom("switch", "ups", "agent/pc", "scale", "a", null),
        seconds: fc.integer({ min: -4_000, max: 900 }),
      },
      ...{ category: fc.constantFrom("network", "power", "consumable", "hardware"), over: fc.boolean() },
    }),
    { maxLength: 12 },
  ),
  told: fc.array(
    fc.tuple(
      fc.constantFrom("rebooted", "detached", "head_open", "trap", "on_battery"),
      fc.integer({ min: -4_000, max: 900 }),
      fc.constantFrom("dock/printer", "switch", "scale"),
    ),
    { maxLength: 8 },
  ),
  codes: fc.array(fc.constantFrom("cleaned", "power", "self_recovered", null), { maxLength: 12 }),
});

describe("triage", () => {
  it("is the same in whatever order things are found, ranked, bounded and never without a reason", () => {
    fc.assert(
      fc.property(anyInput, ({ near, told, codes }) => {
        const past = {
          ...NO_PAST,
          slot: codes.map((code, n) => before(n, n + 1, { code, isByPeople: code !== null })),
        };
        const nears = near.map(({ device, seconds, category, over }, n) =>
          aNear(device, seconds, {
            ...{
              incident: `INC-${n}`,
              category: category as "power",
              recoveredAt: over ? T0 + seconds * 1_000 + 5 : null,
            },
          }),
        );
        const tolds = told.map(([code, seconds, device]) => aTold(code, seconds, device));
        const one = triageOf(anInput({ near: nears, told: tolds, past }));
        const other = triageOf(anInput({ near: nears.toReversed(), told: tolds.toReversed(), past }));
        expect(other).toEqual(one);
        const ranks = one.causes.map(({ strength }) => STRENGTHS.indexOf(strength));
        expect(ranks).toEqual(ranks.toSorted());
        expect(new Set(one.causes.map(({ is }) => is)).size).toBe(one.causes.length);
        expect(one.causes.length).toBeGreaterThan(0);
        expect(one.causes.length).toBeLessThanOrEqual(5);
        for (const cause of one.causes) {
          expect(cause.evidence.length).toBeGreaterThan(0);
          expect(cause.evidence.length).toBeLessThanOrEqual(4);
        }
      }),
    );
  });
});

describe("words", () => {
  it.each([
    [0, "0 s"],
    [89_000, "89 s"],
    [90_000, "2 min"],
    [5_399_000, "90 min"],
    [5_400_000, "2 h"],
    [129_599_000, "36 h"],
    [259_200_000, "3 d"],
  ])("%d ms are %s", (ms, text) => expect(spanText(ms)).toBe(text));
  it.each([
    ["media_remaining_percent", 12.345, "12.3 %"],
    ["media_out", true, "yes"],
    ["labels_printed_total", 12_345.6, "12346"],
    ["not_known", 0.5, "0.5"],
  ] as const)("%s %s is %s", (metric, value, text) => expect(valueText(metric, value)).toBe(text));
});
