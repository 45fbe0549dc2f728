import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { itReadsEachOf } from "../../../test/rig/recorded-cases.ts";
import { about, isWholeStatus, METRICS, type NearEnd, parse, withoutJobName } from "./parse.ts";

const CASES = new URL("testdata/", import.meta.url);

const frame = (letter: string, { id = "01", remaining = "000003", job = "0".repeat(16) } = {}): string =>
  `\u0002${id}${letter}${remaining}${job}\u0003`;

const metricsOf = (status: string | null, nearEnd: NearEnd = "ribbon"): Readonly<Record<string, unknown>> => {
  const parsed = parse({ status }, { near_end: nearEnd });
  return parsed.ok ? (parsed.value.samples[0]?.metrics ?? {}) : {};
};
const on = (metrics: Readonly<Record<string, unknown>>): string[] =>
  Object.keys(metrics).filter((name) => metrics[name] === true);
const noise = fc.string({ unit: "binary", maxLength: 100 });
/** Noise that holds no frame of its own: one without an end. */
const endless = noise.map((text) => text.replaceAll("\u0003", ""));

describe("parse", () => {
  itReadsEachOf(CASES, (answers) => parse(answers, { near_end: "ribbon" }), METRICS);

  it.each([
    { letters: "0", want: ["offline"] },
    { letters: "1", want: ["ribbon_low", "offline"] },
    { letters: "2", want: ["buffer_full", "offline"] },
    { letters: "4EKW", want: ["paused"] },
    { letters: "Q", want: ["paused", "label_waiting"] },
    { letters: "AS", want: [] },
    { letters: "BT", want: ["ribbon_low"] },
    { letters: "CU", want: ["buffer_full"] },
    { letters: "DV", want: ["buffer_full", "ribbon_low"] },
    { letters: "G", want: ["printing"] },
    { letters: "H", want: ["ribbon_low", "printing"] },
    { letters: "M", want: ["label_waiting"] },
    { letters: "P", want: ["buffer_full", "ribbon_low", "label_waiting"] },
  ])("$letters: $want", ({ letters, want }) => {
    for (const letter of letters) {
      expect(on(metricsOf(frame(letter))).sort()).toEqual([...want].sort());
    }
  });

  it.each([
    { letter: "a", metric: "buffer_full" },
    { letter: "b", metric: "head_open" },
    { letter: "c", metric: "media_out" },
    { letter: "d", metric: "ribbon_out" },
    { letter: "e", metric: "media_fault" },
    { letter: "f", metric: "media_fault" },
    { letter: "g", metric: "head_fault" },
    { letter: "i", metric: "recoverable_error" },
    { letter: "j", metric: "cutter_fault" },
    { letter: "k", metric: "recoverable_error" },
    { letter: "z", metric: "recoverable_error" },
  ])("error $letter is $metric, and says nothing of other errors", ({ letter, metric }) => {
    expect(metricsOf(frame(letter))).toEqual({ [metric]: true, printing: false, labels_remaining: 3 });
  });

  it("means labels by the near end where a printer has no ribbon", () => {
    expect(on(metricsOf(frame("B"), "media"))).toEqual(["media_low"]);
  });

  it.each([
    { name: "nothing", said: "" },
    { name: "the echo of the question", said: "\u0005" },
    { name: "a letter of no group", said: frame("F") },
    { name: "a digit of no group", said: frame("7") },
    { name: "a number that is none", said: frame("A", { remaining: "00000x" }) },
    { name: "a job's name cut short", said: frame("A", { job: "JOB" }) },
    { name: "the status of an item (Status 5)", said: "\u000200001**00001A0000012\u0003" },
  ])("refuses $name", ({ said }) => expect(parse({ status: said }, { near_end: "ribbon" }).ok).toBe(false));

  it("reports no metric that the driver did not announce", () => {
    const letters = [..."01234ABCDEGHIJKMNOPQSTUVWabcdefgijkz"];
    const names = letters.flatMap((letter) =>
      (["ribbon", "media"] as const).flatMap((nearEnd) => Object.keys(metricsOf(frame(letter), nearEnd))),
    );
    expect([...new Set(names)].sort()).toEqual([...METRICS].sort());
  });

  it("tells the state in words, and never the job's name", () => {
    const said = { status: frame("P", { job: "  PAYSLIP MILLER" }) };
    expect(about(said)).toEqual([["state", "waits for the label to be taken, near end, buffer nearly full (P)"]]);
    expect(JSON.stringify([about(said), parse(said, { near_end: "ribbon" })])).not.toContain("MILLER");
    expect([about({ status: frame("c") }), about({ status: frame("F") }), about({ status: "" })]).toEqual([
      [["state", "paper end (c)"]],
      [["state", "unknown (F)"]],
      [],
    ]);
  });

  it("drops the job's name and all that is no status as they come off the line", () => {
    const said = `\u0000\u0000\u0000\u001c\u0005${frame("4", { job: "4111111111111111" })}MILLER`;
    expect(withoutJobName(said)).toBe("\u0002014000003\u0003");
    expect(metricsOf(withoutJobName(said))).toEqual(metricsOf(said));
    expect(withoutJobName("MILLER")).toBe("");
  });

  it("never throws, and takes no noise for a status, whatever bytes come", () => {
    fc.assert(
      fc.property(noise, endless, (any, cut) => {
        parse({ status: any }, { near_end: "ribbon" });
        about({ status: any });
        expect(metricsOf(cut)).toEqual({});
      }),
    );
  });

  it("finds the next good status after noise and after one that was cut short, and takes the newest", () => {
    const out = frame("c");
    fc.assert(
      fc.property(endless, fc.nat(out.length - 1), endless, (before, cut, after) => {
        expect(metricsOf(out.slice(0, cut))).toEqual({});
        expect(isWholeStatus(out.slice(0, cut))).toBe(false);
        expect(on(metricsOf(before + out.slice(0, cut) + frame("A") + after))).toEqual([]);
      }),
    );
    expect(on(metricsOf(frame("A") + out))).toEqual(["media_out"]);
    expect(isWholeStatus(out)).toBe(true);
  });
});
