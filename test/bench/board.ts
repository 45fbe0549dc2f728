/**
 * The NOC's board with 10,000 open incidents: a collector as shipped, whose incidents come of readings that agents
 * publish, and its page in Chromium. Times are those of frames: what a person sees, not what the document holds.
 *
 * Everything runs on this machine, so one clock measures, and Chromium, collector and agents share its cores.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { ask, isLive, signInLink, startChromium } from "../browser/chromium.ts";
import { letIn } from "../rig/outbox-agent.ts";
import { type CollectorRig, cleanUp, onCleanUp, startCollector, waitFor } from "../rig/rig.ts";
import { BeltStore, deviceId } from "./belts.ts";
import { type Figure, progress } from "./figure.ts";
import { watchIncidents } from "./latency.ts";

const SITES = 100;
const DEVICES_PER_SITE = 100;
const DEVICES = Array.from({ length: DEVICES_PER_SITE }, (_, index) => deviceId(index));
const INCIDENTS = SITES * DEVICES_PER_SITE;
const OPENINGS = 5;
const UPDATES = 40;
/** Incidents that change each second while updates are measured once more. */
const STORM_PER_SECOND = 200;
const SCROLL_STEPS = 200;
/** A brisk turn of the wheel. */
const WHEEL_PIXELS = 150;
const READY_MS = 120_000;
const INTERVAL_MS = 3_600_000;
const IN_PAGE = readFileSync(join(import.meta.dirname, "board-in-page.js"), "utf8");

const RULES = `group: board
select: kind == "conveyor"
rules:
  - id: belt-hot
    title: "{{device}} is hot"
    raise:
      minor: { when: "temperature_celsius > 60" }
      major: { when: "temperature_celsius > 70" }
      critical: { when: "temperature_celsius > 80" }
    auto_close: never
    category: hardware
`;

export async function benchBoard(): Promise<Figure[]> {
  try {
    const { collector, stores } = await startStores();
    progress("board: 10,000 devices become hot");
    for (const store of stores) store.publish(DEVICES, HOT);
    await waitFor("10,000 open incidents", async () => (await openCount(collector)) === INCIDENTS, READY_MS);
    const browser = await startChromium();
    const link = await signInLink(collector);
    const context = await browser.newContext({ baseURL: collector.http, viewport: { width: 1440, height: 900 } });
    await context.addInitScript(IN_PAGE);
    const page = await context.newPage();
    await page.goto(link);
    await isLive(page, READY_MS);
    const opened = await measureOpening(browser, collector, page);
    const bare = await bareFetchMs(page, collector);
    const used = await measureUse(page);
    const updates = await measureUpdates({ page, collector, stores });
    return [
      ...opened,
      { label: "limit: all of it fetched and parsed, nothing shown", value: bare, unit: "ms" },
      ...updates,
      ...used,
      ...(await memory(page)),
    ];
  } finally {
    await cleanUp();
  }
}

/** In a browser that has nothing in its cache, and as one that comes back. */
async function measureOpening(browser: Browser, collector: CollectorRig, page: Page): Promise<Figure[]> {
  const cold: Opening[] = [];
  const again: Opening[] = [];
  for (let n = 0; n < OPENINGS; n++) {
    progress(`board: opening ${n + 1} of ${OPENINGS}`);
    again.push(await opening(page));
    const fresh = await browser.newContext({
      baseURL: collector.http,
      viewport: { width: 1440, height: 900 },
      storageState: await page.context().storageState(),
    });
    await fresh.addInitScript(IN_PAGE);
    cold.push(await opening(await fresh.newPage()));
    await fresh.close();
  }
  return [
    {
      label: `first rows after the click, nothing cached, median of ${OPENINGS}`,
      value: median(cold, "rows"),
      unit: "ms",
    },
    { label: "  worst", value: Math.max(...cold.map(({ rows }) => rows)), unit: "ms" },
    { label: "first rows, page cached, median", value: median(again, "rows"), unit: "ms" },
    { label: "all 10,000 counted, median", value: median(cold, "all"), unit: "ms" },
    { label: "  the page's thread busy at a stretch (long tasks), sum", value: median(cold, "busy"), unit: "ms" },
  ];
}

