import { useEffect, useState } from "react";
import { type Incident, isOpen } from "../api/types.ts";
import { live } from "../api/use-live.ts";

const REMEMBERED_MAX = 1_000;

/** Put down to something else, or planned: nobody is called for it. */
const isHushed = ({ suppressedBy, inactiveHours, maintenance }: Incident): boolean =>
  suppressedBy !== null || inactiveHours || maintenance !== null;

/** Tells a screen reader of each new P1 and P2, once. */
export function Announcer() {
  const [text, setText] = useState("");
  useEffect(() => {
    const told = new Set<string>();
    return live.onEvent((event) => {
      if (event.type !== "incident") return;
      const { incident } = event;
      const urgent = incident.priority === "P1" || incident.priority === "P2";
      const known = told.has(incident.id) || live.get().incidents.entries.has(incident.id);
      if (!urgent || known || !isOpen(incident) || isHushed(incident)) return;
      if (told.size >= REMEMBERED_MAX) told.clear();
      told.add(incident.id);
      setText(`New ${incident.priority}: ${incident.title}, ${incident.deviceName ?? "site"}, ${incident.siteName}`);
    });
  }, []);
  return (
    <div className="visually-hidden" aria-live="assertive">
      {text}
    </div>
  );
}
