/**
 * A dialect of fixed questions over a byte line: printers, scales, scanners, drives. A dialect is a table of what may be
 * asked and a function that understands the replies; this file is all that opens a line for it.
 *
 * **Read-only by construction.** A dialect has no way to send anything but the bytes of its table, and
 * `read-only.test.ts` holds every table to the list of commands that change nothing in any state of the device.
 *
 * The line is opened for one poll and closed again, so that a POS application or a spooler finds it free: a port that
 * somebody else has is `busy`, which is no fault of the device.
 *
 * **No card data.** Whatever a line says is redacted here, before `parse`, `probe --raw` or an error text can see it.
 */
import { err, ok, type Result } from "@aislewatch/base";
import { realClock } from "@aislewatch/runtime";
import { z } from "zod";
import { isSplitAmong, LineRedactor, redactCodes } from "../core/card-data.ts";
import { Conversation } from "../core/conversation.ts";
import type { Line, OpenLine } from "../transport/line.ts";
import { type Driver, defineDriver, type Parsed, type ParseError, type PollContext, type PollError } from "./driver.ts";
import {
  baudRateOf,
  type LineConfig,
  type LineDefaults,
  lineAddress,
  lineKey,
  lineSchema,
  NOWHERE,
  openLine,
} from "./line-config.ts";
import type { ByteText, Replies, Request } from "./request.ts";

export type DialectReply = Replies;

export type Dialect<Shape extends z.ZodRawShape> = {
  readonly name: string;
  readonly title: string;
  readonly line: LineDefaults;
  /** Keys of a device in agent.yaml beside `line`. */
  readonly options: Shape;
  /** In the order in which they are asked. */
  readonly requests: (config: ConfigOf<Shape>) => readonly Request[];
  readonly parse: (reply: DialectReply, config: ConfigOf<Shape>) => Result<Parsed, ParseError>;
  readonly metrics: (config: ConfigOf<Shape>) => readonly string[];
  /** What a reply tells beside metrics and asset, for a person (`probe`): settings, and a device's own words. */
  readonly about?: (reply: DialectReply) => readonly (readonly [name: string, text: string])[];
  /** Said with the failure when the line opened and nothing answered. */
  readonly silence?: string;
  /**
   * What the replies are made of; text unless given. In `codes` a byte that looks like a digit is a row of bits: five of
   * them in a row are no piece of a number. Only whole card numbers within one reply are taken out of those.
   */
  readonly replies?: "text" | "codes";
};

export type ConfigOf<Shape extends z.ZodRawShape> = { readonly line: LineConfig } & z.output<z.ZodObject<Shape>>;

/** A status is under 200 bytes in every dialect; a serial line may bring noise around it. */
const REPLY_BYTES_MAX = 4_096;
const WAIT_MS = 1_500;

export function defineDialect<Shape extends z.ZodRawShape>(
  dialect: Dialect<Shape>,
): Driver<ConfigOf<Shape>, DialectReply> {
  // zod can't tell what a strict object over an unknown shape yields; its two parts are what is put together here.
  const config = z.strictObject({ line: lineSchema(dialect.line), ...dialect.options }) as unknown as z.ZodType<
    ConfigOf<Shape>
  >;
  return defineDriver<ConfigOf<Shape>, DialectReply>({
    name: dialect.name,
    title: dialect.title,
    config,
    lineKey: ({ line }) => lineKey(line),
    address: ({ line }) => lineAddress(line),
    requests: dialect.requests,
    options: ({ line: _, ...options }) => plainOptions(options),
    recorded: { config: { line: NOWHERE } },
    open({ config: device }) {
      const requests = dialect.requests(device);
      const silence = dialect.silence ?? "connected, but no reply";
      const replies = dialect.replies ?? "text";
      const slackMs = slackMsOf(device.line);
      const talk: Talk = { requests, conversation: new Conversation(), known: new Map(), silence, replies, slackMs };
      let last: DialectReply = {};
      return {
        async poll(context) {
          const reply = await poll(openLine(device.line), talk, context);
          if (reply.ok) last = reply.value;
          return reply;
        },
        parse: (reply) => dialect.parse(reply, device),
        metrics: () => dialect.metrics(device),
        profile: () => null,
        about: () => dialect.about?.({ ...Object.fromEntries(talk.known), ...last }) ?? [],
        close: async () => {},
      };
    },
  });
}

