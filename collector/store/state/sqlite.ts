/**
 * The embedded state store: one SQLite file in WAL mode with `synchronous = FULL`, so that what `commit` returned from
 * survives a power cut. All calls are synchronous and short; a commit is one fsync.
 */
import { statSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { errorText } from "@aislewatch/base";
import type { InventoryDevice, Lane } from "@aislewatch/contract";
import type { FaultRecord } from "@aislewatch/rules";
import type { Incident, IncidentEvent } from "../../incidents/types.ts";
import { StoreError, type StoreFailure } from "../error.ts";
import type { Watermark } from "../timeseries/store.ts";
import { migrations, schemaVersionTable } from "./migrations.ts";
import { buildQueries, CLOSED_STATES, incidentList, type ListPlace, type Queries } from "./queries.ts";
import {
  type AgentCredential,
  type AgentRecord,
  type ApiToken,
  type AuditRecord,
  type CommandRecord,
  type Commit,
  DEVICE_EVENTS,
  type DeviceEventRecord,
  type GapNote,
  type GapRecord,
  type IncidentChange,
  type IncidentFilter,
  type LateRecord,
  type LedgerLane,
  type LoginLink,
  type PoisonRecord,
  type Role,
  type Session,
  type StateStore,
  type ThinnedRecord,
  type User,
} from "./store.ts";
import { asSqlValue, compilerFor, type SqlValue, type Template } from "./template.ts";

export type SqliteOptions = {
  /** The database file; its folder must exist. SQLite keeps `<file>-wal` and `<file>-shm` beside it. */
  readonly file: string;
};

const LIMITS = {
  /** Another process (a backup, `sqlite3` on the command line) may hold the file this long. */
  busyMs: 5_000,
  /** Statements kept prepared: all templates and the usual filters of the list. */
  statementsMax: 256,
  /** The write-ahead log is cut back to this after a checkpoint. */
  logBytesMax: 64 * 1024 * 1024,
  /** Checking a file of this size at start takes about a second; a greater one is checked by hand. */
  checkedBytesMax: 512 * 1024 * 1024,
  poisonMax: 1_000,
  poisonBytesMax: 64 * 1024,
  /** Each of what is missing, what was thinned, and what was said about it. */
  spansMax: 10_000,
  auditMax: 200_000,
  /** Of 48 KiB at most each. */
  commandsMax: 1_000,
  pageMax: 1_000,
} as const;

export function createSqliteStore(options: SqliteOptions): StateStore {
  return new SqliteStore(options);
}

class SqliteStore implements StateStore {
  readonly #file: string;
  readonly #compiler = compilerFor("sqlite");
  readonly #queries: Queries = buildQueries(this.#compiler);
  readonly #statements = new Map<string, StatementSync>();
  #database: DatabaseSync | null = null;
  #incidentNumber = 0;
  /** Kept in memory, for counting them at each commit would cost more than writing them. */
  #deviceEventCount = 0;

  constructor(options: SqliteOptions) {
    this.#file = options.file;
  }

  async open(): Promise<void> {
    if (this.#database !== null) throw new StoreError("closed", "this store is open already");
    try {
      const database = new DatabaseSync(this.#file, { timeout: LIMITS.busyMs, enableForeignKeyConstraints: true });
      this.#database = database;
      database.exec(`
        pragma journal_mode = wal;
        pragma synchronous = full;
        pragma journal_size_limit = ${LIMITS.logBytesMax};
      `);
      this.#migrate(database);
      this.#check(database);
      this.#incidentNumber = this.#one(this.#queries.counter, { name: "incident" })?.value ?? 0;
      this.#deviceEventCount = this.#one(this.#queries.deviceEventCount, {})?.count ?? 0;
    } catch (thrown) {
      this.#release();
      throw this.#named(thrown);
    }
  }

  commit(change: Commit): void {
    const queries = this.#queries;
    this.#deviceEventCount = this.#transaction(() => {
      for (const watermark of change.watermarks ?? []) this.#run(queries.putWatermark, watermark);
      for (const fault of change.faults ?? []) this.#putFault(fault);
      for (const incident of change.incidents ?? []) this.#putIncident(incident);
      for (const agent of change.agents ?? []) this.#putAgent(agent);
      for (const { fromSeq, toSeq, ...gap } of change.gaps ?? []) {
        this.#run(queries.addGap, { ...gap, from_seq: fromSeq, to_seq: toSeq });
      }
      if (change.gaps?.length) this.#run(queries.trimGaps, { kept: LIMITS.spansMax });
      for (const lane of change.ledger ?? []) this.#run(queries.putLedger, ledgerRow(lane));
      for (const { fromSeq, toSeq, fromAt, toAt, ...span } of change.thinned ?? []) {
        const columns = { from_seq: fromSeq, to_seq: toSeq, from_at: fromAt, to_at: toAt };
        this.#run(queries.addThinned, { ...span, ...columns });
      }
      if (change.thinned?.length) this.#run(queries.trimThinned, { kept: LIMITS.spansMax });
      for (const late of change.late ?? []) this.#putLate(late);
      if (change.incidents?.length) {
        this.#run(queries.putCounter, { name: "incident", value: this.#incidentNumber });
      }
      return this.#addDeviceEvents(change.deviceEvents ?? []);
    });
  }

  watermarks(): Watermark[] {
    return this.#all(this.#queries.watermarks, {}).map((row) => ({ ...row, lane: row.lane as Lane }));
  }

  faults(): FaultRecord[] {
    return this.#all(this.#queries.faults, {}).map(({ body }) => JSON.parse(body) as FaultRecord);
  }

  agents(): AgentRecord[] {
    return this.#all(this.#queries.agents, {}).map((row) => ({
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
        ? this.#all(this.#queries.siteEvents, { site, limit: bounded })
        : this.#all(this.#queries.deviceEvents, { site, device, limit: bounded });
    return rows.map(({ id: _, recorded_at: recordedAt, ...row }) => ({ ...row, recordedAt }));
  }

  /** Kept in memory and written with the commit that uses it: a number that no incident got may be given again. */
  nextIncidentNumber(): number {
    return ++this.#incidentNumber;
  }

  incident(id: string): Incident | null {
    const row = this.#one(this.#queries.incident, { id });
    return row === null ? null : (JSON.parse(row.body) as Incident);
  }

  incidentEvents(id: string): IncidentEvent[] {
    return this.#all(this.#queries.incidentEvents, { id }).map(({ body }) => JSON.parse(body) as IncidentEvent);
  }

  openIncidents(): { incident: Incident; key: string }[] {
    return this.#all(this.#queries.openIncidents, {}).map(({ key, body }) => ({
      incident: JSON.parse(body) as Incident,
      key,
    }));
  }

  incidents(
    filter: IncidentFilter,
    page: { limit: number; cursor: string | null },
  ): { items: Incident[]; cursor: string | null; total: number } {
    const limit = Math.min(LIMITS.pageMax, Math.max(1, Math.floor(page.limit)));
    const { rows, total } = incidentList(this.#compiler, filter, { limit, after: placeOf(page.cursor) });
    const found = this.#rows<{ body: string }>(rows.sql, rows.parameters.map(asSqlValue));
    const [count] = this.#rows<{ total: number }>(total.sql, total.parameters.map(asSqlValue));
    const items = found.slice(0, limit).map(({ body }) => JSON.parse(body) as Incident);
    const last = items.at(-1);
    return {
      items,
      cursor: found.length > limit && last !== undefined ? cursorOf(last) : null,
      total: count?.total ?? 0,
    };
  }

  putInventory(site: string, agent: string, devices: readonly InventoryDevice[], at: number): { refused: string[] } {
    const queries = this.#queries;
    return this.#transaction(() => {
      const foreign = new Set(this.#all(queries.foreignDevices, { site, agent }).map(({ id }) => id));
      // An id that stands twice in one inventory is one device: the later entry counts.
      const own = new Map(devices.filter(({ id }) => !foreign.has(id)).map((device) => [device.id, device]));
      this.#run(queries.putInventory, { site, agent, at });
      this.#run(queries.removeDevices, { site, agent });
      let position = 0;
      for (const device of own.values()) {
        const { id, kind } = device;
        this.#run(queries.addDevice, { site, id, agent, position: position++, kind, body: JSON.stringify(device) });
        this.#run(queries.fillKind, { site, device: id, kind });
      }
      return { refused: [...new Set(devices.map(({ id }) => id))].filter((id) => foreign.has(id)) };
    });
  }

  inventory(): { site: string; agent: string; devices: InventoryDevice[] }[] {
    const byAgent = new Map<string, InventoryDevice[]>();
    for (const { site, agent, body } of this.#all(this.#queries.devices, {})) {
      const key = JSON.stringify([site, agent]);
      const devices = byAgent.get(key) ?? [];
      devices.push(JSON.parse(body) as InventoryDevice);
      byAgent.set(key, devices);
    }
    return this.#all(this.#queries.inventories, {}).map(({ site, agent }) => ({
      site,
      agent,
      devices: byAgent.get(JSON.stringify([site, agent])) ?? [],
    }));
  }

  removeAgent(site: string, agent: string): void {
    const { removeAgent, removeInventory, removeDevices, removeCredential, removeLate } = this.#queries;
    this.#transaction(() => {
      for (const query of [removeAgent, removeInventory, removeDevices, removeCredential, removeLate])
        this.#run(query, { site, agent });
    });
  }

  addPoison(record: PoisonRecord): void {
    const { site, agent, topic, at, reason, bytes } = record;
    this.#transaction(() => {
      const kept = bytes.subarray(0, LIMITS.poisonBytesMax);
      this.#run(this.#queries.addPoison, { site, agent, topic, at, reason, bytes: kept });
      this.#run(this.#queries.trimPoison, { kept: LIMITS.poisonMax });
    });
  }

  poisonCount(): number {
    return this.#one(this.#queries.poisonCount, {})?.count ?? 0;
  }

  gaps(): GapRecord[] {
    return this.#all(this.#queries.gaps, {}).map((row) => ({
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

  ledger(): LedgerLane[] {
    return this.#all(this.#queries.ledger, {}).map((row) => ({
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
    return this.#all(this.#queries.thinned, {}).map(
      ({ id: _, from_seq: fromSeq, to_seq: toSeq, from_at: fromAt, to_at: toAt, lane, ...row }) => ({
        ...row,
        ...{ lane: lane as Lane, fromSeq, toSeq, fromAt, toAt },
      }),
    );
  }

  late(): LateRecord[] {
    return this.#all(this.#queries.late, {}).map((row) => ({ ...row, part: row.part as LateRecord["part"] }));
  }

  addGapNotes(notes: readonly GapNote[]): void {
    this.#transaction(() => {
      for (const { fromSeq, toSeq, by, ...note } of notes) {
        this.#run(this.#queries.addGapNote, { ...note, from_seq: fromSeq, to_seq: toSeq, by_whom: by });
      }
      this.#run(this.#queries.trimGapNotes, { kept: LIMITS.spansMax });
    });
  }

  gapNotes(): GapNote[] {
    return this.#all(this.#queries.gapNotes, {}).map(
      ({ id: _, from_seq: fromSeq, to_seq: toSeq, by_whom: by, lane, ...row }) => ({
        ...row,
        ...{ lane: lane as Lane, fromSeq, toSeq, by },
      }),
    );
  }

  putCommand(command: CommandRecord): void {
    const { id, issuedAt, site, agent, state } = command;
    this.#transaction(() => {
      this.#run(this.#queries.putCommand, {
        id,
        issued_at: issuedAt,
        site,
        agent,
        state,
        body: JSON.stringify(command),
      });
      this.#run(this.#queries.trimCommands, { limit: LIMITS.commandsMax });
    });
  }

  command(id: string): CommandRecord | null {
    const row = this.#one(this.#queries.command, { id });
    return row === null ? null : (JSON.parse(row.body) as CommandRecord);
  }

  commands(filter: { site: string; agent: string } | null, limit: number): CommandRecord[] {
    const bounded = Math.min(LIMITS.pageMax, Math.max(0, Math.floor(limit)));
    const rows =
      filter === null
        ? this.#all(this.#queries.commands, { limit: bounded })
        : this.#all(this.#queries.commandsOfAgent, { ...filter, limit: bounded });
    return rows.map(({ body }) => JSON.parse(body) as CommandRecord);
  }

  users(): User[] {
    return this.#all(this.#queries.users, {}).map((row) => ({
      name: row.name,
      role: row.role as Role,
      passwordHash: row.password_hash,
      createdAt: row.created_at,
    }));
  }

  putUser({ name, role, passwordHash, createdAt }: User): void {
    this.#run(this.#queries.putUser, { name, role, password_hash: passwordHash, created_at: createdAt });
  }

  removeUser(name: string): boolean {
    return this.#run(this.#queries.removeUser, { name }) > 0;
  }

  putAgentCredential({ site, agent, passwordHash }: AgentCredential): void {
    this.#run(this.#queries.putCredential, { site, agent, password_hash: passwordHash });
  }

  agentCredential(site: string, agent: string): AgentCredential | null {
    const row = this.#one(this.#queries.credential, { site, agent });
    return row === null ? null : { site: row.site, agent: row.agent, passwordHash: row.password_hash };
  }

  putSession({ idHash, user, createdAt, expiresAt }: Session): void {
    this.#transaction(() => {
      this.#run(this.#queries.removeEndedSessions, { hash: idHash, now: createdAt });
      this.#run(this.#queries.putSession, {
        id_hash: idHash,
        user_name: user,
        created_at: createdAt,
        expires_at: expiresAt,
      });
    });
  }

  session(idHash: string, nowMs: number): (Session & { role: Role }) | null {
    const row = this.#one(this.#queries.session, { hash: idHash, now: nowMs });
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
    this.#run(this.#queries.removeSession, { hash: idHash });
  }

  putToken({ name, tokenHash, role, createdAt }: ApiToken): void {
    this.#run(this.#queries.putToken, { name, token_hash: tokenHash, role, created_at: createdAt });
  }

  token(tokenHash: string): ApiToken | null {
    const row = this.#one(this.#queries.token, { hash: tokenHash });
    if (row === null) return null;
    return { name: row.name, tokenHash: row.token_hash, role: row.role as Role, createdAt: row.created_at };
  }

  putLoginLink({ tokenHash, user, expiresAt }: LoginLink): void {
    this.#run(this.#queries.putLink, { token_hash: tokenHash, user_name: user, expires_at: expiresAt });
  }

  takeLoginLink(tokenHash: string, nowMs: number): LoginLink | null {
    return this.#transaction(() => {
      this.#run(this.#queries.removeEndedLinks, { hash: tokenHash, now: nowMs });
      const row = this.#one(this.#queries.takeLink, { hash: tokenHash });
      return row === null ? null : { tokenHash: row.token_hash, user: row.user_name, expiresAt: row.expires_at };
    });
  }

  audit({ at, actor, action, detail }: AuditRecord): void {
    this.#transaction(() => {
      this.#run(this.#queries.addAudit, { at, actor, action, detail });
      this.#run(this.#queries.trimAudit, { kept: LIMITS.auditMax });
    });
  }

  auditLog(limit: number): AuditRecord[] {
    return this.#all(this.#queries.audit, { limit: Math.max(0, Math.floor(limit)) }).map((row) => ({ ...row }));
  }

  document(name: string): string | null {
    return this.#one(this.#queries.document, { name })?.body ?? null;
  }

  putDocument(name: string, text: string): void {
    this.#run(this.#queries.putDocument, { name, body: text });
  }

  async close(): Promise<void> {
    if (this.#database === null) return;
    try {
      this.#database.exec("pragma wal_checkpoint(truncate)");
    } catch (thrown) {
      // The log stays and is read at the next start; only a full disk or a reader elsewhere gets here.
      if (this.#named(thrown).kind === "failed") throw this.#named(thrown);
    } finally {
      this.#release();
    }
  }

  #putFault(fault: FaultRecord): void {
    const { site, device, component } = fault.subject;
    const key = { site, device: device ?? "", component: component ?? "", rule: fault.rule };
    // An inactive one may have something to remember: what its rule counts toward flapping, for example.
    if (Object.keys(fault.detail).length === 0) this.#run(this.#queries.removeFault, key);
    else this.#run(this.#queries.putFault, { ...key, body: JSON.stringify(fault) });
  }

  /** How many there are then. */
  #addDeviceEvents(events: readonly DeviceEventRecord[]): number {
    let count = this.#deviceEventCount + events.length;
    const devices = new Map<string, { site: string; device: string }>();
    for (const { recordedAt, ...event } of events) {
      this.#run(this.#queries.addDeviceEvent, { ...event, recorded_at: recordedAt });
      devices.set(JSON.stringify([event.site, event.device]), { site: event.site, device: event.device });
    }
    for (const key of devices.values()) {
      count -= this.#run(this.#queries.trimDeviceEvents, { ...key, limit: DEVICE_EVENTS.perDeviceMax });
    }
    const excess = count - DEVICE_EVENTS.max;
    return excess > 0 ? count - this.#run(this.#queries.removeOldestDeviceEvents, { limit: excess }) : count;
  }

  #putIncident({ incident, key, events }: IncidentChange): void {
    const { id, subject, title, rule, assignee } = incident;
    this.#run(this.#queries.putIncident, {
      id,
      key,
      site: subject.site,
      device: subject.device,
      state: incident.state,
      is_open: CLOSED_STATES.has(incident.state) ? 0 : 1,
      recovered: incident.recoveredAt === null ? 0 : 1,
      priority: incident.priority,
      opened_at: incident.openedAt,
      words: [id, title, subject.device ?? "", rule, assignee ?? ""].join("\n").toLowerCase(),
      body: JSON.stringify(incident),
    });
    for (const event of events) {
      const { seq, at, type } = event;
      this.#run(this.#queries.addEvent, { incident: id, seq, at, type, body: JSON.stringify(event) });
    }
  }

  #putLate({ body, ...key }: NonNullable<Commit["late"]>[number]): void {
    if (body === null) this.#run(this.#queries.removeLatePart, key);
    else this.#run(this.#queries.putLate, { ...key, body });
  }

  #putAgent({ site, agent, online, status, lastSeenAt, judgedUntil }: AgentRecord): void {
    this.#run(this.#queries.putAgent, {
      site,
      agent,
      online: online ? 1 : 0,
      status: status === null ? null : JSON.stringify(status),
      last_seen_at: lastSeenAt,
      judged_until: judgedUntil,
    });
  }

  #migrate(database: DatabaseSync): void {
    database.exec(schemaVersionTable(this.#compiler).sql);
    const [row] = this.#rows<{ version: number | null }>("select max(version) as version from schema_version", []);
    const version = row?.version ?? 0;
    const newest = migrations.at(-1)?.version ?? 0;
    if (version > newest) {
      throw new StoreError(
        "newer_schema",
        `${this.#file} has schema version ${version}; this program knows ${newest}. Start the version that wrote it, or restore a backup from before`,
      );
    }
    for (const migration of migrations) {
      if (migration.version <= version) continue;
      this.#transaction(() => {
        for (const { sql } of migration.statements(this.#compiler, "sqlite")) database.exec(sql);
        database.exec(`insert into schema_version (version) values (${migration.version})`);
      });
    }
  }

  /** A damaged file is refused at start, not met in the middle of a commit. */
  #check(database: DatabaseSync): void {
    if (statSync(this.#file).size > LIMITS.checkedBytesMax) return;
    const [row] = database.prepare("pragma quick_check(1)").all();
    const verdict = row?.["quick_check"];
    if (verdict !== "ok") throw new StoreError("corrupt", `${this.#file} is damaged: ${String(verdict)}`);
  }

  #transaction<T>(work: () => T): T {
    const database = this.#opened();
    try {
      database.exec("begin immediate");
      const result = work();
      database.exec("commit");
      return result;
    } catch (thrown) {
      // A full disk has already rolled back by itself.
      if (database.isTransaction) database.exec("rollback");
      throw this.#named(thrown);
    }
  }

  #run<Params>(query: Template<Params, unknown>, params: Params): number {
    try {
      return Number(this.#statement(query.sql).run(...query.values(params)).changes);
    } catch (thrown) {
      throw this.#named(thrown);
    }
  }

  #one<Params, Row>(query: Template<Params, Row>, params: Params): Row | null {
    return this.#all(query, params)[0] ?? null;
  }

  #all<Params, Row>(query: Template<Params, Row>, params: Params): Row[] {
    return this.#rows<Row>(query.sql, query.values(params));
  }

  /** The edge: rows are what the query's types say because the tables are ours and checked at start. */
  #rows<Row>(sql: string, values: readonly SqlValue[]): Row[] {
    try {
      return this.#statement(sql).all(...values) as Row[];
    } catch (thrown) {
      throw this.#named(thrown);
    }
  }

  #statement(sql: string): StatementSync {
    const database = this.#opened();
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      if (this.#statements.size >= LIMITS.statementsMax) this.#statements.clear();
      statement = database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #opened(): DatabaseSync {
    if (this.#database === null) throw new StoreError("closed", "the state store is not open");
    return this.#database;
  }

  #release(): void {
    this.#statements.clear();
    if (this.#database?.isOpen) this.#database.close();
    this.#database = null;
  }

  #named(thrown: unknown): StoreError {
    if (thrown instanceof StoreError) return thrown;
    const kind = kindOf(thrown);
    const advice = kind === "corrupt" ? "; the file is left as it is: restore a backup, or move it away" : "";
    return new StoreError(kind, `${this.#file}: ${errorText(thrown)}${advice}`, { cause: thrown });
  }
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

