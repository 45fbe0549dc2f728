/**
 * Texts with places in them, as people write them into notifications.yaml: the part of Mustache (mustache(5)) that has no
 * partials, no code and no unescaped values. Pure; every name is checked when the file is read, so that nothing can be
 * missing when it is two in the morning.
 *
 *     {{incident.title}}               a value, as words; nothing when there is none
 *     {{#incident.device}} … {{/incident.device}}    only when there is one; of a list, once for each of it
 *     {{^incident.device}} … {{/incident.device}}    only when there is none
 *     {{.}}                            the one of a list of words
 *     {{! a remark }}
 *
 * A tag of the second to last kind that stands alone in its line takes the line with it. What is written is text: whoever
 * makes HTML of it escapes it.
 */
import { err, ok, type Result } from "@aislewatch/base";

export const TEMPLATE_CHARS_MAX = 8_192;
/** A mail that is longer is read by nobody. */
export const RENDERED_CHARS_MAX = 65_536;
const DEPTH_MAX = 8;
const TAGS_MAX = 500;

/** What can be named: a word, a list of one shape, or more names. */
export type Shape = "text" | { readonly each: Shape } | { readonly fields: Readonly<Record<string, Shape>> };

export type TemplateValue =
  | string
  | null
  | readonly TemplateValue[]
  | { readonly [name: string]: TemplateValue | undefined };

type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "value"; readonly path: readonly string[] }
  | {
      readonly kind: "section";
      readonly path: readonly string[];
      readonly isWithout: boolean;
      readonly inside: readonly Node[];
    };

export type Template = readonly Node[];

/** `line` within the text, from 1. */
export type TemplateMistake = {
  readonly line: number;
  readonly message: string;
  /** What was named, and could have been, where that is the mistake. */
  readonly name?: { readonly received: string; readonly known: readonly string[] };
};

type Open = { readonly name: string; readonly line: number; readonly shapes: readonly Shape[]; readonly nodes: Node[] };

