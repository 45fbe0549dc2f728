/**
 * `command` (collector to agent) and `reply` (agent to collector): the only messages by which an agent is asked to do
 * something. None of them changes a device. An agent obeys what its own configuration allows, until the deadline, and
 * each id once: a command that comes again gets the same reply again.
 */
import type { Result } from "@aislewatch/base";
import { z } from "zod";
import { DEVICE_ID_PATTERN, ID_PATTERN } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { type DecodeError, decode, text, timeMs, WIRE_VERSION } from "./messages.ts";

/** `probe_now`: poll a device, or all, out of turn. `reload`: read agent.yaml again. `send_diagnostics`: how it is. */
export const COMMAND_KINDS = ["probe_now", "reload", "send_diagnostics"] as const;
export type CommandKind = (typeof COMMAND_KINDS)[number];

/** `done`; `refused`: not allowed, or not possible; `failed`: tried in vain; `expired`: came, or ended, too late. */
export const COMMAND_OUTCOMES = ["done", "refused", "failed", "expired"] as const;

export const commandSchema = z.object({
  v: z.literal(WIRE_VERSION),
  id: z.string().regex(ID_PATTERN),
  kind: z.enum(COMMAND_KINDS),
  device: z.string().regex(DEVICE_ID_PATTERN).optional(),
  /** Who asked, for the agent's log. */
  by: text,
  /** By the collector's clock, as `at` of its acks is. */
  issuedAt: timeMs,
  deadlineAt: timeMs,
});
export type Command = z.infer<typeof commandSchema>;

export const replySchema = z.object({
  v: z.literal(WIRE_VERSION),
  id: z.string().regex(ID_PATTERN),
  outcome: z.enum(COMMAND_OUTCOMES),
  /** A sentence for a person; of `send_diagnostics` JSON text. */
  detail: z.string().max(LIMITS.replyCharsMax),
});
export type Reply = z.infer<typeof replySchema>;

export const decodeCommand = (bytes: Uint8Array): Result<Command, DecodeError> => decode(bytes, commandSchema);
export const decodeReply = (bytes: Uint8Array): Result<Reply, DecodeError> => decode(bytes, replySchema);
