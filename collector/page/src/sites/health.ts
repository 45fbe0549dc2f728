/** How a site or device stands, for order and colour. */
import { type Device, PRIORITIES, type Priority, type Site } from "../api/types.ts";

export const openCount = (site: Site, priority: Priority): number => site.incidents[priority] ?? 0;

export type Tone = "bad" | "warn" | "good" | "quiet";

export function toneOf(site: Site): Tone {
  if (openCount(site, "P1") > 0 || openCount(site, "P2") > 0) return "bad";
  if (site.down > 0 || PRIORITIES.some((priority) => openCount(site, priority) > 0)) return "warn";
  return site.devices > 0 && site.unknown < site.devices ? "good" : "quiet";
}

/** The site with the gravest incidents first, then by name. */
export function compareSites(a: Site, b: Site): number {
  for (const priority of PRIORITIES) {
    const more = openCount(b, priority) - openCount(a, priority);
    if (more !== 0) return more;
  }
  return b.down - a.down || a.name.localeCompare(b.name);
}

const STATES = ["down", "unreachable", "unknown", "up"] as const satisfies readonly Device["state"][];
const SEVERITIES = ["critical", "major", "minor", "info", null] as const satisfies readonly Device["worst"][];

/** What is down first, then what has the worst fault, then by id. */
export function compareDevices(a: Device, b: Device): number {
  return (
    STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
    SEVERITIES.indexOf(a.worst) - SEVERITIES.indexOf(b.worst) ||
    a.id.localeCompare(b.id, "en", { numeric: true })
  );
}
