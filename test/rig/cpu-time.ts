/**
 * What a piece of work costs this thread, in milliseconds of CPU: a bound on them is one on the work, whatever else the
 * machine does meanwhile, and however long it stands still.
 */
export function spent<T>(work: () => T): { readonly value: T; readonly cpuMs: number } {
  const before = process.threadCpuUsage();
  const value = work();
  return { value, cpuMs: since(before) };
}

/** The same of work that waits, with all that this thread does in the meantime. */
export async function spentUntil<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly cpuMs: number }> {
  const before = process.threadCpuUsage();
  const value = await work();
  return { value, cpuMs: since(before) };
}

function since(before: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
