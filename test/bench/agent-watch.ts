/** The devices that an agent of the benchmark watches, or a peer of it, and what that costs it. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { onCleanUp, ROOT } from "../rig/rig.ts";
import { nextMessage } from "./agent-process.ts";
import type { Figure } from "./figure.ts";
import { cpuSecondsOf, forgetTouched, memoryOf, touchedBytesOf } from "./process-cost.ts";
import { latenessOf, pause, quantile, quantilesOf } from "./punctuality.ts";
import type { CrowdOrder, CrowdReport } from "./snmp-crowd.ts";

export const INTERVAL_MS = 10_000;
/** Devices that the budget is for. */
export const SMALL = 200;
const MEMORY_EVERY_MS = 2_000;
/** Due times of devices that are asked every 10 s lie on a grid of this width (agent/core/schedule.ts). */
const GRID_MS = 1_000;
const START_MS_MAX = 30_000;

export type Cost = {
  readonly polls: number;
  readonly requestsPerPoll: number;
  readonly cpuMsPerPoll: number;
  readonly corePercent: number;
  readonly pssMb: number;
  /** Of one sample; the others are medians. */
  readonly pssMostMb: number;
  readonly ussMb: number;
  readonly anonymousMb: number;
  /** Pages that it touched while it was measured. */
  readonly touchedMb: number;
};
export type Watch = Cost & { readonly lateMs: { readonly p50: number; readonly p99: number } };

/** The simulated devices, in a process of their own. */
export class Crowd {
  readonly ports: readonly number[];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ports: readonly number[]) {
    this.#child = child;
    this.ports = ports;
  }

  static async start(count: number): Promise<Crowd> {
    const child = fork(join(ROOT, "test/bench/snmp-crowd.ts"), [String(count)], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    onCleanUp(() => void child.kill("SIGKILL"));
    const { ports } = (await nextMessage(child)) as { ports: number[] };
    return new Crowd(child, ports);
  }

  order(order: CrowdOrder): void {
    this.#child.send(order);
  }

  async report(): Promise<CrowdReport> {
    const answer = nextMessage(this.#child);
    this.order({ report: true });
    return (await answer) as CrowdReport;
  }

  /** When the first device and when the last one was asked for the first time, ms after `startedAt`. */
  async allAsked(startedAt: number): Promise<{ first: number; all: number }> {
    for (let waitedMs = 0; waitedMs < START_MS_MAX; waitedMs += 500) {
      const firsts = (await this.report()).polls.map(([first]) => first ?? Number.NaN);
      if (!firsts.some(Number.isNaN))
        return { first: Math.min(...firsts) - startedAt, all: Math.max(...firsts) - startedAt };
      await pause(500);
    }
    throw new Error(`not every device was polled within ${START_MS_MAX / 1_000} s of the start`);
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }
}

/** What a process that polls the crowd costs. */
export async function measure(crowd: Crowd, pid: number, measuredMs: number): Promise<Watch> {
  crowd.order({ count: true });
  forgetTouched(pid);
  const startedAt = performance.now();
  const cpuBefore = cpuSecondsOf(pid);
  const memory: ReturnType<typeof memoryOf>[] = [];
  for (let at = 0; at < measuredMs; at += MEMORY_EVERY_MS) {
    await pause(MEMORY_EVERY_MS);
    memory.push(memoryOf(pid));
  }
  const cpuSeconds = cpuSecondsOf(pid) - cpuBefore;
  const seconds = (performance.now() - startedAt) / 1_000;
  const { polls, requests } = await crowd.report();
  const begun = polls.flat();
  if (begun.length === 0) throw new Error("nobody polled");
  return {
    polls: begun.length,
    requestsPerPoll: requests / begun.length,
    cpuMsPerPoll: (cpuSeconds * 1_000) / begun.length,
    corePercent: (cpuSeconds / seconds) * 100,
    pssMb: medianMb(memory.map(({ pss }) => pss)),
    pssMostMb: Math.max(...memory.map(({ pss }) => pss)) / 1e6,
    ussMb: medianMb(memory.map(({ uss }) => uss)),
    anonymousMb: medianMb(memory.map(({ anonymous }) => anonymous)),
    touchedMb: touchedBytesOf(pid) / 1e6,
    lateMs: quantilesOf(latenessOf(begun, GRID_MS)),
  };
}

const medianMb = (bytes: number[]): number => quantile(bytes, 0.5) / 1e6;

export const costFigures = (of: string, cost: Cost): Figure[] => [
  { label: `${of}: CPU`, value: cost.cpuMsPerPoll, unit: "ms a poll" },
  { label: `${of}: CPU of one core`, value: cost.corePercent, unit: "%" },
  { label: `${of}: memory, PSS`, value: cost.pssMb, unit: "MB" },
  { label: `${of}: memory, its own alone (USS)`, value: cost.ussMb, unit: "MB" },
  { label: `${of}: memory, not pages of files`, value: cost.anonymousMb, unit: "MB" },
  { label: `${of}: memory, touched meanwhile`, value: cost.touchedMb, unit: "MB" },
  { label: `${of}: requests a poll`, value: cost.requestsPerPoll, unit: "" },
];

/** Ten of the profile `ups`; whether it answers, and how long that took, are two more. */
export const TWELVE_VALUES = `
profile: twelve
title: UPS, twelve values
kind: ups
metrics:
  on_battery: { oid: 1.3.6.1.2.1.33.1.4.1.0, is: [5] }
  battery_low: { oid: 1.3.6.1.2.1.33.1.2.1.0, map: { 2: false, 3: true, 4: true } }
  on_battery_seconds: { oid: 1.3.6.1.2.1.33.1.2.2.0 }
  battery_runtime_seconds: { oid: 1.3.6.1.2.1.33.1.2.3.0, scale: 60 }
  battery_charge_percent: { oid: 1.3.6.1.2.1.33.1.2.4.0 }
  battery_voltage_volts: { oid: 1.3.6.1.2.1.33.1.2.5.0, scale: 0.1 }
  battery_temperature_celsius: { oid: 1.3.6.1.2.1.33.1.2.7.0 }
  input_failures_total: { oid: 1.3.6.1.2.1.33.1.3.1.0 }
  alarms_present: { oid: 1.3.6.1.2.1.33.1.6.1.0 }
  self_test_failed: { oid: 1.3.6.1.2.1.33.1.7.3.0, map: { 1: false, 2: false, 3: true } }
`;

export const upsDevices = (ports: readonly number[], more = ""): string[] =>
  ports.map(
    (port, i) =>
      `{ id: ups-${i}, kind: ups, driver: snmp, address: "127.0.0.1:${port}", every: ${INTERVAL_MS / 1_000}s${more} }`,
  );
