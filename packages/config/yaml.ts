/**
 * YAML 1.2 text to a typed value, or every mistake in it at once. The tree is YAML's core schema: no tags, no merge
 * keys, no dates; what YAML only warns of is an error here, for it never means what its author thought. Schema checks
 * run when the text could be read, so one run shows all of them.
 *
 * Limits: LIMITS below. The text is a person's, but a mistaken `--config /dev/zero` or an alias bomb must end soon.
 */
import { type Document, LineCounter, parseDocument, visit, type YAMLError } from "yaml";
import type { z } from "zod";
import type { Diagnostic } from "./diagnostic.ts";
import { issueDiagnostics } from "./issues.ts";
import { isFlow, type YamlSource, yamlSource } from "./source.ts";

export const CONFIG_LIMITS = {
  /** A rule pack of a thousand rules is about 300 KiB; a megabyte is no configuration any more. */
  fileBytesMax: 1024 * 1024,
  /** How often aliases may be expanded in one file (the "billion laughs" guard). */
  aliasesMax: 100,
  /** More mistakes than this in one file are one mistake: the wrong file. */
  diagnosticsMax: 100,
} as const;

export type YamlResult<T> =
  | { readonly ok: true; readonly value: T; readonly source: YamlSource }
  | { readonly ok: false; readonly diagnostics: Diagnostic[] };

/** Reads one document; never throws. */
export function parseYaml<T>(input: { file: string; text: string }, schema: z.ZodType<T>): YamlResult<T> {
  const { file } = input;
  if (input.text.length > CONFIG_LIMITS.fileBytesMax) {
    const message = `expected at most ${CONFIG_LIMITS.fileBytesMax} bytes; received ${input.text.length}`;
    return { ok: false, diagnostics: [wholeFile(file, "CFG_TOO_LARGE", message)] };
  }
  // A byte order mark would shift every column of the first line.
  const text = input.text.replace(/^\uFEFF/, "");
  const lines = new LineCounter();
  let doc: Document;
  let root: unknown;
  try {
    doc = parseDocument(text, { version: "1.2", lineCounter: lines, prettyErrors: false, strict: true });
  } catch {
    return { ok: false, diagnostics: [wholeFile(file, "CFG_SYNTAX", "this YAML is nested too deeply to be read")] };
  }
  const source = yamlSource({ file, text }, doc, lines);
  const unreadable = doc.errors.filter((error) => error.code !== "DUPLICATE_KEY");
  const told = [...doc.errors, ...doc.warnings].map((error) => syntaxDiagnostic(error, source, lines));
  const syntax = withoutConsequences(unreadable.length > 0 ? [...oddIndentation(source), ...told] : told);
  if (unreadable.length > 0) return { ok: false, diagnostics: oneALine(syntax) };
  try {
    root = doc.toJS({ maxAliasCount: CONFIG_LIMITS.aliasesMax });
  } catch (thrown) {
    return { ok: false, diagnostics: oneALine([...syntax, aliasDiagnostic(thrown, doc, source)]) };
  }
  const parsed = schema.safeParse(root, { reportInput: false });
  const issues = parsed.success
    ? []
    : issueDiagnostics(parsed.error.issues, { source, schema, root, isFlow: (path) => isFlow(doc, path) });
  const diagnostics = [...oneALine(syntax), ...issues];
  if (parsed.success && diagnostics.length === 0) return { ok: true, value: parsed.data, source };
  return { ok: false, diagnostics: inOrder(diagnostics).slice(0, CONFIG_LIMITS.diagnosticsMax) };
}

/** A diagnostic about a file as a whole: missing, unreadable, too large. */
export function wholeFile(file: string, code: string, message: string, hint?: string): Diagnostic {
  return {
    file,
    line: 0,
    column: 0,
    length: 1,
    severity: "error",
    code,
    path: "",
    message,
    ...(hint !== undefined && { hint }),
  };
}

const SYNTAX_CODES: Readonly<Record<string, string>> = { TAB_AS_INDENT: "CFG_TAB", DUPLICATE_KEY: "CFG_DUPLICATE_KEY" };

function syntaxDiagnostic(error: YAMLError, source: YamlSource, lines: LineCounter): Diagnostic {
  const [start, end] = error.pos;
  const { line, col } = lines.linePos(Math.min(start, source.text.length));
  const written = source.text.split("\n", line)[line - 1] ?? "";
  const whole = error.code === "DUPLICATE_KEY" ? keyLength(written.slice(col - 1)) : end - start;
  const length = Math.max(1, Math.min(whole, written.trimEnd().length - col + 1));
  const word = written.slice(col - 1, col - 1 + length);
  const hint = syntaxHint(error, written, source.text.slice(0, start));
  return {
    file: source.file,
    line: Math.max(1, line),
    column: Math.max(1, col),
    length,
    severity: "error",
    code: SYNTAX_CODES[error.code] ?? "CFG_SYNTAX",
    path: error.code === "DUPLICATE_KEY" ? word : "",
    message: syntaxMessage(error, word),
    ...(hint !== undefined && { hint }),
  };
}

