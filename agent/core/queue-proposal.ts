/**
 * Print queues of a spooler, and printers that speak IPP, as devices of an agent.yaml. A queue and its printer are two
 * devices with one piece of hardware: the queue tells whether jobs leave it, the printer how it is. Which they are is told
 * by the queue's device URI (CUPS), and a queue then depends on its printer: one cause is one incident.
 */
import type { Kind } from "@aislewatch/devices";
import { readDeviceId } from "./device-id.ts";
import { type PrinterKind, printerSeen } from "./printer-words.ts";
import { idFor, oneLine } from "./serial-proposal.ts";
import { compareAddresses, plainestAddress } from "./subnet.ts";
import { readSerial, type UsbDevice } from "./usb-device.ts";

/** One queue, as its spooler or the printer itself tells it. */
export type PrintQueue = {
  /** Of a spooler's queue; null: a printer by itself. */
  readonly name: string | null;
  /** For `queue:` of the driver ipp. */
  readonly uri: string;
  /** Of the CUPS on this host. */
  readonly socket: string | null;
  /** It is asked over TLS with a certificate of its own making. */
  readonly ownCertificate: boolean;
  /** Null: this host. */
  readonly address: string | null;
  /** CUPS has the name of its driver there. */
  readonly makeAndModel: string;
  /** IEEE 1284. */
  readonly deviceId: string;
  /** Where CUPS sends its jobs: `usb://EPSON/TM-T20II?serial=4D46`, `socket://10.42.0.9`. Nobody else tells. */
  readonly deviceUri: string;
};

/** A printer that is watched or proposed otherwise. */
export type KnownPrinter = {
  readonly id: string;
  readonly kind: Kind;
  readonly usb?: { readonly device: UsbDevice; readonly deviceId: string | null };
  readonly address?: string;
  /** Paths of its serial port. */
  readonly ports?: readonly string[];
};

export type QueueProposal = {
  readonly queue: PrintQueue;
  readonly id: string;
  readonly kind: PrinterKind;
  readonly seen: string;
  readonly why: string;
  /** The same printer, by its id. */
  readonly printer: string | null;
};

export function proposeQueues(
  queues: readonly PrintQueue[],
  printers: readonly KnownPrinter[],
  taken: ReadonlySet<string>,
  /** Open TCP ports by address. */
  openPorts: ReadonlyMap<string, readonly number[]> = new Map(),
): readonly QueueProposal[] {
  const used = new Set(taken);
  return [...queues].sort(byPlace).map((queue) => {
    const printer = printerOf(queue, printers);
    const { kind, why } = kindOf(queue, printer);
    const id = idFor(kind, placeOf(queue), used);
    used.add(id);
    const same =
      printer === null ? "" : `; its printer is ${printer.id}: that one tells how it is, this one whether jobs leave`;
    const raw = openPorts.get(queue.address ?? "")?.includes(RAW_PORT) ? "; its TCP port 9100 is open as well" : "";
    return { queue, id, kind, seen: seenAs(queue), why: `${why}${same}${raw}`, printer: printer?.id ?? null };
  });
}

/** Raw printing: in its own language, a label or receipt printer tells more there. */
const RAW_PORT = 9100;

const PRINTER_KINDS: readonly PrinterKind[] = ["receipt_printer", "label_printer", "office_printer"];

const placeOf = ({ name, address }: PrintQueue): string =>
  [...(name === null ? [] : ["queue", name]), ...(address === null ? [] : [address])].join("-");

const byPlace = (a: PrintQueue, b: PrintQueue): number =>
  compareAddresses(a.address ?? "0.0.0.0", b.address ?? "0.0.0.0") || (placeOf(a) < placeOf(b) ? -1 : 1);

/** What it prints, by its own words, by those of its driver, and by the name that somebody gave the queue. */
function kindOf(
  { deviceId, makeAndModel, deviceUri, name }: PrintQueue,
  printer: KnownPrinter | null,
): { kind: PrinterKind; why: string } {
  const id = readDeviceId(deviceId);
  const model = /^usb:\/\/([^?]*)/.exec(deviceUri)?.[1] ?? "";
  const texts = [id?.model ?? "", decoded(model).replace("/", " "), makeAndModel, id?.manufacturer ?? "", name ?? ""];
  const seen = printerSeen(id?.languages ?? [], texts);
  if (seen !== null) return { kind: seen.kind, why: `by the word ${seen.by}` };
  const same = PRINTER_KINDS.find((kind) => kind === printer?.kind);
  if (same !== undefined) return { kind: same, why: "as its printer" };
  return {
    kind: "office_printer",
    why: "what it prints does not show: make it receipt_printer or label_printer if it is one",
  };
}

