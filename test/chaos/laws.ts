/**
 * What must hold after a run, whatever happened in it. Everything is compared with what the devices really said
 * (story.ts) and with what the wires saw; nothing is taken on the word of the programs under test but their ledger,
 * which is itself one of the things that are checked.
 */
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { tempFolder } from "../rig/rig.ts";
import { viewSamples } from "../rig/stored-samples.ts";
import { checkOf, STORY_RULES, type StoryDevice } from "./story.ts";
import { type Episode, type Poll, rulesOf, undisturbed } from "./undisturbed.ts";
import { type AgentOf, collectorFolder, pollKey, REST_MS, type SentBatch, SITE, type World } from "./world.ts";

export type Verdict = { readonly law: string; readonly found: string; readonly broken: readonly string[] };

type AuditLane = {
  agent: string;
  epoch: string;
  lane: string;
  seq: number;
  batches: number;
  late: number;
  repeats: number;
  thinnedBatches: number;
  thinnedSamples: number;
  lostBatches: number;
  owed: number;
  queued: number;
  missing: number;
  isBalanced: boolean;
  isCurrent: boolean;
};
export type Audit = {
  unexplained: number;
  lanes: AuditLane[];
  missing: { agent: string; epoch: string; lane: string; fromSeq: number; toSeq: number; cause: string }[];
  thinned: {
    agent: string;
    epoch: string;
    lane: string;
    fromSeq: number;
    toSeq: number;
    fromAt: number;
    toAt: number;
    samples: number;
    reason: string;
  }[];
};

type IncidentEvent = {
  type: string;
  at: number;
  detail: { onset?: number; was?: number; late?: boolean; retroactive?: boolean };
};
type ApiIncident = { id: string; rule: string; subject: { device: string | null } };
/** An incident with its log. */
export type Told = { readonly incident: ApiIncident; readonly events: readonly IncidentEvent[] };

/** `up`, how long the poll took, and the story's own four. */
const SAMPLES_A_POLL_MIN = 6;
const BROKEN_SHOWN_MAX = 10;
/** Ten times what these programs hold after hours of the same load. */
const AGENT_MEMORY_MAX = 256 * 2 ** 20;
const COLLECTOR_MEMORY_MAX = 1_024 * 2 ** 20;

type Stored = { readonly serial: number; readonly at: number };
/** Of one device, in the order of its polls. */
export type StoredPolls = ReadonlyMap<string, readonly Stored[]>;

type SampleRow = { device: string; metric: string; at: number; value: number };

/** Read from a copy of the store's file, after the collector has ended. */
export async function readStored(world: World): Promise<SampleRow[]> {
  const file = join(collectorFolder(world), "timeseries.duckdb");
  const copy = join(tempFolder(), "timeseries.duckdb");
  for (const suffix of ["", ".wal"]) if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
  const instance = await DuckDBInstance.create(copy);
  const connection = await instance.connect();
  await viewSamples(connection, join(collectorFolder(world), "timeseries"));
  const rows = await connection.runAndReadAll(
    `SELECT s.device, s.metric, p.at_ms::DOUBLE AS at, p.value FROM samples p JOIN series s ON s.id = p.series
     WHERE s.metric IN ('items_total', 'fault_number', 'tripped', 'guard_open') ORDER BY p.at_ms`,
  );
  const found = rows.getRowObjectsJS().map(({ device, metric, at, value }) => ({
    ...{ device: String(device), metric: String(metric) },
    ...{ at: Number(at), value: Number(value) },
  }));
  connection.closeSync();
  instance.closeSync();
  return found;
}

export function storedPolls(rows: readonly SampleRow[]): StoredPolls {
  const polls = new Map<string, Stored[]>();
  for (const { device, metric, at, value } of rows) {
    if (metric !== "items_total") continue;
    const list = polls.get(device) ?? [];
    polls.set(device, list);
    list.push({ serial: value, at });
  }
  for (const list of polls.values()) list.sort((a, b) => a.serial - b.serial);
  return polls;
}

