/**
 * Reports over 1,000,000 incidents of three years at 2,000 sites, in the state store as the collector keeps them: how
 * long a person waits for the figures, by what they are grouped, and how long the collector's own thread stands still
 * meanwhile.
 */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { GROUPINGS, type Grouping, type IncidentFacts } from "../../collector/incidents/figures.ts";
import { PRIORITIES } from "../../collector/incidents/types.ts";
import { createSqliteStore } from "../../collector/store/state/sqlite.ts";
import type { StateStore } from "../../collector/store/state/store.ts";
import type { Figure } from "./figure.ts";

const INCIDENTS = 1_000_000;
const SITES = 2_000;
const A_COMMIT = 20_000;
const REPEATS = 3;
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
    const { size } = await stat(file);
    const whole = { from: T0, to: T0 + SPAN_MS };
    const groups: (Grouping | null)[] = [null, ...GROUPINGS];
    const figures: Figure[] = [];
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    for (const groupBy of groups) {
      const label = `all of it${groupBy === null ? "" : ` by ${groupBy}`}, median of ${REPEATS}`;
      figures.push({ label, value: await medianMs(() => store.report({ ...whole, groupBy })), unit: "ms" });
    }
    const month = { from: whole.to - 30 * DAY_MS, to: whole.to };
    figures.push({
      label: `the last 30 days by site, median of ${REPEATS}`,
      value: await medianMs(() => store.report({ ...month, groupBy: "site" })),
      unit: "ms",
    });
    delay.disable();
    figures.push(
      { label: "the collector's thread stood still meanwhile, at most", value: delay.max / 1e6, unit: "ms" },
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
    site: `store-${String(site).padStart(4, "0")}`,
    slot: `store-${String(site).padStart(4, "0")}/lane-${1 + Math.floor(random() * 8)}/${KINDS[kind]}`,
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

async function medianMs(work: () => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let n = 0; n < REPEATS; n++) {
    const startedAt = performance.now();
    await work();
    took.push(performance.now() - startedAt);
  }
  return took.sort((a, b) => a - b)[Math.floor(REPEATS / 2)] ?? Number.NaN;
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
