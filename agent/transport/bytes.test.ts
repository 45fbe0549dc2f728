import { Duplex } from "node:stream";
import { ManualClock } from "@aislewatch/base";
import { describe, expect, it } from "vitest";
import { lineOver } from "./bytes.ts";
import type { LineError } from "./line.ts";

const describeError = (error: Error): LineError => ({ kind: "io", detail: error.message });

/** A line whose device says what the test pushes. */
function line() {
  const stream = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
  const clock = new ManualClock();
  const over = lineOver({ stream, describe: describeError, close: async () => {} }, "there", clock);
  const say = async (text: string): Promise<void> => {
    stream.push(Buffer.from(text, "latin1"));
    await new Promise((done) => setImmediate(done));
  };
  const ask = (replyBytesMax = 64) =>
    over.exchange(
      {
        request: Buffer.from("?"),
        isComplete: (bytes) => Buffer.from(bytes).includes("\n"),
        timeoutMs: 100,
        replyBytesMax,
      },
      new AbortController().signal,
    );
  const leftOver = (): string => Buffer.from(over.leftOver()).toString("latin1");
  return { say, ask, leftOver, clock };
}

describe("what is left over on a line", () => {
  it("is what came when nobody had asked, once", async () => {
    const { say, ask, leftOver } = line();
    await say("4929");
    const asked = ask();
    await say("ok\n");
    expect((await asked).ok).toBe(true);
    await say("late");
    expect([leftOver(), leftOver()]).toEqual(["4929late", ""]);
  });

  it("is what came of a reply that was not whole in time, behind what came before the question", async () => {
    const { say, ask, leftOver, clock } = line();
    await say("4929");
    const asked = ask();
    await say("7318");
    clock.advance(100);
    expect(await asked).toMatchObject({
      ok: false,
      error: { kind: "timeout", detail: expect.stringMatching(/: 4 bytes came$/) },
    });
    expect(leftOver()).toBe("49297318");
  });

  it("is what came of one that was longer than it may be", async () => {
    const { say, ask, leftOver } = line();
    const asked = ask(4);
    await say("49297318");
    expect(await asked).toMatchObject({ ok: false, error: { misbehaved: true } });
    expect(leftOver()).toBe("4929");
  });

  it("is its beginning and its end when it is long", async () => {
    const { say, leftOver } = line();
    for (const text of ["a".repeat(300), "b".repeat(300), "c".repeat(2_000), "d"]) await say(text);
    expect(leftOver()).toBe(`${"a".repeat(300)}${"b".repeat(212)}${"c".repeat(511)}d`);
  });
});
