/** By which channels people are told, how these are, and every attempt to deliver. */
import { type FormEvent, useEffect, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import type { Attempt, Channel, StreamEvent } from "../api/types.ts";
import { api, useLive, useLoad, useNow } from "../api/use-live.ts";
import { Age } from "../ui/age.tsx";
import { count, timeText } from "../ui/format.ts";
import { LoadState } from "../ui/load-state.tsx";
import {
  formatLogFilter,
  HEALTH_WORDS,
  healthOf,
  incidentIdOf,
  type LogFilter,
  NO_FILTER,
  OUTCOME_WORDS,
  OUTCOMES,
  parseLogFilter,
} from "./words.ts";
import "./notifications.css";

const moves = (event: StreamEvent): boolean => event.type === "notifications" || event.type === "rules";
const PAGE_SIZE = 50;

export default function NotificationsPage() {
  const channels = useLoad("channels", api.channels, moves);
  useEffect(() => {
    document.title = "Notifications – Aislewatch";
  }, []);
  if (channels.value === null) return <LoadState loaded={channels} what="channels" />;
  return (
    <div className="notifications">
      <h1>Notifications</h1>
      <section className="panel" aria-label="Channels">
        <h2>Channels</h2>
        {channels.value.length === 0 ? (
          <p className="muted">No channel is set up: nobody is told but who looks at this page.</p>
        ) : (
          <ul className="channels">
            {channels.value.map((channel) => (
              <ChannelRow key={channel.name} channel={channel} onTested={channels.reload} />
            ))}
          </ul>
        )}
      </section>
      <DeliveryLog names={channels.value.map(({ name }) => name)} />
    </div>
  );
}

function ChannelRow({ channel, onTested }: { channel: Channel; onTested: () => void }) {
  const me = useLive((state) => state.me);
  const { name, kind, target, waiting, oldestAt, deliveredAt, failingSince, failure } = channel;
  const health = healthOf(channel);
  return (
    <li data-testid="channel" data-id={name} data-health={health}>
      <div className="channel-name">
        <h3>{name}</h3>
        <span className="channel-health">{HEALTH_WORDS[health]}</span>
      </div>
      <p className="muted">
        {kind === "email" ? "E-mail to" : "Webhook to"} {target}
      </p>
      <dl className="channel-facts">
        <div>
          <dt>Waiting</dt>
          <dd>
            {count(waiting)}
            {oldestAt !== null && (
              <>
                , for <Age at={oldestAt} />
              </>
            )}
          </dd>
        </div>
        <div>
          <dt>Last delivered</dt>
          <dd>{deliveredAt === null ? "never" : <Age at={deliveredAt} suffix=" ago" />}</dd>
        </div>
        {failure !== null && (
          <div data-tone="bad">
            <dt>{failingSince === null ? "Failed" : "Failing since"}</dt>
            <dd>
              <Age at={failingSince ?? failure.at} suffix=" ago" />: {failure.detail}
            </dd>
          </div>
        )}
      </dl>
      {me?.role === "admin" && <TestButton name={name} onTested={onTested} />}
    </li>
  );
}

/** The answer stands beside the button until the next test: whoever set up a channel reads it there. */
function TestButton({ name, onTested }: { name: string; onTested: () => void }) {
  const [answer, setAnswer] = useState<{ readonly text: string; readonly isGood: boolean } | null>(null);
  const [isBusy, setBusy] = useState(false);
  async function test(): Promise<void> {
    setBusy(true);
    setAnswer({ text: "Sending…", isGood: true });
    const tried = await api.testChannel(name);
    setBusy(false);
    if (!tried.ok) setAnswer({ text: tried.error.message, isGood: false });
    else {
      const { outcome, durationMs, detail } = tried.value;
      const isGood = outcome === "delivered";
      setAnswer({ text: `${isGood ? "Taken" : "Not taken"} after ${durationMs} ms: ${detail}`, isGood });
    }
    onTested();
  }
  return (
    <div className="channel-test">
      <button type="button" aria-label={`Test ${name}`} aria-disabled={isBusy} onClick={() => !isBusy && void test()}>
        Test
      </button>
      <output data-testid="test-answer" data-good={answer?.isGood ?? true}>
        {answer?.text}
      </output>
    </div>
  );
}

function DeliveryLog({ names }: { names: readonly string[] }) {
  const search = useSearch();
  const [, navigate] = useLocation();
  const filter = parseLogFilter(search);
  const asked = formatLogFilter(filter);
  /** `before` of each page that was turned to; the last is shown. */
  const [pages, setPages] = useState<{ readonly of: string; readonly before: readonly number[] }>({
    of: asked,
    before: [],
  });
  const before = pages.of === asked ? pages.before : [];
  const at = before.at(-1);
  const log = useLoad(
    `log ${asked} ${at ?? ""}`,
    () =>
      api.notificationLog({
        limit: PAGE_SIZE,
        ...(filter.channel !== "" && { channel: filter.channel }),
        ...(filter.outcome !== "" && { outcome: filter.outcome }),
        ...(filter.incident !== "" && { incident: filter.incident }),
        ...(at !== undefined && { before: at }),
      }),
    moves,
  );
  function choose(change: Partial<LogFilter>): void {
    const query = formatLogFilter({ ...filter, ...change });
    navigate(query === "" ? "/notifications" : `/notifications?${query}`, { replace: true });
  }
  const next = log.value?.next ?? null;
  return (
    <section className="panel" aria-labelledby="log-title">
      <h2 id="log-title">Delivery log</h2>
      <LogFilters key={filter.incident} filter={filter} names={names} onChoose={choose} />
      {log.value === null ? (
        <LoadState loaded={log} what="the log" />
      ) : log.value.items.length === 0 ? (
        <p className="muted">{asked === "" ? "Nothing was sent yet." : "Nothing of that was sent."}</p>
      ) : (
        <LogTable items={log.value.items} />
      )}
      <div className="log-pages">
        {before.length > 0 && (
          <button type="button" onClick={() => setPages({ of: asked, before: before.slice(0, -1) })}>
            Newer
          </button>
        )}
        {next !== null && (
          <button type="button" onClick={() => setPages({ of: asked, before: [...before, next] })}>
            Older
          </button>
        )}
      </div>
    </section>
  );
}

type FiltersProps = {
  readonly filter: LogFilter;
  readonly names: readonly string[];
  readonly onChoose: (change: Partial<LogFilter>) => void;
};

function LogFilters({ filter, names, onChoose }: FiltersProps) {
  const [incident, setIncident] = useState(filter.incident);
  const known = names.includes(filter.channel) || filter.channel === "" ? names : [...names, filter.channel];
  function submit(event: FormEvent): void {
    event.preventDefault();
    onChoose({ incident: incident.trim() === "" ? "" : incidentIdOf(incident) });
  }
  return (
    <form className="log-filters" onSubmit={submit} aria-label="Filter the log">
      <label>
        Channel
        <select
          data-testid="log-channel"
          value={filter.channel}
          onChange={({ target }) => onChoose({ channel: target.value })}
        >
          <option value="">all</option>
          {known.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        Outcome
        <select
          data-testid="log-outcome"
          value={filter.outcome}
          onChange={({ target }) => onChoose({ outcome: OUTCOMES.find((one) => one === target.value) ?? "" })}
        >
          <option value="">all</option>
          {OUTCOMES.map((outcome) => (
            <option key={outcome} value={outcome}>
              {OUTCOME_WORDS[outcome]}
            </option>
          ))}
        </select>
      </label>
      <label>
        Incident
        <input
          data-testid="log-incident"
          value={incident}
          placeholder="INC-000017"
          onChange={({ target }) => setIncident(target.value)}
        />
      </label>
      <button type="submit">Show</button>
      {formatLogFilter(filter) !== "" && (
        <button type="button" className="quiet" onClick={() => onChoose(NO_FILTER)}>
          Show all
        </button>
      )}
    </form>
  );
}

function LogTable({ items }: { items: readonly Attempt[] }) {
  const now = useNow();
  return (
    <table className="card-table" aria-label="Attempts to deliver">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Channel</th>
          <th scope="col">Incident</th>
          <th scope="col">Outcome</th>
          <th scope="col">Answer</th>
          <th scope="col">Took</th>
        </tr>
      </thead>
      <tbody>
        {items.map(({ notification, channel, incident, at, durationMs, outcome, detail }) => (
          <tr key={`${notification} ${channel} ${at}`} data-testid="attempt" data-outcome={outcome}>
            <td data-label="When">
              <time dateTime={new Date(at).toISOString()}>{timeText(at, now)}</time>
            </td>
            <td data-label="Channel">{channel}</td>
            <td data-label="Incident">
              {incident === "" ? "a test" : <Link href={`/incidents/${incident}`}>{incident}</Link>}
            </td>
            <td data-label="Outcome" className="attempt-outcome">
              {OUTCOME_WORDS[outcome]}
            </td>
            <td data-label="Answer">{detail}</td>
            <td data-label="Took">{count(durationMs)} ms</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
