/** Every page in light and dark, wide and narrow: nothing sticks out, nothing is faint, everything has a name and a focus. */
import type { Browser, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp } from "../rig/rig.ts";
import { ask, openWindow, signedIn, startChromium } from "./chromium.ts";
import { openIncident, type Store, startStore } from "./store.ts";

const NAMED_ROLES = [
  "button",
  "link",
  "textbox",
  "searchbox",
  "combobox",
  "checkbox",
  "radio",
  "image",
  "img",
  "table",
];

describe("every page", () => {
  let store: Store;
  let browser: Browser;
  let paths: { path: string; shows: string }[];

  beforeAll(async () => {
    [store, browser] = await Promise.all([startStore(), startChromium()]);
    store.bakery.fault("media-low");
    store.dock.fault("head-open");
    const { id } = await openIncident(store.collector, "media-low");
    await openIncident(store.collector, "head-open");
    await store.collector.api(`/incidents/${id}/actions`, { action: "note", text: `A note. ${"long".repeat(60)}` });
    paths = [
      { path: "/", shows: '[data-testid="incident-row"]' },
      { path: "/?wall=1", shows: '[data-testid="incident-row"]' },
      { path: "/?q=nothing-matches", shows: "text=No incidents match" },
      { path: `/incidents/${id}`, shows: '[data-testid="chart"] canvas' },
      { path: "/sites", shows: '[data-testid="site-card"]' },
      { path: "/sites/store-1", shows: '[data-testid="device-row"]' },
      { path: "/sites/store-1/device/lane-1/pos", shows: '[data-testid="chart"] canvas' },
      { path: "/rules", shows: "text=media-low" },
    ];
  });
  afterAll(cleanUp);

  it.each([
    { colorScheme: "light", width: 1440, height: 900 },
    { colorScheme: "dark", width: 1440, height: 900 },
    { colorScheme: "light", width: 360, height: 740 },
    { colorScheme: "dark", width: 360, height: 740 },
  ] as const)("fits and can be read: $colorScheme, $width wide", async ({ colorScheme, width, height }) => {
    const { page, problems } = await signedIn(browser, store.collector, { colorScheme, viewport: { width, height } });
    for (const { path, shows } of paths) {
      await page.goto(path);
      await page.locator(shows).first().waitFor();
      await still(page);
      expect([path, await ask(page, "look.overflowing()")]).toEqual([path, []]);
      expect([path, await ask(page, "look.faintTexts()")]).toEqual([path, []]);
    }
    const login = await openWindow(browser, store.collector, {
      colorScheme,
      viewport: { width, height },
      expected: /401/,
    });
    await login.page.goto("/login");
    await login.page.getByLabel("Name").waitFor();
    expect(await ask(login.page, "look.overflowing()")).toEqual([]);
    expect(await ask(login.page, "look.faintTexts()")).toEqual([]);
    expect([...problems, ...login.problems]).toEqual([]);
  });

  it("can be used by keyboard alone: Tab comes by every control, and one sees where it is", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    for (const { path, shows } of paths) {
      await page.goto(path);
      await page.locator(shows).first().waitFor();
      await still(page);
      const wanted = new Set(await ask<string[]>(page, "look.names()"));
      const met = new Set<string>();
      const unseen = new Set<string>();
      for (let press = 0; press < wanted.size * 2 + 20 && met.size < wanted.size; press++) {
        await page.keyboard.press("Tab");
        const focus = await ask<{ key: string; visible: boolean } | null>(page, "look.focused()");
        if (focus === null) continue;
        if (wanted.has(focus.key)) met.add(focus.key);
        if (!focus.visible) unseen.add(focus.key);
      }
      expect([path, [...wanted].filter((name) => !met.has(name))]).toEqual([path, []]);
      expect([path, [...unseen]]).toEqual([path, []]);
    }
    expect(problems).toEqual([]);
  });

  it("gives everything that one can act on, and every image, a name", async () => {
    const { page } = await signedIn(browser, store.collector);
    const cdp = await page.context().newCDPSession(page);
    for (const { path, shows } of paths) {
      await page.goto(path);
      await page.locator(shows).first().waitFor();
      expect([path, await nameless(cdp)]).toEqual([path, []]);
    }
  });
});

/** Animations would be caught in the middle of a fade. */
async function still(page: Page): Promise<void> {
  await page.evaluate("Promise.all(document.getAnimations().map((animation) => animation.finish()))");
}

type AxNode = { ignored: boolean; role?: { value: string }; name?: { value: string }; nodeId: string };

async function nameless(cdp: CDPSession): Promise<string[]> {
  const { nodes } = (await cdp.send("Accessibility.getFullAXTree")) as { nodes: AxNode[] };
  return nodes
    .filter(({ ignored, role }) => !ignored && role !== undefined && NAMED_ROLES.includes(role.value))
    .filter(({ name }) => (name?.value ?? "").trim() === "")
    .map(({ role, nodeId }) => `${role?.value} ${nodeId}`);
}
