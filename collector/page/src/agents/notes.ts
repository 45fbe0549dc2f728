import type { Agent } from "../api/types.ts";
import { age, count, plural } from "../ui/format.ts";

export type AgentNote = { readonly tone: "bad" | "warn" | "quiet"; readonly text: string };

/** Waiting for less is the pause between two acks. */
const BEHIND_SECONDS_MIN = 60;

/** What a person should know of an agent at a glance, the worst first. */
export function notesOf(agent: Agent): AgentNote[] {
  const { online, heard, outbox, clockOffsetSeconds: offset, missingBatches, thinnedSamples, refusedClaims } = agent;
  const owed = agent.owed.live + agent.owed.history;
  const behindSeconds = outbox?.ageSeconds ?? 0;
  const notes: readonly (AgentNote | false)[] = [
    missingBatches > 0 && { tone: "bad", text: `${plural(missingBatches, "batch", "batches")} missing` },
    !online && { tone: "bad", text: "not heard from" },
    !heard && { tone: "quiet", text: "not back yet since the collector's start" },
    refusedClaims.length > 0 && { tone: "warn", text: `claims ${refusedClaims.join(", ")} of another agent` },
    offset !== 0 && {
      tone: "warn",
      text: `clock ${count(Math.round(Math.abs(offset)))} s ${offset > 0 ? "ahead" : "behind"}`,
    },
    online && behindSeconds >= BEHIND_SECONDS_MIN && { tone: "warn", text: `${age(behindSeconds * 1_000)} behind` },
    thinnedSamples > 0 && { tone: "warn", text: `${count(thinnedSamples)} samples thinned` },
    owed > 0 && { tone: "quiet", text: `owes ${plural(owed, "batch", "batches")}` },
  ];
  return notes.filter((note) => note !== false);
}
