import { type RefObject, useEffect, useMemo, useState } from "react";
import type { Incidents } from "../api/incidents.ts";
import { useLive } from "../api/use-live.ts";
import { Segments, SelectOrAll } from "../ui/filter-fields.tsx";
import { KINDS, kindTitle } from "../ui/kinds.ts";
import { type Filters, STATE_FILTERS, type StateFilter } from "./filters.ts";
import type { Step } from "./use-filters.ts";

type Props = {
  filters: Filters;
  change: (change: Partial<Filters>, step?: Step) => void;
  searchBox: RefObject<HTMLInputElement | null>;
};

const STATE_TITLES: Readonly<Record<StateFilter, string>> = {
  open: "Open",
  new: "New",
  review: "Review",
  resolved: "Resolved",
  closed: "Closed",
  all: "All",
};

export function FilterBar({ filters, change, searchBox }: Props) {
  return (
    <search className="filters">
      <Segments
        label="State"
        options={STATE_FILTERS}
        chosen={filters.state}
        choose={(state) => change({ state })}
        show={(state) => STATE_TITLES[state]}
      />
      <SiteSelect filters={filters} change={change} />
      <SelectOrAll
        {...{ label: "Kind", all: "All kinds", options: KINDS, chosen: filters.kind, show: kindTitle }}
        choose={(kind) => change({ kind })}
      />
      <SearchBox text={filters.text} change={change} searchBox={searchBox} />
    </search>
  );
}

/** The sites that have incidents on the board, and the one that the link names in any case. */
function SiteSelect({ filters, change }: Omit<Props, "searchBox">) {
  const incidents = useLive((state) => state.incidents);
  const listed = useListedSites(incidents, filters.site);
  // Thousands of them, and the same ones with nearly every event: React needs not look through them again.
  const options = useMemo(
    () =>
      [...listed]
        .sort(([, a], [, b]) => NAMES.compare(a, b))
        .map(([id, name]) => (
          <option key={id} value={id}>
            {name}
          </option>
        )),
    [listed],
  );
  return (
    <label>
      <span className="visually-hidden">Site</span>
      <select
        value={filters.site ?? ""}
        onChange={(event) => change({ site: event.target.value === "" ? null : event.target.value })}
      >
        <option value="">All sites</option>
        {options}
      </select>
    </label>
  );
}

const NAMES = new Intl.Collator();

/** Names by id; the same map until there are others. */
function useListedSites(incidents: Incidents, named: string | null): ReadonlyMap<string, string> {
  const [listed, setListed] = useState<ReadonlyMap<string, string>>(new Map());
  const now = useMemo(() => {
    const names = new Map<string, string>();
    for (const { incident } of incidents.entries.values()) names.set(incident.subject.site, incident.siteName);
    if (named !== null && !names.has(named)) names.set(named, named);
    return names;
  }, [incidents, named]);
  if (isSame(listed, now)) return listed;
  setListed(now);
  return now;
}

const isSame = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean =>
  a.size === b.size && [...a].every(([id, name]) => b.get(id) === name);

/** Letters show at once; the URL and the list follow when the typing pauses. */
const TYPING_PAUSE_MS = 150;

function SearchBox({ text, change, searchBox }: { text: string } & Omit<Props, "filters">) {
  const [typed, setTyped] = useState(text);
  const [shownFor, setShownFor] = useState(text);
  // The URL moved by itself (back button, cleared filters): it wins.
  if (shownFor !== text) {
    setShownFor(text);
    if (typed.trim() !== text) setTyped(text);
  }
  useEffect(() => {
    if (typed.trim() === text) return;
    const timer = setTimeout(() => change({ text: typed.trim() }, "replace"), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, text, change]);
  return (
    <label className="search">
      <span className="visually-hidden">Search</span>
      <input
        ref={searchBox}
        type="search"
        placeholder="Search title, device, site, id"
        value={typed}
        maxLength={200}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      <kbd>/</kbd>
    </label>
  );
}
