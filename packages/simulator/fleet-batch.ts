/**
 * Telemetry for load: the batches of one simulated agent as ready MQTT payloads, at millions of samples a second on one
 * core. The layout comes from the contract: one message is encoded by `encodeTelemetry`, and its text is cut where
 * values stand. Constants stay as they are, slow walks come from columns that were rendered beforehand and are played
 * forth and back, only counters are rendered each time. So every batch is new and plausible: times and counters grow,
 * nothing jumps, and no rule of the shipped packs fires.
 */
import { encodeTelemetry, type InventoryDevice, LIMITS, type Value } from "@aislewatch/contract";
import { type Kind, type Metric, metricsOf } from "@aislewatch/devices";
import { clamp, type Random } from "./random.ts";

export type FleetShape = {
  readonly kind: Kind;
  readonly devices: number;
  /** Metrics of each device; at most what the catalogue has for the kind. */
  readonly metrics: number;
  /** Samples in a batch, as near as whole rounds of polls come to it. */
  readonly batchSamples: number;
};

export type FleetBatch = { readonly payload: Buffer; readonly seq: number; readonly samples: number };

type Behaviour = "constant" | "walk" | "counter";

/** Rendered steps of a walk; forth and back they repeat after twice as many batches. */
const WALK_STEPS = 48;
/** Times of two rounds of polls differ by a millisecond at least. */
const ROUND_MS_MIN = 1;

/** What all agents of a fleet share: the text around the values, and the rendered columns. */
export class FleetPlan {
  readonly shape: FleetShape;
  readonly metrics: readonly Metric[];
  readonly rounds: number;
  readonly samplesPerBatch: number;
  readonly deviceIds: readonly string[];
  readonly #columns: readonly { readonly behaviour: Behaviour; readonly steps: readonly string[] }[];
  readonly #frame: Frame;

  /** Throws a RangeError for a shape that no agent could have. */
  constructor(shape: FleetShape, random: Random) {
    this.shape = shape;
    this.metrics = pickMetrics(shape);
    const perRound = shape.devices * shape.metrics;
    this.rounds = Math.max(1, Math.round(shape.batchSamples / perRound));
    this.samplesPerBatch = perRound * this.rounds;
    const rows = shape.devices * this.rounds;
    if (rows > LIMITS.rowsMax) throw new RangeError(`${rows} readings in a batch, at most ${LIMITS.rowsMax}`);
    this.deviceIds = Array.from(
      { length: shape.devices },
      (_, d) => `unit-${d + 1}/${shape.kind.replaceAll("_", "-")}`,
    );
    this.#columns = this.metrics.map((metric) => renderColumn(metric, rows, random));
    this.#frame = cutFrame(this.deviceIds, this.metrics, this.rounds);
  }

  inventory(intervalMs: number): InventoryDevice[] {
    return this.deviceIds.map((id) => ({
      id,
      kind: this.shape.kind,
      driver: "fleet",
      labels: {},
      dependsOn: [],
      intervalMs,
      asset: { vendor: "Simulated", model: "Fleet" },
      components: [],
      metrics: this.metrics.map(({ name }) => name),
    }));
  }

  /** The text of one batch. `round` counts the rounds of polls since the agent's start. */
  text(head: { epoch: string; seq: number; sentAt: number }, timesMs: readonly number[], round: number): string {
    const { devices } = this.shape;
    const base = timesMs[0] ?? head.sentAt;
    const at = timesMs.map((timeMs) => repeat(String(timeMs - base), devices)).join(",");
    const step = (round / this.rounds) % (2 * WALK_STEPS);
    const walkStep = Math.floor(step < WALK_STEPS ? step : 2 * WALK_STEPS - 1 - step);
    const columns = this.#columns.map(({ behaviour, steps }, m) => {
      if (behaviour === "counter") return renderCounter(m, round, this.rounds, devices);
      return steps[behaviour === "walk" ? walkStep : 0] ?? "";
    });
    const [start, beforeAt, beforeValues, end] = this.#frame;
    return `${start}"epoch":"${head.epoch}","lane":"live","seq":${head.seq},"sentAt":${head.sentAt},"base":${base}${beforeAt}${at}${beforeValues}[${columns.join("],[")}]${end}`;
  }
}

/** One agent's batches. */
export class BatchWriter {
  readonly #plan: FleetPlan;
  readonly #epoch: string;
  #seq = 0;
  #round: number;
  #lastAtMs: number;

  /** `phase` (0 to 1) sets where in their walks this agent's values begin. */
  constructor(plan: FleetPlan, start: { readonly epoch: string; readonly nowMs: number; readonly phase: number }) {
    this.#plan = plan;
    this.#epoch = start.epoch;
    this.#round = Math.floor(start.phase * 2 * WALK_STEPS) * plan.rounds;
    this.#lastAtMs = start.nowMs - plan.rounds * ROUND_MS_MIN;
  }

