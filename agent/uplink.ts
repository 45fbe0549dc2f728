/**
 * Outbox to MQTT: the only file of the agent that knows MQTT (3.1.1). A connection is made, used and thrown away; we
 * publish only while connected, so that MQTT.js never queues anything: the outbox is the queue.
 *
 * On connect: status and inventory (retained), subscribe to our acks, then everything unacked again, live before
 * history (docs/wire.md). The broker's PUBACK frees MQTT.js's memory and means nothing else; only the collector's ack
 * empties the outbox. What may be on its way, and how fast history goes, is core/window.ts's to say.
 *
 * A broker that stands by itself takes us also while its collector is away. After acks have stopped we say how we are, as
 * always, and send batches again only once the collector has answered: else each half minute the same window would join
 * what the broker keeps for it. What is read meanwhile is history, as if there were no connection.
 */
import { hostname } from "node:os";
import { type Clock, errorText } from "@aislewatch/base";
import {
  type AgentStatus,
  ackTopic,
  agentTopic,
  type Command,
  commandTopic,
  decodeAck,
  decodeCommand,
  type InventoryDevice,
  type Lane,
  LIMITS,
  type Reply,
  splitInventory,
  WIRE_VERSION,
} from "@aislewatch/contract";
import type { Log } from "@aislewatch/runtime";
import type { MqttClient } from "mqtt";
import { wireText } from "./core/batch.ts";
import { laneFor } from "./core/lane.ts";
import { clampTime } from "./core/reading.ts";
import { REFUSED_ATTEMPT, reconnectWaitMs } from "./core/reconnect.ts";
import { SendWindow, WINDOW_LIMITS, type WindowLimits } from "./core/window.ts";
import { agentEvents } from "./events.ts";
import type { Outbox } from "./outbox.ts";
import { connectBroker } from "./uplink-client.ts";

export type UplinkOptions = {
  readonly site: string;
  readonly agent: string;
  readonly version: string;
  readonly url: string;
  readonly username: string;
  readonly password?: string;
  /** PEM text of the authority that signed the collector's certificate, when the system does not know it. */
  readonly ca?: string;
  readonly outbox: Outbox;
  readonly inventory: () => { readonly revision: number; readonly devices: readonly InventoryDevice[] };
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** What the agent takes of its host and what its outbox may hold; asked for each status that is online. */
  readonly own?: () => Pick<AgentStatus, "cost" | "disk"> & { readonly outboxBytesMax: number };
  readonly onCommand?: (command: Command) => void;
  /** The collector's time, Unix ms, as an ack brought it. */
  readonly onCollectorTime?: (atMs: number) => void;
  readonly windowLimits?: WindowLimits;
};

export type UplinkFigures = {
  /** And the collector answers, as far as can be told: a broker that stands by itself takes us without it. */
  readonly connected: boolean;
  readonly lane: Lane;
  readonly inFlightBatches: number;
  readonly connects: number;
  readonly lastAckAt: number | null;
  readonly lastError: string | null;
  /** The collector's clock less this host's, as its last ack had it; null before one. The way of a message is in it. */
  readonly clockOffsetMs: number | null;
};

/** DESIGN.md §9: the heartbeat of `status`. */
const HEARTBEAT_MS = 30_000;
/** A stall is noticed within a sixth of its own length. */
const TICKS_A_STALL = 6;
const CONNECT_MS_MAX = 10_000;
/** Half of the heartbeat: a dead line is noticed within 1.5 of it. */
const KEEPALIVE_S = 15;
const DRAIN_MS = 2_000;
const FAREWELL_MS = 400;
/** Changes of the inventory come in bursts, when devices are recognised after a start. */
const INVENTORY_LINGER_MS = 500;
/** CONNACK codes of MQTT 3.1.1 (3.2.2.3): bad user name or password, not authorized. */
const REFUSED_CODES: readonly unknown[] = [4, 5];
const SUBACK_REFUSED = 128;
const NOT_ANSWERED = "the broker is there, the collector does not answer";

type TimerName = "reconnect" | "tick" | "heartbeat" | "pace" | "inventory" | "greeting";

export class Uplink {
  readonly #options: UplinkOptions;
  readonly #window: SendWindow;
  readonly #startedAt: number;
  readonly #tickMs: number;
  #client: MqttClient | null = null;
  #connected = false;
  /** Acks have not stopped, or have come again since. */
  #isAnswered = true;
  /** Since when there is no connection, or nobody at its other end. */
  #downSinceMs: number;
  #attempt = 0;
  #connects = 0;
  #lastAckAt: number | null = null;
  #clockOffsetMs: number | null = null;
  #lastError: { readonly text: string; readonly refused: boolean } | null = null;
  #stopping = false;
  /** The connection is ended by ourselves, to be made anew at once. */
  #isExchanging = false;
  #drained: (() => void) | null = null;
  readonly #timers = new Map<TimerName, () => void>();

