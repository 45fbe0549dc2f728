/**
 * notifications.yaml: the channels by which people and other programs are told, and who is told of what.
 *
 *     page: https://noc.example.com
 *     channels:
 *       - name: tickets
 *         webhook: { url: "https://tickets.example.com/hooks/aislewatch", secret: "file:secrets/tickets" }
 *       - name: noc-mail
 *         email: { server: "smtp://mail.example.com", from: aislewatch@example.com, to: noc@example.com }
 *     people:
 *       field-support: [tickets]
 *     tiers: { 2: [field-support] }
 *     routes:
 *       - { where: { priority: [P1, P2] }, on: [opened, recovered, resolved], to: [tickets] }
 *       - { on: [opened, recovered], to: [noc-mail], group_by: [site], group_wait: 30s, group_interval: 5m }
 *     templates:
 *       - { on: opened, subject: "[{{incident.priority}}] {{incident.title}}, {{incident.site.name}}" }
 */
import { dirname, resolve } from "node:path";
import {
  asWritten,
  type Diagnostic,
  durationMsBetween,
  loadYamlFile,
  type Path,
  readConfigText,
  readSecret,
  secretRef,
  suggest,
  type YamlSource,
} from "@aislewatch/config";
import { ID_PATTERN } from "@aislewatch/contract";
import { CATEGORIES, KINDS, SEVERITIES } from "@aislewatch/devices";
import { z } from "zod";
import { PRIORITIES } from "../incidents/types.ts";
import type { Loaded } from "../sites.ts";
import { addressRefusal } from "./address-policy.ts";
import type { EmailConfig } from "./email.ts";
import { type EmailTemplate, MAIL_SHAPE } from "./email-template.ts";
import { GROUP_KEYS, type GroupKey } from "./grouping.ts";
import { TOLD_EVENTS } from "./message.ts";
import type { ChannelConfig, NotificationPolicy, Route, RouteSelect } from "./routing.ts";
import { SECRET_BYTES_MIN, signingKey } from "./signature.ts";
import { parseTemplate, type Template } from "./template.ts";
import type { WebhookConfig } from "./webhook.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const CHANNELS_MAX = 50;
const ROUTES_MAX = 500;
const NAMES_MAX = 5_000;
const OWN_CALENDARS = ["trading_hours"];
/** A limit above this is none. */
const RATE_MAX = 1_000;
const URL_CHARS_MAX = 2_048;
const DEFAULT_TIMEOUT_MS = 10 * SECOND_MS;
const DEFAULT_GIVE_UP_MS = DAY_MS;

const name = z.string().regex(ID_PATTERN, "a name of lower-case letters, digits and hyphens");
const word = z.string().min(1).max(128);
const oneOrMore = <T extends string>(one: z.ZodType<T>): z.ZodType<readonly T[]> =>
  z.union([one.transform((written): readonly T[] => [written]), z.array(one).min(1).max(NAMES_MAX)]);
const url = z.url({ protocol: /^https?$/, error: "expected a URL that begins with https://" }).max(URL_CHARS_MAX);

