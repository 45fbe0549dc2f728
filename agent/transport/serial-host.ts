/**
 * The parent's side of the serial process: starts it when the first port is opened, watches it, and does without it when
 * it hangs or dies. One process for all ports (some 12 MB of its own), none while no serial line is configured.
 *
 * The process is called hung when it leaves three heartbeats unanswered; it is then killed by its pid and a new one is
 * started for the next port. Every open port ends with a `SerialLoss`, which says whether this port was the one that
 * the binding was called for. A call that hangs in the binding's thread pool stops nobody else: the port's own opening
 * runs into its time limit, is blamed, and the port is not opened again in this process.
 *
 * A process in an uninterruptible call of a driver outlives its SIGKILL until the call returns. It is not waited for;
 * but with UNDEAD_MAX of them no further one is started.
 */
import { type ChildProcess, fork } from "node:child_process";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { backoffMs, type Clock, err, ok, type Result } from "@aislewatch/base";
import type { Order, PortOptions, Report } from "./serial-wire.ts";

const HEARTBEAT_MS = 750;
/** Heartbeats that may stay unanswered: on a machine with too much to do a healthy process is late by one. */
const MISSED_MAX = 3;
/** After a loss the next process starts at once; the more of them are lost within this time, the later. */
const SETTLED_MS = 30_000;
const RESTART = { baseMs: 1_000, maxMs: 60_000 } as const;
const UNDEAD_MAX = 3;
/** An adapter may take some 100 ms to open. After this the driver hangs, if the binding was called for it. */
const HUNG_MS = 1_500;
/** A port hangs for as long before its process is given up for it; it is in quarantine for longer. */
const RENEW_MS = 20_000;
/** Threads for calls that block; as many ports but two can hang at once. A thread costs some 10 kB. */
const THREADS = 64;
/** Ports open at once; taps keep theirs open. Poll lines are open for a second each. */
const PORTS_MAX = 256;
const STOP_MS_MAX = 300;
/** Closing a port whose device is gone can take for ever on some platforms (serialport #2351). */
const CLOSE_MS_MAX = 500;
/** Of the agent's environment; secrets in there are no business of a driver library. */
const ENVIRONMENT = ["PATH", "SystemRoot", "LD_LIBRARY_PATH", "LD_PRELOAD"] as const;

/** The process as it is seen from here; a test brings its own. */
export type SerialProcess = {
  send(order: Order): void;
  /** SIGKILL, by its pid. */
  kill(): void;
  /** Closes the channel, on which it ends by itself. */
  leave(): void;
  onReport(listener: (report: Report) => void): void;
  onExit(listener: () => void): void;
  readonly pid: number | undefined;
};

/** The serial process is gone, and the port with it. `blamed`: this port was the one that hung it. */
export class SerialLoss extends Error {
  readonly blamed: boolean;

  constructor(detail: string, blamed: boolean) {
    super(detail);
    this.blamed = blamed;
  }
}

export type SerialHostOptions = {
  readonly clock: Clock;
  readonly random: () => number;
  readonly start?: () => SerialProcess;
  /** The process was lost, and why. */
  readonly onLoss?: (detail: string) => void;
};

type Port = {
  readonly path: string;
  readonly stream: SerialStream;
  called: boolean;
  opening: ((result: Result<SerialStream, SerialOpenError>) => void) | null;
  closing: (() => void) | null;
};

export type SerialOpenError =
  | { readonly kind: "failed"; readonly detail: string }
  | { readonly kind: "lost"; readonly blamed: boolean; readonly detail: string }
  /** Not opened in time. `hung`: the binding had all the time that a port may take. */
  | { readonly kind: "late"; readonly hung: boolean };

/** `called`: the binding was called for it. Without that it is the process that hangs, and not the port. */
type Stuck = { readonly path: string; readonly sinceMs: number; readonly called: boolean };

