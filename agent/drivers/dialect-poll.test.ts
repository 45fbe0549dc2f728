/** Polls of a dialect over a line that answers what the test says. */
import { err, ok, type Result } from "@aislewatch/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutConversations, piecesIn } from "../../test/rig/specimen-cards.ts";
import { makeReplyRecording } from "../cli/reply-recordings.ts";
import { writeReplyRecording } from "../core/reply-recording.ts";
import type { Exchange, LineError, OpenLine } from "../transport/line.ts";
import { DialectPoll, type DialectPollOptions } from "./dialect-poll.ts";
import type { AnyDriver, PollError } from "./driver.ts";
import escpos from "./escpos/index.ts";
import { requestsFor } from "./escpos/requests.ts";
import mtSics from "./mt-sics/index.ts";
import type { Heard, Replies, Request } from "./request.ts";
import star from "./star/index.ts";
import { requests as starRequests } from "./star/requests.ts";

const MINUTE_MS = 60_000;
/** One that the networks publish for tests. */
const CARD = "4111111111111111";

/** What a device says to each question; null or nothing: silence. */
type Answers = Readonly<Record<string, string | null | LineError>>;

const request = (name: string, over: Partial<Request> = {}): Request => ({
  name,
  role: "state",
  bytes: name,
  asks: "",
  isWhole: (said) => said.endsWith("\n"),
  ...over,
});
const STATUS = request("status");
const MODEL = request("model", { role: "identity" });
const METERS = request("meters", { role: "wear" });

/** Polls once a minute; each poll says what was asked, and the reply or the kind of failure. */
function device(requests: readonly Request[], options: Partial<DialectPollOptions> = {}) {
  const poller = new DialectPoll({ requests, silence: "nobody there", replies: "text", slackMs: 0, ...options });
  const exchanges: Exchange[] = [];
  let openLines = 0;
  let nowMs = 0;

  const lineOf = (answers: Answers, unasked: string): OpenLine => {
    let dropped = Buffer.from(unasked, "latin1");
    return async () => {
      openLines++;
      return ok({
        exchange: async (exchange) => {
          exchanges.push(exchange);
          return answered(exchange, answers[Buffer.from(exchange.request).toString("latin1")] ?? null);
        },
        leftOver: () => {
          const last = dropped;
          dropped = Buffer.alloc(0);
          return last;
        },
        close: async () => void openLines--,
      });
    };
  };

  async function over(open: OpenLine) {
    nowMs += MINUTE_MS;
    const before = exchanges.length;
    const heard: Heard[] = [];
    const context = { signal: new AbortController().signal, timeoutMs: 2_000, nowMs };
    const reply = await poller.poll(open, { ...context, heard: (one) => void heard.push(one) });
    expect(openLines).toBe(0);
    const asked = exchanges.slice(before).map((one) => Buffer.from(one.request).toString("latin1"));
    return { asked: asked.join(" "), ...outcome(reply), heard: heard.map(({ ask, said }) => [ask, said]) };
  }

  return {
    exchanges,
    lastSaid: () => poller.lastSaid,
    poll: (answers: Answers, unasked = "") => over(lineOf(answers, unasked)),
    pollOver: over,
    pollUnopened: (kind: PollError["kind"]) => over(async () => err({ kind, detail: "not opened" })),
    wait: (ms: number): void => {
      nowMs += ms;
    },
  };
}

/** Each text came in an exchange of its own, or in none: when nobody had asked, or as the rest of a question without an answer. */
type Came = { readonly text: string; readonly as: "reply" | "unasked" | "unanswered" };

/** A line on which that comes, one after the other. */
function lineThatSays(came: readonly Came[]): OpenLine {
  const next = [...came];
  const leftOver: string[] = [];
  let hasReplied = false;
  const takeUnasked = (): void => {
    while (next[0]?.as === "unasked") leftOver.push(next.shift()?.text ?? "");
  };
  return async () =>
    ok({
      exchange: async (exchange) => {
        takeUnasked();
        const said = next.shift() ?? { text: "", as: "unanswered" };
        const bytes = Buffer.from(said.text, "latin1");
        hasReplied = said.as === "reply" && exchange.isComplete(bytes);
        if (hasReplied) return ok(bytes);
        leftOver.push(said.text);
        return err({ kind: "timeout", detail: "nothing whole came" });
      },
      leftOver: () => {
        // What comes behind a reply has not come yet when that is handed on.
        if (!hasReplied) takeUnasked();
        hasReplied = false;
        return Buffer.from(leftOver.splice(0).join(""), "latin1");
      },
      close: async () => {},
    });
}

