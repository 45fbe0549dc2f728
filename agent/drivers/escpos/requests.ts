/**
 * What an ESC/POS printer is asked: the real-time status, which is answered at once in any state, with the paper out, the
 * buffer full or the printer off-line, and changes nothing. On a port that is the agent's own also `GS r`, by choice: it
 * waits behind print data and while the printer is off-line, so that its answer could come into the stream of another
 * program that then has the port. Clones exist that answer nothing else.
 *
 * What is not sent, and why: `GS I` waits in the same way and tells little. `GS a` switches the automatic status;
 * `DLE ENQ` recovers or clears, `DLE DC4` opens the drawer or switches off, `ESC @` throws settings away.
 */
import type { Request } from "../request.ts";
import { hasQueuedStatus, hasStatus, isOnline, keepStatus, QUESTIONS, QUEUED } from "./parse.ts";

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

const REAL_TIME: readonly Request[] = QUESTIONS.map((name) => ({
  name,
  role: "state",
  bytes: `${DLE_EOT}${ASKS[name].n}`,
  asks: ASKS[name].asks,
  isWhole: hasStatus,
  keep: keepStatus,
  anonymous: true,
  waitMs: WAIT_MS,
  replyBytesMax: REPLY_BYTES_MAX,
}));

const GS_R = "\u001dr";

const QUEUED_ASKS: Record<(typeof QUEUED)[number], { readonly n: string; readonly asks: string }> = {
  queuedPaper: { n: "\u0001", asks: "paper sensors, in turn with print data (GS r 1)" },
  queuedDrawer: { n: "\u0002", asks: "drawer contact, in turn with print data (GS r 2)" },
};

const queued = (ask: "queued" | "both"): Request[] =>
  QUEUED.map((name) => ({
    name,
    role: "state",
    bytes: `${GS_R}${QUEUED_ASKS[name].n}`,
    asks: QUEUED_ASKS[name].asks,
    isWhole: hasQueuedStatus,
    keep: keepStatus,
    anonymous: true,
    // A printer that is off-line answers when it is on-line again, to whoever listens then.
    ...(ask === "both" && { keepAsking: true, onlyIf: (heard) => isOnline(heard) }),
    waitMs: WAIT_MS,
    replyBytesMax: REPLY_BYTES_MAX,
  }));

export function requestsFor({ ask }: { readonly ask: "real_time" | "queued" | "both" }): readonly Request[] {
  if (ask === "real_time") return REAL_TIME;
  return ask === "queued" ? queued(ask) : [...REAL_TIME, ...queued(ask)];
}
