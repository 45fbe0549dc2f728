/**
 * How the state store's tables came to be: numbered steps, forward only, each in one transaction together with its
 * number in `schema_version`. A step that was released is never edited; a change is a new step. A database with a
 * greater number than the last step here was written by a newer program and is refused.
 */
import {
  type ColumnDefinitionBuilder,
  type CompiledQuery,
  type CreateTableBuilder,
  type Kysely,
  type SqlBool,
  sql,
} from "kysely";
import type { Tables } from "./schema.ts";
import type { SqlDialect } from "./template.ts";

export type Migration = {
  readonly version: number;
  readonly name: string;
  readonly statements: (db: Kysely<Tables>, dialect: SqlDialect) => readonly CompiledQuery[];
};

export const schemaVersionTable = (db: Kysely<Tables>): CompiledQuery =>
  db.schema
    .createTable("schema_version")
    .ifNotExists()
    .addColumn("version", "bigint", (column) => column.primaryKey())
    .compile();

export const migrations: readonly Migration[] = [
  { version: 1, name: "first tables", statements: firstTables },
  { version: 2, name: "events of devices", statements: deviceEvents },
  { version: 3, name: "ledger of deliveries", statements: deliveryLedger },
  { version: 4, name: "commands to agents", statements: agentCommands },
  { version: 5, name: "judging of late data", statements: lateJudging },
  { version: 6, name: "incidents of a key, for review and below another", statements: incidentRelations },
  { version: 7, name: "notifications and their delivery", statements: notificationOutbox },
  { version: 8, name: "facts of incidents for reports", statements: incidentFacts },
  { version: 9, name: "facts of incidents for triage", statements: factsForTriage },
  { version: 10, name: "groups of notifications, and how attempts ended", statements: notificationGroups },
  { version: 11, name: "devices in time, and the noise of rules", statements: deviceSpans },
  { version: 12, name: "incidents without names", statements: namesOut },
  { version: 13, name: "epochs that were folded", statements: foldedEpochs },
];

/** Column names are checked by the queries that use them, not here. */
type Table = CreateTableBuilder<string, string>;

const required = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.notNull();

