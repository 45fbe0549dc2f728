/**
 * What a channel would be sent, without sending it: of an incident that there is, or of one made up, in the words of
 * notifications.yaml or in those that somebody tries out. Pure.
 */
import { err, ok, type Result } from "@aislewatch/base";
import { append } from "../incidents/log.ts";
import type { Incident, IncidentEventBody } from "../incidents/types.ts";
import { unlistedSite } from "../sites.ts";
import { type EmailTemplate, MAIL_SHAPE, mailText } from "./email-template.ts";
import type { EmailText } from "./email-text.ts";
import {
  groupMessage,
  incidentMessage,
  isToldEvent,
  type Message,
  summaryMessage,
  testMessage,
  type Whereabouts,
} from "./message.ts";
import type { ChannelConfig } from "./routing.ts";
import { parseTemplate, type TemplateMistake } from "./template.ts";

export const PREVIEW_EVENTS = [
  "opened",
  "reopened",
  "escalated",
  "sla_warned",
  "sla_breached",
  "recovered",
  "resolved",
  "cancelled",
  "storm",
  "summary",
  "group",
  "test",
] as const satisfies Message["event"][];
export type PreviewEvent = (typeof PREVIEW_EVENTS)[number];

/** Words in place of the templates of notifications.yaml. */
export type Draft = { readonly subject?: string | undefined; readonly body?: string | undefined };

/** A mail as it would go; of a webhook only its body, as text. */
export type Preview = {
  readonly kind: "email" | "webhook";
  readonly subject: string | null;
  readonly text: string;
  readonly html: string | null;
};

export type DraftMistake = TemplateMistake & { readonly field: "subject" | "body" };

export function previewOf(
  config: ChannelConfig,
  message: Message,
  draft: Draft = {},
): Result<Preview, readonly DraftMistake[]> {
  if (config.kind === "webhook")
    return ok({ kind: "webhook", subject: null, text: JSON.stringify(message, null, 2), html: null });
  const drafted = templateOf(draft);
  if (!drafted.ok) return drafted;
  const templates = drafted.value === null ? config.templates : [drafted.value, ...config.templates];
  const mail: EmailText = mailText(message, config.name, templates);
  return ok({ kind: "email", ...mail });
}

function templateOf({ subject, body }: Draft): Result<EmailTemplate | null, readonly DraftMistake[]> {
  if (subject === undefined && body === undefined) return ok(null);
  const mistakes: DraftMistake[] = [];
  const parsed = (field: "subject" | "body", text: string | undefined) => {
    if (text === undefined) return null;
    const read = parseTemplate(text, MAIL_SHAPE);
    if (read.ok) return read.value;
    mistakes.push(...read.error.map((mistake) => ({ ...mistake, field })));
    return null;
  };
  const template = { on: [], channels: [], subject: parsed("subject", subject), body: parsed("body", body) };
  return mistakes.length > 0 ? err(mistakes) : ok(template);
}

/** A message of this event about the incident. */
export function sampleMessage(event: PreviewEvent, incident: Incident, where: Whereabouts, nowMs: number): Message {
  if (event === "test") return testMessage("test/preview", nowMs, "user:preview");
  const id = `${incident.id}/${incident.version}`;
  const said = {
    id,
    at: nowMs,
    to: event === "escalated" || event === "storm" ? ["field-support"] : [],
    ...whyOf(event),
  };
  const escalation = event === "escalated" ? { chain: "stores", step: 0, tier: 2 } : null;
  if (isToldEvent(event)) return incidentMessage({ ...said, event, escalation }, incident, where);
  const opened = incidentMessage({ ...said, event: "opened" }, incident, where);
  const { title, subject, priority, priorityWhy } = incident;
  const item = { incident: incident.id, title, site: subject.site, priority };
  const items = [{ ...item, why: priorityWhy, notification: id, event: "escalated" as const }];
  const group = {
    ...{ id: `group/preview/${id}`, by: { site: subject.site }, number: 1, standing: 1, isOver: false },
    incidents: [{ ...item, isOver: false }],
  };
  const whole = {
    storm: incidentMessage({ ...said, event: "storm", items }, incident, where),
    summary: summaryMessage(`summary/${id}`, nowMs, [opened]),
    group: groupMessage(`group/preview/${id}/1`, nowMs, [opened], group),
  }[event];
  return whole ?? opened;
}

function whyOf(event: PreviewEvent): { readonly why?: string } {
  if (event === "escalated") return { why: "nobody acknowledged it in 15 min" };
  if (event === "sla_warned") return { why: "75 % of the time to restore is used up" };
  if (event === "sla_breached") return { why: "the time to restore is over" };
  return {};
}

/** An incident that there is not. */
export function madeUpIncident(nowMs: number): Incident {
  const opened: IncidentEventBody = {
    type: "opened",
    subject: { site: "berlin-01", device: "receiving/label-printer", component: null },
    ...{ rule: "label-media-out", ruleVersion: "preview", title: "Labels used up", severity: "major" },
    ...{ category: "consumable", runbook: "label-printer/media-out", onset: nowMs - 120_000 },
    ...{ values: { media_out: true, head_temperature_celsius: 41.5 }, priority: "P2" },
    ...{ why: "the last label printer of receiving; the store is open", suppressedBy: null },
  };
  const stamp = { at: nowMs - 60_000, recordedAt: nowMs - 60_000, actor: "system" };
  return append("INC-000000", null, [opened], stamp).incident;
}

export const madeUpPlace = (page: string | null): Whereabouts => ({
  site: { ...unlistedSite("berlin-01"), name: "Berlin Alexanderplatz", timeZone: "Europe/Berlin" },
  kind: "label_printer",
  page,
  firstSteps: ["Put in a new roll, and close the head.", "Feed one label and look whether it stops at the gap."],
});
