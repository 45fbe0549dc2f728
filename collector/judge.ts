/**
 * The loop around the rule engine: what readings, time, people and edited files do to faults, and faults to incidents.
 * The engine and the incident log decide; this shell keeps the present in memory, hands what changed to one commit of
 * the state store, and tells the page once it is on disk.
 *
 * Nothing here waits: a call returns when memory is up to date, and what it changed lies in `pending` until `takePending`
 * is committed by ingest. When a commit fails, the same changes are put back and tried again; the page hears of them
 * only after they were written.
 */
import type { Clock, Result } from "@aislewatch/base";
import { type AgentStatus, type InventoryDevice, splitSubject } from "@aislewatch/contract";
import {
  type Engine,
  type FaultRecord,
  isOpen,
  type MaintenanceWindow,
  type RuleSet,
  saysDown,
  type Transition,
} from "@aislewatch/rules";
import type { ActionRequest, ActRefusal, LiveAgent, LiveView } from "./api/deps.ts";
import type { StreamEvent } from "./api/schema/service.ts";
import { incidentView } from "./api/view.ts";
import { createAssessor } from "./assessor.ts";
import type { ConfigSet } from "./config-set.ts";
import { createCorrelator } from "./correlator.ts";
import { createDesk } from "./desk.ts";
import { createDuties } from "./duties.ts";
import { createFactsKeeper, type FactsFailure } from "./facts-keeper.ts";
import { createIncidentBook } from "./incident-book.ts";
import { createIncidentCounts, type IncidentFigures } from "./incident-counts.ts";
import { type AssetBook, NO_ASSETS } from "./incidents/asset-book.ts";
import { NO_ESCALATION, type Remedy } from "./incidents/escalation-policy.ts";
import type { IncidentFacts } from "./incidents/figures.ts";
import { type Dated, fromFound, fromSpell, type LateOutcome } from "./incidents/late.ts";
import { DEFAULT_LIFECYCLE } from "./incidents/lifecycle.ts";
import type { Assessment } from "./incidents/priority.ts";
import { DEFAULT_SLA_POLICY, termsOf } from "./incidents/sla-policy.ts";
import { fromTransition } from "./incidents/transition.ts";
import { type Actor, type Incident, incidentKey } from "./incidents/types.ts";
import { createLate, type LanesAtReturn, type Late } from "./late.ts";
import { SILENT } from "./notifier.ts";
import type { NotificationWriter } from "./notify/notifications.ts";
import { COLLECTOR_AGENT, OWN_SITE, OWN_SITE_NAME } from "./own-reports.ts";
import { createPresent } from "./present.ts";
import { type Site, siteInfo, unlistedSite } from "./sites.ts";
import type { AgentRecord, Commit, StateStore } from "./store/state/store.ts";
import type { LastValue, TelemetryBatch } from "./store/timeseries/store.ts";
import { createWork } from "./work.ts";

/** Incidents that are named when notifications of them move. */
const TOLD_NAMED_MAX = 100;
/** Told to pages once the state store is back; a page that reconnects asks for the present anyway. */
const ANNOUNCEMENTS_MAX = 10_000;
/** After a start, agents that were online get this long to come back: twice the longest wait between their attempts. */
export const RETURN_MS = 60_000;

export type Pending = {
  readonly change: Commit;
  readonly empty: boolean;
  /** What reports are made of, of the incidents in `change`; asks the store for their logs, and throws as a commit does. */
  facts(): readonly IncidentFacts[];
  /** The commit failed: these changes belong to the next one. */
  putBack(): void;
  /** The commit is on disk: the page may know. */
  announce(): void;
};

export type JudgeEvents = {
  onIncidentOpened(incident: Incident): void;
  /** Several devices below each of these went down since it was last polled: it may be the cause. */
  onSuspected(parents: readonly { site: string; agent: string; device: string }[]): void;
  onAgent(event: { site: string; agent: string; online: boolean; status: AgentStatus | null }): void;
  /** Tier 0 of its chain: the agent is to be asked. What comes of it is told by `note`. */
  onRemedy?(incident: Incident, remedy: Remedy): void;
  /** Reports go without this incident, or have it as it was. */
  onFactsFailed?(failure: FactsFailure): void;
};

