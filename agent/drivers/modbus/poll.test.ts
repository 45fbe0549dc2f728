/** Polls of one unit over a line that answers what the test says. */
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import { describe, expect, it } from "vitest";
import type { LineError, OpenLine } from "../../transport/line.ts";
import type { PollError } from "../driver.ts";
import { type Envelope, type Framing, frameOf } from "./frames.ts";
import { type Asked, ModbusPoll } from "./poll.ts";
import type { ModbusReply } from "./types.ts";

const UNIT = 7;
const VALUE = [3, 2, 0, 42];
const HEX = "0302002a";
const exception = (code: number): number[] => [0x83, code];

/** One holding register, whose address is the question's number. */
const asked = (address: number, role: Asked["role"] = "state"): Asked => ({
  name: `r${address}`,
  role,
  question: { kind: "read", table: "holding", address, count: 1 },
});

type Answer = readonly number[] | "silence" | "damaged" | LineError;

/** `answer` is given the register that is asked for, and how many exchanges there were before in this poll. */
function unit(
  questions: readonly Asked[],
  { framing = "tcp", retries = 0 }: { framing?: Framing; retries?: number } = {},
) {
  const pauses: number[] = [];
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after(delayMs, run) {
      pauses.push(delayMs);
      queueMicrotask(run);
      return () => {};
    },
  };
  const exchanges: number[] = [];
  let openLines = 0;
  const lineOf = (answer: (register: number, before: number) => Answer): OpenLine => {
    return async () => {
      openLines++;
      return ok({
        exchange: async ({ request, isComplete }) => {
          const pdu = framing === "tcp" ? request.subarray(7) : request.subarray(1);
          const register = pdu[2] ?? 0;
          const transaction = ((request[0] ?? 0) << 8) | (request[1] ?? 0);
          const said = answer(register, exchanges.length);
          exchanges.push(register);
          return heard(said, { framing, unit: UNIT, transaction }, isComplete);
        },
        leftOver: () => new Uint8Array(),
        close: async () => void openLines--,
      });
    };
  };
  let open: OpenLine = async () => err({ kind: "unreachable", detail: "" });
  const settings = { framing, unit: UNIT, requestTimeoutMs: 100, retries, silenceMs: 4 };
  const poller = new ModbusPoll((...args) => open(...args), questions, settings, clock);
  const poll = async (next: OpenLine) => {
    open = next;
    exchanges.length = 0;
    const reply = await poller.poll({ signal: new AbortController().signal, timeoutMs: 1_000, nowMs: 0 });
    expect(openLines).toBe(0);
    return { asked: exchanges.map((register) => `r${register}`).join(" "), ...outcome(reply) };
  };
  return {
    pauses,
    poll: (answer: Parameters<typeof lineOf>[0]) => poll(lineOf(answer)),
    pollUnopened: (kind: PollError["kind"]) => poll(async () => err({ kind, detail: "not opened" })),
  };
}

function heard(
  said: Answer,
  envelope: Envelope,
  isComplete: (bytes: Uint8Array) => boolean,
): Result<Uint8Array, LineError> {
  if (said === "silence") return err({ kind: "timeout", detail: "nothing came" });
  if (said === "damaged") return ok(Uint8Array.of(0xff, 0xff));
  if (!("length" in said)) return err(said);
  const frame = frameOf(said, envelope);
  expect(isComplete(frame)).toBe(true);
  return ok(frame);
}

function outcome(reply: Result<ModbusReply, PollError>) {
  if (!reply.ok) return { failure: `${reply.error.kind}: ${reply.error.detail}` };
  return reply.value.kind === "asked" ? { said: reply.value.said, line: reply.value.line } : { failure: "listened" };
}

