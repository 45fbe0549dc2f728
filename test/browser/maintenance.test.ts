/** Planned downtime on the page: begun, seen on what fails in it, changed and ended; all of it by keyboard as well. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp } from "../rig/rig.ts";
import { ask, signedIn, startChromium } from "./chromium.ts";
import { type Store, startStore } from "./store.ts";

type Window = { id: string; reason: string; by: string; weekly: unknown; timeZone: string | null };

describe("maintenance", () => {
  let store: Store;
  let browser: Browser;

  beforeAll(async () => {
    [store, browser] = await Promise.all([startStore(), startChromium()]);
  });
  afterAll(cleanUp);

  const listed = () => store.collector.api<Window[]>("/maintenance");

  it("is begun for a site, and ended", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await page.getByRole("link", { name: "Maintenance" }).click();
    await page.getByText("None is planned.").waitFor();
    await page.getByTestId("maintenance-site").selectOption("store-1");
    await page.getByTestId("maintenance-reason").fill("New switches");
    await page.getByRole("button", { name: "Start" }).click();
    const row = page.getByTestId("maintenance-row");
    await row.waitFor();
    await expect.poll(() => row.getAttribute("data-state")).toBe("running");
    expect(await row.innerText()).toMatch(/New switches[\s\S]*store-1/);
    await row.getByRole("button", { name: "End now" }).click();
    await page.getByText("Ended.").waitFor();
    expect(problems).toEqual([]);
  });

  it("of every week is planned, changed and removed by keyboard, and mistakes stand at their fields", async () => {
    const { page, problems } = await signedIn(browser, store.collector);
    await page.goto("/maintenance");
    await page.getByTestId("maintenance-form").waitFor();

    await focus(page, "Site");
    await page.keyboard.type("First");
    await focus(page, "From now on");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await focus(page, "Why");
    await page.keyboard.type("Tills restart");
    await page.keyboard.press("Enter");
    await page.getByText("Choose at least one day.").waitFor();
    expect(await focused(page)).toBe("Monday");
    expect(await page.getByLabel("From", { exact: true }).getAttribute("aria-invalid")).toBe("true");

    await focus(page, "Sunday");
    await page.keyboard.press("Space");
    await focus(page, "From");
    await page.keyboard.type("0200AM");
    await focus(page, "To");
    await page.keyboard.type("0400AM");
    await page.getByText("Nobody is called: every Sunday 02:00–04:00, store time.").waitFor();
    await focus(page, "Why");
    await page.keyboard.press("Enter");
    await page.getByText("Planned.").waitFor();
    const row = page.getByTestId("maintenance-row").filter({ hasText: "Tills restart" });
    expect(await row.innerText()).toMatch(/every Sunday 02:00–04:00, store time/);
    const [planned] = (await listed()).filter(({ reason }) => reason === "Tills restart");
    expect(planned).toMatchObject({ weekly: [{ day: "sun", from: "02:00", to: "04:00" }], timeZone: null });

    await focus(page, "Change Tills restart");
    await page.keyboard.press("Enter");
    await expect.poll(() => focused(page)).toBe("Site");
    await focus(page, "Saturday");
    await page.keyboard.press("Space");
    await focus(page, "Save");
    await page.keyboard.press("Enter");
    await page.getByText("Saved.").waitFor();
    await page.getByText("every Saturday and Sunday 02:00–04:00, store time").waitFor();
    expect(await focused(page)).toBe("Change Tills restart");
    expect((await listed()).filter(({ id }) => id === planned?.id)).toMatchObject([
      { by: planned?.by, weekly: [{ day: "sat" }, { day: "sun" }] },
    ]);

    await focus(page, "Remove Tills restart");
    await page.keyboard.press("Enter");
    await page.getByText("Removed: it does not come back.").waitFor();
    await expect.poll(() => row.count()).toBe(0);
    expect(problems).toEqual([]);
  });

  it.each([
    { colorScheme: "light", width: 1440 },
    { colorScheme: "dark", width: 1440 },
    { colorScheme: "light", width: 360 },
    { colorScheme: "dark", width: 360 },
  ] as const)("fits and can be read with its mistakes: $colorScheme, $width wide", async ({ colorScheme, width }) => {
    const weekly = { days: ["mon", "tue", "wed"], from: "22:00", to: "01:00" };
    const reason = "Tills restart for the updates of the week";
    await store.collector.api("/maintenance", { reason, where: { site: ["store-1"] }, weekly });
    const { page, problems } = await signedIn(browser, store.collector, {
      colorScheme,
      viewport: { width, height: 900 },
    });
    await page.goto("/maintenance");
    await page.getByText("every Monday to Wednesday").first().waitFor();
    await page.getByText("Every week", { exact: true }).click();
    await page.getByRole("button", { name: "Plan" }).click();
    await page.getByText("Choose at least one day.").waitFor();
    expect(await ask(page, "look.overflowing()")).toEqual([]);
    expect(await ask(page, "look.faintTexts()")).toEqual([]);
    expect(problems).toEqual([]);
  });
});

/** As far as a person would press Tab. */
const TABS_MAX = 60;

/** By Tab alone, from where the focus is or from the top. */
async function focus(page: Page, name: string): Promise<void> {
  const seen: unknown[] = [];
  for (let i = 0; i < TABS_MAX; i++) {
    if ((await focused(page)) === name) return;
    seen.push(await focused(page));
    await page.keyboard.press("Tab");
  }
  throw new Error(`no Tab leads to "${name}"; there were ${seen.join(", ")}`);
}

/** What people who see nothing hear of where they are, without the field's own value: a label around a select has the options in its text. */
const focused = (page: Page): Promise<unknown> =>
  page.evaluate(`(() => {
    const at = document.activeElement;
    const label = at?.labels?.[0] ?? null;
    const own = [...(label?.childNodes ?? [])].find((node) => node.textContent.trim() !== "" && node !== at);
    return at?.getAttribute("aria-label") ?? own?.textContent ?? at?.textContent;
  })()`);
