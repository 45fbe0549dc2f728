/**
 * A TCP proxy between one agent and the broker that does what networks do: it ends connections, stands still in one or
 * both directions, is late, is narrow; and, since it reads MQTT on the agent's side, delivers telemetry twice, in another
 * order or not at all. What passes it is written down, for whoever counts afterwards.
 *
 * While a direction stands still its bytes are kept (TCP would send them again), bounded by the sender's window: the
 * proxy stops reading at QUEUE_BYTES_MAX.
 */
import { connect, createServer, type Socket } from "node:net";
import { generate, type IPublishPacket, type Packet, parser } from "mqtt-packet";
import { onCleanUp } from "./rig.ts";

export type WireState = {
  /** No connection is taken, and those that stand end. */
  readonly down: boolean;
  readonly frozen: { readonly out: boolean; readonly back: boolean };
  readonly delayMs: number;
  readonly bytesPerSecond: number;
  /** Of telemetry, each from 0 to 1. */
  readonly duplicate: number;
  readonly reorder: number;
  readonly lose: number;
};

export const WELL: WireState = {
  down: false,
  frozen: { out: false, back: false },
  delayMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  ...{ duplicate: 0, reorder: 0, lose: 0 },
};

export type BrokenWire = {
  readonly port: number;
  /** Telemetry that the agent sent, before anything was done to it. */
  onTelemetry(listener: (payload: Buffer) => void): void;
  /** Resolves when the broker has sent an ack of the collector, which is still on its way to the agent. */
  nextAck(): Promise<void>;
  set(change: Partial<WireState>): void;
  /** Ends the connections that stand; the next ones are taken. */
  reset(): void;
  /** Delivers telemetry of long ago once more, over the connection that stands; how many. */
  replay(batches: number): number;
  readonly counts: { connections: number; duplicated: number; reordered: number; lost: number; replayed: number };
};

const QUEUE_BYTES_MAX = 256 * 1024;
/** Telemetry that is kept for a replay. */
const KEPT_MAX = 2_000;
/** A batch that is overtaken waits for so many others. */
const OVERTAKEN_BY = 3;
const TURN_MS = 10;

type Piece = { readonly bytes: Buffer; readonly dueMs: number };

