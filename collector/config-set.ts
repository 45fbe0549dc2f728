/**
 * What ops people edit while the collector runs: rule files and their overrides, runbooks, sites, planned maintenance,
 * vendors and assets, and the policies for incidents (priority, SLA, escalation, lifecycle, notifications), taken as one set. A set with any
 * mistake is refused whole and the last good one stays; that one is kept in the state store as well, so that a start on
 * faulty files still watches (with an alarm).
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, extname, join, relative } from "node:path";
import type { Diagnostic } from "@aislewatch/config";
import { readConfigText, suggest } from "@aislewatch/config";
import {
  type CompiledRules,
  compileOverrides,
  compileRules,
  type Override,
  type PlacedRule,
  type RuleSet,
  withOverrides,
} from "@aislewatch/rules";
import { z } from "zod";
import { ASSET_TABLE_BYTES_MAX } from "./asset-table.ts";
import { type CollectorConfig, loadPriorityPolicy } from "./config.ts";
import { loadEscalation } from "./escalation-file.ts";
import type { AssetBook } from "./incidents/asset-book.ts";
import { type EscalationPolicy, NO_ESCALATION } from "./incidents/escalation-policy.ts";
import { DEFAULT_LIFECYCLE, type LifecyclePolicy } from "./incidents/lifecycle.ts";
import type { PriorityPolicy } from "./incidents/priority.ts";
import { DEFAULT_SLA_POLICY, type SlaPolicy } from "./incidents/sla-policy.ts";
import { loadLifecycle } from "./lifecycle-file.ts";
import { loadMaintenance, type PlannedMaintenance } from "./maintenance-file.ts";
import { loadNotifications } from "./notify/file.ts";
import { NO_NOTIFICATIONS, type NotificationPolicy } from "./notify/routing.ts";
import { checkContracts, type Loaded, loadSites, type Site } from "./sites.ts";
import { loadSlaPolicy } from "./sla-file.ts";
import { loadAssetBook } from "./vendors-file.ts";

export type ConfigPaths = Pick<
  CollectorConfig,
  | "rules"
  | "runbooks"
  | "sites"
  | "priority"
  | "overrides"
  | "maintenance"
  | "sla"
  | "escalation"
  | "lifecycle"
  | "notifications"
  | "vendors"
  | "assets"
>;

export type Runbook = { readonly title: string; readonly markdown: string };

export type ConfigSet = {
  readonly rules: RuleSet;
  readonly sites: readonly Site[];
  /** Undefined: the shipped policy. */
  readonly priority: PriorityPolicy | undefined;
  readonly runbooks: ReadonlyMap<string, Runbook>;
  readonly maintenance: readonly PlannedMaintenance[];
  readonly sla: SlaPolicy;
  readonly escalation: EscalationPolicy;
  readonly lifecycle: LifecyclePolicy;
  readonly notifications: NotificationPolicy;
  readonly assets: AssetBook;
};

/** Files of one set: packs, runbooks and the single ones. */
const FILES_MAX = 5_000;
const DOCUMENT = "config-set";

/**
 * The set that the files make, or everything that is wrong with them. `secretsDir` is where `file:` secrets are relative
 * to when it is not the folder of their file. Never throws.
 */
