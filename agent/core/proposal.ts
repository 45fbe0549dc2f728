/**
 * From devices that were found to an agent.yaml that runs as it is, and what is new, gone or another device than
 * before. Ids come from what a device calls itself, and where that says too little from its kind and address, never
 * from the order in which devices answered: a second look proposes the same.
 */
import { type Asset, DEVICE_ID_PATTERN, LIMITS } from "@aislewatch/contract";
import type { Kind } from "@aislewatch/devices";
import { redact } from "./card-data.ts";
import type { Behind } from "./dependencies.ts";
import { compareAddresses, isInSubnets, type Subnet } from "./subnet.ts";

export type Found = {
  readonly address: string;
  readonly port: number;
  readonly sysName: string;
  readonly sysDescr: string;
  readonly sysObjectID: string;
  readonly kind: Kind;
  /** Null when only the system group was recognised. */
  readonly profile: string | null;
  readonly asset: Asset;
  /** The driver's keys for the credential that opened it. */
  readonly keys: Readonly<Record<string, unknown>>;
};

/** What a device is when its profile does not say, by words of sysDescr; then by the layers it serves (RFC 3418). */
const KIND_WORDS: readonly (readonly [RegExp, Kind])[] = [
  [/label|zebra|\btsc\b|thermal|\bTEC B-/i, "label_printer"],
  [/printer|laserjet|print server|mfp|imagerunner|bizhub/i, "office_printer"],
  [/\bups\b|uninterruptible/i, "ups"],
  [/\bpdu\b|power distribution/i, "pdu"],
  [/access point|wireless ap|wlan|wi-?fi|AP\d{3}/i, "access_point"],
  [/\bnvr\b|\bdvr\b|video recorder/i, "video_recorder"],
  [/camera/i, "camera"],
  [/scanner/i, "barcode_scanner"],
  [/device server|serial server|nport|terminal server/i, "device_server"],
  [/sensor|temperature|humidity|environment/i, "sensor"],
  [/router|gateway|firewall/i, "router"],
  [/switch/i, "network_switch"],
  [/windows|linux|unix|bsd|hardware: /i, "host"],
];

export function kindOf(
  known: Kind | null,
  { sysDescr, services }: { sysDescr: string; services: number | null },
): Kind {
  if (known !== null) return known;
  const word = KIND_WORDS.find(([words]) => words.test(sysDescr))?.[1];
  if (word !== undefined) return word;
  const layers = services ?? 64;
  return layers & 64 ? "host" : layers & 4 ? "router" : layers & 2 ? "network_switch" : "host";
}

/** Redacting may make a text longer. */
const NAME_CHARS_MAX = LIMITS.textCharsMax / 2;
const ID_CHARS_MAX = 48;
/** What vendors ship as a name, or what the address says already. */
const NO_NAME =
  /^(?:localhost|unknown|default|none|null|noname|no-name|system|host|printer|switch|router|ups|pdu|network|linux|sysname|system-name|not-set)?$/;

/** Print servers call themselves by their hardware address until somebody names them. */
const HARDWARE_NAME = /^(?:npi|hp|brn|brw|zbr|km|ric|rnp|xrx|epson|lxk|et|sec|can|canon|axis-?)[0-9a-f]{6,12}$/;

/** An id for each, by address; `taken` are those of an existing configuration. */
export function proposeIds(found: readonly Found[], taken: ReadonlySet<string>): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  const used = new Set(taken);
  const named = found.map((device) => ({ device, slug: slugOf(device) }));
  for (const { device, slug } of named) {
    const alone = slug !== "" && named.filter((other) => other.slug === slug).length === 1;
    const kind = device.kind.replaceAll("_", "-");
    const base = slug === "" ? kind : slug;
    const candidates = [
      ...(alone ? [slug] : []),
      `${base}-${tail(device.address)}`,
      `${base}-${whole(device.address)}`,
    ];
    const free = candidates.find((id) => !used.has(id) && DEVICE_ID_PATTERN.test(id));
    const id = free ?? `${kind}-${whole(device.address)}-${device.port}`;
    used.add(id);
    ids.set(device.address, id);
  }
  return ids;
}

