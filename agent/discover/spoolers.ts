/**
 * Which queues a spooler has, and which printer answers IPP at an address: one question each, that changes nothing. Of this
 * host's own CUPS by its socket, which is there also when it listens on no port; of others at port 631.
 */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { err, ok, type Result } from "@aislewatch/base";
import type { PrintQueue } from "../core/queue-proposal.ts";
import type { PollError } from "../drivers/driver.ts";
import { IPP_GROUPS, type IppGroup } from "../drivers/ipp/codec.ts";
import { IppSession, type Queue } from "../drivers/ipp/session.ts";

/** The registered port of IPP. */
export const IPP_PORT = 631;
/** Queues of one spooler; a store has a dozen. */
const QUEUES_MAX = 200;
/** Where Linux distributions keep the socket of CUPS. */
const SOCKETS = ["run/cups/cups.sock", "var/run/cups/cups.sock"];

/** Who asks for them gets no document's and no person's name. */
const ATTRIBUTES = ["printer-name", "printer-make-and-model", "printer-device-id", "device-uri"];

type Asking = { readonly signal: AbortSignal; readonly timeoutMs: number };

/** Of the CUPS on this host; null: there is none. `root` is where this system's files begin. */
export async function localQueues(
  root: string,
  asking: Asking,
): Promise<Result<readonly PrintQueue[], PollError> | null> {
  for (const name of SOCKETS) {
    const socket = join(root, name);
    if (await isThere(socket)) return await queuesOf({ host: "127.0.0.1", port: IPP_PORT, socket }, null, asking);
  }
  return null;
}

/** At an address of the network: a printer by itself, or what a spooler shows of its queues. */
export async function queuesAt(
  address: string,
  port: number,
  asking: Asking,
): Promise<Result<readonly PrintQueue[], PollError>> {
  const plain = await printerAt(address, { port, secure: false }, asking);
  if (plain.ok) return plain;
  // Many printers made since talk over TLS only; a spooler knows no /ipp/print.
  const secure = await printerAt(address, { port, secure: true }, asking);
  return secure.ok ? secure : await queuesOf({ host: address, port, socket: null }, address, asking);
}

/** PWG 5100.14, 4.2: the path that every printer of IPP Everywhere has; older ones have it as well, as a rule. */
const PRINTER_PATH = "/ipp/print";

async function printerAt(
  address: string,
  { port, secure }: { readonly port: number; readonly secure: boolean },
  asking: Asking,
): Promise<Result<readonly PrintQueue[], PollError>> {
  const uri = uriOf({ host: address, port, secure }, PRINTER_PATH);
  const queue: Queue = { uri, host: address, port, path: PRINTER_PATH, secure, socket: null, anyCertificate: true };
  const answered = await new IppSession(queue).ask(
    { operation: "getPrinterAttributes", attributes: ATTRIBUTES },
    limited(asking),
  );
  if (!answered.ok) return answered;
  const printer = answered.value.groups.find(({ tag }) => tag === IPP_GROUPS.printer);
  if (printer === undefined) return err({ kind: "protocol", detail: "an answer without a printer" });
  return ok([{ ...seenIn(printer), name: null, uri, socket: null, ownCertificate: secure, address, deviceUri: "" }]);
}

type Spooler = { readonly host: string; readonly port: number; readonly socket: string | null };

async function queuesOf(
  { host, port, socket }: Spooler,
  address: string | null,
  asking: Asking,
): Promise<Result<readonly PrintQueue[], PollError>> {
  const queue: Queue = { uri: "", host, port, path: "/", secure: false, socket, anyCertificate: false };
  const answered = await new IppSession(queue).ask(
    { operation: "cupsGetPrinters", attributes: ATTRIBUTES, limit: QUEUES_MAX },
    limited(asking),
  );
  if (!answered.ok) return answered;
  const printers = answered.value.groups.filter(({ tag }) => tag === IPP_GROUPS.printer).slice(0, QUEUES_MAX);
  return ok(
    printers.flatMap((printer): PrintQueue[] => {
      const name = textIn(printer, "printer-name");
      if (name === "") return [];
      const uri = uriOf({ host, port, secure: false }, `/printers/${encodeURIComponent(name)}`);
      return [{ ...seenIn(printer), name, uri, socket, ownCertificate: false, address }];
    }),
  );
}

const seenIn = (printer: IppGroup) => ({
  makeAndModel: textIn(printer, "printer-make-and-model"),
  deviceId: textIn(printer, "printer-device-id"),
  deviceUri: textIn(printer, "device-uri"),
});

function textIn({ attributes }: IppGroup, name: string): string {
  const value = attributes[name]?.[0];
  return typeof value === "string" ? value : "";
}

function uriOf({ host, port, secure }: { host: string; port: number; secure: boolean }, path: string): string {
  const bracketed = host.includes(":") ? `[${host}]` : host;
  return `${secure ? "ipps" : "ipp"}://${bracketed}${port === IPP_PORT ? "" : `:${port}`}${path}`;
}

const limited = ({ signal, timeoutMs }: Asking): { readonly signal: AbortSignal } => ({
  signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
});

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
