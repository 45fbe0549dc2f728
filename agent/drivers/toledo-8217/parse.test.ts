import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { DialectReply } from "../dialect.ts";
import { isWhole, METRICS, parse } from "./parse.ts";

const CASES = new URL("testdata/", import.meta.url);
type Case = { readonly options?: object; readonly answers: DialectReply };
const json = <T>(url: URL): T => JSON.parse(readFileSync(url, "utf8")) as T;
const OPTIONS = { zero_window_kilograms: 0.02, unit: "kg" } as const;

describe("parse", () => {
  it.each(readdirSync(CASES))("reads %s", (name) => {
    const { options, answers } = json<Case>(new URL(`${name}/reply.json`, CASES));
    const parsed = parse(answers, { ...OPTIONS, ...options });
    expect(parsed).toEqual({ ok: true, value: json(new URL(`${name}/expected.json`, CASES)) });
    const names = parsed.ok ? Object.keys(parsed.value.samples[0]?.metrics ?? {}) : [];
    expect(names.filter((metric) => !(METRICS as readonly string[]).includes(metric))).toEqual([]);
  });

  it.each([
    { name: "nothing", said: "" },
    { name: "a weight without its end", said: "\u000201.485" },
    { name: "a weight without its beginning", said: "01.485\r" },
    { name: "a status without its fixed bit", said: "\u0002?!\r" },
    { name: "letters for a weight", said: "\u0002ab.cde\r" },
    { name: "the answer of an NCI scale", said: "\n01.485KG\r\n0p0\r\u0003" },
  ])("refuses $name", ({ said }) => {
    expect([isWhole(said), parse({ weight: said }, OPTIONS).ok]).toEqual([false, false]);
  });

  it.each([
    { bit: 0, metrics: { weight_stable: false } },
    { bit: 1, metrics: { over_capacity: true } },
    { bit: 2, metrics: { under_zero: true } },
    { bit: 3, metrics: { zero_required: true } },
    { bit: 4, metrics: { weight_at_zero: true } },
  ])("knows status bit $bit", ({ bit, metrics }) => {
    const weight = `\u0002?${String.fromCharCode(0x40 | (1 << bit))}\r`;
    expect(parse({ weight }, OPTIONS)).toMatchObject({ value: { samples: [{ metrics }] } });
  });
});