const TAG = /\{\{(?<sign>[#^/!]?)(?<name>[^{}]*)\}\}/g;

/** The template of a text whose names `shape` has, or all its mistakes. */
export function parseTemplate(text: string, shape: Shape): Result<Template, readonly TemplateMistake[]> {
  const mistakes: TemplateMistake[] = [];
  if (text.length > TEMPLATE_CHARS_MAX)
    return err([{ line: 1, message: `expected at most ${TEMPLATE_CHARS_MAX} characters; received ${text.length}` }]);
  const root: Node[] = [];
  const open: Open[] = [];
  let at = 0;
  let tags = 0;
  for (const match of text.matchAll(TAG)) {
    const { sign = "", name: written = "" } = match.groups ?? {};
    const name = written.trim();
    const line = lineAt(text, match.index);
    const here = open.at(-1)?.nodes ?? root;
    const shapes = open.at(-1)?.shapes ?? [shape];
    const span = sign === "" ? { from: match.index, to: match.index + match[0].length } : aloneIn(text, match);
    here.push({ kind: "text", text: text.slice(at, Math.max(at, span.from)) });
    at = span.to;
    if (++tags > TAGS_MAX) return err([{ line, message: `expected at most ${TAGS_MAX} places` }]);
    if (sign === "!") continue;
    if (sign === "/") {
      const closed = open.pop();
      if (closed === undefined || closed.name !== name) {
        const wanted =
          closed === undefined ? "no end here" : `{{/${closed.name}}}, for it began in line ${closed.line}`;
        return err([...mistakes, { line, message: `expected ${wanted}; received {{/${name}}}` }]);
      }
      continue;
    }
    const path = name === "." ? [] : name.split(".");
    const found = resolveShape(shapes, path);
    if (found === null) mistakes.push(unknownName(line, name, shapes));
    if (sign === "") {
      if (found !== null && found !== "text") {
        const hint = "each" in found ? `a list: {{#${name}}} … {{/${name}}}` : namesBelow(found, name).join(", ");
        mistakes.push({ line, message: `expected a single value; ${name} is ${hint}` });
      }
      here.push({ kind: "value", path });
      continue;
    }
    if (open.length >= DEPTH_MAX) return err([{ line, message: `expected at most ${DEPTH_MAX} levels` }]);
    const inside: Node[] = [];
    here.push({ kind: "section", path, isWithout: sign === "^", inside });
    const deeper = found === null ? shapes : [...shapes, found !== "text" && "each" in found ? found.each : found];
    open.push({ name, line, shapes: deeper, nodes: inside });
  }
  const last = open.at(-1);
  if (last !== undefined)
    mistakes.push({ line: last.line, message: `expected {{/${last.name}}} after {{#${last.name}}}` });
  root.push({ kind: "text", text: text.slice(at) });
  const stray = strayBrace(text);
  if (stray >= 0)
    mistakes.push({ line: lineAt(text, stray), message: "expected {{name}}; received {{ without an end" });
  return mistakes.length > 0 ? err(mistakes.toSorted((a, b) => a.line - b.line)) : ok(root);
}

/** Where braces open that are no tag. */
function strayBrace(text: string): number {
  const without = text.replace(TAG, (tag) => " ".repeat(tag.length));
  return without.indexOf("{{");
}

const lineAt = (text: string, index: number): number => text.slice(0, index).split("\n").length;

/** The whole line, when nothing else stands in it. */
function aloneIn(text: string, match: RegExpExecArray): { from: number; to: number } {
  const from = text.lastIndexOf("\n", match.index - 1) + 1;
  const end = match.index + match[0].length;
  const next = text.indexOf("\n", end);
  const to = next < 0 ? text.length : next + 1;
  const isAlone = text.slice(from, match.index).trim() === "" && text.slice(end, to).trim() === "";
  return isAlone ? { from, to } : { from: match.index, to: end };
}

/** Looked up in the innermost first. */
function resolveShape(shapes: readonly Shape[], path: readonly string[]): Shape | null {
  const [first, ...rest] = path;
  if (first === undefined) return shapes.at(-1) ?? null;
  for (const shape of shapes.toReversed()) {
    if (shape === "text" || "each" in shape || !Object.hasOwn(shape.fields, first)) continue;
    let found: Shape | undefined = shape.fields[first];
    for (const name of rest)
      found = found !== undefined && found !== "text" && "fields" in found ? found.fields[name] : undefined;
    return found ?? null;
  }
  return null;
}

function unknownName(line: number, name: string, shapes: readonly Shape[]): TemplateMistake {
  const all = shapes.flatMap((shape) => namesBelow(shape, ""));
  // An inner name hides an outer one.
  const known = all.filter((one) => resolveShape(shapes, one.split(".")) !== null);
  return { line, message: "expected a name that is known here", name: { received: name, known } };
}

function namesBelow(shape: Shape, prefix: string): string[] {
  if (shape === "text" || "each" in shape) return [];
  return Object.entries(shape.fields).flatMap(([name, below]) => {
    const whole = prefix === "" ? name : `${prefix}.${name}`;
    return [whole, ...namesBelow(below, whole)];
  });
}

/** Never longer than RENDERED_CHARS_MAX: the rest is cut off. */
export function renderTemplate(template: Template, value: TemplateValue): string {
  const out: string[] = [];
  let length = 0;
  const write = (text: string): void => {
    out.push(text.slice(0, RENDERED_CHARS_MAX - length));
    length = Math.min(RENDERED_CHARS_MAX, length + text.length);
  };
  const walk = (nodes: Template, stack: readonly TemplateValue[]): void => {
    for (const node of nodes) {
      if (length >= RENDERED_CHARS_MAX) return;
      if (node.kind === "text") write(node.text);
      else if (node.kind === "value") write(asText(lookUp(stack, node.path)));
      else {
        const found = lookUp(stack, node.path);
        const each = isList(found) ? found : isNothing(found) ? [] : [found];
        if (node.isWithout && each.length === 0) walk(node.inside, stack);
        else if (!node.isWithout) for (const one of each) walk(node.inside, [...stack, one]);
      }
    }
  };
  walk(template, [value]);
  return out.join("");
}

const isList = (value: TemplateValue): value is readonly TemplateValue[] => Array.isArray(value);
const isNothing = (value: TemplateValue): boolean => value === null || value === "";
const asText = (value: TemplateValue): string => (typeof value === "string" ? value : "");

function lookUp(stack: readonly TemplateValue[], path: readonly string[]): TemplateValue {
  const [first, ...rest] = path;
  if (first === undefined) return stack.at(-1) ?? null;
  for (const value of stack.toReversed()) {
    if (typeof value !== "object" || value === null || isList(value) || !Object.hasOwn(value, first)) continue;
    return rest.reduce<TemplateValue>(fieldOf, fieldOf(value, first));
  }
  return null;
}

const fieldOf = (value: TemplateValue, name: string): TemplateValue =>
  typeof value === "object" && value !== null && !isList(value) && Object.hasOwn(value, name)
    ? (value[name] ?? null)
    : null;
