/**
 * What somebody fills in to plan maintenance: what is wrong with it, by field, and the request that it makes. Pure. Times
 * of a window that is once are by the clock of the browser; hours of every week by the stores' clocks, or by one zone's.
 */
import type { MaintenanceRequest, MaintenanceWindow } from "../api/types.ts";
import { isKnownKind, type KnownKind } from "../ui/kinds.ts";
import { DAYS, type Day } from "./windows.ts";

export type Mode = "now" | "once" | "weekly";
/** In `site`: every one there is. */
export const ALL_SITES = "*";

export type Form = {
  readonly reason: string;
  /** Empty: not chosen yet. */
  readonly site: string;
  readonly kind: KnownKind | "";
  readonly device: string;
  /** Places that this form can't show (several sites, labels): they stay as they are. */
  readonly kept: MaintenanceWindow["where"] | null;
  readonly mode: Mode;
  readonly hours: number;
  /** As `<input type="datetime-local">` has them: 2026-11-30T22:00 */
  readonly from: string;
  readonly to: string;
  readonly days: readonly Day[];
  /** As `<input type="time">` has them: 03:00 */
  readonly begins: string;
  readonly ends: string;
  /** Empty: the clock of each store. */
  readonly zone: string;
};

export const EMPTY_FORM: Form = {
  ...{ reason: "", site: "", kind: "", device: "", kept: null, mode: "now", hours: 1 },
  ...{ from: "", to: "", days: [], begins: "", ends: "", zone: "" },
};

export type Field = "site" | "kind" | "device" | "from" | "to" | "days" | "begins" | "ends" | "zone" | "reason";
/** In the order in which they stand. */
export const FIELDS: readonly Field[] = [
  "site",
  "kind",
  "device",
  "from",
  "to",
  "days",
  "begins",
  "ends",
  "zone",
  "reason",
];

export type Mistakes = Partial<Readonly<Record<Field, string>>>;

/** What the collector allows: longer is no maintenance, but a thing that is out of use. */
const DAYS_MAX = 90;
const DAY_MS = 86_400_000;
const CLOCK = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

export type Known = {
  readonly nowMs: number;
  /** Ids of the site's devices; null while nobody has said. */
  readonly devices: readonly string[] | null;
};

/** By field; empty when it may be sent. */
export function mistakesOf(form: Form, known: Known): Mistakes {
  return {
    ...(form.kept === null && whereMistakes(form, known)),
    ...(form.mode === "once" && onceMistakes(form, known.nowMs)),
    ...(form.mode === "weekly" && weeklyMistakes(form)),
    ...(form.reason.trim() === "" && { reason: "Say why: people see it beside the incidents." }),
  };
}

function whereMistakes({ site, kind, device }: Form, { devices }: Known): Mistakes {
  const named = device.trim();
  if (site === "") return { site: "Choose a site, or all of them." };
  if (site === ALL_SITES) {
    if (named !== "") return { device: "A device is one site's: choose that." };
    return kind === "" ? { kind: "Choose a kind: else nothing at all would call anybody, anywhere." } : {};
  }
  if (named === "" || devices === null || devices.includes(named)) return {};
  return { device: `${site} has no device ${named}.` };
}

function onceMistakes({ from, to }: Form, nowMs: number): Mistakes {
  const [fromMs, toMs] = [localMs(from), localMs(to)];
  const missing = {
    ...(fromMs === null && { from: "When does it begin?" }),
    ...(toMs === null && { to: "When does it end?" }),
  };
  if (fromMs === null || toMs === null) return missing;
  if (toMs <= fromMs) return { to: "It must end after it begins." };
  if (toMs <= nowMs) return { to: "That is over already." };
  return toMs - fromMs > DAYS_MAX * DAY_MS ? { to: `${DAYS_MAX} days at most: longer is out of use.` } : {};
}

function weeklyMistakes({ days, begins, ends, zone }: Form): Mistakes {
  return {
    ...(days.length === 0 && { days: "Choose at least one day." }),
    ...(!CLOCK.test(begins) && { begins: "A time, such as 02:00." }),
    ...(!CLOCK.test(ends) && { ends: "A time, such as 04:00." }),
    ...(CLOCK.test(begins) && begins === ends && { ends: "It ends as it begins: a whole day is 00:00 to 23:59." }),
    ...(zone.trim() !== "" && !isZone(zone.trim()) && { zone: "A time zone, such as Europe/Berlin; or none." }),
  };
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false; // RangeError is how Intl says that it does not know the zone.
  }
}

