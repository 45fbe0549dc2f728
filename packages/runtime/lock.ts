/**
 * One program at a time on a data folder. The lock is a file `lock` with the owner's pid and the pid's start time,
 * linked into place (link fails when the name exists, so two starts can't both win). A lock whose process is gone is
 * stale and taken over; the start time tells a reused pid from the owner where /proc has it.
 */
import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { err, errorText, ok, type Result } from "@aislewatch/base";

export type LockError = { readonly kind: "held" | "io"; readonly detail: string; readonly pid?: number };

export type FolderLock = { release(): void };

/** A takeover can lose the race to another; two rounds settle it. */
const ATTEMPTS_MAX = 3;

type Owner = { readonly pid: number; readonly started: string };

/** Locks `folder` (made with mode 0700 when missing) until `release`, or until this process ends. */
export function lockFolder(folder: string): Result<FolderLock, LockError> {
  const path = join(folder, "lock");
  const mine = join(folder, `lock.${process.pid}.${randomUUID().slice(0, 8)}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(mine, JSON.stringify({ pid: process.pid, started: startTime(process.pid) }), { mode: 0o600 });
    const claimed = claim(folder, path, mine);
    rmSync(mine, { force: true });
    return claimed;
  } catch (thrown) {
    return err({ kind: "io", detail: `can't lock ${folder}: ${errorText(thrown)}` });
  }
}

/** The process that has the folder now; null when it is free. Only looks. */
export function lockOwner(folder: string): number | null {
  const seen = readLock(join(folder, "lock"));
  const owner = seen === null ? null : parseOwner(seen);
  return owner !== null && isAlive(owner) ? owner.pid : null;
}

function claim(folder: string, path: string, mine: string): Result<FolderLock, LockError> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (tryLink(mine, path)) return ok({ release: () => rmSync(path, { force: true }) });
    const seen = readLock(path);
    if (seen === null) continue; // Released just now.
    const owner = parseOwner(seen);
    if (owner !== null && isAlive(owner)) {
      return err({
        kind: "held",
        pid: owner.pid,
        detail: `${folder} is in use by process ${owner.pid}; stop that one first, or name another data folder`,
      });
    }
    takeAway(path, seen);
  }
  return err({ kind: "held", detail: `${folder} is being taken by another process just now; try again` });
}

/** Moves the stale lock aside; when it turns out to be another's fresh one, it is put back. */
function takeAway(path: string, stale: string): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return; // Another start was quicker; the next round sees its lock.
  }
  if (readLock(aside) !== stale) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST") return false;
    throw thrown;
  }
}

function readLock(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function parseOwner(text: string): Owner | null {
  try {
    const { pid, started } = JSON.parse(text) as { pid?: unknown; started?: unknown };
    return typeof pid === "number" && typeof started === "string" ? { pid, started } : null;
  } catch {
    return null; // Cut short by a power loss: nobody's lock.
  }
}

function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (thrown) {
    // EPERM: it lives and belongs to another user.
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EPERM")) return false;
  }
  const started = startTime(owner.pid);
  return started === "" || owner.started === "" || started === owner.started;
}

/** Boot and start time of a process in clock ticks (proc(5), stat field 22); empty where there is no /proc. */
function startTime(pid: number): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command name in brackets may hold blanks and brackets: count from the last one.
    return `${boot} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? ""}`;
  } catch {
    return "";
  }
}
