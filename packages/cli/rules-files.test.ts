import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { filesBeside, readRuleFiles } from "./rules-files.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rule-files-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const rule = (id: string, more = ""): string =>
  `group: g\nselect: kind == "ups"\nrules:\n  - { id: ${id}, title: t, when: "!up", severity: minor, category: power${more} }\n`;
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const besideOf = (name: string): string[] =>
  filesBeside(readRuleFiles([join(folder, name)]).files).map(({ file }) => basename(file));

describe("files beside the one that is checked", () => {
  it("are read when it names rules that it does not have", () => {
    write("wide.yaml", rule("wide", ", absorbs: [narrow]"));
    write("narrow.yaml", rule("narrow"));
    write("notes.txt", "nothing");
    expect(besideOf("wide.yaml")).toEqual(["narrow.yaml"]);
    expect(besideOf("narrow.yaml")).toEqual([]);
  });

  it("are left out with mistakes, with what names those, and with ids that the given have", () => {
    write("wide.yaml", rule("wide", ", absorbs: [narrow]"));
    write("narrow.yaml", rule("narrow"));
    write("copy-of-wide.yaml", rule("wide"));
    write("broken.yaml", rule("broken", ", sevrity: 1"));
    write("other.yaml", rule("other", ", absorbs: [broken]"));
    expect(besideOf("wide.yaml")).toEqual(["narrow.yaml"]);
  });
});

describe("rule files", () => {
  it("that can't be read say why, each for itself", () => {
    writeFileSync(join(folder, "latin.yaml"), Buffer.from([0x67, 0x3a, 0xe4, 0x0a]));
    writeFileSync(join(folder, "large.yaml"), "#".repeat(2_000_000));
    write("good.yaml", rule("good"));
    const { files, diagnostics } = readRuleFiles([folder, join(folder, "none.yaml")]);
    expect(files.map(({ file }) => basename(file))).toEqual(["good.yaml"]);
    expect(diagnostics.map(({ code }) => code)).toEqual(["CFG_TOO_LARGE", "CFG_ENCODING", "CFG_MISSING_FILE"]);
  });
});
