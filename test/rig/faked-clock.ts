/** A wall clock that somebody sets while a program runs, by libfaketime; what the program waits for goes on as before. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "./rig.ts";

export type FakedClock = {
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds beside the true time, from within a second on. */
  set(offsetMs: number): void;
};

/** Null where libfaketime is not installed. */
export function fakedClock(): FakedClock | null {
  const library = findLibrary();
  if (library === null) return null;
  const file = join(tempFolder(), "offset");
  const set = (offsetMs: number): void =>
    writeFileSync(file, `${offsetMs < 0 ? "" : "+"}${(offsetMs / 1_000).toFixed(3)}\n`);
  set(0);
  return {
    set,
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
  };
}

/** Debian puts it below the folder of the machine's architecture. */
function findLibrary(): string | null {
  const places = existsSync("/usr/lib") ? readdirSync("/usr/lib") : [];
  const found = places.map((place) => join("/usr/lib", place, "faketime/libfaketimeMT.so.1")).find(existsSync);
  return found ?? null;
}
