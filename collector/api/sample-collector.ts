/** A small collector for the tests of this folder: a real state store, one site with a printer behind a switch. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { err, ManualClock, ok, type Result } from "@aislewatch/base";
import type { Asset, InventoryDevice } from "@aislewatch/contract";
import { createEngine, type Rule } from "@aislewatch/rules";
import type { FastifyInstance } from "fastify";
import { createDuties } from "../duties.ts";
import { createIncidentBook } from "../incident-book.ts";
import { createAssetBook } from "../incidents/asset-book.ts";
import type { EscalationPolicy } from "../incidents/escalation-policy.ts";
import { append, isOpenState, type Stamp } from "../incidents/log.ts";
import { MEDIA_OUT } from "../incidents/sample-rule.ts";
import { DEFAULT_SLA_POLICY } from "../incidents/sla-policy.ts";
import type { OpenedBody } from "../incidents/transition.ts";
import { type Actor, type Incident, type IncidentEventBody, incidentKey } from "../incidents/types.ts";
import { createMaintenance } from "../maintenance.ts";
import { SILENT } from "../notifier.ts";
import { createNotifications } from "../notify/notifications.ts";
import { NO_NOTIFICATIONS, type NotificationPolicy } from "../notify/routing.ts";
import { createPrivacy } from "../privacy/privacy.ts";
import { type Site, toWeek } from "../sites.ts";
import { createSqliteStore } from "../store/state/sqlite.ts";
import type { CommandRecord, Role, StateStore } from "../store/state/store.ts";
import type { SeriesId } from "../store/timeseries/store.ts";
import { createWork } from "../work.ts";
import { createToken, startSession } from "./auth.ts";
import type { ActionRequest, ActRefusal, ApiDeps, ApiOptions, Fleet, LiveDevice, LiveView } from "./deps.ts";
import type { ApiFailure } from "./problem.ts";
import type { StreamEvent } from "./schema/service.ts";
import { createApi } from "./server.ts";
import { incidentView } from "./view.ts";

/** A Friday, 10:00 in Berlin. */
export const T0 = Date.UTC(2026, 10, 20, 9);

/** Whom the sample's incidents are passed on to. */
const CHAINS: EscalationPolicy = {
  chains: [
    {
      name: "stores",
      where: {},
      storm: { moreThan: 20, withinMs: 600_000 },
      steps: [
        {
          ...{ calendar: "always", tier: 2, tell: ["field-support"], run: null, repeat: null },
          trigger: { is: "unresolved", afterMs: 1_800_000 },
        },
      ],
    },
  ],
};

const site: Site = {
  id: "berlin-01",
  name: "Berlin Alexanderplatz",
  format: "store",
  timeZone: "Europe/Berlin",
  hours: {
    mon: [],
    tue: [],
    wed: [],
    thu: [],
    fri: [{ from: 480, to: 1200 }],
    sat: [],
    sun: [],
  },
  closedDays: [],
  calendars: new Map(),
  contacts: [
    { name: "Kim Brandt", role: "manager", phone: "+49 30 5550100", email: null, hours: null },
    {
      ...{ name: "Lee Wolf", role: "facilities", phone: null, email: "lee@example.com" },
      hours: { timeZone: "Europe/Berlin", closedDays: [], hours: toWeek({ sun: [{ from: 480, to: 600 }] }) },
    },
  ],
  contract: "flagship",
  region: "east",
  labels: {},
};

const printer: InventoryDevice = {
  id: "receiving/label-printer",
  kind: "label_printer",
  name: "Label printer, receiving",
  driver: "zpl",
  labels: { zone: "receiving" },
  dependsOn: ["switch-1"],
  intervalMs: 10_000,
  asset: { vendor: "Zebra", model: "ZT411", serial: "S1" },
  components: [],
  metrics: ["media_out", "head_temperature_celsius"],
};
const networkSwitch: InventoryDevice = {
  id: "switch-1",
  kind: "network_switch",
  driver: "snmp",
  labels: {},
  dependsOn: [],
  intervalMs: 30_000,
  asset: {},
  components: ["port-1"],
  metrics: ["port_up"],
};

const rule: Rule = { ...MEDIA_OUT, chart: { metric: "head_temperature_celsius", threshold: 60 } };

