import { describe, expect, it } from "vitest";
import { NEW_HEALTH, type PollOutcome, stepHealth } from "./health.ts";

const outcome = (over: Partial<PollOutcome> = {}): PollOutcome => ({
  atMs: 1,
  tookMs: 10,
  samples: 3,
  skipped: 0,
  failure: null,
  ...over,
});
const timeout = { kind: "timeout", detail: "no answer" } as const;

describe("stepHealth", () => {
  it.each([
    { name: "comes up at its first answer", steps: [outcome()], state: "up", changes: ["came_up"] },
    {
      name: "goes down at a failure",
      steps: [outcome(), outcome({ failure: timeout })],
      state: "down",
      changes: ["came_up", "went_down"],
    },
    {
      name: "stays down without saying so again",
      steps: [outcome({ failure: timeout }), outcome({ failure: timeout })],
      state: "down",
      changes: ["went_down", null],
    },
    {
      name: "does not change while its line is busy",
      steps: [outcome(), outcome({ failure: { kind: "busy", detail: "" } })],
      state: "up",
      changes: ["came_up", null],
    },
  ])("a device $name", ({ steps, state, changes }) => {
    let health = NEW_HEALTH;
    const seen = steps.map((step) => {
      const { next, change } = stepHealth(health, step);
      health = next;
      return change;
    });
    expect([health.state, seen]).toEqual([state, changes]);
  });

  it("counts failures, skipped turns and what a poll costs on average", () => {
    let health = NEW_HEALTH;
    for (const step of [
      outcome({ tookMs: 100 }),
      outcome({ atMs: 2, tookMs: 200, skipped: 3, failure: timeout }),
      outcome({ atMs: 3, tookMs: 200, failure: timeout }),
    ]) {
      health = stepHealth(health, step).next;
    }
    expect(health).toMatchObject({
      polls: 3,
      failures: 2,
      consecutiveFailures: 2,
      skippedTurns: 3,
      lastAnswerAtMs: 1,
      lastFailure: { atMs: 3, kind: "timeout", detail: "no answer" },
    });
    expect(health.costMs).toBeCloseTo(136);
    const { next } = stepHealth(health, outcome());
    expect(next.consecutiveFailures).toBe(0);
    expect(next.lastFailure).toEqual({ atMs: 3, kind: "timeout", detail: "no answer" });
  });
});
