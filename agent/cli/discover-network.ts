/** The half of `discover` that asks a network: who speaks SNMP in the subnets, who that is, and which ports are open. */
import { dirname, resolve } from "node:path";
import { formatDiagnostics } from "@aislewatch/config";
import type { Profile } from "@aislewatch/devices";
import { realClock } from "@aislewatch/runtime";
import { helloCommunity, helloV3 } from "../core/hello.ts";
import { addressesOf, compareAddresses, parseSubnet, SUBNET_LIMITS, type Subnet } from "../core/subnet.ts";
import { type Credential, loadCredentials, PUBLIC } from "../discover/credentials.ts";
import { type Identified, identify } from "../discover/identify.ts";
import { openPorts } from "../discover/open-ports.ts";
import { sweep } from "../discover/sweep.ts";
import { Progress } from "./progress.ts";
import type { Flags, Terminal } from "./terminal.ts";
import { durationBetween, optionValue, ratePerSecond, wholeNumber } from "./written-option.ts";

/** About 400 kbit/s: nothing to a shop's network, and each device gets a handful of packets. */
const RATE_DEFAULT = 500;
const RATE_MAX = 10_000;
const TIMEOUT_MS_DEFAULT = 1_000;
/** Devices that are asked who they are at the same time. */
const AT_ONCE_MAX = 16;
/** Whoever stops a search wants to have what it found, and wants it soon. */
const STOP_MS_MAX = 5_000;

const NOBODY =
  "nothing answered: is SNMP switched on, may this host ask, is it this --port? A wrong community is not answered\n";

export type NetworkPlan = {
  readonly subnets: readonly Subnet[];
  readonly credentials: readonly Credential[];
  readonly port: number;
  readonly rate: number;
  readonly timeoutMs: number;
  /** Connect to the ports of printers and drives, too? */
  readonly ports: boolean;
};

export type NetworkFound = {
  readonly found: readonly Identified[];
  /** Addresses that speak SNMP and let nobody in, or were not asked to the end. */
  readonly silent: readonly string[];
  /** Open TCP ports by address. */
  readonly ports: ReadonlyMap<string, readonly number[]>;
  /** Nobody stopped it. */
  readonly whole: boolean;
};

/** `inUse`: addresses whose ports the configuration names; they are not connected to. */
export async function searchNetwork(
  plan: NetworkPlan,
  { profiles, inUse }: { profiles: readonly Profile[]; inUse: ReadonlySet<string> },
  terminal: Terminal,
): Promise<NetworkFound> {
  const progress = new Progress(terminal, realClock);
  const startMs = realClock.monotonic();
  const addresses = addressesOf(plan.subnets);
  const sweeping = new Stopper(terminal);
  const answered = await sweep({
    addresses,
    port: plan.port,
    hellos: hellosOf(plan.credentials),
    packetsPerSecond: plan.rate,
    timeoutMs: plan.timeoutMs,
    clock: realClock,
    signal: sweeping.signal,
    onProgress: ({ share, found }) => progress.show(share, `${found} found in ${addresses.length} addresses`),
  });
  sweeping.release();
  const asking = new Stopper(terminal);
  if (sweeping.signal.aborted && answered.size > 0) {
    progress.end();
    terminal.error(`stopping: ${STOP_MS_MAX / 1000} s for those who answered to say who they are; Ctrl-C skips that\n`);
    asking.stopAfter(STOP_MS_MAX);
  }
  const options = { ...plan, profiles, nowMs: realClock.now(), signal: asking.signal };
  const ask = (address: string): Promise<Identified | null> =>
    identify(address, credentialsFor(answered.get(address) ?? new Set(), plan.credentials), options);
  const identified = await identifyAll([...answered.keys()].sort(compareAddresses), ask, {
    signal: asking.signal,
    onDone: (done) => progress.show(done / answered.size, `${done} of ${answered.size} devices asked who they are`),
  });
  progress.end();
  asking.release();
  const found = identified.flatMap(({ who }) => (who === null ? [] : [who]));
  const whole = !sweeping.signal.aborted && !asking.signal.aborted;
  const silent = identified.filter(({ who }) => who === null).map(({ address }) => address);
  const took = ((realClock.monotonic() - startMs) / 1000).toFixed(1);
  terminal.error(
    `${counted(found.length, "device")} in ${counted(addresses.length, "address")}, ${took} s${whole ? "" : "; stopped by hand, so this is not all"}\n`,
  );
  const others = addresses.filter((address) => !inUse.has(address));
  const ports = plan.ports && whole ? await lookAtPorts(others, plan, terminal) : new Map<string, readonly number[]>();
  if (answered.size === 0 && whole && ports.size === 0) terminal.error(NOBODY);
  for (const { address, who, inTime } of identified) {
    const why = inTime ? "none of the credentials opens it" : "there was no time to ask who it is";
    if (who === null) terminal.error(`${address} speaks SNMP, but ${why}\n`);
  }
  return { found, silent, ports, whole };
}

