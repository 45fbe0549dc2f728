/**
 * The collector's REST API with typed requests. Expected failures are values: a view shows them, and only `signed_out`
 * has an effect of its own (the live store sends the person to /login and back).
 */

import type { paths } from "@aislewatch/api";
import createClient from "openapi-fetch";
import type {
  Agent,
  AgentDetail,
  Attempt,
  BulkRequest,
  BulkResult,
  Channel,
  Device,
  DeviceDetail,
  DeviceEvent,
  Explanation,
  HandOver,
  Incident,
  IncidentAction,
  IncidentDetail,
  IncidentList,
  IncidentTold,
  MaintenanceRequest,
  MaintenanceWindow,
  Me,
  NotificationLog,
  Overview,
  Report,
  Rule,
  Series,
  Site,
  Triage,
} from "./types.ts";

export type Failure = {
  /** `conflict`: someone else was faster (409). `refused`: not allowed now, or bad input (400, 403, 422, 429). */
  readonly kind: "offline" | "signed_out" | "missing" | "conflict" | "refused" | "server";
  readonly message: string;
};
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Failure };

/** A channel is given up to a minute. */
const TEST_TIMEOUT_MS = 75_000;
/** How long a request may take before it counts as lost. */
const REQUEST_TIMEOUT_MS = 15_000;
/** A report over years waits for those that others asked for before; the collector gives up after as long. */
const REPORT_TIMEOUT_MS = 60_000;

export type IncidentQuery = NonNullable<paths["/api/v1/incidents"]["get"]["parameters"]["query"]>;
export type SeriesQuery = paths["/api/v1/sites/{site}/series"]["get"]["parameters"]["query"];

export type EventsQuery = NonNullable<paths["/api/v1/sites/{site}/events"]["get"]["parameters"]["query"]>;

export type LogQuery = NonNullable<paths["/api/v1/notifications/log"]["get"]["parameters"]["query"]>;

export type RulesQuery = NonNullable<paths["/api/v1/rules"]["get"]["parameters"]["query"]>;
export type ExplainQuery = paths["/api/v1/rules/{rule}/explain"]["get"]["parameters"]["query"];

export type ReportQuery = NonNullable<paths["/api/v1/report"]["get"]["parameters"]["query"]>;

export type Api = {
  me(): Promise<Answer<Me>>;
  signIn(name: string, password: string): Promise<Answer<Me>>;
  signOut(): Promise<Answer<unknown>>;
  overview(): Promise<Answer<Overview>>;
  incidents(query: IncidentQuery): Promise<Answer<IncidentList>>;
  incident(id: string): Promise<Answer<IncidentDetail>>;
  triage(id: string): Promise<Answer<Triage>>;
  handOver(id: string): Promise<Answer<HandOver>>;
  act(id: string, action: IncidentAction): Promise<Answer<Incident>>;
  actOnMany(request: BulkRequest): Promise<Answer<BulkResult>>;
  sites(): Promise<Answer<Site[]>>;
  devices(site: string): Promise<Answer<Device[]>>;
  device(site: string, id: string): Promise<Answer<DeviceDetail>>;
  events(site: string, query: EventsQuery): Promise<Answer<DeviceEvent[]>>;
  series(site: string, query: SeriesQuery): Promise<Answer<Series>>;
  agents(): Promise<Answer<Agent[]>>;
  agent(site: string, agent: string): Promise<Answer<AgentDetail>>;
  rules(query?: RulesQuery): Promise<Answer<Rule[]>>;
  explain(rule: string, query: ExplainQuery): Promise<Answer<Explanation>>;
  channels(): Promise<Answer<Channel[]>>;
  notificationLog(query: LogQuery): Promise<Answer<NotificationLog>>;
  /** Sends a test; a channel may take a minute. */
  testChannel(name: string): Promise<Answer<Attempt>>;
  /** Who was told of an incident. */
  told(id: string): Promise<Answer<IncidentTold>>;
  maintenance(): Promise<Answer<MaintenanceWindow[]>>;
  addMaintenance(request: MaintenanceRequest): Promise<Answer<MaintenanceWindow>>;
  changeMaintenance(id: string, request: MaintenanceRequest): Promise<Answer<MaintenanceWindow>>;
  endMaintenance(id: string): Promise<Answer<MaintenanceWindow>>;
  people(): Promise<Answer<string[]>>;
  report(query: ReportQuery): Promise<Answer<Report>>;
};

