/** Clocks that run, the chain of those who are asked next, and asking them by hand. */
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp, WEBHOOK_SECRET } from "../rig/rig.ts";
import { addUser, ask, rowOf, signedIn, startChromium } from "./chromium.ts";
import { openIncident, type Store, startStore } from "./store.ts";

const ESCALATION = `chains:
  - name: test
    steps:
      - { unacknowledged: 0s, tell: noc }
      - { unresolved: 4h, tier: 2, tell: field-support }
`;

/** Who they are; whether they hear of it is for others to test. */
const NOTIFICATIONS = `channels:
  - { name: tickets, webhook: { url: "http://127.0.0.1:9/hook", secret: "file:webhook-secret", private: true } }
people: { noc: tickets, field-support: tickets }
`;

describe("what was promised", () => {
  let store: Store;
  let browser: Browser;

  beforeAll(async () => {
    [store, browser] = await Promise.all([startStore(), startChromium()]);
    const { collector } = store;
    await addUser(collector, "anna");
    await addUser(collector, "vera", "viewer");
    writeFileSync(join(collector.folder, "escalation.yaml"), ESCALATION);
    writeFileSync(join(collector.folder, "notifications.yaml"), NOTIFICATIONS);
    writeFileSync(join(collector.folder, "webhook-secret"), WEBHOOK_SECRET, { mode: 0o600 });
    appendFileSync(collector.config, "escalation: ./escalation.yaml\nnotifications: ./notifications.yaml\n");
    await collector.program.stop();
    await collector.restart();
    store.bakery.fault("media-low");
    store.dock.fault("head-open");
    await openIncident(collector, "media-low");
    await openIncident(collector, "head-open");
  });
  afterAll(cleanUp);

  it("is shown on the board, which can be had by what is due first", async () => {
    const { page, problems } = await signedIn(browser, store.collector, { user: "anna" });
    const open = rowOf(page, "Print head open");
    await open.waitFor();
    expect(await open.locator(".cell-due").innerText()).toMatch(/Response\s+\d+ (min|h)/);
    await page.getByRole("button", { name: "Due" }).click();
    await expect.poll(() => new URL(page.url()).searchParams.get("order")).toBe("due");
    await expect.poll(() => page.locator("th[aria-sort=ascending]").innerText()).toContain("Due");
    expect(problems).toEqual([]);
  });

  it("is a bar for each clock, which ends when somebody takes it in hand", async () => {
    const { id } = await openIncident(store.collector, "head-open");
    const { page, problems } = await signedIn(browser, store.collector, { user: "anna" });
    await page.goto(`/incidents/${id}`);
    const response = page.getByTestId("clock-response");
    await response.waitFor();
    expect(await response.getAttribute("data-state")).toBe("running");
    expect(await response.innerText()).toMatch(/left[\s\S]*due/);
    expect(await response.getByRole("meter").getAttribute("aria-label")).toContain("Response");
    await page.getByTestId("action-acknowledge").click();
    await expect.poll(() => response.getAttribute("data-state")).toBe("met");
    expect(await page.getByTestId("clock-restore").getAttribute("data-state")).toBe("running");
    expect(problems).toEqual([]);
  });

  it("says whom it told and who is next, and goes there at once by keyboard when somebody asks", async () => {
    const { id } = await openIncident(store.collector, "media-low");
    const { page, problems } = await signedIn(browser, store.collector, { user: "anna" });
    await page.goto(`/incidents/${id}`);
    const panel = page.getByTestId("escalation");
    await panel.getByText("Tell noc").waitFor();
    await panel.locator("li[data-taken=true]", { hasText: "Tell noc" }).waitFor();
    await panel.locator("li[aria-current=step]", { hasText: "To tier 2, Field support: field-support" }).waitFor();

    await page.getByTestId("escalate-open").focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    expect(await ask(page, "document.activeElement?.dataset.testid")).toBe("escalate-to");
    await page.keyboard.press("Tab");
    await page.keyboard.type("The printer is bolted to the wall.");
    await page.keyboard.press("Enter");
    await panel.locator("li[data-taken=true]", { hasText: "field-support" }).waitFor();
    await page.getByText("tier 2 Field support").waitFor();
    await page.getByTestId("timeline").getByText("bolted to the wall").waitFor();
    expect(problems).toEqual([]);
  });

  it("stood still where somebody says so afterwards, within the time of the incident", async () => {
    const { id } = await openIncident(store.collector, "head-open");
    const { page, problems } = await signedIn(browser, store.collector, { user: "anna" });
    await page.goto(`/incidents/${id}`);
    await page.getByTestId("pause-open").click();
    const local = (at: number): string =>
      new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
    await page.getByTestId("pause-from").fill(local(Date.now() - 86_400_000));
    await page.getByTestId("pause-to").fill(local(Date.now()));
    await page.getByTestId("pause-reason").selectOption("awaiting_site_access");
    await page.getByTestId("pause-text").fill("The shutter was down.");
    await page.getByTestId("pause-submit").click();
    await page.getByText("A pause lies between the opening of the incident and now").waitFor();
    const { openedAt } = (await store.collector.api<{ incident: { openedAt: number } }>(`/incidents/${id}`)).incident;
    await page.getByTestId("pause-from").fill(local(Math.ceil(openedAt / 1_000) * 1_000));
    await page.getByTestId("pause-to").fill(local(Math.ceil(openedAt / 1_000) * 1_000 + 1_000));
    await page.getByTestId("pause-submit").click();
    await page.getByTestId("timeline").getByText("The shutter was down.").waitFor();
    expect(problems.filter((problem) => !problem.includes("422"))).toEqual([]);
  });

  it("lets who may only look see the chain, and not use it", async () => {
    const { id } = await openIncident(store.collector, "media-low");
    const { page, problems } = await signedIn(browser, store.collector, { user: "vera" });
    await page.goto(`/incidents/${id}`);
    await page.getByTestId("escalation").getByText("Tell noc").waitFor();
    expect(await page.getByTestId("escalate-open").count()).toBe(0);
    expect(await page.getByTestId("pause-open").count()).toBe(0);
    expect(problems).toEqual([]);
  });
});