/** SQLite's result codes (sqlite.org/rescode.html): the low byte is the class, the whole is the extended code. */
const KINDS: ReadonlyMap<number, StoreFailure> = new Map([
  [5, "locked"], // SQLITE_BUSY
  [6, "locked"], // SQLITE_LOCKED
  [8, "io"], // SQLITE_READONLY
  [10, "io"], // SQLITE_IOERR
  [11, "corrupt"], // SQLITE_CORRUPT
  [13, "disk_full"], // SQLITE_FULL
  [14, "io"], // SQLITE_CANTOPEN
  [26, "corrupt"], // SQLITE_NOTADB
  [1555, "conflict"], // SQLITE_CONSTRAINT_PRIMARYKEY
  [2067, "conflict"], // SQLITE_CONSTRAINT_UNIQUE
]);

function kindOf(thrown: unknown): StoreFailure {
  const code = thrown instanceof Error && "errcode" in thrown ? Number(thrown.errcode) : 0;
  return KINDS.get(code) ?? KINDS.get(code & 0xff) ?? "failed";
}

function cursorOf({ priority, openedAt, id }: Incident): string {
  return Buffer.from(JSON.stringify([priority, openedAt, id])).toString("base64url");
}

/** A cursor comes back through a URL: one that is not ours begins the list again. */
function placeOf(cursor: string | null): ListPlace | null {
  if (cursor === null) return null;
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (!Array.isArray(place)) return null;
    const [priority, openedAt, id] = place as unknown[];
    return typeof priority === "string" && typeof openedAt === "number" && typeof id === "string"
      ? { priority, openedAt, id }
      : null;
  } catch {
    return null;
  }
}
