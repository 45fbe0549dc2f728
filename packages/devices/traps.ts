/**
 * What a trap means: its OID, and what its varbinds say, to a canonical fault code. The knowledge is data (traps.yaml);
 * this reads it once and looks traps up.
 *
 * An event has two OIDs: SMIv1 registers `enterprise.n`, and a v1 trap that is translated (RFC 3584 §3.1), or an agent
 * that follows SMIv2, says `enterprise.0.n`. Both are one trap here.
 */
import { fileURLToPath } from "node:url";
import { type Diagnostic, parseYaml, readConfigText } from "@aislewatch/config";
import { z } from "zod";
import { FAULT_CODES, type FaultCode } from "./faults.ts";
import { componentName } from "./slug.ts";
import { isWithin, type SnmpValue, textOf } from "./snmp-reply.ts";

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
  trapsMax: 1_000,
  casesMax: 100,
  /** Values of a trap that we do not know, shown as they came. */
  shownMax: 8,
  detailCharsMax: 480,
} as const;

const OID = /^\d+(?:\.\d+){2,127}$/;
const oid = z.string().regex(OID, "expected an OID such as 1.3.6.1.6.3.1.1.5.3");
const fault = z.enum(Object.keys(FAULT_CODES) as [FaultCode, ...FaultCode[]]);

const trapEntry = z.strictObject({
  /** Its name in the MIB. */
  trap: z.string().min(1).max(64),
  oid,
  /** Where this stands: a MIB, an RFC, a manual. */
  source: z.string().min(1).max(200).optional(),
  fault: fault.optional(),
  /** It tells that the fault is over. */
  cleared: z.boolean().default(false),
  /** The first whose values fit decides; otherwise `fault` of the trap itself does. */
  cases: z
    .array(
      z.strictObject({
        /** Object (its column or scalar, without the instance) to the values of which it must have one. */
        when: z.record(oid, z.array(z.union([z.string(), z.number()])).min(1)),
        fault: fault.optional(),
        cleared: z.boolean().optional(),
      }),
    )
    .max(LIMITS.casesMax)
    .default([]),
  /** The part that it is about, when one of these objects is in the trap. */
  component: z.strictObject({ prefix: z.string().regex(/^[a-z]+$/), from: z.array(oid).min(1) }).optional(),
  /** Objects worth showing, by the name to show them under. */
  show: z.record(z.string().min(1).max(64), oid).default({}),
});
const trapsFile = z.strictObject({ traps: z.array(trapEntry).max(LIMITS.trapsMax) });

type TrapEntry = z.infer<typeof trapEntry>;

/** Traps by OID. */
export class TrapTable {
  readonly #byOid: ReadonlyMap<string, TrapEntry>;

  constructor(entries: readonly TrapEntry[]) {
    this.#byOid = new Map(entries.map((entry) => [oneForm(entry.oid), entry]));
  }

  get size(): number {
    return this.#byOid.size;
  }

  explain(trapOid: string, varbinds: readonly TrapVarbind[]): TrapMeaning {
    const entry = this.#byOid.get(oneForm(trapOid));
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

export type TrapsResult =
  | { readonly ok: true; readonly value: TrapTable }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

export function parseTraps(text: { readonly file: string; readonly text: string }): TrapsResult {
  const parsed = parseYaml(text, trapsFile);
  if (!parsed.ok) return parsed;
  const { traps } = parsed.value;
  const seen = new Map<string, number>();
  const diagnostics: Diagnostic[] = [];
  traps.forEach(({ oid: trapOid }, i) => {
    const form = oneForm(trapOid);
    const first = seen.get(form);
    if (first === undefined) seen.set(form, i);
    else {
      const message = `expected a trap once; traps[${first}] has this OID, too, with or without its .0.`;
      diagnostics.push(parsed.source.diagnostic(["traps", i, "oid"], { code: "CFG_DUPLICATE_ID", message }));
    }
  });
  return diagnostics.length > 0 ? { ok: false, diagnostics } : { ok: true, value: new TrapTable(traps) };
}

/** The traps that come with the product. A mistake in them is ours: it throws. */
export function loadBuiltinTraps(): TrapTable {
  builtin ??= readBuiltin();
  return builtin;
}

let builtin: TrapTable | undefined;

function readBuiltin(): TrapTable {
  const file = fileURLToPath(new URL("./traps.yaml", import.meta.url));
  const text = readConfigText(file);
  const parsed: TrapsResult = text.ok
    ? parseTraps({ file, text: text.value })
    : { ok: false, diagnostics: [text.error] };
  if (parsed.ok) return parsed.value;
  throw new Error(parsed.diagnostics.map((d) => `${d.file}:${d.line} ${d.path} ${d.message}`).join("\n"));
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
