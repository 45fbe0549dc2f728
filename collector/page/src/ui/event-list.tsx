import type { DeviceEvent } from "../api/types.ts";
import { Age } from "./age.tsx";
import { eventLines } from "./events.ts";
import "./event-list.css";

/** What a device told, newest first. Long lists scroll. */
export function EventList({ events }: { events: readonly DeviceEvent[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reached by Tab.
    <section className="events-scroll" aria-label="Events, newest first" tabIndex={0}>
      <ol className="events" data-testid="device-events" reversed>
        {eventLines(events).map(({ event, words, detail, isOver, times }, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the same may happen twice in one moment.
          <li key={`${event.at} ${event.code} ${place}`} data-over={isOver}>
            <p className="event-words">
              {words}
              {event.component !== null && <span className="id"> {event.component}</span>}
              {times > 1 && <span className="tag">{times} times</span>}
            </p>
            <p className="event-when">
              <Age at={event.at} suffix=" ago" />
            </p>
            {detail !== "" && <p className="event-detail">{detail}</p>}
          </li>
        ))}
      </ol>
    </section>
  );
}
