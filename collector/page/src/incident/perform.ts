/** Doing something to an incident, and what the person is told when it went otherwise. */
import type { Failure } from "../api/client.ts";
import type { Incident, IncidentAction } from "../api/types.ts";
import { api, live } from "../api/use-live.ts";
import { stateWord } from "../ui/badges.tsx";
import { notify } from "../ui/notice.tsx";

/**
 * Sends the action with the version that the person was looking at. When somebody else was faster nothing is saved:
 * the present state is fetched and said. A note carries no version: it can't contradict anybody.
 */
export async function perform(incident: Incident, action: IncidentAction): Promise<boolean> {
  const body = action.action === "note" ? action : { ...action, version: incident.version };
  const answer = await api.act(incident.id, body);
  if (answer.ok) {
    live.put(answer.value);
    return true;
  }
  await tell(incident, answer.error);
  return false;
}

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
  if (now.ok) live.put(now.value.incident);
  const state = now.ok ? ` It is now: ${stateWord(now.value.incident.state).toLowerCase()}.` : "";
  notify(`Somebody changed ${incident.id} a moment ago, so nothing was saved.${state} Look and try again.`, true);
}

export async function acknowledge(incident: Incident): Promise<void> {
  if (incident.state !== "new") {
    notify(`${incident.id} is ${stateWord(incident.state).toLowerCase()} already.`);
    return;
  }
  if (await perform(incident, { action: "acknowledge" })) notify(`${incident.id} acknowledged.`);
}
