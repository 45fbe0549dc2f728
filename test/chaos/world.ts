/**
 * The world of a run: real agents and a real collector as processes, devices whose every value is known, a wire of our
 * own to each agent, and where it can be had a small disk and a clock that can be set. Everything that a run needs to
 * know afterwards is written down here while it happens.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { decodeTelemetry, type Lane, rowsOf, type Telemetry, WIRE_VERSION } from "@aislewatch/contract";
import { BodyCodec, textOrNull } from "../../agent/outbox-codec.ts";
import { LANE_NUMBER } from "../../agent/outbox-thinning.ts";
import { type BrokenWire, startBrokenWire } from "../rig/broken-wire.ts";
import { type FakedClock, fakedClock } from "../rig/faked-clock.ts";
import { type CollectorRig, onCleanUp, type Program, startCollector, startProgram, tempFolder } from "../rig/rig.ts";
import { mountSmallDisk, type SmallDisk } from "../rig/small-disk.ts";
import type { ActKind } from "./plan.ts";
import { STORY_MAP, STORY_RULES, type StoryDevice, startStory } from "./story.ts";

export const SITE = "store-1";

export type SentPoll = { readonly device: string; readonly serial: number | null; readonly at: number };

/** A batch as the agent sent it first; the same name must always mean the same. */
export type SentBatch = {
  readonly epoch: string;
  readonly lane: Lane;
  readonly seq: number;
  /** Its readings; `at` is the agent's time. A reading that was thinned has lost its number. */
  readonly polls: readonly SentPoll[];
  /** When it was sent first and last, Unix ms. */
  readonly firstSentAt: number;
  readonly sentAt: number;
  readonly isDropReport: boolean;
  /** Null when its number may be given anew: the outbox file is an old copy. */
  readonly sum: number | null;
};

/** A poll whose word lay in an outbox file when that was damaged: of which batch, and what it was about. */
export type InDamagedFile = {
  readonly agent: number;
  readonly epoch: string;
  readonly lane: Lane;
  readonly seq: number;
  readonly device: string;
  /** Null of a poll that failed, and of a reading that had lost its numbers. */
  readonly serial: number | null;
  /** The file was an older copy afterwards, or became one later: its numbers are given anew. */
  isRenumbered: boolean;
};

/** What a reading may have been lost to, that was served between two times (Unix ms) and never written down. */
export type LossWindow = { readonly agent: number; readonly from: number; readonly to: number; readonly why: string };

export type AgentOf = {
  readonly number: number;
  readonly name: string;
  readonly config: string;
  readonly dataFolder: string;
  readonly wire: BrokenWire;
  readonly disk: SmallDisk | null;
  readonly clock: FakedClock | null;
  readonly devices: readonly StoryDevice[];
  /** By `epoch/lane/seq`. */
  readonly sent: Map<string, SentBatch>;
  /** Polls that the agent says it got no reading of, in its own time. */
  readonly failures: { readonly device: string; readonly at: number; readonly detail: string }[];
  program: Program | null;
};

export type World = {
  readonly collector: CollectorRig;
  readonly collectorDisk: SmallDisk | null;
  readonly agents: readonly AgentOf[];
  readonly devices: readonly StoryDevice[];
  /** Acts that can't happen here, and why. */
  readonly impossible: ReadonlyMap<ActKind, string>;
  /** What went wrong beyond doubt while the run went on. */
  readonly violations: string[];
  readonly losses: LossWindow[];
  /** When what was done to whom, Unix ms; to all when no agent is named. */
  readonly disturbances: { readonly agent: number | null; readonly from: number; readonly to: number }[];
  /** Which agent's clock was set when, Unix ms, and by how much. */
  readonly clockSets: { readonly agent: number; readonly from: number; readonly to: number; readonly byMs: number }[];
  /** When which agent could not write, Unix ms. */
  readonly fullDisks: { readonly agent: number; readonly from: number; readonly to: number }[];
  /** By device and poll: what lay in an outbox when its file was damaged. */
  readonly damaged: Map<string, InDamagedFile>;
  /** The same of polls that had failed. */
  readonly damagedFailures: InDamagedFile[];
  /** Memory of each program, the most that was seen, in bytes. */
  readonly memoryPeaks: Map<string, number>;
  polls(): number;
  startAgent(agent: AgentOf): Promise<void>;
  killAgent(agent: AgentOf): Promise<void>;
  /** SIGTERM; it must end with 0. */
  stopAgent(agent: AgentOf): Promise<void>;
  startCollector(): Promise<void>;
  killCollector(): Promise<void>;
  stopCollector(): Promise<void>;
  /** Batches in the outbox of an agent that is down. */
  outboxOf(agent: AgentOf): readonly Telemetry[];
};

