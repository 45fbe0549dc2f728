/**
 * `aislewatch backup`: one file with all that a collector needs to go on elsewhere, made while it runs or not.
 *
 * A running collector copies its stores (copying.ts); of one that stands still they are read where they lie, under its
 * lock. The archive is written below its folder under another name and renamed once it is synced, so that a backup is
 * there whole or not at all; what a killed one left is removed by the next, which takes its lock over.
 */
import { randomUUID } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
  utimesSync,
} from "node:fs";
import { hostname } from "node:os";
import { isAbsolute, join, relative, resolve } from "node:path";
import { type Clock, errorText } from "@aislewatch/base";
import { type FolderLock, lockFolder, lockOwner, sizeText } from "@aislewatch/runtime";
import { type CollectorConfig, SHIPPED } from "../config.ts";
import { filesOfSet } from "../config-set.ts";
import { copyState, lookAtCopy, noteInState } from "../store/state/copy.ts";
import { SEALED_FOLDER, SERIES_FILE } from "../timeseries.ts";
import { BackupError, describe, goOn, type OnProgress, type Source, writeArchive } from "./archive.ts";
import { BACKUP_DOCUMENT, type BackupMade } from "./made.ts";
import { type Manifest, newManifest } from "./manifest.ts";
import { bytesOf, freshFolder, giveToOwner, STATE_FILE, storesIn } from "./places.ts";
import { type Places, placesIn, readAnswer, TOUCH_MS, writeRequest } from "./request.ts";
import { NAME_BYTES_MAX } from "./tar.ts";

/** In the folder of backups: the lock and what is not whole yet. */
const WORK_FOLDER = ".aislewatch-backup-work";
/** A collector that has the data folder and did not take up a request for so long does not look for any. */
const TAKEN_UP_MS = 15_000;
const LOOK_MS = 100;
/** Beside what is written, so that nothing else stops for want of room. */
const ROOM_LEFT_BYTES = 64 * 2 ** 20;

export type BackupOrder = {
  readonly config: CollectorConfig;
  /** Null: everything is as shipped. */
  readonly configFile: string | null;
  readonly out: string;
  /** Backups of this host that stay in `out`, this one among them; null: all. */
  readonly keep: number | null;
  readonly version: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
};

export type BackupDone = {
  readonly file: string;
  readonly bytes: number;
  readonly manifest: Manifest;
  readonly wasRunning: boolean;
  readonly removed: readonly string[];
  /** What a person should know. */
  readonly warnings: readonly string[];
};

/** Throws BackupError, StoreError, or what the disk says. */
export async function createBackup(order: BackupOrder): Promise<BackupDone> {
  const { config, out } = order;
  if (!existsSync(join(config.data, STATE_FILE))) throw new BackupError(`no collector's data in ${config.data}`);
  mkdirSync(out, { recursive: true, mode: 0o700 });
  const work = join(out, WORK_FOLDER);
  const places = placesIn(config.data);
  const writing = locked(work, "another backup is being written there");
  try {
    removeAllBut(work, "lock");
    mkdirSync(places.work, { recursive: true, mode: 0o700 });
    giveToOwner(places.work, config.data);
    const making = locked(places.work, "another backup of this collector is being made");
    try {
      return await copyAndPack(order, places, work);
    } finally {
      // The collector that copies looks for its request, and gives up without it.
      for (const left of [places.request, places.copy, places.answer]) rmSync(left, { recursive: true, force: true });
      making.release();
    }
  } finally {
    removeAllBut(work, "lock");
    writing.release();
    rmdirSync(work);
  }
}

async function copyAndPack(order: BackupOrder, places: Places, work: string): Promise<BackupDone> {
  const at = order.clock.now();
  const collector = lockFolder(order.config.data);
  if (!collector.ok) {
    if (collector.error.kind === "io") throw new BackupError(collector.error.detail);
    const copied = await askForCopies(order, places);
    return { ...(await pack(order, { at, work, copied })), wasRunning: true };
  }
  try {
    const copied = await copyStopped(order, places);
    return { ...(await pack(order, { at, work, copied })), wasRunning: false };
  } finally {
    collector.value.release();
  }
}

