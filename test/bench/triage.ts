/**
 * Triage of one incident over 1,000,000 incidents of three years at 2,000 sites, in the state store as the collector keeps
 * them: how long the collector's own thread is at it, for incidents taken at random, for a slot that fails every hour, and in the middle of a
 * storm in which everything at a site failed at once.
 */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import type { InventoryDevice } from "@aislewatch/contract";
import { caseOf, handOverOf, type TriageDeps, triageView } from "../../collector/api/triage.ts";
import { NO_ASSETS } from "../../collector/incidents/asset-book.ts";
import { handOverText } from "../../collector/incidents/handover-text.ts";
import { incidentId, UNSAID } from "../../collector/incidents/log.ts";
import { type Incident, incidentKey } from "../../collector/incidents/types.ts";
import { unlistedSite } from "../../collector/sites.ts";
import { createSqliteStore } from "../../collector/store/state/sqlite.ts";
import type { Commit, StateStore } from "../../collector/store/state/store.ts";
import type { Figure } from "./figure.ts";
import { factsOfBench } from "./reports.ts";

const INCIDENTS = 1_000_000;
const A_COMMIT = 20_000;
const ASKED = 300;
const DAY_MS = 86_400_000;
const STORM = 2_000;
const RULES = ["media-out", "media-low", "no-answer", "head-open"] as const;

export async function benchTriage(incidents = INCIDENTS): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "aislewatch-bench-"));
  const file = join(folder, "state.sqlite");
  const store = createSqliteStore({ file });
  try {
    await store.open();
    const now = fill(store, incidents);
    const deps = depsOf(store, now);
    const at = (n: number): string => incidentId(n + 1);
    const random = Array.from({ length: ASKED }, (_, n) => at(Math.floor(((n + 0.5) / ASKED) * incidents)));
    const noisy = Array.from({ length: ASKED }, (_, n) => at(incidents + 2_000 + n));
    const storm = Array.from({ length: ASKED }, (_, n) => at(incidents + 4_000 + n * 5));
    const [of, ofNoisy, ofStorm] = [random, noisy, storm].map((ids) => timed(ids, deps));
    const { size } = await stat(file);
    return [
      ...figures("an incident at random", of),
      ...figures("one of a slot that failed every hour for 90 days", ofNoisy),
      ...figures(`one in a storm of ${STORM} incidents at its site`, ofStorm),
      { label: "on disk, with their last event", value: size / incidents, unit: "bytes/incident" },
    ];
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
}

/** In ms: by the clock on the wall, and of the thread's own processor time, which others on the machine do not make longer. */
type Took = { readonly wall: number; readonly thread: number };
type Times = { readonly triage: Took[]; readonly handover: Took[] };

function timed(ids: readonly string[], deps: TriageDeps): Times {
  const times: Times = { triage: [], handover: [] };
  for (const id of ids) {
    const incident = deps.state.incident(id);
    if (incident === null) throw new Error(`${id} is not there`);
    times.triage.push(took(() => triageView(incident, caseOf(incident, deps), deps)));
    times.handover.push(took(() => handOverText(handOverOf(incident, [], deps))));
  }
  return times;
}

function took(work: () => unknown): Took {
  const startedAt = performance.now();
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return { wall: performance.now() - startedAt, thread: (user + system) / 1_000 };
}

function figures(label: string, times: Times | undefined): Figure[] {
  const of = (name: string, all: readonly Took[] = []): Figure[] => {
    const at = (share: number, by: keyof Took): number => {
      const sorted = all.map((one) => one[by]).sort((a, b) => a - b);
      return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
    };
    return [
      { label: `${name} ${label}, median`, value: at(0.5, "wall"), unit: "ms" },
      { label: `${name} ${label}, p99`, value: at(0.99, "wall"), unit: "ms" },
      { label: `${name} ${label}, p99 of its thread`, value: at(0.99, "thread"), unit: "CPU ms" },
    ];
  };
  return [...of("triage of", times?.triage), ...of("hand-over of", times?.handover).slice(2)];
}

