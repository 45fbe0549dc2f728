/**
 * `crash-writer.ts duckdb FILE` or `crash-writer.ts influxdb ADDRESS` (as JSON): appends one batch after another until it
 * is killed (contract.ts).
 */
import { writeSync } from "node:fs";
import { ManualClock } from "@aislewatch/base";
import { crashBatch } from "./contract-data.ts";
import { createDuckDbStore } from "./duckdb.ts";
import { createInfluxStore } from "./influxdb.ts";

const [, , kind = "", where = ""] = process.argv;
const clock = new ManualClock();
const store =
  kind === "influxdb"
    ? createInfluxStore({ address: JSON.parse(where), clock, retentionMs: null })
    : createDuckDbStore({ file: where, clock });
await store.open();
for (let seq = 1; ; seq++) {
  await store.append([crashBatch(seq)]);
  writeSync(1, `${seq}\n`);
}
