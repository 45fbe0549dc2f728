/** House rules that no linter knows. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
/** Files as they are here, also before they are added; a checkout without git has nothing to say. */
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "" && !file.startsWith(".git/"));
const text = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const isText = (file: string): boolean =>
  /\.(ts|tsx|mjs|json|md|ya?ml|css|html)$/.test(file) && file !== "package-lock.json";
const SELF = "test/lint/tidy.test.ts";
const written = files.filter((file) => isText(file) && file !== SELF);
const matching = (pattern: RegExp, among: readonly string[] = written): string[] =>
  among.flatMap((file) =>
    text(file)
      .split("\n")
      .flatMap((line, n) => (pattern.test(line) ? [`${file}:${n + 1}: ${line.trim().slice(0, 100)}`] : [])),
  );

describe("the repository", () => {
  it("has no folder whose name says nothing", () => {
    const vague = new Set(["utils", "util", "helpers", "common", "shared", "misc", "lib"]);
    expect(
      files.filter((file) =>
        dirname(file)
          .split("/")
          .some((part) => vague.has(part)),
      ),
    ).toEqual([]);
  });

  it("names no path of somebody's machine and no registry's host", () => {
    expect(matching(/(^|[^A-Za-z0-9_.$])\/(work|root|home\/[a-z]+)\//)).toEqual([]);
    expect(matching(/registry\.npmjs\.org|deb\.debian\.org/, [...written, "package-lock.json"])).toEqual([]);
  });

  it("leaves nothing for later without saying for whom and until when", () => {
    expect(matching(/\b(TODO|FIXME|XXX)\b(?!\([a-z]+, \d{4}-\d{2}-\d{2}\))/)).toEqual([]);
  });

  it("fakes devices and clocks, never our own modules", () => {
    expect(matching(/\bvi\.(mock|doMock)\(/)).toEqual([]);
  });

  it("reads no clock and rolls no dice in pure code", () => {
    const pure = files.filter(
      (file) =>
        /^(agent\/core\/|agent\/drivers\/[^/]+\/parse\.ts|packages\/(base|contract|rules)\/|collector\/incidents\/)/.test(
          file,
        ) &&
        file.endsWith(".ts") &&
        !file.endsWith(".test.ts"),
    );
    expect(pure.length).toBeGreaterThan(20);
    expect(matching(/Date\.now\(|new Date\(\)|Math\.random\(|performance\.now\(/, pure)).toEqual([]);
  });

  it("opens each package by one door", () => {
    const manifests = files.filter((file) => /^packages\/[^/]+\/package\.json$/.test(file));
    for (const file of manifests) {
      const { exports } = JSON.parse(text(file)) as { exports?: Record<string, string> };
      if (basename(dirname(file)) === "cli") continue;
      expect(Object.keys(exports ?? {}), file).toEqual(["."]);
    }
  });

  it("waits in tests for a condition as long as vitest.config.ts and the rig say, not for the second of a default", () => {
    expect(matching(/\bvi\.wait(For|Until)\(|\bexpect\.poll\(.*\btimeout:/)).toEqual([]);
  });

  it("has no test that is switched off", () => {
    expect(matching(/\b(it|test|describe)\.(skip|only|todo)\(/)).toEqual([]);
  });
});
