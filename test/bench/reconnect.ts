/**
 * Two thousand agents come back after an hour's outage, each with that hour in its outbox, and the present must not wait
 * for it. A collector process with both stores on disk and 200 rules; the agents are MQTT clients in this process that
 * keep to the agent's own send window. Twice in one run: paced by the collector's grants, and with the megabyte a second
 * for everybody that it granted before, which is what agents without a grant would do.
 *
 * The scale: 2 devices an agent instead of 40, one poll of all of them every five seconds live, and in the hour 30
 * batches of ten polls. Live latency is from the publish of a reading to the ack that says it was judged and committed.
 */
import { type AgentStatus, ackTopic, agentTopic, decodeAck, splitInventory, WIRE_VERSION } from "@aislewatch/contract";
import { FleetPlan } from "@aislewatch/simulator";
import { connectAsync, type MqttClient } from "mqtt";
import { SendWindow } from "../../agent/core/window.ts";
import { cleanUp } from "../rig/rig.ts";
import { type Figure, progress } from "./figure.ts";
import {
  fleetNames,
  type LoadedCollector,
  loadRandom,
  METRICS_PER_DEVICE,
  metricOf,
  shapesOf,
  startLoadedCollector,
} from "./load.ts";
import { cpuSecondsOf, peakMemoryBytesOf } from "./process-cost.ts";

const AGENTS = 2_000;
const DEVICES = 2;
const LIVE_EVERY_MS = 5_000;
const OUTAGE_MS = 3_600_000;
const HISTORY_BATCHES = 30;
const ROUNDS = 10;
const SAMPLES_PER_ROUND = DEVICES * METRICS_PER_DEVICE;
const CALM_MS = 15_000;
/** As agents' back-off spreads them. */
const RETURN_MS = 20_000;
const DRAIN_MS_MAX = 120_000;
const CONNECTING_MAX = 50;
const TICK_MS = 20;
/** What was granted to each agent before there was a budget. */
const UNPACED_BYTES_PER_SECOND = 1024 * 1024;

type Member = {
  readonly site: string;
  readonly agent: string;
  readonly epoch: string;
  readonly live: FleetPlan;
  readonly history: FleetPlan;
  client: MqttClient | null;
  window: SendWindow;
  seq: { live: number; history: number };
  acked: { live: number; history: number };
  historyTo: number;
  nextLiveMs: number;
  readonly sentAtMs: Map<number, number>;
};

type Run = {
  readonly before: Percentiles;
  readonly during: Percentiles;
  readonly drainMs: number;
  readonly bytes: number;
  readonly peakMemoryBytes: number;
  readonly cpuSeconds: number;
  readonly judged: number;
};
type Percentiles = { readonly p50: number; readonly p99: number; readonly max: number };

export async function benchReconnect(): Promise<Figure[]> {
  const paced = await run(true);
  const unpaced = await run(false);
  return [...figures("paced by the collector", paced), ...figures("a megabyte a second for each", unpaced)];
}

const figures = (label: string, one: Run): Figure[] => [
  { label: `${label}: drained`, value: one.drainMs / 1_000, unit: "s" },
  { label: "  history", value: one.bytes / 2 ** 20, unit: "MiB" },
  { label: "  history batches judged", value: one.judged, unit: "batches" },
  { label: "  live latency before, p50", value: one.before.p50, unit: "ms" },
  { label: "  live latency before, p99", value: one.before.p99, unit: "ms" },
  { label: "  live latency meanwhile, p50", value: one.during.p50, unit: "ms" },
  { label: "  live latency meanwhile, p99", value: one.during.p99, unit: "ms" },
  { label: "  live latency meanwhile, max", value: one.during.max, unit: "ms" },
  { label: "  collector CPU", value: one.cpuSeconds, unit: "s" },
  { label: "  memory, peak", value: one.peakMemoryBytes / 2 ** 20, unit: "MiB" },
];