function seenAs({ name, makeAndModel, deviceUri, address }: PrintQueue): string {
  const by = /^[a-z][a-z0-9+.-]{0,30}(?=:)/i.exec(deviceUri)?.[0];
  const host = hostOf(deviceUri);
  const way = by === undefined ? "" : `by ${by}${host === null ? "" : ` to ${host}`}`;
  const what = name === null ? `IPP at ${address ?? ""}` : `queue ${name}${address === null ? "" : ` of ${address}`}`;
  return [what, makeAndModel, way].filter((text) => text !== "").join(", ");
}

/** Of what is at the other end of a network. A password in a URI is nobody's business. */
function hostOf(deviceUri: string): string | null {
  const [, bracketed, plain] =
    /^(?:socket|ipps?|https?|lpd|smb):\/\/(?:[^@/]*@)?(?:\[([0-9a-f:.]+)\]|([^/:?]+))/i.exec(deviceUri) ?? [];
  return bracketed ?? plain ?? null;
}

/** The one printer that the queue's jobs go to, of those that are known. Two that fit are none. */
function printerOf({ deviceUri }: PrintQueue, printers: readonly KnownPrinter[]): KnownPrinter | null {
  const host = hostOf(deviceUri);
  const at = host === null ? null : plainestAddress(host);
  const fitting = printers.filter(
    (one) =>
      (at !== null && one.address !== undefined && plainestAddress(one.address) === at) ||
      (one.usb !== undefined && isUsb(deviceUri, one.usb)) ||
      (one.ports?.some((port) => deviceUri.split("?")[0] === `serial:${port}`) ?? false),
  );
  // One printer may be watched in several ways.
  return new Set(fitting.map(hardwareOf)).size === 1 ? (fitting[0] ?? null) : null;
}

const hardwareOf = ({ usb, address, ports, id }: KnownPrinter): string =>
  usb?.device.port ?? (address === undefined ? (ports?.[0] ?? id) : plainestAddress(address));

/** `usb://MAKE/MODEL?serial=NUMBER&interface=1`, with the make and model of the device id (CUPS' usb backend). */
function isUsb(deviceUri: string, { device, deviceId }: NonNullable<KnownPrinter["usb"]>): boolean {
  const [, make = "", model = "", query = ""] = /^usb:\/\/([^/?]*)\/([^?]*)\??(.*)$/i.exec(deviceUri) ?? [];
  if (make === "") return false;
  const id = readDeviceId(deviceId ?? "");
  const serials = [readSerial(device.serial).serial, device.serial, id?.serial];
  const serial = /(?:^|&)serial=([^&]*)/.exec(query)?.[1];
  if (serial !== undefined && serials.some((one) => one != null)) return serials.includes(decoded(serial));
  const models = [id?.model, device.product].map((text) => plainWords(text ?? ""));
  return models.some(
    (one) =>
      one !== "" && (one === plainWords(decoded(model)) || one === plainWords(`${decoded(make)} ${decoded(model)}`)),
  );
}

const plainWords = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]+/g, "");

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** An entry of `devices:`. */
export function writeQueue({ queue, id, kind, seen, why, printer }: QueueProposal): string {
  return [
    `  # ${oneLine(seen)}`,
    `  # ${oneLine(why)}`,
    `  - id: ${id}`,
    `    kind: ${kind}`,
    ...(printer === null ? [] : [`    depends_on: [${printer}] # the same printer`]),
    "    driver: ipp",
    `    queue: ${JSON.stringify(queue.uri)}`,
    ...(queue.socket === null ? [] : [`    socket: ${JSON.stringify(queue.socket)}`]),
    ...(queue.ownCertificate ? ["    certificate: any # it made its own"] : []),
  ].join("\n");
}

/** A device of a configuration with the driver ipp. */
export type ConfiguredQueue = {
  readonly id: string;
  readonly kind: Kind;
  readonly uri: string;
  /** Of this host's own spooler. */
  readonly isHere: boolean;
  /** What its host's name resolves to. */
  readonly addresses: readonly string[];
};

export type QueueComparison = {
  readonly fresh: readonly PrintQueue[];
  readonly gone: readonly { readonly id: string; readonly at: string }[];
  readonly same: number;
};

/** `whole`: this host's spooler was asked, so that a queue that it has not is gone. Other hosts' are never called gone. */
export function compareQueues(
  configured: readonly ConfiguredQueue[],
  queues: readonly PrintQueue[],
  whole: boolean,
): QueueComparison {
  const fits = ({ uri, isHere, addresses }: ConfiguredQueue, queue: PrintQueue): boolean =>
    (queue.address === null ? isHere : addresses.includes(queue.address)) &&
    (queue.name === null || nameIn(uri) === queue.name);
  const fresh = queues.filter((queue) => !configured.some((one) => fits(one, queue)));
  const known = configured.filter((one) => queues.some((queue) => fits(one, queue)));
  const gone = configured.filter((one) => whole && one.isHere && !known.includes(one));
  return { fresh, gone: gone.map(({ id, uri }) => ({ id, at: uri })), same: known.length };
}

const nameIn = (uri: string): string => decoded(/\/printers\/([^/?]+)/.exec(uri)?.[1] ?? "");
