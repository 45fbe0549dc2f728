/** The report page with a history as a collector keeps it: its figures, its charts and their tables, by keyboard and on paper. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IncidentFacts } from "../../collector/incidents/figures.ts";
import { figuresOf } from "../../collector/incidents/report.ts";
import { PRIORITIES } from "../../collector/incidents/types.ts";
import { createSqliteStore } from "../../collector/store/state/sqlite.ts";
import { type CollectorRig, cleanUp, runOnce, startCollector, tempFolder } from "../rig/rig.ts";
import { axeFindings } from "./axe.ts";
import { ask, signedIn, startChromium } from "./chromium.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SITES = `sites:
  - { id: store-1, name: First Store, time_zone: Europe/Berlin, trading_hours: { mon-sat: "08:00-20:00" } }
  - { id: store-2, name: Second Store, time_zone: Europe/London }
`;
const MODELS = ["ZD421", "ZT411", "TM-T88VI"] as const;
const NOW = Date.now();

/** As in a store in London. */
const hourOfWeek = (at: number): number => (Math.floor(at / HOUR_MS) + 72) % 168;

/** Sixty days of two stores, some of it every day. */
function history(): IncidentFacts[] {
  return Array.from({ length: 240 }, (_, n): IncidentFacts => {
    const openedAt = NOW - 60 * DAY_MS + (n * 6 + 1) * HOUR_MS + (n % 5) * 1_800_000;
    const isOpen = n % 24 === 23;
    const isPeople = n % 3 !== 0;
    const restoreMs = ((n % 9) + 1) * 600_000;
    const site = n % 4 === 0 ? "store-2" : "store-1";
    return {
      ...{ incident: `INC-${String(n + 1).padStart(6, "0")}`, site, slot: `${site}/lane-${n % 6}/printer` },
      ...{ kind: "label_printer", vendor: "Zebra", model: MODELS[n % 3] ?? null, serial: null, component: null },
      ...{ rule: n % 2 === 0 ? "media-out" : "head-open", category: "consumable" },
      ...{ priority: PRIORITIES[n % 5] ?? "P3", outcome: isOpen ? "open" : "resolved" },
      code: isOpen ? null : isPeople ? (n % 7 === 0 ? "false_positive" : "cleaned") : "self_recovered",
      ...{ openedAt, hourOfWeek: hourOfWeek(openedAt) },
      ...{ restoredAt: isOpen ? null : openedAt + restoreMs, doneAt: isOpen ? null : openedAt + 2 * restoreMs },
      ...{ detectMs: 20_000, acknowledgeMs: n % 5 === 0 ? null : 120_000, lifeMs: isOpen ? null : restoreMs },
      ...{ restoreMs: isOpen ? null : restoreMs, resolveMs: isOpen ? null : 2 * restoreMs },
      resolveUnpausedMs: isOpen ? null : 2 * restoreMs,
      ...{
        isCalled: true,
        isFailure: n % 7 !== 0,
        isByPeople: !isOpen && isPeople,
        isMistaken: n % 7 === 0 && isPeople,
      },
      ...{
        isFirstLine: !isOpen && isPeople && n % 2 === 0,
        isSelfRecovered: !isOpen && !isPeople,
        isReopened: n % 20 === 1,
      },
      ...{ fires: 1 + (n % 3), calls: n % 2, responseMet: Number(n % 5 !== 0), responseBreached: Number(n % 5 === 0) },
      ...{
        restoreMet: Number(!isOpen && n % 8 !== 0),
        restoreBreached: Number(n % 8 === 0),
        vendorMet: 0,
        vendorBreached: 0,
      },
      ...{ penaltyCents: n % 8 === 0 ? 5_000 : 0, currency: "EUR" },
    };
  });
}

let browser: Browser;
let collector: CollectorRig;
const facts = history();

