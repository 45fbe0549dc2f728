import { describe, expect, it } from "vitest";
import { checkCondition } from "./condition.ts";
import { RULE_FUNCTIONS } from "./functions.ts";
import { windowBytes } from "./reference.ts";
import { WINDOW_BYTES_MAX } from "./window.ts";

describe("the reference", () => {
  it.each(Object.entries(RULE_FUNCTIONS))(
    "%s: its example is a condition that calls it",
    (name, { example, scopes }) => {
      expect(example).toContain(`${name}(`);
      const problems = scopes.map((scope) => {
        const checked = checkCondition(example, { scope, kinds: null, vars: {} });
        return checked.ok ? "" : checked.error[0]?.message;
      });
      // A metric of a component is for the other scope.
      expect(problems).toContain("");
    },
  );

  it("tells memory that is within its bound", () => {
    for (const everyMs of [1_000, 60_000]) {
      expect(windowBytes(24 * 3_600_000, everyMs)).toBeLessThanOrEqual(WINDOW_BYTES_MAX);
    }
  });
});
