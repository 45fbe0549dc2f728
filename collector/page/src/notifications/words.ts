/** Notifications in words, as people of a NOC would say them. Pure. */
import type { Channel, IncidentTold } from "../api/types.ts";

export type ToldOne = IncidentTold["told"][number];

export const OUTCOMES = ["delivered", "retry", "failed"] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const OUTCOME_WORDS: Readonly<Record<Outcome, string>> = {
  delivered: "Delivered",
  retry: "Failed, is tried again",
  failed: "Given up",
};

/** How a channel is, worst first in its list. */
export type ChannelHealth = "down" | "failing" | "limited" | "ok" | "unused";

export function healthOf({ isDown, failure, isLimited, deliveredAt, waiting }: Channel): ChannelHealth {
  if (isDown) return "down";
  if (failure !== null) return "failing";
  if (isLimited && waiting > 0) return "limited";
  return deliveredAt === null ? "unused" : "ok";
}

export const HEALTH_WORDS: Readonly<Record<ChannelHealth, string>> = {
  down: "Does not work",
  failing: "Fails",
  limited: "At its limit",
  ok: "Works",
  unused: "Not used yet",
};

const WAITS: Readonly<Record<NonNullable<ToldOne["waits"]>, string>> = {
  quiet_hours: "Held by quiet hours",
  limit: "Waits for room in the limit of its channel",
  gathering: "Waits for what else comes",
  earlier: "Waits for an earlier one, which does not get through",
  retry: "Failed, is tried again",
  channel_down: "Its channel does not work",
  turn: "Is sent now",
};

/** What became of it, or what it waits for; `time` says when. */
export function stateText({ state, waits, nextAt, within }: ToldOne, time: (ms: number) => string): string {
  if (waits !== null) return nextAt === null ? WAITS[waits] : `${WAITS[waits]}, ${time(nextAt)}`;
  if (state === "failed") return "Given up";
  return within === null ? "Delivered" : "Delivered together with others";
}

export const eventText = (event: string): string => {
  const words = event.replaceAll("_", " ").replace("sla", "SLA");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** Of the log; what is empty is not asked for. */
export type LogFilter = { readonly channel: string; readonly outcome: Outcome | ""; readonly incident: string };

export const NO_FILTER: LogFilter = { channel: "", outcome: "", incident: "" };

export function parseLogFilter(search: string): LogFilter {
  const params = new URLSearchParams(search);
  const outcome = OUTCOMES.find((one) => one === params.get("outcome")) ?? "";
  return { channel: params.get("channel") ?? "", outcome, incident: params.get("incident") ?? "" };
}

export function formatLogFilter(filter: LogFilter): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(filter)) if (value !== "") params.set(key, value);
  return params.toString();
}

/** A person may write 17, inc-17 or INC-000017. */
export function incidentIdOf(written: string): string {
  const digits = /^(?:inc-?)?0*(\d{1,12})$/i.exec(written.trim())?.[1];
  return digits === undefined ? written.trim() : `INC-${digits.padStart(6, "0")}`;
}