describe("an exception", () => {
  it.each([
    {
      name: "of a register that is not there is an answer",
      codes: [2],
      retries: 1,
      asks: 1,
      want: { said: { r1: "8302" } },
    },
    {
      name: "of a busy unit is asked about once more",
      codes: [6, 0],
      retries: 1,
      asks: 2,
      want: { said: { r1: HEX } },
    },
    { name: "of a unit that is still at it, too", codes: [5, 0], retries: 1, asks: 2, want: { said: { r1: HEX } } },
    {
      name: "of a unit that stays busy is its answer",
      codes: [6, 6, 0],
      retries: 1,
      asks: 2,
      want: { said: { r1: "8306" } },
    },
    {
      name: "of a busy unit is not asked about without a retry",
      codes: [6, 0],
      retries: 0,
      asks: 1,
      want: { said: { r1: "8306" } },
    },
    {
      name: "of a gateway that got no reply is the unit's silence",
      codes: [11],
      retries: 0,
      asks: 1,
      want: { failure: "timeout: the gateway answers, and unit 7 behind it does not" },
    },
  ])("$name", async ({ codes, retries, asks, want }) => {
    const { poll } = unit([asked(1)], { retries });
    const got = await poll((_, before) => (codes[before] ? exception(codes[before] ?? 0) : VALUE));
    expect(got.asked).toBe(Array(asks).fill("r1").join(" "));
    expect(got).toMatchObject(want);
  });

  it("is counted, and so are damage and silence", async () => {
    const { poll } = unit([asked(1), asked(2), asked(3), asked(4)]);
    const answers: Readonly<Record<number, Answer>> = { 1: VALUE, 2: exception(2), 3: "damaged", 4: "silence" };
    const got = await poll((register) => answers[register] ?? "silence");
    expect(got).toMatchObject({
      said: { r1: HEX, r2: "8302", r3: null, r4: null },
      line: { refusals: 1, checksumErrors: 1, timeouts: 1 },
    });
  });
});

describe("after a silence", () => {
  const answer = (register: number): Answer => (register === 2 ? "silence" : VALUE);
  it.each([
    { name: "the next question is put over TCP, whose frames say what they answer", framing: "tcp", asks: "r1 r2 r3" },
    {
      name: "nothing more is asked over a serial line, where an answer may be a late one",
      framing: "rtu",
      asks: "r1 r2",
    },
  ] as const)("$name", async ({ framing, asks }) => {
    expect((await unit([asked(1), asked(2), asked(3)], { framing }).poll(answer)).asked).toBe(asks);
  });

  it("of the first question nothing more is asked", async () => {
    const { poll } = unit([asked(2), asked(3)]);
    const got = await poll(answer);
    expect([got.asked, "failure" in got && got.failure]).toEqual([
      "r2",
      "timeout: connected, but no reply from unit 7",
    ]);
  });

  it("it is asked again as often as the settings say", async () => {
    const { poll } = unit([asked(1)], { retries: 2 });
    expect((await poll(() => "silence")).asked).toBe("r1 r1 r1");
  });
});

it.each([
  { framing: "rtu", pauses: [4, 4] },
  { framing: "tcp", pauses: [] },
] as const)("is quiet on the line before each question of $framing: $pauses", async ({ framing, pauses }) => {
  const one = unit([asked(1), asked(2)], { framing });
  await one.poll(() => VALUE);
  expect(one.pauses).toEqual(pauses);
});

describe("who the unit is", () => {
  const QUESTIONS = [asked(1), asked(9, "identity")];

  it("is asked once, and said with every reply, also after somebody else had the line", async () => {
    const { poll, pollUnopened } = unit(QUESTIONS);
    expect((await poll(() => VALUE)).asked).toBe("r1 r9");
    expect(await poll(() => VALUE)).toMatchObject({ asked: "r1", said: { r1: HEX, r9: HEX } });
    await pollUnopened("busy");
    expect(await poll(() => VALUE)).toMatchObject({ asked: "r1", said: { r1: HEX, r9: HEX } });
  });

  it.each([
    { name: "did not answer", away: (one: ReturnType<typeof unit>) => one.poll(() => "silence") },
    { name: "could not be reached", away: (one: ReturnType<typeof unit>) => one.pollUnopened("unreachable") },
  ])("is not known any more of one that $name", async ({ away }) => {
    const one = unit(QUESTIONS);
    await one.poll(() => VALUE);
    await away(one);
    const got = await one.poll((register) => (register === 1 ? VALUE : "silence"));
    expect(got).toMatchObject({ asked: "r1 r9", said: { r1: HEX, r9: null } });
    for (let n = 0; n < 3; n++) await one.poll((register) => (register === 1 ? VALUE : "silence"));
    const later = await one.poll(() => VALUE);
    expect(later).toMatchObject({ asked: "r1" });
    expect("said" in later && later.said).toEqual({ r1: HEX });
  });
});
