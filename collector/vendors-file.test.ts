import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDiagnostics } from "@aislewatch/config";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { csvText } from "./api/csv.ts";
import { loadAssetTable } from "./asset-table.ts";
import { loadAssetBook } from "./vendors-file.ts";

const EXAMPLES = join(import.meta.dirname, "../deploy/examples");
let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "aislewatch-vendors-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

function written(name: string, text: string | null): string | null {
  if (text === null) return null;
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

function load(yaml: string | null, csv: string | null, sites: readonly string[] | null = ["berlin-01"]) {
  return loadAssetBook({ vendors: written("vendors.yaml", yaml), assets: written("assets.csv", csv), sites });
}

function complaints(yaml: string | null, csv: string | null): string {
  const loaded = load(yaml, csv);
  const shown = loaded.ok ? "no mistakes" : formatDiagnostics(loaded.diagnostics, loaded.texts);
  return `${yaml ?? ""}---\n${csv ?? ""}---\n${shown.replaceAll(`${dir}/`, "")}\n`;
}

const ONE = "vendors:\n  label-service: { name: Label Service, phone: +49 30 5550200 }\n";

describe("the usual mistakes in vendors.yaml", () => {
  it.each([
    { name: "a wrong key", yaml: "vendors:\n  a: { name: A, fone: 123 }\n" },
    { name: "nobody can reach it", yaml: "vendors:\n  a: { name: A, contract: C-1 }\n" },
    { name: "a portal that is none", yaml: "vendors:\n  a: { name: A, portal: service.example.com }\n" },
    { name: "a name with blanks", yaml: "vendors:\n  Label Service: { name: A, phone: '123' }\n" },
    { name: "it covers everything", yaml: `${ONE.trimEnd().replace(" }", ", covers: [{}] }")}\n` },
    {
      name: "a kind and a site that are none",
      yaml: "vendors:\n  a: { name: A, phone: '123', covers: [{ kinds: [label-printer], sites: [berlin-1] }] }\n",
    },
    { name: "an unknown vendor", yaml: `${ONE}assets:\n  - { serial: A1, vendor: label-servce }\n` },
    { name: "a date that is none", yaml: "assets:\n  - { serial: A1, warranty_until: 2027-02-30 }\n" },
    { name: "a number that YAML makes one", yaml: "assets:\n  - { serial: 3114205 }\n" },
    { name: "a serial number twice", yaml: "assets:\n  - { serial: A1 }\n  - { serial: ' a1 ' }\n" },
  ])("$name", ({ yaml }) => expect(complaints(yaml, null)).toMatchSnapshot());
});

describe("the usual mistakes in assets.csv", () => {
  it.each([
    { name: "an empty file", csv: "" },
    { name: "no header", csv: "A1,Zebra,2027-01-01\n" },
    { name: "a slip in the header", csv: "serial,warrenty_until\nA1,2027-01-01\n" },
    { name: "a column twice", csv: "serial,tag,tag\nA1,1,2\n" },
    { name: "a date of another country", csv: "serial;warranty_until\nA1;28.02.2027\nA2;2027-02-28\nA3;soon\n" },
    { name: "no serial number", csv: "tag,serial,maker\n1,,Zebra\n" },
    { name: "an unknown vendor behind a quoted comma", csv: 'serial,tag,vendor\nA1,"x, ""y""",label-servce\n' },
    { name: "after a cell of two lines", csv: 'serial,tag,vendor\nA1,"x\ny",\nA2,,nobody\n' },
    { name: "quotes that do not close", csv: 'serial,tag\nA1,"x\nA2,y\n' },
    { name: "quotes in the middle", csv: 'serial,tag\nA1,"19" rack\n' },
    { name: "a serial number twice", csv: "serial,maker\nA1,Zebra\nA2,\na1,zebra\n" },
    { name: "a cell that is a page", csv: `serial,tag\nA1,${"x".repeat(200)}\n` },
  ])("$name", ({ csv }) => expect(complaints(ONE, csv)).toMatchSnapshot());

  it("a serial number in both files", () => {
    expect(complaints(`${ONE}assets:\n  - { serial: A1 }\n`, "serial\nA1\n")).toMatchSnapshot();
  });

  it("is said with those of vendors.yaml at once", () => {
    const loaded = load("vendors: 7\n", "serial,vendor\n,whoever\n");
    expect(loaded.ok ? [] : loaded.diagnostics.map(({ code }) => code)).toEqual(["CFG_TYPE", "CFG_MISSING_KEY"]);
  });

  it("never more than a hundred", () => {
    const loaded = load(null, `serial,purchased\n${"A,soon\n".repeat(5_000)}`);
    expect(loaded.ok ? 0 : loaded.diagnostics.length).toBe(100);
  });
});

describe("assets.csv", () => {
  it.each([
    { name: "as a spreadsheet of the west writes it", csv: "serial,tag,warranty_until\r\nA1,T 1,2027-02-28\r\n" },
    {
      name: "as one of the continent",
      csv: "\uFEFFSerial;Location;TAG;Warranty_Until\nA1;Berlin;T 1;2027-02-28\n;;;\n\n",
    },
    { name: "with tabs, its columns in any order", csv: "warranty_until\ttag\tserial\n2027-02-28\tT 1\t A1 \n" },
  ])("is read $name", ({ csv }) => {
    const loaded = load(null, csv);
    if (!loaded.ok) throw new Error(formatDiagnostics(loaded.diagnostics, loaded.texts));
    expect(loaded.value.record({ serial: "a1", vendor: "Zebra" })).toMatchObject({
      ...{ serial: "A1", tag: "T 1", warrantyUntil: "2027-02-28", purchased: null, vendor: null, maker: null },
    });
  });

  it("gives back whatever text a table of it had", () => {
    const cell = fc
      .stringMatching(/^[^\s\0](?:[^\0]{0,20}[^\s\0])?$/u)
      .filter((text) => !/^[=+\-@＝＋－＠]/.test(text));
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(cell, cell), { minLength: 1, maxLength: 8, selector: ([serial]) => serial }),
        (rows) => {
          const path = written("any.csv", csvText([["serial", "tag"], ...rows])) ?? "";
          const loaded = loadAssetTable(path, null);
          expect(loaded.ok ? loaded.value.assets.map(({ serial, tag }) => [serial, tag]) : loaded.diagnostics).toEqual(
            rows,
          );
        },
      ),
    );
  });

  it("never throws, whatever the file is", () => {
    const junk = fc.string({ unit: fc.constantFrom('"', ",", ";", "\n", "\r", "\t", "a", "serial", "\u{1F600}") });
    fc.assert(fc.property(junk, (text) => void loadAssetTable(written("junk.csv", text) ?? "", [])));
  });

  it("of ten thousand assets is read in a moment", () => {
    const rows = Array.from({ length: 10_000 }, (_, n) => [`S${n}`, "Zebra", `IT-${n}`, "2024-03-01", "2027-02-28"]);
    const csv = csvText([["serial", "maker", "tag", "purchased", "warranty_until"], ...rows]);
    const startedAt = performance.now();
    const loaded = load(null, csv);
    expect(loaded.ok && loaded.value.size).toBe(10_000);
    process.stdout.write(`10,000 assets read in ${Math.round(performance.now() - startedAt)} ms\n`);
  });
});

