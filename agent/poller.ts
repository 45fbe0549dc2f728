/**
 * From due to taken: starts the polls that the schedule names, holds each to its deadline, and hands readings to the
 * intake. Decides nothing about when (core/schedule.ts), what a reply means (the drivers) or what may leave
 * (core/reading.ts).
 */
import { type Clock, err, errorText, type Result } from "@aislewatch/base";
import { type Asset, type InventoryDevice, LIMITS, type Reading } from "@aislewatch/contract";
import type { Log } from "@aislewatch/runtime";
import type { Device } from "./config.ts";
import { Components } from "./core/components.ts";
import { type Health, NEW_HEALTH, stepHealth } from "./core/health.ts";
import { cleanAsset, EVENTS_A_POLL_MAX, isComponent, makeReading, type PollResult } from "./core/reading.ts";
import { Schedule } from "./core/schedule.ts";
import { NO_VERDICTS, stepVerdicts, type Verdicts } from "./core/verdicts.ts";
import type { DevicePoller, Parsed, PollError, Source } from "./drivers/driver.ts";
import { agentEvents } from "./events.ts";

export type PollerOptions = {
  readonly devices: readonly Device[];
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly onReading: (reading: Reading) => void;
  /** An asset, a profile, a metric or a component became known. */
  readonly onInventory: () => void;
};

export type DeviceState = {
  readonly id: string;
  readonly health: Health;
  readonly asset: Asset;
  readonly profile: string | null;
  readonly sources: readonly Source[];
};

/** A driver has this long after its signal ended to come back; then the poller goes on without it. */
const GRACE_MS = 500;
/** Components remembered for the inventory; what a device invents beyond that is not a part of it. */
const COMPONENTS_MAX = LIMITS.subjectsMax;

export type DeviceEvent = NonNullable<Reading["events"]>[number];

/** How a poll that was asked for ended. */
export type Probed = { readonly failure: string | null; readonly samples: number; readonly tookMs: number };

export type Changes = { added: number; removed: number; changed: number; unchanged: number };

type Watched = {
  readonly device: Device;
  readonly poller: DevicePoller<unknown>;
  readonly components: Components;
  /** It has answered since the start. */
  heard: boolean;
  /** What the device said unasked since its last reading. */
  events: DeviceEvent[];
  verdicts: Verdicts;
  health: Health;
  asset: Asset;
  /** What the inventory said last, to see when it changes. */
  described: string;
  /** Who waits for the end of the next poll that begins. */
  waiting: ((probed: Probed) => void)[];
  /** It is no longer in the file: what a poll of it still brings counts for nothing. */
  retired: boolean;
  /** Ends what its driver watches between polls. */
  unwatch: (() => void) | undefined;
};

export class Poller {
  readonly #options: PollerOptions;
  #watched: ReadonlyMap<string, Watched>;
  readonly #schedule: Schedule;
  /**
   * Ends each poll that runs. Not one signal for all: what listens to a signal that lives as long as the agent stays on
   * it, poll for poll.
   */
  readonly #enders = new Map<Watched, () => void>();
  readonly #running = new Map<Watched, Promise<void>>();
  #cancelWake: (() => void) | null = null;
  #started = false;
  #stopping = false;
  /** While devices are exchanged no poll begins; those that run go on. */
  #exchanging: Promise<Changes> | null = null;
  #revision: number;

  constructor(options: PollerOptions) {
    this.#options = options;
    const { devices, clock, random } = options;
    this.#watched = new Map(devices.map((device) => [device.id, watch(device)]));
    this.#schedule = new Schedule(devices, clock.monotonic(), random);
    // The time, so that an agent that restarts, with another configuration perhaps, does not repeat a revision.
    this.#revision = Math.max(0, Math.floor(clock.now()));
  }