/** Milliseconds from the start of the navigation. */
type Opening = { readonly rows: number; readonly all: number; readonly busy: number };

async function opening(page: Page): Promise<Opening> {
  await page.goto("/", { waitUntil: "commit" });
  return ask(
    page,
    `(async () => {
      const rows = (await boardWatch.firstRows) - performance.timeOrigin;
      const all = (await boardWatch.counted(${INCIDENTS})) - performance.timeOrigin;
      return { rows, all, busy: boardWatch.busy.ms };
    })()`,
  );
}

const median = (openings: readonly Opening[], what: keyof Opening): number =>
  quantile(
    openings.map((each) => each[what]),
    0.5,
  );

/** What the collector and the line cost alone: a page of ours that asks for the same and shows nothing. */
async function bareFetchMs(page: Page, collector: CollectorRig): Promise<number> {
  await page.goto(`${collector.http}/favicon.svg`);
  return ask(
    page,
    `(async () => {
      const startedAt = performance.now();
      for (let cursor = null, first = true; first || cursor !== null; first = false) {
        const more = cursor === null ? "" : "&cursor=" + encodeURIComponent(cursor);
        cursor = (await (await fetch("/api/v1/incidents?state=open&limit=1000" + more)).json()).cursor;
      }
      return performance.now() - startedAt;
    })()`,
  );
}

async function measureUse(page: Page): Promise<Figure[]> {
  progress("board: scrolling and typing");
  await opening(page);
  type Scrolled = { readonly frames: number[]; readonly blank: number };
  const wheel = await ask<Scrolled>(page, `boardWatch.scroll(${SCROLL_STEPS * WHEEL_PIXELS}, ${SCROLL_STEPS})`);
  const drag = await ask<Scrolled>(page, `boardWatch.scroll(boardWatch.room(), ${SCROLL_STEPS})`);
  const moved = await moves(page);
  await page.keyboard.press("/");
  const keys: number[] = [];
  await ask(page, "boardWatch.startFrames()");
  for (const key of "belt-42 calm-17") {
    const at = nowMs();
    await page.keyboard.press(key === " " ? "Space" : key);
    keys.push((await ask<number>(page, "boardWatch.painted()")) - at);
  }
  const typedAt = nowMs();
  const found = (await ask<number>(page, "boardWatch.counted(1)")) - typedAt;
  const typing = await ask<number[]>(page, "boardWatch.stopFrames()");
  await page.keyboard.press("Escape");
  return [
    {
      label: `scrolling by ${WHEEL_PIXELS} pixels a frame, time between frames, p95`,
      value: quantile(wheel.frames, 0.95),
      unit: "ms",
    },
    { label: "  worst", value: Math.max(...wheel.frames), unit: "ms" },
    {
      label: `dragged over all rows in ${SCROLL_STEPS} steps, time between frames, p95`,
      value: quantile(drag.frames, 0.95),
      unit: "ms",
    },
    { label: "  worst", value: Math.max(...drag.frames), unit: "ms" },
    { label: "  steps that showed no row", value: wheel.blank + drag.blank, unit: `of ${2 * SCROLL_STEPS}` },
    { label: `j to the row that it selects, p95 of ${UPDATES}`, value: quantile(moved, 0.95), unit: "ms" },
    { label: "a key of a search to its letter, p95", value: quantile(keys, 0.95), unit: "ms" },
    { label: "  longest frame meanwhile", value: Math.max(...typing), unit: "ms" },
    { label: "last letter to what it found (150 ms of it a pause)", value: found, unit: "ms" },
  ];
}

