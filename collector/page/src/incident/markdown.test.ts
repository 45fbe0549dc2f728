import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Block, type Inline, parseInline, parseMarkdown } from "./markdown.ts";

/** The tree in brackets, for tables that one can read. */
const show = (blocks: readonly Block[]): string => blocks.map(showBlock).join("\n");

function showBlock(block: Block): string {
  switch (block.type) {
    case "heading":
      return `h${block.level}(${inline(block.children)})`;
    case "paragraph":
      return `p(${inline(block.children)})`;
    case "code":
      return `pre(${block.text})`;
    case "list":
      return `${block.ordered ? `ol${block.start}` : "ul"}(${block.items
        .map((item) => inline(item.children) + item.blocks.map((inner) => ` ${showBlock(inner)}`).join(""))
        .join(" | ")})`;
  }
}

const inline = (children: readonly Inline[]): string =>
  children
    .map((child) => {
      if (child.type === "text") return child.text;
      if (child.type === "code") return `code(${child.text})`;
      if (child.type === "link") return `a<${child.href}>(${inline(child.children)})`;
      return `${child.type}(${inline(child.children)})`;
    })
    .join("");

describe("runbook Markdown", () => {
  it.each([
    { name: "headings", text: "# One\n## Two ##", tree: "h1(One)\nh2(Two)" },
    { name: "paragraphs over lines", text: "a\nb\n\nc", tree: "p(a b)\np(c)" },
    { name: "steps", text: "1. Look\n2. Load\n\n3. Print", tree: "ol1(Look | Load | Print)" },
    {
      name: "steps that go on over lines",
      text: "1. Look at\n   the roll\n2. Load",
      tree: "ol1(Look at the roll | Load)",
    },
    { name: "lazy lines of a step", text: "- a\nb\n- c", tree: "ul(a b | c)" },
    {
      name: "lists in steps",
      text: "1. Load\n   - close\n   - press\n2. Print",
      tree: "ol1(Load ul(close | press) | Print)",
    },
    { name: "code in steps", text: "1. Send\n   ```\n   ~JC\n   ```\n2. Wait", tree: "ol1(Send pre(~JC) | Wait)" },
    { name: "code with Markdown in it", text: "```\n# no *heading*\n```", tree: "pre(# no *heading*)" },
    { name: "code that never ends", text: "```\nx", tree: "pre(x)" },
    { name: "lists of either kind after each other", text: "- a\n1. b", tree: "ul(a)\nol1(b)" },
    { name: "Windows line ends", text: "# A\r\nb\r\n", tree: "h1(A)\np(b)" },
  ])("reads $name", ({ text, tree }) => expect(show(parseMarkdown(text))).toBe(tree));

  it.each([
    { text: "**bold** and *soft* and `code`", tree: "strong(bold) and em(soft) and code(code)" },
    { text: "**a *b* c**", tree: "strong(a em(b) c)" },
    { text: "2 * 3 * 4", tree: "2 * 3 * 4" },
    { text: "`**not bold**`", tree: "code(**not bold**)" },
    { text: "\\*not soft\\*", tree: "*not soft*" },
    { text: "**never closed", tree: "**never closed" },
    { text: "``", tree: "``" },
    { text: "[page](http://10.0.0.1/)", tree: "a<http://10.0.0.1/>(page)" },
    { text: "[board](/sites/s1)", tree: "a</sites/s1>(board)" },
    { text: "[**x**](https://e.org)", tree: "a<https://e.org>(strong(x))" },
  ])("reads $text", ({ text, tree }) => expect(inline(parseInline(text))).toBe(tree));
});

describe("hostile Markdown", () => {
  it.each([
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert)",
    "[x](java\nscript:alert)",
    "[x](\u0001javascript:alert)",
    "[x](data:text/html,x)",
    "[x](vbscript:x)",
    "[x](//evil.example)",
    "[x](/\\evil.example)",
    "[x](file:///etc/passwd)",
  ])("makes no link of %j", (text) => {
    expect(parseInline(text).some((part) => part.type === "link")).toBe(false);
  });

  it("keeps HTML as text", () => {
    expect(show(parseMarkdown('<img src=x onerror="alert(1)">'))).toBe('p(<img src=x onerror="alert(1)">)');
  });

  it.each([
    { name: "opening brackets", text: "[".repeat(60_000) },
    { name: "asterisks", text: "*".repeat(60_000) },
    { name: "asterisks with letters", text: "*a ".repeat(20_000) },
    { name: "half links", text: "[a](".repeat(15_000) },
    { name: "backticks", text: "`a".repeat(30_000) },
    {
      name: "nested lists",
      text: Array.from({ length: 3_000 }, (_, depth) => `${" ".repeat(depth % 60)}- x`).join("\n"),
    },
    { name: "hashes", text: "#".repeat(60_000) },
    { name: "blank lines in a list", text: `- a\n${"\n".repeat(60_000)}- b` },
    { name: "a list with gaps", text: "- a\n\n".repeat(13_000) },
    { name: "spaces", text: " ".repeat(60_000) },
  ])("is done with $name in a blink", async ({ text }) => {
    const tookMs = (): number => {
      const started = performance.now();
      parseMarkdown(text);
      return performance.now() - started;
    };
    // Once more when the machine stood still: what grows with the square of the length takes too long each time.
    await expect.poll(tookMs).toBeLessThan(1_000);
  });

  it("never fails, whatever the text", () => {
    const mark = fc.constantFrom(
      "# ",
      "- ",
      "1. ",
      "```",
      "\n",
      "\n\n",
      "  ",
      "**",
      "*",
      "`",
      "[",
      "](",
      ")",
      "/",
      "x",
      "\\",
    );
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.array(mark, { maxLength: 80 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (each) => {
        expect(Array.isArray(parseMarkdown(each))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
