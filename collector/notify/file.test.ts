import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDiagnostics } from "@aislewatch/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadEscalation } from "../escalation-file.ts";
import { loadNotifications } from "./file.ts";

const EXAMPLES = join(import.meta.dirname, "../../deploy/examples");
const ENV = {
  AISLEWATCH_WEBHOOK_SECRET: "a-secret-of-the-tests-only",
  SHORT: "hunter2",
  AISLEWATCH_SMTP_PASSWORD: "secret",
};
let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "aislewatch-notifications-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

function load(text: string, told: readonly string[] = []) {
  const path = join(dir, "notifications.yaml");
  writeFileSync(path, text);
  return loadNotifications(path, { told, calendars: ["deliveries"], env: ENV });
}

const SECRET = "secret: env:AISLEWATCH_WEBHOOK_SECRET";
const tickets = (webhook: string, more = ""): string =>
  `channels:\n  - name: tickets\n    webhook: { ${webhook} }\n${more}`;
const mail = (email: string): string =>
  `channels:\n  - name: noc-mail\n    email: { ${email}, from: a@example.com, to: noc@example.com }\n`;
const GOOD = tickets(`url: "https://tickets.example.com/hook", ${SECRET}`);

describe("the usual mistakes in notifications.yaml", () => {
  it.each([
    { name: "a wrong key", text: tickets(`uri: "https://tickets.example.com", ${SECRET}`) },
    { name: "a secret in the file", text: tickets('url: "https://tickets.example.com", secret: hunter2') },
    { name: "a secret that is not set", text: tickets('url: "https://tickets.example.com", secret: env:NONE') },
    { name: "a secret that is short", text: tickets('url: "https://tickets.example.com", secret: env:SHORT') },
    { name: "no URL", text: tickets(`url: tickets.example.com, ${SECRET}`) },
    { name: "another protocol", text: tickets(`url: "ftp://tickets.example.com", ${SECRET}`) },
    { name: "a password in the URL", text: tickets(`url: "https://me:pw@tickets.example.com", ${SECRET}`) },
    { name: "plain HTTP across a network", text: tickets(`url: "http://tickets.example.com", ${SECRET}`) },
    { name: "a private address", text: tickets(`url: "https://192.168.1.5/", ${SECRET}`) },
    {
      name: "an address where clouds hand out credentials",
      text: tickets(`url: "http://169.254.169.254/latest", ${SECRET}, private: true`),
    },
    { name: "a channel twice", text: `${GOOD}${GOOD.replace("channels:\n", "")}` },
    { name: "a route to nowhere", text: `${GOOD}routes: [{ on: opened, to: ticket }]\n` },
    { name: "an event that is none", text: `${GOOD}routes: [{ on: [opend], to: tickets }]\n` },
    { name: "a route for no event", text: `${GOOD}routes: [{ to: tickets }]\n` },
    { name: "people without a channel", text: `${GOOD}people: { noc: pager }\n` },
    { name: "a tier of strangers", text: `${GOOD}people: { noc: tickets }\ntiers: { 2: field }\n` },
    {
      name: "somebody whom escalation.yaml tells",
      text: `${GOOD}people: { noc: tickets }\n`,
      told: ["noc", "manager"],
    },
    { name: "a limit of nothing", text: `${GOOD}    rate: { at_most: 0, within: 10 }\n` },
    { name: "an unknown calendar", text: `${GOOD}    quiet: { outside: delivery }\n` },
    { name: "a channel of no kind", text: "channels: [{ name: tickets }]\n" },
    { name: "a mail server that is none", text: mail("server: mail.example.com") },
    { name: "plain mail across a network", text: mail('server: "smtp://mail.example.com", tls: none') },
    { name: "a password without a user", text: mail(`server: "smtp://mail.example.com", password: env:SHORT`) },
    { name: "a password in the file", text: mail(`server: "smtp://mail.example.com", user: me, password: hunter2`) },
    { name: "an authority that is not there", text: mail(`server: "smtp://mail.example.com", ca: none.pem`) },
    {
      name: "a receiver with a header in it",
      text: mail('server: "smtp://mail.example.com"')
        .replace("to: noc@", 'to: "x\\r\\nBcc: y@')
        .replace(".com }", '.com" }'),
    },
    { name: "a wait for no group", text: `${GOOD}routes: [{ on: opened, to: tickets, group_wait: 1m }]\n` },
    { name: "a group by nothing known", text: `${GOOD}routes: [{ on: opened, to: tickets, group_by: [sites] }]\n` },
    {
      name: "a group that waits for hours",
      text: `${GOOD}routes: [{ on: opened, to: tickets, group_by: site, group_wait: 2h }]\n`,
    },
    {
      name: "templates that can't be",
      text: `${mail('server: "smtp://mail.example.com"')}templates:
  - { on: opened, subject: "{{incident.titel}}" }
  - body: |
      {{incident.title}}
      {{#items}}
      {{incident.site}}
  - { on: opened }
  - { channels: [tickets], subject: "{{summary}}" }
`,
    },
    { name: "a timeout of an hour", text: `${GOOD}    timeout: 1h\n` },
  ])("$name", ({ text, told = [] }) => {
    const loaded = load(text, told);
    const shown = loaded.ok ? "no mistakes" : formatDiagnostics(loaded.diagnostics, loaded.texts);
    expect(`${text}---\n${shown.replaceAll(`${dir}/`, "")}\n`).toMatchSnapshot();
    expect(shown).not.toContain("hunter2");
  });
});

