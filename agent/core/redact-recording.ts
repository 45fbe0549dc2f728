/**
 * A recording without what identifies a site, its people or its devices, fit to be sent to somebody else: serial
 * numbers, MAC and IP addresses, names, locations, contacts, communities, user names, arguments of programs and names
 * of documents. The same value becomes the same replacement wherever it stands: as text, as octets, inside longer text
 * and inside row indexes, so that tables still fit together. A replacement keeps the format of what it stands for and
 * is numbered in the order of the walk: nothing of the original goes into it, so there is no salt to keep secret.
 *
 * Replacements come from ranges that nobody owns (RFC 5737, RFC 3849, a locally administered MAC prefix) and are known
 * when seen, so that redacting twice changes nothing. Tables that nobody monitors and that are full of people and
 * peers (routes, connections, users, print jobs, keys) are left out whole. What still holds a secret at the end, in a
 * form that we did not think of, is left out as well.
 *
 * What this can't know: a name in a vendor's own table that stands nowhere else. `record` says so.
 */
import { isWithin, octetsOf, octetsValue, type Profile, type SnmpValue } from "@aislewatch/devices";
import { redact } from "./card-data.ts";
import { inOrder, type Recording } from "./recording.ts";

export const REDACTED_CLASSES = [
  "serial",
  "mac",
  "ip",
  "name",
  "location",
  "contact",
  "label",
  "user",
  "secret",
  "arguments",
  "document",
] as const;
export type RedactedClass = (typeof REDACTED_CLASSES)[number];

export type RedactOptions = {
  /** Scalars and columns that hold serial numbers, as `serialOids` gives them. */
  readonly serialOids?: readonly string[];
  /** Texts that are secret wherever they stand: the community that was used, the serial number that a profile found. */
  readonly secrets?: readonly { readonly class: RedactedClass; readonly text: string }[];
  /** Texts that recognise the device and identify nobody: vendor, model, firmware. */
  readonly keep?: readonly string[];
};

export type Redacted = {
  readonly recording: Recording;
  /** How many distinct values of each class were replaced. */
  readonly replaced: Readonly<Partial<Record<RedactedClass, number>>>;
  /** Values left out: of tables that are never sent, and what could not be made safe. */
  readonly leftOut: number;
};

/** Where these profiles read serial numbers, as a whole cell: what a pattern finds in longer text is no such place. */
export function serialOids(profiles: readonly Profile[]): string[] {
  const oids = profiles.flatMap(({ identity, tables }) =>
    (identity.serial ?? []).flatMap(({ oid, table, column, match }) => {
      if (match !== undefined) return [];
      const inTable = table === undefined || column === undefined ? undefined : tables[table]?.columns[column];
      return [oid, inTable].filter((found) => found !== undefined);
    }),
  );
  return [...new Set(oids)];
}

const MIB2 = "1.3.6.1.2.1";
const ENTERPRISES = "1.3.6.1.4.1";
const LLDP = "1.0.8802.1.1.2.1";
const SYS_DESCR = `${MIB2}.1.1.0`;

const LEFT_OUT = [
  `${MIB2}.4.21`, // ipRouteTable
  `${MIB2}.4.24`, // ipCidrRouteTable, inetCidrRouteTable
  `${MIB2}.4.32`, // ipAddressPrefixTable
  `${MIB2}.4.34`, // ipAddressTable
  `${MIB2}.4.35`, // ipNetToPhysicalTable
  `${MIB2}.4.37`, // ipDefaultRouterTable
  `${MIB2}.6.13`, // tcpConnTable
  `${MIB2}.6.19`, // tcpConnectionTable
  `${MIB2}.6.20`, // tcpListenerTable
  `${MIB2}.7.5`, // udpTable
  `${MIB2}.7.7`, // udpEndpointTable
  `${MIB2}.8`, // egp
  `${MIB2}.14`, // ospf
  `${MIB2}.15`, // bgp
  `${MIB2}.16`, // rmon: owners and packets
  `${MIB2}.55`, // ipv6
  "1.3.6.1.6.3.10.2.1.1", // snmpEngineID: holds a MAC or an IP address
  "1.3.6.1.6.3.12", // targets
  "1.3.6.1.6.3.13", // notification
  "1.3.6.1.6.3.15", // users
  "1.3.6.1.6.3.16", // views
  "1.3.6.1.6.3.18", // communities
  `${ENTERPRISES}.77.1.2.19`, // LanMgr: sessions
  `${ENTERPRISES}.77.1.2.20`,
  `${ENTERPRISES}.77.1.2.25`, // users
  `${ENTERPRISES}.77.1.2.27`, // shares
  `${ENTERPRISES}.77.1.2.29`, // print queues
  `${ENTERPRISES}.2699.1.1`, // PWG job monitoring
  `${ENTERPRISES}.11.2.3.9.4.2.1.1.6`, // HP: job and user names
  `${ENTERPRISES}.8072.1.9`, // net-snmp: access control
  `${ENTERPRISES}.48690.3`, // Teltonika: where the router is
  `${ENTERPRISES}.14988.1.1.12`, // MikroTik: the same
] as const;

