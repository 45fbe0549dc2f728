/** What a device's registers mean by its map: samples and the asset. Pure and total; what was not read is absent. */
import type { ModbusTable, Register, RegisterMap } from "./modbus-map.ts";
import { bitKey, componentKey, objectKey, SERVER_ID_KEY, valueKey } from "./modbus-map-file.ts";
import { type Evaluation, evaluateProfile } from "./profile-evaluate.ts";
import { octetsValue, type SnmpValue } from "./snmp-reply.ts";

/** What was read: registers (0 to 65535) and bits (0 or 1) by table and address on the wire. */
export class RegisterImage {
  readonly #values = new Map<string, number>();

  set(table: ModbusTable, address: number, values: readonly number[]): void {
    values.forEach((value, i) => void this.#values.set(`${table}:${address + i}`, value));
  }

  /** All or nothing: null when one of them was not read. */
  get(table: ModbusTable, address: number, length: number): readonly number[] | null {
    const found: number[] = [];
    for (let i = 0; i < length; i++) {
      const value = this.#values.get(`${table}:${address + i}`);
      if (value === undefined) return null;
      found.push(value);
    }
    return found;
  }
}

/** What the device says of itself: objects of function 43/14 by number, and the text of function 17. */
export type ModbusIdentification = {
  readonly objects: Readonly<Record<number, string>>;
  readonly serverId: string | null;
};

export const UNIDENTIFIED: ModbusIdentification = { objects: {}, serverId: null };

export function evaluateMap(map: RegisterMap, image: RegisterImage, said: ModbusIdentification): Evaluation {
  const varbinds = new Map<string, SnmpValue>();
  for (const [name, register] of Object.entries(map.registers)) {
    const words = image.get(register.table, register.address, register.length);
    if (words === null) continue;
    const raw = rawOf(register, words);
    if (typeof raw === "string") {
      varbinds.set(valueKey(name), octetsValue(new TextEncoder().encode(raw)));
      continue;
    }
    if (!Number.isFinite(raw) || register.absent.includes(raw)) continue;
    varbinds.set(valueKey(name), numberValue(raw * register.scale + register.offset));
    for (const [bit, set] of bitsOf(register, words)) varbinds.set(bitKey(name, bit), numberValue(set));
  }
  for (const component of Object.keys(map.profile.tables)) {
    varbinds.set(`${componentKey(component)}.1`, numberValue(1));
  }
  for (const [object, text] of Object.entries(said.objects)) {
    varbinds.set(objectKey(Number(object)), octetsValue(new TextEncoder().encode(text)));
  }
  if (said.serverId !== null) varbinds.set(SERVER_ID_KEY, octetsValue(new TextEncoder().encode(said.serverId)));
  return evaluateProfile(map.profile, { at: 0, varbinds: Object.fromEntries(varbinds) });
}

/** 0.1 × 541 is 54.1, not 54.1000000000000014. */
const numberValue = (value: number): SnmpValue => ({
  type: "float",
  value: Number.isInteger(value) ? value : Number(value.toPrecision(12)),
});

function rawOf({ type, wordOrder, bits }: Register, words: readonly number[]): number | string {
  const [first = 0, second = 0] = words;
  if (type === "text") return textOfWords(words);
  if (type === "bit") return first;
  if (type === "s16") return (first << 16) >> 16;
  if (type === "u16") {
    if (bits === null) return first;
    const [low, high] = bits;
    return (first >> low) & (2 ** (high - low + 1) - 1);
  }
  const [high, low] = wordOrder === "high_first" ? [first, second] : [second, first];
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, high);
  view.setUint16(2, low);
  if (type === "f32") return Number(view.getFloat32(0).toPrecision(7));
  return type === "s32" ? view.getInt32(0) : view.getUint32(0);
}

/** Two characters a register, the first in the high octet; what is behind a NUL is left over from before. */
function textOfWords(words: readonly number[]): string {
  const octets = words.flatMap((word) => [word >> 8, word & 0xff]);
  const end = octets.indexOf(0);
  return String.fromCharCode(...(end < 0 ? octets : octets.slice(0, end))).trim();
}

/** Bit 0 is the least significant one of the value, whatever the order of its words. */
function bitsOf({ type, wordOrder }: Register, words: readonly number[]): [number, number][] {
  if (type === "bit" || type === "text" || type === "f32") return [];
  const rising = wordOrder === "high_first" ? words.toReversed() : words;
  return rising.flatMap((word, i) =>
    Array.from({ length: 16 }, (_, bit): [number, number] => [16 * i + bit, (word >> bit) & 1]),
  );
}
