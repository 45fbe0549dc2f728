/**
 * Several command lines of the agent in one process, for a Node that starts in the guest takes seconds. Lines of words come
 * from one file; into another goes what became of each, as JSON. `disks` is no command line: what the driver `host` is told
 * by the disks, without the rest of its poll, which takes ten seconds there.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { HostHealth } from "../../../agent/drivers/host/system.ts";
import { thisSystem } from "../../../agent/drivers/host/system-files.ts";
import { runAgent } from "../command-line.ts";

const [, , from = "", to = ""] = process.argv;
const ran: object[] = [];
for (const line of readFileSync(from, "utf8").split("\n").filter(Boolean)) {
  if (line === "disks") {
    const health = new HostHealth(thisSystem, []);
    const drives = await health.askDrives();
    ran.push({ line, code: 0, out: JSON.stringify({ drives, sources: health.sources() }), error: "" });
    continue;
  }
  ran.push({ line, ...(await runAgent(line.split(" "))) });
}
writeFileSync(to, JSON.stringify(ran));
// What drivers keep for a next poll would keep the process.
process.exit(0);
