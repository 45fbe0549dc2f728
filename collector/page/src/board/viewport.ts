/**
 * Which rows of the list the window shows, and what keeps them where they are: the page itself scrolls, rows are of one
 * height and lie at their index. Only those in the window, and some around it, exist in the document.
 */
import { type RefObject, useLayoutEffect, useRef, useState } from "react";
import type { Row } from "./rows.ts";

/** Rows beyond the window on either side, so that a turn of the wheel finds them there. */
const OVERSCAN_ROWS = 12;
/** Where somebody leapt to, all rows are new: those that nobody sees yet come when the scrolling rests. */
const LEAP_OVERSCAN_ROWS = 2;
const REST_MS = 120;

/** The stylesheet owns the height of a row: it differs for desk, wall and phone. */
export function useRowHeight(body: RefObject<HTMLElement | null>, wall: boolean): number {
  const [height, setHeight] = useState(44);
  // biome-ignore lint/correctness/useExhaustiveDependencies: wall mode changes what the stylesheet says.
  useLayoutEffect(() => {
    function measure(): void {
      const element = body.current;
      if (element === null) return;
      const declared = Number.parseFloat(getComputedStyle(element).getPropertyValue("--row-height"));
      if (declared > 0) setHeight(declared);
    }
    // Wall mode is set on the root by an effect of the shell: measure after it, too.
    measure();
    const frame = requestAnimationFrame(measure);
    window.addEventListener("resize", measure);
    return () => {
      cancelAnimationFrame(frame);
      window.removeEventListener("resize", measure);
    };
  }, [body, wall]);
  return height;
}

export type Range = { readonly first: number; readonly end: number };

export function useVisibleRange(body: RefObject<HTMLElement | null>, rowHeight: number, rowCount: number): Range {
  const [range, setRange] = useState<Range>({ first: 0, end: Math.min(rowCount, 40) });
  useLayoutEffect(() => {
    let rest: ReturnType<typeof setTimeout> | undefined;
    const rangeWith = (overscan: number): Range | null => {
      const listTop = body.current?.getBoundingClientRect().top;
      if (listTop === undefined) return null;
      return visibleRange({ listTop, height: window.innerHeight, rowHeight, count: rowCount, overscan });
    };
    function update(): void {
      const [near, wide] = [rangeWith(LEAP_OVERSCAN_ROWS), rangeWith(OVERSCAN_ROWS)];
      if (near === null || wide === null) return;
      clearTimeout(rest);
      rest = setTimeout(() => setRange((old) => (isSame(old, wide) ? old : wide)), REST_MS);
      setRange((old) => {
        const next = overlap(old, near) ? wide : near;
        return isSame(old, next) ? old : next;
      });
    }
    update();
    window.addEventListener("scroll", update, { passive: true });
    window.addEventListener("resize", update);
    return () => {
      clearTimeout(rest);
      window.removeEventListener("scroll", update);
      window.removeEventListener("resize", update);
    };
  }, [body, rowHeight, rowCount]);
  return range;
}

const isSame = (a: Range, b: Range): boolean => a.first === b.first && a.end === b.end;
const overlap = (a: Range, b: Range): boolean => a.first < b.end && b.first < a.end;

/** Which of `count` rows of one height meet the window; `overscan` more on either side, so that scrolling shows no gap. */
export function visibleRange(view: {
  readonly listTop: number;
  readonly height: number;
  readonly rowHeight: number;
  readonly count: number;
  readonly overscan: number;
}): Range {
  const first = Math.floor(-view.listTop / view.rowHeight) - view.overscan;
  const end = Math.ceil((view.height - view.listTop) / view.rowHeight) + view.overscan;
  const clamp = (index: number): number => Math.min(view.count, Math.max(0, index));
  return { first: clamp(first), end: clamp(end) };
}

/**
 * Rows that come or go above the window must not move what is being read: the first row in the window stays where it
 * was. At the top of the page new rows push the others down, for there they are what one wants to see.
 */
export function useAnchor(body: RefObject<HTMLElement | null>, rows: readonly Row[], rowHeight: number): void {
  const before = useRef<readonly Row[]>(rows);
  useLayoutEffect(() => {
    const old = before.current;
    before.current = rows;
    const element = body.current;
    if (element === null || old === rows) return;
    const hidden = Math.floor(-element.getBoundingClientRect().top / rowHeight);
    const anchor = old[hidden];
    if (hidden <= 0 || anchor === undefined) return;
    const index = rows.findIndex((row) => row.key === anchor.key && row.type === anchor.type);
    if (index >= 0 && index !== hidden) window.scrollBy({ top: (index - hidden) * rowHeight, behavior: "instant" });
  }, [body, rows, rowHeight]);
}

/** Keeps two rows of context around the selected one, and the sticky header off it. */
export function scrollToRow(body: HTMLElement | null, index: number, rowHeight: number): void {
  if (body === null) return;
  const top = body.getBoundingClientRect().top + index * rowHeight;
  const upper = 4 * rowHeight;
  const lower = window.innerHeight - 3 * rowHeight;
  if (top < upper) window.scrollBy({ top: top - upper, behavior: "instant" });
  else if (top > lower) window.scrollBy({ top: top - lower, behavior: "instant" });
}
