/** What a device told, as lines to read. */
import type { DeviceEvent } from "../api/types.ts";
import { sentence } from "../ui/format.ts";

export type EventLine = {
  /** The newest of those that the line stands for. */
  readonly event: DeviceEvent;
  readonly words: string;
  readonly isOver: boolean;
  readonly times: number;
};

/** Newest first as they come; one that came again and again, with nothing between, is one line with a count. */
export function eventLines(events: readonly DeviceEvent[]): EventLine[] {
  const lines: EventLine[] = [];
  for (const event of events) {
    const last = lines.at(-1);
    if (last !== undefined && isSame(last.event, event)) lines[lines.length - 1] = { ...last, times: last.times + 1 };
    else lines.push({ event, words: wordsOf(event), isOver: event.code.endsWith("_cleared"), times: 1 });
  }
  return lines;
}

const isSame = (a: DeviceEvent, b: DeviceEvent): boolean =>
  a.code === b.code && a.component === b.component && a.detail === b.detail;

const wordsOf = ({ meaning, code }: DeviceEvent): string => meaning ?? sentence(code);
