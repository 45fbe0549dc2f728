import { ManualClock } from "@aislewatch/base";
import { describe, expect, it } from "vitest";
import { createBrokerWatch, type SeenAgent, SILENT_AGENT_MS } from "./broker-watch.ts";
import { createLetIn } from "./let-in.ts";

function watched() {
  const clock = new ManualClock();
  const doubts: [agent: string, withinMs: number][] = [];
  const state: { heardForMs: number | null; isPrompt: boolean; agents: SeenAgent[] } = {
    ...{ heardForMs: null, isPrompt: true, agents: [] },
  };
  const watch = createBrokerWatch({
    clock,
    broker: () => ({ heardForMs: () => state.heardForMs, isPrompt: () => state.isPrompt }),
    agents: () => state.agents,
    doubt: (_site, agent, withinMs) => doubts.push([agent, withinMs]),
  });
  const agent = (name: string, given: Partial<SeenAgent> = {}): SeenAgent => ({
    ...{ site: "s1", agent: name, online: true, isHeard: true, lastSeenAt: clock.now() },
    ...given,
  });
  return { clock, doubts, state, watch, agent };
}

describe("agents behind an external broker", () => {
  it("are given time to be heard when the broker is lost, and again when it is back", () => {
    const { doubts, state, watch, agent } = watched();
    state.agents = [agent("pc"), agent("gone", { online: false })];
    watch.tick();
    expect(doubts).toEqual([]);
    for (const heardForMs of [0, 10_000, null, null, 0]) {
      state.heardForMs = heardForMs;
      watch.tick();
    }
    expect(doubts).toEqual([
      ["pc", 60_000],
      ["pc", 60_000],
      ["pc", 60_000],
    ]);
  });

  it("are offline when they say nothing for two minutes while the broker works, and not sooner", () => {
    const { clock, doubts, state, watch, agent } = watched();
    state.agents = [
      agent("silent"),
      agent("presumed", { isHeard: false }),
      agent("talks", { lastSeenAt: clock.now() + 9e6 }),
    ];
    state.heardForMs = SILENT_AGENT_MS - 1;
    watch.tick();
    doubts.length = 0;
    clock.advance(SILENT_AGENT_MS + 1);
    watch.tick();
    expect(doubts).toEqual([]);
    state.heardForMs = SILENT_AGENT_MS;
    state.isPrompt = false;
    watch.tick();
    expect(doubts).toEqual([]);
    state.isPrompt = true;
    watch.tick();
    expect(doubts).toEqual([["silent", 0]]);
  });

  it.each([
    { name: "one that is heard", heardForMs: 0, online: true, isHeard: true, known: true },
    { name: "one of before the start", heardForMs: 90_000, online: true, isHeard: false, known: false },
    {
      name: "one that went while the broker was away, at first",
      heardForMs: 59_999,
      online: false,
      isHeard: true,
      known: false,
    },
    { name: "one that has not come for a minute", heardForMs: 60_000, online: false, isHeard: true, known: true },
    { name: "any while the broker is away", heardForMs: null, online: true, isHeard: true, known: false },
    { name: "any while messages wait", heardForMs: 90_000, isPrompt: false, online: true, isHeard: true, known: false },
  ])("are known to be there or not, or not known: $name", ({ heardForMs, isPrompt = true, online, isHeard, known }) => {
    const { state, watch } = watched();
    Object.assign(state, { heardForMs, isPrompt });
    expect(watch.isKnown({ online, isHeard })).toBe(known);
  });
});

describe("agents that were let in", () => {
  it("are read again every two seconds, at once when asked to, and stay as they were while they can't be read", () => {
    const clock = new ManualClock();
    let agents = [{ site: "s1", agent: "pc" }];
    let reads = 0;
    const letIn = createLetIn(clock, () => {
      reads++;
      if (agents.length > 1) throw new Error("locked");
      return agents;
    });
    expect([letIn.has("s1", "pc"), letIn.has("s1", "till"), reads]).toEqual([true, false, 1]);
    agents = [{ site: "s1", agent: "till" }];
    letIn.look();
    expect([letIn.has("s1", "pc"), letIn.has("s1", "till")]).toEqual([false, true]);
    agents = [...agents, ...agents];
    clock.advance(2_000);
    expect([letIn.has("s1", "till"), reads]).toEqual([true, 3]);
  });
});
