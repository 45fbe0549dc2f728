import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import {
  byteSize,
  durationMs,
  durationMsBetween,
  formatDiagnostics,
  loadYamlFile,
  maskSecrets,
  readSecret,
  secretRef,
  suggest,
  writeDuration,
} from "./index.ts";

describe("suggest", () => {
  it.each([
    { word: "snmpp", candidates: ["snmp", "zpl"], want: "snmp" },
    { word: "comunity", candidates: ["context", "community"], want: "community" },
    { word: "hots", candidates: ["host", "hat"], want: "host" },
    { word: "Label-Printer", candidates: ["label_printer"], want: "label_printer" },
    { word: "telnet", candidates: ["snmp", "zpl"], want: null },
    { word: "x", candidates: ["y_very_different"], want: null },
    { word: "2", candidates: ["1", "2c", "3"], want: "2c" },
    { word: "4", candidates: ["1", "2c", "3"], want: null },
    { word: "", candidates: ["a"], want: null },
    { word: "baud", candidates: ["serial", "baud_rate"], want: "baud_rate" },
    { word: "switch", candidates: ["pos_terminal", "network_switch"], want: "network_switch" },
    { word: "printer", candidates: ["label_printer", "office_printer"], want: null },
    { word: "data", candidates: ["data_bits", "data_path"], want: null },
  ])("$word means $want", ({ word, candidates, want }) => {
    expect(suggest(word, candidates)).toBe(want);
  });

  it("finds any word again after one slip", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{4,20}$/), fc.nat(), (word, at) => {
        const cut = at % word.length;
        return suggest(word.slice(0, cut) + word.slice(cut + 1), [word, "zzzzzzzzzzzzzzzzzzzzzzzz"]) === word;
      }),
    );
  });
});

describe("quantities", () => {
  it.each([
    { written: "500ms", want: 500 },
    { written: "10s", want: 10_000 },
    { written: "1.5m", want: 90_000 },
    { written: "1h30m", want: 5_400_000 },
    { written: "7d", want: 604_800_000 },
    { written: 10, want: null },
    { written: "10", want: null },
    { written: "10 s", want: null },
    { written: "-1s", want: null },
    { written: "99999d", want: null },
  ])("the duration $written is $want ms", ({ written, want }) => {
    const parsed = durationMs.safeParse(written);
    expect(parsed.success ? parsed.data : null).toBe(want);
  });

  it.each([
    { written: "512MiB", want: 536_870_912 },
    { written: "1.5 kB", want: 1_500 },
    { written: "0B", want: 0 },
    { written: 512, want: null },
    { written: "512mb", want: null },
  ])("the size $written is $want bytes", ({ written, want }) => {
    const parsed = byteSize.safeParse(written);
    expect(parsed.success ? parsed.data : null).toBe(want);
  });

  it("writes bounds as people do", () => {
    const parsed = durationMsBetween(1_000, 86_400_000).safeParse("10ms");
    expect(parsed.error?.issues[0]?.message).toBe("expected 1s to 1d");
    expect([0, 90_000, 7_200_000].map(writeDuration)).toEqual(["0ms", "90s", "2h"]);
  });
});

