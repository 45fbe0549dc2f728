/**
 * Profile files to profiles: shape, then what only the whole can show (what is extended, which metrics, tables and
 * columns are named, what type comes out), then those that are extended are put below. Pure; reading is profile-load's.
 */
import { type Diagnostic, type Path, parseYaml, suggest, wholeFile, type YamlSource } from "@aislewatch/config";
import { CATALOGUE, findMetric } from "./catalogue.ts";
import type { Metric } from "./metric.ts";
import {
  type Expression,
  IDENTITY,
  type Identity,
  PROFILE_LIMITS,
  type Profile,
  type ProfileFile,
  profileFile,
  type Quirk,
  type Table,
} from "./profile.ts";
import { repeatedTraps } from "./traps.ts";

export type ProfileText = { readonly file: string; readonly text: string };
export type ProfilesResult =
  | { readonly ok: true; readonly value: readonly Profile[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

type Read = { readonly file: ProfileFile; readonly source: YamlSource };

/** All files together, because they extend each other; `base` are profiles that stand already. */
export function parseProfiles(texts: readonly ProfileText[], base: readonly Profile[] = []): ProfilesResult {
  const diagnostics: Diagnostic[] = [];
  const read = new Map<string, Read>();
  for (const text of texts) {
    const parsed = parseYaml(text, profileFile);
    if (!parsed.ok) {
      diagnostics.push(...parsed.diagnostics);
      continue;
    }
    const { value, source } = parsed;
    const known = read.get(value.profile);
    if (known !== undefined) {
      const message = `expected a profile name once; ${known.source.file} has "${value.profile}", too`;
      diagnostics.push(source.diagnostic(["profile"], { code: "CFG_DUPLICATE_ID", message }));
    } else read.set(value.profile, { file: value, source });
  }
  diagnostics.push(...repeatedTraps([...read.values()].map(({ file, source }) => ({ traps: file.traps, source }))));
  if (diagnostics.length > 0) return { ok: false, diagnostics };
  const resolve = resolver(read, base, diagnostics);
  const profiles = [...read.keys()].map((name) => resolve(name, [])).filter((profile) => profile !== null);
  for (const { file, source } of read.values()) {
    const profile = profiles.find(({ name }) => name === file.profile);
    if (profile !== undefined) diagnostics.push(...checkReferences(file, profile, source));
  }
  if (diagnostics.length > 0) return { ok: false, diagnostics };
  return { ok: true, value: [...base.filter(({ name }) => !read.has(name)), ...profiles] };
}

type Resolve = (name: string, via: readonly string[]) => Profile | null;

function resolver(read: ReadonlyMap<string, Read>, base: readonly Profile[], diagnostics: Diagnostic[]): Resolve {
  const done = new Map<string, Profile | null>();
  const standing = new Map(base.map((profile) => [profile.name, profile]));
  const resolve: Resolve = (name, via) => {
    const entry = read.get(name);
    if (entry === undefined) return standing.get(name) ?? null;
    if (done.has(name)) return done.get(name) ?? null;
    const parents = entry.file.extends.map((parent, i) => {
      const complaint = complainParent(parent, name, via, [...read.keys(), ...standing.keys()]);
      if (complaint === null) return resolve(parent, [...via, name]);
      diagnostics.push(entry.source.diagnostic(["extends", i], complaint));
      return null;
    });
    const profile = parents.includes(null)
      ? null
      : inherit(
          entry.file,
          parents.filter((parent) => parent !== null),
        );
    done.set(name, profile);
    return profile;
  };
  return resolve;
}

type Complaint = { code: string; message: string; hint?: string };

function complainParent(parent: string, name: string, via: readonly string[], known: string[]): Complaint | null {
  if (parent === name || via.includes(parent)) {
    return {
      code: "CFG_CYCLE",
      message: `expected a profile that does not extend "${name}" itself; received "${parent}"`,
    };
  }
  if (via.length >= PROFILE_LIMITS.extendsMax) {
    return { code: "CFG_RANGE", message: `expected at most ${PROFILE_LIMITS.extendsMax} profiles above one another` };
  }
  return known.includes(parent) ? null : unknown("CFG_UNKNOWN_PROFILE", "a profile", parent, known);
}

/** Names beyond this many are not listed: nobody reads a hundred metrics in a terminal. */
const LISTED_MAX = 24;

function unknown(code: string, what: string, received: string, known: Iterable<string>): Complaint {
  const names = [...known];
  const near = suggest(received, names);
  const listed = names.length > 0 && names.length <= LISTED_MAX;
  return {
    code,
    message: `expected ${what}${listed ? `: ${names.join(", ")}` : ""}; received "${received}"`,
    ...(near !== null && { hint: `did you mean "${near}"?` }),
  };
}

/** What a profile says itself stands above what it extends; of several, the later above the earlier. */
function inherit(file: ProfileFile, parents: readonly Profile[]): Profile {
  const layers = [...parents, file];
  const identity: { -readonly [part in keyof Identity]: Identity[part] } = {};
  for (const part of IDENTITY) {
    const sources = layers.toReversed().flatMap((layer) => layer.identity[part] ?? []);
    if (sources.length > 0) identity[part] = sources;
  }
  return {
    name: file.profile,
    title: file.title,
    verified: file.verified,
    source: file.source ?? null,
    kind: file.kind ?? parents.findLast(({ kind }) => kind !== null)?.kind ?? null,
    lineage: [file.profile, ...new Set(parents.flatMap(({ lineage }) => lineage))],
    match: file.match,
    identity,
    metrics: Object.assign({}, ...layers.map(({ metrics }) => metrics)) as Profile["metrics"],
    tables: Object.assign({}, ...layers.map(({ tables }) => tables)) as Profile["tables"],
    quirks: layers.flatMap(({ quirks }) => quirks),
    traps: file.traps,
  };
}

/** Names that a profile's own file uses, held against the catalogue and against its tables, inherited ones included. */
function checkReferences(file: ProfileFile, profile: Profile, source: YamlSource): Diagnostic[] {
  const found: Diagnostic[] = [];
  const complain = (path: Path, complaint: Complaint, key = false): void => {
    found.push(source.diagnostic(path, { ...complaint, key }));
  };
  const checker = new ReferenceChecker(profile, complain);
  for (const [name, expression] of Object.entries(file.metrics)) {
    checker.metric({ name, expression, path: ["metrics", name], prefix: null, table: null });
  }
  for (const [tableName, table] of Object.entries(file.tables)) {
    checker.table(table, ["tables", tableName]);
  }
  file.quirks.forEach((quirk, i) => void checker.quirk(quirk, ["quirks", i]));
  for (const part of IDENTITY) {
    file.identity[part]?.forEach((text, i) => {
      if (text.table === undefined) return;
      const table = checker.namedTable(text.table, ["identity", part, i, "table"]);
      if (table !== null) checker.column(text.column ?? "", table, ["identity", part, i, "column"]);
    });
  }
  return found;
}

type Named = { name: string; expression: Expression; path: Path; prefix: string | null; table: Table | null };

export class ReferenceChecker {
  readonly #profile: Profile;
  readonly #complain: (path: Path, complaint: Complaint, key?: boolean) => void;

  constructor(profile: Profile, complain: (path: Path, complaint: Complaint, key?: boolean) => void) {
    this.#profile = profile;
    this.#complain = complain;
  }

  table(table: Table, path: Path): void {
    if (table.members !== undefined && Object.keys(table.columns).length > 1) {
      this.#complain([...path, "members"], { code: "CFG_VALUE", message: "expected one column beside members" });
    }
    table.where.forEach((condition, i) => void this.expression(condition, table, [...path, "where", i]));
    this.#pace(table, path);
    if (table.quote !== undefined) this.column(table.quote, table, [...path, "quote"]);
    table.component?.from.forEach((column, i) => void this.column(column, table, [...path, "component", "from", i]));
    const like = table.component?.row_of;
    if (like !== undefined) this.namedTable(like.table, [...path, "component", "row_of", "table"]);
    const prefix = table.component?.prefix ?? null;
    for (const [name, expression] of Object.entries(table.metrics)) {
      const at = [...path, "metrics", name];
      if (prefix === null) {
        const message = "expected no metrics in a table whose rows are no components";
        this.#complain(at, { code: "CFG_METRIC_COMPONENT", message, hint: "add component: { prefix, from }" }, true);
      } else this.metric({ name, expression, path: at, prefix, table });
    }
  }

  /** What need not be asked for at every poll must still be noticed when it changes. */
  #pace(table: Table, path: Path): void {
    table.static.forEach((column, i) => void this.column(column, table, [...path, "static", i]));
    if (Object.keys(table.columns).every((column) => table.static.includes(column))) {
      const message = "expected a column that is not static: its rows tell when the others have to be asked for";
      this.#complain([...path, "static"], { code: "CFG_VALUE", message });
    }
    if (table.gate === undefined) return;
    const counts = this.namedTable(table.gate, [...path, "gate"]);
    if (counts !== table && counts?.gate === undefined) return;
    const message = "expected a table that is walked at every poll, without a gate of its own";
    this.#complain([...path, "gate"], { code: "CFG_VALUE", message });
  }

  quirk(quirk: Quirk, path: Path): void {
    for (const [name, expression] of Object.entries(quirk.metrics)) {
      if (expression === null) continue;
      this.metric({ name, expression, path: [...path, "metrics", name], prefix: null, table: null });
    }
    for (const [tableName, { metrics }] of Object.entries(quirk.tables)) {
      const at = [...path, "tables", tableName];
      const table = this.namedTable(tableName, at);
      const prefix = table?.component?.prefix ?? null;
      for (const [name, expression] of Object.entries(metrics)) {
        if (expression !== null) this.metric({ name, expression, path: [...at, "metrics", name], prefix, table });
      }
    }
  }

  metric({ name, expression, path, prefix, table }: Named): void {
    const metric = findMetric(name);
    if (metric === undefined) {
      const names = CATALOGUE.filter(({ component }) => component === prefix).map((known) => known.name);
      this.#complain(path, unknown("CFG_UNKNOWN_METRIC", "a metric of the catalogue", name, names), true);
      return;
    }
    const complaint = complainPlace(metric, prefix, this.#profile);
    if (complaint !== null) this.#complain(path, complaint, true);
    const type = this.expression(expression, table, path);
    if (type !== null && type !== metric.type) {
      const message = `expected a ${metric.type} for ${name}; this gives a ${type}`;
      const hint = metric.type === "boolean" ? "say which values are true with is, bit or map" : undefined;
      this.#complain(path, { code: "CFG_METRIC_TYPE", message, ...(hint !== undefined && { hint }) });
    }
  }

  namedTable(name: string, path: Path): Table | null {
    const table = this.#profile.tables[name];
    if (table !== undefined) return table;
    this.#complain(
      path,
      unknown("CFG_UNKNOWN_TABLE", "a table of this profile", name, Object.keys(this.#profile.tables)),
    );
    return null;
  }

  column(name: string, table: Table | null, path: Path): void {
    if (table === null) {
      const message = "expected no column here: there is no row";
      this.#complain(path, { code: "CFG_UNKNOWN_COLUMN", message, hint: "use oid, or rows over a table" });
    } else if (table.columns[name] === undefined) {
      this.#complain(path, unknown("CFG_UNKNOWN_COLUMN", "a column of the table", name, Object.keys(table.columns)));
    }
  }

  /** Checks the names in an expression and says what it gives; null when that is for the device to say. */
  expression(expression: Expression, table: Table | null, path: Path): Metric["type"] | null {
    const inner = this.#children(expression, table, path);
    if (expression.column !== undefined) this.column(expression.column, table, [...path, "column"]);
    if (expression.arc !== undefined && table === null) {
      const message = "expected no arc here: there is no row";
      this.#complain([...path, "arc"], { code: "CFG_UNKNOWN_COLUMN", message });
    }
    if (
      expression.map !== undefined &&
      new Set(Object.values(expression.map).map((to) => typeof to === "boolean")).size > 1
    ) {
      const message = "expected values of one type: numbers, or true and false";
      this.#complain([...path, "map"], { code: "CFG_VALUE", message });
    }
    const { bit, is, matches, not } = expression;
    if ([bit, is, matches, not].some((given) => given !== undefined)) return "boolean";
    if (expression.map !== undefined) return mapType(expression.map);
    if (["any", "all", "any_of"].some((key) => Object.hasOwn(expression, key))) return "boolean";
    if (expression.constant !== undefined) return typeof expression.constant === "boolean" ? "boolean" : "number";
    if (expression.rows !== undefined) return rowsType(expression.rows.take, inner[0] ?? null);
    if (expression.first !== undefined || expression.first_of !== undefined) {
      return inner.find((type) => type !== null) ?? null;
    }
    return "number";
  }

  #children(expression: Expression, table: Table | null, path: Path): (Metric["type"] | null)[] {
    const { percent, rows, not, when } = expression;
    const lists = (["first", "any", "all", "sum", "product", "difference"] as const).flatMap((key) =>
      (expression[key] ?? []).map((child, i) => this.expression(child, table, [...path, key, i])),
    );
    for (const key of ["any_of", "first_of"] as const) {
      for (const [witness, child] of Object.entries(expression[key] ?? {})) {
        lists.push(this.expression(child, table, [...path, key, witness]));
      }
    }
    if (when !== undefined) this.expression(when, table, [...path, "when"]);
    if (percent !== undefined) {
      lists.push(this.expression(percent.part, table, [...path, "percent", "part"]));
      lists.push(this.expression(percent.whole, table, [...path, "percent", "whole"]));
    }
    if (not !== undefined) this.expression(not, table, [...path, "not"]);
    if (rows !== undefined) {
      const named = this.namedTable(rows.table, [...path, "rows", "table"]);
      if (named !== null) {
        lists.push(this.expression(rows.of, named, [...path, "rows", "of"]));
        rows.where?.forEach((condition, i) => void this.expression(condition, named, [...path, "rows", "where", i]));
      }
    }
    return lists;
  }
}

function complainPlace(metric: Metric, prefix: string | null, { kind }: Profile): Complaint | null {
  if (metric.component !== prefix) {
    const owner = metric.component === null ? "the device itself" : `components ${metric.component}-…`;
    return {
      code: "CFG_METRIC_COMPONENT",
      message: `expected ${metric.name} at ${owner}; received it at ${prefix === null ? "the device itself" : `components ${prefix}-…`}`,
    };
  }
  if (kind === null || metric.kinds === null || metric.kinds.includes(kind)) return null;
  return { code: "CFG_METRIC_KIND", message: `expected a metric of the kind ${kind}; received ${metric.name}` };
}

function mapType(map: NonNullable<Expression["map"]>): Metric["type"] | null {
  const first = Object.values(map)[0];
  return first === undefined ? null : typeof first === "boolean" ? "boolean" : "number";
}

function rowsType(take: string, of: Metric["type"] | null): Metric["type"] | null {
  return take === "any" || take === "all" ? "boolean" : take === "count" ? "number" : of;
}

export const unreadableProfile = (file: string, message: string): Diagnostic =>
  wholeFile(file, "CFG_UNREADABLE", message);