async function run(isPaced: boolean): Promise<Run> {
  progress(`reconnect: ${AGENTS} agents, ${isPaced ? "paced" : "unpaced"}`);
  try {
    const collector = await startLoadedCollector(fleetNames(AGENTS));
    const fleet = new Fleet(collector, isPaced);
    await fleet.join(() => 0);
    // The hour lies between these readings and the next ones.
    fleet.start(-OUTAGE_MS - CALM_MS);
    await pass(CALM_MS);
    const before = fleet.takeLatencies();
    fleet.leave();
    await pass(1_000);
    const cpuBefore = cpuSecondsOf(collector.program.pid);
    fleet.oweHistory();
    const backMs = performance.now();
    fleet.start(0);
    await fleet.join(() => Math.random() * RETURN_MS);
    await fleet.drained(DRAIN_MS_MAX);
    const drainMs = performance.now() - backMs;
    const during = fleet.takeLatencies();
    const judged = await metricOf(collector, "aislewatch_history_batches_judged_total");
    fleet.leave();
    const { pid } = collector.program;
    return {
      ...{ before, during, drainMs, judged, bytes: fleet.historyBytes },
      peakMemoryBytes: peakMemoryBytesOf(pid),
      cpuSeconds: cpuSecondsOf(pid) - cpuBefore,
    };
  } finally {
    await cleanUp();
  }
}

class Fleet {
  historyBytes = 0;
  readonly #collector: LoadedCollector;
  readonly #isPaced: boolean;
  readonly #members: Member[];
  #latenciesMs: number[] = [];
  #timer: NodeJS.Timeout | null = null;
  #shiftMs = 0;

