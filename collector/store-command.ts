/** `aislewatch store copy`: what a person asks for and sees of store-copy.ts. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { errorText } from "@aislewatch/base";
import { EXIT, lockFolder, realClock } from "@aislewatch/runtime";
import { UsageError } from "./admin.ts";
import type { CollectorConfig } from "./config.ts";
import { createDuckDbStore } from "./store/timeseries/duckdb.ts";
import { createInfluxStore } from "./store/timeseries/influxdb.ts";
import type { TimeSeriesStore } from "./store/timeseries/store.ts";
import { type CopyProgress, copyHistory, copyText } from "./store-copy.ts";
import { SERIES_FILE } from "./timeseries.ts";

export const storeHelp = `Usage: aislewatch store copy --from duckdb|influxdb --to duckdb|influxdb --config collector.yaml

  Copies the history of one time-series store into the other and counts it in both. The file says where they are: duckdb
  is ${SERIES_FILE} in the data folder, influxdb the section of that name, with timeseries: influxdb.
  Ctrl-C stops it; the same command goes on from there. A collector may run on influxdb meanwhile; one that runs on duckdb
  has that file to itself.

  --data DIR    the data folder, when it is not that of the file
`;

const STORES = ["duckdb", "influxdb"] as const;
type StoreName = (typeof STORES)[number];

/** A copy waits for a server that is busy, where a running collector would not. */
const PATIENT = {
  ...{ queryMsMax: 10 * 60_000, writeMsMax: 60_000, lastMsMax: Number.POSITIVE_INFINITY },
  answerBytesMax: 512 * 2 ** 20,
};
const TELL_MS = 1_000;
const TELL_MS_WITHOUT_TERMINAL = 30_000;

type FindConfig = (options: { config?: string | undefined; data?: string | undefined }) => CollectorConfig | null;

export async function storeCommand(args: string[], findConfig: FindConfig): Promise<number> {
  const text = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { config: text, data: text, from: text, to: text, help: { type: "boolean", short: "h" } },
  });
  if (values.help) {
    process.stdout.write(storeHelp);
    return EXIT.asked;
  }
  if (positionals.join(" ") !== "copy") throw new UsageError(`expected store copy\n\n${storeHelp}`);
  const [from, to] = [nameOf("--from", values.from), nameOf("--to", values.to)];
  if (from === to) throw new UsageError(`--from and --to are both ${from}`);
  const config = findConfig(values);
  if (config === null) return EXIT.config;
  if (config.influxdb === null)
    throw new UsageError("collector.yaml needs timeseries: influxdb and a section influxdb");
  return copy(config, from, to);
}

async function copy(config: CollectorConfig, from: StoreName, to: StoreName): Promise<number> {
  const lock = lockFolder(config.data);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const stores: TimeSeriesStore[] = [];
  try {
    for (const name of [from, to]) {
      const store = storeOf(config, name);
      await store.open();
      stores.push(store);
    }
    const [source, target] = stores;
    if (source === undefined || target === undefined) throw new Error("no stores");
    const result = await copyHistory({
      ...{ from: source, to: target, clock: realClock, signal: stop.signal },
      withWatermarks: lock.ok,
      onProgress: teller(),
    });
    process.stdout.write(`${process.stderr.isTTY ? "\n" : ""}${copyText(result)}\n`);
    return result.missing.length === 0 ? EXIT.asked : EXIT.crashed;
  } catch (thrown) {
    throw new Error(`${errorText(thrown)}. What was copied stays; the same command goes on from there.`);
  } finally {
    for (const store of stores) await store.close();
    if (lock.ok) lock.value.release();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** Samples that are older than what a store keeps are its to delete, not ours: DuckDB's own clean-up waits for a collector. */
function storeOf({ influxdb, data, retentionMs }: CollectorConfig, name: StoreName): TimeSeriesStore {
  if (name === "duckdb")
    return createDuckDbStore({ file: join(data, SERIES_FILE), clock: realClock, retentionMs: null });
  if (influxdb === null) throw new UsageError("collector.yaml has no section influxdb");
  const onProblem = (error: Error): void => void process.stderr.write(`${error.message}\n`);
  return createInfluxStore({ address: influxdb, clock: realClock, retentionMs, limits: PATIENT, onProblem });
}

function nameOf(option: string, given: string | undefined): StoreName {
  const name = STORES.find((each) => each === given);
  if (name === undefined) throw new UsageError(`${option} takes one of ${STORES.join(", ")}`);
  return name;
}

/** Progress on stderr: one line that changes on a terminal, else a line now and then. */
function teller(): (progress: CopyProgress) => void {
  const isTerminal = process.stderr.isTTY;
  let toldMs = 0;
  return ({ share, samples, at }) => {
    const now = realClock.monotonic();
    if (now - toldMs < (isTerminal ? TELL_MS : TELL_MS_WITHOUT_TERMINAL)) return;
    toldMs = now;
    const line = `${(share * 100).toFixed(1)} %  ${samples.toLocaleString("en")} samples, up to ${new Date(at).toISOString()}`;
    process.stderr.write(isTerminal ? `\r${line}  ` : `${line}\n`);
  };
}
