/** Work on incidents, one and many, by people who meet at them; by keyboard alone where it is daily work. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp } from "../rig/rig.ts";
import { addUser, ask, rowOf, signedIn, startChromium } from "./chromium.ts";
import { openIncident, type Store, startStore } from "./store.ts";

/** More than there are things to focus on any page. */
const TABS_MAX = 80;

/** Goes on with the Tab key until the focus is there. */
async function tabTo(page: Page, testId: string): Promise<void> {
  for (let n = 0; n < TABS_MAX; n++) {
    if ((await ask(page, "document.activeElement?.dataset.testid ?? null")) === testId) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the Tab key does not lead to ${testId}`);
}

const idOf = (page: Page): string => new URL(page.url()).pathname.split("/").at(-1) ?? "";

describe("work on incidents", () => {
  let store: Store;
  let browser: Browser;

  beforeAll(async () => {
    [store, browser] = await Promise.all([startStore(), startChromium()]);
    for (const name of ["anna", "ben"]) await addUser(store.collector, name);
    await addUser(store.collector, "vera", "viewer");
    store.bakery.fault("media-low");
    store.dock.fault("head-open");
    await openIncident(store.collector, "media-low");
    await openIncident(store.collector, "head-open");
  });
  afterAll(cleanUp);

  it("of many at once goes by keyboard alone, and names those that refuse", async () => {
    const { page, problems } = await signedIn(browser, store.collector, { user: "anna" });
    const [low, open] = [rowOf(page, "Label media low"), rowOf(page, "Print head open")];
    await low.waitFor();
    await open.waitFor();

    for (const key of ["j", "x", "j", "x"]) await page.keyboard.press(key);
    await page.getByText("2 incidents marked").waitFor();
    await page.keyboard.press("b");
    await expect.poll(() => ask(page, "document.activeElement?.dataset.testid")).toBe("bulk-acknowledge");
    await page.keyboard.press("Enter");
    await low.filter({ hasText: "Acknowledged" }).waitFor();
    await open.filter({ hasText: "Acknowledged" }).waitFor();
    await expect.poll(() => page.getByTestId("bulk").count()).toBe(0);

    await page.keyboard.press("*");
    await page.getByText("2 incidents marked").waitFor();
    await page.keyboard.press("b");
    await tabTo(page, "bulk-hold");
    await page.keyboard.press("Enter");
    await tabTo(page, "hold-reason");
    await page.keyboard.type("A part");
    await tabTo(page, "hold-text");
    await page.keyboard.type("both rolls are ordered");
    await tabTo(page, "hold-submit");
    await page.keyboard.press("Enter");
    await low.filter({ hasText: "On hold" }).waitFor();
    await open.filter({ hasText: "waits for a part" }).waitFor();

    await page.keyboard.press("*");
    await page.keyboard.press("b");
    await page.keyboard.press("Enter");
    const refused = page.getByTestId("bulk-refused");
    await refused.waitFor();
    expect(await refused.innerText()).toMatch(/Print head open[^\n]*: One cannot acknowledge INC-\d+: it is on hold\./);
    await page.getByText("2 incidents marked").waitFor();
    await tabTo(page, "bulk-clear");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByTestId("bulk").count()).toBe(0);
    expect(problems).toEqual([]);
  });

  it("is not open to who may only look", async () => {
    const { page, problems } = await signedIn(browser, store.collector, { user: "vera" });
    await rowOf(page, "Print head open").waitFor();
    await page.keyboard.press("*");
    await page.locator('[data-testid="incident-row"][data-marked="true"]').first().waitFor();
    expect(await page.getByTestId("bulk").count()).toBe(0);
    expect(problems).toEqual([]);
  });

  it("keeps what one types when somebody else is done first, also when there is nothing to do it to any more", async () => {
    const { id } = await openIncident(store.collector, "head-open");
    const anna = await signedIn(browser, store.collector, { user: "anna" });
    const ben = await signedIn(browser, store.collector, { user: "ben" });
    for (const { page } of [anna, ben]) await page.goto(`/incidents/${id}`);

    await anna.page.getByTestId("action-resolve").click();
    await anna.page.getByTestId("resolve-code").selectOption("reseated");
    await anna.page.getByTestId("resolve-text").fill("The latch was half open, and the spring is weak.");

    await ben.page.getByTestId("action-resolve").click();
    await ben.page.getByTestId("resolve-code").selectOption("reseated");
    await ben.page.getByTestId("resolve-text").fill("closed it");
    await ben.page.getByTestId("resolve-submit").click();
    await ben.page.getByTestId("action-reopen").waitFor();

    const stranded = anna.page.getByTestId("stranded");
    await stranded.waitFor();
    expect(await stranded.innerText()).toContain("the spring is weak");
    await stranded.getByRole("button", { name: "Make it a note" }).click();
    expect(await anna.page.getByTestId("note-input").inputValue()).toContain("the spring is weak");
    await anna.page.getByTestId("note-submit").click();
    await ben.page.getByTestId("timeline").getByText("the spring is weak").waitFor();
    await ben.page.getByTestId("action-reopen").click();
    await ben.page.getByTestId("reason-input").fill("It opens by itself.");
    await ben.page.getByTestId("reason-submit").click();
    await ben.page.getByTestId("action-acknowledge").waitFor();
    expect([...anna.problems, ...ben.problems]).toEqual([]);
  });

  it("goes step by step down the runbook: all see who ticked what, and nobody's tick is lost", async () => {
    const { id } = await openIncident(store.collector, "media-low");
    const anna = await signedIn(browser, store.collector, { user: "anna" });
    const ben = await signedIn(browser, store.collector, { user: "ben" });
    const vera = await signedIn(browser, store.collector, { user: "vera" });
    for (const { page } of [anna, ben, vera]) await page.goto(`/incidents/${id}`);
    const step = ({ page }: typeof anna, n: number) => page.getByTestId("runbook").locator(".steps > li").nth(n);
    const box = (who: typeof anna, n: number) => step(who, n).getByRole("checkbox");
    await box(anna, 2).waitFor();
    expect(await box(vera, 0).isDisabled()).toBe(true);

    // Anna's tick is on its way when Ben's is written: hers was made of an incident that has changed since.
    const { promise: bensStands, resolve: letGo } = Promise.withResolvers<void>();
    await anna.page.route("**/actions", async (route) => {
      await bensStands;
      await route.continue();
    });
    await box(anna, 0).focus();
    await anna.page.keyboard.press("Space");
    expect(await box(anna, 0).isChecked()).toBe(true);
    await box(ben, 1).focus();
    await ben.page.keyboard.press("Space");
    for (const who of [ben, anna, vera]) await step(who, 1).getByText(/^ben/).waitFor();
    expect(await step(anna, 0).locator(".step-by").count()).toBe(0);
    letGo();
    for (const who of [anna, ben, vera]) {
      await step(who, 0).getByText(/^anna/).waitFor();
      expect(await step(who, 0).locator("time").innerText()).toMatch(/\d:\d\d/);
      expect([await box(who, 0).isChecked(), await box(who, 1).isChecked()]).toEqual([true, true]);
    }
    expect(await ask(anna.page, "document.activeElement.type")).toBe("checkbox");

    await ben.page.keyboard.press("Space");
    await expect.poll(() => box(anna, 1).isChecked()).toBe(false);
    await anna.page
      .getByTestId("timeline")
      .getByText(/^Not done after all: Check that/)
      .waitFor();
    expect([...anna.problems, ...ben.problems, ...vera.problems]).toEqual([]);
  });

  it("makes two one piece of work, and two again", async () => {
    const [low, open] = [
      await openIncident(store.collector, "media-low"),
      await openIncident(store.collector, "head-open"),
    ];
    const { page, problems } = await signedIn(browser, store.collector, { user: "anna" });
    await page.goto(`/incidents/${low.id}`);
    await page.getByTestId("action-merge").click();
    await page.getByTestId("merge-into").selectOption(open.id);
    await page.getByTestId("merge-submit").click();
    await page.getByTestId("action-split").waitFor();
    await page.getByText(/Merged into INC-\d+: people work on that one\./).waitFor();
    expect(await page.getByTestId("runbook").getByRole("checkbox").first().isDisabled()).toBe(true);
    await page.locator(".incident-flags").getByRole("link", { name: open.id }).click();
    await page.getByRole("heading", { name: /Merged into this/ }).waitFor();
    await page
      .locator(".incident-links")
      .getByRole("link", { name: /Label media low/ })
      .click();
    await expect.poll(() => idOf(page)).toBe(low.id);
    await page.getByTestId("action-split").click();
    await page.getByTestId("action-resume").or(page.getByTestId("action-resolve")).first().waitFor();
    await page.goto("/");
    await rowOf(page, "Label media low").waitFor();
    expect(problems).toEqual([]);
  });

  it("says that an alarm was none, and hears no more of it", async () => {
    const { id } = await openIncident(store.collector, "head-open");
    const { page, problems } = await signedIn(browser, store.collector, { user: "anna" });
    await page.goto(`/incidents/${id}`);
    await page.getByTestId("action-cancel").click();
    await page.getByTestId("cancel-code").selectOption("false_positive");
    await page.getByTestId("cancel-submit").click();
    expect(await page.getByTestId("cancel-text").evaluate((box) => box.matches(":invalid"))).toBe(true);
    await page.getByTestId("cancel-text").fill("It is open for the fair.");
    await page.getByTestId("cancel-submit").click();
    await page.getByTestId("timeline").getByText("Cancelled (false positive): It is open for the fair.").waitFor();
    expect(await page.getByTestId("runbook").getByRole("checkbox").first().isDisabled()).toBe(true);
    await page.goto("/");
    await rowOf(page, "Label media low").waitFor();
    expect(await rowOf(page, "Print head open").count()).toBe(0);
    expect(problems).toEqual([]);
    store.dock.heal();
    store.bakery.heal();
  });

  it("finds in a list of its own what cures itself again and again", async () => {
    const { page, problems } = await signedIn(browser, store.collector, { user: "anna" });
    for (let n = 0; n < 4; n++) {
      store.bakery.fault("media-out");
      await openIncident(store.collector, "media-out");
      await expect.poll(() => recovered(store, "media-out")).toBe(false);
      store.bakery.heal();
      await expect.poll(() => recovered(store, "media-out")).toBe(true);
    }
    await page.locator("label", { hasText: /^Review$/ }).click();
    await page.waitForURL(/state=review/);
    const row = rowOf(page, "Labels used up");
    await row.waitFor();
    expect(await row.innerText()).toContain("For review");
    await row.getByRole("link").click();
    await page.getByTestId("for-review").waitFor();
    await page.getByTestId("action-review").click();
    await page.getByTestId("reason-input").fill("The sensor's plug is loose.");
    await page.getByTestId("reason-submit").click();
    await page.getByTestId("timeline").getByText("Reviewed: The sensor's plug is loose.").waitFor();
    await expect.poll(() => page.getByTestId("for-review").count()).toBe(0);
    expect(problems).toEqual([]);
  });
});

async function recovered({ collector }: Store, rule: string): Promise<boolean> {
  return (await openIncident(collector, rule)).recoveredAt !== null;
}
