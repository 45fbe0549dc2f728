/**
 * The register maps of Modbus devices: data that says where a drive or a PLC keeps what, and which metrics that means
 * (docs/modbus-maps.md teaches it). A second model is a second file, never a second `if`. What is done to a value is the
 * profile language's (profile.ts), so there is one way to say "true when it is 3" and one way that it is judged; only
 * the source differs: `register` names an entry of `registers`, and `bit` counts from the least significant one, as
 * manuals of drives do.
 *
 * A map can only name what is read: coils, discrete inputs, input and holding registers (functions 1 to 4) and the two
 * identifications (17 and 43/14). There is no way to say that anything be written.
 */
import { asWritten } from "@aislewatch/config";
import { z } from "zod";
import { KINDS, type Kind } from "./kinds.ts";
import type { IDENTITY, Profile } from "./profile.ts";

/** Modbus Application Protocol V1.1b3: what one reply may carry (6.1 to 6.4), and addresses of 16 bits (4.4). */
export const MODBUS_LIMITS = {
  registersMax: 125,
  bitsMax: 2_000,
  addressMax: 65_535,
  /** Registers of one map: a poll of more is no poll but a dump. */
  entriesMax: 512,
  /** A text of 64 characters: serial numbers and names are shorter. */
  textRegistersMax: 32,
} as const;

export const MODBUS_TABLES = ["coil", "discrete", "input", "holding"] as const;
export type ModbusTable = (typeof MODBUS_TABLES)[number];

/**
 * How the map writes addresses, because manuals differ by one and by 40001: `pdu` is the number on the wire, from 0;
 * `one_based` counts registers from 1, so that register 16140 is 16139 on the wire; `entity` is the notation with the
 * table in front, 40001 or 400001.
 */
export const NOTATIONS = ["pdu", "one_based", "entity"] as const;
export type Notation = (typeof NOTATIONS)[number];

export const WORD_ORDERS = ["high_first", "low_first"] as const;
export type WordOrder = (typeof WORD_ORDERS)[number];

export const REGISTER_TYPES = ["u16", "s16", "u32", "s32", "f32", "text"] as const;
export type RegisterType = (typeof REGISTER_TYPES)[number];

/** One value, where it is and how it is written there. */
export type Register = {
  readonly table: ModbusTable;
  /** On the wire, from 0. */
  readonly address: number;
  /** Registers, or bits of coil and discrete tables, that it takes. */
  readonly length: number;
  readonly type: RegisterType | "bit";
  readonly wordOrder: WordOrder;
  /** Only these bits of a 16-bit register, the lowest and the highest of them, shifted down. */
  readonly bits: readonly [number, number] | null;
  /** Raw values that say "not known". */
  readonly absent: readonly number[];
  readonly scale: number;
  readonly offset: number;
  readonly unit: string;
  /** Moves slowly: asked for now and then. */
  readonly slow: boolean;
};

export type RegisterMap = {
  readonly name: string;
  readonly title: string;
  readonly kind: Kind | null;
  /** Seen to be right on a recording or a device; false while only documents say so. */
  readonly verified: boolean;
  readonly source: string | null;
  readonly notation: Notation;
  /** Registers in one reply that the device can do. */
  readonly readMax: number;
  /** Registers that nobody named are read along when so few of them stand between two that are wanted. */
  readonly readGap: number;
  /** Those that a metric or the identity reads. */
  readonly registers: Readonly<Record<string, Register>>;
  /** What the values mean, with the registers where an SNMP profile has OIDs. */
  readonly profile: Profile;
};

