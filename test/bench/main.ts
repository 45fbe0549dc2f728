/**
 * `npm run bench`: all parts, or those that are named (layout, rules, store, days, influxdb, reports, triage, ingest, latency, board, snmp, agent, installed, outbox, lines, usb), one
 * after the other; figures on stdout, progress on stderr. docs/benchmarks.md says what each figure means.
 */
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { cleanUp } from "../rig/rig.ts";
import { type Figure, printFigures, progress } from "./figure.ts";

type Part = { readonly title: string; readonly run: () => Promise<readonly Figure[]> };

/** Loaded when their turn comes, so that one part costs nothing of another. */
const PARTS: Readonly<Record<string, Part>> = {
  layout: { title: "layout of telemetry", run: async () => (await import("./layout.ts")).benchLayout() },
  rules: { title: "rule engine", run: async () => (await import("./rules.ts")).benchRules() },
  store: { title: "time-series store (DuckDB)", run: async () => (await import("./store.ts")).benchStore() },
  days: {
    title: "time-series store: 100 M samples of five days, sealed",
    run: async () => (await import("./store-days.ts")).benchDays(),
  },
  influxdb: {
    title: "time-series store (InfluxDB beside DuckDB)",
    run: async () => (await import("./influxdb.ts")).benchInflux(),
  },
  reports: {
    title: "reports: 1,000,000 incidents",
    run: async () => (await import("./reports.ts")).benchReports(),
  },
  triage: {
    title: "triage: one incident over 1,000,000",
    run: async () => (await import("./triage.ts")).benchTriage(),
  },
  ingest: {
    title: "ingest: MQTT to committed and acked",
    run: async () => (await import("./ingest.ts")).benchIngest(),
  },
  latency: {
    title: "latency: from a fault to its incident",
    run: async () => (await import("./latency.ts")).benchLatency(),
  },
  board: {
    title: "board: 10,000 open incidents in Chromium",
    run: async () => (await import("./board.ts")).benchBoard(),
  },
  backpressure: {
    title: "backpressure: incidents while the time-series store is slow, and while it stands still",
    run: async () => (await import("./backpressure.ts")).benchBackpressure(),
  },
  reconnect: {
    title: "reconnect: 2,000 agents come back with an hour of history",
    run: async () => (await import("./reconnect.ts")).benchReconnect(),
  },
  snmp: {
    title: "snmp: what a poll of a recorded device asks for",
    run: async () => (await import("./snmp-polls.ts")).benchSnmpPolls(),
  },
  agent: { title: "agent: SNMP devices every 10 s", run: async () => (await import("./agent.ts")).benchAgent() },
  installed: {
    title: "installed: releases, and the agent in one",
    run: async () => (await import("./installed.ts")).benchInstalled(),
  },
  outbox: {
    title: "outbox: a week of 40 devices at 10 s",
    run: async () => (await import("./outbox.ts")).benchOutbox(),
  },
  lines: { title: "agent: serial lines", run: async () => (await import("./lines.ts")).benchLines() },
  usb: { title: "agent: USB devices and the host", run: async () => (await import("./usb.ts")).benchUsb() },
};

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: "string" } } });
  const names = positionals.length > 0 ? positionals : Object.keys(PARTS);
  const unknown = names.filter((name) => PARTS[name] === undefined);
  if (unknown.length > 0) {
    process.stderr.write(`usage: npm run bench -- [${Object.keys(PARTS).join("|")}]… [--json FILE]\n`);
    return 2;
  }
  const results: { part: string; figures: readonly Figure[] }[] = [];
  for (const name of names) {
    const part = PARTS[name];
    if (part === undefined) continue;
    progress(name);
    const figures = await part.run();
    printFigures(part.title, figures);
    results.push({ part: name, figures });
  }
  if (values.json !== undefined) {
    const machine = {
      cores: availableParallelism(),
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
    };
    writeFileSync(values.json, `${JSON.stringify({ at: new Date().toISOString(), machine, results }, null, 2)}\n`);
  }
  return 0;
}

/** A benchmark that is interrupted leaves no process and no folder behind. */
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void cleanUp().finally(() => process.exit(130)));
}

try {
  process.exitCode = await main();
} catch (thrown) {
  await cleanUp();
  throw thrown;
}
if (process.connected) process.disconnect();
