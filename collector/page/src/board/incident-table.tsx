/**
 * Ten thousand rows of one height, of which only those in the window exist. The page itself scrolls, so a phone, the
 * keyboard and the back button behave as everywhere else.
 */
import { type Dispatch, type RefObject, type SetStateAction, useCallback, useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { live } from "../api/use-live.ts";
import { acknowledge } from "../incident/perform.ts";
import { useShortcuts } from "../ui/shortcuts.ts";
import type { Filters } from "./filters.ts";
import { type Marks, NO_MARKS, toggled, toggledAll } from "./marks.ts";
import { GroupRow, IncidentRow } from "./row.tsx";
import { foldAt, type Row } from "./rows.ts";
import type { Step } from "./use-filters.ts";
import { scrollToRow, useAnchor, useRowHeight, useVisibleRange } from "./viewport.ts";

/** Browsers refuse more than about a hundred history entries in half a minute; a held-down key makes thirty a second. */
const SELECTION_TO_URL_MS = 250;

type Props = {
  rows: readonly Row[];
  filters: Filters;
  change: (change: Partial<Filters>, step?: Step) => void;
  searchBox: RefObject<HTMLInputElement | null>;
  marks: Marks;
  setMarks: Dispatch<SetStateAction<Marks>>;
  /** The keyboard is to go to what can be done with them. */
  onMarksDone: () => void;
};

export function IncidentTable({ rows, filters, change, searchBox, marks, setMarks, onMarksDone }: Props) {
  const [, navigate] = useLocation();
  const body = useRef<HTMLTableSectionElement>(null);
  const rowHeight = useRowHeight(body, filters.wall);
  const range = useVisibleRange(body, rowHeight, rows.length);
  const [selected, select] = useSelection(filters, change);
  useAnchor(body, rows, rowHeight);

  const selectedIndex = rows.findIndex((row) => row.key === selected);
  const move = useCallback(
    (step: number) => {
      const next = Math.min(rows.length - 1, Math.max(0, selectedIndex < 0 ? 0 : selectedIndex + step));
      const row = rows[next];
      if (row === undefined) return;
      select(row.key);
      scrollToRow(body.current, next, rowHeight);
    },
    [rows, selectedIndex, select, rowHeight],
  );
  const moveByArrow = (event: KeyboardEvent, step: number): void => {
    event.preventDefault();
    move(step);
  };
  const unfold = (key: string): void => {
    const open = filters.unfolded.includes(key);
    change({ unfolded: open ? filters.unfolded.filter((each) => each !== key) : [...filters.unfolded, key] });
  };
  const fold = (event: KeyboardEvent, isFolded: boolean): void => {
    const group = foldAt(rows, selectedIndex);
    if (group === null) return;
    event.preventDefault();
    if (group.unfolded === isFolded) unfold(group.key);
    // What is folded away can't stay selected.
    if (isFolded) select(group.key);
  };
  const open = (row: Row): void => {
    if (row.type === "group") unfold(row.key);
    else {
      // So that the way back leads to this row.
      change({ selected: row.key }, "replace");
      navigate(`/incidents/${encodeURIComponent(row.incident.id)}`);
    }
  };
  const withSelected = (act: (row: Row) => void): void => {
    const row = rows[selectedIndex];
    if (row !== undefined) act(row);
  };
  const mark = useCallback((id: string) => setMarks((now) => toggled(now, id)), [setMarks]);
  const areAllMarked = marks.size > 0 && toggledAll(marks, rows).size === 0;
  useShortcuts({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: (event) => moveByArrow(event, 1),
    ArrowUp: (event) => moveByArrow(event, -1),
    ArrowRight: (event) => fold(event, false),
    ArrowLeft: (event) => fold(event, true),
    Enter: (event) => {
      // Enter on a focused button or link is that one's.
      if (!(event.target instanceof Element) || event.target.closest("a, button") === null) withSelected(open);
    },
    a: () => withSelected((row) => row.type === "incident" && void acknowledge(row.incident)),
    x: () => withSelected((row) => row.type === "incident" && mark(row.key)),
    "*": () => setMarks(toggledAll(marks, rows)),
    b: () => onMarksDone(),
    Escape: () => setMarks(NO_MARKS),
    "/": (event) => {
      event.preventDefault();
      searchBox.current?.select();
      searchBox.current?.focus();
    },
  });

  return (
    <table className="incidents" aria-rowcount={rows.length + 1} aria-label="Incidents, by priority and age">
      <thead>
        <tr aria-rowindex={1}>
          <th scope="col" className="cell-mark">
            <input
              type="checkbox"
              aria-label="Mark all that are shown"
              checked={areAllMarked}
              onChange={() => setMarks(toggledAll(marks, rows))}
            />
          </th>
          <th scope="col">Priority</th>
          <th scope="col">Incident</th>
          <th scope="col">Site</th>
          <th scope="col">Device</th>
          <th scope="col">State</th>
          <th scope="col" className="cell-due" aria-sort={filters.order === "due" ? "ascending" : "none"}>
            <button
              type="button"
              onClick={() => change({ order: filters.order === "due" ? "oldest" : "due" })}
              title={
                filters.order === "due"
                  ? "What is due first; click for priority and age"
                  : "Click for what is due first"
              }
            >
              Due {filters.order === "due" && <span aria-hidden="true">↑</span>}
            </button>
          </th>
          <th
            scope="col"
            aria-sort={filters.order === "due" ? "none" : filters.order === "oldest" ? "descending" : "ascending"}
          >
            <button
              type="button"
              onClick={() => change({ order: filters.order === "oldest" ? "newest" : "oldest" })}
              title={
                filters.order === "oldest"
                  ? "Oldest first; click for newest first"
                  : "Newest first; click for oldest first"
              }
            >
              Age{" "}
              <span aria-hidden="true">{filters.order === "due" ? "" : filters.order === "oldest" ? "↓" : "↑"}</span>
            </button>
          </th>
        </tr>
      </thead>
      <tbody ref={body} style={{ height: rows.length * rowHeight }}>
        {rows.slice(range.first, range.end).map((row, offset) => {
          const place = { index: range.first + offset, top: (range.first + offset) * rowHeight };
          const common = { ...place, selected: row.key === selected, onSelect: () => select(row.key) };
          return row.type === "group" ? (
            <GroupRow key={`group ${row.key}`} row={row} {...common} onUnfold={() => unfold(row.key)} />
          ) : (
            <IncidentRow
              key={row.key}
              row={row}
              {...common}
              arrivedAt={arrivedAt(row.key)}
              marked={marks.has(row.key)}
              onMark={mark}
            />
          );
        })}
      </tbody>
    </table>
  );
}

const arrivedAt = (id: string): number | null => live.get().incidents.entries.get(id)?.arrivedAt ?? null;

/** The selection moves at once and reaches the URL a moment later. */
function useSelection(filters: Filters, change: Props["change"]): [string | null, (key: string) => void] {
  const [selected, setSelected] = useState(filters.selected);
  const [fromUrl, setFromUrl] = useState(filters.selected);
  if (fromUrl !== filters.selected) {
    setFromUrl(filters.selected);
    setSelected(filters.selected);
  }
  useEffect(() => {
    if (selected === filters.selected) return;
    const timer = setTimeout(() => change({ selected }, "replace"), SELECTION_TO_URL_MS);
    return () => clearTimeout(timer);
  }, [selected, filters.selected, change]);
  return [selected, setSelected];
}
