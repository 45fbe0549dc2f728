/**
 * The demo store: models brought to life behind real SNMP and ZPL sockets on loopback. What depends on a dead device is
 * silent with it, as behind a real switch, but keeps running and so comes back with its uptime and its own faults.
 */
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import type { Kind } from "@aislewatch/devices";
import { startTcpDevice } from "./byte-device.ts";
import { type Conduct, NORMAL, SILENT } from "./conduct.ts";
import { type DemoError, unknownName } from "./demo-error.ts";
import type { ListenError } from "./free-port.ts";
import { bringToLife, type LiveDevice } from "./live-device.ts";
import { labelPrinter } from "./models/label-printer.ts";
import { DEAD } from "./models/model.ts";
import { networkSwitch } from "./models/network-switch.ts";
import { officePrinter } from "./models/office-printer.ts";
import { posTerminal } from "./models/pos-terminal.ts";
import { ups } from "./models/ups.ts";
import type { Random } from "./random.ts";
import { type SnmpV3User, startSnmpDevice } from "./snmp-device.ts";
import { DEMO_PLAN, DEMO_SITE, LOOSE_PORT, type Planned, SWITCH_PORTS } from "./store-plan.ts";
import { zplDialogue } from "./zpl-device.ts";

export type DemoDevice = {
  readonly id: string;
  readonly kind: Kind;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly dependsOn: readonly string[];
  readonly driver: "snmp" | "zpl";
  /** The driver's own keys of agent.yaml. */
  readonly agentConfig: Readonly<Record<string, unknown>>;
  /** What can be done to it, with its meaning. */
  readonly faults: Readonly<Record<string, string>>;
};

export type DemoStatus = {
  readonly device: string;
  readonly faults: readonly string[];
  /** Silent because what it depends on is dead. */
  readonly unreachable: boolean;
};

/** SNMPv3 credentials, and how agent.yaml names the two secrets. */
export type DemoCredentials = {
  readonly authPassword: string;
  readonly privPassword: string;
  readonly authPasswordRef: string;
  readonly privPasswordRef: string;
};

export type DemoStoreOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly credentials: DemoCredentials;
  /** Ports of an earlier run by device id; a new or taken one is replaced by a free one. */
  readonly ports?: Readonly<Record<string, number>>;
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

const LOOPBACK = "127.0.0.1";
/** What the SNMP driver takes where agent.yaml names none. */
const COMMUNITY = "public";
export const DEMO_V3_USER = "aislewatch";
export const HEAL_ALL = "all";

type Served = {
  readonly info: DemoDevice;
  readonly life: LiveDevice;
  readonly port: number;
  setConduct(conduct: Conduct): Promise<void> | void;
  stop(): Promise<void>;
};

