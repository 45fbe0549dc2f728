/**
 * Several command lines of the agent in one process, for a Node that starts in the guest takes seconds. Lines of words come
 * from one file; into another goes what became of each, as JSON.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { runCommandLine } from "../../../agent/cli/command-line.ts";

const [, , from = "", to = ""] = process.argv;
const ran: object[] = [];
for (const line of readFileSync(from, "utf8").split("\n").filter(Boolean)) {
  let out = "";
  let error = "";
  const terminal = {
    out: (text: string): void => {
      out += text;
    },
    error: (text: string): void => {
      error += text;
    },
    env: {},
    outIsTerminal: false,
    errorIsTerminal: false,
  };
  const code = await runCommandLine(line.split(" "), terminal, "0.0.0");
  ran.push({ line, code, out, error });
}
writeFileSync(to, JSON.stringify(ran));
// What drivers keep for a next poll would keep the process.
process.exit(0);
