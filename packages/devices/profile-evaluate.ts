/**
 * What a reply means by a profile: samples and the asset. Pure, total, and liberal in types: firmware changes INTEGER
 * to Gauge, appends units and pads with NUL, and none of that may cost a reading. What can't be understood is absent.
 */
import { findMetric } from "./catalogue.ts";
import {
  type Expression,
  IDENTITY,
  type Profile,
  type Rows,
  type Scalar,
  type Table,
  type TextSource,
} from "./profile.ts";
import { componentName } from "./slug.ts";
import { compareOids, octetsOf, type SnmpReply, type SnmpValue, textOf } from "./snmp-reply.ts";

export type ProfileAsset = { vendor?: string; model?: string; serial?: string; firmware?: string };
export type Evaluation = {
  readonly samples: readonly {
    readonly component: string | null;
    readonly metrics: Readonly<Record<string, number | boolean>>;
  }[];
  readonly asset: ProfileAsset;
};

type Row = { readonly index: string; readonly cells: ReadonlyMap<string, SnmpValue> };
type Scope = {
  readonly reply: SnmpReply;
  readonly tables: ReadonlyMap<string, readonly Row[]>;
  /** The row that `column` means. */
  readonly row: Row | null;
};

export function evaluateProfile(profile: Profile, reply: SnmpReply): Evaluation {
  const scope: Scope = { reply, tables: readTables(profile, reply), row: null };
  const device = metricsOf(profile.metrics, scope);
  const components = Object.entries(profile.tables).flatMap(([name, table]) => componentsOf(name, table, scope));
  return {
    samples: [...(Object.keys(device).length > 0 ? [{ component: null, metrics: device }] : []), ...merged(components)],
    asset: assetOf(profile, scope),
  };
}

type Component = { component: string; metrics: Record<string, number | boolean> };

function metricsOf(expressions: Readonly<Record<string, Expression>>, scope: Scope): Record<string, number | boolean> {
  const metrics: Record<string, number | boolean> = {};
  for (const [name, expression] of Object.entries(expressions)) {
    const value = evaluate(expression, scope);
    const type = findMetric(name)?.type;
    if (type === "boolean" && typeof value === "boolean") metrics[name] = value;
    if (type === "number" && typeof value === "number" && Number.isFinite(value)) metrics[name] = value;
  }
  return metrics;
}

/** Tables that name the same components (a tray's level and its status) give one sample set each component. */
function merged(components: readonly Component[]): Component[] {
  const byName = new Map<string, Component>();
  for (const { component, metrics } of components) {
    const known = byName.get(component);
    if (known === undefined) byName.set(component, { component, metrics: { ...metrics } });
    else Object.assign(known.metrics, metrics);
  }
  return [...byName.values()];
}

function componentsOf(name: string, table: Table, scope: Scope): Component[] {
  if (table.component === undefined) return [];
  const taken = new Map<string, number>();
  const components: Component[] = [];
  for (const row of scope.tables.get(name) ?? []) {
    const called = nameOf(table.component, row);
    const repeats = (taken.get(called) ?? 0) + 1;
    taken.set(called, repeats);
    const metrics = metricsOf(table.metrics, { ...scope, row });
    if (Object.keys(metrics).length === 0) continue;
    components.push({ component: repeats === 1 ? called : `${called}-${repeats}`, metrics });
  }
  return components;
}

function nameOf(component: NonNullable<Table["component"]>, row: Row): string {
  const { prefix, from, match, blank } = component;
  for (const column of from) {
    const cell = row.cells.get(column);
    const text = cell === undefined ? "" : textOf(cell);
    const named = componentName(prefix, (match === undefined ? null : capture(match, text)) ?? text);
    if (named !== "") return named;
    if (text !== "" && blank !== undefined) return `${prefix}-${blank}`;
  }
  return componentName(prefix, row.index);
}

/** The rows of every table, in index order, those that `where` leaves out taken away. */
function readTables(profile: Profile, reply: SnmpReply): Map<string, readonly Row[]> {
  const owners = new Map<string, { table: string; column: string }[]>();
  for (const [table, { columns }] of Object.entries(profile.tables)) {
    for (const [column, oid] of Object.entries(columns)) {
      const known = owners.get(oid);
      if (known === undefined) owners.set(oid, [{ table, column }]);
      else known.push({ table, column });
    }
  }
  const cells = new Map<string, Map<string, Map<string, SnmpValue>>>();
  for (const [oid, value] of Object.entries(reply.varbinds)) {
    // A column's OID is one of the few prefixes of the cell's; the rest is the row index.
    for (let cut = oid.lastIndexOf("."); cut > 0; cut = oid.lastIndexOf(".", cut - 1)) {
      for (const { table, column } of owners.get(oid.slice(0, cut)) ?? []) {
        const rows = cells.get(table) ?? new Map<string, Map<string, SnmpValue>>();
        const index = oid.slice(cut + 1);
        const row = rows.get(index) ?? new Map<string, SnmpValue>();
        cells.set(table, rows.set(index, row.set(column, value)));
      }
    }
  }
  const tables = new Map<string, readonly Row[]>();
  const bare: Scope = { reply, tables: new Map(), row: null };
  for (const [name, table] of Object.entries(profile.tables)) {
    const rows = [...(cells.get(name) ?? [])]
      .sort(([a], [b]) => compareOids(a, b))
      .slice(0, table.max_rows)
      .map(([index, row]): Row => ({ index, cells: row }));
    tables.set(
      name,
      rows.filter((row) => holds(table.where, { ...bare, row })),
    );
  }
  return tables;
}

