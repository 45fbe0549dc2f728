import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { components } from "@aislewatch/api";
import { alignedTable } from "@aislewatch/runtime";
import { connect, findConnection, orThrow } from "./client.ts";
import { EXIT, type ExitCode, print, printJson, UsageError, unknownCommand } from "./command.ts";

export const privacyHelp = `Usage: aislewatch privacy <command> NAME [options]

  What is held of a person, for administrators. docs/privacy.md says where names are, and for how long.

  export NAME               all records that name the person, as JSON
      --out FILE            into a file that only its owner can read
  erase NAME                gives the person another name everywhere; it can't be undone
      --dry-run             only say what would be done
      --in-text             also where the name stands in texts that people wrote

  --json                    for scripts: the API's own answer
  --url URL                 the collector (default: AISLEWATCH_URL, or the demo's)
  --folder DIR              the demo's folder (default: .aislewatch)
`;

type Erasure = components["schemas"]["Erasure"];
const COMMANDS = ["export", "erase"];

export async function privacy(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      "dry-run": { type: "boolean" },
      "in-text": { type: "boolean" },
      out: { type: "string" },
      json: { type: "boolean" },
      url: { type: "string" },
      folder: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [command, name, ...rest] = positionals;
  if (values.help || command === undefined) {
    print(privacyHelp);
    return values.help ? EXIT.ok : EXIT.usage;
  }
  if (!COMMANDS.includes(command)) throw new UsageError(unknownCommand(command, COMMANDS));
  if (name === undefined) throw new UsageError(`${command} whom? aislewatch privacy ${command} NAME`);
  if (rest.length > 0)
    throw new UsageError(`one person at a time, not also ${rest.join(" ")}; quote a name with spaces`);
  const api = connect(findConnection(values));
  if (command === "export") {
    const found = orThrow(await api.GET("/api/v1/privacy/person", { params: { query: { name } } }));
    if (values.out === undefined) printJson(found);
    else writeFileSync(values.out, `${JSON.stringify(found, null, 2)}\n`, { mode: 0o600, flag: "wx" });
    return EXIT.ok;
  }
  const body = { name, trial: values["dry-run"] ?? false, inText: values["in-text"] ?? false };
  const done = orThrow(await api.POST("/api/v1/privacy/erase", { body }));
  if (values.json) printJson(done);
  else print(erasureText(done));
  return EXIT.ok;
}

/** What was done, and what is left for a person to do. */
export function erasureText(done: Erasure): string {
  const { isTrial, pseudonym, records, texts, textCount, areTextsReplaced, underway, files, isCompacted } = done;
  const found = Object.entries(records);
  const lines = [
    isTrial ? "Nothing was changed. What would be:" : `Erased: the name is ${pseudonym} now.`,
    ...(found.length === 0
      ? ["No record says that it was this person."]
      : [alignedTable([["RECORDS", "SAY WHO"], ...found.map(([place, count]) => [place, `${count}`])], [1]).trimEnd()]),
  ];
  if (textCount > 0) {
    const verdict = areTextsReplaced
      ? "where the name was replaced"
      : "that have the name in them: --in-text replaces it";
    lines.push("", `Texts ${verdict}: ${textCount}`);
    lines.push(...texts.map(({ place, key, text }) => `  ${place} ${key}: ${text}`));
    if (textCount > texts.length) lines.push(`  … ${textCount - texts.length} more`);
  }
  if (underway > 0) lines.push("", `${underway} on their way still have the name: erase again when they are done.`);
  if (files.length > 0)
    lines.push("", "Files that name the person, for you to edit:", ...files.map((file) => `  ${file}`));
  if (!isCompacted)
    lines.push("", "The file is copied without the name within the hour; until then free pages may have it.");
  if (!isTrial) lines.push("", "Backups of before have the name.");
  return `${lines.join("\n")}\n`;
}
