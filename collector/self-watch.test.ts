import { ManualClock } from "@aislewatch/base";
import { findMetric, metricsOf } from "@aislewatch/devices";
import { describe, expect, it } from "vitest";
import { OWN_SITE } from "./own-reports.ts";
import { createSelfWatch, ownClockOffset, type SeenAgent, type SelfFigures, selfReading } from "./self-watch.ts";

const NOW = Date.UTC(2026, 10, 20, 9);

const agent = (given: Partial<SeenAgent> = {}): SeenAgent => ({
  online: true,
  isHeard: true,
  skewMs: 0,
  offsetMs: 20,
  outbox: { oldestAt: NOW - 1_000, lanes: { live: { first: 10, last: 12 } } },
  owed: { live: 0, history: 0 },
  ...given,
});

const figures = (given: Partial<SelfFigures> = {}): SelfFigures => ({
  upMs: 90_000,
  lag: { commitMs: 40, queueMs: 250, shedAgents: 2, failing: { state: false, timeseries: true } },
  queueBytes: 5_000,
  counts: { shed: 3, appendFailures: 4, commitFailures: 5 },
  agents: [agent({ owed: { live: 5, history: 2 } }), agent(), agent({ online: false, owed: { live: 1, history: 0 } })],
  areRulesRefused: true,
  backupAt: null,
  restored: null,
  channels: [{ name: "tickets", isDown: true, waiting: 3, oldestAt: NOW - 90_000 }],
  broker: null,
  cost: { memoryBytes: 3e8, cpuPercent: 12, loopDelaySeconds: 0.03, loopBusyPercent: 9 },
  disk: { totalBytes: 1e11, freeBytes: 2.5e10, inodesUsedPercent: 4 },
  seriesFilesUnreadable: 0,
  stores: { state: 1e6, series: 2e9 },
  ...given,
});
const metricsAt = (given: Partial<SelfFigures>) => selfReading(figures(given), NOW).samples[0]?.metrics ?? {};

