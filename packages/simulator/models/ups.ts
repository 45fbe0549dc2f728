/** A UPS with a network card that speaks the standard UPS-MIB (RFC 1628) and nothing else. */
import { counter32, gauge, integer, type MibEntry, oid, row, scalars, text, ticks } from "../oid-tree.ts";
import { clamp, type Random, wander } from "../random.ts";
import { type BaseState, DAY_MS, type Model } from "./model.ts";
import { systemGroup } from "./system-group.ts";

export type UpsFault = "mains-loss" | "battery-low" | "overload" | "battery-replace" | "dead";

export type UpsState = BaseState<UpsFault> & {
  readonly chargePercent: number;
  readonly onBatteryMs: number;
  readonly loadPercent: number;
  readonly inputVolts: number;
  readonly batteryCelsius: number;
  readonly lineBads: number;
};

export type UpsIdentity = {
  readonly name: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  readonly location: string;
};

/** A full battery carries a full load this long; half the load lasts twice as long. */
const RUNTIME_AT_FULL_LOAD_S = 280;
/** An empty battery is full again after 40 minutes. */
const RECHARGE_PERCENT_PER_S = 100 / 2_400;
/** A worn battery reaches this share of its runtime. */
const WORN_SHARE = 0.35;
const LOW_PERCENT = 18;
/** The battery is switched off before it is harmed. */
const FLOOR_PERCENT = 2;
const RATED_WATTS = 1_350;

const has = (state: UpsState, fault: UpsFault): boolean => state.faults.includes(fault);
const runtimeSeconds = (state: UpsState): number =>
  (RUNTIME_AT_FULL_LOAD_S * (state.chargePercent / 100) * (has(state, "battery-replace") ? WORN_SHARE : 1)) /
  Math.max(0.05, state.loadPercent / 100);

export function ups(identity: UpsIdentity): Model<UpsState, UpsFault> {
  return {
    kind: "ups",
    faults: {
      "mains-loss": "no mains: the battery carries the load and runs down",
      "battery-low": "the battery is down to 18 % and does not charge",
      overload: "the load rises above what the UPS can carry",
      "battery-replace": "the self-test failed: the battery is worn out",
      dead: "the management card does not answer",
    },
    start: (random) => ({
      uptimeMs: (30 + random() * 60) * DAY_MS,
      faults: [],
      chargePercent: 100,
      onBatteryMs: 0,
      loadPercent: 34,
      inputVolts: 231,
      batteryCelsius: 24,
      lineBads: Math.floor(random() * 4),
    }),
    live,
    strike: (state, fault) => {
      if (fault === "mains-loss") return { ...state, inputVolts: 0, onBatteryMs: 0, lineBads: state.lineBads + 1 };
      if (fault === "battery-low") return { ...state, chargePercent: Math.min(state.chargePercent, LOW_PERCENT) };
      if (fault === "overload") return { ...state, loadPercent: 112 };
      return state;
    },
    cure: (state, fault) => {
      if (fault === "mains-loss") return { ...state, inputVolts: 230, onBatteryMs: 0 };
      if (fault === "overload") return { ...state, loadPercent: 34 };
      return state;
    },
    mib: (state) => mib(identity, state),
  };
}

function live(state: UpsState, elapsedMs: number, random: Random): UpsState {
  const onBattery = has(state, "mains-loss");
  const seconds = elapsedMs / 1000;
  const drained = onBattery ? (state.chargePercent * seconds) / Math.max(1, runtimeSeconds(state)) : 0;
  const gained = onBattery || has(state, "battery-low") ? 0 : RECHARGE_PERCENT_PER_S * seconds;
  const load = has(state, "overload") ? 112 : 34;
  return {
    ...state,
    chargePercent: clamp(state.chargePercent - drained + gained, FLOOR_PERCENT, 100),
    onBatteryMs: onBattery ? state.onBatteryMs + elapsedMs : 0,
    loadPercent: wander(
      state.loadPercent,
      { home: load, settleSeconds: 30, noise: 0.6, min: 20, max: 125 },
      elapsedMs,
      random,
    ),
    inputVolts: onBattery
      ? 0
      : wander(state.inputVolts, { home: 231, settleSeconds: 60, noise: 0.5, min: 222, max: 239 }, elapsedMs, random),
    batteryCelsius: wander(
      state.batteryCelsius,
      { home: onBattery ? 33 : 24, settleSeconds: 300, noise: 0.05, min: 18, max: 40 },
      elapsedMs,
      random,
    ),
  };
}

