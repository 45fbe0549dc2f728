/**
 * sla.yaml: how soon somebody responds, how soon it works again, how soon a vendor delivers. What is not given is as
 * shipped; what a contract does not give is as the rest of the file says. A table that is given is given whole.
 *
 *     targets:
 *       P1: { response: 5m, restore: 1h in always }
 *       P2: { response: 15m in trading_hours, restore: 4h in trading_hours }
 *       P5: none
 *     contracts:
 *       gold:
 *         targets:
 *           P2: { response: 10m, restore: 2h }
 *         penalties: { currency: EUR, restore: { per_breach: 200, per_hour: 100 }, cap: 1000 }
 */
import {
  asWritten,
  type Diagnostic,
  durationMsBetween,
  loadYamlFile,
  suggest,
  type YamlSource,
} from "@aislewatch/config";
import { ID_PATTERN } from "@aislewatch/contract";
import { z } from "zod";
import {
  DEFAULT_SLA_POLICY,
  type Penalties,
  type SlaPolicy,
  type SlaTarget,
  type SlaTerms,
  type Targets,
} from "./incidents/sla-policy.ts";
import { HOLD_REASONS, PRIORITIES, type Priority, SLA_CLOCKS, type SlaClock } from "./incidents/types.ts";
import type { Loaded } from "./sites.ts";

const MINUTE_MS = 60_000;
/** Ninety days of open hours; what takes longer is a project. */
const TARGET_MAX_MS = 90 * 86_400_000;
/** A chain has a few kinds of contract, not one a store. */
const CONTRACTS_MAX = 200;
const WARNINGS_MAX = 5;
const AMOUNT_MAX = 10_000_000;
/** Calendars that every site has. */
const OWN_CALENDARS = ["always", "trading_hours"];

const duration = durationMsBetween(MINUTE_MS, TARGET_MAX_MS);
const EXPECTED = "a target such as 5m, 4h in trading_hours, or none";

/** `15m`, `4h in trading_hours`, `none`. */
const target = asWritten<SlaTarget | null>(EXPECTED, (written) => {
  if (written === "none") return { ok: true, value: null };
  const match = typeof written === "string" ? /^(\S+)(?:\s+in\s+([a-z0-9_-]+))?$/.exec(written) : null;
  if (match === null) return { ok: false, ...(typeof written === "number" && { hint: `write the unit: ${written}m` }) };
  const parsed = duration.safeParse(match[1]);
  if (parsed.success) return { ok: true, value: { withinMs: parsed.data, calendar: match[2] ?? "always" } };
  const params = parsed.error.issues[0];
  const isRange = params?.message.includes(" to ") === true;
  return { ok: false, ...(isRange && { code: "CFG_RANGE", message: params.message }) };
});

const ofPriority = z.union([
  z.literal("none"),
  z.strictObject({ response: target.optional(), restore: target.optional(), vendor: target.optional() }),
]);
const reasons = z.array(z.enum(HOLD_REASONS)).max(HOLD_REASONS.length);
const amount = z.number().min(0).max(AMOUNT_MAX).multipleOf(0.01, "at most two decimals");
const penalty = z.strictObject({ per_breach: amount.default(0), per_hour: amount.default(0) });

const currency = asWritten<string>("a currency by its three letters, such as EUR", (written) => {
  if (typeof written !== "string") return { ok: false };
  const known = Intl.supportedValuesOf("currency");
  if (known.includes(written)) return { ok: true, value: written };
  const near = suggest(written.toUpperCase(), known);
  return { ok: false, ...(near !== null && { hint: `did you mean "${near}"?` }) };
});

const warnAt = z
  .array(z.int().min(1).max(99))
  .max(WARNINGS_MAX)
  .transform((percents) => [...new Set(percents)].sort((a, b) => a - b));

const termsSchema = z.strictObject({
  warn_at: warnAt.optional(),
  targets: z.partialRecord(z.enum(PRIORITIES), ofPriority).default({}),
  pauses: z
    .strictObject({ response: reasons.optional(), restore: reasons.optional(), vendor: reasons.optional() })
    .default({}),
  with_vendor: reasons.optional(),
  penalties: z
    .strictObject({
      currency,
      cap: amount.optional(),
      response: penalty.optional(),
      restore: penalty.optional(),
      vendor: penalty.optional(),
    })
    .optional(),
});

