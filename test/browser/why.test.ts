/** Why a rule fires, and why another does not, as people see it beside an incident and on a device's page. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp } from "../rig/rig.ts";
import { signedIn, startChromium } from "./chromium.ts";
import { openIncident, type Store, startStore } from "./store.ts";

type Explained = { summary: string; state: string; replayedFrom: number | null };

describe("why", () => {
  let store: Store;
  let browser: Browser;

  beforeAll(async () => {
    [store, browser] = await Promise.all([startStore(), startChromium()]);
  });
  afterAll(cleanUp);

  it("a rule fires stands beside its incident, for now and for when it opened", async () => {
    store.bakery.fault("media-low");
    const incident = await openIncident(store.collector, "media-low");
    const { page, problems } = await signedIn(browser, store.collector);
    await page.goto(`/incidents/${incident.id}`);
    const why = page.getByTestId("why");
    await expect.poll(() => why.innerText()).toMatch(/^Fires \(minor\) since .*media_remaining_percent < 15 is true/);
    await page.getByText("When it opened").click();
    await page.getByText("Judged once more from readings stored since").waitFor();
    expect(await why.innerText()).toMatch(/^Fires \(minor\) since 0s: media_remaining_percent < 15 is true/);
    expect(problems).toEqual([]);
  });

  it("another does not fire is found on the page of the device", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await page.goto("/sites/store-1/device/bakery/printer");
    await page.getByLabel("Rule").selectOption("media-out");
    await expect.poll(() => page.getByTestId("why").innerText()).toMatch(/^Does not fire: media_out is false/);
    expect(problems).toEqual([]);
  });

  it("is asked of a time that has passed, by the readings that the store has of it", async () => {
    const query = `site=store-1&device=bakery/printer&at=${Date.now() - 2_000}`;
    const found = await store.collector.api<Explained>(`/rules/media-low/explain?${query}`);
    expect(found).toMatchObject({ state: "firing" });
    expect(found.replayedFrom).toBeGreaterThan(0);
  });
});
