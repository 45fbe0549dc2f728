import { CATEGORIES, FAULT_CODES } from "@aislewatch/devices";
import { describe, expect, it } from "vitest";
import { classify, classOfEvent, codesOf, FAULT_CLASSES } from "./fault-class.ts";
import { anIncident } from "./sample-past.ts";

describe("an incident is classified", () => {
  it.each([
    { name: "by what its rule saw", given: { values: { media_out: true } }, is: "consumable" },
    { name: "by the code of its runbook", given: { runbook: "label-printer/head-open" }, is: "user_handling" },
    {
      name: "by its rule where several things are so",
      given: { values: { head_open: true, media_out: true } },
      is: "consumable",
    },
    { name: "by no answer", given: { category: "network", values: { up: false } }, is: "connectivity" },
    {
      name: "by its category where no code is known",
      given: { category: "environment", runbook: "sensor/cold-store" },
      is: "environment",
    },
    {
      name: "by what it hangs behind, whatever it saw",
      given: { values: { media_out: true }, suppressedBy: "s1/switch" },
      is: "upstream",
    },
    { name: "by the incident that it is a consequence of", given: { parent: "INC-000007" }, is: "upstream" },
    { name: "not by what is not so", given: { category: "hardware", values: { media_out: false } }, is: "mechanical" },
  ] as const)("$name", ({ given, is }) => {
    const { is: found, why } = classify(anIncident({ runbook: null, values: {}, ...given }));
    expect(found).toBe(is);
    expect(why).not.toBe("");
  });

  it("whatever its category is", () => {
    for (const category of CATEGORIES) {
      expect(FAULT_CLASSES).toContain(classify(anIncident({ category, values: {}, runbook: null })).is);
    }
  });
});

describe("events", () => {
  it("of every fault code have a class; those that say nothing of why have none", () => {
    expect(Object.keys(FAULT_CODES).map(classOfEvent)).not.toContain(null);
    expect(["trap", "verdict", "media_out_cleared", "toString", "__proto__"].map(classOfEvent)).toEqual(
      Array(5).fill(null),
    );
  });
  it("codes are those of the runbook and of what was true, each once", () => {
    expect(
      codesOf({ runbook: "label-printer/media-out", values: { media_out: true, head_open: false, jam: true } }),
    ).toEqual(["media_out", "jam"]);
    expect(codesOf({ runbook: "device/no-answer", values: { up: false } })).toEqual(["no_comms"]);
    expect(codesOf({ runbook: null, values: { toString: true } })).toEqual([]);
  });
});
