import type { StateStore } from "../store.ts";

/** The store of a case: empty when it begins, and after `reopen` another one over the same data. */
export type Tested = {
  readonly store: StateStore;
  reopen(): Promise<void>;
};

export const HOSTILE = ["o'hara", '"; drop table incidents; --', "%_\\", "größe 🖨️ ラベル", "a\nb", "$1 ? :x"];
