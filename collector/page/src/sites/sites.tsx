import { useEffect } from "react";
import { Link } from "wouter";
import { PRIORITIES, type Site } from "../api/types.ts";
import { api, useLoad } from "../api/use-live.ts";
import { PriorityBadge } from "../ui/badges.tsx";
import { count, plural } from "../ui/format.ts";
import { LoadState } from "../ui/load-state.tsx";
import { compareSites, openCount, toneOf } from "./health.ts";
import "./sites.css";

export default function SitesPage() {
  const sites = useLoad("sites", api.sites, (event) => ["device", "agent", "incident"].includes(event.type));
  useEffect(() => {
    document.title = "Sites – Aislewatch";
  }, []);
  if (sites.value === null) return <LoadState loaded={sites} what="sites" />;
  return (
    <div className="sites">
      <h1>
        Sites <span className="panel-note">{count(sites.value.length)}</span>
      </h1>
      {sites.value.length === 0 && (
        <div className="empty">
          <h2>No site yet</h2>
          <p>A site appears when its first agent connects, or when sites.yaml names it.</p>
        </div>
      )}
      <ul className="site-cards">
        {[...sites.value].sort(compareSites).map((site) => (
          <SiteCard key={site.id} site={site} />
        ))}
      </ul>
    </div>
  );
}

function SiteCard({ site }: { site: Site }) {
  const online = site.agents.filter((agent) => agent.online).length;
  return (
    <li className="site-card" data-testid="site-card" data-id={site.id} data-tone={toneOf(site)}>
      <h2>
        <Link href={`/sites/${site.id}`}>{site.name}</Link>
      </h2>
      <p className="site-card-id">
        <span className="id">{site.id}</span>
        <span>{site.format === "dc" ? "Distribution centre" : "Store"}</span>
        <span className="open-now" data-open={site.open}>
          {site.open ? "Open now" : "Closed now"}
        </span>
      </p>
      <HealthBar site={site} />
      <p className="site-card-devices">
        {plural(site.devices, "device")}: {site.up} up
        {site.down > 0 && <strong data-tone="bad">, {site.down} down</strong>}
        {site.unknown > 0 && <span>, {site.unknown} unknown</span>}
      </p>
      <p className="site-card-foot">
        <span data-tone={online < site.agents.length ? "bad" : "quiet"}>
          {site.agents.length === 0 ? "No agent yet" : `${online} of ${plural(site.agents.length, "agent")} online`}
        </span>
        <span className="site-card-incidents">
          {PRIORITIES.filter((priority) => openCount(site, priority) > 0).map((priority) => (
            <span key={priority}>
              <PriorityBadge priority={priority} />
              {count(openCount(site, priority))}
            </span>
          ))}
          {PRIORITIES.every((priority) => openCount(site, priority) === 0) && "No open incidents"}
        </span>
      </p>
    </li>
  );
}

/** The words below say the same: the bar is for the glance. */
function HealthBar({ site }: { site: Site }) {
  const parts = [
    { name: "up", count: site.up },
    { name: "down", count: site.down },
    { name: "unknown", count: site.unknown },
  ];
  return (
    <div className="health-bar" aria-hidden="true">
      {parts.map(
        (part) => part.count > 0 && <span key={part.name} data-part={part.name} style={{ flexGrow: part.count }} />,
      )}
    </div>
  );
}
