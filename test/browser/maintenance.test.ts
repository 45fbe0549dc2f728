/** Planned downtime on the page: begun, seen on what fails in it, and ended. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp } from "../rig/rig.ts";
import { signedIn, startChromium } from "./chromium.ts";
import { type Store, startStore } from "./store.ts";

describe("maintenance", () => {
  let store: Store;
  let browser: Browser;

  beforeAll(async () => {
    [store, browser] = await Promise.all([startStore(), startChromium()]);
  });
  afterAll(cleanUp);

  it("is begun for a site, and ended", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await page.getByRole("link", { name: "Maintenance" }).click();
    await page.getByText("None is planned.").waitFor();
    await page.getByTestId("maintenance-site").selectOption("store-1");
    await page.getByTestId("maintenance-reason").fill("New switches");
    await page.getByRole("button", { name: "Start" }).click();
    const row = page.getByTestId("maintenance-row");
    await row.waitFor();
    await expect.poll(() => row.getAttribute("data-state")).toBe("running");
    expect(await row.innerText()).toMatch(/New switches[\s\S]*store-1/);
    await row.getByRole("button", { name: "End now" }).click();
    await page.getByText("Ended.").waitFor();
    expect(problems).toEqual([]);
  });
});
