/**
 * A broker that stands by itself, through MQTT.js: the collector is its client, like every agent. It signs in under a client
 * id that stays, so that the broker keeps what comes while the collector is away for a moment; how much, and for how long,
 * is the broker's to say, and what it can't hold the agents send again.
 *
 * What differs from the broker inside the collector, and what answers it:
 *
 * - Who signs in as whom only the broker knows. Its access list must bind each agent to its own prefix (mosquitto.ts writes
 *   one that does); what is looked at here is that the agent a topic names was let in.
 * - MQTT.js handles one message after the other and sends its PUBACK before the next, so it can't confirm at once what one
 *   commit took. A message is confirmed when it has been handed over, and no further than a bounded part ahead of the last
 *   commit (UNCOMMITTED_MAX): then nothing is read, the broker keeps the rest, and who was killed in between is sent that
 *   part again by the agents, whose batches only our own acks take.
 * - A broker takes what it will not deliver (Mosquitto's access list), or delivers it hours later. What the collector says
 *   of itself comes back to it by the way that agents' messages come, and tells (collector-presence.ts).
 * - A connection is made, used and thrown away: a new client has no memory that could send an ack of before.
 */
import { backoffMs, type Clock } from "@aislewatch/base";
import { ackTopic, agentTopic, commandTopic, LIMITS, type ParsedTopic, parseTopic } from "@aislewatch/contract";
import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";
import type { AgentMessage, Broker, BrokerEvents, BrokerTrouble } from "./broker.ts";
import { BEAT_MS, CollectorPresence, type Presence, readPresence, type Self } from "./collector-presence.ts";
import { connecting, explainFailure, notDelivering, readRefused, takenOver } from "./trouble.ts";

/** Messages that were handed over since the last commit, and their bytes: half a second of the highest load. */
const UNCOMMITTED_MAX = 2_048;
const UNCOMMITTED_BYTES_MAX = 16 * 2 ** 20;
/** Publishes that the broker has not confirmed, some 300 bytes each. */
const PUBLISHES_MAX = 20_000;
const CONNECT_MS_MAX = 10_000;
/** MQTT.js hears nothing while reading rests; that a connection is dead is seen by what does not come back. */
const KEEPALIVE_S = 120;
/** What should have come back, with nothing else coming in: the connection is dead, or nothing is delivered. */
const SILENT_MS = 30_000;
/** For what was published on a connection to come back, before somebody is told that it does not. */
const ECHO_MS = 10_000;
const RETRY = { baseMs: 500, maxMs: 30_000 } as const;
const FAREWELL_MS = 500;
const SUBACK_REFUSED = 128;
const PORT = 1_883;
const PORT_TLS = 8_883;
const NO_TOPIC = "not a topic that agents publish on";

const ANY = "+";
const READ_CHANNELS = ["status", "telemetry", "reply"] as const;
/** What the collector reads; shared with who writes access lists. */
export const READ_TOPICS: readonly string[] = [
  ...READ_CHANNELS.map((channel) => agentTopic(ANY, ANY, channel)),
  `${agentTopic(ANY, ANY, "inventory/0").slice(0, -1)}${ANY}`,
];
export const WRITE_TOPICS: readonly string[] = [ackTopic(ANY, ANY), commandTopic(ANY, ANY)];

export type OwnName = { readonly site: string; readonly agent: string };

export type ExternalBrokerOptions = BrokerEvents & {
  readonly clock: Clock;
  readonly random: () => number;
  /** `mqtt://host[:port]` or `mqtts://host[:port]`. */
  readonly url: string;
  readonly clientId: string;
  readonly username: string | null;
  readonly password: string | null;
  /** PEM texts. */
  readonly ca: string | null;
  readonly certificate: { readonly cert: string; readonly key: string } | null;
  /** The name in the broker's certificate, when it is not that of the URL. */
  readonly serverName: string | null;
  /** The collector's own place among the agents, which none of them has. */
  readonly own: OwnName;
  readonly self: Self;
  /** Was this agent let in? Asked for every message. */
  admits(site: string, agent: string): boolean;
  onConnected(how: { isSessionKept: boolean }): void;
  /** Told once for each thing that is wrong, until it is another or none. */
  onTrouble(trouble: BrokerTrouble): void;
};