const law = (name: string, found: string, broken: readonly string[]): Verdict => ({ law: name, found, broken });

export function shown({ law: name, found, broken }: Verdict): string {
  const more = broken.length > BROKEN_SHOWN_MAX ? [`… and ${broken.length - BROKEN_SHOWN_MAX} more`] : [];
  return [
    `${broken.length === 0 ? "holds " : "BROKEN"}  ${name}: ${found}`,
    ...[...broken.slice(0, BROKEN_SHOWN_MAX), ...more].map((line) => `          ${line}`),
  ].join("\n");
}

export function nobodyFell(world: World): Verdict {
  return law("no program ends by itself, none logs a bug", "exits and logs watched", world.violations);
}

export function memoryIsBounded({ memoryPeaks }: World): Verdict {
  const found = [...memoryPeaks].map(([name, bytes]) => `${name} ${Math.round(bytes / 2 ** 20)} MiB`).join(", ");
  const over = [...memoryPeaks].filter(
    ([name, bytes]) => bytes > (name === "collector" ? COLLECTOR_MEMORY_MAX : AGENT_MEMORY_MAX),
  );
  return law(
    "memory is bounded",
    `most was ${found}`,
    over.map(([name]) => `${name} grew beyond its bound`),
  );
}

/** The ledger's own account, and that what it calls missing was in a damaged outbox or in the memory of an agent that was killed. */
export function ledgerBalances(
  world: World,
  { lanes, missing, thinned }: Audit,
  damagedAgents: ReadonlySet<string>,
): Verdict {
  const mayLose = losers(world, damagedAgents);
  const sum = (of: (lane: AuditLane) => number): number => lanes.reduce((total, lane) => total + of(lane), 0);
  const found = [
    `${lanes.length} lanes`,
    `${sum(({ batches }) => batches)} batches stored (${sum(({ late }) => late)} late)`,
    `${sum(({ repeats }) => repeats)} repeats dropped`,
    `${sum(({ thinnedBatches }) => thinnedBatches)} thinned`,
    `${sum(({ missing: count }) => count)} missing`,
  ].join(", ");
  return law("the ledger balances", `${found}; ${thinned.length} reports of thinning`, [
    ...lanes
      .filter(({ isBalanced, owed, queued }) => !isBalanced || owed !== 0 || queued !== 0)
      .map((lane) => `does not add up: ${JSON.stringify(lane)}`),
    ...lanes
      .filter((lane) => lane.thinnedBatches < 0 || lane.thinnedBatches > reportedBatches(lane, thinned))
      .map((lane) => `thinned without a report: ${JSON.stringify(lane)}`),
    ...missing
      .filter(({ agent, cause }) => cause !== "lost_with_outbox" || !mayLose.has(agent))
      .map((span) => `missing without a reason: ${JSON.stringify(span)}`),
  ]);
}

/** How many batches the agent said that it had thinned; a later report takes in what earlier ones told. */
function reportedBatches({ agent, epoch, lane }: AuditLane, thinned: Audit["thinned"]): number {
  const seqs = new Set<number>();
  for (const span of thinned) {
    if (span.agent !== agent || span.epoch !== epoch || span.lane !== lane) continue;
    for (let seq = span.fromSeq; seq <= span.toSeq; seq++) seqs.add(seq);
  }
  return seqs.size;
}

/** What is known of polls, and of what they may have been lost to. */
type LossesOf = Pick<World, "losses" | "damaged" | "fullDisks" | "clockSets"> & {
  readonly agents: readonly Pick<AgentOf, "failures" | "sent">[];
  readonly devices: readonly Pick<StoryDevice, "id" | "agent" | "servedAt">[];
};

