/**
 * The collector's composition root: builds everything, opens nothing. `start` opens in order (stores, judge, broker,
 * API), `stop` closes in reverse, so that what has been taken is committed before the stores close.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join, relative } from "node:path";
import { type Clock, errorText, type Result } from "@aislewatch/base";
import { type Diagnostic, formatDiagnostics } from "@aislewatch/config";
import { createEngine } from "@aislewatch/rules";
import { createLifecycle, type Lifecycle, type Log, letterId, lockFolder, type Part } from "@aislewatch/runtime";
import { verifyAgentPassword } from "./agent-password.ts";
import type { Fleet } from "./api/deps.ts";
import { type ApiServer, createApi } from "./api/server.ts";
import { createCopying } from "./backup/copying.ts";
import { BACKUP_DOCUMENT, backupMadeAt } from "./backup/made.ts";
import { type Finished, finishRestore } from "./backup/restore-places.ts";
import type { Broker, BrokerEvents } from "./broker/broker.ts";
import { createEmbeddedBroker } from "./broker/embedded.ts";
import { createExternalBroker, type ExternalBroker } from "./broker/external.ts";
import { createBrokerWatch } from "./broker-watch.ts";
import { type Commands, createCommands } from "./commands.ts";
import type { CollectorConfig, Listen } from "./config.ts";
import {
  type ConfigSet,
  changedFiles,
  fingerprint,
  keepConfigSet,
  keptTexts,
  lastGoodConfigSet,
  loadConfigSet,
} from "./config-set.ts";
import { events } from "./events.ts";
import { figure } from "./figures.ts";
import { createFleetWatch, type FleetWatch } from "./fleet-watch.ts";
import { createIngest, type Ingest } from "./ingest.ts";
import { createJudge, type Judge } from "./judge.ts";
import { createLetIn } from "./let-in.ts";
import { createMaintenance, type Maintenance } from "./maintenance.ts";
import { type Figure, prometheusText } from "./metrics.ts";
import { firstStepsOf } from "./notify/email-text.ts";
import { createNotifications, type Notifications } from "./notify/notifications.ts";
import { folderSize, OwnProcess, storeBytes } from "./own-process.ts";
import { COLLECTOR_AGENT, createOwnReports, MANY_SITES, OWN_SITE } from "./own-reports.ts";
import { renamed } from "./privacy/person.ts";
import { createPrivacy, type Privacy } from "./privacy/privacy.ts";
import { createRetention } from "./privacy/retention.ts";
import { createRefills } from "./refill.ts";
import { createRemedies, type Remedies } from "./remedies.ts";
import { createSelfWatch, type SelfFigures } from "./self-watch.ts";
import { unlistedSite } from "./sites.ts";
import { isForNow } from "./store/error.ts";
import { createSqliteStore } from "./store/state/sqlite.ts";
import type { TimeSeriesStore } from "./store/timeseries/store.ts";
import { createSuspectProbes, type SuspectProbes } from "./suspect-probes.ts";
import { createTimeSeriesStore, SERIES_FILE } from "./timeseries.ts";

export const VERSION = "0.1.0";

const STATE_FILE = "state.sqlite";
const TICK_MS = 1_000;
/** How often edited files are looked at; ops see the effect before they have switched windows. */
const RELOAD_MS = 1_000;
/** How far back last values are read at start: the longest useful staleness, for hourly polls. */
const RESTORE_MS = 3 * 3_600_000 + 60_000;
const FLUSH_MS = 2_000;
/** DuckDB reads its log again after a kill; on a small machine that is busy it takes most of a minute. */
const STORE_START_MS_MAX = 60_000;
/** Ports tried after a taken default one. */
const PORT_TRIES = 20;
const RATE_WINDOW_MS = 10_000;
/** Of an agent that never sent a batch. */
const NO_DELIVERY = { missing: 0, owed: { live: 0, history: 0 }, thinnedSamples: 0 } as const;
/** Of an agent that never told its epoch, the collector's own among them. */
const NO_MARKS = { judged: 0, stored: 0 } as const;
/** Files named in one record of the audit log. */
const AUDITED_FILES_MAX = 20;
/** Devices named in /metrics: enough to find the slow ones, and no series for each of ten thousand. */
const SLOWEST_SHOWN = 20;