/** yaml marks one character of a repeated key. */
const keyLength = (text: string): number => /^(?:"[^"]*"|'[^']*'|[^\s:]+)/.exec(text)?.[0].length ?? 1;

/** Blanks that look like spaces and are none: pasted from a page or a mail. */
const ODD_BLANK = /^([ \t]*)([\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff])/m;

/** The first line that is indented with such; YAML itself complains of the lines after it. */
function oddIndentation(source: YamlSource): Diagnostic[] {
  const found = ODD_BLANK.exec(source.text);
  if (found === null) return [];
  const [, before = "", blank = ""] = found;
  const start = found.index + before.length;
  const code = (blank.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return [
    {
      file: source.file,
      ...source.between(start, start + 1),
      ...{ severity: "error", code: "CFG_SYNTAX", path: "" },
      message: `expected spaces; received U+${code}, another kind of blank, as indentation`,
      hint: "indent with spaces; it was pasted from somewhere",
    },
  ];
}

/** Behind a wrong indentation every line is wrong: the first says it. */
function withoutConsequences(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const cause = inOrder(diagnostics).find(
    ({ code, message }) => code === "CFG_TAB" || message.startsWith("expected spaces"),
  );
  return cause === undefined
    ? diagnostics
    : diagnostics.filter((each) => each === cause || each.line < cause.line || each.code === "CFG_TAB");
}

function syntaxMessage(error: YAMLError, word: string): string {
  if (error.code === "DUPLICATE_KEY") return `expected each key once; received "${word}" again`;
  if (error.code === "TAB_AS_INDENT") return "expected spaces; received a tab as indentation";
  if (error.code === "MULTIPLE_DOCS") return "expected one document; received a second one after ---";
  if (/call stack/i.test(error.message)) return "expected YAML that is not nested as deeply";
  return `expected valid YAML: ${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`;
}

/** `when: a ? b : c` and its like: a condition that YAML takes for its own punctuation. */
const BARE_CONDITION =
  /(?:^|[\s{,])(when|clear|select|raise|condition|until|unless)\s*:\s*(?!["'|>{]\s*$)(?=.*(?:[?!&|=<>]|[{}[\],]))/;

function syntaxHint(error: YAMLError, line: string, before: string): string | undefined {
  if (error.code === "TAB_AS_INDENT") return "indent with spaces; YAML knows no tabs";
  if (error.code === "DUPLICATE_KEY") return undefined;
  const key = BARE_CONDITION.exec(line)?.[1] ?? BARE_CONDITION.exec(before.split("\n").at(-2) ?? "")?.[1];
  if (key !== undefined) return `quote the condition: ${key}: '…'; YAML reads ? : { } [ ] , ! & * and quotes itself`;
  if (error.code === "BLOCK_AS_IMPLICIT_KEY") return `put text that holds ": " into quotes`;
  if (error.code === "BAD_SCALAR_START" || error.code === "TAG_RESOLVE_FAILED") return `put the text into quotes: "…"`;
  return undefined;
}

function aliasDiagnostic(thrown: unknown, doc: Document, source: YamlSource): Diagnostic {
  if (!(thrown instanceof ReferenceError) || !thrown.message.startsWith("Unresolved alias")) {
    const message = `expected at most ${CONFIG_LIMITS.aliasesMax} expanded aliases in a file`;
    return wholeFile(source.file, "CFG_SYNTAX", message);
  }
  let start = 0;
  visit(doc, {
    Alias(_, alias) {
      if (alias.resolve(doc) !== undefined) return undefined;
      start = alias.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  const name = /^\*[^\s,[\]{}]*/.exec(source.text.slice(start))?.[0] ?? "*";
  return {
    file: source.file,
    ...source.between(start, start + name.length),
    severity: "error",
    code: "CFG_SYNTAX",
    path: "",
    message: `expected an anchor &${name.slice(1)} before its alias; received ${name}`,
    hint: "put text that begins with * into quotes",
  };
}

/** One slip makes YAML complain several times over; the first complaint of a line is the true one. */
function oneALine(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<number>();
  return inOrder(diagnostics).filter(({ line }) => !seen.has(line) && seen.add(line));
}

const inOrder = (diagnostics: readonly Diagnostic[]): Diagnostic[] =>
  [...diagnostics].sort((a, b) => a.line - b.line || a.column - b.column);
