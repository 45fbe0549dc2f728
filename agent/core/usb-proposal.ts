/**
 * USB devices as devices of an agent.yaml, by what sysfs says of them: nothing is opened. Known makers (KNOWN of
 * serial-proposal.ts) and payment hardware run as they are; what may be a device of a store, and does not say which, is
 * proposed as a comment; hubs, disks, cameras and radios are left out.
 */
import type { Kind } from "@aislewatch/devices";
import { redact } from "./card-data.ts";
import { idFor, knownBy, oneLine, type UsbDevice as UsbWords, usbText } from "./serial-proposal.ts";
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
};

/** Codes of usb.org: communications, HID, printer, the vendor's own. A keyboard and a scanner look the same. */
const STORE_CLASSES: ReadonlySet<number> = new Set([2, 3, 7, 255]);
const PRINTER = 7;

/** `payment`: vendor ids of payment hardware. Ids are made of places, so a second look proposes the same. */
export function proposeUsb(
  fresh: readonly UsbDevice[],
  { attached, payment, taken }: UsbSurroundings,
): readonly UsbProposal[] {
  const used = new Set(taken);
  return [...fresh].sort(byPort).flatMap((device) => {
    const choice = choose(device, payment);
    if (choice === null) return [];
    const id = idFor(choice.kind, `usb-${device.port}`, used);
    used.add(id);
    const { match, told } = matchFor(device, attached);
    const seen = `${usbText(wordsOf(device))}, port ${device.port}`;
    return [
      {
        device,
        id,
        kind: choice.kind,
        match,
        seen,
        why: `${choice.why}; ${told}${statusHint(device)}`,
        isGuess: choice.isGuess,
      },
    ];
  });
}

export type UsbSurroundings = {
  /** All that are plugged in: a serial number that two of them have tells neither. */
  readonly attached: readonly UsbDevice[];
  readonly payment: ReadonlySet<string>;
  /** Ids that are given. */
  readonly taken: ReadonlySet<string>;
};

const byPort = (a: UsbDevice, b: UsbDevice): number => (a.port < b.port ? -1 : a.port > b.port ? 1 : 0);

type Choice = Pick<UsbProposal, "kind" | "why" | "isGuess">;

const isPrinter = ({ interfaces }: UsbDevice): boolean => interfaces.some((one) => one.class === PRINTER);

const statusHint = (device: UsbDevice): string =>
  isPrinter(device) ? ". Its paper and cover: driver usblp, if no program keeps it open" : "";

/** Null: nothing that a store watches. */
function choose(device: UsbDevice, payment: ReadonlySet<string>): Choice | null {
  if (device.isHub) return null;
  if (payment.has(device.vendorId)) return { kind: "payment_terminal", why: "payment hardware", isGuess: false };
  const known = knownBy(wordsOf(device));
  if (known !== null) return { kind: known.kind, why: `${known.what} by its USB id`, isGuess: false };
  if (!device.interfaces.some((one) => one.class !== null && STORE_CLASSES.has(one.class))) return null;
  const kind = isPrinter(device) ? "receipt_printer" : "barcode_scanner";
  return { kind, why: "what it is does not show: say it, or leave it out", isGuess: true };
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
export function writeUsbDevice({ id, kind, match, seen, why, isGuess }: UsbProposal): string {
  const others = isGuess ? " # or label_printer, scale, ups, payment_terminal …" : "";
  const keys = Object.entries(match).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  const entry = [`- id: ${id}`, `  kind: ${kind}${others}`, "  driver: usb", `  match: { ${keys.join(", ")} }`];
  return [
    `  # ${oneLine(seen)}`,
    `  # ${oneLine(why)}`,
    ...entry.map((line) => `  ${isGuess ? "# " : ""}${line}`),
  ].join("\n");
}

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
