/** Profiles as files: what is said of mistakes, what one takes from another, and the documents about them. */
import { readFileSync } from "node:fs";
import { formatDiagnostics } from "@aislewatch/config";
import { describe, expect, it } from "vitest";
import { loadBuiltinProfiles, matchProfile, parseProfiles, weighProfiles } from "./index.ts";
import { SOURCES } from "./profile.ts";
import { profileJsonSchema } from "./profile-schema.ts";

describe("a profile file with mistakes, as its author reads it", () => {
  it.each([
    { name: "an unknown metric", yaml: "metrics:\n  uptime_second: { oid: 1.3.1.0 }\n" },
    { name: "a metric of components at the device", yaml: "metrics:\n  disk_used_percent: { oid: 1.3.1.0 }\n" },
    { name: "a number for a boolean", yaml: "kind: ups\nmetrics:\n  on_battery: { constant: 1 }\n" },
    { name: "a metric of another kind", yaml: "kind: ups\nmetrics:\n  head_open: { oid: 1.3.1.0, is: [1] }\n" },
    {
      name: "an unknown table",
      yaml: "metrics:\n  uptime_seconds: { rows: { table: trays, take: max, of: { column: a } } }\n",
    },
    {
      name: "an unknown column",
      yaml: "tables:\n  disks:\n    columns: { size: 1.3.1 }\n    component: { prefix: disk, from: [nmae] }\n    metrics: { disk_total_bytes: { column: sise } }\n",
    },
    { name: "a column without a row", yaml: "metrics:\n  uptime_seconds: { column: a }\n" },
    { name: "two sources", yaml: "metrics:\n  uptime_seconds: { oid: 1.3.1.0, constant: 1 }\n" },
    { name: "a misspelt key", yaml: "metrics:\n  uptime_seconds: { oid: 1.3.1.0, scael: 0.01 }\n" },
    { name: "no OID", yaml: "metrics:\n  uptime_seconds: { oid: sysUpTime.0 }\n" },
    { name: "an expensive pattern", yaml: 'match:\n  - sys_descr: "(a+)+$"\n' },
    { name: "a pattern that is expensive by alternatives", yaml: 'match:\n  - sys_descr: "^(a|a)*b"\n' },
    { name: "a pattern that is expensive by groups in groups", yaml: 'match:\n  - sys_descr: "^((a+)b?)+$"\n' },
    { name: "a pattern that repeats too often", yaml: 'match:\n  - sys_descr: "a|^.*.*.*.{1,9}=x"\n' },
    {
      name: "no mistake: brackets that are repeated, and the most repetitions that may be",
      yaml: 'match:\n  - sys_descr: "^[)]+\\\\)+(?:a+|b+)"\n',
    },
    { name: "a text for a boolean", yaml: "kind: ups\nmetrics:\n  on_battery: { oid: 1.3.1.0, map: { 1: maybe } }\n" },
    {
      name: "numbers among booleans",
      yaml: "kind: ups\nmetrics:\n  on_battery: { oid: 1.3.1.0, map: { 1: true, 2: 3 } }\n",
    },
    { name: "a range upside down", yaml: "metrics:\n  uptime_seconds: { oid: 1.3.1.0, range: [5, 1] }\n" },
    { name: "a broken pattern", yaml: 'match:\n  - sys_descr: "(a"\n' },
    { name: "an unknown parent", yaml: "extends: [pritner]\n" },
    { name: "itself as a parent", yaml: "extends: [p]\n" },
    {
      name: "columns that nothing would refresh, and a gate that is behind itself",
      yaml: "tables:\n  alerts:\n    columns: { code: 1.3.1, text: 1.3.2 }\n    static: [code, text]\n    gate: alerts\n",
    },
    {
      name: "a gate, a static column and a quote that are not there",
      yaml: "tables:\n  alerts:\n    columns: { code: 1.3.1, text: 1.3.2 }\n    static: [txet]\n    gate: counts\n    quote: words\n",
    },
  ])("$name", ({ yaml }) => {
    const file = { file: "p.yaml", text: `profile: p\ntitle: P\n${yaml}` };
    const parsed = parseProfiles([file], loadBuiltinProfiles());
    const shown = parsed.ok ? "no mistakes" : formatDiagnostics(parsed.diagnostics, new Map([[file.file, file.text]]));
    expect(`${shown}\n`).toMatchSnapshot();
  });

  it("says so when two files have one name", () => {
    const shared = "profile: p\ntitle: P\n";
    const parsed = parseProfiles([
      { file: "a.yaml", text: shared },
      { file: "b.yaml", text: shared },
    ]);
    expect(parsed.ok ? [] : parsed.diagnostics.map(({ code, file }) => [code, file])).toEqual([
      ["CFG_DUPLICATE_ID", "b.yaml"],
    ]);
  });
});

