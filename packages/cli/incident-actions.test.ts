import { describe, expect, it } from "vitest";
import { UsageError } from "./command.ts";
import { ACTIONS, type ActionCommand, type ActionWords, actionOf, incidentId } from "./incident-actions.ts";
import { bulkText } from "./incidents.ts";

type Case = { line: string; command: ActionCommand; rest?: string[]; words?: ActionWords; action: object };

describe("what a person types", () => {
  it.each([
    { line: "ack", command: "ack", action: { action: "acknowledge" } },
    { line: "ack --version 3", command: "ack", words: { version: "3" }, action: { action: "acknowledge", version: 3 } },
    {
      line: "hold --reason awaiting_part",
      command: "hold",
      words: { reason: "awaiting_part" },
      action: { action: "hold", reason: "awaiting_part", text: null },
    },
    {
      line: "note called the store",
      command: "note",
      rest: ["called", "the store"],
      action: { action: "note", text: "called the store" },
    },
    { line: "assign --nobody", command: "assign", words: { nobody: true }, action: { action: "assign", to: null } },
    {
      line: "assign --group field --tier 2",
      command: "assign",
      words: { group: "field", tier: "2" },
      action: { action: "assign", to: null, group: "field", tier: 2 },
    },
    {
      line: "check Open the lid",
      command: "check",
      rest: ["Open", "the", "lid"],
      action: { action: "check", item: "Open the lid", done: true },
    },
    {
      line: "check --undone",
      command: "check",
      rest: ["x"],
      words: { undone: true },
      action: { action: "check", item: "x", done: false },
    },
    {
      line: "resolve --code swapped --follow-up",
      command: "resolve",
      words: { code: "swapped", "follow-up": "send it in" },
      action: { action: "resolve", code: "swapped", text: null, followUp: "send it in" },
    },
    {
      line: "cancel",
      command: "cancel",
      words: { code: "test", text: "a drill" },
      action: { action: "cancel", code: "test", text: "a drill" },
    },
    {
      line: "priority p2",
      command: "priority",
      rest: ["p2"],
      words: { why: "x" },
      action: { action: "set_priority", priority: "P2", why: "x" },
    },
    {
      line: "priority auto",
      command: "priority",
      rest: ["auto"],
      words: { why: "x" },
      action: { action: "set_priority", priority: null, why: "x" },
    },
    {
      line: "escalate --tier 3 --why PLC",
      command: "escalate",
      words: { tier: "3", why: "PLC" },
      action: { action: "escalate", tier: 3, why: "PLC" },
    },
    { line: "escalate --why x", command: "escalate", words: { why: "x" }, action: { action: "escalate", why: "x" } },
    {
      line: "claim --from … --until … --reason awaiting_site_access --text locked",
      command: "claim",
      words: {
        ...{ from: "2026-11-20T10:00Z", until: "2026-11-20T11:00Z", reason: "awaiting_site_access", text: "locked" },
      },
      action: {
        ...{ action: "claim_pause", from: Date.UTC(2026, 10, 20, 10), to: Date.UTC(2026, 10, 20, 11) },
        ...{ reason: "awaiting_site_access", text: "locked" },
      },
    },
    {
      line: "merge --into 12",
      command: "merge",
      words: { into: "12" },
      action: { action: "merge", into: "INC-000012" },
    },
  ] as Case[])("becomes an action: $line", ({ command, rest = [], words = {}, action }) => {
    expect(actionOf(command, rest, words)).toEqual(action);
  });

  it.each([
    { name: "a hold without a reason", command: "hold" },
    { name: "an empty note", command: "note" },
    { name: "an assignment to whom", command: "assign" },
    { name: "an assignment to somebody and nobody", command: "assign", words: { to: "kim", nobody: true } },
    { name: "a resolution without a code", command: "resolve" },
    { name: "a merge into what", command: "merge" },
    { name: "an escalation without a reason", command: "escalate", words: { tier: "2" } },
    { name: "a claim of no time", command: "claim", words: { reason: "awaiting_part", text: "x", from: "noon" } },
    { name: "a tier that is none", command: "assign", words: { to: "kim", tier: "two" } },
    { name: "two incidents", command: "ack", rest: ["13"] },
  ] as { name: string; command: ActionCommand; rest?: string[]; words?: ActionWords }[])(
    "is refused: $name",
    ({ command, rest = [], words = {} }) => expect(() => actionOf(command, rest, words)).toThrow(UsageError),
  );

  it("names an incident by its number, too", () => {
    expect([incidentId("12"), incidentId("inc-000012"), incidentId("1234567")]).toEqual([
      "INC-000012",
      "INC-000012",
      "INC-1234567",
    ]);
    expect(() => incidentId(undefined)).toThrow(UsageError);
  });

  it("is never lost: each command has an action", () => {
    const everything: ActionWords = {
      ...{ code: "cleaned", reason: "awaiting_part", why: "x", to: "kim", into: "1", vendor: "v", ref: "r", text: "t" },
      ...{ from: "2026-11-20T10:00Z", until: "2026-11-20T11:00Z" },
    };
    for (const command of ACTIONS) {
      const rest = command === "priority" ? ["P1"] : ["note", "check"].includes(command) ? ["x"] : [];
      expect(actionOf(command, rest, everything)).toMatchObject({ action: expect.any(String) });
    }
  });
});

it("says of many what became of each", () => {
  expect(
    bulkText([
      { id: "INC-000001", ok: true, incident: null, error: null },
      { id: "INC-000002", ok: false, incident: null, error: { error: "conflict", message: "Somebody was faster." } },
    ]),
  ).toMatch(/INC-000001 +done[\s\S]*INC-000002 +refused +– +Somebody was faster\.\s+1 done, 1 refused\.\n$/);
});
