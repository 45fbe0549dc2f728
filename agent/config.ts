/**
 * agent.yaml: what this agent is, where its collector is, and which devices it watches. Read once at start; every
 * mistake is reported at once, with its place. Nothing is connected to while reading.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { errorText } from "@aislewatch/base";
import {
  byteSizeBetween,
  type Diagnostic,
  durationMsBetween,
  loadYamlFile,
  type Path,
  readSecret,
  type SecretRef,
  secretRef,
  type YamlSource,
} from "@aislewatch/config";
import { COMMAND_KINDS, type CommandKind, DEVICE_ID_PATTERN, ID_PATTERN, LIMITS } from "@aislewatch/contract";
import {
  KINDS,
  type Kind,
  loadBuiltinMaps,
  loadBuiltinProfiles,
  loadMapsFrom,
  loadProfilesFrom,
  type Profile,
  type RegisterMap,
} from "@aislewatch/devices";
import { z } from "zod";
import type { AnyDriver } from "./drivers/driver.ts";
import { userWithSecrets } from "./transport/snmp-user.ts";
import { type TrapsConfig, trapsSchema, type WrittenTraps } from "./traps-config.ts";

export type Device = {
  readonly id: string;
  readonly kind: Kind;
  readonly name?: string;
  readonly driver: AnyDriver;
  /** The driver's own keys, as its schema made them. */
  readonly driverConfig: unknown;
  readonly lineKey: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly dependsOn: readonly string[];
  /** The value behind a secret reference in `driverConfig`. */
  readonly secret: (ref: SecretRef) => string;
  /** Of everything above and what is behind it: the same as before a reload means the same device, polled the same way. */
  readonly fingerprint: string;
};

export type AgentConfig = {
  readonly site: string;
  readonly agent: string;
  readonly collector: {
    readonly url: string;
    readonly username: string;
    readonly password?: string;
    /** PEM text. */
    readonly ca?: string;
  };
  /** Absolute. */
  readonly dataFolder: string;
  readonly outbox: { readonly bytesMax: number; readonly ageMsMax: number };
  readonly devices: readonly Device[];
  /** The built-in profiles with those of the folder that the file names; null when it names none. */
  readonly profiles: readonly Profile[] | null;
  /** Null when traps are not listened for. */
  readonly traps: TrapsConfig | null;
  /** What the collector may ask for. */
  readonly commands: readonly CommandKind[];
};

export type ConfigResult = {
  readonly diagnostics: readonly Diagnostic[];
  /** What was read, to quote the lines; null when there was nothing to read. */
  readonly text: string | null;
  /** Null when a diagnostic is an error. */
  readonly config: AgentConfig | null;
};

/** Devices of one agent: what an inventory of 64 parts of 64 devices holds. A store has a tenth. */
const DEVICES_MAX = 4_096;
const INTERVAL_MS_DEFAULT = 30_000;
const TIMEOUT_MS_DEFAULT = 5_000;

/**
 * Payment hardware is watched from outside only: by its presence, by what the system knows of its USB port, or by what
 * its own network management says. No driver that opens a line to a device may stand at one (PROTOCOLS 10.1: nothing of
 * card data is ever held here).
 */
const PAYMENT_DRIVERS: ReadonlySet<string> = new Set(["presence", "snmp", "usb"]);

const id = z.string().regex(ID_PATTERN, "expected an id of lower-case letters, digits and hyphens");
const deviceId = z
  .string()
  .regex(DEVICE_ID_PATTERN, "expected an id of lower-case letters, digits and hyphens, with one / at most");
const interval = durationMsBetween(200, 86_400_000);
const text = z.string().min(1).max(LIMITS.textCharsMax);

/** What every device has; `driver` decides which keys may stand beside these. */
const commonKeys = {
  id: deviceId,
  kind: z.enum(KINDS),
  name: text.optional(),
  every: interval.optional(),
  timeout: durationMsBetween(100, 300_000).optional(),
  labels: z.record(z.string().min(1).max(64), text).default({}),
  depends_on: z.array(deviceId).max(16).default([]),
};