describe("secrets", () => {
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "community"), "s3cret \n");
  writeFileSync(join(folder, "empty"), "\n");
  writeFileSync(join(folder, "huge"), "x".repeat(70_000));

  it.each([
    { written: "file:secrets/community", want: { kind: "file", name: "secrets/community" } },
    { written: "env:COMMUNITY", want: { kind: "env", name: "COMMUNITY" } },
    { written: "env:not a name", want: null },
    { written: "public", want: null },
    { written: "file:", want: null },
    { written: 7, want: null },
  ])("$written is read as $want", ({ written, want }) => {
    const parsed = secretRef.safeParse(written);
    expect(parsed.success ? parsed.data : null).toEqual(want);
  });

  it.each([
    { ref: "file:community", want: "s3cret " },
    { ref: "env:SET", want: "value" },
    { ref: "env:UNSET", want: "the environment variable UNSET is not set" },
    { ref: "env:EMPTY", want: "the environment variable EMPTY is empty" },
    { ref: "file:nowhere", want: "<folder>/nowhere does not exist" },
    { ref: "file:empty", want: "<folder>/empty is empty" },
    { ref: "file:huge", want: "<folder>/huge holds more than 65536 bytes" },
    { ref: "file:.", want: "<folder> can't be read: EISDIR" },
  ])("$ref gives $want", ({ ref, want }) => {
    const read = readSecret(secretRef.parse(ref), folder, { SET: "value", EMPTY: "" });
    expect(read.ok ? read.value : read.error.message.replace(folder, "<folder>")).toBe(want);
  });

  it.each([
    { line: "password: hunter2 # old", want: "password: ••••••• # old" },
    { line: 'user: { name: noc, auth_password: "hunter 2" }', want: "user: { name: noc, auth_password: ••••••• •• }" },
    { line: "comunity: public", want: "comunity: ••••••" },
    { line: "community: file:secrets/community", want: "community: file:secrets/community" },
    { line: "path: tokens.txt", want: "path: tokens.txt" },
    { line: "url: https://noc:hunter2@hooks.example/x", want: "url: https://noc:•••••••@hooks.example/x" },
    { line: 'url: "mqtts://:hunter2@broker:8883"', want: 'url: "mqtts://:•••••••@broker:8883"' },
    { line: "url: https://noc@hooks.example:8443/x", want: "url: https://noc@hooks.example:8443/x" },
  ])("shows $line as $want", ({ line, want }) => {
    expect(maskSecrets(line)).toBe(want);
  });

  it("never shows what was written where a secret belongs", () => {
    const schema = z.strictObject({ user: z.strictObject({ password: secretRef, level: z.enum(["a", "b"]) }) });
    const secret = fc
      .stringMatching(/^[A-Za-z0-9]{8,20}$/)
      .filter((text) => !/^[0-9.eE+]+$|true|false|null/i.test(text));
    fc.assert(
      fc.property(secret, fc.constantFrom("password", "pasword", "passwort"), (value, key) => {
        const path = join(folder, "agent.yaml");
        writeFileSync(path, `user: { ${key}: ${value}, level: c }\n`);
        const loaded = loadYamlFile(path, schema);
        if (loaded.ok || loaded.text === null) return false;
        return !formatDiagnostics(loaded.diagnostics, new Map([[path, loaded.text]])).includes(value);
      }),
      { numRuns: 30 },
    );
  });
});

describe("loadYamlFile", () => {
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const schema = z.strictObject({ a: z.number() });
  writeFileSync(join(folder, "good.yaml"), "\uFEFFa: 1\n");
  writeFileSync(join(folder, "latin1.yaml"), Buffer.from([0x61, 0x3a, 0x20, 0xe9]));
  writeFileSync(join(folder, "huge.yaml"), "#".repeat(1024 * 1024 + 1));
  writeFileSync(join(folder, "closed.yaml"), "a: 1\n");
  chmodSync(join(folder, "closed.yaml"), 0);

  it.each([
    { file: "good.yaml", want: "a is 1" },
    { file: "missing.yaml", want: "missing.yaml  CFG_MISSING_FILE\n    expected a file here; there is none" },
    { file: "latin1.yaml", want: "latin1.yaml  CFG_ENCODING\n    expected UTF-8 text\n    save the file as UTF-8" },
    { file: "huge.yaml", want: "huge.yaml  CFG_TOO_LARGE\n    expected at most 1048576 bytes; received 1048577" },
    { file: ".", want: ".  CFG_UNREADABLE\n    expected a file; received a folder" },
  ])("$file: $want", ({ file, want }) => {
    const loaded = loadYamlFile(join(folder, file), schema);
    const shown = loaded.ok ? `a is ${loaded.value.a}` : formatDiagnostics(loaded.diagnostics);
    expect(shown.replace(folder, file === "." ? "." : "").replace(/^\//, "")).toBe(want);
  });

  it("says that permission was denied", () => {
    // Nothing is closed to root, so root reads as nobody for a moment.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    let loaded: ReturnType<typeof loadYamlFile>;
    try {
      loaded = loadYamlFile(join(folder, "closed.yaml"), schema);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
    expect(loaded.ok ? "" : loaded.diagnostics[0]?.message).toContain("permission was denied");
  });
});
