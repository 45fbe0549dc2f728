/** Why an action is not done. `conflict`: somebody else acted first; fetch the incident again. */
export type Refusal = { readonly code: "conflict" | "not_allowed"; readonly message: string };
