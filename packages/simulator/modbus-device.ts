/**
 * Modbus units on one bus: RTU on a serial port or a raw TCP port, or Modbus TCP. Each unit serves the reads 1 to 4,
 * "report server ID" (17) and "read device identification" (43/14) out of its present state. What would write is
 * answered with "illegal function" and counted, so that a test can say that nothing tried.
 */
import type { ModbusTable } from "@aislewatch/devices";
import type { Dialogue } from "./byte-device.ts";
import type { LiveDevice } from "./live-device.ts";
import {
  type ConveyorState,
  faultWord,
  isDischargeBlocked,
  isEmergencyStop,
  isGuardOpen,
  isZoneCommanded,
  isZoneRunning,
} from "./models/conveyor-zone.ts";
import {
  currentAmperes,
  type DriveIdentity,
  type DriveState,
  isCommanded,
  isOverloaded,
  isTripped,
  RATED_WATTS,
} from "./models/drive.ts";
import type { Random } from "./random.ts";

/** A register's or bit's value; undefined where the device has none. */
export type ModbusRegisters = (table: ModbusTable, address: number) => number | undefined;

/** `noise` damages most replies, `refuse` answers with "device failure", `mute` says nothing. */
export type ModbusMood = "well" | "noise" | "refuse" | "mute";

export type ModbusUnit = {
  registers(): ModbusRegisters;
  mood(): ModbusMood;
  /** Vendor, product code, revision, for 17 and 43/14; null: those are illegal functions to it. */
  readonly identity: readonly [vendor: string, product: string, revision: string] | null;
};

export type ModbusBus = {
  readonly units: ReadonlyMap<number, ModbusUnit>;
  readonly framing: "rtu" | "tcp";
  readonly random: Random;
  /** A two-wire adapter hears what it sends. */
  readonly echoes?: boolean;
  /** Called with the function code of whatever is no read. */
  readonly onWrite?: (code: number) => void;
};

const TABLES: Readonly<Record<number, ModbusTable>> = { 1: "coil", 2: "discrete", 3: "holding", 4: "input" };
const BITS_MAX = 2_000;
const REGISTERS_MAX = 125;
const REPORT_SERVER_ID = 17;
const DEVICE_ID = 43;
const [ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE] = [1, 2, 3, 4] as const;
/** Of a bad cable: some replies get through. */
const NOISE_SHARE = 0.7;
/** More than a frame waits for its rest; older bytes are no request any more. */
const WAITING_BYTES_MAX = 512;

export const modbusDialogue = (bus: ModbusBus) => (): Dialogue => {
  let waiting: number[] = [];
  return {
    take(bytes) {
      const echo = bus.echoes === true ? [text([...bytes])] : [];
      waiting = [...waiting, ...bytes].slice(-WAITING_BYTES_MAX);
      const replies: string[] = [];
      for (let request = next(bus, waiting); request !== null; request = next(bus, waiting)) {
        waiting = waiting.slice(request.end);
        const reply = answer(bus, request);
        if (reply !== null) replies.push(reply);
      }
      return [...echo, ...replies];
    },
  };
};

type AskedFrame = {
  readonly unit: number;
  readonly pdu: readonly number[];
  readonly head: readonly number[];
  readonly end: number;
};

/** The first whole request, wherever it begins. */
function next({ framing }: ModbusBus, bytes: readonly number[]): AskedFrame | null {
  for (let at = 0; at < bytes.length; at++) {
    const found = framing === "tcp" ? tcpRequest(bytes, at) : rtuRequest(bytes, at);
    if (found !== null) return found;
  }
  return null;
}

function rtuRequest(bytes: readonly number[], at: number): AskedFrame | null {
  const [unit = 0, code = 0] = bytes.slice(at);
  const length =
    code === REPORT_SERVER_ID ? 4 : code === DEVICE_ID ? 7 : isMultiple(code) ? 9 + (bytes[at + 6] ?? 0) : 8;
  const frame = bytes.slice(at, at + length);
  if (frame.length < length || checksum(frame.slice(0, -2)) !== word(frame, length - 2, "low_first")) return null;
  return { unit, pdu: frame.slice(1, -2), head: [], end: at + length };
}