  start(): void {
    this.#started = true;
    for (const watched of this.#watched.values()) this.#watchDriver(watched);
    this.#wake();
  }

  /**
   * Another set of devices, from a file that was read again. A device whose fingerprint is the same goes on as if nothing
   * had been; the others' polls are ended and their lines closed before new ones begin. One exchange at a time.
   */
  async reconfigure(devices: readonly Device[]): Promise<Changes> {
    while (this.#exchanging !== null) await this.#exchanging;
    this.#exchanging = this.#exchange(devices);
    try {
      return await this.#exchanging;
    } finally {
      this.#exchanging = null;
      this.#wake();
    }
  }

  /** Polls a device out of turn; resolves when a poll that began after this has ended. Null: no such device. */
  probe(id: string): Promise<Probed> | null {
    const watched = this.#watched.get(id);
    if (watched === undefined || this.#stopping) return null;
    const { promise, resolve } = Promise.withResolvers<Probed>();
    watched.waiting.push(resolve);
    this.pollNow(id);
    return promise;
  }

  get deviceIds(): string[] {
    return [...this.#watched.keys()];
  }

  /** Ends running polls by their signal, and closes the drivers. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const watched of this.#watched.values()) watched.unwatch?.();
    for (const end of this.#enders.values()) end();
    this.#cancelWake?.();
    this.#cancelWake = null;
    await Promise.allSettled([this.#exchanging, ...this.#running.values()]);
    for (const watched of this.#watched.values()) this.#tellEvents(watched);
    await Promise.allSettled([...this.#watched.values()].map(({ poller }) => poller.close()));
  }

  /**
   * A device spoke up: it is polled at once, and what it said goes with the reading. However often it speaks, it has one
   * poll to wait for, and as many events as a reading holds; false when an event found no room.
   */
  pollNow(id: string, events: readonly DeviceEvent[] = []): boolean {
    const watched = this.#watched.get(id);
    if (watched === undefined || this.#stopping) return false;
    const room = EVENTS_A_POLL_MAX - watched.events.length;
    watched.events.push(...events.slice(0, room));
    if (this.#schedule.soon(id, this.#options.clock.monotonic())) this.#wake();
    return events.length <= room;
  }

  get states(): DeviceState[] {
    return [...this.#watched.values()].map(({ device, health, asset, poller }) => ({
      id: device.id,
      health,
      asset,
      profile: poller.profile(),
      sources: poller.sources?.() ?? [],
    }));
  }

  inventory(): { revision: number; devices: InventoryDevice[] } {
    return { revision: this.#revision, devices: [...this.#watched.values()].map(describe) };
  }

  #watchDriver(watched: Watched): void {
    watched.unwatch = watched.poller.watch?.(() => void this.pollNow(watched.device.id));
  }

  async #exchange(devices: readonly Device[]): Promise<Changes> {
    const next = new Map<string, Watched>();
    const fresh = new Set<string>();
    for (const device of devices) {
      const known = this.#watched.get(device.id);
      const isSame = known !== undefined && known.device.fingerprint === device.fingerprint;
      if (!isSame) fresh.add(device.id);
      next.set(device.id, isSame ? known : watch(device));
    }
    const gone = [...this.#watched].filter(([id, watched]) => next.get(id) !== watched);
    const changed = gone.filter(([id]) => next.has(id)).length;
    await Promise.allSettled(gone.map(([, watched]) => this.#retire(watched)));
    this.#watched = next;
    this.#schedule.replace(devices, fresh, this.#options.clock.monotonic());
    if (this.#started) for (const id of fresh) this.#startFresh(next.get(id));
    this.#revision++;
    this.#options.onInventory();
    const removed = gone.length - changed;
    return { added: fresh.size - changed, removed, changed, unchanged: next.size - fresh.size };
  }

  #startFresh(watched: Watched | undefined): void {
    if (watched !== undefined) this.#watchDriver(watched);
  }

  async #retire(watched: Watched): Promise<void> {
    watched.retired = true;
    watched.unwatch?.();
    this.#enders.get(watched)?.();
    await this.#running.get(watched);
    this.#tellEvents(watched);
    const failure = "the device was taken out of the file, or changed in it";
    for (const tell of watched.waiting.splice(0)) tell({ failure, samples: 0, tookMs: 0 });
    await watched.poller.close();
  }

  #wake(): void {
    if (!this.#started || this.#stopping || this.#exchanging !== null) return;
    this.#cancelWake?.();
    const { clock } = this.#options;
    const nowMs = clock.monotonic();
    const { turns, wakeMs } = this.#schedule.take(nowMs);
    for (const turn of turns) {
      const watched = this.#watched.get(turn.id);
      if (watched === undefined) continue;
      const running = this.#pollOnce(watched, turn.skipped).finally(() => {
        this.#running.delete(watched);
        // A line is free again, perhaps for one that waits.
        this.#wake();
      });
      this.#running.set(watched, running);
    }
    this.#cancelWake = wakeMs === null ? null : clock.after(wakeMs - nowMs, () => this.#wake());
  }

  async #pollOnce(watched: Watched, skipped: number): Promise<void> {
    const { clock, log, onReading } = this.#options;
    const { device } = watched;
    const waiting = watched.waiting.splice(0);
    const startMs = clock.monotonic();
    const polled = await this.#ask(watched);
    const tookMs = clock.monotonic() - startMs;
    this.#schedule.finish(device.id, polled.ok ? "answered" : polled.error.kind === "busy" ? "busy" : "failed");
    const samples = polled.ok ? polled.value.samples.reduce((sum, one) => sum + Object.keys(one.metrics).length, 0) : 0;
    for (const tell of waiting) tell({ failure: polled.ok ? null : withHint(polled.error), samples, tookMs });
    // What our own stop cut short is no failure of the device.
    if (watched.retired || (!polled.ok && this.#stopping)) return;
    if (polled.ok) this.#learn(watched, polled.value);
    const own = polled.ok ? [...(polled.value.events ?? []), ...this.#hear(watched, polled.value)] : [];
    const events = [...own, ...watched.events];
    watched.events = [];
    const result: PollResult = polled.ok
      ? { ok: true, samples: polled.value.samples, events }
      : { ok: false, kind: polled.error.kind, detail: withHint(polled.error), events };
    const skippedTurns = watched.health.skippedTurns + skipped;
    const made = makeReading({ device: device.id, atMs: clock.now(), tookMs, skipped: skippedTurns }, result);
    if (made.refused > 0) log.emit(agentEvents.valuesRefused, { device: device.id, count: made.refused });
    onReading(made.reading);
    this.#judge(watched, made.reading, { tookMs, skipped });
  }

  async #ask(watched: Watched): Promise<Result<Parsed, PollError>> {
    const { device, poller } = watched;
    const { clock, log } = this.#options;
    const { timeoutMs } = device;
    const ending = new AbortController();
    const givenUp = Promise.withResolvers<Result<never, PollError>>();
    let cancelTimer: () => void;
    const end = (giveUp: () => void): void => {
      ending.abort();
      cancelTimer = clock.after(GRACE_MS, giveUp);
    };
    const onStop = (): void => {
      cancelTimer();
      end(() => givenUp.resolve(err({ kind: "timeout", detail: "the agent stops, or the device was taken out" })));
    };
    const onDeadline = (): void =>
      end(() => {
        log.emit(agentEvents.pollOverran, { device: device.id, driver: device.driver.name, timeoutMs });
        givenUp.resolve(err({ kind: "timeout", detail: `no end after ${timeoutMs} ms` }));
      });
    cancelTimer = clock.after(timeoutMs, onDeadline);
    this.#enders.set(watched, onStop);
    try {
      const reply = await Promise.race([
        poller.poll({ signal: ending.signal, timeoutMs, nowMs: clock.now() }),
        givenUp.promise,
      ]);
      if (!reply.ok) return reply;
      const parsed = poller.parse(reply.value);
      return parsed.ok ? parsed : err({ kind: "protocol", detail: parsed.error.detail });
    } catch (thrown) {
      const stack = thrown instanceof Error ? (thrown.stack ?? "") : "";
      const detail = errorText(thrown);
      log.emit(agentEvents.driverFailed, { device: device.id, driver: device.driver.name, detail, stack });
      return err({ kind: "protocol", detail: `the driver ${device.driver.name} failed: ${detail}` });
    } finally {
      cancelTimer();
      this.#enders.delete(watched);
    }
  }

  /** What no poll will carry any more, for the agent stops: a reading of its own, about nothing else. */
  #tellEvents(watched: Watched): void {
    const { events, device } = watched;
    if (events.length === 0) return;
    watched.events = [];
    const told: PollResult = { ok: true, samples: [], events };
    const { reading } = makeReading({ device: device.id, atMs: this.#options.clock.now(), tookMs: 0 }, told);
    this.#options.onReading({ ...reading, samples: [] });
  }

  /** Who says what is wrong, when that changed. */
  #hear(watched: Watched, parsed: Parsed): DeviceEvent[] {
    const { next, events } = stepVerdicts(watched.verdicts, parsed, this.#options.clock.monotonic());
    watched.verdicts = next;
    return events;
  }

  #learn(watched: Watched, { samples, asset }: Parsed): void {
    if (asset !== undefined) watched.asset = { ...watched.asset, ...cleanAsset(asset) };
    const parts = samples.flatMap(({ component }) => (component !== null && isComponent(component) ? [component] : []));
    watched.components.take(parts, this.#options.clock.monotonic());
    watched.heard = true;
    const described = JSON.stringify(describe(watched));
    if (described === watched.described) return;
    watched.described = described;
    this.#revision++;
    this.#options.onInventory();
  }

  #judge(watched: Watched, reading: Reading, { tookMs, skipped }: { tookMs: number; skipped: number }): void {
    const { log } = this.#options;
    const { device } = watched;
    const failure = reading.failure ?? null;
    const samples = reading.samples.reduce((sum, { metrics }) => sum + Object.keys(metrics).length, 0);
    const { next, change } = stepHealth(watched.health, { atMs: reading.at, tookMs, samples, skipped, failure });
    watched.health = next;
    log.emit(agentEvents.pollEnded, {
      device: device.id,
      tookMs: Math.round(tookMs),
      samples,
      failure: failure?.kind ?? "",
    });
    if (change === "went_down" && failure !== null)
      log.emit(agentEvents.deviceWentDown, { device: device.id, ...failure });
    if (change === "came_up")
      log.emit(agentEvents.deviceCameUp, { device: device.id, model: watched.asset.model ?? "" });
  }
}

/** The driver's poller of a configured device; opens no connection yet. */
export function openDevice({ id, kind, driver, driverConfig, secret }: Device): DevicePoller<unknown> {
  return driver.open({ id, kind, config: driverConfig, secret });
}

function watch(device: Device): Watched {
  const poller = openDevice(device);
  const watched: Watched = {
    device,
    poller,
    components: new Components(COMPONENTS_MAX),
    heard: false,
    events: [],
    verdicts: NO_VERDICTS,
    health: NEW_HEALTH,
    asset: {},
    described: "",
    waiting: [],
    retired: false,
    unwatch: undefined,
  };
  watched.described = JSON.stringify(describe(watched));
  return watched;
}

/** The poller's own samples are a part of what each device reports. */
const OWN_METRICS = ["up", "poll_duration_seconds", "polls_skipped_total"];

function describe({ device, poller, asset, components, heard }: Watched): InventoryDevice {
  const profile = poller.profile();
  return {
    id: device.id,
    kind: device.kind,
    ...(device.name !== undefined && { name: device.name }),
    driver: device.driver.name,
    ...(profile !== null && { profile }),
    address: device.driver.address(device.driverConfig),
    labels: { ...device.labels },
    dependsOn: [...device.dependsOn],
    intervalMs: device.intervalMs,
    asset,
    components: components.names,
    ...(!heard && { unheard: true }),
    metrics: [...new Set([...OWN_METRICS, ...poller.metrics()])].slice(0, LIMITS.metricsMax),
  };
}

const withHint = ({ detail, hint }: PollError): string => (hint === undefined ? detail : `${detail}; ${hint}`);
