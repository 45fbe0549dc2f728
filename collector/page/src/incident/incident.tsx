import { type ReactNode, useEffect, useMemo } from "react";
import { Link, useLocation } from "wouter";
import { type Incident, type IncidentDetail, isOpen, type Site } from "../api/types.ts";
import { api, useLive, useLoad } from "../api/use-live.ts";
import { WhoWasTold } from "../notifications/told.tsx";
import { WhyIncident } from "../rules/why.tsx";
import { Age, SiteTime } from "../ui/age.tsx";
import { AssetPanel } from "../ui/asset-panel.tsx";
import { PriorityBadge, SeverityTag, StateBadge } from "../ui/badges.tsx";
import { Chart, type Marker } from "../ui/chart.tsx";
import { actorName, measure, metricTitle, plural, sentence, unitOf } from "../ui/format.ts";
import { KindIcon } from "../ui/kind-icon.tsx";
import { LoadState } from "../ui/load-state.tsx";
import { useShortcuts } from "../ui/shortcuts.ts";
import { ActionBar } from "./action-bar.tsx";
import { holdReasonText, tierTitle } from "./actions.ts";
import { Above, Below } from "./below.tsx";
import { IncidentLinks } from "./incident-links.tsx";
import { OnsetEvents } from "./onset-events.tsx";
import { acknowledge } from "./perform.ts";
import { Runbook } from "./runbook.tsx";
import { Escalation, ServiceLevel } from "./standing.tsx";
import { Timeline } from "./timeline.tsx";
import { Service, TriagePanel, useTriage } from "./triage.tsx";
import "./incident.css";

/** While the fault stands the chart's window moves on, and the collector says how far. */
const RELOAD_EVERY_MS = 15_000;

export default function IncidentPage({ id }: { id: string }) {
  const loaded = useLoad(
    `incident ${id}`,
    () => api.incident(id),
    // Hours and terms that were edited make other clocks.
    (event) => event.type === "rules" || (event.type === "incident" && event.incident.id === id),
  );
  const sites = useLoad("sites", api.sites);
  const pushed = useLive((state) => state.incidents.entries.get(id)?.incident);
  const detail = loaded.value;
  const { reload } = loaded;

  // The stream is faster than the request for the detail, and an action's answer is put there, too.
  const incident = newest(detail?.incident, pushed);
  const behind = detail !== null && incident !== undefined && incident.version > detail.incident.version;
  useEffect(() => {
    if (behind) reload();
  }, [behind, reload]);
  const goesOn = incident !== undefined && isOpen(incident) && incident.recoveredAt === null;
  useEffect(() => {
    if (!goesOn) return;
    const timer = setInterval(reload, RELOAD_EVERY_MS);
    return () => clearInterval(timer);
  }, [goesOn, reload]);
  useEffect(() => {
    if (incident !== undefined) document.title = `${incident.id} ${incident.title} – Aislewatch`;
  }, [incident]);
  const triage = useTriage(id, incident?.version);
  const [, navigate] = useLocation();
  useShortcuts({
    a: () => incident !== undefined && void acknowledge(incident),
    h: () => navigate(`/incidents/${encodeURIComponent(id)}/handover`),
  });

  if (detail === null || incident === undefined) return <LoadState loaded={loaded} what={id} />;
  const site = sites.value?.find((each) => each.id === incident.subject.site);
  return (
    <article className="incident" data-priority={incident.priority}>
      <IncidentHeader incident={incident} work={detail.work} site={site} />
      <div className="incident-main">
        <ActionBar incident={incident} onDone={reload} />
        {detail.chart !== null && <OnsetChart incident={incident} chart={detail.chart} timeZone={site?.timeZone} />}
        {incident.fleet === null && <WhyIncident incident={incident} />}
        <TriagePanel loaded={triage} timeZone={site?.timeZone} />
        <Timeline events={detail.events} timeZone={site?.timeZone} />
      </div>
      <aside className="incident-side" aria-label="What is known">
        <Above incident={incident} parent={detail.parent} />
        <Below of={detail.children} />
        <ServiceLevel {...detail} incident={incident} timeZone={site?.timeZone} onDone={reload} />
        <Escalation incident={incident} escalation={detail.escalation} onDone={reload} />
        <WhoWasTold incident={incident} />
        {detail.runbook !== null && (
          <Runbook
            key={incident.id}
            {...{ incident, events: detail.events, timeZone: site?.timeZone, onDone: reload }}
            {...detail.runbook}
          />
        )}
        <ToldValues incident={incident} />
        {incident.subject.device !== null && <OnsetEvents incident={incident} device={incident.subject.device} />}
        <AssetPanel asset={detail.asset} />
        <Service hardware={triage.value?.hardware} />
        <Contacts contacts={detail.contacts} />
        <IncidentLinks title="Merged into this" incidents={detail.absorbed} />
        <IncidentLinks
          title="Suppresses"
          incidents={detail.suppresses.filter((other) => other.parent !== incident.id)}
        />
        <IncidentLinks title="Earlier on this slot" incidents={detail.earlier} />
      </aside>
    </article>
  );
}