/** Columns (and scalars) whose text is replaced as a whole. */
const TEXT_OIDS: readonly (readonly [string, RedactedClass])[] = [
  [`${MIB2}.1.4`, "contact"],
  [`${MIB2}.1.5`, "name"],
  [`${MIB2}.1.6`, "location"],
  [`${MIB2}.31.1.1.1.18`, "label"], // ifAlias
  [`${MIB2}.43.5.1.1.4`, "user"], // prtGeneralCurrentOperator
  [`${MIB2}.43.5.1.1.5`, "contact"], // prtGeneralServicePerson
  [`${MIB2}.43.5.1.1.16`, "name"], // prtGeneralPrinterName
  [`${MIB2}.43.5.1.1.17`, "serial"],
  [`${MIB2}.33.1.1.5`, "name"], // upsIdentName
  [`${MIB2}.33.1.1.6`, "label"], // upsIdentAttachedDevices
  [`${MIB2}.47.1.1.1.1.11`, "serial"],
  [`${MIB2}.47.1.1.1.1.14`, "label"], // entPhysicalAlias
  [`${MIB2}.47.1.1.1.1.15`, "serial"], // entPhysicalAssetID
  [`${MIB2}.25.4.2.1.5`, "arguments"], // hrSWRunParameters
  [`${MIB2}.25.3.8.1.3`, "name"], // hrFSRemoteMountPoint
  [`${LLDP}.3.3`, "name"], // lldpLocSysName
  [`${LLDP}.4.1.1.9`, "name"], // lldpRemSysName
  [`${ENTERPRISES}.9.9.23.1.2.1.1.6`, "name"], // cdpCacheDeviceId
  [`${ENTERPRISES}.77.1.4.1`, "name"], // LanMgr: the Windows domain
  // Access points and networks as people named them.
  [`${ENTERPRISES}.14823.2.3.3.1.2.1.1.2`, "name"], // Aruba Instant
  [`${ENTERPRISES}.14823.2.2.1.5.2.1.4.1.3`, "name"], // Aruba
  [`${ENTERPRISES}.14179.2.2.1.1.3`, "name"], // Cisco: bsnAPName
  [`${ENTERPRISES}.14179.2.1.1.1.2`, "name"], // bsnDot11EssSsid
  [`${ENTERPRISES}.41112.1.6.1.2.1.6`, "name"], // UniFi: unifiVapEssId
  [`${ENTERPRISES}.29671.1.1.4.1.2`, "name"], // Meraki: devName
  // Serial numbers where vendors keep them.
  [`${ENTERPRISES}.318.1.1.1.1.2.3`, "serial"], // APC UPS
  [`${ENTERPRISES}.318.1.1.1.1.1.2`, "name"], // upsBasicIdentName
  [`${ENTERPRISES}.318.1.1.12.1.6`, "serial"], // APC rack PDU
  [`${ENTERPRISES}.318.1.1.12.1.1`, "name"],
  [`${ENTERPRISES}.318.1.1.10.1.1.3.1.10`, "serial"],
  [`${ENTERPRISES}.11.2.3.9.4.2.1.1.3.3`, "serial"], // HP printers
  [`${ENTERPRISES}.2435.2.3.9.4.2.1.5.5.1`, "serial"], // Brother
  [`${ENTERPRISES}.367.3.2.1.2.1.4`, "serial"], // Ricoh
  [`${ENTERPRISES}.1347.43.5.1.1.28`, "serial"], // Kyocera
  [`${ENTERPRISES}.253.8.53.3.2.1.3`, "serial"], // Xerox
  [`${ENTERPRISES}.641.2.1.2.1.6`, "serial"], // Lexmark
  [`${ENTERPRISES}.236.11.5.1.1.1.4`, "serial"], // Samsung
  [`${ENTERPRISES}.705.1.1.7`, "serial"], // Eaton MGE
  [`${ENTERPRISES}.674.10902.2.120.1.3`, "serial"], // Dell UPS
];

