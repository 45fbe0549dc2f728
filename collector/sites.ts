/**
 * sites.yaml: the stores and distribution centres that agents speak for. The file gives a site its name, its clock and
 * its trading hours; an agent of a site that is not listed is watched all the same (unlistedSite). `calendars` are other
 * hours that rules may go by (`active_in`), by the clock of each site; `holidays` are lists of days that sites share.
 */

import { asWritten, type Diagnostic, loadYamlFile, type Path, suggest, type YamlSource } from "@aislewatch/config";
import { ID_PATTERN } from "@aislewatch/contract";
import { isTimeZone, type OpenSpan, type SiteCalendar, type SiteInfo, WEEKDAYS, type Weekday } from "@aislewatch/rules";
import { z } from "zod";
import { OWN_SITE } from "./own-reports.ts";

/** A store or distribution centre, as sites.yaml names it. */
export type Site = SiteCalendar & {
  readonly id: string;
  readonly name: string;
  readonly format: "store" | "dc";
  /** By the name that `active_in` of a rule gives, in the site's own time; it is closed on the site's closed days, too. */
  readonly calendars: ReadonlyMap<string, SiteCalendar>;
  /** As one finds it: street, number, town. */
  readonly address?: string;
  /** Who to call there, in the order of asking. */
  readonly contacts: readonly Contact[];
  /** Of sla.yaml; null: the standard terms. */
  readonly contract: string | null;
  readonly region: string | null;
  readonly labels: Readonly<Record<string, string>>;
};

export type Contact = {
  readonly name: string;
  /** What they are there: `manager`, `it`, `facilities`, … */
  readonly role: string;
  readonly phone: string | null;
  readonly email: string | null;
  /** When they can be reached, by the clock of the site; null: always. */
  readonly hours: SiteCalendar | null;
};

/** What a site is taken for that only an agent speaks for: sites.yaml may be filled in later. */
export const unlistedSite = (id: string): Site => ({
  id,
  name: id,
  format: "store",
  timeZone: "UTC",
  hours: null,
  closedDays: [],
  calendars: new Map(),
  contacts: [],
  contract: null,
  region: null,
  labels: {},
});

/** What the engine goes by: a site without hours is one where nothing is ever closed. */
export const siteInfo = (site: Site): SiteInfo => ({
  id: site.id,
  name: site.name,
  timeZone: site.timeZone,
  format: site.format,
  tradingHours: { timeZone: site.timeZone, hours: site.hours, closedDays: site.closedDays },
  calendars: site.calendars,
});

export type Loaded<T> =
  | { readonly ok: true; readonly value: T }
  /** `texts` are the files that were read, by name, for formatDiagnostics. */
  | { readonly ok: false; readonly diagnostics: Diagnostic[]; readonly texts: ReadonlyMap<string, string> };

/** A retailer has a few thousand. */
const SITES_MAX = 20_000;
const CLOSED_DAYS_MAX = 1_000;
const SPANS_MAX = 8;
/** Whoever calls ten people in a row needs another plan. */
const CONTACTS_MAX = 10;
const LABELS_MAX = 32;

/** All sites of the file, or all its mistakes. Never throws. */
export function loadSites(path: string): Loaded<Site[]> {
  const loaded = loadYamlFile(path, sitesFile);
  const texts = new Map(loaded.text === null ? [] : [[path, loaded.text]]);
  if (!loaded.ok) return { ok: false, diagnostics: loaded.diagnostics, texts };
  const { sites, holidays, calendars } = loaded.value;
  const diagnostics = [
    ...repeatedIds(sites, loaded.source),
    ...reservedIds(sites, loaded.source),
    ...sites.flatMap((site, index) =>
      repeatedDays(site.trading_hours, ["sites", index, "trading_hours"], loaded.source),
    ),
    ...sites.flatMap(({ contacts }, index) =>
      contacts.flatMap(({ hours }, n) => repeatedDays(hours, ["sites", index, "contacts", n, "hours"], loaded.source)),
    ),
    ...sites.flatMap((site, index) => unreachable(site, index, loaded.source)),
    ...Object.entries(calendars).flatMap(([name, { hours }]) =>
      repeatedDays(hours, ["calendars", name, "hours"], loaded.source),
    ),
    ...unknownHolidays(loaded.value, loaded.source),
  ];
  if (diagnostics.length > 0) return { ok: false, diagnostics, texts };
  return { ok: true, value: sites.map((site) => toSite(site, { holidays, calendars })) };
}