/** Every poll that a device answered is stored once, or it is known what it was lost to. */
export function eachReadingOnce(world: LossesOf, stored: StoredPolls, audit: Pick<Audit, "thinned">): Verdict {
  const broken: string[] = [];
  let polls = 0;
  let unwritten = 0;
  let damaged = 0;
  let inMemory = 0;
  let failed = 0;
  const explained = new WeakSet<object>();
  const thinnedAt = new Map<number, number>();
  for (const device of world.devices) {
    const list = stored.get(device.id) ?? [];
    polls += list.length;
    const serials = new Set<number>();
    for (const { serial } of list) {
      if (serials.has(serial)) broken.push(`${device.id}: poll ${serial} is stored more than once`);
      if (serial < 1 || serial > device.servedAt.length)
        broken.push(`${device.id}: poll ${serial} never was, and is stored`);
      serials.add(serial);
    }
    for (const [index, at] of device.servedAt.entries()) {
      const serial = index + 1;
      if (serials.has(serial)) continue;
      const why = whyLost(world, device, { serial, at }, { audit, explained });
      if (why === "killed") unwritten++;
      else if (why === "in memory") inMemory++;
      else if (why === "damaged") damaged++;
      else if (why === "failed") failed++;
      else if (why === "thinned") thinnedAt.set(device.agent, (thinnedAt.get(device.agent) ?? 0) + 1);
      else
        broken.push(
          `${device.id}: poll ${serial} of ${new Date(at).toISOString()} is lost (${whereSent(world, device, serial)})`,
        );
    }
  }
  let thinned = 0;
  for (const [number, count] of thinnedAt) {
    thinned += count;
    const told = audit.thinned
      .filter(({ agent }) => agent === `pc-${number}`)
      .reduce((sum, { samples }) => sum + samples, 0);
    if (told < count * SAMPLES_A_POLL_MIN)
      broken.push(`pc-${number}: ${count} readings were thinned, and only ${told} samples are told of`);
  }
  const answered = world.devices.reduce((sum, { servedAt }) => sum + servedAt.length, 0);
  return law(
    "every reading once",
    `${answered} polls answered, ${polls} stored; ${unwritten} not yet written at a kill, ${failed} polls failed and said so, ${inMemory} in the memory of an agent killed while its disk took nothing, ${damaged} in damaged files, ${thinned} thinned and told`,
    broken,
  );
}

/**
 * What a damaged file held is stored, or the ledger names its batch: as missing, or as damaged. Where nothing could be
 * read of a file, not even its epoch, the ledger says so, and can't say more. Left out is what an agent whose file became
 * an older copy held before: it gives those numbers anew, and nobody can know what they meant.
 */
export function everyLossIsNamed(
  { damaged, damagedFailures }: Pick<World, "damaged" | "damagedFailures">,
  stored: StoredPolls,
  { missing, thinned }: Pick<Audit, "missing" | "thinned">,
): Verdict {
  const broken: string[] = [];
  const sums = { saved: 0, missing: 0, thinned: 0, unreadable: 0, leftOut: 0 };
  const serials = new Map([...stored].map(([device, polls]) => [device, new Set(polls.map(({ serial }) => serial))]));
  for (const one of [...damaged.values(), ...damagedFailures]) {
    const { agent, epoch, lane, seq, device, serial } = one;
    const isOf = (span: { agent: string; epoch: string; lane: string; fromSeq: number; toSeq: number }): boolean =>
      span.agent === `pc-${agent}` &&
      span.epoch === epoch &&
      span.lane === lane &&
      span.fromSeq <= seq &&
      seq <= span.toSeq;
    if (serial !== null && serials.get(device)?.has(serial) === true) sums.saved++;
    else if (missing.some(isOf)) sums.missing++;
    else if (thinned.some(isOf)) sums.thinned++;
    else if (one.isRenumbered) sums.leftOut++;
    else if (missing.some((span) => span.agent === `pc-${agent}` && span.epoch.startsWith("unreadable-")))
      sums.unreadable++;
    else if (serial !== null)
      broken.push(
        `${device}: poll ${serial} was in a damaged file as ${epoch}/${lane}/${seq}, which the ledger does not name`,
      );
  }
  const found = `${damaged.size} readings and ${damagedFailures.length} failed polls lay in damaged files: ${sums.saved} readings stored all the same, ${sums.missing} named as missing, ${sums.thinned} as damaged, ${sums.unreadable} in files of which nothing could be read, ${sums.leftOut} in older copies`;
  return law("what a damaged file took along is named", found, broken);
}

