/** The life of an incident as the people of a NOC see it, from the device's fault to its end, on real programs. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp, waitFor } from "../rig/rig.ts";
import { addUser, ask, rowOf, signedIn, startChromium } from "./chromium.ts";
import { openIncident, type Store, startStore } from "./store.ts";

describe("an incident", () => {
  let store: Store;
  let browser: Browser;

  beforeAll(async () => {
    [store, browser] = await Promise.all([startStore(), startChromium()]);
    await addUser(store.collector, "anna");
    await addUser(store.collector, "ben");
  });
  afterAll(cleanUp);

  it("goes from a fault at the device to the page, and through all hands to its end, without a reload", async () => {
    const { page, problems } = await signedIn(browser, store.collector, { user: "anna" });
    const other = await signedIn(browser, store.collector, { user: "ben" });
    await ask(page, "void (globalThis.sameDocument = true)");
    await page.getByText("No open incidents").waitFor();

    const brokenAt = performance.now();
    store.bakery.fault("media-low");
    const row = rowOf(page, "Label media low at bakery/printer");
    await row.waitFor();
    process.stdout.write(
      `device fault → row on the page: ${Math.round(performance.now() - brokenAt)} ms (polled every 500 ms)\n`,
    );
    await rowOf(other.page, "Label media low").waitFor();
    expect(await row.innerText()).toMatch(/P\d[\s\S]*First Store[\s\S]*Bakery printer[\s\S]*New[\s\S]*\d+ s/);

    // The keyboard alone: select, open, acknowledge.
    await page.keyboard.press("j");
    await expect.poll(() => row.getAttribute("aria-current")).toBe("true");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/incidents\/INC-\d+$/);
    await page.getByRole("heading", { name: "Label media low at bakery/printer" }).waitFor();
    await page.keyboard.press("a");
    await page.getByText("acknowledged.", { exact: false }).first().waitFor();
    await rowOf(other.page, "Label media low").filter({ hasText: "Acknowledged" }).waitFor();

    // What helps to solve it.
    const chart = page.getByTestId("chart");
    await chart.locator("canvas").waitFor();
    expect(await chart.getAttribute("aria-label")).toMatch(/^Media remaining\. Last: [\d.]+ %/);
    const { chart: asked } = await store.collector.api<{ chart: { metric: string; threshold: number } }>(
      `/incidents/${new URL(page.url()).pathname.split("/").at(-1)}`,
    );
    expect(asked).toMatchObject({ metric: "media_remaining_percent", threshold: 15 });
    expect(await thresholdIsDrawn(page), "a dashed line across the chart").toBe(true);
    expect(await page.getByTestId("runbook").innerText()).toMatch(/Do first/i);
    await page.getByTestId("runbook").getByRole("checkbox").first().check();
    await page.getByTestId("runbook").getByText(/^anna/).waitFor();

    await page.getByTestId("action-assign").click();
    await page.getByTestId("assign-me").click();
    await rowOf(other.page, "Label media low").filter({ hasText: "anna" }).waitFor();
    await page.getByTestId("note-input").fill("The roll is on its way.\n<b>now</b>");
    await page.keyboard.press("Control+Enter");
    await page.getByTestId("timeline").getByText("The roll is on its way.").waitFor();

    // The fault stands: resolving it asks why.
    await page.getByTestId("action-resolve").click();
    await page.getByTestId("resolve-code").selectOption("consumable_replaced");
    await page.getByTestId("resolve-submit").click();
    expect(await page.getByTestId("resolve-text").evaluate((box) => box.matches(":invalid"))).toBe(true);
    await page.getByTestId("resolve-text").fill("New roll in; the sensor takes a while.");
    await page.getByTestId("resolve-submit").click();
    await page.getByTestId("action-reopen").waitFor();
    await expect.poll(() => rowOf(other.page, "Label media low").count()).toBe(0);

    const timeline = page.getByTestId("timeline");
    for (const word of ["Opened as P", "anna", "<b>now</b>", "New roll in"])
      await timeline.getByText(word, { exact: false }).first().waitFor();
    expect(await ask(page, "globalThis.sameDocument"), "the page was never loaded again").toBe(true);
    expect([...problems, ...other.problems]).toEqual([]);
    store.bakery.heal();
  });

  it("is not overwritten by who came second: nothing is saved, and the page says what happened", async () => {
    store.dock.fault("head-open");
    const { id } = await openIncident(store.collector, "head-open");
    const anna = await signedIn(browser, store.collector, { user: "anna" });
    const ben = await signedIn(browser, store.collector, { user: "ben", expected: /409/ });
    for (const { page } of [anna, ben]) await page.goto(`/incidents/${id}`);

    // Ben's click is on its way while Anna's arrives.
    const held = Promise.withResolvers<void>();
    await ben.page.route("**/actions", async (route) => {
      await held.promise;
      await route.continue();
    });
    await ben.page.getByTestId("action-acknowledge").click();
    await anna.page.getByTestId("action-assign").click();
    await anna.page.getByTestId("assign-me").click();
    await anna.page.getByTestId("timeline").getByText("Assigned to anna.").waitFor();
    held.resolve();
    await ben.page
      .getByText(/anna changed INC-\d+ a moment ago \(Assigned to anna\.\), so nothing was saved\. It is now: new/)
      .waitFor();
    const { incident } = await store.collector.api<{ incident: { state: string; assignee: string } }>(
      `/incidents/${id}`,
    );
    expect(incident).toMatchObject({ state: "new", assignee: "anna" });
    await ben.page.locator(".incident-facts").getByText("anna").waitFor();
    expect([...anna.problems, ...ben.problems]).toEqual([]);
    store.dock.heal();
  });

  it("says so when the fault cured itself, and stays for review", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    store.bakery.fault("ribbon-out");
    store.bakery.fault("media-out");
    const { id } = await openIncident(store.collector, "media-out");
    await page.goto(`/incidents/${id}`);
    await page.getByTestId("chart").locator("canvas").waitFor();
    expect(await page.getByTestId("chart").getAttribute("aria-label")).toContain("Media out. Last: yes");
    expect(await thresholdIsDrawn(page), "a boolean has no threshold").toBe(false);
    store.bakery.heal();
    await page.getByText(/The fault recovered \d+ s ago; the incident stays open for review/).waitFor();
    await waitFor("the recovery on the chart", async () =>
      (await page.getByTestId("chart").getAttribute("aria-label"))?.includes("Last: no"),
    );
    await page.goto("/");
    await rowOf(page, "Labels used up").filter({ hasText: "Recovered" }).waitFor();
    expect(problems).toEqual([]);
  });
});

const thresholdIsDrawn = (page: Page): Promise<boolean> => ask(page, "look.hasThreshold()");