export type SampleCollector = {
  readonly app: FastifyInstance;
  readonly clock: ManualClock;
  readonly state: StateStore;
  readonly live: LiveView;
  /** What the time-series store was asked last. */
  readonly asked: { series: SeriesId; range: { from: number; to: number; pointsMax: number } }[];
  /** Agents that were taken out. */
  readonly removed: string[];
  /** Requests that were answered with 500. */
  readonly failures: ApiFailure[];
  readonly health: { ok: boolean; reasons: string[] };
  /** Pushes one event into the live stream. */
  emit(event: StreamEvent): void;
  /** Opens an incident of the printer (or of `device`) and returns it. */
  open(given?: { rule?: string; device?: string; suppressedBy?: string; at?: number; asset?: Asset }): Incident;
  /** Appends to an incident's log. */
  write(incident: Incident, ...bodies: IncidentEventBody[]): Incident;
  /** Headers of a signed-in browser on the page's own origin. */
  browser(role: Role): Record<string, string>;
  /** Headers of a program with a token. */
  program(role: Role): Record<string, string>;
  close(): Promise<void>;
};

export async function sampleCollector(options: Partial<ApiOptions> = {}): Promise<SampleCollector> {
  const dir = mkdtempSync(join(tmpdir(), "aislewatch-api-"));
  const state = createSqliteStore({ file: join(dir, "state.db") });
  await state.open();
  const clock = new ManualClock(T0);
  const listeners = new Set<(event: StreamEvent) => void>();
  const health = { ok: true, reasons: [] as string[] };
  const asked: SampleCollector["asked"] = [];
  const failures: ApiFailure[] = [];
  const removed: string[] = [];
  let seed = 1;

  const openIncidents = () =>
    state
      .openIncidents()
      .map(({ incident }) => incident)
      .filter((incident) => isOpenState(incident.state));
  const devices: LiveDevice[] = [printer, networkSwitch].map((device) => ({
    site: site.id,
    agent: "back-office",
    device,
    state: device === printer ? "unreachable" : "up",
    worst: device === printer ? "major" : null,
    lastReadingAt: T0 - 5_000,
    lastFailure: device === printer ? { at: T0, kind: "timeout", detail: "no answer in 2 s" } : null,
  }));
  const stamp = (at: number): Stamp => ({ at, recordedAt: at, actor: "system" });

  /** As the collector does it, over what the store has; `version` null: none, not the action's own. */
  function actOn(
    targets: readonly { readonly id: string; readonly version?: number | null }[],
    action: ActionRequest,
    actor: Actor,
  ): Result<Incident, ActRefusal>[] {
    const book = createIncidentBook({ clock, state });
    book.restore();
    const work = createWork({
      clock,
      book,
      isFiring: ({ recoveredAt }) => recoveredAt === null,
      assess: ({ priority, priorityWhy: why }) => ({ priority, why }),
      chainOf: (incident) => deps.live.duties.standing(incident, state.incidentEvents(incident.id)).chain,
    });
    const done = targets.map(({ id, version = action.version }) =>
      work.act(id, { ...action, version: version ?? undefined }, actor),
    );
    const { changes } = book.takePending();
    state.commit({ incidents: changes });
    for (const { incident } of changes) {
      for (const listener of listeners) listener({ type: "incident", incident: incidentView(incident, deps.live) });
    }
    return done;
  }

  function save(id: string, before: Incident | null, bodies: readonly IncidentEventBody[], by: Stamp): Incident {
    const { incident, events } = append(id, before, bodies, by);
    state.commit({ incidents: [{ incident, events, key: incidentKey(incident.rule, incident.subject) }] });
    return incident;
  }

  const deps: ApiDeps = {
    state,
    series: {
      open: async () => {},
      append: async () => {},
      watermarks: async () => [],
      query: async (series, range) => {
        asked.push({ series, range });
        if (series.metric === "broken") throw new Error("the disk is gone: secret detail");
        return [{ at: range.from, mean: 21.5, min: 20, max: 23 }];
      },
      samples: async (several, { from, to, samplesMax: pointsMax }) => {
        asked.push(...several.map((series) => ({ series, range: { from, to, pointsMax } })));
        return { series: new Int32Array(), at: new Float64Array(), value: new Float64Array(), until: to };
      },
      lastValues: async () => [],
      stats: async () => ({ samples: 0, series: 0, bytesOnDisk: 0 }),
      close: async () => {},
    },
    live: {
      sites: () => [site],
      site: (id) => (id === site.id ? site : null),
      siteName: (id) => (id === site.id ? site.name : id),
      slot: (at, id) => devices.find((one) => one.site === at && one.device.id === id)?.device ?? null,
      agents: () => [{ site: site.id, id: "back-office", online: true, version: "0.1.0", lastSeenAt: T0 }],
      devices: (id) => (id === site.id ? devices : []),
      device: (at, id) => devices.find((one) => one.site === at && one.device.id === id) ?? null,
      values: (_site, id) =>
        id === printer.id
          ? [
              { component: null, metric: "media_out", at: T0, value: true, stale: false },
              { component: null, metric: "of_a_newer_agent", at: T0, value: 4, stale: true },
            ]
          : [],
      faults: (at, id) => [
        {
          rule: rule.id,
          subject: { site: at, device: id, component: null },
          state: "firing",
          severity: "major",
          flags: { stale: false, suppressedBy: null },
          since: T0,
        },
      ],
      openIncidents,
      duties: createDuties({
        clock,
        book: createIncidentBook({ clock, state }),
        eventsOf: (id) => state.incidentEvents(id),
        siteOf: () => site,
        kindOf: () => printer.kind,
        policies: () => ({ sla: DEFAULT_SLA_POLICY, escalation: CHAINS }),
        notifier: SILENT,
        onRemedy: () => undefined,
      }),
      rules: () => ({ version: "r1", refused: ["rules/packs/ups.yaml:3:1 CFG_UNKNOWN_KEY"], rules: [rule] }),
      firing: () => 1,
      explain: (asked, subject) => {
        const engine = createEngine();
        engine.setRules({ rules: [rule], version: "r1" }, T0);
        engine.setInventory(site.id, "back-office", [printer, networkSwitch], T0);
        return engine.explain(asked, subject, T0);
      },
      samplesPerSecond: () => 12.5,
      reportsRemaking: () => null,
    },
    fleet: sampleFleet(removed),
    maintenance: createMaintenance({
      ...{ clock, state, newId: () => `${seed++}`, onChanged: () => undefined },
      timeZones: () => new Map(),
    }),
    privacy: createPrivacy({
      ...{ clock, state, commitNow: () => true, onRenamed: () => undefined, configTexts: () => new Map() },
      random: (bytes) => Uint8Array.from({ length: bytes }, () => seed++ % 256),
    }),
    notifications: sampleNotifications(state, clock),
    command(request) {
      if (request.device === "away") return err({ code: "offline", message: "not connected" });
      const issued = { ...request, id: `c-${seed++}`, issuedAt: clock.now(), deadlineAt: clock.now() + 60_000 };
      const record: CommandRecord = { ...issued, state: "sent", answeredAt: null, detail: "" };
      state.putCommand(record);
      return ok(record);
    },
    act: async (id, action, actor) => actOn([{ id }], action, actor)[0] ?? err({ code: "not_found", message: id }),
    actOnMany: async (targets, action, actor) =>
      actOn(
        targets.map(({ id, version }) => ({ id, version: version ?? null })),
        action,
        actor,
      ),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    assets: () =>
      createAssetBook(
        [
          {
            ...{
              id: "labels",
              name: "Label Service",
              phone: "+49 30 5550200",
              email: null,
              portal: null,
              contract: "LS-1",
            },
            covers: [{ makers: ["Zebra"], models: null, kinds: null, sites: null }],
          },
        ],
        [
          {
            ...{ serial: "S1", maker: null, tag: "IT-4711", purchased: "2024-01-10", vendor: null },
            warrantyUntil: "2026-12-01",
          },
        ],
      ),
    devicesOfModel: () => 2,
    agentStartedAt: () => T0 - 3_600_000,
    runbook: (ref) => (ref === rule.runbook ? { title: "Labels are out", markdown: "1. Look.\n" } : null),
    health: () => health,
    onFailure: (failure) => failures.push(failure),
    metricsText: () => "aislewatch_samples_total 7\n",
    clock,
    random: (bytes) => Uint8Array.from({ length: bytes }, (_, at) => (at === 0 ? seed++ : at)),
  };
  const app = await createApi(deps, { version: "0.1.0", pageDir: null, tls: null, ...options });
  for (const role of ["viewer", "operator", "admin"] as const) {
    state.putUser({ name: role, role, passwordHash: null, createdAt: T0 });
  }

  return {
    app,
    clock,
    state,
    live: deps.live,
    asked,
    removed,
    failures,
    health,
    emit: (event) => {
      for (const listener of listeners) listener(event);
    },
    open: ({ rule: id = rule.id, device = printer.id, suppressedBy = null, at = T0, asset }: Given = {}) =>
      save(
        `INC-${String(state.nextIncidentNumber()).padStart(6, "0")}`,
        null,
        [{ ...opened({ id, device, suppressedBy, at }), ...(asset !== undefined && { asset }) }],
        stamp(at),
      ),
    write: (incident, ...bodies) => save(incident.id, incident, bodies, stamp(clock.now())),
    browser: (role) => ({
      cookie: `aislewatch=${startSession(deps, role)}`,
      "sec-fetch-site": "same-origin",
    }),
    program: (role) => ({ authorization: `Bearer ${createToken(deps, `${role}-${seed}`, role)}` }),
    close: async () => {
      await app.close();
      await state.close();
      rmSync(dir, { recursive: true });
    },
  };
}

