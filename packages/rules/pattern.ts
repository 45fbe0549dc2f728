/**
 * Regular expressions in `select` and in conditions on events (`device.matches("…")`). They run in JavaScript's engine,
 * which goes back on its steps: `(a+)+$` takes hours on thirty letters, and what a device writes of itself is no
 * friend's text. So a pattern is written out, no group is repeated, and few things are repeated without an end: on
 * the 512 characters of an event's detail the worst of those takes a tenth of a second.
 */
import type { ASTNode } from "@marcbachmann/cel-js";
import { childrenOf, type Problem } from "./condition.ts";

const PATTERN_CHARS_MAX = 200;
const ENDLESS_MAX = 2;

/** Problems of all patterns in the tree, at their places. */
export function patternProblems(node: ASTNode, code: string): Problem[] {
  if (node.op !== "rcall") {
    const args = node.op === "call" ? node.args[1] : childrenOf(node);
    return args.flatMap((child) => patternProblems(child, code));
  }
  const [method, receiver, args] = node.args;
  const inside = [receiver, ...args].flatMap((child) => patternProblems(child, code));
  const [pattern] = args;
  if (method !== "matches" || pattern === undefined) return inside;
  const place = { start: pattern.start, end: pattern.end, code };
  const text = pattern.op === "value" && typeof pattern.args === "string" ? pattern.args : null;
  const message = text === null ? "expected a pattern that is written out" : mistakeOf(text);
  if (message === null) return inside;
  return [...inside, { ...place, message, hint: `contains("…") or startsWith("…") will do in most cases` }];
}

function mistakeOf(pattern: string): string | null {
  if (pattern.length > PATTERN_CHARS_MAX) {
    return `expected a pattern of at most ${PATTERN_CHARS_MAX} characters; received ${pattern.length}`;
  }
  try {
    new RegExp(pattern);
  } catch {
    return `expected a regular expression; received ${JSON.stringify(pattern)}`;
  }
  // Without what is escaped, and without classes: both hold signs that mean themselves.
  const bare = pattern.replaceAll(/\\./g, "x").replaceAll(/\[[^\]]*\]/g, "x");
  if (/\)[*+{]/.test(bare)) {
    return "expected a pattern without a repeated group: on some texts it would take hours";
  }
  const endless = bare.match(/[*+]|\{\d+,\}/g)?.length ?? 0;
  if (endless > ENDLESS_MAX) {
    return `expected at most ${ENDLESS_MAX} of * and + in a pattern; received ${endless}`;
  }
  return null;
}
