import type { ReactNode } from "react";
import { Link } from "wouter";
import { PRIORITIES, type Priority } from "../api/types.ts";
import { useLive } from "../api/use-live.ts";
import { count } from "../ui/format.ts";
import type { Filters } from "./filters.ts";
import type { Tally } from "./rows.ts";

type Props = { totals: Tally; filters: Filters; change: (change: Partial<Filters>) => void };

/** What a person across the room reads first. The counts of priorities are also the filter by priority. */
export function Tiles({ totals, filters, change }: Props) {
  const overview = useLive((state) => state.overview);
  function toggle(priority: Priority): void {
    const on = filters.priorities.includes(priority);
    change({
      priorities: PRIORITIES.filter((each) => (each === priority ? !on : filters.priorities.includes(each))),
    });
  }
  return (
    <section className="tiles" aria-label="Summary">
      <div className="tiles-priorities">
        {PRIORITIES.map((priority) => (
          <button
            key={priority}
            type="button"
            className={`tile tile-${priority.toLowerCase()}`}
            data-zero={totals.priorities[priority] === 0}
            aria-pressed={filters.priorities.includes(priority)}
            onClick={() => toggle(priority)}
            title={`Show ${priority} only`}
          >
            <span className="tile-value">{count(totals.priorities[priority])}</span>
            <span className="tile-label">{priority}</span>
          </button>
        ))}
        <button
          type="button"
          className="tile tile-new"
          data-zero={totals.unacknowledged === 0}
          aria-pressed={filters.state === "new"}
          onClick={() => change({ state: filters.state === "new" ? "open" : "new" })}
          title="Show unacknowledged only"
        >
          <span className="tile-value">{count(totals.unacknowledged)}</span>
          <span className="tile-label">Unacknow{"\u00ad"}ledged</span>
        </button>
      </div>
      {overview !== null && (
        <dl className="facts">
          <Fact label="Devices">
            <span>{count(overview.devices.up)} up</span>
            <span data-bad={overview.devices.down > 0}>{count(overview.devices.down)} down</span>
            <span data-warn={overview.devices.unreachable > 0}>{count(overview.devices.unreachable)} unreachable</span>
            {overview.devices.unknown > 0 && <span>{count(overview.devices.unknown)} unknown</span>}
          </Fact>
          <Fact label="Agents">
            <span data-bad={overview.agents.online < overview.agents.total}>
              {count(overview.agents.online)} of {count(overview.agents.total)} online
            </span>
          </Fact>
          <Fact label="Samples">
            <span>{count(overview.samplesPerSecond)} a second</span>
          </Fact>
          <Fact label="Rules">
            <Link
              href="/rules"
              title={
                overview.rules.refused.length > 0
                  ? "Newer files are refused; the last good version stays in use"
                  : undefined
              }
              data-bad={overview.rules.refused.length > 0}
            >
              {overview.rules.refused.length > 0 ? "⚠ refused" : overview.rules.version.slice(0, 8)}
            </Link>
          </Fact>
        </dl>
      )}
    </section>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="fact">
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