type Why = "killed" | "in memory" | "damaged" | "thinned" | "failed" | null;

function whyLost(
  { losses, damaged, fullDisks, clockSets, agents }: LossesOf,
  { id, agent }: Pick<StoryDevice, "id" | "agent">,
  { serial, at }: Stored,
  { audit, explained }: { audit: Pick<Audit, "thinned">; explained: WeakSet<object> },
): Why {
  if (damaged.has(pollKey(id, serial))) return "damaged";
  if (losses.some((loss) => loss.agent === agent && loss.from <= at && at <= loss.to)) return "killed";
  const isThinned = audit.thinned.some(
    ({ agent: name, fromAt, toAt }) => name === `pc-${agent}` && fromAt - MOMENT_MS <= at && at <= toAt + MOMENT_MS,
  );
  if (isThinned) return "thinned";
  const { failures = [] } = agents[agent] ?? {};
  // They are told in the agent's own time.
  const ahead = clockSets
    .filter((set) => set.agent === agent && set.from - FAILED_MS <= at && at <= set.to + FAILED_MS)
    .map(({ byMs }) => byMs);
  const failure = failures.find(
    (one) =>
      one.device === id && [0, ...ahead].some((ms) => Math.abs(one.at - ms - at) <= FAILED_MS) && !explained.has(one),
  );
  if (failure !== undefined) {
    // Each failure is about one poll.
    explained.add(failure);
    return "failed";
  }
  if (inMemoryAt(fullDisks, losses, agent).some(({ from, to }) => from <= at && at <= to)) return "in memory";
  return null;
}

/** When an agent kept in memory what its disk did not take, and was killed before the disk had it. */
function inMemoryAt(fullDisks: World["fullDisks"], losses: World["losses"], agent: number) {
  const times: { from: number; to: number }[] = [];
  for (const disk of fullDisks.filter((one) => one.agent === agent).sort((a, b) => a.from - b.from)) {
    const [from, to] = [disk.from - MOMENT_MS, disk.to + MENDED_MS];
    const last = times.at(-1);
    // A disk that fails again before the memory is served goes on with the same memory.
    if (last !== undefined && from <= last.to + SERVED_MS) last.to = Math.max(last.to, to);
    else times.push({ from, to });
  }
  return times.filter(({ from, to }) =>
    losses.some((loss) => loss.agent === agent && from <= loss.to && loss.from <= to + SERVED_MS),
  );
}

/** Agents that lost what they had told of: with a damaged file, or with their memory. */
function losers({ fullDisks, losses, agents }: World, damagedAgents: ReadonlySet<string>): ReadonlySet<string> {
  const forgetful = agents.filter(({ number }) => inMemoryAt(fullDisks, losses, number).length > 0);
  return new Set([...damagedAgents, ...forgetful.map(({ number }) => `pc-${number}`)]);
}

/** A poll that fails does so within the time that a request gets, before or after the device's late answer. */
const FAILED_MS = 5_000;
/** Devices are asked every 250 ms. */
const GAP_MS = 700;
/** Around a fault, within which nothing may happen for its times to be exact. */
const CALM_MS = 1_000;
/** What may be meant when a fault is missing. */
const NEAR_MS = 40_000;
/** Of the rule guard-open. */
const FOR_MS = 1_000;
/** On a slow wire, and until it is judged. */
const WIRE_MS = 3_000;
/** A file that failed is tried again every ten seconds, and what went to memory meanwhile is served until it is empty. */
const MENDED_MS = 12_000;
const SERVED_MS = 30_000;
/** Between the device's answer and the time of the reading; and until a commit is tried again. */
const MOMENT_MS = 2_000;

