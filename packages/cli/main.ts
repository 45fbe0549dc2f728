/** `aislewatch`: what people type. Exit codes: 0 done, 1 refused or failed, 2 wrong words or a faulty file. */
import { readFileSync } from "node:fs";
import { errorText } from "@aislewatch/base";
import { COLLECTOR } from "./bin/owner.mjs";
import { ApiError } from "./client.ts";
import { complain, EXIT, type ExitCode, print, UsageError, unknownCommand } from "./command.ts";

const COMMANDS = [
  "incidents",
  "agents",
  "maintenance",
  "notify",
  "audit",
  "privacy",
  "report",
  "rules",
  "demo",
  ...COLLECTOR,
];

const HELP = `Usage: aislewatch <command> [options]

  incidents list|show|ack|resolve|bulk|…   work on incidents
  agents list|show|remove                  the agents: how they are and what they owe
  maintenance list|add|change|end          expected downtime: what fails in it calls nobody
  notify channels|log|test                 how people are told: channels, deliveries, a test
  audit delivery                           what became of every batch; ends with 1 when something is lost
  audit export|verify|log                  for an auditor: what was written down, in lines that vouch for each other
  privacy export|erase NAME                what is held of a person; another name for them everywhere
  report                                   figures of incidents: how soon, how often, in time or not
  rules check|test FILE…, rules explain    check rule files, run their tests; why a rule fires, or not
  demo run|list|fault|heal                 the demo store: run it, break it, mend it

On the collector's host:
  collector --config FILE                  run a collector
  users add|list|remove                    people who may sign in
  tokens add|list|remove                   tokens for programs
  agents add SITE/AGENT                    a password for an agent
  login-link [USER]                        a single-use link to sign in with
  broker-config mosquitto                  files for an MQTT broker that stands by itself
  store copy                               history from one time-series store into another
  doctor                                   what is wrong with a collector, and what to do about it
  backup, backup verify FILE               all of a collector in one file, while it runs
  restore FILE                             a backup in the place of a collector's data

  --help after any command says more, --version which this is. docs/ has the rest.
`;

async function main(args: string[]): Promise<ExitCode> {
  const [command, ...rest] = args;
  switch (command) {
    case "incidents":
      return (await import("./incidents.ts")).incidents(rest);
    case "agents":
      return (await import("./agents.ts")).agents(rest);
    case "maintenance":
      return (await import("./maintenance.ts")).maintenance(rest);
    case "notify":
      return (await import("./notify.ts")).notify(rest);
    case "audit":
      return (await import("./audit.ts")).audit(rest);
    case "privacy":
      return (await import("./privacy.ts")).privacy(rest);
    case "report":
      return (await import("./report.ts")).report(rest);
    case "rules":
      return (await import("./rules.ts")).rules(rest);
    case "demo":
      return (await import("./demo.ts")).demo(rest);
    case undefined:
      print(HELP);
      return EXIT.usage;
    case "--version":
      print(`aislewatch ${version()}\n`);
      return EXIT.ok;
    case "help":
    case "--help":
    case "-h":
      print(HELP);
      return EXIT.ok;
    default:
      throw new UsageError(unknownCommand(command, COMMANDS));
  }
}

function version(): string {
  const read = JSON.parse(readFileSync(new URL("./package.json", import.meta.url), "utf8")) as { version: string };
  return read.version;
}

function explain(thrown: unknown): ExitCode {
  if (
    thrown instanceof UsageError ||
    (thrown instanceof TypeError && "code" in thrown && String(thrown.code).startsWith("ERR_PARSE_ARGS"))
  ) {
    complain(`aislewatch: ${thrown.message}\nRun "aislewatch --help" for what there is.\n`);
    return EXIT.usage;
  }
  if (thrown instanceof ApiError) {
    complain(`aislewatch: ${thrown.message}\n`);
    return EXIT.failed;
  }
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? ` (${thrown.cause.message})` : "";
  complain(`aislewatch: ${errorText(thrown)}${cause}\n`);
  return EXIT.failed;
}

// `… | head` has read enough: no failure, and no reason to go on.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.ok);
});
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  process.exitCode = explain(thrown);
}
// The launcher's channel would keep a finished command alive.
if (process.connected) process.disconnect();
