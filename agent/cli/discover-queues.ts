/** The part of `discover` that asks spoolers for their queues, and addresses of the network who answers IPP there. */
import { lookup } from "node:dns/promises";
import type { AgentConfig, Device } from "../config.ts";
import { harmless } from "../core/byte-text.ts";
import type { ConfiguredQueue, KnownPrinter, PrintQueue } from "../core/queue-proposal.ts";
import { plainestAddress } from "../core/subnet.ts";
import { fitsUsbMatch } from "../core/usb-match.ts";
import { IPP_PORT, localQueues, queuesAt } from "../discover/spoolers.ts";
import { counted, Stopper } from "./discover-network.ts";
import { configuredUsb, type UsbFound } from "./discover-usb.ts";
import { lineOf } from "./line-advice.ts";
import type { Terminal } from "./terminal.ts";

/** A spooler that reads its printers' states anew takes a second or two. */
const TIMEOUT_MS = 5_000;
/** Printers that are asked at the same time. */
const AT_ONCE_MAX = 16;

export type QueuesFound = {
  readonly queues: readonly PrintQueue[];
  /** This host's own spooler was asked to the end. */
  readonly whole: boolean;
};

export const NO_QUEUES: QueuesFound = { queues: [], whole: false };

/** `ports`: open ports by address. */
export async function searchQueues(
  { local, ports }: { readonly local: boolean; readonly ports: ReadonlyMap<string, readonly number[]> },
  terminal: Terminal,
): Promise<QueuesFound> {
  const stopper = new Stopper(terminal);
  const asking = { signal: stopper.signal, timeoutMs: TIMEOUT_MS };
  const own = local ? await localQueues(terminal.systemRoot ?? "/", asking) : null;
  if (local) tellLocal(own, terminal);
  const addresses = [...ports].filter(([, open]) => open.includes(IPP_PORT)).map(([address]) => address);
  const others: PrintQueue[] = [];
  const worker = async (): Promise<void> => {
    for (let address = addresses.shift(); address !== undefined; address = addresses.shift()) {
      const queues = stopper.signal.aborted ? null : await queuesAt(address, IPP_PORT, asking);
      if (queues?.ok) others.push(...queues.value);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE_MAX }, worker));
  stopper.release();
  return { queues: [...(own?.ok ? own.value : []), ...others], whole: own?.ok ?? false };
}

function tellLocal(own: Awaited<ReturnType<typeof localQueues>>, { error }: Terminal): void {
  if (own === null) error("no CUPS on this host: it has no socket in /run/cups\n");
  else if (own.ok) error(`${counted(own.value.length, "print queue")}\n`);
  else error(`CUPS tells no queues: ${harmless(own.error.detail)}\n`);
}

/** Names of this host that CUPS answers to over its loopback interface. */
const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);

/** What the configuration has of the driver ipp. */
export async function configuredQueues(config: AgentConfig): Promise<ConfiguredQueue[]> {
  const devices = config.devices.filter(({ driver }) => driver.name === "ipp");
  return Promise.all(
    devices.map(async ({ id, kind, driverConfig }) => {
      // The driver's own schema made it.
      const { queue, socket } = driverConfig as { queue: { uri: string; host: string }; socket?: string };
      const resolved = await lookup(queue.host, { all: true }).catch(() => []);
      const addresses = [queue.host, ...resolved.map(({ address }) => address)].map(plainestAddress);
      const isHere = socket !== undefined || addresses.every((address) => LOOPBACK.has(address));
      return { id, kind, uri: queue.uri, isHere, addresses };
    }),
  );
}

/** Printers that the configuration watches otherwise: by USB, at an address, at a serial port. */
export function configuredPrinters(config: AgentConfig, usb: UsbFound, terminal: Terminal): KnownPrinter[] {
  const matches = configuredUsb(config, terminal);
  return config.devices
    .filter(({ driver }) => driver.name !== "ipp")
    .map((device) => {
      const match = matches.find(({ id }) => id === device.id)?.match;
      const attached = match === undefined ? undefined : usb.devices.find((one) => fitsUsbMatch(one, match));
      const address = addressOf(device);
      return {
        id: device.id,
        kind: device.kind,
        ...(attached !== undefined && {
          usb: { device: attached, deviceId: usb.evidence.get(attached.port)?.deviceId ?? null },
        }),
        ...(address !== null && { address }),
      };
    });
}

function addressOf(device: Device): string | null {
  const line = lineOf(device);
  if (line?.kind === "tcp") return line.tcp.host;
  if (device.driver.name !== "snmp") return null;
  // The driver's own schema made it.
  return (device.driverConfig as { address: { host: string } }).address.host;
}
