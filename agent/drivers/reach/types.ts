/** What was tried from this host, one entry a target; nothing that was sent or received but times and dates. */
export type ReachReply = { readonly targets: readonly Tried[] };

export type Tried = {
  readonly name: string;
  readonly how: "echo" | "dns" | "tcp" | "tls";
  /** Null: it could not be tried here, which says nothing of the target. */
  readonly isReached: boolean | null;
  /** Of the echo, the answer, the connection, or the handshake. */
  readonly answerMs: number | null;
  readonly certificate: Certificate | null;
  /** What went wrong, for a person. */
  readonly detail: string | null;
};

export type Certificate = {
  /** Unix ms; of the chain as it was sent, the one that ends first. */
  readonly expiresAtMs: number;
  readonly leftMs: number;
  readonly isTrusted: boolean;
};