const topKeys = {
  site: id,
  agent: id,
  collector: z.strictObject({
    url: z.string().max(LIMITS.textCharsMax),
    username: text.optional(),
    password: secretRef.optional(),
    ca: text.optional(),
  }),
  data: text.default("data"),
  outbox: z
    .strictObject({
      size: byteSizeBetween(2 ** 20, 2 ** 40).default(512 * 2 ** 20),
      age: durationMsBetween(60_000, 90 * 86_400_000).default(7 * 86_400_000),
    })
    .prefault({}),
  every: interval.default(INTERVAL_MS_DEFAULT),
  traps: trapsSchema.optional(),
  /** A reload is for who may say when what stands on this host applies, so it has to be allowed here. */
  commands: z.array(z.enum(COMMAND_KINDS)).max(COMMAND_KINDS.length).default(["probe_now", "send_diagnostics"]),
  /** A folder of profiles beside the built-in ones. */
  profiles: text.optional(),
};

/** A device as the schema leaves it: the common keys, and the driver's own beside them. */
type RawDevice = z.infer<z.ZodObject<typeof commonKeys>> & { readonly driver: string };
type RawConfig = z.infer<z.ZodObject<typeof topKeys>> & { readonly devices: readonly RawDevice[] };

/** Reads and checks a file against these drivers. `env` is where `env:` secrets come from. */
export function loadConfig(
  path: string,
  builtinDrivers: readonly AnyDriver[],
  env: Readonly<Record<string, string | undefined>>,
): ConfigResult {
  const own = ownProfiles(path);
  if (!own.ok) return { diagnostics: own.diagnostics, text: null, config: null };
  const { value: known } = own;
  const drivers = known === null ? builtinDrivers : builtinDrivers.map((driver) => overOwn(driver, known));
  const loaded = loadYamlFile(path, schemaFor(drivers));
  const folder = dirname(resolve(path));
  if (!loaded.ok) {
    const diagnostics = inOrder([...loaded.diagnostics, ...besideUnknownDrivers(path, { folder, env })]);
    return { diagnostics, text: loaded.text, config: null };
  }
  const check = new Check(loaded.source, { folder, env });
  const built = build(loaded.value, new Map(drivers.map((driver) => [driver.name, driver])), check, {
    folder,
    knowledge: known === null ? "" : hashOf(ownOf(known)),
  });
  const diagnostics = inOrder(check.diagnostics);
  const failed = diagnostics.some(({ severity }) => severity === "error");
  return { diagnostics, text: loaded.text, config: failed ? null : { ...built, profiles: known?.profiles ?? null } };
}

/** SNMP profiles and Modbus register maps, the built-in ones and the operator's own; null when none of the maps is theirs. */
type Known = { readonly profiles: readonly Profile[]; readonly maps: readonly RegisterMap[] | null };

/** Those of the folder. The others never change while we run, and to look into each would keep all 120 of them opened. */
const ownOf = ({ profiles, maps }: Known): Known => ({
  profiles: profiles.filter((profile) => !loadBuiltinProfiles().includes(profile)),
  maps: maps?.filter((map) => !loadBuiltinMaps().includes(map)) ?? null,
});

const overOwn = (driver: AnyDriver, { profiles, maps }: Known): AnyDriver =>
  driver.withProfiles?.(profiles) ?? (maps === null ? undefined : driver.withMaps?.(maps)) ?? driver;

/**
 * The profiles and maps of the folder that the file names, over the built-in ones; null when it names none. They come
 * first: a device may name one. What else is wrong with the file is told once they are right.
 */
