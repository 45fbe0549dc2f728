/**
 * Reports over 1,000,000 incidents of three years at 2,000 sites, in the state store as the collector keeps them: how
 * long a person waits for the figures, by what they are grouped, and how long the collector's own thread stands still
 * meanwhile.
 */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { InventoryDevice } from "@aislewatch/contract";
import type { SiteCalendar } from "@aislewatch/rules";
import { GROUPINGS, type IncidentFacts } from "../../collector/incidents/figures.ts";
import { PRIORITIES } from "../../collector/incidents/types.ts";
import { createSqliteStore } from "../../collector/store/state/sqlite.ts";
import type { StateStore } from "../../collector/store/state/store.ts";
import type { Figure } from "./figure.ts";

const INCIDENTS = 1_000_000;
const SITES = 2_000;
const A_COMMIT = 20_000;
const REPEATS = 3;
/** As the API asks (routes/report.ts). */
const GROUPS_MAX = 1_000;
const DAY_MS = 86_400_000;
const T0 = Date.UTC(2024, 0, 1);
const SPAN_MS = 3 * 365 * DAY_MS;
const KINDS = ["label_printer", "receipt_printer", "scale", "ups", "switch", "terminal", "scanner", "door"];
const VENDORS = ["Zebra", "Epson", "Bizerba", "APC", "Cisco", "Verifone", "Datalogic", "Honeywell"];

export async function benchReports(incidents = INCIDENTS): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "aislewatch-bench-"));
  const file = join(folder, "state.sqlite");
  const store = createSqliteStore({ file });
  try {
    await store.open();
    fill(store, incidents);
    for (let site = 0; site < SITES; site++) store.putInventory(siteId(site), "pc", printers(), T0);
    const { size } = await stat(file);
    const whole = { from: T0, to: T0 + SPAN_MS, groupsMax: GROUPS_MAX, calendars: calendars() };
    const page = {
      withBefore: true,
      withCourse: true,
      tables: ["site", "model", "slot", "rule"],
      tableMax: 50,
    } as const;
    const figures: Figure[] = [];
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const first = await timed(() => store.report({ ...whole, groupBy: null }));
    figures.push({ label: "all of it, the first time: the thread starts", value: first.ms, unit: "ms" });
    for (const groupBy of [null, ...GROUPINGS]) {
      const label = `all of it${groupBy === null ? "" : ` by ${groupBy}`}, median of ${REPEATS}`;
      const { ms, cpuMs } = await median(() => store.report({ ...whole, groupBy }));
      figures.push({ label, value: ms, unit: "ms" }, { label: "  processor time of it", value: cpuMs, unit: "ms" });
    }
    const month = { ...whole, from: whole.to - 30 * DAY_MS };
    const asked = [
      { label: "the page over all of it", query: { ...whole, ...page, groupBy: null } },
      { label: "the page over the last 30 days", query: { ...month, ...page, groupBy: null } },
      { label: "the last 30 days by site", query: { ...month, groupBy: "site" as const } },
    ];
    for (const { label, query } of asked) {
      const { ms } = await median(() => store.report(query));
      figures.push({ label: `${label}, median of ${REPEATS}`, value: ms, unit: "ms" });
    }
    delay.disable();
    figures.push(
      { label: "the collector's thread stood still meanwhile, at most", value: delay.max / 1e6, unit: "ms" },
      { label: "memory of the process, at most", value: process.resourceUsage().maxRSS / 1024, unit: "MiB" },
      { label: "on disk", value: size / incidents, unit: "bytes/incident" },
    );
    return figures;
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
}

function fill(store: StateStore, incidents: number): void {
  const random = randomFrom(1);
  for (let from = 0; from < incidents; from += A_COMMIT) {
    const facts: IncidentFacts[] = [];
    for (let n = from; n < Math.min(incidents, from + A_COMMIT); n++) facts.push(anIncident(n, incidents, random));
    store.commit({ facts });
  }
}

/** The same at each run, in the order of opening. */
export function* factsOfBench(incidents: number): Generator<IncidentFacts, undefined> {
  const random = randomFrom(1);
  for (let n = 0; n < incidents; n++) yield anIncident(n, incidents, random);
}

const siteId = (site: number): string => `store-${String(site).padStart(4, "0")}`;