export type JudgeDeps = {
  readonly clock: Clock;
  readonly engine: Engine;
  readonly state: StateStore;
  readonly events: JudgeEvents;
  /** Who is told of incidents; without, nobody. */
  readonly notifier?: NotificationWriter;
  /** There is something to commit that no batch brought. */
  readonly commitSoon: (urgent: boolean) => void;
};

export type Judge = {
  /** Counts since the start, of what was written to incidents. */
  readonly incidentFigures: IncidentFigures;
  /** What the stores kept, before the first message. `values` are those up to what each agent had judged. */
  restore(config: ConfigSet, values: readonly LastValue[]): void;
  /** Live telemetry; true when people should know of what it did. */
  observe(batch: TelemetryBatch): boolean;
  /** History: judged as of its own time, by the late evaluator. */
  observeLate(batch: TelemetryBatch): void;
  /** An agent that is online says where its lanes stand; before `setStatus`, and before anything live of it. */
  resume(agent: { site: string; agent: string; epoch: string }, lanes: LanesAtReturn): void;
  setStatus(site: string, agent: string, status: AgentStatus): void;
  /** Whether it is still there nobody can say just now: offline, unless it is heard within this time. */
  doubt(site: string, agent: string, withinMs: number): void;
  setInventory(site: string, agent: string, devices: readonly InventoryDevice[]): void;
  /** The agent was taken out: its devices go, and what stood on them resolves as `device_removed`. */
  removeAgent(site: string, agent: string): void;
  setConfig(config: ConfigSet): void;
  /** What the engine says of stored readings that were put into it (refill.ts). */
  refilled(transitions: readonly Transition[]): void;
  /** Event time up to which an agent's live readings were judged, and the epoch that it sent in last. */
  liveUntil(site: string, agent: string): { readonly judgedUntil: number; readonly epoch: string | null };
  /** All maintenance windows there are. */
  setMaintenance(windows: readonly MaintenanceWindow[]): void;
  setRefused(refused: readonly string[]): void;
  /** Lets time pass: silence, `for` between polls, closes that fall due. About once a second. */
  tick(): void;
  act(id: string, action: ActionRequest, actor: Actor): Result<Incident, ActRefusal>;
  /** What the collector itself did about an incident, for its log; of one that ended, nothing. */
  note(id: string, text: string): void;
  /** Records in memory get the names that people have on disk now. */
  rename(change: <T>(record: T) => T): void;
  takePending(): Pending;
  subscribe(listener: (event: StreamEvent) => void): () => void;
  readonly live: LiveView;
  readonly late: Pick<Late, "counts" | "figures">;
  /** The devices (of one agent) whose last poll took longest, the slowest first: who costs its agent most. */
  slowestPolls(
    most: number,
    of?: { site: string; agent: string },
  ): { site: string; agent: string; device: string; seconds: number }[];
  /** Devices of the fleet of this model (of any vendor, when it is null). */
  devicesOfModel(vendor: string | null, model: string): number;
  /** When an agent last said that it was started, by its own clock. */
  agentStartedAt(site: string, agent: string): number | null;
  /** Who services hardware, by the configuration in use. */
  assets(): AssetBook;
  /** How many devices each agent watches, by `site/agent`. */
  deviceCounts(): ReadonlyMap<string, number>;
  /** `isHeard`: false while it is only presumed that an agent of before the start will come back. */
  roster(): readonly { readonly record: AgentRecord; readonly isHeard: boolean }[];
  runbook(ref: string): { title: string; markdown: string } | null;
};

