/** Inventories, how long which device stood in a slot, and what devices told. */
import { type Kysely, sql } from "kysely";
import type { Tables } from "../schema.ts";
import { slots, template } from "../template.ts";
import { keepNewest, limit, newest, none, ofAgent, type Row } from "./slots.ts";

export function deviceQueries(db: Kysely<Tables>) {
  const eventsBetween = slots<{ site: string; from: number; until: number; limit: number }>(
    ...(["site", "from", "until", "limit"] as const),
  );
  const deviceEvent = slots<Row<"device_events">>("site", "device", "component", "at", "code", "detail", "recorded_at");
  const eventsOfDevice = slots<{ site: string; device: string; limit: number }>("site", "device", "limit");
  const eventsOfSite = slots<{ site: string; limit: number }>("site", "limit");
  const inventory = slots<Tables["inventories"]>("site", "agent", "at");
  const device = slots<Tables["devices"]>("site", "id", "agent", "position", "kind", "body");
  const span = slots<Omit<Tables["device_spans"], "id">>(
    ...(["site", "device", "since", "until", "kind", "vendor", "model", "serial"] as const),
  );
  const spanEnd = slots<{ id: number; until: number }>("id", "until");
  const spanNames = slots<{ id: number; vendor: string | null; model: string | null; serial: string | null }>(
    ...(["id", "vendor", "model", "serial"] as const),
  );

  return {
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
    removeInventory: template(
      ofAgent,
      db.deleteFrom("inventories").where("site", "=", ofAgent.site).where("agent", "=", ofAgent.agent),
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
      db.deleteFrom("device_spans").where("id", "<=", newest(db, "device_spans")).where("until", "is not", null),
    ),
    inventories: template(
      none,
      db.selectFrom("inventories").select(["site", "agent"]).orderBy("site").orderBy("agent"),
    ),
    devices: template(none, db.selectFrom("devices").select(["site", "agent", "body"]).orderBy("position")),
  };
}
