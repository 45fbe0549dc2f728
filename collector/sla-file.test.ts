import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDiagnostics } from "@aislewatch/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_SLA_POLICY, termsOf } from "./incidents/sla-policy.ts";
import { loadSlaPolicy } from "./sla-file.ts";

const EXAMPLES = join(import.meta.dirname, "../deploy/examples");
const HOUR_MS = 3_600_000;
let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "aislewatch-sla-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

function load(text: string, calendars: readonly string[] | null = ["deliveries"]) {
  const path = join(dir, "sla.yaml");
  writeFileSync(path, text);
  return loadSlaPolicy(path, calendars);
}

function complaints(text: string): string {
  const loaded = load(text);
  const shown = loaded.ok ? "no mistakes" : formatDiagnostics(loaded.diagnostics, loaded.texts);
  return `${text}---\n${shown.replaceAll(`${dir}/`, "")}\n`;
}

describe("the usual mistakes in sla.yaml", () => {
  it.each([
    { name: "a wrong key", text: "warn: [75]\ntargets:\n  P1: { respond: 5m }\n" },
    { name: "an unknown priority", text: "targets:\n  P0: { response: 5m }\n" },
    { name: "a target that is none", text: "targets:\n  P1: { response: 5, restore: soon, vendor: 0s }\n" },
    { name: "an unknown calendar", text: "targets:\n  P1: { response: 5m in tradinghours, restore: 1h in nights }\n" },
    { name: "a warning that is none", text: "warn_at: [75, 100, 90%]\n" },
    { name: "a reason that nobody lists", text: "pauses:\n  restore: [waiting_vendor]\n" },
    { name: "a currency that is none", text: "penalties: { currency: EURO, restore: { per_breach: 10.005 } }\n" },
    { name: "penalties without a currency", text: "penalties: { restore: { per_breach: 10 } }\n" },
    {
      name: "a contract with mistakes",
      text: "contracts:\n  gold:\n    targets:\n      P1: { response: 5m in trading-hours }\n",
    },
    { name: "the name of a contract", text: "contracts:\n  Gold Plus: {}\n" },
    { name: "an empty file", text: "" },
  ])("$name", ({ text }) => expect(complaints(text)).toMatchSnapshot());
});

const DOC = join(import.meta.dirname, "../docs/sla.md");

it.each([...readFileSync(DOC, "utf8").matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = ""]) => text))(
  "the page's example loads: %s",
  (text) => expect(complaints(text)).toMatch(/---\nno mistakes\n$/),
);

describe("loadSlaPolicy", () => {
  it("reads the example as what is shipped, and a contract", () => {
    const loaded = loadSlaPolicy(join(EXAMPLES, "sla.yaml"), []);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
    expect(loaded.value.standard).toEqual(DEFAULT_SLA_POLICY.standard);
    expect([...loaded.value.contracts.keys()]).toEqual(["flagship"]);
  });

  it("takes what a file leaves out from what is shipped, and what a contract leaves out from the file", () => {
    const loaded = load(
      "targets:\n  P1: { restore: 2h in deliveries }\ncontracts:\n  gold:\n    warn_at: [90, 50, 50]\n    targets: { P2: none }\n",
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
    const { standard } = loaded.value;
    const P1 = { response: null, restore: { withinMs: 2 * HOUR_MS, calendar: "deliveries" }, vendor: null };
    expect(standard).toEqual({
      ...DEFAULT_SLA_POLICY.standard,
      targets: { ...DEFAULT_SLA_POLICY.standard.targets, P1 },
    });
    const nothing = { response: null, restore: null, vendor: null };
    const gold = termsOf(loaded.value, "gold");
    expect(gold).toEqual({
      ...standard,
      contract: "gold",
      warnAt: [50, 90],
      targets: { ...standard.targets, P2: nothing },
    });
    expect(termsOf(loaded.value, "silver")).toBe(standard);
    expect(termsOf(loaded.value, null)).toBe(standard);
  });

  it("does not complain of calendars while the sites can't be read", () => {
    expect(load("targets:\n  P1: { restore: 2h in nights }\n", null).ok).toBe(true);
  });

  it("reads penalties to the cent", () => {
    const loaded = load("penalties: { currency: CHF, cap: 500, restore: { per_breach: 99.95, per_hour: 0.1 } }\n");
    const none = { perBreach: 0, perHour: 0 };
    expect(loaded.ok && loaded.value.standard.penalties).toEqual({
      currency: "CHF",
      cap: 500,
      clocks: { response: none, restore: { perBreach: 99.95, perHour: 0.1 }, vendor: none },
    });
  });
});
