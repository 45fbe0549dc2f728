/**
 * Which questions to put to a device in one poll, and what to remember of its silences. Pure: the driver asks and
 * reports, this decides.
 *
 * - `state` questions are asked at each poll. A device that answers one of them has answered the poll.
 * - `identity` is asked until it is known, and again once the device was away: another one may stand there then.
 * - `wear` (counters, odometers) moves slowly and costs time on the line: asked now and then.
 * - What a device has left unanswered a few times while it answered other questions it does not know: it is not asked
 *   again until the device was away or a long time has passed, or each poll would wait for nothing. Unless its
 *   silence says something: some printers answer a status question only while nothing is wrong (`keepAsking`).
 */
export const ROLES = ["state", "identity", "wear"] as const;
export type Role = (typeof ROLES)[number];

export type Question = {
  readonly name: string;
  readonly role: Role;
  /** Asked at each poll however often it was left unanswered: the device knows it, and its silence is part of its state. */
  readonly keepAsking?: boolean;
};

/** Unanswered this often, a question is unknown to the device … */
const SILENCES_MAX = 3;
/** … and is tried again after this time: firmware is updated, and a device in an error state may have been busy. */
const TRY_AGAIN_MS = 6 * 3_600_000;
const WEAR_EVERY_MS = 15 * 60_000;

type Memory = { silences: number; askedMs: number; answeredMs: number | null };

export class Conversation {
  readonly #memories = new Map<string, Memory>();

  /** In the order of the table; never empty when there is a `state` question. */
  questions<Q extends Question>(table: readonly Q[], nowMs: number): readonly Q[] {
    const due = table.filter((question) => this.#isDue(question, nowMs));
    if (due.some(({ role }) => role === "state")) return due;
    // One that has forgotten everything must still be able to come back.
    return table.filter((question) => question.role === "state" || due.includes(question));
  }

  answered({ name }: Question, nowMs: number): void {
    this.#memories.set(name, { silences: 0, askedMs: nowMs, answeredMs: nowMs });
  }

  /** No answer, or none that could be waited for, though the device answered something in this poll. */
  silent({ name }: Question, nowMs: number): void {
    const before = this.#memories.get(name);
    const silences = (before?.silences ?? 0) + 1;
    this.#memories.set(name, { silences, askedMs: nowMs, answeredMs: before?.answeredMs ?? null });
  }

  /** The device answered nothing at all: nothing that was learnt holds for what comes back. */
  away(): void {
    this.#memories.clear();
  }

  #isDue({ name, role, keepAsking }: Question, nowMs: number): boolean {
    const memory = this.#memories.get(name);
    if (memory === undefined || keepAsking) return true;
    if (memory.silences >= SILENCES_MAX) return nowMs - memory.askedMs >= TRY_AGAIN_MS;
    if (role === "state" || memory.answeredMs === null) return true;
    return role === "wear" && nowMs - memory.answeredMs >= WEAR_EVERY_MS;
  }
}
