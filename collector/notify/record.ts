/**
 * What is kept of notifications: each goes to a channel as one record, from the commit that has the events it is about
 * until it was delivered or given up, and every attempt at that is logged. Times are Unix ms by the collector's clock.
 */
import type { Message } from "./message.ts";

/** `covered`: it stands in a summary, whose record says what became of it. */
export type NotificationState = "waiting" | "delivered" | "failed" | "covered";

export type NotificationRecord = {
  /** The same in every channel and at every attempt. */
  readonly id: string;
  readonly channel: string;
  /** Records of one incident go to a channel in the order in which they were written. */
  readonly incident: string;
  readonly state: NotificationState;
  readonly createdAt: number;
  /** Not to be sent before, quiet hours apart; then with them, and then after what was tried since. */
  readonly notBefore: number;
  readonly firstDueAt: number;
  readonly dueAt: number;
  readonly attempts: number;
  /** When it was delivered or given up. */
  readonly doneAt: number | null;
  readonly message: Message;
  /** Of one that is covered: the id of the notification that tells of it. */
  readonly within?: string;
  /** Told with others of this group, and not by itself. */
  readonly group?: string;
};

export type { GroupRecord } from "./grouping.ts";

export type AttemptRecord = {
  readonly notification: string;
  readonly channel: string;
  /** Empty for a test. */
  readonly incident: string;
  readonly at: number;
  readonly durationMs: number;
  /** `retry`: it did not work, and is tried again. */
  readonly outcome: "delivered" | "retry" | "failed";
  /** Of HTTP or SMTP; null when there was no answer. */
  readonly status: number | null;
  readonly detail: string;
};
