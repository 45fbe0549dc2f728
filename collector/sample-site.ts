/**
 * A collector's inside for the tests of this folder: the real state store, engine and judge over a temporary folder,
 * and a double of the one external store, the time series, that fails or stalls when it is told to.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import {
  type AgentStatus,
  agentTopic,
  decodeAck,
  encodeTelemetry,
  type InventoryDevice,
  type Lane,
  type Reading,
  rowsOf,
  splitInventory,
  splitSubject,
  type Telemetry,
  type Value,
} from "@aislewatch/contract";
import { compileRules, createEngine, type Engine, type RuleSet } from "@aislewatch/rules";
import type { StreamEvent } from "./api/schema/service.ts";
import type { AgentMessage } from "./broker/broker.ts";
import type { ConfigSet } from "./config-set.ts";
import { NO_ASSETS } from "./incidents/asset-book.ts";
import { NO_ESCALATION } from "./incidents/escalation-policy.ts";
import { DEFAULT_LIFECYCLE } from "./incidents/lifecycle.ts";
import { DEFAULT_SLA_POLICY } from "./incidents/sla-policy.ts";
import type { Incident } from "./incidents/types.ts";
import { createIngest, type Ingest } from "./ingest.ts";
import { createJudge, type Judge } from "./judge.ts";
import { NO_NOTIFICATIONS } from "./notify/routing.ts";
import { createRefills, type Refills } from "./refill.ts";
import { StoreError } from "./store/error.ts";
import { createSqliteStore } from "./store/state/sqlite.ts";
import type { StateStore } from "./store/state/store.ts";
import type {
  LaneKey,
  LastValue,
  Samples,
  SeriesId,
  TelemetryBatch,
  TimeSeriesStore,
  Watermark,
} from "./store/timeseries/store.ts";

/** A Friday, 10:00 in Berlin. */
export const T0 = Date.UTC(2026, 10, 20, 9);
export const EPOCH = "e1";

export const RULES = `group: test
select: kind == "label_printer"
rules:
  - { id: media-out, title: "Media out", when: "media_out", for: 0s, severity: major, category: consumable }
  - { id: no-answer, title: "No answer", when: "!up", for: 20s, severity: major, category: network }
`;

