/**
 * The present of all devices, in memory: who watches which, what they told last, what stands on them, and which of them
 * moved since pages were told. Values and faults are the engine's; this gives them to those who ask for a device.
 */
import type { Clock } from "@aislewatch/base";
import type { InventoryDevice, PollFailure } from "@aislewatch/contract";
import { isKind } from "@aislewatch/devices";
import type { Engine, FaultView, Rule } from "@aislewatch/rules";
import type { DeviceState, LiveDevice, LiveValue } from "./api/deps.ts";
import type { StreamEvent } from "./api/schema/service.ts";
import type { AgentRecord } from "./store/state/store.ts";

/** A metric is old after this many intervals, and some grace for a slow poll (the engine uses the same). */
const STALE_INTERVALS = 3;
const STALE_GRACE_MS = 5_000;
/** Values tell the page at most this often that they moved. */
const VALUES_INTERVAL_MS = 1_000;
/** Devices named in one `values` event; a page that shows more asks for all of them anyway. */
const VALUES_DEVICES_MAX = 500;

/** What is known of a device beside its values. */
export type DeviceFacts = {
  readonly agent: string;
  readonly device: InventoryDevice;
  failure: PollFailure | null;
  /** As pages were told last. */
  shown: DeviceState;
  worst: LiveDevice["worst"];
};

export type PresentDeps = {
  readonly clock: Clock;
  readonly engine: Engine;
  /** By `site/agent`. */
  readonly agents: ReadonlyMap<string, AgentRecord>;
  readonly ruleOf: (id: string) => Rule | undefined;
  /** Somebody is told which devices move. */
  readonly isWatched: () => boolean;
};

export type Present = {
  /** All that one agent watches, in place of what it watched; devices of kinds that this version does not know are left out. */
  setInventory(site: string, agent: string, devices: readonly InventoryDevice[]): void;
  facts(site: string, device: string): DeviceFacts | undefined;
  /** Of a site; an unknown one has none. */
  factsAt(site: string): Iterable<DeviceFacts>;
  device(site: string, device: string): LiveDevice | null;
  /** By id. */
  devices(site: string): LiveDevice[];
  values(site: string, device: string): LiveValue[];
  faults(site: string, device: string): FaultView[];
  /** On how many subjects a rule fires. */
  firing(rule: string): number;
  /** The engine's faults moved: what was counted of them holds no more. */
  faultsMoved(): void;
  /** A device's values or faults moved. */
  touch(site: string, device: string): void;
  /** Which devices moved, and which changed their state; once a second at most. */
  tellMoved(tell: (event: StreamEvent) => void): void;
  slowestPolls(
    most: number,
    of?: { site: string; agent: string },
  ): { site: string; agent: string; device: string; seconds: number }[];
  devicesOfModel(vendor: string | null, model: string): number;
  deviceCounts(): ReadonlyMap<string, number>;
};