describe("loadNotifications", () => {
  it("reads the example, which has everybody whom the example of escalations tells", () => {
    const escalation = loadEscalation(join(EXAMPLES, "escalation.yaml"), {
      ...{ calendars: null, contracts: null, hasNotifications: true },
    });
    if (!escalation.ok) throw new Error(formatDiagnostics(escalation.diagnostics, escalation.texts));
    const told = escalation.value.chains.flatMap(({ steps }) => steps.flatMap(({ tell }) => tell));
    const loaded = loadNotifications(join(EXAMPLES, "notifications.yaml"), { told, calendars: [], env: ENV });
    if (!loaded.ok) throw new Error(formatDiagnostics(loaded.diagnostics, loaded.texts));
    const { page, channels, people, tiers, routes } = loaded.value;
    expect(page).toBe("https://noc.example.com");
    expect(channels.map(({ name, timeoutMs, giveUpAfterMs, kind }) => [name, kind, timeoutMs, giveUpAfterMs])).toEqual([
      ["tickets", "webhook", 10_000, 86_400_000],
      ["field-service", "webhook", 5_000, 43_200_000],
      ["noc-mail", "email", 10_000, 86_400_000],
    ]);
    expect(channels.map(({ rate }) => rate)).toEqual([null, null, { atMost: 20, withinMs: 600_000 }]);
    expect(channels.map(({ quiet }) => quiet)).toEqual([null, { outside: "trading_hours", except: ["P1"] }, null]);
    expect(people.get("field-support")).toEqual(["field-service", "tickets"]);
    expect(tiers.get(3)).toEqual(["noc-mail"]);
    expect(routes[0]?.grouping).toBeUndefined();
    expect(routes[3]?.grouping).toEqual({ by: ["site", "rule"], waitMs: 30_000, intervalMs: 600_000 });
    expect(channels.flatMap((one) => (one.kind === "email" ? one.templates.map(({ on }) => on) : []))).toEqual([
      ["opened", "reopened"],
    ]);
    expect(routes[1]).toEqual({
      where: { category: ["consumable", "hardware"], format: ["store"] },
      on: ["opened", "recovered"],
      to: ["field-service"],
    });
  });

  it("takes one name for a list, and no slash at the end of the page", () => {
    const loaded = load(`page: "https://noc.example.com/"\n${GOOD}routes: [{ on: opened, to: tickets }]\n`);
    expect(loaded.ok && [loaded.value.page, loaded.value.routes]).toEqual([
      "https://noc.example.com",
      [{ where: {}, on: ["opened"], to: ["tickets"] }],
    ]);
  });
});