export type CollectorOptions = {
  readonly config: CollectorConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** The built page, or null to serve the API alone. */
  readonly pageDir: string | null;
  /** For tests of what a slow or small time-series store does; what is given stands in front of the shipped one. */
  readonly inFront?: {
    readonly store?: (shipped: TimeSeriesStore) => TimeSeriesStore;
    readonly queueBytesMax?: number;
  };
};

export type Collector = {
  readonly lifecycle: Lifecycle;
  /** Where it listens, once started. */
  urls(): { http: string; mqtt: string };
  /** What is wrong with rules, sites or priorities when that kept it from starting; to be fixed by a person. */
  faultyFiles(): string | null;
};

export function createCollector({ config, clock, log, pageDir, inFront }: CollectorOptions): Collector {
  mkdirSync(config.data, { recursive: true, mode: 0o700 });
  const state = createSqliteStore({ file: join(config.data, STATE_FILE) });
  const shipped = createTimeSeriesStore(config, {
    clock,
    onProblem: (error) => log.emit(events.storeFailed, { store: "timeseries", detail: error.message }),
    onSetAside: (file, detail) => log.emit(events.seriesFileSetAside, { file, detail }),
  });
  const timeseries = inFront?.store?.(shipped) ?? shipped;
  const engine = createEngine({ isStored: true });
  const rate = createRate(clock, () => ingest.counts.samples);

  const notifications: Notifications = createNotifications({
    clock,
    state,
    random: Math.random,
    whereabouts({ subject: { site, device }, runbook, fleet }) {
      const steps = runbook === null ? [] : firstStepsOf(judge.runbook(runbook)?.markdown ?? "");
      const kind = device === null ? null : (judge.live.device(site, device)?.device.kind ?? null);
      const known = judge.live.site(site) ?? unlistedSite(site);
      return { site: fleet === undefined ? known : { ...known, name: MANY_SITES }, kind, firstSteps: steps };
    },
    commitSoon: (urgent) => ingest.commitSoon(urgent),
    onGivenUp({ notification, channel, detail }) {
      log.emit(events.notificationGivenUp, { notification, channel, detail });
    },
  });

  const judge: Judge = createJudge(
    {
      clock,
      engine,
      state,
      notifier: notifications.writer,
      commitSoon: (urgent) => ingest.commitSoon(urgent),
      events: {
        onIncidentOpened({ id, priority, rule, subject, retroactive = false }) {
          const where = [subject.site, subject.device, subject.component].filter((part) => part !== null).join("/");
          log.emit(events.incidentOpened, { incident: id, priority, rule, subject: where, retroactive });
        },
        onSuspected: (parents) => probes.suspect(parents),
        onRemedy: (incident, remedy) => remedies.run(incident, remedy),
        onFactsFailed: (failure) => log.emit(events.factsFailed, failure),
        onAgent({ site, agent, online, status }) {
          if (agent === COLLECTOR_AGENT) return;
          if (online)
            log.emit(events.agentOnline, { site, agent, version: status?.version ?? "", epoch: status?.epoch ?? "" });
          else log.emit(events.agentOffline, { site, agent });
        },
      },
    },
    rate.perSecond,
  );

  const ingest: Ingest = createIngest({
    clock,
    state,
    timeseries,
    judge,
    historyBytesPerSecond: config.historyBytesPerSecond,
    publish: (topic, payload) => broker?.publish(topic, payload),
    renew: (site, agent, ack) => broker?.renew(site, agent, ack),
    onCommitted: () => broker?.committed(),
    ...(inFront?.queueBytesMax !== undefined && { queueBytesMax: inFront.queueBytesMax }),
    events: {
      onPoison: (event) => log.emit(events.poisonSetAside, event),
      onGap: (gap) => log.emit(events.gapFound, gap),
      onLostByRestore: (gap) => log.emit(events.lostByRestore, gap),
      onStoreFailed: (event) => log.emit(events.storeFailed, event),
      onStoreRecovered: (event) => log.emit(events.storeRecovered, event),
      onSeriesGone: (event) => log.emit(events.timeseriesEmpty, event),
      onClaimRefused: ({ site, agent, devices }) =>
        log.emit(events.claimRefused, { site, agent, devices: devices.join(", ") }),
      onEpochRefused: (event) => log.emit(events.epochRefused, event),
      onClockOff: (event) => log.emit(events.clockOff, event),
    },
  });

  const fleet: Fleet = {
    agents() {
      const deliveries = ingest.deliveries();
      const counts = judge.deviceCounts();
      return judge
        .roster()
        .filter(({ record }) => record.agent !== COLLECTOR_AGENT)
        .map(({ record: { site, agent, online, status, lastSeenAt }, isHeard }) => ({
          ...{ site, id: agent, online, lastSeenAt, status },
          isHeard: external === null ? isHeard : brokerWatch.isKnown({ online, isHeard }),
          skewMs: ingest.skewMs(site, agent),
          offsetMs: ingest.clockOffsetMs(site, agent),
          devices: counts.get(`${site}/${agent}`) ?? 0,
          delivery: deliveries.get(`${site}/${agent}`) ?? NO_DELIVERY,
          refusedClaims: ingest.refusedClaims(site, agent),
          isEpochRefused: ingest.isEpochRefused(site, agent),
        }))
        .sort((a, b) => a.site.localeCompare(b.site) || a.id.localeCompare(b.id));
    },
    slowest: (site, agent, most) => judge.slowestPolls(most, { site, agent }),
    audit: (filter) => ingest.audit(filter),
    explain: (site, agent, note) => ingest.explain(site, agent, note),
    remove(site, agent, by) {
      // On disk first: whatever happens then, it does not come back.
      state.removeAgent(site, agent, clock.now());
      letIn.look();
      ingest.forget(site, agent);
      broker?.shutOut(site, agent);
      judge.removeAgent(site, agent);
      ingest.explain(site, agent, { by, text: "the agent was taken out" });
      ingest.commitNow();
      watch.look();
    },
  };

  const maintenance: Maintenance = createMaintenance({
    clock,
    state,
    timeZones: () => new Map(judge.live.sites().map(({ id, timeZone }) => [id, timeZone])),
    newId: () => letterId(),
    onChanged: (windows) => judge.setMaintenance(windows),
  });

  const privacy: Privacy = createPrivacy({
    clock,
    state,
    random: (bytes) => randomBytes(bytes),
    commitNow: () => ingest.commitNow(),
    onRenamed(renaming) {
      judge.rename((record) => renamed(record, renaming).value);
      maintenance.readAgain();
    },
    configTexts: () => keptTexts(state),
  });
  const retention = createRetention({
    ...{ clock, state, policy: config.privacy, pseudonym: privacy.pseudonym, finish: privacy.finish },
    onProblem: (thrown) => log.emit(events.storeFailed, { store: "state", detail: errorText(thrown) }),
  });

  const commands: Commands = createCommands({
    clock,
    state,
    publish: (topic, payload) => broker?.publish(topic, payload),
    isOnline: (site, agent) =>
      fleet.agents().some((one) => one.site === site && one.id === agent && one.online && one.isHeard),
    newId: letterId,
    onAnswered(command) {
      const { site, agent, kind, by, state: outcome } = command;
      log.emit(events.commandEnded, { site, agent, kind, by, outcome });
      probes.answered(command);
      remedies.answered(command);
    },
    onRefused: (refusal) => log.emit(events.messageRefused, refusal),
  });

  const probes: SuspectProbes = createSuspectProbes(clock, (request) => commands.issue(request));
  const remedies: Remedies = createRemedies({
    issue: (request) => commands.issue(request),
    agentOf: (site, device) => judge.live.device(site, device)?.agent ?? null,
    note: (incident, text) => judge.note(incident, text),
  });

  const report = createOwnReports({
    clock,
    accept: (batch) => ingest.accept(batch),
    lastSeq: (lane) => ingest.lastSeq(lane),
  });
  const watch: FleetWatch = createFleetWatch({
    clock,
    agents: () =>
      fleet.agents().map(({ status, refusedClaims, ...agent }) => ({
        ...agent,
        isNameShared: ingest.isNameShared(agent.site, agent.id),
        version: status?.version ?? null,
        outbox: status?.outbox ?? null,
        cost: status?.cost ?? null,
        disk: status?.disk ?? null,
        refusedClaims: refusedClaims.length,
      })),
    setInventory: (site, devices) => ingest.setInventory({ site, agent: COLLECTOR_AGENT, devices }),
    report,
  });

  const ownProcess = new OwnProcess();
  const selfWatch = createSelfWatch({
    clock,
    version: VERSION,
    measure: ownFigures,
    setInventory: (site, devices) => ingest.setInventory({ site, agent: COLLECTOR_AGENT, devices }),
    report,
  });

  const beganMs = clock.monotonic();
  function ownFigures(): SelfFigures {
    return {
      upMs: clock.monotonic() - beganMs,
      lag: ingest.lag(),
      queueBytes: ingest.queueBytes(),
      counts: ingest.counts,
      agents: fleet.agents().map(({ online, isHeard, skewMs, offsetMs, status, delivery }) => ({
        ...{ online, isHeard, skewMs, offsetMs },
        outbox: status?.outbox ?? null,
        owed: delivery.owed,
      })),
      areRulesRefused: judge.live.rules().refused.length > 0,
      backupAt: backupMadeAt(state.document(BACKUP_DOCUMENT)),
      restored: ingest.restored(),
      channels: notifications.channels(),
      cost: ownProcess.measure(),
      broker: brokerFigures(),
      disk: folderSize(config.data),
      stores: { state: storeBytes(config.data, STATE_FILE), series: seriesBytes() },
      seriesFilesUnreadable: timeseries.sealed?.().setAside ?? null,
    };
  }

  function seriesBytes(): number | null {
    const bytes = storeBytes(config.data, SERIES_FILE);
    return bytes === null ? null : bytes + (timeseries.sealed?.().bytes ?? 0);
  }

  const refills = createRefills({
    clock,
    engine,
    series: timeseries,
    marksOf(site, agent) {
      const { judgedUntil, epoch } = judge.liveUntil(site, agent);
      return { judgedUntil, ...(epoch === null ? NO_MARKS : ingest.liveMarks(site, agent, epoch)) };
    },
    onJudged: (transitions) => judge.refilled(transitions),
    onProblem: (detail) => log.emit(events.storeFailed, { store: "timeseries", detail }),
  });

  let broker: Broker | null = null;
  let external: ExternalBroker | null = null;
  let api: ApiServer | null = null;
  let httpUrl = "";
  let faultyFiles: string | null = null;
  let isSetKept = true;

  const agentMessages: BrokerEvents = {
    onMessage(message) {
      if (message.channel === "reply") commands.onReply(message);
      else ingest.onMessage(message);
    },
    onRefused: (refusal) => log.emit(events.messageRefused, refusal),
  };

  const makeBroker = (port: number): Broker =>
    createEmbeddedBroker({
      host: config.mqtt.host,
      port,
      tls: config.tls,
      async authenticate(site, agent, password) {
        const credential = state.agentCredential(site, agent);
        const known = credential !== null && verifyAgentPassword(password, credential.passwordHash);
        if (!known) log.emit(events.signInRefused, { site, agent });
        return known;
      },
      ...agentMessages,
    });

  const letIn = createLetIn(clock, () => state.agentCredentials());
  const brokerWatch = createBrokerWatch({
    clock,
    broker: () => external,
    agents: () => judge.roster().map(({ record, isHeard }) => ({ ...record, isHeard })),
    doubt: judge.doubt,
  });

  const makeExternalBroker = (given: NonNullable<CollectorConfig["broker"]>): ExternalBroker =>
    createExternalBroker({
      ...given,
      ...agentMessages,
      onMessage(message) {
        agentMessages.onMessage(message);
        // The broker waits for the commit of what it handed over, also of what is of no use.
        ingest.commitSoon(false);
      },
      clock,
      random: Math.random,
      own: { site: OWN_SITE, agent: COLLECTOR_AGENT },
      self: { instance: letterId(), startedAt: clock.now(), host: hostname().slice(0, 255) },
      admits: letIn.has,
      onConnected: ({ isSessionKept }) => log.emit(events.brokerConnected, { broker: given.url, isSessionKept }),
      onTrouble: ({ code, detail, hint }) =>
        log.emit(events.brokerTrouble, { broker: given.url, code, detail, whatToDo: hint }),
    });

  function brokerFigures(): SelfFigures["broker"] {
    if (external === null) return null;
    const delayMs = external.delayMs();
    const trouble = external.trouble();
    return {
      // On a new connection that what was kept comes first is no trouble.
      isConnected: trouble === null || (trouble.code === "BROKER_CONNECTING" && delayMs !== null),
      delayMs,
      isShared: external.other() !== null,
    };
  }

  const parts: Part[] = [
    lockPart(config.data, (finished) => log.emit(events.restoreEnded, { finished })),
    { name: "state store", start: () => state.open(), stop: () => state.close() },
    {
      name: "time-series store",
      start: () => timeseries.open(),
      stop: () => timeseries.close(),
      startMsMax: STORE_START_MS_MAX,
    },
    {
      name: "judge",
      async start() {
        const set = startingSet();
        notifications.use(set.notifications);
        notifications.restore();
        judge.restore(set, await valuesUpToJudged());
        maintenance.useFile(set.maintenance);
        await ingest.start();
        commands.start();
      },
      async stop() {
        await ingest.flush(FLUSH_MS);
        ingest.stop();
      },
    },
    createCopying({
      clock,
      dataFolder: config.data,
      watermarks: () => state.watermarks(),
      series: timeseries,
      onEnded: (ended) => log.emit(events.copyEnded, ended),
    }),
    { name: "notifications", start: () => notifications.start(), stop: () => notifications.stop() },
    { name: "stored readings", start: () => refills.start(), stop: () => refills.stop() },
    every(clock, "clock", TICK_MS, () => {
      rate.mark();
      if (external !== null) brokerWatch.tick();
      judge.tick();
      commands.tick();
    }),
    {
      name: "MQTT broker",
      async start() {
        if (config.broker !== null) {
          external = makeExternalBroker(config.broker);
          broker = external;
          await external.open();
          return;
        }
        broker = await onFreePort(config.mqtt, async (port) => {
          const candidate = makeBroker(port);
          await candidate.open();
          return candidate;
        });
      },
      stop: () => broker?.close(),
    },
    { name: "retention", start: () => retention.start(), stop: () => retention.stop() },
    { name: "fleet watch", start: () => watch.start(), stop: () => watch.stop() },
    {
      name: "self watch",
      start() {
        ownProcess.start();
        selfWatch.start();
      },
      stop() {
        selfWatch.stop();
        ownProcess.stop();
      },
    },
    reloadPart(),
    {
      name: "HTTP",
      async start() {
        httpUrl = await onFreePort(config.http, async (port) => {
          const server = await makeApi();
          try {
            const url = await server.listen({ host: config.http.host, port });
            api = server;
            return url;
          } catch (thrown) {
            await server.close();
            throw thrown;
          }
        });
        log.emit(events.listening, { http: httpUrl, mqtt: broker?.url ?? "" });
      },
      stop: () => api?.close(),
    },
  ];

  const makeApi = (): Promise<ApiServer> =>
    createApi(
      {
        state,
        series: timeseries,
        live: judge.live,
        fleet,
        command: (request) => commands.issue(request),
        maintenance,
        notifications,
        privacy,
        async act(id, action, actor) {
          const done = judge.act(id, action, actor);
          if (done.ok && !ingest.commitNow()) throw new Error("the state store can't be written just now");
          return done;
        },
        async actOnMany(targets, action, actor) {
          const done = targets.map(({ id, version }) => judge.act(id, { ...action, version }, actor));
          const isAny = done.some(({ ok }) => ok);
          if (isAny && !ingest.commitNow()) throw new Error("the state store can't be written just now");
          return done;
        },
        subscribe: judge.subscribe,
        runbook: judge.runbook,
        assets: judge.assets,
        devicesOfModel: judge.devicesOfModel,
        agentStartedAt: judge.agentStartedAt,
        health() {
          const { reasons } = ingest.healthy();
          const trouble = broker?.trouble() ?? null;
          const all = trouble === null ? reasons : [...reasons, `MQTT broker: ${trouble.detail}; ${trouble.hint}`];
          return { ok: all.length === 0, reasons: all };
        },
        metricsText: () => prometheusText(figures()),
        onFailure: ({ method, route, error }) =>
          log.emit(events.apiFailed, {
            method,
            route,
            detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
          }),
        clock,
        random: (bytes) => randomBytes(bytes),
      },
      { version: VERSION, pageDir, tls: config.tls },
    );

  /** The files' set, or the last good one; throws when there is neither. */
  function startingSet(): ConfigSet {
    const loaded = loadConfigSet(config);
    if (loaded.ok) {
      keepSet();
      log.emit(events.rulesLoaded, { version: loaded.value.rules.version, rules: loaded.value.rules.rules.length });
      return loaded.value;
    }
    const text = formatDiagnostics(loaded.diagnostics, loaded.texts);
    const kept = lastGoodConfigSet(state, join(config.data, "last-good"));
    if (kept === null) {
      faultyFiles = text;
      throw new Error("rules, sites or priorities are faulty, and no earlier set was kept");
    }
    log.emit(events.startedOnLastGood, { diagnostics: text });
    judge.setRefused(summary(loaded.diagnostics));
    return kept;
  }

  /** For an auditor: since when which files hold. Who edited them, their own history knows. */
  function auditConfig(changed: readonly string[]): void {
    const files = changed.slice(0, AUDITED_FILES_MAX).map((file) => relative(dirname(config.data), file));
    const more = changed.length > files.length ? ` and ${changed.length - files.length} more` : "";
    state.audit({ at: clock.now(), actor: "system", action: "config_changed", detail: files.join(", ") + more });
  }

  /** A set that can't be kept just now is used all the same, and kept once the disk takes it. */
  function keepSet(): void {
    try {
      const before = keptTexts(state);
      keepConfigSet(config, state);
      isSetKept = true;
      const changed = changedFiles(before, keptTexts(state));
      if (changed.length > 0) auditConfig(changed);
    } catch (thrown) {
      isSetKept = false;
      log.emit(events.storeFailed, { store: "state", detail: errorText(thrown) });
    }
  }

  /** What was judged before the restart; later readings come again with their batches. */
  async function valuesUpToJudged() {
    const owner = new Map<string, number>();
    const until = new Map(state.agents().map(({ site, agent, judgedUntil }) => [`${site}/${agent}`, judgedUntil]));
    for (const { site, agent, devices } of state.inventory()) {
      for (const { id } of devices) owner.set(`${site}/${id}`, until.get(`${site}/${agent}`) ?? 0);
    }
    const values = await lastValues();
    return values.filter(({ site, subject, at }) => at <= (owner.get(`${site}/${subject.split("#")[0]}`) ?? 0));
  }

  /** A server that is down starts nobody's outage: the engine goes on with what the next readings say. */
  async function lastValues() {
    try {
      return await timeseries.lastValues(clock.now() - RESTORE_MS);
    } catch (thrown) {
      if (!isForNow(thrown)) throw thrown;
      log.emit(events.storeFailed, { store: "timeseries", detail: thrown.message });
      return [];
    }
  }

  function reloadPart(): Part {
    let seen = "";
    const look = (): void => {
      const now = fingerprint(config);
      if (now === seen) {
        if (!isSetKept) keepSet();
        return;
      }
      seen = now;
      const loaded = loadConfigSet(config);
      if (loaded.ok) {
        log.emit(events.rulesLoaded, { version: loaded.value.rules.version, rules: loaded.value.rules.rules.length });
        notifications.use(loaded.value.notifications);
        judge.setConfig(loaded.value);
        maintenance.useFile(loaded.value.maintenance);
        keepSet();
      } else {
        log.emit(events.rulesRefused, { diagnostics: formatDiagnostics(loaded.diagnostics, loaded.texts) });
        judge.setRefused(summary(loaded.diagnostics));
      }
    };
    const loop = every(clock, "reload", RELOAD_MS, look);
    return {
      ...loop,
      start() {
        seen = fingerprint(config);
        return loop.start();
      },
    };
  }

  async function onFreePort<T>(listen: Listen, open: (port: number) => Promise<T>): Promise<T> {
    for (let port = listen.port; ; port++) {
      try {
        const opened = await open(port);
        if (port !== listen.port) log.emit(events.portTaken, { wanted: listen.port, used: port });
        return opened;
      } catch (thrown) {
        const taken = thrown instanceof Error && "code" in thrown && thrown.code === "EADDRINUSE";
        if (taken && !listen.named && port < listen.port + PORT_TRIES) continue;
        if (taken)
          throw new Error(`${listen.host}:${port} is used by another program; name another port in collector.yaml`);
        throw thrown;
      }
    }
  }

  function figures(): Figure[] {
    const { counts } = ingest;
    const history = ingest.history();
    const memory = process.memoryUsage();
    const open = judge.live.openIncidents();
    const channels = notifications.channels();
    const incidents = judge.incidentFigures;
    return [
      figure("batches_accepted", counts.batches),
      figure("samples_accepted", counts.samples),
      figure("batches_duplicate", counts.duplicates),
      figure("batch_gaps", counts.gaps),
      figure("messages_set_aside", counts.poison),
      figure("messages_refused", broker?.counts.refused ?? 0),
      figure("sign_ins_refused", broker?.counts.signInsRefused ?? 0),
      figure("packets_malformed", broker?.counts.badPackets ?? 0),
      figure("mqtt_connections_refused", broker?.counts.connectionsRefused ?? 0),
      figure("mqtt_messages_received", broker?.counts.messages ?? 0),
      figure("mqtt_received_bytes", broker?.counts.bytes ?? 0),
      figure("batches_shed", counts.shed),
      figure("values_ignored", counts.ignored),
      figure("device_events", counts.events),
      figure("device_events_dropped", counts.eventsDropped),
      figure("state_commits", counts.commits),
      figure("state_commit_failures", counts.commitFailures),
      figure("timeseries_append_failures", counts.appendFailures),
      figure("rule_evaluations", engine.counts.evaluations),
      figure("rows_unknown", engine.counts.unknownRows),
      figure("timeseries_queue_bytes", ingest.queueBytes()),
      figure("timeseries_sealed_bytes", timeseries.sealed?.().bytes ?? 0),
      figure("timeseries_files_unreadable", timeseries.sealed?.().setAside ?? 0),
      figure("history_budget_bytes_per_second", history.budget),
      figure("history_agents_draining", history.draining),
      figure("history_agents_waiting", history.waiting),
      figure("history_batches_judged", judge.late.counts.judged),
      figure("history_batches_unjudged", judge.late.counts.unjudged),
      figure("history_spells", judge.late.counts.spells),
      figure("late_engines", judge.late.figures().engines),
      figure(
        "agents_connected",
        broker?.counts.connected ?? fleet.agents().filter(({ online, isHeard }) => online && isHeard).length,
      ),
      ...(external === null
        ? []
        : [
            figure("broker_connected", brokerFigures()?.isConnected ? 1 : 0),
            figure("broker_delay_seconds", (external.delayMs() ?? 0) / 1_000),
            figure("broker_connects", external.counts.connects),
            figure("publishes_dropped", external.counts.publishesDropped),
          ]),
      figure("devices", engine.counts.devices),
      figure("devices_refilled", refills.counts.filled),
      figure("devices_not_refilled", refills.counts.abandoned),
      figure("rule_instances", engine.counts.instances),
      ...(["P1", "P2", "P3", "P4", "P5"] as const).map((priority) =>
        figure("incidents_open", open.filter((one) => one.priority === priority).length, {
          priority,
        }),
      ),
      ...channels.map(({ name: channel, waiting }) => figure("notifications_waiting", waiting, { channel })),
      ...channels.map(({ name: channel, oldestAt }) =>
        figure("notifications_oldest_seconds", oldestAt === null ? 0 : Math.max(0, clock.now() - oldestAt) / 1_000, {
          channel,
        }),
      ),
      ...channels.flatMap(({ name: channel, counts: ended }) =>
        Object.entries(ended).map(([outcome, value]) => figure("notification_attempts", value, { channel, outcome })),
      ),
      ...[...incidents.opened].map(([priority, value]) => figure("incidents_opened", value, { priority })),
      ...[...incidents.resolved].map(([priority, value]) => figure("incidents_resolved", value, { priority })),
      ...[...incidents.escalated].map(([tier, value]) => figure("escalations", value, { tier: String(tier) })),
      ...[...incidents.warned].map(([clockName, value]) => figure("sla_warnings", value, { clock: clockName })),
      ...[...incidents.breached].map(([clockName, value]) => figure("sla_breaches", value, { clock: clockName })),
      ...channels.map(({ name: channel, isDown }) => figure("notification_channel_down", isDown ? 1 : 0, { channel })),
      figure("rules_refused", judge.live.rules().refused.length > 0 ? 1 : 0),
      ...judge
        .slowestPolls(SLOWEST_SHOWN)
        .map(({ seconds, ...labels }) => figure("device_poll_seconds", seconds, labels)),
      figure("resident_memory_bytes", memory.rss),
      figure("heap_used_bytes", memory.heapUsed),
    ];
  }

  return {
    lifecycle: createLifecycle(parts, { clock, log }),
    urls: () => ({ http: httpUrl, mqtt: broker?.url ?? "" }),
    faultyFiles: () => faultyFiles,
  };
}