  /**
   * The next batch, its polls spread evenly over the time since the last one; null when so little time has passed that
   * polls would need times in the future.
   */
  next(nowMs: number): FleetBatch | null {
    const { rounds, samplesPerBatch } = this.#plan;
    const passedMs = nowMs - this.#lastAtMs;
    if (passedMs < rounds * ROUND_MS_MIN) return null;
    const times = Array.from({ length: rounds }, (_, r) => this.#lastAtMs + Math.floor((passedMs * (r + 1)) / rounds));
    const text = this.#plan.text({ epoch: this.#epoch, seq: this.#seq + 1, sentAt: nowMs }, times, this.#round);
    this.#seq++;
    this.#round += rounds;
    this.#lastAtMs = nowMs;
    return { payload: Buffer.from(text, "latin1"), seq: this.#seq, samples: samplesPerBatch };
  }
}

function behaviourOf(metric: Metric): Behaviour {
  if (metric.type === "boolean") return "constant";
  if (metric.counter || metric.name === "uptime_seconds") return "counter";
  return metric.unit === "B" ? "constant" : "walk";
}

/** `up` first, then walks, counters and constants in turn, so that a few metrics are a fair mixture. */
function pickMetrics({ kind, metrics }: FleetShape): Metric[] {
  const all = metricsOf(kind).filter(({ component, name }) => component === null && name !== "up");
  const up = metricsOf(kind).filter(({ name }) => name === "up");
  const [walks, counters, constants] = (["walk", "counter", "constant"] as const).map((behaviour) =>
    all.filter((metric) => behaviourOf(metric) === behaviour),
  );
  const mixed = all.flatMap((_, i) => [walks?.[i], counters?.[i], constants?.[i]].filter((m) => m !== undefined));
  const picked = [...up, ...mixed].slice(0, metrics);
  if (metrics < 1 || picked.length < metrics) {
    throw new RangeError(`a ${kind} has from 1 to ${picked.length} metrics of its own, not ${metrics}`);
  }
  return picked;
}

/** Where a healthy value wanders, by its unit; far from every shipped threshold. */
function healthyRange({ unit, name }: Metric): readonly [min: number, max: number] {
  if (name === "poll_duration_seconds") return [0.01, 0.12];
  if (name === "clock_offset_seconds") return [-0.2, 0.2];
  if (name === "swap_used_percent") return [0, 9];
  if (unit === "%") return [38, 66];
  if (unit === "°C") return [24, 38];
  if (unit === "V") return [226, 236];
  return unit === "s" ? [600, 1_200] : [0, 3];
}

const healthyConstant = (metric: Metric): Value =>
  metric.type === "boolean" ? metric.bad === false : metric.unit === "B" ? 8_192_000_000 : 0;

function renderColumn(
  metric: Metric,
  rows: number,
  random: Random,
): { behaviour: Behaviour; steps: readonly string[] } {
  const behaviour = behaviourOf(metric);
  if (behaviour === "counter") return { behaviour, steps: [] };
  if (behaviour === "constant") return { behaviour, steps: [repeat(String(healthyConstant(metric)), rows)] };
  const [min, max] = healthyRange(metric);
  const stride = (max - min) / 40;
  const values = Array.from({ length: rows }, () => min + random() * (max - min));
  const steps = Array.from({ length: WALK_STEPS }, () => {
    for (let row = 0; row < rows; row++) {
      // Half the time a slow value does not move at all between two polls.
      const move = random() < 0.5 ? 0 : (random() * 2 - 1) * stride;
      values[row] = clamp((values[row] ?? min) + move, min, max);
    }
    return values
      .map((value) => (max - min > 1 ? Math.round(value * 10) / 10 : Math.round(value * 1000) / 1000))
      .join(",");
  });
  return { behaviour, steps };
}

/** Counters of different devices and metrics begin apart and grow at their own pace. */
function renderCounter(metric: number, round: number, rounds: number, devices: number): string {
  const values: number[] = [];
  for (let r = 0; r < rounds; r++) {
    for (let d = 0; d < devices; d++) values.push(10_000 * (d + 1) + metric * 777 + (round + r) * (1 + (d % 5)));
  }
  return values.join(",");
}

const repeat = (text: string, times: number): string => `${text},`.repeat(times).slice(0, -1);

type Frame = readonly [start: string, beforeAt: string, beforeValues: string, end: string];

/**
 * The contract's own text of such a batch, cut around header, times and values. Throws when the layout is no longer
 * what is cut here: the contract has changed, and this file must follow.
 */
function cutFrame(deviceIds: readonly string[], metrics: readonly Metric[], rounds: number): Frame {
  const at = LIMITS.timeMsMin;
  const readings = Array.from({ length: rounds }, () =>
    deviceIds.map((device) => ({
      device,
      at,
      samples: [{ component: null, metrics: Object.fromEntries(metrics.map(({ name }) => [name, 0])) }],
    })),
  ).flat();
  const message = encodeTelemetry({ epoch: "e", lane: "live", seq: 1, sentAt: at }, readings);
  const parts =
    /^(\{"v":\d+,)"epoch":"e","lane":"live","seq":1,"sentAt":\d+,"base":\d+(,"subjects":.*"at":\[)[\d,]+(\],"values":\[).*(\]\}\]\})$/.exec(
      JSON.stringify(message),
    );
  const [, start, beforeAt, beforeValues, end] = parts ?? [];
  if (start === undefined || beforeAt === undefined || beforeValues === undefined || end === undefined) {
    throw new Error("telemetry is laid out otherwise than the fleet expects");
  }
  return [start, beforeAt, beforeValues, end];
}
