/**
 * USB devices as devices of an agent.yaml, by what sysfs says of them: nothing is opened. What a device is, it tells by its
 * HID report descriptor (scale, scanner, UPS), by its IEEE 1284 device id (printers), or by its maker (KNOWN of
 * serial-proposal.ts); payment hardware and card readers are watched by their presence. What may be a device of a store,
 * and does not say which, is proposed as a comment; hubs, disks, cameras and radios are left out.
 *
 * What is proposed opens nothing. What would tell more, for who may take the device from its owner, stands beside it as a
 * comment: by choice, never by default.
 */
import type { Kind } from "@aislewatch/devices";
import { redact } from "./card-data.ts";
import { readDeviceId } from "./device-id.ts";
import { parseHidDescriptor } from "./hid-report.ts";
import { type HidKind, type HidRole, hidRole } from "./hid-role.ts";
import { printerSeen } from "./printer-words.ts";
import { adapterName, idFor, knownBy, oneLine, type UsbDevice as UsbWords, usbText } from "./serial-proposal.ts";
import { identityOf, readSerial, type UsbDevice } from "./usb-device.ts";
import { fitsUsbMatch, type UsbMatch, type UsbMatchConfig } from "./usb-match.ts";

export type UsbProposal = {
  readonly device: UsbDevice;
  readonly id: string;
  readonly kind: Kind;
  readonly match: UsbMatchConfig;
  /** What was seen, and why this is proposed: for a comment. */
  readonly seen: string;
  readonly why: string;
  /** As a comment, for somebody has to say first what it is; false: it runs as it is. */
  readonly isGuess: boolean;
  /** Instead of the driver `usb` and its match, for who may open the device. */
  readonly byChoice: ByChoice | null;
};

/** Keys of a device in agent.yaml. */
export type ByChoice =
  | { readonly driver: "hid" | "usblp"; readonly match: UsbMatchConfig; readonly take: true }
  | { readonly driver: string; readonly line: { readonly usblp: UsbMatchConfig } };

/** What sysfs has of a device beside its attributes. */
export type UsbEvidence = {
  /** IEEE 1284, one character a byte; null: none, or another program has the printer. */
  readonly deviceId: string | null;
  /** Of its HID interfaces, in order. */
  readonly reportDescriptors: readonly Uint8Array[];
};

/** Codes of usb.org: communications, HID, printer, the vendor's own. A keyboard and a scanner look the same. */
const STORE_CLASSES: ReadonlySet<number> = new Set([2, 3, 7, 255]);
const PRINTER = 7;
/** Printer class 1.1, 4.3: what only takes data answers no question. */
const UNIDIRECTIONAL = 1;

/** Ids are made of places, so a second look proposes the same. */
export function proposeUsb(
  fresh: readonly UsbDevice[],
  { attached, payment, taken, evidence }: UsbSurroundings,
): readonly UsbProposal[] {
  const used = new Set(taken);
  return [...fresh].sort(byPort).flatMap((device) => {
    const seen = seenOf(device, evidence?.get(device.port) ?? NO_EVIDENCE);
    const choice = choose(device, seen, payment);
    if (choice === null) return [];
    const id = idFor(choice.kind, `usb-${device.port}`, used);
    used.add(id);
    const { match, told } = matchFor(device, attached);
    return [
      {
        device,
        id,
        kind: choice.kind,
        match,
        seen: `${usbText(wordsOf(device))}, port ${device.port}`,
        why: `${choice.why}; ${told}`,
        isGuess: choice.isGuess,
        byChoice: choice.kind === "payment_terminal" ? null : byChoiceOf(device, seen, match),
      },
    ];
  });
}

export type UsbSurroundings = {
  /** All that are plugged in: a serial number that two of them have tells neither. */
  readonly attached: readonly UsbDevice[];
  /** Vendor ids of payment hardware. */
  readonly payment: ReadonlySet<string>;
  /** Ids that are given. */
  readonly taken: ReadonlySet<string>;
  /** By port; of what has any. */
  readonly evidence?: ReadonlyMap<string, UsbEvidence>;
};

