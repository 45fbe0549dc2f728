/** The stream's health as a machine over time: what happened and when in, what to do and what to show out. */

/** The collector beats every few seconds; this much silence counts as lost, whatever the socket says. */
export const SILENCE_MAX_MS = 12_000;
/** From this age on the view is called stale, in letters that are read across the room. */
export const STALE_AFTER_MS = 15_000;
/** Waits between attempts; the last one repeats. Short, for the collector is near and its restart takes seconds. */
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000] as const;

export type Connection =
  | { readonly phase: "connecting" }
  | { readonly phase: "live"; readonly heardAt: number }
  | {
      readonly phase: "lost";
      readonly lostAt: number;
      /** When the collector was last heard, or null if never. */
      readonly heardAt: number | null;
      readonly attempts: number;
    };

export type Health =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  | { readonly kind: "reconnecting"; readonly since: number }
  | { readonly kind: "stale"; readonly since: number; readonly ageMs: number };

export const heard = (nowMs: number): Connection => ({ phase: "live", heardAt: nowMs });

export function failed(connection: Connection, nowMs: number): Connection {
  if (connection.phase === "lost") return { ...connection, attempts: connection.attempts + 1 };
  return {
    phase: "lost",
    lostAt: nowMs,
    heardAt: connection.phase === "live" ? connection.heardAt : null,
    attempts: 1,
  };
}

export function retryDelayMs(connection: Connection): number {
  if (connection.phase !== "lost") return 0;
  return RETRY_MS[Math.min(connection.attempts, RETRY_MS.length) - 1] ?? RETRY_MS[0];
}

export function healthOf(connection: Connection, nowMs: number): Health {
  if (connection.phase === "connecting") return { kind: "connecting" };
  if (connection.phase === "live") return { kind: "live" };
  const ageMs = nowMs - (connection.heardAt ?? connection.lostAt);
  if (ageMs >= STALE_AFTER_MS) return { kind: "stale", since: connection.lostAt, ageMs };
  return { kind: "reconnecting", since: connection.lostAt };
}
