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
    const facts = page.getByLabel("How it is");
    expect(await facts.innerText()).toMatch(
      /Outbox\s+\d+ batch(es)?, \d+ KiB of 512 MiB[\s\S]*Thinned\s+nothing[\s\S]*Clock\s+right[\s\S]*Cost\s+[\d.]+ % CPU, \d+ MB/,
    );
    expect(problems).toEqual([]);
  });

  it("stand beside the collector, which is a device and no store", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await page.goto("/agents");
    await page.getByRole("link", { name: "The collector itself" }).click();
    await page.waitForURL(/\/sites\/aislewatch\/device\/collector$/);
    await page.getByText("event_loop_busy_percent").or(page.getByText("main thread was busy")).first().waitFor();
    await page.goto("/sites");
    await page.getByTestId("site-card").first().waitFor();
    expect(await page.getByTestId("site-card").evaluateAll((cards) => cards.map((card) => card.dataset["id"]))).toEqual(
      ["store-1", "store-2"],
    );
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