export const timeZone = asWritten<string>("a time zone such as Europe/Berlin", (written) => {
  if (typeof written === "string" && isTimeZone(written)) return { ok: true, value: written };
  const near = typeof written === "string" ? suggest(written, Intl.supportedValuesOf("timeZone")) : null;
  return { ok: false, ...(near !== null && { hint: `did you mean "${near}"?` }) };
});

const spans = asWritten<readonly OpenSpan[]>("hours such as 08:00-20:00, or closed", (written) => {
  if (written === "closed") return { ok: true, value: [] };
  if (typeof written !== "string") return { ok: false };
  const found = written.split(",").map((part) => SPAN.exec(part.trim()));
  const value = found.flatMap((match) => (match === null ? [] : [toSpan(match)]));
  if (value.length !== found.length || value.length > SPANS_MAX) return { ok: false, ...hoursHint(written) };
  return { ok: true, value };
});

const CLOCK = "([01]\\d|2[0-3]):([0-5]\\d)";
const SPAN = new RegExp(`^${CLOCK}\\s*-\\s*(?:${CLOCK}|(24):(00))$`);

function toSpan([, fromHour, fromMinute, toHour, toMinute, midnight]: RegExpExecArray): OpenSpan {
  const from = Number(fromHour) * 60 + Number(fromMinute);
  return { from, to: midnight === undefined ? Number(toHour) * 60 + Number(toMinute) : 1_440 };
}

function hoursHint(written: string): { hint?: string } {
  if (/^\d:/.test(written) || /-\s*\d:/.test(written)) return { hint: "write hours with two digits: 08:00" };
  if (/[ap]m/i.test(written)) return { hint: "write 24-hour time: 20:00" };
  return /^(all day|24h|always|open)$/i.test(written) ? { hint: "write 00:00-24:00" } : {};
}

const days = z.string().refine((text) => toDays(text) !== null, {
  message: "such as mon, mon-fri or daily",
});

/** `mon`, `mon-fri`, `sat-mon`, `daily`; null for anything else. */
function toDays(text: string): readonly Weekday[] | null {
  if (text === "daily") return WEEKDAYS;
  const names: readonly string[] = WEEKDAYS;
  const [first = "", last = first, ...more] = text.split("-");
  const from = names.indexOf(first);
  const to = names.indexOf(last);
  if (from < 0 || to < 0 || more.length > 0) return null;
  const count = ((to - from + 7) % 7) + 1;
  return Array.from({ length: count }, (_, n) => WEEKDAYS[(from + n) % 7] ?? "mon");
}

/** A day that there is, `2026-12-25`. */
export const isDay = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);

export const date = asWritten<string>("a date such as 2026-12-25", (written) =>
  typeof written === "string" && isDay(written) ? { ok: true, value: written } : { ok: false },
);

/** Hours by weekday: `mon-fri: 08:00-20:00`, `sun: closed`. */
export const tradingHours = z.record(days, spans);

const name = z.string().regex(ID_PATTERN, "a name of lower-case letters, digits and hyphens");
/** Calendars of one file; what would need more is a calendar per site, which trading hours are. */
const CALENDARS_MAX = 100;
/** What `active_in` means by itself. */
const RESERVED_CALENDARS = ["always", "trading_hours"];

