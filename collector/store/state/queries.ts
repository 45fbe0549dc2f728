/**
 * Every query of the state store, for any dialect. What is asked with fixed columns is a template, compiled once; the
 * incident list is built per call, because its filters differ.
 */
import { type CompiledQuery, type Expression, type ExpressionBuilder, type Kysely, type SqlBool, sql } from "kysely";
import { beginOf } from "../../incidents/report.ts";
import { PRIORITIES } from "../../incidents/types.ts";
import { type NamedBy, PRIORITY_BITS } from "./facts-row.ts";
import type { ListOrder, ListPlace } from "./list-place.ts";
import type { Tables } from "./schema.ts";
import type { AttemptFilter, IncidentFilter, ReportQuery } from "./store.ts";
import { slots, template } from "./template.ts";

type Row<Table extends keyof Tables> = Omit<Tables[Table], "id">;

/** Of these states some or all are at their end. */
const ENDED_STATES: ReadonlySet<string> = new Set(["closed", "cancelled", "merged"]);

/** Words of a search that are looked at; a person types fewer. */
const SEARCH_WORDS_MAX = 8;

const LEDGER_FIGURES = [
  "first_seq",
  "seq",
  "announced",
  "batches",
  "late",
  "samples",
  "repeats",
  "thinned_batches",
  "thinned_samples",
  "lost_batches",
  "last_at",
] as const;

/** The key first. */
const FACTS_COLUMNS = [
  "opened_at",
  "incident",
  "done_at",
  "site",
  "slot",
  "kind",
  "vendor",
  "model",
  "rule",
  "code",
  "marks",
  "restored_at",
  "detect_ms",
  "acknowledge_ms",
  "restore_ms",
  "resolve_ms",
  "resolve_unpaused_ms",
  "penalty_cents",
  "currency",
  "signals",
  "life_ms",
  "category",
  "component",
  "serial",
] as const satisfies (keyof Tables["incident_facts"])[];

/** What an incident is of stays as it was opened; SQLite would write the indexes on it anew, whether it changed or not. */
const FACTS_CHANGING = FACTS_COLUMNS.slice(2).filter((name) => name !== "site" && name !== "slot" && name !== "rule");

/** What triage looks at of an incident of the past; facts-row.ts reads it. */
const PAST_COLUMNS = [
  "incident",
  "opened_at",
  "done_at",
  "site",
  "slot",
  "component",
  "vendor",
  "model",
  "serial",
  "rule",
  "category",
  "code",
  "marks",
] as const satisfies (keyof Tables["incident_facts"])[];

/** Their `id` keeps the order of writing. */
type Numbered =
  | ("gaps" | "thinned" | "gap_notes" | "poison" | "audit")
  | ("notifications" | "notification_attempts" | "device_spans");

