/** A question of a dialect: the bytes that are sent, and how to know that the reply is whole. */
import type { Question } from "../core/conversation.ts";

/** Bytes as text of one character a byte (latin1), so that a reply is plain JSON and patterns work on it. */
export type ByteText = string;

export type Request = Question & {
  /** All that is sent. */
  readonly bytes: ByteText;
  /** What it asks, and where that is written: docs/devices shows it. */
  readonly asks: string;
  /** Is a whole reply in these bytes? Noise and older replies may stand before it. */
  readonly isWhole: (reply: ByteText) => boolean;
  readonly replyBytesMax?: number;
  /** How long the reply may take once the question is out, ms. */
  readonly waitMs?: number;
  /** Some replies have no end of their own: what came in `waitMs` is the reply. */
  readonly endsInSilence?: boolean;
};
