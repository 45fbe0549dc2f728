/**
 * What a reply means by a profile: samples and the asset. Pure, total, and liberal in types: firmware changes INTEGER
 * to Gauge, appends units and pads with NUL, and none of that may cost a reading. What can't be understood is absent.
 */
import { findMetric } from "./catalogue.ts";
import { jsonAt, jsonMembers } from "./json-cell.ts";
import { capture } from "./pattern.ts";
import {
  type Expression,
  IDENTITY,
  type Profile,
  type Rows,
  type Scalar,
  type Table,
  type TextSource,
} from "./profile.ts";
import { boundTo } from "./profile-bind.ts";
import { withQuirks } from "./profile-quirks.ts";
import { componentName } from "./slug.ts";
import { compareOids, octetsOf, type SnmpReply, type SnmpValue, textOf } from "./snmp-reply.ts";

export type ProfileAsset = { vendor?: string; model?: string; serial?: string; firmware?: string };
export type Evaluation = {
  readonly samples: readonly {
    readonly component: string | null;
    readonly metrics: Readonly<Record<string, number | boolean>>;
  }[];
  readonly asset: ProfileAsset;
  readonly evidence: readonly Evidence[];
};

/**
 * Who said so, for the metrics whose profile names its witnesses: of a verdict that stands, and of a number that was
 * taken from the first who has one. Evidence beside a reading: nothing is decided by it.
 */
export type Evidence = {
  readonly component: string | null;
  readonly metric: string;
  readonly by: readonly string[];
  /** Those who were asked and say otherwise. */
  readonly against: readonly string[];
  /** Which row of a table spoke for a witness: its own words, or the component that it stands for. */
  readonly quotes?: Readonly<Record<string, string>>;
};

type Row = { readonly index: string; readonly cells: ReadonlyMap<string, SnmpValue> };
export type Scope = {
  readonly reply: SnmpReply;
  readonly tables: ReadonlyMap<string, readonly Row[]>;
  /** The row that `column` means. */
  readonly row: Row | null;
  readonly profile: Profile;
};

export function evaluateProfile(family: Profile, reply: SnmpReply): Evaluation {
  const general = boundTo(family, scalarText("1.3.6.1.2.1.1.2.0", reply));
  const scope = scopeOf(general, reply);
  const asset = assetOf(general, scope);
  const profile = withQuirks(general, {
    ...asset,
    sysDescr: scalarText("1.3.6.1.2.1.1.1.0", reply),
    sysObjectID: scalarText("1.3.6.1.2.1.1.2.0", reply),
  });
  const named = Object.entries(profile.tables).flatMap(([name, table]) =>
    componentsOf(name, table, { profile, scope }),
  );
  const found = [
    measure(null, profile.metrics, scope),
    ...named.map(([name, row, of]) => measure(name, of, { ...scope, row })),
  ];
  return {
    samples: merged(found.map(({ sample }) => sample).filter(({ metrics }) => Object.keys(metrics).length > 0)),
    asset,
    evidence: found.flatMap(({ evidence }) => evidence),
  };
}

/** Everything that an expression of a profile may look at, outside of any row. */
export const scopeOf = (profile: Profile, reply: SnmpReply): Scope => ({
  reply,
  tables: readTables(profile, reply),
  row: null,
  profile,
});

const scalarText = (oid: string, { varbinds }: SnmpReply): string => {
  const value = varbinds[oid];
  return value === undefined ? "" : textOf(value);
};

type Sample = { component: string | null; metrics: Record<string, number | boolean> };

function measure(
  component: string | null,
  expressions: Readonly<Record<string, Expression>>,
  scope: Scope,
): { sample: Sample; evidence: Evidence[] } {
  const sample: Sample = { component, metrics: {} };
  const evidence: Evidence[] = [];
  for (const [metric, expression] of Object.entries(expressions)) {
    const value = evaluate(expression, scope);
    if (value === undefined || typeof value !== findMetric(metric)?.type || typeof value === "string") continue;
    if (typeof value === "number" && !Number.isFinite(value)) continue;
    sample.metrics[metric] = value;
    const who = witnessesOf(expression, value, scope);
    if (who !== null) evidence.push({ component, metric, ...who });
  }
  return { sample, evidence };
}

