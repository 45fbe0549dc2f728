import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { itReadsEachOf } from "../../../test/rig/recorded-cases.ts";
import type { Replies } from "../request.ts";
import { isWholeExtendedStatus, isWholeRemaining, isWholeStatus, METRICS, parse } from "./parse.ts";

const CASES = new URL("testdata/", import.meta.url);

/** The letters that are Y. */
const basic = (set: string): string => `${lettersOf("abcdefgh", set)}\r`;
const extended = (set: string): string =>
  `${["abcdefgh", "ijklmnop", "qrstuvwx"].map((group) => lettersOf(group, set)).join(":")}\r`;
const lettersOf = (group: string, set: string): string =>
  [...group].map((letter) => (set.includes(letter) ? "Y" : "N")).join("");

const metricsOf = (reply: Replies): Readonly<Record<string, unknown>> => {
  const parsed = parse(reply);
  return parsed.ok ? (parsed.value.samples[0]?.metrics ?? {}) : {};
};
const on = (reply: Replies): string[] => {
  const metrics = metricsOf(reply);
  return Object.keys(metrics).filter((name) => metrics[name] === true);
};
const noise = fc.string({ unit: "binary", maxLength: 100 });
const endless = noise.map((text) => text.replaceAll("\r", ""));

describe("parse", () => {
  itReadsEachOf(CASES, parse, METRICS);

  it.each([
    { set: "", want: [] },
    { set: "a", want: [] },
    { set: "b", want: ["media_fault"] },
    { set: "bj", want: ["media_out"] },
    { set: "bm", want: ["media_fault"] },
    { set: "bl", want: ["head_open"] },
    { set: "bcl", want: ["head_open"] },
    { set: "c", want: ["ribbon_out"] },
    { set: "ck", want: ["ribbon_fault"] },
    { set: "d", want: ["printing"] },
    { set: "e", want: ["printing"] },
    { set: "f", want: ["paused"] },
    { set: "g", want: ["label_waiting"] },
    { set: "h", want: ["rewinder_fault"] },
    { set: "i", want: ["cutter_fault"] },
    { set: "n", want: ["ribbon_low"] },
    { set: "opqrstuvwx", want: [] },
  ])("letters $set: $want", ({ set, want }) => {
    expect(on({ extendedStatus: extended(set) }).sort()).toEqual([...want].sort());
  });

  it("makes do with the eight letters of old firmware", () => {
    expect(on({ extendedStatus: null, status: basic("bf") })).toEqual(["paused", "media_out"]);
    expect(Object.keys(metricsOf({ status: basic("") }))).not.toContain("head_open");
  });

  it.each([
    { said: "0012\r", remaining: 12 },
    { said: "00120\r", remaining: 120 },
    { said: "9999\r", remaining: undefined },
    { said: "012\r", remaining: undefined },
    { said: null, remaining: undefined },
  ])("labels remaining of $said: $remaining", ({ said, remaining }) => {
    const metrics = metricsOf({ extendedStatus: extended(""), labelsRemaining: said });
    expect(metrics["labels_remaining"]).toBe(remaining);
  });

  it("reports no metric that the driver did not announce", () => {
    const metrics = metricsOf({ extendedStatus: extended("abc"), labelsRemaining: "0001\r" });
    expect(Object.keys(metrics).sort()).toEqual([...METRICS].sort());
  });

  it("reads an extended status that came too late, in the reply to the next question", () => {
    expect(on({ extendedStatus: null, status: extended("i") + basic("b") })).toEqual(["cutter_fault"]);
  });

  it.each([
    { name: "nothing", said: "" },
    { name: "seven letters", said: "NNNNNNN\r" },
    { name: "another letter", said: "NNXNNNNN\r" },
    { name: "a group cut short", said: "NNNNNNNN:NNNN\r" },
    { name: "no end", said: "NNNNNNNN" },
  ])("refuses $name", ({ said }) => {
    expect(parse({ extendedStatus: null, status: said }).ok).toBe(false);
    expect([isWholeStatus(said), isWholeExtendedStatus(said)]).toEqual([false, false]);
  });

  it("never throws, and takes no noise for a status, whatever bytes come", () => {
    fc.assert(
      fc.property(noise, endless, (any, cut) => {
        parse({ extendedStatus: any, status: any, labelsRemaining: any });
        expect(metricsOf({ extendedStatus: cut, status: cut })).toEqual({});
      }),
    );
  });

  it("finds the next good status after noise and after one that was cut short, and takes the newest", () => {
    const out = extended("bj");
    fc.assert(
      fc.property(noise, fc.nat(out.length - 2), endless, (before, cut, after) => {
        expect(isWholeExtendedStatus(out.slice(0, cut))).toBe(false);
        const bad = before + out.slice(0, cut);
        fc.pre(!bad.endsWith(":"));
        expect(on({ extendedStatus: bad + extended("") + after })).toEqual([]);
      }),
    );
    expect(on({ extendedStatus: extended("") + out })).toEqual(["media_out"]);
    expect([isWholeExtendedStatus(out), isWholeRemaining("0000\r")]).toEqual([true, true]);
  });
});