export function buildQueries(db: Kysely<Tables>) {
  const lane = ["site", "agent", "epoch", "lane"] as const;
  const watermark = slots<Tables["watermarks"]>(...lane, "seq");
  const faultKey = slots<Omit<Tables["faults"], "body">>("site", "device", "component", "rule");
  const fault = slots<Tables["faults"]>("site", "device", "component", "rule", "body");
  const incident = slots<Omit<Tables["incidents"], "kind" | "names_out">>(
    "id",
    "key",
    "site",
    "device",
    "state",
    "is_open",
    "recovered",
    "priority",
    "opened_at",
    "for_review",
    "parent",
    "words",
    "body",
  );
  const ofKey = slots<{ key: string; limit: number }>("key", "limit");
  const ofKeyAfter = slots<{ key: string; after: number; limit: number }>("key", "after", "limit");
  const event = slots<Tables["incident_events"]>("incident", "seq", "at", "type", "body");
  const facts = slots<Omit<Tables["incident_facts"], "slot_no">>(...FACTS_COLUMNS);
  const factSlot = slots<{ slot: string }>("slot");
  const slotNumber = db.selectFrom("fact_slots").select("id").where(sql<SqlBool>`slot = ${facts.slot}`);
  const pastUntil = { until: 0, limit: 0 };
  const pastOfSlot = slots<{ slot: string } & typeof pastUntil>("slot", "until", "limit");
  const pastOfSerial = slots<{ serial: string } & typeof pastUntil>("serial", "until", "limit");
  const pastOfModel = slots<{ model: string; rule: string } & typeof pastUntil>("model", "rule", "until", "limit");
  const pastOfSite = slots<{ site: string; rule: string } & typeof pastUntil>("site", "rule", "until", "limit");
  const pastAt = slots<{ site: string; from: number } & typeof pastUntil>("site", "from", "until", "limit");
  const eventOfType = slots<{ incident: string; type: string }>("incident", "type");
  const eventsBetween = slots<{ site: string; from: number; until: number; limit: number }>(
    ...(["site", "from", "until", "limit"] as const),
  );
  const idsAfter = slots<{ after: string; limit: number }>("after", "limit");
  const agent = slots<Tables["agents"]>("site", "agent", "online", "status", "last_seen_at", "judged_until");
  const gap = slots<Row<"gaps">>(...lane, "from_seq", "to_seq", "at", "reason");
  const latePart = slots<{ site: string; agent: string; part: string }>("site", "agent", "part");
  const late = slots<Tables["late"]>("site", "agent", "part", "body");
  const ledger = slots<Tables["ledger"]>(...lane, ...LEDGER_FIGURES);
  const thinned = slots<Row<"thinned">>(...lane, "from_seq", "to_seq", "from_at", "to_at", "samples", "reason", "at");
  const gapNote = slots<Row<"gap_notes">>(...lane, "from_seq", "to_seq", "at", "by_whom", "text");
  const notification = slots<Row<"notifications">>("notification", "channel", "incident", "state", "body");
  const attempt = slots<Row<"notification_attempts">>("notification", "channel", "incident", "outcome", "body");
  const group = slots<Tables["notification_groups"]>("id", "body");
  const ofIncident = slots<{ incident: string; limit: number }>("incident", "limit");
  const named = slots<{ notification: string; channel: string }>("notification", "channel");
  const ofChannel = slots<{ channel: string; limit: number }>("channel", "limit");
  const command = slots<Tables["commands"]>("id", "issued_at", "site", "agent", "state", "body");
  const commandsOf = slots<{ site: string; agent: string; limit: number }>("site", "agent", "limit");
  const poison = slots<Row<"poison">>("site", "agent", "topic", "at", "reason", "bytes");
  const deviceEvent = slots<Row<"device_events">>("site", "device", "component", "at", "code", "detail", "recorded_at");
  const eventsOfDevice = slots<{ site: string; device: string; limit: number }>("site", "device", "limit");
  const eventsOfSite = slots<{ site: string; limit: number }>("site", "limit");
  const inventory = slots<Tables["inventories"]>("site", "agent", "at");
  const device = slots<Tables["devices"]>("site", "id", "agent", "position", "kind", "body");
  const kindOfDevice = slots<{ site: string; device: string; kind: string }>("site", "device", "kind");
  const credential = slots<Tables["agent_credentials"]>("site", "agent", "password_hash");
  const user = slots<Tables["users"]>("name", "role", "password_hash", "created_at");
  const session = slots<Tables["sessions"]>("id_hash", "user_name", "created_at", "expires_at");
  const token = slots<Tables["tokens"]>("name", "token_hash", "role", "created_at");
  const link = slots<Tables["login_links"]>("token_hash", "user_name", "expires_at");
  const audit = slots<Row<"audit">>("at", "actor", "action", "detail");
  const document = slots<Tables["documents"]>("name", "body");
  const counter = slots<Tables["counters"]>("name", "value");
  const span = slots<Omit<Tables["device_spans"], "id">>(
    ...(["site", "device", "since", "until", "kind", "vendor", "model", "serial"] as const),
  );
  const spanEnd = slots<{ id: number; until: number }>("id", "until");
  const spanNames = slots<{ id: number; vendor: string | null; model: string | null; serial: string | null }>(
    ...(["id", "vendor", "model", "serial"] as const),
  );
  const ofAgent = slots<{ site: string; agent: string }>("site", "agent");
  const folded = slots<Tables["folded_epochs"]>("site", "agent", "epoch", "at");
  const ofEpoch = slots<{ site: string; agent: string; epoch: string }>("site", "agent", "epoch");
  const byId = slots<{ id: string }>("id");
  const byName = slots<{ name: string }>("name");
  const byHash = slots<{ hash: string }>("hash");
  const byHashNow = slots<{ hash: string; now: number }>("hash", "now");
  const none = slots<Record<never, never>>();
  const keepNewest = slots<{ kept: number }>("kept");
  const limit = slots<{ limit: number }>("limit");

  /** The greatest number that is not among the `kept` newest. */
  const newest = (table: Numbered) =>
    db.selectFrom(table).select((eb) => sql<number>`${eb.fn.max("id")} - ${keepNewest.kept}`.as("last"));

  const past = db.selectFrom("incident_facts").select(PAST_COLUMNS);
  const newestFirst = (query: typeof past, { until, limit: most }: typeof pastUntil): typeof past =>
    query.where("opened_at", "<=", until).orderBy("opened_at", "desc").orderBy("incident", "desc").limit(most);

  return {
    putWatermark: template(
      watermark,
      db
        .insertInto("watermarks")
        .values(watermark)
        .onConflict((conflict) =>
          conflict
            .columns([...lane])
            .doUpdateSet((eb) => ({ seq: eb.ref("excluded.seq") }))
            .whereRef("excluded.seq", ">", "watermarks.seq"),
        ),
    ),
    watermarks: template(none, db.selectFrom("watermarks").selectAll().orderBy("site").orderBy("agent")),

    putFault: template(
      fault,
      db
        .insertInto("faults")
        .values(fault)
        .onConflict((conflict) =>
          conflict
            .columns(["site", "device", "component", "rule"])
            .doUpdateSet((eb) => ({ body: eb.ref("excluded.body") })),
        ),
    ),
    removeFault: template(
      faultKey,
      db
        .deleteFrom("faults")
        .where("site", "=", faultKey.site)
        .where("device", "=", faultKey.device)
        .where("component", "=", faultKey.component)
        .where("rule", "=", faultKey.rule),
    ),
    faults: template(none, db.selectFrom("faults").select("body").orderBy("site").orderBy("device").orderBy("rule")),

    putIncident: template(
      incident,
      db
        .insertInto("incidents")
        .values((eb) => ({
          ...incident,
          kind: eb
            .selectFrom("devices")
            .select("kind")
            .where("site", "=", incident.site)
            .where("id", "=", incident.device ?? ""),
        }))
        .onConflict((conflict) =>
          conflict.column("id").doUpdateSet((eb) => ({
            key: eb.ref("excluded.key"),
            site: eb.ref("excluded.site"),
            device: eb.ref("excluded.device"),
            kind: eb.fn.coalesce("incidents.kind", "excluded.kind"),
            state: eb.ref("excluded.state"),
            is_open: eb.ref("excluded.is_open"),
            recovered: eb.ref("excluded.recovered"),
            priority: eb.ref("excluded.priority"),
            opened_at: eb.ref("excluded.opened_at"),
            for_review: eb.ref("excluded.for_review"),
            parent: eb.ref("excluded.parent"),
            words: eb.ref("excluded.words"),
            body: eb.ref("excluded.body"),
          })),
        ),
    ),
    addEvent: template(event, db.insertInto("incident_events").values(event)),
    incident: template(byId, db.selectFrom("incidents").select("body").where("id", "=", byId.id)),
    incidentsOfKey: template(
      ofKey,
      db
        .selectFrom("incidents")
        .select("body")
        .where("key", "=", ofKey.key)
        .orderBy("opened_at", "desc")
        .orderBy("id", "desc")
        .limit(ofKey.limit),
    ),
    incidentsOfKeyAfter: template(
      ofKeyAfter,
      db
        .selectFrom("incidents")
        .select("body")
        .where("key", "=", ofKeyAfter.key)
        .where("opened_at", ">", ofKeyAfter.after)
        .orderBy("opened_at")
        .orderBy("id")
        .limit(ofKeyAfter.limit),
    ),
    incidentEvents: template(
      byId,
      db.selectFrom("incident_events").select("body").where("incident", "=", byId.id).orderBy("seq"),
    ),
    openIncidents: template(
      none,
      db.selectFrom("incidents").select(["key", "body"]).where("is_open", "=", 1).orderBy("id"),
    ),
    fillKind: template(
      kindOfDevice,
      db
        .updateTable("incidents")
        .set({ kind: kindOfDevice.kind })
        .where("site", "=", kindOfDevice.site)
        .where("device", "=", kindOfDevice.device)
        .where("kind", "is", null),
    ),

    putAgent: template(
      agent,
      db
        .insertInto("agents")
        .values(agent)
        .onConflict((conflict) =>
          conflict.columns(["site", "agent"]).doUpdateSet((eb) => ({
            online: eb.ref("excluded.online"),
            status: eb.ref("excluded.status"),
            last_seen_at: eb.ref("excluded.last_seen_at"),
            judged_until: eb.ref("excluded.judged_until"),
          })),
        ),
    ),
    agents: template(none, db.selectFrom("agents").selectAll().orderBy("site").orderBy("agent")),

    removeAgent: template(
      ofAgent,
      db.deleteFrom("agents").where("site", "=", ofAgent.site).where("agent", "=", ofAgent.agent),
    ),
    removeInventory: template(
      ofAgent,
      db.deleteFrom("inventories").where("site", "=", ofAgent.site).where("agent", "=", ofAgent.agent),
    ),
    removeCredential: template(
      ofAgent,
      db.deleteFrom("agent_credentials").where("site", "=", ofAgent.site).where("agent", "=", ofAgent.agent),
    ),

    addGap: template(
      gap,
      db
        .insertInto("gaps")
        .values(gap)
        .onConflict((conflict) => conflict.columns([...lane, "from_seq", "to_seq"]).doNothing()),
    ),
    trimGaps: template(keepNewest, db.deleteFrom("gaps").where("id", "<=", newest("gaps"))),
    gaps: template(none, db.selectFrom("gaps").selectAll().orderBy("id")),

    putLedger: template(
      ledger,
      db
        .insertInto("ledger")
        .values(ledger)
        .onConflict((conflict) =>
          conflict
            .columns([...lane])
            .doUpdateSet((eb) => Object.fromEntries(LEDGER_FIGURES.map((name) => [name, eb.ref(`excluded.${name}`)]))),
        ),
    ),
    dropLedger: template(
      ofEpoch,
      db
        .deleteFrom("ledger")
        .where("site", "=", ofEpoch.site)
        .where("agent", "=", ofEpoch.agent)
        .where("epoch", "=", ofEpoch.epoch),
    ),
    ledger: template(none, db.selectFrom("ledger").selectAll().orderBy("site").orderBy("agent")),
    putFolded: template(
      folded,
      db
        .insertInto("folded_epochs")
        .values(folded)
        .onConflict((conflict) => conflict.columns(["site", "agent", "epoch"]).doUpdateSet({ at: folded.at })),
    ),
    dropFolded: template(
      ofEpoch,
      db
        .deleteFrom("folded_epochs")
        .where("site", "=", ofEpoch.site)
        .where("agent", "=", ofEpoch.agent)
        .where("epoch", "=", ofEpoch.epoch),
    ),
    dropWatermarks: template(
      ofEpoch,
      db
        .deleteFrom("watermarks")
        .where("site", "=", ofEpoch.site)
        .where("agent", "=", ofEpoch.agent)
        .where("epoch", "=", ofEpoch.epoch),
    ),
    foldedEpochs: template(
      none,
      db.selectFrom("folded_epochs").select(["site", "agent", "epoch"]).orderBy("at").orderBy("epoch"),
    ),
    addThinned: template(thinned, db.insertInto("thinned").values(thinned)),
    trimThinned: template(keepNewest, db.deleteFrom("thinned").where("id", "<=", newest("thinned"))),
    thinned: template(none, db.selectFrom("thinned").selectAll().orderBy("id")),
    addGapNote: template(gapNote, db.insertInto("gap_notes").values(gapNote)),
    trimGapNotes: template(keepNewest, db.deleteFrom("gap_notes").where("id", "<=", newest("gap_notes"))),
    gapNotes: template(none, db.selectFrom("gap_notes").selectAll().orderBy("id")),

    putLate: template(
      late,
      db
        .insertInto("late")
        .values(late)
        .onConflict((conflict) =>
          conflict.columns(["site", "agent", "part"]).doUpdateSet((eb) => ({ body: eb.ref("excluded.body") })),
        ),
    ),
    removeLatePart: template(
      latePart,
      db
        .deleteFrom("late")
        .where("site", "=", latePart.site)
        .where("agent", "=", latePart.agent)
        .where("part", "=", latePart.part),
    ),
    removeLate: template(
      ofAgent,
      db.deleteFrom("late").where("site", "=", ofAgent.site).where("agent", "=", ofAgent.agent),
    ),
    late: template(none, db.selectFrom("late").selectAll().orderBy("site").orderBy("agent").orderBy("part")),

    putFacts: template(
      facts,
      db
        .insertInto("incident_facts")
        .values({ ...facts, slot_no: slotNumber })
        .onConflict((conflict) =>
          conflict
            .columns(["opened_at", "incident"])
            .doUpdateSet((eb) =>
              Object.fromEntries(
                [...FACTS_CHANGING, "slot_no" as const].map((name) => [name, eb.ref(`excluded.${name}`)]),
              ),
            ),
        ),
    ),
    /** Before putFacts, which takes its number. */
    noteSlot: template(
      factSlot,
      db
        .insertInto("fact_slots")
        .values(factSlot)
        .onConflict((conflict) => conflict.column("slot").doNothing()),
    ),
    pastOfSlot: template(pastOfSlot, newestFirst(past.where("slot", "=", pastOfSlot.slot), pastOfSlot)),
    pastOfSerial: template(pastOfSerial, newestFirst(past.where("serial", "=", pastOfSerial.serial), pastOfSerial)),
    pastOfModel: template(
      pastOfModel,
      newestFirst(past.where("model", "=", pastOfModel.model).where("rule", "=", pastOfModel.rule), pastOfModel),
    ),
    pastOfSite: template(
      pastOfSite,
      newestFirst(past.where("site", "=", pastOfSite.site).where("rule", "=", pastOfSite.rule), pastOfSite),
    ),
    /** Along the rows themselves, a few minutes of all sites: an expression keeps the planner from the whole past of one. */
    pastAt: template(
      pastAt,
      newestFirst(
        past.where("opened_at", ">=", pastAt.from).where(sql<string>`${sql.ref("site")} || ''`, "=", pastAt.site),
        pastAt,
      ),
    ),
    firstOpened: template(
      none,
      db.selectFrom("incident_facts").select("opened_at").orderBy("opened_at").limit(sql<number>`1`),
    ),
    lastEventOfType: template(
      eventOfType,
      db
        .selectFrom("incident_events")
        .select("body")
        .where("incident", "=", eventOfType.incident)
        .where("type", "=", eventOfType.type)
        .orderBy("seq", "desc")
        .limit(sql<number>`1`),
    ),
    incidentIds: template(
      idsAfter,
      db.selectFrom("incidents").select("id").where("id", ">", idsAfter.after).orderBy("id").limit(idsAfter.limit),
    ),
    putNotification: template(
      notification,
      db
        .insertInto("notifications")
        .values(notification)
        .onConflict((conflict) =>
          conflict
            .columns(["notification", "channel"])
            .doUpdateSet((eb) => ({ state: eb.ref("excluded.state"), body: eb.ref("excluded.body") })),
        ),
    ),
    /** What is still to be sent stays, however old. */
    trimNotifications: template(
      keepNewest,
      db.deleteFrom("notifications").where("state", "!=", "waiting").where("id", "<=", newest("notifications")),
    ),
    waitingNotifications: template(
      none,
      db.selectFrom("notifications").select("body").where("state", "=", "waiting").orderBy("id"),
    ),
    notification: template(
      named,
      db
        .selectFrom("notifications")
        .select("body")
        .where("notification", "=", named.notification)
        .where("channel", "=", named.channel),
    ),
    notificationsOf: template(
      ofIncident,
      db
        .selectFrom("notifications")
        .select("body")
        .where("incident", "=", ofIncident.incident)
        .orderBy("id", "desc")
        .limit(ofIncident.limit),
    ),
    putNotificationGroup: template(
      group,
      db
        .insertInto("notification_groups")
        .values(group)
        .onConflict((conflict) => conflict.column("id").doUpdateSet((eb) => ({ body: eb.ref("excluded.body") }))),
    ),
    removeNotificationGroup: template(byId, db.deleteFrom("notification_groups").where("id", "=", byId.id)),
    notificationGroups: template(none, db.selectFrom("notification_groups").select("body").orderBy("id")),
    addAttempt: template(attempt, db.insertInto("notification_attempts").values(attempt)),
    trimAttempts: template(
      keepNewest,
      db.deleteFrom("notification_attempts").where("id", "<=", newest("notification_attempts")),
    ),
    attempts: template(
      limit,
      db.selectFrom("notification_attempts").select("body").orderBy("id", "desc").limit(limit.limit),
    ),
    attemptsOfIncident: template(
      ofIncident,
      db
        .selectFrom("notification_attempts")
        .select("body")
        .where("incident", "=", ofIncident.incident)
        .orderBy("id", "desc")
        .limit(ofIncident.limit),
    ),
    attemptsOfChannel: template(
      ofChannel,
      db
        .selectFrom("notification_attempts")
        .select("body")
        .where("channel", "=", ofChannel.channel)
        .orderBy("id", "desc")
        .limit(ofChannel.limit),
    ),

    putCommand: template(
      command,
      db
        .insertInto("commands")
        .values(command)
        .onConflict((conflict) =>
          conflict
            .column("id")
            .doUpdateSet((eb) => ({ state: eb.ref("excluded.state"), body: eb.ref("excluded.body") })),
        ),
    ),
    /** All but the `limit` newest. */
    trimCommands: template(
      limit,
      db
        .deleteFrom("commands")
        .where("id", "not in", (eb) =>
          eb.selectFrom("commands").select("id").orderBy("issued_at", "desc").orderBy("id", "desc").limit(limit.limit),
        ),
    ),
    command: template(byId, db.selectFrom("commands").select("body").where("id", "=", byId.id)),
    commands: template(
      limit,
      db.selectFrom("commands").select("body").orderBy("issued_at", "desc").orderBy("id", "desc").limit(limit.limit),
    ),
    commandsOfAgent: template(
      commandsOf,
      db
        .selectFrom("commands")
        .select("body")
        .where("site", "=", commandsOf.site)
        .where("agent", "=", commandsOf.agent)
        .orderBy("issued_at", "desc")
        .orderBy("id", "desc")
        .limit(commandsOf.limit),
    ),

    addPoison: template(poison, db.insertInto("poison").values(poison)),
    trimPoison: template(keepNewest, db.deleteFrom("poison").where("id", "<=", newest("poison"))),
    // Numbers are never used twice, so the greatest says how many there ever were.
    poisonCount: template(
      none,
      db.selectFrom("poison").select((eb) => eb.fn.coalesce(eb.fn.max("id"), sql<number>`0`).as("count")),
    ),

    addDeviceEvent: template(deviceEvent, db.insertInto("device_events").values(deviceEvent)),
    /** `limit` are kept: what stands at that place of the newest, and all before it, goes. */
    trimDeviceEvents: template(
      eventsOfDevice,
      db
        .deleteFrom("device_events")
        .where("site", "=", eventsOfDevice.site)
        .where("device", "=", eventsOfDevice.device)
        .where((eb) =>
          eb(
            eb.refTuple("at", "id"),
            "<=",
            eb
              .selectFrom("device_events")
              .select(["at", "id"])
              .where("site", "=", eventsOfDevice.site)
              .where("device", "=", eventsOfDevice.device)
              .orderBy("at", "desc")
              .orderBy("id", "desc")
              .limit(sql<number>`1`)
              .offset(eventsOfDevice.limit)
              .$asTuple("at", "id"),
          ),
        ),
    ),
    removeOldestDeviceEvents: template(
      limit,
      db
        .deleteFrom("device_events")
        .where("id", "in", (eb) => eb.selectFrom("device_events").select("id").orderBy("id").limit(limit.limit)),
    ),
    deviceEventCount: template(
      none,
      db.selectFrom("device_events").select((eb) => eb.fn.countAll<number>().as("count")),
    ),
    deviceEvents: template(
      eventsOfDevice,
      db
        .selectFrom("device_events")
        .selectAll()
        .where("site", "=", eventsOfDevice.site)
        .where("device", "=", eventsOfDevice.device)
        .orderBy("at", "desc")
        .orderBy("id", "desc")
        .limit(eventsOfDevice.limit),
    ),
    siteEvents: template(
      eventsOfSite,
      db
        .selectFrom("device_events")
        .selectAll()
        .where("site", "=", eventsOfSite.site)
        .orderBy("at", "desc")
        .orderBy("id", "desc")
        .limit(eventsOfSite.limit),
    ),

    siteEventsBetween: template(
      eventsBetween,
      db
        .selectFrom("device_events")
        .selectAll()
        .where("site", "=", eventsBetween.site)
        .where("at", ">=", eventsBetween.from)
        .where("at", "<=", eventsBetween.until)
        .orderBy("at", "desc")
        .orderBy("id", "desc")
        .limit(eventsBetween.limit),
    ),

    putInventory: template(
      inventory,
      db
        .insertInto("inventories")
        .values(inventory)
        .onConflict((conflict) =>
          conflict.columns(["site", "agent"]).doUpdateSet((eb) => ({ at: eb.ref("excluded.at") })),
        ),
    ),
    removeDevices: template(
      ofAgent,
      db.deleteFrom("devices").where("site", "=", ofAgent.site).where("agent", "=", ofAgent.agent),
    ),
    foreignDevices: template(
      ofAgent,
      db.selectFrom("devices").select("id").where("site", "=", ofAgent.site).where("agent", "!=", ofAgent.agent),
    ),
    addDevice: template(device, db.insertInto("devices").values(device)),
    openSpans: template(
      ofAgent,
      db
        .selectFrom("device_spans")
        .innerJoin("devices", (join) =>
          join.onRef("devices.site", "=", "device_spans.site").onRef("devices.id", "=", "device_spans.device"),
        )
        .selectAll("device_spans")
        .where("devices.site", "=", ofAgent.site)
        .where("devices.agent", "=", ofAgent.agent)
        .where("device_spans.until", "is", null),
    ),
    beginSpan: template(span, db.insertInto("device_spans").values(span)),
    endSpan: template(
      spanEnd,
      db.updateTable("device_spans").set({ until: spanEnd.until }).where("id", "=", spanEnd.id),
    ),
    nameSpan: template(
      spanNames,
      db
        .updateTable("device_spans")
        .set({ vendor: spanNames.vendor, model: spanNames.model, serial: spanNames.serial })
        .where("id", "=", spanNames.id),
    ),
    trimSpans: template(
      keepNewest,
      db.deleteFrom("device_spans").where("id", "<=", newest("device_spans")).where("until", "is not", null),
    ),
    inventories: template(
      none,
      db.selectFrom("inventories").select(["site", "agent"]).orderBy("site").orderBy("agent"),
    ),
    devices: template(none, db.selectFrom("devices").select(["site", "agent", "body"]).orderBy("position")),

    putCredential: template(
      credential,
      db
        .insertInto("agent_credentials")
        .values(credential)
        .onConflict((conflict) =>
          conflict
            .columns(["site", "agent"])
            .doUpdateSet((eb) => ({ password_hash: eb.ref("excluded.password_hash") })),
        ),
    ),
    credentials: template(none, db.selectFrom("agent_credentials").selectAll().orderBy("site").orderBy("agent")),
    credential: template(
      ofAgent,
      db
        .selectFrom("agent_credentials")
        .selectAll()
        .where("site", "=", ofAgent.site)
        .where("agent", "=", ofAgent.agent),
    ),

    putUser: template(
      user,
      db
        .insertInto("users")
        .values(user)
        .onConflict((conflict) =>
          conflict.column("name").doUpdateSet((eb) => ({
            role: eb.ref("excluded.role"),
            password_hash: eb.ref("excluded.password_hash"),
            created_at: eb.ref("excluded.created_at"),
          })),
        ),
    ),
    removeUser: template(byName, db.deleteFrom("users").where("name", "=", byName.name)),
    users: template(none, db.selectFrom("users").selectAll().orderBy("name")),

    putSession: template(
      session,
      db
        .insertInto("sessions")
        .values(session)
        .onConflict((conflict) =>
          conflict.column("id_hash").doUpdateSet((eb) => ({
            user_name: eb.ref("excluded.user_name"),
            created_at: eb.ref("excluded.created_at"),
            expires_at: eb.ref("excluded.expires_at"),
          })),
        ),
    ),
    /** `now` is when the new session began: what had ended by then goes. */
    removeEndedSessions: template(byHashNow, db.deleteFrom("sessions").where("expires_at", "<=", byHashNow.now)),
    session: template(
      byHashNow,
      db
        .selectFrom("sessions")
        .innerJoin("users", "users.name", "sessions.user_name")
        .select(["sessions.id_hash", "sessions.user_name", "sessions.created_at", "sessions.expires_at", "users.role"])
        .where("id_hash", "=", byHashNow.hash)
        .where("expires_at", ">", byHashNow.now),
    ),
    removeSession: template(byHash, db.deleteFrom("sessions").where("id_hash", "=", byHash.hash)),

    putToken: template(
      token,
      db
        .insertInto("tokens")
        .values(token)
        .onConflict((conflict) =>
          conflict.column("token_hash").doUpdateSet((eb) => ({
            name: eb.ref("excluded.name"),
            role: eb.ref("excluded.role"),
            created_at: eb.ref("excluded.created_at"),
          })),
        ),
    ),
    token: template(byHash, db.selectFrom("tokens").selectAll().where("token_hash", "=", byHash.hash)),

    putLink: template(link, db.insertInto("login_links").values(link)),
    takeLink: template(byHash, db.deleteFrom("login_links").where("token_hash", "=", byHash.hash).returningAll()),
    removeEndedLinks: template(byHashNow, db.deleteFrom("login_links").where("expires_at", "<=", byHashNow.now)),

    addAudit: template(audit, db.insertInto("audit").values(audit)),
    trimAudit: template(keepNewest, db.deleteFrom("audit").where("id", "<=", newest("audit"))),
    audit: template(
      limit,
      db.selectFrom("audit").select(["at", "actor", "action", "detail"]).orderBy("id", "desc").limit(limit.limit),
    ),

    putDocument: template(
      document,
      db
        .insertInto("documents")
        .values(document)
        .onConflict((conflict) => conflict.column("name").doUpdateSet((eb) => ({ body: eb.ref("excluded.body") }))),
    ),
    document: template(byName, db.selectFrom("documents").select("body").where("name", "=", byName.name)),

    putCounter: template(
      counter,
      db
        .insertInto("counters")
        .values(counter)
        .onConflict((conflict) =>
          conflict
            .column("name")
            .doUpdateSet((eb) => ({ value: eb.ref("excluded.value") }))
            .whereRef("excluded.value", ">", "counters.value"),
        ),
    ),
    counter: template(byName, db.selectFrom("counters").select("value").where("name", "=", byName.name)),
  };
}
export type Queries = ReturnType<typeof buildQueries>;

