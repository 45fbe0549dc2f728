/**
 * A fleet of agents for load: each has its own MQTT connection, says that it is online, publishes its inventory, then
 * telemetry at a wanted rate, and reads its acks. An agent keeps a bounded number of unacked batches in flight, as the
 * real one does; what the collector does not take is not generated.
 */
import { type Clock, err, errorText, ok, type Result } from "@aislewatch/base";
import {
  type AgentStatus,
  ackTopic,
  agentTopic,
  decodeAck,
  LIMITS,
  splitInventory,
  WIRE_VERSION,
} from "@aislewatch/contract";
import { connectAsync, type MqttClient } from "mqtt";
import { BatchWriter, FleetPlan, type FleetShape } from "./fleet-batch.ts";
import type { Random } from "./random.ts";

export type FleetOptions = {
  /** As `mqtt://127.0.0.1:1883`. */
  readonly url: string;
  readonly agents: number;
  /**
   * Several: the agents take them in turn. A site has one agent of each, for the devices of two agents of one shape have
   * the same ids, and a site's device belongs to one agent.
   */
  readonly shape: FleetShape | readonly FleetShape[];
  /** Of the whole fleet; `max`: as fast as acks come. */
  readonly samplesPerSecond: number | "max";
  readonly password: (site: string, agent: string) => string;
  readonly clock: Clock;
  readonly random: Random;
  /** Unacked batches of one agent; 32 unless given. */
  readonly windowBatches?: number;
  /** What the inventory says about how often devices are polled; 1 s unless given. */
  readonly intervalMs?: number;
};

export type FleetCounters = {
  readonly batches: number;
  readonly samples: number;
  readonly bytes: number;
  readonly ackedBatches: number;
  readonly ackedSamples: number;
  readonly acks: number;
  /** How often samples were due while every agent's window was full: the collector is slower than the wanted rate. */
  readonly heldBack: number;
  readonly connectionsLost: number;
  /** From publish to ack, of the newest batch that each ack covers; the last LATENCIES_MAX of them, in ms. */
  readonly ackMs: { readonly p50: number; readonly p99: number } | null;
};

export type Fleet = {
  counters(): FleetCounters;
  /** Publishes no more and waits until all is acked or `waitMs` have passed; then disconnects. */
  stop(waitMs?: number): Promise<FleetCounters>;
};

export type FleetError = { readonly kind: "shape" | "connect"; readonly detail: string };

const WINDOW_BATCHES = 32;
const INTERVAL_MS = 1_000;
const TICK_MS = 5;
/** Time that a tick may publish before it lets acks in. */
const BURST_MS_MAX = 4;
const LATENCIES_MAX = 10_000;
const DRAIN_MS_MAX = 10_000;
/** Connections opened at the same time, so that a fleet of thousands does not overrun the backlog. */
const CONNECTING_MAX = 50;
/** A fleet that fell behind catches up at most this much, instead of bursting after a pause. */
const CATCH_UP_MS_MAX = 250;

type Member = {
  readonly client: MqttClient;
  readonly samplesPerBatch: number;
  readonly topic: string;
  readonly writer: BatchWriter;
  readonly sentAtMs: Map<number, number>;
  seq: number;
  acked: number;
};

