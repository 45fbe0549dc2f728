/**
 * From what the collector sees of itself and of its agents to the fault that opens an incident: the figures as they are
 * measured, through the readings that it makes of them, and the shipped rules. No other rule may fire.
 */
import { ManualClock } from "@aislewatch/base";
import type { Reading } from "@aislewatch/contract";
import { describe, expect, it } from "vitest";
import { createFleetWatch, type WatchedAgent } from "../collector/fleet-watch.ts";
import { type SeenAgent, type SelfFigures, selfReading } from "../collector/self-watch.ts";
import { firing, type Said } from "./firing.ts";

const NOW = Date.UTC(2026, 10, 20, 9);
const LOOK_MS = 10_000;

const seen = (given: Partial<SeenAgent> = {}): SeenAgent => ({
  online: true,
  isHeard: true,
  skewMs: 0,
  offsetMs: 15,
  outbox: { oldestAt: NOW - 900, lanes: { live: { first: 90, last: 92 } } },
  owed: { live: 0, history: 0 },
  ...given,
});
const WELL: SelfFigures = {
  upMs: 600_000,
  lag: { commitMs: 40, queueMs: 200, shedAgents: 0, failing: { state: false, timeseries: false } },
  queueBytes: 40_000,
  counts: { shed: 0, appendFailures: 0, commitFailures: 0 },
  agents: Array.from({ length: 8 }, () => seen()),
  areRulesRefused: false,
  broker: null,
  channels: [{ name: "tickets", isDown: false, waiting: 0, oldestAt: null }],
  cost: { memoryBytes: 4e8, cpuPercent: 30, loopDelaySeconds: 0.05, loopBusyPercent: 20 },
  disk: { totalBytes: 1e11, freeBytes: 6e10, inodesUsedPercent: 3 },
  ...{ backupAt: null, restored: null, seriesFilesUnreadable: 0 },
  stores: { state: 1e7, series: 2e10 },
};
const said = (kind: string, { samples }: Reading): Said => ({ kind, samples });
const collector = (given: Partial<SelfFigures>): Said => said("collector", selfReading({ ...WELL, ...given }, NOW));
const most = (given: Partial<SeenAgent>) => WELL.agents.map((one, n) => (n < 5 ? seen(given) : one));
const stuck: Partial<SeenAgent> = {
  outbox: { oldestAt: NOW - 90_000, lanes: { live: { first: 1, last: 92 } } },
  owed: { live: 92, history: 0 },
};

describe("a collector", () => {
  it.each<{ name: string; faulty: Partial<SelfFigures>; want: string[] }>([
    { name: "that is well", faulty: {}, want: [] },
    { name: "whose store takes a minute", faulty: { lag: { ...WELL.lag, queueMs: 60_000 } }, want: ["ingest-behind"] },
    { name: "that sheds", faulty: { lag: { ...WELL.lag, shedAgents: 3 } }, want: ["ingest-behind"] },
    { name: "whose agents' present waits", faulty: { agents: most(stuck) }, want: ["ingest-behind"] },
    {
      name: "with a line of one agent that is slow",
      faulty: { agents: [seen(stuck), ...WELL.agents.slice(1)] },
      want: [],
    },
    {
      name: "of three, with a line of one agent that is slow",
      faulty: { agents: [seen(stuck), seen(), seen()] },
      want: [],
    },
    {
      name: "whose time-series store fails, which is no load",
      faulty: { lag: { commitMs: 40, queueMs: 90_000, shedAgents: 9, failing: { state: false, timeseries: true } } },
      want: ["series-store-failing"],
    },
    {
      name: "whose state store failed",
      faulty: { lag: { ...WELL.lag, commitMs: 90_000, failing: { state: true, timeseries: false } } },
      want: ["state-store-failing"],
    },
    {
      name: "of which two files of past days are damaged",
      faulty: { seriesFilesUnreadable: 2 },
      want: ["series-files-unreadable"],
    },
    {
      name: "whose disk is nearly full",
      faulty: { disk: { totalBytes: 1e11, freeBytes: 1e10, inodesUsedPercent: 3 } },
      want: ["collector-disk-low#disk-data"],
    },
    { name: "whose new rules are refused", faulty: { areRulesRefused: true }, want: ["rules-refused"] },
    {
      name: "whose clock most agents contradict",
      faulty: { agents: most({ offsetMs: 120_000 }) },
      want: ["collector-clock-off"],
    },
    {
      name: "of whose agents one is off",
      faulty: { agents: [seen({ offsetMs: 9e8 }), ...WELL.agents.slice(1)] },
      want: [],
    },
    {
      name: "that has no time",
      faulty: { cost: { ...WELL.cost, loopBusyPercent: 99, loopDelaySeconds: 3 } },
      want: ["collector-overloaded"],
    },
    { name: "that was cut off", faulty: { agents: most({ online: false }) }, want: ["agents-lost"] },
  ])("$name: $want", ({ faulty, want }) => expect(firing(collector({}), collector(faulty), LOOK_MS)).toEqual(want));
});