export function createJudge(
  { clock, engine, state, events, notifier, commitSoon }: JudgeDeps,
  samplesPerSecond: () => number,
): Judge {
  let sites = new Map<string, Site>();
  let rules: RuleSet = { rules: [], version: "" };
  let ruleById = new Map<string, RuleSet["rules"][number]>();
  /** Ids of those that say that a device does not answer. */
  let downRules: readonly string[] = [];
  let config: ConfigSet | null = null;
  let refused: readonly string[] = [];

  const agents = new Map<string, AgentRecord>();
  /** Online when the collector ended, not heard of since: until when they are taken at their word. */
  const presumed = new Map<string, number>();
  const present = createPresent({
    ...{ clock, engine, agents },
    ruleOf: (id) => ruleById.get(id),
    isWatched: () => listeners.size > 0,
  });
  const book = createIncidentBook({
    ...{ clock, state },
    assetOf: ({ site, device }) => (device === null ? null : (present.facts(site, device)?.device.asset ?? null)),
  });
  const assessor = createAssessor({
    ...{ engine, book, present },
    siteOf: (id) => siteOf(id),
    policy: () => config?.priority,
  });
  const lifecycle = () => config?.lifecycle ?? DEFAULT_LIFECYCLE;
  const assessNow = (incident: Incident): Assessment =>
    correlator.assess(incident) ?? assessor.assess(incident.subject, incident.severity, clock.now());
  const isOpenAt = (site: string): boolean => isOpen(siteOf(site), clock.now());
  const desk = createDesk({ clock, book, rules: () => ruleById, lifecycle, isOpenAt, assess: assessNow });
  const work = createWork({
    clock,
    book,
    isFiring,
    assess: assessNow,
    chainOf: (incident) => duties.standing(incident).chain,
  });
  book.onWritten(({ before, incident }) => {
    if (before === null) events.onIncidentOpened(incident);
  });
  const correlator = createCorrelator({
    ...{ clock, book, lifecycle },
    downRules: () => downRules,
    ruleOf: (id) => ruleById.get(id) ?? null,
    traitsOf({ site, device }) {
      const known = device === null ? undefined : present.facts(site, device)?.device;
      const { vendor = null, model = null, firmware = null } = known?.asset ?? {};
      return { kind: known?.kind ?? null, vendor, model, firmware };
    },
    siteCount: () => live.sites().length,
    runbookTitle: (ref) => config?.runbooks.get(ref)?.title ?? null,
    fleetSite: OWN_SITE,
  });
  // Before the desk, which tells of what the routes were asked about here.
  book.onWritten((written) => notifier?.observe(written));
  const counts = createIncidentCounts();
  book.onWritten(counts.observe);
  const duties = createDuties({
    clock,
    book,
    eventsOf: (id) => state.incidentEvents(id),
    siteOf: (id) => siteOf(id),
    kindOf: ({ subject: { site, device } }) =>
      device === null ? null : (present.facts(site, device)?.device.kind ?? null),
    policies: () => ({ sla: config?.sla ?? DEFAULT_SLA_POLICY, escalation: config?.escalation ?? NO_ESCALATION }),
    notifier: notifier ?? SILENT,
    onRemedy: (incident, remedy) => events.onRemedy?.(incident, remedy),
  });
  const factsKeeper = createFactsKeeper({
    clock,
    state,
    contextOf({ subject: { site: id, device } }) {
      const site = siteOf(id);
      const known = device === null ? undefined : present.facts(id, device)?.device;
      const { vendor = null, model = null, serial = null } = known?.asset ?? {};
      return {
        terms: termsOf(config?.sla ?? DEFAULT_SLA_POLICY, site.contract),
        site,
        device: { kind: known?.kind ?? null, vendor, model, serial },
      };
    },
    onFailed: (failure) => events.onFactsFailed?.(failure),
  });

  const pendingFaults = new Map<string, FaultRecord>();
  const pendingAgents = new Map<string, AgentRecord>();
  let announcements: StreamEvent[] = [];

  const listeners = new Set<(event: StreamEvent) => void>();

  const siteOf = (id: string): Site =>
    sites.get(id) ?? { ...unlistedSite(id), ...(id === OWN_SITE && { name: OWN_SITE_NAME }) };
  const deviceKey = (site: string, id: string) => `${site}/${id}`;

  const late = createLate({
    clock,
    engine,
    devicesOf: (site, agent) =>
      [...present.factsAt(site)].filter((facts) => facts.agent === agent).map(({ device }) => device),
    faultsOf: present.faults,
    onFound(key, found) {
      const incident = book.ofKey(key);
      if (found.is !== "spell") {
        writeLate(key, { append: incident === null ? [] : fromFound(incident, found), open: [] });
        return;
      }
      const { opened } = found.spell;
      const context = { priority: assessTransition(opened, null), lifecycle: lifecycle() };
      writeLate(key, fromSpell(incident, found.spell, ruleById.get(opened.rule) ?? null, context));
    },
    onMoved: (transitions) => absorb(transitions),
  });

  // ── faults to incidents

  function absorb(transitions: readonly Transition[]): boolean {
    if (transitions.length > 0) present.faultsMoved();
    assessor.engineMoved();
    const moved = new Map<string, Map<string, number>>();
    for (const transition of transitions) {
      absorbOne(transition);
      const { site, device } = transition.subject;
      if (device !== null && transition.from !== transition.to) {
        const roles = moved.get(site) ?? new Map<string, number>();
        moved.set(site, roles.set(assessor.roleOf(site, device), transition.at));
      }
    }
    for (const [site, roles] of moved) assessor.reassessRoles(site, roles);
    correlator.settle();
    for (const fault of engine.takeChangedFaults()) pendingFaults.set(incidentKey(fault.rule, fault.subject), fault);
    const suspects = engine.takeSuspects();
    if (suspects.length > 0) events.onSuspected(suspects);
    return transitions.length > 0;
  }

  function absorbOne(transition: Transition): void {
    const key = incidentKey(transition.rule, transition.subject);
    const incident = book.ofKey(key) ?? (mayBeCancelled(transition) ? book.lastOf(key) : null);
    const rule = ruleById.get(transition.rule) ?? null;
    const outcome = fromTransition(incident, transition, rule, {
      priority: assessTransition(transition, incident),
      lifecycle: lifecycle(),
    });
    if (incident !== null && outcome.events.length > 0)
      book.write(key, incident, outcome.events, byItself(transition.at));
    if (outcome.open !== null)
      book.write(key, null, [outcome.open, ...correlator.joining(outcome.open)], byItself(transition.at));
    if (transition.subject.device !== null) present.touch(transition.subject.site, transition.subject.device);
    const { site, device } = transition.subject;
    const facts = device === null ? undefined : present.facts(site, device);
    if (facts !== undefined) late.moved(facts.agent, transition);
  }

  /** It stood before and has no incident: somebody cancelled that, or its rule opens none. */
  const mayBeCancelled = ({ from, rule }: Transition): boolean =>
    (from === "firing" || from === "recovering") && ruleById.get(rule)?.mode !== "shadow";

  const assessTransition = ({ subject, severity, at }: Transition, incident: Incident | null): Assessment =>
    assessor.assess(subject, severity ?? incident?.severity ?? "minor", at);

  /** What was found afterwards, with its true times. */
  function writeLate(key: string, { append, open }: LateOutcome): void {
    const owner = book.ofKey(key);
    const put = (before: Incident | null, dated: readonly Dated[]): void => {
      let incident = before;
      for (const { at, body } of dated)
        incident = book.write(key, incident, [body], { at, actor: "system", late: true });
    };
    if (owner !== null) put(owner, append);
    if (open.length === 0) return;
    put(null, open);
    // One that ended at once never had its key.
    if (owner !== null) book.hold(key, owner);
  }

  // ── the present

  function tell(event: StreamEvent): void {
    for (const listener of listeners) listener(event);
  }

  function useConfig(next: ConfigSet): void {
    config = next;
    sites = new Map(next.sites.map((site) => [site.id, site]));
    rules = next.rules;
    ruleById = new Map(next.rules.rules.map((rule) => [rule.id, rule]));
    downRules = next.rules.rules.filter(saysDown).map(({ id }) => id);
    absorb(engine.setSites(next.sites.map(siteInfo), clock.now()));
    desk.reconsider();
    factsKeeper.use(next.sla, next.sites);
  }

  function setAgent(record: AgentRecord): void {
    const key = deviceKey(record.site, record.agent);
    agents.set(key, record);
    pendingAgents.set(key, record);
  }

  function setOnline(record: AgentRecord, wasOnline: boolean | undefined): void {
    const { site, agent, online, status } = record;
    presumed.delete(deviceKey(site, agent));
    setAgent(record);
    if (wasOnline === online) return;
    // Unknown from where its readings end: those that were on their way then come later, and are to be judged in their time.
    const at = online || record.judgedUntil === 0 ? clock.now() : Math.min(clock.now(), record.judgedUntil);
    absorb(engine.setAgentOnline(site, agent, online, at));
    events.onAgent({ site, agent, online, status });
    announcements.push({ type: "agent", site, agent, online });
    for (const facts of present.factsAt(site)) if (facts.agent === agent) present.touch(site, facts.device.id);
  }

  /** An agent that does not come back after a start died meanwhile: its last word, `online`, is out of date. */
  function giveUpWaiting(): boolean {
    let isAnyGone = false;
    for (const [key, until] of presumed) {
      const record = agents.get(key);
      if (record === undefined || clock.monotonic() < until) continue;
      late.away(record.site, record.agent, record.judgedUntil, record.status?.epoch ?? null);
      setOnline({ ...record, online: false }, true);
      isAnyGone = true;
    }
    return isAnyGone;
  }

  const live: LiveView = {
    sites() {
      const ids = new Set([...sites.keys(), ...[...agents.values()].map(({ site }) => site)]);
      ids.delete(OWN_SITE);
      return [...ids].sort().map(siteOf);
    },
    site: (id) =>
      id === OWN_SITE || sites.has(id) || [...agents.values()].some(({ site }) => site === id) ? siteOf(id) : null,
    siteName: (id) => siteOf(id).name,
    slot: (site, id) => present.facts(site, id)?.device ?? null,
    agents: () =>
      [...agents.values()]
        .filter(({ agent }) => agent !== COLLECTOR_AGENT)
        .map(liveAgent)
        .sort((a, b) => a.id.localeCompare(b.id)),
    devices: present.devices,
    device: present.device,
    values: present.values,
    faults: present.faults,
    openIncidents: () => book.open(),
    duties,
    rules: () => ({ version: rules.version, refused, rules: rules.rules, overrides: rules.overrides ?? [] }),
    firing: present.firing,
    explain: (rule, subject) => engine.explain(rule, subject, clock.now()),
    samplesPerSecond,
    reportsRemaking: () => factsKeeper.remaking,
  };

  return {
    live,
    late,
    incidentFigures: counts.figures,
    roster: () => [...agents].map(([key, record]) => ({ record, isHeard: !presumed.has(key) })),
    devicesOfModel: present.devicesOfModel,
    agentStartedAt: (site, agent) => agents.get(deviceKey(site, agent))?.status?.startedAt ?? null,
    assets: () => config?.assets ?? NO_ASSETS,
    deviceCounts: present.deviceCounts,
    slowestPolls: present.slowestPolls,
    runbook: (ref) => config?.runbooks.get(ref) ?? null,

    restore(next, values) {
      useConfig(next);
      engine.setRules(next.rules, clock.now());
      for (const record of state.agents()) {
        const key = deviceKey(record.site, record.agent);
        agents.set(key, record);
        if (record.online && record.agent !== COLLECTOR_AGENT) presumed.set(key, clock.monotonic() + RETURN_MS);
      }
      for (const { site, agent, devices: list } of state.inventory()) {
        present.setInventory(site, agent, list);
        engine.setInventory(site, agent, list, clock.now());
        const online = agent === COLLECTOR_AGENT || agents.get(deviceKey(site, agent))?.online === true;
        engine.setAgentOnline(site, agent, online, clock.now());
      }
      engine.restoreValues(values);
      engine.restoreFaults(state.faults());
      book.restore();
      correlator.restore();
      desk.restore();
      // Rules and devices that went away while the collector was down resolve what they left behind.
      engine.takeChangedFaults();
      late.restore(state.late());
      // What agents read while the collector was down, they have kept.
      for (const { site, agent, online, judgedUntil, status } of state.agents()) {
        if (!online || agent === COLLECTOR_AGENT) continue;
        late.away(site, agent, judgedUntil, status?.epoch ?? null);
        late.awaited(site, agent);
      }
    },

    observe(batch) {
      late.beforeLive(batch);
      const transitions = engine.observe(batch.site, batch.agent, batch.message, batch.skewMs);
      const key = deviceKey(batch.site, batch.agent);
      const record = agents.get(key) ?? {
        site: batch.site,
        agent: batch.agent,
        online: true,
        status: null,
        lastSeenAt: 0,
        judgedUntil: 0,
      };
      let latest = Number.NEGATIVE_INFINITY;
      for (const { at } of batch.message.tables) for (const afterBase of at) latest = Math.max(latest, afterBase);
      const until = Math.max(record.judgedUntil, batch.message.base + latest + batch.skewMs);
      presumed.delete(key);
      setAgent({ ...record, lastSeenAt: clock.now(), judgedUntil: until });
      for (const failure of batch.message.failures ?? []) {
        const facts = present.facts(batch.site, failure.device);
        if (facts !== undefined) facts.failure = failure;
      }
      for (const subject of batch.message.subjects) present.touch(batch.site, splitSubject(subject).device);
      const isNews = absorb(transitions);
      late.afterLive(batch);
      return isNews;
    },

    observeLate: (batch) => late.history(batch),

    resume({ site, agent, epoch }, lanes) {
      const record = agents.get(deviceKey(site, agent));
      late.back({ site, agent, epoch }, record?.judgedUntil ?? clock.now(), lanes, record?.status?.epoch ?? null);
    },

    setStatus(site, agent, status) {
      const key = deviceKey(site, agent);
      const record = agents.get(key);
      const online = status.state === "online";
      const lastSeenAt = online ? clock.now() : (record?.lastSeenAt ?? clock.now());
      const judgedUntil = record?.judgedUntil ?? 0;
      if (!online && record?.online === true) late.away(site, agent, judgedUntil, record.status?.epoch ?? null);
      setOnline({ site, agent, online, status, lastSeenAt, judgedUntil }, record?.online);
    },

    doubt(site, agent, withinMs) {
      const key = deviceKey(site, agent);
      const record = agents.get(key);
      if (record?.online !== true || agent === COLLECTOR_AGENT) return;
      // It goes on reading: from where its readings end here, what it has is judged in its own time.
      if (!presumed.has(key)) late.away(site, agent, record.judgedUntil, record.status?.epoch ?? null);
      late.awaited(site, agent);
      presumed.set(key, clock.monotonic() + withinMs);
    },

    setInventory(site, agent, list) {
      late.changed(site, agent);
      present.setInventory(site, agent, list);
      absorb(engine.setInventory(site, agent, list, clock.now()));
      absorb(engine.setAgentOnline(site, agent, agents.get(deviceKey(site, agent))?.online ?? true, clock.now()));
    },

    removeAgent(site, agent) {
      const key = deviceKey(site, agent);
      present.setInventory(site, agent, []);
      absorb(engine.setInventory(site, agent, [], clock.now()));
      late.forget(site, agent);
      agents.delete(key);
      presumed.delete(key);
      pendingAgents.delete(key);
      announcements.push({ type: "agent", site, agent, online: false });
    },

    setConfig(next) {
      useConfig(next);
      refused = [];
      late.changed();
      absorb(engine.setRules(next.rules, clock.now()));
      correlator.restore();
      duties.reconsider();
      announcements.push({ type: "rules", version: next.rules.version, refused: [] });
      commitSoon(true);
    },

    refilled(transitions) {
      if (absorb(transitions)) commitSoon(true);
    },

    liveUntil(site, agent) {
      const record = agents.get(deviceKey(site, agent));
      return { judgedUntil: record?.judgedUntil ?? 0, epoch: record?.status?.epoch ?? null };
    },

    setMaintenance(windows) {
      if (absorb(engine.setMaintenance(windows, clock.now()))) commitSoon(true);
    },

    setRefused(lines) {
      refused = lines;
      announcements.push({ type: "rules", version: rules.version, refused: [...lines] });
      commitSoon(true);
    },

    tick() {
      const now = clock.now();
      let urgent = giveUpWaiting();
      if (absorb(engine.tick(now))) urgent = true;
      late.tick();
      assessor.engineMoved();
      if (correlator.settle()) urgent = true;
      if (desk.tick()) urgent = true;
      if (duties.tick()) urgent = true;
      factsKeeper.tick();
      if (urgent || pendingFaults.size > 0 || book.hasPending) commitSoon(urgent);
      present.tellMoved(tell);
    },

    act(id, action, actor) {
      assessor.engineMoved();
      const done = work.act(id, action, actor);
      correlator.settle();
      if (book.hasPending) commitSoon(true);
      return done;
    },

    note(id, text) {
      const [key, incident] = [book.keyOf(id), book.incident(id)];
      if (key === null || incident === null) return;
      book.write(key, incident, [{ type: "note", text }], byItself(clock.now()));
      commitSoon(true);
    },

    rename: book.rename,

    takePending() {
      const latePending = late.takePending();
      const bookPending = book.takePending();
      const notices = notifier?.takePending() ?? null;
      const taken = {
        notifications: notices?.notifications ?? [],
        attempts: notices?.attempts ?? [],
        groups: notices?.groups ?? [],
        late: latePending.records,
        incidents: bookPending.changes,
        faults: [...pendingFaults.values()],
        agents: [...pendingAgents.values()],
      };
      const told = announcements;
      pendingFaults.clear();
      pendingAgents.clear();
      announcements = [];
      return {
        change: taken,
        empty: Object.values(taken).every(({ length }) => length === 0) && told.length === 0,
        facts: () => factsKeeper.of(taken.incidents),
        putBack() {
          latePending.putBack();
          bookPending.putBack();
          notices?.putBack();
          for (const fault of taken.faults) {
            const faultKey = incidentKey(fault.rule, fault.subject);
            if (!pendingFaults.has(faultKey)) pendingFaults.set(faultKey, fault);
          }
          for (const agent of taken.agents) {
            const agentKey = deviceKey(agent.site, agent.agent);
            if (!pendingAgents.has(agentKey)) pendingAgents.set(agentKey, agent);
          }
          announcements = [...told, ...announcements].slice(-ANNOUNCEMENTS_MAX);
        },
        announce() {
          notices?.committed();
          if (listeners.size === 0) return;
          for (const { incident } of taken.incidents)
            tell({ type: "incident", incident: incidentView(incident, live) });
          for (const event of told) tell(event);
          const toldOf = new Set([...taken.notifications, ...taken.attempts].map(({ incident }) => incident));
          if (toldOf.size > 0)
            tell({ type: "notifications", incidents: toldOf.size > TOLD_NAMED_MAX ? null : [...toldOf] });
        },
      };
    },

    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };

  function isFiring(incident: Incident): boolean {
    if (incident.fleet !== undefined) return correlator.stands(incident);
    const { rule, subject } = incident;
    const { site, device } = subject;
    const key = incidentKey(rule, subject);
    const faults = device === null ? engine.faults() : present.faults(site, device);
    return faults.some(
      (fault) =>
        fault.rule === rule &&
        incidentKey(rule, fault.subject) === key &&
        (fault.state === "firing" || fault.state === "recovering"),
    );
  }
}

const byItself = (at: number): { at: number; actor: Actor } => ({ at, actor: "system" });

const liveAgent = ({ site, agent, online, status, lastSeenAt }: AgentRecord): LiveAgent => ({
  site,
  id: agent,
  online,
  version: status?.version ?? null,
  lastSeenAt,
});