const summary = (diagnostics: readonly Diagnostic[]): string[] =>
  diagnostics
    .slice(0, 20)
    .map(({ file, line, column, code, message }) => `${file}:${line}:${column} ${code} ${message}`);

function lockPart(folder: string, onRestore: (finished: Finished) => void): Part {
  let held: Result<{ release(): void }, { detail: string }> | null = null;
  return {
    name: "data folder",
    start() {
      held = lockFolder(folder);
      if (!held.ok) throw new Error(held.error.detail);
      const finished = finishRestore(folder);
      if (finished !== "nothing") onRestore(finished);
    },
    stop() {
      if (held?.ok) held.value.release();
    },
  };
}

/** Calls `run` again and again, each time after the last has ended. */
function every(clock: Clock, name: string, intervalMs: number, run: () => void): Part {
  let cancel: (() => void) | null = null;
  const loop = (): void => {
    run();
    cancel = clock.after(intervalMs, loop);
  };
  return {
    name,
    start() {
      cancel = clock.after(intervalMs, loop);
    },
    stop() {
      cancel?.();
    },
  };
}

/** A count's growth a second, over the last ten or so; marked at each tick. */
function createRate(clock: Clock, count: () => number): { mark(): void; perSecond(): number } {
  const marks: { at: number; count: number }[] = [];
  return {
    mark() {
      marks.push({ at: clock.monotonic(), count: count() });
      while (marks.length > 2 && clock.monotonic() - (marks[1]?.at ?? 0) >= RATE_WINDOW_MS) marks.shift();
    },
    perSecond() {
      const [first, last] = [marks[0], marks.at(-1)];
      if (first === undefined || last === undefined || last.at === first.at) return 0;
      return ((last.count - first.count) * 1_000) / (last.at - first.at);
    },
  };
}