/** Digits with what people write between them; an extension after `x` or `ext.`. ITU-T E.164 has 15 digits at most. */
export const phone = asWritten<string>("a phone number such as +49 30 123456", (written) => {
  if (typeof written === "number") return { ok: false, hint: `write it as text: "${written}"` };
  const isPhone = typeof written === "string" && /^\+?[\d\s()./-]{3,40}(?:\s*(?:x|ext\.?)\s*\d{1,6})?$/.test(written);
  const digits = isPhone ? written.replace(/(?:x|ext).*$/, "").replaceAll(/\D/g, "").length : 0;
  return isPhone && digits >= 3 && digits <= 15 ? { ok: true, value: written.trim() } : { ok: false };
});
/** Enough to catch a slip; whether anybody is there only mail can tell (RFC 5321 allows 254 characters). */
export const email = asWritten<string>("an address such as kim@example.com", (written) => {
  const isAddress = typeof written === "string" && written.length <= 254 && /^[^\s@]+@[^\s@]+\.[^\s@.]+$/.test(written);
  return isAddress ? { ok: true, value: written } : { ok: false };
});

const contactSchema = z.strictObject({
  name: z.string().min(1).max(128),
  role: z.string().min(1).max(64),
  phone: phone.optional(),
  email: email.optional(),
  hours: tradingHours.optional(),
});

const siteSchema = z.strictObject({
  id: z.string().regex(ID_PATTERN, "an id of lower-case letters, digits and hyphens"),
  name: z.string().min(1).max(128).optional(),
  time_zone: timeZone,
  format: z.enum(["store", "dc"]).default("store"),
  trading_hours: tradingHours.optional(),
  closed_days: z.array(date).max(CLOSED_DAYS_MAX).default([]),
  holidays: z.array(name).max(SPANS_MAX).default([]),
  address: z.string().trim().min(1).max(256).optional(),
  contacts: z.array(contactSchema).max(CONTACTS_MAX).default([]),
  contract: name.optional(),
  region: z.string().min(1).max(64).optional(),
  labels: z
    .record(name, z.string().min(1).max(128))
    .refine((all) => Object.keys(all).length <= LABELS_MAX, { message: `at most ${LABELS_MAX} labels` })
    .default({}),
});
const calendarSchema = z.strictObject({
  hours: tradingHours,
  closed_days: z.array(date).max(CLOSED_DAYS_MAX).default([]),
});
const sitesFile = z.strictObject({
  holidays: z.record(name, z.array(date).max(CLOSED_DAYS_MAX)).default({}),
  calendars: z
    .record(
      name.refine((text) => !RESERVED_CALENDARS.includes(text), { message: "another name: this one is taken" }),
      calendarSchema,
    )
    .refine((all) => Object.keys(all).length <= CALENDARS_MAX, { message: `at most ${CALENDARS_MAX} calendars` })
    .default({}),
  sites: z.array(siteSchema).max(SITES_MAX),
});

type Written = z.infer<typeof siteSchema>;
type WrittenFile = z.infer<typeof sitesFile>;

function toSite(
  { id, name: called = id, time_zone, format, trading_hours, closed_days, holidays: lists, ...more }: Written,
  { holidays, calendars }: Pick<WrittenFile, "holidays" | "calendars">,
): Site {
  const hours = trading_hours === undefined ? null : toWeek(trading_hours);
  const closedDays = [...new Set([...closed_days, ...lists.flatMap((list) => holidays[list] ?? [])])];
  const own = Object.entries(calendars).map(([key, calendar]): [string, SiteCalendar] => [
    key,
    {
      timeZone: time_zone,
      hours: toWeek(calendar.hours),
      closedDays: [...new Set([...closedDays, ...calendar.closed_days])],
    },
  ]);
  const { address, contract = null, region = null, labels } = more;
  const contacts = more.contacts.map((contact) => toContact(contact, time_zone));
  const site = { id, name: called, format, timeZone: time_zone, hours, closedDays, calendars: new Map(own) };
  return { ...site, ...(address !== undefined && { address }), contacts, contract, region, labels };
}

function toContact({ name: called, role, ...how }: z.infer<typeof contactSchema>, zone: string): Contact {
  const { phone: number = null, email: address = null, hours } = how;
  const reached = hours === undefined ? null : { timeZone: zone, hours: toWeek(hours), closedDays: [] };
  return { name: called, role, phone: number, email: address, hours: reached };
}

