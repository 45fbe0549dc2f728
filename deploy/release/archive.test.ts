import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { archive, checksum } from "./archive.ts";

const work = mkdtempSync(join(tmpdir(), "archive-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** The same files in a folder of their own, made in this order and at this time. */
function tree(place: string, names: readonly string[], seconds: number): string {
  const folder = join(work, place, "product-1.0");
  mkdirSync(join(folder, "bin"), { recursive: true });
  for (const name of names) {
    writeFileSync(join(folder, name), `text of ${name}`);
    utimesSync(join(folder, name), seconds, seconds);
  }
  chmodSync(join(folder, "bin/run"), 0o755);
  return folder;
}
const first = tree("first", ["bin/run", "a.txt", "b.txt"], 1_000_000_000);
const second = tree("second", ["b.txt", "a.txt", "bin/run"], 1_700_000_000);
const order = { epoch: 1_750_000_000, level: 1 };

describe.each(["tar.gz", "zip"])("an archive, %s", (kind) => {
  const [one, other] = [join(work, `one.${kind}`), join(work, `other.${kind}`)];

  it("is the same byte for byte, whenever and in whatever order its files were made", async () => {
    await archive({ ...order, folder: first, file: one });
    await archive({ ...order, folder: second, file: other });
    expect(readFileSync(one).equals(readFileSync(other))).toBe(true);
    expect(await checksum(one)).toMatch(/^[0-9a-f]{64}$/);
  });

  it("has one folder, and programs that may be run", () => {
    const out = join(work, `out-${kind}`);
    mkdirSync(out);
    if (kind === "zip") execFileSync("unzip", ["-q", one, "-d", out]);
    else execFileSync("tar", ["-xzf", one, "-C", out]);
    const found = execFileSync("find", [".", "-type", "f", "-printf", "%p %m %Ts\n"], { cwd: out, encoding: "utf8" });
    expect(found.trim().split("\n").sort()).toEqual([
      "./product-1.0/a.txt 644 1750000000",
      "./product-1.0/b.txt 644 1750000000",
      "./product-1.0/bin/run 755 1750000000",
    ]);
  });
});