beforeAll(async () => {
  const data = join(tempFolder(), "data");
  mkdirSync(data);
  const store = createSqliteStore({ file: join(data, "state.sqlite") });
  await store.open();
  store.commit({ facts });
  const printer = { driver: "zpl", kind: "label_printer", labels: {}, dependsOn: [], intervalMs: 10_000 };
  const devices = MODELS.flatMap((model, n) =>
    [n, n + 3].map((lane) => ({
      ...{ ...printer, id: `lane-${lane}/printer`, asset: { vendor: "Zebra", model }, components: [], metrics: ["up"] },
    })),
  );
  store.putInventory("store-1", "pc", devices, NOW - 60 * DAY_MS);
  await store.close();
  [collector, browser] = await Promise.all([startCollector({ sites: SITES, data }), startChromium()]);
});
afterAll(cleanUp);

const opened = (days: number): number => facts.filter(({ openedAt }) => openedAt >= NOW - days * DAY_MS).length;
const row = (name: string): RegExp => new RegExp(`^${name}`);

describe("the report page", () => {
  it("has what the API and CSV have, and every chart has its table", async () => {
    const { page, problems } = await signedIn(browser, collector);
    await page.getByRole("link", { name: "Reports" }).click();
    await page.getByTestId("report").waitFor();
    expect(
      await page
        .locator(".headline")
        .filter({ hasText: row("Opened") })
        .locator("strong")
        .textContent(),
    ).toBe(String(opened(30)));
    const answer = await collector.api<{ all: { incidents: { opened: number } } }>("/report");
    expect(answer.all.incidents.opened).toBe(opened(30));

    const csv = await page.getByRole("link", { name: "CSV" }).getAttribute("href");
    const table = await page.evaluate(`fetch(${JSON.stringify(csv)}).then((answer) => answer.text())`);
    expect(String(table).split("\r\n")[1]).toMatch(new RegExp(`^all,,${opened(30)},`));

    const bars = page.getByRole("region", { name: "Incidents per day", exact: true });
    await bars.getByText("As a table").click();
    const cells = await bars.locator("tbody tr td:nth-child(2)").allTextContents();
    expect(cells.reduce((sum, cell) => sum + Number(cell), 0)).toBe(opened(30));
    const hours = page.getByRole("table", { name: "Opened in each hour of the week" });
    expect(await hours.locator("tbody td").count()).toBe(7 * 24);
    const league = page.getByRole("table", { name: "Models by failures" });
    expect(await league.locator("tbody tr").count()).toBe(3);
    expect(await league.locator("tbody td").first().textContent()).toMatch(/^\d+\.\d \(\d+\.\d to \d+\.\d\)$/);
    expect(await page.getByRole("table", { name: "Noise of rules" }).locator("tbody th").allTextContents()).toEqual(
      expect.arrayContaining(["media-out", "head-open"]),
    );
    expect(problems).toEqual([]);
  });

  it("says what the API, CSV and the command line say, and the fold over the same incidents", async () => {
    const [from, to] = [NOW - 30 * DAY_MS, NOW - DAY_MS];
    const { incidents, acknowledge, restore, noise, backlog, penalties } = figuresOf(facts, {
      ...{ from, to, groupBy: null },
    }).all;
    const fold = { incidents, acknowledge, restore, noise, backlog, penalties };
    const days = (at: number): string => new Date(at).toISOString();
    const env = { AISLEWATCH_TOKEN: collector.token };
    const words = ["--from", days(from), "--to", days(to), "--url", collector.http];
    const told = await runOnce("packages/cli/main.ts", ["report", ...words, "--json"], { env });
    expect(told.stderr).toBe("");
    expect(JSON.parse(told.stdout).all).toMatchObject(fold);
    const answer = await collector.api<{ all: object }>(`/report?from=${from}&to=${to}`);
    expect(answer.all).toMatchObject(fold);
    const table = await runOnce("packages/cli/main.ts", ["report", ...words, "--csv"], { env });
    expect(table.stdout.split("\r\n")[1]).toMatch(new RegExp(`^all,,${incidents.opened},${incidents.open},`));
    const text = await runOnce("packages/cli/main.ts", ["report", ...words], { env });
    expect(text.stdout).toContain(`: ${incidents.opened} opened; of these ${incidents.open} open`);
    expect(text.stdout).toContain("MODEL");
  });

  it("is asked for by keyboard, and its address is the report", async () => {
    const { page, problems } = await signedIn(browser, collector);
    await page.goto("/reports");
    await page.getByTestId("report").waitFor();
    await page.getByRole("radio", { name: "30 days" }).focus();
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => page.url()).toContain("/reports?period=7d");
    await page.getByRole("combobox", { name: "Site" }).focus();
    await page.keyboard.type("Second");
    await expect.poll(() => page.url()).toContain("site=store-2");
    await page.getByRole("checkbox", { name: "P2" }).focus();
    await page.keyboard.press("Space");
    await expect.poll(() => page.url()).toContain("priority=P2");
    await page.getByRole("combobox", { name: "Group by" }).focus();
    await page.keyboard.type("model");
    await page.getByRole("table", { name: "Figures by model" }).waitFor();
    const shown = page.url();
    await page.reload();
    await page.getByRole("table", { name: "Figures by model" }).waitFor();
    expect(page.url()).toBe(shown);
    expect(await page.getByRole("checkbox", { name: "P2" }).isChecked()).toBe(true);
    await page.goBack();
    await expect.poll(() => page.url()).not.toContain("by=model");
    expect(problems).toEqual([]);
  });

  it("asks for days of one's own, and says what is wrong with them", async () => {
    const { page, problems } = await signedIn(browser, collector);
    await page.goto("/reports?period=custom");
    await page.getByText("Choose the first and the last day").waitFor();
    const day = (back: number): string => new Date(NOW - back * DAY_MS).toISOString().slice(0, 10);
    await page.getByRole("textbox", { name: "From", exact: true }).fill(day(20));
    await page.getByRole("textbox", { name: "To", exact: true }).fill(day(10));
    await page.keyboard.press("Enter");
    await page.getByTestId("report").waitFor();
    expect(page.url()).toContain(`from=${day(20)}&to=${day(10)}`);
    expect(problems).toEqual([]);
  });

  it("says that it is being made, and why it was not", async () => {
    const { page } = await signedIn(browser, collector, { expected: /503|422/ });
    let answers = 0;
    await page.route("**/api/v1/report?**", async (route) => {
      answers += 1;
      if (answers > 1) return route.continue();
      await page.getByText("Adding up incidents…").waitFor();
      return route.fulfill({ status: 503, json: { error: "busy", message: "Too many reports are being made." } });
    });
    await page.goto("/reports");
    const alert = page.getByRole("alert");
    await alert.getByText("Too many reports are being made.").waitFor();
    await alert.getByRole("button", { name: "Try again" }).click();
    await page.getByTestId("report").waitFor();
  });

  it.each([
    { colorScheme: "light", width: 1440 },
    { colorScheme: "dark", width: 1440 },
    { colorScheme: "light", width: 360 },
    { colorScheme: "dark", width: 360 },
  ] as const)("fits and can be read: $colorScheme, $width wide", async ({ colorScheme, width }) => {
    const { page, problems } = await signedIn(browser, collector, { colorScheme, viewport: { width, height: 900 } });
    await page.goto("/reports?period=90d&by=site");
    await page.getByTestId("report").waitFor();
    expect(await ask(page, "look.overflowing()")).toEqual([]);
    expect(await ask(page, "look.faintTexts()")).toEqual([]);
    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
    expect(await axeFindings(page)).toEqual([]);
    expect(problems).toEqual([]);
  });

  it("is printed with its charts and tables, and without what is for the hand", async () => {
    const { page } = await signedIn(browser, collector, { colorScheme: "dark" });
    await page.goto("/reports?by=site");
    await page.getByTestId("report").waitFor();
    await page.emulateMedia({ media: "print" });
    expect(await page.getByRole("button", { name: "Print" }).isVisible()).toBe(false);
    expect(await page.getByRole("search").isVisible()).toBe(false);
    expect(await page.getByRole("table", { name: "Noise of rules" }).isVisible()).toBe(true);
    const pdf = (await page.pdf({ format: "A4" })).toString("latin1");
    const pages = pdf.match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    expect(pages).toBeGreaterThan(0);
    expect(pages).toBeLessThanOrEqual(5);
  });
});