/** Columns of hardware addresses: six octets. Bridge identifiers carry two more in front. */
const MAC_OIDS = [
  `${MIB2}.2.2.1.6`,
  `${MIB2}.4.22.1.2`,
  `${MIB2}.17.1.1`,
  `${MIB2}.17.2.5`,
  `${MIB2}.17.2.15.1.6`,
  `${MIB2}.17.2.15.1.8`,
  `${MIB2}.17.4.3.1.1`,
  `${LLDP}.3.2`,
  `${LLDP}.3.7.1.3`,
  `${LLDP}.4.1.1.5`,
  `${LLDP}.4.1.1.7`,
];
/** Tables whose row index ends in a MAC address, or in an IPv4 address. */
const MAC_INDEXED = [`${MIB2}.17.4.3.1`, `${MIB2}.17.7.1.2.2.1`];
const IP_INDEXED = [`${MIB2}.4.20.1`, `${MIB2}.4.22.1`, `${LLDP}.3.8.1`, `${LLDP}.4.2.1`];
/** Addresses as four octets. */
const IP_OCTETS = [`${ENTERPRISES}.9.9.23.1.2.1.1.4`];

/** Words that a device has where nobody wrote a name; they identify nobody, and stand in sysDescr, too. */
const NOBODY =
  /^(?:\W*|(?:the |my )?(?:linux|windows|unix|localhost|localdomain|printer|switch|router|server|host|device|ups|pdu|unknown|default|none|null|n\/a|not set|undefined|empty|name|location|contact|label|user|arguments|secret|serial|system|admin(?:istrator)?|root|public|private|sys(?:name|location|contact)|(?:system )?(?:name|location|contact)(?: not set| here)?))$/i;

const REPLACED =
  /^(?:(?:name|location|contact|label|user|secret|arguments|document)-\d+(?:@example\.com|\.\w{2,4})?|X\d{4,})$/;
const TOKENS = /\b(?:name|location|contact|label|user|secret|arguments|document)-\d+|\bX\d{4,}/g;
/** Shorter texts are replaced where they stand alone, not inside of words: they are everywhere. */
const MODEL_CHARS_MIN = 5;
const INSIDE_CHARS_MIN = 4;
const INSIDE_DIGITS_MIN = 7;
const isLong = (text: string): boolean => text.length >= (/[^\d]/.test(text) ? INSIDE_CHARS_MIN : INSIDE_DIGITS_MIN);
const TEXTS_MAX = 20_000;

/** A replacement may complete what looks like another secret (`serial` beside a new name): then once more. */
const PASSES_MAX = 8;

/** Until nothing changes any more, so that a second time changes nothing by construction. */
export function redactRecording(recording: Recording, options: RedactOptions = {}): Redacted {
  let made = redactOnce(recording, options);
  for (let pass = 1; pass < PASSES_MAX; pass++) {
    const again = redactOnce(made.recording, options);
    const isSettled = again.leftOut === 0 && Object.keys(again.replaced).length === 0;
    if (isSettled) return made;
    made = {
      recording: again.recording,
      replaced: added(made.replaced, again.replaced),
      leftOut: made.leftOut + again.leftOut,
    };
  }
  return made;
}

function added(one: Redacted["replaced"], two: Redacted["replaced"]): Redacted["replaced"] {
  const sums = REDACTED_CLASSES.map((of) => [of, (one[of] ?? 0) + (two[of] ?? 0)] as const);
  return Object.fromEntries(sums.filter(([, count]) => count > 0));
}

