import { Link } from "wouter";
import type { Incident } from "../api/types.ts";
import { Age } from "../ui/age.tsx";
import { PriorityBadge, StateBadge } from "../ui/badges.tsx";

/** More than these would push everything else off the page; the board's search has them all. */
const SHOWN_MAX = 12;

export function IncidentLinks({ title, incidents }: { title: string; incidents: readonly Incident[] }) {
  if (incidents.length === 0) return null;
  return (
    <section className="panel">
      <h2>
        {title} <span className="panel-note">{incidents.length}</span>
      </h2>
      <ul className="incident-links">
        {incidents.slice(0, SHOWN_MAX).map((incident) => (
          <li key={incident.id}>
            <PriorityBadge priority={incident.priority} />
            <Link href={`/incidents/${encodeURIComponent(incident.id)}`}>
              {incident.title}
              <span className="id">{incident.subject.device ?? incident.id}</span>
            </Link>
            <span className="incident-links-when">
              <StateBadge state={incident.state} />
              <Age at={incident.onset} suffix=" ago" />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
