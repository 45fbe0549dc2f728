/**
 * The broker inside the collector: aedes on a TCP socket, for agents only. Nobody subscribes to telemetry here; people
 * watch through the API.
 *
 * Known limits of aedes that this file answers: no packet limit and no turns (length-guard.ts), the PUBACK goes out before anything
 * has been done with the message (our own acks make up for it), a frozen subscriber stalls delivery (drainTimeout), and
 * an error from authorizePublish closes the connection, which would make a misconfigured agent reconnect for ever. So a
 * message that is not allowed is taken, counted, reported and goes nowhere, as MQTT-3.3.5-2 allows.
 */
import type { EventEmitter } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { errorText } from "@aislewatch/base";
import { agentPrefix, isId, LIMITS, parseTopic } from "@aislewatch/contract";
import { Aedes, type Client, type PublishPacket } from "aedes";
import type { Broker, BrokerEvents } from "./broker.ts";
import { createLengthGuard, type LengthGuard } from "./length-guard.ts";

/** A CONNECT of ours is under 1 KiB: ids, a will, a password; a SUBSCRIBE is less. Only PUBLISH may be longer. */
const PACKET_BYTES_MAX = 4 * 1024;
/** Packets of one connection that are handled before all others have had their turn. */
const PACKETS_A_TURN = 256;
/** MQTT header and topic in front of a message's payload. */
const PACKET_OVERHEAD_BYTES = 1024;
const CONNECT_TIMEOUT_MS = 10_000;
const DRAIN_TIMEOUT_MS = 10_000;
/** An agent needs one, for its acks. */
const SUBSCRIPTIONS_MAX = 16;
/** An agent holds one connection; this many leave room for 10,000 of them and their half-open ghosts. */
const CONNECTIONS_MAX = 20_000;
/**
 * Connections that have not signed in. Beyond it the oldest of them is cut, so that whoever only holds connections open
 * keeps nobody out: an agent signs in within a round trip. Two thousand stores that return at once fit twice.
 */
const STRANGERS_MAX = 4_096;
/**
 * QoS 2 messages of a client that it did not release. Ours send QoS 1; aedes keeps each whole until then, and allows a
 * thousand (256 MB a client).
 */
const QOS2_HELD_MAX = 16;
/** `topics`: what it subscribed to on this connection. */
type Identity = { readonly site: string; readonly agent: string; readonly topics: Set<string> };

type Done = (error?: Error) => void;

/**
 * A broker whose agents publish to nobody: authorizePublish has taken what they sent, so looking for its subscribers,
 * half of what a message costs, is left out. It is also what ended the process under load: aedes' emitter lets messages
 * without a subscriber that had to wait go by calling itself, one level deeper for each.
 */
class OneWayBroker extends Aedes {
  /** Called by aedes for what clients send and for their wills (with a client), and for its own `$SYS` messages. */
  override publish(packet: PublishPacket, ...rest: readonly [Done] | readonly [Client | null, Done]): void {
    const done = rest.length === 1 ? rest[0] : rest[1];
    if (rest.length === 1 && packet.topic.startsWith("$SYS/")) super.publish(packet, done);
    else done();
  }

  /** Of ours, to whoever subscribed to it. */
  send(packet: PublishPacket): void {
    super.publish(packet, () => {});
  }
}

export type EmbeddedBrokerOptions = BrokerEvents & {
  readonly host: string;
  readonly port: number;
  /** PEM texts; null: plain TCP, for loopback only (config.ts sees to it). */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** How many connections may be open that have not signed in. */
  readonly strangersMax?: number;
  /** Does this password belong to this agent? May take its time; must not throw. */
  authenticate(site: string, agent: string, password: Buffer): Promise<boolean>;
};

