/**
 * Logs are never rewritten, so what an older version wrote is read for ever, in the words of now. Stores pass what they
 * read through here; nothing else knows that there were other words.
 */
import { UNSAID } from "./log.ts";
import { type HeldFor, HOLD_REASONS, type Incident, type IncidentEvent } from "./types.ts";

/** As older versions wrote them: without the fields that came later, and with a hold's reason in free text. */
export type StoredIncident = Partial<Incident> &
  Pick<Incident, "id" | "version" | "state"> & { readonly holdReason?: string | null };
export type StoredEvent = IncidentEvent | OldHeld;
type OldHeld = Omit<Extract<IncidentEvent, { type: "held" }>, "reason" | "text"> & { readonly reason: string };

export function upcastEvent(event: StoredEvent): IncidentEvent {
  if (event.type !== "held" || "text" in event) return event;
  const { reason, ...rest } = event;
  return { ...rest, ...heldFor(reason) };
}

/** The fold as it was kept, with what was not said then. */
export function upcastIncident(stored: StoredIncident): Incident {
  const { holdReason, ...rest } = stored;
  const incident = { ...UNSAID, ...rest } as Incident;
  if (holdReason == null || "holdText" in stored) return { ...incident, holdReason: (holdReason ?? null) as HeldFor };
  const { reason, text } = heldFor(holdReason);
  return { ...incident, holdReason: reason, holdText: text };
}

function heldFor(words: string): { reason: HeldFor; text: string | null } {
  const known = HOLD_REASONS.find((reason) => reason === words);
  return known === undefined ? { reason: "unlisted", text: words } : { reason: known, text: null };
}
