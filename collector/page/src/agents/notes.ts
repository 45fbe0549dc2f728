import type { Agent } from "../api/types.ts";
import { age, count, plural } from "../ui/format.ts";

export type AgentNote = { readonly tone: "bad" | "warn" | "quiet"; readonly text: string };

/** Waiting for less is the pause between two acks. */
const BEHIND_SECONDS_MIN = 60;

/** As the rules see it (rules/packs/agent.yaml): its times are shifted from there on. */
const CLOCK_OFF_SECONDS = 60;
const FILLING_MIN = 0.5;

/** Share of what the outbox may hold; 0 when that is not known. */
const usedOf = (outbox: Agent["outbox"]): number =>
  outbox === null || outbox.bytesMax === null ? 0 : outbox.bytes / outbox.bytesMax;

/** What a person should know of an agent at a glance, the worst first. */
export function notesOf(agent: Agent): AgentNote[] {
  const { online, heard, outbox, missingBatches, thinnedSamples, refusedClaims } = agent;
  const offset = agent.clockOffsetSeconds ?? 0;
  const owed = agent.owed.live + agent.owed.history;
  const behindSeconds = outbox?.ageSeconds ?? 0;
  const notes: readonly (AgentNote | false)[] = [
    missingBatches > 0 && { tone: "bad", text: `${plural(missingBatches, "batch", "batches")} missing` },
    !online && { tone: "bad", text: "not heard from" },
    !heard && { tone: "quiet", text: "not back yet since the collector's start" },
    agent.epochRefused && { tone: "bad", text: "nothing is taken of its outbox: earlier ones are not settled" },
    refusedClaims.length > 0 && { tone: "warn", text: `claims ${refusedClaims.join(", ")} of another agent` },
    online && outbox !== null && outbox.inMemory !== null && { tone: "bad", text: "can't write its outbox" },
    online &&
      usedOf(outbox) >= FILLING_MIN && { tone: "warn", text: `outbox ${Math.round(usedOf(outbox) * 100)} % full` },
    Math.abs(offset) >= CLOCK_OFF_SECONDS && {
      tone: "warn",
      text: `clock ${count(Math.round(Math.abs(offset)))} s ${offset > 0 ? "ahead" : "behind"}`,
    },
    online && behindSeconds >= BEHIND_SECONDS_MIN && { tone: "warn", text: `${age(behindSeconds * 1_000)} behind` },
    thinnedSamples > 0 && { tone: "warn", text: `${count(thinnedSamples)} samples thinned` },
    owed > 0 && { tone: "quiet", text: `owes ${plural(owed, "batch", "batches")}` },
  ];
  return notes.filter((note) => note !== false);
}

/** Its clock against the collector's: what is within a second is the way of a message, not the clock. */
export function clockText({ clockOffsetSeconds: offset }: Agent): string {
  if (offset === null) return "–";
  const off = Math.abs(offset);
  return off < 1 ? "right" : `${count(Math.round(off))} s ${offset > 0 ? "ahead" : "behind"}`;
}

/** What it takes of its host: processor time of one core, resident memory. */
export const costText = ({ cost }: Agent): string =>
  cost === null ? "–" : `${cost.cpuPercent.toFixed(1)} % CPU, ${count(Math.round(cost.memoryBytes / 1e6))} MB`;

/** How much of its line's or its agent's time a device takes, of what there is between two polls. */
export const shareText = (seconds: number, everySeconds: number): string =>
  everySeconds > 0 ? `${((seconds / everySeconds) * 100).toPrecision(2)} %` : "–";

/** What waits, and how much room there is for more. */
export function outboxText({ outbox }: Agent): string {
  if (outbox === null) return "–";
  const { batches, bytes, bytesMax, ageSeconds } = outbox;
  const of = bytesMax === null ? "" : ` of ${count(Math.round(bytesMax / 2 ** 20))} MiB`;
  const oldest = ageSeconds >= BEHIND_SECONDS_MIN ? `, the oldest ${age(ageSeconds * 1_000)} old` : "";
  return `${plural(batches, "batch", "batches")}, ${count(Math.ceil(bytes / 1_024))} KiB${of}${oldest}`;
}
