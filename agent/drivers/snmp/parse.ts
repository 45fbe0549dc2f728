import { err, ok, type Result } from "@aislewatch/base";
import { evaluateProfile, type Kind, metricNamesOf, type Profile } from "@aislewatch/devices";
import type { Parsed, ParseError } from "../driver.ts";
import { ENGINE_TIME, HOST_UPTIME, type SnmpDeviceReply, SYS_UPTIME } from "./types.ts";

/**
 * A reply by its profile, as a reading of a device of this kind: what is no metric of the kind is left out, for no
 * rule could name it (a UPS card that is also a Linux host).
 */
export function parse(
  reply: SnmpDeviceReply,
  device: { readonly profiles: readonly Profile[]; readonly kind: Kind },
): Result<Parsed, ParseError> {
  const profile = device.profiles.find(({ name }) => name === reply.profile);
  if (profile === undefined) return err({ detail: `there is no profile ${reply.profile}` });
  const { samples, asset, evidence } = evaluateProfile(profile, { ...reply, varbinds: carry(reply) });
  const known = metricNamesOf(device.kind);
  const kept = samples
    .map(({ component, metrics }) => ({
      component,
      metrics: Object.fromEntries(Object.entries(metrics).filter(([name]) => known.has(name))),
    }))
    .filter(({ metrics }) => Object.keys(metrics).length > 0);
  const heard = evidence.filter(({ metric }) => known.has(metric));
  const detail = restart(reply);
  return ok({
    samples: kept,
    ...(Object.keys(asset).length > 0 && { asset }),
    ...(heard.length > 0 && { evidence: heard }),
    ...(detail !== null && { events: [{ component: null, code: "rebooted", detail }] }),
  });
}

function carry({ varbinds, carried }: SnmpDeviceReply): SnmpDeviceReply["varbinds"] {
  if (carried === undefined) return varbinds;
  const whole = { ...varbinds };
  for (const [oid, more] of Object.entries(carried)) {
    const value = varbinds[oid];
    if (value?.type === "counter") whole[oid] = { type: "counter", value: value.value + more };
  }
  return whole;
}

/** sysUpTime counts hundredths of seconds in 32 bits: after 497 days it begins again without a restart. */
const UPTIME_TICKS_WRAP = 2 ** 32;
/** How far counts of one time may be apart: a start takes a while, and clocks drift in 497 days. */
const SLACK_TICKS = 60_00;

/**
 * sysUpTime went down: the device started again, or it wrapped, or only the SNMP software started. The engine's time,
 * which counts seconds and does not wrap with it, and the host's own uptime decide where there are any.
 */
export function restart({ varbinds, before, at }: SnmpDeviceReply): string | null {
  const now = uptimeTicks(varbinds);
  if (now === null || before === null || now >= before.uptimeTicks) return null;
  const engineTicks = 100 * (numberAt(varbinds, ENGINE_TIME) ?? 0);
  if (engineTicks > now + SLACK_TICKS) return null;
  if ((numberAt(varbinds, HOST_UPTIME) ?? 0) > now + SLACK_TICKS) return null;
  const expected = before.uptimeTicks + Math.max(0, at - before.at) / 10 - UPTIME_TICKS_WRAP;
  const wrapped = expected >= 0 && Math.abs(expected - now) <= SLACK_TICKS;
  // An engine that knows its time has just said that it is as young as sysUpTime says.
  if (wrapped && engineTicks === 0) return null;
  return `up for ${Math.round(now / 100)} s, before that for ${Math.round(before.uptimeTicks / 100)} s`;
}

export const uptimeTicks = (varbinds: SnmpDeviceReply["varbinds"]): number | null => numberAt(varbinds, SYS_UPTIME);

function numberAt(varbinds: SnmpDeviceReply["varbinds"], oid: string): number | null {
  const value = varbinds[oid]?.value;
  return typeof value === "number" ? value : null;
}
