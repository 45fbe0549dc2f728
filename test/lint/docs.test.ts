/** Pages that are made from code are as the code is now, and every code that a user can meet is explained. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FIGURES, type FigureName, figureName } from "../../collector/figures.ts";
import { PAGES } from "../../docs/generate.ts";

const ROOT = join(import.meta.dirname, "../..");
const sources = ["packages", "agent", "collector"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.includes("node_modules") && !file.endsWith(".test.ts"))
    .map((file) => join(ROOT, folder, file)),
);

describe("documents", () => {
  it.each(Object.entries(PAGES))("docs/%s is as the code is (npm run docs)", (name, make) => {
    expect(readFileSync(join(ROOT, "docs", name), "utf8")).toBe(make());
  });

  it("explain every diagnostic code that the code can give", () => {
    const page = readFileSync(join(ROOT, "docs/diagnostics.md"), "utf8");
    const given = new Set(
      sources.flatMap((file) => readFileSync(file, "utf8").match(/(?<=")(?:CFG|RULE)_[A-Z_]+(?=")/g) ?? []),
    );
    const explained = new Set(page.match(/(?<=^\| `)[A-Z_]+(?=`)/gm) ?? []);
    expect([...given].filter((code) => !explained.has(code))).toEqual([]);
    expect([...explained].filter((code) => !given.has(code))).toEqual([]);
  });

  it("name only figures that /metrics has", () => {
    const known = new Set((Object.keys(FIGURES) as FigureName[]).map(figureName));
    // Measurements in InfluxDB are called alike.
    const pages = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md") && name !== "influxdb.md");
    const named = pages.flatMap((name) =>
      (readFileSync(join(ROOT, "docs", name), "utf8").match(/(?<=`)aislewatch_[a-z_]*[a-z](?=[`{])/g) ?? []).map(
        (figure) => `${name}: ${figure}`,
      ),
    );
    expect(named.filter((one) => !known.has(one.replace(/.*: /, "")))).toEqual([]);
  });

  it("say of each incident of the collector and its agents what it means and what to do", () => {
    const page = readFileSync(join(ROOT, "docs/operate.md"), "utf8");
    const told = [...page.matchAll(/^\| `([a-z-]+)` \| .+ \| .+ \|$/gm)].map(([, rule]) => rule);
    const shipped = ["collector", "agent"].flatMap((pack) =>
      [...readFileSync(join(ROOT, `rules/packs/${pack}.yaml`), "utf8").matchAll(/^ {2}- id: ([a-z-]+)$/gm)].map(
        ([, rule]) => rule,
      ),
    );
    expect(told.toSorted()).toEqual(shipped.toSorted());
  });

  it("list every dependency of every workspace", () => {
    const page = readFileSync(join(ROOT, "docs/dependencies.md"), "utf8");
    const manifests = [
      "",
      "agent",
      "collector",
      "collector/page",
      ...readdirSync(join(ROOT, "packages")).map((name) => `packages/${name}`),
    ];
    const names = manifests.flatMap((folder) => {
      const manifest = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as Record<
        string,
        Record<string, string>
      >;
      return ["dependencies", "devDependencies", "optionalDependencies"].flatMap((field) =>
        Object.keys(manifest[field] ?? {}),
      );
    });
    const missing = names.filter(
      (name) => !name.startsWith("@aislewatch/") && !name.startsWith("@types/") && !page.includes(`\`${name}\``),
    );
    expect([...new Set(missing)]).toEqual([]);
  });

  it("have one title each, and links that lead somewhere", () => {
    const pages = [
      "README.md",
      "ARCHITECTURE.md",
      "CHANGELOG.md",
      ...readdirSync(join(ROOT, "docs"))
        .filter((name) => name.endsWith(".md"))
        .map((name) => `docs/${name}`),
    ];
    for (const page of pages) {
      const text = readFileSync(join(ROOT, page), "utf8");
      const prose = text.replaceAll(/^```[\s\S]*?^```/gm, "");
      expect(prose.match(/^# .+/gm)?.length, page).toBe(1);
      for (const [, target = ""] of prose.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        const path = join(ROOT, page.startsWith("docs/") ? "docs" : "", target);
        expect(() => readdirSync(path, { withFileTypes: true }) || true, `${page} → ${target}`).not.toThrow(/ENOENT/);
      }
    }
  });
});
