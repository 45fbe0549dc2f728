import { describe, expect, it } from "vitest";
import { migrations } from "./migrations.ts";
import { incidentList } from "./queries/incidents.ts";
import { buildQueries } from "./queries.ts";
import { asSqlValue, compilerFor, type SqlDialect, slots, template } from "./template.ts";

describe("a template", () => {
  const db = compilerFor("sqlite");

  it("puts each value where its name stands, fixed ones too", () => {
    const place = slots<{ site: string; seq: number }>("site", "seq");
    const query = template(
      place,
      db
        .selectFrom("watermarks")
        .selectAll()
        .where("seq", ">", place.seq)
        .where("lane", "=", "live")
        .where("site", "=", place.site),
    );
    expect(query.sql).toBe('select * from "watermarks" where "seq" > ? and "lane" = ? and "site" = ?');
    expect(query.values({ site: "o'hara", seq: 5 })).toEqual([5, "live", "o'hara"]);
  });

  it.each([undefined, true, {}, Symbol("x"), 5n])("refuses %s, which no column takes", (value) => {
    expect(() => asSqlValue(value)).toThrow(TypeError);
  });
});

describe.each<{ dialect: SqlDialect; mark: RegExp }>([
  { dialect: "sqlite", mark: /\?/ },
  { dialect: "postgres", mark: /\$1/ },
])("the same builders for $dialect", ({ dialect, mark }) => {
  const db = compilerFor(dialect);

  it("compile every query and migration", () => {
    for (const query of Object.values(buildQueries(db))) expect(query.sql).toMatch(/^(select|insert|update|delete) /);
    expect(migrations.flatMap(({ statements }) => statements(db, dialect)).length).toBeGreaterThan(20);
    expect(buildQueries(db).document.sql).toMatch(mark);
  });

  it("never put a value into the text of a query", () => {
    const hostile = "'; drop table incidents; --";
    const { rows, total } = incidentList(
      db,
      { site: hostile, device: hostile, kind: hostile, search: "'; drop table" },
      { limit: 5, after: { priority: hostile, openedAt: 1, id: hostile }, order: "urgency" },
    );
    expect(rows.sql + total.sql).not.toContain("drop");
  });
});

it("numbers migrations from 1 without a hole", () => {
  expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, n) => n + 1));
});
