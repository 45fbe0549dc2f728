import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ACT_KINDS, describeAct, plan, savedRun } from "./plan.ts";

const options = fc.record({
  seed: fc.nat(),
  agents: fc.integer({ min: 1, max: 8 }),
  polls: fc.integer({ min: 1, max: 5_000 }),
  pollsBetween: fc.integer({ min: 1, max: 100 }),
  forMsMax: fc.integer({ min: 100, max: 30_000 }),
  kinds: fc.subarray([...ACT_KINDS]),
});

describe("a plan", () => {
  it("is the same for the same seed, and another for the next", () => {
    const one = { seed: 1, agents: 3, polls: 2_000, pollsBetween: 30, forMsMax: 20_000, kinds: ACT_KINDS };
    expect(plan(one)).toEqual(plan(one));
    expect(plan(one)).not.toEqual(plan({ ...one, seed: 2 }));
  });

  it("stays within its bounds, in order, and can be written to a file and read again", () => {
    fc.assert(
      fc.property(options, (given) => {
        const acts = plan(given);
        const saved = { seed: given.seed, agents: given.agents, polls: given.polls, plan: acts };
        expect(savedRun.parse(JSON.parse(JSON.stringify(saved)))).toEqual(saved);
        expect(acts.map(({ afterPolls }) => afterPolls)).toEqual(
          acts.map(({ afterPolls }) => afterPolls).toSorted((a, b) => a - b),
        );
        for (const { afterPolls, act } of acts) {
          expect(afterPolls).toBeLessThan(given.polls);
          expect(given.kinds).toContain(act.kind);
          if ("agent" in act) expect(act.agent).toBeLessThan(given.agents);
          if ("forMs" in act) expect(act.forMs).toBeLessThanOrEqual(given.forMsMax);
          expect(describeAct(act)).toContain(act.kind.split("-")[0]);
        }
      }),
    );
  });

  it("has every kind sooner or later", () => {
    const acts = plan({ seed: 5, agents: 2, polls: 20_000, pollsBetween: 20, forMsMax: 5_000, kinds: ACT_KINDS });
    expect(new Set(acts.map(({ act }) => act.kind))).toEqual(new Set(ACT_KINDS));
  });

  it.each([
    { agents: 1, set: [0] },
    { agents: 2, set: [1] },
    { agents: 3, set: [2] },
    { agents: 6, set: [3, 4, 5] },
  ])("sets the clocks of $set among $agents agents, and leaves those of the others alone", ({ agents, set }) => {
    const acts = plan({ seed: 5, agents, polls: 20_000, pollsBetween: 10, forMsMax: 5_000, kinds: ACT_KINDS });
    const hit = acts.flatMap(({ act }) => (act.kind === "clock" ? [act.agent] : []));
    expect([...new Set(hit)].sort()).toEqual(set);
    const others = acts.flatMap(({ act }) => (act.kind === "cut" ? [act.agent] : []));
    expect(new Set(others).size).toBe(agents);
  });
});
