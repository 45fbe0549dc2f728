import { loadBuiltinProfiles, type SnmpValue } from "@aislewatch/devices";
import { describe, expect, it } from "vitest";
import { parse } from "./parse.ts";
import { ENGINE_TIME, HOST_UPTIME, SYS_UPTIME } from "./types.ts";

const DAY_TICKS = 86_400_00;
const WRAP_TICKS = 2 ** 32;
const IN_OCTETS = "1.3.6.1.2.1.2.2.1.10";
const device = { profiles: loadBuiltinProfiles(), kind: "host" as const };

function eventsOf(now: { uptime: number; engineSeconds?: number; host?: number }, beforeTicks: number) {
  const varbinds: Record<string, SnmpValue> = { [SYS_UPTIME]: { type: "ticks", value: now.uptime } };
  if (now.engineSeconds !== undefined) varbinds[ENGINE_TIME] = { type: "integer", value: now.engineSeconds };
  if (now.host !== undefined) varbinds[HOST_UPTIME] = { type: "ticks", value: now.host };
  const at = 1_700_000_000_000;
  const before = { at: at - 30_000, uptimeTicks: beforeTicks };
  const parsed = parse({ at, profile: "system", before, varbinds }, device);
  return parsed.ok ? (parsed.value.events ?? []).map(({ code }) => code) : [];
}

describe("sysUpTime that went down", () => {
  it.each([
    { name: "went on", now: { uptime: 5 * DAY_TICKS }, before: 4 * DAY_TICKS, want: [] },
    {
      name: "is small, and was not near its end: a restart",
      now: { uptime: 1_000 },
      before: DAY_TICKS,
      want: ["rebooted"],
    },
    { name: "wrapped, by what the time since says", now: { uptime: 60 }, before: WRAP_TICKS - 2_950, want: [] },
    {
      name: "is small, and was near its end, but not so near",
      now: { uptime: 60 },
      before: WRAP_TICKS - 100 * 6_000,
      want: ["rebooted"],
    },
    { name: "stands still", now: { uptime: 5_000 }, before: 5_000, want: [] },
    // Thirty seconds later it would be at 2000; a minute more or less is the drift of clocks.
    { name: "wrapped, and is a minute ahead", now: { uptime: 8_000 }, before: WRAP_TICKS - 1_000, want: [] },
    { name: "is more than a minute ahead", now: { uptime: 8_001 }, before: WRAP_TICKS - 1_000, want: ["rebooted"] },
    { name: "is far ahead of its wrap", now: { uptime: DAY_TICKS }, before: WRAP_TICKS - 1_000, want: ["rebooted"] },
    // It was a second short of its end when it was last due: it did not wrap.
    { name: "can't have wrapped yet", now: { uptime: 60 }, before: WRAP_TICKS - 3_100, want: ["rebooted"] },
    {
      name: "is older by its engine, by no more than a minute: a restart",
      now: { uptime: 1_000, engineSeconds: 70 },
      before: DAY_TICKS,
      want: ["rebooted"],
    },
    {
      name: "is older by its engine, by more than a minute",
      now: { uptime: 1_000, engineSeconds: 71 },
      before: DAY_TICKS,
      want: [],
    },
    {
      name: "wrapped, by an engine that is older",
      now: { uptime: 9_000, engineSeconds: 42_949_763 },
      before: WRAP_TICKS - 100 * 6_000,
      want: [],
    },
    {
      name: "looks wrapped, but the engine is as young: a restart at the day of its wrap",
      now: { uptime: 60, engineSeconds: 1 },
      before: WRAP_TICKS - 2_950,
      want: ["rebooted"],
    },
    {
      name: "is that of an SNMP agent that started anew on a host that did not",
      now: { uptime: 1_000, engineSeconds: 10, host: 9 * DAY_TICKS },
      before: DAY_TICKS,
      want: [],
    },
    {
      name: "is that of a host that started anew",
      now: { uptime: 1_000, engineSeconds: 10, host: 3_000 },
      before: DAY_TICKS,
      want: ["rebooted"],
    },
  ])("$name", ({ now, before, want }) => {
    expect(eventsOf(now, before)).toEqual(want);
  });
});

describe("a port of a device without 64-bit counters", () => {
  it.each([
    { name: "has what it counted, before it wrapped", carried: {}, want: 5 },
    {
      name: "has what it counted, with its wraps",
      carried: { [`${IN_OCTETS}.3`]: 2 * WRAP_TICKS },
      want: 2 * WRAP_TICKS + 5,
    },
    { name: "takes nothing for a counter that is none", carried: { [`${IN_OCTETS}.4`]: WRAP_TICKS }, want: 5 },
  ])("$name", ({ carried, want }) => {
    const varbinds: Record<string, SnmpValue> = {
      "1.3.6.1.2.1.2.2.1.1.3": { type: "integer", value: 3 },
      "1.3.6.1.2.1.2.2.1.2.3": { type: "text", value: "eth3" },
      "1.3.6.1.2.1.2.2.1.3.3": { type: "integer", value: 6 },
      "1.3.6.1.2.1.2.2.1.7.3": { type: "integer", value: 1 },
      "1.3.6.1.2.1.2.2.1.8.3": { type: "integer", value: 1 },
      [`${IN_OCTETS}.3`]: { type: "counter", value: 5 },
    };
    const reply = { at: 1_700_000_000_000, profile: "interfaces", before: null, varbinds, carried };
    const parsed = parse(reply, { ...device, kind: "network_switch" });
    const port = parsed.ok ? parsed.value.samples.find(({ component }) => component === "port-eth3") : undefined;
    expect(port?.metrics["port_received_bytes_total"]).toBe(want);
  });
});
