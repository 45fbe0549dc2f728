/** What axe-core finds wrong in a page for those who can't see it, or not well, or use no mouse. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults, Result } from "axe-core";
import type { Page } from "playwright-core";
import { ask } from "./chromium.ts";

const SOURCE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

type Where = {
  readonly selector?: string;
  /** All rules, unless these are named. */
  readonly rules?: readonly string[] | undefined;
};

/** Findings of every weight, one for each element. */
export async function axeFindings(page: Page, { selector = "html", rules }: Where = {}): Promise<string[]> {
  // Evaluated, and again in each page that is opened: the page's policy would refuse a script element.
  if (!(await ask<boolean>(page, '"axe" in globalThis'))) await page.evaluate(SOURCE);
  const options = { resultTypes: ["violations"], ...(rules !== undefined && { runOnly: rules }) };
  const { violations } = await ask<AxeResults>(
    page,
    `axe.run(${JSON.stringify(selector)}, ${JSON.stringify(options)})`,
  );
  return violations.flatMap(lines);
}

const lines = ({ id, impact, nodes }: Result): string[] =>
  nodes.map(({ html, failureSummary }) => `${impact} ${id}: ${html} ${failureSummary}`);
