import { z } from "zod";

/** What a parser of one written value says: the value, or why not. `hint` tells what to write instead. */
export type Written<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code?: string; readonly message?: string; readonly hint?: string };

/**
 * A schema for a value with a notation of its own ("10s", "512MiB", "file:community"). `expected` completes the
 * sentence "expected …"; the diagnostic adds what was received.
 */
export function asWritten<T>(expected: string, parse: (written: unknown) => Written<T>): z.ZodType<T> {
  return z.unknown().transform((input, context): T => {
    const parsed = parse(input);
    if (parsed.ok) return parsed.value;
    context.issues.push({
      code: "custom",
      input,
      message: parsed.message ?? `expected ${expected}`,
      params: {
        expected: parsed.message === undefined ? expected : undefined,
        code: parsed.code ?? (typeof input === "string" ? "CFG_FORMAT" : "CFG_TYPE"),
        hint: parsed.hint,
      },
    });
    return z.NEVER;
  });
}
