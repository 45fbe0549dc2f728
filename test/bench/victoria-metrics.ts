/**
 * The peer of the ingest benchmark: VictoriaMetrics (Debian package victoria-metrics) in a folder and on a port of its
 * own, fed with what the fleet's agents send, as InfluxDB line protocol: one line a reading with all of its metrics,
 * large bodies, several requests at a time. The text is made before the clock starts.
 */
import { existsSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { decodeTelemetry } from "@aislewatch/contract";
import { BatchWriter, FleetPlan } from "@aislewatch/simulator";
import { cleanUp, freePort, startPeer, tempFolder, waitFor } from "../rig/rig.ts";
import { progress } from "./figure.ts";
import { fleetNames, loadRandom, shapesOf } from "./load.ts";
import { cpuSecondsOf, folderBytes, peakMemoryBytesOf } from "./process-cost.ts";

const BINARY = "/usr/bin/victoria-metrics";
const SAMPLES = 6_000_000;
const BODY_BYTES = 1024 * 1024;
const REQUESTS_AT_A_TIME = 4;
const MERGED_MS_MAX = 60_000;
const SETTLED_MS = 4_000;

export type PeerRun = {
  readonly samplesPerSecond: number;
  /** CPU seconds of a million samples, until they can be read. */
  readonly cpu: number;
  readonly bytesPerSample: number;
  readonly peakMemoryBytes: number;
};

/** Null where VictoriaMetrics is not installed. */
export async function storeInVictoriaMetrics(load: {
  readonly agents: number;
  readonly batchSamples: number;
  readonly batchEveryMs: number;
}): Promise<PeerRun | null> {
  if (!existsSync(BINARY)) {
    progress("ingest: no VictoriaMetrics here (Debian package victoria-metrics), so nothing to compare with");
    return null;
  }
  progress("ingest: making the same samples for VictoriaMetrics");
  const { bodies, samples } = linesOf(load);
  progress(`ingest: VictoriaMetrics stores ${(samples / 1e6).toFixed(1)} M samples`);
  return storeLines(bodies, samples);
}

/** What a run costs that stores these bodies of line protocol, and what it takes on disk once merged. */
export async function storeLines(bodies: readonly Buffer[], samples: number): Promise<PeerRun> {
  try {
    const folder = tempFolder();
    const port = await freePort();
    const peer = await startPeer(BINARY, [
      `-storageDataPath=${folder}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      "-retentionPeriod=1y",
      "-loggerLevel=ERROR",
    ]);
    const agent = new Agent({ keepAlive: true, maxSockets: REQUESTS_AT_A_TIME });
    const call = (path: string, body?: Buffer) => send({ agent, port, path, body });
    await waitFor("VictoriaMetrics", async () => (await call("/health")) === 200);
    const cpuBefore = cpuSecondsOf(peer.pid);
    const startedAt = performance.now();
    let next = 0;
    const sender = async (): Promise<void> => {
      for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) {
        const status = await call("/write", body);
        if (status !== 204) throw new Error(`VictoriaMetrics answered ${status}: ${peer.output()}`);
      }
    };
    await Promise.all(Array.from({ length: REQUESTS_AT_A_TIME }, sender));
    const seconds = (performance.now() - startedAt) / 1_000;
    await call("/internal/force_flush");
    const cpu = cpuSecondsOf(peer.pid) - cpuBefore;
    const peakMemoryBytes = peakMemoryBytesOf(peer.pid);
    // Which goes on after its answer.
    await call("/internal/force_merge");
    await waitFor("VictoriaMetrics to merge", settled(folder), MERGED_MS_MAX);
    await peer.stop();
    agent.destroy();
    const bytes = ["data", "indexdb"].reduce((sum, part) => sum + folderBytes(join(folder, part)), 0);
    return {
      samplesPerSecond: samples / seconds,
      cpu: (cpu * 1e6) / samples,
      bytesPerSample: bytes / samples,
      peakMemoryBytes,
    };
  } finally {
    await cleanUp();
  }
}

/** The fleet's own batches as line protocol, an agent's next one `batchEveryMs` after its last. */
function linesOf(load: { agents: number; batchSamples: number; batchEveryMs: number }) {
  const random = loadRandom();
  const plans = shapesOf(load.batchSamples).map((shape) => new FleetPlan(shape, random));
  const startMs = Math.round(Date.now() - (SAMPLES / load.agents / load.batchSamples) * load.batchEveryMs);
  const writers = fleetNames(load.agents).map(({ site }, i) => {
    const plan = plans[i % plans.length];
    if (plan === undefined) throw new Error("no kinds");
    const writer = new BatchWriter(plan, { epoch: "peer", nowMs: startMs, phase: random() });
    return { writer, site, kind: plan.shape.kind };
  });
  let samples = 0;
  function* lines(): Generator<string> {
    for (let round = 1; samples < SAMPLES; round++) {
      for (const { writer, ...from } of writers) {
        const batch = writer.next(Math.round(startMs + round * load.batchEveryMs));
        if (batch === null) throw new Error("batches follow each other faster than their polls could");
        samples += batch.samples;
        yield* toLines(batch.payload, from);
      }
    }
  }
  const bodies = bodiesOf(lines());
  return { bodies, samples };
}

/** Whether a folder has been of one size for a while. */
function settled(folder: string): () => boolean {
  let bytesBefore = -1;
  let sinceMs = 0;
  return () => {
    const bytes = folderBytes(folder);
    if (bytes !== bytesBefore) sinceMs = performance.now();
    bytesBefore = bytes;
    return performance.now() - sinceMs > SETTLED_MS;
  };
}

/** Lines as large bodies. */
export function bodiesOf(all: Iterable<string>): Buffer[] {
  const bodies: Buffer[] = [];
  let lines: string[] = [];
  let chars = 0;
  for (const line of all) {
    lines.push(line);
    chars += line.length + 1;
    if (chars < BODY_BYTES) continue;
    bodies.push(Buffer.from(lines.join("\n"), "latin1"));
    lines = [];
    chars = 0;
  }
  bodies.push(Buffer.from(lines.join("\n"), "latin1"));
  return bodies;
}

function* toLines(payload: Buffer, from: { site: string; kind: string }): Generator<string> {
  const decoded = decodeTelemetry(payload);
  if (!decoded.ok) throw new Error(decoded.error.detail);
  const { base, subjects, tables } = decoded.value;
  for (const { metrics, subject, at, values } of tables) {
    for (let row = 0; row < subject.length; row++) {
      const tags = `${from.kind},site=${from.site},device=${subjects[subject[row] ?? -1]}`;
      const fields = metrics.map((name, m) => `${name}=${Number(values[m]?.[row] ?? 0)}`).join(",");
      yield `${tags} ${fields} ${base + (at[row] ?? 0)}000000`;
    }
  }
}

function send(to: { agent: Agent; port: number; path: string; body: Buffer | undefined }): Promise<number> {
  return new Promise((done, fail) => {
    const { agent, port, path, body } = to;
    const method = body === undefined ? "GET" : "POST";
    const sent = request({ agent, host: "127.0.0.1", port, path, method }, (response) => {
      response.resume();
      response.once("end", () => done(response.statusCode ?? 0));
    });
    sent.once("error", fail);
    sent.end(body);
  });
}
