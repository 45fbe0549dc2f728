import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { formatDiagnostics } from "@aislewatch/config";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
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
      sla: null,
      escalation: null,
      lifecycle: null,
      notifications: null,
      vendors: null,
      assets: null,
    };
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

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

  describe("with overrides and maintenance", () => {
    const ofRules = (more: string) =>
      RULES.replace("category: consumable", `category: consumable, vars: { n: 1 }, ${more}`);
    const OVERRIDE = "overrides:\n  - { rule: media-out, where: { site: s1 }, vars: { n: 2 } }\n";
    const MAINTENANCE =
      "maintenance:\n  - { id: nightly, reason: updates, where: { kind: label_printer }, weekly: { mon-fri: 03:00-04:00 } }\n";
    beforeEach(() => {
      write("rules/a.yaml", ofRules("active_in: night"));
      write("sites.yaml", `calendars:\n  night: { hours: { daily: 22:00-06:00 } }\n${SITES}`);
      write("overrides.yaml", OVERRIDE);
      write("maintenance.yaml", MAINTENANCE);
      paths = { ...paths, overrides: file("overrides.yaml"), maintenance: file("maintenance.yaml") };
    });

    it("is one set with them, kept as a whole, and changes with each", () => {
      const loaded = loadConfigSet(paths);
      expect(loaded.ok ? "" : formatDiagnostics(loaded.diagnostics, loaded.texts)).toBe("");
      if (!loaded.ok) return;
      const { rules, sites, maintenance } = loaded.value;
      expect(rules.overrides).toMatchObject([{ rule: "media-out", vars: { n: 2 } }]);
      expect(sites[0]?.calendars.get("night")).toMatchObject({ timeZone: "Europe/Berlin" });
      expect(maintenance).toMatchObject([{ id: "nightly", by: "file", when: { is: "weekly", timeZone: null } }]);
      const store = memory();
      keepConfigSet(paths, store);
      const before = fingerprint(paths);
      write("maintenance.yaml", MAINTENANCE.replace("04:00", "05:00"));
      expect(fingerprint(paths)).not.toBe(before);
      expect(lastGoodConfigSet(store, file("last-good"))?.rules.version).toBe(rules.version);
    });

    it.each([
      {
        name: "an override",
        of: "overrides.yaml",
        text: OVERRIDE.replace("media-out", "media-in"),
        code: "RULE_UNKNOWN_RULE",
      },
      { name: "a calendar", of: "rules/a.yaml", text: ofRules("active_in: nights"), code: "RULE_UNKNOWN_CALENDAR" },
      {
        name: "a window",
        of: "maintenance.yaml",
        text: MAINTENANCE.replace(/, weekly.*\}/, " }"),
        code: "CFG_MAINTENANCE",
      },
      {
        name: "a local time without a zone",
        of: "maintenance.yaml",
        text: MAINTENANCE.replace(/weekly: .*\} \}/, "from: 2026-11-30T22:00, to: 2026-12-01T02:00 }"),
        code: "CFG_MAINTENANCE",
      },
    ])("is refused for a mistake in $name", ({ of, text, code }) => {
      write(of, text);
      const loaded = loadConfigSet(paths);
      expect(loaded.ok ? [] : loaded.diagnostics.map((each) => [each.file, each.code])).toEqual([[file(of), code]]);
    });

    it("has the policies for incidents, kept with it, and refuses names that no other file has", () => {
      write("sla.yaml", "targets: { P1: { restore: 1h in night } }\ncontracts: { gold: {} }\n");
      const chain = (where: string) =>
        write(
          "escalation.yaml",
          `chains: [{ name: a, where: ${where}, steps: [{ unresolved: 1h, tier: 2, in: night }] }]\n`,
        );
      chain("{ contract: gold }");
      const whole = { ...paths, overrides: null, sla: file("sla.yaml"), escalation: file("escalation.yaml") };
      const loaded = loadConfigSet(whole);
      expect(loaded.ok ? "" : formatDiagnostics(loaded.diagnostics, loaded.texts)).toBe("");
      expect(loaded.ok && [...loaded.value.sla.contracts.keys()]).toEqual(["gold"]);
      expect(loaded.ok && loaded.value.escalation.chains.map(({ name }) => name)).toEqual(["a"]);
      const store = memory();
      keepConfigSet(whole, store);
      const kept = lastGoodConfigSet(store, file("last-good"));
      expect(kept && [kept.sla, kept.escalation]).toEqual(loaded.ok && [loaded.value.sla, loaded.value.escalation]);

      write("lifecycle.yaml", "review: never\n");
      const more = loadConfigSet({ ...whole, lifecycle: file("lifecycle.yaml") });
      expect(more.ok && more.value.lifecycle.review).toBeNull();
      write("secret", "a-secret-of-the-tests-only\n");
      write(
        "notifications.yaml",
        "channels: [{ name: tickets, webhook: { url: 'https://tickets.example', secret: 'file:secret' } }]\n",
      );
      const told = loadConfigSet({ ...whole, notifications: file("notifications.yaml") });
      expect(told.ok && told.value.notifications.channels.map(({ name }) => name)).toEqual(["tickets"]);
      // Secrets are kept in no store, and are read where they were.
      keepConfigSet({ ...whole, notifications: file("notifications.yaml") }, store);
      expect([...store.texts.values()].join()).not.toContain("a-secret-of-the-tests-only");
      write("notifications.yaml", "channels: none");
      const good = lastGoodConfigSet(store, file("last-good"));
      expect(good?.notifications).toEqual(told.ok && told.value.notifications);
      const night = "calendars: { night: { hours: { daily: 22:00-24:00 } } }\n";
      write("sites.yaml", `${night}sites: [{ id: s1, time_zone: UTC, contract: golden }]\n`);
      const foreign = loadConfigSet(whole);
      expect(foreign.ok ? [] : foreign.diagnostics.map(({ file: of, code }) => [of, code])).toContainEqual([
        file("sites.yaml"),
        "CFG_UNKNOWN_CONTRACT",
      ]);

      chain("{ contract: silver }");
      write("sites.yaml", SITES);
      write("rules/a.yaml", RULES);
      const refused = loadConfigSet(whole);
      expect(refused.ok ? [] : refused.diagnostics.map(({ file: of, code }) => [of, code])).toEqual([
        [whole.sla, "CFG_UNKNOWN_CALENDAR"],
        [whole.escalation, "CFG_UNKNOWN_CALENDAR"],
      ]);
      write("sla.yaml", "contracts: { gold: {} }\n");
      const again = loadConfigSet(whole);
      expect(again.ok ? [] : again.diagnostics.map(({ code }) => code)).toEqual([
        "CFG_UNKNOWN_CONTRACT",
        "CFG_UNKNOWN_CALENDAR",
      ]);
    });

    it("is good as the examples are", () => {
      const examples = resolve(import.meta.dirname, "../deploy/examples");
      for (const name of ["AISLEWATCH_WEBHOOK_SECRET", "AISLEWATCH_SMTP_PASSWORD"])
        vi.stubEnv(name, "of the tests only");
      const loaded = loadConfigSet({
        ...defaultCollectorConfig(folder),
        sites: join(examples, "sites.yaml"),
        overrides: join(examples, "overrides.yaml"),
        maintenance: join(examples, "maintenance.yaml"),
        sla: join(examples, "sla.yaml"),
        escalation: join(examples, "escalation.yaml"),
        lifecycle: join(examples, "lifecycle.yaml"),
        notifications: join(examples, "notifications.yaml"),
        vendors: join(examples, "vendors.yaml"),
        assets: join(examples, "assets.csv"),
      });
      expect(loaded.ok ? "" : formatDiagnostics(loaded.diagnostics, loaded.texts)).toBe("");
      if (!loaded.ok) return;
      expect(loaded.value.sites[0]?.closedDays).toEqual(["2026-11-23", "2026-12-25", "2026-12-26", "2027-01-01"]);
      expect(loaded.value.maintenance[1]?.when).toEqual({
        is: "once",
        fromMs: Date.UTC(2026, 10, 30, 21),
        toMs: Date.UTC(2026, 11, 1, 1),
      });
    });
  });

  it("looks past what is no file", () => {
    mkdirSync(file("rules/folder.yaml"));
    mkdirSync(file("runbooks/folder.md"));
    symlinkSync(file("nowhere"), file("runbooks/dangling.md"));
    expect(loadConfigSet(paths).ok).toBe(true);
  });

  it("has vendors and assets, refused as a part of it, seen when they change and kept when they are large", () => {
    const whole = { ...paths, vendors: file("vendors.yaml"), assets: file("assets.csv") };
    write("vendors.yaml", "vendors: { v: { name: V, phone: '112', covers: [{ sites: [s1] }] } }\n");
    const rows = Array.from({ length: 60_000 }, (_, n) => `S${n},2027-02-28,v\n`).join("");
    write("assets.csv", `serial,warranty_until,vendor\n${rows}`);
    const store = memory();
    keepConfigSet(whole, store);
    const before = fingerprint(whole);
    write("assets.csv", "serial,vendor\nS1,w\n");
    expect(fingerprint(whole)).not.toBe(before);
    const refused = loadConfigSet(whole);
    expect(refused.ok ? [] : refused.diagnostics.map(({ file: of, code }) => [of, code])).toEqual([
      [whole.assets, "CFG_UNKNOWN_VENDOR"],
    ]);
    const kept = lastGoodConfigSet(store, file("last-good"));
    expect(kept?.assets.size).toBe(60_000);
    expect(kept?.assets.vendorOf({}, { site: "s1", kind: null })?.name).toBe("V");
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