/** One direction of one connection: bytes in order, each not before its time. */
class Direction {
  readonly #to: Socket;
  readonly #from: Socket;
  #pieces: Piece[] = [];
  #bytes = 0;
  /** When the narrow line is free again. */
  #freeMs = 0;

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
  }

  add(bytes: Buffer, { delayMs, bytesPerSecond }: WireState): void {
    const nowMs = performance.now();
    this.#freeMs = Math.max(nowMs, this.#freeMs) + (bytes.length * 1_000) / bytesPerSecond;
    this.#pieces.push({ bytes, dueMs: Math.max(nowMs, this.#freeMs) + delayMs });
    this.#bytes += bytes.length;
    if (this.#bytes > QUEUE_BYTES_MAX) this.#from.pause();
  }

  flush(isFrozen: boolean): void {
    if (isFrozen) return;
    const nowMs = performance.now();
    for (let next = this.#pieces[0]; next !== undefined && next.dueMs <= nowMs; next = this.#pieces[0]) {
      this.#pieces.shift();
      this.#bytes -= next.bytes.length;
      if (!this.#to.destroyed) this.#to.write(next.bytes);
    }
    if (this.#bytes <= QUEUE_BYTES_MAX / 2 && this.#from.isPaused()) this.#from.resume();
  }
}

type Connection = {
  readonly agent: Socket;
  readonly broker: Socket;
  readonly out: Direction;
  readonly back: Direction;
};

export async function startBrokenWire(broker: { host: string; port: number }, random: () => number) {
  let state = WELL;
  const connections = new Set<Connection>();
  const kept: IPublishPacket[] = [];
  const listeners: ((payload: Buffer) => void)[] = [];
  let awaitsAck: (() => void)[] = [];
  const counts = { connections: 0, duplicated: 0, reordered: 0, lost: 0, replayed: 0 };

  const end = ({ agent, broker: far }: Connection): void => {
    agent.resetAndDestroy();
    far.destroy();
  };

  const server = createServer((agent) => {
    agent.on("error", () => {});
    if (state.down) {
      agent.resetAndDestroy();
      return;
    }
    counts.connections++;
    const far = connect(broker);
    far.on("error", () => {});
    for (const socket of [agent, far]) socket.setNoDelay(true);
    const connection = { agent, broker: far, out: new Direction(agent, far), back: new Direction(far, agent) };
    connections.add(connection);
    const gone = (): void => {
      if (!connections.delete(connection)) return;
      // What has been sent before the end still arrives, unless the line is down or stands still.
      if (!state.frozen.out) connection.out.flush(false);
      if (!state.frozen.back) connection.back.flush(false);
      agent.end();
      far.end();
    };
    agent.on("close", gone);
    far.on("close", gone);
    tamper(connection);
    const answers = parser({ protocolVersion: 4 });
    answers.on("packet", (packet: Packet) => {
      if (packet.cmd !== "publish" || !packet.topic.endsWith("/ack")) return;
      for (const resolve of awaitsAck) resolve();
      awaitsAck = [];
    });
    answers.on("error", () => agent.destroy());
    far.on("data", (bytes: Buffer) => {
      answers.parse(bytes);
      connection.back.add(bytes, state);
      connection.back.flush(state.frozen.back);
    });
  });

  /** Reads what the agent sends packet by packet, and passes it on as the state of the wire wants it. */
  function tamper({ agent, out }: Connection): void {
    const reader = parser({ protocolVersion: 4 });
    let held: { readonly packet: Packet; left: number }[] = [];
    const pass = (packet: Packet): void => {
      out.add(generate(packet), state);
    };
    reader.on("packet", (packet: Packet) => {
      if (!isTelemetry(packet)) {
        pass(packet);
        return;
      }
      for (const listener of listeners) listener(payloadOf(packet));
      kept.push(packet);
      if (kept.length > KEPT_MAX) kept.shift();
      if (random() < state.lose) counts.lost++;
      else if (random() < state.reorder) {
        counts.reordered++;
        held.push({ packet, left: OVERTAKEN_BY });
      } else pass(packet);
      if (random() < state.duplicate) {
        counts.duplicated++;
        pass({ ...packet, dup: true });
      }
      for (const one of held) one.left--;
      for (const one of held.filter(({ left }) => left < 0)) pass(one.packet);
      held = held.filter(({ left }) => left >= 0);
    });
    // Not MQTT any more: the broker will say so itself.
    reader.on("error", () => agent.destroy());
    agent.on("data", (bytes: Buffer) => {
      reader.parse(bytes);
      out.flush(state.frozen.out);
    });
  }

  const timer = setInterval(() => {
    for (const { out, back } of connections) {
      out.flush(state.frozen.out);
      back.flush(state.frozen.back);
    }
  }, TURN_MS);

  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  onCleanUp(() => {
    clearInterval(timer);
    server.close();
    for (const connection of connections) end(connection);
  });
  const wire: BrokenWire = {
    port: typeof address === "object" && address !== null ? address.port : 0,
    onTelemetry: (listener) => void listeners.push(listener),
    nextAck: () => new Promise((resolve) => void awaitsAck.push(resolve)),
    set(change) {
      state = { ...state, ...change };
      if (state.down) for (const connection of connections) end(connection);
    },
    reset: () => connections.forEach(end),
    replay(batches) {
      const [connection] = connections;
      if (connection === undefined) return 0;
      const old = kept.slice(0, -OVERTAKEN_BY);
      for (let n = 0; n < batches && old.length > 0; n++) {
        const packet = old[Math.floor(random() * old.length)];
        if (packet === undefined) break;
        connection.out.add(generate({ ...packet, dup: true }), state);
        counts.replayed++;
      }
      return counts.replayed;
    },
    counts,
  };
  return wire;
}

const isTelemetry = (packet: Packet): packet is IPublishPacket =>
  packet.cmd === "publish" && packet.topic.endsWith("/telemetry");

const payloadOf = ({ payload }: IPublishPacket): Buffer => Buffer.from(payload);
