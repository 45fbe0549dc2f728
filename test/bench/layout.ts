/**
 * Why telemetry has the layout that it has (packages/contract/telemetry.ts): the same readings in four layouts, their
 * size and the time that JSON.parse takes a sample. Medians of several rounds; ratios matter, not the figures.
 */
import { decodeTelemetry, encodeTelemetry, type Reading } from "@aislewatch/contract";
import type { Figure } from "./figure.ts";

const METRICS = [
  "up",
  "poll_duration_seconds",
  "cpu_used_percent",
  "memory_used_percent",
  "load_1m",
  "load_5m",
  "uptime_seconds",
  "process_count",
  "user_count",
  "swap_used_percent",
  "clock_offset_seconds",
  "temperature_celsius",
];
const DEVICES = 40;
const ROUNDS = 400;

export function benchLayout(): Figure[] {
  const at = 1_700_000_000_000;
  const readings: Reading[] = Array.from({ length: DEVICES }, (_, d) => ({
    device: `lane-${d}/pos`,
    at: at + d * 7,
    samples: [
      {
        component: null,
        metrics: Object.fromEntries(
          METRICS.map((name, m) => [name, m === 0 ? true : Math.round(1000 * (d + 1.37 * m)) / 100]),
        ),
      },
    ],
  }));
  const message = encodeTelemetry({ epoch: "bench", lane: "live", seq: 1, sentAt: at }, readings);
  const layouts: [string, unknown][] = [
    [
      "an object a sample",
      readings.flatMap((r) =>
        Object.entries(r.samples[0]?.metrics ?? {}).map(([metric, value]) => ({
          device: r.device,
          metric,
          at: r.at,
          value,
        })),
      ),
    ],
    [
      "an object of names a reading",
      readings.map((r) => ({ device: r.device, at: r.at, metrics: r.samples[0]?.metrics })),
    ],
    [
      "columns a device",
      readings.map((r) => ({
        device: r.device,
        metrics: METRICS,
        at: [0],
        values: Object.values(r.samples[0]?.metrics ?? {}).map((v) => [v]),
      })),
    ],
    ["columns a metric set (ours)", message],
  ];
  const samples = DEVICES * METRICS.length;
  const figures: Figure[] = [];
  for (const [label, value] of layouts) {
    const bytes = Buffer.from(JSON.stringify(value));
    figures.push({ label: `${label}: size`, value: bytes.length / samples, unit: "byte/sample" });
    figures.push({
      label: `${label}: JSON.parse`,
      value: medianNs(() => JSON.parse(bytes.toString())) / samples,
      unit: "ns/sample",
    });
  }
  const bytes = Buffer.from(JSON.stringify(message));
  figures.push({
    label: "ours, parsed and checked by hand",
    value: medianNs(() => decodeTelemetry(bytes)) / samples,
    unit: "ns/sample",
  });
  return figures;
}

function medianNs(run: () => unknown): number {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    run();
    times.push(Number(process.hrtime.bigint() - start));
  }
  return times.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0;
}