function answered(exchange: Exchange, said: string | null | LineError): Result<Uint8Array, LineError> {
  if (said === null) return err({ kind: "timeout", detail: "nothing came" });
  if (typeof said !== "string") return err(said);
  const bytes = Buffer.from(said, "latin1");
  if (exchange.isComplete(bytes) || exchange.partialIsReply) return ok(bytes);
  return err({ kind: "timeout", detail: `${bytes.length} bytes came` });
}

const outcome = (reply: Result<Replies, PollError>): { reply: Replies | null; failure: string } =>
  reply.ok
    ? { reply: reply.value, failure: "" }
    : { reply: null, failure: `${reply.error.kind}: ${reply.error.detail}` };

describe("a poll of a dialect", () => {
  const WELL = { status: "ok\n", model: "M1\n", meters: "100\n" };

  it("asks all at first, then the state alone, and brings what was said of wear until that is asked again", async () => {
    const { poll, wait, lastSaid } = device([STATUS, MODEL, METERS]);
    expect(await poll(WELL)).toMatchObject({ asked: "status model meters", reply: WELL });
    const { status, meters } = WELL;
    const then = await poll(WELL);
    expect([then.asked, then.reply]).toEqual(["status", { status, meters }]);
    expect(lastSaid()).toEqual(WELL);
    wait(15 * MINUTE_MS);
    const later = await poll({ ...WELL, meters: "200\n" });
    expect([later.asked, later.reply]).toEqual(["status meters", { status, meters: "200\n" }]);
    wait(15 * MINUTE_MS);
    expect((await poll({ ...WELL, meters: null })).reply).toEqual({ status, meters: null });
  });

  it("asks who does not tell its state for nothing else, and says that nobody answered", async () => {
    const { poll } = device([STATUS, MODEL, METERS]);
    expect(await poll({ ...WELL, status: null })).toEqual({
      asked: "status",
      reply: null,
      failure: "timeout: nobody there",
      heard: [["status", null]],
    });
  });

  it.each<{ name: string; away: (one: ReturnType<typeof device>) => Promise<unknown> }>([
    { name: "did not answer", away: ({ poll }) => poll({}) },
    { name: "could not be reached", away: ({ pollUnopened }) => pollUnopened("unreachable") },
  ])("knows nothing any more of a device that $name: another one may stand there", async ({ away }) => {
    const one = device([STATUS, MODEL, METERS]);
    await one.poll(WELL);
    await away(one);
    const back = await one.poll({ status: "ok\n" });
    expect([back.asked, back.reply]).toEqual(["status model meters", { status: "ok\n", model: null, meters: null }]);
    for (let n = 0; n < 4; n++) await one.poll({ status: "ok\n" });
    // What it does not know is asked for no more, and is not what the other one said.
    expect([(await one.poll({ status: "ok\n" })).reply, one.lastSaid()]).toEqual([
      { status: "ok\n" },
      { status: "ok\n" },
    ]);
  });

  it("knows all of a device still whose line somebody else had", async () => {
    const { poll, pollUnopened } = device([STATUS, MODEL, METERS]);
    await poll(WELL);
    expect(await pollUnopened("busy")).toMatchObject({ asked: "", failure: "busy: not opened" });
    const back = await poll(WELL);
    expect([back.asked, back.reply]).toEqual(["status", { status: "ok\n", meters: "100\n" }]);
  });

  it("leaves a question alone that stays unanswered while others are answered", async () => {
    const { poll } = device([STATUS, request("errors")]);
    const asked = [];
    for (let n = 0; n < 4; n++) asked.push((await poll({ status: "ok\n" })).asked);
    expect(asked).toEqual(["status errors", "status errors", "status errors", "status"]);
  });

  it("puts no further question to a line that failed, and hands on why", async () => {
    const { poll } = device([STATUS, request("errors")]);
    const torn: LineError = { kind: "io", detail: "torn" };
    expect(await poll({ status: torn, errors: "ok\n" })).toMatchObject({ asked: "status", failure: "io: torn" });
    expect(await poll({ status: "ok\n", errors: torn })).toMatchObject({ reply: { status: "ok\n", errors: null } });
  });

  it.each([
    { name: "goes on after a silence", anonymous: false, asked: "status errors paper" },
    {
      name: "ends at the silence of a question whose late answer could be the next one's",
      anonymous: true,
      asked: "status errors",
    },
  ])("$name", async ({ anonymous, asked }) => {
    const { poll } = device([STATUS, request("errors", { anonymous }), request("paper")]);
    expect((await poll({ status: "ok\n", paper: "ok\n" })).asked).toBe(asked);
  });

  it("has no state to ask for in a table without one", async () => {
    const { poll } = device([MODEL]);
    expect((await poll(WELL)).failure).toMatch(/^config: /);
  });
});

