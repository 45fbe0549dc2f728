import { DEVICE_ID_PATTERN, ID_PATTERN, isDeviceId } from "@aislewatch/contract";
import { findMetric } from "@aislewatch/devices";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Incident } from "../../incidents/types.ts";
import { cursorParam, cursorsOf, linkNext } from "../cursor.ts";
import type { ApiDeps, LiveView } from "../deps.ts";
import { Refused } from "../problem.ts";
import { problem } from "../schema/service.ts";
import { device, deviceDetail, deviceEvent, overview, series, site } from "../schema/site.ts";
import { bySite, countByPriority, deviceEventView, deviceView, siteView, valueView } from "../view.ts";

const EVENTS_MAX = 1_000;
const eventCursors = cursorsOf("events", z.tuple([z.number(), z.number().int()]).readonly());
const EVENTS_DEFAULT = 100;
/** That come with the device itself. */
const EVENTS_SHOWN = 20;

const POINTS_MAX = 2_000;
const POINTS_DEFAULT = 400;
/** For a chart to be read: a cold disk takes a second or two. */
const SERIES_MS_MAX = 15_000;
/** Longer than what is kept. */
const SPAN_MS_MAX = 3 * 366 * 86_400_000;

const siteParams = z.object({ site: z.string().regex(ID_PATTERN) });
const deviceId = z.string().regex(DEVICE_ID_PATTERN);

const seriesQuery = z
  .object({
    device: deviceId,
    component: z.string().regex(ID_PATTERN).optional(),
    metric: z.string().regex(/^[a-z][a-z0-9_]{0,127}$/),
    from: z.coerce.number().int().min(0).describe("Unix ms, inclusive"),
    to: z.coerce.number().int().min(0).describe("Unix ms, exclusive"),
    points: z.coerce.number().int().min(1).max(POINTS_MAX).default(POINTS_DEFAULT),
  })
  .refine(({ from, to }) => to > from && to - from <= SPAN_MS_MAX, {
    path: ["to"],
    message: "expected a time after `from`, at most three years",
  });

