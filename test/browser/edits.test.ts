/** Policies that are edited while somebody looks at the board: what is due, and how urgent it is, changes before their eyes. */
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp } from "../rig/rig.ts";
import { rowOf, signedIn, startChromium } from "./chromium.ts";
import { openIncident, type Store, startStore } from "./store.ts";

const sla = (response: string): string =>
  `targets:\n${["P1", "P2", "P3", "P4"].map((one) => `  ${one}: { response: ${response}, restore: 40h }\n`).join("")}`;

describe("an edit", () => {
  let store: Store;
  let browser: Browser;
  const write = (file: string, text: string) => writeFileSync(join(store.collector.folder, file), text);

  beforeAll(async () => {
    [store, browser] = await Promise.all([startStore(), startChromium()]);
    write("sla.yaml", sla("6h"));
    write("priority.yaml", "impact: { high_below_working: 0.5 }\n");
    appendFileSync(store.collector.config, "sla: ./sla.yaml\npriority: ./priority.yaml\n");
    await store.collector.program.stop();
    await store.collector.restart();
    store.dock.fault("head-open");
    await openIncident(store.collector, "head-open");
  });
  afterAll(cleanUp);

  it("of service levels changes what is due on the board and on the incident's own page, without a reload", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    const due = rowOf(page, "Print head open").locator(".cell-due");
    await expect.poll(() => due.innerText()).toMatch(/Response\s+[56] h/);
    write("sla.yaml", sla("3h"));
    await expect.poll(() => due.innerText()).toMatch(/Response\s+[23] h/);
    await rowOf(page, "Print head open").getByRole("link").first().click();
    const clock = page.getByTestId("clock-response");
    await expect.poll(() => clock.innerText()).toContain("3 h");
    write("sla.yaml", sla("9h"));
    await expect.poll(() => clock.innerText()).toContain("9 h");
    expect(problems).toEqual([]);
  });

  it("of priorities changes that of an open incident on the board", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    const row = rowOf(page, "Print head open");
    await row.waitFor();
    expect(await row.innerText()).not.toContain("P5");
    const never = "{ high: P5, medium: P5, low: P5 }";
    write("priority.yaml", `matrix: { high: ${never}, medium: ${never}, low: ${never} }\n`);
    await expect.poll(() => row.innerText()).toContain("P5");
    expect(problems).toEqual([]);
  });
});
