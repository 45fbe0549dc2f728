/**
 * The profile language for SNMP: data that says which OIDs a family of devices has and which metrics they mean
 * (docs/profiles.md teaches it). A second model is a second file, never a second `if`.
 *
 * A value is an expression. Exactly one source (`SOURCES`), then what is done to what it gives, in this order: of a
 * varbind `json` (a value in its text), `bit` or `tlv`, or `absent` (special values such as -2 "unknown" are no value), `unsigned`, `mask`, `match`
 * (the first capture); of any value `is` or `matches` or `map`, `scale`, `range` (outside: no sensor, no value). `when`
 * decides beforehand whether there is a value at all. No value stays no value through every operation: unknown is not
 * zero.
 */
import { asWritten } from "@aislewatch/config";
import { z } from "zod";
import { KINDS, type Kind } from "./kinds.ts";
import { type TrapEntry, trapEntries } from "./traps.ts";

export const PROFILE_LIMITS = {
  /** Rows of one table, unless the profile asks for less or more. */
  rowsDefault: 128,
  /** A 48-port stack of eight with its VLAN interfaces has about 800 interfaces. */
  rowsMax: 1_024,
  /** Expressions in expressions; deeper is a mistake. */
  depthMax: 8,
  /** Profiles that extend profiles. */
  extendsMax: 8,
  patternCharsMax: 200,
  /** Exceptions of one family. More of them is another family. */
  quirksMax: 32,
} as const;

export type Scalar = number | string | boolean;
export type Expression = {
  readonly oid?: string | undefined;
  readonly column?: string | undefined;
  readonly constant?: number | boolean | undefined;
  /** The first that has a value. */
  readonly first?: readonly Expression[] | undefined;
  /** Named witnesses: true when any of those that have a value says so; the reading names who did. */
  readonly any_of?: Readonly<Record<string, Expression>> | undefined;
  /** Named witnesses in the order of trust: the first that has a value decides, and is named. */
  readonly first_of?: Readonly<Record<string, Expression>> | undefined;
  /** The n-th arc of the row's index, from its end when negative. */
  readonly arc?: number | undefined;
  /** Boolean or, and: of those that have a value. */
  readonly any?: readonly Expression[] | undefined;
  readonly all?: readonly Expression[] | undefined;
  /** All must have a value. */
  readonly sum?: readonly Expression[] | undefined;
  readonly product?: readonly Expression[] | undefined;
  /** The first less all others. */
  readonly difference?: readonly Expression[] | undefined;
  /** 100 × part ÷ whole, only when part ≥ 0 and whole > 0; what is above 100 is 100. */
  readonly percent?: { readonly part: Expression; readonly whole: Expression } | undefined;
  readonly not?: Expression | undefined;
  /** One value over the rows of a table that have one. */
  readonly rows?: Rows | undefined;
  /** A DateAndTime with its time zone (11 octets): the device's clock less ours, in seconds. */
  readonly clock?: string | undefined;

  /** No value unless this is true. */
  readonly when?: Expression | undefined;
  readonly absent?: readonly (number | string)[] | undefined;
  /** A negative 32-bit value is one above 2^31 that was read as signed (hrStorageSize). */
  readonly unsigned?: boolean | undefined;
  /** Of a number that is a sum of flags, those that are set in this mask too (PrtSubUnitStatusTC). */
  readonly mask?: number | undefined;
  readonly match?: string | undefined;
  /** The value at this path (keys with dots between them) of JSON text, instead of the text. */
  readonly json?: string | undefined;
  /** The number of the record with this code in octets of (code, type, length, value), as Brother writes them. */
  readonly tlv?: number | undefined;
  /** Is bit n of an octet string set? Bit 0 is the most significant of the first octet; a missing octet is zeros. */
  readonly bit?: number | undefined;
  readonly is?: readonly (number | string)[] | undefined;
  /** Is there a match of this regular expression? */
  readonly matches?: string | undefined;
  /** Value to value; `else` for the rest, which otherwise is no value. */
  readonly map?: Readonly<Record<string, number | boolean | string>> | undefined;
  readonly scale?: number | undefined;
  readonly range?: readonly [number, number] | undefined;
};

