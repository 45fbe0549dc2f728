import type { components } from "@aislewatch/api";
import { describe, expect, it } from "vitest";
import { triageLines } from "./incident-triage.ts";

type Triage = components["schemas"]["Triage"];
const NOW = Date.UTC(2026, 10, 20, 9);
const DAY = 86_400_000;

const nothing: Triage = {
  ...{ incident: "INC-000009", category: "consumable", causes: [], recurrence: [], usual: null, resolved: [] },
  ...{ similar: [], bring: [], classification: { is: "user_handling", why: "print head lifted" } },
  hardware: {
    ...{ vendor: null, model: null, serial: null, firmware: null, tag: null, purchased: null, warranty: null },
    ...{ replacedBy: null, service: null },
  },
};

describe("triage in lines", () => {
  it("is two where nothing is known", () => {
    expect(triageLines(nothing, NOW)).toEqual([
      ["Kind", "user handling: print head lifted"],
      ["Before", "not once in 90 days"],
    ]);
  });

  it("says cause, warranty, whom to call, how often before and what helped", () => {
    const lines = triageLines(
      {
        ...nothing,
        causes: [
          {
            ...{ is: "upstream", text: "What it depends on failed", strength: "strong" },
            evidence: [
              { text: "switch: Port\u001b[2J down.", at: NOW, incident: "INC-000008" },
              { text: "More.", at: null, incident: null },
              { text: "Not shown.", at: null, incident: null },
            ],
          },
        ],
        hardware: {
          ...nothing.hardware,
          ...{ tag: "IT-1", warranty: { until: "2026-12-01", state: "ending", days: 11 }, replacedBy: "S2" },
          service: { id: "l", name: "Label Service", phone: "112", email: null, portal: null, contract: "LS-1" },
        },
        recurrence: [
          { of: "slot", times: [0, 2, 5], isMore: false, lastAt: NOW },
          { of: "asset", times: [0, 0, 0], isMore: false, lastAt: null },
          { of: "model", times: [9, 31, 80], isMore: true, lastAt: NOW },
        ],
        usual: {
          times: 6,
          days: 90,
          expected: 0.84,
          devices: 40,
          exposureDays: 3_510,
          incidents: 33,
          verdict: "more_often",
        },
        resolved: [
          {
            on: "slot",
            code: "cleaned",
            n: 4,
            of: 5,
            share: 0.8,
            atLeast: 0.55,
            text: "4 of 5 like it on this slot were resolved as cleaned.",
          },
        ],
        similar: [
          {
            ...{
              incident: "INC-000001",
              by: "slot",
              title: "Head open",
              openedAt: NOW - 3 * DAY,
              site: "s1",
              siteName: "S",
            },
            ...{
              slot: "s1/dock",
              rule: "r",
              code: "cleaned",
              resolvedBy: "user:kim",
              isOpen: false,
              tookMs: 1_800_000,
            },
          },
          {
            ...{
              incident: "INC-000002",
              by: "site",
              title: "Head open",
              openedAt: NOW - 3_600_000,
              site: "s1",
              siteName: "S",
            },
            ...{ slot: null, rule: "r", code: null, resolvedBy: null, isOpen: true, tookMs: null },
          },
        ],
      },
      NOW,
    );
    expect(lines).toEqual([
      ["Kind", "user handling: print head lifted"],
      ["Cause", "What it depends on failed (strong). switch: Port [2J down. [INC-000008] More."],
      ["Books", "tag IT-1, warranty ends 2026-12-01, in 11 d, serial S2 is in the slot now"],
      ["Service", "Label Service, 112, contract LS-1"],
      ["Before", "slot 0/2/5, model 9/31/80+ in 7/30/90 days"],
      ["Usual", "more often than usual: 6 in 90 days, the 39 others of its model had 0.8 each"],
      ["Helped", "4 of 5 like it on this slot were resolved as cleaned."],
      ["Similar", "INC-000001 (slot) 3 d ago, s1/dock, Head open: cleaned by kim, took 30 min"],
      ["Similar", "INC-000002 (site) 1 h ago, s1, Head open: still open"],
    ]);
  });

  it.each([
    { warranty: { until: "2026-11-01", state: "over", days: -19 }, says: "warranty OVER since 2026-11-01" },
    { warranty: { until: "2028-11-01", state: "valid", days: 700 }, says: "warranty until 2028-11-01" },
  ] as const)("$says", ({ warranty, says }) => {
    const lines = triageLines({ ...nothing, hardware: { ...nothing.hardware, warranty } }, NOW);
    expect(lines).toContainEqual(["Books", says]);
  });
});
