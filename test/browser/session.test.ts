/** Who may see the page: nobody without signing in, by link or by password, and nobody after signing out. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CollectorRig, cleanUp, runOnce, startCollector } from "../rig/rig.ts";
import { addUser, isLive, openWindow, signedIn, signInLink, startChromium } from "./chromium.ts";

/** Asking who is signed in is answered with 401, which Chromium reports. */
const expected = /401/;

describe("signing in", () => {
  let collector: CollectorRig;
  let browser: Browser;

  beforeAll(async () => {
    [collector, browser] = await Promise.all([startCollector(), startChromium()]);
  });
  afterAll(cleanUp);

  it.each(["/", "/incidents/INC-000001", "/sites", "/sites/store-1", "/sites/store-1/device/a/b", "/rules", "/?q=x"])(
    "is asked for at %s, which is where one goes on afterwards",
    async (path) => {
      const { page, problems } = await openWindow(browser, collector, { expected });
      await page.goto(path);
      await page.waitForURL(/\/login\?next=/);
      await page.getByRole("button", { name: "Sign in" }).waitFor();
      expect(new URL(page.url()).searchParams.get("next")).toBe(path);
      expect(await page.getByTestId("connection").count()).toBe(0);
      expect(problems).toEqual([]);
      await page.context().close();
    },
  );

  it("is asked for by every path of the API but health and metrics", async () => {
    const headers = { authorization: `Bearer ${collector.token}` };
    const document = (await (await fetch(`${collector.http}/api/v1/openapi.json`, { headers })).json()) as {
      paths: Record<string, Record<string, unknown>>;
    };
    expect((await fetch(`${collector.http}/api/v1/openapi.json`)).status).toBe(401);
    for (const [path, methods] of Object.entries(document.paths)) {
      if (!path.startsWith("/api/v1/") || path.startsWith("/api/v1/session")) continue;
      const answer = await fetch(`${collector.http}${path.replaceAll(/\{\w+\}/g, "x")}`);
      expect([path, answer.status]).toEqual([path, Object.hasOwn(methods, "get") ? 401 : 405]);
    }
  });

  it("by a link works once", async () => {
    const link = await signInLink(collector);
    const first = await openWindow(browser, collector);
    await first.page.goto(link);
    await isLive(first.page);
    expect(new URL(first.page.url()).pathname, "the link is not left in the address bar").toBe("/");
    const second = await openWindow(browser, collector, { expected });
    await second.page.goto(link);
    await second.page.waitForURL(/\/login/);
    await second.page.getByRole("alert").filter({ hasText: "used already or is too old" }).waitFor();
    expect([...first.problems, ...second.problems]).toEqual([]);
  });

  it("by name and password works, and says so when it does not", async () => {
    const file = join(collector.folder, "anna.password");
    writeFileSync(file, "correct horse battery\n", { mode: 0o600 });
    const words = ["users", "add", "anna", "--role", "operator", "--password-file", file, "--config", collector.config];
    expect((await runOnce("collector/main.ts", words)).code).toBe(0);
    const { page, problems } = await openWindow(browser, collector, { expected });
    await page.goto("/rules");
    await page.getByLabel("Name").fill("anna");
    await page.getByLabel("Password").fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Password").fill("correct horse battery");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/rules$/);
    await isLive(page);
    await page.getByRole("button", { name: /Sign out anna/ }).waitFor();
    expect(problems).toEqual([]);
  });

  it("ends with signing out, in every tab", async () => {
    const { page, problems } = await signedIn(browser, collector, { expected });
    const tab = await page.context().newPage();
    await tab.goto("/sites");
    await isLive(tab);
    await page.getByRole("link", { name: "Rules" }).click();
    await page.waitForURL(/\/rules/);
    await page.getByRole("button", { name: /Sign out/ }).click();
    await page.waitForURL(/\/login/);
    expect(await page.context().cookies()).toEqual([]);
    await tab.waitForURL(/\/login/);
    await page.goBack();
    await page.waitForURL(/\/login/);
    expect(problems).toEqual([]);
  });

  it("lets a viewer look and not act", async () => {
    await addUser(collector, "vera", "viewer");
    const { page } = await signedIn(browser, collector, { user: "vera", expected: /403/ });
    const status = await page.evaluate<number>(
      `fetch("/api/v1/incidents/INC-000001/actions", { method: "POST", headers: { "content-type": "application/json" }, body: '{"action":"acknowledge"}' }).then((answer) => answer.status)`,
    );
    expect(status).toBe(403);
  });
});
