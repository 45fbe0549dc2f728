/**
 * Traps and informs: from the wire to events of a device, and to a poll of it at once. Traps are hints: UDP, spoofable,
 * repeated, out of order. A state comes from polls alone; a trap says when to look, and leaves a mark.
 */
import { createHash } from "node:crypto";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Clock } from "@aislewatch/base";
import type { TrapMeaning, TrapTable } from "@aislewatch/devices";
import type { Log } from "@aislewatch/runtime";
import type { Device } from "./config.ts";
import { Buckets, Recent, TRAP_LIMITS } from "./core/trap-gate.ts";
import { agentEvents } from "./events.ts";
import type { DeviceEvent } from "./poller.ts";
import {
  openTrapListener,
  plainAddress,
  TRAP_REFUSALS,
  type Trap,
  type TrapListener,
  type TrapRefusal,
} from "./transport/snmp-traps.ts";
import type { TrapsConfig } from "./traps-config.ts";

export type TrapsOptions = {
  readonly config: TrapsConfig;
  /** Of this agent, to have the same engine id after a restart. */
  readonly name: string;
  readonly devices: readonly Device[];
  readonly table: TrapTable;
  readonly clock: Clock;
  readonly log: Log;
  /** Polls a device at once, its events with it; false when an event found no room. */
  readonly pollNow: (device: string, events: readonly DeviceEvent[]) => boolean;
  /** Addresses of a name; tests have their own. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
};

const OWN_REASONS = ["unknown_sender", "too_fast", "too_many", "repeated", "no_room"] as const;
export const TRAP_DROPS = [...OWN_REASONS, ...TRAP_REFUSALS] as const;
export type TrapDrop = (typeof OWN_REASONS)[number] | TrapRefusal;

export type TrapFigures = {
  /** Where traps are taken; null while they are not. */
  readonly listening: string | null;
  readonly lastError: string | null;
  /** Datagrams that came. */
  readonly received: number;
  /** Traps and informs that became an event. */
  readonly taken: number;
  readonly informs: number;
  readonly dropped: Readonly<Record<TrapDrop, number>>;
  readonly lastTrap: { readonly atMs: number; readonly device: string; readonly code: string } | null;
  readonly lastDrop: { readonly atMs: number; readonly from: string; readonly reason: TrapDrop } | null;
};

/** How often names are looked up again, and how many at once. */
const RESOLVE_EVERY_MS = 300_000;
const RESOLVE_AT_ONCE = 8;
/** How often a port that could not be had is tried again. */
const RETRY_MS = 60_000;
/** Of one address: a console with several cards. More than that is a gateway, and its trap polls the first ones. */
const DEVICES_OF_SENDER_MAX = 4;

