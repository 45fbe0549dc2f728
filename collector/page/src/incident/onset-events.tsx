import { useEffect } from "react";
import type { Incident } from "../api/types.ts";
import { api, useLoad } from "../api/use-live.ts";
import { EventList } from "../ui/event-list.tsx";
import { around } from "../ui/events.ts";

/** As many as are kept of a device. */
const EVENTS_MAX = 200;

/** Traps, restarts, and whose word the fault is. An incident of a site has no device that could tell. */
export function OnsetEvents({ incident, device }: { incident: Incident; device: string }) {
  const { site } = incident.subject;
  const loaded = useLoad(`events ${site} ${device}`, () => api.events(site, { device, limit: EVENTS_MAX }));
  const { reload } = loaded;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the incident moved on, and the device may have told why.
  useEffect(reload, [incident.version, reload]);
  const events = around(loaded.value ?? [], incident.onset);
  if (events.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="onset-told-title">
      <h2 id="onset-told-title">
        What the device told <span className="panel-note">around the onset</span>
      </h2>
      <EventList events={events} />
    </section>
  );
}
