/**
 * Map files to register maps: shape, then what only the whole can show (addresses in the notation that the file names,
 * what overlaps, which registers and metrics are named, what type comes out). The meaning is compiled to a profile, so
 * that it is checked and evaluated by what checks and evaluates SNMP profiles. Pure; reading is modbus-map-load's.
 */
import { type Diagnostic, type Path, parseYaml, suggest, type YamlSource } from "@aislewatch/config";
import {
  DEVICE_ID_OBJECTS,
  type MapExpression,
  type MapFile,
  type MapTextSource,
  MODBUS_LIMITS,
  type ModbusTable,
  mapFile,
  type Notation,
  type Register,
  type RegisterMap,
  type RegisterType,
  type WrittenRegister,
} from "./modbus-map.ts";
import { type Expression, IDENTITY, type Identity, type Profile, type Table, type TextSource } from "./profile.ts";
import { type ProfileText, ReferenceChecker } from "./profile-file.ts";

export type MapsResult =
  | { readonly ok: true; readonly value: readonly RegisterMap[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Is this the text of a register map, and not of an SNMP profile? Both may lie in one folder. */
export const isMapText = (text: string): boolean => /^map\s*:/m.test(text) && !/^profile\s*:/m.test(text);

/** `base` are maps that stand already; one of the same name is replaced. */
export function parseMaps(texts: readonly ProfileText[], base: readonly RegisterMap[] = []): MapsResult {
  const diagnostics: Diagnostic[] = [];
  const read = new Map<string, { map: RegisterMap; source: YamlSource }>();
  for (const text of texts) {
    const parsed = parseYaml(text, mapFile);
    if (!parsed.ok) {
      diagnostics.push(...parsed.diagnostics);
      continue;
    }
    const { value, source } = parsed;
    const known = read.get(value.map);
    if (known !== undefined) {
      const message = `expected a map's name once; ${known.source.file} has "${value.map}", too`;
      diagnostics.push(source.diagnostic(["map"], { code: "CFG_DUPLICATE_ID", message }));
      continue;
    }
    const built = new Builder(value, source).build();
    diagnostics.push(...built.diagnostics);
    read.set(value.map, { map: built.map, source });
  }
  if (diagnostics.length > 0) return { ok: false, diagnostics };
  return {
    ok: true,
    value: [...base.filter(({ name }) => !read.has(name)), ...[...read.values()].map(({ map }) => map)],
  };
}

/** Where a register's value stands in the reply that a compiled profile reads; never a name that objects have already. */
export const valueKey = (register: string): string => `register:${register}`;
export const bitKey = (register: string, bit: number): string => `register:${register}#${bit}`;
export const objectKey = (object: number): string => `object:${object}`;
export const SERVER_ID_KEY = "server";
/** Components are tables of one row, and this is its cell. */
export const componentKey = (component: string): string => `component:${component}`;

type Complaint = { code: string; message: string; hint?: string };
const ROWS_OF_A_COMPONENT = 1;

class Builder {
  readonly #file: MapFile;
  readonly #source: YamlSource;
  readonly #diagnostics: Diagnostic[] = [];
  readonly #registers: Record<string, Register> = {};
  readonly #measured = new Set<string>();
  readonly #identifying = new Set<string>();

  constructor(file: MapFile, source: YamlSource) {
    this.#file = file;
    this.#source = source;
  }

  build(): { map: RegisterMap; diagnostics: readonly Diagnostic[] } {
    const { map, title, kind, verified, source, addresses, read_max, read_gap } = this.#file;
    for (const [name, written] of Object.entries(this.#file.registers)) {
      const register = this.#register(name, written);
      if (register !== null) this.#registers[name] = register;
    }
    this.#refuseOverlaps();
    const profile = this.#profile();
    this.#checkMeaning(profile);
    if (this.#diagnostics.length === 0) this.#refuseSilence();
    const used = Object.entries(this.#registers).filter(
      ([name]) => this.#measured.has(name) || this.#identifying.has(name),
    );
    return {
      diagnostics: this.#diagnostics,
      map: {
        name: map,
        title,
        kind: kind ?? null,
        verified,
        source: source ?? null,
        notation: addresses,
        readMax: read_max,
        readGap: read_gap,
        registers: Object.fromEntries(used),
        profile,
      },
    };
  }

  #complain(path: Path, complaint: Complaint, key = false): void {
    this.#diagnostics.push(this.#source.diagnostic(path, { ...complaint, key }));
  }

  #register(name: string, written: WrittenRegister): Register | null {
    const path: Path = ["registers", name];
    const place = placeOf(this.#file.addresses, written);
    if (!place.ok) {
      this.#complain([...path, "at"], { code: "CFG_RANGE", message: place.message });
      return null;
    }
    const { table, address } = place;
    const isBit = table === "coil" || table === "discrete";
    const type = isBit ? "bit" : (written.type ?? "u16");
    const wrong = wrongShape(written, { isBit, type });
    if (wrong !== null) {
      this.#complain([...path, wrong.key], { code: "CFG_VALUE", message: wrong.message });
      return null;
    }
    const length = type === "text" ? (written.length ?? 1) : LENGTHS[type];
    if (address + length - 1 > MODBUS_LIMITS.addressMax) {
      const message = `expected a register that ends at ${MODBUS_LIMITS.addressMax} on the wire`;
      this.#complain([...path, "at"], { code: "CFG_RANGE", message });
      return null;
    }
    if (length > this.#file.read_max) {
      const message = `expected at most read_max, ${this.#file.read_max}, registers; received ${length}`;
      this.#complain([...path, "length"], { code: "CFG_RANGE", message });
      return null;
    }
    const { bits, word_order, absent, scale, offset, unit, slow } = written;
    const wordOrder = word_order ?? this.#file.word_order;
    return { table, address, length, type, wordOrder, bits: bits ?? null, absent, scale, offset, unit, slow };
  }

  /** Two readings of the same registers are fine (bits of one word); half of somebody else's value is a wrong address. */
  #refuseOverlaps(): void {
    const entries = Object.entries(this.#registers).sort(
      ([, a], [, b]) => a.table.localeCompare(b.table) || a.address - b.address || a.length - b.length,
    );
    entries.forEach(([name, register], i) => {
      const before = entries[i - 1];
      if (before === undefined) return;
      const [other, { table, address, length }] = before;
      const apart = table !== register.table || address + length <= register.address;
      if (apart || (address === register.address && length === register.length)) return;
      const message = `expected registers that do not overlap; ${name} begins inside ${other} (${length} registers from ${spoken(this.#file.addresses, table, address)})`;
      this.#complain(["registers", name, "at"], { code: "CFG_OVERLAP", message });
    });
  }

  #profile(): Profile {
    const { map, title, kind, verified, source, metrics, components, identity } = this.#file;
    const tables = Object.entries(components).map(([component, of]): [string, Table] => {
      const [prefix = ""] = component.split("-");
      const table: Table = {
        columns: { here: componentKey(component) },
        max_rows: ROWS_OF_A_COMPONENT,
        static: [],
        where: [],
        component: { prefix, from: [], called: component.slice(prefix.length + 1) },
        metrics: this.#compileAll(of, ["components", component]),
      };
      return [component, table];
    });
    const texts: { -readonly [part in keyof Identity]: Identity[part] } = {};
    for (const part of IDENTITY) {
      texts[part] = identity[part]?.map((text, i) => this.#compileText(text, ["identity", part, i]));
    }
    return {
      name: map,
      title,
      kind: kind ?? null,
      verified,
      source: source ?? null,
      lineage: [map],
      match: [],
      identity: texts,
      metrics: this.#compileAll(metrics, ["metrics"]),
      tables: Object.fromEntries(tables),
      quirks: [],
      traps: [],
    };
  }

  #compileAll(written: Readonly<Record<string, MapExpression>>, path: Path): Record<string, Expression> {
    const all = Object.entries(written).map(([name, one]) => [name, this.#compile(one, [...path, name])] as const);
    return Object.fromEntries(all);
  }

  /** The same expression with a key of the reply where it names a register; paths stay what they are in the file. */
  #compile(written: MapExpression, path: Path): Expression {
    const { register, bit, not, when, percent, first, any, all, sum, product, difference, ...rest } = written;
    const inner = (key: string, child: MapExpression | undefined) =>
      child === undefined ? {} : { [key]: this.#compile(child, [...path, key]) };
    const list = (key: string, children: readonly MapExpression[] | undefined) =>
      children === undefined ? {} : { [key]: children.map((child, i) => this.#compile(child, [...path, key, i])) };
    return {
      ...rest,
      ...list("first", first),
      ...list("any", any),
      ...list("all", all),
      ...list("sum", sum),
      ...list("product", product),
      ...list("difference", difference),
      ...inner("not", not),
      ...inner("when", when),
      ...(percent !== undefined && {
        percent: {
          part: this.#compile(percent.part, [...path, "percent", "part"]),
          whole: this.#compile(percent.whole, [...path, "percent", "whole"]),
        },
      }),
      ...(register !== undefined && this.#leaf(register, written, path)),
    };
  }

  #leaf(name: string, { bit, is, map }: MapExpression, path: Path): Expression {
    const register = this.#named(name, [...path, "register"], this.#measured);
    if (bit !== undefined) {
      if (register !== null && (register.type === "text" || register.type === "f32" || bit >= 16 * register.length)) {
        const message = `expected a bit of ${name}, which is ${register.type} of ${register.length} registers`;
        this.#complain([...path, "bit"], { code: "CFG_RANGE", message });
      }
      return { oid: bitKey(name, bit), is: [1] };
    }
    // A coil is true or false, and nobody should have to say so.
    const isPlainBit = register?.type === "bit" && is === undefined && map === undefined;
    return { oid: valueKey(name), ...(isPlainBit && { is: [1] }) };
  }

  #compileText({ text, register, device_id, server_id, match, map }: MapTextSource, path: Path): TextSource {
    if (register !== undefined) this.#named(register, [...path, "register"], this.#identifying);
    const oid =
      register !== undefined
        ? valueKey(register)
        : device_id !== undefined
          ? objectKey(DEVICE_ID_OBJECTS[device_id])
          : server_id === true
            ? SERVER_ID_KEY
            : undefined;
    return { text, oid, match, map };
  }

  #named(name: string, path: Path, uses: Set<string>): Register | null {
    uses.add(name);
    if (Object.hasOwn(this.#file.registers, name)) return this.#registers[name] ?? null;
    const names = Object.keys(this.#file.registers);
    const near = suggest(name, names);
    this.#complain(path, {
      code: "CFG_UNKNOWN_REGISTER",
      message: `expected an entry of registers${names.length <= 24 ? `: ${names.join(", ")}` : ""}; received "${name}"`,
      ...(near !== null && { hint: `did you mean "${near}"?` }),
    });
    return null;
  }

  #checkMeaning(profile: Profile): void {
    const checker = new ReferenceChecker(profile, (path, complaint, key) => this.#complain(path, complaint, key));
    for (const [name, expression] of Object.entries(profile.metrics)) {
      checker.metric({ name, expression, path: ["metrics", name], prefix: null, table: null });
    }
    for (const [component, table] of Object.entries(profile.tables)) {
      const prefix = table.component?.prefix ?? null;
      for (const [name, expression] of Object.entries(table.metrics)) {
        checker.metric({ name, expression, path: ["components", component, name], prefix, table });
      }
    }
  }

  /** A device is there when it answers what is asked at each poll; a map without that would never be heard. */
  #refuseSilence(): void {
    const asked = [...this.#measured].some((name) => this.#registers[name]?.slow === false);
    if (asked) return;
    const message = "expected a metric from a register that is not slow: what is asked at every poll";
    this.#complain(["metrics"], { code: "CFG_VALUE", message });
  }
}

const LENGTHS: Readonly<Record<Exclude<RegisterType, "text"> | "bit", number>> = {
  bit: 1,
  u16: 1,
  s16: 1,
  u32: 2,
  s32: 2,
  f32: 2,
};

/** What a written register has that its table or type can't have. */
function wrongShape(
  { type: written, length, bits, word_order }: WrittenRegister,
  { isBit, type }: { isBit: boolean; type: RegisterType | "bit" },
): { key: string; message: string } | null {
  if (isBit && written !== undefined)
    return { key: "type", message: "expected no type: coils and discrete inputs are bits" };
  if (bits !== undefined && type !== "u16") return { key: "bits", message: "expected bits of a u16 register only" };
  if (bits !== undefined && bits[0] > bits[1])
    return { key: "bits", message: "expected the lower bit first, as in [0, 7]" };
  if (length !== undefined && type !== "text")
    return { key: "length", message: "expected length beside type: text only" };
  if (length === undefined && type === "text")
    return { key: "type", message: "expected length beside type: text, in registers" };
  if (word_order !== undefined && !["u32", "s32", "f32"].includes(type)) {
    return { key: "word_order", message: "expected word_order beside a type of 32 bits only" };
  }
  return null;
}

type Place =
  | { readonly ok: true; readonly table: ModbusTable; readonly address: number }
  | { readonly ok: false; readonly message: string };

/** Leading digit of the entity notation; coils have 0, which a number can't show. */
const ENTITIES: readonly (readonly [ModbusTable, number])[] = [
  ["discrete", 1],
  ["input", 3],
  ["holding", 4],
];

function placeOf(notation: Notation, { at, table }: WrittenRegister): Place {
  if (notation === "entity") return entityPlace(at, table);
  const address = notation === "one_based" ? at - 1 : at;
  const [least, most] = notation === "one_based" ? [1, 65_536] : [0, MODBUS_LIMITS.addressMax];
  if (at < least || at > most)
    return { ok: false, message: `expected an address from ${least} to ${most}; received ${at}` };
  return { ok: true, table: table ?? "holding", address };
}

function entityPlace(at: number, table: ModbusTable | undefined): Place {
  const found = entityOf(at);
  if (found === null) {
    const message = `expected 1 to 9999 (coil), 10001, 30001 or 40001 and so on, or the same with six digits; received ${at}`;
    return { ok: false, message };
  }
  if (table === undefined || table === found.table) return { ok: true, ...found };
  return { ok: false, message: `expected an address of the table ${table}; ${at} is one of the table ${found.table}` };
}

function entityOf(at: number): { table: ModbusTable; address: number } | null {
  if (at >= 1 && at <= 9_999) return { table: "coil", address: at - 1 };
  for (const [table, digit] of ENTITIES) {
    if (at > digit * 10_000 && at <= digit * 10_000 + 9_999) return { table, address: at - digit * 10_000 - 1 };
    if (at > digit * 100_000 && at <= digit * 100_000 + 65_536) return { table, address: at - digit * 100_000 - 1 };
  }
  return null;
}

const DIGITS: Readonly<Record<ModbusTable, number>> = { coil: 0, discrete: 1, input: 3, holding: 4 };
const WORDS: Readonly<Record<ModbusTable, string>> = {
  coil: "coil",
  discrete: "discrete input",
  input: "input register",
  holding: "holding register",
};

/** An address as the map writes it, for people: `holding register 40110`. */
export function spoken(notation: Notation, table: ModbusTable, address: number): string {
  if (notation === "pdu") return `${WORDS[table]} ${address}`;
  if (notation === "one_based") return `${WORDS[table]} ${address + 1}`;
  const digits = address < 9_999 ? 4 : 5;
  return `${WORDS[table]} ${DIGITS[table]}${String(address + 1).padStart(digits, "0")}`;
}
