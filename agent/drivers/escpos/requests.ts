/**
 * What an ESC/POS printer is asked: the real-time status and nothing else. It is answered at once in any state, with
 * the paper out, the buffer full or the printer off-line, and changes nothing.
 *
 * What is not sent, and why: `GS r` and `GS I` wait behind print data and while the printer is off-line, so that their
 * answers would come later, into the stream of the application that then has the port. `GS a` switches the automatic
 * status; `DLE ENQ` recovers or clears, `DLE DC4` opens the drawer or switches off, `ESC @` throws settings away.
 */
import type { Request } from "../request.ts";
import { hasStatus, QUESTIONS } from "./parse.ts";

const DLE_EOT = "\u0010\u0004";
/** It is answered at once; a print server or a radio link takes its time. */
const WAIT_MS = 600;
/** A byte of status, and what may come in between. */
const REPLY_BYTES_MAX = 64;

const ASKS: Record<(typeof QUESTIONS)[number], { readonly n: string; readonly asks: string }> = {
  printer: { n: "\u0001", asks: "on-line or off-line, drawer contact (DLE EOT 1)" },
  offlineCause: { n: "\u0002", asks: "why off-line: cover, paper, error (DLE EOT 2)" },
  errorCause: { n: "\u0003", asks: "which error: cutter, unrecoverable, head (DLE EOT 3)" },
  paper: { n: "\u0004", asks: "paper sensors: near the end, end (DLE EOT 4)" },
  printerAgain: { n: "\u0001", asks: "the first question again, to see that no answer belongs to another question" },
};

export const requests: readonly Request[] = QUESTIONS.map((name) => ({
  name,
  role: "state",
  bytes: `${DLE_EOT}${ASKS[name].n}`,
  asks: ASKS[name].asks,
  isWhole: hasStatus,
  anonymous: true,
  waitMs: WAIT_MS,
  replyBytesMax: REPLY_BYTES_MAX,
}));