  constructor(collector: LoadedCollector, isPaced: boolean) {
    this.#collector = collector;
    this.#isPaced = isPaced;
    const random = loadRandom();
    const plansOf = (rounds: number) =>
      shapesOf(SAMPLES_PER_ROUND * rounds, DEVICES).map((shape) => new FleetPlan(shape, random));
    const [live, history] = [plansOf(1), plansOf(ROUNDS)];
    this.#members = fleetNames(AGENTS).map(({ site, agent }, i) => {
      const [ofLive, ofHistory] = [live[i % live.length], history[i % history.length]];
      if (ofLive === undefined || ofHistory === undefined) throw new RangeError("a fleet without a shape");
      return {
        ...{ site, agent, epoch: `e${i}`, live: ofLive, history: ofHistory, client: null, window: new SendWindow() },
        ...{ seq: { live: 0, history: 0 }, acked: { live: 0, history: 0 }, historyTo: 0, sentAtMs: new Map() },
        nextLiveMs: performance.now() + random() * LIVE_EVERY_MS,
      };
    });
  }

  async join(delayMs: () => number): Promise<void> {
    const waiting = this.#members.map((member) => ({ member, atMs: performance.now() + delayMs() }));
    waiting.sort((a, b) => a.atMs - b.atMs);
    const next = async (): Promise<void> => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        await pass(Math.max(0, one.atMs - performance.now()));
        await this.#connect(one.member);
      }
    };
    await Promise.all(Array.from({ length: CONNECTING_MAX }, next));
  }

  async #connect(member: Member): Promise<void> {
    const { site, agent, live } = member;
    const will = { topic: agentTopic(site, agent, "status"), payload: Buffer.from(this.#status(member, "offline")) };
    const client = await connectAsync(this.#collector.mqtt, {
      ...{ protocolVersion: 4, clean: true, clientId: `aislewatch:${site}:${agent}`, username: `${site}/${agent}` },
      ...{ password: this.#collector.password, reconnectPeriod: 0, will: { ...will, qos: 1, retain: true } },
    });
    client.on("error", () => {});
    client.on("message", (_, payload) => this.#onAck(member, payload));
    await client.subscribeAsync(ackTopic(site, agent), { qos: 1 });
    member.window = new SendWindow();
    member.window.connected(member.acked, performance.now());
    client.publish(will.topic, this.#status(member, "online"), { qos: 1, retain: true });
    for (const part of splitInventory(live.inventory(LIVE_EVERY_MS), 1)) {
      client.publish(agentTopic(site, agent, `inventory/${part.part}`), JSON.stringify(part), { qos: 1, retain: true });
    }
    member.client = client;
  }

  #status({ epoch, seq, acked, historyTo }: Member, state: AgentStatus["state"]): string {
    const lanes = {
      live: { first: acked.live + 1, last: seq.live },
      history: { first: acked.history + 1, last: historyTo },
    };
    const now = Date.now();
    const outbox = { batches: 0, bytes: 0, oldestAt: null, lanes };
    return JSON.stringify({ v: WIRE_VERSION, state, version: "bench", epoch, startedAt: now, sentAt: now, outbox });
  }

  #onAck(member: Member, payload: Buffer): void {
    const ack = decodeAck(payload);
    if (!ack.ok || ack.value.epoch !== member.epoch) return;
    const { live, history, grant } = ack.value;
    const nowMs = performance.now();
    for (let seq = member.acked.live + 1; seq <= live; seq++) {
      const sentAtMs = member.sentAtMs.get(seq);
      member.sentAtMs.delete(seq);
      if (sentAtMs !== undefined) this.#latenciesMs.push(nowMs - sentAtMs);
    }
    member.acked = { live: Math.max(live, member.acked.live), history: Math.max(history, member.acked.history) };
    const granted = this.#isPaced ? grant : { historyBytesPerSecond: UNPACED_BYTES_PER_SECOND };
    member.window.acked({ live, history }, granted, nowMs);
  }

  /** Readings from now on are dated so much after the present. */
  start(shiftMs: number): void {
    this.#shiftMs = shiftMs;
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const member of this.#members) {
      if (member.client?.connected !== true) continue;
      if (nowMs >= member.nextLiveMs) {
        member.nextLiveMs = Math.max(member.nextLiveMs + LIVE_EVERY_MS, nowMs);
        const seq = ++member.seq.live;
        member.sentAtMs.set(seq, nowMs);
        this.#send(member, "live", { seq, timesMs: [Date.now() + this.#shiftMs], plan: member.live });
      }
      this.#sendHistory(member, nowMs);
    }
  }

  #sendHistory(member: Member, nowMs: number): void {
    while (member.seq.history < member.historyTo && member.window.room("history", nowMs) > 0) {
      const seq = ++member.seq.history;
      const fromMs = Date.now() - OUTAGE_MS + ((seq - 1) * OUTAGE_MS) / HISTORY_BATCHES;
      const timesMs = Array.from({ length: ROUNDS }, (_, r) =>
        Math.round(fromMs + (r * OUTAGE_MS) / HISTORY_BATCHES / ROUNDS),
      );
      this.historyBytes += this.#send(member, "history", { seq, timesMs, plan: member.history });
    }
  }

  #send(
    member: Member,
    lane: "live" | "history",
    { seq, timesMs, plan }: { seq: number; timesMs: readonly number[]; plan: FleetPlan },
  ): number {
    const { epoch, site, agent } = member;
    const text = plan
      .text({ epoch, seq, sentAt: Date.now() }, timesMs, seq * plan.rounds)
      .replace('"lane":"live"', `"lane":"${lane}"`);
    const payload = Buffer.from(text);
    member.client?.publish(agentTopic(site, agent, "telemetry"), payload, { qos: 1 });
    member.window.sent({ lane, seq, bytes: payload.byteLength }, performance.now());
    return payload.byteLength;
  }

  leave(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const member of this.#members) {
      member.client?.end(true);
      member.client = null;
      member.seq.live = member.acked.live;
      member.sentAtMs.clear();
    }
  }

  oweHistory(): void {
    for (const member of this.#members) member.historyTo = HISTORY_BATCHES;
  }

  async drained(waitMs: number): Promise<void> {
    const deadlineMs = performance.now() + waitMs;
    const owing = () => this.#members.filter(({ acked, historyTo }) => acked.history < historyTo).length;
    while (owing() > 0) {
      if (performance.now() > deadlineMs) throw new Error(`${owing()} agents still owe history after ${waitMs} ms`);
      await pass(100);
    }
  }

  takeLatencies(): Percentiles {
    const sorted = this.#latenciesMs.sort((a, b) => a - b);
    this.#latenciesMs = [];
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99), max: at(1) };
  }
}

const pass = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
