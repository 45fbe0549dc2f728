/**
 * From `main` to the exit code. SIGTERM and SIGINT stop in order; a second SIGTERM exits at once. What comes within half
 * a second of the first is the same request, once from a sender that means the whole group (a terminal, systemd,
 * timeout) and once more through the launcher. A program that was started with an IPC channel stops when the channel
 * closes: that is how a child ends with its parent, however the parent died.
 */
import { type Clock, errorText } from "@aislewatch/base";
import { realClock } from "./clock.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { lifecycleEvents } from "./lifecycle-events.ts";
import type { Log } from "./log.ts";

export const EXIT = { asked: 0, crashed: 1, config: 2 } as const;

/** Asked at import: a channel that closed before anyone listened looks as if there had never been one. */
const startedWithChannel = process.connected === true;

/** What of `process` a program's life needs; a test passes its own. */
export type ProcessHost = {
  readonly pid: number;
  readonly connected?: boolean;
  on(event: string, listener: (detail: unknown) => void): unknown;
  off(event: string, listener: (detail: unknown) => void): unknown;
  exit(code: number): void;
};

const SAME_REQUEST_MS = 500;

export type RunOptions = {
  readonly lifecycle: Lifecycle;
  readonly log: Log;
  readonly version: string;
  readonly host?: ProcessHost;
  readonly clock?: Clock;
  /** What SIGHUP asks for, by a service's custom to read its file again; without it, it stops. */
  readonly onHangup?: () => void;
  /** Called once everything is up. */
  readonly onStarted?: () => void;
};

/** Starts, waits until asked to stop, stops, and resolves with the exit code (0 or 1). */
export async function runProgram(options: RunOptions): Promise<number> {
  const { lifecycle, log, version, onStarted, clock = realClock } = options;
  const host = options.host ?? nodeHost();
  const end = Promise.withResolvers<{ reason: string; code: number }>();
  let termedMs: number | null = null;
  const listeners: Record<string, (detail: unknown) => void> = {
    SIGTERM: () => {
      termedMs ??= clock.monotonic();
      if (clock.monotonic() - termedMs > SAME_REQUEST_MS) host.exit(EXIT.crashed);
      end.resolve({ reason: "SIGTERM", code: EXIT.asked });
    },
    SIGINT: () => end.resolve({ reason: "SIGINT", code: EXIT.asked }),
    SIGHUP: () => {
      if (options.onHangup === undefined) end.resolve({ reason: "SIGHUP", code: EXIT.asked });
      else options.onHangup();
    },
    disconnect: () => end.resolve({ reason: "the parent process is gone", code: EXIT.asked }),
    uncaughtException: (thrown) => {
      log.emit(lifecycleEvents.programCrashed, {
        detail: errorText(thrown),
        stack: thrown instanceof Error ? (thrown.stack ?? "") : "",
      });
      end.resolve({ reason: "a bug", code: EXIT.crashed });
    },
  };
  for (const [event, listener] of Object.entries(listeners)) host.on(event, listener);
  // The parent may have died before we listened.
  if (host.connected === false) end.resolve({ reason: "the parent process is gone", code: EXIT.asked });

  const started = lifecycle.start().then((result) => {
    if (!result.ok) {
      // A stop while starting is no failure: `end` has its reason already.
      end.resolve({ reason: `${result.error.part} did not start`, code: EXIT.crashed });
      return result.error;
    }
    log.emit(lifecycleEvents.programStarted, { pid: host.pid, version });
    onStarted?.();
    return null;
  });
  const { reason, code } = await end.promise;
  log.emit(lifecycleEvents.programStopping, { reason });
  await lifecycle.stop();
  // Who asked for the end does not wait for a part that hangs in its start; it was told to stop, too.
  const failure = code === EXIT.asked ? null : await started;
  if (failure !== null) log.emit(lifecycleEvents.startFailed, failure);
  log.emit(lifecycleEvents.programStopped, { reason });
  for (const [event, listener] of Object.entries(listeners)) host.off(event, listener);
  return code;
}

function nodeHost(): ProcessHost {
  return {
    pid: process.pid,
    ...(startedWithChannel && { connected: process.connected }),
    on: (event, listener) => process.on(event, listener),
    off: (event, listener) => process.off(event, listener),
    exit: (code) => process.exit(code),
  };
}
