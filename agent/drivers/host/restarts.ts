/**
 * Restarts of a named process, counted by who is there from one look to the next: an instance that went and another that
 * came. More instances than before are no restart, and neither is the first start after a long absence counted twice.
 * Between two looks a process may come and go unseen: the count is a lower bound.
 */
export type Restarts = { readonly pids: ReadonlySet<number>; readonly gone: number; readonly count: number };

/** As many instances as anybody would watch. */
const GONE_MAX = 1_024;

export function stepRestarts(before: Restarts | null, pids: readonly number[]): Restarts {
  const now = new Set(pids);
  if (before === null) return { pids: now, gone: 0, count: 0 };
  const gone = Math.min(GONE_MAX, before.gone + [...before.pids].filter((pid) => !now.has(pid)).length);
  const came = [...now].filter((pid) => !before.pids.has(pid)).length;
  const restarted = Math.min(came, gone);
  return { pids: now, gone: gone - restarted, count: before.count + restarted };
}
