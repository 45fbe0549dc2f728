/**
 * The collector as shipped, but for a time-series store that takes as much as a test allows (store-pace.ts).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { sampleCount } from "@aislewatch/contract";
import { createLog, realClock, runProgram } from "@aislewatch/runtime";
import { createCollector, VERSION } from "../../collector/app.ts";
import { loadCollectorConfig } from "../../collector/config.ts";
import type { TimeSeriesStore } from "../../collector/store/timeseries/store.ts";
import { PACE_FILE, QUEUE_FILE } from "./store-pace.ts";

const LOOK_MS = 20;

function numberIn(file: string): number | null {
  try {
    const text = readFileSync(file, "utf8").trim();
    return text === "" ? null : Number(text);
  } catch {
    return null;
  }
}

/** In front of a store: each append waits for its turn at the pace that the file holds now. */
function paced(store: TimeSeriesStore, file: string): TimeSeriesStore {
  async function wait(samples: number): Promise<void> {
    let left = samples;
    for (;;) {
      const pace = numberIn(file);
      if (pace === null || left <= 0) return;
      await new Promise((done) => setTimeout(done, LOOK_MS));
      left -= (pace * LOOK_MS) / 1_000;
    }
  }
  return {
    open: () => store.open(),
    close: () => store.close(),
    watermarks: () => store.watermarks(),
    query: (series, range) => store.query(series, range),
    samples: (series, range) => store.samples(series, range),
    lastValues: (sinceMs) => store.lastValues(sinceMs),
    stats: () => store.stats(),
    async append(batches) {
      await wait(batches.reduce((sum, { message }) => sum + sampleCount(message), 0));
      await store.append(batches);
    },
  };
}

const { values } = parseArgs({
  allowPositionals: true,
  options: { config: { type: "string" }, "log-format": { type: "string" } },
});
const loaded = loadCollectorConfig(values.config ?? "");
if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
const { data } = loaded.value;
const queueBytesMax = numberIn(join(data, QUEUE_FILE));
const log = createLog({ program: "collector", level: "info", format: "text", clock: realClock });
const collector = createCollector({
  config: loaded.value,
  clock: realClock,
  log,
  pageDir: null,
  inFront: {
    store: (shipped) => paced(shipped, join(data, PACE_FILE)),
    ...(queueBytesMax !== null && { queueBytesMax }),
  },
});
process.exitCode = await runProgram({
  lifecycle: collector.lifecycle,
  log,
  version: VERSION,
  onStarted: () => void process.send?.({ ready: collector.urls() }),
});
if (process.connected) process.disconnect();
