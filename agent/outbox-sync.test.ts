/**
 * What the outbox has synced when it says that a batch is written, as the kernel sees it: by the calls of a process that
 * writes one, takes an ack and writes another (strace(1)).
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const hasStrace = process.platform === "linux" && spawnSync("strace", ["-V"]).status === 0;
if (!hasStrace && process.env["CI"]) throw new Error("strace is missing: apt-get install strace");
if (!hasStrace) process.stderr.write("outbox-sync.test.ts: skipped, strace is not installed\n");

const APPENDS = 3;
/** Says on stdout where it is, so that the trace can be read. */
const PROGRAM = `
  import { writeSync } from "node:fs";
  import { openOutboxFile } from ${JSON.stringify(new URL("./outbox-open.ts", import.meta.url).href)};
  const clock = { now: () => 1, monotonic: () => 1, after: () => () => {} };
  const opened = openOutboxFile({ folder: process.argv[1], bytesMax: 1e6, ageMsMax: 1e9, clock, newEpoch: () => "e1" });
  const reading = { device: "d1", at: 1, samples: [{ component: null, metrics: { up: true } }] };
  const append = () => opened.value.append([reading], { lane: "live", keep: false });
  const say = (mark) => writeSync(1, mark);
  say("<opened>");
  for (let n = 0; n < ${APPENDS}; n++) if (!append().ok) process.exit(1);
  say("<written>");
  opened.value.ack("e1", { live: 1, history: 0 });
  say("<acked>");
  if (!append().ok) process.exit(1);
  say("<after-ack>");
`;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "outbox-sync-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.runIf(hasStrace)("a batch", () => {
  it("is synced before it counts as written, its deletion is not, and the next one is again", () => {
    const trace = join(folder, "trace");
    const traced = spawnSync(
      "strace",
      [
        ...["-f", "-qq", "-e", "trace=fsync,fdatasync,write", "-o", trace],
        ...[process.execPath, "--disable-warning=ExperimentalWarning", "--input-type=module", "-e", PROGRAM, folder],
      ],
      { encoding: "utf8" },
    );
    expect(traced.stderr).toBe("");
    expect(traced.stdout).toBe("<opened><written><acked><after-ack>");
    const calls = readFileSync(trace, "utf8");
    const syncs = (from: string, to: string): number =>
      calls.slice(calls.indexOf(from), calls.indexOf(to)).match(/\bf(data)?sync\(/g)?.length ?? 0;
    expect(syncs("<opened>", "<written>")).toBeGreaterThanOrEqual(APPENDS);
    expect(syncs("<written>", "<acked>")).toBe(0);
    expect(syncs("<acked>", "<after-ack>")).toBeGreaterThanOrEqual(1);
  });
});
