/**
 * Which incidents are consequences of another one. Pure: what is said of an incident follows from itself, from the one
 * that it is put down to, and from the one that it hangs below.
 *
 * - What the engine suppresses names what is down above it (a device, a silent agent, a wider fault): it hangs below the
 *   incident of that. The engine names the topmost, so a tree is as deep as causes differ in kind, not as cables are long.
 * - What stands at many sites at once hangs below one incident of the fleet (fleet.ts).
 * - It stays there until its cause is over, and then for the settle time, in which most of it ends, too. What still fails
 *   then stands for itself: people are called once, by the event that says so.
 * - What recovered, or nobody works on any more, stays where it was: that is how it was.
 */
import { joinSubject } from "@aislewatch/contract";
import { AGENT_DEVICE_PREFIX } from "../own-reports.ts";
import { isEnded, isOpenState } from "./log.ts";
import { type Incident, incidentKey } from "./types.ts";

/** Its fault stands, and somebody should do something about it. */
export const isStanding = ({ state, recoveredAt }: Incident): boolean => isOpenState(state) && recoveredAt === null;

const AGENT = "agent:";
const WIDER = "rule:";

/**
 * The dedupe keys of the incidents that `suppressedBy` may mean, the likeliest first. `downRules` are the rules that say
 * of a device that it does not answer.
 */
export function causeKeys(suppressedBy: string, downRules: readonly string[]): string[] {
  if (suppressedBy.startsWith(WIDER)) {
    const at = suppressedBy.indexOf("@");
    const rule = suppressedBy.slice(WIDER.length, at);
    return [incidentKey(rule, subjectNamed(suppressedBy.slice(at + 1)))];
  }
  const isAgent = suppressedBy.startsWith(AGENT);
  const { site, device } = subjectNamed(isAgent ? suppressedBy.slice(AGENT.length) : suppressedBy);
  const own = { site, device: isAgent ? `${AGENT_DEVICE_PREFIX}${device ?? ""}` : device, component: null };
  return downRules.map((rule) => incidentKey(rule, own));
}

/** `site`, `site/device` or `site/device#component`, as the engine names what is to blame. */
function subjectNamed(name: string): Incident["subject"] {
  const slash = name.indexOf("/");
  if (slash < 0) return { site: name, device: null, component: null };
  const [device = "", component = null] = name.slice(slash + 1).split("#", 2);
  return { site: name.slice(0, slash), device, component };
}

/** The names by which others may be suppressed by this one. */
export function namesOf({ rule, subject }: Pick<Incident, "rule" | "subject">, downRules: readonly string[]): string[] {
  const { site, device, component } = subject;
  const names = [`${WIDER}${rule}@${device === null ? site : `${site}/${joinSubject(device, component)}`}`];
  if (device === null || component !== null || !downRules.includes(rule)) return names;
  names.push(`${site}/${device}`);
  if (device.startsWith(AGENT_DEVICE_PREFIX)) names.push(`${AGENT}${site}/${device.slice(AGENT_DEVICE_PREFIX.length)}`);
  return names;
}

export type Around = {
  /** The incident of what it is suppressed by, which has not ended; the one that people work on when that was merged. */
  readonly cause: Incident | null;
  /** The one that it hangs below now, ended or not. */
  readonly parent: Incident | null;
};

export type Place =
  | { readonly is: "as_it_is" }
  /** As it is until then, unless something happens. */
  | { readonly is: "until"; readonly at: number }
  | { readonly is: "below"; readonly parent: string; readonly why: string }
  | { readonly is: "by_itself"; readonly why: string };

const AS_IT_IS: Place = { is: "as_it_is" };

/** Where an incident belongs. Candidates for the fleet are those that stand by themselves after this. */
export function placeOf(child: Incident, { cause, parent }: Around, settleMs: number, nowMs: number): Place {
  if (!isStanding(child)) return AS_IT_IS;
  if (cause !== null && cause.id !== child.id && cause.recoveredAt === null) {
    return child.parent === cause.id ? AS_IT_IS : { is: "below", parent: cause.id, why: whyBelow(child) };
  }
  if (child.parent === null) return AS_IT_IS;
  // Whatever hides it now, nobody is called for it; but what has ended is no place to hang below.
  if (child.suppressedBy !== null) return parent === null || isEnded(parent) ? byItself(parent) : AS_IT_IS;
  if (parent?.fleet !== undefined && isStanding(parent)) return AS_IT_IS;
  const at = overSince(child, parent) + settleMs;
  return nowMs < at ? { is: "until", at } : byItself(parent);
}

/** Since when there is no cause for it any more. */
function overSince({ cause }: Incident, parent: Incident | null): number {
  if (parent?.fleet === undefined && cause?.until != null) return cause.until;
  return parent === null ? 0 : overAt(parent);
}

/** When an incident was first over, of the last time that it is. */
export function overAt({ recoveredAt, resolvedAt, closedAt }: Incident): number {
  const instants = [recoveredAt, resolvedAt, closedAt].filter((at) => at !== null);
  return instants.length === 0 ? 0 : Math.min(...instants);
}

const byItself = (parent: Incident | null): Place => ({
  is: "by_itself",
  why: parent === null ? "its cause is gone" : `${parent.id} ${fateOf(parent)}, and it still fails`,
});

function fateOf({ state, recoveredAt }: Incident): string {
  if (recoveredAt !== null) return "recovered";
  return isOpenState(state) ? "hides it no more" : `is ${state}`;
}

function whyBelow({ suppressedBy }: Incident): string {
  const by = suppressedBy ?? "";
  if (by.startsWith(WIDER)) return `it is part of a wider fault (${by.slice(WIDER.length, by.indexOf("@"))})`;
  const name = by.slice(by.indexOf("/") + 1);
  return by.startsWith(AGENT) ? `its agent ${name} is silent` : `it depends on ${name}, which is down`;
}

/** Devices that depend on one another in a circle, or rules that do: what is longer is a mistake in somebody's files. */
const CIRCLE_MAX = 64;

/** In a circle of causes one stays on top, whatever came first: the one with the least dedupe key. */
export function isTopOfCircle(one: Incident, causeOf: (incident: Incident) => Incident | null): boolean {
  const key = (of: Incident): string => incidentKey(of.rule, of.subject);
  const seen = new Set<string>();
  let least = key(one);
  for (let at = causeOf(one); at !== null && seen.size < CIRCLE_MAX; at = causeOf(at)) {
    if (at.id === one.id) return least === key(one);
    if (seen.has(at.id)) return false;
    seen.add(at.id);
    if (key(at) < least) least = key(at);
  }
  return false;
}

/** On the way up from `from`, the one that hangs directly below `child`; null when the way does not lead there. */
export function linkBelow(
  child: Incident,
  from: Incident,
  parentOf: (incident: Incident) => Incident | null,
): Incident | null {
  let at: Incident | null = from;
  for (let steps = 0; at !== null && steps < CIRCLE_MAX; steps++) {
    if (at.parent === child.id) return at;
    at = parentOf(at);
  }
  return null;
}
