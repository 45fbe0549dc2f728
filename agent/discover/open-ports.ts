/**
 * Which addresses take a connection at the ports of printers and drives? One connection each, closed at once, nothing
 * sent and nothing read: print servers with room for one client must be free again when the spooler comes.
 */
import type { Clock } from "@aislewatch/base";
import { openTcpStream } from "../transport/tcp.ts";

/** Raw printing, IPP, and Modbus TCP. */
export const LOOKED_AT_PORTS = [9100, 631, 502] as const;

/** Connections that are tried at the same time: addresses where nobody is cost their whole timeout. */
const AT_ONCE_MAX = 128;

export type OpenPortsOptions = {
  readonly addresses: readonly string[];
  readonly connectionsPerSecond: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly share: number; readonly found: number }) => void;
};

/** Open ports by address; addresses without one are not there. */
export async function openPorts(options: OpenPortsOptions): Promise<ReadonlyMap<string, readonly number[]>> {
  const { addresses, connectionsPerSecond, timeoutMs, clock, signal } = options;
  const found = new Map<string, number[]>();
  const startMs = clock.monotonic();
  const total = addresses.length * LOOKED_AT_PORTS.length;
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (next < total && !signal.aborted) {
      const turn = next++;
      const host = addresses[Math.floor(turn / LOOKED_AT_PORTS.length)] ?? "";
      const port = LOOKED_AT_PORTS[turn % LOOKED_AT_PORTS.length] ?? 0;
      const dueMs = startMs + (turn * 1_000) / connectionsPerSecond;
      await pause(dueMs - clock.monotonic(), clock);
      const opened = await openTcpStream({ host, port }, clock)(signal, timeoutMs);
      if (opened.ok) {
        await opened.value.close();
        found.set(host, [...(found.get(host) ?? []), port]);
      }
      done++;
      options.onProgress({ share: done / total, found: found.size });
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE_MAX, total) }, worker));
  return new Map([...found].map(([host, ports]) => [host, ports.sort((a, b) => a - b)]));
}

const pause = (ms: number, clock: Clock): Promise<void> =>
  ms <= 0 ? Promise.resolve() : new Promise((resolve) => void clock.after(ms, resolve));
