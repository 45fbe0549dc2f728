/**
 * Several command lines of the agent in one process, for a Node that starts in the guest takes seconds. Lines of words come
 * from one file; into another goes what became of each, as JSON. `disks` is no command line: what the driver `host` is told
 * by the disks, without the rest of its poll, which takes ten seconds there.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { runCommandLine } from "../../../agent/cli/command-line.ts";
import { HostHealth } from "../../../agent/drivers/host/system.ts";
import { thisSystem } from "../../../agent/drivers/host/system-files.ts";

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
  if (line === "disks") {
    const health = new HostHealth(thisSystem, []);
    const drives = await health.askDrives();
    ran.push({ line, code: 0, out: JSON.stringify({ drives, sources: health.sources() }), error });
    continue;
  }
  const code = await runCommandLine(line.split(" "), terminal, "0.0.0");
  ran.push({ line, code, out, error });
}
writeFileSync(to, JSON.stringify(ran));
// What drivers keep for a next poll would keep the process.
process.exit(0);