const holds = (conditions: readonly Expression[], scope: Scope): boolean =>
  conditions.every((condition) => evaluate(condition, scope) === true);

/** No value is undefined, and stays so through every operation. */
function evaluate(expression: Expression, scope: Scope): Scalar | undefined {
  if (expression.clock !== undefined) return clockOffset(scope.reply.varbinds[expression.clock], scope.reply.at);
  const leaf = leafOf(expression, scope);
  if (leaf !== null) return leaf === undefined ? undefined : decode(leaf, expression);
  const value = combine(expression, scope);
  return value === undefined ? undefined : shape(value, expression);
}

/** The varbind that an expression names; undefined when it is not in the reply, null when it names none. */
function leafOf({ oid, column }: Expression, { reply, row }: Scope): SnmpValue | undefined | null {
  if (oid !== undefined) return reply.varbinds[oid];
  return column === undefined ? null : row?.cells.get(column);
}

function combine(expression: Expression, scope: Scope): Scalar | undefined {
  if (expression.constant !== undefined) return expression.constant;
  if (expression.first !== undefined) {
    for (const option of expression.first) {
      const value = evaluate(option, scope);
      if (value !== undefined) return value;
    }
    return undefined;
  }
  if (expression.any !== undefined) return some(booleans(expression.any, scope));
  if (expression.all !== undefined) return every(booleans(expression.all, scope));
  if (expression.sum !== undefined) return fold(expression.sum, scope, (a, b) => a + b);
  if (expression.product !== undefined) return fold(expression.product, scope, (a, b) => a * b);
  if (expression.difference !== undefined) return fold(expression.difference, scope, (a, b) => a - b);
  if (expression.percent !== undefined) {
    return percent(evaluate(expression.percent.part, scope), evaluate(expression.percent.whole, scope));
  }
  if (expression.not !== undefined) {
    const value = evaluate(expression.not, scope);
    return typeof value === "boolean" ? !value : undefined;
  }
  return expression.rows === undefined ? undefined : overRows(expression.rows, scope);
}

const booleans = (expressions: readonly Expression[], scope: Scope): boolean[] =>
  expressions.map((expression) => evaluate(expression, scope)).filter((value) => typeof value === "boolean");
const some = (values: readonly boolean[]): boolean | undefined =>
  values.length === 0 ? undefined : values.some((value) => value);
const every = (values: readonly boolean[]): boolean | undefined =>
  values.length === 0 ? undefined : values.every((value) => value);

function fold(
  expressions: readonly Expression[],
  scope: Scope,
  operate: (a: number, b: number) => number,
): number | undefined {
  const values = expressions.map((expression) => evaluate(expression, scope));
  const numbers = values.filter((value) => typeof value === "number");
  return numbers.length === values.length ? numbers.reduce(operate) : undefined;
}

/** Rounded to a tenth: a percentage of small integers with more digits would be noise in every store. */
function percent(part: Scalar | undefined, whole: Scalar | undefined): number | undefined {
  if (typeof part !== "number" || typeof whole !== "number" || part < 0 || !(whole > 0)) return undefined;
  return Math.min(100, Math.round((1000 * part) / whole) / 10);
}

function overRows({ table, take, of, where }: Rows, scope: Scope): Scalar | undefined {
  const values = (scope.tables.get(table) ?? [])
    .map((row): Scope => ({ ...scope, row }))
    .filter((inRow) => holds(where ?? [], inRow))
    .map((inRow) => evaluate(of, inRow))
    .filter((value) => value !== undefined);
  if (take === "any") return some(values.filter((value) => typeof value === "boolean"));
  if (take === "all") return every(values.filter((value) => typeof value === "boolean"));
  if (take === "count") return values.length;
  const numbers = values.filter((value) => typeof value === "number");
  if (numbers.length === 0) return undefined;
  const sum = numbers.reduce((a, b) => a + b);
  if (take === "sum") return sum;
  if (take === "mean") return Math.round((10 * sum) / numbers.length) / 10;
  return numbers.reduce((a, b) => (take === "max" ? Math.max(a, b) : Math.min(a, b)));
}

