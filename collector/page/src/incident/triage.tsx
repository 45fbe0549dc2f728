/** What the machine makes of an incident: what kind of trouble, why, what it is about, and what the past says. */
import { useEffect } from "react";
import { Link } from "wouter";
import type { Hardware, Triage } from "../api/types.ts";
import { api, type Loaded, useLoad } from "../api/use-live.ts";
import { expectedText, warrantyText } from "../handover/words.ts";
import { Age, SiteTime } from "../ui/age.tsx";
import { actorName, age, sentence } from "../ui/format.ts";
import "./triage.css";

/** What it hangs behind and what was found out since are in it: each event of its log may change what is likely. */
export function useTriage(id: string, version: number | undefined): Loaded<Triage> {
  const loaded = useLoad(`triage ${id}`, () => api.triage(id));
  const { reload } = loaded;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the incident moved on.
  useEffect(reload, [version, reload]);
  return loaded;
}

type TriageProps = { loaded: Loaded<Triage>; timeZone: string | undefined };

export function TriagePanel({ loaded, timeZone }: TriageProps) {
  const triage = loaded.value;
  if (triage === null) return loaded.failure === null ? null : <TriageFailed text={loaded.failure.message} />;
  return (
    <section className="panel triage" aria-labelledby="triage-title" data-testid="triage">
      <h2 id="triage-title">
        Triage{" "}
        <span className="panel-note">
          {sentence(triage.classification.is)}: {triage.classification.why}
        </span>
      </h2>
      <ol className="causes">
        {triage.causes.map((cause) => (
          <li key={cause.is} data-strength={cause.strength}>
            <p>
              <strong>{cause.text}</strong> <span className="tag">{sentence(cause.strength)}</span>
            </p>
            <ul>
              {cause.evidence.map((one) => (
                <li key={one.text}>
                  {one.text} {one.incident !== null && <IncidentId id={one.incident} />}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ol>
      <Past triage={triage} timeZone={timeZone} />
    </section>
  );
}

function TriageFailed({ text }: { text: string }) {
  return (
    <section className="panel" aria-labelledby="triage-title">
      <h2 id="triage-title">Triage</h2>
      <p className="muted">{text}</p>
    </section>
  );
}

const IncidentId = ({ id }: { id: string }) => (
  <Link className="id" href={`/incidents/${encodeURIComponent(id)}`}>
    {id}
  </Link>
);

const PLACES = { slot: "This slot", asset: "This asset", model: "Its model", site: "This site" } as const;

function Past({ triage, timeZone }: { triage: Triage; timeZone: string | undefined }) {
  const { recurrence, usual, resolved, similar } = triage;
  return (
    <>
      <h3 id="before-title">How often before</h3>
      <div className="recurrence-frame">
        <table className="recurrence" aria-labelledby="before-title">
          <thead>
            <tr>
              <th scope="col">In the last</th>
              <th scope="col">7 d</th>
              <th scope="col">30 d</th>
              <th scope="col">90 d</th>
              <th scope="col">Last</th>
            </tr>
          </thead>
          <tbody>
            {recurrence.map(({ of, times: [week = 0, month = 0, quarter = 0], isMore, lastAt }) => (
              <tr key={of}>
                <th scope="row">{PLACES[of]}</th>
                <td>{week}</td>
                <td>{month}</td>
                <td>
                  {quarter}
                  {isMore && " or more"}
                </td>
                <td>{lastAt === null ? "never" : <Age at={lastAt} suffix=" ago" />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {usual !== null && (
        <p data-tone={usual.verdict === "more_often" ? "warn" : undefined}>
          {usual.verdict === "more_often" ? "More often than usual" : "As often as usual"}: {usual.times} in{" "}
          {usual.days} days; the {usual.devices - 1} others of its model had {expectedText(usual.expected)}.
        </p>
      )}
      {resolved.length > 0 && (
        <>
          <h3>What helped</h3>
          <ul className="helped">
            {resolved.map(({ text }) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </>
      )}
      {similar.length > 0 && (
        <>
          <h3>Like it</h3>
          <ul className="similar" data-testid="similar">
            {similar.map((one) => (
              <SimilarOne key={one.incident} one={one} timeZone={timeZone} />
            ))}
          </ul>
        </>
      )}
    </>
  );
}

const RELATED = {
  slot: "same slot",
  asset: "same asset",
  model: "same model",
  site: "same site",
  category: "same kind",
} as const;

function SimilarOne({ one, timeZone }: { one: Triage["similar"][number]; timeZone: string | undefined }) {
  const { incident, by, title, openedAt, siteName, slot, site, code, resolvedBy, isOpen, tookMs } = one;
  const where = slot === null ? siteName : `${siteName}, ${slot.slice(site.length + 1)}`;
  return (
    <li>
      <span>
        <Link href={`/incidents/${encodeURIComponent(incident)}`}>
          {title} <span className="id">{incident}</span>
        </Link>{" "}
        <span className="tag">{RELATED[by]}</span>
      </span>
      <span className="similar-end">
        <SiteTime at={openedAt} timeZone={timeZone} /> {by !== "slot" && where}{" "}
        {isOpen ? "still open" : sentence(code ?? "ended")}
        {resolvedBy !== null && ` by ${actorName(resolvedBy)}`}
        {tookMs !== null && `, took ${age(tookMs)}`}
      </span>
    </li>
  );
}

/** What the books have of the hardware, and whom to call for it. */
export function Service({ hardware }: { hardware: Hardware | undefined }) {
  if (hardware === undefined) return null;
  const { model, serial, tag, purchased, warranty, service, replacedBy } = hardware;
  if (tag === null && purchased === null && warranty === null && service === null && replacedBy === null) return null;
  return (
    <section className="panel" aria-labelledby="service-title" data-testid="service">
      <h2 id="service-title">Service and warranty</h2>
      <dl className="pairs">
        {replacedBy !== null && (
          <Pair label="It was about" text={`${model ?? "the one"} with serial ${serial}, replaced since`} />
        )}
        {warranty !== null && (
          <div>
            <dt>Warranty</dt>
            <dd data-tone={warranty.state === "valid" ? undefined : "warn"}>{warrantyText(warranty)}</dd>
          </div>
        )}
        {tag !== null && <Pair label="Asset tag" text={tag} />}
        {purchased !== null && <Pair label="Purchased" text={purchased} />}
        {service !== null && <Pair label="Service" text={service.name} />}
        {service?.contract != null && <Pair label="Contract" text={service.contract} />}
        {service !== null && (
          <div>
            <dt>Reach them</dt>
            <dd className="service-ways">
              {service.phone !== null && <a href={`tel:${service.phone.replaceAll(/[^\d+]/g, "")}`}>{service.phone}</a>}
              {service.email !== null && <a href={`mailto:${service.email}`}>{service.email}</a>}
              {service.portal !== null && (
                <a href={service.portal} target="_blank" rel="noopener noreferrer">
                  Portal
                </a>
              )}
            </dd>
          </div>
        )}
      </dl>
    </section>
  );
}

const Pair = ({ label, text }: { label: string; text: string }) => (
  <div>
    <dt>{label}</dt>
    <dd>{text}</dd>
  </div>
);
