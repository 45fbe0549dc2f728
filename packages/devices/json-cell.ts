/**
 * JSON in an octet string, as scripts hand it through net-snmp's `extend`: one value of it, or the members of an object
 * or list as cells of their own. What is no JSON, too long, or has no such place is no value.
 */
import { octetsOf, type SnmpValue } from "./snmp-reply.ts";

/** An answer over UDP is no longer than this; a script that says more is cut on its way and no JSON any more. */
const CHARS_MAX = 65_535;

/** Texts that were parsed: a profile asks one cell for several values. */
const parsed = new WeakMap<SnmpValue, unknown>();

/** `path` is keys with dots between them; a number counts the entries of a list. */
export function jsonAt(cell: SnmpValue, path: string): SnmpValue | undefined {
  return cellOf(placeOf(cell, path));
}

/** Key or position, and the member as a cell: an object stays JSON, which `jsonAt` reads on. */
export function jsonMembers(cell: SnmpValue, path: string, max: number): [key: string, member: SnmpValue][] {
  const place = placeOf(cell, path);
  if (typeof place !== "object" || place === null) return [];
  return Object.entries(place)
    .slice(0, max)
    .flatMap(([key, member]: [string, unknown]) => {
      const value = cellOf(member);
      return value === undefined ? [] : [[key, value]];
    });
}

function placeOf(cell: SnmpValue, path: string): unknown {
  let place = parse(cell);
  for (const key of path.split(".")) {
    if (typeof place !== "object" || place === null || !Object.hasOwn(place, key)) return undefined;
    place = (place as Readonly<Record<string, unknown>>)[key];
  }
  return place;
}

function parse(cell: SnmpValue): unknown {
  if (parsed.has(cell)) return parsed.get(cell);
  const octets = octetsOf(cell);
  let json: unknown;
  try {
    json = octets === null || octets.length > CHARS_MAX ? undefined : JSON.parse(new TextDecoder().decode(octets));
  } catch {
    // A script that failed prints its complaint here.
    json = undefined;
  }
  parsed.set(cell, json);
  return json;
}

function cellOf(place: unknown): SnmpValue | undefined {
  if (typeof place === "number") return { type: Number.isInteger(place) ? "integer" : "float", value: place };
  if (typeof place === "string") return { type: "text", value: place };
  if (typeof place === "boolean") return { type: "text", value: String(place) };
  if (typeof place !== "object" || place === null) return undefined;
  const cell: SnmpValue = { type: "text", value: JSON.stringify(place) };
  parsed.set(cell, place);
  return cell;
}