/** What is watched: sites, devices and their values. */
export function siteRoutes(deps: ApiDeps, { version }: { version: string }): FastifyPluginAsyncZod {
  const { live, clock, state } = deps;

  return async (app) => {
    app.get(
      "/overview",
      { schema: { tags: ["sites"], summary: "Everything in figures", response: { 200: overview, default: problem } } },
      async () => {
        const sites = live.sites();
        const devices = { total: 0, up: 0, down: 0, unreachable: 0, unknown: 0 };
        for (const { id } of sites) {
          for (const { state: now } of live.devices(id)) {
            devices.total++;
            devices[now]++;
          }
        }
        const agents = live.agents();
        const rules = live.rules();
        const open = live.openIncidents();
        return {
          now: clock.now(),
          version,
          incidents: countByPriority(open),
          unacknowledged: open.filter((incident) => incident.state === "new").length,
          sites: sites.length,
          devices,
          agents: { total: agents.length, online: agents.filter((agent) => agent.online).length },
          rules: { version: rules.version, count: rules.rules.length, refused: [...rules.refused] },
          samplesPerSecond: live.samplesPerSecond(),
        };
      },
    );

    app.get(
      "/sites",
      { schema: { tags: ["sites"], summary: "All sites", response: { 200: z.array(site), default: problem } } },
      async () => {
        const known = bySite(live);
        return live.sites().map((one) => siteView(one, live.devices(one.id), known, clock.now()));
      },
    );

    app.get(
      "/sites/:site/devices",
      {
        schema: {
          tags: ["sites"],
          summary: "Devices of a site",
          params: siteParams,
          response: { 200: z.array(device), default: problem },
        },
      },
      async (request) => {
        const siteId = knownSite(request.params.site, deps);
        const open = openByDevice(siteId, live);
        return live.devices(siteId).map((one) => deviceView(one, open.get(one.device.id) ?? []));
      },
    );

    app.get(
      "/sites/:site/device",
      {
        schema: {
          tags: ["sites"],
          summary: "One device with its values and faults",
          params: siteParams,
          querystring: z.object({ id: z.string().max(130) }),
          response: { 200: deviceDetail, default: problem },
        },
      },
      async (request) => {
        const siteId = knownSite(request.params.site, deps);
        const { id } = request.query;
        const found = isDeviceId(id) ? live.device(siteId, id) : null;
        if (found === null) throw new Refused(404, "no_device", `Site ${siteId} has no device ${JSON.stringify(id)}.`);
        return {
          device: deviceView(found, openByDevice(siteId, live).get(id) ?? []),
          values: live.values(siteId, id).map(valueView),
          faults: live.faults(siteId, id).map(({ rule, subject, state: now, severity, since, flags }) => ({
            rule,
            component: subject.component,
            state: now,
            severity,
            since,
            suppressedBy: flags.suppressedBy,
            stale: flags.stale,
            flapping: flags.flapping === true,
            inactiveHours: flags.inactiveHours === true,
            maintenance: flags.maintenance ?? null,
          })),
          dependents: live
            .devices(siteId)
            .filter((other) => other.device.dependsOn.includes(id))
            .map((other) => other.device.id),
          events: state.deviceEvents(siteId, id, EVENTS_SHOWN).map(deviceEventView),
        };
      },
    );

    app.get(
      "/sites/:site/events",
      {
        schema: {
          tags: ["sites"],
          summary: "What devices told, such as traps and restarts; newest first",
          params: siteParams,
          querystring: z.object({
            device: deviceId.optional(),
            limit: z.coerce.number().int().min(1).max(EVENTS_MAX).default(EVENTS_DEFAULT),
            cursor: cursorParam,
          }),
          response: { 200: z.array(deviceEvent), default: problem },
        },
      },
      async (request, reply) => {
        const { device = null, limit, cursor } = request.query;
        const before = eventCursors.read(cursor);
        const site = knownSite(request.params.site, deps);
        const found = state.pages.deviceEvents({ site, device }, before, limit + 1);
        const page = found.slice(0, limit);
        const last = page.at(-1);
        linkNext(request, reply, found.length > limit && last !== undefined ? eventCursors.write(last.place) : null);
        return page.map(({ record }) => deviceEventView(record));
      },
    );

    app.get(
      "/sites/:site/series",
      {
        handlerTimeout: SERIES_MS_MAX,
        schema: {
          tags: ["sites"],
          summary: "One metric of one device over time, in buckets",
          params: siteParams,
          querystring: seriesQuery,
          response: { 200: series, default: problem },
        },
      },
      async (request) => {
        const { device: id, component = null, metric, from, to, points } = request.query;
        const { unit = "", type = "number" } = findMetric(metric) ?? {};
        const found = await deps.series.query(
          { site: request.params.site, device: id, component, metric },
          { from, to, pointsMax: points },
        );
        return { metric, unit, type, component, points: found };
      },
    );

    app.get(
      "/people",
      {
        schema: {
          tags: ["session"],
          summary: "Names that an incident can be assigned to",
          response: { 200: z.array(z.string()), default: problem },
        },
      },
      async () =>
        state
          .users()
          .filter((user) => user.role !== "viewer")
          .map((user) => user.name),
    );
  };
}

/** Open incidents of a site, by device; those of the site itself have none. */
function openByDevice(site: string, live: LiveView): Map<string | null, Incident[]> {
  return Map.groupBy(
    live.openIncidents().filter(({ subject }) => subject.site === site),
    ({ subject }) => subject.device,
  );
}

function knownSite(id: string, { live }: ApiDeps): string {
  if (live.site(id) !== null) return id;
  throw new Refused(404, "no_site", `There is no site ${id}.`);
}