function ownProfiles(
  path: string,
): { ok: true; value: Known | null } | { ok: false; diagnostics: readonly Diagnostic[] } {
  const peeked = loadYamlFile(path, z.looseObject({ profiles: text.optional() }));
  if (!peeked.ok || peeked.value.profiles === undefined) return { ok: true, value: null };
  const folder = resolve(dirname(resolve(path)), peeked.value.profiles);
  const profiles = loadProfilesFrom(folder);
  const maps = ownMaps(folder);
  if (profiles.ok && maps.ok) return { ok: true, value: { profiles: profiles.value, maps: maps.value } };
  const all = [...(profiles.ok ? [] : profiles.diagnostics), ...(maps.ok ? [] : maps.diagnostics)];
  // What can't be read at all, both have found.
  const said = (d: Diagnostic): string => JSON.stringify([d.file, d.line, d.column, d.message]);
  return { ok: false, diagnostics: all.filter((one, i) => all.findIndex((other) => said(other) === said(one)) === i) };
}

/** Without a map in the folder the built-in ones stay unread, which keep 1.4 MB. */
function ownMaps(
  folder: string,
): { ok: true; value: Known["maps"] } | { ok: false; diagnostics: readonly Diagnostic[] } {
  const alone = loadMapsFrom(folder, []);
  return alone.ok && alone.value.length === 0 ? { ok: true, value: null } : loadMapsFrom(folder);
}

/** One option per driver, so that its own keys are checked in place and a typo gets a suggestion. */
function schemaFor(drivers: readonly AnyDriver[]): z.ZodType<RawConfig> {
  const options = drivers.map((driver) => {
    if (!(driver.config instanceof z.ZodObject)) throw new Error(`driver ${driver.name}: config must be an object`);
    return driver.config.safeExtend({ ...commonKeys, driver: z.literal(driver.name) });
  });
  const [first, ...rest] = options;
  if (first === undefined) throw new Error("there are no drivers");
  const device = z.discriminatedUnion("driver", [first, ...rest]);
  const schema = z.strictObject({ ...topKeys, devices: z.array(device).max(DEVICES_MAX) });
  // The union's type is only known to hold what every driver's option was given above.
  return schema as unknown as z.ZodType<RawConfig>;
}

/**
 * What is wrong beside a driver that there is not: nobody can tell which keys an unknown driver takes, but the common
 * ones can be read, and when nothing else is wrong with the shape, so can what hangs on more than one value.
 */
function besideUnknownDrivers(
  path: string,
  world: { folder: string; env: Readonly<Record<string, string | undefined>> },
): readonly Diagnostic[] {
  const device = z.looseObject({ ...commonKeys, driver: z.string() });
  const loaded = loadYamlFile(path, z.strictObject({ ...topKeys, devices: z.array(device).max(DEVICES_MAX) }));
  if (!loaded.ok) return loaded.diagnostics;
  const check = new Check(loaded.source, world);
  checkUrl(loaded.value.collector, check);
  checkIds(loaded.value.devices, check);
  return check.diagnostics;
}

/** From the first line to the last, each place once. */
function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics
    .filter(({ line, column, path }) => {
      const place = `${line}:${column}:${path}`;
      return seen.size < seen.add(place).size;
    })
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

/** What needs more than one value, or the disk: run once the shape is right. */
class Check {
  readonly diagnostics: Diagnostic[] = [];
  readonly #source: YamlSource;
  readonly #world: { readonly folder: string; readonly env: Readonly<Record<string, string | undefined>> };

  constructor(source: YamlSource, world: { folder: string; env: Readonly<Record<string, string | undefined>> }) {
    this.#source = source;
    this.#world = world;
  }

