/**
 * What a week without a collector costs the agent's disk: forty devices of the demo store at 10 s, as a real agent polls
 * them, batches them and writes them down. The agent runs for some rounds against a collector that is not there; what its
 * outbox then holds is one round of a store. That round is written again and again, with later times and other numbers.
 *
 * Two runs, for a sync costs milliseconds: a whole week in memory-backed files where there are any (size, drain, check
 * after a kill; a day is written reading by reading, and six times again as it is), and an hour on the disk (syncs, bytes
 * written, latency), beside the same without group commits.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import { decodeTelemetry, type Lane, type Reading, rowsOf, splitSubject, type Value } from "@aislewatch/contract";
import { wireText } from "../../agent/core/batch.ts";
import type { MovedBatch, OutboxFile } from "../../agent/outbox-file.ts";
import { openOutboxFile } from "../../agent/outbox-open.ts";
import { cleanUp, startProgram, tempFolder } from "../rig/rig.ts";
import { type Figure, progress } from "./figure.ts";
import { pause, quantile } from "./punctuality.ts";

const DEVICES = 40;
const ROUND_MS = 10_000;
const DAY_MS = 86_400_000;
const DAY_ROUNDS = DAY_MS / ROUND_MS;
const HOUR_ROUNDS = 360;
/** The default of `outbox.size`. */
const OUTBOX_BYTES = 512 * 2 ** 20;
/** Enough for the first polls, which learn who the devices are, and three rounds after them. */
const CAPTURE_MS = 45_000;
/** Files here are memory: syncs cost nothing. */
const MEMORY_FOLDER = "/dev/shm";

/** What one commit takes in; all of a round, in order. */
type Round = readonly (readonly Reading[])[];

export async function benchOutbox(): Promise<Figure[]> {
  progress(`outbox: an agent polls the demo store for ${CAPTURE_MS / 1_000} s`);
  const round = grow(await captureRound());
  const samples = count(round.flat());
  const figures: Figure[] = [
    { label: "devices", value: new Set(round.flat().map(({ device }) => device)).size, unit: "" },
    { label: "samples a round of 10 s", value: samples, unit: "" },
    { label: "commits a second", value: (round.length * 1_000) / ROUND_MS, unit: "/s" },
  ];
  figures.push(...aWeek(round, samples), ...anHour(round));
  await cleanUp();
  return figures;
}

/** What a real agent writes down in one round of its polls. */
async function captureRound(): Promise<Round> {
  const folder = tempFolder();
  await startProgram("packages/simulator/main.ts", ["--folder", folder, "--collector", "mqtt://127.0.0.1:9"]);
  const config = join(folder, "agent.yaml");
  writeFileSync(config, readFileSync(config, "utf8").replace(/^every: .*$/m, "every: 10s"));
  const agent = await startProgram("agent/main.ts", ["run", "--config", config]);
  await pause(CAPTURE_MS);
  await agent.kill();
  const outbox = open(join(folder, "agent-data"), OUTBOX_BYTES);
  const batches = outbox.contents();
  outbox.close();
  await cleanUp();
  const end = Math.max(...batches.map(({ toAt }) => toAt));
  return batches.flatMap(({ text, toAt }) => (toAt > end - ROUND_MS ? [readingsOf(text, toAt)] : []));
}

function readingsOf(body: string, sentAt: number): Reading[] {
  const decoded = decodeTelemetry(Buffer.from(wireText({ epoch: "bench", lane: "live", seq: 1, sentAt }, body)));
  if (!decoded.ok) throw new Error(decoded.error.detail);
  return [...rowsOf(decoded.value)].map(({ subject, at, metrics }) => {
    const { device, component } = splitSubject(subject);
    return { device, at, samples: [{ component, metrics }] };
  });
}

/** As many devices as wanted: the same again under other names, in the commits of their models. */
function grow(round: Round): Round {
  const known = [...new Set(round.flat().map(({ device }) => device))];
  const doubled = new Set(known.slice(0, Math.max(0, DEVICES - known.length)));
  return round.map((readings) => [
    ...readings,
    ...readings.filter(({ device }) => doubled.has(device)).map((one) => ({ ...one, device: `${one.device}-b` })),
  ]);
}

/** The same round later: numbers move a little, so that no two rounds are the same text. */
function later(readings: readonly Reading[], n: number): Reading[] {
  const move = (value: Value): Value =>
    typeof value === "number" && !Number.isInteger(value) ? Math.round(value * (100 + (n % 7))) / 100 : value;
  return readings.map((reading) => ({
    ...reading,
    at: reading.at + n * ROUND_MS,
    samples: reading.samples.map(({ component, metrics }) => ({
      component,
      metrics: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, move(value)])),
    })),
  }));
}

const count = (readings: readonly Reading[]): number =>
  readings.reduce((sum, { samples }) => sum + samples.reduce((n, set) => n + Object.keys(set.metrics).length, 0), 0);

