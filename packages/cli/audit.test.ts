import type { components } from "@aislewatch/api";
import { describe, expect, it } from "vitest";
import { listText } from "./agents.ts";
import { auditText, parseAgent, parseSince } from "./audit.ts";

const NOW = Date.UTC(2026, 10, 20, 9);
const span = { site: "s1", agent: "pc", epoch: "a1b2c3d4e5f6", lane: "live" } as const;
const lane: components["schemas"]["DeliveryLane"] = {
  ...span,
  ...{ isCurrent: true, firstSeq: 1, seq: 100, safeSeq: 98, announced: 103, batches: 95, late: 4, samples: 9_500 },
  ...{
    repeats: 2,
    thinnedBatches: 3,
    thinnedSamples: 300,
    lostBatches: 2,
    queued: 2,
    owed: 3,
    missing: 2,
    explained: 0,
  },
  ...{ isBalanced: true, lastAt: NOW },
};
const gap = { ...span, fromSeq: 7, toSeq: 8, at: NOW, cause: "never_arrived", reason: "never arrived" } as const;

describe("audit delivery", () => {
  it("shows each lane's account, what is missing and why, and the verdict", () => {
    const text = auditText(
      { unexplained: 2, lanes: [lane], missing: [{ ...gap, explanation: null }], thinned: [] },
      NOW,
    );
    const [head, row] = text.split("\n");
    expect(head?.split(/\s{2,}/)).toEqual([
      "AGENT",
      "EPOCH",
      "LANE",
      "UP TO",
      "STORED",
      "LATE",
      "THINNED",
      "QUEUED",
      "OWED",
      "MISSING",
      "NOTE",
    ]);
    expect(row?.split(/\s+/).slice(0, 10)).toEqual(["s1/pc", "a1b2c3d4", "live", "100", "95", "4", "3", "2", "3", "2"]);
    expect(text).toContain("live 7–8");
    expect(text).toContain("not explained");
    expect(text).toContain("2 batches are missing and not explained");
  });

  it("names who explained a gap, and that nothing else is lost then", () => {
    const explanation = { at: NOW, by: "user:ana", text: "the disk was swapped" };
    const lanes = [{ ...lane, missing: 0, explained: 2 }];
    const text = auditText({ unexplained: 0, lanes, missing: [{ ...gap, explanation }], thinned: [] }, NOW);
    expect(text).toContain("user:ana: the disk was swapped");
    expect(text).toContain(
      "Nothing is lost but 300 thinned samples and 2 explained batches; 3 batches are still owed;",
    );
  });

  it("says that nothing is lost only where nothing is", () => {
    const whole = { ...lane, ...{ thinnedBatches: 0, thinnedSamples: 0, lostBatches: 0, missing: 0, owed: 0 } };
    const verdict = (one: Partial<typeof lane>): string =>
      auditText({ unexplained: one.missing ?? 0, lanes: [{ ...whole, ...one }], missing: [], thinned: [] }, NOW);
    expect(verdict({})).toContain("\nNothing is lost; last heard");
    expect(verdict({ thinnedSamples: 1 })).toContain("\nNothing is lost but 1 thinned sample; last heard");
    expect(verdict({ owed: 1 })).toContain("\nNothing is lost; 1 batch is still owed; last heard");
    expect(verdict({ missing: 1 })).toContain("\n1 batch is missing and not explained; last heard");
  });

  it("shows the newest spans and how many there are beside", () => {
    const missing = Array.from({ length: 30 }, (_, n) => ({ ...gap, fromSeq: n, toSeq: n, explanation: null }));
    expect(auditText({ unexplained: 30, lanes: [lane], missing, thinned: [] }, NOW)).toContain(
      "10 earlier ones: --json",
    );
  });

  it.each([
    { text: "90s", at: NOW - 90_000 },
    { text: "12h", at: NOW - 43_200_000 },
    { text: "7d", at: NOW - 7 * 86_400_000 },
    { text: "2026-11-20", at: Date.UTC(2026, 10, 20) },
  ])("takes --since $text", ({ text, at }) => expect(parseSince(text, NOW)).toBe(at));

  it.each(["", "yesterday", "-5m", "12", "2026-99-99"])("refuses --since %j", (text) => {
    expect(() => parseSince(text, NOW)).toThrow("--since takes");
  });

  it.each([undefined, "", "pc", "s1/", "/pc", "s1/pc/x"])("refuses %j as an agent", (text) => {
    expect(() => parseAgent(text)).toThrow("expected SITE/AGENT");
  });
});

describe("agents list", () => {
  const agent: components["schemas"]["Agent"] = {
    ...{ site: "s1", siteName: "One", id: "pc", online: true, heard: true, version: "0.1.0", host: "h", epoch: "e1" },
    ...{
      startedAt: NOW,
      lastSeenAt: NOW,
      outbox: { batches: 3, bytes: 900, bytesMax: 1_200_000, ageSeconds: 7_200, inMemory: null },
      clockOffsetSeconds: 0.3,
      timesShiftedSeconds: 0,
      cost: { memoryBytes: 1.48e8, cpuPercent: 1.26 },
      disk: { totalBytes: 1e11, freeBytes: 4e10 },
    },
    ...{ devices: 40, missingBatches: 0, owed: { live: 1, history: 2 }, thinnedSamples: 0, refusedClaims: [] },
    epochRefused: false,
  };

  it.each([
    { name: "a backlog", given: {}, says: "outbox 2 h behind" },
    { name: "a clock that is ahead", given: { clockOffsetSeconds: 90 }, says: "clock 90 s ahead" },
    { name: "what it takes of its host", given: {}, says: "1.3 %  148" },
    { name: "what was thinned", given: { thinnedSamples: 70 }, says: "70 samples thinned" },
    { name: "an outbox that is refused", given: { epochRefused: true }, says: "nothing is taken of it" },
    { name: "refused claims", given: { refusedClaims: ["lane-1/scale"] }, says: "another agent: lane-1/scale" },
    { name: "an agent that went", given: { online: false, lastSeenAt: NOW - 300_000 }, says: "offline  5 min" },
    { name: "an agent that may come back", given: { heard: false }, says: "not back yet" },
  ])("says $name", ({ given, says }) => expect(listText([{ ...agent, ...given }], NOW)).toContain(says));
});