describe("a question that depends on others", () => {
  const onlyIf = (name: string, said: string) => request("more", { onlyIf: (heard) => heard[name] === said });

  it.each([
    { name: "on this poll's state", table: [STATUS, onlyIf("status", "ok\n")], asked: ["status more", "status more"] },
    { name: "on another answer", table: [STATUS, onlyIf("status", "off\n")], asked: ["status", "status"] },
    {
      name: "on who the device is, which an earlier poll has heard",
      table: [STATUS, MODEL, onlyIf("model", "M1\n")],
      asked: ["status model more", "status more"],
    },
    {
      name: "on the state, which an earlier poll does not tell",
      table: [onlyIf("status", "ok\n"), STATUS],
      asked: ["status", "status"],
    },
  ])("is asked where it depends $name: $asked", async ({ table, asked }) => {
    const { poll } = device(table);
    const answers = { status: "ok\n", model: "M1\n", more: "ok\n" };
    expect([(await poll(answers)).asked, (await poll(answers)).asked]).toEqual(asked);
  });
});

describe("an exchange of a dialect", () => {
  it.each([
    {
      name: "waits for a second and a half, up to 4096 bytes",
      over: {},
      slackMs: 0,
      want: { timeoutMs: 1_500, replyBytesMax: 4_096 },
    },
    {
      name: "as its question says",
      over: { waitMs: 200, replyBytesMax: 64 },
      slackMs: 0,
      want: { timeoutMs: 200, replyBytesMax: 64 },
    },
    { name: "longer on a slow line", over: { waitMs: 200 }, slackMs: 300, want: { timeoutMs: 500 } },
    { name: "but no longer than a poll may take", over: { waitMs: 1_900 }, slackMs: 300, want: { timeoutMs: 2_000 } },
  ])("$name", async ({ over, slackMs, want }) => {
    const { poll, exchanges } = device([request("status", over)], { slackMs });
    await poll({ status: "ok\n" });
    expect(exchanges).toMatchObject([{ ...want, partialIsReply: false }]);
  });

  it("takes what came for the reply where a reply has no end of its own", async () => {
    const { poll } = device([request("status", { isWhole: () => false, endsInSilence: true })]);
    expect((await poll({ status: "ok" })).reply).toEqual({ status: "ok" });
  });

  it("keeps of a reply what the question keeps, and nothing else of it anywhere", async () => {
    const keep = (said: string): string => said.slice(-3);
    const { poll, lastSaid } = device([STATUS, request("model", { role: "identity", keep })]);
    const said = await poll({ status: "ok\n", model: "5901234123457\nM1\n" });
    expect(said.reply).toEqual({ status: "ok\n", model: "M1\n" });
    expect(JSON.stringify([said, lastSaid()])).not.toContain("5901234123457");
  });
});

const HOST_STATUS =
  "\u0002030,0,0,1225,000,0,0,0,000,0,0,0\u0003\r\n\u0002001,0,0,0,1,3,6,0,00000000,1,000\u0003\r\n\u0002****,0\u0003\r\n";

const textsIn = (value: unknown): readonly string[] => {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
};

