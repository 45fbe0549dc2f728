import { describe, expect, it } from "vitest";
import { unlistedSite } from "../sites.ts";
import { anIncident } from "../store/state/contract-data.ts";
import { type EmailTemplate, MAIL_SHAPE, mailText, mailValues } from "./email-template.ts";
import { emailText } from "./email-text.ts";
import { incidentMessage, type Message, testMessage } from "./message.ts";
import { parseTemplate, type Shape, type TemplateValue } from "./template.ts";

const site = { ...unlistedSite("berlin-01"), name: "Berlin", timeZone: "Europe/Berlin" };
const where = { site, kind: "label_printer", page: "https://noc.example.com", firstSteps: ["Put in a roll."] };
const incident = anIncident("INC-000001", { title: "Out\r\nBcc: all@example.com <b>", values: { media_out: true } });
const message = incidentMessage({ id: "INC-000001/1", event: "opened", at: 0, to: ["noc"] }, incident, where);
const item = {
  notification: "INC-000002/1",
  event: "opened",
  incident: "INC-000002",
  title: "Down",
  site: "b",
} as const;
const grouped: Message = {
  ...message,
  event: "group",
  items: [{ ...item, priority: "P1", why: "x" }],
  group: {
    ...{ id: "group/a/INC-000002/1", by: { site: "b" }, number: 1, standing: 1, isOver: false },
    incidents: [{ incident: "INC-000002", title: "Down", site: "b", priority: "P1", isOver: false }],
  },
};

function templateOf(given: {
  subject?: string;
  body?: string;
  on?: EmailTemplate["on"];
  channels?: string[];
}): EmailTemplate {
  const parsed = (text: string | undefined) => {
    if (text === undefined) return null;
    const read = parseTemplate(text, MAIL_SHAPE);
    if (!read.ok) throw new Error(JSON.stringify(read.error));
    return read.value;
  };
  return {
    on: given.on ?? [],
    channels: given.channels ?? [],
    subject: parsed(given.subject),
    body: parsed(given.body),
  };
}

describe("a mail in somebody's own words", () => {
  it("has them in text and HTML, escaped, with links, and its subject in one line", () => {
    const template = templateOf({
      subject: "[{{incident.priority}}] {{incident.title}}",
      body: "{{incident.site.name}}, since {{incident.onset}}\n{{#incident.values}}\n{{metric}}: {{value}}\n{{/incident.values}}\n{{#incident.firstSteps}}\n- {{.}}\n{{/incident.firstSteps}}\n{{incident.url}}",
    });
    const { subject, text, html } = mailText(message, "noc-mail", [template]);
    expect(subject).toBe(`[${incident.priority}] Out Bcc: all@example.com <b>`);
    expect(text).toBe(
      `Berlin, since ${message.incident?.onsetLocal}\nmedia_out: yes\n- Put in a roll.\nhttps://noc.example.com/incidents/INC-000001`,
    );
    expect(html).toContain('<a href="https://noc.example.com/incidents/INC-000001">');
    const { html: hostile } = mailText(message, "noc-mail", [templateOf({ body: "{{incident.title}}" })]);
    expect(hostile).toContain("&lt;b&gt;");
    expect(hostile).not.toContain("<b>");
  });

  it("takes subject and body each from the first that has one for the event and the channel", () => {
    const templates = [
      templateOf({ on: ["recovered"], subject: "over" }),
      templateOf({ channels: ["other"], subject: "other" }),
      templateOf({ on: ["opened"], body: "body" }),
      templateOf({ subject: "any", body: "any" }),
    ];
    expect(mailText(message, "noc-mail", templates)).toMatchObject({ subject: "any", text: "body" });
    expect(mailText(message, "other", templates).subject).toBe("other");
    expect(mailText(message, "noc-mail", templates.slice(0, 2))).toEqual(emailText(message));
  });

  it("has the usual subject where its own is empty, as in a test without an incident", () => {
    const tried = testMessage("test/1", 0, "user:ana");
    const template = templateOf({ subject: "{{incident.title}}", body: "{{summary}}" });
    expect(mailText(tried, "a", [template])).toMatchObject({ subject: tried.summary, text: tried.summary });
  });

  it("lists what a group is of", () => {
    const body =
      "{{#items}}{{event}} {{incident}};{{/items}} {{group.standing}}: {{#group.incidents}}{{title}}{{/group.incidents}}";
    expect(mailText(grouped, "a", [templateOf({ body })]).text).toBe("opened INC-000002; 1: Down");
    expect(emailText(grouped).text).toContain("Still to be solved:\n- P1 INC-000002: Down (b)");
  });

  it("can name nothing that no message has, and all that one has can be named", () => {
    const escalated = { ...grouped, why: "late", escalation: { chain: "stores", step: 0, tier: 2 } };
    expect(namesOfValue(mailValues(escalated)).toSorted()).toEqual(namesOfShape(MAIL_SHAPE).toSorted());
  });
});

function namesOfShape(shape: Shape, prefix = ""): string[] {
  if (shape === "text") return [prefix];
  if ("each" in shape) return namesOfShape(shape.each, `${prefix}[]`);
  return Object.entries(shape.fields).flatMap(([name, below]) => namesOfShape(below, `${prefix}.${name}`));
}

function namesOfValue(value: TemplateValue | undefined, prefix = ""): string[] {
  if (value === null || value === undefined || typeof value === "string") return [prefix];
  if (Array.isArray(value)) return namesOfValue(value[0], `${prefix}[]`);
  return Object.entries(value).flatMap(([name, below]) => namesOfValue(below, `${prefix}.${name}`));
}
