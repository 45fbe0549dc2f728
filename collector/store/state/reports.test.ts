import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { figuresOf } from "../../incidents/report.ts";
import { someFacts } from "./contract-data.ts";
import type { ReportRequest } from "./report-worker.ts";
import { createReports, type Reports } from "./reports.ts";
import { createSqliteStore } from "./sqlite.ts";

const columns = "opened_at, done_at, slot_no, marks, restored_at, detect_ms, acknowledge_ms, restore_ms, resolve_ms";
const facts = `select ${columns}, resolve_unpaused_ms, penalty_cents, currency, signals, life_ms from incident_facts`;
const request = (sql = facts): ReportRequest => ({
  facts: { sql, values: [] },
  spans: { sql: "select 1 where 1 = 0", values: [] },
  slots: null,
  named: [],
  options: { from: 0, to: 8e12, groupBy: null },
  calendars: undefined,
});

let folder: string;
let reports: Reports;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aislewatch-reports-"));
  const file = join(folder, "state.sqlite");
  const store = createSqliteStore({ file });
  await store.open();
  store.commit({ facts: [1, 2, 3].map((n) => someFacts(`INC-00000${n}`)) });
  await store.close();
  reports = createReports(file, 2);
});
afterEach(async () => {
  await reports.close();
  await rm(folder, { recursive: true });
});

describe("reports", () => {
  it("of more incidents than memory is meant for are refused, and the next one is made", async () => {
    await expect(reports.make(request())).rejects.toMatchObject({ kind: "too_large" });
    const { all } = await reports.make(request(`${facts} limit 2`));
    expect(all.incidents.opened).toBe(2);
  });

  it("that can't be read are refused with the reason, and the next one is made", async () => {
    await expect(reports.make(request("select 1 from nothing"))).rejects.toMatchObject({ kind: "failed" });
    await expect(reports.make(request(`${facts} limit 1`))).resolves.toMatchObject({ hours: expect.any(Array) });
  });

  it("of more incidents than all blocks between the threads hold are the same as those of a list, names and all", async () => {
    const many = Array.from({ length: 40_000 }, (_, n) =>
      someFacts(`INC-${String(n).padStart(6, "0")}`, {
        ...{ openedAt: 1_000 + n, site: `store-${n % 7}`, slot: n % 5 === 0 ? null : `store-${n % 7}/lane-${n % 900}` },
        ...{
          model: n % 3 === 0 ? null : `m-${Math.floor(n / 3_000)}`,
          rule: `r-${n % 11}`,
          detectMs: n % 13 === 0 ? null : n,
        },
        ...{ currency: n % 2 === 0 ? "EUR" : "CHF", penaltyCents: n % 17 },
      }),
    );
    const store = createSqliteStore({ file: join(folder, "many.sqlite") });
    await store.open();
    try {
      store.commit({ facts: many });
      const tables = ["slot", "model", "rule", "kind", "vendor"] as const;
      const options = { from: 0, to: 8e12, groupBy: "site", tables, withCourse: true } as const;
      // Calls of the second one find the threads and their blocks as the first one left them.
      for (let n = 0; n < 2; n++) expect(await store.report(options)).toEqual(figuresOf(many, options));
    } finally {
      await store.close();
    }
  });
});
