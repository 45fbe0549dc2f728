import { expect, it, describe as suite } from "vitest";
import { NEW_HEALTH } from "../core/health.ts";
import type { AgentStatusFile } from "../status-file.ts";
import { describe } from "./status.ts";

const AT = 1_700_000_000_000;
const health = { ...NEW_HEALTH, state: "up" as const, polls: 40, lastAnswerAtMs: AT - 3_000, costMs: 12 };
const failure = { kind: "timeout" as const, detail: "no answer in 2 tries" };
const seen: AgentStatusFile = {
  state: "running",
  pid: 4711,
  version: "0.1.0",
  site: "store-1",
  agent: "back-office",
  startedAt: AT - 3_600_000,
  writtenAt: AT - 1_000,
  collector: {
    url: "mqtts://noc.example.com:8883",
    connected: true,
    lastError: null,
    clockOffsetMs: null,
    inFlightBatches: 0,
    sentBatches: 9,
    lastAckAtMs: null,
  } as unknown as AgentStatusFile["collector"],
  outbox: {
    epoch: "e",
    batches: 0,
    oldestAt: null,
    droppedSamples: 0,
    readingsWaiting: 0,
  } as unknown as AgentStatusFile["outbox"],
  traps: null,
  devices: [
    { id: "lane-1/printer", health, asset: { model: "ZD421" }, profile: "zebra", sources: [] },
    {
      id: "back-office/ups",
      health: {
        ...health,
        state: "down",
        failures: 9,
        costMs: 4_812,
        skippedTurns: 3,
        lastFailure: { atMs: AT, ...failure },
      },
      asset: {},
      profile: null,
      sources: [],
    },
    {
      id: "switch",
      health: { ...health, failures: 1, lastFailure: { atMs: AT - 600_000, ...failure } },
      asset: {},
      profile: "switch",
      sources: [],
    },
  ],
};

suite("aislewatch-agent status", () => {
  it("names the slowest device, what each costs, its last error and the turns it missed", () => {
    expect(describe(seen, AT)).toMatchInlineSnapshot(`
      "agent      store-1/back-office, running, pid 4711, version 0.1.0
      collector  mqtts://noc.example.com:8883, connected
      outbox     empty
      polls      3 devices, 1 down, 3 turns skipped; slowest back-office/ups, 4812 ms a poll

      DEVICE           STATE  ANSWERED     COST  FAILURES  SKIPPED  MODEL  LAST ERROR
      lane-1/printer   up     3s ago      12 ms         0        0  ZD421
      back-office/ups  down   3s ago    4812 ms         9        3         no answer in 2 tries
      switch           up     3s ago      12 ms         1        0         10m ago: no answer in 2 tries
      "
    `);
  });

  it("says which evidence there is, each once, and how to get what is lacking", () => {
    const sysfs = { name: "sysfs", state: "used", detail: "/sys" } as const;
    const log = {
      name: "kernel log",
      state: "denied",
      detail: "/dev/kmsg may not be read",
      grant: "sysctl -w kernel.dmesg_restrict=0",
    } as const;
    const devices = seen.devices.map((device) => ({ ...device, sources: device.id === "switch" ? [] : [sysfs, log] }));
    const text = describe({ ...seen, devices }, AT);
    expect(text.slice(text.indexOf("EVIDENCE"))).toMatchInlineSnapshot(`
      "EVIDENCE    STATE   DEVICES                          DETAIL
      sysfs       used    lane-1/printer, back-office/ups  /sys
      kernel log  denied  lane-1/printer, back-office/ups  /dev/kmsg may not be read; to allow it: sysctl -w kernel.dmesg_restrict=0
      "
    `);
  });

  it("shows what became of traps, and why some were dropped", () => {
    const dropped = { unknown_sender: 7, too_fast: 9_876, repeated: 0 };
    const traps = {
      listening: "0.0.0.0:1162",
      lastError: null,
      received: 9_990,
      taken: 107,
      informs: 2,
      dropped,
      lastTrap: { atMs: AT - 5_000, device: "back-office/ups", code: "on_battery" },
      lastDrop: { atMs: AT - 4_000, from: "10.1.2.9", reason: "too_fast" },
    } as unknown as NonNullable<AgentStatusFile["traps"]>;
    const lines = (over: Partial<typeof traps>) => describe({ ...seen, traps: { ...traps, ...over } }, AT).split("\n");
    expect(lines({}).filter((line) => line.includes("trap"))).toMatchInlineSnapshot(`
      [
        "traps          0.0.0.0:1162, 107 taken of 9990; last on_battery from back-office/ups 5s ago",
        "dropped traps  7 unknown_sender, 9876 too_fast; last too_fast from 10.1.2.9 4s ago",
      ]
    `);
    const lost = { listening: null, lastError: "bind EACCES 0.0.0.0:162", lastTrap: null, lastDrop: null };
    expect(lines(lost).filter((line) => line.includes("trap"))).toMatchInlineSnapshot(`
      [
        "traps      not listening (bind EACCES 0.0.0.0:162), 107 taken of 9990",
      ]
    `);
  });
});
