import { readFileSync } from "node:fs";
import { realClock } from "@aislewatch/runtime";
import { runCommandLine } from "./cli/command-line.ts";
import { Interrupts } from "./cli/interrupts.ts";

const { version } = JSON.parse(readFileSync(new URL("./package.json", import.meta.url), "utf8")) as { version: string };

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
