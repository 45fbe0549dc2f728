import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { parseExposition } from "./exposition.ts";
import { FIGURES, type FigureName, figureName } from "./figures.ts";
import { prometheusText } from "./metrics.ts";

const hasPromtool = spawnSync("promtool", ["--version"]).error === undefined;
if (!hasPromtool && process.env["CI"]) throw new Error("promtool is missing: apt-get install prometheus");

/** All at once, which no collector has. */
const ALL = prometheusText(
  (Object.keys(FIGURES) as FigureName[]).flatMap((name) => {
    const { type, help, labels } = FIGURES[name];
    const values = [0, 1.5].slice(0, labels.length === 0 ? 1 : 2);
    return values.map((value) => ({
      ...{ name: figureName(name), type, help, value },
      labels: Object.fromEntries(labels.map((label) => [label, `a "b" \\ ${value}\n`])),
    }));
  }),
);

it.runIf(hasPromtool)("every figure is as promtool would have it", () => {
  const checked = spawnSync("promtool", ["check", "metrics"], { input: ALL, encoding: "utf8" });
  expect(`${checked.stdout}${checked.stderr}`).toBe("");
  expect(checked.status).toBe(0);
});

it("every figure has a name of its own, and a help that stands by itself", () => {
  const families = parseExposition(ALL);
  expect(families.length).toBe(Object.keys(FIGURES).length);
  expect(families.filter(({ help }) => help.length < 12 || help.endsWith(".")).map(({ name }) => name)).toEqual([]);
});
