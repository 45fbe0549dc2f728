/**
 * Server-sent events (HTML standard, 9.2): one connection a page, everything that changes, no replay. A page that
 * falls behind is disconnected instead of buffered without end; it reconnects and fetches the present again.
 */
import type { ServerResponse } from "node:http";
import type { Clock } from "@aislewatch/base";
import type { StreamEvent } from "./schema/service.ts";

export const STREAM_LIMITS = {
  /** Pages at a time; a NOC has tens, and one person's tabs must not shut out the rest. */
  clientsMax: 256,
  clientsPerIdentityMax: 32,
  /** What may wait in a client's socket: about a thousand incidents' worth. */
  bufferedBytesMax: 1024 * 1024,
  /** Proves to the page that silence is no outage, and to proxies that the connection lives. */
  beatMs: 5_000,
  /** The page comes back after this long when the connection breaks. */
  retryMs: 1_000,
} as const;

type Client = {
  readonly response: ServerResponse;
  readonly who: string;
  /** False once the session or token is gone: asked at every beat. */
  readonly stillAllowed: () => boolean;
};

export type StreamCounts = { clients: number; slowDisconnects: number; refused: number };

export class StreamHub {
  readonly #clock: Clock;
  readonly #version: string;
  readonly #clients = new Set<Client>();
  #cancelBeat: (() => void) | null = null;
  #closed = false;
  #slowDisconnects = 0;
  #refused = 0;

  constructor(clock: Clock, version: string) {
    this.#clock = clock;
    this.#version = version;
  }

  get counts(): StreamCounts {
    return { clients: this.#clients.size, slowDisconnects: this.#slowDisconnects, refused: this.#refused };
  }

  /** Is there room for one more page of this identity? Counts the refusal when there is not. */
  admits(who: string): boolean {
    let own = 0;
    for (const client of this.#clients) if (client.who === who) own++;
    const room =
      !this.#closed && this.#clients.size < STREAM_LIMITS.clientsMax && own < STREAM_LIMITS.clientsPerIdentityMax;
    if (!room) this.#refused++;
    return room;
  }

  /** Takes over a response whose head is not sent yet. Ends with the connection. */
  add(client: Client, headers: Readonly<Record<string, string>>): void {
    const { response } = client;
    response.writeHead(200, {
      ...headers,
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    response.on("error", () => this.#drop(client)); // The peer went away; there is nothing to say to it.
    response.on("close", () => this.#drop(client));
    this.#clients.add(client);
    response.write(`retry: ${STREAM_LIMITS.retryMs}\n\n`);
    this.#write(client, frame({ type: "hello", now: this.#clock.now(), version: this.#version }));
    this.#cancelBeat ??= this.#clock.after(STREAM_LIMITS.beatMs, () => this.#beat());
  }

  publish(event: StreamEvent): void {
    if (this.#clients.size === 0) return;
    const text = frame(event);
    for (const client of this.#clients) this.#write(client, text);
  }

  close(): void {
    this.#closed = true;
    this.#cancelBeat?.();
    this.#cancelBeat = null;
    for (const client of this.#clients) client.response.end();
    this.#clients.clear();
  }

  #beat(): void {
    for (const client of this.#clients) {
      if (client.stillAllowed()) continue;
      client.response.end();
      this.#drop(client);
    }
    this.publish({ type: "beat", now: this.#clock.now() });
    this.#cancelBeat = this.#clients.size === 0 ? null : this.#clock.after(STREAM_LIMITS.beatMs, () => this.#beat());
  }

  #write(client: Client, text: string): void {
    if (client.response.writableLength + text.length > STREAM_LIMITS.bufferedBytesMax) {
      this.#slowDisconnects++;
      client.response.destroy();
      this.#drop(client);
      return;
    }
    client.response.write(text);
  }

  #drop(client: Client): void {
    this.#clients.delete(client);
  }
}

const frame = (event: StreamEvent): string => `data: ${JSON.stringify(event)}\n\n`;
