import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DialectReply } from "../dialect.ts";
import { isWholeIdentification, isWholeStatus, METRICS, parse } from "./parse.ts";

const CASES = new URL("testdata/", import.meta.url);
const RECORDING = new URL("../../../../shared/devices/captures/zebra/zt410.json", import.meta.url);

const json = (url: URL): unknown => JSON.parse(readFileSync(url, "utf8"));

const frame = (text: string): string => `\u0002${text}\u0003\r\n`;
const READY = ["030,0,0,1225,000,0,0,0,000,0,0,0", "001,0,0,0,1,2,6,0,00000000,1,000", "1234,0"].map(frame).join("");
const OUT = ["030,1,1,1225,000,0,0,0,000,0,0,0", "001,0,0,1,1,2,6,0,00000003,1,000", "1234,0"].map(frame).join("");

const parseStatus = (hostStatus: string) => parse({ hostStatus, hostIdentification: null });
const mediaOut = (hostStatus: string): unknown => {
  const parsed = parseStatus(hostStatus);
  return parsed.ok ? parsed.value.samples[0]?.metrics["media_out"] : "nothing";
};

describe("parse", () => {
  it.each(readdirSync(CASES))("reads %s", (name) => {
    const reply = json(new URL(`${name}/reply.json`, CASES)) as DialectReply;
    expect(parse(reply)).toEqual({ ok: true, value: json(new URL(`${name}/expected.json`, CASES)) });
  });

  it.skipIf(!existsSync(RECORDING) && !process.env["CI"])("reads the recording of a real ZT410 without media", () => {
    const { exchanges } = json(RECORDING) as {
      exchanges: { request: string; reply_hex?: string; reply_lines?: string[] }[];
    };
    const hex = exchanges.find(({ request, reply_hex }) => request === "~HS" && reply_hex)?.reply_hex ?? "";
    const identification = exchanges.find(({ request }) => request === "~HI")?.reply_lines?.join("\r\n") ?? null;
    const parsed = parse({
      hostStatus: Buffer.from(hex, "hex").toString("latin1"),
      hostIdentification: identification,
    });
    expect(parsed).toMatchObject({
      ok: true,
      value: {
        samples: [{ component: null, metrics: { media_out: true, paused: true, ribbon_out: true, head_open: false } }],
        asset: { model: "ZT410-200dpi", firmware: "V75.19.15Z" },
      },
    });
  });

  it("reports no metric that the driver did not announce", () => {
    const parsed = parseStatus(OUT);
    const names = parsed.ok ? Object.keys(parsed.value.samples[0]?.metrics ?? {}) : [];
    expect(names.filter((name) => !(METRICS as readonly string[]).includes(name))).toEqual([]);
    expect(names).toHaveLength(METRICS.length);
  });

  it.each([
    { name: "nothing", text: "" },
    { name: "noise", text: "\u0000\u00ff~HS" },
    { name: "a first string alone", text: frame("030,0,0,1225,000,0,0,0,000,0,0,0") },
    { name: "a second string alone", text: frame("001,0,0,0,1,2,6,0,00000000,1,000") },
    { name: "a bit that is neither 0 nor 1", text: READY.replace("030,0,0", "030,2,0") },
    { name: "a second string of a later status", text: READY.slice(0, 36) + READY.slice(READY.indexOf("1234") - 1) },
    { name: "an identification instead", text: frame("ZT410-200dpi,V75.19.15Z,8,4096KB") },
  ])("refuses $name", ({ text }) => {
    expect(parseStatus(text)).toMatchObject({ ok: false });
  });

  it("takes the newest of several answers", () => {
    expect([mediaOut(READY + OUT), mediaOut(OUT + READY)]).toEqual([true, false]);
  });

  it("never throws, whatever bytes come", () => {
    const pieces = fc.oneof(
      fc.constantFrom("\u0002", "\u0003", "\r\n", ",", "030,0,0,1225,000,0,0,0,000,0,0,0"),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(fc.array(pieces), (texts) => {
        parse({ hostStatus: texts.join(""), hostIdentification: texts.join("") });
      }),
    );
  });

  it("gives no status that the printer did not send, wherever the bytes are cut", () => {
    for (let end = 0; end <= READY.length; end++) {
      expect(["nothing", false]).toContain(mediaOut(READY.slice(0, end)));
      expect(["nothing", false]).toContain(mediaOut(READY.slice(end)));
    }
  });

  it("finds the next good answer after noise and after an answer that was cut short", () => {
    const noise = fc.string({ unit: "binary", maxLength: 200 });
    fc.assert(
      fc.property(noise, fc.nat(OUT.length - 1), noise, (before, cut, after) => {
        expect(mediaOut(before + OUT.slice(0, cut) + READY + after)).toBe(false);
      }),
    );
  });

  it("is whole exactly when the third string is there, in whatever pieces it comes", () => {
    for (let end = 0; end < OUT.length - 2; end++) expect(isWholeStatus(OUT.slice(0, end))).toBe(false);
    expect(isWholeStatus(OUT)).toBe(true);
    expect([isWholeIdentification(OUT), isWholeIdentification(frame("ZT410-200dpi,V75.19.15Z,8,4096KB"))]).toEqual([
      false,
      true,
    ]);
  });
});

if (!existsSync(RECORDING))
  process.stderr.write("zpl: skipped the recording of a ZT410, ../shared/devices is not there\n");
