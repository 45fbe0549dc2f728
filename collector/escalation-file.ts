/**
 * escalation.yaml: who is asked next when an incident does not move. The first chain whose `where` fits is taken; a step
 * waits for one thing (unacknowledged, unresolved or sla), and asks the agent (`run`), moves the incident to a tier, tells
 * somebody, or both of these.
 *
 *     chains:
 *       - name: stores
 *         where: { priority: [P1, P2], format: store }
 *         steps:
 *           - { unacknowledged: 0s, run: probe_now }
 *           - { unacknowledged: 5m, tell: noc, repeat: { every: 5m, times: 3 } }
 *           - { unresolved: 30m, tier: 2, tell: field-support, in: trading_hours }
 *           - { sla: 90% of restore, tell: duty-manager }
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
import { CATEGORIES, KINDS } from "@aislewatch/devices";
import { z } from "zod";
import {
  type Chain,
  type ChainSelect,
  DEFAULT_STORM,
  type EscalationPolicy,
  type EscalationStep,
  REMEDIES,
  type Trigger,
} from "./incidents/escalation-policy.ts";
import { PRIORITIES, SLA_CLOCKS } from "./incidents/types.ts";
import type { Loaded } from "./sites.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Of a file; a chain of stores has a handful. */
const CHAINS_MAX = 100;
const STEPS_MAX = 20;
const NAMES_MAX = 5_000;
const TOLD_MAX = 20;
/** Who did not answer so often will not. */
const REPEATS_MAX = 20;
const STORM_MAX = 10_000;
const OWN_CALENDARS = ["always", "trading_hours"];

const after = durationMsBetween(0, 30 * DAY_MS);
const name = z.string().regex(ID_PATTERN, "a name of lower-case letters, digits and hyphens");
const oneOrMore = <T extends string>(one: z.ZodType<T>, most = NAMES_MAX): z.ZodType<readonly T[]> =>
  z.union([one.transform((written): readonly T[] => [written]), z.array(one).min(1).max(most)]);

type SlaTrigger = Extract<Trigger, { is: "sla" }>;

/** `90% of restore`. */
const sla = asWritten<SlaTrigger>("a share of a clock such as 90% of restore", (written) => {
  const match = typeof written === "string" ? /^(\d{1,3}) ?% of ([a-z]+)$/.exec(written) : null;
  if (match === null) return { ok: false };
  const percent = Number(match[1]);
  const clock = SLA_CLOCKS.find((one) => one === match[2]);
  if (clock === undefined) {
    const near = suggest(match[2] ?? "", SLA_CLOCKS);
    return { ok: false, ...(near !== null && { hint: `did you mean "${near}"?` }) };
  }
  if (percent < 1 || percent > 100) return { ok: false, code: "CFG_RANGE", message: "expected 1% to 100%" };
  return { ok: true, value: { is: "sla", clock, percent } };
});

const stepSchema = z.strictObject({
  unacknowledged: after.optional(),
  unresolved: after.optional(),
  sla: sla.optional(),
  run: z.enum(REMEDIES).optional(),
  tier: z.literal([1, 2, 3, 4]).optional(),
  tell: oneOrMore(name, TOLD_MAX).optional(),
  in: z.string().min(1).max(64).default("always"),
  repeat: z
    .strictObject({ every: durationMsBetween(MINUTE_MS, DAY_MS), times: z.int().min(1).max(REPEATS_MAX) })
    .optional(),
});
const word = z.string().min(1).max(128);
const chainSchema = z.strictObject({
  name,
  where: z
    .strictObject({
      priority: oneOrMore(z.enum(PRIORITIES)).optional(),
      category: oneOrMore(z.enum(CATEGORIES)).optional(),
      kind: oneOrMore(z.enum(KINDS)).optional(),
      rule: oneOrMore(word).optional(),
      site: oneOrMore(word).optional(),
      format: oneOrMore(z.enum(["store", "dc"])).optional(),
      contract: oneOrMore(word).optional(),
      region: oneOrMore(word).optional(),
      labels: z.record(name, oneOrMore(word)).optional(),
    })
    .default({}),
  storm: z
    .strictObject({ more_than: z.int().min(1).max(STORM_MAX), within: durationMsBetween(MINUTE_MS, DAY_MS) })
    .optional(),
  steps: z.array(stepSchema).min(1).max(STEPS_MAX),
});
const fileSchema = z.strictObject({ chains: z.array(chainSchema).max(CHAINS_MAX) });
type WrittenChain = z.infer<typeof chainSchema>;
type WrittenStep = z.infer<typeof stepSchema>;

/** What the other files of the set name; null when they could not be read, and then names are not checked. */
export type KnownNames = {
  readonly calendars: readonly string[] | null;
  readonly contracts: readonly string[] | null;
  /** Somewhere it is said who people are; who they are is looked up there (notify/file.ts). */
  readonly hasNotifications: boolean;
};

/** All chains of the file, or all its mistakes. Never throws. */
export function loadEscalation(file: string, known: KnownNames): Loaded<EscalationPolicy> {
  const loaded = loadYamlFile(file, fileSchema);
  const texts = new Map(loaded.text === null ? [] : [[file, loaded.text]]);
  if (!loaded.ok) return { ok: false, diagnostics: loaded.diagnostics, texts };
  const { value, source } = loaded;
  const diagnostics = [
    ...repeatedNames(value.chains, source),
    ...(known.hasNotifications ? [] : nobodyToTell(value.chains, source)),
    ...value.chains.flatMap((chain, index) => mistakesIn(chain, { at: ["chains", index], source, known })),
  ];
  if (diagnostics.length > 0) return { ok: false, diagnostics, texts };
  return { ok: true, value: { chains: value.chains.map(toChain) } };
}

