/** What the machine makes of an incident, and the page that goes with whoever drives there: by keyboard, on paper, as text. */
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp, runOnce, waitFor } from "../rig/rig.ts";
import { axeFindings } from "./axe.ts";
import { addUser, ask, signedIn, startChromium } from "./chromium.ts";
import { openIncident, type Store, startStore } from "./store.ts";

const SITES = `sites:
  - id: store-1
    name: First Store
    address: Hauptstr. 12, 10827 Berlin
    time_zone: Europe/Berlin
    trading_hours: { daily: "00:00-24:00" }
    contacts:
      - { name: Kim Brandt, role: manager, phone: +49 30 5550100 }
      - { name: Lee Wolf, role: caretaker, email: lee@example.com }
`;
const VENDORS = `vendors:
  label-service:
    name: Label Service GmbH
    phone: +49 30 5550200
    contract: LS-2026-0815
    covers: [{ kinds: [label_printer] }]
`;
const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

type Triage = {
  hardware: { serial: string | null; warranty: { state: string } | null; service: { name: string } | null };
};
type HandOver = { text: string; stepsOpen: string[]; where: { address: string | null } };

/** One for each page; `/Pages` is their tree. */
const PAGE_OF_PDF = /\/Type\s*\/Page\b(?!s)/g;
const TYPE = 'document.querySelector(".sheet").style.getPropertyValue("--sheet-type")';

