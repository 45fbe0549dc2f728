import { afterEach, describe, expect, it } from "vitest";
import { wasOrderly } from "./shutdown.ts";
import { Evidence } from "./system-files.ts";
import { removeTestSystems, testSystem } from "./test-system.ts";

afterEach(removeTestSystems);

/** Of starts, which is all that a system without orderly ends writes. */
function wtmp(...startSeconds: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(startSeconds.length * 384);
  for (const [n, seconds] of startSeconds.entries()) {
    bytes.writeInt16LE(2, n * 384);
    bytes.writeUInt32LE(seconds, n * 384 + 340);
  }
  return bytes;
}

const STAT = { "proc/stat": "cpu  1 2 3 4\nbtime 1760000000\nprocesses 9\n" };
const STOPPED = '{"MESSAGE_ID":"d93fb3c9c24d451a97cea615ce59c00b"}\n';
const RAN = '{"MESSAGE_ID":"39f53479d3a045ac8e11786248231fbf","UNIT":"cron.service"}\n';

describe("a system", () => {
  it.each([
    {
      name: "with a wtmp of this start is judged by it",
      files: { ...STAT, "var/log/wtmp": wtmp(1_759_000_000, 1_760_000_007) },
      says: { "journalctl --boot=-1": { out: STOPPED } },
      want: false,
      source: { state: "used", detail: "/var/log/wtmp" },
    },
    {
      name: "that has left wtmp behind is judged by its journal",
      files: { ...STAT, "var/log/wtmp": wtmp(1_700_000_000, 1_750_000_000) },
      says: { "journalctl --boot=-1": { out: STOPPED + RAN } },
      want: true,
      source: { state: "used", detail: "the journal" },
    },
    {
      name: "whose journal just ends went off",
      files: STAT,
      says: { "journalctl --boot=-1": { out: RAN } },
      want: false,
      source: { state: "used", detail: "the journal" },
    },
    {
      name: "whose journal begins with this start says nothing",
      files: STAT,
      says: { "journalctl --boot=-1": { code: 1 }, "journalctl --boot=0": { out: RAN } },
      want: null,
      source: { state: "absent", grant: "mkdir -p /var/log/journal && systemctl restart systemd-journald" },
    },
    {
      name: "whose journal shows this user nothing of the system says so",
      files: STAT,
      says: { "journalctl --boot=-1": { code: 0 }, "journalctl --boot=0": { code: 0 } },
      want: null,
      source: { state: "denied", grant: expect.stringContaining("usermod -aG systemd-journal till") },
    },
    { name: "that keeps nothing says nothing", files: STAT, says: {}, want: null, source: { state: "absent" } },
  ])("$name", async ({ files, says, want, source }) => {
    const evidence = new Evidence();
    expect(await wasOrderly(testSystem(files, says), evidence)).toBe(want);
    expect(evidence.all).toMatchObject([{ name: "orderly shutdown", ...source }]);
  });
});