/** One in each lane; reports measure failures by the time in which they are there. */
const printers = (): InventoryDevice[] =>
  Array.from({ length: 8 }, (_, lane) => ({
    ...{ id: `lane-${1 + lane}/label_printer`, kind: "label_printer", driver: "zpl", labels: {}, dependsOn: [] },
    ...{ intervalMs: 10_000, asset: { vendor: "Zebra", model: "Zebra 1" }, components: [], metrics: ["up"] },
  }));

/** Of four zones; every store has closed days of its own: hours are of few sites the same. */
function calendars(): Map<string, SiteCalendar> {
  const day = [{ from: 8 * 60, to: 20 * 60 }];
  const hours = { mon: day, tue: day, wed: day, thu: day, fri: day, sat: day, sun: [] };
  const zones = ["Europe/Berlin", "Europe/London", "America/New_York", "Asia/Kolkata"];
  return new Map(
    Array.from({ length: SITES }, (_, site) => {
      const closed = new Date(T0 + (site % 1_000) * DAY_MS).toISOString().slice(0, 10);
      return [siteId(site), { timeZone: zones[site % 4] ?? "UTC", hours, closedDays: [closed] }];
    }),
  );
}

/** Times to do things are spread as they are in stores: most are short, and some take days. */
function anIncident(n: number, of: number, random: () => number): IncidentFacts {
  const site = Math.floor(random() * SITES);
  const kind = Math.floor(random() * KINDS.length);
  const openedAt = T0 + Math.floor((n / of) * SPAN_MS);
  const soon = (meanMs: number): number => Math.floor(-Math.log(1 - random()) * meanMs);
  const restoreMs = soon(3_600_000);
  const resolveMs = restoreMs + soon(7_200_000);
  const [isSelfRecovered, isAcknowledged, isMet] = [random() < 0.3, random() < 0.8, random() < 0.95];
  return {
    incident: `INC-${String(n).padStart(7, "0")}`,
    site: siteId(site),
    slot: `${siteId(site)}/lane-${1 + Math.floor(random() * 8)}/${KINDS[kind]}`,
    kind: KINDS[kind] ?? null,
    vendor: VENDORS[kind] ?? null,
    model: `${VENDORS[kind]} ${Math.floor(random() * 12)}`,
    ...{ rule: "media-out", category: "consumable", component: null },
    serial: `S-${site}-${kind}`,
    code: isSelfRecovered ? "self_recovered" : "cleaned",
    outcome: "resolved",
    priority: PRIORITIES[n % PRIORITIES.length] ?? "P3",
    openedAt,
    hourOfWeek: Math.floor(openedAt / 3_600_000) % 168,
    restoredAt: openedAt + restoreMs,
    doneAt: openedAt + resolveMs,
    detectMs: soon(30_000),
    acknowledgeMs: isAcknowledged ? soon(600_000) : null,
    restoreMs,
    resolveMs,
    resolveUnpausedMs: resolveMs,
    isCalled: true,
    isFailure: true,
    isByPeople: !isSelfRecovered,
    isFirstLine: !isSelfRecovered && random() < 0.6,
    isSelfRecovered,
    isReopened: random() < 0.04,
    isMistaken: false,
    fires: 1,
    calls: 1,
    lifeMs: restoreMs,
    responseMet: Number(isAcknowledged),
    responseBreached: Number(!isAcknowledged),
    restoreMet: Number(isMet),
    restoreBreached: Number(!isMet),
    vendorMet: 0,
    vendorBreached: 0,
    penaltyCents: isMet ? 0 : 10_000,
    currency: "EUR",
  };
}

type Took = { readonly ms: number; readonly cpuMs: number };

/** Processor time is that of the whole process, which does nothing else. */
async function timed(work: () => Promise<unknown>): Promise<Took> {
  const [startedAt, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { ms: performance.now() - startedAt, cpuMs: (user + system) / 1_000 };
}

async function median(work: () => Promise<unknown>): Promise<Took> {
  const took: Took[] = [];
  for (let n = 0; n < REPEATS; n++) took.push(await timed(work));
  const middle = took.sort((a, b) => a.ms - b.ms)[Math.floor(REPEATS / 2)];
  return middle ?? { ms: Number.NaN, cpuMs: Number.NaN };
}

/** Mulberry32 (T. Ettinger): the same incidents at each run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
