/** React's side of the live store, and the store itself as the browser runs it. */
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { type Answer, createApi, type Failure } from "./client.ts";
import { createLive, type LiveState } from "./live.ts";
import type { StreamEvent } from "./types.ts";

export const api = createApi();

export const live = createLive({
  api,
  openStream: ({ onData, onError }, after) => {
    const place = after === null ? "" : `?after=${encodeURIComponent(after)}`;
    const source = new EventSource(`/api/v1/stream${place}`);
    source.onmessage = (message: MessageEvent<unknown>) => onData(String(message.data), message.lastEventId);
    source.onerror = onError;
    return () => {
      source.onmessage = null;
      source.onerror = null;
      source.close();
    };
  },
  now: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
});

export function useLive<T>(select: (state: LiveState) => T): T {
  return useSyncExternalStore(live.subscribe, () => select(live.get()));
}

const tickers = new Set<() => void>();
let nowMs = Date.now();
let ticker: ReturnType<typeof setInterval> | undefined;

function subscribeTick(listener: () => void): () => void {
  tickers.add(listener);
  ticker ??= setInterval(() => {
    nowMs = Date.now();
    for (const tick of tickers) tick();
  }, 1_000);
  return () => {
    tickers.delete(listener);
    if (tickers.size === 0) {
      clearInterval(ticker);
      ticker = undefined;
    }
  };
}

/** The collector's time, renewed every second: all ages on the screen tick together. */
export function useNow(): number {
  const offsetMs = useLive((state) => state.clockOffsetMs);
  const local = useSyncExternalStore(subscribeTick, () => nowMs);
  // The snapshot only moves with the tick; a view that mounts between ticks would otherwise see an older time.
  return (tickers.size === 0 ? Date.now() : local) + offsetMs;
}

export type Loaded<T> = {
  readonly value: T | null;
  readonly failure: Failure | null;
  readonly reload: () => void;
};

/** Two fetches of one resource are at least this far apart, however often events ask for it. */
const RELOAD_EVERY_MS = 1_000;

/** What was missed may be anything. */
const isNews = (event: StreamEvent): boolean => event.type === "reset" || (event.type === "hello" && !event.resumed);

/**
 * A resource of the API, fetched when `key` changes, when something was missed, and when `concerns` says that an event
 * touches it. While it is fetched again the last value stays on the screen.
 */
export function useLoad<T>(
  key: string,
  load: () => Promise<Answer<T>>,
  concerns: (event: StreamEvent) => boolean = () => false,
): Loaded<T> {
  const [result, setResult] = useState<{ key: string; value: T | null; failure: Failure | null }>({
    key,
    value: null,
    failure: null,
  });
  const latest = useRef({ load, concerns });
  useEffect(() => {
    latest.current = { load, concerns };
  });
  const again = useRef<() => void>(() => undefined);

  useEffect(() => {
    let gone = false;
    let busy = false;
    let wanted = false;
    let pause: ReturnType<typeof setTimeout> | undefined;

    async function run(): Promise<void> {
      if (busy) {
        wanted = true;
        return;
      }
      busy = true;
      const answer = await latest.current.load();
      if (gone) return;
      if (answer.ok) setResult({ key, value: answer.value, failure: null });
      else if (answer.error.kind === "signed_out") live.signedOut();
      else setResult((old) => ({ key, value: old.key === key ? old.value : null, failure: answer.error }));
      pause = setTimeout(() => {
        busy = false;
        if (!wanted) return;
        wanted = false;
        void run();
      }, RELOAD_EVERY_MS);
    }

    again.current = () => void run();
    void run();
    const unsubscribe = live.onEvent((event) => {
      if (isNews(event) || latest.current.concerns(event)) void run();
    });
    return () => {
      gone = true;
      clearTimeout(pause);
      unsubscribe();
    };
  }, [key]);

  const reload = useCallback(() => again.current(), []);
  const current = result.key === key;
  return { value: current ? result.value : null, failure: current ? result.failure : null, reload };
}