export function createEmbeddedBroker(options: EmbeddedBrokerOptions): Broker {
  const counts = {
    ...{ connected: 0, messages: 0, bytes: 0 },
    ...{ refused: 0, signInsRefused: 0, badPackets: 0, connectionsRefused: 0, connects: 0, publishesDropped: 0 },
  };
  const identities = new WeakMap<Client, Identity>();
  const guards = new WeakMap<object, LengthGuard>();
  const connections = new Map<string, Client>();
  /** Not signed in, oldest first. */
  const strangers = new Map<object, Socket>();
  let aedes: OneWayBroker | null = null;
  let server: Server | null = null;
  let url = "";

  function refuse(client: Client | null, topic: string, reason: string): void {
    counts.refused++;
    options.onRefused({ client: client?.id ?? "unknown", topic: topic.slice(0, LIMITS.topicBytesMax), reason });
  }

  async function start(): Promise<OneWayBroker> {
    const broker = new OneWayBroker({
      // Nothing waits in the emitter, see OneWayBroker; what waits for a slow reader is bound by drainTimeout.
      concurrency: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      drainTimeout: DRAIN_TIMEOUT_MS,
      maxClientsIdLength: 160,
      maxTopicLevels: 8,
      maxInflightInbound: QOS2_HELD_MAX,
      queueLimit: 1_000,

      preConnect(_client, packet, done) {
        // Sessions end with the connection: kept ones would fill memory with acks for agents that never come back.
        packet.clean = true;
        done(null, true);
      },

      authenticate(client, username, password, done) {
        const refuseSignIn = (): void => {
          counts.signInsRefused++;
          done(null, false);
        };
        const [site = "", agent = "", ...rest] = (username ?? "").split("/");
        if (!isId(site) || !isId(agent) || rest.length > 0 || password === undefined) {
          refuseSignIn();
          return;
        }
        options.authenticate(site, agent, password).then((isKnown) => {
          if (!isKnown) {
            refuseSignIn();
            return;
          }
          identities.set(client, { site, agent, topics: new Set() });
          // By who it is, not by what it calls itself: nobody can take another agent's connection over by naming it.
          client.id = `${site}/${agent}`;
          guards.get(client.conn)?.allow(LIMITS.messageBytesMax + PACKET_OVERHEAD_BYTES);
          strangers.delete(client.conn);
          done(null, true);
        }, refuseSignIn);
      },

      authorizePublish(client, packet, done) {
        const identity = client === null ? undefined : identities.get(client);
        const topic = packet.topic;
        const parsed = topic.length <= LIMITS.topicBytesMax ? parseTopic(topic) : null;
        const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
        if (identity === undefined) {
          refuse(client, topic, "not signed in as an agent");
        } else if (parsed === null || parsed.channel === "ack" || parsed.channel === "command") {
          refuse(client, topic, "not a topic that agents publish on");
        } else if (parsed.site !== identity.site || parsed.agent !== identity.agent) {
          refuse(client, topic, `${identity.site}/${identity.agent} may publish below its own prefix only`);
        } else {
          counts.messages++;
          counts.bytes += payload.byteLength;
          options.onMessage({ ...parsed, topic, payload });
        }
        // Taken, or to be dropped: an error would end the connection.
        done(null);
      },

      authorizeSubscribe(client, subscription, done) {
        const identity = identities.get(client);
        const { topic } = subscription;
        const isOwn = identity !== undefined && topic.startsWith(agentPrefix(identity.site, identity.agent));
        if (isOwn) identity.topics.add(topic);
        const allowed = isOwn && identity.topics.size <= SUBSCRIPTIONS_MAX;
        if (!isOwn) refuse(client, topic, "an agent may subscribe below its own prefix only");
        else if (!allowed) {
          identity.topics.delete(topic);
          refuse(client, topic, `more than ${SUBSCRIPTIONS_MAX} subscriptions`);
        }
        // null is SUBACK 0x80 (MQTT-3.9.3): refused, without ending the connection.
        done(null, allowed ? subscription : null);
      },
    });
    await broker.listen();
    return broker;
  }

  function guardSocket(socket: Socket): void {
    const guard = createLengthGuard(PACKET_BYTES_MAX, PACKETS_A_TURN);
    guards.set(socket, guard);
    const read = socket.read.bind(socket);
    let isResting = false;
    // aedes pulls with read(); looking at each chunk here costs a few bytes a packet and no second buffer.
    socket.read = (size?: number) => {
      const chunk: unknown = isResting ? null : read(size);
      if (!(chunk instanceof Uint8Array)) return chunk;
      const { complaint, take } = guard.check(chunk);
      if (complaint !== null) {
        counts.badPackets++;
        options.onRefused({ client: socket.remoteAddress ?? "unknown", topic: "", reason: `sent ${complaint}` });
        socket.destroy();
        return null;
      }
      if (take === chunk.length) return chunk;
      socket.unshift(chunk.subarray(take));
      isResting = true;
      setImmediate(() => {
        isResting = false;
        if (!socket.destroyed) socket.emit("readable");
      });
      return chunk.subarray(0, take);
    };
  }

  function watchStranger(socket: Socket): void {
    strangers.set(socket, socket);
    socket.once("close", () => strangers.delete(socket));
    if (strangers.size <= (options.strangersMax ?? STRANGERS_MAX)) return;
    const [oldest] = strangers.values();
    if (oldest === undefined) return;
    counts.connectionsRefused++;
    strangers.delete(oldest);
    oldest.destroy();
  }

  const disconnect = (site: string, agent: string): void => connections.get(`${site}/${agent}`)?.close();

  return {
    counts,
    get url() {
      return url;
    },
    trouble: () => null,

    async open() {
      const broker = await start();
      aedes = broker;
      broker.on("clientReady", (client) => {
        const identity = identities.get(client);
        if (identity !== undefined) connections.set(`${identity.site}/${identity.agent}`, client);
        counts.connected = connections.size;
      });
      broker.on("clientDisconnect", (client) => {
        const identity = identities.get(client);
        const key = identity === undefined ? "" : `${identity.site}/${identity.agent}`;
        if (connections.get(key) === client) connections.delete(key);
        counts.connected = connections.size;
      });
      const malformed = (_client: unknown, error: Error): void => {
        if (isMalformed(error)) counts.badPackets++;
      };
      broker.on("connectionError", malformed);
      broker.on("clientError", malformed);
      broker.on("unsubscribe", (topics, client) => {
        for (const topic of topics) identities.get(client)?.topics.delete(topic);
      });
      // Of its memory for sessions, which holds none of ours. Without a listener Node would end the process.
      const emitter: EventEmitter = broker;
      emitter.on("error", (thrown) => refuse(null, "", errorText(thrown)));
      const accept = (socket: Socket): void => {
        watchStranger(socket);
        guardSocket(socket);
        broker.handle(socket);
      };
      const { tls } = options;
      const listener =
        tls === null
          ? createServer({ noDelay: true }, accept)
          : createTlsServer({ ...tls, minVersion: "TLSv1.2", handshakeTimeout: CONNECT_TIMEOUT_MS }, accept);
      listener.on("tlsClientError", () => {
        counts.badPackets++;
      });
      listener.maxConnections = CONNECTIONS_MAX;
      listener.on("drop", () => {
        counts.connectionsRefused++;
      });
      server = listener;
      await new Promise<void>((resolve, reject) => {
        listener.once("error", reject);
        listener.listen(options.port, options.host, () => {
          listener.off("error", reject);
          resolve();
        });
      });
      const address = listener.address();
      const port = typeof address === "object" && address !== null ? address.port : options.port;
      url = `${tls === null ? "mqtt" : "mqtts"}://${options.host.includes(":") ? `[${options.host}]` : options.host}:${port}`;
    },

    publish(topic, payload) {
      const to = parseTopic(topic);
      const client = to === null ? undefined : connections.get(`${to.site}/${to.agent}`);
      const packet: PublishPacket = {
        cmd: "publish",
        topic,
        payload: Buffer.from(payload),
        qos: 1,
        retain: false,
        dup: false,
      };
      if (client === undefined) return;
      // Straight to the one who reads it; only who subscribed with a wildcard has to be looked for.
      if (identities.get(client)?.topics.has(topic)) client.publish(packet, () => {});
      else aedes?.send(packet);
    },

    renew: disconnect,
    shutOut: disconnect,
    // What is read is handed over at once, and TCP slows down who sends more than that.
    committed() {},

    async close() {
      const [broker, listener] = [aedes, server];
      aedes = null;
      server = null;
      listener?.close();
      if (broker !== null) await new Promise<void>((resolve) => broker.close(resolve));
    },
  };
}

/** Not a line that broke (`code`), a sign-in that was refused (`errorCode`) or somebody who fell silent. */
const isMalformed = (error: Error): boolean =>
  !("code" in error) && !("errorCode" in error) && !/did not arrive in time|timeout|closed/.test(error.message);
