/** A 24-port access switch: IF-MIB with 64-bit counters, ENTITY-MIB identity, a temperature, processor load. */
import {
  counter32,
  counter64,
  gauge,
  integer,
  type MibEntry,
  octets,
  oid,
  row,
  scalars,
  text,
  ticks,
} from "../oid-tree.ts";
import { type Random, wander } from "../random.ts";
import { type BaseState, DAY_MS, type Model } from "./model.ts";
import { systemGroup } from "./system-group.ts";

export type SwitchFault = "port-down" | "dead";

type Port = {
  /** What is plugged in; an empty port is switched off by configuration, as a tidy network has it. */
  readonly alias: string | null;
  readonly inBytes: number;
  readonly outBytes: number;
  /** How busy this port usually is. */
  readonly bytesPerSecond: number;
};

export type SwitchState = BaseState<SwitchFault> & {
  readonly ports: readonly Port[];
  readonly celsius: number;
  readonly cpuPercent: number;
  /** sysUpTime at which the loose port last changed. */
  readonly looseChangedMs: number;
};

export type SwitchIdentity = {
  readonly name: string;
  readonly model: string;
  readonly serial: string;
  readonly firmware: string;
  readonly location: string;
  /** Port number (from 1) to what is plugged in. */
  readonly plugged: Readonly<Record<number, string>>;
  /** The port that `port-down` unplugs. */
  readonly loosePort: number;
};

const PORTS = 24;
/** ifIndex does not start at 1: managers key ports by name. */
const IF_INDEX_BASE = 10_100;
const MEAN_FRAME_BYTES = 420;
const SPEED_MBIT = 1_000;

export function networkSwitch(identity: SwitchIdentity): Model<SwitchState, SwitchFault> {
  return {
    kind: "network_switch",
    faults: {
      "port-down": `the cable in ${portName(identity.loosePort)} is loose`,
      dead: "no power: nothing behind it is reachable either",
    },
    start: (random) => ({
      uptimeMs: (40 + random() * 100) * DAY_MS,
      faults: [],
      ports: Array.from({ length: PORTS }, (_, at) => {
        const alias = identity.plugged[at + 1] ?? null;
        const bytesPerSecond = alias === null ? 0 : 400 + random() * 60_000;
        return { alias, inBytes: Math.floor(random() * 6e10), outBytes: Math.floor(random() * 9e10), bytesPerSecond };
      }),
      celsius: 41,
      cpuPercent: 9,
      looseChangedMs: 0,
    }),
    live: (state, elapsedMs, random) => live(identity, state, elapsedMs, random),
    strike: (state, fault) => (fault === "port-down" ? { ...state, looseChangedMs: state.uptimeMs } : state),
    cure: (state, fault) => (fault === "dead" ? powerCycled(state) : { ...state, looseChangedMs: state.uptimeMs }),
    mib: (state) => mib(identity, state),
  };
}

/** Counters live in the switch's memory: a power cycle starts them from zero. */
const powerCycled = (state: SwitchState): SwitchState => ({
  ...state,
  looseChangedMs: 0,
  ports: state.ports.map((port) => ({ ...port, inBytes: 0, outBytes: 0 })),
});

const portName = (number: number): string => `Gi0/${number}`;
const isUp = (identity: SwitchIdentity, state: SwitchState, number: number): boolean =>
  state.ports[number - 1]?.alias !== null && !(state.faults.includes("port-down") && number === identity.loosePort);

function live(identity: SwitchIdentity, state: SwitchState, elapsedMs: number, random: Random): SwitchState {
  const ports = state.ports.map((port, at) => {
    if (!isUp(identity, state, at + 1)) return port;
    const bytes = (port.bytesPerSecond * elapsedMs) / 1000;
    return {
      ...port,
      inBytes: port.inBytes + Math.floor(bytes * (0.5 + random())),
      outBytes: port.outBytes + Math.floor(bytes * (1 + random() * 2)),
    };
  });
  return {
    ...state,
    ports,
    celsius: wander(state.celsius, { home: 41, settleSeconds: 300, noise: 0.08, min: 30, max: 55 }, elapsedMs, random),
    cpuPercent: wander(
      state.cpuPercent,
      { home: 9, settleSeconds: 20, noise: 1.5, min: 1, max: 60 },
      elapsedMs,
      random,
    ),
  };
}

