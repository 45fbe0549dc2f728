import { useEffect } from "react";
import { Link } from "wouter";
import type { AgentDetail } from "../api/types.ts";
import { api, useLoad } from "../api/use-live.ts";
import { Age } from "../ui/age.tsx";
import { count, plural } from "../ui/format.ts";
import { LoadState } from "../ui/load-state.tsx";
import { movesAgents, Notes } from "./agents.tsx";
import { clockText, costText, outboxText, shareText } from "./notes.ts";
import "./agents.css";

/** More are in `aislewatch audit delivery --json`. */
const SPANS_SHOWN = 50;

export default function AgentPage({ site, id }: { site: string; id: string }) {
  const detail = useLoad(`agents/${site}/${id}`, () => api.agent(site, id), movesAgents);
  useEffect(() => {
    document.title = `${site}/${id} – Aislewatch`;
  }, [site, id]);
  if (detail.value === null) return <LoadState loaded={detail} what="the agent" />;
  const { agent, slowest, delivery } = detail.value;
  return (
    <div className="agents">
      <h1>
        {agent.siteName} <span className="panel-note id">{`${site}/${id}`}</span>
      </h1>
      <section className="panel" aria-label="How it is">
        <dl className="agent-facts">
          <dt>State</dt>
          <dd>{agent.online ? "Online" : <Age at={agent.lastSeenAt} suffix=" not heard from" />}</dd>
          <dt>Host</dt>
          <dd>{agent.host ?? "–"}</dd>
          <dt>Version</dt>
          <dd>{agent.version ?? "–"}</dd>
          <dt>Epoch</dt>
          <dd className="id">{agent.epoch ?? "–"}</dd>
          <dt>Outbox</dt>
          <dd>{outboxText(agent)}</dd>
          <dt>Owed</dt>
          <dd>{`${count(agent.owed.live)} live, ${count(agent.owed.history)} history`}</dd>
          <dt>Thinned</dt>
          <dd>{agent.thinnedSamples === 0 ? "nothing" : `${count(agent.thinnedSamples)} samples`}</dd>
          <dt>Clock</dt>
          <dd>
            {clockText(agent)}
            {agent.timesShiftedSeconds !== 0 && "; its times are shifted by as much"}
          </dd>
          <dt>Cost</dt>
          <dd>
            {agent.cost === null ? "–" : `${costText(agent)}, for ${plural(agent.devices, "device")}`}
            {agent.disk !== null && `; ${count(Math.round(agent.disk.freeBytes / 1e9))} GB free on its disk`}
          </dd>
        </dl>
        <Notes agent={agent} />
        <p>
          <Link href={`/sites/${site}/device/agent/${id}`}>Charts and incidents of this agent</Link>
        </p>
      </section>
      <Deliveries delivery={delivery} />
      {slowest.length > 0 && (
        <section className="panel" aria-label="Slowest devices">
          <h2>Slowest devices</h2>
          <table className="agent-table" aria-label="Slowest devices">
            <thead>
              <tr>
                <th scope="col">Device</th>
                <th scope="col">Last poll</th>
                <th scope="col">Every</th>
                <th scope="col">Share of the time</th>
              </tr>
            </thead>
            <tbody>
              {slowest.map(({ device, seconds, everySeconds }) => (
                <tr key={device}>
                  <th scope="row">
                    <Link href={`/sites/${site}/device/${device}`}>{device}</Link>
                  </th>
                  <td>{seconds.toFixed(3)} s</td>
                  <td>{everySeconds} s</td>
                  <td>{shareText(seconds, everySeconds)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}

function Deliveries({ delivery: { lanes, missing, thinned, unexplained } }: { delivery: AgentDetail["delivery"] }) {
  return (
    <section className="panel" aria-label="Deliveries" data-testid="deliveries">
      <h2>
        Deliveries{" "}
        <span className="panel-note">
          {unexplained === 0 ? "nothing is lost" : `${count(unexplained)} batches are missing and not explained`}
        </span>
      </h2>
      <table className="agent-table" aria-label="Deliveries by epoch and lane">
        <thead>
          <tr>
            {["Epoch", "Lane", "Up to", "Stored", "Late", "Thinned", "Queued", "Owed", "Missing"].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lanes.map((lane) => (
            <tr key={`${lane.epoch}/${lane.lane}`}>
              <th scope="row" className="id">
                {lane.epoch.slice(0, 8)}
              </th>
              <td>{lane.lane}</td>
              {[lane.seq, lane.batches, lane.late, lane.thinnedBatches, lane.queued, lane.owed, lane.missing].map(
                (figure, index) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: a figure's name is its column.
                  <td key={index}>{count(figure)}</td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
      <ul className="agent-spans">
        {missing.slice(-SPANS_SHOWN).map((span) => (
          <li key={`m${span.epoch}${span.lane}${span.fromSeq}`} data-tone={span.explanation === null ? "bad" : "quiet"}>
            Missing: {span.lane} {span.fromSeq}–{span.toSeq}, {span.reason}.{" "}
            {span.explanation === null ? "Not explained." : `${span.explanation.by}: ${span.explanation.text}`}
          </li>
        ))}
        {thinned.slice(-SPANS_SHOWN).map((span) => (
          <li key={`t${span.epoch}${span.lane}${span.fromSeq}`} data-tone="warn">
            Thinned: {span.lane} {span.fromSeq}–{span.toSeq}, {count(span.samples)} samples, {span.reason}.
          </li>
        ))}
      </ul>
    </section>
  );
}
