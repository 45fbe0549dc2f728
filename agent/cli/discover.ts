/**
 * `discover`: SNMP devices of subnets that somebody named, as an agent.yaml that runs as it is; with a configuration,
 * what is new, gone or another device than the one it was written for. Asks questions only, and those slowly.
 */
import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { formatDiagnostics } from "@aislewatch/config";
import { EXIT, realClock } from "@aislewatch/runtime";
import type { AgentConfig } from "../config.ts";
import { dependenciesOf } from "../core/dependencies.ts";
import { helloCommunity, helloV3 } from "../core/hello.ts";
import {
  type Comparison,
  type Configured,
  compareWith,
  type Proposal,
  proposeIds,
  writeAgentYaml,
  writeDevice,
} from "../core/proposal.ts";
import {
  addressesOf,
  compareAddresses,
  parseSubnet,
  plainestAddress,
  SUBNET_LIMITS,
  type Subnet,
} from "../core/subnet.ts";
import { type Credential, loadCredentials, PUBLIC } from "../discover/credentials.ts";
import { type Identified, identify, ownMacs } from "../discover/identify.ts";
import { sweep } from "../discover/sweep.ts";
import type { SnmpConfig } from "../drivers/snmp/index.ts";
import { type AgentStatusFile, STATUS_FILE } from "../status-file.ts";
import { Progress } from "./progress.ts";
import { readConfig } from "./read-config.ts";
import type { Flags, Terminal } from "./terminal.ts";
import {
  durationBetween,
  isFree,
  optionValue,
  profilesOf,
  ratePerSecond,
  wholeNumber,
  writeOut,
} from "./written-option.ts";

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

type Plan = {
  readonly subnets: readonly Subnet[];
  readonly credentials: readonly Credential[];
  readonly port: number;
  readonly rate: number;
  readonly timeoutMs: number;
};

export async function discover(flags: Flags, terminal: Terminal): Promise<number> {
  const plan = planOf(flags, terminal);
  if (plan === null || !isFree(flags, terminal)) return EXIT.config;
  const config = flags.configNamed ? readConfig(flags, terminal) : null;
  if (flags.configNamed && config === null) return EXIT.config;
  const profiles = profilesOf(flags, terminal, config);
  if (profiles === null) return EXIT.config;

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
  if (answered.size === 0 && whole) terminal.error(NOBODY);
  for (const { address, who, inTime } of identified) {
    const why = inTime ? "none of the credentials opens it" : "there was no time to ask who it is";
    if (who === null) terminal.error(`${address} speaks SNMP, but ${why}\n`);
  }
  const looked = { subnets: plan.subnets, port: plan.port, whole, silent };
  const text =
    config === null
      ? proposal(found, { flags, silent })
      : difference(found, await compare(config, found, looked), { flags, config, silent });
  return writeOut(text, flags, terminal) ? EXIT.asked : EXIT.crashed;
}

