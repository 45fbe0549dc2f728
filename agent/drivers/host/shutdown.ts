/**
 * How the system that ran before this one ended: shut down, or just off. Asked of whatever keeps that on a system:
 *
 * - wtmp, where its newest start is this one (a system without wtmp may still have the file of its past: Debian 13 writes
 *   none);
 * - the journal of systemd, where it is kept over a start and this user may read what the system wrote;
 * - the System event log of Windows.
 *
 * Nothing of them is nothing known: no mark of the agent's own is taken for it, since an agent may be stopped long before the
 * plug is pulled, or killed while the system goes down in order.
 */
import { endedInOrder, journalEndedInOrder } from "./login-records.ts";
import { type Evidence, type HostSystem, SystemFiles, TOOL_MS_MAX } from "./system-files.ts";
import { eventTime, vmCounter } from "./system-text.ts";

/** A month of a busy host's sign-ins is some 100 KB. */
const RECORDS_BYTES_MAX = 256 * 1024;
/** What the manager and the journal write while a system goes down is some thirty lines, a large one's some hundred. */
const JOURNAL_LINES = 200;
/** Windows writes both events of a start while it comes up. */
const SAME_START_MS = 5 * 60_000;
const NAME = "orderly shutdown";

/** Null: nobody knows. */
export async function wasOrderly(system: HostSystem, evidence: Evidence): Promise<boolean | null> {
  if (system.platform === "win32") return await windowsShutdown(system, evidence);
  const files = new SystemFiles(system);
  const [records, stat] = await Promise.all([files.tail("var/log/wtmp", RECORDS_BYTES_MAX), files.text("proc/stat")]);
  const bootSeconds = stat === null ? null : vmCounter(stat, "btime");
  const recorded = records === null ? null : endedInOrder(records, { recordBytes: system.recordBytes, bootSeconds });
  if (recorded !== null) evidence.used(NAME, "/var/log/wtmp");
  return recorded ?? (await journalShutdown(system, evidence));
}

async function journalShutdown({ run, user }: HostSystem, evidence: Evidence): Promise<boolean | null> {
  const fields = ["--output=json", "--output-fields=MESSAGE_ID,UNIT,SYSLOG_IDENTIFIER", "--no-pager", "--quiet"];
  const manager = ["_PID=1", "+", "SYSLOG_IDENTIFIER=systemd-journald", "+", "SYSLOG_IDENTIFIER=systemd-shutdown"];
  const of = (boot: number, lines: number) =>
    run("journalctl", [`--boot=${boot}`, "--reverse", `--lines=${lines}`, ...fields, ...manager], TOOL_MS_MAX);
  const before = await of(-1, JOURNAL_LINES);
  const orderly = before.code === 0 ? journalEndedInOrder(before.out) : null;
  if (orderly !== null) {
    evidence.used(NAME, "the journal");
    return orderly;
  }
  if (before.isMissing) {
    evidence.absent(NAME, "there is no wtmp of this start, and no journal");
    return null;
  }
  const now = await of(0, 1);
  const mayRead = now.code === 0 && now.out.trim() !== "";
  if (mayRead) {
    const detail = "neither wtmp nor the journal reaches back to the start before this one";
    evidence.absent(NAME, detail, "mkdir -p /var/log/journal && systemctl restart systemd-journald");
  } else {
    evidence.denied(
      NAME,
      "the journal may not be read",
      `usermod -aG systemd-journal ${user}, and start the agent again`,
    );
  }
  return null;
}

/** Event 6008, "the previous shutdown was unexpected", is written right after the start that follows. */
async function windowsShutdown({ run, user }: HostSystem, evidence: Evidence): Promise<boolean | null> {
  const newest = async (id: number): Promise<number | null | undefined> => {
    const query = `*[System[Provider[@Name='EventLog'] and (EventID=${id})]]`;
    const { code, out } = await run(
      "wevtutil",
      ["qe", "System", `/q:${query}`, "/c:1", "/rd:true", "/f:xml"],
      TOOL_MS_MAX,
    );
    return code === 0 ? eventTime(out) : undefined;
  };
  // 6005: the event log was started, which is the start of the system.
  const [unexpected, started] = [await newest(6008), await newest(6005)];
  if (unexpected === undefined || started === undefined) {
    evidence.denied(NAME, "the System event log may not be read", `net localgroup "Event Log Readers" ${user} /add`);
    return null;
  }
  evidence.used(NAME, "the System event log");
  if (started === null) return null;
  return unexpected === null || Math.abs(started - unexpected) > SAME_START_MS;
}
