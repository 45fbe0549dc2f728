import { useState } from "react";
import { PRIORITIES, type Priority } from "../api/types.ts";
import { api, useLoad } from "../api/use-live.ts";
import { Segments, SelectOrAll } from "../ui/filter-fields.tsx";
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
      <Segments
        label="Period"
        options={PERIODS}
        chosen={filters.period}
        choose={(period) => change({ period })}
        show={(period) => PERIOD_TITLES[period]}
      />
      {filters.period === "custom" && <Days filters={filters} change={change} />}
      <SiteSelect filters={filters} change={change} />
      <SelectOrAll
        {...{ label: "Kind", all: "All kinds", options: KINDS, chosen: filters.kind, show: kindTitle }}
        choose={(kind) => change({ kind })}
      />
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
  const names = new Map((sites.value ?? []).map(({ id, name }) => [id, name]));
  // The one that the link names stands there in any case.
  if (filters.site !== null && !names.has(filters.site)) names.set(filters.site, filters.site);
  return (
    <SelectOrAll
      {...{ label: "Site", all: "All sites", options: [...names.keys()], chosen: filters.site }}
      choose={(site) => change({ site })}
      show={(id) => names.get(id) ?? id}
    />
  );
}
