/** How a test stands in a rule file (docs/rules.md, "Tests"). */
import { asWritten, durationMs, suggest } from "@aislewatch/config";
import { KINDS, SEVERITIES } from "@aislewatch/devices";
import { z } from "zod";
import { isTimeZone, type OpenSpan, WEEKDAYS, type Weekday } from "./calendar.ts";
import { parseSeries, type Series } from "./series.ts";

const SPANS_MAX = 64;

const componentId = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, "a component such as disk-root: lower-case letters, digits and hyphens");

const series: z.ZodType<Series> = asWritten(`a series such as "40x4 12x20 _x30"`, (written) => {
  if (typeof written !== "string" && typeof written !== "number" && typeof written !== "boolean") return { ok: false };
  const parsed = parseSeries(String(written));
  return parsed.ok ? parsed : { ...parsed, code: "RULE_TEST" };
});
const seriesByMetric = z.record(z.string(), series);
const labels = z.record(z.string(), z.string());

/** `[2m, 10m]`: from, to; to is excluded. */
const span = z.tuple([durationMs, durationMs]).refine(([from, to]) => to > from, {
  message: "expected a span such as [2m, 10m], its end after its start",
});
const spans = z.array(span).min(1).max(SPANS_MAX);

/** Local dates, as sites.yaml has them. */
const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, "expected a date such as 2026-12-25");

/** When the site is open, and at which local time the test begins. */
const siteSchema = z.strictObject({
  tz: asWritten<string>("a time zone such as Europe/Berlin", (written) => {
    if (typeof written === "string" && isTimeZone(written)) return { ok: true, value: written };
    const near = typeof written === "string" ? suggest(written, Intl.supportedValuesOf("timeZone")) : null;
    return { ok: false, ...(near !== null && { hint: `did you mean "${near}"?` }) };
  }),
  hours: asWritten<Hours>("hours such as mon-sat 08:00-20:00", (written) => {
    const hours = typeof written === "string" ? parseHours(written) : null;
    return hours === null ? { ok: false } : { ok: true, value: hours };
  }).optional(),
  closed: z.array(date).max(SPANS_MAX).default([]),
  start: asWritten<string>("a local time such as 2026-11-20T07:30", (written) =>
    typeof written === "string" && START.test(written) && !Number.isNaN(Date.parse(`${written}Z`))
      ? { ok: true, value: written }
      : { ok: false },
  ),
});

const START = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/;

const DAYS: readonly string[] = WEEKDAYS;

type Hours = Readonly<Record<Weekday, readonly OpenSpan[]>>;
const HOURS = /^(mon|tue|wed|thu|fri|sat|sun)(?:-(mon|tue|wed|thu|fri|sat|sun))? (\d{2}):(\d{2})-(\d{2}):(\d{2})$/;

/** `mon-sat 08:00-20:00, sun 10:00-16:00`; null for anything else. */
function parseHours(written: string): Hours | null {
  const week: Record<Weekday, OpenSpan[]> = { mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] };
  for (const part of written.split(",")) {
    const [, first, last = first, ...clock] = HOURS.exec(part.trim()) ?? [];
    const [from, to] = [DAYS.indexOf(first ?? ""), DAYS.indexOf(last ?? "")];
    const [h = 0, m = 0, untilH = 0, untilM = 0] = clock.map(Number);
    if (from < 0 || to < 0 || h > 23 || untilH > 24 || m > 59 || untilM > 59) return null;
    for (let n = 0; n <= (to - from + 7) % 7; n++) {
      week[WEEKDAYS[(from + n) % 7] ?? "mon"].push({ from: h * 60 + m, to: untilH * 60 + untilM });
    }
  }
  return week;
}

const eventSchema = z.strictObject({
  at: durationMs,
  code: z.string().regex(/^[a-z][a-z0-9_]{0,127}$/, "expected a code such as media_out"),
  detail: z.string().max(512).default(""),
  component: componentId.optional(),
});
const EVENTS_MAX = 1_000;

