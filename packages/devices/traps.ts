/**
 * What a trap means: its OID, and what its varbinds say, to a canonical fault code. The knowledge is data: `traps:` in
 * profiles, the operator's own among them. It is looked up by the trap's OID alone, whichever profile the sender has: an
 * OID is its maker's, and a label printer that is polled by ZPL has no profile, but sends traps all the same.
 *
 * An event has two OIDs: SMIv1 registers `enterprise.n`, and a v1 trap that is translated (RFC 3584 §3.1), or an agent
 * that follows SMIv2, says `enterprise.0.n`. Both are one trap here.
 */
import type { Diagnostic, YamlSource } from "@aislewatch/config";
import { z } from "zod";
import { FAULT_CODES, type FaultCode } from "./faults.ts";
import { componentName } from "./slug.ts";
import { compareOids, isWithin, type SnmpValue, textOf } from "./snmp-reply.ts";

export type TrapVarbind = { readonly oid: string; readonly value: SnmpValue };

/** What a trap says in our words. */
export type TrapMeaning = {
  /** As its MIB names it; its OID when we know none. */
  readonly name: string;
  /** Null when it is no fault that we have a code for. */
  readonly fault: FaultCode | null;
  /** The fault is over. */
  readonly cleared: boolean;
  readonly component: string | null;
  /** For people: the name, and the values that matter. */
  readonly detail: string;
};

const LIMITS = {
  /** Of one profile. The largest of our makers' MIBs has 700, of which a tenth is about faults. */
  trapsMax: 1_000,
  casesMax: 100,
  /** Values of a trap that we do not know, shown as they came. */
  shownMax: 8,
  detailCharsMax: 480,
} as const;

const OID = /^\d+(?:\.\d+){2,127}$/;
const oid = z.string().regex(OID, "expected an OID such as 1.3.6.1.6.3.1.1.5.3");
const fault = z.enum(Object.keys(FAULT_CODES) as [FaultCode, ...FaultCode[]]);

export type TrapEntry = {
  /** Its name in the MIB. */
  readonly trap: string;
  readonly oid: string;
  /** Where this stands: a MIB, an RFC, a manual. */
  readonly source?: string | undefined;
  readonly fault?: FaultCode | undefined;
  /** It tells that the fault is over. */
  readonly cleared: boolean;
  /** The first whose values fit decides; otherwise `fault` of the trap itself does. */
  readonly cases: readonly {
    /** Object (its column or scalar, without the instance) to the values of which it must have one. */
    readonly when: Readonly<Record<string, readonly (string | number)[]>>;
    readonly fault?: FaultCode | undefined;
    readonly cleared?: boolean | undefined;
  }[];
  /** The part that it is about, when one of these objects is in the trap. */
  readonly component?: { readonly prefix: string; readonly from: readonly string[] } | undefined;
  /** Objects worth showing, by the name to show them under. */
  readonly show: Readonly<Record<string, string>>;
};

const trapEntry: z.ZodType<TrapEntry> = z.strictObject({
  trap: z.string().min(1).max(64),
  oid,
  source: z.string().min(1).max(200).optional(),
  fault: fault.optional(),
  cleared: z.boolean().default(false),
  cases: z
    .array(
      z.strictObject({
        when: z.record(oid, z.array(z.union([z.string(), z.number()])).min(1)),
        fault: fault.optional(),
        cleared: z.boolean().optional(),
      }),
    )
    .max(LIMITS.casesMax)
    .default([]),
  component: z.strictObject({ prefix: z.string().regex(/^[a-z]+$/), from: z.array(oid).min(1) }).optional(),
  show: z.record(z.string().min(1).max(64), oid).default({}),
});
/** `traps:` of a profile. */
export const trapEntries: z.ZodType<readonly TrapEntry[]> = z.array(trapEntry).max(LIMITS.trapsMax);

