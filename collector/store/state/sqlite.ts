/**
 * The embedded state store, over one SQLite file (sqlite-file.ts): what is kept, as rows. All calls are synchronous and
 * short; a commit is one fsync.
 */
import type { InventoryDevice, Lane } from "@aislewatch/contract";
import type { FaultRecord } from "@aislewatch/rules";
import type { CompiledQuery } from "kysely";
import type { PastFacts, PastOf } from "../../incidents/likeness.ts";
import { isEnded } from "../../incidents/log.ts";
import type { Report } from "../../incidents/report.ts";
import type { Incident, IncidentEvent } from "../../incidents/types.ts";
import { type StoredEvent, type StoredIncident, upcastEvent, upcastIncident } from "../../incidents/upcast.ts";
import type { AttemptRecord, GroupRecord, NotificationRecord } from "../../notify/record.ts";
import type { Watermark } from "../timeseries/store.ts";
import { type SpanRow, spanChanges } from "./device-spans.ts";
import { pastFacts, rowOfFacts } from "./facts-row.ts";
import { cursorOf, type ListOrder, placeOf } from "./list-place.ts";
import { createPages } from "./pages.ts";
import {
  type EndedPage,
  endedQuery,
  markNamesOut,
  type Rewrite,
  type Rewritten,
  removeIncident,
  rewriteRows,
  type Selection,
} from "./people.ts";
import { incidentList } from "./queries/incidents.ts";
import { attemptList } from "./queries/notifications.ts";
import { reportRows, reportSlots, reportSpans } from "./queries/reports.ts";
import { buildQueries, type Queries } from "./queries.ts";
import { createReports, type Reports } from "./reports.ts";
import { SQLITE, SqliteFile } from "./sqlite-file.ts";
import {
  type AgentCredential,
  type AgentRecord,
  type ApiToken,
  type AttemptFilter,
  type AuditRecord,
  type CommandRecord,
  type Commit,
  DEVICE_EVENTS,
  type DeviceEventRecord,
  type FoldedEpoch,
  type GapNote,
  type GapRecord,
  type IncidentChange,
  type IncidentFilter,
  type LateRecord,
  type LedgerLane,
  type LoginLink,
  type Pages,
  type PoisonRecord,
  type ReportQuery,
  type Role,
  type Session,
  type StateStore,
  type ThinnedRecord,
  type User,
} from "./store.ts";
import { asSqlValue } from "./template.ts";

export type SqliteOptions = {
  /** The database file; its folder must exist. SQLite keeps `<file>-wal` and `<file>-shm` beside it. */
  readonly file: string;
};

const LIMITS = {
  poisonMax: 1_000,
  poisonBytesMax: 64 * 1024,
  /** Each of what is missing, what was thinned, and what was said about it. */
  spansMax: 10_000,
  auditMax: 200_000,
  /** Of 48 KiB at most each. */
  commandsMax: 1_000,
  /** Sent or given up: what a recovery asks for to know who was told. */
  notificationsMax: 50_000,
  attemptsMax: 100_000,
  /** Devices that were swapped or removed, in ten years of a great chain. */
  deviceSpansMax: 500_000,
  pageMax: 1_000,
} as const;

export function createSqliteStore(options: SqliteOptions): StateStore {
  return new SqliteStore(options);
}

class SqliteStore implements StateStore {
  readonly #file: SqliteFile;
  readonly #queries: Queries = buildQueries(SQLITE);
  readonly pages: Pages;
  readonly #path: string;
  #reports: Reports;
  #incidentNumber = 0;
  /** Kept in memory, for counting them at each commit would cost more than writing them. */
  #deviceEventCount = 0;