type Place = { readonly at: readonly (string | number)[]; readonly source: YamlSource; readonly known: KnownNames };

function repeatedNames(chains: readonly WrittenChain[], source: YamlSource): Diagnostic[] {
  const seen = new Set<string>();
  return chains.flatMap((chain, index) => {
    const isSeen = seen.has(chain.name);
    seen.add(chain.name);
    const message = `expected each name once; received "${chain.name}" again`;
    return isSeen ? [source.diagnostic(["chains", index, "name"], { code: "CFG_DUPLICATE_ID", message })] : [];
  });
}

/** Told once, at the first step that tells: with the file that is missing, all of them are right. */
function nobodyToTell(chains: readonly WrittenChain[], source: YamlSource): Diagnostic[] {
  for (const [index, { steps }] of chains.entries()) {
    const step = steps.findIndex(({ tell }) => tell !== undefined);
    const who = steps[step]?.tell?.[0];
    if (who === undefined) continue;
    const message = `expected a notifications file that says who ${who} is, for nobody is told without it`;
    const hint = "name it in collector.yaml, as notifications: ./notifications.yaml";
    return [source.diagnostic(["chains", index, "steps", step, "tell"], { code: "CFG_ESCALATION", message, hint })];
  }
  return [];
}

function mistakesIn({ where, steps }: WrittenChain, place: Place): Diagnostic[] {
  const { at, source, known } = place;
  const contracts = (where.contract ?? []).flatMap((contract) => {
    if (known.contracts === null || known.contracts.includes(contract)) return [];
    const message = `expected one of the contracts of the SLA file; received "${contract}"`;
    const near = suggest(contract, known.contracts);
    const hint = near === null ? {} : { hint: `did you mean "${near}"?` };
    return [source.diagnostic([...at, "where", "contract"], { code: "CFG_UNKNOWN_CONTRACT", message, ...hint })];
  });
  return [
    ...contracts,
    ...steps.flatMap((step, index) => mistakesInStep(step, { ...place, at: [...at, "steps", index] })),
  ];
}

function mistakesInStep(step: WrittenStep, { at, source, known }: Place): Diagnostic[] {
  const wrong = (message: string, key?: string, hint?: string): Diagnostic =>
    source.diagnostic(key === undefined ? at : [...at, key], {
      code: "CFG_ESCALATION",
      message,
      ...(hint !== undefined && { hint }),
    });
  const found: Diagnostic[] = [];
  const triggers = (["unacknowledged", "unresolved", "sla"] as const).filter((key) => step[key] !== undefined);
  if (triggers.length !== 1) {
    const received = triggers.length === 0 ? "none" : triggers.join(" and ");
    found.push(wrong(`expected one of unacknowledged, unresolved and sla; received ${received}`, triggers[1]));
  }
  const { run, tier, tell, in: calendar } = step;
  if (run === undefined && tier === undefined && tell === undefined)
    found.push(wrong("expected run, tier or tell: a step does something"));
  if (run !== undefined && (tier !== undefined || tell !== undefined))
    found.push(
      wrong(
        "expected run by itself, for nobody is asked then",
        tier === undefined ? "tell" : "tier",
        "make it two steps",
      ),
    );
  const calendars = known.calendars === null ? null : [...OWN_CALENDARS, ...known.calendars];
  if (calendars !== null && !calendars.includes(calendar)) {
    const near = suggest(calendar, calendars);
    const message = `expected always, trading_hours or a calendar of the sites file; received "${calendar}"`;
    const hint = near === null ? {} : { hint: `did you mean "${near}"?` };
    found.push(source.diagnostic([...at, "in"], { code: "CFG_UNKNOWN_CALENDAR", message, ...hint }));
  }
  return found;
}

function toChain({ name: called, where, storm, steps }: WrittenChain): Chain {
  const { priority, category, kind, rule, site, format, contract, region, labels } = where;
  const select: ChainSelect = {
    ...(priority !== undefined && { priority }),
    ...(category !== undefined && { category }),
    ...(kind !== undefined && { kind }),
    ...(rule !== undefined && { rule }),
    ...(site !== undefined && { site }),
    ...(format !== undefined && { format }),
    ...(contract !== undefined && { contract }),
    ...(region !== undefined && { region }),
    ...(labels !== undefined && { labels }),
  };
  return {
    name: called,
    where: select,
    steps: steps.map(toStep),
    storm: storm === undefined ? DEFAULT_STORM : { moreThan: storm.more_than, withinMs: storm.within },
  };
}

function toStep({ in: calendar, run, tier, tell = [], repeat, ...written }: WrittenStep): EscalationStep {
  return {
    trigger: toTrigger(written),
    calendar,
    tier: tier ?? null,
    tell,
    run: run ?? null,
    repeat: repeat === undefined ? null : { everyMs: repeat.every, times: repeat.times },
  };
}

function toTrigger({
  unacknowledged,
  unresolved,
  sla: share,
}: Pick<WrittenStep, "unacknowledged" | "unresolved" | "sla">): Trigger {
  if (share !== undefined) return share;
  return unacknowledged !== undefined
    ? { is: "unacknowledged", afterMs: unacknowledged }
    : { is: "unresolved", afterMs: unresolved ?? 0 };
}
