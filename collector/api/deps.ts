/**
 * What the API needs of the rest of the collector. It owns sign-in, shapes and the live stream; facts come from here.
 * Nothing is called while routes are registered, so the OpenAPI document is made without opening a store.
 */
import type { Clock, Result } from "@aislewatch/base";
import type { AgentStatus, InventoryDevice, PollFailureKind, Value } from "@aislewatch/contract";
import type { Severity } from "@aislewatch/devices";
import type { Explanation, FaultView, NoExplanation, Override, Rule, Subject } from "@aislewatch/rules";
import type { z } from "zod";
import type { CommandRefusal, CommandRequest } from "../commands.ts";
import type { Duties } from "../duties.ts";
import type { AssetBook } from "../incidents/asset-book.ts";
import type { Refusal } from "../incidents/decide.ts";
import type { Actor, Incident } from "../incidents/types.ts";
import type { AgentDelivery, AuditFilter, DeliveryAudit } from "../ledger.ts";
import type { Maintenance } from "../maintenance.ts";
import type { Notifications } from "../notify/notifications.ts";
import type { Privacy } from "../privacy/privacy.ts";
import type { Site } from "../sites.ts";
import type { CommandRecord, StateStore } from "../store/state/store.ts";
import type { TimeSeriesStore } from "../store/timeseries/store.ts";
import type { ApiFailure } from "./problem.ts";
import type { incidentAction } from "./schema/incident-action.ts";
import type { StreamEvent } from "./schema/service.ts";
import type { deviceState } from "./schema/site.ts";

export type DeviceState = z.infer<typeof deviceState>;
export type ActionRequest = z.infer<typeof incidentAction>;

export type LiveAgent = {
  readonly site: string;
  readonly id: string;
  readonly online: boolean;
  readonly version: string | null;
  readonly lastSeenAt: number;
};

export type LiveDevice = {
  readonly site: string;
  readonly agent: string;
  readonly device: InventoryDevice;
  readonly state: DeviceState;
  /** Worst severity firing on it or a component of it now. */
  readonly worst: Severity | null;
  readonly lastReadingAt: number | null;
  readonly lastFailure: { readonly at: number; readonly kind: PollFailureKind; readonly detail: string } | null;
};

export type LiveValue = {
  readonly component: string | null;
  readonly metric: string;
  readonly at: number;
  readonly value: Value;
  /** Older than three of the device's intervals, or its agent is not heard from. */
  readonly stale: boolean;
};

/** The present, from the judge's memory: every call returns at once and reads no disk. */
export type LiveView = {
  /**
   * Of sites.yaml, and sites that only an agent speaks for (named by their id, in UTC, always open); without the one where
   * the collector is a device itself.
   */
  sites(): readonly Site[];
  /** Also the collector's own; null when there is none of this id. */
  site(id: string): Site | null;
  /** What people call it; its id where nobody says. As cheap as a lookup, as is the next: asked for each of thousands. */
  siteName(id: string): string;
  /** A device as its agent describes it, without how it is. */
  slot(site: string, id: string): InventoryDevice | null;
  agents(): readonly LiveAgent[];
  /** Devices of one site; of an unknown one, none. */
  devices(site: string): readonly LiveDevice[];
  device(site: string, id: string): LiveDevice | null;
  values(site: string, device: string): readonly LiveValue[];
  /** Faults on a device and its components that are not plainly inactive. */
  faults(site: string, device: string): readonly FaultView[];
  /** New, acknowledged, in progress or on hold. */
  openIncidents(): readonly Incident[];
  /** How the clocks of incidents stand, and who is asked next. */
  readonly duties: Pick<Duties, "standing" | "nextDue">;
  rules(): {
    readonly version: string;
    /** Why newer files were refused, a line each; empty when the newest set is in use. */
    readonly refused: readonly string[];
    readonly rules: readonly Rule[];
    /** Other values of vars in some places. */
    readonly overrides?: readonly Override[];
  };
  /** On how many subjects the rule fires now. */
  firing(rule: string): number;
  /** Why a rule fires on a subject now, or why not. */
  explain(rule: string, subject: Subject): Explanation | NoExplanation;
  samplesPerSecond(): number;
  /**
   * How many incidents of the past are counted anew so far, because hours or terms changed; null: all are. Until then
   * reports have others of them as they were before, or not at all.
   */
  reportsRemaking(): { readonly done: number } | null;
};