function firstTables(db: Kysely<Tables>, dialect: SqlDialect): readonly CompiledQuery[] {
  const table = (name: keyof Tables): Table => db.schema.createTable(name);
  const numbered = (name: keyof Tables): Table => withNumber(table(name), dialect);
  const bytes = dialect === "sqlite" ? sql`blob` : sql`bytea`;
  return [
    text(table("watermarks"), "site", "agent", "epoch", "lane")
      .addColumn("seq", "bigint", required)
      .addPrimaryKeyConstraint("watermarks_pk", ["site", "agent", "epoch", "lane"]),
    text(table("faults"), "site", "device", "component", "rule", "body").addPrimaryKeyConstraint("faults_pk", [
      "site",
      "device",
      "component",
      "rule",
    ]),
    text(
      table("incidents").addColumn("id", "text", (column) => column.primaryKey()),
      "key",
      "site",
    )
      .addColumn("device", "text")
      .addColumn("kind", "text")
      .addColumn("state", "text", required)
      .addColumn("is_open", "integer", required)
      .addColumn("recovered", "integer", required)
      .addColumn("priority", "text", required)
      .addColumn("opened_at", "bigint", required)
      .addColumn("words", "text", required)
      .addColumn("body", "text", required),
    // The order of lists, for open ones and for all: a page is a walk along the index, whatever the number of closed.
    // The columns after `id` let filters and counts be answered from the index alone, without touching the bodies.
    db.schema
      .createIndex("incidents_open_order")
      .on("incidents")
      .columns(["is_open", "priority", "opened_at desc", "id", "state", "recovered", "site", "device", "kind"]),
    db.schema
      .createIndex("incidents_order")
      .on("incidents")
      .columns(["priority", "opened_at desc", "id", "state", "recovered", "site", "device", "kind"]),
    db.schema.createIndex("incidents_device").on("incidents").columns(["site", "device"]),
    table("incident_events")
      .addColumn("incident", "text", (column) => column.notNull().references("incidents.id"))
      .addColumn("seq", "bigint", required)
      .addColumn("at", "bigint", required)
      .addColumn("type", "text", required)
      .addColumn("body", "text", required)
      .addPrimaryKeyConstraint("incident_events_pk", ["incident", "seq"]),
    text(table("agents"), "site", "agent")
      .addColumn("online", "integer", required)
      .addColumn("status", "text")
      .addColumn("last_seen_at", "bigint", required)
      .addColumn("judged_until", "bigint", required)
      .addPrimaryKeyConstraint("agents_pk", ["site", "agent"]),
    text(numbered("gaps"), "site", "agent", "epoch", "lane", "reason")
      .addColumn("from_seq", "bigint", required)
      .addColumn("to_seq", "bigint", required)
      .addColumn("at", "bigint", required)
      .addUniqueConstraint("gaps_once", ["site", "agent", "epoch", "lane", "from_seq", "to_seq"]),
    text(numbered("poison"), "site", "agent", "topic", "reason")
      .addColumn("at", "bigint", required)
      .addColumn("bytes", bytes, required),
    text(table("inventories"), "site", "agent")
      .addColumn("at", "bigint", required)
      .addPrimaryKeyConstraint("inventories_pk", ["site", "agent"]),
    text(table("devices"), "site", "id", "agent", "kind", "body")
      .addColumn("position", "integer", required)
      .addPrimaryKeyConstraint("devices_pk", ["site", "id"]),
    db.schema.createIndex("devices_agent").on("devices").columns(["site", "agent"]),
    text(table("agent_credentials"), "site", "agent", "password_hash").addPrimaryKeyConstraint("agent_credentials_pk", [
      "site",
      "agent",
    ]),
    text(
      table("users").addColumn("name", "text", (column) => column.primaryKey()),
      "role",
    )
      .addColumn("password_hash", "text")
      .addColumn("created_at", "bigint", required),
    ofUser(table("sessions").addColumn("id_hash", "text", (column) => column.primaryKey()))
      .addColumn("created_at", "bigint", required)
      .addColumn("expires_at", "bigint", required),
    text(
      table("tokens").addColumn("token_hash", "text", (column) => column.primaryKey()),
      "name",
      "role",
    ).addColumn("created_at", "bigint", required),
    ofUser(table("login_links").addColumn("token_hash", "text", (column) => column.primaryKey())).addColumn(
      "expires_at",
      "bigint",
      required,
    ),
    text(numbered("audit"), "actor", "action", "detail").addColumn("at", "bigint", required),
    text(
      table("documents").addColumn("name", "text", (column) => column.primaryKey()),
      "body",
    ),
    table("counters")
      .addColumn("name", "text", (column) => column.primaryKey())
      .addColumn("value", "bigint", required),
  ].map((statement) => statement.compile());
}

function deviceEvents(db: Kysely<Tables>, dialect: SqlDialect): readonly CompiledQuery[] {
  const table = withNumber(db.schema.createTable("device_events"), dialect);
  return [
    text(table, "site", "device", "code", "detail")
      .addColumn("component", "text")
      .addColumn("at", "bigint", required)
      .addColumn("recorded_at", "bigint", required),
    // Both lists, and what to drop of a device, are walks along an index from its newest.
    db.schema.createIndex("device_events_device").on("device_events").columns(["site", "device", "at", "id"]),
    db.schema.createIndex("device_events_site").on("device_events").columns(["site", "at", "id"]),
  ].map((statement) => statement.compile());
}

function deliveryLedger(db: Kysely<Tables>, dialect: SqlDialect): readonly CompiledQuery[] {
  const lane = ["site", "agent", "epoch", "lane"] as const;
  const figures = ["first_seq", "seq", "announced", "batches", "late", "samples", "repeats"];
  const losses = ["thinned_batches", "thinned_samples", "lost_batches", "last_at"];
  const spans = (name: keyof Tables): Table =>
    numbers(withNumber(db.schema.createTable(name), dialect), "from_seq", "to_seq", "at");
  return [
    numbers(text(db.schema.createTable("ledger"), ...lane), ...figures, ...losses).addPrimaryKeyConstraint(
      "ledger_pk",
      [...lane],
    ),
    numbers(text(spans("thinned"), ...lane, "reason"), "from_at", "to_at", "samples"),
    text(spans("gap_notes"), ...lane, "by_whom", "text"),
  ].map((statement) => statement.compile());
}

