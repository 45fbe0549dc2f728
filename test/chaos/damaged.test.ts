/** What is known of a damaged outbox file, and what must become of it. */
import type { Telemetry } from "@aislewatch/contract";
import { describe, expect, it } from "vitest";
import { eachReadingOnce, everyLossIsNamed } from "./laws.ts";
import { type AgentOf, type InDamagedFile, noteInFile, type World } from "./world.ts";

const AT = 1_700_000_000_000;
const DEVICE = "pc-0/zone-0";

/** A batch of one reading, or of the word that a poll failed. */
const batch = (seq: number, serial: number | null): Telemetry => ({
  ...{ v: 1, epoch: "e", lane: "history", seq, sentAt: AT, base: AT, subjects: [DEVICE] },
  tables:
    serial === null
      ? []
      : [{ metrics: ["tripped", "items_total"], subject: [0], at: [seq], values: [[false], [serial]] }],
  ...(serial === null && { failures: [{ device: DEVICE, at: AT + seq, kind: "timeout", detail: "no reply" }] }),
});

function noted(messages: readonly Telemetry[]) {
  const world: Pick<World, "damaged" | "damagedFailures"> = { damaged: new Map(), damagedFailures: [] };
  const agent: Pick<AgentOf, "number" | "failures"> = { number: 0, failures: [] };
  noteInFile(world, agent, messages);
  return { world, failures: agent.failures };
}

describe("a file that is about to be damaged", () => {
  it("is remembered with the polls that failed, also when their word was never sent", () => {
    const { world, failures } = noted([batch(7, 40), batch(8, null)]);
    expect([...world.damaged.keys()]).toEqual([`${DEVICE} 40`]);
    expect(failures).toEqual([{ device: DEVICE, at: AT + 8, detail: "no reply" }]);
  });

  it("tells of a failed poll once, however often its file is damaged", () => {
    expect(noted([batch(8, null), batch(8, null)]).failures).toHaveLength(1);
  });
});

describe("what a damaged file took along", () => {
  const span = { agent: "pc-0", epoch: "e", lane: "history", fromSeq: 5, toSeq: 9 };
  const missing = { ...span, cause: "lost_with_outbox" };
  const thinned = { ...span, fromAt: AT, toAt: AT, samples: 1, reason: "damaged" };
  type Case = { name: string; missing?: (typeof missing)[]; thinned?: (typeof thinned)[]; stored?: number; is: number };
  const cases: Case[] = [
    { name: "is named as missing", missing: [missing], is: 0 },
    { name: "is named as damaged", thinned: [thinned], is: 0 },
    { name: "was stored all the same", stored: 40, is: 0 },
    { name: "was in a file of which nothing is known", missing: [{ ...missing, epoch: "unreadable-1-2" }], is: 0 },
    { name: "is named by nobody", is: 1 },
    { name: "is not what is named of another epoch", missing: [{ ...missing, epoch: "f" }], is: 1 },
    { name: "is not what is named of another lane", thinned: [{ ...thinned, lane: "live" }], is: 1 },
    { name: "is not what is named of another agent", missing: [{ ...missing, agent: "pc-1" }], is: 1 },
    { name: "is not what is named of other numbers", missing: [{ ...missing, toSeq: 6 }], is: 1 },
  ];

  it.each(cases)("$name", ({ missing: gone = [], thinned: told = [], stored, is }) => {
    const { world } = noted([batch(7, 40)]);
    const polls = new Map(stored === undefined ? [] : [[DEVICE, [{ serial: stored, at: AT }]]]);
    expect(everyLossIsNamed(world, polls, { missing: gone, thinned: told }).broken).toHaveLength(is);
  });

  it("was in a file that became an older copy, which gives its numbers anew", () => {
    const { world } = noted([batch(7, 40)]);
    for (const one of world.damaged.values() satisfies Iterable<InDamagedFile>) one.isRenumbered = true;
    expect(everyLossIsNamed(world, new Map(), { missing: [], thinned: [] }).broken).toEqual([]);
  });
});

describe("a poll that was answered and is not stored", () => {
  const HOUR_MS = 3_600_000;
  const set = { agent: 0, from: AT - 1_000, to: AT + 1_000, byMs: HOUR_MS };
  it.each([
    { name: "may have failed, when that was said", toldAt: AT + 100, clockSets: [], is: 0 },
    { name: "did not fail at another time", toldAt: AT + HOUR_MS + 100, clockSets: [], is: 1 },
    { name: "may have failed by a clock that was set", toldAt: AT + HOUR_MS + 100, clockSets: [set], is: 0 },
    { name: "did not fail by another agent's clock", toldAt: AT + HOUR_MS, clockSets: [{ ...set, agent: 1 }], is: 1 },
    {
      name: "did not fail by a clock that was set later",
      toldAt: AT + HOUR_MS,
      clockSets: [{ ...set, from: AT + 10_000, to: AT + 20_000 }],
      is: 1,
    },
  ])("$name", ({ toldAt, clockSets, is }) => {
    const agents = [{ failures: [{ device: DEVICE, at: toldAt, detail: "no reply" }], sent: new Map() }];
    const devices = [{ id: DEVICE, agent: 0, servedAt: [AT] }];
    const world = { losses: [], damaged: new Map(), fullDisks: [], clockSets, agents, devices };
    expect(eachReadingOnce(world, new Map(), { thinned: [] }).broken).toHaveLength(is);
  });
});