function whereSent(
  { agents }: Pick<LossesOf, "agents">,
  { id, agent }: Pick<StoryDevice, "id" | "agent">,
  serial: number,
): string {
  for (const [key, { polls }] of agents[agent]?.sent ?? []) {
    if (polls.some((poll) => poll.device === id && poll.serial === serial)) return `sent as ${key}`;
  }
  return "never sent";
}

/** What is stored of a poll is what the device said at it. */
export function valuesAreTrue({ devices }: World, rows: readonly SampleRow[], stored: StoredPolls): Verdict {
  const broken: string[] = [];
  const valuesAt = new Map<string, number[]>();
  for (const { device, metric, at, value } of rows) {
    const key = `${device} ${metric} ${at}`;
    valuesAt.set(key, [...(valuesAt.get(key) ?? []), value]);
  }
  for (const device of devices) {
    for (const { serial, at } of stored.get(device.id) ?? []) {
      const { tripped, guardOpen } = device.said(serial);
      const expected = { fault_number: checkOf(serial), tripped: Number(tripped), guard_open: Number(guardOpen) };
      for (const [metric, value] of Object.entries(expected)) {
        const found = valuesAt.get(`${device.id} ${metric} ${at}`) ?? [];
        if (!found.includes(value))
          broken.push(`${device.id}: ${metric} of poll ${serial} is ${found.join(", ")}, not ${value}`);
      }
    }
  }
  return law("values are as the device said them", `${rows.length} values compared`, broken);
}

export type IncidentOptions = {
  readonly everyMs: number;
  /** Judged late (history lane) too; otherwise only what came in the live lane counts. */
  readonly isLateJudged: boolean;
  /** Agents whose clocks were set: their times say nothing. */
  readonly clocksSet: ReadonlySet<number>;
};

/** The incidents are those of an undisturbed run of the same readings. */
export function incidentsAreTheSame(
  world: World,
  rows: readonly SampleRow[],
  told: readonly Told[],
  options: IncidentOptions,
): Verdict {
  const rules = rulesOf(STORY_RULES);
  const broken: string[] = [];
  const sums = { compared: 0, early: 0, mostOffMs: 0, history: 0, leftOut: 0, heard: 0 };
  for (const device of world.devices) {
    const agent = world.agents[device.agent];
    if (agent === undefined || options.clocksSet.has(device.agent)) {
      sums.leftOut++;
      continue;
    }
    const sent = sentTimes(agent, device.id);
    const all = readingsOf(rows, device.id);
    const late = options.isLateJudged ? [] : all.filter(({ at }) => sent.get(at)?.lane !== "live");
    const polls = all.filter((poll) => !late.includes(poll));
    // A fault into whose time history falls can't be the same to who has not judged that.
    const isWhole = ({ onset, end }: Episode): boolean =>
      !late.some(({ at }) => onset - CALM_MS <= at && at <= (end ?? Number.POSITIVE_INFINITY) + CALM_MS);
    const judged = undisturbed(rules, polls, { everyMs: options.everyMs, restMs: REST_MS });
    const expected = judged.filter(isWhole);
    const actual = toldEpisodes(told, device.id).filter(isWhole);
    sums.compared += expected.length;
    sums.history += judged.length - expected.length;
    const isCalm = (from: number, to: number): boolean => wasCalm({ world, device, sent }, from, to);
    const gone = sentAndGone(agent, device, new Set(all.map(({ at }) => at)));
    const heardPolls = [...polls, ...gone].sort((a, b) => a.at - b.at);
    const { differences, early, mostOffMs, heard } = compare({
      expected,
      actual,
      heard: {
        episodes:
          gone.length === 0 ? [] : undisturbed(rules, heardPolls, { everyMs: options.everyMs, restMs: REST_MS }),
        isNear: (one) => around(gone, one).length > 0,
      },
      toleranceOf: (one) =>
        isCalm(one.onset, one.end ?? one.onset) ? 0 : latenessMs(heardPolls, sent, one) + MOMENT_MS,
      isForeseen: (one) => !isCalm(one.onset, one.end ?? one.onset) && wasContradictedLate(polls, sent, one),
      cameAs: (one) => cameAs(polls, sent, one),
    });
    sums.early += early;
    sums.heard += heard;
    sums.mostOffMs = Math.max(sums.mostOffMs, mostOffMs);
    broken.push(...differences.map((text) => `${device.id}: ${text}`));
  }
  const lanes = options.isLateJudged ? "both lanes" : "what came live";
  const notes = [
    `${sums.compared} faults of ${lanes}`,
    ...(sums.early > 0 ? [`${sums.early} fired early on what was known`] : []),
    ...(sums.heard > 0 ? [`${sums.heard} by readings that were sent and are stored nowhere`] : []),
    ...(sums.mostOffMs > 0 ? [`times off by ${sums.mostOffMs} ms at most`] : []),
    ...(sums.history > 0 ? [`${sums.history} not, for history falls into them`] : []),
    ...(sums.leftOut > 0 ? [`${sums.leftOut} devices left out whose agent's clock was set`] : []),
  ];
  return law("incidents as in an undisturbed run", notes.join(", "), broken);
}