const isMultiple = (code: number): boolean => code === 15 || code === 16;

function tcpRequest(bytes: readonly number[], at: number): AskedFrame | null {
  const length = word(bytes, at + 4);
  const whole = word(bytes, at + 2) === 0 && length >= 2 && length <= 254 && at + 6 + length <= bytes.length;
  if (!whole) return null;
  const end = at + 6 + length;
  return { unit: bytes[at + 6] ?? 0, pdu: bytes.slice(at + 7, end), head: bytes.slice(at, at + 4), end };
}

const word = (bytes: readonly number[], at: number, order: "high_first" | "low_first" = "high_first"): number =>
  order === "high_first"
    ? ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
    : ((bytes[at + 1] ?? 0) << 8) | (bytes[at] ?? 0);

const split = (value: number): [number, number] => [(value >> 8) & 0xff, value & 0xff];
const text = (bytes: readonly number[]): string => String.fromCharCode(...bytes);

function answer(bus: ModbusBus, { unit: id, pdu, head }: AskedFrame): string | null {
  const unit = bus.units.get(id);
  const mood = unit?.mood() ?? "mute";
  if (unit === undefined || mood === "mute") return null;
  const [code = 0] = pdu;
  const said = mood === "refuse" ? exception(code, DEVICE_FAILURE) : serve(unit, pdu, bus);
  const frame = bus.framing === "tcp" ? [...head, ...split(said.length + 1), id, ...said] : withChecksum([id, ...said]);
  return text(mood === "noise" && bus.random() < NOISE_SHARE ? damaged(frame, bus.random) : frame);
}

const exception = (code: number, why: number): number[] => [code | 0x80, why];

/** Never the same byte: a flipped bit is always a wrong one. */
function damaged(frame: readonly number[], random: Random): number[] {
  const at = Math.floor(random() * frame.length);
  return frame.map((byte, i) => (i === at ? byte ^ (1 << Math.floor(random() * 8)) : byte));
}

function serve(unit: ModbusUnit, pdu: readonly number[], { onWrite }: ModbusBus): number[] {
  const [code = 0] = pdu;
  const table = TABLES[code];
  if (table !== undefined) return read(unit.registers(), { code, table, address: word(pdu, 1), count: word(pdu, 3) });
  if (code === REPORT_SERVER_ID && unit.identity !== null) return serverId(unit.identity);
  if (code === DEVICE_ID && unit.identity !== null && pdu[1] === 14) return deviceId(unit.identity);
  if (code !== REPORT_SERVER_ID && code !== DEVICE_ID) onWrite?.(code);
  return exception(code, ILLEGAL_FUNCTION);
}

type Read = { readonly code: number; readonly table: ModbusTable; readonly address: number; readonly count: number };

function read(registers: ModbusRegisters, { code, table, address, count }: Read): number[] {
  const isBit = table === "coil" || table === "discrete";
  if (count < 1 || count > (isBit ? BITS_MAX : REGISTERS_MAX)) return exception(code, ILLEGAL_VALUE);
  const values = Array.from({ length: count }, (_, i) => registers(table, address + i));
  if (values.some((value) => value === undefined)) return exception(code, ILLEGAL_ADDRESS);
  const octets = isBit ? packed(values) : values.flatMap((value) => split(value ?? 0));
  return [code, octets.length, ...octets];
}

const packed = (bits: readonly (number | undefined)[]): number[] =>
  Array.from({ length: Math.ceil(bits.length / 8) }, (_, octet) =>
    bits.slice(8 * octet, 8 * octet + 8).reduce<number>((sum, bit, i) => sum | ((bit ?? 0) << i), 0),
  );

const octetsOf = (words: string): number[] => [...Buffer.from(words, "latin1")];

