/** The demo's devices as the product's SNMP profiles understand them: each fault must show in the metric of its name. */
import { ManualClock } from "@aislewatch/base";
import {
  evaluateProfile,
  loadBuiltinProfiles,
  matchProfile,
  octetsValue,
  probeOids,
  type SnmpReply,
  type SnmpValue,
} from "@aislewatch/devices";
import { describe, expect, it } from "vitest";
import { bringToLife, type LiveDevice } from "./live-device.ts";
import { labelPrinter } from "./models/label-printer.ts";
import type { BaseState, Model } from "./models/model.ts";
import { networkSwitch } from "./models/network-switch.ts";
import { officePrinter } from "./models/office-printer.ts";
import { posTerminal } from "./models/pos-terminal.ts";
import { ups } from "./models/ups.ts";
import type { MibValue, OidTree } from "./oid-tree.ts";
import { seededRandom } from "./random.ts";

const at = { location: "Riverside Market", name: "test", serial: "TST0042" };
const live =
  <S extends BaseState<F>, F extends string>(model: Model<S, F>) =>
  (clock: ManualClock): LiveDevice =>
    bringToLife(model, clock, seededRandom(9));
const MAKERS = {
  zebra: live(labelPrinter({ ...at, serial: "18J0042R017", model: "ZT411", firmware: "V92.21.39Z" })),
  printer: live(officePrinter({ ...at, model: "HP Color LaserJet M480" })),
  linux: live(posTerminal({ ...at, os: "linux" })),
  windows: live(posTerminal({ ...at, os: "windows" })),
  ups: live(ups({ ...at, manufacturer: "Voltgard", model: "VG 1500" })),
  switch: live(networkSwitch({ ...at, model: "CBS250", firmware: "3.4", plugged: { 7: "lane-1/pos" }, loosePort: 7 })),
} as const;

function replyValue(value: MibValue): SnmpValue {
  switch (value.type) {
    case "integer":
      return { type: "integer", value: value.value };
    case "counter32":
      return { type: "counter", value: value.value };
    case "gauge32":
      return { type: "gauge", value: value.value };
    case "timeticks":
      return { type: "ticks", value: value.value };
    case "counter64":
      return { type: "counter64", value: Number(value.value) };
    case "octets":
      return octetsValue(value.value);
    case "oid":
      return { type: "oid", value: value.value };
  }
}

function replyOf(tree: OidTree, nowMs: number): SnmpReply {
  const varbinds: Record<string, SnmpValue> = {};
  for (let entry = tree.next("1"); entry !== null; entry = tree.next(entry.oid)) {
    varbinds[entry.oid] = replyValue(entry.value);
  }
  return { at: nowMs, varbinds };
}

const profiles = loadBuiltinProfiles();

function read(device: LiveDevice, clock: ManualClock) {
  const tree = device.tree();
  const reply = replyOf(tree, clock.now());
  const facts = {
    sysObjectID: String(reply.varbinds["1.3.6.1.2.1.1.2.0"]?.value),
    sysDescr: String(reply.varbinds["1.3.6.1.2.1.1.1.0"]?.value),
    present: new Set(probeOids(profiles).filter((oid) => tree.hasBelow(oid))),
  };
  const profile = matchProfile(profiles, facts);
  if (profile === null) throw new Error("no profile");
  const { samples, asset } = evaluateProfile(profile, reply);
  const metrics = Object.fromEntries(
    samples.flatMap((set) =>
      Object.entries(set.metrics).map(([name, value]) => [
        set.component === null ? name : `${set.component}.${name}`,
        value,
      ]),
    ),
  );
  return { profile: profile.name, metrics, asset };
}

describe("the demo's devices under the shipped profiles", () => {
  it.each([
    { maker: "zebra", profile: "zebra", serial: "18J0042R017" },
    { maker: "printer", profile: "hp-printer", serial: "TST0042" },
    { maker: "linux", profile: "host", serial: "TST0042" },
    { maker: "windows", profile: "host", serial: "TST0042" },
    { maker: "ups", profile: "ups", serial: "TST0042" },
    { maker: "switch", profile: "radlan-switch", serial: "TST0042" },
  ] as const)("$maker is recognised as $profile", ({ maker, profile, serial }) => {
    const clock = new ManualClock();
    const seen = read(MAKERS[maker](clock), clock);
    expect([seen.profile, seen.asset?.serial]).toEqual([profile, serial]);
    expect(seen.metrics["uptime_seconds"]).toBeGreaterThan(0);
  });

  it.each([
    { maker: "zebra", fault: "media-out", metric: "media_out", from: false, to: true },
    { maker: "zebra", fault: "media-low", metric: "media_low", from: false, to: true },
    { maker: "zebra", fault: "media-low", metric: "media_remaining_percent", from: expect.any(Number), to: 12 },
    { maker: "zebra", fault: "ribbon-out", metric: "ribbon_out", from: false, to: true },
    { maker: "zebra", fault: "head-open", metric: "head_open", from: false, to: true },
    { maker: "zebra", fault: "paused", metric: "offline", from: false, to: true },
    { maker: "printer", fault: "toner-low", metric: "supply_low", from: false, to: true },
    { maker: "printer", fault: "toner-out", metric: "supply_out", from: false, to: true },
    { maker: "printer", fault: "cover-open", metric: "cover_open", from: false, to: true },
    { maker: "printer", fault: "paper-out", metric: "media_out", from: false, to: true },
    { maker: "printer", fault: "jam", metric: "jammed", from: false, to: true },
    { maker: "ups", fault: "mains-loss", metric: "on_battery", from: false, to: true },
    { maker: "ups", fault: "battery-low", metric: "battery_low", from: false, to: true },
    { maker: "ups", fault: "battery-replace", metric: "battery_replace", from: false, to: true },
    { maker: "ups", fault: "overload", metric: "overload", from: false, to: true },
    { maker: "linux", fault: "process-down", metric: "process-pos-client.process_running", from: true, to: false },
    { maker: "linux", fault: "process-down", metric: "process-pos-client.process_instances", from: 1, to: 0 },
    { maker: "switch", fault: "port-down", metric: "port-gi0-7.port_up", from: true, to: false },
  ] as const)("$maker: $fault turns $metric from $from to $to", ({ maker, fault, metric, from, to }) => {
    const clock = new ManualClock();
    const device = MAKERS[maker](clock);
    expect(read(device, clock).metrics).toMatchObject({ [metric]: from });
    device.fault(fault);
    clock.advance(2_000);
    expect(read(device, clock).metrics).toMatchObject({ [metric]: to });
    device.heal(fault);
    clock.advance(2_000);
    expect(read(device, clock).metrics).toMatchObject({ [metric]: from });
  });

  it.each([
    { maker: "linux", fault: "disk-full", metric: "disk-root.disk_used_percent" },
    { maker: "windows", fault: "disk-full", metric: "disk-c.disk_used_percent" },
    { maker: "linux", fault: "cpu-high", metric: "cpu_used_percent" },
    { maker: "windows", fault: "cpu-high", metric: "cpu_used_percent" },
  ] as const)("$maker: $fault brings $metric from below 60 to above 90 within a minute", ({ maker, fault, metric }) => {
    const clock = new ManualClock();
    const device = MAKERS[maker](clock);
    expect(Number(read(device, clock).metrics[metric])).toBeLessThan(60);
    device.fault(fault);
    clock.advance(60_000);
    expect(Number(read(device, clock).metrics[metric])).toBeGreaterThan(90);
  });
});