export class Traps {
  readonly #options: TrapsOptions;
  readonly #perSource = new Buckets(
    { burst: TRAP_LIMITS.burstOfSource, perSecond: TRAP_LIMITS.perSecondOfSource },
    TRAP_LIMITS.sourcesMax,
  );
  readonly #perAll = new Buckets({ burst: TRAP_LIMITS.burstOfAll, perSecond: TRAP_LIMITS.perSecondOfAll }, 2);
  readonly #recent = new Recent(TRAP_LIMITS.repeatMs, TRAP_LIMITS.repeatsMax);
  /** Devices by address. */
  #senders: ReadonlyMap<string, readonly Device[]> = new Map();
  readonly #addresses = new Map<string, readonly string[]>();
  #listener: TrapListener | null = null;
  readonly #timers = new Map<"listen" | "names", () => void>();
  #stopped = false;
  #received = 0;
  #taken = 0;
  #informs = 0;
  #lastError: string | null = null;
  readonly #dropped = Object.fromEntries(TRAP_DROPS.map((reason) => [reason, 0])) as Record<TrapDrop, number>;
  #lastTrap: TrapFigures["lastTrap"] = null;
  #lastDrop: TrapFigures["lastDrop"] = null;

  constructor(options: TrapsOptions) {
    this.#options = options;
  }

  get figures(): TrapFigures {
    const { listen } = this.#options.config;
    return {
      listening: this.#listener === null ? null : `${listen.address}:${this.#listener.port}`,
      lastError: this.#lastError,
      received: this.#received,
      taken: this.#taken,
      informs: this.#informs,
      dropped: { ...this.#dropped },
      lastTrap: this.#lastTrap,
      lastDrop: this.#lastDrop,
    };
  }

  /** Begins to listen, or to try: polls go on without traps. Names are looked up meanwhile. */
  async start(): Promise<void> {
    this.#index();
    void this.#resolveNames();
    await this.#listen();
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#listener?.close();
    this.#listener = null;
  }

  async #listen(): Promise<void> {
    const { config, clock, log, name } = this.#options;
    const { address, port } = config.listen;
    const opened = await openTrapListener({
      address,
      port,
      community: config.community,
      users: config.users,
      engineId: engineIdOf(name),
      clock,
      admit: (from) => this.#admit(from),
      onTrap: (trap) => this.#take(trap),
      onRefused: (reason, from) => this.#drop(reason, from),
    });
    if (this.#stopped) {
      if (opened.ok) opened.value.close();
      return;
    }
    const listen = `${address}:${port}`;
    if (opened.ok) {
      this.#listener = opened.value;
      this.#lastError = null;
      log.emit(agentEvents.trapsListening, { listen, senders: this.#senders.size });
      return;
    }
    this.#lastError = opened.error.detail;
    log.emit(agentEvents.trapsNotListening, { listen, detail: opened.error.detail });
    this.#later("listen", RETRY_MS, () => void this.#listen());
  }

  /** Asked before a byte is decoded: what a flood costs is this. */
  #admit(from: string): boolean {
    this.#received++;
    const nowMs = this.#options.clock.monotonic();
    const isDevice = this.#senders.has(from);
    if (!isDevice && this.#options.config.unknownSenders === "ignore") return this.#drop("unknown_sender", from);
    if (!this.#perSource.take(from, nowMs)) return this.#drop("too_fast", from);
    // Strangers that are let in have a share of their own: they can't use up that of the devices.
    return this.#perAll.take(isDevice ? "devices" : "strangers", nowMs) || this.#drop("too_many", from);
  }

  #take(trap: Trap): void {
    const { table, clock, log, pollNow } = this.#options;
    if (trap.inform) this.#informs++;
    if (this.#recent.again(fingerprint(trap), clock.monotonic())) {
      this.#drop("repeated", trap.from);
      return;
    }
    const devices = this.#devicesOf(trap);
    const [device] = devices;
    const meaning = table.explain(trap.oid, trap.varbinds);
    if (device === undefined) {
      log.emit(agentEvents.trapFromStranger, { from: trap.from, trap: meaning.name, detail: meaning.detail });
      return;
    }
    const event = eventOf(meaning);
    this.#taken++;
    this.#lastTrap = { atMs: clock.now(), device: device.id, code: event.code };
    log.emit(agentEvents.trapReceived, { device: device.id, from: trap.from, trap: meaning.name, code: event.code });
    if (!pollNow(device.id, [event])) this.#drop("no_room", trap.from);
    for (const other of devices.slice(1, DEVICES_OF_SENDER_MAX)) pollNow(other.id, []);
  }

  /** By the address of the datagram; a stranger that is let in may be a relay and name the device. */
  #devicesOf({ from, about }: Trap): readonly Device[] {
    return this.#senders.get(from) ?? this.#senders.get(about ?? "") ?? [];
  }

  #drop(reason: TrapDrop, from: string): false {
    this.#dropped[reason]++;
    this.#lastDrop = { atMs: this.#options.clock.now(), from, reason };
    if (reason !== "repeated") this.#options.log.emit(agentEvents.trapRefused, { from, reason });
    return false;
  }

  async #resolveNames(): Promise<void> {
    const { devices, resolve = addressesOf } = this.#options;
    const names = [...new Set(devices.map(hostOf))].filter((host) => host !== "" && isIP(host) === 0);
    const waiting = names.values();
    const work = async (): Promise<void> => {
      for (const name of waiting) {
        try {
          this.#addresses.set(name, await resolve(name));
        } catch {
          // What was known of it stands: a name server that is away must not make devices strangers.
        }
      }
    };
    await Promise.all(Array.from({ length: RESOLVE_AT_ONCE }, work));
    if (this.#stopped) return;
    this.#index();
    if (names.length > 0) this.#later("names", RESOLVE_EVERY_MS, () => void this.#resolveNames());
  }

  #index(): void {
    const senders = new Map<string, Device[]>();
    for (const device of this.#options.devices) {
      const host = hostOf(device);
      const addresses = isIP(host) === 0 ? (this.#addresses.get(host) ?? []) : [host];
      for (const address of addresses.map(plainAddress)) {
        const known = senders.get(address);
        if (known === undefined) senders.set(address, [device]);
        else known.push(device);
      }
    }
    // Of several at one address the one that is polled over SNMP speaks it.
    for (const devices of senders.values()) devices.sort((a, b) => Number(speaksSnmp(b)) - Number(speaksSnmp(a)));
    this.#senders = senders;
  }

  #later(what: "listen" | "names", delayMs: number, then: () => void): void {
    if (!this.#stopped) this.#timers.set(what, this.#options.clock.after(delayMs, then));
  }
}

const speaksSnmp = ({ driver }: Device): boolean => driver.name === "snmp";

/** The host in a device's address, without brackets; empty when it is reached by no network. */
function hostOf({ driver, driverConfig }: Device): string {
  const address = driver.address(driverConfig);
  return URL.canParse(address) ? new URL(address).hostname.replace(/^\[|\]$/g, "") : "";
}

const addressesOf = async (name: string): Promise<readonly string[]> =>
  (await lookup(name, { all: true })).map(({ address }) => address);

/** An event's code is the fault's; that it is over, or that there is no such fault, is a code of its own. */
function eventOf({ fault, cleared, component, detail }: TrapMeaning): DeviceEvent {
  const code = fault === null ? "trap" : cleared ? `${fault}_cleared` : fault;
  return { component, code, detail };
}

/** Two traps with one fingerprint are one trap that came twice. */
function fingerprint({ from, oid, uptimeTicks, varbinds }: Trap): string {
  return createHash("sha256")
    .update(JSON.stringify([from, oid, uptimeTicks, varbinds]))
    .digest("base64");
}

/** RFC 3411 SnmpEngineID, format 5 (octets of our choice) under the enterprise number of the library. */
export function engineIdOf(name: string): Buffer {
  const head = Buffer.from("8000b98305", "hex");
  return Buffer.concat([head, createHash("sha256").update(name).digest().subarray(0, 16)]);
}