/** What of a profile matters here. */
type TrapTeller = { readonly name: string; readonly traps: readonly TrapEntry[] };
/** A trap that is known, and the profile that says what it means. */
export type KnownTrap = { readonly profile: string; readonly entry: TrapEntry };

/** Traps by OID, of all profiles. Where two say something of one trap the later stands: the operator's own come last. */
export class TrapTable {
  readonly #byOid: ReadonlyMap<string, KnownTrap>;

  constructor(profiles: readonly TrapTeller[]) {
    const known = profiles.flatMap(({ name, traps }) => traps.map((entry) => ({ profile: name, entry })));
    this.#byOid = new Map(known.map((trap) => [oneForm(trap.entry.oid), trap]));
  }

  /** In the order of their OIDs. */
  all(): KnownTrap[] {
    return [...this.#byOid.values()].sort((a, b) => compareOids(a.entry.oid, b.entry.oid));
  }

  /** In either form of its OID; null when no profile tells of it. */
  find(trapOid: string): KnownTrap | null {
    return this.#byOid.get(oneForm(trapOid)) ?? null;
  }

  explain(trapOid: string, varbinds: readonly TrapVarbind[]): TrapMeaning {
    const entry = this.#byOid.get(oneForm(trapOid))?.entry;
    if (entry === undefined) return unknown(trapOid, varbinds);
    const fits = entry.cases.find(({ when }) =>
      Object.entries(when).every(([object, values]) => {
        const value = find(object, varbinds)?.value;
        return value !== undefined && values.some((wanted) => String(wanted) === String(value));
      }),
    );
    const named = Object.entries(entry.show).flatMap(([name, object]) => {
      const value = find(object, varbinds);
      return value === undefined ? [] : [`${name} ${textOf(value)}`];
    });
    return {
      name: entry.trap,
      fault: fits?.fault ?? entry.fault ?? null,
      cleared: fits?.cleared ?? entry.cleared,
      component: componentOf(entry, varbinds),
      detail: cut([entry.trap, ...named].join(", ")),
    };
  }
}

/** What is said of one trap twice, in these files together: which of the two would hold is nobody's to guess. */
export function repeatedTraps(
  files: readonly { readonly traps: readonly TrapEntry[]; readonly source: YamlSource }[],
): Diagnostic[] {
  const seen = new Map<string, string>();
  return files.flatMap(({ traps, source }) =>
    traps.flatMap(({ oid: trapOid }, i) => {
      const first = seen.get(oneForm(trapOid));
      if (first === undefined) {
        seen.set(oneForm(trapOid), `traps[${i}] of ${source.file}`);
        return [];
      }
      const message = `expected a trap once; ${first} has this OID, too, with or without its .0.`;
      return [source.diagnostic(["traps", i, "oid"], { code: "CFG_DUPLICATE_ID", message })];
    }),
  );
}

/** `enterprise.0.n` as `enterprise.n`. */
const oneForm = (trapOid: string): string => trapOid.replace(/\.0(\.\d+)$/, "$1");

/** The value of an object, whichever instance of it the trap carries. */
const find = (object: string, varbinds: readonly TrapVarbind[]): SnmpValue | undefined =>
  varbinds.find(({ oid: name }) => name === object || isWithin(name, object))?.value;

function componentOf({ component }: TrapEntry, varbinds: readonly TrapVarbind[]): string | null {
  for (const object of component?.from ?? []) {
    const value = find(object, varbinds);
    const name = value === undefined || component === undefined ? "" : componentName(component.prefix, textOf(value));
    if (name !== "") return name;
  }
  return null;
}

function unknown(trapOid: string, varbinds: readonly TrapVarbind[]): TrapMeaning {
  const shown = varbinds.slice(0, LIMITS.shownMax).map(({ oid: name, value }) => `${name} = ${textOf(value)}`);
  const detail = cut([trapOid, ...shown].join(", "));
  return { name: trapOid, fault: null, cleared: false, component: null, detail };
}

const cut = (text: string): string => text.slice(0, LIMITS.detailCharsMax).toWellFormed();
