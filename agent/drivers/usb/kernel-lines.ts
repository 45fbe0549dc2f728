/**
 * What the kernel says of USB ports, line by line: from `dmesg`, the journal, or records of /dev/kmsg
 * (`6,1234,919541217,-;usb 2-1: …`). Pure. The wording is that of drivers/usb/core/{hub,hcd,generic,message}.c and of
 * usblp; what is not known is nothing. Lines hold a device's own texts, which are never looked at.
 *
 * `usblp0: removed` and `usblp0: USB Bidirectional printer dev 13 …` are the print spooler, which takes the printer from
 * the kernel's driver and gives it back: the device number stays, nothing was unplugged.
 */
export type KernelLine = {
  /** `2-1.6.1.2`; for a line about a hub's port, the place of what is plugged into it. */
  readonly port: string;
} & (
  | { readonly kind: "connected" | "disconnected" | "driver_bound"; readonly devnum: number }
  /** Enumeration went wrong: a cable, a connector, too little power, a dying device. */
  | { readonly kind: "error" | "over_current" | "power_refused" | "reset" }
);

const LINE_CHARS_MAX = 1_024;
/** dmesg's time, kmsg's head, the journal's date and host. */
const HEAD = /^(?:\d+,\d+,\d+,[^;]{0,32};|.{0,80}?\bkernel: )?(?:\[\s*\d+\.\d+\] )?/;
const DEVICE = /^(?:usb|hub|usblp) (\d{1,3}-\d{1,3}(?:\.\d{1,3}){0,6})(?::\d{1,3}\.\d{1,3})?: (.*)$/;
const PORT = /^usb (usb\d{1,3}|\d{1,3}-\d{1,3}(?:\.\d{1,3}){0,5})-port(\d{1,3}): (.*)$/;
/** Kernels before 3.x and some paths still speak of a hub's port so. */
const HUB_PORT = /^hub (\d{1,3}-\d{1,3}(?:\.\d{1,3}){0,5}):\d{1,3}\.\d{1,3}: (.*)\bport (\d{1,3})\b(.*)$/;

const ERRORS =
  /^(?:device descriptor read\/|device not accepting address|can't set config|can't read configurations|unable to (?:enumerate|read config)|string descriptor 0 read error|config index .* descriptor|USB device not (?:accepting|responding)|cannot (?:enable|reset)|Cannot enable|disabled by hub|device no response|attempt power cycle|Device not responding)/i;

export function readKernelLine(raw: string): KernelLine | null {
  const line = raw.slice(0, LINE_CHARS_MAX).replace(HEAD, "").trimEnd();
  const port = PORT.exec(line);
  if (port !== null) return ofPort(placeOf(port[1] ?? "", port[2] ?? ""), port[3] ?? "");
  const hubPort = HUB_PORT.exec(line);
  if (hubPort !== null) {
    return ofPort(placeOf(hubPort[1] ?? "", hubPort[3] ?? ""), `${hubPort[2]}${hubPort[4]}`.trim());
  }
  const device = DEVICE.exec(line);
  return device === null ? null : ofDevice(device[1] ?? "", device[2] ?? "");
}

/**
 * What usblp says of a printer that a program writes to and that does not take it (usblp_check_status in
 * drivers/usb/class/usblp.c): the only word on paper that is had without opening the printer. It comes when a write hangs,
 * and its `ok` only if that write goes on: an `out of paper` that nobody took back says nothing of an hour later, so it is
 * an event and never a state.
 */
export type PrinterLine = {
  /** As below /dev: `usb/lp0`. */
  readonly node: string;
  readonly says: PrinterWord;
  /** Of the kernel's own clock, since it started; null: the log has no times. */
  readonly atSeconds: number | null;
};
export type PrinterWord = "ok" | "out of paper" | "off-line" | "on fire";

const PRINTER_SAYS = /^usblp(\d{1,3}): (ok|out of paper|off-line|on fire)$/;
const DMESG_TIME = /^(?:.{0,80}?\bkernel: )?\[\s*(\d{1,12}\.\d{1,9})\] /;
const KMSG_TIME = /^\d+,\d+,(\d{1,16}),/;

export function readPrinterLine(raw: string): PrinterLine | null {
  const line = raw.slice(0, LINE_CHARS_MAX);
  const [, minor, says] = PRINTER_SAYS.exec(line.replace(HEAD, "").trimEnd()) ?? [];
  if (minor === undefined || !isPrinterWord(says)) return null;
  const micros = KMSG_TIME.exec(line)?.[1];
  const time = micros === undefined ? DMESG_TIME.exec(line)?.[1] : String(Number(micros) / 1e6);
  return { node: `usb/lp${minor}`, says, atSeconds: time === undefined ? null : Number(time) };
}

const PRINTER_WORDS: readonly string[] = ["ok", "out of paper", "off-line", "on fire"] satisfies PrinterWord[];
const isPrinterWord = (text: string | undefined): text is PrinterWord =>
  text !== undefined && PRINTER_WORDS.includes(text);

function ofDevice(port: string, text: string): KernelLine | null {
  const gone = /^USB disconnect, (?:device number|address) (\d{1,3})\b/.exec(text);
  if (gone !== null) return { port, kind: "disconnected", devnum: Number(gone[1]) };
  const came = /^new [a-zA-Z- +]{1,40}USB device(?: number| using \S+ and address) (\d{1,3})\b/.exec(text);
  if (came !== null) return { port, kind: "connected", devnum: Number(came[1]) };
  const bound = /^usblp\d{1,3}: USB .{0,20}printer dev (\d{1,3}) /.exec(text);
  if (bound !== null) return { port, kind: "driver_bound", devnum: Number(bound[1]) };
  if (/^reset [a-zA-Z- +]{1,40}USB device/.test(text)) return { port, kind: "reset" };
  return ofPort(port, text);
}

function ofPort(port: string, text: string): KernelLine | null {
  if (/over-?current/i.test(text)) return { port, kind: "over_current" };
  if (/^rejected \d+ configurations? due to insufficient available bus power/.test(text)) {
    return { port, kind: "power_refused" };
  }
  return ERRORS.test(text) ? { port, kind: "error" } : null;
}

/** `usb1` port 5 is the place 1-5; hub `1-1` port 3 the place 1-1.3; hub `1-0` (a root hub) port 2 the place 1-2. */
function placeOf(hub: string, port: string): string {
  const root = /^(?:usb(\d{1,3})|(\d{1,3})-0)$/.exec(hub);
  return root === null ? `${hub}.${port}` : `${root[1] ?? root[2]}-${port}`;
}
