import type { Command, Reply } from "@aislewatch/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeCommand, REMEMBERED_MAX, type Remembered, remember, type World } from "./commands.ts";

const NOW = 1_700_000_000_000;
const command: Command = { v: 1, id: "c1", kind: "probe_now", by: "ana", issuedAt: NOW, deadlineAt: NOW + 60_000 };
const world: World = { nowMs: NOW, allowed: ["probe_now"], remembered: [], running: new Set() };
const ended = (id: string, deadlineAt = NOW + 60_000): Remembered => ({
  id,
  deadlineAt,
  reply: { outcome: "done", detail: "14 values" },
});

describe("a command", () => {
  it.each<{ name: string; given?: Partial<Command>; at?: Partial<World>; says: Reply["outcome"] | "run" | "nothing" }>([
    { name: "runs when it is allowed and in time", says: "run" },
    { name: "is refused when the file does not allow it", given: { kind: "reload" }, says: "refused" },
    { name: "is refused when nothing is allowed", at: { allowed: [] }, says: "refused" },
    { name: "has expired at its deadline", given: { deadlineAt: NOW }, says: "expired" },
    { name: "is refused with a deadline in a year", given: { deadlineAt: NOW + 31_536_000_000 }, says: "refused" },
    { name: "that runs already is left alone", at: { running: new Set(["c1"]) }, says: "nothing" },
    { name: "that has ended gets its reply again", at: { remembered: [ended("c1")] }, says: "done" },
    {
      name: "that has ended gets its reply again after its deadline",
      at: { remembered: [ended("c1", NOW - 1)] },
      says: "done",
    },
    {
      name: "that the agent's end cut short failed, and does not run again",
      at: { remembered: [{ ...ended("c1"), reply: null }] },
      says: "failed",
    },
    {
      name: "is refused while as many are remembered as may be",
      at: { remembered: Array.from({ length: REMEMBERED_MAX }, (_, n) => ended(`x${n}`)) },
      says: "refused",
    },
  ])("$name", ({ given, at, says }) => {
    const verdict = judgeCommand({ ...command, ...given }, { ...world, ...at });
    expect(verdict.do === "reply" ? verdict.reply.outcome : verdict.do).toBe(says);
  });

  it("runs at most once, whatever copies come when, over any number of others and restarts", () => {
    const step = fc.record({ id: fc.nat(100), waitMs: fc.nat(20_000), restart: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const issued = new Map<string, Command>();
        const runs = new Map<string, number>();
        let remembered: readonly Remembered[] = [];
        let nowMs = NOW;
        for (const { id: n, waitMs, restart } of steps) {
          nowMs += waitMs;
          const id = `c${n}`;
          const one = issued.get(id) ?? { ...command, id, deadlineAt: nowMs + 60_000 };
          issued.set(id, one);
          const verdict = judgeCommand(one, { ...world, nowMs, remembered });
          if (verdict.do !== "run") continue;
          runs.set(id, (runs.get(id) ?? 0) + 1);
          remembered = remember(remembered, { id, deadlineAt: one.deadlineAt, reply: null }, nowMs);
          // A restart in between: it never ends.
          if (!restart) remembered = remember(remembered, ended(id, one.deadlineAt), nowMs);
          expect(remembered.length).toBeLessThanOrEqual(REMEMBERED_MAX);
        }
        expect([...runs.values()].every((count) => count === 1)).toBe(true);
      }),
    );
  });

  it("is remembered with the beginning of a long reply", () => {
    const [kept] = remember([], { ...ended("c1"), reply: { outcome: "done", detail: "x".repeat(40_000) } }, NOW);
    expect(kept?.reply?.detail.length).toBe(1_024);
  });
});