/** An expression of the profile language with registers as its source; see profile.ts for the rest. */
export type MapExpression = {
  readonly register?: string | undefined;
  readonly constant?: number | boolean | undefined;
  readonly first?: readonly MapExpression[] | undefined;
  readonly any?: readonly MapExpression[] | undefined;
  readonly all?: readonly MapExpression[] | undefined;
  readonly sum?: readonly MapExpression[] | undefined;
  readonly product?: readonly MapExpression[] | undefined;
  readonly difference?: readonly MapExpression[] | undefined;
  readonly percent?: { readonly part: MapExpression; readonly whole: MapExpression } | undefined;
  readonly not?: MapExpression | undefined;
  readonly when?: MapExpression | undefined;
  /** Is bit n of the register set? Bit 0 is the least significant. */
  readonly bit?: number | undefined;
  readonly absent?: readonly number[] | undefined;
  readonly mask?: number | undefined;
  readonly is?: readonly number[] | undefined;
  readonly map?: Readonly<Record<string, number | boolean>> | undefined;
  readonly scale?: number | undefined;
  readonly range?: readonly [number, number] | undefined;
};

/** Objects of "read device identification", function 43/14 (V1.1b3, 6.21). */
export const DEVICE_ID_OBJECTS = {
  vendor_name: 0,
  product_code: 1,
  revision: 2,
  vendor_url: 3,
  product_name: 4,
  model_name: 5,
  application_name: 6,
} as const;
export type DeviceIdObject = keyof typeof DEVICE_ID_OBJECTS;
const OBJECT_NAMES = [
  "vendor_name",
  "product_code",
  "revision",
  "vendor_url",
  "product_name",
  "model_name",
  "application_name",
] as const;

export type MapTextSource = {
  readonly text?: string | undefined;
  readonly register?: string | undefined;
  readonly device_id?: DeviceIdObject | undefined;
  /** What the device says to "report server ID", function 17, of which only its text can be read. */
  readonly server_id?: true | undefined;
  readonly match?: string | undefined;
  readonly map?: Readonly<Record<string, string>> | undefined;
};

/** One entry of `registers` as the file says it. */
export type WrittenRegister = {
  readonly at: number;
  readonly table?: ModbusTable | undefined;
  readonly type?: RegisterType | undefined;
  readonly length?: number | undefined;
  readonly bits?: readonly [number, number] | undefined;
  readonly word_order?: WordOrder | undefined;
  readonly absent: readonly number[];
  readonly scale: number;
  readonly offset: number;
  readonly unit: string;
  readonly slow: boolean;
};

export type MapFile = {
  readonly map: string;
  readonly title: string;
  readonly kind?: Kind | undefined;
  readonly verified: boolean;
  readonly source?: string | undefined;
  readonly addresses: Notation;
  readonly word_order: WordOrder;
  readonly read_max: number;
  readonly read_gap: number;
  readonly registers: Readonly<Record<string, WrittenRegister>>;
  readonly identity: { readonly [part in (typeof IDENTITY)[number]]?: readonly MapTextSource[] | undefined };
  readonly metrics: Readonly<Record<string, MapExpression>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, MapExpression>>>>;
};

const name = z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/, "expected a name of lower-case letters, digits, - and _");
const registerName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/, "expected a register's name of lower-case letters, digits and _");
const componentId = z
  .string()
  .regex(/^[a-z][a-z0-9]{0,15}-[a-z0-9-]{1,40}$/, "expected a component such as eye-infeed");

