/** `aislewatch rules`: tools for the people who tune rule files. */
import { parseArgs } from "node:util";
import { EXIT, type ExitCode, print, UsageError, unknownCommand } from "./command.ts";
import { check, explainCode, inventory } from "./rules-check.ts";
import { explain } from "./rules-explain.ts";
import { test } from "./rules-test.ts";

export const rulesHelp = `Usage: aislewatch rules <command> …

  check FILE…          everything that is wrong with rule files, and what is likely a slip
    --inventory FILE     against the devices of agent.yaml, or of what "rules inventory" wrote
    --collector          against the devices that a collector knows
    --overrides FILE     other values of vars, and with an inventory which of them reach nothing
    --runbooks FOLDER    where runbooks are (default: "runbooks" beside or above the files)
    --strict             warnings fail, too
    --explain CODE       what a code means
  test FILE…           the tests inside the files, on the engine that judges live
    --filter TEXT        only rules and tests whose name has this in it
    --watch              again after each change, until Ctrl-C
  explain RULE         why it fires on a device, or why not: each part with its value and its readings
    --device SITE/DEVICE
    --site SITE          for a rule over a site
    --component ID       for a rule on components
    --at TIME            then, from stored readings: 15m (before now) or 2026-11-20T09:30
  inventory            the devices that a collector knows, as JSON for check --inventory

A folder stands for the rule files in and below it. Rules that a file names and does not have are looked for in the
other files of its folder.

  --json               for scripts
  --url URL            the collector (default: AISLEWATCH_URL, or the demo's)

Exit code: 0 all well, 1 a test failed, a warning with --strict, or the collector refused, 2 a mistake in a file.
`;

const COMMANDS = ["check", "test", "explain", "inventory"];

export async function rules(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      strict: { type: "boolean", default: false },
      collector: { type: "boolean", default: false },
      watch: { type: "boolean", default: false },
      inventory: { type: "string" },
      runbooks: { type: "string" },
      overrides: { type: "string" },
      explain: { type: "string" },
      filter: { type: "string" },
      url: { type: "string" },
      device: { type: "string" },
      site: { type: "string" },
      component: { type: "string" },
      at: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [command, ...paths] = positionals;
  if (values.help || command === undefined) {
    print(rulesHelp);
    return values.help ? EXIT.ok : EXIT.usage;
  }
  if (!COMMANDS.includes(command)) throw new UsageError(unknownCommand(command, COMMANDS));
  if (command === "check" && values.explain !== undefined) return explainCode(values.explain);
  if (command === "inventory") return inventory(values.url);
  if (command === "explain") return explain(paths[0], values);
  if (paths.length === 0) throw new UsageError(`which files? For example: aislewatch rules ${command} rules/packs`);
  const { json, strict, collector, watch, inventory: file, runbooks, overrides, filter, url } = values;
  if (command === "check") {
    return check(paths, { json, strict, collector, inventory: file, runbooks, overrides, url });
  }
  return test(paths, { json, watch, filter });
}
