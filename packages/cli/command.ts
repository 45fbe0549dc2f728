import { suggest } from "@aislewatch/config";

/** What a command leaves the process with; the same for both programs (docs/cli.md). */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Wrong words on the command line: the message, and how it should look. Ends the program with 2. */
export class UsageError extends Error {}

/** What somebody typed is none of these. */
export function unknownCommand(typed: string, known: readonly string[]): string {
  const near = suggest(typed, known);
  return `unknown command "${typed}": ${near === null ? `one of ${known.join(", ")}` : `did you mean "${near}"?`}`;
}

export const print = (text: string): void => void process.stdout.write(text);
export const complain = (text: string): void => void process.stderr.write(text);
export const printJson = (value: unknown): void => print(`${JSON.stringify(value, null, 2)}\n`);
