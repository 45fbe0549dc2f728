import { useEffect } from "react";
import { Link } from "wouter";
import type { Agent, StreamEvent } from "../api/types.ts";
import { api, useLoad } from "../api/use-live.ts";
import { Age } from "../ui/age.tsx";
import { count } from "../ui/format.ts";
import { LoadState } from "../ui/load-state.tsx";
import { clockText, costText, notesOf } from "./notes.ts";
import "./agents.css";

/** The collector looks at its agents every ten seconds, and their devices' values move then. */
export const movesAgents = (event: StreamEvent): boolean =>
  event.type === "agent" || (event.type === "values" && event.devices.some((device) => device.startsWith("agent/")));

export default function AgentsPage() {
  const agents = useLoad("agents", api.agents, movesAgents);
  useEffect(() => {
    document.title = "Agents – Aislewatch";
  }, []);
  if (agents.value === null) return <LoadState loaded={agents} what="agents" />;
  const sorted = agents.value.toSorted((a, b) => rank(a) - rank(b));
  return (
    <div className="agents">
      <h1>
        Agents <span className="panel-note">{count(agents.value.length)}</span>
      </h1>
      <p>
        <Link href="/sites/aislewatch/device/collector">The collector itself</Link>: its load, stores and disk
      </p>
      {sorted.length === 0 ? (
        <div className="empty">
          <h2>No agent yet</h2>
          <p>“aislewatch agents add SITE/AGENT” makes a password for one.</p>
        </div>
      ) : (
        <section className="panel" aria-label="All agents">
          <table className="agent-table" aria-label="Agents">
            <thead>
              <tr>
                <th scope="col">Agent</th>
                <th scope="col">Seen</th>
                <th scope="col">Version</th>
                <th scope="col">Devices</th>
                <th scope="col">Waiting</th>
                <th scope="col">Clock</th>
                <th scope="col">Cost</th>
                <th scope="col">Notes</th>
              </tr>
            </thead>
            <tbody>
              {sorted.map((agent) => (
                <Row key={`${agent.site}/${agent.id}`} agent={agent} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}

/** Who needs somebody comes first; the rest stays in its order. */
const RANK = { bad: 0, warn: 1, quiet: 2 } as const;
const rank = (agent: Agent): number => RANK[notesOf(agent)[0]?.tone ?? "quiet"];

function Row({ agent }: { agent: Agent }) {
  const { site, siteName, id, online, lastSeenAt, version, devices, outbox } = agent;
  return (
    <tr data-testid="agent-row" data-id={`${site}/${id}`} data-online={online}>
      <th scope="row">
        <Link href={`/agents/${site}/${id}`}>{siteName}</Link>
        <span className="id">
          {site}/{id}
        </span>
      </th>
      <td>{online ? "now" : <Age at={lastSeenAt} suffix=" ago" />}</td>
      <td>{version ?? "–"}</td>
      <td>{count(devices)}</td>
      <td>{outbox === null ? "–" : count(outbox.batches)}</td>
      <td>{clockText(agent)}</td>
      <td>{costText(agent)}</td>
      <td>
        <Notes agent={agent} />
      </td>
    </tr>
  );
}

export function Notes({ agent }: { agent: Agent }) {
  return (
    <ul className="agent-notes">
      {notesOf(agent).map(({ tone, text }) => (
        <li key={text} data-tone={tone}>
          {text}
        </li>
      ))}
    </ul>
  );
}
