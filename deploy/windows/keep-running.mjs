// What the scheduled task of service.ps1 runs: starts a program again whenever it ends, and keeps what it says in files of
// bounded size. Task Scheduler does neither. It runs on any system, so that tests can run it.
//
//   node keep-running.mjs --log FILE -- NODE-ARGUMENTS...
//
// The program has an IPC channel to this process and stops in order when it closes: also when the task is ended, which on
// Windows is no signal but the end of this process. Exit codes: 0 the program was asked to end, 2 its configuration is
// faulty (which no new start mends), 1 this file was called wrongly. Plain JavaScript, without a dependency.
import { spawn } from "node:child_process";
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

const LOG_BYTES_MAX = 10 * 2 ** 20;
/** Beside the one that is written to: FILE.1, the newest, to FILE.4. */
const OLD_LOGS_MAX = 4;
const START_AGAIN_MS = 5_000;
/** Up to here the wait doubles while starts fail. */
const START_AGAIN_MS_MAX = 60_000;
/** Who ran this long had started well. */
const STARTED_WELL_MS = 300_000;
/** Longer than a collector needs to end. */
const STOP_MS_MAX = 60_000;
/** After its end, for what it said and was not yet read. */
const LAST_WORDS_MS = 2_000;
const EXIT = { asked: 0, usage: 1, config: 2 };

/** Appends to `file`, and begins a new one when it is full. A full disk costs lines, never the program. */
class Log {
  #file;
  #descriptor = null;
  #bytes = 0;

  constructor(file) {
    this.#file = file;
    mkdirSync(dirname(file), { recursive: true });
  }

  write(chunk) {
    try {
      if (this.#bytes > 0 && this.#bytes + chunk.length > LOG_BYTES_MAX) this.#turn();
      this.#descriptor ??= this.#open();
      this.#bytes += writeSync(this.#descriptor, chunk);
    } catch {
      this.#close();
    }
  }

  /** A line of our own, as the programs write theirs. */
  say(event, fields) {
    const time = new Date().toISOString();
    this.write(Buffer.from(`${JSON.stringify({ level: "warn", time, program: "service", ...fields, event })}\n`));
  }

  #open() {
    const descriptor = openSync(this.#file, "a", 0o640);
    this.#bytes = fstatSync(descriptor).size;
    return descriptor;
  }

  #close() {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  #turn() {
    this.#close();
    rmSync(`${this.#file}.${OLD_LOGS_MAX}`, { force: true });
    for (let number = OLD_LOGS_MAX - 1; number >= 0; number--) {
      const from = number === 0 ? this.#file : `${this.#file}.${number}`;
      try {
        renameSync(from, `${this.#file}.${number + 1}`);
      } catch (error) {
        if (error.code !== "ENOENT") throw error;
      }
    }
    this.#bytes = 0;
  }
}

const closed = (stream) => new Promise((done) => (stream.closed ? done() : stream.once("close", done)));
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

function keepRunning(log, words) {
  let child = null;
  let isEnding = false;
  let waitMs = START_AGAIN_MS;
  let timer = null;

  function start() {
    timer = null;
    const began = performance.now();
    child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe", "ipc"], windowsHide: true });
    const streams = [child.stdout, child.stderr];
    for (const stream of streams) stream.on("data", (chunk) => log.write(chunk));
    child.on("error", (error) => log.say("program_failed", { detail: error.message }));
    // Of a child that was disconnected Node tells no "close". What it left running may keep its streams open.
    child.on("exit", async (code, signal) => {
      const ranMs = performance.now() - began;
      await Promise.race([Promise.all(streams.map(closed)), wait(LAST_WORDS_MS)]);
      ended(code, signal, ranMs);
    });
    if (child.pid === undefined) ended(null, null, 0);
  }

  function ended(code, signal, ranMs) {
    child = null;
    if (isEnding || code === EXIT.asked || code === EXIT.config) {
      process.exit(isEnding ? EXIT.asked : code);
    }
    if (ranMs >= STARTED_WELL_MS) waitMs = START_AGAIN_MS;
    log.say("program_ended", { code: code ?? -1, signal: signal ?? "", startAgainMs: waitMs });
    timer = setTimeout(start, waitMs);
    waitMs = Math.min(2 * waitMs, START_AGAIN_MS_MAX);
  }

  function end() {
    if (isEnding) return;
    isEnding = true;
    if (timer !== null) clearTimeout(timer);
    if (child === null) process.exit(EXIT.asked);
    if (child.connected) child.disconnect();
    setTimeout(() => child?.kill("SIGKILL"), STOP_MS_MAX);
  }

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"]) {
    // SIGBREAK is there on Windows alone.
    if (signal !== "SIGBREAK" || process.platform === "win32") process.on(signal, end);
  }
  start();
}

const [option, file, separator, ...words] = process.argv.slice(2);
if (option !== "--log" || file === undefined || separator !== "--" || words.length === 0) {
  process.stderr.write("Usage: node keep-running.mjs --log FILE -- NODE-ARGUMENTS...\n");
  process.exit(EXIT.usage);
}
keepRunning(new Log(file), words);
