/**
 * Asks one unit on a line for what its map needs, one question after another. Nothing here knows what a register means;
 * what is known of frames is only whether a reply is whole, was refused, or came damaged.
 */
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import type { ModbusPlan } from "@aislewatch/devices";
import { Conversation, type Question as Role } from "../../core/conversation.ts";
import type { Line, OpenLine } from "../../transport/line.ts";
import type { PollContext, PollError } from "../driver.ts";
import {
  type Envelope,
  exceptionOf,
  type Found,
  type Framing,
  findReply,
  frameOf,
  isAbsence,
  isPassing,
  type Question,
  questionPdu,
  RTU_BYTES_MAX,
  TCP_BYTES_MAX,
} from "./frames.ts";
import type { LineCounts, ModbusReply, Pdu } from "./types.ts";

export type ModbusSettings = {
  readonly framing: Framing;
  readonly unit: number;
  /** How long one reply may take, ms. */
  readonly requestTimeoutMs: number;
  /** How often a question is put again that got no whole reply. */
  readonly retries: number;
  /** Silence before a question: 3.5 characters of the line (V1.02, 2.5.1.1), so that units know where it begins. */
  readonly silenceMs: number;
};

/** A question of the plan; `name` is its key in the reply. */
export type Asked = Role & { readonly question: Question };

export function questionsOf(plan: ModbusPlan): readonly Asked[] {
  return [
    ...plan.blocks.map(
      ({ name, role, table, address, count }): Asked => ({
        name,
        role,
        question: { kind: "read", table, address, count },
      }),
    ),
    ...(plan.deviceId ? [{ name: "device_id", role: "identity", question: { kind: "device_id" } } as const] : []),
    ...(plan.serverId ? [{ name: "server_id", role: "identity", question: { kind: "server_id" } } as const] : []),
  ];
}

/** A reply, an echo of the question before it, and as much noise again. */
const REPLY_BYTES_MAX = 2 * (RTU_BYTES_MAX + TCP_BYTES_MAX);
/** Transactions are told apart by 16 bits. */
const TRANSACTIONS = 0x10000;

export const WIDE_COUNT: PollError = {
  kind: "protocol",
  detail: "the device answers with a byte count of two bytes: that is no standard Modbus",
  hint: "switch the drive's communication to standard Modbus (H2A and P2A drives: parameter F9.05)",
};

export class ModbusPoll {
  readonly #open: OpenLine;
  readonly #asked: readonly Asked[];
  readonly #settings: ModbusSettings;
  readonly #clock: Clock;
  readonly #conversation = new Conversation();
  /** What was said last to questions that are not about the state, until the device was away. */
  readonly #known = new Map<string, Pdu>();
  #counts: LineCounts = { checksumErrors: 0, timeouts: 0, refusals: 0 };
  #transaction = 0;

  constructor(open: OpenLine, asked: readonly Asked[], settings: ModbusSettings, clock: Clock) {
    this.#open = open;
    this.#asked = asked;
    this.#settings = settings;
    this.#clock = clock;
  }

  async poll(context: PollContext): Promise<Result<ModbusReply, PollError>> {
    const line = await this.#open(context.signal, context.timeoutMs);
    if (!line.ok) {
      if (line.error.kind !== "busy") this.#away();
      return line;
    }
    try {
      return await this.#converse(line.value, context);
    } finally {
      await line.value.close();
    }
  }

