/**
 * Serial ports as devices of an agent.yaml. What hangs on a port is told by the USB ids of the device itself; an adapter
 * or a port of the mainboard tells nothing, and is proposed as a comment. What somebody else has open is watched by its
 * presence, and so is payment hardware, always.
 *
 * The USB ids are our own short list of vendors that stores have (PROTOCOLS 7.4), by vendor where all that it makes with
 * a serial interface is of one kind.
 */
import type { Asset } from "@aislewatch/contract";
import { DEVICE_ID_PATTERN } from "@aislewatch/contract";
import type { Kind } from "@aislewatch/devices";
import { redact } from "./card-data.ts";

export type UsbDevice = {
  /** Four lower-case hex digits each. */
  readonly vendor: string;
  readonly product: string;
  /** As the device says; empty where it says nothing. */
  readonly maker: string;
  readonly name: string;
  readonly serial: string;
};

export type SerialPort = {
  /** The name that stays when the adapter is plugged in again or the host restarts. */
  readonly path: string;
  /** All of its names. */
  readonly names: readonly string[];
  /** Such as ttyUSB0; of a port without hardware, such as a pseudo-terminal, the whole path that it stands for. */
  readonly tty: string;
  /** Where it is plugged in: `usb-1-1.4`, or the tty. Ids are made of it, for they belong to places. */
  readonly place: string;
  readonly usb: UsbDevice | null;
  readonly isConsole: boolean;
  /** Names of other programs that have it open. */
  readonly users: readonly string[];
  readonly isPayment: boolean;
};

type Known = {
  readonly kind: Kind;
  readonly what: string;
  /** Null: the vendor's devices speak several languages. */
  readonly driver: string | null;
};

const receipt = (what: string, driver = "escpos"): Known => ({ kind: "receipt_printer", what, driver });
const label = (what: string, driver: string): Known => ({ kind: "label_printer", what, driver });
const of = (kind: Kind, what: string): Known => ({ kind, what, driver: null });

/** By vendor, or by vendor and product. */
const KNOWN: Readonly<Record<string, Known>> = {
  "04b8": receipt("Epson receipt printer"),
  "0519": receipt("Star receipt printer", "star"),
  "1504": receipt("Bixolon receipt printer"),
  "2730": receipt("Citizen receipt printer"),
  "1d90": receipt("Citizen receipt printer"),
  "0dd4": receipt("Custom receipt printer"),
  "0416:5011": receipt("receipt printer of a common make"),
  "0483:5743": receipt("receipt printer of a common make"),
  "0fe6:811e": receipt("receipt printer of a common make"),
  "0a5f": label("Zebra label printer", "zpl"),
  "1203": label("TSC label printer", "tspl"),
  "0828": label("SATO label printer", "sbpl"),
  "05e0": of("barcode_scanner", "Zebra or Symbol scanner"),
  "0c2e": of("barcode_scanner", "Honeywell scanner"),
  "0536": of("barcode_scanner", "Honeywell scanner"),
  "05f9": of("barcode_scanner", "Datalogic scanner"),
  "080c": of("barcode_scanner", "Datalogic scanner"),
  "0eb8": of("scale", "Mettler Toledo scale"),
  "0b67": of("scale", "Fairbanks scale"),
  "051d": of("ups", "APC UPS"),
  "0463": of("ups", "Eaton UPS"),
  "0764": of("ups", "CyberPower UPS"),
  "09ae": of("ups", "Tripp Lite UPS"),
};

/** Chips of adapters: they tell nothing of what hangs on them. */
const ADAPTERS: Readonly<Record<string, string>> = {
  "0403": "FTDI",
  "067b": "Prolific",
  "10c4": "Silicon Labs",
  "1a86": "WCH",
};

/** The maker of an adapter's chip; null: the device is no adapter that we know. */
export const adapterName = (vendor: string): string | null => ADAPTERS[vendor] ?? null;

export function knownBy(usb: UsbDevice | null): Known | null {
  if (usb === null) return null;
  return KNOWN[`${usb.vendor}:${usb.product}`] ?? KNOWN[usb.vendor] ?? null;
}