const name = z.string().regex(ID_PATTERN, "a name of lower-case letters, digits and hyphens");
const slaFile = termsSchema.extend({
  contracts: z
    .record(name, termsSchema)
    .refine((all) => Object.keys(all).length <= CONTRACTS_MAX, { message: `at most ${CONTRACTS_MAX} contracts` })
    .default({}),
});
type Written = z.infer<typeof termsSchema>;

/**
 * sla.yaml over the shipped policy, or all its mistakes. `calendars` are those that the sites file names; null when that
 * could not be read, and then names are not checked. Never throws.
 */
export function loadSlaPolicy(file: string, calendars: readonly string[] | null): Loaded<SlaPolicy> {
  const loaded = loadYamlFile(file, slaFile);
  const texts = new Map(loaded.text === null ? [] : [[file, loaded.text]]);
  if (!loaded.ok) return { ok: false, diagnostics: loaded.diagnostics, texts };
  const { contracts, ...base } = loaded.value;
  const parts: { readonly path: readonly string[]; readonly written: Written }[] = [
    { path: [], written: base },
    ...Object.entries(contracts).map(([key, written]) => ({ path: ["contracts", key], written })),
  ];
  const known = calendars === null ? null : [...OWN_CALENDARS, ...calendars];
  const diagnostics = known === null ? [] : parts.flatMap((part) => unknownCalendars(part, known, loaded.source));
  if (diagnostics.length > 0) return { ok: false, diagnostics, texts };
  const standard = toTerms(base, DEFAULT_SLA_POLICY.standard, null);
  const named = Object.entries(contracts).map(([key, written]): [string, SlaTerms] => [
    key,
    toTerms(written, standard, key),
  ]);
  return { ok: true, value: { standard, contracts: new Map(named) } };
}

function unknownCalendars(
  { path, written }: { readonly path: readonly string[]; readonly written: Written },
  known: readonly string[],
  source: YamlSource,
): Diagnostic[] {
  return PRIORITIES.flatMap((priority) => {
    const targets = written.targets[priority];
    if (targets === undefined || targets === "none") return [];
    return SLA_CLOCKS.flatMap((clock) => {
      const calendar = targets[clock]?.calendar;
      if (calendar === undefined || known.includes(calendar)) return [];
      const near = suggest(calendar, known);
      const message = `expected always, trading_hours or a calendar of the sites file; received "${calendar}"`;
      const hint = near === null ? {} : { hint: `did you mean "${near}"?` };
      const at = [...path, "targets", priority, clock];
      return [source.diagnostic(at, { code: "CFG_UNKNOWN_CALENDAR", message, ...hint })];
    });
  });
}

function toTerms(written: Written, base: SlaTerms, contract: string | null): SlaTerms {
  const { warn_at, targets, pauses, with_vendor, penalties } = written;
  const of = (priority: Priority): Targets => toTargets(targets[priority], base.targets[priority]);
  return {
    contract,
    targets: { P1: of("P1"), P2: of("P2"), P3: of("P3"), P4: of("P4"), P5: of("P5") },
    warnAt: warn_at ?? base.warnAt,
    pauses: {
      response: pauses.response ?? base.pauses.response,
      restore: pauses.restore ?? base.pauses.restore,
      vendor: pauses.vendor ?? base.pauses.vendor,
    },
    withVendor: with_vendor ?? base.withVendor,
    penalties: penalties === undefined ? base.penalties : toPenalties(penalties),
  };
}

/** A priority that is given is given whole: a clock that it does not name is not there. */
function toTargets(written: Written["targets"][Priority], base: Targets): Targets {
  if (written === undefined) return base;
  if (written === "none") return { response: null, restore: null, vendor: null };
  const { response = null, restore = null, vendor = null } = written;
  return { response, restore, vendor };
}

function toPenalties({ currency: unit, cap, ...clocks }: NonNullable<Written["penalties"]>): Penalties {
  const of = (clock: SlaClock) => {
    const { per_breach = 0, per_hour = 0 } = clocks[clock] ?? {};
    return { perBreach: per_breach, perHour: per_hour };
  };
  return {
    currency: unit,
    cap: cap ?? null,
    clocks: { response: of("response"), restore: of("restore"), vendor: of("vendor") },
  };
}