/** A contact whom nobody can reach is none. */
function unreachable({ contacts }: Written, index: number, source: YamlSource): Diagnostic[] {
  return contacts.flatMap((contact, n) => {
    if (contact.phone !== undefined || contact.email !== undefined) return [];
    const message = `expected a phone number or an e-mail address of ${contact.name}`;
    return [source.diagnostic(["sites", index, "contacts", n], { code: "CFG_NO_WAY_TO_REACH", message })];
  });
}

/** Sites whose contract no policy has: they would be served by the standard terms, and nobody meant that. */
export function checkContracts(path: string, contracts: readonly string[]): Loaded<true> {
  const loaded = loadYamlFile(path, sitesFile);
  // Whatever else is wrong with it, loadSites has said.
  if (!loaded.ok) return { ok: true, value: true };
  const diagnostics = loaded.value.sites.flatMap(({ contract }, index) => {
    if (contract === undefined || contracts.includes(contract)) return [];
    const near = suggest(contract, contracts);
    const message = `expected a contract of sla.yaml; received "${contract}"`;
    const hint = near === null ? {} : { hint: `did you mean "${near}"?` };
    return [loaded.source.diagnostic(["sites", index, "contract"], { code: "CFG_UNKNOWN_CONTRACT", message, ...hint })];
  });
  if (diagnostics.length === 0) return { ok: true, value: true };
  return { ok: false, diagnostics, texts: new Map([[path, loaded.text ?? ""]]) };
}

function unknownHolidays({ sites, holidays }: WrittenFile, source: YamlSource): Diagnostic[] {
  return sites.flatMap(({ holidays: lists }, index) =>
    lists.flatMap((list, i) => {
      if (Object.hasOwn(holidays, list)) return [];
      const near = suggest(list, Object.keys(holidays));
      const message = `expected one of the lists under holidays; received "${list}"`;
      const hint = near === null ? {} : { hint: `did you mean "${near}"?` };
      return [source.diagnostic(["sites", index, "holidays", i], { code: "CFG_UNKNOWN_HOLIDAYS", message, ...hint })];
    }),
  );
}

/** A weekday that is not named is closed. */
export function toWeek(written: z.infer<typeof tradingHours>): Record<Weekday, readonly OpenSpan[]> {
  const week: Record<Weekday, readonly OpenSpan[]> = { mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] };
  for (const [key, value] of Object.entries(written)) for (const day of toDays(key) ?? []) week[day] = value;
  return week;
}

function repeatedIds(sites: readonly Written[], source: YamlSource): Diagnostic[] {
  const firstAt = new Map<string, number>();
  return sites.flatMap(({ id }, index) => {
    const first = firstAt.get(id);
    firstAt.set(id, first ?? index);
    if (first === undefined) return [];
    const { line } = source.at(["sites", first, "id"]);
    const message = `expected each site id once; received "${id}" again, first on line ${line}`;
    return [source.diagnostic(["sites", index, "id"], { code: "CFG_DUPLICATE_ID", message })];
  });
}

function reservedIds(sites: readonly Written[], source: YamlSource): Diagnostic[] {
  return sites.flatMap(({ id }, index) => {
    if (id !== OWN_SITE) return [];
    const message = `expected an id of a store; "${OWN_SITE}" is where the collector is a device itself`;
    return [source.diagnostic(["sites", index, "id"], { code: "CFG_RESERVED_ID", message })];
  });
}

function repeatedDays(hours: Written["trading_hours"], path: Path, source: YamlSource): Diagnostic[] {
  const keyOf = new Map<Weekday, string>();
  return Object.keys(hours ?? {}).flatMap((key) => {
    const repeated = (toDays(key) ?? []).filter((day) => keyOf.has(day));
    for (const day of toDays(key) ?? []) keyOf.set(day, keyOf.get(day) ?? key);
    const [day] = repeated;
    if (day === undefined) return [];
    const message = `expected each weekday once; received ${day} again, which is in "${keyOf.get(day)}" already`;
    return [source.diagnostic([...path, key], { code: "CFG_DUPLICATE_DAY", message, key: true })];
  });
}
