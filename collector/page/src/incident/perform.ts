/** Doing something to an incident, and what the person is told when it went otherwise. */
import type { Failure } from "../api/client.ts";
import type { Incident, IncidentAction, IncidentEvent } from "../api/types.ts";
import { api, live } from "../api/use-live.ts";
import { stateWord } from "../ui/badges.tsx";
import { actorName } from "../ui/format.ts";
import { notify } from "../ui/notice.tsx";

/**
 * Notes and ticked steps carry no version: they can't contradict anybody, and must not be lost because somebody else
 * did something at the same time.
 */
const isGuarded = ({ action }: IncidentAction): boolean => action !== "note" && action !== "check";

/**
 * Sends the action with the version that the person was looking at. When somebody else was faster nothing is saved:
 * the present state is fetched and said. Gives the incident as it is then; null when nothing was done.
 */
export async function performed(incident: Incident, action: IncidentAction): Promise<Incident | null> {
  const body = isGuarded(action) ? { ...action, version: incident.version } : action;
  const answer = await api.act(incident.id, body);
  if (answer.ok) {
    live.put(answer.value);
    return answer.value;
  }
  await tell(incident, answer.error);
  return null;
}

export const perform = async (incident: Incident, action: IncidentAction): Promise<boolean> =>
  (await performed(incident, action)) !== null;

async function tell(incident: Incident, failure: Failure): Promise<void> {
  if (failure.kind === "signed_out") {
    live.signedOut();
    return;
  }
  if (failure.kind !== "conflict") {
    notify(failure.message, true);
    return;
  }
  const now = await api.incident(incident.id);
  if (!now.ok) {
    notify(`Somebody changed ${incident.id} a moment ago, so nothing was saved. Look and try again.`, true);
    return;
  }
  live.put(now.value.incident);
  const { who, what } = lastAct(now.value.events, incident.version);
  const state = stateWord(now.value.incident.state).toLowerCase();
  const told = `${who} changed ${incident.id} a moment ago${what}, so nothing was saved. It is now: ${state}.`;
  notify(`${told} What you typed is still there.`, true);
}

/** Who was faster, and with what: the last person's, or what the collector wrote. */
export function lastAct(events: readonly IncidentEvent[], seenVersion: number): { who: string; what: string } {
  const since = events.filter(({ seq }) => seq > seenVersion);
  const last = since.findLast(({ actor }) => actor !== "system") ?? since.at(-1);
  if (last === undefined) return { who: "Somebody", what: "" };
  const text = last.text.length > TEXT_MAX ? `${last.text.slice(0, TEXT_MAX)}…` : last.text;
  return { who: last.actor === "system" ? "The collector" : actorName(last.actor), what: ` (${text})` };
}

const TEXT_MAX = 120;

/** As many as the collector takes in one request. */
const MANY_MAX = 500;

export type Refused = { readonly incident: Incident; readonly message: string };

/**
 * The same action on many incidents, each by itself and each guarded by the version that the person was looking at.
 * Gives those that were refused; null when nothing is known of it, for the collector did not answer.
 */
export async function performMany(
  incidents: readonly Incident[],
  action: IncidentAction,
): Promise<readonly Refused[] | null> {
  const refused: Refused[] = [];
  const guarded = isGuarded(action);
  for (let at = 0; at < incidents.length; at += MANY_MAX) {
    const some = incidents.slice(at, at + MANY_MAX);
    const targets = some.map(({ id, version }) => ({ id, ...(guarded && { version }) }));
    const answer = await api.actOnMany({ incidents: targets, action });
    if (!answer.ok) {
      if (answer.error.kind === "signed_out") live.signedOut();
      else notify(answer.error.message, true);
      return null;
    }
    for (const [index, { incident: now, error }] of answer.value.results.entries()) {
      if (now !== null) live.put(now);
      const asked = some[index];
      if (error !== null && asked !== undefined) refused.push({ incident: now ?? asked, message: error.message });
    }
  }
  return refused;
}

export async function acknowledge(incident: Incident): Promise<void> {
  if (incident.state !== "new") {
    notify(`${incident.id} is ${stateWord(incident.state).toLowerCase()} already.`);
    return;
  }
  if (await perform(incident, { action: "acknowledge" })) notify(`${incident.id} acknowledged.`);
}