/** One agent, of which two batches never came. */
function sampleFleet(removed: string[]): Fleet {
  const lane = { site: site.id, agent: "back-office", epoch: "e1", lane: "live" } as const;
  let note: { at: number; by: string; text: string } | null = null;
  const missing = () => [
    {
      ...lane,
      fromSeq: 5,
      toSeq: 6,
      at: T0,
      cause: "never_arrived" as const,
      reason: "never arrived",
      explanation: note,
    },
  ];
  return {
    agents: () =>
      removed.length > 0
        ? []
        : [
            {
              site: site.id,
              id: "back-office",
              online: true,
              isHeard: true,
              lastSeenAt: T0,
              status: {
                v: 1,
                state: "online",
                version: "0.1.0",
                epoch: "e1",
                startedAt: T0 - 60_000,
                sentAt: T0,
                outbox: { batches: 3, bytes: 900, oldestAt: T0 - 30_000 },
              },
              skewMs: 0,
              offsetMs: -12,
              devices: 2,
              delivery: { missing: note === null ? 2 : 0, owed: { live: 1, history: 4 }, thinnedSamples: 7 },
              refusedClaims: ["till"],
              isEpochRefused: false,
            },
          ],
    slowest: () => [{ device: printer.id, seconds: 1.5 }],
    audit: ({ agent }) => ({
      lanes: [],
      missing: agent === "other" ? [] : missing(),
      thinned: [],
      unexplained: agent === "other" || note !== null ? 0 : 2,
    }),
    explain(_site, _agent, given) {
      const isNew = note === null;
      note = { at: T0, ...given };
      return isNew ? 1 : 0;
    },
    remove: (at, agent) => removed.push(`${at}/${agent}`),
  };
}