/** Whom to call there, in the order of asking; who can't be reached now steps back. */
function Contacts({ contacts }: { contacts: IncidentDetail["contacts"] }) {
  if (contacts.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="contacts-title">
      <h2 id="contacts-title">Whom to call there</h2>
      <ul className="contacts" data-testid="contacts">
        {contacts.map(({ name, role, phone, email, reachable }) => (
          <li key={`${name} ${role}`} data-reachable={reachable}>
            <strong>{name}</strong> {role}
            {!reachable && <span className="tag">Not now</span>}
            <span className="contact-ways">
              {phone !== null && <a href={`tel:${phone.replaceAll(/[^\d+]/g, "")}`}>{phone}</a>}
              {email !== null && <a href={`mailto:${email}`}>{email}</a>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function newest(a: Incident | undefined, b: Incident | undefined): Incident | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.version > a.version ? b : a;
}

type HeaderProps = { incident: Incident; work: IncidentDetail["work"]; site: Site | undefined };

function IncidentHeader({ incident, work, site }: HeaderProps) {
  const { subject } = incident;
  return (
    <header className="incident-header">
      <PriorityBadge priority={incident.priority} large />
      <div className="incident-title">
        <p className="crumbs">
          <Link href="/">Incidents</Link> <span className="id">{incident.id}</span>
        </p>
        <h1>{incident.title}</h1>
        <p className="incident-where">
          <KindIcon kind={incident.kind} />
          {subject.device !== null && (
            <Link href={`/sites/${subject.site}/device/${subject.device}`}>
              {incident.deviceName ?? subject.device} <span className="id">{subject.device}</span>
            </Link>
          )}
          {subject.component !== null && <span className="id">{subject.component}</span>}
          {incident.fleet === null ? (
            <span>
              at <Link href={`/sites/${subject.site}`}>{incident.siteName}</Link>{" "}
              <span className="id">{subject.site}</span>
            </span>
          ) : (
            <span>at {plural(incident.fleet.sites, "site")} when it was opened; they are listed below it</span>
          )}
        </p>
        <p className="incident-why">
          Why {incident.priority}: {incident.priorityWhy}
        </p>
        <p>
          <Link href={`/incidents/${encodeURIComponent(incident.id)}/handover`} data-testid="hand-over">
            Hand-over for the field
          </Link>
        </p>
      </div>
      <dl className="incident-facts">
        <Fact label="State">
          <StateBadge state={incident.state} />
        </Fact>
        <Fact label="Since onset">
          <strong className="incident-age">
            <Age at={incident.onset} exact />
          </strong>
          <SiteTime at={incident.onset} timeZone={site?.timeZone} />
        </Fact>
        <Fact label="Assigned to">
          {incident.assignee === null ? (incident.group ?? "nobody") : actorName(incident.assignee)}
          <span className="id">
            {incident.assignee !== null && incident.group !== null && `${incident.group}, `}tier {incident.tier}{" "}
            {tierTitle(incident.tier)}
          </span>
        </Fact>
        <Fact label="Severity">
          <SeverityTag severity={incident.severity} /> {sentence(incident.category)}
        </Fact>
      </dl>
      <Facts incident={incident} work={work} />
    </header>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** What changes how the incident is to be read, in sentences. */
function Facts({ incident, work }: { incident: Incident; work: IncidentDetail["work"] }) {
  const by = incident.suppressedBy;
  return (
    <ul className="incident-flags">
      {incident.recoveredAt !== null && incident.state !== "resolved" && incident.state !== "closed" && (
        <li data-tone="good">
          The fault recovered <Age at={incident.recoveredAt} suffix=" ago" />; the incident stays open for review.
        </li>
      )}
      {by !== null && (
        <li>
          {by.startsWith("rule:")
            ? `Part of a wider fault (${by.slice("rule:".length)}). It pages nobody until that is over.`
            : `Suppressed: what it depends on is down (${by}). It pages nobody until that recovers.`}
        </li>
      )}
      {incident.maintenance !== null && (
        <li>In maintenance ({incident.maintenance}). It pages nobody until some minutes after its end.</li>
      )}
      {incident.inactiveHours && <li>Outside the hours of its rule. It pages nobody until they begin.</li>}
      {incident.flapping && <li>Flapping: it comes and goes, and is one fault until it was quiet for a while.</li>}
      {incident.stale && <li data-tone="warn">Stale: there has been no fresh reading, so this may have changed.</li>}
      {incident.retroactive && (
        <li>
          Found afterwards: it came and went while the agent could not be reached. Nobody was called; the times are the
          true ones.
        </li>
      )}
      {incident.recurrences > 0 && (
        <li data-tone="warn">Came back {plural(incident.recurrences, "time")} after it had recovered.</li>
      )}
      {incident.mergedInto !== null && (
        <li>
          Merged into <Link href={`/incidents/${incident.mergedInto}`}>{incident.mergedInto}</Link>: people work on that
          one.
        </li>
      )}
      {incident.review !== null && (
        <li data-tone="warn" data-testid="for-review">
          For review: it cured itself {plural(incident.review.times, "time")} in{" "}
          {plural(Math.round(incident.review.withinMs / 86_400_000), "day")}. It stays open until somebody found out
          why.
        </li>
      )}
      {work.ackExpired !== null && incident.state === "new" && (
        <li data-tone="warn">
          {work.ackExpired.by === null ? "It was" : `${actorName(work.ackExpired.by)} had it`} acknowledged, until{" "}
          <Age at={work.ackExpired.at} suffix=" ago" /> {EXPIRED[work.ackExpired.why]}.
        </li>
      )}
      {work.isPriorityPinned && <li>A person set the priority; what the collector finds does not change it.</li>}
      {work.vendor !== null && (
        <li>
          At {work.vendor.vendor}: <span className="id">{work.vendor.ref}</span>
        </li>
      )}
      {work.followUp !== null && <li data-tone="warn">Still to do: {work.followUp}</li>}
      {incident.holdReason !== null && (
        <li>
          On hold: it {holdReasonText(incident.holdReason)}
          {work.holdText !== null && ` (${work.holdText})`}.
        </li>
      )}
    </ul>
  );
}

const EXPIRED = {
  timeout: "nobody had begun to work",
  severity: "the fault got worse",
  scope: "more hung on it",
} as const satisfies Record<NonNullable<IncidentDetail["work"]["ackExpired"]>["why"], string>;

type OnsetChartProps = {
  incident: Incident;
  chart: NonNullable<IncidentDetail["chart"]>;
  timeZone: string | undefined;
};

const CHART_POINTS = 400;

function OnsetChart({ incident, chart, timeZone }: OnsetChartProps) {
  const { metric, component, from, to, threshold } = chart;
  const device = incident.subject.device ?? "";
  const series = useLoad(`series ${incident.id} ${metric}`, () =>
    api.series(incident.subject.site, {
      device,
      metric,
      from,
      to,
      points: CHART_POINTS,
      ...(component !== null && { component }),
    }),
  );
  const { reload } = series;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the window moved on, so there is something new to fetch.
  useEffect(reload, [to, reload]);
  const { onset, recoveredAt } = incident;
  const markers = useMemo((): Marker[] => {
    const recovery = recoveredAt === null ? [] : [{ at: recoveredAt, label: "recovered", bad: false }];
    return [{ at: onset, label: "onset", bad: true }, ...recovery];
  }, [onset, recoveredAt]);
  const title = metricTitle(metric);
  return (
    <section className="panel" aria-labelledby="chart-title">
      <h2 id="chart-title">
        {title} {component !== null && <span className="id">{component}</span>}
        <span className="panel-note">around the onset</span>
      </h2>
      {series.value === null ? (
        <div className="chart-wait">
          <LoadState loaded={series} what="readings" />
        </div>
      ) : (
        <Chart series={series.value} {...{ title, from, to, threshold, markers, timeZone }} />
      )}
    </section>
  );
}

function ToldValues({ incident }: { incident: Incident }) {
  const values = Object.entries(incident.values);
  if (values.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="values-title">
      <h2 id="values-title">Values at {incident.recoveredAt === null ? "its last change" : "its recovery"}</h2>
      <dl className="pairs">
        {values.map(([metric, value]) => (
          <div key={metric}>
            <dt title={metric}>{metricTitle(metric)}</dt>
            <dd>{measure(value, unitOf(metric))}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
