/** Who was told on the page: channels and their test, the log with its filters, and why nobody was told of an incident. */
import { appendFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp, onCleanUp, WEBHOOK_SECRET } from "../rig/rig.ts";
import { axeFindings } from "./axe.ts";
import { addUser, ask, isLive, signedIn, startChromium } from "./chromium.ts";
import { openIncident, type Store, startStore } from "./store.ts";

/** Takes everything but what comes to `/broken`. */
async function startReceiver(): Promise<number> {
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => response.writeHead(request.url === "/broken" ? 503 : 204).end());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onCleanUp(() => void server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const notificationsYaml = (port: number): string => `channels:
${["tickets", "broken"]
  .map(
    (name) =>
      `  - { name: ${name}, webhook: { url: "http://127.0.0.1:${port}/${name}", secret: "file:webhook-secret", private: true } }\n`,
  )
  .join("")}routes:
  - { where: { severity: major }, on: [opened, recovered], to: [tickets, broken] }
`;

describe("notifications", () => {
  let store: Store;
  let browser: Browser;
  let told = "";
  let untold = "";

  beforeAll(async () => {
    [store, browser] = await Promise.all([startStore(), startChromium()]);
    const { collector } = store;
    await addUser(collector, "vera", "viewer");
    writeFileSync(join(collector.folder, "webhook-secret"), WEBHOOK_SECRET, { mode: 0o600 });
    writeFileSync(join(collector.folder, "notifications.yaml"), notificationsYaml(await startReceiver()));
    appendFileSync(collector.config, "notifications: ./notifications.yaml\n");
    await collector.program.stop();
    await collector.restart();
    store.bakery.fault("media-low");
    store.dock.fault("head-open");
    untold = (await openIncident(collector, "media-low")).id;
    told = (await openIncident(collector, "head-open")).id;
  });
  afterAll(cleanUp);

  const open = async (page: Page): Promise<void> => {
    await page.getByRole("link", { name: "Notifications" }).click();
    await page.getByRole("heading", { name: "Channels" }).waitFor();
  };
  const channel = (page: Page, name: string) => page.locator(`[data-testid="channel"][data-id="${name}"]`);

  it("show which channel works and which does not, and why", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await open(page);
    await expect.poll(() => channel(page, "tickets").getAttribute("data-health")).toBe("ok");
    await expect.poll(() => channel(page, "broken").getAttribute("data-health")).toBe("failing");
    expect(await channel(page, "broken").innerText()).toMatch(/Waiting\s+1, for[\s\S]*Failing since[\s\S]*HTTP 503/);
    expect(problems).toEqual([]);
  });

  it("are tested by keyboard by those who may, with the answer beside the button", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await open(page);
    await page.getByRole("button", { name: "Test tickets" }).focus();
    await page.keyboard.press("Enter");
    await channel(page, "tickets")
      .getByText(/^Taken after \d+ ms: HTTP 204$/)
      .waitFor();
    expect(await ask(page, "document.activeElement?.ariaLabel")).toBe("Test tickets");
    await page.getByRole("button", { name: "Test broken" }).press("Space");
    const answer = channel(page, "broken").getByTestId("test-answer");
    await expect.poll(() => answer.innerText()).toMatch(/^Not taken after [\d,]+ ms: HTTP 503/);
    expect(await answer.getAttribute("data-good")).toBe("false");
    const viewer = await signedIn(browser, store.collector, { user: "vera" });
    await open(viewer.page);
    expect(await viewer.page.getByRole("button", { name: /^Test/ }).count()).toBe(0);
    expect([...problems, ...viewer.problems]).toEqual([]);
  });

  it("have a log that is filtered by channel, outcome and incident, from an address that can be passed on", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await open(page);
    const rows = page.getByTestId("attempt");
    // While a list is fetched there are no rows, which are all of anything.
    const onlyOf = async (word: string): Promise<boolean> => {
      const texts = await rows.allInnerTexts();
      return texts.length > 0 && texts.every((text) => text.includes(word));
    };
    await page.getByTestId("log-channel").selectOption("broken");
    await expect.poll(() => new URL(page.url()).search).toBe("?channel=broken");
    await expect.poll(() => onlyOf("broken")).toBe(true);
    await page.getByTestId("log-outcome").selectOption("delivered");
    await page.getByText("Nothing of that was sent.").waitFor();
    await page.getByRole("button", { name: "Show all" }).click();
    await page.getByTestId("log-incident").fill(String(Number(told.slice(4))));
    await page.keyboard.press("Enter");
    await expect.poll(() => new URL(page.url()).search).toBe(`?incident=${told}`);
    await expect.poll(() => onlyOf(told)).toBe(true);
    await expect.poll(() => rows.filter({ hasText: "Delivered" }).count()).toBe(1);
    await page.reload();
    await isLive(page);
    await rows.first().waitFor();
    expect(await page.getByTestId("log-incident").inputValue()).toBe(told);
    expect(problems).toEqual([]);
  });

  it("have a log that goes on when something is sent, and page by page", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await page.goto("/notifications?channel=tickets");
    const rows = page.getByTestId("attempt");
    await rows.first().waitFor();
    const before = await rows.count();
    await store.collector.api("/notifications/channels/tickets/test", {});
    await expect.poll(() => rows.count()).toBeGreaterThan(before);
    for (let n = 0; n < 60; n++) await store.collector.api("/notifications/channels/tickets/test", {});
    await page.getByRole("button", { name: "Older" }).click();
    await page.getByRole("button", { name: "Newer" }).waitFor();
    await expect.poll(() => rows.filter({ hasText: told }).count()).toBe(1);
    await page.getByRole("button", { name: "Newer" }).click();
    await expect.poll(() => rows.count()).toBe(50);
    expect(problems).toEqual([]);
  });

  it("say of an incident who was told, and of another why nobody was", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await page.goto(`/incidents/${told}`);
    const panel = page.getByTestId("who-was-told");
    await panel.waitFor();
    const rows = panel.getByTestId("told");
    expect(await rows.filter({ hasText: "tickets" }).innerText()).toMatch(/^Opened to tickets\s+Delivered .+ ago/);
    expect(await rows.filter({ hasText: "broken" }).innerText()).toMatch(/Failed, is tried again[\s\S]*HTTP 503/);
    await page.goto(`/incidents/${untold}`);
    await panel.getByText("Nobody, because:").waitFor();
    expect(await panel.innerText()).toContain("The route to tickets, broken is for severity major, not minor.");
    expect(problems).toEqual([]);
  });

  it.each([
    { colorScheme: "light", width: 1440 },
    { colorScheme: "dark", width: 360 },
    { colorScheme: "light", width: 360 },
    { colorScheme: "dark", width: 1440 },
  ] as const)("fit, can be read and are accessible: $colorScheme, $width wide", async ({ colorScheme, width }) => {
    const { page, problems } = await signedIn(browser, store.collector, {
      colorScheme,
      viewport: { width, height: 900 },
    });
    for (const [path, shows] of [
      ["/notifications", "attempt"],
      [`/incidents/${told}`, "told"],
      [`/incidents/${untold}`, "who-was-told"],
    ] as const) {
      await page.goto(path);
      await page.getByTestId(shows).first().waitFor();
      expect([path, await ask(page, "look.overflowing()")]).toEqual([path, []]);
      expect([path, await ask(page, "look.faintTexts()")]).toEqual([path, []]);
      expect([path, await axeFindings(page)]).toEqual([path, []]);
    }
    expect(problems).toEqual([]);
  });
});