export function createApi(options: { baseUrl?: string; fetch?: typeof fetch } = {}): Api {
  const client = createClient<paths>({
    baseUrl: options.baseUrl ?? "",
    credentials: "same-origin",
    ...(options.fetch !== undefined && { fetch: options.fetch }),
  });
  const within = (ms = REQUEST_TIMEOUT_MS) => ({ signal: AbortSignal.timeout(ms) });
  return {
    me: () => answer(client.GET("/api/v1/me", within())),
    signIn: (name, password) => answer(client.POST("/api/v1/session", { body: { name, password }, ...within() })),
    signOut: () => answer(client.DELETE("/api/v1/session", within())),
    overview: () => answer(client.GET("/api/v1/overview", within())),
    incidents: (query) => answer(client.GET("/api/v1/incidents", { params: { query }, ...within() })),
    incident: (id) => answer(client.GET("/api/v1/incidents/{id}", { params: { path: { id } }, ...within() })),
    triage: (id) => answer(client.GET("/api/v1/incidents/{id}/triage", { params: { path: { id } }, ...within() })),
    async handOver(id) {
      const made = await answer<HandOver | string>(
        client.GET("/api/v1/incidents/{id}/handover", { params: { path: { id } }, ...within() }),
      );
      if (!made.ok) return made;
      if (typeof made.value !== "string") return { ok: true, value: made.value };
      return { ok: false, error: { kind: "server", message: "The collector answered with text." } };
    },
    act: (id, body) =>
      answer(client.POST("/api/v1/incidents/{id}/actions", { params: { path: { id } }, body, ...within() })),
    actOnMany: (body) => answer(client.POST("/api/v1/incidents/actions", { body, ...within() })),
    sites: () => answer(client.GET("/api/v1/sites", within())),
    devices: (site) => answer(client.GET("/api/v1/sites/{site}/devices", { params: { path: { site } }, ...within() })),
    device: (site, id) =>
      answer(client.GET("/api/v1/sites/{site}/device", { params: { path: { site }, query: { id } }, ...within() })),
    events: (site, query) =>
      answer(client.GET("/api/v1/sites/{site}/events", { params: { path: { site }, query }, ...within() })),
    series: (site, query) =>
      answer(client.GET("/api/v1/sites/{site}/series", { params: { path: { site }, query }, ...within() })),
    agents: () => answer(client.GET("/api/v1/agents", within())),
    agent: (site, agent) =>
      answer(client.GET("/api/v1/agents/{site}/{agent}", { params: { path: { site, agent } }, ...within() })),
    rules: (query = {}) => answer(client.GET("/api/v1/rules", { params: { query }, ...within() })),
    explain: (rule, query) =>
      answer(client.GET("/api/v1/rules/{rule}/explain", { params: { path: { rule }, query }, ...within() })),
    channels: () => answer(client.GET("/api/v1/notifications/channels", within())),
    notificationLog: (query) => answer(client.GET("/api/v1/notifications/log", { params: { query }, ...within() })),
    testChannel: (channel) =>
      answer(
        client.POST("/api/v1/notifications/channels/{channel}/test", {
          params: { path: { channel } },
          signal: AbortSignal.timeout(TEST_TIMEOUT_MS),
        }),
      ),
    told: (id) => answer(client.GET("/api/v1/incidents/{id}/notifications", { params: { path: { id } }, ...within() })),
    maintenance: () => answer(client.GET("/api/v1/maintenance", within())),
    addMaintenance: (body) => answer(client.POST("/api/v1/maintenance", { body, ...within() })),
    changeMaintenance: (id, body) =>
      answer(client.PUT("/api/v1/maintenance/{id}", { params: { path: { id } }, body, ...within() })),
    endMaintenance: (id) =>
      answer(client.POST("/api/v1/maintenance/{id}/end", { params: { path: { id } }, ...within() })),
    people: () => answer(client.GET("/api/v1/people", within())),
    report: (query) =>
      asJson(
        answer<Report | string>(client.GET("/api/v1/report", { params: { query }, ...within(REPORT_TIMEOUT_MS) })),
      ),
  };
}

type Reply<T> = { data?: T; error?: unknown; response: Response };

async function answer<T>(request: Promise<Reply<T>>): Promise<Answer<T>> {
  try {
    const { data, error, response } = await request;
    if (response.ok) return { ok: true, value: data as T };
    return { ok: false, error: failure(response.status, error) };
  } catch (cause) {
    const late = cause instanceof DOMException && cause.name === "TimeoutError";
    const message = late ? "The collector did not answer in time." : "The collector can't be reached.";
    return { ok: false, error: { kind: "offline", message } };
  }
}

/** Of what may come as a table for spreadsheets, too. */
async function asJson<T>(request: Promise<Answer<T | string>>): Promise<Answer<T>> {
  const made = await request;
  if (!made.ok) return made;
  if (typeof made.value !== "string") return { ok: true, value: made.value };
  return { ok: false, error: { kind: "server", message: "The collector answered with text." } };
}

/** Exported for its test: what an HTTP status and a problem body mean to a person. */
export function failure(status: number, body: unknown): Failure {
  const message = problemText(body) ?? `The collector answered ${status}.`;
  if (status === 401) return { kind: "signed_out", message };
  if (status === 404) return { kind: "missing", message };
  if (status === 409) return { kind: "conflict", message };
  return { kind: status < 500 ? "refused" : "server", message };
}

function problemText(body: unknown): string | null {
  if (typeof body !== "object" || body === null || !("message" in body)) return null;
  if (typeof body.message !== "string") return null;
  const hint = "hint" in body && typeof body.hint === "string" ? ` ${body.hint}` : "";
  return `${body.message}${hint}`;
}
