import { useCallback, useMemo } from "react";
import { useLocation, useSearch } from "wouter";
import { type Filters, formatFilters, parseFilters } from "./filters.ts";

/** How a change gets into the history: a chosen filter is a step back, a letter of a search or a selection is not. */
export type Step = "push" | "replace";

export function useFilters(): [Filters, (change: Partial<Filters>, step?: Step) => void] {
  const search = useSearch();
  const [, navigate] = useLocation();
  const filters = useMemo(() => parseFilters(search), [search]);
  const change = useCallback(
    (changed: Partial<Filters>, step: Step = "push") => {
      // A board that waits behind a page that is still loading has pauses running; it has no say in the address.
      if (window.location.pathname !== "/") return;
      // Read where the page is now, so that two changes in one go do not undo each other.
      const query = formatFilters({ ...parseFilters(window.location.search), ...changed });
      navigate(query === "" ? "/" : `/?${query}`, { replace: step === "replace" });
    },
    [navigate],
  );
  return [filters, change];
}
