/**
 * `crash-sealer.ts FILE NOW STEP NTH`: opens the store, seals what is to be sealed at that time, and dies on the way; prints
 * `sealed` when it did not.
 */
import { Worker } from "node:worker_threads";
import { ManualClock } from "@aislewatch/base";
import { createDuckDbStore } from "./duckdb.ts";

const [, , file = "", now = "", step = "", nth = ""] = process.argv;
const store = createDuckDbStore({
  file,
  clock: new ManualClock(Number(now)),
  limits: { partRows: 100, restShare: 0 },
  startWorker: (options) =>
    new Worker(new URL("./crash-worker.ts", import.meta.url), {
      workerData: { options, at: { step, nth: Number(nth) } },
    }),
});
await store.open();
await store.keep();
await store.close();
process.stdout.write("sealed\n");
