import type { SiteCalendar } from "./incidents/calendar.ts";

/** A store or distribution centre, as sites.yaml names it. */
export type Site = SiteCalendar & {
  readonly id: string;
  readonly name: string;
  readonly format: "store" | "dc";
};

/** What a site is taken for that only an agent speaks for: sites.yaml may be filled in later. */
export const unlistedSite = (id: string): Site => ({
  id,
  name: id,
  format: "store",
  timeZone: "UTC",
  hours: null,
  closedDays: [],
});