/** By the clock of the browser; null for what is no time. */
function localMs(written: string): number | null {
  const at = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(written) ? new Date(written).getTime() : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

/** The other way round, to the minute. */
export function localText(ms: number): string {
  const at = new Date(ms);
  const [day, time] = [
    [at.getFullYear(), at.getMonth() + 1, at.getDate()],
    [at.getHours(), at.getMinutes()],
  ].map((parts) => parts.map((part) => String(part).padStart(2, "0")));
  return `${day?.join("-")}T${time?.join(":")}`;
}

/** Of a form without mistakes. */
export function requestOf(form: Form, nowMs: number): MaintenanceRequest {
  return { reason: form.reason.trim(), where: whereOf(form), ...whenOf(form, nowMs) };
}

function whereOf({ kept, site, kind, device }: Form): MaintenanceRequest["where"] {
  if (kept !== null) {
    const kinds = kept.kind?.filter(isKnownKind);
    return {
      ...(kept.site !== null && { site: kept.site }),
      ...(kept.device !== null && { device: kept.device }),
      ...(kinds !== undefined && { kind: kinds }),
      ...(Object.keys(kept.labels).length > 0 && { labels: kept.labels }),
    };
  }
  return {
    ...(site !== ALL_SITES && { site: [site] }),
    ...(device.trim() !== "" && { device: [device.trim()] }),
    ...(kind !== "" && { kind: [kind] }),
  };
}

function whenOf(form: Form, nowMs: number): Pick<MaintenanceRequest, "from" | "to" | "weekly"> {
  if (form.mode === "now") return { from: nowMs, to: nowMs + Math.round(form.hours * 3_600_000) };
  if (form.mode === "once") return { from: localMs(form.from) ?? nowMs, to: localMs(form.to) ?? nowMs };
  const { days, begins, ends, zone } = form;
  const timeZone = zone.trim();
  return {
    weekly: {
      days: DAYS.filter((day) => days.includes(day)),
      ...{ from: begins, to: ends },
      ...(timeZone !== "" && { timeZone }),
    },
  };
}

/** What the window would be, for the sentence below the form; null while its time is not known. */
export function previewOf(
  form: Form,
  nowMs: number,
): Pick<MaintenanceWindow, "from" | "to" | "weekly" | "timeZone"> | null {
  const mistakes = {
    ...(form.mode === "once" && onceMistakes(form, nowMs)),
    ...(form.mode === "weekly" && weeklyMistakes(form)),
  };
  if (Object.keys(mistakes).length > 0) return null;
  const { from = null, to = null, weekly } = whenOf(form, nowMs);
  if (weekly === undefined) return { from, to, weekly: [], timeZone: null };
  const spans = weekly.days.map((day) => ({ day, from: weekly.from, to: weekly.to }));
  return { from: null, to: null, weekly: spans, timeZone: weekly.timeZone ?? null };
}

/** A window as the form shows it; null where the form can't: hours that differ from day to day. */
export function formOf({ reason, where, from, to, weekly, timeZone }: MaintenanceWindow): Form | null {
  const form: Form = { ...EMPTY_FORM, ...placeOf(where), reason };
  if (from !== null && to !== null) return { ...form, mode: "once", from: localText(from), to: localText(to) };
  const [first] = weekly;
  if (first === undefined || weekly.some((span) => span.from !== first.from || span.to !== first.to)) return null;
  const hours = { begins: first.from, ends: first.to, zone: timeZone ?? "" };
  return { ...form, mode: "weekly", days: weekly.map(({ day }) => day), ...hours };
}

function placeOf(where: MaintenanceWindow["where"]): Pick<Form, "site" | "kind" | "device" | "kept"> {
  const [site, kind, device] = [only(where.site), only(where.kind), only(where.device)];
  const isKind = kind === null || (kind !== undefined && isKnownKind(kind));
  if (site === undefined || device === undefined || !isKind || Object.keys(where.labels).length > 0) {
    return { site: "", kind: "", device: "", kept: where };
  }
  return { site: site ?? ALL_SITES, kind: kind ?? "", device: device ?? "", kept: null };
}

/** The one name, null for any, undefined for several. */
const only = (names: readonly string[] | null): string | null | undefined =>
  names === null ? null : names.length === 1 ? names[0] : undefined;