export function createPresent({ clock, engine, agents, ruleOf, isWatched }: PresentDeps): Present {
  /** By site, then id. */
  const devices = new Map<string, Map<string, DeviceFacts>>();
  const touched = new Map<string, Set<string>>();
  let lastToldMs = Number.NEGATIVE_INFINITY;
  let faultsByDevice: Map<string, FaultView[]> | null = null;
  let firingByRule: Map<string, number> | null = null;

  const keyOf = (site: string, id: string): string => `${site}/${id}`;
  const factsOf = (site: string, id: string): DeviceFacts | undefined => devices.get(site)?.get(id);

  function stateOf(site: string, facts: DeviceFacts, values: readonly LiveValue[]): DeviceState {
    if (agents.get(keyOf(site, facts.agent))?.online === false) return "unreachable";
    const up = values.find(({ metric, component }) => metric === "up" && component === null);
    if (up === undefined || up.stale) return "unknown";
    if (up.value === true) return "up";
    const suppressed = faultsOf(site, facts.device.id).some(({ flags }) => flags.suppressedBy !== null);
    return suppressed ? "unreachable" : "down";
  }

  function faultsOf(site: string, device: string): FaultView[] {
    faultsByDevice ??= byDevice(engine.faults());
    return faultsByDevice.get(keyOf(site, device)) ?? [];
  }

  function byDevice(faults: readonly FaultView[]): Map<string, FaultView[]> {
    const found = new Map<string, FaultView[]>();
    for (const fault of faults) {
      if (fault.subject.device === null) continue;
      const key = keyOf(fault.subject.site, fault.subject.device);
      const list = found.get(key);
      if (list === undefined) found.set(key, [fault]);
      else list.push(fault);
    }
    return found;
  }

  function valuesOf(site: string, device: string): LiveValue[] {
    const facts = factsOf(site, device);
    if (facts === undefined) return [];
    const oldMs = clock.now() - (STALE_INTERVALS * facts.device.intervalMs + STALE_GRACE_MS);
    return engine.lastValues(site, device).map((value) => ({ ...value, stale: value.at < oldMs }));
  }

  function liveDevice(site: string, facts: DeviceFacts): LiveDevice {
    const values = valuesOf(site, facts.device.id);
    const firing = faultsOf(site, facts.device.id).filter(
      ({ state: now, rule }) => (now === "firing" || now === "recovering") && ruleOf(rule)?.mode !== "shadow",
    );
    const worst = firing.reduce<LiveDevice["worst"]>(
      (most, { severity }) =>
        severity !== null && RANK[severity] > (most === null ? -1 : RANK[most]) ? severity : most,
      null,
    );
    const { failure } = facts;
    return {
      site,
      agent: facts.agent,
      device: facts.device,
      state: stateOf(site, facts, values),
      worst,
      lastReadingAt: values.reduce<number | null>((latest, { at }) => Math.max(latest ?? 0, at), null),
      lastFailure: failure === null ? null : { at: failure.at, kind: failure.kind, detail: failure.detail },
    };
  }

  function touch(site: string, device: string): void {
    if (!isWatched()) return;
    const set = touched.get(site);
    if (set === undefined) touched.set(site, new Set([device]));
    else set.add(device);
  }

  return {
    setInventory(site, agent, list) {
      const known = devices.get(site) ?? new Map<string, DeviceFacts>();
      devices.set(site, known);
      for (const [id, facts] of known) {
        if (facts.agent === agent) known.delete(id);
      }
      for (const device of list) {
        if (!isKind(device.kind)) continue;
        known.set(device.id, { agent, device, failure: null, shown: "unknown", worst: null });
        touch(site, device.id);
      }
    },
    facts: factsOf,
    factsAt: (site) => devices.get(site)?.values() ?? [],
    device(site, id) {
      const facts = factsOf(site, id);
      return facts === undefined ? null : liveDevice(site, facts);
    },
    devices(site) {
      const list: LiveDevice[] = [];
      for (const facts of devices.get(site)?.values() ?? []) list.push(liveDevice(site, facts));
      return list.sort((a, b) => a.device.id.localeCompare(b.device.id));
    },
    values: valuesOf,
    faults: faultsOf,
    firing(rule) {
      if (firingByRule === null) {
        firingByRule = new Map();
        for (const { rule: id, state: now } of engine.faults()) {
          if (now === "firing") firingByRule.set(id, (firingByRule.get(id) ?? 0) + 1);
        }
      }
      return firingByRule.get(rule) ?? 0;
    },
    faultsMoved() {
      faultsByDevice = null;
      firingByRule = null;
    },
    touch,
    tellMoved(tell) {
      const now = clock.monotonic();
      if (touched.size === 0 || now - lastToldMs < VALUES_INTERVAL_MS) return;
      lastToldMs = now;
      for (const [site, ids] of touched) {
        for (const id of ids) {
          const facts = factsOf(site, id);
          if (facts === undefined) continue;
          const { state: next, worst } = liveDevice(site, facts);
          if (next === facts.shown && worst === facts.worst) continue;
          facts.shown = next;
          facts.worst = worst;
          tell({ type: "device", site, device: id, state: next, worst });
        }
        tell({ type: "values", site, devices: [...ids].slice(0, VALUES_DEVICES_MAX) });
      }
      touched.clear();
    },
    slowestPolls(most, of) {
      const polls: { site: string; agent: string; device: string; seconds: number }[] = [];
      for (const [site, members] of devices) {
        if (of !== undefined && of.site !== site) continue;
        for (const [id, { agent }] of members) {
          if (of !== undefined && of.agent !== agent) continue;
          const seconds = engine.lastValues(site, id).find(({ metric }) => metric === "poll_duration_seconds")?.value;
          if (typeof seconds === "number") polls.push({ site, agent, device: id, seconds });
        }
      }
      return polls.sort((a, b) => b.seconds - a.seconds).slice(0, most);
    },
    devicesOfModel(vendor, model) {
      let count = 0;
      for (const members of devices.values()) {
        for (const { device } of members.values()) {
          const { asset } = device;
          if (asset.model === model && (vendor === null || asset.vendor === vendor)) count++;
        }
      }
      return count;
    },
    deviceCounts() {
      const counts = new Map<string, number>();
      for (const [site, members] of devices) {
        for (const { agent } of members.values()) {
          const key = keyOf(site, agent);
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
      }
      return counts;
    },
  };
}

const RANK = { info: 0, minor: 1, major: 2, critical: 3 } as const;
