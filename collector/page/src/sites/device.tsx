import { type ReactNode, useEffect, useMemo } from "react";
import { Link, useLocation, useSearch } from "wouter";
import type { DeviceDetail, DeviceEvent, MetricValue } from "../api/types.ts";
import { api, useLoad, useNow } from "../api/use-live.ts";
import { WhyDevice } from "../rules/why.tsx";
import { Age } from "../ui/age.tsx";
import { AssetPanel } from "../ui/asset-panel.tsx";
import { DeviceBadge, SeverityTag } from "../ui/badges.tsx";
import { Chart } from "../ui/chart.tsx";
import { EventList } from "../ui/event-list.tsx";
import { Segments } from "../ui/filter-fields.tsx";
import { measure, metricTitle, sentence } from "../ui/format.ts";
import { KindIcon } from "../ui/kind-icon.tsx";
import { kindTitle } from "../ui/kinds.ts";
import { LoadState } from "../ui/load-state.tsx";
import {
  chartable,
  type Family,
  groupValues,
  isBad,
  isRange,
  RANGES,
  type Range,
  takeFamilies,
  type ValueGroup,
} from "./values.ts";
import "./sites.css";

export default function DevicePage({ siteId, deviceId }: { siteId: string; deviceId: string }) {
  const detail = useLoad(
    `device ${siteId} ${deviceId}`,
    () => api.device(siteId, deviceId),
    (event) =>
      (event.type === "values" && event.site === siteId && event.devices.includes(deviceId)) ||
      (event.type === "device" && event.site === siteId && event.device === deviceId) ||
      (event.type === "incident" &&
        event.incident.subject.site === siteId &&
        event.incident.subject.device === deviceId),
  );
  const name = detail.value?.device.name;
  useEffect(() => {
    document.title = `${name ?? deviceId} – Aislewatch`;
  }, [name, deviceId]);
  if (detail.value === null) return <LoadState loaded={detail} what={deviceId} />;
  return (
    <div className="device">
      <DeviceHeader detail={detail.value} />
      <div className="device-main">
        <Values values={detail.value.values} />
        <WhyDevice
          site={siteId}
          device={deviceId}
          components={componentsOf(detail.value)}
          firing={detail.value.faults.map(({ rule }) => rule)}
        />
        <Charts detail={detail.value} />
      </div>
      <aside className="device-side" aria-label="About the device">
        <Faults detail={detail.value} />
        <Events events={detail.value.events} />
        <Neighbours detail={detail.value} />
        <AssetPanel asset={detail.value.device.asset} />
        <Polling detail={detail.value} />
      </aside>
    </div>
  );
}

const componentsOf = ({ values }: DeviceDetail): string[] => [
  ...new Set(values.flatMap(({ component }) => component ?? [])),
];

function DeviceHeader({ detail: { device } }: { detail: DeviceDetail }) {
  return (
    <header className="page-header">
      <p className="crumbs">
        <Link href="/sites">Sites</Link> <Link href={`/sites/${device.site}`}>{device.site}</Link>{" "}
        <span className="id">{device.id}</span>
      </p>
      <h1>
        <KindIcon kind={device.kind} />
        {device.name}
        <DeviceBadge state={device.state} />
      </h1>
      <p className="page-facts">
        <span>{kindTitle(device.kind)}</span>
        {device.lastReadingAt !== null && (
          <span>
            Last reading <Age at={device.lastReadingAt} suffix=" ago" />
          </span>
        )}
        {Object.entries(device.labels).map(([name, value]) => (
          <Link
            key={name}
            className="tag"
            href={`/sites/${device.site}?label=${encodeURIComponent(`${name}=${value}`)}`}
          >
            {name} {value}
          </Link>
        ))}
      </p>
    </header>
  );
}

function Values({ values }: { values: readonly MetricValue[] }) {
  const { single, families } = useMemo(() => takeFamilies(groupValues(values)), [values]);
  if (values.length === 0) {
    return <p className="panel">No reading has come in yet.</p>;
  }
  return (
    <>
      {single.length > 0 && <ValueList groups={single} />}
      {families.map((family) => (
        <FamilyTable key={family.name} family={family} />
      ))}
    </>
  );
}

