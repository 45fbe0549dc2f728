import { formatDiagnostics } from "@aislewatch/config";
import { describe, expect, it } from "vitest";
import { checkOverrides } from "./check-overrides.ts";
import { compileRules } from "./file.ts";
import type { InventoryEntry } from "./inventory.ts";

const compiled = compileRules([
  {
    file: "a.yaml",
    text: `
group: printers
select: kind == "label_printer"
rules:
  - { id: low, title: t, when: "media_remaining_percent < vars.low", severity: minor, category: consumable, vars: { low: 15 } }
  - { id: few, title: t, scope: site, when: 'failed("label_printer") > vars.many', severity: major, category: hardware, vars: { many: 1 } }
`,
  },
]);
if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
const { rules } = compiled.rules;

const device = (site: string, kind: string, model?: string, labels = {}): InventoryEntry => ({
  site,
  format: site.startsWith("dc") ? "dc" : "store",
  device: {
    ...{ id: `${kind}-${model}`, kind, driver: "zpl", labels, dependsOn: [], intervalMs: 10_000, components: [] },
    ...{ metrics: [], asset: model === undefined ? {} : { model } },
  },
});
const DEVICES = [
  device("berlin-01", "label_printer", "ZT411-203dpi", { zone: "dock" }),
  device("berlin-02", "label_printer", "GX420d", { zone: "till" }),
  device("berlin-01", "receipt_printer", "TM-T88V", { zone: "till" }),
];
const ALL = { name: "inventory.json", devices: DEVICES, isWhole: true };

function found(entry: string, inventory: Parameters<typeof checkOverrides>[2] = ALL): string {
  const text = `overrides:\n  - ${entry}\n`;
  return formatDiagnostics(checkOverrides({ file: "o.yaml", text }, rules, inventory), new Map([["o.yaml", text]]));
}

describe("an override that reaches nothing", () => {
  it.each([
    { name: "by its model", where: "{ model: TM-T88* }", key: "model", says: "none has model TM-T88*" },
    { name: "by its site", where: "{ site: berlin-10 }", key: "site", says: 'did you mean "berlin-01"?' },
    { name: "by its format", where: "{ format: dc }", key: "format", says: "they have store" },
    {
      name: "by a label's value",
      where: "{ labels: { zone: dcok } }",
      key: "labels.zone",
      says: 'did you mean "dock"?',
    },
    {
      name: "by a label's name",
      where: "{ labels: { lane: 3 } }".replace("3", '"3"'),
      key: "labels.lane",
      says: "none has labels.lane 3",
    },
    {
      name: "by all together",
      where: "{ site: berlin-02, model: ZT4* }",
      key: "where",
      says: "none fits all of site, model at once",
    },
  ])("is named $name", ({ where, key, says }) => {
    const text = found(`{ rule: low, where: ${where}, vars: { low: 5 } }`);
    expect(text).toMatch(/^o\.yaml:2:\d+ {2}RULE_OVERRIDE_IDLE {2}overrides\[0\]\.where/);
    expect(text.split("\n")[0]).toContain(key);
    expect(text).toContain(says);
  });

  it.each([
    { name: "fits one device", where: "{ site: [berlin-01, berlin-77], labels: { zone: dock } }" },
    { name: "is for hardware of a kind that says no vendor", where: "{ vendor: Zebra }" },
  ])("is none that $name", ({ where }) => expect(found(`{ rule: low, where: ${where}, vars: { low: 5 } }`)).toBe(""));

  it("is none of a rule over sites that are there", () => {
    expect(found("{ rule: few, where: { site: berlin-02 }, vars: { many: 2 } }")).toBe("");
    expect(found("{ rule: few, where: { site: berlin-22 }, vars: { many: 2 } }")).toContain("RULE_OVERRIDE_IDLE");
  });

  it("is not known without an inventory, nor of another site's devices from one agent's file", () => {
    const plain = DEVICES.map(({ site, device: { asset: _, ...rest } }) => ({ site, device: { ...rest, asset: {} } }));
    const agent = { name: "agent.yaml", devices: plain, isWhole: false };
    const entry = (where: string): string => `{ rule: low, where: ${where}, vars: { low: 5 } }`;
    expect(found(entry("{ site: leipzig-dc, model: XX }"), null)).toBe("");
    expect(found(entry("{ site: leipzig-dc, model: XX }"), agent)).toBe("");
    expect(found(entry("{ labels: { zone: dcok } }"), agent)).toBe("");
    expect(found(entry("{ site: berlin-01, labels: { zone: dcok } }"), agent)).toContain("dcok");
  });

  it("is not looked for in a file with mistakes", () => {
    expect(found("{ rule: lwo, where: { model: XX }, vars: { low: 5 } }")).toContain("RULE_UNKNOWN_RULE");
  });
});
