import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeReply, encodeQuestion, IPP_GROUPS } from "./codec.ts";
import { parse } from "./parse.ts";

const RECORDED = join(import.meta.dirname, "../../../../shared/devices/captures/ipp");
const WANTED = new Set([
  "printer-state",
  "printer-state-reasons",
  "printer-up-time",
  "queued-job-count",
  "marker-names",
  "marker-levels",
  "printer-device-id",
  "printer-make-and-model",
  "printer-firmware-string-version",
  "job-state",
  "time-at-creation",
  "job-printer-up-time",
  "media-col-default",
]);

describe("encodeQuestion", () => {
  const question = {
    operation: "getJobs",
    version: "1.1",
    requestId: 7,
    printerUri: "ipp://h/ipp/print",
    attributes: ["job-state", "time-at-creation"],
    limit: 100,
  } as const;

  it("makes what RFC 8010 says", () => {
    const text = Buffer.from(encodeQuestion(question)).toString("latin1");
    expect(text).toBe(
      [
        "\u0001\u0001\u0000\u000a\u0000\u0000\u0000\u0007\u0001",
        "\u0047\u0000\u0012attributes-charset\u0000\u0005utf-8",
        "\u0048\u0000\u001battributes-natural-language\u0000\u0002en",
        "\u0045\u0000\u000bprinter-uri\u0000\u0011ipp://h/ipp/print",
        "\u0021\u0000\u0005limit\u0000\u0004\u0000\u0000\u0000\u0064",
        "\u0044\u0000\u000awhich-jobs\u0000\u000dnot-completed",
        "\u0044\u0000\u0014requested-attributes\u0000\u0009job-state",
        "\u0044\u0000\u0000\u0000\u0010time-at-creation",
        "\u0003",
      ].join(""),
    );
  });

  it("asks for nothing but the state of the printer, its jobs, and which queues there are", () => {
    for (const [operation, code] of [
      ["getPrinterAttributes", 0x0b],
      ["getJobs", 0x0a],
      ["cupsGetPrinters", 0x4002],
    ] as const) {
      expect(Buffer.from(encodeQuestion({ ...question, operation })).readUInt16BE(2)).toBe(code);
    }
  });
});

describe("decodeReply", () => {
  const head = Buffer.from("0101000000000001", "hex");
  const attribute = (tag: number, name: string, value: string | Buffer): Buffer => {
    const octets = Buffer.from(value);
    const lengths = [Buffer.alloc(2), Buffer.alloc(2)] as const;
    lengths[0].writeUInt16BE(name.length);
    lengths[1].writeUInt16BE(octets.length);
    return Buffer.concat([Buffer.of(tag), lengths[0], Buffer.from(name), lengths[1], octets]);
  };
  const printer = (...attributes: Buffer[]): Buffer => Buffer.concat([head, Buffer.of(4), ...attributes, Buffer.of(3)]);
  const kept = (bytes: Uint8Array) => {
    const decoded = decodeReply(bytes, WANTED);
    return decoded.ok ? decoded.value.groups[0]?.attributes : decoded.error;
  };

  it("keeps only what was asked for", () => {
    const reply = printer(
      attribute(0x42, "printer-name", "Payroll of Jane"),
      attribute(0x44, "printer-state-reasons", "none"),
    );
    expect(kept(reply)).toEqual({ "printer-state-reasons": ["none"] });
  });

  it("takes values without a name as more of the attribute before", () => {
    const reply = printer(
      attribute(0x44, "printer-state-reasons", "media-low"),
      attribute(0x44, "", "cover-open"),
      attribute(0x42, "printer-name", "x"),
      attribute(0x42, "", "no value of the reasons"),
    );
    expect(kept(reply)).toEqual({ "printer-state-reasons": ["media-low", "cover-open"] });
  });

  it("steps over a collection and what is nested in it", () => {
    const reply = printer(
      attribute(0x34, "media-col-default", ""),
      attribute(0x4a, "", "media-size"),
      attribute(0x34, "", ""),
      attribute(0x21, "", Buffer.from("00005208", "hex")),
      attribute(0x37, "", ""),
      attribute(0x37, "", ""),
      attribute(0x23, "printer-state", Buffer.from("00000005", "hex")),
    );
    expect(kept(reply)).toEqual({ "media-col-default": [null], "printer-state": [5] });
  });

  it("reads a text with its language, and nothing of one whose lengths lie", () => {
    const good = attribute(0x35, "printer-make-and-model", Buffer.from("\u0000\u0002de\u0000\u0003TM1", "latin1"));
    const bad = attribute(0x35, "printer-device-id", Buffer.from("\u00ff\u00ffde", "latin1"));
    expect(kept(printer(good, bad))).toEqual({ "printer-make-and-model": ["TM1"], "printer-device-id": [null] });
  });

  it.each([
    { name: "nothing", bytes: Buffer.alloc(0) },
    { name: "a head without an end", bytes: head },
    {
      name: "an attribute that is longer than the reply",
      bytes: Buffer.concat([head, Buffer.from("0444000a", "hex")]),
    },
    { name: "an attribute outside of any group", bytes: Buffer.concat([head, attribute(0x21, "x", "\u0000")]) },
    { name: "a page of HTML", bytes: Buffer.from("<html><body>Not found</body></html>") },
  ])("refuses $name", ({ bytes }) => expect(decodeReply(bytes, WANTED).ok).toBe(false));

  it("never throws, whatever comes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        decodeReply(noise, WANTED);
        decodeReply(Buffer.concat([head, Buffer.of(4), noise]), WANTED);
      }),
    );
  });
});

