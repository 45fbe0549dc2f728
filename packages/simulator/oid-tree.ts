/**
 * What an SNMP device can be asked: a snapshot of OIDs and values in OID order, as GET and GETNEXT need it (RFC 3416
 * §4.2). Pure; a device builds a new one when its state moved on.
 */

/** Values by their SMI type (RFC 2578 §7.1). Constructors below bring numbers into range, so encoding never fails. */
export type MibValue =
  | { readonly type: "integer" | "counter32" | "gauge32" | "timeticks"; readonly value: number }
  | { readonly type: "counter64"; readonly value: bigint }
  | { readonly type: "octets"; readonly value: Uint8Array }
  | { readonly type: "oid"; readonly value: string };

export type MibEntry = { readonly oid: string; readonly value: MibValue };

const UINT32 = 2 ** 32;
const UINT64 = 2n ** 64n;

export const integer = (value: number): MibValue => ({
  type: "integer",
  value: Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.round(value))),
});
/** Wraps at 2^32, as the type does. */
export const counter32 = (value: number): MibValue => ({ type: "counter32", value: Math.floor(value) % UINT32 });
export const counter64 = (value: number): MibValue => ({
  type: "counter64",
  value: BigInt(Math.floor(value)) % UINT64,
});
/** Sticks at 2^32 - 1, as the type does. */
export const gauge = (value: number): MibValue => ({
  type: "gauge32",
  value: Math.max(0, Math.min(UINT32 - 1, Math.round(value))),
});
/** Hundredths of a second; wraps after 497 days. */
export const ticks = (ms: number): MibValue => ({ type: "timeticks", value: Math.floor(ms / 10) % UINT32 });
export const text = (value: string): MibValue => ({ type: "octets", value: new TextEncoder().encode(value) });
export const octets = (...value: number[]): MibValue => ({ type: "octets", value: Uint8Array.from(value) });
export const oid = (value: string): MibValue => ({ type: "oid", value });

/** `scalars("1.3.6.1.2.1.1", {1: text("…")})` is 1.3.6.1.2.1.1.1.0 and so on. */
export const scalars = (group: string, values: Readonly<Record<number, MibValue>>): MibEntry[] =>
  Object.entries(values).map(([arc, value]) => ({ oid: `${group}.${arc}.0`, value }));

/** One row of a table: column number to value, under `entry.column.index`. */
export const row = (entry: string, index: string | number, columns: Readonly<Record<number, MibValue>>): MibEntry[] =>
  Object.entries(columns).map(([column, value]) => ({ oid: `${entry}.${column}.${index}`, value }));

/** An OID has at most 128 arcs of 32 bits (RFC 2578 §3.5). */
const ARCS_MAX = 128;
const parseOid = (text: string): readonly number[] => text.split(".", ARCS_MAX).map(Number);

function compareArcs(a: readonly number[], b: readonly number[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

type Leaf = MibEntry & { readonly arcs: readonly number[] };

export class OidTree {
  readonly #leaves: readonly Leaf[];

  constructor(entries: readonly MibEntry[]) {
    this.#leaves = entries
      .map((entry) => ({ ...entry, arcs: parseOid(entry.oid) }))
      .sort((a, b) => compareArcs(a.arcs, b.arcs));
  }

  get size(): number {
    return this.#leaves.length;
  }

  get(oidText: string): MibEntry | null {
    const arcs = parseOid(oidText);
    const found = this.#leaves[this.#firstFrom(arcs)];
    return found !== undefined && compareArcs(found.arcs, arcs) === 0 ? found : null;
  }

  /** The first entry after `oidText`, or null at the end of the view. */
  next(oidText: string): MibEntry | null {
    const arcs = parseOid(oidText);
    let at = this.#firstFrom(arcs);
    const here = this.#leaves[at];
    if (here !== undefined && compareArcs(here.arcs, arcs) === 0) at++;
    return this.#leaves[at] ?? null;
  }

  /** Is anything below this OID? Tells noSuchInstance from noSuchObject. */
  hasBelow(oidText: string): boolean {
    const found = this.next(oidText);
    return found?.oid.startsWith(`${oidText}.`) ?? false;
  }

  /** Index of the first leaf at or after `arcs`. */
  #firstFrom(arcs: readonly number[]): number {
    let low = 0;
    let high = this.#leaves.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const leaf = this.#leaves[middle];
      if (leaf !== undefined && compareArcs(leaf.arcs, arcs) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
