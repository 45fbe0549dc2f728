/** How far a long command is, on stderr: a line that is drawn over on a terminal, a line now and then elsewhere. */
import type { Clock } from "@aislewatch/base";
import type { Terminal } from "./terminal.ts";

const DRAW_EVERY_MS = 100;
const LINE_EVERY_MS = 5_000;
const BAR_CHARS = 24;

export class Progress {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  #shownMs = Number.NEGATIVE_INFINITY;
  #drawn = 0;

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal;
    this.#clock = clock;
    // A short command needs no line.
    if (!terminal.errorIsTerminal) this.#shownMs = clock.monotonic();
  }

  /** `share` of 0 to 1 draws a bar; null where nobody knows how much there is. */
  show(share: number | null, text: string): void {
    const { errorIsTerminal } = this.#terminal;
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#shownMs < (errorIsTerminal ? DRAW_EVERY_MS : LINE_EVERY_MS)) return;
    this.#shownMs = nowMs;
    if (!errorIsTerminal) {
      this.#terminal.error(`${share === null ? "" : `${Math.floor(share * 100)} %, `}${text}\n`);
      return;
    }
    const line = share === null ? text : `${bar(share)} ${text}`;
    this.#terminal.error(`\r${line.padEnd(this.#drawn)}`);
    this.#drawn = line.length;
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#drawn > 0) this.#terminal.error(`\r${" ".repeat(this.#drawn)}\r`);
    this.#drawn = 0;
  }
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_CHARS);
  return `[${"#".repeat(full)}${".".repeat(BAR_CHARS - full)}] ${String(Math.floor(share * 100)).padStart(3)} %`;
}
