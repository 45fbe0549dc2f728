import type { IncidentEvent } from "../api/types.ts";
import { Age, SiteTime } from "../ui/age.tsx";
import { actorName } from "../ui/format.ts";
import { timelineItems } from "./timeline-items.ts";

/** Newest first: what just happened is what one came to read. */
export function Timeline({ events, timeZone }: { events: readonly IncidentEvent[]; timeZone: string | undefined }) {
  return (
    <section className="panel" aria-labelledby="timeline-title">
      <h2 id="timeline-title">Timeline</h2>
      <ol className="timeline" data-testid="timeline" reversed>
        {timelineItems(events).map(({ event, text }) => (
          <li key={event.seq} data-type={event.type} data-by={event.actor === "system" ? "system" : "person"}>
            <p className="timeline-text">{text}</p>
            <p className="timeline-when">
              <span className="timeline-who">{actorName(event.actor)}</span>
              <SiteTime at={event.at} timeZone={timeZone} />
              <Age at={event.at} suffix=" ago" />
              {event.recordedAt - event.at > LATE_MS && (
                <span>
                  written down <SiteTime at={event.recordedAt} timeZone={timeZone} />
                </span>
              )}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** An event that was written down this much later came from an agent that had been cut off. */
const LATE_MS = 60_000;
