/** `aislewatch backup` and `aislewatch restore`: what a person asks for and sees of create.ts and restore.ts. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { errorText } from "@aislewatch/base";
import { EXIT, realClock, sizeText } from "@aislewatch/runtime";
import { UsageError } from "../admin.ts";
import type { CollectorConfig } from "../config.ts";
import { BackupError, type OnProgress, readArchive } from "./archive.ts";
import { type BackupDone, createBackup } from "./create.ts";
import { contentBytes, type Manifest } from "./manifest.ts";
import { backupFileOf, type RestoreDone, restoreBackup } from "./restore.ts";

export const backupHelp = `Usage: aislewatch backup [--out DIR] [--keep N] [options]
       aislewatch backup verify FILE|DIR

  Writes all that a collector needs to go on elsewhere into one file: incidents, people, the ledger, readings (those in
  InfluxDB excepted) and the configuration. It may run meanwhile. Secrets that the configuration names are left out.
  verify reads a backup to its end, of a folder the newest, and compares it with its check sums.

  --out DIR       where to (default: ./backups)
  --keep N        then deletes all but the newest N of this host
  --config FILE   the collector's collector.yaml
  --data DIR      or its data folder (default: ./data, or what the file says; where the demo was started, the demo's)
  --json          for scripts

Exit codes: 0 done, 1 failed (nothing half stays), 2 wrong words or a faulty configuration.
`;

export const restoreHelp = `Usage: aislewatch restore FILE|DIR [--to DIR] [--force] [options]

  Puts a backup, or the newest of a folder, in the place of a collector's data. It is verified first; the collector must
  not run. Start it afterwards: the ledger then says of each agent what is lost.

  --to DIR             the data folder to be (default: that of --config or --data; with them, that one still says how far
                       the numbers of incidents went, when it can be read)
  --force              although something is there: it is kept aside, in before-restore-… there
  --last-incident N    the highest number that an incident had after the backup, when the old data can't say
  --config FILE        the collector's collector.yaml
  --data DIR           or its data folder (default: ./data)
  --json               for scripts

Exit codes: 0 done, 1 failed (what was there is as it was), 2 wrong words or a faulty configuration.
`;

/** Where `npm start` left its own, below the folder in which it was started. */
const DEMO_CONFIG = join(".aislewatch", "collector.yaml");
const KEEP_MAX = 10_000;
const TELL_MS = 200;

type FindConfig = (options: { config?: string | undefined; data?: string | undefined }) => CollectorConfig | null;
type Words = { config?: string | undefined; data?: string | undefined };

const text = { type: "string" } as const;
const COMMON = {
  config: text,
  data: text,
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

export async function backupCommand(args: string[], findConfig: FindConfig, version: string): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...COMMON, out: text, keep: text },
  });
  if (values.help) {
    process.stdout.write(backupHelp);
    return EXIT.asked;
  }
  const [verb, file, ...more] = positionals;
  if (verb === "verify" && file !== undefined && more.length === 0) return verify(file, values.json === true);
  if (verb !== undefined) throw new UsageError(`expected backup, or backup verify FILE\n\n${backupHelp}`);
  const found = findWith(values, findConfig);
  if (found === null) return EXIT.config;
  const keep = values.keep === undefined ? null : countOf("--keep", values.keep, KEEP_MAX);
  return run(values.json === true, backupText, (signal, onProgress) =>
    createBackup({
      ...{ ...found, out: resolve(values.out ?? "backups"), keep, version, clock: realClock, signal, onProgress },
    }),
  );
}

export async function restoreCommand(args: string[], findConfig: FindConfig): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...COMMON, to: text, force: { type: "boolean" }, "last-incident": text },
  });
  if (values.help) {
    process.stdout.write(restoreHelp);
    return EXIT.asked;
  }
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) throw new UsageError(`expected restore FILE\n\n${restoreHelp}`);
  const given = values["last-incident"];
  const lastIncident = given === undefined ? null : countOf("--last-incident", given, Number.MAX_SAFE_INTEGER);
  const isNamed = values.to === undefined || values.config !== undefined || values.data !== undefined;
  const found = isNamed ? findWith(values, findConfig) : null;
  if (isNamed && found === null) return EXIT.config;
  const old = found?.config.data ?? null;
  const to = values.to === undefined ? old : resolve(values.to);
  if (to === null) throw new UsageError("say where to: --to DIR, or the collector's --config");
  return run(values.json === true, restoreText, async (signal, onProgress) =>
    restoreBackup({
      ...{ file: backupFileOf(resolve(path)), to, old, force: values.force === true, lastIncident },
      ...{ clock: realClock, signal, onProgress },
    }),
  );
}

