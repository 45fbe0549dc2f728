import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DialectReply } from "../dialect.ts";
import { hasQueuedStatus, hasStatus, keepStatus, METRICS, parse } from "./parse.ts";
import { requestsFor } from "./requests.ts";

const CASES = new URL("testdata/", import.meta.url);
const CAPTURE = new URL("../../../../shared/devices/captures/escpos/status-replies.json", import.meta.url);

type Case = { readonly options?: { readonly drawer_open_is: "high" | "low" }; readonly answers: DialectReply };
const json = <T>(url: URL): T => JSON.parse(readFileSync(url, "utf8")) as T;
const text = (...bytes: number[]): string => String.fromCharCode(...bytes);

const IDLE = { printer: 0x12, offlineCause: 0x12, errorCause: 0x12, paper: 0x12, printerAgain: 0x12 };
const AUTOMATIC = text(0x14, 0x00, 0x00, 0x0f);

const reply = (changed: Partial<Record<keyof typeof IDLE, number | string | null>> = {}): DialectReply =>
  Object.fromEntries(
    Object.entries({ ...IDLE, ...changed }).map(([name, said]) => [name, typeof said === "number" ? text(said) : said]),
  );
const IDLE_TEXT = reply();
const metricsOf = (said: DialectReply): Readonly<Record<string, unknown>> | string => {
  const parsed = parse(said, {});
  return parsed.ok ? (parsed.value.samples[0]?.metrics ?? {}) : parsed.error.detail;
};

describe("keepStatus", () => {
  it.each([
    { name: "a status among bytes of something else", said: text(0x95, 0x92, 0x85, 0x36), kept: text(0x36) },
    { name: "the newest status", said: text(0x12, 0x16), kept: text(0x16) },
    {
      name: "an automatic status and the answer",
      said: `${AUTOMATIC}${text(0x12)}`,
      kept: `${AUTOMATIC}${text(0x12)}`,
    },
    { name: "an answer to GS r", said: text(0x11, 0x0c), kept: text(0x0c) },
    { name: "another device's words", said: "CARD 2262", kept: "" },
  ])("keeps of $name what is one", ({ said, kept }) => expect(keepStatus(said)).toBe(kept));

  it("is what is kept of every answer", () => {
    expect(requestsFor({ ask: "both" }).filter(({ keep }) => keep !== keepStatus)).toEqual([]);
  });

  it("changes nothing that is read", () => {
    const codes = fc.constantFrom(0x12, 0x16, 0x14, 0x00, 0x0c, 0x0f, 0x36, 0x71, 0x92, 0x11);
    const bytes = fc.array(fc.oneof(codes, fc.nat(255)), { maxLength: 12 }).map((some) => text(...some));
    fc.assert(
      fc.property(bytes, bytes, (printer, queuedPaper) => {
        const kept = { printer: keepStatus(printer), queuedPaper: keepStatus(queuedPaper) };
        const [of, ofAll] = [metricsOf(kept), metricsOf({ printer, queuedPaper })];
        if (typeof ofAll !== "string") expect(of).toEqual(ofAll);
        expect([hasStatus(kept.printer), hasQueuedStatus(kept.queuedPaper)]).toEqual([
          hasStatus(printer),
          hasQueuedStatus(queuedPaper),
        ]);
      }),
    );
  });
});

