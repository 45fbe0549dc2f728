/** Light or dark: the system's choice unless the person made one, which this browser keeps. */
import { useSyncExternalStore } from "react";

const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "aislewatch.theme";
const listeners = new Set<() => void>();
let theme: Theme = THEMES.find((each) => each === stored(KEY)) ?? "system";

/** Storage may be forbidden; the page works without. */
export function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Full or forbidden: the choice lasts as long as the page.
  }
}

export function applyTheme(): void {
  document.documentElement.dataset["theme"] = theme;
}

export function cycleTheme(): void {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  store(KEY, theme);
  applyTheme();
  for (const listener of listeners) listener();
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => theme,
  );
}
