/** What devices tell by themselves, on the device's page: a trap as it comes, in words, whatever its text is. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Breakable, startSnmpd, zebraOverSnmp } from "../rig/devices.ts";
import { type CollectorRig, cleanUp, freeUdpPort, startAgent, startCollector, waitFor } from "../rig/rig.ts";
import { ask, signedIn, startChromium } from "./chromium.ts";

const UPS_ON_BATTERY = "1.3.6.1.2.1.33.2.1";
const UPS_MINUTES_LEFT = "1.3.6.1.2.1.33.1.2.3.0";
const LINK_DOWN = "1.3.6.1.6.3.1.1.5.3";
const IF_INDEX = "1.3.6.1.2.1.2.2.1.1.7";
const IF_NAME = "1.3.6.1.2.1.31.1.1.1.1.7";
const HOSTILE = `<img src=x onerror="document.title='pwned'"><b id=pwned>bold</b>`;

describe("the events of a device", () => {
  let collector: CollectorRig;
  let browser: Browser;
  let port: number;

  beforeAll(async () => {
    const [snmpd, chromium, free] = await Promise.all([startSnmpd(), startChromium(), freeUdpPort()]);
    browser = chromium;
    port = free;
    collector = await startCollector();
    // Polled once an hour: what moves on the page is the trap's.
    await startAgent(
      collector,
      "store-1/pc",
      `  - { id: back-office/ups, kind: ups, driver: snmp, every: 1h, address: "127.0.0.1:${snmpd.port}" }
traps:
  listen: "127.0.0.1:${port}"
`,
    );
    await waitFor(
      "the first reading",
      async () => (await collector.api<{ state: string }[]>("/sites/store-1/devices"))[0]?.state === "up",
    );
  });
  afterAll(cleanUp);

  const send = (...trap: string[]) =>
    promisify(execFile)("snmptrap", ["-v2c", "-c", "public", `127.0.0.1:${port}`, "", ...trap]);

  it("come while one looks: what it was, how long ago, and what the device said", async () => {
    const { page, problems } = await signedIn(browser, collector);
    await page.goto("/sites/store-1/device/back-office/ups");
    await page.getByTestId("device-values").waitFor();
    const lines = page.getByTestId("device-events").getByRole("listitem");
    expect(await lines.count()).toBe(0);

    await send(UPS_ON_BATTERY, UPS_MINUTES_LEFT, "i", "12");
    const lost = lines.filter({ hasText: "Mains lost" });
    await lost.waitFor();
    expect(await lost.innerText()).toMatch(/\d+ ?s ago/);
    expect(await lost.innerText()).toMatch(/upsTrapOnBattery/);

    await send(LINK_DOWN, IF_INDEX, "i", "7", IF_NAME, "s", "Gi1/0/7");
    await lines.first().filter({ hasText: "Link of a port lost" }).waitFor();
    expect(await lines.allInnerTexts(), "newest first").toEqual([
      expect.stringContaining("Gi1/0/7"),
      expect.stringContaining("Mains lost"),
    ]);
    expect(problems).toEqual([]);
  });

  it("show what a device says as text, however it is written", async () => {
    const { page, problems } = await signedIn(browser, collector);
    await page.goto("/sites/store-1/device/back-office/ups");
    await send(LINK_DOWN, IF_INDEX, "i", "7", IF_NAME, "s", HOSTILE);
    const line = page.getByTestId("device-events").getByRole("listitem").filter({ hasText: "onerror" });
    await line.waitFor();
    expect(await line.innerText()).toContain(HOSTILE);
    expect(await ask(page, "document.querySelectorAll('#pwned, img[src=x]').length")).toBe(0);
    expect(await page.title()).not.toContain("pwned");
    expect(problems, "no script, and nothing asked for").toEqual([]);
  });
});

const RULES = `group: test
select: kind == "label_printer"
rules:
  - { id: media-out, title: "Media out", when: "media_out", for: 0s, severity: major, category: consumable }
`;

describe("whose word a printer's state is", () => {
  let collector: CollectorRig;
  let browser: Browser;
  let printer: Breakable & { port: number };

  beforeAll(async () => {
    [browser, printer, collector] = await Promise.all([
      startChromium(),
      zebraOverSnmp(),
      startCollector({ rules: RULES }),
    ]);
    await startAgent(
      collector,
      "store-1/pc",
      `  - { id: bakery/printer, kind: label_printer, driver: snmp, every: 500ms, address: "127.0.0.1:${printer.port}" }\n`,
    );
  });
  afterAll(cleanUp);

  it("stands at the device, and at the incident that it led to", async () => {
    const { page, problems } = await signedIn(browser, collector);
    await page.goto("/sites/store-1/device/bakery/printer");
    await page.getByTestId("device-values").waitFor();
    printer.fault("media-out");
    const said = page.getByTestId("device-events").getByRole("listitem").filter({ hasText: "Media out" });
    await said.first().waitFor();
    expect(await said.first().innerText()).toMatch(/said by error bits, alert table \(“MEDIA OUT”\)/);

    const { id } = await waitFor(
      "the incident",
      async () => (await collector.api<{ items: { id: string }[] }>("/incidents?state=open")).items[0],
    );
    await page.goto(`/incidents/${id}`);
    await page.getByRole("heading", { name: "What the device told" }).waitFor();
    await said.first().filter({ hasText: "said by error bits" }).waitFor();

    printer.heal();
    await page.goto("/sites/store-1/device/bakery/printer");
    await said.first().filter({ hasText: "Over: Media out" }).waitFor();
    expect(problems).toEqual([]);
  });
});
