import { ManualClock } from "@aislewatch/base";
import { type InventoryDevice, rowsOf } from "@aislewatch/contract";
import { describe, expect, it } from "vitest";
import { createFleetWatch, type WatchedAgent } from "./fleet-watch.ts";
import { createOwnReports } from "./own-reports.ts";
import { T0 } from "./sample-site.ts";
import type { TelemetryBatch } from "./store/timeseries/store.ts";

const agent = (id: string, given: Partial<WatchedAgent> = {}): WatchedAgent => ({
  site: "s1",
  id,
  online: true,
  version: "1.0.0",
  lastSeenAt: T0,
  outbox: { batches: 2, bytes: 300, oldestAt: T0 - 5_000, bytesMax: 1_200 },
  cost: { memoryBytes: 9e7, cpuPercent: 0.5 },
  disk: { totalBytes: 4e9, freeBytes: 1e9 },
  skewMs: 0,
  offsetMs: 250,
  delivery: { missing: 0, owed: { live: 0, history: 0 }, thinnedSamples: 0 },
  refusedClaims: 0,
  isNameShared: false,
  isHeard: true,
  ...given,
});

function watchOver(agents: WatchedAgent[], lastSeq = 0) {
  const clock = new ManualClock(T0);
  const inventories: { site: string; devices: readonly InventoryDevice[] }[] = [];
  const batches: TelemetryBatch[] = [];
  const watch = createFleetWatch({
    clock,
    agents: () => agents,
    setInventory: (site, devices) => inventories.push({ site, devices }),
    report: createOwnReports({ clock, accept: (batch) => batches.push(batch), lastSeq: () => lastSeq }),
  });
  const rows = () => batches.flatMap(({ message }) => [...rowsOf(message)]);
  return { clock, watch, inventories, batches, rows };
}

describe("fleet watch", () => {
  it("reports each agent as a device of its site, every ten seconds", () => {
    const { clock, watch, inventories, batches, rows } = watchOver([agent("pc"), agent("till", { site: "s2" })], 40);
    watch.start();
    clock.advance(20_000);
    watch.stop();
    clock.advance(60_000);
    expect(inventories.map(({ site, devices }) => [site, devices.map(({ id, kind }) => [id, kind])])).toEqual([
      ["s1", [["agent/pc", "agent"]]],
      ["s2", [["agent/till", "agent"]]],
    ]);
    expect(batches.map(({ site, agent: by, seq }) => [site, by, seq])).toEqual(
      [41, 42, 43].flatMap((seq) => [
        ["s1", "collector", seq],
        ["s2", "collector", seq],
      ]),
    );
    expect(rows().slice(0, 2)).toEqual([
      {
        subject: "agent/pc",
        at: T0,
        metrics: {
          up: true,
          ...{
            outbox_batches: 2,
            outbox_bytes: 300,
            outbox_in_memory: false,
            outbox_used_percent: 25,
            outbox_age_seconds: 5,
          },
          clock_offset_seconds: 0.25,
          ...{ own_memory_bytes: 9e7, own_cpu_percent: 0.5 },
          ...{ batches_missing: 0, batches_owed: 0, samples_thinned_total: 0, claims_refused: 0 },
          name_shared: false,
        },
      },
      {
        subject: "agent/pc#disk-data",
        at: T0,
        metrics: { disk_total_bytes: 4e9, disk_free_bytes: 1e9, disk_used_percent: 75 },
      },
    ]);
  });

  it("says of a silent agent that it is down and what the ledger has: its last words are out of date", () => {
    const delivery = { missing: 3, owed: { live: 1, history: 4 }, thinnedSamples: 70 };
    const { watch, rows } = watchOver([agent("pc", { online: false, delivery, refusedClaims: 2, isNameShared: true })]);
    watch.look();
    expect(rows().map(({ metrics }) => metrics)).toEqual([
      {
        up: false,
        batches_missing: 3,
        batches_owed: 5,
        samples_thinned_total: 70,
        claims_refused: 2,
        name_shared: true,
      },
    ]);
  });

  it("forgets the agents of a site of which the last was taken out", () => {
    const agents = [agent("pc"), agent("till", { site: "s2" })];
    const { watch, inventories } = watchOver(agents);
    watch.look();
    agents.pop();
    watch.look();
    watch.look();
    expect(inventories.map(({ site, devices }) => [site, devices.length])).toEqual([
      ["s1", 1],
      ["s2", 1],
      ["s2", 0],
    ]);
  });

  it("takes what is known of an agent's clock from the age of what waits at it", () => {
    const { watch, rows } = watchOver([
      agent("pc", { skewMs: 3_600_000, outbox: { batches: 1, bytes: 9, oldestAt: T0 - 3_605_000 } }),
    ]);
    watch.look();
    expect(rows()[0]?.metrics["outbox_age_seconds"]).toBe(5);
  });

  it("says nothing of an agent that may still come back after a start", () => {
    const { watch, batches, inventories } = watchOver([agent("pc", { isHeard: false })]);
    watch.look();
    expect(inventories.length).toBe(1);
    expect(batches).toEqual([]);
  });

  it("says by how much a clock is off, ahead is positive", () => {
    const { watch, rows } = watchOver([agent("pc", { skewMs: -90_000, offsetMs: 90_000 })]);
    watch.look();
    expect(rows()[0]?.metrics["clock_offset_seconds"]).toBe(90);
  });

  it("says nothing of the agents' clocks when most of them agree that it is the collector's that is off", () => {
    const offsets = (rows: { subject: string; metrics: Record<string, unknown> }[]) =>
      rows.filter(({ subject }) => !subject.includes("#")).map(({ metrics }) => metrics["clock_offset_seconds"]);
    const off = { skewMs: -90_000, offsetMs: 90_000 };
    const one = watchOver([agent("a", off), agent("b"), agent("c")]);
    one.watch.look();
    expect(offsets(one.rows())).toEqual([90, 0.25, 0.25]);
    const most = watchOver([agent("a", off), agent("b", off), agent("c")]);
    most.watch.look();
    expect(offsets(most.rows())).toEqual([undefined, undefined, undefined]);
  });

  it("names its devices again when an agent joins or is updated, and never itself", () => {
    const agents = [agent("pc"), agent("collector")];
    const { watch, inventories } = watchOver(agents);
    watch.look();
    watch.look();
    agents.push(agent("till"));
    watch.look();
    agents[0] = agent("pc", { version: "1.1.0" });
    watch.look();
    expect(inventories.map(({ devices }) => devices.map(({ id, asset }) => `${id} ${asset.firmware}`))).toEqual([
      ["agent/pc 1.0.0"],
      ["agent/pc 1.0.0", "agent/till 1.0.0"],
      ["agent/pc 1.1.0", "agent/till 1.0.0"],
    ]);
  });
});
