import { readFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { realClock } from "@aislewatch/runtime";
import { runCommandLine } from "./cli/command-line.ts";
import { Interrupts } from "./cli/interrupts.ts";
import { giveBackProgramPages } from "./transport/program-pages.ts";

const { version } = JSON.parse(readFileSync(new URL("./package.json", import.meta.url), "utf8")) as { version: string };

/** By then what a poll needs has been loaded. */
const LOADED_MS = 10_000;
/** What is seldom needed is mapped again in between. It takes 2 ms. */
const PAGES_MS = 600_000;

// Each small Buffer with memory of its own: MQTT.js keeps one for every length of a packet that it has ever sent, and
// with it the 64 KiB of Node's pool that it was cut from. 16,384 lengths would hold a gigabyte.
Buffer.poolSize = 0;

realClock.after(LOADED_MS, () => {
  // Node writes its cache of compiled code when it exits, which an agent may never do in an orderly way; it also lets go
  // of what it read of it.
  flushCompileCache();
  // What a start needed lies all over the heap. This one collection, of 40 ms, also moves together what is left; V8's own
  // give a page back only when nothing is on it, and 4 to 8 MB stay.
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
  void giveBackPages();
});

async function giveBackPages(): Promise<void> {
  await giveBackProgramPages();
  realClock.after(PAGES_MS, () => void giveBackPages());
}

const interrupts = new Interrupts(process, realClock);
const code = await runCommandLine(
  process.argv.slice(2),
  {
    out: (text) => process.stdout.write(text),
    error: (text) => process.stderr.write(text),
    env: process.env,
    outIsTerminal: process.stdout.isTTY === true,
    errorIsTerminal: process.stderr.isTTY === true,
    onInterrupt: (stop) => interrupts.on(stop),
  },
  version,
);
// Not process.exit at once: a pipe behind stdout may not have taken everything yet.
process.exitCode = code;
process.stdout.end(() => process.exit(code));
