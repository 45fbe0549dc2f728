/**
 * Tier 0 of escalation: what the collector may do about an incident by itself, before it asks anybody. It asks the agent,
 * which obeys what its own file allows; what came of it stands in the incident's log. The command carries the incident in
 * its author, so an answer finds it after a restart, too.
 */
import type { Result } from "@aislewatch/base";
import type { CommandRefusal, CommandRequest } from "./commands.ts";
import type { Remedy } from "./incidents/escalation-policy.ts";
import type { Incident } from "./incidents/types.ts";
import type { CommandRecord } from "./store/state/store.ts";

export type RemediesDeps = {
  readonly issue: (request: CommandRequest) => Result<CommandRecord, CommandRefusal>;
  readonly agentOf: (site: string, device: string) => string | null;
  readonly note: (incident: string, text: string) => void;
};

export type Remedies = {
  run(incident: Pick<Incident, "id" | "subject">, remedy: Remedy): void;
  /** What became of a command, ours or not. */
  answered(command: Pick<CommandRecord, "by" | "kind" | "state" | "detail">): void;
};

const author = (incident: string): string => `system:${incident}`;
const BY = /^system:(INC-\d{1,15})$/;

/** Of an agent's words in the log; more than a sentence belongs to the command's record. */
const DETAIL_CHARS_MAX = 300;

const OUTCOMES = {
  sent: "it was asked",
  unanswered: "no answer came",
  done: "it was done",
  refused: "the agent refuses it",
  failed: "it failed",
  expired: "it came too late",
} as const satisfies Record<CommandRecord["state"], string>;

export function createRemedies({ issue, agentOf, note }: RemediesDeps): Remedies {
  return {
    run({ id, subject: { site, device } }, remedy) {
      const agent = device === null ? null : agentOf(site, device);
      if (agent === null) {
        note(id, `Tier 0, ${spoken(remedy)}: there is no device to ask.`);
        return;
      }
      const issued = issue({ site, agent, kind: remedy, device, by: author(id) });
      if (!issued.ok) note(id, `Tier 0, ${spoken(remedy)}: not asked. ${issued.error.message}`);
    },

    answered({ by, kind, state, detail }) {
      const incident = BY.exec(by)?.[1];
      if (incident === undefined) return;
      note(incident, `Tier 0, ${spoken(kind)}: ${OUTCOMES[state]}${said(detail)}`);
    },
  };
}

const said = (detail: string): string => (detail === "" ? "." : `: ${detail.slice(0, DETAIL_CHARS_MAX)}`);

const spoken = (kind: string): string => kind.replaceAll("_", " ");
