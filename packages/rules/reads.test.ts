import { describe, expect, it } from "vitest";
import { compileRules } from "./file.ts";
import { saysDown } from "./reads.ts";

const ruleOf = (rule: string) => {
  const text = `group: test\nselect: kind == "label_printer"\nrules:\n  - { id: r, title: "t", ${rule}, severity: major, category: network }\n`;
  const compiled = compileRules([{ file: "rules.yaml", text }]);
  const [found] = compiled.ok ? compiled.rules.rules : [];
  if (found === undefined) throw new Error(JSON.stringify(compiled));
  return found;
};

describe("a rule says that a device is down", () => {
  it.each([
    { name: "by `up` as it is", rule: 'when: "!up"', is: true },
    { name: "by how often it was so", rule: 'when: "!up && streak(up) >= 2", for: 20s', is: true },
    { name: "not by how often it changed", rule: `when: 'changes(up, "30m") >= 6'`, is: false },
    { name: "not beside something else", rule: 'when: "!up && media_out"', is: false },
    { name: "not by something else", rule: 'when: "media_out"', is: false },
    { name: "not while it is only tried out", rule: 'when: "!up", mode: shadow', is: false },
    { name: "not of a site", rule: `scope: site, when: 'failed("label_printer") > 1'`, is: false },
    { name: "not by an event", rule: "on: event, code: asset_changed, clear: { after: 24h }", is: false },
  ])("$name", ({ rule, is }) => expect(saysDown(ruleOf(rule))).toBe(is));
});
