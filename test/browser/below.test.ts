/**
 * A dead switch on the board: one row with what hangs behind it folded below, opened and closed by keyboard alone, and on
 * its own page each with why it hangs there. Looked at wide and narrow, light and dark, and by axe.
 */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { zplWithPower } from "../rig/devices.ts";
import { type CollectorRig, cleanUp, startAgent, startCollector, waitFor } from "../rig/rig.ts";
import { axeFindings } from "./axe.ts";
import { rowOf, signedIn, startChromium } from "./chromium.ts";

const RULES = `group: test
select: kind in ["network_switch", "label_printer"]
rules:
  - { id: network-no-answer, title: "{{device}} does not answer", select: 'kind == "network_switch"', when: "!up && streak(up) >= 2", for: 0s, severity: critical, category: network }
  - { id: no-answer, title: "No answer from {{device}}", select: 'kind == "label_printer"', when: "!up && streak(up) >= 2", for: 3s, severity: major, category: network }
`;
const PRINTERS = ["printer-1", "printer-2", "printer-3"];

describe("what hangs below an incident", () => {
  let collector: CollectorRig;
  let browser: Browser;
  let parent = "";

  beforeAll(async () => {
    const [dead, ...lines] = await Promise.all([zplWithPower(), ...PRINTERS.map(() => zplWithPower())]);
    [collector, browser] = await Promise.all([startCollector({ rules: RULES }), startChromium()]);
    const printers = lines.map(
      ({ port }, n) =>
        `  - { id: ${PRINTERS[n]}, kind: label_printer, driver: zpl, every: 500ms, line: { tcp: "127.0.0.1:${port}" }, depends_on: [switch] }\n`,
    );
    await startAgent(
      collector,
      "store-1/pc",
      `  - { id: switch, kind: network_switch, driver: zpl, every: 250ms, line: { tcp: "127.0.0.1:${dead.port}" } }\n${printers.join("")}`,
    );
    await waitFor("all to be up", async () => {
      const devices = await collector.api<{ state: string }[]>("/sites/store-1/devices");
      return devices.filter(({ state }) => state === "up").length > PRINTERS.length;
    });
    await dead.off();
    for (const line of lines) await line.off();
    parent = await waitFor("all to hang below the switch", async () => {
      const { items } = await collector.api<{ items: { id: string; children: number }[] }>("/incidents");
      return items.find(({ children }) => children === PRINTERS.length)?.id;
    });
  });
  afterAll(cleanUp);

  it("is one row on the board, unfolded and folded by keyboard", async () => {
    const { page, problems } = await signedIn(browser, collector);
    const group = page.getByTestId("group-row");
    await group.waitFor();
    expect(await page.getByTestId("incident-row").count()).toBe(1);
    expect(await group.innerText()).toContain(`3 below ${parent}, 3 of them stand`);

    await page.keyboard.press("j");
    await page.keyboard.press("ArrowRight");
    await rowOf(page, "No answer from printer-2").waitFor();
    expect(await page.getByTestId("incident-row").count()).toBe(4);
    expect(await group.getByRole("button").getAttribute("aria-expanded")).toBe("true");
    await page.waitForURL(/unfold=/);
    expect(await axeFindings(page)).toEqual([]);

    // From one of them back to the fold, which closes over it.
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => page.getByTestId("incident-row").count()).toBe(1);
    expect(await group.getAttribute("aria-current")).toBe("true");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByTestId("incident-row").count()).toBe(4);
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByTestId("incident-row").count()).toBe(1);
    expect(problems).toEqual([]);
  });

  it("stands on its page with why it hangs there, and leads back to it", async () => {
    const { page, problems } = await signedIn(browser, collector);
    await page.goto(`/incidents/${parent}`);
    const children = page.getByTestId("children");
    await children.waitFor();
    expect(await children.getByRole("listitem").count()).toBe(PRINTERS.length);
    expect(await children.innerText()).toContain("It depends on switch, which is down");
    expect(await page.getByRole("heading", { name: /Below this/ }).innerText()).toContain(
      "3 incidents, 3 of them stand",
    );
    expect(await axeFindings(page)).toEqual([]);
    await children.getByRole("link", { name: /printer-1/ }).press("Enter");
    const above = page.getByTestId("parent");
    await above.waitFor();
    expect(await above.innerText()).toContain("switch does not answer");
    expect(await axeFindings(page)).toEqual([]);
    expect(problems).toEqual([]);
  });
});
