/** What people would have seen of a test: incidents, and pages. */
import { isOpen } from "./fault.ts";
import { callsPeople, type Rule, type Subject, type Transition } from "./types.ts";

/** A fault that turns out to be another's within this time has not paged (the collector waits as long). */
export const PAGE_SETTLE_MS = 5_000;

type Open = {
  readonly subject: Subject;
  recoveredAt: number | null;
  /** Since when it fires and nothing keeps it from calling people; null while it does not. */
  loudSince: number | null;
  isPaged: boolean;
};

export type Tally = {
  readonly incidents: number;
  readonly pages: number;
  /** When somebody was called. */
  readonly moments: readonly { readonly at: number; readonly subject: Subject; readonly text: string }[];
};

/**
 * Of one rule, among the transitions of several: an incident per subject, a new one when the last has closed by itself meanwhile; a page for each that is minor or
 * worse, live, in its hours, not in maintenance, and not put down to another fault once things have settled.
 */
export function tallyOf(rule: Rule, all: readonly Transition[]): Tally {
  const transitions = all.filter((transition) => transition.rule === rule.id);
  const open = new Map<string, Open>();
  const moments: { at: number; subject: Subject; text: string }[] = [];
  let incidents = 0;
  const settleBefore = (at: number): void => {
    for (const each of open.values()) {
      if (each.isPaged || each.loudSince === null) continue;
      if (at - each.loudSince < PAGE_SETTLE_MS) continue;
      each.isPaged = true;
      const { subject, loudSince } = each;
      moments.push({ at: loudSince + PAGE_SETTLE_MS, subject, text: "somebody is called" });
    }
  };
  for (const transition of transitions) {
    settleBefore(transition.at);
    const key = JSON.stringify(transition.subject);
    let known = open.get(key);
    if (isOpen({ state: transition.to }) && !isOpen({ state: transition.from })) {
      if (known === undefined || isClosed(known, rule, transition.at)) {
        incidents++;
        known = { subject: transition.subject, recoveredAt: null, loudSince: null, isPaged: false };
        open.set(key, known);
      }
    }
    if (known !== undefined) note(known, rule, transition);
  }
  settleBefore(Number.POSITIVE_INFINITY);
  return { incidents, pages: moments.length, moments };
}

const isClosed = ({ recoveredAt }: Open, { autoCloseMs }: Rule, at: number): boolean =>
  recoveredAt !== null && autoCloseMs !== null && at - recoveredAt >= autoCloseMs;

function note(known: Open, rule: Rule, { at, to, severity, flags }: Transition): void {
  const isFiring = isOpen({ state: to });
  const isLoud = isFiring && callsPeople(flags) && severity !== "info" && rule.mode !== "shadow";
  known.recoveredAt = isFiring ? null : (known.recoveredAt ?? at);
  known.loudSince = isLoud ? (known.loudSince ?? at) : null;
}
