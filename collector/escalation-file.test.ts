import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDiagnostics } from "@aislewatch/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadEscalation } from "./escalation-file.ts";
import { DEFAULT_STORM } from "./incidents/escalation-policy.ts";

const EXAMPLES = join(import.meta.dirname, "../deploy/examples");
let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "aislewatch-escalation-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

const KNOWN = { calendars: ["deliveries"], contracts: ["gold"], hasNotifications: true };

function load(text: string, known = KNOWN) {
  const path = join(dir, "escalation.yaml");
  writeFileSync(path, text);
  return loadEscalation(path, known);
}

function complaints(text: string, known = KNOWN): string {
  const loaded = load(text, known);
  const shown = loaded.ok ? "no mistakes" : formatDiagnostics(loaded.diagnostics, loaded.texts);
  return `${text}---\n${shown.replaceAll(`${dir}/`, "")}\n`;
}

const chain = (steps: string, more = "") => `chains:\n  - name: stores\n${more}    steps:\n${steps}`;

describe("the usual mistakes in escalation.yaml", () => {
  it.each([
    { name: "a wrong key", text: chain("      - { unacknowleged: 5m, tell: noc }\n", "    when: { priority: P1 }\n") },
    { name: "a step that waits for nothing", text: chain("      - { tell: noc }\n") },
    {
      name: "a step that waits for two things",
      text: chain("      - { unacknowledged: 5m, unresolved: 5m, tell: noc }\n"),
    },
    { name: "a step that does nothing", text: chain("      - { unacknowledged: 5m }\n") },
    { name: "a remedy that tells people", text: chain("      - { unacknowledged: 5m, run: probe_now, tell: noc }\n") },
    { name: "a remedy that is none", text: chain("      - { unacknowledged: 5m, run: reboot }\n") },
    {
      name: "a clock that is none",
      text: chain("      - { sla: 90% of restoration, tell: noc }\n      - { sla: 120% of restore, tell: noc }\n"),
    },
    { name: "a tier that is none", text: chain("      - { unresolved: 5m, tier: 5 }\n") },
    { name: "an unknown calendar", text: chain("      - { unresolved: 5m, tier: 2, in: delivery }\n") },
    {
      name: "an unknown contract",
      text: chain("      - { unresolved: 5m, tier: 2 }\n", "    where: { contract: golden }\n"),
    },
    {
      name: "an unknown priority",
      text: chain("      - { unresolved: 5m, tier: 2 }\n", "    where: { priority: [P1, P9] }\n"),
    },
    {
      name: "too many repetitions",
      text: chain("      - { unresolved: 5m, tell: noc, repeat: { every: 1s, times: 100 } }\n"),
    },
    {
      name: "a name twice",
      text: `${chain("      - { unresolved: 5m, tier: 2 }\n")}  - { name: stores, steps: [{ unresolved: 1h, tier: 2 }] }\n`,
    },
    { name: "a chain without steps", text: "chains:\n  - { name: stores, steps: [] }\n" },
  ])("$name", ({ text }) => expect(complaints(text)).toMatchSnapshot());

  it("people to tell, and nothing that says who they are", () => {
    const text = chain("      - { unacknowledged: 5m, tell: [noc, duty-manager] }\n");
    expect(complaints(text, { ...KNOWN, hasNotifications: false })).toMatchSnapshot();
  });
});

it("the page's example loads", () => {
  const page = readFileSync(join(import.meta.dirname, "../docs/escalation.md"), "utf8");
  const text = /^```yaml\n([\s\S]*?)^```/m.exec(page)?.[1] ?? "";
  expect(complaints(text)).toMatch(/---\nno mistakes\n$/);
});

describe("loadEscalation", () => {
  it("reads the example", () => {
    const loaded = loadEscalation(join(EXAMPLES, "escalation.yaml"), {
      ...KNOWN,
      ...{ calendars: [], contracts: ["flagship"] },
    });
    if (!loaded.ok) throw new Error(formatDiagnostics(loaded.diagnostics, loaded.texts));
    expect(loaded.value.chains.map(({ name, steps }) => [name, steps.length])).toEqual([
      ["flagships", 5],
      ["urgent", 3],
      ["the-rest", 2],
    ]);
  });

  it("reads each kind of step, with what is not said", () => {
    const loaded = load(
      chain(
        [
          "      - { unacknowledged: 0s, run: probe_now }\n",
          "      - { unresolved: 30m, tier: 2, tell: [a, b], in: deliveries, repeat: { every: 5m, times: 3 } }\n",
          "      - { sla: 90% of restore, tell: boss }\n",
        ].join(""),
        "    where: { priority: P1, kind: [scale, ups], region: north, labels: { tier: [a, b] } }\n    storm: { more_than: 5, within: 1h }\n",
      ),
    );
    const nothing = { calendar: "always", tier: null, tell: [], run: null, repeat: null };
    expect(loaded.ok && loaded.value.chains).toEqual([
      {
        name: "stores",
        where: { priority: ["P1"], kind: ["scale", "ups"], region: ["north"], labels: { tier: ["a", "b"] } },
        storm: { moreThan: 5, withinMs: 3_600_000 },
        steps: [
          { ...nothing, trigger: { is: "unacknowledged", afterMs: 0 }, run: "probe_now" },
          {
            trigger: { is: "unresolved", afterMs: 1_800_000 },
            calendar: "deliveries",
            tier: 2,
            tell: ["a", "b"],
            run: null,
            repeat: { everyMs: 300_000, times: 3 },
          },
          { ...nothing, trigger: { is: "sla", clock: "restore", percent: 90 }, tell: ["boss"] },
        ],
      },
    ]);
  });

  it("protects every chain from storms", () => {
    const loaded = load(chain("      - { unresolved: 5m, tier: 2 }\n"));
    expect(loaded.ok && loaded.value.chains[0]?.storm).toEqual(DEFAULT_STORM);
  });
});