/** A name that is only the serial number goes when the device is replaced; an id stays with its place. */
function slugOf({ sysName: name, asset }: Pick<Found, "sysName" | "asset">): string {
  if (asset.serial !== undefined && name.toLowerCase() === asset.serial.toLowerCase()) return "";
  // A host's full name goes on with the store's domain.
  const label = /^\d+(?:\.\d+){3}$/.test(name) ? "" : (name.split(".")[0] ?? "");
  const slug = label
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, ID_CHARS_MAX)
    .replace(/^-+|-+$/g, "");
  return slug.length < 2 || NO_NAME.test(slug) || HARDWARE_NAME.test(slug) ? "" : slug;
}

const tail = (address: string): string => address.split(/[.:]+/).filter(Boolean).slice(-2).join("-").toLowerCase();
/** No two addresses have the same: `::` stays to be seen. */
const whole = (address: string): string =>
  address.replace("::", ":x:").split(/[.:]/).filter(Boolean).join("-").toLowerCase();

export type Proposal = Found & {
  readonly id: string;
  readonly behind: Behind | null;
  /** TCP ports of printers and drives that were looked at and are open. */
  readonly openPorts?: readonly number[];
};

/** What else stands in the list of devices. */
export type Entry = { readonly text: string; readonly isComment: boolean };

/** Written for people to go on with: what was seen stands beside what is proposed. Ends with a newline. */
export function writeAgentYaml(
  devices: readonly Proposal[],
  top: { readonly site: string; readonly agent: string; readonly origin: string; readonly profiles: string | null },
  others: readonly Entry[] = [],
): string {
  const isEmpty = devices.length === 0 && others.every(({ isComment }) => isComment);
  return [
    `# Proposed by ${oneLine(top.origin)}.`,
    "# Name the site, the agent and the devices as you like before the collector sees them: ids stay.",
    `site: ${top.site}`,
    `agent: ${top.agent}`,
    "collector:",
    "  url: mqtt://127.0.0.1:1883 # elsewhere: mqtts://host:8883, and password: file:PATH",
    "data: ./agent",
    ...(top.profiles === null ? [] : [`profiles: ${JSON.stringify(top.profiles)}`]),
    isEmpty ? "devices: []" : "devices:",
    ...devices.map((device) => writeDevice(device)),
    ...others.map(({ text }) => text),
    "",
  ].join("\n");
}

