import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KernelLog } from "./kernel-log.ts";

let folder: string;
let path: string;
let log: KernelLog;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kernel-log-"));
  path = join(folder, "kern.log");
  writeFileSync(path, "before the agent\n");
  log = new KernelLog(path);
  log.read();
});
afterEach(() => {
  log.close();
  rmSync(folder, { recursive: true, force: true });
});

const say = (text: string): void => appendFileSync(path, text);

describe("a log that is a file", () => {
  it("tells what came since, once, and a line that is still growing when it is whole", () => {
    say("one\ntw");
    expect(log.read()).toEqual(["one"]);
    say("o\n");
    expect(log.read()).toEqual(["two"]);
    expect(log.read()).toEqual([]);
  });

  it("is followed when it is renamed and begun anew", () => {
    say("one\n");
    renameSync(path, `${path}.1`);
    appendFileSync(`${path}.1`, "late\n");
    expect(log.read()).toEqual(["one", "late"]);
    say("two\n");
    expect(log.read()).toEqual(["two"]);
    say("three\n");
    expect(log.read()).toEqual(["three"]);
  });

  it("is followed when it is emptied in its place", () => {
    say("a line that is longer than what comes after it\n");
    log.read();
    truncateSync(path, 0);
    say("two\n");
    expect(log.read()).toEqual(["two"]);
    expect(log.read()).toEqual([]);
  });

  it("is waited for when it is away, and is no news when it comes", () => {
    const absent = new KernelLog(join(folder, "none"));
    expect(absent.read()).toEqual([]);
    expect(absent.isOpen).toBe(false);
    writeFileSync(join(folder, "none"), "old\n");
    expect(absent.read()).toEqual([]);
    appendFileSync(join(folder, "none"), "new\n");
    expect(absent.read()).toEqual(["new"]);
    absent.close();
  });
});