  constructor(options: SqliteOptions) {
    this.#file = new SqliteFile(options.file);
    this.pages = createPages(this.#file, SQLITE);
    this.#path = options.file;
    this.#reports = createReports(this.#path);
  }

  async open(): Promise<void> {
    this.#reports = createReports(this.#path);
    this.#file.open(() => {
      this.#incidentNumber = this.#file.one(this.#queries.counter, { name: "incident" })?.value ?? 0;
      this.#deviceEventCount = this.#file.one(this.#queries.deviceEventCount, {})?.count ?? 0;
    });
  }

  commit(change: Commit): void {
    const queries = this.#queries;
    this.#deviceEventCount = this.#file.transaction(() => {
      for (const watermark of change.watermarks ?? []) this.#file.run(queries.putWatermark, watermark);
      for (const fault of change.faults ?? []) this.#putFault(fault);
      for (const incident of change.incidents ?? []) this.#putIncident(incident);
      for (const agent of change.agents ?? []) this.#putAgent(agent);
      for (const { fromSeq, toSeq, ...gap } of change.gaps ?? []) {
        this.#file.run(queries.addGap, { ...gap, from_seq: fromSeq, to_seq: toSeq });
      }
      if (change.gaps?.length) this.#file.run(queries.trimGaps, { kept: LIMITS.spansMax });
      for (const { site, agent, epoch, at } of change.folded ?? []) {
        this.#file.run(queries.dropLedger, { site, agent, epoch });
        this.#file.run(queries.putFolded, { site, agent, epoch, at });
      }
      for (const { site, agent, epoch } of change.forgotten ?? []) {
        this.#file.run(queries.dropFolded, { site, agent, epoch });
        this.#file.run(queries.dropWatermarks, { site, agent, epoch });
      }
      for (const lane of change.ledger ?? []) this.#file.run(queries.putLedger, ledgerRow(lane));
      for (const { fromSeq, toSeq, fromAt, toAt, ...span } of change.thinned ?? []) {
        const columns = { from_seq: fromSeq, to_seq: toSeq, from_at: fromAt, to_at: toAt };
        this.#file.run(queries.addThinned, { ...span, ...columns });
      }
      if (change.thinned?.length) this.#file.run(queries.trimThinned, { kept: LIMITS.spansMax });
      for (const late of change.late ?? []) this.#putLate(late);
      this.#putNotifications(change.notifications ?? [], change.attempts ?? []);
      for (const group of change.groups ?? []) this.#putGroup(group);
      for (const facts of change.facts ?? []) {
        if (facts.slot !== null) this.#file.run(queries.noteSlot, { slot: facts.slot });
        this.#file.run(queries.putFacts, rowOfFacts(facts));
      }
      if (change.incidents?.length) {
        this.#file.run(queries.putCounter, { name: "incident", value: this.#incidentNumber });
      }
      return this.#addDeviceEvents(change.deviceEvents ?? []);
    });
  }

  watermarks(): Watermark[] {
    return this.#file.all(this.#queries.watermarks, {}).map((row) => ({ ...row, lane: row.lane as Lane }));
  }

  faults(): FaultRecord[] {
    return this.#file.all(this.#queries.faults, {}).map(({ body }) => JSON.parse(body) as FaultRecord);
  }

  agents(): AgentRecord[] {
    return this.#file.all(this.#queries.agents, {}).map((row) => ({
      site: row.site,
      agent: row.agent,
      online: row.online === 1,
      status: row.status === null ? null : (JSON.parse(row.status) as AgentRecord["status"]),
      lastSeenAt: row.last_seen_at,
      judgedUntil: row.judged_until,
    }));
  }

  deviceEvents(site: string, device: string | null, limit: number): DeviceEventRecord[] {
    const bounded = Math.min(LIMITS.pageMax, Math.max(0, Math.floor(limit)));
    const rows =
      device === null
        ? this.#file.all(this.#queries.siteEvents, { site, limit: bounded })
        : this.#file.all(this.#queries.deviceEvents, { site, device, limit: bounded });
    return rows.map(({ id: _, recorded_at: recordedAt, ...row }) => ({ ...row, recordedAt }));
  }

  deviceEventsBetween(site: string, range: { from: number; until: number }, limit: number): DeviceEventRecord[] {
    return this.#file
      .all(this.#queries.siteEventsBetween, { site, ...range, limit: pageOf(limit) })
      .map(({ id: _, recorded_at: recordedAt, ...row }) => ({ ...row, recordedAt }));
  }

  past(of: PastOf, untilMs: number, limit: number): PastFacts[] {
    const { pastOfSlot, pastOfSerial, pastOfModel, pastOfSite, pastAt } = this.#queries;
    const page = { until: untilMs, limit: pageOf(limit) };
    const rows =
      "slot" in of
        ? this.#file.all(pastOfSlot, { ...of, ...page })
        : "serial" in of
          ? this.#file.all(pastOfSerial, { ...of, ...page })
          : "model" in of
            ? this.#file.all(pastOfModel, { ...of, ...page })
            : "rule" in of
              ? this.#file.all(pastOfSite, { ...of, ...page })
              : this.#file.all(pastAt, { ...of, ...page });
    return rows.map(pastFacts);
  }

  firstOpenedAt(): number | null {
    return this.#file.one(this.#queries.firstOpened, {})?.opened_at ?? null;
  }

  report(query: ReportQuery): Promise<Report> {
    const { site: _, kind: __, priorities: ___, calendars, ...options } = query;
    const { rows, named } = reportRows(SQLITE, query);
    const selection = ({ sql, parameters }: CompiledQuery) => ({ sql, values: parameters.map(asSqlValue) });
    const [facts, spans, names] = [selection(rows), selection(reportSpans(SQLITE, query)), reportSlots(SQLITE, query)];
    const slots = names === null ? null : selection(names);
    return this.#reports.make({ facts, spans, slots, named, options, calendars });
  }

  incidentIds(after: string, limit: number): string[] {
    return this.#file.all(this.#queries.incidentIds, { after, limit: pageOf(limit) }).map(({ id }) => id);
  }

  /** Kept in memory and written with the commit that uses it: a number that no incident got may be given again. */
  nextIncidentNumber(): number {
    return ++this.#incidentNumber;
  }

  incident(id: string): Incident | null {
    const row = this.#file.one(this.#queries.incident, { id });
    return row === null ? null : incidentOf(row.body);
  }

  incidentsOfKey(key: string, limit: number): Incident[] {
    return this.#file.all(this.#queries.incidentsOfKey, { key, limit }).map(({ body }) => incidentOf(body));
  }

  incidentsOfKeyAfter(key: string, openedAt: number, limit: number): Incident[] {
    const rows = this.#file.all(this.#queries.incidentsOfKeyAfter, { key, after: openedAt, limit });
    return rows.map(({ body }) => incidentOf(body));
  }

  incidentEvents(id: string): IncidentEvent[] {
    return this.#file
      .all(this.#queries.incidentEvents, { id })
      .map(({ body }) => upcastEvent(JSON.parse(body) as StoredEvent));
  }

  lastEventOf(id: string, type: IncidentEvent["type"]): IncidentEvent | null {
    const row = this.#file.one(this.#queries.lastEventOfType, { incident: id, type });
    return row === null ? null : upcastEvent(JSON.parse(row.body) as StoredEvent);
  }

  openIncidents(): { incident: Incident; key: string }[] {
    return this.#file.all(this.#queries.openIncidents, {}).map(({ key, body }) => ({
      incident: incidentOf(body),
      key,
    }));
  }

  incidents(
    filter: IncidentFilter,
    page: { limit: number; cursor: string | null; order?: ListOrder },
  ): { items: Incident[]; cursor: string | null; total: number } {
    const limit = Math.min(LIMITS.pageMax, Math.max(1, Math.floor(page.limit)));
    const { rows, total } = incidentList(SQLITE, filter, {
      ...{ limit, after: placeOf(page.cursor), order: page.order ?? "urgency" },
    });
    const found = this.#file.rows<{ body: string }>(rows.sql, rows.parameters.map(asSqlValue));
    const [count] = this.#file.rows<{ total: number }>(total.sql, total.parameters.map(asSqlValue));
    const items = found.slice(0, limit).map(({ body }) => incidentOf(body));
    const last = items.at(-1);
    return {
      items,
      cursor: found.length > limit && last !== undefined ? cursorOf(last) : null,
      total: count?.total ?? 0,
    };
  }

  putInventory(site: string, agent: string, devices: readonly InventoryDevice[], at: number): { refused: string[] } {
    const queries = this.#queries;
    return this.#file.transaction(() => {
      const foreign = new Set(this.#file.all(queries.foreignDevices, { site, agent }).map(({ id }) => id));
      // An id that stands twice in one inventory is one device: the later entry counts.
      const own = new Map(devices.filter(({ id }) => !foreign.has(id)).map((device) => [device.id, device]));
      this.#putSpans(this.#file.all(queries.openSpans, { site, agent }), site, [...own.values()], at);
      this.#file.run(queries.putInventory, { site, agent, at });
      this.#file.run(queries.removeDevices, { site, agent });
      let position = 0;
      for (const device of own.values()) {
        const { id, kind } = device;
        this.#file.run(queries.addDevice, {
          site,
          id,
          agent,
          position: position++,
          kind,
          body: JSON.stringify(device),
        });
        this.#file.run(queries.fillKind, { site, device: id, kind });
      }
      return { refused: [...new Set(devices.map(({ id }) => id))].filter((id) => foreign.has(id)) };
    });
  }

  #putSpans(open: readonly SpanRow[], site: string, now: readonly InventoryDevice[], at: number): void {
    const { beginSpan, endSpan, nameSpan, trimSpans } = this.#queries;
    const { ended, begun, named } = spanChanges(open, site, now, at);
    for (const id of ended) this.#file.run(endSpan, { id, until: at });
    for (const row of begun) this.#file.run(beginSpan, row);
    for (const row of named) this.#file.run(nameSpan, row);
    if (ended.length > 0) this.#file.run(trimSpans, { kept: LIMITS.deviceSpansMax });
  }

  inventory(): { site: string; agent: string; devices: InventoryDevice[] }[] {
    const byAgent = new Map<string, InventoryDevice[]>();
    for (const { site, agent, body } of this.#file.all(this.#queries.devices, {})) {
      const key = JSON.stringify([site, agent]);
      const devices = byAgent.get(key) ?? [];
      devices.push(JSON.parse(body) as InventoryDevice);
      byAgent.set(key, devices);
    }
    return this.#file.all(this.#queries.inventories, {}).map(({ site, agent }) => ({
      site,
      agent,
      devices: byAgent.get(JSON.stringify([site, agent])) ?? [],
    }));
  }

  removeAgent(site: string, agent: string, at: number): void {
    const { removeAgent, removeInventory, removeDevices, removeCredential, removeLate, openSpans } = this.#queries;
    this.#file.transaction(() => {
      this.#putSpans(this.#file.all(openSpans, { site, agent }), site, [], at);
      for (const query of [removeAgent, removeInventory, removeDevices, removeCredential, removeLate])
        this.#file.run(query, { site, agent });
    });
  }

  addPoison(record: PoisonRecord): void {
    const { site, agent, topic, at, reason, bytes } = record;
    this.#file.transaction(() => {
      const kept = bytes.subarray(0, LIMITS.poisonBytesMax);
      this.#file.run(this.#queries.addPoison, { site, agent, topic, at, reason, bytes: kept });
      this.#file.run(this.#queries.trimPoison, { kept: LIMITS.poisonMax });
    });
  }

  poisonCount(): number {
    return this.#file.one(this.#queries.poisonCount, {})?.count ?? 0;
  }

  gaps(): GapRecord[] {
    return this.#file.all(this.#queries.gaps, {}).map((row) => ({
      site: row.site,
      agent: row.agent,
      epoch: row.epoch,
      lane: row.lane as Lane,
      fromSeq: row.from_seq,
      toSeq: row.to_seq,
      at: row.at,
      reason: row.reason,
    }));
  }

  foldedEpochs(): FoldedEpoch[] {
    return this.#file.all(this.#queries.foldedEpochs, {});
  }

  ledger(): LedgerLane[] {
    return this.#file.all(this.#queries.ledger, {}).map((row) => ({
      site: row.site,
      agent: row.agent,
      epoch: row.epoch,
      lane: row.lane as Lane,
      firstSeq: row.first_seq,
      seq: row.seq,
      announced: row.announced,
      batches: row.batches,
      late: row.late,
      samples: row.samples,
      repeats: row.repeats,
      thinnedBatches: row.thinned_batches,
      thinnedSamples: row.thinned_samples,
      lostBatches: row.lost_batches,
      lastAt: row.last_at,
    }));
  }

  thinned(): ThinnedRecord[] {
    return this.#file
      .all(this.#queries.thinned, {})
      .map(({ id: _, from_seq: fromSeq, to_seq: toSeq, from_at: fromAt, to_at: toAt, lane, ...row }) => ({
        ...row,
        ...{ lane: lane as Lane, fromSeq, toSeq, fromAt, toAt },
      }));
  }

  late(): LateRecord[] {
    return this.#file.all(this.#queries.late, {}).map((row) => ({ ...row, part: row.part as LateRecord["part"] }));
  }

  addGapNotes(notes: readonly GapNote[]): void {
    this.#file.transaction(() => {
      for (const { fromSeq, toSeq, by, ...note } of notes) {
        this.#file.run(this.#queries.addGapNote, { ...note, from_seq: fromSeq, to_seq: toSeq, by_whom: by });
      }
      this.#file.run(this.#queries.trimGapNotes, { kept: LIMITS.spansMax });
    });
  }

  gapNotes(): GapNote[] {
    return this.#file
      .all(this.#queries.gapNotes, {})
      .map(({ id: _, from_seq: fromSeq, to_seq: toSeq, by_whom: by, lane, ...row }) => ({
        ...row,
        ...{ lane: lane as Lane, fromSeq, toSeq, by },
      }));
  }

  waitingNotifications(): NotificationRecord[] {
    return this.#file
      .all(this.#queries.waitingNotifications, {})
      .map(({ body }) => JSON.parse(body) as NotificationRecord);
  }

  notification(id: string, channel: string): NotificationRecord | null {
    const row = this.#file.one(this.#queries.notification, { notification: id, channel });
    return row === null ? null : (JSON.parse(row.body) as NotificationRecord);
  }

  notificationsOf(incident: string, limit: number): NotificationRecord[] {
    return this.#file
      .all(this.#queries.notificationsOf, { incident, limit: pageOf(limit) })
      .map(({ body }) => JSON.parse(body) as NotificationRecord);
  }

  attempts(of: { readonly incident: string } | { readonly channel: string } | null, limit: number): AttemptRecord[] {
    const { attempts, attemptsOfIncident, attemptsOfChannel } = this.#queries;
    const page = pageOf(limit);
    const rows =
      of === null
        ? this.#file.all(attempts, { limit: page })
        : "incident" in of
          ? this.#file.all(attemptsOfIncident, { ...of, limit: page })
          : this.#file.all(attemptsOfChannel, { ...of, limit: page });
    return rows.map(({ body }) => JSON.parse(body) as AttemptRecord);
  }

  attemptPage(
    filter: AttemptFilter,
    { limit, before }: { readonly limit: number; readonly before: number | null },
  ): { items: AttemptRecord[]; next: number | null } {
    const page = Math.max(1, pageOf(limit));
    const { sql, parameters } = attemptList(SQLITE, filter, { limit: page, before });
    const found = this.#file.rows<{ id: number; body: string }>(sql, parameters.map(asSqlValue));
    const items = found.slice(0, page);
    return {
      items: items.map(({ body }) => JSON.parse(body) as AttemptRecord),
      next: found.length > page ? (items.at(-1)?.id ?? null) : null,
    };
  }

  notificationGroups(): GroupRecord[] {
    return this.#file.all(this.#queries.notificationGroups, {}).map(({ body }) => JSON.parse(body) as GroupRecord);
  }

  putCommand(command: CommandRecord): void {
    const { id, issuedAt, site, agent, state } = command;
    this.#file.transaction(() => {
      this.#file.run(this.#queries.putCommand, {
        id,
        issued_at: issuedAt,
        site,
        agent,
        state,
        body: JSON.stringify(command),
      });
      this.#file.run(this.#queries.trimCommands, { limit: LIMITS.commandsMax });
    });
  }

  command(id: string): CommandRecord | null {
    const row = this.#file.one(this.#queries.command, { id });
    return row === null ? null : (JSON.parse(row.body) as CommandRecord);
  }

  commands(filter: { site: string; agent: string } | null, limit: number): CommandRecord[] {
    const bounded = Math.min(LIMITS.pageMax, Math.max(0, Math.floor(limit)));
    const rows =
      filter === null
        ? this.#file.all(this.#queries.commands, { limit: bounded })
        : this.#file.all(this.#queries.commandsOfAgent, { ...filter, limit: bounded });
    return rows.map(({ body }) => JSON.parse(body) as CommandRecord);
  }

  users(): User[] {
    return this.#file.all(this.#queries.users, {}).map((row) => ({
      name: row.name,
      role: row.role as Role,
      passwordHash: row.password_hash,
      createdAt: row.created_at,
    }));
  }

  putUser({ name, role, passwordHash, createdAt }: User): void {
    this.#file.run(this.#queries.putUser, { name, role, password_hash: passwordHash, created_at: createdAt });
  }

  removeUser(name: string): boolean {
    return this.#file.run(this.#queries.removeUser, { name }) > 0;
  }

  putAgentCredential({ site, agent, passwordHash }: AgentCredential): void {
    this.#file.run(this.#queries.putCredential, { site, agent, password_hash: passwordHash });
  }

  agentCredentials(): AgentCredential[] {
    return this.#file
      .all(this.#queries.credentials, {})
      .map(({ site, agent, password_hash: passwordHash }) => ({ site, agent, passwordHash }));
  }

  agentCredential(site: string, agent: string): AgentCredential | null {
    const row = this.#file.one(this.#queries.credential, { site, agent });
    return row === null ? null : { site: row.site, agent: row.agent, passwordHash: row.password_hash };
  }

  putSession({ idHash, user, createdAt, expiresAt }: Session): void {
    this.#file.transaction(() => {
      this.#file.run(this.#queries.removeEndedSessions, { hash: idHash, now: createdAt });
      this.#file.run(this.#queries.putSession, {
        id_hash: idHash,
        user_name: user,
        created_at: createdAt,
        expires_at: expiresAt,
      });
    });
  }

  session(idHash: string, nowMs: number): (Session & { role: Role }) | null {
    const row = this.#file.one(this.#queries.session, { hash: idHash, now: nowMs });
    if (row === null) return null;
    return {
      idHash: row.id_hash,
      user: row.user_name,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
      role: row.role as Role,
    };
  }

  removeSession(idHash: string): void {
    this.#file.run(this.#queries.removeSession, { hash: idHash });
  }

  putToken({ name, tokenHash, role, createdAt }: ApiToken): void {
    this.#file.run(this.#queries.putToken, { name, token_hash: tokenHash, role, created_at: createdAt });
  }

  token(tokenHash: string): ApiToken | null {
    const row = this.#file.one(this.#queries.token, { hash: tokenHash });
    if (row === null) return null;
    return { name: row.name, tokenHash: row.token_hash, role: row.role as Role, createdAt: row.created_at };
  }

  putLoginLink({ tokenHash, user, expiresAt }: LoginLink): void {
    this.#file.run(this.#queries.putLink, { token_hash: tokenHash, user_name: user, expires_at: expiresAt });
  }

  takeLoginLink(tokenHash: string, nowMs: number): LoginLink | null {
    return this.#file.transaction(() => {
      this.#file.run(this.#queries.removeEndedLinks, { hash: tokenHash, now: nowMs });
      const row = this.#file.one(this.#queries.takeLink, { hash: tokenHash });
      return row === null ? null : { tokenHash: row.token_hash, user: row.user_name, expiresAt: row.expires_at };
    });
  }

  audit({ at, actor, action, detail }: AuditRecord): void {
    this.#file.transaction(() => {
      this.#file.run(this.#queries.addAudit, { at, actor, action, detail });
      this.#file.run(this.#queries.trimAudit, { kept: LIMITS.auditMax });
    });
  }

  auditLog(limit: number): AuditRecord[] {
    return this.#file.all(this.#queries.audit, { limit: Math.max(0, Math.floor(limit)) }).map((row) => ({ ...row }));
  }

  rewritePeople(
    selection: Selection,
    rewrite: Rewrite,
    { audit, note }: { audit?: AuditRecord; note?: { name: string; text: string } } = {},
  ): Rewritten {
    return this.#file.transaction(() => {
      const done = rewriteRows(this.#file, SQLITE, selection, rewrite, wordsOf);
      if (audit !== undefined) this.#file.run(this.#queries.addAudit, audit);
      if (note !== undefined) this.#file.run(this.#queries.putDocument, { name: note.name, body: note.text });
      return done;
    });
  }

  endedIncidents(page: EndedPage): Incident[] {
    const { sql, parameters } = endedQuery(SQLITE, { ...page, limit: pageOf(page.limit) });
    return this.#file.rows<{ body: string }>(sql, parameters.map(asSqlValue)).map(({ body }) => incidentOf(body));
  }

  takeNamesOut(incidents: readonly string[], rewrite: Rewrite): void {
    this.#file.transaction(() => {
      for (const incident of incidents) {
        rewriteRows(this.#file, SQLITE, { incident }, rewrite, wordsOf);
        markNamesOut(this.#file, SQLITE, incident);
      }
    });
  }

  forgetIncidents(incidents: readonly string[]): void {
    this.#file.transaction(() => {
      for (const incident of incidents) removeIncident(this.#file, SQLITE, incident);
    });
  }

  compact(): boolean {
    return this.#file.compact();
  }

  document(name: string): string | null {
    return this.#file.one(this.#queries.document, { name })?.body ?? null;
  }

  putDocument(name: string, text: string): void {
    this.#file.run(this.#queries.putDocument, { name, body: text });
  }

  async close(): Promise<void> {
    await this.#reports.close();
    this.#file.close();
  }

  #putFault(fault: FaultRecord): void {
    const { site, device, component } = fault.subject;
    const key = { site, device: device ?? "", component: component ?? "", rule: fault.rule };
    // An inactive one may have something to remember: what its rule counts toward flapping, for example.
    if (Object.keys(fault.detail).length === 0) this.#file.run(this.#queries.removeFault, key);
    else this.#file.run(this.#queries.putFault, { ...key, body: JSON.stringify(fault) });
  }

  /** How many there are then. */
  #addDeviceEvents(events: readonly DeviceEventRecord[]): number {
    let count = this.#deviceEventCount + events.length;
    const devices = new Map<string, { site: string; device: string }>();
    for (const { recordedAt, ...event } of events) {
      this.#file.run(this.#queries.addDeviceEvent, { ...event, recorded_at: recordedAt });
      devices.set(JSON.stringify([event.site, event.device]), { site: event.site, device: event.device });
    }
    for (const key of devices.values()) {
      count -= this.#file.run(this.#queries.trimDeviceEvents, { ...key, limit: DEVICE_EVENTS.perDeviceMax });
    }
    const excess = count - DEVICE_EVENTS.max;
    return excess > 0 ? count - this.#file.run(this.#queries.removeOldestDeviceEvents, { limit: excess }) : count;
  }

  #putIncident({ incident, key, events }: IncidentChange): void {
    const { id, subject } = incident;
    this.#file.run(this.#queries.putIncident, {
      id,
      key,
      site: subject.site,
      device: subject.device,
      state: incident.state,
      is_open: isEnded(incident) ? 0 : 1,
      recovered: incident.recoveredAt === null ? 0 : 1,
      priority: incident.priority,
      opened_at: incident.openedAt,
      for_review: incident.review === null ? 0 : 1,
      parent: incident.parent,
      words: wordsOf(incident),
      body: JSON.stringify(incident),
    });
    for (const event of events) {
      const { seq, at, type } = event;
      this.#file.run(this.#queries.addEvent, { incident: id, seq, at, type, body: JSON.stringify(event) });
    }
  }

  #putNotifications(records: readonly NotificationRecord[], attempts: readonly AttemptRecord[]): void {
    for (const record of records) {
      const { id: notification, channel, incident, state } = record;
      const row = { notification, channel, incident, state, body: JSON.stringify(record) };
      this.#file.run(this.#queries.putNotification, row);
    }
    for (const attempt of attempts) {
      const { notification, channel, incident, outcome } = attempt;
      const row = { notification, channel, incident, outcome, body: JSON.stringify(attempt) };
      this.#file.run(this.#queries.addAttempt, row);
    }
    if (records.length > 0) this.#file.run(this.#queries.trimNotifications, { kept: LIMITS.notificationsMax });
    if (attempts.length > 0) this.#file.run(this.#queries.trimAttempts, { kept: LIMITS.attemptsMax });
  }

  #putGroup(group: GroupRecord): void {
    const { id, isClosed } = group;
    if (isClosed) this.#file.run(this.#queries.removeNotificationGroup, { id });
    else this.#file.run(this.#queries.putNotificationGroup, { id, body: JSON.stringify(group) });
  }

  #putLate({ body, ...key }: NonNullable<Commit["late"]>[number]): void {
    if (body === null) this.#file.run(this.#queries.removeLatePart, key);
    else this.#file.run(this.#queries.putLate, { ...key, body });
  }

  #putAgent({ site, agent, online, status, lastSeenAt, judgedUntil }: AgentRecord): void {
    this.#file.run(this.#queries.putAgent, {
      site,
      agent,
      online: online ? 1 : 0,
      status: status === null ? null : JSON.stringify(status),
      last_seen_at: lastSeenAt,
      judged_until: judgedUntil,
    });
  }
}

const pageOf = (limit: number): number => Math.min(LIMITS.pageMax, Math.max(0, Math.floor(limit)));

/** What the list's search looks in. */
function wordsOf({ id, title, subject, rule, assignee, group, vendor }: Incident): string {
  const words = [id, title, subject.device, rule, assignee, group, vendor?.ref].filter((word) => word != null);
  return words.join("\n").toLowerCase();
}

const ledgerRow = (lane: LedgerLane) => ({
  site: lane.site,
  agent: lane.agent,
  epoch: lane.epoch,
  lane: lane.lane,
  first_seq: lane.firstSeq,
  seq: lane.seq,
  announced: lane.announced,
  batches: lane.batches,
  late: lane.late,
  samples: lane.samples,
  repeats: lane.repeats,
  thinned_batches: lane.thinnedBatches,
  thinned_samples: lane.thinnedSamples,
  lost_batches: lane.lostBatches,
  last_at: lane.lastAt,
});

const incidentOf = (body: string): Incident => upcastIncident(JSON.parse(body) as StoredIncident);
