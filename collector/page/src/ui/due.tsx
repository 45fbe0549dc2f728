import type { Incident } from "../api/types.ts";
import { useNow } from "../api/use-live.ts";
import { CLOCK_TITLES, dueTone, leftText } from "./due.ts";
import { timeText } from "./format.ts";
import "./due.css";

/** How long the clock that is due first has left, ticking by itself. */
export function Due({ due }: { due: Incident["due"] }) {
  const now = useNow();
  if (due === null) return null;
  const title = CLOCK_TITLES[due.clock];
  if (due.dueAt === null) {
    return (
      <span className="due" data-tone="still" title={`${title}: the clock stands still`}>
        <span className="visually-hidden">{title} </span>paused
      </span>
    );
  }
  return (
    <time
      className="due"
      data-tone={dueTone(due.dueAt - now)}
      dateTime={new Date(due.dueAt).toISOString()}
      title={`${title} due ${timeText(due.dueAt, now)}`}
    >
      <span className="visually-hidden">{title} </span>
      {leftText(due.dueAt - now)}
    </time>
  );
}
