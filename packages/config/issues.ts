/**
 * zod's issues as diagnostics: what was expected in the words of the file, what was received, and what to do. Works
 * from the value itself, so that a schema's own checks and ours read alike.
 */
import type { z } from "zod";
import type { Diagnostic } from "./diagnostic.ts";
import { isSecretKey, maskUrlPasswords, SECRET_CODE } from "./secret.ts";
import { isRecord, knownKeys } from "./shape.ts";
import type { Path, YamlSource } from "./source.ts";
import { suggest } from "./suggest.ts";

type Issue = z.core.$ZodIssue;
type Context = {
  readonly source: YamlSource;
  readonly schema: z.core.$ZodType;
  readonly root: unknown;
  readonly isFlow: (path: Path) => boolean;
};
type Complaint = { code: string; message: string; hint?: string | undefined; key?: boolean };

/** Deeper unions in unions than anyone writes; zod's issue trees are finite, this keeps ours shallow. */
const UNION_DEPTH_MAX = 8;

/** Keys whose text is a CEL condition: YAML cuts `a, b`, `? :` and `{}` when nobody quotes it. */
const CONDITION_KEY = /^(?:when|clear|select|raise|minor|major|critical|info|condition|until|unless)$/;

export function issueDiagnostics(issues: readonly Issue[], context: Context): Diagnostic[] {
  const found = issues.flatMap((issue) => fromIssue(issue, [], context, 0));
  return withoutEchoes(found).map(({ path, complaint }) => {
    const { hint, ...rest } = complaint;
    return context.source.diagnostic(path, { ...rest, ...(hint !== undefined && { hint }) });
  });
}

type Found = { readonly path: Path; readonly complaint: Complaint; readonly suggested?: string | null };

/** A misspelt key is one mistake, not two: what is missing only because it is misspelt is not said again. */
function withoutEchoes(found: readonly Found[]): Found[] {
  const explained = new Set(
    found.flatMap(({ path, suggested }) => (suggested ? [JSON.stringify([...path.slice(0, -1), suggested])] : [])),
  );
  // What a merge key was to bring is missing for that reason.
  const merged = new Set(
    found.flatMap(({ path }) => (path.at(-1) === "<<" ? [JSON.stringify(path.slice(0, -1))] : [])),
  );
  return found.filter(
    ({ path, complaint }) =>
      complaint.code !== "CFG_MISSING_KEY" ||
      !(explained.has(JSON.stringify(path)) || merged.has(JSON.stringify(path.slice(0, -1)))),
  );
}

function fromIssue(issue: Issue, base: Path, context: Context, depth: number): Found[] {
  const path = [...base, ...issue.path.map((step) => (typeof step === "number" ? step : String(step)))];
  const value = valueAt(context.root, path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey(key, path, context));
  }
  if (issue.code === "invalid_union") return fromUnion(issue, path, context, depth);
  if (issue.code === "invalid_key") {
    return [{ path, complaint: { ...keyComplaint(issue), key: true } }];
  }
  if (value === undefined) return [{ path, complaint: missingKey(path) }];
  return [{ path, complaint: valueComplaint(issue, value, path, context) }];
}

function unknownKey(key: string, parent: Path, context: Context): Found {
  const known = knownKeys(context.schema, parent, context.root);
  const present = valueAt(context.root, parent);
  const free = known.filter((name) => !isRecord(present) || present[name] === undefined);
  const suggested = suggest(key, free);
  const path = [...parent, key];
  const hint =
    (key === "<<" ? "merge keys are not read: write the keys out" : undefined) ??
    cutByYaml(path, key, context) ??
    notBeside(key, known, present) ??
    (suggested === null ? undefined : `did you mean "${suggested}"?`);
  const expected = known.length === 0 ? "no keys here" : `one of: ${known.join(", ")}`;
  return {
    path,
    suggested,
    complaint: { code: "CFG_UNKNOWN_KEY", message: `expected ${expected}; received ${quoted(key)}`, hint, key: true },
  };
}

/** A key of one form among those of another: it is known, and can't stand there. */
function notBeside(key: string, known: readonly string[], present: unknown): string | undefined {
  if (!known.includes(key) || !isRecord(present)) return undefined;
  const others = Object.keys(present).filter((name) => name !== key && known.includes(name));
  return others.length === 0 ? undefined : `it can't stand beside ${others.map(quoted).join(" and ")}`;
}