type Given = { rule?: string; device?: string; suppressedBy?: string | null; at?: number; asset?: Asset };

function opened(given: { id: string; device: string; suppressedBy: string | null; at: number }): OpenedBody {
  return {
    type: "opened",
    subject: { site: site.id, device: given.device, component: null },
    rule: given.id,
    ruleVersion: "a1",
    title: "Label media out",
    severity: "major",
    category: "consumable",
    runbook: "label-printer/media-out",
    onset: given.at,
    values: { media_out: true },
    priority: "P1",
    why: "label printer at receiving: 0 of 1 work; major; open for customers",
    suppressedBy: given.suppressedBy,
  };
}

/** Channels of which one works, and whose tests work. */
const POLICY: NotificationPolicy = {
  ...NO_NOTIFICATIONS,
  page: "https://noc.example.com",
  channels: [
    {
      ...{
        kind: "webhook",
        name: "tickets",
        url: "https://tickets.example.com/",
        key: Buffer.alloc(32),
        isPrivate: false,
      },
      ...{ timeoutMs: 10_000, giveUpAfterMs: 3_600_000, quiet: null, rate: null },
    },
    {
      ...{
        kind: "email",
        name: "noc-mail",
        host: "mail.example.com",
        port: 587,
        tls: "starttls",
        ca: null,
        auth: null,
      },
      ...{ from: "a@example.com", to: ["noc@example.com"], templates: [] },
      ...{ timeoutMs: 10_000, giveUpAfterMs: 3_600_000, quiet: null, rate: null },
    },
  ],
  routes: [{ where: { priority: ["P2", "P3"] }, on: ["opened"], to: ["tickets"] }],
};

function sampleNotifications(state: StateStore, clock: ManualClock): ApiDeps["notifications"] {
  const attempt = { channel: "tickets", incident: "", at: T0, durationMs: 12, status: 204, detail: "HTTP 204" };
  const real = createNotifications({
    ...{ clock, state, random: () => 0.5, commitSoon: () => undefined, onGivenUp: () => undefined },
    whereabouts: () => ({ site, kind: "label_printer", firstSteps: ["Put in a roll."] }),
  });
  real.use(POLICY);
  return {
    ...real,
    channels: () => real.channels().map((one) => ({ ...one, deliveredAt: T0 })),
    test: async (channel, { id }) =>
      channel === "tickets" ? { ...attempt, notification: id, outcome: "delivered" } : null,
  };
}