  complain(path: Path, what: Parameters<YamlSource["diagnostic"]>[1]): void {
    this.diagnostics.push(this.#source.diagnostic(path, what));
  }

  secret(path: Path, ref: SecretRef): string | undefined {
    const secret = readSecret(ref, this.#world.folder, this.#world.env);
    if (secret.ok) return secret.value;
    this.complain(path, secret.error);
    return undefined;
  }

  file(path: Path, name: string): string | undefined {
    try {
      return readFileSync(resolve(this.#world.folder, name), "utf8");
    } catch (thrown) {
      this.complain(path, {
        code: "CFG_UNREADABLE",
        message: `expected a file that can be read: ${errorText(thrown)}`,
      });
      return undefined;
    }
  }
}

function build(
  raw: RawConfig,
  drivers: ReadonlyMap<string, AnyDriver>,
  check: Check,
  world: { folder: string; knowledge: string },
): Omit<AgentConfig, "profiles"> {
  const { collector } = raw;
  const { folder, knowledge } = world;
  checkUrl(collector, check);
  const password = collector.password && check.secret(["collector", "password"], collector.password);
  const ca = collector.ca === undefined ? undefined : check.file(["collector", "ca"], collector.ca);
  checkIds(raw.devices, check);
  return {
    site: raw.site,
    agent: raw.agent,
    collector: {
      url: collector.url,
      username: collector.username ?? `${raw.site}/${raw.agent}`,
      ...(password !== undefined && { password }),
      ...(ca !== undefined && { ca }),
    },
    dataFolder: resolve(folder, raw.data),
    outbox: { bytesMax: raw.outbox.size, ageMsMax: raw.outbox.age },
    devices: raw.devices.flatMap((device, index) => {
      const driver = drivers.get(device.driver);
      return driver === undefined ? [] : [buildDevice(device, { driver, everyMs: raw.every, index, check, knowledge })];
    }),
    traps: raw.traps === undefined ? null : buildTraps(raw.traps, check),
    commands: raw.commands,
  };
}

function buildTraps(raw: WrittenTraps, check: Check): TrapsConfig {
  const { secret } = readSecrets(raw, ["traps"], check);
  raw.users.forEach(({ name }, index) => {
    if (raw.users.findIndex((user) => user.name === name) === index) return;
    const message = `expected each user once; received "${name}" again`;
    check.complain(["traps", "users", index, "name"], { code: "CFG_DUPLICATE_ID", message });
  });
  return {
    listen: raw.listen,
    unknownSenders: raw.unknown_senders,
    community: raw.community === undefined ? "public" : secret(raw.community),
    users: raw.users.map((user) => userWithSecrets(user, secret)),
  };
}

function buildDevice(
  raw: RawDevice,
  context: { driver: AnyDriver; everyMs: number; index: number; check: Check; knowledge: string },
): Device {
  const { driver, everyMs, index, check, knowledge } = context;
  const { id, kind, name, every, timeout, labels, depends_on: dependsOn, driver: _, ...driverConfig } = raw;
  const intervalMs = every ?? everyMs;
  if (timeout !== undefined && timeout > intervalMs) {
    const message = "expected a timeout that is not longer than the interval between polls";
    check.complain(["devices", index, "timeout"], { code: "CFG_RANGE", message });
  }
  if (kind === "payment_terminal" && !PAYMENT_DRIVERS.has(driver.name)) {
    check.complain(["devices", index, "driver"], {
      code: "CFG_PAYMENT_DEVICE",
      message: `expected one of: ${[...PAYMENT_DRIVERS].join(", ")}; no line to a payment terminal is ever opened`,
      hint: "write driver: presence, with its host: or port:; or driver: usb, which opens nothing",
    });
  }
  const { secret, values } = readSecrets(driverConfig, ["devices", index], check);
  return {
    id,
    kind,
    ...(name !== undefined && { name }),
    driver,
    driverConfig,
    lineKey: driver.lineKey(driverConfig),
    intervalMs,
    timeoutMs: timeout ?? Math.min(intervalMs, TIMEOUT_MS_DEFAULT),
    labels,
    dependsOn,
    secret,
    fingerprint: hashOf([raw, everyMs, [...values], knowledge]),
  };
}

/** The values behind the references in a section, each read once, with a diagnostic for what can't be. */
function readSecrets(
  section: unknown,
  at: Path,
  check: Check,
): { secret: (ref: SecretRef) => string; values: ReadonlyMap<string, string> } {
  const secrets = new Map<string, string>();
  for (const { path, ref } of secretsIn(section, [])) {
    const value = check.secret([...at, ...path], ref);
    if (value !== undefined) secrets.set(secretKey(ref), value);
  }
  return { secret: (ref) => secrets.get(secretKey(ref)) ?? "", values: secrets };
}

/** Hashed, for secrets are in it. */
const hashOf = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("base64url");

/** DESIGN.md §7: without TLS, or without a password, a collector may be on this machine only. */
function checkUrl(collector: RawConfig["collector"], check: Check): void {
  const path = ["collector", "url"];
  const url = URL.canParse(collector.url) ? new URL(collector.url) : null;
  if (url === null || !["mqtt:", "mqtts:"].includes(url.protocol) || url.hostname === "") {
    const hint = "write mqtts://host:8883, or mqtt://127.0.0.1:1883 on this machine";
    check.complain(path, { code: "CFG_URL", message: "expected the address of an MQTT broker", hint });
    return;
  }
  if (url.username !== "" || url.password !== "") {
    const hint = "write username: and password: beside the url; the password as file:PATH or env:NAME";
    check.complain(path, { code: "CFG_SECRET", message: "expected no credentials in the address", hint });
  }
  if (isLoopback(url.hostname)) return;
  if (url.protocol === "mqtt:") {
    const message = "expected mqtts:// for a collector on another machine; received mqtt://, which is not encrypted";
    check.complain(path, { code: "CFG_PLAINTEXT", message });
  }
  if (collector.password === undefined) {
    const message = 'expected the key "password" for a collector on another machine';
    check.complain(["collector"], { code: "CFG_MISSING_KEY", message, key: true });
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function checkIds(devices: readonly RawDevice[], check: Check): void {
  const indexOf = new Map<string, number>();
  devices.forEach((device, index) => {
    const first = indexOf.get(device.id);
    if (first === undefined) {
      indexOf.set(device.id, index);
      return;
    }
    const message = `expected each device id once; received "${device.id}" again (devices[${first}])`;
    check.complain(["devices", index, "id"], { code: "CFG_DUPLICATE_ID", message });
  });
  devices.forEach((device, index) => {
    device.depends_on.forEach((parent, n) => {
      const path = ["devices", index, "depends_on", n];
      if (parent === device.id) {
        check.complain(path, { code: "CFG_SELF_DEPENDENCY", message: "expected another device; received its own id" });
      } else if (!indexOf.has(parent)) {
        check.complain(path, {
          code: "CFG_UNKNOWN_DEVICE",
          severity: "warning",
          message: `"${parent}" is not in this file`,
          hint: "fine when another agent of the site watches it",
        });
      }
    });
  });
}

const secretKey = (ref: SecretRef): string => `${ref.kind}:${ref.name}`;

type FoundSecret = { readonly path: Path; readonly ref: SecretRef };

/** Drivers' keys nest a few levels; what is deeper is no configuration of ours. */
const SECRET_DEPTH_MAX = 6;

/** Where a driver's keys refer to secrets. */
function secretsIn(value: unknown, path: Path): FoundSecret[] {
  if (typeof value !== "object" || value === null || path.length > SECRET_DEPTH_MAX) return [];
  if (isSecretRef(value)) return [{ path, ref: value }];
  return Object.entries(value).flatMap(([key, child]) => secretsIn(child, [...path, key]));
}

function isSecretRef(value: object): value is SecretRef {
  if (Object.keys(value).sort().join() !== "kind,name" || !("kind" in value) || !("name" in value)) return false;
  return (value.kind === "file" || value.kind === "env") && typeof value.name === "string";
}
