/**
 * Every figure that `/metrics` has, by its name without `aislewatch_` and, of a counter, without `_total`: the one list that
 * the collector fills and docs/collector-metrics.md is made from. Names and units as Prometheus has them
 * (https://prometheus.io/docs/practices/naming/); a test has promtool look at all of them.
 */
import type { Figure } from "./metrics.ts";

type Known = { readonly type: Figure["type"]; readonly help: string; readonly labels: readonly string[] };

export const FIGURES = {
  batches_accepted: { type: "counter", help: "Telemetry batches taken for the first time", labels: [] },
  samples_accepted: { type: "counter", help: "Samples in batches taken for the first time", labels: [] },
  batches_duplicate: { type: "counter", help: "Batches that had come before", labels: [] },
  batch_gaps: { type: "counter", help: "Holes in the numbers of a lane that a resend did not fill", labels: [] },
  messages_set_aside: { type: "counter", help: "Messages that could not be read", labels: [] },
  messages_refused: { type: "counter", help: "Messages that their sender may not send", labels: [] },
  sign_ins_refused: { type: "counter", help: "Agents' names or passwords that were wrong", labels: [] },
  packets_malformed: { type: "counter", help: "Connections ended for a broken or oversized packet", labels: [] },
  mqtt_connections_refused: {
    type: "counter",
    help: "MQTT connections beyond the bound, and strangers cut for newer ones",
    labels: [],
  },
  mqtt_messages_received: { type: "counter", help: "MQTT messages of agents", labels: [] },
  mqtt_received_bytes: { type: "counter", help: "Payload of MQTT messages of agents", labels: [] },
  batches_shed: {
    type: "counter",
    help: "Batches that the time-series store could not take in time; the agent sends them again",
    labels: [],
  },
  values_ignored: { type: "counter", help: "Values of unknown metrics, or of a wrong type", labels: [] },
  device_events: { type: "counter", help: "Traps, restarts and other events of devices, kept", labels: [] },
  device_events_dropped: {
    type: "counter",
    help: "Events not kept: of another agent's device, or too many while the state store could not be written",
    labels: [],
  },
  state_commits: { type: "counter", help: "Transactions of the state store", labels: [] },
  state_commit_failures: { type: "counter", help: "Transactions that could not be written", labels: [] },
  timeseries_append_failures: { type: "counter", help: "Appends that could not be written", labels: [] },
  rule_evaluations: { type: "counter", help: "Conditions evaluated", labels: [] },
  rows_unknown: { type: "counter", help: "Readings of devices that no inventory names", labels: [] },
  timeseries_queue_bytes: { type: "gauge", help: "Telemetry that waits for the time-series store", labels: [] },
  timeseries_sealed_bytes: { type: "gauge", help: "Files of days that are past, and their roll-ups", labels: [] },
  timeseries_files_unreadable: {
    type: "gauge",
    help: "Files of days that are past which can't be read, and are left out of every answer",
    labels: [],
  },
  history_budget_bytes_per_second: {
    type: "gauge",
    help: "What agents may send of their history now, all together",
    labels: [],
  },
  history_agents_draining: { type: "gauge", help: "Agents that may send history now", labels: [] },
  history_agents_waiting: { type: "gauge", help: "Agents that owe history and wait for their turn", labels: [] },
  history_batches_judged: { type: "counter", help: "History batches judged in their own time", labels: [] },
  history_batches_unjudged: {
    type: "counter",
    help: "History batches kept but not judged: nothing was known of the time before them",
    labels: [],
  },
  history_spells: { type: "counter", help: "Faults found in history that were over by then", labels: [] },
  late_engines: { type: "gauge", help: "Agents whose history is being judged, in memory", labels: [] },
  agents_connected: {
    type: "gauge",
    help: "Agents with a session, or heard through a broker that stands by itself",
    labels: [],
  },
  broker_connected: { type: "gauge", help: "1 while agents can be heard through the broker", labels: [] },
  broker_delay_seconds: { type: "gauge", help: "How long a message takes through the broker", labels: [] },
  broker_connects: { type: "counter", help: "Connections made to the broker", labels: [] },
  publishes_dropped: {
    type: "counter",
    help: "Acks and commands that found no connection to the broker, or too many before them",
    labels: [],
  },
  devices: { type: "gauge", help: "Devices in the inventory", labels: [] },
  devices_refilled: {
    type: "counter",
    help: "Devices whose windows and timers were filled from stored readings after a start or an edit",
    labels: [],
  },
  devices_not_refilled: {
    type: "counter",
    help: "Devices whose windows and timers stayed empty, for the store did not answer",
    labels: [],
  },
  rule_instances: { type: "gauge", help: "Rule and subject pairs that are judged", labels: [] },
  incidents_open: { type: "gauge", help: "Incidents not yet resolved", labels: ["priority"] },
  notifications_waiting: { type: "gauge", help: "Notifications that are still to be delivered", labels: ["channel"] },
  notifications_oldest_seconds: {
    type: "gauge",
    help: "For how long the oldest that should have gone waits",
    labels: ["channel"],
  },
  notification_attempts: {
    type: "counter",
    help: "Attempts to deliver, by how they ended",
    labels: ["channel", "outcome"],
  },
  incidents_opened: { type: "counter", help: "Incidents that were opened", labels: ["priority"] },
  incidents_resolved: { type: "counter", help: "Incidents that were resolved", labels: ["priority"] },
  escalations: { type: "counter", help: "Escalations to a tier, by timer or by hand", labels: ["tier"] },
  sla_warnings: { type: "counter", help: "Clocks of incidents that neared their end", labels: ["clock"] },
  sla_breaches: { type: "counter", help: "Clocks of incidents that ran out", labels: ["clock"] },
  notification_channel_down: { type: "gauge", help: "1 while a channel fails", labels: ["channel"] },
  rules_refused: { type: "gauge", help: "Edited files are faulty and the last good set is in use", labels: [] },
  device_poll_seconds: {
    type: "gauge",
    help: "How long the last poll took, of the slowest devices",
    labels: ["site", "agent", "device"],
  },
  resident_memory_bytes: { type: "gauge", help: "Memory of the process", labels: [] },
  heap_used_bytes: { type: "gauge", help: "Memory of JavaScript", labels: [] },
  stream_clients: { type: "gauge", help: "Pages connected to the live stream", labels: [] },
  stream_slow_disconnects: {
    type: "counter",
    help: "Pages disconnected because they read nothing any more",
    labels: [],
  },
  stream_resumed: { type: "counter", help: "Pages that came back and went on where they were", labels: [] },
  stream_resets: {
    type: "counter",
    help: "Pages that had missed something and were told to fetch the present",
    labels: [],
  },
  stream_refused: { type: "counter", help: "Pages refused because too many were connected", labels: [] },
  http_connections_refused: { type: "counter", help: "HTTP connections beyond the bound", labels: [] },
} as const satisfies Readonly<Record<string, Known>>;
export type FigureName = keyof typeof FIGURES;

/** As Prometheus has it. */
export const figureName = (name: FigureName): string =>
  `aislewatch_${name}${FIGURES[name].type === "counter" ? "_total" : ""}`;

export function figure<Name extends FigureName>(
  name: Name,
  value: number,
  ...[labels]: (typeof FIGURES)[Name]["labels"] extends readonly []
    ? []
    : [labels: Readonly<Record<(typeof FIGURES)[Name]["labels"][number], string>>]
): Figure {
  const { type, help } = FIGURES[name];
  return { name: figureName(name), type, help, value, ...(labels !== undefined && { labels }) };
}
