/**
 * Mails in the words of notifications.yaml: which names their templates may use, and what these are of a message. The
 * names are those of the webhook's fields (message.ts), with times by the clock of the site. Pure.
 */
import { type EmailText, emailText, htmlOf } from "./email-text.ts";
import type { Message } from "./message.ts";
import { renderTemplate, type Shape, type Template, type TemplateValue } from "./template.ts";

export type EmailTemplate = {
  /** Empty: of every event. */
  readonly on: readonly Message["event"][];
  /** Empty: for every channel. */
  readonly channels: readonly string[];
  readonly subject: Template | null;
  readonly body: Template | null;
};

/** A header can't be longer than a line (RFC 5322, 2.1.1), and mail programs cut it long before. */
const SUBJECT_CHARS_MAX = 160;

const text = "text" as const;
const SITE: Shape = { fields: { id: text, name: text, timeZone: text } };
const ITEM: Shape = {
  fields: {
    ...{ notification: text, event: text, incident: text, title: text, site: text, priority: text, why: text },
  },
};
const GROUPED: Shape = { fields: { incident: text, title: text, site: text, priority: text, isOver: text } };

/** What templates of mails can name. */
export const MAIL_SHAPE: Shape = {
  fields: {
    ...{ id: text, event: text, summary: text, why: text },
    to: { each: text },
    escalation: { fields: { chain: text, step: text, tier: text } },
    items: { each: ITEM },
    group: {
      fields: { id: text, number: text, standing: text, isOver: text, incidents: { each: GROUPED } },
    },
    incident: {
      fields: {
        ...{ id: text, url: text, title: text, state: text, priority: text, priorityWhy: text, severity: text },
        ...{ category: text, rule: text, device: text, component: text, kind: text, tier: text, assignee: text },
        ...{ onset: text, opened: text, recovered: text, runbook: text },
        site: SITE,
        values: { each: { fields: { metric: text, value: text } } },
        firstSteps: { each: text },
      },
    },
  },
};

const worded = (value: string | number | boolean | null): string | null =>
  value === null || value === false ? null : value === true ? "yes" : String(value);

/** What these names are of a message. */
export function mailValues({ incident, escalation, group, ...message }: Message): TemplateValue {
  const { id, event, summary, why, to, items } = message;
  return {
    ...{ id, event, summary, why, to },
    escalation: escalation === null ? null : mapped(escalation),
    items: items.map(mapped),
    group:
      group === undefined
        ? null
        : {
            ...{ id: group.id, number: worded(group.number), standing: worded(group.standing) },
            ...{ isOver: worded(group.isOver), incidents: group.incidents.map(mapped) },
          },
    incident: incident === null ? null : incidentValues(incident),
  };
}

function incidentValues(incident: NonNullable<Message["incident"]>): TemplateValue {
  const { site, values, firstSteps, onset: _, onsetLocal, openedAt, recoveredAt, ...plain } = incident;
  const local = (ms: number | null): string | null => (ms === null ? null : localTime(ms, site.timeZone));
  return {
    ...mapped(plain),
    ...{ onset: onsetLocal, opened: local(openedAt), recovered: local(recoveredAt) },
    site: mapped(site),
    values: Object.entries(values).map(([metric, value]) => ({
      metric,
      value: typeof value === "boolean" ? (value ? "yes" : "no") : String(value),
    })),
    firstSteps,
  };
}

const mapped = (fields: object): Record<string, TemplateValue> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]: [string, unknown]) =>
      typeof value === "string" || typeof value === "number" || typeof value === "boolean" || value === null
        ? [[name, worded(value)]]
        : [],
    ),
  );

function localTime(ms: number, timeZone: string): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" }).format(ms);
}

/** The mail of a message to a channel: subject and body each by the first template that has one for it. */
export function mailText(message: Message, channel: string, templates: readonly EmailTemplate[]): EmailText {
  const usual = emailText(message);
  const fitting = templates.filter(
    ({ on, channels }) =>
      (on.length === 0 || on.includes(message.event)) && (channels.length === 0 || channels.includes(channel)),
  );
  if (fitting.length === 0) return usual;
  const values = mailValues(message);
  const subject = fitting.find((one) => one.subject !== null)?.subject ?? null;
  const body = fitting.find((one) => one.body !== null)?.body ?? null;
  const written = body === null ? null : renderTemplate(body, values);
  return {
    // One line, whatever a title holds.
    subject: subject === null ? usual.subject : oneLine(renderTemplate(subject, values)) || usual.subject,
    text: written ?? usual.text,
    html: written === null ? usual.html : htmlOf(written),
  };
}

const oneLine = (written: string): string =>
  written
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim()
    .slice(0, SUBJECT_CHARS_MAX);