  constructor(options: UplinkOptions) {
    this.#options = options;
    const limits = options.windowLimits ?? WINDOW_LIMITS;
    this.#window = new SendWindow(limits);
    this.#tickMs = limits.stallMs / TICKS_A_STALL;
    this.#startedAt = clampTime(options.clock.now());
    // What it kept before it was started anew still waits in the history lane: what is read now comes after that.
    this.#downSinceMs = owesHistory(options.outbox) ? Number.NEGATIVE_INFINITY : options.clock.monotonic();
  }

  start(): void {
    this.#connect();
  }

  /** The lane of a batch that is written now. */
  lane(): Lane {
    const isUp = this.#connected && this.#isAnswered;
    return laneFor(isUp ? null : this.#downSinceMs, this.#options.clock.monotonic());
  }

  get figures(): UplinkFigures {
    return {
      connected: this.#connected && this.#isAnswered,
      lane: this.lane(),
      inFlightBatches: this.#window.inFlight.batches,
      connects: this.#connects,
      lastAckAt: this.#lastAckAt,
      lastError: this.#lastError?.text ?? (this.#connected && !this.#isAnswered ? NOT_ANSWERED : null),
      clockOffsetMs: this.#clockOffsetMs,
    };
  }

  /** There is something new in the outbox. */
  kick(): void {
    this.#pump();
  }

  /** What the status says is another: the clock, above all. */
  statusChanged(): void {
    if (this.#connected) this.#publishStatus();
  }

  /** The outbox serves another epoch, or wants to: a connection is about one. */
  exchangeOutbox(): void {
    if (!this.#connected) return;
    this.#isExchanging = true;
    this.#lastError = { text: "connects anew for another outbox", refused: false };
    this.#client?.end(true);
  }

  /** Sent if there is a connection, else given up: the collector has closed the command at its deadline. */
  reply(reply: Reply): void {
    if (this.#connected) this.#publish("reply", JSON.stringify(reply));
  }

  inventoryChanged(): void {
    if (this.#connected && !this.#timers.has("inventory")) {
      this.#after("inventory", INVENTORY_LINGER_MS, () => this.#publishInventory());
    }
  }

  /** Waits up to 2 s for acks of what is on its way, says goodbye and closes. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancel("reconnect");
    const client = this.#client;
    if (client !== null && this.#connected) {
      await this.#drain();
      if (this.#connected) await this.#farewell(client);
    }
    for (const name of this.#timers.keys()) this.#cancel(name);
    this.#client = null;
    this.#connected = false;
    client?.end(true);
  }

  #connect(): void {
    const { site, agent, url, username, password, ca } = this.#options;
    this.#options.outbox.connecting();
    const client = connectBroker(url, {
      protocolVersion: 4,
      clean: true,
      clientId: `aislewatch:${site}:${agent}`,
      username,
      ...(password !== undefined && { password }),
      ...(ca !== undefined && { ca }),
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_MS_MAX,
      // Reconnecting is ours: a new client has no memory that could send anything twice or out of order.
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      will: { topic: agentTopic(site, agent, "status"), payload: this.#status("offline"), qos: 1, retain: true },
    });
    this.#client = client;
    this.#lastError = null;
    client.on("connect", () => this.#onConnected(client));
    client.on("message", (topic, payload) => this.#onMessage(client, topic, payload));
    client.on("error", (error) => {
      this.#lastError = { text: errorText(error) || "no connection", refused: isRefusal(error) };
    });
    client.on("close", () => this.#onClosed(client));
  }

  #onConnected(client: MqttClient): void {
    if (client !== this.#client || this.#stopping) return;
    const { site, agent, url, outbox, clock, log } = this.#options;
    this.#connected = true;
    this.#connects++;
    log.emit(agentEvents.uplinkConnected, { collector: url });
    if (!outbox.connected()) {
      this.exchangeOutbox();
      return;
    }
    const topics = [ackTopic(site, agent), commandTopic(site, agent)];
    client.subscribe(topics, { qos: 1 }, (error, granted) => {
      const refused = error === null ? (granted ?? []).filter(({ qos }) => qos === SUBACK_REFUSED) : topics;
      if (refused.length === 0) return;
      log.emit(agentEvents.uplinkRefused, { detail: `no leave to read ${topics.join(" or ")}` });
    });
    this.#publishStatus();
    this.#publishInventory();
    this.#window.connected(outbox.acked, clock.monotonic());
    // Of an old copy the collector would take what is new for repeats: so its first word is waited for, however long.
    if (!outbox.isGreeted) this.#after("greeting", this.#tickMs * TICKS_A_STALL, () => this.#unanswered());
    this.#after("tick", this.#tickMs, () => this.#tick());
    this.#after("heartbeat", HEARTBEAT_MS, () => this.#heartbeat());
    this.#pump();
  }

  #onClosed(client: MqttClient): void {
    if (client !== this.#client) return;
    if (this.#stopping) {
      this.#connected = false;
      this.#drained?.();
      return;
    }
    const { clock, random, log } = this.#options;
    const detail = this.#lastError?.text ?? "the connection was closed";
    if (this.#lastError?.refused) {
      log.emit(agentEvents.uplinkRefused, { detail });
      this.#attempt = Math.max(this.#attempt, REFUSED_ATTEMPT);
    } else {
      log.emit(this.#connected ? agentEvents.uplinkLost : agentEvents.uplinkFailed, { detail });
    }
    this.#lastError ??= { text: detail, refused: false };
    const lost = this.#connected && !this.#isExchanging;
    if (this.#connected && this.#isAnswered) this.#downSinceMs = clock.monotonic();
    this.#isExchanging = false;
    this.#connected = false;
    this.#client = null;
    client.end(true);
    for (const name of this.#timers.keys()) this.#cancel(name);
    // The attempts are forgotten at an ack, not at a connection: a broker that takes us and throws us out again (an
    // access rule that is missing) must not be knocked at every half second.
    const waitMs = reconnectWaitMs({ attempt: this.#attempt++, lost }, random());
    this.#after("reconnect", waitMs, () => this.#connect());
  }

  #onMessage(client: MqttClient, topic: string, payload: Uint8Array): void {
    if (client !== this.#client) return;
    const { site, agent, outbox, clock, log } = this.#options;
    if (topic === commandTopic(site, agent)) {
      this.#onCommand(topic, payload);
      return;
    }
    if (topic !== ackTopic(site, agent)) {
      log.emit(agentEvents.messageRefused, { topic, detail: "not a topic of this agent" });
      return;
    }
    const ack = decodeAck(payload);
    if (!ack.ok) {
      log.emit(agentEvents.messageRefused, { topic, detail: `${ack.error.kind}: ${ack.error.detail}` });
      return;
    }
    const { epoch, live, history, heard = live, grant, at, again } = ack.value;
    if (at !== undefined) {
      this.#clockOffsetMs = at - clock.now();
      this.#options.onCollectorTime?.(at);
    }
    const verdict = outbox.ack(epoch, { live, history });
    // An ack of an epoch before this one comes after the file was lost; the next status tells the collector.
    if (verdict === "stranger") return;
    if (verdict === "ahead") {
      this.#renew(client);
      return;
    }
    this.#cancel("greeting");
    this.#attempt = 0;
    this.#lastAckAt = clock.now();
    this.#window.acked({ live: Math.max(live, heard), history }, grant, clock.monotonic());
    if (again === true) {
      this.#lastError = { text: "the collector asks for all again", refused: false };
      client.end(true);
      return;
    }
    if (!this.#isAnswered) {
      this.#isAnswered = true;
      // Where the lanes end now, before anything of them.
      this.#publishStatus();
    }
    this.#pump();
    if (this.#isDrained()) this.#drained?.();
  }

  #onCommand(topic: string, payload: Uint8Array): void {
    const command = decodeCommand(payload);
    if (command.ok) this.#options.onCommand?.(command.value);
    else
      this.#options.log.emit(agentEvents.messageRefused, {
        topic,
        detail: `${command.error.kind}: ${command.error.detail}`,
      });
  }

  /** Our file is an old copy: under its old epoch the collector would take what is new for repeats. */
  #renew(client: MqttClient): void {
    const renewed = this.#options.outbox.renew();
    if (renewed.ok) this.#options.log.emit(agentEvents.outboxRenewed, { epoch: this.#options.outbox.epoch });
    this.#isAnswered = true;
    this.#isExchanging = true;
    client.end(true);
  }

  #tick(): void {
    const { clock, log } = this.#options;
    if (this.#window.isStalled(clock.monotonic())) {
      log.emit(agentEvents.ackStalled, this.#window.inFlight);
      this.#lastError = { text: "no acknowledgement from the collector", refused: false };
      this.#unanswered();
      this.#client?.end(true);
      return;
    }
    this.#options.outbox.tend();
    this.#pump();
    this.#after("tick", this.#tickMs, () => this.#tick());
  }

  /** What is read from now on is history soon. */
  #unanswered(): void {
    if (this.#isAnswered) this.#downSinceMs = this.#options.clock.monotonic();
    this.#isAnswered = false;
  }

  #heartbeat(): void {
    this.#publishStatus();
    this.#after("heartbeat", HEARTBEAT_MS, () => this.#heartbeat());
  }

  /** Sends what the window has room for: the present first, then the past at its pace. */
  #pump(): void {
    if (!this.#connected || !this.#isAnswered) return;
    const { outbox, clock } = this.#options;
    if (!outbox.isGreeted) return;
    const nowMs = clock.monotonic();
    this.#send("live", nowMs);
    this.#send("history", nowMs);
    outbox.markInFlight({ live: this.#window.lastSeq("live"), history: this.#window.lastSeq("history") });
    const waitMs = this.#window.paceWaitMs(nowMs);
    if (waitMs !== null && !this.#timers.has("pace")) this.#after("pace", waitMs, () => this.#pump());
  }

  #send(lane: Lane, nowMs: number): void {
    const { outbox } = this.#options;
    // Each turn sends at least one batch, and the window holds a bounded number of them.
    for (;;) {
      const bytesMax = this.#window.room(lane, nowMs);
      if (bytesMax <= 0) return;
      const [batch] = outbox.unacked(lane, this.#window.lastSeq(lane), { batchesMax: 1, bytesMax });
      if (batch === undefined) return;
      const sentAt = clampTime(this.#options.clock.now());
      this.#publish("telemetry", wireText({ epoch: outbox.epoch, lane, seq: batch.seq, sentAt }, batch.body));
      this.#window.sent(batch, nowMs);
    }
  }

  #publishStatus(): void {
    this.#publish("status", this.#status("online"), true);
  }

  #publishInventory(): void {
    const { revision, devices } = this.#options.inventory();
    for (const part of splitInventory(devices, revision)) {
      this.#publish(`inventory/${part.part}`, JSON.stringify(part), true);
    }
  }

  #publish(channel: Parameters<typeof agentTopic>[2], text: string, retain = false, done?: () => void): void {
    const { site, agent } = this.#options;
    // A publish that fails ends with the connection, which is noticed there; the outbox still has what it was.
    this.#client?.publish(agentTopic(site, agent, channel), text, { qos: 1, retain }, () => done?.());
  }

  #status(state: AgentStatus["state"]): string {
    const { version, outbox, clock } = this.#options;
    const { batches, bytes, oldestAt } = outbox.figures;
    const { inMemory, former } = outbox;
    const own = state === "online" ? this.#options.own?.() : undefined;
    const status: AgentStatus = {
      v: WIRE_VERSION,
      state,
      version,
      epoch: outbox.epoch,
      startedAt: this.#startedAt,
      sentAt: clampTime(clock.now()),
      host: hostname().slice(0, 255),
      outbox: {
        ...{ batches, bytes, oldestAt, lanes: outbox.lanes },
        ...(own !== undefined && { bytesMax: own.outboxBytesMax }),
        ...(former.length > 0 && { former: [...former] }),
        ...(inMemory !== null && {
          inMemory: { since: clampTime(inMemory.since), detail: inMemory.detail.slice(0, LIMITS.textCharsMax) },
        }),
      },
      ...(own?.cost !== undefined && { cost: own.cost }),
      ...(own?.disk !== undefined && { disk: own.disk }),
      ...(state === "online" && { inventoryRevision: this.#options.inventory().revision }),
    };
    return JSON.stringify(status);
  }

  #isDrained(): boolean {
    return this.#window.inFlight.batches === 0;
  }

  #drain(): Promise<void> {
    this.#pump();
    if (this.#isDrained()) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(DRAIN_MS, resolve);
      this.#drained = () => {
        cancel();
        resolve();
      };
    });
  }

  #farewell(client: MqttClient): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(FAREWELL_MS, resolve);
      this.#publish("status", this.#status("offline"), true, () => {
        cancel();
        // DISCONNECT, so that the broker does not send the will on top.
        client.end(false, {}, () => resolve());
      });
    });
  }

  #after(name: TimerName, delayMs: number, run: () => void): void {
    this.#cancel(name);
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(name);
      run();
    });
    this.#timers.set(name, cancel);
  }

  #cancel(name: TimerName): void {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
  }
}

function owesHistory({ lanes: { history } }: Outbox): boolean {
  return history.first <= history.last;
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && "code" in error && REFUSED_CODES.includes(error.code);
}
