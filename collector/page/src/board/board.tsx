import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { isOpen } from "../api/types.ts";
import { live, useLive } from "../api/use-live.ts";
import { count, plural } from "../ui/format.ts";
import { notify } from "../ui/notice.tsx";
import { BoardEmpty } from "./board-empty.tsx";
import { BulkBar } from "./bulk-bar.tsx";
import { FilterBar } from "./filter-bar.tsx";
import { type Filters, isNarrowed } from "./filters.ts";
import { IncidentTable } from "./incident-table.tsx";
import { type Marks, markedOf, NO_MARKS } from "./marks.ts";
import { createOrdering } from "./order.ts";
import { arrange, tally } from "./rows.ts";
import { Tiles } from "./tiles.tsx";
import { useFilters } from "./use-filters.ts";
import "./board.css";

export function Board() {
  const [filters, change] = useFilters();
  const incidents = useLive((state) => state.incidents);
  const synced = useLive((state) => state.synced);
  const [ordered] = useState(createOrdering);
  const all = ordered(incidents.entries, filters.order);
  const rows = useMemo(() => arrange(all, filters), [all, filters]);
  const totals = useMemo(() => tally(all.filter(isOpen)), [all]);
  const mayAct = useLive((state) => state.me?.role !== "viewer");
  const searchBox = useRef<HTMLInputElement>(null);
  const bulk = useRef<HTMLButtonElement>(null);
  const [marks, setMarks] = useState<Marks>(NO_MARKS);
  const marked = useMemo(() => markedOf(marks, rows), [marks, rows]);
  const focusBulk = useCallback(() => bulk.current?.focus(), []);
  useFinished(filters);
  useTitle(totals.priorities.P1, totals.priorities.P2);

  const shown = rows.reduce((sum, row) => sum + (row.type === "group" ? row.count : row.nested ? 0 : 1), 0);
  return (
    <div className="board" data-testid="board">
      <h1 className="visually-hidden">Incidents</h1>
      <Tiles totals={totals} filters={filters} change={change} />
      <FilterBar filters={filters} change={change} searchBox={searchBox} />
      <p className="board-count" role="status">
        {synced ? summary(shown, filters) : "Loading incidents…"}
        {totals.suppressed > 0 && filters.state === "open" && !isNarrowed(filters) && (
          <span>{`, ${count(totals.suppressed)} of them suppressed`}</span>
        )}
      </p>
      {rows.length > 0 && (
        <IncidentTable {...{ rows, filters, change, searchBox, marks, setMarks }} onMarksDone={focusBulk} />
      )}
      {rows.length === 0 && synced && <BoardEmpty filters={filters} change={change} />}
      {marked.length > 0 && !filters.wall && mayAct && (
        <BulkBar incidents={marked} keep={(ids) => setMarks(new Set(ids))} firstButton={bulk} />
      )}
    </div>
  );
}

function summary(shown: number, filters: Filters): string {
  const matching = isNarrowed(filters) ? " match" : "";
  if (filters.state === "review") return `${plural(shown, "incident")} for review${matching}`;
  const state = filters.state === "all" ? "" : `${filters.state} `;
  return `${plural(shown, `${state}incident`)}${matching}`;
}

/** Finished incidents are fetched when somebody asks for them; the live list holds the open ones only. */
function useFinished(filters: Filters): void {
  const { state, site, kind, text } = filters;
  useEffect(() => {
    if (state === "open" || state === "new" || state === "review") return;
    let gone = false;
    // Letters of a search come fast; only the last ones are worth a request.
    const timer = setTimeout(async () => {
      const found = await live.search({
        state,
        limit: FINISHED_MAX,
        ...(site !== null && { site }),
        ...(kind !== null && { kind }),
        ...(text.trim() !== "" && { q: text }),
      });
      if (gone) return;
      if (!found.ok) notify(found.error.message, true);
      else if (found.value > FINISHED_MAX)
        notify(`The newest ${count(FINISHED_MAX)} of ${count(found.value)} are shown.`);
    }, SEARCH_PAUSE_MS);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [state, site, kind, text]);
}

const FINISHED_MAX = 500;
const SEARCH_PAUSE_MS = 250;

/** A tab in the background tells what burns. */
function useTitle(p1: number, p2: number): void {
  useEffect(() => {
    const urgent = [p1 > 0 && `${p1} × P1`, p2 > 0 && `${p2} × P2`].filter(Boolean).join(", ");
    document.title = urgent === "" ? "Aislewatch" : `(${urgent}) Aislewatch`;
  }, [p1, p2]);
}
