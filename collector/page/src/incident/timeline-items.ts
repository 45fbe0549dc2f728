/** What the timeline shows: one line an event, but of a storm of consequences one line for all that came in a row. */
import type { IncidentEvent } from "../api/types.ts";

export type TimelineItem = { readonly event: IncidentEvent; readonly text: string };

/** Fewer are read as fast one by one. */
const RUN_MIN = 4;
const NAMED_MAX = 3;

const RUNS: Readonly<Record<string, string>> = {
  child_added: "are consequences of this",
  child_removed: "are no consequences of this any more",
};

/** Newest first. The last event of a run says when. */
export function timelineItems(events: readonly IncidentEvent[]): TimelineItem[] {
  const newestFirst = [...events].sort((a, b) => b.seq - a.seq);
  const items: TimelineItem[] = [];
  for (let from = 0; from < newestFirst.length; ) {
    const event = newestFirst[from];
    if (event === undefined) break;
    const said = RUNS[event.type];
    let until = from + 1;
    while (said !== undefined && newestFirst[until]?.type === event.type) until++;
    const run = newestFirst.slice(from, until);
    if (said === undefined || run.length < RUN_MIN) items.push(...run.map((one) => ({ event: one, text: one.text })));
    else items.push({ event, text: runText(run, said) });
    from = until;
  }
  return items;
}

function runText(run: readonly IncidentEvent[], said: string): string {
  const names = run.toReversed().map(({ detail }) => String(detail["incident"]));
  return `${run.length} incidents ${said}: ${names.slice(0, NAMED_MAX).join(", ")} and ${run.length - NAMED_MAX} more.`;
}