  async #converse(line: Line, context: PollContext): Promise<Result<ModbusReply, PollError>> {
    const said = new Map<string, Pdu>(this.#known);
    const unanswered: Asked[] = [];
    let answeredState = false;
    let failure: PollError | null = null;
    for (const asked of this.#conversation.questions(this.#asked, context.nowMs)) {
      if (asked.role !== "state" && !answeredState) break;
      const answer = await this.#ask(line, asked, context);
      if (answer.ok) {
        said.set(asked.name, answer.value);
        this.#conversation.answered(asked, context.nowMs);
        if (asked.role === "state") answeredState = true;
        else this.#known.set(asked.name, answer.value);
        continue;
      }
      said.set(asked.name, null);
      unanswered.push(asked);
      failure ??= answer.error;
      // Who says nothing is not asked on and on, for others wait for the bus. And a frame of RTU does not say what it
      // answers: after silence a late reply could be taken for that of the next question.
      const isRtu = this.#settings.framing === "rtu";
      if (answer.error.kind !== "timeout" || context.signal.aborted || isRtu || !answeredState) break;
    }
    if (answeredState) {
      for (const asked of unanswered) this.#conversation.silent(asked, context.nowMs);
      return ok({ kind: "asked", said: Object.fromEntries(said), line: this.#counts });
    }
    this.#away();
    return err(failure ?? { kind: "config", detail: "this map has nothing that is read at every poll" });
  }

  async #ask(line: Line, asked: Asked, context: PollContext): Promise<Result<Pdu, PollError>> {
    for (let tries = 0; ; tries++) {
      const answer = await this.#exchange(line, asked, context);
      const again = tries < this.#settings.retries && !context.signal.aborted;
      if (answer.ok) {
        const code = exceptionOf(answer.value);
        if (code === null) return ok(Buffer.from(answer.value).toString("hex"));
        this.#count("refusals");
        if (isPassing(code) && again) continue;
        if (!isAbsence(code)) return ok(Buffer.from(answer.value).toString("hex"));
        return err({
          kind: "timeout",
          detail: `the gateway answers, and unit ${this.#settings.unit} behind it does not`,
        });
      }
      if (answer.error.kind !== "timeout" || !again) return answer;
    }
  }

  async #exchange(line: Line, { name, question }: Asked, context: PollContext): Promise<Result<Uint8Array, PollError>> {
    const { framing, unit, requestTimeoutMs, silenceMs } = this.#settings;
    this.#transaction = (this.#transaction + 1) % TRANSACTIONS;
    const envelope: Envelope = { framing, unit, transaction: this.#transaction };
    if (framing === "rtu") await pause(this.#clock, silenceMs);
    const request = frameOf(questionPdu(question), envelope);
    const startMs = this.#clock.monotonic();
    const came = await line.exchange(
      {
        request,
        isComplete: (bytes) => isWhole(findReply(bytes, question, envelope)),
        timeoutMs: Math.min(context.timeoutMs, requestTimeoutMs),
        replyBytesMax: REPLY_BYTES_MAX,
        partialIsReply: true,
      },
      context.signal,
    );
    const said = came.ok ? byteText(came.value) : null;
    context.heard?.({ ask: name, sent: byteText(request), said, tookMs: this.#clock.monotonic() - startMs });
    if (!came.ok) {
      if (came.error.kind !== "timeout") return came;
      this.#count("timeouts");
      return err({ kind: "timeout", detail: `connected, but no reply from unit ${unit}`, hint: SILENCE_HINT });
    }
    const found = findReply(came.value, question, envelope);
    switch (found.kind) {
      case "reply":
        return ok(found.pdu);
      case "wide_count":
        return err(WIDE_COUNT);
      case "damaged":
        this.#count("checksumErrors");
        return err({ kind: "timeout", detail: `${came.value.length} bytes came and no whole reply of unit ${unit}` });
      case "nothing":
        this.#count("timeouts");
        return err({ kind: "timeout", detail: `only the question's own echo came back from unit ${unit}` });
    }
  }

  #count(what: keyof LineCounts): void {
    this.#counts = { ...this.#counts, [what]: this.#counts[what] + 1 };
  }

  #away(): void {
    this.#conversation.away();
    this.#known.clear();
  }
}

const SILENCE_HINT = "check the unit number, baud rate and parity, and whether A and B are the right way round";

const isWhole = ({ kind }: Found): boolean => kind === "reply" || kind === "wide_count";

const byteText = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const pause = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));
