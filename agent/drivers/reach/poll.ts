/**
 * Tries what a store needs from where it is needed: an echo to the gateway, a name from each name server, a connection
 * to each target and, where it speaks TLS, its certificate. A connection is closed as soon as it stands: nothing is
 * asked of who answers. All are tried at once, each within the poll's time.
 */
import { execFile } from "node:child_process";
import { lookup, NODATA, Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { connect, isIP } from "node:net";
import { platform } from "node:os";
import { connect as connectTls, type DetailedPeerCertificate, TLSSocket } from "node:tls";
import { type Clock, errorText } from "@aislewatch/base";
import { pingHost } from "../../transport/ping.ts";
import type { PollContext } from "../driver.ts";
import { linuxGateway, windowsGateway } from "./default-route.ts";
import type { Certificate, Tried } from "./types.ts";

export type Target = {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
};

/** Left of a poll's time to put the answers together. */
const SHARE = 0.9;
/** A chain of more is refused by every client. */
const CHAIN_MAX = 10;
const TEXT_BYTES_MAX = 256 * 1024;

export async function tryGateway(context: PollContext): Promise<Tried> {
  const tried = { name: "gateway", how: "echo", certificate: null } as const;
  const gateway = await defaultGateway();
  if (gateway === null) return { ...tried, isReached: false, answerMs: null, detail: "this host has no default route" };
  const echo = await pingHost(gateway, { signal: context.signal, timeoutMs: context.timeoutMs * SHARE });
  if (echo.ok) return { ...tried, isReached: true, answerMs: echo.value.roundTripMs, detail: null };
  const { kind, detail, hint } = echo.error;
  const isReached = kind === "config" ? null : false;
  return { ...tried, isReached, answerMs: null, detail: hint === undefined ? detail : `${detail}: ${hint}` };
}

async function defaultGateway(): Promise<string | null> {
  if (platform() === "win32") return windowsGateway(await output("route", ["print", "-4"]));
  try {
    return linuxGateway((await readFile("/proc/net/route", "utf8")).slice(0, TEXT_BYTES_MAX));
  } catch {
    return null;
  }
}

const output = (program: string, args: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    const options = { timeout: 3_000, maxBuffer: TEXT_BYTES_MAX, windowsHide: true };
    execFile(program, args, options, (_, stdout) => resolve(stdout));
  });

/** Each name server is asked by itself: with two of them, a dead first one costs every connection seconds. */
export async function tryNameServer(
  { server, name }: { readonly server: string; readonly name: string },
  context: PollContext,
  clock: Clock,
): Promise<Tried> {
  const timeoutMs = Math.max(1, Math.floor(context.timeoutMs * SHARE));
  const tried = { name: `dns-${server}`, how: "dns", certificate: null } as const;
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  const onAbort = (): void => resolver.cancel();
  try {
    resolver.setServers([isIP(server) === 6 ? `[${server}]` : server]);
    context.signal.addEventListener("abort", onAbort, { once: true });
    const startMs = clock.monotonic();
    await resolver.resolve4(name).catch(async (thrown: unknown) => {
      // It knows the name, which has no address of this kind: one of the other will do.
      if (!(thrown instanceof Error && "code" in thrown && thrown.code === NODATA)) throw thrown;
      await resolver.resolve6(name);
    });
    return { ...tried, isReached: true, answerMs: clock.monotonic() - startMs, detail: null };
  } catch (thrown) {
    return { ...tried, isReached: false, answerMs: null, detail: errorText(thrown) };
  } finally {
    context.signal.removeEventListener("abort", onAbort);
  }
}

/** Servers that this system asks, without their ports. */
export const systemNameServers = (): string[] =>
  new Resolver()
    .getServers()
    .map((server) => server.replace(/^\[(.*)\](?::\d+)?$/, "$1").replace(/^([\d.]+):\d+$/, "$1"));

export async function tryTarget(target: Target, context: PollContext, clock: Clock): Promise<Tried> {
  const tried = { name: target.name, how: target.secure ? ("tls" as const) : ("tcp" as const) };
  try {
    const address = await within(context.signal, lookup(target.host));
    const startMs = clock.monotonic();
    const certificate = await handshake({ ...target, address: address.address }, context, clock);
    return { ...tried, isReached: true, answerMs: clock.monotonic() - startMs, certificate, detail: null };
  } catch (thrown) {
    const detail = context.signal.aborted ? "no answer in time" : errorText(thrown);
    return { ...tried, isReached: false, answerMs: null, certificate: null, detail };
  }
}

/** A look-up can't be ended; its late end is of no interest. */
function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new Error("no answer in time"));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Stands once the connection does, or the TLS session, and is closed then. */
function handshake(
  { host, address, port, secure }: Target & { readonly address: string },
  { signal, timeoutMs }: PollContext,
  clock: Clock,
): Promise<Certificate | null> {
  return new Promise((resolve, reject) => {
    // Judged by its dates and reported, not refused: an expired certificate is just what is looked for.
    const options = { host: address, port, rejectUnauthorized: false, ...(isIP(host) === 0 && { servername: host }) };
    const socket = secure ? connectTls(options) : connect({ host: address, port });
    const finish = (end: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      end();
      socket.destroy();
    };
    const onAbort = (): void => finish(() => reject(new Error("no answer in time")));
    // A late error of a socket that nobody waits for must not end the process.
    socket.on("error", (error) => finish(() => reject(error)));
    socket.setTimeout(timeoutMs * SHARE, onAbort);
    socket.once(secure ? "secureConnect" : "connect", () =>
      finish(() => resolve(socket instanceof TLSSocket ? certificateOf(socket, clock.now()) : null)),
    );
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** The earliest end in the chain counts: an intermediate certificate that ends takes its servers down with it. */
function certificateOf(socket: TLSSocket, nowMs: number): Certificate | null {
  let expiresAtMs = Number.POSITIVE_INFINITY;
  let one: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  const seen = new Set<string>();
  for (let n = 0; n < CHAIN_MAX && one?.valid_to !== undefined && !seen.has(one.fingerprint256); n++) {
    seen.add(one.fingerprint256);
    const endMs = Date.parse(one.valid_to);
    if (Number.isFinite(endMs)) expiresAtMs = Math.min(expiresAtMs, endMs);
    one = one.issuerCertificate;
  }
  if (!Number.isFinite(expiresAtMs)) return null;
  // An end that has come is told as such; what else is wrong with it is a matter of trust.
  const isTrusted = socket.authorized || String(socket.authorizationError) === "CERT_HAS_EXPIRED";
  return { expiresAtMs, leftMs: expiresAtMs - nowMs, isTrusted };
}
