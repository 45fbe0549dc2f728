/** The board's whole view state and its spelling in the URL: what is not the default is written, nothing else. */
import { type Incident, isOpen, PRIORITIES, type Priority } from "../api/types.ts";

export const STATE_FILTERS = ["open", "new", "review", "resolved", "closed", "all"] as const;
export type StateFilter = (typeof STATE_FILTERS)[number];

/** Within a priority by age; or, over all priorities, by what is due first. */
export const ORDERS = ["oldest", "newest", "due"] as const;
export type Order = (typeof ORDERS)[number];

export type Filters = {
  readonly state: StateFilter;
  /** Empty means every priority. */
  readonly priorities: readonly Priority[];
  readonly site: string | null;
  readonly kind: string | null;
  readonly text: string;
  readonly order: Order;
  /** Keys of the unfolded groups of suppressed incidents. */
  readonly unfolded: readonly string[];
  readonly selected: string | null;
  readonly wall: boolean;
};

export const NO_FILTERS: Filters = {
  state: "open",
  priorities: [],
  site: null,
  kind: null,
  text: "",
  order: "oldest",
  unfolded: [],
  selected: null,
  wall: false,
};

/** A link is foreign input: longer texts are cut, more groups are dropped. */
const TEXT_MAX = 200;
const UNFOLDED_MAX = 50;

export function parseFilters(search: string): Filters {
  const query = new URLSearchParams(search);
  const wanted = new Set((query.get("priority") ?? "").split(","));
  return {
    state: STATE_FILTERS.find((state) => state === query.get("state")) ?? "open",
    priorities: PRIORITIES.filter((priority) => wanted.has(priority)),
    site: nonEmpty(query.get("site")),
    kind: nonEmpty(query.get("kind")),
    text: (query.get("q") ?? "").slice(0, TEXT_MAX),
    order: ORDERS.find((order) => order === query.get("order")) ?? "oldest",
    unfolded: [...new Set(query.getAll("unfold"))].filter((key) => key !== "").slice(0, UNFOLDED_MAX),
    selected: nonEmpty(query.get("selected")),
    wall: query.get("wall") === "1",
  };
}

const nonEmpty = (text: string | null): string | null => (text ? text.slice(0, TEXT_MAX) : null);

/** The query string without its question mark; empty for the plain board. */
export function formatFilters(filters: Filters): string {
  const query = new URLSearchParams();
  if (filters.state !== "open") query.set("state", filters.state);
  if (filters.priorities.length > 0) query.set("priority", filters.priorities.join(","));
  if (filters.site !== null) query.set("site", filters.site);
  if (filters.kind !== null) query.set("kind", filters.kind);
  if (filters.text !== "") query.set("q", filters.text);
  if (filters.order !== "oldest") query.set("order", filters.order);
  for (const key of filters.unfolded) query.append("unfold", key);
  if (filters.selected !== null) query.set("selected", filters.selected);
  if (filters.wall) query.set("wall", "1");
  return query.toString();
}

/** Does anything narrow the list down? Then an empty list is not good news. */
export const isNarrowed = (filters: Filters): boolean =>
  filters.priorities.length > 0 || filters.site !== null || filters.kind !== null || filters.text.trim() !== "";

export const matches = (incident: Incident, filters: Filters): boolean => matching(filters)(incident);

/** To be asked of thousands of incidents: what does not depend on them is worked out once. */
export function matching({ state, priorities, site, kind, text }: Filters): (incident: Incident) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return (incident) =>
    inState(incident, state) &&
    (priorities.length === 0 || priorities.includes(incident.priority)) &&
    (site === null || incident.subject.site === site) &&
    (kind === null || incident.kind === kind) &&
    (words.length === 0 || hasWords(incident, words));
}

function inState(incident: Incident, filter: StateFilter): boolean {
  if (filter === "all") return true;
  if (filter === "review") return isOpen(incident) && incident.review !== null;
  return filter === "open" ? isOpen(incident) : incident.state === filter;
}

/** Every word of the search must stand somewhere in what a person may know of an incident. */
function hasWords(incident: Incident, words: readonly string[]): boolean {
  const haystack = wordsOf(incident);
  return words.every((word) => haystack.includes(word));
}

/** Made when it is first searched, and kept as long as the incident is what it is: each letter searches all of them. */
const haystacks = new WeakMap<Incident, string>();

function wordsOf(incident: Incident): string {
  const known = haystacks.get(incident);
  if (known !== undefined) return known;
  const haystack = [
    incident.id,
    incident.title,
    incident.siteName,
    incident.subject.site,
    incident.deviceName,
    incident.subject.device,
    incident.subject.component,
    incident.rule,
    incident.assignee,
    incident.group,
  ]
    .join("\n")
    .toLowerCase();
  haystacks.set(incident, haystack);
  return haystack;
}
