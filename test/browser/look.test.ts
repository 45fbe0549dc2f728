/** Every page in light and dark, wide and narrow: nothing sticks out, nothing is faint, everything has a name and a focus. */
import type { Browser, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp } from "../rig/rig.ts";
import { axeFindings } from "./axe.ts";
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

/** Of the shipped runbook for an open print head. */
const FIRST_STEP = "Have the station close the head on both sides until it clicks.";

const MAINTENANCE = {
  reason: "New shelves",
  where: { site: ["store-2"] },
  from: Date.now(),
  to: Date.now() + 3_600_000,
};

describe("every page", () => {
  let store: Store;
  let browser: Browser;
  let paths: { path: string; shows: string }[];

  beforeAll(async () => {
    [store, browser] = await Promise.all([startStore(), startChromium()]);
    store.bakery.fault("media-low");
    store.dock.fault("head-open");
    store.dock.fault("media-out");
    const { id } = await openIncident(store.collector, "media-low");
    const { id: held } = await openIncident(store.collector, "head-open");
    const { id: resolved } = await openIncident(store.collector, "media-out");
    const act = (incident: string, action: object) => store.collector.api(`/incidents/${incident}/actions`, action);
    await act(id, { action: "note", text: `A note. ${"long".repeat(60)}` });
    await act(held, { action: "hold", reason: "awaiting_part", text: "A latch is ordered." });
    await act(held, { action: "check", item: FIRST_STEP, done: true });
    await act(resolved, { action: "resolve", code: "consumable_replaced", text: "The sensor takes a while." });
    await store.collector.api("/maintenance", MAINTENANCE);
    paths = [
      { path: "/", shows: '[data-testid="incident-row"]' },
      { path: "/?wall=1", shows: '[data-testid="incident-row"]' },
      { path: "/?q=nothing-matches", shows: "text=No incidents match" },
      { path: `/incidents/${id}`, shows: '[data-testid="chart"] canvas' },
      { path: `/incidents/${held}`, shows: '[data-testid="action-resume"]' },
      { path: `/incidents/${resolved}`, shows: '[data-testid="action-reopen"]' },
      { path: `/incidents/${held}/handover`, shows: '[data-testid="sheet"]' },
      { path: "/sites", shows: '[data-testid="site-card"]' },
      { path: "/sites/store-1", shows: '[data-testid="device-row"]' },
      { path: "/sites/store-1/device/lane-1/pos", shows: '[data-testid="chart"] canvas' },
      { path: "/agents", shows: '[data-testid="agent-row"]' },
      { path: "/agents/store-1/pc", shows: '[data-testid="deliveries"]' },
      { path: "/maintenance", shows: '[data-testid="maintenance-row"]' },
      { path: "/notifications", shows: "text=No channel is set up" },
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
    const rules = colorScheme === "dark" ? ["color-contrast"] : undefined;
    for (const { path, shows } of paths) {
      await page.goto(path);
      await page.locator(shows).first().waitFor();
      await still(page);
      expect([path, await ask(page, "look.overflowing()")]).toEqual([path, []]);
      expect([path, await ask(page, "look.faintTexts()")]).toEqual([path, []]);
      // The dearest of all looks: once, and once more for the other colours.
      if (width > 1_000) expect([path, await findings(page, rules)]).toEqual([path, []]);
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
    if (width > 1_000) expect(await findings(login.page, rules)).toEqual([]);
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

  it("is looked at by what sees such things", async () => {
    const { page } = await openWindow(browser, store.collector, { expected: /401/ });
    await page.goto("/login");
    await page.getByLabel("Name").waitFor();
    await ask(page, `document.querySelector("[name=name]").setAttribute("aria-hidden", "true")`);
    await ask(page, `document.body.style.color = "#ccc"`);
    const found = await findings(page);
    for (const rule of ["aria-hidden-focus", "color-contrast"]) {
      expect(
        found.some((finding) => finding.includes(` ${rule}: `)),
        found.join("\n"),
      ).toBe(true);
    }
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

/** Of the page as it opens, and with each form open that an incident has, or many that are marked. */
async function findings(page: Page, rules?: readonly string[]): Promise<string[]> {
  await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
  if ((await page.getByTestId("incident-row").count()) > 0) await page.keyboard.press("*");
  const found = await axeFindings(page, { rules });
  for (const button of await page.locator(":is(.actions-buttons, .bulk-buttons) [aria-expanded]").all()) {
    await button.click();
    await page.locator(":is(.actions, .bulk) > .action-form:not(.note-form)").waitFor();
    await still(page);
    found.push(...(await axeFindings(page, { selector: ".actions, .bulk", rules })));
  }
  return found;
}

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