function agentCommands(db: Kysely<Tables>): readonly CompiledQuery[] {
  const table: Table = db.schema.createTable("commands");
  return [
    text(
      table.addColumn("id", "text", (column) => column.primaryKey()),
      "site",
      "agent",
      "state",
      "body",
    ).addColumn("issued_at", "bigint", required),
    db.schema.createIndex("commands_newest").on("commands").columns(["issued_at", "id"]),
  ].map((statement) => statement.compile());
}

function lateJudging(db: Kysely<Tables>): readonly CompiledQuery[] {
  return [
    text(db.schema.createTable("late"), "site", "agent", "part", "body")
      .addPrimaryKeyConstraint("late_pk", ["site", "agent", "part"])
      .compile(),
  ];
}

function incidentRelations(db: Kysely<Tables>): readonly CompiledQuery[] {
  const incidents = db.schema.alterTable("incidents");
  return [
    incidents.addColumn("for_review", "integer", (column) => column.notNull().defaultTo(0)).compile(),
    incidents.addColumn("parent", "text").compile(),
    db.schema.createIndex("incidents_key").on("incidents").columns(["key", "opened_at desc", "id"]).compile(),
    db.schema.createIndex("incidents_review").on("incidents").columns(["for_review", "is_open", "id"]).compile(),
    db.schema.createIndex("incidents_parent").on("incidents").columns(["parent", "is_open"]).compile(),
  ];
}

function notificationOutbox(db: Kysely<Tables>, dialect: SqlDialect): readonly CompiledQuery[] {
  const table = (name: keyof Tables): Table =>
    text(withNumber(db.schema.createTable(name), dialect), "notification", "channel", "incident", "body");
  return [
    text(table("notifications"), "state").addUniqueConstraint("notifications_once", ["notification", "channel"]),
    db.schema.createIndex("notifications_state").on("notifications").columns(["state", "id"]),
    db.schema.createIndex("notifications_incident").on("notifications").columns(["incident", "id"]),
    table("notification_attempts"),
    db.schema.createIndex("notification_attempts_incident").on("notification_attempts").columns(["incident", "id"]),
    db.schema.createIndex("notification_attempts_channel").on("notification_attempts").columns(["channel", "id"]),
  ].map((statement) => statement.compile());
}

/** A report walks a range of openings, so the rows themselves lie in that order: in SQLite that is a table without rowids. */
function incidentFacts(db: Kysely<Tables>, dialect: SqlDialect): readonly CompiledQuery[] {
  const durations = ["detect_ms", "acknowledge_ms", "restore_ms", "resolve_ms", "resolve_unpaused_ms"];
  const maybe = (table: Table, type: "text" | "bigint", ...columns: readonly string[]): Table =>
    columns.reduce((built, column) => built.addColumn(column, type), table);
  const named = text(
    numbers(db.schema.createTable("incident_facts"), "opened_at", "marks"),
    "incident",
    "site",
    "rule",
  );
  const described = maybe(named, "text", "slot", "kind", "vendor", "model", "code", "currency");
  const table = maybe(described, "bigint", "done_at", "restored_at", "penalty_cents", ...durations);
  const keyed = table.addPrimaryKeyConstraint("incident_facts_pk", ["opened_at", "incident"]);
  return [(dialect === "sqlite" ? keyed.modifyEnd(sql`without rowid`) : keyed).compile()];
}

function notificationGroups(db: Kysely<Tables>, dialect: SqlDialect): readonly CompiledQuery[] {
  const outcome = dialect === "sqlite" ? sql`json_extract(body, '$.outcome')` : sql`body::json ->> 'outcome'`;
  return [
    text(db.schema.createTable("notification_groups"), "id", "body")
      .addPrimaryKeyConstraint("notification_groups_pk", ["id"])
      .compile(),
    db.schema
      .alterTable("notification_attempts")
      .addColumn("outcome", "text", (column) => column.notNull().defaultTo("delivered"))
      .compile(),
    sql`update notification_attempts set outcome = ${outcome}`.compile(db),
    db.schema
      .createIndex("notification_attempts_outcome")
      .on("notification_attempts")
      .columns(["outcome", "id"])
      .compile(),
  ];
}