describe("parse", () => {
  it.each(readdirSync(CASES))("reads %s", (name) => {
    const { options = {}, answers } = json<Case>(new URL(`${name}/reply.json`, CASES));
    expect(parse(answers, options)).toEqual({ ok: true, value: json(new URL(`${name}/expected.json`, CASES)) });
  });

  it.skipIf(!existsSync(CAPTURE) && !process.env["CI"])("reads what real printers answered to DLE EOT 1", () => {
    const { cases } = json<{ cases: { request_hex: string; reply_hex: string }[] }>(CAPTURE);
    const asked = cases.filter(({ request_hex }) => request_hex.endsWith("100401"));
    expect(asked.length).toBeGreaterThan(0);
    for (const { reply_hex } of asked) {
      const printer = Buffer.from(reply_hex, "hex").toString("latin1");
      expect(hasStatus(printer)).toBe(true);
      expect(metricsOf({ printer })).toEqual({ offline: false, drawer_contact: true });
    }
  });

  it.each([
    { name: "off-line", changed: { printer: 0x1a, printerAgain: 0x1a }, metrics: { offline: true } },
    { name: "drawer contact high", changed: { printer: 0x16, printerAgain: 0x16 }, metrics: { drawer_contact: true } },
    { name: "cover open", changed: { offlineCause: 0x16 }, metrics: { cover_open: true } },
    { name: "stopped for want of paper", changed: { offlineCause: 0x32 }, metrics: { media_out: true } },
    { name: "fed by the button", changed: { offlineCause: 0x1a }, metrics: {} },
    { name: "recoverable error", changed: { errorCause: 0x16 }, metrics: { recoverable_error: true } },
    { name: "cutter", changed: { errorCause: 0x1a }, metrics: { cutter_fault: true } },
    { name: "unrecoverable error", changed: { errorCause: 0x32 }, metrics: { hardware_fault: true } },
    { name: "near the end", changed: { paper: 0x1e }, metrics: { media_low: true } },
    { name: "paper end", changed: { paper: 0x7e }, metrics: { media_low: true, media_out: true } },
    {
      name: "head hot",
      changed: { errorCause: 0x52 },
      metrics: { recoverable_error: true, head_over_temperature: true },
    },
  ])("tells $name", ({ changed, metrics }) => {
    expect(metricsOf(reply(changed))).toEqual({
      ...Object.fromEntries(METRICS.map((metric) => [metric, false])),
      ...metrics,
    });
  });

  it("does not call the head hot when the open cover may be what ends by itself", () => {
    const said = metricsOf(reply({ offlineCause: 0x16, errorCause: 0x52 }));
    expect(said).toMatchObject({ cover_open: true, recoverable_error: true });
    expect(said).not.toHaveProperty("head_over_temperature");
  });

  it.each([
    { name: "near the end", paper: 0x16, without: "media_low" },
    { name: "near the end, the other one", paper: 0x1a, without: "media_low" },
    { name: "paper end", paper: 0x32, without: "media_out" },
    { name: "paper end, the other one", paper: 0x52, without: "media_out" },
  ])("leaves out paper when only one of a sensor's two bits is set: $name", ({ paper, without }) => {
    const { printer = null, paper: said = null, printerAgain = null } = reply({ paper });
    const read = metricsOf({ printer, paper: said, printerAgain });
    const both = { media_low: false, media_out: false };
    const { [without]: _, ...rest } = { ...both, offline: false, drawer_contact: false } as Record<string, boolean>;
    expect(read).toEqual(rest);
  });

  it("takes a byte that a clone repeats for an answer to the first question only", () => {
    const byte = 0x16;
    const said = { printer: byte, offlineCause: byte, errorCause: byte, paper: byte, printerAgain: byte };
    expect(metricsOf(reply(said))).toEqual({ offline: false, drawer_contact: true });
  });

  it("believes no answer after one that did not come", () => {
    expect(metricsOf(reply({ offlineCause: null, errorCause: 0x16, paper: 0x7e }))).toEqual({
      offline: false,
      drawer_contact: false,
    });
  });

  it("counts the answers of a clone that is no longer asked what it does not know", () => {
    const { printer, paper, printerAgain } = reply({ paper: 0x7e });
    expect(metricsOf({ printer: printer ?? null, paper: paper ?? null, printerAgain: printerAgain ?? null })).toEqual({
      offline: false,
      drawer_contact: false,
      media_low: true,
      media_out: true,
    });
  });

  it("refuses answers that have moved by one", () => {
    const late = { printer: 0x12, offlineCause: 0x1a, errorCause: 0x32, paper: 0x12, printerAgain: 0x7e };
    expect(metricsOf(reply(late))).toContain("out of step");
  });

  it("looks over XON, XOFF and automatic status between the answers", () => {
    const between = text(0x13) + AUTOMATIC + text(0x11);
    const said = reply({ printer: between + text(0x1a) + between, printerAgain: between + text(0x1a) });
    expect(metricsOf(said)).toMatchObject({ offline: true, drawer_contact: false });
  });

  it("fills with the automatic status what the printer does not answer", () => {
    const paperEnd = text(0x38, 0x28, 0x0f, 0x00);
    const said = { printer: paperEnd + text(0x1a), printerAgain: text(0x1a) };
    expect(parse(said, {})).toMatchObject({
      value: {
        evidence: expect.arrayContaining([expect.objectContaining({ metric: "cover_open", by: ["automatic status"] })]),
      },
    });
    expect(metricsOf(said)).toEqual({
      offline: true,
      drawer_contact: false,
      cover_open: true,
      cutter_fault: true,
      hardware_fault: true,
      recoverable_error: false,
      head_over_temperature: false,
      media_low: true,
      media_out: true,
    });
  });

  it.each([
    { name: "nothing", said: reply({ printer: null }) },
    { name: "an automatic status that was cut short", said: { printer: AUTOMATIC.slice(0, -1) } },
    { name: "an automatic status of another form", said: { printer: text(0x14, 0x00, 0x10, 0x0f) } },
    { name: "text", said: { printer: "HTTP/1.1 400 Bad Request" } },
    { name: "text that is built like an automatic status", said: { printer: "AMPEL 64\n" } },
    { name: "four printable characters that are", said: { printer: "PEL " } },
    { name: "text of which one character is built like a status", said: { printer: "64" } },
    { name: "a status byte among noise", said: { printer: `\u0012${"\u00ff".repeat(5)}\u0012` } },
  ])("refuses $name", ({ said }) => {
    expect(parse(said, {})).toMatchObject({ ok: false });
  });

  it.each([
    { name: "paper end", said: "\u000f", metrics: { media_low: true, media_out: true } },
    { name: "an automatic status before it", said: `${AUTOMATIC}\0`, metrics: { media_low: false, media_out: false } },
    { name: "a glitch before it", said: "\u00ff\0", metrics: { media_low: false, media_out: false } },
    { name: "the rest of an automatic status before it", said: "\u000f\0", metrics: null },
    { name: "text", said: "OK\r", metrics: null },
    { name: "a status of the other kind", said: "\u0012", metrics: null },
  ])("takes of what comes to GS r 1: $name", ({ said, metrics }) => {
    expect(hasQueuedStatus(said)).toBe(metrics !== null);
    expect(metricsOf({ queuedPaper: said })).toEqual(metrics ?? expect.stringContaining("no status"));
  });

  it.each([
    { name: "from GS r 2 alone", said: { queuedDrawer: "\u0001" }, contact: true },
    { name: "from GS r 2 alone, low", said: { queuedDrawer: "\0" }, contact: false },
    { name: "from DLE EOT 1 rather than from GS r 2", said: { ...IDLE_TEXT, queuedDrawer: "\u0001" }, contact: false },
    {
      name: "from an automatic status rather than from GS r 2",
      said: { printer: AUTOMATIC, queuedDrawer: "\0" },
      contact: true,
    },
    { name: "from GS r 1: not at all", said: { queuedPaper: "\u0001" }, contact: undefined },
  ])("knows the drawer's contact $name", ({ said, contact }) => {
    const metrics = metricsOf(said);
    expect(typeof metrics === "string" ? metrics : metrics["drawer_contact"]).toBe(contact);
  });

  it.each([
    { name: "as much flow control as may come", said: `${"\u0011\u0013".repeat(8)}\u001a`, offline: true },
    { name: "four glitches", said: "\u00ff\u00ff\u00ff\u00ff\u001a", offline: true },
    { name: "five glitches", said: "\u00ff\u00ff\u00ff\u00ff\u00ff\u001a", offline: undefined },
  ])("reads a status behind $name: $offline", ({ said, offline }) => {
    expect(hasStatus(said)).toBe(offline !== undefined);
    const metrics = metricsOf({ printer: said });
    expect(typeof metrics === "string" ? undefined : metrics["offline"]).toBe(offline);
  });

  it("says how many bytes came when there is no status in them", () => {
    const said = { printer: "\u00ff", paper: null, queuedPaper: "\u00ff\u00ff" };
    expect(parse(said, {})).toEqual({ ok: false, error: { detail: "no status of a printer in 3 bytes" } });
  });

  it("reads an automatic status that nobody asked for", () => {
    expect(metricsOf({ printer: AUTOMATIC })).toMatchObject({ offline: false, drawer_contact: true, media_out: false });
  });

  it("never throws, whatever bytes come, and reports no metric that was not announced", () => {
    const bytes = fc.option(fc.string({ unit: "binary", maxLength: 64 }));
    const said = fc.record({
      printer: bytes,
      offlineCause: bytes,
      errorCause: bytes,
      paper: bytes,
      printerAgain: bytes,
    });
    fc.assert(
      fc.property(said, (answers) => {
        const parsed = parse(answers, { drawer_open_is: "low" });
        const names = parsed.ok ? Object.keys(parsed.value.samples[0]?.metrics ?? {}) : [];
        expect(names.filter((name) => ![...METRICS, "drawer_open"].includes(name))).toEqual([]);
      }),
    );
  });

  it("finds the answer behind a few glitches, wherever the pieces are cut", () => {
    const noise = fc.array(fc.constantFrom(0xff, 0x80, 0x00, 0xfe), { maxLength: 3 });
    const block = fc.constantFrom("", AUTOMATIC, text(0x11));
    fc.assert(
      fc.property(noise, block, fc.constantFrom(0x12, 0x16, 0x1a), (glitches, before, byte) => {
        const said = text(...glitches) + before + text(byte);
        for (let end = 0; end < said.length; end++) expect(hasStatus(said.slice(0, end))).toBe(false);
        expect(hasStatus(said)).toBe(true);
        expect(metricsOf({ printer: said })).toMatchObject({ offline: byte === 0x1a });
      }),
    );
  });

  it("takes twenty bytes of noise for no answer", () => {
    let state = 7;
    const random = (): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 24;
    };
    const noise = (): string => text(...Array.from({ length: 20 }, random));
    for (let n = 0; n < 20_000; n++) expect(hasStatus(noise())).toBe(false);
  });
});

if (!existsSync(CAPTURE)) process.stderr.write("escpos: skipped the captures, ../shared/devices is not there\n");
