/**
 * Kysely as a compiler: a query is built and compiled once, with slots where its values go, and run many times on
 * whatever driver a store has. The store's seam is synchronous and Kysely's own execution is not, so nothing here ever
 * executes; the same builders compile for SQLite and for PostgreSQL.
 */
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { Tables } from "./schema.ts";

export type SqlValue = string | number | null | Uint8Array;
export type SqlDialect = "sqlite" | "postgres";

/** A query whose values are given at each run; `rowType` exists for the compiler only. */
export type Template<Params, Row> = {
  readonly sql: string;
  readonly values: (params: Params) => SqlValue[];
  readonly rowType?: Row;
};

export function compilerFor(dialect: SqlDialect): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect:
      dialect === "sqlite"
        ? {
            createAdapter: () => new SqliteAdapter(),
            createDriver: () => new DummyDriver(),
            createIntrospector: (db) => new SqliteIntrospector(db),
            createQueryCompiler: () => new SqliteQueryCompiler(),
          }
        : {
            createAdapter: () => new PostgresAdapter(),
            createDriver: () => new DummyDriver(),
            createIntrospector: (db) => new PostgresIntrospector(db),
            createQueryCompiler: () => new PostgresQueryCompiler(),
          },
  });
}

class Slot {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** Stand-ins for values, typed as the values they stand for, so that the builder checks them against the columns. */
export function slots<Params extends object>(...names: readonly (keyof Params & string)[]): Params {
  return Object.fromEntries(names.map((name) => [name, new Slot(name)])) as Params;
}

export function template<Params extends object, Row>(
  _slots: Params,
  query: { compile(): CompiledQuery<Row> },
): Template<Params, Row> {
  const { sql, parameters } = query.compile();
  return {
    sql,
    values: (params) =>
      parameters.map((value) => {
        const given = value instanceof Slot ? (params as Record<string, unknown>)[value.name] : value;
        return asSqlValue(given);
      }),
  };
}

export function asSqlValue(value: unknown): SqlValue {
  if (value === null || typeof value === "string" || typeof value === "number" || value instanceof Uint8Array) {
    return value;
  }
  throw new TypeError(`not a value for SQL: ${typeof value}`);
}