/** Ends a part of the command at the next Ctrl-C. */
class Stopper {
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
function planOf(flags: Flags, terminal: Terminal): Plan | null {
  if (flags.subnets.length === 0) {
    terminal.error("discover needs --subnet, such as --subnet 10.42.0.0/24: it never looks around by itself\n");
    return null;
  }
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

type Named = { readonly ids: ReadonlyMap<string, string>; readonly proposals: readonly Proposal[] };

/** Ids and dependencies; a device that is configured already keeps its id, so that new ones can depend on it. */
function propose(
  found: readonly Identified[],
  configured: ReadonlyMap<string, string>,
  taken: ReadonlySet<string>,
): Named {
  const fresh = found.filter((one) => !configured.has(one.found.address)).map((one) => one.found);
  // Of all, for a name that a configured device has as well is no name: whoever looks first or again proposes the same.
  const all = found.map((one) => one.found);
  const ids = new Map([...proposeIds(all, taken), ...configured]);
  const seen = found.map(({ found: device, topology }) => ({
    ...device,
    ...topology,
    id: ids.get(device.address) ?? "",
  }));
  const behind = dependenciesOf(seen, ownMacs());
  const proposals = fresh.map((device) => {
    const id = ids.get(device.address) ?? "";
    return { ...device, id, behind: behind.get(id) ?? null };
  });
  return { ids, proposals };
}

function proposal(
  found: readonly Identified[],
  { flags, silent }: { flags: Flags; silent: readonly string[] },
): string {
  const { proposals } = propose(found, new Map(), new Set());
  if (flags.json) return json({ devices: proposals.map(shown), silent });
  const origin = `aislewatch-agent discover ${flags.subnets.map((subnet) => `--subnet ${subnet}`).join(" ")}`;
  const { profiles: own, out } = flags.written;
  const profiles = own === undefined ? null : relative(out === undefined ? "." : dirname(out), own) || ".";
  const agent = hostname()
    .toLowerCase()
    .replace(/\..*$/, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return writeAgentYaml(proposals, { site: "my-store", agent: agent.slice(0, 48) || "pc", origin, profiles });
}

async function compare(
  config: AgentConfig,
  found: readonly Identified[],
  looked: Parameters<typeof compareWith>[2],
): Promise<Comparison> {
  return compareWith(
    await configuredOf(config),
    found.map((one) => one.found),
    looked,
  );
}

/** What the configuration has of SNMP, with what the agent last saw there. */
async function configuredOf(config: AgentConfig): Promise<Configured[]> {
  const states = lastSeen(config);
  const devices = config.devices.filter(({ driver }) => driver.name === "snmp");
  return Promise.all(
    devices.map(async ({ id, kind, driverConfig }) => {
      // The driver's own schema made it.
      const { address, profile: pinned } = driverConfig as SnmpConfig;
      const resolved = await lookup(address.host, { all: true }).catch(() => []);
      const addresses = [...new Set([address.host, ...resolved.map((one) => one.address)].map(plainestAddress))];
      const seen = states.get(id);
      return {
        id,
        kind,
        addresses,
        port: address.port,
        profile: pinned ?? seen?.profile ?? null,
        asset: seen?.asset ?? null,
      };
    }),
  );
}

type LastSeen = Pick<AgentStatusFile["devices"][number], "asset" | "profile">;

function lastSeen({ dataFolder }: AgentConfig): ReadonlyMap<string, LastSeen> {
  try {
    // Our own program wrote it, whole: see StatusFile.
    const seen = JSON.parse(readFileSync(join(dataFolder, STATUS_FILE), "utf8")) as AgentStatusFile;
    return new Map(seen.devices.map(({ id, asset, profile }) => [id, { asset, profile }]));
  } catch {
    // An agent that has not run yet has seen nothing: what the configuration says is compared alone.
    return new Map();
  }
}

function difference(
  found: readonly Identified[],
  { fresh, known, gone, changed, moved, same }: Comparison,
  { flags, config, silent }: { flags: Flags; config: AgentConfig; silent: readonly string[] },
): string {
  const configured = new Map(known.map(({ id, address }) => [address, id]));
  const { proposals } = propose(found, configured, new Set(config.devices.map(({ id }) => id)));
  if (flags.json) {
    return json({
      new: proposals.map(shown),
      gone: gone.map(({ id, addresses }) => ({ id, addresses })),
      changed,
      moved,
      same,
      silent,
    });
  }
  const lines = [
    `# Beside ${flags.config}: ${fresh.length} new, ${gone.length} gone, ${changed.length} changed, ${same} as before.`,
    ...gone.map(({ id, addresses }) => `# gone: ${id} at ${addresses[0] ?? ""}`),
    ...moved.map(({ id, from, to }) => `# moved: ${id} from ${from} to ${to}`),
    ...changed.map(({ id, address, was, is }) => `# changed: ${id} at ${address} was ${was}, is ${is}`),
    ...(proposals.length === 0 ? [] : ["devices:", ...proposals.map((device) => writeDevice(device))]),
  ];
  return `${lines.join("\n")}\n`;
}

function shown({ keys: _, behind, ...device }: Proposal): object {
  return { ...device, depends_on: behind === null ? [] : [behind.on], port_at_switch: behind?.port ?? null };
}

const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;
const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