async function verify(path: string, isJson: boolean): Promise<number> {
  return run(isJson, verifyText, async (signal, onProgress) => {
    const file = backupFileOf(resolve(path));
    return { file, manifest: await readArchive(file, null, { signal, onProgress }) };
  });
}

/** Ctrl-C, or SIGTERM, ends the work in order; SIGTERM once more the process. A launcher passes Ctrl-C on a second time. */
async function run<T extends { readonly manifest: Manifest }>(
  isJson: boolean,
  textOf: (done: T) => string,
  work: (signal: AbortSignal, onProgress: OnProgress) => Promise<T>,
): Promise<number> {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted && signal === "SIGTERM") process.exit(EXIT.crashed);
    stop.abort();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const teller = createTeller();
  try {
    const done = await work(stop.signal, teller.tell);
    teller.clear();
    process.stdout.write(isJson ? `${JSON.stringify(jsonOf(done), null, 2)}\n` : textOf(done));
    return EXIT.asked;
  } catch (thrown) {
    teller.clear();
    const message = stop.signal.aborted ? "stopped; nothing of it stays" : errorText(thrown);
    if (isJson) process.stdout.write(`${JSON.stringify({ error: message }, null, 2)}\n`);
    process.stderr.write(`aislewatch: ${message}\n`);
    if (!stop.signal.aborted && !(thrown instanceof BackupError) && thrown instanceof TypeError) throw thrown;
    return EXIT.crashed;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** Scripts get what the backup is, without the list of its files. */
function jsonOf<T extends { readonly manifest: Manifest }>({ manifest, ...done }: T): object {
  const { files, config, ...about } = manifest;
  return { ...done, backup: { ...about, files: files.length, bytes: contentBytes(manifest), config: config.length } };
}

const aboutText = (manifest: Manifest): string =>
  `of ${new Date(manifest.at).toISOString()}, from ${manifest.host}: ${manifest.files.length} files, ${sizeText(contentBytes(manifest))}`;

function backupText({ file, bytes, manifest, removed, warnings }: BackupDone): string {
  return [
    `${file}: ${sizeText(bytes)}, ${aboutText(manifest)}`,
    ...removed.map((name) => `deleted: ${name}`),
    ...warnings.map((warning) => `note: ${warning}`),
    "",
  ].join("\n");
}

const verifyText = ({ file, manifest }: { file: string; manifest: Manifest }): string =>
  `${file} is whole: ${aboutText(manifest)}\n`;

function restoreText({ to, manifest, kept, config, lastIncident, areNumbersKnown }: RestoreDone): string {
  return [
    `${to} is the backup ${aboutText(manifest)}`,
    ...(kept === null ? [] : [`what was there: ${kept}; delete it once you need it no more`]),
    ...(config === null ? [] : [`its configuration, to be compared with yours: ${config}`]),
    ...(manifest.series.store === "influxdb"
      ? ["the series are InfluxDB's to restore; those that it still has are used as they are"]
      : []),
    areNumbersKnown
      ? `incidents go on after ${lastIncident}`
      : `incidents go on after ${lastIncident}: after the backup others may have had the next numbers. If a ticket or a mail has a higher one, restore again with --last-incident N`,
    "Everybody has to sign in again. Start the collector; aislewatch audit delivery says what is lost of which agent.",
    "",
  ].join("\n");
}

function findWith(
  values: Words,
  findConfig: FindConfig,
): { config: CollectorConfig; configFile: string | null } | null {
  const isDemo = values.config === undefined && values.data === undefined && existsSync(DEMO_CONFIG);
  const configFile = isDemo ? DEMO_CONFIG : values.config;
  const config = findConfig({ config: configFile, data: values.data });
  return config === null ? null : { config, configFile: configFile ?? null };
}

function countOf(option: string, given: string, most: number): number {
  const count = Number(given);
  if (!/^\d+$/.test(given) || count < 1 || count > most)
    throw new UsageError(`${option} takes a number from 1 to ${most}, not "${given}"`);
  return count;
}

/** One line that changes, on a terminal; a timer's log has no use for it. */
function createTeller(): { tell: OnProgress; clear(): void } {
  const isTerminal = process.stderr.isTTY;
  let toldMs = Number.NEGATIVE_INFINITY;
  return {
    tell(step, share) {
      const now = realClock.monotonic();
      if (!isTerminal || now - toldMs < TELL_MS) return;
      toldMs = now;
      process.stderr.write(`\r${step} ${(share * 100).toFixed(0)} %\u001b[K`);
    },
    clear() {
      if (isTerminal) process.stderr.write("\r\u001b[K");
    },
  };
}
