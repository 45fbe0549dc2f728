/**
 * A disk of its own for a test that fills it or makes it read-only: a tmpfs, which only root may mount. The fsync of a
 * tmpfs costs nothing and proves nothing; this is about space and permission, not about power cuts.
 */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { onCleanUp, tempFolder } from "./rig.ts";

export type SmallDisk = {
  readonly folder: string;
  /** To the last byte; what its users need from now on they do not get. */
  fill(): void;
  free(): void;
  /** False when somebody has a file open for writing. */
  setReadOnly(isReadOnly: boolean): boolean;
};

const BALLAST_PIECES = [256 * 1024, 4_096, 1] as const;

/** Null where nobody may mount. */
export function mountSmallDisk(bytes: number): SmallDisk | null {
  const folder = tempFolder();
  if (spawnSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "none", folder]).status !== 0) return null;
  onCleanUp(() => {
    spawnSync("umount", ["--lazy", folder]);
  });
  const ballast = join(folder, "ballast");
  return {
    folder,
    fill() {
      const file = openSync(ballast, "a");
      try {
        for (const size of BALLAST_PIECES) writeUntilFull(file, Buffer.alloc(size));
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    setReadOnly: (isReadOnly) =>
      spawnSync("mount", ["-o", `remount,${isReadOnly ? "ro" : "rw"},size=${bytes}`, folder]).status === 0,
  };
}

function writeUntilFull(file: number, piece: Buffer): void {
  try {
    // Ends at the disk's end; a short write is the last one that found room.
    while (writeSync(file, piece) === piece.length);
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOSPC")) throw thrown;
  }
}
