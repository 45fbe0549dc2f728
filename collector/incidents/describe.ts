import type { IncidentEvent } from "./types.ts";

/** One sentence for the timeline. */
export function describeEvent(event: IncidentEvent): string {
  return event.type;
}
