/**
 * Nothing lost, nothing doubled: agent and collector are killed with SIGKILL in the middle of their work, again and
 * again, while a ledger is kept of every batch that the agent's outbox ever held. In the end the store must have each
 * reading of the ledger exactly once.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, describe, expect, it } from "vitest";
import { BodyCodec } from "../../agent/outbox-codec.ts";
import { zplOverTcp } from "../rig/devices.ts";
import { cleanUp, onCleanUp, startAgent, startCollector, waitFor } from "../rig/rig.ts";
import { viewSamples } from "../rig/stored-samples.ts";

const RULES = `group: test
select: kind == "label_printer"
rules:
  - { id: media-out, title: "Media out", when: "media_out", for: 0s, severity: major, category: consumable }
`;

type Batch = { lane: number; seq: number; body: string };
type Body = {
  base: number;
  subjects: string[];
  tables: { metrics: string[]; subject: number[]; at: number[]; values: unknown[][] }[];
};

/** Watches an outbox and remembers every batch that was ever in it. */
function keepLedger(file: string): { batches: Map<string, Batch>; waiting(): number } {
  const batches = new Map<string, Batch>();
  const look = (): number => {
    if (!existsSync(file)) return 0;
    const db = new DatabaseSync(file, { readOnly: true });
    try {
      const codec = new BodyCodec(db);
      const rows = db.prepare("SELECT lane, seq, body, packed, dictionary FROM batch").all();
      for (const packed of rows) {
        const row = { lane: Number(packed["lane"]), seq: Number(packed["seq"]), body: codec.unpack(packed) };
        const key = `${row.lane}/${row.seq}`;
        const before = batches.get(key);
        if (before !== undefined && before.body !== row.body) throw new Error(`batch ${key} changed`);
        batches.set(key, row);
      }
      return rows.length;
    } finally {
      db.close();
    }
  };
  const timer = setInterval(() => {
    try {
      look();
    } catch {
      // Locked for a moment, or being made: the next look sees it.
    }
  }, 20);
  onCleanUp(() => clearInterval(timer));
  return { batches, waiting: look };
}

function samplesOf({ body }: Batch): { subject: string; metric: string; at: number }[] {
  const { base, subjects, tables } = JSON.parse(`{${body}`) as Body;
  return tables.flatMap(({ metrics, subject, at, values }) =>
    subject.flatMap((index, row) =>
      metrics.flatMap((metric, m) =>
        values[m]?.[row] === null ? [] : [{ subject: subjects[index] ?? "", metric, at: base + (at[row] ?? 0) }],
      ),
    ),
  );
}

describe("agent and collector killed in the middle of a run", () => {
  afterAll(cleanUp);

  it("lose no reading that the outbox had, and store none twice", async () => {
    const printer = await zplOverTcp();
    const collector = await startCollector({ rules: RULES });
    const agent = await startAgent(
      collector,
      "store-1/pc",
      `  - { id: bakery/printer, kind: label_printer, driver: zpl, every: 300ms, line: { tcp: "127.0.0.1:${printer.port}" } }
  - { id: pc, kind: host, driver: host, every: 500ms }
`,
    );
    const ledger = keepLedger(join(agent.folder, "data", "outbox.db"));
    await waitFor("first batches", () => ledger.batches.size > 3);

    // The collector is away: what the agent takes now must wait, over a kill of its own.
    await collector.program.kill();
    printer.fault("media-out");
    await waitFor("batches to pile up", () => ledger.waiting() >= 8);
    await agent.program.kill();
    await agent.restart();
    await waitFor("more of them", () => ledger.waiting() >= 14);

    for (const pauseMs of [150, 400, 900]) {
      await collector.restart();
      await new Promise((done) => setTimeout(done, pauseMs));
      await collector.program.kill();
    }
    await collector.restart();
    for (const pauseMs of [300, 700]) {
      await new Promise((done) => setTimeout(done, pauseMs));
      await agent.program.kill();
      await agent.restart();
    }
    const incident = await waitFor("the incident of what happened meanwhile", async () =>
      (await collector.api<{ items: { rule: string }[] }>("/incidents")).items.find(({ rule }) => rule === "media-out"),
    );
    expect(incident.rule).toBe("media-out");
    const before = ledger.batches.size;
    await waitFor("new batches after the last kill", () => ledger.batches.size > before + 3);
    await agent.program.stop();
    await waitFor("the outbox to drain", async () => {
      if (ledger.waiting() === 0) return true;
      // What the last moment left is sent by a last run.
      await agent.restart();
      await new Promise((done) => setTimeout(done, 1_500));
      await agent.program.stop();
      return false;
    });
    const metrics = await (await fetch(`${collector.http}/metrics`)).text();
    expect(metrics).toMatch(/^aislewatch_batch_gaps_total 0$/m);
    expect(metrics).toMatch(/^aislewatch_messages_set_aside_total 0$/m);
    await collector.program.stop();

    const instance = await DuckDBInstance.create(join(collector.folder, "data", "timeseries.duckdb"));
    onCleanUp(() => instance.closeSync());
    const connection = await instance.connect();
    await viewSamples(connection, join(collector.folder, "data", "timeseries"));
    const stored = await connection.runAndReadAll(
      `SELECT s.device || CASE WHEN coalesce(s.component, '') = '' THEN '' ELSE '#' || s.component END AS subject, s.metric, p.at_ms::BIGINT AS at, count(*) AS n
       FROM samples p JOIN series s ON s.id = p.series WHERE s.device NOT LIKE 'agent/%' GROUP BY ALL`,
    );
    const counts = new Map(
      stored.getRowObjectsJS().map(({ subject, metric, at, n }) => [`${subject} ${metric} ${at}`, Number(n)]),
    );
    const wanted = [...ledger.batches.values()].flatMap(samplesOf);
    const missing = wanted.filter(({ subject, metric, at }) => !counts.has(`${subject} ${metric} ${at}`));
    const doubled = [...counts].filter(([, n]) => n !== 1);
    process.stdout.write(`ledger: ${ledger.batches.size} batches, ${wanted.length} samples, each stored once\n`);
    expect(wanted.length).toBeGreaterThan(200);
    expect(missing).toEqual([]);
    expect(doubled).toEqual([]);
    connection.closeSync();
  });
});
