/**
 * The demo store: models brought to life behind real sockets on loopback. What depends on a dead device is silent with
 * it, as behind a real switch, but keeps running and so comes back with its uptime and its own faults.
 */
import { err, ok, type Result } from "@aislewatch/base";
import { NORMAL, SILENT } from "./conduct.ts";
import { type DemoDevice, type DemoStoreOptions, openDevice, type Served } from "./demo-devices.ts";
import { type DemoError, unknownName } from "./demo-error.ts";
import type { ListenError } from "./free-port.ts";
import { DEAD } from "./models/model.ts";
import { DEMO_PLAN, DEMO_SITE } from "./store-plan.ts";
import { UsbTree } from "./usb-tree.ts";

export type DemoStatus = {
  readonly device: string;
  readonly faults: readonly string[];
  /** Silent because what it depends on is dead. */
  readonly unreachable: boolean;
};

export type DemoStore = {
  readonly site: typeof DEMO_SITE;
  readonly devices: readonly DemoDevice[];
  /** To be given to the next start, so that agents find the devices where they were. */
  readonly ports: Readonly<Record<string, number>>;
  fault(device: string, fault: string): Promise<Result<void, DemoError>>;
  /** `all` heals everything that is wrong with the device. */
  heal(device: string, fault: string): Promise<Result<void, DemoError>>;
  faults(device: string): Result<readonly string[], DemoError>;
  state(): readonly DemoStatus[];
  stop(): Promise<void>;
};

export const HEAL_ALL = "all";

/** Opens every device; when one can't listen, closes the others and says which. */
export async function startDemoStore(options: DemoStoreOptions): Promise<Result<DemoStore, ListenError>> {
  const served = new Map<string, Served>();
  const places = { buses: new Map(), usb: options.usbFolder === null ? null : new UsbTree(options.usbFolder) };
  for (const planned of DEMO_PLAN) {
    if (planned.model === "usb" && places.usb === null) continue;
    const started = await openDevice(planned, options, places);
    if (!started.ok) {
      await Promise.all([...served.values()].map((device) => device.stop()));
      return err({ kind: "listen", detail: `${planned.id}: ${started.error.detail}` });
    }
    served.set(planned.id, started.value);
  }
  return ok(storeOf(served));
}

function storeOf(served: ReadonlyMap<string, Served>): DemoStore {
  const find = (id: string): Result<Served, DemoError> => {
    const found = served.get(id);
    if (found !== undefined) return ok(found);
    const what = { code: "unknown_device", noun: "device", of: `The demo store ${DEMO_SITE.id}` } as const;
    return err(unknownName(what, id, [...served.keys()]));
  };
  const isDead = (id: string): boolean => served.get(id)?.life.activeFaults().includes(DEAD) ?? false;
  const isUnreachable = (device: Served): boolean =>
    device.info.dependsOn.some((id) => {
      const parent = served.get(id);
      return parent !== undefined && (isDead(id) || isUnreachable(parent));
    });
  // One at a time: a printer's socket must have closed before it opens again.
  let settling = Promise.resolve();
  const settle = (): Promise<void> => {
    settling = settling.then(async () => {
      for (const device of served.values()) {
        await device.setConduct(isDead(device.info.id) || isUnreachable(device) ? SILENT : NORMAL);
      }
    });
    return settling;
  };
  const known = (device: Served): readonly string[] => Object.keys(device.info.faults);
  const unknownFault = (device: Served, fault: string): DemoError =>
    unknownName({ code: "unknown_fault", noun: "fault", of: device.info.id }, fault, known(device));

  return {
    site: DEMO_SITE,
    devices: [...served.values()].map(({ info }) => info),
    ports: Object.fromEntries([...served].flatMap(([id, { port }]) => (port === null ? [] : [[id, port]]))),
    async fault(id, fault) {
      const device = find(id);
      if (!device.ok) return device;
      if (!known(device.value).includes(fault)) return err(unknownFault(device.value, fault));
      device.value.life.fault(fault);
      await settle();
      return ok(undefined);
    },
    async heal(id, fault) {
      const device = find(id);
      if (!device.ok) return device;
      const names = fault === HEAL_ALL ? [...device.value.life.activeFaults()] : [fault];
      for (const name of names) {
        if (!known(device.value).includes(name)) return err(unknownFault(device.value, name));
        device.value.life.heal(name);
      }
      await settle();
      return ok(undefined);
    },
    faults(id) {
      const device = find(id);
      return device.ok ? ok(device.value.life.activeFaults()) : device;
    },
    state: () =>
      [...served.values()].map((device) => ({
        device: device.info.id,
        faults: device.life.activeFaults(),
        unreachable: isUnreachable(device),
      })),
    async stop() {
      await Promise.all([...served.values()].map((device) => device.stop()));
    },
  };
}
