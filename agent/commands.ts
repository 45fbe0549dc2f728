/**
 * Commands of the collector: judged by core/commands.ts, remembered in `commands.json` in the data folder (synced before
 * a command runs), run, and answered. Nothing here changes a device.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Clock, errorText } from "@aislewatch/base";
import { type Command, type CommandKind, LIMITS, type Reply } from "@aislewatch/contract";
import type { Log } from "@aislewatch/runtime";
import { z } from "zod";
import { judgeCommand, REMEMBERED_MAX, type Remembered, remember, replyTo } from "./core/commands.ts";
import { agentEvents } from "./events.ts";

export type Outcome = Pick<Reply, "outcome" | "detail">;

/** What a command does; `signal` ends at its deadline. */
export type CommandActions = Readonly<
  Record<CommandKind, (command: Command, signal: AbortSignal) => Promise<Outcome> | Outcome>
>;

export type CommandsOptions = {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly allowed: () => readonly CommandKind[];
  readonly actions: CommandActions;
  /** Sends a reply, when there is a connection. */
  readonly reply: (reply: Reply) => void;
};

const FILE = "commands.json";
const FILE_SCHEMA = z
  .array(
    z.object({
      id: z.string(),
      deadlineAt: z.number(),
      reply: z.object({ outcome: z.enum(["done", "refused", "failed", "expired"]), detail: z.string() }).nullable(),
    }),
  )
  .max(REMEMBERED_MAX);

export class Commands {
  readonly #options: CommandsOptions;
  readonly #running = new Map<string, () => void>();
  #remembered: readonly Remembered[] = [];
  #offsetMs = 0;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  /** Reads what was remembered. A file that can't be read is begun anew: deadlines still hold. */
  start(): void {
    try {
      const parsed = FILE_SCHEMA.safeParse(JSON.parse(readFileSync(join(this.#options.folder, FILE), "utf8")));
      if (parsed.success) this.#remembered = parsed.data;
    } catch {
      // The first start, or a file that a power cut damaged.
    }
  }

  stop(): void {
    for (const end of this.#running.values()) end();
  }

  /** The collector's time, as its acks carry it: deadlines are by that clock. */
  collectorTime(atMs: number): void {
    this.#offsetMs = atMs - this.#options.clock.now();
  }

  take(command: Command): void {
    const { allowed, log, reply } = this.#options;
    const { id, kind, by, device = "" } = command;
    const running = new Set(this.#running.keys());
    const world = { nowMs: this.#now(), allowed: allowed(), remembered: this.#remembered, running };
    const verdict = judgeCommand(command, world);
    if (verdict.do === "nothing") return;
    if (verdict.do === "reply") {
      log.emit(agentEvents.commandEnded, { id, kind, device, by, outcome: verdict.reply.outcome });
      reply(verdict.reply);
      return;
    }
    log.emit(agentEvents.commandReceived, { id, kind, device, by });
    const written = this.#write({ id, deadlineAt: command.deadlineAt, reply: null });
    // What can't be remembered could run twice after a restart. Diagnostics may: they are asked for when a disk is full.
    if (written !== null && kind !== "send_diagnostics")
      this.#end(command, { outcome: "failed", detail: `can't be remembered: ${written}` });
    else void this.#run(command);
  }

  async #run(command: Command): Promise<void> {
    const { clock, actions } = this.#options;
    const ending = new AbortController();
    const late = Promise.withResolvers<Outcome>();
    const end = (): void => {
      ending.abort();
      late.resolve({ outcome: "expired", detail: "it was not done by its deadline" });
    };
    const cancel = clock.after(command.deadlineAt - this.#now(), end);
    this.#running.set(command.id, end);
    try {
      const outcome = await Promise.race([actions[command.kind](command, ending.signal), late.promise]);
      this.#end(command, outcome);
    } catch (thrown) {
      this.#end(command, { outcome: "failed", detail: errorText(thrown) });
    } finally {
      cancel();
    }
  }

  #end(command: Command, outcome: Outcome): void {
    const { log, reply } = this.#options;
    const { id, kind, by, device = "", deadlineAt } = command;
    this.#running.delete(id);
    const cut = { ...outcome, detail: outcome.detail.slice(0, LIMITS.replyCharsMax) };
    this.#write({ id, deadlineAt, reply: cut });
    log.emit(agentEvents.commandEnded, { id, kind, device, by, outcome: cut.outcome });
    reply(replyTo(id, cut));
  }

  /** Null when it is on the disk, else why not. */
  #write(command: Remembered): string | null {
    const next = remember(this.#remembered, command, this.#now());
    // In this run it is known also when the disk takes nothing.
    this.#remembered = next;
    const path = join(this.#options.folder, FILE);
    try {
      const file = openSync(`${path}.new`, "w", 0o600);
      try {
        writeSync(file, JSON.stringify(next));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(`${path}.new`, path);
    } catch (thrown) {
      return errorText(thrown);
    }
    return null;
  }

  #now(): number {
    return this.#options.clock.now() + this.#offsetMs;
  }
}