const webhook = z.strictObject({
  url,
  secret: secretRef,
  private: z.boolean().default(false),
});
const mailbox = z
  .string()
  .max(320)
  .regex(/^(?:[^<>@\r\n"]+ <[^\s<>@]+@[\w.-]+>|[^\s<>@,]+@[\w.-]+)$/, "an address such as noc@example.com");
const server = asWritten<{ readonly host: string; readonly port: number; readonly isSecure: boolean }>(
  "a server such as smtp://mail.example.com:587, or smtps:// for TLS from the first byte",
  (written) => {
    const match =
      typeof written === "string"
        ? /^(smtps?):\/\/(?:\[([\da-fA-F:]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(written)
        : null;
    const host = match?.[2] ?? match?.[3];
    const isSecure = match?.[1] === "smtps";
    const port = Number(match?.[4] ?? (isSecure ? 465 : 587));
    if (host === undefined || port < 1 || port > 65_535) return { ok: false };
    return { ok: true, value: { host, port, isSecure } };
  },
);
const email = z.strictObject({
  server,
  tls: z.enum(["required", "none"]).default("required"),
  ca: z.string().min(1).max(1_024).optional(),
  user: z.string().min(1).max(256).optional(),
  password: secretRef.optional(),
  from: mailbox,
  to: oneOrMore(mailbox),
});
const channel = z.strictObject({
  name,
  webhook: webhook.optional(),
  email: email.optional(),
  timeout: durationMsBetween(SECOND_MS, MINUTE_MS).default(DEFAULT_TIMEOUT_MS),
  rate: z
    .strictObject({ at_most: z.int().min(1).max(RATE_MAX), within: durationMsBetween(MINUTE_MS, DAY_MS) })
    .optional(),
  quiet: z
    .strictObject({
      outside: z.string().min(1).max(64),
      except: oneOrMore(z.enum(PRIORITIES)).default(["P1"]),
    })
    .optional(),
  give_up_after: durationMsBetween(MINUTE_MS, 7 * DAY_MS).default(DEFAULT_GIVE_UP_MS),
});
const DEFAULT_GROUP_WAIT_MS = 30 * SECOND_MS;
const DEFAULT_GROUP_INTERVAL_MS = 5 * MINUTE_MS;
const TEMPLATES_MAX = 50;
const MAIL_EVENTS = [...TOLD_EVENTS, "storm", "summary", "group", "test"] as const;

const template = z.strictObject({
  on: oneOrMore(z.enum(MAIL_EVENTS)).default([]),
  channels: oneOrMore(name).default([]),
  subject: z.string().min(1).optional(),
  body: z.string().min(1).optional(),
});
const route = z.strictObject({
  where: z
    .strictObject({
      priority: oneOrMore(z.enum(PRIORITIES)).optional(),
      severity: oneOrMore(z.enum(SEVERITIES)).optional(),
      category: oneOrMore(z.enum(CATEGORIES)).optional(),
      kind: oneOrMore(z.enum(KINDS)).optional(),
      rule: oneOrMore(word).optional(),
      site: oneOrMore(word).optional(),
      format: oneOrMore(z.enum(["store", "dc"])).optional(),
      region: oneOrMore(word).optional(),
      labels: z.record(name, oneOrMore(word)).optional(),
    })
    .default({}),
  on: oneOrMore(z.enum(TOLD_EVENTS)),
  to: oneOrMore(name),
  group_by: z
    .union([z.enum(GROUP_KEYS).transform((written): readonly GroupKey[] => [written]), z.array(z.enum(GROUP_KEYS))])
    .optional(),
  group_wait: durationMsBetween(SECOND_MS, 10 * MINUTE_MS).optional(),
  group_interval: durationMsBetween(10 * SECOND_MS, DAY_MS).optional(),
});
const fileSchema = z.strictObject({
  page: url.optional(),
  channels: z.array(channel).max(CHANNELS_MAX),
  people: z.record(name, oneOrMore(name)).default({}),
  tiers: z.partialRecord(z.enum(["1", "2", "3", "4"]), oneOrMore(name)).default({}),
  routes: z.array(route).max(ROUTES_MAX).default([]),
  templates: z.array(template).max(TEMPLATES_MAX).default([]),
});
type WrittenChannel = z.infer<typeof channel>;
type WrittenWebhook = z.infer<typeof webhook>;
type WrittenEmail = z.infer<typeof email>;
/** What a channel is beyond its name and times, or what is wrong with it. */
type Made = WebhookConfig | EmailConfig | Diagnostic[];

export type NotificationsSurroundings = {
  /** Names that escalation.yaml tells; null: it could not be read. */
  readonly told: readonly string[] | null;
  /** Of the sites file; null: it could not be read. */
  readonly calendars: readonly string[] | null;
  /** Where `file:` secrets are relative to; without, the folder of the file. */
  readonly baseDir?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
};

/** The policy of the file, or all its mistakes. Never throws; opens no connection. */
export function loadNotifications(file: string, around: NotificationsSurroundings): Loaded<NotificationPolicy> {
  const loaded = loadYamlFile(file, fileSchema);
  const texts = new Map(loaded.text === null ? [] : [[file, loaded.text]]);
  if (!loaded.ok) return { ok: false, diagnostics: loaded.diagnostics, texts };
  const { value: written, source } = loaded;
  const { told, calendars, baseDir = dirname(resolve(file)), env = process.env } = around;
  const diagnostics: Diagnostic[] = [];

  const names = written.channels.map((one) => one.name);
  const refuse = (path: Path, code: string, message: string, hint?: string | null): void => {
    diagnostics.push(source.diagnostic(path, { code, message, ...(hint != null && { hint }) }));
  };
  const checkNames = (path: Path, given: readonly string[], known: readonly string[], what: string): void => {
    for (const one of given) {
      if (known.includes(one)) continue;
      const near = suggest(one, known);
      const hint = near === null ? null : `did you mean "${near}"?`;
      refuse(path, "CFG_UNKNOWN_CHANNEL", `expected ${what}; received "${one}"`, hint);
    }
  };

  for (const [index, one] of names.entries()) {
    if (names.indexOf(one) < index) refuse(["channels", index, "name"], "CFG_DUPLICATE_ID", `${one} stands here twice`);
  }
  for (const [index, { quiet }] of written.channels.entries()) {
    if (quiet === undefined || calendars === null || [...OWN_CALENDARS, ...calendars].includes(quiet.outside)) continue;
    const near = suggest(quiet.outside, [...OWN_CALENDARS, ...calendars]);
    const message = `expected trading_hours or a calendar of the sites file; received "${quiet.outside}"`;
    const hint = near === null ? null : `did you mean "${near}"?`;
    refuse(["channels", index, "quiet", "outside"], "CFG_UNKNOWN_CALENDAR", message, hint);
  }
  const people = Object.entries(written.people);
  for (const [who, to] of people) checkNames(["people", who], to, names, "channels of this file");
  const groups = people.map(([who]) => who);
  for (const [tier, to] of Object.entries(written.tiers))
    checkNames(["tiers", tier], to, groups, "people of this file");
  for (const [index, one] of written.routes.entries()) {
    checkNames(["routes", index, "to"], one.to, names, "channels of this file");
    for (const key of ["group_wait", "group_interval"] as const) {
      if (one[key] !== undefined && one.group_by === undefined)
        refuse(["routes", index, key], "CFG_GROUP", `expected group_by together with ${key}`);
    }
  }
  const mails = written.channels.flatMap((one) => (one.email === undefined ? [] : [one.name]));
  const templates = written.templates.map((one, index): EmailTemplate => {
    const at = ["templates", index] as const;
    checkNames([...at, "channels"], one.channels, mails, "channels of this file that are e-mail");
    if (one.subject === undefined && one.body === undefined)
      refuse(at, "CFG_TEMPLATE", "expected a subject, a body or both");
    const parsed = (field: "subject" | "body"): Template | null => {
      const text = one[field];
      if (text === undefined) return null;
      const read = parseTemplate(text, MAIL_SHAPE);
      if (read.ok) return read.value;
      for (const mistake of read.error) {
        const { line, message, name: what } = mistake;
        const near = what === undefined ? null : suggest(what.received, what.known);
        const said = what === undefined ? message : `${message}; received {{${what.received}}}`;
        const where = text.trimEnd().includes("\n") ? `, in line ${line} of it` : "";
        refuse([...at, field], "CFG_TEMPLATE", `${said}${where}`, near === null ? null : `did you mean {{${near}}}?`);
      }
      return null;
    };
    return { on: one.on, channels: one.channels, subject: parsed("subject"), body: parsed("body") };
  });
  for (const who of told ?? []) {
    if (groups.includes(who)) continue;
    const path = people.length > 0 ? ["people"] : [];
    refuse(path, "CFG_UNKNOWN_PEOPLE", `expected ${who} among people, for escalation.yaml tells them`);
  }
  const channels = written.channels.flatMap((one, index): ChannelConfig[] => {
    const made = makeChannel(one, { path: ["channels", index], source, baseDir, env, templates });
    if (Array.isArray(made)) diagnostics.push(...made);
    const { name: called, timeout: timeoutMs, give_up_after: giveUpAfterMs, quiet = null, rate: limit } = one;
    const rate = limit === undefined ? null : { atMost: limit.at_most, withinMs: limit.within };
    return Array.isArray(made) ? [] : [{ name: called, timeoutMs, giveUpAfterMs, quiet, rate, ...made }];
  });
  if (diagnostics.length > 0) return { ok: false, diagnostics: inOrder(diagnostics), texts };
  const byName = new Map(people);
  return {
    ok: true,
    value: {
      page: written.page?.replace(/\/+$/, "") ?? null,
      channels,
      people: byName,
      tiers: new Map(
        Object.entries(written.tiers).map(([tier, to]) => [Number(tier), to.flatMap((who) => byName.get(who) ?? [])]),
      ),
      routes: written.routes.map(toRoute),
    },
  };
}

type Place = {
  readonly path: Path;
  readonly source: YamlSource;
  readonly baseDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly templates: readonly EmailTemplate[];
};

function makeChannel(one: WrittenChannel, place: Place): Made {
  const { path, source } = place;
  if (one.webhook !== undefined && one.email === undefined)
    return toWebhook(one.webhook, { ...place, path: [...path, "webhook"] });
  if (one.email !== undefined && one.webhook === undefined)
    return toEmail(one.email, { ...place, path: [...path, "email"] });
  const received = one.webhook === undefined ? "neither" : "both";
  return [source.diagnostic(path, { code: "CFG_CHANNEL", message: `expected webhook or email; received ${received}` })];
}

/** Mail of stores does not cross a network in the clear, and a password even less. */
function toEmail(written: WrittenEmail, { path, source, baseDir, env, templates }: Place): Made {
  const { server: to, tls, ca, user, password } = written;
  const found: Diagnostic[] = [];
  const isLoopback = to.host === "localhost" || to.host === "::1" || /^127(\.\d{1,3}){3}$/.test(to.host);
  if (tls === "none" && (to.isSecure || !isLoopback)) {
    const message = `expected tls: required with ${to.isSecure ? "smtps" : "a server that is not on this machine"}`;
    found.push(source.diagnostic([...path, "tls"], { code: "CFG_PLAINTEXT", message }));
  }
  if ((user === undefined) !== (password === undefined)) {
    const message = `expected user and password together; received ${user === undefined ? "password" : "user"} alone`;
    found.push(
      source.diagnostic([...path, user === undefined ? "password" : "user"], { code: "CFG_CHANNEL", message }),
    );
  }
  const secret = password === undefined ? null : readSecret(password, baseDir, env);
  if (secret !== null && !secret.ok) found.push(source.diagnostic([...path, "password"], secret.error));
  const authority = ca === undefined ? null : readConfigText(resolve(baseDir, ca));
  if (authority !== null && !authority.ok) {
    const { code, message } = authority.error;
    found.push(source.diagnostic([...path, "ca"], { code, message }));
  }
  if (found.length > 0) return found;
  return {
    kind: "email",
    host: to.host,
    port: to.port,
    tls: to.isSecure ? "implicit" : tls === "none" ? "none" : "starttls",
    ca: authority?.ok ? authority.value : null,
    auth: user !== undefined && secret?.ok ? { user, password: secret.value } : null,
    from: written.from,
    to: written.to,
    templates,
  };
}

function toWebhook(
  { url: to, secret, private: isPrivate }: WrittenWebhook,
  { path, source, baseDir, env }: Place,
): Made {
  const found: Diagnostic[] = [];
  const { protocol, hostname, username } = new URL(to);
  const at = [...path, "url"];
  if (username !== "") {
    const message = "expected a URL without a name and password in it; messages are signed instead";
    found.push(source.diagnostic(at, { code: "CFG_SECRET", message }));
  }
  if (protocol === "http:" && !isPrivate) {
    const message = "expected https: what is told of stores does not cross a network in the clear";
    const hint = "a receiver in the own network needs private: true";
    found.push(source.diagnostic(at, { code: "CFG_PLAINTEXT", message, hint }));
  }
  const literal = hostname.replace(/^\[|\]$/g, "");
  const refusal = /^[\d.]+$|:/.test(literal) ? addressRefusal(literal, isPrivate) : null;
  if (refusal !== null) found.push(source.diagnostic(at, { code: "CFG_WEBHOOK", message: refusal }));
  const read = readSecret(secret, baseDir, env);
  const key = read.ok ? signingKey(read.value) : null;
  if (!read.ok) found.push(source.diagnostic([...path, "secret"], read.error));
  else if (key === null) {
    const message = `expected a secret of at least ${SECRET_BYTES_MIN} bytes, or whsec_ and as many in base64`;
    const hint = "openssl rand -base64 32 makes one";
    found.push(source.diagnostic([...path, "secret"], { code: "CFG_WEBHOOK", message, hint }));
  }
  if (found.length > 0 || key === null) return found;
  return { kind: "webhook", url: to, key, isPrivate };
}

function toRoute({ where, on, to, ...group }: z.infer<typeof route>): Route {
  const { priority, severity, category, kind, rule, site, format, region, labels } = where;
  const select: RouteSelect = {
    ...(priority !== undefined && { priority }),
    ...(severity !== undefined && { severity }),
    ...(category !== undefined && { category }),
    ...(kind !== undefined && { kind }),
    ...(rule !== undefined && { rule }),
    ...(site !== undefined && { site }),
    ...(format !== undefined && { format }),
    ...(region !== undefined && { region }),
    ...(labels !== undefined && { labels }),
  };
  const { group_by: by, group_wait: waitMs, group_interval: intervalMs } = group;
  const grouping =
    by === undefined
      ? {}
      : {
          grouping: {
            by: [...new Set(by)],
            waitMs: waitMs ?? DEFAULT_GROUP_WAIT_MS,
            intervalMs: intervalMs ?? DEFAULT_GROUP_INTERVAL_MS,
          },
        };
  return { where: select, on, to, ...grouping };
}

const inOrder = (diagnostics: readonly Diagnostic[]): Diagnostic[] =>
  diagnostics.toSorted((a, b) => a.line - b.line || a.column - b.column);
