/**
 * Server-sent events (HTML standard, 9.2): one connection a page, everything that changes, in order. The newest events are
 * kept in a ring, and every client is a place in it: who comes back with the id of the last event that arrived whole goes
 * on after it, who reads slowly is behind by some events and not by a buffer of their own. Whoever is so far behind that
 * the ring has gone on is told so (`reset`), fetches the present, and goes on from here.
 *
 * An id is `<process>-<number>`: another process has other numbers, and says so as well.
 */
import type { ServerResponse } from "node:http";
import type { Clock } from "@aislewatch/base";
import type { StreamEvent } from "./schema/service.ts";

export const STREAM_LIMITS = {
  /** Pages at a time; a NOC has tens, and one person's tabs must not shut out the rest. */
  clientsMax: 256,
  clientsPerIdentityMax: 32,
  /** What may wait in a client's socket before the ring waits for it; it holds one event more. */
  bufferedBytesMax: 64 * 1024,
  /** What is kept to go on with: a storm of 200 changes a second for half a minute, a quiet day for hours. */
  ringBytesMax: 8 * 1024 * 1024,
  ringEventsMax: 20_000,
  /** With nobody connected for so long nothing is kept any more. */
  resumeMs: 5 * 60_000,
  /** A client that takes nothing for so long is not there. */
  stalledMs: 30_000,
  /** Proves to the page that silence is no outage, and to proxies that the connection lives. */
  beatMs: 5_000,
  /** The page comes back after this long when the connection breaks. */
  retryMs: 1_000,
} as const;

export type StreamClient = {
  readonly response: ServerResponse;
  readonly who: string;
  /** False once the session or token is gone: asked at every beat. */
  readonly stillAllowed: () => boolean;
  /** Id of the last event that arrived, from an earlier connection; null in a first one. */
  readonly lastEventId: string | null;
};

/** `next`: the number of the event that it is to get next. `waitsSince`: its socket takes no more; null while it does. */
type Place = { readonly client: StreamClient; next: number; waitsSince: number | null };

export type StreamCounts = {
  readonly clients: number;
  readonly slowDisconnects: number;
  readonly refused: number;
  readonly resumed: number;
  readonly resets: number;
};

export class StreamHub {
  readonly #clock: Clock;
  readonly #version: string;
  readonly #newProcessId: () => string;
  #knownProcess: string | null = null;
  readonly #places = new Set<Place>();
  readonly #ring = new FrameRing();
  #cancelBeat: (() => void) | null = null;
  #closed = false;
  /** When the last client went; null while there is one, and before the first. */
  #aloneSince: number | null = null;
  #everHad = false;
  readonly #counts = { slowDisconnects: 0, refused: 0, resumed: 0, resets: 0 };

  /** `newProcessId`: letters and digits that no other process has; asked for once, when the first client comes. */
  constructor(clock: Clock, version: string, newProcessId: () => string) {
    this.#clock = clock;
    this.#version = version;
    this.#newProcessId = newProcessId;
  }