/**
 * Languages in the order in which a port is asked for them, by what is known to hang on it. Each begins with listening,
 * and ends at the first right answer. The order is such that nothing is harmed by a question that is not for it, even
 * when the device hears us and its answer never arrives (a cable without the way back):
 *
 * - `any`: questions of control characters alone. No printer prints them, and no scale, scanner or UPS takes them for a
 *   command that does something. All that follows is only asked of what somebody says it is.
 * - `label_printer`: ENQ first; then `^ee` with its line end, so that nothing of it stays in a buffer; the immediate
 *   commands of TSPL before ZPL, for `~HS` would stay in a TSPL printer's line and spoil the next command; DPL, whose SOH
 *   gives the next character a meaning, last. A receipt printer would print these letters, or take `ESC !` for a font.
 * - `scale`: single letters. Toledo's W before the others, which end theirs by CR or LF and so are heard as commands of
 *   their own; MT-SICS before NCI, whose S would make a balance wait for rest. S switches some UPS off.
 *
 * A language in which something else came than an answer is asked a second time: the question before may still have stood
 * in the device's line.
 */
export const ASK_ORDER = {
  any: ["weight_lines", "escpos", "star", "sbpl"],
  receipt_printer: ["weight_lines", "escpos", "star"],
  label_printer: ["weight_lines", "sbpl", "epl", "tspl", "zpl", "dpl"],
  scale: ["weight_lines", "toledo_8217", "mt_sics", "sma", "nci"],
} as const;
export type AskedKind = Exclude<keyof typeof ASK_ORDER, "any">;
export const ASKED_KINDS: readonly AskedKind[] = ["receipt_printer", "label_printer", "scale"];

export function askOrder(port: SerialPort, said: AskedKind | null): readonly string[] {
  const kind = said ?? knownBy(port.usb)?.kind ?? null;
  return ASK_ORDER[ASKED_KINDS.find((one) => one === kind) ?? "any"];
}

/** Why a port is never asked; null when it may be. */
export function notAsked(port: SerialPort): string | null {
  if (port.isPayment) return "it is payment hardware, which is never opened: watch it with the driver presence";
  if (port.isConsole) return "it is this system's console";
  const known = knownBy(port.usb);
  if (known?.kind === "ups") return `it is a ${known.what}, which takes single letters for orders`;
  if (known?.kind === "barcode_scanner") return `it is a ${known.what}: what it says are the shop's barcodes`;
  return null;
}

/** Who answered at a port. */
export type Answered = { readonly driver: string; readonly kind: Kind; readonly asset: Asset };

export type SerialProposal = {
  readonly port: SerialPort;
  readonly id: string;
  readonly kind: Kind;
  readonly driver: string;
  /** What was seen, and why this is proposed: for a comment. */
  readonly seen: string;
  readonly why: string;
  /** As a comment, for somebody has to say first what hangs there; false: it runs as it is. */
  readonly isGuess: boolean;
};

type Choice = Pick<SerialProposal, "kind" | "driver" | "why" | "isGuess">;

/** `answered` are those that were asked, by path; null: nobody answered. Ids do not depend on the order of the ports. */
export function proposeSerial(
  ports: readonly SerialPort[],
  answered: ReadonlyMap<string, Answered | null>,
  taken: ReadonlySet<string>,
): readonly SerialProposal[] {
  const used = new Set(taken);
  return [...ports].sort(byPlace).map((port) => {
    const answer = answered.get(port.path);
    const choice = choose(port, answer);
    const id = idFor(choice.kind, port.place, used);
    used.add(id);
    return { port, id, ...choice, seen: seenAt(port, answer) };
  });
}

const byPlace = (a: SerialPort, b: SerialPort): number => (a.place < b.place ? -1 : a.place > b.place ? 1 : 0);

const byPresence = (kind: Kind, why: string): Choice => ({ kind, driver: "presence", why, isGuess: false });

function choose(port: SerialPort, answer: Answered | null | undefined): Choice {
  const { users, isPayment, isConsole, usb, path } = port;
  const known = knownBy(usb);
  if (isPayment) return byPresence("payment_terminal", "payment hardware: only whether it is plugged in; never opened");
  if (isConsole)
    return { kind: "host", driver: "presence", why: "this system's console: leave it alone", isGuess: true };
  if (answer) return { ...answer, why: "it answered when it was asked", isGuess: false };
  if (users.length > 0) {
    const language = known?.driver == null ? "" : `; it would be driver: ${known.driver}`;
    const kind = known === null ? ". Make its kind what hangs on it" : "";
    return byPresence(known?.kind ?? "device_server", `in use by ${users.join(", ")}${language}${kind}`);
  }
  if (known?.driver != null) {
    const why = `${known.what} by its USB id; nobody has it open. Once an application does: driver: presence, port:`;
    return { kind: known.kind, driver: known.driver, why, isGuess: false };
  }
  const asks = `aislewatch-agent discover --ask ${path}`;
  if (known !== null) {
    const more = notAsked(port) === null ? `. Its language: ${asks}` : "";
    return byPresence(known.kind, `${known.what} by its USB id${more}`);
  }
  const why =
    answer === null
      ? "nobody answered when it was asked: say what hangs on it, with the device's own baud rate and parity"
      : `what hangs on it does not show. Say what it is, or ask it: ${asks}`;
  return { kind: "scale", driver: "toledo_8217", why, isGuess: true };
}

