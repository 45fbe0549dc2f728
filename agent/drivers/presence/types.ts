/** What can be told of a device without a word to it. */
import type { TtyCounters } from "../tty-counters.ts";

export type PresenceReply =
  | { readonly kind: "host"; readonly roundTripMs: number | null }
  | {
      readonly kind: "port";
      readonly attached: boolean;
      /** Programs that have the port open; null when this user may not see those of others and sees none. */
      readonly holders: readonly { readonly pid: number; readonly name: string }[] | null;
      readonly counters: TtyCounters | null;
    };