export function loadConfigSet(paths: ConfigPaths, secretsDir?: string): Loaded<ConfigSet> {
  const diagnostics: Diagnostic[] = [];
  const texts = new Map<string, string>();
  const take = <T>(loaded: Loaded<T>): T | undefined => {
    if (loaded.ok) return loaded.value;
    diagnostics.push(...loaded.diagnostics);
    for (const [file, text] of loaded.texts) texts.set(file, text);
    return undefined;
  };

  const files: { file: string; text: string }[] = [];
  for (const file of ruleFiles(paths.rules)) {
    const text = readConfigText(file);
    if (!text.ok) diagnostics.push(text.error);
    else {
      files.push({ file, text: text.value });
      texts.set(file, text.value);
    }
  }
  const compiled = compileRules(files);
  if (!compiled.ok) diagnostics.push(...compiled.diagnostics);
  const sites = paths.sites === null ? [] : take(loadSites(paths.sites));
  const priority = paths.priority === null ? undefined : take(loadPriorityPolicy(paths.priority));
  const maintenance = paths.maintenance === null ? [] : take(loadMaintenance(paths.maintenance));
  const calendars = sites === undefined ? null : [...new Set(sites.flatMap((site) => [...site.calendars.keys()]))];
  const sla = paths.sla === null ? DEFAULT_SLA_POLICY : take(loadSlaPolicy(paths.sla, calendars));
  const contracts = sla === undefined ? null : [...sla.contracts.keys()];
  if (paths.sites !== null && contracts !== null) take(checkContracts(paths.sites, contracts));
  const escalation =
    paths.escalation === null
      ? NO_ESCALATION
      : take(
          loadEscalation(paths.escalation, { calendars, contracts, hasNotifications: paths.notifications !== null }),
        );
  const lifecycle = paths.lifecycle === null ? DEFAULT_LIFECYCLE : take(loadLifecycle(paths.lifecycle));
  const notifications =
    paths.notifications === null
      ? NO_NOTIFICATIONS
      : take(
          loadNotifications(paths.notifications, {
            told: escalation === undefined ? null : toldBy(escalation),
            calendars,
            ...(secretsDir !== undefined && { baseDir: secretsDir }),
          }),
        );
  const siteIds = paths.sites === null ? null : (sites?.map(({ id }) => id) ?? null);
  const assets = take(loadAssetBook({ vendors: paths.vendors, assets: paths.assets, sites: siteIds }));
  if (sites !== undefined) diagnostics.push(...unknownCalendars(compiled.placed, sites));
  const overrides = paths.overrides === null ? [] : takeOverrides(paths.overrides, compiled, sites ?? []);
  const isWhole = diagnostics.length === 0 && compiled.ok;
  const known = assets && notifications && { assets, notifications };
  const policies = sla && escalation && lifecycle && known && { sla, escalation, lifecycle, ...known };
  if (!isWhole || sites === undefined || policies === undefined) return { ok: false, diagnostics, texts };
  const rules = withOverrides(compiled.rules, overrides);
  const runbooks = readRunbooks(paths.runbooks);
  return { ok: true, value: { rules, sites, priority, runbooks, maintenance: maintenance ?? [], ...policies } };

  function takeOverrides(file: string, { placed }: CompiledRules, listed: readonly Site[]): readonly Override[] {
    const text = readConfigText(file);
    if (!text.ok) {
      diagnostics.push(text.error);
      return [];
    }
    texts.set(file, text.value);
    const rules = placed.map(({ rule }) => rule);
    const ids = paths.sites === null ? null : listed.map(({ id }) => id);
    const read = compileOverrides({ file, text: text.value }, rules, ids);
    if (!read.ok) diagnostics.push(...read.diagnostics);
    return read.ok ? read.overrides : [];
  }
}

const toldBy = ({ chains }: EscalationPolicy): string[] => [
  ...new Set(chains.flatMap(({ steps }) => steps.flatMap(({ tell }) => tell))),
];

/** Rules whose `active_in` no site of the file knows: they would be on duty at all hours, and nobody meant that. */
function unknownCalendars(placed: readonly PlacedRule[], sites: readonly Site[]): Diagnostic[] {
  const known = new Set(["always", "trading_hours", ...sites.flatMap(({ calendars }) => [...calendars.keys()])]);
  return placed.flatMap(({ rule, source, path }) => {
    if (known.has(rule.activeIn)) return [];
    const near = suggest(rule.activeIn, known);
    const message = `expected always, trading_hours or a calendar of the sites file; received "${rule.activeIn}"`;
    const hint = near === null ? {} : { hint: `did you mean "${near}"?` };
    return [source.diagnostic([...path, "active_in"], { code: "RULE_UNKNOWN_CALENDAR", message, ...hint })];
  });
}

/** Changes when any file of the set does; cheap enough to ask every second or two. */
export function fingerprint(paths: ConfigPaths): string {
  const hash = createHash("sha256");
  for (const file of filesOfSet(paths)) {
    try {
      const { mtimeMs, size, ino } = statSync(file);
      hash.update(`${file}\0${mtimeMs}\0${size}\0${ino}\0`);
    } catch {
      hash.update(`${file}\0gone\0`);
    }
  }
  return hash.digest("hex");
}

const keptSchema = z.object({
  roots: z.object({
    rules: z.array(z.string()),
    runbooks: z.string(),
    sites: z.string().nullable(),
    priority: z.string().nullable(),
    overrides: z.string().nullable().default(null),
    maintenance: z.string().nullable().default(null),
    sla: z.string().nullable().default(null),
    escalation: z.string().nullable().default(null),
    lifecycle: z.string().nullable().default(null),
    notifications: z.string().nullable().default(null),
    vendors: z.string().nullable().default(null),
    assets: z.string().nullable().default(null),
  }),
  files: z.record(z.string(), z.string()),
});

export type DocumentStore = { document(name: string): string | null; putDocument(name: string, text: string): void };

