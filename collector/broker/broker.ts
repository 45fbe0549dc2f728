/**
 * What the collector needs of an MQTT broker: the one inside it (embedded.ts, aedes) or one that stands by itself
 * (external.ts, MQTT.js). Both pass one suite (test/system/brokers.test.ts).
 *
 * A broker hands over messages of agents that were let in, each from the agent that its topic names, and takes none for
 * safe: an agent keeps a batch until the collector's own ack, whatever a broker has said of it. So a broker may die, lose
 * what it kept, or drop what it can't hold: the agent sends it again.
 */
import type { ParsedTopic } from "@aislewatch/contract";

export type AgentMessage = ParsedTopic & {
  readonly payload: Uint8Array;
  readonly topic: string;
  /**
   * Absent: sent just now. `queued`: the broker had kept it for us, nobody knows for how long. `retained`: the broker's copy of
   * the last on this topic, however old.
   */
  readonly waited?: "queued" | "retained";
};

export type BrokerEvents = {
  /** An allowed message of an agent, in the order in which that agent sent it. Must not throw. */
  onMessage(message: AgentMessage): void;
  /** A message outside of what the sender may publish, or not one of ours; it is dropped. */
  onRefused(refusal: { client: string; topic: string; reason: string }): void;
};

/** Why no agent can be heard, for a person who can do something about it. */
export type BrokerTrouble = {
  /** Stable: `BROKER_…`, listed in docs/brokers.md. */
  readonly code: string;
  readonly detail: string;
  /** What to do. */
  readonly hint: string;
};

export type Broker = {
  open(): Promise<void>;
  /** To one agent's topic, QoS 1. Dropped when the agent is away: it asks again when it connects. */
  publish(topic: string, payload: string): void;
  /**
   * Has the agent connect anew, say all and send again what was not acked: its connection ends, or, where that is not in
   * our hands, `ack` asks for it (`again`).
   */
  renew(site: string, agent: string, ack: string): void;
  /** It was taken out: nothing more is taken of it. */
  shutOut(site: string, agent: string): void;
  /** What was handed over so far is on disk. A broker that waits for that sends no more than a bounded part ahead of it. */
  committed(): void;
  /** Where agents connect to, once open. */
  readonly url: string;
  /** Null while agents can be heard. */
  trouble(): BrokerTrouble | null;
  readonly counts: {
    /** Agents with a session; null where only the broker knows. */
    connected: number | null;
    messages: number;
    bytes: number;
    /** Messages and subscriptions that their sender may not have. */
    refused: number;
    signInsRefused: number;
    /** Connections ended for bytes that are no MQTT, or too many of them. */
    badPackets: number;
    /** Connections beyond the bound, and the oldest strangers cut for newer ones. */
    connectionsRefused: number;
    /** Our own connections to a broker that stands by itself. */
    connects: number;
    /** Acks and commands that found no connection, or too many before them. */
    publishesDropped: number;
  };
  close(): Promise<void>;
};
