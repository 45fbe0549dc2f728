/**
 * Why an action is not done. `conflict`: somebody else acted first, look again. `not_allowed`: its state does not allow
 * it. `text_needed`: say why, and it will be done.
 */
export type Refusal = { readonly code: "conflict" | "not_allowed" | "text_needed"; readonly message: string };
