/** The charts of a report, drawn as shapes that print as they look; behind each stands its table. */
import type { ReactNode } from "react";
import { PRIORITIES, type Report } from "../api/types.ts";
import { count } from "../ui/format.ts";
import { type Bar, duration, hourText, weekdayOf } from "./figures.ts";

type PanelProps = { readonly title: string; readonly note?: string | undefined; readonly children: ReactNode };

export function Panel({ title, note, children }: PanelProps) {
  return (
    <section className="panel report-panel" aria-label={title}>
      <h2>
        {title}
        {note !== undefined && <span className="panel-note">{note}</span>}
      </h2>
      {children}
    </section>
  );
}

type TableProps = {
  readonly label: string;
  readonly head: readonly string[];
  /** The first cell of a row is what it is of. */
  readonly rows: readonly { readonly key: string; readonly cells: readonly ReactNode[] }[];
};

export function DataTable({ label, head, rows }: TableProps) {
  return (
    // Wide ones are scrolled by keyboard, too.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can have the focus.
    <section className="report-scroll" aria-label={`${label}, a table`} tabIndex={0}>
      <table className="report-table" aria-label={label}>
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, cells: [first, ...rest] }) => (
            <tr key={key}>
              <th scope="row">{first}</th>
              {rest.map((cell, index) => (
                <td key={head[index + 1]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Behind(table: TableProps) {
  return (
    <details className="report-behind">
      <summary>As a table</summary>
      <DataTable {...table} />
    </details>
  );
}

/** Stacked by priority, the most urgent at the bottom. */
export function PriorityBars({ title, per, bars }: { title: string; per: string; bars: readonly Bar[] }) {
  const most = Math.max(1, ...bars.map(({ total }) => total));
  const sum = bars.reduce((all, { total }) => all + total, 0);
  if (sum === 0) return <p className="muted">None.</p>;
  return (
    <>
      <figure className="bars" role="img" aria-label={`${title}: ${count(sum)} in all, ${count(most)} at most.`}>
        <span className="bars-most">{count(most)}</span>
        <div className="bars-plot" data-few={bars.length <= FEW}>
          {bars.map(({ label, parts, total }) => (
            <div key={label} className="bar" title={`${label}: ${count(total)}`}>
              {PRIORITIES.map(
                (priority) =>
                  parts[priority] > 0 && (
                    <span
                      key={priority}
                      className={`bar-part bar-${priority.toLowerCase()}`}
                      style={{ height: `${(parts[priority] / most) * 100}%` }}
                    />
                  ),
              )}
            </div>
          ))}
        </div>
        <Ends labels={bars.map(({ label }) => label)} isFew={bars.length <= FEW} />
      </figure>
      <ul className="bars-legend" aria-hidden="true">
        {PRIORITIES.map((priority) => (
          <li key={priority}>
            <span className={`bars-key bar-${priority.toLowerCase()}`} /> {priority}
          </li>
        ))}
      </ul>
      <Behind
        label={title}
        head={[per, "All", ...PRIORITIES]}
        rows={bars.map(({ label, parts, total }) => ({
          key: label,
          cells: [label, count(total), ...PRIORITIES.map((one) => count(parts[one]))],
        }))}
      />
    </>
  );
}

/** So few bars are wide enough for their labels. */
const FEW = 8;

/** All of a few labels, else the first and the last. */
function Ends({ labels, isFew }: { labels: readonly string[]; isFew: boolean }) {
  const shown = isFew ? labels : [...new Set([labels[0] ?? "", labels.at(-1) ?? ""])];
  return (
    <div className="bars-ends" data-few={isFew}>
      {shown.map((label) => (
        <span key={label}>{label}</span>
      ))}
    </div>
  );
}

type Weeks = NonNullable<Report["course"]>["weeks"];

/** Median and p90 of each week; a week in which there was none is left out. */
export function WeekLines({ title, weeks, of }: { title: string; weeks: Weeks; of: "acknowledge" | "restore" }) {
  const points = weeks.filter((week) => week[of].n > 0).map((week) => ({ monday: week.monday, ...week[of] }));
  const most = Math.max(1, ...points.map(({ p90Ms }) => p90Ms ?? 0));
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return <p className="muted">None.</p>;
  const begin = Date.parse(first.monday);
  const span = Date.parse(last.monday) - begin;
  const path = (name: "medianMs" | "p90Ms"): string =>
    points
      .map(({ monday, [name]: ms }, index) => {
        const x = span === 0 ? 50 : ((Date.parse(monday) - begin) / span) * 100;
        // A line of no length, for a week that stands alone: its round end is a dot.
        return `${index === 0 ? "M" : "L"}${x.toFixed(2)} ${(100 - ((ms ?? 0) / most) * 100).toFixed(2)}h0.01`;
      })
      .join("");
  return (
    <>
      <figure
        className="lines"
        role="img"
        aria-label={`${title} by week: the last median is ${duration(last.medianMs)}, its p90 ${duration(last.p90Ms)}.`}
      >
        <span className="bars-most">{duration(most)}</span>
        <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
          <path className="line-p90" d={path("p90Ms")} />
          <path className="line-median" d={path("medianMs")} />
        </svg>
        <Ends labels={[first.monday, last.monday]} isFew={span === 0} />
      </figure>
      <ul className="bars-legend" aria-hidden="true">
        <li>
          <span className="lines-key" /> median
        </li>
        <li>
          <span className="lines-key lines-key-p90" /> p90
        </li>
      </ul>
      <Behind
        label={`${title} by week`}
        head={["Week from", "N", "Median", "p90"]}
        rows={points.map(({ monday, n, medianMs, p90Ms }) => ({
          key: monday,
          cells: [monday, count(n), duration(medianMs), duration(p90Ms)],
        }))}
      />
    </>
  );
}

const DAYS = [0, 1, 2, 3, 4, 5, 6] as const;
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

/** A table whose cells are its picture: numbers are read out, shades are seen. */
export function HourMap({ hours }: { hours: readonly number[] }) {
  const most = Math.max(1, ...hours);
  return (
    <>
      <table className="hours" aria-label="Opened in each hour of the week, by the clock in the store">
        <thead>
          <tr>
            <td />
            {HOURS.map((hour) => (
              <th key={hour} scope="col">
                <span className="visually-hidden">{hourText(hour)}</span>
                {hour % 6 === 0 && <span aria-hidden="true">{hour}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {DAYS.map((day) => (
            <tr key={day}>
              <th scope="row">{weekdayOf(day)}</th>
              {HOURS.map((hour) => {
                const n = hours[day * 24 + hour] ?? 0;
                const shade = n === 0 ? 0 : 12 + Math.round((n / most) * 88);
                return (
                  <td
                    key={hour}
                    title={`${weekdayOf(day)} ${hourText(hour)}: ${count(n)}`}
                    style={{ backgroundColor: `color-mix(in srgb, var(--accent) ${shade}%, var(--surface-2))` }}
                  >
                    <span className="visually-hidden">{count(n)}</span>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="muted">The busiest hour has {count(most)}.</p>
    </>
  );
}
