/**
 * What is kept of a line that is only listened to: how much came and when, and nothing of what it said. Bytes go in and
 * are counted; none is stored, so that no payload (card numbers among it) can leave by a log, a record or a dump.
 *
 * A message ends with its terminator, or, without one, with a pause. Pure: the time is an argument.
 */
export type MessageEnd =
  | { readonly by: "terminator"; readonly byte: number }
  | { readonly by: "gap"; readonly gapMs: number };

/**
 * More than this, for as long, no serial line carries: 115200 baud is 11.5 kB a second, and a mirror port may have
 * several times that. It is a loop, or the wrong port.
 */
export const FLOOD = { bytesASecondMax: 65_536, windowMs: 10_000 } as const;

export class LineMeter {
  readonly #end: MessageEnd;
  #bytes = 0;
  #messages = 0;
  #lastAtMs: number | null = null;
  /** Bytes since the last terminator: an empty message is none. */
  #open = false;
  #windowMs = 0;
  #windowBytes = 0;

  constructor(end: MessageEnd) {
    this.#end = end;
  }

  /** False: the line floods. */
  take(bytes: Uint8Array, nowMs: number): boolean {
    if (bytes.byteLength === 0) return true;
    this.#bytes += bytes.byteLength;
    this.#messages += this.#end.by === "gap" ? this.#begun(nowMs, this.#end.gapMs) : this.#ended(bytes, this.#end.byte);
    this.#lastAtMs = nowMs;
    return this.#withinBounds(bytes.byteLength, nowMs);
  }

  get figures(): { readonly bytes: number; readonly messages: number; readonly lastAtMs: number | null } {
    return { bytes: this.#bytes, messages: this.#messages, lastAtMs: this.#lastAtMs };
  }

  #begun(nowMs: number, gapMs: number): number {
    return this.#lastAtMs === null || nowMs - this.#lastAtMs >= gapMs ? 1 : 0;
  }

  #ended(bytes: Uint8Array, terminator: number): number {
    let messages = 0;
    for (const byte of bytes) {
      if (byte !== terminator) this.#open = true;
      else if (this.#open) {
        messages++;
        this.#open = false;
      }
    }
    return messages;
  }

  #withinBounds(bytes: number, nowMs: number): boolean {
    if (nowMs - this.#windowMs >= FLOOD.windowMs) {
      this.#windowMs = nowMs;
      this.#windowBytes = 0;
    }
    this.#windowBytes += bytes;
    return this.#windowBytes <= (FLOOD.bytesASecondMax * FLOOD.windowMs) / 1_000;
  }
}