/** What was stored of the states of a device, in the order of its times. */
function readingsOf(rows: readonly SampleRow[], device: string): Poll[] {
  const polls = new Map<number, { tripped: boolean; guardOpen: boolean }>();
  for (const row of rows) {
    if (row.device !== device || !(row.metric === "tripped" || row.metric === "guard_open")) continue;
    const poll = polls.get(row.at) ?? { tripped: false, guardOpen: false };
    polls.set(row.at, poll);
    if (row.metric === "tripped") poll.tripped = row.value === 1;
    else poll.guardOpen = row.value === 1;
  }
  return [...polls].map(([at, states]) => ({ at, ...states })).sort((a, b) => a.at - b.at);
}

/** Readings that the wire saw, and no store has. */
function sentAndGone({ sent }: AgentOf, device: StoryDevice, stored: ReadonlySet<number>): Poll[] {
  const gone = new Map<number, Poll>();
  for (const { polls } of sent.values()) {
    for (const { device: id, serial, at } of polls) {
      if (id === device.id && serial !== null && !stored.has(at)) gone.set(at, { at, ...device.said(serial) });
    }
  }
  return [...gone.values()];
}

export type SentTimes = ReadonlyMap<number, Pick<SentBatch, "epoch" | "lane" | "seq" | "firstSentAt" | "sentAt">>;

/** By the time of a reading, how and when it was sent. */
function sentTimes({ sent }: AgentOf, device: string): SentTimes {
  const times = new Map<number, SentBatch>();
  for (const batch of sent.values())
    for (const poll of batch.polls) if (poll.device === device) times.set(poll.at, batch);
  return times;
}

/** How the readings of a fault came, from a poll before it to one after it; those that came alike on one line. */
function cameAs(polls: readonly Poll[], sent: SentTimes, { onset, end }: Episode): string[] {
  const to = (end ?? onset) + GAP_MS;
  const lines: { head: string; from: number; states: string }[] = [];
  for (const { at, tripped, guardOpen } of polls) {
    if (at < onset - GAP_MS || at > to) continue;
    const by = sent.get(at);
    const head =
      by === undefined
        ? "never seen on a wire"
        : `${by.lane} of ${by.epoch.slice(0, 4)}, first sent ${clockTime(by.firstSentAt)}, last ${clockTime(by.sentAt)}`;
    const state = `${tripped ? "T" : ""}${guardOpen ? "G" : ""}` || "-";
    const last = lines.at(-1);
    if (last?.head === head) last.states += ` ${state}`;
    else lines.push({ head, from: at, states: state });
  }
  return lines.map(({ head, from, states }) => `    ${clockTime(from)} ${states}: ${head}`);
}

