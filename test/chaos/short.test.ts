/** A short run of chaos with fixed seeds. `npm run chaos` is the long one; docs/chaos.md says what is checked. */
import { describe, expect, it } from "vitest";
import { shown } from "./laws.ts";
import { type ActKind, plan, type Scheduled } from "./plan.ts";
import { runChaos } from "./run.ts";

const SIZE = { agents: 3, devicesPerAgent: 2, everyMs: 250 } as const;
/** Fifteen seconds, which two outages of the wire and as many kills fit into. */
const POLLS = 390;
/** The last agent is left alone by what is drawn: its clock is set, and times of such a one say nothing of its faults. */
const DRAWN_AGENTS = 2;
/** Forty seconds on a machine that has nothing else to do; back-off and a drain beside other tests take longer. */
const TIMEOUT_MS = 240_000;
const KINDS: readonly ActKind[] = [
  ...(["kill-agent", "stop-agent", "kill-collector", "cut", "reset", "freeze", "freeze-acks", "slow"] as const),
  ...(["duplicate", "reorder", "lose", "replay"] as const),
];

/** What costs an outbox or its times, once each; a disk that failed is tried again after ten seconds, so early. */
const AT_THE_DISK: readonly Scheduled[] = [
  { afterPolls: 36, act: { kind: "fill-agent-disk", agent: 0, forMs: 1_500 } },
  { afterPolls: 90, act: { kind: "clock", agent: 2, forMs: 3_000, byMs: 600_000 } },
  { afterPolls: 200, act: { kind: "corrupt", agent: 2, forMs: 300, places: [0.1, 0.3, 0.5, 0.7, 0.9] } },
];

describe("a short run of chaos", () => {
  it.each([{ seed: 7, kinds: KINDS }])(
    "loses no reading, doubles none and raises the incidents of an undisturbed one (seed $seed)",
    async ({ seed, kinds }) => {
      const drawn = plan({ seed, agents: DRAWN_AGENTS, polls: POLLS, kinds, pollsBetween: 24, forMsMax: 2_500 });
      const acts = [...drawn, ...AT_THE_DISK].sort((a, b) => a.afterPolls - b.afterPolls);
      const lines: string[] = [];
      const { verdicts } = await runChaos({ ...SIZE, seed, polls: POLLS, plan: acts, say: (line) => lines.push(line) });
      const broken = verdicts.filter((verdict) => verdict.broken.length > 0);
      const run = JSON.stringify({ seed, agents: SIZE.agents, polls: POLLS, plan: acts });
      const again = `\nthe same again: npm run chaos -- --replay FILE, in which is ${run}\n`;
      expect(broken.map(shown).join("\n") + (broken.length > 0 ? again + lines.join("\n") : "")).toBe("");
    },
    TIMEOUT_MS,
  );
});