/** One page of the list, one row more than asked to tell whether another page follows, and how many match in all. */
export function incidentList(
  db: Kysely<Tables>,
  filter: IncidentFilter,
  page: { readonly limit: number; readonly after: ListPlace | null; readonly order: ListOrder },
): { rows: CompiledQuery<{ body: string }>; total: CompiledQuery<{ total: number }> } {
  const matches = (eb: ExpressionBuilder<Tables, "incidents">): Expression<SqlBool> => eb.and(conditions(eb, filter));
  let rows = db.selectFrom("incidents").select("body").where(matches);
  const { after, order } = page;
  const isById = order === "id";
  if (after !== null && isById) rows = rows.where("id", ">", after.id);
  else if (after !== null) {
    // Without the plain bound on priority SQLite would not walk the index.
    rows = rows
      .where("priority", ">=", after.priority)
      .where((eb) =>
        eb.or([
          eb("priority", ">", after.priority),
          eb.and([eb("priority", "=", after.priority), eb("opened_at", "<", after.openedAt)]),
          eb.and([eb("priority", "=", after.priority), eb("opened_at", "=", after.openedAt), eb("id", ">", after.id)]),
        ]),
      );
  }
  return {
    rows: (isById ? rows : rows.orderBy("priority").orderBy("opened_at", "desc"))
      .orderBy("id")
      .limit(page.limit + 1)
      .compile(),
    total: db
      .selectFrom("incidents")
      .select((eb) => eb.fn.countAll<number>().as("total"))
      .where(matches)
      .compile(),
  };
}

