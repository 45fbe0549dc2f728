/** From all sites to one device whose values move while one looks. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp, waitFor } from "../rig/rig.ts";
import { signedIn, startChromium } from "./chromium.ts";
import { openIncident, type Store, startStore } from "./store.ts";

describe("the devices of a site", () => {
  let store: Store;
  let browser: Browser;

  beforeAll(async () => {
    [store, browser] = await Promise.all([startStore(), startChromium()]);
  });
  afterAll(cleanUp);

  it("are found from the sites, with live values that change and charts", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await page.getByRole("link", { name: "Sites" }).click();
    await page.getByTestId("site-card").filter({ hasText: "First Store" }).getByRole("link").first().click();
    await page.waitForURL(/\/sites\/store-1$/);
    await page.getByTestId("device-row").filter({ hasText: "First lane" }).getByRole("link").first().click();
    await page.waitForURL(/\/sites\/store-1\/device\/lane-1\/pos$/);
    await page.getByRole("heading", { level: 1, name: /First lane/ }).waitFor();

    const value = (metric: string) =>
      page.getByTestId("device-values").locator(`[data-metric="${metric}"] .value`).first();
    expect(await value("memory_used_percent").innerText()).toMatch(/^[\d.]+ %$/);
    const before = await value("poll_duration_seconds").innerText();
    await waitFor(
      "a value that changes by itself",
      async () => (await value("poll_duration_seconds").innerText()) !== before,
    );
    const charts = page.getByTestId("chart");
    await charts.first().locator("canvas").waitFor();
    await expect.poll(() => charts.first().getAttribute("aria-label")).toMatch(/Last: /);
    await page.locator("label", { hasText: /^15m$/ }).click();
    await page.waitForURL(/range=15m/);
    expect(problems).toEqual([]);
  });

  it("show a fault at once, and lead to its incident and to what depends on it", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await page.goto("/sites/store-1/device/dock/printer");
    const head = page.getByTestId("device-values").locator('[data-metric="head_open"]');
    await head.waitFor();
    expect(await head.innerText()).toMatch(/no/);
    store.dock.fault("head-open");
    const { id } = await openIncident(store.collector, "head-open");
    await expect.poll(() => head.getAttribute("data-bad")).toBe("true");
    await page.getByRole("link", { name: id }).click();
    await page.getByRole("heading", { name: "Print head open at dock/printer" }).waitFor();
    await page.goBack();
    await page.getByRole("link", { name: "lane-1/pos" }).click();
    await page.getByRole("link", { name: "dock/printer" }).waitFor();
    store.dock.heal();
    expect(problems).toEqual([]);
  });

  it("can be searched for by state, kind and label", async () => {
    const { page } = await signedIn(browser, store.collector);
    await page.goto("/sites/store-1?kind=label_printer&label=zone%3Ddock");
    const rows = page.getByTestId("device-row");
    await expect.poll(() => rows.count()).toBe(1);
    expect(await rows.innerText()).toContain("Dock printer");
  });

  it("that are not there are said not to be there", async () => {
    const { page } = await signedIn(browser, store.collector, { expected: /404/ });
    for (const path of ["/sites/nowhere", "/sites/store-1/device/no/such", "/incidents/INC-999999"]) {
      await page.goto(path);
      await page.getByRole("alert").filter({ hasText: /no /i }).waitFor();
    }
    await page.goto("/no/such/page");
    await page.getByText("There is no such page").waitFor();
  });
});
