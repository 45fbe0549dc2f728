/** The recorded cases of a driver as tests: a folder each, with what was said (reply.json) and what it means (expected.json). */
import { readdirSync, readFileSync } from "node:fs";
import type { Result } from "@aislewatch/base";
import { expect, it } from "vitest";
import type { Parsed, ParseError } from "../../agent/drivers/driver.ts";
import type { Replies } from "../../agent/drivers/request.ts";
import { recordedReply } from "./recorded-reply.ts";

type Understand = (answers: Replies, options: object) => Result<Parsed, ParseError>;

/**
 * A test for each folder in `cases`: it reads as it should, and of its metrics each is one of `metrics`. `understand` is
 * given the device's options that the case has beside its answers, where it has any.
 */
export function itReadsEachOf(cases: URL, understand: Understand, metrics: readonly string[]): void {
  const json = (file: string): unknown => JSON.parse(readFileSync(new URL(file, cases), "utf8"));
  it.each(readdirSync(cases))("reads %s", (name) => {
    const answers = recordedReply<Replies>(new URL(`${name}/reply.json`, cases));
    const parsed = understand(answers, optionsIn(json(`${name}/reply.json`)));
    expect(parsed).toEqual({ ok: true, value: json(`${name}/expected.json`) });
    const names = parsed.ok ? parsed.value.samples.flatMap((set) => Object.keys(set.metrics)) : [];
    expect(names.filter((metric) => !metrics.includes(metric))).toEqual([]);
  });
}

function optionsIn(reply: unknown): object {
  const options = typeof reply === "object" && reply !== null && "options" in reply ? reply.options : null;
  return typeof options === "object" && options !== null ? options : {};
}
