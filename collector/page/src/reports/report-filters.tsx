import { useState } from "react";
import { PRIORITIES, type Priority } from "../api/types.ts";
import { api, useLoad } from "../api/use-live.ts";
import { KINDS, kindTitle } from "../ui/kinds.ts";
import { GROUPINGS, PERIODS, type Period, type ReportFilters } from "./filters.ts";

type Props = { readonly filters: ReportFilters; readonly change: (change: Partial<ReportFilters>) => void };

const PERIOD_TITLES: Readonly<Record<Period, string>> = {
  "7d": "7 days",
  "30d": "30 days",
  "90d": "90 days",
  month: "This month",
  "last-month": "Last month",
  custom: "Custom",
};

export function ReportFilterBar({ filters, change }: Props) {
  return (
    <search className="report-filters">
      <fieldset className="segments">
        <legend className="visually-hidden">Period</legend>
        {PERIODS.map((period) => (
          <label key={period}>
            <input
              type="radio"
              name="period"
              className="visually-hidden"
              checked={filters.period === period}
              onChange={() => change({ period })}
            />
            <span>{PERIOD_TITLES[period]}</span>
          </label>
        ))}
      </fieldset>
      {filters.period === "custom" && <Days filters={filters} change={change} />}
      <SiteSelect filters={filters} change={change} />
      <label>
        <span className="visually-hidden">Kind</span>
        <select value={filters.kind ?? ""} onChange={(event) => change({ kind: event.target.value || null })}>
          <option value="">All kinds</option>
          {KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {kindTitle(kind)}
            </option>
          ))}
        </select>
      </label>
      <fieldset className="report-priorities">
        <legend className="visually-hidden">Priorities, all when none is chosen</legend>
        {PRIORITIES.map((priority) => (
          <label key={priority}>
            <input
              type="checkbox"
              checked={filters.priorities.includes(priority)}
              onChange={() => change({ priorities: toggled(filters.priorities, priority) })}
            />
            {priority}
          </label>
        ))}
      </fieldset>
      <label>
        Group by{" "}
        <select
          value={filters.by}
          onChange={(event) => change({ by: GROUPINGS.find((one) => one === event.target.value) ?? "none" })}
        >
          {GROUPINGS.map((by) => (
            <option key={by} value={by}>
              {by === "none" ? "nothing" : by === "hour" ? "hour of the week" : by}
            </option>
          ))}
        </select>
      </label>
    </search>
  );
}

const toggled = (chosen: readonly Priority[], one: Priority): Priority[] =>
  PRIORITIES.filter((priority) => chosen.includes(priority) !== (priority === one));

/** What is typed shows at once; the report follows when the field is left, or Enter is pressed. */
function Days({ filters, change }: Props) {
  const [from, setFrom] = useState(filters.from ?? "");
  const [to, setTo] = useState(filters.to ?? "");
  return (
    <form
      className="report-days"
      onSubmit={(event) => {
        event.preventDefault();
        change({ from: from || null, to: to || null });
      }}
    >
      <label>
        From <input type="date" value={from} onChange={(event) => setFrom(event.target.value)} />
      </label>
      <label>
        To <input type="date" value={to} onChange={(event) => setTo(event.target.value)} />
      </label>
      <button type="submit">Show</button>
    </form>
  );
}

function SiteSelect({ filters, change }: Props) {
  const sites = useLoad("report-sites", api.sites);
  const known = sites.value ?? [];
  return (
    <label>
      <span className="visually-hidden">Site</span>
      <select value={filters.site ?? ""} onChange={(event) => change({ site: event.target.value || null })}>
        <option value="">All sites</option>
        {filters.site !== null && !known.some(({ id }) => id === filters.site) && (
          <option value={filters.site}>{filters.site}</option>
        )}
        {known.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