describe.skipIf(!existsSync(RECORDED) && process.env["CI"] === undefined)("recorded replies", () => {
  const read = (name: string) => {
    const bytes = readFileSync(join(RECORDED, name));
    const decoded = decodeReply(bytes, WANTED);
    if (!decoded.ok) throw new Error(decoded.error.detail);
    const of = (tag: number) =>
      decoded.value.groups.filter((group) => group.tag === tag).map(({ attributes }) => attributes);
    return { bytes, status: decoded.value.status, printers: of(IPP_GROUPS.printer), jobs: of(IPP_GROUPS.job) };
  };

  it("a Brother whose ink is low", () => {
    const [printer = {}] = read("get-printer-attributes-brother-mfcj5320dw.bin").printers;
    expect(parse({ printer, jobs: [] })).toMatchObject({
      ok: true,
      value: { asset: { vendor: "Brother", model: "MFC-J5320DW" } },
    });
    const parsed = parse({ printer, jobs: [] });
    const samples = parsed.ok ? parsed.value.samples : [];
    expect(samples[0]?.metrics).toMatchObject({
      supply_low: true,
      supply_out: false,
      media_out: false,
      queue_stopped: false,
      queued_jobs: 0,
      oldest_job_seconds: 0,
    });
    expect(samples.length).toBeGreaterThan(1);
  });

  it("an Epson: two reasons, levels by name", () => {
    const [printer = {}] = read("get-printer-attributes-epsonxp6000.bin").printers;
    const parsed = parse({ printer, jobs: null });
    expect(parsed).toMatchObject({ ok: true, value: { asset: { vendor: "EPSON", model: "XP-6000 Series" } } });
    const names = parsed.ok ? parsed.value.samples.map(({ component }) => component) : [];
    expect(names).toContain("supply-cyan-ink");
  });

  it("a job of a Kyocera: its state and its age, no name of a document", () => {
    const { jobs } = read("get-jobs-kyocera-ecosys-m2540dn-000.bin");
    expect(jobs).toHaveLength(1);
    expect(Object.keys(jobs[0] ?? {}).sort()).toEqual(["job-printer-up-time", "job-state", "time-at-creation"]);
    expect(jobs[0]).toMatchObject({ "job-state": [9] });
  });

  it("a refusal of the version", () => {
    expect(read("get-printer-attributes-error-0x0503.bin")).toMatchObject({ status: 0x0503, printers: [] });
  });

  it("is refused at every cut", () => {
    const { bytes } = read("get-jobs-kyocera-ecosys-m2540dn-000.bin");
    for (let end = 0; end < bytes.length; end++) expect(decodeReply(bytes.subarray(0, end), WANTED).ok).toBe(false);
  });
});
