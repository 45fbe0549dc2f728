import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { formatDiagnostics } from "@aislewatch/config";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultCollectorConfig } from "./config.ts";
import {
  type ConfigPaths,
  type DocumentStore,
  fingerprint,
  keepConfigSet,
  lastGoodConfigSet,
  loadConfigSet,
} from "./config-set.ts";
import { RULES } from "./sample-site.ts";

const SITES = "sites:\n  - { id: s1, name: First, time_zone: Europe/Berlin }\n";
const SHIPPED_PRIORITY = resolve(import.meta.dirname, "../deploy/examples/priority.yaml");

let folder = "";
let paths: ConfigPaths;
const file = (name: string) => join(folder, name);
const write = (name: string, text: string) => writeFileSync(file(name), text);

function memory(): DocumentStore & { texts: Map<string, string>; writes: number } {
  const texts = new Map<string, string>();
  const store = {
    texts,
    writes: 0,
    document: (name: string) => texts.get(name) ?? null,
    putDocument(name: string, text: string) {
      store.writes++;
      texts.set(name, text);
    },
  };
  return store;
}

describe("a configuration set", () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "aislewatch-"));
    mkdirSync(file("rules/deeper"), { recursive: true });
    mkdirSync(file("runbooks/printer"), { recursive: true });
    write("rules/a.yaml", RULES);
    write("rules/deeper/b.yml", RULES.replaceAll("group: test", "group: more").replaceAll("id: ", "id: more-"));
    write("rules/notes.txt", "not a rule");
    write("runbooks/printer/out.md", "Before\n\n# Paper out\n\n1. Put some in.\n");
    write("runbooks/plain.md", "No heading.");
    write("sites.yaml", SITES);
    cpSync(SHIPPED_PRIORITY, file("priority.yaml"));
    paths = {
      rules: [file("rules")],
      runbooks: file("runbooks"),
      sites: file("sites.yaml"),
      priority: file("priority.yaml"),
      overrides: null,
      maintenance: null,
    };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("is all rule files in and below the folder, the sites, the priorities and the runbooks", () => {
    const loaded = loadConfigSet(paths);
    expect(loaded.ok).toBe(true);
    if (!loaded.ok) return;
    const { rules, sites, priority, runbooks } = loaded.value;
    expect(rules.rules.map(({ id }) => id).sort()).toEqual([
      "media-out",
      "more-media-out",
      "more-no-answer",
      "no-answer",
    ]);
    expect(sites.map(({ id }) => id)).toEqual(["s1"]);
    expect(priority?.matrix.high.high).toBe("P1");
    expect([...runbooks].map(([ref, { title }]) => [ref, title])).toEqual([
      ["plain", "plain"],
      ["printer/out", "Paper out"],
    ]);
  });

  it("is good as it is shipped", () => {
    const loaded = loadConfigSet(defaultCollectorConfig(folder));
    expect(loaded.ok ? "" : formatDiagnostics(loaded.diagnostics, loaded.texts)).toBe("");
  });

  it.each([
    { name: "a rule", of: "rules/a.yaml", text: RULES.replace("media_out", "media_outt") },
    { name: "the YAML of a rule", of: "rules/deeper/b.yml", text: "group: [" },
    { name: "a site", of: "sites.yaml", text: SITES.replace("Berlin", "Berlim") },
    { name: "a priority", of: "priority.yaml", text: "matrix: 7\n" },
  ])("is refused whole for a mistake in $name, which is named", ({ of, text }) => {
    write(of, text);
    const loaded = loadConfigSet(paths);
    expect(loaded.ok).toBe(false);
    if (loaded.ok) return;
    expect(loaded.diagnostics.length).toBeGreaterThan(0);
    expect(new Set(loaded.diagnostics.map((each) => each.file))).toEqual(new Set([file(of)]));
    expect(loaded.texts.get(file(of))).toBe(text);
  });

  it("says all mistakes of all files at once", () => {
    write("rules/a.yaml", RULES.replace("media_out", "media_outt"));
    write("sites.yaml", SITES.replace("Berlin", "Berlim"));
    rmSync(file("priority.yaml"));
    const loaded = loadConfigSet(paths);
    const files = loaded.ok ? [] : loaded.diagnostics.map((each) => each.file);
    expect(new Set(files)).toEqual(new Set([file("rules/a.yaml"), file("sites.yaml"), file("priority.yaml")]));
  });

  it("names a rule file that is not there", () => {
    const loaded = loadConfigSet({ ...paths, rules: [file("absent.yaml")] });
    expect(loaded.ok ? [] : loaded.diagnostics.map((each) => each.file)).toEqual([file("absent.yaml")]);
  });

  it("looks past what is no file", () => {
    mkdirSync(file("rules/folder.yaml"));
    mkdirSync(file("runbooks/folder.md"));
    symlinkSync(file("nowhere"), file("runbooks/dangling.md"));
    expect(loadConfigSet(paths).ok).toBe(true);
  });

  describe("fingerprint", () => {
    it.each([
      { name: "a rule is edited", change: () => write("rules/a.yaml", `${RULES}# more\n`) },
      { name: "a rule file is added", change: () => write("rules/c.yaml", RULES) },
      { name: "a rule file goes", change: () => rmSync(file("rules/deeper/b.yml")) },
      { name: "a runbook is edited", change: () => write("runbooks/plain.md", "# Plain") },
      { name: "sites go", change: () => rmSync(file("sites.yaml")) },
    ])("changes when $name", ({ change }) => {
      const before = fingerprint(paths);
      expect(fingerprint(paths)).toBe(before);
      change();
      expect(fingerprint(paths)).not.toBe(before);
    });
  });

  describe("the last good one", () => {
    it("is what was kept, though the files are faulty or gone since", () => {
      const store = memory();
      keepConfigSet(paths, store);
      const before = loadConfigSet(paths);
      rmSync(file("rules"), { recursive: true });
      write("sites.yaml", "?");
      const kept = lastGoodConfigSet(store, file("last-good"));
      expect(kept?.rules.version).toBe(before.ok ? before.value.rules.version : "");
      expect(kept?.sites).toEqual(before.ok ? before.value.sites : []);
      expect(kept?.priority).toEqual(before.ok ? before.value.priority : null);
      expect([...(kept?.runbooks.keys() ?? [])]).toEqual(["plain", "printer/out"]);
    });

    it("is written only when it changed, and holds nothing but the set", () => {
      const store = memory();
      const config = {
        ...defaultCollectorConfig(folder),
        ...paths,
        tls: { cert: "CERT", key: "SECRET-KEY" },
      };
      keepConfigSet(config, store);
      keepConfigSet(config, store);
      expect(store.writes).toBe(1);
      expect([...store.texts.values()].join()).not.toContain("SECRET-KEY");
    });

    it.each([
      { name: "nothing was kept", text: null },
      { name: "what was kept is no JSON", text: "{" },
      { name: "what was kept has another form", text: '{"roots":{}}' },
      {
        name: "what was kept does not load any more",
        text: JSON.stringify({
          roots: { rules: ["/r.yaml"], runbooks: "/none", sites: null, priority: null },
          files: { "/r.yaml": "group: 1" },
        }),
      },
    ])("is none when $name", ({ text }) => {
      const store = memory();
      if (text !== null) store.putDocument("config-set", text);
      expect(lastGoodConfigSet(store, file("last-good"))).toBeNull();
    });
  });
});
