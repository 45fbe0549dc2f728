import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTemplate, RENDERED_CHARS_MAX, renderTemplate, type Shape, type TemplateValue } from "./template.ts";

const SHAPE: Shape = {
  fields: {
    title: "text",
    device: "text",
    site: { fields: { name: "text", id: "text" } },
    steps: { each: "text" },
    items: { each: { fields: { title: "text", why: "text" } } },
  },
};
const VALUE: TemplateValue = {
  title: "Media <out>",
  device: null,
  site: { name: "Berlin", id: "b-1" },
  steps: ["open", "put in a roll"],
  items: [
    { title: "One", why: null },
    { title: "Two", why: "late" },
  ],
};

function render(text: string): string {
  const parsed = parseTemplate(text, SHAPE);
  if (!parsed.ok) throw new Error(parsed.error.map(({ line, message }) => `${line}: ${message}`).join("; "));
  return renderTemplate(parsed.value, VALUE);
}

describe("a template", () => {
  it.each([
    { name: "a value", text: "{{title}} at {{ site.name }}", is: "Media <out> at Berlin" },
    { name: "nothing for what is not there", text: "[{{device}}]", is: "[]" },
    { name: "only when there is one", text: "{{#device}}at {{device}}{{/device}}.", is: "." },
    { name: "only when there is none", text: "{{^device}}the site{{/device}}", is: "the site" },
    { name: "a list of words", text: "{{#steps}}<{{.}}>{{/steps}}", is: "<open><put in a roll>" },
    {
      name: "a list, the nearest name first",
      text: "{{#items}}{{title}}@{{site.id}} {{/items}}",
      is: "One@b-1 Two@b-1 ",
    },
    { name: "what an item has", text: "{{#items}}{{^why}}-{{/why}}{{why}} {{/items}}", is: "- late " },
    { name: "the names of a part", text: "{{#site}}{{name}}{{/site}}", is: "Berlin" },
    { name: "a remark", text: "a{{! for later }}b", is: "ab" },
    {
      name: "tags alone in a line without the line",
      text: "a\n  {{#steps}}\n- {{.}}\n{{/steps}}\nb",
      is: "a\n- open\n- put in a roll\nb",
    },
    { name: "single braces as they are", text: "{a} }} {", is: "{a} }} {" },
    { name: "text alone", text: "plain", is: "plain" },
    { name: "nothing of the machine", text: "{{#site}}{{/site}}", is: "" },
  ])("has $name", ({ text, is }) => expect(render(text)).toBe(is));

  it.each([
    { name: "a name that is none", text: "a\n{{titel}}", found: [[2, "expected a name that is known here"]] },
    { name: "a name of every object", text: "{{constructor}}", found: [[1, "expected a name that is known here"]] },
    {
      name: "a name of something else",
      text: "{{#items}}{{name}}{{/items}}",
      found: [[1, "expected a name that is known here"]],
    },
    {
      name: "a list as a value",
      text: "{{items}}",
      found: [[1, "expected a single value; items is a list: {{#items}} … {{/items}}"]],
    },
    {
      name: "a part as a value",
      text: "{{site}}",
      found: [[1, "expected a single value; site is site.name, site.id"]],
    },
    { name: "no end", text: "\n{{#site}}x", found: [[2, "expected {{/site}} after {{#site}}"]] },
    {
      name: "another end",
      text: "{{#site}}\n{{/items}}",
      found: [[2, "expected {{/site}}, for it began in line 1; received {{/items}}"]],
    },
    { name: "an end of nothing", text: "{{/site}}", found: [[1, "expected no end here; received {{/site}}"]] },
    { name: "braces that never close", text: "{{title", found: [[1, "expected {{name}}; received {{ without an end"]] },
    {
      name: "two at once",
      text: "{{a}}\n{{b}}",
      found: [
        [1, "expected a name that is known here"],
        [2, "expected a name that is known here"],
      ],
    },
    { name: "too much", text: "x".repeat(9_000), found: [[1, "expected at most 8192 characters; received 9000"]] },
    { name: "too many places", text: "{{title}}".repeat(501), found: [[1, "expected at most 500 places"]] },
    { name: "too deep", text: "{{#site}}".repeat(9), found: [[1, "expected at most 8 levels"]] },
  ])("is refused for $name", ({ text, found }) => {
    const parsed = parseTemplate(text, SHAPE);
    expect(parsed.ok ? [] : parsed.error.map(({ line, message }) => [line, message])).toEqual(found);
  });

  it("says what could have been meant", () => {
    const parsed = parseTemplate("{{#items}}{{titel}}{{/items}}", SHAPE);
    expect(parsed.ok ? [] : parsed.error[0]?.name?.known).toContain("title");
  });

  it("never throws, and never makes more than a mail may have", () => {
    const piece = fc.constantFrom(
      "{{",
      "}}",
      "{{#items}}",
      "{{/items}}",
      "{{title}}",
      "{{.}}",
      "{{^device}}",
      "{{/device}}",
      "\n",
      "#",
      "x",
    );
    const huge: TemplateValue = {
      title: "x".repeat(5_000),
      device: null,
      items: Array.from({ length: 500 }, () => ({ title: "y".repeat(900) })),
    };
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const parsed = parseTemplate(pieces.join(""), SHAPE);
        if (parsed.ok) expect(renderTemplate(parsed.value, huge).length).toBeLessThanOrEqual(RENDERED_CHARS_MAX);
      }),
    );
  });
});