function witnessesOf(
  { any_of, first_of }: Expression,
  value: Scalar,
  scope: Scope,
): Omit<Evidence, "component" | "metric"> | null {
  if (any_of === undefined && first_of === undefined) return null;
  if (value === false) return null;
  const heard = Object.entries(any_of ?? first_of ?? {})
    .map(([name, expression]) => ({ name, expression, said: evaluate(expression, scope) }))
    .filter(({ said }) => said !== undefined);
  const [first] = heard;
  const trusted = any_of === undefined ? first?.said : true;
  const names = (agrees: boolean): string[] =>
    heard.filter(({ said }) => (said === trusted) === agrees).map(({ name }) => name);
  const quotes = heard.flatMap(({ name, expression, said }) => {
    const quote = said === true ? quoteOf(expression, scope) : "";
    return quote === "" ? [] : [[name, quote] as const];
  });
  const told = quotes.length > 0 && { quotes: Object.fromEntries(quotes) };
  return { by: names(true), against: names(false), ...told };
}

/** Of a quoted row: enough for "Lade 2: Papier A4 nachlegen", not for a vendor's whole paragraph. */
const QUOTE_CHARS_MAX = 64;

/** The first row for which an `any` over rows holds, in words, and how many more there are. */
function quoteOf({ rows }: Expression, scope: Scope): string {
  const table = scope.profile.tables[rows?.table ?? ""];
  if (rows?.take !== "any" || table === undefined) return "";
  const [first, ...more] = inRows(rows, scope).filter((inRow) => evaluate(rows.of, inRow) === true);
  if (first?.row == null) return "";
  const said = table.quote === undefined ? undefined : first.row.cells.get(table.quote);
  const words = said === undefined ? "" : textOf(said).slice(0, QUOTE_CHARS_MAX).trim();
  const quote = words === "" ? (rowNames(rows.table, table, scope).get(first.row.index) ?? "") : `“${words}”`;
  return quote === "" || more.length === 0 ? quote : `${quote} and ${more.length} more`;
}

/** Tables that name the same components (a tray's level and its status) give one sample set each component. */
function merged(components: readonly Sample[]): Sample[] {
  const byName = new Map<string | null, Sample>();
  for (const { component, metrics } of components) {
    const known = byName.get(component);
    if (known === undefined) byName.set(component, { component, metrics: { ...metrics } });
    else Object.assign(known.metrics, metrics);
  }
  return [...byName.values()];
}

type Named = [name: string, row: Row, metrics: Table["metrics"]];

/** The rows of a table that stand for components, each under its name. */
function componentsOf(name: string, table: Table, { profile, scope }: { profile: Profile; scope: Scope }): Named[] {
  if (table.component === undefined || Object.keys(table.metrics).length === 0) return [];
  const names = rowNames(name, table, scope);
  const like = table.component.row_of;
  const other = like === undefined ? undefined : profile.tables[like.table];
  const others = like === undefined || other === undefined ? new Map() : rowNames(like.table, other, scope);
  return (scope.tables.get(name) ?? []).map((row) => {
    const arcs = row.index.split(".").slice(like?.arcs[0], like?.arcs[1]);
    return [others.get(arcs.join(".")) ?? names.get(row.index) ?? "", row, table.metrics];
  });
}

/**
 * Row index to component name. What is called the same is told apart by a number, in the order of the table; a number
 * that another row has in its own name is left out, for two rows of one name would be one component.
 */
function rowNames(name: string, { component }: Table, scope: Scope): Map<string, string> {
  const names = new Map<string, string>();
  if (component === undefined) return names;
  const rows = (scope.tables.get(name) ?? []).map((row) => ({ index: row.index, called: nameOf(component, row) }));
  const own = new Set(rows.map(({ called }) => called));
  const last = new Map<string, number>();
  for (const { index, called } of rows) {
    let n = (last.get(called) ?? 0) + 1;
    while (n > 1 && own.has(`${called}-${n}`)) n++;
    last.set(called, n);
    names.set(index, n === 1 ? called : `${called}-${n}`);
  }
  return names;
}