export type WorldOptions = {
  readonly seed: number;
  readonly agents: number;
  readonly devicesPerAgent: number;
  readonly everyMs: number;
  readonly kinds: readonly ActKind[];
  readonly random: () => number;
};

/** An outbox with its log and its reserve, and little beyond. */
const AGENT_DISK_BYTES = 12 * 2 ** 20;
const COLLECTOR_DISK_BYTES = 96 * 2 ** 20;
/** A commit waits 200 ms for company and a poll takes a few; the rest is for a machine that is busy. */
const UNWRITTEN_MS = 1_500;
/** Between a device's answer and the agent's ear. */
const UNHEARD_MS = 100;
/** From the signal to the new devices, on a machine that is busy. */
const RELOAD_MS = 1_000;
const MEMORY_EVERY_MS = 500;
/** What must never stand in a program's log. */
const CRASHES = /unhandled|uncaught|driver_failed|a bug:|TypeError|ReferenceError|RangeError/i;

export async function startWorld(options: WorldOptions): Promise<World> {
  const { kinds } = options;
  const wants = (...some: ActKind[]): boolean => some.some((kind) => kinds.includes(kind));
  const impossible = new Map<ActKind, string>();
  const collectorDisk = wants("fill-collector-disk") ? mountSmallDisk(COLLECTOR_DISK_BYTES) : null;
  if (wants("fill-collector-disk") && collectorDisk === null)
    impossible.set("fill-collector-disk", "no right to mount a small disk");
  const collector = await startCollector({
    rules: STORY_RULES,
    ...(collectorDisk !== null && { data: join(collectorDisk.folder, "data") }),
  });
  let polls = 0;
  const agents: AgentOf[] = [];
  for (let number = 0; number < options.agents; number++) {
    agents.push(await prepareAgent({ ...options, number, collector, wants, impossible, onPoll: () => polls++ }));
  }
  const world = operate({ collector, collectorDisk, agents, impossible, polls: () => polls });
  await Promise.all(agents.map((agent) => world.startAgent(agent)));
  return world;
}

type Preparation = WorldOptions & {
  readonly number: number;
  readonly collector: CollectorRig;
  readonly wants: (...some: ActKind[]) => boolean;
  readonly impossible: Map<ActKind, string>;
  readonly onPoll: () => void;
};

async function prepareAgent(options: Preparation): Promise<AgentOf> {
  const { number, collector, wants, impossible, random } = options;
  const name = `${SITE}/pc-${number}`;
  const folder = tempFolder();
  const disk = wants("fill-agent-disk", "read-only") ? mountSmallDisk(AGENT_DISK_BYTES) : null;
  if (disk === null)
    for (const kind of ["fill-agent-disk", "read-only"] as const)
      if (wants(kind)) impossible.set(kind, "no right to mount a small disk");
  const clock = wants("clock") ? fakedClock() : null;
  if (wants("clock") && clock === null) impossible.set("clock", "libfaketime is not installed");
  const { hostname, port } = new URL(collector.mqtt);
  const wire = await startBrokenWire({ host: hostname, port: Number(port) }, random);
  const devices: StoryDevice[] = [];
  for (let n = 0; n < options.devicesPerAgent; n++) {
    const id = `pc-${number}/zone-${n}`;
    const count = number * options.devicesPerAgent + n;
    devices.push(await startStory(options.seed, { id, agent: number, number: count, onPoll: options.onPoll }));
  }
  const dataFolder = join(disk?.folder ?? folder, "data");
  const config = join(folder, "agent.yaml");
  mkdirSync(join(folder, "maps"));
  writeFileSync(join(folder, "maps/story.yaml"), STORY_MAP);
  const password = await collector.addAgent(name);
  writeFileSync(
    config,
    [
      ...[`site: ${SITE}`, `agent: pc-${number}`, `data: ${JSON.stringify(dataFolder)}`, "profiles: ./maps"],
      `collector: { url: "mqtt://127.0.0.1:${wire.port}", password: "file:${password}" }`,
      "devices:",
      ...devices.map((device) => deviceLine(device, options.everyMs)),
      "",
    ].join("\n"),
  );
  const agent = { number, name, config, dataFolder, wire, disk, clock, devices, program: null };
  return { ...agent, sent: new Map(), failures: [] };
}