function redactOnce(recording: Recording, options: RedactOptions): Redacted {
  const cells = cellsOf(recording);
  const kept = cells.filter(({ oid }) => !LEFT_OUT.some((root) => isAt(oid, root)));
  const found = new Findings(options);
  for (const cell of cells) found.readCell(cell);
  for (const cell of kept) found.readAgain(cell);
  const replacer = new Replacer(found, kept);
  const pairs = kept.flatMap((cell): (readonly [string, SnmpValue])[] => {
    const made = replacer.cell(cell);
    return replacer.stillHolds(made) ? [] : [[made.oid, cellValue(made)]];
  });
  const varbinds = inOrder(pairs);
  return {
    recording: { ...recording, redacted: true, varbinds },
    replaced: replacer.counts(),
    leftOut: cells.length - Object.keys(varbinds).length,
  };
}

const isAt = (oid: string, root: string): boolean => oid === root || isWithin(oid, root);

/** A value; of octets the bytes, one character each (0 to 255), so that one rule serves text and hex. */
type Cell = { readonly oid: string; readonly value: SnmpValue; readonly bytes: string | null };

function cellsOf({ varbinds }: Recording): Cell[] {
  return Object.entries(varbinds).map(([oid, value]) => {
    const octets = value.type === "text" || value.type === "hex" ? octetsOf(value) : null;
    return { oid, value, bytes: octets === null ? null : binary(octets) };
  });
}

function binary(octets: Uint8Array): string {
  let bytes = "";
  for (const octet of octets) bytes += String.fromCharCode(octet);
  return bytes;
}

const octetsOfBytes = (bytes: string): Uint8Array => Uint8Array.from(bytes, (char) => char.charCodeAt(0));
const bytesOfText = (text: string): string => binary(new TextEncoder().encode(text));
const cellValue = ({ value, bytes }: Cell): SnmpValue => (bytes === null ? value : octetsValue(octetsOfBytes(bytes)));

/** Vendors pad with NULs and blanks. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is cut off.
const trimmed = (bytes: string): string => bytes.replace(/^[\s\u0000]+|[\s\u0000]+$/g, "");

const MAC_TEXT = /(?<![0-9a-z])[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}(?![0-9a-z])/gi;
const MAC_CISCO = /(?<![0-9a-z.])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![0-9a-z.])/gi;
const HEX_RUN = /[0-9a-f]{12,}/gi;
const IP_TEXT = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/g;
/** With `::`, or all eight groups: a time of day has neither. */
const IP6_TEXT =
  /(?<![\w:.])(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}|::(?:[0-9a-f]{1,4}:){0,5}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){2,7}:)(?![\w:.])/gi;
/** Not in a row of them: what is replaced must not become a part of the next. */
const EMAIL = /(?<![\w.+@-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}(?![\w@-])/g;
const VERSION_BEFORE = /(?:\bv|ver|version|fw|firmware|rev|revision|release|build|sw)[.:= ]{0,3}$/i;
const INTRANET = /\b(?:[a-z0-9-]{1,63}\.){1,6}(?:local|lan|corp|intra|intranet|internal|localdomain|home)\b/gi;
/** What `uname` says, which is net-snmp's sysDescr: the second word is the host's name, whatever sysName was set to. */
const UNAME = /^(?:Linux|FreeBSD|NetBSD|OpenBSD|Darwin|SunOS|AIX|HP-UX) ([\w.-]{1,253}) v?\d/;
const DOCUMENT = /[^\s\\/:"'<>|]{1,128}\.(?:pdf|docx?|xlsx?|pptx?|odt|ods|rtf|csv)\b/gi;
const SERIAL_IN_TEXT =
  /(?:\bS\/N|\bSN|\bSERN|\bserial(?: ?n(?:umber|o\.?|r\.?))?)\s{0,3}[:#=]?\s{0,3}([A-Za-z0-9][A-Za-z0-9-]{3,31})/gi;
const SECRET_IN_TEXT =
  /\b(?:community|password|passwd|pwd|passphrase|token|secret|api[_-]?key)\s{0,3}[:=]\s{0,3}"?([^\s",;]{1,128})/gi;
const USER_IN_TEXT =
  /(?:[\\/](?:home|Users|Documents and Settings|export[\\/]home)[\\/]|\b(?:user|login|owner|username)\s?[:=]\s?)([A-Za-z0-9._-]{1,64})/gi;
const SHARED_FOLDERS = /^(?:all users|public|default(?: user)?|system|localservice|networkservice)$/i;
/** A cell of a vendor that is one word of capitals and digits is a serial number more often than anything else. */
const LOOKS_SERIAL = /^(?=(?:.*\d){4})(?=.*[A-Z])[A-Z0-9]{8,24}$/;
/** Of a modem and its SIM card: IMEI and IMSI (3GPP TS 23.003), ICCID (ITU-T E.118). */
const SIM_NUMBER = /^(?:\d{15}|89\d{16,18})$/;
/** More pairs than an address has: RPS's cards spell each letter of the address as hex digits. */
const LONG_MAC_TEXT = /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){7,}$/i;

