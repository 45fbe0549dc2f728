import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decideRestore, finishRestore } from "./restore-places.ts";

const KEPT = "before-restore-20261122T100000.000Z";
let folder = "";

function put(path: string, text: string): void {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
}
const at = (path: string): string | null =>
  existsSync(join(folder, path)) ? readFileSync(join(folder, path), "utf8") : null;

/** Old stores, and new ones unpacked. */
function unpackedFolder(): void {
  for (const name of ["state.sqlite", "timeseries.duckdb", "timeseries/raw-1.parquet"]) {
    put(name, `old ${name}`);
    put(`restoring/data/${name}`, `new ${name}`);
  }
  put("state.sqlite-wal", "old log");
  put("restoring/config/collector.yaml", "new config");
}
const isOld = (): boolean =>
  at("state.sqlite") === "old state.sqlite" &&
  at("state.sqlite-wal") === "old log" &&
  at("timeseries/raw-1.parquet") === "old timeseries/raw-1.parquet";
const isNew = (): boolean =>
  at("state.sqlite") === "new state.sqlite" &&
  at("state.sqlite-wal") === null &&
  at("timeseries.duckdb") === "new timeseries.duckdb" &&
  at("timeseries/raw-1.parquet") === "new timeseries/raw-1.parquet" &&
  at("config-of-backup/collector.yaml") === "new config" &&
  at(`${KEPT}/state.sqlite`) === "old state.sqlite" &&
  at(`${KEPT}/state.sqlite-wal`) === "old log" &&
  at(`${KEPT}/timeseries/raw-1.parquet`) === "old timeseries/raw-1.parquet";

describe("a restored folder takes the place of the old one", () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "aislewatch-restore-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("leaves everything as it was until it is decided, and removes what was unpacked", () => {
    unpackedFolder();
    expect(finishRestore(folder)).toBe("removed");
    expect([isOld(), existsSync(join(folder, "restoring")), finishRestore(folder)]).toEqual([true, false, "nothing"]);
  });

  it("ends in the new one whole, with the old one aside, wherever it is killed after that, and however often", () => {
    let steps = 0;
    unpackedFolder();
    decideRestore(folder, KEPT);
    finishRestore(folder, () => steps++);
    expect([isNew(), readdirSync(folder).includes("restore.json")]).toEqual([true, false]);
    expect(steps).toBeGreaterThan(8);
    for (let first = 1; first <= steps; first++) {
      for (let second = 1; second <= steps; second++) {
        rmSync(folder, { recursive: true });
        unpackedFolder();
        decideRestore(folder, KEPT);
        for (const killedAt of [first, second]) {
          let step = 0;
          const kill = (): void => {
            if (++step === killedAt) throw new Error("killed");
          };
          try {
            finishRestore(folder, kill);
          } catch {
            // As a process that ends here leaves it.
          }
        }
        finishRestore(folder);
        expect([first, second, isNew(), readdirSync(folder).sort()]).toEqual([
          ...[first, second, true],
          [KEPT, "config-of-backup", "state.sqlite", "timeseries", "timeseries.duckdb"],
        ]);
      }
    }
  });

  it("keeps what was there before, also when somebody made a new store between a kill and the next start", () => {
    unpackedFolder();
    decideRestore(folder, KEPT);
    let step = 0;
    expect(() =>
      finishRestore(folder, () => {
        if (++step === 3) throw new Error("killed");
      }),
    ).toThrow("killed");
    put("state.sqlite", "a fresh one");
    finishRestore(folder);
    expect([isNew(), at(`${KEPT}/state.sqlite.later`)]).toEqual([true, "a fresh one"]);
  });

  it("moves nothing by a journal that is not its own", () => {
    unpackedFolder();
    put("restore.json", JSON.stringify({ step: "out", keptAs: "../elsewhere" }));
    expect(() => finishRestore(folder)).toThrow();
    expect(isOld()).toBe(true);
  });
});