/** Keeps the texts of a set that was found good; throws when the store can't be written. */
export function keepConfigSet(given: ConfigPaths, store: DocumentStore): void {
  const { rules, runbooks, sites, priority, overrides, maintenance, sla, escalation, lifecycle, notifications } = given;
  const policies = { priority, overrides, maintenance, sla, escalation, lifecycle, notifications };
  const paths = { rules, runbooks, sites, ...policies, vendors: given.vendors, assets: given.assets };
  const files: Record<string, string> = {};
  for (const file of filesOfSet(paths)) {
    const text = readConfigText(file, file === paths.assets ? ASSET_TABLE_BYTES_MAX : undefined);
    if (text.ok) files[file] = text.value;
  }
  const text = JSON.stringify({ roots: paths, files });
  if (store.document(DOCUMENT) !== text) store.putDocument(DOCUMENT, text);
}

/** The texts of the set that is kept, by file. */
export function keptTexts(store: DocumentStore): ReadonlyMap<string, string> {
  const kept = keptSchema.safeParse(parseJson(store.document(DOCUMENT) ?? ""));
  return new Map(kept.success ? Object.entries(kept.data.files) : []);
}

/** Files that are in one of them only, or that are another there. */
export const changedFiles = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] =>
  [...new Set([...before.keys(), ...after.keys()])].filter((file) => before.get(file) !== after.get(file)).sort();

/** The last good set, written out below `folder` and loaded from there; null when there is none that still loads. */
export function lastGoodConfigSet(store: DocumentStore, folder: string): ConfigSet | null {
  const text = store.document(DOCUMENT);
  if (text === null) return null;
  const kept = keptSchema.safeParse(parseJson(text));
  if (!kept.success) return null;
  const { roots, files } = kept.data;
  rmSync(folder, { recursive: true, force: true });
  const moved = (path: string) => join(folder, relative("/", path).replaceAll(":", ""));
  const movedOrNone = (path: string | null) => (path === null ? null : moved(path));
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(moved(file)), { recursive: true });
    writeFileSync(moved(file), content);
  }
  const copies = {
    rules: roots.rules.map(moved),
    runbooks: moved(roots.runbooks),
    sites: movedOrNone(roots.sites),
    priority: movedOrNone(roots.priority),
    overrides: movedOrNone(roots.overrides),
    maintenance: movedOrNone(roots.maintenance),
    sla: movedOrNone(roots.sla),
    escalation: movedOrNone(roots.escalation),
    lifecycle: movedOrNone(roots.lifecycle),
    notifications: movedOrNone(roots.notifications),
    vendors: movedOrNone(roots.vendors),
    assets: movedOrNone(roots.assets),
  };
  // Secrets are in no store: they are read where they were.
  const loaded = loadConfigSet(copies, roots.notifications === null ? undefined : dirname(roots.notifications));
  return loaded.ok ? loaded.value : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // Of another version, or damaged: as good as none.
  }
}

/** All that is edited while the collector runs, in an order that holds. */
export function filesOfSet(paths: ConfigPaths): string[] {
  const { rules, runbooks, sites, priority, overrides, maintenance, sla, escalation, lifecycle, notifications } = paths;
  const policies = [priority, overrides, maintenance, sla, escalation, lifecycle, notifications];
  const single = [sites, ...policies, paths.vendors, paths.assets].filter((file) => file !== null);
  return [...ruleFiles(rules), ...filesBelow(runbooks, ".md"), ...single].slice(0, FILES_MAX);
}

/** A folder stands for the YAML files in and below it, by name; a file for itself. */
export function ruleFiles(paths: readonly string[]): string[] {
  return paths.flatMap((path) =>
    isFolder(path) ? [...filesBelow(path, ".yaml"), ...filesBelow(path, ".yml")] : [path],
  );
}

function filesBelow(folder: string, extension: string): string[] {
  if (!isFolder(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extname(entry.name) === extension)
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // Missing: whoever reads it says so.
  }
}

/** `<folder>/ups/on-battery.md` is the runbook `ups/on-battery`; its first heading is the title. */
function readRunbooks(folder: string): Map<string, Runbook> {
  const runbooks = new Map<string, Runbook>();
  for (const file of filesBelow(folder, ".md")) {
    const ref = relative(folder, file).slice(0, -".md".length).replaceAll("\\", "/");
    const read = readConfigText(file);
    if (!read.ok) continue; // Gone since it was listed: a rule that names it shows no steps.
    const markdown = read.value;
    runbooks.set(ref, { title: /^#\s+(.+)$/m.exec(markdown)?.[1]?.trim() ?? ref, markdown });
  }
  return runbooks;
}
