/**
 * What is wrong in a file that a person wrote: where, what was expected, what stood there, what to do. The code is
 * stable and explained in docs/diagnostics.md; wording may improve.
 */
export type Diagnostic = {
  readonly file: string;
  /** From 1; 0 when the whole file is meant (missing, unreadable). */
  readonly line: number;
  readonly column: number;
  /** How many columns the offending text takes, for the underline; at least 1. */
  readonly length: number;
  /** An error refuses the file; a warning is likely a slip; info is advice. */
  readonly severity: "error" | "warning" | "info";
  readonly code: string;
  /** Where in the document, as `devices[0].driver`; empty for the whole file. */
  readonly path: string;
  /** What was expected and what was received, in one sentence. */
  readonly message: string;
  /** What to do, or `did you mean "snmp"?` */
  readonly hint?: string;
};
