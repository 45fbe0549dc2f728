/**
 * Where a page of the incident list ended, as a cursor: in the order of urgency, or in the order of ids. Priorities change,
 * so a walk by urgency may meet an incident twice or pass it over; a walk by id does neither, whatever is written meanwhile.
 */
import type { Incident } from "../../incidents/types.ts";

export const LIST_ORDERS = ["urgency", "id"] as const;
export type ListOrder = (typeof LIST_ORDERS)[number];

/** The last row's place in the order. */
export type ListPlace = { readonly priority: string; readonly openedAt: number; readonly id: string };

export function cursorOf({ priority, openedAt, id }: Incident): string {
  return Buffer.from(JSON.stringify([priority, openedAt, id])).toString("base64url");
}

/** Null for what is no cursor of this list: it comes back through a URL. */
export function placeOf(cursor: string | null): ListPlace | null {
  if (cursor === null) return null;
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (!Array.isArray(place)) return null;
    const [priority, openedAt, id] = place as unknown[];
    return typeof priority === "string" && typeof openedAt === "number" && typeof id === "string"
      ? { priority, openedAt, id }
      : null;
  } catch {
    return null;
  }
}
