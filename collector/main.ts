/**
 * `aislewatch collector`, and the commands that work on its data folder: users, tokens, agents, login-link, store, doctor,
 * backup, restore.
 * Exit codes: 0 asked to end, 1 crashed or refused, 2 faulty configuration or wrong words.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { errorText } from "@aislewatch/base";
import { formatDiagnostics } from "@aislewatch/config";
import { createLog, EXIT, realClock, runProgram } from "@aislewatch/runtime";
import { adminHelp, administer, UsageError } from "./admin.ts";
import { createCollector, VERSION } from "./app.ts";
import { type CollectorConfig, defaultCollectorConfig, loadCollectorConfig } from "./config.ts";

const HELP = `Usage: aislewatch collector [options]

  --config FILE        collector.yaml; without it everything is as shipped, on loopback
  --data DIR           the data folder (default: ./data, or what the file says)
  --check              look at the configuration, rules and sites, say what is wrong, and end
  --log-format FORMAT  json, or text for people (default: text on a terminal)
  --log-level LEVEL    debug, info (default), warn or error

${adminHelp}`;

/**
 * From the end of the last part to that of the process: what is left is the end of the log on its way through a pipe, and a
 * thread of a store that was ended in its midst, which takes seconds on a busy machine.
 */
const LINGER_MS_MAX = 10_000;
const PAGE = resolve(import.meta.dirname, "page/dist");

const COMMON = {
  config: { type: "string" },
  data: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

async function main([command = "", ...rest]: string[]): Promise<number> {
  if (command === "broker-config") return (await import("./broker-config.ts")).brokerConfig(rest, configOf);
  if (command === "store") return (await import("./store-command.ts")).storeCommand(rest, configOf);
  if (command === "doctor") return (await import("./doctor.ts")).doctor(rest, configOf);
  if (command === "backup") return (await import("./backup/command.ts")).backupCommand(rest, configOf, VERSION);
  if (command === "restore") return (await import("./backup/command.ts")).restoreCommand(rest, configOf);
  if (command !== "collector") return administer(command, rest, configOf);
  const { values } = parseArgs({
    args: rest,
    options: {
      ...COMMON,
      check: { type: "boolean" },
      "log-format": { type: "string" },
      "log-level": { type: "string" },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return EXIT.asked;
  }
  const config = configOf(values);
  if (config === null) return EXIT.config;
  if (values.check) return check(config);
  const log = createLog({
    program: "collector",
    level: oneOf("--log-level", values["log-level"] ?? "info", ["debug", "info", "warn", "error"]),
    format: oneOf("--log-format", values["log-format"] ?? (process.stderr.isTTY ? "text" : "json"), ["json", "text"]),
    clock: realClock,
  });
  const collector = createCollector({
    config,
    clock: realClock,
    log,
    pageDir: existsSync(join(PAGE, "index.html")) ? PAGE : null,
  });
  const code = await runProgram({
    lifecycle: collector.lifecycle,
    log,
    version: VERSION,
    // A parent that started us with a channel wants to know where we listen.
    onStarted: () => void process.send?.({ ready: collector.urls() }),
  });
  // A part that did not stop in time may have left a thread that keeps the process, and whoever would start it again waits
  // for its end. process.exit would wait, too: for the thread.
  setTimeout(() => process.kill(process.pid, "SIGKILL"), LINGER_MS_MAX).unref();
  const faulty = collector.faultyFiles();
  if (faulty === null) return code;
  process.stderr.write(`${faulty}\n`);
  return EXIT.config;
}

async function check(config: CollectorConfig): Promise<number> {
  const { loadConfigSet } = await import("./config-set.ts");
  const loaded = loadConfigSet(config);
  if (!loaded.ok) {
    process.stderr.write(`${formatDiagnostics(loaded.diagnostics, loaded.texts)}\n`);
    return EXIT.config;
  }
  process.stdout.write(
    `${loaded.value.rules.rules.length} rules, ${loaded.value.sites.length} sites: no mistakes found\n`,
  );
  return EXIT.asked;
}

/** The configuration that the options name, or null after its mistakes were printed. */
function configOf({
  config: file,
  data,
}: {
  config?: string | undefined;
  data?: string | undefined;
}): CollectorConfig | null {
  if (file === undefined) return defaultCollectorConfig(data ?? "./data");
  const loaded = loadCollectorConfig(file);
  if (!loaded.ok) {
    process.stderr.write(`${formatDiagnostics(loaded.diagnostics, loaded.texts)}\n`);
    return null;
  }
  return data === undefined ? loaded.value : { ...loaded.value, data: resolve(data) };
}

function oneOf<const T extends string>(option: string, given: string, words: readonly T[]): T {
  const found = words.find((word) => word === given);
  if (found === undefined) throw new UsageError(`${option} takes one of ${words.join(", ")}, not "${given}"`);
  return found;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  const usage =
    thrown instanceof UsageError ||
    (thrown instanceof TypeError && "code" in thrown && String(thrown.code).startsWith("ERR_PARSE_ARGS"));
  process.stderr.write(`aislewatch: ${errorText(thrown)}\n${usage ? "Run with --help for what there is.\n" : ""}`);
  process.exitCode = usage ? EXIT.config : EXIT.crashed;
}
if (process.connected) process.disconnect();