function nameOf(component: NonNullable<Table["component"]>, row: Row): string {
  const { prefix, from, match, blank, called } = component;
  if (called !== undefined) return `${prefix}-${called}`;
  for (const column of from) {
    const cell = row.cells.get(column);
    const text = cell === undefined ? "" : textOf(cell);
    const named = componentName(prefix, (match === undefined ? null : capture(match, text)) ?? text);
    if (named !== "") return named;
    if (text !== "" && blank !== undefined) return `${prefix}-${blank}`;
  }
  return componentName(prefix, row.index.split(".").slice(component.arcs?.[0], component.arcs?.[1]).join("."));
}

/** The rows of every table, in index order, those that `where` leaves out taken away. */
function readTables(profile: Profile, reply: SnmpReply): Map<string, readonly Row[]> {
  const cells = cellsOf(columnsOf(profile), reply);
  const tables = new Map<string, readonly Row[]>();
  const bare: Scope = { reply, tables: new Map(), row: null, profile };
  for (const [name, table] of Object.entries(profile.tables)) {
    const found = cells.get(name);
    if (found === undefined) {
      tables.set(name, NO_ROWS);
      continue;
    }
    const rows = [...found]
      .sort(([a], [b]) => compareOids(a, b))
      .map(([index, row]): Row => ({ index, cells: row }))
      .flatMap((row) => (table.members === undefined ? [row] : memberRows(row, table.members, table.max_rows)))
      .slice(0, table.max_rows);
    tables.set(
      name,
      rows.filter((row) => holds(table.where, { ...bare, row })),
    );
  }
  return tables;
}

const NO_ROWS: readonly Row[] = [];

type Cells = ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, SnmpValue>>>;

/** Of each table the cells of each row by their column. */
function cellsOf({ owners, lengths }: Columns, { varbinds }: SnmpReply): Cells {
  const cells = new Map<string, Map<string, Map<string, SnmpValue>>>();
  for (const oid of Object.keys(varbinds)) {
    const value = varbinds[oid];
    if (value === undefined) continue;
    // A column's OID is one of the few prefixes of the cell's; the rest is the row index.
    for (let cut = oid.lastIndexOf("."); cut > 0; cut = oid.lastIndexOf(".", cut - 1)) {
      if (!lengths.has(cut)) continue;
      for (const { table, column } of owners.get(oid.slice(0, cut)) ?? []) {
        const rows = cells.get(table) ?? new Map<string, Map<string, SnmpValue>>();
        const index = oid.slice(cut + 1);
        const row = rows.get(index) ?? new Map<string, SnmpValue>();
        cells.set(table, rows.set(index, row.set(column, value)));
      }
    }
  }
  return cells;
}

/** Whose column an OID is, and how long such OIDs are: of most prefixes of a cell's OID that is enough to say no. */
type Columns = {
  readonly owners: ReadonlyMap<string, readonly { readonly table: string; readonly column: string }[]>;
  readonly lengths: ReadonlySet<number>;
};
/** A profile's columns are the same at every poll. */
const columnsKnown = new WeakMap<Profile["tables"], Columns>();

function columnsOf({ tables }: Profile): Columns {
  const known = columnsKnown.get(tables);
  if (known !== undefined) return known;
  const owners = new Map<string, { table: string; column: string }[]>();
  for (const [table, { columns }] of Object.entries(tables)) {
    for (const [column, oid] of Object.entries(columns)) {
      const others = owners.get(oid);
      if (others === undefined) owners.set(oid, [{ table, column }]);
      else others.push({ table, column });
    }
  }
  const made = { owners, lengths: new Set([...owners.keys()].map((oid) => oid.length)) };
  columnsKnown.set(tables, made);
  return made;
}

/** A row of its own for each member of the JSON text in a row. */
const memberRows = ({ index, cells }: Row, path: string, max: number): Row[] =>
  [...cells].flatMap(([column, cell]) =>
    jsonMembers(cell, path, max).map(([key, member]) => ({
      index: `${index}.${key}`,
      cells: new Map([[column, member]]),
    })),
  );

const holds = (conditions: readonly Expression[], scope: Scope): boolean =>
  conditions.every((condition) => evaluate(condition, scope) === true);

