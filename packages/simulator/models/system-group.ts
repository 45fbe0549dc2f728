import { integer, type MibEntry, oid, scalars, text, ticks } from "../oid-tree.ts";

/** The system group of MIB-II (RFC 3418), which every SNMP device answers. */
export function systemGroup(system: {
  readonly description: string;
  readonly objectId: string;
  readonly uptimeMs: number;
  readonly name: string;
  readonly location: string;
}): MibEntry[] {
  return scalars("1.3.6.1.2.1.1", {
    1: text(system.description),
    2: oid(system.objectId),
    3: ticks(system.uptimeMs),
    4: text("store-systems@example.com"),
    5: text(system.name),
    6: text(system.location),
    7: integer(72),
  });
}
