/** What was found afterwards, on the page: a fault that came and went while the agent could not reach the collector. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, it } from "vitest";
import { startBrokenWire } from "../rig/broken-wire.ts";
import { zplOverTcp } from "../rig/devices.ts";
import { cleanUp, startAgent, startCollector, waitFor } from "../rig/rig.ts";
import { rowOf, signedIn, startChromium } from "./chromium.ts";

const RULES = `group: test
select: kind == "label_printer"
rules:
  - { id: media-out, title: "Labels used up at {{device}}", when: "media_out", for: 0s, severity: major, category: consumable }
`;
/** The last break's length, a wait of the agent before it tries again, and what its devices take to answer. */
const FOUND_MS_MAX = 60_000;

afterAll(cleanUp);

it("is marked on the board and at the incident, with its true times, and is not among what is open", async () => {
  const printer = await zplOverTcp();
  const [collector, browser] = await Promise.all([startCollector({ rules: RULES }), startChromium()]);
  const { hostname, port } = new URL(collector.mqtt);
  const wire = await startBrokenWire({ host: hostname, port: Number(port) }, () => 0.5);
  const agent = await startAgent(
    { ...collector, mqtt: `mqtt://127.0.0.1:${wire.port}` },
    "store-1/pc",
    `  - { id: dock/printer, kind: label_printer, driver: zpl, every: 500ms, line: { tcp: "127.0.0.1:${printer.port}" } }\n`,
  );
  await waitFor("the printer", async () => {
    const devices = await collector.api<{ id: string; state: string }[]>("/sites/store-1/devices");
    return devices.some(({ id, state }) => id === "dock/printer" && state === "up");
  });
  const { page, problems } = await signedIn(browser, collector);
  await page.goto("/?state=resolved");
  await page.getByText("No incidents match").waitFor();

  wire.set({ down: true });
  const kept = (): number => historyKeptIn(agent.folder);
  await waitFor("a break that is no hiccup", () => kept() >= 2);
  printer.fault("media-out");
  const before = kept();
  await waitFor("the fault in the outbox", () => kept() >= before + 3);
  printer.heal();
  const after = kept();
  await waitFor("its end in the outbox", () => kept() >= after + 3);
  wire.set({ down: false });

  const row = rowOf(page, "Labels used up at dock/printer");
  await row.waitFor({ timeout: FOUND_MS_MAX });
  expect(await row.innerText()).toMatch(/Recovered \d+ .* ago[\s\S]*Found afterwards[\s\S]*Resolved/);
  const shot = process.env["AISLEWATCH_SCREENSHOTS"];
  if (shot !== undefined) await page.screenshot({ path: join(shot, "found-afterwards-board.png") });

  await row.getByRole("link").click();
  await page.waitForURL(/\/incidents\/INC-\d+$/);
  await page.getByText("Found afterwards: it came and went while the agent could not be reached.").waitFor();
  expect(await page.getByLabel("Values at its recovery").innerText()).toMatch(/Media out\s+no/);
  const timeline = page.getByTestId("timeline");
  const steps = await timeline.getByRole("listitem").evaluateAll((items) => items.map((item) => item.dataset["type"]));
  expect(steps.toReversed()).toEqual(["opened", "recovered", "resolved"]);
  if (shot !== undefined) await page.screenshot({ path: join(shot, "found-afterwards-incident.png") });

  await page.goto("/");
  await page.getByText("No open incidents").waitFor();
  expect(problems).toEqual([]);
});

/** Batches of the history lane that wait in an agent's outbox. */
function historyKeptIn(folder: string): number {
  const db = new DatabaseSync(join(folder, "data", "outbox.db"), { readOnly: true });
  const row = db.prepare("SELECT count(*) AS n FROM batch WHERE lane = 1").get();
  db.close();
  return Number(row?.["n"]);
}