const AGENT: WatchedAgent = {
  ...{
    site: "s1",
    id: "pc",
    online: true,
    isHeard: true,
    isNameShared: false,
    version: "1.0.0",
    lastSeenAt: NOW,
    skewMs: 0,
    offsetMs: 12,
  },
  outbox: { batches: 2, bytes: 9_000, oldestAt: NOW - 800, bytesMax: 500_000_000 },
  cost: { memoryBytes: 1.5e8, cpuPercent: 1 },
  disk: { totalBytes: 1.2e11, freeBytes: 5e10 },
  delivery: { missing: 0, owed: { live: 0, history: 0 }, thinnedSamples: 0 },
  refusedClaims: 0,
};

function agent(given: Partial<WatchedAgent>): Said {
  const readings: Reading[] = [];
  createFleetWatch({
    clock: new ManualClock(NOW),
    agents: () => [{ ...AGENT, ...given }],
    setInventory: () => {},
    report: (_site, some) => readings.push(...some),
  }).look();
  return { kind: "agent", samples: readings.flatMap(({ samples }) => samples) };
}
const outbox = (given: Partial<NonNullable<WatchedAgent["outbox"]>>) => ({
  outbox: { batches: 2, bytes: 9_000, oldestAt: NOW - 800, bytesMax: 500_000_000, ...given },
});

describe("an agent", () => {
  it.each<{ name: string; faulty: Partial<WatchedAgent>; want: string[]; everyMs?: number }>([
    { name: "that is well", faulty: {}, want: [] },
    { name: "that is silent", faulty: { online: false }, want: ["agent-silent"] },
    { name: "whose outbox fills", faulty: outbox({ bytes: 3e8 }), want: ["agent-outbox-filling"] },
    {
      name: "whose outbox can't be written",
      faulty: outbox({ inMemory: { since: NOW, detail: "no space left" } }),
      want: ["agent-outbox-not-written"],
    },
    {
      name: "whose clock is ten minutes behind",
      faulty: { offsetMs: -600_000, skewMs: 600_000 },
      want: ["agent-clock-off"],
    },
    {
      name: "whose disk is full",
      faulty: { disk: { totalBytes: 1.2e11, freeBytes: 1e8 } },
      want: ["agent-disk-low#disk-data"],
    },
    {
      name: "that grew",
      faulty: { cost: { memoryBytes: 6e8, cpuPercent: 1 } },
      want: ["agent-heavy"],
      everyMs: 30_000,
    },
    {
      name: "that spins",
      faulty: { cost: { memoryBytes: 1.5e8, cpuPercent: 97 } },
      want: ["agent-heavy"],
      everyMs: 30_000,
    },
    {
      name: "that lost batches",
      faulty: { delivery: { ...AGENT.delivery, missing: 3 } },
      want: ["agent-batches-missing"],
    },
    {
      name: "whose outbox dropped the oldest",
      faulty: { delivery: { ...AGENT.delivery, thinnedSamples: 900 } },
      want: ["agent-outbox-thinned"],
    },
    { name: "that names another's devices", faulty: { refusedClaims: 2 }, want: ["agent-claim-refused"] },
  ])("$name: $want", ({ faulty, want, everyMs = LOOK_MS }) =>
    expect(firing(agent({}), agent(faulty), everyMs)).toEqual(want),
  );
});