function seenAt({ usb, tty, users }: SerialPort, answer: Answered | null | undefined): string {
  const { vendor, model, firmware, serial } = answer?.asset ?? {};
  const device = [[vendor, model].filter(Boolean).join(" "), firmware, serial && `serial ${serial}`];
  const by = users.length === 0 ? "" : `in use by ${users.join(", ")}`;
  return [...device, usb === null ? "" : usbText(usb), tty, answer ? by : ""]
    .filter((text) => text !== undefined && text !== "")
    .join(", ");
}

export function usbText({ vendor, product, maker, name, serial }: UsbDevice): string {
  const chip = maker || (ADAPTERS[vendor] ?? "");
  const called = name.toLowerCase().startsWith(chip.toLowerCase()) ? name : `${chip} ${name}`.trim();
  const ids = `USB ${vendor}:${product}`;
  return [called === "" ? ids : `${called} (${ids})`, serial === "" ? "" : `serial ${serial}`]
    .filter(Boolean)
    .join(", ");
}

export function idFor(kind: Kind, place: string, used: ReadonlySet<string>): string {
  const slug = place
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replace(/^-+|-+$/g, "");
  const base = `${kind.replaceAll("_", "-")}-${slug || "port"}`;
  for (let n = 1; ; n++) {
    const id = n === 1 ? base : `${base}-${n}`;
    if (!used.has(id) && DEVICE_ID_PATTERN.test(id)) return id;
  }
}

/** Of what is only a guess. */
const OTHERS = {
  kind: " # or receipt_printer, label_printer, drive, barcode_scanner …",
  driver: " # or mt_sics, nci, sma, escpos, star, zpl, epl, modbus … (docs/devices)",
};

/** An entry of `devices:`, or one that waits for somebody who knows. */
export function writeSerialDevice({ port, id, kind, driver, seen, why, isGuess }: SerialProposal): string {
  const path = JSON.stringify(port.path);
  const or = isGuess ? OTHERS : { kind: "", driver: "" };
  const entry = [
    `- id: ${id}`,
    `  kind: ${kind}${or.kind}`,
    `  driver: ${driver}${or.driver}`,
    driver === "presence" ? `  port: ${path}` : `  line: { serial: ${path} }`,
  ];
  const head = [`  # ${oneLine(seen)}`, `  # ${oneLine(why)}`];
  if (port.isConsole) return head.join("\n");
  return [...head, ...entry.map((line) => `  ${isGuess ? "# " : ""}${line}`)].join("\n");
}

const COMMENT_CHARS_MAX = 240;
/** A comment must not end early: a device's texts are foreign. */
export const oneLine = (text: string): string =>
  redact(text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffe\uffff]+/gu, " ").trim())
    .slice(0, COMMENT_CHARS_MAX)
    .toWellFormed();

/** Serial ports of a configuration, by device: the path that it names. */
export type ConfiguredPort = { readonly id: string; readonly path: string; readonly isThere: boolean };

export type SerialComparison = {
  readonly fresh: readonly SerialPort[];
  readonly gone: readonly ConfiguredPort[];
  readonly same: number;
};

/** `whole`: all ports were looked at, so that one that is missing is gone. */
export function compareSerial(
  configured: readonly ConfiguredPort[],
  ports: readonly SerialPort[],
  whole: boolean,
): SerialComparison {
  const written = new Set(configured.map(({ path }) => path));
  const isKnown = ({ names }: SerialPort): boolean => names.some((name) => written.has(name));
  return {
    // The console is nobody's news.
    fresh: ports.filter((port) => !isKnown(port) && !port.isConsole),
    gone: whole ? configured.filter(({ isThere }) => !isThere) : [],
    same: ports.filter(isKnown).length,
  };
}
