/**
 * Asking an agent to do something (docs/wire.md): written down before it is sent, sent once, and closed by the agent's
 * reply or by its deadline. A command is for now: an agent that is away is not asked, and nothing is kept for its return.
 */
import { type Clock, err, errorText, ok, type Result } from "@aislewatch/base";
import { type Command, type CommandKind, commandTopic, decodeReply, WIRE_VERSION } from "@aislewatch/contract";
import type { AgentMessage } from "./broker/broker.ts";
import type { CommandRecord, StateStore } from "./store/state/store.ts";

/** A slow device takes its time, and a line to a store some more. */
export const COMMAND_MS_MAX = 120_000;
/** The reply is on its way when the deadline passes at the agent. */
const REPLY_GRACE_MS = 5_000;
/** Of one agent that are not answered yet. */
const OPEN_MAX = 8;
/** Of all agents; more are people gone wild or a program. */
const OPEN_TOTAL_MAX = 1_000;

export type CommandRefusal = {
  readonly code: "offline" | "too_many" | "not_written";
  readonly message: string;
};

export type CommandRequest = {
  readonly site: string;
  readonly agent: string;
  readonly kind: CommandKind;
  readonly device: string | null;
  readonly by: string;
};

export type CommandsDeps = {
  readonly clock: Clock;
  readonly state: StateStore;
  readonly publish: (topic: string, payload: string) => void;
  readonly isOnline: (site: string, agent: string) => boolean;
  /** `[a-z0-9-]`, random. */
  readonly newId: () => string;
  readonly onAnswered: (command: CommandRecord) => void;
  readonly onRefused: (refusal: { client: string; topic: string; reason: string }) => void;
};

export type Commands = {
  /** What a restart interrupted is closed by `tick` when its deadline has passed. */
  start(): void;
  issue(request: CommandRequest): Result<CommandRecord, CommandRefusal>;
  onReply(message: AgentMessage): void;
  /** Closes what passed its deadline. About once a second. */
  tick(): void;
};

export function createCommands(deps: CommandsDeps): Commands {
  const { clock, state, publish, isOnline, newId, onAnswered, onRefused } = deps;
  const open = new Map<string, CommandRecord>();

  function close(command: CommandRecord, how: Pick<CommandRecord, "state" | "detail">): void {
    const answered = { ...command, ...how, answeredAt: clock.now() };
    try {
      state.putCommand(answered);
      const what = `${how.state}: ${command.kind} ${command.site}/${command.agent} ${command.device ?? ""}`.trimEnd();
      state.audit({
        at: clock.now(),
        actor: `agent:${command.site}/${command.agent}`,
        action: "command_ended",
        detail: what,
      });
    } catch {
      // The state store says so itself. It stays open, and is tried again at its deadline.
      return;
    }
    open.delete(command.id);
    onAnswered(answered);
  }

  return {
    start() {
      for (const command of state.commands(null, OPEN_TOTAL_MAX))
        if (command.state === "sent") open.set(command.id, command);
    },

    issue({ site, agent, kind, device, by }) {
      const name = `${site}/${agent}`;
      if (!isOnline(site, agent))
        return err({ code: "offline", message: `${name} is not connected; a command is not kept for its return.` });
      const ofAgent = [...open.values()].filter((one) => one.site === site && one.agent === agent);
      if (ofAgent.length >= OPEN_MAX || open.size >= OPEN_TOTAL_MAX)
        return err({ code: "too_many", message: `${ofAgent.length} commands to ${name} are not answered yet.` });
      const issuedAt = clock.now();
      const record: CommandRecord = {
        ...{ id: newId(), site, agent, kind, device, by, issuedAt, deadlineAt: issuedAt + COMMAND_MS_MAX },
        ...{ state: "sent", answeredAt: null, detail: "" },
      };
      try {
        // What was asked before stays on record as it was, and an agent obeys an id once.
        if (open.has(record.id) || state.command(record.id) !== null) throw new Error("its id was given before");
        state.putCommand(record);
        state.audit({
          at: issuedAt,
          actor: by,
          action: `command_${kind}`,
          detail: `${name} ${device ?? ""}`.trimEnd(),
        });
      } catch (thrown) {
        return err({ code: "not_written", message: `What is not written down is not sent: ${errorText(thrown)}` });
      }
      open.set(record.id, record);
      const { id, deadlineAt } = record;
      const command: Command = {
        v: WIRE_VERSION,
        id,
        kind,
        by: by.slice(0, 512),
        issuedAt,
        deadlineAt,
        ...(device !== null && { device }),
      };
      publish(commandTopic(site, agent), JSON.stringify(command));
      return ok(record);
    },

    onReply({ site, agent, topic, payload }) {
      const reply = decodeReply(payload);
      if (!reply.ok) {
        onRefused({ client: `${site}/${agent}`, topic, reason: `${reply.error.kind}: ${reply.error.detail}` });
        return;
      }
      const command = open.get(reply.value.id);
      // A repeat of what was answered, or too late: the record says so already.
      if (command === undefined || command.site !== site || command.agent !== agent) return;
      close(command, { state: reply.value.outcome, detail: reply.value.detail });
    },

    tick() {
      const overdue = clock.now() - REPLY_GRACE_MS;
      for (const command of open.values()) {
        if (command.deadlineAt > overdue) continue;
        close(command, { state: "unanswered", detail: "No reply came; whether it was done is not known." });
      }
    },
  };
}