type Copied = { readonly state: string; readonly series: readonly Source[]; readonly lanesBehind: number };

async function pack(
  order: BackupOrder,
  { at, work, copied }: { at: number; work: string; copied: Copied },
): Promise<Omit<BackupDone, "wasRunning">> {
  const { config, configFile, out, signal, onProgress, version, clock } = order;
  const state = lookAtCopy(copied.state);
  const files = configSources(config, configFile);
  const sources = [{ name: `data/${STATE_FILE}`, path: copied.state }, ...copied.series, ...files];
  const sized = sources.map((source) => ({ ...source, bytes: bytesOf(source.path) }));
  needRoom(
    out,
    sized.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  const manifest = newManifest({
    ...{ at, host: hostname(), version },
    state: { schema: state.schema, lastIncident: state.lastIncident },
    series: { store: config.influxdb === null ? "duckdb" : "influxdb", lanesBehind: copied.lanesBehind },
    config: files,
    files: await describe(sized, { signal, onProgress }),
  });
  const draft = join(work, "archive");
  await writeArchive(draft, { manifest, sources }, { signal, onProgress });
  goOn(signal);
  const file = join(out, nameOf(at));
  if (existsSync(file)) throw new BackupError(`${file} is there already`);
  renameSync(draft, file);
  syncFolder(out);
  const bytes = statSync(file).size;
  const warnings = [...warningsOf(manifest), ...note(config, { at, file, bytes }, clock.now())];
  return { file, bytes, manifest, removed: order.keep === null ? [] : rotate(out, order.keep), warnings };
}

function warningsOf({ series }: Manifest): string[] {
  return [
    ...(series.store === "influxdb"
      ? ["the series are in InfluxDB and not in this file: back them up by InfluxDB's own means (influxd backup)"]
      : []),
    ...(series.lanesBehind > 0
      ? [`the time-series store was behind: of ${series.lanesBehind} lanes the last batches are without samples in it`]
      : []),
  ];
}

/** The file is there whatever happens to the note of it. */
function note({ data }: CollectorConfig, made: BackupMade, nowMs: number): string[] {
  try {
    noteInState(join(data, STATE_FILE), {
      document: { name: BACKUP_DOCUMENT, text: JSON.stringify(made) },
      audit: { at: nowMs, actor: "cli", action: "backup", detail: made.file },
    });
    return [];
  } catch (thrown) {
    return [`its time could not be written down, so the doctor does not know of it: ${errorText(thrown)}`];
  }
}

/** Under the collector's lock nothing changes: only SQLite's log has to be brought together with its file. */
async function copyStopped({ config, signal }: BackupOrder, places: Places): Promise<Copied> {
  freshFolder(places.copy);
  needRoom(config.data, bytesOf(join(config.data, STATE_FILE)));
  const state = join(places.copy, STATE_FILE);
  await copyState(join(config.data, STATE_FILE), state, signal);
  const series = config.influxdb === null ? storesIn(config.data).filter(isSeries) : [];
  return {
    state,
    lanesBehind: 0,
    series: series.flatMap((name) => sourcesBelow(join(config.data, name), `data/${name}`)),
  };
}

const isSeries = (name: string): boolean => name.startsWith(SERIES_FILE) || name === SEALED_FOLDER;

async function askForCopies({ config, clock, signal, onProgress }: BackupOrder, places: Places): Promise<Copied> {
  needRoom(
    config.data,
    storesIn(config.data)
      .filter((name) => name !== SEALED_FOLDER)
      .reduce((sum, name) => sum + bytesOf(join(config.data, name)), 0),
  );
  const id = randomUUID();
  writeRequest(places, id);
  giveToOwner(places.request, config.data);
  const beganMs = clock.monotonic();
  let touchedMs = beganMs;
  for (;;) {
    goOn(signal);
    const answer = readAnswer(places);
    const mine = answer?.id === id ? answer : null;
    if (mine?.state === "failed") throw new BackupError(`the collector could not copy its stores: ${mine.detail}`);
    if (mine?.state === "done") {
      const series = sourcesBelow(places.series, "data");
      if (config.influxdb === null && !series.some(({ name }) => name === `data/${SERIES_FILE}`))
        throw new BackupError("the collector's copy lacks its series: is it of another version?");
      return { state: join(places.state, STATE_FILE), series, lanesBehind: mine.lanesBehind };
    }
    const nowMs = clock.monotonic();
    if (lockOwner(config.data) === null) throw new BackupError("the collector ended meanwhile; run it again");
    if (mine === null && nowMs - beganMs > TAKEN_UP_MS)
      throw new BackupError("the collector does not take it up: does it still start, or is it of an older version?");
    if (nowMs - touchedMs >= TOUCH_MS) {
      touchedMs = nowMs;
      const now = clock.now() / 1_000;
      utimesSync(places.request, now, now);
    }
    onProgress("copying", mine?.share ?? 0);
    await new Promise<void>((again) => clock.after(LOOK_MS, again));
  }
}

/** A file, or all in and below a folder. */
function sourcesBelow(path: string, name: string): Source[] {
  if (!statSync(path).isDirectory()) return [{ name, path }];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || (entry.isFile() && !entry.name.endsWith(".tmp")))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => sourcesBelow(join(path, entry.name), `${name}/${entry.name}`));
}