/** Attempts to deliver, newest first, after the one with the number `before`; one more than asked for, so that the end is known. */
export function attemptList(
  db: Kysely<Tables>,
  { incident, channel, outcome }: AttemptFilter,
  page: { readonly limit: number; readonly before: number | null },
): CompiledQuery<{ id: number; body: string }> {
  let rows = db.selectFrom("notification_attempts").select(["id", "body"]);
  if (incident !== undefined) rows = rows.where("incident", "=", incident);
  if (channel !== undefined) rows = rows.where("channel", "=", channel);
  if (outcome !== undefined) rows = rows.where("outcome", "=", outcome);
  if (page.before !== null) rows = rows.where("id", "<", page.before);
  return rows
    .orderBy("id", "desc")
    .limit(page.limit + 1)
    .compile();
}

/**
 * What a report adds up, in the order in which factsReader (facts-row.ts) takes it. Those that were open at its end may be as old as
 * they like, so all rows until then are walked; the others are passed over.
 */
export function reportRows(
  db: Kysely<Tables>,
  query: ReportQuery,
): { readonly rows: CompiledQuery; readonly named: readonly NamedBy[] } {
  const { to, groupBy, tables = [], site, kind, priorities } = query;
  const from = beginOf(query);
  const named = NAMED.filter((by) => by === groupBy || tables.includes(by));
  let rows = db
    .selectFrom("incident_facts")
    .select(["opened_at", "done_at", "slot_no", "marks", "restored_at", "detect_ms", "acknowledge_ms"])
    .select(["restore_ms", "resolve_ms", "resolve_unpaused_ms", "penalty_cents", "currency", "signals", "life_ms"])
    .select([...named])
    .where("opened_at", "<", to)
    .where((eb) =>
      eb.or([
        eb("opened_at", ">=", from),
        eb("done_at", "is", null),
        eb("done_at", ">=", query.withBefore === true ? query.from : to),
      ]),
    );
  if (site !== undefined) rows = rows.where("site", "=", site);
  if (kind !== undefined) rows = rows.where("kind", "=", kind);
  if (priorities !== undefined) {
    const { shift, mask } = PRIORITY_BITS;
    const isOne = priorities.map(
      (one) => sql<SqlBool>`((${sql.ref("marks")} >> ${shift}) & ${mask}) = ${PRIORITIES.indexOf(one)}`,
    );
    rows = rows.where((eb) => eb.or(isOne));
  }
  return { rows: rows.compile(), named };
}