async function lookAtPorts(
  addresses: readonly string[],
  { rate, timeoutMs }: NetworkPlan,
  terminal: Terminal,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const progress = new Progress(terminal, realClock);
  const stopper = new Stopper(terminal);
  const found = await openPorts({
    addresses,
    connectionsPerSecond: rate,
    timeoutMs,
    clock: realClock,
    signal: stopper.signal,
    onProgress: ({ share, found: count }) => progress.show(share, `${count} with open ports`),
  });
  progress.end();
  stopper.release();
  const open = [...found.values()].flat().length;
  const cut = stopper.signal.aborted ? "; stopped by hand, so this is not all" : "";
  terminal.error(`${counted(open, "open port")} at ${counted(found.size, "address")}${cut}\n`);
  return found;
}

/** Ends a part of the command at the next Ctrl-C. */
export class Stopper {
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;
  readonly #releases: (() => void)[] = [];

  constructor({ onInterrupt }: Terminal) {
    const release = onInterrupt?.(() => this.#controller.abort());
    if (release !== undefined) this.#releases.push(release);
  }

  stopAfter(ms: number): void {
    this.#releases.push(realClock.after(ms, () => this.#controller.abort()));
  }

  release(): void {
    for (const release of this.#releases) release();
  }
}

/** Everything that can be wrong with the command line, before a packet is sent; null after a complaint. */
export function networkPlanOf(flags: Flags, terminal: Terminal): NetworkPlan | null {
  if (flags.subnets.length > SUBNET_LIMITS.subnetsMax) {
    terminal.error(`--subnet: expected at most ${SUBNET_LIMITS.subnetsMax}\n`);
    return null;
  }
  const subnets = flags.subnets.map(parseSubnet);
  const wrong = subnets.flatMap((subnet) => (subnet.ok ? [] : [subnet.error]));
  for (const error of wrong) terminal.error(`--subnet: ${error}\n`);
  const port = optionValue(flags, terminal, {
    option: "port",
    schema: wholeNumber("a port", 1, 65_535),
    fallback: 161,
  });
  const rate = optionValue(flags, terminal, {
    option: "rate",
    schema: ratePerSecond(RATE_MAX),
    fallback: RATE_DEFAULT,
  });
  const timeout = durationBetween(50, 60_000);
  const timeoutMs = optionValue(flags, terminal, { option: "timeout", schema: timeout, fallback: TIMEOUT_MS_DEFAULT });
  const credentials = credentialsOf(flags, terminal);
  if (wrong.length > 0 || port === null || rate === null || timeoutMs === null || credentials === null) return null;
  return {
    subnets: subnets.flatMap((subnet) => (subnet.ok ? [subnet.value] : [])),
    credentials,
    port,
    rate,
    timeoutMs,
    ports: flags.ports,
  };
}

function credentialsOf({ written }: Flags, terminal: Terminal): readonly Credential[] | null {
  const { credentials: path, out } = written;
  if (path === undefined) return PUBLIC;
  const loaded = loadCredentials(path, out === undefined ? resolve(".") : dirname(resolve(out)), terminal.env);
  if (loaded.ok) return loaded.value;
  const { diagnostics, text } = loaded.error;
  const texts = new Map(text === null ? [] : [[path, text]]);
  terminal.error(`${formatDiagnostics(diagnostics, texts, { color: terminal.errorIsTerminal })}\n`);
  return null;
}

/** The empty v3 message; a community's hello has its place in the list of credentials, from the next number on. */
const V3_HELLO = 1;
const helloId = (place: number): number => V3_HELLO + 1 + place;

function hellosOf(credentials: readonly Credential[]): Parameters<typeof sweep>[0]["hellos"] {
  const communities = credentials.flatMap(({ target }, place) => {
    if (target.version === "3") return [];
    const id = helloId(place);
    return [{ id, bytes: helloCommunity(target.version, target.community, id), opens: true }];
  });
  return [...communities, { id: V3_HELLO, bytes: helloV3(V3_HELLO), opens: false }];
}

/** A v3 engine says that it is there to everybody; who may come in only a try can tell. */
function credentialsFor(heard: ReadonlySet<number>, credentials: readonly Credential[]): readonly Credential[] {
  return credentials.filter(({ target }, place) => heard.has(target.version === "3" ? V3_HELLO : helloId(place)));
}

/** Null is nobody whom the credentials open; or, when not `inTime`, one that was not asked to the end. */
type Answer = { readonly address: string; readonly who: Identified | null; readonly inTime: boolean };

async function identifyAll(
  addresses: readonly string[],
  ask: (address: string) => Promise<Identified | null>,
  { signal, onDone }: { signal: AbortSignal; onDone: (done: number) => void },
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const waiting = [...addresses];
  const worker = async (): Promise<void> => {
    for (let address = waiting.shift(); address !== undefined; address = waiting.shift()) {
      const who = signal.aborted ? null : await ask(address);
      answers.push({ address, who, inTime: !signal.aborted });
      onDone(answers.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE_MAX }, worker));
  return answers.sort((a, b) => compareAddresses(a.address, b.address));
}

export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;
