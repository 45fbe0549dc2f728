import { useCallback, useEffect, useMemo, useState } from "react";
import { useLocation, useSearch } from "wouter";
import type { Report } from "../api/types.ts";
import { api, live, useLoad } from "../api/use-live.ts";
import { count, plural } from "../ui/format.ts";
import { LoadState } from "../ui/load-state.tsx";
import { HourMap, Panel, PriorityBars, WeekLines } from "./charts.tsx";
import { backlogBars, barsOf, type Headline, headlinesOf } from "./figures.ts";
import {
  csvHref,
  formatReportFilters,
  parseReportFilters,
  queryOf,
  type Range,
  type ReportFilters,
  rangeOf,
} from "./filters.ts";
import { ReportFilterBar } from "./report-filters.tsx";
import { GroupTable, ModelLeague, NoiseTable, SlaTable, SlotTable } from "./tables.tsx";
import "./reports.css";

export default function ReportsPage() {
  const search = useSearch();
  const [, navigate] = useLocation();
  const filters = useMemo(() => parseReportFilters(search), [search]);
  const [again, setAgain] = useState(0);
  // The present stands still while a report is looked at: two figures of it are of the same time.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another look is another present.
  const range = useMemo(() => rangeOf(filters, Date.now() + live.get().clockOffsetMs), [filters, again]);
  useEffect(() => {
    document.title = "Reports – Aislewatch";
  }, []);
  const change = useCallback(
    (changed: Partial<ReportFilters>) => {
      const query = formatReportFilters({ ...parseReportFilters(window.location.search), ...changed });
      navigate(query === "" ? "/reports" : `/reports?${query}`);
    },
    [navigate],
  );
  return (
    <div className="reports">
      <div className="report-head">
        <h1>Reports</h1>
        {range !== null && <Tools filters={filters} range={range} onAgain={() => setAgain((n) => n + 1)} />}
      </div>
      <ReportFilterBar filters={filters} change={change} />
      {range === null ? (
        <p className="muted">Choose the first and the last day, in this order and not to come, then Show.</p>
      ) : (
        <OneReport filters={filters} range={range} />
      )}
    </div>
  );
}

type OfRange = { readonly filters: ReportFilters; readonly range: Range };

function Tools({ filters, range, onAgain }: OfRange & { readonly onAgain: () => void }) {
  return (
    <p className="report-tools">
      <button type="button" onClick={onAgain}>
        Until now
      </button>
      <a href={csvHref(filters, range)} download>
        CSV
      </a>
      <button type="button" onClick={() => window.print()}>
        Print
      </button>
    </p>
  );
}

function OneReport({ filters, range }: OfRange) {
  const query = queryOf(filters, range);
  const report = useLoad(JSON.stringify(query), () => api.report(query));
  if (report.value !== null) return <Shown report={report.value} filters={filters} />;
  if (report.failure !== null) return <LoadState loaded={report} what="the report" />;
  return (
    <div className="report-progress" role="status">
      <p>Adding up incidents…</p>
      <progress aria-label="The report is being made" />
    </div>
  );
}

function Shown({ report, filters }: { readonly report: Report; readonly filters: ReportFilters }) {
  const { all, before, coverage, course, from, to, remaking } = report;
  const { per, bars } = barsOf(course?.days ?? []);
  const weeks = course?.weeks ?? [];
  return (
    <div className="report" data-testid="report">
      <p className="muted">
        {dateText(from)} to {dateText(to)}
        {filters.site !== null && `, ${filters.site}`}. {count(coverage.n)} of {plural(coverage.of, "device")} answer
        now.
        {remaking !== null &&
          ` The past is counted anew, ${count(remaking.done)} incidents so far: figures may still change.`}
      </p>
      <dl className="headlines" aria-label="Figures">
        {headlinesOf(all, before).map((one) => (
          <HeadlineCard key={one.name} {...one} />
        ))}
      </dl>
      {filters.by !== "none" && <GroupTable report={report} by={filters.by} />}
      <div className="report-grid">
        <Panel title={`Incidents per ${per}`} note="by priority, in the days of each store">
          <PriorityBars title={`Incidents per ${per}`} per={per.charAt(0).toUpperCase() + per.slice(1)} bars={bars} />
        </Panel>
        <Panel title="Backlog by age" note="open at the end">
          <PriorityBars title="Backlog by age" per="Age" bars={backlogBars(all.backlog)} />
        </Panel>
        <Panel title="Time to acknowledge" note="by week">
          <WeekLines title="Time to acknowledge" weeks={weeks} of="acknowledge" />
        </Panel>
        <Panel title="Time to restore" note="by week">
          <WeekLines title="Time to restore" weeks={weeks} of="restore" />
        </Panel>
        <Panel title="Hours of the week" note="by the clock in the store">
          <HourMap hours={report.hours} />
        </Panel>
        <SlaTable report={report} />
        <ModelLeague report={report} />
        <SlotTable report={report} />
        <NoiseTable report={report} />
      </div>
    </div>
  );
}

function HeadlineCard({ name, value, note, was, turn }: Headline) {
  return (
    <div className="headline">
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong>
        <span className="muted">{note}</span>
        {was !== null && (
          <span className="headline-was" data-turn={turn ?? "same"}>
            was {was}
            {turn !== null && `, ${turn}`}
          </span>
        )}
      </dd>
    </div>
  );
}

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
const dateText = (at: number): string => DATE.format(at);