/** First pass: what is secret, of which class. Second pass over the same: what only shows once the first is known. */
class Findings {
  readonly macs = new Set<string>();
  readonly ips = new Set<string>();
  readonly texts = new Map<string, RedactedClass>();
  readonly #keep: readonly string[];
  readonly #textOids: readonly (readonly [string, RedactedClass])[];
  readonly #vendors = new Set<string>();

  constructor({ serialOids: serials = [], secrets = [], keep = [] }: RedactOptions) {
    this.#keep = keep.map((text) => bytesOfText(text).toLowerCase());
    this.#textOids = [...TEXT_OIDS, ...serials.map((oid) => [oid.replace(/\.0$/, ""), "serial"] as const)];
    for (const { class: of, text } of secrets) this.text(bytesOfText(text), of);
  }

  mac(hex: string): void {
    // Group addresses belong to protocols, and 02:00:53 is ours; all zeros is nobody.
    if (/^0{12}$|^f{12}$/.test(hex) || Number.parseInt(hex.slice(0, 2), 16) % 2 === 1 || isOurMac(hex)) return;
    this.macs.add(hex);
    this.#vendors.add(hex.slice(0, 6));
  }

  ip(address: string): void {
    const octets = address.split(".").map(Number);
    if (octets.length === 4 && octets.every((octet) => octet <= 255) && isSomebodys(octets)) this.ips.add(address);
  }

  text(bytes: string, of: RedactedClass): void {
    const text = trimmed(bytes);
    const isName = of !== "serial" && of !== "secret" && of !== "arguments";
    if (/^(.?)\1*$/s.test(text) || NOBODY.test(text) || REPLACED.test(text) || this.texts.size >= TEXTS_MAX) return;
    if (isName && /^[\W_\d]*$/.test(text)) return;
    const key = text.toLowerCase();
    // Only what they begin with: the model of a Linux host is often its sysDescr, which goes on with the host's name.
    if (isName && this.#keep.some((known) => known.startsWith(key))) return;
    if (!this.texts.has(key)) this.texts.set(key, of);
    // A host's full name and its first label are the same secret.
    const host = /^([a-z0-9][a-z0-9-]{2,62})((?:\.[a-z][a-z0-9-]{0,62})+)$/i.exec(text);
    if (of === "name" && host !== null) {
      this.text(host[1] ?? "", "name");
      if ((host[2]?.length ?? 0) > 5) this.text(host[2]?.slice(1) ?? "", "name");
    }
  }

  readCell({ oid, value, bytes }: Cell): void {
    this.#readIndex(oid);
    if (value.type === "ip") this.ip(value.value);
    if (bytes === null) return;
    const of = this.#textOids.find(([root]) => isAt(oid, root))?.[1];
    if (of !== undefined) this.text(bytes, of);
    if (oid === SYS_DESCR) this.text(UNAME.exec(bytes)?.[1] ?? "", "name");
    if (MAC_OIDS.some((root) => isAt(oid, root))) {
      // Over LLDP a port may call itself by a word of six letters.
      const isWord = isWithin(oid, LLDP) && /^[ -~]*$/.test(bytes);
      if (!isWord && (bytes.length === 6 || bytes.length === 8)) this.mac(hexOf(bytes.slice(-6)));
      if (LONG_MAC_TEXT.test(bytes)) this.text(bytes, "serial");
    }
    if (IP_OCTETS.some((root) => isAt(oid, root)) && bytes.length === 4) this.ip(dotted(bytes));
    this.#readText(bytes);
  }

  #readIndex(oid: string): void {
    const arcs = oid.split(".");
    if (MAC_INDEXED.some((root) => isWithin(oid, root))) this.mac(hexOfArcs(arcs.slice(-6)) ?? "");
    if (IP_INDEXED.some((root) => isWithin(oid, root))) this.ip(arcs.slice(-4).join("."));
    if (looksMacIndexed(oid, arcs)) this.mac(hexOfArcs(arcs.slice(-6)) ?? "");
  }