/** The spans of devices that lie in the time of a report, site by site; exposuresOf (incidents/exposure.ts) takes them. */
export function reportSpans(db: Kysely<Tables>, query: ReportQuery): CompiledQuery {
  const { to, site, kind } = query;
  let spans = db
    .selectFrom("device_spans")
    .leftJoin("fact_slots", (join) => join.on(sql<SqlBool>`fact_slots.slot = site || '/' || device`))
    .select(["site", "device", "since", "until", "kind", "vendor", "model", "fact_slots.id"])
    .where("since", "<", to)
    .where((eb) => eb.or([eb("until", "is", null), eb("until", ">", beginOf(query))]))
    .orderBy("site");
  if (site !== undefined) spans = spans.where("site", "=", site);
  if (kind !== undefined) spans = spans.where("kind", "=", kind);
  return spans.compile();
}

/** Names of slots, which rows have as numbers: as text in a million rows they would be a second of a report. */
export const reportSlots = (db: Kysely<Tables>, { groupBy, tables = [] }: ReportQuery): CompiledQuery | null =>
  groupBy === "slot" || tables.includes("slot") ? db.selectFrom("fact_slots").select(["id", "slot"]).compile() : null;

const NAMED: readonly NamedBy[] = ["site", "kind", "vendor", "model", "rule"];

