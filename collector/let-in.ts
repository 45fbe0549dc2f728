/**
 * Agents that were let in, for a broker that signs them in itself: asked for each message, so it is kept in memory, and read
 * anew every few seconds, since `aislewatch agents add` is another process.
 */
import type { Clock } from "@aislewatch/base";

const LOOK_MS = 2_000;

export type LetIn = {
  has(site: string, agent: string): boolean;
  /** Reads them now: one was taken out. */
  look(): void;
};

/** `read` may throw, while the state store can't be read: then they stay as they were. */
export function createLetIn(clock: Clock, read: () => readonly { site: string; agent: string }[]): LetIn {
  let known: ReadonlySet<string> = new Set();
  let lookedMs = Number.NEGATIVE_INFINITY;

  function look(): void {
    lookedMs = clock.monotonic();
    try {
      known = new Set(read().map(({ site, agent }) => `${site}/${agent}`));
    } catch {
      // The state store says so itself.
    }
  }

  return {
    look,
    has(site, agent) {
      if (clock.monotonic() - lookedMs >= LOOK_MS) look();
      return known.has(`${site}/${agent}`);
    },
  };
}