export const AGGREGATES = ["max", "min", "sum", "mean", "count", "any", "all"] as const;
export type Rows = {
  readonly table: string;
  readonly take: (typeof AGGREGATES)[number];
  readonly of: Expression;
  /** All must hold. */
  readonly where?: readonly Expression[] | undefined;
};

/** Text of an asset: a constant, or a scalar or the first non-empty cell of a column, through `match` and `map`. */
export type TextSource = {
  readonly text?: string | undefined;
  readonly oid?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly where?: readonly Expression[] | undefined;
  readonly absent?: readonly string[] | undefined;
  readonly match?: string | undefined;
  readonly map?: Readonly<Record<string, string>> | undefined;
};

export type Table = {
  /** Column names to OIDs. All share one row index, also across MIB tables (ifTable and ifXTable). */
  readonly columns: Readonly<Record<string, string>>;
  readonly max_rows: number;
  /** The only column holds JSON text: the members at this path are the rows, their keys added to the index. */
  readonly members?: string | undefined;
  /** Columns that stay as they are while the rows are the same: asked for now and then, not at every poll. */
  readonly static: readonly string[];
  /** Walked when a value of that table has changed, and now and then: counters of what is entered here. */
  readonly gate?: string | undefined;
  /** The column whose text a verdict's evidence quotes. */
  readonly quote?: string | undefined;
  /** Rows for which all hold are taken; the others count nowhere. */
  readonly where: readonly Expression[];
  readonly component?:
    | {
        readonly prefix: string;
        /** Columns to name the row by, the first that has text; the row's index when none has. */
        readonly from: readonly string[];
        /** Where it matches, its first capture is the name. */
        readonly match?: string | undefined;
        /** The name of what has no letter or digit in it, such as the file system `/`. */
        readonly blank?: string | undefined;
        /** The name of the only row: a table that is one scalar. */
        readonly called?: string | undefined;
        /** Which arcs of the index (slice) make the name when no column does; all of them when absent. */
        readonly arcs?: readonly number[] | undefined;
        /** Named as the row of that table whose index is these arcs of ours (slice); unless it has no such row. */
        readonly row_of?: { readonly table: string; readonly arcs: readonly number[] } | undefined;
      }
    | undefined;
  readonly metrics: Readonly<Record<string, Expression>>;
};

export type Match = {
  readonly sys_object_id?: string | undefined;
  readonly sys_descr?: string | undefined;
  /** Something is there at or below this OID. */
  readonly present?: string | undefined;
  /** Instead of what the entry would weigh: below 7 for what only says something when nothing else fits. */
  readonly weight?: number | undefined;
};

/** What is different in some models or firmware; applied in order above the profile. Data, never an `if` in code. */
export type Quirk = {
  readonly why: string;
  readonly when: {
    readonly model?: string | undefined;
    readonly firmware?: string | undefined;
    readonly sys_descr?: string | undefined;
    readonly sys_object_id?: string | undefined;
    /** Firmware from this version on, and before that one: numbers are compared as numbers. */
    readonly firmware_from?: string | undefined;
    readonly firmware_before?: string | undefined;
  };
  /** Null takes a metric away. */
  readonly metrics: Readonly<Record<string, Expression | null>>;
  readonly tables: Readonly<Record<string, { readonly metrics: Readonly<Record<string, Expression | null>> }>>;
};

export type Identity = { readonly [part in (typeof IDENTITY)[number]]?: readonly TextSource[] | undefined };
export const IDENTITY = ["vendor", "model", "serial", "firmware"] as const;

