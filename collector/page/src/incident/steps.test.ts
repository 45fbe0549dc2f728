import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { IncidentEvent } from "../api/types.ts";
import { parseMarkdown } from "./markdown.ts";
import { isDone, readTo, type SentSteps, stepNames, ticksOf } from "./steps.ts";

const event = (seq: number, actor: string, type: string, detail: Record<string, unknown>): IncidentEvent => ({
  ...{ seq, actor, type, detail, at: seq * 1_000, recordedAt: seq * 1_000, late: false, text: "" },
});
const checked = (seq: number, actor: string, item: string, done: boolean) =>
  event(seq, actor, "checked", { item, done });

describe("the steps of a runbook", () => {
  const namesOf = (markdown: string) => [...stepNames(parseMarkdown(markdown)).values()];

  it.each([
    {
      name: "its numbered lists",
      markdown: "# T\n\n- Ask\n\n1. Look\n2. **Close** `it`\n",
      steps: ["Look", "Close it"],
    },
    { name: "all of them", markdown: "1. Look\n\nThen\n\n1. Load\n", steps: ["Look", "Load"] },
    { name: "not a list in a step", markdown: "1. Look\n   1. Left\n   2. Right\n2. Load\n", steps: ["Look", "Load"] },
    { name: "apart from one of that name", markdown: "1. A\n2. A (2)\n3. A\n", steps: ["A", "A (2)", "A (3)"] },
    {
      name: "apart, with the same words",
      markdown: "1. Wait\n2. Load\n3. Wait\n",
      steps: ["Wait", "Load", "Wait (2)"],
    },
  ])("are $name", ({ markdown, steps }) => expect(namesOf(markdown)).toEqual(steps));

  it("have names that the API takes, and that come back from it as they went, whatever the runbook says", () => {
    const words = fc.string({ unit: "binary", maxLength: 300 });
    fc.assert(
      fc.property(fc.array(words, { maxLength: 20 }), (texts) => {
        const item = (text: string) => ({ children: [{ type: "text", text }], blocks: [] }) as const;
        const names = [...stepNames([{ type: "list", ordered: true, start: 1, items: texts.map(item) }]).values()];
        expect(new Set(names).size).toBe(names.length);
        for (const name of names) {
          expect(name.length).toBeGreaterThan(0);
          expect(name.length).toBeLessThanOrEqual(256);
          expect(name.isWellFormed()).toBe(true);
        }
      }),
    );
  });
});

describe("what is ticked", () => {
  it.each([
    { name: "what somebody ticked, with who and when", log: [checked(3, "user:anna", "Look", true)], by: "user:anna" },
    {
      name: "by who ticked it last",
      log: [
        checked(3, "user:anna", "Look", true),
        checked(4, "user:anna", "Look", false),
        checked(5, "user:ben", "Look", true),
      ],
      by: "user:ben",
    },
    {
      name: "in the order of the log, however it came",
      log: [checked(4, "user:anna", "Look", false), checked(3, "user:ben", "Look", true)],
      by: null,
    },
    { name: "nothing of another step", log: [checked(3, "user:anna", "Load", true)], by: null },
    { name: "nothing by other events", log: [event(3, "user:anna", "note", { item: "Look", done: true })], by: null },
    { name: "nothing by an event that can't be read", log: [event(3, "user:anna", "checked", { done: 1 })], by: null },
  ])("is $name", ({ log, by }) => expect(ticksOf(log).get("Look")?.by ?? null).toBe(by));

  const log = [checked(3, "user:anna", "Look", true)];
  const sent = (done: boolean, version: number | null): SentSteps => new Map([["Look", { done, version }]]);
  it.each([
    { name: "the log, when one asked for nothing", mine: new Map(), done: true },
    { name: "what one asked for, while there is no answer", mine: sent(false, null), done: false },
    { name: "what one asked for, until the log has it", mine: sent(false, 4), done: false },
    { name: "the log, once it has it: somebody may have ticked it again", mine: sent(false, 3), done: true },
  ])("is shown as $name", ({ mine, done }) => expect(isDone("Look", ticksOf(log), mine, readTo(log))).toBe(done));
});