describe("extending", () => {
  it("puts what a profile says above what it extends, and the operator's above ours", () => {
    const parsed = parseProfiles(
      [
        {
          file: "p.yaml",
          text: "profile: our-ups\ntitle: Our UPS\nextends: [ups]\nmetrics:\n  battery_charge_percent: { oid: 1.3.1.0 }\nmatch:\n  - sys_object_id: 1.3.6.1.4.1.99999.*\n",
        },
      ],
      loadBuiltinProfiles(),
    );
    if (!parsed.ok) throw new Error(formatDiagnostics(parsed.diagnostics));
    const facts = { sysObjectID: "1.3.6.1.4.1.99999.1", sysDescr: "", present: new Set(["1.3.6.1.2.1.33.1.2"]) };
    const profile = matchProfile(parsed.value, facts);
    expect(profile?.name).toBe("our-ups");
    expect(profile?.kind).toBe("ups");
    expect(profile?.metrics["battery_charge_percent"]).toEqual({ oid: "1.3.1.0" });
    expect(profile?.metrics["on_battery"]).toBeDefined();
    expect(profile?.lineage).toEqual(["our-ups", "ups", "system"]);
  });
});

describe("a weight", () => {
  it("stands instead of what an entry would weigh", () => {
    const parsed = parseProfiles([
      { file: "a.yaml", text: "profile: a\ntitle: A\nmatch: [{ present: 1.3.7, weight: 2 }]\n" },
      { file: "b.yaml", text: 'profile: b\ntitle: B\nmatch: [{ sys_descr: "B" }]\n' },
    ]);
    const profiles = parsed.ok ? parsed.value : [];
    const facts = { sysObjectID: "1.3.6", sysDescr: "A B", present: new Set(["1.3.7"]) };
    expect(weighProfiles(profiles, facts).map(({ profile, weight }) => `${profile.name} ${weight}`)).toEqual([
      "b 8",
      "a 2",
    ]);
  });
});

describe("docs/profiles.md", () => {
  it("shows a profile that is one, and names every source and step of the language", () => {
    const readme = readFileSync(new URL("../../docs/profiles.md", import.meta.url), "utf8");
    const example = /```yaml\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
    const parsed = parseProfiles([{ file: "profiles.md", text: example }], loadBuiltinProfiles());
    expect(parsed.ok ? "" : formatDiagnostics(parsed.diagnostics)).toBe("");
    const steps = [
      "when",
      "bit",
      "tlv",
      "mask",
      "absent",
      "unsigned",
      "match",
      "is",
      "matches",
      "map",
      "scale",
      "range",
      "static",
      "gate",
      "quote",
    ];
    for (const word of [...SOURCES, ...steps]) expect(readme, word).toMatch(new RegExp(`\`${word}[\`:]`));
  });
});

describe("schema.json", () => {
  it("is the language as it is (npm run docs, then format it)", () => {
    const written = readFileSync(new URL("./profiles/schema.json", import.meta.url), "utf8");
    expect(JSON.parse(written)).toEqual(profileJsonSchema());
  });
});