/** From row to row with the keyboard. */
async function moves(page: Page): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < UPDATES; n++) {
    const before = await ask<string | null>(page, "boardWatch.selected()");
    const seen = ask<number>(
      page,
      `boardWatch.when(() => ![null, ${JSON.stringify(before)}].includes(boardWatch.selected()))`,
    );
    await ask(page, "boardWatch.painted()");
    const at = nowMs();
    await page.keyboard.press("j");
    took.push((await seen) - at);
  }
  return took;
}

type Setting = { readonly page: Page; readonly collector: CollectorRig; readonly stores: readonly BeltStore[] };

/** From a person's action, and from a reading, to the frame that shows the changed row; in peace and in a storm. */
async function measureUpdates({ page, collector, stores }: Setting): Promise<Figure[]> {
  progress("board: updates");
  await opening(page);
  const bare = await measureBare({ collector, stores }, 0);
  const acted = await acknowledgements(page, collector);
  const read = await recoveries(page, collector, stores);
  progress(`board: updates while ${STORM_PER_SECOND} incidents a second change`);
  const storm = startStorm(stores);
  const stormed = await acknowledgements(page, collector);
  const frames = await framesFor(page, 3_000);
  const stormedReadings = await recoveries(page, collector, stores);
  const stormedBare = await measureBare({ collector, stores }, 1);
  const perSecond = storm.stop();
  return [
    ...spread("an action's request to its row", acted),
    ...spread("a reading to its row", read),
    ...spread("limit: a reading to a bare stream", bare),
    ...spread(`an action to its row, ${Math.round(perSecond)} changes a second`, stormed),
    ...spread("a reading to its row, so many changes", stormedReadings),
    ...spread("limit: a reading to a bare stream, so many changes", stormedBare),
    { label: "  time between frames meanwhile, p95", value: quantile(frames, 0.95), unit: "ms" },
  ];
}

const spread = (label: string, tookMs: readonly number[]): Figure[] => [
  { label: `${label}, p50 of ${tookMs.length}`, value: quantile(tookMs, 0.5), unit: "ms" },
  { label: "  p95", value: quantile(tookMs, 0.95), unit: "ms" },
  { label: "  worst", value: Math.max(...tookMs), unit: "ms" },
];

async function framesFor(page: Page, ms: number): Promise<number[]> {
  await ask(page, "boardWatch.startFrames()");
  await new Promise((done) => setTimeout(done, ms));
  return ask(page, "boardWatch.stopFrames()");
}

/** Each time another row, wherever the list is scrolled to. */
async function acknowledgements(page: Page, collector: CollectorRig): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < UPDATES; n++) {
    const id = await rowSomewhere(page, n, 'row.dataset.new === "true"');
    const seen = ask<number>(page, `boardWatch.row("${id}", "data-new", "false")`);
    await ask(page, "boardWatch.painted()");
    const sentAt = nowMs();
    await collector.api(`/incidents/${id}/actions`, { action: "acknowledge" });
    took.push((await seen) - sentAt);
  }
  return took;
}

async function recoveries(page: Page, collector: CollectorRig, stores: readonly BeltStore[]): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < UPDATES; n++) {
    const id = await rowSomewhere(page, n, '!row.textContent.includes("Recovered")');
    const { incident } = await collector.api<{ incident: { subject: { site: string; device: string } } }>(
      `/incidents/${id}`,
    );
    const store = stores.find(({ site }) => site === incident.subject.site);
    if (store === undefined) throw new Error(`no store ${incident.subject.site}`);
    const seen = ask<number>(page, `boardWatch.rowSays("${id}", "Recovered")`);
    await ask(page, "boardWatch.painted()");
    const sentAt = nowMs();
    store.publish([incident.subject.device], COOL);
    took.push((await seen) - sentAt);
  }
  return took;
}

/** The same from a reading to the event on the stream, read by a program that does nothing else. */
async function measureBare(
  { collector, stores }: Pick<Setting, "collector" | "stores">,
  index: number,
): Promise<number[]> {
  const arrivals = await watchIncidents(collector);
  const took: number[] = [];
  for (const store of stores.filter((store) => !isStormy(store)).slice(0, UPDATES)) {
    const device = deviceId(index);
    const arrived = arrivals.next(store.site, device);
    const sentAt = performance.now();
    store.publish([device], COOL);
    took.push((await arrived) - sentAt);
  }
  return took;
}