/** A profile as its file says it; `Profile` is what comes out when those that it extends are put below it. */
export type ProfileFile = {
  readonly profile: string;
  readonly title: string;
  readonly kind?: Kind | undefined;
  /** Seen to be right on a recording or a device; false while only documents say so. */
  readonly verified: boolean;
  /** Where it comes from, when it was not verified. */
  readonly source?: string | undefined;
  readonly extends: readonly string[];
  readonly match: readonly Match[];
  readonly identity: Identity;
  readonly metrics: Readonly<Record<string, Expression>>;
  readonly tables: Readonly<Record<string, Table>>;
  readonly quirks: readonly Quirk[];
  /** What its traps mean. They are known whichever profile the sender has, so they are not inherited. */
  readonly traps: readonly TrapEntry[];
};

export type Profile = {
  readonly name: string;
  readonly title: string;
  readonly kind: Kind | null;
  readonly verified: boolean;
  readonly source: string | null;
  /** Itself and all that it extends, directly or not. */
  readonly lineage: readonly string[];
  readonly match: readonly Match[];
  readonly identity: Identity;
  readonly metrics: Readonly<Record<string, Expression>>;
  readonly tables: Readonly<Record<string, Table>>;
  readonly quirks: readonly Quirk[];
  readonly traps: readonly TrapEntry[];
};

const NAME = /^[a-z][a-z0-9_-]{0,62}$/;
const name = z.string().regex(NAME, "expected a name of lower-case letters, digits, - and _");
const columnName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/, "expected a column name of lower-case letters, digits and _");
/** `$` stands for the device's own sysObjectID: Moxa and Gude give every model a subtree of the same shape there. */
const oid = z
  .string()
  .regex(/^(?:[0-2]|\$)(?:\.\d{1,10}){1,127}$/, "expected an OID in digits, such as 1.3.6.1.2.1.1.3.0");

const jsonPath = z
  .string()
  .regex(/^[^.\s]{1,64}(?:\.[^.\s]{1,64}){0,7}$/, "expected keys with dots between them, such as data.disks");

/**
 * A regular expression that ends in time polynomial of a low degree, whatever a device says: no back-references, no
 * repeated groups (`(a|a)*` and `((a+))+` are exponential, and telling which are not is not worth it: a class can be
 * repeated), few repetitions. The texts that it sees are cut to 256 characters; the worst pattern takes a second there.
 */
const pattern: z.ZodType<string> = asWritten("a regular expression", (written) => {
  if (typeof written !== "string") return { ok: false };
  if (written.length > PROFILE_LIMITS.patternCharsMax) {
    return { ok: false, message: `expected at most ${PROFILE_LIMITS.patternCharsMax} characters` };
  }
  if (mayRunForEver(written)) {
    const most = `at most ${REPETITIONS_MAX - 1} repetitions (${REPETITIONS_MAX} behind a leading ^)`;
    const message = `expected a pattern without back-references and repeated groups, and ${most}: it could run for ever`;
    return { ok: false, message };
  }
  try {
    new RegExp(written, "u");
  } catch (thrown) {
    return { ok: false, message: `expected a regular expression: ${thrown instanceof Error ? thrown.message : ""}` };
  }
  return { ok: true, value: written };
});

/** Each multiplies the time by the length of the text, and so does looking for a beginning anywhere in it. */
const REPETITIONS_MAX = 4;

function mayRunForEver(written: string): boolean {
  // Escapes and classes as one letter each: the brackets and signs that are left are grammar.
  const bare = written.replace(/\\(?:[pPu]\{[^}]*\}|.)/gsu, "x").replace(/\[[^\]]*\]/g, "x");
  const repetitions = bare.match(/[*+]|\{\d+,\d*\}/g)?.length ?? 0;
  const isAnchored = bare.startsWith("^") && !withoutGroups(bare).includes("|");
  return /\\[1-9k]/.test(written) || /\)[*+{]/.test(bare) || repetitions + (isAnchored ? 0 : 1) > REPETITIONS_MAX;
}

