import { isId } from "./ids.ts";

/** Topics: `aislewatch/v1/{site}/{agent}/{channel}`; the inventory comes in numbered parts (docs/wire.md). */
export type AgentChannel = PlainChannel | `inventory/${number}`;
const PLAIN_CHANNELS = ["status", "telemetry", "ack", "command", "reply"] as const;
type PlainChannel = (typeof PLAIN_CHANNELS)[number];

const ROOT = "aislewatch/v1";

/** An agent may publish and subscribe below this prefix only. */
export const agentPrefix = (site: string, agent: string): string => `${ROOT}/${site}/${agent}/`;
export const agentTopic = (site: string, agent: string, channel: AgentChannel): string =>
  `${ROOT}/${site}/${agent}/${channel}`;
export const ackTopic = (site: string, agent: string): string => agentTopic(site, agent, "ack");
export const commandTopic = (site: string, agent: string): string => agentTopic(site, agent, "command");

export type ParsedTopic = {
  readonly site: string;
  readonly agent: string;
  readonly channel: PlainChannel | "inventory";
  /** Part number of an inventory; 0 for the other channels. */
  readonly part: number;
};

/** The parts of one of our topics, or null when it is not one. */
export function parseTopic(topic: string): ParsedTopic | null {
  const [root, version, site, agent, channel, part, ...rest] = topic.split("/");
  if (`${root}/${version}` !== ROOT || site === undefined || agent === undefined || rest.length > 0) return null;
  if (!isId(site) || !isId(agent)) return null;
  if (channel === "inventory") {
    return part !== undefined && /^\d{1,2}$/.test(part) ? { site, agent, channel, part: Number(part) } : null;
  }
  if (part !== undefined) return null;
  const plain = PLAIN_CHANNELS.find((known) => known === channel);
  return plain === undefined ? null : { site, agent, channel: plain, part: 0 };
}