/**
 * collector.yaml and the files of its set that did not come with the program. What they name as `file:` secrets and keys
 * is left out: a backup is copied to places where no key belongs.
 */
function configSources(config: CollectorConfig, configFile: string | null): Source[] {
  const base = configFile === null ? null : resolve(configFile, "..");
  const isShipped = (path: string): boolean => !relative(SHIPPED, path).startsWith("..");
  const all = [...(configFile === null ? [] : [resolve(configFile)]), ...filesOfSet(config)];
  const found = [...new Set(all)].filter((path) => !isShipped(path) && existsSync(path));
  return found.map((path, place) => {
    const below = base === null ? ".." : relative(base, path);
    const isBelow = !below.startsWith("..") && !isAbsolute(below);
    const plain = isBelow ? below : `elsewhere/${relative("/", path)}`;
    const name = `config/${plain.replaceAll("\\", "/").replaceAll(":", "_")}`;
    return { path, name: Buffer.byteLength(name) <= NAME_BYTES_MAX ? name : `config/elsewhere/${place}` };
  });
}

const PREFIX = `aislewatch-${hostname()
  .replaceAll(/[^A-Za-z0-9-]/g, "-")
  .slice(0, 60)}-`;
const SUFFIX = ".tar.zst";
const nameOf = (at: number): string => `${PREFIX}${new Date(at).toISOString().replaceAll(/[-:]/g, "")}${SUFFIX}`;

/** Names of backups in a folder, the oldest first; of this host only, or of any. */
export function backupsIn(folder: string, ofAnyHost: boolean): string[] {
  const stamp = (name: string): string => /-(\d{8}T\d{6}\.\d{3}Z)\.tar\.zst$/.exec(name)?.[1] ?? "";
  return readdirSync(folder)
    .filter((name) => stamp(name) !== "" && name.startsWith(ofAnyHost ? "aislewatch-" : PREFIX))
    .sort((a, b) => (stamp(a) < stamp(b) ? -1 : 1));
}

function rotate(folder: string, keep: number): string[] {
  const removed = backupsIn(folder, false).slice(0, -keep);
  for (const name of removed) rmSync(join(folder, name), { force: true });
  return removed;
}

function needRoom(folder: string, bytes: number): void {
  const { bsize, bavail } = statfsSync(folder);
  const free = bsize * bavail;
  if (free < bytes + ROOM_LEFT_BYTES)
    throw new BackupError(`${folder} has ${sizeText(free)} left, and ${sizeText(bytes + ROOM_LEFT_BYTES)} are needed`);
}

function locked(folder: string, held: string): FolderLock {
  const lock = lockFolder(folder);
  if (lock.ok) return lock.value;
  throw new BackupError(lock.error.kind === "held" ? `${held} (process ${lock.error.pid})` : lock.error.detail);
}

function removeAllBut(folder: string, kept: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder))
    if (name !== kept) rmSync(join(folder, name), { recursive: true, force: true });
}

/** What was renamed in it survives a power cut. Windows can't, and does so by itself. */
export function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const open = openSync(folder, "r");
  fsyncSync(open);
  closeSync(open);
}
