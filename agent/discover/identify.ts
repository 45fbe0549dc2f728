/** Who is at an address that speaks SNMP: the first credential that opens it, its profile, its asset, its neighbours. */
import { networkInterfaces } from "node:os";
import { ok } from "@aislewatch/base";
import { evaluateProfile, type Profile, textOf } from "@aislewatch/devices";
import { type Found, kindOf } from "../core/proposal.ts";
import { cleanAsset } from "../core/reading.ts";
import { CARRIER_COLUMNS, OWN_COLUMNS, type Topology, topologyOf } from "../core/topology.ts";
import { SnmpPoll } from "../drivers/snmp/poll.ts";
import { openSnmp, type SnmpSession, type Varbinds } from "../transport/snmp.ts";
import type { Credential } from "./credentials.ts";

const SYSTEM = "1.3.6.1.2.1.1";
const SYS_DESCR = `${SYSTEM}.1.0`;
const SYS_OBJECT_ID = `${SYSTEM}.2.0`;
const SYS_NAME = `${SYSTEM}.5.0`;
const SYS_SERVICES = `${SYSTEM}.7.0`;
/** A slow print server's whole reply. */
const IDENTIFY_MS_MAX = 20_000;
const CARRIERS = ["network_switch", "router", "access_point"];
/** The profile that everything has: to be recognised by it is not to be recognised. */
const ANY_DEVICE = "system";

export type IdentifyOptions = {
  readonly port: number;
  readonly profiles: readonly Profile[];
  readonly timeoutMs: number;
  readonly nowMs: number;
  readonly signal: AbortSignal;
};

export type Identified = { readonly found: Found; readonly topology: Topology };

/**
 * Null when none of the credentials, which should be those that it answered to, opens it; and when `signal` ended it
 * before it had said all, for half of what a device says is not who it is.
 */
export async function identify(
  address: string,
  credentials: readonly Credential[],
  options: IdentifyOptions,
): Promise<Identified | null> {
  const { port, timeoutMs } = options;
  for (const credential of credentials) {
    const target = { host: address, port, timeoutMs, retries: 1, maxRepetitions: 20, credential: credential.target };
    const opened = await openSnmp(target);
    if (!opened.ok) continue;
    try {
      const signal = AbortSignal.any([options.signal, AbortSignal.timeout(IDENTIFY_MS_MAX)]);
      opened.value.begin(signal, timeoutMs);
      const system = await opened.value.get([SYS_DESCR, SYS_OBJECT_ID, SYS_NAME, SYS_SERVICES]);
      if (system.ok && Object.keys(system.value).length > 0) {
        return await describe(address, { session: opened.value, system: system.value, credential, signal }, options);
      }
    } finally {
      opened.value.close();
    }
    if (options.signal.aborted) return null;
  }
  return null;
}

type Opened = {
  readonly session: SnmpSession;
  readonly system: Varbinds;
  readonly credential: Credential;
  readonly signal: AbortSignal;
};

async function describe(address: string, opened: Opened, options: IdentifyOptions): Promise<Identified | null> {
  const { session, system, credential, signal } = opened;
  const { port, timeoutMs, nowMs, profiles } = options;
  // The poll closes what it was given when it fails, and here it is closed twice then, which is harmless.
  const poll = new SnmpPoll(async () => ok(session), profiles, null);
  const polled = await poll.poll({ signal, timeoutMs, nowMs });
  if (!polled.ok && options.signal.aborted) return null;
  const profile = poll.profile;
  const asset = polled.ok && profile !== null ? evaluateProfile(profile, polled.value).asset : {};
  const sysDescr = textAt(system, SYS_DESCR);
  const services = system[SYS_SERVICES]?.value;
  const kind = kindOf(profile?.kind ?? null, { sysDescr, services: typeof services === "number" ? services : null });
  const found: Found = {
    address,
    port,
    sysName: textAt(system, SYS_NAME),
    sysDescr,
    sysObjectID: textAt(system, SYS_OBJECT_ID),
    kind,
    profile: profile === null || profile.name === ANY_DEVICE ? null : profile.name,
    asset: cleanAsset(asset),
    keys: credential.keys,
  };
  const varbinds = polled.ok ? await around(session, CARRIERS.includes(kind), { signal, timeoutMs }) : {};
  return { found, topology: topologyOf(varbinds) };
}

/** A device that tells nothing of its neighbours has none that we know of. */
async function around(
  session: SnmpSession,
  isCarrier: boolean,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<Varbinds> {
  session.begin(signal, timeoutMs);
  const walked = await session.walk(isCarrier ? [...OWN_COLUMNS, ...CARRIER_COLUMNS] : OWN_COLUMNS);
  return walked.ok ? walked.value : {};
}

function textAt(varbinds: Varbinds, oid: string): string {
  const value = varbinds[oid];
  return value === undefined ? "" : textOf(value);
}

/** Of this host, as twelve hex digits. */
export function ownMacs(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return [...new Set(all.map(({ mac }) => mac.replaceAll(":", "").toLowerCase()))].filter((mac) => !/^0*$/.test(mac));
}
