/**
 * What the collector needs of an MQTT broker. The embedded one is aedes (embedded.ts); an external one comes behind the
 * same face. Messages of agents arrive on the publish path, before any subscriber: a subscription would cost three times
 * as much a message, and a slow subscriber could stall the rest.
 */
import type { ParsedTopic } from "@aislewatch/contract";

export type AgentMessage = ParsedTopic & { readonly payload: Uint8Array; readonly topic: string };

export type BrokerEvents = {
  /** An allowed message of an agent, in the order in which that agent sent it. Must not throw. */
  onMessage(message: AgentMessage): void;
  /** A message outside of what the sender may publish, or not one of ours; it is dropped. */
  onRefused(refusal: { client: string; topic: string; reason: string }): void;
};

export type Broker = {
  open(): Promise<void>;
  /** To one agent's topic, QoS 1. Dropped when the agent is away: it asks again when it connects. */
  publish(topic: string, payload: string): void;
  /** Ends the agent's connection, so that it comes back and sends again what was not acked. */
  disconnect(site: string, agent: string): void;
  /** Where agents connect to, once open. */
  readonly url: string;
  readonly counts: {
    connected: number;
    messages: number;
    bytes: number;
    /** Messages and subscriptions that their sender may not have. */
    refused: number;
    signInsRefused: number;
    /** Connections ended for bytes that are no MQTT, or too many of them. */
    badPackets: number;
    /** Connections beyond the bound, and the oldest strangers cut for newer ones. */
    connectionsRefused: number;
  };
  close(): Promise<void>;
};