/** No value is undefined, and stays so through every operation. */
export function evaluate(expression: Expression, scope: Scope): Scalar | undefined {
  if (expression.when !== undefined && evaluate(expression.when, scope) !== true) return undefined;
  if (expression.clock !== undefined) return clockOffset(scope.reply.varbinds[expression.clock], scope.reply.at);
  const leaf = leafOf(expression, scope);
  if (leaf !== null) {
    const cell = expression.json === undefined || leaf === undefined ? leaf : jsonAt(leaf, expression.json);
    return cell === undefined ? undefined : decode(cell, expression);
  }
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
  if (expression.arc !== undefined) {
    const arc = scope.row?.index.split(".").at(expression.arc);
    return arc === undefined ? undefined : Number(arc);
  }
  if (expression.first !== undefined) return firstOf(expression.first, scope);
  if (expression.first_of !== undefined) return firstOf(Object.values(expression.first_of), scope);
  if (expression.any_of !== undefined) return some(booleans(Object.values(expression.any_of), scope));
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

function firstOf(expressions: readonly Expression[], scope: Scope): Scalar | undefined {
  for (const expression of expressions) {
    const value = evaluate(expression, scope);
    if (value !== undefined) return value;
  }
  return undefined;
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
  return numbers.length === values.length ? tidy(numbers.reduce(operate)) : undefined;
}

/** Rounded to a tenth: a percentage of small integers with more digits would be noise in every store. */
function percent(part: Scalar | undefined, whole: Scalar | undefined): number | undefined {
  if (typeof part !== "number" || typeof whole !== "number" || part < 0 || !(whole > 0)) return undefined;
  return Math.min(100, Math.round((1000 * part) / whole) / 10);
}

/** The rows that count, each as a scope. */
const inRows = ({ table, where }: Rows, scope: Scope): Scope[] =>
  (scope.tables.get(table) ?? []).map((row): Scope => ({ ...scope, row })).filter((inRow) => holds(where ?? [], inRow));

function overRows(rows: Rows, scope: Scope): Scalar | undefined {
  const { take, of } = rows;
  const values = inRows(rows, scope)
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

/** A varbind through `bit` or `tlv`, or `absent`, `unsigned`, `mask` and `match`, then as any value. */
function decode(value: SnmpValue, expression: Expression): Scalar | undefined {
  const { bit, tlv, absent, unsigned, mask, match } = expression;
  if (bit !== undefined) {
    const octets = octetsOf(value);
    return octets === null ? undefined : isBitSet(octets, bit);
  }
  if (tlv !== undefined) {
    const octets = octetsOf(value);
    const number = octets === null ? undefined : recordOf(octets, tlv);
    return number === undefined || absent?.some((special) => same(number, special))
      ? undefined
      : shape(number, expression);
  }
  const plain = plainOf(value);
  if (absent?.some((special) => same(plain, special))) return undefined;
  if (match !== undefined) {
    const captured = capture(match, String(plain));
    return captured === null ? undefined : shape(captured, expression);
  }
  if (mask !== undefined) {
    return typeof plain === "number" && plain >= 0 ? shape(plain & mask, expression) : undefined;
  }
  return shape(unsigned && typeof plain === "number" && plain < 0 ? plain + 2 ** 32 : plain, expression);
}

/** Brother's lists: code, type 1, length, a big-endian number of that length, and so on until 0xFF. */
function recordOf(octets: Uint8Array, code: number): number | undefined {
  for (let at = 0; at + 3 < octets.length && octets[at] !== 0xff; ) {
    const length = octets[at + 2] ?? 0;
    const value = octets.subarray(at + 3, at + 3 + length);
    if (octets[at] === code) return value.length === length && length > 0 && length <= 6 ? bigEndian(value) : undefined;
    at += 3 + length;
  }
  return undefined;
}

const bigEndian = (octets: Uint8Array): number => octets.reduce((number, octet) => number * 256 + octet, 0);

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
const tidy = (value: number): number => (Number.isInteger(value) ? value : Number(value.toPrecision(12)));

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

/** What memory says that was never written, and factories that left a form empty. */
const NO_NAME =
  /^(?:([0fx?*.-])\1*|unknown|none|n\/?a|null|not (?:set|available|specified)|default string|<private>)$/i;

function textFrom(source: TextSource, scope: Scope): string {
  if (source.text !== undefined) return source.text;
  for (const value of candidates(source, scope)) {
    const whole = textOf(value);
    if (source.absent?.includes(whole)) continue;
    const part = source.match === undefined ? whole : (capture(source.match, whole) ?? "");
    const text = source.map === undefined ? part : (source.map[part] ?? "");
    if (text.trim() !== "" && !NO_NAME.test(text.trim())) return text.trim();
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
