/**
 * collector.yaml and priority.yaml (sites.yaml is sites.ts). Paths in a file are relative to it. Loading opens no
 * connection, so `--check` and a start are the same code; whatever is wrong comes back at once, each with its place.
 */
import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { createSecureContext } from "node:tls";
import { errorText } from "@aislewatch/base";
import {
  asWritten,
  byteSizeBetween,
  type Diagnostic,
  durationMsBetween,
  loadYamlFile,
  type Path,
  readConfigText,
  readSecret,
  secretRef,
  type YamlSource,
} from "@aislewatch/config";
import { KINDS, type SEVERITIES } from "@aislewatch/devices";
import { z } from "zod";
import { HISTORY_BYTES_PER_SECOND } from "./history-pace.ts";
import { DEFAULT_PRIORITY_POLICY, LEVELS, type PriorityPolicy } from "./incidents/priority.ts";
import { PRIORITIES } from "./incidents/types.ts";
import { brokerKeys, type ExternalBrokerConfig, loadBroker } from "./mqtt-section.ts";
import { KEEP_ALL, type PrivacyPolicy } from "./privacy/policy.ts";
import { isLoopback } from "./server-section.ts";
import type { Loaded } from "./sites.ts";
import type { InfluxAddress } from "./store/timeseries/influxdb-http.ts";
import { loadTimeseries, RETENTION_MS, ROLLUP_RETENTION_MS, timeseriesKeys } from "./timeseries-section.ts";

export type Listen = {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** The person named it: when it is taken, that is an error and no other port is tried. */
  readonly named: boolean;
};

export type CollectorConfig = {
  readonly http: Listen;
  readonly mqtt: Listen;
  /** Null: the one inside the collector, at `mqtt`. */
  readonly broker: ExternalBrokerConfig | null;
  /** PEM texts, for both listeners. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Folder of the stores; made when it is missing. */
  readonly data: string;
  /** Files or folders of rule packs, in this order. */
  readonly rules: readonly string[];
  readonly runbooks: string;
  /** Null: no site is listed. */
  readonly sites: string | null;
  /** Null: the shipped policy. */
  readonly priority: string | null;
  /** Null: rules are the same everywhere. */
  readonly overrides: string | null;
  /** Null: none but what people enter. */
  readonly maintenance: string | null;
  /** Null: the shipped targets. */
  readonly sla: string | null;
  /** Null: nobody is asked by time. */
  readonly escalation: string | null;
  /** Null: as shipped. */
  readonly lifecycle: string | null;
  /** Null: nobody is told but who looks at the page. */
  readonly notifications: string | null;
  /** Null: whom to call for hardware is not known. */
  readonly vendors: string | null;
  /** A table of assets, CSV. Null: what vendors.yaml has of them. */
  readonly assets: string | null;
  readonly retentionMs: number;
  /** Of five-minute roll-ups in DuckDB; as long as samples at least. */
  readonly rollupRetentionMs: number;
  /** Of people's names; docs/privacy.md. */
  readonly privacy: PrivacyPolicy;
  /** Null: DuckDB, in `data`. */
  readonly influxdb: InfluxAddress | null;
  /** For DuckDB. */
  readonly memoryLimitBytes: number;
  /** What all agents together may send of what they had kept, while nothing lags. */
  readonly historyBytesPerSecond: number;
};

const DAY_MS = 86_400_000;
const MIB = 2 ** 20;
/** Rules and runbooks as they come with the program. */
export const SHIPPED = resolve(import.meta.dirname, "../rules");

const DEFAULTS = {
  http: { host: "127.0.0.1", port: 8080, named: false },
  mqtt: { host: "127.0.0.1", port: 1883, named: false },
  data: "./data",
  rules: `${SHIPPED}/packs`,
  runbooks: `${SHIPPED}/runbooks`,
  retentionMs: RETENTION_MS,
  rollupRetentionMs: ROLLUP_RETENTION_MS,
  memoryLimitBytes: 512 * MIB,
  historyBytesPerSecond: HISTORY_BYTES_PER_SECOND,
} as const;

const RULE_PATHS_MAX = 64;

const address = asWritten<Listen>("an address such as 127.0.0.1:8080", (written) => {
  if (typeof written === "number") return { ok: false, hint: `write the address too: 127.0.0.1:${written}` };
  const match = typeof written === "string" ? /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(written) : null;
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) return { ok: false };
  return { ok: true, value: { host, port, named: true } };
});

const path = z.string().min(1).max(1_024);

const heldFor = durationMsBetween(DAY_MS, 36_500 * DAY_MS);