/** What an incident is like is asked newest first of a slot, an asset, a model and a site: each a walk along one index. */
function factsForTriage(db: Kysely<Tables>): readonly CompiledQuery[] {
  const facts = db.schema.alterTable("incident_facts");
  const index = (name: string, ...columns: string[]): CompiledQuery => {
    const [first = ""] = columns;
    const known = sql<SqlBool>`${sql.ref(first)} is not null`;
    return db.schema.createIndex(name).on("incident_facts").columns(columns).where(known).compile();
  };
  return [
    ...["category", "component", "serial"].map((column) => facts.addColumn(column, "text").compile()),
    index("incident_facts_slot", "slot", "opened_at"),
    index("incident_facts_serial", "serial", "opened_at"),
    index("incident_facts_model", "model", "rule", "opened_at"),
    index("incident_facts_site", "site", "rule", "opened_at"),
  ];
}

function foldedEpochs(db: Kysely<Tables>): readonly CompiledQuery[] {
  const columns = ["site", "agent", "epoch"] as const;
  const table = numbers(text(db.schema.createTable("folded_epochs"), ...columns), "at");
  return [table.addPrimaryKeyConstraint("folded_epochs_pk", [...columns]).compile()];
}

function namesOut(db: Kysely<Tables>): readonly CompiledQuery[] {
  return [
    db.schema
      .alterTable("incidents")
      .addColumn("names_out", "integer", (column) => column.notNull().defaultTo(0))
      .compile(),
    db.schema
      .createIndex("incidents_names")
      .on("incidents")
      .columns(["names_out", "is_open", "opened_at", "id"])
      .compile(),
  ];
}

/** Devices that are there were there since their agent said so last; vendor and model come with its next inventory. */
function deviceSpans(db: Kysely<Tables>, dialect: SqlDialect): readonly CompiledQuery[] {
  const facts = db.schema.alterTable("incident_facts");
  const numbered = text(withNumber(db.schema.createTable("device_spans"), dialect), "site", "device", "kind");
  const table = numbers(numbered, "since").addColumn("until", "bigint");
  const named = ["vendor", "model", "serial"].reduce((built, column) => built.addColumn(column, "text"), table);
  const slots = db
    .selectFrom("incident_facts")
    .select("slot")
    .where("slot", "is not", null)
    .$narrowType<{ slot: string }>()
    .distinct();
  const numberOfSlot = db
    .selectFrom("fact_slots")
    .select("id")
    .where(sql<SqlBool>`fact_slots.slot = incident_facts.slot`);
  const present = db
    .selectFrom("devices")
    .innerJoin("inventories", (join) =>
      join.onRef("inventories.site", "=", "devices.site").onRef("inventories.agent", "=", "devices.agent"),
    )
    .select(["devices.site", "devices.id", "inventories.at", "devices.kind"]);
  return [
    ...["signals", "life_ms", "slot_no"].map((column) => facts.addColumn(column, "bigint").compile()),
    text(withNumber(db.schema.createTable("fact_slots"), dialect), "slot")
      .addUniqueConstraint("fact_slots_once", ["slot"])
      .compile(),
    db.insertInto("fact_slots").columns(["slot"]).expression(slots).compile(),
    db.updateTable("incident_facts").set({ slot_no: numberOfSlot }).compile(),
    named.compile(),
    db.schema.createIndex("device_spans_device").on("device_spans").columns(["site", "device", "until"]).compile(),
    db.insertInto("device_spans").columns(["site", "device", "since", "kind"]).expression(present).compile(),
  ];
}

function numbers(table: Table, ...columns: readonly string[]): Table {
  return columns.reduce((built, column) => built.addColumn(column, "bigint", required), table);
}

/** Numbers that are never used twice. */
function withNumber(table: Table, dialect: SqlDialect): Table {
  return dialect === "sqlite"
    ? table.addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
    : table.addColumn("id", "bigint", (column) => column.primaryKey().generatedAlwaysAsIdentity());
}

function text(table: Table, ...columns: readonly string[]): Table {
  return columns.reduce((built, column) => built.addColumn(column, "text", required), table);
}

/** A person who is removed leaves no session and no way in behind. */
function ofUser(table: Table): Table {
  return table.addColumn("user_name", "text", (column) =>
    column.notNull().references("users.name").onDelete("cascade"),
  );
}
