/** What a Modbus device said, by its register map. */
import { err, ok, type Result } from "@aislewatch/base";
import {
  evaluateMap,
  type Kind,
  MODBUS_TABLES,
  type ModbusBlock,
  type ModbusIdentification,
  metricsOf,
  modbusPlan,
  profileMetrics,
  RegisterImage,
  type RegisterMap,
  spokenRegister,
} from "@aislewatch/devices";
import type { Parsed, ParseError } from "../driver.ts";
import { DEVICE_ID, EXCEPTIONS, exceptionOf, MEI_DEVICE_ID, REPORT_SERVER_ID, valuesOf } from "./frames.ts";
import type { LineCounts, ModbusReply, Pdu } from "./types.ts";

/** Of the line and not of the map. */
export const LINE_METRICS = ["line_checksum_errors_total", "line_timeouts_total", "line_refusals_total"] as const;

/** What a device of this kind may report with this map. */
export function metricsWith(map: RegisterMap, kind: Kind): string[] {
  const ofKind = new Set(metricsOf(kind).map(({ name }) => name));
  return [...profileMetrics(map.profile), ...LINE_METRICS].filter((name) => ofKind.has(name));
}

export function parse(
  reply: ModbusReply,
  { map, kind }: { readonly map: RegisterMap; readonly kind: Kind },
): Result<Parsed, ParseError> {
  const image = new RegisterImage();
  const readings = reply.kind === "asked" ? takeSaid(reply.said, map, image) : takeHeard(reply.values, image);
  if (readings === 0) {
    const refused = reply.kind === "asked" ? refusals(reply.said, map) : [];
    return err({ detail: refused[0] ?? `none of the registers of ${map.name} was read` });
  }
  const identification = reply.kind === "asked" ? identificationOf(reply.said) : { objects: {}, serverId: null };
  const { samples, asset } = evaluateMap(map, image, identification);
  const ofKind = new Set(metricsOf(kind).map(({ name }) => name));
  const all = [...samples, { component: null, metrics: lineMetrics(reply.line) }];
  const device = Object.assign({}, ...all.filter(({ component }) => component === null).map(({ metrics }) => metrics));
  const kept = [{ component: null, metrics: device }, ...all.filter(({ component }) => component !== null)]
    .map(({ component, metrics }) => ({
      component,
      metrics: Object.fromEntries(Object.entries(metrics).filter(([name]) => ofKind.has(name))) as typeof metrics,
    }))
    .filter(({ metrics }) => Object.keys(metrics).length > 0);
  return ok({ samples: kept, ...(Object.keys(asset).length > 0 && { asset }) });
}

/** Which reads the device refused and why, each named as the map writes it. */
export function refusals(said: Readonly<Record<string, Pdu>>, map: RegisterMap): string[] {
  return modbusPlan(map).blocks.flatMap((block) => {
    const code = exceptionOf(octetsOfHex(said[block.name] ?? null));
    if (code === null) return [];
    const names = block.registers.slice(0, 3).join(", ") + (block.registers.length > 3 ? ", …" : "");
    return [`the device refuses ${spokenRegister(map, block)} (${names}): ${exceptionText(code)}`];
  });
}

export const exceptionText = (code: number): string => EXCEPTIONS[code] ?? `exception ${code}`;

/** How many reads of the device's state gave values. */
function takeSaid(said: Readonly<Record<string, Pdu>>, map: RegisterMap, image: RegisterImage): number {
  let readings = 0;
  for (const block of modbusPlan(map).blocks) {
    const values = valuesOf(octetsOfHex(said[block.name] ?? null), block);
    if (values === null) continue;
    image.set(block.table, block.address, values);
    readings += block.role === "state" ? 1 : 0;
  }
  return readings;
}

function takeHeard(values: Readonly<Record<string, number>>, image: RegisterImage): number {
  let readings = 0;
  for (const [place, value] of Object.entries(values)) {
    const [, name, digits] = /^([a-z]{1,8}):(\d{1,5})$/.exec(place) ?? [];
    const table = MODBUS_TABLES.find((one) => one === name);
    if (table === undefined) continue;
    image.set(table, Number(digits), [value]);
    readings++;
  }
  return readings;
}

function lineMetrics({ checksumErrors, timeouts, refusals: refused }: LineCounts): Record<string, number> {
  return { line_checksum_errors_total: checksumErrors, line_timeouts_total: timeouts, line_refusals_total: refused };
}

function identificationOf(said: Readonly<Record<string, Pdu>>): ModbusIdentification {
  const serverId = octetsOfHex(said["server_id"] ?? null);
  return {
    objects: objectsOf(octetsOfHex(said["device_id"] ?? null)),
    serverId: serverId[0] === REPORT_SERVER_ID ? longestText(serverId.slice(2)) : null,
  };
}

/** Objects of function 43/14: number, length, text. What is cut short is left out. */
function objectsOf(pdu: Uint8Array): Record<number, string> {
  const objects: Record<number, string> = {};
  if (pdu[0] !== DEVICE_ID || pdu[1] !== MEI_DEVICE_ID) return objects;
  for (let at = 7; at + 1 < pdu.length; ) {
    const end = at + 2 + (pdu[at + 1] ?? 0);
    if (end <= pdu.length) objects[pdu[at] ?? 0] = latin(pdu.slice(at + 2, end)).trim();
    at = end;
  }
  return objects;
}

/** What a server ID holds differs by maker; its one readable part is a name. */
function longestText(octets: Uint8Array): string | null {
  const runs = latin(octets).match(/[ -~]{3,}/g) ?? [];
  return runs.toSorted((a, b) => b.length - a.length)[0]?.trim() ?? null;
}

const latin = (octets: Uint8Array): string => String.fromCharCode(...octets);

function octetsOfHex(hex: Pdu): Uint8Array {
  if (hex === null || !/^(?:[0-9a-f]{2}){0,256}$/i.test(hex)) return new Uint8Array();
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

export type { ModbusBlock };
