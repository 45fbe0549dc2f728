import { loadBuiltinProfiles, type SnmpValue } from "@aislewatch/devices";
import { describe, expect, it } from "vitest";
import { parse } from "./parse.ts";
import { ENGINE_TIME, HOST_UPTIME, SYS_UPTIME } from "./types.ts";

const DAY_TICKS = 86_400_00;
const WRAP_TICKS = 2 ** 32;
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
