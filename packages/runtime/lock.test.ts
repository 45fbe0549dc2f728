import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockFolder } from "./index.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("lockFolder", () => {
  it("refuses a second start and names the process that holds the folder", () => {
    const first = lockFolder(folder);
    const second = lockFolder(folder);
    expect(first.ok).toBe(true);
    expect(second).toMatchObject({ ok: false, error: { kind: "held", pid: process.pid } });
    if (!second.ok) expect(second.error.detail).toContain(`process ${process.pid}`);
  });

  it("is free again after release and leaves nothing behind", () => {
    const first = lockFolder(folder);
    if (first.ok) first.value.release();
    const again = lockFolder(folder);
    expect(again.ok).toBe(true);
    if (again.ok) again.value.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    { name: "of a dead process", text: () => JSON.stringify({ pid: deadPid(), started: "" }) },
    {
      name: "of a pid that another program has now",
      text: () => JSON.stringify({ pid: process.pid, started: "then 1" }),
    },
    { name: "cut short by a power loss", text: () => '{"pid":' },
  ])("takes over a lock $name", ({ text }) => {
    writeFileSync(join(folder, "lock"), text());
    expect(lockFolder(folder).ok).toBe(true);
    expect(readdirSync(folder)).toEqual(["lock"]);
  });

  it("says what is wrong with a folder that can't be made", () => {
    writeFileSync(join(folder, "file"), "");
    expect(lockFolder(join(folder, "file", "data"))).toMatchObject({ ok: false, error: { kind: "io" } });
  });
});

/** The pid of a process that has just ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ["-e", ""]).pid;
}