/** An entry of `devices:`. */
export function writeDevice({
  id,
  kind,
  address,
  port,
  profile,
  asset,
  keys,
  sysName,
  sysDescr,
  behind,
  openPorts = [],
}: Proposal): string {
  const serial = asset.serial === undefined ? [] : [`serial ${asset.serial}`];
  const known = [productOf(asset), ...serial].filter((text) => text !== "");
  const seen = asset.model !== undefined || sysDescr === "" ? known.join(", ") : sysDescr;
  const said = oneLine(redact(seen)) || "says nothing of itself";
  const host = address.includes(":") ? `[${address}]` : address;
  const name = nameText(slugOf({ sysName, asset }) === "" ? productOf(asset) || sysName : sysName);
  const lines = [
    // A comment and no key: who is at an address is asked again at each start, so that a device that is replaced by
    // another model is read by the profile of that one.
    `  # ${said}${profile === null ? "" : `; profile ${profile}`}`,
    ...(profile === null ? ["  # No profile of its own: `aislewatch-agent record` it (docs/add-a-device.md)."] : []),
    ...openPorts.map((open) => `  # TCP port ${open} is open`),
    `  - id: ${id}`,
    `    kind: ${kind}`,
    ...(name === "" ? [] : [`    name: ${JSON.stringify(name)}`]),
    ...(behind === null
      ? []
      : [`    depends_on: [${behind.on}]${behind.port === "" ? "" : ` # at its port ${oneLine(behind.port)}`}`]),
    "    driver: snmp",
    `    address: ${JSON.stringify(port === 161 ? host : `${host}:${port}`)}`,
    ...Object.entries(keys).map(([key, value]) => `    ${key}: ${flow(value)}`),
  ];
  return lines.join("\n");
}

/** JSON is YAML; people read it better with blanks and without the quotes of keys. */
function flow(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, child]) => `${key}: ${flow(child)}`)
    .join(", ")} }`;
}

/** A comment must not end early, nor read as it is not (U+202E turns a line around): devices' texts are foreign. */
const COMMENT_CHARS_MAX = 120;
const oneLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffe\uffff]+/gu, " ")
    .trim()
    .slice(0, COMMENT_CHARS_MAX)
    .toWellFormed();
const nameText = (text: string): string => oneLine(redact(text.slice(0, NAME_CHARS_MAX)));

/** A device of the configuration at hand; `addresses` are what its host's name resolves to. */
export type Configured = {
  readonly id: string;
  readonly kind: Kind;
  readonly addresses: readonly string[];
  readonly port: number;
  /** That it is held to, else that the agent last read it by; null when it has not run. */
  readonly profile: string | null;
  /** What the agent last saw there; null when it has not run. */
  readonly asset: Asset | null;
};

export type Comparison = {
  readonly fresh: readonly Found[];
  /** Where they were expected. */
  readonly known: readonly { readonly id: string; readonly address: string }[];
  readonly gone: readonly Configured[];
  readonly changed: readonly {
    readonly id: string;
    readonly address: string;
    readonly was: string;
    readonly is: string;
  }[];
  /** Found anew with the serial number of a device that is gone. */
  readonly moved: readonly { readonly id: string; readonly from: string; readonly to: string }[];
  readonly same: number;
};

/** `silent`: addresses that spoke SNMP and let nobody in; they are not gone. */
export function compareWith(
  configured: readonly Configured[],
  found: readonly Found[],
  looked: {
    readonly subnets: readonly Subnet[];
    readonly port: number;
    readonly whole: boolean;
    readonly silent: readonly string[];
  },
): Comparison {
  const at = (device: Found): Configured | undefined =>
    configured.find(({ addresses, port }) => port === device.port && addresses.includes(device.address));
  const known = found.flatMap((device) => {
    const before = at(device);
    return before === undefined ? [] : [{ before, device }];
  });
  const fresh = found
    .filter((device) => at(device) === undefined)
    .sort((a, b) => compareAddresses(a.address, b.address));
  const answered = new Set([...found.map(({ address }) => address), ...looked.silent]);
  const gone = configured.filter(
    ({ addresses, port }) =>
      looked.whole &&
      port === looked.port &&
      addresses.some((address) => isInSubnets(address, looked.subnets)) &&
      !addresses.some((address) => answered.has(address)),
  );
  const changed = known.flatMap(({ before, device }) => {
    const change = changeOf(before, device);
    return change === null ? [] : [{ id: before.id, address: device.address, ...change }];
  });
  const moved = gone.flatMap((device) => {
    const serial = device.asset?.serial;
    const here = serial === undefined ? undefined : fresh.find(({ asset }) => asset.serial === serial);
    return here === undefined ? [] : [{ id: device.id, from: device.addresses[0] ?? "", to: here.address }];
  });
  const expected = known.map(({ before, device }) => ({ id: before.id, address: device.address }));
  return { fresh, known: expected, gone, changed, moved, same: known.length - changed.length };
}

/**
 * A serial number is the surest sign; without one the model, then the profile; without all of them the kind. A host is
 * what every computer says it is, whatever a store uses it as.
 */
function changeOf(before: Configured, device: Found): { was: string; is: string } | null {
  for (const key of ["serial", "model"] as const) {
    const [was, is] = [before.asset?.[key], device.asset[key]];
    if (was !== undefined && is !== undefined && was !== is) {
      return { was: assetText(before.asset ?? {}), is: assetText(device.asset) };
    }
    if (was !== undefined && was === is) return null;
  }
  if (device.profile === null) return null;
  if (before.profile !== null) {
    const isSame = before.profile === device.profile;
    return isSame ? null : { was: `profile ${before.profile}`, is: `profile ${device.profile}` };
  }
  const isSame = before.kind === device.kind || device.kind === "host";
  return isSame ? null : { was: `kind ${before.kind}`, is: `kind ${device.kind}` };
}

const assetText = (asset: Asset): string =>
  [productOf(asset), asset.serial === undefined ? "" : `serial ${asset.serial}`]
    .filter((text) => text !== "")
    .join(" ");

/** Many models begin with their vendor's name. */
function productOf({ vendor = "", model = "" }: Asset): string {
  return model.toLowerCase().startsWith(vendor.toLowerCase()) ? model || vendor : `${vendor} ${model}`.trim();
}