const NO_EVIDENCE: UsbEvidence = { deviceId: null, reportDescriptors: [] };

const byPort = (a: UsbDevice, b: UsbDevice): number => (a.port < b.port ? -1 : a.port > b.port ? 1 : 0);

/** What it says of itself, understood. */
type Seen = {
  readonly words: UsbWords;
  /** Of its HID interfaces, in order. */
  readonly roles: readonly HidRole[];
  readonly printer: ReturnType<typeof printerSeen>;
};

function seenOf(device: UsbDevice, { deviceId, reportDescriptors }: UsbEvidence): Seen {
  const roles = reportDescriptors.flatMap((bytes) => {
    const descriptor = parseHidDescriptor(bytes);
    return descriptor.ok ? [hidRole(descriptor.value)] : [];
  });
  const id = deviceId === null ? null : readDeviceId(deviceId);
  const texts = [id?.model, id?.description, id?.manufacturer, device.product, device.manufacturer];
  const isPrinter = device.interfaces.some((one) => one.class === PRINTER);
  const printer = isPrinter
    ? printerSeen(
        id?.languages ?? [],
        texts.map((text) => text ?? ""),
      )
    : null;
  return { words: wordsOf(device), roles, printer };
}

type Choice = Pick<UsbProposal, "kind" | "why" | "isGuess">;

const HID_KINDS: Readonly<Record<HidKind, { readonly kind: Kind; readonly what: string }>> = {
  scale: { kind: "scale", what: "a scale" },
  scanner: { kind: "barcode_scanner", what: "a scanner" },
  ups: { kind: "ups", what: "a UPS" },
};

/** Null: nothing that a store watches. The device's own word counts more than its maker's name: Epson makes both kinds. */
function choose(device: UsbDevice, { words, roles, printer }: Seen, payment: ReadonlySet<string>): Choice | null {
  if (device.isHub) return null;
  const sure = (kind: Kind, why: string): Choice => ({ kind, why, isGuess: false });
  if (payment.has(device.vendorId)) return sure("payment_terminal", "payment hardware");
  const has = (because: string): boolean => roles.some((role) => role.kind === null && role.because === because);
  if (has("cards")) return sure("payment_terminal", "it reads cards, by its own report descriptor; it is never opened");
  const known = knownBy(words);
  const role = roles.find(({ kind }) => kind !== null)?.kind ?? null;
  if (role !== null) return sure(HID_KINDS[role].kind, `${HID_KINDS[role].what} by its own report descriptor`);
  if (printer !== null && (known === null || printer.kind !== known.kind)) {
    return sure(printer.kind, `a printer that calls itself ${printer.by}`);
  }
  if (known === null) return guess(device, words);
  const port = serialNode(device);
  const more = port === undefined ? "" : `; its line, ${port}: aislewatch-agent discover --serial`;
  return sure(known.kind, `${known.what} by its USB id${has("types") ? ", in keyboard mode" : ""}${more}`);
}

const serialNode = ({ interfaces }: UsbDevice): string | undefined =>
  interfaces.flatMap(({ nodes }) => nodes).find((node) => /^tty(?:USB|ACM)\d+$/.test(node));

function guess(device: UsbDevice, words: UsbWords): Choice | null {
  const { interfaces } = device;
  const port = serialNode(device);
  if (port !== undefined) {
    const chip = adapterName(words.vendor);
    const what = chip === null ? `it makes the serial port ${port}` : `${chip}'s adapter, the serial port ${port}`;
    const why = `${what}. What hangs on it: aislewatch-agent discover --serial`;
    return { kind: "device_server", why, isGuess: true };
  }
  if (!interfaces.some((one) => one.class !== null && STORE_CLASSES.has(one.class))) return null;
  const kind = interfaces.some((one) => one.class === PRINTER) ? "receipt_printer" : "barcode_scanner";
  return { kind, why: "what it is does not show: say it, or leave it out", isGuess: true };
}

