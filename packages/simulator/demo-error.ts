import { suggest } from "@aislewatch/config";

/** A request about a device or fault that there is none of; says what there is. */
export type DemoError = {
  readonly code: "unknown_device" | "unknown_fault";
  readonly message: string;
  readonly known: readonly string[];
};

export function unknownName(
  what: { readonly code: DemoError["code"]; readonly noun: string; readonly of: string },
  received: string,
  known: readonly string[],
): DemoError {
  const likely = suggest(received, known);
  const hint = likely === null ? "" : ` Did you mean "${likely}"?`;
  return {
    code: what.code,
    message: `${what.of} has no ${what.noun} "${received.slice(0, 80)}".${hint} There is: ${known.join(", ")}.`,
    known,
  };
}