function ValueList({ groups }: { groups: readonly ValueGroup[] }) {
  return (
    <section className="panel" aria-labelledby="values-title">
      <h2 id="values-title">Live values</h2>
      <table className="values" data-testid="device-values" aria-labelledby="values-title">
        <thead className="visually-hidden">
          <tr>
            <th scope="col">Metric</th>
            <th scope="col">Value</th>
            <th scope="col">Age</th>
          </tr>
        </thead>
        {groups.map((group) => (
          <tbody key={group.component ?? ""}>
            {group.component !== null && (
              <tr className="values-component">
                <th scope="rowgroup" colSpan={3}>
                  {group.component}
                </th>
              </tr>
            )}
            {group.values.map((value) => (
              <ValueRow key={value.metric} value={value} />
            ))}
          </tbody>
        ))}
      </table>
    </section>
  );
}

const FAMILY_TITLES: Readonly<Record<string, string>> = {
  disk: "Disks",
  port: "Ports",
  process: "Processes",
  supply: "Supplies",
  tray: "Trays",
  outlet: "Outlets",
};

function FamilyTable({ family: { name, metrics, members } }: { family: Family }) {
  return (
    <section className="panel" aria-labelledby={`family-${name}`}>
      <h2 id={`family-${name}`}>{FAMILY_TITLES[name] ?? sentence(name)}</h2>
      {/* Scrolls sideways where the window is narrow, and then has to be reached by Tab. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must take the focus. */}
      <section className="family-scroll" aria-label={`${FAMILY_TITLES[name] ?? name}, values`} tabIndex={0}>
        <table className="family" aria-labelledby={`family-${name}`}>
          <thead>
            <tr>
              <th scope="col">Name</th>
              {metrics.map((metric) => (
                <th key={metric.name} scope="col" title={metric.meaning}>
                  {metricTitle(metric.name.replace(`${name}_`, ""))}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {members.map(({ component, values }) => (
              <tr key={component}>
                <th scope="row" className="id">
                  {component}
                </th>
                {metrics.map((metric) => (
                  <FamilyCell key={metric.name} value={values.get(metric.name)} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function FamilyCell({ value }: { value: MetricValue | undefined }) {
  if (value === undefined) return <td className="muted">–</td>;
  const bad = isBad(value);
  return (
    <td data-metric={value.metric} data-bad={bad} data-stale={value.stale} title={value.stale ? "stale" : undefined}>
      {measure(value.value, value.unit)}
      {bad && <span className="visually-hidden"> (bad)</span>}
    </td>
  );
}

function ValueRow({ value }: { value: MetricValue }) {
  const bad = isBad(value);
  return (
    <tr data-bad={bad} data-stale={value.stale} data-metric={value.metric}>
      <th scope="row">
        <div className="metric">
          <span>{metricTitle(value.metric)}</span>
          <span className="meaning">{value.meaning}</span>
        </div>
      </th>
      <td className="value">
        {bad && <span aria-hidden="true">▲ </span>}
        {measure(value.value, value.unit)}
        {bad && <span className="visually-hidden"> (bad)</span>}
      </td>
      <td className="cell-age">
        {value.stale && "stale "}
        <Age at={value.at} />
      </td>
    </tr>
  );
}

/** Ranges that end now move on by themselves, in steps that keep the request cacheable and the chart calm. */
const STEPS_PER_RANGE = 120;
const CHART_POINTS = 300;

function Charts({ detail }: { detail: DeviceDetail }) {
  const [path, navigate] = useLocation();
  const query = new URLSearchParams(useSearch());
  const asked = query.get("range") ?? "";
  const range: Range = isRange(asked) ? asked : "1h";
  const components = useMemo(() => groupValues(detail.values).map((group) => group.component), [detail.values]);
  const component = components.find((each) => each === query.get("component")) ?? components[0] ?? null;
  const metrics = useMemo(() => chartable(detail.values, component), [detail.values, component]);
  const now = useNow();
  const stepMs = Math.max(5_000, RANGES[range] / STEPS_PER_RANGE);
  const to = Math.ceil(now / stepMs) * stepMs;

  function change(name: string, value: string): void {
    query.set(name, value);
    navigate(`${path}?${query}`, { replace: true });
  }

  if (components.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="charts-title">
      <div className="charts-bar">
        <h2 id="charts-title">History</h2>
        <Segments
          label="Time range"
          options={Object.keys(RANGES)}
          chosen={range}
          choose={(each) => change("range", each)}
          show={(each) => each}
        />
        {components.length > 1 && (
          <label>
            <span className="visually-hidden">Component</span>
            <select value={component ?? ""} onChange={(event) => change("component", event.target.value)}>
              {components.map((each) => (
                <option key={each ?? ""} value={each ?? ""}>
                  {each ?? "Device itself"}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      {metrics.length === 0 && <p className="muted">It reports no numbers, only states.</p>}
      <div className="charts">
        {metrics.map((metric) => (
          <MetricChart
            key={`${component} ${metric}`}
            site={detail.device.site}
            device={detail.device.id}
            component={component}
            metric={metric}
            from={to - RANGES[range]}
            to={to}
          />
        ))}
      </div>
    </section>
  );
}

type MetricChartProps = {
  site: string;
  device: string;
  component: string | null;
  metric: string;
  from: number;
  to: number;
};

function MetricChart({ site, device, component, metric, from, to }: MetricChartProps) {
  const loaded = useLoad(`series ${site} ${device} ${component} ${metric} ${to - from}`, () =>
    api.series(site, { device, metric, from, to, points: CHART_POINTS, ...(component !== null && { component }) }),
  );
  const { reload } = loaded;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the window moved on, so there is something new to fetch.
  useEffect(reload, [to, reload]);
  const title = metricTitle(metric);
  return (
    <div className="metric-chart">
      <h3>{title}</h3>
      {loaded.value === null ? (
        <div className="chart-wait" data-small="true">
          <LoadState loaded={loaded} what="readings" />
        </div>
      ) : (
        <Chart series={loaded.value} title={title} from={from} to={to} height={150} />
      )}
    </div>
  );
}

function Panel({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="panel">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Faults({ detail: { faults, device } }: { detail: DeviceDetail }) {
  const active = faults.filter((fault) => fault.state !== "inactive");
  return (
    <Panel title="Faults">
      {active.length === 0 && <p className="muted">None now.</p>}
      <ul className="faults">
        {active.map((fault) => (
          <li key={`${fault.rule} ${fault.component}`}>
            <span className="fault-rule">
              {fault.rule}
              {fault.component !== null && <span className="id"> {fault.component}</span>}
            </span>
            <span className="fault-state" data-state={fault.state}>
              {fault.state} <Age at={fault.since} />
            </span>
            {fault.severity !== null && <SeverityTag severity={fault.severity} />}
            {fault.suppressedBy !== null && <span className="tag">behind {fault.suppressedBy}</span>}
            {fault.flapping && <span className="tag">flapping</span>}
            {fault.maintenance !== null && <span className="tag">maintenance: {fault.maintenance}</span>}
            {fault.inactiveHours && <span className="tag">off hours</span>}
            {fault.stale && <span className="tag tag-stale">stale</span>}
          </li>
        ))}
      </ul>
      {device.incidents.length > 0 && (
        <p className="fault-incidents">
          {device.incidents.map((id) => (
            <Link key={id} href={`/incidents/${encodeURIComponent(id)}`}>
              {id}
            </Link>
          ))}
        </p>
      )}
    </Panel>
  );
}

function Events({ events }: { events: readonly DeviceEvent[] }) {
  if (events.length === 0) return null;
  return (
    <Panel title="Events">
      <EventList events={events} />
    </Panel>
  );
}

function Neighbours({ detail: { device, dependents } }: { detail: DeviceDetail }) {
  if (device.dependsOn.length === 0 && dependents.length === 0) return null;
  return (
    <Panel title="Depends">
      <DeviceLinks title="On" site={device.site} ids={device.dependsOn} />
      <DeviceLinks title="On it" site={device.site} ids={dependents} />
    </Panel>
  );
}

function DeviceLinks({ title, site, ids }: { title: string; site: string; ids: readonly string[] }) {
  if (ids.length === 0) return null;
  return (
    <div className="device-links">
      <h3>{title}</h3>
      <ul>
        {ids.map((id) => (
          <li key={id}>
            <Link href={`/sites/${site}/device/${id}`}>{id}</Link>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Polling({ detail: { device } }: { detail: DeviceDetail }) {
  const failure = device.lastFailure;
  const facts = [
    { title: "Driver", text: device.driver },
    { title: "Profile", text: device.profile },
    { title: "Address", text: device.address },
    { title: "Agent", text: device.agent },
    { title: "Every", text: measure(device.intervalMs / 1000, "s") },
  ];
  return (
    <Panel title="Polling">
      <dl className="pairs">
        {facts.map(
          ({ title, text }) =>
            text !== null && (
              <div key={title}>
                <dt>{title}</dt>
                <dd className="id">{text}</dd>
              </div>
            ),
        )}
      </dl>
      {failure !== null && (
        <p className="last-failure">
          Last failure <Age at={failure.at} suffix=" ago" />: <strong>{failure.kind}</strong> {failure.detail}
        </p>
      )}
    </Panel>
  );
}