/** Few patterns are needed on identity texts, and the strings are short: captures of plain character classes. */
const pattern: z.ZodType<string> = asWritten("a regular expression", (written) => {
  if (typeof written !== "string" || written.length > 200) return { ok: false };
  if (/\\[1-9k]|\([^()]*[*+{][^()]*\)[*+{]/.test(written) || (written.match(/[*+]/g)?.length ?? 0) > 6) {
    return { ok: false, message: "expected a pattern without back-references and nested repetition" };
  }
  try {
    new RegExp(written, "u");
    return { ok: true, value: written };
  } catch {
    return { ok: false };
  }
});

export const MAP_SOURCES = [
  "register",
  "constant",
  "first",
  "any",
  "all",
  "sum",
  "product",
  "difference",
  "percent",
  "not",
] as const;

const expressions = z.lazy(() => z.array(expression).min(1).max(32));
const expression: z.ZodType<MapExpression> = z.lazy(() =>
  z
    .strictObject({
      register: registerName.optional(),
      constant: z.union([z.number(), z.boolean()]).optional(),
      first: expressions.optional(),
      any: expressions.optional(),
      all: expressions.optional(),
      sum: expressions.optional(),
      product: expressions.optional(),
      difference: expressions.optional(),
      percent: z.strictObject({ part: expression, whole: expression }).optional(),
      not: expression.optional(),
      when: expression.optional(),
      bit: z.int().min(0).max(31).optional(),
      absent: z.array(z.number()).min(1).max(32).optional(),
      mask: z.int().min(1).max(0x7fffffff).optional(),
      is: z.array(z.number()).min(1).max(64).optional(),
      map: z.record(z.string(), z.union([z.number(), z.boolean()])).optional(),
      scale: z.number().optional(),
      range: z.tuple([z.number(), z.number()]).optional(),
    })
    .superRefine((written, context) => {
      const complain = (message: string): void =>
        context.addIssue({ code: "custom", message, params: { code: "CFG_VALUE" } });
      const sources = MAP_SOURCES.filter((source) => written[source] !== undefined);
      if (sources.length !== 1) {
        const received = sources.join(" and ") || "none";
        complain(`expected exactly one of: ${MAP_SOURCES.join(", ")}; received ${received}`);
      } else if (written.bit !== undefined && written.register === undefined) {
        complain("expected register beside bit");
      }
    }),
);

const textSource: z.ZodType<MapTextSource> = z
  .strictObject({
    text: z.string().max(128).optional(),
    register: registerName.optional(),
    device_id: z.enum(OBJECT_NAMES).optional(),
    server_id: z.literal(true).optional(),
    match: pattern.optional(),
    map: z.record(z.string(), z.string().max(128)).optional(),
  })
  .refine(
    ({ text, register, device_id, server_id }) =>
      [text, register, device_id, server_id].filter((given) => given !== undefined).length === 1,
    { error: "expected exactly one of: text, register, device_id, server_id" },
  );

const bitNumber = z.int().min(0).max(15);
const register: z.ZodType<WrittenRegister> = z.strictObject({
  at: z.int().min(0).max(465_536),
  table: z.enum(MODBUS_TABLES).optional(),
  type: z.enum(REGISTER_TYPES).optional(),
  length: z.int().min(1).max(MODBUS_LIMITS.textRegistersMax).optional(),
  bits: z.tuple([bitNumber, bitNumber]).optional(),
  word_order: z.enum(WORD_ORDERS).optional(),
  absent: z.array(z.number()).max(32).default([]),
  scale: z.number().default(1),
  offset: z.number().default(0),
  unit: z.string().max(16).default(""),
  slow: z.boolean().default(false),
});

const texts = z.array(textSource).max(8).optional();

export const mapFile: z.ZodType<MapFile> = z
  .strictObject({
    map: name,
    title: z.string().min(1).max(128),
    kind: z.enum(KINDS).optional(),
    verified: z.boolean().default(true),
    source: z.string().min(1).max(256).optional(),
    addresses: z.enum(NOTATIONS),
    word_order: z.enum(WORD_ORDERS).default("high_first"),
    read_max: z.int().min(2).max(MODBUS_LIMITS.registersMax).default(MODBUS_LIMITS.registersMax),
    read_gap: z.int().min(0).max(32).default(0),
    registers: z
      .record(registerName, register)
      .refine((registers) => Object.keys(registers).length > 0, { error: "expected a register" })
      .refine((registers) => Object.keys(registers).length <= MODBUS_LIMITS.entriesMax, {
        error: `expected at most ${MODBUS_LIMITS.entriesMax} registers`,
      }),
    identity: z.strictObject({ vendor: texts, model: texts, serial: texts, firmware: texts }).default({}),
    metrics: z.record(z.string(), expression).default({}),
    components: z.record(componentId, z.record(z.string(), expression)).default({}),
  })
  .refine(({ verified, source }) => verified || source !== undefined, {
    path: ["verified"],
    error: "expected source beside verified: false: the document that says so",
  });
