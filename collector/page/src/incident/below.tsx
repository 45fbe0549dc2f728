/** What an incident is a consequence of, and what is one of it. */
import { Link } from "wouter";
import type { Incident, IncidentDetail } from "../api/types.ts";
import { Age } from "../ui/age.tsx";
import { PriorityBadge, StateBadge } from "../ui/badges.tsx";
import { count, plural, sentence } from "../ui/format.ts";
import "./below.css";

const hrefOf = ({ id }: Incident): string => `/incidents/${encodeURIComponent(id)}`;

export function Above({ incident, parent }: { incident: Incident; parent: Incident | null }) {
  if (parent === null) return null;
  return (
    <section className="panel" aria-labelledby="above-title">
      <h2 id="above-title">A consequence of</h2>
      <p className="above" data-testid="parent">
        <PriorityBadge priority={parent.priority} />
        <Link href={hrefOf(parent)}>
          {parent.title} <span className="id">{parent.id}</span>
        </Link>
      </p>
      {incident.parentWhy !== null && <p className="panel-note">{sentence(incident.parentWhy)}.</p>}
      <p className="panel-note">
        Nobody is called for it meanwhile. What still fails when that is over is called for once.
      </p>
    </section>
  );
}

export function Below({ of: { items, total, standing } }: { of: IncidentDetail["children"] }) {
  if (total === 0) return null;
  return (
    <section className="panel" aria-labelledby="below-title">
      <h2 id="below-title">
        Below this{" "}
        <span className="panel-note">
          {plural(total, "incident")}, {standing === 0 ? "none stands" : `${count(standing)} of them stand`}
        </span>
      </h2>
      <ul className="incident-links below" data-testid="children">
        {items.map((child) => (
          <li key={child.id} data-recovered={child.recoveredAt !== null}>
            <PriorityBadge priority={child.priority} />
            <Link href={hrefOf(child)}>
              {child.title}
              <span className="id">
                {child.subject.site} · {child.subject.device ?? "whole site"}
              </span>
            </Link>
            <span className="incident-links-when">
              <StateBadge state={child.state} />
              {child.recoveredAt === null ? (
                <Age at={child.onset} suffix=" ago" />
              ) : (
                <span className="tag tag-recovered">Recovered</span>
              )}
            </span>
            <span className="below-why">{sentence(child.parentWhy ?? "")}</span>
          </li>
        ))}
      </ul>
      {total > items.length && (
        <p className="panel-note">The first {count(items.length)}, those that stand before the others.</p>
      )}
    </section>
  );
}
