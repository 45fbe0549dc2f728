/**
 * A dialogue of fixed commands: each token that stands whole in what the host sent is answered, however the bytes are
 * cut; everything between is job data and of no interest. Remembers at most TAIL_CHARS_MAX characters.
 */
import type { Dialogue } from "./byte-device.ts";

/** No command is longer. */
const TAIL_CHARS_MAX = 32;

/** `token` is a global pattern; null answers nothing. */
export const tokenDialogue = (token: RegExp, answer: (token: string) => string | null) => (): Dialogue => {
  let tail = "";
  return {
    take(bytes) {
      const text = tail + Buffer.from(bytes).toString("latin1");
      const answers: string[] = [];
      let end = 0;
      for (const match of text.matchAll(token)) {
        end = match.index + match[0].length;
        const said = answer(match[0]);
        if (said !== null) answers.push(said);
      }
      tail = text.slice(Math.max(end, text.length - TAIL_CHARS_MAX));
      return answers;
    },
  };
};