/** The id of a row that a person sees now, which no storm touches; the list is scrolled to another place each time. */
const rowSomewhere = (page: Page, n: number, holds: string): Promise<string> =>
  ask(
    page,
    `(async () => {
      for (let attempt = 0; attempt < 50; attempt++) {
        const room = document.documentElement.scrollHeight - window.innerHeight;
        window.scrollTo({ top: (room * ((${n} * 61 + attempt * 37) % 100)) / 100, behavior: "instant" });
        await boardWatch.painted();
        const seen = new Set(boardWatch.shown());
        const row = [...document.querySelectorAll('[data-testid="incident-row"]')].find(
          (row) => seen.has(row.dataset.id) && !row.textContent.includes("${STORMY}") && ${holds});
        if (row !== undefined) return row.dataset.id;
      }
      throw new Error("no such row");
    })()`,
  );

/** Devices of the stores that are kept for it become hot and cool by turns. */
function startStorm(stores: readonly BeltStore[]): { stop(): number } {
  const stormy = stores.filter(isStormy);
  const startedAt = performance.now();
  let changes = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * STORM_PER_SECOND);
    for (; changes < due; changes++) {
      const store = stormy[changes % stormy.length];
      const turn = Math.floor(changes / stormy.length);
      store?.publish([deviceId(turn % DEVICES_PER_SITE)], Math.floor(turn / DEVICES_PER_SITE) % 2 === 0 ? COOL : HOT);
    }
  }, 20);
  onCleanUp(() => clearInterval(timer));
  return {
    stop() {
      clearInterval(timer);
      return (changes / (performance.now() - startedAt)) * 1_000;
    },
  };
}

async function memory(page: Page): Promise<Figure[]> {
  const inspector = await page.context().newCDPSession(page);
  await inspector.send("HeapProfiler.collectGarbage");
  await inspector.send("Performance.enable");
  const { metrics } = await inspector.send("Performance.getMetrics");
  const metric = (name: string): number => metrics.find((each) => each.name === name)?.value ?? Number.NaN;
  return [
    { label: "the page's heap after a collection", value: metric("JSHeapUsedSize") / 2 ** 20, unit: "MiB" },
    { label: "elements and texts in its document", value: metric("Nodes"), unit: "nodes" },
  ];
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}

const nowMs = (): number => performance.timeOrigin + performance.now();

const openCount = async (collector: CollectorRig): Promise<number> =>
  (await collector.api<{ total: number }>("/incidents?state=open&limit=1")).total;

const HOT = [65, 75, 85];
const COOL = [20];
/** Names of the stores where a storm rages begin so. */
const STORMY = "Stormy";
const isStormy = ({ site }: BeltStore): boolean => site.startsWith("stormy");

async function startStores(): Promise<{ collector: CollectorRig; stores: readonly BeltStore[] }> {
  progress("board: 100 stores with 100 devices each");
  const names = Array.from({ length: SITES }, (_, n) => ({
    site: `${n % 5 === 4 ? "stormy" : "calm"}-${n + 1}`,
    name: n % 5 === 4 ? `${STORMY} Store ${n + 1}` : `Market Street ${n + 1}`,
  }));
  const sites = names.map(({ site, name }) => `  - { id: ${site}, name: ${name}, time_zone: Europe/Berlin }\n`);
  const collector = await startCollector({ rules: RULES, sites: `sites:\n${sites.join("")}` });
  const password = await letIn(
    join(collector.folder, "data"),
    names.map(({ site }) => ({ site, agent: "agent" })),
  );
  const options = { url: collector.mqtt, password, devices: DEVICES_PER_SITE, intervalMs: INTERVAL_MS };
  const stores: BeltStore[] = [];
  for (const { site } of names) stores.push(await BeltStore.join({ ...options, site }));
  return { collector, stores };
}
