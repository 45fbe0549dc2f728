/**
 * An agent as the collector sees one, many of which fit into a test's process: it writes a batch at each interval, keeps
 * it until it is acked, has 32 on their way, obeys `heard`, and returns after a cut to send again what was not acked.
 */
import { join } from "node:path";
import {
  type AgentStatus,
  ackTopic,
  agentTopic,
  decodeAck,
  encodeTelemetry,
  type InventoryDevice,
  splitInventory,
  WIRE_VERSION,
} from "@aislewatch/contract";
import { connect, type MqttClient } from "mqtt";
import { hashAgentPassword, newAgentPassword } from "../../collector/agent-password.ts";
import { createSqliteStore } from "../../collector/store/state/sqlite.ts";
import { onCleanUp, waitFor } from "./rig.ts";

const WINDOW_BATCHES = 32;
const RETURN_MS = 300;
const HEARTBEAT_MS = 2_000;
const HEALTHY = { temperature_celsius: 25, motor_current_amperes: 4, motor_load_percent: 40, speed_percent: 80 };
/** Values of a device in each batch. */
export const SAMPLES_PER_DEVICE = Object.keys(HEALTHY).length + 1;

export type OutboxAgentOptions = {
  readonly url: string;
  readonly password: string;
  readonly site: string;
  readonly agent: string;
  readonly devices: number;
  readonly everyMs: number;
  /** Its clock minus the true one. */
  readonly clockOffMs?: number;
};

/** One password for all of them, put where the collector with this data folder looks. */
export async function letIn(data: string, names: readonly { site: string; agent: string }[]): Promise<string> {
  const password = newAgentPassword();
  const passwordHash = hashAgentPassword(password);
  const state = createSqliteStore({ file: join(data, "state.sqlite") });
  await state.open();
  for (const { site, agent } of names) state.putAgentCredential({ site, agent, passwordHash });
  await state.close();
  return password;
}

export const deviceId = (index: number): string => `belt-${index + 1}/conveyor`;

export class OutboxAgent {
  readonly #options: OutboxAgentOptions;
  readonly #outbox: { readonly seq: number; readonly text: string; readonly at: number }[] = [];
  readonly #hot = new Set<number>();
  #client: MqttClient | null = null;
  #seq = 0;
  #readAt = 0;
  #acked = 0;
  #heard = 0;
  #sent = 0;
  #connects = 0;
  #timers: NodeJS.Timeout[] = [];
  #isOver = false;

  constructor(options: OutboxAgentOptions) {
    this.#options = options;
    onCleanUp(() => this.stop());
  }

  async join(): Promise<void> {
    this.#connect();
    await waitFor("an agent to be connected", () => this.#client?.connected);
    this.#every(this.#options.everyMs, () => this.write());
    this.#every(HEARTBEAT_MS, () => this.#say());
  }

  get site(): string {
    return this.#options.site;
  }

  get figures() {
    return { seq: this.#seq, acked: this.#acked, waiting: this.#outbox.length, connects: this.#connects };
  }

  /** From the next reading on, which is taken at once. */
  setHot(device: number, isHot: boolean): void {
    if (isHot) this.#hot.add(device);
    else this.#hot.delete(device);
    this.write();
  }

  /** Reads its devices and has the batch in its outbox. */
  write(): void {
    const { devices } = this.#options;
    // No device is read twice in a millisecond: two such values would be one point in some stores.
    const now = Math.max(this.#now(), this.#readAt + 1);
    this.#readAt = now;
    const seq = ++this.#seq;
    const readings = Array.from({ length: devices }, (_, n) => ({
      device: deviceId(n),
      at: now,
      samples: [
        { component: null, metrics: { up: true, ...HEALTHY, ...(this.#hot.has(n) && { temperature_celsius: 95 }) } },
      ],
    }));
    const message = encodeTelemetry({ epoch: this.#epoch, lane: "live", seq, sentAt: now }, readings);
    this.#outbox.push({ seq, text: JSON.stringify(message), at: now });
    this.#pump();
  }

  /** Writes no more; what it has is still delivered. */
  rest(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#every(HEARTBEAT_MS, () => this.#say());
  }

  stop(): void {
    this.#isOver = true;
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#client?.end(true);
  }

  #now(): number {
    return Date.now() + (this.#options.clockOffMs ?? 0);
  }

  get #epoch(): string {
    return `outbox-${this.#options.agent}`;
  }

  #every(ms: number, run: () => void): void {
    this.#timers.push(setInterval(run, ms));
  }

  #connect(): void {
    const { url, password, site, agent } = this.#options;
    const client = connect(url, { username: `${site}/${agent}`, password, clientId: agent, reconnectPeriod: 0 });
    this.#client = client;
    client.on("error", () => {});
    client.on("connect", () => {
      this.#connects++;
      client.subscribe(ackTopic(site, agent), { qos: 1 });
      this.#say();
      for (const part of splitInventory(
        Array.from({ length: this.#options.devices }, (_, n) => deviceOf(n)),
        1,
      ))
        client.publish(agentTopic(site, agent, `inventory/${part.part}`), JSON.stringify(part), { qos: 1 });
      this.#sent = this.#acked;
      this.#pump();
    });
    client.on("message", (_topic, payload) => {
      const ack = decodeAck(payload);
      if (!ack.ok || client !== this.#client) return;
      this.#acked = Math.max(this.#acked, ack.value.live);
      this.#heard = Math.max(this.#acked, ack.value.heard ?? 0);
      while ((this.#outbox[0]?.seq ?? Number.POSITIVE_INFINITY) <= this.#acked) this.#outbox.shift();
      this.#pump();
    });
    client.on("close", () => {
      client.end(true);
      if (!this.#isOver && client === this.#client) setTimeout(() => this.#connect(), RETURN_MS * (1 + Math.random()));
    });
  }

  #pump(): void {
    const { site, agent } = this.#options;
    const first = this.#outbox[0]?.seq ?? 0;
    while (
      this.#client?.connected &&
      this.#sent - Math.max(this.#acked, Math.min(this.#heard, this.#sent)) < WINDOW_BATCHES
    ) {
      const next = this.#outbox[this.#sent + 1 - first];
      if (next === undefined) return;
      this.#sent = next.seq;
      this.#client.publish(agentTopic(site, agent, "telemetry"), next.text, { qos: 1 });
    }
  }

  #say(): void {
    const { site, agent } = this.#options;
    const now = this.#now();
    const status: AgentStatus = {
      v: WIRE_VERSION,
      state: "online",
      version: "test",
      epoch: this.#epoch,
      startedAt: now,
      sentAt: now,
      outbox: {
        batches: this.#outbox.length,
        bytes: this.#outbox.reduce((sum, { text }) => sum + text.length, 0),
        oldestAt: this.#outbox[0]?.at ?? null,
        lanes: { live: { first: this.#acked + 1, last: this.#seq }, history: { first: 1, last: 0 } },
      },
    };
    if (this.#client?.connected)
      this.#client.publish(agentTopic(site, agent, "status"), JSON.stringify(status), { qos: 1 });
  }
}

const deviceOf = (n: number): InventoryDevice => ({
  id: deviceId(n),
  kind: "conveyor",
  driver: "test",
  labels: {},
  dependsOn: [],
  intervalMs: 10_000,
  asset: {},
  components: [],
  metrics: ["up", ...Object.keys(HEALTHY)],
});
