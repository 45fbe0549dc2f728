/**
 * Files for Mosquitto (2.0 and later) as a collector's broker: a listener, who may do what, who may sign in. Pure. Reasons
 * stand in the files, for whoever runs the broker reads those; docs/brokers.md says how to use them.
 *
 * Each agent is bound to its own prefix by `%u`, the name that it signed in with: `site/agent`, as topics have it. Each topic
 * is named rather than all below the prefix, so that a name without a slash, of some other program, is no prefix of agents.
 */
import { agentTopic, LIMITS } from "@aislewatch/contract";
import { isBrokersForm } from "../agent-password.ts";
import type { AgentCredential } from "../store/state/store.ts";
import { type OwnName, READ_TOPICS, WRITE_TOPICS } from "./external.ts";

/** Around a message's payload: MQTT's header and our topic. */
const PACKET_OVERHEAD_BYTES = 1_024;
/** What the collector is sent ahead of its confirmations; Mosquitto's 20 are one batch of 20 agents. */
const INFLIGHT_MAX = 1_000;
/** What waits for a client that is away: a batch is 1 to 50 KiB, a thousand agents have 32 each on their way. */
const QUEUED_MESSAGES_MAX = 50_000;
const QUEUED_BYTES_MAX = 256 * 2 ** 20;
const AUTOSAVE_S = 60;
const PORT = 1_883;
const PORT_TLS = 8_883;

export const MOSQUITTO_FILES = {
  conf: "mosquitto.conf",
  acl: "aislewatch.acl",
  passwords: "aislewatch.passwords",
} as const;

export type MosquittoPlan = {
  /** Absolute: where these files lie on the broker's host. */
  readonly folder: string;
  readonly url: string;
  readonly username: string;
  readonly own: OwnName;
  /** Paths on the broker's host; null for mqtt://. */
  readonly certificate: { readonly cert: string; readonly key: string } | null;
};

export function mosquittoConf({ folder, url, certificate }: MosquittoPlan): string {
  const { protocol, hostname, port } = new URL(url);
  const isTls = protocol === "mqtts:";
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const address = isTls ? "" : ` ${host === "localhost" ? "127.0.0.1" : host}`;
  return `# Mosquitto as the broker of Aislewatch. Written by "aislewatch broker-config mosquitto"; yours to change.

listener ${port || (isTls ? PORT_TLS : PORT)}${address}
${certificate === null ? "# No TLS: for this machine only." : `certfile ${certificate.cert}\nkeyfile ${certificate.key}\ntls_version tlsv1.2`}
set_tcp_nodelay true

allow_anonymous false
password_file ${folder}/${MOSQUITTO_FILES.passwords}
acl_file ${folder}/${MOSQUITTO_FILES.acl}

# What the broker keeps while the collector is away for a moment. Nothing of it is needed: an agent sends again whatever
# the collector has not acknowledged. So it may be lost or overflow, and is bounded for the sake of this host's memory.
persistence true
persistence_location ${folder}/data/
autosave_interval ${AUTOSAVE_S}
max_inflight_messages ${INFLIGHT_MAX}
max_queued_messages ${QUEUED_MESSAGES_MAX}
max_queued_bytes ${QUEUED_BYTES_MAX}
persistent_client_expiration 1d
queue_qos0_messages false

# A message of ours has at most ${LIMITS.messageBytesMax / 1_024} KiB; who sends a longer one is cut off before it is read.
max_packet_size ${LIMITS.messageBytesMax + PACKET_OVERHEAD_BYTES}
`;
}

export function mosquittoAcl({ username, own }: MosquittoPlan): string {
  const agents = [
    ...(["status", "telemetry", "reply"] as const).map((channel) => `pattern write ${ofUser(channel)}`),
    `pattern write ${ofUser("inventory")}/+`,
    ...(["ack", "command"] as const).map((channel) => `pattern read ${ofUser(channel)}`),
  ];
  const ownTopics = agentTopic(own.site, own.agent, "status").replace(/status$/, "#");
  return `# Who may do what. Written by "aislewatch broker-config mosquitto"; yours to add to.
# What is not allowed here is taken, dropped and told to nobody: Mosquitto's way.

# The collector.
user ${username}
${READ_TOPICS.map((topic) => `topic read ${topic}`).join("\n")}
${WRITE_TOPICS.map((topic) => `topic write ${topic}`).join("\n")}
# What it says of itself, and reads to see whether messages come through.
topic readwrite ${ownTopics}

# Agents, each below its own prefix: %u is the name that it signed in with, site/agent. Give no other program a name with a
# slash.
${agents.join("\n")}
`;
}

const ofUser = (channel: string): string => `aislewatch/v1/%u/${channel}`;

export type PasswordFile = {
  readonly text: string;
  readonly agents: number;
  /** Their passwords' hashes are of a form that no broker knows: they need new passwords. */
  readonly needNew: readonly string[];
};

/**
 * `before`: the file as it is, of which the lines of others stay. `collector`: its line's hash, or null to leave what is
 * there.
 */
export function mosquittoPasswords(
  users: { readonly username: string; readonly hash: string | null; readonly agents: readonly AgentCredential[] },
  before = "",
): PasswordFile {
  const { username, hash, agents } = users;
  const foreign = before.split(/\r?\n/).filter((line) => {
    const name = line.split(":")[0] ?? "";
    return line.trim() !== "" && !name.includes("/") && (name !== username || hash === null);
  });
  const known = agents.filter(({ passwordHash }) => isBrokersForm(passwordHash));
  const lines = [
    ...foreign,
    ...(hash === null ? [] : [`${username}:${hash}`]),
    ...known.map(({ site, agent, passwordHash }) => `${site}/${agent}:${passwordHash}`),
  ];
  const needNew = agents.filter((one) => !known.includes(one)).map(({ site, agent }) => `${site}/${agent}`);
  return { text: `${lines.join("\n")}\n`, agents: known.length, needNew };
}
