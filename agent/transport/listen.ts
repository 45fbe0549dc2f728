/**
 * A line that is listened to and never written to: wired in parallel with the host, or a mirror port of a terminal
 * server. It stays open; when it ends it is opened again, later each time. A line that floods is closed and left alone
 * for growing pauses. Only figures come out of here (listen-meter.ts), unless a driver says who understands the bytes.
 */
import { backoffMs, type Clock } from "@aislewatch/base";
import type { LineError, LineStream, OpenStream } from "./line.ts";
import { LineQuarantine } from "./line-quarantine.ts";
import { LineMeter, type MessageEnd } from "./listen-meter.ts";
import type { LineErrors } from "./rfc2217-session.ts";

export type ListenerOptions = {
  readonly open: OpenStream;
  readonly end: MessageEnd;
  readonly clock: Clock;
  readonly random: () => number;
  /** How long opening may take. */
  readonly openMs?: number;
  /**
   * Who understands the bytes of a line that carries no card data, such as a bus of drives. They are its own to bound
   * and to forget.
   */
  readonly sink?: (bytes: Uint8Array, nowMs: number) => void;
};

export type ListenerFigures = {
  readonly receivedBytes: number;
  readonly messages: number;
  /** Since the last byte, or since listening began. */
  readonly idleMs: number;
  /** What the terminal server says of damaged characters; null when the line does not tell. */
  readonly errors: LineErrors | null;
  /** Why the line is not open; null when it is. */
  readonly failure: LineError | null;
};

const OPEN_MS = 5_000;
const REOPEN = { baseMs: 1_000, maxMs: 60_000 } as const;
/** A line that stayed open for so long was well: the next opening is not put off for what was before. */
const SETTLED_MS = 60_000;
const NO_ERRORS: LineErrors = { framing: 0, parity: 0, overruns: 0, breaks: 0 };
const KEY = "line";

export class Listener {
  readonly #options: ListenerOptions;
  readonly #meter: LineMeter;
  readonly #quarantine = new LineQuarantine();
  #startedMs: number | null = null;
  #line: LineStream | null = null;
  #failure: LineError | null = { kind: "timeout", detail: "the line is being opened" };
  #attempts = 0;
  #closed = false;
  #cancelReopen: (() => void) | null = null;
  #opening: { readonly ender: AbortController; readonly done: Promise<void> } | null = null;
  /** Of lines that were closed since. */
  #pastErrors: LineErrors | null = null;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#meter = new LineMeter(options.end);
  }

  /** Begins to listen, once; resolves when the line is open or has failed, or with the signal. */
  async start(signal: AbortSignal): Promise<void> {
    this.#startedMs ??= this.#open();
    const opening = this.#opening;
    if (opening === null || signal.aborted) return;
    const patience = Promise.withResolvers<void>();
    const over = (): void => patience.resolve();
    signal.addEventListener("abort", over, { once: true });
    await Promise.race([opening.done, patience.promise]);
    signal.removeEventListener("abort", over);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelReopen?.();
    this.#opening?.ender.abort();
    await this.#opening?.done;
    const line = this.#line;
    this.#line = null;
    await line?.close();
  }

  get figures(): ListenerFigures {
    const { bytes, messages, lastAtMs } = this.#meter.figures;
    const nowMs = this.#options.clock.monotonic();
    return {
      receivedBytes: bytes,
      messages,
      idleMs: Math.max(0, nowMs - (lastAtMs ?? this.#startedMs ?? nowMs)),
      errors: this.#errors(),
      failure: this.#failure,
    };
  }

  /** Returns when it began. */
  #open(): number {
    const { clock } = this.#options;
    const ender = new AbortController();
    this.#opening = { ender, done: this.#tryOnce(ender.signal).finally(() => (this.#opening = null)) };
    return clock.monotonic();
  }

  async #tryOnce(signal: AbortSignal): Promise<void> {
    const { open, clock, openMs = OPEN_MS } = this.#options;
    const admitted = this.#quarantine.admit(KEY, clock.monotonic());
    const opened = admitted.ok ? await open(signal, openMs) : admitted;
    if (signal.aborted) {
      if (opened.ok) await opened.value.close();
      return;
    }
    if (opened.ok) this.#listen(opened.value);
    else this.#lost(opened.error);
  }

  #listen(line: LineStream): void {
    const { clock } = this.#options;
    const openedMs = clock.monotonic();
    this.#line = line;
    this.#failure = null;
    let why: LineError | null = null;
    line.stream.on("error", (error) => {
      why ??= line.describe(error);
    });
    line.stream.on("data", (bytes: Uint8Array) => {
      if (this.#line !== line) return;
      if (this.#meter.take(bytes, clock.monotonic())) {
        this.#options.sink?.(bytes, clock.monotonic());
        return;
      }
      why = { kind: "protocol", detail: "more bytes came than a serial line carries", hint: "is it the right port?" };
      this.#quarantine.punish(KEY, why, clock.monotonic());
      void line.close();
    });
    line.stream.on("close", () => {
      if (this.#line !== line) return;
      this.#pastErrors = this.#errors();
      this.#line = null;
      if (clock.monotonic() - openedMs >= SETTLED_MS) this.#attempts = 0;
      this.#lost(why ?? { kind: "io", detail: "the line was closed from the other end" });
    });
    if (line.stream.destroyed) this.#line = null;
  }

  #lost(failure: LineError): void {
    const { clock, random } = this.#options;
    this.#failure = failure;
    if (this.#closed) return;
    if (failure.misbehaved) this.#quarantine.punish(KEY, failure, clock.monotonic());
    this.#cancelReopen = clock.after(backoffMs(this.#attempts++, REOPEN, random()), () => void this.#open());
  }

  #errors(): LineErrors | null {
    const now = this.#line !== null && "lineErrors" in this.#line.stream ? this.#line.stream.lineErrors : null;
    if (!isLineErrors(now)) return this.#pastErrors;
    const { framing, parity, overruns, breaks } = this.#pastErrors ?? NO_ERRORS;
    return {
      framing: framing + now.framing,
      parity: parity + now.parity,
      overruns: overruns + now.overruns,
      breaks: breaks + now.breaks,
    };
  }
}

const isLineErrors = (value: unknown): value is LineErrors =>
  typeof value === "object" && value !== null && Object.keys(NO_ERRORS).every((name) => name in value);
