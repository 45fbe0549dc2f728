/**
 * Who of these addresses speaks SNMP? Says hello to each over one socket per family, at most so many packets a second,
 * and listens; nobody is waited for alone, so that a subnet that is mostly empty costs its packets and no timeouts.
 * Two rounds, for a first packet is often lost while a host's hardware address is still being asked for.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { Clock } from "@aislewatch/base";
import { answeredHello } from "../core/hello.ts";
import { plainestAddress } from "../core/subnet.ts";

export type SweepOptions = {
  readonly addresses: readonly string[];
  readonly port: number;
  /** Each is sent to each address. One that opens the device makes the others needless. */
  readonly hellos: readonly { readonly id: number; readonly bytes: Uint8Array; readonly opens: boolean }[];
  readonly packetsPerSecond: number;
  /** How long after the last packet an answer may come. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly share: number; readonly found: number }) => void;
};

const ROUNDS = 2;
/** Packets are sent in small groups, this often. */
const TICK_MS = 20;

/** Those that answered, and the ids of the hellos that each did. Ends early, with what was found, when `signal` does. */
export async function sweep(options: SweepOptions): Promise<ReadonlyMap<string, ReadonlySet<number>>> {
  const { addresses, hellos, clock, signal } = options;
  const asked = new Set(addresses);
  const found = new Map<string, Set<number>>();
  const opening = new Set(hellos.filter(({ opens }) => opens).map(({ id }) => id));
  const hear = (message: Buffer, { address, port }: RemoteInfo): void => {
    const from = plainestAddress(address);
    const id = answeredHello(message);
    if (port === options.port && asked.has(from) && id !== null)
      found.set(from, (found.get(from) ?? new Set()).add(id));
  };
  const sockets = {
    4: addresses.some((address) => !address.includes(":")) ? await open("udp4", hear) : null,
    6: addresses.some((address) => address.includes(":")) ? await open("udp6", hear) : null,
  };
  const perTick = Math.max(1, Math.floor((options.packetsPerSecond * TICK_MS) / 1000));
  const tickMs = Math.max(TICK_MS, 1000 / options.packetsPerSecond);
  const total = ROUNDS * addresses.length;
  let done = 0;
  let budget = perTick;
  for (let round = 0; round < ROUNDS && !signal.aborted; round++) {
    for (const address of addresses) {
      if (signal.aborted) break;
      done++;
      if (!opening.isDisjointFrom(found.get(address) ?? new Set())) continue;
      for (const { bytes } of hellos) {
        if (budget === 0) {
          await pause(tickMs, clock, signal);
          budget = perTick;
        }
        budget--;
        // No way to a host is no answer from it.
        sockets[address.includes(":") ? 6 : 4]?.send(bytes, options.port, address, () => undefined);
      }
      options.onProgress({ share: done / total, found: found.size });
    }
    await pause(options.timeoutMs, clock, signal);
  }
  for (const socket of Object.values(sockets)) socket?.close();
  return found;
}

function open(type: "udp4" | "udp6", hear: (message: Buffer, from: RemoteInfo) => void): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = createSocket(type);
    socket.on("message", hear);
    // A machine without IPv6 finds nobody there.
    socket.once("error", () => resolve(null));
    socket.bind(0, () => {
      socket.removeAllListeners("error");
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}

function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener("abort", end, { once: true });
  });
}