describe("an incident that goes to the field", () => {
  let store: Store;
  let browser: Browser;
  let id: string;

  beforeAll(async () => {
    [store, browser] = await Promise.all([startStore(), startChromium()]);
    const { collector } = store;
    await addUser(collector, "anna");
    writeFileSync(join(collector.folder, "sites.yaml"), SITES);
    writeFileSync(join(collector.folder, "vendors.yaml"), VENDORS);
    writeFileSync(join(collector.folder, "assets.csv"), "serial,tag,warranty_until\n");
    appendFileSync(collector.config, "vendors: ./vendors.yaml\nassets: ./assets.csv\n");
    await collector.program.stop();
    await collector.restart();
    store.bakery.fault("media-out");
    ({ id } = await openIncident(collector, "media-out"));
    const triage = await triageOf();
    expect(triage.hardware.service?.name).toBe("Label Service GmbH");
    const { events } = await collector.api<{ events: { detail: unknown }[] }>(`/incidents/${id}`);
    expect(events[0]?.detail, "what stood in the slot is in its log").toMatchObject({
      asset: { vendor: "Zebra", serial: triage.hardware.serial },
    });
    // As an export that comes while the collector runs.
    const table = `serial,tag,warranty_until\n${triage.hardware.serial ?? "S-1"},IT-004711,${day(12)}\n`;
    writeFileSync(join(collector.folder, "assets.csv"), table);
    await waitFor(
      "the warranty of the new table",
      async () => (await triageOf()).hardware.warranty?.state === "ending",
    );
  });
  afterAll(cleanUp);

  const triageOf = () => store.collector.api<Triage>(`/incidents/${id}/triage`);
  const handOverOf = () => store.collector.api<HandOver>(`/incidents/${id}/handover`);
  const act = (action: object) => store.collector.api(`/incidents/${id}/actions`, action);

  it("says on its page what kind of trouble it is, why, and whom to call", async () => {
    const { page, problems } = await signedIn(browser, store.collector, { user: "anna" });
    await page.goto(`/incidents/${id}`);
    const triage = page.getByTestId("triage");
    await triage.getByText("Something is used up or worn").waitFor();
    expect(await triage.innerText()).toMatch(
      /Consumable[\s\S]*Strong[\s\S]*The device says so itself[\s\S]*This slot\s+0\s+0\s+0\s+never/,
    );
    expect(await page.getByTestId("service").innerText()).toMatch(
      /ends in 1\d days[\s\S]*IT-004711[\s\S]*Label Service GmbH/,
    );
    // What still fades in is faint.
    await page.getByTestId("chart").locator("canvas").waitFor();
    await expect.poll(() => page.locator(".loading").count()).toBe(0);
    expect(await axeFindings(page)).toEqual([]);
    expect(problems).toEqual([]);
  });

  it("is handed over by keyboard alone, as text that can be pasted anywhere", async () => {
    const { page, problems } = await signedIn(browser, store.collector, { user: "anna" });
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.goto(`/incidents/${id}`);
    await page.getByTestId("runbook").getByRole("checkbox").first().focus();
    await page.keyboard.press("Space");
    await page.getByTestId("runbook").getByText(/^anna/).waitFor();
    await page.getByTestId("triage").waitFor();
    await page.keyboard.press("h");
    await page.waitForURL(`**/incidents/${id}/handover`);
    const sheet = page.getByTestId("sheet");
    await sheet.waitFor();
    const words = await sheet.innerText();
    for (const part of [
      ...["Labels used up at bakery/printer", "First Store (store-1), Hauptstr. 12, 10827 Berlin", "Call Kim Brandt"],
      ...["ends in 1", "Label Service GmbH, +49 30 5550200", "LS-2026-0815", "(anna)", "Steps open (1 done)", "Bring"],
    ])
      expect(words).toContain(part);
    await sheet.getByRole("img", { name: /around the onset/ }).waitFor();
    await page.keyboard.press("c");
    await page.getByText("Copied as text.").waitFor();
    const copied = await ask<string>(page, "navigator.clipboard.readText()");
    expect(copied.split("\n")[0]).toMatch(/^HAND-OVER INC-\d+ +P\d major, new +made /);
    expect(copied).toBe(await page.getByTestId("handover-text").textContent());
    await page.keyboard.press("Tab");
    await page.getByRole("link", { name: `Back to ${id}` }).focus();
    await page.keyboard.press("Tab");
    expect(await ask(page, 'document.activeElement.getAttribute("data-testid")')).toBe("copy-text");
    await page.keyboard.press("Tab");
    expect(await ask(page, 'document.activeElement.getAttribute("data-testid")')).toBe("print");
    expect(await axeFindings(page)).toEqual([]);
    expect(problems).toEqual([]);
  });

  it("is the same page on the command line", async () => {
    const { http, token } = store.collector;
    const cli = async (...words: string[]): Promise<string> => {
      const env = { AISLEWATCH_TOKEN: token };
      const ran = await runOnce("packages/cli/main.ts", ["incidents", ...words, "--url", http], { env });
      expect([ran.code, ran.stderr]).toEqual([0, ""]);
      return ran.stdout;
    };
    // When it was made and how long the fault lasts move on.
    const still = (text: string): string => text.replaceAll(/made .*|it is .* there|for \d+ .*/g, "");
    expect(still(await cli("handover", id))).toBe(still((await handOverOf()).text));
    expect(JSON.parse(await cli("handover", id, "--json"))).toMatchObject({ id, stepsDone: 1 });
    expect(await cli("show", id)).toMatch(
      /Kind +consumable[\s\S]*Cause +Something is used up or worn[\s\S]*warranty ends/,
    );
  });

  it("is one page of A4, however much was written into it", async () => {
    const { page, problems } = await signedIn(browser, store.collector, {
      user: "anna",
      viewport: { width: 360, height: 740 },
    });
    expect(await printed(page)).toBe(1);
    const { stepsOpen } = await handOverOf();
    for (const item of stepsOpen.slice(0, 2)) await act({ action: "check", item, done: true });
    for (let n = 0; n < 9; n++)
      await act({ action: "note", text: `${n}: ${"a long story about a roll of labels ".repeat(50)}` });
    await act({ action: "vendor", vendor: "Label Service", ref: "RMA-17" });
    await act({ action: "hold", reason: "awaiting_part", text: "wwwwwwwwww".repeat(40) });
    expect(await printed(page), "with long notes, from a telephone").toBe(1);
    expect(problems).toEqual([]);
  });

  it("gets smaller type where it would be two pages", async () => {
    const { page, problems } = await signedIn(browser, store.collector, { user: "anna" });
    await page.route("**/api/v1/incidents/*/handover", async (route) => {
      const answer = await route.fetch();
      const whole = (await answer.json()) as Record<string, unknown>;
      const long = Array.from({ length: 40 }, (_, n) => `${n} ${"as long as it is ".repeat(10)}`);
      await route.fulfill({ response: answer, json: { ...whole, bring: long } });
    });
    await page.goto(`/incidents/${id}/handover`);
    await page.getByTestId("sheet").waitFor();
    await ask(page, `void addEventListener("beforeprint", () => (globalThis.type = ${TYPE}))`);
    expect((await page.pdf({ preferCSSPageSize: true })).toString("latin1").match(PAGE_OF_PDF)?.length).toBe(1);
    const type = Number.parseFloat(await ask<string>(page, "globalThis.type"));
    expect(type).toBeGreaterThanOrEqual(5.5);
    expect(type).toBeLessThan(9.5);
    expect(await ask(page, TYPE), "afterwards it is as it was").toBe("");
    expect(problems).toEqual([]);
  });

  it("is not there for an incident that is not", async () => {
    const { page } = await signedIn(browser, store.collector, { user: "anna", expected: /404/ });
    await page.goto("/incidents/INC-999999/handover");
    await page.getByText("There is no incident").waitFor();
  });

  /** How many pages come out of the printer. */
  async function printed(page: Page): Promise<number> {
    await page.goto(`/incidents/${id}/handover`);
    await page.getByTestId("sheet").waitFor();
    const pdf = await page.pdf({ preferCSSPageSize: true });
    return pdf.toString("latin1").match(PAGE_OF_PDF)?.length ?? 0;
  }
});
