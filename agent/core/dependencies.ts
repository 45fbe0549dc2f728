/**
 * What stands behind what, as switches tell it. A switch knows by LLDP which neighbour is at a port, and by its
 * forwarding table which hardware addresses it has seen through a port; devices say their own hardware addresses, and
 * routers and hosts those of others (ARP). From these: the switch port that a device is behind, and which switch
 * carries which.
 */
import type { Kind } from "@aislewatch/devices";

/** A device as it was found. Hardware addresses are twelve lower-case hex digits. */
export type Seen = {
  readonly id: string;
  readonly address: string;
  readonly kind: Kind;
  readonly sysName: string;
  readonly macs: readonly string[];
  /** Neighbours by the port that they are at, as the port is called. */
  readonly neighbours: readonly {
    readonly port: string;
    readonly mac: string | null;
    readonly sysName: string;
    readonly address: string | null;
  }[];
  readonly forwarding: readonly { readonly port: string; readonly mac: string }[];
  readonly arp: readonly { readonly address: string; readonly mac: string }[];
};

export type Behind = { readonly on: string; readonly port: string };

const CARRIERS: readonly Kind[] = ["network_switch", "router", "access_point"];

/** For each device that is behind a switch: which, and at which port. `ownMacs` are those of the host that asks. */
export function dependenciesOf(devices: readonly Seen[], ownMacs: readonly string[]): ReadonlyMap<string, Behind> {
  const world = new World(devices, ownMacs);
  const behind = new Map<string, Behind>();
  for (const [id, found] of world.betweenSwitches()) behind.set(id, found);
  for (const device of devices) {
    if (behind.has(device.id) || world.carriers.includes(device)) continue;
    const found = world.neighbourPort(device) ?? world.forwardingPort(device);
    if (found !== null) behind.set(device.id, found);
  }
  return behind;
}

class World {
  readonly carriers: readonly Seen[];
  readonly #devices: readonly Seen[];
  readonly #ownMacs: ReadonlySet<string>;
  readonly #macs: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(devices: readonly Seen[], ownMacs: readonly string[]) {
    this.#devices = devices;
    this.#ownMacs = new Set(ownMacs);
    this.carriers = devices.filter(
      ({ kind, neighbours, forwarding }) => CARRIERS.includes(kind) && neighbours.length + forwarding.length > 0,
    );
    this.#macs = new Map(devices.map((device) => [device.id, macsOf(device, devices)]));
  }

  /** The device that a neighbour is. A name that two devices have says nothing. */
  #device({ mac, sysName, address }: Seen["neighbours"][number]): Seen | null {
    const byMac = this.#devices.filter(({ id }) => mac !== null && this.#macs.get(id)?.has(mac));
    if (byMac.length === 1) return byMac[0] ?? null;
    const byAddress = this.#devices.filter((device) => address !== null && device.address === address);
    if (byAddress.length === 1) return byAddress[0] ?? null;
    const byName = this.#devices.filter((device) => sysName !== "" && device.sysName === sysName);
    return byName.length === 1 ? (byName[0] ?? null) : null;
  }

  /**
   * Switches are a tree from the one nearest to us: the one that sees us at the port with the fewest other addresses.
   * Without such a one it begins at a router, or at the switch with the most switches around it.
   */
  betweenSwitches(): ReadonlyMap<string, Behind> {
    const behind = new Map<string, Behind>();
    const reached = new Set<string>();
    for (const root of this.#roots()) {
      if (reached.has(root.id)) continue;
      reached.add(root.id);
      const queue = [root];
      for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
        for (const { to, port } of this.#links(at)) {
          if (reached.has(to.id)) continue;
          reached.add(to.id);
          behind.set(to.id, { on: at.id, port });
          queue.push(to);
        }
      }
    }
    return behind;
  }

  #roots(): Seen[] {
    const ours = this.carriers
      .map((carrier) => ({ carrier, crowd: this.#crowd(carrier, this.#ownPort(carrier)) }))
      .filter(({ crowd }) => crowd !== null)
      .sort((a, b) => (a.crowd ?? 0) - (b.crowd ?? 0))
      .slice(0, 1)
      .map(({ carrier }) => carrier);
    const rest = [...this.carriers].sort(
      (a, b) =>
        Number(b.kind === "router") - Number(a.kind === "router") ||
        this.#links(b).length - this.#links(a).length ||
        (a.id < b.id ? -1 : 1),
    );
    return [...ours, ...rest];
  }

  /** Carriers next to a carrier. Either end may be the one that says so; its port is known where it does itself. */
  #links(carrier: Seen): { to: Seen; port: string }[] {
    const told = carrier.neighbours.flatMap((neighbour) => {
      const to = this.#device(neighbour);
      return to === null || to === carrier || !CARRIERS.includes(to.kind) ? [] : [{ to, port: neighbour.port }];
    });
    const heard = this.carriers.filter(
      (other) => other !== carrier && other.neighbours.some((neighbour) => this.#device(neighbour) === carrier),
    );
    return [...told, ...heard.filter((to) => !told.some((link) => link.to === to)).map((to) => ({ to, port: "" }))];
  }

  neighbourPort(device: Seen): Behind | null {
    for (const carrier of this.carriers) {
      const neighbour = carrier.neighbours.find((one) => this.#device(one) === device);
      if (neighbour !== undefined) return { on: carrier.id, port: neighbour.port };
    }
    return null;
  }

  /** The port with the fewest addresses behind it: every switch on the way has seen the device, the last one alone. */
  forwardingPort(device: Seen): Behind | null {
    const macs = this.#macs.get(device.id) ?? new Set();
    const candidates = this.carriers.flatMap((carrier) => {
      const port = carrier.forwarding.find(({ mac }) => macs.has(mac))?.port;
      if (port === undefined || port === this.#ownPort(carrier) || this.#leadsOn(carrier, port)) return [];
      return [{ on: carrier.id, port, crowd: this.#crowd(carrier, port) ?? 0 }];
    });
    const nearest = candidates.sort((a, b) => a.crowd - b.crowd || (a.on < b.on ? -1 : 1))[0];
    return nearest === undefined ? null : { on: nearest.on, port: nearest.port };
  }

  /** The port through which a switch sees the host that asks: what is there as well is on our side of the switch. */
  #ownPort(carrier: Seen): string | null {
    return carrier.forwarding.find(({ mac }) => this.#ownMacs.has(mac))?.port ?? null;
  }

  /** Is another switch at this port, so that it is no port of a device? */
  #leadsOn(carrier: Seen, port: string): boolean {
    return this.#links(carrier).some((link) => link.port === port && link.to.forwarding.length > 0);
  }

  #crowd(carrier: Seen, port: string | null): number | null {
    return port === null
      ? null
      : new Set(carrier.forwarding.filter((one) => one.port === port).map(({ mac }) => mac)).size;
  }
}

/** A device's own hardware addresses, and those that others know for its address. */
function macsOf(device: Seen, devices: readonly Seen[]): ReadonlySet<string> {
  const heard = devices.flatMap(({ arp }) => arp.filter(({ address }) => address === device.address));
  const macs = [...device.macs, ...heard.map(({ mac }) => mac)];
  return new Set(macs.filter((mac) => !/^0*$|^f*$/.test(mac)));
}