describe("card data on a line", () => {
  const seen = (...shown: unknown[]): string => JSON.stringify(shown);

  it.each(["text", "codes"] as const)("is in no reply, recording or report of a dialect of %s", async (replies) => {
    const { poll, lastSaid } = device([STATUS, MODEL, METERS], { replies });
    const scanned = `ok ${CARD} and more\n`;
    const said = await poll({ status: scanned, model: scanned, meters: scanned });
    expect(said.reply).not.toBeNull();
    expect(said.heard).toHaveLength(3);
    expect(seen(said, lastSaid(), await poll({ status: "ok\n" }))).not.toContain(CARD);
  });

  it("is not left in pieces of five and more digits where a reply of text ends", async () => {
    const { poll } = device([request("status", { isWhole: (text) => text !== "" })]);
    expect((await poll({ status: "x 411111" })).reply).toEqual({ status: "x [digits:6]" });
  });

  it("counts the digits that an earlier reply ended with", async () => {
    const any = { isWhole: (text: string) => text !== "" };
    const { poll } = device([request("status", any), request("errors", any)]);
    expect((await poll({ status: "x 411", errors: "234 y" })).reply).toEqual({
      status: "x 411",
      errors: "[digits:3] y",
    });
  });

  it.each([
    { name: "two replies", unasked: "", answers: { status: "ok 41111111", model: "11111111\n" } },
    {
      name: "what nobody asked for and the reply",
      unasked: "41111111",
      answers: { status: "11111111\n", model: "M1\n" },
    },
  ])("that is cut between $name gives all of them up, and what was known", async ({ unasked, answers }) => {
    const one = device([request("status", { isWhole: (text) => text !== "" }), MODEL, METERS]);
    await one.poll({ status: "ok\n", meters: "100\n" });
    expect(await one.poll(answers, unasked)).toMatchObject({
      reply: null,
      failure: "protocol: card data was on the line; nothing of it was kept",
      heard: [],
    });
    expect(await one.poll({ status: "ok\n" })).toMatchObject({ asked: "status model meters", reply: { meters: null } });
  });

  it("is no reason to give up what is not asked for and belongs to nobody's card", async () => {
    const { poll } = device([STATUS]);
    expect((await poll({ status: "ok\n" }, "1234567")).reply).toEqual({ status: "ok\n" });
  });

  it.each<{ name: string; came: readonly Came[]; questions?: number }>([
    {
      name: "the rest of a question without an answer and the next one's reply",
      came: [
        { text: "ok\n", as: "reply" },
        { text: "41111111", as: "unanswered" },
        { text: "11111111\n", as: "reply" },
      ],
    },
    {
      name: "a reply and what came before the line was closed",
      came: [
        { text: "ok 41111111\n4111", as: "reply" },
        { text: "111111111111", as: "unasked" },
      ],
      questions: 1,
    },
    {
      name: "two replies, in packed digits",
      came: [
        { text: "ok\u0002I)s", as: "reply" },
        { text: "\u0018\u0006E\u0082y\u0003\n", as: "reply" },
      ],
    },
  ])("that is cut between $name gives all of them up", async ({ came, questions = 3 }) => {
    const requests = ["status", "errors", "paper"]
      .slice(0, questions)
      .map((name) => request(name, { isWhole: () => true }));
    const { pollOver } = device(requests);
    expect((await pollOver(lineThatSays(came))).failure).toMatch(/^protocol: card data was on the line/);
  });

  const ordinary: Readonly<Record<string, readonly string[]>> = {
    text: ["ok\n", HOST_STATUS, "S S     100.00 g\r\n", '"313247 INCHES, 795649 CENTIMETERS"', 'I4 A "B021004217"\r\n'],
    codes: ["\u0012", "\u0016", "\u0010\0\0\0\u0012", "\0", "#\u0006\u0008\0\0\0\0\0\0"],
  };
  const ANY = Array.from({ length: 12 }, (_, n) => request(`any ${n}`, { isWhole: () => true }));

  it.each<{ name: string; driver: AnyDriver; replies: "text" | "codes"; requests: readonly Request[] }>([
    { name: "any dialect of text", driver: mtSics, replies: "text", requests: ANY },
    { name: "ESC/POS", driver: escpos, replies: "codes", requests: requestsFor({ ask: "both" }) },
    { name: "Star", driver: star, replies: "codes", requests: starRequests },
  ])("leaves no eight digits in replies, reports and recordings, wherever it was cut: $name", async (dialect) => {
    const { driver, replies, requests } = dialect;
    const as = fc.constantFrom<Came["as"][]>("reply", "reply", "reply", "unasked", "unanswered");
    const came = fc
      .tuple(cutConversations(ordinary[replies] ?? []), fc.array(as, { minLength: 10, maxLength: 10 }))
      .map(([reads, how]) => reads.map((text, n): Came => ({ text, as: how[n] ?? "reply" })));
    await fc.assert(
      fc.asyncProperty(came, async (all) => {
        const heard: Heard[] = [];
        const poller = new DialectPoll({ requests, silence: "", replies, slackMs: 0 });
        const context = { signal: new AbortController().signal, timeoutMs: 2_000, nowMs: 0 };
        const reply = await poller.poll(lineThatSays(all), { ...context, heard: (one) => void heard.push(one) });
        const kept = [reply, poller.lastSaid, heard].map((one) => JSON.stringify(one));
        expect([...textsIn([reply, poller.lastSaid, heard]), ...kept].flatMap(piecesIn)).toEqual([]);
        if (!reply.ok) return;
        const config: unknown = driver.config.parse({ line: { tcp: "10.42.0.9:4001" } });
        const device = { driver, driverConfig: config, kind: "scale" } as const;
        const reader = driver.open({ id: "x", kind: "scale", config, secret: () => "" });
        const { recording } = makeReplyRecording(device, { poller: reader, reply: reply.value, heard, atMs: 0 });
        expect(piecesIn(writeReplyRecording(recording))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
