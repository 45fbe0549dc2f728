import { describe, expect, it } from "vitest";
import type { Agent } from "../api/types.ts";
import { notesOf } from "./notes.ts";

const agent: Agent = {
  ...{ site: "s1", siteName: "One", id: "pc", online: true, heard: true, version: "0.1.0", host: "h", epoch: "e1" },
  ...{ startedAt: 1, lastSeenAt: 1, outbox: { batches: 0, bytes: 0, bytesMax: 100, ageSeconds: 0, inMemory: null } },
  ...{ clockOffsetSeconds: 0.2, timesShiftedSeconds: 0, cost: null, disk: null },
  ...{ devices: 40, missingBatches: 0, owed: { live: 0, history: 0 }, thinnedSamples: 0, refusedClaims: [] },
  epochRefused: false,
};

describe("what is said of an agent", () => {
  it("is nothing when all is well", () => expect(notesOf(agent)).toEqual([]));

  it.each([
    { name: "lost batches", given: { missingBatches: 1 }, says: "1 batch missing", tone: "bad" },
    { name: "silence", given: { online: false }, says: "not heard from", tone: "bad" },
    { name: "a clock that is behind", given: { clockOffsetSeconds: -90 }, says: "clock 90 s behind", tone: "warn" },
    {
      name: "an outbox that fills",
      given: { outbox: { batches: 9, bytes: 60, bytesMax: 100, ageSeconds: 9, inMemory: null } },
      says: "outbox 60 % full",
      tone: "warn",
    },
    {
      name: "an outbox that can't be written",
      given: { outbox: { batches: 9, bytes: 6, bytesMax: 100, ageSeconds: 9, inMemory: "disk full" } },
      says: "can't write its outbox",
      tone: "bad",
    },
    {
      name: "refused claims",
      given: { refusedClaims: ["scale"] },
      says: "claims scale of another agent",
      tone: "warn",
    },
    { name: "what it owes", given: { owed: { live: 1, history: 4 } }, says: "owes 5 batches", tone: "quiet" },
    { name: "thinning", given: { thinnedSamples: 70 }, says: "70 samples thinned", tone: "warn" },
  ])("is $name", ({ given, says, tone }) => expect(notesOf({ ...agent, ...given })).toEqual([{ text: says, tone }]));

  it("is the worst first, and nothing of an outbox whose agent is away", () => {
    const outbox = { batches: 9, bytes: 90, bytesMax: 100, ageSeconds: 7_200, inMemory: "disk full" };
    const found = notesOf({ ...agent, online: false, missingBatches: 3, owed: { live: 1, history: 0 }, outbox });
    expect(found.map(({ text }) => text)).toEqual(["3 batches missing", "not heard from", "owes 1 batch"]);
  });
});
