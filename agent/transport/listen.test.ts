import { Duplex } from "node:stream";
import { err, ManualClock, ok } from "@aislewatch/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LineError } from "./line.ts";
import { Listener } from "./listen.ts";
import { FLOOD, LineMeter, type MessageEnd } from "./listen-meter.ts";

const CR: MessageEnd = { by: "terminator", byte: 0x0d };
const GAP: MessageEnd = { by: "gap", gapMs: 100 };
const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

describe("LineMeter", () => {
  it.each([
    {
      name: "by their terminator",
      end: CR,
      said: [
        [0, "a\rb"],
        [1, "\r\r"],
        [2, "c"],
      ],
      messages: 2,
    },
    {
      name: "by the pauses between them",
      end: GAP,
      said: [
        [0, "a"],
        [50, "a"],
        [149, "a"],
        [249, "b"],
      ],
      messages: 2,
    },
    {
      name: "not at all while nothing comes",
      end: GAP,
      said: [
        [0, ""],
        [500, ""],
      ],
      messages: 0,
    },
  ] as const)("counts messages $name", ({ end, said, messages }) => {
    const meter = new LineMeter(end);
    for (const [atMs, text] of said) meter.take(bytes(text), atMs);
    expect(meter.figures.messages).toBe(messages);
  });

  it("counts the same however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (said, size) => {
        const [whole, cut] = [new LineMeter(CR), new LineMeter(CR)];
        whole.take(said, 0);
        for (let at = 0; at < said.length; at += size) cut.take(said.subarray(at, at + size), 0);
        expect(cut.figures).toEqual(whole.figures);
        expect(cut.figures.bytes).toBe(said.length);
      }),
    );
  });

  it("knows a flood from a busy line", () => {
    const [busy, flood] = [new LineMeter(GAP), new LineMeter(GAP)];
    const chunk = new Uint8Array(11_520);
    let flooded = false;
    for (let second = 0; second < 100; second++) expect(busy.take(chunk, second * 1_000)).toBe(true);
    for (let n = 0; n < 100; n++) flooded ||= !flood.take(chunk, n * 10);
    expect(flooded).toBe(true);
  });
});

/** A line of which the test says when it opens, speaks and ends. */
function fakeLine() {
  const written: Uint8Array[] = [];
  const state = { opened: 0, answer: null as LineError | null, stream: null as Duplex | null };
  const open = async () => {
    state.opened++;
    if (state.answer !== null) return err(state.answer);
    const stream = new Duplex({
      read() {},
      write(chunk: Uint8Array, _encoding, done) {
        written.push(chunk);
        done();
      },
    });
    state.stream = stream;
    return ok({
      stream,
      describe: (error: Error): LineError => ({ kind: "io", detail: error.message }),
      close: async () => void stream.destroy(),
    });
  };
  return { state, open, written };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("Listener", () => {
  it("counts what comes, never writes, and closes the line", async () => {
    const clock = new ManualClock();
    const { state, open, written } = fakeLine();
    const listener = new Listener({ open, end: CR, clock, random: () => 0 });
    await listener.start(new AbortController().signal);
    state.stream?.push(bytes("one\rtwo\r"));
    await settle();
    clock.advance(2_500);
    expect(listener.figures).toEqual({ receivedBytes: 8, messages: 2, idleMs: 2_500, errors: null, failure: null });
    await listener.close();
    expect([state.stream?.destroyed, written, clock.pending]).toEqual([true, [], 0]);
  });

  it("opens a line again that ended, later each time, and says meanwhile why it is not open", async () => {
    const clock = new ManualClock();
    const { state, open } = fakeLine();
    const listener = new Listener({ open, end: CR, clock, random: () => 0.999 });
    await listener.start(new AbortController().signal);
    state.stream?.push(bytes("x\r"));
    await settle();
    state.answer = { kind: "unreachable", detail: "pulled out" };
    state.stream?.destroy(new Error("gone"));
    await settle();
    expect(listener.figures.failure).toEqual({ kind: "io", detail: "gone" });
    const openedAt: number[] = [];
    for (let second = 1; second <= 130; second++) {
      const before = state.opened;
      clock.advance(1_000);
      await settle();
      if (state.opened > before) openedAt.push(second);
    }
    expect(openedAt).toEqual([1, 3, 7, 15, 31, 63, 123]);
    expect(listener.figures).toMatchObject({ messages: 1, failure: { kind: "unreachable" } });
    state.answer = null;
    clock.advance(60_000);
    await settle();
    expect(listener.figures.failure).toBeNull();
    await listener.close();
    expect(clock.pending).toBe(0);
  });

  it("does not hold up who waits for a line that takes long to open", async () => {
    const patience = new AbortController();
    const open = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const listener = new Listener({ open, end: CR, clock: new ManualClock(), random: () => 0 });
    const started = listener.start(patience.signal);
    patience.abort();
    await started;
    expect(listener.figures.failure).toMatchObject({ kind: "timeout" });
  });

  it("leaves a line alone that floods", async () => {
    const clock = new ManualClock();
    const { state, open } = fakeLine();
    const listener = new Listener({ open, end: CR, clock, random: () => 0 });
    await listener.start(new AbortController().signal);
    for (let n = 0; n <= (FLOOD.bytesASecondMax * FLOOD.windowMs) / 1_000 / 16_384; n++) {
      state.stream?.push(new Uint8Array(16_384));
    }
    await settle();
    await settle();
    expect([state.stream?.destroyed, listener.figures.failure?.kind]).toEqual([true, "protocol"]);
    for (let second = 0; second < 29; second++) {
      clock.advance(1_000);
      await settle();
    }
    expect(state.opened).toBe(1);
    for (let second = 0; second < 60; second++) {
      clock.advance(1_000);
      await settle();
    }
    expect([state.opened, listener.figures.failure]).toEqual([2, null]);
    await listener.close();
  });
});
