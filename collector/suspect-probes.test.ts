import { ManualClock } from "@aislewatch/base";
import { describe, expect, it } from "vitest";
import { createSuspectProbes } from "./suspect-probes.ts";

const SWITCH = { site: "s1", agent: "pc", device: "switch" };

function start(isTaken = true) {
  const clock = new ManualClock(0);
  const asked: string[] = [];
  const probes = createSuspectProbes(clock, ({ site, agent, kind, device, by }) => {
    asked.push(`${by} ${kind} ${site}/${agent} ${device}`);
    return { ok: isTaken };
  });
  return { clock, asked, probes };
}

describe("a suspected parent", () => {
  it("is polled at once, and not again for a minute", () => {
    const { clock, asked, probes } = start();
    probes.suspect([SWITCH]);
    probes.suspect([SWITCH]);
    clock.advance(59_000);
    probes.suspect([SWITCH]);
    expect(asked).toEqual(["system probe_now s1/pc switch"]);
    clock.advance(1_000);
    probes.suspect([SWITCH]);
    expect(asked).toHaveLength(2);
  });

  it("is tried again when the question could not be put", () => {
    const { asked, probes } = start(false);
    probes.suspect([SWITCH]);
    probes.suspect([SWITCH]);
    expect(asked).toHaveLength(2);
  });

  it("of an agent that refuses is left alone for an hour; who else was refused what does not matter", () => {
    const { clock, asked, probes } = start();
    probes.answered({ ...SWITCH, by: "user:kim", state: "refused" });
    probes.suspect([SWITCH]);
    probes.answered({ ...SWITCH, by: "system", state: "refused" });
    clock.advance(3_599_000);
    probes.suspect([SWITCH]);
    expect(asked).toHaveLength(1);
    clock.advance(1_000);
    probes.suspect([SWITCH]);
    expect(asked).toHaveLength(2);
  });

  it("is one of twenty in ten seconds at most", () => {
    const { clock, asked, probes } = start();
    const many = Array.from({ length: 50 }, (_, n) => ({ ...SWITCH, site: `s${n}` }));
    probes.suspect(many);
    expect(asked).toHaveLength(20);
    clock.advance(10_000);
    probes.suspect(many);
    expect(asked).toHaveLength(40);
  });
});