/** A varbind through `bit`, or `absent`, `unsigned` and `match`, then as any value. */
function decode(value: SnmpValue, expression: Expression): Scalar | undefined {
  const { bit, absent, unsigned, match } = expression;
  if (bit !== undefined) {
    const octets = octetsOf(value);
    return octets === null ? undefined : isBitSet(octets, bit);
  }
  const plain = plainOf(value);
  if (absent?.some((special) => same(plain, special))) return undefined;
  if (match !== undefined) {
    const captured = capture(match, String(plain));
    return captured === null ? undefined : shape(captured, expression);
  }
  return shape(unsigned && typeof plain === "number" && plain < 0 ? plain + 2 ** 32 : plain, expression);
}

/** The rest of the pipeline, which combined values go through, too. */
function shape(value: Scalar, { is, matches, map, scale, range }: Expression): Scalar | undefined {
  if (is !== undefined) return is.some((wanted) => same(value, wanted));
  if (matches !== undefined) return capture(matches, String(value)) !== null;
  const mapped = map === undefined ? value : (map[String(value)] ?? map["else"]);
  const shaped = typeof mapped === "string" ? numeric(mapped) : mapped;
  if (typeof shaped !== "number") return shaped;
  const scaled = scale === undefined ? shaped : tidy(shaped * scale);
  return range !== undefined && (scaled < range[0] || scaled > range[1]) ? undefined : scaled;
}

/** 0.1 × 541 is 54.1, not 54.1000000000000014. */
const tidy = (value: number): number => Number(value.toPrecision(12));

function plainOf(value: SnmpValue): number | string {
  if (value.type === "text" || value.type === "hex") return textOf(value);
  if (value.type === "counter64") return Number(value.value);
  return value.value;
}

/** A text that is a number is one ("0.12", "37 C" is not); other text stays text. */
function numeric(text: string): number | string {
  return /^[+-]?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : text;
}

const same = (value: Scalar, wanted: number | string): boolean => value === wanted || String(value) === String(wanted);

function isBitSet(octets: Uint8Array, bit: number): boolean {
  const octet = octets[Math.floor(bit / 8)] ?? 0;
  return (octet & (0x80 >> (bit % 8))) !== 0;
}

/** DateAndTime (RFC 2579) of 11 octets; of 8 octets the time zone is unknown, and so is the offset. */
function clockOffset(value: SnmpValue | undefined, atMs: number): number | undefined {
  const octets = value === undefined ? null : octetsOf(value);
  if (octets?.length !== 11) return undefined;
  const [y1 = 0, y2 = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, tenth = 0, sign = 0, h = 0, m = 0] =
    octets;
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return undefined;
  const localMs = Date.UTC(y1 * 256 + y2, month - 1, day, hour, minute, second, tenth * 100);
  const zoneMs = (sign === 0x2d ? -1 : 1) * (h * 60 + m) * 60_000;
  return tidy((localMs - zoneMs - atMs) / 1000);
}

function assetOf(profile: Profile, scope: Scope): ProfileAsset {
  const asset: ProfileAsset = {};
  for (const part of IDENTITY) {
    for (const source of profile.identity[part] ?? []) {
      const text = textFrom(source, scope);
      if (text === "") continue;
      asset[part] = text.slice(0, ASSET_CHARS_MAX);
      break;
    }
  }
  return asset;
}

const ASSET_CHARS_MAX = 128;

function textFrom(source: TextSource, scope: Scope): string {
  if (source.text !== undefined) return source.text;
  for (const value of candidates(source, scope)) {
    const whole = textOf(value);
    if (source.absent?.includes(whole)) continue;
    const part = source.match === undefined ? whole : (capture(source.match, whole) ?? "");
    const text = source.map === undefined ? part : (source.map[part] ?? "");
    if (text.trim() !== "") return text.trim();
  }
  return "";
}

function candidates(source: TextSource, scope: Scope): SnmpValue[] {
  if (source.oid !== undefined) {
    const value = scope.reply.varbinds[source.oid];
    return value === undefined ? [] : [value];
  }
  return (scope.tables.get(source.table ?? "") ?? []).flatMap((row) => {
    const cell = row.cells.get(source.column ?? "");
    return cell !== undefined && holds(source.where ?? [], { ...scope, row }) ? [cell] : [];
  });
}

/** Patterns were checked when the profile was read; the few dozen of them are compiled once. */
const compiled = new Map<string, RegExp>();

/** The first capture, or the whole match when there is none; null when it does not match. */
export function capture(pattern: string, text: string): string | null {
  let regexp = compiled.get(pattern);
  if (regexp === undefined) {
    regexp = new RegExp(pattern, "u");
    compiled.set(pattern, regexp);
  }
  const found = regexp.exec(text);
  return found === null ? null : (found[1] ?? found[0]);
}
