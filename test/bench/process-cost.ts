/**
 * What a process costs, from Linux' /proc: CPU time of all its threads (proc_pid_stat(5), fields utime and stime, in
 * clock ticks of 10 ms) and the most memory it ever held (proc_pid_status(5), VmHWM).
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** sysconf(_SC_CLK_TCK), which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

export function cpuSecondsOf(pid: number): number {
  return cpuOf(`/proc/${pid}/stat`);
}

/**
 * The same to the nanosecond, for processes that hardly use any: the threads that are there, as the scheduler counts
 * them (Documentation/scheduler/sched-stats.rst, first field of schedstat).
 */
export function fineCpuSecondsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/schedstat`);
  return threads.reduce((sum, file) => sum + Number(readFileSync(file, "utf8").split(" ")[0]), 0) / 1e9;
}

/** Of the processes that it started and that have ended (fields cutime and cstime): what tools cost that it asks. */
export function childCpuSecondsOf(pid: number): number {
  const fields = statOf(`/proc/${pid}/stat`);
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

/** Of the thread that runs JavaScript, which has the process's id. */
export function mainThreadCpuSecondsOf(pid: number): number {
  return cpuOf(`/proc/${pid}/task/${pid}/stat`);
}

export function peakMemoryBytesOf(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1_024;
}

/** What it holds now, pages that it shares divided among those that share them (proc_pid_smaps_rollup(5), Pss). */
export function pssBytesOf(pid: number): number {
  return memoryOf(pid).pss;
}

/**
 * The same in bytes, and of it: what is its own alone (`uss`), and what no file holds (`anonymous`). The rest of the PSS
 * are pages of its binaries, which the system takes back when memory runs short.
 */
export function memoryOf(pid: number): { readonly pss: number; readonly uss: number; readonly anonymous: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]) * 1_024;
  return { pss: bytes("Pss"), uss: bytes("Private_Clean") + bytes("Private_Dirty"), anonymous: bytes("Pss_Anon") };
}

/** From now on the kernel notes which of its pages a process touches (proc_pid_clear_refs(5)). */
export function forgetTouched(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "1");
}

/** The pages that it has touched since `forgetTouched`, those of files that it shares in full. */
export function touchedBytesOf(pid: number): number {
  const kilobytes = /^Referenced:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
  return Number(kilobytes) * 1_024;
}

export function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Of all files below. */
export function folderBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function cpuOf(file: string): number {
  const fields = statOf(file);
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** From the third field on: the program's name stands in parentheses and may hold anything, also a space. */
const statOf = (file: string): readonly string[] => readFileSync(file, "utf8").split(") ").at(-1)?.split(" ") ?? [];
