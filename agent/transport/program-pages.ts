/**
 * Gives the pages of Node's binary back that only a start needed. The kernel maps sixteen pages around each that is
 * touched, and keeps them mapped: of 110 MB of code, tables and ICU's data some 39 MB are, and a quarter is used
 * afterwards. What is needed again comes from the page cache, sixteen pages at a time.
 *
 * Linux only, by koffi, which is optional: without it everything stays as it is.
 */
import { readFileSync } from "node:fs";

/** madvise(2): of a private mapping of a file nothing is lost, as long as nobody has written into it. */
const MADV_DONTNEED = 4;
/** An address of user space fits into a double: 47 bits. */
type Range = { readonly from: number; readonly bytes: number };

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

/** Returns how many bytes of mappings the kernel was told of; 0 where that is not possible. */
export async function giveBackProgramPages(): Promise<number> {
  if (process.platform !== "linux") return 0;
  try {
    const { default: koffi } = await import("koffi");
    const madvise = koffi.load(null).func("int madvise(uintptr_t from, size_t bytes, int advice)");
    // Read last: what is mapped and written to from here on is none of these.
    const ranges = cleanFileRanges(readFileSync("/proc/self/smaps", "latin1"));
    const taken = ranges.filter(({ from, bytes }) => madvise(from, bytes, MADV_DONTNEED) === 0);
    return taken.reduce((sum, { bytes }) => sum + bytes, 0);
  } catch {
    // No koffi for this platform, no /proc, or a kernel that refuses: memory is all that it was about.
    return 0;
  }
}