function byChoiceOf(device: UsbDevice, { words, roles, printer }: Seen, match: UsbMatchConfig): ByChoice | null {
  if (roles.some(({ kind }) => kind !== null)) return { driver: "hid", match, take: true };
  // Epson's interface of class 255 has a file by usblp all the same.
  const own = device.interfaces.find((one) => one.class === PRINTER || one.driver === "usblp");
  if (own === undefined) return null;
  const language = printer === null ? (knownBy(words)?.driver ?? null) : printer.driver;
  if (language === null || own.protocol === UNIDIRECTIONAL) return { driver: "usblp", match, take: true };
  return { driver: language, line: { usblp: match } };
}

/** By its serial number where that is one, and no number that may be a card's; else by its place. */
function matchFor(device: UsbDevice, attached: readonly UsbDevice[]): { match: UsbMatchConfig; told: string } {
  const id = `${device.vendorId}:${device.productId}`;
  const { serial } = readSerial(device.serial);
  const { certain } = identityOf(device, attached);
  return certain && serial !== null && redact(serial) === serial
    ? { match: { id, serial }, told: "told by its serial number, in any port" }
    : { match: { id, port: device.port }, told: "told by its port, for it has no serial number of its own" };
}

function wordsOf({ vendorId, productId, manufacturer, product, serial }: UsbDevice): UsbWords {
  const number = readSerial(serial).serial ?? "";
  return { vendor: vendorId, product: productId, maker: manufacturer ?? "", name: product ?? "", serial: number };
}

/** An entry of `devices:`, or one that waits for somebody who knows. */
export function writeUsbDevice({ id, kind, match, seen, why, isGuess, byChoice }: UsbProposal): string {
  const others = isGuess ? " # or label_printer, scale, ups, payment_terminal …" : "";
  const entry = [`- id: ${id}`, `  kind: ${kind}${others}`, "  driver: usb", `  match: ${flow(match)}`];
  return [
    `  # ${oneLine(seen)}`,
    `  # ${oneLine(why)}`,
    ...[...entry, ...writeChoice(byChoice)].map((line) => `  ${isGuess ? "# " : ""}${line}`),
  ].join("\n");
}

/** Where its two lines stand, for another pair to take their place. */
function writeChoice(choice: ByChoice | null): readonly string[] {
  if (choice === null) return [];
  if ("line" in choice) {
    return [
      "  # By choice, instead of driver and match; other programs find the printer busy while it is asked:",
      `  # driver: ${choice.driver}`,
      `  # line: { usblp: ${flow(choice.line.usblp)} }`,
    ];
  }
  const what =
    choice.driver === "hid" ? "state reports, by asking it" : "paper and errors, by opening it for each poll";
  return [`  # By choice, instead of driver: usb, its ${what}:`, `  # driver: ${choice.driver}`, "  # take: true"];
}

const flow = (match: UsbMatchConfig): string =>
  `{ ${Object.entries(match)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
    .join(", ")} }`;

/** A device of a configuration that is told by USB. */
export type ConfiguredUsb = {
  readonly id: string;
  readonly at: string;
  readonly match: UsbMatch;
  /** False: it names a device file. Its device is known by that, and is missed by whoever looks after the file. */
  readonly isUsb: boolean;
};

export type UsbComparison = {
  readonly fresh: readonly UsbDevice[];
  readonly gone: readonly ConfiguredUsb[];
  readonly same: number;
};

/** `whole`: sysfs was read, so that what is not there is gone. */
export function compareUsb(
  configured: readonly ConfiguredUsb[],
  devices: readonly UsbDevice[],
  whole: boolean,
): UsbComparison {
  const isKnown = (device: UsbDevice): boolean => configured.some(({ match }) => fitsUsbMatch(device, match));
  const isGone = ({ match }: ConfiguredUsb): boolean => !devices.some((device) => fitsUsbMatch(device, match));
  const ours = configured.filter(({ isUsb }) => isUsb);
  const gone = whole ? ours.filter(isGone) : [];
  return {
    fresh: devices.filter((device) => !isKnown(device)),
    gone,
    same: whole ? ours.length - gone.length : 0,
  };
}