/** After the many: one slot that fails every hour, and a site at which everything failed at once. When the last was opened. */
function fill(store: StateStore, incidents: number): number {
  let last = 0;
  const facts = factsOfBench(incidents);
  for (let from = 0; from < incidents; from += A_COMMIT) {
    const changes: ReturnType<typeof change>[] = [];
    for (let n = from; n < Math.min(incidents, from + A_COMMIT); n++) {
      const { value: one } = facts.next();
      if (one === undefined) break;
      last = one.openedAt;
      const [site = "", ...device] = one.slot?.split("/") ?? [];
      changes.push(
        change(n, { site, device: device.join("/"), at: one.openedAt, rule: RULES[n % RULES.length] ?? "", of: one }),
      );
    }
    commit(store, changes);
  }
  const [example] = factsOfBench(1);
  if (example === undefined) throw new Error("no facts");
  const more = (n: number, site: string, device: string, at: number, rule: string) =>
    change(incidents + n, { site, device, at, rule, of: { ...example, model: "Noisy 1", serial: `N-${device}` } });
  const hourly = Array.from({ length: 2_400 }, (_, n) =>
    more(n, "store-0001", "dock/noisy", last - (2_400 - n) * 3_600_000, "jam"),
  );
  const stormed = Array.from({ length: STORM }, (_, n) =>
    more(4_000 + n, "store-0002", n === 0 ? "switch" : `lane-${n}/till`, last + n * 30, "no-answer"),
  );
  commit(store, hourly);
  commit(store, stormed);
  return last + DAY_MS;
}

type Facts = NonNullable<Commit["facts"]>[number];
type Given = {
  readonly site: string;
  readonly device: string;
  readonly at: number;
  readonly rule: string;
  readonly of: Facts;
};

function change(n: number, { site, device, at, rule, of }: Given): { incident: Incident; facts: Facts } {
  const id = incidentId(n + 1);
  const asset = { ...(of.vendor !== null && { vendor: of.vendor }), model: of.model ?? "", serial: of.serial ?? "" };
  const incident: Incident = {
    ...UNSAID,
    ...{ id, version: 1, state: "closed", subject: { site, device, component: null }, rule, ruleVersion: "a1b2c3" },
    ...{ title: `${rule} at ${device}`, severity: "major", category: rule === "no-answer" ? "network" : "consumable" },
    ...{ runbook: null, priority: "P3", priorityWhy: "lane: 7 of 8 work; major; open for customers", onset: at },
    ...{ openedAt: at, closedAt: at + 3_600_000, resolvedAt: at + 1_800_000, resolutionCode: "cleaned" },
    ...{ suppressedBy: null, cause: null, updatedAt: at, values: { media_out: true }, asset },
  };
  return { incident, facts: { ...of, incident: id, site, slot: `${site}/${device}`, rule, openedAt: at } };
}

function commit(store: StateStore, changes: readonly ReturnType<typeof change>[]): void {
  store.commit({
    incidents: changes.map(({ incident }) => ({
      incident,
      key: incidentKey(incident.rule, incident.subject),
      events: [
        {
          ...{ seq: 1, at: incident.openedAt, recordedAt: incident.openedAt, actor: "user:kim" },
          ...{ type: "resolved", code: "cleaned", text: null },
        },
      ],
    })),
    facts: changes.map(({ facts }) => facts),
  });
}

/** Every device hangs on the switch of its site; none of this is read from a disk in the collector either. */
function depsOf(state: StateStore, now: number): TriageDeps {
  const slot = (id: string): InventoryDevice => ({
    ...{ id, kind: "label_printer", driver: "snmp", labels: {}, dependsOn: id === "switch" ? [] : ["switch"] },
    ...{ intervalMs: 10_000, asset: {}, components: [], metrics: [] },
  });
  return {
    state,
    clock: new ManualClock(now),
    assets: () => NO_ASSETS,
    devicesOfModel: () => 500,
    agentStartedAt: () => null,
    runbook: () => null,
    live: {
      site: unlistedSite,
      siteName: (id) => id,
      slot: (_, id) => slot(id),
      device: (site, id) => ({
        ...{ site, agent: "pc", device: slot(id), state: "up", worst: null, lastReadingAt: null, lastFailure: null },
      }),
      openIncidents: () => [],
    },
  };
}
