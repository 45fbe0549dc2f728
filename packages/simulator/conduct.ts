/** How a device behaves on its line, whatever its state: a fault of the way there, not of the printer. */
export type Conduct =
  | { readonly kind: "normal" }
  /** No answer at all: no power, or no way to it. */
  | { readonly kind: "silent" }
  | { readonly kind: "slow"; readonly delayMs: number }
  /** Bytes that mean nothing come back. */
  | { readonly kind: "garbage" };

export const NORMAL: Conduct = { kind: "normal" };
export const SILENT: Conduct = { kind: "silent" };