function conditions(eb: ExpressionBuilder<Tables, "incidents">, filter: IncidentFilter): Expression<SqlBool>[] {
  const { states, priorities, site, device, kind, search, unrecovered, forReview, parent } = filter;
  const found: Expression<SqlBool>[] = [];
  if (states !== undefined) {
    // Says the same again in the index's words where it can.
    if (states.every((state) => !ENDED_STATES.has(state))) found.push(eb("is_open", "=", 1));
    found.push(states.length === 0 ? sql<SqlBool>`1 = 0` : eb("state", "in", [...states]));
  }
  if (priorities !== undefined) {
    found.push(priorities.length === 0 ? sql<SqlBool>`1 = 0` : eb("priority", "in", [...priorities]));
  }
  if (site !== undefined) found.push(eb("site", "=", site));
  if (device !== undefined) found.push(eb("device", "=", device));
  if (kind !== undefined) found.push(eb("kind", "=", kind));
  if (unrecovered === true) found.push(eb("recovered", "=", 0));
  if (forReview === true) found.push(eb("for_review", "=", 1));
  if (parent !== undefined) found.push(parent === null ? eb("parent", "is", null) : eb("parent", "=", parent));
  for (const word of searchWords(search ?? "")) {
    found.push(sql<SqlBool>`${eb.ref("words")} like ${`%${word.replace(/[\\%_]/g, "\\$&")}%`} escape '\\'`);
  }
  return found;
}

const searchWords = (search: string): string[] =>
  search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "")
    .slice(0, SEARCH_WORDS_MAX);
