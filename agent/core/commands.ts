/**
 * What an agent does with a command of its collector: run it, or answer at once. Pure; commands.ts is its shell.
 *
 * At most once: an id is remembered before its command runs, over restarts, at least until its deadline; after that the
 * deadline itself keeps a late copy from running. A copy of what has ended gets the same reply.
 */
import type { Command, CommandKind, Reply } from "@aislewatch/contract";
import { WIRE_VERSION } from "@aislewatch/contract";

/** A command as it is remembered: `reply` is null while it runs, or ran when the agent ended. */
export type Remembered = {
  readonly id: string;
  /** By the collector's clock. */
  readonly deadlineAt: number;
  readonly reply: Pick<Reply, "outcome" | "detail"> | null;
};

/** Remembered ids; a collector has eight open commands of one agent at most. */
export const REMEMBERED_MAX = 64;
/** A reply that is remembered for copies is cut to this: only diagnostics are longer. */
const REMEMBERED_CHARS_MAX = 1_024;
/** A deadline further away than this is none that a person waits for. */
const DEADLINE_MS_MAX = 3_600_000;

export type Verdict =
  | { readonly do: "run" }
  | { readonly do: "reply"; readonly reply: Reply }
  /** It runs already. */
  | { readonly do: "nothing" };

export type World = {
  /** The time by the collector's clock. */
  readonly nowMs: number;
  readonly allowed: readonly CommandKind[];
  readonly remembered: readonly Remembered[];
  /** Ids of this run of the agent that have not ended. */
  readonly running: ReadonlySet<string>;
};

export function judgeCommand(command: Command, { nowMs, allowed, remembered, running }: World): Verdict {
  const { id, kind, deadlineAt } = command;
  if (running.has(id)) return { do: "nothing" };
  const known = remembered.find((one) => one.id === id);
  if (known !== undefined) {
    const interrupted = { outcome: "failed", detail: "the agent ended while it ran" } as const;
    return answer(id, known.reply ?? interrupted);
  }
  if (deadlineAt <= nowMs) return answer(id, { outcome: "expired", detail: "it came after its deadline" });
  if (deadlineAt > nowMs + DEADLINE_MS_MAX)
    return answer(id, { outcome: "refused", detail: "its deadline is more than an hour away" });
  if (!allowed.includes(kind)) {
    const detail = `this agent's file does not allow ${kind} (commands: ${JSON.stringify(allowed)})`;
    return answer(id, { outcome: "refused", detail });
  }
  if (remembered.filter((one) => one.deadlineAt > nowMs).length >= REMEMBERED_MAX)
    return answer(id, { outcome: "refused", detail: "too many commands at once" });
  return { do: "run" };
}

/** With this command remembered; what has passed its deadline goes first, and nothing else ever does. */
export function remember(remembered: readonly Remembered[], command: Remembered, nowMs: number): readonly Remembered[] {
  const others = remembered.filter(({ id }) => id !== command.id);
  const excess = others.length + 1 - REMEMBERED_MAX;
  const gone = new Set(
    others
      .filter(({ deadlineAt }) => deadlineAt <= nowMs)
      .slice(0, Math.max(0, excess))
      .map(({ id }) => id),
  );
  const { reply } = command;
  const short = reply === null ? null : { ...reply, detail: reply.detail.slice(0, REMEMBERED_CHARS_MAX) };
  return [...others.filter(({ id }) => !gone.has(id)), { ...command, reply: short }];
}

export const replyTo = (id: string, { outcome, detail }: Pick<Reply, "outcome" | "detail">): Reply => ({
  v: WIRE_VERSION,
  id,
  outcome,
  detail,
});

const answer = (id: string, reply: Pick<Reply, "outcome" | "detail">): Verdict => ({
  do: "reply",
  reply: replyTo(id, reply),
});
