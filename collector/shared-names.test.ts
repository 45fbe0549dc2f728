import { describe, expect, it } from "vitest";
import { createSharedNames } from "./shared-names.ts";

const MINUTE_MS = 60_000;
/** Who says that it is online, one a minute: `a`, `b`, … are processes. */
function heard(order: string) {
  const names = createSharedNames();
  let nowMs = 0;
  for (const letter of order) {
    nowMs += MINUTE_MS;
    names.heard("s1/pc", { startedAt: letter.charCodeAt(0), host: "pc" }, nowMs);
  }
  return { names, nowMs };
}

describe("the name of an agent", () => {
  it.each([
    { name: "one process", order: "aaaaaa", isShared: false },
    { name: "restarts, each for good", order: "abcdef", isShared: false },
    { name: "a late status from before a restart", order: "aababb", isShared: false },
    { name: "two processes that throw each other out", order: "ababa", isShared: true },
    { name: "the same, with heartbeats between", order: "aabbaabbaa", isShared: true },
  ])("is shared by $name: $isShared", ({ order, isShared }) => {
    const { names, nowMs } = heard(order);
    expect(names.isShared("s1/pc", nowMs)).toBe(isShared);
    expect(names.isShared("s1/till", nowMs)).toBe(false);
  });

  it("is its own again ten minutes after the last exchange, and when the agent is taken out", () => {
    const { names, nowMs } = heard("ababab");
    expect(names.isShared("s1/pc", nowMs + 5 * MINUTE_MS)).toBe(true);
    expect(names.isShared("s1/pc", nowMs + 10 * MINUTE_MS)).toBe(false);
    names.forget("s1/pc");
    expect(names.isShared("s1/pc", nowMs)).toBe(false);
  });

  it("is told apart by the host too, for clocks that were never set start alike", () => {
    const names = createSharedNames();
    for (const host of ["pc-1", "pc-2", "pc-1", "pc-2", "pc-1"]) names.heard("s1/pc", { startedAt: 0, host }, 1);
    expect(names.isShared("s1/pc", 1)).toBe(true);
  });
});
