import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spent } from "../../test/rig/cpu-time.ts";
import { checkEventCondition } from "./event-condition.ts";
import { checkSelect } from "./select.ts";

const refusal = (pattern: string): string => {
  const checked = checkEventCondition(`detail.matches(${JSON.stringify(pattern)})`);
  return checked.ok ? "taken" : (checked.error[0]?.message ?? "");
};

describe("a pattern", () => {
  it.each(["jam|paper", "^E-\\d{4}$", "[a-z+*]+ of .*", "(door|cover) open", "\\(1\\)+", "\\d{2,}"])(
    "%s is taken",
    (pattern) => {
      expect(refusal(pattern)).toBe("taken");
    },
  );

  it.each([
    ["(a+)+$", "without a repeated group"],
    ["(a|aa){2,}", "without a repeated group"],
    [".*.*.*x", "at most 2 of * and +"],
    ["(", "expected a regular expression"],
    ["a".repeat(201), "at most 200 characters"],
  ])("%s is refused", (pattern, why) => expect(refusal(pattern)).toContain(why));

  it("that a variable brings is refused, in select and inside of other conditions as well", () => {
    expect(checkEventCondition("detail.matches(code)").ok).toBe(false);
    expect(checkSelect(`kind == "ups" && (site == "a" || !device.matches("(a+)+"))`)).toMatchObject({
      ok: false,
      error: [{ code: "RULE_SELECT", start: 49 }],
    });
  });

  it("that is taken ends soon on any text", () => {
    const sign = fc.constantFrom("a", "b", ".", "*", "+", "?", "|", "(", ")", "[ab]", "\\w", "^", "$", "{2,}");
    fc.assert(
      fc.property(
        fc.array(sign, { maxLength: 12 }),
        fc.array(fc.constantFrom("a", "b", "c"), { minLength: 512, maxLength: 512 }),
        (signs, text) => {
          const checked = checkEventCondition(`detail.matches(${JSON.stringify(signs.join(""))})`);
          if (!checked.ok) return;
          const matched = () => checked.value({ code: "x", detail: text.join(""), device: "", component: "" });
          expect(spent(matched).cpuMs).toBeLessThan(2_000);
        },
      ),
    );
  });
});

describe("what people write who know other languages", () => {
  it.each([
    [`kind = "ups"`, "comparing is written =="],
    [`kind == \u201cups\u201d`, "write straight quotes"],
    [`kind == "ups" and site == "a"`, `"and" is written &&`],
  ])("select: %s", (text, hint) => {
    const checked = checkSelect(text);
    expect(checked.ok ? "" : checked.error[0]?.hint).toContain(hint);
  });
});