  get #process(): string {
    this.#knownProcess ??= this.#newProcessId();
    return this.#knownProcess;
  }

  get counts(): StreamCounts {
    return { clients: this.#places.size, ...this.#counts };
  }

  /** Is there room for one more page of this identity? Counts the refusal when there is not. */
  admits(who: string): boolean {
    let own = 0;
    for (const { client } of this.#places) if (client.who === who) own++;
    const room =
      !this.#closed && this.#places.size < STREAM_LIMITS.clientsMax && own < STREAM_LIMITS.clientsPerIdentityMax;
    if (!room) this.#counts.refused++;
    return room;
  }

  /** Takes over a response whose head is not sent yet. Ends with the connection. */
  add(client: StreamClient, headers: Readonly<Record<string, string>>): void {
    const { response, lastEventId } = client;
    response.writeHead(200, {
      ...headers,
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    const after = this.#after(lastEventId);
    const resumed = typeof after === "number";
    const place: Place = { client, next: resumed ? after : this.#ring.end, waitsSince: null };
    response.on("error", () => this.#drop(place)); // The peer went away; there is nothing to say to it.
    response.on("close", () => this.#drop(place));
    response.on("drain", () => {
      place.waitsSince = null;
      this.#pump(place);
    });
    this.#places.add(place);
    this.#everHad = true;
    this.#aloneSince = null;
    response.write(`retry: ${STREAM_LIMITS.retryMs}\n\n`);
    const hello = { type: "hello", now: this.#clock.now(), version: this.#version, resumed } as const;
    response.write(resumed ? frame(hello) : frame(hello, this.#idBefore(place.next)));
    if (resumed) this.#counts.resumed++;
    else if (lastEventId !== null) this.#reset(place, after);
    this.#pump(place);
    this.#cancelBeat ??= this.#clock.after(STREAM_LIMITS.beatMs, () => this.#beat());
  }

  publish(event: StreamEvent): void {
    if (this.#isForgotten()) {
      // Numbered all the same: who comes back after that has missed it.
      this.#ring.skip();
      return;
    }
    this.#ring.push(frame(event, this.#idBefore(this.#ring.end + 1)));
    for (const place of this.#places) this.#pump(place);
  }

  close(): void {
    this.#closed = true;
    this.#cancelBeat?.();
    this.#cancelBeat = null;
    for (const { client } of this.#places) client.response.end();
    this.#places.clear();
  }

  /** The number to go on with after this id, or why there is none. */
  #after(lastEventId: string | null): number | "too_old" | "other_process" {
    const [, process, number] = /^([a-z0-9]{1,32})-(\d{1,15})$/.exec(lastEventId ?? "") ?? [];
    if (process !== this.#process || number === undefined) return "other_process";
    const next = Number(number) + 1;
    // A number that was never given is none of ours, whatever it says of its process.
    if (next > this.#ring.end) return "other_process";
    return next >= this.#ring.first ? next : "too_old";
  }

  /** Of the last event before this number: with it one goes on at the number. */
  #idBefore(number: number): string {
    return `${this.#process}-${number - 1}`;
  }

  #isForgotten(): boolean {
    if (this.#places.size > 0) return false;
    const { resumeMs } = STREAM_LIMITS;
    return !this.#everHad || this.#aloneSince === null || this.#clock.monotonic() - this.#aloneSince > resumeMs;
  }

  /** Gives a client what it has not had, as far as its socket takes it. */
  #pump(place: Place): void {
    const { response } = place.client;
    if (place.next < this.#ring.first) this.#reset(place, "too_slow");
    while (place.next < this.#ring.end) {
      if (response.writableLength >= STREAM_LIMITS.bufferedBytesMax) {
        place.waitsSince ??= this.#clock.monotonic();
        return;
      }
      response.write(this.#ring.at(place.next));
      place.next++;
    }
    if (response.writableLength < STREAM_LIMITS.bufferedBytesMax) place.waitsSince = null;
  }

  /** Something was missed: the client is to fetch the present, which has all that was before this. */
  #reset(place: Place, why: "too_old" | "other_process" | "too_slow"): void {
    // A full socket must not be given more; it is told when it has drained.
    if (place.client.response.writableLength >= STREAM_LIMITS.bufferedBytesMax) {
      place.waitsSince ??= this.#clock.monotonic();
      return;
    }
    this.#counts.resets++;
    place.next = this.#ring.end;
    place.client.response.write(frame({ type: "reset", why }, this.#idBefore(place.next)));
  }

  #beat(): void {
    const now = this.#clock.monotonic();
    const beat = frame({ type: "beat", now: this.#clock.now() });
    for (const place of this.#places) {
      const { response, stillAllowed } = place.client;
      if (!stillAllowed()) {
        response.end();
        this.#drop(place);
      } else if (place.waitsSince !== null && now - place.waitsSince >= STREAM_LIMITS.stalledMs) {
        this.#counts.slowDisconnects++;
        response.destroy();
        this.#drop(place);
      } else if (response.writableLength < STREAM_LIMITS.bufferedBytesMax) {
        response.write(beat);
      }
    }
    this.#cancelBeat = this.#places.size === 0 ? null : this.#clock.after(STREAM_LIMITS.beatMs, () => this.#beat());
  }

  #drop(place: Place): void {
    if (this.#places.delete(place) && this.#places.size === 0) this.#aloneSince = this.#clock.monotonic();
  }
}

/** The newest frames, by numbers that begin at 1 and have no holes. */
class FrameRing {
  #frames: string[] = [];
  /** Frames before it in the array are gone; they are taken out of it now and then. */
  #gone = 0;
  #bytes = 0;
  /** The number of the first that is kept, and of the next to come. */
  first = 1;
  end = 1;

  push(text: string): void {
    this.#frames.push(text);
    this.#bytes += text.length;
    this.end++;
    const { ringBytesMax, ringEventsMax } = STREAM_LIMITS;
    while (this.#bytes > ringBytesMax || this.end - this.first > ringEventsMax) this.#shift();
  }

  /** An event that nobody will ask for; with it all before it. */
  skip(): void {
    this.#frames = [];
    this.#gone = 0;
    this.#bytes = 0;
    this.end++;
    this.first = this.end;
  }

  /** `number` from `first` to before `end`. */
  at(number: number): string {
    return this.#frames[this.#gone + number - this.first] ?? "";
  }

  #shift(): void {
    this.#bytes -= this.at(this.first).length;
    this.#frames[this.#gone] = "";
    this.#gone++;
    this.first++;
    if (this.#gone < 1_000) return;
    this.#frames = this.#frames.slice(this.#gone);
    this.#gone = 0;
  }
}

/** Beats have no id: to go on after one is to go on after the event before it. */
const frame = (event: StreamEvent, id?: string): string =>
  `${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(event)}\n\n`;
