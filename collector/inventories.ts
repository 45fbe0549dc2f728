/**
 * What agents say they watch: parts put together to a whole, kept by the state store, then judged. In that order, for
 * what was judged of a device that the store does not know would be lost with a restart; an inventory that can't be
 * written just now waits, and is given to the judge once it is. A device that another agent of the site watches is
 * refused, and the claim is remembered for people.
 */
import type { Clock } from "@aislewatch/base";
import { decodeInventory, type InventoryDevice } from "@aislewatch/contract";
import type { AgentMessage } from "./broker/broker.ts";
import type { Judge } from "./judge.ts";
import { AGENT_DEVICE_PREFIX, COLLECTOR_AGENT } from "./own-reports.ts";
import type { StateStore } from "./store/state/store.ts";

/** Devices and components of one agent. The greatest sites have a few thousand. */
const INVENTORY_SUBJECTS_MAX = 50_000;
/** Refused claims of one agent that are named; an agent may name thousands. */
const CLAIMS_SHOWN_MAX = 100;

export type AgentInventory = {
  readonly site: string;
  readonly agent: string;
  readonly devices: readonly InventoryDevice[];
};

export type InventoriesDeps = {
  readonly clock: Clock;
  readonly state: StateStore;
  readonly judge: Judge;
  /** The message is of no use. */
  readonly setAside: (message: AgentMessage, reason: string) => void;
  readonly onClaimRefused: (event: { site: string; agent: string; devices: string[] }) => void;
  readonly onWritten: () => void;
  readonly onFailed: (thrown: unknown) => void;
};

export type Inventories = {
  /** One part of an agent's inventory; true when the whole is there, written and judged. The caller bounds the agents. */
  take(message: AgentMessage): boolean;
  /** A whole one; true when it is written and judged, else it waits. */
  set(inventory: AgentInventory): boolean;
  /** Writes what waits; false when it still can't be. */
  saveWaiting(): boolean;
  /** Devices that an agent names and another watches, as of its last inventory. */
  refusedClaims(site: string, agent: string): readonly string[];
  /** Of the last whole inventory that came since the start, whatever became of it. */
  revision(site: string, agent: string): number | null;
  forget(site: string, agent: string): void;
};

type Parts = {
  readonly revision: number;
  readonly of: number;
  readonly parts: Map<number, readonly InventoryDevice[]>;
};

export function createInventories(deps: InventoriesDeps): Inventories {
  const { clock, state, judge, setAside } = deps;
  /** All by `site/agent`. */
  const incomplete = new Map<string, Parts>();
  const unsaved = new Map<string, AgentInventory>();
  const claims = new Map<string, readonly string[]>();
  const revisions = new Map<string, number>();
  const keyOf = ({ site, agent }: { site: string; agent: string }): string => `${site}/${agent}`;

  /**
   * An agent that has just started does not know yet what its devices are made of. A restart of the agent must not end
   * the faults on their parts, nor take the model and serial number of a device that is down from who has to repair it.
   */
  function withKnown(site: string, device: InventoryDevice): InventoryDevice {
    const before = device.unheard === true ? judge.live.device(site, device.id)?.device : undefined;
    if (before === undefined || before.driver !== device.driver || before.kind !== device.kind) return device;
    const { asset, profile, components, metrics } = before;
    return { ...device, asset, components, metrics, ...(profile !== undefined && { profile }) };
  }

  function save({ site, agent, devices }: AgentInventory): boolean {
    const key = keyOf({ site, agent });
    const own = devices.filter(({ id }) => agent === COLLECTOR_AGENT || !id.startsWith(AGENT_DEVICE_PREFIX));
    try {
      const refused = new Set(state.putInventory(site, agent, own, clock.now()).refused);
      unsaved.delete(key);
      deps.onWritten();
      for (const { id } of devices) if (!own.some((device) => device.id === id)) refused.add(id);
      if (refused.size > 0) claims.set(key, [...refused].slice(0, CLAIMS_SHOWN_MAX));
      else claims.delete(key);
      if (refused.size > 0) deps.onClaimRefused({ site, agent, devices: [...refused] });
      judge.setInventory(
        site,
        agent,
        own.filter(({ id }) => !refused.has(id)),
      );
      return true;
    } catch (thrown) {
      deps.onFailed(thrown);
      return false;
    }
  }

  function set(inventory: AgentInventory): boolean {
    unsaved.set(keyOf(inventory), inventory);
    return save(inventory);
  }

  return {
    set,
    take(message) {
      const decoded = decodeInventory(message.payload);
      if (!decoded.ok) {
        setAside(message, `${decoded.error.kind}: ${decoded.error.detail}`);
        return false;
      }
      const { revision, part, parts, devices } = decoded.value;
      if (part !== message.part || part >= parts) {
        setAside(message, `shape: part ${part} of ${parts} on the topic of part ${message.part}`);
        return false;
      }
      const key = keyOf(message);
      let had = incomplete.get(key);
      if (had?.revision !== revision || had.of !== parts) had = { revision, of: parts, parts: new Map() };
      incomplete.set(key, had);
      had.parts.set(part, devices);
      if (had.parts.size < parts) return false;
      incomplete.delete(key);
      revisions.set(key, revision);
      const all = [...had.parts].sort(([a], [b]) => a - b).flatMap(([, some]) => some);
      const subjects = all.reduce((sum, { components }) => sum + 1 + components.length, 0);
      const { site, agent } = message;
      if (subjects <= INVENTORY_SUBJECTS_MAX)
        return set({ site, agent, devices: all.map((one) => withKnown(site, one)) });
      setAside(message, `more than ${INVENTORY_SUBJECTS_MAX} devices and components`);
      return false;
    },
    saveWaiting: () => [...unsaved.values()].every(save),
    refusedClaims: (site, agent) => claims.get(keyOf({ site, agent })) ?? [],
    revision: (site, agent) => revisions.get(keyOf({ site, agent })) ?? null,
    forget(site, agent) {
      const key = keyOf({ site, agent });
      for (const map of [incomplete, unsaved, claims, revisions]) map.delete(key);
    },
  };
}
