/** A question of a dialect: the bytes that are sent, and how to know that the reply is whole. */
import type { Question } from "../core/conversation.ts";

/** Bytes as text of one character a byte (latin1), so that a reply is plain JSON and patterns work on it. */
export type ByteText = string;

/** What was said to each question that was asked, noise included; null: no reply. What was not asked is not there. */
export type Replies = Readonly<Record<string, ByteText | null>>;

export type Request = Question & {
  /** All that is sent. */
  readonly bytes: ByteText;
  /** What it asks, and where that is written: docs/devices shows it. */
  readonly asks: string;
  /** Is a whole reply in these bytes? Noise and older replies may stand before it. */
  readonly isWhole: (reply: ByteText) => boolean;
  /**
   * The device's answer alone, for a line on which it also says what is nobody's business, such as what was scanned: the
   * rest is dropped as it comes off the line, and stands in no reply, recording or error text.
   */
  readonly keep?: (reply: ByteText) => ByteText;
  readonly replyBytesMax?: number;
  /** How long the reply may take once the question is out, ms. */
  readonly waitMs?: number;
  /** Some replies have no end of their own: what came in `waitMs` is the reply. */
  readonly endsInSilence?: boolean;
  /**
   * Asked only if this holds of what was heard: in this poll so far, and in earlier ones unless it is of the state. For
   * what only some devices understand, and for what an answer to another question makes needless.
   */
  readonly onlyIf?: (heard: Replies) => boolean;
  /**
   * The reply does not tell which question it answers. When it stays away nothing more is asked in this poll, for a
   * late answer would pass for that of the next question.
   */
  readonly anonymous?: boolean;
};

/** One question as it went, for a person and for a recording (`probe`, `record`). */
export type Heard = {
  /** The question's name. */
  readonly ask: string;
  readonly sent: ByteText;
  /** As `parse` gets to see it, without card data; null: no whole reply. */
  readonly said: ByteText | null;
  readonly tookMs: number;
};
