/** `crash-writer.ts FILE`: appends one batch after another until it is killed (contract.ts). */
import { writeSync } from "node:fs";
import { ManualClock } from "@aislewatch/base";
import { crashBatch } from "./contract-data.ts";
import { createDuckDbStore } from "./duckdb.ts";

const store = createDuckDbStore({ file: process.argv[2] ?? "", clock: new ManualClock() });
await store.open();
for (let seq = 1; ; seq++) {
  await store.append([crashBatch(seq)]);
  writeSync(1, `${seq}\n`);
}
