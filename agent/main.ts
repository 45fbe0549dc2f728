import { readFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { realClock } from "@aislewatch/runtime";
import { runCommandLine } from "./cli/command-line.ts";
import { Interrupts } from "./cli/interrupts.ts";
import { giveBackUnusedMemory } from "./transport/unused-memory.ts";

const { version } = JSON.parse(readFileSync(new URL("./package.json", import.meta.url), "utf8")) as { version: string };

/** By then what a poll needs has been loaded. */
const LOADED_MS = 10_000;
/** What compiling leaves behind comes when it will in the first minutes. Giving back takes 3 ms. */
const GIVE_BACK_MS = 60_000;
/** With 200 devices a collection takes 50 to 90 ms of a processor, and 1 to 2 MB more are garbage each minute. */
const GIVE_BACKS_PER_COLLECTION = 2;

// Each small Buffer with memory of its own: MQTT.js keeps one for every length of a packet that it has ever sent, and
// with it the 64 KiB of Node's pool that it was cut from. 16,384 lengths would hold a gigabyte.
Buffer.poolSize = 0;

realClock.after(LOADED_MS, () => {
  // Node writes its cache of compiled code when it exits, which an agent may never do in an orderly way; it also lets go
  // of what it read of it.
  flushCompileCache();
  void giveBack(0);
});

async function giveBack(turn: number): Promise<void> {
  // What a start needed lies all over the heap, and so does what polls leave. V8's own collections wait until 8 MB more are
  // there, and give a page back only when nothing is on it; this one also moves together what is left. One of the ordinary
  // flavour changes nothing.
  if (turn % GIVE_BACKS_PER_COLLECTION === 0) {
    globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
  }
  await giveBackUnusedMemory();
  realClock.after(GIVE_BACK_MS, () => void giveBack(turn + 1));
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
