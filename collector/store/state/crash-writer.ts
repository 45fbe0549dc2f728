/** `crash-writer.ts FILE`: commits one incident after another until it is killed (contract.ts). */
import { writeSync } from "node:fs";
import { crashChange } from "./contract-data.ts";
import { createSqliteStore } from "./sqlite.ts";

const store = createSqliteStore({ file: process.argv[2] ?? "" });
await store.open();
for (let seq = 1; ; seq++) {
  store.commit(crashChange(seq));
  writeSync(1, `${seq}\n`);
}