  #readText(bytes: string): void {
    for (const [mac] of bytes.matchAll(MAC_TEXT)) this.mac(mac.replace(/[:-]/g, "").toLowerCase());
    for (const [mac] of bytes.matchAll(MAC_CISCO)) this.mac(mac.replaceAll(".", "").toLowerCase());
    for (const match of bytes.matchAll(IP_TEXT)) {
      if (this.#keep.includes(match[0])) continue;
      if (!VERSION_BEFORE.test(bytes.slice(Math.max(0, match.index - 16), match.index))) this.ip(match[0]);
    }
    for (const [, serial = ""] of bytes.matchAll(SERIAL_IN_TEXT)) if (/\d/.test(serial)) this.text(serial, "serial");
    for (const [, secret = ""] of bytes.matchAll(SECRET_IN_TEXT)) this.text(secret, "secret");
    for (const [, user = ""] of bytes.matchAll(USER_IN_TEXT)) if (!SHARED_FOLDERS.test(user)) this.text(user, "user");
    for (const [email] of bytes.matchAll(EMAIL)) if (!email.includes("@example.com")) this.text(email, "contact");
    for (const [host] of bytes.matchAll(INTRANET)) this.text(host, "name");
    for (const [document] of bytes.matchAll(DOCUMENT)) if (!REPLACED.test(document)) this.text(document, "document");
  }