/** Size, drain and check of seven days. */
function aWeek(round: Round, samples: number): Figure[] {
  progress("outbox: seven days are written");
  const folder = mkdtempSync(join(existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir(), "aislewatch-bench-"));
  try {
    const outbox = open(folder, 4 * OUTBOX_BYTES);
    fill(outbox, round, { rounds: DAY_ROUNDS, lane: "history" });
    const day = outbox.contents();
    for (let n = 1; n < 7; n++) {
      const again = outbox.adopt(day);
      if (!again.ok) throw new Error(again.error.detail);
    }
    const { bytes, droppedSamples } = outbox.figures;
    outbox.abandon();
    const fileBytes = statSync(join(folder, "outbox.db")).size;
    progress("outbox: it is opened after a kill, and drained");
    const openedMs = performance.now();
    const again = open(folder, 4 * OUTBOX_BYTES);
    const checkMs = performance.now() - openedMs;
    const drained = drain(again);
    again.close();
    progress("outbox: it is filled to its bound, and one more batch finds room");
    const thinnedMs = thin(day);
    return [
      { label: "7 days: in the outbox", value: bytes / 2 ** 20, unit: "MiB" },
      { label: "7 days: the file", value: fileBytes / 2 ** 20, unit: "MiB" },
      { label: "7 days: dropped", value: droppedSamples, unit: "samples" },
      { label: "bytes a sample", value: bytes / (7 * samples * DAY_ROUNDS), unit: "byte" },
      { label: "512 MiB hold", value: (7 * OUTBOX_BYTES) / bytes, unit: "days" },
      { label: "check of 7 days after a kill", value: checkMs / 1_000, unit: "s" },
      { label: "a full outbox makes room, for a batch in 1,400", value: thinnedMs, unit: "ms" },
      { label: "drain: read and acked, 16 batches at a time", value: drained / 1e6, unit: "MB/s" },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Syncs and bytes of one hour on the disk, with group commits and with a commit for each reading. */
function anHour(round: Round): Figure[] {
  progress("outbox: an hour on the disk, in groups and reading by reading");
  const grouped = onDisk(round, HOUR_ROUNDS);
  // A tenth of it: it is the peer, and slow.
  const single = onDisk(
    round.flat().map((reading) => [reading]),
    HOUR_ROUNDS / 10,
  );
  const aDay = (hours: number, bytes: number): number => (24 * bytes) / hours / 1e6;
  return [
    { label: "append with its sync, p50", value: quantile(grouped.latencies, 0.5), unit: "ms" },
    { label: "append with its sync, p99", value: quantile(grouped.latencies, 0.99), unit: "ms" },
    { label: "readings", value: aDay(1, grouped.bytes), unit: "MB/day" },
    { label: "written to the disk", value: aDay(1, grouped.written), unit: "MB/day" },
    { label: "written for each byte of readings", value: grouped.written / grouped.bytes, unit: "" },
    { label: "reading by reading: written to the disk", value: aDay(0.1, single.written), unit: "MB/day" },
    { label: "reading by reading: syncs", value: (single.latencies.length * 1_000) / (0.1 * 3_600_000), unit: "/s" },
  ];
}

/** Acked as it goes, a round behind: the outbox of an agent that is online. */
function onDisk(round: Round, rounds: number): { bytes: number; written: number; latencies: number[] } {
  const folder = mkdtempSync(join(tmpdir(), "aislewatch-bench-"));
  const outbox = open(folder, OUTBOX_BYTES);
  const before = writtenBytes();
  const filled = fill(outbox, round, { rounds, lane: "live", acked: true });
  const written = writtenBytes() - before;
  outbox.close();
  rmSync(folder, { recursive: true, force: true });
  return { ...filled, written };
}

/** How long an append takes that finds the outbox full. */
function thin(day: readonly MovedBatch[]): number {
  const folder = mkdtempSync(join(existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir(), "aislewatch-bench-"));
  try {
    const outbox = open(folder, OUTBOX_BYTES);
    outbox.adopt(day);
    const dayBytes = outbox.figures.bytes;
    while (outbox.figures.bytes < OUTBOX_BYTES - dayBytes) outbox.adopt(day);
    let longestMs = 0;
    for (let n = 0; outbox.droppedSamples === 0; n++) {
      const startedMs = performance.now();
      outbox.adopt(day.slice(n % day.length, (n % day.length) + 1));
      longestMs = performance.now() - startedMs;
    }
    outbox.close();
    return longestMs;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function open(folder: string, bytesMax: number): OutboxFile {
  const opened = openOutboxFile({
    folder,
    bytesMax,
    ageMsMax: 30 * DAY_MS,
    clock: new ManualClock(),
    newEpoch: () => "bench",
  });
  if (!opened.ok) throw new Error(opened.error.detail);
  return opened.value;
}

/** How long each append took, and the bytes of all batches. */
function fill(
  outbox: OutboxFile,
  round: Round,
  { rounds, lane, acked = false }: { rounds: number; lane: Lane; acked?: boolean },
): { latencies: number[]; bytes: number } {
  const latencies: number[] = [];
  let bytes = 0;
  for (let n = 0; n < rounds; n++) {
    const { live, history } = outbox.lastSeq;
    const bytesBefore = outbox.figures.bytes;
    for (const readings of round) {
      const moved = later(readings, n);
      const startedMs = performance.now();
      const written = outbox.append(moved, { lane, keep: false });
      latencies.push(performance.now() - startedMs);
      if (!written.ok) throw new Error(written.error.detail);
    }
    bytes += outbox.figures.bytes - bytesBefore;
    if (acked) outbox.ack(outbox.epoch, { live, history });
  }
  return { latencies, bytes };
}

/** Bytes a second. */
function drain(outbox: OutboxFile): number {
  const startedMs = performance.now();
  let bytes = 0;
  for (;;) {
    const batches = outbox.unacked("history", 0, { batchesMax: 16, bytesMax: 4e6 });
    const last = batches.at(-1);
    if (last === undefined) return (bytes * 1_000) / (performance.now() - startedMs);
    for (const batch of batches) bytes += batch.bytes;
    outbox.ack(outbox.epoch, { live: 0, history: last.seq });
  }
}

/** What this process gave to write(2) and its kin (proc(5), wchar): SQLite's log, its checkpoints and nothing else here. */
function writtenBytes(): number {
  return Number(/^wchar: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
}