/** The options of a dialect are texts, numbers and switches; what is not set is not there. */
function plainOptions(options: object): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(options).filter(
      ([, value]) => typeof value === "string" || typeof value === "number" || typeof value === "boolean",
    ),
  );
}

type Talk = {
  readonly requests: readonly Request[];
  readonly conversation: Conversation;
  /** What the device said last to questions that are not about its state, until it was away. */
  readonly known: Map<string, ByteText>;
  readonly silence: string;
  readonly replies: "text" | "codes";
  /** How much longer a reply takes on a line that is slower than the usual ones. */
  readonly slackMs: number;
};

/** Waits are for 9600 baud and more; what a status of 200 bytes takes longer on a slow wire comes on top. */
const STATUS_BITS = 200 * 11;
const USUAL_BAUD = 9600;

export function slackMsOf(line: LineConfig): number {
  const baud = baudRateOf(line) ?? USUAL_BAUD;
  return Math.max(0, Math.round(1_000 * STATUS_BITS * (1 / baud - 1 / USUAL_BAUD)));
}

/** Another device may stand there when it comes back. */
function forget({ conversation, known }: Talk): void {
  conversation.away();
  known.clear();
}

async function poll(open: OpenLine, talk: Talk, context: PollContext): Promise<Result<DialectReply, PollError>> {
  const line = await open(context.signal, context.timeoutMs);
  if (!line.ok) {
    if (line.error.kind !== "busy") forget(talk);
    return line;
  }
  try {
    return await converse(line.value, talk, context);
  } finally {
    await line.value.close();
  }
}

async function converse(
  line: Line,
  talk: Talk,
  { signal, timeoutMs, nowMs, heard }: PollContext,
): Promise<Result<DialectReply, PollError>> {
  const { requests, conversation, known, silence } = talk;
  const safe = redactorOf(talk);
  const raw: ByteText[] = [];
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
    const said = await exchange(line, request, { signal, timeoutMs, slackMs: talk.slackMs });
    if (said.ok) {
      // What was dropped before is no reply, but may be half of what the reply begins with.
      const dropped = line.unasked?.();
      if (dropped !== undefined && dropped.length > 0) raw.push(latin1(dropped));
      const kept = request.keep?.(said.value) ?? said.value;
      const answer = safe(kept);
      raw.push(kept);
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
  if (isSplitAmong(raw)) {
    forget(talk);
    return err({ kind: "protocol", detail: "card data was on the line; nothing of it was kept" });
  }
  for (const tell of told) tell();
  if (answeredState) {
    for (const request of unanswered) conversation.silent(request, nowMs);
    return ok({ ...slowly(talk), ...reply });
  }
  forget(talk);
  if (failure === null) return err({ kind: "config", detail: "this dialect has no question about the device's state" });
  return err(failure.kind === "timeout" ? { kind: "timeout", detail: silence } : failure);
}

/**
 * What was last said about wear, which moves so slowly that it is the present until it is asked again: without it an
 * odometer would be known for a minute and unknown for a quarter of an hour, in turns.
 */
const slowly = ({ requests, known }: Talk): DialectReply =>
  Object.fromEntries(
    requests.flatMap(({ name, role }) => {
      const answer = role === "wear" ? known.get(name) : undefined;
      return answer === undefined ? [] : [[name, answer]];
    }),
  );

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

/** One redactor a line, for a number may begin in one reply and end in the next. */
function redactorOf({ replies }: Talk): (said: ByteText) => ByteText {
  if (replies === "codes") return redactCodes;
  const redactor = new LineRedactor();
  return (said) => redactor.redact(said);
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