  /** The model, or an order number that begins with it. */
  #isProduct(word: string): boolean {
    return this.#keep.some(
      (known) => known.includes(word) || (known.length >= MODEL_CHARS_MIN && word.startsWith(known)),
    );
  }

  /** What shows only beside the rest: a hardware address of a vendor that is known here, a word like a serial number. */
  readAgain({ oid, bytes }: Cell): void {
    if (bytes === null || !isWithin(oid, ENTERPRISES)) return;
    if (bytes.length === 6 && this.#vendors.has(hexOf(bytes).slice(0, 6))) this.mac(hexOf(bytes));
    const word = trimmed(bytes);
    if (SIM_NUMBER.test(word)) this.text(word, "serial");
    if (LOOKS_SERIAL.test(word) && !this.#isProduct(word.toLowerCase())) this.text(word, "serial");
  }
}

const hexOf = (bytes: string): string =>
  [...bytes].map((char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");
const bytesOfHex = (hex: string): string =>
  hex.replace(/../g, (pair) => String.fromCharCode(Number.parseInt(pair, 16)));
const dotted = (bytes: string): string => [...bytes].map((char) => char.charCodeAt(0)).join(".");

function hexOfArcs(arcs: readonly string[]): string | null {
  if (arcs.length !== 6 || arcs.some((arc) => Number(arc) > 255)) return null;
  return arcs.map((arc) => Number(arc).toString(16).padStart(2, "0")).join("");
}

/** A vendor's table of wireless clients or access points: six arcs of an octet each that are no word. */
function looksMacIndexed(oid: string, arcs: readonly string[]): boolean {
  if (!isWithin(oid, ENTERPRISES) || arcs.length < 15) return false;
  const last = arcs.slice(-6).map(Number);
  const high = last.filter((arc) => arc >= 128).length;
  return (
    last.every((arc) => arc <= 255) && high >= 2 && (last[0] ?? 1) % 2 === 0 && (last[0] ?? 0) + (last[1] ?? 0) > 0
  );
}

const OUR_MAC = "020053";
const isOurMac = (hex: string): boolean => hex.startsWith(OUR_MAC);

/** Documentation and benchmark networks (RFC 5737, RFC 2544), where replacements come from. */
const OUR_NETS = ["192.0.2.", "198.51.100.", "203.0.113.", "198.18.", "198.19."];

function isSomebodys(octets: readonly number[]): boolean {
  const [first = 0] = octets;
  const address = octets.join(".");
  // Below 8 they are version numbers; this host, loopback, groups, masks.
  if (first < 8 || first === 127 || first >= 224) return false;
  return !OUR_NETS.some((net) => address.startsWith(net));
}

class Replacer {
  readonly #found: Findings;
  readonly #macs = new Map<string, string>();
  readonly #ips = new Map<string, string>();
  readonly #ip6s = new Map<string, string>();
  readonly #texts = new Map<string, string>();
  readonly #counts: Partial<Record<RedactedClass, number>> = {};
  readonly #numbers: Partial<Record<RedactedClass, number>> = {};
  /** Tokens that stand in the recording already, from a redaction before. */
  readonly #taken: ReadonlySet<string>;
  readonly #secrets: RegExp | null;
  readonly #inside: RegExp | null;

  constructor(found: Findings, cells: readonly Cell[]) {
    this.#found = found;
    this.#taken = new Set(
      cells.flatMap(({ oid, value, bytes }) => [
        ...(bytes?.match(TOKENS) ?? []),
        ...(bytes === null || bytes.length < 6 ? [] : ourMacsIn(bytes)),
        ...(bytes?.match(IP_TEXT) ?? []),
        ...(value.type === "ip" ? [value.value] : []),
        ...(IP_INDEXED.some((root) => isWithin(oid, root)) ? [oid.split(".").slice(-4).join(".")] : []),
        ...(oid.includes(".2.0.83.") ? [hexOfArcs(oid.split(".").slice(-6)) ?? ""] : []),
      ]),
    );
    const longest = [...found.texts.keys()].sort((a, b) => b.length - a.length);
    const inside = longest.filter(isLong).map(escaped);
    const alone = longest.filter((text) => !isLong(text)).map((text) => `(?<![a-z0-9])${escaped(text)}(?![a-z0-9])`);
    this.#secrets = inside.length + alone.length === 0 ? null : new RegExp([...inside, ...alone].join("|"), "gi");
    this.#inside = inside.length === 0 ? null : new RegExp(inside.join("|"), "i");
  }

  counts(): Partial<Record<RedactedClass, number>> {
    return this.#counts;
  }

  cell({ oid, value, bytes }: Cell): Cell {
    const named = this.#index(oid);
    if (value.type === "ip") return { oid: named, value: { type: "ip", value: this.#ip(value.value) }, bytes };
    if (value.type === "oid") return { oid: named, value: { type: "oid", value: this.#index(value.value) }, bytes };
    return { oid: named, value, bytes: bytes === null ? null : this.#bytes(bytes) };
  }

  /** Does a secret stand here in a form that nothing above knows, such as letters of a row index? */
  stillHolds({ oid, bytes }: Cell): boolean {
    if (this.#inside === null) return false;
    return (bytes !== null && this.#inside.test(bytes)) || lettersIn(oid).some((word) => this.#inside?.test(word));
  }

  #bytes(bytes: string): string {
    if (bytes.length === 4 && this.#found.ips.has(dotted(bytes))) {
      return String.fromCharCode(...this.#ip(dotted(bytes)).split(".").map(Number));
    }
    const hardware = this.#macBytes(bytes);
    const texts = this.#secrets === null ? hardware : hardware.replace(this.#secrets, (text) => this.#text(text));
    const addresses = texts
      .replace(MAC_TEXT, (mac, separator: string) => this.#macLike(mac, separator, 2))
      .replace(MAC_CISCO, (mac) => this.#macLike(mac, ".", 4))
      .replace(HEX_RUN, (run) => this.#macsInRun(run))
      .replace(IP_TEXT, (ip) => (this.#found.ips.has(ip) ? this.#ip(ip) : ip))
      .replace(IP6_TEXT, (ip) => this.#ip6(ip));
    return redact(addresses);
  }

  #macBytes(bytes: string): string {
    if (bytes.length < 6 || this.#found.macs.size === 0) return bytes;
    let made = "";
    for (let at = 0; at < bytes.length; ) {
      const hex = at + 6 <= bytes.length ? hexOf(bytes.slice(at, at + 6)) : "";
      if (this.#found.macs.has(hex)) {
        made += bytesOfHex(this.#mac(hex));
        at += 6;
      } else made += bytes[at++] ?? "";
    }
    return made;
  }

  #macLike(written: string, separator: string, group: number): string {
    const hex = written.replace(/[^0-9a-f]/gi, "").toLowerCase();
    if (!this.#found.macs.has(hex)) return written;
    const made =
      this.#mac(hex)
        .match(new RegExp(`.{${group}}`, "g"))
        ?.join(separator) ?? "";
    return /[A-F]/.test(written) ? made.toUpperCase() : made;
  }

  /** A hardware address without separators, alone or in a longer run of hex digits. */
  #macsInRun(run: string): string {
    for (let at = 0; at + 12 <= run.length; at++) {
      const hex = run.slice(at, at + 12).toLowerCase();
      if (this.#found.macs.has(hex)) return run.slice(0, at) + this.#mac(hex) + this.#macsInRun(run.slice(at + 12));
    }
    return run;
  }

  #index(oid: string): string {
    const arcs = oid.split(".");
    // The first nine arcs name a standard object or a vendor's tree: no address begins there.
    for (let at = 9; at + 4 <= arcs.length; at++) {
      const mac = hexOfArcs(arcs.slice(at, at + 6));
      if (mac !== null && this.#found.macs.has(mac)) {
        arcs.splice(at, 6, ...arcsOfHex(this.#mac(mac)));
        at += 5;
        continue;
      }
      const ip = arcs.slice(at, at + 4).join(".");
      if (this.#found.ips.has(ip)) {
        arcs.splice(at, 4, ...this.#ip(ip).split("."));
        at += 3;
      }
    }
    return arcs.join(".");
  }

  #mac(hex: string): string {
    return this.#replacement(this.#macs, hex, "mac", (n) => OUR_MAC + n.toString(16).padStart(6, "0"));
  }

  #ip(address: string): string {
    if (!this.#found.ips.has(address)) return address;
    return this.#replacement(this.#ips, address, "ip", (n) => {
      // 254 hosts of the network for documentation, then the 131,070 of the one for benchmarks.
      if (n < 255) return `192.0.2.${n}`;
      return `198.${18 + ((n >> 16) & 1)}.${(n >> 8) & 255}.${n & 255}`;
    });
  }

  #ip6(address: string): string {
    if (/^(?:2001:db8:|::1?$)/i.test(address)) return address;
    return this.#replacement(this.#ip6s, address.toLowerCase(), "ip", (n) => `2001:db8::${n.toString(16)}`);
  }

  #text(text: string): string {
    const key = text.toLowerCase();
    const of = this.#found.texts.get(key) ?? "name";
    return this.#replacement(this.#texts, key, of, (n) => textFor(of, n, text));
  }

  #replacement(known: Map<string, string>, key: string, of: RedactedClass, make: (n: number) => string): string {
    const before = known.get(key);
    if (before !== undefined) return before;
    let n = (this.#numbers[of] ?? 0) + 1;
    const room = n + this.#taken.size + 1;
    while (n < room && this.#taken.has(tokenOf(make(n)))) n++;
    const made = make(n);
    this.#numbers[of] = n;
    this.#counts[of] = (this.#counts[of] ?? 0) + 1;
    known.set(key, made);
    return made;
  }
}

/** How a replacement stands in `#taken`: without what a mail address or a file name has behind it. */
const tokenOf = (made: string): string => made.replace(/@example\.com$|\.[a-z]{2,4}$/i, "");

function ourMacsIn(bytes: string): string[] {
  const at = bytes.indexOf("\u0002\u0000\u0053");
  return at < 0 ? [] : [hexOf(bytes.slice(at, at + 6))];
}

function textFor(of: RedactedClass, n: number, original: string): string {
  // Serial numbers keep their length: some systems check it.
  if (of === "serial") return `X${String(n).padStart(Math.max(4, original.length - 1), "0")}`;
  if (of === "document") return `document-${n}${/\.\w{2,4}$/.exec(original)?.[0] ?? ""}`;
  return original.includes("@") && /^\S+$/.test(original) ? `${of}-${n}@example.com` : `${of}-${n}`;
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
const arcsOfHex = (hex: string): string[] => (hex.match(/../g) ?? []).map((pair) => String(Number.parseInt(pair, 16)));

/** Row indexes spell names as one arc a character. */
function lettersIn(oid: string): string[] {
  const words: string[] = [""];
  for (const arc of oid.split(".")) {
    const code = Number(arc);
    if (code >= 32 && code <= 255) words.push((words.pop() ?? "") + String.fromCharCode(code));
    else if (words.at(-1) !== "") words.push("");
  }
  return words.filter((word) => word.length >= INSIDE_CHARS_MIN);
}