type Child = {
  readonly process: SerialProcess;
  readonly ports: Map<number, Port>;
  /** Ports whose opening or closing has not come back: opening one again would take another thread. */
  readonly stuck: Map<number, Stuck>;
  readonly startedMs: number;
  /** The port that the binding is called for at this moment. */
  at: number | null;
  missed: number;
  cancelHeartbeat: (() => void) | null;
};

export class SerialHost {
  readonly #options: SerialHostOptions;
  #child: Child | null = null;
  #nextId = 1;
  #losses = 0;
  #notBeforeMs = 0;
  #undead = 0;
  #lastAlone: Promise<unknown> = Promise.resolve();

  constructor(options: SerialHostOptions) {
    this.#options = options;
  }

  /** Of the process that runs; null when none does. */
  get pid(): number | null {
    return this.#child?.process.pid ?? null;
  }

  open(
    options: PortOptions,
    { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<Result<SerialStream, SerialOpenError>> {
    this.#renewFor(options.path);
    const child = this.#running();
    if (!child.ok) return Promise.resolve(err({ kind: "failed", detail: child.error.detail }));
    const stuck = stuckIn(child.value, options.path);
    if (stuck !== null) return Promise.resolve(err({ kind: "late", hung: this.#hangs(stuck) }));
    return this.#openIn(child.value, options, { signal, timeoutMs });
  }

  /** Another try of a port that hangs needs another process; what is in flight on other ports is asked again. */
  #renewFor(path: string): void {
    const child = this.#child;
    const stuck = child === null ? null : stuckIn(child, path);
    if (child === null || stuck === null) return;
    if (this.#options.clock.monotonic() - stuck.sinceMs >= RENEW_MS) this.#lose(child, `${path} hung in it`, null);
  }

  /**
   * What is asked again after a loss that nobody is known to have caused is asked one port at a time: when it happens
   * again, it is clear whose fault it was.
   */
  alone<T>(run: () => Promise<T>): Promise<T> {
    const mine = this.#lastAlone.then(run, run);
    this.#lastAlone = mine.catch(() => {});
    return mine;
  }

  /** Ends the process and what is open; what is opened later starts another one. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    let cancelWait = (): void => {};
    const gone = new Promise<void>((resolve) => {
      child.process.onExit(resolve);
      cancelWait = this.#options.clock.after(STOP_MS_MAX, resolve);
    });
    this.#forget(child);
    for (const port of child.ports.values()) end(port, new SerialLoss("the agent stops", false));
    child.process.leave();
    const cancelKill = this.#options.clock.after(STOP_MS_MAX / 2, () => child.process.kill());
    await gone;
    cancelKill();
    cancelWait();
  }

  #openIn(
    child: Child,
    options: PortOptions,
    { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<Result<SerialStream, SerialOpenError>> {
    const id = this.#nextId++;
    const startMs = this.#options.clock.monotonic();
    return new Promise((resolve) => {
      const stream = new SerialStream({
        write: (bytes) => child.process.send({ do: "write", id, bytes }),
        took: (bytes) => child.process.send({ do: "took", id, bytes }),
        close: () => this.#closePort(child, id),
      });
      const settle = (result: Result<SerialStream, SerialOpenError>): void => {
        port.opening = null;
        cancel();
        signal.removeEventListener("abort", late);
        resolve(result);
      };
      const late = (): void => {
        const { called } = port;
        child.ports.delete(id);
        // It may yet open; then it is closed at once.
        const stuck = { path: options.path, sinceMs: startMs, called };
        child.stuck.set(id, stuck);
        child.process.send({ do: "close", id });
        settle(err({ kind: "late", hung: this.#hangs(stuck) }));
      };
      const cancel = this.#options.clock.after(timeoutMs, late);
      const port: Port = { path: options.path, stream, called: false, opening: settle, closing: null };
      child.ports.set(id, port);
      this.#watch(child);
      signal.addEventListener("abort", late, { once: true });
      if (signal.aborted) late();
      else child.process.send({ do: "open", id, options });
    });
  }

  #hangs({ called, sinceMs }: Stuck): boolean {
    return called && this.#options.clock.monotonic() - sinceMs >= HUNG_MS;
  }

  #running(): Result<Child, { detail: string }> {
    const { clock, start = forkSerialProcess } = this.#options;
    if (this.#child !== null) {
      return this.#child.ports.size < PORTS_MAX ? ok(this.#child) : err({ detail: `${PORTS_MAX} ports are open` });
    }
    if (this.#undead >= UNDEAD_MAX) {
      return err({ detail: `${UNDEAD_MAX} serial processes hang in drivers of this system: a restart of it may help` });
    }
    const nowMs = clock.monotonic();
    if (nowMs < this.#notBeforeMs) return err({ detail: "the serial process was lost again and again; it pauses" });
    const child: Child = {
      process: start(),
      ports: new Map(),
      stuck: new Map(),
      startedMs: nowMs,
      at: null,
      missed: 0,
      cancelHeartbeat: null,
    };
    this.#child = child;
    child.process.onReport((report) => {
      child.missed = 0;
      this.#hear(child, report);
    });
    // It may have been killed by anybody (the kernel, short of memory): asking again, alone, tells whose fault it was.
    child.process.onExit(() => this.#lose(child, "the serial process ended", null));
    return ok(child);
  }

  #hear(child: Child, report: Report): void {
    if (report.say === "pong") return;
    if (report.say === "at") {
      child.at = report.id;
      const called = report.id === null ? undefined : child.ports.get(report.id);
      if (called !== undefined) called.called = true;
      return;
    }
    if (report.say !== "data" && report.say !== "flushed") child.stuck.delete(report.id);
    const port = child.ports.get(report.id);
    if (port === undefined) return;
    if (report.say === "data") port.stream.received(report.bytes);
    else if (report.say === "flushed") port.stream.flushed();
    else if (report.say === "opened") port.opening?.(ok(port.stream));
    else this.#endPort(child, report.id, report.say === "failed" ? new Error(report.detail) : null);
  }

  #endPort(child: Child, id: number, error: Error | null): void {
    const port = child.ports.get(id);
    if (port === undefined) return;
    child.ports.delete(id);
    end(port, error);
  }

  #closePort(child: Child, id: number): Promise<void> {
    const port = child.ports.get(id);
    if (port === undefined || this.#child !== child) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(CLOSE_MS_MAX, () => {
        child.stuck.set(id, { path: port.path, sinceMs: this.#options.clock.monotonic(), called: true });
        this.#endPort(child, id, null);
      });
      port.closing = () => {
        cancel();
        resolve();
      };
      child.process.send({ do: "close", id });
    });
  }

  /** Heartbeats only while there is something to wait for: an idle process needs no watching, and waking it costs. */
  #watch(child: Child): void {
    if (child.cancelHeartbeat !== null) return;
    child.missed = 0;
    const beat = (): void => {
      child.cancelHeartbeat = null;
      if (child.ports.size === 0 && child.stuck.size === 0) return;
      if (child.missed >= MISSED_MAX) {
        const path = child.at === null ? undefined : child.ports.get(child.at)?.path;
        this.#lose(child, `the serial process hung${path === undefined ? "" : ` at ${path}`}`, child.at);
        return;
      }
      child.missed++;
      child.process.send({ do: "ping" });
      child.cancelHeartbeat = this.#options.clock.after(HEARTBEAT_MS, beat);
    };
    child.cancelHeartbeat = this.#options.clock.after(HEARTBEAT_MS, beat);
  }

  #lose(child: Child, detail: string, blamedId: number | null): void {
    if (this.#child !== child) return;
    const nowMs = this.#options.clock.monotonic();
    this.#forget(child);
    this.#losses = nowMs - child.startedMs >= SETTLED_MS ? 1 : this.#losses + 1;
    this.#notBeforeMs = this.#losses < 2 ? nowMs : nowMs + backoffMs(this.#losses - 2, RESTART, this.#options.random());
    this.#options.onLoss?.(detail);
    this.#undead++;
    child.process.onExit(() => {
      this.#undead--;
    });
    child.process.kill();
    for (const [id, port] of child.ports) end(port, new SerialLoss(detail, id === blamedId));
    child.ports.clear();
  }

  #forget(child: Child): void {
    this.#child = null;
    child.cancelHeartbeat?.();
    child.cancelHeartbeat = null;
  }
}

function stuckIn(child: Child, path: string): Stuck | null {
  for (const stuck of child.stuck.values()) if (stuck.path === path) return stuck;
  return null;
}

function end(port: Port, error: Error | null): void {
  const { opening, closing, stream } = port;
  if (opening !== null) {
    if (error instanceof SerialLoss) {
      opening(err({ kind: "lost", blamed: error.blamed, detail: error.message }));
    } else opening(err({ kind: "failed", detail: error?.message ?? "closed while it was opened" }));
  }
  stream.ended(error);
  closing?.();
}

type StreamOrders = {
  readonly write: (bytes: Uint8Array) => void;
  readonly took: (bytes: number) => void;
  readonly close: () => Promise<void>;
};

/**
 * One open port. Reads no more ahead than the process's window, for bytes are acknowledged as they are consumed. A write
 * does not wait for the device: with its flow control off a device would hold it for ever, and the exchange's own time
 * limit says so better.
 */
export class SerialStream extends Duplex {
  readonly #orders: StreamOrders;
  #unacknowledged = 0;
  #flushing = false;
  /** Why it ended, when its process was lost. */
  loss: SerialLoss | null = null;

  constructor(orders: StreamOrders) {
    super({ emitClose: true, autoDestroy: true });
    this.#orders = orders;
    this.on("error", () => {});
  }

  /** Bytes from the port. */
  received(bytes: Uint8Array): void {
    if (this.destroyed) return;
    this.#unacknowledged += bytes.byteLength;
    // An old answer must not be taken for the one to a question that is still on its way.
    if (this.#flushing || this.push(bytes)) this.#acknowledge();
  }

  flushed(): void {
    this.#flushing = false;
  }

  ended(error: Error | null): void {
    if (error instanceof SerialLoss) this.loss = error;
    this.#ended = true;
    this.destroy(error ?? undefined);
  }

  closePort(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    this.destroy();
    return this.#closed;
  }

  #ended = false;
  #closed: Promise<void> = Promise.resolve();

  override _read(): void {
    this.#acknowledge();
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#flushing = true;
    this.#orders.write(bytes);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#ended) {
      this.#ended = true;
      this.#closed = this.#orders.close();
    }
    done(error);
  }

  #acknowledge(): void {
    if (this.#unacknowledged === 0 || this.#ended) return;
    this.#orders.took(this.#unacknowledged);
    this.#unacknowledged = 0;
  }
}

/**
 * The real process. It keeps neither the agent nor a command line alive: what waits for it has a time limit, which does.
 * It ends with its channel, also when the agent was killed.
 */
export function forkSerialProcess(): SerialProcess {
  const env = Object.fromEntries(ENVIRONMENT.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  const child: ChildProcess = fork(fileURLToPath(new URL("serial-child.mjs", import.meta.url)), [], {
    execArgv: ["--max-old-space-size=32", "--max-semi-space-size=1"],
    env: { ...env, UV_THREADPOOL_SIZE: String(THREADS), MALLOC_ARENA_MAX: "2" },
    serialization: "advanced",
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  child.unref();
  child.channel?.unref();
  const exits: (() => void)[] = [];
  let over = false;
  const exited = (): void => {
    if (over) return;
    over = true;
    for (const listener of exits) listener();
  };
  child.once("exit", exited);
  // It could not be started at all: "exit" does not follow.
  child.once("error", () => {
    if (child.pid === undefined) exited();
  });
  return {
    pid: child.pid,
    send(order) {
      if (child.connected) child.send(order, undefined, undefined, () => {});
    },
    kill: () => void child.kill("SIGKILL"),
    leave: () => {
      if (child.connected) child.disconnect();
    },
    onReport: (listener) => void child.on("message", (report: Report) => listener(report)),
    onExit(listener) {
      if (over) listener();
      else exits.push(listener);
    },
  };
}
