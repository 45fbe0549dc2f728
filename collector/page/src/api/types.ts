/** The API's shapes under the names that the page uses; generated from the collector's OpenAPI document. */
import type { components, paths } from "@aislewatch/api";

type Schemas = components["schemas"];

export type Agent = Schemas["Agent"];
export type AgentDetail = Schemas["AgentDetail"];
export type Incident = Schemas["Incident"];
export type IncidentEvent = Schemas["IncidentEvent"];
export type IncidentDetail = Schemas["IncidentDetail"];
export type IncidentList = Schemas["IncidentList"];
export type IncidentAction = Schemas["IncidentAction"];
export type BulkRequest = Schemas["BulkRequest"];
export type BulkResult = Schemas["BulkResult"];
export type Site = Schemas["Site"];
export type Device = Schemas["Device"];
export type DeviceDetail = Schemas["DeviceDetail"];
export type DeviceEvent = Schemas["DeviceEvent"];
export type MetricValue = Schemas["MetricValue"];
export type Series = Schemas["Series"];
export type Overview = Schemas["Overview"];
export type Explanation = Schemas["Explanation"];
export type MaintenanceWindow = Schemas["MaintenanceWindow"];
export type MaintenanceRequest = paths["/api/v1/maintenance"]["post"]["requestBody"]["content"]["application/json"];
export type Rule = Schemas["Rule"];
export type Channel = Schemas["NotificationChannel"];
export type Attempt = Schemas["NotificationAttempt"];
export type NotificationLog = Schemas["NotificationLog"];
export type IncidentTold = Schemas["IncidentTold"];
export type Me = Schemas["Me"];
export type StreamEvent = Schemas["StreamEvent"];

export type Report = Schemas["IncidentReport"];
export type Figures = Schemas["Figures"];

export type Triage = Schemas["Triage"];
export type HandOver = Schemas["HandOver"];
export type Hardware = Schemas["Hardware"];

export type Priority = Incident["priority"];
export type IncidentState = Incident["state"];
export type Severity = Incident["severity"];
export type DeviceState = Device["state"];
export type Value = MetricValue["value"];
export type ResolutionCode = NonNullable<Incident["resolutionCode"]>;

export const PRIORITIES = ["P1", "P2", "P3", "P4", "P5"] as const satisfies readonly Priority[];

/** The states in which somebody still has to do something. */
export const OPEN_STATES: readonly IncidentState[] = ["new", "acknowledged", "in_progress", "on_hold"];

export const isOpen = (incident: Incident): boolean => OPEN_STATES.includes(incident.state);