/** Did all readings between these times come at once, and nothing happen to anybody on their way? */
function wasCalm(
  { world, device, sent }: { world: World; device: StoryDevice; sent: SentTimes },
  from: number,
  to: number,
): boolean {
  const [first, last] = [from - CALM_MS, to + CALM_MS];
  const isDisturbed = world.disturbances.some(
    ({ agent, ...when }) => (agent ?? device.agent) === device.agent && when.from <= last && first <= when.to,
  );
  return !isDisturbed && ![...sent].some(([at, { sentAt }]) => first <= at && at <= last && sentAt - at > CALM_MS);
}

/** A log read as faults that begin and end; what was found late stands at its own time. */
function toldEpisodes(told: readonly Told[], device: string): Episode[] {
  return told
    .filter(({ incident }) => incident.subject.device === device)
    .flatMap(({ incident, events }) => spellsOf(incident.rule, events));
}

type OpenEpisode = { rule: string; onset: number; end: number | null };

function spellsOf(rule: string, events: readonly IncidentEvent[]): Episode[] {
  const spells: OpenEpisode[] = [];
  /** The spell that the next recovery is about: what is found late is told beside what goes on. */
  const last: { live?: OpenEpisode; late?: OpenEpisode } = {};
  for (const { type, at, detail } of events) {
    const voice = detail.late === true || detail.retroactive === true ? "late" : "live";
    const known = spells.find(({ onset }) => onset === (detail.was ?? detail.onset));
    if (type === "opened" || type === "fired_again") {
      const spell: OpenEpisode = { rule, onset: detail.onset ?? Number.NaN, end: null };
      spells.push(spell);
      last[voice] = spell;
    }
    // The one that stands, first of its own voice.
    const recovered =
      [last[voice], last.live, last.late].find((spell) => spell?.end === null) ?? last[voice] ?? last.live;
    if (type === "recovered" && recovered !== undefined) recovered.end = at;
    if (type === "began_earlier" && known !== undefined) known.onset = detail.onset ?? Number.NaN;
    if (type === "recovered_earlier" && known !== undefined) known.end = at;
  }
  return spells;
}

type Comparison = {
  readonly expected: readonly Episode[];
  readonly actual: readonly Episode[];
  /** By how much the times of this fault may be off, ms. */
  readonly toleranceOf: (one: Episode) => number;
  /** Was it rightly told, by what was known when it was told? */
  readonly isForeseen: (one: Episode) => boolean;
  readonly cameAs: (one: Episode) => readonly string[];
  /** As it was with readings that were sent, and lost afterwards. */
  readonly heard?: Heard;
};

/**
 * Readings that were sent, and are stored nowhere: the collector had judged them, or not, when it was killed before its
 * time-series store had them, and the agent's file was damaged or became an older copy. What was told of them is right.
 */
type Heard = {
  /** Faults with all of them. */
  readonly episodes: readonly Episode[];
  /** Is one of them near this fault? */
  readonly isNear: (one: Episode) => boolean;
};

type Compared = {
  readonly differences: string[];
  readonly early: number;
  readonly mostOffMs: number;
  /** Told, or not, by readings that are stored nowhere. */
  readonly heard: number;
};

/** Readings of this fault, from a poll before it to one after it. */
const around = (polls: readonly Poll[], { onset, end }: Episode): Poll[] =>
  polls.filter(({ at }) => onset - GAP_MS <= at && at <= (end ?? Number.POSITIVE_INFINITY) + GAP_MS);

/** How late the readings of a fault were sent at worst. */
const latenessMs = (polls: readonly Poll[], sent: SentTimes, one: Episode): number =>
  Math.max(0, ...around(polls, one).map(({ at }) => (sent.get(at)?.sentAt ?? at) - at));

/**
 * A fault with a `for` that was told, and was none: it stood at its onset, the first reading that contradicts it was
 * taken before its `for` had run out and came after that, and it was over with this reading.
 */
