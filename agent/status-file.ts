/**
 * `status.json` in the data folder: what the agent is doing, rewritten every five seconds, for `aislewatch-agent
 * status` and for people without a collector at hand. Written beside and renamed, so that a reader never sees half.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, errorText } from "@aislewatch/base";
import { type FormerOutbox, formerOutboxesSchema } from "@aislewatch/contract";
import type { Log } from "@aislewatch/runtime";
import type { AgentConfig } from "./config.ts";
import { agentEvents } from "./events.ts";
import type { Intake } from "./intake.ts";
import type { Outbox } from "./outbox.ts";
import type { Poller } from "./poller.ts";
import type { TrapFigures, Traps } from "./traps.ts";
import type { Uplink } from "./uplink.ts";

export const STATUS_FILE = "status.json";
export const STATUS_EVERY_MS = 5_000;

export type StatusFileOptions = {
  readonly config: AgentConfig;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly outbox: Outbox;
  readonly uplink: Uplink;
  readonly poller: Poller;
  readonly intake: Intake;
  readonly traps: Traps | null;
};

export class StatusFile {
  #options: StatusFileOptions;
  readonly #startedAt: number;
  #cancel: (() => void) | null = null;

  constructor(options: StatusFileOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
  }

  /** After a reload: the file goes on with other parts. */
  replace(options: StatusFileOptions): void {
    this.#options = options;
  }

  /** How the agent is now; also what it sends as diagnostics. */
  status(state: "running" | "stopped") {
    const { config, version, clock, outbox, uplink, poller, intake, traps } = this.#options;
    return {
      state,
      pid: process.pid,
      version,
      site: config.site,
      agent: config.agent,
      startedAt: this.#startedAt,
      writtenAt: clock.now(),
      collector: { url: config.collector.url, ...uplink.figures },
      outbox: {
        epoch: outbox.epoch,
        lanes: outbox.lanes,
        ...outbox.figures,
        inMemory: outbox.trouble,
        readingsWaiting: intake.waiting,
      },
      traps: traps?.figures ?? null,
      devices: poller.states,
    };
  }

  start(): void {
    this.#write("running");
    this.#cancel = this.#options.clock.after(STATUS_EVERY_MS, () => this.start());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#write("stopped");
  }

  #write(state: "running" | "stopped"): void {
    const { config, log } = this.#options;
    const status = this.status(state);
    const path = join(config.dataFolder, STATUS_FILE);
    try {
      writeFileSync(`${path}.new`, `${JSON.stringify(status, null, 1)}\n`, { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch (thrown) {
      log.emit(agentEvents.statusWriteFailed, { detail: errorText(thrown) });
    }
  }
}

/** What the file says of the outbox that there was when it was written; null when it is not there, or tells of memory. */
export function lastKnownOutbox(folder: string): FormerOutbox | null {
  try {
    const { outbox } = JSON.parse(readFileSync(join(folder, STATUS_FILE), "utf8")) as {
      outbox?: Partial<AgentStatusFile["outbox"]>;
    };
    if (outbox === undefined || outbox.inMemory !== null) return null;
    const parsed = formerOutboxesSchema.safeParse([{ epoch: outbox.epoch, lanes: outbox.lanes }]);
    return parsed.success ? (parsed.data[0] ?? null) : null;
  } catch {
    return null;
  }
}

export type AgentStatusFile = {
  readonly state: string;
  readonly pid: number;
  readonly version: string;
  readonly site: string;
  readonly agent: string;
  readonly startedAt: number;
  readonly writtenAt: number;
  readonly collector: Uplink["figures"] & { readonly url: string };
  readonly outbox: Outbox["figures"] & {
    readonly epoch: string;
    readonly lanes: Outbox["lanes"];
    readonly inMemory: Outbox["trouble"];
    readonly readingsWaiting: number;
  };
  /** Null when traps are not listened for. */
  readonly traps: TrapFigures | null;
  readonly devices: Poller["states"];
};
