/**
 * Starting and stopping a program: parts start in order and stop in reverse, each within its deadline. A part that
 * fails to start unwinds what had started, by the same path. After `stop()` resolves nothing of ours runs.
 */
import { type Clock, err, errorText, ok, type Result } from "@aislewatch/base";
import { lifecycleEvents } from "./lifecycle-events.ts";
import type { Log } from "./log.ts";

export type Part = {
  readonly name: string;
  start(): Promise<void> | void;
  stop(): Promise<void> | void;
  /** Deadlines; the defaults suit a part that opens a file or a socket. */
  readonly startMsMax?: number;
  readonly stopMsMax?: number;
};

export type StartError = { readonly part: string; readonly detail: string };

export type Lifecycle = {
  start(): Promise<Result<void, StartError>>;
  /** Resolves when every part has stopped or used up its deadline; a second call waits for the first. */
  stop(): Promise<void>;
};

/** A store that checks a large file at start needs seconds; more is a hang. */
const START_MS_MAX = 15_000;
/** The agent stops within 3 s in all, the demo within 5 s (issue 2). */
const STOP_MS_MAX = 2_500;

export function createLifecycle(parts: readonly Part[], { clock, log }: { clock: Clock; log: Log }): Lifecycle {
  const running: Part[] = [];
  let stopping: Promise<void> | null = null;

  async function stopAll(): Promise<void> {
    for (let part = running.pop(); part !== undefined; part = running.pop()) {
      const stopped = await within(clock, part.stopMsMax ?? STOP_MS_MAX, part.stop.bind(part));
      if (!stopped.ok) log.emit(lifecycleEvents.partStopFailed, { part: part.name, detail: stopped.error });
    }
  }

  return {
    async start() {
      for (const part of parts) {
        if (stopping !== null) return err({ part: part.name, detail: "stopped while starting" });
        // On the list before it has started: a part that failed half-way must be able to clean up.
        running.push(part);
        const started = await within(clock, part.startMsMax ?? START_MS_MAX, part.start.bind(part));
        if (!started.ok) {
          stopping ??= stopAll();
          await stopping;
          return err({ part: part.name, detail: started.error });
        }
      }
      return ok(undefined);
    },
    stop() {
      stopping ??= stopAll();
      return stopping;
    },
  };
}

function within(clock: Clock, deadlineMs: number, run: () => Promise<void> | void): Promise<Result<void, string>> {
  return new Promise((resolve) => {
    const cancel = clock.after(deadlineMs, () => resolve(err(`not done within ${deadlineMs} ms`)));
    const settle = (result: Result<void, string>): void => {
      cancel();
      resolve(result);
    };
    // The async wrapper turns a synchronous throw into the same rejection.
    (async () => run())().then(
      () => settle(ok(undefined)),
      (thrown: unknown) => settle(err(errorText(thrown))),
    );
  });
}
