/** Stores whose agents are the benchmark's own process: conveyors that are as hot as it says, one message a call. */
import {
  type AgentStatus,
  agentTopic,
  encodeTelemetry,
  type InventoryDevice,
  splitInventory,
  WIRE_VERSION,
} from "@aislewatch/contract";
import { connectAsync, type MqttClient } from "mqtt";
import { onCleanUp } from "../rig/rig.ts";

const EPOCH = "bench";
const AGENT = "agent";

export type BeltOptions = {
  readonly url: string;
  readonly site: string;
  readonly password: string;
  readonly devices: number;
  /** What its inventory says; nothing is published by time. */
  readonly intervalMs: number;
};

export const deviceId = (index: number): string => `belt-${index + 1}/conveyor`;

export class BeltStore {
  readonly site: string;
  readonly #client: MqttClient;
  #seq = 0;

  private constructor(site: string, client: MqttClient) {
    this.site = site;
    this.#client = client;
  }

  static async join({ url, site, password, devices, intervalMs }: BeltOptions): Promise<BeltStore> {
    const client = await connectAsync(url, {
      clientId: `aislewatch:${site}:${AGENT}`,
      username: `${site}/${AGENT}`,
      password,
      reconnectPeriod: 0,
    });
    onCleanUp(() => client.endAsync(true));
    const now = Date.now();
    const status: AgentStatus = {
      ...{ v: WIRE_VERSION, state: "online", version: "bench" },
      ...{ epoch: EPOCH, startedAt: now, sentAt: now },
    };
    await client.publishAsync(agentTopic(site, AGENT, "status"), JSON.stringify(status), { qos: 1 });
    const inventory = Array.from({ length: devices }, (_, index) => deviceOf(index, intervalMs));
    for (const part of splitInventory(inventory, 1)) {
      await client.publishAsync(agentTopic(site, AGENT, `inventory/${part.part}`), JSON.stringify(part), { qos: 1 });
    }
    return new BeltStore(site, client);
  }

  /** One reading of each, with these temperatures by turns. */
  publish(devices: readonly string[], celsius: readonly number[]): void {
    const now = Date.now();
    const message = encodeTelemetry(
      { epoch: EPOCH, lane: "live", seq: ++this.#seq, sentAt: now },
      devices.map((device, n) => ({
        device,
        at: now,
        samples: [
          { component: null, metrics: { up: true, temperature_celsius: celsius[n % celsius.length] ?? Number.NaN } },
        ],
      })),
    );
    this.#client.publish(agentTopic(this.site, AGENT, "telemetry"), JSON.stringify(message), { qos: 1 });
  }
}

const deviceOf = (index: number, intervalMs: number): InventoryDevice => ({
  id: deviceId(index),
  kind: "conveyor",
  driver: "bench",
  labels: {},
  dependsOn: [],
  intervalMs,
  asset: {},
  components: [],
  metrics: ["up", "temperature_celsius"],
});