/** `{ when: size(a, b) > 2 }` gives a key `b) > 2` without a value: the condition before it was cut at its comma. */
function cutByYaml(path: Path, key: string, context: Context): string | undefined {
  const siblings = valueAt(context.root, path.slice(0, -1));
  if (valueAt(context.root, path) !== null || !isRecord(siblings) || !context.isFlow(path.slice(0, -1)))
    return undefined;
  const names = Object.keys(siblings);
  const before = names.slice(0, names.indexOf(key)).findLast((name) => CONDITION_KEY.test(name));
  const within = path.at(-2);
  if (before !== undefined) return `quote the condition: ${before}: "…"; YAML cuts unquoted text at commas`;
  return typeof within === "string" && CONDITION_KEY.test(within) ? quoteIt(within) : undefined;
}

const quoteIt = (key: string): string => `quote the condition: ${key}: "…"; YAML reads { } [ ] , : and ? itself`;

function missingKey(path: Path): Complaint {
  const key = path.at(-1);
  return { code: "CFG_MISSING_KEY", message: `expected the key "${key}", which is missing` };
}

function keyComplaint(issue: Extract<Issue, { code: "invalid_key" }>): Complaint {
  const inner = issue.issues[0];
  const key = quoted(String(issue.path.at(-1) ?? ""));
  if (inner?.code === "invalid_value") {
    const options = inner.values.map(String);
    return optionComplaint("CFG_UNKNOWN_KEY", options, String(issue.path.at(-1) ?? ""), key);
  }
  return { code: "CFG_UNKNOWN_KEY", message: `expected a key ${formatExpectation(inner)}; received ${key}` };
}

/**
 * Of a union the branch that the value comes nearest to speaks: the one whose complaints lie deepest. When none got
 * past its first look, all are named.
 */
function fromUnion(
  issue: Extract<Issue, { code: "invalid_union" }>,
  path: Path,
  context: Context,
  depth: number,
): Found[] {
  const value = valueAt(context.root, path);
  if ("discriminator" in issue && issue.errors.length === 0) {
    const options = "options" in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
    if (value === undefined) return [{ path, complaint: missingKey(path) }];
    return [{ path, complaint: optionComplaint("CFG_VALUE", options, String(value), received(value, path)) }];
  }
  if (value === undefined) return [{ path, complaint: missingKey(path) }];
  const branches = issue.errors.map((errors) => errors.filter((error) => error !== undefined));
  const inside = branches.filter((errors) => !errors.some((error) => error.path.length === 0 && isMismatch(error)));
  const nearest = inside.sort((a, b) => a.length - b.length)[0];
  if (nearest !== undefined && depth < UNION_DEPTH_MAX) {
    return nearest.flatMap((error) => fromIssue(error, path, context, depth + 1));
  }
  const flat = branches.flatMap((errors) => errors.slice(0, 1));
  const choices = flat.flatMap((error) => (error.code === "invalid_value" ? error.values.map(String) : []));
  const expected = [...new Set(flat.map(formatExpectation))].join(" or ");
  const near = typeof value === "string" ? suggest(value, choices) : null;
  return [
    {
      path,
      complaint: {
        code: choices.length > 0 ? "CFG_VALUE" : "CFG_TYPE",
        message: sentence(`expected ${expected}`, value, path),
        hint: near === null ? typeHint(value, path, "string", context) : `did you mean "${near}"?`,
      },
    },
  ];
}

const isMismatch = (error: Issue): boolean => error.code === "invalid_type" || error.code === "invalid_value";

function valueComplaint(issue: Issue, value: unknown, path: Path, context: Context): Complaint {
  if (issue.code === "custom") return customComplaint(issue, value, path);
  if (issue.code === "invalid_value") {
    const options = issue.values.map(String);
    const complaint = optionComplaint("CFG_VALUE", options, String(value), received(value, path));
    const isOfText = issue.values.some((one) => typeof one === "string");
    return { ...complaint, hint: complaint.hint ?? (isOfText ? typeHint(value, path, "string", context) : undefined) };
  }
  const message = sentence(`expected ${formatExpectation(issue)}`, value, path);
  if (issue.code === "invalid_type") {
    return { code: "CFG_TYPE", message, hint: typeHint(value, path, issue.expected, context) };
  }
  if (issue.code === "invalid_format") return { code: "CFG_FORMAT", message };
  if (issue.code === "too_big" || issue.code === "too_small" || issue.code === "not_multiple_of") {
    return { code: "CFG_RANGE", message };
  }
  return { code: "CFG_VALUE", message };
}

/** A schema's own check: `params` may carry a stable code, a hint, and `expected` to which what was received is added. */
function customComplaint(issue: Extract<Issue, { code: "custom" }>, value: unknown, path: Path): Complaint {
  const { code, hint, expected } = issue.params ?? {};
  const stable = typeof code === "string" ? code : "CFG_VALUE";
  const secret = stable === SECRET_CODE;
  return {
    code: stable,
    message:
      typeof expected === "string" && !secret
        ? sentence(issue.message, value, path)
        : secret
          ? `${issue.message}; received a literal`
          : issue.message,
    ...(typeof hint === "string" && { hint }),
  };
}

