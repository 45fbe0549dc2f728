/** One line at the foot of the page that says what an action did. It goes by itself; a failure stays longer. */
import { useSyncExternalStore } from "react";

type Notice = { readonly text: string; readonly bad: boolean };

const SHOWN_MS = { good: 4_000, bad: 12_000 } as const;
const listeners = new Set<() => void>();
let notice: Notice | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

export function notify(text: string, bad = false): void {
  show({ text, bad });
  clearTimeout(timer);
  timer = setTimeout(() => show(null), bad ? SHOWN_MS.bad : SHOWN_MS.good);
}

function show(next: Notice | null): void {
  notice = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function NoticeLine() {
  const shown = useSyncExternalStore(subscribe, () => notice);
  return (
    <output className="notice" data-bad={shown?.bad ?? false} data-shown={shown !== null}>
      {shown?.text}
    </output>
  );
}
