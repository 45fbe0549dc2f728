/** How a test stands in a rule file (docs/rules.md, "Tests"). */
import { asWritten, durationMs } from "@aislewatch/config";
import { KINDS, SEVERITIES } from "@aislewatch/devices";
import { z } from "zod";
import { parseSeries, type Series } from "./series.ts";

const SPANS_MAX = 64;

const componentId = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/);

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

const testDeviceSchema = z.strictObject({
  kind: z.enum(KINDS).optional(),
  labels: labels.optional(),
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

const stateSchema = z.strictObject({
  at: z.union([z.literal("end"), durationMs]),
  state: z.enum(["inactive", "pending", "firing", "recovering"]),
  severity: z.enum(SEVERITIES).optional(),
  suppressed: z.boolean().optional(),
  stale: z.boolean().optional(),
});

const totalsSchema = z.strictObject({
  incidents: z.int().min(0),
  pages: z.int().min(0).optional(),
  /** Of these, how many were found afterwards, in what an agent brought that had been away. */
  afterwards: z.int().min(0).optional(),
});

export const testSchema = z.strictObject({
  name: z.string().min(1),
  /** Time between polls. */
  step: durationMs,
  device: z.strictObject({ kind: z.enum(KINDS).optional(), labels: labels.optional() }).optional(),
  /** The component that a rule with `scope: component` is tried on. */
  component: componentId.optional(),
  series: seriesByMetric.optional(),
  components: z.record(componentId, seriesByMetric).optional(),
  /** What the device depends on, and how that is; in a chain each depends on the next. */
  parents: z.record(z.string(), parentSchema).optional(),
  /** Further devices of the site, for rules that count them. */
  devices: z.record(z.string(), testDeviceSchema).optional(),
  expect: z.array(z.union([stateSchema, totalsSchema])).min(1),
});
export type RuleTest = z.infer<typeof testSchema>;
