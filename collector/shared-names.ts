/**
 * Two processes that sign in as one agent: a host that was cloned, or an agent.yaml that was copied. The broker lets only
 * one of them stay, so each throws the other out, every few seconds and for ever. Nothing is lost by that (each has an
 * outbox and an epoch of its own), and every device of the file is polled and stored twice.
 *
 * A process says in each status when it was started. One that speaks again after another has spoken under its name is
 * not over; one late message from before a restart can look like that twice, so it takes more. Pure but for its memory;
 * times are milliseconds of a monotonic clock.
 */

/** A status of the past that a bridge delivers late counts for two. */
const RETURNS_MIN = 3;
/** Within this time; and how long the last one is remembered, so that the fault does not come and go. */
const WITHIN_MS = 600_000;

type Known = {
  now: string;
  before: string | null;
  /** When one of the two came back, the last RETURNS_MIN times. */
  returns: number[];
};

export type SharedNames = {
  /** A process said that it is online. The caller bounds the agents. */
  heard(agent: string, process: { readonly startedAt: number; readonly host: string }, nowMs: number): void;
  isShared(agent: string, nowMs: number): boolean;
  forget(agent: string): void;
};

export function createSharedNames(): SharedNames {
  const agents = new Map<string, Known>();

  return {
    heard(agent, { startedAt, host }, nowMs) {
      const process = `${startedAt} ${host}`;
      const known = agents.get(agent);
      if (known === undefined) {
        agents.set(agent, { now: process, before: null, returns: [] });
        return;
      }
      if (process === known.now) return;
      if (process === known.before) known.returns = [...known.returns, nowMs].slice(-RETURNS_MIN);
      known.before = known.now;
      known.now = process;
    },
    isShared(agent, nowMs) {
      const { returns = [] } = agents.get(agent) ?? {};
      return returns.filter((at) => nowMs - at < WITHIN_MS).length >= RETURNS_MIN;
    },
    forget: (agent) => void agents.delete(agent),
  };
}