/** No retries: each poll is one request, so that each answer is one reading. */
const deviceLine = ({ id, port }: StoryDevice, everyMs: number): string =>
  `  - { id: ${id}, kind: conveyor, driver: modbus, map: story, line: { tcp: "127.0.0.1:${port}" }, every: ${everyMs}ms, retries: 0, request_timeout: 4s }`;

/** The devices are asked no more than this often while everything comes to rest. */
export const REST_MS = 3_600_000;

/** From now on the agent polls next to nothing: SIGHUP, and the same devices once an hour. */
export function bringToRest({ losses }: World, { number, config, program }: AgentOf): void {
  // A reload ends the polls of devices that changed: the device has answered, and nobody listened.
  losses.push({ agent: number, from: Date.now() - UNHEARD_MS, to: Date.now() + RELOAD_MS, why: "reloaded" });
  const before = readFileSync(config, "utf8");
  writeFileSync(config, before.replaceAll(/every: \d+ms/g, `every: ${REST_MS}ms`));
  if (program !== null) process.kill(program.pid, "SIGHUP");
}

function operate(parts: Pick<World, "collector" | "collectorDisk" | "agents" | "impossible" | "polls">): World {
  const { collector, agents } = parts;
  const violations: string[] = [];
  const losses: LossWindow[] = [];
  const memoryPeaks = new Map<string, number>();
  let collectorUp: Program | null = null;
  const expected = new WeakSet<Program>();

  /** Nobody ends by itself. */
  function watch(name: string, program: Program): void {
    void program.exited.then((code) => {
      const crash = program
        .output()
        .split("\n")
        .find((line) => CRASHES.test(line));
      if (crash !== undefined) violations.push(`${name} logged: ${crash.slice(0, 500)}`);
      if (expected.has(program)) return;
      violations.push(`${name} ended by itself with ${code}:\n${program.output().slice(-2_000)}`);
    });
  }
  const lost = (agent: number, from: number, to: number, why: string): void =>
    void losses.push({ agent, from, to, why });

  for (const agent of agents) agent.wire.onTelemetry((payload) => note(agent, payload, violations));
  collectorUp = collector.program;
  watch("collector", collectorUp);

  const timer = setInterval(() => {
    for (const [name, program] of [
      ["collector", collectorUp] as const,
      ...agents.map((agent) => [agent.name, agent.program] as const),
    ]) {
      if (program !== null) memoryPeaks.set(name, Math.max(memoryPeaks.get(name) ?? 0, residentBytes(program.pid)));
    }
  }, MEMORY_EVERY_MS);
  onCleanUp(() => clearInterval(timer));

  return {
    ...parts,
    devices: agents.flatMap(({ devices }) => devices),
    ...{ violations, losses, memoryPeaks, fullDisks: [], disturbances: [], clockSets: [] },
    ...{ damaged: new Map<string, InDamagedFile>(), damagedFailures: [] },
    async startAgent(agent) {
      const program = await startProgram("agent/main.ts", ["run", "--config", agent.config, "--log-format", "text"], {
        ...(agent.clock !== null && { env: { ...agent.clock.env } }),
      });
      agent.program = program;
      watch(agent.name, program);
    },
    async killAgent(agent) {
      const { program } = agent;
      if (program === null) return;
      expected.add(program);
      agent.program = null;
      const at = Date.now();
      await program.kill();
      lost(agent.number, at - UNWRITTEN_MS, Date.now(), "killed");
    },
    async stopAgent(agent) {
      const { program } = agent;
      if (program === null) return;
      expected.add(program);
      agent.program = null;
      const at = Date.now();
      const code = await program.stop();
      // A poll that was under way is ended: its device has answered, and nobody listened.
      lost(agent.number, at - UNHEARD_MS, Date.now(), "stopped");
      if (code !== 0)
        violations.push(`${agent.name} ended with ${code} after SIGTERM:\n${program.output().slice(-2_000)}`);
    },
    async startCollector() {
      await collector.restart();
      collectorUp = collector.program;
      watch("collector", collectorUp);
    },
    async killCollector() {
      if (collectorUp === null) return;
      expected.add(collectorUp);
      const program = collectorUp;
      collectorUp = null;
      await program.kill();
    },
    async stopCollector() {
      if (collectorUp === null) return;
      const program = collectorUp;
      expected.add(program);
      collectorUp = null;
      const code = await program.stop();
      if (code !== 0)
        violations.push(`the collector ended with ${code} after SIGTERM:\n${program.output().slice(-2_000)}`);
    },
    outboxOf: readOutbox,
  };
}