export function wasContradictedLate(polls: readonly Poll[], sent: SentTimes, { rule, onset, end }: Episode): boolean {
  const dueAt = onset + FOR_MS;
  const contradiction = polls.find(({ at, guardOpen }) => at > onset && !guardOpen);
  if (rule !== "guard-open" || contradiction === undefined || end === null) return false;
  const stood = polls.some(({ at, guardOpen }) => at === onset && guardOpen);
  const sentAt = sent.get(contradiction.at)?.sentAt ?? Number.POSITIVE_INFINITY;
  return stood && contradiction.at <= dueAt && sentAt + WIRE_MS >= dueAt && end <= dueAt + MOMENT_MS;
}

/** By how much the times of two faults differ at most, ms. */
function distance(a: Episode, b: Episode): number {
  if (a.rule !== b.rule || (a.end === null) !== (b.end === null)) return Number.POSITIVE_INFINITY;
  return Math.max(Math.abs(a.onset - b.onset), Math.abs((a.end ?? 0) - (b.end ?? 0)));
}

/**
 * To the millisecond where nothing happened. Around a disturbance a time may be off by as much as its readings were late,
 * and a fault may have been told on what was known then, when the reading that contradicts it was still on its way.
 */
export function compare(comparison: Comparison): Compared {
  const { expected, actual, toleranceOf, isForeseen, cameAs: pathOf, heard } = comparison;
  const left = new Set(actual);
  const differences: string[] = [];
  const missing = new Set(expected);
  const tolerances = new Map(expected.map((one) => [one, toleranceOf(one)] as const));
  // Who fits best first, so that nobody else takes it.
  const pairs = expected
    .flatMap((one) => [...left].map((other) => ({ one, other, byMs: distance(one, other) })))
    .filter(({ one, byMs }) => byMs <= (tolerances.get(one) ?? 0))
    .sort((a, b) => a.byMs - b.byMs);
  let mostOffMs = 0;
  for (const { one, other, byMs } of pairs) {
    if (!missing.has(one) || !left.has(other)) continue;
    missing.delete(one);
    left.delete(other);
    mostOffMs = Math.max(mostOffMs, byMs);
  }
  const isAmong = (episodes: readonly Episode[], one: Episode): boolean =>
    episodes.some((other) => distance(one, other) <= toleranceOf(one));
  let byHeard = 0;
  for (const one of missing) {
    if (heard?.isNear(one) === true && !isAmong(heard.episodes, one)) {
      byHeard++;
      continue;
    }
    const byMs = tolerances.get(one) ?? 0;
    const others = [...left].filter(({ rule, onset }) => rule === one.rule && Math.abs(onset - one.onset) <= NEAR_MS);
    const instead = others.length === 0 ? "none is near" : `near are ${others.map(spell).join("; ")}`;
    const said = `no incident says ${spell(one)}${byMs === 0 ? "" : ` (may be off by ${byMs} ms)`}: ${instead}`;
    differences.push([said, ...pathOf(one)].join("\n          "));
  }
  let early = 0;
  for (const one of left) {
    if (isForeseen(one)) early++;
    else if (heard?.isNear(one) === true && isAmong(heard.episodes, one)) byHeard++;
    else differences.push([`an incident says ${spell(one)}, which was not so`, ...pathOf(one)].join("\n          "));
  }
  return { differences, early, mostOffMs, heard: byHeard };
}

const spell = ({ rule, onset, end }: Episode): string =>
  `${rule} from ${clockTime(onset)} to ${end === null ? "now" : clockTime(end)}`;
const clockTime = (at: number): string => (Number.isFinite(at) ? new Date(at).toISOString().slice(11, 23) : "never");

/** Every incident with its log, page by page. */
export async function readIncidents({ collector }: World): Promise<Told[]> {
  const told: Told[] = [];
  let cursor: string | null = null;
  do {
    const next: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { items: ApiIncident[]; cursor: string | null } = await collector.api(
      `/incidents?state=all&site=${SITE}&limit=1000${next}`,
    );
    for (const { id } of page.items) told.push(await collector.api<Told>(`/incidents/${id}`));
    cursor = page.cursor;
  } while (cursor !== null);
  return told;
}
