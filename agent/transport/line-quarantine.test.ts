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

  it("does not even open a line that it holds", async () => {
    const clock = new ManualClock();
    let opened = 0;
    let flood = true;
    const line: Line = {
      exchange: async () => (flood ? { ok: false, error: FLOOD } : ok(new Uint8Array())),
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