const collectorFile = z.strictObject({
  listen: z.strictObject({ http: address.optional(), mqtt: address.optional() }).default({}),
  tls: z.strictObject({ certificate: path, key: secretRef }).optional(),
  ...brokerKeys,
  data: path.default(DEFAULTS.data),
  rules: z.union([path, z.array(path).min(1).max(RULE_PATHS_MAX)]).optional(),
  runbooks: path.optional(),
  sites: path.optional(),
  priority: path.optional(),
  overrides: path.optional(),
  maintenance: path.optional(),
  sla: path.optional(),
  escalation: path.optional(),
  lifecycle: path.optional(),
  notifications: path.optional(),
  vendors: path.optional(),
  assets: path.optional(),
  privacy: z
    .strictObject({ names: heldFor.optional(), addresses: heldFor.optional(), incidents: heldFor.optional() })
    .default({}),
  ...timeseriesKeys,
  memory_limit: byteSizeBetween(64 * MIB, 1024 * 1024 * MIB).optional(),
  history_per_second: byteSizeBetween(64 * 1024, 1024 * MIB).optional(),
});
type Written = z.infer<typeof collectorFile>;

/** The file as it is meant, or all its mistakes. `env` is where `env:NAME` secrets come from. Never throws. */
export function loadCollectorConfig(
  file: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Loaded<CollectorConfig> {
  const loaded = loadYamlFile(file, collectorFile);
  const texts = new Map(loaded.text === null ? [] : [[file, loaded.text]]);
  if (!loaded.ok) return { ok: false, diagnostics: loaded.diagnostics, texts };
  const { value: written, source } = loaded;
  const baseDir = dirname(resolve(file));
  const tls = loadTls(written, { baseDir, env, source });
  const broker = loadBroker(written, { baseDir, env, source });
  const timeseries = loadTimeseries(written, { baseDir, env, source });
  const diagnostics = [
    ...tls.diagnostics,
    ...broker.diagnostics,
    ...timeseries.diagnostics,
    ...(written.tls === undefined ? plaintextBeyondLoopback(written, source) : []),
    ...missingPaths(written, baseDir, source),
  ];
  if (diagnostics.length > 0) return { ok: false, diagnostics: inOrder(diagnostics), texts };
  const absolute = (one: string): string => resolve(baseDir, one);
  return {
    ok: true,
    value: {
      http: written.listen.http ?? DEFAULTS.http,
      mqtt: written.listen.mqtt ?? DEFAULTS.mqtt,
      broker: broker.value,
      tls: tls.value,
      data: absolute(written.data),
      rules: [written.rules ?? DEFAULTS.rules].flat().map(absolute),
      runbooks: absolute(written.runbooks ?? DEFAULTS.runbooks),
      sites: written.sites === undefined ? null : absolute(written.sites),
      priority: written.priority === undefined ? null : absolute(written.priority),
      overrides: written.overrides === undefined ? null : absolute(written.overrides),
      maintenance: written.maintenance === undefined ? null : absolute(written.maintenance),
      sla: written.sla === undefined ? null : absolute(written.sla),
      escalation: written.escalation === undefined ? null : absolute(written.escalation),
      lifecycle: written.lifecycle === undefined ? null : absolute(written.lifecycle),
      notifications: written.notifications === undefined ? null : absolute(written.notifications),
      vendors: written.vendors === undefined ? null : absolute(written.vendors),
      assets: written.assets === undefined ? null : absolute(written.assets),
      retentionMs: written.retention ?? DEFAULTS.retentionMs,
      rollupRetentionMs: written.rollup_retention ?? DEFAULTS.rollupRetentionMs,
      privacy: {
        namesMs: written.privacy.names ?? null,
        addressesMs: written.privacy.addresses ?? null,
        incidentsMs: written.privacy.incidents ?? null,
      },
      influxdb: timeseries.value,
      memoryLimitBytes: written.memory_limit ?? DEFAULTS.memoryLimitBytes,
      historyBytesPerSecond: written.history_per_second ?? DEFAULTS.historyBytesPerSecond,
    },
  };
}

/** What a collector is without a file: everything on loopback, everything shipped, data in `dataDir`. */
export const defaultCollectorConfig = (dataDir: string): CollectorConfig => ({
  http: DEFAULTS.http,
  mqtt: DEFAULTS.mqtt,
  broker: null,
  tls: null,
  data: resolve(dataDir),
  rules: [DEFAULTS.rules],
  runbooks: DEFAULTS.runbooks,
  sites: null,
  priority: null,
  overrides: null,
  maintenance: null,
  sla: null,
  escalation: null,
  lifecycle: null,
  notifications: null,
  vendors: null,
  assets: null,
  retentionMs: DEFAULTS.retentionMs,
  rollupRetentionMs: DEFAULTS.rollupRetentionMs,
  privacy: KEEP_ALL,
  influxdb: null,
  memoryLimitBytes: DEFAULTS.memoryLimitBytes,
  historyBytesPerSecond: DEFAULTS.historyBytesPerSecond,
});

/** DESIGN §9: passwords and cookies do not cross a network in the clear, whoever asks for it. */
function plaintextBeyondLoopback({ listen }: Written, source: YamlSource): Diagnostic[] {
  return (["http", "mqtt"] as const).flatMap((name) => {
    const at = listen[name];
    if (at === undefined || isLoopback(at.host)) return [];
    const message = `expected a loopback address such as 127.0.0.1 while there is no tls; received "${at.host}"`;
    const hint = "add tls: { certificate: PATH, key: file:PATH }, or put a proxy with TLS on this machine in front";
    return [source.diagnostic(["listen", name], { code: "CFG_PLAINTEXT", message, hint })];
  });
}

function missingPaths(written: Written, baseDir: string, source: YamlSource): Diagnostic[] {
  const wanted: { path: Path; file: string | undefined; isFolder?: boolean }[] = [
    ...(Array.isArray(written.rules)
      ? written.rules.map((file, index) => ({ path: ["rules", index], file }))
      : [{ path: ["rules"], file: written.rules }]),
    { path: ["runbooks"], file: written.runbooks, isFolder: true },
    { path: ["sites"], file: written.sites, isFolder: false },
    { path: ["priority"], file: written.priority, isFolder: false },
    { path: ["overrides"], file: written.overrides, isFolder: false },
    { path: ["maintenance"], file: written.maintenance, isFolder: false },
    { path: ["sla"], file: written.sla, isFolder: false },
    { path: ["escalation"], file: written.escalation, isFolder: false },
    { path: ["lifecycle"], file: written.lifecycle, isFolder: false },
    { path: ["notifications"], file: written.notifications, isFolder: false },
    { path: ["vendors"], file: written.vendors, isFolder: false },
    { path: ["assets"], file: written.assets, isFolder: false },
  ];
  return wanted.flatMap(({ path: at, file, isFolder }) => {
    if (file === undefined) return [];
    const found = resolve(baseDir, file);
    const kind = isFolder === undefined ? "a file or folder" : isFolder ? "a folder" : "a file";
    const fits = existsSync(found) && (isFolder === undefined || statSync(found).isDirectory() === isFolder);
    const message = `expected ${kind} here; there is none at ${found}`;
    return fits ? [] : [source.diagnostic(at, { code: "CFG_MISSING_FILE", message })];
  });
}

function loadTls(
  { tls }: Written,
  { baseDir, env, source }: { baseDir: string; env: Readonly<Record<string, string | undefined>>; source: YamlSource },
): { value: CollectorConfig["tls"]; diagnostics: Diagnostic[] } {
  if (tls === undefined) return { value: null, diagnostics: [] };
  const cert = readConfigText(resolve(baseDir, tls.certificate));
  const key = readSecret(tls.key, baseDir, env);
  const diagnostics: Diagnostic[] = [];
  if (!cert.ok) {
    const { code, message } = cert.error;
    diagnostics.push(source.diagnostic(["tls", "certificate"], { code, message }));
  }
  if (!key.ok) diagnostics.push(source.diagnostic(["tls", "key"], key.error));
  if (!cert.ok || !key.ok) return { value: null, diagnostics };
  try {
    createSecureContext({ cert: cert.value, key: key.value });
    return { value: { cert: cert.value, key: key.value }, diagnostics };
  } catch (thrown) {
    const message = `expected a certificate and its key, both PEM: ${errorText(thrown)}`;
    return { value: null, diagnostics: [source.diagnostic(["tls"], { code: "CFG_TLS", message, key: true })] };
  }
}

const inOrder = (diagnostics: readonly Diagnostic[]): Diagnostic[] =>
  [...diagnostics].sort((a, b) => a.line - b.line || a.column - b.column);

const level = z.enum(LEVELS);
const bySeverity = z.strictObject({ info: level, minor: level, major: level, critical: level } satisfies Record<
  (typeof SEVERITIES)[number],
  typeof level
>);
const byUrgency = z.strictObject({ high: z.enum(PRIORITIES), medium: z.enum(PRIORITIES), low: z.enum(PRIORITIES) });
const share = z.number().min(0).max(1);

/** What is not given is as shipped; a table that is given is given whole, so that nobody has to guess the rest. */
const priorityFile = z.strictObject({
  impact: z
    .strictObject({
      high_below_working: share.optional(),
      medium_from_failed: share.optional(),
      at_least: z.partialRecord(z.enum(KINDS), level).optional(),
      site: bySeverity.optional(),
    })
    .default({}),
  urgency: z.strictObject({ open: bySeverity.optional(), closed: bySeverity.optional() }).default({}),
  matrix: z.strictObject({ high: byUrgency, medium: byUrgency, low: byUrgency }).optional(),
});

/** priority.yaml over the shipped policy, or all its mistakes. Never throws. */
export function loadPriorityPolicy(file: string): Loaded<PriorityPolicy> {
  const loaded = loadYamlFile(file, priorityFile);
  const texts = new Map(loaded.text === null ? [] : [[file, loaded.text]]);
  if (!loaded.ok) return { ok: false, diagnostics: loaded.diagnostics, texts };
  const { impact, urgency, matrix } = loaded.value;
  const shipped = DEFAULT_PRIORITY_POLICY;
  return {
    ok: true,
    value: {
      impact: {
        highBelowWorking: impact.high_below_working ?? shipped.impact.highBelowWorking,
        mediumFromFailed: impact.medium_from_failed ?? shipped.impact.mediumFromFailed,
        atLeast: impact.at_least ?? shipped.impact.atLeast,
        site: impact.site ?? shipped.impact.site,
      },
      urgency: { open: urgency.open ?? shipped.urgency.open, closed: urgency.closed ?? shipped.urgency.closed },
      matrix: matrix ?? shipped.matrix,
    },
  };
}
