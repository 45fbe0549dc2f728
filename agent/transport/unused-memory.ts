/**
 * Gives memory back that the process holds and does not use, of two kinds that nobody else gives back:
 *
 * - Pages of Node's binary that only a start needed, or a compiler. The kernel maps sixteen pages around each that is
 *   touched, and keeps them mapped: of 110 MB of code, tables and ICU's data some 39 MB are, and a quarter is used
 *   afterwards. What is needed again comes from the page cache, sixteen pages at a time.
 * - What was freed and malloc keeps. Maglev takes megabytes, in small pieces, to compile one function; glibc gives back by
 *   itself only what lies at the end of its heap, and there is always something that lives behind it.
 *
 * Linux only, by koffi, which is optional: without it everything stays as it is. musl has no malloc_trim.
 */
import { readFileSync } from "node:fs";

/** madvise(2): of a private mapping of a file nothing is lost, as long as nobody has written into it. */
const MADV_DONTNEED = 4;
/** An address of user space fits into a double: 47 bits. */
type Range = { readonly from: number; readonly bytes: number };

type System = {
  readonly madvise: (from: number, bytes: number, advice: number) => number;
  /** malloc_trim(3): also whole pages in the midst of the heap, since glibc 2.8. */
  readonly trim: ((pad: number) => number) | null;
};

/** Mappings of files that can't be written to, and of which no page differs from its file, by /proc/PID/smaps. */
export function cleanFileRanges(smaps: string): Range[] {
  return smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).flatMap((mapping) => {
    const [, from, to, rights] = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ [1-9]\d* +\/\S/.exec(mapping) ?? [];
    const isReadOnly = rights === "r-xp" || rights === "r--p";
    const dirty = [...mapping.matchAll(/^(?:Private_Dirty|Shared_Dirty|Anonymous|Locked): +(\d+) kB$/gm)];
    if (from === undefined || to === undefined || !isReadOnly || dirty.length !== 4) return [];
    if (dirty.some(([, kilobytes]) => kilobytes !== "0")) return [];
    return [{ from: Number.parseInt(from, 16), bytes: Number.parseInt(to, 16) - Number.parseInt(from, 16) }];
  });
}

/**
 * Takes 3 ms and the faults of what is needed again; returns how many bytes of mappings the kernel was told of, 0 where
 * that is not possible.
 */
export async function giveBackUnusedMemory(): Promise<number> {
  system ??= openSystem();
  const opened = await system;
  if (opened === null) return 0;
  opened.trim?.(0);
  try {
    // Read last: what is mapped and written to from here on is none of these.
    const ranges = cleanFileRanges(readFileSync("/proc/self/smaps", "latin1"));
    const taken = ranges.filter(({ from, bytes }) => opened.madvise(from, bytes, MADV_DONTNEED) === 0);
    return taken.reduce((sum, { bytes }) => sum + bytes, 0);
  } catch {
    // No /proc: memory is all that it was about.
    return 0;
  }
}

/** Once: koffi keeps for good what it made of each function. */
let system: Promise<System | null> | undefined;

async function openSystem(): Promise<System | null> {
  if (process.platform !== "linux") return null;
  try {
    const { default: koffi } = await import("koffi");
    const libc = koffi.load(null);
    const madvise = libc.func("int madvise(uintptr_t from, size_t bytes, int advice)");
    return { madvise, trim: functionOf(() => libc.func("int malloc_trim(size_t pad)")) };
  } catch {
    // No koffi for this platform.
    return null;
  }
}

function functionOf<T>(find: () => T): T | null {
  try {
    return find();
  } catch {
    return null;
  }
}