/** An agent with what the collector knows of it beside its own words. */
export type FleetAgent = {
  readonly site: string;
  readonly id: string;
  readonly online: boolean;
  /** False: nothing of it since the collector's start, so `online` is only presumed. */
  readonly isHeard: boolean;
  readonly lastSeenAt: number;
  /** Its last words. */
  readonly status: AgentStatus | null;
  /** What is added to its times; 0 within the tolerated minute. */
  readonly skewMs: number;
  /** Its clock minus ours, as its last status showed it; null while nothing was heard of it. */
  readonly offsetMs: number | null;
  readonly devices: number;
  readonly delivery: AgentDelivery;
  /** Devices that it names and another agent of its site watches. */
  readonly refusedClaims: readonly string[];
  /** Nothing is taken of its outbox (ingest.ts). */
  readonly isEpochRefused: boolean;
};

export type Fleet = {
  agents(): readonly FleetAgent[];
  /** The devices of an agent whose last poll took longest, slowest first. */
  slowest(site: string, agent: string, most: number): readonly { device: string; seconds: number }[];
  audit(filter: AuditFilter): DeliveryAudit;
  /** How many missing spans got this explanation. */
  explain(site: string, agent: string, note: { by: string; text: string }): number;
  /** Its password, session, devices and open faults go; samples, incidents and the ledger stay. */
  remove(site: string, agent: string, by: string): void;
};

/** `incident`: as it is now. */
export type ActRefusal = (Refusal | { readonly code: "not_found"; readonly message: string }) & {
  readonly incident?: Incident;
};

export type ApiDeps = {
  readonly state: StateStore;
  readonly series: TimeSeriesStore;
  readonly live: LiveView;
  readonly fleet: Fleet;
  /** Asks an agent to do something; the record says what came of it. */
  command(request: CommandRequest): Result<CommandRecord, CommandRefusal>;
  readonly maintenance: Pick<Maintenance, "list" | "add" | "change" | "end">;
  readonly notifications: Pick<Notifications, "channels" | "log" | "test" | "told" | "preview">;
  readonly privacy: Pick<Privacy, "trace" | "erase">;
  /** Decides (incidents/decide.ts), commits and publishes. */
  act(incident: string, action: ActionRequest, actor: Actor): Promise<Result<Incident, ActRefusal>>;
  /** The same of many, in one commit; one that refuses stops none of the others. Results in the order of `targets`. */
  actOnMany(
    targets: readonly { readonly id: string; readonly version?: number | undefined }[],
    action: ActionRequest,
    actor: Actor,
  ): Promise<readonly Result<Incident, ActRefusal>[]>;
  /** Calls `listener` with everything that changes, in order; the returned function ends it. */
  subscribe(listener: (event: StreamEvent) => void): () => void;
  /** Who services hardware, and what the books have of it. */
  assets(): AssetBook;
  /** Of the fleet, as far as their agents know them; any vendor when it is null. */
  devicesOfModel(vendor: string | null, model: string): number;
  /** By its own clock; null: it never said. */
  agentStartedAt(site: string, agent: string): number | null;
  /** Markdown of `<kind>/<fault>`, or null when there is none. */
  runbook(ref: string): { readonly title: string; readonly markdown: string } | null;
  /** `ok` only when ingest works: a reading sent now would be judged and stored. */
  health(): { readonly ok: boolean; readonly reasons: readonly string[] };
  /** Prometheus text of the collector's own counters, each line ended. */
  metricsText(): string;
  /** For the log: a request that was answered with 500. */
  onFailure?(failure: ApiFailure): void;
  readonly clock: Clock;
  /** Cryptographically random bytes. */
  random(bytes: number): Uint8Array;
};

export type ApiOptions = {
  /** Of the collector, shown on the page. */
  readonly version: string;
  /** The built page (`collector/page/dist`), or null to serve the API alone. */
  readonly pageDir: string | null;
  readonly tls: { readonly key: string; readonly cert: string } | null;
};
