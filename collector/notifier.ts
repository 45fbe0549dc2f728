/**
 * What people are to be told because an incident did not move, as the desk says it; how they are told (channels, quiet
 * hours, retries) is not its business. An implementation only puts the notice among what the next commit writes, so a
 * notice and the events that it follows from are on disk together or not at all.
 */
import type { Incident, Tier } from "./incidents/types.ts";

export type Notice = {
  /** The same id is the same notice: put again before it was sent it replaces what was put, after that it is nothing. */
  readonly id: string;
  /** Not to be sent before, in Unix ms: until then it may still be replaced. */
  readonly notBefore: number;
  /**
   * Names of contacts or groups, as escalation.yaml has them; the sites file and notifications.yaml say who that is. Empty
   * when a person names a tier that no step of the chain leads to: whoever notifications.yaml has for the tier.
   */
  readonly to: readonly string[];
} & NoticeBody;

export type NoticeBody =
  /** A step of its chain was taken, or (step and chain null) a person escalated it. */
  | {
      readonly about: "escalated";
      readonly incident: Incident;
      readonly chain: string | null;
      readonly step: number | null;
      readonly tier: Tier;
      readonly kind: "functional" | "hierarchical";
      /** As the log has it. */
      readonly why: string;
    }
  /**
   * It recovered, or was resolved. Goes to all who were told by the notices `follows`, by the channels of then and
   * whatever the policy says now; `to` is who that was, as far as the present policy knows.
   */
  | {
      readonly about: "over";
      readonly incident: Incident;
      readonly how: "recovered" | "resolved" | "cancelled";
      readonly follows: readonly string[];
    }
  /** In place of single notices while too many come: all that fell into its time, in order. */
  | {
      readonly about: "storm";
      readonly chain: string;
      /** Of the first. */
      readonly incident: Incident;
      readonly items: readonly StormItem[];
    };

export type StormItem = {
  readonly incident: string;
  readonly title: string;
  readonly site: string;
  readonly priority: string;
  readonly tier: Tier;
  readonly why: string;
  /** The notice that it stands for. */
  readonly stands: string;
};

export type Notifier = {
  /** Puts the notice into the next commit. Called in the same turn as the events are written. */
  tell(notice: Notice): void;
};

/** Tells nobody: as long as no channel is set up. */
export const SILENT: Notifier = { tell: () => {} };

/** A notice about one event of an incident's log. */
export const noticeId = (incident: string, seq: number): string => `${incident}/${seq}`;
