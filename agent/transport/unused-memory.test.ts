import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cleanFileRanges } from "./unused-memory.ts";

const mapping = (rights: string, file: string, dirty: Partial<Record<string, number>> = {}): string =>
  [
    `55d0c0000000-55d0c0400000 ${rights} 00000000 fe:00 ${file === "" ? 0 : 131072}                     ${file}`,
    "Size:               4096 kB",
    ...["Private_Dirty", "Shared_Dirty", "Anonymous", "Locked"].map((key) => `${key}:   ${dirty[key] ?? 0} kB`),
    "VmFlags: rd ex mr mw me",
    "",
  ].join("\n");

describe("pages of the program", () => {
  it.each([
    { name: "code", of: mapping("r-xp", "/usr/bin/node"), ranges: 1 },
    { name: "tables", of: mapping("r--p", "/usr/lib/with space/node"), ranges: 1 },
    { name: "of a file that an update has replaced", of: mapping("r-xp", "/usr/bin/node (deleted)"), ranges: 1 },
    { name: "none that can be written to", of: mapping("rw-p", "/usr/bin/node"), ranges: 0 },
    { name: "none that others see, too", of: mapping("r--s", "/usr/bin/node"), ranges: 0 },
    { name: "none of no file", of: mapping("r--p", ""), ranges: 0 },
    { name: "none of the kernel's own", of: mapping("r-xp", "[vdso]"), ranges: 0 },
    { name: "none that were relocated", of: mapping("r--p", "/usr/bin/node", { Private_Dirty: 8 }), ranges: 0 },
    { name: "none of which a page is its own", of: mapping("r-xp", "/usr/bin/node", { Anonymous: 4 }), ranges: 0 },
    { name: "none that somebody wants to stay", of: mapping("r-xp", "/usr/bin/node", { Locked: 4 }), ranges: 0 },
    { name: "none of a kernel that does not say", of: "1000-2000 r-xp 0 fe:00 7 /bin/x\nSize: 4 kB\n", ranges: 0 },
  ])("are given back: $name", ({ of, ranges }) => {
    expect(cleanFileRanges(`${of}${mapping("rw-p", "/x")}`)).toHaveLength(ranges);
  });

  it.runIf(process.platform === "linux")("come back as they are needed, and the program goes on", () => {
    const { before, after, laterFiles, same } = sample();
    expect(same).toBe(true);
    expect(after.files).toBeLessThan(before.files / 2);
    // It has used zlib, crypto, ICU, regular expressions and the compiler again by then.
    expect(laterFiles).toBeLessThan(before.files);
  });
});

describe("what malloc keeps of what was freed", () => {
  it.runIf(isGlibc())("is given back, also in the midst of its heap", () => {
    const { before, after, same } = sample();
    expect(same).toBe(true);
    // Of 38 MiB; the page that a living piece lies on stays.
    expect(before.own - after.own).toBeGreaterThan(25 * 1_024);
  });
});

function isGlibc(): boolean {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime !== undefined;
}

type Held = { readonly files: number; readonly own: number };

/** KiB. One thread: what a collection frees is free when it returns. */
function sample(): { before: Held; after: Held; laterFiles: number; same: boolean } {
  const program = join(import.meta.dirname, "sample-unused-memory.ts");
  const env = { ...process.env, MALLOC_ARENA_MAX: "1" };
  const { stdout, stderr } = spawnSync(process.execPath, ["--expose-gc", "--single-threaded", program], { env });
  expect(String(stderr)).toBe("");
  return JSON.parse(String(stdout)) as ReturnType<typeof sample>;
}
