/** The fleet view: how agents are, and what became of their batches. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp } from "../rig/rig.ts";
import { signedIn, startChromium } from "./chromium.ts";
import { type Store, startStore } from "./store.ts";

describe("the agents", () => {
  let store: Store;
  let browser: Browser;

  beforeAll(async () => {
    [store, browser] = await Promise.all([startStore(), startChromium()]);
  });
  afterAll(cleanUp);

  it("are found from every page, with their deliveries and slowest devices", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await page.getByRole("link", { name: "Agents" }).click();
    const row = page.getByTestId("agent-row").filter({ hasText: "store-1/pc" });
    await expect.poll(() => row.getAttribute("data-online")).toBe("true");
    await row.getByRole("link").click();
    await page.waitForURL(/\/agents\/store-1\/pc$/);
    await page.getByText("nothing is lost").waitFor();
    expect(await page.getByTestId("deliveries").innerText()).toMatch(/live\s+\d+/);
    await page.getByRole("link", { name: "dock/printer" }).waitFor();
    expect(problems).toEqual([]);
  });

  it("show at once that one fell silent", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await page.goto("/agents");
    const row = page.getByTestId("agent-row");
    await expect.poll(() => row.getAttribute("data-online")).toBe("true");
    await store.agent.program.stop();
    await expect.poll(() => row.getAttribute("data-online")).toBe("false");
    expect(await row.innerText()).toContain("not heard from");
    expect(problems).toEqual([]);
  });
});
