/** What is SQLite's own: damage, full disks, schema versions, bounds, and what the list costs. */
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { spent } from "../../../test/rig/cpu-time.ts";
import { PRIORITIES } from "../../incidents/types.ts";
import { aChange, aNote, anEvent, anIncident, T0 } from "./contract-data.ts";
import { migrations, schemaVersionTable } from "./migrations.ts";
import { createSqliteStore } from "./sqlite.ts";
import { SQLITE } from "./sqlite-file.ts";
import { DEVICE_EVENTS, type StateStore } from "./store.ts";
import { compilerFor } from "./template.ts";

const SEEN_MS = 500;

let folder: string;
let file: string;
let store: StateStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aislewatch-sqlite-"));
  file = join(folder, "state.sqlite");
  store = createSqliteStore({ file });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** What the file says, asked by another connection. */
function ask(sql: string): Record<string, unknown> | undefined {
  const database = new DatabaseSync(file);
  try {
    return database.prepare(sql).get();
  } finally {
    database.close();
  }
}

describe("opening", () => {
  it("refuses a file that is no database, says what to do and leaves it alone", async () => {
    const garbage = Buffer.from("this is not a database\n".repeat(100));
    await writeFile(file, garbage);
    await expect(store.open()).rejects.toMatchObject({
      kind: "corrupt",
      message: expect.stringMatching(/state\.sqlite: file is not a database; the file is left as it is/),
    });
    expect(await readFile(file)).toEqual(garbage);
  });

  it("refuses a damaged database", async () => {
    await store.open();
    for (let n = 0; n < 200; n++) store.putDocument(`document-${n}`, "x".repeat(2_000));
    await store.close();
    const bytes = await readFile(file);
    bytes.fill(0x5a, 8_192, bytes.length - 4_096);
    await writeFile(file, bytes);
    await expect(store.open()).rejects.toMatchObject({ kind: "corrupt" });
  });

  it("takes no step that another program takes while it waits for its turn", async () => {
    const other = new DatabaseSync(file);
    other.exec(`pragma journal_mode = wal; ${schemaVersionTable(SQLITE).sql}; begin immediate`);
    for (const { version, statements } of migrations) {
      for (const { sql } of statements(SQLITE, "sqlite")) other.exec(sql);
      other.exec(`insert into schema_version (version) values (${version})`);
    }
    const script = `import { createSqliteStore } from ${JSON.stringify(join(import.meta.dirname, "sqlite.ts"))};
      const store = createSqliteStore({ file: ${JSON.stringify(file)} });
      console.log("opens");
      await store.open();
      await store.close();`;
    const words = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", script];
    const opening = promisify(execFile)(process.execPath, words);
    await once(opening.child.stdout ?? opening.child, "data");
    // It has seen the version within this time, or comes too late to be in anybody's way.
    await new Promise((done) => setTimeout(done, SEEN_MS));
    other.exec("commit");
    other.close();
    await opening;
    expect(ask("select count(*) as n from schema_version")).toEqual({ n: migrations.length });
  });

  it("refuses the schema of a newer program and changes nothing", async () => {
    await store.open();
    await store.close();
    const database = new DatabaseSync(file);
    database.exec("insert into schema_version values (99)");
    database.close();
    await expect(store.open()).rejects.toMatchObject({
      kind: "newer_schema",
      message: expect.stringMatching(/has schema version 99; this program knows \d+/),
    });
    expect(ask("select count(*) as n from schema_version")).toEqual({ n: migrations.length + 1 });
  });

  it("adds what is new to the tables of an older program, and keeps what they hold", async () => {
    const [first] = migrations;
    const database = new DatabaseSync(file);
    for (const { sql } of first?.statements(compilerFor("sqlite"), "sqlite") ?? []) database.exec(sql);
    database.exec(`create table schema_version (version bigint primary key);
      insert into schema_version values (1);
      insert into watermarks values ('store-1', 'host-1', 'e1', 'live', 7);`);
    database.close();
    await store.open();
    expect(store.watermarks()).toMatchObject([{ site: "store-1", seq: 7 }]);
    store.commit({ deviceEvents: [anEvent()] });
    expect(store.deviceEvents("store-1", null, 10)).toEqual([anEvent()]);
    expect(ask("select max(version) as version from schema_version")).toEqual({ version: migrations.length });
  });

  it("says which folder is missing", async () => {
    store = createSqliteStore({ file: join(folder, "none", "state.sqlite") });
    await expect(store.open()).rejects.toMatchObject({ kind: "io", retryable: true });
  });

  it("writes through to the disk on every commit", async () => {
    await store.open();
    expect(ask("pragma journal_mode")).toEqual({ journal_mode: "wal" });
    await store.close();
    expect((await stat(file)).size).toBeGreaterThan(0);
    await expect(stat(`${file}-wal`)).rejects.toThrow("ENOENT");
  });
});

