/** What /api/v1/stream sends, off the wire. */
import type { StreamEvent } from "./types.ts";

const TYPES: ReadonlySet<string> = new Set<StreamEvent["type"]>([
  "hello",
  "reset",
  "beat",
  "incident",
  "device",
  "values",
  "agent",
  "rules",
  "notifications",
]);

/** One event off the stream, or null for what this page does not know: a newer collector may say more. */
export function readStreamEvent(data: string): StreamEvent | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(data);
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null || !("type" in parsed)) return null;
  if (typeof parsed.type !== "string" || !TYPES.has(parsed.type)) return null;
  if (parsed.type === "incident" && !hasId(parsed)) return null;
  // The edge: the collector is ours and of the same release, so past its kind an event is taken at its word.
  return parsed as StreamEvent;
}

function hasId(event: object): boolean {
  const incident = "incident" in event ? event.incident : null;
  return typeof incident === "object" && incident !== null && "id" in incident && typeof incident.id === "string";
}
