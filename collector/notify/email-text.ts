/**
 * A message as an e-mail: what a person reads first on a phone, in plain text and in HTML of the kind that every mail
 * program shows. Nothing in it is fetched from anywhere. Pure.
 */
import type { Message, ToldIncident } from "./message.ts";

export type EmailText = { readonly subject: string; readonly text: string; readonly html: string };

/** Longer ones are cut by mail programs. */
const SUBJECT_CHARS_MAX = 160;

type Row = readonly [label: string, value: string];

export function emailText(message: Message): EmailText {
  const { incident, items, summary, group } = message;
  const rows = incident === null || items.length > 0 ? [] : incidentRows(message, incident);
  const steps = message.event === "opened" || message.event === "reopened" || message.event === "escalated";
  const firstSteps = steps && incident !== null ? incident.firstSteps : [];
  const lines = items.map(
    ({ priority, event, incident: id, title, site, why }) => `${priority} ${id} ${event}: ${title} (${site}): ${why}`,
  );
  const stand = group?.incidents.filter(({ isOver }) => !isOver) ?? [];
  const standing = stand.map(({ priority, incident: id, title, site }) => `${priority} ${id}: ${title} (${site})`);
  const url = incident?.url ?? null;
  return {
    subject: summary.slice(0, SUBJECT_CHARS_MAX),
    text: [
      `${summary}\n`,
      ...rows.map(([label, value]) => `${label}: ${value}`),
      ...(lines.length > 0 ? ["", ...lines.map((line) => `- ${line}`)] : []),
      ...(standing.length > 0 ? ["\nStill to be solved:", ...standing.map((line) => `- ${line}`)] : []),
      ...(firstSteps.length > 0 ? ["\nDo first:", ...firstSteps.map((step, n) => `${n + 1}. ${step}`)] : []),
      ...(url === null ? [] : [`\n${url}`]),
      "",
    ].join("\n"),
    html: [
      `<!doctype html><html><body style="font-family:sans-serif;font-size:14px">`,
      `<p style="font-size:16px"><b>${escapeHtml(summary)}</b></p>`,
      ...(rows.length > 0 ? [table(rows)] : []),
      ...(lines.length > 0 ? [list("ul", lines)] : []),
      ...(standing.length > 0 ? ["<p><b>Still to be solved</b></p>", list("ul", standing)] : []),
      ...(firstSteps.length > 0 ? ["<p><b>Do first</b></p>", list("ol", firstSteps)] : []),
      ...(url === null ? [] : [`<p><a href="${escapeHtml(url)}">Open ${escapeHtml(incident?.id ?? "it")}</a></p>`]),
      "</body></html>",
    ].join("\n"),
  };
}

function incidentRows({ why }: Message, incident: ToldIncident): Row[] {
  const { id, site, device, component, onsetLocal, priority, priorityWhy, severity, values, assignee } = incident;
  const where = [device, component].filter((part) => part !== null).join(", ");
  const known = Object.entries(values).map(([metric, value]) => `${metric} ${spoken(value)}`);
  return [
    ["Incident", id],
    ["Site", `${site.name} (${site.id})`],
    ...(where === "" ? [] : [["Device", where] as const]),
    ["Since", `${onsetLocal} (${site.timeZone})`],
    ["Priority", `${priority}: ${priorityWhy}`],
    ["Severity", severity],
    ...(known.length === 0 ? [] : [["Values", known.join(", ")] as const]),
    ...(why === null ? [] : [["Why you are told", why] as const]),
    ...(assignee === null ? [] : [["Assigned to", assignee] as const]),
  ];
}

const spoken = (value: number | boolean): string =>
  typeof value === "boolean" ? (value ? "yes" : "no") : String(value);

function table(rows: readonly Row[]): string {
  const cells = rows.map(
    ([label, value]) =>
      `<tr><td style="padding:2px 12px 2px 0;color:#555">${escapeHtml(label)}</td><td>${escapeHtml(value)}</td></tr>`,
  );
  return `<table>${cells.join("")}</table>`;
}

const list = (tag: "ul" | "ol", lines: readonly string[]): string =>
  `<${tag}>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join("")}</${tag}>`;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (found) => ENTITIES[found] ?? found);

/** A text that a person wrote as HTML: its lines as they are, and its links as links. */
export function htmlOf(written: string): string {
  const lines = written.split(/(https?:\/\/[^\s<>"']+)/).map((part, index) => {
    const safe = escapeHtml(part);
    return index % 2 === 1 ? `<a href="${safe}">${safe}</a>` : safe;
  });
  return [
    `<!doctype html><html><body style="font-family:sans-serif;font-size:14px">`,
    `<div style="white-space:pre-wrap">${lines.join("")}</div>`,
    "</body></html>",
  ].join("\n");
}

const STEPS_MAX = 10;
const STEP_CHARS_MAX = 500;

/** The numbered lines below `## Do first` of a runbook. */
export function firstStepsOf(markdown: string): string[] {
  const section = /^## Do first\s*\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(markdown)?.[1] ?? "";
  const steps = [...section.matchAll(/^\d+[.)] +(.+)$/gm)].map(([, step = ""]) => step.slice(0, STEP_CHARS_MAX));
  return steps.slice(0, STEPS_MAX);
}