function optionComplaint(code: string, options: readonly string[], value: string, shown: string): Complaint {
  const near = suggest(value, options);
  const one = options.length === 1 ? options[0] : `one of: ${options.join(", ")}`;
  return {
    code,
    message: `expected ${one}; received ${shown}`,
    ...(near !== null && near !== value && { hint: `did you mean "${near}"?` }),
  };
}

/** Usual slips: numbers and booleans in quotes, `yes` for true, a condition or a text that YAML took for structure. */
function typeHint(value: unknown, path: Path, expected: string, context: Context): string | undefined {
  const key = path.at(-1);
  const isCondition = typeof key === "string" && CONDITION_KEY.test(key);
  if (expected === "string" || expected === "object" || expected === "record") {
    if (isCondition && typeof value === "object" && context.isFlow(path)) return quoteIt(key);
    if (expected !== "string") return undefined;
    if (typeof value === "object" && value !== null && context.isFlow(path)) return `put text into quotes: "…"`;
    if (typeof value === "number" || typeof value === "boolean")
      return `put it into quotes to make it text: "${value}"`;
    return undefined;
  }
  if (typeof value !== "string") return undefined;
  if (expected === "array") return /^[\w./-]{1,60}$/.test(value) ? `write [${value}]` : undefined;
  if (expected === "number" || expected === "int") {
    return value.trim() !== "" && Number.isFinite(Number(value)) ? `remove the quotes: ${Number(value)}` : undefined;
  }
  if (expected !== "boolean") return undefined;
  if (/^(?:yes|on|true)$/i.test(value)) return "write true";
  return /^(?:no|off|false)$/i.test(value) ? "write false" : undefined;
}

/** What a value is not, as a noun phrase: "a number", "text", "at most 5", "one of: a, b". */
function formatExpectation(issue: Issue | undefined): string {
  switch (issue?.code) {
    case "invalid_type":
      return TYPE_WORDS[issue.expected] ?? issue.expected;
    case "invalid_value":
      return issue.values.length === 1 ? String(issue.values[0]) : `one of: ${issue.values.join(", ")}`;
    case "too_big":
      return size(issue.inclusive === false ? "less than" : "at most", issue.maximum, issue.origin);
    case "too_small":
      return size(issue.inclusive === false ? "more than" : "at least", issue.minimum, issue.origin);
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "invalid_format":
      return formatWords(issue);
    case "custom":
    case "invalid_key":
    case "invalid_element":
    case "invalid_union":
    case "unrecognized_keys":
      return issue.message.replace(/^expected /, "");
    default:
      return "something else";
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a map of keys",
  record: "a map of keys",
  array: "a list",
  tuple: "a list",
  null: "nothing",
};

function size(relation: string, limit: number | bigint, origin: string): string {
  const unit = { string: " characters", array: " items", set: " items", map: " items" }[origin] ?? "";
  return `${relation} ${limit}${limit === 1 ? unit.replace(/s$/, "") : unit}`;
}

function formatWords(issue: Extract<Issue, { code: "invalid_format" }>): string {
  // A schema that gives its check a message of its own says it better than its regular expression.
  if (!issue.message.startsWith("Invalid ")) return issue.message.replace(/^expected /, "");
  if (issue.format === "regex") return `text that matches ${issue.pattern ?? "a pattern"}`;
  return `a valid ${issue.format}`;
}

function sentence(expected: string, value: unknown, path: Path): string {
  return `${expected}; received ${received(value, path)}`;
}

/** What stood there, in short; what may be a secret is not shown. */
function received(value: unknown, path: Path): string {
  if (path.some(isSecretKey) && (typeof value === "string" || typeof value === "number")) return "a literal";
  if (value === null) return "nothing";
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return "a map";
  return String(value);
}

const SHOWN_CHARS_MAX = 60;
function quoted(text: string): string {
  const shown = maskUrlPasswords(text);
  return JSON.stringify(shown.length > SHOWN_CHARS_MAX ? `${shown.slice(0, SHOWN_CHARS_MAX)}…` : shown);
}

function valueAt(root: unknown, path: Path): unknown {
  let here = root;
  for (const step of path) {
    if (Array.isArray(here)) here = here[Number(step)];
    else if (isRecord(here)) here = Object.hasOwn(here, String(step)) ? here[String(step)] : undefined;
    else return undefined;
  }
  return here;
}
