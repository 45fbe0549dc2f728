import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DialectReply } from "../dialect.ts";
import { isWholeStatus, keepStatus, METRICS, parse } from "./parse.ts";

const CASES = new URL("testdata/", import.meta.url);
type Case = { readonly options?: { readonly drawer_open_is: "high" | "low" }; readonly answers: DialectReply };
const json = <T>(url: URL): T => JSON.parse(readFileSync(url, "utf8")) as T;
const text = (...bytes: number[]): string => String.fromCharCode(...bytes);

const HEADER_9 = 0x23;
const VERSION = 0x06;
const status = (printer = 0, errors = 0, buffer = 0, sensors = 0): string =>
  text(HEADER_9, VERSION, printer, errors, buffer, sensors, 0, 0, 0);
const READY = status();
const OPEN = status(0x28);

const metricsOf = (said: string): Readonly<Record<string, unknown>> | string => {
  const parsed = parse({ status: said }, {});
  return parsed.ok ? (parsed.value.samples[0]?.metrics ?? {}) : "nothing";
};
const coverOpen = (said: string): unknown => {
  const metrics = metricsOf(said);
  return typeof metrics === "string" ? metrics : metrics["cover_open"];
};

describe("parse", () => {
  it.each(readdirSync(CASES))("reads %s", (name) => {
    const { options = {}, answers } = json<Case>(new URL(`${name}/reply.json`, CASES));
    expect(parse(answers, options)).toEqual({ ok: true, value: json(new URL(`${name}/expected.json`, CASES)) });
  });

  it.each([
    { name: "cover open", said: status(0x20), metrics: { cover_open: true } },
    { name: "off-line", said: status(0x08), metrics: { offline: true } },
    { name: "drawer contact closed", said: status(0x04), metrics: { drawer_contact: true } },
    { name: "ETB done", said: status(0x02), metrics: {} },
    { name: "head hot", said: status(0, 0x40), metrics: { head_over_temperature: true } },
    { name: "unrecoverable", said: status(0, 0x20), metrics: { hardware_fault: true } },
    { name: "cutter", said: status(0, 0x08), metrics: { cutter_fault: true } },
    { name: "mechanical", said: status(0, 0x04), metrics: { recoverable_error: true } },
    { name: "buffer ran over", said: status(0, 0, 0x40), metrics: { buffer_full: true } },
    { name: "paper end", said: status(0, 0, 0, 0x08), metrics: { media_out: true } },
    { name: "near the end, inner sensor", said: status(0, 0, 0, 0x04), metrics: { media_low: true } },
    { name: "near the end, outer sensor", said: status(0, 0, 0, 0x02), metrics: { media_low: true } },
  ])("tells $name", ({ said, metrics }) => {
    expect(metricsOf(said)).toEqual({ ...Object.fromEntries(METRICS.map((name) => [name, false])), ...metrics });
  });

  it.each([7, 8, 9, 11, 15])("knows the length of a block of %i bytes by its header", (length) => {
    const header = ((length & 7) << 1) | ((length & 0x18) << 2) | 1;
    const block = text(header, VERSION, 0x20, ...Array.from({ length: length - 3 }, () => 0));
    expect([isWholeStatus(block.slice(0, -1)), isWholeStatus(block)]).toEqual([false, true]);
    expect(coverOpen(block)).toBe(true);
  });

  it.each([
    { name: "nothing", said: "" },
    { name: "text", said: "HTTP/1.1 400 Bad Request\r\n\r\n" },
    { name: "a byte with a fixed bit set", said: READY.replace("\u0006", "\u0016") },
    { name: "a block that is too short to be one", said: text(0x0d, 2, 0, 0, 0, 0) },
    { name: "an ESC/POS status", said: "\u0012\u0012\u0012\u0012" },
  ])("refuses $name", ({ said }) => {
    expect(metricsOf(said)).toBe("nothing");
  });

  it("keeps the newest block and nothing beside it", () => {
    expect([`4929${READY}73${OPEN}18`, "4929"].map(keepStatus)).toEqual([OPEN, ""]);
  });

  it("takes the newest of several blocks", () => {
    expect([coverOpen(READY + OPEN), coverOpen(OPEN + READY)]).toEqual([true, false]);
  });

  it("gives no status that the printer did not send, wherever the bytes are cut", () => {
    for (let end = 0; end < OPEN.length; end++) {
      expect(isWholeStatus(OPEN.slice(0, end))).toBe(false);
      expect(["nothing", true]).toContain(coverOpen(OPEN.slice(end)));
    }
  });

  it("finds the next good block one byte on, after noise and after a block that was cut short", () => {
    // Bytes that can't stand in a block; others could make one together with what follows.
    const noise = fc.array(fc.constantFrom(0x11, 0x13, 0x90, 0xff, 0x80), { maxLength: 50 });
    fc.assert(
      fc.property(noise, fc.nat(OPEN.length - 1), noise, (before, cut, after) => {
        expect(coverOpen(text(...before) + OPEN.slice(0, cut) + READY + text(...after))).toBe(false);
      }),
    );
  });

  it("never throws, whatever bytes come", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 256 }), (said) => void metricsOf(said)));
  });
});