export function rulesOf(text: string): RuleSet {
  const compiled = compileRules([{ file: "rules.yaml", text }]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  return compiled.rules;
}

export const configOf = (rules = RULES): ConfigSet => ({
  rules: rulesOf(rules),
  sites: [],
  priority: undefined,
  runbooks: new Map([["printer/out", { title: "Out", markdown: "# Out" }]]),
  maintenance: [],
  sla: DEFAULT_SLA_POLICY,
  escalation: NO_ESCALATION,
  lifecycle: DEFAULT_LIFECYCLE,
  notifications: NO_NOTIFICATIONS,
  assets: NO_ASSETS,
});

export const printer = (id: string, given: Partial<InventoryDevice> = {}): InventoryDevice => ({
  id,
  kind: "label_printer",
  driver: "zpl",
  labels: {},
  dependsOn: [],
  intervalMs: 10_000,
  asset: {},
  components: [],
  metrics: ["up", "media_out"],
  ...given,
});

export const reading = (device: string, at: number, metrics: Reading["samples"][number]["metrics"]): Reading => ({
  device,
  at,
  samples: [{ component: null, metrics }],
});

export type BatchOptions = { epoch?: string; lane?: Lane; sentAt?: number };

export const batchOf = (seq: number, readings: readonly Reading[], options: BatchOptions = {}): Telemetry =>
  encodeTelemetry({ epoch: EPOCH, lane: "live", seq, sentAt: T0, ...options }, readings);

export const statusOf = (given: Partial<AgentStatus> = {}): AgentStatus => ({
  v: 1,
  state: "online",
  version: "1.0.0",
  epoch: EPOCH,
  startedAt: T0 - 1_000,
  sentAt: T0,
  ...given,
});

export const laneName = ({ site, agent, epoch, lane }: LaneKey): string => `${site}/${agent}/${epoch}/${lane}`;

const seriesName = ({ site, device, component, metric }: SeriesId): string =>
  JSON.stringify([site, device, component, metric]);

/** Keeps what it took over a restart, as a real one does, and drops what it had before. */
export class MemorySeries implements TimeSeriesStore {
  mode: "takes" | "fails" | "stalls" = "takes";
  reads: "answer" | "fail" | "hang" = "answer";
  /** What was asked of samples(). */
  readonly asked: { series: number; from: number; to: number }[] = [];
  readonly batches = new Map<string, TelemetryBatch[]>();
  readonly marks = new Map<string, Watermark>();
  #stalled: (() => void)[] = [];

  async open(): Promise<void> {}
  async close(): Promise<void> {}

  append(batches: readonly TelemetryBatch[]): Promise<void> {
    if (this.mode === "fails") return Promise.reject(new StoreError("disk_full", "no space left on the disk"));
    if (this.mode === "takes") {
      this.#keep(batches);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#stalled.push(() => {
        this.#keep(batches);
        resolve();
      });
    });
  }

  /** What was stalled is written. */
  release(): void {
    this.mode = "takes";
    for (const write of this.#stalled.splice(0)) write();
  }

  /** What was stalled died with the process. */
  forget(): void {
    this.#stalled = [];
  }

  #keep(batches: readonly TelemetryBatch[]): void {
    for (const batch of batches) {
      const { site, agent, epoch, lane, seq } = batch;
      const name = laneName(batch);
      if (seq <= (this.marks.get(name)?.seq ?? 0)) continue;
      this.marks.set(name, { site, agent, epoch, lane, seq });
      this.batches.set(name, [...(this.batches.get(name) ?? []), batch]);
    }
  }

  seqs(lane: Lane = "live", epoch = EPOCH): number[] {
    return (this.batches.get(laneName({ site: "s1", agent: "pc", epoch, lane })) ?? []).map(({ seq }) => seq);
  }

  async watermarks(): Promise<Watermark[]> {
    return [...this.marks.values()];
  }
  async query(): Promise<[]> {
    return [];
  }
  async samples(series: readonly SeriesId[], range: { from: number; to: number }): Promise<Samples> {
    this.asked.push({ series: series.length, ...range });
    if (this.reads === "fail") throw new StoreError("busy", "reads wait already");
    if (this.reads === "hang") return new Promise(() => {});
    const placeOf = new Map(series.map((id, place) => [seriesName(id), place]));
    const found: { place: number; time: number; value: Value }[] = [];
    for (const { site, message, skewMs } of [...this.batches.values()].flat()) {
      for (const { metrics, subject, at, values } of message.tables) {
        for (const [row, after] of at.entries()) {
          const name = message.subjects[subject[row] ?? -1] ?? "";
          const time = message.base + after + skewMs;
          for (const [m, metric] of metrics.entries()) {
            const place = placeOf.get(seriesName({ site, ...splitSubject(name), metric }));
            const value = values[m]?.[row] ?? null;
            if (place === undefined || value === null || time < range.from || time >= range.to) continue;
            found.push({ place, time, value });
          }
        }
      }
    }
    found.sort((a, b) => a.time - b.time);
    return {
      series: Int32Array.from(found, ({ place }) => place),
      at: Float64Array.from(found, ({ time }) => time),
      value: Float64Array.from(found, ({ value }) => Number(value)),
      until: range.to,
    };
  }
  async lastValues(): Promise<LastValue[]> {
    const newest = new Map<string, LastValue>();
    for (const { site, message, skewMs } of [...this.batches.values()].flat()) {
      for (const { subject, metrics, at: readAt } of rowsOf(message)) {
        for (const [metric, value] of Object.entries(metrics)) {
          const [key, at] = [`${subject} ${metric}`, readAt + skewMs];
          if (at >= (newest.get(key)?.at ?? 0)) newest.set(key, { site, subject, metric, at, value });
        }
      }
    }
    return [...newest.values()];
  }
  async stats(): Promise<{ samples: number; series: number; bytesOnDisk: number }> {
    return { samples: 0, series: 0, bytesOnDisk: 0 };
  }
}

/** The real store, with a disk that is full while `isFull`. */
export function onDiskThatFills(store: StateStore): { store: StateStore; disk: { isFull: boolean } } {
  const disk = { isFull: false };
  const writes = new Set<PropertyKey>(["commit", "putInventory", "addPoison", "putDocument"]);
  const proxy = new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        if (disk.isFull && writes.has(name)) throw new StoreError("disk_full", "database or disk is full");
        return Reflect.apply(member, target, args);
      };
    },
  });
  return { store: proxy, disk };
}

export type Acked = { live: number; history: number; epoch: string; heard?: number };

export type Inside = {
  readonly state: StateStore;
  readonly judge: Judge;
  readonly ingest: Ingest;
  readonly disk: { isFull: boolean };
  readonly refills: Refills;
  /** What the page was told, in order. */
  readonly told: StreamEvent[];
};

export type SampleSite = Inside & {
  readonly clock: ManualClock;
  readonly series: MemorySeries;
  readonly acks: Acked[];
  /** Agents that were thrown out, and what the log would say. */
  readonly disconnects: string[];
  readonly log: { name: string; detail: unknown }[];
  readonly opened: Incident[];
  send(channel: "status" | "telemetry" | "inventory/0" | "inventory/1", message: unknown, agent?: string): void;
  inventory(devices: readonly InventoryDevice[], agent?: string): void;
  /** Lets time pass, with what waits for the event loop. */
  pass(ms: number): Promise<void>;
  /** As kill -9 does; then a start. */
  restart(): Promise<void>;
  end(): Promise<void>;
};

/** As a start of the collector takes them (app.ts); what is newer was not judged before it ended. */
async function valuesUpToJudged(state: StateStore, series: MemorySeries): Promise<LastValue[]> {
  const until = Math.max(0, ...state.agents().map(({ judgedUntil }) => judgedUntil));
  return (await series.lastValues()).filter(({ at }) => at <= until);
}

