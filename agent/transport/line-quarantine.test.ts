import { ManualClock, ok } from "@aislewatch/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Line, LineError } from "./line.ts";
import { LineQuarantine, QUARANTINE } from "./line-quarantine.ts";

const FLOOD: LineError = { kind: "protocol", detail: "too much", hint: "baud rate?", misbehaved: true };
const EXCHANGE = {
  request: new Uint8Array(1),
  isComplete: () => true,
  timeoutMs: 1,
  replyBytesMax: 1,
};

describe("LineQuarantine", () => {
  it("leaves a line alone after it misbehaved, twice as long each time, and says why", () => {
    const quarantine = new LineQuarantine();
    let nowMs = 0;
    for (const pauseS of [30, 60, 120, 240, 480, 900, 900]) {
      expect(quarantine.admit("a", nowMs).ok).toBe(true);
      quarantine.punish("a", FLOOD, nowMs);
      expect(quarantine.admit("a", nowMs + pauseS * 1_000 - 1)).toEqual({
        ok: false,
        error: { kind: "protocol", detail: `left alone for up to ${pauseS} s after: too much`, hint: "baud rate?" },
      });
      nowMs += pauseS * 1_000;
    }
    expect(quarantine.admit("a", nowMs).ok).toBe(true);
  });

  it("forgives all with one whole exchange, and never holds another line", () => {
    const quarantine = new LineQuarantine();
    quarantine.punish("a", FLOOD, 0);
    quarantine.punish("a", FLOOD, 0);
    expect([quarantine.held(0), quarantine.admit("b", 0).ok]).toEqual([["a"], true]);
    quarantine.praise("a");
    quarantine.punish("a", FLOOD, 0);
    expect(quarantine.admit("a", QUARANTINE.firstMs).ok).toBe(true);
  });

  it("remembers no more lines than its bound", () => {
    const quarantine = new LineQuarantine();
    for (let n = 0; n <= QUARANTINE.linesMax; n++) quarantine.punish(`line-${n}`, FLOOD, 0);
    expect(quarantine.held(0)).toHaveLength(QUARANTINE.linesMax);
    expect(quarantine.admit("line-0", 0).ok).toBe(true);
  });

  it("forgets the line that misbehaved longest ago", () => {
    const quarantine = new LineQuarantine();
    for (let n = 0; n < QUARANTINE.linesMax; n++) quarantine.punish(`line-${n}`, FLOOD, 0);
    quarantine.punish("line-0", FLOOD, 0);
    quarantine.punish("a", FLOOD, 0);
    expect(["line-0", "line-1", "a"].map((key) => quarantine.admit(key, 0).ok)).toEqual([false, true, false]);
  });

  it("does not even open a line that it holds", async () => {
    const clock = new ManualClock();
    let opened = 0;
    let flood = true;
    const line: Line = {
      exchange: async () => (flood ? { ok: false, error: FLOOD } : ok(new Uint8Array())),
      leftOver: () => new Uint8Array(),
      close: async () => {},
    };
    const open = new LineQuarantine().guard(
      "a",
      async () => {
        opened++;
        return ok(line);
      },
      clock,
    );
    const ask = async () => {
      const { signal } = new AbortController();
      const got = await open(signal, 1);
      return got.ok ? (await got.value.exchange(EXCHANGE, signal)).ok : null;
    };
    expect([await ask(), await ask(), opened]).toEqual([false, null, 1]);
    clock.advance(QUARANTINE.firstMs);
    flood = false;
    expect([await ask(), await ask(), opened]).toEqual([true, true, 3]);
  });

  it("hands on why a line did not open, and holds only one that misbehaved as it opened", async () => {
    const clock = new ManualClock();
    const quarantine = new LineQuarantine();
    const { signal } = new AbortController();
    const failing = async (error: LineError) =>
      quarantine.guard("a", async () => ({ ok: false, error }), clock)(signal, 1);
    const refused: LineError = { kind: "refused", detail: "nobody there" };
    expect([await failing(refused), quarantine.held(0)]).toEqual([{ ok: false, error: refused }, []]);
    expect([await failing(FLOOD), quarantine.held(0)]).toEqual([{ ok: false, error: FLOOD }, ["a"]]);
    expect(quarantine.held(QUARANTINE.firstMs)).toEqual([]);
  });

  it("forgives a line for a whole exchange on it, and for nothing less", async () => {
    const clock = new ManualClock();
    const quarantine = new LineQuarantine();
    const { signal } = new AbortController();
    let said: Awaited<ReturnType<Line["exchange"]>> = { ok: false, error: { kind: "timeout", detail: "" } };
    const line: Line = { exchange: async () => said, leftOver: () => new Uint8Array(), close: async () => {} };
    const open = quarantine.guard("a", async () => ok(line), clock);
    const exchange = async (): Promise<void> => {
      const opened = await open(signal, 1);
      if (opened.ok) await opened.value.exchange(EXCHANGE, signal);
    };
    /** How long it is left alone when it misbehaves now. */
    const pauseMs = (): number => {
      quarantine.punish("a", FLOOD, clock.monotonic());
      const startMs = clock.monotonic();
      while (quarantine.held(clock.monotonic()).length > 0) clock.advance(1_000);
      return clock.monotonic() - startMs;
    };
    expect(pauseMs()).toBe(QUARANTINE.firstMs);
    await exchange();
    expect(pauseMs()).toBe(2 * QUARANTINE.firstMs);
    said = ok(new Uint8Array(1));
    await exchange();
    expect(pauseMs()).toBe(QUARANTINE.firstMs);
  });

  it("tells what is left over on a line", async () => {
    const line: Line = {
      exchange: async () => ok(new Uint8Array()),
      leftOver: () => Uint8Array.of(7),
      close: async () => {},
    };
    const open = new LineQuarantine().guard("a", async () => ok(line), new ManualClock());
    const opened = await open(new AbortController().signal, 1);
    expect(opened.ok && opened.value.leftOver()).toEqual(Uint8Array.of(7));
  });

  it("admits again within its longest pause, whatever happened", () => {
    const deeds = fc.array(fc.record({ what: fc.constantFrom("punish", "praise"), waitMs: fc.nat(2_000_000) }));
    fc.assert(
      fc.property(deeds, (list) => {
        const quarantine = new LineQuarantine();
        let nowMs = 0;
        for (const { what, waitMs } of list) {
          nowMs += waitMs;
          if (what === "punish") quarantine.punish("a", FLOOD, nowMs);
          else quarantine.praise("a");
          expect(quarantine.admit("a", nowMs).ok).toBe(what === "praise");
        }
        expect(quarantine.admit("a", nowMs + QUARANTINE.maxMs).ok).toBe(true);
      }),
    );
  });
});
