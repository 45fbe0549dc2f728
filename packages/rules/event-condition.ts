/**
 * The condition of a rule over events: CEL over what an event says, all of it text. Events are rare, so cel-js
 * evaluates it itself.
 */
import { errorText } from "@aislewatch/base";
import { suggest } from "@aislewatch/config";
import { Environment, ParseError, TypeError as TypeMistake } from "@marcbachmann/cel-js";
import { type Problem, syntaxHint } from "./condition.ts";
import { patternProblems } from "./pattern.ts";

/** An event of a device, as its conditions see it; `component` is empty for the device itself. */
export type EventFacts = {
  readonly code: string;
  readonly detail: string;
  readonly device: string;
  readonly component: string;
};

const FIELDS = ["code", "detail", "device", "component"] as const satisfies readonly (keyof EventFacts)[];

const ENVIRONMENT = FIELDS.reduce(
  (environment, field) => environment.registerVariable(field, "string"),
  new Environment({ limits: { maxDepth: 32 } }),
);

export type EventCondition = (event: EventFacts) => boolean;

export type CheckedEventCondition =
  | { readonly ok: true; readonly value: EventCondition }
  | { readonly ok: false; readonly error: readonly Problem[] };

/** Never throws. */
export function checkEventCondition(text: string): CheckedEventCondition {
  try {
    const parsed = ENVIRONMENT.parse(text);
    const patterns = patternProblems(parsed.ast, "RULE_CONDITION");
    if (patterns.length > 0) return { ok: false, error: patterns };
    const checked = parsed.check();
    if (!checked.valid) return { ok: false, error: [problemOf(text, checked.error)] };
    if (checked.type !== "bool") {
      return { ok: false, error: [whole(text, `expected true or false; this is a ${checked.type}`)] };
    }
    return { ok: true, value: (event) => holds(parsed, event) };
  } catch (thrown) {
    return { ok: false, error: [problemOf(text, thrown)] };
  }
}

function holds(evaluate: (context: Record<string, unknown>) => unknown, event: EventFacts): boolean {
  try {
    return evaluate({ ...event }) === true;
  } catch {
    return false; // A pattern that does not fit what a device wrote, for example.
  }
}

const whole = (text: string, message: string): Problem => ({
  start: 0,
  end: Math.max(1, text.length),
  code: "RULE_CONDITION",
  message,
});

function problemOf(text: string, thrown: unknown): Problem {
  const isCel = thrown instanceof ParseError || thrown instanceof TypeMistake;
  const said = isCel ? thrown.summary : errorText(thrown);
  const range = isCel ? thrown.range : undefined;
  const unknown = /^Unknown variable: (\w+)/.exec(said)?.[1];
  const near = unknown === undefined ? null : suggest(unknown, FIELDS);
  const words = thrown instanceof ParseError ? (syntaxHint(text) ?? null) : null;
  const message = `expected a condition on an event in CEL; ${said.charAt(0).toLowerCase()}${said.slice(1)}`;
  const hint =
    near !== null ? `did you mean "${near}"?` : unknown !== undefined ? `fields: ${FIELDS.join(", ")}` : words;
  return {
    ...whole(text, message),
    ...(range !== undefined && { start: range.start, end: Math.max(range.start + 1, range.end) }),
    ...(hint !== null && { hint }),
  };
}
