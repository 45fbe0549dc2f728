import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseMarkdown } from "../page/src/incident/markdown.ts";
import { stepNames } from "../page/src/incident/steps.ts";
import { bringOf, stepsOf } from "./runbook-steps.ts";

const RUNBOOKS = join(import.meta.dirname, "../../rules/runbooks");
const shipped = readdirSync(RUNBOOKS, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".md"));
const namesOf = (markdown: string): string[] => stepsOf(markdown).map(({ name }) => name);
const namesOnPage = (markdown: string): string[] => [...stepNames(parseMarkdown(markdown)).values()];

describe("steps of a runbook", () => {
  it.each(shipped)("%s has the steps that the page ticks off, and something to bring", (file) => {
    const markdown = readFileSync(join(RUNBOOKS, file), "utf8");
    expect(namesOf(markdown)).toEqual(namesOnPage(markdown));
    expect(namesOf(markdown).length).toBeGreaterThan(0);
  });

  it.each([
    { name: "marks of Markdown are no words", text: "1. Press `FEED` **twice**, *then* see [here](/sites).\n" },
    { name: "a step goes on in the next line", text: "1. One\n   and more\n2. Two\n" },
    { name: "a list inside a step is not of it", text: "1. One\n   - a\n   - b\n2. Two\n" },
    { name: "the same words have a number beside them", text: "1. Wait\n2. Wait\n3. Wait (2)\n4. Wait\n" },
    { name: "numbers in code are none", text: "```\n1. not this\n```\n\n1. This\n" },
    { name: "bullets are no steps", text: "- One\n\n1. Two\n" },
    { name: "a long one is cut", text: `1. ${"word ".repeat(60)}\n` },
    { name: "several lists are one checklist", text: "1. One\n\n## More\n\n1. Two\n" },
    { name: "what is escaped is as it is", text: "1. 2 \\* 3 is six\n" },
    { name: "Windows ends its lines otherwise", text: "1. One\r\n2. Two\r\n" },
  ])("$name", ({ text }) => expect(namesOf(text)).toEqual(namesOnPage(text)));

  it("never throws and stays bounded, whatever the file is", () => {
    const piece = fc.constantFrom("1. ", "- ", "\n", "```", "*", "`", "[a](b)", "## Bring\n", "  ", "x", "\\");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const text = pieces.join("");
        expect(stepsOf(text).length).toBeLessThanOrEqual(50);
        expect(bringOf(text).length).toBeLessThanOrEqual(20);
      }),
    );
  });
});

describe("what to bring", () => {
  it("is the list below its heading", () => {
    expect(bringOf("# T\n\n1. Step\n\n## Bring\n- A `spare`.\n- A cable\n\n## Else\n- no\n")).toEqual([
      "A spare",
      "A cable",
    ]);
  });
  it("may be nothing", () => expect(bringOf("# T\n\n- a\n")).toEqual([]));
});