describe("bounds", () => {
  it("keeps the newest 1,000 poisonous messages, cut to 64 KiB, and counts all", async () => {
    await store.open();
    const bytes = new Uint8Array(100_000).fill(7);
    for (let n = 0; n < 1_010; n++) {
      store.addPoison({
        site: "s",
        agent: "a",
        topic: `t${n}`,
        at: T0 + n,
        reason: "not_json",
        bytes: n > 1_005 ? bytes : bytes.subarray(0, 3),
      });
    }
    expect(store.poisonCount()).toBe(1_010);
    expect(
      ask("select count(*) as n, min(at) - 1700000000000 as first, max(length(bytes)) as most from poison"),
    ).toEqual({
      n: 1_000,
      first: 10,
      most: 65_536,
    });
  });

  it("keeps the newest 10,000 gaps", async () => {
    await store.open();
    const gap = { site: "s", agent: "a", epoch: "e", lane: "live", at: T0, reason: "never came" } as const;
    store.commit({ gaps: Array.from({ length: 10_005 }, (_, n) => ({ ...gap, fromSeq: n, toSeq: n })) });
    expect([store.gaps().length, store.gaps()[0]?.fromSeq]).toEqual([10_000, 5]);
  });
});

it("keeps the newest 200,000 events of devices, also over a restart, at a cost that does not grow", async () => {
  await store.open();
  const { perDeviceMax, max } = DEVICE_EVENTS;
  const of = (n: number) => anEvent({ device: `device-${Math.floor(n / perDeviceMax)}`, at: T0 + n });
  store.commit({ deviceEvents: Array.from({ length: max }, (_, n) => of(n)) });
  await store.close();
  await store.open();
  const spentMs: number[] = [];
  for (let n = max; n < max + 30; n++) {
    spentMs.push(spent(() => store.commit({ deviceEvents: [of(n)] })).cpuMs);
  }
  expect(ask("select count(*) as n, min(at) - 1700000000000 as first from device_events")).toEqual({
    n: max,
    first: 30,
  });
  // The median, of the work alone: how long a disk takes for its fsync says nothing of what grows.
  expect(spentMs.sort((a, b) => a - b)[15]).toBeLessThan(50);
});

it("shows a page of 10,000 open incidents in 20 ms, also behind 50,000 closed ones", async () => {
  await store.open();
  const incidents = Array.from({ length: 60_000 }, (_, n) =>
    aChange(
      anIncident(`INC-${String(n).padStart(6, "0")}`, {
        state: n % 6 === 0 ? "new" : "closed",
        priority: PRIORITIES[n % 5] ?? "P5",
        openedAt: T0 + ((n * 7_919) % 100_000),
      }),
    ),
  );
  store.commit({ incidents });
  const states = ["new", "acknowledged", "in_progress", "on_hold", "resolved"] as const;
  let cursor: string | null = null;
  const spentMs: number[] = [];
  for (let page = 0; page < 30; page++) {
    const { value: found, cpuMs } = spent(() => store.incidents({ states }, { limit: 100, cursor }));
    spentMs.push(cpuMs);
    expect([found.items.length, found.total]).toEqual([100, 10_000]);
    cursor = found.cursor;
  }
  expect(spentMs.sort((a, b) => a - b)[15]).toBeLessThan(20);
});

describe.skipIf(process.getuid?.() !== 0 || process.platform !== "linux")(
  "a full disk (needs root for a small tmpfs)",
  () => {
    let disk: string;
    beforeEach(async () => {
      disk = await mkdtemp(join(tmpdir(), "aislewatch-disk-"));
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]);
      file = join(disk, "state.sqlite");
      store = createSqliteStore({ file });
      await store.open();
    });
    afterEach(async () => {
      await store.close();
      execFileSync("umount", [disk]);
      await rm(disk, { recursive: true });
    });

    it("refuses the commit whole, and takes it once there is room", async () => {
      const ballast = join(disk, "ballast");
      store.commit({ incidents: [aChange(anIncident("INC-000001"), [aNote(1, "before")])] });
      await writeFile(ballast, Buffer.alloc(4_000_000)).catch(() => undefined);
      const big = { incidents: [aChange(anIncident("INC-000001"), [aNote(2, "x".repeat(400_000))])] };
      expect(() => store.commit(big)).toThrow(expect.objectContaining({ kind: "disk_full", retryable: true }));
      expect(store.incidentEvents("INC-000001")).toEqual([aNote(1, "before")]);
      await rm(ballast);
      store.commit(big);
      expect(store.incidentEvents("INC-000001")).toHaveLength(2);
    });
  },
);