function serverId([vendor, product, revision]: readonly string[]): number[] {
  // A server ID of one octet, the run indicator, then a name.
  const data = [1, 0xff, ...octetsOf(`${vendor} ${product} ${revision}`)];
  return [REPORT_SERVER_ID, data.length, ...data];
}

function deviceId(identity: readonly string[]): number[] {
  const objects = identity.flatMap((object, i) => [i, object.length, ...octetsOf(object)]);
  return [DEVICE_ID, 14, 1, 1, 0, 0, identity.length, ...objects];
}

const withChecksum = (body: readonly number[]): number[] => {
  const [high, low] = split(checksum(body));
  return [...body, low, high];
};

/** CRC-16 as V1.02 of the serial line guide has it, by a table; the agent's is by shifting. */
const CRC_TABLE = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  return crc;
});
const checksum = (bytes: readonly number[]): number =>
  bytes.reduce((crc, byte) => (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0), 0xffff);

const bitOf = (is: boolean): number => (is ? 1 : 0);
const wordOf = (value: number): number => Math.round(value) & 0xffff;
const table =
  (entries: Readonly<Record<string, number>>): ModbusRegisters =>
  (of, address) =>
    entries[`${of}:${address}`];

/** A drive's registers in the layout of the map `siemens-v20`: the first hundred and twelve, most of them zero. */
export function driveRegisters(state: DriveState): ModbusRegisters {
  const status =
    bitOf(!isTripped(state)) |
    (bitOf(isCommanded(state) && !isTripped(state)) << 2) |
    (bitOf(isTripped(state)) << 3) |
    (bitOf(isOverloaded(state)) << 7) |
    (bitOf(isCommanded(state)) << 9) |
    (bitOf(!isOverloaded(state)) << 11) |
    (1 << 13) |
    (1 << 15);
  const known: Readonly<Record<number, number>> = {
    23: wordOf(50 * state.speedPercent),
    24: wordOf(14.4 * state.speedPercent),
    25: wordOf(100 * currentAmperes(state)),
    26: wordOf(10 * state.loadPercent),
    27: wordOf((RATED_WATTS * state.loadPercent) / 100 / 10),
    29: 560,
    53: state.faultNumber,
    109: wordOf(status),
    110: wordOf((16_384 * state.speedPercent) / 100),
  };
  return (of, address) => (of === "holding" && address < 112 ? (known[address] ?? 0) : undefined);
}

/** A zone's registers in the layout of the map `conveyor-zone`. */
export function conveyorRegisters(state: ConveyorState): ModbusRegisters {
  const items = state.items >>> 0;
  const hours = Math.floor(state.runHours);
  const running = isZoneRunning(state);
  return table({
    "coil:0": bitOf(isZoneCommanded(state)),
    "discrete:0": bitOf(running),
    "discrete:1": 0,
    "discrete:2": bitOf(isDischargeBlocked(state)),
    "discrete:3": bitOf(!isEmergencyStop(state)),
    "discrete:4": bitOf(!isGuardOpen(state)),
    "input:0": faultWord(state),
    "input:1": running ? 1_000 : 0,
    "input:2": wordOf(10 * state.currentAmperes),
    "input:3": items >>> 16,
    "input:4": items & 0xffff,
    "input:9": hours >>> 16,
    "input:10": hours & 0xffff,
  });
}

const moodOf = (faults: readonly string[]): ModbusMood =>
  faults.includes("dead")
    ? "mute"
    : faults.includes("noise")
      ? "noise"
      : faults.includes("refusing")
        ? "refuse"
        : "well";

export const driveUnit = (device: LiveDevice<DriveState>, { vendor, model, firmware }: DriveIdentity): ModbusUnit => ({
  registers: () => driveRegisters(device.state()),
  mood: () => moodOf(device.activeFaults()),
  identity: [vendor, model, firmware],
});

export const conveyorUnit = (device: LiveDevice<ConveyorState>): ModbusUnit => ({
  registers: () => conveyorRegisters(device.state()),
  mood: () => moodOf(device.activeFaults()),
  identity: null,
});