function withoutGroups(bare: string): string {
  const less = bare.replace(/\([^()]*\)/g, "x");
  return less === bare ? bare : withoutGroups(less);
}

export const SOURCES = [
  "oid",
  "column",
  "arc",
  "constant",
  "any_of",
  "first_of",
  "first",
  "any",
  "all",
  "sum",
  "product",
  "difference",
  "percent",
  "not",
  "rows",
  "clock",
] as const;

const special = z.union([z.number(), z.string()]);
/** What a value may become: no text, for no metric is one. A text that is a number is that number. */
const mapped = z.union([
  z.number(),
  z.boolean(),
  z
    .string()
    .refine((text) => /^[+-]?\d{1,15}(?:\.\d{1,15})?$/.test(text), { error: "expected a number, or true or false" }),
]);
const expressions = z.lazy(() => z.array(expression).min(1).max(32));
const witnesses = z.lazy(() =>
  z
    .record(witnessName, expression)
    .refine((named) => Object.keys(named).length > 0, { error: "expected a witness" })
    .refine((named) => Object.keys(named).length <= 16, { error: "expected at most 16 witnesses" }),
);
const witnessName = z
  .string()
  .regex(/^[a-z][a-z0-9 -]{0,31}$/, "expected a name in lower-case letters, digits, spaces and hyphens");

export const expression: z.ZodType<Expression> = z.lazy(() =>
  z
    .strictObject({
      oid: oid.optional(),
      column: columnName.optional(),
      arc: z.int().min(-32).max(31).optional(),
      constant: z.union([z.number(), z.boolean()]).optional(),
      any_of: witnesses.optional(),
      first_of: witnesses.optional(),
      first: expressions.optional(),
      any: expressions.optional(),
      all: expressions.optional(),
      sum: expressions.optional(),
      product: expressions.optional(),
      difference: expressions.optional(),
      percent: z.strictObject({ part: expression, whole: expression }).optional(),
      not: expression.optional(),
      rows: rows.optional(),
      clock: oid.optional(),
      when: expression.optional(),
      absent: z.array(special).min(1).max(32).optional(),
      unsigned: z.boolean().optional(),
      mask: z.int().min(1).max(0x7fffffff).optional(),
      match: pattern.optional(),
      json: jsonPath.optional(),
      tlv: z.int().min(0).max(255).optional(),
      bit: z.int().min(0).max(1_023).optional(),
      is: z.array(special).min(1).max(64).optional(),
      matches: pattern.optional(),
      map: z.record(z.string(), mapped).optional(),
      scale: z.number().optional(),
      range: z
        .tuple([z.number(), z.number()])
        .refine(([low, high]) => low <= high, { error: "expected the lower end first" })
        .optional(),
    })
    .superRefine((written, context) => {
      const sources = SOURCES.filter((source) => written[source] !== undefined);
      if (sources.length === 1) return;
      context.addIssue({
        code: "custom",
        message: `expected exactly one of: ${SOURCES.join(", ")}; received ${sources.join(" and ") || "none"}`,
        params: { code: "CFG_VALUE" },
      });
    }),
);

const rows: z.ZodType<Rows> = z.lazy(() =>
  z.strictObject({
    table: name,
    take: z.enum(AGGREGATES),
    of: expression,
    where: z.array(expression).max(8).optional(),
  }),
);

const textSource: z.ZodType<TextSource> = z
  .strictObject({
    text: z.string().max(128).optional(),
    oid: oid.optional(),
    table: name.optional(),
    column: columnName.optional(),
    where: z.array(expression).max(8).optional(),
    absent: z.array(z.string()).max(16).optional(),
    match: pattern.optional(),
    map: z.record(z.string(), z.string().max(128)).optional(),
  })
  .refine((source) => [source.text, source.oid, source.table].filter((given) => given !== undefined).length === 1, {
    error: "expected exactly one of: text, oid, table",
  })
  .refine((source) => (source.table === undefined) === (source.column === undefined), {
    error: "expected table and column together",
  });