export type SampleOptions = {
  readonly rules?: string;
  readonly queueBytesMax?: number;
  readonly engine?: Engine;
  /** Windows are filled from the store, as the collector does it. */
  readonly isStored?: boolean;
  readonly makeJudge?: (state: StateStore, clock: ManualClock) => Judge;
};

export async function sampleSite(options: SampleOptions = {}): Promise<SampleSite> {
  const folder = mkdtempSync(join(tmpdir(), "aislewatch-"));
  const clock = new ManualClock(T0);
  const series = new MemorySeries();
  const acks: Acked[] = [];
  const disconnects: string[] = [];
  const log: SampleSite["log"] = [];
  const opened: Incident[] = [];

  async function start(): Promise<Inside> {
    const real = createSqliteStore({ file: join(folder, "state.sqlite") });
    await real.open();
    const { store: state, disk } = onDiskThatFills(real);
    const told: StreamEvent[] = [];
    const engine = options.engine ?? createEngine({ isStored: options.isStored ?? false });
    const judge =
      options.makeJudge?.(state, clock) ??
      createJudge(
        {
          clock,
          engine,
          state,
          commitSoon: (urgent) => ingest.commitSoon(urgent),
          events: {
            onIncidentOpened: (incident) => opened.push(incident),
            onSuspected: (parents) => log.push({ name: "suspected", detail: parents.map(({ device }) => device) }),
            onAgent: (detail) => log.push({ name: "agent", detail }),
          },
        },
        () => 0,
      );
    const ingest: Ingest = createIngest({
      clock,
      state,
      timeseries: series,
      judge,
      ...(options.queueBytesMax !== undefined && { queueBytesMax: options.queueBytesMax }),
      publish(topic, payload) {
        const ack = decodeAck(Buffer.from(payload));
        if (!ack.ok) throw new Error(`${topic}: ${ack.error.detail}`);
        const { live, history, epoch, heard } = ack.value;
        acks.push({ live, history, epoch, ...(heard !== undefined && { heard }) });
      },
      renew(site, agent, text) {
        const ack = decodeAck(Buffer.from(text));
        if (!ack.ok || ack.value.again !== true) throw new Error(`not an ack that asks for all again: ${text}`);
        disconnects.push(`${site}/${agent}`);
      },
      events: {
        onPoison: (detail) => log.push({ name: "poison", detail }),
        onGap: (detail) => log.push({ name: "gap", detail }),
        onLostByRestore: (detail) => log.push({ name: "lost by restore", detail }),
        onStoreFailed: (detail) => log.push({ name: "failed", detail }),
        onStoreRecovered: (detail) => log.push({ name: "recovered", detail }),
        onSeriesGone: (detail) => log.push({ name: "series gone", detail }),
        onClaimRefused: (detail) => log.push({ name: "claim", detail }),
        onEpochRefused: (detail) => log.push({ name: "epoch", detail }),
        onClockOff: (detail) => log.push({ name: "clock", detail }),
      },
    });
    judge.restore(configOf(options.rules), await valuesUpToJudged(state, series));
    judge.subscribe((event) => told.push(event));
    await ingest.start();
    const refills = createRefills({
      clock,
      engine,
      series,
      marksOf(name, agent) {
        const { judgedUntil, epoch } = judge.liveUntil(name, agent);
        return { judgedUntil, ...ingest.liveMarks(name, agent, epoch ?? "") };
      },
      onJudged: (transitions) => judge.refilled(transitions),
      onProblem: (detail) => log.push({ name: "not refilled", detail }),
    });
    if (options.isStored === true) refills.start();
    return { state, judge, ingest, disk, told, refills };
  }

  const inside = await start();
  const site: SampleSite = {
    ...inside,
    clock,
    series,
    acks,
    disconnects,
    log,
    opened,
    send(channel, message, agent = "pc") {
      const text = typeof message === "string" ? message : JSON.stringify(message);
      const [name, part] = channel.split("/");
      const parsed: AgentMessage = {
        site: "s1",
        agent,
        channel: name === "status" || name === "telemetry" ? name : "inventory",
        part: Number(part ?? 0),
        topic: agentTopic("s1", agent, channel),
        payload: Buffer.from(text),
      };
      site.ingest.onMessage(parsed);
    },
    inventory(devices, agent) {
      const [part] = splitInventory(devices, 1);
      site.send("inventory/0", part, agent);
    },
    async pass(ms) {
      for (let left = ms; left > 0; left -= 250) {
        clock.advance(Math.min(left, 250));
        for (let turn = 0; turn < 3; turn++) await new Promise((done) => setImmediate(done));
      }
    },
    async restart() {
      site.ingest.stop();
      site.refills.stop();
      series.forget();
      await site.state.close();
      Object.assign(site, await start());
    },
    async end() {
      site.ingest.stop();
      site.refills.stop();
      await site.state.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return site;
}