/** Opens every device; when one can't listen, closes the others and says which. */
export async function startDemoStore(options: DemoStoreOptions): Promise<Result<DemoStore, ListenError>> {
  const served = new Map<string, Served>();
  for (const planned of DEMO_PLAN) {
    const started = await open(planned, options);
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
    ports: Object.fromEntries([...served].map(([id, { port }]) => [id, port])),
    async fault(id, fault) {
      const device = find(id);
      if (!device.ok) return device;
      if (!device.value.life.fault(fault)) return err(unknownFault(device.value, fault));
      await settle();
      return ok(undefined);
    },
    async heal(id, fault) {
      const device = find(id);
      if (!device.ok) return device;
      const names = fault === HEAL_ALL ? [...device.value.life.activeFaults()] : [fault];
      for (const name of names) {
        if (!device.value.life.heal(name)) return err(unknownFault(device.value, name));
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

async function open(planned: Planned, options: DemoStoreOptions): Promise<Result<Served, ListenError>> {
  return planned.model === "label" && planned.line === "zpl" ? openZpl(planned, options) : openSnmp(planned, options);
}

async function openZpl(
  planned: Planned & { readonly model: "label" },
  options: DemoStoreOptions,
): Promise<Result<Served, ListenError>> {
  const { clock, random } = options;
  const life = bringToLife(labelPrinter(planned.identity), clock, random);
  const port = options.ports?.[planned.id] ?? 0;
  const started = await startTcpDevice({
    dialogue: zplDialogue({ identity: planned.identity, device: life }),
    clock,
    random,
    address: LOOPBACK,
    port,
  });
  if (!started.ok) return started;
  const { line, setConduct, stop } = started.value;
  const info = describe(planned, life, "zpl", { line: { tcp: `${LOOPBACK}:${line}` } });
  return ok({ info, life, port: Number(line), setConduct, stop });
}

async function openSnmp(planned: Planned, options: DemoStoreOptions): Promise<Result<Served, ListenError>> {
  const { clock, random, credentials } = options;
  const life = liveModel(planned, options);
  const secure = planned.model === "pos" && planned.version === "3";
  const user: SnmpV3User = {
    name: DEMO_V3_USER,
    authProtocol: "sha256",
    authPassword: credentials.authPassword,
    privProtocol: "aes",
    privPassword: credentials.privPassword,
  };
  const started = await startSnmpDevice({
    address: LOOPBACK,
    port: options.ports?.[planned.id] ?? 0,
    community: secure ? null : COMMUNITY,
    users: secure ? [user] : [],
    engineId: engineIdOf(planned.id),
    view: () => life.tree(),
    clock,
    random,
  });
  if (!started.ok) return started;
  const { port, setConduct, stop } = started.value;
  const address = `${LOOPBACK}:${port}`;
  const info = describe(planned, life, "snmp", {
    address,
    ...(secure ? v3Config(credentials) : { version: "2c" }),
  });
  return ok({ info, life, port, setConduct, stop });
}

const v3Config = ({ authPasswordRef, privPasswordRef }: DemoCredentials): Readonly<Record<string, unknown>> => ({
  version: "3",
  user: {
    name: DEMO_V3_USER,
    auth: { protocol: "sha256", password: authPasswordRef },
    privacy: { protocol: "aes", password: privPasswordRef },
  },
});

/** RFC 3411 SnmpEngineID: enterprise 47491 (net-snmp for Node), format 4 (text), then at most 27 octets of a name. */
const engineIdOf = (id: string): Buffer =>
  Buffer.concat([Buffer.from("8000b98304", "hex"), Buffer.from(`${DEMO_SITE.id}/${id}`).subarray(-27)]);

function describe(
  planned: Planned,
  life: LiveDevice,
  driver: DemoDevice["driver"],
  agentConfig: DemoDevice["agentConfig"],
): DemoDevice {
  const { id, name, labels, dependsOn } = planned;
  return { id, kind: life.kind, name, labels, dependsOn, driver, agentConfig, faults: life.faults };
}

function liveModel(planned: Planned, { clock, random }: DemoStoreOptions): LiveDevice {
  const location = `${DEMO_SITE.name}, ${planned.labels["zone"] ?? ""}`;
  const name = planned.id.replace("/", "-");
  switch (planned.model) {
    case "switch": {
      const { serial } = planned;
      const identity = { name, location, serial, model: "CBS250-24T-4G", firmware: "3.4.0.17" };
      return bringToLife(networkSwitch({ ...identity, plugged: SWITCH_PORTS, loosePort: LOOSE_PORT }), clock, random);
    }
    case "pos":
      return bringToLife(posTerminal({ name, location, serial: planned.serial, os: planned.os }), clock, random);
    case "label":
      return bringToLife(labelPrinter(planned.identity), clock, random);
    case "office":
      return bringToLife(
        officePrinter({ name, location, serial: planned.serial, model: "HP Color LaserJet M480" }),
        clock,
        random,
      );
    case "ups":
      return bringToLife(ups(planned.identity), clock, random);
  }
}