const identity = z.strictObject({
  vendor: z.array(textSource).max(8).optional(),
  model: z.array(textSource).max(8).optional(),
  serial: z.array(textSource).max(8).optional(),
  firmware: z.array(textSource).max(8).optional(),
});

const slice = z.array(z.int().min(-32).max(32)).min(1).max(2);

const table: z.ZodType<Table> = z.strictObject({
  columns: z
    .record(columnName, oid)
    .refine((columns) => Object.keys(columns).length > 0, { error: "expected a column" }),
  max_rows: z.int().min(1).max(PROFILE_LIMITS.rowsMax).default(PROFILE_LIMITS.rowsDefault),
  members: jsonPath.optional(),
  static: z.array(columnName).max(32).default([]),
  gate: name.optional(),
  quote: columnName.optional(),
  where: z.array(expression).max(8).default([]),
  component: z
    .strictObject({
      prefix: z.string().regex(/^[a-z][a-z0-9]{0,15}$/, "expected a short word such as tray, port or disk"),
      from: z.array(columnName).max(8),
      match: pattern.optional(),
      blank: z
        .string()
        .regex(/^[a-z0-9-]{1,32}$/)
        .optional(),
      called: z
        .string()
        .regex(/^[a-z0-9-]{1,32}$/)
        .optional(),
      arcs: slice.optional(),
      row_of: z.strictObject({ table: name, arcs: slice }).optional(),
    })
    .optional(),
  metrics: z.record(z.string(), expression).default({}),
});

const objectIdGlob = z
  .string()
  .regex(
    /^(?:[0-2]|\*)(?:\.(?:\d{1,10}|\*)){0,64}$/,
    "expected an OID with * for any rest, such as 1.3.6.1.4.1.10642.*",
  );

const match: z.ZodType<Match> = z
  .strictObject({
    sys_object_id: objectIdGlob.optional(),
    sys_descr: pattern.optional(),
    present: oid.refine((written) => !written.startsWith("$"), { error: "expected an OID in digits" }).optional(),
    weight: z.int().min(1).max(100).optional(),
  })
  .refine(({ weight: _, ...written }) => Object.keys(written).length > 0, {
    error: "expected sys_object_id, sys_descr or present",
  });

const version = z.string().regex(/\d/, "expected a version with a number in it, such as 6.5").max(64);
const exceptions = z.record(z.string(), expression.nullable()).default({});
const quirk: z.ZodType<Quirk> = z.strictObject({
  why: z.string().min(8, "expected what is wrong, and who saw it").max(512),
  when: z
    .strictObject({
      model: pattern.optional(),
      firmware: pattern.optional(),
      sys_descr: pattern.optional(),
      sys_object_id: objectIdGlob.optional(),
      firmware_from: version.optional(),
      firmware_before: version.optional(),
    })
    .refine((written) => Object.keys(written).length > 0, { error: "expected what tells these devices apart" }),
  metrics: exceptions,
  tables: z.record(name, z.strictObject({ metrics: exceptions })).default({}),
});

export const profileFile: z.ZodType<ProfileFile> = z
  .strictObject({
    profile: name,
    title: z.string().min(1).max(128),
    kind: z.enum(KINDS).optional(),
    verified: z.boolean().default(true),
    source: z.string().min(1).max(256).optional(),
    extends: z.array(name).max(PROFILE_LIMITS.extendsMax).default([]),
    match: z.array(match).max(64).default([]),
    identity: identity.default({}),
    metrics: z.record(z.string(), expression).default({}),
    tables: z.record(name, table).default({}),
    quirks: z.array(quirk).max(PROFILE_LIMITS.quirksMax).default([]),
    traps: trapEntries.default([]),
  })
  .refine(({ verified, source }) => verified || source !== undefined, {
    path: ["verified"],
    error: "expected source beside verified: false: the document that says so",
  });
