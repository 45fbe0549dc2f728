/** What a device told, as lines to read. */
import type { DeviceEvent } from "../api/types.ts";
import { metricTitle, sentence } from "./format.ts";

export type EventLine = {
  /** The newest of those that the line stands for. */
  readonly event: DeviceEvent;
  readonly words: string;
  readonly detail: string;
  readonly isOver: boolean;
  readonly times: number;
};

/** Newest first as they come; one that came again and again, with nothing between, is one line with a count. */
export function eventLines(events: readonly DeviceEvent[]): EventLine[] {
  const lines: EventLine[] = [];
  for (const event of events) {
    const last = lines.at(-1);
    if (last !== undefined && isSame(last.event, event)) lines[lines.length - 1] = { ...last, times: last.times + 1 };
    else lines.push({ event, ...textOf(event), isOver: event.code.endsWith("_cleared"), times: 1 });
  }
  return lines;
}

const isSame = (a: DeviceEvent, b: DeviceEvent): boolean =>
  a.code === b.code && a.component === b.component && a.detail === b.detail;

/** Whose word a state is: `verdict` or `verdict_cleared`, with the metric at the head of the detail. */
function textOf({ meaning, code, detail }: DeviceEvent): { words: string; detail: string } {
  const verdict = /^verdict(?:_cleared)?$/.test(code) ? /^([a-z][a-z0-9_]*): (.*)$/s.exec(detail) : null;
  if (verdict === null) return { words: meaning ?? sentence(code), detail };
  const [, metric = "", who = ""] = verdict;
  return { words: `${code === "verdict" ? "" : "Over: "}${metricTitle(metric)}`, detail: who };
}

/** An incident's own hour: what led to it was told before, and who says so may change while it stands. */
const AROUND_MS = 30 * 60_000;

/** What the device told around the onset, as it came: newest first. */
export const around = (events: readonly DeviceEvent[], onset: number): DeviceEvent[] =>
  events.filter(({ at }) => Math.abs(at - onset) <= AROUND_MS);
