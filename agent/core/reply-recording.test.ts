import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isReplyRecording,
  parseReplyRecording,
  REPLY_RECORDING_LIMITS,
  type ReplyRecording,
  writeReplyRecording,
} from "./reply-recording.ts";

const RECORDING: ReplyRecording = {
  driver: "escpos",
  kind: "receipt_printer",
  at: 1_782_086_400_000,
  redacted: true,
  options: { drawer_open_is: "low" },
  exchanges: [
    { ask: "printer", sent: "\u0010\u0004\u0001", hex: "12", ms: 7 },
    { ask: "paper", sent: "\u0010\u0004\u0004", hex: null, ms: 600 },
  ],
  answers: { printer: "\u0012", paper: null },
};

const GOLDEN = `{"recording":1,
"driver":"escpos","kind":"receipt_printer","at":1782086400000,"redacted":true,
"options":{"drawer_open_is":"low"},
"exchanges":[
 {"ask":"printer","sent":"\\u0010\\u0004\\u0001","hex":"12","ms":7},
 {"ask":"paper","sent":"\\u0010\\u0004\\u0004","hex":null,"ms":600}
],
"answers":{
 "printer":"\\u0012",
 "paper":null
}}
`;

const changed = (change: object): string => JSON.stringify({ ...JSON.parse(GOLDEN), ...change });
const errorOf = (text: string): string => {
  const read = parseReplyRecording(text);
  return read.ok ? "read" : read.error;
};

describe("a recording of a line", () => {
  it("is written as this", () => {
    expect(writeReplyRecording(RECORDING)).toBe(GOLDEN);
    expect(parseReplyRecording(GOLDEN)).toEqual({ ok: true, value: RECORDING });
  });

  it("comes back as it was written, in plain ASCII, whatever came on the line", () => {
    const bytes = fc.uint8Array({ maxLength: 60 }).map((some) => String.fromCharCode(...some));
    const answers = fc.dictionary(fc.stringMatching(/^[a-zA-Z]{1,12}$/), fc.option(bytes));
    fc.assert(
      fc.property(answers, (some) => {
        const exchanges = Object.entries(some).map(([ask, said]) => ({
          ask,
          sent: "?",
          hex: said === null ? null : Buffer.from(said, "latin1").toString("hex"),
          ms: 1,
        }));
        const recording = { ...RECORDING, exchanges, answers: { ...some } };
        const text = writeReplyRecording(recording);
        expect(text).toMatch(/^[\n\x20-\x7e]*$/);
        expect(isReplyRecording(text)).toBe(true);
        expect(parseReplyRecording(text)).toEqual({ ok: true, value: recording });
      }),
    );
  });

  it.each([
    { name: "half a file", text: GOLDEN.slice(0, 60), want: /^expected JSON of `record`; the text ends early/ },
    { name: "a list", text: "[]", want: /^expected JSON of `record`/ },
    { name: "a later version", text: changed({ recording: 2 }), want: /of version 1; received 2$/ },
    { name: "no version", text: changed({ recording: undefined }), want: /of version 1; received nothing$/ },
    {
      name: "a driver that is no name",
      text: changed({ driver: 7 }),
      want: /^driver: expected a driver's name; received 7$/,
    },
    { name: "a kind that there is not", text: changed({ kind: "fridge" }), want: /^kind: .* received "fridge"$/ },
    { name: "no time", text: changed({ at: "now" }), want: /^at: expected a time in Unix ms; received "now"$/ },
    { name: "a time after all times", text: changed({ at: 1e300 }), want: /^at: expected a time/ },
    { name: "options in a list", text: changed({ options: [] }), want: /^options: expected an object; received \[\]$/ },
    { name: "an option that holds more", text: changed({ options: { a: {} } }), want: /^options\.a: expected a text/ },
    {
      name: "no answers",
      text: changed({ answers: undefined }),
      want: /^answers: expected an object; received nothing$/,
    },
    {
      name: "an answer that is no bytes",
      text: changed({ answers: { printer: "\u20ac" }, exchanges: [] }),
      want: /^answers\.printer: expected bytes/,
    },
    {
      name: "an answer that was edited and its hex not",
      text: changed({ answers: { printer: "\u0013" } }),
      want: /^answers\.printer is not what exchanges has as hex/,
    },
    {
      name: "hex that is none",
      text: changed({ exchanges: [{ ask: "printer", hex: "1" }] }),
      want: /^exchanges\[0\]\.hex/,
    },
    { name: "a question without a name", text: changed({ exchanges: [{}] }), want: /^exchanges\[0\]\.ask/ },
    {
      name: "a time that runs backwards",
      text: changed({ exchanges: [{ ask: "a", ms: -1 }] }),
      want: /^exchanges\[0\]\.ms/,
    },
    {
      name: "questions without end",
      text: changed({ exchanges: Array(REPLY_RECORDING_LIMITS.exchangesMax + 1).fill({ ask: "a" }) }),
      want: /^exchanges: expected at most 512; received 513$/,
    },
    {
      name: "an answer without end",
      text: changed({ answers: { a: "x".repeat(REPLY_RECORDING_LIMITS.answerBytesMax + 1) } }),
      want: /^answers\.a: expected at most 65536 bytes$/,
    },
    {
      name: "a file without end",
      text: " ".repeat(REPLY_RECORDING_LIMITS.charsMax + 1),
      want: /^expected at most 1048576/,
    },
    {
      name: "control characters, which it does not show as they are",
      text: changed({ kind: "\u001b[2J" }),
      want: /received "\\u001b\[2J"$/,
    },
  ])("is refused with its place: $name", ({ text, want }) => {
    expect(errorOf(text)).toMatch(want);
  });

  it("is not what a recording of SNMP is", () => {
    expect(isReplyRecording('{"recording":1,"varbinds":{}}')).toBe(false);
    expect(isReplyRecording("1.3.6.1.2.1.1.5.0|4|driver")).toBe(false);
    expect(isReplyRecording('{"driver')).toBe(false);
  });

  it("never throws, whatever the file holds", () => {
    const json = fc.json();
    fc.assert(fc.property(json, (text) => void errorOf(text)));
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(JSON.parse(GOLDEN))), fc.jsonValue(), (key, value) => {
        const text = changed({ [key]: value });
        expect(isReplyRecording(text)).toBe(true);
        errorOf(text);
      }),
    );
  });
});