const IF = "1.3.6.1.2.1.2.2.1";
const IFX = "1.3.6.1.2.1.31.1.1.1";
const DOT3 = "1.3.6.1.2.1.10.7.2.1";
const ENTITY = "1.3.6.1.2.1.47.1.1.1.1";
const SENSOR = "1.3.6.1.2.1.99.1.1.1";

function mib(identity: SwitchIdentity, state: SwitchState): MibEntry[] {
  return [
    ...systemGroup({
      description: `${identity.model} 24-Port Gigabit Smart Switch, Version ${identity.firmware}`,
      objectId: "1.3.6.1.4.1.9.6.1.1004.24.1",
      uptimeMs: state.uptimeMs,
      name: identity.name,
      location: identity.location,
    }),
    { oid: "1.3.6.1.2.1.2.1.0", value: integer(PORTS) },
    ...state.ports.flatMap((port, at) => portRows(identity, state, port, at + 1)),
    // The chassis (class 3) and its temperature sensor (class 8).
    ...row(ENTITY, 1, {
      2: text(`${identity.model} chassis`),
      5: integer(3),
      7: text("chassis"),
      9: text(identity.firmware),
      10: text(identity.firmware),
      11: text(identity.serial),
      12: text("Cisco"),
      13: text(identity.model),
    }),
    ...row(ENTITY, 2, { 2: text("Temperature sensor"), 5: integer(8), 7: text("chassis temperature"), 11: text("") }),
    // Type 8 is degrees Celsius, scale 9 is units, precision 0; status 1 is ok.
    ...row(SENSOR, 2, { 1: integer(8), 2: integer(9), 3: integer(0), 4: integer(state.celsius), 5: integer(1) }),
    ...row("1.3.6.1.2.1.25.3.2.1", 1, {
      1: integer(1),
      2: oid("1.3.6.1.2.1.25.3.1.3"),
      3: text("ARMv7 switch processor"),
      4: oid("0.0"),
      5: integer(2),
      6: counter32(0),
    }),
    { oid: "1.3.6.1.2.1.25.3.3.1.2.1", value: integer(state.cpuPercent) },
    // Cisco Business switches give the same in their own tree, over one minute and five.
    ...scalars("1.3.6.1.4.1.9.6.1.101.1", { 8: integer(state.cpuPercent), 9: integer(state.cpuPercent) }),
  ];
}

function portRows(identity: SwitchIdentity, state: SwitchState, port: Port, number: number): MibEntry[] {
  const index = IF_INDEX_BASE + number;
  const up = isUp(identity, state, number);
  const speedMbit = up ? SPEED_MBIT : 0;
  return [
    ...row(IF, index, {
      1: integer(index),
      2: text(`GigabitEthernet0/${number}`),
      3: integer(6),
      4: integer(1_500),
      5: gauge(speedMbit * 1e6),
      // A locally administered address: nobody's product.
      6: octets(0x02, 0x00, 0x5e, 0x10, 0x42, number),
      7: integer(port.alias === null ? 2 : 1),
      8: integer(up ? 1 : 2),
      9: ticks(number === identity.loosePort ? state.looseChangedMs : 0),
      10: counter32(port.inBytes),
      11: counter32(port.inBytes / MEAN_FRAME_BYTES),
      13: counter32(0),
      14: counter32(0),
      16: counter32(port.outBytes),
      17: counter32(port.outBytes / MEAN_FRAME_BYTES),
      19: counter32(0),
      20: counter32(0),
    }),
    ...row(IFX, index, {
      1: text(portName(number)),
      2: counter32(0),
      3: counter32(port.inBytes / 90_000),
      6: counter64(port.inBytes),
      7: counter64(port.inBytes / MEAN_FRAME_BYTES),
      10: counter64(port.outBytes),
      11: counter64(port.outBytes / MEAN_FRAME_BYTES),
      15: gauge(speedMbit),
      18: text(port.alias ?? ""),
    }),
    // Full duplex (3); unknown (1) without a link.
    ...row(DOT3, index, { 3: counter32(0), 8: counter32(0), 19: integer(up ? 3 : 1) }),
  ];
}
