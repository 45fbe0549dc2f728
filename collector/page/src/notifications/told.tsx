/** Who was told of an incident; and when nobody was, why. */
import { Link } from "wouter";
import type { Incident } from "../api/types.ts";
import { api, useLoad, useNow } from "../api/use-live.ts";
import { Age } from "../ui/age.tsx";
import { plural, timeText } from "../ui/format.ts";
import { eventText, stateText, type ToldOne } from "./words.ts";
import "./notifications.css";

export function WhoWasTold({ incident: { id } }: { incident: Incident }) {
  const { value } = useLoad(
    `told ${id}`,
    () => api.told(id),
    (event) =>
      event.type === "rules" ||
      (event.type === "incident" && event.incident.id === id) ||
      (event.type === "notifications" && (event.incidents === null || event.incidents.includes(id))),
  );
  if (value === null) return null;
  const { told, untold } = value;
  return (
    <section className="panel" aria-labelledby="told-title" data-testid="who-was-told">
      <h2 id="told-title">
        Who was told
        {told.length > 0 && (
          <Link className="panel-note" href={`/notifications?incident=${id}`}>
            Every attempt
          </Link>
        )}
      </h2>
      {told.length === 0 ? (
        <>
          <p>{untold.length === 0 ? "Nobody yet." : "Nobody, because:"}</p>
          <ul className="untold">
            {untold.map((why) => (
              <li key={why}>{why}</li>
            ))}
          </ul>
        </>
      ) : (
        <ol className="told">
          {told.map((one) => (
            <ToldRow key={`${one.notification} ${one.channel}`} one={one} />
          ))}
        </ol>
      )}
    </section>
  );
}

function ToldRow({ one }: { one: ToldOne }) {
  const now = useNow();
  const { channel, target, event, people, why, state, createdAt, doneAt, attempts, answer } = one;
  const isBad = state === "failed" || one.waits === "retry" || one.waits === "channel_down";
  return (
    <li data-testid="told" data-state={state} data-bad={isBad}>
      <span className="told-what">
        <strong>{eventText(event)}</strong> to {channel}
        {people.length > 0 && ` for ${people.join(", ")}`}
      </span>
      <span className="told-state">
        {stateText(one, (at) => `${at > now ? "not before " : "since "}${timeText(at, now)}`)}
        {state === "delivered" && doneAt !== null && (
          <>
            {" "}
            <Age at={doneAt} suffix=" ago" />
          </>
        )}
        {state === "waiting" && (
          <>
            , waiting for <Age at={createdAt} />
          </>
        )}
        {attempts > 1 && `, ${plural(attempts, "attempt")}`}
      </span>
      {target !== null && <span className="muted">{target}</span>}
      {why !== null && <span className="muted">Why: {why}</span>}
      {isBad && answer !== null && <span>{answer}</span>}
    </li>
  );
}