export async function runFleet(options: FleetOptions): Promise<Result<Fleet, FleetError>> {
  const shapes = Array.isArray(options.shape) ? options.shape : [options.shape];
  let plans: FleetPlan[];
  try {
    if (shapes.length === 0) throw new RangeError("a fleet without a shape");
    plans = shapes.map((shape) => new FleetPlan(shape, options.random));
  } catch (thrown) {
    return err({ kind: "shape", detail: errorText(thrown) });
  }
  const tally = new Tally();
  const members: Member[] = [];
  try {
    for (let first = 0; first < options.agents; first += CONNECTING_MAX) {
      const count = Math.min(CONNECTING_MAX, options.agents - first);
      const joined = await Promise.allSettled(
        Array.from({ length: count }, (_, i) => join(first + i, plans, options, tally)),
      );
      for (const one of joined) if (one.status === "fulfilled") members.push(one.value);
      const failed = joined.find((one) => one.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    }
  } catch (thrown) {
    for (const { client } of members) client.end(true);
    return err({ kind: "connect", detail: errorText(thrown) });
  }
  const stopPublishing = publish(members, options, tally);
  return ok({
    counters: () => tally.counters(),
    async stop(waitMs = DRAIN_MS_MAX) {
      stopPublishing();
      await drained(members, options.clock, waitMs);
      tally.leaving = true;
      await Promise.all(members.map(({ client }) => client.endAsync(true)));
      return tally.counters();
    },
  });
}

/** Who the n-th agent of a fleet is, from 0; to let it in before it comes. */
export const fleetMember = (index: number, shapes: number): { readonly site: string; readonly agent: string } => ({
  site: `fleet-${Math.floor(index / shapes) + 1}`,
  agent: `agent-${index + 1}`,
});

async function join(index: number, plans: readonly FleetPlan[], options: FleetOptions, tally: Tally): Promise<Member> {
  const { clock, random } = options;
  const plan = plans[index % plans.length];
  if (plan === undefined) throw new RangeError("a fleet without a shape");
  const { site, agent } = fleetMember(index, plans.length);
  const epoch = `e${Math.floor(random() * 2 ** 48).toString(16)}`;
  const status = (state: AgentStatus["state"]): string => {
    const message: AgentStatus = {
      v: WIRE_VERSION,
      state,
      version: "fleet",
      epoch,
      startedAt: clock.now(),
      sentAt: clock.now(),
    };
    return JSON.stringify(message);
  };
  const client = await connectAsync(options.url, {
    protocolVersion: 4,
    clean: true,
    clientId: `aislewatch:${site}:${agent}`,
    username: `${site}/${agent}`,
    password: options.password(site, agent),
    // A lost connection is a result of the measurement, not something to hide.
    reconnectPeriod: 0,
    will: { topic: agentTopic(site, agent, "status"), payload: Buffer.from(status("offline")), qos: 1, retain: true },
  });
  const member: Member = {
    client,
    samplesPerBatch: plan.samplesPerBatch,
    topic: agentTopic(site, agent, "telemetry"),
    writer: new BatchWriter(plan, { epoch, nowMs: clock.now(), phase: random() }),
    sentAtMs: new Map(),
    seq: 0,
    acked: 0,
  };
  client.on("error", () => {});
  client.on("close", () => tally.lost());
  client.on("message", (topic, payload) => {
    const ack = topic === ackTopic(site, agent) ? decodeAck(payload) : null;
    if (ack?.ok && ack.value.epoch === epoch) tally.ack(member, ack.value.live, clock.monotonic());
  });
  await client.subscribeAsync(ackTopic(site, agent), { qos: 1 });
  await client.publishAsync(agentTopic(site, agent, "status"), status("online"), { qos: 1, retain: true });
  const parts = splitInventory(plan.inventory(options.intervalMs ?? INTERVAL_MS), 1);
  for (const part of parts) {
    const topic = agentTopic(site, agent, `inventory/${part.part}`);
    await client.publishAsync(topic, JSON.stringify(part), { qos: 1, retain: true });
  }
  return member;
}

/** Publishes until the returned function is called. */
function publish(members: readonly Member[], options: FleetOptions, tally: Tally): () => void {
  const { clock, samplesPerSecond, windowBatches = WINDOW_BATCHES } = options;
  const unlimited = samplesPerSecond === "max";
  const samplesPerMs = unlimited ? 0 : samplesPerSecond / 1_000;
  /** Samples. */
  let due = 0;
  let turn = 0;
  let lastMs = clock.monotonic();
  let cancel: () => void = () => {};

  /** Sends the next batch of the next agent that may; returns its samples, 0 when none may. */
  const sendOne = (nowMs: number): number => {
    for (let tried = 0; tried < members.length; tried++) {
      const member = members[turn++ % members.length];
      if (member === undefined || !member.client.connected || member.seq - member.acked >= windowBatches) continue;
      const batch = member.writer.next(nowMs);
      if (batch === null) continue;
      if (batch.payload.byteLength > LIMITS.messageBytesMax)
        throw new RangeError("batchSamples: a message is too large");
      member.seq = batch.seq;
      member.sentAtMs.set(batch.seq, clock.monotonic());
      tally.sent(batch.samples, batch.payload.byteLength);
      member.client.publish(member.topic, batch.payload, { qos: 1 });
      return batch.samples;
    }
    return 0;
  };
  const tick = (): void => {
    const startMs = clock.monotonic();
    due += Math.min(startMs - lastMs, CATCH_UP_MS_MAX) * samplesPerMs;
    lastMs = startMs;
    while ((unlimited || due >= 0) && clock.monotonic() - startMs < BURST_MS_MAX) {
      const samples = sendOne(clock.now());
      if (samples === 0) {
        if (!unlimited) tally.heldBack++;
        due = Math.min(due, 0);
        break;
      }
      if (!unlimited) due -= samples;
    }
    cancel = clock.after(unlimited ? 0 : TICK_MS, tick);
  };
  tick();
  return () => cancel();
}

async function drained(members: readonly Member[], clock: Clock, waitMs: number): Promise<void> {
  const endMs = clock.monotonic() + waitMs;
  while (members.some(({ seq, acked }) => acked < seq) && clock.monotonic() < endMs) {
    await new Promise<void>((resolve) => clock.after(TICK_MS, resolve));
  }
}

class Tally {
  heldBack = 0;
  leaving = false;
  readonly #latenciesMs: number[] = [];
  #batches = 0;
  #samples = 0;
  #bytes = 0;
  #ackedBatches = 0;
  #ackedSamples = 0;
  #acks = 0;
  #lost = 0;

  sent(samples: number, bytes: number): void {
    this.#batches++;
    this.#samples += samples;
    this.#bytes += bytes;
  }

  lost(): void {
    if (!this.leaving) this.#lost++;
  }

  ack(member: Member, live: number, nowMs: number): void {
    this.#acks++;
    if (live <= member.acked || live > member.seq) return;
    const sentAtMs = member.sentAtMs.get(live);
    if (sentAtMs !== undefined) {
      this.#latenciesMs[this.#acks % LATENCIES_MAX] = nowMs - sentAtMs;
    }
    for (let seq = member.acked + 1; seq <= live; seq++) member.sentAtMs.delete(seq);
    this.#ackedBatches += live - member.acked;
    this.#ackedSamples += (live - member.acked) * member.samplesPerBatch;
    member.acked = live;
  }

  counters(): FleetCounters {
    // Slots that no ack has filled yet are holes.
    const sorted = this.#latenciesMs.filter(() => true).sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    return {
      batches: this.#batches,
      samples: this.#samples,
      bytes: this.#bytes,
      ackedBatches: this.#ackedBatches,
      ackedSamples: this.#ackedSamples,
      acks: this.#acks,
      heldBack: this.heldBack,
      connectionsLost: this.#lost,
      ackMs: sorted.length === 0 ? null : { p50: at(0.5), p99: at(0.99) },
    };
  }
}