describe("the collector, as it sees itself", () => {
  it("says how far it is behind, what its stores do, whom it hears and what it costs", () => {
    expect(
      selfReading(
        figures({ agents: [agent({ owed: { live: 5, history: 2 } }), agent(), agent(), agent({ online: false })] }),
        NOW,
      ),
    ).toEqual({
      device: "collector",
      at: NOW,
      samples: [
        {
          component: null,
          metrics: {
            up: true,
            uptime_seconds: 90,
            ...{ ingest_delay_seconds: 0.04, store_queue_bytes: 5_000, store_queue_age_seconds: 0.25 },
            ...{ batches_shed_total: 3, agents_shed: 2, series_store_failing: true, state_store_failing: false },
            ...{ series_store_failures_total: 4, state_store_failures_total: 5 },
            ...{
              event_loop_delay_seconds: 0.03,
              event_loop_busy_percent: 9,
              own_memory_bytes: 3e8,
              own_cpu_percent: 12,
            },
            ...{ agents_expected: 4, agents_connected: 3, agents_behind: 0, batches_owed: 7, rules_refused: true },
            channels_down: 1,
            ...{ clock_offset_seconds: -0.02, state_store_bytes: 1e6, series_store_bytes: 2e9 },
            series_files_unreadable: 0,
          },
        },
        {
          component: "disk-data",
          metrics: { disk_total_bytes: 1e11, disk_free_bytes: 2.5e10, disk_used_percent: 75, inodes_used_percent: 4 },
        },
        {
          component: "channel-tickets",
          metrics: { channel_down: true, channel_waiting: 3, channel_overdue_seconds: 90 },
        },
      ],
    });
  });

  it("says how old its last backup is, and what a restore cost, once there was one", () => {
    expect(metricsAt({})).not.toHaveProperty("backup_age_seconds");
    const restored = { restoredAt: NOW - 5_000, lostBatches: 7 };
    expect(metricsAt({ backupAt: NOW - 60_000, restored })).toMatchObject({
      ...{ backup_age_seconds: 60, restored_age_seconds: 5, restored_batches_lost: 7 },
    });
  });

  it("reports metrics that the catalogue has for a collector, and no others", () => {
    const named = new Set(metricsOf("collector").map(({ name }) => name));
    for (const { metrics } of selfReading(figures({ agents: [agent(), agent(), agent()] }), NOW).samples) {
      for (const [name, value] of Object.entries(metrics)) {
        expect(named).toContain(name);
        expect(typeof value).toBe(findMetric(name)?.type);
      }
    }
  });

  it("leaves out what it can't see", () => {
    const metrics = metricsAt({ disk: null, stores: { state: null, series: null }, agents: [] });
    expect(Object.keys(metrics)).not.toContain("series_store_bytes");
    expect(Object.keys(metrics)).not.toContain("clock_offset_seconds");
    expect(selfReading(figures({ disk: null, channels: [] }), NOW).samples).toHaveLength(1);
  });

  const live = (first: number, last: number, oldestAt: number) => ({ oldestAt, lanes: { live: { first, last } } });
  it.each<{ name: string; seen: Partial<SeenAgent>; behind: number }>([
    {
      name: "whose present waits for a minute and more",
      seen: { outbox: live(1, 40, NOW - 61_000), owed: { live: 40, history: 0 } },
      behind: 1,
    },
    {
      name: "that has sent since what it said it had",
      seen: { outbox: live(1, 400, NOW - 99_000), owed: { live: 4, history: 90 } },
      behind: 0,
    },
    { name: "that only drains history", seen: { outbox: live(39, 40, NOW - 3_600_000) }, behind: 0 },
    { name: "that has many batches of this moment", seen: { outbox: live(1, 90, NOW - 20_000) }, behind: 0 },
    { name: "that is away", seen: { online: false, outbox: live(1, 90, NOW - 99_000) }, behind: 0 },
    {
      name: "that is only presumed to be there",
      seen: { isHeard: false, outbox: live(1, 90, NOW - 99_000) },
      behind: 0,
    },
    {
      name: "whose clock is behind, but not its outbox",
      seen: { skewMs: 99_000, outbox: live(1, 90, NOW - 120_000) },
      behind: 0,
    },
    { name: "that never said", seen: { outbox: null }, behind: 0 },
  ])("counts an agent $name as behind: $behind", ({ seen, behind }) => {
    expect(metricsAt({ agents: [agent({ owed: { live: 99, history: 0 }, ...seen })] })["agents_behind"]).toBe(behind);
  });

  it.each([
    { name: "by the median, for one clock may be anything", offsets: [-90_000, -80_000, 5e9], want: 80 },
    { name: "by nobody when there are two", offsets: [90_000, 90_000], want: null },
    { name: "by those only that were heard", offsets: [90_000, null, 90_000], want: null },
  ])("tells its clock $name", ({ offsets, want }) => {
    expect(ownClockOffset(offsets.map((offsetMs) => agent({ offsetMs })))).toBe(want);
  });

  it("is a device of a site of its own, and reads itself every ten seconds until it stops", () => {
    const clock = new ManualClock(NOW);
    const inventories: unknown[] = [];
    const reported: string[] = [];
    const watch = createSelfWatch({
      clock,
      version: "1.2.3",
      measure: () => figures(),
      setInventory: (site, devices) =>
        inventories.push([site, devices.map(({ id, kind, asset }) => [id, kind, asset.firmware])]),
      report: (site, readings) =>
        reported.push(`${site} ${readings.map(({ device, at }) => `${device} ${at - NOW}`).join()}`),
    });
    watch.start();
    clock.advance(20_000);
    watch.stop();
    clock.advance(60_000);
    expect(inventories).toEqual([[OWN_SITE, [["collector", "collector", "1.2.3"]]]]);
    expect(reported).toEqual([0, 10_000, 20_000].map((at) => `aislewatch collector ${at}`));
  });
});