const testDeviceSchema = z.strictObject({
  kind: z.enum(KINDS).optional(),
  labels: labels.optional(),
  /** Of `parents`, `devices`, or `device`. */
  depends_on: z.array(z.string()).max(SPANS_MAX).optional(),
  series: seriesByMetric.optional(),
});

const parentSchema = z
  .strictObject({
    kind: z.enum(KINDS),
    /** Poll by poll; or when it was down, up all the time else. */
    up: series.optional(),
    down: spans.optional(),
    /** What it depends on itself; by default the next of the list. */
    depends_on: z.array(z.string()).optional(),
  })
  .refine(({ up, down }) => (up === undefined) !== (down === undefined), {
    message: `expected one of up: "1x4 0x6" and down: [[2m, 10m]]`,
  });

/** Of another rule of the test than its own; all that are named are loaded by `with`. */
const ofRule = z.string().min(1).max(128).optional();

const stateSchema = z.strictObject({
  at: z.union([z.literal("end"), durationMs]),
  rule: ofRule,
  /** On another device than the one under test: one of `parents` or `devices`. */
  device: z.string().optional(),
  component: z.string().optional(),
  state: z.enum(["inactive", "pending", "firing", "recovering"]),
  severity: z.enum(SEVERITIES).optional(),
  /** Put down to something else; or to what: a device, the rule that absorbs it, `agent`. */
  suppressed: z.union([z.boolean(), z.string().min(1).max(128)]).optional(),
  stale: z.boolean().optional(),
  flapping: z.boolean().optional(),
  maintenance: z.boolean().optional(),
  /** Outside of the rule's `active_in`. */
  inactive_hours: z.boolean().optional(),
});

const totalsSchema = z.strictObject({
  /** Another than the test's own, or `all`. */
  rule: ofRule,
  incidents: z.int().min(0),
  pages: z.int().min(0).optional(),
  /** Of these, how many were found afterwards, in what an agent brought that had been away. */
  afterwards: z.int().min(0).optional(),
});

/** `file`: the others of the test's own file; else ids of rules, and files of which all rules are meant. */
const withSchema = asWritten<With>(
  "file, or a list of rule ids and file names: [no-answer, network.yaml]",
  (written) => {
    if (written === WITH_FILE) return { ok: true, value: WITH_FILE };
    const names: readonly unknown[] = Array.isArray(written) ? written : [];
    const isList = names.length > 0 && names.length <= WITH_MAX;
    return isList && names.every(isName) ? { ok: true, value: names } : { ok: false };
  },
);
const WITH_MAX = 64;
export const WITH_FILE = "file";
/** In a total: the sum over the rules of the test. */
export const RULES_ALL = "all";
type With = typeof WITH_FILE | readonly string[];
const isName = (written: unknown): written is string => typeof written === "string" && /^[\w./-]{1,128}$/.test(written);

export const testSchema = z.strictObject({
  name: z.string().min(1),
  /** Time between polls. */
  step: durationMs,
  /** Rules beside the one whose test this is. */
  with: withSchema.optional(),
  device: z.strictObject({ kind: z.enum(KINDS).optional(), labels: labels.optional() }).optional(),
  /** The component that a rule with `scope: component` is tried on. */
  component: componentId.optional(),
  series: seriesByMetric.optional(),
  components: z.record(componentId, seriesByMetric).optional(),
  /** What the device depends on, and how that is; in a chain each depends on the next. */
  parents: z.record(z.string(), parentSchema).optional(),
  /** Further devices of the site, for rules that count them. */
  devices: z.record(z.string(), testDeviceSchema).optional(),
  site: siteSchema.optional(),
  /** Planned work at the site. */
  maintenance: spans.optional(),
  /** What the device tells, once each, for rules with `on: event`. */
  events: z.array(eventSchema).max(EVENTS_MAX).optional(),
  expect: z.array(z.union([stateSchema, totalsSchema])).min(1),
});
export type RuleTest = z.infer<typeof testSchema>;