describe("the files", () => {
  it("are each optional", () => {
    for (const [yaml, csv, size] of [
      [null, null, 0],
      [ONE, null, 0],
      [null, "serial\nA1\n", 1],
    ] as const) {
      const loaded = load(yaml, csv);
      expect(loaded.ok && loaded.value.size).toBe(size);
    }
  });

  it("load as they are shipped", () => {
    const vendors = join(EXAMPLES, "vendors.yaml");
    const loaded = loadAssetBook({ vendors, assets: join(EXAMPLES, "assets.csv"), sites: ["berlin-01", "leipzig-dc"] });
    if (!loaded.ok) throw new Error(formatDiagnostics(loaded.diagnostics, loaded.texts));
    const zebra = { vendor: "Zebra", model: "ZT411", serial: "52J162300421" };
    const where = { site: "berlin-01", kind: "label_printer" };
    expect(loaded.value.record(zebra)?.tag).toBe("IT-004715");
    expect(loaded.value.vendorOf(zebra, where)?.name).toBe("Label Service GmbH");
    expect(loaded.value.vendorOf({ vendor: "Bizerba", serial: "3114205" }, { site: "x", kind: null })?.id).toBe(
      "scales-east",
    );
    expect(loaded.value.vendorOf({ vendor: "APC" }, { site: "berlin-01", kind: "ups" })).toBeNull();
  });

  const DOC = join(import.meta.dirname, "../docs/assets.md");
  it.each([...readFileSync(DOC, "utf8").matchAll(/^```yaml\n(vendors[\s\S]*?)^```/gm)].map(([, text = ""]) => text))(
    "load as the page shows them: %s",
    (text) => expect(complaints(text, null)).toMatch(/---\nno mistakes\n$/),
  );
});
