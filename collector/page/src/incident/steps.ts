/**
 * The checklist of a runbook: the steps of its numbered lists, and which of them stand ticked in the incident's log.
 * A step is known by its words, for that is what the log says: an edited runbook unticks what it changed and nothing
 * else. Of steps with the same words each has its number beside them.
 */
import type { IncidentEvent } from "../api/types.ts";
import type { Block, Inline, Item } from "./markdown.ts";

/** In characters; long enough to tell steps apart. With the number of a repeated one it stays below the API's 256. */
const WORDS_MAX = 120;

/** Only of the runbook's own numbered lists, not of a list inside a step; one without words can't be ticked off. */
export function stepNames(blocks: readonly Block[]): ReadonlyMap<Item, string> {
  const names = new Map<Item, string>();
  const taken = new Set<string>();
  const times = new Map<string, number>();
  for (const block of blocks) {
    if (block.type !== "list" || !block.ordered) continue;
    for (const item of block.items) {
      // By characters, not by halves of them: what the collector stores has to come back the same.
      const words = [...plain(item.children).trim()].slice(0, WORDS_MAX).join("");
      if (words === "") continue;
      let time = (times.get(words) ?? 0) + 1;
      // A runbook may have a step of its own that is called "Wait (2)".
      while (taken.has(numbered(words, time))) time += 1;
      times.set(words, time);
      taken.add(numbered(words, time));
      names.set(item, numbered(words, time));
    }
  }
  return names;
}

const numbered = (words: string, time: number): string => (time === 1 ? words : `${words} (${time})`);

export function plain(children: readonly Inline[]): string {
  return children.map((inline) => ("text" in inline ? inline.text : plain(inline.children))).join("");
}

export type Tick = { readonly by: string; readonly at: number };

/** The steps that stand ticked by the log, and who ticked each last. */
export function ticksOf(events: readonly IncidentEvent[]): ReadonlyMap<string, Tick> {
  const ticks = new Map<string, Tick>();
  for (const { type, detail, actor, at } of events.toSorted((a, b) => a.seq - b.seq)) {
    const { item, done } = detail;
    if (type !== "checked" || typeof item !== "string") continue;
    if (done === true) ticks.set(item, { by: actor, at });
    else ticks.delete(item);
  }
  return ticks;
}

/** How far the log was read: its last event stands at the incident's version. */
export const readTo = (events: readonly IncidentEvent[]): number =>
  events.reduce((last, { seq }) => Math.max(last, seq), 0);

/** What this page asked for; `version` is the incident's that has it, null while there is no answer. */
type Sent = { readonly done: boolean; readonly version: number | null };
export type SentSteps = ReadonlyMap<string, Sent>;

/** What a box shows: what was asked for, until the log that is shown has it; from then on the log. */
export function isDone(step: string, ticks: ReadonlyMap<string, Tick>, sent: SentSteps, readToSeq: number): boolean {
  const mine = sent.get(step);
  if (mine !== undefined && (mine.version === null || mine.version > readToSeq)) return mine.done;
  return ticks.has(step);
}
