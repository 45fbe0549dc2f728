/** A short run of chaos with fixed seeds. `npm run chaos` is the long one; docs/chaos.md says what is checked. */
import { describe, expect, it } from "vitest";
import { shown } from "./laws.ts";
import { type ActKind, plan } from "./plan.ts";
import { runChaos } from "./run.ts";

const SIZE = { agents: 2, devicesPerAgent: 2, everyMs: 250 } as const;
/** Fifteen seconds, which two outages of the wire and as many kills fit into. */
const POLLS = 260;
/** Forty seconds on a machine that has nothing else to do; back-off and a drain beside other tests take longer. */
const TIMEOUT_MS = 240_000;
const KINDS: readonly ActKind[] = [
  ...(["kill-agent", "stop-agent", "kill-collector", "cut", "reset", "freeze", "freeze-acks", "slow"] as const),
  ...(["duplicate", "reorder", "lose", "replay"] as const),
];

describe("a short run of chaos", () => {
  it.each([{ seed: 7, kinds: KINDS }])(
    "loses no reading, doubles none and raises the incidents of an undisturbed one (seed $seed)",
    async ({ seed, kinds }) => {
      const acts = plan({ seed, agents: SIZE.agents, polls: POLLS, kinds, pollsBetween: 16, forMsMax: 2_500 });
      const lines: string[] = [];
      const { verdicts } = await runChaos({ ...SIZE, seed, polls: POLLS, plan: acts, say: (line) => lines.push(line) });
      const broken = verdicts.filter((verdict) => verdict.broken.length > 0);
      const again = `\nthe same again: npm run chaos -- --seed ${seed}\n`;
      expect(broken.map(shown).join("\n") + (broken.length > 0 ? again + lines.join("\n") : "")).toBe("");
    },
    TIMEOUT_MS,
  );
});
