/**
 * The peer of the rule engine: Prometheus (Debian package prometheus) with the same rules in PromQL over the same
 * series. They are written to it beforehand, up to a minute ahead, so that all that it does while the clock runs is
 * evaluate: nothing is scraped, and no rule is ever true.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { cleanUp, freePort, startPeer, tempFolder, waitFor } from "../rig/rig.ts";
import { progress } from "./figure.ts";
import { cpuSecondsOf, peakMemoryBytesOf } from "./process-cost.ts";
import { COUNTER, conditionOf, INTERVAL_MS, NUMBERS, valueAt } from "./rules-load.ts";

const BINARY = "/usr/bin/prometheus";
const PAST_MS = 6 * 60_000;
const AHEAD_MS = 2 * 60_000;
const RULES_EVERY_S = 5;
const MEASURED_MS = 30_000;
const SERIES_PER_BODY = 2_000;

export type PeerEvaluations = { readonly perCpuSecond: number; readonly peakMemoryBytes: number };

/** Null where Prometheus is not installed. An evaluation is one rule on one device. */
export async function evaluateInPrometheus(load: {
  readonly rules: number;
  readonly devices: number;
}): Promise<PeerEvaluations | null> {
  if (!existsSync(BINARY)) {
    progress("rules: no Prometheus here (Debian package prometheus), so nothing to compare with");
    return null;
  }
  progress("rules: Prometheus evaluates the same");
  try {
    const folder = tempFolder();
    const port = await freePort();
    writeFileSync(join(folder, "rules.yml"), rulesFile(load.rules));
    const config = `global: { evaluation_interval: ${RULES_EVERY_S}s }\nrule_files: [rules.yml]\n`;
    writeFileSync(join(folder, "prometheus.yml"), config);
    const peer = await startPeer(BINARY, [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--web.enable-remote-write-receiver",
      "--log.level=error",
    ]);
    const base = `http://127.0.0.1:${port}`;
    await waitFor("Prometheus", async () => (await fetch(`${base}/-/ready`).catch(() => null))?.ok === true);
    for (const body of seriesBodies(load.devices, Date.now())) {
      const answer = await fetch(`${base}/api/v1/write`, {
        method: "POST",
        body,
        headers: { "content-type": "application/x-protobuf", "content-encoding": "snappy" },
      });
      if (!answer.ok) throw new Error(`Prometheus answered ${answer.status}: ${await answer.text()}`);
    }
    const count = async (): Promise<number> => Number(await own(base, "prometheus_rule_evaluations_total"));
    // Its first round takes the samples in, as it were.
    const first = await count();
    await waitFor("a round of rules", async () => (await count()) >= first + 2 * load.rules, 60_000);
    const [before, cpuBefore] = [await count(), cpuSecondsOf(peer.pid)];
    await wait(MEASURED_MS);
    const [after, cpuAfter] = [await count(), cpuSecondsOf(peer.pid)];
    const failures = Number(await own(base, "prometheus_rule_evaluation_failures_total"));
    if (failures > 0 || after === before) throw new Error(`Prometheus evaluated ${after - before}, failed ${failures}`);
    return {
      perCpuSecond: ((after - before) * load.devices) / (cpuAfter - cpuBefore),
      peakMemoryBytes: peakMemoryBytesOf(peer.pid),
    };
  } finally {
    await cleanUp();
  }
}

function rulesFile(count: number): string {
  const rules = Array.from(
    { length: count },
    (_, i) => `      - { alert: rule-${i}, expr: '${conditionOf(i).promql}', for: 1m }\n`,
  );
  return `groups:\n  - name: bench\n    rules:\n${rules.join("")}`;
}

/** The sum of one of its own metrics over all label sets. */
async function own(base: string, metric: string): Promise<number> {
  const text = await (await fetch(`${base}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

/** Remote write 1.0 (prometheus.io/docs/specs/prw/remote_write_spec): protobuf within snappy, which may hold literals. */
function* seriesBodies(devices: number, nowMs: number): Generator<Uint8Array<ArrayBuffer>> {
  let series: Buffer[] = [];
  for (let device = 0; device < devices; device++) {
    for (const [m, metric] of [...NUMBERS, COUNTER].entries()) {
      const labels = [label("__name__", metric), label("device", `lane-${device}`)];
      const samples: Buffer[] = [];
      for (let poll = 0; poll * INTERVAL_MS <= PAST_MS + AHEAD_MS; poll++) {
        const value = metric === COUNTER ? poll * 3 : valueAt(poll, m, device);
        samples.push(sample(value, nowMs - PAST_MS + poll * INTERVAL_MS));
      }
      series.push(field(1, Buffer.concat([...labels, ...samples])));
    }
    if (series.length < SERIES_PER_BODY && device < devices - 1) continue;
    yield snappy(Buffer.concat(series));
    series = [];
  }
}

const label = (name: string, value: string): Buffer =>
  field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))]));

function sample(value: number, at: number): Buffer {
  const number = Buffer.alloc(9);
  number[0] = (1 << 3) | 1;
  number.writeDoubleLE(value, 1);
  return field(2, Buffer.concat([number, Buffer.from([2 << 3]), varint(at)]));
}

const field = (number: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2]), varint(content.length), content]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return Buffer.from([...bytes, left]);
}

const LITERAL_BYTES = 65_536;
function snappy(content: Buffer): Uint8Array<ArrayBuffer> {
  const parts: Buffer[] = [varint(content.length)];
  for (let at = 0; at < content.length; at += LITERAL_BYTES) {
    const literal = content.subarray(at, at + LITERAL_BYTES);
    const head = Buffer.from([61 << 2, 0, 0]);
    head.writeUInt16LE(literal.length - 1, 1);
    parts.push(head, literal);
  }
  return new Uint8Array(Buffer.concat(parts));
}
