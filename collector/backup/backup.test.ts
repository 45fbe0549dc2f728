/** Backups of a collector that stands still, read back; of one that runs test/system/backup.test.ts has more. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { ManualClock } from "@aislewatch/base";
import { lockFolder } from "@aislewatch/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CollectorConfig, defaultCollectorConfig } from "../config.ts";
import { RESTORED_DOCUMENT } from "../restored.ts";
import { createSqliteStore } from "../store/state/sqlite.ts";
import type { StateStore } from "../store/state/store.ts";
import { aBatch, T0 } from "../store/timeseries/contract-data.ts";
import { createDuckDbStore } from "../store/timeseries/duckdb.ts";
import { readArchive } from "./archive.ts";
import { type BackupDone, createBackup } from "./create.ts";
import { backupMade } from "./made.ts";
import { newManifest } from "./manifest.ts";
import { backupFileOf, type RestoreOrder, restoreBackup } from "./restore.ts";
import { paddingOf, TAR_END, tarHeader } from "./tar.ts";

const NOW = Date.UTC(2026, 10, 22, 3);
const EVER = { signal: new AbortController().signal, onProgress: () => undefined };
const SERIES = { site: "store-1", device: "lane-3/printer", component: null, metric: "temperature_celsius" };
let folder = "";
let config: CollectorConfig;
let clock: ManualClock;

async function inState<T>(data: string, work: (state: StateStore) => T): Promise<T> {
  const state = createSqliteStore({ file: join(data, "state.sqlite") });
  await state.open();
  try {
    return work(state);
  } finally {
    await state.close();
  }
}
const usersIn = (data: string) => inState(data, (state) => state.users().map(({ name }) => name));
const putUser = (name: string) =>
  inState(config.data, (state) => state.putUser({ name, role: "admin", passwordHash: null, createdAt: NOW }));

async function samplesIn(data: string): Promise<number> {
  const series = createDuckDbStore({ file: join(data, "timeseries.duckdb"), clock, retentionMs: null });
  await series.open();
  const points = await series.query(SERIES, { from: T0, to: T0 + 1_000, pointsMax: 100 });
  await series.close();
  return points.length;
}

const backup = (given: Partial<Parameters<typeof createBackup>[0]> = {}): Promise<BackupDone> =>
  createBackup({
    ...{ config, configFile: null, out: join(folder, "out"), keep: null, version: "1.2.3", clock, ...EVER },
    ...given,
  });
const restore = (file: string, given: Partial<RestoreOrder> = {}) =>
  restoreBackup({
    file,
    to: join(folder, "new"),
    old: null,
    force: false,
    lastIncident: null,
    clock,
    ...EVER,
    ...given,
  });

describe("a backup", () => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "aislewatch-backup-"));
    config = defaultCollectorConfig(join(folder, "data"));
    clock = new ManualClock(NOW);
    mkdirSync(config.data);
    await putUser("ana");
    const series = createDuckDbStore({ file: join(config.data, "timeseries.duckdb"), clock, retentionMs: null });
    await series.open();
    await series.append([
      aBatch(1, [
        { at: T0, value: 1 },
        { at: T0 + 1, value: 2 },
      ]),
    ]);
    await series.close();
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is one file that only its owner can read, and brings back state and series in a new folder", async () => {
    const { file, bytes, manifest, wasRunning, warnings } = await backup();
    expect(statSync(file)).toMatchObject({ size: bytes });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, "out"))).toHaveLength(1);
    expect([wasRunning, warnings, manifest.at]).toEqual([false, [], NOW]);
    const done = await restore(backupFileOf(join(folder, "out")));
    expect(done).toMatchObject({ kept: null, lastIncident: 0, areNumbersKnown: false });
    expect([await usersIn(done.to), await samplesIn(done.to)]).toEqual([["ana"], 2]);
    const left = await inState(done.to, (state) => state.document(RESTORED_DOCUMENT));
    expect(JSON.parse(left ?? "")).toEqual({ backupAt: NOW, restoredAt: NOW });
  });

  it("is refused when somebody packed it anew with another content", async () => {
    const { file } = await backup();
    const unpacked = zstdDecompressSync(readFileSync(file));
    // Of the same length, so that only its sum tells.
    const at = unpacked.indexOf("SQLite format 3");
    unpacked.write("SQLite format 4", at);
    writeFileSync(file, zstdCompressSync(unpacked));
    await expect(readArchive(file, null, EVER)).rejects.toThrow("state.sqlite is not what was written");
    await expect(restore(file)).rejects.toThrow("is not what was written");
  });

  it("leaves its time for the doctor and a word in the audit log", async () => {
    const { file, bytes } = await backup();
    const [made, audit] = await inState(config.data, (state) => [state.document("last-backup"), state.auditLog(1)]);
    expect(backupMade(made as string)).toEqual({ at: NOW, file, bytes });
    expect(audit).toMatchObject([{ actor: "cli", action: "backup" }]);
  });

  it("has the configuration that did not come with the program, and no secret that it names", async () => {
    const etc = join(folder, "etc");
    mkdirSync(join(etc, "rules"), { recursive: true });
    writeFileSync(join(etc, "collector.yaml"), "rules: rules\n");
    writeFileSync(join(etc, "rules", "own.yaml"), "group: own\n");
    writeFileSync(join(etc, "key.pem"), "secret");
    writeFileSync(join(folder, "sites.yaml"), "sites: []\n");
    const { file } = await backup({
      config: { ...config, rules: [join(etc, "rules"), ...config.rules], sites: join(folder, "sites.yaml") },
      configFile: join(etc, "collector.yaml"),
    });
    const { config: kept } = await restore(file);
    const names = readdirSync(kept ?? "", { recursive: true, encoding: "utf8" }).filter((name) => /[.]/.test(name));
    expect(names.map((name) => name.replace(/elsewhere.*\//, "elsewhere/")).sort()).toEqual([
      ...["collector.yaml", "elsewhere/sites.yaml", "rules/own.yaml"],
    ]);
  });

  it("keeps the newest so many of a folder", async () => {
    const made: string[] = [];
    for (let n = 0; n < 4; n++) {
      clock.advance(60_000);
      made.push((await backup({ keep: 2 })).file);
    }
    writeFileSync(join(folder, "out", "notes.txt"), "");
    expect(readdirSync(join(folder, "out")).map((name) => join(folder, "out", name))).toEqual([
      ...made.slice(-2),
      join(folder, "out", "notes.txt"),
    ]);
  });

  it.each(["check sums", "packing"])("that is stopped while it does %s leaves nothing", async (wanted) => {
    const stop = new AbortController();
    const onProgress = (step: string): void => {
      if (step === wanted) stop.abort();
    };
    await expect(backup({ signal: stop.signal, onProgress })).rejects.toThrow("stopped");
    expect([readdirSync(join(folder, "out")), readdirSync(join(config.data, "backup-work"))]).toEqual([[], []]);
  });

  it("of InfluxDB says that the series are not in it", async () => {
    const influxdb = { url: "http://127.0.0.1:8086" } as NonNullable<CollectorConfig["influxdb"]>;
    const { manifest, warnings } = await backup({ config: { ...config, influxdb } });
    expect(manifest.files.map(({ name }) => name)).toEqual(["data/state.sqlite"]);
    expect(warnings).toEqual([expect.stringContaining("influxd backup")]);
  });

  it("is not made of nothing, and not by two at a time", async () => {
    await expect(backup({ config: { ...config, data: join(folder, "none") } })).rejects.toThrow("no collector's data");
    const other = lockFolder(join(config.data, "backup-work"));
    await expect(backup()).rejects.toThrow("another backup of this collector");
    if (other.ok) other.value.release();
    await backup();
  });

  describe("that is not whole", () => {
    it("is refused wherever it was cut or changed, and leaves nothing in the new folder", async () => {
      const { file } = await backup();
      const bytes = readFileSync(file);
      const damaged = join(folder, "damaged.tar.zst");
      for (let part = 0; part < 24; part++) {
        const at = Math.floor((bytes.length * part) / 24);
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ 0x55;
        for (const content of [bytes.subarray(0, at), changed]) {
          writeFileSync(damaged, content);
          await expect(readArchive(damaged, null, EVER)).rejects.toThrow(/damaged|no backup|missing|not what was/);
        }
      }
      await expect(restore(damaged)).rejects.toThrow();
      expect(readdirSync(join(folder, "new"))).toEqual([]);
    });

    it.each([
      { name: "leads out of its folder", names: ["data/../../evil"] },
      { name: "is no store of a collector", names: ["data/restore.json"] },
      { name: "is absolute", names: ["/etc/passwd"] },
      { name: "is not the manifest's", names: ["data/state.sqlite"], entry: "data/other" },
      { name: "is too many", names: [], entry: "data/more" },
    ])("is refused when an entry $name", async ({ names, entry }) => {
      const manifest = newManifest({
        ...{ at: NOW, host: "h", version: "1", state: { schema: 1, lastIncident: 0 }, config: [] },
        series: { store: "duckdb", lanesBehind: 0 },
        files: names.map((name) => ({ name, bytes: 0, sha256: "0".repeat(64) })),
      });
      const head = Buffer.from(JSON.stringify(manifest));
      const file = join(folder, "made-up.tar.zst");
      const parts = [
        ...[tarHeader({ name: "manifest.json", bytes: head.length }, 0), head, Buffer.alloc(paddingOf(head.length))],
        ...[entry ?? names[0] ?? ""].map((name) => tarHeader({ name, bytes: 0 }, 0)),
        TAR_END,
      ];
      writeFileSync(file, zstdCompressSync(Buffer.concat(parts)));
      await expect(restore(file)).rejects.toThrow(/no backup|missing|more than its manifest/);
    });
  });

  describe("put in the place of what is there", () => {
    it("takes a word, and keeps that aside", async () => {
      const { file } = await backup();
      await putUser("ben");
      await expect(restore(file, { to: config.data })).rejects.toThrow("--force");
      expect(await usersIn(config.data)).toEqual(["ana", "ben"]);
      const { kept } = await restore(file, { to: config.data, force: true });
      expect([await usersIn(config.data), await usersIn(kept ?? "")]).toEqual([["ana"], ["ana", "ben"]]);
    });

    it("leaves what is no store of a collector where it is", async () => {
      const { file } = await backup();
      const to = join(folder, "new");
      mkdirSync(join(to, "lost+found"), { recursive: true });
      await restore(file);
      writeFileSync(join(to, "agent-password"), "secret");
      rmSync(join(to, "state.sqlite"));
      rmSync(join(to, "timeseries.duckdb"));
      await expect(restore(file)).rejects.toThrow("agent-password");
      await restore(file, { force: true });
      expect(readFileSync(join(to, "agent-password"), "utf8")).toBe("secret");
      expect(readdirSync(to)).toContain("lost+found");
    });

    it("lets incidents go on after the last number of the old data, or the one that somebody knows", async () => {
      const { file } = await backup();
      const given = await restore(file, { lastIncident: 41 });
      expect(given).toMatchObject({ lastIncident: 41, areNumbersKnown: true });
      expect(await inState(given.to, (state) => state.nextIncidentNumber())).toBe(42);
      const over = await restore(file, { to: given.to, force: true });
      expect(over).toMatchObject({ lastIncident: 41, areNumbersKnown: true });
    });

    it("is refused while a collector has the folder", async () => {
      const { file } = await backup();
      const running = lockFolder(config.data);
      await expect(restore(file, { to: config.data, force: true })).rejects.toThrow("in use by process");
      if (running.ok) running.value.release();
    });

    it("ends the sessions and links of then", async () => {
      await inState(config.data, (state) => {
        state.putSession({ idHash: "s", user: "ana", createdAt: NOW, expiresAt: NOW + 1e9 });
        state.putLoginLink({ tokenHash: "l", user: "ana", expiresAt: NOW + 1e9 });
      });
      const { file } = await backup();
      const { to } = await restore(file);
      const found = await inState(to, (state) => [state.session("s", NOW), state.takeLoginLink("l", NOW)]);
      expect(found).toEqual([null, null]);
    });
  });
});
