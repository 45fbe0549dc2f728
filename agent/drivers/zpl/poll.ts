/**
 * Asks a ZPL printer for its status. Only requests that change nothing: `~HS` and `~HI`. Fetches and understands
 * nothing but where a reply ends.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { Line, OpenLine } from "../../transport/line.ts";
import type { PollContext, PollError } from "../driver.ts";
import { isWholeIdentification, isWholeStatus } from "./parse.ts";
import type { ZplReply } from "./types.ts";

const HOST_STATUS = Buffer.from("~HS", "latin1");
const HOST_IDENTIFICATION = Buffer.from("~HI", "latin1");

/** A whole status is 82 bytes; a serial line may bring noise around it. */
const REPLY_BYTES_MAX = 4_096;
/** The printer has just answered `~HS`, so it answers at once or not at all. */
const IDENTIFICATION_MS_MAX = 1_500;
/** Clones that know no `~HI` are asked this often and then left alone until they were away. */
const IDENTIFICATION_TRIES_MAX = 3;

const NO_REPLY = "connected, but no reply to ~HS: printers in an error state may not answer";

/** Keeps what one printer's polls have in common: whether it said who it is since it was last away. */
export function createPoll(open: OpenLine): (context: PollContext) => Promise<Result<ZplReply, PollError>> {
  let triesLeft = IDENTIFICATION_TRIES_MAX;

  async function ask(line: Line, { signal, timeoutMs }: PollContext): Promise<Result<ZplReply, PollError>> {
    const status = await line.exchange(
      {
        request: HOST_STATUS,
        isComplete: (bytes) => isWholeStatus(latin1(bytes)),
        timeoutMs,
        replyBytesMax: REPLY_BYTES_MAX,
        // Two strings hold all that matters: parse decides whether a part is enough.
        partialIsReply: true,
      },
      signal,
    );
    if (!status.ok) return status.error.kind === "timeout" ? err({ kind: "timeout", detail: NO_REPLY }) : status;
    const hostStatus = latin1(status.value);
    if (triesLeft === 0) return ok({ hostStatus, hostIdentification: null });
    triesLeft--;
    const identification = await line.exchange(
      {
        request: HOST_IDENTIFICATION,
        isComplete: (bytes) => isWholeIdentification(latin1(bytes)),
        timeoutMs: Math.min(timeoutMs, IDENTIFICATION_MS_MAX),
        replyBytesMax: REPLY_BYTES_MAX,
      },
      signal,
    );
    if (!identification.ok) return ok({ hostStatus, hostIdentification: null });
    triesLeft = 0;
    return ok({ hostStatus, hostIdentification: latin1(identification.value) });
  }

  return async (context) => {
    const line = await open(context.signal, context.timeoutMs);
    const reply = line.ok ? await ask(line.value, context) : line;
    if (line.ok) await line.value.close();
    // Who was away may be another one when it comes back: ask again who it is.
    if (!reply.ok) triesLeft = IDENTIFICATION_TRIES_MAX;
    return reply;
  };
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
