import { useEffect, useRef } from "react";

/**
 * A new place begins at its top and takes the focus, so that the keyboard and a screen reader start there. The way back
 * is the browser's: it returns to where one was.
 */
export function useArrival(path: string): void {
  const before = useRef(path);
  const wentBack = useRef(false);
  useEffect(() => {
    const onPopState = (): void => {
      wentBack.current = true;
    };
    window.addEventListener("popstate", onPopState);
    return () => window.removeEventListener("popstate", onPopState);
  }, []);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    document.getElementById("main")?.focus({ preventScroll: true });
    if (!wentBack.current) window.scrollTo({ top: 0, behavior: "instant" });
    wentBack.current = false;
  }, [path]);
}