/** Writes down what a batch brought, and that it is the same each time it is sent. */
function note({ sent, name, failures }: AgentOf, payload: Buffer, violations: string[]): void {
  const decoded = decodeTelemetry(payload);
  if (!decoded.ok) {
    violations.push(`${name} sent what can't be read: ${decoded.error.detail}`);
    return;
  }
  const { epoch, lane, seq, dropped = [] } = decoded.value;
  const key = `${epoch}/${lane}/${seq}`;
  const text = payload.toString("utf8");
  const before = sent.get(key);
  const sentAt = Date.now();
  const batch: SentBatch = {
    ...{ epoch, lane, seq },
    polls: pollsOf(decoded.value),
    ...{ sentAt, firstSentAt: before?.firstSentAt ?? sentAt },
    isDropReport: dropped.length > 0,
    sum: crc32(text.slice(text.indexOf(',"base":'))),
  };
  if (before === undefined)
    for (const { device, at, detail } of decoded.value.failures ?? []) failures.push({ device, at, detail });
  sent.set(key, batch);
  const isKnown = before !== undefined && before.sum !== null;
  if (isKnown && before.sum !== batch.sum && !batch.isDropReport)
    violations.push(`${name} sent batch ${key} again with another content`);
}

/** The polls whose readings are in a message. */
export function pollsOf(message: Telemetry): SentPoll[] {
  return [...rowsOf(message)].flatMap(({ subject, metrics, at }) => {
    const serial = metrics["items_total"];
    return metrics["tripped"] === undefined
      ? []
      : [{ device: subject, serial: typeof serial === "number" ? serial : null, at }];
  });
}

/**
 * Writes down what lies in a file that is about to be damaged: readings, and also that a poll failed. Its device may have
 * answered all the same, too late, and then this was the only word of it.
 */
export function noteInFile(
  { damaged, damagedFailures }: Pick<World, "damaged" | "damagedFailures">,
  { number, failures }: Pick<AgentOf, "number" | "failures">,
  messages: readonly Telemetry[],
): void {
  for (const message of messages) {
    const { epoch, lane, seq } = message;
    const batch = { agent: number, epoch, lane, seq, isRenumbered: false };
    for (const { device, serial } of pollsOf(message)) {
      if (serial !== null) damaged.set(pollKey(device, serial), { ...batch, device, serial });
    }
    for (const { device, at, detail } of message.failures ?? []) {
      damagedFailures.push({ ...batch, device, serial: null });
      const isTold = failures.some((one) => one.device === device && one.at === at);
      if (!isTold) failures.push({ device, at, detail });
    }
  }
}

export const pollKey = (device: string, serial: number): string => `${device} ${serial}`;

/** Of a copy: opening the file itself would already mend it. */
function readOutbox({ dataFolder }: AgentOf): Telemetry[] {
  const file = join(dataFolder, "outbox.db");
  if (!existsSync(file)) return [];
  const copy = join(tempFolder(), "outbox.db");
  for (const suffix of ["", "-wal"]) if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
  const db = new DatabaseSync(copy);
  try {
    const codec = new BodyCodec(db);
    const epoch = String(db.prepare("SELECT value FROM meta WHERE key = 'epoch'").get()?.["value"]);
    return db
      .prepare("SELECT lane, seq, body, packed, dictionary FROM batch ORDER BY id")
      .all()
      .flatMap(({ lane, seq, ...row }) => {
        const body = textOrNull(codec, row);
        const header = { epoch, lane: lane === LANE_NUMBER.live ? "live" : "history", seq, sentAt: 1_700_000_000_000 };
        const text = `${JSON.stringify({ v: WIRE_VERSION, ...header }).slice(0, -1)},${body}`;
        const decoded = decodeTelemetry(Buffer.from(text));
        return decoded.ok ? [decoded.value] : [];
      });
  } finally {
    db.close();
  }
}

function residentBytes(pid: number): number {
  try {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(line?.[1] ?? 0) * 1_024;
  } catch {
    return 0;
  }
}

export const collectorFolder = ({ collector, collectorDisk }: World): string =>
  collectorDisk === null ? join(dirname(collector.config), "data") : join(collectorDisk.folder, "data");