const U = "1.3.6.1.2.1.33.1";
/** upsWellKnownAlarms (RFC 1628): batteryBad 1, onBattery 2, lowBattery 3, depletedBattery 4, inputBad 6, overload 8. */
const alarm = (n: number): string => `${U}.6.3.${n}`;

function batteryStatus(state: UpsState): number {
  if (state.chargePercent <= FLOOR_PERCENT) return 4;
  return state.chargePercent <= LOW_PERCENT ? 3 : 2;
}

function alarmsOf(state: UpsState): string[] {
  const status = batteryStatus(state);
  return [
    ...(has(state, "battery-replace") ? [alarm(1)] : []),
    ...(has(state, "mains-loss") ? [alarm(2), alarm(6)] : []),
    ...(status === 3 ? [alarm(3)] : []),
    ...(status === 4 ? [alarm(4)] : []),
    ...(has(state, "overload") ? [alarm(8)] : []),
  ];
}

function mib(identity: UpsIdentity, state: UpsState): MibEntry[] {
  const onBattery = has(state, "mains-loss");
  const alarms = alarmsOf(state);
  const outputVolts = onBattery ? 229 : state.inputVolts;
  const watts = (state.loadPercent / 100) * RATED_WATTS;
  return [
    ...systemGroup({
      description: `${identity.manufacturer} ${identity.model}, SNMP card 1.9.4, SN ${identity.serial}`,
      objectId: "1.3.6.1.2.1.33",
      uptimeMs: state.uptimeMs,
      name: identity.name,
      location: identity.location,
    }),
    ...scalars(`${U}.1`, {
      1: text(identity.manufacturer),
      2: text(identity.model),
      3: text("2.14"),
      4: text("SNMP card 1.9.4"),
      5: text(identity.serial),
      6: text("store server, switch, lanes 1-4"),
    }),
    ...scalars(`${U}.2`, {
      1: integer(batteryStatus(state)),
      2: integer(onBattery ? Math.max(1, Math.floor(state.onBatteryMs / 1000)) : 0),
      3: integer(Math.floor(runtimeSeconds(state) / 60)),
      4: integer(Math.floor(state.chargePercent)),
      // Tenths of a volt: a 36 V string that sags as it is drained.
      5: integer((33 + (state.chargePercent / 100) * (onBattery ? 6 : 8)) * 10),
      6: integer(onBattery ? watts / 3.6 : 0),
      7: integer(state.batteryCelsius),
    }),
    ...scalars(`${U}.3`, { 1: counter32(state.lineBads), 2: integer(1) }),
    ...row(`${U}.3.3.1`, 1, {
      2: integer(onBattery ? 0 : 500),
      3: integer(state.inputVolts),
      4: integer(onBattery ? 0 : (watts / 230) * 10),
      5: integer(onBattery ? 0 : watts),
    }),
    ...scalars(`${U}.4`, { 1: integer(onBattery ? 5 : 3), 2: integer(500), 3: integer(1) }),
    ...row(`${U}.4.4.1`, 1, {
      2: integer(outputVolts),
      3: integer((watts / Math.max(1, outputVolts)) * 10),
      4: integer(watts),
      5: integer(state.loadPercent),
    }),
    ...scalars(`${U}.6`, { 1: gauge(alarms.length) }),
    ...alarms.flatMap((descr, at) => row(`${U}.6.2.1`, at + 1, { 2: oid(descr), 3: ticks(state.uptimeMs) })),
    ...scalars(`${U}.7`, { 3: integer(has(state, "battery-replace") ? 3 : 1) }),
    ...scalars(`${U}.9`, { 1: integer(230), 2: integer(500), 3: integer(230), 4: integer(500), 7: integer(3) }),
  ];
}
