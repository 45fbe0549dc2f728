/**
 * One poll of a dialect after the other: the line is opened, the questions that are due are put one by one, and the line
 * is closed again, so that a POS application or a spooler finds it free: a port that somebody else has is `busy`, which
 * is no fault of the device.
 *
 * **No card data.** Whatever a line says goes through one LineRedactor here, before `parse`, `probe --raw` or an error
 * text can see it: the answers, and what came beside them and is in none, for a number is cut anywhere.
 */
import { err, ok, type Result } from "@aislewatch/base";
import { realClock } from "@aislewatch/runtime";
import { LineRedactor } from "../core/card-line.ts";
import { Conversation } from "../core/conversation.ts";
import type { Line, OpenLine } from "../transport/line.ts";
import type { PollContext, PollError } from "./driver.ts";
import type { ByteText, Replies, Request } from "./request.ts";

/** A status is under 200 bytes in every dialect; a serial line may bring noise around it. */
const REPLY_BYTES_MAX = 4_096;
const WAIT_MS = 1_500;

export type DialectPollOptions = {
  readonly requests: readonly Request[];
  /** What is said with the failure when nothing answered. */
  readonly silence: string;
  readonly replies: "text" | "codes";
  /** How much longer a reply takes on a line that is slower than the usual ones. */
  readonly slackMs: number;
};

export class DialectPoll {
  readonly #options: DialectPollOptions;
  readonly #conversation = new Conversation();
  /** What the device said last to questions that are not about its state, until it was away. */
  readonly #known = new Map<string, ByteText>();
  #last: Replies = {};

  constructor(options: DialectPollOptions) {
    this.#options = options;
  }

  /** The last reply, and what was said before to what it did not ask for. */
  get lastSaid(): Replies {
    return { ...Object.fromEntries(this.#known), ...this.#last };
  }

  async poll(open: OpenLine, context: PollContext): Promise<Result<Replies, PollError>> {
    const line = await open(context.signal, context.timeoutMs);
    if (!line.ok) {
      if (line.error.kind !== "busy") this.#forget();
      return line;
    }
    try {
      const reply = await this.#converse(line.value, context);
      if (reply.ok) this.#last = reply.value;
      return reply;
    } finally {
      await line.value.close();
    }
  }

  /** Another device may stand there when it comes back. */
  #forget(): void {
    this.#conversation.away();
    this.#known.clear();
  }

  async #converse(line: Line, { signal, timeoutMs, nowMs, heard }: PollContext): Promise<Result<Replies, PollError>> {
    const { requests, silence, replies, slackMs } = this.#options;
    const [conversation, known, redactor] = [this.#conversation, this.#known, new LineRedactor(replies)];
    const told: (() => void)[] = [];
    const reply: Record<string, ByteText | null> = {};
    const unanswered: Request[] = [];
    let answeredState = false;
    let failure: PollError | null = null;
    for (const request of conversation.questions(requests, nowMs)) {
      // Who says nothing about its state is not asked who it is: that would only make the poll longer.
      if (request.role !== "state" && !answeredState) break;
      if (request.onlyIf?.({ ...Object.fromEntries(known), ...reply }) === false) continue;
      const tell = hearing(request, heard, told);
      const said = await exchange(line, request, { signal, timeoutMs, slackMs });
      redactor.dropped(latin1(line.leftOver()));
      if (said.ok) {
        const answer = redactor.redact(request.keep?.(said.value) ?? said.value);
        tell(answer);
        reply[request.name] = answer;
        conversation.answered(request, nowMs);
        if (request.role === "state") answeredState = true;
        else known.set(request.name, answer);
        continue;
      }
      tell(null);
      reply[request.name] = null;
      unanswered.push(request);
      failure ??= said.error;
      if (said.error.kind !== "timeout" || signal.aborted || request.anonymous) break;
    }
    redactor.dropped(latin1(line.leftOver()));
    if (redactor.holdsCut) {
      this.#forget();
      return err({ kind: "protocol", detail: "card data was on the line; nothing of it was kept" });
    }
    for (const tell of told) tell();
    if (answeredState) {
      for (const request of unanswered) conversation.silent(request, nowMs);
      return ok({ ...this.#slowly(), ...reply });
    }
    this.#forget();
    if (failure === null)
      return err({ kind: "config", detail: "this dialect has no question about the device's state" });
    return err(failure.kind === "timeout" ? { kind: "timeout", detail: silence } : failure);
  }

  /**
   * What was last said about wear, which moves so slowly that it is the present until it is asked again: without it an
   * odometer would be known for a minute and unknown for a quarter of an hour, in turns.
   */
  #slowly(): Replies {
    return Object.fromEntries(
      this.#options.requests.flatMap(({ name, role }) => {
        const answer = role === "wear" ? this.#known.get(name) : undefined;
        return answer === undefined ? [] : [[name, answer]];
      }),
    );
  }
}

/** From now until the returned function is called with the answer; told once it is known that nothing in it was a card's. */
function hearing(
  { name, bytes }: Request,
  heard: PollContext["heard"],
  told: (() => void)[],
): (said: ByteText | null) => void {
  const startMs = realClock.monotonic();
  return (said) => {
    const tookMs = realClock.monotonic() - startMs;
    if (heard !== undefined) told.push(() => heard({ ask: name, sent: bytes, said, tookMs }));
  };
}

async function exchange(
  line: Line,
  request: Request,
  { signal, timeoutMs, slackMs }: { signal: AbortSignal; timeoutMs: number; slackMs: number },
): Promise<Result<ByteText, PollError>> {
  const said = await line.exchange(
    {
      request: Buffer.from(request.bytes, "latin1"),
      isComplete: (bytes) => request.isWhole(latin1(bytes)),
      timeoutMs: Math.min(timeoutMs, (request.waitMs ?? WAIT_MS) + slackMs),
      replyBytesMax: request.replyBytesMax ?? REPLY_BYTES_MAX,
      partialIsReply: request.endsInSilence ?? false,
    },
    signal,
  );
  return said.ok ? ok(latin1(said.value)) : said;
}

const latin1 = (bytes: Uint8Array): ByteText =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
