import { useEffect, useMemo } from "react";
import { Link, useLocation, useSearch } from "wouter";
import type { Device, Site } from "../api/types.ts";
import { api, useLoad } from "../api/use-live.ts";
import { Age } from "../ui/age.tsx";
import { DeviceBadge, SeverityTag } from "../ui/badges.tsx";
import { Segments, SelectOrAll } from "../ui/filter-fields.tsx";
import { plural } from "../ui/format.ts";
import { KindIcon } from "../ui/kind-icon.tsx";
import { kindTitle } from "../ui/kinds.ts";
import { LoadState } from "../ui/load-state.tsx";
import {
  DEVICE_STATES,
  type DeviceFilters,
  formatDeviceFilters,
  labelsOf,
  matchesDevice,
  parseDeviceFilters,
} from "./device-filters.ts";
import { compareDevices } from "./health.ts";
import "./sites.css";

export default function SitePage({ siteId }: { siteId: string }) {
  const [path, navigate] = useLocation();
  const search = useSearch();
  const filters = useMemo(() => parseDeviceFilters(search), [search]);
  const devices = useLoad(
    `devices ${siteId}`,
    () => api.devices(siteId),
    (event) => "site" in event && event.site === siteId,
  );
  const sites = useLoad("sites", api.sites, (event) => event.type === "agent" || event.type === "device");
  const site = sites.value?.find((each) => each.id === siteId);
  const shown = useMemo(
    () => (devices.value ?? []).filter((device) => matchesDevice(device, filters)).sort(compareDevices),
    [devices.value, filters],
  );
  useEffect(() => {
    document.title = `${site?.name ?? siteId} – Aislewatch`;
  }, [site?.name, siteId]);

  if (devices.value === null) return <LoadState loaded={devices} what="devices" />;
  const change = (changed: Partial<DeviceFilters>): void => {
    const query = formatDeviceFilters({ ...filters, ...changed });
    navigate(query === "" ? path : `${path}?${query}`);
  };
  return (
    <div className="site">
      <SiteHeader siteId={siteId} site={site} />
      <Filters devices={devices.value} filters={filters} change={change} />
      {shown.length === 0 ? (
        <p className="empty">No device matches.</p>
      ) : (
        <table className="devices" aria-label="Devices">
          <thead>
            <tr>
              <th scope="col">Device</th>
              <th scope="col">Kind</th>
              <th scope="col">State</th>
              <th scope="col">Faults</th>
              <th scope="col">Labels</th>
              <th scope="col">Last reading</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((device) => (
              <DeviceRow key={device.id} device={device} />
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

function SiteHeader({ siteId, site }: { siteId: string; site: Site | undefined }) {
  return (
    <header className="page-header">
      <p className="crumbs">
        <Link href="/sites">Sites</Link> <span className="id">{siteId}</span>
      </p>
      <h1>{site?.name ?? siteId}</h1>
      {site !== undefined && (
        <p className="page-facts">
          <span className="open-now" data-open={site.open}>
            {site.open ? "Open now" : "Closed now"}
          </span>
          <span>{site.timeZone}</span>
          <Link href={`/?site=${encodeURIComponent(siteId)}`}>Open incidents here</Link>
          {site.agents.map((agent) => (
            <span key={agent.id} data-tone={agent.online ? "quiet" : "bad"}>
              Agent <span className="id">{agent.id}</span> {agent.online ? "online" : "offline, last seen "}
              {!agent.online && <Age at={agent.lastSeenAt} suffix=" ago" />}
            </span>
          ))}
        </p>
      )}
    </header>
  );
}

type FiltersProps = {
  devices: readonly Device[];
  filters: DeviceFilters;
  change: (change: Partial<DeviceFilters>) => void;
};

function Filters({ devices, filters, change }: FiltersProps) {
  const kinds = [...new Set(devices.map((device) => device.kind))].sort();
  const labels = [...new Set(devices.flatMap(labelsOf))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return (
    <search className="filters">
      <Segments
        label="State"
        options={[null, ...DEVICE_STATES]}
        chosen={filters.state}
        choose={(state) => change({ state })}
        show={(state) => (
          <>
            {state === null ? "All" : state}{" "}
            <span className="segment-count">
              {devices.filter((device) => state === null || device.state === state).length}
            </span>
          </>
        )}
      />
      <SelectOrAll
        {...{ label: "Kind", all: "All kinds", options: kinds, chosen: filters.kind, show: kindTitle }}
        choose={(kind) => change({ kind })}
      />
      <SelectOrAll
        {...{ label: "Label", all: "All labels", options: labels, chosen: filters.label }}
        choose={(label) => change({ label })}
        show={(label) => label.replace("=", ": ")}
      />
    </search>
  );
}

function DeviceRow({ device }: { device: Device }) {
  return (
    <tr data-state={device.state} data-testid="device-row" data-id={device.id}>
      <td>
        <Link href={`/sites/${device.site}/device/${device.id}`} className="device-link">
          <KindIcon kind={device.kind} />
          <span className="device-name">
            <span>{device.name}</span>
            <span className="id">{device.id}</span>
          </span>
        </Link>
      </td>
      <td>{kindTitle(device.kind)}</td>
      <td>
        <DeviceBadge state={device.state} />
      </td>
      <td>
        {device.worst !== null && <SeverityTag severity={device.worst} />}
        {device.incidents.length > 0 && <span className="muted"> {plural(device.incidents.length, "incident")}</span>}
      </td>
      <td className="label-tags">
        {labelsOf(device).map((label) => (
          <span key={label} className="tag">
            {label.replace("=", " ")}
          </span>
        ))}
      </td>
      <td className="cell-age">
        {device.lastReadingAt === null ? "never" : <Age at={device.lastReadingAt} suffix=" ago" />}
      </td>
    </tr>
  );
}
