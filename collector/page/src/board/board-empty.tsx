import { useLive } from "../api/use-live.ts";
import { plural } from "../ui/format.ts";
import { type Filters, isNarrowed, NO_FILTERS } from "./filters.ts";

/** An empty board is the good news of the day, if it is plain what is being watched. */
export function BoardEmpty({ filters, change }: { filters: Filters; change: (change: Partial<Filters>) => void }) {
  const overview = useLive((state) => state.overview);
  if (filters.state !== "open" || isNarrowed(filters)) {
    return (
      <div className="empty">
        <h2>No incidents match</h2>
        <button type="button" onClick={() => change({ ...NO_FILTERS, wall: filters.wall })}>
          Show all open incidents
        </button>
      </div>
    );
  }
  return (
    <div className="empty">
      <svg className="empty-mark" viewBox="0 0 48 48" aria-hidden="true">
        <circle cx="24" cy="24" r="20" />
        <path d="m15.5 24.5 6 6 11.5-12.5" />
      </svg>
      <h2>No open incidents</h2>
      {overview !== null && (
        <p>
          Watching {plural(overview.devices.total, "device")} at {plural(overview.sites, "site")} with{" "}
          {plural(overview.rules.count, "rule")}. {overview.devices.up} up, {overview.agents.online} of{" "}
          {plural(overview.agents.total, "agent")} online.
        </p>
      )}
    </div>
  );
}