export type ExternalBroker = Broker & {
  /** How long a message takes through the broker; null while there is none to ask. */
  delayMs(): number | null;
  /** For how long agents can be heard on this connection; null while they can't, or nobody knows. */
  heardForMs(): number | null;
  /** What comes now was sent now, and had not to wait at the broker. */
  isPrompt(): boolean;
  /** Another collector works at this broker, or stands by for it. */
  other(): Presence | null;
};

export function createExternalBroker(options: ExternalBrokerOptions): ExternalBroker {
  const { clock, url, own, onMessage, onRefused } = options;
  const address = { url, username: options.username, clientId: options.clientId };
  const presence = new CollectorPresence(options.self);
  const presenceTopic = agentTopic(own.site, own.agent, "status");
  /** One on each other channel that is read, to see that it is delivered. */
  const echoTopics = ["telemetry", "reply", "inventory/0"].map((channel) => presenceTopic.replace(/status$/, channel));
  const counts = {
    ...{ connected: null, messages: 0, bytes: 0 },
    ...{ refused: 0, signInsRefused: 0, badPackets: 0, connectionsRefused: 0, connects: 0, publishesDropped: 0 },
  };
  let client: MqttClient | null = null;
  let isOpen = false;
  let isStandby = false;
  let isClosing = false;
  let trouble: BrokerTrouble | null = connecting();
  let lastError: unknown = null;
  let attempt = 0;
  let settledMs: number | null = null;
  let heardMs = 0;
  let echoes = new Set<string>();
  let publishing = 0;
  const uncommitted = { messages: 0, bytes: 0 };
  /** Goes on reading. */
  let held: (() => void) | null = null;
  const timers = new Map<"reconnect" | "beat" | "echo", () => void>();

  const isHolder = (one: MqttClient): boolean => one === client && isOpen && !isStandby;

  function after(name: "reconnect" | "beat" | "echo", ms: number, run: () => void): void {
    timers.get(name)?.();
    timers.set(name, clock.after(ms, run));
  }

  function setTrouble(next: BrokerTrouble | null): void {
    const isNew = next !== null && (trouble?.code !== next.code || trouble.detail !== next.detail);
    trouble = next;
    if (isNew) options.onTrouble(next);
  }

  function start(): void {
    const { username, password, ca, certificate, serverName } = options;
    const given: IClientOptions = {
      protocolVersion: 4,
      // Who stands by only listens, under a name of its own.
      clean: isStandby,
      clientId: isStandby ? `${options.clientId}:${options.self.instance}` : options.clientId,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_MS_MAX,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      writeCache: false,
      ...(username !== null && { username }),
      ...(password !== null && { password }),
      ...(ca !== null && { ca }),
      ...certificate,
      ...(serverName !== null && { servername: serverName }),
      ...(!isStandby && {
        will: { topic: presenceTopic, payload: Buffer.from(JSON.stringify(presence.farewell())), qos: 1, retain: true },
      }),
    };
    lastError = null;
    const made = connect({ ...given, ...addressOf(url) });
    client = made;
    made.handleMessage = (_packet, done) => {
      if (hasRoom() || made !== client) done();
      else held = () => done();
    };
    made.on("connect", ({ sessionPresent }) => onConnected(made, sessionPresent));
    made.on("message", (topic, payload, packet) => {
      if (made === client) receive(topic, payload, packet);
    });
    made.on("error", (error) => {
      lastError = error;
    });
    made.on("close", () => onClosed(made));
  }

  const hasRoom = (): boolean => uncommitted.messages < UNCOMMITTED_MAX && uncommitted.bytes < UNCOMMITTED_BYTES_MAX;

  function onConnected(made: MqttClient, isSessionKept: boolean): void {
    if (made !== client || isClosing) return;
    isOpen = true;
    heardMs = clock.monotonic();
    counts.connects++;
    if (!isStandby) {
      presence.connected();
      trouble = connecting();
      options.onConnected({ isSessionKept });
    }
    const topics = isStandby ? [presenceTopic] : [...READ_TOPICS];
    made.subscribe(topics, { qos: 1 }, (error, _granted, packet) => {
      if (made !== client) return;
      const codes = packet?.granted ?? [];
      const refused = topics.filter((_topic, at) => Number(codes[at]) >= SUBACK_REFUSED);
      if (refused.length > 0) leaveFor(made, readRefused(refused, address));
      else if (error !== null) made.end(true);
      else if (isStandby) standBy(made);
      else beginBeats(made);
    });
  }

  /** Asked anew after a while: its access list may be mended by then. */
  function leaveFor(made: MqttClient, why: BrokerTrouble): void {
    setTrouble(why);
    after("reconnect", RETRY.maxMs, () => {
      if (made === client) reconnectNow();
    });
  }

  function beginBeats(made: MqttClient): void {
    echoes = new Set();
    callOut(made);
    beat(made);
    after("echo", ECHO_MS, () => checkEchoes(made));
  }

  function callOut(made: MqttClient): void {
    for (const topic of echoTopics) if (!echoes.has(topic)) made.publish(topic, options.self.instance, { qos: 1 });
  }

  function beat(made: MqttClient): void {
    if (!isHolder(made)) return;
    const nowMs = clock.monotonic();
    const isSilent = presence.waitsMs(nowMs) >= SILENT_MS && nowMs - heardMs >= SILENT_MS && held === null;
    if (isSilent && presence.hasComeBack) {
      lastError = new Error(`nothing came from the broker for ${Math.round((nowMs - heardMs) / 1_000)} s`);
      made.end(true);
      return;
    }
    made.publish(presenceTopic, JSON.stringify(presence.beat(nowMs)), { qos: 1, retain: true });
    after("beat", BEAT_MS, () => beat(made));
  }

  /** Nothing else came in for as long either: it is not that much waits before it. */
  function checkEchoes(made: MqttClient): void {
    if (!isHolder(made)) return;
    const missing = presence.hasComeBack ? [] : [presenceTopic];
    missing.push(...echoTopics.filter((topic) => !echoes.has(topic)));
    if (missing.length === 0) return;
    if (clock.monotonic() - heardMs >= ECHO_MS / 2 && held === null) setTrouble(notDelivering(missing, address));
    callOut(made);
    after("echo", ECHO_MS, () => checkEchoes(made));
  }

  function onClosed(made: MqttClient): void {
    if (made !== client) return;
    const wasOpen = isOpen;
    dropClient();
    if (isClosing) return;
    if (!isStandby) setTrouble(explainFailure({ thrown: lastError, wasOpen }, address));
    after("reconnect", backoffMs(attempt++, RETRY, options.random()), start);
  }

  function receive(topic: string, payload: Buffer, packet: IPublishPacket): void {
    const nowMs = clock.monotonic();
    heardMs = nowMs;
    if (topic === presenceTopic) {
      onPresence(readPresence(payload), packet.retain, nowMs);
    } else if (echoTopics.includes(topic)) {
      echoes.add(topic);
      settle(nowMs);
    } else if (!isStandby) {
      const isRetained = packet.retain;
      handOver(topic, payload, isRetained ? "retained" : presence.isPrompt(nowMs) ? null : "queued");
    }
  }

  function handOver(topic: string, payload: Buffer, waited: AgentMessage["waited"] | null): void {
    const parsed = topic.length <= LIMITS.topicBytesMax ? parseTopic(topic) : null;
    const reason = refusalOf(parsed, payload.byteLength);
    if (parsed === null || reason !== null) {
      counts.refused++;
      const sender = parsed === null ? "unknown" : `${parsed.site}/${parsed.agent}`;
      onRefused({ client: sender, topic: topic.slice(0, LIMITS.topicBytesMax), reason: reason ?? NO_TOPIC });
      return;
    }
    counts.messages++;
    counts.bytes += payload.byteLength;
    uncommitted.messages++;
    uncommitted.bytes += payload.byteLength;
    onMessage({ ...parsed, topic, payload, ...(waited !== null && waited !== undefined && { waited }) });
  }

  function refusalOf(parsed: ParsedTopic | null, bytes: number): string | null {
    if (parsed === null || parsed.channel === "ack" || parsed.channel === "command") return NO_TOPIC;
    if (parsed.agent === own.agent || parsed.site === own.site)
      return `no agent is called "${own.agent}", or is at the site "${own.site}"`;
    if (bytes > LIMITS.messageBytesMax)
      return `${bytes} bytes, at most ${LIMITS.messageBytesMax}: set the broker's own limit`;
    const isLetIn = options.admits(parsed.site, parsed.agent);
    return isLetIn ? null : "no agent of this name was let in: aislewatch agents add";
  }

  function onPresence(said: Presence | null, isRetained: boolean, nowMs: number): void {
    if (said === null) return;
    if (isStandby) {
      if (presence.isVacant(said, { isRetained, nowMs })) comeBack();
      return;
    }
    const other = presence.heard(said, { isRetained, nowMs });
    if (other !== null) leaveTo(other);
    else settle(nowMs);
  }

  /** The broker has taken us, and delivers. */
  function settle(nowMs: number): void {
    if (!presence.hasComeBack || echoTopics.some((topic) => !echoes.has(topic))) return;
    attempt = 0;
    settledMs ??= nowMs;
    setTrouble(null);
  }

  function leaveTo(other: Presence): void {
    isStandby = true;
    attempt = 0;
    setTrouble(takenOver(other, address));
    reconnectNow();
  }

  function standBy(made: MqttClient): void {
    if (made !== client || !isStandby || !isOpen) return;
    const nowMs = clock.monotonic();
    if (presence.isVacant(null, { isRetained: false, nowMs })) {
      comeBack();
      return;
    }
    made.publish(presenceTopic, JSON.stringify(presence.standby()), { qos: 1 });
    after("beat", BEAT_MS, () => standBy(made));
  }

  function comeBack(): void {
    isStandby = false;
    reconnectNow();
  }

  function reconnectNow(): void {
    dropClient();
    after("reconnect", RETRY.baseMs, start);
  }

  /** What was handed over and not confirmed comes again on the next connection. */
  function dropClient(): void {
    const leaving = client;
    client = null;
    isOpen = false;
    settledMs = null;
    publishing = 0;
    held = null;
    stopTimers();
    leaving?.end(true);
  }

  function stopTimers(): void {
    for (const cancel of timers.values()) cancel();
    timers.clear();
  }

  function publish(topic: string, payload: string): void {
    if (client === null || !isHolder(client) || publishing >= PUBLISHES_MAX) {
      counts.publishesDropped++;
      return;
    }
    publishing++;
    const by = client;
    by.publish(topic, payload, { qos: 1 }, () => {
      if (by === client) publishing--;
    });
  }

  return {
    counts,
    url,
    publish,
    trouble: () => trouble,
    renew: (site, agent, ack) => publish(ackTopic(site, agent), ack),
    // It is admitted no more. That it can't sign in either is up to the broker's own list.
    shutOut() {},
    committed() {
      uncommitted.messages = 0;
      uncommitted.bytes = 0;
      const goOn = held;
      held = null;
      goOn?.();
    },
    delayMs: () => (client !== null && isHolder(client) ? presence.delayMs(clock.monotonic()) : null),
    isPrompt: () => settledMs !== null && presence.isPrompt(clock.monotonic()),
    heardForMs() {
      return settledMs === null ? null : clock.monotonic() - settledMs;
    },
    other: () => presence.other(clock.monotonic()),

    async open() {
      start();
    },

    async close() {
      isClosing = true;
      stopTimers();
      // What is held stays unread: it is kept for the next start.
      if (client !== null && isHolder(client)) await farewell(client);
      dropClient();
    },
  };

  function farewell(leaving: MqttClient): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(FAREWELL_MS, resolve);
      leaving.publish(presenceTopic, JSON.stringify(presence.farewell()), { qos: 1, retain: true }, () => {
        // DISCONNECT, so that the broker does not send the will on top.
        leaving.end(false, {}, () => {
          cancel();
          resolve();
        });
      });
    });
  }
}

/** MQTT.js takes the brackets of an IPv6 address for a part of the name. */
export function addressOf(url: string): Pick<IClientOptions, "protocol" | "host" | "port"> {
  const { protocol, hostname, port } = new URL(url);
  const isTls = protocol === "mqtts:";
  return {
    protocol: isTls ? "mqtts" : "mqtt",
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(port || (isTls ? PORT_TLS : PORT)),
  };
}
