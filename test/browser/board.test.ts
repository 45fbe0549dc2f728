/** The board as a tool: filters that live in the URL, and a connection that is never taken for granted. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp, waitFor } from "../rig/rig.ts";
import { isLive, rowOf, signedIn, startChromium } from "./chromium.ts";
import { openIncident, type Store, startStore } from "./store.ts";

describe("the board", () => {
  let store: Store;
  let browser: Browser;

  beforeAll(async () => {
    [store, browser] = await Promise.all([startStore(), startChromium()]);
    store.bakery.fault("media-low");
    store.dock.fault("head-open");
    await openIncident(store.collector, "media-low");
    await openIncident(store.collector, "head-open");
  });
  afterAll(cleanUp);

  it("keeps filters and search in the URL, over a reload and the way back", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    const [low, open] = [rowOf(page, "Label media low"), rowOf(page, "Print head open")];
    await low.waitFor();
    await open.waitFor();

    await page.keyboard.press("/");
    await page.keyboard.type("bakery");
    await page.waitForURL(/q=bakery/);
    await expect.poll(() => open.count()).toBe(0);
    await page.reload();
    await low.waitFor();
    expect(await page.getByPlaceholder(/Search/).inputValue()).toBe("bakery");
    expect(await open.count()).toBe(0);
    await page.keyboard.press("Escape");
    await page.getByPlaceholder(/Search/).fill("");
    await page.waitForURL((url) => !url.searchParams.has("q"));
    await open.waitFor();

    const priority = await open.getByTestId("priority").innerText();
    await page.getByRole("button", { name: priority }).click();
    await page.waitForURL(new RegExp(`priority=${priority}`));
    await page.getByLabel("Kind").selectOption("label_printer");
    await page.waitForURL(/kind=label_printer/);
    await page.locator("label", { hasText: /^Resolved$/ }).click();
    await page.waitForURL(/state=resolved/);
    await page.getByText("No incidents match").waitFor();

    await page.goBack();
    await page.waitForURL((url) => !url.searchParams.has("state"));
    await open.waitFor();
    await open.getByRole("link").click();
    await page.waitForURL(/\/incidents\//);
    await page.goBack();
    await open.waitFor();
    expect(new URL(page.url()).search).toContain("kind=label_printer");
    expect(await page.getByLabel("Kind").inputValue()).toBe("label_printer");
    expect(problems).toEqual([]);
  });

  it("opens from a link as it was when the link was made, whatever nonsense stands beside", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await page.goto("/?q=dock&order=newest&wall=1&state=nonsense&priority=P9&unknown=1");
    await rowOf(page, "Print head open").waitFor();
    expect(await rowOf(page, "Label media low").count()).toBe(0);
    expect(await page.evaluate<string>("document.documentElement.dataset.wall")).toBe("true");
    expect(problems).toEqual([]);
  });

  it("says that it is not live when the collector was killed, how old it is, and catches up by itself", async () => {
    const { page, problems } = await signedIn(browser, store.collector, { expected: /Failed to load resource|ERR_/ });
    await rowOf(page, "Print head open").waitFor();
    await store.collector.program.kill();
    const connection = page.getByTestId("connection");
    await expect.poll(() => connection.getAttribute("data-state")).toBe("reconnecting");
    expect(await connection.innerText()).toContain("Reconnecting");
    // The last picture stays to be read, and says that it is old.
    const banner = page.getByTestId("stale-banner");
    await banner.waitFor();
    expect(await banner.innerText()).toMatch(/View is \d+ s old[\s\S]*Reconnecting since \d\d:\d\d/);
    expect(await connection.getAttribute("data-state")).toBe("stale");
    expect(await rowOf(page, "Print head open").count()).toBe(1);

    // What happens meanwhile waits in the agent's outbox.
    store.dock.heal();
    await store.collector.restart();
    await isLive(page);
    await rowOf(page, "Print head open").filter({ hasText: "Recovered" }).waitFor();
    await expect.poll(() => banner.count()).toBe(0);
    // And the stream is alive again, not only the list.
    store.dock.fault("media-out");
    await rowOf(page, "Labels used up at dock/printer").waitFor();
    expect(problems).toEqual([]);
    store.dock.heal();
  });

  it("fills in what it missed on other pages, too, after the agent was killed", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await page.goto("/sites/store-1");
    await page.getByText(/Agent pc online/).waitFor();
    await store.agent.program.kill();
    await page.getByText(/Agent pc (is )?offline/).waitFor();
    await store.agent.restart();
    await page.getByText(/Agent pc online/).waitFor();
    await waitFor(
      "devices that are up again",
      async () => (await page.locator('[data-testid="device-row"][data-state="up"]').count()) >= 3,
    );
    expect(problems).toEqual([]);
  });
});
