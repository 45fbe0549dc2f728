/**
 * Where things stand in a YAML text: paths of the value to lines and columns. Columns count UTF-16 units from 1, as
 * editors do. A path that is not there points at its nearest ancestor, so that a missing key has a place, too.
 */
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
} from "yaml";
import type { Diagnostic } from "./diagnostic.ts";

export type Path = readonly (string | number)[];
export type Position = { readonly line: number; readonly column: number; readonly length: number };

export type YamlSource = {
  readonly file: string;
  readonly text: string;
  /** Of the text between two offsets, cut to one line. */
  between(start: number, end: number): Position;
  /** Of the value at `path`, or with `key` of the key that leads to it. */
  at(path: Path, options?: { key?: boolean }): Position;
  /** A diagnostic at the value at `path` (at its key with `key`); severity is error unless told. */
  diagnostic(
    path: Path,
    what: { code: string; message: string; hint?: string; severity?: Diagnostic["severity"]; key?: boolean },
  ): Diagnostic;
  /** Of the characters `start` to `end` of the string at `path`, through quotes, escapes and block indentation. */
  offsetIn(path: Path, start: number, end: number): Position;
};

export function yamlSource(input: { file: string; text: string }, doc: Document, lines: LineCounter): YamlSource {
  const { file, text } = input;

  function position(start: number, end: number): Position {
    const { line, col } = lines.linePos(Math.min(start, text.length));
    // LineCounter answers 0 for a text without a single line.
    const lineEnd = text.indexOf("\n", start);
    const stop = Math.min(end, lineEnd < 0 ? text.length : lineEnd);
    return { line: Math.max(1, line), column: Math.max(1, col), length: Math.max(1, trimmedLength(text, start, stop)) };
  }

  function at(path: Path, options: { key?: boolean } = {}): Position {
    const found = locate(doc, path);
    const node = options.key ? (found.key ?? found.value) : (found.value ?? found.key);
    const range = node?.range ?? [0, 0, 0];
    return position(range[0], range[1]);
  }

  return {
    file,
    text,
    between: position,
    at,
    diagnostic: (path, { code, message, hint, severity = "error", key = false }) => ({
      file,
      ...at(path, { key }),
      severity,
      code,
      path: formatPath(path),
      message,
      ...(hint !== undefined && { hint }),
    }),
    offsetIn(path, start, end) {
      const node = locate(doc, path).value;
      if (!isScalar(node) || typeof node.value !== "string" || !node.range) return at(path);
      const offsets = sourceOffsets(text, node.range[0], node.range[1], node.value);
      const from = offsets[Math.min(start, offsets.length - 1)] ?? node.range[0];
      const to = offsets[Math.min(Math.max(end, start + 1), offsets.length - 1)] ?? node.range[1];
      return position(from, Math.max(to, from + 1));
    },
  };
}

/** `devices[0].driver`; keys that are not plain words are quoted: `labels["a b"]`. */
export function formatPath(path: Path): string {
  let written = "";
  for (const step of path) {
    if (typeof step === "number") written += `[${step}]`;
    else if (/^[\w-]+$/.test(step)) written += written === "" ? step : `.${step}`;
    else written += `[${JSON.stringify(step)}]`;
  }
  return written;
}

type Found = { readonly key: Node | null; readonly value: Node | null };

/** The node at a path; where the path ends early, the last node there was: its own key stands for what is missing. */
function locate(doc: Document, path: Path): Found {
  let found: Found = { key: null, value: doc.contents as Node | null };
  for (const step of path) {
    const next = child(resolved(doc, found.value), step);
    if (next === null) return { key: found.key, value: found.key ?? firstKey(found.value) };
    found = next;
  }
  return found;
}

/** The node of `step` in a map or list; null when it is not there. */
function child(node: Node | null, step: string | number): Found | null {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
    if (pair === undefined) return null;
    return { key: isNode(pair.key) ? pair.key : null, value: isNode(pair.value) ? pair.value : null };
  }
  if (isSeq(node)) {
    const item = node.items[Number(step)];
    return isNode(item) ? { key: null, value: item } : null;
  }
  return null;
}

/** An underline below a whole map helps nobody: its first key stands for it. */
function firstKey(node: Node | null): Node | null {
  if (!isCollection(node)) return node;
  const first = node.items[0];
  if (isPair(first) && isNode(first.key)) return first.key;
  return node;
}

function resolved(doc: Document, node: Node | null): Node | null {
  return isAlias(node) ? ((node.resolve(doc) as Node | undefined) ?? null) : node;
}

/** Is the value at `path` written in flow style (`{…}`, `[…]`)? */
export function isFlow(doc: Document, path: Path): boolean {
  const node = locate(doc, path).value;
  return isCollection(node) && node.flow === true;
}

function trimmedLength(text: string, start: number, end: number): number {
  return text.slice(start, end).trimEnd().length;
}

const ESCAPE = /^\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r?\n[ \t]*|.)/;

/**
 * For each character of a decoded scalar, where it stands in the source, and one more for its end. Walks both texts
 * side by side: a fold or an indentation is white space that the source has more of, an escape is one character that
 * the source writes in several. Linear in the source.
 */
function sourceOffsets(text: string, start: number, end: number, value: string): number[] {
  const quote = text[start] === '"' || text[start] === "'" ? text[start] : null;
  let at = quote !== null ? start + 1 : start;
  if (text[start] === "|" || text[start] === ">") at = afterLine(text, start);
  const offsets: number[] = [];
  for (let i = 0; i < value.length; i++) {
    const wanted = value[i];
    if (wanted !== " " && wanted !== "\n") at = skipBlank(text, at, end, wanted);
    offsets.push(at);
    at += sourceLength(text, at, { end, quote, wanted });
  }
  offsets.push(Math.min(at, end));
  return offsets;
}

function sourceLength(
  text: string,
  at: number,
  context: { end: number; quote: string | null; wanted: string | undefined },
): number {
  if (context.quote === '"' && text[at] === "\\") return ESCAPE.exec(text.slice(at, at + 128))?.[0].length ?? 1;
  if (context.quote === "'" && text.startsWith("''", at)) return 2;
  if (context.wanted === " " && text[at] === "\n") return skipBlank(text, at, context.end, undefined) - at;
  return 1;
}

function skipBlank(text: string, from: number, end: number, wanted: string | undefined): number {
  let at = from;
  while (at < end && text[at] !== wanted && /\s/.test(text[at] ?? "")) at++;
  return at;
}

function afterLine(text: string, at: number): number {
  const lineEnd = text.indexOf("\n", at);
  return lineEnd < 0 ? text.length : lineEnd + 1;
}
